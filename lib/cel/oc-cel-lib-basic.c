/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-regex.h"
#include "cel/oc-cel-utf8.h"

/* What compiling a pattern takes from the budget. */
#define COMPILE_STEPS 500

static void
size (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  switch (args[0].kind)
    {
    case OC_CEL_STRING:
      *out = oc_cel_int ((gint64) oc_cel_utf8_count (oc_cel_value_get_str (args[0])));
      break;
    case OC_CEL_BYTES:
      *out = oc_cel_int (args[0].aux);
      break;
    case OC_CEL_LIST:
      *out = oc_cel_int (args[0].list->len);
      break;
    default:
      *out = oc_cel_int (args[0].map->len);
      break;
    }
}

static void
starts_with (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (
      oc_str_has_prefix (oc_cel_value_get_str (args[0]), oc_cel_value_get_str (args[1])));
}

static void
ends_with (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (
      oc_str_has_suffix (oc_cel_value_get_str (args[0]), oc_cel_value_get_str (args[1])));
}

static void
contains (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (memmem (args[0].str, args[0].aux, args[1].str, args[1].aux) != NULL);
}

/* With a pattern that isn't constant; constant ones are compiled with the program. */
static void
matches (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const char *why;
  gsize position;
  OcCelRegex *regex;

  if (!oc_cel_charge (e, COMPILE_STEPS + args[1].aux))
    {
      *out = oc_cel_stopped (e);
      return;
    }
  regex = oc_cel_regex_new (oc_cel_value_get_str (args[1]), &why, &position);
  if (!regex)
    {
      *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, why);
      return;
    }
  *out = oc_cel_regex_match (e, regex, oc_cel_value_get_str (args[0]));
  oc_cel_regex_free (regex);
}

const OcCelDecl oc_cel_lib_basic[] = {
  { "size", "(string) -> int", size },
  { "size", "(bytes) -> int", size },
  { "size", "(list(A)) -> int", size },
  { "size", "(map(A, B)) -> int", size },
  { "size", "string.() -> int", size },
  { "size", "bytes.() -> int", size },
  { "size", "list(A).() -> int", size },
  { "size", "map(A, B).() -> int", size },
  { "startsWith", "string.(string) -> bool", starts_with },
  { "endsWith", "string.(string) -> bool", ends_with },
  { "contains", "string.(string) -> bool", contains },
  { "matches", "string.(string) -> bool", matches },
  { "matches", "(string, string) -> bool", matches },
  { NULL, NULL, NULL },
};
