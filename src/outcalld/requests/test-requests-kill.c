/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * kill -9 before every call that changes something on disk, for every step that a
 * rule request can take. A child runs the real code under ptrace; it is killed at
 * its first such call, at its second, and so on until it gets through. After each
 * death another child looks at what is left: the old state or the new one, never
 * something between, and no rule in force that nobody approved.
 * Specification: 03 "Rule requests".
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "testlib/oc-testns.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST "new.example.org"
#define DEATHS_MAX 200

static const char *self; /* path of this program */

/* --- In the children ------------------------------------------------------------------- */

typedef struct
{
  OcSnapshotHub *hub;
  OcLog *log;
  OcRules *rules;
  OcRequests *requests;
} World;

static World
open_world (const char *dir)
{
  const OcPolicyOptions options = { .have_proxy = TRUE };
  g_autofree char *rules_dir = g_build_filename (dir, "rules.d", NULL);
  g_autofree char *state_dir = g_build_filename (dir, "state", NULL);
  g_autoptr (GError) error = NULL;
  World world;

  world.hub = oc_snapshot_hub_new ();
  world.log = oc_log_new ();
  world.rules = oc_rules_new (rules_dir, &options, world.hub);
  world.requests = oc_requests_new (state_dir, world.rules, world.log, &error);
  g_assert_no_error (error);
  g_assert_true (oc_rules_reload (world.rules, NULL, &error));
  return world;
}

static const OutcallRuleRequestEntry *
get_only (const World *world)
{
  g_autoptr (GPtrArray) pending = oc_requests_list (world->requests, FALSE, 0);
  g_autoptr (GPtrArray) decided = oc_requests_list (world->requests, TRUE, 0);

  g_assert_cmpuint (pending->len + decided->len, <=, 1);
  return pending->len > 0 ? pending->pdata[0] : decided->len > 0 ? decided->pdata[0] : NULL;
}

static void
do_submit (const World *world)
{
  const OutcallRuleSubmission what = { .host = (char *) HOST };
  OcAddress none = { 0 };
  g_autoptr (OcIdentity) who = oc_identity_new ("ci-1", "w", "", "", &none, &none, 1);

  g_assert_nonnull (oc_requests_submit (world->requests, who, &what, NULL, NULL));
}

static gboolean
do_approve (const World *world, gint64 duration_s)
{
  const char *id = get_only (world)->id;
  g_autoptr (OutcallRuleRequestReview) shown
      = oc_requests_review (world->requests, id, duration_s, FALSE, NULL, NULL);
  const OutcallRuleRequestApproval approval = { shown->digest, shown->expires_at_us, false };

  return oc_requests_approve (world->requests, id, &approval, 0, NULL);
}

/* For as short a time as this machine manages. */
static void
do_approve_briefly (const World *world)
{
  for (gint64 duration_s = 1; !do_approve (world, duration_s); duration_s *= 2)
    g_assert_cmpint (duration_s, <, 64);
  g_print ("%" G_GINT64_FORMAT, get_only (world)->expires_at_us);
}

/* The state in one word. */
static const char *
describe (const World *world)
{
  const OutcallRuleRequestEntry *entry = get_only (world);

  if (entry == NULL)
    return "none";
  if (entry->ended)
    return "ended";
  return outcall_rule_request_status_to_string (entry->status);
}

static gboolean
is_open (const World *world)
{
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  context.agent.name = OC_STR ("ci");
  context.network.hostname = OC_STR (HOST);
  context.network.port = 443;
  context.request_time_us = g_get_real_time ();
  oc_policy_evaluate (oc_rules_get_policy (world->rules), &context, &verdict);
  return verdict.allowed;
}

/* "WORD open|closed N": N rule files of agents, finished or not */
static void
print_state (const World *world)
{
  g_autoptr (GDir) dir = g_dir_open (oc_rules_get_dir (world->rules), 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += strstr (name, "agent-") != NULL;
  g_print ("%s %s %u", describe (world), is_open (world) ? "open" : "closed", n);
}

static void G_GNUC_NORETURN
run_child (const char *step, const char *dir)
{
  World world;

  /* An end is what opening does when the time is over. */
  world = open_world (dir);
  if (g_str_equal (step, "submit"))
    do_submit (&world);
  else if (g_str_equal (step, "approve"))
    g_assert_true (do_approve (&world, 0));
  else if (g_str_equal (step, "approve-briefly"))
    do_approve_briefly (&world);
  else if (g_str_equal (step, "reject"))
    g_assert_true (
        oc_requests_reject (world.requests, get_only (&world)->id, "no", 0, NULL));
  else if (g_str_equal (step, "look"))
    print_state (&world);
  (void) fflush (stdout);
  /* Not exit(): a leak checker cannot work while it is traced itself. */
  _exit (0);
}

/* --- Killing ------------------------------------------------------------------------------ */

/* Whether the call that is about to run changes something. */
static gboolean
is_change (const struct __ptrace_syscall_info *info)
{
  switch (info->entry.nr)
    {
    case SYS_openat:
      return (info->entry.args[2] & O_CREAT) != 0;
    case SYS_write:
    case SYS_fsync:
    case SYS_fchmod:
    case SYS_ftruncate:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
exec_traced (const char *step, const char *dir)
{
  int null = open ("/dev/null", O_WRONLY);

  (void) dup2 (null, STDOUT_FILENO);
  (void) dup2 (null, STDERR_FILENO);
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) < 0)
    _exit (77);
  execl (self, self, step, dir, NULL);
  _exit (99);
}

/* Lets the child run to its next change. Returns: FALSE when it ended before one */
static gboolean
run_to_change (pid_t pid, int *out_status)
{
  while (TRUE)
    {
      struct __ptrace_syscall_info info = { 0 };

      g_assert_cmpint (ptrace (PTRACE_SYSCALL, pid, NULL, NULL), ==, 0);
      g_assert_cmpint (waitpid (pid, out_status, 0), ==, pid);
      if (!WIFSTOPPED (*out_status))
        return FALSE;
      if (WSTOPSIG (*out_status) != (SIGTRAP | 0x80))
        continue;
      g_assert_cmpint (ptrace (PTRACE_GET_SYSCALL_INFO, pid, (gpointer) sizeof info, &info), >, 0);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && is_change (&info))
        return TRUE;
    }
}

