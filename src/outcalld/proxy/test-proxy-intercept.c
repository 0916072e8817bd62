/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What passes inside connections that the proxy opens: requests, bodies, secrets.
 */
#include "config.h"

#include "proxy/test-opened.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <sys/socket.h>

/* --- Requests -------------------------------------------------------------------------------- */

static const struct
{
  const char *name, *host, *request;
  const char *begins;   /* of the answer */
  const char *has;      /* (nullable): somewhere in the answer */
  const char *seen;     /* (nullable): somewhere in what the server got */
  const char *not_seen; /* (nullable) */
  const char *log;      /* (nullable): the newest record */
} cases[] = {
  { "get", "up.test", "GET /hello HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 200 ", "\r\n\r\nhello",
    "GET /hello HTTP/1.1\r\nHost: up.test\r\n", NULL, "allow http up.test:443 GET /hello opened" },
  { "port", "up.test", "GET /hello HTTP/1.1\r\nHost: up.test:443\r\n" C "\r\n", "HTTP/1.1 200 ", NULL,
    "Host: up.test\r\n", NULL, NULL },
  { "other-port", "up.test", "GET /hello HTTP/1.1\r\nHost: up.test:80\r\n" C "\r\n", "HTTP/1.1 400 ",
    NULL, NULL, "hello", NULL },
  { "address", SERVER, "GET /hello HTTP/1.1\r\nHost: " SERVER "\r\n" C "\r\n", "HTTP/1.1 200 ",
    "\r\n\r\nhello", NULL, NULL, NULL },
  { "post", "up.test", "POST /echo HTTP/1.1\r\n" UP C "Content-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 ", "\r\n\r\nhello", NULL, NULL, NULL },
  { "chunked", "up.test", "GET /chunked HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 200 ", "defg", NULL, NULL,
    NULL },
  { "until-close", "up.test", "GET /until-close HTTP/1.1\r\n" UP "\r\n", "HTTP/1.1 200 ",
    "\r\n\r\nuntil close", NULL, NULL, NULL },
  { "cut-off", "up.test", "GET /nothing HTTP/1.1\r\n" UP "\r\n", "HTTP/1.1 502 ", NULL, NULL, NULL, NULL },
  { "garbage", "up.test", "GET /garbage HTTP/1.1\r\n" UP "\r\n", "HTTP/1.1 502 ", "not sound HTTP", NULL,
    NULL, NULL },
  { "health", "up.test", "GET /outcall-health HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 404 ", NULL,
    "GET /outcall-health ", NULL, NULL },
  /* Another host is another connection. */
  { "fronted", "up.test", "GET /hello HTTP/1.1\r\nHost: evil.test\r\n" C "\r\n", "HTTP/1.1 400 ", NULL,
    NULL, "hello", NULL },
  { "absolute", "up.test", "GET http://up.test/hello HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 400 ", NULL,
    NULL, "hello", NULL },
  { "connect", "up.test", "CONNECT up.test:443 HTTP/1.1\r\nHost: up.test:443\r\n\r\n", "HTTP/1.1 400 ",
    NULL, NULL, NULL, NULL },
  { "smuggled", "up.test",
    "POST /echo HTTP/1.1\r\n" UP "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 400 ", NULL, NULL, "echo", NULL },
  /* What is said inside is judged. */
  { "path", "api.test", "GET /open/x HTTP/1.1\r\nHost: api.test\r\n" C "\r\n", "HTTP/1.1 200 ", "open",
    NULL, NULL, "allow http api.test:443 GET /open/x reads" },
  { "path-blocked", "api.test", "GET /shut?token=abc HTTP/1.1\r\nHost: api.test\r\n" C "\r\n",
    "HTTP/1.1 403 ", "X-Outcall-Block-Reason: no rule allows api.test:443\r\n", NULL, "shut",
    "block http api.test:443 GET /shut default" },
  { "method-blocked", "api.test", "DELETE /open/x HTTP/1.1\r\nHost: api.test\r\n" C "\r\n",
    "HTTP/1.1 403 ", NULL, NULL, "DELETE", NULL },
  { "dot-path", "api.test", "GET /open/../shut HTTP/1.1\r\nHost: api.test\r\n" C "\r\n",
    "HTTP/1.1 400 ", NULL, NULL, "shut", NULL },
  { "max-bytes", "small.test",
    "POST /echo HTTP/1.1\r\nHost: small.test\r\n" C "Transfer-Encoding: chunked\r\n\r\n"
    "3E8\r\n", "HTTP/1.1 413 ", "max_bytes", NULL, NULL, NULL },
  { "private", "rebind.test", "GET / HTTP/1.1\r\nHost: rebind.test\r\n" C "\r\n", "HTTP/1.1 403 ",
    "192.168.7.7, an address (private)", NULL, NULL, NULL },
  /* Secrets */
  { "secret-replaces", "ech.test",
    "GET /hello HTTP/1.1\r\nHost: ech.test\r\nAUTHORIZATION: Bearer outcall-secret-token\r\nX-A: mine\r\n" C
    "\r\n", "HTTP/1.1 200 ", NULL, "\r\nauthorization: Bearer s3cret-value-1234\r\nx-a: b\r\n",
    "outcall-secret", "allow http ech.test:443 GET /hello secret" },
  { "secret-replaces-once", "ech.test",
    "GET /hello HTTP/1.1\r\nHost: ech.test\r\nX-A: mine\r\n" C "\r\n", "HTTP/1.1 200 ", NULL,
    "s3cret-value-1234", "mine", NULL },
  { "secret-redacted", "ech.test", "GET /reveal HTTP/1.1\r\nHost: ech.test\r\n" C "\r\n",
    "HTTP/1.1 200 ", "\r\nX-Echo: got *****************, *****************\r\n", NULL, NULL, NULL },
  { "secret-elsewhere", "up.test",
    "GET /hello HTTP/1.1\r\n" UP "X-Key: a outcall-secret-token b\r\n" C "\r\n", "HTTP/1.1 403 ",
    "placeholder of the secret token, which rule opened does not put in", NULL, "hello",
    "block http up.test:443 GET /hello opened" },
  { "secret-in-query", "up.test", "GET /hello?k=outcall-secret-token HTTP/1.1\r\n" UP C "\r\n",
    "HTTP/1.1 403 ", "placeholder", NULL, "hello", NULL },
  { "secret-behind-another", "ech.test",
    "GET /hello HTTP/1.1\r\nHost: ech.test\r\nX-Key: outcall-secret-token outcall-secret-other\r\n" C "\r\n",
    "HTTP/1.1 403 ", "placeholder of the secret other, which rule secret does not put in", NULL, "hello",
    NULL },
  { "secret-gone", "nowhere.test", "GET / HTTP/1.1\r\nHost: nowhere.test\r\n" C "\r\n",
    "HTTP/1.1 403 ", "the secret lost of rule gone is not there", NULL, NULL, NULL },
  /* Bodies */
  { "body", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 7\r\n\r\na good1", "HTTP/1.1 200 ",
    "\r\n\r\na good1", "Content-Length: 7\r\n", NULL, "allow http keyed.test:443 POST /echo body" },
  { "body-chunked", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Transfer-Encoding: chunked\r\n\r\n"
    "4\r\na go\r\n3\r\nod1\r\n0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\na good1", "Content-Length: 7\r\n",
    "chunked", NULL },
  { "body-blocked", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 7\r\n\r\na bad11", "HTTP/1.1 403 ",
    NULL, NULL, "bad", "block http keyed.test:443 POST /echo default" },
  { "body-none", "keyed.test", "GET /hello HTTP/1.1\r\nHost: keyed.test\r\n" C "\r\n", "HTTP/1.1 403 ",
    NULL, NULL, "hello", NULL },
  { "body-continued", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    "good", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ", "\r\n\r\ngood", NULL, "Expect", NULL },
  { "body-no-text", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 6\r\n\r\ngood\xff\xfe",
    "HTTP/1.1 502 ", "X-Outcall-Failure-Reason: body_decode_failed\r\n", NULL, "good", NULL },
  { "body-too-long", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 2000000\r\n\r\n", "HTTP/1.1 413 ",
    "too long", NULL, "echo", NULL },
  { "body-malformed", "keyed.test",
    "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Transfer-Encoding: chunked\r\n\r\n4\r\ngood\rX",
    "HTTP/1.1 400 ", NULL, NULL, "good", NULL },
};

static void
send_more (int fd, const char *name)
{
  if (g_str_equal (name, "max-bytes"))
    {
      g_autofree char *data = g_strnfill (1000, 'x');

      px_send (fd, data, 1000);
    }
}

static void
check_case (gsize i, gboolean byte_by_byte)
{
  oc_autofd int fd = -1;
  g_autofree char *reply = NULL;
  g_autofree char *seen = NULL;
  gsize len = strlen (cases[i].request);

  g_test_message ("%s", cases[i].name);
  px_server_forget (px_opened.web);
  fd = px_opened_open (cases[i].host);
  for (gsize at = 0; at < len; at += byte_by_byte ? 1 : len)
    px_send (fd, cases[i].request + at, byte_by_byte ? 1 : len);
  send_more (fd, cases[i].name);
  reply = px_read_all (fd, NULL);
  seen = px_server_get_received (px_opened.web);
  if (!g_str_has_prefix (reply, cases[i].begins)
      || (cases[i].has != NULL && strstr (reply, cases[i].has) == NULL))
    g_test_message ("wanted %s %s, got: %s", cases[i].begins, cases[i].has, reply);
  g_assert_true (g_str_has_prefix (reply, cases[i].begins));
  g_assert_true (cases[i].has == NULL || strstr (reply, cases[i].has) != NULL);
  g_assert_true (cases[i].seen == NULL || strstr (seen, cases[i].seen) != NULL);
  g_assert_true (cases[i].not_seen == NULL || strstr (seen, cases[i].not_seen) == NULL);
  if (cases[i].log != NULL)
    {
      g_autofree char *last = px_last_log (px_opened.px);

      g_assert_cmpstr (last, ==, cases[i].log);
    }
}

static void
test_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check_case (i, FALSE);
}

