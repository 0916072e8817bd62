/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One worker thread: its epoll loop, listeners, connections, timers, pools and
 * counters. Nothing of it is touched by another thread but the message queue
 * and, read only, the counters. Thread: the worker's own unless said otherwise.
 */

#include "proxy/oc-proxy-hello.h"
#include "proxy/oc-proxy-private.h"
#include "proxy/oc-proxy-timers.h"

#include "common/oc-host.h"
#include "http1/oc-http1.h"

#include <stdatomic.h>
#include <sys/epoll.h>

#define OC_PROXY_SLOTS_MAX 65536 /* workload slots that are counted apart */
#define OC_PROXY_BODIES_MAX (64 * 1024 * 1024) /* bytes, or four times the longest body */
#define OC_PROXY_ACCEPT_BUDGET 64
#define OC_PROXY_POOL_MAX 64 /* free buffers and pipes that a worker keeps */
#define OC_PROXY_IDLE_MAX 256 /* upstream connections that rest, of a worker */
#define OC_PROXY_IDLE_PER_WORKLOAD 8

typedef struct OcConn OcConn;
typedef struct OcWorker OcWorker;
typedef struct OcIdle OcIdle;

/* --- What all workers share ------------------------------------------------ */

typedef struct
{
  OcProxyOptions options;
  OcProxyTimeouts timeouts;
  gsize buffer_size;
  atomic_uint active;                       /* connections of all workers */
  /* connections of each workload, and of those that are none */
  atomic_uint per_slot[OC_PROXY_SLOTS_MAX + 1];
  /* Memory for bodies that rules want to see: of all workers, and of each workload. */
  atomic_size_t bodies;
  atomic_size_t bodies_per_slot[OC_PROXY_SLOTS_MAX + 1];
} OcProxyShared;

/* --- Event sources ---------------------------------------------------------- */

typedef void (*OcSourceFunc) (gpointer owner, guint32 events);

/* epoll's data is (generation << 32 | slot): an event for a descriptor that was
 * closed, or for a look-up that nobody waits for, finds another generation. */
typedef struct
{
  guint32 generation;
  guint32 events;
  guint32 next_free;
  int fd; /* borrowed; -1: only a token (resolver) */
  OcSourceFunc func;
  gpointer owner;
} OcSource;

/* Returns: an id, never 0; 0 when the kernel refused. */
guint32 oc_worker_add_source (OcWorker *worker, int fd, guint32 events, OcSourceFunc func,
                              gpointer owner);
/* Asks the kernel only when @events differ from what is set. */
void oc_worker_set_events (OcWorker *worker, guint32 id, guint32 events);
/* The same descriptor for another owner. */
void oc_worker_hand_source (OcWorker *worker, guint32 id, OcSourceFunc func, gpointer owner);
/* No more events, not even hang-up. */
void oc_worker_mute_source (OcWorker *worker, guint32 id);
/* Forgets *@id, closes *@fd. */
void oc_worker_close (OcWorker *worker, guint32 *id, int *fd);
guint64 oc_worker_get_token (OcWorker *worker, guint32 id);

/* --- Pools ------------------------------------------------------------------- */

/* 0 <= start <= end <= size; bytes wait in [start, end). */
typedef struct OcBuffer OcBuffer;
struct OcBuffer
{
  OcBuffer *next_free;
  guint32 start, end, size;
  bool is_secret; /* wiped when it is given back */
  char data[];
};

typedef struct OcPipe OcPipe;
struct OcPipe
{
  OcPipe *next_free;
  int in, out;  /* write end, read end */
  gsize waiting; /* bytes inside */
};

OcBuffer *oc_worker_get_buffer (OcWorker *worker);
/* Gives *@buffer back (NULL is fine). */
void oc_worker_put_buffer (OcWorker *worker, OcBuffer **buffer);
/* Returns: NULL when the process is out of descriptors. */
OcPipe *oc_worker_get_pipe (OcWorker *worker);
/* Keeps it for the next one when it is empty, else closes it. */
void oc_worker_put_pipe (OcWorker *worker, OcPipe **pipe);

static inline gsize
oc_buffer_len (const OcBuffer *buffer)
{
  return buffer != NULL ? buffer->end - buffer->start : 0;
}

/* Free bytes behind the waiting ones; moves these to the front for it. */
gsize oc_buffer_make_room (OcBuffer *buffer);
void oc_buffer_append (OcBuffer *buffer, const void *data, gsize len);

/* --- The worker ----------------------------------------------------------------- */

