# SPDX-License-Identifier: GPL-3.0-or-later
# The frame is a library of its own, for its tests.
noinst_LIBRARIES += src/outcall/libcli.a
src_outcall_libcli_a_SOURCES = \
	src/outcall/oc-cli-call.c \
	src/outcall/oc-cli-complete.c \
	src/outcall/oc-cli-events.c \
	src/outcall/oc-cli-print.c \
	src/outcall/oc-cli-private.h \
	src/outcall/oc-cli.c \
	src/outcall/oc-cli.h \
	$(NULL)

# What `outcall run` may be told; a library of its own, for its tests.
noinst_LIBRARIES += src/outcall/libagentfile.a
src_outcall_libagentfile_a_SOURCES = \
	src/outcall/agent-file.c \
	src/outcall/agent-file.h \
	src/outcall/agent-trust.c \
	src/outcall/recipes.c \
	src/outcall/recipes.h \
	src/outcall/run-limits.c \
	src/outcall/run.h \
	$(NULL)
agent_file_libs = \
	src/outcall/libagentfile.a \
	src/outcall/libcli.a \
	src/outcall/libsandbox.a \
	lib/http1/libhttp1.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(YAML_LIBS) $(PCRE2_LIBS) $(PSL_LIBS) $(JSON_LIBS) $(GLIB_LIBS) $(LIBINTL) -lm

bin_PROGRAMS += src/outcall/outcall
src_outcall_outcall_SOURCES = \
	src/outcall/agent-running.c \
	src/outcall/agent-running.h \
	src/outcall/cmd-agent.c \
	src/outcall/cmd-allow.c \
	src/outcall/cmd-auth.c \
	src/outcall/cmd-bridge.c \
	src/outcall/cmd-ca.c \
	src/outcall/cmd-container.c \
	src/outcall/cmd-dns.c \
	src/outcall/cmd-doctor.c \
	src/outcall/cmd-grants.c \
	src/outcall/cmd-log.c \
	src/outcall/cmd-metrics.c \
	src/outcall/cmd-network.c \
	src/outcall/cmd-overview.c \
	src/outcall/cmd-proxy.c \
	src/outcall/cmd-recipe.c \
	src/outcall/cmd-requests.c \
	src/outcall/cmd-rules-explain.c \
	src/outcall/cmd-rules-local.c \
	src/outcall/cmd-rules-test.c \
	src/outcall/cmd-rules.c \
	src/outcall/cmd-rules.h \
	src/outcall/cmd-run.c \
	src/outcall/cmd-selftest.c \
	src/outcall/cmd-status.c \
	src/outcall/cmd-suggest.c \
	src/outcall/cmd-ui.c \
	src/outcall/cmd-watch.c \
	src/outcall/cmd-workloads.c \
	src/outcall/main.c \
	src/outcall/oc-cli-commands.c \
	src/outcall/oc-cli-commands.h \
	src/outcall/selftest-judge.c \
	src/outcall/selftest-place.c \
	src/outcall/selftest-print.c \
	src/outcall/selftest-role.c \
	src/outcall/selftest-run.c \
	src/outcall/selftest-ways.c \
	src/outcall/selftest.h \
	src/outcall/suggest.c \
	src/outcall/suggest.h \
	src/outcall/watch-screen.c \
	src/outcall/watch-question.c \
	src/outcall/watch-state.c \
	src/outcall/watch.h \
	$(NULL)
# Each library before those that it uses.
src_outcall_outcall_LDADD = \
	src/outcall/libagentfile.a \
	src/outcall/libcli.a \
	src/outcall/libsandbox.a \
	src/outcalld/secrets/libsecrets.a \
	lib/http1/libhttp1.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(YAML_LIBS) \
	$(PCRE2_LIBS) \
	$(PSL_LIBS) \
	-lm \
	$(JSON_LIBS) \
	$(GLIB_LIBS) \
	$(LIBINTL) \
	$(NULL)
include src/outcall/sandbox.mk

# The program with the catalogues of the build tree, for the tests of the languages.
check_PROGRAMS += src/outcall/outcall-in-tree
src_outcall_outcall_in_tree_SOURCES = src/outcall/main.c
src_outcall_outcall_in_tree_CPPFLAGS = $(AM_CPPFLAGS) -ULOCALEDIR \
	-DLOCALEDIR='g_getenv ("OUTCALL_TEST_LOCALEDIR")'
src_outcall_outcall_in_tree_LDADD = \
	$(filter-out src/outcall/main.$(OBJEXT),$(src_outcall_outcall_OBJECTS)) \
	$(src_outcall_outcall_LDADD)
check_PROGRAMS += src/outcall/test-agent-file src/outcall/test-cli src/outcall/test-suggest
TESTS += src/outcall/test-agent-file
src_outcall_test_agent_file_SOURCES = src/outcall/test-agent-file.c
src_outcall_test_agent_file_LDADD = $(agent_file_libs)
TESTS += src/outcall/test-suggest src/outcall/test-completions.sh
EXTRA_DIST += src/outcall/test-completions.sh src/outcall/check-manual.py
src_outcall_test_suggest_SOURCES = \
	src/outcall/suggest.c \
	src/outcall/suggest.h \
	src/outcall/test-suggest.c \
	$(NULL)
src_outcall_test_suggest_LDADD = \
	src/outcall/libcli.a \
	lib/http1/libhttp1.a \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(YAML_LIBS) $(PCRE2_LIBS) $(PSL_LIBS) $(JSON_LIBS) $(GLIB_LIBS) $(LIBINTL) -lm
TESTS += src/outcall/test-cli src/outcall/test-outcall.sh src/outcall/test-rules.sh
EXTRA_DIST += src/outcall/test-outcall.sh src/outcall/test-rules.sh
src_outcall_test_cli_SOURCES = src/outcall/test-cli.c
src_outcall_test_cli_LDADD = \
	src/outcall/libcli.a \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) \
	$(GLIB_LIBS) \
	$(LIBINTL) \
	$(NULL)
# The script runs the program. In a variable, so that Automake does not take it for its own rule.
outcall_test_log = src/outcall/test-outcall.log src/outcall/test-completions.log src/outcall/test-rules.log
$(outcall_test_log): src/outcall/outcall
