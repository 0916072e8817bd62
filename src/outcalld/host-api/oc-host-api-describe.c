/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <string.h>

/* What each route is for, takes and answers: the source of the OpenAPI document. The
 * test compares it with the route table, so that no route is without one; the types'
 * schemas come from the tables that read and write them. */

typedef struct
{
  const char *method, *path;
  const char *summary;
  const char *query; /* (nullable): names of `parameters` */
  const char *body; /* (nullable): its type */
  /* The type of the data, "[Type]" a list of it, "A|B" one of two, "string" a text; NULL: no data;
   * "text", "events", "document": no envelope. "…+events": a stream for who accepts only that. */
  const char *answer;
} Description;

static const Description descriptions[] = {
  { "GET", "/health", "Whether the daemon answers", NULL, NULL, NULL },
  { "GET", "/ready", "Whether no part of the daemon is unavailable", NULL, NULL, NULL },
  { "GET", "/metrics", "The counters, for OpenMetrics", NULL, NULL, "text" },
  { "GET", "/api/v1/health", "Whether the daemon answers", NULL, NULL, NULL },
  { "GET", "/api/v1/ready", "Whether no part of the daemon is unavailable", NULL, NULL, NULL },
  { "GET", "/api/v1/metrics", "The counters, for OpenMetrics", NULL, NULL, "text" },
  { "GET", "/api/v1/openapi.json", "This document", NULL, NULL, "document" },
  { "GET", "/api/v1/status", "State of the daemon and its parts, and counters", NULL, NULL,
    "Status" },
  { "GET", "/api/v1/bridge", "State of the default bridge in the kernel", NULL, NULL,
    "BridgeStatus" },
  { "POST", "/api/v1/bridge/up", "Make the bridge and the ruleset", NULL, NULL, "BridgeStatus" },
  { "POST", "/api/v1/bridge/down", "Remove the bridge and the ruleset", NULL, NULL,
    "BridgeStatus" },
  { "GET", "/api/v1/network/config", "What a sandbox needs to know of its network", "name", NULL,
    "NetworkConfig" },
  { "GET", "/api/v1/networks", "The networks as they are in the kernel", NULL, NULL,
    "[NetworkStatus]" },
  { "GET", "/api/v1/network", "One network", "name", NULL, "NetworkStatus" },
  { "POST", "/api/v1/network/create", "Make a network", NULL, "NetworkCreateRequest",
    "NetworkCreated" },
  { "POST", "/api/v1/network/destroy", "Remove a network without workloads", NULL, "NameRequest",
    "NetworkDestroyed" },
  { "GET", "/api/v1/workloads", "The confined programs", NULL, NULL, "[Workload]" },
  { "GET", "/api/v1/sandboxes", "The confined programs", NULL, NULL, "[Workload]" },
  { "POST", "/api/v1/sandbox/attach", "Confine a process that waits in a namespace of its own",
    NULL, "SandboxAttachRequest", "SandboxAttachment" },
  { "GET", "/api/v1/workload", "One confined program", "name", NULL, "Workload" },
  { "GET", "/api/v1/workload/logs", "What a container has written", "name tail", NULL,
    "string" },
  { "POST", "/api/v1/workload/stop", "End a confined program", NULL, "StopRequest",
    "WorkloadStopped" },
  { "POST", "/api/v1/sandbox/stop", "End a confined program", NULL, "StopRequest",
    "WorkloadStopped" },
  { "GET", "/api/v1/containers", "Containers with the label, running or not", NULL, NULL,
    "[Container]" },
  { "GET", "/api/v1/container", "One container with the label", "name", NULL, "Container" },
  { "POST", "/api/v1/container/create", "Make a confined container and start it", NULL,
    "ContainerRequest", "Workload" },
  { "POST", "/api/v1/container/stop", "End a container", NULL, "StopRequest",
    "WorkloadStopped" },
  { "POST", "/api/v1/container/remove", "Remove a container", NULL, "NameRequest", "ContainerRemoved" },
  { "POST", "/api/v1/container/pull", "Fetch an image; as a stream of events progress and, at the end, "
    "done or error (PullProgress each)", NULL, "PullRequest", "PullProgress+events" },
  { "GET", "/api/v1/rules", "The rules in the order in which they are asked", NULL, NULL,
    "[RuleSummary]" },
  { "GET", "/api/v1/rule/{id}", "One rule", NULL, NULL, "RuleSummary" },
  { "POST", "/api/v1/rules/reload", "Read the rules directory again", NULL, NULL,
    "ReloadResult" },
  { "POST", "/api/v1/rules/lint", "Look for mistakes in the text of a rule file", NULL,
    "LintRequest", "ReloadResult" },
  { "POST", "/api/v1/rules/allow", "Write rule files that allow hosts, and load them", NULL,
    "AllowHosts", "AllowResult" },
  { "GET", "/api/v1/rules/active", "The grants in force, the newest first", "workload limit:grants", NULL,
    "ActiveGrants" },
  { "POST", "/api/v1/rules/flush", "End all grants, or those of one workload", NULL, "FlushRequest",
    "GrantsRemoved" },
  { "POST", "/api/v1/rule/allow", "Let a workload connect to an address, past the proxy", NULL,
    "GrantRequest", "Grant" },
  { "POST", "/api/v1/rule/revoke", "End a grant and its flows", NULL, "RevokeRequest", "GrantsRemoved" },
  { "POST", "/api/v1/rules/allow/review", "What allowing a host would write and open", NULL,
    "AllowRequest", "RuleRequestReview" },
  { "POST", "/api/v1/rules/allow/approve", "Allow a host as it was reviewed", NULL,
    "AllowRequest", "RuleRequestEntry" },
  { "POST", "/api/v1/rule/evaluate", "The verdict on a request that nobody makes", NULL,
    "EvaluateRequest", "EvaluateResult" },
  { "POST", "/api/v1/rule/test", "Run the tests in the files of the rules in force", NULL, NULL,
    "RuleTests" },
  { "GET", "/api/v1/requests/rules", "The rule requests of agents", "state limit:requests", NULL,
    "[RuleRequestEntry]" },
  { "GET", "/api/v1/requests/rules/{id}",
    "One request; of a pending one, what approving it would open", "for_s any_agent", NULL,
    "RuleRequestReview|RuleRequestEntry" },
  { "POST", "/api/v1/requests/rules/{id}/approve", "Put the rule of a request in force", NULL,
    "RuleRequestApproval", "RuleRequestEntry" },
  { "POST", "/api/v1/requests/rules/{id}/reject", "Refuse a request", NULL, "Rejection",
    "RuleRequestEntry" },
  { "GET", "/api/v1/dns", "Numbers of the DNS filter", NULL, NULL, "DnsStats" },
  { "GET", "/api/v1/dns/cache", "How full the DNS cache is, and what is in it", "entries", NULL,
    "DnsCache" },
  { "POST", "/api/v1/dns/cache/flush", "Empty the DNS cache", NULL, NULL, NULL },
  { "POST", "/api/v1/dns/test", "Whether a name may be looked up, and what it leads to", NULL,
    "DnsTestRequest", "DnsTestResult" },
  { "GET", "/api/v1/proxy", "Numbers of the proxy", NULL, NULL, "ProxyStats" },
  { "GET", "/api/v1/proxy/intercept", "Whether connections are opened, and with what", NULL, NULL,
    "Intercept" },
  { "POST", "/api/v1/proxy/intercept/cache/flush", "Forget the certificates made for hosts", NULL,
    NULL, "CacheFlushed" },
  { "GET", "/api/v1/ca", "The CA that connections are opened with", NULL, NULL, "Ca" },
  { "GET", "/api/v1/ca/bundle", "Its certificate", NULL, NULL, "CaBundle" },
  { "GET", "/api/v1/secrets", "The names of what rules may put into requests", NULL, NULL,
    "Secrets" },
  { "GET", "/api/v1/log", "The decision log, the oldest first",
    "agent verdict host rule since limit before", NULL, "[Decision]" },
  { "GET", "/api/v1/events",
    "Decisions and changes as they happen: decision and, when what it allowed is over, ended "
    "(Decision each), workload_started and workload_ended (Workload), request (RuleRequestEntry), "
    "grant_added (Grant), grant_removed (GrantsRemoved) of operators, network_created "
    "(NetworkStatus), network_destroyed (NetworkDestroyed), reload (ReloadResult), left_out (how many decisions were "
    "too many at once), reset (read the state anew)",
    "agent verdict host rule since limit Last-Event-ID", NULL, "events" },
};

