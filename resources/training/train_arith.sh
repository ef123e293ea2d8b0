#!/bin/sh
# Trains the bundled arithmetic model and writes it to resources/models/arith (or to the folder given as $1).
# MINUTES, WORKERS, PYTHON, WRITER and further options of train.py (after the folder) can be set; a run that was
# interrupted goes on with `train_arith.sh FOLDER --resume`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:-$root/resources/models/arith}
[ $# -gt 0 ] && shift
python=${PYTHON:-python3}
writer=${WRITER:-$root/build/release/bin/spanscope-cli}
run=${RUN:-$root/out/train-arith}
mkdir -p "$run" "$model"
tokenizer=$root/resources/models/arith/tokenizer.model
[ -f "$tokenizer" ] || "$python" "$here/tokenizer.py" arith --out "$tokenizer"
"$python" "$here/train.py" --recipe "$here/recipes/arith.json" --writer "$writer" --tokenizer "$tokenizer" \
    --minutes "${MINUTES:-13}" ${WORKERS:+--workers "$WORKERS"} --out "$run" "$@"
for file in "$run"/model/*; do cp "$file" "$model/"; done
