# SPDX-License-Identifier: GPL-3.0-or-later
# What `outcall run` is made of; a library of its own, for its tests.
noinst_LIBRARIES += src/outcall/libsandbox.a
src_outcall_libsandbox_a_SOURCES = \
	src/outcall/sandbox-args.c \
	src/outcall/sandbox-copy.c \
	src/outcall/sandbox-diagnose.c \
	src/outcall/sandbox-env.c \
	src/outcall/sandbox-limits.c \
	src/outcall/sandbox-paths.c \
	src/outcall/sandbox-project.c \
	src/outcall/sandbox-run.c \
	src/outcall/sandbox-seccomp.c \
	src/outcall/sandbox-system.c \
	src/outcall/sandbox.h \
	$(NULL)

check_PROGRAMS += src/outcall/test-sandbox
TESTS += src/outcall/test-sandbox
src_outcall_test_sandbox_SOURCES = src/outcall/test-sandbox.c
src_outcall_test_sandbox_LDADD = src/outcall/libsandbox.a lib/common/libcommon.a $(JSON_LIBS) $(GLIB_LIBS)
# In a variable, so that Automake does not take it for its own rule.
sandbox_test_log = src/outcall/test-sandbox.log
$(sandbox_test_log): src/outcall-agent/outcall-agent
