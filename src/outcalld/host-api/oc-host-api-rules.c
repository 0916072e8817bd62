/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "common/oc-host.h"

/* --- Listing --------------------------------------------------------------------------- */

static OutcallEgressMode
egress_mode (OcEgressMode mode)
{
  switch (mode)
    {
    case OC_EGRESS_DIRECT_IP:
      return OUTCALL_EGRESS_MODE_DIRECT_IP;
    case OC_EGRESS_INTERCEPT:
      return OUTCALL_EGRESS_MODE_INTERCEPT;
    case OC_EGRESS_PROXY:
    default:
      return OUTCALL_EGRESS_MODE_PROXY;
    }
}

static JsonNode *
rule_to_json (const OcPolicy *policy, const OcRule *rule)
{
  OutcallRuleSummary summary = {
    .id = (char *) rule->id,
    .description = (char *) rule->description,
    .file = (char *) rule->file,
    .line = rule->line,
    .priority = rule->priority,
    .action = rule->allow ? OUTCALL_RULE_ACTION_ALLOW : OUTCALL_RULE_ACTION_BLOCK,
    .condition = (char *) rule->condition,
    .reason = (char *) rule->reason,
    .mode = egress_mode (rule->egress.mode),
  };

  oc_policy_get_rule_counters (policy, rule->index, &summary.hits, &summary.errors);
  return outcall_rule_summary_to_json (&summary);
}

void
oc_host_api_get_rules (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    json_array_add_element (array, rule_to_json (policy, oc_policy_get_rule (policy, i)));
  json_node_take_array (node, array);
  oc_api_request_reply (request, 200, node);
}

void
oc_host_api_get_rule (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  const char *id = oc_api_request_get_param (request, "id");
  const OcRule *rule = oc_policy_lookup_rule (policy, id);

  if (rule == NULL)
    oc_api_request_fail (request, 404, NULL, "there is no rule '%s'", id);
  else
    oc_api_request_reply (request, 200, rule_to_json (policy, rule));
}

/* --- Reload and lint ----------------------------------------------------------------------- */

JsonNode *
oc_host_api_make_reload_result (const OcPolicy *policy, GPtrArray *diagnostics)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_diagnostic_free);
  OutcallReloadResult result = { 0 };

  for (guint i = 0; diagnostics != NULL && i < diagnostics->len; i++)
    g_ptr_array_add (list, oc_rules_diagnostic_to_api (diagnostics->pdata[i]));
  if (policy != NULL)
    {
      result.files_loaded = oc_policy_get_n_files (policy);
      result.rules_loaded = oc_policy_get_n_rules (policy);
    }
  result.warnings = (OutcallDiagnostic **) list->pdata;
  result.n_warnings = list->len;
  return outcall_reload_result_to_json (&result);
}

void
oc_host_api_post_reload (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcApiPeer *peer = oc_api_request_get_peer (request);
  g_autoptr (GPtrArray) diagnostics = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok = oc_rules_reload (api->s.rules, &diagnostics, &error);
  const OcLogChange change = { peer->uid, peer->pid, "rules.reload", NULL,
                               ok ? NULL : error->message };
  JsonNode *result
      = oc_host_api_make_reload_result (ok ? oc_rules_get_policy (api->s.rules) : NULL, diagnostics);

  oc_log_change (api->s.log, &change);
  if (ok)
    oc_api_request_reply (request, 200, result);
  else
    oc_api_request_fail (request, 422, result, "%s", error->message);
}

void
oc_host_api_post_lint (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallLintRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_lint_request_from_json);
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OcPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;
  OcPolicySource source;

  if (asked == NULL)
    return;
  source = (OcPolicySource) { asked->name, asked->text, strlen (asked->text) };
  policy = oc_rules_lint (api->s.rules, &source, diagnostics, &error);
  if (policy != NULL)
    oc_api_request_reply (request, 200, oc_host_api_make_reload_result (policy, diagnostics));
  else
    oc_api_request_fail (request, 422, oc_host_api_make_reload_result (NULL, diagnostics), "%s",
                         error->message);
}

/* --- Tests -------------------------------------------------------------------------------------- */

static OutcallRuleTest *
make_test (const OcPolicyTestResult *from)
{
  OutcallRuleTest *to = outcall_rule_test_new ();

  to->file = g_strdup (from->file);
  to->line = from->line;
  to->name = g_strdup (from->name);
  to->passed = from->passed;
  to->message = g_strdup (from->message);
  to->rule = from->rule != NULL ? g_strdup (from->rule->id) : NULL;
  return to;
}

