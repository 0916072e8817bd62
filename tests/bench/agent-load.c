/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Permission checks over warm connections to the agent socket.
 *
 * agent-load SOCKET CONNECTIONS DEPTH SECONDS
 *
 * Each connection keeps DEPTH requests in flight; DEPTH 1 measures latency. Prints
 * "checks/s p50_us p99_us errors checks".
 */
#include "config.h"

#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define TOKEN_LEN 43
#define SLOTS 20000 /* microseconds that are told apart */

typedef struct
{
  int fd;
  gint64 sent_us[DEPTH_MAX];
  guint head, n; /* in flight */
  char in[65536];
  gsize in_len;
} Conn;

static char request[1024];
static gsize request_len;
static guint64 slots[SLOTS + 1];
static guint64 n_done, n_errors;

static int
dial (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    g_error ("%s: %s", path, g_strerror (errno));
  return fd;
}

/* A check-in over a connection of its own; makes the request that all others send. */
static void
make_request (const char *path)
{
  static const char checkin[] = "POST /v1/checkin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  static const char body[] = "{\"action_type\":\"network_call\",\"target\":\"api.example.com:443\"}";
  char answer[8192] = "";
  const char *token;
  int fd = dial (path);

  if (write (fd, checkin, sizeof checkin - 1) < 0 || read (fd, answer, sizeof answer - 1) <= 0)
    g_error ("check-in: %s", g_strerror (errno));
  (void) close (fd);
  token = strstr (answer, "\"session_token\":\"");
  if (token == NULL)
    g_error ("check-in: %s", answer);
  token += strlen ("\"session_token\":\"");
  request_len = (gsize) g_snprintf (request, sizeof request,
                                    "POST /v1/permissions/check HTTP/1.1\r\nHost: x\r\n"
                                    "Authorization: Bearer %.*s\r\n"
                                    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                    TOKEN_LEN, token, sizeof body - 1, body);
}

static void
fill (Conn *conn, guint depth)
{
  while (conn->n < depth)
    {
      if (send (conn->fd, request, request_len, MSG_NOSIGNAL) != (gssize) request_len)
        g_error ("send: %s", g_strerror (errno));
      conn->sent_us[(conn->head + conn->n) % DEPTH_MAX] = g_get_monotonic_time ();
      conn->n++;
    }
}

static void
count_answer (Conn *conn, const char *head)
{
  gint64 took_us = g_get_monotonic_time () - conn->sent_us[conn->head];

  conn->head = (conn->head + 1) % DEPTH_MAX;
  conn->n--;
  slots[MIN (took_us, SLOTS)]++;
  n_done++;
  n_errors += !g_str_has_prefix (head, "HTTP/1.1 200");
}

/* All whole answers that have arrived. */
static void
take_answers (Conn *conn)
{
  gssize n = read (conn->fd, conn->in + conn->in_len, sizeof conn->in - 1 - conn->in_len);
  char *from = conn->in;
  char *end;

  if (n <= 0)
    g_error ("read: %s", n < 0 ? g_strerror (errno) : "closed");
  conn->in_len += (gsize) n;
  conn->in[conn->in_len] = '\0';
  while ((end = strstr (from, "\r\n\r\n")) != NULL)
    {
      const char *length = strstr (from, "Content-Length: ");
      gsize body = length != NULL ? g_ascii_strtoull (length + 16, NULL, 10) : 0;

      if (end + 4 + body > conn->in + conn->in_len)
        break;
      count_answer (conn, from);
      from = end + 4 + body;
    }
  conn->in_len -= (gsize) (from - conn->in);
  memmove (conn->in, from, conn->in_len + 1);
}

static guint
percentile (double share)
{
  guint64 left = (guint64) ((double) n_done * share);

  for (guint i = 0; i <= SLOTS; i++)
    {
      if (slots[i] > left)
        return i;
      left -= slots[i];
    }
  return SLOTS;
}

int
main (int argc, char **argv)
{
  guint n = argc == 5 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 0;
  guint depth = argc == 5 ? (guint) g_ascii_strtoull (argv[3], NULL, 10) : 0;
  g_autofree Conn *conns = NULL;
  g_autofree struct pollfd *fds = NULL;
  gint64 begin_us;
  gint64 end_us;

  if (n == 0 || depth == 0 || depth > DEPTH_MAX)
    return 2;
  conns = g_new0 (Conn, n);
  fds = g_new0 (struct pollfd, n);
  make_request (argv[1]);
  for (guint i = 0; i < n; i++)
    {
      conns[i].fd = dial (argv[1]);
      fds[i] = (struct pollfd) { conns[i].fd, POLLIN, 0 };
    }
  begin_us = g_get_monotonic_time ();
  end_us = begin_us + (gint64) (g_ascii_strtod (argv[4], NULL) * G_USEC_PER_SEC);
  for (guint i = 0; i < n; i++)
    fill (&conns[i], depth);
  while (g_get_monotonic_time () < end_us)
    {
      (void) poll (fds, n, 1000);
      for (guint i = 0; i < n; i++)
        if (fds[i].revents != 0)
          {
            take_answers (&conns[i]);
            fill (&conns[i], depth);
          }
    }
  printf ("%.0f %u %u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
          (double) n_done * G_USEC_PER_SEC / (double) (g_get_monotonic_time () - begin_us),
          percentile (0.5), percentile (0.99), n_errors, n_done);
  return 0;
}
