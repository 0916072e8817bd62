/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Running bubblewrap: it builds everything, tells us the pid of the sandbox's
 * first process, and waits on a pipe until the daemon has attached the network.
 *
 *   outcall ── bwrap ── init of the sandbox (pid 1) ── command
 *
 * - The writing end of the pipe is also held by bwrap (--sync-fd), so our death
 *   is not an end of file that would let the command start. While it waits, a
 *   guard process kills it when we are gone; after that --die-with-parent does.
 * - All four are one process group of the user's session. Ctrl-C reaches the
 *   command directly; it must not end bwrap, which would take the sandbox with
 *   it. So bwrap gets these signals ignored, and since ignoring is inherited, the
 *   shim sets them back to what they were before it becomes the command.
 * - A signal sent to us alone is passed to the command.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-process.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INFO_MAX_BYTES 4096

static const int passed_signals[]
    = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT };
/* Those that would end bwrap when the whole process group gets them. */
static const int held_signals[]
    = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM };

typedef struct
{
  int go[2];    /* the block pipe; [1] lets the command run */
  int info[2];  /* bwrap tells the pid */
  int ready[2]; /* ends when the network namespace has its loopback */
  int limited[2]; /* a byte: the limits are in force; open only when there are any */
  char *group;    /* (nullable): cgroup to remove at the end */
  int signal_fd;
  sigset_t old_mask;
  pid_t bwrap;
  pid_t init; /* first process of the sandbox; 0: not known yet */
  pid_t guard;
  int guard_fd;
} Run;

static void
run_clear (Run *run)
{
  oc_fd_clear (&run->go[0]);
  oc_fd_clear (&run->go[1]);
  oc_fd_clear (&run->info[0]);
  oc_fd_clear (&run->info[1]);
  oc_fd_clear (&run->ready[0]);
  oc_fd_clear (&run->ready[1]);
  oc_fd_clear (&run->limited[0]);
  oc_fd_clear (&run->limited[1]);
  oc_fd_clear (&run->signal_fd);
  oc_fd_clear (&run->guard_fd);
  if (run->group != NULL)
    oc_sandbox_unlimit (run->group);
  g_free (run->group);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* --- Starting ------------------------------------------------------------------ */

/* A caller that closed a standard descriptor must not find ours in its place. */
static void
fill_standard_fds (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO);
  oc_fd_clear (&fd);
}

static gboolean
open_fds (Run *run, GError **error)
{
  sigset_t mask;

  sigemptyset (&mask);
  sigaddset (&mask, SIGCHLD);
  for (guint i = 0; i < G_N_ELEMENTS (passed_signals); i++)
    sigaddset (&mask, passed_signals[i]);
  if (sigprocmask (SIG_BLOCK, &mask, &run->old_mask) < 0)
    return oc_throw_errno (error, "signals");
  run->signal_fd = signalfd (-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (run->signal_fd < 0 || pipe2 (run->go, O_CLOEXEC) < 0 || pipe2 (run->info, O_CLOEXEC) < 0
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->ready) < 0
      || shutdown (run->ready[0], SHUT_WR) < 0)
    return oc_throw_errno (error, "pipes");
  return TRUE;
}

/* Descriptors of the caller beyond the standard three are the host's own. */
static void
close_on_exec_all (void)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

#ifdef SYS_close_range
  if (syscall (SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */) == 0)
    return;
#endif
  dir = g_dir_open ("/proc/self/fd", 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      guint64 fd;

      if (g_ascii_string_to_unsigned (name, 10, 3, G_MAXINT, &fd, NULL))
        (void) fcntl ((int) fd, F_SETFD, FD_CLOEXEC);
    }
}

static void
inherit (int fd)
{
  (void) fcntl (fd, F_SETFD, 0);
}

static void
hold_signals (guint64 restore)
{
  for (guint i = 0; i < G_N_ELEMENTS (held_signals); i++)
    if (restore & (G_GUINT64_CONSTANT (1) << held_signals[i]))
      (void) signal (held_signals[i], SIG_IGN);
}

