/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <string.h>

/* --- State of the parts ------------------------------------------------------------ */

/* (transfer full) */
static OutcallSubsystem *
make_part (const char *name, OutcallState state, const char *reason)
{
  OutcallSubsystem *part = outcall_subsystem_new ();

  part->name = g_strdup (name);
  part->state = state;
  part->reason = g_strdup (reason);
  return part;
}

static OutcallSubsystem *
bridge_part (OcHostApi *api, const OcBridgeState *state, const GError *error)
{
  if (error != NULL)
    return make_part ("bridge", OUTCALL_STATE_UNAVAILABLE, error->message);
  if (!state->present)
    return make_part ("bridge", OUTCALL_STATE_UNAVAILABLE,
                      "the bridge is not there; outcall bridge up makes it");
  if (!state->up)
    return make_part ("bridge", OUTCALL_STATE_DEGRADED, "the bridge is down");
  if (!state->has_gateway)
    return make_part ("bridge", OUTCALL_STATE_DEGRADED, "the gateway address is missing");
  return make_part ("bridge", OUTCALL_STATE_RUNNING, NULL);
}

static OutcallSubsystem *
firewall_part (OcHostApi *api, gboolean active)
{
  g_autofree char *last = NULL;
  guint64 n = oc_firewall_get_n_restored (api->s.firewall, &last);
  g_autofree char *reason = NULL;

  if (!active)
    return make_part ("firewall", OUTCALL_STATE_UNAVAILABLE, "the ruleset is not in the kernel");
  if (n == 0)
    return make_part ("firewall", OUTCALL_STATE_RUNNING, NULL);
  reason = g_strdup_printf ("restored %" G_GUINT64_FORMAT " times after another tool changed it, "
                            "the last time %s",
                            n, last);
  return make_part ("firewall", OUTCALL_STATE_RUNNING, reason);
}

static OutcallSubsystem *
policy_part (OcHostApi *api)
{
  const char *failure = oc_rules_get_last_error (api->s.rules);
  g_autofree char *reason = NULL;

  if (failure != NULL)
    {
      reason = g_strdup_printf ("the rules in force are older than the files: %s", failure);
      return make_part ("policy", OUTCALL_STATE_DEGRADED, reason);
    }
  if (oc_policy_get_n_rules (oc_rules_get_policy (api->s.rules)) == 0)
    return make_part ("policy", OUTCALL_STATE_RUNNING, "there is no rule: everything is blocked");
  return make_part ("policy", OUTCALL_STATE_RUNNING, NULL);
}

static OutcallSubsystem *
engine_part (OcHostApi *api)
{
  OcEngine *engine = oc_workloads_get_engine (api->s.workloads);

  if (engine == NULL)
    return make_part ("engine", OUTCALL_STATE_DISABLED, NULL);
  return make_part ("engine",
                    oc_engine_is_connected (engine) ? OUTCALL_STATE_RUNNING
                                                    : OUTCALL_STATE_UNAVAILABLE,
                    oc_engine_get_description (engine));
}

static OutcallSubsystem *
log_part (OcHostApi *api)
{
  OcLogCounters counters;

  oc_log_get_counters (api->s.log, &counters);
  if (counters.audit_left_out > 0)
    return make_part ("log", OUTCALL_STATE_DEGRADED,
                      "records are missing in the audit file: its disk was full or slow");
  return make_part ("log", OUTCALL_STATE_RUNNING, NULL);
}

/* (element-type OutcallSubsystem) */
static GPtrArray *
list_parts (OcHostApi *api)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_subsystem_free);
  OcNetwork *network = oc_networks_get_default (api->s.networks);
  OcBridgeState bridge = { 0 };
  g_autoptr (GError) error = NULL;

  (void) oc_network_get_state (network, &bridge, &error); /* a failure shows as the reason */
  g_ptr_array_add (parts, bridge_part (api, &bridge, error));
  g_ptr_array_add (parts, firewall_part (api, bridge.nftables_active));
  g_ptr_array_add (parts, policy_part (api));
  g_ptr_array_add (parts, make_part ("dns", OUTCALL_STATE_RUNNING, NULL));
  g_ptr_array_add (parts, api->s.proxy != NULL
                              ? make_part ("proxy", OUTCALL_STATE_RUNNING, NULL)
                              : make_part ("proxy", OUTCALL_STATE_DISABLED, "--no-proxy"));
  g_ptr_array_add (parts, engine_part (api));
  g_ptr_array_add (parts, log_part (api));
  return parts;
}

