/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * DNS over TCP (RFC 7766): each message after two octets of length, as many in
 * flight as OC_DNS_PIPELINE_MAX, answers in the order in which they are known.
 * Back-pressure is by not reading: while too many questions wait or the peer
 * does not take its answers, the socket is not polled for input.
 */
#include "config.h"

#include "dns/oc-dns-worker.h"

#include "common/oc-fd.h"

#include <errno.h>
#include <sys/epoll.h>

#define ACCEPTS_MAX 16
#define ACCEPT_PAUSE_MS 100
/* Answers that wait for the peer; with one more of the largest it is the most
 * that a connection may hold. */
#define PENDING_MAX (64 * 1024)

struct OcDnsConn
{
  int fd;
  guint32 slot, generation;
  guint32 use_slot;
  OcAddress source;
  guint32 events;       /* that epoll watches */
  gboolean input_ended; /* the peer sends no more */
  guint n_waiting;
  gint64 active_us;
  OcDnsConn *prev, *next; /* by @active_us */
  gsize in_len;
  gsize out_at, out_len, out_size;
  guint8 *out; /* allocated with the first answer */
  guint8 in[OC_DNS_QUERY_MAX + 2];
};

static void
unlink_conn (OcDnsWorker *worker, OcDnsConn *conn)
{
  *(conn->prev != NULL ? &conn->prev->next : &worker->idle_first) = conn->next;
  *(conn->next != NULL ? &conn->next->prev : &worker->idle_last) = conn->prev;
}

static void
append_conn (OcDnsWorker *worker, OcDnsConn *conn)
{
  conn->active_us = worker->now_us;
  conn->next = NULL;
  conn->prev = worker->idle_last;
  *(conn->prev != NULL ? &conn->prev->next : &worker->idle_first) = conn;
  worker->idle_last = conn;
}

static void
touch (OcDnsWorker *worker, OcDnsConn *conn)
{
  unlink_conn (worker, conn);
  append_conn (worker, conn);
}

static void
close_conn (OcDnsWorker *worker, OcDnsConn *conn)
{
  unlink_conn (worker, conn);
  oc_dns_slots_remove (&worker->conns, conn->slot);
  oc_dns_limits_leave (&oc_dns_limits_get (worker->shared->limits, conn->use_slot)->n_tcp);
  oc_fd_clear (&conn->fd);
  g_free (conn->out);
  g_free (conn);
}

/* --- Accepting ------------------------------------------------------------- */

static guint32
find_use_slot (OcDnsWorker *worker, const OcAddress *source)
{
  const OcIdentity *identity
      = oc_snapshot_lookup (oc_snapshot_reader_get (worker->reader), source);

  return identity != NULL ? identity->slot : OC_DNS_NOBODY;
}

/* Takes @fd over. */
static void
add_conn (OcDnsWorker *worker, int fd, const struct sockaddr_storage *peer)
{
  oc_autofd int own = fd;
  OcAddress source;
  guint32 use_slot;
  OcDnsConn *conn;

  if (!oc_address_from_sockaddr ((const struct sockaddr *) peer, &source, NULL)
      || oc_dns_slots_is_full (&worker->conns))
    return;
  use_slot = find_use_slot (worker, &source);
  if (!oc_dns_limits_enter (&oc_dns_limits_get (worker->shared->limits, use_slot)->n_tcp,
                            OC_DNS_TCP_PER_WORKLOAD_MAX))
    return;
  conn = g_new0 (OcDnsConn, 1);
  conn->fd = oc_fd_steal (&own);
  conn->source = source;
  conn->use_slot = use_slot;
  conn->slot = oc_dns_slots_add (&worker->conns, conn);
  conn->generation = worker->conns.generations[conn->slot];
  conn->events = EPOLLIN;
  append_conn (worker, conn);
  if (!oc_dns_worker_watch (worker, EPOLL_CTL_ADD, conn->fd, conn->events, OC_DNS_TAG_CONN,
                            conn->slot, conn->generation))
    close_conn (worker, conn);
}

