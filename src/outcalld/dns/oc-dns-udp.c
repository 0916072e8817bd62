/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Datagrams in batches: one system call takes up to 64 queries, one sends the
 * answers. The socket is bound to the gateway's address, so answers leave from
 * the address that was asked.
 */
#include "config.h"

#include "dns/oc-dns-worker.h"

#include <errno.h>

/* Batches of one socket before the other events get their turn. */
#define ROUNDS_MAX 8
/* After a batch of at least so many the next ones have come meanwhile, most likely; after
 * a smaller one looking again costs a system call that mostly finds nothing. */
#define ROUND_AGAIN_MIN 16

struct OcDnsUdp
{
  struct mmsghdr in[OC_DNS_BATCH];
  struct mmsghdr out[OC_DNS_BATCH];
  struct iovec in_iov[OC_DNS_BATCH];
  struct iovec out_iov[OC_DNS_BATCH];
  struct sockaddr_storage peers[OC_DNS_BATCH];
  OcDnsAsk asks[OC_DNS_BATCH];
  OcDnsQuery queries[OC_DNS_BATCH];
  guint8 in_data[OC_DNS_BATCH][OC_DNS_QUERY_MAX];
  guint8 out_data[OC_DNS_BATCH][OC_DNS_UDP_MAX];
};

OcDnsUdp *
oc_dns_udp_new (void)
{
  OcDnsUdp *udp = g_new0 (OcDnsUdp, 1);

  for (guint i = 0; i < OC_DNS_BATCH; i++)
    {
      udp->in_iov[i] = (struct iovec) { udp->in_data[i], OC_DNS_QUERY_MAX };
      udp->in[i].msg_hdr = (struct msghdr) { .msg_name = &udp->peers[i],
                                             .msg_namelen = sizeof udp->peers[i],
                                             .msg_iov = &udp->in_iov[i],
                                             .msg_iovlen = 1 };
      udp->out_iov[i].iov_base = udp->out_data[i];
      udp->out[i].msg_hdr = (struct msghdr) { .msg_iov = &udp->out_iov[i], .msg_iovlen = 1 };
    }
  return udp;
}

void
oc_dns_udp_free (OcDnsUdp *udp)
{
  g_free (udp);
}

static void
begin_fetch (OcDnsWorker *worker, guint32 slot, guint32 generation, const OcDnsAsk *ask,
             const OcDnsQuery *query, const struct msghdr *from, gsize *out_len, guint8 *out)
{
  OcDnsWaiter *waiter = oc_dns_serve_make_waiter (worker, ask, query);

  if (waiter == NULL)
    {
      *out_len = oc_dns_serve_failure (query, out);
      return;
    }
  *out_len = 0;
  waiter->route_slot = slot;
  waiter->route_generation = generation;
  waiter->peer_len = from->msg_namelen;
  memcpy (&waiter->peer, from->msg_name, from->msg_namelen);
  oc_dns_fetch_submit (worker, waiter);
}

/* Reads the @n datagrams in the order in which the memory for them comes: all questions, all
 * entries, then one answer after the other finds what it needs. */
static void
read_batch (OcDnsWorker *worker, guint n)
{
  OcDnsUdp *udp = worker->udp;

  for (guint i = 0; i < n; i++)
    {
      const struct msghdr *from = &udp->in[i].msg_hdr;
      OcDnsAsk *ask = &udp->asks[i];

      *ask = (OcDnsAsk) { .parse = OC_DNS_PARSE_DROP };
      /* Longer than any query: what was cut off is not looked at. */
      if ((from->msg_flags & MSG_TRUNC) == 0
          && oc_address_from_sockaddr (from->msg_name, &ask->source, NULL))
        oc_dns_serve_read (worker, ask, from->msg_iov->iov_base, udp->in[i].msg_len,
                           &udp->queries[i]);
    }
  for (guint i = 0; i < n; i++)
    if (udp->asks[i].parse == OC_DNS_PARSE_OK)
      oc_dns_cache_prefetch_entry (worker->shared->cache, udp->asks[i].hash);
}

/* The @i-th query. Its answer, if there is one already, goes to place @n_out.
 * Returns: the new number of answers. */
static guint
serve_one (OcDnsWorker *worker, guint32 slot, guint32 generation, guint i, guint n_out)
{
  OcDnsUdp *udp = worker->udp;
  const struct msghdr *from = &udp->in[i].msg_hdr;
  gsize len = 0;

  if (oc_dns_serve_query (worker, &udp->asks[i], &udp->queries[i], udp->out_data[n_out], &len)
      == OC_DNS_FETCH)
    begin_fetch (worker, slot, generation, &udp->asks[i], &udp->queries[i], from, &len,
                 udp->out_data[n_out]);
  if (len == 0)
    return n_out;
  udp->out_iov[n_out].iov_len = len;
  udp->out[n_out].msg_hdr.msg_name = from->msg_name;
  udp->out[n_out].msg_hdr.msg_namelen = from->msg_namelen;
  return n_out + 1;
}

/* What cannot be sent is lost, as datagrams may be. */
static void
send_answers (int fd, struct mmsghdr *out, guint n)
{
  guint done = 0;

  while (done < n)
    {
      int sent = sendmmsg (fd, out + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return;
      done += sent > 0 ? (guint) sent : 1;
    }
}

void
oc_dns_udp_on_readable (OcDnsWorker *worker, guint32 slot, guint32 generation)
{
  OcDnsListener *listener = oc_dns_slots_lookup (&worker->listeners, slot, generation);
  OcDnsUdp *udp = worker->udp;

  if (listener == NULL)
    return;
  for (guint round = 0; round < ROUNDS_MAX; round++)
    {
      guint n_out = 0;
      int n = recvmmsg (listener->udp_fd, udp->in, OC_DNS_BATCH, MSG_DONTWAIT, NULL);

      if (n <= 0)
        return;
      read_batch (worker, (guint) n);
      for (guint i = 0; i < (guint) n; i++)
        n_out = serve_one (worker, slot, generation, i, n_out);
      send_answers (listener->udp_fd, udp->out, n_out);
      for (guint i = 0; i < (guint) n; i++)
        udp->in[i].msg_hdr.msg_namelen = sizeof udp->peers[i];
      if (n < ROUND_AGAIN_MIN)
        return;
    }
}

void
oc_dns_udp_finish (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsListener *listener
      = oc_dns_slots_lookup (&worker->listeners, waiter->route_slot, waiter->route_generation);
  gsize len;

  if (listener == NULL)
    return;
  len = oc_dns_serve_waiter (worker, waiter, worker->scratch);
  (void) sendto (listener->udp_fd, worker->scratch, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (struct sockaddr *) &waiter->peer, waiter->peer_len);
}