static void
test_cases_cut (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check_case (i, TRUE);
}

/* Where nothing is encrypted, nothing is put in and no placeholder passes. */
static void
test_secret_in_plain (void)
{
  g_autofree char *placeholder = px_ask (
      AGENT, "GET http://up.test/hello HTTP/1.1\r\n" UP "X-Key: outcall-secret-token\r\n" C "\r\n");
  PxServer *server = px_serve (SERVER, 80, px_serve_http);
  g_autofree char *plain
      = px_ask (AGENT, "GET http://ech.test/hello HTTP/1.1\r\nHost: ech.test\r\n" C "\r\n");
  g_autofree char *own = px_ask (AGENT, "GET http://ech.test/hello HTTP/1.1\r\nHost: ech.test\r\n"
                                        "X-Key: outcall-secret-token\r\n" C "\r\n");
  g_autofree char *seen = px_server_get_received (server);

  g_assert_true (g_str_has_prefix (placeholder, "HTTP/1.1 403 "));
  g_assert_true (g_str_has_prefix (plain, "HTTP/1.1 200 "));
  g_assert_true (g_str_has_prefix (own, "HTTP/1.1 403 "));
  g_assert_nonnull (strstr (own, "where nothing is encrypted"));
  g_assert_null (strstr (seen, "s3cret"));
  g_assert_null (strstr (seen, "outcall-secret"));
  px_set_rules (px_opened.px, px_opened_rules); /* closes what rests */
  px_server_stop (server);
}

