/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One rule of a file: read, spelt out in CEL, compiled, checked. */

#include "policy/oc-policy-expand.h"
#include "policy/oc-policy-private.h"

/* A complaint that stands only if no rule of the whole policy helps it. */
typedef struct
{
  const char *text; /* (nullable): static; NULL: no complaint */
  gsize start;      /* bytes of the file */
  gsize end;
} OcRuleNeed;

/* A rule until the policy is complete. In the loader's arena. */
typedef struct
{
  OcRuleEntry entry;
  const OcRuleFile *file;
  guint32 file_order;
  gsize start; /* of the id, in bytes of the file */
  gsize end;
  const OcAtoms *atoms;                    /* (nullable): what it requires, for the index */
  const OcAtoms *required[OC_N_KEYS];      /* (nullable): the same by one variable each */
  struct OcClause *clauses;                /* (nullable): what it is, exactly */
  guint n_clauses;
  OcRuleNeed intercept; /* some rule must intercept */
  OcRuleNeed body;      /* some rule must have match_body */
} OcRuleDraft;

/* What all rules of a load share. */
typedef struct
{
  OcArena *strings; /* of the policy */
  OcArena *scratch; /* of the load */
  OcReport *report;
  const OcPolicyOptions *options; /* (nullable) */
  GPtrArray *drafts; /* (element-type OcRuleDraft), owns their programs */
  GHashTable *ids;   /* (key const char *) (value OcRuleDraft *) */
} OcRuleLoader;

/* What @draft requires of @variable alone. (nullable) */
static inline const OcAtoms *
oc_rule_draft_get_required (const OcRuleDraft *draft, OcKeyVariable variable)
{
  return draft->required[g_bit_nth_lsf (variable, -1)];
}

void oc_rule_draft_clear (OcRuleDraft *draft);

/* Reads @node and, when it is sound, appends its draft to the loader's. */
void oc_rule_read (OcRuleLoader *loader, const OcRuleFile *file, guint32 file_order,
                   const OcYamlNode *node, OcDefinitions *definitions);
