/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Upstream connections that rest between two requests of one workload. One is
 * found again by workload, host and port, and taken only when the address it
 * leads to may be dialled under the rule of the new request. It ends as soon as
 * the server says anything, with a reload, and after a while. TLS sessions stay
 * with the client connection that they were made for.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include <sys/socket.h>

struct OcIdle
{
  OcIdle *next;
  OcWorker *worker;
  OcIdentity *identity;
  OcHost host;
  guint16 port;
  OcAddress address; /* .family 0: behind the upstream proxy, unknown */
  bool via_parent;
  int fd;
  guint32 source;
  OcTimer timer;
};

static void
unlink_idle (OcIdle *idle)
{
  OcIdle **link = &idle->worker->idle;

  while (*link != idle)
    link = &(*link)->next;
  *link = idle->next;
  idle->worker->n_idle--;
}

static void
free_idle (OcIdle *idle)
{
  unlink_idle (idle);
  oc_timers_disarm (&idle->worker->timers, &idle->timer);
  oc_worker_close (idle->worker, &idle->source, &idle->fd);
  oc_identity_unref (idle->identity);
  g_free (idle);
}

static void
on_event (gpointer owner, guint32 events)
{
  free_idle (owner);
}

static void
on_timer (gpointer owner)
{
  free_idle (owner);
}

static bool
has_room (OcConn *conn)
{
  guint own = 0;

  for (const OcIdle *i = conn->worker->idle; i != NULL; i = i->next)
    own += i->identity == conn->identity;
  return own < OC_PROXY_IDLE_PER_WORKLOAD && conn->worker->n_idle < OC_PROXY_IDLE_MAX
         && conn->worker->drain_us == 0;
}

void
oc_idle_keep (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcIdle *idle;

  if (conn->upstream.fd < 0 || conn->upstream.eof || conn->upstream.muted
      || conn->upstream.tls != NULL || !has_room (conn))
    {
      oc_conn_drop_upstream (conn);
      return;
    }
  idle = g_new0 (OcIdle, 1);
  idle->worker = worker;
  idle->identity = oc_identity_ref (conn->identity);
  idle->host = conn->upstream_host;
  idle->port = conn->upstream_port;
  idle->address = conn->upstream_address;
  idle->via_parent = conn->via_parent;
  idle->fd = conn->upstream.fd;
  idle->source = conn->upstream.source;
  idle->timer = (OcTimer) { .func = on_timer, .owner = idle };
  idle->next = worker->idle;
  worker->idle = idle;
  worker->n_idle++;
  oc_worker_hand_source (worker, idle->source, on_event, idle);
  oc_worker_set_events (worker, idle->source, EPOLLIN);
  oc_timers_arm (&worker->timers, &idle->timer,
                 worker->now_us + (gint64) worker->shared->timeouts.pool_ms * 1000);
  conn->upstream = (OcEnd) { .fd = -1 };
  oc_conn_drop_upstream (conn); /* the buffers, if any */
}

/* Whatever waits there now was not asked for. */
static bool
is_silent (int fd)
{
  char byte;

  return recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static bool
suits (OcConn *conn, const OcIdle *idle)
{
  return idle->identity == conn->identity && idle->port == conn->port
         && idle->via_parent == conn->worker->parent.set
         && strcmp (idle->host.name, conn->host.name) == 0
         /* A transparent client's own choice goes first when there is one. */
         && (conn->mode == OC_MODE_EXPLICIT || idle->via_parent
             || oc_address_equal (&idle->address, &conn->original))
         && oc_proxy_judge_address (conn, &idle->address) == NULL;
}

bool
oc_idle_take (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcIdle *idle = worker->idle;

  /* What rests here is not encrypted, and what was opened must be again. */
  if (conn->inside)
    return false;
  while (idle != NULL && !(suits (conn, idle) && is_silent (idle->fd)))
    idle = idle->next;
  if (idle == NULL)
    return false;
  conn->upstream = (OcEnd) { .fd = idle->fd, .source = idle->source };
  conn->upstream_host = idle->host;
  conn->upstream_port = idle->port;
  conn->upstream_address = idle->address;
  conn->via_parent = idle->via_parent;
  oc_worker_hand_source (worker, idle->source, oc_conn_on_upstream, conn);
  idle->fd = -1;
  idle->source = 0;
  free_idle (idle);
  return true;
}

void
oc_idle_clear (OcWorker *worker)
{
  while (worker->idle != NULL)
    free_idle (worker->idle);
}
