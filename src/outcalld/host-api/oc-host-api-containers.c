/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Containers, and what can be done with workloads of either kind. The engine takes
 * its time, so the answers come later.
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <string.h>

#define TIMEOUT_MAX_S 3600
#define TAIL_MAX 100000

/* --- Containers as JSON -------------------------------------------------------------- */

/* Only the names: the values are the container's business. (transfer full) */
static char **
redact (char **env)
{
  GPtrArray *list = g_ptr_array_new ();

  for (gsize i = 0; env[i] != NULL; i++)
    g_ptr_array_add (list, g_strdup_printf ("%.*s=<redacted>", (int) strcspn (env[i], "="),
                                            env[i]));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static OutcallContainer *
make_container (OcHostApi *api, const OcContainer *c)
{
  OcWorkload *workload = oc_workloads_lookup_container (api->s.workloads, c->id);
  OutcallContainer *out = outcall_container_new ();
  char text[OC_ADDRESS_TEXT_MAX];
  char mac[18];

  out->name = g_strdup (c->name);
  out->id = g_strdup (c->id);
  out->image = g_strdup (c->image);
  out->status = g_strdup (c->status);
  out->confined = workload != NULL;
  out->command = g_strdup (c->command);
  out->network = g_strdup (c->label_network);
  if (workload != NULL)
    {
      const OcLease *lease = oc_workload_get_lease (workload);

      oc_host_api_format_mac (lease->mac, mac);
      g_free (out->network);
      out->network = g_strdup (oc_network_get_name (oc_workload_get_network (workload)));
      out->address = g_strdup (oc_address_format (&lease->address, text, sizeof text));
      out->mac = g_strdup (mac);
      out->pid = (gint32) oc_workload_get_pid (workload);
    }
  out->user = c->user != NULL && *c->user != '\0' ? g_strdup (c->user) : NULL;
  out->project = g_strdup (c->label_project);
  out->created = g_strdup (c->created);
  out->exit_code = c->running ? 0 : c->exit_code;
  out->oom_killed = c->oom_killed;
  out->env = redact (c->env);
  out->n_env = g_strv_length (out->env);
  return out;
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcContainer) container = oc_workloads_inspect_container_finish (result, &error);

  if (oc_host_waiting_note (waiting, error))
    {
      g_autoptr (OutcallContainer) out = make_container (waiting->api, container);

      oc_api_request_reply (waiting->request, 200, outcall_container_to_json (out));
    }
}

void
oc_host_api_get_container (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *name = oc_api_request_get_query (request, "name");

  if (name == NULL)
    oc_api_request_fail (request, 400, NULL, "name must be given");
  else
    oc_workloads_inspect_container_async (api->s.workloads, name, on_inspected,
                                          oc_host_waiting_new (api, request, NULL, name));
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) containers = oc_workloads_list_containers_finish (result, &error);
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_container_free);

  if (!oc_host_waiting_note (waiting, error))
    return;
  for (guint i = 0; i < containers->len; i++)
    g_ptr_array_add (list, make_container (waiting->api, containers->pdata[i]));
  oc_api_request_reply (waiting->request, 200, outcall_container_list_to_json (list));
}

void
oc_host_api_get_containers (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;

  oc_workloads_list_containers_async (api->s.workloads, on_listed,
                                      oc_host_waiting_new (api, request, NULL, NULL));
}

/* --- Create ----------------------------------------------------------------------------- */

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  OcWorkload *workload = oc_workloads_create_container_finish (result, &error);

  if (!oc_host_waiting_note (waiting, error))
    return;
  if (workload != NULL)
    oc_api_request_reply (waiting->request, 200, oc_host_api_workload_to_json (workload));
  else
    oc_api_request_fail (waiting->request, 500, NULL, "the container has ended already");
}

void
oc_host_api_post_container_create (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcApiPeer *peer = oc_api_request_get_peer (request);
  const OcPeer who = { peer->pid, peer->uid, peer->gid };
  g_autoptr (OutcallContainerRequest) asked = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  OcContainerRequest wanted;

  if (body != NULL)
    asked = outcall_container_request_from_json (body, &error);
  if (asked == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  wanted = (OcContainerRequest) {
    .name = asked->name,
    .image = asked->image,
    .command = (const char *const *) asked->command,
    .env = (const char *const *) asked->env,
    .binds = (const char *const *) asked->binds,
    .network = asked->network,
    .working_dir = asked->working_dir,
    .user = asked->user,
    .project = asked->project,
    .memory_bytes = asked->memory,
    .cpu_shares = asked->cpu_shares,
    .pids = asked->pids,
    .no_agent = asked->without_agent,
  };
  oc_workloads_create_container_async (
      api->s.workloads, &who, &wanted, on_created,
      oc_host_waiting_new (api, request, "container.create",
                asked->name != NULL ? asked->name : asked->image));
}

/* --- Stop, remove, logs --------------------------------------------------------------------- */

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  OutcallWorkloadStopped answer = { 0 };
  gboolean stopped = FALSE;

  (void) oc_workloads_stop_finish (result, &stopped, &error);
  answer.stopped = stopped;
  if (oc_host_waiting_note (waiting, error))
    oc_api_request_reply (waiting->request, 200, outcall_workload_stopped_to_json (&answer));
}

