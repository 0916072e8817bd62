/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Main-loop sources that their owner ends. Thread: the owner's. */

#include <glib.h>

/* Takes *@source (NULL is fine) out of its context and gives the reference up. The variable is
 * empty before anything is freed: what frees the source's data may come back here. */
static inline void
oc_source_clear (GSource **source)
{
  GSource *old = g_steal_pointer (source);

  if (old == NULL)
    return;
  g_source_destroy (old);
  g_source_unref (old);
}
