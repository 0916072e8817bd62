/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include <outcall-api/outcall-api.h>

#include <math.h>
#include <string.h>

/* The library as others use it: through its exported symbols only, against JSON
 * that stands here letter by letter. */

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = outcall_json_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return node;
}

/* --- Documented shapes ------------------------------------------------------------ */

/* Reading and writing each text gives the same text. */
static const struct
{
  const char *name;
  GType (*get_type) (void);
  const char *text;
} shapes[] = {
  { "api-response/ok", outcall_api_response_get_type, "{\"success\":true}" },
  { "api-response/data", outcall_api_response_get_type,
    "{\"success\":true,\"data\":{\"a\":[1,-2.5,null,\"x\"]}}" },
  { "api-response/false-data", outcall_api_response_get_type,
    "{\"success\":true,\"data\":false}" },
  { "api-response/error", outcall_api_response_get_type,
    "{\"success\":false,\"error\":\"no such rule\"}" },
  { "verdict/allowed", outcall_verdict_get_type,
    "{\"allowed\":true,\"matched_rule\":\"allow-github\",\"reason\":null}" },
  { "verdict/blocked", outcall_verdict_get_type,
    "{\"allowed\":false,\"matched_rule\":null,\"reason\":\"no rule allows it\"}" },
  { "rule-request", outcall_rule_request_get_type,
    "{\"description\":\"npm\",\"condition\":\"true\",\"action\":\"allow\"}" },
  { "rule-request/block", outcall_rule_request_get_type,
    "{\"description\":\"\",\"condition\":\"\",\"action\":\"block\"}" },
  { "rule-request/enrich", outcall_rule_request_get_type,
    "{\"description\":\"\",\"condition\":\"\",\"action\":\"enrich\"}" },
  { "rule-request-response/pending", outcall_rule_request_response_get_type,
    "{\"id\":\"r1\",\"status\":\"pending\",\"reason\":null}" },
  { "rule-request-response/approved", outcall_rule_request_response_get_type,
    "{\"id\":\"r1\",\"status\":\"approved\",\"reason\":null}" },
  { "rule-request-response/rejected", outcall_rule_request_response_get_type,
    "{\"id\":\"r1\",\"status\":\"rejected\",\"reason\":\"too wide\"}" },
  { "rule-submission", outcall_rule_submission_get_type,
    "{\"host\":\"*.npmjs.org\",\"port\":443,\"reason\":\"npm ci\"}" },
  { "rule-submission/file", outcall_rule_submission_get_type,
    "{\"rule_file\":\"version: 1\"}" },
  { "rule-request-entry", outcall_rule_request_entry_get_type,
    "{\"id\":\"r1\",\"status\":\"pending\",\"workload\":\"ci-2\",\"workload_id\":\"abc\","
    "\"agent\":\"ci\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\",\"host\":\"npmjs.org\","
    "\"port\":443,\"reason\":\"npm ci\",\"decision\":7,\"tool_use_id\":\"toolu_1\","
    "\"any_agent\":false,\"ended\":false}" },
  { "rule-request-entry/decided", outcall_rule_request_entry_get_type,
    "{\"id\":\"r1\",\"status\":\"approved\",\"workload\":\"ci-2\",\"workload_id\":\"abc\","
    "\"agent\":\"ci\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\","
    "\"rule_file\":\"rules: []\",\"decided_at\":\"2026-01-01T00:01:00.000000Z\","
    "\"decided_by\":0,\"answer\":\"fine\",\"file\":\"agent-r1.yaml\","
    "\"expires_at\":\"2026-01-01T08:00:00.000000Z\",\"any_agent\":true,\"ended\":true}" },
  { "rule-request-review", outcall_rule_request_review_get_type,
    "{\"request\":{\"id\":\"r1\",\"status\":\"pending\",\"workload\":\"ci-2\","
    "\"workload_id\":\"abc\",\"agent\":\"ci\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\","
    "\"host\":\"a.b\",\"any_agent\":false,\"ended\":false},\"file\":\"agent-r1.yaml\","
    "\"text\":\"rules:\",\"digest\":\"00\",\"expires_at\":\"2026-01-01T08:00:00.000000Z\","
    "\"any_agent\":false,\"warnings\":[],\"hosts\":[\"a.b\"],\"agents\":[\"ci\"],"
    "\"other_agents\":[],\"decisions\":9,\"allowed\":2,\"blocked\":0,\"elsewhere\":0,"
    "\"allowed_hosts\":[\"a.b\"],\"overrides\":[\"no-b\"]}" },
  { "rule-request-review/short", outcall_rule_request_review_get_type,
    "{\"request\":{\"id\":\"r1\",\"status\":\"pending\",\"workload\":\"ci-2\","
    "\"workload_id\":\"abc\",\"agent\":\"ci\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\","
    "\"any_agent\":false,\"ended\":false},\"file\":\"f\",\"text\":\"t\",\"digest\":\"d\","
    "\"expires_at\":null,\"any_agent\":true,\"warnings\":[],\"hosts\":[\"*\"],"
    "\"agents\":[\"*\"],\"other_agents\":[\"x\"],\"decisions\":0,\"allowed\":0,\"blocked\":0,"
    "\"elsewhere\":0,\"allowed_hosts\":[],\"overrides\":[]}" },
  { "rule-request-approval", outcall_rule_request_approval_get_type,
    "{\"digest\":\"00\",\"expires_at\":\"2026-01-01T08:00:00.000000Z\",\"any_agent\":true}" },
  { "rule-request-approval/short", outcall_rule_request_approval_get_type,
    "{\"digest\":\"00\"}" },
  { "rule-request-entry/own", outcall_rule_request_entry_get_type,
    "{\"id\":\"r1\",\"status\":\"pending\",\"workload\":\"ci\",\"workload_id\":\"\","
    "\"agent\":\"ci\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\",\"host\":\"a.b\","
    "\"any_agent\":false,\"ended\":false,\"own\":true}" },
  { "allow-request", outcall_allow_request_get_type,
    "{\"agent\":\"ci\",\"host\":\"*.a.b\",\"port\":443,\"any_agent\":true,\"for_s\":300,"
    "\"id\":\"00\",\"digest\":\"d\",\"expires_at\":\"2026-01-01T08:00:00.000000Z\"}" },
  { "name-request", outcall_name_request_get_type, "{\"name\":\"web\"}" },
  { "stop-request", outcall_stop_request_get_type, "{\"name\":\"web\",\"timeout_s\":0}" },
  { "pull-request", outcall_pull_request_get_type, "{\"image\":\"busybox:latest\"}" },
  { "lint-request", outcall_lint_request_get_type, "{\"name\":\"a.yaml\",\"text\":\"\"}" },
  { "allow-hosts", outcall_allow_hosts_get_type, "{\"hosts\":[\"a.b\",\"*.c.d:443\"],\"agent\":\"ci\",\"for_s\":3600}" },
  { "flush-request", outcall_flush_request_get_type, "{\"workload\":\"ci-2\"}" },
  { "revoke-request", outcall_revoke_request_get_type, "{\"id\":\"grant-7\"}" },
  { "rejection", outcall_rejection_get_type, "{\"reason\":\"not today\"}" },
  { "dns-test-request", outcall_dns_test_request_get_type, "{\"name\":\"a.b\",\"agent\":\"ci\",\"record_type\":\"HTTPS\"}" },
  { "allow-request/short", outcall_allow_request_get_type, "{\"agent\":\"ci\",\"host\":\"a.b\"}" },
  { "decision/linked", outcall_decision_get_type,
    "{\"sequence\":1,\"time\":\"2024-02-29T00:00:00.000001Z\",\"layer\":\"dns\","
    "\"verdict\":\"blocked\",\"workload\":\"w\",\"agent\":\"w\",\"host\":\"h\","
    "\"address\":null,\"port\":null,\"method\":\"A\",\"path\":null,\"rule\":null,"
    "\"reason\":null,\"bytes_up\":0,\"bytes_down\":0,\"duration_us\":0,\"session_id\":\"s\","
    "\"tool_use_id\":\"t\",\"request\":\"0123456789abcdef\"}" },
  { "bridge-status", outcall_bridge_status_get_type,
    "{\"name\":\"outcall0\",\"up\":true,\"index\":7,\"nftables_active\":true}" },
  { "bridge-status/absent", outcall_bridge_status_get_type,
    "{\"name\":\"outcall0\",\"up\":false,\"index\":null,\"nftables_active\":false}" },
  { "bridge-status/zero", outcall_bridge_status_get_type,
    "{\"name\":\"outcall0\",\"up\":false,\"index\":0,\"nftables_active\":false}" },
  { "bridge-status/max", outcall_bridge_status_get_type,
    "{\"name\":\"outcall0\",\"up\":false,\"index\":4294967295,\"nftables_active\":false}" },
  { "network-config", outcall_network_config_get_type,
    "{\"name\":\"outcall-default\",\"bridge\":\"outcall0\",\"subnet\":\"10.200.0.0/24\","
    "\"gateway\":\"10.200.0.1\",\"prefix_len\":24,\"dns_port\":53,\"proxy_port\":8080,"
    "\"protected_paths\":[\"/srv/host.sock\",\"/srv/state\"]}" },
  { "network-config/no-proxy", outcall_network_config_get_type,
    "{\"name\":\"n\",\"bridge\":\"b\",\"subnet\":\"s\",\"gateway\":\"g\",\"prefix_len\":0,"
    "\"dns_port\":65535,\"proxy_port\":null}" },
  { "network-create-request", outcall_network_create_request_get_type,
    "{\"name\":\"staging\",\"subnet\":\"10.200.7.0/24\"}" },
  { "network-create-request/short", outcall_network_create_request_get_type,
    "{\"name\":\"staging\"}" },
  { "network-created", outcall_network_created_get_type,
    "{\"created\":true,\"network\":{\"name\":\"outcall-staging\",\"bridge\":\"outcall1\","
    "\"subnet\":\"10.200.1.0/24\",\"gateway\":\"10.200.1.1\",\"up\":true,\"index\":9,"
    "\"has_gateway\":true,\"nftables_active\":true,\"workloads\":[\"ci\",\"ci-2\"]}}" },
  { "network-status/absent", outcall_network_status_get_type,
    "{\"name\":\"n\",\"bridge\":\"b\",\"subnet\":\"s\",\"gateway\":\"g\",\"up\":false,"
    "\"index\":null,\"has_gateway\":false,\"nftables_active\":false,\"workloads\":[]}" },
  { "network-destroyed", outcall_network_destroyed_get_type, "{\"name\":\"n\",\"destroyed\":false}" },
  { "grant-request", outcall_grant_request_get_type,
    "{\"workload\":\"ci\",\"destination\":\"192.0.2.0/24\",\"protocol\":\"udp\",\"port\":1,"
    "\"last_port\":65535,\"lifetime_s\":604800,\"max_bytes\":1}" },
  { "grant-request/short", outcall_grant_request_get_type,
    "{\"workload\":\"ci\",\"destination\":\"192.0.2.1\",\"protocol\":\"tcp\","
    "\"lifetime_s\":1}" },
  { "active-grants", outcall_active_grants_get_type,
    "{\"grants\":[{\"id\":\"g1\",\"workload\":\"ci\",\"destination\":\"192.0.2.1\","
    "\"name\":\"db.example\",\"protocol\":\"tcp\",\"port\":5432,\"last_port\":null,"
    "\"rule\":\"allow-db\",\"inserted_at\":\"2026-02-28T23:59:59.999999Z\","
    "\"expires_at\":\"2026-03-01T00:01:29.999999Z\",\"packets\":3,\"bytes\":180,"
    "\"max_bytes\":null}],\"total\":7}" },
  { "grant/operator", outcall_grant_get_type,
    "{\"id\":\"g2\",\"workload\":\"ci\",\"destination\":\"192.0.2.0/24\",\"name\":null,"
    "\"protocol\":\"udp\",\"port\":null,\"last_port\":null,\"rule\":null,"
    "\"inserted_at\":\"1970-01-01T00:00:00.000000Z\","
    "\"expires_at\":\"1970-01-01T00:00:01.000000Z\",\"packets\":0,\"bytes\":0,"
    "\"max_bytes\":1024}" },
  { "grants-removed", outcall_grants_removed_get_type, "{\"removed\":0}" },
  { "sandbox-attach-request", outcall_sandbox_attach_request_get_type,
    "{\"pid\":4711,\"name\":\"ci\",\"project\":\"/src\",\"command\":\"make\",\"learning\":true}" },
  { "sandbox-attach-request/short", outcall_sandbox_attach_request_get_type,
    "{\"pid\":2147483647}" },
  { "sandbox-attachment", outcall_sandbox_attachment_get_type,
    "{\"name\":\"ci\",\"id\":\"abc\",\"address\":\"10.200.0.2\",\"prefix_len\":24,"
    "\"gateway\":\"10.200.0.1\",\"mac\":\"02:4f:0a:c8:00:02\"}" },
  { "workload", outcall_workload_get_type,
    "{\"name\":\"ci\",\"id\":\"abc\",\"runtime\":\"native\",\"network\":\"outcall-default\","
    "\"address\":\"10.200.0.2\",\"mac\":\"02:4f:0a:c8:00:02\",\"pid\":12,\"uid\":1000,"
    "\"command\":\"make\",\"project\":\"/src\",\"started_at\":\"2026-02-28T23:59:59.999999Z\",\"learning\":true}" },
  { "container-request", outcall_container_request_get_type,
    "{\"image\":\"i\",\"name\":\"n\",\"command\":[\"sh\",\"\"],\"env\":[\"A=b\"],"
    "\"binds\":[\"/a:/b:ro\"],\"network\":\"outcall-default\",\"working_dir\":\"/\","
    "\"user\":\"1:2\",\"project\":\"/p\",\"memory\":6291456,\"cpu_shares\":2,\"pids\":1,"
    "\"without_agent\":true}" },
  { "container-request/short", outcall_container_request_get_type, "{\"image\":\"i\"}" },
  { "container", outcall_container_get_type,
    "{\"name\":\"n\",\"id\":\"abc\",\"image\":\"i\",\"status\":\"running\",\"confined\":true,"
    "\"command\":\"sh\",\"network\":\"outcall-default\",\"address\":\"10.200.0.2\","
    "\"mac\":\"m\",\"pid\":7,\"user\":\"1:2\",\"project\":\"/p\",\"created\":\"c\","
    "\"exit_code\":0,\"oom_killed\":false,\"env\":[\"A=<redacted>\"]}" },
  { "container/ended", outcall_container_get_type,
    "{\"name\":\"n\",\"id\":\"abc\",\"image\":\"i\",\"status\":\"exited\",\"confined\":false,"
    "\"command\":\"\",\"network\":null,\"address\":null,\"mac\":null,\"pid\":null,"
    "\"user\":null,\"project\":null,\"created\":null,\"exit_code\":-1,\"oom_killed\":true,"
    "\"env\":[]}" },
  { "workload-stopped", outcall_workload_stopped_get_type, "{\"stopped\":false}" },
  { "container-removed", outcall_container_removed_get_type, "{\"removed\":true}" },
  { "pull-progress", outcall_pull_progress_get_type,
    "{\"status\":\"Downloading\",\"layer\":\"abc\",\"current\":1,\"total\":2}" },
  { "pull-progress/short", outcall_pull_progress_get_type,
    "{\"status\":\"done\",\"current\":0,\"total\":0}" },
  { "workload/engine", outcall_workload_get_type,
    "{\"name\":\"\",\"id\":\"\",\"runtime\":\"engine\",\"network\":\"\",\"address\":\"\","
    "\"mac\":\"\",\"pid\":null,\"uid\":4294967295,\"command\":null,\"project\":null,"
    "\"started_at\":\"1970-01-01T00:00:00.000000Z\"}" },
  { "decision/blocked", outcall_decision_get_type,
    "{\"sequence\":1,\"time\":\"2024-02-29T00:00:00.000001Z\",\"layer\":\"tls\","
    "\"verdict\":\"blocked\",\"workload\":\"ci-2\",\"agent\":\"ci\",\"host\":\"evil.example\","
    "\"address\":\"192.0.2.1\",\"port\":443,\"method\":\"CONNECT\",\"path\":\"/\","
    "\"rule\":\"no-evil\",\"reason\":\"because\",\"bytes_up\":1,\"bytes_down\":2,"
    "\"duration_us\":3}" },
  { "decision/allowed", outcall_decision_get_type,
    "{\"sequence\":9223372036854775807,\"time\":\"9999-12-31T23:59:59.999999Z\","
    "\"layer\":\"dns\",\"verdict\":\"allowed\",\"workload\":\"w\",\"agent\":\"w\",\"host\":null,"
    "\"address\":null,\"port\":null,\"method\":null,\"path\":null,\"rule\":null,"
    "\"reason\":null,\"bytes_up\":9223372036854775807,\"bytes_down\":0,\"duration_us\":0,"
    "\"cached\":true,\"ended\":true}" },
  { "rule-summary", outcall_rule_summary_get_type,
    "{\"id\":\"a\",\"description\":\"d\",\"file\":\"a.yaml\",\"line\":3,"
    "\"priority\":-9223372036854775808,\"action\":\"allow\",\"condition\":\"true\","
    "\"reason\":\"r\",\"hits\":10,\"errors\":0,\"mode\":\"proxy\"}" },
  { "rule-summary/direct", outcall_rule_summary_get_type,
    "{\"id\":\"a\",\"description\":null,\"file\":\"a.yaml\",\"line\":3,"
    "\"priority\":9223372036854775807,\"action\":\"allow\",\"condition\":\"true\","
    "\"reason\":null,\"hits\":0,\"errors\":0,\"mode\":\"direct_ip\"}" },
  { "rule-summary/intercept", outcall_rule_summary_get_type,
    "{\"id\":\"a\",\"description\":null,\"file\":\"a.yaml\",\"line\":3,\"priority\":100,"
    "\"action\":\"allow\",\"condition\":\"true\",\"reason\":null,\"hits\":0,\"errors\":0,"
    "\"mode\":\"intercept\"}" },
  { "diagnostic", outcall_diagnostic_get_type,
    "{\"severity\":\"error\",\"file\":\"a.yaml\",\"line\":3,\"column\":7,\"length\":4,"
    "\"text\":\"undefined\",\"source\":\"  x: y\",\"rule\":\"a\"}" },
  { "diagnostic/short", outcall_diagnostic_get_type,
    "{\"severity\":\"warning\",\"file\":null,\"line\":null,\"column\":null,\"length\":null,"
    "\"text\":\"empty\",\"source\":null,\"rule\":null}" },
  { "rule-tests", outcall_rule_tests_get_type,
    "{\"passed\":1,\"failed\":1,\"rules\":3,\"tests\":[{\"file\":\"a.yaml\",\"line\":3,"
    "\"name\":\"n\",\"passed\":true,\"message\":null,\"rule\":\"a\"},{\"file\":\"a.yaml\","
    "\"line\":5,\"name\":\"m\",\"passed\":false,\"message\":\"no\",\"rule\":null}],"
    "\"untested\":[{\"id\":\"b\",\"file\":\"b.yaml\",\"line\":1}]}" },
  { "reload-result", outcall_reload_result_get_type,
    "{\"files_loaded\":2,\"rules_loaded\":5,\"warnings\":[{\"severity\":\"warning\","
    "\"file\":\"a.yaml\",\"line\":1,\"column\":null,\"length\":null,\"text\":\"no rules\","
    "\"source\":null,\"rule\":null}]}" },
  { "reload-result/none", outcall_reload_result_get_type,
    "{\"files_loaded\":0,\"rules_loaded\":0,\"warnings\":[]}" },
  { "allow-result", outcall_allow_result_get_type, "{\"files\":[\"allow-a.yaml\"]}" },
  { "dns-address", outcall_dns_address_get_type,
    "{\"address\":\"192.0.2.1\",\"class\":\"public\"}" },
  { "dns-test-result", outcall_dns_test_result_get_type,
    "{\"name\":\"h\",\"allowed\":true,\"matched_rule\":\"a\",\"reason\":null,\"status\":\"ok\","
    "\"addresses\":[{\"address\":\"192.0.2.1\",\"class\":\"public\"}]}" },
  { "dns-test-result/refused", outcall_dns_test_result_get_type,
    "{\"name\":\"h\",\"allowed\":false,\"matched_rule\":null,\"reason\":\"no rule allows it\","
    "\"status\":\"not_asked\",\"addresses\":[]}" },
  { "network-context", outcall_network_context_get_type,
    "{\"hostname\":\"h\",\"ip\":\"192.0.2.1\",\"port\":443,\"protocol\":\"tcp\"}" },
  { "http-context", outcall_http_context_get_type,
    "{\"method\":\"GET\",\"path\":\"/\",\"host\":\"h\",\"scheme\":\"http\","
    "\"headers\":{\"accept\":\"*/*\",\"x\":\"\"},\"body_size\":5,\"body\":\"abcde\"}" },
  { "dns-context", outcall_dns_context_get_type, "{\"query\":\"h\",\"record_type\":\"A\"}" },
  { "docker-context", outcall_docker_context_get_type,
    "{\"image\":\"debian\",\"command\":[\"sh\",\"-c\",\"\"],\"volumes\":[\"/a:/b\"],"
    "\"env_keys\":[\"PATH\"],\"capabilities\":[\"NET_RAW\"]}" },
  { "run-context", outcall_run_context_get_type,
    "{\"tool\":\"Bash\",\"args\":[\"ls\"],\"flags\":[\"-l\"],\"cwd\":\"/src\","
    "\"context\":{\"k\":\"v\"}}" },
  { "agent-context", outcall_agent_context_get_type,
    "{\"name\":\"ci\",\"id\":\"abc\",\"image\":\"i\",\"project\":\"/src\"}" },
  { "request-context", outcall_request_context_get_type,
    "{\"time\":\"0001-01-01T00:00:00.000000Z\"}" },
  { "context", outcall_context_get_type,
    "{\"network\":{\"port\":443},\"http\":{\"method\":\"GET\"},\"dns\":{\"query\":\"h\"},"
    "\"docker\":{\"image\":\"i\"},\"run\":{\"tool\":\"t\"},\"agent\":{\"name\":\"ci\"},"
    "\"request\":{\"time\":\"2026-01-01T00:00:00.000000Z\"}}" },
  { "context/empty", outcall_context_get_type, "{}" },
  { "evaluate-request", outcall_evaluate_request_get_type,
    "{\"context\":{\"network\":{\"hostname\":\"h\"}},\"trace\":true,\"name_only\":true}" },
  { "evaluate-request/short", outcall_evaluate_request_get_type, "{\"context\":{}}" },
  { "trace-step", outcall_trace_step_get_type,
    "{\"rule\":\"a\",\"file\":\"a.yaml\",\"line\":3,\"action\":\"allow\",\"matched\":false,"
    "\"why\":\"network.port == 443 (port is 80)\"}" },
  { "evaluate-result", outcall_evaluate_result_get_type,
    "{\"verdict\":{\"allowed\":true,\"matched_rule\":\"a\",\"reason\":null},\"file\":\"a.yaml\","
    "\"line\":3,\"trace\":[{\"rule\":\"a\",\"file\":\"a.yaml\",\"line\":3,\"action\":\"allow\","
    "\"matched\":true,\"why\":null}]}" },
  { "evaluate-result/default", outcall_evaluate_result_get_type,
    "{\"verdict\":{\"allowed\":false,\"matched_rule\":null,\"reason\":\"r\"},\"file\":null,"
    "\"line\":null,\"trace\":[]}" },
  { "subsystem", outcall_subsystem_get_type,
    "{\"name\":\"dns\",\"state\":\"running\",\"reason\":null}" },
  { "subsystem/starting", outcall_subsystem_get_type,
    "{\"name\":\"dns\",\"state\":\"starting\",\"reason\":null}" },
  { "subsystem/degraded", outcall_subsystem_get_type,
    "{\"name\":\"dns\",\"state\":\"degraded\",\"reason\":\"no upstream\"}" },
  { "subsystem/disabled", outcall_subsystem_get_type,
    "{\"name\":\"proxy\",\"state\":\"disabled\",\"reason\":\"--no-proxy\"}" },
  { "status", outcall_status_get_type,
    "{\"version\":\"0.1.0\",\"uptime_s\":5,\"subsystems\":[{\"name\":\"engine\","
    "\"state\":\"unavailable\",\"reason\":\"no socket\"}],"
    "\"counters\":{\"allowed\":1,\"blocked\":9223372036854775807}}" },
  { "dns-stats", outcall_dns_stats_get_type,
    "{\"port\":53,\"upstreams\":\"192.0.2.53\",\"queries\":1,\"allowed\":2,\"blocked\":3,"
    "\"refused\":4,\"malformed\":5,\"rate_limited\":6,\"cache_hits\":7,\"cache_misses\":8,"
    "\"cache_entries\":9,\"upstream_queries\":10,\"upstream_failures\":11,"
    "\"addresses_removed\":12,\"spoofed\":13,\"servers\":[{\"address\":\"192.0.2.53\","
    "\"port\":53,\"up\":true,\"asked\":14,\"failed\":15,\"latency_us\":16}]}" },
  { "dns-cache", outcall_dns_cache_get_type,
    "{\"answers\":2,\"answers_max\":10000,\"bytes\":700,\"bytes_max\":1000000,\"entries\":["
    "{\"name\":\"a.example\",\"type\":\"A\",\"rcode\":0,\"records\":1,\"ttl_s\":300,"
    "\"dnssec_ok\":false,\"checking_disabled\":false},{\"name\":\"b.example\","
    "\"type\":\"HTTPS\",\"rcode\":3,\"records\":0,\"ttl_s\":-7,\"dnssec_ok\":true,"
    "\"checking_disabled\":true}]}" },
  { "dns-cache/without-entries", outcall_dns_cache_get_type,
    "{\"answers\":2,\"answers_max\":10000,\"bytes\":700,\"bytes_max\":1000000,"
    "\"entries\":[]}" },
  { "proxy-stats", outcall_proxy_stats_get_type,
    "{\"port\":8080,\"upstream_proxy\":\"proxy.example:3128\",\"connections\":1,\"active\":2,"
    "\"requests\":3,\"tunnels\":4,\"blocked\":5,\"refused\":6,\"upstream_errors\":7,\"bytes_up\":8,"
    "\"bytes_down\":9,\"reasons\":{\"no_rule\":5,\"malformed\":6},"
    "\"workloads\":[{\"workload\":\"a-1\",\"connections\":1,\"requests\":2,\"blocked\":3,"
    "\"bytes_up\":4,\"bytes_down\":5}],"
    "\"rules\":[{\"rule\":\"r\",\"hits\":1,\"connections\":4,\"blocked\":5,\"bytes_up\":2,"
    "\"bytes_down\":3}]}" },
  { "agent-checkin", outcall_agent_checkin_get_type,
    "{\"container_id\":\"abc\",\"session_token\":\"dG9rZW4\",\"context_keys\":[\"agent.name\"]}" },
  { "permission-check", outcall_permission_check_get_type,
    "{\"action_type\":\"tool_exec\",\"target\":\"Bash\",\"metadata\":{\"args\":[\"ls\"]}}" },
  { "permission-check/network", outcall_permission_check_get_type,
    "{\"action_type\":\"network_call\",\"target\":\"h:443\"}" },
  { "permission-check/file", outcall_permission_check_get_type,
    "{\"action_type\":\"file_access\",\"target\":\"/etc/passwd\"}" },
  { "permission-check/shell", outcall_permission_check_get_type,
    "{\"action_type\":\"shell_exec\",\"target\":\"sh\"}" },
  { "whoami", outcall_whoami_get_type,
    "{\"name\":\"ci-2\",\"id\":\"abc\",\"agent\":\"ci\",\"session_age_s\":0}" },
  { "whoami/no-session", outcall_whoami_get_type,
    "{\"name\":\"ci-2\",\"id\":\"abc\",\"agent\":\"ci\",\"session_age_s\":null}" },
};

