/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The shim inside workloads: asks the daemon over agent.sock. Strictly fail
 * closed: what is not a whole, well-formed answer is never "allowed". libc and
 * jansson only; one thread.
 */

#include <jansson.h>
#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>

#define _(text) gettext (text)
#define N_(text) text

#define AGENT_EXIT_OK 0
#define AGENT_EXIT_FAILED 1
#define AGENT_EXIT_USAGE 2
#define AGENT_EXIT_DENIED 3
/* AGENT_EXIT_UNREACHABLE is OUTCALL_UNREACHABLE_EXIT_CODE, 5 */

/* Of a token: 256 bits in base64url. */
#define AGENT_TOKEN_LEN 43

typedef struct Agent Agent;

typedef enum
{
  AGENT_ALLOWED,
  AGENT_DENIED,
  AGENT_UNREACHABLE, /* said on stderr */
} AgentAnswer;

/* A verdict's own words; free with agent_verdict_clear(). */
typedef struct
{
  AgentAnswer answer;
  char *rule;   /* may be NULL */
  char *reason; /* may be NULL */
} AgentVerdict;

void agent_verdict_clear (AgentVerdict *verdict);

/* --- agent-client.c --------------------------------------------------------- */

/* Connects. A request may take OUTCALL_TIMEOUT_SECS or 30 s, at most @timeout_max_s unless 0.
 * Returns: NULL after one line on stderr. */
Agent *agent_connect (unsigned timeout_max_s);
void agent_free (Agent *agent);
/* GET @path. Returns: the envelope's data, or NULL after one line on stderr. Free
 * with json_decref(). */
json_t *agent_get (Agent *agent, const char *path);
/* Any call with an envelope for an answer. @body: borrowed, may be NULL. @wait_s: the daemon
 * may take so much longer. Returns: the envelope, whatever it says, with @out_status; NULL
 * after one line on stderr when there is none. */
json_t *agent_call (Agent *agent, const char *method, const char *path, json_t *body,
                    unsigned wait_s, unsigned *out_status);
/* Registers; needed before agent_check() and agent_heartbeat(). Returns: false
 * after one line on stderr. */
bool agent_checkin (Agent *agent);
/* @metadata: borrowed, may be NULL. The verdict is denied unless the daemon
 * said "allowed" in so many words. */
AgentVerdict agent_check (Agent *agent, const char *type, const char *target, json_t *metadata);
/* Returns: false, silently, when the daemon does not know us any more. */
bool agent_heartbeat (Agent *agent);
/* "outcall-agent: text" on stderr; the text is kept for agent_last_complaint(). */
void agent_complain (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* "" when there was none. Until the next complaint. */
const char *agent_last_complaint (void);

/* --- agent-request.c: rule requests ------------------------------------------ */

/* What became of a rule request. */
typedef enum
{
  AGENT_REQUEST_PENDING,
  AGENT_REQUEST_APPROVED,
  AGENT_REQUEST_REJECTED,
  AGENT_REQUEST_REFUSED,     /* the daemon does not take it: said on stderr */
  AGENT_REQUEST_UNREACHABLE, /* said on stderr */
} AgentRequestState;

typedef struct
{
  AgentRequestState state;
  char *id;     /* may be NULL */
  char *reason; /* may be NULL */
} AgentRequest;

void agent_request_clear (AgentRequest *request);
/* @what: {"host"…} or {"rule_file"…}: borrowed. @agent has checked in. */
AgentRequest agent_request_submit (Agent *agent, json_t *what);
/* How it stands, at latest after @wait_s seconds. */
AgentRequest agent_request_look (Agent *agent, const char *id, unsigned wait_s);
/* The word for JSON. */
const char *agent_request_state_name (AgentRequestState state);
bool agent_request_is_id (const char *text);

/* --- agent-check.c ------------------------------------------------------------ */

/* Prints one line. Returns: AGENT_EXIT_OK or AGENT_EXIT_FAILED */
int agent_print_json (json_t *value);
/* What the daemon takes this for, checked. NULL after one line on stderr. Free with
 * json_decref(). */
json_t *agent_fetch_whoami (void);
/* Takes @name out of the arguments. */
bool agent_take_flag (int *argc, char **argv, const char *name);

/* --- Commands: each gets its own arguments, [0] is its name ------------------- */

int agent_cmd_check (int argc, char **argv);
int agent_cmd_hook (int argc, char **argv);
int agent_cmd_mcp (int argc, char **argv);
int agent_cmd_request (int argc, char **argv);
int agent_cmd_run (int argc, char **argv);
int agent_cmd_sandbox_exec (int argc, char **argv);
int agent_cmd_status (int argc, char **argv);
int agent_cmd_whoami (int argc, char **argv);
