/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* From rule files to verdicts. 03-policy.md, "Rule file" and "Policy object". */

#include "policy/oc-policy.h"

#include "common/oc-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define V "version: \"1\"\n"

static GPtrArray *
new_diagnostics (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
}

static OcPolicy *
load_text (const char *text)
{
  OcPolicySource source = { "t.yaml", text, strlen (text) };
  g_autoptr (GError) error = NULL;
  OcPolicy *policy = oc_policy_load_sources (&source, 1, NULL, NULL, &error);

  g_assert_no_error (error);
  return policy;
}

/* One connection in few words. */
typedef struct
{
  const char *hostname;
  int port;
  const char *method;
  const char *path;
  const char *agent;
} Request;

static OcPolicyContext
make_context (const Request *request)
{
  OcPolicyContext context = { 0 };

  context.network.hostname = oc_str_from (request->hostname);
  context.network.port = request->port;
  context.http.host = context.network.hostname;
  context.http.method = oc_str_from (request->method);
  context.http.path = oc_str_from (request->path);
  context.agent.name = oc_str_from (request->agent);
  return context;
}

static void
assert_verdict (const OcPolicyVerdict *verdict, const char *expect)
{
  g_assert_cmpstr (verdict->rule != NULL ? verdict->rule->id : NULL, ==, expect);
  g_assert_true (verdict->allowed == (verdict->rule != NULL && verdict->rule->allow));
}

/* --- Order and decisions ------------------------------------------------------------ */

static const char order_text[]
    = V "definitions:\n"
        "  github: 'inDomain(network.hostname, \"github.com\")'\n"
        "  https: 'network.port == 443'\n"
        "  gh: '$github && $https'\n"
        "rules:\n"
        "  - {id: late, condition: $github, action: block, priority: 200, reason: Too late}\n"
        "  - {id: gh, condition: '$gh', action: allow}\n"
        "  - {id: first, agents: [evil], hosts: ['*.github.com'], action: block, priority: -5}\n"
        "  - {id: npm, hosts: [registry.npmjs.org, '*.npmjs.org'], ports: [443], action: allow}\n"
        "  - {id: get, methods: [GET, HEAD], paths: ['/api/*', /exact, '/a/*/z'], action: allow}\n"
        "  - {id: both, hosts: [both.example], condition: 'network.port == 1 || "
        "network.port == 2', action: allow}\n"
        "  - {id: errs, condition: 'http.headers[\"x\"] == \"1\"', action: allow}\n";

static const struct
{
  Request request;
  const char *rule;
} order_cases[] = {
  { { "github.com", 443 }, "gh" },
  { { "api.github.com", 443 }, "gh" },
  { { "api.github.com", 443, NULL, NULL, "evil" }, "first" },
  { { "github.com", 443, NULL, NULL, "evil" }, "gh" },
  { { "github.com", 80 }, "late" },
  { { "notgithub.com", 443 }, NULL },
  { { "registry.npmjs.org", 443 }, "npm" },
  { { "x.npmjs.org", 443 }, "npm" },
  { { "npmjs.org", 443 }, NULL },
  { { "registry.npmjs.org", 80 }, NULL },
  { { "e.example", 80, "GET", "/api/x" }, "get" },
  { { "e.example", 80, "HEAD", "/exact" }, "get" },
  { { "e.example", 80, "HEAD", "/exactly" }, NULL },
  { { "e.example", 80, "POST", "/api/x" }, NULL },
  { { "e.example", 80, "GET", "/a/b/c/z" }, "get" },
  { { "e.example", 80, "GET", "/a/b/c/zz" }, NULL },
  { { "e.example", 80, "GET", "/x/a/b/z" }, NULL },
  { { "both.example", 2 }, "both" },
  { { "both.example", 3 }, NULL },
  { { "other.example", 2 }, NULL },
};

static void
test_order (void)
{
  g_autoptr (OcPolicy) policy = load_text (order_text);

  for (gsize i = 0; i < G_N_ELEMENTS (order_cases); i++)
    {
      OcPolicyContext context = make_context (&order_cases[i].request);
      OcPolicyVerdict verdict;

      g_test_message ("%s:%d", order_cases[i].request.hostname, order_cases[i].request.port);
      oc_policy_evaluate (policy, &context, &verdict);
      assert_verdict (&verdict, order_cases[i].rule);
      oc_policy_evaluate_linear (policy, &context, &verdict);
      assert_verdict (&verdict, order_cases[i].rule);
    }
}

