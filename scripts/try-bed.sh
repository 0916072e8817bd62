#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Part of scripts/try: curl in a sandbox, one call allowed and one blocked.
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
. "$OUTCALL_SRCDIR/tests/testbed/testbed.sh"
testbed_enter "$0" "$@"

fail() {
  echo "scripts/try: $*" >&2
  rm -rf "$TB"
  exit 1
}

# show COMMAND…: as a person would type it.
show() {
  printf '\n$ '
  printf '%s ' "$@"
  printf '\n'
}

testbed_up
rules example <<'EOF'
version: "1"
rules:
  - id: allow-api
    hosts: ["api.example.com"]
    ports: [443]
    action: allow
  - id: no-uploads
    hosts: ["blocked.example.com"]
    action: block
    reason: "uploads are not allowed from agents"
EOF
daemon_start || fail "the daemon did not start"
echo "the rules:"
sed 's/^/    /' "$TB/rules.d/example.yaml"

show outcall run -- curl https://api.example.com/hello
answer=$(sandbox curl -sS --cacert ca.pem https://api.example.com/hello) || fail "allowed call failed"
echo "$answer"
[ "$answer" = "hello from api.example.com" ] || fail "allowed call gave something else"

show outcall run -- curl https://blocked.example.com/hello
answer=$(sandbox curl -sS -v --cacert ca.pem https://blocked.example.com/hello 2>&1) &&
  fail "blocked call went through"
echo "$answer" | tr -d '\r' | sed -n 's/^< \(HTTP.*\|X-Outcall.*\)/\1/p;/^curl:/p'
echo "$answer" | grep -q 'X-Outcall-Rule: no-uploads' || fail "the refusal does not name its rule"

show outcall run -- nc $TB_ELSEWHERE 9999 "      (no proxy, no name: straight at an address)"
sandbox nc -v -w3 $TB_ELSEWHERE 9999 2>&1 && fail "raw TCP went through"

show outcall log --blocked
outcall log --blocked
show outcall rules explain --host blocked.example.com --port 443
outcall rules explain --host blocked.example.com --port 443
daemon_stop
rm -rf "$TB"
