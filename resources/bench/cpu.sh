#!/usr/bin/env bash
# CPU figures for README.md: llama-1b's shape in three formats, attention's share at depth, the bundled model's curve, and
# a sheet of 100 lines in both modes. Two minutes on two cores; nothing else should run beside it.
#   resources/bench/cpu.sh [REPETITIONS]
set -euo pipefail
cd "$(dirname "$0")/../.."
r=${1:-3}
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
"$cli" bench --random-weights llama-1b --weight-type bf16 -p 512 -n 32 -r "$r" -o json >"$parts/1.json"
for type in q8_0 q4_0; do "$cli" bench --random-weights llama-1b --weight-type "$type" -p 0 -n 32 -r "$r" -o json >"$parts/2$type.json"; done
"$cli" bench --random-weights llama-160m -p 0 -n 16 -d 16384 -r "$r" --attention dense,keep=512,scatter=512 -o json >"$parts/3.json"
"$cli" bench -p 0 -n 64 -d 256,4096 -r "$r" --attention dense,declared -o json >"$parts/4.json"
python3 - "$parts" resources/bench/cpu.json <<'PY'
import glob, json, sys
rows = [row for path in sorted(glob.glob(sys.argv[1] + "/*.json")) for row in json.load(open(path))]
json.dump(rows, open(sys.argv[2], "w"), indent=1)
PY
# The sheet of 100 lines among the window's samples, in slices of 16 steps taken in turn.
python3 - >"$parts/sheet.txt" <<'PY'
print("17+25\n60-42")
for k in range(3, 101):
    print(f"{k}*{3 + k % 7}" if k % 5 == 0 else f"${1 + k * 37 % 101 % (k - 1)}{'+-'[k % 2]}{11 + k * 37 % 80}")
PY
"$cli" run --task sheet -f "$parts/sheet.txt" --attention both --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
for r in d["runs"]:
    for key in ("text", "tokens", "violation_list"): r.pop(key, None)
json.dump(d, sys.stdout, indent=1)' >resources/bench/sheet100.json
