/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"

/* Each element charges the steps of the loop's body, so the budget bounds how
 * long nested loops run. A loop that runs out of it ends the whole evaluation.
 */

OC_CEL_OP (loop_init)
{
  OcCelValue range = *--e->sp;

  if (range.kind == OC_CEL_LIST || range.kind == OC_CEL_MAP)
    {
      e->locals[pc->slot] = range;
      e->locals[pc->slot + 1] = oc_cel_int (0);
      return pc + 1;
    }
  *e->sp++ = oc_cel_is_failure (range) ? range : oc_cel_no_overload ();
  return pc + pc->jump;
}

static guint32
get_len (OcCelValue range)
{
  return range.kind == OC_CEL_LIST ? range.list->len : range.map->len;
}

OC_CEL_OP (loop_next)
{
  OcCelValue *local = e->locals + pc->slot;
  guint32 i = (guint32) local[1].i;
  gboolean two = pc->a == 2;

  if (i >= get_len (local[0]))
    return pc + pc->jump;
  if (!oc_cel_charge (e, pc->b))
    return NULL;
  local[1].i++;
  if (local[0].kind == OC_CEL_LIST)
    {
      if (two)
        local[2] = oc_cel_int (i);
      local[2 + two] = oc_cel_list_get (local[0].list, i);
    }
  else
    {
      local[2] = oc_cel_map_get_key (local[0].map, i);
      if (two)
        local[3] = oc_cel_map_get_value (local[0].map, i);
    }
  return pc + 1;
}

/* --- Results that are lists and maps ------------------------------------- */

OC_CEL_OP (loop_list)
{
  OcCelValue list;
  OcCelList *header;

  if (!oc_cel_make_list (e, get_len (e->locals[pc->slot]), &list))
    return NULL;
  header = (OcCelList *) list.list;
  header->len = 0;
  *e->sp++ = list;
  return pc + 1;
}

OC_CEL_OP (loop_append)
{
  OcCelValue v = *--e->sp;
  OcCelList *list = (OcCelList *) e->sp[-1].list;

  if (oc_cel_is_failure (v))
    {
      e->sp[-1] = v;
      return pc + pc->jump;
    }
  ((OcCelValue *) list->values)[list->len++] = v;
  return pc + 1;
}

/* A map under construction. */
typedef struct
{
  OcCelMap map;
  guint32 room;
} MapBuilder;

OC_CEL_OP (loop_map)
{
  MapBuilder *builder = oc_cel_alloc (e, sizeof *builder);
  guint32 room = get_len (e->locals[pc->slot]);
  OcCelEntry *entries = oc_cel_alloc (e, sizeof *entries * room);

  if (!builder || !entries)
    return NULL;
  *builder = (MapBuilder) { .map = { .entries = entries }, .room = room };
  *e->sp++ = oc_cel_map (&builder->map);
  return pc + 1;
}

static gboolean
add_entry (OcCelScratch *e, MapBuilder *builder, OcCelValue key, OcCelValue value)
{
  OcCelEntry *entries = (OcCelEntry *) builder->map.entries;

  if (builder->map.len == builder->room)
    {
      guint32 room = MAX (builder->room, 4) * 2;

      entries = oc_cel_alloc (e, sizeof *entries * room);
      if (!entries || !oc_cel_charge (e, builder->room))
        return FALSE;
      memcpy (entries, builder->map.entries, sizeof *entries * builder->map.len);
      builder->map.entries = entries;
      builder->room = room;
    }
  entries[builder->map.len++] = (OcCelEntry) { key, value };
  return TRUE;
}

OC_CEL_OP (loop_entry)
{
  OcCelValue v = *--e->sp;

  if (oc_cel_is_failure (v))
    {
      e->sp[-1] = v;
      return pc + pc->jump;
    }
  if (!add_entry (e, (MapBuilder *) e->sp[-1].map, e->locals[pc->slot + 2], v))
    return NULL;
  return pc + 1;
}

OC_CEL_OP (loop_merge)
{
  OcCelValue v = *--e->sp;

  if (v.kind != OC_CEL_MAP)
    {
      e->sp[-1] = oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
      return pc + pc->jump;
    }
  if (!oc_cel_charge (e, v.map->len))
    return NULL;
  for (guint32 i = 0; i < v.map->len; i++)
    if (!add_entry (e, (MapBuilder *) e->sp[-1].map, oc_cel_map_get_key (v.map, i),
                    oc_cel_map_get_value (v.map, i)))
      return NULL;
  return pc + 1;
}

OC_CEL_OP (loop_map_end)
{
  OcCelValue v = *--e->sp;
  const char *why;

  if (v.kind == OC_CEL_MAP && !oc_cel_charge_keys (e, v.map))
    return NULL;
  if (v.kind == OC_CEL_MAP && !oc_cel_map_finish (&e->arena, (OcCelMap *) v.map, &why))
    v = oc_cel_error (OC_CEL_ERROR_ARGUMENT, why);
  return oc_cel_finish (e, pc, v);
}

OC_CEL_OP (loop_filter)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_BOOL)
    return v.i ? pc + 1 : pc + pc->jump;
  e->sp[-1] = oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
  return pc + pc->slot;
}

/* --- exists_one ---------------------------------------------------------- */

OC_CEL_OP (loop_count)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_BOOL)
    {
      e->sp[-1].i += v.i;
      return pc + 1;
    }
  e->sp[-1] = oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
  return pc + pc->jump;
}

OC_CEL_OP (loop_one)
{
  OcCelValue v = *--e->sp;

  return oc_cel_finish (e, pc, v.kind == OC_CEL_INT ? oc_cel_bool (v.i == 1) : v);
}

/* --- Optionals ----------------------------------------------------------- */

OC_CEL_OP (opt_begin)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_OPTIONAL && v.optional)
    {
      e->locals[pc->slot] = *v.optional;
      return pc + 1;
    }
  *e->sp++ = v.kind == OC_CEL_OPTIONAL || oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
  return pc + pc->jump;
}

OC_CEL_OP (opt_wrap)
{
  OcCelValue v = *--e->sp;

  return oc_cel_finish (e, pc, oc_cel_is_failure (v) ? v : oc_cel_make_optional (e, v));
}

OC_CEL_OP (opt_or)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_OPTIONAL && !v.optional)
    return pc + 1;
  if (v.kind == OC_CEL_OPTIONAL)
    *e->sp++ = pc->a ? v : *v.optional;
  else
    *e->sp++ = oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
  return pc + pc->jump;
}

OC_CEL_OP (opt_check)
{
  OcCelValue v = *--e->sp;
  gboolean good = v.kind == OC_CEL_OPTIONAL || oc_cel_is_failure (v);

  return oc_cel_finish (e, pc, good ? v : oc_cel_no_overload ());
}
