/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-number.h"

#include <math.h>

/* --- Least and greatest -------------------------------------------------- */

static void
extreme (const OcCelValue *args, int wanted, OcCelValue *out)
{
  const OcCelList *list = args[0].list;

  *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "the list is empty");
  for (guint32 i = 0; i < list->len; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      if (!oc_cel_kind_is_number (v.kind))
        {
          *out = oc_cel_no_overload ();
          return;
        }
      if (i == 0 || oc_cel_number_compare (v, *out) == wanted)
        *out = v;
    }
}

static void
greatest (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  extreme (args, 1, out);
}

static void
least (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  extreme (args, -1, out);
}

static void
identity (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0];
}

/* --- Doubles ------------------------------------------------------------- */

#define DEFINE_DOUBLE(name, expression)                                                            \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    double d = args[0].d;                                                                          \
    *out = expression;                                                                             \
  }
DEFINE_DOUBLE (ceil_double, oc_cel_double (ceil (d)))
DEFINE_DOUBLE (floor_double, oc_cel_double (floor (d)))
DEFINE_DOUBLE (round_double, oc_cel_double (round (d)))
DEFINE_DOUBLE (trunc_double, oc_cel_double (trunc (d)))
DEFINE_DOUBLE (abs_double, oc_cel_double (fabs (d)))
DEFINE_DOUBLE (sqrt_double, oc_cel_double (sqrt (d)))
DEFINE_DOUBLE (sign_double, oc_cel_double (isnan (d) ? d : (d > 0) - (d < 0)))
DEFINE_DOUBLE (is_nan, oc_cel_bool (isnan (d)))
DEFINE_DOUBLE (is_inf, oc_cel_bool (isinf (d)))
DEFINE_DOUBLE (is_finite, oc_cel_bool (isfinite (d)))

static void
sqrt_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_double (sqrt ((double) args[0].i));
}

static void
sqrt_uint (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_double (sqrt ((double) args[0].u));
}

/* --- Integers ------------------------------------------------------------ */

static void
abs_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0].i == G_MININT64 ? oc_cel_error (OC_CEL_ERROR_RANGE, "integer overflow")
                                 : oc_cel_int (ABS (args[0].i));
}

static void
sign_int (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int ((args[0].i > 0) - (args[0].i < 0));
}

static void
sign_uint (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_uint (args[0].u > 0);
}

/* The same for int and uint, whose kind the result keeps. */
#define DEFINE_BITS(name, expression)                                                              \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    *out = args[0];                                                                                \
    out->u = expression;                                                                           \
  }
DEFINE_BITS (bit_and, args[0].u & args[1].u)
DEFINE_BITS (bit_or, args[0].u | args[1].u)
DEFINE_BITS (bit_xor, args[0].u ^ args[1].u)
DEFINE_BITS (bit_not, ~args[0].u)

static void
shift (const OcCelValue *args, gboolean left, OcCelValue *out)
{
  guint64 u = args[0].u;

  *out = args[0];
  if (args[1].i < 0)
    *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "negative shift");
  else if (args[1].i > 63)
    out->u = 0;
  else
    out->u = left ? u << args[1].i : u >> args[1].i;
}

static void
shift_left (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  shift (args, TRUE, out);
}

/* Zeros come in from the left for negative numbers too. */
static void
shift_right (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  shift (args, FALSE, out);
}

#define EXTREME(name, func)                                                                        \
  { name, "(int) -> int", identity }, { name, "(uint) -> uint", identity },                        \
      { name, "(double) -> double", identity }, { name, "(list(int)) -> int", func },              \
      { name, "(list(uint)) -> uint", func }, { name, "(list(double)) -> double", func }
#define BITS(name, func)                                                                           \
  { name, "(int, int) -> int", func }, { name, "(uint, uint) -> uint", func }

const OcCelDecl oc_cel_lib_math[] = {
  EXTREME ("math.greatest", greatest),
  EXTREME ("math.least", least),
  { "math.ceil", "(double) -> double", ceil_double },
  { "math.floor", "(double) -> double", floor_double },
  { "math.round", "(double) -> double", round_double },
  { "math.trunc", "(double) -> double", trunc_double },
  { "math.isNaN", "(double) -> bool", is_nan },
  { "math.isInf", "(double) -> bool", is_inf },
  { "math.isFinite", "(double) -> bool", is_finite },
  { "math.sqrt", "(double) -> double", sqrt_double },
  { "math.sqrt", "(int) -> double", sqrt_int },
  { "math.sqrt", "(uint) -> double", sqrt_uint },
  { "math.abs", "(int) -> int", abs_int },
  { "math.abs", "(uint) -> uint", identity },
  { "math.abs", "(double) -> double", abs_double },
  { "math.sign", "(int) -> int", sign_int },
  { "math.sign", "(uint) -> uint", sign_uint },
  { "math.sign", "(double) -> double", sign_double },
  BITS ("math.bitAnd", bit_and),
  BITS ("math.bitOr", bit_or),
  BITS ("math.bitXor", bit_xor),
  { "math.bitNot", "(int) -> int", bit_not },
  { "math.bitNot", "(uint) -> uint", bit_not },
  { "math.bitShiftLeft", "(int, int) -> int", shift_left },
  { "math.bitShiftLeft", "(uint, int) -> uint", shift_left },
  { "math.bitShiftRight", "(int, int) -> int", shift_right },
  { "math.bitShiftRight", "(uint, int) -> uint", shift_right },
  { NULL, NULL, NULL },
};
