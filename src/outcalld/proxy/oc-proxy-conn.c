/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include "common/oc-fd.h"
#include "proxy/oc-proxy-tls.h"

#include <sys/socket.h>

#define LINGER_BYTES 65536

/* --- Limits --------------------------------------------------------------------- */

/* Connections beyond a limit that may be told so, before the rest is just closed. */
static guint
add_told (guint limit)
{
  return limit + limit / 8 + 16;
}

guint
oc_conn_get_slot (const OcConn *conn)
{
  return conn->identity != NULL ? conn->identity->slot % OC_PROXY_SLOTS_MAX : OC_PROXY_SLOTS_MAX;
}

static atomic_uint *
get_slot_counter (OcConn *conn)
{
  return &conn->worker->shared->per_slot[oc_conn_get_slot (conn)];
}

typedef enum
{
  WITHIN,
  OVER, /* is told so */
  FAR_OVER,
} Room;

/* Counts @conn in. A workload may hold as many connections as are still free
 * for all: n greedy ones end up with an (n+1)th each, and who comes then still
 * finds room. */
static Room
count_in (OcConn *conn)
{
  const OcProxyOptions *options = &conn->worker->shared->options;
  guint all = atomic_fetch_add_explicit (&conn->worker->shared->active, 1, memory_order_relaxed);
  guint own = atomic_fetch_add_explicit (get_slot_counter (conn), 1, memory_order_relaxed);
  guint free = options->max_connections - MIN (options->max_connections, all);
  guint most = MIN (options->max_connections_per_workload, free);

  conn->counted = true;
  if (own < most)
    return WITHIN;
  return own < add_told (most) && all < add_told (options->max_connections) ? OVER : FAR_OVER;
}

