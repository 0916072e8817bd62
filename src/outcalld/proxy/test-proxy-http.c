/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Plain HTTP through the explicit port, against a scripted server.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

static Px *px;
static PxServer *web;

#define C "Connection: close\r\n"

/* What a request brings, and what of it the server saw. */
typedef struct
{
  const char *name, *request;
  const char *begins;   /* of the answer */
  const char *has;      /* (nullable): somewhere in the answer */
  const char *has_not;  /* (nullable) */
  const char *seen;     /* (nullable): somewhere in what the server got */
  const char *not_seen; /* (nullable) */
} Case;

#define UP "Host: up.test\r\n"
#define GET(path) "GET http://up.test" path " HTTP/1.1\r\n" UP

static const Case cases[] = {
  { "get", GET ("/hello") C "\r\n", "HTTP/1.1 200 ", "\r\n\r\nhello", NULL,
    "GET /hello HTTP/1.1\r\nHost: up.test\r\n", "http://" },
  { "query", GET ("/hello?x=1") C "\r\n", "HTTP/1.1 404 ", NULL, NULL, "GET /hello?x=1 ", NULL },
  { "no-path", "GET http://up.test HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 404 ", NULL, NULL, "GET / ", NULL },
  { "host-case", "GET http://UP.test./hello HTTP/1.1\r\nHost: up.TEST\r\n" C "\r\n", "HTTP/1.1 200 ",
    NULL, NULL, "Host: up.test\r\n", NULL },
  { "address", "GET http://5.5.5.5/hello HTTP/1.1\r\nHost: 5.5.5.5\r\n" C "\r\n", "HTTP/1.1 200 ", NULL,
    NULL, "Host: 5.5.5.5\r\n", NULL },
  { "http10", "GET http://up.test/hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nhello", NULL,
    "GET /hello HTTP/1.1\r\nHost: up.test\r\n", NULL },
  { "http10-chunked", "GET http://up.test/chunked HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nabcdefg",
    "chunked", NULL, NULL },
  { "head", "HEAD http://up.test/hello HTTP/1.1\r\n" UP C "\r\n", "HTTP/1.1 200 ", "Content-Length: 5\r\n",
    "hello", "HEAD /hello ", NULL },
  { "chunked", GET ("/chunked") C "\r\n", "HTTP/1.1 200 ", "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", "T: u",
    NULL, NULL },
  { "until-close", GET ("/until-close") "\r\n", "HTTP/1.1 200 ", "\r\n\r\nuntil close", NULL, NULL, NULL },
  { "early-hints", GET ("/early-hints") C "\r\n", "HTTP/1.1 103 ", "HTTP/1.1 200 ", NULL, NULL, NULL },
  { "early-hints-1.0", "GET http://up.test/early-hints HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", NULL, "103",
    NULL, NULL },
  { "no-content", GET ("/no-content") C "\r\n", "HTTP/1.1 204 ", NULL, "Content-Length", NULL, NULL },
  { "not-modified", GET ("/not-modified") C "\r\n", "HTTP/1.1 304 ", "Content-Length: 99\r\n", NULL, NULL,
    NULL },
  { "hop-down", GET ("/hop") C "\r\n", "HTTP/1.1 200 ", "X-End: 1\r\n", "X-Hop", NULL, NULL },
  { "hop-down-length", GET ("/hop") C "\r\n", "HTTP/1.1 200 ", "Content-Length: 3\r\n", "Proxy-Auth", NULL,
    NULL },
  { "hop-down-upgrade", GET ("/hop") C "\r\n", "HTTP/1.1 200 ", "hop", "h2c", NULL, NULL },
  { "hop-up",
    GET ("/hello") "Connection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-End: 1\r\n\r\n",
    "HTTP/1.1 200 ", NULL, NULL, "X-End: 1\r\n", "X-Hop" },
  { "proxy-authorization", GET ("/hello") C "Proxy-Authorization: Basic c2VjcmV0\r\n\r\n",
    "HTTP/1.1 200 ", NULL, NULL, NULL, "c2VjcmV0" },
  { "h2c", GET ("/hello") "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
    "HTTP/1.1 200 ", NULL, NULL, NULL, "h2c" },
  { "connection-host", GET ("/hello") "Connection: close, host\r\n\r\n", "HTTP/1.1 200 ", NULL, NULL,
    "Host: up.test\r\n", NULL },
  { "post", "POST http://up.test/echo HTTP/1.1\r\n" UP C "Content-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 ", "\r\n\r\nhello", NULL, "Content-Length: 5\r\n", NULL },
  { "post-chunked",
    "POST http://up.test/echo HTTP/1.1\r\n" UP C
    "Transfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
    "HTTP/1.1 200 ", "\r\n0\r\n\r\n", NULL, "Transfer-Encoding: chunked\r\n", "ext=1" },
  { "expect", "POST http://up.test/echo HTTP/1.1\r\n" UP C "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    "HTTP/1.1 100 ", "\r\n\r\nhi", NULL, "Expect: 100-continue\r\n", NULL },
  { "health", "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "{\"status\":\"ok\"}", NULL,
    NULL, "health" },
  /* what servers do wrong */
  { "garbage", GET ("/garbage") "\r\n", "HTTP/1.1 502 ", "not sound HTTP", "SPDY", NULL, NULL },
  { "two-lengths", GET ("/two-lengths") "\r\n", "HTTP/1.1 502 ", NULL, "abcd", NULL, NULL },
  { "both", GET ("/both") "\r\n", "HTTP/1.1 502 ", NULL, NULL, NULL, NULL },
  { "fold", GET ("/fold") "\r\n", "HTTP/1.1 502 ", NULL, NULL, NULL, NULL },
  { "nothing", GET ("/nothing") "\r\n", "HTTP/1.1 502 ", "before it answered", NULL, NULL, NULL },
  { "half-head", GET ("/half-head") "\r\n", "HTTP/1.1 502 ", NULL, NULL, NULL, NULL },
  { "switch", GET ("/switch") "\r\n", "HTTP/1.1 502 ", "without being asked", "101", NULL, NULL },
  { "extra", GET ("/extra") C "\r\n", "HTTP/1.1 200 ", "\r\n\r\nok", "evil", NULL, NULL },
  /* where it cannot go */
  { "refused", "GET http://down.test/ HTTP/1.1\r\nHost: down.test\r\n\r\n", "HTTP/1.1 502 ",
    "connection refused: cannot reach down.test:80", NULL, NULL, "down" },
  { "no-name", "GET http://nowhere.test/ HTTP/1.1\r\nHost: nowhere.test\r\n\r\n", "HTTP/1.1 502 ",
    "the name has no address", NULL, NULL, NULL },
  { "fallback", "GET http://many.test/hello HTTP/1.1\r\nHost: many.test\r\n" C "\r\n", "HTTP/1.1 200 ", NULL,
    NULL, "Host: many.test\r\n", NULL },
  /* policy */
  { "blocked", "GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n" C "\r\n", "HTTP/1.1 403 ",
    "X-Outcall-Block-Reason: no rule allows other.test:80\r\n", NULL, NULL, "other" },
  { "blocked-rule", "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n" C "\r\n", "HTTP/1.1 403 ",
    "X-Outcall-Block-Reason: evil is not for you\r\nX-Outcall-Rule: no-evil\r\n", NULL, NULL, "evil" },
  { "path", "GET http://api.test/open/x HTTP/1.1\r\nHost: api.test\r\n" C "\r\n", "HTTP/1.1 200 ", NULL, NULL,
    "/open/x", NULL },
  { "path-blocked", "GET http://api.test/shut HTTP/1.1\r\nHost: api.test\r\n" C "\r\n", "HTTP/1.1 403 ", NULL,
    NULL, NULL, "shut" },
  { "method-blocked",
    "DELETE http://api.test/open/x HTTP/1.1\r\nHost: api.test\r\n" C "\r\n", "HTTP/1.1 403 ", NULL, NULL,
    NULL, "DELETE" },
  { "dot-path", "GET http://api.test/open/../shut HTTP/1.1\r\nHost: api.test\r\n" C "\r\n", "HTTP/1.1 400 ",
    NULL, NULL, NULL, "shut" },
  { "header", "GET http://keyed.test/hello HTTP/1.1\r\nHost: keyed.test\r\nX-KEY: good\r\n" C "\r\n",
    "HTTP/1.1 200 ", NULL, NULL, "X-KEY: good", NULL },
  { "header-upgrade",
    "GET http://keyed.test/socket HTTP/1.1\r\nHost: keyed.test\r\nX-Key: good\r\nConnection: upgrade, close\r\n"
    "Upgrade: WebSocket\r\n\r\n", "HTTP/1.1 403 ", "X-Outcall-Rule: no-socket", NULL, NULL, "socket" },
  { "upgrade-with-more",
    GET ("/socket") "Connection: upgrade\r\nUpgrade: websocket\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
    "HTTP/1.1 400 ", "bytes behind", NULL, NULL, "socket" },
  { "header-missing", "GET http://keyed.test/hello HTTP/1.1\r\nHost: keyed.test\r\n" C "\r\n",
    "HTTP/1.1 403 ", NULL, NULL, NULL, "keyed" },
  { "header-twice",
    "GET http://keyed.test/hello HTTP/1.1\r\nHost: keyed.test\r\nX-Key: good\r\nX-Key: bad\r\n" C "\r\n",
    "HTTP/1.1 403 ", NULL, NULL, NULL, "keyed" },
  { "header-hop",
    "GET http://keyed.test/hello HTTP/1.1\r\nHost: keyed.test\r\nX-Key: good\r\nConnection: close, x-key\r\n\r\n",
    "HTTP/1.1 403 ", NULL, NULL, NULL, "keyed" },
  { "foreign-port", "GET http://up.test:25/ HTTP/1.1\r\nHost: up.test:25\r\n" C "\r\n", "HTTP/1.1 403 ",
    "does not name port 25", NULL, NULL, NULL },
  /* addresses */
  { "private", "GET http://rebind.test/hello HTTP/1.1\r\nHost: rebind.test\r\n" C "\r\n", "HTTP/1.1 403 ",
    "192.168.7.7, an address (private)", NULL, NULL, "rebind" },
  { "private-allowed", "GET http://inside.test/ HTTP/1.1\r\nHost: inside.test\r\n" C "\r\n",
    "HTTP/1.1 502 ", "connection refused", NULL, NULL, NULL },
  { "own", "GET http://own.test/ HTTP/1.1\r\nHost: own.test\r\n" C "\r\n", "HTTP/1.1 403 ", "this host's own",
    NULL, NULL, NULL },
  { "mixed", "GET http://mixed.test/hello HTTP/1.1\r\nHost: mixed.test\r\n" C "\r\n", "HTTP/1.1 200 ", NULL,
    NULL, "mixed", NULL },
  { "max-bytes", "POST http://small.test/echo HTTP/1.1\r\nHost: small.test\r\n" C
    "Transfer-Encoding: chunked\r\n\r\n3E8\r\n", "HTTP/1.1 413 ", "max_bytes", "200", NULL, NULL },
};

static void
assert_has (const char *what, const char *text, const char *needle, gboolean wanted)
{
  if (needle == NULL)
    return;
  if ((strstr (text, needle) != NULL) != wanted)
    g_test_message ("%s %s '%s': %s", what, wanted ? "lacks" : "has", needle, text);
  g_assert_cmpint (strstr (text, needle) != NULL, ==, wanted);
}

/* What the chunks of @reply hold, whose sizes are up to how the bytes came; no digits in it. */
static void
assert_chunks (const char *reply, const char *wanted)
{
  const char *body = strstr (reply, "\r\n\r\n");
  g_autoptr (GString) held = g_string_new (NULL);

  g_assert_nonnull (body);
  for (; *body != '\0'; body++)
    if (g_ascii_isalpha (*body))
      g_string_append_c (held, *body);
  g_assert_cmpstr (held->str, ==, wanted);
}

static void
check_case (const Case *c, gboolean byte_by_byte)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  g_autofree char *seen = NULL;
  gsize len = strlen (c->request);

  g_test_message ("%s", c->name);
  px_server_forget (web);
  for (gsize i = 0; i < len; i += byte_by_byte ? 1 : len)
    px_send (fd, c->request + i, byte_by_byte ? 1 : len);
  if (g_str_equal (c->name, "max-bytes"))
    {
      g_autofree char *data = g_strnfill (1000, 'x');

      px_send (fd, data, 1000);
    }
  reply = px_read_all (fd, NULL);
  seen = px_server_get_received (web);
  if (!g_str_has_prefix (reply, c->begins))
    g_test_message ("wanted %s, got: %s", c->begins, reply);
  g_assert_true (g_str_has_prefix (reply, c->begins));
  assert_has ("answer", reply, c->has, TRUE);
  if (g_str_equal (c->name, "post-chunked"))
    assert_chunks (reply, "hello");
  assert_has ("answer", reply, c->has_not, FALSE);
  assert_has ("server", seen, c->seen, TRUE);
  assert_has ("server", seen, c->not_seen, FALSE);
}

static void
test_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check_case (&cases[i], FALSE);
}

