/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What runs confined in one project: outcall agent --list, --stop, --logs.
 */
#include "config.h"

#include "agent-running.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

/* Returns: OC_EXIT_OK, or the exit code after the reason has been printed. */
static int
fetch (OcCli *cli, const char *project, GPtrArray **out)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GPtrArray) workloads = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_call (cli, "GET", "/api/v1/workloads", NULL, &data);

  if (code != OC_EXIT_OK)
    return code;
  workloads = outcall_workload_list_from_json (data, &error);
  if (workloads == NULL)
    return oc_cli_bad_answer (cli, error);
  for (guint i = workloads->len; i > 0; i--)
    if (g_strcmp0 (((OutcallWorkload *) workloads->pdata[i - 1])->project, project) != 0)
      g_ptr_array_remove_index (workloads, i - 1);
  *out = g_steal_pointer (&workloads);
  return OC_EXIT_OK;
}

/* For each that runs in the project the command @run, with its name as the last argument. */
static int
run_for_each (OcCli *cli, GPtrArray *workloads, int (*run) (OcCli *, int, char **),
              const char *const *arguments)
{
  int result = OC_EXIT_OK;

  for (guint i = 0; i < workloads->len; i++)
    {
      g_autoptr (GPtrArray) argv = g_ptr_array_new ();
      int code;

      for (const char *const *p = arguments; *p != NULL; p++)
        g_ptr_array_add (argv, (gpointer) *p);
      g_ptr_array_add (argv, ((OutcallWorkload *) workloads->pdata[i])->name);
      g_ptr_array_add (argv, NULL);
      code = run (cli, (int) argv->len - 1, (char **) argv->pdata);
      if (code != OC_EXIT_OK)
        result = code;
    }
  return result;
}

static int
list (OcCli *cli, GPtrArray *workloads)
{
  g_autoptr (JsonNode) node = NULL;

  if (cli->json)
    {
      node = outcall_workload_list_to_json (workloads);
      oc_cli_print_json (node);
    }
  else
    oc_cli_print_workloads (cli, workloads);
  return OC_EXIT_OK;
}

/* --- As JSON: one list, whatever runs ------------------------------------------------- */

/* The answer about one of them; a list's elements stand for themselves. */
static void
append (JsonArray *all, JsonNode *data)
{
  JsonArray *part = JSON_NODE_HOLDS_ARRAY (data) ? json_node_get_array (data) : NULL;

  if (part == NULL)
    json_array_add_element (all, json_node_copy (data));
  for (guint i = 0; part != NULL && i < json_array_get_length (part); i++)
    json_array_add_element (all, json_node_copy (json_array_get_element (part, i)));
}

static int
ask (OcCli *cli, const char *name, OcAgentVerb verb, JsonNode **out)
{
  const OutcallStopRequest stop = { .name = (char *) name,
                                    .has_timeout_s = true,
                                    .timeout_s = OUTCALL_DEFAULT_STOP_TIMEOUT_SECS };
  g_autofree char *target = oc_cli_make_target ("/api/v1/log", "agent", name, NULL);

  if (verb == OC_AGENT_STOP)
    return oc_cli_call (cli, "POST", "/api/v1/workload/stop", outcall_stop_request_to_json (&stop),
                        out);
  return oc_cli_call (cli, "GET", target, NULL, out);
}

static int
print_as_json (OcCli *cli, GPtrArray *workloads, OcAgentVerb verb)
{
  g_autoptr (JsonArray) all = json_array_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  int result = OC_EXIT_OK;

  for (guint i = 0; i < workloads->len; i++)
    {
      g_autoptr (JsonNode) data = NULL;
      int code = ask (cli, ((OutcallWorkload *) workloads->pdata[i])->name, verb, &data);

      if (code != OC_EXIT_OK)
        result = code;
      else if (data != NULL)
        append (all, data);
    }
  json_node_set_array (node, all);
  oc_cli_print_json (node);
  return result;
}

int
oc_agent_running (OcCli *cli, const char *project, OcAgentVerb verb)
{
  static const char *const stop[] = { "stop", NULL };
  static const char *const log[] = { "log", "--agent", NULL };
  g_autoptr (GPtrArray) workloads = NULL;
  int code = fetch (cli, project, &workloads);

  if (code != OC_EXIT_OK)
    return code;
  if (workloads->len == 0 && !cli->json)
    puts (_("Nothing runs confined in this project."));
  if (cli->json && verb != OC_AGENT_LIST)
    return print_as_json (cli, workloads, verb);
  switch (verb)
    {
    case OC_AGENT_LIST:
      return list (cli, workloads);
    case OC_AGENT_STOP:
      return run_for_each (cli, workloads, oc_cmd_stop, stop);
    case OC_AGENT_LOGS:
    default:
      return run_for_each (cli, workloads, oc_cmd_log, log);
    }
}