static void
test_shape (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  GType type = shapes[i].get_type ();
  g_autoptr (JsonNode) node = parse (shapes[i].text);
  g_autoptr (JsonNode) again = NULL;
  g_autofree char *text = NULL;
  gpointer boxed;

  g_assert_true (G_TYPE_IS_BOXED (type));
  g_assert_true (json_boxed_can_serialize (type, NULL));
  g_assert_true (json_boxed_can_deserialize (type, JSON_NODE_OBJECT));
  boxed = json_boxed_deserialize (type, node);
  g_assert_nonnull (boxed);
  again = json_boxed_serialize (type, boxed);
  text = outcall_json_print (again);
  g_assert_cmpstr (text, ==, shapes[i].text);
  g_boxed_free (type, boxed);
}

/* --- Refusals ---------------------------------------------------------------------- */

#define CONTEXT(text) "{\"context\":" text "}"
#define DIAGNOSTICS(text) "{\"files_loaded\":0,\"rules_loaded\":0,\"warnings\":" text "}"

static const struct
{
  GType (*get_type) (void);
  const char *text;
  int code;
  const char *message;
} refusals[] = {
  { outcall_verdict_get_type, "[]", OUTCALL_API_ERROR_WRONG_TYPE, "document: must be an object" },
  { outcall_verdict_get_type, "null", OUTCALL_API_ERROR_WRONG_TYPE,
    "document: must be an object" },
  { outcall_verdict_get_type, "{}", OUTCALL_API_ERROR_MISSING_MEMBER, "allowed: is missing" },
  { outcall_verdict_get_type, "{\"allowed\":1}", OUTCALL_API_ERROR_WRONG_TYPE,
    "allowed: must be true or false" },
  { outcall_verdict_get_type, "{\"allowed\":\"true\"}", OUTCALL_API_ERROR_WRONG_TYPE,
    "allowed: must be true or false" },
  { outcall_verdict_get_type, "{\"allowed\":null}", OUTCALL_API_ERROR_WRONG_TYPE,
    "allowed: must not be null" },
  { outcall_verdict_get_type, "{\"allowed\":true,\"reason\":7}", OUTCALL_API_ERROR_WRONG_TYPE,
    "reason: must be a string" },
  { outcall_verdict_get_type, "{\"allowed\":true,\"Reason\":\"\"}",
    OUTCALL_API_ERROR_UNKNOWN_MEMBER, "Reason: is not known here" },
  { outcall_verdict_get_type, "{\"allowed\":true,\"a\\nb\\u202e\":1}",
    OUTCALL_API_ERROR_UNKNOWN_MEMBER, "a?b?: is not known here" },
  { outcall_api_response_get_type, "{\"success\":true,\"data\":null}",
    OUTCALL_API_ERROR_WRONG_TYPE, "data: must not be null" },
  { outcall_api_response_get_type, "{\"success\":false,\"error\":null}",
    OUTCALL_API_ERROR_WRONG_TYPE, "error: must not be null" },
  { outcall_rule_request_get_type,
    "{\"description\":\"\",\"condition\":\"\",\"action\":\"Allow\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "action: must be one of \"allow\", \"block\", \"enrich\"" },
  { outcall_rule_request_get_type, "{\"description\":\"\",\"condition\":\"\",\"action\":0}",
    OUTCALL_API_ERROR_WRONG_TYPE, "action: must be a string" },
  { outcall_sandbox_attach_request_get_type, "{\"pid\":0}", OUTCALL_API_ERROR_OUT_OF_RANGE,
    "pid: must be 1 to 2147483647, not 0" },
  { outcall_sandbox_attach_request_get_type, "{\"pid\":2147483648}",
    OUTCALL_API_ERROR_OUT_OF_RANGE, "pid: must be 1 to 2147483647, not 2147483648" },
  { outcall_sandbox_attach_request_get_type, "{\"pid\":1.0}", OUTCALL_API_ERROR_WRONG_TYPE,
    "pid: must be an integer" },
  { outcall_sandbox_attach_request_get_type, "{\"pid\":\"1\"}", OUTCALL_API_ERROR_WRONG_TYPE,
    "pid: must be an integer" },
  { outcall_sandbox_attach_request_get_type, "{\"pid\":1,\"user\":0}",
    OUTCALL_API_ERROR_UNKNOWN_MEMBER, "user: is not known here" },
  { outcall_grant_request_get_type,
    "{\"workload\":\"w\",\"destination\":\"d\",\"protocol\":\"tcp\",\"lifetime_s\":0}",
    OUTCALL_API_ERROR_OUT_OF_RANGE, "lifetime_s: must be 1 to 604800, not 0" },
  { outcall_grant_request_get_type,
    "{\"workload\":\"w\",\"destination\":\"d\",\"protocol\":\"icmp\",\"lifetime_s\":1}",
    OUTCALL_API_ERROR_WRONG_TYPE, "protocol: must be one of \"tcp\", \"udp\"" },
  { outcall_bridge_status_get_type,
    "{\"name\":\"b\",\"up\":true,\"index\":4294967296,\"nftables_active\":true}",
    OUTCALL_API_ERROR_OUT_OF_RANGE, "index: must be 0 to 4294967295, not 4294967296" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"network\":{\"port\":65536}}"),
    OUTCALL_API_ERROR_OUT_OF_RANGE, "context.network.port: must be 0 to 65535, not 65536" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"http\":{\"port\":1}}"),
    OUTCALL_API_ERROR_UNKNOWN_MEMBER, "context.http.port: is not known here" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"http\":{\"headers\":{\"x\":1}}}"),
    OUTCALL_API_ERROR_WRONG_TYPE, "context.http.headers.x: must be a string" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"http\":{\"headers\":[]}}"),
    OUTCALL_API_ERROR_WRONG_TYPE, "context.http.headers: must be an object" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"http\":[]}"), OUTCALL_API_ERROR_WRONG_TYPE,
    "context.http: must be an object" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"run\":{\"args\":[\"a\",null]}}"),
    OUTCALL_API_ERROR_WRONG_TYPE, "context.run.args[1]: must be a string" },
  { outcall_evaluate_request_get_type, CONTEXT ("{\"run\":{\"args\":\"a\"}}"),
    OUTCALL_API_ERROR_WRONG_TYPE, "context.run.args: must be an array" },
  { outcall_reload_result_get_type, DIAGNOSTICS ("[{}]"), OUTCALL_API_ERROR_MISSING_MEMBER,
    "warnings[0].severity: is missing" },
  { outcall_reload_result_get_type, DIAGNOSTICS ("[{\"severity\":\"error\",\"text\":\"\"},1]"),
    OUTCALL_API_ERROR_WRONG_TYPE, "warnings[1]: must be an object" },
  { outcall_status_get_type,
    "{\"version\":\"\",\"uptime_s\":0,\"subsystems\":[],\"counters\":{\"a\":1,\"b\":-1}}",
    OUTCALL_API_ERROR_OUT_OF_RANGE, "counters.b: must be 0 to 9223372036854775807, not -1" },
  { outcall_permission_check_get_type,
    "{\"action_type\":\"tool_exec\",\"target\":\"\",\"metadata\":[]}",
    OUTCALL_API_ERROR_WRONG_TYPE, "metadata: must be an object" },
  { outcall_request_context_get_type, "{\"time\":\"2026-01-01\"}", OUTCALL_API_ERROR_WRONG_TYPE,
    "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"2026-02-29T00:00:00Z\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"2026-01-01T00:00:00\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"2026-01-01T00:00:00+00:00\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"2026-01-01T00:00:00.Z\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"2026-01-01T00:00:00.1234567Z\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":\"0000-01-01T00:00:00Z\"}",
    OUTCALL_API_ERROR_WRONG_TYPE, "time: must be a time like" },
  { outcall_request_context_get_type, "{\"time\":1}", OUTCALL_API_ERROR_WRONG_TYPE,
    "time: must be a string" },
};

