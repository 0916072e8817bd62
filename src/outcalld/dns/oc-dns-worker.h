/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A worker: one thread, one epoll, everything that it touches while serving.
 * Workers share the cache, the limits, the upstreams and the firewall, and talk
 * to each other and to the main thread through inboxes.
 *
 * A question goes: socket -> serve (lease, rate, verdict, cache) -> answer; or,
 * when the cache has nothing, -> waiter -> fetch in the worker that owns the
 * question's hash (so identical ones are sent once) -> back to the waiter's
 * worker -> serve again with what came -> answer.
 */

#include "dns/oc-dns.h"

#include "dns/oc-dns-cache.h"
#include "dns/oc-dns-filter.h"
#include "dns/oc-dns-limits.h"
#include "dns/oc-dns-slots.h"
#include "dns/oc-dns-upstream.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define OC_DNS_BATCH 64        /* datagrams per system call */
#define OC_DNS_LISTENERS_MAX 256
#define OC_DNS_CONNS_MAX 4096  /* TCP connections per worker */
#define OC_DNS_CONN_IDLE_S 10
#define OC_DNS_PIPELINE_MAX 64 /* questions of one connection that wait */
#define OC_DNS_FETCHES_MAX 2048 /* questions in flight per worker */
#define OC_DNS_WAITERS_MAX 8192 /* askers that wait, per worker */
#define OC_DNS_ATTEMPT_MS 2000

typedef struct OcDnsWorker OcDnsWorker;
typedef struct OcDnsWaiter OcDnsWaiter;
typedef struct OcDnsConn OcDnsConn;
typedef struct OcDnsFetch OcDnsFetch;
typedef struct OcDnsJob OcDnsJob;
typedef struct OcDnsUdp OcDnsUdp;

/* Of all workers. */
typedef struct
{
  guint n_workers;
  OcDnsWorker **workers;
  OcDnsCache *cache;
  OcDnsLimits *limits;
  OcFirewall *firewall; /* (nullable) */
  /* Protects @upstreams; held for a reference count. The number tells workers
   * that there is a new set. */
  GMutex upstreams_lock;
  OcDnsUpstreams *upstreams;
  atomic_uint upstreams_generation;
} OcDnsShared;

/* Written by the worker alone, read by anyone. */
typedef struct
{
  atomic_ullong queries, allowed, blocked, refused, malformed, rate_limited;
  atomic_ullong cache_hits, cache_misses, upstream_queries, upstream_failures;
  atomic_ullong addresses_removed, spoofed;
} OcDnsCounters;

/* No other thread writes, so no locked instruction is needed. */
#define OC_DNS_COUNT(worker, field, n)                                                   \
  atomic_store_explicit (                                                                \
      &(worker)->counters.field,                                                         \
      atomic_load_explicit (&(worker)->counters.field, memory_order_relaxed) + (n),      \
      memory_order_relaxed)

/* --- What waits for an upstream -------------------------------------------- */

typedef enum
{
  OC_DNS_ASKER_UDP,
  OC_DNS_ASKER_TCP,
  OC_DNS_ASKER_JOB,
} OcDnsAsker;

/* One asker of one question. Allocated when the cache has nothing, freed by the
 * worker it belongs to. */
struct OcDnsWaiter
{
  OcDnsWaiter *next;
  OcDnsWorker *home;
  OcDnsAsker asker;
  guint32 use_slot; /* whose waiting it is */
  gint64 started_us;
  guint64 hash;
  /* Where the answer goes: a listener or connection, or a job. */
  guint32 route_slot, route_generation;
  struct sockaddr_storage peer;
  socklen_t peer_len;
  OcAddress source;
  OcDnsJob *job;
  /* What came. */
  OcDnsAnswer *answer; /* (nullable): NULL when every upstream failed */
  guint32 age_s;
  gboolean stale;
  OcDnsQuery query; /* jobs use the key alone */
};

