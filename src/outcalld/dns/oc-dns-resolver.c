/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Look-ups for the proxy. A job asks for A and AAAA; what the cache has is
 * answered in the asking thread, the rest goes to the worker that owns the name
 * and comes back through a queue with an eventfd. When one family has addresses
 * the other gets 50 ms more (RFC 8305, 3).
 */
#include "config.h"

#include "dns/oc-dns-resolver.h"

#include "common/oc-fd.h"

#include <sys/eventfd.h>

#define PENDING_MAX 1024
#define PER_FAMILY_MAX (OC_RESOLVE_ADDRESSES_MAX / 2)
#define OTHER_FAMILY_MS 50

typedef struct Reply Reply;
struct Reply
{
  Reply *next;
  OcResolveReply reply;
};

struct OcResolver
{
  gatomicrefcount ref_count; /* jobs hold one each */
  OcDnsShared *shared;
  guint n_pending; /* the asking thread's */
  GMutex lock;     /* protects the list; held for two pointer moves */
  Reply *first, *last;
  int event_fd;
};

struct OcDnsJob
{
  OcResolver *resolver;
  OcDnsJob *prev, *next; /* in the worker's list of the delayed */
  gint64 deadline_us;
  gboolean is_delayed;
  gboolean answered;
  gboolean any_failed;
  guint n_open; /* questions without an answer */
  guint n_of_family[2];
  OcDnsKey key; /* of the A question */
  Reply *reply;
};

OcResolver *
oc_resolver_new (OcDnsShared *shared)
{
  OcResolver *resolver = g_new0 (OcResolver, 1);

  g_atomic_ref_count_init (&resolver->ref_count);
  g_mutex_init (&resolver->lock);
  resolver->shared = shared;
  resolver->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (resolver->event_fd < 0)
    g_error ("eventfd: %s", g_strerror (errno));
  return resolver;
}

void
oc_resolver_free (OcResolver *resolver)
{
  if (resolver == NULL || !g_atomic_ref_count_dec (&resolver->ref_count))
    return;
  while (resolver->first != NULL)
    {
      Reply *next = resolver->first->next;

      g_free (resolver->first);
      resolver->first = next;
    }
  oc_fd_clear (&resolver->event_fd);
  g_mutex_clear (&resolver->lock);
  g_free (resolver);
}

int
oc_resolver_get_fd (OcResolver *resolver)
{
  return resolver->event_fd;
}

/* @reply: (transfer full) */
static void
push_reply (OcResolver *resolver, Reply *reply)
{
  gboolean was_empty;

  reply->next = NULL;
  g_mutex_lock (&resolver->lock);
  was_empty = resolver->first == NULL;
  *(was_empty ? &resolver->first : &resolver->last->next) = reply;
  resolver->last = reply;
  g_mutex_unlock (&resolver->lock);
  if (was_empty)
    (void) eventfd_write (resolver->event_fd, 1);
}

gboolean
oc_resolver_take (OcResolver *resolver, OcResolveReply *out)
{
  Reply *reply;
  eventfd_t count;

  g_mutex_lock (&resolver->lock);
  reply = resolver->first;
  if (reply != NULL)
    resolver->first = reply->next;
  /* Readable while replies wait: only the last one makes it unreadable. */
  if (resolver->first == NULL)
    (void) eventfd_read (resolver->event_fd, &count);
  g_mutex_unlock (&resolver->lock);
  if (reply == NULL)
    return FALSE;
  *out = reply->reply;
  g_free (reply);
  resolver->n_pending--;
  return TRUE;
}

/* --- Jobs ------------------------------------------------------------------ */

static void
job_free (OcDnsJob *job)
{
  oc_resolver_free (job->resolver);
  g_free (job->reply);
  g_free (job);
}

void
oc_dns_job_abandon (OcDnsJob *job)
{
  if (job->n_open > 0)
    job->n_open--;
  if (job->n_open == 0)
    job_free (job);
}

/* @answer: (nullable): NULL when no upstream answered */
static void
absorb (OcDnsJob *job, const OcDnsAnswer *answer)
{
  OcResolveReply *reply = &job->reply->reply;

  job->n_open--;
  if (answer == NULL)
    job->any_failed = TRUE;
  for (guint i = 0; answer != NULL && !job->answered && i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];
      guint family = record->type == OC_DNS_TYPE_AAAA;

      if ((record->flags & OC_DNS_RECORD_ADDRESS) == 0
          || record->section != OC_DNS_SECTION_ANSWER
          || job->n_of_family[family] == PER_FAMILY_MAX)
        continue;
      job->n_of_family[family]++;
      reply->addresses[reply->n_addresses++] = oc_dns_answer_get_address (answer, record);
    }
}

static void
send_reply (OcDnsJob *job)
{
  OcResolveReply *reply = &job->reply->reply;

  if (job->answered)
    return;
  job->answered = TRUE;
  if (reply->n_addresses > 0)
    reply->status = OC_RESOLVE_OK;
  else
    reply->status = job->any_failed ? OC_RESOLVE_FAILED : OC_RESOLVE_NO_NAME;
  push_reply (job->resolver, g_steal_pointer (&job->reply));
}

static void
unlink_delayed (OcDnsWorker *worker, OcDnsJob *job)
{
  if (!job->is_delayed)
    return;
  *(job->prev != NULL ? &job->prev->next : &worker->delayed_first) = job->next;
  *(job->next != NULL ? &job->next->prev : &worker->delayed_last) = job->prev;
  job->is_delayed = FALSE;
}