/* Runs @step and kills it before its @nth change. @out_done: it had fewer.
 * Returns: FALSE when it cannot be traced here. */
static gboolean
run_and_kill (const char *step, const char *dir, guint nth, gboolean *out_done)
{
  pid_t pid = fork ();
  guint n = 0;
  int status;

  if (pid == 0)
    exec_traced (step, dir);
  *out_done = FALSE;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (WIFEXITED (status))
    return FALSE;
  g_assert_cmpint (ptrace (PTRACE_SETOPTIONS, pid, NULL,
                           (gpointer) (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
                   ==, 0);
  while (n < nth && run_to_change (pid, &status))
    n++;
  if (n == nth)
    {
      g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      return TRUE;
    }
  *out_done = TRUE;
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return TRUE;
}

/* --- Around it ----------------------------------------------------------------------------- */

static char *
run_to_end (const char *step, const char *dir)
{
  g_autofree char *output = NULL;

  g_assert_cmpint (oc_test_try (&output, "'%s' %s '%s' 2>/dev/null", self, step, dir), ==, 0);
  return g_strchomp (g_steal_pointer (&output));
}

static char *
make_dir (void)
{
  char *dir = g_dir_make_tmp ("outcall-kill-XXXXXX", NULL);

  oc_test_run ("mkdir -m 755 '%s/rules.d' && mkdir -m 700 '%s/state'", dir, dir);
  return dir;
}

typedef struct
{
  const char *step;
  const char *before[3]; /* steps that lead there */
  const char *old;       /* what a look says before and after; "" for a step that only ends */
  const char *new;
} Case;

static const Case cases[] = {
  { "submit", { NULL }, "none closed 0", "pending closed 0" },
  { "approve", { "submit" }, "pending closed 0", "approved open 1" },
  { "reject", { "submit" }, "pending closed 0", "rejected closed 0" },
};

/* Returns: FALSE when nothing can be traced here. */
static gboolean
die_once (const Case *c, guint nth, gboolean *seen_new, gboolean *out_done)
{
  g_autofree char *dir = make_dir ();
  g_autofree char *state = NULL;
  g_autofree char *again = NULL;
  gboolean is_new;

  for (guint i = 0; c->before[i] != NULL; i++)
    g_free (run_to_end (c->before[i], dir));
  if (!run_and_kill (c->step, dir, nth, out_done))
    return FALSE;
  state = run_to_end ("look", dir);
  again = run_to_end ("look", dir);
  g_test_message ("%s, killed before change %u: %s", c->step, nth, state);
  is_new = g_str_equal (state, c->new);
  if (!is_new)
    g_assert_cmpstr (state, ==, c->old);
  g_assert_cmpstr (state, ==, again);
  /* What was there once is there with one call more, too. */
  g_assert_true (is_new || !*seen_new);
  g_assert_true (is_new || !*out_done);
  *seen_new = is_new;
  oc_test_run ("rm -rf '%s'", dir);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  gboolean seen_new = FALSE;
  gboolean done = FALSE;
  guint nth;

  for (nth = 1; !done && nth < DEATHS_MAX; nth++)
    if (!die_once (c, nth, &seen_new, &done))
      {
        g_test_skip ("no ptrace here");
        return;
      }
  g_assert_true (done);
  g_assert_cmpuint (nth, >, 4);
}

static gboolean
is_past (gpointer user_data)
{
  return g_get_real_time () > *(gint64 *) user_data;
}

/* An approval whose time is over ends however often the daemon dies over it. */
static void
test_end (void)
{
  g_autofree char *dir = make_dir ();
  gint64 over_us;
  gboolean done = FALSE;
  g_autofree char *state = NULL;
  g_autofree char *end = NULL;

  g_free (run_to_end ("submit", dir));
  end = run_to_end ("approve-briefly", dir);
  over_us = g_ascii_strtoll (end, NULL, 10);
  g_assert_cmpint (over_us, >, 0);
  g_assert_true (oc_test_wait (is_past, &over_us));
  for (guint nth = 1; !done && nth < DEATHS_MAX; nth++)
    if (!run_and_kill ("end", dir, nth, &done))
      {
        g_test_skip ("no ptrace here");
        break;
      }
  state = run_to_end ("look", dir);
  g_assert_cmpstr (state, ==, "ended closed 0");
  oc_test_run ("rm -rf '%s'", dir);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;

  if (argc == 3 && argv[1][0] != '-')
    run_child (argv[1], argv[2]);
  path = g_file_read_link ("/proc/self/exe", NULL);
  self = path;
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strconcat ("/requests/kill/", cases[i].step, NULL);

      g_test_add_data_func (name, &cases[i], test_case);
    }
  g_test_add_func ("/requests/kill/end", test_end);
  return g_test_run ();
}
