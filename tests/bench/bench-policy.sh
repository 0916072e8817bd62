#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Rule files to verdicts; see bench-policy.c.
set -eu
set -- 200000
if [ -n "${BENCH_QUICK:-}" ]; then
  set -- 1000 10000 # not the 100,000 rules
fi
exec "$OUTCALL_BUILDDIR/tests/bench/bench-policy" "$@"
