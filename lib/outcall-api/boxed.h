/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_BOXED_H
#define OUTCALL_API_BOXED_H

#if !defined(OUTCALL_API_INSIDE) && !defined(OUTCALL_API_COMPILATION)
#error "Only <outcall-api/outcall-api.h> can be included directly."
#endif

/* Memory of the types in types.h. Each is a boxed GType and has the same
 * functions, shown here for OutcallVerdict:
 *
 * GType outcall_verdict_get_type (void);
 *   Thread: any.
 *
 * OutcallVerdict *outcall_verdict_new (void);
 *   All members zero. (transfer full)
 *
 * OutcallVerdict *outcall_verdict_copy (const OutcallVerdict *self);
 *   A deep copy; JSON members are shared, as they are immutable. Accepts NULL.
 *   (transfer full)
 *
 * void outcall_verdict_free (OutcallVerdict *self);
 *   Frees @self with all that it owns. Accepts NULL. g_autoptr() works.
 *
 * gboolean outcall_verdict_equal (const OutcallVerdict *a, const OutcallVerdict *b);
 *   Whether both say the same: by value, lists and objects in order; a NULL
 *   string is "" where the member is required.
 *
 * JsonNode *outcall_verdict_to_json (const OutcallVerdict *self);
 *   The JSON form. Numbers that JSON's reader could not take back and bytes
 *   that are not UTF-8 never get out: they are clamped and replaced. (transfer full)
 *
 * OutcallVerdict *outcall_verdict_from_json (JsonNode *node, GError **error);
 *   Reads strictly: NULL with OUTCALL_API_ERROR for unknown or missing members,
 *   wrong types, numbers out of range, strings with NUL or not UTF-8, nesting
 *   over OUTCALL_JSON_DEPTH_MAX. The message names the member by its path.
 *   (transfer full)
 *
 * JsonNode *outcall_verdict_list_to_json (GPtrArray *list);
 * GPtrArray *outcall_verdict_list_from_json (JsonNode *node, GError **error);
 *   The same for an array of them; the list owns its elements.
 *   (transfer full) (element-type OutcallVerdict)
 *
 * Thread: any, each struct for one thread at a time.
 */

#include "export.h"
#include "types.h"

