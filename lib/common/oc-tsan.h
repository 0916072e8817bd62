/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * For ThreadSanitizer builds only, where it is included before everything else.
 * A GMutex is a futex inside a GLib that was built without the sanitizer, which
 * so would see no order between two holders and call each pair of them a race.
 * The same goes for its reference counts, whose last holder frees. Here they say
 * what they order; they still are GLib's own.
 */
#pragma once

#include "config.h"

#define g_mutex_lock oc_tsan_mutex_lock
#define g_mutex_trylock oc_tsan_mutex_trylock
#define g_mutex_unlock oc_tsan_mutex_unlock
#define g_cond_wait oc_tsan_cond_wait
#define g_atomic_ref_count_dec oc_tsan_atomic_ref_count_dec
#include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);
void oc_glib_mutex_lock (GMutex *mutex) __asm__ ("g_mutex_lock");
gboolean oc_glib_mutex_trylock (GMutex *mutex) __asm__ ("g_mutex_trylock");
void oc_glib_mutex_unlock (GMutex *mutex) __asm__ ("g_mutex_unlock");
void oc_glib_cond_wait (GCond *cond, GMutex *mutex) __asm__ ("g_cond_wait");

gboolean oc_glib_atomic_ref_count_dec (gatomicrefcount *count) __asm__ ("g_atomic_ref_count_dec");

/* Inline only: what uses no lock, as the shim, needs no GLib for them. */
#define OC_TSAN_INLINE extern inline __attribute__ ((gnu_inline, always_inline))

OC_TSAN_INLINE void
oc_tsan_mutex_lock (GMutex *mutex)
{
  oc_glib_mutex_lock (mutex);
  __tsan_acquire (mutex);
}

OC_TSAN_INLINE gboolean
oc_tsan_mutex_trylock (GMutex *mutex)
{
  if (!oc_glib_mutex_trylock (mutex))
    return FALSE;
  __tsan_acquire (mutex);
  return TRUE;
}

OC_TSAN_INLINE void
oc_tsan_mutex_unlock (GMutex *mutex)
{
  __tsan_release (mutex);
  oc_glib_mutex_unlock (mutex);
}

OC_TSAN_INLINE void
oc_tsan_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_release (mutex);
  oc_glib_cond_wait (cond, mutex);
  __tsan_acquire (mutex);
}

OC_TSAN_INLINE gboolean
oc_tsan_atomic_ref_count_dec (gatomicrefcount *count)
{
  __tsan_release (count);
  if (!oc_glib_atomic_ref_count_dec (count))
    return FALSE;
  __tsan_acquire (count);
  return TRUE;
}
