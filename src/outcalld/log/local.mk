# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/log/liblog.a
src_outcalld_log_liblog_a_SOURCES = \
	src/outcalld/log/oc-log-audit.c \
	src/outcalld/log/oc-log-calls.c \
	src/outcalld/log/oc-log-journal.c \
	src/outcalld/log/oc-log-open.c \
	src/outcalld/log/oc-log-private.h \
	src/outcalld/log/oc-log-record.c \
	src/outcalld/log/oc-log-ring.c \
	src/outcalld/log/oc-log.c \
	src/outcalld/log/oc-log.h \
	$(NULL)

check_PROGRAMS += src/outcalld/log/test-log
TESTS += src/outcalld/log/test-log
src_outcalld_log_test_log_SOURCES = src/outcalld/log/test-log.c
src_outcalld_log_test_log_LDADD = \
	src/outcalld/log/liblog.a \
	lib/common/libcommon.a \
	tests/testlib/libtestlib.a \
	$(GLIB_LIBS) $(JSON_LIBS)
check_PROGRAMS += src/outcalld/log/test-log-end
TESTS += src/outcalld/log/test-log-end
src_outcalld_log_test_log_end_SOURCES = src/outcalld/log/test-log-end.c
src_outcalld_log_test_log_end_LDADD = \
	src/outcalld/log/liblog.a \
	lib/common/libcommon.a \
	$(GLIB_LIBS)
