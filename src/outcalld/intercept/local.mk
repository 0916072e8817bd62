# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/intercept/libintercept.a
src_outcalld_intercept_libintercept_a_SOURCES = src/outcalld/intercept/oc-intercept.h
EXTRA_DIST += \
	src/outcalld/intercept/oc-intercept-none.c \
	src/outcalld/intercept/oc-intercept.c \
	$(NULL)
if INTERCEPT
src_outcalld_intercept_libintercept_a_SOURCES += src/outcalld/intercept/oc-intercept.c
check_PROGRAMS += src/outcalld/intercept/test-intercept
TESTS += src/outcalld/intercept/test-intercept
src_outcalld_intercept_test_intercept_SOURCES = src/outcalld/intercept/test-intercept.c
src_outcalld_intercept_test_intercept_LDADD = \
	src/outcalld/intercept/libintercept.a \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	tests/testlib/libtestlib.a \
	$(GLIB_LIBS) $(GNUTLS_LIBS)
else
src_outcalld_intercept_libintercept_a_SOURCES += src/outcalld/intercept/oc-intercept-none.c
endif
