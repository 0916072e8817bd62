# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/common/libcommon.a
lib_common_libcommon_a_SOURCES = \
	lib/common/oc-address.c \
	lib/common/oc-address.h \
	lib/common/oc-bundle.c \
	lib/common/oc-bundle.h \
	lib/common/oc-error.c \
	lib/common/oc-error.h \
	lib/common/oc-fd.h \
	lib/common/oc-file.c \
	lib/common/oc-file.h \
	lib/common/oc-host.c \
	lib/common/oc-host.h \
	lib/common/oc-process.c \
	lib/common/oc-process.h \
	lib/common/oc-protected.c \
	lib/common/oc-protected.h \
	lib/common/oc-shim.c \
	lib/common/oc-shim.h \
	lib/common/oc-source.h \
	lib/common/oc-str.h \
	lib/common/oc-tsan.h \
	$(NULL)

check_PROGRAMS += lib/common/test-common
TESTS += lib/common/test-common
lib_common_test_common_SOURCES = lib/common/test-common.c
lib_common_test_common_LDADD = lib/common/libcommon.a $(GLIB_LIBS)
