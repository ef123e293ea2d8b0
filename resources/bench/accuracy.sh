#!/usr/bin/env bash
# The bundled model's accuracy table: free-running greedy decoding on fresh problems, dense and declared side by side.
# Seeds from 900,000,000 on are never used in training. Long dense sheets take minutes each on a small CPU, so sheets of
# 64 and 100 lines have counts of their own.
#   resources/bench/accuracy.sh OUT.json [COUNT] [LONG_DECLARED] [LONG_DENSE] [eval arguments, e.g. --backend cuda --batch 64]
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?output file} count=${2:-500} long=${3:-$count} longDense=${4:-$long}
shift $(($# < 4 ? $# : 4))
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=${SPANSCOPE_PARTS:-$out.parts}  # finished rows stay here, so that a run that was cut off goes on
mkdir -p "$parts"
n=0 seed=900500001
one() {  # name, problems declared, problems dense, arguments
    local name=$1 part mode number
    n=$((n + 1)) seed=$((seed + 1))
    for mode in declared:$2 dense:$3; do
        number=${mode#*:} mode=${mode%:*}
        part=$parts/$(printf %02d "$n").$mode.json
        [ -s "$part" ] || "$cli" eval --count "$number" --seed "$seed" --attention "$mode" --json "${@:4}" >"$part.new"
        [ -s "$part" ] || mv "$part.new" "$part"
    done
    printf '%s\n' "$name" >"$parts/$(printf %02d "$n").name"
}
for lines in 64 100; do one "sheet, $lines lines" "$long" "$longDense" --task sheet --lines "$lines" "$@"; done
for lines in 4 16; do one "sheet, $lines lines" "$count" "$count" --task sheet --lines "$lines" "$@"; done
for operators in 1-4 5-8 9-16; do one "expression, $operators operators" "$count" "$count" --task expression --operators "$operators" "$@"; done
python3 - "$parts" "$out" <<'PY'
import glob, json, sys
problems = []
for path in sorted(glob.glob(sys.argv[1] + "/*.name")):
    both = [json.load(open(path[:-4] + mode + ".json")) for mode in ("dense", "declared")]
    problems.append({"name": open(path).read().strip(), "seed": both[0]["seed"], "rows": [b["rows"][0] for b in both]})
order = {"expression": 0, "sheet": 1}
problems.sort(key=lambda p: (order[p["name"].split(",")[0]], int(p["name"].split(",")[1].split()[0].split("-")[-1])))
last = both[1]
json.dump({"model": last["model"], "model_hash": last["model_hash"], "backend": last["backend"], "device": last["device"],
           "problems": problems}, open(sys.argv[2], "w"), indent=1)
PY
