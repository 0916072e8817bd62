/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Who runs where:
 *
 *   host        listen, wire          from the beginning to the end
 *   workload N  neighbour             the same
 *   workload S  a sandbox             the ways of programs
 *   workload B  a bare namespace      the ways of who holds every capability there
 *   workload K  the same              some of them again, after the daemon was killed
 *
 * What an inside says of a way is what it met. What a witness says has the last word.
 */
#include "config.h"

#include "selftest.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEATH_MS 5000
/* For systemd to start the daemon again. */
#define RETURN_TRIES 15
#define RETURN_PAUSE_US 200000

typedef struct
{
  OcSelftestRole *listen, *wire, *neighbour;
} Witnesses;

static void
witnesses_clear (Witnesses *witnesses)
{
  oc_selftest_role_free (witnesses->listen);
  oc_selftest_role_free (witnesses->wire);
  oc_selftest_role_free (witnesses->neighbour);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Witnesses, witnesses_clear)

/* --- Starting ------------------------------------------------------------------------- */

static gboolean
ask_network (OcSelftest *test, GError **error)
{
  g_autoptr (JsonNode) data = NULL;
  g_autofree char *reason = NULL;

  if (!oc_cli_try_call (test->cli, "GET", "/api/v1/network/config", NULL, &data, &reason))
    return oc_throw (error, "%s", reason);
  test->network = data != NULL ? outcall_network_config_from_json (data, error) : NULL;
  if (data == NULL)
    return oc_throw (error, _("%s does not work"), "outcalld");
  return test->network != NULL;
}

/* Rules may allow what is tried: that is no way out then. */
static void
ask_rules (OcSelftest *test, const char *host, gboolean name_only)
{
  g_autofree char *name = g_strconcat ("selftest-", test->run, NULL);
  const OutcallEvaluateRequest request
      = { .context = { .network = { .hostname = (char *) host, .port = 443,
                                    .protocol = (char *) "tcp" },
                       .agent = { .name = name } },
          .name_only = name_only };
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallEvaluateResult) result = NULL;
  g_autofree char *reason = NULL;

  if (oc_cli_try_call (test->cli, "POST", "/api/v1/rule/evaluate",
                       outcall_evaluate_request_to_json (&request), &data, &reason)
      && data != NULL)
    result = outcall_evaluate_result_from_json (data, NULL);
  if (result != NULL && result->verdict.allowed && test->allowed_by == NULL)
    test->allowed_by = g_strdup (result->verdict.matched_rule);
}

static gboolean
start_listener (OcSelftest *test, Witnesses *witnesses, GError **error)
{
  g_auto (GStrv) fields = NULL;

  witnesses->listen = oc_selftest_role_start (test, "listen", NULL, FALSE, error);
  if (witnesses->listen == NULL)
    return FALSE;
  fields = oc_selftest_role_read (witnesses->listen);
  if (fields == NULL || g_strv_length (fields) != 2 || !g_str_equal (fields[0], "port"))
    return oc_throw (error, _("%s does not work"), test->helper);
  test->port = g_strdup (fields[1]);
  return TRUE;
}

/* Not for everybody: who may not watch learns less. */
static gboolean
start_wire (OcSelftest *test, Witnesses *witnesses, GError **error)
{
  g_auto (GStrv) fields = NULL;

  witnesses->wire = oc_selftest_role_start (test, "wire", NULL, FALSE, error);
  if (witnesses->wire == NULL)
    return FALSE;
  fields = oc_selftest_role_read (witnesses->wire);
  test->watches_wire = fields != NULL && g_str_equal (fields[0] != NULL ? fields[0] : "", "ready");
  return TRUE;
}

static gboolean
start_neighbour (OcSelftest *test, Witnesses *witnesses, GError **error)
{
  g_autofree char *unfit = NULL;
  g_auto (GStrv) fields = NULL;

  witnesses->neighbour = oc_selftest_role_start (test, "neighbour", NULL, FALSE, error);
  if (witnesses->neighbour == NULL
      || !oc_selftest_role_attach (witnesses->neighbour, "n", &unfit, error))
    return FALSE;
  fields = unfit == NULL ? oc_selftest_role_read (witnesses->neighbour) : NULL;
  if (fields != NULL && g_strv_length (fields) == 3 && g_str_equal (fields[0], "at"))
    {
      test->neighbour = g_strdup (fields[1]);
      test->neighbour_mac = g_strdup (fields[2]);
    }
  return TRUE;
}

/* --- The stages ------------------------------------------------------------------------ */

/* Starts the role and attaches it. NULL without @error: it cannot be had here, and the ways say
 * why. */
static OcSelftestRole *
start_bare (OcSelftest *test, const char *stage, GError **error)
{
  g_autofree char *more = g_strconcat ("stage=", stage, NULL);
  g_autofree char *unfit = NULL;
  g_autoptr (OcSelftestRole) role = oc_selftest_role_start (test, "probe", more, FALSE, error);

  if (role == NULL || !oc_selftest_role_attach (role, stage, &unfit, error))
    return NULL;
  if (unfit == NULL)
    return g_steal_pointer (&role);
  oc_selftest_set_stage (test, stage, OC_WAY_UNFIT, unfit);
  return NULL;
}

