# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/workload/libworkload.a
src_outcalld_workload_libworkload_a_SOURCES = \
	src/outcalld/workload/oc-workload-adopt.c \
	src/outcalld/workload/oc-workload-attach.c \
	src/outcalld/workload/oc-workload-create.c \
	src/outcalld/workload/oc-workload-engine.c \
	src/outcalld/workload/oc-workload-lease.c \
	src/outcalld/workload/oc-workload-name.c \
	src/outcalld/workload/oc-workload-name.h \
	src/outcalld/workload/oc-workload-native.c \
	src/outcalld/workload/oc-workload-private.h \
	src/outcalld/workload/oc-workload-process.c \
	src/outcalld/workload/oc-workload-process.h \
	src/outcalld/workload/oc-workload-restore.c \
	src/outcalld/workload/oc-workload-state.c \
	src/outcalld/workload/oc-workload.c \
	src/outcalld/workload/oc-workload.h \
	$(NULL)

check_PROGRAMS += src/outcalld/workload/test-workload
TESTS += src/outcalld/workload/test-workload
src_outcalld_workload_test_workload_SOURCES = src/outcalld/workload/test-workload.c
src_outcalld_workload_test_workload_LDADD = \
	tests/testlib/libtestlib.a \
	src/outcalld/workload/libworkload.a \
	src/outcalld/engine/libengine.a \
	src/outcalld/log/liblog.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	src/outcalld/network/libnetwork.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(NETLINK_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(JSON_LIBS) $(GLIB_LIBS) -lm \
	$(NULL)
