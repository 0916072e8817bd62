/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

#include "common/oc-fd.h"
#include "common/oc-host.h"
#include "common/oc-source.h"

#include <glib-unix.h>
#include <sys/eventfd.h>

/* Wake-ups. @awake is TRUE while the main thread has a drain coming (its timer
 * runs); a worker that finds it FALSE sets it and writes the eventfd. So the
 * eventfd is written once per burst, and under load the timer paces the drains. A
 * worker whose ring is more than half full writes it once more (@urgent).
 *
 * The timer ends with the first drain that finds nothing: @awake is cleared
 * *before* that last look, so what is pushed after the look wakes again. */

struct OcLogProducer
{
  OcLog *log;
  OcLogRing ring;
  guint64 end;     /* of the drain that runs; main thread */
  OcLogOpen *open; /* main thread */
  GArray *tickets; /* of guint32: that can be used again; of the producer, as the next */
  guint32 n_tickets;
  _Atomic (guint64) n[2];      /* by verdict; written by the producer only */
  _Atomic (guint64) left_out;  /* the same */
};

typedef struct
{
  guint id;
  OcLogFunc func; /* NULL: unsubscribed during a call */
  gpointer user_data;
} Subscriber;

struct OcLog
{
  GMainContext *context;
  int event_fd;
  GSource *event_source;
  GSource *drain_source; /* runs while there is traffic */
  _Atomic (gboolean) awake;
  _Atomic (gboolean) urgent;
  GPtrArray *producers;
  guint64 gone_n[2], gone_left_out; /* of producers that were freed */

  OcLogPacked **ring; /* OC_LOG_RING_MAX, by sequence */
  guint64 sequence;   /* of the newest */
  OcLogCalls *calls;

  GPtrArray *subscribers;
  guint last_id;
  guint calling; /* subscribers are being called */

  OcLogAudit *audit;
  GString *audit_lines; /* of the drain that runs */
  guint n_audit_lines;

  gboolean verbose;
  OcLogJournal *journal;
};

static gboolean on_wake (int fd, GIOCondition condition, gpointer user_data);

OcLog *
oc_log_new (void)
{
  OcLog *log = g_new0 (OcLog, 1);

  log->context = g_main_context_ref_thread_default ();
  log->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (log->event_fd < 0)
    g_error ("eventfd: %s", g_strerror (errno));
  log->event_source = g_unix_fd_source_new (log->event_fd, G_IO_IN);
  g_source_set_static_name (log->event_source, "log wake-up");
  g_source_set_callback (log->event_source, G_SOURCE_FUNC (on_wake), log, NULL);
  g_source_attach (log->event_source, log->context);
  log->producers = g_ptr_array_new ();
  log->ring = g_new0 (OcLogPacked *, OC_LOG_RING_MAX);
  log->subscribers = g_ptr_array_new_with_free_func (g_free);
  log->calls = oc_log_calls_new ();
  log->audit = oc_log_audit_new ();
  log->journal = oc_log_journal_new (log->context);
  return log;
}

void
oc_log_free (OcLog *log)
{
  if (log == NULL)
    return;
  g_assert (log->producers->len == 0);
  oc_source_clear (&log->event_source);
  oc_source_clear (&log->drain_source);
  oc_log_journal_free (log->journal);
  oc_fd_clear (&log->event_fd);
  oc_log_audit_free (log->audit);
  for (guint i = 0; i < OC_LOG_RING_MAX; i++)
    oc_log_packed_unref (log->ring[i]);
  g_free (log->ring);
  oc_log_calls_free (log->calls);
  g_ptr_array_unref (log->subscribers);
  g_ptr_array_unref (log->producers);
  g_main_context_unref (log->context);
  g_free (log);
}

/* --- Pushing --------------------------------------------------------------- */

OcLogProducer *
oc_log_add_producer (OcLog *log)
{
  OcLogProducer *producer = g_new0 (OcLogProducer, 1);

  producer->log = log;
  oc_log_ring_init (&producer->ring, OC_LOG_PRODUCER_BYTES);
  producer->open = oc_log_open_new ();
  producer->tickets = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_ptr_array_add (log->producers, producer);
  return producer;
}

