/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The limits are for all shards together, so that an uneven spread of names
 * costs nothing: whoever inserts over the limit takes out the oldest of its own
 * shard, or of the next one that has any. Locks: one shard at a time.
 */
#include "config.h"

#include "dns/oc-dns-cache.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS 16
#define BUCKETS 1024 /* per shard; a power of two */

G_STATIC_ASSERT ((BUCKETS & (BUCKETS - 1)) == 0 && (SHARDS & (SHARDS - 1)) == 0);

typedef struct Entry Entry;
struct Entry
{
  Entry *next_in_bucket;
  Entry *newer, *older;
  guint64 hash;
  OcDnsAnswer *answer;
  gint64 stored_us;
  gint64 expires_us;
  gint64 moved_us; /* to the newest end */
  OcDnsKey key;
};

/* The first entry of a bucket. Atomic only because a prefetch looks at it without the lock. */
typedef _Atomic (Entry *) Head;

typedef struct
{
  /* Protects all of the shard. Longest hold: one walk through a bucket. */
  GMutex lock;
  Entry *newest, *oldest;
  Head buckets[BUCKETS];
} Shard;

struct OcDnsCache
{
  guint64 seed;
  gsize entries_max, bytes_max;
  atomic_size_t n_entries, n_bytes;
  Shard shards[SHARDS];
};

OcDnsCache *
oc_dns_cache_new (gsize entries_max, gsize bytes_max)
{
  OcDnsCache *cache = g_new0 (OcDnsCache, 1);

  if (getrandom (&cache->seed, sizeof cache->seed, 0) != sizeof cache->seed)
    g_error ("no random numbers from the kernel");
  cache->entries_max = entries_max;
  cache->bytes_max = bytes_max;
  for (guint i = 0; i < SHARDS; i++)
    g_mutex_init (&cache->shards[i].lock);
  return cache;
}

static Shard *
shard_of (OcDnsCache *cache, guint64 hash)
{
  return &cache->shards[hash >> 60 & (SHARDS - 1)];
}

static Head *
head_of (Shard *shard, guint64 hash)
{
  return &shard->buckets[hash & (BUCKETS - 1)];
}

static Entry *
get_head (Head *head)
{
  return atomic_load_explicit (head, memory_order_relaxed);
}

/* --- With the shard's lock held -------------------------------------------- */

static void
unlink_age (Shard *shard, Entry *entry)
{
  *(entry->newer != NULL ? &entry->newer->older : &shard->newest) = entry->older;
  *(entry->older != NULL ? &entry->older->newer : &shard->oldest) = entry->newer;
}

