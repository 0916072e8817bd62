/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/oc-proxy-timers.h"

#define TICK_US 1000
#define LEVEL_BITS 6
#define SLOT_MASK (OC_TIMERS_SLOTS - 1)
/* Still in the widest slots. */
#define FARTHEST ((G_GINT64_CONSTANT (1) << (LEVEL_BITS * OC_TIMERS_LEVELS)) - 1)

void
oc_timers_init (OcTimers *timers, gint64 now_us)
{
  *timers = (OcTimers) { .tick = now_us / TICK_US };
}

static guint
get_level (gint64 distance)
{
  return distance < OC_TIMERS_SLOTS
             ? 0
             : (guint) (63 - __builtin_clzll ((guint64) distance)) / LEVEL_BITS;
}

/* Into the slot for @tick, which is not in the past. */
static void
put (OcTimers *timers, OcTimer *timer, gint64 tick)
{
  guint level, slot;
  OcTimer **head;

  tick = MIN (tick, timers->tick + FARTHEST);
  level = get_level (tick - timers->tick);
  slot = (guint) (tick >> (LEVEL_BITS * level)) & SLOT_MASK;
  head = &timers->slots[level][slot];
  timer->next = *head;
  if (*head != NULL)
    (*head)->link = &timer->next;
  *head = timer;
  timer->link = head;
  timer->place = (guint16) (level * OC_TIMERS_SLOTS + slot);
  timers->occupied[level] |= G_GUINT64_CONSTANT (1) << slot;
}

static gint64
get_tick (const OcTimer *timer)
{
  return (timer->due_us + TICK_US - 1) / TICK_US;
}

void
oc_timers_arm (OcTimers *timers, OcTimer *timer, gint64 due_us)
{
  oc_timers_disarm (timers, timer);
  timer->due_us = due_us;
  put (timers, timer, MAX (get_tick (timer), timers->tick + 1));
}

void
oc_timers_disarm (OcTimers *timers, OcTimer *timer)
{
  guint level = timer->place / OC_TIMERS_SLOTS;
  guint slot = timer->place % OC_TIMERS_SLOTS;

  if (timer->link == NULL)
    return;
  *timer->link = timer->next;
  if (timer->next != NULL)
    timer->next->link = timer->link;
  timer->link = NULL;
  if (timers->slots[level][slot] == NULL)
    timers->occupied[level] &= ~(G_GUINT64_CONSTANT (1) << slot);
}

/* The first tick at which something is due or comes closer; -1: never. */
static gint64
get_next_tick (const OcTimers *timers)
{
  gint64 next = -1;

  for (guint level = 0; level < OC_TIMERS_LEVELS; level++)
    {
      guint shift = LEVEL_BITS * level;
      gint64 now = timers->tick >> shift;
      guint turn = (guint) (now + 1) & SLOT_MASK;
      guint64 bits = timers->occupied[level];
      gint64 begin;

      if (bits == 0)
        continue;
      if (turn != 0)
        bits = bits >> turn | bits << (64 - turn);
      begin = (now + 1 + __builtin_ctzll (bits)) << shift;
      if (next < 0 || begin < next)
        next = begin;
    }
  return next;
}

int
oc_timers_next_ms (const OcTimers *timers, gint64 now_us)
{
  gint64 next = get_next_tick (timers);
  gint64 left_us = next * TICK_US - now_us;

  if (next < 0)
    return -1;
  return left_us <= 0 ? 0 : (int) ((left_us + 999) / 1000);
}

/* The slots that begin at this tick, the widest first: their timers go into narrower ones. */
static void
bring_closer (OcTimers *timers)
{
  for (guint level = OC_TIMERS_LEVELS - 1; level > 0; level--)
    {
      guint shift = LEVEL_BITS * level;
      OcTimer **head = &timers->slots[level][(timers->tick >> shift) & SLOT_MASK];
      OcTimer *timer;

      if (timers->tick & ((G_GINT64_CONSTANT (1) << shift) - 1))
        continue;
      while ((timer = *head) != NULL)
        {
          oc_timers_disarm (timers, timer);
          put (timers, timer, MAX (get_tick (timer), timers->tick));
        }
    }
}

void
oc_timers_run (OcTimers *timers, gint64 now_us)
{
  const gint64 now = now_us / TICK_US;
  gint64 next;

  while ((next = get_next_tick (timers)) >= 0 && next <= now)
    {
      OcTimer **head = &timers->slots[0][next & SLOT_MASK];
      OcTimer *timer;

      timers->tick = next;
      bring_closer (timers);
      while ((timer = *head) != NULL)
        {
          oc_timers_disarm (timers, timer);
          timer->func (timer->owner);
        }
    }
  timers->tick = MAX (timers->tick, now);
}
