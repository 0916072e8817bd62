/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-number.h"
#include "cel/oc-cel-time.h"

#include <stdio.h>

static OcCelValue
range_error (void)
{
  return oc_cel_error (OC_CEL_ERROR_RANGE, "number is out of range of the type");
}

static OcCelValue
text_error (void)
{
  return oc_cel_error (OC_CEL_ERROR_ARGUMENT, "text can't be converted");
}

static void
identity (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0];
}

static void
type_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = (OcCelValue) { .kind = OC_CEL_TYPE, .type = oc_cel_value_get_type (args[0]) };
}

static void
bool_of_string (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  static const char *const words[]
      = { "0", "1", "f", "t", "F", "T", "false", "true", "FALSE", "TRUE", "False", "True" };

  *out = text_error ();
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (oc_str_equal (oc_cel_value_get_str (args[0]), oc_str_from (words[i])))
      *out = oc_cel_bool (i % 2);
}

/* --- int and uint -------------------------------------------------------- */

static void
int_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gint64 i;

  switch (args[0].kind)
    {
    case OC_CEL_UINT:
      *out = args[0].u <= G_MAXINT64 ? oc_cel_int ((gint64) args[0].u) : range_error ();
      break;
    case OC_CEL_DOUBLE:
      *out = oc_cel_number_double_to_int (args[0].d, &i) ? oc_cel_int (i) : range_error ();
      break;
    case OC_CEL_STRING:
      *out = oc_cel_number_parse_int (oc_cel_value_get_str (args[0]), &i) ? oc_cel_int (i)
                                                                           : text_error ();
      break;
    default: /* INT, TIMESTAMP */
      *out = oc_cel_int (args[0].i);
      break;
    }
}

static void
uint_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  guint64 u;

  switch (args[0].kind)
    {
    case OC_CEL_INT:
      *out = args[0].i >= 0 ? oc_cel_uint ((guint64) args[0].i) : range_error ();
      break;
    case OC_CEL_DOUBLE:
      *out = oc_cel_number_double_to_uint (args[0].d, &u) ? oc_cel_uint (u) : range_error ();
      break;
    case OC_CEL_STRING:
      *out = oc_cel_number_parse_uint (oc_cel_value_get_str (args[0]), FALSE, &u)
                 ? oc_cel_uint (u)
                 : text_error ();
      break;
    default:
      *out = args[0];
      break;
    }
}

static void
double_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  double d;

  switch (args[0].kind)
    {
    case OC_CEL_INT:
      *out = oc_cel_double ((double) args[0].i);
      break;
    case OC_CEL_UINT:
      *out = oc_cel_double ((double) args[0].u);
      break;
    case OC_CEL_STRING:
      *out = oc_cel_number_parse_double (oc_cel_value_get_str (args[0]), TRUE, &d)
                 ? oc_cel_double (d)
                 : text_error ();
      break;
    default:
      *out = args[0];
      break;
    }
}

/* --- string and bytes ---------------------------------------------------- */

static gboolean
is_utf8 (OcStr s)
{
  const char *p = s.data, *end = s.data + s.len;

  while (p < end && !g_utf8_validate_len (p, (gsize) (end - p), &p))
    {
      if (*p != '\0')
        return FALSE;
      p++;
    }
  return TRUE;
}

static void
string_of_bytes (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcStr s = oc_cel_value_get_str (args[0]);

  *out = is_utf8 (s) ? oc_cel_string (s)
                     : oc_cel_error (OC_CEL_ERROR_ARGUMENT, "bytes are not UTF-8");
}

static void
bytes_of_string (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0];
  out->kind = OC_CEL_BYTES;
}

static void
string_of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  char buf[MAX (OC_CEL_TIME_TEXT_MAX, OC_CEL_NUMBER_TEXT_MAX)];
  gsize len;

  switch (args[0].kind)
    {
    case OC_CEL_BOOL:
      *out = oc_cel_string (args[0].i ? OC_STR ("true") : OC_STR ("false"));
      return;
    case OC_CEL_INT:
      len = (gsize) snprintf (buf, sizeof buf, "%" G_GINT64_FORMAT, args[0].i);
      break;
    case OC_CEL_UINT:
      len = (gsize) snprintf (buf, sizeof buf, "%" G_GUINT64_FORMAT, args[0].u);
      break;
    case OC_CEL_DOUBLE:
      len = oc_cel_number_format_double (args[0].d, buf);
      break;
    case OC_CEL_TIMESTAMP:
      len = oc_cel_time_format (args[0], buf);
      break;
    case OC_CEL_DURATION:
      len = oc_cel_duration_format (args[0], buf);
      break;
    default:
      *out = args[0];
      return;
    }
  *out = oc_cel_make_string (e, buf, len);
}

/* --- Times --------------------------------------------------------------- */

static void
timestamp_of_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_time_make (args[0].i, 0);
}

static void
timestamp_of_string (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_time_parse (oc_cel_value_get_str (args[0]));
}

static void
duration_of_string (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_duration_parse (oc_cel_value_get_str (args[0]));
}

const OcCelDecl oc_cel_lib_convert[] = {
  { "type", "(A) -> type(A)", type_of },
  { "dyn", "(A) -> dyn", identity },
  { "bool", "(bool) -> bool", identity },
  { "bool", "(string) -> bool", bool_of_string },
  { "bytes", "(bytes) -> bytes", identity },
  { "bytes", "(string) -> bytes", bytes_of_string },
  { "double", "(double) -> double", identity },
  { "double", "(int) -> double", double_of },
  { "double", "(uint) -> double", double_of },
  { "double", "(string) -> double", double_of },
  { "duration", "(duration) -> duration", identity },
  { "duration", "(string) -> duration", duration_of_string },
  { "int", "(int) -> int", identity },
  { "int", "(uint) -> int", int_of },
  { "int", "(double) -> int", int_of },
  { "int", "(string) -> int", int_of },
  { "int", "(timestamp) -> int", int_of },
  { "string", "(string) -> string", identity },
  { "string", "(bool) -> string", string_of },
  { "string", "(int) -> string", string_of },
  { "string", "(uint) -> string", string_of },
  { "string", "(double) -> string", string_of },
  { "string", "(bytes) -> string", string_of_bytes },
  { "string", "(timestamp) -> string", string_of },
  { "string", "(duration) -> string", string_of },
  { "timestamp", "(timestamp) -> timestamp", identity },
  { "timestamp", "(int) -> timestamp", timestamp_of_int },
  { "timestamp", "(string) -> timestamp", timestamp_of_string },
  { "uint", "(uint) -> uint", identity },
  { "uint", "(int) -> uint", uint_of },
  { "uint", "(double) -> uint", uint_of },
  { "uint", "(string) -> uint", uint_of },
  { NULL, NULL, NULL },
};
