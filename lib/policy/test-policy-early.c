/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What may decide while not all of a request is known.
 */
#include "config.h"

#include "policy/oc-policy.h"

#include <string.h>

static const char text[]
    = "version: \"1\"\n"
      "rules:\n"
      "  - id: block-writes\n"
      "    condition: 'http.method == \"DELETE\" || http.path.startsWith(\"/admin\")'\n"
      "    action: block\n"
      "    priority: 1\n"
      "  - id: block-host\n"
      "    hosts: [bad.example]\n"
      "    action: block\n"
      "    priority: 2\n"
      "  - id: block-body\n"
      "    condition: 'http.body.contains(\"x\")'\n"
      "    action: block\n"
      "    priority: 3\n"
      "  - id: other-port\n"
      "    condition: 'network.hostname == \"a.example\" && network.port == 8443'\n"
      "    action: allow\n"
      "    priority: 4\n"
      "  - id: reads\n"
      "    hosts: [a.example]\n"
      "    ports: [443]\n"
      "    methods: [GET]\n"
      "    action: allow\n"
      "    egress: { mode: intercept }\n"
      "  - id: body\n"
      "    condition: 'network.hostname == \"a.example\" && http.body == \"y\"'\n"
      "    action: allow\n"
      "    priority: 200\n"
      "    egress: { mode: intercept, match_body: true }\n";

static const struct
{
  const char *host, *method, *path, *body;
  OcPolicyUnknown unknown;
  const char *rule; /* (nullable): none */
  gboolean allowed;
} rows[] = {
  /* A rule that may block is not asked; one that may allow is. */
  { "a.example", "", "", "", OC_POLICY_UNKNOWN_REQUEST, "reads", TRUE },
  { "a.example", "DELETE", "/admin", "x", OC_POLICY_UNKNOWN_REQUEST, "reads", TRUE },
  { "bad.example", "", "", "", OC_POLICY_UNKNOWN_REQUEST, "block-host", FALSE },
  { "b.example", "", "", "", OC_POLICY_UNKNOWN_REQUEST, NULL, FALSE },
  /* All but the body. */
  { "a.example", "GET", "/", "", OC_POLICY_UNKNOWN_BODY, "reads", TRUE },
  { "a.example", "POST", "/", "", OC_POLICY_UNKNOWN_BODY, "body", TRUE },
  { "a.example", "DELETE", "/", "", OC_POLICY_UNKNOWN_BODY, "block-writes", FALSE },
  { "a.example", "GET", "/admin", "", OC_POLICY_UNKNOWN_BODY, "block-writes", FALSE },
  /* All: the verdict. */
  { "a.example", "GET", "/", "", OC_POLICY_UNKNOWN_NOTHING, "reads", TRUE },
  { "a.example", "POST", "/", "y", OC_POLICY_UNKNOWN_NOTHING, "body", TRUE },
  { "a.example", "POST", "/", "xy", OC_POLICY_UNKNOWN_NOTHING, "block-body", FALSE },
  { "a.example", "POST", "/", "z", OC_POLICY_UNKNOWN_NOTHING, NULL, FALSE },
  { "a.example", "CONNECT", "/", "", OC_POLICY_UNKNOWN_NOTHING, NULL, FALSE },
};

static OcPolicy *
load (void)
{
  OcPolicySource source = { "early.yaml", text, strlen (text) };
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  OcPolicy *policy = oc_policy_load_sources (&source, 1, NULL, diagnostics, &error);

  g_assert_no_error (error);
  return policy;
}

static void
test_rows (void)
{
  g_autoptr (OcPolicy) policy = load ();

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      OcPolicyContext context = { .network = { .hostname = oc_str_from (rows[i].host), .port = 443 },
                                  .http = { .host = oc_str_from (rows[i].host),
                                            .method = oc_str_from (rows[i].method),
                                            .path = oc_str_from (rows[i].path),
                                            .body = oc_str_from (rows[i].body) } };
      OcPolicyVerdict verdict;

      g_test_message ("%zu", i);
      oc_policy_evaluate_early (policy, &context, rows[i].unknown, &verdict);
      g_assert_cmpint (verdict.allowed, ==, rows[i].allowed);
      g_assert_cmpstr (verdict.rule != NULL ? verdict.rule->id : NULL, ==, rows[i].rule);
    }
}

/* It is not a verdict, so no rule is said to have matched. */
static void
test_not_counted (void)
{
  g_autoptr (OcPolicy) policy = load ();
  OcPolicyContext context = { .network = { .hostname = OC_STR ("a.example"), .port = 443 },
                              .http = { .host = OC_STR ("a.example"),
                                        .method = OC_STR ("GET"),
                                        .path = OC_STR ("/") } };
  OcPolicyVerdict verdict;
  guint64 hits, errors, sum = 0;

  for (guint unknown = OC_POLICY_UNKNOWN_REQUEST; unknown <= OC_POLICY_UNKNOWN_NOTHING; unknown++)
    oc_policy_evaluate_early (policy, &context, (OcPolicyUnknown) unknown, &verdict);
  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      oc_policy_get_rule_counters (policy, i, &hits, &errors);
      sum += hits + errors;
    }
  g_assert_cmpuint (sum, ==, 0);
  oc_policy_evaluate (policy, &context, &verdict);
  oc_policy_get_rule_counters (policy, verdict.rule->index, &hits, &errors);
  g_assert_cmpuint (hits, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/early/rows", test_rows);
  g_test_add_func ("/policy/early/not-counted", test_not_counted);
  return g_test_run ();
}