/* The answer comes when the value that the server has got is no secret any more. */
static void
test_secret_replaced (void)
{
  oc_autofd int fd = px_opened_open ("ech.test");
  g_autofree char *reply = NULL;
  g_autofree char *seen = NULL;
  g_autofree char *next = NULL;

  px_server_forget (px_opened.web);
  px_send_text (fd, "GET /held HTTP/1.1\r\nHost: ech.test\r\n" C "\r\n");
  do
    {
      g_free (seen);
      seen = px_server_get_received (px_opened.web);
    }
  while (strstr (seen, PX_OPENED_SECRET) == NULL);
  px_opened_set_secret ("another-value-5678");
  g_atomic_int_set (&px_opened.web->released, 1);
  reply = px_read_all (fd, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  g_assert_nonnull (strstr (reply, "\r\nX-Echo: got *****************, *****************\r\n"));
  px_server_forget (px_opened.web);
  next = px_opened_ask ("ech.test", "GET /hello HTTP/1.1\r\nHost: ech.test\r\n" C "\r\n");
  g_free (seen);
  seen = px_server_get_received (px_opened.web);
  g_assert_nonnull (strstr (seen, "authorization: Bearer another-value-5678\r\n"));
  px_opened_set_secret (PX_OPENED_SECRET);
}

#define POST_MIXED                                                                                 \
  "POST http://mixed.test/echo HTTP/1.1\r\nHost: mixed.test\r\n" C

/* What a rule wants to see it sees without TLS as well. */
static void
test_body_in_plain (void)
{
  PxServer *server = px_serve (SERVER, 80, px_serve_http);
  g_autofree char *fine = px_ask (AGENT, POST_MIXED "Transfer-Encoding: chunked\r\n\r\n"
                                                    "4\r\nallo\r\n3\r\nwed\r\n0\r\n\r\n");
  g_autofree char *bad = px_ask (AGENT, POST_MIXED "Content-Length: 9\r\n\r\nforbidden");
  g_autofree char *cut = px_ask (AGENT, POST_MIXED "Transfer-Encoding: chunked\r\n\r\n"
                                                   "3\r\nfor\r\n6\r\nbidden\r\n0\r\n\r\n");
  g_autofree char *seen = px_server_get_received (server);

  g_assert_true (g_str_has_prefix (fine, "HTTP/1.1 200 "));
  g_assert_true (g_str_has_suffix (fine, "\r\n\r\nallowed"));
  g_assert_true (g_str_has_prefix (bad, "HTTP/1.1 403 "));
  g_assert_nonnull (strstr (bad, "X-Outcall-Rule: no-bad-body\r\n"));
  g_assert_true (g_str_has_prefix (cut, "HTTP/1.1 403 "));
  g_assert_nonnull (strstr (seen, "allowed"));
  g_assert_null (strstr (seen, "bidden"));
  px_set_rules (px_opened.px, px_opened_rules); /* closes what rests */
  px_server_stop (server);
}

/* Bodies that never end take memory: half of what there is at most, and others go on. */
static void
test_greedy_bodies (void)
{
  g_autofree char *data = g_strnfill (1024 * 1024 - 1, 'x');
  int fds[40];
  guint n_refused = 0;
  g_autofree char *other = NULL;
  PxServer *server = px_serve (SERVER, 80, px_serve_http);

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = px_connect (AGENT, GATEWAY, 8080);
      px_send_text (fds[i], POST_MIXED "Content-Length: 1048576\r\n\r\n");
      px_send (fds[i], data, strlen (data));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    n_refused += px_wait_closed (fds[i], 100);
  g_assert_cmpuint (n_refused, >=, 40 - 32);
  g_assert_cmpuint (n_refused, <, 40);
  other = px_ask (OTHER, POST_MIXED "Content-Length: 5\r\n\r\nhello");
  g_assert_true (g_str_has_prefix (other, "HTTP/1.1 200 "));
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    oc_fd_clear (&fds[i]);
  g_free (other);
  g_assert_true (oc_test_wait_ms (px_is_quiet, px_opened.px, PX_QUIET_MS));
  other = px_ask (AGENT, POST_MIXED "Content-Length: 5\r\n\r\nhello");
  g_assert_true (g_str_has_prefix (other, "HTTP/1.1 200 "));
  px_set_rules (px_opened.px, px_opened_rules); /* closes what rests */
  px_server_stop (server);
}

static void
test_body_limit (void)
{
  oc_autofd int fd = px_opened_open ("keyed.test");
  g_autofree char *data = g_strnfill (1024 * 1024 - 4, 'x');
  g_autofree char *reply = NULL;

  px_send_text (fd, "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 1048576\r\n\r\n");
  px_send (fd, data, strlen (data));
  px_send_text (fd, "good");
  reply = px_read_all (fd, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  g_assert_true (g_str_has_suffix (reply, "xxgood"));
  g_assert_cmpuint (strlen (strstr (reply, "\r\n\r\n")), ==, 1048576 + 4);
}

static void
test_keep_alive (void)
{
  oc_autofd int fd = px_opened_open ("up.test");

  px_server_forget (px_opened.web);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *reply = NULL;

      px_send_text (fd, "GET /hello HTTP/1.1\r\n" UP "\r\n");
      reply = px_read_until (fd, "\r\n\r\nhello");
      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
    }
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *reply = NULL;

      px_send_text (fd, "POST /echo HTTP/1.1\r\n" UP "Content-Length: 4\r\n\r\nbody");
      reply = px_read_until (fd, "\r\n\r\nbody");
      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
    }
  g_assert_cmpuint (px_server_get_connections (px_opened.web), ==, 1);
}

