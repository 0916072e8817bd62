/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-agent.h"

#include "http1/oc-http1-client.h"
#include "outcall-api/constants.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_S 3600

struct Agent
{
  OcHttpClient *client;
  int timeout_ms;
  char token[AGENT_TOKEN_LEN + 1]; /* empty: not checked in */
};

static char last_complaint[512];

void
agent_complain (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  (void) vsnprintf (last_complaint, sizeof last_complaint, format, args);
  va_end (args);
  (void) fprintf (stderr, "outcall-agent: %s\n", last_complaint);
}

const char *
agent_last_complaint (void)
{
  return last_complaint;
}

void
agent_verdict_clear (AgentVerdict *verdict)
{
  free (verdict->rule);
  free (verdict->reason);
  verdict->rule = verdict->reason = NULL;
}

static const char *
get_socket_path (void)
{
#ifdef OC_TEST_BUILD
  /* Not in what is installed: a workload's environment is the agent's to set. */
  const char *path = getenv ("OUTCALL_AGENT_SOCKET");

  if (path != NULL)
    return path;
#endif
  return OUTCALL_DEFAULT_AGENT_SOCKET;
}

/* A number of 1 to TIMEOUT_MAX_S, else the default. */
static unsigned
get_timeout_s (void)
{
  const char *text = getenv ("OUTCALL_TIMEOUT_SECS");
  unsigned value = 0;

  for (; text != NULL && *text >= '0' && *text <= '9' && value <= TIMEOUT_MAX_S; text++)
    value = value * 10 + (unsigned) (*text - '0');
  if (text == NULL || *text != '\0' || value == 0 || value > TIMEOUT_MAX_S)
    return OUTCALL_DEFAULT_REQUEST_TIMEOUT_SECS;
  return value;
}

/* One line, whatever went wrong. */
static void
complain_unreachable (int err)
{
  const char *why = err == EBADMSG || err == EMSGSIZE ? _("its answer makes no sense")
                                                      : strerror (err);

  agent_complain (_("cannot reach outcalld at %s: %s"), get_socket_path (), why);
}

Agent *
agent_connect (unsigned timeout_max_s)
{
  Agent *agent = calloc (1, sizeof *agent);

  if (agent == NULL)
    {
      complain_unreachable (ENOMEM);
      return NULL;
    }
  if (timeout_max_s == 0 || timeout_max_s > get_timeout_s ())
    timeout_max_s = get_timeout_s ();
  agent->timeout_ms = (int) timeout_max_s * 1000;
  agent->client = oc_http_client_connect (get_socket_path (), agent->timeout_ms);
  if (agent->client == NULL)
    {
      complain_unreachable (errno);
      free (agent);
      return NULL;
    }
  return agent;
}

void
agent_free (Agent *agent)
{
  if (agent == NULL)
    return;
  oc_http_client_close (agent->client);
  explicit_bzero (agent->token, sizeof agent->token);
  free (agent);
}

/* --- Answers ------------------------------------------------------------------- */

static json_t *
parse_object (const OcHttpReply *reply)
{
  json_t *root = json_loadb (reply->body, reply->body_len, JSON_REJECT_DUPLICATES, NULL);

  if (json_is_object (root))
    return root;
  json_decref (root);
  return NULL;
}

/* The data of an envelope that says success; a new reference or NULL. */
static json_t *
take_data (json_t *root)
{
  json_t *data = json_object_get (root, "data");

  if (!json_is_true (json_object_get (root, "success")) || !json_is_object (data))
    return NULL;
  return json_incref (data);
}

/* What the daemon says of a refusal. */
static void
complain_refused (const OcHttpReply *reply)
{
  json_t *root = parse_object (reply);
  const char *text = json_string_value (json_object_get (root, "error"));

  if (text != NULL)
    agent_complain (_("outcalld refuses: %s"), text);
  else
    agent_complain (_("outcalld's answer makes no sense (status %u)"), reply->status);
  json_decref (root);
}

/* @wait_s: besides the time that every request has. Returns: 0, or -1 with errno. */
static int
send_request (Agent *agent, const char *method, const char *path, const char *body,
              unsigned wait_s, OcHttpReply *out)
{
  char headers[AGENT_TOKEN_LEN + 64] = "";

  if (agent->token[0] != '\0')
    (void) snprintf (headers, sizeof headers, "Authorization: Bearer %s\r\n", agent->token);
  return oc_http_client_request (agent->client, method, path, headers, body,
                                 body != NULL ? strlen (body) : 0, OUTCALL_AGENT_BODY_MAX,
                                 agent->timeout_ms + (int) wait_s * 1000, out);
}

/* Neither of the two kinds of envelope is not an answer. */
static bool
is_envelope (json_t *root, unsigned status)
{
  bool good = status >= 200 && status < 300;

  if (!json_is_boolean (json_object_get (root, "success"))
      || json_is_true (json_object_get (root, "success")) != good)
    return false;
  return good || json_is_string (json_object_get (root, "error"));
}

