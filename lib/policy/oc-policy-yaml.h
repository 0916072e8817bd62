/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One YAML document as a tree that knows where everything stands. Built from
 * libyaml's events, so that what the rule language has no use for (anchors,
 * aliases, tags, directives, several documents, complex keys, duplicate keys,
 * NUL bytes, deep nesting) is refused where it is written.
 */

#include "policy/oc-policy-arena.h"
#include "policy/oc-policy-report.h"

#define OC_YAML_DEPTH_MAX 16

typedef enum
{
  OC_YAML_SCALAR,
  OC_YAML_SEQUENCE,
  OC_YAML_MAPPING,
} OcYamlKind;

typedef enum
{
  OC_YAML_PLAIN,
  OC_YAML_SINGLE_QUOTED,
  OC_YAML_DOUBLE_QUOTED,
  OC_YAML_LITERAL,
  OC_YAML_FOLDED,
} OcYamlStyle;

typedef struct OcYamlNode OcYamlNode;

struct OcYamlNode
{
  OcYamlKind kind;
  OcYamlStyle style; /* of a scalar */
  guint32 start;     /* bytes of the file */
  guint32 end;
  guint32 n;   /* children */
  OcStr text;  /* of a scalar; NUL-terminated, holds no NUL */
  const OcYamlNode *key; /* of a mapping's child */
  OcYamlNode *first;     /* child */
  OcYamlNode *next;      /* sibling */
};

/* Returns: (nullable): NULL after at least one error was reported. The tree
 * lives in @arena and borrows nothing from @file. */
OcYamlNode *oc_yaml_parse (const OcRuleFile *file, OcArena *arena, OcReport *report);

/* "a mapping", "a list", "a string", … for messages. */
const char *oc_yaml_describe (const OcYamlNode *node);
/* A plain scalar that YAML reads as null. */
gboolean oc_yaml_is_null (const OcYamlNode *node);
/* The byte of @file where the byte at @offset of @node's text is written. */
gsize oc_yaml_locate (const OcRuleFile *file, const OcYamlNode *node, gsize offset);
/* @node itself, for a message. */
OcReportAt oc_yaml_at (const OcRuleFile *file, const OcYamlNode *node, const char *rule);
