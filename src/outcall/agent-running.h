/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What runs confined in one project, found by the daemon's list. */

#include "oc-cli.h"

typedef enum
{
  OC_AGENT_LIST, /* as outcall ps */
  OC_AGENT_STOP, /* as outcall stop, for each */
  OC_AGENT_LOGS, /* as outcall log --agent, for each */
} OcAgentVerb;

/* @project: its real path
 * Returns: the exit code. */
int oc_agent_running (OcCli *cli, const char *project, OcAgentVerb verb);
