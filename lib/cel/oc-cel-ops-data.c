/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"
#include "cel/oc-cel-number.h"

/* --- Calls --------------------------------------------------------------- */

static gboolean
takes (const OcCelOverload *overload, const OcCelValue *args, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!(overload->masks[i] >> args[i].kind & 1))
      return FALSE;
  return TRUE;
}

/* Masks leave out failures, so they end up here too. */
static OcCelValue
refuse (const OcCelCall *call, const OcCelValue *args)
{
  OcCelValue worst = oc_cel_null ();

  for (guint i = 0; i < call->n_args; i++)
    worst = oc_cel_worse (worst, args[i]);
  return oc_cel_is_failure (worst) ? worst : oc_cel_no_overload ();
}

void
oc_cel_invoke (OcCelScratch *e, const OcCelCall *call, const OcCelValue *args, OcCelValue *out)
{
  for (guint i = 0; i < call->n; i++)
    if (takes (call->overloads[i], args, call->n_args))
      {
        if (call->overloads[i]->func)
          call->overloads[i]->func (e, args, out);
        else
          *out = oc_cel_error (OC_CEL_ERROR_NO_NAME, "function has no implementation");
        return;
      }
  *out = refuse (call, args);
}

OC_CEL_OP (call)
{
  OcCelValue result;

  e->sp -= pc->a;
  for (guint32 i = 0; i < pc->a; i++)
    if (!oc_cel_charge_text (e, e->sp[i]))
      return NULL;
  oc_cel_invoke (e, pc->data, e->sp, &result);
  return oc_cel_finish (e, pc, result);
}

/* --- Index and fields ---------------------------------------------------- */

static OcCelValue
no_such_key (void)
{
  return oc_cel_error (OC_CEL_ERROR_NO_KEY, "no such key");
}

/* @key as a list index: any number that is whole. */
static gboolean
get_index (OcCelValue key, gint64 *out)
{
  if (key.kind == OC_CEL_INT)
    *out = key.i;
  else if (key.kind == OC_CEL_UINT && key.u <= G_MAXINT64)
    *out = (gint64) key.u;
  else if (key.kind != OC_CEL_DOUBLE || !oc_cel_number_double_to_int (key.d, out)
           || (double) *out != key.d)
    return FALSE;
  return TRUE;
}

static OcCelValue
index_value (OcCelValue operand, OcCelValue key)
{
  OcCelValue v;
  gint64 i;

  if (operand.kind == OC_CEL_MAP)
    return oc_cel_map_lookup (operand.map, key, &v) ? v : no_such_key ();
  if (operand.kind != OC_CEL_LIST)
    return oc_cel_no_overload ();
  if (!get_index (key, &i))
    return oc_cel_error (OC_CEL_ERROR_ARGUMENT, "list index is not a whole number");
  if (i < 0 || i >= operand.list->len)
    return oc_cel_error (OC_CEL_ERROR_NO_KEY, "index out of bounds");
  return oc_cel_list_get (operand.list, (guint32) i);
}

/* What an operation on an optional gives: none stays none, a missing key becomes none. */
static OcCelValue
index_optional (OcCelScratch *e, OcCelValue operand, OcCelValue key)
{
  OcCelValue v;

  if (operand.kind == OC_CEL_OPTIONAL)
    {
      if (!operand.optional)
        return operand;
      operand = *operand.optional;
    }
  v = index_value (operand, key);
  if (v.kind == OC_CEL_ERROR)
    return v.aux == OC_CEL_ERROR_NO_KEY ? oc_cel_none () : v;
  return oc_cel_make_optional (e, v);
}

static const OcCelInsn *
finish_index (OcCelScratch *e, const OcCelInsn *pc, OcCelValue operand, OcCelValue key,
              gboolean optional)
{
  if (oc_cel_is_failure (operand) || oc_cel_is_failure (key))
    return oc_cel_finish (e, pc, oc_cel_worse (operand, key));
  if (!oc_cel_charge_text (e, key))
    return NULL;
  if (optional || operand.kind == OC_CEL_OPTIONAL)
    return oc_cel_finish (e, pc, index_optional (e, operand, key));
  return oc_cel_finish (e, pc, index_value (operand, key));
}

OC_CEL_OP (index)
{
  e->sp -= 2;
  return finish_index (e, pc, e->sp[0], e->sp[1], FALSE);
}

OC_CEL_OP (opt_index)
{
  e->sp -= 2;
  return finish_index (e, pc, e->sp[0], e->sp[1], TRUE);
}

