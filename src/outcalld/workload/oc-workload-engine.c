/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Containers as workloads: the engine's events, and what can be done with one
 * that is there. Only containers with the label are touched, by their id.
 */
#include "config.h"

#include "workload/oc-workload-private.h"

#include "common/oc-error.h"

#include <string.h>

/* --- The kernel's part ------------------------------------------------------------ */

/* The port is the engine's and goes with the container's namespace. */
static gboolean
leave (OcWorkload *workload, GError **error)
{
  return oc_firewall_remove_lease (workload->owner->firewall, &workload->lease, error);
}

static gboolean
has_port (OcNetwork *network, const OcLease *lease, int netns_fd)
{
  OcForeignPort port;

  return oc_network_find_port (network, netns_fd, &port, NULL)
         && strcmp (port.name, lease->port) == 0
         && memcmp (port.mac, lease->mac, sizeof port.mac) == 0;
}

/* --- Stop and logs ------------------------------------------------------------------ */

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (oc_engine_finish (result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
stop (OcWorkload *workload, guint timeout_s, GTask *task)
{
  OcContainers *containers = workload->owner->containers;
  GError *error = NULL;

  if (containers != NULL && oc_engine_is_connected (containers->engine))
    {
      oc_engine_stop_async (containers->engine, workload->identity->id, timeout_s, on_stopped,
                            task);
      return;
    }
  /* Without the engine the kernel can still end it. */
  if (oc_workload_signal (workload, timeout_s, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static void
on_logs (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  char *text = oc_engine_logs_finish (result, &error);

  if (text != NULL)
    g_task_return_pointer (task, text, g_free);
  else
    g_task_return_error (task, error);
}

static void
logs (OcWorkload *workload, guint tail, GTask *task)
{
  GError *error = NULL;
  OcContainers *containers = oc_containers_require (workload->owner, &error);

  if (containers != NULL)
    oc_engine_logs_async (containers->engine, workload->identity->id, tail, on_logs, task);
  else
    {
      g_task_return_error (task, error);
      g_object_unref (task);
    }
}

const OcRuntimeOps oc_runtime_engine = { "engine", leave, has_port, stop, logs };

/* --- Life ---------------------------------------------------------------------------- */

static void
on_event (OcEngineEvent event, const char *id, gpointer user_data)
{
  OcContainers *containers = user_data;

  switch (event)
    {
    case OC_ENGINE_CONNECTED:
      oc_containers_resync (containers);
      break;
    case OC_ENGINE_CONTAINER_STARTED:
      oc_containers_look_at (containers, id);
      break;
    case OC_ENGINE_NETWORKS_CHANGED:
      if (id == NULL)
        oc_containers_resync (containers);
      else
        oc_containers_look_at (containers, id);
      break;
    case OC_ENGINE_CONTAINER_GONE: /* the kernel says so, and earlier */
    case OC_ENGINE_LOST:           /* what runs, runs on */
    default:
      break;
    }
}

static char **
list_protected (const OcWorkloadEngineOptions *options)
{
  const char *const paths[] = { options->host_socket, options->state_dir, options->rules_dir,
                                options->socket };
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    if (paths[i] != NULL)
      g_ptr_array_add (list, g_canonicalize_filename (paths[i], NULL));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

OcContainers *
oc_containers_new (OcWorkloads *workloads, const OcWorkloadEngineOptions *options)
{
  OcContainers *containers = g_new0 (OcContainers, 1);

  containers->workloads = workloads;
  containers->options = (OcWorkloadEngineOptions) {
    .agent_socket = g_strdup (options->agent_socket),
    .shim = g_strdup (options->shim),
    .proxy_port = options->proxy_port,
    .trusts_ca = options->trusts_ca,
  };
  containers->protected_paths = list_protected (options);
  containers->adopting = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (options->log != NULL)
    containers->producer = oc_log_add_producer (options->log);
  containers->engine = oc_engine_new (options->socket, on_event, containers);
  return containers;
}

void
oc_containers_free (OcContainers *containers)
{
  if (containers == NULL)
    return;
  oc_engine_free (containers->engine);
  oc_log_producer_free (containers->producer);
  g_hash_table_unref (containers->adopting);
  g_strfreev (containers->protected_paths);
  g_free ((char *) containers->options.agent_socket);
  g_free ((char *) containers->options.shim);
  g_free (containers);
}

void
oc_workloads_use_engine (OcWorkloads *workloads, const OcWorkloadEngineOptions *options)
{
  g_return_if_fail (workloads->containers == NULL);
  workloads->containers = oc_containers_new (workloads, options);
}

OcEngine *
oc_workloads_get_engine (OcWorkloads *workloads)
{
  return workloads->containers != NULL ? workloads->containers->engine : NULL;
}

static void
on_network_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *name = user_data;
  g_autoptr (GError) error = NULL;

  if (!oc_engine_finish (result, NULL, &error))
    g_warning ("the container engine keeps network %s: %s", name, error->message);
}

void
oc_workloads_network_destroyed (OcWorkloads *workloads, const char *name)
{
  OcEngine *engine = oc_workloads_get_engine (workloads);

  if (engine != NULL && oc_engine_is_connected (engine))
    oc_engine_remove_network_async (engine, name, on_network_removed, g_strdup (name));
}

OcContainers *
oc_containers_require (OcWorkloads *workloads, GError **error)
{
  if (workloads->containers == NULL)
    return oc_throw_code_null (error, G_IO_ERROR_NOT_INITIALIZED, "no container engine is used");
  if (!oc_engine_is_connected (workloads->containers->engine))
    return oc_throw_code_null (error, G_IO_ERROR_NOT_INITIALIZED, "no container engine: %s",
                               oc_engine_get_description (workloads->containers->engine));
  return workloads->containers;
}

/* --- One container by name ------------------------------------------------------------- */

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const char *name = g_task_get_task_data (task);
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OcContainer) container = NULL;
  GError *error = NULL;

  if (oc_engine_finish (result, &data, &error))
    container = oc_container_from_json (data, &error);
  if (container == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  /* Somebody else's is as good as none. */
  if (container != NULL && g_strcmp0 (container->label_managed, OC_ENGINE_MANAGED_BY) == 0)
    g_task_return_pointer (task, g_steal_pointer (&container), (GDestroyNotify) oc_container_free);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                             "there is no container '%s' of ours", name);
}

void
oc_workloads_inspect_container_async (OcWorkloads *workloads, const char *name,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;
  OcContainers *containers = oc_containers_require (workloads, &error);

  g_task_set_task_data (task, g_strdup (name), g_free);
  if (containers == NULL || *name == '\0' || strchr (name, '/') != NULL)
    {
      if (containers != NULL)
        (void) oc_throw_code (&error, G_IO_ERROR_NOT_FOUND, "there is no container '%s' of ours",
                              name);
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  oc_engine_inspect_async (containers->engine, name, on_inspected, task);
}

OcContainer *
oc_workloads_inspect_container_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Stop and logs of whatever it is -------------------------------------------------------- */

typedef struct
{
  OcWorkloads *workloads;
  guint timeout_s;
  guint tail;
  gboolean for_logs;
} Operation;

/* Not among the living: a container that is not running. */
static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Operation *operation = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (OcContainer) container = oc_workloads_inspect_container_finish (result, &error);
  OcContainers *containers = operation->workloads->containers;

  if (container == NULL)
    g_task_return_error (task, error);
  else if (operation->for_logs)
    {
      oc_engine_logs_async (containers->engine, container->id, operation->tail, on_logs, task);
      return;
    }
  else if (container->running) /* and without a lease, but ours */
    {
      oc_engine_stop_async (containers->engine, container->id, operation->timeout_s, on_stopped,
                            task);
      return;
    }
  else
    g_task_return_boolean (task, FALSE);
  g_object_unref (task);
}

static GTask *
begin (OcWorkloads *workloads, const Operation *operation, GAsyncReadyCallback callback,
       gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, g_memdup2 (operation, sizeof *operation), g_free);
  return task;
}

/* "There is no workload" is the truth where no engine could know better. */
static void
look_further (OcWorkloads *workloads, const char *name, GTask *task)
{
  if (workloads->containers != NULL)
    {
      oc_workloads_inspect_container_async (workloads, name, on_found, task);
      return;
    }
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no workload '%s'",
                           name);
  g_object_unref (task);
}

void
oc_workloads_stop_async (OcWorkloads *workloads, const char *name, guint timeout_s,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  const Operation operation = { .workloads = workloads, .timeout_s = timeout_s };
  GTask *task = begin (workloads, &operation, callback, user_data);
  OcWorkload *workload = oc_workloads_lookup (workloads, name);

  if (workload != NULL)
    workload->ops->stop (workload, timeout_s, task);
  else
    look_further (workloads, name, task);
}

gboolean
oc_workloads_stop_finish (GAsyncResult *result, gboolean *out_stopped, GError **error)
{
  GError *local = NULL;
  gboolean stopped = g_task_propagate_boolean (G_TASK (result), &local);

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (out_stopped != NULL)
    *out_stopped = stopped;
  return TRUE;
}

void
oc_workloads_logs_async (OcWorkloads *workloads, const char *name, guint tail,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  const Operation operation = { .workloads = workloads, .tail = tail, .for_logs = TRUE };
  GTask *task = begin (workloads, &operation, callback, user_data);
  OcWorkload *workload = oc_workloads_lookup (workloads, name);

  if (workload != NULL)
    workload->ops->logs (workload, tail, task);
  else
    look_further (workloads, name, task);
}

char *
oc_workloads_logs_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Remove ------------------------------------------------------------------------------- */

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gboolean removed = oc_engine_finish (result, NULL, &error);

  if (!removed && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  g_task_return_boolean (task, removed);
}

static void
on_found_for_removal (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Operation *operation = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (OcContainer) container = oc_workloads_inspect_container_finish (result, &error);

  if (container != NULL)
    {
      oc_engine_remove_async (operation->workloads->containers->engine, container->id, on_removed,
                              task);
      return;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_clear_error (&error);
      g_task_return_boolean (task, FALSE);
    }
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

void
oc_workloads_remove_container_async (OcWorkloads *workloads, const char *name,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  const Operation operation = { .workloads = workloads };
  GTask *task = begin (workloads, &operation, callback, user_data);

  oc_workloads_inspect_container_async (workloads, name, on_found_for_removal, task);
}

gboolean
oc_workloads_remove_container_finish (GAsyncResult *result, gboolean *out_removed, GError **error)
{
  return oc_workloads_stop_finish (result, out_removed, error);
}

/* --- All of them ----------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *containers;
  guint left; /* inspections that have not answered */
} List;

static void
list_free (gpointer data)
{
  List *list = data;

  g_clear_pointer (&list->containers, g_ptr_array_unref);
  g_free (list);
}

static void
list_done (GTask *task)
{
  List *list = g_task_get_task_data (task);

  if (--list->left > 0)
    return;
  g_task_return_pointer (task, g_steal_pointer (&list->containers),
                         (GDestroyNotify) g_ptr_array_unref);
  g_object_unref (task);
}

static void
on_listed_one (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  List *list = g_task_get_task_data (task);
  g_autoptr (JsonNode) data = NULL;
  OcContainer *container = NULL;

  /* One that went in between is not there. */
  if (oc_engine_finish (result, &data, NULL))
    container = oc_container_from_json (data, NULL);
  if (container != NULL)
    g_ptr_array_add (list->containers, container);
  list_done (task);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  List *list = g_task_get_task_data (task);
  OcEngine *engine = g_object_get_data (G_OBJECT (task), "engine");
  g_autoptr (GPtrArray) ids = NULL;
  GError *error = NULL;

  ids = oc_engine_list_finish (result, &error);
  if (ids == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  list->left = ids->len + 1;
  for (guint i = 0; i < ids->len; i++)
    oc_engine_inspect_async (engine, ids->pdata[i], on_listed_one, task);
  list_done (task);
}

void
oc_workloads_list_containers_async (OcWorkloads *workloads, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  List *list = g_new0 (List, 1);
  GError *error = NULL;
  OcContainers *containers = oc_containers_require (workloads, &error);

  list->containers = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_container_free);
  g_task_set_task_data (task, list, list_free);
  if (containers == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  g_object_set_data (G_OBJECT (task), "engine", containers->engine);
  oc_engine_list_async (containers->engine, on_listed, task);
}

GPtrArray *
oc_workloads_list_containers_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
