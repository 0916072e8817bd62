/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Runs the ways of the table, each in a process of its own, several at once: one that hangs or
 * dies takes nothing with it.
 */
#include "config.h"

#include "selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 64
/* Of one way. */
#define PROBE_MAX_S 10

const Class classes[] = {
  { "dns", dns_probes },   { "tls", tls_probes },     { "http", http_probes },
  { "raw", raw_probes },   { "l2", l2_probes },       { "ipv6", ipv6_probes },
  { "host", host_probes }, { "engine", engine_probes }, { "files", files_probes },
  { "killed", killed_probes }, { NULL, NULL },
};

static const char *const outcome_words[] = {
  [OUTCOME_REFUSED] = "refused",   [OUTCOME_IMPOSSIBLE] = "impossible",
  [OUTCOME_SILENT] = "silent",     [OUTCOME_ANSWERED] = "answered",
  [OUTCOME_UNFIT] = "unfit",
};

/* --- Running ------------------------------------------------------------------------- */

/* Whether @name is one of the comma-separated @only. */
static bool
is_chosen (const char *only, const char *name)
{
  size_t len = strlen (name);

  if (*only == '\0')
    return true;
  for (const char *at = only; at != NULL; at = strchr (at, ','))
    {
      at += *at == ',';
      if (strncmp (at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
        return true;
    }
  return false;
}

/* One write, so that lines of several processes do not mix. */
static void
print_result (const char *id, const Result *met)
{
  char line[256];
  int len = snprintf (line, sizeof line, "%s\t%s\t%s\n", id, outcome_words[met->outcome],
                      met->detail);

  (void) !write (STDOUT_FILENO, line, (size_t) len);
}

static void
run_one (const Place *place, const Probe *probe, unsigned n)
{
  Result met;

  (void) alarm (PROBE_MAX_S);
  met = probe->run (place, probe, n);
  print_result (probe->id, &met);
  _exit (0);
}

static void
reap (unsigned *running)
{
  if (wait (NULL) > 0)
    --*running;
}

/* Those that are last, or all others. */
static void
run_turn (const Place *place, Stage stage, const char *only, bool last)
{
  unsigned running = 0;
  unsigned n = 0;

  for (const Class *class = classes; class->name != NULL; class++)
    for (const Probe *probe = class->probes; probe->id != NULL; probe++)
      {
        pid_t pid;

        n++;
        if (probe->stage != stage || probe->last != last || !is_chosen (only, class->name))
          continue;
        if (running == AT_ONCE)
          reap (&running);
        pid = fork ();
        if (pid == 0)
          run_one (place, probe, n);
        running += pid > 0;
      }
  while (running > 0)
    reap (&running);
}

int
run_stage (const Place *place, Stage stage, const char *only)
{
  /* After the death of the daemon there is nobody to answer. */
  if (stage == STAGE_KILLED || wake_gateway (place) || wake_gateway (place))
    puts ("network");
  run_turn (place, stage, only, false);
  run_turn (place, stage, only, true);
  return 0;
}

void
print_table (void)
{
  static const char *const stages[] = { "sandbox", "bare", "killed" };
  static const char *const witnesses[] = { "none", "host", "wire", "neighbour" };

  for (const Class *class = classes; class->name != NULL; class++)
    for (const Probe *probe = class->probes; probe->id != NULL; probe++)
      (void) printf ("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", probe->id, class->name, probe->text,
                     probe->detail != NULL ? probe->detail : "", stages[probe->stage],
                     witnesses[probe->witness],
                     probe->applies == NULL || probe->applies (probe) ? "here" : "absent");
}
