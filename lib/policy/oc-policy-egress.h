/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The key `egress` of a rule. */

#include "policy/oc-policy-arena.h"
#include "policy/oc-policy-fields.h"
#include "policy/oc-policy.h"

/* What the file says, with where it says so. */
typedef struct
{
  const OcYamlNode *mode; /* (nullable), each */
  const OcYamlNode *ports;
  const OcYamlNode *allow_private_ips;
  const OcYamlNode *ech;
  const OcYamlNode *max_bytes;
  const OcYamlNode *match_body;
  const OcYamlNode *inject;
} OcEgressNodes;

/* Reads @node and refuses what cannot be enforced in its mode.
 * @out_nodes: (out): where each setting stands
 * @arena: holds the ports of @out
 * Returns: FALSE after errors were reported. */
gboolean oc_egress_read (const OcReader *reader, const OcYamlNode *node,
                         const OcPolicyOptions *options, OcArena *arena, OcEgress *out,
                         OcEgressNodes *out_nodes);
