/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * An entry is alive from oc_workloads_insert() until its pidfd becomes
 * readable. Then it leaves the tables and the data plane at once, and what the
 * kernel holds of it (port, lease, grants, flows) is removed; a failure there
 * is tried again, and the address is not given away before it succeeded.
 */
#include "config.h"

#include "workload/oc-workload-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-process.h"
#include "common/oc-source.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#define RETRY_MS 1000

/* --- Entries ----------------------------------------------------------------- */

const OcRuntimeOps *
oc_runtime_get_ops (OcRuntime runtime)
{
  return runtime == OC_RUNTIME_ENGINE ? &oc_runtime_engine : &oc_runtime_native;
}

static gboolean
slot_is_taken (OcWorkloads *workloads, guint32 slot)
{
  GHashTableIter iter;
  gpointer workload;

  for (guint i = 0; i < workloads->starting->len; i++)
    {
      const OcStarting *starting = workloads->starting->pdata[i];

      if (starting->identity != NULL && starting->identity->slot == slot)
        return TRUE;
    }

  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    if (((OcWorkload *) workload)->identity->slot == slot)
      return TRUE;
  return FALSE;
}

static guint32
find_slot (OcWorkloads *workloads)
{
  guint32 slot = 0;

  while (slot_is_taken (workloads, slot))
    slot++;
  return slot;
}

OcIdentity *
oc_workloads_make_identity (OcWorkloads *workloads, const OcWorkloadSeed *seed)
{
  OcAddress gateway = oc_network_get_gateway (seed->network);

  OcIdentity *identity
      = oc_identity_new (seed->name, seed->id, seed->image, seed->project, &seed->lease->address,
                         &gateway, find_slot (workloads));

  identity->learning = seed->learning;
  return identity;
}

OcWorkload *
oc_workload_new (OcWorkloads *owner, const OcWorkloadSeed *seed, int pidfd)
{
  OcWorkload *workload = g_new0 (OcWorkload, 1);

  workload->owner = owner;
  workload->ops = oc_runtime_get_ops (seed->runtime);
  workload->identity = seed->identity != NULL ? oc_identity_ref (seed->identity)
                                              : oc_workloads_make_identity (owner, seed);
  workload->runtime = seed->runtime;
  workload->network = seed->network;
  workload->lease = *seed->lease;
  workload->command = g_strdup (seed->command != NULL ? seed->command : "");
  workload->pid = seed->pid;
  workload->pidfd = pidfd;
  workload->uid = seed->uid;
  workload->start_ticks = seed->start_ticks;
  workload->netns_inode = seed->netns_inode;
  workload->started_us = seed->started_us;
  return workload;
}

void
oc_workload_free (OcWorkload *workload)
{
  if (workload == NULL)
    return;
  oc_source_clear (&workload->end_watch);
  oc_source_clear (&workload->kill_timer);
  oc_source_clear (&workload->retry_timer);
  oc_fd_clear (&workload->pidfd);
  oc_identity_unref (workload->identity);
  g_free (workload->command);
  g_free (workload);
}

/* --- The end ------------------------------------------------------------------ */

static gboolean
remove_from_kernel (OcWorkload *workload, GError **error)
{
  if (!workload->ops->leave (workload, error))
    return FALSE;
  oc_network_release (workload->network, &workload->lease.address);
  return TRUE;
}

static gboolean
on_retry (gpointer user_data)
{
  OcWorkload *workload = user_data;
  OcWorkloads *workloads = workload->owner;

  if (!remove_from_kernel (workload, NULL))
    return G_SOURCE_CONTINUE;
  g_ptr_array_remove_fast (workloads->ended, workload); /* frees it */
  (void) oc_workload_state_save (workloads, NULL); /* else its address rests for longer */
  return G_SOURCE_REMOVE;
}

static void
retry_later (OcWorkload *workload)
{
  workload->retry_timer = g_timeout_source_new (RETRY_MS);
  g_source_set_static_name (workload->retry_timer, "workload clean-up");
  g_source_set_callback (workload->retry_timer, on_retry, workload, NULL);
  g_source_attach (workload->retry_timer, NULL);
}

void
oc_workloads_tell (OcWorkload *workload, gboolean alive)
{
  OcWorkloads *workloads = workload->owner;

  for (guint i = 0; i < workloads->listeners->len; i++)
    {
      const OcWorkloadListener *listener
          = &g_array_index (workloads->listeners, OcWorkloadListener, i);

      listener->func (workload, alive, listener->user_data);
    }
}

