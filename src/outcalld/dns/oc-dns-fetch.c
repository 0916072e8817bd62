/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Questions in flight. One socket for each, connected, so that the kernel picks
 * a random port and drops what another address sends; a random ID; random case
 * of the letters (0x20). An answer that does not match in all of them is counted
 * and ignored; after a few of those the question is asked again over TCP, which
 * a blind forger cannot answer and which a server that changes the case may.
 *
 *   start -> udp --------------------> done
 *             | truncated, forged        ^
 *             v                          |
 *            tcp ------------------------+
 *   Time-out, error, SERVFAIL: the next upstream; none left: stale or nothing.
 *
 * Nothing finishes inside oc_dns_fetch_start(): what fails at once is put at the
 * head of the time-out list, so callers never see their state change under them.
 */
#include "config.h"

#include "dns/oc-dns-worker.h"

#include "common/oc-fd.h"

#include <errno.h>
#include <sys/epoll.h>

#define BUCKETS G_N_ELEMENTS (((OcDnsWorker *) NULL)->fetch_buckets)
#define ATTEMPTS_MIN 2 /* a single upstream is asked twice */
#define FORGED_MAX 8
#define DATAGRAM_MAX 4096
#define OPT_LEN 11

struct OcDnsFetch
{
  OcDnsKey key;
  guint64 hash;
  OcDnsFetch *next_in_bucket;
  OcDnsFetch *prev, *next; /* by @deadline_us */
  gint64 deadline_us;
  gint64 asked_us; /* when this attempt began */
  OcDnsWaiter *waiters;
  guint32 slot;

  OcDnsUpstreams *upstreams;
  guint upstream;
  guint32 tried; /* bits */
  guint n_attempts;
  gboolean no_edns;
  guint n_forged;

  int fd; /* -1 between attempts */
  gboolean tcp;
  guint16 id;
  gsize question_len;
  gsize query_len;
  gsize sent; /* over TCP, of query_len + 2 */
  guint8 query[2 + OC_DNS_HEADER_LEN + OC_DNS_NAME_MAX + 4 + OPT_LEN]; /* length first, for TCP */

  guint8 tcp_head[2];
  gsize received; /* length octets included */
  guint8 *body;   /* allocated when the length is known */
};

/* --- The lists ------------------------------------------------------------- */

static OcDnsFetch **
bucket_of (OcDnsWorker *worker, guint64 hash)
{
  return &worker->fetch_buckets[hash % BUCKETS];
}

static void
unlink_time (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  *(fetch->prev != NULL ? &fetch->prev->next : &worker->fetch_first) = fetch->next;
  *(fetch->next != NULL ? &fetch->next->prev : &worker->fetch_last) = fetch->prev;
}

/* All attempts last equally long, so the list is sorted by appending. */
static void
append_time (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  fetch->deadline_us = worker->now_us + OC_DNS_ATTEMPT_MS * 1000;
  fetch->next = NULL;
  fetch->prev = worker->fetch_last;
  *(fetch->prev != NULL ? &fetch->prev->next : &worker->fetch_first) = fetch;
  worker->fetch_last = fetch;
}

static void
prepend_time (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  fetch->deadline_us = worker->now_us;
  fetch->prev = NULL;
  fetch->next = worker->fetch_first;
  *(fetch->next != NULL ? &fetch->next->prev : &worker->fetch_last) = fetch;
  worker->fetch_first = fetch;
}

static OcDnsFetch *
find_fetch (OcDnsWorker *worker, const OcDnsKey *key, guint64 hash)
{
  OcDnsFetch *fetch = *bucket_of (worker, hash);

  while (fetch != NULL && !(fetch->hash == hash && oc_dns_key_equal (&fetch->key, key)))
    fetch = fetch->next_in_bucket;
  return fetch;
}

/* --- The query ------------------------------------------------------------- */

/* RFC 5452's entropy beyond port and ID: each letter's case by a coin. */
static void
randomise_case (OcDnsWorker *worker, guint8 *name, gsize len)
{
  guint8 coins[OC_DNS_NAME_MAX / 8 + 1];

  oc_dns_worker_random (worker, coins, len / 8 + 1);
  for (gsize i = 0; i < len; i++)
    if (name[i] >= 'a' && name[i] <= 'z' && (coins[i / 8] >> i % 8 & 1) != 0)
      name[i] = (guint8) (name[i] - 'a' + 'A');
}

