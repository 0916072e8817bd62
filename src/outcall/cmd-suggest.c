/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"
#include "suggest.h"

#include <stdio.h>

static void
print_as_json (const char *yaml, guint n_rules)
{
  JsonObject *object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "rule_file", yaml);
  json_object_set_int_member (object, "rules", n_rules);
  json_node_take_object (node, object);
  oc_cli_print_json (node);
}

static int
fetch (OcCli *cli, const char *target, GPtrArray *out)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_call (cli, "GET", target, NULL, &data);

  if (code != OC_EXIT_OK)
    return code;
  list = outcall_decision_list_from_json (data, &error);
  if (list == NULL)
    return oc_cli_bad_answer (cli, error);
  g_ptr_array_extend_and_steal (out, g_steal_pointer (&list));
  return OC_EXIT_OK;
}

int
oc_suggest_fetch (OcCli *cli, const char *agent, const char *since, GPtrArray **out)
{
  g_autofree char *blocked = oc_cli_make_target ("/api/v1/log", "agent", agent, "since", since,
                                                 "verdict", "blocked", "limit", "65536", NULL);
  g_autofree char *learned
      = oc_cli_make_target ("/api/v1/log", "agent", agent, "since", since, "verdict", "allowed",
                            "rule", OC_SUGGEST_LEARNED, "limit", "65536", NULL);
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_decision_free);
  int code = fetch (cli, blocked, list);

  if (code == OC_EXIT_OK)
    code = fetch (cli, learned, list);
  if (code == OC_EXIT_OK)
    *out = g_steal_pointer (&list);
  return code;
}

void
oc_suggest_tell_learned (OcCli *cli, const char *workload, gint64 since_us)
{
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_utc (since_us / G_USEC_PER_SEC);
  g_autofree char *second = g_date_time_format (moment, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *since = g_strdup_printf ("%s.%06dZ", second, (int) (since_us % G_USEC_PER_SEC));
  g_autoptr (GPtrArray) decisions = NULL;
  g_autofree char *yaml = NULL;
  guint n_rules = 0;

  if (oc_suggest_fetch (cli, workload, since, &decisions) != OC_EXIT_OK)
    return;
  yaml = oc_suggest (decisions, &n_rules);
  if (n_rules == 0)
    fprintf (stderr, _("outcall: %s asked for nothing that the rules do not allow already.\n"),
             workload);
  else
    /* TRANSLATORS: a rule file follows */
    fprintf (stderr,
             _("outcall: %s was let through to hosts that no rule is about. Rules for them; read "
               "them, and save what is right in the rules directory:\n\n%s"),
             workload, yaml);
}

int
oc_cmd_suggest (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL, *since = NULL, *yaml = NULL;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only of this agent"), N_("NAME") },
    { "since", 0, 0, G_OPTION_ARG_STRING, &since, N_("Only since then: 30m, 8h, 2d or a time"),
      N_("TIME") },
    { 0 },
  };
  g_autoptr (GPtrArray) decisions = NULL;
  guint n_rules = 0;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  code = oc_suggest_fetch (cli, agent, since, &decisions);
  if (code != OC_EXIT_OK)
    return code;
  yaml = oc_suggest (decisions, &n_rules);
  if (cli->json)
    {
      print_as_json (yaml, n_rules);
      return OC_EXIT_OK;
    }
  fputs (yaml, stdout);
  if (n_rules == 0)
    fputs (_("outcall: nothing was blocked for want of a rule\n"), stderr);
  else
    fputs (_("outcall: read it, keep what is right, save it in the rules directory, then: "
             "outcall rules reload\n"),
           stderr);
  return OC_EXIT_OK;
}
