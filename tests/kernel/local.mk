# SPDX-License-Identifier: GPL-3.0-or-later
# Faults of the whole daemon, counted on the wire.
check_PROGRAMS += tests/kernel/test-kill
TESTS += tests/kernel/test-kill
tests_kernel_test_kill_SOURCES = \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	tests/kernel/test-kill.c \
	$(NULL)
tests_kernel_test_kill_LDADD = lib/http1/libhttp1.a $(oc_network_test_libs)
# It runs the daemon. In a variable, so that Automake does not take it for its own rule.
kernel_test_log = tests/kernel/test-kill.log
$(kernel_test_log): $(sbin_PROGRAMS)
