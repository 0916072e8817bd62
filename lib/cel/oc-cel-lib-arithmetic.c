/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-time.h"

static OcCelValue
overflow (void)
{
  return oc_cel_error (OC_CEL_ERROR_RANGE, "integer overflow");
}

static OcCelValue
divide_by_zero (void)
{
  return oc_cel_error (OC_CEL_ERROR_DIVIDE, "divide by zero");
}

/* --- int, uint, double --------------------------------------------------- */

#define DEFINE_CHECKED(name, field, type, make, builtin)                                           \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    type result;                                                                                   \
    *out = builtin (args[0].field, args[1].field, &result) ? overflow () : make (result);          \
  }
DEFINE_CHECKED (add_int, i, gint64, oc_cel_int, __builtin_add_overflow)
DEFINE_CHECKED (sub_int, i, gint64, oc_cel_int, __builtin_sub_overflow)
DEFINE_CHECKED (mul_int, i, gint64, oc_cel_int, __builtin_mul_overflow)
DEFINE_CHECKED (add_uint, u, guint64, oc_cel_uint, __builtin_add_overflow)
DEFINE_CHECKED (sub_uint, u, guint64, oc_cel_uint, __builtin_sub_overflow)
DEFINE_CHECKED (mul_uint, u, guint64, oc_cel_uint, __builtin_mul_overflow)

#define DEFINE_DOUBLE(name, op)                                                                    \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    *out = oc_cel_double (args[0].d op args[1].d);                                                 \
  }
DEFINE_DOUBLE (add_double, +)
DEFINE_DOUBLE (sub_double, -)
DEFINE_DOUBLE (mul_double, *)
DEFINE_DOUBLE (div_double, /)

static void
div_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  if (args[1].i == 0)
    *out = divide_by_zero ();
  else if (args[0].i == G_MININT64 && args[1].i == -1)
    *out = overflow ();
  else
    *out = oc_cel_int (args[0].i / args[1].i);
}

static void
mod_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  if (args[1].i == 0)
    *out = divide_by_zero ();
  else if (args[0].i == G_MININT64 && args[1].i == -1)
    *out = overflow ();
  else
    *out = oc_cel_int (args[0].i % args[1].i);
}

static void
div_uint (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[1].u == 0 ? divide_by_zero () : oc_cel_uint (args[0].u / args[1].u);
}

static void
mod_uint (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[1].u == 0 ? divide_by_zero () : oc_cel_uint (args[0].u % args[1].u);
}

static void
neg_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0].i == G_MININT64 ? overflow () : oc_cel_int (-args[0].i);
}

static void
neg_double (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_double (-args[0].d);
}

/* --- Strings, bytes, lists ----------------------------------------------- */

static void
concat (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gsize len = (gsize) args[0].aux + args[1].aux;
  char *data = oc_cel_charge (e, len / 256) ? oc_cel_alloc (e, len) : NULL;

  if (!data)
    {
      *out = oc_cel_stopped (e);
      return;
    }
  memcpy (data, args[0].str, args[0].aux);
  memcpy (data + args[0].aux, args[1].str, args[1].aux);
  *out = args[0].kind == OC_CEL_BYTES ? oc_cel_bytes (oc_str (data, len))
                                      : oc_cel_string (oc_str (data, len));
}

static void
concat_lists (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *a = args[0].list, *b = args[1].list;
  OcCelValue *values = oc_cel_make_list (e, (gsize) a->len + b->len, out);

  if (!values)
    return;
  for (guint32 i = 0; i < a->len; i++)
    values[i] = oc_cel_list_get (a, i);
  for (guint32 i = 0; i < b->len; i++)
    values[a->len + i] = oc_cel_list_get (b, i);
}

/* --- Times --------------------------------------------------------------- */

#define DEFINE_DURATION(name, builtin)                                                             \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    gint64 result;                                                                                 \
    *out = builtin (args[0].i, args[1].i, &result) ? oc_cel_time_range_error ()                    \
                                                   : oc_cel_duration (result);                     \
  }
DEFINE_DURATION (add_durations, __builtin_add_overflow)
DEFINE_DURATION (sub_durations, __builtin_sub_overflow)

static void
add_time (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gboolean first = args[0].kind == OC_CEL_TIMESTAMP;

  *out = oc_cel_time_add (args[first ? 0 : 1], args[first ? 1 : 0].i, FALSE);
}

static void
sub_time (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_time_add (args[0], args[1].i, TRUE);
}

static void
sub_times (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_time_difference (args[0], args[1]);
}

const OcCelDecl oc_cel_lib_arithmetic[] = {
  { "_+_", "(int, int) -> int", add_int },
  { "_+_", "(uint, uint) -> uint", add_uint },
  { "_+_", "(double, double) -> double", add_double },
  { "_+_", "(string, string) -> string", concat },
  { "_+_", "(bytes, bytes) -> bytes", concat },
  { "_+_", "(list(A), list(A)) -> list(A)", concat_lists },
  { "_+_", "(duration, duration) -> duration", add_durations },
  { "_+_", "(timestamp, duration) -> timestamp", add_time },
  { "_+_", "(duration, timestamp) -> timestamp", add_time },
  { "_-_", "(int, int) -> int", sub_int },
  { "_-_", "(uint, uint) -> uint", sub_uint },
  { "_-_", "(double, double) -> double", sub_double },
  { "_-_", "(duration, duration) -> duration", sub_durations },
  { "_-_", "(timestamp, duration) -> timestamp", sub_time },
  { "_-_", "(timestamp, timestamp) -> duration", sub_times },
  { "_*_", "(int, int) -> int", mul_int },
  { "_*_", "(uint, uint) -> uint", mul_uint },
  { "_*_", "(double, double) -> double", mul_double },
  { "_/_", "(int, int) -> int", div_int },
  { "_/_", "(uint, uint) -> uint", div_uint },
  { "_/_", "(double, double) -> double", div_double },
  { "_%_", "(int, int) -> int", mod_int },
  { "_%_", "(uint, uint) -> uint", mod_uint },
  { "-_", "(int) -> int", neg_int },
  { "-_", "(double) -> double", neg_double },
  { NULL, NULL, NULL },
};