typedef enum
{
  OC_DNS_MESSAGE_FETCH,   /* waiter: please ask */
  OC_DNS_MESSAGE_DONE,    /* waiter: has its answer */
  OC_DNS_MESSAGE_RESOLVE, /* job: new */
  OC_DNS_MESSAGE_ADD,     /* gateway with its sockets */
  OC_DNS_MESSAGE_REMOVE,  /* gateway */
  OC_DNS_MESSAGE_STOP,
} OcDnsMessageKind;

typedef struct OcDnsMessage OcDnsMessage;
struct OcDnsMessage
{
  OcDnsMessage *next;
  OcDnsMessageKind kind;
  OcDnsWaiter *waiter;
  OcDnsJob *job;
  OcAddress gateway;
  int udp_fd, tcp_fd;
};

typedef struct
{
  GMutex lock; /* protects the list; held for two pointer moves */
  OcDnsMessage *first, *last;
  int event_fd;
} OcDnsInbox;

/* --- The worker ------------------------------------------------------------ */

typedef struct
{
  OcAddress gateway;
  int udp_fd, tcp_fd;
  gboolean accepts; /* tcp_fd is in the epoll set */
} OcDnsListener;

struct OcDnsWorker
{
  OcDnsShared *shared;
  guint index;
  GThread *thread;
  int epoll_fd;
  gboolean stopping;
  OcDnsInbox inbox;
  OcSnapshotReader *reader;
  OcLogProducer *producer;
  OcDnsCounters counters;
  gint64 now_us;      /* monotonic, of this turn of the loop */
  gint64 real_now_us; /* since the epoch */
  /* When it was last thought of sleeping, and how many questions there had been. */
  gint64 gathered_us;
  guint64 gathered;

  OcDnsSlots listeners; /* (element-type OcDnsListener) */
  gint64 accept_again_us; /* 0: accepting */
  OcDnsUdp *udp;

  OcDnsSlots conns; /* (element-type OcDnsConn) */
  OcDnsConn *idle_first, *idle_last;

  OcDnsSlots fetches; /* (element-type OcDnsFetch) */
  OcDnsFetch *fetch_buckets[1024];
  OcDnsFetch *fetch_first, *fetch_last; /* by deadline */
  guint n_waiters;
  OcDnsUpstreams *upstreams;
  guint upstreams_generation;
  guint8 random[256];
  guint n_random; /* unused octets at the end */

  OcDnsJob *delayed_first, *delayed_last; /* jobs that wait a little for AAAA */

  guint8 fates[OC_DNS_RECORDS_MAX];
  guint8 scratch[OC_DNS_TCP_MAX + 2];
};

/* Kinds of epoll events. */
typedef enum
{
  OC_DNS_TAG_INBOX,
  OC_DNS_TAG_UDP,
  OC_DNS_TAG_ACCEPT,
  OC_DNS_TAG_CONN,
  OC_DNS_TAG_FETCH,
} OcDnsTag;

/* Thread: main. The worker does not run yet. */
OcDnsWorker *oc_dns_worker_new (OcDnsShared *shared, guint index, OcSnapshotHub *hub, OcLog *log,
                                GError **error);
void oc_dns_worker_start (OcDnsWorker *worker);
/* Joins the thread if it runs. */
void oc_dns_worker_stop (OcDnsWorker *worker);
void oc_dns_worker_free (OcDnsWorker *worker);
/* Thread: any. @message: (transfer full) */
void oc_dns_worker_post (OcDnsWorker *worker, OcDnsMessage *message);

/* The rest is for the worker's own thread. */
gboolean oc_dns_worker_watch (OcDnsWorker *worker, int op, int fd, guint32 events, OcDnsTag tag,
                              guint32 slot, guint32 generation);
void oc_dns_worker_random (OcDnsWorker *worker, guint8 *out, gsize n);
/* Gives @waiter its answer. (transfer full) */
void oc_dns_worker_finish (OcDnsWorker *worker, OcDnsWaiter *waiter);
void oc_dns_waiter_free (OcDnsWaiter *waiter);

