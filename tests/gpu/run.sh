#!/usr/bin/env bash
# Build, correctness, sanitizer, measurements, peers, one table. From anywhere:  tests/gpu/run.sh [check|bench|all|final]
#   check  tests, also under compute-sanitizer
#   bench  tests, measurements, peers
#   all    both (the default)
#   final  all, measurements within 170 s, then the bundled model: the CPU's tokens on CUDA, and the share of right answers
# Results: $OUT if set, else build/gpu-out: h200.md, lines.jsonl, checks.txt, bundled-MODEL.md and .json, logs.tar.gz, and nothing
# else. A part that fails is reported and does not stop the next; the table is written anew after every group, so a run
# that is cut off leaves what it had.
# SPANSCOPE_GPU_BUDGET: seconds for everything (default 470). SPANSCOPE_COMMIT: commit to print where git is not at hand.
# SPANSCOPE_GPU_MODELS: folders of resources/models for `final` (default arith). SPANSCOPE_CLI: a built spanscope-cli for `final` (default build/release/bin/spanscope-cli).
set -u
cd "$(dirname "$0")/../.." || exit
what=${1:-all}
out=${OUT:-$PWD/build/gpu-out}
build=${SPANSCOPE_GPU_BUILD:-$PWD/build/gpu}
budget=${SPANSCOPE_GPU_BUDGET:-470}
mkdir -p "$out"
logs=$(mktemp -d)
export PYTHONUNBUFFERED=1
failed=0

# part NAME LIMIT COMMAND...: its last lines on the screen, all of it in $out/NAME.log
part() {
    local name=$1 limit=$2; shift 2
    local left=$((budget - SECONDS))
    if [ "$left" -lt 5 ]; then echo "== $name: skipped, no time left"; echo "$name: skipped, no time left" >>"$out/checks.txt"; return 1; fi
    [ "$limit" -gt "$left" ] && limit=$left
    local began=$SECONDS rc=0
    timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 || rc=$?
    echo "== $name: rc $rc, $((SECONDS - began)) s (total $SECONDS s)"
    tail -n "${lines:-6}" "$logs/$name.log" | cut -c1-220
    [ "$rc" -ne 0 ] && failed=1
    return $rc
}
checked() {  # the same, and its verdict goes into the report
    local name=$1
    if part "$@"; then echo "$name: ok, $(tail -n 1 "$logs/$name.log" | cut -c1-160)" >>"$out/checks.txt"
    else echo "$name: FAILED, see $name.log: $(tail -n 1 "$logs/$name.log" | cut -c1-160)" >>"$out/checks.txt"; fi
}

report() { python3 tests/gpu/report.py "$out/lines.jsonl" "$out/checks.txt" "$out/h200.md" >"$logs/report.log" 2>&1 || cat "$logs/report.log"; }

rm -f "$out"/checks.txt "$out"/lines.jsonl
cli=${SPANSCOPE_CLI:-$PWD/build/release/bin/spanscope-cli}
if [ "$what" != check ]; then  # imports and compiles while the backend is built and tested, measures when told to
    setsid timeout 600 "${PYTHON:-python3}" tests/gpu/bench_peers.py "$out/lines.jsonl" 75 "$logs/go" >"$logs/peers-all.log" 2>&1 &
    peers=$!
    trap 'kill -CONT -- -$peers 2>/dev/null; kill -- -$peers 2>/dev/null' EXIT
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>/dev/null || echo "no nvidia-smi"
generator=$(command -v ninja >/dev/null && echo Ninja || echo "Unix Makefiles")
lines=3 part configure 60 cmake -S tests/gpu -B "$build" -G "$generator" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CUDA_ARCHITECTURES="${SPANSCOPE_GPU_ARCH:-90-real}"
lines=12 part build 240 cmake --build "$build" --parallel "$(nproc)" || { echo "no build, nothing to run"; exit 1; }
tests=$build/tests

