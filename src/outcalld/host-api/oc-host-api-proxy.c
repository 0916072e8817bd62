/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The proxy's numbers: as a whole, by reason, by workload and by rule.
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <stdatomic.h>

/* (element-type OutcallCounter) */
static GPtrArray *
list_reasons (const OcProxyStats *stats)
{
  GPtrArray *reasons = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_counter_free);

  for (guint i = 0; i < OC_PROXY_N_REASONS; i++)
    g_ptr_array_add (reasons, outcall_counter_new (oc_proxy_reason_name (i), stats->reasons[i]));
  return reasons;
}

static guint64
read_counter (const _Atomic guint64 *counter)
{
  return atomic_load_explicit (counter, memory_order_relaxed);
}

/* (element-type OutcallProxyWorkload) */
static GPtrArray *
list_workloads (OcHostApi *api)
{
  g_autoptr (GPtrArray) living = oc_workloads_list (api->s.workloads);
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_proxy_workload_free);

  for (guint i = 0; i < living->len; i++)
    {
      const OcIdentity *identity = oc_workload_get_identity (living->pdata[i]);
      const OcTraffic *traffic = &identity->traffic;
      OutcallProxyWorkload *workload = outcall_proxy_workload_new ();

      workload->workload = g_strdup (identity->name);
      workload->connections = read_counter (&traffic->connections);
      workload->requests = read_counter (&traffic->requests);
      workload->blocked = read_counter (&traffic->blocked);
      workload->bytes_up = read_counter (&traffic->bytes_up);
      workload->bytes_down = read_counter (&traffic->bytes_down);
      g_ptr_array_add (list, workload);
    }
  return list;
}

/* (transfer full) (nullable): NULL when the rule was not used */
static OutcallProxyRule *
make_rule (const OcPolicy *policy, gsize index)
{
  guint64 hits, errors;
  OcRuleTraffic traffic;
  OutcallProxyRule *rule;

  oc_policy_get_rule_counters (policy, index, &hits, &errors);
  oc_policy_get_rule_traffic (policy, index, &traffic);
  if (hits == 0 && traffic.refused == 0 && traffic.bytes_up == 0 && traffic.bytes_down == 0)
    return NULL;
  rule = outcall_proxy_rule_new ();
  rule->rule = g_strdup (oc_policy_get_rule (policy, index)->id);
  rule->hits = hits;
  rule->connections = traffic.connections;
  rule->blocked = traffic.refused;
  rule->bytes_up = traffic.bytes_up;
  rule->bytes_down = traffic.bytes_down;
  return rule;
}

/* (element-type OutcallProxyRule) */
static GPtrArray *
list_rules (OcHostApi *api)
{
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_proxy_rule_free);

  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      OutcallProxyRule *rule = make_rule (policy, i);

      if (rule != NULL)
        g_ptr_array_add (list, rule);
    }
  return list;
}

void
oc_host_api_get_proxy (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GPtrArray) reasons = NULL;
  g_autoptr (GPtrArray) workloads = NULL;
  g_autoptr (GPtrArray) rules = NULL;
  OutcallProxyStats out;
  OcProxyStats stats;

  if (api->s.proxy == NULL)
    {
      oc_api_request_fail (request, 503, NULL, "the daemon runs with --no-proxy");
      return;
    }
  oc_proxy_get_stats (api->s.proxy, &stats);
  reasons = list_reasons (&stats);
  workloads = list_workloads (api);
  rules = list_rules (api);
  out = (OutcallProxyStats) {
    .port = api->s.proxy_port,
    .upstream_proxy = (char *) oc_proxy_get_upstream (api->s.proxy),
    .connections = stats.connections,
    .active = stats.active,
    .requests = stats.requests,
    .tunnels = stats.tunnels,
    .blocked = stats.blocked,
    .refused = stats.refused,
    .upstream_errors = stats.upstream_errors,
    .bytes_up = stats.bytes_up,
    .bytes_down = stats.bytes_down,
    .reasons = (OutcallCounter **) reasons->pdata,
    .n_reasons = reasons->len,
    .workloads = (OutcallProxyWorkload **) workloads->pdata,
    .n_workloads = workloads->len,
    .rules = (OutcallProxyRule **) rules->pdata,
    .n_rules = rules->len,
  };
  oc_api_request_reply (request, 200, outcall_proxy_stats_to_json (&out));
}