/* No connection to the server is open on the server's side. */
static gboolean
has_hung_up (gpointer user_data)
{
  return oc_test_try (NULL, "test -z \"$(ss -Htn state established src " SERVER ":443)\"") == 0;
}

/* The server ended the connection after its answer: the next request gets another one. One
 * that is sent while the end is on its way would be lost, as it would be without a proxy. */
static void
test_server_ends (void)
{
  oc_autofd int fd = px_opened_open ("up.test");

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *first = NULL;
      g_autofree char *second = NULL;

      px_send_text (fd, "GET /last HTTP/1.1\r\n" UP "\r\n");
      first = px_read_until (fd, "\r\n\r\nlast");
      g_assert_true (oc_test_wait (has_hung_up, NULL));
      px_send_text (fd, "POST /echo HTTP/1.1\r\n" UP "Content-Length: 4\r\n\r\nbody");
      second = px_read_until (fd, "\r\n\r\nbody");
      g_assert_true (g_str_has_prefix (second, "HTTP/1.1 200 "));
    }
}

static void
test_big (void)
{
  oc_autofd int fd = px_opened_open ("up.test");
  g_autofree char *reply = NULL;
  gsize len;

  px_send_text (fd, "GET /big HTTP/1.1\r\n" UP C "\r\n");
  reply = px_read_all (fd, &len);
  g_assert_cmpuint (len, >, 5000000);
  g_assert_true (g_str_has_suffix (reply, "bbbb"));
}

