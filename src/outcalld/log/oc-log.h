/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The decision log: every verdict, kept in a ring in memory, told to
 * subscribers, and the blocks to the journal (rate limited). Workers push into
 * a ring of their own without a lock; the main thread drains them.
 */

#include "common/oc-address.h"

#include <glib.h>
#include <sys/types.h>

#define OC_LOG_RING_MAX 65536

/* Longer texts are cut when a record is stored. */
#define OC_LOG_NAME_TEXT_MAX 128 /* workload, agent, rule */
#define OC_LOG_HOST_TEXT_MAX 253
#define OC_LOG_METHOD_TEXT_MAX 32
#define OC_LOG_PATH_TEXT_MAX 512
#define OC_LOG_REASON_TEXT_MAX 512
#define OC_LOG_CALL_TEXT_MAX 128 /* session, tool use */

/* A blocked connection is put down to the workload's last tool call, when that was asked
 * about within so long before. */
#define OC_LOG_TOOL_USE_MAX_AGE_US (10 * 60 * G_USEC_PER_SEC)

/* Records of one producer that may wait for the main thread, in bytes (a
 * record has some 200). */
#define OC_LOG_PRODUCER_BYTES (1024 * 1024)

/* The main thread looks for more at this interval while there is traffic, so
 * that a busy worker does not wake it for each verdict. */
#define OC_LOG_DRAIN_INTERVAL_MS 20

/* Blocks that reach the journal; the rest is told as a number. */
#define OC_LOG_JOURNAL_BURST 50
#define OC_LOG_JOURNAL_PER_S 10
#define OC_LOG_JOURNAL_SUMMARY_S 5

typedef struct OcLog OcLog;
typedef struct OcLogProducer OcLogProducer;

typedef enum
{
  OC_LAYER_DNS,
  OC_LAYER_CONNECT,     /* explicit proxy, CONNECT authority */
  OC_LAYER_TLS,         /* SNI, in a tunnel or transparent */
  OC_LAYER_HTTP,        /* plain HTTP, explicit or transparent */
  OC_LAYER_AGENT,       /* permission check on the agent socket */
  OC_LAYER_CONTAINER,   /* container creation */
} OcLayer;

/* One verdict. Strings are borrowed for the call, bounded and cleaned of
 * control bytes when stored. Never put header values, query strings, bodies or
 * tokens here. */
typedef struct
{
  gint64 time_us; /* since the epoch; 0: now */
  OcLayer layer;
  gboolean allowed;
  OcStr workload;
  OcStr agent;
  OcStr host;
  OcAddress address; /* destination, family 0 when unknown */
  guint16 port;
  OcStr method; /* or the DNS record type */
  OcStr path;   /* without query */
  OcStr rule;   /* empty: default */
  OcStr reason;
  guint64 bytes_up, bytes_down;
  OcStr session;   /* of the agent, as it says; agent layer */
  OcStr tool_use;  /* its tool call; on other layers the log puts in the one before */
  guint64 request; /* id of the rule request that asks for it; 0: none. By the log. */
  gint64 duration_us; /* of DNS: until an upstream had answered */
  gboolean cached;    /* DNS: answered from the cache */
  guint32 ticket;     /* by the log */
  gboolean ended;     /* address, bytes and duration were told with oc_log_push_end(); by the log */
} OcDecision;

/* For the end of what one verdict allowed. */
typedef struct
{
  guint32 id; /* 0: none */
  gint64 time_us;
} OcLogTicket;

/* A stored verdict with its number. */
typedef struct
{
  guint64 sequence; /* from 1, no gaps but for those dropped under load */
  OcDecision decision;
} OcLogRecord;

/* Attaches to the thread-default main context. Producers are freed before it. */
OcLog *oc_log_new (void);
void oc_log_free (OcLog *log);

/* One per thread that pushes; freed when that thread has ended or pushes no
 * more. What it pushed stays. Thread: main. */
