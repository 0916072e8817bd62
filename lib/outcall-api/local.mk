# SPDX-License-Identifier: GPL-3.0-or-later
# The installed library. -version-info is current:revision:age, by libtool's
# rules: code changed: revision + 1; interfaces added: current + 1, revision 0,
# age + 1; interfaces removed or changed: current + 1, revision 0, age 0.
OUTCALL_API_VERSION_INFO = 0:0:0

lib_LTLIBRARIES += lib/outcall-api/liboutcall-api.la

outcallapiincludedir = $(includedir)/outcall-api-1/outcall-api
outcallapiinclude_HEADERS = \
	lib/outcall-api/boxed.h \
	lib/outcall-api/constants.h \
	lib/outcall-api/export.h \
	lib/outcall-api/json.h \
	lib/outcall-api/outcall-api.h \
	lib/outcall-api/types.h \
	$(NULL)
pkgconfig_DATA += lib/outcall-api/outcall-api-1.pc

outcall_api_sources = \
	lib/outcall-api/api-enums.c \
	lib/outcall-api/api-enums.h \
	lib/outcall-api/api-memory.c \
	lib/outcall-api/api-print.c \
	lib/outcall-api/api-read.c \
	lib/outcall-api/api-scan.c \
	lib/outcall-api/api-schema.c \
	lib/outcall-api/api-text.c \
	lib/outcall-api/api-type.h \
	lib/outcall-api/api-types.c \
	lib/outcall-api/api-write.c \
	$(NULL)

lib_outcall_api_liboutcall_api_la_SOURCES = $(outcall_api_sources)
lib_outcall_api_liboutcall_api_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
# Not AM_LDFLAGS: -pie is for programs.
lib_outcall_api_liboutcall_api_la_LDFLAGS = \
	-version-info $(OUTCALL_API_VERSION_INFO) \
	-no-undefined \
	-Wl,--version-script=$(srcdir)/lib/outcall-api/outcall-api.map \
	$(HARDEN_LDFLAGS) $(SANITIZE_CFLAGS) -Wl,--as-needed \
	$(NULL)
lib_outcall_api_liboutcall_api_la_LIBADD = $(JSON_LIBS) $(GLIB_LIBS)
EXTRA_lib_outcall_api_liboutcall_api_la_DEPENDENCIES = lib/outcall-api/outcall-api.map
EXTRA_DIST += lib/outcall-api/README.md lib/outcall-api/outcall-api.map

# The same objects as the library, for the test that sees its inside.
check_LIBRARIES += lib/outcall-api/libapi-inside.a
lib_outcall_api_libapi_inside_a_SOURCES = $(outcall_api_sources)

check_PROGRAMS += \
	lib/outcall-api/test-api \
	lib/outcall-api/test-api-private \
	$(NULL)
TESTS += \
	lib/outcall-api/test-api \
	lib/outcall-api/test-api-private \
	lib/outcall-api/test-installed.sh \
	$(NULL)
lib_outcall_api_test_api_SOURCES = lib/outcall-api/test-api.c
lib_outcall_api_test_api_LDADD = lib/outcall-api/liboutcall-api.la $(JSON_LIBS) $(GLIB_LIBS)
lib_outcall_api_test_api_private_SOURCES = lib/outcall-api/test-api-private.c
lib_outcall_api_test_api_private_LDADD = \
	lib/outcall-api/libapi-inside.a $(JSON_LIBS) $(GLIB_LIBS)
EXTRA_DIST += lib/outcall-api/test-installed.sh lib/outcall-api/test-installed.c
