/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The sandbox as bubblewrap really builds it, without the daemon's network:
 * each case is a shell line that runs inside, and what it prints.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-fd.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_SOCKET "/run/outcall/host.sock"

typedef struct
{
  char *root, *project, *home;
} Fixture;

static Fixture fx;
/* Of the next sandbox. */
static OcSandboxLimits limits;
static const char *writable[2];

static void
write_text (const char *dir, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
set_up (void)
{
  fx.root = g_dir_make_tmp ("outcall-sandbox-XXXXXX", NULL);
  g_assert_nonnull (fx.root);
  fx.home = g_build_filename (fx.root, "home", NULL);
  fx.project = g_build_filename (fx.home, "work", NULL);
  write_text (fx.home, "secret", "host secret\n");
  write_text (fx.home, ".ssh/id", "host key\n");
  write_text (fx.root, "shown/file", "shown\n");
  write_text (fx.project, "file", "project\n");
  write_text (fx.project, ".git/hooks/pre-commit", "original\n");
  write_text (fx.project, ".git/config", "[core]\n");
  write_text (fx.project, ".envrc", "original\n");
  g_assert_true (g_setenv ("HOME", fx.home, TRUE));
  g_assert_true (g_setenv ("SECRET_TOKEN", "hunter2", TRUE));
  g_assert_true (g_setenv ("LC_TIME", "C", TRUE));
  g_assert_true (g_setenv ("TERM", "dumb", TRUE));
}

static void
tear_down (void)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", fx.root);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

static gboolean
attach_nothing (pid_t pid, gpointer user_data, GError **error)
{
  g_assert_cmpint (kill (pid, 0), ==, 0);
  return TRUE;
}

static gboolean
attach_refused (pid_t pid, gpointer user_data, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the daemon says no");
  return FALSE;
}

static gboolean
attach_and_die (pid_t pid, gpointer user_data, GError **error)
{
  (void) kill (getpid (), SIGKILL);
  return FALSE;
}

/* In a child whose stdout and stderr are @out. */
static void
run_in_child (char *const *command, OcSandboxAttachFunc attach, char **binds, int out)
{
  const char *const env[] = { "GIVEN=a=b", "TERM=xterm", NULL };
  g_autofree char *shim
      = g_build_filename (g_getenv ("OUTCALL_BUILDDIR"), "src/outcall-agent/outcall-agent", NULL);
  OcSandboxPlan plan = { .project = fx.project, .home = fx.home, .extra_env = env,
                         .gateway = "192.0.2.1", .proxy_port = 8080, .shim = shim,
                         .command = command, .is_root = geteuid () == 0, .limits = limits,
                         .writable = writable };
  g_autoptr (GError) error = NULL;
  int code;

  (void) dup2 (out, 1);
  (void) dup2 (out, 2);
  plan.project_fd = open (fx.project, O_PATH | O_CLOEXEC);
  plan.binds = g_ptr_array_new ();
  for (; binds != NULL && *binds != NULL; binds++)
    {
      OcSandboxBind *bind = oc_sandbox_bind_parse (*binds, HOST_SOCKET, &error);

      g_assert_no_error (error);
      g_ptr_array_add (plan.binds, bind);
    }
  code = oc_sandbox_run (&plan, attach, NULL, &error);
  if (code < 0)
    {
      (void) dprintf (1, "outcall: %s\n", error->message);
      code = 1;
    }
  _exit (code);
}

/* Returns: the exit code, 128 + signal; *@out_text: what it printed. */
static int
run_command (char *const *command, OcSandboxAttachFunc attach, char **binds, char **out_text)
{
  GString *text = g_string_new (NULL);
  char buf[4096];
  int fds[2];
  int status;
  ssize_t n;
  pid_t child;

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    run_in_child (command, attach, binds, fds[1]);
  (void) close (fds[1]);
  while ((n = read (fds[0], buf, sizeof buf)) > 0)
    g_string_append_len (text, buf, n);
  (void) close (fds[0]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  *out_text = g_string_free (text, FALSE);
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

static int
run_line (const char *line, char **out_text)
{
  char *const command[] = { (char *) "sh", (char *) "-c", (char *) line, NULL };

  return run_command (command, attach_nothing, NULL, out_text);
}

/* --- What is seen -------------------------------------------------------------- */

static const struct
{
  const char *path;
  const char *line;
  const char *expected; /* "FAIL": any failure */
} cases[] = {
  { "home/empty", "ls -A \"$HOME\"", "work\n" },
  { "home/writable", "echo x >\"$HOME/new\" && cat \"$HOME/new\"", "x\n" },
  { "home/secret", "cat ../secret", "FAIL" },
  { "project/read", "cat file", "project\n" },
  { "project/write", "echo y >made && cat made", "y\n" },
  { "project/same-path", "pwd | sed 's,.*/home/,,'", "work\n" },
  { "project/settings", "echo x >.outcall/agent.yaml", "FAIL" },
  { "project/settings/move", "mv .outcall gone", "FAIL" },
  { "project/hooks", "echo x >.git/hooks/pre-commit", "FAIL" },
  { "project/hooks/new", "echo x >.git/hooks/post-checkout", "FAIL" },
  { "project/hooks/move", "mv .git .git2", "FAIL" },
  { "project/git/works", "echo x >.git/index && rm .git/index && echo ok", "ok\n" },
  { "project/envrc", "echo x >.envrc", "FAIL" },
  { "project/envrc/replace", "rm -f .envrc", "FAIL" },
  { "system/usr", "touch /usr/bin/planted", "FAIL" },
  { "system/root", "touch /planted", "FAIL" },
  { "system/etc", "touch /etc/planted", "FAIL" },
  { "system/shadow", "test -e /etc/shadow", "FAIL" },
  { "system/outcall", "test -e /etc/outcall", "FAIL" },
  /* But the mount point of the project, whatever TMPDIR says. */
  { "system/tmp", "ls -A /tmp | grep -vx \"$(pwd | cut -d/ -f3)\"", "FAIL" },
  { "system/tmp/write", "echo t >/tmp/t && cat /tmp/t", "t\n" },
  { "system/run", "ls /run", "outcall\n" },
  { "system/host.sock", "test -e " HOST_SOCKET, "FAIL" },
  /* Opened for appending only: nothing is written to the host if this ever fails. */
  { "system/sysctl", ": >>/proc/sys/kernel/core_pattern", "FAIL" },
  { "system/sysrq", "exec 2>/dev/null; : >>/proc/sysrq-trigger", "FAIL" },
  { "system/proc/devices",
    "ls -A /proc/acpi /proc/bus /proc/fs /proc/irq 2>/dev/null | grep '^[0-9a-z]'", "FAIL" },
  { "system/proc/keys",
    "cat /proc/keys /proc/key-users /proc/kmsg /proc/vmallocinfo 2>/dev/null || :", "" },
  { "system/proc/mtrr", "test -w /proc/mtrr", "FAIL" },
  { "system/etc/mode", "stat -c %a /etc /etc/passwd | tr '\\n' ' '", "755 444 " },
  { "system/proc/unmount", "umount /proc/sys", "FAIL" },
  { "system/proc/new", "unshare -Urpfm --mount-proc true", "FAIL" },
  { "system/pids", "ls -d /proc/[0-9]* | wc -l | xargs test 8 -gt && echo few", "few\n" },
  { "names/resolv", "cat /etc/resolv.conf", "nameserver 192.0.2.1\noptions ndots:0\n" },
  { "names/nsswitch", "grep hosts /etc/nsswitch.conf", "hosts: files dns\n" },
  { "names/hosts", "grep -c . /etc/hosts", "2\n" },
  { "names/self", "test \"$(id -un)\" != '' && echo known", "known\n" },
  { "names/host", "uname -n", "outcall\n" },
  { "env/secret", "printenv SECRET_TOKEN", "FAIL" },
  { "env/locale", "printenv LC_TIME", "C\n" },
  { "env/given", "printenv GIVEN", "a=b\n" },
  { "env/override", "printenv TERM", "xterm\n" },
  { "env/pwd", "test \"$(printenv PWD)\" = \"$(pwd)\" && echo same", "same\n" },
  { "env/proxy", "printenv HTTP_PROXY https_proxy NODE_USE_ENV_PROXY",
    "http://192.0.2.1:8080\nhttp://192.0.2.1:8080\n1\n" },
  { "env/no-proxy", "printenv NO_PROXY no_proxy",
    "localhost,127.0.0.1,::1\nlocalhost,127.0.0.1,::1\n" },
  { "net/interfaces", "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo\n" },
  { "privileges/caps", "grep -h ^Cap /proc/self/status | grep -v 0000000000000000", "FAIL" },
  { "privileges/none", "grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1\n" },
  { "privileges/filter", "grep '^Seccomp:' /proc/self/status | tr -d '\\t'", "Seccomp:2\n" },
  { "fds/none", "ls /proc/self/fd | wc -l", "4\n" },
  { "shim/path", "command -v outcall-agent", "/usr/local/bin/outcall-agent\n" },
  { "shim/neighbours", "ls /usr/local/bin | wc -l | xargs test 0 -lt && echo some", "some\n" },
};

static void
test_case (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autofree char *text = NULL;
  int code = run_line (cases[i].line, &text);

  if (strcmp (cases[i].expected, "FAIL") == 0)
    {
      if (code == 0)
        g_test_message ("'%s' went through: %s", cases[i].line, text);
      g_assert_cmpint (code, !=, 0);
    }
  else
    {
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpint (code, ==, 0);
    }
}

/* --- Signals ------------------------------------------------------------------- */

/* Returns: (transfer full): the line of /proc/self/status, as the command's grep prints it. */
static char *
get_own_status_line (const char *name)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, name))
      return g_strconcat (*line, "\n", NULL);
  g_assert_not_reached ();
}

