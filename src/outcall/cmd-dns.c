/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

/* --- dns status -------------------------------------------------------------------- */

static void
add_servers (OcTable *table, const OutcallDnsStats *stats)
{
  for (gsize i = 0; i < stats->n_servers; i++)
    {
      const OutcallDnsUpstream *server = stats->servers[i];
      double latency_ms = (double) server->latency_us / 1000;
      g_autofree char *text = NULL;

      if (!server->up)
        /* TRANSLATORS: a name server's address and port */
        text = g_strdup_printf (_("%s port %u: does not answer"), server->address, server->port);
      else if (server->latency_us == 0)
        text = g_strdup_printf (_("%s port %u"), server->address, server->port);
      else
        text = g_strdup_printf (_("%s port %u: answers in %.1f ms"), server->address,
                                server->port, latency_ms);
      oc_table_add_pair (table, i == 0 ? _("Name servers") : "", text);
    }
}

int
oc_cmd_dns_status (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallDnsStats) stats = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcTable) table = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/dns", &data);

  if (code >= 0)
    return code;
  stats = outcall_dns_stats_from_json (data, &error);
  if (stats == NULL)
    return oc_cli_bad_answer (cli, error);
  table = oc_table_new_pairs (cli);
  oc_table_add_count (table, _("Port"), stats->port);
  oc_table_add_pair (table, _("Upstreams"),
                     stats->upstreams != NULL ? stats->upstreams : _("this host's resolv.conf"));
  add_servers (table, stats);
  oc_table_add_count (table, _("Questions"), stats->queries);
  oc_table_add_count (table, _("Allowed"), stats->allowed);
  oc_table_add_count (table, _("Blocked"), stats->blocked);
  oc_table_add_count (table, _("Refused"), stats->refused);
  oc_table_add_count (table, _("Malformed"), stats->malformed);
  oc_table_add_count (table, _("Over the rate limit"), stats->rate_limited);
  oc_table_add_count (table, _("Answers in the cache"), stats->cache_entries);
  oc_table_add_count (table, _("Cache hits"), stats->cache_hits);
  oc_table_add_count (table, _("Cache misses"), stats->cache_misses);
  oc_table_add_count (table, _("Upstream questions"), stats->upstream_queries);
  oc_table_add_count (table, _("Upstream failures"), stats->upstream_failures);
  oc_table_add_count (table, _("Addresses removed"), stats->addresses_removed);
  oc_table_add_count (table, _("Forged answers"), stats->spoofed);
  oc_table_print (table);
  return OC_EXIT_OK;
}

/* --- dns cache ---------------------------------------------------------------------- */

static const char *
rcode_text (guint64 rcode)
{
  return rcode == 0 ? _("answer") : rcode == 3 ? _("no such name") : _("error");
}

static void
add_entry (OcTable *table, const OutcallDnsCacheEntry *entry)
{
  gboolean stale = entry->ttl_s <= 0;

  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_BOLD, entry->name);
  oc_table_add_cell (table, OC_STYLE_PLAIN, entry->type);
  oc_table_add_cell (table, OC_STYLE_PLAIN, rcode_text (entry->rcode));
  oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" G_GUINT64_FORMAT, entry->records);
  if (stale)
    oc_table_add_cell (table, OC_STYLE_BAD, _("out of date"));
  else
    oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" G_GINT64_FORMAT " s", entry->ttl_s);
}

static void
print_cache (OcCli *cli, const OutcallDnsCache *cache)
{
  const char *const headings[]
      = { _("Name"), _("Type"), _("What"), _(">Records"), _(">Time left"), NULL };
  g_autofree char *bytes = g_format_size (cache->bytes);
  g_autoptr (OcTable) table = NULL;

  /* TRANSLATORS: numbers and a size: "12 of 10000 answers, 4.5 kB" */
  printf (_("%u of %u answers, %s\n"), (guint) cache->answers, (guint) cache->answers_max, bytes);
  if (cache->n_entries == 0)
    return;
  table = oc_table_new (cli, headings);
  for (gsize i = 0; i < cache->n_entries; i++)
    add_entry (table, cache->entries[i]);
  oc_table_print (table);
}

int
oc_cmd_dns_cache (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallDnsCache) cache = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/dns/cache?entries=true", &data);

  if (code >= 0)
    return code;
  cache = outcall_dns_cache_from_json (data, &error);
  if (cache == NULL)
    return oc_cli_bad_answer (cli, error);
  print_cache (cli, cache);
  return OC_EXIT_OK;
}

/* --- dns flush ---------------------------------------------------------------------- */

int
oc_cmd_dns_flush (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "POST", "/api/v1/dns/cache/flush", &data);

  if (code >= 0)
    return code;
  puts (_("The DNS cache is empty now."));
  return OC_EXIT_OK;
}

/* --- dns test ----------------------------------------------------------------------- */

static const char *
get_string (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static void
add_addresses (OcTable *table, JsonObject *answer)
{
  JsonArray *addresses = json_object_get_array_member (answer, "addresses");

  for (guint i = 0; i < json_array_get_length (addresses); i++)
    {
      JsonObject *entry = json_array_get_object_element (addresses, i);
      const char *class = get_string (entry, "class");
      g_autofree char *text = NULL;

      if (g_strcmp0 (class, "public") == 0)
        text = g_strdup (get_string (entry, "address"));
      else
        /* TRANSLATORS: an address, then what it is: "private", "loopback" … */
        text = g_strdup_printf (_("%s (%s: removed unless the rule allows it)"),
                                get_string (entry, "address"), class);
      oc_table_add_pair (table, i == 0 ? _("Addresses") : "", text);
    }
}

static const char *
look_up_text (const char *status)
{
  if (g_strcmp0 (status, "no_name") == 0)
    return _("there is no such name");
  if (g_strcmp0 (status, "failed") == 0)
    return _("no upstream answered");
  if (g_strcmp0 (status, "not_asked") == 0)
    return _("nothing was sent anywhere");
  return _("answered");
}

static void
print_test (OcCli *cli, JsonObject *answer)
{
  gboolean allowed = json_object_get_boolean_member (answer, "allowed");
  const char *rule = get_string (answer, "matched_rule");
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);

  oc_table_add_pair (table, _("Name"), get_string (answer, "name"));
  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_PLAIN, _("Verdict"));
  oc_table_add_cell (table, allowed ? OC_STYLE_GOOD : OC_STYLE_BAD,
                     allowed ? _("allowed") : _("blocked"));
  oc_table_add_pair (table, _("Rule"), rule != NULL ? rule : _("none: the default"));
  if (get_string (answer, "reason") != NULL)
    oc_table_add_pair (table, _("Reason"), get_string (answer, "reason"));
  oc_table_add_pair (table, _("Look-up"), look_up_text (get_string (answer, "status")));
  if (json_object_has_member (answer, "addresses"))
    add_addresses (table, answer);
  oc_table_print (table);
}

int
oc_cmd_dns_test (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Ask as this agent"), N_("NAME") },
    { 0 },
  };
  g_autoptr (JsonNode) data = NULL;
  OutcallDnsTestRequest request = { 0 };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("one host NAME is needed"));
  request.name = argv[1];
  request.agent = agent;
  code = oc_cli_fetch (cli, "POST", "/api/v1/dns/test", outcall_dns_test_request_to_json (&request),
                       &data);
  if (code >= 0)
    return code;
  if (!JSON_NODE_HOLDS_OBJECT (data))
    return oc_cli_error (_("outcalld's answer cannot be read"));
  print_test (cli, json_node_get_object (data));
  return OC_EXIT_OK;
}
