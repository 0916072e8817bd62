/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"

static void
of (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_make_optional (e, args[0]);
}

static void
none (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_none ();
}

static gboolean
is_zero (OcCelValue v)
{
  switch ((OcCelKind) v.kind)
    {
    case OC_CEL_NULL:
      return TRUE;
    case OC_CEL_BOOL:
    case OC_CEL_INT:
    case OC_CEL_UINT:
    case OC_CEL_DURATION:
      return v.i == 0;
    case OC_CEL_DOUBLE:
      return v.d == 0;
    case OC_CEL_STRING:
    case OC_CEL_BYTES:
      return v.aux == 0;
    case OC_CEL_LIST:
      return v.list->len == 0;
    case OC_CEL_MAP:
      return v.map->len == 0;
    case OC_CEL_OPTIONAL:
      return !v.optional;
    default:
      return FALSE;
    }
}

static void
of_non_zero (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = is_zero (args[0]) ? oc_cel_none () : oc_cel_make_optional (e, args[0]);
}

static void
has_value (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (args[0].optional != NULL);
}

static void
value (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0].optional ? *args[0].optional
                          : oc_cel_error (OC_CEL_ERROR_NO_KEY, "optional.none() has no value");
}

static void
or_other (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0].optional ? args[0] : args[1];
}

static void
or_value (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = args[0].optional ? *args[0].optional : args[1];
}

/* The values of a list of optionals, without those that have none. */
static void
unwrap (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;
  OcCelValue *values = oc_cel_make_list (e, list->len, out);
  OcCelList *result = (OcCelList *) out->list;

  if (!values)
    return;
  result->len = 0;
  for (guint32 i = 0; i < list->len; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      if (v.kind != OC_CEL_OPTIONAL)
        {
          *out = oc_cel_no_overload ();
          return;
        }
      if (v.optional)
        values[result->len++] = *v.optional;
    }
}

const OcCelDecl oc_cel_lib_optional[] = {
  { "optional.of", "(A) -> optional_type(A)", of },
  { "optional.ofNonZeroValue", "(A) -> optional_type(A)", of_non_zero },
  { "optional.none", "() -> optional_type(A)", none },
  { "optional.unwrap", "(list(optional_type(A))) -> list(A)", unwrap },
  { "unwrapOpt", "list(optional_type(A)).() -> list(A)", unwrap },
  { "hasValue", "optional_type(A).() -> bool", has_value },
  { "value", "optional_type(A).() -> A", value },
  { "or", "optional_type(A).(optional_type(A)) -> optional_type(A)", or_other },
  { "orValue", "optional_type(A).(A) -> A", or_value },
  { NULL, NULL, NULL },
};