/* What the caller ignores stays ignored, and nothing else, though the sandbox's own
 * processes ignore more. A caller may well ignore signals: nohup does, and so do
 * launchers that leave the two of glibc's own ignored. */
static void
test_signals_as_caller (void)
{
  g_autofree char *expected = get_own_status_line ("SigIgn:");
  g_autofree char *text = NULL;

  g_assert_cmpint (run_line ("grep ^SigIgn: /proc/self/status", &text), ==, 0);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_signals_ignored (void)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  struct sigaction old;

  g_assert_cmpint (sigaction (SIGHUP, &ignore, &old), ==, 0);
  test_signals_as_caller ();
  g_assert_cmpint (sigaction (SIGHUP, &old, NULL), ==, 0);
}

/* What the cases tried to plant is not on the host either. */
static void
test_nothing_planted (void)
{
  static const char *const hooks[] = { ".git/hooks/post-checkout", ".outcall/agent.yaml" };
  g_autofree char *hook = g_build_filename (fx.project, ".git/hooks/pre-commit", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (hook, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "original\n");
  for (gsize i = 0; i < G_N_ELEMENTS (hooks); i++)
    {
      g_autofree char *path = g_build_filename (fx.project, hooks[i], NULL);

      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    }
}

/* A link can neither be followed, which might show something of the host's, nor be protected. */
static void
test_links (void)
{
  g_autofree char *link = g_build_filename (fx.project, ".vscode", NULL);
  g_autofree char *text = NULL;
  g_autofree char *given_up = NULL;

  g_assert_cmpint (symlink ("../.ssh", link), ==, 0);
  g_assert_cmpint (run_line ("echo ran; cat .vscode/id", &text), ==, 1);
  g_assert_null (strstr (text, "ran"));
  g_assert_nonnull (strstr (text, "cannot be kept read-only"));
  writable[0] = ".vscode";
  g_assert_cmpint (run_line ("cat .vscode/id", &given_up), !=, 0);
  g_assert_null (strstr (given_up, "host key"));
  writable[0] = NULL;
  g_assert_cmpint (unlink (link), ==, 0);
}

/* --- What a command may plant ---------------------------------------------------- */

/* Every way to a name that the host would obey, in one sandbox. $1: the name. */
static const char plant_line[]
    = "for p; do\n"
      "  d=$(dirname $p)\n"
      "  (echo x >$p; echo x >$p/settings; mkdir -p $p; mkdir $p/new; rm -rf $p; mv $p gone-$$\n"
      "   ln -sfn /tmp/evil $p; echo y >own; mv -f own $p; cp -f own $p; ln -f own $p\n"
      "   chmod 777 $p; umount $p; mount -t tmpfs none $p\n"
      "   [ $d = . ] || { mv $d $d.old && mkdir -p $d && echo x >$p; }) >/dev/null 2>&1\n"
      "done; rm -rf own gone-*; :";

static const struct
{
  const char *name;
  gboolean is_file;
  gboolean where_present; /* the host obeys none in a project that has none */
} plantable[] = {
  { ".outcall", FALSE, FALSE },
  { ".git/hooks", FALSE, FALSE },
  { ".git/config", TRUE, FALSE },
  { ".git/commondir", TRUE, FALSE },
  { ".git/config.worktree", TRUE, TRUE },
  { ".git/modules", FALSE, TRUE },
  { ".git/worktrees", FALSE, TRUE },
  { ".github/workflows", FALSE, FALSE },
  { ".envrc", TRUE, FALSE },
  { ".vscode", FALSE, FALSE },
  { ".idea", FALSE, FALSE },
  { ".claude", FALSE, FALSE },
  { ".codex", FALSE, FALSE },
  { ".cursor", FALSE, FALSE },
  { ".gemini", FALSE, FALSE },
  { ".zed", FALSE, FALSE },
  { ".mcp.json", TRUE, FALSE },
  { ".husky", FALSE, FALSE },
  { ".devcontainer", FALSE, FALSE },
  { ".devcontainer.json", TRUE, TRUE },
  { ".direnv", FALSE, TRUE },
  { ".bashrc", TRUE, TRUE },
  { ".bash_profile", TRUE, TRUE },
  { ".bash_login", TRUE, TRUE },
  { ".bash_logout", TRUE, TRUE },
  { ".profile", TRUE, TRUE },
  { ".zshrc", TRUE, TRUE },
  { ".zshenv", TRUE, TRUE },
  { ".zprofile", TRUE, TRUE },
  { ".zlogin", TRUE, TRUE },
  { ".vimrc", TRUE, TRUE },
  { ".exrc", TRUE, TRUE },
  { ".nvim.lua", TRUE, TRUE },
};
/* All that is in @project. (transfer full) */
static char *
list_project (const char *project)
{
  g_autofree char *line = g_strdup_printf (
      "cd '%s' && find . -printf '%%p %%y %%m %%s %%l\\n' | grep -v '^\\. ' | sort", project);
  char *const command[] = { (char *) "sh", (char *) "-c", line, NULL };
  char *text = NULL;

  g_assert_true (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               &text, NULL, NULL, NULL));
  return text;
}

