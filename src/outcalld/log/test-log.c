/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* What the program under test says through structured logging. */
static guint n_journal;
static char *last_journal;
static GString *last_fields; /* "KEY=VALUE\n…" */

static GLogWriterOutput
capture_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (last_fields == NULL)
    last_fields = g_string_new (NULL);
  g_string_truncate (last_fields, 0);
  for (gsize i = 0; i < n_fields; i++)
    {
      gssize len = fields[i].length < 0 ? (gssize) strlen (fields[i].value) : fields[i].length;

      g_string_append_printf (last_fields, "%s=%.*s\n", fields[i].key, (int) len,
                              (const char *) fields[i].value);
    }
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        g_free (last_journal);
        last_journal = fields[i].length < 0
                           ? g_strdup (fields[i].value)
                           : g_strndup (fields[i].value, (gsize) fields[i].length);
      }
  n_journal++;
  return G_LOG_WRITER_HANDLED;
}

static OcDecision
make_decision (gboolean allowed, const char *host)
{
  return (OcDecision) {
    .layer = OC_LAYER_DNS,
    .allowed = allowed,
    .workload = OC_STR ("ci-3"),
    .agent = OC_STR ("ci"),
    .host = oc_str_from (host),
    .port = 443,
    .method = OC_STR ("A"),
  };
}

/* --- The byte ring ---------------------------------------------------------- */

/* A ring that is emptied all the time is never half full, however much has gone
 * through it. */
static void
test_ring_half_full (void)
{
  OcDecision decision = { .workload = OC_STR ("w") };
  OcLogRing ring;

  oc_log_ring_init (&ring, 4096);
  for (guint i = 0; i < 1000; i++)
    {
      gboolean half_full = TRUE;

      g_assert_true (oc_log_ring_push (&ring, &decision, &half_full));
      g_assert_false (half_full);
      oc_log_ring_pop (&ring, oc_log_ring_peek (&ring, oc_log_ring_get_end (&ring)));
    }
  oc_log_ring_clear (&ring);
}

static void
test_ring_wraps (void)
{
  char text[OC_LOG_REASON_TEXT_MAX];
  guint64 pushed = 0, popped = 0, refused = 0;
  OcLogRing ring;

  memset (text, 'x', sizeof text);
  oc_log_ring_init (&ring, 4096);
  for (guint i = 0; i < 200000; i++)
    {
      OcDecision decision = make_decision (TRUE, "example.org");
      gboolean half_full;

      decision.reason = oc_str (text, (gsize) g_test_rand_int_range (0, sizeof text));
      decision.bytes_up = pushed;
      decision.bytes_down = decision.reason.len;
      if (g_test_rand_int_range (0, 2) == 0)
        {
          if (oc_log_ring_push (&ring, &decision, &half_full))
            pushed++;
          else
            refused++;
        }
      else
        {
          const OcLogPacked *packed = oc_log_ring_peek (&ring, oc_log_ring_get_end (&ring));
          OcLogRecord record;

          if (packed == NULL)
            {
              g_assert_cmpuint (pushed, ==, popped);
              continue;
            }
          oc_log_unpack (packed, &record);
          g_assert_cmpuint (record.decision.bytes_up, ==, popped);
          g_assert_cmpuint (record.decision.bytes_down, ==, record.decision.reason.len);
          g_assert_true (oc_str_equal (record.decision.host, OC_STR ("example.org")));
          oc_log_ring_pop (&ring, packed);
          popped++;
        }
    }
  g_assert_cmpuint (popped, >, 10000);
  g_assert_cmpuint (refused, >, 0);
  oc_log_ring_clear (&ring);
}

/* --- Threads ---------------------------------------------------------------- */

#define N_THREADS 4
#define N_PUSHES 50000

static gpointer
push_many (gpointer data)
{
  OcLogProducer *producer = data;

  for (guint64 i = 0; i < N_PUSHES; i++)
    {
      OcDecision decision = make_decision (i % 3 != 0, "example.org");

      decision.bytes_up = i + 1;
      decision.bytes_down = (guint64) (gsize) producer;
      oc_log_push (producer, &decision);
    }
  return NULL;
}

typedef struct
{
  OcLogProducer *producers[N_THREADS];
  guint64 last[N_THREADS];
  guint64 n;
  OcLog *log;
} Seen;

