/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-ui-peer.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

/* --- The table ---------------------------------------------------------------------- */

#define GET(target) "GET " target " HTTP/1.1\r\nConnection: close\r\n"
#define HOST "Host: {HOST}\r\n"
#define TOKEN "X-Outcall-Token: {TOKEN}\r\n"
#define POST(target) "POST " target " HTTP/1.1\r\nConnection: close\r\n"
#define OWN "Origin: http://{HOST}\r\n"
#define JSON "Content-Type: application/json\r\n"
#define END "\r\n"

static const struct
{
  const char *name;
  const char *request;
  guint status;
  const char *has;
} cases[] = {
  { "page", GET ("/") HOST END, 200, "<script type=\"module\" src=\"/app.js\"></script>" },
  { "script", GET ("/app.js") HOST END, 200, "Content-Type: text/javascript" },
  { "style", GET ("/style.css") HOST END, 200, "Content-Type: text/css" },
  { "icon", GET ("/icon.svg") HOST END, 200, "Content-Type: image/svg+xml" },
  { "module", GET ("/views/overview.js") HOST END, 200, "Content-Type: text/javascript" },
  { "strings", GET ("/strings.json") HOST END, 200, "\"de\":{\"plural\":\"n!=1\"" },
  { "query", GET ("/?x") HOST END, 404, NULL },
  { "folder", GET ("/views/") HOST END, 404, NULL },
  { "dots-inside", GET ("/views/../app.js") HOST END, 404, NULL },
  { "nothing", GET ("/nothing") HOST END, 404, NULL },
  { "dots", GET ("/../../etc/passwd") HOST END, 404, NULL },
  { "resource-path", GET ("/org/outcall/ui/app.js") HOST END, 404, NULL },
  { "absolute-form", GET ("http://{HOST}/") HOST END, 404, NULL },

  { "host/localhost", GET ("/") "Host: localhost:{PORT}\r\n" END, 200, NULL },
  { "host/rebinding", GET ("/") "Host: evil.example:{PORT}\r\n" END, 403, NULL },
  { "host/rebinding-api", GET ("/api/v1/status") "Host: evil.example:{PORT}\r\n" TOKEN END, 403,
    NULL },
  { "host/no-port", GET ("/") "Host: 127.0.0.1\r\n" END, 403, NULL },
  { "host/other-port", GET ("/") "Host: 127.0.0.1:1\r\n" END, 403, NULL },
  { "host/prefix", GET ("/") "Host: {HOST}.evil.example\r\n" END, 403, NULL },
  { "host/other-loopback", GET ("/") "Host: 127.0.0.2:{PORT}\r\n" END, 403, NULL },
  { "host/six", GET ("/") "Host: [::1]:{PORT}\r\n" END, 403, NULL },
  { "host/none", GET ("/") END, 400, NULL },
  { "host/none-1.0", "GET / HTTP/1.0\r\n" END, 403, NULL },
  { "host/two", GET ("/") HOST "Host: evil.example\r\n" END, 400, NULL },

  { "origin/own", GET ("/api/v1/status") HOST TOKEN "Origin: http://{HOST}\r\n" END, 200, NULL },
  { "origin/localhost", GET ("/") HOST "Origin: http://localhost:{PORT}\r\n" END, 200, NULL },
  { "origin/foreign", GET ("/api/v1/status") HOST TOKEN "Origin: http://evil.example\r\n" END, 403,
    NULL },
  { "origin/foreign-page", GET ("/") HOST "Origin: http://evil.example\r\n" END, 403, NULL },
  { "origin/null", GET ("/api/v1/status") HOST TOKEN "Origin: null\r\n" END, 403, NULL },
  { "origin/https", GET ("/") HOST "Origin: https://{HOST}\r\n" END, 403, NULL },
  { "origin/other-port", GET ("/") HOST "Origin: http://127.0.0.1:1\r\n" END, 403, NULL },
  { "origin/two", GET ("/") HOST "Origin: http://{HOST}\r\nOrigin: http://evil.example\r\n" END,
    403, NULL },

  { "token/right", GET ("/api/v1/status") HOST TOKEN END, 200,
    "\r\n\r\n{\"success\":true,\"data\":{\"version\":\"<b>x</b>\"}}" },
  { "token/none", GET ("/api/v1/status") HOST END, 401, "\"success\":false" },
  { "token/empty", GET ("/api/v1/status") HOST "X-Outcall-Token:\r\n" END, 401, NULL },
  { "token/longer", GET ("/api/v1/status") HOST "X-Outcall-Token: {TOKEN}A\r\n" END, 401, NULL },
  { "token/wrong",
    GET ("/api/v1/status") HOST "X-Outcall-Token: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
        END,
    401, NULL },
  { "token/in-query", GET ("/api/v1/status?token={TOKEN}") HOST END, 401, NULL },
  { "token/as-cookie", GET ("/api/v1/status") HOST "Cookie: X-Outcall-Token={TOKEN}\r\n" END, 401,
    NULL },
  { "token/second", GET ("/api/v1/status") HOST "X-Outcall-Token: x\r\n" TOKEN END, 401, NULL },

  { "api/error", GET ("/api/v1/no-such") HOST TOKEN END, 404, "no such rule" },
  { "api/text", GET ("/api/v1/metrics") HOST TOKEN END, 200, "Content-Type: text/plain" },
  { "api/html", GET ("/api/v1/html") HOST TOKEN END, 502, "application/json" },
  { "api/garbage", GET ("/api/v1/garbage") HOST TOKEN END, 502, "is it running?" },
  { "api/longest", GET ("/api/v1/longest") HOST TOKEN END, 200, "Content-Length: 8388608\r\n" },
  { "api/too-long", GET ("/api/v1/too-long") HOST TOKEN END, 502, "too long" },

  { "events/plain", GET ("/api/v1/events") HOST TOKEN END, 200,
    "Content-Type: text/event-stream\r\n" },
  { "events/body", GET ("/api/v1/events") HOST TOKEN END, 200,
    "\r\n\r\ndata: 1\n\ndata: 2\n\n" },
  { "events/chunked", GET ("/api/v1/events?chunked") HOST TOKEN END, 200,
    "\r\n\r\ndata: 1\n\ndata: 2\n\n" },
  { "events/html", GET ("/api/v1/events?html") HOST TOKEN END, 502, "does not stream" },
  { "events/none", GET ("/api/v1/events?no-such") HOST TOKEN END, 502, "does not stream" },
  { "events/token", GET ("/api/v1/events") HOST END, 401, NULL },
  { "events/host", GET ("/api/v1/events") "Host: evil.example\r\n" TOKEN END, 403, NULL },

  { "post/echo", POST ("/api/v1/echo") HOST TOKEN OWN JSON "Content-Length: 7\r\n" END "{\"a\":1}", 200,
    "\r\n\r\n{\"success\":true,\"data\":{\"a\":1}}" },
  { "post/no-body", POST ("/api/v1/nothing") HOST TOKEN OWN JSON END, 404, "no such rule" },
  { "post/no-token", POST ("/api/v1/echo") HOST OWN JSON "Content-Length: 2\r\n" END "{}", 401, NULL },
  { "post/no-origin", POST ("/api/v1/echo") HOST TOKEN JSON "Content-Length: 2\r\n" END "{}", 403, NULL },
  { "post/foreign-origin",
    POST ("/api/v1/echo") HOST TOKEN "Origin: http://evil.example\r\n" JSON "Content-Length: 2\r\n" END "{}",
    403, NULL },
  { "post/rebinding",
    POST ("/api/v1/echo") "Host: evil.example:{PORT}\r\n" TOKEN OWN JSON "Content-Length: 2\r\n" END "{}",
    403, NULL },
  { "post/form",
    POST ("/api/v1/echo") HOST TOKEN OWN "Content-Type: application/x-www-form-urlencoded\r\n"
                                         "Content-Length: 2\r\n" END "{}",
    415, NULL },
  { "post/text", POST ("/api/v1/echo") HOST TOKEN OWN "Content-Type: text/plain\r\nContent-Length: 2\r\n" END "{}",
    415, NULL },
  { "post/no-type", POST ("/api/v1/echo") HOST TOKEN OWN "Content-Length: 2\r\n" END "{}", 415, NULL },
  { "post/chunked",
    POST ("/api/v1/echo") HOST TOKEN OWN JSON "Transfer-Encoding: chunked\r\n" END "2\r\n{}\r\n0\r\n\r\n", 413,
    NULL },
  { "post/events", POST ("/api/v1/events") HOST TOKEN OWN JSON END, 404, NULL },
  { "post/page", POST ("/app.js") HOST TOKEN OWN JSON END, 405, "\r\nAllow: GET, POST\r\n" },
  { "method/put", "PUT /api/v1/echo HTTP/1.1\r\nConnection: close\r\n" HOST TOKEN OWN END, 405, NULL },
  { "method/delete", "DELETE /api/v1/echo HTTP/1.1\r\nConnection: close\r\n" HOST TOKEN OWN END, 405, NULL },
  { "method/head", "HEAD / HTTP/1.1\r\nConnection: close\r\n" HOST END, 405, NULL },
  { "method/preflight",
    "OPTIONS /api/v1/status HTTP/1.1\r\nConnection: close\r\n" HOST
    "Origin: http://evil.example\r\nAccess-Control-Request-Headers: x-outcall-token\r\n" END,
    405, NULL },
  { "method/connect", "CONNECT {HOST} HTTP/1.1\r\nConnection: close\r\n" HOST END, 405, NULL },
  { "body/length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" END "x", 413, NULL },
  { "body/length-get", "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" END "x", 413, NULL },
  { "body/chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n", 413,
    NULL },
  { "body/both",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END, 400,
    NULL },
  { "head/not-http", "SSH-2.0-OpenSSH\r\n\r\n", 400, NULL },
  { "head/version", "GET / HTTP/2.0\r\n" HOST END, 505, NULL },
  { "head/bare-lf", "GET / HTTP/1.1\nHost: {HOST}\n\n", 400, NULL },
};

