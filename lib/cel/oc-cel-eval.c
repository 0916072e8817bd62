/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"
#include "cel/oc-cel-regex.h"

#define STACK_FIRST 64

/* --- Scratch memory ------------------------------------------------------ */

OcCelScratch *
oc_cel_scratch_new (void)
{
  OcCelScratch *e = g_new0 (OcCelScratch, 1);

  e->stack_len = STACK_FIRST;
  e->stack = g_new (OcCelValue, e->stack_len);
  oc_cel_scratch_set_limits (e, 0, 0);
  return e;
}

void
oc_cel_scratch_free (OcCelScratch *e)
{
  if (!e)
    return;
  oc_cel_regex_clear_scratch (e);
  oc_cel_zones_clear (&e->zones);
  oc_cel_arena_clear (&e->arena);
  g_free (e->stack);
  g_free (e);
}

void
oc_cel_scratch_set_limits (OcCelScratch *e, guint32 steps, gsize memory_bytes)
{
  e->steps_max = steps ? steps : OC_CEL_STEPS_DEFAULT;
  e->arena.max = memory_bytes ? memory_bytes : OC_CEL_MEMORY_DEFAULT;
}

/* --- Budgets ------------------------------------------------------------- */

static void
stop (OcCelScratch *e, OcCelErrorCode code, const char *text)
{
  if (!e->stopped)
    e->stop_error = oc_cel_error (code, text);
  e->stopped = TRUE;
  e->steps_left = 0;
}

gboolean
oc_cel_charge (OcCelScratch *e, gsize n)
{
  if (n <= e->steps_left)
    {
      e->steps_left -= (guint32) n;
      return TRUE;
    }
  stop (e, OC_CEL_ERROR_STEPS, "step budget used up");
  return FALSE;
}

gboolean
oc_cel_charge_keys (OcCelScratch *e, const OcCelMap *map)
{
  for (guint32 i = 0; i < map->len; i++)
    if (!oc_cel_charge_text (e, oc_cel_map_get_key (map, i)))
      return FALSE;
  return TRUE;
}

void *
oc_cel_alloc (OcCelScratch *e, gsize size)
{
  void *p = oc_cel_arena_alloc (&e->arena, size);

  if (!p)
    stop (e, OC_CEL_ERROR_MEMORY, "memory budget used up");
  return p;
}

OcCelValue
oc_cel_stopped (OcCelScratch *e)
{
  return e->stop_error;
}

/* --- Helpers of functions ------------------------------------------------ */

OcCelValue
oc_cel_no_overload (void)
{
  return oc_cel_error (OC_CEL_ERROR_NO_OVERLOAD, "no such overload");
}

OcCelValue
oc_cel_worse (OcCelValue a, OcCelValue b)
{
  if (a.kind == OC_CEL_UNKNOWN || !oc_cel_is_failure (b))
    return a;
  return b.kind == OC_CEL_UNKNOWN || !oc_cel_is_failure (a) ? b : a;
}

OcCelValue
oc_cel_make_string (OcCelScratch *e, const char *data, gsize len)
{
  char *copy = oc_cel_alloc (e, len);

  if (!copy)
    return oc_cel_stopped (e);
  if (len > 0)
    memcpy (copy, data, len);
  return oc_cel_string (oc_str (copy, len));
}

OcCelValue *
oc_cel_make_list (OcCelScratch *e, gsize len, OcCelValue *out)
{
  OcCelList *list = oc_cel_alloc (e, sizeof *list);
  OcCelValue *values = list && len <= e->arena.max ? oc_cel_alloc (e, sizeof *values * len) : NULL;

  if (!values || !oc_cel_charge (e, len))
    {
      stop (e, OC_CEL_ERROR_MEMORY, "memory budget used up");
      *out = oc_cel_stopped (e);
      return NULL;
    }
  *list = (OcCelList) { .len = (guint32) len, .values = values };
  *out = oc_cel_list (list);
  return values;
}

OcCelValue
oc_cel_none (void)
{
  return (OcCelValue) { .kind = OC_CEL_OPTIONAL };
}

OcCelValue
oc_cel_make_optional (OcCelScratch *e, OcCelValue v)
{
  OcCelValue *inner = oc_cel_alloc (e, sizeof *inner);

  if (!inner)
    return oc_cel_stopped (e);
  *inner = v;
  return (OcCelValue) { .kind = OC_CEL_OPTIONAL, .optional = inner };
}

gboolean
oc_cel_equal (OcCelScratch *e, OcCelValue a, OcCelValue b)
{
  gboolean same;

  if (a.kind != OC_CEL_LIST && a.kind != OC_CEL_MAP && a.kind != OC_CEL_OPTIONAL)
    return oc_cel_charge_text (e, a) && oc_cel_value_equal (a, b);
  same = oc_cel_equal_steps (a, b, &e->steps_left);
  if (e->steps_left == 0)
    (void) oc_cel_charge (e, 1);
  return same;
}

gboolean
oc_cel_list_contains (OcCelScratch *e, const OcCelList *list, OcCelValue v)
{
  if (!oc_cel_charge (e, list->len / 4))
    return FALSE;
  for (guint32 i = 0; i < list->len; i++)
    if (oc_cel_equal (e, oc_cel_list_get (list, i), v))
      return TRUE;
  return FALSE;
}

static gboolean
take_value (OcCelValue v, guint32 *left)
{
  gboolean fits = *left > 0;

  *left -= fits;
  if (v.kind == OC_CEL_OPTIONAL && v.optional)
    return fits && take_value (*v.optional, left);
  if (v.kind == OC_CEL_LIST)
    for (guint32 i = 0; i < v.list->len && fits; i++)
      fits = take_value (oc_cel_list_get (v.list, i), left);
  if (v.kind == OC_CEL_MAP)
    for (guint32 i = 0; i < v.map->len && fits; i++)
      fits = take_value (oc_cel_map_get_key (v.map, i), left)
             && take_value (oc_cel_map_get_value (v.map, i), left);
  return fits;
}

gboolean
oc_cel_value_fits (OcCelValue v, guint32 max)
{
  return take_value (v, &max);
}

OcCelValue
oc_cel_scratch_keep (OcCelScratch *e, OcCelValue v)
{
  gsize max = e->arena.max;

  if (!oc_cel_value_fits (v, OC_CEL_STEPS_DEFAULT))
    return oc_cel_error (OC_CEL_ERROR_MEMORY, "memory budget used up");
  e->arena.max = 0;
  v = oc_cel_value_copy (&e->arena, v);
  e->arena.max = max;
  return v;
}

/* --- Running ------------------------------------------------------------- */

static void
grow_stack (OcCelScratch *e, guint32 wanted)
{
  g_free (e->stack);
  e->stack_len = MAX (wanted, e->stack_len * 2);
  e->stack = g_new (OcCelValue, e->stack_len);
}

void
oc_cel_code_run (const OcCelCode *code, const OcCelValue *slots, OcCelScratch *e, OcCelValue *out)
{
  const OcCelInsn *pc = code->insns;

  if (G_UNLIKELY (code->max_stack + code->n_locals > e->stack_len))
    grow_stack (e, code->max_stack + code->n_locals);
  if (G_UNLIKELY (e->arena.total > 0))
    oc_cel_arena_reset (&e->arena);
  e->slots = slots;
  e->locals = e->stack;
  e->sp = e->stack + code->n_locals;
  e->steps_left = e->steps_max;
  e->stopped = FALSE;
  do
    pc = pc->op (e, pc);
  while (pc);
  *out = G_UNLIKELY (e->stopped) ? e->stop_error : e->sp[-1];
}
