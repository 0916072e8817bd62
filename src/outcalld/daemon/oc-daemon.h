/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Makes the subsystems in their order, ties them together, and takes them down
 * in the reverse one. Holds no other state. Thread: main.
 */

#include "daemon/oc-options.h"

typedef struct OcDaemon OcDaemon;

/* A failure leaves the kernel as closed as it was, or more.
 * @options: (transfer full)
 * @argv: for reading the configuration again on SIGHUP; borrowed */
OcDaemon *oc_daemon_new (OcOptions *options, char **argv, GError **error);

/* Rules and the reloadable options anew (SIGHUP). Failures are logged, the old
 * ones stay in force. */
void oc_daemon_reload (OcDaemon *daemon);

/* Stops accepting and calls @done when everything has drained, after 5 s at the
 * latest. */
void oc_daemon_stop (OcDaemon *daemon, GSourceFunc done, gpointer user_data);

/* Removes sockets and grants; leaves bridges and the base ruleset in place. */
void oc_daemon_free (OcDaemon *daemon);

/* `--check`: the rules are loaded and their findings printed to stderr. */
gboolean oc_daemon_check (const OcOptions *options, GError **error);
