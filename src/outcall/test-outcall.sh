#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line without a daemon: usage, help, exit codes, what it says when
# nobody answers. With one: tests/e2e.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

outcall=$OUTCALL_BUILDDIR/src/outcall/outcall
socket=$TMPDIR/none.sock

# usage PATTERN ARGUMENT…: exit code 2, PATTERN on stderr, nothing on stdout.
usage() {
  pattern=$1
  shift
  text=$("$outcall" "$@" 2>&1 >"$TMPDIR/stdout")
  tap_is $? 2 "'outcall $*' is wrong use"
  tap_like "$text" "$pattern" "and says why"
  tap_is "$(cat "$TMPDIR/stdout")" "" "on stderr"
}

usage "no command 'statsu'; did you mean 'status'" statsu
usage "no command 'bridge pu'; did you mean 'bridge up'" bridge pu
usage "no command 'xyzzy'" xyzzy
usage "one more word" bridge
usage "bridge down" bridge
usage "Unknown option --bogus" --bogus
usage "Unknown option --bogus" status --bogus
usage "Missing argument" --socket
usage "unexpected argument 'more'" status more
usage "NAME is needed" stop
usage "NAME is needed" dns test
usage "HOST is needed" allow
usage "exclude each other" log --blocked --allowed
usage "Try 'outcall help log'" log --bogus

text=$("$outcall" --version)
tap_is $? 0 "--version works without a daemon"
tap_like "$text" '^outcall [0-9]+\.' "and names the version"
text=$("$outcall" --help)
tap_is $? 0 "--help too"
tap_like "$text" '^  status +State' "and lists the commands"
tap_is "$("$outcall" help)" "$text" "as 'help' does"
tap_like "$("$outcall" help bridge)" 'bridge down' "help on a group lists it"

# Each command of the table has a help of its own and meets the missing daemon
# in the same way.
"$outcall" help | sed -n '/^Commands/,/^$/s/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >"$TMPDIR/commands"
[ "$(wc -l <"$TMPDIR/commands")" -ge 14 ]
tap_ok $? "the commands were found"
while read -r command; do
  # shellcheck disable=SC2086
  text=$("$outcall" help $command)
  tap_is $? 0 "help on '$command'"
  tap_like "$text" "^Usage: outcall $command" "shows its usage"
  # shellcheck disable=SC2086
  tap_is "$("$outcall" $command --help)" "$text" "as --help does"
done <"$TMPDIR/commands"

cannot='cannot connect to outcalld at .*/none.sock — is it running\?'
for command in "" status ps log "log --follow" "stop x" "allow example.org" "bridge status" \
  "bridge up" "bridge down" "dns status" "dns cache" "dns flush" "dns test example.org" "proxy status" metrics; do
  # shellcheck disable=SC2086
  text=$("$outcall" --socket "$socket" --json $command 2>&1 >"$TMPDIR/stdout")
  tap_is $? 1 "'outcall $command' fails without a daemon"
  tap_like "$text" "$cannot" "and says so"
  tap_is "$(cat "$TMPDIR/stdout")" "" "on stderr"
done

text=$("$outcall" status --socket "$socket" 2>&1)
tap_like "$text" "$cannot" "global options may stand after the command"
text=$("$outcall" --socket /dev/null status 2>&1)
tap_is $? 1 "a path that is no socket fails"
tap_like "$text" 'cannot connect to outcalld at /dev/null' "with the same words"

if "$outcall" --version >/dev/full 2>"$TMPDIR/stderr"; then
  tap_ok 1 "a full disk is an error"
else
  tap_ok 0 "a full disk is an error"
fi
tap_like "$(cat "$TMPDIR/stderr")" 'cannot write' "and is told"
tap_done
