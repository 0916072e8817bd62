/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The `tests:` block of a rule file. */

#include "policy/oc-policy-fields.h"
#include "policy/oc-policy-private.h"

/* Reads one entry into @out, everything allocated in @arena.
 * Returns: FALSE after errors were reported. */
gboolean oc_test_read (const OcReader *reader, const OcYamlNode *node, OcArena *arena,
                       OcPolicyTest *out);