typedef struct
{
  UiFixture *fixture;
  gsize index;
} Case;

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autofree char *answer = ui_exchange (c->fixture, cases[c->index].request);

  ui_check_answer (answer, cases[c->index].status, cases[c->index].has);
}

/* --- One by one --------------------------------------------------------------------- */

/* After the cases above, with the right token among them. */
static void
test_token_stays (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;

  g_mutex_lock (&fixture->lock);
  g_assert_nonnull (strstr (fixture->daemon_heads->str, "GET /api/v1/status HTTP/1.1\r\n"));
  g_assert_null (strstr (fixture->daemon_heads->str, fixture->token));
  g_assert_null (strstr (fixture->daemon_heads->str, "Outcall-Token"));
  g_assert_null (strstr (fixture->daemon_heads->str, "Origin"));
  g_assert_null (strstr (fixture->daemon_heads->str, "Cookie"));
  g_mutex_unlock (&fixture->lock);
}

static void
test_token_shape (gconstpointer data)
{
  const UiFixture *fixture = data;

  g_assert_cmpuint (strlen (fixture->token), ==, OC_UI_TOKEN_LEN);
  g_assert_cmpuint (strspn (fixture->token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789-_"),
                    ==, OC_UI_TOKEN_LEN);
}

/* A request of exactly @line bytes in its first line, @head in all. */
static char *
make_sized (UiFixture *fixture, gsize line, gsize head)
{
  g_autofree char *end
      = g_strdup_printf ("\r\nHost: %s\r\nConnection: close\r\nX: ", fixture->host);
  GString *text = g_string_new ("GET /");

  while (text->len < line - strlen (" HTTP/1.1"))
    g_string_append_c (text, 'a');
  g_string_append (text, " HTTP/1.1");
  g_string_append (text, end);
  while (text->len < head - strlen ("\r\n\r\n"))
    g_string_append_c (text, 'b');
  g_string_append (text, "\r\n\r\n");
  return g_string_free (text, FALSE);
}

static void
test_sizes (gconstpointer data)
{
  static const struct
  {
    gsize line, head;
    guint status;
  } sizes[] = {
    { OC_UI_REQUEST_LINE_MAX, OC_UI_HEAD_MAX - 1000, 404 },
    { OC_UI_REQUEST_LINE_MAX + 1, OC_UI_HEAD_MAX - 1000, 431 },
    { 100, OC_UI_HEAD_MAX, 404 },
    { 100, OC_UI_HEAD_MAX + 1, 431 },
    { 100, 10 * OC_UI_HEAD_MAX, 431 },
  };
  UiFixture *fixture = (UiFixture *) data;

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *request = make_sized (fixture, sizes[i].line, sizes[i].head);
      g_autoptr (GSocketConnection) connection = ui_dial (fixture);
      g_autofree char *answer = NULL;

      g_assert_cmpuint (strlen (request), ==, sizes[i].head);
      ui_send_bytes (connection, request, strlen (request));
      answer = ui_receive (connection);
      ui_check_answer (answer, sizes[i].status, NULL);
    }
}

