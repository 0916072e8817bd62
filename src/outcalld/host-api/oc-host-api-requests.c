/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#define LIST_DECIDED 100 /* when no limit is asked for */

/* --- Looking ----------------------------------------------------------------------------- */

static gboolean
read_list_query (OcApiRequest *request, gboolean *out_decided, guint *out_limit)
{
  const char *state = oc_api_request_get_query (request, "state");
  const char *limit = oc_api_request_get_query (request, "limit");
  guint64 number = LIST_DECIDED;

  *out_decided = state != NULL && g_str_equal (state, "decided");
  if (state != NULL && !*out_decided && !g_str_equal (state, "pending"))
    oc_api_request_fail (request, 400, NULL, "state must be pending or decided");
  else if (limit != NULL
           && !g_ascii_string_to_unsigned (limit, 10, 1, OC_REQUESTS_DECIDED_MAX, &number, NULL))
    oc_api_request_fail (request, 400, NULL, "limit must be 1 to %d", OC_REQUESTS_DECIDED_MAX);
  else
    {
      *out_limit = limit != NULL || *out_decided ? (guint) number : 0;
      return TRUE;
    }
  return FALSE;
}

void
oc_host_api_get_requests (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GPtrArray) list = NULL;
  gboolean decided;
  guint limit;

  if (!read_list_query (request, &decided, &limit))
    return;
  list = oc_requests_list (api->s.requests, decided, limit);
  oc_api_request_reply (request, 200, outcall_rule_request_entry_list_to_json (list));
}

static void
free_diagnostic (gpointer diagnostic)
{
  outcall_diagnostic_free (diagnostic);
}

static void
take_warnings (OutcallRuleRequestReview *review, GPtrArray *diagnostics)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (free_diagnostic);

  /* Warnings about other files are not what is being decided. */
  for (guint i = 0; i < diagnostics->len; i++)
    if (g_strcmp0 (((OcDiagnostic *) diagnostics->pdata[i])->file, review->file) == 0)
      g_ptr_array_add (list, oc_rules_diagnostic_to_api (diagnostics->pdata[i]));
  review->n_warnings = list->len;
  g_ptr_array_add (list, NULL);
  review->warnings = (OutcallDiagnostic **) g_ptr_array_free (list, FALSE);
}

static gboolean
has_name (char **names, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (names[i], name) || g_str_equal (names[i], "*"))
      return TRUE;
  return FALSE;
}

/* Who else runs now and would get what one agent asks for. */
static void
take_other_agents (OutcallRuleRequestReview *review, OcWorkloads *workloads)
{
  g_autoptr (GPtrArray) living = oc_workloads_list (workloads);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < living->len; i++)
    {
      const char *agent = oc_workload_get_identity (living->pdata[i])->agent_name;

      if (!g_str_equal (agent, review->request.agent)
          && has_name (review->agents, review->n_agents, agent)
          && g_hash_table_add (seen, (gpointer) agent))
        g_ptr_array_add (list, g_strdup (agent));
    }
  review->n_other_agents = list->len;
  g_ptr_array_add (list, NULL);
  review->other_agents = (char **) g_ptr_array_free (list, FALSE);
}

static gboolean
read_review_query (OcApiRequest *request, gint64 *out_duration_s, gboolean *out_any_agent)
{
  const char *duration = oc_api_request_get_query (request, "for_s");
  const char *any_agent = oc_api_request_get_query (request, "any_agent");
  guint64 number = 0;

  if (duration != NULL
      && !g_ascii_string_to_unsigned (duration, 10, 1, OC_REQUEST_DURATION_MAX_S, &number, NULL))
    oc_api_request_fail (request, 400, NULL, "for_s must be 1 to %d", OC_REQUEST_DURATION_MAX_S);
  else if (any_agent != NULL && !g_str_equal (any_agent, "true")
           && !g_str_equal (any_agent, "false"))
    oc_api_request_fail (request, 400, NULL, "any_agent must be true or false");
  else
    {
      *out_duration_s = (gint64) number;
      *out_any_agent = g_strcmp0 (any_agent, "true") == 0;
      return TRUE;
    }
  return FALSE;
}

