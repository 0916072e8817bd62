#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Rule files to verdicts; see bench-policy.c.
set -eu
rounds=200000
if [ -n "${BENCH_QUICK:-}" ]; then
  rounds=1000
fi
exec "$OUTCALL_BUILDDIR/tests/bench/bench-policy" "$rounds"