/* A body of exactly the limit passes through, however it is cut; one byte more is
 * refused before it is sent. */
static void
test_body_sizes (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;

  for (gsize len = OC_UI_BODY_MAX; len <= OC_UI_BODY_MAX + 1; len++)
    {
      g_autofree char *head = ui_expand (fixture, POST ("/api/v1/echo") HOST TOKEN OWN JSON);
      g_autofree char *body = g_strnfill (len, ' ');
      g_autofree char *request = NULL;
      g_autoptr (GSocketConnection) connection = ui_dial (fixture);
      g_autofree char *answer = NULL;

      body[0] = '7';
      request = g_strdup_printf ("%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n", head, len);
      ui_send_bytes (connection, request, strlen (request));
      if (len <= OC_UI_BODY_MAX)
        {
          ui_send_bytes (connection, body, 1000);
          ui_send_bytes (connection, body + 1000, len - 1000);
        }
      answer = ui_receive (connection);
      ui_check_answer (answer, len <= OC_UI_BODY_MAX ? 200 : 413, NULL);
    }
}

/* Two posts at once on one connection: the second begins where the first one's body ends. */
static void
test_post_pipeline (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *text
      = ui_expand (fixture, "POST /api/v1/echo HTTP/1.1\r\n" HOST TOKEN OWN JSON
                         "Content-Length: 3\r\n\r\n\"1\"" POST ("/api/v1/echo") HOST TOKEN OWN JSON
                         "Content-Length: 3\r\n\r\n\"2\"");
  g_autoptr (GSocketConnection) connection = ui_dial (fixture);
  g_autofree char *answers = NULL;

  ui_send_bytes (connection, text, strlen (text));
  answers = ui_receive (connection);
  g_assert_nonnull (strstr (answers, "\"data\":\"1\"}HTTP/1.1 200 "));
  g_assert_true (g_str_has_suffix (answers, "\"data\":\"2\"}"));
}