static void
count_out (OcConn *conn)
{
  if (!conn->counted)
    return;
  conn->counted = false;
  atomic_fetch_sub_explicit (&conn->worker->shared->active, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit (get_slot_counter (conn), 1, memory_order_relaxed);
}

/* --- Life -------------------------------------------------------------------------- */

void
oc_conn_arm (OcConn *conn, guint timeout_ms)
{
  oc_timers_arm (&conn->worker->timers, &conn->timer,
                 conn->worker->now_us + (gint64) timeout_ms * 1000);
}

void
oc_conn_drop_upstream (OcConn *conn)
{
  oc_tls_free (g_steal_pointer (&conn->upstream.tls));
  oc_worker_close (conn->worker, &conn->upstream.source, &conn->upstream.fd);
  conn->upstream.eof = conn->upstream.ready = conn->upstream.muted = false;
  oc_worker_put_buffer (conn->worker, &conn->from_upstream);
  oc_worker_put_buffer (conn->worker, &conn->to_upstream);
}

bool
oc_conn_upstream_rests (const OcConn *conn)
{
  const OcEnd *end = &conn->upstream;
  char byte;

  return end->fd >= 0 && !end->eof && !end->muted
         && (end->tls == NULL || !oc_tls_is_pending (end->tls))
         && recv (end->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void
oc_conn_close (OcConn *conn)
{
  OcWorker *worker = conn->worker;

  if (conn->state == OC_CONN_DEAD)
    return;
  if (conn->state == OC_CONN_HEAD && conn->upstream.fd >= 0)
    oc_idle_keep (conn);
  oc_proxy_log_end (conn);
  conn->state = OC_CONN_DEAD;
  oc_dial_cancel (conn);
  oc_conn_drop_upstream (conn);
  oc_tls_free (g_steal_pointer (&conn->client.tls));
  oc_worker_close (worker, &conn->client.source, &conn->client.fd);
  oc_worker_put_buffer (worker, &conn->from_client);
  oc_worker_put_buffer (worker, &conn->to_client);
  oc_body_drop (conn);
  oc_worker_put_pipe (worker, &conn->up.pipe);
  oc_worker_put_pipe (worker, &conn->down.pipe);
  oc_timers_disarm (&worker->timers, &conn->timer);
  count_out (conn);
  if (conn->prev != NULL)
    conn->prev->next = conn->next;
  else
    worker->conns = conn->next;
  if (conn->next != NULL)
    conn->next->prev = conn->prev;
  worker->n_conns--;
  conn->next = worker->dead;
  worker->dead = conn;
}

void
oc_conn_free (OcConn *conn)
{
  oc_identity_unref (conn->identity);
  oc_secrets_unref (conn->told);
  g_free (conn->sni);
  g_free (conn->head);
  g_free (conn);
}

static void
on_idle (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  gint64 due_us = conn->active_us + (gint64) worker->shared->timeouts.idle_ms * 1000;

  if (conn->gate && conn->gate_due_us > 0 && worker->now_us >= conn->gate_due_us)
    oc_conn_close (conn);
  else if (due_us > worker->now_us)
    oc_timers_arm (&worker->timers, &conn->timer,
                   conn->gate && conn->gate_due_us > 0 ? MIN (due_us, conn->gate_due_us) : due_us);
  else if (conn->state == OC_CONN_EXCHANGE && !conn->x.resp_started)
    oc_proxy_refuse (conn, 504, "the server did not answer in time");
  else
    oc_conn_close (conn);
}

static void
on_timer (gpointer owner)
{
  OcConn *conn = owner;

  switch (conn->state)
    {
    case OC_CONN_HEAD:
      if (oc_buffer_len (conn->from_client) == 0)
        {
          oc_conn_close (conn);
          return;
        }
      oc_proxy_count_refusal (conn, OC_PROXY_SLOW, NULL);
      oc_proxy_answer_error (conn, 408, "the request head did not arrive in time");
      break;
    case OC_CONN_BODY:
      oc_proxy_count_refusal (conn, OC_PROXY_SLOW, NULL);
      oc_proxy_answer_error (conn, 408, "the request body did not arrive in time");
      break;
    case OC_CONN_DIAL:
      oc_dial_time_out (conn);
      break;
    case OC_CONN_EXCHANGE:
    case OC_CONN_TUNNEL:
      on_idle (conn);
      break;
#ifdef OC_HAVE_INTERCEPT
    case OC_CONN_SECURE:
      oc_intercept_time_out (conn);
      break;
#endif
    default:
      oc_conn_close (conn);
      return;
    }
  oc_conn_run (conn);
}

static OcConn *
link_conn (OcWorker *worker, int fd, OcMode mode)
{
  OcConn *conn = g_new0 (OcConn, 1);

  conn->worker = worker;
  conn->mode = mode;
  conn->client.fd = fd;
  conn->upstream.fd = -1;
  conn->timer = (OcTimer) { .func = on_timer, .owner = conn };
  conn->state = mode == OC_MODE_TLS ? OC_CONN_HELLO : OC_CONN_HEAD;
  conn->next = worker->conns;
  if (conn->next != NULL)
    conn->next->prev = conn;
  worker->conns = conn;
  worker->n_conns++;
  return conn;
}

/* Why the connection may not even ask; 0: it may. */
static guint
get_refusal (OcConn *conn, Room room, const char **out_reason)
{
  if (conn->identity == NULL)
    {
      *out_reason = "no workload holds a lease on the address that this came from";
      return 403;
    }
  *out_reason = "too many connections";
  return room == WITHIN ? 0 : 503;
}

void
oc_conn_new (OcWorker *worker, int fd, OcMode mode, const OcAddress *peer,
             const OcAddress *original, guint16 original_port)
{
  OcConn *conn = link_conn (worker, fd, mode);
  OcIdentity *identity = oc_snapshot_lookup (worker->snapshot, peer);
  const char *reason;
  Room room;
  guint status;

  OC_COUNT (worker, connections, 1);
  conn->original = *original;
  conn->original_port = original_port;
  conn->identity = identity != NULL ? oc_identity_ref (identity) : NULL;
  if (identity != NULL)
    atomic_fetch_add_explicit (&identity->traffic.connections, 1, memory_order_relaxed);
  room = count_in (conn);
  conn->client.source = oc_worker_add_source (worker, fd, EPOLLIN, oc_conn_on_client, conn);
  if (conn->client.source == 0 || room == FAR_OVER)
    {
      oc_proxy_count_refusal (conn, OC_PROXY_LIMIT, NULL);
      oc_conn_close (conn);
      return;
    }
  oc_conn_arm (conn, worker->shared->timeouts.head_ms);
  status = get_refusal (conn, room, &reason);
  if (status != 0)
    {
      oc_proxy_count_refusal (conn, status == 503 ? OC_PROXY_LIMIT : OC_PROXY_NO_LEASE, NULL);
      oc_proxy_refuse (conn, status, reason);
    }
  oc_conn_run (conn);
}

/* --- Bytes ----------------------------------------------------------------------------- */

static ssize_t
read_once (OcEnd *end, void *data, gsize len)
{
  ssize_t n;

  if (end->tls != NULL)
    {
      n = oc_tls_recv (end->tls, data, len);
      /* There may be more of it, of which epoll does not know. */
      end->ready = n > 0;
      return n;
    }
  do
    n = recv (end->fd, data, len, 0);
  while (n < 0 && errno == EINTR);
  return n;
}

static ssize_t
write_once (OcEnd *end, const void *data, gsize len)
{
  ssize_t n;

  if (end->tls != NULL)
    return oc_tls_send (end->tls, data, len);
  do
    n = send (end->fd, data, len, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n;
}

OcIoResult
oc_conn_recv (OcConn *conn, OcEnd *end, OcBuffer **buffer)
{
  gsize room;
  ssize_t n;

  if (*buffer == NULL)
    *buffer = oc_worker_get_buffer (conn->worker);
  room = oc_buffer_make_room (*buffer);
  if (room == 0)
    return OC_IO_AGAIN;
  n = read_once (end, (*buffer)->data + (*buffer)->end, room);
  if (n > 0)
    {
      (*buffer)->end += (guint32) n;
      conn->active_us = conn->worker->now_us;
      return OC_IO_DONE;
    }
  if (oc_buffer_len (*buffer) == 0)
    oc_worker_put_buffer (conn->worker, buffer);
  if (n == 0)
    {
      end->eof = true;
      return OC_IO_EOF;
    }
  return errno == EAGAIN ? OC_IO_AGAIN : OC_IO_BROKEN;
}

OcIoResult
oc_conn_send (OcConn *conn, OcEnd *end, OcBuffer **buffer)
{
  while (oc_buffer_len (*buffer) > 0)
    {
      ssize_t n = write_once (end, (*buffer)->data + (*buffer)->start, oc_buffer_len (*buffer));

      if (n < 0)
        return errno == EAGAIN ? OC_IO_AGAIN : OC_IO_BROKEN;
      (*buffer)->start += (guint32) n;
      conn->active_us = conn->worker->now_us;
      oc_proxy_count_bytes (conn, end == &conn->upstream, (gsize) n);
      if (end == &conn->upstream)
        conn->sent += (guint64) n;
    }
  oc_worker_put_buffer (conn->worker, buffer);
  return OC_IO_DONE;
}

/* --- States ------------------------------------------------------------------------------ */

static bool
step_flush (OcConn *conn)
{
  OcIoResult result = oc_conn_send (conn, &conn->client, &conn->to_client);

  if (result == OC_IO_BROKEN)
    oc_conn_close (conn);
  if (result != OC_IO_DONE)
    return false;
  /* Closing with unread bytes would reset the connection and take the answer
   * away from the client; so it closes first, or the timer does. */
  if (conn->client.tls != NULL)
    oc_tls_end (conn->client.tls);
  (void) shutdown (conn->client.fd, SHUT_WR);
  conn->state = OC_CONN_LINGER;
  conn->trash_left = LINGER_BYTES;
  oc_conn_arm (conn, conn->worker->shared->timeouts.linger_ms);
  return true;
}

static bool
step_linger (OcConn *conn)
{
  char trash[4096];
  ssize_t n = recv (conn->client.fd, trash, sizeof trash, 0);

  if (n > 0 && conn->trash_left > (gsize) n)
    conn->trash_left -= (gsize) n;
  else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
    oc_conn_close (conn);
  return false;
}

static bool
step (OcConn *conn)
{
  switch (conn->state)
    {
    case OC_CONN_HEAD:
      return oc_http_step_head (conn);
    case OC_CONN_HELLO:
      return oc_hello_step (conn);
    case OC_CONN_EXCHANGE:
      return oc_exchange_step (conn);
    case OC_CONN_TUNNEL:
      oc_tunnel_run (conn);
      return conn->state == OC_CONN_FLUSH;
    case OC_CONN_FLUSH:
      return step_flush (conn);
    case OC_CONN_LINGER:
      return step_linger (conn);
#ifdef OC_HAVE_INTERCEPT
    case OC_CONN_SHAKE:
      return oc_intercept_step_shake (conn);
    case OC_CONN_BODY:
      return oc_body_step (conn);
    case OC_CONN_SECURE:
      return oc_intercept_step_secure (conn);
#endif
    default:
      break;
    }
  return false;
}

static guint32
get_client_events (const OcConn *conn)
{
  switch (conn->state)
    {
    case OC_CONN_HEAD:
    case OC_CONN_HELLO:
    case OC_CONN_LINGER:
      return EPOLLIN;
    case OC_CONN_BODY:
      return oc_buffer_len (conn->to_client) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    case OC_CONN_EXCHANGE:
      return oc_exchange_client_events (conn);
    case OC_CONN_TUNNEL:
      return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    case OC_CONN_FLUSH:
      return EPOLLOUT;
    case OC_CONN_DIAL:
    case OC_CONN_SECURE:
      /* What comes meanwhile waits; usually nothing does, and nothing needs to change. */
      return conn->client.ready ? 0 : EPOLLIN;
#ifdef OC_HAVE_INTERCEPT
    case OC_CONN_SHAKE:
      return oc_intercept_client_events (conn);
#endif
    default:
      break;
    }
  return 0;
}

static guint32
get_upstream_events (const OcConn *conn)
{
  if (conn->state == OC_CONN_EXCHANGE)
    return oc_exchange_upstream_events (conn);
  if (conn->state == OC_CONN_TUNNEL)
    return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
#ifdef OC_HAVE_INTERCEPT
  if (conn->state == OC_CONN_SECURE)
    return oc_intercept_upstream_events (conn);
#endif
  return EPOLLIN; /* idle: whatever comes means that it is of no use any more */
}

void
oc_conn_run (OcConn *conn)
{
  while (step (conn))
    ;
  if (conn->state == OC_CONN_DEAD)
    return;
  oc_worker_set_events (conn->worker, conn->client.source, get_client_events (conn));
  if (conn->upstream.fd >= 0)
    oc_worker_set_events (conn->worker, conn->upstream.source, get_upstream_events (conn));
  /* The next request may wait in the session, where epoll does not see it. */
  if ((conn->state == OC_CONN_HEAD || conn->state == OC_CONN_BODY) && conn->client.tls != NULL
      && oc_tls_is_pending (conn->client.tls))
    oc_conn_yield (conn);
}

void
oc_conn_yield (OcConn *conn)
{
  if (conn->is_ready)
    return;
  conn->is_ready = true;
  conn->next_ready = conn->worker->ready;
  conn->worker->ready = conn;
}

void
oc_conn_on_client (gpointer owner, guint32 events)
{
  OcConn *conn = owner;

  if (events & (EPOLLIN | EPOLLRDHUP))
    conn->client.ready = true;
  /* Both directions gone: there is nobody to answer. A tunnel finds out itself,
   * after it has read what is left; a handshake reads why. */
  if ((events & (EPOLLERR | EPOLLHUP)) && conn->state != OC_CONN_TUNNEL
      && conn->state != OC_CONN_SHAKE)
    oc_conn_close (conn);
  else
    oc_conn_run (conn);
}

void
oc_conn_on_upstream (gpointer owner, guint32 events)
{
  OcConn *conn = owner;

  if (conn->state != OC_CONN_EXCHANGE && conn->state != OC_CONN_TUNNEL
      && conn->state != OC_CONN_SECURE)
    {
      oc_conn_drop_upstream (conn);
      return;
    }
  if (events & (EPOLLIN | EPOLLRDHUP))
    conn->upstream.ready = true;
  /* Hang-up cannot be masked; what the kernel still holds is read as the client
   * takes it. */
  if ((events & (EPOLLERR | EPOLLHUP)) && conn->state == OC_CONN_EXCHANGE)
    {
      oc_worker_mute_source (conn->worker, conn->upstream.source);
      conn->upstream.muted = true;
    }
  oc_conn_run (conn);
}

void
oc_conn_connected (OcConn *conn)
{
  conn->active_us = conn->worker->now_us;
  conn->upstream_host = conn->host;
#ifdef OC_HAVE_INTERCEPT
  if (conn->inside)
    {
      oc_intercept_secure (conn);
      return;
    }
#endif
  oc_conn_arm (conn, conn->worker->shared->timeouts.idle_ms);
  if (conn->is_tunnel_request)
    {
      if (conn->mode == OC_MODE_EXPLICIT)
        oc_proxy_answer_connected (conn);
      oc_tunnel_start (conn);
    }
  else
    conn->state = OC_CONN_EXCHANGE;
}