/* The typed reader of a type that is only known by its GType would be a table
 * of its own; the list functions' errors carry the same messages, and every type
 * has one that is reached through its own name below. */
static gpointer
read_as (GType type, JsonNode *node, GError **error)
{
#define READ(id)                                                                                   \
  if (type == outcall_##id##_get_type ())                                                          \
    return outcall_##id##_from_json (node, error);
  READ (verdict)
  READ (api_response)
  READ (rule_request)
  READ (sandbox_attach_request)
  READ (bridge_status)
  READ (grant_request)
  READ (evaluate_request)
  READ (reload_result)
  READ (status)
  READ (permission_check)
  READ (request_context)
#undef READ
  g_assert_not_reached ();
}

static void
test_refusals (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (JsonNode) node = parse (refusals[i].text);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", refusals[i].text);
      g_assert_null (read_as (refusals[i].get_type (), node, &error));
      g_assert_error (error, OUTCALL_API_ERROR, refusals[i].code);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, refusals[i].message));
      g_assert_null (json_boxed_deserialize (refusals[i].get_type (), node));
    }
}

/* Optional members may be null or missing, and a long name is cut in messages. */
static void
test_optional (void)
{
  g_autoptr (JsonNode) nulls = parse ("{\"allowed\":true,\"matched_rule\":null,\"reason\":null}");
  g_autoptr (JsonNode) absent = parse ("{\"allowed\":true}");
  g_autoptr (OutcallVerdict) a = outcall_verdict_from_json (nulls, NULL);
  g_autoptr (OutcallVerdict) b = outcall_verdict_from_json (absent, NULL);
  g_autofree char *name = g_strnfill (5000, 'x');
  g_autofree char *text = g_strdup_printf ("{\"%s\":1}", name);
  g_autoptr (JsonNode) named = parse (text);
  g_autoptr (GError) error = NULL;

  g_assert_true (outcall_verdict_equal (a, b));
  g_assert_null (a->reason);
  g_assert_null (outcall_verdict_from_json (named, &error));
  g_assert_cmpuint (strlen (error->message), <, 100);
}

