/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

/* What the numbers suggest to do next. */
static const char *
next_command (guint n_workloads, guint64 n_rules, guint64 n_blocked, guint64 n_waiting)
{
  if (n_waiting > 0)
    return _("Agents ask for access: outcall requests list");
  if (n_rules == 0)
    return _("Nothing is allowed yet. Allow a host: outcall allow example.org");
  if (n_workloads == 0)
    return _("Run a program confined: outcall run -- COMMAND");
  if (n_blocked > 0)
    return _("See what was refused: outcall log --blocked");
  return _("Watch the decisions: outcall log --follow");
}

static guint64
get_counter (const OutcallStatus *status, const char *name)
{
  for (gsize i = 0; i < status->n_counters; i++)
    if (g_str_equal (status->counters[i]->name, name))
      return status->counters[i]->value;
  return 0;
}

static void
print_overview (const OutcallStatus *status)
{
  gulong workloads = (gulong) get_counter (status, "workloads");
  gulong rules = (gulong) get_counter (status, "rules");
  gulong blocked = (gulong) get_counter (status, "decisions_blocked");

  printf (ngettext ("%lu confined program is running.\n", "%lu confined programs are running.\n",
                    workloads),
          workloads);
  printf (ngettext ("%lu rule is in force.\n", "%lu rules are in force.\n", rules), rules);
  printf (ngettext ("%lu request was refused since the start.\n",
                    "%lu requests were refused since the start.\n", blocked),
          blocked);
  printf ("\n%s\n", next_command ((guint) workloads, rules, blocked,
                                 get_counter (status, "rule_requests_waiting")));
}

int
oc_cmd_overview (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallStatus) status = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  code = oc_cli_fetch (cli, "GET", "/api/v1/status", NULL, &data);
  if (code == OC_EXIT_FAILED)
    fputs (_("Start it with: systemctl enable --now outcalld\n"), stderr);
  if (code >= 0)
    return code;
  status = outcall_status_from_json (data, &error);
  if (status == NULL)
    return oc_cli_bad_answer (cli, error);
  print_overview (status);
  return OC_EXIT_OK;
}
