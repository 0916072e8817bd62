# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/dns/libdns.a
src_outcalld_dns_libdns_a_SOURCES = \
	src/outcalld/dns/oc-dns-answer.c \
	src/outcalld/dns/oc-dns-answer.h \
	src/outcalld/dns/oc-dns-cache.c \
	src/outcalld/dns/oc-dns-cache.h \
	src/outcalld/dns/oc-dns-compress.c \
	src/outcalld/dns/oc-dns-compress.h \
	src/outcalld/dns/oc-dns-fetch.c \
	src/outcalld/dns/oc-dns-filter.c \
	src/outcalld/dns/oc-dns-filter.h \
	src/outcalld/dns/oc-dns-limits.c \
	src/outcalld/dns/oc-dns-limits.h \
	src/outcalld/dns/oc-dns-reply.c \
	src/outcalld/dns/oc-dns-reply.h \
	src/outcalld/dns/oc-dns-resolver.c \
	src/outcalld/dns/oc-dns-resolver.h \
	src/outcalld/dns/oc-dns-serve.c \
	src/outcalld/dns/oc-dns-slots.h \
	src/outcalld/dns/oc-dns-tcp.c \
	src/outcalld/dns/oc-dns-udp.c \
	src/outcalld/dns/oc-dns-upstream.c \
	src/outcalld/dns/oc-dns-upstream.h \
	src/outcalld/dns/oc-dns-wire.c \
	src/outcalld/dns/oc-dns-wire.h \
	src/outcalld/dns/oc-dns-worker.c \
	src/outcalld/dns/oc-dns-worker.h \
	src/outcalld/dns/oc-dns.c \
	src/outcalld/dns/oc-dns.h \
	$(NULL)

check_PROGRAMS += src/outcalld/dns/test-dns-packet
TESTS += src/outcalld/dns/test-dns-packet
src_outcalld_dns_test_dns_packet_SOURCES = src/outcalld/dns/test-dns-packet.c
src_outcalld_dns_test_dns_packet_LDADD = \
	src/outcalld/dns/libdns.a \
	lib/common/libcommon.a \
	$(LDNS_LIBS) $(GLIB_LIBS)

# The whole filter with everything below it. tests/bench/ uses the same.
dns_filter_libs = \
	src/outcalld/dns/libdns.a \
	src/outcalld/log/liblog.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/common/libcommon.a

dns_testbed_sources = \
	src/outcalld/dns/oc-dns-testbed.c \
	src/outcalld/dns/oc-dns-testbed.h \
	src/outcalld/dns/oc-dns-testserver.c \
	src/outcalld/dns/oc-dns-testserver.h

check_PROGRAMS += src/outcalld/dns/test-dns-filter
TESTS += src/outcalld/dns/test-dns-filter
src_outcalld_dns_test_dns_filter_SOURCES = \
	src/outcalld/dns/test-dns-filter.c \
	$(dns_testbed_sources)
src_outcalld_dns_test_dns_filter_LDADD = \
	tests/testlib/libtestlib.a \
	$(dns_filter_libs) \
	$(LDNS_LIBS) $(NETLINK_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(JSON_LIBS) $(GLIB_LIBS) -lm

check_PROGRAMS += src/outcalld/dns/test-dns-upstream
TESTS += src/outcalld/dns/test-dns-upstream
src_outcalld_dns_test_dns_upstream_SOURCES = \
	src/outcalld/dns/test-dns-upstream.c \
	$(dns_testbed_sources)
src_outcalld_dns_test_dns_upstream_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)

check_PROGRAMS += src/outcalld/dns/test-dns-grants
TESTS += src/outcalld/dns/test-dns-grants
src_outcalld_dns_test_dns_grants_SOURCES = \
	src/outcalld/dns/test-dns-grants.c \
	$(dns_testbed_sources)
src_outcalld_dns_test_dns_grants_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)

check_PROGRAMS += src/outcalld/dns/test-dns-faults
TESTS += src/outcalld/dns/test-dns-faults
src_outcalld_dns_test_dns_faults_SOURCES = \
	src/outcalld/dns/test-dns-faults.c \
	$(dns_testbed_sources)
src_outcalld_dns_test_dns_faults_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)

check_PROGRAMS += src/outcalld/dns/test-dns-storm
TESTS += src/outcalld/dns/test-dns-storm
src_outcalld_dns_test_dns_storm_SOURCES = \
	src/outcalld/dns/test-dns-storm.c \
	$(dns_testbed_sources)
src_outcalld_dns_test_dns_storm_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)
EXTRA_DIST += src/outcalld/dns/README.md
