/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Deadlines of one worker in a hierarchical timing wheel (Varghese and Lauck) of borrowed,
 * embedded timers: arming and disarming take the same few instructions however many there are.
 * Connections re-arm lazily all the same: a tunnel notes when bytes moved last and looks at
 * that when its timer fires.
 * Thread: the worker's own.
 */

#include <glib.h>

/* Slots of a level are 64 times as wide as those of the one below; the narrowest are a tick of
 * 1 ms. The five reach 12 days; a later timer is put in again on its way. */
#define OC_TIMERS_LEVELS 5
#define OC_TIMERS_SLOTS 64

typedef struct OcTimer OcTimer;

struct OcTimer
{
  gint64 due_us; /* monotonic */
  OcTimer *next;
  OcTimer **link; /* what points to this one; NULL: not armed */
  guint16 place;  /* level * OC_TIMERS_SLOTS + slot */
  void (*func) (gpointer owner);
  gpointer owner;
};

typedef struct
{
  gint64 tick; /* all that were due by it have fired */
  guint64 occupied[OC_TIMERS_LEVELS]; /* a bit for each slot that is not empty */
  OcTimer *slots[OC_TIMERS_LEVELS][OC_TIMERS_SLOTS];
} OcTimers;

/* There is nothing to clear. */
void oc_timers_init (OcTimers *timers, gint64 now_us);
/* Arms or moves @timer, which must stay where it is until disarmed. Never fires early, and up
 * to a tick late. */
void oc_timers_arm (OcTimers *timers, OcTimer *timer, gint64 due_us);
void oc_timers_disarm (OcTimers *timers, OcTimer *timer);
/* Milliseconds that the caller may wait before oc_timers_run(), rounded up; -1: for ever. Nothing
 * may be due yet then: timers that are far away come closer in steps. */
int oc_timers_next_ms (const OcTimers *timers, gint64 now_us);
/* Fires all that are due, by the tick; each is disarmed before its function runs, which may arm
 * and disarm any. */
void oc_timers_run (OcTimers *timers, gint64 now_us);
