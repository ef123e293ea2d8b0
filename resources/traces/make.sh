#!/usr/bin/env bash
# The recorded examples of this folder, made anew by the built program with the bundled models: one for each task, both
# attention modes in one file. Run it on a quiet machine: the files hold the times of their steps.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cli=${SPANSCOPE_CLI:-$here/../../build/release/bin/spanscope-cli}
record() { # name task prompt; the bundled model of the task
    "$cli" run --task "$2" -p "$3" --attention both --trace "$here/$1.spantrace" > /dev/null || echo "$1: left as it is" >&2
}
record expression expression '-(14-31)*6+250-8*(7+9)'
record sheet sheet $'64-71\n$1*3\n12+30\n$3-$2\n$4*2\n7*8\n$6-$1\n$5+$7'
if [ -f "$here/news.txt" ]; then record news news "$(cat "$here/news.txt")"; fi