void
oc_host_api_post_stop (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallStopRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_stop_request_from_json);
  guint64 timeout_s = OUTCALL_DEFAULT_STOP_TIMEOUT_SECS;

  if (asked == NULL)
    return;
  if (asked->has_timeout_s)
    timeout_s = MIN (asked->timeout_s, TIMEOUT_MAX_S);
  oc_workloads_stop_async (api->s.workloads, asked->name, (guint) timeout_s, on_stopped,
                           oc_host_waiting_new (api, request, "workload.stop", asked->name));
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  OutcallContainerRemoved answer = { 0 };
  gboolean removed = FALSE;

  (void) oc_workloads_remove_container_finish (result, &removed, &error);
  answer.removed = removed;
  if (oc_host_waiting_note (waiting, error))
    oc_api_request_reply (waiting->request, 200, outcall_container_removed_to_json (&answer));
}

void
oc_host_api_post_container_remove (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallNameRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_name_request_from_json);

  if (asked != NULL)
    oc_workloads_remove_container_async (api->s.workloads, asked->name, on_removed,
                                         oc_host_waiting_new (api, request, "container.remove", asked->name));
}

static void
on_logs (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = oc_workloads_logs_finish (result, &error);
  JsonNode *node;

  if (!oc_host_waiting_note (waiting, error))
    return;
  node = json_node_new (JSON_NODE_VALUE);
  json_node_set_string (node, text);
  oc_api_request_reply (waiting->request, 200, node);
}

void
oc_host_api_get_logs (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *name = oc_api_request_get_query (request, "name");
  const char *tail = oc_api_request_get_query (request, "tail");
  guint64 lines = 0;

  if (name == NULL)
    oc_api_request_fail (request, 400, NULL, "name must be given");
  else if (tail != NULL && !g_ascii_string_to_unsigned (tail, 10, 1, TAIL_MAX, &lines, NULL))
    oc_api_request_fail (request, 400, NULL, "tail must be 1 to %d", TAIL_MAX);
  else
    oc_workloads_logs_async (api->s.workloads, name, (guint) lines, on_logs,
                             oc_host_waiting_new (api, request, NULL, name));
}

void
oc_host_api_get_workload (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *name = oc_api_request_get_query (request, "name");
  OcWorkload *workload = name != NULL ? oc_workloads_lookup (api->s.workloads, name) : NULL;

  if (name == NULL)
    oc_api_request_fail (request, 400, NULL, "name must be given");
  else if (workload == NULL)
    oc_api_request_fail (request, 404, NULL, "there is no workload '%s'", name);
  else
    oc_api_request_reply (request, 200, oc_host_api_workload_to_json (workload));
}

/* --- Pull --------------------------------------------------------------------------------- */

static void
send_progress (OcHostWaiting *waiting, const char *event, const char *status, const char *layer,
               guint64 current, guint64 total)
{
  const OutcallPullProgress progress = { .status = (char *) status, .layer = (char *) layer,
                                         .current = current, .total = total };
  g_autoptr (JsonNode) node = outcall_pull_progress_to_json (&progress);
  g_autofree char *text = outcall_json_print (node);

  oc_api_request_send_event (waiting->request, NULL, event, text);
}

/* @failure: (nullable): why it is not done */
static void
end_stream (OcHostWaiting *waiting, const char *failure)
{
  if (waiting->request == NULL)
    return;
  send_progress (waiting, failure != NULL ? "error" : "done", failure != NULL ? failure : "done",
                 NULL, 0, 0);
  oc_api_request_end_stream (g_steal_pointer (&waiting->request));
}

static void
on_progress (const char *status, const char *layer, guint64 current, guint64 total,
             gpointer user_data)
{
  OcHostWaiting *waiting = user_data;

  if (waiting->request != NULL)
    send_progress (waiting, "progress", status, layer, current, total);
}

static void
on_streamed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;

  (void) oc_engine_finish (result, NULL, &error);
  if (waiting->api == NULL)
    return;
  oc_host_waiting_tell_log (waiting, error != NULL ? error->message : NULL);
  end_stream (waiting, error != NULL ? error->message : NULL);
}

static void
on_pulled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  const OutcallPullProgress done = { .status = (char *) "done" };

  (void) oc_engine_finish (result, NULL, &error);
  if (oc_host_waiting_note (waiting, error))
    oc_api_request_reply (waiting->request, 200, outcall_pull_progress_to_json (&done));
}

/* The reader of the stream is gone; the engine goes on pulling. */
static void
on_reader_gone (gpointer user_data)
{
  OcHostWaiting *waiting = user_data;

  waiting->request = NULL;
}

/* With "Accept: text/event-stream", every step is an event, and "done" or "error" the
 * last; else there is one answer at the end. */
void
oc_host_api_post_container_pull (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OcEngine *engine = oc_workloads_get_engine (api->s.workloads);
  const char *accept = oc_api_request_get_header (request, "Accept");
  g_autoptr (OutcallPullRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_pull_request_from_json);
  g_autoptr (GError) error = NULL;
  OcHostWaiting *waiting;

  if (asked == NULL)
    return;
  if (engine == NULL || !oc_engine_is_connected (engine))
    oc_api_request_fail (request, 503, NULL, "no container engine: %s",
                         engine != NULL ? oc_engine_get_description (engine) : "none is used");
  else if (!oc_container_image_is_valid (asked->image, &error))
    oc_api_request_fail_error (request, error);
  else if (g_strcmp0 (accept, "text/event-stream") != 0)
    oc_engine_pull_async (engine, asked->image, NULL, on_pulled,
                          oc_host_waiting_new (api, request, "container.pull", asked->image));
  else
    {
      waiting = oc_host_waiting_new (api, request, "container.pull", asked->image);
      waiting->end_stream = end_stream;
      oc_api_request_start_stream (request, on_reader_gone, waiting);
      oc_engine_pull_async (engine, asked->image, on_progress, on_streamed, waiting);
    }
}
