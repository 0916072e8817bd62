/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Which files are rule files, and reading them without being led astray: no
 * symbolic links, regular files only, nobody but owner and group may write.
 */

#include "policy/oc-policy-report.h"

#define OC_POLICY_FILES_MAX 10000

/* Appends the rule files of @dir to @files in byte order of their names. What
 * is wrong with a file is an error in @report; a missing directory a warning.
 * @files: (element-type OcRuleFile) */
void oc_select_dir (const char *dir, GPtrArray *files, OcReport *report);
/* Appends the file at @path, whatever its name. */
void oc_select_path (const char *path, GPtrArray *files, OcReport *report);
/* Appends a file that is in memory. */
void oc_select_source (const OcPolicySource *source, GPtrArray *files, OcReport *report);