OcLogProducer *oc_log_add_producer (OcLog *log);
void oc_log_producer_free (OcLogProducer *producer);
/* Never blocks and never fails: when the main thread lags, records are left out
 * and counted. Thread: the producer's own. */
void oc_log_push (OcLogProducer *producer, const OcDecision *decision);
/* The same, for what goes on after the verdict. @ticket: set; oc_log_push_end() takes it. */
void oc_log_push_open (OcLogProducer *producer, const OcDecision *decision, OcLogTicket *ticket);
/* Its address, bytes and duration, of @end; nothing else of that is looked at. Does nothing
 * without a ticket, else clears it. */
void oc_log_push_end (OcLogProducer *producer, OcLogTicket *ticket, const OcDecision *end);

/* Allowed verdicts too go to the journal, at level debug. Thread: main. */
void oc_log_set_verbose (OcLog *log, gboolean verbose);

/* Everything pushed so far is in the ring when this returns. Thread: main. */
void oc_log_drain (OcLog *log);

typedef struct
{
  const char *agent;   /* (nullable): workload or agent name */
  const char *host;    /* (nullable): the host or a domain above it */
  const char *rule;    /* (nullable): the id of the one that decided */
  int allowed;         /* 1, 0, or -1 for both */
  gint64 since_us;     /* since the epoch; 0: all */
  gsize limit;         /* newest so many; 0: all */
  guint64 before;      /* only those with a smaller sequence; 0: all */
} OcLogFilter;

gboolean oc_log_filter_matches (const OcLogFilter *filter, const OcLogRecord *record);

typedef void (*OcLogFunc) (const OcLogRecord *record, gpointer user_data);

/* Calls @func for matching records, oldest first. Thread: main. */
void oc_log_foreach (OcLog *log, const OcLogFilter *filter, OcLogFunc func, gpointer user_data);
/* @func is called for each new record, and again when its end was told (`ended` is set then),
 * from the main loop or oc_log_drain(); it may subscribe and unsubscribe.
 * Returns: an id for oc_log_unsubscribe(). */
guint oc_log_subscribe (OcLog *log, OcLogFunc func, gpointer user_data);
void oc_log_unsubscribe (OcLog *log, guint id);

/* Notes in a stored record which rule request asks for it. Thread: main. */
void oc_log_set_request (OcLog *log, guint64 sequence, guint64 request);

typedef struct
{
  guint64 allowed, blocked; /* all verdicts, the left-out ones too */
  guint64 left_out;         /* not in the ring: the main thread lagged */
  guint64 journal_left_out; /* blocks that the rate limit kept from the journal */
  guint64 audit_left_out;   /* not in the audit file: the disk lagged or is full */
} OcLogCounters;
void oc_log_get_counters (OcLog *log, OcLogCounters *out);

/* JSON lines are appended to @path (a regular file, made with mode 0640), NULL
 * closes. Calling it again with the same path opens it anew (log rotation). A
 * thread of its own writes, so a slow or full disk delays nobody: what does not fit
 * its queue is left out, and a line with the number is written afterwards. Thread: main. */
gboolean oc_log_set_audit_file (OcLog *log, const char *path, GError **error);

/* A change that somebody made through an API. */
typedef struct
{
  uid_t uid;
  pid_t pid;
  const char *action; /* "rules.reload" */
  const char *detail; /* (nullable): of what */
  const char *error;  /* (nullable): why it failed */
} OcLogChange;

/* Told to the journal and, as a line with "change", to the audit file. Thread: main. */
void oc_log_change (OcLog *log, const OcLogChange *change);

/* "dns", "connect", "tls", "http", "agent", "container". Static. */
const char *oc_layer_name (OcLayer layer);

/* Appends @record as one JSON object without a line end: the form of the audit
 * file, of `GET /log` and of events, which outcall_decision_from_json() reads.
 * Optional members that are empty are left out. Any thread. */
void oc_log_record_append_json (const OcLogRecord *record, GString *out);
