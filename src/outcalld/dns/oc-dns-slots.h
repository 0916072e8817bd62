/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Objects by number and generation, so that an epoll event for a closed and
 * reused descriptor finds nothing. One thread.
 */

#include <glib.h>

typedef struct
{
  gpointer *items;
  guint32 *generations;
  guint32 *unused; /* stack of free numbers */
  guint32 n_unused;
  guint32 size;
} OcDnsSlots;

static inline void
oc_dns_slots_init (OcDnsSlots *slots, guint32 size)
{
  slots->items = g_new0 (gpointer, size);
  slots->generations = g_new0 (guint32, size);
  slots->unused = g_new0 (guint32, size);
  slots->size = slots->n_unused = size;
  for (guint32 i = 0; i < size; i++)
    slots->unused[i] = size - 1 - i;
}

static inline void
oc_dns_slots_clear (OcDnsSlots *slots)
{
  g_clear_pointer (&slots->items, g_free);
  g_clear_pointer (&slots->generations, g_free);
  g_clear_pointer (&slots->unused, g_free);
}

static inline gboolean
oc_dns_slots_is_full (const OcDnsSlots *slots)
{
  return slots->n_unused == 0;
}

/* Not when full. */
static inline guint32
oc_dns_slots_add (OcDnsSlots *slots, gpointer item)
{
  guint32 slot = slots->unused[--slots->n_unused];

  slots->items[slot] = item;
  return slot;
}

static inline void
oc_dns_slots_remove (OcDnsSlots *slots, guint32 slot)
{
  slots->items[slot] = NULL;
  slots->generations[slot]++;
  slots->unused[slots->n_unused++] = slot;
}

/* (nullable) */
static inline gpointer
oc_dns_slots_lookup (const OcDnsSlots *slots, guint32 slot, guint32 generation)
{
  return slot < slots->size && slots->generations[slot] == generation ? slots->items[slot] : NULL;
}