#include <glib-object.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define OUTCALL_DECLARE_TYPE(Type, type)                                                          \
  OUTCALL_EXPORT GType outcall_##type##_get_type (void) G_GNUC_CONST;                             \
  OUTCALL_EXPORT Type *outcall_##type##_new (void) G_GNUC_WARN_UNUSED_RESULT;                     \
  OUTCALL_EXPORT Type *outcall_##type##_copy (const Type *self) G_GNUC_WARN_UNUSED_RESULT;        \
  OUTCALL_EXPORT void outcall_##type##_free (Type *self);                                         \
  OUTCALL_EXPORT gboolean outcall_##type##_equal (const Type *a, const Type *b);                  \
  OUTCALL_EXPORT JsonNode *outcall_##type##_to_json (const Type *self) G_GNUC_WARN_UNUSED_RESULT; \
  OUTCALL_EXPORT Type *outcall_##type##_from_json (JsonNode *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;\
  OUTCALL_EXPORT JsonNode *outcall_##type##_list_to_json (GPtrArray *list) G_GNUC_WARN_UNUSED_RESULT;\
  OUTCALL_EXPORT GPtrArray *outcall_##type##_list_from_json (JsonNode *node, GError **error)      \
      G_GNUC_WARN_UNUSED_RESULT;                                                                  \
  G_DEFINE_AUTOPTR_CLEANUP_FUNC (Type, outcall_##type##_free)

#define OUTCALL_TYPE_API_RESPONSE (outcall_api_response_get_type ())
#define OUTCALL_TYPE_VERDICT (outcall_verdict_get_type ())
#define OUTCALL_TYPE_RULE_REQUEST (outcall_rule_request_get_type ())
#define OUTCALL_TYPE_RULE_REQUEST_RESPONSE (outcall_rule_request_response_get_type ())
#define OUTCALL_TYPE_RULE_SUBMISSION (outcall_rule_submission_get_type ())
#define OUTCALL_TYPE_RULE_REQUEST_ENTRY (outcall_rule_request_entry_get_type ())
#define OUTCALL_TYPE_RULE_REQUEST_REVIEW (outcall_rule_request_review_get_type ())
#define OUTCALL_TYPE_RULE_REQUEST_APPROVAL (outcall_rule_request_approval_get_type ())
#define OUTCALL_TYPE_ALLOW_REQUEST (outcall_allow_request_get_type ())
#define OUTCALL_TYPE_NAME_REQUEST (outcall_name_request_get_type ())
#define OUTCALL_TYPE_STOP_REQUEST (outcall_stop_request_get_type ())
#define OUTCALL_TYPE_PULL_REQUEST (outcall_pull_request_get_type ())
#define OUTCALL_TYPE_LINT_REQUEST (outcall_lint_request_get_type ())
#define OUTCALL_TYPE_ALLOW_HOSTS (outcall_allow_hosts_get_type ())
#define OUTCALL_TYPE_FLUSH_REQUEST (outcall_flush_request_get_type ())
#define OUTCALL_TYPE_REVOKE_REQUEST (outcall_revoke_request_get_type ())
#define OUTCALL_TYPE_REJECTION (outcall_rejection_get_type ())
#define OUTCALL_TYPE_DNS_TEST_REQUEST (outcall_dns_test_request_get_type ())
#define OUTCALL_TYPE_BRIDGE_STATUS (outcall_bridge_status_get_type ())
#define OUTCALL_TYPE_NETWORK_CONFIG (outcall_network_config_get_type ())
#define OUTCALL_TYPE_NETWORK_CREATE_REQUEST (outcall_network_create_request_get_type ())
#define OUTCALL_TYPE_NETWORK_STATUS (outcall_network_status_get_type ())
#define OUTCALL_TYPE_NETWORK_CREATED (outcall_network_created_get_type ())
#define OUTCALL_TYPE_NETWORK_DESTROYED (outcall_network_destroyed_get_type ())
#define OUTCALL_TYPE_GRANT_REQUEST (outcall_grant_request_get_type ())
#define OUTCALL_TYPE_GRANT (outcall_grant_get_type ())
#define OUTCALL_TYPE_ACTIVE_GRANTS (outcall_active_grants_get_type ())
#define OUTCALL_TYPE_GRANTS_REMOVED (outcall_grants_removed_get_type ())
#define OUTCALL_TYPE_SANDBOX_ATTACH_REQUEST (outcall_sandbox_attach_request_get_type ())
#define OUTCALL_TYPE_SANDBOX_ATTACHMENT (outcall_sandbox_attachment_get_type ())
#define OUTCALL_TYPE_WORKLOAD (outcall_workload_get_type ())
#define OUTCALL_TYPE_CONTAINER_REQUEST (outcall_container_request_get_type ())
#define OUTCALL_TYPE_CONTAINER (outcall_container_get_type ())
#define OUTCALL_TYPE_WORKLOAD_STOPPED (outcall_workload_stopped_get_type ())
#define OUTCALL_TYPE_CONTAINER_REMOVED (outcall_container_removed_get_type ())
#define OUTCALL_TYPE_PULL_PROGRESS (outcall_pull_progress_get_type ())
#define OUTCALL_TYPE_DECISION (outcall_decision_get_type ())
#define OUTCALL_TYPE_RULE_SUMMARY (outcall_rule_summary_get_type ())
#define OUTCALL_TYPE_DIAGNOSTIC (outcall_diagnostic_get_type ())
#define OUTCALL_TYPE_RULE_TEST (outcall_rule_test_get_type ())
#define OUTCALL_TYPE_UNTESTED_RULE (outcall_untested_rule_get_type ())
#define OUTCALL_TYPE_RULE_TESTS (outcall_rule_tests_get_type ())
#define OUTCALL_TYPE_RELOAD_RESULT (outcall_reload_result_get_type ())
#define OUTCALL_TYPE_ALLOW_RESULT (outcall_allow_result_get_type ())
#define OUTCALL_TYPE_NETWORK_CONTEXT (outcall_network_context_get_type ())
#define OUTCALL_TYPE_HTTP_CONTEXT (outcall_http_context_get_type ())
#define OUTCALL_TYPE_DNS_CONTEXT (outcall_dns_context_get_type ())
#define OUTCALL_TYPE_DOCKER_CONTEXT (outcall_docker_context_get_type ())
#define OUTCALL_TYPE_RUN_CONTEXT (outcall_run_context_get_type ())
#define OUTCALL_TYPE_AGENT_CONTEXT (outcall_agent_context_get_type ())
#define OUTCALL_TYPE_REQUEST_CONTEXT (outcall_request_context_get_type ())
#define OUTCALL_TYPE_CONTEXT (outcall_context_get_type ())
#define OUTCALL_TYPE_EVALUATE_REQUEST (outcall_evaluate_request_get_type ())
#define OUTCALL_TYPE_TRACE_STEP (outcall_trace_step_get_type ())
#define OUTCALL_TYPE_EVALUATE_RESULT (outcall_evaluate_result_get_type ())
#define OUTCALL_TYPE_SUBSYSTEM (outcall_subsystem_get_type ())
#define OUTCALL_TYPE_STATUS (outcall_status_get_type ())
#define OUTCALL_TYPE_DNS_UPSTREAM (outcall_dns_upstream_get_type ())
#define OUTCALL_TYPE_DNS_STATS (outcall_dns_stats_get_type ())
#define OUTCALL_TYPE_PROXY_WORKLOAD (outcall_proxy_workload_get_type ())
#define OUTCALL_TYPE_PROXY_RULE (outcall_proxy_rule_get_type ())
#define OUTCALL_TYPE_DNS_CACHE_ENTRY (outcall_dns_cache_entry_get_type ())
#define OUTCALL_TYPE_DNS_CACHE (outcall_dns_cache_get_type ())
#define OUTCALL_TYPE_DNS_ADDRESS (outcall_dns_address_get_type ())
#define OUTCALL_TYPE_DNS_TEST_RESULT (outcall_dns_test_result_get_type ())
#define OUTCALL_TYPE_PROXY_STATS (outcall_proxy_stats_get_type ())
#define OUTCALL_TYPE_CA (outcall_ca_get_type ())
#define OUTCALL_TYPE_CA_BUNDLE (outcall_ca_bundle_get_type ())
#define OUTCALL_TYPE_INTERCEPT (outcall_intercept_get_type ())
#define OUTCALL_TYPE_CACHE_FLUSHED (outcall_cache_flushed_get_type ())
#define OUTCALL_TYPE_SECRETS (outcall_secrets_get_type ())
#define OUTCALL_TYPE_AGENT_CHECKIN (outcall_agent_checkin_get_type ())
#define OUTCALL_TYPE_PERMISSION_CHECK (outcall_permission_check_get_type ())
#define OUTCALL_TYPE_WHOAMI (outcall_whoami_get_type ())

OUTCALL_DECLARE_TYPE (OutcallApiResponse, api_response)
OUTCALL_DECLARE_TYPE (OutcallVerdict, verdict)
OUTCALL_DECLARE_TYPE (OutcallRuleRequest, rule_request)
OUTCALL_DECLARE_TYPE (OutcallRuleRequestResponse, rule_request_response)
OUTCALL_DECLARE_TYPE (OutcallRuleSubmission, rule_submission)
OUTCALL_DECLARE_TYPE (OutcallRuleRequestEntry, rule_request_entry)
OUTCALL_DECLARE_TYPE (OutcallRuleRequestReview, rule_request_review)
OUTCALL_DECLARE_TYPE (OutcallRuleRequestApproval, rule_request_approval)
OUTCALL_DECLARE_TYPE (OutcallAllowRequest, allow_request)
OUTCALL_DECLARE_TYPE (OutcallNameRequest, name_request)
OUTCALL_DECLARE_TYPE (OutcallStopRequest, stop_request)
OUTCALL_DECLARE_TYPE (OutcallPullRequest, pull_request)
OUTCALL_DECLARE_TYPE (OutcallLintRequest, lint_request)
OUTCALL_DECLARE_TYPE (OutcallAllowHosts, allow_hosts)
OUTCALL_DECLARE_TYPE (OutcallFlushRequest, flush_request)
OUTCALL_DECLARE_TYPE (OutcallRevokeRequest, revoke_request)
OUTCALL_DECLARE_TYPE (OutcallRejection, rejection)
OUTCALL_DECLARE_TYPE (OutcallDnsTestRequest, dns_test_request)
OUTCALL_DECLARE_TYPE (OutcallBridgeStatus, bridge_status)
OUTCALL_DECLARE_TYPE (OutcallNetworkConfig, network_config)
OUTCALL_DECLARE_TYPE (OutcallNetworkCreateRequest, network_create_request)
OUTCALL_DECLARE_TYPE (OutcallNetworkStatus, network_status)
OUTCALL_DECLARE_TYPE (OutcallNetworkCreated, network_created)
OUTCALL_DECLARE_TYPE (OutcallNetworkDestroyed, network_destroyed)
OUTCALL_DECLARE_TYPE (OutcallGrantRequest, grant_request)
OUTCALL_DECLARE_TYPE (OutcallGrant, grant)
OUTCALL_DECLARE_TYPE (OutcallActiveGrants, active_grants)
OUTCALL_DECLARE_TYPE (OutcallGrantsRemoved, grants_removed)
OUTCALL_DECLARE_TYPE (OutcallSandboxAttachRequest, sandbox_attach_request)
OUTCALL_DECLARE_TYPE (OutcallSandboxAttachment, sandbox_attachment)
OUTCALL_DECLARE_TYPE (OutcallWorkload, workload)
OUTCALL_DECLARE_TYPE (OutcallContainerRequest, container_request)
OUTCALL_DECLARE_TYPE (OutcallContainer, container)
OUTCALL_DECLARE_TYPE (OutcallWorkloadStopped, workload_stopped)
OUTCALL_DECLARE_TYPE (OutcallContainerRemoved, container_removed)
OUTCALL_DECLARE_TYPE (OutcallPullProgress, pull_progress)
OUTCALL_DECLARE_TYPE (OutcallDecision, decision)
OUTCALL_DECLARE_TYPE (OutcallRuleSummary, rule_summary)
OUTCALL_DECLARE_TYPE (OutcallDiagnostic, diagnostic)
OUTCALL_DECLARE_TYPE (OutcallRuleTest, rule_test)
OUTCALL_DECLARE_TYPE (OutcallUntestedRule, untested_rule)
OUTCALL_DECLARE_TYPE (OutcallRuleTests, rule_tests)
OUTCALL_DECLARE_TYPE (OutcallReloadResult, reload_result)
OUTCALL_DECLARE_TYPE (OutcallAllowResult, allow_result)
OUTCALL_DECLARE_TYPE (OutcallNetworkContext, network_context)
OUTCALL_DECLARE_TYPE (OutcallHttpContext, http_context)
OUTCALL_DECLARE_TYPE (OutcallDnsContext, dns_context)
OUTCALL_DECLARE_TYPE (OutcallDockerContext, docker_context)
OUTCALL_DECLARE_TYPE (OutcallRunContext, run_context)
OUTCALL_DECLARE_TYPE (OutcallAgentContext, agent_context)
OUTCALL_DECLARE_TYPE (OutcallRequestContext, request_context)
OUTCALL_DECLARE_TYPE (OutcallContext, context)
OUTCALL_DECLARE_TYPE (OutcallEvaluateRequest, evaluate_request)
OUTCALL_DECLARE_TYPE (OutcallTraceStep, trace_step)
OUTCALL_DECLARE_TYPE (OutcallEvaluateResult, evaluate_result)
OUTCALL_DECLARE_TYPE (OutcallSubsystem, subsystem)
OUTCALL_DECLARE_TYPE (OutcallStatus, status)
OUTCALL_DECLARE_TYPE (OutcallDnsUpstream, dns_upstream)
OUTCALL_DECLARE_TYPE (OutcallDnsStats, dns_stats)
OUTCALL_DECLARE_TYPE (OutcallProxyWorkload, proxy_workload)
OUTCALL_DECLARE_TYPE (OutcallProxyRule, proxy_rule)
OUTCALL_DECLARE_TYPE (OutcallDnsCacheEntry, dns_cache_entry)
OUTCALL_DECLARE_TYPE (OutcallDnsCache, dns_cache)
OUTCALL_DECLARE_TYPE (OutcallDnsAddress, dns_address)
OUTCALL_DECLARE_TYPE (OutcallDnsTestResult, dns_test_result)
OUTCALL_DECLARE_TYPE (OutcallProxyStats, proxy_stats)
OUTCALL_DECLARE_TYPE (OutcallCa, ca)
OUTCALL_DECLARE_TYPE (OutcallCaBundle, ca_bundle)
OUTCALL_DECLARE_TYPE (OutcallIntercept, intercept)
OUTCALL_DECLARE_TYPE (OutcallCacheFlushed, cache_flushed)
OUTCALL_DECLARE_TYPE (OutcallSecrets, secrets)
OUTCALL_DECLARE_TYPE (OutcallAgentCheckin, agent_checkin)
OUTCALL_DECLARE_TYPE (OutcallPermissionCheck, permission_check)
OUTCALL_DECLARE_TYPE (OutcallWhoami, whoami)

/* Members of objects with free names; they only occur inside other types. */
OUTCALL_EXPORT OutcallPair *outcall_pair_new (const char *name,
                                              const char *value) G_GNUC_WARN_UNUSED_RESULT;
OUTCALL_EXPORT void outcall_pair_free (OutcallPair *pair);
OUTCALL_EXPORT OutcallCounter *outcall_counter_new (const char *name,
                                                    guint64 value) G_GNUC_WARN_UNUSED_RESULT;
OUTCALL_EXPORT void outcall_counter_free (OutcallCounter *counter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OutcallPair, outcall_pair_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OutcallCounter, outcall_counter_free)

G_END_DECLS

#endif
