/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-worker.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>

#define EVENTS_MAX 64
/* Under load a worker sleeps so long before it looks again, as network cards hold back
 * their interrupts: a batch costs one waking, and nobody waits longer than this. */
#define GATHER_US 100
#define SLOT_BITS 24

/* --- Messages -------------------------------------------------------------- */

void
oc_dns_worker_post (OcDnsWorker *worker, OcDnsMessage *message)
{
  OcDnsInbox *inbox = &worker->inbox;
  gboolean was_empty;

  message->next = NULL;
  g_mutex_lock (&inbox->lock);
  was_empty = inbox->first == NULL;
  *(was_empty ? &inbox->first : &inbox->last->next) = message;
  inbox->last = message;
  g_mutex_unlock (&inbox->lock);
  if (was_empty)
    (void) eventfd_write (inbox->event_fd, 1); /* full only when it is readable already */
}

static OcDnsMessage *
take_messages (OcDnsWorker *worker)
{
  OcDnsInbox *inbox = &worker->inbox;
  OcDnsMessage *first;
  eventfd_t count;

  (void) eventfd_read (inbox->event_fd, &count);
  g_mutex_lock (&inbox->lock);
  first = g_steal_pointer (&inbox->first);
  inbox->last = NULL;
  g_mutex_unlock (&inbox->lock);
  return first;
}

void
oc_dns_waiter_free (OcDnsWaiter *waiter)
{
  if (waiter == NULL)
    return;
  if (waiter->asker == OC_DNS_ASKER_JOB)
    oc_dns_job_abandon (waiter->job);
  oc_dns_answer_unref (waiter->answer);
  g_free (waiter);
}

void
oc_dns_worker_finish (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsShared *shared = worker->shared;

  switch (waiter->asker)
    {
    case OC_DNS_ASKER_UDP:
      oc_dns_udp_finish (worker, waiter);
      break;
    case OC_DNS_ASKER_TCP:
      oc_dns_tcp_finish (worker, waiter);
      break;
    case OC_DNS_ASKER_JOB:
    default:
      oc_dns_job_finish (worker, waiter);
      waiter->asker = OC_DNS_ASKER_UDP; /* the job is no longer the waiter's */
      oc_dns_waiter_free (waiter);
      return;
    }
  worker->n_waiters--;
  oc_dns_limits_leave (&oc_dns_limits_get (shared->limits, waiter->use_slot)->n_waiting);
  oc_dns_waiter_free (waiter);
}

/* --- Gateways -------------------------------------------------------------- */

static void
free_listener (OcDnsListener *listener)
{
  oc_fd_clear (&listener->udp_fd);
  oc_fd_clear (&listener->tcp_fd);
  g_free (listener);
}

static void
watch_accept (OcDnsWorker *worker, guint32 slot)
{
  OcDnsListener *listener = worker->listeners.items[slot];

  if (listener != NULL && !listener->accepts)
    listener->accepts
        = oc_dns_worker_watch (worker, EPOLL_CTL_ADD, listener->tcp_fd, EPOLLIN, OC_DNS_TAG_ACCEPT,
                               slot, worker->listeners.generations[slot]);
}

static void
add_listener (OcDnsWorker *worker, OcDnsMessage *message)
{
  OcDnsListener *listener = g_new0 (OcDnsListener, 1);
  guint32 slot;

  listener->gateway = message->gateway;
  listener->udp_fd = oc_fd_steal (&message->udp_fd);
  listener->tcp_fd = oc_fd_steal (&message->tcp_fd);
  if (oc_dns_slots_is_full (&worker->listeners))
    {
      free_listener (listener);
      return;
    }
  slot = oc_dns_slots_add (&worker->listeners, listener);
  (void) oc_dns_worker_watch (worker, EPOLL_CTL_ADD, listener->udp_fd, EPOLLIN, OC_DNS_TAG_UDP,
                              slot, worker->listeners.generations[slot]);
  watch_accept (worker, slot);
}

/* @gateway: (nullable): NULL for all */
static void
remove_listeners (OcDnsWorker *worker, const OcAddress *gateway)
{
  for (guint32 slot = 0; slot < worker->listeners.size; slot++)
    {
      OcDnsListener *listener = worker->listeners.items[slot];

      if (listener == NULL
          || (gateway != NULL && !oc_address_equal (&listener->gateway, gateway)))
        continue;
      oc_dns_slots_remove (&worker->listeners, slot);
      free_listener (listener);
    }
}

/* --- The loop -------------------------------------------------------------- */

