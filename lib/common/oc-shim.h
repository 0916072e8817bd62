/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Where the shim is on the host: beside the running program, in the build tree, or
 * installed as outcall-agent. (transfer full) (nullable). Thread: any. */
char *oc_shim_find (void);
/* The same for a program of libexec that the command line runs: where it would be, at least.
 * (transfer full) */
char *oc_helper_find (const char *name);
