/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-daemon.h"
#include "daemon/oc-logging.h"
#include "daemon/oc-notify.h"

#include "outcall-api/outcall-api.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct
{
  OcDaemon *daemon;
  GMainLoop *loop;
  gboolean stopping;
} Process;

static gboolean
on_stopped (gpointer user_data)
{
  Process *process = user_data;

  g_main_loop_quit (process->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_terminate (gpointer user_data)
{
  Process *process = user_data;

  if (!process->stopping)
    {
      process->stopping = TRUE;
      oc_notify ("STOPPING=1");
      oc_daemon_stop (process->daemon, on_stopped, process);
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer user_data)
{
  Process *process = user_data;

  if (!process->stopping)
    oc_daemon_reload (process->daemon);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_watchdog (gpointer user_data)
{
  oc_notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/* A connection costs up to six descriptors; systemd's soft limit is 1024. */
static void
raise_fd_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
    {
      limit.rlim_cur = MIN (limit.rlim_max, 1024 * 1024);
      (void) setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static int
run (OcDaemon *daemon)
{
  Process process = { .daemon = daemon, .loop = g_main_loop_new (NULL, FALSE) };
  guint watchdog_ms = oc_notify_get_watchdog_ms ();

  g_unix_signal_add (SIGTERM, on_terminate, &process);
  g_unix_signal_add (SIGINT, on_terminate, &process);
  g_unix_signal_add (SIGHUP, on_hangup, &process);
  if (watchdog_ms != 0)
    g_timeout_add (watchdog_ms, on_watchdog, NULL);
  oc_notify ("READY=1");
  g_main_loop_run (process.loop);
  g_main_loop_unref (process.loop);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OcOptions) options = NULL;
  OcDaemon *daemon;
  int status;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  signal (SIGPIPE, SIG_IGN);
  oc_logging_init ();
  outcall_api_init ();

  options = oc_options_load (argv, &error);
  if (options == NULL)
    {
      g_printerr ("outcalld: %s\n", error->message);
      return error->domain == G_OPTION_ERROR ? 2 : EXIT_FAILURE;
    }
  if (options->version)
    {
      g_print ("outcalld %s\n", PACKAGE_VERSION);
      return EXIT_SUCCESS;
    }
  if (options->check)
    {
      if (oc_daemon_check (options, &error))
        return EXIT_SUCCESS;
      g_printerr ("outcalld: %s\n", error->message);
      return EXIT_FAILURE;
    }
  raise_fd_limit ();
  daemon = oc_daemon_new (g_steal_pointer (&options), argv, &error);
  if (daemon == NULL)
    {
      g_printerr ("outcalld: %s\n", error->message);
      return EXIT_FAILURE;
    }
  status = run (daemon);
  oc_daemon_free (daemon);
  return status;
}