static void
handle_message (OcDnsWorker *worker, OcDnsMessage *message)
{
  switch (message->kind)
    {
    case OC_DNS_MESSAGE_FETCH:
      oc_dns_fetch_start (worker, message->waiter);
      break;
    case OC_DNS_MESSAGE_DONE:
      oc_dns_worker_finish (worker, message->waiter);
      break;
    case OC_DNS_MESSAGE_RESOLVE:
      oc_dns_job_start (worker, message->job);
      break;
    case OC_DNS_MESSAGE_ADD:
      add_listener (worker, message);
      break;
    case OC_DNS_MESSAGE_REMOVE:
      remove_listeners (worker, &message->gateway);
      break;
    case OC_DNS_MESSAGE_STOP:
    default:
      worker->stopping = TRUE;
      break;
    }
  g_free (message);
}

static void
handle_messages (OcDnsWorker *worker)
{
  OcDnsMessage *message = take_messages (worker);

  while (message != NULL)
    {
      OcDnsMessage *next = message->next;

      handle_message (worker, message);
      message = next;
    }
}

gboolean
oc_dns_worker_watch (OcDnsWorker *worker, int op, int fd, guint32 events, OcDnsTag tag,
                     guint32 slot, guint32 generation)
{
  struct epoll_event event = { .events = events };

  event.data.u64 = (guint64) generation << 32 | (guint64) tag << SLOT_BITS | slot;
  return epoll_ctl (worker->epoll_fd, op, fd, &event) == 0;
}

static void
handle_event (OcDnsWorker *worker, const struct epoll_event *event)
{
  guint32 generation = (guint32) (event->data.u64 >> 32);
  guint32 slot = (guint32) event->data.u64 & ((1u << SLOT_BITS) - 1);
  OcDnsListener *listener;

  switch ((OcDnsTag) ((guint32) event->data.u64 >> SLOT_BITS))
    {
    case OC_DNS_TAG_INBOX:
      handle_messages (worker);
      break;
    case OC_DNS_TAG_UDP:
      oc_dns_udp_on_readable (worker, slot, generation);
      break;
    case OC_DNS_TAG_ACCEPT:
      listener = oc_dns_slots_lookup (&worker->listeners, slot, generation);
      if (listener != NULL)
        oc_dns_tcp_on_accept (worker, listener);
      break;
    case OC_DNS_TAG_CONN:
      oc_dns_tcp_on_event (worker, slot, generation, event->events);
      break;
    case OC_DNS_TAG_FETCH:
    default:
      oc_dns_fetch_on_event (worker, slot, generation, event->events);
      break;
    }
}

static gint64
resume_accepting (OcDnsWorker *worker)
{
  if (worker->accept_again_us == 0)
    return G_MAXINT64;
  if (worker->accept_again_us > worker->now_us)
    return worker->accept_again_us;
  worker->accept_again_us = 0;
  for (guint32 slot = 0; slot < worker->listeners.size; slot++)
    watch_accept (worker, slot);
  return G_MAXINT64;
}

/* Returns: milliseconds until the next deadline, -1 for none. */
static int
handle_time (OcDnsWorker *worker)
{
  gint64 next_us = oc_dns_tcp_on_time (worker);
  gint64 wait_us;

  next_us = MIN (next_us, oc_dns_fetch_on_time (worker));
  next_us = MIN (next_us, oc_dns_job_on_time (worker));
  next_us = MIN (next_us, resume_accepting (worker));
  if (next_us == G_MAXINT64)
    return -1;
  wait_us = MAX (next_us - worker->now_us, 0);
  return (int) MIN ((wait_us + 999) / 1000, 60000);
}

static void
read_clocks (OcDnsWorker *worker)
{
  worker->now_us = g_get_monotonic_time ();
  worker->real_now_us = g_get_real_time ();
}

/* Sleeps when two or more questions may come meanwhile, at the pace of this turn's; not
 * when a whole batch was there, after which more are waiting already. */
static void
gather (OcDnsWorker *worker)
{
  static const struct timespec pause = { .tv_nsec = GATHER_US * 1000 };
  guint64 queries = atomic_load_explicit (&worker->counters.queries, memory_order_relaxed);
  guint64 n = queries - worker->gathered;
  gint64 since_us = worker->now_us - worker->gathered_us;

  worker->gathered = queries;
  worker->gathered_us = worker->now_us;
  if (n > 0 && n < OC_DNS_BATCH && (gint64) n * GATHER_US >= 2 * since_us)
    (void) clock_nanosleep (CLOCK_MONOTONIC, 0, &pause, NULL);
}

