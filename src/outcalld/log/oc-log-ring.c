/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

/* A record never wraps: where it would, a filler takes the rest of the buffer.
 * Records are multiples of eight bytes, so the filler's head always fits. */
#define FILLER_HEAD offsetof (OcLogPacked, port)

G_STATIC_ASSERT (FILLER_HEAD <= 8);
G_STATIC_ASSERT ((OC_LOG_PRODUCER_BYTES & (OC_LOG_PRODUCER_BYTES - 1)) == 0);

void
oc_log_ring_init (OcLogRing *ring, gsize size)
{
  g_assert ((size & (size - 1)) == 0);
  ring->data = g_malloc0 (size);
  ring->size = size;
  ring->tail_seen = 0;
  atomic_init (&ring->head, 0);
  atomic_init (&ring->tail, 0);
}

void
oc_log_ring_clear (OcLogRing *ring)
{
  g_clear_pointer (&ring->data, g_free);
}

/* The cast is sound: the buffer comes from malloc() and offsets are multiples of 8. */
static OcLogPacked *
record_at (OcLogRing *ring, guint64 offset)
{
  return (OcLogPacked *) (void *) (ring->data + (offset & (ring->size - 1)));
}

gboolean
oc_log_ring_push (OcLogRing *ring, const OcDecision *decision, gboolean *out_half_full)
{
  gsize need = oc_log_packed_size (decision);
  guint64 head = atomic_load_explicit (&ring->head, memory_order_relaxed);
  gsize to_end = ring->size - (gsize) (head & (ring->size - 1));
  gsize filler = to_end < need ? to_end : 0;

  if (head + filler + need - ring->tail_seen > ring->size)
    {
      /* acquire: the main thread has read the bytes that we overwrite */
      ring->tail_seen = atomic_load_explicit (&ring->tail, memory_order_acquire);
      if (head + filler + need - ring->tail_seen > ring->size)
        return FALSE;
    }
  if (filler != 0)
    {
      OcLogPacked *pad = record_at (ring, head);

      pad->size = (guint32) filler;
      pad->layer = OC_LOG_LAYER_PAD;
      head += filler;
    }
  oc_log_pack (record_at (ring, head), need, decision);
  /* release: the record is complete before the main thread sees it */
  atomic_store_explicit (&ring->head, head + need, memory_order_release);
  /* Our idea of the tail is as old as the last time the ring seemed full. */
  if (head + need - ring->tail_seen > ring->size / 2)
    ring->tail_seen = atomic_load_explicit (&ring->tail, memory_order_acquire);
  *out_half_full = head + need - ring->tail_seen > ring->size / 2;
  return TRUE;
}

guint64
oc_log_ring_get_end (OcLogRing *ring)
{
  return atomic_load_explicit (&ring->head, memory_order_acquire);
}

const OcLogPacked *
oc_log_ring_peek (OcLogRing *ring, guint64 end)
{
  guint64 tail = atomic_load_explicit (&ring->tail, memory_order_relaxed);
  const OcLogPacked *packed;

  if (tail == end)
    return NULL;
  packed = record_at (ring, tail);
  if (packed->layer != OC_LOG_LAYER_PAD)
    return packed;
  /* A filler is never the last: its record was published with it. */
  return record_at (ring, tail + packed->size);
}

void
oc_log_ring_pop (OcLogRing *ring, const OcLogPacked *packed)
{
  guint64 tail = atomic_load_explicit (&ring->tail, memory_order_relaxed);
  const OcLogPacked *first = record_at (ring, tail);
  guint64 bytes = packed->size;

  if (first != packed)
    bytes += first->size;
  atomic_store_explicit (&ring->tail, tail + bytes, memory_order_release);
}
