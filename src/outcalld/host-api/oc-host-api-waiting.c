/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Requests that wait for the engine. It takes its time, so the answers come later, or never
 * when the API has ended by then.
 */
#include "config.h"

#include "oc-host-api-private.h"

#define STOPPING "the daemon is stopping"

OcHostWaiting *
oc_host_waiting_new (OcHostApi *api, OcApiRequest *request, const char *action, const char *name)
{
  OcHostWaiting *waiting = g_new0 (OcHostWaiting, 1);
  const OcApiPeer *peer = oc_api_request_get_peer (request);

  waiting->api = api;
  waiting->request = request;
  waiting->uid = peer->uid;
  waiting->pid = peer->pid;
  waiting->action = action;
  waiting->name = g_strdup (name);
  g_hash_table_add (api->waiting, waiting);
  return waiting;
}

void
oc_host_waiting_free (OcHostWaiting *waiting)
{
  if (waiting->api != NULL)
    g_hash_table_remove (waiting->api->waiting, waiting);
  g_free (waiting->name);
  g_free (waiting->subnet);
  g_free (waiting);
}

void
oc_host_waiting_tell_log (const OcHostWaiting *waiting, const char *failure)
{
  const OcLogChange change
      = { waiting->uid, waiting->pid, waiting->action, waiting->name, failure };

  if (waiting->action != NULL)
    oc_log_change (waiting->api->s.log, &change);
}

gboolean
oc_host_waiting_note (OcHostWaiting *waiting, const GError *error)
{
  if (waiting->api == NULL)
    return FALSE;
  oc_host_waiting_tell_log (waiting, error != NULL ? error->message : NULL);
  if (waiting->request == NULL)
    return FALSE;
  if (error != NULL)
    oc_api_request_fail_error (waiting->request, error);
  return error == NULL;
}

void
oc_host_api_end_waiting (OcHostApi *api)
{
  GHashTableIter iter;
  OcHostWaiting *waiting;

  g_hash_table_iter_init (&iter, api->waiting);
  while (g_hash_table_iter_next (&iter, (gpointer *) &waiting, NULL))
    {
      /* What the engine has begun it may still finish; nobody will see that. */
      oc_host_waiting_tell_log (waiting, STOPPING);
      if (waiting->end_stream != NULL)
        waiting->end_stream (waiting, STOPPING);
      else
        oc_api_request_fail (g_steal_pointer (&waiting->request), 503, NULL, STOPPING);
      waiting->api = NULL;
    }
  g_hash_table_remove_all (api->waiting);
}
