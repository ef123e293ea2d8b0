#!/bin/sh
# Data sets of the news task: train, validation and test lines from real newswire, and synthetic reports beside them.
#
#   resources/training/news_data.sh DATA OUT [TOKENIZER]
#
# DATA holds train.jsonl.gz and test.jsonl.gz (or .jsonl), lines of {"id", "title", "body"}. Mind the licence of the
# articles, and never commit their text or what this script writes from it; Reuters-21578 is for research only.
# OUT gets articles-{train,val,test}.jsonl, synthetic-{train,val,test}.jsonl, corpus.txt for tokenizer.py, and stats/.
# Without TOKENIZER (a tokenizer.model) the lines carry text only and no token ids; MAX_TOKENS then has no effect.
#
# Split: ids of DATA/train in 95 of 100 hash buckets are training, the other 5 validation; DATA/test is test. Test and
# validation articles that share half of their word 8-grams with training are left out; stats/overlap-*.txt says what is left.
set -eu
if [ $# -lt 2 ]; then
    sed -n '2,13p' "$0" >&2
    exit 2
fi
data=$1
out=$2
tokenizer=${3:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
writer=${WRITER:-$root/build/release/bin/spanscope-cli}
synthetic=${SYNTHETIC:-40000}
max_tokens=${MAX_TOKENS:-1500}
[ -x "$writer" ] || { echo "$writer is missing: build first (./run build)" >&2; exit 2; }
mkdir -p "$out/stats"

plain() {  # part -> a plain .jsonl file, unpacked beside the output
    if [ -f "$data/$1.jsonl" ]; then
        echo "$data/$1.jsonl"
    elif [ -f "$data/$1.jsonl.gz" ]; then
        gzip -dc "$data/$1.jsonl.gz" >"$out/raw-$1.jsonl"
        echo "$out/raw-$1.jsonl"
    else
        echo "$data has neither $1.jsonl nor $1.jsonl.gz" >&2
        exit 3
    fi
}

if [ -n "$tokenizer" ]; then
    mode="--tokenizer $tokenizer --max-tokens $max_tokens"
else
    mode="--text-only"
fi
write() {  # name, arguments
    name=$1
    shift
    # shellcheck disable=SC2086
    "$writer" dataset --task news $mode --out "$out/$name.jsonl" "$@" 2>"$out/stats/$name.txt" || { cat "$out/stats/$name.txt" >&2; exit 3; }
    echo "== $name" >&2
    cat "$out/stats/$name.txt" >&2
}

train=$(plain train)
test=$(plain test)
write articles-train --in "$train" --ids 1-95
write articles-val --in "$train" --ids 96-100 --not-like "$out/articles-train.jsonl"
write articles-test --in "$test" --not-like "$train"
write synthetic-train --in synthetic --count "$synthetic" --seed 1
write synthetic-val --in synthetic --count 500 --seed 2
write synthetic-test --in synthetic --count 500 --seed 3
for part in val test; do
    "$writer" dataset --task news --overlap-with "$out/articles-train.jsonl" --in "$out/articles-$part.jsonl" >"$out/stats/overlap-articles-$part.txt"
    "$writer" dataset --task news --overlap-with "$out/synthetic-train.jsonl" --in "$out/synthetic-$part.jsonl" >"$out/stats/overlap-synthetic-$part.txt"
    sed -s -n '1,4p' "$out/stats/overlap-articles-$part.txt" "$out/stats/overlap-synthetic-$part.txt" >&2
done

# Text for tokenizer.py: prompts and answers of the training parts only, a quarter of it synthetic. Special pieces are cut out.
python3 - "$out" <<'PY'
import json, re, sys
out = sys.argv[1]
special = re.compile(r"<(?:in|out)>\d+<:>|</?attend>|<global>|<local>|<:>")
size = 0
with open(f"{out}/corpus.txt", "w", encoding="utf-8") as corpus:
    for name, share in (("articles-train", None), ("synthetic-train", 1 / 3)):
        limit = None if share is None else size * share
        written = 0
        for line in open(f"{out}/{name}.jsonl", encoding="utf-8"):
            row = json.loads(line)
            text = special.sub("", row["prompt"] + row["response"])
            written += corpus.write(text)
            if limit is not None and written > limit:
                break
        size += written
PY
rm -f "$out"/raw-*.jsonl
echo "Done: $out. Tokenizer: python3 resources/training/tokenizer.py text --in $out/corpus.txt --vocab 6000 --out DIR/tokenizer.model" >&2
