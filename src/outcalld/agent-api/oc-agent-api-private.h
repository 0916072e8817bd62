/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Who calls, what it may ask how often, and what its question is to the policy. */

#include "agent-api/oc-agent-api.h"

#include "api-server/oc-api-server.h"
#include "common/oc-host.h"
#include "outcall-api/outcall-api.h"

typedef struct OcAgentSessions OcAgentSessions;
typedef struct OcAgentSession OcAgentSession;
typedef struct OcAgentWaiters OcAgentWaiters;

struct OcAgentApi
{
  OcApiServer *server;
  OcWorkloads *workloads;
  OcRules *rules;
  OcRequests *requests;
  OcLog *log;
  OcLogProducer *producer;
  OcAgentSessions *sessions;
  OcAgentWaiters *waiters;
  gint64 timeout_us; /* of one evaluation */
  char *link_path;
};

/* --- oc-agent-api.c ------------------------------------------------------------ */

/* The caller's session, when its token is right. Returns: NULL after the answer. */
OcAgentSession *oc_agent_require_session (OcAgentApi *api, OcApiRequest *request,
                                          OcWorkload **out_workload);

/* --- oc-agent-api-identity.c ------------------------------------------------- */

/* The workload whose network namespace the peer is in, or NULL. */
OcWorkload *oc_agent_identify (OcWorkloads *workloads, const OcApiPeer *peer);
/* The inode of that namespace; 0: not known. */
guint64 oc_agent_read_netns (const OcApiPeer *peer);

/* --- oc-agent-api-session.c ---------------------------------------------------- */

#define OC_AGENT_TOKEN_BYTES 32

/* What a workload may do only so often. */
typedef enum
{
  OC_AGENT_CHECK,
  OC_AGENT_RULE_REQUEST,
  OC_AGENT_N_COUNTED,
} OcAgentCounted;

OcAgentSessions *oc_agent_sessions_new (const OcAgentRate rates[OC_AGENT_N_COUNTED]);
void oc_agent_sessions_free (OcAgentSessions *sessions);
void oc_agent_sessions_set_rates (OcAgentSessions *sessions,
                                  const OcAgentRate rates[OC_AGENT_N_COUNTED]);
/* The one session of the workload @id; it is made when there is none. NULL with
 * @error when the kernel has no random bytes. */
OcAgentSession *oc_agent_sessions_ensure (OcAgentSessions *sessions, const char *id,
                                          GError **error);
OcAgentSession *oc_agent_sessions_lookup (OcAgentSessions *sessions, const char *id);
void oc_agent_sessions_forget (OcAgentSessions *sessions, const char *id);
/* base64url, 43 characters. A secret: never logged. */
const char *oc_agent_session_get_token (OcAgentSession *session);
/* In a time that does not depend on where they differ. */
gboolean oc_agent_session_is_token (OcAgentSession *session, const char *token);
gint64 oc_agent_session_get_age_s (OcAgentSession *session);
/* Counts one at @now_us (monotonic).
 * Returns: 0, or after how many seconds (at least 1) the next one fits. */
guint oc_agent_session_count (OcAgentSession *session, OcAgentCounted what, gint64 now_us);
/* The same for @request: FALSE after a 429. */
gboolean oc_agent_session_admit (OcAgentSession *session, OcAgentCounted what,
                                 OcApiRequest *request);

/* --- oc-agent-api-requests.c ------------------------------------------------------ */

#define OC_AGENT_WAIT_MAX_S 300

void oc_agent_post_request (OcApiRequest *request, gpointer user_data);
void oc_agent_get_request (OcApiRequest *request, gpointer user_data);
OcAgentWaiters *oc_agent_waiters_new (OcAgentApi *api);
/* Those that still wait are told the state as it is; before the server ends. */
void oc_agent_waiters_free (OcAgentWaiters *waiters);

/* --- oc-agent-api-question.c ----------------------------------------------------- */

#define OC_AGENT_PAIRS_MAX 256
/* More could use up the steps that a condition has, which then would not match. */
#define OC_AGENT_WORDS_MAX 4096

/* A permission check as the policy sees it; owns what the context borrows. */
typedef struct
{
  OcPolicyContext context;
  OcHost host;
  char path[2048];
  GArray *args, *flags; /* (nullable): of OcStr */
  OcPair pairs[OC_AGENT_PAIRS_MAX];
  GPtrArray *owned; /* strings made for the context */
} OcAgentQuestion;

/* G_IO_ERROR_INVALID_ARGUMENT for a target that cannot be what it says to be. */
gboolean oc_agent_question_init (OcAgentQuestion *question, const OutcallPermissionCheck *check,
                                 const OcIdentity *identity, GError **error);
void oc_agent_question_clear (OcAgentQuestion *question);
