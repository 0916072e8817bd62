#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The kernel's part: forwarding, grants, attachments, ruleset. Needs root.
set -eu
for tool in ip nft unshare; do
  command -v $tool >/dev/null || { echo "bench kernel: no $tool"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "bench kernel: needs root"; exit 0; }
exec "$OUTCALL_BUILDDIR/tests/bench/bench-kernel"
