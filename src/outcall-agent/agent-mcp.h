/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The tools of the MCP server. What they return is a CallToolResult. */

#include "oc-agent.h"

/* The value of tools/list's "tools". A new reference. */
json_t *agent_mcp_list_tools (void);
/* Whether there is one of this name. */
bool agent_mcp_has_tool (const char *name);
/* Whether the call may take long and so must not hold up others. */
bool agent_mcp_tool_waits (const char *name, json_t *arguments);
/* @arguments: an object. A new reference; what goes wrong is in it, with "isError". */
json_t *agent_mcp_call_tool (const char *name, json_t *arguments);