static void
build_query (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  guint8 *out = fetch->query + 2;
  gsize len = OC_DNS_HEADER_LEN;
  guint8 id[2];

  oc_dns_worker_random (worker, id, 2);
  fetch->id = oc_dns_get16 (id);
  memset (out, 0, OC_DNS_HEADER_LEN);
  oc_dns_put16 (out, fetch->id);
  oc_dns_put16 (out + 2,
                OC_DNS_RD | OC_DNS_AD | (fetch->key.checking_disabled ? OC_DNS_CD : 0u));
  out[5] = 1;
  memcpy (out + len, fetch->key.name, fetch->key.name_len);
  randomise_case (worker, out + len, fetch->key.name_len);
  len += fetch->key.name_len;
  oc_dns_put16 (out + len, fetch->key.type);
  oc_dns_put16 (out + len + 2, OC_DNS_CLASS_IN);
  len += 4;
  fetch->question_len = len - OC_DNS_HEADER_LEN;
  if (!fetch->no_edns)
    {
      memset (out + len, 0, OPT_LEN);
      oc_dns_put16 (out + len + 1, OC_DNS_TYPE_OPT);
      oc_dns_put16 (out + len + 3, OC_DNS_UDP_MAX);
      oc_dns_put16 (out + len + 7, fetch->key.dnssec_ok ? 0x8000 : 0);
      out[11] = 1;
      len += OPT_LEN;
    }
  fetch->query_len = len;
  oc_dns_put16 (fetch->query, (guint) len);
}

static OcDnsUpstream *
upstream_of (OcDnsFetch *fetch)
{
  return &fetch->upstreams->items[fetch->upstream];
}

/* --- Attempts -------------------------------------------------------------- */

static void
close_attempt (OcDnsFetch *fetch)
{
  oc_fd_clear (&fetch->fd);
  g_clear_pointer (&fetch->body, g_free);
  fetch->received = 0;
  fetch->sent = 0;
}

/* Whether @error_number is about us, not about the upstream. */
static gboolean
is_shortage (int error_number)
{
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS
         || error_number == ENOMEM || error_number == ENOSPC || error_number == EADDRNOTAVAIL
         || error_number == EAGAIN;
}

