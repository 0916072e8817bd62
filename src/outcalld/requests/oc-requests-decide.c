/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * An approval, step by step, and what is left when the machine stops there:
 *
 *   1 the rule file is written        the request waits; the file goes at the start
 *   2 the rules are loaded            the same
 *   3 a line in the journal           it is approved
 *   4 the queue without it            the same
 *
 * A failure before 3 takes the steps back. So at any time either all of it
 * happened or none. An end in time goes the other way round: the file is removed,
 * the rules are loaded, the journal is told; at a start all of it is done again. The
 * rules compare the time themselves, too, so a disk that refuses to remove the file
 * prolongs nothing.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"
#include "common/oc-source.h"

#include <fcntl.h>
#include <string.h>

#define KEPT_TEXT_MAX 2048 /* bytes of a decided request's rules, for audit */
#define TIMER_MAX_S 60     /* the clock may be set in between */
#define RETRY_S 5

/* --- Rule files ------------------------------------------------------------------------ */

/* Returns: -1 with @error set */
static int
open_rules_dir (OcRequests *requests, GError **error)
{
  const char *dir = oc_rules_get_dir (requests->rules);
  int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return fd >= 0 ? fd : oc_throw_errno_fd (error, "rules directory %s", dir);
}

gboolean
oc_requests_remove_file (OcRequests *requests, const char *id, GError **error)
{
  g_autofree char *name = oc_request_file_name (id);
  g_autofree char *unfinished = g_strdup_printf (".%s.new", name);
  g_autoptr (GError) local = NULL;
  oc_autofd int dir = open_rules_dir (requests, &local);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  if (dir >= 0 && oc_file_remove (dir, unfinished, &local) && oc_file_remove (dir, name, &local))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
write_rule_file (OcRequests *requests, const char *id, const char *text, GError **error)
{
  g_autofree char *name = oc_request_file_name (id);
  oc_autofd int dir = open_rules_dir (requests, error);

  return dir >= 0 && oc_file_replace (dir, name, text, strlen (text), 0600, error);
}

/* --- Common ------------------------------------------------------------------------------ */

OutcallRuleRequestEntry *
oc_requests_require_pending (OcRequests *requests, const char *id, GError **error)
{
  OutcallRuleRequestEntry *entry = g_hash_table_lookup (requests->by_id, id);

  if (entry == NULL)
    return oc_throw_code_null (error, G_IO_ERROR_NOT_FOUND, "there is no request '%s'", id);
  if (entry->status != OUTCALL_RULE_REQUEST_STATUS_PENDING)
    return oc_throw_code_null (error, G_IO_ERROR_EXISTS, "the request '%s' is %s already", id,
                               outcall_rule_request_status_to_string (entry->status));
  return entry;
}

static gboolean
is_running (const OutcallRuleRequestEntry *entry)
{
  return entry->status == OUTCALL_RULE_REQUEST_STATUS_APPROVED && entry->expires_at_us != 0
         && !entry->ended;
}

void
oc_requests_trim (OcRequests *requests)
{
  GList *next;

  for (GList *l = requests->decided.head;
       l != NULL && requests->decided.length > OC_REQUESTS_DECIDED_MAX; l = next)
    {
      OutcallRuleRequestEntry *entry = l->data;

      next = l->next;
      if (is_running (entry))
        continue;
      g_queue_delete_link (&requests->decided, l);
      g_hash_table_remove (requests->by_id, entry->id);
    }
}

static OutcallRuleRequestEntry *
copy_decided (const OutcallRuleRequestEntry *entry, OutcallRuleRequestStatus status, uid_t uid)
{
  OutcallRuleRequestEntry *copy = outcall_rule_request_entry_copy (entry);

  copy->status = status;
  copy->decided_at_us = g_get_real_time ();
  copy->has_decided_by = true;
  copy->decided_by = uid;
  if (copy->rule_file != NULL && strlen (copy->rule_file) > KEPT_TEXT_MAX)
    g_clear_pointer (&copy->rule_file, g_free);
  return copy;
}

/* The journal has @decided (transfer full): it takes the place of @entry. */
static void
settle (OcRequests *requests, OutcallRuleRequestEntry *entry, OutcallRuleRequestEntry *decided)
{
  g_autoptr (GError) error = NULL;

  oc_request_links_remove (requests->links, entry);
  g_queue_remove (&requests->pending, entry);
  g_hash_table_remove (requests->by_id, entry->id);
  g_hash_table_insert (requests->by_id, decided->id, decided);
  g_queue_push_tail (&requests->decided, decided);
  oc_requests_trim (requests);
  /* The journal's word counts, so the queue may be behind. */
  if (!oc_requests_state_save_queue (requests, &error))
    g_warning ("queue of rule requests: %s", error->message);
  oc_requests_tell (requests, decided);
}

/* --- Approving ------------------------------------------------------------------------------ */

/* The file goes; where it cannot, the next start tries again. */
static void
take_back (OcRequests *requests, const char *id)
{
  g_autoptr (GError) error = NULL;

  if (!oc_requests_remove_file (requests, id, &error))
    g_warning ("the rule file of an approval that failed: %s", error->message);
}

static gboolean
bring_into_force (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                  OutcallRuleRequestEntry *decided, const char *text, const char *digest,
                  GError **error)
{
  g_autoptr (OcPolicy) before = oc_policy_ref (oc_rules_get_policy (requests->rules));

  if (!write_rule_file (requests, entry->id, text, error)
      || !oc_rules_reload_expecting (requests->rules, digest, NULL, error))
    {
      take_back (requests, entry->id);
      return FALSE;
    }
  if (oc_requests_state_append (requests, decided, error))
    return TRUE;
  /* The rules as they were, even if the directory does not load any more. */
  oc_rules_put_back (requests->rules, before);
  take_back (requests, entry->id);
  return FALSE;
}

gboolean
oc_requests_approve (OcRequests *requests, const char *id,
                     const OutcallRuleRequestApproval *approval, uid_t uid, GError **error)
{
  OutcallRuleRequestEntry *entry = oc_requests_require_pending (requests, id, error);
  gint64 expires_at_us = approval->expires_at_us;
  gint64 left_us = expires_at_us - g_get_real_time ();
  g_autoptr (OutcallRuleRequestEntry) decided = NULL;
  g_autofree char *text = NULL;

  if (entry == NULL)
    return FALSE;
  if (expires_at_us != 0
      && (left_us <= 0 || left_us / G_USEC_PER_SEC > OC_REQUEST_DURATION_MAX_S))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "expires_at must be in the future, within %d days",
                          OC_REQUEST_DURATION_MAX_S / 86400);
  text = oc_request_make_file (requests, entry, approval->any_agent, expires_at_us, error);
  if (text == NULL)
    return FALSE;
  decided = copy_decided (entry, OUTCALL_RULE_REQUEST_STATUS_APPROVED, uid);
  decided->expires_at_us = expires_at_us;
  decided->any_agent = approval->any_agent;
  decided->file = oc_request_file_name (id);
  if (!bring_into_force (requests, entry, decided, text, approval->digest, error))
    return FALSE;
  settle (requests, entry, g_steal_pointer (&decided));
  oc_requests_end_expired (requests, TRUE);
  return TRUE;
}

