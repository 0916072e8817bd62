/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

/* --- ps -------------------------------------------------------------------------- */

static const char *
kind_text (const OutcallWorkload *workload)
{
  if (workload->learning)
    return _("sandbox, learning");
  return workload->runtime == OUTCALL_RUNTIME_ENGINE ? _("container") : _("sandbox");
}

void
oc_cli_print_workloads (OcCli *cli, GPtrArray *workloads)
{
  const char *const headings[] = { _("NAME"),  _("KIND"), _("NETWORK"), _("ADDRESS"),
                                   _(">PID"), _(">AGE"), _("COMMAND"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (guint i = 0; i < workloads->len; i++)
    {
      const OutcallWorkload *workload = workloads->pdata[i];
      g_autofree char *age = oc_cli_age_since (workload->started_at_us);

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, workload->name);
      oc_table_add_cell (table, OC_STYLE_PLAIN, kind_text (workload));
      oc_table_add_cell (table, OC_STYLE_PLAIN, workload->network);
      oc_table_add_cell (table, OC_STYLE_PLAIN, workload->address);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%d", workload->pid);
      oc_table_add_cell (table, OC_STYLE_PLAIN, age);
      oc_table_add_cell (table, OC_STYLE_PLAIN, workload->command);
    }
  oc_table_print (table);
}

int
oc_cmd_ps (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GPtrArray) workloads = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/workloads", &data);

  if (code >= 0)
    return code;
  workloads = outcall_workload_list_from_json (data, &error);
  if (workloads == NULL)
    return oc_cli_bad_answer (cli, error);
  if (workloads->len == 0)
    puts (_("No confined program is running. Start one: outcall run -- COMMAND"));
  oc_cli_print_workloads (cli, workloads);
  return OC_EXIT_OK;
}

/* --- stop ------------------------------------------------------------------------ */

int
oc_cmd_stop (OcCli *cli, int argc, char **argv)
{
  int timeout_s = OUTCALL_DEFAULT_STOP_TIMEOUT_SECS;
  const GOptionEntry entries[] = {
    { "time", 't', 0, G_OPTION_ARG_INT, &timeout_s, N_("Seconds before it is killed"),
      N_("SECONDS") },
    { 0 },
  };
  OutcallStopRequest request = { .has_timeout_s = true };
  g_autoptr (OutcallWorkloadStopped) stopped = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("one NAME is needed; outcall ps lists them"));
  if (timeout_s < 0)
    return oc_cli_usage_error (cli, _("the time must not be negative"));
  request.name = argv[1];
  request.timeout_s = (uint64_t) timeout_s;
  cli->patience_s = (guint) timeout_s;
  code = oc_cli_fetch (cli, "POST", "/api/v1/workload/stop", outcall_stop_request_to_json (&request),
                       &data);
  if (code >= 0)
    return code;
  stopped = outcall_workload_stopped_from_json (data, &error);
  if (stopped == NULL)
    return oc_cli_bad_answer (cli, error);
  name = oc_cli_clean (argv[1]);
  printf (stopped->stopped ? _("%s is being stopped.\n") : _("%s was not running.\n"), name);
  return OC_EXIT_OK;
}

/* --- inspect ----------------------------------------------------------------------- */

static void
print_workload (OcCli *cli, const OutcallWorkload *workload)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);
  g_autofree char *age = oc_cli_age_since (workload->started_at_us);

  oc_table_add_pair (table, _("Name"), workload->name);
  oc_table_add_pair (table, _("Kind"), kind_text (workload));
  oc_table_add_pair (table, _("Id"), workload->id);
  if (workload->image != NULL)
    oc_table_add_pair (table, _("Image"), workload->image);
  oc_table_add_pair (table, _("Network"), workload->network);
  oc_table_add_pair (table, _("Address"), workload->address);
  oc_table_add_pair (table, _("Hardware address"), workload->mac);
  oc_table_add_count (table, _("Process"), (guint64) MAX (workload->pid, 0));
  oc_table_add_count (table, _("User"), workload->uid);
  oc_table_add_pair (table, _("Running for"), age);
  oc_table_add_pair (table, _("Command"), workload->command);
  if (workload->project != NULL)
    oc_table_add_pair (table, _("Project"), workload->project);
  oc_table_print (table);
}

int
oc_cmd_inspect (OcCli *cli, int argc, char **argv)
{
  g_autoptr (OutcallWorkload) workload = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *target = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("one NAME is needed; outcall ps lists them"));
  target = oc_cli_make_target ("/api/v1/workload", "name", argv[1], NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  workload = outcall_workload_from_json (data, &error);
  if (workload == NULL)
    return oc_cli_bad_answer (cli, error);
  print_workload (cli, workload);
  return OC_EXIT_OK;
}

/* --- logs ---------------------------------------------------------------------------- */

int
oc_cmd_logs (OcCli *cli, int argc, char **argv)
{
  g_autofree char *tail = NULL;
  const GOptionEntry entries[] = {
    { "tail", 'n', 0, G_OPTION_ARG_STRING, &tail, N_("Only the last so many lines"),
      N_("NUMBER") },
    { 0 },
  };
  g_autoptr (JsonNode) data = NULL;
  g_autofree char *target = NULL;
  const char *text;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("one NAME is needed; outcall ps lists them"));
  target = oc_cli_make_target ("/api/v1/workload/logs", "name", argv[1], "tail", tail, NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  text = JSON_NODE_HOLDS_VALUE (data) ? json_node_get_string (data) : NULL;
  if (text != NULL)
    oc_cli_print_text (text);
  return OC_EXIT_OK;
}
