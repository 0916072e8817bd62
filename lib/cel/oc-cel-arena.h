/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Memory that is freed at once: trees, programs, and what one evaluation builds.
 * One thread at a time.
 */

#include "common/oc-str.h"

#include <glib.h>

typedef struct OcCelChunk OcCelChunk;

typedef struct
{
  OcCelChunk *chunk; /* newest first */
  gsize used;        /* bytes of the newest chunk */
  gsize total;       /* bytes handed out since the last reset */
  gsize max;         /* of total; 0: no limit */
  gsize held;        /* bytes on the heap */
  gsize first;       /* size of the first chunk; 0: the default */
} OcCelArena;

/* A zeroed OcCelArena is an empty one without limit. */
void oc_cel_arena_clear (OcCelArena *arena);
/* Empties it and keeps one chunk for the next use. */
void oc_cel_arena_reset (OcCelArena *arena);

/* Aligned to 16 bytes, not cleared. Returns: (nullable): NULL beyond the limit. */
void *oc_cel_arena_alloc (OcCelArena *arena, gsize size);
/* Cleared. */
void *oc_cel_arena_alloc0 (OcCelArena *arena, gsize size);
/* (nullable) */
void *oc_cel_arena_dup (OcCelArena *arena, gconstpointer data, gsize size);
/* For an arena without limit. */
OcStr oc_cel_arena_dup_str (OcCelArena *arena, OcStr s);

#define oc_cel_arena_new(arena, type, n) \
  ((type *) oc_cel_arena_alloc0 ((arena), sizeof (type) * (gsize) (n)))
