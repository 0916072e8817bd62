#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a workload costs: attach latency and memory with 200 sandboxes alive, `outcall run`
# beside plain bubblewrap and `docker run`. Needs root; Docker Engine is started when it is
# here. The number of sandboxes is the first argument (200), of rounds the second (50).
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
# shellcheck source=tests/testbed/testbed.sh
. "$OUTCALL_SRCDIR/tests/testbed/testbed.sh"
# shellcheck source=tests/bench/common.sh
. "$OUTCALL_SRCDIR/tests/bench/common.sh"
testbed_enter "$0" "$@"
# shellcheck source=tests/engine/engine.sh
. "$OUTCALL_SRCDIR/tests/engine/engine.sh"
# shellcheck disable=SC2034
ENGINE=docker
ENGINE_PID=''
sandboxes=${1:-${BENCH_QUICK:+10}}
sandboxes=${sandboxes:-200}
rounds=${2:-${BENCH_QUICK:+5}}
rounds=${rounds:-50}
testbed_up
rules base <<'EOF'
version: "1"
rules:
  - id: allow-api
    hosts: ["api.example.com"]
    action: allow
EOF
daemon_start
rss() { awk '/^VmRSS/ {print $2}' "/proc/$TB_DAEMON/status"; }
printf '%-44s %9s %9s %9s\n' "workloads" p50 p99 mean

# --- attach: namespaces made before, only the call is timed ---------------------
before=$(rss)
i=0
while [ $i -lt "$sandboxes" ]; do
  unshare --user --map-root-user --net sleep 1000 &
  echo $! >>"$TB/pids"
  i=$((i + 1))
done
while read -r pid; do tb_wait tb_fresh_netns "$pid"; done <"$TB/pids"
while read -r pid; do
  host_api -o /dev/null -w '%{time_total}\n' -d "{\"pid\": $pid, \"name\": \"w$pid\"}" \
    http://x/api/v1/sandbox/attach
done <"$TB/pids" | awk '{print $1 * 1000}' >"$TB/attach"
alive=$(outcall ps --json | grep -o '"address"' | wc -l)
percentiles "attach (network up, lease in the kernel)" "$TB/attach" ms "(spec: p99 <= 20)"
printf '%-44s %9d\n' "sandboxes alive at once" "$alive"
printf '%-44s %9.2f\n' "daemon: VmRSS KiB for each" \
  "$(awk -v a="$before" -v b="$(rss)" -v n="$alive" 'BEGIN {print (b - a) / n}')"
xargs kill -9 <"$TB/pids" 2>/dev/null
none_left() { [ "$(outcall ps --json | tr -d ' \n')" = '[]' ]; }
begin=$(now_us)
tb_wait none_left
printf '%-44s %9.2f\n' "all gone after kill -9, ms" \
  "$(awk -v a="$begin" -v b="$(now_us)" 'BEGIN {print (b - a) / 1000}')"

# --- outcall run beside bubblewrap and docker run ----------------------------------
# All addresses are free for a daemon that knows of no earlier ones.
daemon_stop
rm -r "$TB/state"
daemon_start
# bash reads the clock without a process of its own, and one `ip netns exec` holds
# for all rounds.
cd "$TB/project" || exit 1
docker=
if command -v dockerd docker busybox >/dev/null; then
  engine_cgroups
  engine_start && engine_image && docker=unix://$ENGINE_SOCKET
fi
cat >"$TB/rounds.bash" <<'EOF'
rounds=$1 out=$2 outcall=$3 docker=$4
timed() {
  local file=$1 begin=${EPOCHREALTIME/./}
  shift
  "$@" >/dev/null
  echo "$((${EPOCHREALTIME/./} - begin))" >>"$out/$file"
}
for ((i = 0; i < rounds; i++)); do
  timed plain bwrap --unshare-user --unshare-net --unshare-pid --unshare-ipc --unshare-uts \
    --die-with-parent --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
    --symlink usr/lib64 /lib64 --ro-bind /etc /etc --proc /proc --dev /dev --tmpfs /tmp true
  timed confined "$outcall" run -- true
  sleep 0.2 # the kernel takes the last sandbox apart
  [ -z "$docker" ] || timed docker docker -H "$docker" run --rm --network none box true
done
EOF
nsenter --net=/run/netns/host -- bash "$TB/rounds.bash" "$rounds" "$TB" "$(tb_program outcall)" "$docker"
for file in plain confined docker; do
  [ -s "$TB/$file" ] && awk '{print $1 / 1000}' "$TB/$file" >"$TB/$file.ms"
done
paste "$TB/confined.ms" "$TB/plain.ms" | awk '{print $1 - $2}' >"$TB/over.ms"
percentiles "plain bwrap, true" "$TB/plain.ms" ms
percentiles "outcall run -- true" "$TB/confined.ms" ms
percentiles "cost over plain bwrap" "$TB/over.ms" ms "(spec: <= 15)"
if [ -s "$TB/docker.ms" ]; then
  percentiles "docker run --network none, true" "$TB/docker.ms" ms
else
  echo "docker run: no Docker Engine here"
fi
daemon_stop
[ -z "$ENGINE_PID" ] || engine_stop
