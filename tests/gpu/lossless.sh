#!/usr/bin/env bash
# Lossless decoding on CUDA: the same tokens as dense on many problems, alone and in batches, and the time of a round at llama-7b's shape.
#   tests/gpu/lossless.sh [COUNT]      problems of each model, kind of cache and batch (default 1000)
# Results: $OUT if set, else build/gpu-out: lossless.md, lossless.jsonl, lossless-*.json. Status 1 where a run differs from its dense one.
# SPANSCOPE_GPU_BUILD: the build of tests/gpu (default build/gpu). SPANSCOPE_CLI: a built spanscope-cli. LOSSLESS_PARTS: some of "bench eval".
# SPANSCOPE_GPU_MODELS: folders of resources/models (default arith). LOSSLESS_BATCHES, LOSSLESS_KV: default "8 1", "f32 bf16".
set -u
cd "$(dirname "$0")/../.." || exit
count=${1:-1000}
out=${OUT:-$PWD/build/gpu-out}
build=${SPANSCOPE_GPU_BUILD:-$PWD/build/gpu}
cli=${SPANSCOPE_CLI:-$PWD/build/release/bin/spanscope-cli}
parts=${LOSSLESS_PARTS:-bench eval}
backend=${SPANSCOPE_BACKEND:-cuda}
export SPANSCOPE_CUDA_PLUGIN=${SPANSCOPE_CUDA_PLUGIN:-$build/bin/libspanscope_cuda.so}
mkdir -p "$out"
failed=0
rows=()
touch "$out/lossless.jsonl"
report() { python3 tests/gpu/report_lossless.py "$out/lossless.jsonl" "$out/lossless.md" "${rows[@]}" >"$out/lossless.log" || failed=1; }
if [[ $parts == *bench* ]]; then
    "$build/tests/bench_cuda" "$out/lossless.jsonl" lossless || failed=1
    report
fi
same() {  # name, file, arguments of eval
    local name=$1 file=$out/lossless-$2.json
    shift 2
    echo "== eval $*"
    if ! "$cli" eval --backend "$backend" --attention dense,lossless=7 --seed 5 --json -q "$@" >"$file"; then
        failed=1
        return
    fi
    rows+=("$name=$file")
    python3 - "$file" <<'PY' || failed=1
import json, sys
r = next(r for r in json.load(open(sys.argv[1]))["rows"] if r["attention"].startswith("lossless"))
print(f"{r['n_same_as_dense']} of {r['n']} the same; accepted {r['accepted']}, rejected {r['rejected']}; {r['tokens_per_second']:.0f} tokens/s")
sys.exit(r["n_same_as_dense"] != r["n"] or r["n_failed"] > 0)
PY
    report
}
if [[ $parts == *eval* ]]; then
    half=$((count / 2 > 0 ? count / 2 : 1))
    for model in ${SPANSCOPE_GPU_MODELS:-arith}; do
        for batch in ${LOSSLESS_BATCHES:-8 1}; do
            for kv in ${LOSSLESS_KV:-f32 bf16}; do
                args=(-m "resources/models/$model" --batch "$batch" --kv-type "$kv" --count "$half")
                same "expressions, 1-12 operators; $kv cache" "$model-$kv-$batch-expression" "${args[@]}" --task expression --operators 1-12
                same "sheets, 1-12 lines; $kv cache" "$model-$kv-$batch-sheet" "${args[@]}" --task sheet --lines 1-12
            done
        done
    done
fi
cat "$out/lossless.md"
exit $failed
