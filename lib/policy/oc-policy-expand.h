/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* CEL text put together from a rule file: `$name` replaced by definitions, the
 * short form spelt out. The text remembers where each of its bytes comes from,
 * so that what the compiler finds points into the rule file.
 */

#include "policy/oc-policy-yaml.h"

/* Bytes of one condition after expansion. */
#define OC_POLICY_CONDITION_MAX 65536
/* Definitions inside definitions. */
#define OC_POLICY_DEFINITION_DEPTH_MAX 32

typedef struct
{
  GString *text;
  GArray *segments; /* (element-type Segment), private */
} OcConditionText;

void oc_condition_init (OcConditionText *text);
void oc_condition_clear (OcConditionText *text);
/* Generated text on behalf of @node. */
void oc_condition_append (OcConditionText *text, const OcYamlNode *node, const char *generated);
/* The same as a CEL string literal. @literal: UTF-8 without NUL */
void oc_condition_append_quoted (OcConditionText *text, const OcYamlNode *node, const char *literal);
/* Where @offset of the text stands in @file. @out_definition: (out) (nullable):
 * the definition it is in, else NULL */
OcReportAt oc_condition_locate (const OcConditionText *text, const OcRuleFile *file, gsize offset,
                               gsize length, const char **out_definition);

/* The definitions of one file. */
typedef struct OcDefinitions OcDefinitions;

/* @mapping: (nullable): the value of the key `definitions`. Each definition is
 * checked once here. */
OcDefinitions *oc_definitions_new (const OcRuleFile *file, const OcYamlNode *mapping,
                                   OcReport *report);
void oc_definitions_free (OcDefinitions *definitions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcDefinitions, oc_definitions_free)
/* Appends @node's text to @out with every `$name` replaced.
 * @rule: (nullable): id for messages
 * Returns: FALSE after an error was reported, now or when the definition was checked. */
gboolean oc_definitions_expand (OcDefinitions *definitions, const OcYamlNode *node,
                                const char *rule, OcConditionText *out);
/* Whether @node's text keeps its meaning when it is put in parentheses; FALSE after an
 * error was reported. */
gboolean oc_definitions_check_closed (const OcDefinitions *definitions, const OcYamlNode *node,
                                      const char *rule);
void oc_definitions_warn_unused (const OcDefinitions *definitions);