static void
test_members (void)
{
  g_autoptr (JsonNode) node
      = parse ("{\"context\":{\"network\":{\"hostname\":\"h\",\"port\":443},\"http\":{\"headers\":"
               "{\"a\":\"1\",\"b\":\"2\"}},\"docker\":{\"command\":[\"x\",\"y\"]},"
               "\"request\":{\"time\":\"2026-11-23T22:00:00.5Z\"}},\"trace\":true}");
  g_autoptr (OutcallEvaluateRequest) request = outcall_evaluate_request_from_json (node, NULL);
  OutcallContext *context = &request->context;

  g_assert_true (request->trace);
  g_assert_false (request->name_only);
  g_assert_cmpstr (context->network.hostname, ==, "h");
  g_assert_cmpuint (context->network.port, ==, 443);
  g_assert_cmpuint (context->http.n_headers, ==, 2);
  g_assert_cmpstr (context->http.headers[1]->name, ==, "b");
  g_assert_cmpstr (context->http.headers[1]->value, ==, "2");
  g_assert_null (context->http.headers[2]);
  g_assert_cmpuint (context->docker.n_command, ==, 2);
  g_assert_cmpuint (g_strv_length (context->docker.command), ==, 2);
  g_assert_cmpint (context->request.time_us, ==, G_GINT64_CONSTANT (1795471200500000));
}

