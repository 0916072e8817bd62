# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/requests/librequests.a
src_outcalld_requests_librequests_a_SOURCES = \
	src/outcalld/requests/oc-requests-decide.c \
	src/outcalld/requests/oc-requests-file.c \
	src/outcalld/requests/oc-requests-link.c \
	src/outcalld/requests/oc-requests-own.c \
	src/outcalld/requests/oc-requests-private.h \
	src/outcalld/requests/oc-requests-review.c \
	src/outcalld/requests/oc-requests-state.c \
	src/outcalld/requests/oc-requests.c \
	src/outcalld/requests/oc-requests.h \
	$(NULL)

EXTRA_DIST += src/outcalld/requests/README.md

requests_test_libs = \
	tests/testlib/libtestlib.a \
	src/outcalld/requests/librequests.a \
	src/outcalld/rules/librules.a \
	src/outcalld/log/liblog.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) \
	$(policy_test_libs) \
	$(NULL)
requests_tests = \
	src/outcalld/requests/test-requests \
	src/outcalld/requests/test-requests-kill \
	$(NULL)
check_PROGRAMS += $(requests_tests)
TESTS += $(requests_tests)
src_outcalld_requests_test_requests_SOURCES = src/outcalld/requests/test-requests.c
src_outcalld_requests_test_requests_LDADD = $(requests_test_libs)
src_outcalld_requests_test_requests_kill_SOURCES = src/outcalld/requests/test-requests-kill.c
src_outcalld_requests_test_requests_kill_LDADD = $(requests_test_libs)
