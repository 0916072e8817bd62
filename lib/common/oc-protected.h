/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Paths of the host that no workload may see, whoever asks: sockets and files by
 * which one is the operator or root. For sandboxes and containers alike.
 */

#include <glib.h>

/* Whether @path is @folder or below it; both absolute and clean. */
gboolean oc_path_is_under (const char *path, const char *folder);
/* Absolute, without "//", "/./", "/../" and a "/" at the end; "/" is one. */
gboolean oc_path_is_clean (const char *path);

/* The protected path that showing @real would show, NULL when there is none: one that
 * is, lies in or holds @real, by name, by where links lead, or through another mount of
 * the same files at or below @real.
 * @real: absolute, its own links resolved
 * @more: (nullable): protected here besides, NULL-terminated. (transfer full) (nullable)
 * Thread: any. */
char *oc_protected_find (const char *real, const char *const *more);
