#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The DNS filter beside unbound, dnsmasq and a bare echo server in one run, with dnsperf:
# answers a second and process CPU time per answer at full load, and latency at 2,000
# questions a second; for names that are cached, blocked, forwarded; with 10 and 10,000
# rules, 1 and 2 workers; memory with a full cache. Spec 04, "Must hold". Needs a network
# namespace, unbound, dnsmasq and dnsperf.
set -eu
if [ "${1-}" != inside ]; then
  for tool in unbound dnsmasq dnsperf unshare; do
    command -v $tool >/dev/null || { echo "bench dns: no $tool"; exit 0; }
  done
  (cd "$OUTCALL_BUILDDIR" && make -s tests/bench/dns-echo tests/bench/dns-host)
  [ "$(id -u)" = 0 ] && exec unshare -nm sh "$0" inside
  exec unshare -rnm sh "$0" inside
fi
seconds=${BENCH_QUICK:+1}
seconds=${seconds:-3}
dir=$(mktemp -d)
pids=
# shellcheck disable=SC2317,SC2086
finish() {
  [ -z "$pids" ] || kill $pids 2>/dev/null || :
  rm -rf "$dir"
}
trap finish EXIT
ip link set lo up
for a in 10.200.0.1 10.200.0.2; do ip addr add $a/32 dev lo; done

# --- names -----------------------------------------------------------------
{
  # shellcheck disable=SC2016
  printf '$ORIGIN bench.example.\n$TTL 3600\n@ SOA ns m 1 2 3 4 60\n@ NS ns\nns A 5.5.5.5\n'
  i=0
  while [ $i -lt 1000 ]; do
    echo "host-$i.zone A 5.6.$((i / 250)).$((i % 250 + 1))"
    echo "host-$i.zone.bench.example A" >>"$dir/cached"
    echo "host-$i.blocked.example A" >>"$dir/blocked"
    i=$((i + 1))
  done
  echo '*.new A 5.6.9.9'
} >"$dir/zone"
# fresh N: so many names that nobody has asked for yet.
fresh_n=0
fresh() {
  awk -v from=$fresh_n -v n="$1" 'BEGIN { for (i = from; i < from + n; i++)
    print "n" i ".new.bench.example A" }' >"$dir/forwarded"
  fresh_n=$((fresh_n + $1))
}

unbound_conf() {
  cat <<END
server:
 interface: $1
 do-ip6: no
 chroot: ""
 username: ""
 directory: "$dir"
 pidfile: ""
 use-syslog: no
 logfile: "$1.log"
 do-daemonize: no
 num-threads: 1
 module-config: "iterator"
 access-control: 0.0.0.0/0 allow
 do-not-query-localhost: no
remote-control:
 control-enable: no
END
}
{
  unbound_conf 127.0.0.2
  printf 'auth-zone:\n name: "bench.example"\n zonefile: "zone"\n for-downstream: yes\n'
} >"$dir/upstream.conf"
{
  unbound_conf 127.0.0.4
  printf 'forward-zone:\n name: "."\n forward-addr: 127.0.0.2\n'
} >"$dir/unbound.conf"

# rules N FILE: N rules before the one that allows the names.
rules() {
  {
    printf 'version: "1"\nrules:\n'
    i=2
    while [ $i -lt "$1" ]; do
      echo "  - { id: other-$i, hosts: [\"www.site-$i.example\"], action: allow }"
      i=$((i + 1))
    done
    echo '  - id: bench'
    echo "    condition: 'inDomain(network.hostname, \"bench.example\")'"
    echo '    action: allow'
  } >"$2"
}
rules 10 "$dir/10.yaml"
rules 10000 "$dir/10000.yaml"

start() {
  "$@" >"$dir/out" 2>&1 &
  pids="$pids $!"
  last=$!
}

