/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-agent.h"

#include "outcall-api/constants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTE "/v1/requests/rules"
#define ID_MAX 64
/* Of one long poll; --wait repeats them. */
#define POLL_S 25
#define FILE_MAX_BYTES OUTCALL_AGENT_BODY_MAX

static const char *const state_names[] = {
  [AGENT_REQUEST_PENDING] = "pending",
  [AGENT_REQUEST_APPROVED] = "approved",
  [AGENT_REQUEST_REJECTED] = "rejected",
  [AGENT_REQUEST_REFUSED] = "refused",
  [AGENT_REQUEST_UNREACHABLE] = "unreachable",
};

const char *
agent_request_state_name (AgentRequestState state)
{
  return state_names[state];
}

void
agent_request_clear (AgentRequest *request)
{
  free (request->id);
  free (request->reason);
  request->id = request->reason = NULL;
}

/* It goes into a path. */
bool
agent_request_is_id (const char *text)
{
  size_t len = text != NULL ? strlen (text) : 0;

  return len > 0 && len <= ID_MAX
         && strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

/* --- The daemon's answers ----------------------------------------------------------- */

static bool
parse_state (const char *word, AgentRequestState *out)
{
  for (int i = AGENT_REQUEST_PENDING; word != NULL && i <= AGENT_REQUEST_REJECTED; i++)
    if (strcmp (word, state_names[i]) == 0)
      {
        *out = (AgentRequestState) i;
        return true;
      }
  return false;
}

static AgentRequest
read_response (json_t *data)
{
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  const char *id = json_string_value (json_object_get (data, "id"));
  const char *reason = json_string_value (json_object_get (data, "reason"));
  AgentRequestState state;

  if (!agent_request_is_id (id)
      || !parse_state (json_string_value (json_object_get (data, "status")), &state))
    {
      agent_complain (_("outcalld's answer makes no sense (%s)"), "status");
      return request;
    }
  request.state = state;
  request.id = strdup (id);
  request.reason = reason != NULL ? strdup (reason) : NULL;
  return request;
}

/* The first finding's place and text, for people. */
static char *
describe_refusal (json_t *root)
{
  json_t *finding = json_array_get (
      json_object_get (json_object_get (root, "data"), "warnings"), 0);
  const char *error = json_string_value (json_object_get (root, "error"));
  const char *source = json_string_value (json_object_get (finding, "source"));
  char *text = NULL;

  if (source == NULL)
    return strdup (error);
  if (asprintf (&text, "%s\n  %s", error, source) < 0)
    return NULL;
  return text;
}

static AgentRequest
refuse (json_t *root, unsigned status)
{
  AgentRequest request = { .state = AGENT_REQUEST_REFUSED };
  const char *error = json_string_value (json_object_get (root, "error"));

  /* A success that is not the one that was asked for. */
  if (error == NULL)
    {
      agent_complain (_("outcalld's answer makes no sense (status %u)"), status);
      request.state = AGENT_REQUEST_UNREACHABLE;
      return request;
    }
  /* Whoever does not know us any more is no daemon to ask. */
  if (status == 401 || status == 403 || status >= 500)
    request.state = AGENT_REQUEST_UNREACHABLE;
  agent_complain (_("outcalld refuses: %s"), error);
  request.reason = describe_refusal (root);
  return request;
}

AgentRequest
agent_request_submit (Agent *agent, json_t *what)
{
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  unsigned status = 0;
  json_t *root = agent_call (agent, "POST", ROUTE, what, 0, &status);

  if (root == NULL)
    return request;
  if (status == 201)
    request = read_response (json_object_get (root, "data"));
  else
    request = refuse (root, status);
  json_decref (root);
  return request;
}

AgentRequest
agent_request_look (Agent *agent, const char *id, unsigned wait_s)
{
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  char path[sizeof ROUTE + ID_MAX + 32];
  unsigned status = 0;
  json_t *root;

  (void) snprintf (path, sizeof path, ROUTE "/%s?wait=%u", id, wait_s);
  root = agent_call (agent, "GET", path, NULL, wait_s, &status);
  if (root == NULL)
    return request;
  if (status == 200)
    request = read_response (json_object_get (root, "data"));
  else
    request = refuse (root, status);
  json_decref (root);
  return request;
}

/* --- The command ------------------------------------------------------------------------ */

typedef struct
{
  const char *host, *port, *reason, *file;
  bool wait, as_json;
} Options;

static bool
parse_options (int argc, char **argv, Options *out)
{
  const struct
  {
    const char *name;
    const char **value;
  } named[] = { { "--host", &out->host }, { "--port", &out->port }, { "--reason", &out->reason } };

  *out = (Options) { .wait = agent_take_flag (&argc, argv, "--wait"),
                     .as_json = agent_take_flag (&argc, argv, "--json") };
  for (int i = 1; i < argc; i++)
    {
      const char **value = NULL;

      for (size_t j = 0; j < sizeof named / sizeof *named; j++)
        if (strcmp (argv[i], named[j].name) == 0)
          value = named[j].value;
      if (value == NULL && (argv[i][0] != '-' || argv[i][1] == '\0'))
        {
          value = &out->file;
          i--;
        }
      if (value == NULL || *value != NULL || ++i >= argc)
        return false;
      *value = argv[i];
    }
  return (out->host != NULL) != (out->file != NULL) && (out->port == NULL || out->host != NULL);
}

static int
parse_port (const char *text)
{
  int port = 0;

  for (; *text >= '0' && *text <= '9' && port <= 65535; text++)
    port = port * 10 + (*text - '0');
  return *text == '\0' && port >= 1 && port <= 65535 ? port : 0;
}

/* "-" is standard input. NULL after one line on stderr. */
static char *
read_file (const char *path)
{
  FILE *file = strcmp (path, "-") == 0 ? stdin : fopen (path, "re");
  char *text = malloc (FILE_MAX_BYTES + 1);
  size_t len;

  if (file == NULL || text == NULL)
    {
      agent_complain ("%s: %s", path, strerror (errno));
      free (text);
      return NULL;
    }
  len = fread (text, 1, FILE_MAX_BYTES + 1, file);
  if (ferror (file) || len > FILE_MAX_BYTES || memchr (text, '\0', len) != NULL)
    {
      agent_complain (_("%s is not a rule file"), path);
      free (text);
      text = NULL;
    }
  else
    text[len] = '\0';
  if (file != stdin)
    (void) fclose (file);
  return text;
}

/* What to ask for. NULL after one line on stderr. */
static json_t *
make_submission (const Options *options)
{
  int port = options->port != NULL ? parse_port (options->port) : 0;
  char *text = NULL;
  json_t *what;

  if (options->port != NULL && port == 0)
    {
      agent_complain (_("'%s' is not a port"), options->port);
      return NULL;
    }
  if (options->file != NULL)
    {
      text = read_file (options->file);
      if (text == NULL)
        return NULL;
    }
  what = json_pack ("{s:s*, s:s*, s:s*}", "rule_file", text, "host", options->host, "reason",
                    options->reason);
  if (what == NULL)
    agent_complain (_("this is not UTF-8"));
  else if (port != 0)
    (void) json_object_set_new (what, "port", json_integer (port));
  free (text);
  return what;
}

/* Waits as long as the daemon is there and says that it is pending. */
static AgentRequest
wait_for (Agent *agent, AgentRequest request)
{
  while (request.state == AGENT_REQUEST_PENDING)
    {
      AgentRequest next = agent_request_look (agent, request.id, POLL_S);

      agent_request_clear (&request);
      request = next;
    }
  return request;
}

static int
print_request (const AgentRequest *request, bool as_json)
{
  if (as_json)
    {
      json_t *value = json_pack ("{s:s, s:s, s:s?}", "id", request->id, "status",
                                 agent_request_state_name (request->state), "reason",
                                 request->reason);
      int code = agent_print_json (value);

      json_decref (value);
      return code;
    }
  printf (request->reason != NULL ? "%s %s: %s\n" : "%s %s\n", request->id,
          request->state == AGENT_REQUEST_PENDING    ? _("pending")
          : request->state == AGENT_REQUEST_APPROVED ? _("approved")
                                                     : _("rejected"),
          request->reason);
  return AGENT_EXIT_OK;
}

static int
finish (const AgentRequest *request, bool as_json)
{
  int code;

  switch (request->state)
    {
    case AGENT_REQUEST_PENDING:
    case AGENT_REQUEST_APPROVED:
    case AGENT_REQUEST_REJECTED:
      code = print_request (request, as_json);
      if (code != AGENT_EXIT_OK)
        return code;
      return request->state == AGENT_REQUEST_REJECTED ? AGENT_EXIT_DENIED : AGENT_EXIT_OK;
    case AGENT_REQUEST_REFUSED:
      return AGENT_EXIT_FAILED;
    case AGENT_REQUEST_UNREACHABLE:
    default:
      return OUTCALL_UNREACHABLE_EXIT_CODE;
    }
}

int
agent_cmd_request (int argc, char **argv)
{
  AgentRequest request = { .state = AGENT_REQUEST_UNREACHABLE };
  Options options;
  json_t *what;
  Agent *agent;
  int code;

  if (!parse_options (argc, argv, &options))
    {
      agent_complain (_("usage: outcall-agent %s"),
                      "request --host HOST [--port PORT] [--reason TEXT] [--wait] [--json], "
                      "or request FILE");
      return AGENT_EXIT_USAGE;
    }
  what = make_submission (&options);
  if (what == NULL)
    return AGENT_EXIT_USAGE;
  agent = agent_connect (0);
  if (agent != NULL && agent_checkin (agent))
    {
      request = agent_request_submit (agent, what);
      if (options.wait)
        request = wait_for (agent, request);
    }
  code = finish (&request, options.as_json);
  agent_request_clear (&request);
  json_decref (what);
  agent_free (agent);
  return code;
}
