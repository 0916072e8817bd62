/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Containers that others start: compose, dev containers, `docker start`. One with
 * the label, on a network of ours and without rights that would make confinement a
 * fiction, gets a lease; every other one on our bridge has none, which is blocked.
 *
 * What the engine says is checked against the kernel: the lease goes to the port
 * whose other end is in the namespace of the container's process.
 */
#include "config.h"

#include "workload/oc-workload-name.h"
#include "workload/oc-workload-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <string.h>

typedef struct
{
  OcContainers *containers; /* borrowed: an operation of a freed engine is cancelled */
  char *id;
} Look;

gboolean
oc_container_find_process (const OcContainer *container, OcNetwork *network,
                           OcSandboxProcess *process, OcForeignPort *out_port, GError **error)
{
  if (container->pid == 0)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "it has ended");
  return oc_sandbox_process_open (container->pid, process, error)
         && oc_network_find_port (network, process->netns_fd, out_port, error);
}

/* --- Taking on -------------------------------------------------------------------- */

/* The network of ours that it is on. (nullable) */
static OcNetwork *
find_network (OcContainers *containers, const OcContainer *c, const OcContainerNetwork **out)
{
  for (guint i = 0; i < c->networks->len; i++)
    {
      const OcContainerNetwork *entry = c->networks->pdata[i];
      OcNetwork *network = oc_networks_lookup (containers->workloads->networks, entry->name);

      if (network == NULL || strcmp (entry->name, oc_network_get_name (network)) != 0)
        continue;
      *out = entry;
      return network;
    }
  return NULL;
}

/* Docker has given it one; in Podman's network we do. */
static gboolean
take_address (OcContainers *containers, OcNetwork *network, const OcContainerNetwork *entry,
              OcLease *lease, GError **error)
{
  g_strlcpy (lease->bridge, oc_network_get_bridge (network), sizeof lease->bridge);
  if (oc_engine_get_kind (containers->engine) == OC_ENGINE_PODMAN)
    return oc_network_allocate (network, &lease->address, error);
  lease->address = entry->address;
  return oc_network_reserve (network, &lease->address, error);
}

/* Lease first, then the port, then the table: or nothing. */
static gboolean
enter (OcContainers *containers, const OcContainer *c, OcNetwork *network, OcLease *lease,
       const OcForeignPort *port, OcSandboxProcess *process, GError **error)
{
  OcWorkloads *workloads = containers->workloads;
  gboolean podman = oc_engine_get_kind (containers->engine) == OC_ENGINE_PODMAN;
  OcWorkloadSeed seed
      = { .runtime = OC_RUNTIME_ENGINE, .name = c->name, .id = c->id, .image = c->image,
          .project = c->label_project, .command = c->command, .network = network,
          .lease = lease, .pid = process->pid, .uid = process->uid,
          .start_ticks = process->start_ticks, .netns_inode = process->netns_inode,
          .started_us = g_get_real_time () };
  OcWorkload *workload;

  if (!oc_firewall_add_lease (workloads->firewall, lease, error))
    {
      oc_network_release (network, &lease->address);
      return FALSE;
    }
  if (!oc_network_adopt (network, port->name, lease->mac, &lease->address, error)
      || (podman
          && !oc_network_set_up_inside (network, process->netns_fd, port->inside, &lease->address,
                                        error)))
    {
      oc_workload_undo_lease (workloads, network, lease);
      return FALSE;
    }
  workload = oc_workload_new (workloads, &seed, oc_fd_steal (&process->pidfd));
  if (!oc_workloads_enter (workloads, workload, error))
    {
      oc_workload_undo_lease (workloads, network, lease);
      oc_workload_free (workload);
      return FALSE;
    }
  oc_workloads_tell (workload, TRUE);
  return TRUE;
}

static gboolean
take_on (OcContainers *containers, const OcContainer *c, OcNetwork *network,
         const OcContainerNetwork *entry, GError **error)
{
  g_auto (OcSandboxProcess) process = OC_SANDBOX_PROCESS_INIT;
  OcForeignPort port;
  OcLease lease = { 0 };

  if (!oc_workload_name_is_valid (c->name))
    return oc_throw (error, "its name is no workload's");
  if (oc_workloads_name_is_taken (c->name, containers->workloads))
    return oc_throw (error, "a workload of its name is running");
  if (!oc_container_find_process (c, network, &process, &port, error)
      || !take_address (containers, network, entry, &lease, error))
    return FALSE;
  g_strlcpy (lease.port, port.name, sizeof lease.port);
  memcpy (lease.mac, port.mac, sizeof lease.mac);
  return enter (containers, c, network, &lease, &port, &process, error);
}

/* --- Off other networks -------------------------------------------------------------- */

static void
on_killed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *id = user_data;
  g_autoptr (GError) error = NULL;

  if (!oc_engine_finish (result, NULL, &error))
    g_warning ("container %.12s could not be stopped: %s", id, error->message);
}