/* FALSE, with errno: the upstream cannot be asked now. */
static gboolean
open_attempt (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  const OcDnsUpstream *upstream = upstream_of (fetch);
  struct sockaddr_storage ss;
  socklen_t ss_len = oc_address_to_sockaddr (&upstream->address, upstream->port, &ss);
  int type = (fetch->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  oc_autofd int fd = socket (ss.ss_family, type, 0);

  if (fd < 0 || (connect (fd, (struct sockaddr *) &ss, ss_len) < 0 && errno != EINPROGRESS))
    return FALSE;
  build_query (worker, fetch);
  fetch->asked_us = worker->now_us;
  OC_DNS_COUNT (worker, upstream_queries, 1);
  atomic_fetch_add_explicit (&upstream_of (fetch)->n_asked, 1, memory_order_relaxed);
  if (!fetch->tcp
      && send (fd, fetch->query + 2, fetch->query_len, MSG_NOSIGNAL) != (ssize_t) fetch->query_len)
    return FALSE;
  if (!oc_dns_worker_watch (worker, EPOLL_CTL_ADD, fd, fetch->tcp ? EPOLLOUT : EPOLLIN,
                            OC_DNS_TAG_FETCH, fetch->slot,
                            worker->fetches.generations[fetch->slot]))
    return FALSE;
  fetch->fd = oc_fd_steal (&fd);
  return TRUE;
}

/* Chooses who is asked next. FALSE: nobody is left. When all of them are known to
 * be down, two are tried, so that the asker hears of it before it gives up. */
static gboolean
choose_next (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  guint most = oc_dns_upstreams_are_down (fetch->upstreams, worker->now_us)
                   ? ATTEMPTS_MIN
                   : MAX (fetch->upstreams->n, ATTEMPTS_MIN);
  int next;

  if (fetch->upstreams->n == 0 || fetch->n_attempts >= most)
    return FALSE;
  next = oc_dns_upstreams_choose (fetch->upstreams, fetch->tried, worker->now_us);
  if (next < 0)
    {
      fetch->tried = 0;
      next = oc_dns_upstreams_choose (fetch->upstreams, 0, worker->now_us);
    }
  fetch->upstream = (guint) next;
  fetch->tried |= 1u << next;
  fetch->n_attempts++;
  fetch->tcp = FALSE;
  fetch->no_edns = FALSE;
  fetch->n_forged = 0;
  return TRUE;
}

/* Asks the chosen upstream, or the next that can be asked. FALSE: nobody left. */
static gboolean
ask (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  for (;;)
    {
      close_attempt (fetch);
      if (open_attempt (worker, fetch))
        return TRUE;
      OC_DNS_COUNT (worker, upstream_failures, 1);
      /* Without a descriptor no other can be asked either, and none is to blame. */
      if (is_shortage (errno))
        return FALSE;
      oc_dns_upstream_note (upstream_of (fetch), FALSE, worker->now_us);
      if (!choose_next (worker, fetch))
        return FALSE;
    }
}

/* --- The end --------------------------------------------------------------- */

static void
deliver (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsMessage *message;

  if (waiter->home == worker)
    {
      oc_dns_worker_finish (worker, waiter);
      return;
    }
  message = g_new0 (OcDnsMessage, 1);
  message->kind = OC_DNS_MESSAGE_DONE;
  message->waiter = waiter;
  oc_dns_worker_post (waiter->home, message);
}

static OcDnsWaiter *
remove_fetch (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  OcDnsFetch **link = bucket_of (worker, fetch->hash);
  OcDnsWaiter *waiters = fetch->waiters;

  while (*link != fetch)
    link = &(*link)->next_in_bucket;
  *link = fetch->next_in_bucket;
  unlink_time (worker, fetch);
  oc_dns_slots_remove (&worker->fetches, fetch->slot);
  close_attempt (fetch);
  oc_dns_upstreams_unref (fetch->upstreams);
  g_free (fetch);
  return waiters;
}

/* @answer: (transfer none) (nullable) */
static void
complete (OcDnsWorker *worker, OcDnsFetch *fetch, OcDnsAnswer *answer, guint32 age_s,
          gboolean stale)
{
  OcDnsWaiter *waiter = remove_fetch (worker, fetch);

  while (waiter != NULL)
    {
      OcDnsWaiter *next = waiter->next;

      waiter->next = NULL;
      waiter->answer = answer != NULL ? oc_dns_answer_ref (answer) : NULL;
      waiter->age_s = age_s;
      waiter->stale = stale;
      deliver (worker, waiter);
      waiter = next;
    }
}

static void
give_up (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  g_autoptr (OcDnsAnswer) answer = NULL;
  guint32 age_s = 0;
  OcDnsCacheState state = oc_dns_cache_lookup (worker->shared->cache, &fetch->key, fetch->hash,
                                               worker->now_us, &answer, &age_s);

  complete (worker, fetch, answer, age_s, state == OC_DNS_CACHE_STALE);
}

static void
try_next (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  OC_DNS_COUNT (worker, upstream_failures, 1);
  unlink_time (worker, fetch);
  append_time (worker, fetch);
  if (!choose_next (worker, fetch) || !ask (worker, fetch))
    give_up (worker, fetch);
}

/* The upstream did not answer at all. */
static void
fail_upstream (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  oc_dns_upstream_note (upstream_of (fetch), FALSE, worker->now_us);
  try_next (worker, fetch);
}

/* The same upstream again, over TCP or without EDNS. */
static void
ask_again (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  close_attempt (fetch);
  if (open_attempt (worker, fetch))
    return;
  if (is_shortage (errno))
    give_up (worker, fetch);
  else
    fail_upstream (worker, fetch);
}

/* --- Answers --------------------------------------------------------------- */

/* Returns: FALSE when @fetch goes on waiting for a datagram. */
static gboolean
handle_answer (OcDnsWorker *worker, OcDnsFetch *fetch, const guint8 *msg, gsize len)
{
  g_autoptr (OcDnsAnswer) answer = NULL;
  OcDnsAnswerResult result = oc_dns_answer_parse (
      msg, len, fetch->id, fetch->query + 2 + OC_DNS_HEADER_LEN, fetch->question_len, &answer);

  if (result == OC_DNS_ANSWER_NOT_OURS && !fetch->tcp)
    {
      OC_DNS_COUNT (worker, spoofed, 1);
      if (++fetch->n_forged < FORGED_MAX)
        return FALSE;
      result = OC_DNS_ANSWER_TRUNCATED;
    }
  else if (result != OC_DNS_ANSWER_NOT_OURS)
    {
      oc_dns_upstream_note (upstream_of (fetch), TRUE, worker->now_us);
      oc_dns_upstream_note_latency (upstream_of (fetch), worker->now_us - fetch->asked_us);
    }
  if (result == OC_DNS_ANSWER_OK)
    {
      oc_dns_cache_insert (worker->shared->cache, &fetch->key, fetch->hash, worker->now_us, answer);
      complete (worker, fetch, answer, 0, FALSE);
    }
  else if (result == OC_DNS_ANSWER_TRUNCATED && !fetch->tcp)
    {
      fetch->tcp = TRUE;
      ask_again (worker, fetch);
    }
  else if (result == OC_DNS_ANSWER_NO_EDNS && !fetch->no_edns)
    {
      fetch->no_edns = TRUE;
      ask_again (worker, fetch);
    }
  else
    try_next (worker, fetch);
  return TRUE;
}

static void
on_datagram (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  guint8 msg[DATAGRAM_MAX];

  /* A flood of forged ones must not hold the loop: FORGED_MAX ends it. */
  for (;;)
    {
      ssize_t n = recv (fetch->fd, msg, sizeof msg, MSG_DONTWAIT);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < 0)
        {
          /* ECONNREFUSED and the like, by ICMP */
          fail_upstream (worker, fetch);
          return;
        }
      if (handle_answer (worker, fetch, msg, (gsize) n))
        return;
    }
}

