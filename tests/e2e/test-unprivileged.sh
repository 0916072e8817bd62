#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# An ordinary user in group outcall confines programs without root; one who is
# not in the group may not. Specification: 06 "Native sandbox", 08.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
cp /etc/passwd /run/passwd
cp /etc/group /run/group
echo 'ocmember:x:61234:61234::/run/ocmember:/bin/sh' >>/run/passwd
echo 'ocother:x:61235:61235::/run/ocother:/bin/sh' >>/run/passwd
sed -i '/^outcall:/d' /run/group
printf 'outcall:x:61300:ocmember\nocmember:x:61234:\nocother:x:61235:\n' >>/run/group
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group
e2e_start

as_user() {
  as_uid=$1
  as_groups=$2
  shift 2
  (cd "$TB/project" && in_host setpriv --reuid "$as_uid" --regid "$as_uid" $as_groups \
    env HOME=/run/home TMPDIR=/run/home USER=someone LD_LIBRARY_PATH=/run/programs /run/programs/outcall "$@")
}
tb_copy_programs /run/programs outcall outcall-agent outcall-selftest
mkdir -p /run/home
chown 61234 "$TB/project" /run/home
member() { as_user 61234 "--groups 61300" "$@"; }
other() { as_user 61235 "--clear-groups" "$@"; }

tap_is "$(stat -c '%U:%G %a' /run/outcall/host.sock)" "root:outcall 660" "the socket is the group's"
member status >/dev/null
tap_is $? 0 "a member may ask"
tap_is "$(member run -- curl -sS --cacert ca.pem https://api.example.com/hello)" \
  "hello from api.example.com" "and run a confined program"
member run -- curl -sS --cacert ca.pem https://blocked.example.com/ >/dev/null 2>&1
tap_is $? 56 "which is refused what is not allowed"
tap_is "$(member run -- id -u)" 61234 "it runs as the user"
member selftest --json >"$TB/selftest.json"
tap_is $? 0 "the self-test finds no way out"
counts=$(python3 -c "import json, sys
ways = json.load(sys.stdin)['ways']
print(len([w for w in ways if w['state'] == 'held']) >= 120,
      len([w for w in ways if w['class'] == 'l2' and w['state'] == 'held']) >= 15,
      len([w for w in ways if w['reason'] == 'unwatched']) > 0)" <"$TB/selftest.json")
tap_is "$counts" "True True True" "and says that a member does not see the wire"
member selftest --class killed --disruptive --json >"$TB/killed.json"
tap_is "$? $(grep -o '"unfit"' "$TB/killed.json" | wc -l)" "0 8" "a member cannot kill the daemon"
tap_is "$(ls -A /run/home)" "" "it leaves nothing"
answer=$(other status 2>&1)
tap_is $? 1 "who is not in the group may not"
tap_like "$answer" 'cannot connect to outcalld' "and is told so"
unshare --user --map-root-user --net sleep 1000 &
stranger=$!
tb_wait tb_fresh_netns $stranger
answer=$(in_host setpriv --reuid 61234 --regid 61234 --groups 61300 curl -s \
  --unix-socket /run/outcall/host.sock -d "{\"pid\": $stranger, \"name\": \"stolen\"}" \
  http://x/api/v1/sandbox/attach)
tap_like "$answer" '"success" ?: ?false' "a member cannot attach somebody else's process"
kill -9 $stranger
daemon_stop
tap_done