static void
test_cases_cut (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    /* Bytes that come after the switch are the new protocol's: only at once is it certain
     * that they were sent before it. */
    if (!g_str_equal (cases[i].name, "upgrade-with-more"))
      check_case (&cases[i], TRUE);
}

/* --- Connections ------------------------------------------------------------------- */

static void
test_keep_alive (void)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);

  px_server_forget (web);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *reply = NULL;

      px_send (fd, GET ("/hello") "\r\n", strlen (GET ("/hello") "\r\n"));
      reply = px_read_until (fd, "\r\n\r\nhello");
      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
      g_assert_null (strstr (reply, "Connection: close"));
    }
  /* None when one rests from an earlier test; a second when the server gave that one up. */
  g_assert_cmpuint (px_server_get_connections (web), <=, 2);
}

static void
ask_hello (const char *from)
{
  g_autofree char *reply = px_ask (from, GET ("/hello") C "\r\n");

  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
}

/* A server's connection outlives the client's, for the same workload only, and
 * not a reload. There is one store for each of the two workers. */
static void
test_pool (void)
{
  guint before;

  px_set_rules (px, px_rules);
  px_server_forget (web);
  for (guint i = 0; i < 20; i++)
    ask_hello (AGENT);
  before = px_server_get_connections (web);
  g_assert_cmpuint (before, <=, 2);
  ask_hello (OTHER);
  g_assert_cmpuint (px_server_get_connections (web), ==, before + 1);
  px_set_rules (px, px_rules);
  px_server_forget (web);
  ask_hello (AGENT);
  g_assert_cmpuint (px_server_get_connections (web), ==, 1);
}

