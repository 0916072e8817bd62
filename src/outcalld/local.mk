# SPDX-License-Identifier: GPL-3.0-or-later
include src/outcalld/netlink/local.mk
include src/outcalld/secrets/local.mk
include src/outcalld/snapshot/local.mk
include src/outcalld/log/local.mk
include src/outcalld/firewall/local.mk
include src/outcalld/network/local.mk
include src/outcalld/engine/local.mk
include src/outcalld/workload/local.mk
include src/outcalld/rules/local.mk
include src/outcalld/requests/local.mk
include src/outcalld/dns/local.mk
include src/outcalld/intercept/local.mk
include src/outcalld/proxy/local.mk
include src/outcalld/api-server/local.mk
include src/outcalld/host-api/local.mk
include src/outcalld/agent-api/local.mk

# A folder's library may use what stands after it.
outcalld_libs = \
	src/outcalld/host-api/libhost-api.a \
	src/outcalld/agent-api/libagent-api.a \
	src/outcalld/api-server/libapi-server.a \
	src/outcalld/proxy/libproxy.a \
	src/outcalld/intercept/libintercept.a \
	src/outcalld/dns/libdns.a \
	src/outcalld/requests/librequests.a \
	src/outcalld/rules/librules.a \
	src/outcalld/workload/libworkload.a \
	src/outcalld/engine/libengine.a \
	src/outcalld/network/libnetwork.a \
	src/outcalld/firewall/libfirewall.a \
	src/outcalld/netlink/libnetlink.a \
	src/outcalld/log/liblog.a \
	src/outcalld/snapshot/libsnapshot.a \
	src/outcalld/secrets/libsecrets.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/http1/libhttp1.a \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(NULL)

sbin_PROGRAMS += src/outcalld/outcalld
src_outcalld_outcalld_SOURCES = \
	src/outcalld/daemon/oc-daemon.c \
	src/outcalld/daemon/oc-daemon.h \
	src/outcalld/daemon/oc-grants.c \
	src/outcalld/daemon/oc-grants.h \
	src/outcalld/daemon/oc-hide.c \
	src/outcalld/daemon/oc-hide.h \
	src/outcalld/daemon/oc-logging.c \
	src/outcalld/daemon/oc-logging.h \
	src/outcalld/daemon/oc-notify.c \
	src/outcalld/daemon/oc-notify.h \
	src/outcalld/daemon/oc-options.c \
	src/outcalld/daemon/oc-options.h \
	src/outcalld/main.c \
	$(NULL)
src_outcalld_outcalld_LDADD = $(outcalld_libs) \
	$(GLIB_LIBS) $(JSON_LIBS) $(NETLINK_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(LDNS_LIBS) $(GNUTLS_LIBS) -lm
