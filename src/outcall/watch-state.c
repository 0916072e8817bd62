/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "watch.h"

#include <string.h>

static void
row_free (gpointer data)
{
  WatchRow *row = data;

  outcall_rule_request_entry_free (row->request);
  outcall_decision_free (row->decision);
  g_free (row);
}

void
watch_init (Watch *watch, OcCli *cli)
{
  *watch = (Watch) { .cli = cli };
  watch->requests = g_ptr_array_new_with_free_func (row_free);
  watch->verdicts = g_ptr_array_new_with_free_func (row_free);
}

void
watch_clear (Watch *watch)
{
  g_ptr_array_unref (watch->requests);
  g_ptr_array_unref (watch->verdicts);
  outcall_rule_request_review_free (watch->review);
  outcall_decision_free (watch->asked);
  g_free (watch->message);
}

void
watch_say (Watch *watch, const char *format, ...)
{
  va_list args;

  g_free (watch->message);
  va_start (args, format);
  watch->message = g_strdup_vprintf (format, args);
  va_end (args);
}

gboolean
watch_is_asking (const Watch *watch)
{
  return watch->review != NULL || watch->asked != NULL;
}

/* --- The selection, which stays on its row while others come and go ------------------- */

static guint
count_rows (const Watch *watch)
{
  return watch->requests->len + watch->verdicts->len;
}

WatchRow *
watch_get_selected (Watch *watch)
{
  if (watch->selected < watch->requests->len)
    return watch->requests->pdata[watch->selected];
  if (watch->selected < count_rows (watch))
    return watch->verdicts->pdata[watch->selected - watch->requests->len];
  return NULL;
}

void
watch_move (Watch *watch, int by)
{
  gint64 to = (gint64) watch->selected + by;
  gint64 last = (gint64) count_rows (watch) - 1;

  watch->selected = (guint) CLAMP (to, 0, MAX (last, 0));
}

void
watch_hide_selected (Watch *watch)
{
  WatchRow *row = watch_get_selected (watch);

  if (row == NULL || !g_ptr_array_remove (watch->requests, row))
    (void) g_ptr_array_remove (watch->verdicts, row);
  watch_move (watch, 0);
}

static void
reselect (Watch *watch, const WatchRow *row)
{
  guint i;

  if (g_ptr_array_find (watch->requests, row, &i))
    watch->selected = i;
  else if (g_ptr_array_find (watch->verdicts, row, &i))
    watch->selected = watch->requests->len + i;
  else
    watch_move (watch, 0);
}

/* --- Events ----------------------------------------------------------------------------- */

/* Two verdicts that are one line: only the time differs. */
static gboolean
is_same (const OutcallDecision *a, const OutcallDecision *b)
{
  return a->verdict == b->verdict && a->layer == b->layer && a->port == b->port
         && g_str_equal (a->workload, b->workload) && g_strcmp0 (a->host, b->host) == 0
         && g_strcmp0 (a->address, b->address) == 0 && g_strcmp0 (a->rule, b->rule) == 0;
}

/* Takes a row like @decision out of the list. (transfer full) (nullable) */
static WatchRow *
steal_same (GPtrArray *rows, const OutcallDecision *decision)
{
  for (guint i = 0; i < rows->len; i++)
    if (is_same (((WatchRow *) rows->pdata[i])->decision, decision))
      return g_ptr_array_steal_index (rows, i);
  return NULL;
}

void
watch_hide_decision (Watch *watch, const OutcallDecision *decision)
{
  const WatchRow *selected = watch_get_selected (watch);
  WatchRow *row = steal_same (watch->verdicts, decision);

  if (row == NULL)
    return;
  if (row == selected)
    watch_move (watch, 0);
  else
    reselect (watch, selected);
  row_free (row);
}

/* @decision: (transfer full) */
static void
add_decision (Watch *watch, OutcallDecision *decision)
{
  const WatchRow *selected = watch_get_selected (watch);
  gboolean follows = watch->selected == 0;
  WatchRow *row = steal_same (watch->verdicts, decision);

  if (row == NULL)
    row = g_new0 (WatchRow, 1);
  outcall_decision_free (row->decision);
  row->decision = decision;
  row->count++;
  g_ptr_array_insert (watch->verdicts, 0, row);
  if (watch->verdicts->len > WATCH_ROWS_MAX)
    g_ptr_array_set_size (watch->verdicts, WATCH_ROWS_MAX);
  if (follows)
    watch_move (watch, 0);
  else
    reselect (watch, selected);
}

static void
drop_request (Watch *watch, const char *id)
{
  for (guint i = 0; i < watch->requests->len; i++)
    if (g_str_equal (((WatchRow *) watch->requests->pdata[i])->request->id, id))
      {
        g_ptr_array_remove_index (watch->requests, i);
        return;
      }
}

/* @entry: (transfer full) */
static void
take_request (Watch *watch, OutcallRuleRequestEntry *entry)
{
  const WatchRow *selected = watch_get_selected (watch);
  gboolean first = watch->selected == 0;

  drop_request (watch, entry->id);
  if (entry->status == OUTCALL_RULE_REQUEST_STATUS_PENDING)
    {
      WatchRow *row = g_new0 (WatchRow, 1);

      row->request = entry;
      g_ptr_array_add (watch->requests, row);
    }
  else
    outcall_rule_request_entry_free (entry);
  if (first)
    watch_move (watch, 0);
  else
    reselect (watch, selected);
}

void
watch_set_requests (Watch *watch, GPtrArray *requests)
{
  for (guint i = 0; i < requests->len; i++)
    take_request (watch, outcall_rule_request_entry_copy (requests->pdata[i]));
  g_ptr_array_unref (requests);
}

void
watch_take_event (Watch *watch, const char *event, const char *data, gsize len)
{
  g_autoptr (JsonNode) node = outcall_json_parse (data, len, NULL);
  OutcallDecision *decision;
  OutcallRuleRequestEntry *entry;

  if (node == NULL)
    return;
  if (g_strcmp0 (event, "decision") == 0)
    {
      decision = outcall_decision_from_json (node, NULL);
      if (decision != NULL)
        add_decision (watch, decision);
    }
  else if (g_strcmp0 (event, "request") == 0)
    {
      entry = outcall_rule_request_entry_from_json (node, NULL);
      if (entry != NULL)
        take_request (watch, entry);
    }
}