static void
append_delayed (OcDnsWorker *worker, OcDnsJob *job)
{
  job->deadline_us = worker->now_us + OTHER_FAMILY_MS * 1000;
  job->is_delayed = TRUE;
  job->next = NULL;
  job->prev = worker->delayed_last;
  *(job->prev != NULL ? &job->prev->next : &worker->delayed_first) = job;
  worker->delayed_last = job;
}

/* After each answer: reply, wait a little, wait, or end. */
static void
advance (OcDnsWorker *worker, OcDnsJob *job)
{
  if (job->n_open == 0)
    {
      unlink_delayed (worker, job);
      send_reply (job);
      job_free (job);
    }
  else if (!job->answered && !job->is_delayed && job->reply->reply.n_addresses > 0)
    append_delayed (worker, job);
}

static OcDnsWaiter *
make_waiter (OcDnsWorker *worker, OcDnsJob *job, guint16 type)
{
  OcDnsWaiter *waiter = g_new0 (OcDnsWaiter, 1);

  waiter->home = worker;
  waiter->asker = OC_DNS_ASKER_JOB;
  waiter->job = job;
  waiter->started_us = worker->now_us;
  waiter->query.key = job->key;
  waiter->query.key.type = type;
  waiter->hash
      = oc_dns_key_hash (&waiter->query.key, oc_dns_cache_get_seed (worker->shared->cache));
  return waiter;
}

void
oc_dns_job_start (OcDnsWorker *worker, OcDnsJob *job)
{
  static const guint16 types[] = { OC_DNS_TYPE_A, OC_DNS_TYPE_AAAA };
  OcDnsWaiter *waiters[2] = { NULL };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (OcDnsAnswer) answer = NULL;
      OcDnsCacheState state;
      guint32 age_s;

      waiters[i] = make_waiter (worker, job, types[i]);
      state = oc_dns_cache_lookup (worker->shared->cache, &waiters[i]->query.key, waiters[i]->hash,
                                   worker->now_us, &answer, &age_s);
      if (state == OC_DNS_CACHE_MISS
          || (state == OC_DNS_CACHE_STALE && !oc_dns_fetch_is_hopeless (worker)))
        continue;
      absorb (job, answer);
      g_clear_pointer (&waiters[i], g_free);
    }
  for (guint i = 0; i < 2; i++)
    if (waiters[i] != NULL)
      oc_dns_fetch_submit (worker, waiters[i]);
  advance (worker, job);
}

void
oc_dns_job_finish (OcDnsWorker *worker, OcDnsWaiter *waiter)
{
  OcDnsJob *job = waiter->job;

  absorb (job, waiter->answer);
  advance (worker, job);
}

gint64
oc_dns_job_on_time (OcDnsWorker *worker)
{
  while (worker->delayed_first != NULL && worker->delayed_first->deadline_us <= worker->now_us)
    {
      OcDnsJob *job = worker->delayed_first;

      unlink_delayed (worker, job);
      send_reply (job);
    }
  return worker->delayed_first != NULL ? worker->delayed_first->deadline_us : G_MAXINT64;
}

/* --- Asking ---------------------------------------------------------------- */

/* Both answers from the cache, or nothing. */
static gboolean
absorb_cached (OcDnsJob *job)
{
  OcDnsCache *cache = job->resolver->shared->cache;
  g_autoptr (OcDnsAnswer) a = NULL;
  g_autoptr (OcDnsAnswer) aaaa = NULL;
  gint64 now_us = g_get_monotonic_time ();
  OcDnsKey key = job->key;
  guint64 seed = oc_dns_cache_get_seed (cache);
  guint32 age_s;

  if (oc_dns_cache_lookup (cache, &key, oc_dns_key_hash (&key, seed), now_us, &a, &age_s)
      != OC_DNS_CACHE_FRESH)
    return FALSE;
  key.type = OC_DNS_TYPE_AAAA;
  if (oc_dns_cache_lookup (cache, &key, oc_dns_key_hash (&key, seed), now_us, &aaaa, &age_s)
      != OC_DNS_CACHE_FRESH)
    return FALSE;
  absorb (job, a);
  absorb (job, aaaa);
  return TRUE;
}

/* What needs no question: an address, and what can be no name. */
static gboolean
answer_at_once (OcDnsJob *job, OcStr host)
{
  OcResolveReply *reply = &job->reply->reply;

  if (oc_address_parse (host, &reply->addresses[0]))
    reply->n_addresses = 1;
  else if (oc_dns_key_init (&job->key, host, OC_DNS_TYPE_A))
    return absorb_cached (job);
  return TRUE;
}

gboolean
oc_resolver_submit (OcResolver *resolver, OcStr host, guint64 token)
{
  OcDnsShared *shared = resolver->shared;
  OcDnsMessage *message;
  OcDnsJob *job;
  guint64 hash;

  if (resolver->n_pending >= PENDING_MAX)
    return FALSE;
  resolver->n_pending++;
  g_atomic_ref_count_inc (&resolver->ref_count);
  job = g_new0 (OcDnsJob, 1);
  job->resolver = resolver;
  job->n_open = 2;
  job->reply = g_new0 (Reply, 1);
  job->reply->reply.token = token;
  if (answer_at_once (job, host))
    {
      send_reply (job);
      job_free (job);
      return TRUE;
    }
  hash = oc_dns_key_hash (&job->key, oc_dns_cache_get_seed (shared->cache));
  message = g_new0 (OcDnsMessage, 1);
  message->kind = OC_DNS_MESSAGE_RESOLVE;
  message->job = job;
  oc_dns_worker_post (shared->workers[(hash >> 32) % shared->n_workers], message);
  return TRUE;
}