static void
test_rule_members (void)
{
  g_autoptr (OcPolicy) policy = load_text (order_text);
  const OcRule *rule = oc_policy_lookup_rule (policy, "late");

  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, 7);
  g_assert_cmpuint (oc_policy_get_n_files (policy), ==, 1);
  g_assert_cmpstr (oc_policy_get_rule (policy, 0)->id, ==, "first");
  g_assert_cmpstr (oc_policy_get_rule (policy, 6)->id, ==, "late");
  g_assert_null (oc_policy_lookup_rule (policy, "nobody"));
  g_assert_cmpstr (rule->file, ==, "t.yaml");
  g_assert_cmpuint (rule->line, ==, 7);
  g_assert_cmpuint (rule->index, ==, 6);
  g_assert_cmpint (rule->priority, ==, 200);
  g_assert_cmpstr (rule->reason, ==, "Too late");
  g_assert_false (rule->allow);
  g_assert_true (oc_policy_uses_namespace (policy, "agent"));
  g_assert_false (oc_policy_uses_namespace (policy, "docker"));
  g_assert_false (oc_policy_uses_namespace (policy, "nonsense"));
}

/* The short form as `rules show` prints it. */
static void
test_short_form (void)
{
  static const struct
  {
    const char *members;
    const char *condition;
  } table[] = {
    { "hosts: [a.b]", "network.hostname == \"a.b\"" },
    { "hosts: [A.B., '*.X']",
      "(network.hostname == \"a.b\" || network.hostname.endsWith(\".x\"))" },
    { "hosts: ['[2001:DB8::1]']", "network.hostname == \"2001:db8::1\"" },
    { "hosts: [a.b, b.b, c.b, d.b, '*.z', e.b]",
      "(network.hostname in [\"a.b\", \"b.b\", \"c.b\", \"d.b\", \"e.b\"] || "
      "network.hostname.endsWith(\".z\"))" },
    { "hosts: [a.b], ports: [443, 80]",
      "network.hostname == \"a.b\" && network.port in [443, 80]" },
    { "methods: [GET]", "http.method in [\"GET\"]" },
    { "paths: [/a, '/b/*', '/c/*.d']",
      "(http.path == \"/a\" || http.path.startsWith(\"/b/\") || "
      "http.path.matches(\"^/c/.*\\\\.d$\"))" },
    { "paths: ['/q\"\\']", "http.path == \"/q\\\"\\\\\"" },
    { "agents: [ci, dev]", "agent.name in [\"ci\", \"dev\"]" },
    { "agents: [ci], condition: 'network.port == 1 || network.port == 2'",
      "agent.name in [\"ci\"] && (network.port == 1 || network.port == 2)" },
    { "agents: [ci], condition: \"network.port == 1 // one\"",
      "agent.name in [\"ci\"] && (network.port == 1 // one\n)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text = g_strdup_printf (V "rules: [{id: r, action: allow, %s}]\n",
                                               table[i].members);
      g_autoptr (OcPolicy) policy = load_text (text);

      g_assert_cmpstr (oc_policy_lookup_rule (policy, "r")->condition, ==, table[i].condition);
    }
}

/* Definitions are put in parentheses, so precedence cannot leak. */
static void
test_definitions (void)
{
  g_autoptr (OcPolicy) policy = load_text (
      V "definitions:\n  a: 'network.port == 1 || network.port == 2'\n  b: '!$a'\n"
        "  c: \"'$a' == http.path // $b\"\n"
        "rules:\n  - {id: r, action: allow, condition: '$b && $c && agent.name == r\"$a\"'}\n");

  g_assert_cmpstr (oc_policy_lookup_rule (policy, "r")->condition, ==,
                   "(!(network.port == 1 || network.port == 2)) && ('$a' == http.path // $b\n) && "
                   "agent.name == r\"$a\"");
}

