#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# outcall run --learn: what no rule is about is let through and told, what a rule
# blocks and what is private is not, and the rules it suggests are the ones that are
# needed. Specification: 08 "CLI".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
sandbox_run() { (cd "$TB/project" && outcall "$@"); }
learn() { sandbox_run run --learn --name pupil -- "$@" 2>"$TB/learn.err"; }

learn sh -c '
  curl -sS -m 10 --cacert ca.pem https://elsewhere.example.net/hello
  curl -sS -m 10 http://plain.example.com/admin/a
  curl -sS -m 10 --cacert ca.pem https://api.example.com/hello
  curl -sS -m 10 -o /dev/null -w "blocked %{http_connect}\n" --cacert ca.pem https://blocked.example.com/
  curl -sS -m 10 -o /dev/null -w "private %{http_code}\n" http://private.example.com/
  curl -sS -m 10 -o /dev/null -w "metadata %{http_code}\n" http://169.254.169.254/latest
  outcall-agent whoami
  exit 7' >"$TB/learn.out"
tap_is $? 7 "the command's exit code comes out"
out=$(cat "$TB/learn.out")
err=$(cat "$TB/learn.err")
tap_like "$out" 'hello from elsewhere.example.net' "a host that no rule is about is reached"
tap_like "$out" 'admin' "and a path"
tap_like "$out" 'hello from api.example.com' "and what a rule allows, as ever"
tap_like "$out" 'blocked 403' "what a rule blocks is blocked"
tap_like "$out" 'private 50[0-9]|private 403' "a name with a private address is not reached"
tap_like "$out" 'metadata 403' "the metadata service is not reached"
tap_like "$err" 'LEARNING: ' "it is told at the start"
tap_like "$err" 'version: "1"' "a rule file is suggested at the end"
tap_like "$err" 'let through 1 times, .*elsewhere\.example\.net:443' "with what was let through"
tap_like "$err" 'hosts: \["elsewhere\.example\.net"\]' "a rule for the host"
tap_like "$err" 'paths: \["/admin/a"\]' "a rule for the path"
tap_unlike "$err" 'hosts: .*(api|blocked|private)\.example\.com' "and none for the others"
tap_unlike "$err" '169\.254\.169\.254"' "nor for a private address"

log=$(outcall --json log --agent pupil)
tap_like "$log" '"rule":"\(learned\)"|"rule": *"\(learned\)"' "the log tells what let it through"
tap_is "$(outcall --json log --blocked --agent pupil | grep -c 'elsewhere')" 0 "and not that it was blocked"
outcall suggest --agent pupil >"$TB/suggested.yaml" 2>/dev/null
tap_like "$(cat "$TB/suggested.yaml")" 'elsewhere\.example\.net' "outcall suggest has the same"

# With these rules the same run needs no learning.
sed 's/^/  /;s/^  //' "$TB/suggested.yaml" >"$TB/rules.d/50-learned.yaml"
outcall rules reload >/dev/null
tap_ok $? "the rules that were suggested load"
tap_like "$(sandbox_run run --name pupil -- curl -sS -m 10 --cacert ca.pem https://elsewhere.example.net/hello 2>&1)" \
  'hello from elsewhere' "and are enough"
learn true
tap_like "$(cat "$TB/learn.err")" 'asked for nothing that the rules do not allow' "nothing to learn is told"

# Only who attaches says so: neither the project's file nor the sandbox can.
mkdir -p "$TB/project/.outcall"
printf 'command: ["true"]\nlearn: true\n' >"$TB/project/.outcall/agent.yaml"
sandbox_run agent --trust >"$TB/out" 2>&1
[ $? -ne 0 ]
tap_ok $? "the project's file cannot ask for it"
rm -r "$TB/project/.outcall"

# A daemon that starts anew knows nothing of it.
attack_up taught '"learning": true'
code() { in_attack taught curl -sS -m 10 -o /dev/null -w '%{http_code}' -x http://10.200.0.1:8080 http://plain.example.com/other; }
# The server has no such page.
tap_is "$(code)" 404 "a program that is attached so is let through"
tap_like "$(outcall ps)" 'taught +sandbox, learning' "outcall ps tells"
daemon_stop
daemon_start
tap_is "$(code)" 403 "not any more after a restart of the daemon"
tap_unlike "$(outcall ps)" 'learning' "and it is not told any more"
tap_done