json_t *
agent_call (Agent *agent, const char *method, const char *path, json_t *body, unsigned wait_s,
            unsigned *out_status)
{
  char *text = body != NULL ? json_dumps (body, JSON_COMPACT) : NULL;
  OcHttpReply reply;
  json_t *root;

  if (send_request (agent, method, path, text, wait_s, &reply) < 0)
    {
      complain_unreachable (errno);
      free (text);
      return NULL;
    }
  free (text);
  *out_status = reply.status;
  root = parse_object (&reply);
  if (!is_envelope (root, reply.status))
    {
      agent_complain (_("outcalld's answer makes no sense (status %u)"), reply.status);
      json_decref (root);
      root = NULL;
    }
  oc_http_reply_clear (&reply);
  return root;
}

static json_t *
call (Agent *agent, const char *method, const char *path, const char *body)
{
  OcHttpReply reply;
  json_t *root;
  json_t *data = NULL;

  if (send_request (agent, method, path, body, 0, &reply) < 0)
    {
      complain_unreachable (errno);
      return NULL;
    }
  root = reply.status == 200 ? parse_object (&reply) : NULL;
  if (root != NULL)
    data = take_data (root);
  if (data == NULL)
    complain_refused (&reply);
  json_decref (root);
  oc_http_reply_clear (&reply);
  return data;
}

json_t *
agent_get (Agent *agent, const char *path)
{
  return call (agent, "GET", path, NULL);
}

static bool
is_token (const char *text)
{
  return text != NULL && strlen (text) == AGENT_TOKEN_LEN
         && strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
                == AGENT_TOKEN_LEN;
}

bool
agent_checkin (Agent *agent)
{
  json_t *data = call (agent, "POST", "/v1/checkin", "");
  const char *token = json_string_value (json_object_get (data, "session_token"));
  bool ok = is_token (token);

  if (ok)
    memcpy (agent->token, token, sizeof agent->token);
  else if (data != NULL)
    agent_complain (_("outcalld's answer makes no sense (%s)"), "session_token");
  json_decref (data);
  return ok;
}

/* --- Verdicts -------------------------------------------------------------------- */

static char *
copy_string (json_t *value)
{
  return json_is_string (value) ? strdup (json_string_value (value)) : NULL;
}

/* Neither a string nor null is not a verdict. */
static bool
is_text_or_null (json_t *value)
{
  return value == NULL || json_is_null (value) || json_is_string (value);
}

static AgentVerdict
read_verdict (const OcHttpReply *reply)
{
  AgentVerdict verdict = { .answer = AGENT_DENIED };
  json_t *root = parse_object (reply);
  json_t *data = root != NULL ? take_data (root) : NULL;
  json_t *allowed = json_object_get (data, "allowed");
  json_t *rule = json_object_get (data, "matched_rule");
  json_t *reason = json_object_get (data, "reason");

  if (reply->status == 200 && json_is_boolean (allowed) && is_text_or_null (rule)
      && is_text_or_null (reason))
    {
      verdict.answer = json_is_true (allowed) ? AGENT_ALLOWED : AGENT_DENIED;
      verdict.rule = copy_string (rule);
      verdict.reason = copy_string (reason);
    }
  else
    {
      json_t *error = json_object_get (root, "error");

      verdict.reason = json_is_string (error) ? copy_string (error)
                                              : strdup (_("outcalld gave no verdict"));
    }
  json_decref (data);
  json_decref (root);
  return verdict;
}

AgentVerdict
agent_check (Agent *agent, const char *type, const char *target, json_t *metadata)
{
  AgentVerdict verdict = { .answer = AGENT_UNREACHABLE };
  json_t *request = json_pack ("{s:s, s:s, s:O*}", "action_type", type, "target", target,
                               "metadata", metadata);
  char *body = request != NULL ? json_dumps (request, JSON_COMPACT) : NULL;
  OcHttpReply reply;

  json_decref (request);
  if (body == NULL || strlen (body) > OUTCALL_AGENT_BODY_MAX)
    {
      /* Not text, or too long for the daemon to judge as a whole. */
      verdict.answer = AGENT_DENIED;
      verdict.reason = strdup (_("this cannot be checked: it is too long or not UTF-8"));
    }
  else if (send_request (agent, "POST", "/v1/permissions/check", body, 0, &reply) == 0)
    {
      verdict = read_verdict (&reply);
      oc_http_reply_clear (&reply);
    }
  else
    complain_unreachable (errno);
  free (body);
  return verdict;
}

bool
agent_heartbeat (Agent *agent)
{
  OcHttpReply reply;
  bool ok;

  if (send_request (agent, "POST", "/v1/heartbeat", "", 0, &reply) < 0)
    return false;
  ok = reply.status == 204;
  oc_http_reply_clear (&reply);
  return ok;
}
