#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The shim in images that have little or nothing in them: an empty one, one with busybox alone,
# one with musl, and this system's own. Specification: 07 "Shim".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
shim=$(tb_program outcall-agent)
# Sanitizers have no static run-time.
grep -q "^STATIC_LDFLAGS = .*static" "$OUTCALL_BUILDDIR/Makefile" || { echo "1..0 # SKIP the shim is not static in this build"; exit 0; }

# --- one static binary -------------------------------------------------------------------
[ "$(wc -c <"$shim")" -le 1572864 ]
tap_ok $? "the shim has at most 1.5 MiB"
tap_unlike "$(readelf -lW "$shim")" 'INTERP' "it needs no loader"
tap_unlike "$(readelf -dW "$shim")" 'NEEDED' "and no library"
tap_unlike "$(strings -n 4 "$shim")" 'g_malloc|libglib|GLib-' "there is no GLib in it"

e2e_start "$@"
attack_up alice
tap_ok $? "a workload is attached"

# root NAME: an empty folder with the shim and a place for the socket.
root() {
  mkdir -p "$TB/$1/bin" "$TB/$1/run/outcall"
  cp "$shim" "$TB/$1/bin/outcall-agent"
}
# within NAME ARGUMENT…: the shim, chrooted there, everything read-only, the socket bound in.
within() {
  within_root=$TB/$1
  shift
  # shellcheck disable=SC2016
  in_attack alice unshare --mount sh -c '
    root=$1; shift
    mount --bind "$root" "$root" && mount --bind /run/outcall "$root/run/outcall" &&
      mount -o remount,bind,ro "$root" && exec chroot "$root" "$@"' sh "$within_root" \
    /bin/outcall-agent "$@" 2>"$TB/err"
}
# tries NAME: what works everywhere.
tries() {
  tries_name=$1
  tap_like "$(within "$tries_name" whoami --json)" '"alice"' "$tries_name: whoami"
  within "$tries_name" check network_call api.example.com:443 >/dev/null
  tap_is $? 0 "$tries_name: check, allowed"
  within "$tries_name" check network_call blocked.example.com >/dev/null
  tap_is $? 3 "$tries_name: check, denied"
  within "$tries_name" request --host "$tries_name.example.net" >/dev/null
  tap_is $? 0 "$tries_name: request"
}
rules 30-shell <<'EOT'
version: "1"
rules:
  - id: shell
    condition: '"action_type" in run.context && run.context["action_type"] == "shell_exec"'
    action: allow
EOT
outcall rules reload >/dev/null

root empty
tries empty
if command -v busybox >/dev/null && ! readelf -lW "$(command -v busybox)" | grep -q INTERP; then
  root busybox
  cp "$(command -v busybox)" "$TB/busybox/bin/busybox"
  tries busybox
  within busybox run -- /bin/busybox sh -c 'exit 7'
  tap_is $? 7 "busybox: run ends with the command's code"
else
  tap_skip "busybox" "there is no static busybox here"
fi
if command -v musl-gcc >/dev/null; then
  root musl
  mkdir "$TB/musl/lib"
  cp /lib/ld-musl-*.so.1 "$TB/musl/lib/"
  printf 'int main (void) { return 7; }\n' >"$TB/seven.c"
  musl-gcc -o "$TB/musl/bin/seven" "$TB/seven.c"
  tries musl
  within musl run -- /bin/seven
  tap_is $? 7 "musl: run ends with the command's code"
else
  tap_skip "musl" "there is no musl-gcc here"
fi
in_attack alice "$shim" run -- sh -c 'exit 7'
tap_is $? 7 "this system: run ends with the command's code"
attack_down alice
daemon_stop
tap_done
