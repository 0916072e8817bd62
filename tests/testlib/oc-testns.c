/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "testlib/oc-testns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static void
skip_all (const char *what)
{
  const char *required = g_getenv ("OUTCALL_REQUIRE_NETNS");

  if (required != NULL && *required == '1')
    {
      printf ("Bail out! no network namespace: %s: %s\n", what, g_strerror (errno));
      exit (99);
    }
  printf ("1..0 # SKIP no network namespace: %s: %s\n", what, g_strerror (errno));
  exit (0);
}

static gboolean
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean ok = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text);

  if (fd >= 0)
    close (fd);
  return ok;
}

static void
map_root (uid_t uid, gid_t gid)
{
  char map[64];

  (void) write_file ("/proc/self/setgroups", "deny");
  g_snprintf (map, sizeof map, "0 %u 1", (unsigned) uid);
  if (!write_file ("/proc/self/uid_map", map))
    skip_all ("uid_map");
  g_snprintf (map, sizeof map, "0 %u 1", (unsigned) gid);
  if (!write_file ("/proc/self/gid_map", map))
    skip_all ("gid_map");
}

void
oc_test_enter_netns (void)
{
  uid_t uid = geteuid ();
  gid_t gid = getegid ();

  if (unshare (CLONE_NEWNET | CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) < 0)
    skip_all ("unshare");
  if (uid != 0)
    map_root (uid, gid);
  (void) mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  /* A sysfs of this namespace; some kernels refuse it to user namespaces. */
  (void) mount ("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  oc_test_run ("ip link set lo up");
}

int
oc_test_try (char **out_output, const char *format, ...)
{
  g_autofree char *command = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { "/bin/sh", "-c", NULL, NULL };
  char *err = NULL;
  int status = 0;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  argv[2] = command;
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, out_output, &err,
                     &status, &error))
    g_error ("%s: %s", command, error->message);
  if (status != 0 && err != NULL && *err != '\0')
    g_test_message ("%s: %s", command, g_strchomp (err));
  g_free (err);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

void
oc_test_run (const char *format, ...)
{
  g_autofree char *command = NULL;
  int status;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  status = oc_test_try (NULL, "%s", command);
  if (status != 0)
    g_error ("'%s' ended with %d", command, status);
}

gboolean
oc_test_wait_ms (gboolean (*ready) (gpointer), gpointer user_data, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;

  while (!ready (user_data))
    {
      if (g_get_monotonic_time () > deadline_us)
        return FALSE;
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (2000);
    }
  return TRUE;
}

gboolean
oc_test_wait (gboolean (*ready) (gpointer), gpointer user_data)
{
  return oc_test_wait_ms (ready, user_data, OC_TEST_PATIENCE_S * 1000);
}