/* @review: (transfer full) (nullable): NULL with @error */
static void
reply_review (OcHostApi *api, OcApiRequest *request, OutcallRuleRequestReview *review,
              GPtrArray *diagnostics, const GError *error)
{
  g_autoptr (OutcallRuleRequestReview) owned G_GNUC_UNUSED = review;

  if (review == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    oc_api_request_fail (request, 422, oc_host_api_make_reload_result (NULL, diagnostics), "%s",
                         error->message);
  else if (review == NULL)
    oc_api_request_fail_error (request, error);
  else
    {
      take_warnings (review, diagnostics);
      take_other_agents (review, api->s.workloads);
      oc_api_request_reply (request, 200, outcall_rule_request_review_to_json (review));
    }
}

/* One that is decided is shown as it is, one that waits with what an approval would do. */
void
oc_host_api_get_request (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *id = oc_api_request_get_param (request, "id");
  const OutcallRuleRequestEntry *entry = oc_requests_lookup (api->s.requests, id);
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  OutcallRuleRequestReview *review;
  g_autoptr (GError) error = NULL;
  gint64 duration_s;
  gboolean any_agent;

  if (!read_review_query (request, &duration_s, &any_agent))
    return;
  if (entry != NULL && entry->status != OUTCALL_RULE_REQUEST_STATUS_PENDING)
    {
      oc_api_request_reply (request, 200, outcall_rule_request_entry_to_json (entry));
      return;
    }
  review = oc_requests_review (api->s.requests, id, duration_s, any_agent, diagnostics, &error);
  reply_review (api, request, review, diagnostics, error);
}

/* --- Deciding ------------------------------------------------------------------------------ */

static void
reply_entry (OcHostApi *api, OcApiRequest *request, const char *id)
{
  const OutcallRuleRequestEntry *entry = oc_requests_lookup (api->s.requests, id);

  oc_api_request_reply (request, 200, outcall_rule_request_entry_to_json (entry));
}

void
oc_host_api_post_approve (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *id = oc_api_request_get_param (request, "id");
  g_autoptr (OutcallRuleRequestApproval) approval = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);

  approval = body != NULL ? outcall_rule_request_approval_from_json (body, &error) : NULL;
  if (approval == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  (void) oc_requests_approve (api->s.requests, id, approval,
                              oc_api_request_get_peer (request)->uid, &error);
  if (oc_host_api_note (api, request, "requests.approve", id, error))
    reply_entry (api, request, id);
}

void
oc_host_api_post_reject (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *id = oc_api_request_get_param (request, "id");
  g_autoptr (OutcallRejection) asked
      = OC_HOST_API_READ_BODY (request, outcall_rejection_from_json);
  g_autoptr (GError) error = NULL;

  if (asked == NULL)
    return;
  (void) oc_requests_reject (api->s.requests, id, asked->reason, oc_api_request_get_peer (request)->uid,
                             &error);
  if (oc_host_api_note (api, request, "requests.reject", id, error))
    reply_entry (api, request, id);
}

/* --- An operator's own --------------------------------------------------------------------- */

/* (transfer full) (nullable): NULL after the answer */
static OutcallAllowRequest *
read_allow (OcApiRequest *request)
{
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  OutcallAllowRequest *what
      = body != NULL ? outcall_allow_request_from_json (body, &error) : NULL;

  if (what == NULL)
    oc_api_request_fail_error (request, error);
  return what;
}

void
oc_host_api_post_allow_review (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallAllowRequest) what = read_allow (request);
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  OutcallRuleRequestReview *review;

  if (what == NULL)
    return;
  review = oc_requests_review_own (api->s.requests, what, diagnostics, &error);
  reply_review (api, request, review, diagnostics, error);
}

void
oc_host_api_post_allow_approve (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallAllowRequest) what = read_allow (request);
  g_autoptr (GError) error = NULL;

  if (what == NULL)
    return;
  (void) oc_requests_approve_own (api->s.requests, what, oc_api_request_get_peer (request)->uid,
                                  &error);
  if (oc_host_api_note (api, request, "rules.allow", what->host, error))
    reply_entry (api, request, what->id);
}