void
oc_log_producer_free (OcLogProducer *producer)
{
  OcLog *log;

  if (producer == NULL)
    return;
  log = producer->log;
  oc_log_drain (log);
  for (guint i = 0; i < 2; i++)
    log->gone_n[i] += atomic_load_explicit (&producer->n[i], memory_order_relaxed);
  log->gone_left_out += atomic_load_explicit (&producer->left_out, memory_order_relaxed);
  g_ptr_array_remove (log->producers, producer);
  oc_log_ring_clear (&producer->ring);
  oc_log_open_free (producer->open);
  g_array_unref (producer->tickets);
  g_free (producer);
}

/* There is one writer, so no read-modify-write is needed. */
static void
count (_Atomic (guint64) *counter)
{
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + 1,
                         memory_order_relaxed);
}

static void
wake (OcLog *log)
{
  const guint64 one = 1;

  /* The counter cannot overflow, and a failure would only delay the record. */
  (void) !write (log->event_fd, &one, sizeof one);
}

/* Returns: FALSE when there was no room. */
static gboolean
push (OcLogProducer *producer, const OcDecision *decision)
{
  OcLog *log = producer->log;
  gboolean half_full = TRUE;
  gboolean pushed = oc_log_ring_push (&producer->ring, decision, &half_full);

  /* acq_rel: either the main thread's drain sees our record, or we see that it sleeps. */
  if (!atomic_exchange_explicit (&log->awake, TRUE, memory_order_acq_rel)
      || (half_full && !atomic_exchange_explicit (&log->urgent, TRUE, memory_order_acq_rel)))
    wake (log);
  return pushed;
}

void
oc_log_push (OcLogProducer *producer, const OcDecision *decision)
{
  count (&producer->n[decision->allowed ? 1 : 0]);
  if (!push (producer, decision))
    count (&producer->left_out);
}

void
oc_log_push_open (OcLogProducer *producer, const OcDecision *decision, OcLogTicket *ticket)
{
  GArray *tickets = producer->tickets;
  OcDecision open = *decision;

  if (open.time_us == 0)
    open.time_us = g_get_real_time ();
  if (tickets->len > 0)
    {
      open.ticket = g_array_index (tickets, guint32, tickets->len - 1);
      g_array_set_size (tickets, tickets->len - 1);
    }
  else
    open.ticket = ++producer->n_tickets;
  *ticket = (OcLogTicket) { open.ticket, open.time_us };
  oc_log_push (producer, &open);
}

void
oc_log_push_end (OcLogProducer *producer, OcLogTicket *ticket, const OcDecision *end)
{
  OcDecision told = { .layer = (OcLayer) OC_LOG_LAYER_END,
                      .ticket = ticket->id,
                      .time_us = ticket->time_us,
                      .address = end->address,
                      .bytes_up = end->bytes_up,
                      .bytes_down = end->bytes_down,
                      .duration_us = end->duration_us };

  if (ticket->id == 0)
    return;
  (void) push (producer, &told); /* without room the record stays as it is */
  g_array_append_val (producer->tickets, ticket->id);
  *ticket = (OcLogTicket) { 0 };
}

void
oc_log_set_verbose (OcLog *log, gboolean verbose)
{
  log->verbose = verbose;
}

/* --- Draining -------------------------------------------------------------- */

static void
append_audit (OcLog *log, const OcLogRecord *record)
{
  if (!oc_log_audit_is_open (log->audit))
    return;
  if (log->audit_lines == NULL)
    log->audit_lines = g_string_sized_new (16 * 1024);
  oc_log_record_append_json (record, log->audit_lines);
  g_string_append_c (log->audit_lines, '\n');
  log->n_audit_lines++;
}

static void
flush_audit (OcLog *log)
{
  if (log->audit_lines != NULL)
    oc_log_audit_write (log->audit, g_steal_pointer (&log->audit_lines), log->n_audit_lines);
  log->n_audit_lines = 0;
}

static void
sweep_subscribers (OcLog *log)
{
  for (guint i = log->subscribers->len; i > 0; i--)
    {
      Subscriber *subscriber = g_ptr_array_index (log->subscribers, i - 1);

      if (subscriber->func == NULL)
        g_ptr_array_remove_index (log->subscribers, i - 1);
    }
}

static void
call_subscribers (OcLog *log, const OcLogRecord *record)
{
  /* Those that come during the calls begin with the next record. */
  guint n = log->subscribers->len;

  log->calling++;
  for (guint i = 0; i < n; i++)
    {
      Subscriber *subscriber = g_ptr_array_index (log->subscribers, i);

      if (subscriber->func != NULL)
        subscriber->func (record, subscriber->user_data);
    }
  log->calling--;
}

