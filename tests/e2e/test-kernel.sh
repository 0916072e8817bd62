#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Networks, grants and other tools' meddling, with the real daemon and command
# line. Specification: 02; 03 "Reload".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
testbed_up
e2e_rules
direct_rule() {
  rules 20-direct <<'EOF'
version: "1"
rules:
  - id: direct
    hosts: ["direct.example.com"]
    action: allow
    egress: { mode: direct_ip, ports: [80, 9999] }
EOF
}
direct_rule
daemon_start
tap_ok $? "the daemon starts"
attack_up alice
tap_ok $? "a workload is attached"
a="in_attack alice"
gateway=10.200.0.1
look_up() { $a dig +short +time=3 +tries=2 @$gateway direct.example.com; }
raw() { $a nc -w3 $TB_ELSEWHERE "$1" </dev/null; }

# --- grants by a rule -------------------------------------------------------------
refused_at_once 2500 "nothing is granted before the look-up" raw 9999
in_host curl -sN --unix-socket /run/outcall/host.sock 'http://x/api/v1/events?agent=alice' >"$TB/events" &
events=$!
tb_wait sh -c "in=\$(ip netns exec host curl -s --unix-socket /run/outcall/host.sock http://x/metrics); case \$in in *outcall_event_streams\ 1*) ;; *) exit 1 ;; esac"
tap_is "$(look_up)" $TB_ELSEWHERE "the name of a direct rule is answered"
tap_like "$(raw 9999)" 'should not be here' "and its address can be reached, past the proxy"
listed=$(outcall grants list)
tap_like "$listed" 'alice +direct\.example\.com \(151\.101\.64\.9\) +tcp 9999 .*direct' "grants list names workload, host, port and rule"

tb_wait grep -q '^event: grant_added' "$TB/events"
tap_like "$(grep -A1 '^event: grant_added' "$TB/events")" '"workload":"alice".*"name":"direct\.example\.com".*"rule":"direct"' \
  "those who watch are told of it"
kill $events

mkfifo "$TB/ask"
in_attack alice python3 "$OUTCALL_SRCDIR/tests/e2e/hold.py" $TB_ELSEWHERE 80 <"$TB/ask" >"$TB/held" 2>&1 &
exec 5>"$TB/ask"
held() {
  wanted=$(($(wc -l <"$TB/held") + 1))
  echo >&5
  tb_wait sh -c "[ \$(wc -l <'$TB/held') -ge $wanted ]"
  tail -n 1 "$TB/held"
}
tap_is "$(held)" answered "a direct connection answers"

# --- grants by hand ---------------------------------------------------------------
refused_at_once 2500 "another port is not granted" raw 22
tap_like "$(outcall grants add alice $TB_ELSEWHERE 22 --for 5m)" 'Granted as g[0-9]+' "the operator grants it"
tap_like "$(raw 22)" 'should not be here' "and it is open at once"

# --- reload -----------------------------------------------------------------------
sed -i 's/priority: 10$/priority: 11/' "$TB/rules.d/10-base.yaml"
outcall rules reload >/dev/null
tap_is "$(held)" answered "a reload that still allows it leaves the connection alone"
rm "$TB/rules.d/20-direct.yaml"
outcall rules reload >/dev/null
tap_is "$(held)" broken "one that no longer allows it ends the connection"
refused_at_once 2500 "and the grant" raw 9999
tap_like "$(raw 22)" 'should not be here' "what the operator granted stays"
id=$(outcall grants list --json | sed -n 's/.*"id" *: *"\(g[0-9]*\)".*/\1/p')
outcall grants revoke "$id" >/dev/null
tap_is $? 0 "until it is revoked"
refused_at_once 2500 "then it is closed" raw 22
exec 5>&-
direct_rule
outcall rules reload >/dev/null

# --- networks ---------------------------------------------------------------------
listens() { in_host ss -lntu | grep -Eq "$1:53 .*" && in_host ss -lnt | grep -Eq "$1:8080 .*"; }
outcall network create --name staging >/dev/null
tap_is $? 0 "a network is made"
tb_wait listens 10.200.1.1
tap_ok $? "DNS and proxy serve its gateway"
daemon_stop KILL
daemon_start
tap_like "$(outcall network list)" 'outcall-staging +outcall1 +up +10\.200\.1\.0/24' "a daemon that was killed knows it again"
tb_wait listens 10.200.1.1
tap_ok $? "and serves it"
outcall network destroy staging >/dev/null
tap_is $? 0 "it is removed"
not_listening() { ! listens 10.200.1.1; }
tb_wait not_listening
tap_ok $? "and no longer served"

# --- other tools ------------------------------------------------------------------
restored() { grep -q "$1" "$TB/daemon.log"; }
look_up >/dev/null
in_host nft flush ruleset
tb_wait restored 'somebody else changed the ruleset .*restored'
tap_ok $? "a flushed ruleset is noticed and restored"
refused_at_once 2500 "grants have ended with it" raw 9999
tap_is "$(look_up)" $TB_ELSEWHERE "a look-up works"
tap_like "$(raw 9999)" 'should not be here' "and brings the grant back"
tap_like "$(outcall status)" 'restored 1 times after another tool' "the status says so"
ip -n host link del outcall0
tb_wait restored 'it was removed or renamed; restored'
tap_ok $? "a deleted bridge is noticed and restored"
tb_wait look_up
tap_ok $? "with its ports and its DNS"
refused_at_once 2500 "the workload is confined as before" raw 22
# --- without the right to enforce ---------------------------------------------------
# Specification: 02, "What cannot be enforced is an error".
daemon_stop
powerless=$(ip netns exec host setpriv --bounding-set -net_admin "$(tb_program outcalld)" \
  --rules-dir "$TB/rules.d" --state-dir "$TB/state" --dns-upstream $TB_DNS 2>&1)
tap_is $? 1 "a daemon without CAP_NET_ADMIN ends"
tap_like "$powerless" 'CAP_NET_ADMIN' "and names what it lacks"
refused_at_once 2500 "what ran stays confined" raw 22
tap_like "$(sandbox true 2>&1)" 'cannot connect to outcalld' "nothing new is let in"
daemon_start
tap_ok $? "with it the daemon starts"
attack_down alice
daemon_stop
tap_done
