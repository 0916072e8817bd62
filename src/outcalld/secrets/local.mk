# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/secrets/libsecrets.a
src_outcalld_secrets_libsecrets_a_SOURCES = \
	src/outcalld/secrets/oc-secrets.c \
	src/outcalld/secrets/oc-secrets.h \
	$(NULL)

check_PROGRAMS += src/outcalld/secrets/test-secrets
TESTS += src/outcalld/secrets/test-secrets
src_outcalld_secrets_test_secrets_SOURCES = src/outcalld/secrets/test-secrets.c
src_outcalld_secrets_test_secrets_LDADD = \
	src/outcalld/secrets/libsecrets.a \
	lib/common/libcommon.a \
	$(GLIB_LIBS)
