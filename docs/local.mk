# SPDX-License-Identifier: GPL-3.0-or-later
# What is installed beside the man pages.
dist_doc_DATA += \
	docs/api.md \
	docs/quick-start.md \
	docs/request.svg \
	docs/rules-cookbook.md \
	docs/threat-model.md \
	$(NULL)
TESTS += docs/test-cookbook.sh
EXTRA_DIST += docs/test-cookbook.sh po/README
docs/test-cookbook.log: src/outcall/outcall