static void
test_nul (gconstpointer data)
{
  static const char request[] = "GET /\0 HTTP/1.1\r\n\r\n";
  g_autoptr (GSocketConnection) connection = ui_dial ((UiFixture *) data);
  g_autofree char *answer = NULL;

  ui_send_bytes (connection, request, sizeof request - 1);
  answer = ui_receive (connection);
  ui_check_answer (answer, 400, NULL);
}

/* Two requests at once, the first one cut in half: two answers in order. */
static void
test_pipeline (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *text = ui_expand (fixture, "GET /style.css HTTP/1.1\r\n" HOST END GET ("/none")
                                               HOST END);
  g_autoptr (GSocketConnection) connection = ui_dial (fixture);
  g_autofree char *answers = NULL;

  ui_send_bytes (connection, text, 10);
  ui_send_bytes (connection, text + 10, strlen (text) - 10);
  answers = ui_receive (connection);
  g_assert_true (g_str_has_prefix (answers, "HTTP/1.1 200 "));
  g_assert_nonnull (strstr (answers, "Connection: keep-alive\r\n"));
  g_assert_nonnull (strstr (answers, "HTTP/1.1 404 "));
}

/* A head and a body that do not come are given up, both at once to save time. */
static void
test_slow (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *head
      = ui_expand (fixture, POST ("/api/v1/echo") HOST TOKEN OWN JSON "Content-Length: 100\r\n\r\n{");
  const char *const texts[] = { "GET / HT", head };
  g_autoptr (GSocketConnection) first = ui_dial (fixture);
  g_autoptr (GSocketConnection) second = ui_dial (fixture);
  GSocketConnection *const connections[] = { first, second };
  gint64 start_us = g_get_monotonic_time ();

  for (gsize i = 0; i < 2; i++)
    ui_send_bytes (connections[i], texts[i], strlen (texts[i]));
  for (gsize i = 0; i < 2; i++)
    {
      g_autofree char *answer = ui_receive (connections[i]);

      g_assert_cmpstr (answer, ==, "");
      g_assert_cmpint ((g_get_monotonic_time () - start_us) / 1000, >=,
                       MIN (OC_UI_HEAD_TIMEOUT_MS, OC_UI_BODY_TIMEOUT_MS) - 100);
      g_assert_cmpint ((g_get_monotonic_time () - start_us) / 1000, <,
                       MAX (OC_UI_HEAD_TIMEOUT_MS, OC_UI_BODY_TIMEOUT_MS) + 10000);
    }
}