typedef struct
{
  atomic_uint_fast64_t connections, requests, tunnels, upstream_errors;
  atomic_uint_fast64_t bytes_up, bytes_down;
  atomic_uint_fast64_t reasons[OC_PROXY_N_REASONS];
} OcProxyCounters;

/* Only the owner writes, so no locked instruction is needed. */
#define OC_COUNT(worker, field, n)                                                          \
  atomic_store_explicit (                                                                   \
      &(worker)->counters.field,                                                            \
      atomic_load_explicit (&(worker)->counters.field, memory_order_relaxed) + (guint64) (n), \
      memory_order_relaxed)

typedef enum
{
  OC_MODE_EXPLICIT,
  OC_MODE_HTTP, /* transparent */
  OC_MODE_TLS,  /* transparent */
} OcMode;

typedef struct OcListener OcListener;
struct OcListener
{
  OcListener *next;
  OcWorker *worker;
  OcAddress gateway;
  OcMode mode;
  int fd;
  guint32 source;
};

/* The corporate proxy that everything goes through. */
typedef struct
{
  bool set;
  OcHost host;
  guint16 port;
} OcParent;

typedef struct OcMessage OcMessage;
struct OcMessage
{
  OcMessage *next;
  enum
  {
    OC_MESSAGE_LISTEN,
    OC_MESSAGE_UNLISTEN,
    OC_MESSAGE_DRAIN,
    OC_MESSAGE_PARENT,
  } kind;
  OcAddress gateway;
  OcMode mode;
  int fd;
  gint64 deadline_us;
  OcParent parent;
};

struct OcWorker
{
  OcProxyShared *shared;
  GThread *thread;
  int epoll_fd;
  int wake_fd;
  guint32 wake_source, snapshot_source, resolver_source;
  OcSnapshotReader *reader;
  const OcSnapshot *snapshot; /* borrowed from reader; newest that was picked up */
  guint64 generation;
  OcLogProducer *log;
  OcResolver *resolver; /* (nullable): only IP literals can be reached */
  gint64 now_us;        /* monotonic, taken after each wait */

  OcSource *sources;
  guint32 n_sources, free_source;
  OcTimers timers;
  OcTimer accept_timer; /* armed while accepting rests for want of descriptors */
  gint64 drain_us;      /* 0: not stopping; else when the rest is cut off */
  OcListener *listeners;
  OcConn *conns;
  OcConn *dead;  /* freed when no callback can hold them */
  OcConn *ready; /* used up their budget; go on after the next look at epoll */
  guint n_conns;

  OcParent parent;
  OcIdle *idle; /* newest first */
  guint n_idle;

  OcBuffer *free_buffers;
  guint n_free_buffers;
  OcPipe *free_pipes;
  guint n_free_pipes;

  OcProxyCounters counters;

  GMutex lock;         /* protects messages; held for a pointer move */
  OcMessage *messages; /* newest first */

  /* Scratch memory, valid within one callback. */
  OcHttpHead head;
  OcPair pairs[OC_HTTP_HEADERS_MAX];
  char reason[512];
  char path[OC_HTTP_REQUEST_LINE_MAX]; /* with the query */
  guint8 hello[OC_HELLO_MAX + 4];
  char *lower; /* buffer_size bytes: header names in lower case, joined values */
};

/* Thread: main. @resolver (nullable), @log and @reader are taken. */
OcWorker *oc_worker_new (OcProxyShared *shared, OcSnapshotReader *reader, OcLogProducer *log,
                         OcResolver *resolver, GError **error);
/* Thread: main. Closes everything at once. */
void oc_worker_free (OcWorker *worker);
/* Thread: main. @message is copied. */
void oc_worker_send (OcWorker *worker, const OcMessage *message);

/* The newest snapshot; what it no longer allows has been closed on return. */
void oc_worker_refresh (OcWorker *worker);

/* oc-proxy-idle.c: closes all upstream connections that rest. */
void oc_idle_clear (OcWorker *worker);

/* oc-proxy-parent.c: @text: (nullable): none. Thread: any. */
gboolean oc_parent_parse (const char *text, OcParent *out, GError **error);

/* oc-proxy-listener.c */
void oc_listener_add (OcWorker *worker, int fd, const OcAddress *gateway, OcMode mode);
/* @gateway: (nullable): all */
void oc_listeners_remove (OcWorker *worker, const OcAddress *gateway);
/* Thread: main. Returns: -1 with @error set. */
int oc_listener_open (const OcAddress *address, guint16 port, GError **error);
