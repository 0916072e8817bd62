#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `outcall watch` on a real terminal: what it shows, and deciding with keys.
# Specification: 08 "CLI".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
command -v tmux >/dev/null || tap_skip_all "tmux is not here"
testbed_enter "$0" "$@"
e2e_start "$@"
attack_up alice
tap_ok $? "a workload is attached"
shim=$(tb_program outcall-agent)
mux() { in_host tmux -L outcall-watch -f /dev/null "$@"; }
screen() { mux capture-pane -p; }
# shows PATTERN: soon.
shows() { tb_wait sh -c 'ip netns exec host tmux -L outcall-watch capture-pane -p | grep -Eq -- "$1"' sh "$1"; }
lacks() { tb_wait sh -c '! ip netns exec host tmux -L outcall-watch capture-pane -p | grep -Eq -- "$1"' sh "$1"; }
export TMUX_TMPDIR="$TB" TERM=xterm LC_ALL=C.UTF-8 LANGUAGE=en
mux new-session -d -x 110 -y 30 "$(tb_program outcall) watch"
shows 'outcall watch'
tap_ok $? "watch starts"

in_attack alice "$shim" check network_call seen.example.net:443 >/dev/null
shows '^- .*alice +seen\.example\.net:443'
tap_ok $? "a verdict appears"
in_attack alice "$shim" check network_call seen.example.net:443 >/dev/null
shows 'seen\.example\.net:443 .*×2'
tap_ok $? "the same again is counted"
mux send-keys a
shows 'Allow this\?'
tap_ok $? "a on what was blocked asks"
tap_like "$(screen)" 'Opens: seen\.example\.net:443' "and shows what it would open"
tap_like "$(screen)" 'For: alice' "and for whom"
mux send-keys n
shows 'Not allowed'
tap_ok $? "any other key leaves it"
in_attack alice "$shim" check network_call seen.example.net:443 >/dev/null
tap_is $? 3 "nothing is in force"
# An agent can put a line on top at any moment, also while somebody decides.
mux send-keys k k k a
shows 'Opens: seen\.example\.net:443'
in_attack alice "$shim" check network_call evil.example.net:443 >/dev/null
mux resize-window -x 110 -y 29
mux send-keys y
shows 'seen\.example\.net:443 is allowed for alice'
tap_ok $? "y allows what was shown"
shows '^- .*alice +evil\.example\.net:443'
in_attack alice "$shim" check network_call evil.example.net:443 >/dev/null
tap_is $? 3 "and not what came in between"
shows 'evil\.example\.net:443 .*×2'
mux send-keys -l ay
sleep 0.5
in_attack alice "$shim" check network_call evil.example.net:443 >/dev/null
tap_is $? 3 "a y typed before the question was there is no answer"
shows 'Allow this\?'
mux send-keys n
shows 'Not allowed'
mux resize-window -x 110 -y 30
in_attack alice "$shim" check network_call seen.example.net:443 >/dev/null
tap_is $? 0 "it is in force"

in_attack alice "$shim" request --host one.example.net --reason 'first' >/dev/null
shows '^\? .*alice +one\.example\.net +first'
tap_ok $? "a request appears"
mux send-keys k k k a
shows 'Approve this\?'
tap_ok $? "a on a request asks"
tap_like "$(screen)" 'agents: \[.alice.\]' "and shows the rules"
mux send-keys n
shows 'Not approved'
tap_ok $? "any other key leaves it"
in_attack alice "$shim" check network_call one.example.net >/dev/null
tap_is $? 3 "nothing is in force"
mux send-keys k k k k a
shows 'Approve this\?'
mux send-keys y
shows 'is in force'
tap_ok $? "y approves"
in_attack alice "$shim" check network_call one.example.net >/dev/null
tap_is $? 0 "what was shown is in force"
lacks '^\? .*one\.example\.net'
tap_ok $? "the request is gone from the screen"

printf 'version: "1"\nrules:\n  - id: x\n    hosts: [two.example.net]\n    description: "a\\e[2Jb"\n    action: allow\n' |
  in_attack alice "$shim" request - >/dev/null 2>&1
tap_is $? 1 "control bytes do not get into a request"
in_attack alice "$shim" request --host two.example.net >/dev/null
shows '^\? .*two\.example\.net'
mux send-keys k k k k k d
shows 'Rejected'
tap_ok $? "d rejects a request"
tap_like "$(outcall requests list --decided)" 'rejected .*two\.example\.net' "the daemon knows"

mux resize-window -x 60 -y 12
shows '^outcall watch.*…$'
tap_ok $? "a small window works"
in_attack alice "$shim" request --host wide.example.net \
  --reason "$(printf '%60s' '' | sed 's/ /\xe5\xad\x97/g')" >/dev/null
shows '^\? .*wide\.example\.net'
tap_is "$(screen | grep -c '字')" 0 "what takes two columns is cut by columns"
mux resize-window -x 90 -y 12
shows '字.*…$'
tap_is "$(screen | grep -c '字')" 1 "so that a line is one line"
tap_is "$(screen | sed -n 's/^? .*wide.example.net *\(字*…\)$/\1/p' | wc -m)" 12 "as wide as the terminal"
mux send-keys k k k k k k k d
shows 'Rejected'
mux resize-window -x 60 -y 12
shows '^outcall watch.*…$'
# The part that matters may be the last, or far to the right.
pad=$(printf '%120s' '' | tr ' ' x)
printf 'version: "1"\nrules:\n  - id: long\n    description: "%s"\n    hosts: [three.example.net]\n    ports: [1, 2, 3, 4, 5, 6, 7, 8]\n    action: allow\n' "$pad" |
  in_attack alice "$shim" request - >/dev/null
shows '^\? .*alice'
mux send-keys k k k k k k k a
shows 'There is more'
tap_ok $? "a question that does not fit says so"
mux send-keys y
shows 'Read to the end first'
tap_ok $? "y is not taken before the end was shown"
mux send-keys -l jjjjjjjjjjjjjjjjjjjjjjjjj
shows 'Approve this\?'
tap_ok $? "then it is"
tap_like "$(screen)" 'action: allow' "and the end is on the screen"
mux send-keys y
shows 'is in force'
in_attack alice "$shim" check network_call three.example.net:8 >/dev/null
tap_is $? 0 "what was read is in force"
mux send-keys q
gone() { ! mux list-sessions >/dev/null 2>&1; }
tb_wait gone
tap_ok $? "q ends it"
outcall watch </dev/null >/dev/null 2>&1
tap_is $? 1 "without a terminal it says so"
mux kill-server 2>/dev/null
attack_down alice
daemon_stop
tap_done
