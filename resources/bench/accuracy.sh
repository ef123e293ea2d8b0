#!/usr/bin/env bash
# The bundled model's accuracy: free-running greedy decoding on fresh problems of every cell of shape, size and digits, dense and
# declared side by side. Seeds from 900,000,000 on are never used in training.
#   resources/bench/accuracy.sh [COUNT] [LONG] [eval arguments, e.g. --backend cuda --batch 64 --jobs 4]
# COUNT problems in each cell, LONG in those of sheets of more than 16 lines. Writes resources/bench/shapes.json, from which
# resources/bench/fill_readme.py fills README.md and the model cards. SPANSCOPE_SHAPES: another file, shapes-smollm2.json for the adapter
# (with -m BASE --adapter resources/models/smollm2-135m-spans).
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-500} long=${2:-100}
shift $(($# < 2 ? $# : 2))
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
out=${SPANSCOPE_SHAPES:-resources/bench/shapes.json}
parts=${SPANSCOPE_PARTS:-out/shapes}  # a task that is finished stays here, so that a run that was cut off goes on
mkdir -p "$parts"
for task in expression sheet; do
    part=$parts/$task.json
    [ -s "$part" ] || "$cli" eval --shapes --task "$task" --count "$count" --long-count "$long" --seed 900600001 --attention both --json "$@" >"$part.new"
    [ -s "$part" ] || mv "$part.new" "$part"
done
python3 resources/bench/join_shapes.py "$parts"/expression.json "$parts"/sheet.json >"$out.new"
mv "$out.new" "$out"
