#!/usr/bin/env bash
# The table of docs/lossless.md: equality on 1,000 problems, acceptance, tokens a pass, and speed beside dense and
# declared runs of the same call. Half an hour on two cores; nothing else should run beside it.
#   resources/bench/lossless.sh
# Rows of SmolLM2 want `./run model smollm2` before, and are left out without it.
set -euo pipefail
cd "$(dirname "$0")/../.."
cli=${SPANSCOPE_CLI:-build/release/bin/spanscope-cli}
parts=${LOSSLESS_PARTS:-$(mktemp -d)}  # kept where named: what is there is not measured again
mkdir -p "$parts"
[ -n "${LOSSLESS_PARTS:-}" ] || trap 'rm -rf "$parts"' EXIT
sheet() {  # of so many lines
    python3 - "$1" <<'PY'
import sys
print("17+25\n60-42")
for k in range(3, int(sys.argv[1]) + 1):
    print(f"{k}*{3 + k % 7}" if k % 5 == 0 else f"${1 + k * 37 % 101 % (k - 1)}{'+-'[k % 2]}{11 + k * 37 % 80}")
PY
}
once() {  # name, arguments: their output to the part of that name
    local to=$parts/$1.json
    shift
    [ -s "$to" ] || { "$cli" "$@" --json >"$to.new" && mv "$to.new" "$to"; }
}
smollm2=resources/models/smollm2-135m-spans
once eval-expression eval --task expression --count 500 --operators 1-12 --seed 5 --attention dense,lossless=8
once eval-sheet eval --task sheet --count 500 --lines 1-12 --seed 5 --attention dense,lossless=8
sheet 100 >"$parts/sheet100.txt"
once run-sheet100 run --task sheet -f "$parts/sheet100.txt" --attention dense,declared,lossless,lossless=4,lossless=16
sheet 30 >"$parts/sheet30.txt"
once run-sampled run --task sheet -f "$parts/sheet30.txt" --temp 1 --seed 1 --attention dense,lossless=8
if "$cli" info -m "$smollm2" >/dev/null 2>&1; then
    sheet 64 >"$parts/sheet64.txt"
    once run-smollm2-sheet64 run -m "$smollm2" --task sheet -f "$parts/sheet64.txt" --attention dense,declared,lossless,lossless=8
    sheet 90 >"$parts/sheet90.txt"
    once run-smollm2-sheet90 run -m "$smollm2" --task sheet -f "$parts/sheet90.txt" --attention dense,declared,lossless=8
    once eval-smollm2-news eval -m "$smollm2" --task news --count 20 --seed 5 --attention dense,declared,lossless=8
fi
python3 - "$parts" docs/lossless.md <<'PY'
import json, os, re, sys
parts, page = sys.argv[1:]
def part(name):
    path = f"{parts}/{name}.json"
    return json.load(open(path)) if os.path.exists(path) else None
out = ["| problems | the same tokens as dense | drafted | accepted | rejected | acceptance per token | tokens a pass |", "|---|---|---|---|---|---|---|"]
names = {"eval-expression": "expressions, 1-12 operators, lossless=8", "eval-sheet": "sheets, 1-12 lines, lossless=8",
         "eval-smollm2-news": "SmolLM2: reports, lossless=8"}
device = ""
for name, label in names.items():
    d = part(name)
    if not d: continue
    device = device or f"{d['device']}"
    r = next(r for r in d["rows"] if r["attention"].startswith("lossless"))
    out.append(f"| {label} | {r['n_same_as_dense']} of {r['n']} | {r['drafted']:,} | {r['accepted']:,} | {r['rejected']:,} | {r['acceptance']:.4f} | {r['tokens_per_pass']:.2f} |")
out += ["", "| one run | attention | context at the end | tokens/s | times dense | the same tokens as dense | acceptance | tokens a pass | drafted token, ms | pass, ms |", "|---|---|---|---|---|---|---|---|---|---|"]
runs = {"run-sheet100": "Spanscope arithmetic, sheet of 100 lines", "run-smollm2-sheet64": "SmolLM2-135M, sheet of 64 lines",
        "run-smollm2-sheet90": "SmolLM2-135M, sheet of 90 lines", "run-sampled": "Spanscope arithmetic, sheet of 30 lines, temperature 1"}
threads = 0
for name, label in runs.items():
    d = part(name)
    if not d: continue
    dense = d["runs"][0]
    for r in d["runs"]:
        threads = r["n_threads"]
        v = r.get("verify_passes", 0)
        same = "-" if r is dense else "yes" if r["tokens"] == dense["tokens"] else "no"
        drafts = (f"{r['acceptance']:.4f} | {r['tokens_per_pass']:.2f} | {r['draft_ms'] / max(1, r['drafted']):.2f} | {r['verify_ms'] / v:.2f}" if v else "- | - | - | -")
        out.append(f"| {label} | {r['attention']} | {r['prompt_n'] + r['predicted_n']:,} | {r['predicted_per_second']:.0f} | "
                   f"{r['predicted_per_second'] / dense['predicted_per_second']:.2f} | {same} | {drafts} |")
out += ["", f"{device}, {threads} threads. Made by `resources/bench/lossless.sh`; runs of one call take turns of 16 tokens."]
text = open(page).read()
text = re.sub(r"(<!-- measured: [^\n]*-->\n).*?(<!-- end -->)", lambda m: m[1] + "\n" + "\n".join(out) + "\n\n" + m[2], text, flags=re.S)
open(page, "w").write(text)
PY
