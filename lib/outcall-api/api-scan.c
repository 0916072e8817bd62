/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <math.h>
#include <string.h>

/* The grammar of RFC 8259, checked before json-glib sees a byte. json-glib 1.6
 * recurses as deep as the text says, takes comments, "var x = …" and other
 * JavaScript, wraps integers over 64 bits and cuts strings at a NUL; here all
 * that is refused. One loop, no recursion, no allocation: which containers are
 * open is one bit each in `objects`.
 */

typedef struct
{
  const char *start, *at, *end;
  guint64 objects; /* bit 0: the innermost container is an object */
  guint depth;
  gsize members;
  OutcallApiError code;
  const char *why; /* static; set by the first refusal */
} Scan;

G_STATIC_ASSERT (OUTCALL_JSON_DEPTH_MAX <= 64);

static gboolean
refuse (Scan *scan, OutcallApiError code, const char *why)
{
  scan->code = code;
  scan->why = why;
  return FALSE;
}

static gboolean
refuse_syntax (Scan *scan, const char *why)
{
  return refuse (scan, OUTCALL_API_ERROR_SYNTAX, why);
}

/* The next byte, or -1 at the end. */
static int
peek (const Scan *scan)
{
  return scan->at < scan->end ? (guchar) *scan->at : -1;
}

static void
skip_blanks (Scan *scan)
{
  while (scan->at < scan->end && memchr (" \t\r\n", *scan->at, 4))
    scan->at++;
}

/* --- Strings -------------------------------------------------------------------- */

/* The four digits of a \u escape; -1 when they are not there. */
static int
take_hex (Scan *scan)
{
  int value = 0;

  if (scan->end - scan->at < 4)
    return -1;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (scan->at[i]);

      if (digit < 0)
        return -1;
      value = value * 16 + digit;
    }
  scan->at += 4;
  return value;
}

/* After "\u": a character, which may be a pair of surrogates. */
static gboolean
scan_unicode_escape (Scan *scan)
{
  int unit = take_hex (scan);

  if (unit < 0)
    return refuse_syntax (scan, "\\u needs four hexadecimal digits");
  if (unit == 0)
    return refuse (scan, OUTCALL_API_ERROR_BAD_STRING, "a string must not hold NUL");
  if (unit < 0xd800 || unit > 0xdfff)
    return TRUE;
  if (unit <= 0xdbff && scan->end - scan->at >= 2 && scan->at[0] == '\\' && scan->at[1] == 'u')
    {
      scan->at += 2;
      unit = take_hex (scan);
      if (unit >= 0xdc00 && unit <= 0xdfff)
        return TRUE;
    }
  return refuse (scan, OUTCALL_API_ERROR_BAD_STRING, "half a surrogate pair");
}

static gboolean
scan_escape (Scan *scan)
{
  int byte = peek (scan);

  if (byte < 0 || !strchr ("\"\\/bfnrtu", byte))
    return refuse_syntax (scan, "unknown escape in a string");
  scan->at++;
  return byte != 'u' || scan_unicode_escape (scan);
}

/* From the opening quote to after the closing one. That all of the text is
 * UTF-8 is known already. */
static gboolean
scan_string (Scan *scan)
{
  for (scan->at++; scan->at < scan->end;)
    {
      guchar byte = (guchar) *scan->at;

      if (byte < 0x20)
        return refuse (scan, OUTCALL_API_ERROR_BAD_STRING, "bare control byte in a string");
      scan->at++;
      if (byte == '"')
        return TRUE;
      if (byte == '\\' && !scan_escape (scan))
        return FALSE;
    }
  return refuse_syntax (scan, "a string without its end");
}

/* --- Numbers and words ---------------------------------------------------------- */

static gboolean
take_digits (Scan *scan)
{
  const char *start = scan->at;

  while (g_ascii_isdigit (peek (scan)))
    scan->at++;
  return scan->at > start;
}

/* Digits of an integer without sign; FALSE when it has no place in 64 bits. */
static gboolean
fits_int64 (const char *at, const char *end, gboolean negative)
{
  guint64 limit = (guint64) G_MAXINT64 + (negative ? 1 : 0);
  guint64 value = 0;

  for (; at < end; at++)
    {
      guint64 digit = (guint64) (*at - '0');

      if (value > (limit - digit) / 10)
        return FALSE;
      value = value * 10 + digit;
    }
  return TRUE;
}

/* Longer numbers are nobody's; it bounds the copy that strtod needs. */
#define NUMBER_MAX 64

static gboolean
is_finite_number (const char *start, const char *end)
{
  char text[NUMBER_MAX + 1];
  gsize len = (gsize) (end - start);

  if (len > NUMBER_MAX)
    return FALSE;
  memcpy (text, start, len);
  text[len] = '\0';
  return isfinite (g_ascii_strtod (text, NULL)) != 0;
}

static gboolean
scan_fraction (Scan *scan)
{
  if (peek (scan) == '.')
    {
      scan->at++;
      if (!take_digits (scan))
        return refuse_syntax (scan, "a number needs digits after its point");
    }
  if (peek (scan) != 'e' && peek (scan) != 'E')
    return TRUE;
  scan->at++;
  if (peek (scan) == '+' || peek (scan) == '-')
    scan->at++;
  return take_digits (scan) || refuse_syntax (scan, "a number needs digits in its exponent");
}

