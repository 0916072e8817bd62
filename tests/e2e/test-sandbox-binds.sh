#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the daemon keeps at places of the operator's choice is shown to no sandbox, under
# whatever name. Specification: 06 "File view".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
mkdir -p /run/own/engine /run/own/log /run/own/secrets /run/free
chmod 700 /run/own/secrets
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/own/engine/docker.sock")'
e2e_start --engine-socket /run/own/engine/docker.sock --audit-log /run/own/log/audit.log \
  --secrets-dir /run/own/secrets
listed=$(host_api http://x/api/v1/network/config)
for path in /run/own/engine/docker.sock /run/own/log/audit.log /run/own/secrets "$TB/state" \
  "$TB/rules.d" /run/outcall/host.sock; do
  tap_like "$listed" "\"$path\"" "the daemon tells of $path"
done
# refused NAME SOURCE: and nothing runs.
refused() {
  refused_answer=$(cd "$TB/project" && outcall run --bind "$2:/mnt/x" -- echo ran 2>&1)
  case $refused_answer in
  *ran*) tap_ok 1 "$1" ;;
  *) tap_like "$refused_answer" 'cannot be shown to a sandbox' "$1" ;;
  esac
}
ln -s /run/own/engine /run/free/link
mkdir -p /run/free/mounted /run/free/copy "$TB/project/state"
mount --bind "$TB/state" /run/free/mounted
mount --bind /run/own /run/free/copy
refused "the engine's socket" /run/own/engine/docker.sock
refused "its folder" /run/own/engine
refused "the folder above" /run/own
refused "by a link" /run/free/link
refused "by two dots" /run/free/../own/engine
refused "through another process's root" /proc/self/root/run/own/engine
refused "under another mount" /run/free/copy/engine
refused "with a mount below" /run/free
refused "the audit log" /run/own/log/audit.log
refused "secrets" /run/own/secrets
refused "state" "$TB/state"
refused "its files" "$TB/state/workloads.json"
refused "state, mounted elsewhere" /run/free/mounted
refused "rules" "$TB/rules.d"
answer=$(cd "$TB/state" && outcall run -- echo ran 2>&1)
tap_like "$answer" 'state cannot be shown to a sandbox' "nor is it a project"
tap_unlike "$answer" '^ran' "in which anything runs"
echo plain >"$TB/plain"
tap_is "$(cd "$TB/project" && outcall run --bind "$TB/plain:/mnt/x" -- cat /mnt/x)" plain "other files are shown"
daemon_stop
tap_done
