/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cmd-rules.h"

#include "oc-cli-commands.h"

#include <inttypes.h>
#include <stdio.h>

static char *opt_rules_dir;

/* man/outcall.1 and the completions are to be kept in step. */
static const GOptionEntry dir_options[] = {
  { "rules-dir", 0, 0, G_OPTION_ARG_FILENAME, &opt_rules_dir,
    N_("Read the rule files in DIR, without a daemon"), N_("DIR") },
  { NULL },
};

/* --- list, show ---------------------------------------------------------------------- */

/* Returns: (transfer full) (nullable) (element-type OutcallRuleSummary) */
static GPtrArray *
list_local (OcCli *cli)
{
  g_auto (OcLocalRules) rules = { NULL, NULL };
  GPtrArray *list;

  oc_local_rules_load (&rules, opt_rules_dir, NULL, 0);
  if (!oc_local_rules_require (cli, &rules))
    return NULL;
  list = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_rule_summary_free);
  for (gsize i = 0; i < oc_policy_get_n_rules (rules.policy); i++)
    g_ptr_array_add (list, oc_local_rules_dup_summary (rules.policy,
                                                       oc_policy_get_rule (rules.policy, i)));
  return list;
}

/* Returns: (transfer full) (nullable): NULL after the reason was printed */
static GPtrArray *
list_remote (OcCli *cli)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *list;

  if (oc_cli_call (cli, "GET", "/api/v1/rules", NULL, &data) != OC_EXIT_OK)
    return NULL;
  list = outcall_rule_summary_list_from_json (data, &error);
  if (list == NULL)
    (void) oc_cli_bad_answer (cli, error);
  return list;
}

static void
add_rule_row (OcTable *table, const OutcallRuleSummary *rule)
{
  gboolean allow = rule->action == OUTCALL_RULE_ACTION_ALLOW;

  oc_table_add_row (table);
  oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRId64, rule->priority);
  oc_table_add_cell (table, OC_STYLE_BOLD, rule->id);
  oc_table_add_cell (table, allow ? OC_STYLE_GOOD : OC_STYLE_BAD,
                     allow ? C_ ("rule", "allow") : C_ ("rule", "block"));
  oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%" PRIu64, rule->hits);
  oc_table_add_cell_printf (table, rule->errors > 0 ? OC_STYLE_WARN : OC_STYLE_PLAIN,
                            "%" PRIu64, rule->errors);
  oc_table_add_cell_printf (table, OC_STYLE_DIM, "%s:%u", rule->file, rule->line);
  oc_table_add_cell (table, OC_STYLE_PLAIN, rule->description);
}