static void
test_egress (void)
{
  g_autoptr (OcPolicy) policy = load_text (
      V "rules:\n"
        "  - {id: plain, hosts: [a.example], action: allow}\n"
        "  - {id: direct, hosts: [b.example], action: allow, egress: {mode: direct_ip}}\n"
        "  - {id: port, hosts: [c.example], ports: [22], action: allow, log: true,\n"
        "     egress: {mode: direct_ip, allow_private_ips: true}}\n"
        "  - {id: list, hosts: [d.example], action: allow,\n"
        "     egress: {mode: direct_ip, ports: [5, 6, 7], ech: allow}}\n"
        "  - {id: body, hosts: [e.example], action: allow,\n"
        "     egress: {mode: intercept, match_body: true, max_bytes: 9223372036854775807}}\n"
        "  - {id: inject, hosts: [f.example], action: allow,\n"
        "     egress: {mode: intercept, inject: {headers: {X-Key: \"a${secret:s}${secret:t}b\"}}}}\n");
  const OcEgress *egress = &oc_policy_lookup_rule (policy, "plain")->egress;

  g_assert_cmpint (egress->mode, ==, OC_EGRESS_PROXY);
  g_assert_false (egress->allow_private_ips);
  g_assert_false (egress->ech_allow);
  egress = &oc_policy_lookup_rule (policy, "direct")->egress;
  g_assert_cmpuint (egress->n_ports, ==, 2);
  g_assert_cmpuint (egress->ports[0], ==, 80);
  g_assert_cmpuint (egress->ports[1], ==, 443);
  egress = &oc_policy_lookup_rule (policy, "port")->egress;
  g_assert_cmpuint (egress->n_ports, ==, 1);
  g_assert_cmpuint (egress->ports[0], ==, 22);
  g_assert_true (egress->allow_private_ips);
  g_assert_true (oc_policy_lookup_rule (policy, "port")->log);
  egress = &oc_policy_lookup_rule (policy, "list")->egress;
  g_assert_cmpuint (egress->n_ports, ==, 3);
  g_assert_true (egress->ech_allow);
  egress = &oc_policy_lookup_rule (policy, "body")->egress;
  g_assert_cmpint (egress->mode, ==, OC_EGRESS_INTERCEPT);
  g_assert_true (egress->match_body);
  g_assert_cmpuint (egress->max_bytes, ==, G_MAXINT64);
  egress = &oc_policy_lookup_rule (policy, "inject")->egress;
  g_assert_cmpuint (egress->n_inject, ==, 1);
  g_assert_cmpstr (egress->inject[0].name.data, ==, "x-key");
  g_assert_cmpuint (egress->inject[0].n_parts, ==, 4);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpstr (egress->inject[0].parts[i].text.data, ==, i == 0 ? "a" : i == 1 ? "s" : i == 2 ? "t" : "b");
      g_assert_cmpint (egress->inject[0].parts[i].is_secret, ==, i == 1 || i == 2);
    }
}

/* --- The DNS filter's question --------------------------------------------------------- */

static const struct
{
  const char *rules;
  const char *query;
  const char *rule; /* NULL: blocked by default */
} name_cases[] = {
  { "{id: r, hosts: [a.example], action: allow}", "a.example", "r" },
  { "{id: r, hosts: [a.example], action: allow}", "b.example", NULL },
  { "{id: r, hosts: ['*.a.example'], action: allow}", "x.a.example", "r" },
  { "{id: r, hosts: [a.example], ports: [443], action: allow}", "a.example", "r" },
  { "{id: r, hosts: [a.example], ports: [443], action: allow}", "b.example", NULL },
  { "{id: r, ports: [443], action: allow}", "any.example", "r" },
  { "{id: r, hosts: [a.example], methods: [GET], paths: [/x], action: allow}", "a.example", "r" },
  { "{id: r, condition: 'http.host == \"a.example\"', action: allow}", "a.example", "r" },
  { "{id: r, condition: 'http.host == \"a.example\"', action: allow}", "b.example", NULL },
  { "{id: r, condition: 'dns.query == \"a.example\"', action: allow}", "a.example", "r" },
  { "{id: r, condition: 'network.hostname == \"a.example\" && network.ip == \"1.2.3.4\"', "
    "action: allow}",
    "a.example", "r" },
  /* What a connection would have to be is not known: blocks do not apply yet. */
  { "{id: b, ports: [22], action: block, priority: 1}, {id: r, hosts: [a.example], action: allow}",
    "a.example", "r" },
  { "{id: b, hosts: [a.example], action: block, priority: 1}, "
    "{id: r, hosts: [a.example, b.example], action: allow}",
    "a.example", "b" },
  { "{id: b, hosts: [a.example], ports: [80], action: block, priority: 1}, "
    "{id: r, hosts: [a.example], action: allow}",
    "a.example", "r" },
  { "{id: r, condition: '!(network.port == 22) && network.hostname == \"a.example\"', "
    "action: allow}",
    "a.example", "r" },
  { "{id: r, condition: 'network.port == 1 && false', action: allow}", "a.example", NULL },
  { "{id: r, condition: 'http.headers[\"x\"] == \"y\" && dns.record_type == \"A\"', "
    "action: allow}",
    "a.example", "r" },
  { "{id: r, condition: 'dns.record_type == \"TXT\"', action: allow}", "a.example", NULL },
  { "{id: r, condition: 'http.body_size > 5 && http.body_size < 9', action: allow}", "a.example",
    "r" },
};

static void
test_name (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (name_cases); i++)
    {
      g_autofree char *text = g_strdup_printf (V "rules: [%s]\n", name_cases[i].rules);
      g_autoptr (OcPolicy) policy = load_text (text);
      OcPolicyContext context = { 0 };
      OcPolicyVerdict verdict;

      g_test_message ("%s", name_cases[i].rules);
      context.network.hostname = oc_str_from (name_cases[i].query);
      context.dns.query = context.network.hostname;
      context.dns.record_type = OC_STR ("A");
      oc_policy_evaluate_name (policy, &context, &verdict);
      assert_verdict (&verdict, name_cases[i].rule);
      oc_policy_evaluate_name_linear (policy, &context, &verdict);
      assert_verdict (&verdict, name_cases[i].rule);
    }
}

