/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The inside of the builder: from the steps of a rule to nftables expressions. */

#include "firewall/oc-firewall-rules.h"

#include <libnftnl/rule.h>

/* Adds the expressions of @spec to @rule. Returns: FALSE when the options leave this rule out. */
gboolean oc_build_steps (struct nftnl_rule *rule, guint8 family, const OcRule *spec,
                         const OcFirewallOptions *options);
