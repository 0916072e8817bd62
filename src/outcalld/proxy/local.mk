# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/proxy/libproxy.a
src_outcalld_proxy_libproxy_a_SOURCES = \
	src/outcalld/proxy/oc-proxy-answer.c \
	src/outcalld/proxy/oc-proxy-body.c \
	src/outcalld/proxy/oc-proxy-conn.c \
	src/outcalld/proxy/oc-proxy-conn.h \
	src/outcalld/proxy/oc-proxy-count.c \
	src/outcalld/proxy/oc-proxy-dial.c \
	src/outcalld/proxy/oc-proxy-exchange.c \
	src/outcalld/proxy/oc-proxy-hello.c \
	src/outcalld/proxy/oc-proxy-hello.h \
	src/outcalld/proxy/oc-proxy-http.c \
	src/outcalld/proxy/oc-proxy-idle.c \
	src/outcalld/proxy/oc-proxy-inject.c \
	src/outcalld/proxy/oc-proxy-listener.c \
	src/outcalld/proxy/oc-proxy-parent.c \
	src/outcalld/proxy/oc-proxy-pool.c \
	src/outcalld/proxy/oc-proxy-private.h \
	src/outcalld/proxy/oc-proxy-target.c \
	src/outcalld/proxy/oc-proxy-timers.c \
	src/outcalld/proxy/oc-proxy-timers.h \
	src/outcalld/proxy/oc-proxy-tls.h \
	src/outcalld/proxy/oc-proxy-tunnel.c \
	src/outcalld/proxy/oc-proxy-verdict.c \
	src/outcalld/proxy/oc-proxy-worker.c \
	src/outcalld/proxy/oc-proxy-worker.h \
	src/outcalld/proxy/oc-proxy.c \
	src/outcalld/proxy/oc-proxy.h \
	$(NULL)
if INTERCEPT
src_outcalld_proxy_libproxy_a_SOURCES += \
	src/outcalld/proxy/oc-proxy-intercept.c \
	src/outcalld/proxy/oc-proxy-tls.c
endif

check_PROGRAMS += \
	src/outcalld/proxy/test-proxy-hello \
	src/outcalld/proxy/test-proxy-parts \
	$(NULL)
TESTS += \
	src/outcalld/proxy/test-proxy-hello \
	src/outcalld/proxy/test-proxy-parts \
	$(NULL)
src_outcalld_proxy_test_proxy_hello_SOURCES = src/outcalld/proxy/test-proxy-hello.c
src_outcalld_proxy_test_proxy_hello_LDADD = \
	src/outcalld/proxy/libproxy.a \
	lib/common/libcommon.a \
	$(GLIB_LIBS)
src_outcalld_proxy_test_proxy_parts_SOURCES = src/outcalld/proxy/test-proxy-parts.c
src_outcalld_proxy_test_proxy_parts_LDADD = \
	src/outcalld/proxy/libproxy.a \
	lib/common/libcommon.a \
	$(GLIB_LIBS)

proxy_test_sources = \
	src/outcalld/proxy/test-clients.c \
	src/outcalld/proxy/test-servers.c \
	src/outcalld/proxy/test-support.c \
	src/outcalld/proxy/test-support.h \
	$(NULL)
proxy_test_libs = \
	src/outcalld/proxy/libproxy.a \
	src/outcalld/intercept/libintercept.a \
	src/outcalld/dns/libdns.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	src/outcalld/log/liblog.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	tests/testlib/libtestlib.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/http1/libhttp1.a \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	$(GNUTLS_LIBS) $(LDNS_LIBS) $(NETLINK_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(JSON_LIBS) $(GLIB_LIBS) -lm \
	$(NULL)
proxy_tests = \
	src/outcalld/proxy/test-proxy-attacks \
	src/outcalld/proxy/test-proxy-http \
	src/outcalld/proxy/test-proxy-limits \
	src/outcalld/proxy/test-proxy-parent \
	src/outcalld/proxy/test-proxy-smuggling \
	src/outcalld/proxy/test-proxy-tunnel \
	$(NULL)
if INTERCEPT
proxy_tests += \
	src/outcalld/proxy/test-proxy-handshake \
	src/outcalld/proxy/test-proxy-intercept
endif
proxy_opened_sources = \
	src/outcalld/proxy/test-opened.c \
	src/outcalld/proxy/test-opened.h \
	src/outcalld/proxy/test-tls.c \
	src/outcalld/proxy/test-tls.h \
	$(proxy_test_sources)
src_outcalld_proxy_test_proxy_handshake_SOURCES = \
	src/outcalld/proxy/test-proxy-handshake.c \
	$(proxy_opened_sources)
src_outcalld_proxy_test_proxy_handshake_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_intercept_SOURCES = \
	src/outcalld/proxy/test-proxy-intercept.c \
	$(proxy_opened_sources)
src_outcalld_proxy_test_proxy_intercept_LDADD = $(proxy_test_libs)
check_PROGRAMS += $(proxy_tests)
TESTS += $(proxy_tests)
src_outcalld_proxy_test_proxy_http_SOURCES = src/outcalld/proxy/test-proxy-http.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_http_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_tunnel_SOURCES = src/outcalld/proxy/test-proxy-tunnel.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_tunnel_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_smuggling_SOURCES = src/outcalld/proxy/test-proxy-smuggling.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_smuggling_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_limits_SOURCES = src/outcalld/proxy/test-proxy-limits.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_limits_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_attacks_SOURCES = src/outcalld/proxy/test-proxy-attacks.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_attacks_LDADD = $(proxy_test_libs)
src_outcalld_proxy_test_proxy_parent_SOURCES = src/outcalld/proxy/test-proxy-parent.c $(proxy_test_sources)
src_outcalld_proxy_test_proxy_parent_LDADD = $(proxy_test_libs)
EXTRA_DIST += src/outcalld/proxy/README.md