/* --- Counters ------------------------------------------------------------------------- */

static void
add_counter (GPtrArray *counters, const char *name, guint64 value)
{
  g_ptr_array_add (counters, outcall_counter_new (name, value));
}

static void
add_kernel_counters (OcHostApi *api, GPtrArray *counters)
{
  g_autoptr (GArray) kernel = oc_firewall_get_counters (api->s.firewall, NULL);
  g_autoptr (GPtrArray) networks = oc_networks_list (api->s.networks);

  add_counter (counters, "networks", networks->len);
  add_counter (counters, "grants", oc_firewall_count_grants (api->s.firewall));
  add_counter (counters, "ruleset_restored", oc_firewall_get_n_restored (api->s.firewall, NULL));
  add_counter (counters, "bridges_repaired", oc_networks_get_n_repairs (api->s.networks));
  for (guint i = 0; kernel != NULL && i < kernel->len; i++)
    {
      const OcFirewallCounter *counter = &g_array_index (kernel, OcFirewallCounter, i);
      g_autofree char *name = g_strconcat ("packets_", counter->name, NULL);

      add_counter (counters, name, counter->packets);
    }
}

/* (element-type OutcallCounter) */
static GPtrArray *
list_counters (OcHostApi *api)
{
  GPtrArray *counters = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_counter_free);
  g_autoptr (GPtrArray) workloads = oc_workloads_list (api->s.workloads);
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  OcLogCounters log;

  oc_log_get_counters (api->s.log, &log);
  add_counter (counters, "workloads", workloads->len);
  add_counter (counters, "rule_files", oc_policy_get_n_files (policy));
  add_counter (counters, "rules", oc_policy_get_n_rules (policy));
  add_counter (counters, "rule_requests_waiting", oc_requests_count_pending (api->s.requests));
  add_counter (counters, "decisions_allowed", log.allowed);
  add_counter (counters, "decisions_blocked", log.blocked);
  add_counter (counters, "decisions_not_logged", log.left_out);
  add_counter (counters, "audit_records_left_out", log.audit_left_out);
  add_kernel_counters (api, counters);
  return counters;
}

void
oc_host_api_get_status (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GPtrArray) parts = list_parts (api);
  g_autoptr (GPtrArray) counters = list_counters (api);
  const OutcallStatus status = {
    .version = (char *) PACKAGE_VERSION,
    .uptime_s = (guint64) (g_get_monotonic_time () - api->s.started_us) / G_USEC_PER_SEC,
    .subsystems = (OutcallSubsystem **) parts->pdata,
    .n_subsystems = parts->len,
    .counters = (OutcallCounter **) counters->pdata,
    .n_counters = counters->len,
  };

  oc_api_request_reply (request, 200, outcall_status_to_json (&status));
}

/* Live: the main loop answers. */
void
oc_host_api_get_health (OcApiRequest *request, gpointer user_data)
{
  oc_api_request_reply (request, 200, NULL);
}

/* Ready: no part is unavailable. */
void
oc_host_api_get_ready (OcApiRequest *request, gpointer user_data)
{
  g_autoptr (GPtrArray) parts = list_parts (user_data);

  for (guint i = 0; i < parts->len; i++)
    {
      const OutcallSubsystem *part = g_ptr_array_index (parts, i);

      /* A host without containers is a whole host. */
      if (part->state == OUTCALL_STATE_UNAVAILABLE && strcmp (part->name, "engine") != 0)
        {
          oc_api_request_fail (request, 503, NULL, "%s: %s", part->name, part->reason);
          return;
        }
    }
  oc_api_request_reply (request, 200, NULL);
}
