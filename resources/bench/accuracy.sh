#!/usr/bin/env bash
# The bundled model's accuracy table: free-running greedy decoding on fresh problems, dense and declared side by side.
# Seeds from 900,000,000 on are never used in training. Extra arguments go to `eval` (--backend cuda --batch 64).
#   resources/bench/accuracy.sh COUNT OUT.json [ARGS...]
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:?count} out=${2:?output file}
shift 2
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
seed=900500001
one() {  # name, arguments
    local name=$1
    shift
    "$cli" eval --count "$count" --seed "$seed" --attention both --json "$@" >"$parts/$(printf %03d "$n").json"
    printf '%s\n' "$name" >"$parts/$(printf %03d "$n").name"
    n=$((n + 1)) seed=$((seed + 1))
}
n=0
for operators in 1-4 5-8 9-16; do one "expression, $operators operators" --task expression --operators "$operators" "$@"; done
for lines in 4 16 64 100; do one "sheet, $lines lines" --task sheet --lines "$lines" "$@"; done
python3 - "$parts" "$out" <<'PY'
import glob, json, sys
problems, last = [], {}
for path in sorted(glob.glob(sys.argv[1] + "/*.json")):
    last = json.load(open(path))
    problems.append({"name": open(path[:-4] + "name").read().strip(), "seed": last["seed"], "rows": last["rows"]})
json.dump({"model": last["model"], "model_hash": last["model_hash"], "backend": last["backend"], "device": last["device"],
           "problems": problems}, open(sys.argv[2], "w"), indent=1)
PY
