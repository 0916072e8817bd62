#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `outcall selftest`: everything holds with the daemon and bubblewrap, also when the daemon is
# killed; and each way is seen to be open where nothing confines. Specification: 08, 13.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
free="$OUTCALL_SRCDIR/tests/e2e/no-confinement.py"
in_host python3 "$free" services >"$TB/services.log" 2>&1 &
tb_wait grep -q ready "$TB/services.log"
tap_ok $? "the host has sockets of engines and other services"

# pick EXPRESSION <FILE: of each way w, the ids for which it is true.
pick() {
  python3 -c "import json, sys
print(*sorted(w['id'] for w in json.load(sys.stdin)['ways'] if $1))"
}
# number NAME <FILE
number() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

# --- usage --------------------------------------------------------------------------------
answer=$(outcall selftest --class dsn 2>&1)
tap_is $? 2 "a class that is none is wrong use"
tap_like "$answer" "did you mean 'dns'" "and the near one is named"
outcall selftest --list --json >"$TB/list.json"
tap_is $? 0 "the ways can be listed"
classes=$(python3 -c "import json, sys
print(*sorted({w['class'] for w in json.load(sys.stdin)['ways']}))" <"$TB/list.json")
tap_is "$classes" "dns engine files host http ipv6 killed l2 raw tls" "in ten classes"
tap_is "$(pick True <"$TB/list.json" | tr ' ' '\n' | uniq -d)" "" "each with an id of its own"

# --- confined ------------------------------------------------------------------------------
before=$(contacts)
outcall selftest --json --via api.example.com >"$TB/held.json" 2>"$TB/held.log"
tap_is $? 0 "nothing escapes, says the exit code"
tap_is "$(cat "$TB/held.log")" "" "without a complaint"
tap_is "$(pick 'w["state"] == "escaped"' <"$TB/held.json")" "" "and every way"
held=$(number held <"$TB/held.json")
[ "$held" -ge 190 ]
tap_ok $? "of which at least 190 are held ($held)"
tap_is "$(pick 'w["reason"] not in ("absent", "disruptive") and w["state"] != "held"' \
  <"$TB/held.json")" "" "and none is left out but for what this host has not"
tap_is "$(outcall selftest --class tls --json | pick 'w["reason"] == "unfit"')" \
  "via-ech via-name via-outside via-split" "those behind an allowed host need one"
tap_is "$(outcall selftest --class tls --via blocked.example.com --json |
  pick 'w["reason"] == "unfit" and "403" in w["evidence"]')" "via-ech via-name via-split" \
  "and one that is allowed"
answer=$(outcall selftest --via 'a b' 2>&1)
tap_is $? 2 "and one that is a host"
tap_is "$(pick 'w["reason"] == "disruptive" and w["class"] != "killed"' <"$TB/held.json")" "" \
  "the daemon is not killed unasked"
