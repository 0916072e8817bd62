/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-enums.h"

/* The tables, in the order of types.h. The JSON name of a member stands beside
 * the C name; the macros take offset and size from the struct, so a table cannot
 * disagree with its struct about them. `T` is the struct at hand. */

#define SIZED(member) .offset = G_STRUCT_OFFSET (T, member), .size = sizeof (((T *) 0)->member)
#define COUNTED(member) .offset = G_STRUCT_OFFSET (T, member), .extra = G_STRUCT_OFFSET (T, n_##member)

#define BOOL(name) { #name, KIND_BOOL, FIELD_REQUIRED, SIZED (name) }
#define BOOL_OMIT(name) { #name, KIND_BOOL, FIELD_OPTIONAL | FIELD_OMIT, SIZED (name) }
#define INTEGER(name, min_, max_, flags_)                                                          \
  { #name, KIND_INTEGER, flags_, SIZED (name), .min = min_, .max = max_ }
#define HAS(name, min_, max_)                                                                      \
  { #name, KIND_INTEGER, FIELD_OPTIONAL | FIELD_HAS, SIZED (name), .min = min_, .max = max_,      \
    .extra = G_STRUCT_OFFSET (T, has_##name) }
#define COUNT(name) INTEGER (name, 0, G_MAXINT64, FIELD_REQUIRED)
#define PORT(name) INTEGER (name, 1, G_MAXUINT16, FIELD_REQUIRED)
#define PORT_OPTIONAL(name) INTEGER (name, 1, G_MAXUINT16, FIELD_OPTIONAL)
#define LINE(name) INTEGER (name, 1, G_MAXUINT32, FIELD_REQUIRED)
#define LINE_OPTIONAL(name) INTEGER (name, 1, G_MAXUINT32, FIELD_OPTIONAL)
#define PREFIX_LEN(name) INTEGER (name, 0, 32, FIELD_REQUIRED)
#define PID(name) INTEGER (name, 1, G_MAXINT32, FIELD_SIGNED)
#define PID_OPTIONAL(name) INTEGER (name, 1, G_MAXINT32, FIELD_SIGNED | FIELD_OPTIONAL)
#define TIME(name, flags_)                                                                         \
  { #name, KIND_TIME, FIELD_SIGNED | (flags_), SIZED (name##_us), .min = API_TIME_MIN,            \
    .max = API_TIME_MAX }
#define ENUM(name, type_)                                                                          \
  { #name, KIND_ENUM, FIELD_REQUIRED, SIZED (name), .words = api_words_##type_ }
#define STRING_FLAGS(name, flags_) { #name, KIND_STRING, flags_, SIZED (name) }
#define STRING(name) STRING_FLAGS (name, FIELD_REQUIRED)
#define STRING_OPTIONAL(name) STRING_FLAGS (name, FIELD_OPTIONAL)
#define STRING_OMIT(name) STRING_FLAGS (name, FIELD_OPTIONAL | FIELD_OMIT)
#define STRING_BLANK(name) STRING_FLAGS (name, FIELD_OPTIONAL | FIELD_OMIT | FIELD_BLANK)
#define NODE(name, kind_, flags_) { #name, kind_, FIELD_OPTIONAL | FIELD_OMIT | (flags_), SIZED (name) }
#define STRUCT(name, type_, flags_) { #name, KIND_STRUCT, flags_, SIZED (name), .type = &type_ }
#define STRINGS(name, flags_) { #name, KIND_STRINGS, flags_, COUNTED (name) }
#define STRUCTS(name, type_) { #name, KIND_STRUCTS, FIELD_REQUIRED, COUNTED (name), .type = &type_ }
#define PAIRS(name) { #name, KIND_PAIRS, FIELD_OPTIONAL | FIELD_OMIT, COUNTED (name) }
#define COUNTERS(name) { #name, KIND_COUNTERS, FIELD_REQUIRED, COUNTED (name) }

/* Table of the fields_… array above it. */
#define TABLE(type) { G_STRINGIFY (T), sizeof (T), fields_##type, G_N_ELEMENTS (fields_##type) }

#define T OutcallPair
static const ApiField fields_pair[] = { STRING (name), STRING (value) };
const ApiType api_type_pair = TABLE (pair);
#undef T

#define T OutcallCounter
static const ApiField fields_counter[] = { STRING (name), COUNT (value) };
const ApiType api_type_counter = TABLE (counter);
#undef T

#define T OutcallApiResponse
static const ApiField fields_api_response[] = {
  BOOL (success),
  NODE (data, KIND_NODE, FIELD_NO_NULL),
  STRING_FLAGS (error, FIELD_OPTIONAL | FIELD_OMIT | FIELD_NO_NULL),
};
static const ApiType type_api_response = TABLE (api_response);
#undef T

#define T OutcallVerdict
static const ApiField fields_verdict[] = {
  BOOL (allowed),
  STRING_OPTIONAL (matched_rule),
  STRING_OPTIONAL (reason),
};
static const ApiType type_verdict = TABLE (verdict);
#undef T

#define T OutcallRuleRequest
static const ApiField fields_rule_request[] = {
  STRING (description),
  STRING (condition),
  ENUM (action, rule_action),
};
static const ApiType type_rule_request = TABLE (rule_request);
#undef T

#define T OutcallRuleRequestResponse
static const ApiField fields_rule_request_response[] = {
  STRING (id),
  ENUM (status, rule_request_status),
  STRING_OPTIONAL (reason),
};
static const ApiType type_rule_request_response = TABLE (rule_request_response);
#undef T

#define T OutcallRuleSubmission
static const ApiField fields_rule_submission[] = {
  STRING_OMIT (rule_file),
  STRING_OMIT (host),
  INTEGER (port, 1, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_OMIT (reason),
};
static const ApiType type_rule_submission = TABLE (rule_submission);
#undef T

#define T OutcallBridgeStatus
static const ApiField fields_bridge_status[] = {
  STRING (name),
  BOOL (up),
  HAS (index, 0, G_MAXUINT32),
  BOOL (nftables_active),
};
static const ApiType type_bridge_status = TABLE (bridge_status);
#undef T

#define T OutcallNetworkConfig
static const ApiField fields_network_config[] = {
  STRING (name), STRING (bridge), STRING (subnet), STRING (gateway),
  PREFIX_LEN (prefix_len), PORT (dns_port), PORT_OPTIONAL (proxy_port),
  STRINGS (protected_paths, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_network_config = TABLE (network_config);
#undef T

#define T OutcallNetworkCreateRequest
static const ApiField fields_network_create_request[] = {
  STRING (name),
  STRING_OMIT (subnet),
};
static const ApiType type_network_create_request = TABLE (network_create_request);
#undef T

#define T OutcallNetworkStatus
static const ApiField fields_network_status[] = {
  STRING (name), STRING (bridge), STRING (subnet), STRING (gateway), BOOL (up),
  HAS (index, 0, G_MAXUINT32), BOOL (has_gateway), BOOL (nftables_active),
  STRINGS (workloads, FIELD_REQUIRED),
};
static const ApiType type_network_status = TABLE (network_status);
#undef T

#define T OutcallNetworkCreated
static const ApiField fields_network_created[] = {
  BOOL (created),
  STRUCT (network, type_network_status, FIELD_REQUIRED),
};
static const ApiType type_network_created = TABLE (network_created);
#undef T

#define T OutcallNetworkDestroyed
static const ApiField fields_network_destroyed[] = { STRING (name), BOOL (destroyed) };
static const ApiType type_network_destroyed = TABLE (network_destroyed);
#undef T

#define T OutcallGrantRequest
static const ApiField fields_grant_request[] = {
  STRING (workload),
  STRING (destination),
  ENUM (protocol, protocol),
  INTEGER (port, 1, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  INTEGER (last_port, 1, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  INTEGER (lifetime_s, 1, OUTCALL_GRANT_LIFETIME_MAX_SECS, FIELD_REQUIRED),
  INTEGER (max_bytes, 1, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_grant_request = TABLE (grant_request);
#undef T

#define T OutcallGrant
static const ApiField fields_grant[] = {
  STRING (id),
  STRING (workload),
  STRING (destination),
  STRING_OPTIONAL (name),
  ENUM (protocol, protocol),
  PORT_OPTIONAL (port),
  PORT_OPTIONAL (last_port),
  STRING_OPTIONAL (rule),
  TIME (inserted_at, FIELD_REQUIRED),
  TIME (expires_at, FIELD_REQUIRED),
  COUNT (packets),
  COUNT (bytes),
  INTEGER (max_bytes, 1, G_MAXINT64, FIELD_OPTIONAL),
};
static const ApiType type_grant = TABLE (grant);
#undef T

#define T OutcallActiveGrants
static const ApiField fields_active_grants[] = {
  STRUCTS (grants, type_grant),
  COUNT (total),
};
static const ApiType type_active_grants = TABLE (active_grants);
#undef T

#define T OutcallGrantsRemoved
static const ApiField fields_grants_removed[] = { COUNT (removed) };
static const ApiType type_grants_removed = TABLE (grants_removed);
#undef T

#define T OutcallSandboxAttachRequest
static const ApiField fields_sandbox_attach_request[] = {
  PID (pid),
  STRING_OMIT (name),
  STRING_OMIT (project),
  STRING_OMIT (command),
  BOOL_OMIT (learning),
};
static const ApiType type_sandbox_attach_request = TABLE (sandbox_attach_request);
#undef T

#define T OutcallSandboxAttachment
static const ApiField fields_sandbox_attachment[] = {
  STRING (name), STRING (id), STRING (address),
  PREFIX_LEN (prefix_len), STRING (gateway), STRING (mac),
};
static const ApiType type_sandbox_attachment = TABLE (sandbox_attachment);
#undef T

#define T OutcallWorkload
static const ApiField fields_workload[] = {
  STRING (name),
  STRING (id),
  ENUM (runtime, runtime),
  STRING (network),
  STRING (address),
  STRING (mac),
  PID_OPTIONAL (pid),
  INTEGER (uid, 0, G_MAXUINT32, FIELD_REQUIRED),
  STRING_OPTIONAL (command),
  STRING_OPTIONAL (project),
  TIME (started_at, FIELD_REQUIRED),
  STRING_OMIT (image),
  BOOL_OMIT (learning),
};
static const ApiType type_workload = TABLE (workload);
#undef T

#define T OutcallContainerRequest
static const ApiField fields_container_request[] = {
  STRING (image),
  STRING_OMIT (name),
  STRINGS (command, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (env, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (binds, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_OMIT (network),
  STRING_OMIT (working_dir),
  STRING_OMIT (user),
  STRING_OMIT (project),
  INTEGER (memory, 0, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
  INTEGER (cpu_shares, 0, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
  INTEGER (pids, 0, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
  BOOL_OMIT (without_agent),
};
static const ApiType type_container_request = TABLE (container_request);
#undef T

#define T OutcallContainer
static const ApiField fields_container[] = {
  STRING (name),
  STRING (id),
  STRING (image),
  STRING (status),
  BOOL (confined),
  STRING (command),
  STRING_OPTIONAL (network),
  STRING_OPTIONAL (address),
  STRING_OPTIONAL (mac),
  PID_OPTIONAL (pid),
  STRING_OPTIONAL (user),
  STRING_OPTIONAL (project),
  STRING_OPTIONAL (created),
  INTEGER (exit_code, G_MININT64, G_MAXINT64, FIELD_REQUIRED | FIELD_SIGNED),
  BOOL (oom_killed),
  STRINGS (env, FIELD_REQUIRED),
};
static const ApiType type_container = TABLE (container);
#undef T

#define T OutcallWorkloadStopped
static const ApiField fields_workload_stopped[] = { BOOL (stopped) };
static const ApiType type_workload_stopped = TABLE (workload_stopped);
#undef T

#define T OutcallContainerRemoved
static const ApiField fields_container_removed[] = { BOOL (removed) };
static const ApiType type_container_removed = TABLE (container_removed);
#undef T

#define T OutcallPullProgress
static const ApiField fields_pull_progress[] = {
  STRING (status),
  STRING_OMIT (layer),
  COUNT (current),
  COUNT (total),
};
static const ApiType type_pull_progress = TABLE (pull_progress);
#undef T

#define T OutcallDecision
static const ApiField fields_decision[] = {
  INTEGER (sequence, 1, G_MAXINT64, FIELD_REQUIRED),
  TIME (time, FIELD_REQUIRED),
  ENUM (layer, layer),
  ENUM (verdict, outcome),
  STRING (workload),
  STRING (agent),
  STRING_OPTIONAL (host),
  STRING_OPTIONAL (address),
  PORT_OPTIONAL (port),
  STRING_OPTIONAL (method),
  STRING_OPTIONAL (path),
  STRING_OPTIONAL (rule),
  STRING_OPTIONAL (reason),
  COUNT (bytes_up),
  COUNT (bytes_down),
  INTEGER (duration_us, 0, G_MAXINT64, FIELD_SIGNED),
  STRING_OMIT (session_id),
  STRING_OMIT (tool_use_id),
  STRING_OMIT (request),
  BOOL_OMIT (cached),
  BOOL_OMIT (ended),
};
static const ApiType type_decision = TABLE (decision);
#undef T

#define T OutcallRuleSummary
static const ApiField fields_rule_summary[] = {
  STRING (id),
  STRING_OPTIONAL (description),
  STRING (file),
  LINE (line),
  INTEGER (priority, G_MININT64, G_MAXINT64, FIELD_SIGNED),
  ENUM (action, rule_action),
  STRING (condition),
  STRING_OPTIONAL (reason),
  COUNT (hits),
  COUNT (errors),
  ENUM (mode, egress_mode),
};
static const ApiType type_rule_summary = TABLE (rule_summary);
#undef T

#define T OutcallDiagnostic
static const ApiField fields_diagnostic[] = {
  ENUM (severity, severity), STRING_OPTIONAL (file), LINE_OPTIONAL (line),
  LINE_OPTIONAL (column), LINE_OPTIONAL (length), STRING (text),
  STRING_OPTIONAL (source), STRING_OPTIONAL (rule),
};
static const ApiType type_diagnostic = TABLE (diagnostic);
#undef T

#define T OutcallRuleTest
static const ApiField fields_rule_test[] = {
  STRING (file), LINE (line), STRING (name),
  BOOL (passed), STRING_OPTIONAL (message), STRING_OPTIONAL (rule),
};
static const ApiType type_rule_test = TABLE (rule_test);
#undef T

#define T OutcallUntestedRule
static const ApiField fields_untested_rule[] = { STRING (id), STRING (file), LINE (line) };
static const ApiType type_untested_rule = TABLE (untested_rule);
#undef T

#define T OutcallRuleTests
static const ApiField fields_rule_tests[] = {
  COUNT (passed), COUNT (failed), COUNT (rules),
  STRUCTS (tests, type_rule_test), STRUCTS (untested, type_untested_rule),
};
static const ApiType type_rule_tests = TABLE (rule_tests);
#undef T

#define T OutcallReloadResult
static const ApiField fields_reload_result[] = {
  COUNT (files_loaded),
  COUNT (rules_loaded),
  STRUCTS (warnings, type_diagnostic),
};
static const ApiType type_reload_result = TABLE (reload_result);
#undef T

#define T OutcallRuleRequestEntry
static const ApiField fields_rule_request_entry[] = {
  STRING (id),
  ENUM (status, rule_request_status),
  STRING (workload),
  STRING (workload_id),
  STRING (agent),
  TIME (asked_at, FIELD_REQUIRED),
  STRING_OMIT (host),
  INTEGER (port, 1, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_OMIT (reason),
  STRING_OMIT (rule_file),
  INTEGER (decision, 1, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_OMIT (tool_use_id),
  TIME (decided_at, FIELD_OPTIONAL | FIELD_OMIT),
  { "decided_by", KIND_INTEGER, FIELD_OPTIONAL | FIELD_OMIT | FIELD_HAS, SIZED (decided_by),
    .min = 0, .max = G_MAXUINT32, .extra = G_STRUCT_OFFSET (T, has_decided_by) },
  STRING_OMIT (answer),
  STRING_OMIT (file),
  TIME (expires_at, FIELD_OPTIONAL | FIELD_OMIT),
  BOOL (any_agent),
  BOOL (ended),
  BOOL_OMIT (own),
};
static const ApiType type_rule_request_entry = TABLE (rule_request_entry);
#undef T

#define T OutcallRuleRequestReview
static const ApiField fields_rule_request_review[] = {
  STRUCT (request, type_rule_request_entry, FIELD_REQUIRED),
  STRING (file),
  STRING (text),
  STRING (digest),
  TIME (expires_at, FIELD_OPTIONAL),
  BOOL (any_agent),
  STRUCTS (warnings, type_diagnostic),
  STRINGS (hosts, FIELD_REQUIRED),
  STRINGS (agents, FIELD_REQUIRED),
  STRINGS (other_agents, FIELD_REQUIRED),
  COUNT (decisions),
  COUNT (allowed),
  COUNT (blocked),
  COUNT (elsewhere),
  STRINGS (allowed_hosts, FIELD_REQUIRED),
  STRINGS (overrides, FIELD_REQUIRED),
};
static const ApiType type_rule_request_review = TABLE (rule_request_review);
#undef T

#define T OutcallRuleRequestApproval
static const ApiField fields_rule_request_approval[] = {
  STRING (digest),
  TIME (expires_at, FIELD_OPTIONAL | FIELD_OMIT),
  BOOL_OMIT (any_agent),
};
static const ApiType type_rule_request_approval = TABLE (rule_request_approval);
#undef T

#define T OutcallAllowResult
static const ApiField fields_allow_result[] = { STRINGS (files, FIELD_REQUIRED) };
static const ApiType type_allow_result = TABLE (allow_result);
#undef T

#define T OutcallAllowRequest
static const ApiField fields_allow_request[] = {
  STRING (agent),
  STRING (host),
  INTEGER (port, 1, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  BOOL_OMIT (any_agent),
  INTEGER (for_s, 1, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_OMIT (id),
  STRING_OMIT (digest),
  TIME (expires_at, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_allow_request = TABLE (allow_request);
#undef T

#define T OutcallNameRequest
static const ApiField fields_name_request[] = { STRING (name) };
static const ApiType type_name_request = TABLE (name_request);
#undef T

#define T OutcallStopRequest
static const ApiField fields_stop_request[] = {
  STRING (name),
  HAS (timeout_s, 0, G_MAXINT64),
};
static const ApiType type_stop_request = TABLE (stop_request);
#undef T

#define T OutcallPullRequest
static const ApiField fields_pull_request[] = { STRING (image) };
static const ApiType type_pull_request = TABLE (pull_request);
#undef T

#define T OutcallLintRequest
static const ApiField fields_lint_request[] = {
  STRING (name),
  STRING (text),
};
static const ApiType type_lint_request = TABLE (lint_request);
#undef T

#define T OutcallAllowHosts
static const ApiField fields_allow_hosts[] = {
  STRINGS (hosts, FIELD_REQUIRED),
  STRING_OMIT (agent),
  INTEGER (for_s, 1, G_MAXINT64, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_allow_hosts = TABLE (allow_hosts);
#undef T

#define T OutcallFlushRequest
static const ApiField fields_flush_request[] = { STRING_OMIT (workload) };
static const ApiType type_flush_request = TABLE (flush_request);
#undef T

#define T OutcallRevokeRequest
static const ApiField fields_revoke_request[] = { STRING (id) };
static const ApiType type_revoke_request = TABLE (revoke_request);
#undef T

#define T OutcallRejection
static const ApiField fields_rejection[] = { STRING_OMIT (reason) };
static const ApiType type_rejection = TABLE (rejection);
#undef T

#define T OutcallDnsTestRequest
static const ApiField fields_dns_test_request[] = {
  STRING (name),
  STRING_OMIT (agent),
  STRING_OMIT (record_type),
};
static const ApiType type_dns_test_request = TABLE (dns_test_request);
#undef T

#define T OutcallNetworkContext
static const ApiField fields_network_context[] = {
  STRING_BLANK (hostname),
  STRING_BLANK (ip),
  INTEGER (port, 0, G_MAXUINT16, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_BLANK (protocol),
};
static const ApiType type_network_context = TABLE (network_context);
#undef T

#define T OutcallHttpContext
static const ApiField fields_http_context[] = {
  STRING_BLANK (method),
  STRING_BLANK (path),
  STRING_BLANK (host),
  STRING_BLANK (scheme),
  PAIRS (headers),
  INTEGER (body_size, 0, G_MAXINT64, FIELD_SIGNED | FIELD_OPTIONAL | FIELD_OMIT),
  STRING_BLANK (body),
};
static const ApiType type_http_context = TABLE (http_context);
#undef T

#define T OutcallDnsContext
static const ApiField fields_dns_context[] = {
  STRING_BLANK (query),
  STRING_BLANK (record_type),
};
static const ApiType type_dns_context = TABLE (dns_context);
#undef T

#define T OutcallDockerContext
static const ApiField fields_docker_context[] = {
  STRING_BLANK (image),
  STRINGS (command, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (volumes, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (env_keys, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (capabilities, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_docker_context = TABLE (docker_context);
#undef T

#define T OutcallRunContext
static const ApiField fields_run_context[] = {
  STRING_BLANK (tool),
  STRINGS (args, FIELD_OPTIONAL | FIELD_OMIT),
  STRINGS (flags, FIELD_OPTIONAL | FIELD_OMIT),
  STRING_BLANK (cwd),
  PAIRS (context),
};
static const ApiType type_run_context = TABLE (run_context);
#undef T

#define T OutcallAgentContext
static const ApiField fields_agent_context[] = {
  STRING_BLANK (name),
  STRING_BLANK (id),
  STRING_BLANK (image),
  STRING_BLANK (project),
};
static const ApiType type_agent_context = TABLE (agent_context);
#undef T

#define T OutcallRequestContext
static const ApiField fields_request_context[] = {
  TIME (time, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_request_context = TABLE (request_context);
#undef T

#define T OutcallContext
static const ApiField fields_context[] = {
  STRUCT (network, type_network_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (http, type_http_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (dns, type_dns_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (docker, type_docker_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (run, type_run_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (agent, type_agent_context, FIELD_OPTIONAL | FIELD_OMIT),
  STRUCT (request, type_request_context, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_context = TABLE (context);
#undef T

#define T OutcallEvaluateRequest
static const ApiField fields_evaluate_request[] = {
  STRUCT (context, type_context, FIELD_REQUIRED),
  BOOL_OMIT (trace),
  BOOL_OMIT (name_only),
};
static const ApiType type_evaluate_request = TABLE (evaluate_request);
#undef T

#define T OutcallTraceStep
static const ApiField fields_trace_step[] = {
  STRING (rule), STRING (file), LINE (line),
  ENUM (action, rule_action), BOOL (matched), STRING_OPTIONAL (why),
};
static const ApiType type_trace_step = TABLE (trace_step);
#undef T

#define T OutcallEvaluateResult
static const ApiField fields_evaluate_result[] = {
  STRUCT (verdict, type_verdict, FIELD_REQUIRED),
  STRING_OPTIONAL (file),
  LINE_OPTIONAL (line),
  STRUCTS (trace, type_trace_step),
};
static const ApiType type_evaluate_result = TABLE (evaluate_result);
#undef T

#define T OutcallSubsystem
static const ApiField fields_subsystem[] = {
  STRING (name),
  ENUM (state, state),
  STRING_OPTIONAL (reason),
};
static const ApiType type_subsystem = TABLE (subsystem);
#undef T

#define T OutcallStatus
static const ApiField fields_status[] = {
  STRING (version),
  COUNT (uptime_s),
  STRUCTS (subsystems, type_subsystem),
  COUNTERS (counters),
};
static const ApiType type_status = TABLE (status);
#undef T

#define T OutcallDnsUpstream
static const ApiField fields_dns_upstream[] = {
  STRING (address), PORT (port), BOOL (up), COUNT (asked), COUNT (failed), COUNT (latency_us),
};
static const ApiType type_dns_upstream = TABLE (dns_upstream);
#undef T

#define T OutcallDnsStats
static const ApiField fields_dns_stats[] = {
  PORT (port), STRING_OPTIONAL (upstreams), COUNT (queries), COUNT (allowed), COUNT (blocked),
  COUNT (refused), COUNT (malformed), COUNT (rate_limited), COUNT (cache_hits),
  COUNT (cache_misses), COUNT (cache_entries), COUNT (upstream_queries),
  COUNT (upstream_failures), COUNT (addresses_removed), COUNT (spoofed),
  STRUCTS (servers, type_dns_upstream),
};
static const ApiType type_dns_stats = TABLE (dns_stats);
#undef T

#define T OutcallProxyWorkload
static const ApiField fields_proxy_workload[] = {
  STRING (workload), COUNT (connections), COUNT (requests), COUNT (blocked), COUNT (bytes_up),
  COUNT (bytes_down),
};
static const ApiType type_proxy_workload = TABLE (proxy_workload);
#undef T

#define T OutcallProxyRule
static const ApiField fields_proxy_rule[] = {
  STRING (rule), COUNT (hits), COUNT (connections), COUNT (blocked), COUNT (bytes_up),
  COUNT (bytes_down),
};
static const ApiType type_proxy_rule = TABLE (proxy_rule);
#undef T

#define T OutcallDnsCacheEntry
static const ApiField fields_dns_cache_entry[] = {
  STRING (name), STRING (type), COUNT (rcode), COUNT (records),
  INTEGER (ttl_s, G_MININT64, G_MAXINT64, FIELD_SIGNED), BOOL (dnssec_ok),
  BOOL (checking_disabled),
};
static const ApiType type_dns_cache_entry = TABLE (dns_cache_entry);
#undef T

#define T OutcallDnsCache
static const ApiField fields_dns_cache[] = {
  COUNT (answers), COUNT (answers_max), COUNT (bytes), COUNT (bytes_max),
  STRUCTS (entries, type_dns_cache_entry),
};
static const ApiType type_dns_cache = TABLE (dns_cache);
#undef T

#define T OutcallDnsAddress
static const ApiField fields_dns_address[] = {
  STRING (address),
  { "class", KIND_STRING, FIELD_REQUIRED, SIZED (address_class) },
};
static const ApiType type_dns_address = TABLE (dns_address);
#undef T

#define T OutcallDnsTestResult
static const ApiField fields_dns_test_result[] = {
  STRING (name),
  BOOL (allowed),
  STRING_OPTIONAL (matched_rule),
  STRING_OPTIONAL (reason),
  ENUM (status, lookup),
  STRUCTS (addresses, type_dns_address),
};
static const ApiType type_dns_test_result = TABLE (dns_test_result);
#undef T

#define T OutcallProxyStats
static const ApiField fields_proxy_stats[] = {
  PORT (port), STRING_OPTIONAL (upstream_proxy), COUNT (connections), COUNT (active),
  COUNT (requests), COUNT (tunnels), COUNT (blocked), COUNT (refused), COUNT (upstream_errors),
  COUNT (bytes_up), COUNT (bytes_down),
  COUNTERS (reasons),
  STRUCTS (workloads, type_proxy_workload),
  STRUCTS (rules, type_proxy_rule),
};
static const ApiType type_proxy_stats = TABLE (proxy_stats);
#undef T

#define T OutcallCa
static const ApiField fields_ca[] = {
  BOOL (loaded),
  STRING_OMIT (subject),
  STRING_OMIT (algorithm),
  STRING_OMIT (fingerprint),
  TIME (not_before, FIELD_OPTIONAL | FIELD_OMIT),
  TIME (not_after, FIELD_OPTIONAL | FIELD_OMIT),
};
static const ApiType type_ca = TABLE (ca);
#undef T

#define T OutcallCaBundle
static const ApiField fields_ca_bundle[] = { STRING (pem) };
static const ApiType type_ca_bundle = TABLE (ca_bundle);
#undef T

#define T OutcallIntercept
static const ApiField fields_intercept[] = {
  BOOL (enabled), COUNT (leaf_ttl_s), COUNT (body_cap), COUNT (certificates),
  COUNT (certificates_max), COUNT (hits), COUNT (misses), COUNT (failures),
};
static const ApiType type_intercept = TABLE (intercept);
#undef T

#define T OutcallCacheFlushed
static const ApiField fields_cache_flushed[] = { COUNT (flushed) };
static const ApiType type_cache_flushed = TABLE (cache_flushed);
#undef T

#define T OutcallSecrets
static const ApiField fields_secrets[] = { STRINGS (names, FIELD_REQUIRED) };
static const ApiType type_secrets = TABLE (secrets);
#undef T

#define T OutcallAgentCheckin
static const ApiField fields_agent_checkin[] = {
  STRING (container_id),
  STRING_FLAGS (session_token, FIELD_SECRET),
  STRINGS (context_keys, FIELD_REQUIRED),
};
static const ApiType type_agent_checkin = TABLE (agent_checkin);
#undef T

#define T OutcallPermissionCheck
static const ApiField fields_permission_check[] = {
  ENUM (action_type, action_type),
  STRING (target),
  NODE (metadata, KIND_OBJECT, 0),
};
static const ApiType type_permission_check = TABLE (permission_check);
#undef T

#define T OutcallWhoami
static const ApiField fields_whoami[] = {
  STRING (name),
  STRING (id),
  STRING (agent),
  HAS (session_age_s, 0, G_MAXINT64),
};
static const ApiType type_whoami = TABLE (whoami);
#undef T

/* --- Functions ------------------------------------------------------------------ */

/* Every (struct, name) pair, once. */
#define FOR_EACH_TYPE(DO)                                                                          \
  DO (OutcallApiResponse, api_response)                                                            \
  DO (OutcallVerdict, verdict)                                                                     \
  DO (OutcallRuleRequest, rule_request)                                                            \
  DO (OutcallRuleRequestResponse, rule_request_response)                                           \
  DO (OutcallRuleSubmission, rule_submission)                                                      \
  DO (OutcallRuleRequestEntry, rule_request_entry)                                                 \
  DO (OutcallRuleRequestReview, rule_request_review)                                               \
  DO (OutcallRuleRequestApproval, rule_request_approval)                                           \
  DO (OutcallAllowRequest, allow_request)                                                          \
  DO (OutcallNameRequest, name_request)                                                            \
  DO (OutcallStopRequest, stop_request)                                                            \
  DO (OutcallPullRequest, pull_request)                                                            \
  DO (OutcallLintRequest, lint_request)                                                            \
  DO (OutcallAllowHosts, allow_hosts)                                                              \
  DO (OutcallFlushRequest, flush_request)                                                          \
  DO (OutcallRevokeRequest, revoke_request)                                                        \
  DO (OutcallRejection, rejection)                                                                 \
  DO (OutcallDnsTestRequest, dns_test_request)                                                     \
  DO (OutcallBridgeStatus, bridge_status)                                                          \
  DO (OutcallNetworkConfig, network_config)                                                        \
  DO (OutcallNetworkCreateRequest, network_create_request)                                         \
  DO (OutcallNetworkStatus, network_status)                                                        \
  DO (OutcallNetworkCreated, network_created)                                                      \
  DO (OutcallNetworkDestroyed, network_destroyed)                                                  \
  DO (OutcallGrantRequest, grant_request)                                                          \
  DO (OutcallGrant, grant)                                                                         \
  DO (OutcallActiveGrants, active_grants)                                                                \
  DO (OutcallGrantsRemoved, grants_removed)                                                        \
  DO (OutcallSandboxAttachRequest, sandbox_attach_request)                                         \
  DO (OutcallSandboxAttachment, sandbox_attachment)                                                \
  DO (OutcallWorkload, workload)                                                                   \
  DO (OutcallContainerRequest, container_request)                                                  \
  DO (OutcallContainer, container)                                                                 \
  DO (OutcallWorkloadStopped, workload_stopped)                                                    \
  DO (OutcallContainerRemoved, container_removed)                                                  \
  DO (OutcallPullProgress, pull_progress)                                                          \
  DO (OutcallDecision, decision)                                                                   \
  DO (OutcallRuleSummary, rule_summary)                                                            \
  DO (OutcallDiagnostic, diagnostic)                                                               \
  DO (OutcallRuleTest, rule_test)                                                                  \
  DO (OutcallUntestedRule, untested_rule)                                                          \
  DO (OutcallRuleTests, rule_tests)                                                                \
  DO (OutcallReloadResult, reload_result)                                                          \
  DO (OutcallAllowResult, allow_result)                                                            \
  DO (OutcallNetworkContext, network_context)                                                      \
  DO (OutcallHttpContext, http_context)                                                            \
  DO (OutcallDnsContext, dns_context)                                                              \
  DO (OutcallDockerContext, docker_context)                                                        \
  DO (OutcallRunContext, run_context)                                                              \
  DO (OutcallAgentContext, agent_context)                                                          \
  DO (OutcallRequestContext, request_context)                                                      \
  DO (OutcallContext, context)                                                                     \
  DO (OutcallEvaluateRequest, evaluate_request)                                                    \
  DO (OutcallTraceStep, trace_step)                                                                \
  DO (OutcallEvaluateResult, evaluate_result)                                                      \
  DO (OutcallSubsystem, subsystem)                                                                 \
  DO (OutcallStatus, status)                                                                       \
  DO (OutcallDnsUpstream, dns_upstream)                                                            \
  DO (OutcallDnsStats, dns_stats)                                                                  \
  DO (OutcallProxyWorkload, proxy_workload)                                                        \
  DO (OutcallProxyRule, proxy_rule)                                                                \
  DO (OutcallDnsCacheEntry, dns_cache_entry)                                                       \
  DO (OutcallDnsCache, dns_cache)                                                                  \
  DO (OutcallDnsAddress, dns_address)                                                              \
  DO (OutcallDnsTestResult, dns_test_result)                                                       \
  DO (OutcallProxyStats, proxy_stats)                                                              \
  DO (OutcallCa, ca)                                                                               \
  DO (OutcallCaBundle, ca_bundle)                                                                  \
  DO (OutcallIntercept, intercept)                                                                 \
  DO (OutcallCacheFlushed, cache_flushed)                                                          \
  DO (OutcallSecrets, secrets)                                                                     \
  DO (OutcallAgentCheckin, agent_checkin)                                                          \
  DO (OutcallPermissionCheck, permission_check)                                                    \
  DO (OutcallWhoami, whoami)

#define DEFINE_FUNCTIONS(Type, id)                                                                 \
  Type *outcall_##id##_new (void)                                                                  \
  {                                                                                                \
    return api_new (&type_##id);                                                                   \
  }                                                                                                \
  Type *outcall_##id##_copy (const Type *self)                                                     \
  {                                                                                                \
    return api_copy (&type_##id, self);                                                            \
  }                                                                                                \
  void outcall_##id##_free (Type *self)                                                            \
  {                                                                                                \
    api_free (&type_##id, self);                                                                   \
  }                                                                                                \
  gboolean outcall_##id##_equal (const Type *a, const Type *b)                                     \
  {                                                                                                \
    return api_equal (&type_##id, a, b);                                                           \
  }                                                                                                \
  JsonNode *outcall_##id##_to_json (const Type *self)                                              \
  {                                                                                                \
    return api_to_json (&type_##id, self);                                                         \
  }                                                                                                \
  Type *outcall_##id##_from_json (JsonNode *node, GError **error)                                  \
  {                                                                                                \
    return api_from_json (&type_##id, node, error);                                                \
  }                                                                                                \
  JsonNode *outcall_##id##_list_to_json (GPtrArray *list)                                          \
  {                                                                                                \
    return api_list_to_json (&type_##id, list);                                                    \
  }                                                                                                \
  GPtrArray *outcall_##id##_list_from_json (JsonNode *node, GError **error)                        \
  {                                                                                                \
    return api_list_from_json (&type_##id, node, (GDestroyNotify) outcall_##id##_free, error);     \
  }                                                                                                \
  static JsonNode *serialize_##id (gconstpointer boxed)                                            \
  {                                                                                                \
    return api_to_json (&type_##id, boxed);                                                        \
  }                                                                                                \
  static gpointer deserialize_##id (JsonNode *node)                                                \
  {                                                                                                \
    return api_from_json (&type_##id, node, NULL);                                                 \
  }                                                                                                \
  G_DEFINE_BOXED_TYPE (Type, outcall_##id, outcall_##id##_copy, outcall_##id##_free)

FOR_EACH_TYPE (DEFINE_FUNCTIONS)

#define ENTRY(Type, id) { &type_##id, outcall_##id##_get_type, serialize_##id, deserialize_##id },
const ApiEntry api_entries[] = { FOR_EACH_TYPE (ENTRY) { NULL, NULL, NULL, NULL } };

OutcallPair *
outcall_pair_new (const char *name, const char *value)
{
  OutcallPair *pair = api_new (&api_type_pair);

  pair->name = g_strdup (name);
  pair->value = g_strdup (value);
  return pair;
}

void
outcall_pair_free (OutcallPair *pair)
{
  api_free (&api_type_pair, pair);
}

OutcallCounter *
outcall_counter_new (const char *name, guint64 value)
{
  OutcallCounter *counter = api_new (&api_type_counter);

  counter->name = g_strdup (name);
  counter->value = value;
  return counter;
}

void
outcall_counter_free (OutcallCounter *counter)
{
  api_free (&api_type_counter, counter);
}