static gboolean
is_readable (GSocketConnection *connection, int timeout_ms)
{
  struct pollfd pfd
      = { g_socket_get_fd (g_socket_connection_get_socket (connection)), POLLIN, 0 };

  return poll (&pfd, 1, timeout_ms) > 0;
}

/* The first connection over the limit is told so; when one of the others ends, there
 * is room again. */
static void
test_connections (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autoptr (GPtrArray) idle = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *kept = ui_expand (fixture, "GET /nothing HTTP/1.1\r\n" HOST END);
  g_autofree char *refused = NULL;
  gint64 deadline_us = g_get_monotonic_time () + UI_ANSWER_TIMEOUT_S * G_USEC_PER_SEC;
  gboolean room = FALSE;

  for (guint i = 0; i < OC_UI_CONNECTIONS_MAX; i++)
    {
      GSocketConnection *connection = ui_dial (fixture);

      g_ptr_array_add (idle, connection);
      /* Its answer proves that it has a thread. */
      ui_send_bytes (connection, kept, strlen (kept));
      g_assert_true (is_readable (connection, UI_ANSWER_TIMEOUT_S * 1000));
    }
  refused = ui_exchange (fixture, GET ("/nothing") HOST END);
  ui_check_answer (refused, 503, "too many connections");
  g_ptr_array_remove_index (idle, 0);
  while (!room && g_get_monotonic_time () < deadline_us)
    {
      g_autofree char *answer = ui_exchange (fixture, GET ("/nothing") HOST END);

      room = g_str_has_prefix (answer, "HTTP/1.1 404 ");
    }
  g_assert_true (room);
}

static gboolean
wait_streams (UiFixture *fixture, int n)
{
  gint64 deadline_us = g_get_monotonic_time () + UI_ANSWER_TIMEOUT_S * G_USEC_PER_SEC;

  while (g_atomic_int_get (&fixture->streams) != n)
    {
      if (g_get_monotonic_time () > deadline_us)
        return FALSE;
      g_thread_yield ();
    }
  return TRUE;
}

/* One stream over the limit is refused; streams end as soon as the browser leaves,
 * though nothing tells the daemon's side but the closed socket. */
