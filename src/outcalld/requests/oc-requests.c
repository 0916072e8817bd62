/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-host.h"
#include "common/oc-source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

typedef struct
{
  OcRequestsFunc func;
  gpointer user_data;
} Listener;

/* --- Life ------------------------------------------------------------------------- */

static void
free_entry (gpointer entry)
{
  outcall_rule_request_entry_free (entry);
}

/* (transfer full) (nullable): the rules of @entry when it has a rule file that loads */
static OcPolicy *
load_own_rules (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                GPtrArray *diagnostics, GError **error)
{
  const OcPolicySource source
      = { "request.yaml", entry->rule_file, strlen (entry->rule_file) };

  return oc_rules_lint_foreign (requests->rules, &source, OC_REQUEST_RULES_MAX, diagnostics, error);
}

/* An approval that did not get as far as the journal never was: its rule file goes. */
static gboolean
recover (OcRequests *requests, GError **error)
{
  for (GList *l = requests->pending.head; l != NULL; l = l->next)
    {
      const OutcallRuleRequestEntry *entry = l->data;
      g_autoptr (OcPolicy) policy = NULL;

      if (!oc_requests_remove_file (requests, entry->id, error))
        return FALSE;
      if (entry->rule_file != NULL)
        policy = load_own_rules (requests, entry, NULL, NULL);
      oc_request_links_add (requests->links, entry, policy);
    }
  oc_requests_end_expired (requests, FALSE);
  return TRUE;
}

OcRequests *
oc_requests_new (const char *state_dir, OcRules *rules, OcLog *log, GError **error)
{
  OcRequests *requests = g_new0 (OcRequests, 1);

  requests->rules = rules;
  requests->log = log;
  requests->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_entry);
  requests->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  requests->links = oc_request_links_new (log);
  requests->state_fd = open (state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (requests->state_fd < 0)
    oc_throw_errno (error, "state folder %s", state_dir);
  else if (oc_requests_state_load (requests, error) && recover (requests, error))
    return requests;
  oc_requests_free (requests);
  return NULL;
}

void
oc_requests_free (OcRequests *requests)
{
  if (requests == NULL)
    return;
  oc_source_clear (&requests->timer);
  oc_request_links_free (requests->links);
  g_queue_clear (&requests->pending);
  g_queue_clear (&requests->decided);
  g_hash_table_unref (requests->by_id);
  g_array_unref (requests->listeners);
  oc_fd_clear (&requests->state_fd);
  g_free (requests);
}

/* --- Looking ------------------------------------------------------------------------ */

const OutcallRuleRequestEntry *
oc_requests_lookup (OcRequests *requests, const char *id)
{
  return g_hash_table_lookup (requests->by_id, id);
}

GPtrArray *
oc_requests_list (OcRequests *requests, gboolean decided, guint limit)
{
  const GQueue *queue = decided ? &requests->decided : &requests->pending;
  guint skip = limit != 0 && queue->length > limit ? queue->length - limit : 0;
  GPtrArray *list = g_ptr_array_sized_new (queue->length - skip);

  for (GList *l = g_queue_peek_nth_link ((GQueue *) queue, skip); l != NULL; l = l->next)
    g_ptr_array_add (list, l->data);
  return list;
}

guint
oc_requests_count_pending (OcRequests *requests)
{
  return requests->pending.length;
}

void
oc_requests_add_listener (OcRequests *requests, OcRequestsFunc func, gpointer user_data)
{
  const Listener listener = { func, user_data };

  g_array_append_val (requests->listeners, listener);
}

void
oc_requests_remove_listener (OcRequests *requests, gpointer user_data)
{
  for (guint i = requests->listeners->len; i > 0; i--)
    if (g_array_index (requests->listeners, Listener, i - 1).user_data == user_data)
      g_array_remove_index (requests->listeners, i - 1);
}

