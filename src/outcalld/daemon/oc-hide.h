/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* From now on nothing of this process' memory is left for others to read: no core
 * dump, no debugger of another user with the same rights. */
void oc_daemon_hide (void);
