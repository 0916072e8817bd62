/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Any bytes as a rule file: loading ends with a policy or with errors that have a
 * place, and a policy gives the same verdict through its index as without. */

#include "policy/oc-policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_diagnostics (const GPtrArray *diagnostics)
{
  for (guint i = 0; i < diagnostics->len; i++)
    {
      const OcDiagnostic *diagnostic = g_ptr_array_index (diagnostics, i);
      g_autofree char *text = oc_diagnostic_format (diagnostic);

      if (text[0] == '\0' || diagnostic->text[0] == '\0' || !g_utf8_validate (text, -1, NULL))
        abort ();
    }
}

static void
check_verdicts (const OcPolicy *policy)
{
  static const char *const hosts[] = { "", "a.example", "registry.npmjs.org", "1.2.3.4" };
  OcPolicyContext context = { 0 };
  OcPolicyVerdict indexed;
  OcPolicyVerdict linear;

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      context.network.hostname = oc_str_from (hosts[i]);
      context.network.port = i % 2 == 0 ? 443 : 80;
      oc_policy_evaluate (policy, &context, &indexed);
      oc_policy_evaluate_linear (policy, &context, &linear);
      if (indexed.rule != linear.rule)
        abort ();
      oc_policy_evaluate_name (policy, &context, &indexed);
      oc_policy_evaluate_name_linear (policy, &context, &linear);
      if (indexed.rule != linear.rule)
        abort ();
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  OcPolicySource source = { "fuzz.yaml", (const char *) data, size };
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = NULL;

  if (size > 65536)
    return 0;
  policy = oc_policy_load_sources (&source, 1, NULL, diagnostics, &error);
  if ((policy == NULL) != (error != NULL))
    abort ();
  check_diagnostics (diagnostics);
  if (policy != NULL)
    {
      g_autoptr (GPtrArray) results G_GNUC_UNUSED = oc_policy_run_tests (policy);

      check_verdicts (policy);
    }
  return 0;
}
