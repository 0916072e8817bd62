#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sandboxes on a real terminal: job control outside and inside, window size, raw
# mode, a line editor, signals by keys. Specification: 06 "Native sandbox".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
for tool in tmux busybox bash python3; do
  command -v $tool >/dev/null || tap_skip_all "$tool is not here"
done
testbed_enter "$0" "$@"
e2e_start
mux() { in_host tmux -L outcall-terminal -f /dev/null "$@"; }
# shows PATTERN: soon, on a line of the screen.
shows() { tb_wait sh -c 'ip netns exec host tmux -L outcall-terminal capture-pane -p | grep -Eq -- "$1"' sh "$1"; }
# keys TEXT: and Enter.
keys() { mux send-keys -l "$1" && mux send-keys Enter; }
# fresh: an empty screen with the outer shell's prompt.
fresh() { mux send-keys C-l && mux clear-history && keys "clear; echo fr''esh" && shows '^fresh'; }
# Whether the pane's terminal is as a shell wants it.
sane() { keys 'stty -a | tr " " "\n" | grep -cx -e isig -e icanon -e echo'; shows '^3$'; }

export TMUX_TMPDIR="$TB" TERM=xterm LC_ALL=C.UTF-8 LANGUAGE=en
mkdir -p "$TB/bin"
ln -s "$(tb_program outcall)" "$TB/bin/outcall"
PATH=$TB/bin:$PATH
cp "$(command -v busybox)" "$TB/project/busybox"
mux new-session -d -x 80 -y 24 -c "$TB/project" "cd $TB/project && env PS1='outer> ' bash --norc --noprofile -i"
shows '^outer>'
tap_ok $? "there is a shell"

keys 'outcall run -- cat'
running() { outcall ps | grep -q ' cat *$'; }
tb_wait running
keys 'a line'
tb_wait sh -c 'ip netns exec host tmux -L outcall-terminal capture-pane -p | grep -c "^a line" | grep -q 2'
tap_ok $? "a line is typed and comes back"
mux send-keys C-c
keys 'echo code=$?'
shows '^code=130'
tap_ok $? "Ctrl-C ends the command, with its code"

fresh
keys 'outcall run -- sh -c "echo up; exec sleep 1000"'
shows '^up'
mux send-keys C-z
shows 'Stopped +outcall run'
tap_ok $? "Ctrl-Z stops it"
keys 'jobs; echo ou''ter works'
shows '^outer works'
tap_ok $? "the shell has its terminal"
keys 'fg'
shows '^outcall run -- sh'
mux send-keys C-c
keys 'echo code=$?'
shows '^code=130'
tap_ok $? "fg brings it back, Ctrl-C ends it"

fresh
keys 'outcall run -- sh -c "read line; echo got=\$line" &'
shows '^\[1\]'
# The shell tells it with its next prompt.
stopped() { keys '' && mux capture-pane -p | grep -q 'Stopped'; }
tb_wait stopped
tap_ok $? "in the background it stops when it reads"
keys 'fg'
keys 'typed'
shows '^got=typed'
tap_ok $? "fg lets it read"

fresh
keys "outcall run -- env PS1='inner> ' bash --norc --noprofile -i"
shows '^inner>'
tap_ok $? "an interactive shell runs inside"
tap_unlike "$(mux capture-pane -p)" 'no job control' "with job control"
keys 'sleep 1000'
mux send-keys C-z
shows 'Stopped +sleep'
tap_ok $? "Ctrl-Z stops what it runs"
keys 'fg'
mux send-keys C-c
keys 'echo inner=$?'
shows '^inner=130'
tap_ok $? "fg and Ctrl-C there"
keys 'exit 5'
keys 'echo code=$?'
shows '^code=5'
tap_ok $? "its exit code comes out, and the outer shell has its terminal again"

fresh
keys 'outcall run -- sh -c "trap \"stty size\" WINCH; stty size; while :; do sleep 0.1; done"'
shows '^24 80'
tap_ok $? "the window's size is known inside"
mux resize-window -x 100 -y 30
shows '^30 100'
tap_ok $? "a new size is told"
mux send-keys C-c
shows '^\^C?outer>|^outer>'
mux resize-window -x 80 -y 24

fresh
keys 'outcall run -- ./busybox vi made'
shows '^~'
tap_ok $? "a full-screen editor draws"
mux send-keys i
shows '^I made'
mux send-keys -l 'written by vi'
shows '^written by vi'
mux send-keys Escape
shows '^- made'
keys ':wq'
written() { grep -q '^written by vi$' "$TB/project/made"; }
tb_wait written
tap_ok $? "raw mode: keys reach it one by one"
sane
tap_ok $? "and the terminal is as before"

fresh
keys 'outcall run -- python3 -q'
shows '^>>>'
keys '6*7'
shows '^42'
tap_ok $? "a REPL answers"
mux send-keys -l 'print("a" +'
mux send-keys C-c
shows 'KeyboardInterrupt'
tap_ok $? "Ctrl-C is its own to handle"
keys 'import os; os.isatty(0) and os.isatty(1) and print("tt" + "y")'
shows '^tty'
tap_ok $? "it is on a terminal"
mux send-keys C-d
keys 'echo code=$?'
shows '^code=0'
tap_ok $? "Ctrl-D ends it"

fresh
keys 'echo pi''ped | outcall run -- cat | tr a-z A-Z'
shows '^PIPED'
tap_ok $? "pipes on both sides, on a terminal"
keys 'outcall run -- sh -c "echo to-err >&2; echo to-out" 2>err >out; cat err out'
shows '^to-err'
shows '^to-out'
tap_ok $? "standard error and output are two"
mux kill-server
daemon_stop
tap_done
