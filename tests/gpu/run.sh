#!/usr/bin/env bash
# Build, correctness, sanitizer, measurements, peers, one table. From anywhere:  tests/gpu/run.sh [check|bench|all]
# Results: $OUT if set, else build/gpu-out. A part that fails is reported and does not stop the next.
# SPANSCOPE_GPU_BUDGET: seconds for everything (default 470). SPANSCOPE_COMMIT: commit to print where git is not at hand.
set -u
cd "$(dirname "$0")/../.."
what=${1:-all}
out=${OUT:-$PWD/build/gpu-out}
build=${SPANSCOPE_GPU_BUILD:-$PWD/build/gpu}
budget=${SPANSCOPE_GPU_BUDGET:-470}
mkdir -p "$out"
export PYTHONUNBUFFERED=1
failed=0

# part NAME LIMIT COMMAND...: its last lines on the screen, all of it in $out/NAME.log
part() {
    local name=$1 limit=$2; shift 2
    local left=$((budget - SECONDS))
    if [ "$left" -lt 5 ]; then echo "== $name: skipped, no time left"; echo "$name: skipped, no time left" >>"$out/checks.txt"; return 1; fi
    [ "$limit" -gt "$left" ] && limit=$left
    local began=$SECONDS rc=0
    timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1 || rc=$?
    echo "== $name: rc $rc, $((SECONDS - began)) s (total $SECONDS s)"
    tail -n "${lines:-6}" "$out/$name.log" | cut -c1-220
    [ "$rc" -ne 0 ] && failed=1
    return $rc
}
checked() {  # the same, and its verdict goes into the report
    local name=$1
    if part "$@"; then echo "$name: ok, $(tail -n 1 "$out/$name.log" | cut -c1-160)" >>"$out/checks.txt"
    else echo "$name: FAILED, see $name.log: $(tail -n 1 "$out/$name.log" | cut -c1-160)" >>"$out/checks.txt"; fi
}

rm -f "$out"/checks.txt "$out"/lines.jsonl
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>/dev/null || echo "no nvidia-smi"
generator=$(command -v ninja >/dev/null && echo Ninja || echo "Unix Makefiles")
lines=3 part configure 60 cmake -S tests/gpu -B "$build" -G "$generator" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CUDA_ARCHITECTURES="${SPANSCOPE_GPU_ARCH:-90-real}"
lines=12 part build 240 cmake --build "$build" --parallel "$(nproc)" || { echo "no build, nothing to run"; exit 1; }
tests=$build/tests

checked cuda_split_test 30 "$tests/cuda_split_test"
lines=20
checked gpu_gemv_test 60 "$tests/gpu_gemv_test"
checked gpu_attention_test 120 "$tests/gpu_attention_test"
checked gpu_model_test 120 "$tests/gpu_model_test"
lines=6
if [ "$what" != bench ]; then
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck; do
            for t in gpu_attention_test gpu_gemv_test gpu_model_test; do
                checked "$tool-$t" 60 compute-sanitizer --tool $tool --error-exitcode 9 "$tests/$t" --short
            done
        done
    else
        echo "compute-sanitizer: not installed, not run" | tee -a "$out/checks.txt"
    fi
fi
if [ "$what" != check ]; then
    lines=40
    for group in limits attention steps prefill matvec; do part "bench-$group" 120 "$tests/bench_cuda" "$out/lines.jsonl" $group; done
    lines=25
    left=$((budget - SECONDS - 10))
    [ "$left" -gt 20 ] && part peers "$left" "${PYTHON:-python3}" tests/gpu/bench_peers.py "$out/lines.jsonl" "$((left - 5))"
    python3 tests/gpu/report.py "$out/lines.jsonl" "$out/checks.txt" "$out/h200.md" >"$out/report.log" 2>&1 || cat "$out/report.log"
fi
echo "== checks"; cat "$out/checks.txt"
[ -f "$out/h200.md" ] && sed -n '/^## Attention/,$p' "$out/h200.md" | cut -c1-170
# Files that come back: everything in two archives, the table on its own.
tar -C "$out" -czf "$out/logs.tar.gz" --exclude=logs.tar.gz . 2>/dev/null && rm -f "$out"/*.log
exit $failed
