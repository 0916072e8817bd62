/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"

/* Below this many strings comparing lengths and bytes is faster than hashing. */
#define TABLE_MIN 10

static guint32
hash (OcStr s)
{
  return oc_cel_value_hash (oc_cel_string (s));
}

static const guint32 *
build_table (OcCelArena *arena, const OcStr *items, guint32 n, guint32 *out_mask)
{
  guint32 size = 32;
  guint32 *table;

  while (size < n * 2)
    size *= 2;
  table = oc_cel_arena_new (arena, guint32, size);
  *out_mask = size - 1;
  for (guint32 i = 0; i < n; i++)
    {
      guint32 place = hash (items[i]) & *out_mask;

      while (table[place] != 0)
        place = (place + 1) & *out_mask;
      table[place] = i + 1;
    }
  return table;
}

const OcCelStrSet *
oc_cel_str_set_new (OcCelArena *arena, const OcCelList *list)
{
  OcCelStrSet *set = oc_cel_arena_new (arena, OcCelStrSet, 1);
  OcStr *items = oc_cel_arena_new (arena, OcStr, list->len);

  for (guint32 i = 0; i < list->len; i++)
    items[i] = oc_cel_arena_dup_str (arena, oc_cel_value_get_str (oc_cel_list_get (list, i)));
  set->n = list->len;
  set->items = items;
  if (set->n >= TABLE_MIN)
    set->table = build_table (arena, items, set->n, &set->mask);
  return set;
}

gboolean
oc_cel_str_set_contains (const OcCelStrSet *set, OcStr s)
{
  if (set->mask == 0)
    {
      for (guint32 i = 0; i < set->n; i++)
        if (set->items[i].len == s.len && memcmp (set->items[i].data, s.data, s.len) == 0)
          return TRUE;
      return FALSE;
    }
  for (guint32 i = hash (s) & set->mask; set->table[i] != 0; i = (i + 1) & set->mask)
    if (oc_str_equal (set->items[set->table[i] - 1], s))
      return TRUE;
  return FALSE;
}