/* --- Reach ------------------------------------------------------------------------------ */

/* Only the DNS filter fills dns.query: whoever takes the empty name too reaches every host. */
static void
test_reach (void)
{
  g_autoptr (OcPolicy) policy = load_text (
      V "rules:\n"
        "  - {id: named, action: allow, condition: 'network.hostname in [\"a.b\", \"c.d\"]'}\n"
        "  - {id: empty, action: allow, condition: 'dns.query in [\"a.b\", \"\"]'}\n"
        "  - {id: both, action: allow, condition: 'dns.query == \"\" && network.hostname == \"a.b\"'}\n");
  g_auto (GStrv) named = oc_rule_dup_reach (oc_policy_lookup_rule (policy, "named"), OC_REACH_HOSTS);
  g_auto (GStrv) empty = oc_rule_dup_reach (oc_policy_lookup_rule (policy, "empty"), OC_REACH_HOSTS);
  g_auto (GStrv) both = oc_rule_dup_reach (oc_policy_lookup_rule (policy, "both"), OC_REACH_HOSTS);

  g_assert_cmpuint (g_strv_length (named), ==, 2);
  g_assert_null (empty);
  g_assert_cmpuint (g_strv_length (both), ==, 1);
  g_assert_cmpstr (both[0], ==, "a.b");
}

/* --- Ports ------------------------------------------------------------------------------ */

static void
test_names_port (void)
{
  static const struct
  {
    const char *condition;
    const char *named;   /* ports that the rule is about */
    const char *unnamed;
  } table[] = {
    { "network.port == 22", "22", "443 80" },
    { "22 == network.port || network.port in [25, 8443]", "22 25 8443", "443" },
    { "network.port != 22", "", "22" },
    { "!(network.port != 22)", "22", "443" },
    { "!(network.port == 22 || network.port == 25)", "", "22 25" },
    { "network.port > 20", "", "21 22 443" },
    { "[22, 80].exists(p, p == network.port)", "22 80", "443" },
    { "network.hostname == \"a.b\"", "", "22 443" },
    { "agent.name == \"ci\" ? network.port == 22 : network.port == 25", "22 25", "443" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text = g_strdup_printf (
          V "rules: [{id: r, action: allow, condition: '%s'}]\n", table[i].condition);
      g_autoptr (OcPolicy) policy = load_text (text);
      const OcRule *rule = oc_policy_lookup_rule (policy, "r");
      g_auto (GStrv) named = g_strsplit (table[i].named, " ", -1);
      g_auto (GStrv) unnamed = g_strsplit (table[i].unnamed, " ", -1);

      g_test_message ("%s", table[i].condition);
      for (guint k = 0; named[k] != NULL; k++)
        g_assert_true (
            oc_rule_names_port (policy, rule, (guint16) g_ascii_strtoull (named[k], NULL, 10)));
      for (guint k = 0; unnamed[k] != NULL; k++)
        g_assert_false (
            oc_rule_names_port (policy, rule, (guint16) g_ascii_strtoull (unnamed[k], NULL, 10)));
    }
}

/* --- Counters, threads -------------------------------------------------------------------- */

static void
test_counters (void)
{
  g_autoptr (OcPolicy) policy = load_text (order_text);
  Request request = { "github.com", 443 };
  OcPolicyContext context = make_context (&request);
  OcPolicyVerdict verdict;
  guint64 hits;
  guint64 errors;

  for (guint i = 0; i < 5; i++)
    oc_policy_evaluate (policy, &context, &verdict);
  oc_policy_evaluate_linear (policy, &context, &verdict);
  oc_policy_get_rule_counters (policy, oc_policy_lookup_rule (policy, "gh")->index, &hits, &errors);
  g_assert_cmpuint (hits, ==, 5);
  g_assert_cmpuint (errors, ==, 0);
  context.network.hostname = OC_STR ("nowhere.example");
  context.http.host = context.network.hostname;
  for (guint i = 0; i < 3; i++)
    oc_policy_evaluate (policy, &context, &verdict);
  g_assert_null (verdict.rule);
  oc_policy_get_rule_counters (policy, oc_policy_lookup_rule (policy, "errs")->index, &hits,
                               &errors);
  g_assert_cmpuint (hits, ==, 0);
  g_assert_cmpuint (errors, ==, 3);
}

#define THREADS 8
#define ROUNDS 20000

static gpointer
evaluate_many (gpointer data)
{
  OcPolicy *policy = oc_policy_ref (data);

  for (guint i = 0; i < ROUNDS; i++)
    {
      gsize k = i % G_N_ELEMENTS (order_cases);
      OcPolicyContext context = make_context (&order_cases[k].request);
      OcPolicyVerdict verdict;

      oc_policy_evaluate (policy, &context, &verdict);
      assert_verdict (&verdict, order_cases[k].rule);
    }
  oc_policy_unref (policy);
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (OcPolicy) policy = load_text (order_text);
  GThread *threads[THREADS];
  guint64 sum = 0;
  guint expected = 0;

  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("verdicts", evaluate_many, policy);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      guint64 hits;
      guint64 errors;

      oc_policy_get_rule_counters (policy, i, &hits, &errors);
      sum += hits;
    }
  for (guint i = 0; i < ROUNDS; i++)
    expected += order_cases[i % G_N_ELEMENTS (order_cases)].rule != NULL;
  g_assert_cmpuint (sum, ==, (guint64) expected * THREADS);
}