static gboolean
run_inside (OcSelftest *test, GError **error)
{
  g_autoptr (OcSelftestRole) sandbox
      = oc_selftest_role_start (test, "probe", "stage=sandbox", TRUE, error);
  g_autoptr (OcSelftestRole) bare = NULL;

  if (sandbox == NULL)
    return FALSE;
  bare = start_bare (test, "bare", error);
  if (error != NULL && *error != NULL)
    return FALSE;
  return oc_selftest_take_results (test, sandbox, "sandbox", error)
         && (bare == NULL || oc_selftest_take_results (test, bare, "bare", error));
}

/* The process that listens on the host socket. Returns: 0 when it is not known. */
static pid_t
find_daemon (const OcSelftest *test)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  oc_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct ucred peer = { 0 };
  socklen_t len = sizeof peer;

  if (g_strlcpy (to.sun_path, test->cli->socket_path, sizeof to.sun_path) >= sizeof to.sun_path
      || fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0
      || getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
    return 0;
  return peer.pid;
}

/* Returns: FALSE when that is not ours to do. */
static gboolean
kill_daemon (const OcSelftest *test)
{
  pid_t pid = find_daemon (test);
  oc_autofd int fd = pid > 1 ? oc_pidfd_open (pid) : -1;
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return fd >= 0 && oc_pidfd_send_signal (fd, SIGKILL) == 0 && poll (&poll_fd, 1, DEATH_MS) == 1;
}

static void
wait_for_daemon (const OcSelftest *test)
{
  for (guint i = 0; i < RETURN_TRIES; i++)
    {
      g_autofree char *reason = NULL;

      g_usleep (RETURN_PAUSE_US);
      if (oc_cli_try_call (test->cli, "GET", "/api/v1/ready", NULL, NULL, &reason))
        return;
    }
  fprintf (stderr, _("outcall: outcalld was killed and has not come back; start it again\n"));
}

static gboolean
run_killed (OcSelftest *test, GError **error)
{
  g_autoptr (OcSelftestRole) role = NULL;
  g_auto (GStrv) ready = NULL;

  if (!test->disruptive)
    {
      oc_selftest_set_stage (test, "killed", OC_WAY_DISRUPTIVE, NULL);
      return TRUE;
    }
  role = start_bare (test, "killed", error);
  if (role == NULL)
    return error == NULL || *error == NULL;
  ready = oc_selftest_role_read (role);
  if (ready == NULL || *ready == NULL)
    return oc_throw (error, _("the sandbox has no network: nothing can be told"));
  if (g_str_equal (ready[0], "unfit"))
    {
      oc_selftest_set_stage (test, "killed", OC_WAY_UNFIT, ready[1]);
      return TRUE;
    }
  if (!kill_daemon (test))
    {
      oc_selftest_set_stage (test, "killed", OC_WAY_UNFIT, "outcalld cannot be killed");
      return TRUE;
    }
  oc_selftest_role_go (role);
  if (!oc_selftest_take_results (test, role, "killed", error))
    return FALSE;
  wait_for_daemon (test);
  return TRUE;
}

/* --- All of it -------------------------------------------------------------------------- */

static gboolean
is_killing_chosen (const OcSelftest *test)
{
  return test->classes == NULL || g_strv_contains ((const char *const *) test->classes, "killed");
}

static volatile sig_atomic_t interrupted;

static void
on_interrupt (int signo)
{
  (void) signo;
  interrupted = 1;
}

static gboolean
run_all (OcSelftest *test, GError **error)
{
  g_auto (Witnesses) witnesses = { NULL };

  if (!ask_network (test, error) || !oc_selftest_make_place (test, error))
    return FALSE;
  oc_selftest_find_addresses (test);
  ask_rules (test, "selftest.outcall.example", FALSE);
  ask_rules (test, "selftest.outcall.example", TRUE);
  ask_rules (test, "192.0.2.1", FALSE);
  if (!start_listener (test, &witnesses, error) || !start_wire (test, &witnesses, error)
      || !start_neighbour (test, &witnesses, error) || !run_inside (test, error)
      || (is_killing_chosen (test) && !run_killed (test, error)))
    return FALSE;
  (void) oc_selftest_take_sightings (test, witnesses.listen, OC_WAY_AT_HOST);
  (void) oc_selftest_take_sightings (test, witnesses.neighbour, OC_WAY_AT_NEIGHBOUR);
  if (!oc_selftest_take_sightings (test, witnesses.wire, OC_WAY_ON_WIRE))
    oc_selftest_doubt_wire (test);
  oc_selftest_look_for_planted (test);
  oc_selftest_excuse (test);
  return TRUE;
}

gboolean
oc_selftest_run (OcSelftest *test, GError **error)
{
  /* Ctrl-C ends those whom we have started; here it is left to tidy up. */
  struct sigaction action = { .sa_handler = on_interrupt };
  struct sigaction old;
  gboolean done;

  (void) sigaction (SIGINT, &action, &old);
  done = run_all (test, error);
  (void) sigaction (SIGINT, &old, NULL);
  if (!interrupted)
    return done;
  g_clear_error (error);
  return oc_throw (error, _("interrupted"));
}