void
oc_requests_tell (OcRequests *requests, const OutcallRuleRequestEntry *entry)
{
  for (guint i = 0; i < requests->listeners->len; i++)
    {
      const Listener *listener = &g_array_index (requests->listeners, Listener, i);

      listener->func (entry, listener->user_data);
    }
}

static char *
make_response_reason (const OutcallRuleRequestEntry *entry)
{
  g_autoptr (GDateTime) end = NULL;
  g_autofree char *text = NULL;

  if (entry->status == OUTCALL_RULE_REQUEST_STATUS_REJECTED)
    return g_strdup (entry->answer);
  if (entry->status != OUTCALL_RULE_REQUEST_STATUS_APPROVED || entry->expires_at_us == 0)
    return NULL;
  end = g_date_time_new_from_unix_utc (entry->expires_at_us / G_USEC_PER_SEC);
  text = g_date_time_format (end, "%Y-%m-%dT%H:%M:%SZ");
  return g_strconcat (entry->ended ? "ended at " : "until ", text, NULL);
}

JsonNode *
oc_request_to_response (const OutcallRuleRequestEntry *entry)
{
  g_autofree char *reason = make_response_reason (entry);
  const OutcallRuleRequestResponse response
      = { .id = entry->id, .status = entry->status, .reason = reason };

  return outcall_rule_request_response_to_json (&response);
}

/* --- Asking --------------------------------------------------------------------------- */

char *
oc_request_make_id (GError **error)
{
  guint64 id;

  if (getrandom (&id, sizeof id, 0) != (ssize_t) sizeof id)
    return oc_throw_errno_null (error, "random bytes");
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x", id);
}

static gboolean
check_room (OcRequests *requests, const OcIdentity *who, GError **error)
{
  guint own = 0;

  for (GList *l = requests->pending.head; l != NULL; l = l->next)
    own += g_str_equal (((OutcallRuleRequestEntry *) l->data)->workload_id, who->id);
  if (own >= OC_REQUESTS_PER_WORKLOAD_MAX)
    return oc_throw_code (error, G_IO_ERROR_WOULD_BLOCK,
                          "%u requests wait already; ask again when some are decided", own);
  if (requests->pending.length >= OC_REQUESTS_MAX)
    return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "too many requests wait");
  return TRUE;
}

gboolean
oc_request_check_name (const char *name, GError **error)
{
  static const char allowed[]
      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

  if (*name != '\0' && name[strspn (name, allowed)] == '\0')
    return TRUE;
  return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                        "the workload's name cannot stand in a rule");
}

/* Names go into rules as they are. */
static gboolean
check_names (const OcIdentity *who, GError **error)
{
  return oc_request_check_name (who->agent_name, error)
         && oc_request_check_name (who->name, error);
}

char *
oc_request_canonical_host (const char *text, GError **error)
{
  gboolean below = g_str_has_prefix (text, "*.");
  OcHost host;
  OcHostError result = oc_host_parse (oc_str_from (below ? text + 2 : text), &host);

  if (result != OC_HOST_OK)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_DATA, "host: %s",
                               oc_host_error_text (result));
  if (below && host.address.family != 0)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_DATA,
                               "host: an address has no names below it");
  if (host.address.family == 6)
    return g_strdup_printf ("[%s]", host.name);
  return g_strconcat (below ? "*." : "", host.name, NULL);
}

static gboolean
take_rule_file (OcRequests *requests, const char *text, OutcallRuleRequestEntry *entry,
                GPtrArray *diagnostics, OcPolicy **out_policy, GError **error)
{
  const OcPolicySource source = { "request.yaml", text, strlen (text) };
  g_autoptr (OcPolicy) policy = oc_rules_lint_foreign (requests->rules, &source, OC_REQUEST_RULES_MAX,
                                                        diagnostics, error);

  if (policy == NULL)
    return FALSE;
  if (oc_policy_get_n_rules (policy) == 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_DATA, "a request has 1 to %d rules, not none",
                          OC_REQUEST_RULES_MAX);
  entry->rule_file = oc_request_write_rules (policy);
  if (strlen (entry->rule_file) > OC_REQUEST_TEXT_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_DATA,
                          "the rules are longer than %d bytes with their definitions put in",
                          OC_REQUEST_TEXT_MAX);
  *out_policy = g_steal_pointer (&policy);
  return TRUE;
}

