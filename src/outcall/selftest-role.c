/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "selftest.h"

#include "common/oc-error.h"

#include <string.h>

/* Where a sandbox finds the helper. */
#define HELPER_INSIDE "/tmp/outcall-selftest"
#define SECRET_VARIABLE "OUTCALL_SELFTEST_SECRET"

struct OcSelftestRole
{
  OcSelftest *test;
  GSubprocess *process;
  GDataInputStream *lines;
  gboolean tidies_up; /* and is to be let do so */
};

static void
add (GPtrArray *argv, const char *name, const char *value)
{
  g_ptr_array_add (argv, g_strconcat (name, "=", value != NULL ? value : "", NULL));
}

/* By the program that is running, so that it is the same machinery to the letter. */
static void
add_sandbox (GPtrArray *argv, const OcSelftest *test)
{
  const char *const words[]
      = { "/proc/self/exe", "--socket", test->cli->socket_path, "run", "--name" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_ptr_array_add (argv, g_strdup (words[i]));
  g_ptr_array_add (argv, g_strconcat ("selftest-", test->run, NULL));
  g_ptr_array_add (argv, g_strdup ("--bind"));
  g_ptr_array_add (argv, g_strdup_printf ("%s:" HELPER_INSIDE ":ro", test->helper));
  g_ptr_array_add (argv, g_strdup ("--"));
}

static GPtrArray *
make_argv (const OcSelftest *test, const char *role, const char *more, gboolean sandbox)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *classes
      = test->classes != NULL ? g_strjoinv (",", test->classes) : g_strdup ("");
  g_autofree char *proxy_port = g_strdup_printf ("%u", test->network->proxy_port);

  if (sandbox)
    add_sandbox (argv, test);
  g_ptr_array_add (argv, g_strdup (sandbox ? HELPER_INSIDE : test->helper));
  g_ptr_array_add (argv, g_strdup (role));
  add (argv, "run", test->run);
  add (argv, "only", classes);
  add (argv, "bridge", test->network->bridge);
  add (argv, "gateway", test->network->gateway);
  add (argv, "proxy-port", proxy_port);
  add (argv, "host", test->host);
  add (argv, "host6", test->host6);
  add (argv, "port", test->port);
  add (argv, "neighbour", test->neighbour);
  add (argv, "neighbour-mac", test->neighbour_mac);
  add (argv, "outside", test->secret);
  add (argv, "via", test->via);
  if (more != NULL)
    g_ptr_array_add (argv, g_strdup (more));
  g_ptr_array_add (argv, NULL);
  return argv;
}

OcSelftestRole *
oc_selftest_role_start (OcSelftest *test, const char *role, const char *more, gboolean sandbox,
                        GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | (sandbox ? 0 : G_SUBPROCESS_FLAGS_STDIN_PIPE));
  g_autoptr (GPtrArray) argv = make_argv (test, role, more, sandbox);
  g_autoptr (GSubprocess) process = NULL;
  OcSelftestRole *started;

  if (test->project != NULL)
    g_subprocess_launcher_set_cwd (launcher, test->project);
  g_subprocess_launcher_setenv (launcher, SECRET_VARIABLE, test->run, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, error);
  if (process == NULL)
    return NULL;
  started = g_new0 (OcSelftestRole, 1);
  started->test = test;
  started->tidies_up = g_str_equal (role, "listen");
  started->lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  started->process = g_steal_pointer (&process);
  return started;
}

char **
oc_selftest_role_read (OcSelftestRole *role)
{
  g_autofree char *line = g_data_input_stream_read_line (role->lines, NULL, NULL, NULL);

  return line != NULL ? g_strsplit (line, "\t", -1) : NULL;
}

void
oc_selftest_role_go (OcSelftestRole *role)
{
  GOutputStream *stream = g_subprocess_get_stdin_pipe (role->process);

  /* One that has ended says so by the end of its lines. */
  (void) g_output_stream_write_all (stream, "\n", 1, NULL, NULL, NULL);
}

static gboolean
attach (OcSelftestRole *role, gint64 pid, const char *suffix, GError **error)
{
  OcSelftest *test = role->test;
  g_autofree char *name = g_strconcat ("selftest-", test->run, "-", suffix, NULL);
  const OutcallSandboxAttachRequest request
      = { .pid = (gint32) pid, .name = name, .command = (char *) "outcall selftest" };
  g_autofree char *reason = NULL;

  return oc_cli_try_call (test->cli, "POST", "/api/v1/sandbox/attach",
                          outcall_sandbox_attach_request_to_json (&request), NULL, &reason)
         || oc_throw (error, "%s", reason);
}

gboolean
oc_selftest_role_attach (OcSelftestRole *role, const char *suffix, char **out_unfit,
                         GError **error)
{
  g_auto (GStrv) fields = oc_selftest_role_read (role);
  guint64 pid;

  *out_unfit = NULL;
  if (fields == NULL || g_strv_length (fields) != 2)
    return oc_throw (error, _("%s does not work"), role->test->helper);
  if (!g_str_equal (fields[0], "pid"))
    {
      *out_unfit = g_strdup (fields[1]);
      return TRUE;
    }
  if (!g_ascii_string_to_unsigned (fields[1], 10, 1, G_MAXINT32, &pid, error)
      || !attach (role, (gint64) pid, suffix, error))
    return FALSE;
  oc_selftest_role_go (role);
  return TRUE;
}

void
oc_selftest_role_end (OcSelftestRole *role)
{
  (void) g_output_stream_close (g_subprocess_get_stdin_pipe (role->process), NULL, NULL);
}

void
oc_selftest_role_free (OcSelftestRole *role)
{
  if (role == NULL)
    return;
  if (role->tidies_up)
    oc_selftest_role_end (role);
  else
    g_subprocess_force_exit (role->process);
  (void) g_subprocess_wait (role->process, NULL, NULL);
  g_object_unref (role->lines);
  g_object_unref (role->process);
  g_free (role);
}
