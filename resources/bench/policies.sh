#!/usr/bin/env bash
# Declared spans beside rules that read as much: quality against tokens attended, as policies.json, policies.md, policies.svg.
#   policies.sh [PROBLEMS]     problems a point, default 200; needs matplotlib for the plot
# Expressions and sheets by the bundled model, sheets and news by SmolLM2-135M with the bundled adapter (./run model smollm2).
# On the CPU: quest, triforce, snapkv and oracle choose head by head, which the CUDA backend does not do. Greedy, fresh problems.
set -euo pipefail
cd "$(dirname "$0")/../.."
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
n=${1:-200}
out=resources/bench
rules=streaming,quest,triforce,oracle,random
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() {  # name, attention, budgets, arguments of eval
    local name=$1 attention=$2 budgets=$3
    shift 3
    "$cli" eval "$@" --attention "$attention" --budget "$budgets" --json >"$work/$name.json"
}
spans=resources/models/smollm2-135m-spans
budgets=declared,10%,20%,40%,60%,80%
snapkv=snapkv=20%,snapkv=40%,snapkv=60%,snapkv=80%
run arith-expression "dense,declared,$rules,$snapkv" "$budgets" --task expression --operators 9-16 --count "$n" --seed 900000101
run arith-sheet "dense,declared,$rules,$snapkv" "$budgets" --task sheet --lines 16 --count "$n" --seed 900000102
run smollm2-sheet "dense,declared,$rules,$snapkv" "$budgets" -m "$spans" --task sheet --lines 8 --count "$n" --seed 900000103
run smollm2-news "dense,declared,$rules,$snapkv" "$budgets" -m "$spans" --task news --count "$n" --seed 900000104
python3 "$out/plot_policies.py" "$work" "$out"
