# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/host-api/libhost-api.a
src_outcalld_host_api_libhost_api_a_SOURCES = \
	src/outcalld/host-api/oc-host-api-allow.c \
	src/outcalld/host-api/oc-host-api-containers.c \
	src/outcalld/host-api/oc-host-api-dns.c \
	src/outcalld/host-api/oc-host-api-describe.c \
	src/outcalld/host-api/oc-host-api-events.c \
	src/outcalld/host-api/oc-host-api-grants.c \
	src/outcalld/host-api/oc-host-api-intercept.c \
	src/outcalld/host-api/oc-host-api-log.c \
	src/outcalld/host-api/oc-host-api-metrics.c \
	src/outcalld/host-api/oc-host-api-networks.c \
	src/outcalld/host-api/oc-host-api-private.h \
	src/outcalld/host-api/oc-host-api-proxy.c \
	src/outcalld/host-api/oc-host-api-requests.c \
	src/outcalld/host-api/oc-host-api-resolve.c \
	src/outcalld/host-api/oc-host-api-rules.c \
	src/outcalld/host-api/oc-host-api-status.c \
	src/outcalld/host-api/oc-host-api-waiting.c \
	src/outcalld/host-api/oc-host-api-workloads.c \
	src/outcalld/host-api/oc-host-api.c \
	src/outcalld/host-api/oc-host-api.h \
	$(NULL)

EXTRA_DIST += src/outcalld/host-api/check-metrics.py src/outcalld/host-api/check-openapi.py \
	src/outcalld/host-api/unix_http.py \
	src/outcalld/host-api/check-locales.py
host_api_test_bed = \
	src/outcalld/host-api/test-bed.c \
	src/outcalld/host-api/test-bed.h \
	$(NULL)
check_PROGRAMS += src/outcalld/host-api/test-host-api src/outcalld/host-api/test-host-events
TESTS += src/outcalld/host-api/test-host-api src/outcalld/host-api/test-host-events
check_PROGRAMS += src/outcalld/host-api/test-host-engine
TESTS += src/outcalld/host-api/test-host-engine
src_outcalld_host_api_test_host_engine_SOURCES = \
	src/outcalld/host-api/test-host-engine.c $(host_api_test_bed)
src_outcalld_host_api_test_host_engine_LDADD = $(src_outcalld_host_api_test_host_api_LDADD)
src_outcalld_host_api_test_host_api_SOURCES = \
	src/outcalld/host-api/test-host-api.c $(host_api_test_bed)
src_outcalld_host_api_test_host_events_SOURCES = \
	src/outcalld/host-api/test-host-events.c $(host_api_test_bed)
src_outcalld_host_api_test_host_events_LDADD = $(src_outcalld_host_api_test_host_api_LDADD)
src_outcalld_host_api_test_host_api_LDADD = \
	tests/testlib/libtestlib.a \
	src/outcalld/host-api/libhost-api.a \
	src/outcalld/api-server/libapi-server.a \
	src/outcalld/proxy/libproxy.a \
	src/outcalld/intercept/libintercept.a \
	src/outcalld/dns/libdns.a \
	src/outcalld/requests/librequests.a \
	src/outcalld/workload/libworkload.a \
	src/outcalld/engine/libengine.a \
	src/outcalld/network/libnetwork.a \
	src/outcalld/rules/librules.a \
	src/outcalld/log/liblog.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/http1/libhttp1.a \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(LDNS_LIBS) $(GNUTLS_LIBS) $(NETLINK_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(JSON_LIBS) $(GLIB_LIBS) -lm
# It runs the command line. In a variable, so that Automake does not take it for its own rule.
host_api_test_log = src/outcalld/host-api/test-host-api.log
$(host_api_test_log): src/outcall/outcall src/outcall/outcall-in-tree \
	src/outcall-selftest/outcall-selftest
