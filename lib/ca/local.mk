# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/ca/libca.a
lib_ca_libca_a_SOURCES = lib/ca/oc-ca.h
EXTRA_DIST += \
	lib/ca/oc-ca-create.c \
	lib/ca/oc-ca-none.c \
	lib/ca/oc-ca-private.h \
	lib/ca/oc-ca.c \
	$(NULL)
if INTERCEPT
lib_ca_libca_a_SOURCES += \
	lib/ca/oc-ca-create.c \
	lib/ca/oc-ca-private.h \
	lib/ca/oc-ca.c
check_PROGRAMS += lib/ca/test-ca
TESTS += lib/ca/test-ca
lib_ca_test_ca_SOURCES = lib/ca/test-ca.c
lib_ca_test_ca_LDADD = \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	$(GLIB_LIBS) $(GNUTLS_LIBS)
else
lib_ca_libca_a_SOURCES += lib/ca/oc-ca-none.c
endif