static const struct
{
  const char *name, *description, *schema; /* name: "NAME:KIND" where routes differ */
} parameters[] = {
  { "agent", "A workload's or an agent's name", "{\"type\":\"string\"}" },
  { "verdict", "Only these decisions", "{\"enum\":[\"allowed\",\"blocked\"]}" },
  { "host", "A host with the names below it", "{\"type\":\"string\"}" },
  { "rule", "The id of the rule that decided", "{\"type\":\"string\"}" },
  { "since", "An age (30m, 8h, 2d) or an RFC 3339 time", "{\"type\":\"string\"}" },
  { "limit", "The newest so many",
    "{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536,\"default\":1000}" },
  { "before", "Only those with a smaller sequence: the page before the one that began with it",
    "{\"type\":\"integer\",\"minimum\":1}" },
  { "limit:grants", "The newest so many",
    "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":1000}" },
  { "limit:requests", "The newest so many of the decided ones",
    "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":100}" },
  { "state", "Only requests in this state", "{\"type\":\"string\"}" },
  { "for_s", "Approved for so many seconds", "{\"type\":\"integer\",\"minimum\":1}" },
  { "any_agent", "Approved for every agent", "{\"enum\":[\"true\",\"false\"]}" },
  { "tail", "Only the last so many lines", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100000}" },
  { "entries", "With the answers that are kept", "{\"enum\":[\"true\",\"false\"]}" },
  { "name", "Its name", "{\"type\":\"string\"}" },
  { "workload", "A workload's name", "{\"type\":\"string\"}" },
  { "Last-Event-ID", "The id of the last event that was seen, to go on after it",
    "{\"type\":\"string\"}" },
};

