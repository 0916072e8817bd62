# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/netlink/libnetlink.a
src_outcalld_netlink_libnetlink_a_SOURCES = \
	src/outcalld/netlink/oc-netlink-address.c \
	src/outcalld/netlink/oc-netlink-bridge.c \
	src/outcalld/netlink/oc-netlink-link.c \
	src/outcalld/netlink/oc-netlink-netns.c \
	src/outcalld/netlink/oc-netlink-private.h \
	src/outcalld/netlink/oc-netlink-watch.c \
	src/outcalld/netlink/oc-netlink.c \
	src/outcalld/netlink/oc-netlink.h \
	$(NULL)

check_PROGRAMS += src/outcalld/netlink/test-netlink
TESTS += src/outcalld/netlink/test-netlink
src_outcalld_netlink_test_netlink_SOURCES = src/outcalld/netlink/test-netlink.c
src_outcalld_netlink_test_netlink_LDADD = \
	tests/testlib/libtestlib.a \
	src/outcalld/netlink/libnetlink.a \
	lib/common/libcommon.a \
	$(NETLINK_LIBS) $(GLIB_LIBS) \
	$(NULL)
