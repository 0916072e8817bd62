/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What `outcall run` takes from its options and from .outcall/agent.yaml alike. */

#include "sandbox.h"

/* Each sets one limit of @limits.
 * @text: "512m", "2g" · "200" · "1.5"
 * Returns: FALSE when @text is none, or too small to hold a program */
gboolean oc_run_parse_memory (const char *text, OcSandboxLimits *limits);
gboolean oc_run_parse_pids (const char *text, OcSandboxLimits *limits);
gboolean oc_run_parse_cpus (const char *text, OcSandboxLimits *limits);
