/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Grants under a new policy. Thread: main. */

#include "workload/oc-workload.h"

/* Judges every grant that a rule made as the DNS filter would judge its name now, and
 * ends those that @policy does not allow in the same way, with their flows. An operator's stay:
 * no rule made them, so none takes them away. */
void oc_daemon_judge_grants (OcFirewall *firewall, OcWorkloads *workloads,
                             const OcPolicy *policy);
