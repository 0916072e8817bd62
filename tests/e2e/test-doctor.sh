#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# outcall doctor: each finding with its remedy, and --fix carries out what is safe.
# Specification: 08 "CLI".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
# own_etc with|without PROGRAM…: with an /etc of its own, and the group in it or not.
own_etc() {
  mkdir -p "$TB/etc"
  in_host unshare -m sh -ec '
    mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work"
    mount -t overlay none -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
    sed -i /^outcall:/d /etc/group /etc/gshadow
    [ "$2" = without ] || echo outcall:x:64999: >>/etc/group
    shift 2
    exec "$@"' sh "$TB/etc" "$@"
}
# look [OPTION…]: its findings; $code is its exit code.
look() {
  own_etc with "$(tb_program outcall)" --json doctor "$@" >"$TB/doctor.json" 2>"$TB/doctor.err"
  code=$?
}
# finding CHECK WORD [TEXT]: a member of the first finding about it, with TEXT in it.
finding() {
  python3 -c 'import json,sys
for f in json.load(open(sys.argv[1])):
    if f["check"] == sys.argv[2] and sys.argv[4] in f["finding"]:
        print(f.get(sys.argv[3], ""))
        break' "$TB/doctor.json" "$1" "$2" "$3"
}

look
tap_is "$code" 0 "nothing is wrong"
tap_is "$(finding kernel state)" ok "the kernel is fine"
tap_is "$(finding sandbox state)" ok "programs can be confined"
tap_is "$(finding daemon state)" ok "the daemon answers"
tap_is "$(finding part state engine)" warning "that there is no engine is no problem"

outcall bridge down >/dev/null
look
tap_is "$code" 1 "a bridge that is down is a problem"
tap_is "$(finding part remedy bridge)" "outcall bridge up" "with its remedy"
tap_like "$(outcall doctor)" 'problem +(bridge|firewall): .*outcall bridge up' "on one line"
look --fix
tap_is "$code" 0 "--fix brings it up"
tap_like "$(cat "$TB/doctor.err")" 'outcall: done: outcall bridge up' "and tells so"
tap_like "$(outcall bridge status)" 'up' "and it is up"
look --fix
tap_is "$(cat "$TB/doctor.err")" "" "there is nothing to do the second time"

mv "$TB/rules.d" "$TB/rules.away" && mkdir "$TB/rules.d"
outcall rules reload >/dev/null
look
tap_is "$(finding rules state)" warning "no rule at all is worth a warning"
tap_like "$(finding rules remedy)" 'outcall allow ' "with the command that makes one"
tap_is "$code" 0 "but no problem"
rmdir "$TB/rules.d" && mv "$TB/rules.away" "$TB/rules.d"

daemon_stop
look
tap_is "$code" 1 "a daemon that does not run is a problem"
tap_is "$(finding daemon remedy)" "systemctl enable --now outcalld" "with its remedy"
look --fix
tap_is "$code" 1 "which does not work where systemd does not run"
tap_like "$(cat "$TB/doctor.err")" 'failed: systemctl enable --now outcalld' "and that is told"

# The remedy is the real one.
if command -v systemd-sysusers >/dev/null; then
  out=$(own_etc without sh -c '
    mkdir -p /etc/sysusers.d && cp "$2" /etc/sysusers.d/outcall.conf
    "$1" doctor
    "$1" doctor --fix
    grep ^outcall: /etc/group' sh "$(tb_program outcall)" "$OUTCALL_SRCDIR/data/sysusers.d/outcall.conf" 2>&1)
  tap_like "$out" "there is no group 'outcall'" "a missing group is told"
  tap_like "$out" 'done: systemd-sysusers' "--fix makes it"
  tap_like "$out" '^outcall:' "and it is there"
else
  tap_skip 3 "systemd-sysusers is not here"
fi
tap_done
