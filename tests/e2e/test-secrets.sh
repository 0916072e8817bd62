#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What must never be logged: a token is planted in every header, query and body
# that passes, allowed or refused, and then looked for wherever the daemon tells
# anything. Specification: 08 "Decision log".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
testbed_up
e2e_rules
daemon_start --audit-log "$TB/audit.log" --log-level debug
tap_ok $? "the daemon starts"
in_host curl -sN --unix-socket /run/outcall/host.sock http://x/api/v1/events >"$TB/events.log" &
events=$!

# In a file, since a workload's command line is shown.
token=s3cr3t-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
cat >"$TB/project/plant.sh" <<EOF
plant() {
  curl -s -o /dev/null --max-time 10 --cacert ca.pem -A "$token-agent" -e "http://$token.example/" \
    -H "Authorization: Bearer $token" -H "Cookie: session=$token" -H "X-Api-Key: $token" \
    -H "X-$token: 1" --proxy-header "Proxy-Authorization: Basic $token" \
    --proxy-header "X-Token: $token" "\$@"
}
for url in http://plain.example.com/repos/a http://plain.example.com/admin/a \
  http://elsewhere.example.net/ https://api.example.com/hello https://blocked.example.com/hello; do
  plant "\$url?token=$token"
  plant --user "me:$token" "\$url"
  plant -d "password=$token" "\$url?\$(printf '%0300d' 0)$token"
  plant -T plant.sh "\$url"
  plant --noproxy '*' "\$url?token=$token"
done
printf 'GET http://me:$token@plain.example.com/repos/a HTTP/1.1\r\nHost: plain.example.com\r\n\r\n' |
  nc -w 5 10.200.0.1 8080
printf 'CONNECT blocked.example.com:443 HTTP/1.1\r\nHost: x\r\nX: $token\r\n\r\n$token' |
  nc -w 5 10.200.0.1 8080
printf 'GET / HTTP/1.1\r\nBroken $token\r\n\r\n' | nc -w 5 10.200.0.1 8080
curl -s --unix-socket /run/outcall/agent.sock -H "X-Session-Token: $token" \
  -H "Content-Type: application/json" http://x/v1/permissions/check -d '{
  "action_type": "network_call", "target": "https://blocked.example.com/?token=$token",
  "metadata": {"token": "$token", "headers": {"authorization": "$token"}}}'
true
EOF
sandbox sh ./plant.sh >"$TB/plant.out" 2>&1
tap_is $? 0 "the tokens are planted"
tap_like "$(outcall log --blocked)" 'plain\.example\.com.*/admin/a' "refusals were logged"
tap_like "$(outcall log --allowed)" 'plain\.example\.com.*/repos/a' "and what was allowed"
grep -q "/admin/a" "$TB/audit.log"
tap_ok $? "in the audit file too"
tb_wait grep -q "/admin/a" "$TB/events.log"
tap_ok $? "and as events"

outcall log --json --limit 65536 >"$TB/log.json"
outcall metrics >"$TB/metrics.txt"
outcall status --json >"$TB/status.json"
outcall rules list --json >"$TB/rules.json"
kill $events
daemon_stop
tap_is $? 0 "the daemon ends"
grep -q "$token" "$TB/project/plant.sh"
tap_ok $? "the search finds the token where it is"
for place in daemon.log audit.log events.log log.json metrics.txt status.json rules.json; do
  tap_like "$(wc -c <"$TB/$place")" '^[1-9]' "$place has something in it"
  tap_is "$(grep -n "$token" "$TB/$place" | head -n 3)" "" "and no token"
done
tap_is "$(grep -rl "$token" "$TB/state" /run/outcall 2>/dev/null)" "" "nor in the daemon's files"
tap_done