static void
test_lists (void)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_subsystem_free);
  g_autoptr (GPtrArray) back = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) none = outcall_subsystem_list_to_json (NULL);
  g_autoptr (JsonNode) wrong = parse ("[{\"name\":\"a\",\"state\":\"running\"},{\"name\":1}]");
  g_autoptr (JsonNode) object = parse ("{}");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      OutcallSubsystem *subsystem = outcall_subsystem_new ();

      subsystem->name = g_strdup_printf ("s%u", i);
      g_ptr_array_add (list, subsystem);
    }
  node = outcall_subsystem_list_to_json (list);
  back = outcall_subsystem_list_from_json (node, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (back->len, ==, 3);
  g_assert_true (outcall_subsystem_equal (back->pdata[2], list->pdata[2]));
  g_assert_cmpuint (json_array_get_length (json_node_get_array (none)), ==, 0);
  g_assert_null (outcall_subsystem_list_from_json (wrong, &error));
  g_assert_cmpstr (error->message, ==, "[1].name: must be a string");
  g_clear_error (&error);
  g_assert_null (outcall_subsystem_list_from_json (object, &error));
  g_assert_error (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_WRONG_TYPE);
}

/* --- JSON text ------------------------------------------------------------------- */

#define OK (-1)
#define SYNTAX OUTCALL_API_ERROR_SYNTAX
#define STRING OUTCALL_API_ERROR_BAD_STRING
#define RANGE OUTCALL_API_ERROR_OUT_OF_RANGE

