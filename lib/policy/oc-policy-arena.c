/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-arena.h"

#include <stddef.h>
#include <string.h>

struct OcArena
{
  GPtrArray *blocks; /* (element-type guint8 *) */
  gsize block_bytes;
  gsize used; /* of the last block */
  gsize size; /* of the last block */
};

OcArena *
oc_arena_new (gsize block_bytes)
{
  OcArena *arena = g_new0 (OcArena, 1);

  arena->blocks = g_ptr_array_new_with_free_func (g_free);
  arena->block_bytes = block_bytes;
  return arena;
}

void
oc_arena_free (OcArena *arena)
{
  if (arena == NULL)
    return;
  g_ptr_array_unref (arena->blocks);
  g_free (arena);
}

/* @align is a power of two. */
static void *
take (OcArena *arena, gsize size, gsize align)
{
  gsize at = (arena->used + align - 1) & ~(align - 1);
  guint8 *block;

  if (arena->blocks->len == 0 || at > arena->size || size > arena->size - at)
    {
      arena->size = MAX (arena->block_bytes, size);
      g_ptr_array_add (arena->blocks, g_malloc0 (arena->size));
      at = 0;
    }
  block = g_ptr_array_index (arena->blocks, arena->blocks->len - 1);
  arena->used = at + size;
  return block + at;
}

void *
oc_arena_alloc (OcArena *arena, gsize size)
{
  return take (arena, size, _Alignof (max_align_t));
}

char *
oc_arena_strndup (OcArena *arena, const char *text, gsize len)
{
  char *copy = take (arena, len + 1, 1);

  if (len > 0)
    memcpy (copy, text, len);
  return copy;
}

char *
oc_arena_strdup (OcArena *arena, const char *text)
{
  return oc_arena_strndup (arena, text, strlen (text));
}
