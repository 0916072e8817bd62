/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Servers for the tests: a thread for each connection, answers by path.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "http1/oc-http1.h"
#include "testlib/oc-testns.h"

#include <sys/socket.h>

typedef struct
{
  PxServer *server;
  int fd;
} Session;

static gpointer
session_main (gpointer user_data)
{
  Session *session = user_data;
  PxServer *server = session->server;

  server->serve (server, session->fd);
  oc_fd_clear (&session->fd);
  g_mutex_lock (&server->lock);
  server->n_live--;
  g_mutex_unlock (&server->lock);
  g_free (session);
  return NULL;
}

static gpointer
server_main (gpointer user_data)
{
  PxServer *server = user_data;
  int fd;

  while ((fd = accept4 (server->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
    {
      Session *session = g_new0 (Session, 1);

      px_set_deadline (fd);
      *session = (Session) { server, fd };
      g_mutex_lock (&server->lock);
      server->n_connections++;
      server->n_live++;
      g_mutex_unlock (&server->lock);
      g_thread_unref (g_thread_new ("session", session_main, session));
    }
  return NULL;
}

PxServer *
px_serve (const char *address, guint16 port, PxServe serve)
{
  PxServer *server = g_new0 (PxServer, 1);
  OcAddress at = px_address (address);
  struct sockaddr_storage ss;
  socklen_t len = oc_address_to_sockaddr (&at, port, &ss);
  int one = 1;

  server->serve = serve;
  server->received = g_string_new (NULL);
  server->listen_fd = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void) setsockopt (server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  g_assert_no_errno (bind (server->listen_fd, (struct sockaddr *) &ss, len));
  g_assert_no_errno (listen (server->listen_fd, 4096));
  server->thread = g_thread_new ("server", server_main, server);
  return server;
}

static gboolean
is_idle (gpointer user_data)
{
  return px_server_get_live (user_data) == 0;
}

void
px_server_stop (PxServer *server)
{
  (void) shutdown (server->listen_fd, SHUT_RDWR);
  g_thread_join (server->thread);
  g_assert_true (oc_test_wait (is_idle, server));
  oc_fd_clear (&server->listen_fd);
  g_string_free (server->received, TRUE);
  g_free (server);
}

void
px_server_forget (PxServer *server)
{
  g_mutex_lock (&server->lock);
  g_string_truncate (server->received, 0);
  server->n_connections = server->n_requests = 0;
  g_mutex_unlock (&server->lock);
}

char *
px_server_get_received (PxServer *server)
{
  char *text;

  g_mutex_lock (&server->lock);
  text = g_strdup (server->received->str);
  g_mutex_unlock (&server->lock);
  return text;
}

guint
px_server_get_connections (PxServer *server)
{
  guint n;

  g_mutex_lock (&server->lock);
  n = server->n_connections;
  g_mutex_unlock (&server->lock);
  return n;
}

guint
px_server_get_live (PxServer *server)
{
  guint n;

  g_mutex_lock (&server->lock);
  n = server->n_live;
  g_mutex_unlock (&server->lock);
  return n;
}

void
px_server_note (PxServer *server, const char *data, gsize len)
{
  g_mutex_lock (&server->lock);
  g_string_append_len (server->received, data, (gssize) len);
  g_mutex_unlock (&server->lock);
}

static ssize_t
read_noting (PxServer *server, int fd, char *buf, gsize len)
{
  ssize_t n = recv (fd, buf, len, 0);

  if (n > 0)
    px_server_note (server, buf, (gsize) n);
  return n;
}

void
px_serve_pong (PxServer *server, int fd)
{
  char buf[4096];

  while (read_noting (server, fd, buf, sizeof buf) > 0)
    if (send (fd, "pong", 4, MSG_NOSIGNAL) < 0)
      return;
}

void
px_serve_banner (PxServer *server, int fd)
{
  if (send (fd, "220 ready\r\n", 11, MSG_NOSIGNAL) == 11)
    px_serve_pong (server, fd);
}

/* --- HTTP ---------------------------------------------------------------------------- */

#define S "HTTP/1.1 200 OK\r\n"

static const struct
{
  const char *path;
  const char *answer;
  gboolean close;
} answers[] = {
  { "/hello", S "Content-Length: 5\r\n\r\nhello", FALSE },
  { "/open/x", S "Content-Length: 4\r\n\r\nopen", FALSE },
  { "/chunked", S "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nT: u\r\n\r\n", FALSE },
  { "/last", S "Content-Length: 4\r\n\r\nlast", TRUE },
  { "/until-close", S "\r\nuntil close", TRUE },
  { "/early-hints", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" S "Content-Length: 2\r\n\r\nok", FALSE },
  { "/no-content", "HTTP/1.1 204 No Content\r\n\r\n", FALSE },
  { "/not-modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", FALSE },
  { "/hop",
    S "Connection: X-Hop, keep-alive, content-length\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
      "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-End: 1\r\nContent-Length: 3\r\n\r\nhop",
    FALSE },
  { "/garbage", "SPDY/9 hello\r\n\r\n", TRUE },
  { "/two-lengths", S "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", TRUE },
  { "/both", S "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TRUE },
  { "/fold", S "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", TRUE },
  { "/nothing", "", TRUE },
  { "/half-head", "HTTP/1.1 200 O", TRUE },
  { "/half-body", S "Content-Length: 10\r\n\r\nhalf", TRUE },
  { "/switch", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", TRUE },
  { "/reveal", S "X-Echo: got s3cret-value-1234, s3cret-value-1234\r\nContent-Length: 2\r\n\r\nok", FALSE },
  { "/extra", S "Content-Length: 2\r\n\r\nok" S "Content-Length: 4\r\n\r\nevil", FALSE },
};

/* Reads one message with its body into @in, which keeps what follows it. */
static gboolean
read_request (PxServer *server, int fd, GString *in, OcHttpHead *head, GString *body)
{
  gsize consumed;
  char buf[65536];
  ssize_t n;

  while (oc_http_parse_request (in->str, in->len, NULL, head, &consumed, NULL) == OC_HTTP_MORE)
    {
      n = read_noting (server, fd, buf, sizeof buf);
      if (n <= 0)
        return FALSE;
      g_string_append_len (in, buf, n);
    }
  if (oc_http_parse_request (in->str, in->len, NULL, head, &consumed, NULL) != OC_HTTP_OK)
    return FALSE;
  if (head->expect_continue && send (fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) < 0)
    return FALSE;
  g_string_append_len (body, in->str + consumed, (gssize) (in->len - consumed));
  while (head->body == OC_HTTP_BODY_LENGTH && body->len < head->content_length)
    {
      n = read_noting (server, fd, buf, sizeof buf);
      if (n <= 0)
        return FALSE;
      g_string_append_len (body, buf, n);
    }
  while (head->body == OC_HTTP_BODY_CHUNKED && strstr (body->str, "0\r\n\r\n") == NULL)
    {
      n = read_noting (server, fd, buf, sizeof buf);
      if (n <= 0)
        return FALSE;
      g_string_append_len (body, buf, n);
    }
  return TRUE;
}

static void
send_big (int fd)
{
  g_autofree char *data = g_malloc (5000000);
  static const char head[] = S "Content-Length: 5000000\r\n\r\n";

  memset (data, 'b', 5000000);
  px_send (fd, head, sizeof head - 1);
  px_send (fd, data, 5000000);
}

/* Returns: whether the connection goes on. */
static gboolean
answer (PxServer *server, int fd, OcStr target, const OcHttpHead *head, const GString *body)
{
  g_autofree char *path = g_strndup (target.data, target.len);

  if (g_str_equal (path, "/echo"))
    {
      g_autofree char *text = g_strdup_printf (S "Content-Length: %zu\r\n\r\n%s", body->len, body->str);

      px_send (fd, text, strlen (text));
      return TRUE;
    }
  if (g_str_equal (path, "/big"))
    {
      send_big (fd);
      return TRUE;
    }
  if (g_str_equal (path, "/socket"))
    {
      static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                 "Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst";

      px_send (fd, text, sizeof text - 1);
      px_serve_pong (server, fd);
      return FALSE;
    }
  if (g_str_equal (path, "/held"))
    {
      while (!g_atomic_int_get (&server->released))
        g_usleep (1000);
      g_free (path);
      path = g_strdup ("/reveal");
    }
  if (g_str_equal (path, "/silent"))
    {
      char byte;

      return recv (fd, &byte, 1, 0) > 0;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    if (g_str_equal (path, answers[i].path))
      {
        gsize len = strlen (answers[i].answer);

        if (oc_str_equal (head->method, OC_STR ("HEAD")))
          len = (gsize) (strstr (answers[i].answer, "\r\n\r\n") + 4 - answers[i].answer);
        px_send (fd, answers[i].answer, len);
        return !answers[i].close;
      }
  px_send (fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 45);
  return TRUE;
}

void
px_serve_http (PxServer *server, int fd)
{
  gboolean go_on = TRUE;

  while (go_on)
    {
      g_autoptr (GString) in = g_string_new (NULL);
      g_autoptr (GString) body = g_string_new (NULL);
      OcHttpHead head;

      if (!read_request (server, fd, in, &head, body))
        return;
      g_mutex_lock (&server->lock);
      server->n_requests++;
      g_mutex_unlock (&server->lock);
      go_on = answer (server, fd, head.target, &head, body);
    }
}