static void
push_newest (Shard *shard, Entry *entry)
{
  entry->newer = NULL;
  entry->older = shard->newest;
  *(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = entry;
  shard->newest = entry;
}

/* The order is kept to the second: moving an entry touches its neighbours, which
 * are cold, and costs more than all the rest of a look-up. */
static void
touch (Shard *shard, Entry *entry, gint64 now_us)
{
  if (now_us - entry->moved_us < G_USEC_PER_SEC)
    return;
  entry->moved_us = now_us;
  unlink_age (shard, entry);
  push_newest (shard, entry);
}

static Entry *
find (Shard *shard, const OcDnsKey *key, guint64 hash)
{
  Entry *entry = get_head (head_of (shard, hash));

  while (entry != NULL && !(entry->hash == hash && oc_dns_key_equal (&entry->key, key)))
    entry = entry->next_in_bucket;
  return entry;
}

static gint64
usable_until (const Entry *entry)
{
  return entry->expires_us + (gint64) OC_DNS_STALE_MAX_S * G_USEC_PER_SEC;
}

static gsize
size_of (const Entry *entry)
{
  return sizeof *entry + oc_dns_answer_get_size (entry->answer);
}

static void
remove_entry (OcDnsCache *cache, Shard *shard, Entry *entry)
{
  Head *head = head_of (shard, entry->hash);
  Entry *before = get_head (head);

  if (before == entry)
    atomic_store_explicit (head, entry->next_in_bucket, memory_order_relaxed);
  else
    {
      while (before->next_in_bucket != entry)
        before = before->next_in_bucket;
      before->next_in_bucket = entry->next_in_bucket;
    }
  unlink_age (shard, entry);
  atomic_fetch_sub_explicit (&cache->n_entries, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit (&cache->n_bytes, size_of (entry), memory_order_relaxed);
  oc_dns_answer_unref (entry->answer);
  g_free (entry);
}

/* --- Public ---------------------------------------------------------------- */

void
oc_dns_cache_prefetch_bucket (OcDnsCache *cache, guint64 hash)
{
  __builtin_prefetch (head_of (shard_of (cache, hash), hash));
}

/* The entry may go at any time: only its address is used, which a prefetch may be wrong about. */
void
oc_dns_cache_prefetch_entry (OcDnsCache *cache, guint64 hash)
{
  const Entry *entry = get_head (head_of (shard_of (cache, hash), hash));

  if (entry == NULL)
    return;
  __builtin_prefetch (entry);
  __builtin_prefetch ((const guint8 *) entry + 64);
}

OcDnsCacheState
oc_dns_cache_lookup (OcDnsCache *cache, const OcDnsKey *key, guint64 hash, gint64 now_us,
                     OcDnsAnswer **out, guint32 *out_age_s)
{
  Shard *shard = shard_of (cache, hash);
  OcDnsCacheState state = OC_DNS_CACHE_MISS;
  Entry *entry;

  g_mutex_lock (&shard->lock);
  entry = find (shard, key, hash);
  if (entry != NULL && now_us >= usable_until (entry))
    {
      remove_entry (cache, shard, entry);
      entry = NULL;
    }
  if (entry != NULL)
    {
      state = now_us < entry->expires_us ? OC_DNS_CACHE_FRESH : OC_DNS_CACHE_STALE;
      *out = oc_dns_answer_ref (entry->answer);
      *out_age_s = (guint32) (MAX (now_us - entry->stored_us, 0) / G_USEC_PER_SEC);
      touch (shard, entry, now_us);
    }
  g_mutex_unlock (&shard->lock);
  return state;
}

static gboolean
is_over (OcDnsCache *cache)
{
  return atomic_load_explicit (&cache->n_entries, memory_order_relaxed) > cache->entries_max
         || atomic_load_explicit (&cache->n_bytes, memory_order_relaxed) > cache->bytes_max;
}

/* Other shards are asked only when this one has nothing but the new entry. */
static void
make_room (OcDnsCache *cache, Shard *own, const OcDnsAnswer *keep)
{
  for (gsize i = 0; i < SHARDS && is_over (cache); i++)
    {
      Shard *shard = &cache->shards[((gsize) (own - cache->shards) + i) % SHARDS];

      g_mutex_lock (&shard->lock);
      while (is_over (cache) && shard->oldest != NULL && shard->oldest->answer != keep)
        remove_entry (cache, shard, shard->oldest);
      g_mutex_unlock (&shard->lock);
    }
}

void
oc_dns_cache_insert (OcDnsCache *cache, const OcDnsKey *key, guint64 hash, gint64 now_us,
                     OcDnsAnswer *answer)
{
  Shard *shard = shard_of (cache, hash);
  Entry *entry;
  Entry *old;

  if (answer->lifetime_s == 0)
    return;
  entry = g_new0 (Entry, 1);
  entry->hash = hash;
  entry->key = *key;
  entry->answer = oc_dns_answer_ref (answer);
  entry->stored_us = entry->moved_us = now_us;
  entry->expires_us = now_us + (gint64) answer->lifetime_s * G_USEC_PER_SEC;
  g_mutex_lock (&shard->lock);
  old = find (shard, key, hash);
  if (old != NULL)
    remove_entry (cache, shard, old);
  entry->next_in_bucket = get_head (head_of (shard, hash));
  atomic_store_explicit (head_of (shard, hash), entry, memory_order_relaxed);
  push_newest (shard, entry);
  atomic_fetch_add_explicit (&cache->n_entries, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&cache->n_bytes, size_of (entry), memory_order_relaxed);
  g_mutex_unlock (&shard->lock);
  make_room (cache, shard, answer);
}

void
oc_dns_cache_flush (OcDnsCache *cache)
{
  for (guint i = 0; i < SHARDS; i++)
    {
      Shard *shard = &cache->shards[i];

      g_mutex_lock (&shard->lock);
      while (shard->oldest != NULL)
        remove_entry (cache, shard, shard->oldest);
      g_mutex_unlock (&shard->lock);
    }
}

void
oc_dns_cache_free (OcDnsCache *cache)
{
  if (cache == NULL)
    return;
  oc_dns_cache_flush (cache);
  for (guint i = 0; i < SHARDS; i++)
    g_mutex_clear (&cache->shards[i].lock);
  g_free (cache);
}

gsize
oc_dns_cache_get_n_entries (OcDnsCache *cache)
{
  return atomic_load_explicit (&cache->n_entries, memory_order_relaxed);
}

gsize
oc_dns_cache_get_n_bytes (OcDnsCache *cache)
{
  return atomic_load_explicit (&cache->n_bytes, memory_order_relaxed);
}

void
oc_dns_cache_foreach (OcDnsCache *cache, gint64 now_us, OcDnsCacheFunc func, gpointer user_data)
{
  for (guint i = 0; i < SHARDS; i++)
    {
      Shard *shard = &cache->shards[i];

      g_mutex_lock (&shard->lock);
      for (const Entry *entry = shard->newest; entry != NULL; entry = entry->older)
        if (now_us < usable_until (entry))
          func (&entry->key, entry->answer, (entry->expires_us - now_us) / G_USEC_PER_SEC,
                user_data);
      g_mutex_unlock (&shard->lock);
    }
}

guint64
oc_dns_cache_get_seed (const OcDnsCache *cache)
{
  return cache->seed;
}
