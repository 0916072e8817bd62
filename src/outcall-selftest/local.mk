# SPDX-License-Identifier: GPL-3.0-or-later
# What `outcall selftest` runs inside: one static binary, since it is shown to sandboxes.
libexec_PROGRAMS += src/outcall-selftest/outcall-selftest
src_outcall_selftest_outcall_selftest_SOURCES = \
	src/outcall-selftest/bare.c \
	src/outcall-selftest/dns.c \
	src/outcall-selftest/files.c \
	src/outcall-selftest/frame.c \
	src/outcall-selftest/host.c \
	src/outcall-selftest/http.c \
	src/outcall-selftest/ipv6.c \
	src/outcall-selftest/l2.c \
	src/outcall-selftest/main.c \
	src/outcall-selftest/net.c \
	src/outcall-selftest/packet.c \
	src/outcall-selftest/probe.c \
	src/outcall-selftest/raw.c \
	src/outcall-selftest/selftest.h \
	src/outcall-selftest/tag.c \
	src/outcall-selftest/tls.c \
	src/outcall-selftest/watch.c \
	$(NULL)
EXTRA_DIST += src/outcall-selftest/README.md
src_outcall_selftest_outcall_selftest_CFLAGS = $(agent_cflags)
src_outcall_selftest_outcall_selftest_LDFLAGS = $(agent_ldflags)
