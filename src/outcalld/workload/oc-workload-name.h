/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Names of workloads: what may be one, and one made from a command. Pure. */

#include <gio/gio.h>

/* Tells whether @name is already taken. */
typedef gboolean (*OcNameTakenFunc) (const char *name, gpointer user_data);

/* [A-Za-z0-9][A-Za-z0-9._-]*, at most OC_WORKLOAD_NAME_MAX bytes. */
gboolean oc_workload_name_is_valid (const char *name);
/* Says what a name may be. Returns: FALSE */
gboolean oc_workload_name_refuse (GError **error);
/* The base name of @command's first word and the lowest -N that is free:
 * "/usr/bin/npm ci" is "npm-1".
 * @command: (nullable). (transfer full) */
char *oc_workload_name_make (const char *command, OcNameTakenFunc taken, gpointer user_data);
