/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <string.h>

/* GET /metrics: OpenMetrics 1.0, or Prometheus's older text format for those who
 * ask for nothing else. They differ in where "_total" stands and in how the text ends. */

typedef struct
{
  GString *out;
  gboolean plain; /* the older format */
} Writer;

typedef enum
{
  GAUGE,
  COUNTER,
} Type;

static void
begin_family (Writer *writer, const char *name, Type type, const char *help)
{
  const char *suffix = type == COUNTER && writer->plain ? "_total" : "";

  g_string_append_printf (writer->out, "# HELP outcall_%s%s %s\n# TYPE outcall_%s%s %s\n", name,
                          suffix, help, name, suffix, type == COUNTER ? "counter" : "gauge");
}

/* @labels: (nullable): "verdict=\"allowed\"" */
static void
add_sample (Writer *writer, const char *name, Type type, const char *labels, guint64 value)
{
  g_string_append_printf (writer->out, "outcall_%s%s", name, type == COUNTER ? "_total" : "");
  if (labels != NULL)
    g_string_append_printf (writer->out, "{%s}", labels);
  g_string_append_printf (writer->out, " %" G_GUINT64_FORMAT "\n", value);
}

typedef struct
{
  const char *name;
  Type type;
  const char *help;
  guint64 value;
} Metric;

static void
add_metrics (Writer *writer, const Metric *metrics, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      begin_family (writer, metrics[i].name, metrics[i].type, metrics[i].help);
      add_sample (writer, metrics[i].name, metrics[i].type, NULL, metrics[i].value);
    }
}

static void
add_daemon_metrics (OcHostApi *api, Writer *writer)
{
  g_autoptr (GPtrArray) workloads = oc_workloads_list (api->s.workloads);
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  gint64 uptime_us = g_get_monotonic_time () - api->s.started_us;
  const Metric metrics[] = {
    { "uptime_seconds", GAUGE, "Since the start of the daemon.",
      (guint64) uptime_us / G_USEC_PER_SEC },
    { "workloads", GAUGE, "Confined programs now.", workloads->len },
    { "rule_files", GAUGE, "Rule files in force.", oc_policy_get_n_files (policy) },
    { "rules", GAUGE, "Rules in force.", oc_policy_get_n_rules (policy) },
    { "rules_stale", GAUGE, "1 when the last reload failed and older rules are in force.",
      oc_rules_get_last_error (api->s.rules) != NULL },
    { "rules_loaded_timestamp_seconds", GAUGE, "When the rules in force were loaded.",
      (guint64) MAX (oc_rules_get_loaded_us (api->s.rules), 0) / G_USEC_PER_SEC },
    { "rule_requests_waiting", GAUGE, "Rule requests that wait for a decision.",
      oc_requests_count_pending (api->s.requests) },
    { "event_streams", GAUGE, "Clients of the event stream now.",
      oc_host_events_count_streams (api->events) },
  };

  add_metrics (writer, metrics, G_N_ELEMENTS (metrics));
}

static void
add_build (Writer *writer)
{
  if (writer->plain)
    begin_family (writer, "build_info", GAUGE, "The version.");
  else
    g_string_append (writer->out, "# HELP outcall_build The version.\n"
                                  "# TYPE outcall_build info\n");
  add_sample (writer, "build_info", GAUGE, "version=\"" PACKAGE_VERSION "\"", 1);
}

static void
add_log_metrics (OcHostApi *api, Writer *writer)
{
  OcLogCounters log;

  oc_log_get_counters (api->s.log, &log);
  begin_family (writer, "decisions", COUNTER, "Verdicts since the start.");
  add_sample (writer, "decisions", COUNTER, "verdict=\"allowed\"", log.allowed);
  add_sample (writer, "decisions", COUNTER, "verdict=\"blocked\"", log.blocked);
  {
    const Metric metrics[] = {
      { "decisions_not_logged", COUNTER, "Verdicts that the log in memory missed.",
        log.left_out },
      { "journal_records_left_out", COUNTER, "Blocks over the journal's rate limit.",
        log.journal_left_out },
      { "audit_records_left_out", COUNTER, "Records that the audit file missed.",
        log.audit_left_out },
    };

    add_metrics (writer, metrics, G_N_ELEMENTS (metrics));
  }
}

static void
add_upstream_metrics (OcHostApi *api, Writer *writer)
{
  OcDnsUpstreamStats stats[OC_DNS_UPSTREAMS_MAX];
  guint n = oc_dns_get_upstreams (api->s.dns, stats);

  if (n == 0)
    return;
  begin_family (writer, "dns_upstream_up", GAUGE, "Whether a name server answers.");
  for (guint i = 0; i < n; i++)
    {
      char text[OC_ADDRESS_TEXT_MAX];
      g_autofree char *labels = g_strdup_printf (
          "address=\"%s\",port=\"%u\"",
          oc_address_format (&stats[i].address, text, sizeof text), stats[i].port);

      add_sample (writer, "dns_upstream_up", GAUGE, labels, stats[i].up ? 1 : 0);
    }
}

