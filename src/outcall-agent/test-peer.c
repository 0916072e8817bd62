/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-peer.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUGE_BYTES (1024 * 1024)

/* Reads one request. Returns: FALSE at the end. */
static gboolean
read_request (int fd, FILE *record)
{
  char buf[65536 + 4096] = "";
  gsize used = 0;
  const char *end;
  const char *length;
  guint64 body = 0;

  do
    {
      ssize_t n = read (fd, buf + used, sizeof buf - 1 - used);

      if (n <= 0)
        return FALSE;
      used += (gsize) n;
      end = strstr (buf, "\r\n\r\n");
      length = strstr (buf, "Content-Length: ");
      if (end != NULL && length != NULL && length < end)
        body = g_ascii_strtoull (length + strlen ("Content-Length: "), NULL, 10);
    }
  while (end == NULL || used < (gsize) (end + 4 - buf) + body);
  if (record != NULL)
    {
      (void) fprintf (record, "%s\n", buf);
      (void) fflush (record);
    }
  return TRUE;
}

static gboolean
send_all (int fd, const char *data, gsize len)
{
  while (len > 0)
    {
      ssize_t n = send (fd, data, len, MSG_NOSIGNAL);

      if (n <= 0)
        return FALSE;
      data += n;
      len -= (gsize) n;
    }
  return TRUE;
}

static void
wait_for_end (int fd)
{
  char byte;

  while (read (fd, &byte, 1) > 0)
    continue;
}

/* A head, then a byte now and then: each read makes progress, the whole never comes. */
static void
drip (int fd)
{
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";

  if (!send_all (fd, head, sizeof head - 1))
    return;
  while (send_all (fd, " ", 1))
    g_usleep (100 * 1000);
}

/* Returns: FALSE when the connection is over. */
static gboolean
answer (int fd, const char *what, guint status)
{
  g_autofree char *text = NULL;

  if (what == NULL || strcmp (what, CLOSE) == 0)
    return FALSE;
  if (strcmp (what, SILENT) == 0)
    wait_for_end (fd);
  else if (strcmp (what, SLOW) == 0)
    drip (fd);
  else if (strcmp (what, GARBAGE) == 0)
    text = g_strdup ("\x7f" "ELF not http at all\r\n\r\n");
  else if (strcmp (what, CUT) == 0)
    text = g_strdup ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\":true,"
                     "\"data\":{\"allowed\":true}}");
  else if (strcmp (what, HUGE) == 0)
    {
      g_autofree char *blanks = g_strnfill (HUGE_BYTES, ' ');

      text = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", HUGE_BYTES,
                              blanks);
    }
  else
    text = g_strdup_printf ("HTTP/1.1 %u X\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            status, strlen (what), what);
  return text != NULL && send_all (fd, text, strlen (text)) && strcmp (what, CUT) != 0;
}

static void
converse (int fd, const PeerScript *script, FILE *record)
{
  for (guint i = 0; i < PEER_STEPS_MAX && read_request (fd, record); i++)
    {
      gboolean last = i + 1 == PEER_STEPS_MAX || script->steps[i + 1] == NULL;

      if (!answer (fd, script->steps[i], last && script->status != 0 ? script->status : 200))
        break;
    }
}

static void G_GNUC_NORETURN
serve (int listener, const PeerScript *script, const char *record_path)
{
  FILE *record = record_path != NULL ? fopen (record_path, "ae") : NULL;
  int fd;

  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (g_strcmp0 (script->steps[0], DEAF) == 0)
    pause ();
  while ((fd = accept (listener, NULL, NULL)) >= 0)
    {
      converse (fd, script, record);
      (void) close (fd);
    }
  _exit (0);
}

pid_t
peer_start (const char *path, const PeerScript *script, const char *record)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  pid_t pid;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 8), ==, 0);
  pid = fork ();
  if (pid == 0)
    serve (fd, script, record);
  (void) close (fd);
  return pid;
}

void
peer_stop (pid_t pid, const char *path)
{
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_cmpint (g_unlink (path), ==, 0);
}
