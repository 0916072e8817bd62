#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# An agent asks for access, the operator decides, the connection works.
# Specification: 03 "Rule requests", 07 "Agent API", 08 "Host API".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start "$@"
attack_up alice && attack_up robert
tap_ok $? "two workloads are attached"

# agent NAME CURL-ARGUMENT… PATH: "STATUS BODY" of the agent API, with NAME's token.
agent() {
  agent_name=$1
  shift
  eval "agent_token=\$token_$agent_name"
  in_attack "$agent_name" curl -s --max-time 60 -w '\n%{http_code}' \
    -H "Authorization: Bearer $agent_token" --unix-socket /run/outcall/agent.sock "$@" |
    { body=$(cat); printf '%s %s\n' "$(printf '%s\n' "$body" | tail -n 1)" "$(printf '%s\n' "$body" | sed '$d')"; }
}
member() { sed 's/^[0-9]* //' | python3 -c 'import json, sys
d = json.load(sys.stdin)["data"]
for k in sys.argv[1].split("."): d = d[k]
print(d)' "$1"; }
checkin() { in_attack "$1" curl -s --unix-socket /run/outcall/agent.sock -X POST http://x/v1/checkin | member session_token; }
token_alice=$(checkin alice)
token_robert=$(checkin robert)
ask() { agent "$1" -X POST -d "$2" http://x/v1/requests/rules; }
status() { agent "$1" "http://x/v1/requests/rules/$2"; }
# operator METHOD PATH [BODY]: "STATUS BODY" of the host API
operator() {
  operator_answer=$(host_api -w '\n%{http_code}' -X "$1" ${3:+-d "$3"} "http://x/api/v1/requests/rules$2")
  printf '%s %s\n' "$(printf '%s\n' "$operator_answer" | tail -n 1)" "$(printf '%s\n' "$operator_answer" | sed '$d')"
}

# --- asking ---------------------------------------------------------------------------
answer=$(ask alice '{"host": "new.example.net", "port": 443, "reason": "to build"}')
tap_like "$answer" '^201 .*"pending"' "an agent asks for a host: 201, pending"
id=$(printf '%s\n' "$answer" | member id)
tap_like "$(status alice "$id")" '^200 .*"pending"' "it can ask how that stands"
tap_like "$(status robert "$id")" '^404 ' "another workload cannot: 404"
tap_like "$(status alice 0123456789abcdef)" '^404 ' "nor for what is not there"
tap_like "$(agent alice "http://x/v1/requests/rules/$id?wait=x")" '^400 ' "a wait that is no number: 400"
tap_like "$(ask alice '{}')" '^400 ' "nothing asked for: 400"
tap_like "$(ask alice '{"host": "a.b", "agent": "robert"}')" '^400 ' "an unknown member: 400"
answer=$(ask alice '{"rule_file": "version: \"1\"\nrules:\n  - id: x\n    action: allow\n    condition: network.hostnam == \"a\"\n"}')
tap_like "$answer" '^422 ' "rules with a mistake: 422"
tap_like "$answer" 'request\.yaml.*"line" ?: ?5' "with the place"
tap_like "$answer" 'network\.hostname' "and what was meant"
tap_unlike "$answer" "10-base|allow-|$TB" "and nothing of the operator's rules"
tap_like "$(ask alice '{"rule_file": "version: \"1\"\nrules:\n  - id: allow-api\n    action: allow\n    hosts: [z.example.net]\n"}')" \
  '^201 ' "an id that the operator uses says nothing"
tap_is "$(in_attack alice curl -s -o /dev/null -w '%{http_code}' --unix-socket /run/outcall/agent.sock -X POST -d '{"host": "a.b"}' http://x/v1/requests/rules)" \
  401 "without a token: 401"

# --- looking ------------------------------------------------------------------------------
tap_like "$(operator GET '')" "$id.*new\.example\.net.*to build" "the operator sees it"
review=$(operator GET "/$id")
tap_like "$review" '^200 .*agents: \[.alice.\]' "with the rule file that would be written"
tap_like "$(operator GET "/$id?any_agent=true")" '"other_agents" ?: ?\[ ?"robert"' \
  "and whom it would open it for otherwise"
tap_like "$(operator GET "/$id?for_s=0")" '^400 ' "no time at all: 400"
tap_like "$(operator GET /0123456789abcdef)" '^404 ' "what is not there: 404"

# --- approving ---------------------------------------------------------------------------------
digest=$(printf '%s\n' "$review" | member digest)
tap_like "$(operator POST "/$id/approve" '{"digest": "00"}')" '^409 ' "an approval of something else: 409"
tap_like "$(operator POST "/$id/approve" '{}')" '^400 ' "of nothing: 400"
tap_like "$(status alice "$id")" 'pending' "changes nothing"
agent alice "http://x/v1/requests/rules/$id?wait=60" >"$TB/waited" &
waiter=$!
tap_like "$(operator POST "/$id/approve" "{\"digest\": \"$digest\"}")" '^200 .*"approved"' "the approval"
wait "$waiter"
tap_like "$(cat "$TB/waited")" '^200 .*"approved"' "wakes the agent that waits"
check() { in_attack "$1" "$(tb_program outcall-agent)" check network_call "$2" >/dev/null; }
check alice new.example.net:443
tap_is $? 0 "the host is open for the agent"
check alice new.example.net:80
tap_is $? 3 "at that port"
check robert new.example.net:443
tap_is $? 3 "and for no other"
tap_like "$(operator POST "/$id/approve" "{\"digest\": \"$digest\"}")" '^409 ' "again: 409"

# --- rejecting ------------------------------------------------------------------------------------
id=$(ask alice '{"host": "no.example.net"}' | member id)
tap_like "$(operator POST "/$id/reject" '{"reason": "a\nb"}')" '^400 ' "a reason of two lines: 400"
tap_like "$(operator POST "/$id/reject" '{"reason": "use the mirror"}')" '^200 ' "a rejection"
tap_like "$(status alice "$id")" '"rejected".*use the mirror' "tells the agent why"
tap_like "$(operator GET '?state=decided')" 'use the mirror' "and stays in the history"

# --- by the command line and the shim --------------------------------------------------------------------
shim=$(tb_program outcall-agent)
in_attack alice "$shim" request --host '*.example.net' --reason "mirrors" --json >"$TB/asked"
tap_is $? 0 "the shim files a request"
id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])' <"$TB/asked")
tap_like "$(outcall)" 'ask for access: outcall requests list' "outcall says that a request waits"
tap_like "$(outcall requests list)" "$id +pending .*alice +\*\.example\.net +mirrors" "requests list"
shown=$(outcall requests show "$id" --for 8h)
tap_like "$shown" 'Opens +\*\.example\.net' "requests show tells what it opens"
tap_like "$shown" 'request\.time < timestamp' "and the file with its end"
in_attack alice "$shim" request --host wait.example.net --wait >"$TB/waited" &
waiter=$!
tb_wait sh -c 'ip netns exec host "$1" requests list | grep -q wait.example.net' sh "$(tb_program outcall)"
waiting=$(outcall requests list | sed -n 's/^\([0-9a-f]*\) .*wait\.example\.net.*/\1/p')
tap_like "$(outcall requests approve "$waiting" --for 30m </dev/null)" 'is in force' "requests approve --for"
wait "$waiter"
tap_is $? 0 "the shim that waits ends"
tap_like "$(cat "$TB/waited")" "approved: until 20[0-9][0-9]-" "and says until when"
check alice wait.example.net
tap_is $? 0 "the host is open"
tap_like "$(outcall requests approve "$waiting" 2>&1)" 'decided already' "it cannot be approved twice"
tap_like "$(outcall requests reject "$id" --reason 'not all of it')" 'Rejected' "requests reject"
tap_like "$(outcall requests list --decided)" "$id +rejected" "requests list --decided"
tap_like "$(outcall requests show "$id")" 'not all of it' "shows why"
printf 'version: "1"\nrules:\n  - id: x\n    hosts: [file.example.net]\n    action: alow\n' |
  in_attack alice "$shim" request - >"$TB/out" 2>"$TB/err"
