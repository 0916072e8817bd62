#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon's options, from the command line and from the file. Needs no
# privileges: --check ends before anything is touched. Specification: 00
# "outcalld options".
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/options.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/rules.d"
chmod 755 "$work/rules.d"
cat >"$work/rules.d/a.yaml" <<'EOF'
version: "1"
rules:
  - id: one
    hosts: ["api.example.com"]
    action: allow
EOF
chmod 644 "$work/rules.d/a.yaml"
outcalld() { "$OUTCALL_BUILDDIR/src/outcalld/outcalld" "$@" 2>&1; }
check() { outcalld --check --rules-dir "$work/rules.d" "$@"; }
# config TEXT: checks with this configuration file.
config() {
  printf '%s\n' "$1" >"$work/outcalld.conf"
  check --config "$work/outcalld.conf"
}
# refused STATUS PATTERN NAME COMMAND…
refused() {
  refused_status=$1 refused_pattern=$2 refused_name=$3
  shift 3
  refused_answer=$("$@")
  tap_is $? "$refused_status" "$refused_name: exit code"
  tap_like "$refused_answer" "$refused_pattern" "$refused_name: message"
}

check >/dev/null
tap_is $? 0 "good rules and no file"
tap_like "$(outcalld --version)" '^outcalld [0-9]' "--version"
tap_like "$(outcalld --help)" 'dns-upstream=IP' "--help lists the options"
config '[outcalld]
dns-port=5353
deny=drop
watch-rules=true
agent-perm-rate=50/5
agent-rule-rate=3' >/dev/null
tap_is $? 0 "a good file"
refused 2 'agent-rule-rate must be 0 to' "a rate that is no number" check --agent-rule-rate many/60
refused 2 'seconds: agent-rule-rate must be 1 to' "a rate in no time" check --agent-rule-rate 10/0
refused 2 'agent-timeout must be 1 to' "no time for a check" check --agent-timeout 0
refused 1 "unknown key 'dns-prot'" "a misspelt key" config '[outcalld]
dns-prot=53'
refused 1 'unknown group \[outcall\]' "a misspelt group" config '[outcall]
dns-port=53'
refused 1 'dns-port must be 1 to 65535' "a bad value in the file" config '[outcalld]
dns-port=70000'
refused 1 "unknown key 'check'" "what belongs on the command line only" config '[outcalld]
check=true'
refused 1 'true or false' "a flag that is neither" config '[outcalld]
watch-rules=yes'
refused 1 'nowhere' "a file that is not there" check --config "$work/nowhere"
refused 1 'upstream-proxy must be' "a proxy that is none" check --upstream-proxy 'http://a@b:3128/'
refused 2 'deny: ?.*reject or drop|deny must be reject or drop' "a bad value" check --deny maybe
refused 2 'absolute path' "a relative path" check --socket host.sock
refused 2 'Unknown option' "an unknown option" check --frobnicate
refused 2 "unexpected argument 'now'" "an argument" check now
printf '[outcalld]\nproxy-port=0\n' >"$work/outcalld.conf"
refused 1 'proxy-port' "the file is judged although the command line wins" \
  check --config "$work/outcalld.conf" --proxy-port 8081
echo '  - id: two' >>"$work/rules.d/a.yaml"
refused 1 'a\.yaml:[0-9]+:[0-9]+: error' "a bad rule" check
cat >"$work/rules.d/a.yaml" <<'EOF'
version: "1"
rules:
  - id: one
    hosts: ["api.example.com"]
    action: allow
EOF
refused 1 'proxy' "--no-proxy with a rule that needs it" check --no-proxy
tap_done
