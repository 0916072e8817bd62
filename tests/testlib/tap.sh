# SPDX-License-Identifier: GPL-3.0-or-later
# TAP for shell tests. Source it; end with tap_done.

tap_n=0
tap_failed=0

# tap_ok STATUS NAME: passes when STATUS is 0.
tap_ok() {
  tap_n=$((tap_n + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $tap_n - $2"
  else
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_n - $2"
  fi
}

# tap_is GOT WANTED NAME
tap_is() {
  if [ "$1" = "$2" ]; then
    tap_ok 0 "$3"
  else
    tap_ok 1 "$3"
    printf '# got:    %s\n# wanted: %s\n' "$(echo "$1" | head -n 20)" "$2"
  fi
}

# tap_like TEXT PATTERN NAME: an extended regular expression.
tap_like() {
  if printf '%s\n' "$1" | grep -Eq -- "$2"; then
    tap_ok 0 "$3"
  else
    tap_ok 1 "$3"
    printf '%s\n' "$1" | head -n 30 | sed 's/^/# got: /'
    printf '# wanted: %s\n' "$2"
  fi
}

# tap_unlike TEXT PATTERN NAME
tap_unlike() {
  if printf '%s\n' "$1" | grep -Eq -- "$2"; then
    tap_ok 1 "$3"
    printf '%s\n' "$1" | head -n 30 | sed 's/^/# got: /'
  else
    tap_ok 0 "$3"
  fi
}

tap_skip() {
  tap_n=$((tap_n + 1))
  echo "ok $tap_n - $1 # SKIP $2"
}

tap_skip_all() {
  if [ "${OUTCALL_REQUIRE_NETNS:-0}" = 1 ]; then
    echo "Bail out! $1"
    exit 99
  fi
  echo "1..0 # SKIP $1"
  exit 0
}

tap_done() {
  echo "1..$tap_n"
  [ "$tap_failed" -eq 0 ] || exit 1
  exit 0
}

now_ms() { date +%s%3N; }
