/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "http1/oc-http1.h"

#include <glib.h>

typedef struct
{
  const char *name;
  OcStr text;
  OcHttpResult result;
  OcStr payload;
} Case;

#define CASE(name, text, result, payload) { name, OC_STR_INIT (text), result, OC_STR_INIT (payload) }

static const Case cases[] = {
  CASE ("empty", "0\r\n\r\n", OC_HTTP_OK, ""),
  CASE ("zeros", "000\r\n\r\n", OC_HTTP_OK, ""),
  CASE ("one", "5\r\nhello\r\n0\r\n\r\n", OC_HTTP_OK, "hello"),
  CASE ("two", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", OC_HTTP_OK, "abc0123456789"),
  CASE ("lower-hex", "a\r\n0123456789\r\n0\r\n\r\n", OC_HTTP_OK, "0123456789"),
  CASE ("binary", "4\r\n\0\r\n\xff\r\n0\r\n\r\n", OC_HTTP_OK, "\0\r\n\xff"),
  CASE ("ext", "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n", OC_HTTP_OK, "x"),
  CASE ("trailers", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", OC_HTTP_OK, "x"),
  CASE ("after", "0\r\n\r\nGET", OC_HTTP_OK, ""),
  CASE ("half", "5\r\nhel", OC_HTTP_MORE, "hel"),
  CASE ("no-end", "1\r\nx\r\n0\r\n", OC_HTTP_MORE, "x"),
  CASE ("no-size", "\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("ext-only", ";a\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("space-first", " 1\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("space-after", "1 \r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("space-before-ext", "1 ;a\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("0x", "0x1\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("plus", "+1\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("minus", "-1\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("comma", "1,1\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("underscore", "1_0\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("not-hex", "g\r\n", OC_HTTP_BAD, ""),
  CASE ("nul-in-size", "1\0\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("digits-15", "00000000000000a\r\n0123456789\r\n0\r\n\r\n", OC_HTTP_OK, "0123456789"),
  CASE ("digits-16", "000000000000000a\r\n0123456789\r\n", OC_HTTP_BAD, ""),
  CASE ("overflow", "FFFFFFFFFFFFFFFFF\r\n", OC_HTTP_BAD, ""),
  CASE ("lf-after-size", "1\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("cr-after-size", "1\rx\r\n", OC_HTTP_BAD, ""),
  CASE ("lf-in-ext", "1;a\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("cr-in-ext", "1;a\rb\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("nul-in-ext", "1;\0\r\nx\r\n", OC_HTTP_BAD, ""),
  CASE ("lf-after-data", "1\r\nx\n0\r\n\r\n", OC_HTTP_BAD, "x"),
  CASE ("no-crlf-after-data", "1\r\nx0\r\n\r\n", OC_HTTP_BAD, "x"),
  CASE ("too-much-data", "1\r\nxy\r\n0\r\n\r\n", OC_HTTP_BAD, "x"),
  CASE ("lf-at-end", "0\r\n\n", OC_HTTP_BAD, ""),
  CASE ("cr-at-end", "0\r\n\rx", OC_HTTP_BAD, ""),
  CASE ("lf-after-zero", "0\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-space", "0\r\nA : b\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-fold", "0\r\nA: b\r\n c\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-no-colon", "0\r\nAb\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-lf", "0\r\nA: b\nC: d\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-nul", "0\r\nA: \0\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("trailer-empty-name", "0\r\n: b\r\n\r\n", OC_HTTP_BAD, ""),
  CASE ("request-in-trailer", "0\r\nGET / HTTP/1.1\r\n\r\n", OC_HTTP_BAD, ""),
};

/* Feeds @text in pieces of @step bytes. */
static OcHttpResult
decode (OcStr text, size_t step, GString *payload, size_t *out_used)
{
  OcHttpChunked chunked;
  OcHttpResult result = OC_HTTP_MORE;
  size_t pos = 0;

  oc_http_chunked_init (&chunked);
  while (result == OC_HTTP_MORE && pos < text.len)
    {
      size_t len = MIN (step, text.len - pos);
      g_autofree char *copy = g_memdup2 (text.data + pos, len);
      size_t consumed;
      OcStr run;

      result = oc_http_chunked_feed (&chunked, copy, len, &consumed, &run);
      g_assert_cmpuint (consumed, >, 0);
      g_string_append_len (payload, run.data, (gssize) run.len);
      pos += consumed;
    }
  *out_used = pos;
  return result;
}

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (size_t step = 1; step <= cases[i].text.len; step++)
      {
        g_autoptr (GString) payload = g_string_new (NULL);
        size_t used;

        g_test_message ("%s in steps of %zu", cases[i].name, step);
        g_assert_cmpint (decode (cases[i].text, step, payload, &used), ==, cases[i].result);
        g_assert_cmpmem (payload->str, payload->len, cases[i].payload.data, cases[i].payload.len);
      }
}

static OcHttpResult
decode_text (const GString *text)
{
  g_autoptr (GString) payload = g_string_new (NULL);
  size_t used;

  return decode (oc_str (text->str, text->len), 7, payload, &used);
}

static void
test_limits (void)
{
  g_autoptr (GString) text = g_string_new ("1;");

  while (text->len < 1 + OC_HTTP_CHUNK_EXT_MAX)
    g_string_append_c (text, 'a');
  g_string_append (text, "\r\nx\r\n0\r\n\r\n");
  g_assert_cmpint (decode_text (text), ==, OC_HTTP_OK);
  g_string_insert_c (text, 2, 'a');
  g_assert_cmpint (decode_text (text), ==, OC_HTTP_TOO_LONG);
  g_string_assign (text, "0\r\n");
  while (text->len < 9000)
    g_string_append (text, "A: b\r\n");
  g_assert_cmpint (decode_text (text), ==, OC_HTTP_TOO_LONG);
}

static void
test_consumed (void)
{
  static const OcStr text = OC_STR_INIT ("1\r\nx\r\n0\r\n\r\nNEXT");
  g_autoptr (GString) payload = g_string_new (NULL);
  size_t used;

  g_assert_cmpint (decode (text, text.len, payload, &used), ==, OC_HTTP_OK);
  g_assert_cmpuint (used, ==, text.len - 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http1/chunked/table", test_table);
  g_test_add_func ("/http1/chunked/limits", test_limits);
  g_test_add_func ("/http1/chunked/consumed", test_consumed);
  return g_test_run ();
}