static void
on_thread_record (const OcLogRecord *record, gpointer user_data)
{
  Seen *seen = user_data;

  seen->n++;
  g_assert_cmpuint (record->sequence, ==, seen->n);
  for (guint i = 0; i < N_THREADS; i++)
    if (record->decision.bytes_down == (guint64) (gsize) seen->producers[i])
      {
        g_assert_cmpuint (record->decision.bytes_up, >, seen->last[i]);
        seen->last[i] = record->decision.bytes_up;
      }
}

static gboolean
all_seen (gpointer user_data)
{
  Seen *seen = user_data;
  OcLogCounters counters;

  oc_log_get_counters (seen->log, &counters);
  return seen->n + counters.left_out == (guint64) N_THREADS * N_PUSHES;
}

/* The main loop is woken by the workers alone; nothing here calls a drain. */
static void
test_threads (void)
{
  OcLog *log = oc_log_new ();
  GThread *threads[N_THREADS];
  Seen seen = { .log = log };
  OcLogCounters counters;
  guint id = oc_log_subscribe (log, on_thread_record, &seen);

  for (guint i = 0; i < N_THREADS; i++)
    seen.producers[i] = oc_log_add_producer (log);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("push", push_many, seen.producers[i]);
  g_assert_true (oc_test_wait (all_seen, &seen));
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (seen.n, >, 0);
  oc_log_get_counters (log, &counters);
  g_assert_cmpuint (counters.allowed + counters.blocked, ==, N_THREADS * N_PUSHES);
  g_assert_cmpuint (counters.blocked, ==, N_THREADS * ((N_PUSHES + 2) / 3));

  /* Numbers stay when the threads are gone. */
  for (guint i = 0; i < N_THREADS; i++)
    oc_log_producer_free (seen.producers[i]);
  oc_log_get_counters (log, &counters);
  g_assert_cmpuint (counters.allowed + counters.blocked, ==, N_THREADS * N_PUSHES);
  oc_log_unsubscribe (log, id);
  oc_log_free (log);
}

static gpointer
push_one (gpointer data)
{
  OcDecision decision = make_decision (TRUE, "example.org");

  oc_log_push (data, &decision);
  return NULL;
}

static void
on_count (const OcLogRecord *record, gpointer user_data)
{
  ++*(guint *) user_data;
}

static gboolean
is_nonzero (gpointer user_data)
{
  return *(guint *) user_data != 0;
}

/* After any pause, also one that falls into the timer's last look. */
static void
test_wakes_again (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  guint n = 0;

  oc_log_subscribe (log, on_count, &n);
  for (guint i = 0; i < 40; i++)
    {
      GThread *thread;
      gint64 until = g_get_monotonic_time () + (gint64) i * 2000;

      while (g_get_monotonic_time () < until)
        g_main_context_iteration (NULL, FALSE);
      n = 0;
      thread = g_thread_new ("push", push_one, producer);
      g_assert_true (oc_test_wait (is_nonzero, &n));
      g_thread_join (thread);
      g_assert_cmpuint (n, ==, 1);
    }
  oc_log_producer_free (producer);
  oc_log_free (log);
}