/* Each request has a verdict and a server of its own. */
static void
test_other_hosts (void)
{
  static const char *const steps[][3] = {
    { "up.test", "/hello", "HTTP/1.1 200 " },   { "other.test", "/hello", "HTTP/1.1 403 " },
    { "api.test", "/open/x", "HTTP/1.1 200 " }, { "api.test", "/shut", "HTTP/1.1 403 " },
    { "up.test", "/chunked", "HTTP/1.1 200 " }, { "evil.test", "/hello", "HTTP/1.1 403 " },
    { "up.test", "/hello", "HTTP/1.1 200 " },
  };
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autofree char *request = g_strdup_printf ("GET http://%s%s HTTP/1.1\r\nHost: %s\r\n\r\n",
                                                  steps[i][0], steps[i][1], steps[i][0]);
      g_autofree char *guidance = g_strdup_printf ("--host %s\n", steps[i][0]);
      g_autofree char *head = NULL;
      g_autofree char *rest = NULL;

      g_test_message ("%s%s", steps[i][0], steps[i][1]);
      px_send (fd, request, strlen (request));
      head = px_read_until (fd, "\r\n\r\n");
      g_assert_true (g_str_has_prefix (head, steps[i][2]));
      rest = px_read_until (fd, strstr (steps[i][2], "403") ? guidance
                                : g_str_equal (steps[i][1], "/hello") ? "hello"
                                : g_str_equal (steps[i][1], "/open/x") ? "open" : "0\r\n\r\n");
    }
}

