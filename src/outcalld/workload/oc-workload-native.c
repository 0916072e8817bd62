/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Sandboxes that `outcall run` made: the port is Outcall's own, and the process is
 * the caller's.
 */
#include "config.h"

#include "workload/oc-workload-private.h"

#include "common/oc-error.h"

static gboolean
leave (OcWorkload *workload, GError **error)
{
  return oc_network_detach (workload->network, workload->lease.port, error)
         && oc_firewall_remove_lease (workload->owner->firewall, &workload->lease, error);
}

static gboolean
has_port (OcNetwork *network, const OcLease *lease, int netns_fd)
{
  (void) netns_fd;
  return oc_network_has_port (network, lease->port);
}

static void
stop (OcWorkload *workload, guint timeout_s, GTask *task)
{
  GError *error = NULL;

  if (oc_workload_signal (workload, timeout_s, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static void
logs (OcWorkload *workload, guint tail, GTask *task)
{
  (void) tail;
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "%s is a sandbox: what it writes goes to the terminal it was started "
                           "from",
                           workload->identity->name);
  g_object_unref (task);
}

const OcRuntimeOps oc_runtime_native = { "native", leave, has_port, stop, logs };