static void
test_streams (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *request = ui_expand (fixture, GET ("/api/v1/events?open") HOST TOKEN END);
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *refused = NULL;

  for (guint i = 0; i < OC_UI_STREAMS_MAX; i++)
    {
      GSocketConnection *connection = ui_dial (fixture);

      g_ptr_array_add (open, connection);
      ui_send_bytes (connection, request, strlen (request));
      g_assert_true (is_readable (connection, UI_ANSWER_TIMEOUT_S * 1000));
    }
  g_assert_true (wait_streams (fixture, OC_UI_STREAMS_MAX));
  refused = ui_exchange (fixture, GET ("/api/v1/events?open") HOST TOKEN END);
  ui_check_answer (refused, 503, "too many event streams");
  g_ptr_array_remove_index (open, 0);
  g_assert_true (wait_streams (fixture, OC_UI_STREAMS_MAX - 1));
  g_ptr_array_set_size (open, 0);
  g_assert_true (wait_streams (fixture, 0));
}

/* The kernel's list of listeners: 127.0.0.1 and nothing else on this port. */
static void
test_loopback_only (gconstpointer data)
{
  static const char *const lists[] = { "/proc/self/net/tcp", "/proc/self/net/tcp6" };
  const UiFixture *fixture = data;
  g_autofree char *port
      = g_strdup_printf (":%04X ", (guint) g_ascii_strtoull (fixture->port, NULL, 10));
  guint listeners = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree char *text = NULL;
      g_auto (GStrv) lines = NULL;

      if (!g_file_get_contents (lists[i], &text, NULL, NULL))
        continue;
      lines = g_strsplit (text, "\n", -1);
      for (gsize k = 0; lines[k]; k++)
        if (strstr (lines[k], port) && strstr (lines[k], ":0000 0A "))
          {
            listeners++;
            g_assert_nonnull (strstr (lines[k], G_BYTE_ORDER == G_LITTLE_ENDIAN ? ": 0100007F:"
                                                                                : ": 7F000001:"));
          }
    }
  g_assert_cmpuint (listeners, ==, 1);
}

static void
test_next_port (gconstpointer data)
{
  const UiFixture *fixture = data;
  g_autoptr (GSubprocess) second = ui_spawn (fixture->socket_path, fixture->port);
  g_autofree char *address = ui_read_address (second);
  guint64 port = g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);

  g_assert_cmpuint (port, >, g_ascii_strtoull (fixture->port, NULL, 10));
  g_assert_cmpuint (port, <=,
                    g_ascii_strtoull (fixture->port, NULL, 10) + OC_UI_PORTS_TRIED);
  g_assert_null (strstr (address, fixture->token));
  ui_stop_by (second, SIGTERM);
}

/* Where the browser was goes on to the daemon, which resumes there. */
static void
test_resume (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *answer
      = ui_exchange (fixture, GET ("/api/v1/events") HOST TOKEN "Last-Event-ID: 0a-7-9\r\n" END);

  ui_check_answer (answer, 200, NULL);
  g_mutex_lock (&fixture->lock);
  g_assert_nonnull (strstr (fixture->daemon_heads->str, "\r\nLast-Event-ID: 0a-7-9\r\n"));
  g_mutex_unlock (&fixture->lock);
}

/* --- What stays of many requests ------------------------------------------------------- */

#define MANY 10000
#define MANY_ON_ONE 500 /* on one connection; less than OC_UI_REQUESTS_MAX */

static guint
count_entries (UiFixture *fixture, const char *what)
{
  g_autofree char *path
      = g_strdup_printf ("/proc/%s/%s", g_subprocess_get_identifier (fixture->program), what);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir))
    n++;
  return n;
}

#define IDLE_TIMEOUT_S 60 /* GLib ends a pool's idle thread after 15 s */

/* Waits for connections and idle threads to end. */
static gboolean
wait_entries (UiFixture *fixture, const char *what, guint max)
{
  gint64 deadline_us = g_get_monotonic_time () + IDLE_TIMEOUT_S * G_USEC_PER_SEC;

  while (count_entries (fixture, what) > max)
    {
      if (g_get_monotonic_time () > deadline_us)
        return FALSE;
      g_usleep (10000);
    }
  return TRUE;
}