/* In the project @name. Afterwards it is as before. */
static void
plant_all (const char *name, gboolean present)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *saved = g_steal_pointer (&fx.project);
  g_autofree char *text = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  fx.project = g_build_filename (fx.home, name, NULL);
  before = list_project (fx.project);
  g_ptr_array_add (argv, (char *) "sh");
  g_ptr_array_add (argv, (char *) "-c");
  g_ptr_array_add (argv, (char *) plant_line);
  g_ptr_array_add (argv, (char *) "sh");
  for (gsize i = 0; i < G_N_ELEMENTS (plantable); i++)
    if (present || !plantable[i].where_present)
      g_ptr_array_add (argv, (char *) plantable[i].name);
  g_ptr_array_add (argv, NULL);
  g_assert_cmpint (run_command ((char **) argv->pdata, attach_nothing, NULL, &text), ==, 0);
  after = list_project (fx.project);
  g_assert_cmpstr (after, ==, before);
  g_free (fx.project);
  fx.project = g_steal_pointer (&saved);
}

static void
test_plant_present (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (plantable); i++)
    {
      g_autofree char *file = g_build_filename ("home/full", plantable[i].name,
                                                plantable[i].is_file ? NULL : "settings", NULL);

      write_text (fx.root, file, "original\n");
    }
  plant_all ("full", TRUE);
}

