# SPDX-License-Identifier: GPL-3.0-or-later
EXTRA_DIST += src/outcalld/engine/README.md

noinst_LIBRARIES += src/outcalld/engine/libengine.a
src_outcalld_engine_libengine_a_SOURCES = \
	src/outcalld/engine/oc-engine-bind.c \
	src/outcalld/engine/oc-engine-call.c \
	src/outcalld/engine/oc-engine-container.c \
	src/outcalld/engine/oc-engine-http.c \
	src/outcalld/engine/oc-engine-http.h \
	src/outcalld/engine/oc-engine-network.c \
	src/outcalld/engine/oc-engine-operations.c \
	src/outcalld/engine/oc-engine-private.h \
	src/outcalld/engine/oc-engine-spec.c \
	src/outcalld/engine/oc-engine-subnets.c \
	src/outcalld/engine/oc-engine.c \
	src/outcalld/engine/oc-engine.h \
	$(NULL)

check_PROGRAMS += src/outcalld/engine/test-engine
TESTS += src/outcalld/engine/test-engine
src_outcalld_engine_test_engine_SOURCES = src/outcalld/engine/test-engine.c
src_outcalld_engine_test_engine_LDADD = \
	src/outcalld/engine/libengine.a \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) $(GLIB_LIBS) \
	$(NULL)
