#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# House rules that a program can check. Works on a tarball too.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
cd "$OUTCALL_SRCDIR" || exit 99

# none FINDINGS NAME
none() {
  tap_is "$1" "" "$2"
}

sources=$(find lib src tests -path '*/build*' -prune -o \( -name '*.c' -o -name '*.h' \) -print | sort)
programs=$(find lib src -name '*.c' ! -name 'test-*.c' | sort)

none "$(for f in $sources scripts/* $(find tests -name '*.sh' -o -name '*.py') $(find . -name local.mk); do
  head -n 4 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f"
done)" "every file has its SPDX line"

none "$(for f in $sources; do
  case $f in
  *.c) ;;
  *) continue ;;
  esac
  first=$(grep -m1 '^#include' "$f")
  [ "$first" = '#include "config.h"' ] || echo "$f"
done | grep -v -e '^tests/fuzz/' -e 'installed' -e '^tests/e2e/resolve')" "config.h is the first include"

none "$(for f in $sources; do
  case $f in
  *.h) grep -q '^#pragma once' "$f" || echo "$f" ;;
  esac
done | grep -v 'lib/outcall-api')" "headers have #pragma once"

# shellcheck disable=SC2086
none "$(grep -nE '\b(strtol|strtoul|strtoll|strtoull|atoi|atol|sprintf|vsprintf|strcpy|strcat|gets|alloca|system|popen)[ ]*\(' \
  $programs)" "no function that cannot be used safely"

# shellcheck disable=SC2086
none "$(grep -nE '^[ ]*//|[;{}] *// ' $programs)" "comments are /* */"

# shellcheck disable=SC2086
none "$(grep -nE 'TODO|FIXME|(^|[^X])XXX([^X]|$)|HACK' $sources)" "nothing is left for later"

# shellcheck disable=SC2086
none "$(awk '
  FNR == 1 { start = 0 }
  /^[a-zA-Z_].*\(/ && !/;[ \t]*$/ { name = $1 }
  /^\{/ { start = FNR }
  /^\}/ {
    if (start && FNR - start > 100) printf "%s:%d %s: %d lines\n", FILENAME, start, name, FNR - start
    start = 0
  }' $programs)" "no function over 100 lines"

# shellcheck disable=SC2086
none "$(wc -l $sources | awk '$2 != "total" && $1 > 1000 { print }')" "no file over 1000 lines"

# A folder's private headers are oc-<folder>-<part>.h; others include oc-<folder>.h.
none "$(for f in $(find src/outcalld -name '*.[ch]' ! -path '*/netlink/*'); do
  own=$(basename "$(dirname "$f")")
  sed -n 's/^#include "\([a-z-]*\)\/\(oc-[a-z0-9-]*\)\.h".*/\1 \2/p' "$f" |
    while read -r folder header; do
      [ -d "src/outcalld/$folder" ] || continue
      [ "$folder" = "$own" ] || [ "$folder" = daemon ] || [ "$header" = "oc-$folder" ] ||
        echo "$f includes $folder/$header.h"
    done
done)" "only the public header of another folder is included"

none "$(grep -lE '\b_ \("|\bN_ \("|\bngettext \(' $programs | sort |
  while read -r f; do grep -qx "$f" po/POTFILES.in || echo "$f"; done)" \
  "po/POTFILES.in names every file with strings for people"
none "$(grep -v '^#' po/POTFILES.in | while read -r f; do [ -z "$f" ] || [ -e "$f" ] || echo "$f"; done)" \
  "and only files that are there"
tap_done