static void
test_plant_absent (void)
{
  write_text (fx.root, "home/bare/.git/config", "[core]\n");
  write_text (fx.root, "home/bare/.outcall/README", "\n");
  plant_all ("bare", FALSE);
}

/* A linked worktree's .git is a file that says where git finds hooks and settings. */
static void
test_plant_worktree (void)
{
  write_text (fx.root, "home/linked/.git", "gitdir: /elsewhere\n");
  write_text (fx.root, "home/linked/.outcall/README", "\n");
  plant_all ("linked", FALSE);
}

static void
test_writable (void)
{
  g_autofree char *text = NULL;

  writable[0] = ".git/config";
  g_assert_cmpint (run_line ("echo '[core]' >.git/config && ! echo x >.git/hooks/pre-commit", &text),
                   ==, 0);
  writable[0] = NULL;
}

/* Names that one sandbox holds are not let go by another that ends before it. */
static void
test_held_together (void)
{
  char *const command[]
      = { (char *) "sh", (char *) "-c",
          (char *) "echo ready; read line; echo x >.envrc || echo held", NULL };
  g_autofree char *envrc = g_build_filename (fx.root, "home/shared/.envrc", NULL);
  g_autofree char *saved = g_steal_pointer (&fx.project);
  g_autofree char *text = NULL;
  char buf[256] = "";
  int out[2];
  int in[2];
  pid_t child;
  int status;

  write_text (fx.root, "home/shared/file", "\n");
  fx.project = g_build_filename (fx.root, "home/shared", NULL);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    {
      (void) dup2 (in[0], 0);
      run_in_child (command, attach_nothing, NULL, out[1]);
    }
  (void) close (out[1]);
  g_assert_cmpint (read (out[0], buf, sizeof buf - 1), ==, 6);
  g_assert_cmpint (run_line ("true", &text), ==, 0);
  g_assert_true (g_file_test (envrc, G_FILE_TEST_EXISTS));
  g_assert_cmpint (write (in[1], "go\n", 3), ==, 3);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (read (out[0], buf, sizeof buf - 1), >, 0);
  g_assert_nonnull (strstr (buf, "held\n"));
  g_assert_false (g_file_test (envrc, G_FILE_TEST_EXISTS));
  (void) close (out[0]);
  (void) close (in[0]);
  (void) close (in[1]);
  g_free (fx.project);
  fx.project = g_steal_pointer (&saved);
}