/* Whether anybody wants the record now. Most are only kept for who may ask later. */
static gboolean
is_told (const OcLog *log, const OcLogPacked *packed)
{
  return !packed->allowed || log->verbose || log->subscribers->len > 0
         || oc_log_audit_is_open (log->audit);
}

/* For those who want to know how it went on. */
static void
store_end (OcLog *log, OcLogOpen *open, const OcLogPacked *end)
{
  OcLogPacked *packed = oc_log_open_end (open, end);
  OcLogRecord record;

  if (packed == NULL)
    return;
  if (log->subscribers->len > 0 || oc_log_audit_is_open (log->audit))
    {
      oc_log_unpack (packed, &record);
      append_audit (log, &record);
      call_subscribers (log, &record);
    }
  oc_log_packed_unref (packed);
}

static void
store (OcLog *log, OcLogOpen *open, const OcLogPacked *packed)
{
  OcLogPacked *copy = oc_log_calls_copy (log->calls, packed);
  OcLogPacked **slot;
  OcLogRecord record;

  oc_log_packed_clean (copy);
  copy->sequence = ++log->sequence;
  slot = &log->ring[copy->sequence % OC_LOG_RING_MAX];
  oc_log_packed_unref (*slot);
  *slot = copy;
  copy->refs = 1;
  if (copy->ticket != 0)
    oc_log_open_add (open, copy);
  if (!is_told (log, copy))
    return;
  oc_log_unpack (copy, &record);
  if (!record.decision.allowed)
    oc_log_journal_block (log->journal, &record.decision);
  else if (log->verbose)
    oc_log_journal_allowed (&record.decision);
  append_audit (log, &record);
  call_subscribers (log, &record);
}

/* The oldest of the records at the rings' tails, so that the log is in the
 * order of time within what one drain sees. */
static const OcLogPacked *
find_oldest (OcLog *log, OcLogProducer **out_producer)
{
  const OcLogPacked *oldest = NULL;

  for (guint i = 0; i < log->producers->len; i++)
    {
      OcLogProducer *producer = g_ptr_array_index (log->producers, i);
      const OcLogPacked *packed = oc_log_ring_peek (&producer->ring, producer->end);

      if (packed != NULL && (oldest == NULL || packed->time_us < oldest->time_us))
        {
          oldest = packed;
          *out_producer = producer;
        }
    }
  return oldest;
}

static gboolean
drain (OcLog *log)
{
  OcLogProducer *producer = NULL;
  const OcLogPacked *packed;
  gboolean found = FALSE;

  /* A subscriber that asks for the log is served from what is stored already. */
  if (log->calling > 0)
    return TRUE;
  atomic_store_explicit (&log->urgent, FALSE, memory_order_release);
  for (guint i = 0; i < log->producers->len; i++)
    {
      producer = g_ptr_array_index (log->producers, i);
      producer->end = oc_log_ring_get_end (&producer->ring);
    }
  while ((packed = find_oldest (log, &producer)) != NULL)
    {
      if (packed->layer == OC_LOG_LAYER_END)
        store_end (log, producer->open, packed);
      else
        store (log, producer->open, packed);
      oc_log_ring_pop (&producer->ring, packed);
      found = TRUE;
    }
  sweep_subscribers (log);
  flush_audit (log);
  return found;
}

void
oc_log_drain (OcLog *log)
{
  (void) drain (log);
}

static gboolean
on_drain_timer (gpointer user_data)
{
  OcLog *log = user_data;

  if (drain (log))
    return G_SOURCE_CONTINUE;
  atomic_exchange_explicit (&log->awake, FALSE, memory_order_acq_rel);
  if (drain (log))
    {
      atomic_exchange_explicit (&log->awake, TRUE, memory_order_acq_rel);
      return G_SOURCE_CONTINUE;
    }
  oc_source_clear (&log->drain_source);
  return G_SOURCE_REMOVE;
}

static gboolean
on_wake (int fd, GIOCondition condition, gpointer user_data)
{
  OcLog *log = user_data;
  guint64 n;

  (void) !read (fd, &n, sizeof n);
  (void) drain (log);
  if (log->drain_source == NULL)
    {
      log->drain_source = g_timeout_source_new (OC_LOG_DRAIN_INTERVAL_MS);
      g_source_set_static_name (log->drain_source, "log drain");
      g_source_set_callback (log->drain_source, on_drain_timer, log, NULL);
      g_source_attach (log->drain_source, log->context);
    }
  return G_SOURCE_CONTINUE;
}

/* --- Reading --------------------------------------------------------------- */