void
oc_workload_end (OcWorkload *workload)
{
  OcWorkloads *workloads = workload->owner;
  g_autoptr (GError) error = NULL;

  oc_workloads_forget (workloads, workload);
  oc_workloads_publish (workloads);
  if (!remove_from_kernel (workload, &error))
    {
      g_warning ("workload %s has ended, but: %s; trying again", workload->identity->name,
                 error->message);
      g_clear_error (&error);
      retry_later (workload);
    }
  if (workload->retry_timer != NULL)
    g_ptr_array_add (workloads->ended, workload);
  /* The entry of a dead process is dropped at restore, so this may fail. */
  if (!oc_workload_state_save (workloads, &error))
    g_warning ("workload state: %s", error->message);
  oc_workloads_tell (workload, FALSE);
  if (workload->retry_timer == NULL)
    oc_workload_free (workload);
}

static gboolean
on_end (int fd, GIOCondition condition, gpointer user_data)
{
  oc_workload_end (user_data);
  return G_SOURCE_REMOVE;
}

/* --- The tables ----------------------------------------------------------------- */

void
oc_workloads_insert (OcWorkloads *workloads, OcWorkload *workload)
{
  g_hash_table_insert (workloads->by_name, workload->identity->name, workload);
  g_hash_table_insert (workloads->by_netns, &workload->netns_inode, workload);
  workload->end_watch = g_unix_fd_source_new (workload->pidfd, G_IO_IN);
  g_source_set_static_name (workload->end_watch, "workload end");
  g_source_set_callback (workload->end_watch, G_SOURCE_FUNC (on_end), workload, NULL);
  g_source_attach (workload->end_watch, NULL);
}

void
oc_workloads_forget (OcWorkloads *workloads, OcWorkload *workload)
{
  oc_source_clear (&workload->end_watch);
  oc_source_clear (&workload->kill_timer);
  g_hash_table_steal (workloads->by_name, workload->identity->name);
  g_hash_table_remove (workloads->by_netns, &workload->netns_inode);
}

gboolean
oc_workloads_enter (OcWorkloads *workloads, OcWorkload *workload, GError **error)
{
  oc_workloads_insert (workloads, workload);
  if (!oc_workload_state_save (workloads, error))
    {
      oc_workloads_forget (workloads, workload);
      return FALSE;
    }
  oc_workloads_publish (workloads);
  return TRUE;
}

void
oc_workloads_publish (OcWorkloads *workloads)
{
  g_autoptr (GPtrArray) identities = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer workload;

  for (guint i = 0; i < workloads->starting->len; i++)
    {
      const OcStarting *starting = workloads->starting->pdata[i];

      if (starting->identity != NULL)
        g_ptr_array_add (identities, starting->identity);
    }

  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    g_ptr_array_add (identities, ((OcWorkload *) workload)->identity);
  oc_snapshot_hub_set_identities (workloads->hub, identities);
}

OcWorkloads *
oc_workloads_new (const char *state_dir, OcNetworks *networks, OcFirewall *firewall,
                  OcSnapshotHub *hub, GError **error)
{
  oc_autofd int fd = -1;
  OcWorkloads *workloads;

  if (g_mkdir_with_parents (state_dir, 0700) < 0)
    return oc_throw_errno_null (error, "create state directory %s", state_dir);
  fd = open (state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return oc_throw_errno_null (error, "open state directory %s", state_dir);
  workloads = g_new0 (OcWorkloads, 1);
  workloads->state_dir_fd = oc_fd_steal (&fd);
  workloads->networks = networks;
  workloads->firewall = firewall;
  workloads->hub = hub;
  workloads->by_name
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) oc_workload_free);
  workloads->by_netns = g_hash_table_new (g_int64_hash, g_int64_equal);
  workloads->ended = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_workload_free);
  workloads->starting = g_ptr_array_new ();
  workloads->listeners = g_array_new (FALSE, FALSE, sizeof (OcWorkloadListener));
  return workloads;
}

void
oc_workloads_free (OcWorkloads *workloads)
{
  if (workloads == NULL)
    return;
  oc_containers_free (workloads->containers);
  g_hash_table_unref (workloads->by_netns);
  g_hash_table_unref (workloads->by_name);
  g_array_unref (workloads->listeners);
  g_ptr_array_unref (workloads->ended);
  g_ptr_array_unref (workloads->starting);
  oc_fd_clear (&workloads->state_dir_fd);
  g_free (workloads);
}

OcWorkload *
oc_workloads_lookup (OcWorkloads *workloads, const char *name)
{
  return g_hash_table_lookup (workloads->by_name, name);
}

OcWorkload *
oc_workloads_lookup_netns (OcWorkloads *workloads, guint64 netns_inode)
{
  OcWorkload *workload = g_hash_table_lookup (workloads->by_netns, &netns_inode);

  return workload != NULL && oc_pidfd_is_alive (workload->pidfd) ? workload : NULL;
}

OcWorkload *
oc_workloads_lookup_container (OcWorkloads *workloads, const char *id)
{
  GHashTableIter iter;
  gpointer workload;

  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    if (strcmp (((OcWorkload *) workload)->identity->id, id) == 0)
      return workload;
  return NULL;
}