/* A small folder costs no mount; one that is large or deep does. */
static void
test_trees (void)
{
  static const char *const files[] = { "small/a", "small/sub/b", "deep/1/2/3/c" };
  static const char *const trees[] = { "small", "deep", "large", "linked" };
  static const char *const options[] = { "--dir", "--file", "--symlink", "--ro-bind" };
  static const guint expected[][4]
      = { { 2, 2, 1, 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, 1 }, { 0, 0, 0, 1 } };
  g_autofree char *link = g_build_filename (fx.root, "small/l", NULL);
  g_autofree char *linked = g_build_filename (fx.root, "linked", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    write_text (fx.root, files[i], "text\n");
  for (int i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("large/%d", i);

      write_text (fx.root, name, "text\n");
    }
  g_assert_cmpint (symlink ("/etc/shadow", link), ==, 0);
  g_assert_cmpint (symlink ("small", linked), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (trees); i++)
    {
      g_autofree char *path = g_build_filename (fx.root, trees[i], NULL);
      g_autoptr (OcSandboxArgs) args = oc_sandbox_args_new ();

      oc_sandbox_show_tree (args, path);
      for (guint k = 0; k < G_N_ELEMENTS (options); k++)
        {
          guint n = 0;

          for (guint j = 0; j < args->args->len; j++)
            n += strcmp (args->args->pdata[j], options[k]) == 0;
          g_assert_cmpuint (n, ==, expected[i][k]);
        }
    }
}

/* --- How it ends --------------------------------------------------------------- */

static const struct
{
  const char *line;
  int code;
} ends[] = {
  { "exit 0", 0 },
  { "exit 7", 7 },
  { "exit 255", 255 },
  { "kill -TERM $$", 143 },
  { "kill -KILL $$", 137 },
  { "kill -INT $$", 130 },
  { "exec /no/such/program", 127 },
};

static void
test_ends (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *text = NULL;

      g_test_message ("%s", ends[i].line);
      g_assert_cmpint (run_line (ends[i].line, &text), ==, ends[i].code);
    }
}

