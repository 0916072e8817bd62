/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-api/oc-agent-api-private.h"

#include "common/oc-source.h"

/* --- Waiting ------------------------------------------------------------------------- */

/* One request in flight that waits for a decision. */
typedef struct
{
  OcAgentWaiters *owner;
  OcApiRequest *request;
  char *id; /* of the rule request */
  GSource *timeout;
} Waiter;

struct OcAgentWaiters
{
  OcAgentApi *api;
  GHashTable *set; /* of Waiter, owned */
};

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  oc_source_clear (&waiter->timeout);
  g_free (waiter->id);
  g_free (waiter);
}

static void
reply (OcApiRequest *request, guint status, const OutcallRuleRequestEntry *entry)
{
  if (entry == NULL)
    oc_api_request_fail (request, 404, NULL, "there is no such request of this workload");
  else
    oc_api_request_reply (request, status, oc_request_to_response (entry));
}

/* Answers with what is known now. */
static void
end_wait (Waiter *waiter)
{
  OcAgentWaiters *waiters = waiter->owner;

  reply (waiter->request, 200, oc_requests_lookup (waiters->api->requests, waiter->id));
  g_hash_table_remove (waiters->set, waiter);
}

static gboolean
on_timeout (gpointer user_data)
{
  end_wait (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_decided (const OutcallRuleRequestEntry *entry, gpointer user_data)
{
  OcAgentWaiters *waiters = user_data;
  g_autoptr (GList) all = NULL;

  if (entry->status == OUTCALL_RULE_REQUEST_STATUS_PENDING)
    return;
  all = g_hash_table_get_keys (waiters->set);
  for (GList *l = all; l != NULL; l = l->next)
    if (g_str_equal (((Waiter *) l->data)->id, entry->id))
      end_wait (l->data);
}

/* The agent does not wait any more. */
static void
on_gone (gpointer user_data)
{
  Waiter *waiter = user_data;

  g_hash_table_remove (waiter->owner->set, waiter);
}

OcAgentWaiters *
oc_agent_waiters_new (OcAgentApi *api)
{
  OcAgentWaiters *waiters = g_new0 (OcAgentWaiters, 1);

  waiters->api = api;
  waiters->set = g_hash_table_new_full (NULL, NULL, waiter_free, NULL);
  oc_requests_add_listener (api->requests, on_decided, waiters);
  return waiters;
}

void
oc_agent_waiters_free (OcAgentWaiters *waiters)
{
  g_autoptr (GList) all = NULL;

  if (waiters == NULL)
    return;
  oc_requests_remove_listener (waiters->api->requests, waiters);
  all = g_hash_table_get_keys (waiters->set);
  for (GList *l = all; l != NULL; l = l->next)
    end_wait (l->data);
  g_hash_table_unref (waiters->set);
  g_free (waiters);
}

static void
begin_wait (OcAgentWaiters *waiters, OcApiRequest *request, const char *id, guint wait_s)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->owner = waiters;
  waiter->request = request;
  waiter->id = g_strdup (id);
  waiter->timeout = g_timeout_source_new_seconds (wait_s);
  g_source_set_static_name (waiter->timeout, "agent waits for a decision");
  g_source_set_callback (waiter->timeout, on_timeout, waiter, NULL);
  g_source_attach (waiter->timeout, g_main_context_get_thread_default ());
  g_hash_table_add (waiters->set, waiter);
  oc_api_request_hold (request, on_gone, waiter);
}

/* --- Routes ---------------------------------------------------------------------------- */

static gboolean
read_wait (OcApiRequest *request, guint *out_s)
{
  const char *text = oc_api_request_get_query (request, "wait");
  guint64 value = 0;

  *out_s = 0;
  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 0, OC_AGENT_WAIT_MAX_S, &value, NULL))
    {
      oc_api_request_fail (request, 400, NULL, "wait must be 0 to %d seconds",
                           OC_AGENT_WAIT_MAX_S);
      return FALSE;
    }
  *out_s = (guint) value;
  return TRUE;
}

/* Ids are no secret, but what belongs to others does not exist. */
void
oc_agent_get_request (OcApiRequest *request, gpointer user_data)
{
  OcAgentApi *api = user_data;
  OcWorkload *workload;
  const OutcallRuleRequestEntry *entry;
  guint wait_s;

  if (oc_agent_require_session (api, request, &workload) == NULL || !read_wait (request, &wait_s))
    return;
  entry = oc_requests_lookup (api->requests, oc_api_request_get_param (request, "id"));
  if (entry != NULL
      && !g_str_equal (entry->workload_id, oc_workload_get_identity (workload)->id))
    entry = NULL;
  if (entry != NULL && entry->status == OUTCALL_RULE_REQUEST_STATUS_PENDING && wait_s > 0)
    begin_wait (api->waiters, request, entry->id, wait_s);
  else
    reply (request, 200, entry);
}

static void
free_diagnostic (gpointer diagnostic)
{
  outcall_diagnostic_free (diagnostic);
}

/* What is wrong with the agent's own rules, for the agent. */
static JsonNode *
make_findings (GPtrArray *diagnostics)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_diagnostic);
  OutcallReloadResult result = { 0 };

  for (guint i = 0; i < diagnostics->len; i++)
    g_ptr_array_add (list, oc_rules_diagnostic_to_api (diagnostics->pdata[i]));
  result.warnings = (OutcallDiagnostic **) list->pdata;
  result.n_warnings = list->len;
  return outcall_reload_result_to_json (&result);
}

static void
fail_submission (OcApiRequest *request, GPtrArray *diagnostics, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    oc_api_request_fail (request, 422, make_findings (diagnostics), "%s", error->message);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      oc_api_request_set_retry_after (request, 60);
      oc_api_request_fail (request, 429, NULL, "%s", error->message);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    oc_api_request_fail (request, 400, NULL, "%s", error->message);
  else
    {
      /* The host's own trouble: its paths are none of the agent's business. */
      g_warning ("rule request: %s", error->message);
      oc_api_request_set_retry_after (request, 60);
      oc_api_request_fail (request, 503, NULL, "requests cannot be taken now");
    }
}

static void
note_submission (OcAgentApi *api, OcApiRequest *request, const OutcallRuleRequestEntry *entry)
{
  const OcApiPeer *peer = oc_api_request_get_peer (request);
  g_autofree char *detail
      = g_strdup_printf ("%s by %s%s%s", entry->id, entry->workload,
                         entry->host != NULL ? ": " : "", entry->host != NULL ? entry->host : "");
  const OcLogChange change = { peer->uid, peer->pid, "requests.submit", detail, NULL };

  oc_log_change (api->log, &change);
}

void
oc_agent_post_request (OcApiRequest *request, gpointer user_data)
{
  OcAgentApi *api = user_data;
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OutcallRuleSubmission) what = NULL;
  g_autoptr (GError) error = NULL;
  const OutcallRuleRequestEntry *entry;
  OcWorkload *workload;
  OcAgentSession *session = oc_agent_require_session (api, request, &workload);
  JsonNode *body;

  if (session == NULL || !oc_agent_session_admit (session, OC_AGENT_RULE_REQUEST, request))
    return;
  body = oc_api_request_get_json (request, &error);
  what = body != NULL ? outcall_rule_submission_from_json (body, &error) : NULL;
  if (what == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  entry = oc_requests_submit (api->requests, oc_workload_get_identity (workload), what,
                              diagnostics, &error);
  if (entry == NULL)
    fail_submission (request, diagnostics, error);
  else
    {
      note_submission (api, request, entry);
      reply (request, 201, entry);
    }
}