/* --- Learning ---- */

/* Rules decide as ever; only the default is another. */
static void
test_learning (void)
{
  static const char text[] = V "rules:\n"
      "- {id: no, action: block, condition: 'network.hostname == \"bad.example\"'}\n"
      "- {id: yes, action: allow, condition: 'network.hostname == \"good.example\"'}\n";
  static const struct
  {
    const char *host, *rule; /* NULL: learned */
    gboolean allowed;
  } cases[] = { { "bad.example", "no", FALSE }, { "good.example", "yes", TRUE },
                { "new.example", NULL, TRUE } };
  static void (*const evaluate[]) (const OcPolicy *, const OcPolicyContext *, OcPolicyVerdict *)
      = { oc_policy_evaluate, oc_policy_evaluate_name, oc_policy_evaluate_linear,
          oc_policy_evaluate_name_linear };
  g_autoptr (OcPolicy) policy = load_text (text);
  g_autoptr (OcPolicy) empty = oc_policy_new_empty ();
  OcPolicyVerdict verdict;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (evaluate); k++)
      {
        const Request request = { cases[i].host, 443, "GET", "/", "ci" };
        OcPolicyContext context = make_context (&request);

        context.learning = TRUE;
        evaluate[k] (policy, &context, &verdict);
        g_assert_cmpint (verdict.allowed, ==, cases[i].allowed);
        g_assert_cmpstr (verdict.rule->id, ==, cases[i].rule ? cases[i].rule : OC_POLICY_LEARNED_ID);
        g_assert_cmpint (oc_rule_is_learned (verdict.rule), ==, cases[i].rule == NULL);
        evaluate[k] (empty, &context, &verdict);
        g_assert_true (verdict.allowed && oc_rule_is_learned (verdict.rule));
        context.learning = FALSE;
        evaluate[k] (empty, &context, &verdict);
        g_assert_false (verdict.allowed || oc_rule_is_learned (verdict.rule));
      }
  evaluate[0] (policy, &(OcPolicyContext){ .learning = TRUE }, &verdict);
  g_assert_true (oc_rule_names_port (policy, verdict.rule, 8443));
  g_assert_false (verdict.rule->egress.allow_private_ips || verdict.rule->egress.ech_allow);
  oc_policy_count_connection (policy, verdict.rule);
  oc_policy_count_bytes (policy, verdict.rule, 1, 1);
  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, 2);
  g_assert_null (oc_policy_lookup_rule (policy, OC_POLICY_LEARNED_ID));
}

/* --- Explaining ------------------------------------------------------------------------------ */

static const struct
{
  const char *condition;
  gboolean name_only;
  const char *why; /* NULL: it matched */
} explain_cases[] = {
  { "network.hostname == \"a.example\" && network.port == 443", FALSE,
    "network.port == 443 is false: network.port is 80" },
  { "network.hostname == \"b.example\" && network.port == 443", FALSE,
    "network.hostname == \"b.example\" is false: network.hostname is \"a.example\"" },
  { "network.port == 1 || network.port == 2", FALSE,
    "network.port == 1 is false: network.port is 80; network.port == 2 is false: network.port is "
    "80" },
  { "!(network.port == 80)", FALSE, "network.port == 80 is true: network.port is 80" },
  { "!(network.port == 80 || agent.name == \"ci\")", FALSE,
    "network.port == 80 is true: network.port is 80" },
  { "network.hostname == \"a.example\" &&\n  network.port\n  == 443", FALSE,
    "network.port == 443 is false: network.port is 80" },
  { "http.headers[\"x\"] == \"1\"", FALSE, "http.headers[\"x\"] == \"1\" is an error (" },
  { "network.port == 80", FALSE, NULL },
  { "network.port == 443", TRUE, NULL },
  { "network.port == 443 && network.hostname == \"b.example\"", TRUE,
    "network.hostname == \"b.example\" is false: network.hostname is \"a.example\"" },
};