static void
send_stream (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  gsize total = fetch->query_len + 2;
  ssize_t n = send (fetch->fd, fetch->query + fetch->sent, total - fetch->sent,
                    MSG_DONTWAIT | MSG_NOSIGNAL);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n < 0)
    {
      fail_upstream (worker, fetch);
      return;
    }
  fetch->sent += (gsize) n;
  if (fetch->sent == total
      && !oc_dns_worker_watch (worker, EPOLL_CTL_MOD, fetch->fd, EPOLLIN, OC_DNS_TAG_FETCH,
                               fetch->slot, worker->fetches.generations[fetch->slot]))
    fail_upstream (worker, fetch);
}

/* Reads into the head, then into a body of exactly the length that it says.
 * Returns: as recv(), with errno. */
static ssize_t
read_stream (OcDnsFetch *fetch)
{
  gsize head = sizeof fetch->tcp_head;

  if (fetch->received < head)
    return recv (fetch->fd, fetch->tcp_head + fetch->received, head - fetch->received,
                 MSG_DONTWAIT);
  if (fetch->body == NULL)
    fetch->body = g_malloc (MAX (oc_dns_get16 (fetch->tcp_head), 1));
  return recv (fetch->fd, fetch->body + (fetch->received - head),
               head + oc_dns_get16 (fetch->tcp_head) - fetch->received, MSG_DONTWAIT);
}

static void
on_stream (OcDnsWorker *worker, OcDnsFetch *fetch)
{
  for (;;)
    {
      ssize_t n = read_stream (fetch);
      gsize head = sizeof fetch->tcp_head;

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n <= 0)
        {
          fail_upstream (worker, fetch);
          return;
        }
      fetch->received += (gsize) n;
      if (fetch->received > head && fetch->received == head + oc_dns_get16 (fetch->tcp_head))
        {
          g_autofree guint8 *body = g_steal_pointer (&fetch->body);

          (void) handle_answer (worker, fetch, body, fetch->received - head);
          return;
        }
    }
}

