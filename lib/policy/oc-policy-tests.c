/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-evaluate.h"

#include <string.h>

void
oc_policy_test_result_free (OcPolicyTestResult *result)
{
  if (result == NULL)
    return;
  g_free (result->file);
  g_free (result->name);
  g_free (result->message);
  g_free (result);
}

static char *
describe (gboolean allowed, const char *rule)
{
  return g_strdup_printf ("%s by %s%s%s", allowed ? "allow" : "block", rule ? "rule '" : "default",
                          rule ? rule : "", rule ? "'" : "");
}

static gboolean
is_expected (const OcPolicyTest *test, const OcPolicyVerdict *verdict)
{
  if (test->allowed != verdict->allowed)
    return FALSE;
  return test->any_rule
         || g_strcmp0 (test->rule, verdict->rule != NULL ? verdict->rule->id : NULL) == 0;
}

static OcPolicyTestResult *
run_test (const OcPolicy *policy, const OcPolicyTest *test)
{
  OcPolicyTestResult *result = g_new0 (OcPolicyTestResult, 1);
  OcPolicyVerdict verdict;
  OcQuestion question;

  oc_question_init (&question, test->context, test->name_only);
  oc_question_decide (&question, policy, &verdict);
  result->file = g_strdup (test->file);
  result->line = test->line;
  result->name = g_strdup (test->name);
  result->rule = verdict.rule;
  result->passed = is_expected (test, &verdict);
  if (!result->passed)
    {
      g_autofree char *expected = test->any_rule
                                      ? g_strdup (test->allowed ? "allow" : "block")
                                      : describe (test->allowed, test->rule);
      g_autofree char *found
          = describe (verdict.allowed, verdict.rule != NULL ? verdict.rule->id : NULL);

      result->message = g_strdup_printf ("expected %s, found %s", expected, found);
    }
  return result;
}

GPtrArray *
oc_policy_run_tests (const OcPolicy *policy)
{
  GPtrArray *results
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_policy_test_result_free);

  for (gsize i = 0; i < policy->n_tests; i++)
    g_ptr_array_add (results, run_test (policy, &policy->tests[i]));
  return results;
}

GPtrArray *
oc_policy_list_untested (const OcPolicy *policy, const GPtrArray *results)
{
  GPtrArray *untested = g_ptr_array_new ();
  g_autofree guint8 *decided = g_new0 (guint8, policy->n_rules + 1);

  for (guint i = 0; i < results->len; i++)
    {
      const OcPolicyTestResult *result = g_ptr_array_index (results, i);

      if (result->rule != NULL)
        decided[result->rule->index] = 1;
    }
  for (gsize i = 0; i < policy->n_rules; i++)
    if (!decided[i])
      g_ptr_array_add (untested, (gpointer) &policy->rules[i].rule);
  return untested;
}