/* Sends so many requests, the last one of which ends the connection. */
static void
ask_many (UiFixture *fixture, const char *one, const char *last, guint n)
{
  g_autoptr (GSocketConnection) connection = ui_dial (fixture);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *answers = NULL;

  for (guint i = 1; i < n; i++)
    g_string_append (text, one);
  g_string_append (text, last);
  ui_send_bytes (connection, text->str, text->len);
  answers = ui_receive (connection);
  ui_check_answer (answers, 200, NULL);
}

/* 10,000 requests, static and to the daemon, on new connections and on kept ones: no
 * descriptor and no thread stays. */
static void
test_leaks (gconstpointer data)
{
  UiFixture *fixture = (UiFixture *) data;
  g_autofree char *file = ui_expand (fixture, "GET /icon.svg HTTP/1.1\r\n" HOST END);
  g_autofree char *file_end = ui_expand (fixture, GET ("/icon.svg") HOST END);
  g_autofree char *api = ui_expand (fixture, "GET /api/v1/status HTTP/1.1\r\n" HOST TOKEN END);
  g_autofree char *api_end = ui_expand (fixture, GET ("/api/v1/status") HOST TOKEN END);
  guint fds, threads;

  ask_many (fixture, file, api_end, 2);
  fds = count_entries (fixture, "fd");
  threads = count_entries (fixture, "task");
  for (guint sent = 0; sent < MANY; sent += 2 * MANY_ON_ONE)
    {
      ask_many (fixture, file, api_end, MANY_ON_ONE);
      for (guint i = 0; i < MANY_ON_ONE / 4; i++)
        ask_many (fixture, api, i % 2 ? api_end : file_end, 4);
    }
  g_assert_true (wait_entries (fixture, "fd", fds));
  g_assert_true (wait_entries (fixture, "task", threads + 2));
}

/* --- Without a daemon, and the command line ------------------------------------------- */

static void
test_no_daemon (void)
{
  UiFixture fixture = { 0 };
  g_autofree char *answer = NULL;

  ui_set_up (&fixture);
  ui_stop_daemon (&fixture);
  answer = ui_exchange (&fixture, GET ("/api/v1/status") HOST TOKEN END);
  ui_check_answer (answer, 502, "cannot connect to outcalld at ");
  ui_tear_down (&fixture);
}

/* The daemon goes and comes back; nothing here is started again. */
static void
test_daemon_restart (void)
{
  UiFixture fixture = { 0 };
  g_autofree char *before = NULL;
  g_autofree char *without = NULL;
  g_autofree char *after = NULL;

  ui_set_up (&fixture);
  before = ui_exchange (&fixture, GET ("/api/v1/status") HOST TOKEN END);
  ui_check_answer (before, 200, NULL);
  ui_stop_daemon (&fixture);
  without = ui_exchange (&fixture, GET ("/api/v1/events") HOST TOKEN END);
  ui_check_answer (without, 502, "cannot connect to outcalld at ");
  ui_start_daemon (&fixture);
  after = ui_exchange (&fixture, GET ("/api/v1/events") HOST TOKEN END);
  ui_check_answer (after, 200, "data: 2");
  ui_tear_down (&fixture);
}

/* A signal ends it at once, though somebody follows events. */
static void
test_ends (gconstpointer data)
{
  int signal_number = GPOINTER_TO_INT (data);
  UiFixture fixture = { 0 };
  g_autofree char *request = NULL;
  g_autoptr (GSocketConnection) open = NULL;

  ui_set_up (&fixture);
  request = ui_expand (&fixture, GET ("/api/v1/events?open") HOST TOKEN END);
  open = ui_dial (&fixture);
  ui_send_bytes (open, request, strlen (request));
  g_assert_true (is_readable (open, UI_ANSWER_TIMEOUT_S * 1000));
  ui_stop_by (fixture.program, signal_number);
  g_assert_true (wait_streams (&fixture, 0));
  ui_clear_fixture (&fixture);
}