checked tst_cuda_split 30 "$tests/tst_cuda_split"
lines=20
checked tst_gpu_gemv 75 "$tests/tst_gpu_gemv"
checked tst_gpu_attention 75 "$tests/tst_gpu_attention"
checked tst_gpu_model 60 "$tests/tst_gpu_model"
checked tst_gpu_families 120 "$tests/tst_gpu_families"
checked tst_gpu_adapters 60 "$tests/tst_gpu_adapters"
lines=6
if [ "$what" != bench ]; then
    if command -v compute-sanitizer >/dev/null; then
        sanitized() { checked "$1-$2$4" "$3" compute-sanitizer --tool "$1" --error-exitcode 9 "$tests/$2" --short ${4:+--only "${4#-}"}; }
        for t in tst_gpu_attention tst_gpu_gemv tst_gpu_model tst_gpu_families tst_gpu_adapters; do sanitized memcheck $t 150 "" & done  # beside each other: they time nothing
        for t in tst_gpu_gemv tst_gpu_model tst_gpu_families; do sanitized racecheck $t 150 "" & done
        for kernel in direct ring cluster; do sanitized racecheck tst_gpu_attention 150 -$kernel & done
        for job in $(jobs -p); do [ "$job" = "${peers:-}" ] || wait "$job"; done
    else
        echo "compute-sanitizer: not installed, not run" | tee -a "$out/checks.txt"
    fi
fi
if [ "$what" != check ]; then
    lines=2
    benchEnd=$((SECONDS + 170))
    reserve=5; [ "$what" = final ] && reserve=50  # for the bundled model
    [ $benchEnd -gt $((budget - reserve)) ] && benchEnd=$((budget - reserve))
    kill -STOP -- -$peers 2>/dev/null  # nothing else on the device while ours is measured
    nvidia-smi --query-gpu=utilization.gpu,clocks.sm,clocks.mem,memory.used --format=csv,noheader 2>/dev/null  # idle?
    for group in limits steps attention families small; do
        part "bench-$group" 75 "$tests/bench_cuda" "$out/lines.jsonl" $group
        report
    done
    kill -CONT -- -$peers 2>/dev/null
    touch "$logs/go"
    lines=12
    limit=$((benchEnd - SECONDS))
    [ "$limit" -lt 20 ] && limit=20
    part peers "$limit" tail --pid=$peers -n +1 -f "$logs/peers-all.log"
    report
    [ $((benchEnd - SECONDS)) -gt 25 ] && part bench-matvec $((benchEnd - SECONDS)) "$tests/bench_cuda" "$out/lines.jsonl" matvec
    kill -- -$peers 2>/dev/null
    report
    echo "== table (all of it: h200.md)"
    sed -n '/^Limits/p; /^## Attention/,/^Every kernel/p; /^## Whole/,/^Stages/p' "$out/h200.md" | grep -v '^$' | cut -c1-150
fi
if [ "$what" = final ]; then
    if [ -x "$cli" ]; then
        export SPANSCOPE_CUDA_PLUGIN=${SPANSCOPE_CUDA_PLUGIN:-$build/bin/libspanscope_cuda.so}
        lines=16
        for model in ${SPANSCOPE_GPU_MODELS:-arith}; do  # the first may use up the time
            checked "greedy_identity $model" $((budget - SECONDS - 10)) python3 tests/gpu/bundled_model.py "$cli" "resources/models/$model" \
                "$out/bundled-$model.md" $((budget - SECONDS - 15))
        done
        report
        cat "$out"/bundled-*.md >>"$out/h200.md"
    else
        echo "greedy_identity: not run, no $cli" | tee -a "$out/checks.txt"
    fi
fi
echo "== checks"; cat "$out/checks.txt"
grep -q FAILED "$out/checks.txt" && failed=1
tar -C "$logs" -czf "$out/logs.tar.gz" --exclude=go . 2>/dev/null
exit $failed
