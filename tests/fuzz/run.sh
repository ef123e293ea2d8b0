#!/usr/bin/env bash
# Runs the libFuzzer programs (./run fuzz builds them), two at a time, and prints a table of what they did. Finds are
# left in the log folder, named after their target.
#   tests/fuzz/run.sh [MINUTES] [TARGET...]      10 minutes of every target
#   tests/fuzz/run.sh --table                    the table of the last run's logs
set -euo pipefail
cd "$(dirname "$0")/../.."
logs=${FUZZ_LOGS:-out/fuzz}
mkdir -p "$logs"
all=(json config adapter adapter_tensors card safetensors gguf gguf_parts trace vocabulary tokenizer_json modelproto chat tracker tags
    tokenizer)

one() {  # target seconds
    local dict code=0
    case "$1" in
        gguf | gguf_parts) dict=gguf ;;
        chat | tokenizer | tracker | vocabulary | modelproto) dict=special ;;
        *) dict=json ;;
    esac
    mkdir -p "$logs/work-$1"
    # Memory beyond 1 GiB and an input that takes 10 s are finds like any other.
    nice build/fuzz/bin/fuzz_"$1" -max_total_time="$2" -dict="tests/fuzz/$dict.dict" -print_final_stats=1 -rss_limit_mb=1024 \
        -timeout=10 -max_len=100000 -artifact_prefix="$logs/$1-" "$logs/work-$1" "tests/fuzz/corpus/$1" >"$logs/$1.log" 2>&1 || code=$?
    echo "exit $code" >>"$logs/$1.log"
}

table() {
    local log
    echo "| target | executions | edges covered | inputs kept | seconds | peak MiB | found |"
    echo "|---|--:|--:|--:|--:|--:|---|"
    for log in "$logs"/*.log; do
        awk -v name="$(basename "$log" .log)" '
            / cov: / { for (i = 1; i < NF; ++i) { if ($i == "cov:") cov = $(i + 1); if ($i == "corp:") { split($(i + 1), c, "/"); corpus = c[1] } } }
            /^Done / { seconds = $5 }
            /number_of_executed_units/ { n = $2 }
            /peak_rss_mb/ { peak = $2 }
            /^exit / { code = $2 }
            /^SUMMARY/ { found = $0 }
            END { printf "| %s | %s | %s | %s | %s | %s | %s |\n", name, n, cov, corpus, seconds, peak, found ? found : (code == 0 ? "nothing" : "exit " code) }' "$log"
    done
}

if [ "${1:-}" != --table ]; then
    minutes=${1:-10}
    [ $# -gt 0 ] && shift
    targets=("$@")
    [ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
    for target in "${targets[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
        one "$target" "$((minutes * 60))" &
    done
    wait
fi
table
