/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <sys/eventfd.h>

#define EVENTS_PER_WAIT 256

/* --- Sources ------------------------------------------------------------------ */

static guint64
make_token (const OcSource *source, guint32 id)
{
  return (guint64) source->generation << 32 | id;
}

static void
grow_sources (OcWorker *worker)
{
  guint32 old = worker->n_sources;

  worker->n_sources = old == 0 ? 64 : old * 2;
  worker->sources = g_renew (OcSource, worker->sources, worker->n_sources);
  memset (worker->sources + old, 0, (worker->n_sources - old) * sizeof *worker->sources);
  for (guint32 i = worker->n_sources - 1; i >= MAX (old, 1); i--)
    {
      worker->sources[i].next_free = worker->free_source;
      worker->free_source = i;
    }
}

static void
release_source (OcWorker *worker, guint32 id)
{
  OcSource *source = &worker->sources[id];

  source->generation++;
  source->func = NULL;
  source->next_free = worker->free_source;
  worker->free_source = id;
}

guint32
oc_worker_add_source (OcWorker *worker, int fd, guint32 events, OcSourceFunc func, gpointer owner)
{
  guint32 id;
  OcSource *source;
  struct epoll_event event = { .events = events };

  if (worker->free_source == 0)
    grow_sources (worker);
  id = worker->free_source;
  source = &worker->sources[id];
  worker->free_source = source->next_free;
  source->fd = fd;
  source->events = events;
  source->func = func;
  source->owner = owner;
  event.data.u64 = make_token (source, id);
  if (fd >= 0 && epoll_ctl (worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      release_source (worker, id);
      return 0;
    }
  return id;
}

void
oc_worker_set_events (OcWorker *worker, guint32 id, guint32 events)
{
  OcSource *source = &worker->sources[id];
  struct epoll_event event = { .events = events };

  if (id == 0 || source->fd < 0 || source->events == events)
    return;
  source->events = events;
  event.data.u64 = make_token (source, id);
  /* Cannot fail for a descriptor that is registered. */
  (void) epoll_ctl (worker->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void
oc_worker_hand_source (OcWorker *worker, guint32 id, OcSourceFunc func, gpointer owner)
{
  worker->sources[id].func = func;
  worker->sources[id].owner = owner;
}

void
oc_worker_mute_source (OcWorker *worker, guint32 id)
{
  OcSource *source = &worker->sources[id];

  if (id == 0 || source->fd < 0)
    return;
  (void) epoll_ctl (worker->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
  source->fd = -1;
}

/* close() ends the registration; where a child between fork and exec still
 * holds the descriptor, the generation keeps its events out. */
void
oc_worker_close (OcWorker *worker, guint32 *id, int *fd)
{
  if (*id != 0)
    release_source (worker, *id);
  *id = 0;
  oc_fd_clear (fd);
}

guint64
oc_worker_get_token (OcWorker *worker, guint32 id)
{
  return make_token (&worker->sources[id], id);
}

static void
dispatch (OcWorker *worker, guint64 token, guint32 events)
{
  guint32 id = (guint32) token;
  OcSource *source = &worker->sources[id];

  if (source->func != NULL && source->generation == (guint32) (token >> 32))
    source->func (source->owner, events);
}

/* --- What other threads say ------------------------------------------------------ */

void
oc_worker_refresh (OcWorker *worker)
{
  worker->snapshot = oc_snapshot_reader_get (worker->reader);
  if (G_LIKELY (oc_snapshot_get_generation (worker->snapshot) == worker->generation))
    return;
  worker->generation = oc_snapshot_get_generation (worker->snapshot);
  for (OcConn *conn = worker->conns, *next; conn != NULL; conn = next)
    {
      next = conn->next;
      if (oc_proxy_still_allowed (conn))
        continue;
      oc_conn_drop_upstream (conn); /* not to rest for others */
      oc_conn_close (conn);
    }
  oc_idle_clear (worker);
}

static void
on_snapshot (gpointer owner, guint32 events)
{
  oc_worker_refresh (owner);
}

/* What rests leads another way. */
static void
set_parent (OcWorker *worker, const OcParent *parent)
{
  worker->parent = *parent;
  for (OcConn *conn = worker->conns; conn != NULL; conn = conn->next)
    if (conn->state == OC_CONN_HEAD)
      oc_conn_drop_upstream (conn);
  oc_idle_clear (worker);
}

static void
handle_message (OcWorker *worker, const OcMessage *message)
{
  switch (message->kind)
    {
    case OC_MESSAGE_LISTEN:
      oc_listener_add (worker, message->fd, &message->gateway, message->mode);
      break;
    case OC_MESSAGE_UNLISTEN:
      oc_listeners_remove (worker, &message->gateway);
      break;
    case OC_MESSAGE_DRAIN:
      oc_listeners_remove (worker, NULL);
      worker->drain_us = message->deadline_us;
      oc_idle_clear (worker);
      break;
    case OC_MESSAGE_PARENT:
      set_parent (worker, &message->parent);
      break;
    }
}

static OcMessage *
take_messages (OcWorker *worker)
{
  OcMessage *in_order = NULL;

  g_mutex_lock (&worker->lock);
  for (OcMessage *m = g_steal_pointer (&worker->messages), *next; m != NULL; m = next)
    {
      next = m->next;
      m->next = in_order;
      in_order = m;
    }
  g_mutex_unlock (&worker->lock);
  return in_order;
}

static void
on_wake (gpointer owner, guint32 events)
{
  OcWorker *worker = owner;
  eventfd_t count;

  (void) eventfd_read (worker->wake_fd, &count);
  for (OcMessage *m = take_messages (worker), *next; m != NULL; m = next)
    {
      next = m->next;
      handle_message (worker, m);
      g_free (m);
    }
}

void
oc_worker_send (OcWorker *worker, const OcMessage *message)
{
  OcMessage *copy = g_memdup2 (message, sizeof *message);

  g_mutex_lock (&worker->lock);
  copy->next = worker->messages;
  worker->messages = copy;
  g_mutex_unlock (&worker->lock);
  (void) eventfd_write (worker->wake_fd, 1);
}

/* --- The loop ------------------------------------------------------------------------ */

static void
on_accept_again (gpointer owner)
{
  OcWorker *worker = owner;

  for (OcListener *l = worker->listeners; l != NULL; l = l->next)
    oc_worker_set_events (worker, l->source, EPOLLIN);
}

static void
run_ready (OcWorker *worker)
{
  OcConn *ready = g_steal_pointer (&worker->ready);

  for (OcConn *next; ready != NULL; ready = next)
    {
      next = ready->next_ready;
      ready->next_ready = NULL;
      ready->is_ready = false;
      if (ready->state != OC_CONN_DEAD)
        oc_conn_run (ready);
    }
}

static void
bury_dead (OcWorker *worker)
{
  OcConn **link = &worker->dead;

  while (*link != NULL)
    {
      OcConn *conn = *link;

      if (conn->is_ready)
        {
          link = &conn->next;
          continue;
        }
      *link = conn->next;
      oc_conn_free (conn);
    }
}

static int
get_wait_ms (OcWorker *worker)
{
  int wait_ms = oc_timers_next_ms (&worker->timers, g_get_monotonic_time ());

  if (worker->ready != NULL)
    return 0;
  if (worker->drain_us > 0)
    {
      gint64 left_ms = (worker->drain_us - g_get_monotonic_time ()) / 1000 + 1;

      left_ms = CLAMP (left_ms, 0, 60000);
      return wait_ms < 0 ? (int) left_ms : MIN (wait_ms, (int) left_ms);
    }
  return wait_ms;
}

static bool
is_finished (OcWorker *worker)
{
  return worker->drain_us > 0
         && (worker->conns == NULL || g_get_monotonic_time () >= worker->drain_us);
}

static gpointer
worker_main (gpointer user_data)
{
  OcWorker *worker = user_data;
  struct epoll_event events[EVENTS_PER_WAIT];

  while (!is_finished (worker))
    {
      int n = epoll_wait (worker->epoll_fd, events, EVENTS_PER_WAIT, get_wait_ms (worker));

      worker->now_us = g_get_monotonic_time ();
      for (int i = 0; i < n; i++)
        {
          oc_worker_refresh (worker);
          dispatch (worker, events[i].data.u64, events[i].events);
        }
      oc_worker_refresh (worker);
      oc_timers_run (&worker->timers, worker->now_us);
      run_ready (worker);
      bury_dead (worker);
    }
  oc_listeners_remove (worker, NULL);
  while (worker->conns != NULL)
    oc_conn_close (worker->conns);
  run_ready (worker);
  bury_dead (worker);
  return NULL;
}

/* --- Life ------------------------------------------------------------------------------- */

static gboolean
add_fixed_sources (OcWorker *worker, GError **error)
{
  worker->wake_source = oc_worker_add_source (worker, worker->wake_fd, EPOLLIN, on_wake, worker);
  worker->snapshot_source = oc_worker_add_source (
      worker, oc_snapshot_reader_get_fd (worker->reader), EPOLLIN, on_snapshot, worker);
  if (worker->wake_source == 0 || worker->snapshot_source == 0)
    return oc_throw_errno (error, "proxy epoll");
  if (worker->resolver == NULL)
    return TRUE;
  worker->resolver_source = oc_worker_add_source (worker, oc_resolver_get_fd (worker->resolver),
                                                  EPOLLIN, oc_dial_on_resolver, worker);
  return worker->resolver_source != 0 || oc_throw_errno (error, "proxy epoll");
}

OcWorker *
oc_worker_new (OcProxyShared *shared, OcSnapshotReader *reader, OcLogProducer *log,
               OcResolver *resolver, GError **error)
{
  OcWorker *worker = g_new0 (OcWorker, 1);

  worker->shared = shared;
  worker->reader = reader;
  worker->log = log;
  worker->resolver = resolver;
  g_mutex_init (&worker->lock);
  oc_timers_init (&worker->timers, g_get_monotonic_time ());
  worker->accept_timer = (OcTimer) { .func = on_accept_again, .owner = worker };
  worker->lower = g_malloc (shared->buffer_size);
  worker->snapshot = oc_snapshot_reader_get (reader);
  worker->generation = oc_snapshot_get_generation (worker->snapshot);
  worker->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  worker->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (worker->epoll_fd < 0 || worker->wake_fd < 0)
    (void) oc_throw_errno (error, "proxy worker");
  else if (add_fixed_sources (worker, error))
    {
      worker->thread = g_thread_new ("proxy", worker_main, worker);
      return worker;
    }
  oc_worker_free (worker);
  return NULL;
}

static void
free_pools (OcWorker *worker)
{
  for (OcBuffer *b = worker->free_buffers, *next; b != NULL; b = next)
    {
      next = b->next_free;
      g_free (b);
    }
  for (OcPipe *p = worker->free_pipes, *next; p != NULL; p = next)
    {
      next = p->next_free;
      oc_fd_clear (&p->in);
      oc_fd_clear (&p->out);
      g_free (p);
    }
}

void
oc_worker_free (OcWorker *worker)
{
  if (worker == NULL)
    return;
  if (worker->thread != NULL)
    {
      OcMessage drain = { .kind = OC_MESSAGE_DRAIN, .deadline_us = 1 };

      oc_worker_send (worker, &drain);
      g_thread_join (worker->thread);
    }
  for (OcMessage *m = take_messages (worker), *next; m != NULL; m = next)
    {
      next = m->next;
      if (m->kind == OC_MESSAGE_LISTEN)
        oc_fd_clear (&m->fd);
      g_free (m);
    }
  free_pools (worker);
  oc_resolver_free (worker->resolver);
  oc_log_producer_free (worker->log);
  oc_snapshot_reader_free (worker->reader);
  oc_fd_clear (&worker->wake_fd);
  oc_fd_clear (&worker->epoll_fd);
  g_mutex_clear (&worker->lock);
  g_free (worker->sources);
  g_free (worker->lower);
  g_free (worker);
}
