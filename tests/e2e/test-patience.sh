#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How long the command line waits for an answer: as long as it was told that the daemon may
# take. Specification: 08 "CLI".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
work=$(mktemp -d) || exit 1
python3 "$OUTCALL_SRCDIR/tests/e2e/slow-daemon.py" "$work/sock" 31 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
tb_wait test -S "$work/sock"
tap_ok $? "a daemon that takes 31 seconds"
LD_LIBRARY_PATH=$OUTCALL_BUILDDIR/lib/outcall-api/.libs
export LD_LIBRARY_PATH LC_ALL=C.UTF-8
slow() { "$(tb_program outcall)" --socket "$work/sock" "$@"; }
slow stop -t 60 someone >"$work/stop" 2>&1 &
stop=$!
slow stop -t 0 someone >"$work/short" 2>&1
tap_is $? 1 "an ordinary call ends after 30 seconds"
tap_like "$(cat "$work/short")" 'did not answer in time' "and says why"
wait $stop
tap_is $? 0 "stop --time 60 waits for longer"
tap_like "$(cat "$work/stop")" 'someone is being stopped' "and has the answer"
tap_done
