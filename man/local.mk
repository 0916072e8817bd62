# SPDX-License-Identifier: GPL-3.0-or-later
dist_man_MANS += \
	man/outcall-agent.1 \
	man/outcall-cel.7 \
	man/outcall-rules.5 \
	man/outcall-ui.1 \
	man/outcall.1 \
	man/outcalld.8 \
	$(NULL)
