/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The socket lives in a folder of its own, "agent" beside the known path, which
 * is a link to it: a sandbox is shown the folder, so that it also sees the new
 * socket of a daemon that was started again.
 */
#include "config.h"

#include "agent-api/oc-agent-api-private.h"

#include "common/oc-bundle.h"
#include "common/oc-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_FOLDER "agent"
#define HEAD_MAX 8192
#define REQUEST_TIMEOUT_S 10
#define IDLE_TIMEOUT_S 60
#define CONNECTIONS_MAX 8192
#define CONNECTIONS_PER_WORKLOAD_MAX 256

/* --- Who calls ----------------------------------------------------------------------- */

/* Returns: NULL after the request was answered. */
static OcWorkload *
require_workload (OcAgentApi *api, OcApiRequest *request)
{
  OcWorkload *workload = oc_agent_identify (api->workloads, oc_api_request_get_peer (request));

  if (workload == NULL)
    oc_api_request_fail (request, 403, NULL, "the caller is not in a workload of this host");
  return workload;
}

OcAgentSession *
oc_agent_require_session (OcAgentApi *api, OcApiRequest *request, OcWorkload **out_workload)
{
  OcWorkload *workload = require_workload (api, request);
  OcAgentSession *session;
  const char *header;

  if (workload == NULL)
    return NULL;
  header = oc_api_request_get_header (request, "Authorization");
  session = oc_agent_sessions_lookup (api->sessions, oc_workload_get_identity (workload)->id);
  if (session == NULL || header == NULL || g_ascii_strncasecmp (header, "Bearer ", 7) != 0
      || !oc_agent_session_is_token (session, header + 7))
    {
      oc_api_request_fail (request, 401, NULL, "check in first: this token is not the caller's");
      return NULL;
    }
  *out_workload = workload;
  return session;
}

/* --- Routes ------------------------------------------------------------------------- */

