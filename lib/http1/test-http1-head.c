/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Heads, whole and in every cut: each prefix must be MORE or already the final
 * refusal, and the last byte must bring what the whole brought.
 */
#include "config.h"

#include "http1/oc-http1.h"

#include <glib.h>

#define R "GET / HTTP/1.1\r\n"
#define H "Host: a.example\r\n"
#define E "\r\n"

typedef struct
{
  const char *name;
  OcStr text;
  OcHttpResult result;
  OcHttpBody body;
  guint64 length;
} Case;

#define OK(name, text) { name, OC_STR_INIT (text), OC_HTTP_OK, OC_HTTP_BODY_NONE, 0 }
#define BAD(name, text) { name, OC_STR_INIT (text), OC_HTTP_BAD, OC_HTTP_BODY_NONE, 0 }
#define IS(name, text, result) { name, OC_STR_INIT (text), result, OC_HTTP_BODY_NONE, 0 }
#define BODY(name, text, body, length) { name, OC_STR_INIT (text), OC_HTTP_OK, body, length }

static const Case requests[] = {
  OK ("plain", R H E),
  OK ("http10-no-host", "GET / HTTP/1.0\r\n" E),
  OK ("absolute", "GET http://a.example/x?y HTTP/1.1\r\n" H E),
  OK ("connect", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n" E),
  OK ("asterisk", "OPTIONS * HTTP/1.1\r\n" H E),
  OK ("odd-method", "M-SEARCH!# / HTTP/1.1\r\n" H E),
  OK ("obs-text-value", R H "X: caf\xe9\r\n" E),
  OK ("tab-value", R H "X:\ta\tb\t\r\n" E),
  OK ("empty-value", R H "X:\r\n" E),
  OK ("v6-host", R "Host: [2001:db8::1]:80\r\n" E),
  OK ("case", R "hOST: a\r\n" E),
  OK ("bytes-after", R H E "rest"),
  IS ("half-line", "GET / HT", OC_HTTP_MORE),
  IS ("half-crlf", "GET / HTTP/1.1\r", OC_HTTP_MORE),
  IS ("no-empty-line", R H, OC_HTTP_MORE),
  IS ("empty", "", OC_HTTP_MORE),
  /* RFC 9112 3: request line */
  BAD ("leading-crlf", E R H E),
  BAD ("leading-space", " " R H E),
  BAD ("no-version", "GET /\r\n" H E),
  BAD ("two-spaces", "GET  / HTTP/1.1\r\n" H E),
  BAD ("space-before-version", "GET /  HTTP/1.1\r\n" H E),
  BAD ("trailing-space", "GET / HTTP/1.1 \r\n" H E),
  BAD ("tab-separator", "GET\t/\tHTTP/1.1\r\n" H E),
  BAD ("space-in-target", "GET /a b HTTP/1.1\r\n" H E),
  BAD ("method-byte", "G@T / HTTP/1.1\r\n" H E),
  BAD ("method-brackets", "G(T / HTTP/1.1\r\n" H E),
  BAD ("empty-method", " / HTTP/1.1\r\n" H E),
  BAD ("fragment", "GET /#x HTTP/1.1\r\n" H E),
  BAD ("target-obs-text", "GET /\xc3\xa9 HTTP/1.1\r\n" H E),
  BAD ("target-nul", "GET /\0 HTTP/1.1\r\n" H E),
  BAD ("target-del", "GET /\x7f HTTP/1.1\r\n" H E),
  BAD ("version-lower", "GET / http/1.1\r\n" H E),
  BAD ("version-long", "GET / HTTP/1.10\r\n" H E),
  BAD ("version-plus", "GET / HTTP/+.1\r\n" H E),
  IS ("version-2", "GET / HTTP/2.0\r\n" H E, OC_HTTP_VERSION),
  IS ("version-0.9", "GET / HTTP/0.9\r\n" H E, OC_HTTP_VERSION),
  IS ("version-1.2", "GET / HTTP/1.2\r\n" H E, OC_HTTP_VERSION),
  BAD ("h2-preface", "PRI * HTTP/2.0\n\r\nSM\r\n\r\n"),
  BAD ("tls", "\x16\x03\x01\x02\x00"),
  /* RFC 9112 2.2, 5: lines and fields */
  BAD ("bare-lf", "GET / HTTP/1.1\n" H E),
  BAD ("bare-lf-header", R "Host: a\nX: b\r\n" E),
  BAD ("bare-lf-end", R H "\n"),
  BAD ("bare-cr", R "Host: a\rX: b\r\n" E),
  BAD ("cr-cr-lf", R "Host: a\r\r\n" E),
  BAD ("bare-cr-request", "GET /\r HTTP/1.1\r\n" H E),
  BAD ("fold-space", R H "X: a\r\n b\r\n" E),
  BAD ("fold-tab", R H "X: a\r\n\tb\r\n" E),
  BAD ("fold-first", R " " H E),
  BAD ("space-before-colon", R "Host : a\r\n" E),
  BAD ("tab-before-colon", R "Host\t: a\r\n" E),
  BAD ("no-colon", R H "X\r\n" E),
  BAD ("empty-name", R H ": x\r\n" E),
  BAD ("name-space", R H "X Y: z\r\n" E),
  BAD ("name-nul", R H "X\0Y: z\r\n" E),
  BAD ("name-obs-text", R H "X\xe9: z\r\n" E),
  BAD ("name-paren", R H "X(: z\r\n" E),
  BAD ("value-nul", R H "X: a\0b\r\n" E),
  BAD ("value-esc", R H "X: a\x1b\r\n" E),
  BAD ("value-del", R H "X: a\x7f\r\n" E),
  BAD ("value-vt", R H "X: a\x0b\r\n" E),
  /* RFC 9112 3.2: Host */
  BAD ("no-host", R E),
  BAD ("two-hosts", R H "Host: b\r\n" E),
  BAD ("two-equal-hosts", R H H E),
  BAD ("two-hosts-1.0", "GET / HTTP/1.0\r\n" H H E),
  BAD ("empty-host", R "Host:\r\n" E),
  BAD ("host-space", R "Host: a b\r\n" E),
  BAD ("host-list", R "Host: a,b\r\n" E),
  BAD ("host-path", R "Host: a/b\r\n" E),
  BAD ("host-userinfo", R "Host: u@a\r\n" E),
  BAD ("host-obs-text", R "Host: \xe9\r\n" E),
  BAD ("host-backslash", R "Host: a\\b\r\n" E),
  /* RFC 9112 6: body length */
  BODY ("length", R H "Content-Length: 5\r\n" E, OC_HTTP_BODY_LENGTH, 5),
  BODY ("length-0", R H "Content-Length: 0\r\n" E, OC_HTTP_BODY_LENGTH, 0),
  BODY ("length-max", R H "Content-Length: 999999999999999999\r\n" E, OC_HTTP_BODY_LENGTH,
        G_GUINT64_CONSTANT (999999999999999999)),
  BODY ("chunked", R H "Transfer-Encoding: chunked\r\n" E, OC_HTTP_BODY_CHUNKED, 0),
  BAD ("length-and-chunked", R H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" E),
  BAD ("chunked-and-length", R H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" E),
  BAD ("length-and-identity", R H "Content-Length: 5\r\nTransfer-Encoding: identity\r\n" E),
  BAD ("two-lengths", R H "Content-Length: 5\r\nContent-Length: 6\r\n" E),
  BAD ("two-equal-lengths", R H "Content-Length: 5\r\nContent-Length: 5\r\n" E),
  BAD ("length-list", R H "Content-Length: 5, 5\r\n" E),
  BAD ("length-empty", R H "Content-Length:\r\n" E),
  BAD ("length-plus", R H "Content-Length: +5\r\n" E),
  BAD ("length-minus", R H "Content-Length: -5\r\n" E),
  BAD ("length-hex", R H "Content-Length: 0x5\r\n" E),
  BAD ("length-zero-led", R H "Content-Length: 05\r\n" E),
  BAD ("length-decimal", R H "Content-Length: 5.0\r\n" E),
  BAD ("length-space", R H "Content-Length: 1 2\r\n" E),
  BAD ("length-text", R H "Content-Length: five\r\n" E),
  BAD ("length-wide", R H "Content-Length: 18446744073709551621\r\n" E),
  BAD ("length-quoted", R H "Content-Length: \"5\"\r\n" E),
  BAD ("chunked-1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" E),
  BAD ("two-codings", R H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" E),
  BAD ("coding-then-identity", R H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" E),
  IS ("coding-gzip", R H "Transfer-Encoding: gzip\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-list", R H "Transfer-Encoding: gzip, chunked\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-twice", R H "Transfer-Encoding: chunked, chunked\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-identity", R H "Transfer-Encoding: identity\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-upper", R H "Transfer-Encoding: CHUNKED\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-x", R H "Transfer-Encoding: xchunked\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-quoted", R H "Transfer-Encoding: \"chunked\"\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-param", R H "Transfer-Encoding: chunked;q=1\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-empty", R H "Transfer-Encoding:\r\n" E, OC_HTTP_UNSUPPORTED),
  IS ("coding-comma", R H "Transfer-Encoding: ,chunked\r\n" E, OC_HTTP_UNSUPPORTED),
};

#define S "HTTP/1.1 200 OK\r\n"

static const Case responses[] = {
  BODY ("plain", S E, OC_HTTP_BODY_UNTIL_CLOSE, 0),
  BODY ("length", S "Content-Length: 7\r\n" E, OC_HTTP_BODY_LENGTH, 7),
  BODY ("chunked", S "Transfer-Encoding: chunked\r\n" E, OC_HTTP_BODY_CHUNKED, 0),
  BODY ("no-phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n" E, OC_HTTP_BODY_LENGTH, 0),
  BODY ("empty-phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n" E, OC_HTTP_BODY_LENGTH, 0),
  BODY ("obs-phrase", "HTTP/1.1 200 D\xe9j\xe0\r\nContent-Length: 0\r\n" E, OC_HTTP_BODY_LENGTH, 0),
  BODY ("http10", "HTTP/1.0 200 OK\r\n" E, OC_HTTP_BODY_UNTIL_CLOSE, 0),
  OK ("continue", "HTTP/1.1 100 Continue\r\n" E),
  OK ("no-content", "HTTP/1.1 204 No Content\r\n" E),
  OK ("no-content-0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n" E),
  { "not-modified", OC_STR_INIT ("HTTP/1.1 304 x\r\nContent-Length: 5\r\n" E), OC_HTTP_OK,
    OC_HTTP_BODY_NONE, 5 },
  IS ("half", "HTTP/1.1 20", OC_HTTP_MORE),
  BAD ("no-content-5", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n" E),
  BAD ("continue-chunked", "HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n" E),
  BAD ("both", S "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n" E),
  BAD ("two-lengths", S "Content-Length: 7\r\nContent-Length: 7\r\n" E),
  BAD ("length-list", S "Content-Length: 7, 7\r\n" E),
  IS ("gzip", S "Transfer-Encoding: gzip\r\n" E, OC_HTTP_UNSUPPORTED),
  BAD ("chunked-1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" E),
  IS ("version-2", "HTTP/2.0 200 OK\r\n" E, OC_HTTP_VERSION),
  BAD ("short-status", "HTTP/1.1 20 OK\r\n" E),
  BAD ("long-status", "HTTP/1.1 2000 OK\r\n" E),
  BAD ("status-text", "HTTP/1.1 2x0 OK\r\n" E),
  BAD ("status-099", "HTTP/1.1 099 OK\r\n" E),
  BAD ("icy", "ICY 200 OK\r\n" E),
  BAD ("leading-crlf", E S E),
  BAD ("bare-lf", "HTTP/1.1 200 OK\nX: y\r\n" E),
  BAD ("fold", S "X: y\r\n z\r\n" E),
  BAD ("space-colon", S "Content-Length : 7\r\n" E),
  BAD ("nul", S "X: \0\r\n" E),
  BAD ("html", "<html></html>\r\n"),
};

typedef OcHttpResult (*Parse) (const char *data, size_t len, OcHttpHead *head, size_t *consumed);

static OcHttpResult
parse_request (const char *data, size_t len, OcHttpHead *head, size_t *consumed)
{
  return oc_http_parse_request (data, len, NULL, head, consumed, NULL);
}

static OcHttpResult
parse_response (const char *data, size_t len, OcHttpHead *head, size_t *consumed)
{
  return oc_http_parse_response (data, len, NULL, false, false, head, consumed, NULL);
}

/* An exact heap copy, so that a sanitizer sees a read past the end. */
static OcHttpResult
parse_copy (Parse parse, OcStr text, size_t len, OcHttpHead *head, size_t *consumed)
{
  g_autofree char *copy = len > 0 ? g_memdup2 (text.data, len) : NULL;

  return parse (copy, len, head, consumed);
}

static void
check_case (Parse parse, const Case *c)
{
  OcHttpHead head;
  size_t consumed = 0;
  OcHttpResult result = OC_HTTP_MORE;
  OcHttpResult whole = parse (c->text.data, c->text.len, &head, &consumed);
  size_t len = 0;

  g_test_message ("%s", c->name);
  g_assert_cmpint (whole, ==, c->result);
  if (whole == OC_HTTP_OK)
    {
      g_assert_cmpint (head.body, ==, c->body);
      g_assert_cmpuint (head.content_length, ==, c->length);
    }
  for (; result == OC_HTTP_MORE && len <= c->text.len; len++)
    result = parse_copy (parse, c->text, len, &head, &consumed);
  g_assert_cmpint (result, ==, c->result);
  if (result == OC_HTTP_OK)
    g_assert_cmpuint (consumed, ==, len - 1);
}

static void
test_requests (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    check_case (parse_request, &requests[i]);
}

static void
test_responses (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (responses); i++)
    check_case (parse_response, &responses[i]);
}

/* --- Limits ------------------------------------------------------------------ */

static OcHttpResult
parse_text (GString *text, const OcHttpLimits *limits)
{
  OcHttpHead head;
  size_t consumed;

  return oc_http_parse_request (text->str, text->len, limits, &head, &consumed, NULL);
}

static GString *
make_padded (gsize total)
{
  GString *text = g_string_new (R H "X: ");

  while (text->len < total - 4)
    g_string_append_c (text, 'a');
  g_string_append (text, "\r\n\r\n");
  return text;
}

static void
test_head_limit (void)
{
  g_autoptr (GString) at = make_padded (OC_HTTP_HEAD_MAX);
  g_autoptr (GString) over = make_padded (OC_HTTP_HEAD_MAX + 1);
  OcHttpLimits limits = { .head_max = 100 };
  g_autoptr (GString) small = make_padded (100);

  g_assert_cmpint (parse_text (at, NULL), ==, OC_HTTP_OK);
  g_assert_cmpint (parse_text (over, NULL), ==, OC_HTTP_TOO_LONG);
  g_string_truncate (over, OC_HTTP_HEAD_MAX);
  g_assert_cmpint (parse_text (over, NULL), ==, OC_HTTP_TOO_LONG);
  g_assert_cmpint (parse_text (small, &limits), ==, OC_HTTP_OK);
  limits.head_max = 99;
  g_assert_cmpint (parse_text (small, &limits), ==, OC_HTTP_TOO_LONG);
}

static void
test_line_limit (void)
{
  g_autoptr (GString) text = g_string_new ("GET /");
  gsize rest = strlen (" HTTP/1.1");

  while (text->len < OC_HTTP_REQUEST_LINE_MAX - rest)
    g_string_append_c (text, 'a');
  g_string_append (text, " HTTP/1.1\r\n" H E);
  g_assert_cmpint (parse_text (text, NULL), ==, OC_HTTP_OK);
  g_string_insert_c (text, 5, 'a');
  g_assert_cmpint (parse_text (text, NULL), ==, OC_HTTP_TOO_LONG);
}

static void
test_header_count (void)
{
  g_autoptr (GString) text = g_string_new (R H);

  for (guint i = 1; i < OC_HTTP_HEADERS_MAX; i++)
    g_string_append_printf (text, "X-%u: y\r\n", i);
  g_string_append (text, E);
  g_assert_cmpint (parse_text (text, NULL), ==, OC_HTTP_OK);
  g_string_truncate (text, text->len - 2);
  g_string_append (text, "One: more\r\n" E);
  g_assert_cmpint (parse_text (text, NULL), ==, OC_HTTP_TOO_LONG);
}

/* --- What a head says ---------------------------------------------------------- */

static void
parse_ok (OcStr text, OcHttpHead *head)
{
  size_t consumed;

  g_assert_cmpint (oc_http_parse_request (text.data, text.len, NULL, head, &consumed, NULL), ==,
                   OC_HTTP_OK);
}

static void
test_connection (void)
{
  static const struct
  {
    OcStr text;
    gboolean keep_alive, upgrade, expect;
  } cases[] = {
    { OC_STR_INIT (R H E), TRUE, FALSE, FALSE },
    { OC_STR_INIT (R H "Connection: close\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT (R H "Connection: x , CLOSE\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT (R H "Connection: keep-alive\r\nConnection: close\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT ("GET / HTTP/1.0\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" E), TRUE, FALSE, FALSE },
    { OC_STR_INIT ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT (R H "Connection: Upgrade\r\nUpgrade: websocket\r\n" E), TRUE, TRUE, FALSE },
    { OC_STR_INIT (R H "Upgrade: websocket\r\n" E), TRUE, FALSE, FALSE },
    { OC_STR_INIT (R H "Connection: upgrade\r\n" E), TRUE, FALSE, FALSE },
    { OC_STR_INIT ("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" E), FALSE, FALSE,
      FALSE },
    { OC_STR_INIT (R H "Expect: 100-Continue\r\n" E), TRUE, FALSE, TRUE },
    { OC_STR_INIT ("GET / HTTP/1.0\r\nExpect: 100-continue\r\n" E), FALSE, FALSE, FALSE },
    { OC_STR_INIT (R H "Expect: cake\r\n" E), TRUE, FALSE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcHttpHead head;

      parse_ok (cases[i].text, &head);
      g_test_message ("%.*s", OC_STR_ARGS (cases[i].text));
      g_assert_cmpint (head.keep_alive, ==, cases[i].keep_alive);
      g_assert_cmpint (head.upgrade, ==, cases[i].upgrade);
      g_assert_cmpint (head.expect_continue, ==, cases[i].expect);
    }
}

static void
test_hop_by_hop (void)
{
  static const OcStr text
      = OC_STR_INIT (R H "Connection: X-One, close\r\nX-One: 1\r\nX-Two: 2\r\nTE: trailers\r\n"
                         "Keep-Alive: 5\r\nProxy-Authorization: Basic x\r\nProxy-Connection: x\r\n"
                         "Trailer: x\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n"
                         "Authorization: kept\r\n" E);
  OcHttpHead head;

  parse_ok (text, &head);
  for (gsize i = 0; i < head.n_headers; i++)
    {
      gboolean kept = oc_str_equal (head.headers[i].name, OC_STR ("Host"))
                      || oc_str_equal (head.headers[i].name, OC_STR ("X-Two"))
                      || oc_str_equal (head.headers[i].name, OC_STR ("Authorization"));

      g_assert_cmpint (oc_http_is_hop_by_hop (&head, &head.headers[i]), ==, !kept);
    }
}

static void
test_parts (void)
{
  OcHttpHead head;

  parse_ok (OC_STR ("PUT http://h/p HTTP/1.1\r\nHost:  h \r\nA: 1\r\na: 2 \t\r\n\r\n"), &head);
  g_assert_true (oc_str_equal (head.method, OC_STR ("PUT")));
  g_assert_true (oc_str_equal (head.target, OC_STR ("http://h/p")));
  g_assert_true (oc_str_equal (head.host, OC_STR ("h")));
  g_assert_true (oc_str_equal (oc_http_head_get (&head, OC_STR ("A"))->value, OC_STR ("1")));
  g_assert_true (oc_str_equal (head.headers[2].value, OC_STR ("2")));
  g_assert_null (oc_http_head_get (&head, OC_STR ("b")));
}

static void
test_response_context (void)
{
  static const OcStr text = OC_STR_INIT (S "Content-Length: 7\r\n" E);
  OcHttpHead head;
  size_t consumed;

  g_assert_cmpint (oc_http_parse_response (text.data, text.len, NULL, true, false, &head, &consumed,
                                           NULL),
                   ==, OC_HTTP_OK);
  g_assert_cmpint (head.body, ==, OC_HTTP_BODY_NONE);
  g_assert_true (head.keep_alive);
  g_assert_cmpint (oc_http_parse_response (text.data, text.len, NULL, false, true, &head, &consumed,
                                           NULL),
                   ==, OC_HTTP_OK);
  g_assert_cmpint (head.body, ==, OC_HTTP_BODY_NONE);
  g_assert_cmpuint (oc_http_result_status (OC_HTTP_BAD), ==, 400);
  g_assert_cmpuint (oc_http_result_status (OC_HTTP_TOO_LONG), ==, 431);
  g_assert_cmpuint (oc_http_result_status (OC_HTTP_UNSUPPORTED), ==, 501);
  g_assert_cmpuint (oc_http_result_status (OC_HTTP_VERSION), ==, 505);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http1/head/requests", test_requests);
  g_test_add_func ("/http1/head/responses", test_responses);
  g_test_add_func ("/http1/head/limit", test_head_limit);
  g_test_add_func ("/http1/head/line-limit", test_line_limit);
  g_test_add_func ("/http1/head/header-count", test_header_count);
  g_test_add_func ("/http1/head/connection", test_connection);
  g_test_add_func ("/http1/head/hop-by-hop", test_hop_by_hop);
  g_test_add_func ("/http1/head/parts", test_parts);
  g_test_add_func ("/http1/head/response-context", test_response_context);
  return g_test_run ();
}
