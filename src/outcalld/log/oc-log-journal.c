/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

#include "common/oc-source.h"

/* Blocks and changes in the journal, with fields to search by (docs/api.md). Blocks
 * are rate limited by a token bucket; a line tells how many were not listed. */

struct OcLogJournal
{
  GMainContext *context;
  double tokens;
  gint64 time_us; /* monotonic, of the last refill */
  guint64 left_out, untold;
  GSource *source; /* of the line about them; NULL: none is due */
};

OcLogJournal *
oc_log_journal_new (GMainContext *context)
{
  OcLogJournal *journal = g_new0 (OcLogJournal, 1);

  journal->context = context;
  journal->tokens = OC_LOG_JOURNAL_BURST;
  journal->time_us = g_get_monotonic_time ();
  return journal;
}

void
oc_log_journal_free (OcLogJournal *journal)
{
  oc_source_clear (&journal->source);
  g_free (journal);
}

guint64
oc_log_journal_get_left_out (OcLogJournal *journal)
{
  return journal->left_out;
}

/* --- Fields ------------------------------------------------------------------ */

#define FIELDS_MAX 16

typedef struct
{
  GLogField fields[FIELDS_MAX];
  gsize n;
  char numbers[4][24];
  guint n_numbers;
} Fields;

/* @value: borrowed until the fields are told */
static void
add_text (Fields *fields, const char *name, OcStr value)
{
  g_assert (fields->n < FIELDS_MAX);
  if (value.len != 0)
    fields->fields[fields->n++] = (GLogField) { name, value.data, (gssize) value.len };
}

static void
add_number (Fields *fields, const char *name, guint64 value)
{
  char *text = fields->numbers[fields->n_numbers];

  g_assert (fields->n_numbers < G_N_ELEMENTS (fields->numbers));
  fields->n_numbers++;
  g_snprintf (text, sizeof fields->numbers[0], "%" G_GUINT64_FORMAT, value);
  add_text (fields, name, oc_str_from (text));
}

/* A verdict is no fault of the program: GLib's own WARNING could be made fatal, so
 * the level is MESSAGE and only the journal's priority says warning. */
static void
begin (Fields *fields, const char *message, const char *priority)
{
  fields->n = 0;
  fields->n_numbers = 0;
  add_text (fields, "MESSAGE", oc_str_from (message));
  add_text (fields, "PRIORITY", oc_str_from (priority));
  add_text (fields, "GLIB_DOMAIN", OC_STR ("outcalld"));
}

static void
tell (const Fields *fields)
{
  g_log_structured_array (G_LOG_LEVEL_MESSAGE, fields->fields, fields->n);
}

/* --- The rate limit ------------------------------------------------------------ */

static gboolean
on_summary (gpointer user_data)
{
  OcLogJournal *journal = user_data;
  g_autofree char *message = NULL;
  Fields fields;

  message = g_strdup_printf ("%" G_GUINT64_FORMAT " more blocked requests are not listed here",
                             journal->untold);
  begin (&fields, message, "4");
  add_number (&fields, "OUTCALL_LEFT_OUT", journal->untold);
  journal->untold = 0;
  oc_source_clear (&journal->source);
  tell (&fields);
  return G_SOURCE_REMOVE;
}

static void
leave_out (OcLogJournal *journal)
{
  journal->left_out++;
  journal->untold++;
  if (journal->source != NULL)
    return;
  journal->source = g_timeout_source_new_seconds (OC_LOG_JOURNAL_SUMMARY_S);
  g_source_set_static_name (journal->source, "log summary");
  g_source_set_callback (journal->source, on_summary, journal, NULL);
  g_source_attach (journal->source, journal->context);
}

static gboolean
take_token (OcLogJournal *journal)
{
  gint64 now = g_get_monotonic_time ();

  journal->tokens += (double) (now - journal->time_us) / G_USEC_PER_SEC * OC_LOG_JOURNAL_PER_S;
  journal->tokens = MIN (journal->tokens, OC_LOG_JOURNAL_BURST);
  journal->time_us = now;
  if (journal->tokens < 1)
    return FALSE;
  journal->tokens -= 1;
  return TRUE;
}