static void
test_not_found (void)
{
  char *const command[] = { (char *) "no-such-program", NULL };
  g_autofree char *text = NULL;

  g_assert_cmpint (run_command (command, attach_nothing, NULL, &text), ==, 127);
  g_assert_nonnull (strstr (text, "no-such-program"));
}

static void
test_refused (void)
{
  char *const command[] = { (char *) "touch", (char *) "ran", NULL };
  g_autofree char *ran = g_build_filename (fx.project, "ran", NULL);
  g_autofree char *text = NULL;

  g_assert_cmpint (run_command (command, attach_refused, NULL, &text), ==, 1);
  g_assert_cmpstr (text, ==, "outcall: the daemon says no\n");
  g_assert_false (g_file_test (ran, G_FILE_TEST_EXISTS));
}

/* We are killed while the sandbox waits: the end of the pipe is not a "go". The
 * output pipe's end means that every process of it is gone. */
static void
test_killed_before (void)
{
  char *const command[] = { (char *) "touch", (char *) "ran", NULL };
  g_autofree char *ran = g_build_filename (fx.project, "ran", NULL);
  g_autofree char *text = NULL;

  g_assert_cmpint (run_command (command, attach_and_die, NULL, &text), ==, 137);
  g_assert_false (g_file_test (ran, G_FILE_TEST_EXISTS));
}