/* --- JSON from pieces --------------------------------------------------------------- */

static JsonNode *
take_object (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  return node;
}

static JsonObject *
make_with_string (const char *name, const char *value)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, name, value);
  return object;
}

static JsonObject *
make_with_object (const char *name, JsonObject *value)
{
  JsonObject *object = json_object_new ();

  json_object_set_object_member (object, name, value);
  return object;
}

static JsonObject *
make_reference (const char *type, gsize len)
{
  g_autofree char *to = g_strdup_printf ("#/components/schemas/%.*s", (int) len, type);

  return make_with_string ("$ref", to);
}

/* --- Bodies and answers ---------------------------------------------------------------- */

static JsonObject *
describe_body (const char *body)
{
  JsonObject *schema = make_reference (body, strlen (body));
  JsonObject *object = make_with_object (
      "content", make_with_object ("application/json", make_with_object ("schema", schema)));

  json_object_set_boolean_member (object, "required", TRUE);
  return object;
}

static JsonObject *
describe_either (const char *one, gsize len, const char *other)
{
  JsonArray *choices = json_array_new ();
  JsonObject *schema = json_object_new ();

  json_array_add_object_element (choices, make_reference (one, len));
  json_array_add_object_element (choices, make_reference (other, strlen (other)));
  json_object_set_array_member (schema, "anyOf", choices);
  return schema;
}

/* @answer: as in Description */
static JsonObject *
describe_data (const char *answer)
{
  const char *bar = strchr (answer, '|');
  JsonObject *list;

  if (g_str_equal (answer, "string"))
    return make_with_string ("type", "string");
  if (bar != NULL)
    return describe_either (answer, (gsize) (bar - answer), bar + 1);
  if (*answer != '[')
    return make_reference (answer, strlen (answer));
  list = make_with_string ("type", "array");
  json_object_set_object_member (list, "items", make_reference (answer + 1, strlen (answer) - 2));
  return list;
}

static JsonObject *
describe_envelope (const char *answer)
{
  JsonObject *schema = make_with_string ("type", "object");
  JsonObject *properties = make_with_object ("success", make_with_string ("type", "boolean"));
  JsonArray *required = json_array_new ();

  json_array_add_string_element (required, "success");
  if (answer != NULL)
    {
      json_object_set_object_member (properties, "data", describe_data (answer));
      json_array_add_string_element (required, "data");
    }
  json_object_set_object_member (schema, "properties", properties);
  json_object_set_array_member (schema, "required", required);
  return schema;
}

static JsonObject *
describe_content (const char *answer)
{
  g_autofree char *plain = answer != NULL && g_str_has_suffix (answer, "+events")
                               ? g_strndup (answer, strlen (answer) - strlen ("+events"))
                               : NULL;
  const char *type = "application/json";
  JsonObject *schema;

  if (plain != NULL)
    {
      JsonObject *content = describe_content (plain);

      json_object_set_object_member (content, "text/event-stream",
                                     make_with_object ("schema", make_with_string ("type", "string")));
      return content;
    }
  if (g_strcmp0 (answer, "text") == 0)
    type = "application/openmetrics-text";
  else if (g_strcmp0 (answer, "events") == 0)
    type = "text/event-stream";
  if (g_str_equal (type, "application/json"))
    schema = g_strcmp0 (answer, "document") == 0 ? make_with_string ("type", "object")
                                                 : describe_envelope (answer);
  else
    schema = make_with_string ("type", "string");
  return make_with_object (type, make_with_object ("schema", schema));
}

