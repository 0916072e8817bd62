/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Loading and deciding with few and with many rules: prints a table. Each figure is
 * the best of several runs, which other load on the machine disturbs least; memory is
 * what the process has grown by. 03-policy.md, "Speed". Arguments: rounds per figure, most rules. */

#include "policy/oc-policy.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS 9
#define RULES_PER_FILE 5000

/* Processor time of this thread: there is only this one, and others may share the
 * machine. */
static double
now_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* Resident memory in KiB. */
static long
rss_kib (void)
{
  g_autofree char *text = NULL;
  long pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    {
      const char *second = strchr (text, ' ');

      pages = second != NULL ? (long) g_ascii_strtoll (second, NULL, 10) : 0;
    }
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

/* A way to fill policies, and the request that one of their rules decides. */
typedef struct
{
  const char *title;
  guint rules_per_host;
  void (*append_rule) (GString *text, guint i, guint n_hosts);
  void (*fill) (OcPolicyContext *context, guint i, guint n_hosts);
} Workload;

/* Texts that a request borrows. */
static char host_text[64];
static char agent_text[32];

static void
fill_request (OcPolicyContext *context, const char *agent)
{
  *context = (OcPolicyContext) { 0 };
  context->network.hostname = context->http.host = oc_str_from (host_text);
  context->network.port = 443;
  context->network.ip = OC_STR ("198.51.100.7");
  context->network.protocol = OC_STR ("tcp");
  context->http.method = OC_STR ("CONNECT");
  context->http.path = OC_STR ("/");
  context->agent.name = oc_str_from (agent);
}

/* The short form; one host, several rules that differ in port and agent. */
static void
append_short (GString *text, guint i, guint n_hosts)
{
  guint host = i % n_hosts;
  guint kind = i / n_hosts;

  g_string_append_printf (text,
                          "- {id: rule-%u, hosts: [h%u.service%u.example], ports: [%u], "
                          "agents: [a%u], action: %s}\n",
                          i, host, host % 100, 443 + kind % 3, kind,
                          i % 7 == 0 ? "block" : "allow");
}

static void
fill_short (OcPolicyContext *context, guint i, guint n_hosts)
{
  g_snprintf (host_text, sizeof host_text, "h%u.service%u.example", i % n_hosts, i % n_hosts % 100);
  g_snprintf (agent_text, sizeof agent_text, "a%u", i / n_hosts);
  fill_request (context, agent_text);
  context->network.port = 443 + i / n_hosts % 3;
}

/* Conditions of every form that the index reads; `%s` is the rule's own name. */
static const char *const shapes[] = {
  "network.hostname == \"%s\" || network.hostname == \"www.%s\"",
  "inDomain(network.hostname, \"%s\") && network.port in [443, 8443]",
  "[\"%s\", \"www.%s\"].exists(h, h == http.host)",
  "network.hostname in [\"%s\", \"www.%s\"] && http.method == \"CONNECT\"",
  "!(network.hostname != \"%s\" || network.port == 22)",
  "network.hostname == \"%s\" || network.hostname.endsWith(\".%s\")",
  "$known && network.hostname == \"%s\"",
  "agent.name == \"a1\" && (http.host == \"%s\" || dns.query == \"%s\")",
};

static void
append_mixed (GString *text, guint i, guint n_hosts)
{
  const char *shape = shapes[i % G_N_ELEMENTS (shapes)];

  g_string_append_printf (text, "- {id: rule-%u, action: allow, condition: '", i);
  for (const char *p = shape; *p != '\0'; p++)
    if (p[0] == '%')
      g_string_append_printf (text, "h%u.service%u.example", i, i % 100), p++;
    else
      g_string_append_c (text, *p);
  g_string_append (text, "'}\n");
}

static void
fill_mixed (OcPolicyContext *context, guint i, guint n_hosts)
{
  g_snprintf (host_text, sizeof host_text, "h%u.service%u.example", i, i % 100);
  fill_request (context, "a1");
}

static const Workload workloads[] = {
  { "short form, ten rules to a host", 10, append_short, fill_short },
  { "mixed CEL, one rule to a host", 1, append_mixed, fill_mixed },
};

typedef struct
{
  OcPolicySource *sources;
  guint n;
} Sources;

static Sources
make_sources (const Workload *workload, guint n_rules, guint n_hosts)
{
  Sources sources = { NULL, (n_rules + RULES_PER_FILE - 1) / RULES_PER_FILE };
  guint made = 0;

  sources.sources = g_new0 (OcPolicySource, sources.n);
  for (guint f = 0; f < sources.n; f++)
    {
      GString *text = g_string_new ("version: \"1\"\n"
                                    "definitions: {known: 'agent.name != \"\"'}\nrules:\n");
      gsize len;

      for (guint k = 0; k < RULES_PER_FILE && made < n_rules; k++)
        workload->append_rule (text, made++, n_hosts);
      len = text->len;
      sources.sources[f] = (OcPolicySource) { g_strdup_printf ("%03u.yaml", f),
                                              g_string_free (text, FALSE), len };
    }
  return sources;
}

static void
free_sources (Sources *sources)
{
  for (guint f = 0; f < sources->n; f++)
    {
      g_free ((char *) sources->sources[f].name);
      g_free ((char *) sources->sources[f].text);
    }
  g_free (sources->sources);
}

static OcPolicy *
load (const Sources *sources)
{
  g_autoptr (GError) error = NULL;
  OcPolicy *policy
      = oc_policy_load_sources (sources->sources, sources->n, NULL, NULL, &error);

  if (policy == NULL)
    {
      fprintf (stderr, "bench-policy: %s\n", error->message);
      exit (1);
    }
  return policy;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Nanoseconds of one verdict; @expect: index of the rule that decides, -1: none */
static double
time_verdict (const OcPolicy *policy, const OcPolicyContext *context, int expect, guint rounds)
{
  double runs[RUNS];
  OcPolicyVerdict verdict;

  oc_policy_evaluate (policy, context, &verdict);
  if ((verdict.rule == NULL ? -1 : (int) verdict.rule->index) != expect)
    {
      fprintf (stderr, "bench-policy: wrong verdict\n");
      exit (1);
    }
  for (guint r = 0; r < RUNS; r++)
    {
      double start = now_ns ();

      for (guint i = 0; i < rounds; i++)
        oc_policy_evaluate (policy, context, &verdict);
      runs[r] = (now_ns () - start) / rounds;
    }
  qsort (runs, RUNS, sizeof (double), compare_doubles);
  return runs[0];
}

/* The request that rule @i decides. */
static double
time_rule (const Workload *workload, const OcPolicy *policy, guint i, guint n_hosts, guint rounds)
{
  OcPolicyContext context;

  workload->fill (&context, i, n_hosts);
  return time_verdict (policy, &context, (int) i, rounds);
}

static double
time_unknown (const OcPolicy *policy, guint rounds)
{
  OcPolicyContext context = { 0 };

  context.network.hostname = OC_STR ("h7.unknown.service7.example");
  context.network.port = 443;
  context.http.host = context.network.hostname;
  context.http.method = OC_STR ("CONNECT");
  context.agent.name = OC_STR ("a1");
  return time_verdict (policy, &context, -1, rounds);
}

static void
bench_rules (const Workload *workload, guint n_rules, guint rounds)
{
  guint n_hosts = MAX (n_rules / workload->rules_per_host, 1);
  Sources sources = make_sources (workload, n_rules, n_hosts);
  double load_ms[RUNS];
  guint n_loads = n_rules > 20000 ? 3 : RUNS;
  OcPolicy *policy;
  long before;
  long after;

  malloc_trim (0);
  before = rss_kib ();
  policy = load (&sources);
  malloc_trim (0);
  after = rss_kib ();
  for (guint r = 0; r < n_loads; r++)
    {
      double start = now_ns ();

      oc_policy_unref (load (&sources));
      load_ms[r] = (now_ns () - start) / 1e6;
    }
  qsort (load_ms, n_loads, sizeof (double), compare_doubles);
  printf ("%8u %8u %10.1f %10.2f %8.0f %8.0f %8.0f %8.0f\n", n_rules, n_hosts,
          load_ms[0], (double) (after - before) / 1024.0,
          time_rule (workload, policy, 0, n_hosts, rounds),
          time_rule (workload, policy, n_rules / 2, n_hosts, rounds),
          time_rule (workload, policy, n_rules - 1, n_hosts, rounds), time_unknown (policy, rounds));
  oc_policy_unref (policy);
  free_sources (&sources);
}

int
main (int argc, char **argv)
{
  static const guint counts[] = { 10, 100, 1000, 10000, 100000 };
  guint rounds = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 200000;
  guint64 max = argc > 2 ? g_ascii_strtoull (argv[2], NULL, 10) : G_MAXUINT;

  printf ("policy: loading and verdicts, ns of processor time, best of %d runs\n", RUNS);
  for (gsize w = 0; w < G_N_ELEMENTS (workloads); w++)
    {
      printf ("%s\n%8s %8s %10s %10s %8s %8s %8s %8s\n", workloads[w].title, "rules", "hosts",
              "load ms", "MiB", "first", "middle", "last", "unknown");
      for (gsize i = 0; i < G_N_ELEMENTS (counts) && counts[i] <= max; i++)
        bench_rules (&workloads[w], counts[i], MAX (rounds, 1));
    }
  return 0;
}
