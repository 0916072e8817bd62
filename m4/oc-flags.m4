# SPDX-License-Identifier: GPL-3.0-or-later
# Compiler and linker flags. They go into substituted variables of our own
# that AM_CFLAGS and AM_LDFLAGS use, so the packager's CFLAGS stay untouched
# and, standing later on the command line, win.

# OC_TRY_FLAG(VARIABLE, FLAG, [compile|link])
AC_DEFUN([OC_TRY_FLAG],
[AS_VAR_PUSHDEF([cachevar], [oc_cv_$3_flag_$2])dnl
AC_CACHE_CHECK([whether $CC takes $2], [cachevar],
  [oc_save_CFLAGS=$CFLAGS; oc_save_LDFLAGS=$LDFLAGS
   m4_if([$3], [link], [LDFLAGS="$LDFLAGS $2"], [CFLAGS="$CFLAGS -Wall -Werror $2"])
   AC_LINK_IFELSE([AC_LANG_PROGRAM()],
     [AS_VAR_SET([cachevar], [yes])], [AS_VAR_SET([cachevar], [no])])
   CFLAGS=$oc_save_CFLAGS; LDFLAGS=$oc_save_LDFLAGS])
AS_VAR_IF([cachevar], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([cachevar])])

AC_DEFUN([OC_ARG_SANITIZERS],
[AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer])])
AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])])
AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with ThreadSanitizer])])
AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [build for gcov])])
AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [build fuzz targets with libFuzzer (needs clang)])])
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [no hardening flags])])
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors (for CI)])])
AS_IF([test "$enable_asan" = yes && test "$enable_tsan" = yes],
      [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
SANITIZE_CFLAGS=
AS_IF([test "$enable_asan" = yes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=address"])
AS_IF([test "$enable_ubsan" = yes],
      [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"])
AS_IF([test "$enable_tsan" = yes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=thread"])
AS_IF([test "$enable_asan" = yes || test "$enable_tsan" = yes],
      [AC_DEFINE([OC_SANITIZED], [1],
        [Built with a sanitizer that has an allocator and shadow memory of its own])])
AS_IF([test -n "$SANITIZE_CFLAGS"], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-omit-frame-pointer"])
AS_IF([test "$enable_coverage" = yes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS --coverage"])
FUZZ_CFLAGS= FUZZ_LDFLAGS=
AS_IF([test "$enable_fuzzing" = yes],
      [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=fuzzer-no-link"; FUZZ_LDFLAGS="-fsanitize=fuzzer"])
AC_SUBST([SANITIZE_CFLAGS])
AC_SUBST([FUZZ_LDFLAGS])
AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
AM_CONDITIONAL([TSAN], [test "$enable_tsan" = yes])
AM_CONDITIONAL([SANITIZED], [test -n "$SANITIZE_CFLAGS"])])

AC_DEFUN([OC_COMPILER_FLAGS],
[WARN_CFLAGS=
m4_foreach_w([oc_flag],
  [-Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith
   -Wstrict-prototypes -Wmissing-declarations -Wno-unused-parameter
   -Wno-missing-field-initializers
   -Werror=missing-prototypes -Werror=implicit-function-declaration
   -Werror=incompatible-pointer-types -Werror=return-type -Werror=int-conversion
   -Werror=format-security],
  [OC_TRY_FLAG([WARN_CFLAGS], oc_flag, [compile])
])
AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])

HARDEN_CPPFLAGS= HARDEN_CFLAGS= HARDEN_LDFLAGS= STATIC_LDFLAGS= oc_static_shim=no
AS_IF([test "$enable_hardening" != no],
 [m4_foreach_w([oc_flag], [-fstack-protector-strong -fstack-clash-protection -fcf-protection],
    [OC_TRY_FLAG([HARDEN_CFLAGS], oc_flag, [compile])
])
  HARDEN_CFLAGS="$HARDEN_CFLAGS -fPIE"
  OC_TRY_FLAG([HARDEN_LDFLAGS], [[-Wl,-z,relro]], [link])
  OC_TRY_FLAG([HARDEN_LDFLAGS], [[-Wl,-z,now]], [link])
  OC_TRY_FLAG([HARDEN_LDFLAGS], [[-Wl,-z,noexecstack]], [link])
  # A distribution's own level is respected, and without optimisation glibc
  # would only warn.
  AS_CASE(["$CPPFLAGS $CFLAGS"],
    [*_FORTIFY_SOURCE*|*-O0*], [],
    [*-O*], [AS_IF([test -z "$SANITIZE_CFLAGS"], [HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])])])
# The shim is one static binary; sanitizers have no static run-time.
AS_IF([test -z "$SANITIZE_CFLAGS"],
  [OC_TRY_FLAG([STATIC_LDFLAGS], [-static-pie], [link])
   AS_IF([test -z "$STATIC_LDFLAGS"], [OC_TRY_FLAG([STATIC_LDFLAGS], [-static], [link])])
   oc_static_shim="$STATIC_LDFLAGS"])
AC_SUBST([HARDEN_CPPFLAGS])
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
AC_SUBST([STATIC_LDFLAGS])])
