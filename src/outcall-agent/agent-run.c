/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * `outcall-agent run -- CMD…`: asks first, then runs CMD as a child for as long
 * as the daemon is there.
 *
 *   child ends           → its exit code
 *   heartbeat unanswered → child killed, exit 5
 *   SIGTERM              → SIGTERM to the child, SIGKILL after 10 s, exit 0
 */
#include "config.h"

#include "oc-agent.h"

#include "common/oc-fd.h"
#include "outcall-api/constants.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int passed_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

typedef struct
{
  Agent *agent;
  pid_t child;
  int signal_fd;
  sigset_t old_mask;
  int64_t next_beat_ms;
  int64_t kill_ms; /* when stopping: SIGKILL then; INT64_MAX: not stopping */
} Run;

static int64_t
now_ms (void)
{
  struct timespec ts;

  (void) clock_gettime (CLOCK_MONOTONIC, &ts);
  return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
get_exit_code (int status)
{
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

/* --- Before ---------------------------------------------------------------------- */

/* NULL: something that cannot be asked about, which is never left out of the question. */
static json_t *
make_metadata (char **command)
{
  json_t *metadata = json_object ();
  json_t *args = json_array ();
  char cwd[PATH_MAX];
  bool ok = true;

  for (size_t i = 1; command[i] != NULL; i++)
    ok = json_array_append_new (args, json_string (command[i])) == 0 && ok;
  ok = json_object_set_new (metadata, "args", args) == 0 && ok;
  if (getcwd (cwd, sizeof cwd) != NULL)
    ok = json_object_set_new (metadata, "cwd", json_string (cwd)) == 0 && ok;
  if (ok)
    return metadata;
  json_decref (metadata);
  return NULL;
}

/* Returns: AGENT_EXIT_OK, or the exit code. */
static int
ask (Agent *agent, char **command)
{
  json_t *metadata = make_metadata (command);
  AgentVerdict verdict;
  int code = OUTCALL_UNREACHABLE_EXIT_CODE;

  if (metadata == NULL)
    {
      agent_complain (_("%s is denied: %s"), command[0],
                      _("this cannot be checked: it is too long or not UTF-8"));
      return AGENT_EXIT_DENIED;
    }
  verdict = agent_check (agent, "shell_exec", command[0], metadata);
  if (verdict.answer == AGENT_ALLOWED)
    code = AGENT_EXIT_OK;
  else if (verdict.answer == AGENT_DENIED)
    {
      agent_complain (_("%s is denied: %s"), command[0],
                      verdict.reason != NULL ? verdict.reason : _("no rule allows it"));
      code = AGENT_EXIT_DENIED;
    }
  agent_verdict_clear (&verdict);
  json_decref (metadata);
  return code;
}

static bool
watch_signals (Run *run)
{
  sigset_t mask;

  (void) sigemptyset (&mask);
  (void) sigaddset (&mask, SIGCHLD);
  (void) sigaddset (&mask, SIGTERM);
  for (size_t i = 0; i < sizeof passed_signals / sizeof *passed_signals; i++)
    (void) sigaddset (&mask, passed_signals[i]);
  if (sigprocmask (SIG_BLOCK, &mask, &run->old_mask) < 0)
    return false;
  run->signal_fd = signalfd (-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  return run->signal_fd >= 0;
}

static void
exec_child (Run *run, char **command, pid_t parent)
{
  int err;

  /* However we end, the child does not go on without us. */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (OUTCALL_UNREACHABLE_EXIT_CODE);
  (void) sigprocmask (SIG_SETMASK, &run->old_mask, NULL);
  (void) execvp (command[0], command);
  err = errno;
  agent_complain ("%s: %s", command[0], strerror (err));
  _exit (err == ENOENT ? 127 : 126);
}

/* --- While it runs ------------------------------------------------------------------ */

static void
kill_child (Run *run)
{
  int status;

  (void) kill (run->child, SIGKILL);
  while (waitpid (run->child, &status, 0) < 0 && errno == EINTR)
    continue;
}

/* A daemon that was started again in between knows us after a new check-in. */
static bool
beat (Run *run)
{
  if (!agent_heartbeat (run->agent))
    {
      agent_free (run->agent);
      run->agent = agent_connect (0);
      if (run->agent == NULL || !agent_checkin (run->agent))
        return false;
    }
  run->next_beat_ms = now_ms () + OUTCALL_DEFAULT_HEARTBEAT_INTERVAL_SECS * 1000;
  return true;
}

static void
take_signals (Run *run)
{
  struct signalfd_siginfo info;

  while (read (run->signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
    {
      if (info.ssi_signo == SIGTERM && run->kill_ms == INT64_MAX)
        {
          run->kill_ms = now_ms () + OUTCALL_DEFAULT_STOP_TIMEOUT_SECS * 1000;
          (void) kill (run->child, SIGTERM);
        }
      /* From a terminal the child gets it by itself. */
      else if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
        (void) kill (run->child, (int) info.ssi_signo);
    }
}

static int
get_wait_ms (const Run *run)
{
  int64_t next = run->next_beat_ms < run->kill_ms ? run->next_beat_ms : run->kill_ms;
  int64_t left = next - now_ms ();

  return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int) left;
}

static int
watch (Run *run)
{
  for (;;)
    {
      struct pollfd p = { .fd = run->signal_fd, .events = POLLIN };
      bool stopping = run->kill_ms != INT64_MAX;
      int status;

      if (waitpid (run->child, &status, WNOHANG) == run->child)
        return stopping ? AGENT_EXIT_OK : get_exit_code (status);
      if (now_ms () >= run->kill_ms)
        {
          kill_child (run);
          return AGENT_EXIT_OK;
        }
      if (now_ms () >= run->next_beat_ms && !beat (run))
        {
          kill_child (run);
          return OUTCALL_UNREACHABLE_EXIT_CODE;
        }
      if (poll (&p, 1, get_wait_ms (run)) > 0)
        take_signals (run);
    }
}

static int
run_child (Run *run, char **command)
{
  pid_t self = getpid ();
  int code;

  if (!watch_signals (run))
    {
      agent_complain ("%s", strerror (errno));
      return AGENT_EXIT_FAILED;
    }
  run->kill_ms = INT64_MAX;
  run->next_beat_ms = now_ms () + OUTCALL_DEFAULT_HEARTBEAT_INTERVAL_SECS * 1000;
  run->child = fork ();
  if (run->child == 0)
    exec_child (run, command, self);
  if (run->child < 0)
    {
      agent_complain ("%s", strerror (errno));
      return AGENT_EXIT_FAILED;
    }
  code = watch (run);
  return code;
}

int
agent_cmd_run (int argc, char **argv)
{
  Run run = { .signal_fd = -1 };
  int first = argc > 1 && strcmp (argv[1], "--") == 0 ? 2 : 1;
  int code = OUTCALL_UNREACHABLE_EXIT_CODE;

  if (first >= argc)
    {
      agent_complain (_("usage: outcall-agent %s"), "run -- COMMAND…");
      return AGENT_EXIT_USAGE;
    }
  run.agent = agent_connect (0);
  if (run.agent != NULL && agent_checkin (run.agent))
    {
      code = ask (run.agent, argv + first);
      if (code == AGENT_EXIT_OK)
        code = run_child (&run, argv + first);
    }
  oc_fd_clear (&run.signal_fd);
  agent_free (run.agent);
  return code;
}
