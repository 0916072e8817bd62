#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The library as a package has it: installed below a DESTDIR, used with nothing
# but pkg-config, by C and by C++; its symbols; its plain headers without GLib.
set -u
src=$OUTCALL_SRCDIR/lib/outcall-api
build=$OUTCALL_BUILDDIR
dest=$(mktemp -d "${TMPDIR:-/tmp}/outcall-installed.XXXXXX") || exit 99
trap 'rm -rf "$dest"' EXIT
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

quiet () { # command: its output only when it fails
	"$@" >"$dest/log" 2>&1 && return 0
	sed 's/^/# /' "$dest/log"
	return 1
}
make_variable () {
	sed -n "s/^$1 = //p" "$build/Makefile" | head -n 1
}

unset MAKEFLAGS MAKELEVEL MFLAGS
quiet "${MAKE:-make}" -C "$build" DESTDIR="$dest/root" \
	install-libLTLIBRARIES install-outcallapiincludeHEADERS install-pkgconfigDATA
tap_ok $? "installs below DESTDIR"

# What a file system with this root would say, without moving glib's own paths.
pc=$(find "$dest/root" -name outcall-api-1.pc)
mkdir "$dest/pc"
sed "s|^\\([a-z_]*\\)=/|\\1=$dest/root/|" "$pc" >"$dest/pc/outcall-api-1.pc"
PKG_CONFIG_PATH=$dest/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs outcall-api-1)
tap_ok $? "pkg-config knows outcall-api-1"

sanitize=$(make_variable SANITIZE_CFLAGS)
cc=$(make_variable CC)
cxx=$(make_variable CXX)
libdir=$(dirname "$(find "$dest/root" -name liboutcall-api.so)")
# The flags are words, so they are not quoted.
# shellcheck disable=SC2086
quiet $cc -std=c11 -Wall -Wextra -Werror $sanitize -o "$dest/c" "$src/test-installed.c" $flags
tap_ok $? "a C program compiles"
quiet env LD_LIBRARY_PATH="$libdir" "$dest/c"
tap_ok $? "the C program runs"
# shellcheck disable=SC2086
quiet $cxx -x c++ -Wall -Wextra -Werror $sanitize -o "$dest/cxx" "$src/test-installed.c" -x none $flags
tap_ok $? "a C++ program compiles"
quiet env LD_LIBRARY_PATH="$libdir" "$dest/cxx"
tap_ok $? "the C++ program runs"

# No -I for GLib here: the compiler would not find it.
include=$(dirname "$(find "$dest/root" -name outcall-api -type d)")/outcall-api
printf '%s\n' '#include "types.h"' '#include "constants.h"' \
	'int main (void) { OutcallVerdict v = { 0 }; return v.allowed; }' >"$dest/plain.c"
# shellcheck disable=SC2086
quiet $cc -std=c17 -pedantic-errors -Wall -Wextra -Werror -I "$include" -fsyntax-only "$dest/plain.c"
tap_ok $? "types.h and constants.h are plain C17"

nm -D --defined-only "$libdir/liboutcall-api.so" | awk '{ print $3 }' | sed 's/@.*//' |
	grep -v -e '^outcall_' -e '^OUTCALL_API_1$' -e '^__asan' -e '^__gcov' -e '^__odr_asan' \
		>"$dest/foreign"
[ ! -s "$dest/foreign" ]
tap_ok $? "nothing but outcall_* is exported"
sed 's/^/# /' "$dest/foreign"

# Every function that the headers declare is there: the link of a program that
# takes the address of each fails otherwise.
{
	echo '#include <outcall-api/outcall-api.h>'
	echo 'int main (void) { const void *all[] = {'
	nm -D --defined-only "$libdir/liboutcall-api.so" |
		awk '$3 ~ /^outcall_/ { sub (/@.*/, "", $3); print "(const void *) " $3 "," }'
	echo '}; return all[0] == 0; }'
} >"$dest/all.c"
# shellcheck disable=SC2086
quiet $cc -Werror=implicit-function-declaration $sanitize -o "$dest/all" "$dest/all.c" $flags
tap_ok $? "every exported function is declared in a header"
tap_done
