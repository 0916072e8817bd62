/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The parts of the decision log that its own files and tests share: packed
 * records, the single-producer byte ring, and the audit file's writer thread.
 */

#include "log/oc-log.h"

#include <stdatomic.h>

/* --- Packed records -------------------------------------------------------- */

enum
{
  OC_LOG_TEXT_WORKLOAD,
  OC_LOG_TEXT_AGENT,
  OC_LOG_TEXT_HOST,
  OC_LOG_TEXT_METHOD,
  OC_LOG_TEXT_PATH,
  OC_LOG_TEXT_RULE,
  OC_LOG_TEXT_REASON,
  OC_LOG_TEXT_SESSION,
  OC_LOG_TEXT_TOOL_USE,
  OC_LOG_N_TEXTS,
};

#define OC_LOG_LAYER_PAD 0xff
#define OC_LOG_LAYER_END 0xfe /* of the record with the same ticket and time */

/* One verdict in as few bytes as it needs; the texts follow one another without
 * terminators. @size comes first, and a ring's filler has only the first eight bytes. */
typedef struct
{
  guint32 size; /* of the whole, a multiple of 8 */
  guint8 layer; /* OcLayer or OC_LOG_LAYER_… */
  guint8 allowed : 1;
  guint8 cached : 1;
  guint8 ended : 1;
  guint16 port;
  gint64 time_us;
  guint64 sequence;
  guint64 bytes_up, bytes_down;
  gint64 duration_us;
  guint64 request;
  guint32 ticket; /* 0: none */
  guint32 refs;   /* main thread */
  OcAddress address;
  guint16 len[OC_LOG_N_TEXTS];
  char text[];
} OcLogPacked;

/* Bytes that @decision needs with its texts cut to their limits. */
gsize oc_log_packed_size (const OcDecision *decision);
/* Fills @packed, which has @size bytes as told by oc_log_packed_size(). */
void oc_log_pack (OcLogPacked *packed, gsize size, const OcDecision *decision);
/* Replaces control bytes and what is not UTF-8 by "?"; lengths stay. */
void oc_log_packed_clean (OcLogPacked *packed);
/* The same for any text, in place. */
void oc_log_clean_text (char *text, gsize len);
/* A line for the audit file, with its end. */
void oc_log_change_append_json (const OcLogChange *change, GString *out);
/* @out borrows the texts. */
void oc_log_unpack (const OcLogPacked *packed, OcLogRecord *out);

/* --- Records whose end is to come ------------------------------------------- */

/* Of one producer. Thread: main. */
typedef struct OcLogOpen OcLogOpen;

OcLogOpen *oc_log_open_new (void);
void oc_log_open_free (OcLogOpen *open);
/* Keeps @packed under its ticket, in place of one whose end was left out. */
void oc_log_open_add (OcLogOpen *open, OcLogPacked *packed);
/* Puts @end into the record that it ends. Returns: it (transfer full); NULL when it is not
 * known, since it was left out. */
OcLogPacked *oc_log_open_end (OcLogOpen *open, const OcLogPacked *end);
/* @packed: (nullable) */
void oc_log_packed_unref (OcLogPacked *packed);

/* --- Tool calls ------------------------------------------------------------ */

/* The last tool call of each workload. Thread: main. */
typedef struct OcLogCalls OcLogCalls;

OcLogCalls *oc_log_calls_new (void);
void oc_log_calls_free (OcLogCalls *calls);
/* A copy of @packed; a connection gets the tool call before it. (transfer full) */
OcLogPacked *oc_log_calls_copy (OcLogCalls *calls, const OcLogPacked *packed);

/* --- One producer's ring --------------------------------------------------- */

/* Invariant: 0 <= head - tail <= size, both only grow; whole records lie
 * between them. The producer writes head, the main thread writes tail. */
typedef struct
{
  guint8 *data;
  gsize size; /* power of two */
  _Atomic (guint64) head;
  guint64 tail_seen; /* the producer's last look at tail */
  char pad[64];      /* the two ends do not share a cache line */
  _Atomic (guint64) tail;
} OcLogRing;

void oc_log_ring_init (OcLogRing *ring, gsize size);
void oc_log_ring_clear (OcLogRing *ring);
/* Returns: FALSE when it is full. @out_half_full: more than half is used.
 * Thread: the producer's. */
gboolean oc_log_ring_push (OcLogRing *ring, const OcDecision *decision, gboolean *out_half_full);
/* Where a drain that starts now ends. Thread: main. */
guint64 oc_log_ring_get_end (OcLogRing *ring);
/* The oldest record before @end, borrowed until the pop; NULL: none. Thread: main. */
const OcLogPacked *oc_log_ring_peek (OcLogRing *ring, guint64 end);
void oc_log_ring_pop (OcLogRing *ring, const OcLogPacked *packed);

/* --- The journal ----------------------------------------------------------- */

typedef struct OcLogJournal OcLogJournal;

/* @context: borrowed, where the line about what was left out is told */
OcLogJournal *oc_log_journal_new (GMainContext *context);
void oc_log_journal_free (OcLogJournal *journal);
/* A blocked request, unless there were too many of late. */
void oc_log_journal_block (OcLogJournal *journal, const OcDecision *decision);
/* At level debug: asked for by who looks for one request among all. */
void oc_log_journal_allowed (const OcDecision *decision);
void oc_log_journal_change (const OcLogChange *change);
guint64 oc_log_journal_get_left_out (OcLogJournal *journal);

/* --- The audit file -------------------------------------------------------- */

#define OC_LOG_AUDIT_QUEUE_MAX (8 * 1024 * 1024)

typedef struct OcLogAudit OcLogAudit;

OcLogAudit *oc_log_audit_new (void);
/* Writes what is queued, once, and ends the thread. */
void oc_log_audit_free (OcLogAudit *audit);
/* Whether there is a file. */
gboolean oc_log_audit_is_open (OcLogAudit *audit);
/* @path: NULL closes */
gboolean oc_log_audit_set_file (OcLogAudit *audit, const char *path, GError **error);
/* Queues complete lines; over OC_LOG_AUDIT_QUEUE_MAX they are left out and counted.
 * @lines: (transfer full) */
void oc_log_audit_write (OcLogAudit *audit, GString *lines, guint n_lines);
guint64 oc_log_audit_get_left_out (OcLogAudit *audit);
