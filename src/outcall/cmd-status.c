/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

static OcStyle
state_style (OutcallState state)
{
  switch (state)
    {
    case OUTCALL_STATE_RUNNING:
      return OC_STYLE_GOOD;
    case OUTCALL_STATE_DISABLED:
      return OC_STYLE_DIM;
    case OUTCALL_STATE_UNAVAILABLE:
      return OC_STYLE_BAD;
    default:
      return OC_STYLE_WARN;
    }
}

static const char *
state_text (OutcallState state)
{
  switch (state)
    {
    case OUTCALL_STATE_STARTING:
      return _("starting");
    case OUTCALL_STATE_RUNNING:
      return _("running");
    case OUTCALL_STATE_DEGRADED:
      return _("degraded");
    case OUTCALL_STATE_UNAVAILABLE:
      return _("unavailable");
    case OUTCALL_STATE_DISABLED:
    default:
      return _("disabled");
    }
}

static void
print_subsystems (OcCli *cli, const OutcallStatus *status)
{
  const char *const headings[] = { _("PART"), _("STATE"), _("REASON"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (gsize i = 0; i < status->n_subsystems; i++)
    {
      const OutcallSubsystem *part = status->subsystems[i];

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_PLAIN, part->name);
      oc_table_add_cell (table, state_style (part->state), state_text (part->state));
      oc_table_add_cell (table, OC_STYLE_PLAIN, part->reason);
    }
  oc_table_print (table);
}

/* What an operator looks for; the rest is for --json and `metrics`. */
static const struct
{
  const char *name, *label;
  gboolean always; /* also when it is 0 */
} counters[] = {
  { "workloads", N_("Confined programs"), TRUE },
  { "rules", N_("Rules in force"), TRUE },
  { "rule_files", N_("Rule files"), TRUE },
  { "grants", N_("Grants in the kernel"), FALSE },
  { "rule_requests_waiting", N_("Rule requests that wait"), FALSE },
  { "decisions_allowed", N_("Allowed since the start"), TRUE },
  { "decisions_blocked", N_("Refused since the start"), TRUE },
  { "decisions_not_logged", N_("Decisions missing in the log"), FALSE },
  { "audit_records_left_out", N_("Records missing in the audit file"), FALSE },
};

static void
print_counters (OcCli *cli, const OutcallStatus *status)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);

  for (gsize i = 0; i < G_N_ELEMENTS (counters); i++)
    for (gsize k = 0; k < status->n_counters; k++)
      if (g_str_equal (status->counters[k]->name, counters[i].name)
          && (counters[i].always || status->counters[k]->value > 0))
        oc_table_add_count (table, _(counters[i].label), status->counters[k]->value);
  putchar ('\n');
  oc_table_print (table);
}

int
oc_cmd_status (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallStatus) status = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *age = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  code = oc_cli_fetch (cli, "GET", "/api/v1/status", NULL, &data);
  if (code >= 0)
    return code;
  status = outcall_status_from_json (data, &error);
  if (status == NULL)
    return oc_cli_bad_answer (cli, error);
  age = oc_cli_age ((gint64) status->uptime_s);
  /* TRANSLATORS: a version, then a time like "3 hours" */
  printf (_("outcalld %s, running for %s\n\n"), status->version, age);
  print_subsystems (cli, status);
  print_counters (cli, status);
  return OC_EXIT_OK;
}
