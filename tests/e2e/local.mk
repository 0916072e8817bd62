# SPDX-License-Identifier: GPL-3.0-or-later
# Whole-system tests on the bed. They need root and skip without it.
e2e_tests = \
	tests/e2e/test-agent-api.sh \
	tests/e2e/test-agent-file.sh \
	tests/e2e/test-agent-roots.sh \
	tests/e2e/test-allow-block.sh \
	tests/e2e/test-clients.sh \
	tests/e2e/test-daemon-life.sh \
	tests/e2e/test-dns-clients.sh \
	tests/e2e/test-mcp.sh \
	tests/e2e/test-doctor.sh \
	tests/e2e/test-kernel.sh \
	tests/e2e/test-intercept.sh \
	tests/e2e/test-learn.sh \
	tests/e2e/test-patience.sh \
	tests/e2e/test-requests.sh \
	tests/e2e/test-sandbox-binds.sh \
	tests/e2e/test-sandbox-view.sh \
	tests/e2e/test-secrets.sh \
	tests/e2e/test-selftest.sh \
	tests/e2e/test-terminal.sh \
	tests/e2e/test-transparent.sh \
	tests/e2e/test-unprivileged.sh \
	tests/e2e/test-watch.sh \
	tests/e2e/test-ways-out.sh \
	$(NULL)
TESTS += $(e2e_tests) tests/static-code.sh tests/test-documents.sh tests/test-hardening.sh tests/test-options.sh
EXTRA_DIST += \
	$(e2e_tests) \
	docs/architecture.md \
	docs/dependencies.md \
	scripts/check \
	scripts/deps.sh \
	scripts/try \
	scripts/try-bed.sh \
	scripts/try-online.sh \
	tests/e2e/clients.py \
	tests/e2e/common.sh \
	tests/e2e/fetch.go \
	tests/e2e/mcp/client.mjs \
	tests/e2e/mcp/package.json \
	tests/e2e/hold.py \
	tests/e2e/no-confinement.py \
	tests/e2e/probe.py \
	tests/e2e/resolve-cares.c \
	tests/e2e/resolve.c \
	tests/e2e/slow-daemon.py \
	tests/static-code.sh \
	tests/test-documents.sh \
	tests/test-hardening.sh \
	tests/test-options.sh \
	tests/testbed/listeners.py \
	tests/testbed/services.py \
	tests/testbed/testbed.sh \
	tests/testlib/programs.sh \
	tests/testlib/tap.sh \
	$(NULL)
# They run the built programs.
$(e2e_tests:.sh=.log) tests/test-hardening.log tests/test-options.log: $(bin_PROGRAMS) $(libexec_PROGRAMS) $(sbin_PROGRAMS)
