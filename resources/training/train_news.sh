#!/bin/sh
# Trains a small news model from scratch and writes it to the folder $1.
# ARTICLES=FILE.jsonl[.gz] names the articles ({"id", "title", "body"} a line). SECONDS_BUSY, WORKERS, PYTHON, WRITER and
# further options of train.py (after the folder) can be set; `train_news.sh FOLDER --resume` goes on.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?names the folder to write}
shift
: "${ARTICLES:?names the articles to learn from, a file of JSON Lines with id, title and body}"
python=${PYTHON:-python3}
writer=${WRITER:-$root/build/release/bin/spanscope-cli}
run=${RUN:-$root/out/train-news}
tokenizer=${TOKENIZER:-$model/tokenizer.model}
mkdir -p "$run" "$model"
if [ ! -f "$tokenizer" ]; then
    "$python" "$here/articles.py" "$ARTICLES" --part train |
        "$writer" dataset --task news --in - --count -1 --text-only --out "$run/articles.jsonl"
    "$writer" dataset --task news --in synthetic --count 4000 --seed 77 --text-only --out "$run/synthetic.jsonl"
    "$python" "$here/tokenizer.py" text --in "$run/articles.jsonl" "$run/synthetic.jsonl" --vocab 4096 --out "$tokenizer"
fi
"$python" "$here/train.py" --recipe "$here/recipes/news.json" --writer "$writer" --tokenizer "$tokenizer" \
    --articles "$ARTICLES" --busy-seconds "${SECONDS_BUSY:-600}" ${WORKERS:+--workers "$WORKERS"} --out "$run" "$@"
for file in "$run"/model/*; do cp "$file" "$model/"; done