daemon_ready >/dev/null
tap_ok $? "and serves"
tap_is "$(contacts)" "$before" "nobody elsewhere was contacted"
tap_is "$(host_api http://x/api/v1/containers | grep -c selftest)" 0 "no workload is left"
tap_is "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'outcall-selftest-*')" "" "nor a folder"
# Ctrl-C: a signal for the whole process group.
# shellcheck disable=SC2016
left=$(in_host unshare --ipc sh -c '
timeout --preserve-status -s INT 0.7 "$0" selftest >/dev/null 2>&1
echo "$?: $(grep -c . /proc/sysvipc/shm)"' "$(tb_program outcall)")
tap_like "$left" '^[1-9][0-9]*: 1$' \
  "one that is interrupted does not say that all is well, and leaves no shared memory"
tap_is "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'outcall-selftest-*')" "" "and tidies up too"
table=$(outcall selftest --class files)
tap_is $? 0 "one class alone"
tap_like "$table" '^Planted files +Write \.git/hooks/post-checkout +held +not possible inside: ' \
  "is told as a table"
tap_unlike "$table" 'DNS|Daemon killed' "of that class only"


# --- allowed --------------------------------------------------------------------------------
rules 20-selftest <<'EOF'
version: "1"
rules:
  - id: allow-selftest
    hosts: ["*.outcall.example"]
    ports: [8443]
    action: allow
EOF
outcall rules reload >/dev/null
outcall selftest --class dns --json >"$TB/allowed.json"
tap_is $? 0 "what a rule allows is no way out"
tap_like " $(pick 'w["reason"] == "allowed" and w["evidence"] == "allow-selftest"' \
  <"$TB/allowed.json") " ' dns-name ' "and the rule is named"
tap_unlike " $(pick 'w["reason"] == "allowed"' <"$TB/allowed.json") " ' dns-other | dns-local ' \
  "which excuses nothing else"
rm "$TB/rules.d/20-selftest.yaml"
outcall rules reload >/dev/null

# --- without the daemon ------------------------------------------------------------------------
outcall selftest --disruptive --class killed --json >"$TB/killed.json" 2>"$TB/killed.log"
tap_is $? 0 "nothing escapes when the daemon is killed"
tap_is "$(number held <"$TB/killed.json")" 8 "which is seen"
tap_like "$(cat "$TB/killed.log")" 'was killed and has not come back' "and it is told"
wait $TB_DAEMON 2>/dev/null
answer=$(outcall selftest 2>&1)
tap_is $? 1 "without a daemon nothing can be told"
tap_like "$answer" 'cannot connect to outcalld' "and the reason is"

# --- not confined ----------------------------------------------------------------------------
# What was the daemon's is gone; what stands in its place, and bubblewrap's, lets all through.
# The programs of the machine are covered, since some ways write there.
in_host nft flush ruleset
ip -n host link del outcall0
for dir in /usr/bin /usr/local/bin /etc; do
  mkdir -p "/run/covers$dir/upper" "/run/covers$dir/work"
  mount -t overlay overlay $dir \
    -o "lowerdir=$dir,upperdir=/run/covers$dir/upper,workdir=/run/covers$dir/work"
done
bwrap=$(command -v bwrap)
printf '#!/bin/sh\nexec python3 "%s" bwrap "$@"\n' "$free" >/run/free-bwrap
chmod 755 /run/free-bwrap
sed -i 1c"#!$(readlink -f /bin/sh)" /run/free-bwrap
mount --bind /run/free-bwrap "$(readlink -f "$bwrap")"
in_host python3 "$free" daemon $TB_DNS >"$TB/free.log" 2>&1 &
tb_wait grep -q ready "$TB/free.log"
tap_ok $? "a network without rules, a sandbox without walls"
outcall selftest --disruptive --json --via $TB_WEB >"$TB/free.json" 2>"$TB/free-err.log"
tap_is $? 1 "what escapes is told by the exit code"
# Of the host's own namespace, which even this sandbox does not share: below.
own='host-abstract host-loopback'
not_seen=$(pick 'w["state"] != "escaped" and w["reason"] != "absent"' <"$TB/free.json")
tap_is "$not_seen" "$own" "every way is seen to be open"
tap_is "$(pick 'w["reason"] == "absent"' <"$TB/free.json")" \
  "$(pick 'w["reason"] == "absent"' <"$TB/held.json")" "but for those that this host has not"
escaped=$(number escaped <"$TB/free.json")
[ "$escaped" -ge 190 ]
tap_ok $? "at least 190 ($escaped)"

helper=$(tb_program outcall-selftest)
mkfifo "$TB/hold"
in_host "$helper" listen run=123456789012 <"$TB/hold" >"$TB/listen.log" &
exec 9>"$TB/hold"
tb_wait grep -q port "$TB/listen.log"
port=$(cut -f2 "$TB/listen.log")
answer=$(in_host "$helper" probe stage=sandbox only=host run=123456789012 port="$port" \
  gateway=10.200.0.1)
for id in $own; do
  tap_like "$answer" "^$id.answered" "and so is $id from the host itself"
done
exec 9>&-
tap_done
