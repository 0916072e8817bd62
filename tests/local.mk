# SPDX-License-Identifier: GPL-3.0-or-later
EXTRA_DIST += \
	tests/http-smuggling/README.md \
	tests/http-smuggling/body-length.txt \
	tests/http-smuggling/chunked.txt \
	tests/http-smuggling/connection.txt \
	tests/http-smuggling/fields.txt \
	tests/http-smuggling/host.txt \
	tests/http-smuggling/message.txt \
	tests/http-smuggling/request-line.txt \
	tests/http-smuggling/responses.txt \
	tests/http-smuggling/throw.py \
	tests/tap-test \
	$(NULL)

check_LIBRARIES += tests/testlib/libtestlib.a
tests_testlib_libtestlib_a_SOURCES = \
	tests/testlib/oc-testns.c \
	tests/testlib/oc-testns.h \
	$(NULL)

include tests/fuzz/local.mk
include tests/bench/local.mk

include tests/browser/local.mk
include tests/e2e/local.mk
include tests/kernel/local.mk
include tests/engine/local.mk
