/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * ClientHellos built here byte by byte, whole, in every cut, over several
 * records, and broken in every length field.
 */
#include "config.h"

#include "proxy/oc-proxy-hello.h"

#include <glib.h>

static void
add_number (GByteArray *out, guint n, gsize value)
{
  for (guint i = n; i > 0; i--)
    {
      guint8 byte = (guint8) (value >> (8 * (i - 1)));

      g_byte_array_append (out, &byte, 1);
    }
}

static void
add_vector (GByteArray *out, guint n, const GByteArray *body)
{
  add_number (out, n, body->len);
  g_byte_array_append (out, body->data, body->len);
}

static void
add_extension (GByteArray *extensions, guint type, const void *data, gsize len)
{
  add_number (extensions, 2, type);
  add_number (extensions, 2, len);
  g_byte_array_append (extensions, data, (guint) len);
}

static void
add_sni (GByteArray *extensions, OcStr name)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  add_number (body, 2, name.len + 3);
  add_number (body, 1, 0);
  add_number (body, 2, name.len);
  g_byte_array_append (body, (const guint8 *) name.data, (guint) name.len);
  add_extension (extensions, 0, body->data, body->len);
}

/* The handshake message around @extensions (nullable). */
static GByteArray *
make_message (const GByteArray *extensions)
{
  static const guint8 fixed[] = { 3, 3 };
  static const guint8 rest[] = { 0, 0, 2, 0x13, 0x01, 1, 0 };
  guint8 random[32] = { 1 };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  GByteArray *message = g_byte_array_new ();

  g_byte_array_append (body, fixed, sizeof fixed);
  g_byte_array_append (body, random, sizeof random);
  g_byte_array_append (body, rest, sizeof rest);
  if (extensions != NULL)
    add_vector (body, 2, extensions);
  add_number (message, 1, 1);
  add_vector (message, 3, body);
  return message;
}

static GByteArray *
make_records (const GByteArray *message, gsize record_max)
{
  GByteArray *raw = g_byte_array_new ();

  for (gsize pos = 0; pos < message->len; pos += record_max)
    {
      gsize len = MIN (record_max, message->len - pos);

      add_number (raw, 1, 22);
      add_number (raw, 2, 0x0301);
      add_number (raw, 2, len);
      g_byte_array_append (raw, message->data + pos, (guint) len);
    }
  return raw;
}

static OcHelloResult
parse (const GByteArray *raw, gsize len, OcHello *out)
{
  static guint8 scratch[OC_HELLO_MAX + 4];
  g_autofree guint8 *copy = g_memdup2 (raw->data, len);

  return oc_hello_parse (copy, len, scratch, out);
}

/* MORE at each prefix, then the result. */
static void
check_cuts (const GByteArray *raw, const char *sni, gboolean ech)
{
  OcHello hello;

  for (gsize len = 0; len < raw->len; len++)
    g_assert_cmpint (parse (raw, len, &hello), ==, OC_HELLO_MORE);
  g_assert_cmpint (parse (raw, raw->len, &hello), ==, OC_HELLO_OK);
  g_assert_cmpmem (hello.sni.data, hello.sni.len, sni, strlen (sni));
  g_assert_cmpint (hello.ech, ==, ech);
}

static void
test_records (void)
{
  static const gsize sizes[] = { 1, 2, 3, 4, 5, 7, 16, 60, 16000 };
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;

  add_extension (extensions, 0x2b, "\x02\x03\x04", 3);
  add_sni (extensions, OC_STR ("api.example.com"));
  message = make_message (extensions);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GByteArray) raw = make_records (message, sizes[i]);

      check_cuts (raw, "api.example.com", FALSE);
    }
}

static void
test_kinds (void)
{
  g_autoptr (GByteArray) none = make_message (NULL);
  g_autoptr (GByteArray) raw = make_records (none, 16000);
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) ech = NULL;

  check_cuts (raw, "", FALSE);
  add_sni (extensions, OC_STR ("outer.example"));
  add_extension (extensions, 0xfe0d, "\0x", 2);
  message = make_message (extensions);
  ech = make_records (message, 16000);
  check_cuts (ech, "outer.example", TRUE);
}

/* Post-quantum key shares make hellos longer than one segment, even one record. */
static void
test_long (void)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autofree guint8 *share = g_malloc0 (OC_HELLO_MAX);
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) raw = NULL;
  g_autoptr (GByteArray) over = NULL;
  g_autoptr (GByteArray) over_raw = NULL;
  gsize fill;
  OcHello hello;

  add_sni (extensions, OC_STR ("a"));
  fill = OC_HELLO_MAX - 4 - 41 - 2 - extensions->len - 4;
  add_extension (extensions, 51, share, fill);
  message = make_message (extensions);
  g_assert_cmpuint (message->len, ==, OC_HELLO_MAX);
  raw = make_records (message, 5000);
  g_assert_cmpint (parse (raw, raw->len, &hello), ==, OC_HELLO_OK);
  add_extension (extensions, 52, "", 0);
  over = make_message (extensions);
  over_raw = make_records (over, 5000);
  g_assert_cmpint (parse (over_raw, over_raw->len, &hello), ==, OC_HELLO_BAD);
}

