/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A daemon that starts again: what the state file says is believed only where
 * the kernel still says the same (process, its start, its network namespace,
 * its port on the bridge). Everything else stays without a lease, which is
 * blocked.
 */
#include "config.h"

#include "workload/oc-workload-name.h"
#include "workload/oc-workload-private.h"
#include "workload/oc-workload-process.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <stdio.h>
#include <string.h>

/* Why @record is not what lives now, or NULL when it is. */
static const char *
find_difference (const OcWorkloadRecord *record, OcNetwork *network,
                 const OcSandboxProcess *process)
{
  guint8 mac[6];

  if (process->start_ticks != record->start_ticks)
    return "its process number belongs to another process now";
  if (process->netns_inode != record->netns_inode || process->is_own_netns)
    return "its process is in another network namespace";
  if (strcmp (record->lease.bridge, oc_network_get_bridge (network)) != 0)
    return "its network has another bridge now";
  /* The engine chooses the MAC of what others create. */
  oc_network_make_mac (&record->lease.address, mac);
  if (record->runtime == OC_RUNTIME_NATIVE && memcmp (mac, record->lease.mac, sizeof mac) != 0)
    return "its hardware address does not go with its address";
  if (!oc_runtime_get_ops (record->runtime)->has_port (network, &record->lease,
                                                       process->netns_fd))
    return "its port is gone";
  return NULL;
}

static gboolean
restore_one (OcWorkloads *workloads, const OcWorkloadRecord *record, GError **error)
{
  OcNetwork *network = oc_networks_lookup (workloads->networks, record->network);
  g_auto (OcSandboxProcess) process = OC_SANDBOX_PROCESS_INIT;
  OcWorkloadSeed seed
      = { .runtime = record->runtime, .name = record->name, .id = record->id,
          .image = record->image, .project = record->project,
          .command = record->command, .network = network, .lease = &record->lease, .pid = record->pid,
          .uid = record->uid, .start_ticks = record->start_ticks,
          .netns_inode = record->netns_inode, .started_us = record->started_us };
  const char *difference;

  if (network == NULL)
    return oc_throw (error, "its network is not there any more");
  if (!oc_workload_name_is_valid (record->name)
      || oc_workloads_lookup (workloads, record->name) != NULL
      || oc_workloads_lookup_netns (workloads, record->netns_inode) != NULL)
    return oc_throw (error, "its name or namespace is not its own");
  if (!oc_sandbox_process_open (record->pid, &process, error))
    return FALSE;
  difference = find_difference (record, network, &process);
  if (difference != NULL)
    return oc_throw (error, "%s", difference);
  if (!oc_network_reserve (network, &record->lease.address, error))
    return FALSE;
  oc_workloads_insert (workloads,
                       oc_workload_new (workloads, &seed, oc_fd_steal (&process.pidfd)));
  return TRUE;
}

/* Nobody knows when it ended: its address rests from now on. */
static void
rest_address (OcWorkloads *workloads, const OcWorkloadRecord *record)
{
  OcNetwork *network = oc_networks_lookup (workloads->networks, record->network);

  if (network != NULL)
    oc_network_rest (network, &record->lease.address, G_MAXINT64);
}

static gboolean
replace_ruleset (OcWorkloads *workloads, GError **error)
{
  g_autoptr (GPtrArray) list = oc_workloads_list (workloads);
  g_autofree OcLease *leases = g_new0 (OcLease, list->len);

  for (guint i = 0; i < list->len; i++)
    leases[i] = ((OcWorkload *) list->pdata[i])->lease;
  return oc_networks_replace_rules (workloads->networks, leases, list->len, error);
}

static gboolean
port_is_leased (OcWorkloads *workloads, const char *port)
{
  GHashTableIter iter;
  gpointer workload;

  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    if (strcmp (((OcWorkload *) workload)->lease.port, port) == 0)
      return TRUE;
  return FALSE;
}

/* Ports that a killed daemon left: blocked already, but in nobody's name. */
static void
delete_stale_ports (OcWorkloads *workloads, OcNetwork *network)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ports = oc_network_list_ports (network, &error);

  if (ports == NULL)
    {
      g_message ("ports of %s: %s", oc_network_get_bridge (network), error->message);
      return;
    }
  for (guint i = 0; i < ports->len; i++)
    {
      const char *port = ports->pdata[i];
      g_autoptr (GError) local = NULL;

      if (g_str_has_prefix (port, "oc") && !port_is_leased (workloads, port)
          && !oc_network_detach (network, port, &local))
        g_warning ("stale port %s: %s", port, local->message);
    }
}

gboolean
oc_workloads_restore (OcWorkloads *workloads, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GPtrArray) records = oc_workload_state_load (workloads, &local);
  g_autoptr (GPtrArray) networks = oc_networks_list (workloads->networks);

  /* Not a reason to stay down: what it named has no lease and stays blocked. */
  if (records == NULL)
    g_warning ("sandboxes of before are not restored: %s", local->message);
  for (guint i = 0; records != NULL && i < records->len; i++)
    {
      const OcWorkloadRecord *record = records->pdata[i];
      g_autoptr (GError) why = NULL;

      if (!restore_one (workloads, record, &why))
        {
          g_message ("workload %s is not restored: %s", record->name, why->message);
          rest_address (workloads, record);
        }
    }
  if (!replace_ruleset (workloads, error))
    return oc_prefix (error, "base ruleset");
  for (guint i = 0; i < networks->len; i++)
    delete_stale_ports (workloads, networks->pdata[i]);
  oc_workloads_publish (workloads);
  return oc_workload_state_save (workloads, error);
}
