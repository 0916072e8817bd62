#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# make-strings.sh SCRIPT… -- CATALOGUE…: the page's texts in every language of po/, as
# JSON on stdout: {"de":{"plural":"n!=1","messages":{"text":"…","one":["…","…"]}}}.
# A text with a context has the key CONTEXT \u0004 TEXT, as in a .mo file.
set -eu

for tool in xgettext msgmerge msgattrib; do
  command -v $tool >/dev/null || {
    echo "$0: $tool is missing; it comes with gettext" >&2
    exit 1
  }
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/outcall-strings.XXXXXX")
trap 'rm -rf "$folder"' EXIT
template=$folder/page.pot

while [ "$1" != -- ]; do
  printf '%s\n' "$1"
  shift
done >"$folder/scripts"
shift
xgettext --from-code=UTF-8 --language=JavaScript --no-location --keyword=_ --keyword=N_ \
  --keyword=C_:1c,2 --keyword=ngettext:1,2 --files-from="$folder/scripts" --output="$template"

# One catalogue in PO syntax on stdin. Its escapes are JSON's too, for all that the
# page's texts have.
to_json() {
  awk '
    function flush(    key, i, list) {
      if (id == "" && text[0] != "") {
        rule = text[0]
        sub(/.*plural=/, "", rule)
        sub(/;.*/, "", rule)
        gsub(/[() ]/, "", rule)
        printf "{\"plural\":\"%s\",\"messages\":{", rule
      } else if (id != "") {
        key = (context == "" ? "" : context "\\u0004") id
        list = "\"" text[0] "\""
        for (i = 1; i in text; i++)
          list = list ",\"" text[i] "\""
        printf "%s\n\"%s\":%s", n++ ? "," : "", key, plural ? "[" list "]" : list
      }
      id = context = ""
      plural = 0
      split("", text)
      part = ""
    }
    function add(value) {
      value = substr(value, index(value, "\"") + 1)
      sub(/"$/, "", value)
      if (part == "id")
        id = id value
      else if (part == "context")
        context = context value
      else if (part ~ /^[0-9]+$/)
        text[part] = text[part] value
    }
    /^#/ { next }
    /^$/ { flush(); next }
    /^msgctxt / { part = "context" }
    /^msgid / { part = "id" }
    /^msgid_plural / { part = "other"; plural = 1 }
    /^msgstr / { part = "0" }
    /^msgstr\[/ { part = substr($1, 8) + 0 "" }
    { add($0) }
    END { flush(); print "}}" }'
}

printf '{'
comma=
for catalogue; do
  printf '%s"%s":' "$comma" "$(basename "$catalogue" .po)"
  msgmerge --quiet --no-fuzzy-matching --output-file=- "$catalogue" "$template" |
    msgattrib --translated --no-fuzzy --no-obsolete --no-wrap - | to_json
  comma=,
done
printf '}\n'
