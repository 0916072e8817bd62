/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Mappings with known keys: each key of the file goes to a member of a struct of
 * nodes, unknown keys are errors with a suggestion, and the typed readers below
 * say where a value has the wrong type. All report and return FALSE on errors.
 */

#include "policy/oc-policy-yaml.h"

typedef struct
{
  const char *key;
  gsize offset; /* of a `const OcYamlNode *` in the struct */
} OcField;

/* Where findings go. */
typedef struct
{
  const OcRuleFile *file;
  OcReport *report;
  const char *rule; /* (nullable): id of the rule that is being read */
} OcReader;

void oc_reader_fail (const OcReader *reader, const OcYamlNode *node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* @fields: ended by a NULL key
 * @what: "a rule", for messages
 * @out: a zeroed struct with the members that @fields names */
gboolean oc_reader_fields (const OcReader *reader, const OcYamlNode *mapping, const char *what,
                           const OcField *fields, void *out);

/* Each leaves *@out alone when @node is NULL. @node->key names the value in messages. */
gboolean oc_reader_text (const OcReader *reader, const OcYamlNode *node, const char **out);
gboolean oc_reader_boolean (const OcReader *reader, const OcYamlNode *node, gboolean *out);
gboolean oc_reader_integer (const OcReader *reader, const OcYamlNode *node, gint64 min, gint64 max,
                            gint64 *out);
/* A list with at least one element. */
gboolean oc_reader_list (const OcReader *reader, const OcYamlNode *node);
/* @words: NULL-terminated. @out_index: which of them it is */
gboolean oc_reader_choice (const OcReader *reader, const OcYamlNode *node, const char *const *words,
                           guint *out_index);
/* As oc_reader_integer() for a list's element, which has no key. */
gboolean oc_reader_port (const OcReader *reader, const OcYamlNode *node, guint16 *out);