/* Fields are keys of maps; a list has none, though it has indexes. */
static const OcCelInsn *
finish_select (OcCelScratch *e, const OcCelInsn *pc, gboolean optional)
{
  OcCelValue operand = *--e->sp;
  OcCelValue inner = operand;

  if (operand.kind == OC_CEL_OPTIONAL && operand.optional)
    inner = *operand.optional;
  if (inner.kind != OC_CEL_MAP && inner.kind != OC_CEL_OPTIONAL && !oc_cel_is_failure (inner))
    return oc_cel_finish (e, pc, operand.kind == OC_CEL_OPTIONAL || optional
                                     ? no_such_key ()
                                     : oc_cel_no_overload ());
  return finish_index (e, pc, operand, pc->value, optional);
}

OC_CEL_OP (select)
{
  return finish_select (e, pc, FALSE);
}

OC_CEL_OP (opt_select)
{
  return finish_select (e, pc, TRUE);
}

OC_CEL_OP (has)
{
  OcCelValue operand = *--e->sp, v;

  if (oc_cel_is_failure (operand))
    return oc_cel_finish (e, pc, operand);
  if (operand.kind == OC_CEL_OPTIONAL)
    {
      if (!operand.optional)
        return oc_cel_finish_bool (e, pc, FALSE);
      operand = *operand.optional;
    }
  if (operand.kind != OC_CEL_MAP)
    return oc_cel_finish (e, pc, oc_cel_no_overload ());
  if (!oc_cel_charge_text (e, pc->value))
    return NULL;
  return oc_cel_finish_bool (e, pc, oc_cel_map_lookup (operand.map, pc->value, &v));
}

/* --- Lists and maps ------------------------------------------------------ */

/* Of @n values on the stack the worst; NULL-kind when all are fine. */
static OcCelValue
find_worst (const OcCelValue *values, gsize n)
{
  OcCelValue worst = oc_cel_null ();

  for (gsize i = 0; i < n; i++)
    if (oc_cel_is_failure (values[i]))
      worst = oc_cel_worse (worst, values[i]);
  return worst;
}

/* What stands after a "?": the optional's value in *@v. Returns: FALSE to leave it out. */
static gboolean
unwrap (OcCelValue *v, gboolean *bad)
{
  if (v->kind != OC_CEL_OPTIONAL)
    *bad = TRUE;
  else if (v->optional)
    {
      *v = *v->optional;
      return TRUE;
    }
  return FALSE;
}

OC_CEL_OP (list)
{
  const guint8 *optional = pc->data;
  OcCelValue list, worst;
  OcCelValue *values;
  OcCelList *header;
  gboolean bad = FALSE;
  guint32 n = 0;

  e->sp -= pc->a;
  worst = find_worst (e->sp, pc->a);
  if (oc_cel_is_failure (worst))
    return oc_cel_finish (e, pc, worst);
  values = oc_cel_make_list (e, pc->a, &list);
  if (!values)
    return oc_cel_finish (e, pc, list);
  for (guint32 i = 0; i < pc->a; i++)
    {
      OcCelValue v = e->sp[i];

      if (!optional || !optional[i] || unwrap (&v, &bad))
        values[n++] = v;
    }
  header = (OcCelList *) list.list;
  header->len = n;
  return oc_cel_finish (e, pc, bad ? oc_cel_no_overload () : list);
}

static OcCelValue
build_map (OcCelScratch *e, const OcCelValue *items, guint32 n, const guint8 *optional)
{
  OcCelMap *map = oc_cel_alloc (e, sizeof *map);
  OcCelEntry *entries = oc_cel_alloc (e, sizeof *entries * n);
  const char *why;
  gboolean bad = FALSE;

  if (!map || !entries || !oc_cel_charge (e, n))
    return oc_cel_stopped (e);
  *map = (OcCelMap) { .entries = entries };
  for (guint32 i = 0; i < n; i++)
    {
      OcCelValue v = items[2 * i + 1];

      if (!optional || !optional[i] || unwrap (&v, &bad))
        entries[map->len++] = (OcCelEntry) { items[2 * i], v };
    }
  if (bad)
    return oc_cel_no_overload ();
  if (!oc_cel_charge_keys (e, map))
    return oc_cel_stopped (e);
  if (!oc_cel_map_finish (&e->arena, map, &why))
    return oc_cel_error (OC_CEL_ERROR_ARGUMENT, why);
  return oc_cel_map (map);
}

OC_CEL_OP (map)
{
  OcCelValue worst;

  e->sp -= 2 * (gsize) pc->a;
  worst = find_worst (e->sp, 2 * (gsize) pc->a);
  if (!oc_cel_is_failure (worst))
    worst = build_map (e, e->sp, pc->a, pc->data);
  return oc_cel_finish (e, pc, worst);
}
