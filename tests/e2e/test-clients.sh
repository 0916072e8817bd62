#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Real clients through both modes of the proxy. Specification: 05 "Must hold".
# OUTCALL_LONG=1: an event stream of ten minutes, 5 GB each way, 1,000 tunnels.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
services=93.184.216.20
url=https://services.example.com plain=http://services.example.com
bulk=5000000 events=10 interval=50 tunnels=25
[ -z "${OUTCALL_LONG:-}" ] || bulk=5000000000 events=600 interval=1000 tunnels=500

# --- What the services offer -------------------------------------------------------

make_apt() {
  mkdir -p "$TB/deb/DEBIAN" "$TB/services/apt"
  printf 'Package: bed\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: bed\n' \
    >"$TB/deb/DEBIAN/control"
  dpkg-deb -b "$TB/deb" "$TB/services/apt/bed_1_all.deb" >/dev/null
  (cd "$TB/services/apt" && {
    dpkg-deb -f bed_1_all.deb
    printf 'Filename: ./bed_1_all.deb\nSize: %s\nSHA256: %s\n' "$(stat -c %s bed_1_all.deb)" \
      "$(sha256sum bed_1_all.deb | cut -d' ' -f1)"
  } >Packages)
  printf 'Date: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" \
    "$(sha256sum <"$TB/services/apt/Packages" | cut -d' ' -f1)" \
    "$(stat -c %s "$TB/services/apt/Packages")" >"$TB/services/apt/Release"
}

make_python() {
  mkdir -p "$TB/services/simple/bed" "$TB/wheel/bed-1.dist-info"
  echo 'value = 42' >"$TB/wheel/bed.py"
  printf 'Metadata-Version: 2.1\nName: bed\nVersion: 1\n' >"$TB/wheel/bed-1.dist-info/METADATA"
  printf 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >"$TB/wheel/bed-1.dist-info/WHEEL"
  : >"$TB/wheel/bed-1.dist-info/RECORD"
  (cd "$TB/wheel" && python3 -m zipfile -c ../services/simple/bed/bed-1-py3-none-any.whl bed.py bed-1.dist-info)
  echo '<a href="bed-1-py3-none-any.whl">bed-1-py3-none-any.whl</a>' >"$TB/services/simple/bed/index.html"
}

make_npm() {
  mkdir -p "$TB/services/npm" "$TB/npm/package"
  echo '{"name":"bed","version":"1.0.0"}' >"$TB/npm/package/package.json"
  tar -C "$TB/npm" -czf "$TB/services/npm/bed-1.0.0.tgz" package
  printf '{"name":"bed","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"bed","version":"1.0.0","dist":{"tarball":"%s","shasum":"%s"}}}}' \
    "$url/npm/bed-1.0.0.tgz" "$(sha1sum <"$TB/services/npm/bed-1.0.0.tgz" | cut -d' ' -f1)" \
    >"$TB/services/npm/bed"
}

serve() {
  mkdir -p "$TB/services"
  git clone -q --bare "$TB/web-root/repo.git" "$TB/services/bed.git"
  git -C "$TB/services/bed.git" config http.receivepack true
  ! command -v dpkg-deb >/dev/null || make_apt
  make_python
  ! command -v npm >/dev/null || make_npm
  tb_certificate services services.example.com
  ip -n net addr add $services/32 dev lo
  in_net python3 "$OUTCALL_SRCDIR/tests/testbed/services.py" $services "$TB/services.pem" \
    "$TB/services.key" "$TB/services" >"$TB/services.log" 2>&1 &
  tb_wait grep -q ready "$TB/services.log"
}
serve
tap_ok $? "the services are there"
rules 20-services <<'EOF'
version: "1"
rules:
  - id: services
    hosts: ["services.example.com"]
    action: allow
EOF
outcall rules reload >/dev/null
cp "$OUTCALL_SRCDIR/tests/e2e/clients.py" "$TB/project/"

# --- The clients -----------------------------------------------------------------------

# agent COMMAND…: confined, in the mode at hand.
agent() {
  if [ "$mode" = explicit ]; then
    sandbox "$@"
  else
    sandbox env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY "$@"
  fi
}

# client TOOL WANTED NAME COMMAND…: by its output.
client() {
  client_tool=$1 client_wanted=$2 client_name=$3
  shift 3
  if ! command -v "$client_tool" >/dev/null; then
    tap_skip "$mode: $client_name" "no $client_tool"
    return
  fi
  client_got=$(agent "$@" 2>"$TB/err")
  tap_is "$client_got" "$client_wanted" "$mode: $client_name"
  [ "$client_got" = "$client_wanted" ] || tail -n 8 "$TB/err" | sed 's/^/# /'
}

# The sum of so many bytes of /bulk.
bulk_sum() {
  python3 -c 'import hashlib, sys
block, left, digest = bytes(range(256)) * 1024, int(sys.argv[1]), hashlib.sha256()
while left > 0:
    digest.update(block[:min(left, len(block))])
    left -= len(block)
print(digest.hexdigest())' "$1"
}

git_work() {
  agent git -c http.sslCAInfo=ca.pem clone -q $url/git/bed.git "work-$mode" &&
    (cd "$TB/project/work-$mode" && head -c 3000000 /dev/urandom >"big-$mode" && git add . &&
      git -c user.name=t -c user.email=t@example.org commit -q -m two) &&
    agent git -C "work-$mode" -c http.sslCAInfo=../ca.pem push -q origin HEAD:refs/heads/main
}

