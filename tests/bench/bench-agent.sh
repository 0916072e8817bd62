#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The agent API and the shim: checks a second, latency of a check over a warm
# connection, what a hook and a check cost with process start, and checks while
# 10,000 hostile connections are held open. Needs root.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
testbed_up
e2e_rules
daemon_start --agent-perm-rate 0 || exit 1
attack_up alice && attack_up mallory || exit 1
seconds=${BENCH_QUICK:+0.3}
seconds=${seconds:-4}
rounds=${BENCH_QUICK:+20}
rounds=${rounds:-500}
# The main thread's time on a CPU, in ns: it alone serves the API.
cpu_ns() { cut -d' ' -f1 "/proc/$TB_DAEMON/task/$TB_DAEMON/schedstat"; }
# load CONNECTIONS DEPTH: "checks/s p50 p99 errors CPU", CPU in us a check.
load() {
  load_begin=$(cpu_ns)
  load_result=$(in_attack alice "$OUTCALL_BUILDDIR/tests/bench/agent-load" /run/outcall/agent.sock "$@" "$seconds")
  load_end=$(cpu_ns)
  # shellcheck disable=SC2086
  set -- $load_result
  echo "$1 $2 $3 $4 $(awk -v ns=$((load_end - load_begin)) -v n="$5" 'BEGIN { printf "%.1f", ns / n / 1000 }')"
}
row() { printf '%-44s %10s %8s %8s %8s %8s\n' "$@"; }
shim=$(tb_program outcall-agent)
row "agent API, permission checks" "checks/s" "p50 us" "p99 us" "errors" "CPU us"
# shellcheck disable=SC2046
row "one connection, one at a time (p99 <= 200)" $(load 1 1)
# shellcheck disable=SC2046
row "8 connections, 16 in flight (>= 30000/s)" $(load 8 16)
# Each begins a request and never ends it; what is over the workload's 256 gets a 503.
cat >"$TB/hostile.py" <<'EOP'
import socket, sys, time
held = []
end = time.time() + 60
n = 0
while n < 10000 and time.time() < end:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    try:
        s.connect("/run/outcall/agent.sock")
        s.send(b"POST /v1/permissions/check HTTP/1.1\r\nContent-Length: 65536\r\n\r\n{")
        held.append(s)
        if len(held) > 900:
            held.pop(0).close()
    except OSError:
        s.close()
    n += 1
time.sleep(60)
EOP
in_attack mallory python3 "$TB/hostile.py" &
hostile=$!
# shellcheck disable=SC2046
row "the same beside 10,000 hostile connections" $(load 8 16)
kill $hostile 2>/dev/null
# p50 and p99 of a whole process, in microseconds.
each() {
  in_attack alice python3 - "$rounds" "$@" <<'EOP'
import subprocess, sys, time
rounds, stdin, command = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3:]
took = []
for _ in range(rounds):
    begin = time.perf_counter()
    subprocess.run(command, input=stdin, stdout=subprocess.DEVNULL, check=False)
    took.append((time.perf_counter() - begin) * 1e6)
took.sort()
print(f"{rounds / sum(took) * 1e6:.0f} {took[len(took) // 2]:.0f} {took[int(len(took) * 0.99)]:.0f}")
EOP
}
hook='{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"cwd":"/"}'
# shellcheck disable=SC2046
row "true, for comparison" $(each '' true) - -
# shellcheck disable=SC2046
row "outcall-agent check (<= 2000)" $(each '' "$shim" check network_call api.example.com) - -
# shellcheck disable=SC2046
row "outcall-agent hook (p99 <= 10000)" $(each "$hook" "$shim" hook claude-code) - -
attack_down alice
attack_down mallory
daemon_stop
