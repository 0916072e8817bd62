/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-evaluate.h"

#include <string.h>

/* Scratch lives as long as its thread; a verdict takes no memory after the
 * thread's first. */
static GPrivate scratch_of_thread = G_PRIVATE_INIT ((GDestroyNotify) oc_cel_scratch_free);
static atomic_uint next_stripe;
static __thread guint stripe_of_thread; /* plus one; 0: none yet */

OcCelScratch *
oc_question_get_scratch (void)
{
  OcCelScratch *scratch = g_private_get (&scratch_of_thread);

  if (G_UNLIKELY (scratch == NULL))
    {
      scratch = oc_cel_scratch_new ();
      g_private_set (&scratch_of_thread, scratch);
    }
  return scratch;
}

static guint
get_stripe (void)
{
  if (G_UNLIKELY (stripe_of_thread == 0))
    stripe_of_thread
        = atomic_fetch_add_explicit (&next_stripe, 1, memory_order_relaxed) % OC_COUNTER_STRIPES + 1;
  return stripe_of_thread - 1;
}

/* Statistics only: no order with anything else is needed. */
static void
count (const OcPolicy *policy, guint32 rule, OcAnswer answer)
{
  OcRuleCounter *counter = &policy->counters[get_stripe ()][rule];

  if (answer == OC_ANSWER_YES)
    atomic_fetch_add_explicit (&counter->hits, 1, memory_order_relaxed);
  else if (answer == OC_ANSWER_ERROR)
    atomic_fetch_add_explicit (&counter->errors, 1, memory_order_relaxed);
}

void
oc_policy_get_rule_counters (const OcPolicy *policy, gsize index, guint64 *out_hits,
                             guint64 *out_errors)
{
  *out_hits = 0;
  *out_errors = 0;
  g_return_if_fail (index < policy->n_rules);
  for (guint i = 0; i < OC_COUNTER_STRIPES; i++)
    {
      OcRuleCounter *counter = &policy->counters[i][index];

      *out_hits += atomic_load_explicit (&counter->hits, memory_order_relaxed);
      *out_errors += atomic_load_explicit (&counter->errors, memory_order_relaxed);
    }
}

static OcRuleCounter *
get_counter (const OcPolicy *policy, const OcRule *rule)
{
  return &policy->counters[get_stripe ()][rule->index];
}

void
oc_policy_count_connection (const OcPolicy *policy, const OcRule *rule)
{
  atomic_fetch_add_explicit (&get_counter (policy, rule)->connections, 1, memory_order_relaxed);
}

void
oc_policy_count_refusal (const OcPolicy *policy, const OcRule *rule)
{
  atomic_fetch_add_explicit (&get_counter (policy, rule)->refused, 1, memory_order_relaxed);
}

void
oc_policy_count_bytes (const OcPolicy *policy, const OcRule *rule, guint64 up, guint64 down)
{
  OcRuleCounter *counter = get_counter (policy, rule);

  if (up > 0)
    atomic_fetch_add_explicit (&counter->bytes_up, up, memory_order_relaxed);
  if (down > 0)
    atomic_fetch_add_explicit (&counter->bytes_down, down, memory_order_relaxed);
}

void
oc_policy_get_rule_traffic (const OcPolicy *policy, gsize index, OcRuleTraffic *out)
{
  *out = (OcRuleTraffic) { 0 };
  g_return_if_fail (index < policy->n_rules);
  for (guint i = 0; i < OC_COUNTER_STRIPES; i++)
    {
      OcRuleCounter *counter = &policy->counters[i][index];

      out->connections += atomic_load_explicit (&counter->connections, memory_order_relaxed);
      out->refused += atomic_load_explicit (&counter->refused, memory_order_relaxed);
      out->bytes_up += atomic_load_explicit (&counter->bytes_up, memory_order_relaxed);
      out->bytes_down += atomic_load_explicit (&counter->bytes_down, memory_order_relaxed);
    }
}

void
oc_question_init (OcQuestion *question, const OcPolicyContext *context, gboolean name_only)
{
  OcStr name = context->dns.query.len > 0 ? context->dns.query : context->network.hostname;

  question->name_only = name_only;
  question->learning = context->learning;
  question->query = (OcIndexQuery) { .hostname = name_only ? name : context->network.hostname,
                                     .http_host = name_only ? name : context->http.host,
                                     .dns_query = name_only ? name : context->dns.query,
                                     .agent = context->agent.name,
                                     .port = context->network.port,
                                     .port_unknown = name_only };
  if (name_only)
    oc_slots_fill_name (&question->slots, context);
  else
    oc_slots_fill (&question->slots, context);
}

