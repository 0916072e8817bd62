#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Part of scripts/try: the machine's own package client fetches one package
# through a sandbox on the real network. Which host that is, is read from the
# client's configuration. Off-line this says so and succeeds.
set -eu
BRIDGE=octry0
BLOCK=10.213.0.0/16
work=$(mktemp -d)
daemon=

clean_up() {
  if [ -n "$daemon" ]; then
    outcall bridge down >/dev/null 2>&1 || true
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

skip() {
  echo "left out: $*"
  exit 0
}

program() {
  if [ -x "$OUTCALL_BUILDDIR/src/$1/.libs/$1" ]; then
    echo "$OUTCALL_BUILDDIR/src/$1/.libs/$1"
  else
    echo "$OUTCALL_BUILDDIR/src/$1/$1"
  fi
}
export LD_LIBRARY_PATH="$OUTCALL_BUILDDIR/lib/outcall-api/.libs"
outcall() { "$(program outcall)" --socket "$work/host.sock" "$@"; }

# --- which client, which host ------------------------------------------------
choose_npm() {
  command -v npm >/dev/null || return 1
  registry=$(npm config get registry 2>/dev/null) || return 1
  client=npm
}
choose_apt() {
  command -v apt-get >/dev/null || return 1
  registry=$(apt-get --print-uris download hostname 2>/dev/null | sed -n "s/^'\([^']*\)'.*/\1/p")
  [ -n "$registry" ] || return 1
  client=apt
}
choose_npm || choose_apt || skip "no npm or apt here"
host=${registry#*://}
host=${host%%/*}
case $registry in https:*) port=443 ;; *) port=80 ;; esac
case $host in *:*) port=${host##*:} host=${host%:*} ;; esac
address=$(getent ahostsv4 "$host" | awk '{print $1; exit}')
[ -n "$address" ] || skip "this machine is off-line ($host does not resolve)"
curl -s -o /dev/null --max-time 5 "$registry" || skip "this machine is off-line ($host does not answer)"
nft list table inet outcall >/dev/null 2>&1 && skip "an outcalld runs on this machine already"

# --- a daemon of our own on the real network -----------------------------------
# A mirror inside a private network has an address that the address policy
# refuses unless the rule says otherwise.
private=false
case $address in
10.* | 192.168.* | 172.1[6-9].* | 172.2?.* | 172.3[01].* | 100.* | 192.0.2.* | 198.1[89].* | \
  198.51.100.* | 203.0.113.*) private=true ;;
esac
mkdir "$work/rules.d" "$work/state" "$work/project"
cat >"$work/rules.d/registry.yaml" <<EOF
version: "1"
rules:
  - id: allow-registry
    hosts: ["$host"]
    ports: [$port]
    action: allow
    egress:
      allow_private_ips: $private
EOF
"$(program outcalld)" --socket "$work/host.sock" --agent-socket "$work/agent.sock" \
  --bridge $BRIDGE --subnet-block $BLOCK --rules-dir "$work/rules.d" \
  --state-dir "$work/state" >"$work/log" 2>&1 &
daemon=$!
tries=100
until curl -sf --unix-socket "$work/host.sock" http://x/api/v1/ready >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ $tries -eq 0 ] || ! kill -0 $daemon 2>/dev/null; then
    cat "$work/log"
    daemon=
    exit 1
  fi
  sleep 0.1
done

cd "$work/project"
fetch() {
  case $client in
  npm)
    outcall run --env SSL_CERT_FILE --env NODE_EXTRA_CA_CERTS -- \
      npm pack --silent --registry "$registry" is-number
    ;;
  apt)
    outcall run --bind /etc/apt:/etc/apt:ro --bind /var/lib/apt:/var/lib/apt:ro \
      --bind /var/lib/dpkg:/var/lib/dpkg:ro -- \
      apt-get -q -o APT::Sandbox::User=root -o Dir::Cache=/tmp -o Debug::NoLocking=1 \
      download hostname
    ;;
  esac
}
echo "$client fetches a package from $host:$port, the one host that a rule allows"
fetch || {
  outcall log --blocked || true
  exit 1
}
ls -l ./*.tgz ./*.deb 2>/dev/null | awk '{print $NF ": " $5 " bytes"}'
echo "and what it tried beside that:"
outcall log --blocked