void
oc_dns_tcp_on_accept (OcDnsWorker *worker, OcDnsListener *listener)
{
  for (guint i = 0; i < ACCEPTS_MAX; i++)
    {
      struct sockaddr_storage peer;
      socklen_t peer_len = sizeof peer;
      int fd = accept4 (listener->tcp_fd, (struct sockaddr *) &peer, &peer_len,
                        SOCK_CLOEXEC | SOCK_NONBLOCK);

      if (fd >= 0)
        add_conn (worker, fd, &peer);
      else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        {
          /* Polling on would spin; the loop's timer takes it up again. */
          (void) epoll_ctl (worker->epoll_fd, EPOLL_CTL_DEL, listener->tcp_fd, NULL);
          listener->accepts = FALSE;
          worker->accept_again_us = worker->now_us + ACCEPT_PAUSE_MS * 1000;
          return;
        }
      else if (errno == EAGAIN)
        return;
    }
}

/* --- One connection -------------------------------------------------------- */

static gboolean
can_serve (const OcDnsConn *conn)
{
  return conn->n_waiting < OC_DNS_PIPELINE_MAX && conn->out_len - conn->out_at < PENDING_MAX;
}

static gboolean
wants_input (const OcDnsConn *conn)
{
  return !conn->input_ended && can_serve (conn);
}

/* Whole messages can only be left in the buffer while others wait. */
static gboolean
is_done (const OcDnsConn *conn)
{
  return conn->input_ended && conn->n_waiting == 0 && conn->out_at == conn->out_len;
}

static gboolean
watch_conn (OcDnsWorker *worker, OcDnsConn *conn)
{
  guint32 events = (wants_input (conn) ? (guint32) EPOLLIN : 0)
                   | (conn->out_at < conn->out_len ? (guint32) EPOLLOUT : 0);

  if (events == conn->events)
    return TRUE;
  conn->events = events;
  return oc_dns_worker_watch (worker, EPOLL_CTL_MOD, conn->fd, events, OC_DNS_TAG_CONN, conn->slot,
                              conn->generation);
}

static void
queue_answer (OcDnsConn *conn, const guint8 *answer, gsize len)
{
  if (conn->out_at == conn->out_len)
    conn->out_at = conn->out_len = 0;
  if (conn->out_len + len + 2 > conn->out_size)
    {
      conn->out_size = MAX (conn->out_len + len + 2, 2 * conn->out_size);
      conn->out = g_realloc (conn->out, conn->out_size);
    }
  oc_dns_put16 (conn->out + conn->out_len, (guint) len);
  memcpy (conn->out + conn->out_len + 2, answer, len);
  conn->out_len += len + 2;
}

/* FALSE: the connection is broken. */
static gboolean
flush_answers (OcDnsConn *conn)
{
  while (conn->out_at < conn->out_len)
    {
      ssize_t sent = send (conn->fd, conn->out + conn->out_at, conn->out_len - conn->out_at,
                           MSG_DONTWAIT | MSG_NOSIGNAL);

      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0)
        return errno == EAGAIN;
      conn->out_at += (gsize) sent;
    }
  return TRUE;
}

/* FALSE: close. */
static gboolean
serve_message (OcDnsWorker *worker, OcDnsConn *conn, const guint8 *message, gsize len)
{
  OcDnsAsk ask = { .source = conn->source, .tcp = TRUE };
  OcDnsQuery query;
  OcDnsWaiter *waiter;
  gsize out_len = 0;

  oc_dns_serve_read (worker, &ask, message, len, &query);
  switch (oc_dns_serve_query (worker, &ask, &query, worker->scratch, &out_len))
    {
    case OC_DNS_SERVED:
      queue_answer (conn, worker->scratch, out_len);
      return TRUE;
    case OC_DNS_FETCH:
      waiter = oc_dns_serve_make_waiter (worker, &ask, &query);
      if (waiter == NULL)
        {
          queue_answer (conn, worker->scratch, oc_dns_serve_failure (&query, worker->scratch));
          return TRUE;
        }
      waiter->route_slot = conn->slot;
      waiter->route_generation = conn->generation;
      conn->n_waiting++;
      oc_dns_fetch_submit (worker, waiter);
      return TRUE;
    case OC_DNS_SILENCE:
    default:
      return FALSE;
    }
}

