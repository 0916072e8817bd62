#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The unit's capabilities: with exactly these the daemon starts, attaches and
# stops another user's sandbox; without any one of them it does not.
set -u
# shellcheck source=tests/testlib/programs.sh
. "$OUTCALL_SRCDIR/tests/testlib/programs.sh"
unit=$OUTCALL_BUILDDIR/data/systemd/outcalld.service

# --- Inside: a network and mount namespace of its own --------------------------------

# inside CAPABILITIES: prints how far the daemon gets: no-start, no-attach,
# no-stop or all.
inside() {
  ip link set lo up
  mount -t tmpfs tmpfs /mnt || exit 1
  mkdir -m 755 /mnt/home /mnt/rules /mnt/state
  tb_copy_programs /mnt/programs outcalld outcall outcall-agent || exit 1
  export LD_LIBRARY_PATH=/mnt/programs
  chown 65534 /mnt/home
  { cat /etc/group && echo outcall:x:64999:; } >/mnt/group
  mount --bind /mnt/group /etc/group
  setpriv --bounding-set="-all$1" --inh-caps=-all --no-new-privs \
    /mnt/programs/outcalld --rules-dir /mnt/rules --state-dir /mnt/state \
    --socket /mnt/host.sock --agent-socket /mnt/agent.sock --dns-upstream 192.0.2.53 \
    >/mnt/daemon.log 2>&1 &
  daemon=$!
  cd /mnt/home || exit 1
  reach
  kill "$daemon" 2>/dev/null
  wait
}

outcall() {
  /mnt/programs/outcall --socket /mnt/host.sock "$@"
}

# as_nobody COMMAND…: as another user, who is in the group.
as_nobody() {
  setpriv --reuid=65534 --regid=65534 --groups=64999 env HOME=/mnt/home "$@"
}

# until_true SECONDS COMMAND…: as long as the daemon lives.
until_true() {
  end=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$daemon" 2>/dev/null && [ "$(date +%s)" -lt "$end" ] || return 1
  done
}

is_listed() {
  outcall ps --json | grep -q unit-test
}

reach() {
  until_true 20 outcall status || { echo no-start && return; }
  as_nobody /mnt/programs/outcall --socket /mnt/host.sock \
    run --name unit-test -- sleep 60 >/dev/null 2>&1 &
  runner=$!
  if ! until_true 10 is_listed; then
    echo no-attach
  elif ! outcall stop unit-test >/dev/null 2>&1; then
    echo no-stop
  else
    echo all
  fi
  kill "$runner" 2>/dev/null
}

if [ "${1-}" = --inside ]; then
  inside "$2"
  exit
fi

# --- Outside ---------------------------------------------------------------------------

# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

tap_unlike "$(cat "$unit")" '@[a-z]+@' "nothing is left to substitute"
tap_like "$(cat "$unit")" '^LogsDirectory=outcall$' "there is a folder for audit files"
tap_is "$(grep -B1 '^CapabilityBoundingSet=' "$unit" | grep -c '^#')" \
  "$(grep -c '^CapabilityBoundingSet=' "$unit")" "each capability says what it is for"

# attempt CAPABILITIES
attempt() {
  unshare -n -m sh "$0" --inside "$1"
}

if [ "$(id -u)" -ne 0 ] || ! unshare -n -m true 2>/dev/null || ! command -v bwrap >/dev/null; then
  tap_skip "the daemon with the unit's capabilities" "needs root, namespaces and bwrap"
  tap_done
fi
names=$(sed -n 's/^CapabilityBoundingSet=CAP_//p' "$unit" | tr '[:upper:]' '[:lower:]')
every=
for name in $names; do
  every=$every,+$name
done
tap_is "$(attempt "$every")" all "with the unit's capabilities everything works"
for name in $names; do
  got=$(attempt "$(printf '%s' "$every," | sed "s/,+$name,/,/; s/,\$//")")
  tap_like "$got" '^no-(start|attach|stop)$' "without $name it does not"
done
tap_done
