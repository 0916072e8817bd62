/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What one workload may use of the filter, counted over all workers by the slot
 * of its identity. Lock-free. Any thread.
 */

#include <glib.h>
#include <stdatomic.h>

#define OC_DNS_SLOTS 65536 /* the last one is for sources without a lease */
#define OC_DNS_NOBODY (OC_DNS_SLOTS - 1)
#define OC_DNS_TCP_PER_WORKLOAD_MAX 64
#define OC_DNS_WAITING_PER_WORKLOAD_MAX 512 /* questions that wait for an upstream */
#define OC_DNS_BURST_S 2 /* of the rate */

typedef struct
{
  atomic_llong paid_until_ns; /* the generic cell rate algorithm's one variable */
  atomic_int n_tcp;
  atomic_int n_waiting;
} OcDnsUse;

typedef struct
{
  atomic_llong interval_ns; /* between two queries at the full rate; 0: no limit */
  OcDnsUse uses[OC_DNS_SLOTS];
} OcDnsLimits;

/* @rate_per_s: 0: no limit. Untouched slots cost no memory. */
OcDnsLimits *oc_dns_limits_new (guint32 rate_per_s);
/* From the next query on. */
void oc_dns_limits_set_rate (OcDnsLimits *limits, guint32 rate_per_s);
void oc_dns_limits_free (OcDnsLimits *limits);

static inline OcDnsUse *
oc_dns_limits_get (OcDnsLimits *limits, guint32 slot)
{
  return &limits->uses[slot & (OC_DNS_SLOTS - 1)];
}

/* Takes one query from the bucket. FALSE: it is empty. */
gboolean oc_dns_limits_take (OcDnsLimits *limits, guint32 slot, gint64 now_us);
/* Counts one more unless @most are there. */
gboolean oc_dns_limits_enter (atomic_int *counter, int most);
void oc_dns_limits_leave (atomic_int *counter);
