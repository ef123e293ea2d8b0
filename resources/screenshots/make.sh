#!/usr/bin/env bash
# Every screenshot of this folder, made anew by the built program with its bundled model. No display needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${SPANSCOPE:-$here/../../build/release/bin/spanscope}
export QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$(mktemp -d)}
exec "$program" --screenshots "$here"
