/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What is wrong or odd about a rule whose condition compiled: settings that
 * cannot be enforced (errors), and conditions that hardly mean what they say
 * (warnings).
 */

#include "policy/oc-policy-egress.h"
#include "policy/oc-policy-rule.h"
#include "policy/oc-policy-short.h"

typedef struct
{
  OcRuleDraft *draft;
  const OcReader *reader;
  const OcPolicyOptions *options; /* (nullable) */
  const OcYamlNode *rule;         /* the whole mapping */
  const OcYamlNode *condition;    /* (nullable) */
  OcShortForm short_form;
  OcEgressNodes egress;
  const OcConditionText *text;
  const OcCelNode *root;
  OcArena *strings;
} OcRuleCheck;

/* Returns: FALSE after errors were reported. May set the ports of a direct_ip rule. */
gboolean oc_rule_check (OcRuleCheck *check);
