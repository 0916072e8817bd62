/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cmd-rules.h"

#include "oc-cli-commands.h"

#include <stdio.h>

static char *opt_rules_dir;

/* man/outcall.1 and the completions are to be kept in step. */
static const GOptionEntry dir_options[] = {
  { "rules-dir", 0, 0, G_OPTION_ARG_FILENAME, &opt_rules_dir,
    N_("Read the rule files in DIR, without a daemon"), N_("DIR") },
  { NULL },
};

/* A run of all tests. */
typedef struct
{
  const OcPolicy *policy;
  GPtrArray *results;  /* (element-type OcPolicyTestResult) */
  GPtrArray *untested; /* (element-type OcRule) */
  guint failed;
} Run;

static void
run_tests (Run *run, const OcPolicy *policy)
{
  *run = (Run) { policy, oc_policy_run_tests (policy), NULL, 0 };
  run->untested = oc_policy_list_untested (policy, run->results);
  for (guint i = 0; i < run->results->len; i++)
    run->failed += !((OcPolicyTestResult *) g_ptr_array_index (run->results, i))->passed;
}

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->results, g_ptr_array_unref);
  g_clear_pointer (&run->untested, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* --- JSON ---------------------------------------------------------------------------- */

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  if (text != NULL)
    json_builder_add_string_value (builder, text);
  else
    json_builder_add_null_value (builder);
}

static void
add_number (JsonBuilder *builder, const char *name, gint64 number)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, number);
}

static void
add_result (JsonBuilder *builder, const OcPolicyTestResult *result)
{
  json_builder_begin_object (builder);
  add_text (builder, "file", result->file);
  add_number (builder, "line", result->line);
  add_text (builder, "name", result->name);
  json_builder_set_member_name (builder, "passed");
  json_builder_add_boolean_value (builder, result->passed);
  add_text (builder, "message", result->message);
  add_text (builder, "rule", result->rule != NULL ? result->rule->id : NULL);
  json_builder_end_object (builder);
}

static void
add_untested (JsonBuilder *builder, const OcRule *rule)
{
  json_builder_begin_object (builder);
  add_text (builder, "id", rule->id);
  add_text (builder, "file", rule->file);
  add_number (builder, "line", rule->line);
  json_builder_end_object (builder);
}

static void
print_json (const Run *run)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_number (builder, "passed", run->results->len - run->failed);
  add_number (builder, "failed", run->failed);
  add_number (builder, "rules", (gint64) oc_policy_get_n_rules (run->policy));
  json_builder_set_member_name (builder, "tests");
  json_builder_begin_array (builder);
  for (guint i = 0; i < run->results->len; i++)
    add_result (builder, g_ptr_array_index (run->results, i));
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "untested");
  json_builder_begin_array (builder);
  for (guint i = 0; i < run->untested->len; i++)
    add_untested (builder, g_ptr_array_index (run->untested, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  oc_cli_print_json (root);
}

/* --- Text ------------------------------------------------------------------------------ */

static void
print_result (OcCli *cli, const OcPolicyTestResult *result)
{
  g_autofree char *name = oc_cli_clean (result->name);

  if (result->passed)
    printf ("%s%s%s %s\n", oc_cli_style (cli, OC_STYLE_GOOD), _("passed"), oc_cli_style_end (cli),
            name);
  else
    printf ("%s%s%s %s (%s:%u): %s\n", oc_cli_style (cli, OC_STYLE_BAD), _("FAILED"),
            oc_cli_style_end (cli), name, result->file, result->line, result->message);
}

static void
print_text (OcCli *cli, const Run *run)
{
  gsize n_rules = oc_policy_get_n_rules (run->policy);

  for (guint i = 0; i < run->results->len; i++)
    print_result (cli, g_ptr_array_index (run->results, i));
  printf (_("%u passed, %u failed\n"), run->results->len - run->failed, run->failed);
  printf (_("Rules that a test decides: %u of %u\n"), (guint) n_rules - run->untested->len,
          (guint) n_rules);
  for (guint i = 0; i < run->untested->len; i++)
    {
      const OcRule *rule = g_ptr_array_index (run->untested, i);

      printf (_("  no test reaches %s (%s:%u)\n"), rule->id, rule->file, rule->line);
    }
}

int
oc_cmd_rules_test (OcCli *cli, int argc, char **argv)
{
  g_auto (OcLocalRules) rules = { NULL, NULL };
  g_auto (Run) run = { NULL };
  int code = oc_cli_parse_options (cli, dir_options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_local_rules_check_arguments (cli, argc, opt_rules_dir);
  if (code >= 0)
    return code;
  oc_local_rules_load (&rules, opt_rules_dir, argv + 1, argc - 1);
  if (!oc_local_rules_require (cli, &rules))
    return OC_EXIT_FAILED;
  run_tests (&run, rules.policy);
  if (cli->json)
    print_json (&run);
  else
    print_text (cli, &run);
  return run.failed == 0 ? OC_EXIT_OK : OC_EXIT_FAILED;
}
