/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-number.h"

#include <math.h>
#include <stdio.h>

/* Longer texts of doubles are refused; no meaningful one needs it. */
#define DOUBLE_TEXT_MAX 512
#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

gboolean
oc_cel_number_parse_uint (OcStr text, gboolean hex, guint64 *out)
{
  guint base = 10;
  guint64 value = 0;

  if (hex && text.len > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
    {
      base = 16;
      text = oc_str (text.data + 2, text.len - 2);
    }
  if (text.len == 0)
    return FALSE;
  for (gsize i = 0; i < text.len; i++)
    {
      int digit = g_ascii_xdigit_value (text.data[i]);

      if (digit < 0 || digit >= (int) base || __builtin_mul_overflow (value, base, &value)
          || __builtin_add_overflow (value, (guint) digit, &value))
        return FALSE;
    }
  *out = value;
  return TRUE;
}

gboolean
oc_cel_number_parse_int (OcStr text, gint64 *out)
{
  gboolean negative = text.len > 0 && text.data[0] == '-';
  guint64 magnitude;

  if (text.len > 0 && (negative || text.data[0] == '+'))
    text = oc_str (text.data + 1, text.len - 1);
  if (!oc_cel_number_parse_uint (text, FALSE, &magnitude)
      || magnitude > (guint64) G_MAXINT64 + negative)
    return FALSE;
  *out = negative ? (gint64) -magnitude : (gint64) magnitude;
  return TRUE;
}

static gboolean
parse_special (OcStr text, double *out)
{
  gboolean negative = text.len > 0 && text.data[0] == '-';

  if (text.len > 0 && (negative || text.data[0] == '+'))
    text = oc_str (text.data + 1, text.len - 1);
  if (oc_str_equal_nocase (text, OC_STR ("nan")))
    *out = NAN;
  else if (oc_str_equal_nocase (text, OC_STR ("infinity")) || oc_str_equal_nocase (text, OC_STR ("inf")))
    *out = negative ? -INFINITY : INFINITY;
  else
    return FALSE;
  return TRUE;
}

gboolean
oc_cel_number_parse_double (OcStr text, gboolean special, double *out)
{
  char buf[DOUBLE_TEXT_MAX + 1];
  char *end;
  double d;

  if (special && parse_special (text, out))
    return TRUE;
  if (text.len == 0 || text.len > DOUBLE_TEXT_MAX)
    return FALSE;
  /* What strtod() also reads: hexadecimal, blanks, names. */
  for (gsize i = 0; i < text.len; i++)
    if (!g_ascii_isdigit (text.data[i]) && !(text.data[i] && strchr ("+-.eE", text.data[i])))
      return FALSE;
  memcpy (buf, text.data, text.len);
  buf[text.len] = '\0';
  d = g_ascii_strtod (buf, &end);
  if (end != buf + text.len || isinf (d))
    return FALSE;
  *out = d;
  return TRUE;
}

gsize
oc_cel_number_format_double (double d, char *buf)
{
  int exponent;

  if (isnan (d) || isinf (d))
    return g_strlcpy (buf, isnan (d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity",
                      OC_CEL_NUMBER_TEXT_MAX);
  for (int precision = 1; precision <= 17; precision++)
    {
      (void) snprintf (buf, OC_CEL_NUMBER_TEXT_MAX, "%.*e", precision - 1, d);
      if (g_ascii_strtod (buf, NULL) == d)
        {
          exponent = (int) g_ascii_strtoll (strchr (buf, 'e') + 1, NULL, 10);
          if (exponent >= -4 && exponent < 21)
            (void) snprintf (buf, OC_CEL_NUMBER_TEXT_MAX, "%.*f", MAX (precision - 1 - exponent, 0),
                             d);
          break;
        }
    }
  return strlen (buf);
}

static int
compare_int_uint (gint64 i, guint64 u)
{
  if (i < 0)
    return -1;
  return ((guint64) i > u) - ((guint64) i < u);
}

/* The specification compares across kinds as doubles; only what no integer can be
 * near to is told apart first. */
static int
compare_doubles (double a, double b)
{
  return (a > b) - (a < b);
}

static int
compare_double_int (double d, gint64 i)
{
  if (isnan (d))
    return 2;
  if (d > TWO_63 || d < -TWO_63)
    return d > 0 ? 1 : -1;
  return compare_doubles (d, (double) i);
}

static int
compare_double_uint (double d, guint64 u)
{
  if (isnan (d))
    return 2;
  if (d > TWO_64 || d < 0)
    return d > 0 ? 1 : -1;
  return compare_doubles (d, (double) u);
}

static int
negate (int order)
{
  return order == 2 ? 2 : -order;
}

static int
compare_double (double d, OcCelValue b)
{
  if (b.kind == OC_CEL_INT)
    return compare_double_int (d, b.i);
  if (b.kind == OC_CEL_UINT)
    return compare_double_uint (d, b.u);
  if (isnan (d) || isnan (b.d))
    return 2;
  return compare_doubles (d, b.d);
}

int
oc_cel_number_compare (OcCelValue a, OcCelValue b)
{
  if (a.kind == OC_CEL_DOUBLE)
    return compare_double (a.d, b);
  if (b.kind == OC_CEL_DOUBLE)
    return negate (compare_double (b.d, a));
  if (a.kind == b.kind)
    return a.kind == OC_CEL_INT ? (a.i > b.i) - (a.i < b.i) : (a.u > b.u) - (a.u < b.u);
  return a.kind == OC_CEL_INT ? compare_int_uint (a.i, b.u) : -compare_int_uint (b.i, a.u);
}

gboolean
oc_cel_number_double_to_int (double d, gint64 *out)
{
  if (isnan (d) || d <= -TWO_63 || d >= TWO_63)
    return FALSE;
  *out = (gint64) d;
  return TRUE;
}

gboolean
oc_cel_number_double_to_uint (double d, guint64 *out)
{
  if (isnan (d) || d <= -1 || d >= TWO_64)
    return FALSE;
  *out = (guint64) d;
  return d >= 0;
}