static const struct
{
  const char *text;
  int code;
} texts[] = {
  { "{}", OK },
  { " \t\r\n[ ] \n", OK },
  { "0", OK },
  { "-0", OK },
  { "\"\"", OK },
  { "null", OK },
  { "[true,false,null,1,-1,0.5,1e5,1E+5,1.25e-7,\"x\"]", OK },
  { "{\"a\":{\"b\":[{}]},\"c\":[]}", OK },
  { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\udd11\"", OK },
  { "9223372036854775807", OK },
  { "-9223372036854775808", OK },
  { "", SYNTAX },
  { "  ", SYNTAX },
  { "{", SYNTAX },
  { "[", SYNTAX },
  { "[1", SYNTAX },
  { "[1,", SYNTAX },
  { "[1,]", SYNTAX },
  { "[,1]", SYNTAX },
  { "[1 2]", SYNTAX },
  { "[1}", SYNTAX },
  { "{\"a\"}", SYNTAX },
  { "{\"a\":}", SYNTAX },
  { "{\"a\":1,}", SYNTAX },
  { "{\"a\":1]", SYNTAX },
  { "{a:1}", SYNTAX },
  { "{1:1}", SYNTAX },
  { "{'a':1}", SYNTAX },
  { "{\"a\" 1}", SYNTAX },
  { "]", SYNTAX },
  { "1 1", SYNTAX },
  { "{}{}", SYNTAX },
  { "/* c */ 1", SYNTAX },
  { "// c\n1", SYNTAX },
  { "var x = 1", SYNTAX },
  { "True", SYNTAX },
  { "tru", SYNTAX },
  { "nul", SYNTAX },
  { "undefined", SYNTAX },
  { "NaN", SYNTAX },
  { "Infinity", SYNTAX },
  { "-", SYNTAX },
  { "+1", SYNTAX },
  { "01", SYNTAX },
  { "-01", SYNTAX },
  { "0x10", SYNTAX },
  { "1.", SYNTAX },
  { ".5", SYNTAX },
  { "1e", SYNTAX },
  { "1e+", SYNTAX },
  { "1.5.5", SYNTAX },
  { "\"", SYNTAX },
  { "\"\\", SYNTAX },
  { "\"\\x41\"", SYNTAX },
  { "\"\\u12\"", SYNTAX },
  { "\"\\u12g4\"", SYNTAX },
  { "\"\\u", SYNTAX },
  { "9223372036854775808", RANGE },
  { "-9223372036854775809", RANGE },
  { "18446744073709551615", RANGE },
  { "99999999999999999999999999", RANGE },
  { "1e999", RANGE },
  { "0.00000000000000000000000000000000000000000000000000000000000000001", RANGE },
  { "\"\\u0000\"", STRING },
  { "\"\\ud800\"", STRING },
  { "\"\\ud800x\"", STRING },
  { "\"\\ud800\\n\"", STRING },
  { "\"\\ud800\\u0041\"", STRING },
  { "\"\\udc00\"", STRING },
  { "\"a\nb\"", STRING },
  { "\"\x1f\"", STRING },
  { "\"\xff\"", STRING },
  { "\"\xc0\xaf\"", STRING },
  { "\"\xed\xa0\x80\"", STRING },
  { "{\"a\":1,\"a\":2}", OUTCALL_API_ERROR_DUPLICATE_MEMBER },
  { "{\"a\":1,\"\\u0061\":2}", OUTCALL_API_ERROR_DUPLICATE_MEMBER },
  { "[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]", OUTCALL_API_ERROR_DUPLICATE_MEMBER },
  { "{\"a\":1,\"A\":2}", OK },
};

