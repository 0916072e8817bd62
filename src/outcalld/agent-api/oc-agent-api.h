/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The API that workloads see on agent.sock. Who calls is read from the kernel
 * (the peer's network namespace), never from what it says. No host route is
 * served here. Thread: main.
 */

#include "log/oc-log.h"
#include "requests/oc-requests.h"
#include "rules/oc-rules.h"
#include "workload/oc-workload.h"

typedef struct OcAgentApi OcAgentApi;

/* So many in each so many seconds, by one workload. */
typedef struct
{
  guint max; /* 0: no limit */
  guint window_s;
} OcAgentRate;

typedef struct
{
  const char *socket_path;
  OcAgentRate checks;        /* 100 in 10 s */
  OcAgentRate rule_requests; /* 10 in 60 s */
  guint timeout_s;           /* of one evaluation; 5 */
  const char *ca_pem;        /* (nullable): what workloads are to trust besides */
} OcAgentApiOptions;

OcAgentApi *oc_agent_api_new (const OcAgentApiOptions *options, OcWorkloads *workloads,
                              OcRules *rules, OcRequests *requests, OcLog *log, GError **error);
void oc_agent_api_free (OcAgentApi *api);
/* Counting begins anew. */
void oc_agent_api_set_rates (OcAgentApi *api, OcAgentRate checks, OcAgentRate rule_requests);