static void
on_checkin (OcApiRequest *request, gpointer user_data)
{
  static const char *const keys[]
      = { "run.tool",     "run.args", "run.flags",  "run.cwd",     "run.context", "network.hostname",
          "network.port", "network.ip", "network.protocol", "http.host", "http.path", "http.scheme",
          "agent.name",   "agent.id", "agent.image", "agent.project", "request.time" };
  OcAgentApi *api = user_data;
  OcWorkload *workload = require_workload (api, request);
  g_autoptr (GError) error = NULL;
  OcAgentSession *session;
  OutcallAgentCheckin answer;

  if (workload == NULL)
    return;
  if (g_bytes_get_size (oc_api_request_get_body (request)) > 0)
    {
      oc_api_request_fail (request, 400, NULL, "a check-in has no body");
      return;
    }
  session = oc_agent_sessions_ensure (api->sessions, oc_workload_get_identity (workload)->id,
                                      &error);
  if (session == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  answer = (OutcallAgentCheckin) { .container_id = oc_workload_get_identity (workload)->id,
                                   .session_token = (char *) oc_agent_session_get_token (session),
                                   .context_keys = (char **) keys,
                                   .n_context_keys = G_N_ELEMENTS (keys) };
  oc_api_request_reply (request, 200, outcall_agent_checkin_to_json (&answer));
}

static void
on_whoami (OcApiRequest *request, gpointer user_data)
{
  OcAgentApi *api = user_data;
  OcWorkload *workload = require_workload (api, request);
  const OcIdentity *identity;
  OcAgentSession *session;
  OutcallWhoami answer;

  if (workload == NULL)
    return;
  identity = oc_workload_get_identity (workload);
  session = oc_agent_sessions_lookup (api->sessions, identity->id);
  answer = (OutcallWhoami) { .name = identity->name,
                             .id = identity->id,
                             .agent = identity->agent_name,
                             .has_session_age_s = session != NULL };
  if (session != NULL)
    answer.session_age_s = (guint64) oc_agent_session_get_age_s (session);
  oc_api_request_reply (request, 200, outcall_whoami_to_json (&answer));
}

static void
on_heartbeat (OcApiRequest *request, gpointer user_data)
{
  OcWorkload *workload;

  if (oc_agent_require_session (user_data, request, &workload) != NULL)
    oc_api_request_reply_empty (request, 204);
}

/* --- Permission checks ---------------------------------------------------------------- */

/* What of a target may be logged: a command's first word, for its rest may hold secrets. */
static OcStr
make_logged_path (const OutcallPermissionCheck *check, const OcAgentQuestion *question)
{
  switch (check->action_type)
    {
    case OUTCALL_ACTION_TYPE_NETWORK_CALL:
      return question->context.http.path;
    case OUTCALL_ACTION_TYPE_SHELL_EXEC:
      return oc_str (check->target, strcspn (check->target, " \t\n"));
    default:
      return oc_str_from (check->target);
    }
}

/* A string of the metadata, empty when there is none. */
static OcStr
get_metadata (const OutcallPermissionCheck *check, const char *name)
{
  JsonNode *node = check->metadata != NULL
                       ? json_object_get_member (json_node_get_object (check->metadata), name)
                       : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return OC_STR_EMPTY;
  return oc_str_from (json_node_get_string (node));
}

static void
log_verdict (OcAgentApi *api, const OutcallPermissionCheck *check, const OcAgentQuestion *question,
             const OcIdentity *identity, const OutcallVerdict *verdict, gint64 begin_us)
{
  const OcDecision decision
      = { .layer = OC_LAYER_AGENT,
          .allowed = verdict->allowed,
          .workload = oc_str_from (identity->name),
          .agent = oc_str_from (identity->agent_name),
          .host = question->context.network.hostname,
          .address = question->host.address,
          .port = (guint16) question->context.network.port,
          .method = oc_str_from (outcall_action_type_to_string (check->action_type)),
          .path = make_logged_path (check, question),
          .rule = oc_str_from (verdict->matched_rule),
          .reason = oc_str_from (verdict->reason),
          .duration_us = g_get_monotonic_time () - begin_us,
          .session = get_metadata (check, "session_id"),
          .tool_use = get_metadata (check, "tool_use_id") };

  oc_log_push (api->producer, &decision);
}

static void
judge (OcAgentApi *api, OcApiRequest *request, const OutcallPermissionCheck *check,
       OcWorkload *workload)
{
  const OcIdentity *identity = oc_workload_get_identity (workload);
  gint64 begin_us = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  OcAgentQuestion question = { .owned = NULL };
  OcPolicyVerdict verdict;
  OutcallVerdict answer;
  gboolean in_time;

  if (!oc_agent_question_init (&question, check, identity, &error))
    {
      oc_agent_question_clear (&question);
      oc_api_request_fail_error (request, error);
      return;
    }
  in_time = oc_policy_evaluate_until (oc_rules_get_policy (api->rules), &question.context,
                                      begin_us + api->timeout_us, &verdict);
  answer = (OutcallVerdict) { .allowed = verdict.allowed };
  if (!in_time)
    answer.reason = (char *) "evaluation timeout";
  else if (verdict.rule != NULL)
    {
      answer.matched_rule = (char *) verdict.rule->id;
      answer.reason = (char *) verdict.rule->reason;
    }
  else
    answer.reason = (char *) "no rule allows it";
  log_verdict (api, check, &question, identity, &answer, begin_us);
  oc_agent_question_clear (&question);
  oc_api_request_reply (request, 200, outcall_verdict_to_json (&answer));
}

static void
on_check (OcApiRequest *request, gpointer user_data)
{
  OcAgentApi *api = user_data;
  g_autoptr (OutcallPermissionCheck) check = NULL;
  g_autoptr (GError) error = NULL;
  OcWorkload *workload;
  OcAgentSession *session = oc_agent_require_session (api, request, &workload);
  JsonNode *body;

  if (session == NULL || !oc_agent_session_admit (session, OC_AGENT_CHECK, request))
    return;
  body = oc_api_request_get_json (request, &error);
  check = body != NULL ? outcall_permission_check_from_json (body, &error) : NULL;
  if (check == NULL)
    oc_api_request_fail_error (request, error);
  else
    judge (api, request, check, workload);
}

/* --- The server ------------------------------------------------------------------------- */

static gboolean
authorize (const OcApiPeer *peer, gpointer user_data)
{
  OcAgentApi *api = user_data;

  return oc_agent_identify (api->workloads, peer) != NULL;
}

/* Namespaces that are no workload's, which a workload can make any number of, count as one. */
static guint64
get_key (const OcApiPeer *peer, gpointer user_data)
{
  OcAgentApi *api = user_data;
  guint64 inode = oc_agent_read_netns (peer);

  return inode != 0 && oc_workloads_lookup_netns (api->workloads, inode) != NULL ? inode : 0;
}

static const OcApiRoute routes[] = {
  { "POST", "/v1/checkin", on_checkin },
  { "POST", "/v1/heartbeat", on_heartbeat },
  { "POST", "/v1/permissions/check", on_check },
  { "POST", "/v1/requests/rules", oc_agent_post_request },
  { "GET", "/v1/requests/rules/{id}", oc_agent_get_request },
  { "GET", "/v1/whoami", on_whoami },
};

/* Its token and its counts go with it, also when nobody checks in any more. */
static void
on_workload (OcWorkload *workload, gboolean alive, gpointer user_data)
{
  OcAgentApi *api = user_data;

  if (!alive)
    oc_agent_sessions_forget (api->sessions, oc_workload_get_identity (workload)->id);
}

/* The socket's real path; its folder is made. (transfer full) */
static char *
make_folder (const char *socket_path, GError **error)
{
  g_autofree char *dir = g_path_get_dirname (socket_path);
  g_autofree char *base = g_path_get_basename (socket_path);
  g_autofree char *folder = g_build_filename (dir, SOCKET_FOLDER, NULL);

  /* The umask of a daemon may be narrow; every workload's user must get through. */
  if (g_mkdir (folder, 0755) < 0 && errno != EEXIST)
    return oc_throw_errno_null (error, "create %s", folder);
  if (g_chmod (folder, 0755) < 0)
    return oc_throw_errno_null (error, "%s", folder);
  return g_build_filename (folder, base, NULL);
}

/* Puts the link at the known path, over an old one or a socket of an older daemon. */
static gboolean
make_link (const char *path, GError **error)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *target = g_build_filename (SOCKET_FOLDER, base, NULL);
  g_autofree char *fresh = g_strconcat (path, ".new", NULL);
  struct stat st;

  if (lstat (path, &st) == 0 && !S_ISLNK (st.st_mode) && !S_ISSOCK (st.st_mode))
    return oc_throw (error, "%s is there and is not a socket", path);
  (void) unlink (fresh);
  if (symlink (target, fresh) < 0 || rename (fresh, path) < 0)
    return oc_throw_errno (error, "link %s", path);
  return TRUE;
}