static JsonObject *
describe_answers (const char *answer)
{
  JsonObject *done = make_with_string ("description", "Done");
  JsonObject *refused = make_with_string ("description", "Refused; \"error\" says why");
  JsonObject *answers = json_object_new ();

  json_object_set_object_member (done, "content", describe_content (answer));
  json_object_set_object_member (
      refused, "content",
      make_with_object ("application/json",
                        make_with_object ("schema", make_reference ("ApiResponse", 11))));
  json_object_set_object_member (answers, "200", done);
  json_object_set_object_member (answers, "default", refused);
  return answers;
}

/* --- Parameters ---------------------------------------------------------------------- */

/* @in: "path", "query" or "header" */
static void
add_parameter (JsonArray *list, const char *name, const char *in)
{
  g_autofree char *shown = g_strndup (name, strcspn (name, ":"));
  JsonObject *object = make_with_string ("name", shown);
  const char *schema = "{\"type\":\"string\"}";

  json_object_set_string_member (object, "in", in);
  if (g_str_equal (in, "path"))
    json_object_set_boolean_member (object, "required", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (parameters); i++)
    if (g_str_equal (name, parameters[i].name))
      {
        json_object_set_string_member (object, "description", parameters[i].description);
        schema = parameters[i].schema;
      }
  json_object_set_member (object, "schema", outcall_json_parse (schema, strlen (schema), NULL));
  json_array_add_object_element (list, object);
}

static JsonArray *
describe_parameters (const Description *d)
{
  g_auto (GStrv) names = g_strsplit (d->query != NULL ? d->query : "", " ", -1);
  JsonArray *list = json_array_new ();

  for (const char *at = d->path; (at = strchr (at, '{')) != NULL; at++)
    {
      g_autofree char *name = g_strndup (at + 1, strcspn (at + 1, "}"));

      add_parameter (list, name, "path");
    }
  for (guint i = 0; names[i] != NULL; i++)
    add_parameter (list, names[i], g_ascii_isupper (*names[i]) ? "header" : "query");
  return list;
}

/* --- The document ---------------------------------------------------------------------- */

/* "get_api_v1_rule_id" */
static char *
make_operation_id (const Description *d)
{
  GString *id = g_string_new (NULL);

  for (const char *p = d->method; *p != '\0'; p++)
    g_string_append_c (id, g_ascii_tolower (*p));
  for (const char *p = d->path; *p != '\0'; p++)
    if (g_ascii_isalnum (*p))
      g_string_append_c (id, *p);
    else if (id->str[id->len - 1] != '_' && p[1] != '\0')
      g_string_append_c (id, '_');
  return g_string_free (id, FALSE);
}

static JsonObject *
describe_operation (const Description *d)
{
  JsonObject *operation = make_with_string ("summary", d->summary);
  g_autofree char *id = make_operation_id (d);

  json_object_set_string_member (operation, "operationId", id);
  json_object_set_array_member (operation, "parameters", describe_parameters (d));
  if (d->body != NULL)
    json_object_set_object_member (operation, "requestBody", describe_body (d->body));
  json_object_set_object_member (operation, "responses", describe_answers (d->answer));
  return operation;
}

static JsonObject *
describe_paths (void)
{
  JsonObject *paths = json_object_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (descriptions); i++)
    {
      const Description *d = &descriptions[i];
      g_autofree char *method = g_ascii_strdown (d->method, -1);

      if (!json_object_has_member (paths, d->path))
        json_object_set_object_member (paths, d->path, json_object_new ());
      json_object_set_object_member (json_object_get_object_member (paths, d->path), method,
                                     describe_operation (d));
    }
  return paths;
}

JsonNode *
oc_host_api_describe (void)
{
  JsonObject *document = make_with_string ("openapi", "3.1.0");
  JsonObject *info = make_with_string ("title", "Outcall host API");
  JsonObject *components = json_object_new ();

  json_object_set_string_member (info, "version", PACKAGE_VERSION);
  json_object_set_string_member (
      info, "description",
      "HTTP/1.1 on the unix socket host.sock, for root and members of group outcall. Every JSON "
      "answer is an envelope: success, and data or error.");
  json_object_set_object_member (document, "info", info);
  json_object_set_object_member (document, "paths", describe_paths ());
  json_object_set_member (components, "schemas", outcall_api_make_schemas ());
  json_object_set_object_member (document, "components", components);
  return take_object (document);
}

void
oc_host_api_get_openapi (OcApiRequest *request, gpointer user_data)
{
  g_autoptr (JsonNode) document = oc_host_api_describe ();
  g_autofree char *text = outcall_json_print (document);

  oc_api_request_reply_text (request, 200, "application/json", text);
}
