/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* What an agent sends: JSON is taken as a permission check and put to the policy; all else as
 * a rule file, which, written anew, loads again and means the same. */

#include "agent-api/oc-agent-api-private.h"
#include "requests/oc-requests-private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_words (const OcStrList *list)
{
  for (gsize i = 0; i < list->len; i++)
    if (list->items[i].len > 65536
        || (list->items[i].len > 0 && memchr (list->items[i].data, '\0', list->items[i].len) != NULL))
      abort ();
}

static void
try_check (JsonNode *node)
{
  static OcPolicy *policy;
  g_autoptr (OutcallPermissionCheck) check = outcall_permission_check_from_json (node, NULL);
  OcAddress none = { 0 };
  g_autoptr (OcIdentity) who = oc_identity_new ("ci-1", "w", "", "/src", &none, &none, 1);
  OcAgentQuestion question = { .owned = NULL };
  g_autoptr (GError) error = NULL;
  OcPolicyVerdict verdict;

  if (policy == NULL)
    {
      static const char rules[]
          = "version: \"1\"\nrules:\n  - id: a\n    action: allow\n    condition: 'run.flags.exists(f, "
            "f == \"-f\") || run.args.exists(a, a == \"/\") || network.hostname == \"a.b\"'\n";
      const OcPolicySource source = { "a.yaml", rules, sizeof rules - 1 };

      policy = oc_policy_load_sources (&source, 1, NULL, NULL, NULL);
    }
  if (check == NULL)
    return;
  if (oc_agent_question_init (&question, check, who, &error))
    {
      check_words (&question.context.run.args);
      check_words (&question.context.run.flags);
      oc_policy_evaluate (policy, &question.context, &verdict);
    }
  else if (error == NULL)
    abort ();
  oc_agent_question_clear (&question);
}

static OcPolicy *
load (const char *text, gsize len)
{
  const OcPolicySource source = { "request.yaml", text, len };

  return oc_policy_load_sources (&source, 1, NULL, NULL, NULL);
}

static void
try_rules (const char *data, gsize size)
{
  g_autoptr (OcPolicy) policy = load (data, size);
  g_autoptr (OcPolicy) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;

  if (policy == NULL || oc_policy_get_n_rules (policy) == 0
      || oc_policy_get_n_rules (policy) > OC_REQUEST_RULES_MAX)
    return;
  text = oc_request_write_rules (policy);
  if (strlen (text) > OC_REQUEST_TEXT_MAX)
    return;
  again = load (text, strlen (text));
  if (again == NULL || oc_policy_get_n_rules (again) != oc_policy_get_n_rules (policy))
    abort ();
  text_again = oc_request_write_rules (again);
  if (strcmp (text, text_again) != 0)
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (JsonNode) node = NULL;

  if (size > 65536)
    return 0;
  node = outcall_json_parse ((const char *) data, size, NULL);
  if (node != NULL)
    try_check (node);
  else
    try_rules ((const char *) data, size);
  return 0;
}
