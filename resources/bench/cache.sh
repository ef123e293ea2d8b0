#!/usr/bin/env bash
# What the default type of the KV cache is worth: the plain command beside --kv-type f32, on the bundled model and on a large
# shape. Two minutes on a GPU.   resources/bench/cache.sh [SHAPE] [DEPTH] [bench arguments, e.g. --backend cuda]
# Writes resources/bench/cache.json, from which resources/bench/fill_readme.py fills README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
shape=${1:-llama-7b} depth=${2:-4096}
shift $(($# < 2 ? $# : 2))
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
for kv in default f32; do
    asked=()
    [ "$kv" = default ] || asked=(--kv-type "$kv")
    "$cli" bench -p 0 -n 64 -d 256 -r 3 --attention dense,declared "${asked[@]}" "$@" -o json >"$parts/1-$kv.json"
    "$cli" bench --random-weights "$shape" --weight-type bf16 -p 0 -n 32 -d "$depth" -r 3 --attention dense,keep=512,window=512 "${asked[@]}" "$@" -o json >"$parts/2-$kv.json"
done
python3 - "$parts" resources/bench/cache.json <<'PY'
import glob, json, sys
rows = [row for path in sorted(glob.glob(sys.argv[1] + "/*.json")) for row in json.load(open(path))]
json.dump(rows, open(sys.argv[2], "w"), indent=1)
PY
