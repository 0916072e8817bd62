/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Attaching a native sandbox. Nothing is changed before every check has
 * passed; then each step is undone when a later one fails:
 *
 *   address → lease in the firewall → veth and port → table → state file
 *
 * The caller lets the sandbox run only after all of it, so its first packet
 * already meets its lease and its name.
 */
#include "config.h"

#include "workload/oc-workload-name.h"
#include "workload/oc-workload-private.h"
#include "workload/oc-workload-process.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#define PORT_RANDOM_BYTES 5
#define COMMAND_SHOWN_MAX 1024

/* Returns: NULL with @error. (transfer full) */
static char *
choose_name (OcWorkloads *workloads, const OcNativeRequest *request, GError **error)
{
  if (request->name == NULL)
    return oc_workload_name_make (request->command, oc_workloads_name_is_taken, workloads);
  if (!oc_workload_name_is_valid (request->name))
    {
      (void) oc_workload_name_refuse (error);
      return NULL;
    }
  if (oc_workloads_name_is_taken (request->name, workloads))
    return oc_throw_code_null (error, G_IO_ERROR_EXISTS, "a workload named '%s' is running",
                               request->name);
  return g_strdup (request->name);
}

static gboolean
check_text (const char *what, const char *text, GError **error)
{
  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "%s is not UTF-8", what);
  return TRUE;
}

/* Address and names of the new port; the address is the caller's to release. */
static gboolean
make_lease (OcNetwork *network, OcLease *out, GError **error)
{
  char hex[2 * PORT_RANDOM_BYTES + 1];

  if (!oc_workload_make_random_hex (PORT_RANDOM_BYTES, hex, error)
      || !oc_workload_make_lease (network, out, error))
    return FALSE;
  g_snprintf (out->port, sizeof out->port, "oc%s", hex);
  return TRUE;
}

static void
undo_attach (OcWorkloads *workloads, OcNetwork *network, const OcLease *lease)
{
  g_autoptr (GError) error = NULL;

  if (!oc_network_detach (network, lease->port, &error))
    g_warning ("port %s after a failed attach: %s", lease->port, error->message);
  oc_workload_undo_lease (workloads, network, lease);
}

/* Puts @lease into the kernel, all or nothing. */
static gboolean
enter_kernel (OcWorkloads *workloads, OcNetwork *network, const OcLease *lease, int netns_fd,
              GError **error)
{
  if (!oc_firewall_add_lease (workloads->firewall, lease, error))
    {
      oc_network_release (network, &lease->address);
      return FALSE;
    }
  if (!oc_network_attach (network, netns_fd, lease->port, lease->mac, &lease->address, error))
    {
      undo_attach (workloads, network, lease);
      return FALSE;
    }
  return TRUE;
}

static OcWorkload *
attach_checked (OcWorkloads *workloads, const OcNativeRequest *request, const char *name,
                OcSandboxProcess *process, GError **error)
{
  OcNetwork *network = oc_networks_get_default (workloads->networks);
  g_autofree char *command = g_strndup (request->command != NULL ? request->command : "",
                                        COMMAND_SHOWN_MAX);
  g_autofree char *shown = g_utf8_make_valid (command, -1); /* may be cut inside a character */
  char id[2 * OC_WORKLOAD_ID_BYTES + 1];
  OcLease lease = { 0 };
  OcWorkloadSeed seed = { .name = name, .id = id, .project = request->project, .command = shown,
                          .network = network, .lease = &lease, .pid = process->pid,
                          .uid = process->uid, .start_ticks = process->start_ticks,
                          .netns_inode = process->netns_inode,
                          .started_us = g_get_real_time (),
                          .learning = request->learning };
  OcWorkload *workload;

  if (!oc_workload_make_random_hex (OC_WORKLOAD_ID_BYTES, id, error) || !make_lease (network, &lease, error)
      || !enter_kernel (workloads, network, &lease, process->netns_fd, error))
    return NULL;
  workload = oc_workload_new (workloads, &seed, oc_fd_steal (&process->pidfd));
  if (!oc_workloads_enter (workloads, workload, error))
    {
      undo_attach (workloads, network, &lease);
      oc_workload_free (workload);
      return NULL;
    }
  return workload;
}

OcWorkload *
oc_workloads_attach_native (OcWorkloads *workloads, const OcPeer *peer,
                            const OcNativeRequest *request, GError **error)
{
  g_auto (OcSandboxProcess) process = OC_SANDBOX_PROCESS_INIT;
  g_autofree char *name = NULL;
  OcWorkload *workload;

  if (!check_text ("project", request->project, error)
      || !check_text ("command", request->command, error))
    return NULL;
  name = choose_name (workloads, request, error);
  if (name == NULL || !oc_sandbox_process_open (request->pid, &process, error)
      || !oc_sandbox_process_check_owner (&process, peer, error))
    return NULL;
  if (oc_workloads_netns_is_taken (workloads, process.netns_inode))
    return oc_throw_code_null (error, G_IO_ERROR_EXISTS,
                               "the network namespace of process %d is attached already",
                               (int) request->pid);
  if (!oc_sandbox_process_check_fresh (&process, error))
    return NULL;
  workload = attach_checked (workloads, request, name, &process, error);
  if (workload != NULL)
    oc_workloads_tell (workload, TRUE);
  return workload;
}
