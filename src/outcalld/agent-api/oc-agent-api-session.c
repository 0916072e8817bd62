/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-api/oc-agent-api-private.h"

#include "common/oc-error.h"

#include <string.h>
#include <sys/random.h>

/* The moments of the last @rate.max times, a ring; 0: free. */
typedef struct
{
  OcAgentRate rate;
  guint next; /* place of the oldest */
  gint64 *times;
} Window;

struct OcAgentSession
{
  char *token;
  gint64 created_us;
  Window windows[OC_AGENT_N_COUNTED];
};

struct OcAgentSessions
{
  OcAgentRate rates[OC_AGENT_N_COUNTED];
  GHashTable *by_id; /* workload id → OcAgentSession */
};

static void
set_windows (OcAgentSession *session, const OcAgentRate *rates)
{
  for (guint i = 0; i < OC_AGENT_N_COUNTED; i++)
    {
      g_free (session->windows[i].times);
      session->windows[i] = (Window) { .rate = rates[i], .times = g_new0 (gint64, rates[i].max) };
    }
}

static void
session_free (gpointer data)
{
  OcAgentSession *session = data;

  explicit_bzero (session->token, strlen (session->token));
  g_free (session->token);
  for (guint i = 0; i < OC_AGENT_N_COUNTED; i++)
    g_free (session->windows[i].times);
  g_free (session);
}

OcAgentSessions *
oc_agent_sessions_new (const OcAgentRate rates[OC_AGENT_N_COUNTED])
{
  OcAgentSessions *sessions = g_new0 (OcAgentSessions, 1);

  memcpy (sessions->rates, rates, sizeof sessions->rates);
  sessions->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, session_free);
  return sessions;
}

void
oc_agent_sessions_set_rates (OcAgentSessions *sessions,
                             const OcAgentRate rates[OC_AGENT_N_COUNTED])
{
  GHashTableIter iter;
  gpointer session;

  memcpy (sessions->rates, rates, sizeof sessions->rates);
  g_hash_table_iter_init (&iter, sessions->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    set_windows (session, rates);
}

void
oc_agent_sessions_free (OcAgentSessions *sessions)
{
  if (sessions == NULL)
    return;
  g_hash_table_unref (sessions->by_id);
  g_free (sessions);
}

static char *
make_token (GError **error)
{
  guint8 bytes[OC_AGENT_TOKEN_BYTES];
  char *token;

  if (getrandom (bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
    return oc_throw_errno_null (error, "random bytes");
  token = g_base64_encode (bytes, sizeof bytes);
  explicit_bzero (bytes, sizeof bytes);
  g_strdelimit (token, "+", '-');
  g_strdelimit (token, "/", '_');
  *strchrnul (token, '=') = '\0';
  return token;
}

OcAgentSession *
oc_agent_sessions_ensure (OcAgentSessions *sessions, const char *id, GError **error)
{
  OcAgentSession *session = oc_agent_sessions_lookup (sessions, id);
  char *token;

  if (session != NULL)
    return session;
  token = make_token (error);
  if (token == NULL)
    return NULL;
  session = g_new0 (OcAgentSession, 1);
  session->token = token;
  session->created_us = g_get_monotonic_time ();
  set_windows (session, sessions->rates);
  g_hash_table_insert (sessions->by_id, g_strdup (id), session);
  return session;
}

OcAgentSession *
oc_agent_sessions_lookup (OcAgentSessions *sessions, const char *id)
{
  return g_hash_table_lookup (sessions->by_id, id);
}

void
oc_agent_sessions_forget (OcAgentSessions *sessions, const char *id)
{
  g_hash_table_remove (sessions->by_id, id);
}

const char *
oc_agent_session_get_token (OcAgentSession *session)
{
  return session->token;
}

gboolean
oc_agent_session_is_token (OcAgentSession *session, const char *token)
{
  gsize len = strlen (session->token);
  guint8 difference = 0;

  if (strlen (token) != len) /* the length is no secret */
    return FALSE;
  for (gsize i = 0; i < len; i++)
    difference |= (guint8) (session->token[i] ^ token[i]);
  return difference == 0;
}

gint64
oc_agent_session_get_age_s (OcAgentSession *session)
{
  return (g_get_monotonic_time () - session->created_us) / G_USEC_PER_SEC;
}

guint
oc_agent_session_count (OcAgentSession *session, OcAgentCounted what, gint64 now_us)
{
  Window *window = &session->windows[what];
  gint64 window_us = (gint64) window->rate.window_s * G_USEC_PER_SEC;
  gint64 oldest;

  if (window->rate.max == 0)
    return 0;
  oldest = window->times[window->next];
  if (oldest != 0 && now_us - oldest < window_us)
    {
      gint64 left_us = oldest + window_us - now_us;

      return (guint) ((left_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
    }
  window->times[window->next] = now_us;
  window->next = (window->next + 1) % window->rate.max;
  return 0;
}

gboolean
oc_agent_session_admit (OcAgentSession *session, OcAgentCounted what, OcApiRequest *request)
{
  static const char *const names[] = { [OC_AGENT_CHECK] = "checks",
                                       [OC_AGENT_RULE_REQUEST] = "rule requests" };
  guint wait_s = oc_agent_session_count (session, what, g_get_monotonic_time ());

  if (wait_s == 0)
    return TRUE;
  oc_api_request_set_retry_after (request, wait_s);
  oc_api_request_fail (request, 429, NULL, "too many %s: the next one in %u s", names[what],
                       wait_s);
  return FALSE;
}