/* What comes behind a request before its answer is a second one in nobody's
 * reading but ours: it is left out, and the client is told to come again. */
static void
test_pipelined (void)
{
  static const char *const firsts[] = {
    GET ("/hello") "\r\n",
    "POST http://up.test/echo HTTP/1.1\r\n" UP "Content-Length: 5\r\n\r\nhello",
    "POST http://up.test/echo HTTP/1.1\r\n" UP "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (firsts); i++)
    {
      g_autofree char *request = g_strconcat (firsts[i], GET ("/open/x") "\r\n", NULL);
      g_autofree char *reply = NULL;
      g_autofree char *seen = NULL;

      px_server_forget (web);
      reply = px_ask (AGENT, request);
      seen = px_server_get_received (web);
      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
      g_assert_nonnull (strstr (reply, "\r\nConnection: close\r\n"));
      g_assert_nonnull (strstr (reply, "hello"));
      g_assert_null (strstr (reply + 9, "HTTP/1.1"));
      g_assert_null (strstr (seen, "/open/x"));
    }
}

/* The blocked first one is answered, and nothing behind it is. */
static void
test_pipelined_blocked (void)
{
  g_autofree char *reply = px_ask (AGENT, "GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n"
                                   GET ("/hello") "\r\n");

  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 403 "));
  g_assert_null (strstr (reply + 9, "HTTP/1.1"));
}

static void
test_big (void)
{
  gsize len;
  g_autofree char *reply = NULL;
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);

  px_send (fd, GET ("/big") C "\r\n", strlen (GET ("/big") C "\r\n"));
  reply = px_read_all (fd, &len);
  g_assert_cmpuint (strlen (strstr (reply, "\r\n\r\n") + 4), ==, 5000000);
}