static void
test_overflow_is_counted (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (TRUE, "example.org");
  OcLogCounters counters = { 0 };
  guint n = 0, pushed = 0;

  while (counters.left_out < 10)
    {
      oc_log_push (producer, &decision);
      pushed++;
      oc_log_get_counters (log, &counters);
    }
  g_assert_cmpuint (counters.allowed, ==, pushed);
  oc_log_foreach (log, NULL, on_count, &n);
  g_assert_cmpuint (n, ==, pushed - 10);
  /* Drained, so there is room again. */
  oc_log_push (producer, &decision);
  n = 0;
  oc_log_foreach (log, NULL, on_count, &n);
  g_assert_cmpuint (n, ==, pushed - 9);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* --- What is stored ----------------------------------------------------------- */

typedef struct
{
  guint64 first, last;
  guint n;
} Range;

static void
on_range (const OcLogRecord *record, gpointer user_data)
{
  Range *range = user_data;

  if (range->n++ == 0)
    range->first = record->sequence;
  range->last = record->sequence;
}

static void
test_ring_limit (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (TRUE, "example.org");
  const OcLogFilter newest = { .allowed = -1, .limit = 7 };
  Range range = { 0 };

  for (guint i = 0; i < OC_LOG_RING_MAX + 10; i++)
    {
      oc_log_push (producer, &decision);
      if (i % 1000 == 0)
        oc_log_drain (log);
    }
  oc_log_foreach (log, NULL, on_range, &range);
  g_assert_cmpuint (range.n, ==, OC_LOG_RING_MAX);
  g_assert_cmpuint (range.first, ==, 11);
  g_assert_cmpuint (range.last, ==, OC_LOG_RING_MAX + 10);
  range.n = 0;
  oc_log_foreach (log, &newest, on_range, &range);
  g_assert_cmpuint (range.n, ==, 7);
  g_assert_cmpuint (range.first, ==, OC_LOG_RING_MAX + 4);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

static const struct
{
  const char *text;
  gsize len;
  const char *stored;
} clean_cases[] = {
  { "/plain", 6, "/plain" },
  { "/a\nb\rc\td", 8, "/a?b?c?d" },
  { "/\x1b[31m", 6, "/?[31m" },
  { "/nul\0x", 6, "/nul?x" },
  { "/del\x7f", 5, "/del?" },
  { "/gr\xc3\xbc\xc3\x9f", 7, "/gr\xc3\xbc\xc3\x9f" },
  { "/cut\xc3", 5, "/cut?" },
  { "/bad\xff\xfe", 6, "/bad??" },
  { "/c1\xc2\x9b", 5, "/c1??" },
  { "/rlo\xe2\x80\xae", 7, "/rlo???" },
  { "/\"quoted\\\"", 10, "/\"quoted\\\"" },
};

static void
on_clean (const OcLogRecord *record, gpointer user_data)
{
  gsize i = *(gsize *) user_data;
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;

  g_assert_true (oc_str_equal (record->decision.path, oc_str_from (clean_cases[i].stored)));
  oc_log_record_append_json (record, json);
  node = json_from_string (json->str, &error);
  g_assert_no_error (error);
  path = json_object_get_string_member (json_node_get_object (node), "path");
  g_assert_cmpstr (path, ==, clean_cases[i].stored);
}

static void
test_clean (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  gsize i;

  oc_log_subscribe (log, on_clean, &i);
  for (i = 0; i < G_N_ELEMENTS (clean_cases); i++)
    {
      OcDecision decision = make_decision (TRUE, "example.org");

      decision.path = oc_str (clean_cases[i].text, clean_cases[i].len);
      oc_log_push (producer, &decision);
      oc_log_drain (log);
    }
  oc_log_producer_free (producer);
  oc_log_free (log);
}

static void
on_long (const OcLogRecord *record, gpointer user_data)
{
  g_assert_cmpuint (record->decision.path.len, ==, OC_LOG_PATH_TEXT_MAX);
  g_assert_cmpuint (record->decision.reason.len, ==, OC_LOG_REASON_TEXT_MAX);
  g_assert_cmpuint (record->decision.rule.len, ==, OC_LOG_NAME_TEXT_MAX);
  ++*(guint *) user_data;
}

static void
test_long_texts_are_cut (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (TRUE, "example.org");
  g_autofree char *text = g_strnfill (70000, 'x');
  guint n = 0;

  decision.path = decision.reason = decision.rule = oc_str (text, 70000);
  oc_log_push (producer, &decision);
  oc_log_foreach (log, NULL, on_long, &n);
  g_assert_cmpuint (n, ==, 1);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

static const struct
{
  OcLogFilter filter;
  guint expected;
} filter_cases[] = {
  { { .allowed = -1 }, 5 },
  { { .allowed = 1 }, 3 },
  { { .allowed = 0 }, 2 },
  { { .allowed = -1, .host = "example.org" }, 3 },
  { { .allowed = -1, .host = "www.example.org" }, 1 },
  { { .allowed = -1, .host = "ample.org" }, 0 },
  { { .allowed = -1, .agent = "ci" }, 5 },
  { { .allowed = -1, .agent = "ci-3" }, 5 },
  { { .allowed = -1, .agent = "c" }, 0 },
  { { .allowed = -1, .since_us = 3000 }, 3 },
  { { .allowed = 1, .since_us = 3000, .limit = 1 }, 1 },
  { { .allowed = 0, .host = "example.org" }, 1 },
};

static void
test_filters (void)
{
  static const char *const hosts[] = { "example.org", "www.example.org", "x.example.org",
                                       "badexample.org", "other.net" };
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      OcDecision decision = make_decision (i % 2 == 0, hosts[i]);

      decision.time_us = 1000 * (gint64) (i + 1);
      oc_log_push (producer, &decision);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (filter_cases); i++)
    {
      guint n = 0;

      oc_log_foreach (log, &filter_cases[i].filter, on_count, &n);
      g_assert_cmpuint (n, ==, filter_cases[i].expected);
    }
  oc_log_producer_free (producer);
  oc_log_free (log);
}

typedef struct
{
  OcLog *log;
  guint id, calls;
} Leaver;

static void
on_leave (const OcLogRecord *record, gpointer user_data)
{
  Leaver *leaver = user_data;

  leaver->calls++;
  oc_log_unsubscribe (leaver->log, leaver->id);
  oc_log_drain (leaver->log);
}

static void
test_unsubscribe_inside (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (TRUE, "example.org");
  Leaver leaver = { .log = log };
  guint n = 0;

  leaver.id = oc_log_subscribe (log, on_leave, &leaver);
  oc_log_subscribe (log, on_count, &n);
  for (guint i = 0; i < 3; i++)
    oc_log_push (producer, &decision);
  oc_log_drain (log);
  g_assert_cmpuint (leaver.calls, ==, 1);
  g_assert_cmpuint (n, ==, 3);
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* --- The journal --------------------------------------------------------------- */

static gboolean
has_summary (gpointer user_data)
{
  return last_journal != NULL && strstr (last_journal, "more blocked requests") != NULL;
}

static void
test_journal_fields (void)
{
  static const char block[]
      = "MESSAGE=blocked ci-3: dns evil.example:443 A /p (rule no-evil): because\nPRIORITY=4\n"
        "GLIB_DOMAIN=outcalld\nOUTCALL_LAYER=dns\nOUTCALL_VERDICT=blocked\n"
        "OUTCALL_WORKLOAD=ci-3\nOUTCALL_AGENT=ci\nOUTCALL_HOST=evil.example\n"
        "OUTCALL_ADDRESS=192.0.2.7\nOUTCALL_PORT=443\nOUTCALL_METHOD=A\nOUTCALL_PATH=/p\n"
        "OUTCALL_RULE=no-evil\nOUTCALL_REASON=because\n";
  const OcLogChange failed = { 1000, 42, "sandbox.stop", "a\n", "no such thing" };
  const OcLogChange done = { 0, 7, "dns.flush", NULL, NULL };
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (FALSE, "evil.example");

  decision.path = OC_STR ("/p");
  decision.rule = OC_STR ("no-evil");
  decision.reason = OC_STR ("because");
  g_assert_true (oc_address_parse (OC_STR ("192.0.2.7"), &decision.address));
  oc_log_push (producer, &decision);
  oc_log_drain (log);
  g_assert_cmpstr (last_fields->str, ==, block);
  decision = (OcDecision) { .layer = OC_LAYER_AGENT, .workload = OC_STR ("w") };
  oc_log_push (producer, &decision);
  oc_log_drain (log);
  g_assert_null (strstr (last_fields->str, "OUTCALL_RULE"));
  g_assert_null (strstr (last_fields->str, "OUTCALL_PORT"));
  oc_log_change (log, &failed);
  g_assert_cmpstr (last_fields->str, ==,
                   "MESSAGE=sandbox.stop a? by uid 1000, pid 42: no such thing\nPRIORITY=5\n"
                   "GLIB_DOMAIN=outcalld\nOUTCALL_ACTION=sandbox.stop\nOUTCALL_DETAIL=a?\n"
                   "OUTCALL_ERROR=no such thing\nOUTCALL_UID=1000\nOUTCALL_PID=42\n");
  oc_log_change (log, &done);
  g_assert_nonnull (strstr (last_fields->str, "MESSAGE=dns.flush by uid 0, pid 7: done\n"));
  oc_log_producer_free (producer);
  oc_log_free (log);
}

static void
test_journal_is_limited (void)
{
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  OcDecision decision = make_decision (FALSE, "evil.example");
  OcLogCounters counters;

  decision.rule = OC_STR ("no-evil");
  decision.reason = OC_STR ("because");
  n_journal = 0;
  oc_log_push (producer, &decision);
  oc_log_drain (log);
  g_assert_cmpuint (n_journal, ==, 1);
  g_assert_cmpstr (last_journal, ==, "blocked ci-3: dns evil.example:443 A (rule no-evil): because");
  for (guint i = 0; i < 999; i++)
    oc_log_push (producer, &decision);
  oc_log_drain (log);
  oc_log_get_counters (log, &counters);
  g_assert_cmpuint (n_journal, >=, OC_LOG_JOURNAL_BURST);
  g_assert_cmpuint (n_journal, <, 2 * OC_LOG_JOURNAL_BURST);
  g_assert_cmpuint (n_journal + counters.journal_left_out, ==, 1000);
  g_assert_true (oc_test_wait (has_summary, NULL));
  g_assert_nonnull (strstr (last_fields->str, "OUTCALL_LEFT_OUT="));
  oc_log_producer_free (producer);
  oc_log_free (log);
}

/* --- The audit file -------------------------------------------------------------- */

static guint
count_lines (const char *path, guint *out_left_out)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;
  gint64 last = 0;

  *out_left_out = 0;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_true (*text == '\0' || g_str_has_suffix (text, "\n"));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (JsonNode) node = NULL;
      JsonObject *object;

      if (*lines[i] == '\0')
        continue;
      node = json_from_string (lines[i], NULL);
      g_assert_nonnull (node);
      object = json_node_get_object (node);
      if (json_object_has_member (object, "left_out"))
        {
          *out_left_out += (guint) json_object_get_int_member (object, "left_out");
          continue;
        }
      g_assert_cmpint (json_object_get_int_member (object, "sequence"), >, last);
      last = json_object_get_int_member (object, "sequence");
      n++;
    }
  return n;
}

static void
push_n (OcLog *log, OcLogProducer *producer, guint n)
{
  OcDecision decision = make_decision (TRUE, "example.org");

  for (guint i = 0; i < n; i++)
    {
      oc_log_push (producer, &decision);
      if (i % 1000 == 999)
        oc_log_drain (log);
    }
  oc_log_drain (log);
}

static void
test_audit_rotation (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "audit.log", NULL);
  g_autofree char *old = g_build_filename (dir, "audit.log.1", NULL);
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  g_autoptr (GError) error = NULL;
  guint left_out, n;
  GStatBuf st;

  g_assert_true (oc_log_set_audit_file (log, path, &error));
  g_assert_no_error (error);
  push_n (log, producer, 100);
  g_assert_cmpint (g_rename (path, old), ==, 0);
  g_assert_true (oc_log_set_audit_file (log, path, &error));
  push_n (log, producer, 50);
  g_assert_true (oc_log_set_audit_file (log, NULL, &error));
  push_n (log, producer, 25);
  oc_log_producer_free (producer);
  oc_log_free (log);
  n = count_lines (path, &left_out);
  g_assert_cmpuint (n, >=, 50); /* those still queued at the rotation went to the new file */
  g_assert_cmpuint (n + count_lines (old, &left_out), ==, 150);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777 & ~0640, ==, 0);
  g_unlink (path);
  g_unlink (old);
  g_rmdir (dir);
}

