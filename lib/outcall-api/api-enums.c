/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-enums.h"

#include <string.h>

static const char *
to_string (ApiWords words, guint value)
{
  for (guint i = 0; words[i]; i++)
    if (i == value)
      return words[i];
  return NULL;
}

static gboolean
from_string (ApiWords words, const char *word, guint *out)
{
  for (guint i = 0; word && words[i]; i++)
    if (strcmp (words[i], word) == 0)
      {
        *out = i;
        return TRUE;
      }
  return FALSE;
}

#define DEFINE_ENUM(Type, type, ...)                                                               \
  const char *const api_words_##type[] = { __VA_ARGS__, NULL };                                    \
                                                                                                   \
  const char *outcall_##type##_to_string (Type value)                                              \
  {                                                                                                \
    return to_string (api_words_##type, value);                                                    \
  }                                                                                                \
                                                                                                   \
  gboolean outcall_##type##_from_string (const char *word, Type *out)                              \
  {                                                                                                \
    guint value;                                                                                   \
                                                                                                   \
    if (!from_string (api_words_##type, word, &value))                                             \
      return FALSE;                                                                                \
    *out = (Type) value;                                                                           \
    return TRUE;                                                                                   \
  }

DEFINE_ENUM (OutcallRuleAction, rule_action, "allow", "block", "enrich")
DEFINE_ENUM (OutcallRuleRequestStatus, rule_request_status, "pending", "approved", "rejected")
DEFINE_ENUM (OutcallRuntime, runtime, "native", "engine")
DEFINE_ENUM (OutcallProtocol, protocol, "tcp", "udp")
DEFINE_ENUM (OutcallLayer, layer, "dns", "connect", "tls", "http", "agent", "container")
DEFINE_ENUM (OutcallOutcome, outcome, "allowed", "blocked")
DEFINE_ENUM (OutcallLookup, lookup, "ok", "no_name", "failed", "not_asked")
DEFINE_ENUM (OutcallEgressMode, egress_mode, "proxy", "direct_ip", "intercept")
DEFINE_ENUM (OutcallSeverity, severity, "error", "warning")
DEFINE_ENUM (OutcallState, state, "starting", "running", "degraded", "unavailable", "disabled")
DEFINE_ENUM (OutcallActionType, action_type, "tool_exec", "network_call", "file_access",
             "shell_exec")