static void
exec_bwrap (Run *run, OcSandboxArgs *args, char **argv, guint64 restore)
{
  char *const env[] = { NULL };
  char byte;

  /* Without its parent the sandbox has nobody who would wait for it. */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* What it forks is limited only if it is so itself before. */
  if (run->limited[0] >= 0)
    {
      oc_fd_clear (&run->limited[1]);
      if (read (run->limited[0], &byte, 1) != 1)
        _exit (127);
    }
  close_on_exec_all ();
  inherit (run->go[0]);
  inherit (run->go[1]);
  inherit (run->info[1]);
  inherit (run->ready[1]);
  for (guint i = 0; i < args->fds->len; i++)
    inherit (g_array_index (args->fds, int, i));
  hold_signals (restore);
  (void) sigprocmask (SIG_SETMASK, &run->old_mask, NULL);
  (void) execve (OC_BWRAP_PATH, argv, env);
  (void) dprintf (STDERR_FILENO, "%s: %s\n", OC_BWRAP_PATH, g_strerror (errno));
  _exit (127);
}

/* The arguments as one memory file, each ended by NUL. */
static const char *
write_args (OcSandboxArgs *args, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < args->args->len; i++)
    g_string_append_len (text, args->args->pdata[i],
                         (gssize) strlen (args->args->pdata[i]) + 1);
  return oc_sandbox_args_add_data (args, "args", text->str, text->len, error);
}

static void
add_plumbing (Run *run, OcSandboxArgs *args)
{
  char block[16];
  char sync[16];
  char info[16];

  g_snprintf (block, sizeof block, "%d", run->go[0]);
  g_snprintf (sync, sizeof sync, "%d", run->go[1]);
  g_snprintf (info, sizeof info, "%d", run->info[1]);
  oc_sandbox_args_add (args, "--block-fd", block, "--sync-fd", sync, "--info-fd", info, NULL);
}

/* bubblewrap sets the loopback up after it has told the pid, and fails when the
 * daemon was faster. Its first file operation comes after that: an empty file
 * that it reads from a socket of ours and then closes. */
static void
add_mark (Run *run, OcSandboxArgs *args)
{
  char ready[16];

  g_snprintf (ready, sizeof ready, "%d", run->ready[1]);
  oc_sandbox_args_add (args, "--perms", "0444", "--file", ready, OC_SANDBOX_MARK, NULL);
}

static gboolean
wait_for_loopback (Run *run, GError **error)
{
  char byte;
  ssize_t n;

  do
    n = read (run->ready[0], &byte, 1);
  while (n < 0 && errno == EINTR);
  return n >= 0 || errno == ECONNRESET || oc_throw_errno (error, "bubblewrap");
}

static GPtrArray *
make_argv (OcSandboxPlan *plan, const char *args_fd)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  static const char *const head[] = { OC_BWRAP_PATH, "--args" };

  for (guint i = 0; i < G_N_ELEMENTS (head); i++)
    g_ptr_array_add (argv, g_strdup (head[i]));
  g_ptr_array_add (argv, g_strdup (args_fd));
  g_ptr_array_add (argv, g_strdup ("--"));
  if (plan->shim != NULL)
    {
      g_ptr_array_add (argv, oc_sandbox_get_shim_path ());
      g_ptr_array_add (argv, g_strdup ("sandbox-exec"));
      g_ptr_array_add (argv, g_strdup_printf ("%" G_GINT64_MODIFIER "x", plan->restore_signals));
      g_ptr_array_add (argv, g_strdup ("--"));
    }
  for (guint i = 0; plan->command[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (plan->command[i]));
  g_ptr_array_add (argv, NULL);
  return argv;
}

