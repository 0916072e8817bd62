/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel.h"

#include <stdio.h>

/* Nanoseconds per evaluation of the four reference conditions, in one context. One
 * line each: name, ns. The best of many short rounds, since everything else on the
 * machine only adds.
 */

#define EVALUATIONS 20000

static const struct
{
  const char *name, *type, *text;
} context[] = {
  { "network.hostname", "string", "api.github.com" },
  { "network.ip", "string", "140.82.112.5" },
  { "network.port", "int", NULL },
  { "network.protocol", "string", "tcp" },
  { "http.method", "string", "GET" },
  { "http.path", "string", "/repos/a/b" },
  { "http.host", "string", "api.github.com" },
  { "http.scheme", "string", "https" },
  { "dns.query", "string", "api.github.com" },
  { "dns.record_type", "string", "A" },
  { "agent.name", "string", "claude" },
};

static const struct
{
  const char *name, *source;
} conditions[] = {
  { "a", "dns.query == \"api.openai.com\"" },
  { "b", "http.host == \"api.github.com\" && http.method == \"GET\""
         " && http.path.startsWith(\"/repos/\")" },
  { "c", "dns.query == \"github.com\" || dns.query == \"api.github.com\""
         " || dns.query.endsWith(\".githubusercontent.com\")" },
  { "d", "[\"github.com\", \"gitlab.com\", \"codeberg.org\", \"api.github.com\", \"sr.ht\"]"
         ".exists(h, h == http.host) && network.port == 443" },
};

static double
measure (const OcCelProgram *program, const OcCelValue *slots, OcCelScratch *scratch, guint rounds)
{
  double best = G_MAXDOUBLE;

  for (guint round = 0; round < rounds; round++)
    {
      gint64 begin = g_get_monotonic_time ();
      guint hits = 0;
      double ns;

      for (guint i = 0; i < EVALUATIONS; i++)
        hits += (guint) oc_cel_eval_bool (program, slots, scratch);
      ns = (double) (g_get_monotonic_time () - begin) * 1000 / EVALUATIONS;
      best = MIN (best, ns);
      if (hits != 0 && hits != EVALUATIONS)
        g_error ("bench: one condition, two results");
    }
  return best;
}

int
main (void)
{
  guint rounds = g_getenv ("BENCH_QUICK") ? 2 : 1000;
  g_autoptr (OcCelEnv) env = oc_cel_env_new ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  OcCelValue slots[G_N_ELEMENTS (context)];

  for (guint i = 0; i < G_N_ELEMENTS (context); i++)
    {
      int slot = oc_cel_env_add_variable (env, context[i].name, context[i].type);

      slots[slot] = context[i].text ? oc_cel_string (oc_str_from (context[i].text))
                                    : oc_cel_int (443);
    }
  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    {
      g_autoptr (OcCelProgram) program = oc_cel_compile (
          env, oc_str_from (conditions[i].source), OC_CEL_COMPILE_BOOL, NULL);

      if (!program)
        g_error ("bench: condition %s is refused", conditions[i].name);
      printf ("%s %.1f\n", conditions[i].name, measure (program, slots, scratch, rounds));
    }
  return 0;
}
