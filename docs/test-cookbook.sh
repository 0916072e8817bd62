#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every example of the rules cookbook is a rule file without a finding whose own tests
# pass, and every document that another one links to is there.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

outcall=$OUTCALL_BUILDDIR/src/outcall/outcall
folder=$(mktemp -d "${TMPDIR:-/tmp}/outcall-cookbook.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
umask 022

awk -v folder="$folder" '
  /^## / { title = substr($0, 4) }
  /^```yaml$/ { n++; file = sprintf("%s/%02d.yaml", folder, n); print "# " title >file; next }
  /^```$/ { file = ""; next }
  file != "" { print >file }' "$OUTCALL_SRCDIR/docs/rules-cookbook.md"
set -- "$folder"/*.yaml
[ $# -ge 10 ]
tap_ok $? "there are $# examples"
for file in "$@"; do
  title=$(sed -n '1s/^# //p' "$file")
  out=$("$outcall" rules check "$file" 2>&1)
  tap_ok $? "$title: is taken"
  tap_unlike "$out" 'warning' "without a warning"
  out=$("$outcall" rules test "$file" 2>&1)
  tap_ok $? "its tests pass"
  tap_like "$out" '^[1-9][0-9]* passed, 0 failed$' "and there are some"
done

for document in README.md docs/quick-start.md docs/rules-cookbook.md docs/threat-model.md docs/api.md; do
  missing=
  for link in $(grep -oE '\]\([^)#:]+\)' "$OUTCALL_SRCDIR/$document" | sed 's/](\(.*\))/\1/'); do
    [ -e "$OUTCALL_SRCDIR/$(dirname "$document")/$link" ] || missing="$missing $link"
  done
  tap_is "$missing" "" "the links in $document lead somewhere"
done
tap_done
