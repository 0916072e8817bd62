# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/rules/librules.a
src_outcalld_rules_librules_a_SOURCES = \
	src/outcalld/rules/oc-rules.c \
	src/outcalld/rules/oc-rules.h \
	$(NULL)

check_PROGRAMS += src/outcalld/rules/test-rules
TESTS += src/outcalld/rules/test-rules
src_outcalld_rules_test_rules_SOURCES = src/outcalld/rules/test-rules.c
src_outcalld_rules_test_rules_LDADD = \
	src/outcalld/rules/librules.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) \
	$(policy_test_libs)
