/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* systemd's readiness protocol, sd_notify(3): one datagram to $NOTIFY_SOCKET.
 * The protocol is stable and documented for being spoken without libsystemd,
 * which not every supported distribution has.
 */

#include <glib.h>

/* @state: "READY=1", "STOPPING=1", "STATUS=…". Nothing happens when nobody
 * asked; a failure is logged at debug. */
void oc_notify (const char *state);

/* Half of $WATCHDOG_USEC in milliseconds; 0 when there is no watchdog. */
guint oc_notify_get_watchdog_ms (void);