static void
add_dns_metrics (OcHostApi *api, Writer *writer)
{
  OcDnsStats dns;

  oc_dns_get_stats (api->s.dns, &dns);
  {
    const Metric metrics[] = {
      { "dns_queries", COUNTER, "Questions.", dns.queries },
      { "dns_allowed", COUNTER, "Questions that the policy allowed.", dns.allowed },
      { "dns_blocked", COUNTER, "Questions that the policy refused.", dns.blocked },
      { "dns_refused", COUNTER, "Questions of a kind that is not answered.", dns.refused },
      { "dns_malformed", COUNTER, "Messages that are not DNS.", dns.malformed },
      { "dns_rate_limited", COUNTER, "Questions over a limit.", dns.rate_limited },
      { "dns_cache_hits", COUNTER, "Answers from the cache.", dns.cache_hits },
      { "dns_cache_misses", COUNTER, "Answers not in the cache.", dns.cache_misses },
      { "dns_upstream_queries", COUNTER, "Questions to upstreams.", dns.upstream_queries },
      { "dns_upstream_failures", COUNTER, "Questions without an upstream answer.",
        dns.upstream_failures },
      { "dns_addresses_removed", COUNTER, "Addresses taken out of answers.",
        dns.addresses_removed },
      { "dns_spoofed", COUNTER, "Datagrams that answered no question.", dns.spoofed },
      { "dns_cache_entries", GAUGE, "Answers in the cache.", dns.cache_entries },
    };

    add_metrics (writer, metrics, G_N_ELEMENTS (metrics));
  }
  add_upstream_metrics (api, writer);
}

static void
add_proxy_metrics (OcHostApi *api, Writer *writer)
{
  OcProxyStats proxy;

  if (api->s.proxy == NULL)
    return;
  oc_proxy_get_stats (api->s.proxy, &proxy);
  {
    const Metric metrics[] = {
      { "proxy_connections", COUNTER, "Connections.", proxy.connections },
      { "proxy_requests", COUNTER, "Requests.", proxy.requests },
      { "proxy_tunnels", COUNTER, "Tunnels.", proxy.tunnels },
      { "proxy_blocked", COUNTER, "Requests that the policy refused.", proxy.blocked },
      { "proxy_refused", COUNTER, "Requests that are not valid HTTP or over a limit.",
        proxy.refused },
      { "proxy_upstream_errors", COUNTER, "Upstreams that failed.", proxy.upstream_errors },
      { "proxy_bytes_up", COUNTER, "Bytes from workloads.", proxy.bytes_up },
      { "proxy_bytes_down", COUNTER, "Bytes to workloads.", proxy.bytes_down },
      { "proxy_active", GAUGE, "Connections now.", proxy.active },
    };

    add_metrics (writer, metrics, G_N_ELEMENTS (metrics));
  }
  begin_family (writer, "proxy_refusals", COUNTER, "What was turned away, by reason.");
  for (guint i = 0; i < OC_PROXY_N_REASONS; i++)
    {
      g_autofree char *labels = g_strdup_printf ("reason=\"%s\"", oc_proxy_reason_name (i));

      add_sample (writer, "proxy_refusals", COUNTER, labels, proxy.reasons[i]);
    }
}

static void
add_kernel_metrics (OcHostApi *api, Writer *writer)
{
  g_autoptr (GArray) kernel = oc_firewall_get_counters (api->s.firewall, NULL);
  g_autoptr (GPtrArray) networks = oc_networks_list (api->s.networks);
  const Metric metrics[] = {
    { "networks", GAUGE, "Bridges with a subnet.", networks->len },
    { "grants", GAUGE, "Direct connections allowed now.",
      oc_firewall_count_grants (api->s.firewall) },
    { "ruleset_checks", COUNTER, "Looks because another tool changed nftables.",
      oc_firewall_get_n_looks (api->s.firewall) },
    { "ruleset_restored", COUNTER, "Changes by other tools that were undone.",
      oc_firewall_get_n_restored (api->s.firewall, NULL) },
    { "bridges_repaired", COUNTER, "Bridges and ports put right.",
      oc_networks_get_n_repairs (api->s.networks) },
    { "link_notifications_lost", COUNTER, "Overflows, each followed by a look at all.",
      oc_networks_get_n_overruns (api->s.networks) },
  };

  add_metrics (writer, metrics, G_N_ELEMENTS (metrics));
  if (kernel == NULL || kernel->len == 0)
    return;
  begin_family (writer, "packets", COUNTER, "Packets by the ruleset's counters.");
  for (guint i = 0; i < kernel->len; i++)
    {
      const OcFirewallCounter *counter = &g_array_index (kernel, OcFirewallCounter, i);
      g_autofree char *labels = g_strdup_printf ("counter=\"%s\"", counter->name);

      add_sample (writer, "packets", COUNTER, labels, counter->packets);
    }
  begin_family (writer, "packet_bytes", COUNTER, "Their bytes.");
  for (guint i = 0; i < kernel->len; i++)
    {
      const OcFirewallCounter *counter = &g_array_index (kernel, OcFirewallCounter, i);
      g_autofree char *labels = g_strdup_printf ("counter=\"%s\"", counter->name);

      add_sample (writer, "packet_bytes", COUNTER, labels, counter->bytes);
    }
}

/* The older format only for those who name it and not the newer one. */
static gboolean
wants_plain (OcApiRequest *request)
{
  const char *accept = oc_api_request_get_header (request, "accept");

  return accept != NULL && strstr (accept, "text/plain") != NULL
         && strstr (accept, "openmetrics") == NULL;
}

void
oc_host_api_get_metrics (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GString) out = g_string_new (NULL);
  Writer writer = { out, wants_plain (request) };

  add_build (&writer);
  add_daemon_metrics (api, &writer);
  add_log_metrics (api, &writer);
  add_dns_metrics (api, &writer);
  add_proxy_metrics (api, &writer);
  add_kernel_metrics (api, &writer);
  if (!writer.plain)
    g_string_append (out, "# EOF\n");
  oc_api_request_reply_text (
      request, 200,
      writer.plain ? "text/plain; version=0.0.4; charset=utf-8"
                   : "application/openmetrics-text; version=1.0.0; charset=utf-8",
      out->str);
}
