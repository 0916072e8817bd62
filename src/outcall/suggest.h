/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A minimal rule file for what was blocked, or let through by `outcall run --learn`. Pure:
 * decisions in, YAML out. */

#include "oc-cli.h"

#include "outcall-api/outcall-api.h"

/* So many names of one registered domain become "*.name", never fewer. */
#define OC_SUGGEST_SUFFIX_MIN 3
/* More paths of one host than this are not listed: the rule would be unreadable. */
#define OC_SUGGEST_PATHS_MAX 8

/* What allowed it while a program was learned about. */
#define OC_SUGGEST_LEARNED "(learned)"

/* Only what no rule decided is suggested; what a rule blocks on purpose, and what has no
 * name, is told in comments. Every text of a workload is checked or cleaned.
 * @decisions: (element-type OutcallDecision)
 * @out_rules: how many rules are in it
 * Returns: (transfer full): a complete rule file */
char *oc_suggest (GPtrArray *decisions, guint *out_rules);

/* What the daemon's log has for it. cmd-suggest.c
 * @agent, @since: (nullable)
 * Returns: OC_EXIT_OK with @out (element-type OutcallDecision) (transfer full), else a failure
 * that has been told. */
int oc_suggest_fetch (OcCli *cli, const char *agent, const char *since, GPtrArray **out);
/* What @workload was let through since @since_us, and a rule file for it, on stderr.
 * cmd-suggest.c */
void oc_suggest_tell_learned (OcCli *cli, const char *workload, gint64 since_us);