static gboolean
write_bundle (const char *path, const char *ca_pem, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return oc_bundle_write (folder, ca_pem, error);
}

static gboolean
start (OcAgentApi *api, const OcAgentApiOptions *options, GError **error)
{
  const char *socket_path = options->socket_path;
  g_autofree char *path = make_folder (socket_path, error);
  const OcApiServerConfig config = { .path = path,
                                     .mode = 0666,
                                     .gid = (gid_t) -1,
                                     .head_max = HEAD_MAX,
                                     .body_max = OUTCALL_AGENT_BODY_MAX,
                                     .request_timeout_s = REQUEST_TIMEOUT_S,
                                     .idle_timeout_s = IDLE_TIMEOUT_S,
                                     .max_connections = CONNECTIONS_MAX,
                                     .routes = routes,
                                     .n_routes = G_N_ELEMENTS (routes),
                                     .authorize = authorize,
                                     .user_data = api,
                                     .key = get_key,
                                     .max_connections_per_key = CONNECTIONS_PER_WORKLOAD_MAX };

  if (path == NULL || !write_bundle (path, options->ca_pem, error))
    return FALSE;
  api->server = oc_api_server_new (&config, error);
  if (api->server == NULL)
    return FALSE;
  api->link_path = g_strdup (socket_path);
  return make_link (socket_path, error);
}

OcAgentApi *
oc_agent_api_new (const OcAgentApiOptions *options, OcWorkloads *workloads, OcRules *rules,
                  OcRequests *requests, OcLog *log, GError **error)
{
  OcAgentApi *api = g_new0 (OcAgentApi, 1);
  const OcAgentRate rates[] = { [OC_AGENT_CHECK] = options->checks,
                                [OC_AGENT_RULE_REQUEST] = options->rule_requests };

  api->workloads = workloads;
  api->rules = rules;
  api->requests = requests;
  api->log = log;
  api->timeout_us = (gint64) options->timeout_s * G_USEC_PER_SEC;
  api->producer = oc_log_add_producer (log);
  api->sessions = oc_agent_sessions_new (rates);
  api->waiters = oc_agent_waiters_new (api);
  oc_workloads_add_listener (workloads, on_workload, api);
  if (start (api, options, error))
    return api;
  oc_agent_api_free (api);
  return NULL;
}

void
oc_agent_api_free (OcAgentApi *api)
{
  if (api == NULL)
    return;
  oc_workloads_remove_listener (api->workloads, api);
  if (api->server != NULL)
    oc_api_server_stop (api->server);
  oc_agent_waiters_free (api->waiters);
  g_clear_pointer (&api->server, oc_api_server_free);
  if (api->link_path != NULL)
    (void) unlink (api->link_path); /* replaced at the next start otherwise */
  oc_agent_sessions_free (api->sessions);
  oc_log_producer_free (api->producer);
  g_free (api->link_path);
  g_free (api);
}

void
oc_agent_api_set_rates (OcAgentApi *api, OcAgentRate checks, OcAgentRate rule_requests)
{
  const OcAgentRate rates[] = { [OC_AGENT_CHECK] = checks,
                                [OC_AGENT_RULE_REQUEST] = rule_requests };

  oc_agent_sessions_set_rates (api->sessions, rates);
}
