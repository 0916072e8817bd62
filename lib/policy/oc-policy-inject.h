/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The key `egress.inject`: request headers that the proxy sets. */

#include "policy/oc-policy-arena.h"
#include "policy/oc-policy-fields.h"
#include "policy/oc-policy.h"

#define OC_INJECT_HEADERS_MAX 16
#define OC_INJECT_VALUE_MAX 4096 /* octets of a template */

/* @out: inject and n_inject, in @arena
 * Returns: FALSE after errors were reported. */
gboolean oc_inject_read (const OcReader *reader, const OcYamlNode *node,
                         const OcPolicyOptions *options, OcArena *arena, OcEgress *out);