gboolean
oc_workloads_use_network (OcWorkloads *workloads, OcNetwork *network)
{
  GHashTableIter iter;
  gpointer workload;

  for (guint i = 0; i < workloads->starting->len; i++)
    if (((OcStarting *) workloads->starting->pdata[i])->network == network)
      return TRUE;
  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    if (((OcWorkload *) workload)->network == network)
      return TRUE;
  return FALSE;
}

/* The end of a process and a request that came right after it wait for the main loop together,
 * in any order. @workload: (nullable). Returns: whether it is alive. */
static gboolean
is_alive (OcWorkload *workload)
{
  if (workload == NULL || oc_pidfd_is_alive (workload->pidfd))
    return workload != NULL;
  oc_workload_end (workload);
  return FALSE;
}

gboolean
oc_workloads_netns_is_taken (OcWorkloads *workloads, guint64 netns_inode)
{
  return is_alive (g_hash_table_lookup (workloads->by_netns, &netns_inode));
}

gboolean
oc_workloads_name_is_taken (const char *name, gpointer user_data)
{
  OcWorkloads *workloads = user_data;

  for (guint i = 0; i < workloads->starting->len; i++)
    if (strcmp (((OcStarting *) workloads->starting->pdata[i])->name, name) == 0)
      return TRUE;
  return is_alive (oc_workloads_lookup (workloads, name));
}

static int
compare_started (gconstpointer a, gconstpointer b)
{
  const OcWorkload *first = *(OcWorkload *const *) a;
  const OcWorkload *second = *(OcWorkload *const *) b;

  return (first->started_us > second->started_us) - (first->started_us < second->started_us);
}

GPtrArray *
oc_workloads_list (OcWorkloads *workloads)
{
  GPtrArray *list = g_ptr_array_sized_new (g_hash_table_size (workloads->by_name));
  GHashTableIter iter;
  gpointer workload;

  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    g_ptr_array_add (list, workload);
  g_ptr_array_sort (list, compare_started);
  return list;
}

void
oc_workloads_add_listener (OcWorkloads *workloads, OcWorkloadFunc func, gpointer user_data)
{
  const OcWorkloadListener listener = { func, user_data };

  g_array_append_val (workloads->listeners, listener);
}

void
oc_workloads_remove_listener (OcWorkloads *workloads, gpointer user_data)
{
  for (guint i = workloads->listeners->len; i > 0; i--)
    if (g_array_index (workloads->listeners, OcWorkloadListener, i - 1).user_data == user_data)
      g_array_remove_index (workloads->listeners, i - 1);
}

/* --- Stop -------------------------------------------------------------------------- */

static gboolean
on_kill_timer (gpointer user_data)
{
  OcWorkload *workload = user_data;

  /* Ends the pid namespace with everything in it. ESRCH: it was faster. */
  (void) oc_pidfd_send_signal (workload->pidfd, SIGKILL);
  oc_source_clear (&workload->kill_timer);
  return G_SOURCE_REMOVE;
}

gboolean
oc_workload_signal (OcWorkload *workload, guint timeout_s, GError **error)
{
  /* The first process is the init of its pid namespace, which the kernel
   * shields from signals without a handler; the command is its child. */
  (void) oc_process_signal_children (workload->pid, SIGTERM);
  if (oc_pidfd_send_signal (workload->pidfd, SIGTERM) < 0 && errno != ESRCH)
    return oc_throw_errno (error, "stop workload '%s'", workload->identity->name);
  if (workload->kill_timer != NULL)
    return TRUE;
  workload->kill_timer = g_timeout_source_new_seconds (timeout_s);
  g_source_set_static_name (workload->kill_timer, "workload kill");
  g_source_set_callback (workload->kill_timer, on_kill_timer, workload, NULL);
  g_source_attach (workload->kill_timer, NULL);
  return TRUE;
}

/* --- Accessors ---------------------------------------------------------------------- */

OcIdentity *
oc_workload_get_identity (OcWorkload *workload)
{
  return workload->identity;
}

OcRuntime
oc_workload_get_runtime (OcWorkload *workload)
{
  return workload->runtime;
}

OcNetwork *
oc_workload_get_network (OcWorkload *workload)
{
  return workload->network;
}

const OcLease *
oc_workload_get_lease (OcWorkload *workload)
{
  return &workload->lease;
}

const char *
oc_workload_get_command (OcWorkload *workload)
{
  return workload->command;
}

pid_t
oc_workload_get_pid (OcWorkload *workload)
{
  return workload->pid;
}

uid_t
oc_workload_get_uid (OcWorkload *workload)
{
  return workload->uid;
}

gint64
oc_workload_get_started_us (OcWorkload *workload)
{
  return workload->started_us;
}
