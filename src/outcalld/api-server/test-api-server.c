/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-server/oc-api-server.h"

#include "common/oc-fd.h"
#include "outcall-api/outcall-api.h"
#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HEAD_MAX 4096
#define BODY_MAX 65536
#define MAX_CONNECTIONS 16

typedef struct
{
  char *dir, *path;
  OcApiServer *server;
  gboolean refuse_peers;
  OcApiRequest *held;   /* of /hold */
  OcApiRequest *stream; /* of /stream */
  char *late;           /* header that /late read after it had answered */
  guint n_closed;       /* streams */
  OcApiPeer peer;
} Fixture;

/* --- Handlers ------------------------------------------------------------------ */

static void
handle_hello (OcApiRequest *request, gpointer user_data)
{
  Fixture *fixture = user_data;
  JsonNode *data = json_node_new (JSON_NODE_VALUE);

  fixture->peer = *oc_api_request_get_peer (request);
  json_node_set_string (data, "hello");
  oc_api_request_reply (request, 200, data);
}

static void
handle_echo (OcApiRequest *request, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = oc_api_request_get_json (request, &error);

  if (node == NULL)
    oc_api_request_fail_error (request, error);
  else
    oc_api_request_reply (request, 200, json_node_copy (node));
}

static void
handle_item (OcApiRequest *request, gpointer user_data)
{
  const char *name = oc_api_request_get_query (request, "name");
  const char *header = oc_api_request_get_header (request, "x-test");
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%s|%s|%s", oc_api_request_get_param (request, "id"),
                          name != NULL ? name : "-", header != NULL ? header : "-");
  oc_api_request_reply_text (request, 200, "text/plain", text);
}

static void
handle_hold (OcApiRequest *request, gpointer user_data)
{
  ((Fixture *) user_data)->held = request;
}

static void
handle_late (OcApiRequest *request, gpointer user_data)
{
  oc_api_request_reply_empty (request, 204);
  ((Fixture *) user_data)->late = g_strdup (oc_api_request_get_header (request, "x-test"));
}

static void
handle_big (OcApiRequest *request, gpointer user_data)
{
  g_autofree char *text = g_strnfill (8 * 1024 * 1024, 'x');

  oc_api_request_reply_text (request, 200, "text/plain", text);
}

static void
handle_empty (OcApiRequest *request, gpointer user_data)
{
  oc_api_request_reply_empty (request, 204);
}

static void
on_stream_closed (gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_closed++;
  fixture->stream = NULL;
}

static void
handle_stream (OcApiRequest *request, gpointer user_data)
{
  Fixture *fixture = user_data;

  oc_api_request_start_stream (request, on_stream_closed, fixture);
  fixture->stream = request;
  oc_api_request_send_event (request, "7-1", "greeting", "one\ntwo");
}

static const OcApiRoute routes[] = {
  { "GET", "/hello", handle_hello },       { "POST", "/echo", handle_echo },
  { "GET", "/item/{id}", handle_item },    { "GET", "/hold", handle_hold },
  { "GET", "/big", handle_big },           { "GET", "/stream", handle_stream },
  { "DELETE", "/item/{id}", handle_empty }, { "GET", "/late", handle_late },
};

/* --- Set-up ---------------------------------------------------------------------- */

static gboolean
authorize (const OcApiPeer *peer, gpointer user_data)
{
  return !((Fixture *) user_data)->refuse_peers;
}

