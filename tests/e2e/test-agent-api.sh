#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a workload may ask the daemon, and that it learns nothing else.
# Specification: 07 "Agent API", "Shim".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
attack_up alice && attack_up robert
tap_ok $? "two workloads are attached"

# ask NAME CURL-ARGUMENT… PATH: "STATUS BODY"; the head is left in $TB/head. "-" as NAME: the
# host itself. Every answer to alice and to nobody else is kept for the end of the test.
ask() {
  ask_name=$1
  shift
  if [ "$ask_name" = - ]; then set -- in_host curl "$@"; else set -- in_attack "$ask_name" curl "$@"; fi
  ask_answer=$("$@" -s --max-time 10 -D "$TB/head" -w '\n%{http_code}' \
    --unix-socket /run/outcall/agent.sock)
  ask_code=$(printf '%s\n' "$ask_answer" | tail -n 1)
  ask_body=$(printf '%s\n' "$ask_answer" | sed '$d')
  [ "$ask_name" != alice ] || printf '%s\n%s\n' "$(cat "$TB/head")" "$ask_body" >>"$TB/told-alice"
  echo "$ask_code $ask_body"
}
# check NAME TOKEN JSON
check() {
  ask "$1" -X POST -H "Authorization: Bearer $2" -H 'Content-Type: application/json' -d "$3" \
    http://x/v1/permissions/check
}
call() { printf '{"action_type": "network_call", "target": "%s"}' "$1"; }
checkin() { ask "$1" -X POST http://x/v1/checkin; }
# member NAME: its text in the JSON on standard input, "200 " in front or not.
member() { sed 's/^[0-9]* //' | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }

# --- check-in and whoami -------------------------------------------------------------
first=$(checkin alice)
tap_like "$first" '^200 ' "a workload checks in"
token=$(echo "$first" | member session_token)
id=$(echo "$first" | member container_id)
tap_like "$token" '^[A-Za-z0-9_-]{43}$' "its token is 256 bits of base64url"
tap_like "$(echo "$first" | member context_keys)" "'run\.tool'.*'network\.hostname'.*'agent\.name'" \
  "it is told what rules can ask about"
tap_is "$(checkin alice)" "$first" "again gives the same session"
other=$(checkin robert | member session_token)
other_id=$(checkin robert | member container_id)
[ -n "$other" ] && [ "$other" != "$token" ] && [ -n "$other_id" ] && [ "$other_id" != "$id" ]
tap_ok $? "another workload has another token and id"
answer=$(ask alice http://x/v1/whoami)
tap_is "$(echo "$answer" | member name)" alice "whoami names the workload"
tap_is "$(echo "$answer" | member id)" "$id" "with the id of the check-in"
tap_unlike "$answer" "$token" "and without the token"
tap_is "$(in_attack alice "$(tb_program outcall-agent)" whoami --json | grep -c '"alice"')" 1 \
  "so does the shim"
tap_is "$(ask alice -X POST -d '{"name": "robert"}' http://x/v1/checkin | cut -c1-3)" 400 \
  "a check-in that says who it is, is refused"

# --- outside any workload ---------------------------------------------------------------
for path in checkin heartbeat permissions/check; do
  tap_is "$(ask - -X POST -H "Authorization: Bearer $token" http://x/v1/$path | cut -c1-3)" 403 \
    "from outside any workload: 403 for $path, even with a token"
done
tap_is "$(ask - http://x/v1/whoami | cut -c1-3)" 403 "and for whoami"

# --- heartbeat -----------------------------------------------------------------------------
beat() { ask "$1" -X POST -H "Authorization: Bearer $2" http://x/v1/heartbeat; }
tap_is "$(beat alice "$token")" "204 " "a heartbeat is a 204 without a body"
tap_is "$(beat alice "$other" | cut -c1-3)" 401 "not with another workload's token"

# --- permission checks ------------------------------------------------------------------------
answer=$(check alice "$token" "$(call api.example.com:443)")
tap_like "$answer" '^200 .*"allowed" ?: ?true' "a call of an allowed host is allowed"
tap_like "$answer" '"allow-api"' "by the rule that allows it"
answer=$(check alice "$token" "$(call https://blocked.example.com/x)")
tap_like "$answer" '^200 .*"allowed" ?: ?false' "a denial is a 200"
tap_like "$answer" 'block-blocked' "with its rule"
tap_like "$answer" 'blocked\.example\.com is closed for agents' "and its reason"
tap_like "$(check alice "$token" "$(call elsewhere.example.net)")" '^200 .*"allowed" ?: ?false' \
  "what no rule knows is denied"
tap_like "$(check alice "$token" "$(call api.example.com:444)")" '^200 .*"allowed" ?: ?false' \
  "so is another port of an allowed host"
tap_like "$(check alice "$token" '{"action_type": "tool_exec", "target": "Bash"}')" \
  '^200 .*"allowed" ?: ?false' "and a tool"
tap_like "$(outcall log --blocked --agent alice)" 'blocked\.example\.com.*block-blocked' \
  "the operator sees the denial"

# --- whose token ---------------------------------------------------------------------------------
good=$(call api.example.com)
tap_is "$(ask alice -X POST -d "$good" http://x/v1/permissions/check | cut -c1-3)" 401 "no token: 401"
tap_is "$(check alice "" "$good" | cut -c1-3)" 401 "an empty one: 401"
tap_is "$(check alice "${token%?}" "$good" | cut -c1-3)" 401 "one that is too short: 401"
tap_is "$(check alice "${token}A" "$good" | cut -c1-3)" 401 "one that is too long: 401"
tap_is "$(check alice "$other" "$good" | cut -c1-3)" 401 "another workload's: 401"
tap_is "$(check robert "$token" "$good" | cut -c1-3)" 401 "and the other way round"

# --- bad questions -----------------------------------------------------------------------------------
refused() { tap_is "$(check alice "$token" "$2" | cut -c1-3)" "$1" "$3: $1"; }
refused 400 '{"action_type": ' "JSON that ends early"
refused 400 '[]' "a list"
refused 400 '{"action_type": "network_call"}' "a missing member"
refused 400 '{"action_type": "network_call", "target": "api.example.com", "as": "robert"}' \
  "an unknown member"
refused 400 '{"action_type": "everything", "target": "x"}' "an unknown action"
refused 400 '{"action_type": "network_call", "target": "api.example.com\u0000.evil.example"}' \
  "a NUL in the target"
refused 400 "$(call ftp://api.example.com/)" "a scheme that is no web's"
# sized N: a check of exactly N bytes, in the file $TB/sized
sized() {
  python3 -c 'import sys
head, tail = "{\"action_type\": \"tool_exec\", \"target\": \"x\", \"metadata\": {\"a\": \"", "\"}}"
sys.stdout.write(head + "a" * (int(sys.argv[1]) - len(head) - len(tail)) + tail)' "$1" >"$TB/sized"
}
sized 65536
tap_is "$(check alice "$token" "@$TB/sized" | cut -c1-3)" 200 "a body of 64 KiB is read"
sized 65537
tap_is "$(check alice "$token" "@$TB/sized" | cut -c1-3)" 413 "one byte more: 413"

# --- only these routes ------------------------------------------------------------------------------------
for path in /api/v1/status /api/v1/rules /api/v1/ready /api/v1/log /metrics / /v1/nothing; do
  tap_is "$(ask alice http://x$path | cut -c1-3)" 404 "$path on the agent socket: 404"
done
tap_is "$(ask alice http://x/v1/checkin | cut -c1-3)" 405 "a check-in is no GET: 405"
for path in checkin heartbeat permissions/check; do
  tap_is "$(host_api -o /dev/null -w '%{http_code}' -X POST http://x/v1/$path)" 404 \
    "$path on the host socket: 404"
done
tap_is "$(host_api -o /dev/null -w '%{http_code}' http://x/v1/whoami)" 404 "whoami too"

# --- what alice was told -------------------------------------------------------------------------------------
gateway=$(host_api http://x/api/v1/network/config | sed 's/.*"gateway" *: *"\([^"]*\)".*/\1/')
[ "$(wc -l <"$TB/told-alice")" -gt 100 ]
tap_ok $? "all answers to alice were kept"
tap_unlike "$(cat "$TB/told-alice")" "robert|$other|$other_id" "nothing in them is about robert"
tap_unlike "$(cat "$TB/told-alice")" "allow-git|inDomain|rules\.d|yaml|$TB_DNS|$TB_HOST|$TB_WEB|outcall0|$gateway|$TB" \
  "nor about other rules, their texts, the network or the configuration"

shim=$(tb_program outcall-agent)

# --- rules about tool calls -------------------------------------------------------------------------------
rules 30-tools <<'EOT'
version: "1"
rules:
  - id: no-forced-push
    condition: 'run.args.exists(a, a == "git") && run.args.exists(a, a == "push")
      && run.flags.exists(f, f.startsWith("--force") || f == "-f")'
    action: block
    priority: 10
    reason: "do not force"
  - id: no-removal-of-everything
    condition: 'run.args.exists(a, a == "rm") && run.args.exists(a, a == "/")'
    action: block
    priority: 10
  - id: files-of-the-project
    condition: '"action_type" in run.context && run.context["action_type"] == "file_access"
      && run.context["target"].startsWith("/srv/")'
    action: allow
  - id: shell
    condition: '"action_type" in run.context && run.context["action_type"] == "shell_exec"'
    action: allow
EOT
outcall rules reload >/dev/null
tap_ok $? "rules about tool calls load"
# hook TOOL INPUT: allow or deny
hook() {
  printf '{"hook_event_name":"PreToolUse","session_id":"s","tool_use_id":"t","cwd":"/srv","tool_name":"%s","tool_input":%s}' "$1" "$2" |
    in_attack robert "$shim" hook claude-code | sed 's/.*"permissionDecision":"\([a-z]*\)".*/\1/'
}
shell() { hook Bash "{\"command\": \"$1\"}"; }
tap_is "$(shell 'git push origin main')" allow "git push"
for command in 'git push --force' 'git push -f origin' 'git push \"--force\"' "git push --fo'rce'" \
  'cd /x;git push --for\\ce-with-lease' 'true&&git push --force|cat' '(git push --force)'; do
  tap_is "$(shell "$command")" deny "not $command"
done
for command in 'rm -rf /' 'x; rm -r -f \"/\"' 'rm -rf /tmp/x /'; do
  tap_is "$(shell "$command")" deny "not $command"
done
tap_is "$(shell 'rm -rf /tmp/x')" allow "rm of something"
tap_is "$(hook Write '{"file_path": "/srv/a.c", "content": "rm -rf /"}')" allow "a file of the project"
tap_is "$(hook Write '{"file_path": "a.c", "content": ""}')" allow "by its relative name"
for path in /etc/passwd /srv/../etc/passwd ../etc/passwd /srv/x/../../etc/passwd; do
  tap_unlike "$(hook Write "{\"file_path\": \"$path\", \"content\": \"\"}" 2>/dev/null)" allow "not $path"
done
mkdir -p /srv/link-test && ln -sf /etc/not-there /srv/link-test/dangling && ln -sfn /etc /srv/link-test/etc
for path in /srv/link-test/dangling /srv/link-test/etc/hostname /srv/link-test/etc/no-such/file \
  /srv/link-test/new/../../../etc/x; do
  tap_unlike "$(hook Write "{\"file_path\": \"$path\", \"content\": \"\"}" 2>/dev/null)" allow "not by a link: $path"
done
tap_is "$(hook Write '{"file_path": "/srv/link-test/new/folder/file", "content": ""}')" allow "but in a new folder"
rm -r /srv/link-test
tap_is "$(hook mcp__x__y '{}')" deny "a tool that no rule knows"
words=$(seq 5000 | tr '\n' ' ')
tap_is "$(shell "echo $words")" deny "more words than can be judged"
tap_like "$(host_api "http://x/api/v1/log?agent=robert&limit=50")" '"session_id" ?: ?"s".*"tool_use_id" ?: ?"t"' \
  "the log keeps session and tool call"
tap_unlike "$(host_api "http://x/api/v1/log?agent=robert")" 'force-with-lease' "but no arguments"

# --- many connections --------------------------------------------------------------------------------------
cat >"$TB/hold.py" <<'EOT'
import socket, sys, time
held, refused = [], 0
for n in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect("/run/outcall/agent.sock")
    # A check that never ends; each answer is read, so that none is counted twice.
    try:
        s.send(b"POST /v1/checkin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    except BrokenPipeError:
        pass  # refused before it could ask; the answer is there
    refused += b" 503 " in s.recv(4096)
    held.append(s)
print(refused, flush=True)
sys.stdin.read()
EOT
mkfifo "$TB/hold.in"
in_attack robert python3 "$TB/hold.py" <"$TB/hold.in" >"$TB/held" 2>&1 &
exec 3>"$TB/hold.in"
tb_wait test -s "$TB/held"
tap_is "$(cat "$TB/held")" 44 "of 300 connections of one workload 256 are kept, the others get a 503"
tap_like "$(check alice "$token" "$good")" '^200 ' "another workload is served"
exec 3>&-
free() { in_attack robert curl -s -o /dev/null --max-time 5 -f --unix-socket /run/outcall/agent.sock http://x/v1/whoami; }
tb_wait free
tap_ok $? "and that one again, when they are gone"

# --- waiting for a decision ---------------------------------------------------------------------------------
token_robert=$(checkin robert | member session_token)
waited=$(ask robert -X POST -H "Authorization: Bearer $token_robert" -d '{"host": "waits.example.net"}' \
  http://x/v1/requests/rules | member id)
# More than may wait at once, and each goes away right after asking.
in_attack robert python3 - "$token_robert" "$waited" <<'EOT'
import socket, sys
for n in range(400):
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/outcall/agent.sock")
    s.send(f"GET /v1/requests/rules/{sys.argv[2]}?wait=300 HTTP/1.1\r\nHost: x\r\n"
           f"Authorization: Bearer {sys.argv[1]}\r\n\r\n".encode())
    s.close()
EOT
tap_ok $? "400 wait for a decision and go away"
tb_wait free
tap_ok $? "none of them keeps its place"

# Each is nobody any more when its request is read, or soon after.
in_attack robert python3 - "$token_robert" "$waited" <<'EOT'
import os, socket, sys
for n in range(400):
    if os.fork() == 0:
        s = socket.socket(socket.AF_UNIX)
        s.connect("/run/outcall/agent.sock")
        s.send(f"GET /v1/requests/rules/{sys.argv[2]}?wait={n % 2} HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {sys.argv[1]}\r\n\r\n".encode())
        os._exit(0)
    if n % 20 == 19:
        while n >= 0:
            try: os.wait()
            except ChildProcessError: break
EOT
tap_ok $? "400 processes ask and end"
tb_wait free
tap_ok $? "none of those either"
kill -0 $TB_DAEMON
tap_ok $? "and the daemon is the one that it was"
# Who connected has ended, before and after the daemon has seen it; a child has the socket.
for pause in 0 0.5; do
  tap_like "$(in_attack robert python3 - $pause <<'EOT'
import os, socket, sys, time
r, w = os.pipe()
if os.fork() == 0:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect("/run/outcall/agent.sock")
    time.sleep(float(sys.argv[1]))
    if os.fork() == 0:
        os.close(w)
        os.read(r, 1)
        s.send(b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
        print(s.recv(4096), flush=True)
        os._exit(0)
    os._exit(0)
os.wait()
os.close(w)
time.sleep(1)
EOT
)" '^b.HTTP/1.1 403 ' "a socket that outlives who connected it (after $pause s) is nobody's"
done

# --- an evaluation without end --------------------------------------------------------------------------------
daemon_stop
# Each of them ends at the limit of steps: enough of them for a machine that is eight times as fast.
for part in 1 2; do
  python3 - $part >"$TB/rules.d/05-slow-$part.yaml" <<'EOT'
import sys
print('version: "1"\nrules:')
for i in range(6000):
    print(f"  - id: slow-{sys.argv[1]}-{i}\n    action: allow\n    priority: 1\n    condition: 'run.args.exists(a, "
          f"run.args.exists(b, a + b == \"never-{i}\"))'")
EOT
done
chmod 644 "$TB"/rules.d/05-slow-*.yaml
daemon_start --agent-timeout 1
tap_ok $? "a daemon with rules that take long, and 1 s for a check"
token=$(checkin alice | member session_token)
slow=$(python3 -c 'import json; print(json.dumps({"action_type": "shell_exec", "target": "x", "metadata": {"args": "w " * 2000}}))')
begin=$(now_ms)
tap_like "$(check alice "$token" "$slow")" '"allowed" ?: ?false.*evaluation timeout' "is denied: evaluation timeout"
[ $(($(now_ms) - begin)) -lt 8000 ]
tap_ok $? "in time"
rm "$TB"/rules.d/05-slow-*.yaml

# --- rate limit ------------------------------------------------------------------------------------------------
daemon_stop
daemon_start --agent-perm-rate 3
tap_ok $? "a daemon that allows 3 checks in 10 s"
tap_is "$(check alice "$token" "$good" | cut -c1-3)" 401 "knows no token of the one before"
token=$(checkin alice | member session_token)
other=$(checkin robert | member session_token)
codes=
for _ in 1 2 3 4 5; do codes="$codes $(check alice "$token" "$good" | cut -c1-3)"; done
tap_is "$codes" " 200 200 200 429 429" "the fourth check is one too many"
wait_s=$(sed -n 's/^Retry-After: \([0-9]*\).*/\1/ip' "$TB/head")
[ "${wait_s:-0}" -ge 1 ] && [ "$wait_s" -le 10 ]
tap_ok $? "Retry-After says when the next one fits"
in_attack alice "$shim" check network_call api.example.com >/dev/null 2>&1
tap_is $? 3 "the shim, over the limit, does not say that it is allowed"
tap_is "$(check robert "$other" "$good" | cut -c1-3)" 200 "another workload is not held up"
tap_is "$(beat alice "$token")" "204 " "nor is a heartbeat"
fits() { [ "$(check alice "$token" "$good" | cut -c1-3)" = 200 ]; }
tb_wait fits
tap_ok $? "and then it fits"

# --- the limit, changed while running -----------------------------------------------------------------------
daemon_stop
printf '[outcalld]\nagent-perm-rate=2/600\n' >"$TB/outcalld.conf"
daemon_start --config "$TB/outcalld.conf"
token=$(checkin alice | member session_token)
codes=
for _ in 1 2 3; do codes="$codes $(check alice "$token" "$good" | cut -c1-3)"; done
tap_is "$codes" " 200 200 429" "two checks in ten minutes, says the configuration"
printf '[outcalld]\nagent-perm-rate=1000/600\n' >"$TB/outcalld.conf"
kill -HUP $TB_DAEMON
tb_wait fits
tap_ok $? "SIGHUP takes a new limit over, for sessions that are there"

# --- without the daemon --------------------------------------------------------------------------------------------
in_attack robert "$shim" check network_call api.example.com >/dev/null
tap_is $? 0 "below the limit it does"
in_attack robert "$shim" check network_call blocked.example.com >/dev/null
tap_is $? 3 "and exits 3 for what is denied"
daemon_stop KILL
in_attack alice "$shim" whoami >"$TB/out" 2>/dev/null
tap_is $? 5 "after SIGKILL of the daemon whoami exits 5"
tap_is "$(cat "$TB/out")" "" "and prints nothing"
in_attack alice "$shim" check network_call api.example.com >"$TB/out" 2>/dev/null
tap_is $? 5 "so does a check"
tap_unlike "$(cat "$TB/out")" allowed "which says nothing of allowed"
daemon_start
tap_ok $? "the daemon starts again"
tap_like "$(in_attack alice "$shim" whoami)" alice "and whoami works again"
attack_down alice
attack_down robert
daemon_stop
tap_done