/* Signals that the caller has ignored (nohup) stay ignored for the command. */
static guint64
find_default_signals (void)
{
  guint64 set = 0;

  for (guint i = 0; i < G_N_ELEMENTS (held_signals); i++)
    {
      struct sigaction action;

      if (sigaction (held_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        set |= G_GUINT64_CONSTANT (1) << held_signals[i];
    }
  return set;
}

static gboolean
limit (Run *run, const OcSandboxPlan *plan, GError **error)
{
  if (run->limited[1] < 0)
    return TRUE;
  oc_fd_clear (&run->limited[0]);
  if (!oc_sandbox_limit (&plan->limits, run->bwrap, &run->group, error))
    return FALSE;
  if (write (run->limited[1], "", 1) != 1)
    return oc_throw_errno (error, "bubblewrap");
  oc_fd_clear (&run->limited[1]);
  return TRUE;
}

static gboolean
start (Run *run, OcSandboxPlan *plan, GError **error)
{
  g_autoptr (OcSandboxArgs) args = oc_sandbox_args_new ();
  g_autoptr (GPtrArray) argv = NULL;
  const char *args_fd;

  plan->restore_signals = find_default_signals ();
  fill_standard_fds ();
  if (!open_fds (run, error) || !oc_sandbox_prepare_project (plan, error))
    return FALSE;
  add_mark (run, args);
  if (!oc_sandbox_build (plan, args, error))
    return FALSE;
  add_plumbing (run, args);
  args_fd = write_args (args, error);
  if (args_fd == NULL)
    return FALSE;
  argv = make_argv (plan, args_fd);
  if (oc_sandbox_limits_are_set (&plan->limits) && pipe2 (run->limited, O_CLOEXEC) < 0)
    return oc_throw_errno (error, "pipes");
  run->bwrap = fork ();
  if (run->bwrap < 0)
    return oc_throw_errno (error, "fork");
  if (run->bwrap == 0)
    exec_bwrap (run, args, (char **) argv->pdata, plan->shim != NULL ? plan->restore_signals : 0);
  oc_fd_clear (&run->go[0]);
  oc_fd_clear (&run->info[1]);
  oc_fd_clear (&run->ready[1]);
  return TRUE;
}

/* --- Attaching ------------------------------------------------------------------ */

/* Until bwrap closes its end: after the pid it writes nothing more. */
static gboolean
read_info (Run *run, char *text, gsize size, GError **error)
{
  gsize used = 0;

  for (;;)
    {
      ssize_t n = read (run->info[0], text + used, size - 1 - used);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return oc_throw_errno (error, "bubblewrap");
      if (n == 0)
        break;
      used += (gsize) n;
      if (used == size - 1)
        return oc_throw (error, _("bubblewrap said too much"));
    }
  text[used] = '\0';
  return TRUE;
}

static gboolean
wait_for_init (Run *run, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  char text[INFO_MAX_BYTES];
  gint64 pid;

  if (!read_info (run, text, sizeof text, error))
    return FALSE;
  node = *text != '\0' ? json_from_string (text, NULL) : NULL;
  object = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  pid = object != NULL ? json_object_get_int_member_with_default (object, "child-pid", 0) : 0;
  if (pid <= 0 || pid > G_MAXINT32)
    {
      g_autofree char *why = oc_sandbox_diagnose ();

      return oc_throw (error, "%s",
                       why != NULL ? why : _("bubblewrap could not build the sandbox"));
    }
  run->init = (pid_t) pid;
  return TRUE;
}

/* bubblewrap ties the sandbox to its parent's life only when it lets the
 * command run; ours may end before. The guard ends by a byte, or by our death. */
static gboolean
start_guard (Run *run, GError **error)
{
  oc_autofd int init = oc_pidfd_open (run->init);
  int end[2];
  char byte;

  if (init < 0 || pipe2 (end, O_CLOEXEC) < 0)
    return oc_throw_errno (error, "bubblewrap");
  run->guard_fd = end[1];
  run->guard = fork ();
  if (run->guard == 0)
    {
      oc_fd_clear (&run->guard_fd);
      if (read (end[0], &byte, 1) != 1)
        (void) oc_pidfd_send_signal (init, SIGKILL);
      _exit (0);
    }
  oc_fd_clear (&end[0]);
  return run->guard > 0 || oc_throw_errno (error, "fork");
}

static void
stop_guard (Run *run)
{
  int status;

  if (run->guard <= 0)
    return;
  /* It cannot fail: the guard reads until it gets this. */
  (void) !write (run->guard_fd, "", 1);
  while (waitpid (run->guard, &status, 0) < 0 && errno == EINTR)
    continue;
  run->guard = 0;
}

static gboolean
let_run (Run *run, GError **error)
{
  if (write (run->go[1], "", 1) != 1)
    return oc_throw_errno (error, "bubblewrap");
  oc_fd_clear (&run->go[1]);
  return TRUE;
}

/* --- Waiting ---------------------------------------------------------------------- */

static void
pass_signal (Run *run, const struct signalfd_siginfo *info)
{
  /* From the terminal: the command got it too, being in the same group. */
  if (info->ssi_code == SI_KERNEL)
    return;
  (void) oc_process_signal_children (run->init, (int) info->ssi_signo);
}

static int
get_exit_code (int status)
{
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

static int
wait_for_end (Run *run)
{
  struct pollfd poll_fd = { .fd = run->signal_fd, .events = POLLIN };

  for (;;)
    {
      struct signalfd_siginfo info;
      int status;
      pid_t pid = waitpid (run->bwrap, &status, WNOHANG);

      if (pid == run->bwrap)
        return get_exit_code (status);
      if (poll (&poll_fd, 1, -1) < 0)
        continue;
      while (read (run->signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
        if (info.ssi_signo != SIGCHLD && run->init > 0)
          pass_signal (run, &info);
    }
}

static void
kill_and_reap (Run *run)
{
  int status;

  if (run->bwrap <= 0)
    return;
  /* The sandbox first: while it waits, it would outlive bwrap. */
  oc_fd_clear (&run->guard_fd);
  while (run->guard > 0 && waitpid (run->guard, &status, 0) < 0 && errno == EINTR)
    continue;
  (void) kill (run->bwrap, SIGKILL);
  while (waitpid (run->bwrap, &status, 0) < 0 && errno == EINTR)
    continue;
}

/* An interactive shell inside makes itself the terminal's foreground group, and
 * cannot give that back to a group outside its pid namespace. */
static void
take_terminal_back (pid_t foreground)
{
  sigset_t ttou;
  sigset_t old;

  if (foreground != getpgrp ())
    return;
  sigemptyset (&ttou);
  sigaddset (&ttou, SIGTTOU);
  (void) sigprocmask (SIG_BLOCK, &ttou, &old);
  (void) tcsetpgrp (STDIN_FILENO, foreground);
  (void) sigprocmask (SIG_SETMASK, &old, NULL);
}

static int
run_and_wait (Run *run, OcSandboxPlan *plan, OcSandboxAttachFunc attach, gpointer user_data,
              GError **error)
{
  if (!start (run, plan, error))
    return -1;
  if (!limit (run, plan, error) || !wait_for_init (run, error) || !start_guard (run, error)
      || !wait_for_loopback (run, error) || !attach (run->init, user_data, error)
      || !let_run (run, error))
    {
      kill_and_reap (run);
      return -1;
    }
  stop_guard (run);
  return wait_for_end (run);
}

int
oc_sandbox_run (OcSandboxPlan *plan, OcSandboxAttachFunc attach, gpointer user_data,
                GError **error)
{
  g_auto (Run) run = { .go = { -1, -1 }, .info = { -1, -1 }, .ready = { -1, -1 },
                     .limited = { -1, -1 }, .signal_fd = -1, .guard_fd = -1 };
  pid_t foreground = tcgetpgrp (STDIN_FILENO);
  int code;

  plan->lock_fd = -1;
  code = run_and_wait (&run, plan, attach, user_data, error);
  oc_sandbox_tidy_project (plan);
  if (code >= 0)
    take_terminal_back (foreground);
  return code;
}
