/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Where the daemon's own messages go: the journal when stderr is connected to
 * it, else stderr; those below the chosen level nowhere. Thread: any.
 */

/* Before the first message and before any thread. */
void oc_logging_init (void);

/* @level: "error", "warning", "info" or "debug" */
void oc_logging_set_level (const char *level);
