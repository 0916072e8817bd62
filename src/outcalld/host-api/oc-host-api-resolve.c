/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "common/oc-host.h"
#include "common/oc-source.h"

#include <glib-unix.h>

/* POST /dns/test: what the DNS filter would say to an agent about a name, and,
 * when it may be looked up, the addresses. */

typedef struct
{
  OcApiRequest *request;
  gboolean allowed;
  char *host;
  char *rule;   /* (nullable) */
  char *reason; /* (nullable) */
} Question;

struct OcHostResolve
{
  OcHostApi *api;
  OcResolver *resolver;
  GSource *source;
  GHashTable *questions; /* &token → Question, owned */
  guint64 last_token;
};

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->host);
  g_free (question->rule);
  g_free (question->reason);
  g_free (question);
}

/* --- The answer ---------------------------------------------------------------------------- */

/* What the filter leaves of the answer is not decided here: addresses that it would
 * remove are named with their class. */
static GPtrArray *
list_addresses (const OcResolveReply *reply)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_dns_address_free);

  for (guint i = 0; reply != NULL && i < reply->n_addresses; i++)
    {
      const OcAddress *address = &reply->addresses[i];
      OutcallDnsAddress *entry = outcall_dns_address_new ();
      char text[OC_ADDRESS_TEXT_MAX];

      entry->address = g_strdup (oc_address_format (address, text, sizeof text));
      entry->address_class = g_strdup (oc_address_class_name (oc_address_classify (address)));
      g_ptr_array_add (list, entry);
    }
  return list;
}

static OutcallLookup
lookup_status (const OcResolveReply *reply)
{
  if (reply == NULL)
    return OUTCALL_LOOKUP_NOT_ASKED;
  switch (reply->status)
    {
    case OC_RESOLVE_OK:
      return OUTCALL_LOOKUP_OK;
    case OC_RESOLVE_NO_NAME:
      return OUTCALL_LOOKUP_NO_NAME;
    case OC_RESOLVE_FAILED:
    default:
      return OUTCALL_LOOKUP_FAILED;
    }
}

static void
answer (const Question *question, const OcResolveReply *reply)
{
  g_autoptr (GPtrArray) addresses = list_addresses (reply);
  const OutcallDnsTestResult result = {
    .name = question->host,
    .allowed = question->allowed,
    .matched_rule = question->rule,
    .reason = question->reason,
    .status = lookup_status (reply),
    .addresses = (OutcallDnsAddress **) addresses->pdata,
    .n_addresses = addresses->len,
  };

  oc_api_request_reply (question->request, 200, outcall_dns_test_result_to_json (&result));
}

static gboolean
on_reply (int fd, GIOCondition condition, gpointer user_data)
{
  OcHostResolve *resolve = user_data;
  OcResolveReply reply;

  while (oc_resolver_take (resolve->resolver, &reply))
    {
      Question *question = g_hash_table_lookup (resolve->questions, &reply.token);

      if (question == NULL)
        continue;
      answer (question, &reply);
      g_hash_table_remove (resolve->questions, &reply.token);
    }
  return G_SOURCE_CONTINUE;
}

/* --- The question ------------------------------------------------------------------------------ */

static void
judge (OcHostApi *api, const OcHost *host, const char *agent, const char *type,
       Question *question)
{
  OcStr name = oc_str (host->name, host->len);
  OcPolicyContext context = { .network.hostname = name,
                              .dns = { name, oc_str_from (type) },
                              .agent.name = oc_str_from (agent),
                              .request_time_us = g_get_real_time () };
  OcWorkload *workload = agent != NULL ? oc_workloads_lookup (api->s.workloads, agent) : NULL;
  g_autoptr (GPtrArray) steps = NULL;
  OcPolicyVerdict verdict;

  if (workload != NULL)
    oc_identity_fill_context (oc_workload_get_identity (workload), &context);
  oc_policy_explain (oc_rules_get_policy (api->s.rules), &context, TRUE, &verdict, &steps);
  question->host = g_strdup (host->name);
  question->allowed = verdict.allowed;
  question->rule = verdict.rule != NULL ? g_strdup (verdict.rule->id) : NULL;
  question->reason = verdict.rule != NULL ? g_strdup (verdict.rule->reason)
                                          : g_strdup ("no rule allows it");
}

static void
ask (OcHostResolve *resolve, const OcHost *host, Question *question)
{
  guint64 *token = g_new (guint64, 1);

  *token = ++resolve->last_token;
  if (!oc_resolver_submit (resolve->resolver, oc_str (host->name, host->len), *token))
    {
      oc_api_request_fail (question->request, 503, NULL, "too many look-ups wait already");
      question_free (question);
      g_free (token);
      return;
    }
  g_hash_table_insert (resolve->questions, token, question);
}

void
oc_host_api_post_dns_test (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallDnsTestRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_dns_test_request_from_json);
  Question *question;
  OcHost host;

  if (asked == NULL)
    return;
  if (oc_host_parse (oc_str_from (asked->name), &host) != OC_HOST_OK || host.address.family != 0)
    {
      oc_api_request_fail (request, 400, NULL, "name must be a host name");
      return;
    }
  question = g_new0 (Question, 1);
  question->request = request;
  judge (api, &host, asked->agent, asked->record_type != NULL ? asked->record_type : "A", question);
  if (question->allowed)
    {
      ask (api->resolve, &host, question);
      return;
    }
  answer (question, NULL);
  question_free (question);
}

void
oc_host_api_post_dns_flush (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;

  oc_dns_flush_cache (api->s.dns);
  if (oc_host_api_note (api, request, "dns.flush", NULL, NULL))
    oc_api_request_reply (request, 200, NULL);
}

OcHostResolve *
oc_host_resolve_new (OcHostApi *api)
{
  OcHostResolve *resolve = g_new0 (OcHostResolve, 1);

  resolve->api = api;
  resolve->questions = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, question_free);
  resolve->resolver = oc_dns_add_resolver (api->s.dns);
  resolve->source = g_unix_fd_source_new (oc_resolver_get_fd (resolve->resolver), G_IO_IN);
  g_source_set_static_name (resolve->source, "API look-ups");
  g_source_set_callback (resolve->source, G_SOURCE_FUNC (on_reply), resolve, NULL);
  g_source_attach (resolve->source, g_main_context_get_thread_default ());
  return resolve;
}

void
oc_host_resolve_free (OcHostResolve *resolve)
{
  GHashTableIter iter;
  Question *question;

  if (resolve == NULL)
    return;
  g_hash_table_iter_init (&iter, resolve->questions);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &question))
    oc_api_request_fail (question->request, 503, NULL, "the daemon is stopping");
  oc_source_clear (&resolve->source);
  oc_resolver_free (resolve->resolver);
  g_hash_table_unref (resolve->questions);
  g_free (resolve);
}