static void
test_texts (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = NULL;
      /* A copy of exactly this size lets ASan see a byte read beyond it. */
      g_autofree char *exact = g_memdup2 (texts[i].text, strlen (texts[i].text));

      g_test_message ("%s", texts[i].text);
      node = outcall_json_parse (exact, strlen (texts[i].text), &error);
      if (texts[i].code == OK)
        g_assert_no_error (error);
      else
        g_assert_error (error, OUTCALL_API_ERROR, texts[i].code);
      g_assert_cmpint (node != NULL, ==, texts[i].code == OK);
    }
}

/* Every prefix of a good text is refused, and none is read beyond its end. */
static void
test_prefixes (void)
{
  static const char text[] = "{\"a\":[1.5e3,\"\\u00e9\\ud83d\\udd11\",{\"b\":null}],\"c\":-12}";

  for (gsize len = 0; len < sizeof text - 1; len++)
    {
      g_autofree char *exact = g_memdup2 (text, len);
      g_autoptr (GError) error = NULL;

      g_assert_null (outcall_json_parse (exact, len, &error));
      g_assert_nonnull (error);
    }
}

static void
test_nul (void)
{
  static const char text[] = "{\"a\":\"x\0y\"}";
  g_autoptr (GError) error = NULL;

  g_assert_null (outcall_json_parse (text, sizeof text - 1, &error));
  g_assert_error (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_BAD_STRING);
  g_assert_cmpstr (error->message, ==, "byte 7: a NUL, or not UTF-8");
}

static char *
nest (guint depth, const char *open, const char *close)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < depth; i++)
    g_string_append (text, open);
  g_string_append_c (text, '1');
  for (guint i = 0; i < depth; i++)
    g_string_append (text, close);
  return g_string_free (text, FALSE);
}

static void
check_depth (guint depth, const char *open, const char *close, gboolean ok)
{
  g_autofree char *text = nest (depth, open, close);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = outcall_json_parse (text, strlen (text), &error);

  g_assert_cmpint (node != NULL, ==, ok);
  if (ok)
    g_assert_no_error (error);
  else
    g_assert_error (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_TOO_DEEP);
}

static void
test_depth (void)
{
  check_depth (OUTCALL_JSON_DEPTH_MAX, "[", "]", TRUE);
  check_depth (OUTCALL_JSON_DEPTH_MAX + 1, "[", "]", FALSE);
  check_depth (OUTCALL_JSON_DEPTH_MAX, "{\"a\":", "}", TRUE);
  check_depth (OUTCALL_JSON_DEPTH_MAX + 1, "{\"a\":", "}", FALSE);
  check_depth (500000, "[", "]", FALSE);
}

/* The largest numbers survive reading and writing to the bit. */
static void
test_64_bits (void)
{
  static const char text[] = "[9223372036854775807,-9223372036854775808,9007199254740993]";
  g_autoptr (JsonNode) node = parse (text);
  g_autofree char *again = outcall_json_print (node);

  g_assert_cmpstr (text, ==, again);
}

/* What json-glib's own generator gets wrong. */
static void
test_print (void)
{
  g_autoptr (JsonNode) node
      = parse ("[1e22,1.0,-0.5,5e-324,\"\\u001f\\u0001\\u007f\\n\\\"\\\\/\",{\"\\u001f\":{}},[]]");
  g_autoptr (JsonNode) infinite = json_node_init_double (json_node_alloc (), HUGE_VAL);
  g_autofree char *text = outcall_json_print (node);
  g_autofree char *none = outcall_json_print (infinite);

  g_assert_cmpstr (text, ==,
                   "[1e+22,1.0,-0.5,4.9406564584124654e-324,"
                   "\"\\u001f\\u0001\\u007f\\n\\\"\\\\/\",{\"\\u001f\":{}},[]]");
  g_assert_cmpstr (none, ==, "null");
}

/* --- The envelope ------------------------------------------------------------------ */

