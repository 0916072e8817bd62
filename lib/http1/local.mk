# SPDX-License-Identifier: GPL-3.0-or-later
# libc only: it is part of the static shim.
noinst_LIBRARIES += lib/http1/libhttp1.a
lib_http1_libhttp1_a_SOURCES = \
	lib/http1/oc-http1-chunked.c \
	lib/http1/oc-http1-client.c \
	lib/http1/oc-http1-client.h \
	lib/http1/oc-http1-fields.c \
	lib/http1/oc-http1-head.c \
	lib/http1/oc-http1.h \
	$(NULL)

check_PROGRAMS += \
	lib/http1/test-http1-chunked \
	lib/http1/test-http1-client \
	lib/http1/test-http1-head \
	$(NULL)
TESTS += \
	lib/http1/test-http1-chunked \
	lib/http1/test-http1-client \
	lib/http1/test-http1-head \
	$(NULL)
lib_http1_test_http1_chunked_SOURCES = lib/http1/test-http1-chunked.c
lib_http1_test_http1_chunked_LDADD = lib/http1/libhttp1.a lib/common/libcommon.a $(GLIB_LIBS)
lib_http1_test_http1_client_SOURCES = lib/http1/test-http1-client.c
lib_http1_test_http1_client_LDADD = lib/http1/libhttp1.a lib/common/libcommon.a $(GLIB_LIBS)
lib_http1_test_http1_head_SOURCES = lib/http1/test-http1-head.c
lib_http1_test_http1_head_LDADD = lib/http1/libhttp1.a lib/common/libcommon.a $(GLIB_LIBS)
