/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * `outcall-agent mcp`: a server of the Model Context Protocol on standard input
 * and output, one JSON-RPC message a line. Two generations of clients:
 *
 *   2025-11-25 and before   initialize, notifications/initialized, then requests
 *   2026-07-28              no handshake: each request names its revision in
 *                           params._meta, server/discover tells what there is
 *
 * A request of the new kind is answered in the new way (resultType, how long the
 * answer may be kept), all else in the old one. A call that waits for a decision
 * runs in a process of its own, so that others are answered meanwhile; each
 * answer is one write, small enough that a pipe keeps it in one piece.
 */
#include "config.h"

#include "agent-mcp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1024 * 1024)
#define WAITERS_MAX 16
#define NEW_REVISION "2026-07-28"
#define META_REVISION "io.modelcontextprotocol/protocolVersion"
#define META_SERVER "io.modelcontextprotocol/serverInfo"
#define TTL_MS (3600 * 1000)

enum
{
  ERROR_PARSE = -32700,
  ERROR_REQUEST = -32600,
  ERROR_METHOD = -32601,
  ERROR_PARAMS = -32602,
  ERROR_REVISION = -32022,
};

/* Newest first. */
static const char *const old_revisions[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" };

/* A call that runs in a child. */
typedef struct
{
  pid_t pid; /* 0: free */
  json_t *id;
} Waiter;

static Waiter waiters[WAITERS_MAX];

/* --- Writing --------------------------------------------------------------------------- */

/* @message: stolen */
static void
send_message (json_t *message)
{
  char *text = message != NULL ? json_dumps (message, JSON_COMPACT) : NULL;
  size_t len = text != NULL ? strlen (text) : 0;
  const char *from = text;

  json_decref (message);
  if (text == NULL)
    return;
  text[len++] = '\n'; /* in the place of the NUL */
  while (len > 0)
    {
      ssize_t n = write (STDOUT_FILENO, from, len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        exit (AGENT_EXIT_OK); /* the client is gone */
      from += n;
      len -= (size_t) n;
    }
  free (text);
}

static void
send_error (json_t *id, int code, const char *text, json_t *data)
{
  send_message (json_pack ("{s:s, s:O?, s:{s:i, s:s, s:o*}}", "jsonrpc", "2.0", "id", id, "error",
                           "code", code, "message", text, "data", data));
}

/* @result: stolen. @is_new: with what the new revision asks of every result */
static void
send_result (json_t *id, json_t *result, bool is_new)
{
  if (is_new)
    {
      (void) json_object_set_new (result, "resultType", json_string ("complete"));
      (void) json_object_set_new (result, "_meta",
                                  json_pack ("{s:{s:s, s:s}}", META_SERVER, "name", "outcall",
                                             "version", PACKAGE_VERSION));
    }
  send_message (json_pack ("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result));
}

/* The same for what a client may keep. */
static void
send_lasting (json_t *id, json_t *result, bool is_new)
{
  if (is_new)
    {
      (void) json_object_set_new (result, "ttlMs", json_integer (TTL_MS));
      (void) json_object_set_new (result, "cacheScope", json_string ("public"));
    }
  send_result (id, result, is_new);
}

/* --- Calls that wait --------------------------------------------------------------------- */

static void
reap_waiters (void)
{
  for (int i = 0; i < WAITERS_MAX; i++)
    if (waiters[i].pid != 0 && waitpid (waiters[i].pid, NULL, WNOHANG) != 0)
      {
        json_decref (waiters[i].id);
        waiters[i] = (Waiter) { 0 };
      }
}

/* Returns: false when there are too many already. */
static bool
call_in_child (json_t *id, const char *name, json_t *arguments, bool is_new)
{
  pid_t parent = getpid ();
  pid_t pid;
  int i;

  reap_waiters ();
  for (i = 0; i < WAITERS_MAX && waiters[i].pid != 0; i++)
    continue;
  if (i == WAITERS_MAX)
    return false;
  pid = fork ();
  if (pid < 0)
    return false;
  if (pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
      if (getppid () == parent)
        send_result (id, agent_mcp_call_tool (name, arguments), is_new);
      _exit (0);
    }
  waiters[i] = (Waiter) { pid, json_incref (id) };
  return true;
}

static void
cancel (json_t *params)
{
  json_t *id = json_object_get (params, "requestId");

  for (int i = 0; i < WAITERS_MAX; i++)
    if (waiters[i].pid != 0 && id != NULL && json_equal (waiters[i].id, id))
      (void) kill (waiters[i].pid, SIGKILL);
}

/* --- Methods ---------------------------------------------------------------------------------- */

static void
on_initialize (json_t *id, json_t *params, bool is_new)
{
  const char *asked = json_string_value (json_object_get (params, "protocolVersion"));
  const char *revision = old_revisions[0];

  (void) is_new;
  for (size_t i = 0; asked != NULL && i < sizeof old_revisions / sizeof *old_revisions; i++)
    if (strcmp (asked, old_revisions[i]) == 0)
      revision = old_revisions[i];
  send_result (id,
               json_pack ("{s:s, s:{s:{}}, s:{s:s, s:s}}", "protocolVersion", revision,
                          "capabilities", "tools", "serverInfo", "name", "outcall", "version",
                          PACKAGE_VERSION),
               false);
}

static void
on_discover (json_t *id, json_t *params, bool is_new)
{
  (void) params;
  send_lasting (id,
                json_pack ("{s:[s], s:{s:{}}}", "supportedVersions", NEW_REVISION, "capabilities",
                           "tools"),
                is_new);
}

static void
on_ping (json_t *id, json_t *params, bool is_new)
{
  (void) params;
  send_result (id, json_object (), is_new);
}

static void
on_list (json_t *id, json_t *params, bool is_new)
{
  (void) params;
  send_lasting (id, json_pack ("{s:o}", "tools", agent_mcp_list_tools ()), is_new);
}

static void
on_call (json_t *id, json_t *params, bool is_new)
{
  const char *name = json_string_value (json_object_get (params, "name"));
  json_t *arguments = json_object_get (params, "arguments");
  json_t *owned = arguments != NULL ? json_incref (arguments) : json_object ();

  if (name == NULL || !agent_mcp_has_tool (name) || !json_is_object (owned))
    send_error (id, ERROR_PARAMS, "there is no such tool", NULL);
  else if (!agent_mcp_tool_waits (name, owned))
    send_result (id, agent_mcp_call_tool (name, owned), is_new);
  else if (!call_in_child (id, name, owned, is_new))
    send_error (id, ERROR_REQUEST, "too many calls wait already", NULL);
  json_decref (owned);
}

static const struct
{
  const char *name;
  bool in_old, in_new;
  void (*run) (json_t *id, json_t *params, bool is_new);
} methods[] = {
  { "initialize", true, false, on_initialize },
  { "ping", true, false, on_ping },
  { "server/discover", false, true, on_discover },
  { "tools/call", true, true, on_call },
  { "tools/list", true, true, on_list },
};

/* --- Messages ------------------------------------------------------------------------------------ */

/* Returns: false after the answer. */
static bool
check_revision (json_t *id, json_t *params, bool *out_is_new)
{
  json_t *revision = json_object_get (json_object_get (params, "_meta"), META_REVISION);

  *out_is_new = revision != NULL;
  if (revision == NULL
      || (json_is_string (revision) && strcmp (json_string_value (revision), NEW_REVISION) == 0))
    return true;
  send_error (id, ERROR_REVISION, "this revision is not supported",
              json_pack ("{s:[s], s:O}", "supported", NEW_REVISION, "requested", revision));
  return false;
}

static void
handle_request (json_t *id, const char *method, json_t *params)
{
  bool is_new;

  if (params != NULL && !json_is_object (params))
    {
      send_error (id, ERROR_PARAMS, "params must be an object", NULL);
      return;
    }
  if (!check_revision (id, params, &is_new))
    return;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (strcmp (method, methods[i].name) == 0 && (is_new ? methods[i].in_new : methods[i].in_old))
      {
        methods[i].run (id, params, is_new);
        return;
      }
  send_error (id, ERROR_METHOD, "there is no such method", NULL);
}

static void
handle_message (const char *line, size_t len)
{
  json_t *message = json_loadb (line, len, JSON_REJECT_DUPLICATES, NULL);
  const char *version = json_string_value (json_object_get (message, "jsonrpc"));
  const char *method = json_string_value (json_object_get (message, "method"));
  json_t *id = json_object_get (message, "id");
  json_t *params = json_object_get (message, "params");

  if (message == NULL)
    send_error (NULL, ERROR_PARSE, "this is not JSON", NULL);
  else if (version == NULL || strcmp (version, "2.0") != 0
           || (id != NULL && !json_is_string (id) && !json_is_integer (id)))
    send_error (NULL, ERROR_REQUEST, "this is not a JSON-RPC 2.0 message", NULL);
  else if (method == NULL)
    ; /* an answer, though we ask nothing */
  else if (id != NULL)
    handle_request (id, method, params);
  else if (strcmp (method, "notifications/cancelled") == 0)
    cancel (params);
  json_decref (message);
}

static void
on_signal (int sig)
{
  (void) sig;
  _exit (AGENT_EXIT_OK);
}

/* A line that is too long is read to its end and refused as a whole. */
static void
serve (void)
{
  char *line = malloc (LINE_MAX_BYTES);
  size_t len = 0;
  bool too_long = false;
  int c;

  while (line != NULL && (c = getc (stdin)) != EOF)
    {
      if (c != '\n' && len < LINE_MAX_BYTES)
        line[len++] = (char) c;
      else if (c != '\n')
        too_long = true;
      if (c != '\n')
        continue;
      if (too_long)
        send_error (NULL, ERROR_REQUEST, "the message is too long", NULL);
      else if (len > 0)
        handle_message (line, len);
      len = 0;
      too_long = false;
      reap_waiters ();
    }
  free (line);
}

int
agent_cmd_mcp (int argc, char **argv)
{
  (void) argv;
  if (argc != 1)
    {
      agent_complain (_("usage: outcall-agent %s"), "mcp");
      return AGENT_EXIT_USAGE;
    }
  (void) signal (SIGPIPE, SIG_IGN);
  (void) signal (SIGTERM, on_signal);
  serve ();
  for (int i = 0; i < WAITERS_MAX; i++)
    if (waiters[i].pid != 0)
      (void) kill (waiters[i].pid, SIGKILL);
  return AGENT_EXIT_OK;
}