static void
test_unwrap (void)
{
  static const struct
  {
    const char *text;
    gboolean ok;
    int code;
    const char *message;
    gboolean has_data;
  } cases[] = {
    { "{\"success\":true}", TRUE, 0, NULL, FALSE },
    { "{\"success\":true,\"data\":[1]}", TRUE, 0, NULL, TRUE },
    { "{\"success\":false,\"error\":\"no\"}", FALSE, OUTCALL_API_ERROR_FAILED, "no", FALSE },
    { "{\"success\":false,\"data\":{},\"error\":\"no\"}", FALSE, OUTCALL_API_ERROR_FAILED, "no",
      TRUE },
    { "{\"success\":false}", FALSE, OUTCALL_API_ERROR_FAILED, "refused without a reason", FALSE },
    { "{\"data\":1}", FALSE, OUTCALL_API_ERROR_MISSING_MEMBER, "success: is missing", FALSE },
    { "<html>", FALSE, OUTCALL_API_ERROR_SYNTAX, "byte 0: a value is expected", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonNode) data = NULL;
      g_autoptr (GError) error = NULL;
      gboolean ok
          = outcall_api_response_unwrap (cases[i].text, strlen (cases[i].text), &data, &error);

      g_assert_cmpint (ok, ==, cases[i].ok);
      g_assert_cmpint (data != NULL, ==, cases[i].has_data);
      if (ok)
        continue;
      g_assert_error (error, OUTCALL_API_ERROR, cases[i].code);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

/* --- Constants, words, members ------------------------------------------------------- */

static void
test_constants (void)
{
  g_assert_cmpint (OUTCALL_UNREACHABLE_EXIT_CODE, ==, 5);
  g_assert_cmpstr (OUTCALL_DEFAULT_HOST_SOCKET, ==, "/run/outcall/host.sock");
  g_assert_cmpstr (OUTCALL_DEFAULT_AGENT_SOCKET, ==, "/run/outcall/agent.sock");
  g_assert_cmpstr (OUTCALL_DEFAULT_BRIDGE_NAME, ==, "outcall0");
  g_assert_cmpstr (OUTCALL_DEFAULT_STATE_DIR, ==, "/var/lib/outcall");
  g_assert_cmpstr (OUTCALL_DEFAULT_RULES_DIR, ==, "/etc/outcall/rules.d");
  g_assert_cmpstr (OUTCALL_NETWORK_PREFIX, ==, "outcall-");
  g_assert_cmpstr (OUTCALL_DEFAULT_NETWORK_NAME, ==, "outcall-default");
  g_assert_cmpstr (OUTCALL_SUBNET_BLOCK, ==, "10.200.0.0/16");
  g_assert_cmpstr (OUTCALL_DEFAULT_SUBNET, ==, "10.200.0.0/24");
  g_assert_cmpstr (OUTCALL_DEFAULT_GATEWAY, ==, "10.200.0.1");
  g_assert_cmpint (OUTCALL_DNS_PORT, ==, 53);
  g_assert_cmpint (OUTCALL_PROXY_PORT, ==, 8080);
  g_assert_cmpstr (OUTCALL_SHIM_PATH, ==, "/usr/local/bin/outcall-agent");
  g_assert_cmpint (OUTCALL_DEFAULT_REQUEST_TIMEOUT_SECS, ==, 30);
  g_assert_cmpint (OUTCALL_DEFAULT_HEARTBEAT_INTERVAL_SECS, ==, 10);
  g_assert_cmpint (OUTCALL_DEFAULT_STOP_TIMEOUT_SECS, ==, 10);
  g_assert_cmpint (OUTCALL_DEFAULT_MEMORY_LIMIT, ==, 536870912);
  g_assert_cmpint (OUTCALL_DEFAULT_CPU_SHARES, ==, 1024);
  g_assert_cmpint (OUTCALL_DEFAULT_PID_LIMIT, ==, 256);
}

#define CHECK_WORDS(Type, id, ...)                                                                 \
  {                                                                                                \
    const char *const words[] = { __VA_ARGS__ };                                                   \
    Type value = (Type) 99;                                                                        \
                                                                                                   \
    g_assert_false (outcall_##id##_from_string ("no such word", &value));                         \
    g_assert_false (outcall_##id##_from_string (NULL, &value));                                    \
    g_assert_cmpint (value, ==, 99);                                                               \
    g_assert_null (outcall_##id##_to_string ((Type) G_N_ELEMENTS (words)));                        \
    for (guint i = 0; i < G_N_ELEMENTS (words); i++)                                               \
      {                                                                                            \
        g_assert_cmpstr (outcall_##id##_to_string ((Type) i), ==, words[i]);                       \
        g_assert_true (outcall_##id##_from_string (words[i], &value));                             \
        g_assert_cmpint (value, ==, i);                                                            \
      }                                                                                            \
  }

static void
test_words (void)
{
  CHECK_WORDS (OutcallRuleAction, rule_action, "allow", "block", "enrich");
  CHECK_WORDS (OutcallRuleRequestStatus, rule_request_status, "pending", "approved", "rejected");
  CHECK_WORDS (OutcallRuntime, runtime, "native", "engine");
  CHECK_WORDS (OutcallLayer, layer, "dns", "connect", "tls", "http", "agent", "container");
  CHECK_WORDS (OutcallOutcome, outcome, "allowed", "blocked");
  CHECK_WORDS (OutcallEgressMode, egress_mode, "proxy", "direct_ip", "intercept");
  CHECK_WORDS (OutcallProtocol, protocol, "tcp", "udp");
  CHECK_WORDS (OutcallSeverity, severity, "error", "warning");
  CHECK_WORDS (OutcallState, state, "starting", "running", "degraded", "unavailable", "disabled");
  CHECK_WORDS (OutcallActionType, action_type, "tool_exec", "network_call", "file_access",
               "shell_exec");
}

static void
test_named_members (void)
{
  g_autoptr (OutcallPair) pair = outcall_pair_new ("a", "b");
  g_autoptr (OutcallCounter) counter = outcall_counter_new ("c", 7);

  g_assert_cmpstr (pair->name, ==, "a");
  g_assert_cmpstr (pair->value, ==, "b");
  g_assert_cmpstr (counter->name, ==, "c");
  g_assert_cmpuint (counter->value, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  outcall_api_init ();
  outcall_api_init ();
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/api/shape/%s", shapes[i].name);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_shape);
    }
  g_test_add_func ("/api/refusals", test_refusals);
  g_test_add_func ("/api/optional", test_optional);
  g_test_add_func ("/api/members", test_members);
  g_test_add_func ("/api/lists", test_lists);
  g_test_add_func ("/api/text/table", test_texts);
  g_test_add_func ("/api/text/prefixes", test_prefixes);
  g_test_add_func ("/api/text/nul", test_nul);
  g_test_add_func ("/api/text/depth", test_depth);
  g_test_add_func ("/api/text/64-bits", test_64_bits);
  g_test_add_func ("/api/text/print", test_print);
  g_test_add_func ("/api/unwrap", test_unwrap);
  g_test_add_func ("/api/constants", test_constants);
  g_test_add_func ("/api/words", test_words);
  g_test_add_func ("/api/named-members", test_named_members);
  return g_test_run ();
}