# cpu PID: nanoseconds that its threads have run.
cpu() { cat /proc/"$1"/task/*/schedstat | awk '{n += $1} END {printf "%.0f", n}'; }

# ask ADDRESS FILE SECONDS [FLAGS]: dnsperf's report.
ask() {
  ask_address=$1 ask_file=$2 ask_seconds=$3
  shift 3
  dnsperf -s "$ask_address" -a 10.200.0.2 -d "$ask_file" -l "$ask_seconds" -c 8 "$@" \
    >"$dir/report" 2>&1
}

# latency ADDRESS FILE: "p50 p99" in us, at a rate that no server here finds hard.
latency() {
  ask "$1" "$2" "$seconds" -Q 2000 -v
  grep '^> ' "$dir/report" | awk '{print $NF * 1e6}' | sort -n |
    awk '{v[NR] = $1} END {printf "%.0f %.0f", v[int(NR * 0.5) + 1], v[int(NR * 0.99) + 1]}'
}

# measure NAME PID ADDRESS FILE
measure() {
  name=$1 pid=$2 address=$3 file=$4
  if [ "$file" = forwarded ]; then
    fresh $((seconds * 2000))
    quantiles=$(latency "$address" "$dir/$file")
    fresh $((seconds * 60000))
  else
    ask "$address" "$dir/$file" 1 -q 100
    quantiles=$(latency "$address" "$dir/$file")
  fi
  before=$(cpu "$pid")
  ask "$address" "$dir/$file" "$seconds" -q 100 -n 1
  after=$(cpu "$pid")
  awk -v name="$name" -v ns="$((after - before))" -v quantiles="$quantiles" '
    BEGIN { split(quantiles, q, " ") }
    /Queries completed:/ { n = $3 }
    /Queries lost:/ { lost = $3 }
    /Queries per second:/ { qps = $4 }
    END {
      if (n > 0)
        printf "%-32s %10d %8.2f %8d %8d %6d\n", name, qps, ns / 1000 / n, q[1], q[2], lost
    }
  ' "$dir/report"
}

start unbound -d -c "$dir/upstream.conf"
upstream=$last
start "$OUTCALL_BUILDDIR/tests/bench/dns-echo" 127.0.0.6
echo=$last
start unbound -d -c "$dir/unbound.conf"
unbound=$last
start dnsmasq -k -C /dev/null -u root --bind-interfaces -a 127.0.0.5 --no-resolv --no-hosts \
  --server=127.0.0.2 --cache-size=10000 --pid-file=
dnsmasq=$last
host() {
  start "$OUTCALL_BUILDDIR/tests/bench/dns-host" 10.200.0.1 10.200.0.2 127.0.0.2 "$1" "$2"
  until ss -Huln "src 10.200.0.1" | grep -q .; do :; done
  outcall=$last
}

stop() {
  kill "$outcall"
  wait "$outcall" 2>/dev/null || :
}

# many TIMES FILE: a run ends with its file, so that it is long enough.
many() { for _ in $(seq "$1"); do cat "$dir/$2"; done >"$dir/long" && mv "$dir/long" "$dir/$2"; }
many 1000 cached
many 1000 blocked

printf '%-32s %10s %8s %8s %8s %6s\n' "DNS, 1,000 names, ${seconds} s" "answers/s" "CPU us" \
  "p50 us" "p99 us" lost
host "$dir/10.yaml" 1
measure "echo (floor)" "$echo" 127.0.0.6 cached
measure "outcall cached" "$outcall" 10.200.0.1 cached
measure "outcall blocked" "$outcall" 10.200.0.1 blocked
measure "unbound cached" "$unbound" 127.0.0.4 cached
measure "dnsmasq cached" "$dnsmasq" 127.0.0.5 cached
measure "echo (again)" "$echo" 127.0.0.6 cached
measure "upstream alone, new names" "$upstream" 127.0.0.2 forwarded
measure "outcall forwarded" "$outcall" 10.200.0.1 forwarded
measure "unbound forwarded" "$unbound" 127.0.0.4 forwarded
measure "dnsmasq forwarded" "$dnsmasq" 127.0.0.5 forwarded
awk '/^VmRSS/ {printf "%-32s %10.1f MiB\n", "outcall RSS, full cache", $2 / 1024}' \
  "/proc/$outcall/status"
stop
host "$dir/10000.yaml" 1
measure "outcall cached, 10,000 rules" "$outcall" 10.200.0.1 cached
measure "outcall blocked, 10,000 rules" "$outcall" 10.200.0.1 blocked
stop
host "$dir/10.yaml" 2
measure "outcall cached, 2 workers" "$outcall" 10.200.0.1 cached
measure "outcall forwarded, 2 workers" "$outcall" 10.200.0.1 forwarded
