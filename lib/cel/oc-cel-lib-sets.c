/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"

/* Lists seen as sets. */

static gboolean
contains_all (OcCelScratch *e, const OcCelList *list, const OcCelList *wanted)
{
  for (guint32 i = 0; i < wanted->len; i++)
    if (!oc_cel_charge (e, 1) || !oc_cel_list_contains (e, list, oc_cel_list_get (wanted, i)))
      return FALSE;
  return TRUE;
}

static void
contains (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (contains_all (e, args[0].list, args[1].list));
}

static void
equivalent (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (contains_all (e, args[0].list, args[1].list)
                      && contains_all (e, args[1].list, args[0].list));
}

static void
intersects (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[1].list;
  gboolean found = FALSE;

  for (guint32 i = 0; i < list->len && !found && oc_cel_charge (e, 1); i++)
    found = oc_cel_list_contains (e, args[0].list, oc_cel_list_get (list, i));
  *out = oc_cel_bool (found);
}

const OcCelDecl oc_cel_lib_sets[] = {
  { "sets.contains", "(list(A), list(A)) -> bool", contains },
  { "sets.equivalent", "(list(A), list(A)) -> bool", equivalent },
  { "sets.intersects", "(list(A), list(A)) -> bool", intersects },
  { NULL, NULL, NULL },
};