/* --- oc-dns-udp.c ---------------------------------------------------------- */

OcDnsUdp *oc_dns_udp_new (void);
void oc_dns_udp_free (OcDnsUdp *udp);
void oc_dns_udp_on_readable (OcDnsWorker *worker, guint32 slot, guint32 generation);
void oc_dns_udp_finish (OcDnsWorker *worker, OcDnsWaiter *waiter);

/* --- oc-dns-tcp.c ---------------------------------------------------------- */

void oc_dns_tcp_on_accept (OcDnsWorker *worker, OcDnsListener *listener);
void oc_dns_tcp_on_event (OcDnsWorker *worker, guint32 slot, guint32 generation, guint32 events);
void oc_dns_tcp_finish (OcDnsWorker *worker, OcDnsWaiter *waiter);
/* Closes what is idle. Returns: when the next one will be, or G_MAXINT64. */
gint64 oc_dns_tcp_on_time (OcDnsWorker *worker);
void oc_dns_tcp_close_all (OcDnsWorker *worker);

/* --- oc-dns-fetch.c -------------------------------------------------------- */

/* (transfer full) @waiter; it comes back through oc_dns_worker_finish(), in its
 * own worker, never before this returns when that is another one. */
void oc_dns_fetch_submit (OcDnsWorker *worker, OcDnsWaiter *waiter);
/* The same in the worker that owns the question. */
void oc_dns_fetch_start (OcDnsWorker *worker, OcDnsWaiter *waiter);
void oc_dns_fetch_on_event (OcDnsWorker *worker, guint32 slot, guint32 generation, guint32 events);
/* Whether every upstream failed lately: a stale answer is as good as it gets. */
gboolean oc_dns_fetch_is_hopeless (OcDnsWorker *worker);
gint64 oc_dns_fetch_on_time (OcDnsWorker *worker);
void oc_dns_fetch_close_all (OcDnsWorker *worker);

/* --- oc-dns-resolver.c ----------------------------------------------------- */

void oc_dns_job_start (OcDnsWorker *worker, OcDnsJob *job);
void oc_dns_job_finish (OcDnsWorker *worker, OcDnsWaiter *waiter);
gint64 oc_dns_job_on_time (OcDnsWorker *worker);
void oc_dns_job_abandon (OcDnsJob *job);

/* --- oc-dns-serve.c -------------------------------------------------------- */

typedef enum
{
  OC_DNS_SERVED,  /* *out_len octets to send */
  OC_DNS_SILENCE, /* nothing to send; over TCP: close */
  OC_DNS_FETCH,   /* ask an upstream for @query */
} OcDnsOutcome;

typedef struct
{
  OcAddress source;
  gboolean tcp;
  OcDnsParse parse; /* by oc_dns_serve_read() */
  guint32 use_slot; /* set: of the identity, or OC_DNS_NOBODY */
  guint64 hash;     /* of a sound question */
} OcDnsAsk;

/* First step: reads @packet, and lets the memory come that the answer will need. Whoever has
 * several packets reads all of them before it serves the first. */
void oc_dns_serve_read (OcDnsWorker *worker, OcDnsAsk *ask, const guint8 *packet, gsize len,
                        OcDnsQuery *query);
/* Second step. @out: OC_DNS_UDP_MAX octets, over TCP OC_DNS_TCP_MAX */
OcDnsOutcome oc_dns_serve_query (OcDnsWorker *worker, OcDnsAsk *ask, const OcDnsQuery *query,
                                 guint8 *out, gsize *out_len);
/* After the upstreams: judged anew by the newest policy. Returns: octets to send. */
gsize oc_dns_serve_waiter (OcDnsWorker *worker, OcDnsWaiter *waiter, guint8 *out);
/* When no waiter can be made. */
gsize oc_dns_serve_failure (const OcDnsQuery *query, guint8 *out);
OcDnsWaiter *oc_dns_serve_make_waiter (OcDnsWorker *worker, const OcDnsAsk *ask,
                                       const OcDnsQuery *query);
