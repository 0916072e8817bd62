#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The example rule file is one that the daemon would load, and says what it does.
set -u
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

folder=$(mktemp -d "${TMPDIR:-/tmp}/outcall-example.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
# As it is installed: a file that others may write is refused.
install -m 644 "$OUTCALL_SRCDIR/data/rules/example.yaml" "$folder/example.yaml"

out=$("$OUTCALL_BUILDDIR/src/outcall/outcall" rules check "$folder/example.yaml" 2>&1)
tap_ok $? "outcall rules check takes it"
tap_unlike "$out" 'warning' "without a warning"
out=$("$OUTCALL_BUILDDIR/src/outcall/outcall" rules test "$folder/example.yaml" 2>&1)
tap_ok $? "its own tests pass"
tap_like "$out" '^4 passed, 0 failed$' "all of them"
tap_done
