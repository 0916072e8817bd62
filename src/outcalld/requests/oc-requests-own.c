/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * "Allow this host" of an operator goes the way of an approval: it is shown first, the
 * digest says that it is what was shown, it is on record, and it ends in time. The
 * request exists only from the approval on, so looking leaves nothing behind.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"

#include <string.h>

/* (transfer full) (nullable). @id: (nullable): a new one */
static OutcallRuleRequestEntry *
make_own (const OutcallAllowRequest *what, const char *id, GError **error)
{
  g_autoptr (OutcallRuleRequestEntry) entry = outcall_rule_request_entry_new ();

  if (!oc_request_check_name (what->agent, error))
    return NULL;
  entry->id = id != NULL ? g_strdup (id) : oc_request_make_id (error);
  entry->host = oc_request_canonical_host (what->host, error);
  if (entry->id == NULL || entry->host == NULL)
    return NULL;
  entry->own = true;
  entry->status = OUTCALL_RULE_REQUEST_STATUS_PENDING;
  entry->workload = g_strdup (what->agent);
  entry->workload_id = g_strdup ("");
  entry->agent = g_strdup (what->agent);
  entry->asked_at_us = g_get_real_time ();
  entry->port = what->port;
  return g_steal_pointer (&entry);
}

OutcallRuleRequestReview *
oc_requests_review_own (OcRequests *requests, const OutcallAllowRequest *what,
                        GPtrArray *diagnostics, GError **error)
{
  g_autoptr (OutcallRuleRequestEntry) entry = make_own (what, NULL, error);

  if (entry == NULL)
    return NULL;
  if (what->for_s > OC_REQUEST_DURATION_MAX_S)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "for_s must be at most %d", OC_REQUEST_DURATION_MAX_S);
  return oc_requests_review_entry (requests, entry, (gint64) what->for_s, what->any_agent,
                                   diagnostics, error);
}

/* It becomes part of a file's name. */
static gboolean
is_id (const char *id)
{
  return strlen (id) == OC_REQUEST_ID_LEN
         && strspn (id, "0123456789abcdef") == OC_REQUEST_ID_LEN;
}

static void
forget (OcRequests *requests, OutcallRuleRequestEntry *entry)
{
  g_autoptr (GError) error = NULL;

  g_queue_remove (&requests->pending, entry);
  g_hash_table_remove (requests->by_id, entry->id);
  if (!oc_requests_state_save_queue (requests, &error))
    g_warning ("queue of rule requests: %s", error->message);
}

/* In the queue first: what an approval that is cut off leaves behind is known by it. */
gboolean
oc_requests_approve_own (OcRequests *requests, const OutcallAllowRequest *what, uid_t uid,
                         GError **error)
{
  OutcallRuleRequestApproval approval = { what->digest, what->expires_at_us, what->any_agent };
  OutcallRuleRequestEntry *entry;

  if (what->id == NULL || what->digest == NULL || !is_id (what->id))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "id and digest must be those of a review");
  if (g_hash_table_contains (requests->by_id, what->id))
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "'%s' is decided already", what->id);
  if (requests->pending.length >= OC_REQUESTS_MAX)
    return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "too many requests wait");
  entry = make_own (what, what->id, error);
  if (entry == NULL)
    return FALSE;
  g_queue_push_tail (&requests->pending, entry);
  g_hash_table_insert (requests->by_id, entry->id, entry);
  if (oc_requests_state_save_queue (requests, error)
      && oc_requests_approve (requests, what->id, &approval, uid, error))
    return TRUE;
  forget (requests, entry);
  return FALSE;
}
