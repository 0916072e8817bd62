/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"

#define RANGE_MAX 100000

static void
slice (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;
  gint64 from = args[1].i, to = args[2].i;
  OcCelValue *values;

  if (from < 0 || from > to || to > list->len)
    {
      *out = oc_cel_error (OC_CEL_ERROR_RANGE, "slice is out of range");
      return;
    }
  values = oc_cel_make_list (e, (gsize) (to - from), out);
  for (gint64 i = from; values && i < to; i++)
    values[i - from] = oc_cel_list_get (list, (guint32) i);
}

static void
range (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelValue *values;

  if (args[0].i < 0 || args[0].i > RANGE_MAX)
    {
      *out = oc_cel_error (OC_CEL_ERROR_RANGE, "range is out of range");
      return;
    }
  values = oc_cel_make_list (e, (gsize) args[0].i, out);
  for (gint64 i = 0; values && i < args[0].i; i++)
    values[i] = oc_cel_int (i);
}

static void
reverse (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;
  OcCelValue *values = oc_cel_make_list (e, list->len, out);

  for (guint32 i = 0; values && i < list->len; i++)
    values[list->len - 1 - i] = oc_cel_list_get (list, i);
}

static void
first (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;

  *out = list->len > 0 ? oc_cel_make_optional (e, oc_cel_list_get (list, 0)) : oc_cel_none ();
}

static void
last (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;

  *out = list->len > 0 ? oc_cel_make_optional (e, oc_cel_list_get (list, list->len - 1))
                       : oc_cel_none ();
}

static void
distinct (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list;
  OcCelValue *values = oc_cel_make_list (e, list->len, out);
  OcCelList *result = (OcCelList *) out->list;

  if (!values)
    return;
  result->len = 0;
  for (guint32 i = 0; i < list->len && oc_cel_charge (e, 1); i++)
    if (!oc_cel_list_contains (e, result, oc_cel_list_get (list, i)))
      values[result->len++] = oc_cel_list_get (list, i);
}

/* --- flatten ------------------------------------------------------------- */

static gsize
count_flat (const OcCelList *list, gint64 depth)
{
  gsize n = 0;

  for (guint32 i = 0; i < list->len && n <= OC_CEL_MEMORY_DEFAULT; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      n += v.kind == OC_CEL_LIST && depth > 0 ? count_flat (v.list, depth - 1) : 1;
    }
  return n;
}

static OcCelValue *
put_flat (const OcCelList *list, gint64 depth, OcCelValue *p)
{
  for (guint32 i = 0; i < list->len; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      if (v.kind == OC_CEL_LIST && depth > 0)
        p = put_flat (v.list, depth - 1, p);
      else
        *p++ = v;
    }
  return p;
}

static void
flatten_depth (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelValue *values;

  if (args[1].i < 0)
    {
      *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "depth is negative");
      return;
    }
  /* Lists that hold empty lists many times over take steps too. */
  if (!oc_cel_value_fits (args[0], e->steps_left))
    {
      (void) oc_cel_charge (e, G_MAXUINT32);
      *out = oc_cel_stopped (e);
      return;
    }
  values = oc_cel_make_list (e, count_flat (args[0].list, args[1].i), out);
  if (values)
    (void) put_flat (args[0].list, args[1].i, values);
}

static void
flatten (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelValue with_depth[] = { args[0], oc_cel_int (1) };

  flatten_depth (e, with_depth, out);
}

/* --- sort ---------------------------------------------------------------- */

/* A heap sort of pairs: bounded time, no recursion, no memory. */
static void
sift (OcCelEntry *a, guint32 root, guint32 n)
{
  for (;;)
    {
      guint32 child = 2 * root + 1;
      OcCelEntry swap;

      if (child >= n)
        return;
      if (child + 1 < n && oc_cel_compare (a[child].key, a[child + 1].key) < 0)
        child++;
      if (oc_cel_compare (a[root].key, a[child].key) >= 0)
        return;
      swap = a[root];
      a[root] = a[child];
      a[child] = swap;
      root = child;
    }
}

static void
heap_sort (OcCelEntry *a, guint32 n)
{
  for (guint32 i = n / 2; i-- > 0;)
    sift (a, i, n);
  for (guint32 i = n; i-- > 1;)
    {
      OcCelEntry swap = a[0];

      a[0] = a[i];
      a[i] = swap;
      sift (a, 0, i);
    }
}

/* Sorting looks at each of them about 16 times. */
static gboolean
charge_sort (OcCelScratch *e, const OcCelList *keys, guint32 n)
{
  gsize price = n;

  for (guint32 i = 0; i < n; i++)
    {
      OcCelValue key = oc_cel_list_get (keys, i);

      if (key.kind == OC_CEL_STRING || key.kind == OC_CEL_BYTES)
        price += key.aux / OC_CEL_STEP_BYTES;
    }
  return oc_cel_charge (e, price * 16);
}

/* The list in the order of its keys, which must be of one kind that has an order. */
static void
sort_by (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const OcCelList *list = args[0].list, *keys = args[1].list;
  guint32 n = MIN (list->len, keys->len);
  OcCelValue *values = oc_cel_make_list (e, n, out);
  OcCelEntry *entries = values && charge_sort (e, keys, n)
                            ? oc_cel_alloc (e, sizeof *entries * n)
                            : NULL;

  if (!entries)
    {
      *out = oc_cel_stopped (e);
      return;
    }
  for (guint32 i = 0; i < n; i++)
    {
      entries[i] = (OcCelEntry) { oc_cel_list_get (keys, i), oc_cel_list_get (list, i) };
      if (entries[i].key.kind != entries[0].key.kind
          || oc_cel_compare (entries[i].key, entries[0].key) == 3)
        {
          *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "values of these kinds have no order");
          return;
        }
    }
  heap_sort (entries, n);
  for (guint32 i = 0; i < n; i++)
    values[i] = entries[i].value;
}

static void
sort (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelValue twice[] = { args[0], args[0] };

  sort_by (e, twice, out);
}

const OcCelDecl oc_cel_lib_lists[] = {
  { "slice", "list(A).(int, int) -> list(A)", slice },
  { "lists.range", "(int) -> list(int)", range },
  { "reverse", "list(A).() -> list(A)", reverse },
  { "first", "list(A).() -> optional_type(A)", first },
  { "last", "list(A).() -> optional_type(A)", last },
  { "distinct", "list(A).() -> list(A)", distinct },
  { "flatten", "list(list(A)).() -> list(A)", flatten },
  { "flatten", "list(dyn).(int) -> list(dyn)", flatten_depth },
  { "sort", "list(A).() -> list(A)", sort },
  { "@sortByAssociatedKeys", "list(A).(list(B)) -> list(A)", sort_by },
  { NULL, NULL, NULL },
};
