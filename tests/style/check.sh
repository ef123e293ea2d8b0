#!/usr/bin/env bash
# Style, kept by programs: tests/style/check.sh [format|scripts|subjects|tidy]...   without arguments: all but tidy
#   format    every C++ and CUDA file is as clang-format 14 writes it
#   scripts   every shell script passes shellcheck
#   subjects  commit subjects since the sources were formatted: "area: what changed", at most 72 characters
#   tidy      clang-tidy on the rooms of tests/style/tidy-rooms.txt; needs the compile commands of build/release
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0

format() {
    local version
    version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
    if [ "$version" != 14 ]; then echo "format: clang-format is version $version, the sources are as 14 writes them; skipped"; return; fi
    git ls-files -z -- '*.h' '*.cpp' '*.cuh' '*.cu' | xargs -0 -n 40 -P "$(nproc)" clang-format --dry-run -Werror
}
scripts() { git ls-files -z -- '*.sh' run .ci/run | xargs -0 shellcheck -S warning; }
subjects() {
    local since bad
    since=$(grep -v '^#' .git-blame-ignore-revs | head -n 1)
    git cat-file -e "$since" 2>/dev/null || { echo "subjects: the history does not reach back to $since; skipped"; return; }
    bad=$(git log --no-merges --format='%h %s' "$since"..HEAD | awk '{ h = $1; sub(/^[^ ]* /, "") } length($0) > 72 || !/^[a-z0-9,. \/_-]+: ./ { print h ": " $0 }')
    [ -z "$bad" ] || { echo "subjects: longer than 72 characters, or not \"area: what changed\":"; echo "$bad"; return 1; }
}
tidy() {
    local rooms files
    rooms=$(grep -v '^#' tests/style/tidy-rooms.txt)
    [ -f build/release/build.ninja ] || { echo "tidy: configure build/release first"; return 1; }
    ninja -C build/release -t compdb >build/release/compile_commands.json
    # clang cannot read GCC's precompiled headers.
    sed -i 's/-Winvalid-pch//g; s/-include [^ ]*cmake_pch.hxx//g; s/-fpch-preprocess//g' build/release/compile_commands.json
    # shellcheck disable=SC2086
    files=$(git ls-files -- $rooms | grep '\.cpp$')
    echo "$files" | xargs -n 1 -P "$(nproc)" clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' 2>/dev/null
}

[ $# -gt 0 ] || set -- format scripts subjects
for part in "$@"; do
    echo "check: $part"
    "$part" || { echo "check: $part FAILED"; failed=1; }
done
exit $failed