static OutcallUntestedRule *
make_untested (const OcRule *from)
{
  OutcallUntestedRule *to = outcall_untested_rule_new ();

  to->id = g_strdup (from->id);
  to->file = g_strdup (from->file);
  to->line = from->line;
  return to;
}

/* Of the files as they were loaded, not as they are on the disk now. */
void
oc_host_api_post_rule_test (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  g_autoptr (GPtrArray) results = oc_policy_run_tests (policy);
  g_autoptr (GPtrArray) untested = oc_policy_list_untested (policy, results);
  g_autoptr (GPtrArray) tests
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_rule_test_free);
  g_autoptr (GPtrArray) rules
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_untested_rule_free);
  OutcallRuleTests answer = { 0 };

  for (guint i = 0; i < results->len; i++)
    {
      const OcPolicyTestResult *result = results->pdata[i];

      g_ptr_array_add (tests, make_test (result));
      answer.passed += result->passed ? 1 : 0;
    }
  for (guint i = 0; i < untested->len; i++)
    g_ptr_array_add (rules, make_untested (untested->pdata[i]));
  answer.failed = results->len - answer.passed;
  answer.rules = oc_policy_get_n_rules (policy);
  answer.tests = (OutcallRuleTest **) tests->pdata;
  answer.n_tests = tests->len;
  answer.untested = (OutcallUntestedRule **) rules->pdata;
  answer.n_untested = rules->len;
  oc_api_request_reply (request, 200, outcall_rule_tests_to_json (&answer));
}

/* --- Evaluation ------------------------------------------------------------------------------- */

/* What a context borrows, for the time of one evaluation. */
typedef struct
{
  OcHost hosts[3];
  GArray *headers, *run_context; /* of OcPair */
  GArray *lists[6];              /* of OcStr */
  guint n_lists;
} ContextMemory;

/* The canonical spelling, which is what every layer judges. */
static OcStr
canonical_host (const char *text, OcHost *memory)
{
  OcStr given = oc_str_from (text);

  if (given.len == 0 || oc_host_parse (given, memory) != OC_HOST_OK)
    return given;
  return oc_str (memory->name, memory->len);
}

static OcStrList
convert_list (ContextMemory *memory, char **items, gsize n)
{
  GArray *list = g_array_sized_new (FALSE, FALSE, sizeof (OcStr), (guint) n);

  for (gsize i = 0; i < n; i++)
    {
      OcStr item = oc_str_from (items[i]);

      g_array_append_val (list, item);
    }
  memory->lists[memory->n_lists++] = list;
  return (OcStrList) { (const OcStr *) (void *) list->data, n };
}

static GArray *
convert_pairs (OutcallPair **pairs, gsize n)
{
  GArray *list = g_array_sized_new (FALSE, FALSE, sizeof (OcPair), (guint) n);

  for (gsize i = 0; i < n; i++)
    {
      OcPair pair = { oc_str_from (pairs[i]->name), oc_str_from (pairs[i]->value) };

      g_array_append_val (list, pair);
    }
  return list;
}

static void
convert_context (const OutcallContext *from, ContextMemory *memory, OcPolicyContext *to)
{
  memory->headers = convert_pairs (from->http.headers, from->http.n_headers);
  memory->run_context = convert_pairs (from->run.context, from->run.n_context);
  *to = (OcPolicyContext) {
    .network = { .hostname = canonical_host (from->network.hostname, &memory->hosts[0]),
                 .ip = oc_str_from (from->network.ip),
                 .protocol = oc_str_from (from->network.protocol),
                 .port = from->network.port },
    .http = { .method = oc_str_from (from->http.method),
              .path = oc_str_from (from->http.path),
              .host = canonical_host (from->http.host, &memory->hosts[1]),
              .scheme = oc_str_from (from->http.scheme),
              .body = oc_str_from (from->http.body),
              .headers = (const OcPair *) (void *) memory->headers->data,
              .n_headers = from->http.n_headers,
              .body_size = from->http.body_size },
    .dns = { .query = canonical_host (from->dns.query, &memory->hosts[2]),
             .record_type = oc_str_from (from->dns.record_type) },
    .docker = { .image = oc_str_from (from->docker.image),
                .command = convert_list (memory, from->docker.command, from->docker.n_command),
                .volumes = convert_list (memory, from->docker.volumes, from->docker.n_volumes),
                .env_keys = convert_list (memory, from->docker.env_keys, from->docker.n_env_keys),
                .capabilities = convert_list (memory, from->docker.capabilities,
                                              from->docker.n_capabilities) },
    .run = { .tool = oc_str_from (from->run.tool),
             .cwd = oc_str_from (from->run.cwd),
             .args = convert_list (memory, from->run.args, from->run.n_args),
             .flags = convert_list (memory, from->run.flags, from->run.n_flags),
             .context = (const OcPair *) (void *) memory->run_context->data,
             .n_context = from->run.n_context },
    .agent = { .name = oc_str_from (from->agent.name),
               .id = oc_str_from (from->agent.id),
               .image = oc_str_from (from->agent.image),
               .project = oc_str_from (from->agent.project) },
    .request_time_us = from->request.time_us != 0 ? from->request.time_us : g_get_real_time (),
  };
}

