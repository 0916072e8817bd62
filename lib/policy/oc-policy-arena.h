/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Memory that is freed all at once: the YAML tree of a file, the strings of a
 * policy. One thread at a time.
 */

#include <glib.h>

typedef struct OcArena OcArena;

/* @block_bytes: how much is taken from the heap at a time */
OcArena *oc_arena_new (gsize block_bytes);
void oc_arena_free (OcArena *arena); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcArena, oc_arena_free)

/* Zeroed, aligned for any type. */
void *oc_arena_alloc (OcArena *arena, gsize size);
/* A NUL-terminated copy. */
char *oc_arena_strndup (OcArena *arena, const char *text, gsize len);
char *oc_arena_strdup (OcArena *arena, const char *text);

#define oc_arena_new_array(arena, type, n) ((type *) oc_arena_alloc ((arena), sizeof (type) * (n)))
#define oc_arena_new0(arena, type) oc_arena_new_array (arena, type, 1)
