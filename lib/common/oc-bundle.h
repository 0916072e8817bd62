/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The certificates that programs in a workload are to trust when connections of
 * theirs are opened: the system's and Outcall's. They lie beside the agent
 * socket, which every workload sees.
 */

#include <gio/gio.h>

#define OC_BUNDLE_NAME "ca-bundle.pem"

/* What programs look into to find such a file; NULL-terminated. */
extern const char *const oc_bundle_variables[];

/* Writes the bundle with @ca_pem into @dir, for everybody to read; removes it when @ca_pem is
 * NULL. Programs that trust what the system does go on doing so. */
gboolean oc_bundle_write (const char *dir, const char *ca_pem, GError **error);
