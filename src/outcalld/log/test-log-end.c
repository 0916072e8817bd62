/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Records of what goes on after its verdict: their end.
 */
#include "config.h"

#include "oc-log-private.h"

#include <glib/gstdio.h>

static OcDecision
make_decision (const char *host)
{
  return (OcDecision) {
    .layer = OC_LAYER_CONNECT,
    .allowed = TRUE,
    .workload = OC_STR ("ci-3"),
    .host = oc_str_from (host),
    .port = 443,
  };
}

static void
push_n (OcLog *log, OcLogProducer *producer, guint n)
{
  OcDecision decision = make_decision ("other.example");

  for (guint i = 0; i < n; i++)
    {
      oc_log_push (producer, &decision);
      if (i % 1000 == 999)
        oc_log_drain (log);
    }
  oc_log_drain (log);
}

typedef struct
{
  guint n, n_ended;
  guint64 bytes;        /* of all that have ended */
  guint64 last_ended;   /* sequence */
} Ends;

static void
on_end (const OcLogRecord *record, gpointer user_data)
{
  Ends *ends = user_data;

  ends->n++;
  if (!record->decision.ended)
    return;
  ends->n_ended++;
  ends->bytes += record->decision.bytes_up;
  ends->last_ended = record->sequence;
}

static void
on_own_end (const OcLogRecord *record, gpointer user_data)
{
  on_end (record, user_data);
  if (record->decision.ended)
    g_assert_cmpuint (record->decision.bytes_up, ==, record->decision.time_us);
}

static void
open_record (OcLogProducer *producer, const char *host, OcLogTicket *ticket)
{
  OcDecision decision = make_decision (host);

  oc_log_push_open (producer, &decision, ticket);
  g_assert_cmpuint (ticket->id, !=, 0);
}

static void
end_record (OcLogProducer *producer, guint64 bytes, OcLogTicket *ticket)
{
  OcDecision end = { .bytes_up = bytes, .bytes_down = 2 * bytes, .duration_us = 77 };

  g_assert_true (oc_address_parse (OC_STR ("5.6.7.8"), &end.address));
  oc_log_push_end (producer, ticket, &end);
  g_assert_cmpuint (ticket->id, ==, 0);
}

static void
test_end (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcLogFilter filter = { .host = "b.example", .allowed = -1 };
  OcLogTicket a, b;
  Ends seen = { 0 }, kept = { 0 };

  oc_log_subscribe (log, on_end, &seen);
  open_record (producer, "a.example", &a);
  open_record (producer, "b.example", &b);
  oc_log_drain (log);
  g_assert_cmpuint (seen.n, ==, 2);
  g_assert_cmpuint (seen.n_ended, ==, 0);
  end_record (producer, 10, &b);
  end_record (producer, 99, &b); /* it has been told */
  oc_log_drain (log);
  g_assert_cmpuint (seen.n, ==, 3);
  g_assert_cmpuint (seen.n_ended, ==, 1);
  g_assert_cmpuint (seen.last_ended, ==, 2);
  oc_log_foreach (log, &filter, on_end, &kept);
  g_assert_cmpuint (kept.n, ==, 1);
  g_assert_cmpuint (kept.bytes, ==, 10);
  /* The ticket of one is used for the next, the record of the other stays open. */
  open_record (producer, "c.example", &b);
  end_record (producer, 5, &b);
  end_record (producer, 7, &a);
  kept = (Ends) { 0 };
  oc_log_foreach (log, NULL, on_end, &kept);
  g_assert_cmpuint (kept.n, ==, 3);
  g_assert_cmpuint (kept.bytes, ==, 22);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* The ring has dropped it; what follows the log is told all the same. */
static void
test_end_of_dropped (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcLogTicket ticket, stays;
  Ends seen = { 0 };

  open_record (producer, "old.example", &ticket);
  open_record (producer, "stays.example", &stays);
  for (guint i = 0; i < 7; i++)
    push_n (log, producer, OC_LOG_RING_MAX / 7 + 1);
  oc_log_subscribe (log, on_end, &seen);
  end_record (producer, 3, &ticket);
  oc_log_drain (log);
  g_assert_cmpuint (seen.n_ended, ==, 1);
  g_assert_cmpuint (seen.last_ended, ==, 1);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* Beginnings and ends are left out at random: no record gets the end of another. */
static void
test_end_under_load (void)
{
  enum { N = 40 };
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcLogTicket tickets[N] = { { 0 } };
  guint64 bytes[N] = { 0 };
  OcLogCounters counters;
  Ends kept = { 0 };

  for (guint i = 0; i < 300000; i++)
    {
      gint64 k = g_test_rand_int_range (0, N);

      if (tickets[k].id != 0)
        end_record (producer, bytes[k], &tickets[k]);
      else
        {
          OcDecision decision = make_decision ("x.example");

          /* So that an end can be told from those of others by its beginning. */
          decision.time_us = i + 1;
          bytes[k] = i + 1;
          oc_log_push_open (producer, &decision, &tickets[k]);
        }
      if (g_test_rand_int_range (0, 20000) == 0)
        oc_log_drain (log);
    }
  oc_log_foreach (log, NULL, on_own_end, &kept);
  oc_log_get_counters (log, &counters);
  g_assert_cmpuint (counters.left_out, >, 0);
  g_assert_cmpuint (kept.n_ended, >, 1000);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* A line for the verdict and one for its end. */
static void
test_audit_end (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "audit.log", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcLogTicket ticket;

  g_assert_true (oc_log_set_audit_file (log, path, NULL));
  open_record (producer, "a.example", &ticket);
  push_n (log, producer, 1);
  end_record (producer, 1234, &ticket);
  oc_log_producer_free (producer);
  oc_log_free (log);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_true (g_str_has_prefix (lines[0], "{\"sequence\":1,"));
  g_assert_null (strstr (lines[0], "ended"));
  g_assert_true (g_str_has_prefix (lines[1], "{\"sequence\":2,"));
  g_assert_true (g_str_has_prefix (lines[2], "{\"sequence\":1,"));
  g_assert_nonnull (strstr (lines[2], "\"host\":\"a.example\",\"address\":\"5.6.7.8\""));
  g_assert_nonnull (strstr (lines[2], "\"bytes_up\":1234,\"bytes_down\":2468,\"duration_us\":77,\"ended\":true}"));
  g_unlink (path);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/end", test_end);
  g_test_add_func ("/log/end/dropped", test_end_of_dropped);
  g_test_add_func ("/log/end/load", test_end_under_load);
  g_test_add_func ("/log/audit/end", test_audit_end);
  return g_test_run ();
}