static void
clear_memory (ContextMemory *memory)
{
  g_array_unref (memory->headers);
  g_array_unref (memory->run_context);
  for (guint i = 0; i < memory->n_lists; i++)
    g_array_unref (memory->lists[i]);
}

static void
free_step (gpointer step)
{
  outcall_trace_step_free (step);
}

static GPtrArray *
convert_steps (GPtrArray *steps)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (free_step);

  for (guint i = 0; steps != NULL && i < steps->len; i++)
    {
      const OcTraceStep *from = steps->pdata[i];
      OutcallTraceStep *to = outcall_trace_step_new ();

      to->rule = g_strdup (from->rule->id);
      to->file = g_strdup (from->rule->file);
      to->line = from->rule->line;
      to->action = from->rule->allow ? OUTCALL_RULE_ACTION_ALLOW : OUTCALL_RULE_ACTION_BLOCK;
      to->matched = from->matched;
      to->why = g_strdup (from->why);
      g_ptr_array_add (list, to);
    }
  return list;
}

static const char *
verdict_reason (const OcPolicyVerdict *verdict)
{
  if (verdict->rule == NULL)
    return "no rule allows it";
  return verdict->rule->reason;
}

static JsonNode *
make_result (const OcPolicyVerdict *verdict, GPtrArray *steps)
{
  const OcRule *rule = verdict->rule;
  const OutcallEvaluateResult result = {
    .verdict = { .allowed = verdict->allowed,
                 .matched_rule = rule != NULL ? (char *) rule->id : NULL,
                 .reason = (char *) verdict_reason (verdict) },
    .file = rule != NULL ? (char *) rule->file : NULL,
    .line = rule != NULL ? rule->line : 0,
    .trace = (OutcallTraceStep **) steps->pdata,
    .n_trace = steps->len,
  };

  return outcall_evaluate_result_to_json (&result);
}

/* The workload of this name, else one of this agent's. (nullable) */
static OcWorkload *
find_workload (OcHostApi *api, const char *name)
{
  OcWorkload *workload = oc_workloads_lookup (api->s.workloads, name);
  g_autoptr (GPtrArray) all = NULL;

  if (workload != NULL)
    return workload;
  all = oc_workloads_list (api->s.workloads);
  for (guint i = 0; i < all->len; i++)
    if (g_strcmp0 (oc_workload_get_identity (all->pdata[i])->agent_name, name) == 0)
      return all->pdata[i];
  return NULL;
}

/* Who asks about an agent by its name alone asks about the one that is alive: rules about its
 * project or image are to answer as they would answer it. */
static void
fill_agent (OcHostApi *api, const OutcallAgentContext *asked, OcPolicyContext *context)
{
  OcWorkload *workload;

  if (asked->name == NULL || *asked->name == '\0' || asked->id != NULL || asked->image != NULL
      || asked->project != NULL)
    return;
  workload = find_workload (api, asked->name);
  if (workload != NULL)
    oc_identity_fill_context (oc_workload_get_identity (workload), context);
}

void
oc_host_api_post_evaluate (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcPolicy *policy = oc_rules_get_policy (api->s.rules);
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallEvaluateRequest) asked = NULL;
  g_autoptr (GPtrArray) steps = NULL;
  g_autoptr (GPtrArray) shown = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  ContextMemory memory = { 0 };
  OcPolicyContext context;
  OcPolicyVerdict verdict;

  if (body != NULL)
    asked = outcall_evaluate_request_from_json (body, &error);
  if (asked == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  convert_context (&asked->context, &memory, &context);
  fill_agent (api, &asked->context.agent, &context);
  /* The explaining evaluation counts no hits: this is a question, not traffic. */
  oc_policy_explain (policy, &context, asked->name_only, &verdict, &steps);
  shown = convert_steps (asked->trace ? steps : NULL);
  oc_api_request_reply (request, 200, make_result (&verdict, shown));
  clear_memory (&memory);
}