static void
test_big_upload (void)
{
  gsize size = 3000000;
  g_autofree char *body = g_strnfill (size, 'u');
  g_autofree char *request = g_strdup_printf (
      "POST http://up.test/echo HTTP/1.1\r\n" UP C "Content-Length: %zu\r\n\r\n%s", size, body);
  g_autofree char *reply = px_ask (AGENT, request);

  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  g_assert_cmpstr (strstr (reply, "\r\n\r\n") + 4, ==, body);
}

static void
test_upgrade (void)
{
  static const char request[] = GET ("/socket") "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                                "Sec-WebSocket-Key: x\r\n\r\n";
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  g_autofree char *pong = NULL;

  px_send (fd, request, strlen (request));
  reply = px_read_until (fd, "first");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 101 "));
  g_assert_nonnull (strstr (reply, "Upgrade: websocket\r\n"));
  px_send_text (fd, "ping");
  pong = px_read_until (fd, "pong");
}

static void
test_half_body (void)
{
  g_autofree char *reply = px_ask (AGENT, GET ("/half-body") "\r\n");

  g_assert_true (g_str_has_suffix (reply, "\r\n\r\nhalf"));
}

static void
test_denial_json (void)
{
  g_autofree char *reply
      = px_ask (AGENT, "GET http://other.test/a\"b?secret HTTP/1.1\r\nHost: other.test\r\n"
                       "Accept: application/json\r\n" C "\r\n");

  g_assert_nonnull (strstr (reply, "Content-Type: application/json\r\n"));
  g_assert_nonnull (strstr (reply, "X-Proxy-Error: blocked-by-policy\r\n"));
  g_assert_nonnull (strstr (reply, "X-Outcall-Rule: default\r\n"));
  g_assert_nonnull (strstr (reply, "\r\n\r\n{\"error\":\"blocked\",\"layer\":\"http\",\"host\":\"other.test\","
                                   "\"port\":80,\"method\":\"GET\",\"path\":\"/a\\\"b\",\"rule\":\"default\","
                                   "\"reason\":\"no rule allows other.test:80\",\"guidance\":\""));
  g_assert_nonnull (strstr (reply, "outcall-agent request --host other.test\"}\n"));
}

static void
test_denial_text (void)
{
  g_autofree char *reply
      = px_ask (AGENT, "GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n" C "\r\n");

  g_assert_nonnull (strstr (reply, "Content-Type: text/plain; charset=utf-8\r\n"));
  g_assert_nonnull (strstr (reply, "\r\n\r\nBlocked by Outcall: no rule allows other.test:80\n"));
  g_assert_nonnull (strstr (reply, "outcall-agent request --host other.test\n"));
}

static void
test_log (void)
{
  g_autofree char *ok G_GNUC_UNUSED = px_ask (AGENT, GET ("/hello?token=x") C "\r\n");
  g_autofree char *first = px_last_log (px);
  g_autofree char *no G_GNUC_UNUSED = px_ask (AGENT, "PUT http://other.test/y HTTP/1.1\r\nHost: other.test\r\n" C "\r\n");
  g_autofree char *second = px_last_log (px);

  g_assert_cmpstr (first, ==, "allow http up.test:80 GET /hello up");
  g_assert_cmpstr (second, ==, "block http other.test:80 PUT /y default");
}

/* The newest record is of something that goes on. */
static gboolean
has_begun (gpointer user_data)
{
  return !px_last_end (user_data).ended;
}

