/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <inttypes.h>
#include <stdio.h>

static void
print_numbers (OcCli *cli, const OutcallProxyStats *stats)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);
  g_autofree char *up = g_format_size (stats->bytes_up);
  g_autofree char *down = g_format_size (stats->bytes_down);

  oc_table_add_count (table, _("Port"), stats->port);
  if (stats->upstream_proxy != NULL)
    oc_table_add_pair (table, _("Goes out through"), stats->upstream_proxy);
  oc_table_add_count (table, _("Connections now"), stats->active);
  oc_table_add_count (table, _("Connections"), stats->connections);
  oc_table_add_count (table, _("Requests"), stats->requests);
  oc_table_add_count (table, _("Tunnels"), stats->tunnels);
  oc_table_add_count (table, _("Blocked"), stats->blocked);
  oc_table_add_count (table, _("Refused"), stats->refused);
  oc_table_add_count (table, _("Upstream failures"), stats->upstream_errors);
  oc_table_add_pair (table, _("Sent by programs"), up);
  oc_table_add_pair (table, _("Sent to programs"), down);
  oc_table_print (table);
}

/* The names are the API's own words. */
static void
print_reasons (OcCli *cli, const OutcallProxyStats *stats)
{
  const char *const headings[] = { _("TURNED AWAY FOR"), _(">TIMES"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (gsize i = 0; i < stats->n_reasons; i++)
    {
      if (stats->reasons[i]->value == 0)
        continue;
      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_PLAIN, stats->reasons[i]->name);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, stats->reasons[i]->value);
    }
  putchar ('\n');
  oc_table_print (table);
}

static void
add_bytes (OcTable *table, guint64 up, guint64 down)
{
  g_autofree char *up_text = g_format_size (up);
  g_autofree char *down_text = g_format_size (down);

  oc_table_add_cell (table, OC_STYLE_PLAIN, up_text);
  oc_table_add_cell (table, OC_STYLE_PLAIN, down_text);
}

static void
print_workloads (OcCli *cli, const OutcallProxyStats *stats)
{
  const char *const headings[] = { _("PROGRAM"),   _(">CONNECTIONS"), _(">REQUESTS"),
                                   _(">BLOCKED"), _(">SENT"),        _(">RECEIVED"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (gsize i = 0; i < stats->n_workloads; i++)
    {
      const OutcallProxyWorkload *workload = stats->workloads[i];

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, workload->workload);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, workload->connections);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, workload->requests);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, workload->blocked);
      add_bytes (table, workload->bytes_up, workload->bytes_down);
    }
  putchar ('\n');
  oc_table_print (table);
}

static void
print_rules (OcCli *cli, const OutcallProxyStats *stats)
{
  const char *const headings[] = { _("RULE"),     _(">HITS"), _(">CONNECTIONS"),
                                   _(">BLOCKED"), _(">SENT"), _(">RECEIVED"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (gsize i = 0; i < stats->n_rules; i++)
    {
      const OutcallProxyRule *rule = stats->rules[i];

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, rule->rule);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, rule->hits);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, rule->connections);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, rule->blocked);
      add_bytes (table, rule->bytes_up, rule->bytes_down);
    }
  putchar ('\n');
  oc_table_print (table);
}

int
oc_cmd_proxy_status (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallProxyStats) stats = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/proxy", &data);

  if (code >= 0)
    return code;
  stats = outcall_proxy_stats_from_json (data, &error);
  if (stats == NULL)
    return oc_cli_bad_answer (cli, error);
  print_numbers (cli, stats);
  if (stats->blocked > 0 || stats->refused > 0)
    print_reasons (cli, stats);
  if (stats->n_workloads > 0)
    print_workloads (cli, stats);
  if (stats->n_rules > 0)
    print_rules (cli, stats);
  return OC_EXIT_OK;
}