static gpointer
run (gpointer data)
{
  OcDnsWorker *worker = data;
  struct epoll_event events[EVENTS_MAX];

  (void) prctl (PR_SET_TIMERSLACK, 1000); /* ns, of this thread: for gather() */
  read_clocks (worker);
  while (!worker->stopping)
    {
      int timeout_ms = handle_time (worker);
      int n = epoll_wait (worker->epoll_fd, events, EVENTS_MAX, timeout_ms);

      read_clocks (worker);
      for (int i = 0; i < n && !worker->stopping; i++)
        handle_event (worker, &events[i]);
      gather (worker);
    }
  return NULL;
}

/* --- Life ------------------------------------------------------------------ */

/* Kernel randomness is bought in portions. */
void
oc_dns_worker_random (OcDnsWorker *worker, guint8 *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      if (worker->n_random == 0)
        {
          /* Up to 256 octets are never given in part. */
          if (getrandom (worker->random, sizeof worker->random, 0)
              != (ssize_t) sizeof worker->random)
            g_error ("no random numbers from the kernel");
          worker->n_random = sizeof worker->random;
        }
      out[i] = worker->random[--worker->n_random];
    }
}

OcDnsWorker *
oc_dns_worker_new (OcDnsShared *shared, guint index, OcSnapshotHub *hub, OcLog *log,
                   GError **error)
{
  OcDnsWorker *worker = g_new0 (OcDnsWorker, 1);

  worker->shared = shared;
  worker->index = index;
  g_mutex_init (&worker->inbox.lock);
  worker->inbox.event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  worker->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  worker->reader = oc_snapshot_hub_add_reader (hub);
  worker->producer = oc_log_add_producer (log);
  worker->udp = oc_dns_udp_new ();
  oc_dns_slots_init (&worker->listeners, OC_DNS_LISTENERS_MAX);
  oc_dns_slots_init (&worker->conns, OC_DNS_CONNS_MAX);
  oc_dns_slots_init (&worker->fetches, OC_DNS_FETCHES_MAX);
  if (worker->inbox.event_fd < 0 || worker->epoll_fd < 0
      || !oc_dns_worker_watch (worker, EPOLL_CTL_ADD, worker->inbox.event_fd, EPOLLIN,
                               OC_DNS_TAG_INBOX, 0, 0))
    {
      oc_throw_errno (error, "DNS worker %u: epoll", index);
      oc_dns_worker_free (worker);
      return NULL;
    }
  return worker;
}

void
oc_dns_worker_start (OcDnsWorker *worker)
{
  g_autofree char *name = g_strdup_printf ("dns-%u", worker->index);

  worker->thread = g_thread_new (name, run, worker);
}

void
oc_dns_worker_stop (OcDnsWorker *worker)
{
  OcDnsMessage *message;

  if (worker->thread == NULL)
    return;
  message = g_new0 (OcDnsMessage, 1);
  message->kind = OC_DNS_MESSAGE_STOP;
  oc_dns_worker_post (worker, message);
  g_thread_join (g_steal_pointer (&worker->thread));
}

static void
drop_messages (OcDnsWorker *worker)
{
  OcDnsMessage *message = take_messages (worker);

  while (message != NULL)
    {
      OcDnsMessage *next = message->next;

      oc_dns_waiter_free (message->waiter);
      if (message->kind == OC_DNS_MESSAGE_RESOLVE)
        oc_dns_job_abandon (message->job);
      if (message->kind == OC_DNS_MESSAGE_ADD)
        {
          oc_fd_clear (&message->udp_fd);
          oc_fd_clear (&message->tcp_fd);
        }
      g_free (message);
      message = next;
    }
}

/* All workers have stopped by now, so nothing new arrives. */
void
oc_dns_worker_free (OcDnsWorker *worker)
{
  if (worker == NULL)
    return;
  oc_dns_tcp_close_all (worker);
  oc_dns_fetch_close_all (worker);
  if (worker->inbox.event_fd >= 0)
    drop_messages (worker);
  remove_listeners (worker, NULL);
  oc_dns_slots_clear (&worker->fetches);
  oc_dns_slots_clear (&worker->conns);
  oc_dns_slots_clear (&worker->listeners);
  oc_dns_udp_free (worker->udp);
  oc_log_producer_free (worker->producer);
  oc_snapshot_reader_free (worker->reader);
  oc_fd_clear (&worker->epoll_fd);
  oc_fd_clear (&worker->inbox.event_fd);
  g_mutex_clear (&worker->inbox.lock);
  g_free (worker);
}