static gboolean
scan_number (Scan *scan)
{
  const char *start = scan->at;
  gboolean negative = peek (scan) == '-';
  const char *digits;
  const char *integer_end;

  if (negative)
    scan->at++;
  digits = scan->at;
  if (!take_digits (scan) || (*digits == '0' && scan->at - digits > 1))
    return refuse_syntax (scan, "malformed number");
  integer_end = scan->at;
  if (!scan_fraction (scan))
    return FALSE;
  if (scan->at == integer_end ? fits_int64 (digits, integer_end, negative)
                              : is_finite_number (start, scan->at))
    return TRUE;
  scan->at = start;
  return refuse (scan, OUTCALL_API_ERROR_OUT_OF_RANGE, "number out of range");
}

static gboolean
scan_word (Scan *scan)
{
  static const char *const words[] = { "true", "false", "null" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize len = strlen (words[i]);

      if ((gsize) (scan->end - scan->at) >= len && memcmp (scan->at, words[i], len) == 0)
        {
          scan->at += len;
          return TRUE;
        }
    }
  return refuse_syntax (scan, "a value is expected");
}

/* --- Structure ------------------------------------------------------------------ */

static gboolean
in_object (const Scan *scan)
{
  return scan->depth > 0 && (scan->objects & 1);
}

static gboolean
open_container (Scan *scan, gboolean is_object)
{
  if (scan->depth >= OUTCALL_JSON_DEPTH_MAX)
    return refuse (scan, OUTCALL_API_ERROR_TOO_DEEP, "nested too deep");
  scan->depth++;
  scan->objects = scan->objects << 1 | (is_object ? 1 : 0);
  scan->at++;
  skip_blanks (scan);
  return TRUE;
}

static void
close_container (Scan *scan)
{
  scan->at++;
  scan->depth--;
  scan->objects >>= 1;
}

/* A member's name and its colon. */
static gboolean
scan_name (Scan *scan)
{
  skip_blanks (scan);
  if (peek (scan) != '"')
    return refuse_syntax (scan, "a member's name in double quotes is expected");
  if (!scan_string (scan))
    return FALSE;
  skip_blanks (scan);
  if (peek (scan) != ':')
    return refuse_syntax (scan, "a colon is expected");
  scan->at++;
  scan->members++;
  return TRUE;
}

/* What stands before a value: nothing, or the name of the member. */
static gboolean
scan_before_value (Scan *scan)
{
  if (in_object (scan) && !scan_name (scan))
    return FALSE;
  skip_blanks (scan);
  return TRUE;
}

/* A whole value, or the beginning of a container with something in it; then
 * @out_opened is TRUE and its first value comes next. */
static gboolean
scan_value (Scan *scan, gboolean *out_opened)
{
  int byte = peek (scan);

  *out_opened = FALSE;
  if (byte == '"')
    return scan_string (scan);
  if (byte == '-' || g_ascii_isdigit (byte))
    return scan_number (scan);
  if (byte != '{' && byte != '[')
    return scan_word (scan);
  if (!open_container (scan, byte == '{'))
    return FALSE;
  if (peek (scan) == (byte == '{' ? '}' : ']'))
    close_container (scan);
  else
    *out_opened = TRUE;
  return TRUE;
}

/* After a value: closes what ends here. @out_more: a comma came, so another
 * value follows. */
static gboolean
scan_after_value (Scan *scan, gboolean *out_more)
{
  *out_more = FALSE;
  for (skip_blanks (scan); scan->depth > 0; skip_blanks (scan))
    {
      int byte = peek (scan);

      if (byte == ',')
        {
          scan->at++;
          *out_more = TRUE;
          return TRUE;
        }
      if (byte != (in_object (scan) ? '}' : ']'))
        return refuse_syntax (scan, "a comma or the end of the container is expected");
      close_container (scan);
    }
  return TRUE;
}

static gboolean
scan_text (Scan *scan)
{
  gboolean more = TRUE;
  gboolean opened;

  while (more)
    {
      if (!scan_before_value (scan) || !scan_value (scan, &opened))
        return FALSE;
      if (!opened && !scan_after_value (scan, &more))
        return FALSE;
    }
  return scan->at == scan->end || refuse_syntax (scan, "text after the value");
}

gboolean
api_scan (const char *data, gsize len, gsize *out_members, GError **error)
{
  const char *text = len > 0 ? data : ""; /* NULL is fine for nothing */
  Scan scan = { .start = text, .at = text, .end = text + len };
  const char *bad = text;

  if (len > 0 && !g_utf8_validate_len (text, len, &bad))
    {
      scan.at = bad;
      refuse (&scan, OUTCALL_API_ERROR_BAD_STRING, "a NUL, or not UTF-8");
    }
  else if (scan_text (&scan))
    {
      *out_members = scan.members;
      return TRUE;
    }
  g_set_error (error, OUTCALL_API_ERROR, scan.code, "byte %" G_GSIZE_FORMAT ": %s",
               (gsize) (scan.at - scan.start), scan.why);
  return FALSE;
}