/* Each request of a connection has its own bytes; the last answer is longer. */
static void
test_log_end (void)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  PxEnd first, second, refused;

  px_send_text (fd, GET ("/hello") "\r\n");
  g_free (px_read_until (fd, "\r\n\r\nhello"));
  first = px_wait_end (px);
  px_send_text (fd, "POST http://up.test/echo HTTP/1.1\r\nHost: up.test\r\nContent-Length: 300\r\n\r\n");
  g_assert_true (oc_test_wait (has_begun, px));
  g_usleep (20000); /* it takes so long at least */
  reply = g_strnfill (300, 'x');
  px_send_text (fd, reply);
  g_free (px_read_until (fd, reply));
  second = px_wait_end (px);
  g_assert_cmpstr (first.address, ==, SERVER);
  g_assert_cmpstr (second.address, ==, SERVER);
  g_assert_cmpuint (first.bytes_up, >, 20);
  g_assert_cmpuint (first.bytes_up, <, 200);
  g_assert_cmpuint (first.bytes_down, >, 20);
  g_assert_cmpuint (second.bytes_up, >, 300);
  g_assert_cmpuint (second.bytes_up, <, 300 + 200);
  g_assert_cmpuint (second.bytes_down, >=, 300);
  g_assert_cmpint (second.duration_us, >=, 15000);
  g_free (px_ask (AGENT, "GET http://down.test/ HTTP/1.0\r\nHost: down.test\r\n\r\n"));
  refused = px_wait_end (px);
  g_assert_cmpstr (refused.address, ==, "");
  g_assert_cmpuint (refused.bytes_up, ==, 0);
}

static void
test_no_lease (void)
{
  g_autofree char *reply = NULL;

  px_server_forget (web);
  reply = px_ask (STRANGER, GET ("/hello") C "\r\n");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 403 "));
  g_assert_nonnull (strstr (reply, "no workload holds a lease"));
  g_assert_cmpuint (px_server_get_connections (web), ==, 0);
}

static void
test_curl (void)
{
  static const char *const commands[] = {
    "curl -sS -f -x " GATEWAY ":8080 --interface " AGENT " http://up.test/hello | grep -qx hello",
    "curl -sS -f -x " GATEWAY ":8080 --interface " AGENT " -0 http://up.test/hello | grep -qx hello",
    "curl -sS -f -x " GATEWAY ":8080 --interface " AGENT " -d @/etc/services -H 'Expect: 100-continue'"
    " http://up.test/echo -o /dev/null",
    "yes | head -c 2000000 | curl -sS -f -x " GATEWAY ":8080 --interface " AGENT
    " -H 'Transfer-Encoding: chunked' -T - http://up.test/hello -o /dev/null",
    "! curl -sS -f -x " GATEWAY ":8080 --interface " AGENT " http://other.test/",
    "curl -sS -f -x " GATEWAY ":8080 --interface " AGENT
    " http://up.test/hello http://up.test/chunked http://api.test/open/x | grep -qx helloabcdefgopen",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_test_message ("%s", commands[i]);
      oc_test_run ("%s", commands[i]);
    }
}

int
main (int argc, char **argv)
{
  int result;

  px_init (&argc, &argv);
  px = px_start (NULL, 0);
  web = px_serve (SERVER, 80, px_serve_http);
  g_test_add_func ("/proxy/http/cases", test_cases);
  g_test_add_func ("/proxy/http/cases-cut", test_cases_cut);
  g_test_add_func ("/proxy/http/keep-alive", test_keep_alive);
  g_test_add_func ("/proxy/http/pool", test_pool);
  g_test_add_func ("/proxy/http/other-hosts", test_other_hosts);
  g_test_add_func ("/proxy/http/pipelined", test_pipelined);
  g_test_add_func ("/proxy/http/pipelined-blocked", test_pipelined_blocked);
  g_test_add_func ("/proxy/http/big", test_big);
  g_test_add_func ("/proxy/http/big-upload", test_big_upload);
  g_test_add_func ("/proxy/http/upgrade", test_upgrade);
  g_test_add_func ("/proxy/http/half-body", test_half_body);
  g_test_add_func ("/proxy/http/denial-json", test_denial_json);
  g_test_add_func ("/proxy/http/denial-text", test_denial_text);
  g_test_add_func ("/proxy/http/log", test_log);
  g_test_add_func ("/proxy/http/log-end", test_log_end);
  g_test_add_func ("/proxy/http/no-lease", test_no_lease);
  g_test_add_func ("/proxy/http/curl", test_curl);
  result = g_test_run ();
  px_stop (px);
  px_server_stop (web);
  px_done ();
  return result;
}