static void
print_rules (OcCli *cli, const GPtrArray *list)
{
  const char *const headings[] = { _(">PRIORITY"), _("RULE"),   _("ACTION"),      _(">HITS"),
                                   _(">ERRORS"),   _("SOURCE"), _("DESCRIPTION"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (guint i = 0; i < list->len; i++)
    add_rule_row (table, g_ptr_array_index (list, i));
  oc_table_print (table);
  if (list->len == 0)
    puts (_("No rules: everything is blocked. Allow a host with: outcall allow HOST"));
}

int
oc_cmd_rules_list (OcCli *cli, int argc, char **argv)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (JsonNode) json = NULL;
  int code = oc_cli_parse_options (cli, dir_options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  list = opt_rules_dir != NULL ? list_local (cli) : list_remote (cli);
  if (list == NULL)
    return OC_EXIT_FAILED;
  if (!cli->json)
    {
      print_rules (cli, list);
      return OC_EXIT_OK;
    }
  json = outcall_rule_summary_list_to_json (list);
  oc_cli_print_json (json);
  return OC_EXIT_OK;
}

static OutcallRuleSummary *
show_local (OcCli *cli, const char *id)
{
  g_auto (OcLocalRules) rules = { NULL, NULL };
  const OcRule *rule;

  oc_local_rules_load (&rules, opt_rules_dir, NULL, 0);
  if (!oc_local_rules_require (cli, &rules))
    return NULL;
  rule = oc_policy_lookup_rule (rules.policy, id);
  if (rule != NULL)
    return oc_local_rules_dup_summary (rules.policy, rule);
  (void) oc_cli_error (_("there is no rule '%s' in %s"), id, opt_rules_dir);
  return NULL;
}

static OutcallRuleSummary *
show_remote (OcCli *cli, const char *id)
{
  g_autofree char *escaped = g_uri_escape_string (id, NULL, FALSE);
  g_autofree char *target = g_strconcat ("/api/v1/rule/", escaped, NULL);
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  OutcallRuleSummary *rule;

  if (oc_cli_call (cli, "GET", target, NULL, &data) != OC_EXIT_OK)
    return NULL;
  rule = outcall_rule_summary_from_json (data, &error);
  if (rule == NULL)
    (void) oc_cli_bad_answer (cli, error);
  return rule;
}

static void
print_member (const char *name, const char *value)
{
  g_autofree char *clean = oc_cli_clean (value);

  if (value != NULL)
    printf ("%s %s\n", name, clean);
}

static void
print_rule (OcCli *cli, const OutcallRuleSummary *rule)
{
  g_autofree char *source = g_strdup_printf ("%s:%u", rule->file, rule->line);

  printf ("%s%s%s\n", oc_cli_style (cli, OC_STYLE_BOLD), rule->id, oc_cli_style_end (cli));
  print_member (_("description:"), rule->description);
  print_member (_("source:"), source);
  printf (_("priority: %" PRId64 "\n"), rule->priority);
  print_member (_("action:"), outcall_rule_action_to_string (rule->action));
  if (rule->action == OUTCALL_RULE_ACTION_ALLOW)
    print_member (_("egress:"), outcall_egress_mode_to_string (rule->mode));
  print_member (_("reason:"), rule->reason);
  print_member (_("condition:"), rule->condition);
  printf (_("hits: %" PRIu64 ", errors: %" PRIu64 "\n"), rule->hits, rule->errors);
}

int
oc_cmd_rules_show (OcCli *cli, int argc, char **argv)
{
  g_autoptr (OutcallRuleSummary) rule = NULL;
  g_autoptr (JsonNode) json = NULL;
  int code = oc_cli_parse_options (cli, dir_options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("one rule id is needed"));
  rule = opt_rules_dir != NULL ? show_local (cli, argv[1]) : show_remote (cli, argv[1]);
  if (rule == NULL)
    return OC_EXIT_FAILED;
  if (!cli->json)
    {
      print_rule (cli, rule);
      return OC_EXIT_OK;
    }
  json = outcall_rule_summary_to_json (rule);
  oc_cli_print_json (json);
  return OC_EXIT_OK;
}

/* --- reload ---------------------------------------------------------------------------- */

static void
print_remote_finding (const OutcallDiagnostic *diagnostic)
{
  OcDiagnostic plain = { diagnostic->severity == OUTCALL_SEVERITY_ERROR ? OC_DIAGNOSTIC_ERROR
                                                                        : OC_DIAGNOSTIC_WARNING,
                         diagnostic->file != NULL ? diagnostic->file : (char *) "",
                         diagnostic->line,
                         diagnostic->column,
                         diagnostic->length,
                         diagnostic->text,
                         diagnostic->source,
                         diagnostic->rule };
  g_autofree char *text = oc_diagnostic_format (&plain);

  fprintf (stderr, "%s\n", text);
}

/* @code: of the call; a refused reload brings its findings too */
static int
print_reload (OcCli *cli, JsonNode *data, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallReloadResult) result = outcall_reload_result_from_json (data, &error);

  if (result == NULL)
    return code == OC_EXIT_OK ? oc_cli_bad_answer (cli, error) : code;
  for (gsize i = 0; i < result->n_warnings; i++)
    print_remote_finding (result->warnings[i]);
  if (code == OC_EXIT_OK)
    printf (_("Rules in force: %" PRIu64 " (files: %" PRIu64 ")\n"), result->rules_loaded,
            result->files_loaded);
  else
    fputs (_("The rules that were in force before stay in force.\n"), stderr);
  return code;
}

int
oc_cmd_rules_reload (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  code = oc_cli_call (cli, "POST", "/api/v1/rules/reload", NULL, &data);
  if (cli->json)
    {
      if (data != NULL)
        oc_cli_print_json (data);
      return code;
    }
  return data != NULL ? print_reload (cli, data, code) : code;
}

/* --- check ------------------------------------------------------------------------------- */

int
oc_cmd_rules_check (OcCli *cli, int argc, char **argv)
{
  g_auto (OcLocalRules) rules = { NULL, NULL };
  g_autoptr (OutcallReloadResult) result = NULL;
  g_autoptr (JsonNode) json = NULL;
  int code = oc_cli_parse_options (cli, dir_options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_local_rules_check_arguments (cli, argc, opt_rules_dir);
  if (code >= 0)
    return code;
  oc_local_rules_load (&rules, opt_rules_dir, argv + 1, argc - 1);
  code = rules.policy != NULL ? OC_EXIT_OK : OC_EXIT_FAILED;
  result = oc_local_rules_dup_result (&rules);
  if (cli->json)
    {
      json = outcall_reload_result_to_json (result);
      oc_cli_print_json (json);
      return code;
    }
  oc_local_rules_print_findings (cli, &rules);
  if (code == OC_EXIT_OK)
    printf (_("No errors. Rules: %" PRIu64 ", files: %" PRIu64 "\n"), result->rules_loaded,
            result->files_loaded);
  return code;
}
