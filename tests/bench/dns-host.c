/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The DNS filter alone, without the rest of the daemon, for bench-dns.sh:
 * dns-host GATEWAY WORKLOAD UPSTREAM RULES.yaml WORKERS
 */
#include "config.h"

#include "dns/oc-dns.h"

#include <locale.h>
#include <stdio.h>

static OcAddress
parse_address (const char *text)
{
  OcAddress address = { 0 };

  if (!oc_address_parse (oc_str_from (text), &address))
    g_error ("'%s' is no address", text);
  return address;
}

static void
publish (OcSnapshotHub *hub, const char *rules, const OcAddress *workload,
         const OcAddress *gateway)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GPtrArray) identities
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_identity_unref);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = oc_policy_load_files (&rules, 1, NULL, diagnostics, &error);

  if (policy == NULL)
    g_error ("%s", error->message);
  g_ptr_array_add (identities, oc_identity_new ("bench-1", "bench", "", "", workload, gateway, 0));
  oc_snapshot_hub_set_policy (hub, policy);
  oc_snapshot_hub_set_identities (hub, identities);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  OcSnapshotHub *hub = oc_snapshot_hub_new ();
  OcLog *log = oc_log_new ();
  OcDnsOptions options = { .port = 53, .rate_per_s = 0 };
  OcAddress gateway;
  OcAddress workload;
  OcDns *dns;

  setlocale (LC_ALL, "C");
  if (argc != 6)
    {
      fputs ("usage: dns-host GATEWAY WORKLOAD UPSTREAM RULES WORKERS\n", stderr);
      return 2;
    }
  gateway = parse_address (argv[1]);
  workload = parse_address (argv[2]);
  options.upstreams = argv[3];
  options.n_workers = (guint) g_ascii_strtoull (argv[5], NULL, 10);
  publish (hub, argv[4], &workload, &gateway);
  dns = oc_dns_new (&options, hub, log, NULL, &error);
  if (dns == NULL || !oc_dns_add_gateway (dns, &gateway, &error))
    g_error ("%s", error->message);
  g_main_loop_run (loop);
  return 0;
}