static void
test_explain (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (explain_cases); i++)
    {
      g_autoptr (GString) text
          = g_string_new (V "rules:\n  - id: r\n    action: allow\n    condition: |\n      ");
      g_autoptr (OcPolicy) policy = NULL;
      g_autoptr (GPtrArray) steps = NULL;
      Request request = { "a.example", 80 };
      OcPolicyContext context = make_context (&request);
      const OcTraceStep *step;
      OcPolicyVerdict verdict;

      g_string_append (text, explain_cases[i].condition);
      g_string_replace (text, "\n  network.port\n  ", "\n        network.port\n        ", 0);
      policy = load_text (text->str);
      oc_policy_explain (policy, &context, explain_cases[i].name_only, &verdict, &steps);
      g_assert_cmpuint (steps->len, ==, 1);
      step = g_ptr_array_index (steps, 0);
      g_assert_true (step->matched == (explain_cases[i].why == NULL));
      g_assert_true (verdict.allowed == step->matched);
      if (explain_cases[i].why == NULL)
        g_assert_null (step->why);
      else if (!g_str_has_prefix (step->why, explain_cases[i].why))
        g_assert_cmpstr (step->why, ==, explain_cases[i].why);
    }
}

static void
test_explain_blocked_name (void)
{
  g_autoptr (OcPolicy) policy
      = load_text (V "rules: [{id: b, ports: [22], action: block},"
                     " {id: r, hosts: [a.example], action: allow}, {id: s, ports: [1], "
                     "action: allow}]\n");
  g_autoptr (GPtrArray) steps = NULL;
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  context.dns.query = OC_STR ("a.example");
  oc_policy_explain (policy, &context, TRUE, &verdict, &steps);
  g_assert_cmpuint (steps->len, ==, 2);
  g_assert_cmpstr (((OcTraceStep *) g_ptr_array_index (steps, 0))->why, ==,
                   "network.port in [22] is not known yet: network.port is not known yet");
  g_assert_true (((OcTraceStep *) g_ptr_array_index (steps, 1))->matched);
  assert_verdict (&verdict, "r");
}

/* --- tests: ------------------------------------------------------------------------------------ */

static void
test_tests (void)
{
  g_autoptr (OcPolicy) policy = load_text (
      V "rules:\n"
        "  - {id: npm, hosts: [registry.npmjs.org], ports: [443], agents: [ci], action: allow}\n"
        "  - {id: sh, condition: 'run.args.exists(a, a == \"-c\") && \"k\" in run.context && "
        "http.headers[\"h\"] == \"v\" && request.time > timestamp(\"2026-01-01T00:00:00Z\")', "
        "action: block}\n"
        "tests:\n"
        "  - name: ci may\n"
        "    given: {agent: {name: ci}, network: {hostname: registry.npmjs.org, port: 443}}\n"
        "    expect: allow\n"
        "  - name: by which rule\n"
        "    given: {agent: {name: ci}, network: {hostname: registry.npmjs.org, port: 443}}\n"
        "    expect: {decision: allow, rule: npm}\n"
        "  - name: others may not\n"
        "    given: {network: {hostname: registry.npmjs.org, port: 443}}\n"
        "    expect: {decision: block, rule: null}\n"
        "  - name: look-up\n"
        "    given: {agent: {name: ci}, dns: {query: registry.npmjs.org, record_type: A}}\n"
        "    expect: allow\n"
        "  - name: every type\n"
        "    given: {run: {args: [sh, -c], context: {k: v}}, http: {headers: {h: v}},\n"
        "            request: {time: \"2026-02-01T00:00:00Z\"}}\n"
        "    expect: {decision: block, rule: sh}\n"
        "  - name: wrong\n"
        "    given: {network: {port: 1}}\n"
        "    expect: allow\n"
        "  - name: wrong rule\n"
        "    given: {network: {port: 1}}\n"
        "    expect: {decision: block, rule: npm}\n");
  g_autoptr (GPtrArray) results = oc_policy_run_tests (policy);
  const OcPolicyTestResult *result;

  g_assert_cmpuint (oc_policy_get_n_tests (policy), ==, 7);
  g_assert_cmpuint (results->len, ==, 7);
  for (guint i = 0; i < 7; i++)
    {
      result = g_ptr_array_index (results, i);
      g_test_message ("%s: %s", result->name, result->message ? result->message : "ok");
      g_assert_true (result->passed == (i < 5));
    }
  result = g_ptr_array_index (results, 5);
  g_assert_cmpstr (result->message, ==, "expected allow, found block by default");
  g_assert_cmpuint (result->line, ==, 22);
  result = g_ptr_array_index (results, 6);
  g_assert_cmpstr (result->message, ==, "expected block by rule 'npm', found block by default");
}