/* A signal to us alone reaches the command, which ends as it likes. */
static void
test_signal_passed (void)
{
  char *const command[]
      = { (char *) "sh", (char *) "-c",
          (char *) "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.02; done",
          NULL };
  char buf[64] = "";
  gsize used = 0;
  int fds[2];
  int status;
  pid_t child;

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    run_in_child (command, attach_nothing, NULL, fds[1]);
  (void) close (fds[1]);
  for (ssize_t n; (n = read (fds[0], buf + used, sizeof buf - 1 - used)) > 0; used += (gsize) n)
    if (strcmp (buf, "ready\n") == 0)
      g_assert_cmpint (kill (child, SIGTERM), ==, 0);
  (void) close (fds[0]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpstr (buf, ==, "ready\ncaught\n");
  g_assert_cmpint (WEXITSTATUS (status), ==, 3);
}

static void
test_stdin (void)
{
  char *const command[] = { (char *) "cat", NULL };
  g_autofree char *path = g_build_filename (fx.root, "input", NULL);
  g_autofree char *text = NULL;
  oc_autofd int saved = dup (0);
  oc_autofd int input = -1;

  write_text (fx.root, "input", "through\n");
  input = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (dup2 (input, 0), ==, 0);
  g_assert_cmpint (run_command (command, attach_nothing, NULL, &text), ==, 0);
  g_assert_cmpint (dup2 (saved, 0), ==, 0);
  g_assert_cmpstr (text, ==, "through\n");
}

/* --- Limits ----------------------------------------------------------------------- */

static const struct
{
  const char *name;
  OcSandboxLimits limits;
  const char *line;
} limited[] = {
  { "memory", { .memory_bytes = 64 * 1024 * 1024 }, "test $(head -c 256m /dev/zero | tail -c 256m | wc -c) = 268435456" },
  { "pids", { .pids = 8 }, "for i in 1 2 3 4 5 6 7 8 9; do sleep 10 & done; exit 0" },
  { "cpus", { .cpu_percent = 50 }, NULL },
};

/* Where the kernel can limit, it does; where not, nothing runs and the reason is told. */
static void
test_limited (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autofree char *text = NULL;
  int code;

  limits = limited[i].limits;
  code = run_line ("echo ran", &text);
  if (code == 0)
    {
      g_assert_true (g_str_has_suffix (text, "ran\n"));
      g_free (g_steal_pointer (&text));
      if (limited[i].line != NULL)
        g_assert_cmpint (run_line (limited[i].line, &text), !=, 0);
    }
  else
    {
      g_assert_nonnull (strstr (text, "outcall: limits need "));
      g_assert_null (strstr (text, "ran"));
    }
  limits = (OcSandboxLimits) { 0 };
}

/* --- System calls ------------------------------------------------------------------- */

static const struct
{
  const char *what;
  const char *code;
  const char *expected;
} calls[] = {
  { "TIOCSTI", "import fcntl,termios\nfcntl.ioctl(0, termios.TIOCSTI, b'x')", "PermissionError" },
  { "AF_VSOCK", "import socket\nsocket.socket(40, socket.SOCK_STREAM)", "Address family" },
  { "AF_PACKET", "import socket\nsocket.socket(17, socket.SOCK_RAW)", "Address family" },
  { "keyctl", "import ctypes,os\nc=ctypes.CDLL(None,use_errno=True)\n"
              "r=c.syscall(250,0,-3,0)\nprint(os.strerror(ctypes.get_errno()))", "not implemented" },
  { "io_uring", "import ctypes,os\nc=ctypes.CDLL(None,use_errno=True)\n"
                "r=c.syscall(425,1,0)\nprint(os.strerror(ctypes.get_errno()))", "not implemented" },
  { "AF_INET", "import socket\nsocket.socket(2, socket.SOCK_STREAM)\nprint('fine')", "fine" },
  { "AF_UNIX", "import socket\nsocket.socketpair()\nprint('fine')", "fine" },
};

static void
test_calls (void)
{
#ifdef __x86_64__
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      char *const command[]
          = { (char *) "python3", (char *) "-c", (char *) calls[i].code, NULL };
      g_autofree char *text = NULL;

      (void) run_command (command, attach_nothing, NULL, &text);
      g_test_message ("%s: %s", calls[i].what, text);
      g_assert_nonnull (strstr (text, calls[i].expected));
    }
#else
  g_test_skip ("the numbers are x86-64's");
#endif
}

/* --- Binds --------------------------------------------------------------------------- */

static void
test_bind (void)
{
  g_autofree char *bind = g_strdup_printf ("%s/shown:/mnt/x:ro", fx.root);
  char *binds[] = { bind, NULL };
  char *const command[] = { (char *) "sh", (char *) "-c",
                            (char *) "cat /mnt/x/file; touch /mnt/x/new 2>/dev/null || echo ro",
                            NULL };
  g_autofree char *text = NULL;

  g_assert_cmpint (run_command (command, attach_nothing, binds, &text), ==, 0);
  g_assert_cmpstr (text, ==, "shown\nro\n");
}

static const char *const refused_binds[] = {
  "",
  ":",
  "/usr:relative",
  "/usr:/a/../b",
  "/usr:/",
  "/usr:/mnt:ro:ro",
  "/usr:/mnt:rw",
  "/no/such/path",
  "/",
  "/run",
  "/var",
  "/proc",
  "/proc/self",
  "/sys:/mnt",
  "/dev/null:/mnt",
  "/proc/1/root:/mnt",
  "/proc/self/root:/mnt",
  "/etc:/mnt",
  "/usr:/etc",
  "/usr:/run",
  "/usr:/run/outcall",
  "/usr:/usr/local/bin",
  "/etc/hostname:/etc/resolv.conf",
};

static void
test_refused_binds (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused_binds); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("'%s'", refused_binds[i]);
      g_assert_null (oc_sandbox_bind_parse (refused_binds[i], HOST_SOCKET, &error));
      g_assert_nonnull (error);
    }
}