tap_is $? 1 "a rule file with a mistake is refused"
tap_like "$(cat "$TB/err")" 'request\.yaml:5.*allow' "with place and hint"
outcall requests show 0123456789abcdef >/dev/null 2>&1
tap_is $? 1 "what is not there: 1"
outcall requests show ../rules >/dev/null 2>&1
tap_is $? 2 "what is no id: 2"

# --- from a block to the request and the tool call ---------------------------------------------------------
hook() {
  printf '{"hook_event_name":"PreToolUse","session_id":"s-1","tool_use_id":"toolu_42","cwd":"/","tool_name":"WebFetch","tool_input":{"url":"%s"}}' "$1" |
    in_attack alice "$shim" hook claude-code
}
tap_like "$(hook https://linked.example.net/)" '"permissionDecision":"deny"' "a hook denies a tool call"
gateway=$(host_api http://x/api/v1/network/config | sed 's/.*"gateway" *: *"\([^"]*\)".*/\1/')
in_attack alice curl -s -o /dev/null --max-time 10 -x "http://$gateway:8080" https://linked.example.net/
id=$(in_attack alice "$shim" request --host linked.example.net --port 443 | cut -d' ' -f1)
tap_like "$(operator GET "/$id")" '"tool_use_id" ?: ?"toolu_42"' "the request knows the tool call before the block"
log=$(host_api "http://x/api/v1/log?host=linked.example.net")
tap_like "$log" "\"layer\" ?: ?\"connect\".*\"tool_use_id\" ?: ?\"toolu_42\",\"request\" ?: ?\"$id\"" \
  "and the blocked connection carries both"
tap_like "$(outcall log --host linked.example.net)" "$id" "so does outcall log"

# --- what an approval opened ends with it -----------------------------------------------------------------
ended() { outcall requests list --decided | grep "$id" | grep -q ended; }
# opened SECONDS: a host is approved for so long, and a tunnel to it stands before that is over.
opened() {
  id=$(in_attack robert "$shim" request --host front.example.com --port 443 | cut -d' ' -f1)
  outcall requests approve "$id" --for "$1s" </dev/null >/dev/null || return 1
  rm -f "$TB/tunnel.in" "$TB/tunnel"
  mkfifo "$TB/tunnel.in"
  in_attack robert openssl s_client -quiet -proxy "$gateway:8080" -connect front.example.com:443 \
    -servername front.example.com <"$TB/tunnel.in" >"$TB/tunnel" 2>&1 &
  tunnel=$!
  exec 4>"$TB/tunnel.in"
  tb_wait grep -q 'depth=0' "$TB/tunnel" && kill -0 $tunnel && ! ended
}
opened 6 || opened 40
tap_ok $? "a tunnel stands to a host that is approved for a time"
tb_wait ended
tap_ok $? "which ends"
over() { ! kill -0 $tunnel; }
tb_wait over
tap_ok $? "the tunnel ends with it"
exec 4>&-
check robert front.example.com:443
tap_is $? 3 "the host is closed again"
[ ! -e "$TB/rules.d/agent-$id.yaml" ]
tap_ok $? "and the rule file is gone"
tap_like "$(status robert "$id")" '"approved".*ended at' "the agent is told"

# The same for what goes past the proxy: the grants in the kernel, and flows through them.
direct='{"rule_file": "version: \"1\"\nrules:\n  - id: straight\n    hosts: [direct.example.com]\n    action: allow\n    egress: {mode: direct_ip, ports: [9999]}\n"}'
raw() { in_attack robert nc -w3 $TB_ELSEWHERE 9999 </dev/null; }
looked_up() { [ "$(in_attack robert dig +short +time=3 +tries=2 "@$gateway" direct.example.com)" = $TB_ELSEWHERE ]; }
# granted SECONDS: as opened(), past the proxy
granted() {
  id=$(ask robert "$direct" | member id)
  outcall requests approve "$id" --for "$1s" </dev/null >/dev/null || return 1
  looked_up && raw | grep -q 'should not be here' && ! ended
}
granted 6 || granted 40
tap_ok $? "a direct connection works for a time"
tap_like "$(outcall grants list)" 'robert +direct\.example\.com ' "by a grant"
tb_wait ended
tap_ok $? "which ends"
gone() { ! outcall grants list | grep -q direct.example.com; }
tb_wait gone
tap_ok $? "and the grant with it"
refused_at_once 2500 "the way is closed" raw

# --- a restart, a kill ------------------------------------------------------------------------------
id=$(ask robert '{"host": "later.example.net"}' | member id)
daemon_stop KILL
daemon_start --agent-rule-rate 2/60
tap_ok $? "the daemon is killed and starts again"
token_alice=$(checkin alice)
token_robert=$(checkin robert)
tap_like "$(status robert "$id")" '^200 .*"pending"' "the request waits still"
check alice new.example.net:443
tap_is $? 0 "the approved rule is in force"

# --- limits -------------------------------------------------------------------------------------------
codes=
for _ in 1 2 3; do codes="$codes $(ask alice '{"host": "a.example.net"}' | cut -c1-3)"; done
tap_is "$codes" " 201 201 429" "the third request in a minute is one too many"
tap_like "$(ask robert '{"host": "a.example.net"}')" '^201 ' "another workload is not held up"
attack_down alice
attack_down robert
daemon_stop
tap_done
