/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * rule-requests.json: { "version": 1, "requests": [ entry, … ] }, what waits.
 * rule-decisions.jsonl: one entry a line, what was decided; a later line about the
 * same request replaces an earlier one. A line that a crash cut short never was.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define QUEUE_FILE "rule-requests.json"
#define JOURNAL_FILE "rule-decisions.jsonl"
#define STATE_VERSION 1
#define QUEUE_MAX_BYTES (128 * 1024 * 1024)
#define JOURNAL_MAX_BYTES (256 * 1024 * 1024)

/* --- The queue -------------------------------------------------------------------- */

gboolean
oc_requests_state_save_queue (OcRequests *requests, GError **error)
{
  g_autoptr (GPtrArray) list = oc_requests_list (requests, FALSE, 0);
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *text = NULL;

  json_object_set_int_member (object, "version", STATE_VERSION);
  json_object_set_member (object, "requests", outcall_rule_request_entry_list_to_json (list));
  json_node_take_object (root, object);
  text = outcall_json_print (root);
  return oc_file_replace (requests->state_fd, QUEUE_FILE, text, strlen (text), 0600, error);
}

/* (element-type OutcallRuleRequestEntry) (transfer full) (nullable) */
static GPtrArray *
parse_queue (const char *text, gsize len, GError **error)
{
  g_autoptr (JsonNode) root = outcall_json_parse (text, len, error);
  JsonObject *object;

  if (root == NULL)
    return NULL;
  object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  if (object == NULL
      || json_object_get_int_member_with_default (object, "version", 0) != STATE_VERSION
      || !json_object_has_member (object, "requests"))
    return oc_throw_null (error, "it is not of this version");
  return outcall_rule_request_entry_list_from_json (json_object_get_member (object, "requests"),
                                                    error);
}

static gboolean
is_id (const char *id)
{
  return strlen (id) == OC_REQUEST_ID_LEN && strspn (id, "0123456789abcdef") == OC_REQUEST_ID_LEN;
}

static gboolean
load_queue (OcRequests *requests, GError **error)
{
  g_autoptr (GError) local = NULL;
  gsize len = 0;
  g_autofree char *text = oc_file_read (requests->state_fd, QUEUE_FILE, QUEUE_MAX_BYTES, &len,
                                        &local);
  g_autoptr (GPtrArray) list = NULL;

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  if (text != NULL)
    list = parse_queue (text, len, &local);
  if (list == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return oc_prefix (error, "%s", QUEUE_FILE);
    }
  for (guint i = 0; i < list->len; i++)
    {
      const OutcallRuleRequestEntry *entry = list->pdata[i];
      OutcallRuleRequestEntry *copy;

      if (!is_id (entry->id) || entry->status != OUTCALL_RULE_REQUEST_STATUS_PENDING)
        return oc_throw (error, "%s: request %u is malformed", QUEUE_FILE, i);
      /* The journal knows more: we ended between the two files. */
      if (g_hash_table_contains (requests->by_id, entry->id))
        continue;
      copy = outcall_rule_request_entry_copy (entry);
      g_hash_table_insert (requests->by_id, copy->id, copy);
      g_queue_push_tail (&requests->pending, copy);
    }
  return TRUE;
}

/* --- The journal --------------------------------------------------------------------- */

static void
append_entry (const OutcallRuleRequestEntry *entry, GString *out)
{
  g_autoptr (JsonNode) node = outcall_rule_request_entry_to_json (entry);
  g_autofree char *text = outcall_json_print (node);

  g_string_append (out, text);
  g_string_append_c (out, '\n');
}

/* All that is decided, each once. */
static gboolean
rewrite_journal (OcRequests *requests, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (GList *l = requests->decided.head; l != NULL; l = l->next)
    append_entry (l->data, text);
  if (!oc_file_replace (requests->state_fd, JOURNAL_FILE, text->str, text->len, 0600, error))
    return FALSE;
  requests->n_lines = requests->decided.length;
  return TRUE;
}

/* Where the line is not whole on disk, the old length comes back. */
static gboolean
write_line (OcRequests *requests, const char *line, gsize len, GError **error)
{
  oc_autofd int fd = openat (requests->state_fd, JOURNAL_FILE,
                             O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0)
    return oc_throw_errno (error, "open %s", JOURNAL_FILE);
  if (oc_file_write_all (fd, line, len) && fsync (fd) == 0
      && (st.st_size > 0 || fsync (requests->state_fd) == 0))
    return TRUE;
  oc_throw_errno (error, "write %s", JOURNAL_FILE);
  if (ftruncate (fd, st.st_size) < 0)
    g_warning ("%s: half a line cannot be taken back: %s", JOURNAL_FILE, g_strerror (errno));
  return FALSE;
}

gboolean
oc_requests_state_append (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                          GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (requests->n_lines >= 2 * OC_REQUESTS_DECIDED_MAX && !rewrite_journal (requests, error))
    return FALSE;
  append_entry (entry, line);
  if (!write_line (requests, line->str, line->len, error))
    return FALSE;
  requests->n_lines++;
  return TRUE;
}

static void
take_decided (OcRequests *requests, OutcallRuleRequestEntry *entry)
{
  OutcallRuleRequestEntry *old = g_hash_table_lookup (requests->by_id, entry->id);

  if (old != NULL)
    {
      g_queue_remove (&requests->decided, old);
      g_hash_table_remove (requests->by_id, old->id);
    }
  g_hash_table_insert (requests->by_id, entry->id, entry);
  g_queue_push_tail (&requests->decided, entry);
}

static gboolean
parse_line (OcRequests *requests, const char *line, gsize len, GError **error)
{
  g_autoptr (JsonNode) node = outcall_json_parse (line, len, error);
  OutcallRuleRequestEntry *entry
      = node != NULL ? outcall_rule_request_entry_from_json (node, error) : NULL;

  requests->n_lines++;
  if (entry == NULL)
    return oc_prefix (error, "%s, line %u", JOURNAL_FILE, requests->n_lines);
  if (!is_id (entry->id) || entry->status == OUTCALL_RULE_REQUEST_STATUS_PENDING)
    {
      outcall_rule_request_entry_free (entry);
      return oc_throw (error, "%s, line %u: it is not a decision", JOURNAL_FILE,
                       requests->n_lines);
    }
  take_decided (requests, entry);
  return TRUE;
}

static gboolean
load_journal (OcRequests *requests, GError **error)
{
  g_autoptr (GError) local = NULL;
  gsize len = 0;
  g_autofree char *text = oc_file_read (requests->state_fd, JOURNAL_FILE, JOURNAL_MAX_BYTES,
                                        &len, &local);
  const char *line = text;
  const char *end;

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  if (text == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  for (; (end = memchr (line, '\n', len - (gsize) (line - text))) != NULL; line = end + 1)
    if (!parse_line (requests, line, (gsize) (end - line), error))
      return FALSE;
  oc_requests_trim (requests);
  /* Half a line must not become the beginning of the next one. */
  if (line < text + len || requests->n_lines > 2 * requests->decided.length + 100)
    return rewrite_journal (requests, error);
  return TRUE;
}

gboolean
oc_requests_state_load (OcRequests *requests, GError **error)
{
  return load_journal (requests, error) && load_queue (requests, error);
}
