/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Private. The words of each enumeration in JSON. */

#include "api-type.h"

extern const char *const api_words_rule_action[];
extern const char *const api_words_rule_request_status[];
extern const char *const api_words_runtime[];
extern const char *const api_words_protocol[];
extern const char *const api_words_layer[];
extern const char *const api_words_outcome[];
extern const char *const api_words_lookup[];
extern const char *const api_words_egress_mode[];
extern const char *const api_words_severity[];
extern const char *const api_words_state[];
extern const char *const api_words_action_type[];