/* Either form, and nothing of both. */
static gboolean
take_submission (OcRequests *requests, const OutcallRuleSubmission *what,
                 OutcallRuleRequestEntry *entry, GPtrArray *diagnostics, OcPolicy **out_policy,
                 GError **error)
{
  if ((what->rule_file != NULL) == (what->host != NULL)
      || (what->rule_file != NULL && what->port != 0))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "a request has either a rule_file, or a host and perhaps a port");
  if (what->reason != NULL && !oc_request_check_prose ("reason", what->reason, error))
    return FALSE;
  entry->reason = g_strdup (what->reason);
  entry->port = what->port;
  if (what->rule_file != NULL)
    return take_rule_file (requests, what->rule_file, entry, diagnostics, out_policy, error);
  entry->host = oc_request_canonical_host (what->host, error);
  return entry->host != NULL;
}

/* What an approval would write must load, so that it does not fail in front of the
 * operator. The time makes it as long as it gets. */
static gboolean
check_approvable (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                  GPtrArray *diagnostics, GError **error)
{
  g_autofree char *text = oc_request_make_file (requests, entry, FALSE,
                                                entry->asked_at_us + G_USEC_PER_SEC, error);
  OcPolicySource source = { "request.yaml", text, 0 };
  g_autoptr (OcPolicy) policy = NULL;

  if (text == NULL)
    return FALSE;
  source.len = strlen (text);
  policy = oc_rules_lint_foreign (requests->rules, &source, OC_REQUEST_RULES_MAX, diagnostics,
                                  error);
  return policy != NULL;
}

static OutcallRuleRequestEntry *
make_entry (OcRequests *requests, const OcIdentity *who, const OutcallRuleSubmission *what,
            GPtrArray *diagnostics, GError **error)
{
  g_autoptr (OutcallRuleRequestEntry) entry = outcall_rule_request_entry_new ();
  g_autoptr (OcPolicy) policy = NULL;

  entry->id = oc_request_make_id (error);
  if (entry->id == NULL)
    return NULL;
  entry->status = OUTCALL_RULE_REQUEST_STATUS_PENDING;
  entry->workload = g_strdup (who->name);
  entry->workload_id = g_strdup (who->id);
  entry->agent = g_strdup (who->agent_name);
  entry->asked_at_us = g_get_real_time ();
  if (!take_submission (requests, what, entry, diagnostics, &policy, error)
      || !check_approvable (requests, entry, policy != NULL ? NULL : diagnostics, error))
    return NULL;
  oc_request_links_find (requests->links, entry, policy);
  oc_request_links_add (requests->links, entry, policy);
  return g_steal_pointer (&entry);
}

const OutcallRuleRequestEntry *
oc_requests_submit (OcRequests *requests, const OcIdentity *who, const OutcallRuleSubmission *what,
                    GPtrArray *diagnostics, GError **error)
{
  OutcallRuleRequestEntry *entry;

  if (!check_room (requests, who, error) || !check_names (who, error))
    return NULL;
  entry = make_entry (requests, who, what, diagnostics, error);
  if (entry == NULL)
    return NULL;
  g_queue_push_tail (&requests->pending, entry);
  g_hash_table_insert (requests->by_id, entry->id, entry);
  if (!oc_requests_state_save_queue (requests, error))
    {
      oc_request_links_remove (requests->links, entry);
      g_queue_pop_tail (&requests->pending);
      g_hash_table_remove (requests->by_id, entry->id);
      return NULL;
    }
  oc_requests_tell (requests, entry);
  return entry;
}
