# SPDX-License-Identifier: GPL-3.0-or-later
# Where the built programs are. Source it; needs OUTCALL_BUILDDIR.
# shellcheck shell=sh

# tb_program NAME: the built program itself, not libtool's wrapper.
tb_program() {
  tb_dir=$OUTCALL_BUILDDIR/src/$1
  if [ -x "$tb_dir/.libs/$1" ]; then echo "$tb_dir/.libs/$1"; else echo "$tb_dir/$1"; fi
}

# tb_copy_programs DIR NAME…: into a folder that every user can enter, with the
# library: the build tree may stand where only root can (in root's home).
tb_copy_programs() {
  tb_target=$1
  shift
  mkdir -p "$tb_target" && chmod 755 "$tb_target" || return 1
  for tb_name in "$@"; do
    cp "$(tb_program "$tb_name")" "$tb_target/" || return 1
  done
  tb_library=$OUTCALL_BUILDDIR/lib/outcall-api/.libs/liboutcall-api.so.0
  [ ! -e "$tb_library" ] || cp -L "$tb_library" "$tb_target/" || return 1
  chmod -R a+rX "$tb_target"
}
