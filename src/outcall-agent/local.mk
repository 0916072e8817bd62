# SPDX-License-Identifier: GPL-3.0-or-later
# One static binary for any image. The second build, for tests only, lets the
# environment name the socket.
agent_sources = \
	src/outcall-agent/agent-check.c \
	src/outcall-agent/agent-client.c \
	src/outcall-agent/agent-exec.c \
	src/outcall-agent/agent-hook.c \
	src/outcall-agent/agent-mcp-tools.c \
	src/outcall-agent/agent-mcp.c \
	src/outcall-agent/agent-mcp.h \
	src/outcall-agent/agent-request.c \
	src/outcall-agent/agent-run.c \
	src/outcall-agent/main.c \
	src/outcall-agent/oc-agent.h \
	$(NULL)
agent_cflags = $(AM_CFLAGS) -Os -ffunction-sections -fdata-sections
agent_ldflags = $(STATIC_LDFLAGS) $(HARDEN_LDFLAGS) $(SANITIZE_CFLAGS) -Wl,--gc-sections
agent_libs = lib/http1/libhttp1.a lib/common/libcommon.a $(JANSSON_STATIC_LIBS)

bin_PROGRAMS += src/outcall-agent/outcall-agent
src_outcall_agent_outcall_agent_SOURCES = $(agent_sources)
src_outcall_agent_outcall_agent_CFLAGS = $(agent_cflags)
src_outcall_agent_outcall_agent_LDFLAGS = $(agent_ldflags)
src_outcall_agent_outcall_agent_LDADD = $(agent_libs)

check_PROGRAMS += src/outcall-agent/outcall-agent-test
src_outcall_agent_outcall_agent_test_SOURCES = $(agent_sources)
src_outcall_agent_outcall_agent_test_CPPFLAGS = $(AM_CPPFLAGS) -DOC_TEST_BUILD
src_outcall_agent_outcall_agent_test_CFLAGS = $(agent_cflags)
src_outcall_agent_outcall_agent_test_LDFLAGS = $(agent_ldflags)
src_outcall_agent_outcall_agent_test_LDADD = $(agent_libs)

agent_tests = \
	src/outcall-agent/test-agent \
	src/outcall-agent/test-agent-matrix \
	$(NULL)
agent_test_peer = src/outcall-agent/test-peer.c src/outcall-agent/test-peer.h
check_PROGRAMS += $(agent_tests)
TESTS += $(agent_tests)
src_outcall_agent_test_agent_SOURCES = src/outcall-agent/test-agent.c $(agent_test_peer)
src_outcall_agent_test_agent_LDADD = $(GLIB_LIBS)
src_outcall_agent_test_agent_matrix_SOURCES = src/outcall-agent/test-agent-matrix.c $(agent_test_peer)
src_outcall_agent_test_agent_matrix_LDADD = $(GLIB_LIBS)
# In a variable, so that Automake does not take it for its own rule.
agent_test_logs = $(agent_tests:=.log)
$(agent_test_logs): src/outcall-agent/outcall-agent src/outcall-agent/outcall-agent-test
EXTRA_DIST += tests/data/hooks/README.md
EXTRA_DIST += \
	tests/data/hooks/claude-code-bash.asked \
	tests/data/hooks/claude-code-bash.json \
	tests/data/hooks/claude-code-edit.asked \
	tests/data/hooks/claude-code-edit.json \
	tests/data/hooks/claude-code-mcp.asked \
	tests/data/hooks/claude-code-mcp.json \
	tests/data/hooks/claude-code-read.asked \
	tests/data/hooks/claude-code-read.json \
	tests/data/hooks/claude-code-webfetch.asked \
	tests/data/hooks/claude-code-webfetch.json \
	tests/data/hooks/claude-code-write.asked \
	tests/data/hooks/claude-code-write.json \
	tests/data/hooks/codex-apply-patch.asked \
	tests/data/hooks/codex-apply-patch.json \
	tests/data/hooks/codex-bash.asked \
	tests/data/hooks/codex-bash.json \
	tests/data/hooks/codex-mcp.asked \
	tests/data/hooks/codex-mcp.json \
	$(NULL)
