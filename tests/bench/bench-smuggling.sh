#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The request smuggling corpus thrown at Outcall's proxy, squid and tinyproxy,
# for the record. Needs a network namespace, python3, squid and tinyproxy.
set -eu
if [ "${1-}" != inside ]; then
  for tool in squid tinyproxy unshare python3; do
    command -v $tool >/dev/null || { echo "bench smuggling: no $tool"; exit 0; }
  done
  (cd "$OUTCALL_BUILDDIR" && make -s tests/bench/proxy-host)
  [ "$(id -u)" = 0 ] && exec unshare -nm sh "$0" inside
  exec unshare -rnm sh "$0" inside
fi
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
# The addresses are as long as up.test and other.test.
gateway=10.77.0.1 agent=10.77.0.2 host=5.5.5.5 other=5.5.55.155
ip link set lo up
for a in $gateway $agent $host $other; do ip addr add $a/32 dev lo; done
ip route add default dev lo src $agent
cat >"$dir/squid.conf" <<END
http_port $gateway:3128
http_access allow all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
coredump_dir $dir
shutdown_lifetime 0 seconds
cache_effective_user nobody
max_filedescriptors 1024
pinger_enable off
END
cat >"$dir/tinyproxy.conf" <<END
Port 8888
Listen $gateway
Timeout 5
LogLevel Critical
LogFile "/dev/null"
END
"$OUTCALL_BUILDDIR/tests/bench/proxy-host" $gateway $agent $host 1 >"$dir/log" 2>&1 & pids="$pids $!"
squid -N -f "$dir/squid.conf" >"$dir/log.squid" 2>&1 & pids="$pids $!"
tinyproxy -d -c "$dir/tinyproxy.conf" >"$dir/log.tiny" 2>&1 & pids="$pids $!"
listens() { ss -ltnH "sport = :$1" | grep -q .; }
for named in outcall:8080 squid:3128 tinyproxy:8888; do
  i=0
  until listens "${named#*:}"; do
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "bench smuggling: nothing on port ${named#*:}"; exit 1; }
    sleep 0.1
  done
  set -- "$OUTCALL_SRCDIR"/tests/http-smuggling/*.txt
  [ -z "${BENCH_QUICK-}" ] || set -- "$OUTCALL_SRCDIR/tests/http-smuggling/fields.txt"
  printf '%-10s %s\n' "${named%:*}" \
    "$(python3 "$OUTCALL_SRCDIR/tests/http-smuggling/throw.py" $gateway:"${named#*:}" $host $other "$@" 2>"$dir/through.${named%:*}")"
  [ -z "${BENCH_VERBOSE-}" ] || cat "$dir/through.${named%:*}"
done
