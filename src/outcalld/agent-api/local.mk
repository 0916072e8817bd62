# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/agent-api/libagent-api.a
src_outcalld_agent_api_libagent_api_a_SOURCES = \
	src/outcalld/agent-api/oc-agent-api-identity.c \
	src/outcalld/agent-api/oc-agent-api-private.h \
	src/outcalld/agent-api/oc-agent-api-question.c \
	src/outcalld/agent-api/oc-agent-api-requests.c \
	src/outcalld/agent-api/oc-agent-api-session.c \
	src/outcalld/agent-api/oc-agent-api.c \
	src/outcalld/agent-api/oc-agent-api.h \
	$(NULL)