gboolean
oc_log_filter_matches (const OcLogFilter *filter, const OcLogRecord *record)
{
  const OcDecision *d = &record->decision;

  if (filter == NULL)
    return TRUE;
  if (filter->allowed >= 0 && (filter->allowed != 0) != (d->allowed != FALSE))
    return FALSE;
  if (d->time_us < filter->since_us)
    return FALSE;
  if (filter->agent != NULL && !oc_str_equal (oc_str_from (filter->agent), d->workload)
      && !oc_str_equal (oc_str_from (filter->agent), d->agent))
    return FALSE;
  if (filter->rule != NULL && !oc_str_equal (oc_str_from (filter->rule), d->rule))
    return FALSE;
  return filter->host == NULL || oc_host_in_domain (d->host, oc_str_from (filter->host));
}

static const OcLogPacked *
get_record (OcLog *log, guint64 sequence, const OcLogFilter *filter, OcLogRecord *out)
{
  const OcLogPacked *packed = log->ring[sequence % OC_LOG_RING_MAX];

  if (packed == NULL || packed->sequence != sequence)
    return NULL;
  oc_log_unpack (packed, out);
  return oc_log_filter_matches (filter, out) ? packed : NULL;
}

void
oc_log_foreach (OcLog *log, const OcLogFilter *filter, OcLogFunc func, gpointer user_data)
{
  guint64 last, first, from;
  gsize left = filter != NULL ? filter->limit : 0;
  OcLogRecord record;

  oc_log_drain (log);
  last = log->sequence;
  first = last > OC_LOG_RING_MAX ? last - OC_LOG_RING_MAX + 1 : 1;
  if (filter != NULL && filter->before > 0)
    last = MIN (last, filter->before - 1);
  from = first;
  if (left > 0)
    for (from = last + 1; from > first && left > 0; from--)
      if (get_record (log, from - 1, filter, &record) != NULL)
        left--;
  for (guint64 sequence = from; sequence <= last; sequence++)
    if (get_record (log, sequence, filter, &record) != NULL)
      func (&record, user_data);
}

void
oc_log_set_request (OcLog *log, guint64 sequence, guint64 request)
{
  OcLogPacked *packed = log->ring[sequence % OC_LOG_RING_MAX];

  if (packed != NULL && packed->sequence == sequence)
    packed->request = request;
}

guint
oc_log_subscribe (OcLog *log, OcLogFunc func, gpointer user_data)
{
  Subscriber *subscriber = g_new0 (Subscriber, 1);

  subscriber->id = ++log->last_id;
  subscriber->func = func;
  subscriber->user_data = user_data;
  g_ptr_array_add (log->subscribers, subscriber);
  return subscriber->id;
}

void
oc_log_unsubscribe (OcLog *log, guint id)
{
  for (guint i = 0; i < log->subscribers->len; i++)
    {
      Subscriber *subscriber = g_ptr_array_index (log->subscribers, i);

      if (subscriber->id == id)
        subscriber->func = NULL;
    }
  if (log->calling == 0)
    sweep_subscribers (log);
}

void
oc_log_get_counters (OcLog *log, OcLogCounters *out)
{
  guint64 n[2] = { log->gone_n[0], log->gone_n[1] };

  *out = (OcLogCounters) {
    .left_out = log->gone_left_out,
    .journal_left_out = oc_log_journal_get_left_out (log->journal),
    .audit_left_out = oc_log_audit_get_left_out (log->audit),
  };
  for (guint i = 0; i < log->producers->len; i++)
    {
      OcLogProducer *producer = g_ptr_array_index (log->producers, i);

      n[0] += atomic_load_explicit (&producer->n[0], memory_order_relaxed);
      n[1] += atomic_load_explicit (&producer->n[1], memory_order_relaxed);
      out->left_out += atomic_load_explicit (&producer->left_out, memory_order_relaxed);
    }
  out->blocked = n[0];
  out->allowed = n[1];
}

gboolean
oc_log_set_audit_file (OcLog *log, const char *path, GError **error)
{
  oc_log_drain (log); /* what was pushed before goes where it went so far */
  return oc_log_audit_set_file (log->audit, path, error);
}

void
oc_log_change (OcLog *log, const OcLogChange *change)
{
  oc_log_journal_change (change);
  if (oc_log_audit_is_open (log->audit))
    {
      GString *line = g_string_new (NULL);

      oc_log_change_append_json (change, line);
      oc_log_audit_write (log->audit, line, 1);
    }
}