apt_work() {
  mkdir -p "$TB/project/apt/lists/partial" "$TB/project/apt/cache/archives/partial"
  echo "deb [trusted=yes] $plain/apt ./" >"$TB/project/apt/sources.list"
  : >"$TB/project/apt/status"
  agent sh -c 'cd apt && set -- -qq -o Dir::State=$PWD -o Dir::State::status=$PWD/status -o Dir::Cache=$PWD/cache \
    -o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=- -o Dir::Etc::parts=- -o APT::Sandbox::User= \
    -o APT::Architecture=amd64 && rm -f *.deb && apt-get "$@" update && apt-get "$@" download bed && ls *.deb'
}

sum=$(bulk_sum $bulk)
python3 -c 'import sys; sys.stdout.buffer.write(b"a" * 100000)' >"$TB/project/up"
up_sum=$(sha256sum <"$TB/project/up" | cut -d' ' -f1)
! command -v go >/dev/null ||
  (cd "$OUTCALL_SRCDIR/tests/e2e" && CGO_ENABLED=0 GOCACHE="$TB/go" GO111MODULE=off go build -o "$TB/project/fetch" fetch.go)
for mode in explicit transparent; do
  client curl "1.1" "curl, HTTP/1.1 inside TLS" \
    curl -sS --http1.1 --cacert ca.pem -o /dev/null -w '%{http_version}' https://api.example.com/hello
  client curl "2" "curl, HTTP/2 inside TLS" \
    curl -sS --http2 --cacert ca.pem -o /dev/null -w '%{http_version}' https://api.example.com/hello
  client curl "200 200 " "curl, two plain requests over one connection" \
    curl -sS -o /dev/null -o /dev/null -w '%{http_code} ' "$plain/simple/bed/" "$plain/simple/bed/"
  client curl "$up_sum" "curl, chunked upload with Expect" \
    curl -sS -H 'Transfer-Encoding: chunked' -H 'Expect: 100-continue' --data-binary @up "$plain/sum"
  client curl "$up_sum" "curl, HTTP/1.0" curl -sS -0 --data-binary @up "$plain/sum"
  client wget "hello from api.example.com" "wget" \
    wget -q -O - --ca-certificate=ca.pem https://api.example.com/hello
  git_work
  tap_is "$(git -C "$TB/services/bed.git" ls-tree --name-only main | grep "big-$mode")" "big-$mode" \
    "$mode: git clones and pushes over HTTPS"
  if command -v dpkg-deb >/dev/null; then
    tap_is "$(apt_work 2>"$TB/err")" "bed_1_all.deb" "$mode: apt updates and downloads"
  fi
  client python3 42 "pip installs" sh -c "/usr/bin/python3 -m pip install -q --no-cache-dir --disable-pip-version-check --break-system-packages \
    --target lib-$mode --index-url $url/simple --cert ca.pem bed >&2 && PYTHONPATH=lib-$mode /usr/bin/python3 -c 'import bed; print(bed.value)'"
  client npm 1.0.0 "npm installs" sh -c "mkdir -p npm-$mode && cd npm-$mode && echo '{}' >package.json && npm install --silent --no-audit \
    --no-fund --cafile ../ca.pem --registry $url/npm/ --cache \$PWD/cache bed >&2 && node -p 'require(\"./node_modules/bed/package.json\").version'"
  client node "hello from api.example.com" "Node fetch" \
    env NODE_EXTRA_CA_CERTS=ca.pem NODE_NO_WARNINGS=1 node -e 'fetch("https://api.example.com/hello").then(a => a.text()).then(t => process.stdout.write(t))'
  client go "HTTP/2.0 hello from api.example.com" "Go net/http, HTTP/2 inside TLS" ./fetch ca.pem https://api.example.com/hello
  if /usr/bin/python3 -c 'import requests' 2>/dev/null; then
    client python3 "$up_sum" "Python requests" /usr/bin/python3 clients.py requests $url/sum
    client python3 "$up_sum" "Python requests, plain" /usr/bin/python3 clients.py requests $plain/sum
  fi
  client python3 echoed "a WebSocket inside TLS" /usr/bin/python3 clients.py ws wss://services.example.com/ws
  client python3 echoed "a plain WebSocket" /usr/bin/python3 clients.py ws ws://services.example.com/ws
  client python3 "$events events" "an event stream inside TLS" \
    /usr/bin/python3 clients.py sse "$url/sse?$events,$interval" $events
  client python3 "$events events" "a plain event stream" \
    /usr/bin/python3 clients.py sse "$plain/sse?$events,$interval" $events
  client curl "$sum" "$bulk bytes down, inside TLS" sh -c "curl -sS --cacert ca.pem '$url/bulk?$bulk' | sha256sum | cut -d' ' -f1"
  client curl "$sum" "$bulk bytes down, plain" sh -c "curl -sS '$plain/bulk?$bulk' | sha256sum | cut -d' ' -f1"
  client curl "$sum" "$bulk bytes up, inside TLS" \
    sh -c "curl -sS --cacert ca.pem '$url/bulk?$bulk' | curl -sS --cacert ca.pem -T - $url/sum"
  client curl "$sum" "$bulk bytes up, plain" sh -c "curl -sS '$plain/bulk?$bulk' | curl -sS -T - $plain/sum"
done
mode=explicit
agent /usr/bin/python3 clients.py tunnels $url/apt/Packages $tunnels >"$TB/one" 2>&1 &
one=$!
agent /usr/bin/python3 clients.py tunnels $url/apt/Packages $tunnels >"$TB/two" 2>&1
wait $one
tap_is "$(cat "$TB/one" "$TB/two")" "$(printf '%s tunnels\n%s tunnels' $tunnels $tunnels)" \
  "$tunnels tunnels of each of two programs at the same time"
tap_like "$(outcall proxy status)" 'services +[0-9]+ ' "the rule's traffic is counted"
daemon_stop
tap_done