static void
test_audit_refuses (void)
{
  OcLog *log = oc_log_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_log_set_audit_file (log, "/nonexistent/audit.log", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (oc_log_set_audit_file (log, "/dev/null", &error));
  g_assert_nonnull (error);
  oc_log_free (log);
}

/* A torn line of an earlier life is ended first. */
static void
test_audit_torn_line (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "audit.log", NULL);
  g_autofree char *text = NULL;
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);

  g_assert_true (g_file_set_contents (path, "{\"sequence\":1", -1, NULL));
  g_assert_true (oc_log_set_audit_file (log, path, NULL));
  push_n (log, producer, 1);
  oc_log_producer_free (producer);
  oc_log_free (log);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_true (g_str_has_prefix (text, "{\"sequence\":1\n{\"sequence\":1,"));
  g_unlink (path);
  g_rmdir (dir);
}

typedef struct
{
  const char *path;
  gint64 size;
} Grown;

static gboolean
has_grown (gpointer user_data)
{
  Grown *grown = user_data;
  GStatBuf st;

  return g_stat (grown->path, &st) == 0 && st.st_size >= grown->size;
}

static void
test_audit_change (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "audit.log", NULL);
  g_autofree char *text = NULL;
  const OcLogChange change = { 1000, 42, "sandbox.stop", "a\"\n\xff", "no such thing" };
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  OcLog *log = oc_log_new ();

  g_assert_true (oc_log_set_audit_file (log, path, NULL));
  oc_log_change (log, &change);
  oc_log_free (log);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  node = json_from_string (text, NULL);
  g_assert_nonnull (node);
  object = json_node_get_object (node);
  g_assert_true (json_object_get_boolean_member (object, "change"));
  g_assert_cmpint (json_object_get_int_member (object, "uid"), ==, 1000);
  g_assert_cmpstr (json_object_get_string_member (object, "detail"), ==, "a\"??");
  g_unlink (path);
  g_rmdir (dir);
}

