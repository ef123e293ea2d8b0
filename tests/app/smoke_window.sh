#!/usr/bin/env bash
# The program as a person uses it: starts under a window manager, runs what is typed over the sample in the editor, exports
# the heatmap through the dialogs, quits. Usage: smoke_window.sh SPANSCOPE SPANSCOPE-CLI. Exit 77: a tool is not installed.
set -u
program=$1 cli=$2
for tool in Xvfb openbox xdotool; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed (./run installs it)"; exit 77; }
done
work=$(mktemp -d)
pids=()
end() {
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$work"
}
trap end EXIT
fail() { echo "FAILED: $*"; [ -f "$work/log" ] && sed 's/^/  program: /' "$work/log"; exit 1; }
until_true() { # seconds, what is waited for, command...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "$what did not come"
        sleep 0.2
    done
}

# Without -noreset the server starts anew whenever its last client leaves: under load that is a look for the window.
Xvfb -displayfd 3 -noreset -screen 0 1280x800x24 3>"$work/display" 2>/dev/null &
pids+=($!)
until_true 20 "the X server" test -s "$work/display"
DISPLAY=:$(cat "$work/display")
export DISPLAY HOME=$work XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_RUNTIME_DIR=$work
unset QT_QPA_PLATFORM QT_SCALE_FACTOR WAYLAND_DISPLAY
openbox 2>/dev/null &
pids+=($!)
managed() { xdotool get_num_desktops >/dev/null 2>&1; }
until_true 20 "the window manager" managed  # a window that opens while it starts may be taken from the screen
mkdir -p "$XDG_CONFIG_HOME/spanscope"
printf '[tour]\ndone=true\n' >"$XDG_CONFIG_HOME/spanscope/spanscope.conf"

"$program" >"$work/log" 2>&1 &
pid=$!
pids+=("$pid")
window() { xdotool search --onlyvisible --name "$1" >/dev/null 2>&1; }
until_true 60 "the window" window '^Spanscope$'
main=$(xdotool search --onlyvisible --name '^Spanscope$' | head -n 1)
xdotool windowactivate --sync "$main"
eval "$(xdotool getwindowgeometry --shell "$main")"
[ "$WIDTH" -le 1280 ] && [ "$HEIGHT" -le 800 ] || fail "the window is larger than the screen: $WIDTH x $HEIGHT"
problem="48-17"  # fewer steps than the sample: another picture
xdotool key --clearmodifiers ctrl+a
xdotool type --clearmodifiers "$problem"
xdotool key --clearmodifiers ctrl+Return  # runs as soon as the model is ready

# The export is offered once the run has ended.
offered() { window '^Export' || { xdotool key --clearmodifiers ctrl+shift+e; sleep 0.5; window '^Export'; }; }
until_true 120 "the end of the run" offered
xdotool key --clearmodifiers Return
sleep 1
xdotool type --clearmodifiers "$work/heatmap.png"
xdotool key --clearmodifiers Return
until_true 30 "the heatmap" test -s "$work/heatmap.png"

# The same run on the command line gives a picture of the same size.
"$cli" run --task expression -p "$problem" --trace "$work/run.spantrace" >/dev/null || fail "spanscope-cli run"
"$cli" export "$work/run.spantrace" --png "$work/expected.png" || fail "spanscope-cli export"
header() { head -c 24 "$1" | od -An -tx1 | tr -d ' \n'; }  # signature, IHDR, width, height
case $(header "$work/heatmap.png") in 89504e470d0a1a0a*) ;; *) fail "the heatmap is no PNG" ;; esac
[ "$(header "$work/heatmap.png")" = "$(header "$work/expected.png")" ] || fail "the heatmap has another size than the command line's"

xdotool key --clearmodifiers Escape
sleep 0.5
xdotool key --clearmodifiers ctrl+q
until_true 30 "the end of the program" bash -c "! kill -0 $pid 2>/dev/null"
wait "$pid"
code=$?
[ $code -eq 0 ] || fail "exit code $code"
echo "started, ran, exported $(stat -c %s "$work/heatmap.png") bytes, quit with 0"
