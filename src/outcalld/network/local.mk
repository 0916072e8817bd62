# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/network/libnetwork.a
src_outcalld_network_libnetwork_a_SOURCES = \
	src/outcalld/network/oc-network-address.c \
	src/outcalld/network/oc-network-attach.c \
	src/outcalld/network/oc-network-bridge.c \
	src/outcalld/network/oc-network-create.c \
	src/outcalld/network/oc-network-foreign.c \
	src/outcalld/network/oc-network-private.h \
	src/outcalld/network/oc-network-state.c \
	src/outcalld/network/oc-network-watch.c \
	src/outcalld/network/oc-network.c \
	src/outcalld/network/oc-network.h \
	$(NULL)

check_PROGRAMS += \
	src/outcalld/network/test-attacks \
	src/outcalld/network/test-confinement \
	src/outcalld/network/test-enforcement \
	src/outcalld/network/test-foreign \
	src/outcalld/network/test-grants \
	src/outcalld/network/test-network \
	src/outcalld/network/test-networks \
	$(NULL)
TESTS += \
	src/outcalld/network/test-attacks \
	src/outcalld/network/test-confinement \
	src/outcalld/network/test-enforcement \
	src/outcalld/network/test-foreign \
	src/outcalld/network/test-grants \
	src/outcalld/network/test-network \
	src/outcalld/network/test-networks \
	$(NULL)
oc_network_test_libs = \
	tests/testlib/libtestlib.a \
	src/outcalld/network/libnetwork.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	lib/common/libcommon.a \
	$(NETLINK_LIBS) $(GLIB_LIBS) \
	$(NULL)
src_outcalld_network_test_network_SOURCES = src/outcalld/network/test-network.c
src_outcalld_network_test_network_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_confinement_SOURCES = \
	src/outcalld/network/test-confinement.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_confinement_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_enforcement_SOURCES = \
	src/outcalld/network/test-enforcement.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_enforcement_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_networks_SOURCES = \
	src/outcalld/network/test-networks.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_networks_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_grants_SOURCES = \
	src/outcalld/network/test-grants.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_grants_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_foreign_SOURCES = \
	src/outcalld/network/test-foreign.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_foreign_LDADD = $(oc_network_test_libs)
src_outcalld_network_test_attacks_SOURCES = \
	src/outcalld/network/test-attacks.c \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	$(NULL)
src_outcalld_network_test_attacks_LDADD = $(oc_network_test_libs)