static void
check_run (const char *option, const char *value, int status, const char *out_has)
{
  g_autofree char *path = ui_program_path ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  g_autoptr (GSubprocess) program
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error,
                          path, option, value, NULL);

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (program, NULL, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (program), ==, status);
  g_assert_nonnull (strstr (out, out_has));
}

/* The highest port has none above it that could be tried. */
static void
test_no_port (void)
{
  g_autofree char *value = g_strdup_printf ("%u", G_MAXUINT16);
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  /* It may be taken already; that is as good. */
  (void) g_socket_listener_add_inet_port (listener, G_MAXUINT16, NULL, NULL);
  check_run ("--port", value, 1, "no free port at or above 65535");
}

static void
test_options (void)
{
  check_run ("--version", NULL, 0, "outcall-ui " PACKAGE_VERSION "\n");
  check_run ("--help", NULL, 0, "--no-open");
  check_run ("--no-such", NULL, 2, "outcall-ui: ");
  check_run ("--port", "70000", 2, "port must be 0 to 65535");
  check_run ("--port", "-1", 2, "port must be 0 to 65535");
  check_run ("--port", "x", 2, "outcall-ui: ");
  check_run ("argument", NULL, 2, "unexpected argument");
}

/* GSocketService accepts from a main loop, so it has one in a thread. */
static gpointer
run_loop (gpointer data)
{
  g_main_loop_run (data);
  return NULL;
}

static void
add_cases (UiFixture *fixture)
{
  static Case all[G_N_ELEMENTS (cases)];

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/ui/case/%s", cases[i].name);

      all[i] = (Case) { fixture, i };
      g_test_add_data_func (path, &all[i], test_case);
    }
}

int
main (int argc, char **argv)
{
  UiFixture fixture = { 0 };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GThread *thread;
  int status;

  g_test_init (&argc, &argv, NULL);
  thread = g_thread_new ("loop", run_loop, loop);
  ui_set_up (&fixture);
  add_cases (&fixture);
  g_test_add_data_func ("/ui/token/stays", &fixture, test_token_stays);
  g_test_add_data_func ("/ui/token/shape", &fixture, test_token_shape);
  g_test_add_data_func ("/ui/limit/sizes", &fixture, test_sizes);
  g_test_add_data_func ("/ui/limit/body-sizes", &fixture, test_body_sizes);
  g_test_add_data_func ("/ui/post-pipeline", &fixture, test_post_pipeline);
  g_test_add_data_func ("/ui/limit/slow", &fixture, test_slow);
  g_test_add_data_func ("/ui/limit/connections", &fixture, test_connections);
  g_test_add_data_func ("/ui/limit/streams", &fixture, test_streams);
  g_test_add_data_func ("/ui/nul", &fixture, test_nul);
  g_test_add_data_func ("/ui/pipeline", &fixture, test_pipeline);
  g_test_add_data_func ("/ui/loopback-only", &fixture, test_loopback_only);
  g_test_add_data_func ("/ui/next-port", &fixture, test_next_port);
  g_test_add_data_func ("/ui/resume", &fixture, test_resume);
  g_test_add_data_func ("/ui/leaks", &fixture, test_leaks);
  g_test_add_func ("/ui/no-daemon", test_no_daemon);
  g_test_add_func ("/ui/daemon-restart", test_daemon_restart);
  g_test_add_data_func ("/ui/ends/term", GINT_TO_POINTER (SIGTERM), test_ends);
  g_test_add_data_func ("/ui/ends/int", GINT_TO_POINTER (SIGINT), test_ends);
  g_test_add_data_func ("/ui/ends/hangup", GINT_TO_POINTER (SIGHUP), test_ends);
  g_test_add_func ("/ui/no-port", test_no_port);
  g_test_add_func ("/ui/options", test_options);
  status = g_test_run ();
  ui_tear_down (&fixture);
  g_main_loop_quit (loop);
  g_thread_join (thread);
  return status;
}
