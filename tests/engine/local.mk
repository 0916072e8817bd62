# SPDX-License-Identifier: GPL-3.0-or-later
# On real container engines; not part of `make check`, since an engine is no small
# thing to want. `make check-engine` installs what is missing, as root.
engine_tests = tests/engine/test-docker.sh tests/engine/test-podman.sh
EXTRA_DIST += \
	$(engine_tests) \
	tests/engine/cases.sh \
	tests/engine/engine.sh \
	tests/engine/install.sh \
	$(NULL)

check-engine: all
	@$(SHELL) $(srcdir)/tests/engine/install.sh
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(engine_tests)'
