/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-mcp.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_DEFAULT_S 30
#define WAIT_MAX_S 300

typedef struct
{
  const char *name;
  const char *description;
  const char *schema; /* JSON Schema of the arguments */
  json_t *(*call) (json_t *arguments);
} Tool;

/* --- Results ------------------------------------------------------------------------- */

/* @structured: stolen; also given as text, for clients that read only that. */
static json_t *
make_result (json_t *structured, bool is_error)
{
  char *text = structured != NULL ? json_dumps (structured, JSON_COMPACT) : NULL;
  json_t *result = json_pack ("{s:[{s:s, s:s}], s:o, s:b}", "content", "type", "text", "text",
                              text != NULL ? text : "", "structuredContent", structured,
                              "isError", is_error);

  free (text);
  return result;
}

static json_t *
make_error (const char *text)
{
  return json_pack ("{s:[{s:s, s:s}], s:b}", "content", "type", "text", "text", text, "isError",
                    true);
}

static json_t *
make_unreachable (void)
{
  return make_error (agent_last_complaint ());
}

static Agent *
connect_and_checkin (void)
{
  Agent *agent = agent_connect (0);

  if (agent == NULL || agent_checkin (agent))
    return agent;
  agent_free (agent);
  return NULL;
}

/* --- The tools -------------------------------------------------------------------------- */

/* "HOST" and "port" to a target; NULL when they are none. Free it. */
static char *
make_target (json_t *arguments)
{
  const char *host = json_string_value (json_object_get (arguments, "host"));
  json_t *port = json_object_get (arguments, "port");
  char *target = NULL;

  if (host == NULL || *host == '\0')
    return NULL;
  if (port == NULL)
    return strdup (host);
  if (!json_is_integer (port) || json_integer_value (port) < 1 || json_integer_value (port) > 65535
      || asprintf (&target, "%s:%d", host, (int) json_integer_value (port)) < 0)
    return NULL;
  return target;
}

static json_t *
check_access (json_t *arguments)
{
  char *target = make_target (arguments);
  AgentVerdict verdict = { .answer = AGENT_UNREACHABLE };
  json_t *result;
  Agent *agent;

  if (target == NULL)
    return make_error ("host must be a name, port a number from 1 to 65535");
  agent = connect_and_checkin ();
  if (agent != NULL)
    verdict = agent_check (agent, "network_call", target, NULL);
  if (verdict.answer == AGENT_UNREACHABLE)
    result = make_unreachable ();
  else
    result = make_result (json_pack ("{s:b, s:s?, s:s?}", "allowed",
                                     verdict.answer == AGENT_ALLOWED, "matched_rule",
                                     verdict.rule, "reason", verdict.reason),
                          false);
  agent_verdict_clear (&verdict);
  agent_free (agent);
  free (target);
  return result;
}

static json_t *
make_request_result (const AgentRequest *request)
{
  if (request->state == AGENT_REQUEST_UNREACHABLE)
    return make_unreachable ();
  if (request->state == AGENT_REQUEST_REFUSED)
    return make_error (request->reason != NULL ? request->reason : agent_last_complaint ());
  return make_result (json_pack ("{s:s, s:s, s:s?}", "id", request->id, "status",
                                 agent_request_state_name (request->state), "reason",
                                 request->reason),
                      false);
}

/* The arguments are the daemon's own members; it says what is wrong with them. */
static json_t *
request_access (json_t *arguments)
{
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  Agent *agent = connect_and_checkin ();
  json_t *result;

  if (agent != NULL)
    request = agent_request_submit (agent, arguments);
  result = make_request_result (&request);
  agent_request_clear (&request);
  agent_free (agent);
  return result;
}

/* -1 when it is none. */
static int
get_wait_s (json_t *arguments)
{
  json_t *wait = json_object_get (arguments, "wait_seconds");

  if (wait == NULL)
    return WAIT_DEFAULT_S;
  if (!json_is_integer (wait) || json_integer_value (wait) < 0
      || json_integer_value (wait) > WAIT_MAX_S)
    return -1;
  return (int) json_integer_value (wait);
}

static json_t *
request_status (json_t *arguments)
{
  const char *id = json_string_value (json_object_get (arguments, "id"));
  int wait_s = get_wait_s (arguments);
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  json_t *result;
  Agent *agent;

  if (!agent_request_is_id (id) || wait_s < 0)
    return make_error ("id must be that of a request, wait_seconds a number from 0 to 300");
  agent = connect_and_checkin ();
  if (agent != NULL)
    request = agent_request_look (agent, id, (unsigned) wait_s);
  result = make_request_result (&request);
  agent_request_clear (&request);
  agent_free (agent);
  return result;
}

static json_t *
whoami (json_t *arguments)
{
  json_t *who = agent_fetch_whoami ();
  json_t *result;

  (void) arguments;
  if (who == NULL)
    return make_unreachable ();
  result = make_result (json_pack ("{s:O, s:O}", "name", json_object_get (who, "name"), "id",
                                   json_object_get (who, "id")),
                        false);
  json_decref (who);
  return result;
}

/* --- The table ------------------------------------------------------------------------------ */

#define CLOSED "\"additionalProperties\":false}"

static const Tool tools[] = {
  { "check_access", "Whether this sandbox may connect to a host, and why not.",
    "{\"type\":\"object\",\"properties\":{"
    "\"host\":{\"type\":\"string\",\"description\":\"host name or address\"},"
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}},"
    "\"required\":[\"host\"]," CLOSED,
    check_access },
  { "request_access",
    "Ask the operator for access: to a host, or by a rule file. Returns the request's id; a "
    "person decides, so call request_status with it.",
    "{\"type\":\"object\",\"properties\":{"
    "\"host\":{\"type\":\"string\",\"description\":\"host name, *.name for all names below it, or "
    "address\"},"
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
    "\"rule_file\":{\"type\":\"string\",\"description\":\"YAML, instead of host and port\"},"
    "\"reason\":{\"type\":\"string\",\"maxLength\":1024,\"description\":\"what it is needed for, in "
    "a sentence for the operator\"}}," CLOSED,
    request_access },
  { "request_status", "How a request stands: pending, approved or rejected. Waits for a decision.",
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
    "\"wait_seconds\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":300}},"
    "\"required\":[\"id\"]," CLOSED,
    request_status },
  { "whoami", "The name that the operator sees this sandbox under.",
    "{\"type\":\"object\",\"properties\":{}," CLOSED, whoami },
};

static const Tool *
find_tool (const char *name)
{
  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
    if (strcmp (tools[i].name, name) == 0)
      return &tools[i];
  return NULL;
}

json_t *
agent_mcp_list_tools (void)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
    (void) json_array_append_new (
        list, json_pack ("{s:s, s:s, s:o}", "name", tools[i].name, "description",
                         tools[i].description, "inputSchema",
                         json_loads (tools[i].schema, 0, NULL)));
  return list;
}

bool
agent_mcp_has_tool (const char *name)
{
  return find_tool (name) != NULL;
}

bool
agent_mcp_tool_waits (const char *name, json_t *arguments)
{
  return strcmp (name, "request_status") == 0 && get_wait_s (arguments) > 0;
}

json_t *
agent_mcp_call_tool (const char *name, json_t *arguments)
{
  return find_tool (name)->call (arguments);
}
