# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/cel/libcel.a
lib_cel_libcel_a_SOURCES = \
	lib/cel/oc-cel-arena.c \
	lib/cel/oc-cel-arena.h \
	lib/cel/oc-cel-ast.c \
	lib/cel/oc-cel-ast.h \
	lib/cel/oc-cel-check-call.c \
	lib/cel/oc-cel-checker.c \
	lib/cel/oc-cel-checker.h \
	lib/cel/oc-cel-code.h \
	lib/cel/oc-cel-codegen.c \
	lib/cel/oc-cel-env.c \
	lib/cel/oc-cel-env.h \
	lib/cel/oc-cel-eval.c \
	lib/cel/oc-cel-eval.h \
	lib/cel/oc-cel-fold.c \
	lib/cel/oc-cel-guess.c \
	lib/cel/oc-cel-infer.c \
	lib/cel/oc-cel-lexer.c \
	lib/cel/oc-cel-lexer.h \
	lib/cel/oc-cel-lib-arithmetic.c \
	lib/cel/oc-cel-lib-basic.c \
	lib/cel/oc-cel-lib-convert.c \
	lib/cel/oc-cel-lib-encoders.c \
	lib/cel/oc-cel-lib-format.c \
	lib/cel/oc-cel-lib-host.c \
	lib/cel/oc-cel-lib-lists.c \
	lib/cel/oc-cel-lib-math.c \
	lib/cel/oc-cel-lib-net.c \
	lib/cel/oc-cel-lib-operators.c \
	lib/cel/oc-cel-lib-optional.c \
	lib/cel/oc-cel-lib-sets.c \
	lib/cel/oc-cel-lib-split.c \
	lib/cel/oc-cel-lib-strings.c \
	lib/cel/oc-cel-lib-time.c \
	lib/cel/oc-cel-literal.c \
	lib/cel/oc-cel-macros.c \
	lib/cel/oc-cel-number.c \
	lib/cel/oc-cel-number.h \
	lib/cel/oc-cel-ops-data.c \
	lib/cel/oc-cel-ops-loop.c \
	lib/cel/oc-cel-ops.c \
	lib/cel/oc-cel-parser.c \
	lib/cel/oc-cel-program.c \
	lib/cel/oc-cel-regex-syntax.c \
	lib/cel/oc-cel-regex.c \
	lib/cel/oc-cel-regex.h \
	lib/cel/oc-cel-resolve.c \
	lib/cel/oc-cel-strset.c \
	lib/cel/oc-cel-text.c \
	lib/cel/oc-cel-text.h \
	lib/cel/oc-cel-time.c \
	lib/cel/oc-cel-time.h \
	lib/cel/oc-cel-type.c \
	lib/cel/oc-cel-type.h \
	lib/cel/oc-cel-utf8.h \
	lib/cel/oc-cel-value.c \
	lib/cel/oc-cel-value.h \
	lib/cel/oc-cel-zone.c \
	lib/cel/oc-cel-zone.h \
	lib/cel/oc-cel.h \
	$(NULL)

cel_test_libs = lib/cel/libcel.a lib/common/libcommon.a $(GLIB_LIBS) $(PCRE2_LIBS) -lm

check_PROGRAMS += lib/cel/test-cel-check
TESTS += lib/cel/test-cel-check
lib_cel_test_cel_check_SOURCES = lib/cel/test-cel-check.c
lib_cel_test_cel_check_LDADD = $(cel_test_libs)

check_PROGRAMS += lib/cel/test-cel-eval
TESTS += lib/cel/test-cel-eval
lib_cel_test_cel_eval_SOURCES = lib/cel/test-cel-eval.c
lib_cel_test_cel_eval_LDADD = $(cel_test_libs)

check_PROGRAMS += lib/cel/test-cel-limits
TESTS += lib/cel/test-cel-limits
lib_cel_test_cel_limits_SOURCES = lib/cel/test-cel-limits.c
lib_cel_test_cel_limits_LDADD = $(cel_test_libs)

check_PROGRAMS += tests/cel-conformance
TESTS += tests/cel-conformance
tests_cel_conformance_SOURCES = \
	tests/cel-conformance-value.c \
	tests/cel-conformance.c \
	tests/cel-conformance.h \
	$(NULL)
tests_cel_conformance_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_cel_conformance_LDADD = $(cel_test_libs) $(JANSSON_LIBS)
EXTRA_DIST += \
	lib/cel/README.md \
	tests/data/cel/LICENSE \
	tests/data/cel/README.md \
	tests/data/cel/known-failures.txt \
	tests/data/cel/own.jsonl \
	tests/data/cel/tests.jsonl \
	$(NULL)