/* A link that an earlier sandbox may have left in the project. */
static void
test_led_out (void)
{
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *link = g_build_filename (fx.project, "cache", NULL);
  g_autofree char *absolute = g_strconcat (link, ":/mnt", NULL);
  g_autofree char *named = g_strconcat (fx.home, ":/mnt", NULL);
  const char *const led[] = { "cache:/mnt", "./cache:/mnt:ro", "x/../cache:/mnt", absolute };
  OcSandboxBind *bind;

  g_assert_cmpint (symlink (fx.home, link), ==, 0);
  g_assert_cmpint (chdir (fx.project), ==, 0);
  g_assert_cmpint (g_mkdir ("x", 0700), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (led); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (oc_sandbox_bind_parse (led[i], HOST_SOCKET, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
    }
  bind = oc_sandbox_bind_parse (named, HOST_SOCKET, NULL);
  g_assert_nonnull (bind);
  oc_sandbox_bind_free (bind);
  bind = oc_sandbox_bind_parse ("x:/mnt", HOST_SOCKET, NULL);
  g_assert_nonnull (bind);
  oc_sandbox_bind_free (bind);
  g_assert_cmpint (g_rmdir ("x"), ==, 0);
  g_assert_cmpint (unlink (link), ==, 0);
  g_assert_cmpint (chdir (before), ==, 0);
}

/* The daemon's socket at another place, by a link, by its folder. */
static void
test_socket_aliases (void)
{
  g_autofree char *socket = g_build_filename (fx.root, "daemon", "host.sock", NULL);
  g_autofree char *link = g_build_filename (fx.root, "alias", NULL);
  g_autofree char *dir = g_path_get_dirname (socket);
  const char *const aliases[] = { socket, link, dir, fx.root };

  write_text (fx.root, "daemon/host.sock", "");
  g_assert_cmpint (symlink (dir, link), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (aliases); i++)
    {
      g_autofree char *spec = g_strconcat (aliases[i], ":/mnt", NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (oc_sandbox_bind_parse (spec, socket, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
    }
  g_assert_cmpint (unlink (link), ==, 0);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  {
    g_autofree char *text = NULL;

    if (run_line ("true", &text) != 0)
      {
        printf ("1..0 # SKIP no sandboxes here: %s\n", g_strdelimit (text, "\n", ' '));
        tear_down ();
        return 0;
      }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/sandbox/view/", cases[i].path, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_case);
    }
  g_test_add_func ("/sandbox/view/nothing-planted", test_nothing_planted);
  g_test_add_func ("/sandbox/view/links", test_links);
  g_test_add_func ("/sandbox/view/trees", test_trees);
  g_test_add_func ("/sandbox/plant/present", test_plant_present);
  g_test_add_func ("/sandbox/plant/absent", test_plant_absent);
  g_test_add_func ("/sandbox/plant/worktree", test_plant_worktree);
  g_test_add_func ("/sandbox/plant/writable", test_writable);
  g_test_add_func ("/sandbox/plant/held-together", test_held_together);
  g_test_add_func ("/sandbox/end/codes", test_ends);
  g_test_add_func ("/sandbox/end/not-found", test_not_found);
  g_test_add_func ("/sandbox/end/refused", test_refused);
  g_test_add_func ("/sandbox/end/killed-before", test_killed_before);
  g_test_add_func ("/sandbox/end/signal-passed", test_signal_passed);
  g_test_add_func ("/sandbox/signals/as-caller", test_signals_as_caller);
  g_test_add_func ("/sandbox/signals/ignored", test_signals_ignored);
  g_test_add_func ("/sandbox/stdin", test_stdin);
  for (gsize i = 0; i < G_N_ELEMENTS (limited); i++)
    {
      g_autofree char *path = g_strconcat ("/sandbox/limits/", limited[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_limited);
    }
  g_test_add_func ("/sandbox/calls", test_calls);
  g_test_add_func ("/sandbox/bind/shown", test_bind);
  g_test_add_func ("/sandbox/bind/refused", test_refused_binds);
  g_test_add_func ("/sandbox/bind/aliases", test_socket_aliases);
  g_test_add_func ("/sandbox/bind/led-out", test_led_out);
  result = g_test_run ();
  tear_down ();
  return result;
}
