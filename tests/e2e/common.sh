# SPDX-License-Identifier: GPL-3.0-or-later
# What every end-to-end test begins with. The caller has "$0" and "$@".
# shellcheck shell=sh

: "${OUTCALL_SRCDIR:?}" "${OUTCALL_BUILDDIR:?}"
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
# shellcheck source=tests/testbed/testbed.sh
. "$OUTCALL_SRCDIR/tests/testbed/testbed.sh"

# e2e_rules: the rules that most tests use.
e2e_rules() {
  rules 10-base <<'EOF'
version: "1"
definitions:
  example_org: 'inDomain(network.hostname, "example.org")'
rules:
  - id: allow-api
    hosts: ["api.example.com"]
    ports: [443]
    action: allow
  - id: allow-git
    condition: '$example_org && network.port == 443'
    action: allow
  - id: allow-plain
    condition: 'http.host == "plain.example.com" && http.method == "GET" && http.path.startsWith("/repos/")'
    action: allow
  - id: allow-names
    hosts: ["private.example.com", "mixed.example.com", "self.example.com", "dead.example.net"]
    action: allow
  - id: block-blocked
    condition: 'network.hostname == "blocked.example.com"'
    action: block
    priority: 10
    reason: "blocked.example.com is closed for agents"
EOF
}

# e2e_start: bed, rules, daemon.
e2e_start() {
  testbed_up
  e2e_rules
  daemon_start "$@"
  tap_ok $? "the daemon starts and says that it is ready"
}

# refused_at_once MS NAME COMMAND…: it fails, and within so many milliseconds: fewer than
# the command itself would wait, more than a busy machine needs.
refused_at_once() {
  refused_limit=$1
  refused_name=$2
  shift 2
  refused_begin=$(now_ms)
  if refused_output=$("$@" 2>&1); then
    tap_ok 1 "$refused_name"
    printf '%s\n' "$refused_output" | head -n 5 | sed 's/^/# it went through: /'
    return
  fi
  refused_took=$(($(now_ms) - refused_begin))
  [ "$refused_took" -le "$refused_limit" ]
  tap_ok $? "$refused_name (refused after $refused_took ms)"
}

contacts() { grep -c contact "$TB/listeners.log"; }
