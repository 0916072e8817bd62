#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon's start-up and memory, and `outcall status`. Needs root. The number of rounds is
# the first argument (100). bench-workloads.sh has what a workload costs.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
# shellcheck source=tests/testbed/testbed.sh
. "$OUTCALL_SRCDIR/tests/testbed/testbed.sh"
# shellcheck source=tests/bench/common.sh
. "$OUTCALL_SRCDIR/tests/bench/common.sh"
testbed_enter "$0" "$@"
rounds=${1:-${BENCH_QUICK:+5}}
rounds=${rounds:-100}
testbed_up
rules base <<'EOF'
version: "1"
rules:
  - id: allow-api
    hosts: ["api.example.com"]
    action: allow
EOF

begin=$(now_us)
ip netns exec host "$(tb_program outcalld)" --rules-dir "$TB/rules.d" --state-dir "$TB/state" \
  --dns-upstream $TB_DNS >"$TB/daemon.log" 2>&1 &
TB_DAEMON=$!
until [ -S /run/outcall/agent.sock ]; do sleep 0.001; done
ready=$(now_us)
tb_wait daemon_ready

printf '%-44s %9s %9s %9s\n' "whole system ($rounds rounds)" p50 p99 mean
printf '%-44s %9.2f\n' "daemon: exec to sockets open, ms" \
  "$(awk -v a="$begin" -v b="$ready" 'BEGIN {print (b - a) / 1000}')"
awk '/^VmRSS|^RssAnon/ {printf "%-44s %9.2f\n", "daemon: " $1 " MiB", $2 / 1024}' "/proc/$TB_DAEMON/status"

# --- status ----------------------------------------------------------------------
# bash reads the clock without a process of its own, and one `ip netns exec` holds
# for all rounds.
cat >"$TB/rounds.bash" <<'EOF'
for ((i = 0; i < $1; i++)); do
  begin=${EPOCHREALTIME/./}
  "$3" status >/dev/null
  echo "$((${EPOCHREALTIME/./} - begin))" >>"$2/status"
done
EOF
in_host bash "$TB/rounds.bash" "$rounds" "$TB" "$(tb_program outcall)"
awk '{print $1 / 1000}' "$TB/status" >"$TB/status.ms"
percentiles "outcall status" "$TB/status.ms" ms "(spec: <= 10)"
daemon_stop
