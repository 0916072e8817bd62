/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "suggest.h"

#include "policy/oc-policy.h"

#include <string.h>

static OutcallDecision *
blocked (OutcallLayer layer, const char *agent, const char *host, guint16 port)
{
  OutcallDecision *d = outcall_decision_new ();

  d->layer = layer;
  d->verdict = OUTCALL_OUTCOME_BLOCKED;
  d->time_us = G_GINT64_CONSTANT (1700000000000000);
  d->workload = g_strdup (agent);
  d->agent = g_strdup (agent);
  d->host = g_strdup (host);
  d->port = port;
  return d;
}

static GPtrArray *
new_list (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_decision_free);
}

/* What is suggested is a rule file without a finding. (transfer full) */
static char *
suggest (GPtrArray *list, guint n_rules)
{
  const OcPolicyOptions options = { .have_proxy = TRUE };
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OcPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;
  OcPolicySource source;
  guint n = 0;
  char *yaml = oc_suggest (list, &n);

  g_test_message ("%s", yaml);
  source = (OcPolicySource) { .name = "suggested.yaml", .text = yaml, .len = strlen (yaml) };
  policy = oc_policy_load_sources (&source, 1, &options, diagnostics, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, n_rules);
  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, n_rules);
  return yaml;
}

static void
test_one (void)
{
  g_autoptr (GPtrArray) list = new_list ();
  g_autofree char *yaml = NULL;

  g_ptr_array_add (list, blocked (OUTCALL_LAYER_DNS, "ci", "registry.npmjs.org", 0));
  g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "ci", "registry.npmjs.org", 443));
  g_ptr_array_add (list, blocked (OUTCALL_LAYER_TLS, "ci", "registry.npmjs.org", 443));
  yaml = suggest (list, 1);
  g_assert_cmpstr (yaml, ==,
                   "version: \"1\"\nrules:\n"
                   "  # blocked 2 times, last 2023-11-14T22:13:20Z: registry.npmjs.org:443\n"
                   "  - id: allow-registry-npmjs-org-443\n"
                   "    hosts: [\"registry.npmjs.org\"]\n"
                   "    ports: [443]\n"
                   "    agents: [\"ci\"]\n"
                   "    action: allow\n");
}

/* Let through while learning: the same rules. What was refused all the same is told. */
static void
test_learned (void)
{
  g_autoptr (GPtrArray) list = new_list ();
  g_autofree char *yaml = NULL;

  for (guint i = 0; i < 5; i++)
    {
      OutcallDecision *d
          = blocked (OUTCALL_LAYER_TLS, "ci", i < 4 ? "registry.npmjs.org" : "5.6.7.8", 443);

      d->rule = g_strdup (i < 2 ? OC_SUGGEST_LEARNED : i < 3 ? "allow-other" : OC_SUGGEST_LEARNED);
      if (i != 3)
        d->verdict = OUTCALL_OUTCOME_ALLOWED;
      else
        d->reason = g_strdup ("its address is\n- id: x private");
      g_ptr_array_add (list, d);
    }
  yaml = suggest (list, 1);
  g_assert_cmpstr (yaml, ==,
                   "version: \"1\"\nrules:\n"
                   "  # let through 2 times, last 2023-11-14T22:13:20Z: registry.npmjs.org:443\n"
                   "  - id: allow-registry-npmjs-org-443\n"
                   "    hosts: [\"registry.npmjs.org\"]\n"
                   "    ports: [443]\n"
                   "    agents: [\"ci\"]\n"
                   "    action: allow\n"
                   "\n# Not suggested:\n"
                   "# 5.6.7.8 has no name that a rule could be about\n"
                   "# registry.npmjs.org: its address is - id: x private\n");
}

