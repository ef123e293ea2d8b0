#!/usr/bin/env bash
# The tables of docs/leak.md, leak.json and leak.svg. A quarter of an hour on two cores.
#   resources/bench/leak.sh
# Rows of SmolLM2 want `./run model smollm2` before, and are left out without it. The plot wants matplotlib.
set -euo pipefail
cd "$(dirname "$0")/../.."
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=${LEAK_PARTS:-$(mktemp -d)}  # kept where named: what is there is not measured again
mkdir -p "$parts"
[ -n "${LEAK_PARTS:-}" ] || trap 'rm -rf "$parts"' EXIT
once() {  # name, arguments: their output to the part of that name
    local to=$parts/$1.json
    shift
    [ -s "$to" ] || { "$cli" leak "$@" --json >"$to.new" && mv "$to.new" "$to"; }
}
smollm2=resources/models/smollm2-135m-spans
once arith-sheet --task sheet --count 400
once arith-expression --task expression --count 400
if "$cli" info -m "$smollm2" >/dev/null 2>&1; then
    once smollm2-sheet -m "$smollm2" --task sheet --count 80 --later 3 --twins 10
    once smollm2-expression -m "$smollm2" --task expression --count 80 --later 3 --twins 10
fi
python3 resources/bench/plot_leak.py "$parts" .
