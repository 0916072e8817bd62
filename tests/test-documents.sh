#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The documents name what the code has: routes, events, metrics, fields of the journal, and
# nothing else. Specification: 08.
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"
cd "$OUTCALL_SRCDIR" || exit 1
api=src/outcalld/host-api
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# compare NAME: what is in $work/code and not in $work/documented, and the other way round.
compare() {
  sort -u "$work/code" -o "$work/code"
  sort -u "$work/documented" -o "$work/documented"
  [ -s "$work/code" ] && [ "$(wc -l <"$work/code")" -ge "$2" ]
  tap_ok $? "there are $1 to compare"
  tap_is "$(comm -23 "$work/code" "$work/documented")" "" "all $1 are documented"
  tap_is "$(comm -13 "$work/code" "$work/documented")" "" "and there are all $1 that are documented"
}

# --- Routes: outcalld(8) ---------------------------------------------------------------
sed -n 's/^  { "\([A-Z]*\)", "\/api\/v1\(\/[^"]*\)", oc_host_api_[a-z_]* },$/\1 \2/p' \
  $api/oc-host-api.c >"$work/code"
sed -n 's/\\-/-/g; s/^\(GET\|POST\) *\(\/[^ ?]*\).*/\1 \2/p' man/outcalld.8 >"$work/documented"
compare routes 50

# --- Events: docs/api.md and the OpenAPI document's text -------------------------------------
# table HEADING: the names in the first column of the table under it.
table() {
  awk -v heading="| $1 |" 'index($0, heading) == 1 {on = 1; next} on && !/^\|/ {exit} on' docs/api.md |
    cut -d'|' -f2 | grep -o '`[^`]*`' | tr -d '`'
}
{
  cat $api/*.c | tr '\n' ' ' | grep -o 'oc_host_events_tell ([^;]*;' | grep -o '"[a-z_]*"'
  grep -o 'oc_api_request_send_event ([^;]*;\|"decision"\|"ended"\|"left_out"\|"reset"' \
    $api/oc-host-api-events.c | grep -o '"[a-z_]*"'
} | tr -d '"' >"$work/code"
table event >"$work/documented"
compare events 10
tr '\n' ' ' <$api/oc-host-api-describe.c | sed 's/" *"//g' | grep -o 'Decisions and changes as they happen[^"]*' >"$work/text"
tap_is "$(while read -r name; do grep -qw "$name" "$work/text" || echo "$name"; done <"$work/code")" "" \
  "the OpenAPI document names each"

# --- Metrics: docs/api.md; their names come from a running daemon in check-metrics.py -----------
{
  sed -n 's/^ *{ "\([a-z_]*\)", \(GAUGE\|COUNTER\),.*/\1 \2/p' $api/oc-host-api-metrics.c
  sed -n 's/^ *begin_family (writer, "\([a-z_]*\)", \(GAUGE\|COUNTER\),.*/\1 \2/p' $api/oc-host-api-metrics.c
} | sed 's/^\(.*\) COUNTER$/outcall_\1_total/; s/^\(.*\) GAUGE$/outcall_\1/' >"$work/code"
table metric | sed 's/{.*//' >"$work/documented"
compare metrics 40

# --- Fields of the journal: docs/api.md --------------------------------------------------------
grep -o '"OUTCALL_[A-Z_]*"' src/outcalld/log/oc-log-journal.c | tr -d '"' >"$work/code"
table field >"$work/documented"
grep '^OUTCALL_' "$work/documented" >"$work/fields"
mv "$work/fields" "$work/documented"
compare fields 15

# --- Filters of the log -------------------------------------------------------------------------
grep -oh 'get_query (request, "[a-z_]*")' $api/oc-host-api-log.c | grep -o '"[a-z_]*"' | tr -d '"' | sort -u >"$work/code"
tap_is "$(while read -r name; do grep -q "\`$name\`" docs/api.md || echo "$name"; done <"$work/code")" "" \
  "docs/api.md names each filter of the log"
tap_done