/* --- Verdicts -------------------------------------------------------------------- */

/* (transfer full) */
static GString *
describe (const OcDecision *d)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%s %.*s: %s %.*s", d->allowed ? "allowed" : "blocked",
                   OC_STR_ARGS (d->workload), oc_layer_name (d->layer), OC_STR_ARGS (d->host));
  if (d->port != 0)
    g_string_append_printf (text, ":%u", d->port);
  if (d->method.len != 0)
    g_string_append_printf (text, " %.*s", OC_STR_ARGS (d->method));
  if (d->path.len != 0)
    g_string_append_printf (text, " %.*s", OC_STR_ARGS (d->path));
  if (d->rule.len != 0)
    g_string_append_printf (text, " (rule %.*s)", OC_STR_ARGS (d->rule));
  if (d->reason.len != 0)
    g_string_append_printf (text, ": %.*s", OC_STR_ARGS (d->reason));
  return text;
}

void
oc_log_journal_allowed (const OcDecision *d)
{
  g_autoptr (GString) text = describe (d);

  if (d->cached)
    g_string_append (text, ", from the cache");
  else if (d->duration_us > 0)
    g_string_append_printf (text, ", after %.1f ms", (double) d->duration_us / 1000);
  g_debug ("%s", text->str);
}

void
oc_log_journal_block (OcLogJournal *journal, const OcDecision *d)
{
  g_autoptr (GString) message = NULL;
  char address[OC_ADDRESS_TEXT_MAX] = "";
  Fields fields;

  if (!take_token (journal))
    {
      leave_out (journal);
      return;
    }
  message = describe (d);
  if (d->address.family != 0)
    oc_address_format (&d->address, address, sizeof address);
  begin (&fields, message->str, "4");
  add_text (&fields, "OUTCALL_LAYER", oc_str_from (oc_layer_name (d->layer)));
  add_text (&fields, "OUTCALL_VERDICT", OC_STR ("blocked"));
  add_text (&fields, "OUTCALL_WORKLOAD", d->workload);
  add_text (&fields, "OUTCALL_AGENT", d->agent);
  add_text (&fields, "OUTCALL_HOST", d->host);
  add_text (&fields, "OUTCALL_ADDRESS", oc_str_from (address));
  if (d->port != 0)
    add_number (&fields, "OUTCALL_PORT", d->port);
  add_text (&fields, "OUTCALL_METHOD", d->method);
  add_text (&fields, "OUTCALL_PATH", d->path);
  add_text (&fields, "OUTCALL_RULE", d->rule);
  add_text (&fields, "OUTCALL_REASON", d->reason);
  tell (&fields);
}

/* --- Changes ----------------------------------------------------------------------- */

void
oc_log_journal_change (const OcLogChange *change)
{
  g_autofree char *detail = g_strdup (change->detail != NULL ? change->detail : "");
  g_autofree char *error = g_strdup (change->error != NULL ? change->error : "");
  g_autofree char *message = NULL;
  Fields fields;

  oc_log_clean_text (detail, strlen (detail));
  oc_log_clean_text (error, strlen (error));
  message = g_strdup_printf ("%s%s%s by uid %u, pid %d: %s", change->action,
                             *detail != '\0' ? " " : "", detail, (guint) change->uid,
                             (int) change->pid, *error != '\0' ? error : "done");
  begin (&fields, message, "5");
  add_text (&fields, "OUTCALL_ACTION", oc_str_from (change->action));
  add_text (&fields, "OUTCALL_DETAIL", oc_str_from (detail));
  add_text (&fields, "OUTCALL_ERROR", oc_str_from (error));
  add_number (&fields, "OUTCALL_UID", change->uid);
  add_number (&fields, "OUTCALL_PID", (guint64) MAX (change->pid, 0));
  tell (&fields);
}
