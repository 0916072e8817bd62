#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The proxy beside squid, tinyproxy and no proxy, on loopback in one run: rate
# and process CPU time per unit of work. Spec 05, "Must hold". Needs a network
# namespace, squid and tinyproxy.
set -eu
if [ "${1-}" != inside ]; then
  for tool in squid tinyproxy unshare; do
    command -v $tool >/dev/null || { echo "bench proxy: no $tool"; exit 0; }
  done
  (cd "$OUTCALL_BUILDDIR" && make -s tests/bench/proxy-host tests/bench/proxy-load)
  [ "$(id -u)" = 0 ] && exec unshare -nm sh "$0" inside
  exec unshare -rnm sh "$0" inside
fi
seconds=${BENCH_QUICK:+1}
seconds=${seconds:-3}
dir=$(mktemp -d)
chmod 755 "$dir"
pids=
# shellcheck disable=SC2317,SC2086
finish() {
  [ -z "$pids" ] || kill $pids 2>/dev/null || :
  wait
  rm -rf "$dir"
}
trap finish EXIT
gateway=10.77.0.1 agent=10.77.0.2 hostile=10.77.0.3 second=10.77.0.4 host=5.5.5.5
# shellcheck disable=SC3045
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
ip link set lo up
for a in $gateway $agent $hostile $second $host; do ip addr add $a/32 dev lo; done
load=$OUTCALL_BUILDDIR/tests/bench/proxy-load

cat >"$dir/squid.conf" <<END
http_port $gateway:3128
http_access allow all
cache deny all
access_log none
cache_log /dev/null
cache_store_log none
pid_filename none
coredump_dir $dir
shutdown_lifetime 0 seconds
cache_effective_user nobody
max_filedescriptors 65536
pinger_enable off
END
cat >"$dir/tinyproxy.conf" <<END
Port 8888
Listen $gateway
Timeout 600
MaxClients 2000
LogLevel Critical
LogFile "/dev/null"
ConnectPort 443
ConnectPort 8443
END

"$load" serve $host & pids="$pids $!"
"$OUTCALL_BUILDDIR/tests/bench/proxy-host" $gateway $agent $host "$(nproc)" >"$dir/log" 2>&1 & ours=$!
squid -N -f "$dir/squid.conf" >"$dir/log.squid" 2>&1 & squid=$!
tinyproxy -d -c "$dir/tinyproxy.conf" >"$dir/log.tiny" 2>&1 & tiny=$!
pids="$pids $ours $squid $tiny"

ready() {
  i=0
  until "$load" get $agent $gateway "$1" $host 0 1 0 >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "bench proxy: nothing on port $1"; exit 1; }
    sleep 0.1
  done
}
for port in 0 8080 3128 8888; do ready $port; done

# measure MODE CLIENTS NAME PORT PID
measure() {
  set -- "$1" "$2" "$3" "$4" "$5" "$("$load" "$1" $agent $gateway "$4" $host "$seconds" "$2" "$5")"
  echo "$1 $3 $6" >>"$dir/figures"
  # shellcheck disable=SC2086
  set -- "$1" "$3" $6
  printf '%-9s %-10s %12s /s %12s us CPU each, %10s of them in user space\n' "$@"
}
for mode in connect bulk get; do
  clients=16
  [ $mode = bulk ] && clients=1
  measure $mode $clients direct 0 0
  measure $mode $clients outcall 8080 $ours
  measure $mode $clients squid 3128 $squid
  measure $mode $clients tinyproxy 8888 $tiny
done

# --- Memory of idle tunnels ----------------------------------------------------------
tunnels=${BENCH_QUICK:+200}
tunnels=${tunnels:-10000}
# Two descriptors for each, in the proxy and in the load.
# shellcheck disable=SC3045
room=$(($(ulimit -n) / 2 - 200))
[ "$tunnels" -le $room ] || tunnels=$room
sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
for named in outcall:8080:$ours squid:3128:$squid; do
  pid=${named##*:} port=${named#*:}
  bytes=$("$load" hold $agent $gateway "${port%:*}" $host "$tunnels" 0 "$pid") || bytes=0
  printf '%-9s %-10s %12s bytes of memory each of %s\n' idle "${named%%:*}" "$bytes" "$tunnels"
  echo "idle ${named%%:*} $bytes 0 0" >>"$dir/figures"
done

# --- What others keep while one is hostile ---------------------------------------------
"$OUTCALL_BUILDDIR/tests/bench/proxy-host" $second $agent,$hostile $host "$(nproc)" 512 \
  >"$dir/log.two" 2>&1 & two=$!
pids="$pids $two"
gateway=$second
ready 8080
measure paced 4 quiet 8080 $two
for attack in loris churn; do
  "$load" $attack $hostile $gateway 8080 $host $((seconds + 2)) 4 0 >"$dir/attack" & attacker=$!
  sleep 1
  measure paced 4 $attack 8080 $two
  wait $attacker
  printf '%-9s %-10s %12s /s\n' attack $attack "$(cut -d' ' -f1 "$dir/attack")"
done
awk '
  { rate[$1, $2] = $3; cpu[$1, $2] = $4; user[$1, $2] = $5 }
  function line(what, got, op, want) {
    ok = op == "<=" ? got <= want : got >= want
    printf "  %-46s %6.2f  (%s %s) %s\n", what, got, op, want, ok ? "" : "not reached"
  }
  function div(a, b) { return b > 0 ? a / b : 0 }
  END {
    line("CONNECT: CPU per round, of squid", div(cpu["connect","outcall"], cpu["connect","squid"]), "<=", 0.4)
    line("CONNECT: rounds/s, of squid", div(rate["connect","outcall"], rate["connect","squid"]), ">=", 1.8)
    line("CONNECT: rounds/s, of tinyproxy", div(rate["connect","outcall"], rate["connect","tinyproxy"]), ">=", 1.15)
    line("bulk: CPU per GB, of squid", div(cpu["bulk","outcall"], cpu["bulk","squid"]), "<=", 0.4)
    line("bulk: throughput, of direct", div(rate["bulk","outcall"], rate["bulk","direct"]), ">=", 0.85)
    line("GET: rate, of squid", div(rate["get","outcall"], rate["get","squid"]), ">=", 2)
    line("GET: user-space CPU of each, us", user["get","outcall"], "<=", 10)
    line("idle tunnel: KiB", rate["idle","outcall"] / 1024, "<=", 8)
    line("others during slow-loris", div(rate["paced","loris"], rate["paced","quiet"]), ">=", 0.9)
    line("others during 10,000 connects/s", div(rate["paced","churn"], rate["paced","quiet"]), ">=", 0.9)
  }' "$dir/figures"
