/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The client against a scripted peer on a real socket.
 */
#include "config.h"

#include "http1/oc-http1-client.h"

#include "common/oc-fd.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct
{
  char *dir, *path;
  int listen_fd;
  const char *answer;
  gboolean byte_by_byte;
  gboolean stall; /* accepts, reads, never answers */
  GThread *thread;
  GString *request;
} Peer;

static gpointer
serve (gpointer user_data)
{
  Peer *peer = user_data;
  oc_autofd int fd = accept4 (peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
  char buf[4096];
  gsize len = strlen (peer->answer);
  gsize step = peer->byte_by_byte ? 1 : len;
  ssize_t n;

  g_assert_cmpint (fd, >=, 0);
  while (strstr (peer->request->str, "\r\n\r\n") == NULL && (n = read (fd, buf, sizeof buf)) > 0)
    g_string_append_len (peer->request, buf, n);
  /* A client that has what it wants may hang up before the end. */
  for (gsize i = 0; i < len; i += step)
    if (send (fd, peer->answer + i, step, MSG_NOSIGNAL) < 0)
      {
        g_assert_cmpint (errno, ==, EPIPE);
        break;
      }
  if (peer->stall)
    while (read (fd, buf, sizeof buf) > 0)
      ;
  return NULL;
}

static void
peer_start (Peer *peer, const char *answer)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  peer->dir = g_dir_make_tmp ("http1-XXXXXX", NULL);
  peer->path = g_build_filename (peer->dir, "s", NULL);
  peer->answer = answer;
  peer->request = g_string_new (NULL);
  g_strlcpy (address.sun_path, peer->path, sizeof address.sun_path);
  peer->listen_fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_no_errno (bind (peer->listen_fd, (struct sockaddr *) &address, sizeof address));
  g_assert_no_errno (listen (peer->listen_fd, 5));
  peer->thread = g_thread_new ("peer", serve, peer);
}

static void
peer_stop (Peer *peer)
{
  g_thread_join (peer->thread);
  oc_fd_clear (&peer->listen_fd);
  g_unlink (peer->path);
  g_rmdir (peer->dir);
  g_free (peer->path);
  g_free (peer->dir);
  g_string_free (peer->request, TRUE);
}

typedef struct
{
  const char *name;
  const char *answer;
  int err; /* 0: an answer */
  guint status;
  const char *body;
} Case;

#define S "HTTP/1.1 200 OK\r\n"

static const Case cases[] = {
  { "length", S "Content-Type: text/x\r\nContent-Length: 5\r\n\r\nhello", 0, 200, "hello" },
  { "chunked", S "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 0, 200, "hello!" },
  { "until-close", S "\r\nhello", 0, 200, "hello" },
  { "interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", 0, 404, "x" },
  { "no-content", "HTTP/1.1 204 No Content\r\n\r\n", 0, 204, "" },
  { "garbage", "hello\r\n", EBADMSG, 0, NULL },
  { "cut-head", "HTTP/1.1 20", ECONNRESET, 0, NULL },
  { "cut-body", S "Content-Length: 5\r\n\r\nhel", ECONNRESET, 0, NULL },
  { "cut-chunk", S "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", ECONNRESET, 0, NULL },
  { "bad-chunk", S "Transfer-Encoding: chunked\r\n\r\nz\r\n", EBADMSG, 0, NULL },
  { "at-limit", S "Content-Length: 10\r\n\r\n0123456789", 0, 200, "0123456789" },
  { "over-limit", S "Content-Length: 11\r\n\r\n0123456789a", EMSGSIZE, 0, NULL },
};

static void
run_case (const Case *c, gboolean byte_by_byte)
{
  Peer peer = { .byte_by_byte = byte_by_byte };
  OcHttpClient *client;
  OcHttpReply reply;
  int result;

  g_test_message ("%s", c->name);
  peer_start (&peer, c->answer);
  client = oc_http_client_connect (peer.path, 5000);
  g_assert_nonnull (client);
  result = oc_http_client_request (client, "POST", "/x", "X-Test: y\r\n", "{}", 2, 10, 5000, &reply);
  if (c->err != 0)
    {
      g_assert_cmpint (result, ==, -1);
      g_assert_cmpint (errno, ==, c->err);
    }
  else
    {
      g_assert_no_errno (result);
      g_assert_cmpuint (reply.status, ==, c->status);
      g_assert_cmpstr (reply.body, ==, c->body);
      g_assert_nonnull (strstr (peer.request->str, "POST /x HTTP/1.1\r\nHost: localhost\r\n"));
      g_assert_nonnull (strstr (peer.request->str, "\r\nContent-Length: 2\r\nX-Test: y\r\n"));
    }
  oc_http_reply_clear (&reply);
  oc_http_client_close (client);
  peer_stop (&peer);
}

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      run_case (&cases[i], FALSE);
      run_case (&cases[i], TRUE);
    }
}

static void
test_timeout (void)
{
  Peer peer = { .stall = TRUE };
  OcHttpClient *client;
  OcHttpReply reply;
  gint64 start_us = g_get_monotonic_time ();

  peer_start (&peer, S "Content-Length: 5\r\n\r\nhel");
  client = oc_http_client_connect (peer.path, 5000);
  g_assert_cmpint (oc_http_client_request (client, "GET", "/", NULL, NULL, 0, 10, 50, &reply), ==, -1);
  g_assert_cmpint (errno, ==, ETIMEDOUT);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 2 * G_USEC_PER_SEC);
  oc_http_client_close (client);
  peer_stop (&peer);
}

static void
test_connect_errors (void)
{
  g_assert_null (oc_http_client_connect ("/nonexistent/socket", 100));
  g_assert_cmpint (errno, ==, ENOENT);
  g_assert_null (oc_http_client_connect (g_get_tmp_dir (), 100)); /* no socket, but ours to write */
  g_assert_cmpint (errno, ==, ECONNREFUSED);
  oc_http_client_close (NULL);
}

static bool
on_data (const char *data, size_t len, void *user_data)
{
  GString *all = user_data;

  g_string_append_len (all, data, (gssize) len);
  return strstr (all->str, "stop") == NULL;
}

static void
test_stream (void)
{
  Peer peer = { .byte_by_byte = TRUE };
  g_autoptr (GString) all = g_string_new (NULL);
  OcHttpClient *client;

  peer_start (&peer, S "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\nstop\r\n5\r\nnever\r\n0\r\n\r\n");
  client = oc_http_client_connect (peer.path, 5000);
  g_assert_cmpint (oc_http_client_stream (client, "GET", "/events", NULL, 5000, on_data, all), ==, 200);
  g_assert_cmpstr (all->str, ==, "onestop");
  g_assert_cmpint (oc_http_client_stream (client, "GET", "/events", NULL, 5000, on_data, all), ==, -1);
  oc_http_client_close (client);
  peer_stop (&peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http1/client/table", test_table);
  g_test_add_func ("/http1/client/timeout", test_timeout);
  g_test_add_func ("/http1/client/connect-errors", test_connect_errors);
  g_test_add_func ("/http1/client/stream", test_stream);
  return g_test_run ();
}
