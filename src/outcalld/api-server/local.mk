# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/api-server/libapi-server.a
src_outcalld_api_server_libapi_server_a_SOURCES = \
	src/outcalld/api-server/oc-api-connection.c \
	src/outcalld/api-server/oc-api-request.c \
	src/outcalld/api-server/oc-api-route.c \
	src/outcalld/api-server/oc-api-server-private.h \
	src/outcalld/api-server/oc-api-server.c \
	src/outcalld/api-server/oc-api-server.h \
	$(NULL)

check_PROGRAMS += src/outcalld/api-server/test-api-server
TESTS += src/outcalld/api-server/test-api-server
src_outcalld_api_server_test_api_server_SOURCES = src/outcalld/api-server/test-api-server.c
src_outcalld_api_server_test_api_server_LDADD = \
	src/outcalld/api-server/libapi-server.a \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	tests/testlib/libtestlib.a \
	$(JSON_LIBS) $(GLIB_LIBS)
