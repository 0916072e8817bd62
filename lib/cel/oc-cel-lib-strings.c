/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-utf8.h"

/* Positions in strings are counted in code points. */

static OcStr
str (OcCelValue v)
{
  return oc_cel_value_get_str (v);
}

static OcStr
tail (OcStr s, gsize from)
{
  return oc_str (s.data + from, s.len - from);
}

static OcCelValue
index_error (void)
{
  return oc_cel_error (OC_CEL_ERROR_RANGE, "index out of range");
}

/* The byte offset of position @index, which may be the end. */
static gboolean
get_offset (OcStr s, gint64 index, gsize *out)
{
  if (index < 0 || (guint64) index > s.len)
    return FALSE;
  *out = oc_cel_utf8_offset (s, (guint64) index);
  return *out != G_MAXSIZE;
}

static void
char_at (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = str (args[0]);
  gsize at;

  if (!get_offset (s, args[1].i, &at))
    *out = index_error ();
  else
    *out = oc_cel_string (oc_str (s.data + at, at < s.len ? oc_cel_utf8_len (tail (s, at)) : 0));
}

/* --- Searching ----------------------------------------------------------- */

static gint64
find (OcStr s, OcStr wanted, gsize from)
{
  const char *p = memmem (s.data + from, s.len - from, wanted.data, wanted.len);

  return p ? (gint64) oc_cel_utf8_count (oc_str (s.data, (gsize) (p - s.data))) : -1;
}

static void
index_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int (find (str (args[0]), str (args[1]), 0));
}

static void
index_of_from (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gsize from;

  *out = get_offset (str (args[0]), args[2].i, &from)
             ? oc_cel_int (find (str (args[0]), str (args[1]), from))
             : index_error ();
}

/* The last place at or before byte @from. */
static OcCelValue
find_last (OcCelScratch *e, OcStr s, OcStr wanted, gsize from)
{
  if (wanted.len > s.len)
    return oc_cel_int (-1);
  from = MIN (from, s.len - wanted.len);
  if (!oc_cel_charge (e, from * MIN (wanted.len, 64) / 64))
    return oc_cel_stopped (e);
  for (gsize i = from + 1; i-- > 0;)
    if (memcmp (s.data + i, wanted.data, wanted.len) == 0)
      return oc_cel_int ((gint64) oc_cel_utf8_count (oc_str (s.data, i)));
  return oc_cel_int (-1);
}

static void
last_index_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = find_last (e, str (args[0]), str (args[1]), args[0].aux);
}

static void
last_index_of_from (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = str (args[0]);
  gsize from;

  *out = get_offset (s, args[2].i, &from) && (from < s.len || s.len == 0)
             ? find_last (e, s, str (args[1]), from)
             : index_error ();
}

/* --- Parts --------------------------------------------------------------- */

static void
substring_from (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gsize from;

  *out = get_offset (str (args[0]), args[1].i, &from) ? oc_cel_string (tail (str (args[0]), from))
                                                       : index_error ();
}

static void
substring (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = str (args[0]);
  gsize from, to;

  if (args[1].i > args[2].i || !get_offset (s, args[1].i, &from) || !get_offset (s, args[2].i, &to))
    *out = index_error ();
  else
    *out = oc_cel_string (oc_str (s.data + from, to - from));
}

static gboolean
is_space (guint32 c)
{
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680
         || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f
         || c == 0x3000;
}

/* Bytes of the last code point. */
static gsize
last_len (OcStr s)
{
  for (gsize n = 1; n <= 4 && n <= s.len; n++)
    if (oc_cel_utf8_len (tail (s, s.len - n)) == n && ((guint8) s.data[s.len - n] & 0xc0) != 0x80)
      return n;
  return 1;
}

static void
trim (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = str (args[0]);

  while (s.len > 0 && is_space (oc_cel_utf8_get (s)))
    s = tail (s, oc_cel_utf8_len (s));
  while (s.len > 0 && is_space (oc_cel_utf8_get (tail (s, s.len - last_len (s)))))
    s.len -= last_len (s);
  *out = oc_cel_string (s);
}

/* --- New strings --------------------------------------------------------- */

/* Room for a string of args[0]'s length. */
static char *
allocate (OcCelScratch *e, gsize len, OcCelValue *out)
{
  char *data = oc_cel_charge (e, len / 256) ? oc_cel_alloc (e, len) : NULL;

  if (data)
    *out = oc_cel_string (oc_str (data, len));
  else
    *out = oc_cel_stopped (e);
  return data;
}

static void
lower_ascii (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  char *data = allocate (e, args[0].aux, out);

  for (guint32 i = 0; data && i < args[0].aux; i++)
    data[i] = g_ascii_tolower (args[0].str[i]);
}

static void
upper_ascii (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  char *data = allocate (e, args[0].aux, out);

  for (guint32 i = 0; data && i < args[0].aux; i++)
    data[i] = g_ascii_toupper (args[0].str[i]);
}

static void
reverse (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = str (args[0]);
  char *data = allocate (e, s.len, out);
  gsize n;

  if (!data)
    return;
  for (gsize i = 0; i < s.len; i += n)
    {
      n = oc_cel_utf8_len (tail (s, i));
      memcpy (data + s.len - i - n, s.data + i, n);
    }
}

static void
quote (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
  OcStr s = str (args[0]);
  char *data = allocate (e, 3 * s.len + 2, out);
  gsize len = 0, n;

  if (!data)
    return;
  data[len++] = '"';
  for (gsize i = 0; i < s.len; i += n)
    {
      const char *escape = s.data[i] ? strchr (from, s.data[i]) : NULL;

      n = oc_cel_utf8_len (tail (s, i));
      if (escape)
        {
          data[len++] = '\\';
          data[len++] = to[escape - from];
        }
      else if (n == 1 && (guint8) s.data[i] >= 0x80)
        len += oc_cel_utf8_put (data + len, 0xfffd);
      else
        {
          memcpy (data + len, s.data + i, n);
          len += n;
        }
    }
  data[len++] = '"';
  *out = oc_cel_string (oc_str (data, len));
}

const OcCelDecl oc_cel_lib_strings[] = {
  { "charAt", "string.(int) -> string", char_at },
  { "indexOf", "string.(string) -> int", index_of },
  { "indexOf", "string.(string, int) -> int", index_of_from },
  { "lastIndexOf", "string.(string) -> int", last_index_of },
  { "lastIndexOf", "string.(string, int) -> int", last_index_of_from },
  { "substring", "string.(int) -> string", substring_from },
  { "substring", "string.(int, int) -> string", substring },
  { "trim", "string.() -> string", trim },
  { "lowerAscii", "string.() -> string", lower_ascii },
  { "upperAscii", "string.() -> string", upper_ascii },
  { "reverse", "string.() -> string", reverse },
  { "strings.quote", "(string) -> string", quote },
  { NULL, NULL, NULL },
};