/* Whole messages in the buffer. FALSE: close. */
static gboolean
serve_buffer (OcDnsWorker *worker, OcDnsConn *conn)
{
  gsize at = 0;
  gboolean ok = TRUE;

  while (ok && conn->in_len - at >= 2 && can_serve (conn))
    {
      gsize len = oc_dns_get16 (conn->in + at);

      if (len > OC_DNS_QUERY_MAX)
        {
          OC_DNS_COUNT (worker, malformed, 1);
          return FALSE;
        }
      if (conn->in_len - at - 2 < len)
        break;
      ok = serve_message (worker, conn, conn->in + at + 2, len);
      at += 2 + len;
    }
  memmove (conn->in, conn->in + at, conn->in_len - at);
  conn->in_len -= at;
  return ok;
}

/* One read per event: the kernel's queue is the buffer. FALSE: close. */
static gboolean
read_some (OcDnsConn *conn)
{
  ssize_t n;

  if (!wants_input (conn) || conn->in_len == sizeof conn->in)
    return TRUE;
  n = recv (conn->fd, conn->in + conn->in_len, sizeof conn->in - conn->in_len, MSG_DONTWAIT);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  if (n == 0)
    conn->input_ended = TRUE;
  conn->in_len += (gsize) n;
  return TRUE;
}

/* Serves what is there, sends what goes, closes or watches. What the peer takes
 * at once makes room for more, and whatever is then left in the buffer waits for
 * an event: an answer from upstream, room to write, or more input. */
static void
advance (OcDnsWorker *worker, OcDnsConn *conn)
{
  gsize before;

  do
    {
      before = conn->in_len;
      if (!serve_buffer (worker, conn) || !flush_answers (conn))
        {
          close_conn (worker, conn);
          return;
        }
    }
  while (conn->in_len < before);
  if (is_done (conn) || !watch_conn (worker, conn))
    close_conn (worker, conn);
}

void
oc_dns_tcp_on_event (OcDnsWorker *worker, guint32 slot, guint32 generation, guint32 events)
{
  OcDnsConn *conn = oc_dns_slots_lookup (&worker->conns, slot, generation);

  if (conn == NULL)
    return;
  touch (worker, conn);
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 || !read_some (conn))
    close_conn (worker, conn);
  else
    advance (worker, conn);
}

void
oc_dns_tcp_finish (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsConn *conn
      = oc_dns_slots_lookup (&worker->conns, waiter->route_slot, waiter->route_generation);

  if (conn == NULL)
    return;
  conn->n_waiting--;
  touch (worker, conn);
  queue_answer (conn, worker->scratch, oc_dns_serve_waiter (worker, waiter, worker->scratch));
  advance (worker, conn);
}

gint64
oc_dns_tcp_on_time (OcDnsWorker *worker)
{
  gint64 idle_us = (gint64) OC_DNS_CONN_IDLE_S * G_USEC_PER_SEC;

  while (worker->idle_first != NULL && worker->idle_first->active_us + idle_us <= worker->now_us)
    close_conn (worker, worker->idle_first);
  return worker->idle_first != NULL ? worker->idle_first->active_us + idle_us : G_MAXINT64;
}

void
oc_dns_tcp_close_all (OcDnsWorker *worker)
{
  while (worker->idle_first != NULL)
    close_conn (worker, worker->idle_first);
}