static OcHelloResult
parse_extension (guint type, OcStr body)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) raw = NULL;
  OcHello hello;

  add_extension (extensions, type, body.data, body.len);
  message = make_message (extensions);
  raw = make_records (message, 16000);
  return parse (raw, raw->len, &hello);
}

static void
test_bad_sni (void)
{
  static const OcStr bodies[] = {
    OC_STR_INIT (""),
    OC_STR_INIT ("\0"),
    OC_STR_INIT ("\0\0"),
    OC_STR_INIT ("\0\4\0\0\1"),               /* list longer than it is */
    OC_STR_INIT ("\0\4\0\0\1ab"),             /* bytes behind the list */
    OC_STR_INIT ("\0\3\0\0\0"),               /* empty name */
    OC_STR_INIT ("\0\4\1\0\1a"),              /* another kind of name */
    OC_STR_INIT ("\0\10\0\0\1a\0\0\1b"),      /* two names */
    OC_STR_INIT ("\0\4\0\0\5a"),              /* name longer than the list */
  };

  g_assert_cmpint (parse_extension (0, OC_STR ("\0\4\0\0\1a")), ==, OC_HELLO_OK);
  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_test_message ("%zu", i);
      g_assert_cmpint (parse_extension (0, bodies[i]), ==, OC_HELLO_BAD);
    }
}

static void
test_two_sni (void)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) raw = NULL;
  OcHello hello;

  add_sni (extensions, OC_STR ("a"));
  add_sni (extensions, OC_STR ("b"));
  message = make_message (extensions);
  raw = make_records (message, 16000);
  g_assert_cmpint (parse (raw, raw->len, &hello), ==, OC_HELLO_BAD);
}

/* Each byte set to each value: never a read past the end, never a hang. */
static void
test_mutations (void)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) raw = NULL;
  guint n_ok = 0;

  add_sni (extensions, OC_STR ("a.example"));
  message = make_message (extensions);
  raw = make_records (message, 30);
  for (guint i = 0; i < raw->len; i++)
    for (guint value = 0; value < 256; value++)
      {
        guint8 saved = raw->data[i];
        OcHello hello;

        raw->data[i] = (guint8) value;
        n_ok += parse (raw, raw->len, &hello) == OC_HELLO_OK;
        raw->data[i] = saved;
      }
  g_assert_cmpuint (n_ok, >, raw->len);
}

static void
test_not_tls (void)
{
  static const OcStr texts[] = {
    OC_STR_INIT ("GET / HTTP/1.1\r\n"), OC_STR_INIT ("SSH-2.0-x\r\n"), OC_STR_INIT ("\x80\x2e\x01"),
    OC_STR_INIT ("\x17\x03\x03"),       OC_STR_INIT ("\x16\x02"),      OC_STR_INIT ("\x16\x03\x05"),
  };
  static const OcStr bad[] = {
    OC_STR_INIT ("\x16\x03\x01\0\0"),         /* empty record */
    OC_STR_INIT ("\x16\x03\x01\x40\x01"),     /* record too long */
    OC_STR_INIT ("\x16\x03\x01\0\1\2"),       /* ServerHello */
    OC_STR_INIT ("\x16\x03\x01\0\1\1\x17"),   /* another type in between */
    OC_STR_INIT ("\x16\x03\x01\0\5\1\0\0\0x") /* bytes behind the message */
  };
  guint8 scratch[OC_HELLO_MAX + 4];
  OcHello hello;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpint (oc_hello_parse ((const guint8 *) texts[i].data, texts[i].len, scratch, &hello),
                     ==, OC_HELLO_NOT_TLS);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpint (oc_hello_parse ((const guint8 *) bad[i].data, bad[i].len, scratch, &hello), ==,
                     OC_HELLO_BAD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proxy/hello/records", test_records);
  g_test_add_func ("/proxy/hello/kinds", test_kinds);
  g_test_add_func ("/proxy/hello/long", test_long);
  g_test_add_func ("/proxy/hello/bad-sni", test_bad_sni);
  g_test_add_func ("/proxy/hello/two-sni", test_two_sni);
  g_test_add_func ("/proxy/hello/mutations", test_mutations);
  g_test_add_func ("/proxy/hello/not-tls", test_not_tls);
  return g_test_run ();
}
