#!/usr/bin/env bash
# Declared spans beside rules that read as much: quality against tokens attended, as policies.json, policies.md, policies.svg.
#   resources/bench/policies.sh [COUNT] [PRETRAINED]     problems a point; default 200, and as many of the pretrained model; matplotlib for the plot
# Expressions and sheets by the bundled model, sheets and news by SmolLM2-135M with the bundled adapter (./run model smollm2).
# On the CPU: streaming-reassigned, quest, triforce, snapkv, vegas and oracle are asked head by head, which the CUDA backend does not do. Greedy, fresh problems.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-200} pretrained=${2:-${1:-200}}
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=${SPANSCOPE_PARTS:-out/policies}  # a task that is finished stays here, so that a run that was cut off goes on
mkdir -p "$parts"
attention=dense,declared,streaming,streaming-reassigned,quest,triforce,vegas,oracle,random,snapkv=20%,snapkv=40%,snapkv=60%
run() {  # name, arguments of eval
    local part=$parts/$1.json
    shift
    [ -s "$part" ] || "$cli" eval "$@" --attention "$attention" --budget declared,20%,40%,60% --json >"$part.new"
    [ -s "$part" ] || mv "$part.new" "$part"
}
spans=resources/models/smollm2-135m-spans
run arith-expression --task expression --operators 9-16 --count "$count" --seed 900000101
run arith-sheet --task sheet --lines 16 --count "$count" --seed 900000102
run smollm2-sheet -m "$spans" --task sheet --lines 8 --count "$pretrained" --seed 900000103
run smollm2-news -m "$spans" --task news --count "$pretrained" --seed 900000104
python3 resources/bench/plot_policies.py "$parts" resources/bench