static void
test_coverage (void)
{
  g_autoptr (OcPolicy) policy = load_text (
      V "rules:\n"
        "  - {id: late, hosts: [c.example], priority: 200, action: allow}\n"
        "  - {id: first, hosts: [a.example], action: allow}\n"
        "  - {id: second, hosts: [a.example], ports: [80], priority: 90, action: block}\n"
        "  - {id: third, hosts: [b.example], action: allow}\n"
        "tests:\n"
        "  - {name: a, given: {network: {hostname: a.example, port: 443}}, expect: allow}\n"
        "  - {name: none, given: {network: {hostname: d.example}}, expect: block}\n"
        "  - {name: wrong, given: {network: {hostname: b.example}}, expect: block}\n");
  g_autoptr (GPtrArray) results = oc_policy_run_tests (policy);
  g_autoptr (GPtrArray) untested = oc_policy_list_untested (policy, results);

  /* A rule that was only passed over is not tested; one that made a test fail is. */
  g_assert_cmpuint (untested->len, ==, 2);
  g_assert_cmpstr (((const OcRule *) g_ptr_array_index (untested, 0))->id, ==, "second");
  g_assert_cmpstr (((const OcRule *) g_ptr_array_index (untested, 1))->id, ==, "late");
}

/* --- Files --------------------------------------------------------------------------------------- */

typedef struct
{
  char *dir;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("oc-policy-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->dir, name, NULL);

      g_assert_no_errno (g_remove (path));
    }
  g_assert_no_errno (g_rmdir (fixture->dir));
  g_free (fixture->dir);
}

static char *
write_rule (const Fixture *fixture, const char *name, const char *id, int mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text
      = g_strdup_printf (V "rules: [{id: %s, hosts: [%s.example], action: allow}]\n", id, id);
  char *path = g_build_filename (fixture->dir, name, NULL);

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_no_errno (chmod (path, (mode_t) mode));
  return path;
}

/* @text: what the one diagnostic must hold */
static void
assert_refused (const Fixture *fixture, const char *text)
{
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autoptr (GError) error = NULL;

  g_assert_null (oc_policy_load_dir (fixture->dir, NULL, diagnostics, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpuint (diagnostics->len, ==, 1);
  g_assert_nonnull (strstr (((OcDiagnostic *) g_ptr_array_index (diagnostics, 0))->text, text));
}

static void
test_dir_order (Fixture *fixture, gconstpointer data)
{
  g_autofree char *b = write_rule (fixture, "b.yaml", "rb", 0600);
  g_autofree char *a = write_rule (fixture, "a.yml", "ra", 0644);
  g_autofree char *upper G_GNUC_UNUSED = write_rule (fixture, "B.yaml", "rB", 0664);
  g_autofree char *ignored G_GNUC_UNUSED = write_rule (fixture, "c.yaml.bak", "c", 0666);
  g_autofree char *hidden G_GNUC_UNUSED = write_rule (fixture, ".d.yaml", "d", 0666);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = oc_policy_load_dir (fixture->dir, NULL, NULL, &error);
  g_autofree char *digest = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (oc_policy_get_n_files (policy), ==, 3);
  g_assert_cmpstr (oc_policy_get_rule (policy, 0)->id, ==, "rB");
  g_assert_cmpstr (oc_policy_get_rule (policy, 1)->id, ==, "ra");
  g_assert_cmpstr (oc_policy_get_rule (policy, 2)->id, ==, "rb");
  digest = g_strdup (oc_policy_get_digest (policy));
  g_assert_cmpuint (strlen (digest), ==, 64);
  g_clear_pointer (&policy, oc_policy_unref);
  policy = oc_policy_load_dir (fixture->dir, NULL, NULL, &error);
  g_assert_cmpstr (oc_policy_get_digest (policy), ==, digest);
  g_assert_no_errno (g_rename (b, a));
  g_clear_pointer (&policy, oc_policy_unref);
  policy = oc_policy_load_dir (fixture->dir, NULL, NULL, &error);
  g_assert_cmpstr (oc_policy_get_digest (policy), !=, digest);
}

static void
test_dir_symlink (Fixture *fixture, gconstpointer data)
{
  g_autofree char *target = write_rule (fixture, "target", "r", 0600);
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);

  g_assert_no_errno (symlink (target, path));
  assert_refused (fixture, "is a symbolic link");
}

static void
test_dir_world_writable (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path G_GNUC_UNUSED = write_rule (fixture, "a.yaml", "r", 0602);

  assert_refused (fixture, "is writable by everybody (mode 0602)");
}

static void
test_dir_open (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path G_GNUC_UNUSED = write_rule (fixture, "a.yaml", "r", 0600);

  g_assert_no_errno (chmod (fixture->dir, 01777));
  assert_refused (fixture, "is writable by everybody (mode 1777)");
}

/* A FIFO must not make the load wait for a writer. */
static void
test_dir_fifo (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);

  g_assert_no_errno (mkfifo (path, 0600));
  assert_refused (fixture, "is not a regular file");
}

