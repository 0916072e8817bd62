# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/policy/libpolicy.a
lib_policy_libpolicy_a_SOURCES = \
	lib/policy/oc-policy-arena.c \
	lib/policy/oc-policy-arena.h \
	lib/policy/oc-policy-check.c \
	lib/policy/oc-policy-check.h \
	lib/policy/oc-policy-cover.c \
	lib/policy/oc-policy-cover.h \
	lib/policy/oc-policy-egress.c \
	lib/policy/oc-policy-egress.h \
	lib/policy/oc-policy-evaluate.c \
	lib/policy/oc-policy-evaluate.h \
	lib/policy/oc-policy-expand.c \
	lib/policy/oc-policy-expand.h \
	lib/policy/oc-policy-explain.c \
	lib/policy/oc-policy-fields.c \
	lib/policy/oc-policy-fields.h \
	lib/policy/oc-policy-given.c \
	lib/policy/oc-policy-given.h \
	lib/policy/oc-policy-index.c \
	lib/policy/oc-policy-inject.c \
	lib/policy/oc-policy-inject.h \
	lib/policy/oc-policy-index.h \
	lib/policy/oc-policy-load.c \
	lib/policy/oc-policy-private.h \
	lib/policy/oc-policy-reach.c \
	lib/policy/oc-policy-report.c \
	lib/policy/oc-policy-report.h \
	lib/policy/oc-policy-require.c \
	lib/policy/oc-policy-require.h \
	lib/policy/oc-policy-rule.c \
	lib/policy/oc-policy-rule.h \
	lib/policy/oc-policy-select.c \
	lib/policy/oc-policy-select.h \
	lib/policy/oc-policy-short.c \
	lib/policy/oc-policy-short.h \
	lib/policy/oc-policy-slots.c \
	lib/policy/oc-policy-slots.h \
	lib/policy/oc-policy-tests.c \
	lib/policy/oc-policy-yaml.c \
	lib/policy/oc-policy-yaml.h \
	lib/policy/oc-policy.c \
	lib/policy/oc-policy.h \
	$(NULL)

EXTRA_DIST += lib/policy/README.md

policy_test_libs = \
	lib/policy/libpolicy.a \
	lib/cel/libcel.a \
	lib/common/libcommon.a \
	$(YAML_LIBS) \
	$(PCRE2_LIBS) \
	$(GLIB_LIBS) \
	-lm \
	$(NULL)
policy_tests = \
	lib/policy/test-policy \
	lib/policy/test-policy-early \
	lib/policy/test-policy-files \
	lib/policy/test-policy-heap \
	lib/policy/test-policy-index \
	$(NULL)
check_PROGRAMS += $(policy_tests)
TESTS += $(policy_tests)
lib_policy_test_policy_SOURCES = lib/policy/test-policy.c
lib_policy_test_policy_LDADD = $(policy_test_libs)
lib_policy_test_policy_early_SOURCES = lib/policy/test-policy-early.c
lib_policy_test_policy_early_LDADD = $(policy_test_libs)
lib_policy_test_policy_files_SOURCES = lib/policy/test-policy-files.c
lib_policy_test_policy_files_LDADD = $(policy_test_libs)
lib_policy_test_policy_heap_SOURCES = lib/policy/test-policy-heap.c
lib_policy_test_policy_heap_LDADD = $(policy_test_libs)
lib_policy_test_policy_index_SOURCES = lib/policy/test-policy-index.c
lib_policy_test_policy_index_LDADD = $(policy_test_libs)
