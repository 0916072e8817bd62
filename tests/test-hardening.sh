#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the linker was told must be in the programs. Specification: 11 "Autotools".
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
cd "$OUTCALL_BUILDDIR" || exit 99
command -v readelf >/dev/null || tap_skip_all "needs readelf"
grep -q '^HARDEN_LDFLAGS = .*relro' Makefile || { echo "1..0 # SKIP built without hardening"; exit 0; }

for name in outcalld outcall outcall-ui outcall-agent outcall-selftest; do
  program=src/$name/$name
  [ -x "src/$name/.libs/$name" ] && program=src/$name/.libs/$name
  tap_like "$(readelf -h $program)" 'Type: *DYN' "$name is position independent"
  tap_like "$(readelf -lW $program)" 'GNU_RELRO' "$name has read-only relocations"
  tap_like "$(readelf -dW $program)" 'BIND_NOW|FLAGS_1.*NOW' "$name binds at start"
  tap_unlike "$(readelf -lW $program | grep GNU_STACK)" 'RWE' "$name has no executable stack"
done
if grep -q '^STATIC_LDFLAGS = .*static' Makefile; then
  tap_unlike "$(readelf -lW src/outcall-agent/outcall-agent)" 'INTERP' "the shim is static"
  tap_unlike "$(readelf -lW src/outcall-selftest/outcall-selftest)" 'INTERP' "so is the self-test"
  strip -o "${TMPDIR:-/tmp}/shim-stripped" src/outcall-agent/outcall-agent
  size=$(stat -c %s "${TMPDIR:-/tmp}/shim-stripped")
  rm -f "${TMPDIR:-/tmp}/shim-stripped"
  [ "$size" -le 1572864 ]
  tap_ok $? "and at most 1.5 MiB stripped ($size bytes)"
fi
tap_done
