/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Answers by question, never verdicts. Shared by all workers, split into shards
 * with a lock each: a shared cache makes one worker's miss everybody's hit (with
 * SO_REUSEPORT one workload's queries are spread over all workers), and a shard's
 * lock is held for a hash walk and three pointer moves, 20 ns without contention.
 * Any thread.
 */

#include "dns/oc-dns-answer.h"

#define OC_DNS_CACHE_ENTRIES_MAX 10000
#define OC_DNS_CACHE_BYTES_MAX (32 * 1024 * 1024)
#define OC_DNS_STALE_MAX_S 3600

typedef struct OcDnsCache OcDnsCache;

typedef enum
{
  OC_DNS_CACHE_MISS,
  OC_DNS_CACHE_FRESH,
  OC_DNS_CACHE_STALE, /* out of date for at most OC_DNS_STALE_MAX_S */
} OcDnsCacheState;

OcDnsCache *oc_dns_cache_new (gsize entries_max, gsize bytes_max);
void oc_dns_cache_free (OcDnsCache *cache);
/* @hash: of @key with oc_dns_cache_get_seed()
 * @out: (transfer full), unless it is a miss. @out_age_s: since it was stored. */
OcDnsCacheState oc_dns_cache_lookup (OcDnsCache *cache, const OcDnsKey *key, guint64 hash,
                                     gint64 now_us, OcDnsAnswer **out, guint32 *out_age_s);
/* Hints to the processor for a look-up that will follow: first the bucket, and when that has
 * come the entry. */
void oc_dns_cache_prefetch_bucket (OcDnsCache *cache, guint64 hash);
void oc_dns_cache_prefetch_entry (OcDnsCache *cache, guint64 hash);
/* Replaces; the least recently used go when there is no room. Does nothing for
 * an answer with lifetime 0. */
void oc_dns_cache_insert (OcDnsCache *cache, const OcDnsKey *key, guint64 hash, gint64 now_us,
                          OcDnsAnswer *answer);
void oc_dns_cache_flush (OcDnsCache *cache);
gsize oc_dns_cache_get_n_entries (OcDnsCache *cache);
gsize oc_dns_cache_get_n_bytes (OcDnsCache *cache);
/* @ttl_s: left; negative when it is out of date */
typedef void (*OcDnsCacheFunc) (const OcDnsKey *key, const OcDnsAnswer *answer, gint64 ttl_s,
                                gpointer user_data);
/* All that can still be served. @func is called with a shard's lock held: it copies
 * and comes back. */
void oc_dns_cache_foreach (OcDnsCache *cache, gint64 now_us, OcDnsCacheFunc func,
                           gpointer user_data);
guint64 oc_dns_cache_get_seed (const OcDnsCache *cache);
