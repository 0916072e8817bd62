/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Rules that can never match because an earlier rule matches all that they
 * match. What cannot be proved from the atoms is left alone.
 */

#include "policy/oc-policy-rule.h"

/* "variable is or ends in one of these", exactly. A rule that is a conjunction
 * of clauses and nothing else can cover others. */
typedef struct OcClause
{
  OcKeyVariable variable;
  const OcAtoms *atoms;
} OcClause;

/* Fills @draft's clauses and required. */
void oc_cover_examine (OcRuleDraft *draft, const OcCelNode *root, OcArena *arena);
/* @drafts: (element-type OcRuleDraft): all, in evaluation order */
void oc_cover_warn (const GPtrArray *drafts, OcReport *report);