static OcApiServerConfig
make_config (Fixture *fixture)
{
  return (OcApiServerConfig) {
    .path = fixture->path,
    .mode = 0660,
    .gid = (gid_t) -1,
    .head_max = HEAD_MAX,
    .body_max = BODY_MAX,
    .request_timeout_s = 1,
    .idle_timeout_s = 2,
    .max_connections = MAX_CONNECTIONS,
    .routes = routes,
    .n_routes = G_N_ELEMENTS (routes),
    .authorize = authorize,
    .user_data = fixture,
  };
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  OcApiServerConfig config;

  fixture->dir = g_dir_make_tmp ("outcall-api-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->dir, "s", NULL);
  config = make_config (fixture);
  fixture->server = oc_api_server_new (&config, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  oc_api_server_free (fixture->server);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_rmdir (fixture->dir), ==, 0);
  g_free (fixture->path);
  g_free (fixture->dir);
}

static int
connect_to (Fixture *fixture)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, fixture->path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

/* --- A client in the same loop ------------------------------------------------------ */

typedef struct
{
  int fd;
  const char *to_send;
  gsize left;
  gsize step; /* bytes per send, 0: all */
  GString *received;
  gboolean at_end;
  const char *until; /* (nullable): ready when the answer holds it */
} Client;

static void
client_step (Client *client)
{
  struct pollfd pfd = { client->fd, POLLIN, 0 };
  char buffer[65536];

  if (client->left > 0)
    {
      gsize n = client->step > 0 ? MIN (client->step, client->left) : client->left;
      gssize sent = send (client->fd, client->to_send, n, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (sent > 0)
        {
          client->to_send += sent;
          client->left -= (gsize) sent;
        }
      else if (errno == EPIPE)
        client->left = 0;
    }
  if (poll (&pfd, 1, 0) > 0)
    {
      gssize n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);

      if (n > 0)
        g_string_append_len (client->received, buffer, n);
      else if (n == 0 || errno != EAGAIN)
        client->at_end = TRUE;
    }
}

static gboolean
client_ready (gpointer user_data)
{
  Client *client = user_data;

  client_step (client);
  return client->at_end
         || (client->until != NULL && strstr (client->received->str, client->until) != NULL);
}

/* Sends, and reads until the server closes or @until is there. (transfer full) */
static char *
exchange (Fixture *fixture, const char *data, gsize len, gsize step, const char *until)
{
  Client client = { .to_send = data, .left = len, .step = step, .until = until };
  gboolean done;

  client.fd = connect_to (fixture);
  client.received = g_string_new (NULL);
  done = oc_test_wait (client_ready, &client);
  oc_fd_clear (&client.fd);
  if (!done)
    g_error ("no end after: %s", client.received->str);
  return g_string_free (client.received, FALSE);
}

/* "200 404" for the status lines of @answers. (transfer full) */
static char *
list_statuses (const char *answers)
{
  GString *list = g_string_new (NULL);

  for (const char *p = answers; (p = strstr (p, "HTTP/1.1 ")) != NULL; p += 9)
    if (g_ascii_isdigit (p[9]))
      g_string_append_printf (list, "%s%.3s", list->len > 0 ? " " : "", p + 9);
  return g_string_free (list, FALSE);
}

/* --- The table ------------------------------------------------------------------------ */

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"
#define KEEP "Host: x\r\n\r\n"
#define POST "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

typedef struct
{
  const char *name;
  const char *request;
  const char *statuses;
  const char *contains;  /* (nullable) */
} Case;

static const Case cases[] = {
  { "plain", "GET /hello HTTP/1.1\r\n" CLOSE, "200", "{\"success\":true,\"data\":\"hello\"}" },
  { "http-1.0", "GET /hello HTTP/1.0\r\n\r\n", "200", "Connection: close" },
  { "http-1.0-keep", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /x HTTP/1.0\r\n\r\n",
    "200 404", "Connection: keep-alive" },
  { "pipelined", "GET /hello HTTP/1.1\r\n" KEEP "GET /none HTTP/1.1\r\n" KEEP
    "GET /hello HTTP/1.1\r\n" CLOSE, "200 404 200", NULL },
  { "after-close", "GET /hello HTTP/1.1\r\n" CLOSE "GET /hello HTTP/1.1\r\n" CLOSE, "200", NULL },
  { "unknown", "GET /none HTTP/1.1\r\n" CLOSE, "404", "\"success\":false" },
  { "wrong-method", "PUT /item/1 HTTP/1.1\r\n" CLOSE, "405", "Allow: GET, DELETE\r\n" },
  { "head", "HEAD /hello HTTP/1.1\r\n" CLOSE, "200", "no-store\r\nContent-Length: 31\r\n\r\n" },
  { "no-content", "DELETE /item/1 HTTP/1.1\r\n" CLOSE, "204", NULL },
  { "param", "GET /item/a%2Fb%20c?name=x+y%26z HTTP/1.1\r\nX-Test: v \r\n" CLOSE, "200",
    "a/b c|x y&z|v" },
  { "empty-param", "GET /item/ HTTP/1.1\r\n" CLOSE, "404", NULL },
  { "deeper", "GET /item/1/2 HTTP/1.1\r\n" CLOSE, "404", NULL },
  { "nul-param", "GET /item/%00 HTTP/1.1\r\n" CLOSE, "404", NULL },
  { "bad-escape", "GET /item/1?a=%zz HTTP/1.1\r\n" CLOSE, "400", NULL },
  { "repeated-query", "GET /item/1?a=1&a=2 HTTP/1.1\r\n" CLOSE, "400", NULL },
  { "no-slash", "GET hello HTTP/1.1\r\n" CLOSE, "400", NULL },
  { "absolute", "GET http://x/hello HTTP/1.1\r\n" CLOSE, "400", NULL },
  { "json", POST "Content-Length: 7\r\n\r\n{\"a\":1}", "200", "\"data\":{\"a\":1}" },
  { "json-empty", POST "Content-Length: 0\r\n\r\n", "200", "\"data\":{}" },
  { "json-bad", POST "Content-Length: 6\r\n\r\n{\"a\":1", "400", "\"success\":false" },
  { "json-two", POST "Content-Length: 4\r\n\r\n{}{}", "400", NULL },
  { "chunked", POST "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
    "200", "\"data\":{\"a\":1}" },
  { "bad-chunk", POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400", NULL },
  { "too-large", POST "Content-Length: 65537\r\n\r\n", "413", NULL },
  { "huge-length", POST "Content-Length: 4294967296\r\n\r\n", "413", NULL },
  { "overflowing-length", POST "Content-Length: 99999999999999999999\r\n\r\n", "400", NULL },
  { "chunked-too-large", POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n", "408", NULL },
  { "two-framings", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400", NULL },
  { "other-coding", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501", NULL },
  { "continue", POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", "100 200", NULL },
  { "no-host", "GET /hello HTTP/1.1\r\n\r\n", "400", NULL },
  { "bare-lf", "GET /hello HTTP/1.1\nHost: x\n\n", "400", NULL },
  { "http-2", "GET /hello HTTP/2.0\r\n" CLOSE, "505", NULL },
  { "preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", NULL },
  { "tls", "\x16\x03\x01\x02", "400", NULL },
};

static void
test_case (Fixture *fixture, gconstpointer data)
{
  const Case *c = data;

  /* Whole, and byte by byte: the same. */
  for (gsize step = 0; step < 2; step++)
    {
      g_autofree char *answer = exchange (fixture, c->request, strlen (c->request), step, NULL);
      g_autofree char *statuses = list_statuses (answer);

      g_assert_cmpstr (statuses, ==, c->statuses);
      if (c->contains != NULL && strstr (answer, c->contains) == NULL)
        g_error ("'%s' is not in: %s", c->contains, answer);
    }
}

static void
assert_alive (Fixture *fixture)
{
  g_autofree char *answer = exchange (fixture, cases[0].request, strlen (cases[0].request), 0,
                                      NULL);

  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 OK\r\n"));
}

static void
test_head_limit (Fixture *fixture, gconstpointer data)
{
  static const char start[] = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";

  for (gsize over = 0; over < 2; over++)
    {
      gsize fill = HEAD_MAX - (sizeof start - 1) - 4 + over;
      g_autofree char *filler = g_strnfill (fill, 'x');
      g_autofree char *request = g_strconcat (start, filler, "\r\n\r\n", NULL);
      g_autofree char *answer = exchange (fixture, request, strlen (request), 0, NULL);
      g_autofree char *statuses = list_statuses (answer);

      g_assert_cmpstr (statuses, ==, over ? "431" : "200");
    }
}

static void
test_body_limit (Fixture *fixture, gconstpointer data)
{
  for (gsize over = 0; over < 2; over++)
    {
      g_autofree char *filler = g_strnfill (BODY_MAX + over - 2, 'x');
      g_autofree char *request = NULL;
      g_autofree char *answer = NULL;
      g_autofree char *statuses = NULL;

      request = g_strdup_printf (POST "Transfer-Encoding: chunked\r\n\r\n%x\r\n\"%s\"\r\n0\r\n\r\n",
                                 (guint) (BODY_MAX + over), filler);
      answer = exchange (fixture, request, strlen (request), 0, NULL);
      statuses = list_statuses (answer);
      g_assert_cmpstr (statuses, ==, over ? "413" : "200");
    }
}

static void
test_deep_json (Fixture *fixture, gconstpointer data)
{
  g_autofree char *deep = g_strnfill (60000, '[');
  g_autofree char *request = g_strdup_printf (POST "Content-Length: 60000\r\n\r\n%s", deep);
  g_autofree char *answer = exchange (fixture, request, strlen (request), 0, NULL);
  g_autofree char *statuses = list_statuses (answer);

  g_assert_cmpstr (statuses, ==, "400");
}

/* --- Time --------------------------------------------------------------------------- */

static void
test_slow (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *sent, *statuses;
  } slow[] = {
    { "GET /hel", "408" },
    { POST "Content-Length: 10\r\n\r\n{", "408" },
    { "", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (slow); i++)
    {
      g_autofree char *answer = exchange (fixture, slow[i].sent, strlen (slow[i].sent), 0, NULL);
      g_autofree char *statuses = list_statuses (answer);

      g_assert_cmpstr (statuses, ==, slow[i].statuses);
    }
}

static gboolean
is_closed_for_writing (gpointer user_data)
{
  struct pollfd pfd = { *(int *) user_data, 0, 0 };

  return poll (&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP);
}

/* Asks for much and reads nothing. */
static void
test_never_reads (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /big HTTP/1.1\r\n" KEEP;
  oc_autofd int fd = connect_to (fixture);

  g_assert_cmpint (send (fd, request, sizeof request - 1, 0), ==, sizeof request - 1);
  g_assert_true (oc_test_wait (is_closed_for_writing, &fd));
}

static void
test_big_answer (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /big HTTP/1.1\r\n" CLOSE;
  g_autofree char *answer = exchange (fixture, request, sizeof request - 1, 0, NULL);

  g_assert_cmpuint (strlen (strstr (answer, "\r\n\r\n") + 4), ==, 8 * 1024 * 1024);
}

/* --- Number and peers ------------------------------------------------------------------ */

static void
test_many_connections (Fixture *fixture, gconstpointer data)
{
  int fds[MAX_CONNECTIONS];
  g_autofree char *answer = NULL;
  g_autofree char *statuses = NULL;

  for (guint i = 0; i < MAX_CONNECTIONS; i++)
    fds[i] = connect_to (fixture);
  answer = exchange (fixture, "", 0, 0, NULL);
  statuses = list_statuses (answer);
  g_assert_cmpstr (statuses, ==, "503");
  g_assert_nonnull (strstr (answer, "Retry-After"));
  for (guint i = 0; i < MAX_CONNECTIONS; i++)
    oc_fd_clear (&fds[i]);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_alive (fixture);
}

static void
test_peer (Fixture *fixture, gconstpointer data)
{
  assert_alive (fixture);
  g_assert_cmpint (fixture->peer.pid, ==, getpid ());
  g_assert_cmpuint (fixture->peer.uid, ==, getuid ());
  g_assert_cmpuint (fixture->peer.gid, ==, getgid ());
}

/* The answer arrives although the client has sent a body that nobody reads. */
static void
test_refused_peer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *filler = g_strnfill (60000, ' ');
  g_autofree char *request = g_strdup_printf (POST "Content-Length: 60000\r\n\r\n%s", filler);
  g_autofree char *answer = NULL;
  g_autofree char *statuses = NULL;

  fixture->refuse_peers = TRUE;
  answer = exchange (fixture, request, strlen (request), 0, NULL);
  statuses = list_statuses (answer);
  g_assert_cmpstr (statuses, ==, "403");
}

/* --- Streams and late answers ------------------------------------------------------------- */

static void
test_stream (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /stream HTTP/1.1\r\n" KEEP;
  g_autofree char *answer = exchange (fixture, request, sizeof request - 1, 0, "two\n\n");

  g_assert_nonnull (strstr (answer, "Content-Type: text/event-stream\r\n"));
  g_assert_nonnull (strstr (answer, "\r\n\r\nid: 7-1\nevent: greeting\ndata: one\ndata: two\n\n"));
}

static gboolean
is_stream_closed (gpointer user_data)
{
  return ((Fixture *) user_data)->n_closed > 0;
}

static void
test_stream_ends_with_peer (Fixture *fixture, gconstpointer data)
{
  test_stream (fixture, data);
  g_assert_true (oc_test_wait (is_stream_closed, fixture));
  g_assert_cmpuint (fixture->n_closed, ==, 1);
}

static gboolean
is_streaming (gpointer user_data)
{
  return ((Fixture *) user_data)->stream != NULL;
}

static void
test_stream_slow_reader (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /stream HTTP/1.0\r\n\r\n";
  g_autofree char *text = g_strnfill (10000, 'x');
  oc_autofd int fd = connect_to (fixture);
  guint n = 0;

  g_assert_cmpint (send (fd, request, sizeof request - 1, 0), ==, sizeof request - 1);
  g_assert_true (oc_test_wait (is_streaming, fixture));
  while (fixture->stream != NULL)
    {
      oc_api_request_send_event (fixture->stream, NULL, NULL, text);
      g_assert_cmpuint (++n, <, 1000);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpuint (n, >, 90);
  g_assert_cmpuint (fixture->n_closed, ==, 1);
  assert_alive (fixture);
}

static gboolean
is_held (gpointer user_data)
{
  return ((Fixture *) user_data)->held != NULL;
}

static void
hold (Fixture *fixture, int *fd)
{
  static const char request[] = "GET /hold HTTP/1.1\r\n" KEEP "GET /hello HTTP/1.1\r\n" CLOSE;

  *fd = connect_to (fixture);
  g_assert_cmpint (send (*fd, request, sizeof request - 1, 0), ==, sizeof request - 1);
  g_assert_true (oc_test_wait (is_held, fixture));
}

static void
test_late_answer (Fixture *fixture, gconstpointer data)
{
  Client client = { .received = g_string_new (NULL) };
  g_autofree char *statuses = NULL;

  hold (fixture, &client.fd);
  oc_api_request_reply (fixture->held, 201, NULL);
  g_assert_true (oc_test_wait (client_ready, &client));
  statuses = list_statuses (client.received->str);
  g_assert_cmpstr (statuses, ==, "201 200");
  oc_fd_clear (&client.fd);
  g_string_free (client.received, TRUE);
}

static void
test_late_answer_to_nobody (Fixture *fixture, gconstpointer data)
{
  int fd = -1;

  hold (fixture, &fd);
  oc_fd_clear (&fd);
  assert_alive (fixture);
  oc_api_request_reply (fixture->held, 200, NULL);
  assert_alive (fixture);
}

static gboolean
has_read_late (gpointer user_data)
{
  return ((Fixture *) user_data)->late != NULL;
}

/* The answer fails, and the request is there until its handler returns. */
static void
test_handler_looks_after_answer (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /late HTTP/1.1\r\nX-Test: v\r\n" KEEP;
  int fd = connect_to (fixture);

  g_assert_cmpint (send (fd, request, sizeof request - 1, 0), ==, sizeof request - 1);
  oc_fd_clear (&fd);
  g_assert_true (oc_test_wait (has_read_late, fixture));
  g_assert_cmpstr (fixture->late, ==, "v");
  g_clear_pointer (&fixture->late, g_free);
  assert_alive (fixture);
}

static void
test_server_ends_first (Fixture *fixture, gconstpointer data)
{
  static const char request[] = "GET /stream HTTP/1.1\r\n" KEEP;
  oc_autofd int held_fd = -1;
  oc_autofd int stream_fd = connect_to (fixture);

  g_assert_cmpint (send (stream_fd, request, sizeof request - 1, 0), ==, sizeof request - 1);
  g_assert_true (oc_test_wait (is_streaming, fixture));
  hold (fixture, &held_fd);
  g_clear_pointer (&fixture->server, oc_api_server_free);
  g_assert_cmpuint (fixture->n_closed, ==, 1);
  oc_api_request_fail (fixture->held, 503, NULL, "too late");
}

/* --- The socket file ------------------------------------------------------------------------ */

static void
test_socket_file (Fixture *fixture, gconstpointer data)
{
  OcApiServerConfig config = make_config (fixture);
  g_autoptr (GError) error = NULL;
  GStatBuf st;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd;

  g_assert_cmpint (g_lstat (fixture->path, &st), ==, 0);
  g_assert_true (S_ISSOCK (st.st_mode));
  g_assert_cmpuint (st.st_mode & 07777, ==, 0660);

  g_assert_null (oc_api_server_new (&config, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);
  assert_alive (fixture); /* the failed one has not removed it */

  g_clear_pointer (&fixture->server, oc_api_server_free);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, fixture->path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  close (fd);
  fixture->server = oc_api_server_new (&config, &error); /* over the stale one */
  g_assert_no_error (error);
  assert_alive (fixture);

  g_clear_pointer (&fixture->server, oc_api_server_free);
  g_assert_true (g_file_set_contents (fixture->path, "mine", -1, NULL));
  g_assert_null (oc_api_server_new (&config, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (g_unlink (fixture->path), ==, 0); /* still there */
}

/* --- Anything at all --------------------------------------------------------------------------- */

static void
test_mutations (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3000; i++)
    {
      const Case *c = &cases[g_test_rand_int_range (0, G_N_ELEMENTS (cases))];
      gsize len = strlen (c->request);
      g_autofree char *request = g_memdup2 (c->request, len);
      oc_autofd int fd = connect_to (fixture);

      for (int n = g_test_rand_int_range (1, 4); n > 0; n--)
        request[g_test_rand_int_range (0, (gint32) len)] = (char) g_test_rand_int_range (0, 256);
      (void) !send (fd, request, (gsize) g_test_rand_int_range (1, (gint32) len + 1),
                    MSG_NOSIGNAL | MSG_DONTWAIT);
      for (int n = 0; n < 4; n++)
        g_main_context_iteration (NULL, FALSE);
      fixture->held = NULL;
    }
  assert_alive (fixture);
}

static void
add (const char *name, void (*func) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/api-server/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/api-server/case/", cases[i].name, NULL);

      g_test_add (path, Fixture, &cases[i], set_up, test_case, tear_down);
    }
  add ("head-limit", test_head_limit);
  add ("body-limit", test_body_limit);
  add ("deep-json", test_deep_json);
  add ("slow", test_slow);
  add ("never-reads", test_never_reads);
  add ("big-answer", test_big_answer);
  add ("many-connections", test_many_connections);
  add ("peer", test_peer);
  add ("refused-peer", test_refused_peer);
  add ("stream", test_stream);
  add ("stream-ends-with-peer", test_stream_ends_with_peer);
  add ("stream-slow-reader", test_stream_slow_reader);
  add ("late-answer", test_late_answer);
  add ("late-answer-to-nobody", test_late_answer_to_nobody);
  add ("handler-looks-after-answer", test_handler_looks_after_answer);
  add ("server-ends-first", test_server_ends_first);
  add ("socket-file", test_socket_file);
  add ("mutations", test_mutations);
  return g_test_run ();
}
