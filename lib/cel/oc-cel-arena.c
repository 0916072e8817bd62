/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-arena.h"

#define FIRST_CHUNK 1008
#define LARGEST_CHUNK (64 * 1024)
#define KEEP_MAX (256 * 1024)

struct OcCelChunk
{
  OcCelChunk *next;
  gsize size;
  _Alignas (16) guint8 data[];
};

static void
free_chunks (OcCelArena *arena, OcCelChunk *chunk)
{
  while (chunk)
    {
      OcCelChunk *next = chunk->next;

      arena->held -= sizeof *chunk + chunk->size;
      g_free (chunk);
      chunk = next;
    }
}

void
oc_cel_arena_clear (OcCelArena *arena)
{
  free_chunks (arena, arena->chunk);
  arena->chunk = NULL;
  arena->used = 0;
  arena->total = 0;
}

void
oc_cel_arena_reset (OcCelArena *arena)
{
  if (arena->chunk && arena->chunk->size > KEEP_MAX)
    oc_cel_arena_clear (arena);
  else if (arena->chunk)
    {
      free_chunks (arena, arena->chunk->next);
      arena->chunk->next = NULL;
    }
  arena->used = 0;
  arena->total = 0;
}

static void
add_chunk (OcCelArena *arena, gsize size)
{
  gsize wanted = arena->chunk   ? MIN (arena->chunk->size * 2, LARGEST_CHUNK)
                 : arena->first ? arena->first
                                : FIRST_CHUNK;
  OcCelChunk *chunk;

  wanted = MAX (wanted, size);
  chunk = g_malloc (sizeof *chunk + wanted);
  chunk->next = arena->chunk;
  chunk->size = wanted;
  arena->chunk = chunk;
  arena->used = 0;
  arena->held += sizeof *chunk + wanted;
}

void *
oc_cel_arena_alloc (OcCelArena *arena, gsize size)
{
  void *p;

  size = (size + 15) & ~(gsize) 15;
  if (arena->max > 0 && size > arena->max - MIN (arena->max, arena->total))
    return NULL;
  if (!arena->chunk || size > arena->chunk->size - arena->used)
    add_chunk (arena, size);
  p = arena->chunk->data + arena->used;
  arena->used += size;
  arena->total += size;
  return p;
}

void *
oc_cel_arena_alloc0 (OcCelArena *arena, gsize size)
{
  void *p = oc_cel_arena_alloc (arena, size);

  if (p)
    memset (p, 0, size);
  return p;
}

void *
oc_cel_arena_dup (OcCelArena *arena, gconstpointer data, gsize size)
{
  void *p = oc_cel_arena_alloc (arena, size);

  if (p && size > 0)
    memcpy (p, data, size);
  return p;
}

OcStr
oc_cel_arena_dup_str (OcCelArena *arena, OcStr s)
{
  return oc_str (oc_cel_arena_dup (arena, s.data, s.len), s.len);
}