OcAnswer
oc_question_ask (const OcQuestion *question, const OcRuleEntry *entry, OcCelScratch *scratch)
{
  OcCelValue value;

  oc_cel_eval (entry->program, question->slots.values, scratch, &value);
  if (value.kind == OC_CEL_BOOL)
    return oc_cel_value_is_true (value) ? OC_ANSWER_YES : OC_ANSWER_NO;
  if (value.kind == OC_CEL_UNKNOWN)
    return entry->rule.allow ? OC_ANSWER_YES : OC_ANSWER_NO;
  return OC_ANSWER_ERROR;
}

static void
set_verdict (OcPolicyVerdict *out, const OcRuleEntry *entry)
{
  out->rule = entry != NULL ? &entry->rule : NULL;
  out->allowed = entry != NULL && entry->rule.allow;
}

/* @deadline_us: monotonic; 0: none. Returns: FALSE when it has passed. */
static inline gboolean
decide (const OcQuestion *question, const OcPolicy *policy, gboolean counted, gint64 deadline_us,
        OcPolicyVerdict *out)
{
  OcCelScratch *scratch = oc_question_get_scratch ();
  OcIndexWalk walk;
  guint32 i;

  set_verdict (out, NULL);
  oc_index_start (policy->index, &question->query, &walk);
  while (oc_index_next (&walk, &i))
    {
      OcAnswer answer = oc_question_ask (question, &policy->rules[i], scratch);

      if (deadline_us != 0 && g_get_monotonic_time () >= deadline_us)
        return FALSE;
      if (answer == OC_ANSWER_NO)
        continue;
      if (counted)
        count (policy, i, answer);
      if (answer == OC_ANSWER_ERROR)
        continue;
      set_verdict (out, &policy->rules[i]);
      return TRUE;
    }
  if (question->learning)
    set_verdict (out, &policy->learned);
  return TRUE;
}

void
oc_question_decide (const OcQuestion *question, const OcPolicy *policy, OcPolicyVerdict *out)
{
  (void) decide (question, policy, FALSE, 0, out);
}

void
oc_policy_evaluate (const OcPolicy *policy, const OcPolicyContext *context, OcPolicyVerdict *out)
{
  OcQuestion question;

  oc_question_init (&question, context, FALSE);
  (void) decide (&question, policy, TRUE, 0, out);
}

void
oc_policy_evaluate_early (const OcPolicy *policy, const OcPolicyContext *context,
                          OcPolicyUnknown unknown, OcPolicyVerdict *out)
{
  OcQuestion question;

  oc_question_init (&question, context, FALSE);
  oc_slots_forget (&question.slots, unknown);
  oc_question_decide (&question, policy, out);
}

gboolean
oc_policy_evaluate_until (const OcPolicy *policy, const OcPolicyContext *context,
                          gint64 deadline_us, OcPolicyVerdict *out)
{
  OcQuestion question;

  oc_question_init (&question, context, FALSE);
  return decide (&question, policy, TRUE, deadline_us, out);
}

void
oc_policy_evaluate_name (const OcPolicy *policy, const OcPolicyContext *context,
                         OcPolicyVerdict *out)
{
  OcQuestion question;

  oc_question_init (&question, context, TRUE);
  (void) decide (&question, policy, TRUE, 0, out);
}

static void
decide_linear (const OcPolicy *policy, const OcPolicyContext *context, gboolean name_only,
               OcPolicyVerdict *out)
{
  OcCelScratch *scratch = oc_question_get_scratch ();
  OcQuestion question;

  oc_question_init (&question, context, name_only);
  set_verdict (out, NULL);
  for (gsize i = 0; i < policy->n_rules && out->rule == NULL; i++)
    if (oc_question_ask (&question, &policy->rules[i], scratch) == OC_ANSWER_YES)
      set_verdict (out, &policy->rules[i]);
  if (out->rule == NULL && question.learning)
    set_verdict (out, &policy->learned);
}

void
oc_policy_evaluate_linear (const OcPolicy *policy, const OcPolicyContext *context,
                           OcPolicyVerdict *out)
{
  decide_linear (policy, context, FALSE, out);
}

void
oc_policy_evaluate_name_linear (const OcPolicy *policy, const OcPolicyContext *context,
                                OcPolicyVerdict *out)
{
  decide_linear (policy, context, TRUE, out);
}

gboolean
oc_rule_is_learned (const OcRule *rule)
{
  return rule != NULL && strcmp (rule->id, OC_POLICY_LEARNED_ID) == 0;
}

gboolean
oc_rule_names_port (const OcPolicy *policy, const OcRule *rule, guint16 port)
{
  const OcRuleEntry *entry = oc_rule_entry (rule);
  guint32 low = 0;
  guint32 high = entry->n_ports;

  if (entry == &policy->learned)
    return TRUE;
  while (low < high)
    {
      guint32 mid = low + (high - low) / 2;

      if (entry->ports[mid] == port)
        return TRUE;
      if (entry->ports[mid] < port)
        low = mid + 1;
      else
        high = mid;
    }
  return FALSE;
}