gboolean
oc_requests_reject (OcRequests *requests, const char *id, const char *reason, uid_t uid,
                    GError **error)
{
  OutcallRuleRequestEntry *entry = oc_requests_require_pending (requests, id, error);
  g_autoptr (OutcallRuleRequestEntry) decided = NULL;

  if (entry == NULL
      || (reason != NULL && !oc_request_check_prose ("reason", reason, error)))
    return FALSE;
  decided = copy_decided (entry, OUTCALL_RULE_REQUEST_STATUS_REJECTED, uid);
  decided->answer = g_strdup (reason);
  if (!oc_requests_state_append (requests, decided, error))
    return FALSE;
  settle (requests, entry, g_steal_pointer (&decided));
  return TRUE;
}

/* --- Ending ---------------------------------------------------------------------------------- */

/* Returns: FALSE when it must be tried again. */
static gboolean
end_one (OcRequests *requests, OutcallRuleRequestEntry *entry)
{
  g_autoptr (GError) error = NULL;

  entry->ended = true;
  if (oc_requests_remove_file (requests, entry->id, &error)
      && oc_requests_state_append (requests, entry, &error))
    {
      g_message ("the approval of rule request %s is over", entry->id);
      return TRUE;
    }
  entry->ended = false;
  g_warning ("the approval of rule request %s is over, but: %s", entry->id, error->message);
  return FALSE;
}

static gboolean
on_timer (gpointer user_data)
{
  oc_requests_end_expired (user_data, TRUE);
  return G_SOURCE_REMOVE;
}

static void
wait_for (OcRequests *requests, gint64 wait_us)
{
  oc_source_clear (&requests->timer);
  if (wait_us == G_MAXINT64)
    return;
  wait_us = MIN (wait_us, TIMER_MAX_S * G_USEC_PER_SEC);
  requests->timer = g_timeout_source_new ((guint) (wait_us / 1000) + 1);
  g_source_set_static_name (requests->timer, "approvals that end");
  g_source_set_callback (requests->timer, on_timer, requests, NULL);
  g_source_attach (requests->timer, g_main_context_get_thread_default ());
}

/* Grants and tunnels of the ended rules end with the reload, and without it, too. */
static void
reload (OcRequests *requests)
{
  g_autoptr (GError) error = NULL;

  if (oc_rules_reload (requests->rules, NULL, &error))
    return;
  g_warning ("the rules cannot be loaded: %s", error->message);
  oc_rules_rejudge (requests->rules);
}

void
oc_requests_end_expired (OcRequests *requests, gboolean reload_rules)
{
  g_autoptr (GPtrArray) ended = g_ptr_array_new ();
  gint64 now_us = g_get_real_time ();
  gint64 wait_us = G_MAXINT64;
  gboolean any = FALSE;

  for (GList *l = requests->decided.head; l != NULL; l = l->next)
    {
      OutcallRuleRequestEntry *entry = l->data;

      if (!is_running (entry))
        continue;
      if (entry->expires_at_us > now_us)
        {
          wait_us = MIN (wait_us, entry->expires_at_us - now_us);
          continue;
        }
      any = TRUE;
      if (end_one (requests, entry))
        g_ptr_array_add (ended, entry);
      else
        wait_us = MIN (wait_us, RETRY_S * G_USEC_PER_SEC);
    }
  wait_for (requests, wait_us);
  if (any && reload_rules)
    reload (requests);
  for (guint i = 0; i < ended->len; i++)
    oc_requests_tell (requests, ended->pdata[i]);
}
