/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What an approval would do, before it is done: the policy as it would be is
 * loaded beside the one in force, and the verdicts of the last day are asked again.
 * The log knows less than a request had (no headers, no body), so the numbers are
 * near, not exact.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"

#include <string.h>

#define PAST_US (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)
#define LIST_MAX 50 /* hosts and rules of the past that are named */

/* --- What it opens -------------------------------------------------------------------- */

/* All of them: who approves sees what is approved, and a request's file is small. */
static void
add_all (GPtrArray *list, GHashTable *seen, char **names)
{
  static const char *const any[] = { "*", NULL };
  const char *const *from = names != NULL ? (const char *const *) names : any;

  for (gsize i = 0; from[i] != NULL; i++)
    if (g_hash_table_add (seen, g_strdup (from[i])))
      g_ptr_array_add (list, g_strdup (from[i]));
}

static gboolean
is_own (const OcRule *rule, const char *file)
{
  return rule != NULL && g_str_equal (rule->file, file);
}

/* (transfer full): a list with "*" says no more than that. */
static char **
list_reach (const OcPolicy *policy, const char *file, OcReach reach, gsize *out_n)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      const OcRule *rule = oc_policy_get_rule (policy, i);

      if (rule->allow && is_own (rule, file))
        {
          g_auto (GStrv) names = oc_rule_dup_reach (rule, reach);

          add_all (list, seen, names);
        }
    }
  if (g_hash_table_contains (seen, "*"))
    {
      g_ptr_array_set_size (list, 0);
      g_ptr_array_add (list, g_strdup ("*"));
    }
  *out_n = list->len;
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
}

/* --- What it would have turned ------------------------------------------------------------- */

typedef struct
{
  OutcallRuleRequestReview *review;
  const OcPolicy *policy; /* as it would be */
  GPtrArray *hosts, *rules;
  GHashTable *seen_hosts, *seen_rules;
} Replay;

static void
fill_context (const OcDecision *decision, OcPolicyContext *context)
{
  *context = (OcPolicyContext) { 0 };
  context->agent.name = decision->agent;
  context->request_time_us = g_get_real_time ();
  context->network.hostname = decision->host;
  if (decision->layer == OC_LAYER_DNS)
    {
      context->dns.query = decision->host;
      context->dns.record_type = decision->method;
      return;
    }
  context->network.port = decision->port;
  context->network.protocol = OC_STR ("tcp");
  context->http.host = decision->host;
  context->http.method = decision->method;
  context->http.path = decision->path;
  if (decision->layer == OC_LAYER_CONNECT || decision->layer == OC_LAYER_TLS)
    {
      context->http.method = OC_STR ("CONNECT");
      context->http.path = OC_STR ("/");
    }
}

static void
note (GPtrArray *list, GHashTable *seen, OcStr text)
{
  g_autofree char *copy = g_strndup (text.data, text.len);

  if (text.len > 0 && list->len < LIST_MAX && g_hash_table_add (seen, g_strdup (copy)))
    g_ptr_array_add (list, g_steal_pointer (&copy));
}

static void
replay_record (const OcLogRecord *record, gpointer user_data)
{
  Replay *replay = user_data;
  OutcallRuleRequestReview *review = replay->review;
  const OcDecision *decision = &record->decision;
  OcPolicyContext context;
  OcPolicyVerdict verdict;

  /* Tool calls and container creations are about more than the log keeps. */
  if (decision->layer == OC_LAYER_AGENT || decision->layer == OC_LAYER_CONTAINER)
    return;
  review->decisions++;
  fill_context (decision, &context);
  if (decision->layer == OC_LAYER_DNS)
    oc_policy_evaluate_name (replay->policy, &context, &verdict);
  else
    oc_policy_evaluate (replay->policy, &context, &verdict);
  if (!is_own (verdict.rule, review->file) || verdict.allowed == decision->allowed)
    return;
  review->allowed += verdict.allowed;
  review->blocked += !verdict.allowed;
  review->elsewhere += !oc_str_equal (decision->agent, oc_str_from (review->request.agent));
  if (!verdict.allowed)
    return;
  note (replay->hosts, replay->seen_hosts, decision->host);
  note (replay->rules, replay->seen_rules, decision->rule);
}

static char **
finish_list (GPtrArray *list, gsize *out_n)
{
  *out_n = list->len;
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static void
replay_log (OcRequests *requests, const OcPolicy *policy, OutcallRuleRequestReview *review)
{
  const OcLogFilter filter = { .allowed = -1, .since_us = g_get_real_time () - PAST_US };
  g_autoptr (GHashTable) hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) rules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Replay replay = { review,
                    policy,
                    g_ptr_array_new_with_free_func (g_free),
                    g_ptr_array_new_with_free_func (g_free),
                    hosts,
                    rules };

  oc_log_foreach (requests->log, &filter, replay_record, &replay);
  review->allowed_hosts = finish_list (replay.hosts, &review->n_allowed_hosts);
  review->overrides = finish_list (replay.rules, &review->n_overrides);
}

/* --- The whole ---------------------------------------------------------------------------------- */

static OutcallRuleRequestReview *
make_review (OcRequests *requests, const OutcallRuleRequestEntry *entry, const char *text,
             const OcPolicy *policy)
{
  OutcallRuleRequestReview *review = outcall_rule_request_review_new ();
  OutcallRuleRequestEntry *copy = outcall_rule_request_entry_copy (entry);

  /* The struct's content moves, the empty shell goes. */
  review->request = *copy;
  *copy = (OutcallRuleRequestEntry) { 0 };
  outcall_rule_request_entry_free (copy);
  review->file = oc_request_file_name (entry->id);
  review->text = g_strdup (text);
  review->digest = g_strdup (oc_policy_get_digest (policy));
  review->hosts = list_reach (policy, review->file, OC_REACH_HOSTS, &review->n_hosts);
  review->agents = list_reach (policy, review->file, OC_REACH_AGENTS, &review->n_agents);
  replay_log (requests, policy, review);
  return review;
}

OutcallRuleRequestReview *
oc_requests_review (OcRequests *requests, const char *id, gint64 duration_s, gboolean any_agent,
                    GPtrArray *diagnostics, GError **error)
{
  const OutcallRuleRequestEntry *entry = oc_requests_require_pending (requests, id, error);

  return entry == NULL ? NULL
                       : oc_requests_review_entry (requests, entry, duration_s, any_agent,
                                                   diagnostics, error);
}

OutcallRuleRequestReview *
oc_requests_review_entry (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                          gint64 duration_s, gboolean any_agent, GPtrArray *diagnostics,
                          GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;
  g_autoptr (OcPolicy) policy = NULL;
  OutcallRuleRequestReview *review;
  OcPolicySource source;
  gint64 expires_at_us = 0;

  if (duration_s < 0 || duration_s > OC_REQUEST_DURATION_MAX_S)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "the time must be at most %d days",
                               OC_REQUEST_DURATION_MAX_S / 86400);
  if (duration_s != 0)
    expires_at_us = (g_get_real_time () / G_USEC_PER_SEC + duration_s) * G_USEC_PER_SEC;
  text = oc_request_make_file (requests, entry, any_agent, expires_at_us, error);
  if (text == NULL)
    return NULL;
  name = oc_request_file_name (entry->id);
  source = (OcPolicySource) { name, text, strlen (text) };
  policy = oc_rules_preview (requests->rules, &source, diagnostics, error);
  if (policy == NULL)
    return NULL;
  review = make_review (requests, entry, text, policy);
  review->expires_at_us = expires_at_us;
  review->any_agent = any_agent;
  return review;
}