static void
test_websocket (void)
{
  oc_autofd int fd = px_opened_open ("up.test");
  g_autofree char *head = NULL;

  px_send_text (fd, "GET /socket HTTP/1.1\r\n" UP "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  head = px_read_until (fd, "\r\n\r\nfirst");
  g_assert_true (g_str_has_prefix (head, "HTTP/1.1 101 "));
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *reply = NULL;

      px_send_text (fd, "ping");
      reply = px_read_until (fd, "pong");
      g_assert_cmpstr (reply, ==, "pong");
    }
  (void) shutdown (fd, SHUT_WR);
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
}

int
main (int argc, char **argv)
{
  px_opened_init (&argc, &argv);
  g_test_add_func ("/proxy/intercept/cases", test_cases);
  g_test_add_func ("/proxy/intercept/cases-cut", test_cases_cut);
  g_test_add_func ("/proxy/intercept/secret-in-plain", test_secret_in_plain);
  g_test_add_func ("/proxy/intercept/secret-replaced", test_secret_replaced);
  g_test_add_func ("/proxy/intercept/body-in-plain", test_body_in_plain);
  g_test_add_func ("/proxy/intercept/greedy-bodies", test_greedy_bodies);
  g_test_add_func ("/proxy/intercept/body-limit", test_body_limit);
  g_test_add_func ("/proxy/intercept/keep-alive", test_keep_alive);
  g_test_add_func ("/proxy/intercept/server-ends", test_server_ends);
  g_test_add_func ("/proxy/intercept/big", test_big);
  g_test_add_func ("/proxy/intercept/websocket", test_websocket);
  return px_opened_run ();
}
