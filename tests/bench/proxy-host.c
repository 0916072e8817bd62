/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The proxy alone, for its bench: proxy-host GATEWAY AGENT[,AGENT…] HOST WORKERS
 * [LIMIT]. Allows HOST, an address, for the workload at each AGENT, with tunnels
 * to its ports 443, 2443 and 8443. LIMIT: connections of each workload.
 */
#include "config.h"

#include "proxy/oc-proxy.h"

#include <signal.h>

static OcAddress
parse_address (const char *text)
{
  OcAddress address;

  if (!oc_address_parse (oc_str_from (text), &address))
    g_error ("%s is no address", text);
  return address;
}

static OcPolicy *
load_policy (const char *host)
{
  g_autofree char *yaml = g_strdup_printf ("version: \"1\"\nrules:\n"
                                           "  - id: named\n    hosts: [\"%s\"]\n    ports: [443, 2443, 8443]\n    action: allow\n"
                                           "  - id: all\n    hosts: [\"%s\"]\n    action: allow\n",
                                           host, host);
  OcPolicySource source = { "bench.yaml", yaml, strlen (yaml) };
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  OcPolicy *policy = oc_policy_load_sources (&source, 1, NULL, diagnostics, &error);

  if (policy == NULL)
    g_error ("%s", error->message);
  return policy;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GPtrArray) identities = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_identity_unref);
  g_autoptr (GError) error = NULL;
  OcProxyOptions options = { .port = 8080, .max_connections = 65536, .max_connections_per_workload = 65536 };
  g_auto (GStrv) agents = NULL;
  OcSnapshotHub *hub = oc_snapshot_hub_new ();
  OcLog *log = oc_log_new ();
  g_autoptr (OcPolicy) policy = NULL;
  OcAddress gateway;
  OcProxy *proxy;

  if (argc != 5 && argc != 6)
    g_error ("usage: proxy-host GATEWAY AGENT[,AGENT…] HOST WORKERS [LIMIT]");
  (void) signal (SIGPIPE, SIG_IGN);
  gateway = parse_address (argv[1]);
  agents = g_strsplit (argv[2], ",", -1);
  options.n_workers = (guint) g_ascii_strtoull (argv[4], NULL, 10);
  if (argc == 6)
    options.max_connections_per_workload = (guint) g_ascii_strtoull (argv[5], NULL, 10);
  policy = load_policy (argv[3]);
  for (guint i = 0; agents[i] != NULL; i++)
    {
      OcAddress agent = parse_address (agents[i]);

      g_ptr_array_add (identities,
                       oc_identity_new (agents[i], agents[i], NULL, NULL, &agent, &gateway, i));
    }
  oc_snapshot_hub_set_identities (hub, identities);
  oc_snapshot_hub_set_policy (hub, policy);
  proxy = oc_proxy_new (&options, hub, log, NULL, &error);
  if (proxy == NULL || !oc_proxy_add_gateway (proxy, &gateway, &error))
    g_error ("%s", error->message);
  g_main_loop_run (loop);
  return 0;
}
