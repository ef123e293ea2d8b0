#!/usr/bin/env bash
# Builds and tests what is committed on another system, in a folder of its own:
#   tests/elsewhere/run.sh [gcc|clang]...      without arguments both, one after the other
# Debian 13 (Qt 6.8, GCC 14, Clang 19) from Debian's archive by debootstrap, under build/elsewhere/trixie; packages as
# cmake/debian-packages.txt lists them. Warnings are errors. Root is needed, as debootstrap and chroot need it; what is
# mounted for the tests (proc, dev) is mounted in a name space that ends with them.
set -euo pipefail
cd "$(dirname "$0")/../.."
system=trixie
root=${SPANSCOPE_ELSEWHERE:-$PWD/build/elsewhere/$system}
[ "$(id -u)" -eq 0 ] || { echo "elsewhere: debootstrap and chroot need root" >&2; exit 1; }
[ $# -gt 0 ] || set -- gcc clang

if [ ! -f "$root/.ready" ]; then
    command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >&2
    mkdir -p "$root"
    echo "elsewhere: $system into $root ..." >&2
    debootstrap --variant=minbase "$system" "$root" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
    touch "$root/.ready"
fi

packages=$(sed 's/#.*//' cmake/debian-packages.txt | tr -s ' \n' ' ')
case " $* " in *" clang "*) packages="$packages clang" ;; esac
mkdir -p "$root/spanscope"
# With an index of its own, so that files that did not change keep their time and are not compiled again.
GIT_INDEX_FILE="$root.index" git --work-tree="$root/spanscope" read-tree --reset -u HEAD

inside() {  # a command in the other system, with proc, dev and a network as here
    # shellcheck disable=SC2016
    unshare --mount --propagation private bash -c '
        root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/dev/shm"
        cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
        exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive QT_QPA_PLATFORM=offscreen '"${SPANSCOPE_ELSEWHERE_ENV:-}"' "$@"' - "$root" "$@"
}
inside sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; exit 1; }

failed=0
for compiler in "$@"; do
    case "$compiler" in
        gcc) use="-DCMAKE_CXX_COMPILER=g++" ;;
        clang) use="-DCMAKE_CXX_COMPILER=clang++" ;;
        *) echo "elsewhere: no compiler $compiler" >&2; exit 2 ;;
    esac
    echo "== $system, $(inside sh -c "${use#*=} --version" | head -n 1)"
    inside sh -c "cd /spanscope && cmake -S . -B build/$compiler -G Ninja $use -DCMAKE_BUILD_TYPE=Release -DSPANSCOPE_WERROR=ON -DSPANSCOPE_CUDA=OFF >/dev/null &&
        cmake --build build/$compiler -- -k 0 && ctest --test-dir build/$compiler --no-tests=error -j $(nproc) --output-on-failure ${SPANSCOPE_ELSEWHERE_CTEST:-}" || failed=1
done
exit $failed