static void
on_disconnected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Look *look = user_data;
  g_autoptr (GError) error = NULL;

  if (oc_engine_finish (result, NULL, &error))
    oc_containers_look_at (look->containers, look->id);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      /* Better no container than one with a way around. */
      g_warning ("container %.12s stays on another network (%s): it is stopped", look->id,
                 error->message);
      oc_engine_stop_async (look->containers->engine, look->id, 0, on_killed,
                            g_strdup (look->id));
    }
  g_free (look->id);
  g_free (look);
}

/* A container that we confine and that somebody connected to something else besides.
 * Returns: whether there was such a network. */
static gboolean
leave_other_networks (OcContainers *containers, const OcContainer *c, OcNetwork *network)
{
  for (guint i = 0; i < c->networks->len; i++)
    {
      const OcContainerNetwork *entry = c->networks->pdata[i];
      Look *look;

      if (strcmp (entry->name, oc_network_get_name (network)) == 0)
        continue;
      g_warning ("container %s was connected to network %s besides: it is disconnected", c->name,
                 entry->name);
      look = g_new0 (Look, 1);
      look->containers = containers;
      look->id = g_strdup (c->id);
      oc_engine_disconnect_async (containers->engine, c->id, entry->name, on_disconnected, look);
      return TRUE; /* the next one when this is done */
    }
  return FALSE;
}

/* --- Looking ---------------------------------------------------------------------------- */

static gboolean
is_starting (OcWorkloads *workloads, const char *id)
{
  for (guint i = 0; i < workloads->starting->len; i++)
    if (g_strcmp0 (((OcStarting *) workloads->starting->pdata[i])->id, id) == 0)
      return TRUE;
  return FALSE;
}

static void
judge (OcContainers *containers, const OcContainer *c)
{
  OcWorkload *known = oc_workloads_lookup_container (containers->workloads, c->id);
  const OcContainerNetwork *entry = NULL;
  OcNetwork *network;
  OcAddress gateway;
  char text[OC_ADDRESS_TEXT_MAX];
  g_autofree char *objection = NULL;
  g_autoptr (OcContainerBind) agent = NULL;
  g_autoptr (GError) error = NULL;

  if (known != NULL && known->pid != c->pid)
    {
      oc_workload_end (known); /* started again before its end was noticed */
      known = NULL;
    }
  if (!c->running || g_strcmp0 (c->label_managed, OC_ENGINE_MANAGED_BY) != 0)
    return;
  network = known != NULL ? known->network : find_network (containers, c, &entry);
  if (network == NULL)
    return;
  if ((known != NULL || c->label_name != NULL) && leave_other_networks (containers, c, network))
    return;
  if (known != NULL)
    return;
  gateway = oc_network_get_gateway (network);
  if (containers->options.agent_socket != NULL)
    agent = oc_container_bind_agent (containers->options.agent_socket, NULL);
  objection = oc_container_find_objection (
      c, oc_engine_get_kind (containers->engine), oc_network_get_name (network),
      oc_address_format (&gateway, text, sizeof text),
      (const char *const *) containers->protected_paths, agent);
  if (objection != NULL)
    g_warning ("container %s stays blocked: %s", c->name, objection);
  else if (!take_on (containers, c, network, entry, &error))
    g_warning ("container %s stays blocked: %s", c->name, error->message);
  else
    g_message ("container %s is a workload now", c->name);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Look *look = user_data;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcContainer) container = NULL;
  gboolean ok = oc_engine_finish (result, &data, &error);

  /* Cancelled: the containers are gone. */
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      gboolean again = GPOINTER_TO_INT (g_hash_table_lookup (look->containers->adopting, look->id));

      g_hash_table_remove (look->containers->adopting, look->id);
      if (again)
        oc_containers_look_at (look->containers, look->id);
      if (ok)
        container = oc_container_from_json (data, &error);
      if (container != NULL)
        judge (look->containers, container);
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        g_warning ("container %.12s: %s", look->id, error->message);
    }
  g_free (look->id);
  g_free (look);
}

void
oc_containers_look_at (OcContainers *containers, const char *id)
{
  Look *look;

  if (is_starting (containers->workloads, id))
    return; /* looked at when it has started */
  if (g_hash_table_contains (containers->adopting, id))
    {
      /* The answer that is on its way may be from before. */
      g_hash_table_replace (containers->adopting, g_strdup (id), GINT_TO_POINTER (TRUE));
      return;
    }
  g_hash_table_insert (containers->adopting, g_strdup (id), GINT_TO_POINTER (FALSE));
  look = g_new0 (Look, 1);
  look->containers = containers;
  look->id = g_strdup (id);
  oc_engine_inspect_async (containers->engine, id, on_inspected, look);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  OcContainers *containers = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ids = oc_engine_list_finish (result, &error);

  if (ids == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_warning ("containers are not looked at: %s", error->message);
      return;
    }
  for (guint i = 0; i < ids->len; i++)
    oc_containers_look_at (containers, ids->pdata[i]);
}

void
oc_containers_resync (OcContainers *containers)
{
  oc_engine_list_async (containers->engine, on_listed, containers);
}
