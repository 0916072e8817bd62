#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Whatever happens to the daemon, the answer is blocked, never open; and after
# a restart all is as before. Specification: 00 "Start-up and shutdown", 03
# "Reload", 13 promise 1.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
attack_up mallory
tap_ok $? "a workload is attached"
m="in_attack mallory"
gateway=$(host_api http://x/api/v1/network/config | sed 's/.*"gateway" *: *"\([^"]*\)".*/\1/')
fetch() { in_attack mallory curl -sf --max-time 5 -x "http://$gateway:8080" http://plain.example.com/repos/a; }
tap_is "$(fetch)" repos "it reaches what is allowed"

# --- a bad rule file -----------------------------------------------------------------
cp "$TB/rules.d/10-base.yaml" "$TB/saved.yaml"
sed -i 's/http\.method == "GET"/http.metod == "GET"/' "$TB/rules.d/10-base.yaml"
answer=$(outcall rules reload 2>&1)
tap_is $? 1 "reload of a bad rule file fails"
tap_like "$answer" '10-base\.yaml:[0-9]+:[0-9]+' "and says where"
tap_like "$answer" 'method' "and what was meant"
tap_is "$(fetch)" repos "the old policy stays in force"
kill -HUP $TB_DAEMON
tap_is "$(fetch)" repos "also after SIGHUP"
cp "$TB/saved.yaml" "$TB/rules.d/10-base.yaml"

# --- a good one ------------------------------------------------------------------------
sed -i 's,startsWith("/repos/"),startsWith("/nothing/"),' "$TB/rules.d/10-base.yaml"
outcall rules reload >/dev/null
tap_is $? 0 "reload of a good file succeeds"
fetch >/dev/null
tap_is $? 22 "and takes effect on the next request"
cp "$TB/saved.yaml" "$TB/rules.d/10-base.yaml"
kill -HUP $TB_DAEMON
tb_wait fetch
tap_ok $? "SIGHUP reloads too"

# --- SIGKILL -----------------------------------------------------------------------------
before=$(contacts)
daemon_stop KILL
refused_at_once 5000 "no daemon: the proxy does not answer" $m curl -sf --max-time 3 -x "http://$gateway:8080" http://plain.example.com/repos/a
refused_at_once 2500 "raw TCP is still refused" $m nc -w3 $TB_ELSEWHERE 9999
refused_at_once 5000 "port 80 goes nowhere" $m curl -sf --max-time 3 http://$TB_ELSEWHERE/hello
refused_at_once 5000 "port 443 goes nowhere" $m curl -skf --max-time 3 https://$TB_ELSEWHERE/hello
refused_at_once 2500 "UDP is still refused" $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" udp $TB_ELSEWHERE 9999
tap_is "$(contacts)" "$before" "nothing arrived elsewhere"
tap_is "$(cat "$TB/elsewhere-access.log")" "" "not over HTTP either"

: >"$TB/daemon.log"
mkdir -m 700 "$TB/log"
daemon_start --log-level error --audit-log "$TB/log/audit.log"
tap_ok $? "the daemon starts again over its stale sockets"
tap_like "$(outcall ps)" 'mallory' "it knows the workload that outlived it"
tb_wait fetch
tap_ok $? "which works as before"
refused_at_once 2500 "and is confined as before" $m nc -w3 $TB_ELSEWHERE 9999

# --- the level of the log ------------------------------------------------------------------
in_attack mallory curl -s -o /dev/null --max-time 5 -x "http://$gateway:8080" http://plain.example.com/loud
outcall rules reload >/dev/null
tb_wait grep -q 'blocked mallory: .*plain.example.com.* /loud' "$TB/daemon.log"
tap_ok $? "with --log-level=error blocks are logged still"
tb_wait grep -q 'rules.reload by uid 0' "$TB/daemon.log"
tap_ok $? "and changes"
tap_unlike "$(cat "$TB/daemon.log")" 'rules loaded|rules reloaded' "but not what the daemon does"

# --- the audit file is turned over -------------------------------------------------------------
tb_wait grep -q '"path":"/loud"' "$TB/log/audit.log"
tap_ok $? "the block is in the audit file"
sed "s,/var/log/outcall,$TB/log,; s,/run/systemd/system,/nonexistent,; s,pkill -HUP -x outcalld,kill -HUP $TB_DAEMON," \
  "$OUTCALL_SRCDIR/data/logrotate.d/outcalld" >"$TB/logrotate.conf"
chmod 644 "$TB/logrotate.conf"
logrotate --force --state "$TB/logrotate.state" "$TB/logrotate.conf"
tap_ok $? "logrotate takes the snippet"
after() {
  in_attack mallory curl -s -o /dev/null --max-time 5 -x "http://$gateway:8080" http://plain.example.com/after
  grep -q '"path":"/after"' "$TB/log/audit.log"
}
tb_wait after
tap_ok $? "the daemon goes on in a new file"
tap_unlike "$(cat "$TB/log/audit.log")" loud "which is new"
tap_like "$(cat "$TB/log/audit.log.1")" loud "and the old one is kept"

# --- the end of a workload ------------------------------------------------------------------
attack_down mallory
workload_gone() { ! outcall ps --json | grep -q mallory; }
tb_wait workload_gone
tap_ok $? "a workload that was killed is gone from the list"
tap_unlike "$(ip -n host -br link show master outcall0)" '[a-z]' "and its port from the bridge"

# --- what may not start ------------------------------------------------------------------------
daemon_stop
echo 'rules: [' >"$TB/rules.d/20-broken.yaml"
daemon_start >/dev/null 2>&1
[ $? -ne 0 ]
tap_ok $? "with a broken rule file the daemon does not start"
tap_like "$(tail -n 3 "$TB/daemon.log")" '20-broken\.yaml' "and says which"
rm "$TB/rules.d/20-broken.yaml"
daemon_start
tap_ok $? "without it, it does"
in_host "$(tb_program outcalld)" --rules-dir "$TB/rules.d" --state-dir "$TB/state" >"$TB/second" 2>&1
[ $? -ne 0 ]
tap_ok $? "a second daemon on the same socket is refused"
tb_wait daemon_ready
tap_ok $? "and the first one is unharmed"
daemon_stop

# --- --watch-rules -------------------------------------------------------------------------------
daemon_start --watch-rules
attack_up trent
watched() { in_attack trent curl -sf --max-time 5 -x "http://$gateway:8080" http://plain.example.com/repos/a; }
not_watched() { watched; [ $? -eq 22 ]; }
tap_is "$(watched)" repos "with --watch-rules a new daemon judges as the files say"
sed -i 's,startsWith("/repos/"),startsWith("/nothing/"),' "$TB/rules.d/10-base.yaml"
tb_wait not_watched
tap_ok $? "a changed file takes effect without a command"
echo 'rules: [' >"$TB/rules.d/20-broken.yaml"
tb_wait grep -q 'rules not reloaded.*20-broken' "$TB/daemon.log"
tap_ok $? "a broken one is reported in the log"
tb_wait not_watched
tap_ok $? "and what was in force stays"
cp "$TB/saved.yaml" "$TB/rules.d/10-base.yaml"
rm "$TB/rules.d/20-broken.yaml"
tb_wait watched
tap_ok $? "a file that was removed is noticed too"
attack_down trent
daemon_stop
tap_done
