# SPDX-License-Identifier: GPL-3.0-or-later
# The dashboard in a real browser. Not in `make check`, as it needs packages from npm.
browser_tests = tests/browser/test-dashboard.sh
EXTRA_DIST += \
	$(browser_tests) \
	tests/browser/actions.mjs \
	tests/browser/attacks.mjs \
	tests/browser/bed.mjs \
	tests/browser/package-lock.json \
	tests/browser/package.json \
	tests/browser/run.mjs \
	tests/browser/stress.mjs \
	tests/browser/tap.mjs \
	tests/browser/views.mjs \
	$(NULL)

# Installs what the lock file names, once; without npm the tests skip and say so.
tests/browser/installed: tests/browser/package.json tests/browser/package-lock.json
	$(AM_V_GEN)$(MKDIR_P) $(@D) && if command -v npm >/dev/null; then \
	  for file in package.json package-lock.json; do \
	    cmp -s $(srcdir)/tests/browser/$$file $(@D)/$$file || cp $(srcdir)/tests/browser/$$file $(@D)/ || exit 1; \
	  done; \
	  (cd $(@D) && npm ci --prefer-offline --no-audit --no-fund --ignore-scripts) >$(@D)/npm.log 2>&1 || { cat $(@D)/npm.log; exit 1; }; \
	  touch $@; fi

check-browser: all tests/browser/installed
	$(MAKE) check-TESTS TESTS='$(browser_tests)'

clean-local:
	-rm -rf tests/browser/node_modules tests/browser/shots tests/browser/installed tests/browser/npm.log
	-test '$(srcdir)' = . || rm -f tests/browser/package.json tests/browser/package-lock.json
.PHONY: check-browser
