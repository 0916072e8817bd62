/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the `rules` commands share: rule files read without a daemon, in the
 * types that the daemon answers with.
 */

#include "oc-cli.h"

#include "outcall-api/outcall-api.h"
#include "policy/oc-policy.h"

/* A policy read here, with what was found. */
typedef struct
{
  OcPolicy *policy;       /* (nullable): NULL when anything is an error */
  GPtrArray *diagnostics; /* (element-type OcDiagnostic) */
} OcLocalRules;

void oc_local_rules_clear (OcLocalRules *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OcLocalRules, oc_local_rules_clear)

/* Files by argument or a directory by option, not both.
 * Returns: -1 to go on, else the exit code */
int oc_local_rules_check_arguments (OcCli *cli, int argc, const char *dir);
/* Reads the files of @paths (n_paths may be 0) or else those of @dir.
 * @dir: (nullable): the usual directory */
void oc_local_rules_load (OcLocalRules *rules, const char *dir, char **paths, int n_paths);
/* Findings on stderr with their lines, errors in colour if stderr is a terminal. */
void oc_local_rules_print_findings (OcCli *cli, const OcLocalRules *rules);
/* Whether there is a policy; else the findings have been printed. */
gboolean oc_local_rules_require (OcCli *cli, const OcLocalRules *rules);

/* (transfer full), each */
OutcallRuleSummary *oc_local_rules_dup_summary (const OcPolicy *policy, const OcRule *rule);
OutcallReloadResult *oc_local_rules_dup_result (const OcLocalRules *rules);
OutcallEvaluateResult *oc_local_rules_evaluate (const OcPolicy *policy,
                                                const OutcallEvaluateRequest *request);
