/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* A verdict takes no memory: this program's own malloc() counts what is asked of it,
 * GLib and PCRE2 included. 03-policy.md, "CEL". */

#include "policy/oc-policy.h"

#include <stdlib.h>
#include <string.h>

/* The sanitizers have allocators of their own, and only glibc lets a program replace its. */
#if defined(__GLIBC__) && !defined(OC_SANITIZED)
#define CAN_COUNT 1
#else
#define CAN_COUNT 0
#endif

#define ROUNDS 1000

static guint64 n_allocations;

#if CAN_COUNT
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *p, size_t size);


void *
malloc (size_t size)
{
  n_allocations++;
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  n_allocations++;
  return __libc_calloc (n, size);
}

void *
realloc (void *p, size_t size)
{
  n_allocations++;
  return __libc_realloc (p, size);
}
#endif

/* None is true for the request below, so that each is evaluated. */
static const char *const conditions[] = {
  "network.hostname == \\\"a.example\\\" || !(network.port in [22, 443])",
  "inDomain(http.host, \\\"github.com\\\") && http.method == \\\"POST\\\"",
  "http.path.startsWith(\\\"/v1/\\\") || http.path.endsWith(\\\".git\\\") || http.path.contains(\\\"..\\\")",
  "network.hostname.matches(\\\"^(a|b)[.]github[.]com$\\\")",
  "http.headers[\\\"accept\\\"] == \\\"text/html\\\" || has(http.headers.none)",
  "agent.name in [\\\"a\\\", \\\"b\\\", \\\"c\\\", \\\"d\\\", \\\"e\\\", \\\"f\\\", \\\"g\\\", \\\"h\\\", \\\"i\\\", \\\"j\\\"]",
  "cidr(\\\"10.0.0.0/8\\\").containsIP(network.ip)",
  "request.time < timestamp(\\\"2020-01-01T00:00:00Z\\\")",
  "request.time.getHours(\\\"Europe/Berlin\\\") > 23 || request.time.getDayOfWeek() == 9",
  "network.port * 2 + 1 < 0 || 10 % network.port == 3 || double(network.port) / 2.0 > 1e6",
  "size(http.path) > 100 ? true : http.body_size > 5",
  "10 / (network.port - 443) == 1",
  "\\\"main\\\" in run.args || run.args.size() > 3 || run.args[0] == \\\"push\\\"",
};

static OcPolicy *
load (void)
{
  g_autoptr (GString) text = g_string_new ("version: \"1\"\nrules:\n");
  OcPolicySource source = { .name = "t.yaml" };
  g_autoptr (GError) error = NULL;
  OcPolicy *policy;

  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    g_string_append_printf (text, "- {id: r%u, action: allow, condition: \"%s\"}\n", i,
                            conditions[i]);
  source.text = text->str;
  source.len = text->len;
  policy = oc_policy_load_sources (&source, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  return policy;
}

static void
test_no_heap (void)
{
  static const OcPair headers[] = { { OC_STR_INIT ("accept"), OC_STR_INIT ("*/*") } };
  static const OcStr args[] = { OC_STR_INIT ("status") };
  g_autoptr (OcPolicy) policy = NULL;
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;
  guint64 before, after;

  if (!CAN_COUNT)
    {
      g_test_skip ("allocations can't be counted here");
      return;
    }
  policy = load ();
  context.network.hostname = context.http.host = OC_STR ("api.github.com");
  context.network.ip = OC_STR ("140.82.112.5");
  context.network.port = 443;
  context.http.method = OC_STR ("GET");
  context.http.path = OC_STR ("/repos/a/b");
  context.http.headers = headers;
  context.http.n_headers = 1;
  context.run.args = (OcStrList) { args, 1 };
  context.agent.name = OC_STR ("ci");
  context.request_time_us = 1767225600 * (gint64) G_USEC_PER_SEC;
  /* The first verdict on a thread makes its scratch memory. */
  oc_policy_evaluate (policy, &context, &verdict);
  oc_policy_evaluate_name (policy, &context, &verdict);
  before = n_allocations;
  for (guint i = 0; i < ROUNDS; i++)
    {
      oc_policy_evaluate (policy, &context, &verdict);
      if (verdict.rule != NULL)
        g_error ("rule %s matches", verdict.rule->id);
      oc_policy_evaluate_name (policy, &context, &verdict);
    }
  after = n_allocations;
  g_test_message ("%u verdicts, %u allocations", 2 * ROUNDS, (guint) (after - before));
  g_assert_cmpuint (before, >, 0);
  g_assert_cmpuint (after, ==, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/no-heap", test_no_heap);
  return g_test_run ();
}
