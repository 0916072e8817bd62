/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <linux/netfilter_ipv4.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define BACKLOG 4096
#define ACCEPT_REST_US (100 * 1000)
/* To workloads: a cable inside this host loses nothing and has no bottleneck to look for. An
 * algorithm that paces, such as BBR, which many hosts take for all their connections, only costs
 * timers there: four times the CPU, half the throughput. Every kernel has this one. */
#define CONGESTION_CONTROL "reno"

int
oc_listener_open (const OcAddress *address, guint16 port, GError **error)
{
  oc_autofd int fd = -1;
  struct sockaddr_storage ss;
  socklen_t len = oc_address_to_sockaddr (address, port, &ss);
  char text[OC_ADDRESS_TEXT_MAX];
  int one = 1;

  fd = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return oc_throw_errno_fd (error, "proxy socket");
  /* NODELAY and the congestion control are inherited by what is accepted. */
  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
      || setsockopt (fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0
      || setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
    return oc_throw_errno_fd (error, "proxy socket options");
  (void) setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, CONGESTION_CONTROL,
                     sizeof CONGESTION_CONTROL - 1);
  if (bind (fd, (const struct sockaddr *) &ss, len) < 0)
    return oc_throw_errno_fd (error, "bind proxy to %s port %u",
                              oc_address_format (address, text, sizeof text), port);
  if (listen (fd, BACKLOG) < 0)
    return oc_throw_errno_fd (error, "listen on %s port %u",
                              oc_address_format (address, text, sizeof text), port);
  return oc_fd_steal (&fd);
}

/* Where the client wanted to before the redirect. Returns: false when it was
 * not redirected but came here itself. */
static bool
get_original (int fd, OcAddress *out, guint16 *out_port)
{
  struct sockaddr_in original;
  struct sockaddr_storage local;
  socklen_t len = sizeof original;
  socklen_t local_len = sizeof local;
  OcAddress here;
  guint16 here_port;

  if (getsockopt (fd, SOL_IP, SO_ORIGINAL_DST, &original, &len) < 0
      || !oc_address_from_sockaddr ((struct sockaddr *) &original, out, out_port)
      || getsockname (fd, (struct sockaddr *) &local, &local_len) < 0
      || !oc_address_from_sockaddr ((struct sockaddr *) &local, &here, &here_port))
    return false;
  return *out_port != here_port || !oc_address_equal (out, &here);
}

static void
welcome (OcListener *listener, int fd, const struct sockaddr_storage *ss)
{
  OcAddress peer = { 0 };
  OcAddress original = { 0 };
  guint16 original_port = 0;

  if (!oc_address_from_sockaddr ((const struct sockaddr *) ss, &peer, NULL)
      || (listener->mode != OC_MODE_EXPLICIT && !get_original (fd, &original, &original_port)))
    {
      OC_COUNT (listener->worker, reasons[OC_PROXY_NO_LEASE], 1);
      oc_fd_clear (&fd);
      return;
    }
  oc_conn_new (listener->worker, fd, listener->mode, &peer, &original, original_port);
}

/* Out of descriptors: the backlog waits instead of spinning the loop. */
static void
rest (OcWorker *worker)
{
  for (OcListener *l = worker->listeners; l != NULL; l = l->next)
    oc_worker_set_events (worker, l->source, 0);
  oc_timers_arm (&worker->timers, &worker->accept_timer, worker->now_us + ACCEPT_REST_US);
}

static void
on_accept (gpointer owner, guint32 events)
{
  OcListener *listener = owner;
  OcWorker *worker = listener->worker;

  for (guint i = 0; i < OC_PROXY_ACCEPT_BUDGET; i++)
    {
      struct sockaddr_storage ss;
      socklen_t len = sizeof ss;
      int fd = accept4 (listener->fd, (struct sockaddr *) &ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

      if (fd >= 0)
        {
          welcome (listener, fd, &ss);
          continue;
        }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        rest (worker);
      if (errno != EINTR && errno != ECONNABORTED)
        return;
    }
}

void
oc_listener_add (OcWorker *worker, int fd, const OcAddress *gateway, OcMode mode)
{
  OcListener *listener = g_new0 (OcListener, 1);

  listener->worker = worker;
  listener->gateway = *gateway;
  listener->mode = mode;
  listener->fd = fd;
  listener->source = oc_worker_add_source (worker, fd, EPOLLIN, on_accept, listener);
  listener->next = worker->listeners;
  worker->listeners = listener;
}

void
oc_listeners_remove (OcWorker *worker, const OcAddress *gateway)
{
  OcListener **link = &worker->listeners;

  while (*link != NULL)
    {
      OcListener *listener = *link;

      if (gateway != NULL && !oc_address_equal (&listener->gateway, gateway))
        {
          link = &listener->next;
          continue;
        }
      *link = listener->next;
      oc_worker_close (worker, &listener->source, &listener->fd);
      g_free (listener);
    }
}