void
oc_dns_fetch_on_event (OcDnsWorker *worker, guint32 slot, guint32 generation, guint32 events)
{
  OcDnsFetch *fetch = oc_dns_slots_lookup (&worker->fetches, slot, generation);

  /* A socket that was closed meanwhile has no events, but one report of this
   * turn may still name it; fd -1 tells. */
  if (fetch == NULL || fetch->fd < 0)
    return;
  if (!fetch->tcp)
    on_datagram (worker, fetch);
  else if (fetch->sent < fetch->query_len + 2)
    send_stream (worker, fetch);
  else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    on_stream (worker, fetch);
}

gint64
oc_dns_fetch_on_time (OcDnsWorker *worker)
{
  while (worker->fetch_first != NULL && worker->fetch_first->deadline_us <= worker->now_us)
    {
      OcDnsFetch *fetch = worker->fetch_first;

      if (fetch->fd < 0)
        give_up (worker, fetch);
      else
        fail_upstream (worker, fetch);
    }
  return worker->fetch_first != NULL ? worker->fetch_first->deadline_us : G_MAXINT64;
}

/* --- Starting -------------------------------------------------------------- */

static void
refresh_upstreams (OcDnsWorker *worker)
{
  OcDnsShared *shared = worker->shared;
  guint generation = atomic_load_explicit (&shared->upstreams_generation, memory_order_acquire);

  if (worker->upstreams != NULL && generation == worker->upstreams_generation)
    return;
  g_mutex_lock (&shared->upstreams_lock);
  oc_dns_upstreams_unref (worker->upstreams);
  worker->upstreams = oc_dns_upstreams_ref (shared->upstreams);
  worker->upstreams_generation = generation;
  g_mutex_unlock (&shared->upstreams_lock);
}

gboolean
oc_dns_fetch_is_hopeless (OcDnsWorker *worker)
{
  refresh_upstreams (worker);
  return oc_dns_upstreams_are_down (worker->upstreams, worker->now_us);
}

static OcDnsFetch *
make_fetch (OcDnsWorker *worker, const OcDnsWaiter *waiter)
{
  OcDnsFetch *fetch = g_new0 (OcDnsFetch, 1);
  OcDnsFetch **bucket = bucket_of (worker, waiter->hash);

  fetch->fd = -1;
  fetch->key = waiter->query.key;
  fetch->hash = waiter->hash;
  fetch->upstreams = oc_dns_upstreams_ref (worker->upstreams);
  fetch->slot = oc_dns_slots_add (&worker->fetches, fetch);
  fetch->next_in_bucket = *bucket;
  *bucket = fetch;
  return fetch;
}

void
oc_dns_fetch_start (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsFetch *fetch = find_fetch (worker, &waiter->query.key, waiter->hash);

  if (fetch == NULL && oc_dns_slots_is_full (&worker->fetches))
    {
      /* The inbox, so that it does not finish under the caller. */
      OcDnsMessage *message = g_new0 (OcDnsMessage, 1);

      message->kind = OC_DNS_MESSAGE_DONE;
      message->waiter = waiter;
      oc_dns_worker_post (waiter->home, message);
      return;
    }
  if (fetch == NULL)
    {
      refresh_upstreams (worker);
      fetch = make_fetch (worker, waiter);
      if (choose_next (worker, fetch) && ask (worker, fetch))
        append_time (worker, fetch);
      else
        prepend_time (worker, fetch);
    }
  waiter->next = fetch->waiters;
  fetch->waiters = waiter;
}

void
oc_dns_fetch_submit (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsShared *shared = worker->shared;
  OcDnsWorker *owner = shared->workers[(waiter->hash >> 32) % shared->n_workers];
  OcDnsMessage *message;

  if (owner == worker)
    {
      oc_dns_fetch_start (worker, waiter);
      return;
    }
  message = g_new0 (OcDnsMessage, 1);
  message->kind = OC_DNS_MESSAGE_FETCH;
  message->waiter = waiter;
  oc_dns_worker_post (owner, message);
}

void
oc_dns_fetch_close_all (OcDnsWorker *worker)
{
  while (worker->fetch_first != NULL)
    {
      OcDnsWaiter *waiter = remove_fetch (worker, worker->fetch_first);

      while (waiter != NULL)
        {
          OcDnsWaiter *next = waiter->next;

          oc_dns_waiter_free (waiter);
          waiter = next;
        }
    }
  g_clear_pointer (&worker->upstreams, oc_dns_upstreams_unref);
}
