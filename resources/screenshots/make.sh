#!/usr/bin/env bash
# Every screenshot of this folder, made anew by the built program with its bundled model. No display needed; pngquant is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${SPANSCOPE:-$here/../../build/release/bin/spanscope}
export QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$(mktemp -d)}
"$program" --screenshots "$here"
pngquant --speed 1 --quality 85-100 --ext .png --force "$here"/*.png