static void
test_dir_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);

  g_assert_no_errno (g_mkdir (path, 0700));
  assert_refused (fixture, "is not a regular file");
}

/* @data: whether the directory is missing altogether */
static void
test_dir_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autoptr (GError) error = NULL;
  g_autofree char *missing = g_build_filename (fixture->dir, "missing", NULL);
  g_autoptr (OcPolicy) policy
      = oc_policy_load_dir (data ? missing : fixture->dir, NULL, diagnostics, &error);
  const OcDiagnostic *diagnostic;
  Request request = { "a.example", 443 };
  OcPolicyContext context = make_context (&request);
  OcPolicyVerdict verdict;

  g_assert_no_error (error);
  g_assert_cmpuint (diagnostics->len, ==, 1);
  diagnostic = g_ptr_array_index (diagnostics, 0);
  g_assert_cmpint (diagnostic->severity, ==, OC_DIAGNOSTIC_WARNING);
  g_assert_nonnull (strstr (diagnostic->text, data ? "does not exist" : "holds no rule files"));
  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, 0);
  oc_policy_evaluate (policy, &context, &verdict);
  g_assert_false (verdict.allowed);
  oc_policy_evaluate_name (policy, &context, &verdict);
  g_assert_false (verdict.allowed);
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  g_autofree char *good = write_rule (fixture, "good", "r", 0600);
  g_autofree char *missing = g_build_filename (fixture->dir, "missing", NULL);
  const char *paths[] = { good, missing };
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = oc_policy_load_files (paths, 1, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, 1);
  g_assert_null (oc_policy_load_files (paths, 2, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "cannot be opened"));
}

/* The same id in two files is an error that names both. */
static void
test_files_same_id (Fixture *fixture, gconstpointer data)
{
  g_autofree char *a = write_rule (fixture, "a.yaml", "r", 0600);
  g_autofree char *b = write_rule (fixture, "b.yaml", "r", 0600);
  g_autoptr (GError) error = NULL;
  g_autofree char *expect = g_strdup_printf ("%s:2:14: rule id 'r' is already used in %s:2", b, a);

  g_assert_null (oc_policy_load_dir (fixture->dir, NULL, NULL, &error));
  g_assert_cmpstr (error->message, ==, expect);
}

static void
test_error_count (void)
{
  static const char text[] = V "rules: [{id: a}, {id: b}, {id: c}]\n";
  OcPolicySource source = { "t.yaml", text, sizeof text - 1 };
  g_autoptr (GError) error = NULL;

  g_assert_null (oc_policy_load_sources (&source, 1, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "t.yaml:2:14: rule 'a' has no 'action'"));
  g_assert_nonnull (strstr (error->message, "(and 2 more errors)"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/order", test_order);
  g_test_add_func ("/policy/members", test_rule_members);
  g_test_add_func ("/policy/short-form", test_short_form);
  g_test_add_func ("/policy/definitions", test_definitions);
  g_test_add_func ("/policy/egress", test_egress);
  g_test_add_func ("/policy/name", test_name);
  g_test_add_func ("/policy/reach", test_reach);
  g_test_add_func ("/policy/names-port", test_names_port);
  g_test_add_func ("/policy/counters", test_counters);
  g_test_add_func ("/policy/threads", test_threads);
  g_test_add_func ("/policy/learning", test_learning);
  g_test_add_func ("/policy/explain", test_explain);
  g_test_add_func ("/policy/explain/name", test_explain_blocked_name);
  g_test_add_func ("/policy/tests", test_tests);
  g_test_add_func ("/policy/tests/coverage", test_coverage);
  g_test_add_func ("/policy/error-count", test_error_count);
#define ADD(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)
  ADD ("/policy/dir/order", NULL, test_dir_order);
  ADD ("/policy/dir/symlink", NULL, test_dir_symlink);
  ADD ("/policy/dir/world-writable", NULL, test_dir_world_writable);
  ADD ("/policy/dir/open", NULL, test_dir_open);
  ADD ("/policy/dir/fifo", NULL, test_dir_fifo);
  ADD ("/policy/dir/directory", NULL, test_dir_directory);
  ADD ("/policy/dir/empty", NULL, test_dir_empty);
  ADD ("/policy/dir/missing", GINT_TO_POINTER (1), test_dir_empty);
  ADD ("/policy/files", NULL, test_files);
  ADD ("/policy/files/same-id", NULL, test_files_same_id);
  return g_test_run ();
}
