# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/firewall/libfirewall.a
src_outcalld_firewall_libfirewall_a_SOURCES = \
	src/outcalld/firewall/oc-firewall-build.c \
	src/outcalld/firewall/oc-firewall-build.h \
	src/outcalld/firewall/oc-firewall-ending.c \
	src/outcalld/firewall/oc-firewall-flows.c \
	src/outcalld/firewall/oc-firewall-flows.h \
	src/outcalld/firewall/oc-firewall-forwarding.c \
	src/outcalld/firewall/oc-firewall-grant.c \
	src/outcalld/firewall/oc-firewall-grants.c \
	src/outcalld/firewall/oc-firewall-grants.h \
	src/outcalld/firewall/oc-firewall-private.h \
	src/outcalld/firewall/oc-firewall-query.c \
	src/outcalld/firewall/oc-firewall-revoke.c \
	src/outcalld/firewall/oc-firewall-rules.h \
	src/outcalld/firewall/oc-firewall-ruleset.c \
	src/outcalld/firewall/oc-firewall-steps.c \
	src/outcalld/firewall/oc-firewall-verify.c \
	src/outcalld/firewall/oc-firewall-watch.c \
	src/outcalld/firewall/oc-firewall.c \
	src/outcalld/firewall/oc-firewall.h \
	$(NULL)

check_PROGRAMS += src/outcalld/firewall/test-firewall
TESTS += src/outcalld/firewall/test-firewall
src_outcalld_firewall_test_firewall_SOURCES = src/outcalld/firewall/test-firewall.c
src_outcalld_firewall_test_firewall_LDADD = \
	tests/testlib/libtestlib.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	lib/common/libcommon.a \
	$(NETLINK_LIBS) $(GLIB_LIBS) \
	$(NULL)
EXTRA_DIST += \
	src/outcalld/firewall/README.md \
	src/outcalld/firewall/data/reject-no-proxy.nft \
	src/outcalld/firewall/data/reject.nft \
	src/outcalld/firewall/data/silent-no-proxy.nft \
	src/outcalld/firewall/data/silent.nft \
	$(NULL)
