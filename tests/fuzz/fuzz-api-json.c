/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * JSON text of every type of the API: what is read must be written and read
 * back as the same value.
 */
#include "config.h"

#include <outcall-api/outcall-api.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define SIZE_MAX_TRIED (64 * 1024)

static JsonNode *
reparse (JsonNode *node)
{
  g_autofree char *text = outcall_json_print (node);
  JsonNode *again = outcall_json_parse (text, strlen (text), NULL);

  if (!again)
    abort ();
  return again;
}

#define TRY(Type, id)                                                                              \
  {                                                                                                \
    g_autoptr (Type) self = outcall_##id##_from_json (node, NULL);                                 \
                                                                                                   \
    if (self)                                                                                      \
      {                                                                                            \
        g_autoptr (Type) copy = outcall_##id##_copy (self);                                        \
        g_autoptr (JsonNode) written = outcall_##id##_to_json (copy);                              \
        g_autoptr (JsonNode) parsed = reparse (written);                                           \
        g_autoptr (Type) back = outcall_##id##_from_json (parsed, NULL);                           \
                                                                                                   \
        if (!back || !outcall_##id##_equal (self, back))                                           \
          abort ();                                                                                \
      }                                                                                            \
  }

static void
try_text (JsonNode *node)
{
  g_autoptr (JsonNode) again = reparse (node);

  if (!json_node_equal (node, again))
    abort ();
}

static void
try_answers (JsonNode *node)
{
  TRY (OutcallApiResponse, api_response)
  TRY (OutcallVerdict, verdict)
  TRY (OutcallRuleRequestResponse, rule_request_response)
  TRY (OutcallRuleRequestEntry, rule_request_entry)
  TRY (OutcallRuleRequestReview, rule_request_review)
  TRY (OutcallBridgeStatus, bridge_status)
  TRY (OutcallNetworkConfig, network_config)
  TRY (OutcallNetworkCreated, network_created)
  TRY (OutcallNetworkDestroyed, network_destroyed)
  TRY (OutcallActiveGrants, active_grants)
  TRY (OutcallGrantsRemoved, grants_removed)
  TRY (OutcallSandboxAttachment, sandbox_attachment)
  TRY (OutcallWorkload, workload)
  TRY (OutcallContainerRequest, container_request)
  TRY (OutcallContainer, container)
  TRY (OutcallPullProgress, pull_progress)
  TRY (OutcallDecision, decision)
  TRY (OutcallRuleSummary, rule_summary)
  TRY (OutcallReloadResult, reload_result)
  TRY (OutcallEvaluateResult, evaluate_result)
  TRY (OutcallStatus, status)
  TRY (OutcallDnsStats, dns_stats)
  TRY (OutcallProxyWorkload, proxy_workload)
  TRY (OutcallProxyRule, proxy_rule)
  TRY (OutcallDnsCache, dns_cache)
  TRY (OutcallProxyStats, proxy_stats)
  TRY (OutcallCa, ca)
  TRY (OutcallCaBundle, ca_bundle)
  TRY (OutcallIntercept, intercept)
  TRY (OutcallCacheFlushed, cache_flushed)
  TRY (OutcallSecrets, secrets)
  TRY (OutcallAgentCheckin, agent_checkin)
  TRY (OutcallWhoami, whoami)
}

static void
try_requests (JsonNode *node)
{
  TRY (OutcallRuleRequest, rule_request)
  TRY (OutcallNetworkCreateRequest, network_create_request)
  TRY (OutcallGrantRequest, grant_request)
  TRY (OutcallRuleSubmission, rule_submission)
  TRY (OutcallRuleRequestApproval, rule_request_approval)
  TRY (OutcallAllowRequest, allow_request)
  TRY (OutcallSandboxAttachRequest, sandbox_attach_request)
  TRY (OutcallContext, context)
  TRY (OutcallEvaluateRequest, evaluate_request)
  TRY (OutcallPermissionCheck, permission_check)
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (JsonNode) node = NULL;

  if (size > SIZE_MAX_TRIED)
    return 0;
  node = outcall_json_parse ((const char *) data, size, NULL);
  if (!node)
    return 0;
  try_text (node);
  try_answers (node);
  try_requests (node);
  return 0;
}
