/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The short form (`hosts`, `ports`, `methods`, `paths`, `agents`) spelt out in
 * CEL. An entry that means nothing is an error; so is an empty list.
 */

#include "policy/oc-policy-expand.h"
#include "policy/oc-policy-fields.h"

typedef struct
{
  const OcYamlNode *hosts; /* (nullable), each */
  const OcYamlNode *ports;
  const OcYamlNode *methods;
  const OcYamlNode *paths;
  const OcYamlNode *agents;
} OcShortForm;

gboolean oc_short_form_is_empty (const OcShortForm *form);
/* Appends the conjunction to @out. Returns: FALSE after errors were reported. */
gboolean oc_short_form_append (const OcShortForm *form, const OcReader *reader, OcConditionText *out);
