/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The management API on host.sock: everything that shows or changes state. A
 * thin layer: each handler reads typed JSON, calls one subsystem, answers with
 * a type or an error. Thread: main.
 */

#include "dns/oc-dns.h"
#include "proxy/oc-proxy.h"
#include "requests/oc-requests.h"
#include "rules/oc-rules.h"
#include "workload/oc-workload.h"

typedef struct OcHostApi OcHostApi;

/* The subsystems, all borrowed and living longer than the API. */
typedef struct
{
  OcFirewall *firewall;
  OcNetworks *networks;
  OcWorkloads *workloads;
  OcRules *rules;
  OcRequests *requests;
  OcDns *dns;
  OcProxy *proxy; /* (nullable): --no-proxy */
  OcIntercept *intercept; /* (nullable): no CA */
  OcLog *log;
  OcSnapshotHub *hub;
  gint64 started_us; /* monotonic */
  const char *dns_upstreams; /* (nullable) */
  guint16 dns_port, proxy_port;
  char **protected_paths; /* (nullable): absolute; what no workload may be shown */
} OcHostApiSubsystems;

OcHostApi *oc_host_api_new (const char *socket_path, const OcHostApiSubsystems *subsystems,
                            GError **error);
void oc_host_api_free (OcHostApi *api);