static void
test_suffix (void)
{
  static const struct
  {
    const char *hosts[4];
    guint rules;
    const char *text;
  } cases[] = {
    { { "a.example.org", "b.example.org" }, 1, "hosts: [\"a.example.org\", \"b.example.org\"]" },
    { { "a.example.org", "b.example.org", "c.example.org" }, 1, "hosts: [\"*.example.org\"]" },
    { { "example.org", "b.example.org", "c.example.org" }, 1,
      "hosts: [\"example.org\", \"*.example.org\"]" },
    { { "a.cdn.example.org", "b.cdn.example.org", "c.cdn.example.org" }, 1,
      "hosts: [\"*.cdn.example.org\"]" },
    /* Public suffixes: different owners. */
    { { "a.co.uk", "b.co.uk", "c.co.uk" }, 3, "hosts: [\"a.co.uk\"]" },
    { { "a.github.io", "b.github.io", "c.github.io" }, 3, "hosts: [\"b.github.io\"]" },
    { { "a.com", "b.com", "c.com" }, 3, "hosts: [\"c.com\"]" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) list = new_list ();
      g_autofree char *yaml = NULL;

      for (guint h = 0; h < 4 && cases[i].hosts[h] != NULL; h++)
        g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "ci", cases[i].hosts[h], 443));
      yaml = suggest (list, cases[i].rules);
      g_assert_nonnull (strstr (yaml, cases[i].text));
    }
}

static void
test_plain_http (void)
{
  g_autoptr (GPtrArray) list = new_list ();
  g_autofree char *yaml = NULL;
  OutcallDecision *d = blocked (OUTCALL_LAYER_HTTP, "ci", "deb.example.org", 80);

  d->method = g_strdup ("GET");
  d->path = g_strdup ("/debian/dists");
  g_ptr_array_add (list, d);
  d = outcall_decision_copy (d);
  g_free (d->method);
  d->method = g_strdup ("HEAD");
  g_ptr_array_add (list, d);
  yaml = suggest (list, 1);
  g_assert_nonnull (strstr (yaml, "methods: [\"GET\", \"HEAD\"]\n    paths: [\"/debian/dists\"]"));
}

/* Different agents and ports are not mixed up. */
static void
test_not_joined (void)
{
  g_autoptr (GPtrArray) list = new_list ();
  g_autofree char *yaml = NULL;

  g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "a", "a.example.org", 443));
  g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "b", "b.example.org", 443));
  g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "a", "c.example.org", 8443));
  g_ptr_array_add (list, blocked (OUTCALL_LAYER_DNS, "a", "d.example.net", 0));
  yaml = suggest (list, 4);
  g_assert_nonnull (strstr (yaml, "looked up only"));
}

/* What a workload can write into the log cannot write rules. */
static void
test_hostile (void)
{
  static const char *const hosts[] = {
    "192.0.2.1", "x\"]\n  - id: evil", "a b.example", "*.example.org", "", "..", "10.0.0.1:443",
  };
  g_autoptr (GPtrArray) list = new_list ();
  g_autofree char *yaml = NULL;
  OutcallDecision *d;

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    g_ptr_array_add (list, blocked (OUTCALL_LAYER_CONNECT, "ci", hosts[i], 443));
  d = blocked (OUTCALL_LAYER_CONNECT, "ci", "ok.example.org", 443);
  d->rule = g_strdup ("on-purpose\n  - id: evil");
  g_ptr_array_add (list, d);
  d = blocked (OUTCALL_LAYER_HTTP, "a\"]\n", "plain.example.org", 80);
  d->method = g_strdup ("GET\"]");
  d->path = g_strdup ("/\"]\n  - id: evil");
  g_ptr_array_add (list, d);
  yaml = suggest (list, 1);
  g_assert_nonnull (strstr (yaml, "# 192.0.2.1 has no name"));
  g_assert_nonnull (strstr (yaml, "# ok.example.org is blocked by the rule on-purpose"));
  g_assert_null (strstr (yaml, "\n  - id: evil"));
}

static void
test_nothing (void)
{
  g_autoptr (GPtrArray) list = new_list ();
  guint n = 7;
  g_autofree char *yaml = oc_suggest (list, &n);

  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpstr (yaml, ==, "version: \"1\"\nrules: []\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/suggest/one", test_one);
  g_test_add_func ("/suggest/learned", test_learned);
  g_test_add_func ("/suggest/suffix", test_suffix);
  g_test_add_func ("/suggest/plain-http", test_plain_http);
  g_test_add_func ("/suggest/not-joined", test_not_joined);
  g_test_add_func ("/suggest/hostile", test_hostile);
  g_test_add_func ("/suggest/nothing", test_nothing);
  return g_test_run ();
}
