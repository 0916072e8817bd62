/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cmd-rules.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
oc_local_rules_clear (OcLocalRules *rules)
{
  oc_policy_unref (rules->policy);
  g_clear_pointer (&rules->diagnostics, g_ptr_array_unref);
}

int
oc_local_rules_check_arguments (OcCli *cli, int argc, const char *dir)
{
  return argc > 1 && dir != NULL ? oc_cli_usage_error (cli, _("give either files or --rules-dir"))
                                 : -1;
}

void
oc_local_rules_load (OcLocalRules *rules, const char *dir, char **paths, int n_paths)
{
  rules->diagnostics = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  if (n_paths == 1 && g_file_test (paths[0], G_FILE_TEST_IS_DIR))
    rules->policy = oc_policy_load_dir (paths[0], NULL, rules->diagnostics, NULL);
  else if (n_paths > 0)
    rules->policy = oc_policy_load_files ((const char *const *) paths, (gsize) n_paths, NULL,
                                          rules->diagnostics, NULL);
  else
    rules->policy = oc_policy_load_dir (dir != NULL ? dir : OUTCALL_DEFAULT_RULES_DIR, NULL,
                                        rules->diagnostics, NULL);
}

/* The first line of a finding is bold, in the colour of its severity. */
static void
print_finding (OcCli *cli, const OcDiagnostic *diagnostic)
{
  g_autofree char *text = oc_diagnostic_format (diagnostic);
  gboolean colour
      = !cli->no_color && g_getenv ("NO_COLOR") == NULL && isatty (STDERR_FILENO) == 1;
  gsize first = strcspn (text, "\n");

  if (!colour)
    fprintf (stderr, "%s\n", text);
  else
    fprintf (stderr, "\033[1;%dm%.*s\033[0m%s\n",
             diagnostic->severity == OC_DIAGNOSTIC_ERROR ? 31 : 33, (int) first, text,
             text + first);
}

void
oc_local_rules_print_findings (OcCli *cli, const OcLocalRules *rules)
{
  for (guint i = 0; i < rules->diagnostics->len; i++)
    print_finding (cli, g_ptr_array_index (rules->diagnostics, i));
}

gboolean
oc_local_rules_require (OcCli *cli, const OcLocalRules *rules)
{
  if (rules->policy == NULL)
    oc_local_rules_print_findings (cli, rules);
  return rules->policy != NULL;
}

/* --- Into the API's types ---------------------------------------------------------- */

static OutcallRuleAction
action_of (const OcRule *rule)
{
  return rule->allow ? OUTCALL_RULE_ACTION_ALLOW : OUTCALL_RULE_ACTION_BLOCK;
}

static OutcallEgressMode
mode_of (OcEgressMode mode)
{
  switch (mode)
    {
    case OC_EGRESS_DIRECT_IP:
      return OUTCALL_EGRESS_MODE_DIRECT_IP;
    case OC_EGRESS_INTERCEPT:
      return OUTCALL_EGRESS_MODE_INTERCEPT;
    case OC_EGRESS_PROXY:
    default:
      return OUTCALL_EGRESS_MODE_PROXY;
    }
}

OutcallRuleSummary *
oc_local_rules_dup_summary (const OcPolicy *policy, const OcRule *rule)
{
  OutcallRuleSummary *summary = outcall_rule_summary_new ();

  summary->id = g_strdup (rule->id);
  summary->description = g_strdup (rule->description);
  summary->file = g_strdup (rule->file);
  summary->line = rule->line;
  summary->priority = rule->priority;
  summary->action = action_of (rule);
  summary->condition = g_strdup (rule->condition);
  summary->reason = g_strdup (rule->reason);
  summary->mode = mode_of (rule->egress.mode);
  oc_policy_get_rule_counters (policy, rule->index, &summary->hits, &summary->errors);
  return summary;
}

static OutcallDiagnostic *
dup_diagnostic (const OcDiagnostic *diagnostic)
{
  OutcallDiagnostic *out = outcall_diagnostic_new ();

  out->severity = diagnostic->severity == OC_DIAGNOSTIC_ERROR ? OUTCALL_SEVERITY_ERROR
                                                              : OUTCALL_SEVERITY_WARNING;
  out->file = g_strdup (diagnostic->file);
  out->line = diagnostic->line;
  out->column = diagnostic->column;
  out->length = diagnostic->length;
  out->text = g_strdup (diagnostic->text);
  out->source = g_strdup (diagnostic->source);
  out->rule = g_strdup (diagnostic->rule);
  return out;
}

OutcallReloadResult *
oc_local_rules_dup_result (const OcLocalRules *rules)
{
  OutcallReloadResult *result = outcall_reload_result_new ();

  if (rules->policy != NULL)
    {
      result->files_loaded = oc_policy_get_n_files (rules->policy);
      result->rules_loaded = oc_policy_get_n_rules (rules->policy);
    }
  result->n_warnings = rules->diagnostics->len;
  result->warnings = g_new0 (OutcallDiagnostic *, result->n_warnings + 1);
  for (guint i = 0; i < rules->diagnostics->len; i++)
    result->warnings[i] = dup_diagnostic (g_ptr_array_index (rules->diagnostics, i));
  return result;
}

static OcPolicyContext
context_of (const OutcallContext *context)
{
  OcPolicyContext out = { 0 };

  out.network.hostname = oc_str_from (context->network.hostname);
  out.network.port = context->network.port;
  out.network.protocol = oc_str_from (context->network.protocol);
  out.http.host = oc_str_from (context->http.host);
  out.http.method = oc_str_from (context->http.method);
  out.http.path = oc_str_from (context->http.path);
  out.http.scheme = oc_str_from (context->http.scheme);
  out.dns.query = oc_str_from (context->dns.query);
  out.dns.record_type = oc_str_from (context->dns.record_type);
  out.agent.name = oc_str_from (context->agent.name);
  out.request_time_us = g_get_real_time ();
  return out;
}

static OutcallTraceStep *
dup_step (const OcTraceStep *step)
{
  OutcallTraceStep *out = outcall_trace_step_new ();

  out->rule = g_strdup (step->rule->id);
  out->file = g_strdup (step->rule->file);
  out->line = step->rule->line;
  out->action = action_of (step->rule);
  out->matched = step->matched;
  out->why = g_strdup (step->why);
  return out;
}

OutcallEvaluateResult *
oc_local_rules_evaluate (const OcPolicy *policy, const OutcallEvaluateRequest *request)
{
  OutcallEvaluateResult *result = outcall_evaluate_result_new ();
  OcPolicyContext context = context_of (&request->context);
  g_autoptr (GPtrArray) steps = NULL;
  OcPolicyVerdict verdict;

  oc_policy_explain (policy, &context, request->name_only, &verdict, &steps);
  result->verdict.allowed = verdict.allowed;
  if (verdict.rule != NULL)
    {
      result->verdict.matched_rule = g_strdup (verdict.rule->id);
      result->verdict.reason = g_strdup (verdict.rule->reason);
      result->file = g_strdup (verdict.rule->file);
      result->line = verdict.rule->line;
    }
  result->n_trace = steps->len;
  result->trace = g_new0 (OutcallTraceStep *, steps->len + 1);
  for (guint i = 0; i < steps->len; i++)
    result->trace[i] = dup_step (g_ptr_array_index (steps, i));
  return result;
}