typedef struct
{
  const char *path;
  OcLog *log;
  OcLogProducer *producer;
  guint pushed;
} Recovery;

/* Pushes one more record and looks at the end of the file. */
static gboolean
tells_left_out (gpointer user_data)
{
  Recovery *recovery = user_data;
  g_autofree char *end = g_malloc0 (65536 + 1);
  FILE *file = fopen (recovery->path, "re");

  push_n (recovery->log, recovery->producer, 1);
  recovery->pushed++;
  g_assert_nonnull (file);
  if (fseek (file, -65536, SEEK_END) == 0)
    (void) !fread (end, 1, 65536, file);
  fclose (file);
  return strstr (end, "left_out") != NULL;
}

/* A file-size limit makes the kernel cut a write short and then refuse it, as a
 * full disk does. */
static void
test_audit_full_disk (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "audit.log", NULL);
  OcLog *log = oc_log_new ();
  OcLogProducer *producer = oc_log_add_producer (log);
  struct rlimit limit, old;
  OcLogCounters counters;
  guint n = 0, left_out, written;
  Recovery recovery;
  Grown grown = { path, 10007 };

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  limit = old;
  limit.rlim_cur = 10007;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_true (oc_log_set_audit_file (log, path, NULL));
  do
    {
      push_n (log, producer, 1000);
      n += 1000;
      oc_log_get_counters (log, &counters);
    }
  while (counters.audit_left_out == 0);
  g_assert_cmpuint (counters.left_out, ==, 0);
  g_assert_true (oc_test_wait (has_grown, &grown));

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  grown.size = 1024 * 1024;
  g_assert_true (oc_test_wait (has_grown, &grown));
  /* The queue shrinks as it is written; then there is room for the number. */
  recovery = (Recovery) { path, log, producer, 0 };
  g_assert_true (oc_test_wait (tells_left_out, &recovery));
  n += recovery.pushed;
  oc_log_get_counters (log, &counters);
  oc_log_producer_free (producer);
  oc_log_free (log);
  written = count_lines (path, &left_out);
  g_assert_cmpuint (left_out, ==, counters.audit_left_out);
  g_assert_cmpuint (written + left_out, ==, n);
  g_unlink (path);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (capture_log, NULL, NULL);
  g_test_add_func ("/log/ring/wraps", test_ring_wraps);
  g_test_add_func ("/log/ring/half-full", test_ring_half_full);
  g_test_add_func ("/log/threads", test_threads);
  g_test_add_func ("/log/wakes-again", test_wakes_again);
  g_test_add_func ("/log/overflow-is-counted", test_overflow_is_counted);
  g_test_add_func ("/log/ring-limit", test_ring_limit);
  g_test_add_func ("/log/clean", test_clean);
  g_test_add_func ("/log/long-texts-are-cut", test_long_texts_are_cut);
  g_test_add_func ("/log/filters", test_filters);
  g_test_add_func ("/log/unsubscribe-inside", test_unsubscribe_inside);
  g_test_add_func ("/log/journal-fields", test_journal_fields);
  g_test_add_func ("/log/journal-is-limited", test_journal_is_limited);
  g_test_add_func ("/log/audit/rotation", test_audit_rotation);
  g_test_add_func ("/log/audit/refuses", test_audit_refuses);
  g_test_add_func ("/log/audit/torn-line", test_audit_torn_line);
  g_test_add_func ("/log/audit/change", test_audit_change);
#ifdef __SANITIZE_THREAD__ /* takes minutes */
  (void) test_audit_full_disk;
#else
  g_test_add_func ("/log/audit/full-disk", test_audit_full_disk);
#endif
  return g_test_run ();
}
