/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-grants.h"

#include <arpa/inet.h>

typedef struct
{
  guint32 source_be;
  GQueue used;         /* least recently renewed first */
  GHashTable *limited; /* set of OcGrantKey: the kernel has a limit for them */
} Holder;

struct OcGrants
{
  GHashTable *by_key;    /* OcGrantKey → OcGrantEntry, owns */
  GHashTable *by_id;     /* guint64 → OcGrantEntry */
  GHashTable *by_source; /* guint32 → Holder, owns */
  GQueue recent;         /* of all: least recently renewed first */
  guint64 last_id;
  gsize n_ranges;
};

/* --- Keys ---------------------------------------------------------------- */

gboolean
oc_grant_key_is_any_port (const OcGrantKey *key)
{
  return key->host_bits == 0 && key->port == 0 && key->last_port == G_MAXUINT16;
}

gboolean
oc_grant_key_is_range (const OcGrantKey *key)
{
  return key->host_bits != 0 || (key->last_port != 0 && !oc_grant_key_is_any_port (key));
}

gboolean
oc_grant_key_equal (const OcGrantKey *a, const OcGrantKey *b)
{
  return a->source_be == b->source_be && a->destination_be == b->destination_be
         && a->protocol == b->protocol && a->port == b->port && a->last_port == b->last_port
         && a->host_bits == b->host_bits;
}

static guint
hash_key (gconstpointer data)
{
  const OcGrantKey *key = data;
  guint64 mixed = (guint64) key->source_be << 32 | key->destination_be;

  mixed ^= (guint64) key->port << 17 ^ (guint64) key->protocol << 40;
  mixed ^= (guint64) key->last_port << 23 ^ (guint64) key->host_bits << 48;
  mixed *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return (guint) (mixed >> 32);
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  return oc_grant_key_equal (a, b);
}

static guint
hash_source (gconstpointer data)
{
  return *(const guint32 *) data * 2654435761u;
}

static gboolean
equal_sources (gconstpointer a, gconstpointer b)
{
  return *(const guint32 *) a == *(const guint32 *) b;
}

static void
free_holder (gpointer data)
{
  Holder *holder = data;

  g_hash_table_unref (holder->limited);
  g_free (holder);
}

static gboolean
holder_is_empty (const Holder *holder)
{
  return holder->used.length == 0 && g_hash_table_size (holder->limited) == 0;
}

/* Whether some packet would match both. */
static gboolean
keys_overlap (const OcGrantKey *a, const OcGrantKey *b)
{
  guint32 mask = G_MAXUINT32 << MAX (a->host_bits, b->host_bits);
  guint16 a_last = MAX (a->port, a->last_port);
  guint16 b_last = MAX (b->port, b->last_port);

  return a->source_be == b->source_be && a->protocol == b->protocol
         && ((ntohl (a->destination_be) ^ ntohl (b->destination_be)) & mask) == 0
         && a->port <= b_last && b->port <= a_last;
}

/* --- Life ---------------------------------------------------------------- */

static void
free_entry (gpointer data)
{
  OcGrantEntry *entry = data;

  g_clear_pointer (&entry->name, g_ref_string_release);
  g_clear_pointer (&entry->rule, g_ref_string_release);
  g_free (entry);
}

OcGrants *
oc_grants_new (void)
{
  OcGrants *grants = g_new0 (OcGrants, 1);

  grants->by_key = g_hash_table_new_full (hash_key, equal_keys, NULL, free_entry);
  grants->by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  grants->by_source = g_hash_table_new_full (hash_source, equal_sources, NULL, free_holder);
  g_queue_init (&grants->recent);
  return grants;
}

void
oc_grants_free (OcGrants *grants)
{
  if (grants == NULL)
    return;
  g_hash_table_unref (grants->by_source);
  g_hash_table_unref (grants->by_id);
  g_hash_table_unref (grants->by_key);
  g_free (grants);
}

gsize
oc_grants_count (const OcGrants *grants)
{
  return g_hash_table_size (grants->by_key);
}

OcGrantEntry *
oc_grants_lookup (const OcGrants *grants, const OcGrantKey *key)
{
  return g_hash_table_lookup (grants->by_key, key);
}

OcGrantEntry *
oc_grants_lookup_id (const OcGrants *grants, guint64 id)
{
  return g_hash_table_lookup (grants->by_id, &id);
}

/* --- Leaving ------------------------------------------------------------- */

static void
forget (OcGrants *grants, Holder *holder, OcGrantEntry *entry)
{
  g_queue_unlink (&holder->used, &entry->used);
  g_queue_unlink (&grants->recent, &entry->recent);
  grants->n_ranges -= oc_grant_key_is_range (&entry->key);
  g_hash_table_remove (grants->by_id, &entry->id);
  g_hash_table_remove (grants->by_key, &entry->key);
}

static void
forget_expired (OcGrants *grants, Holder *holder, gint64 now_us)
{
  GList *next;

  for (GList *link = holder->used.head; link != NULL; link = next)
    {
      OcGrantEntry *entry = link->data;

      next = link->next;
      if (entry->expires_us <= now_us)
        forget (grants, holder, entry);
    }
}

static void
forget_all_expired (OcGrants *grants, gint64 now_us)
{
  GHashTableIter iter;
  gpointer holder;

  g_hash_table_iter_init (&iter, grants->by_source);
  while (g_hash_table_iter_next (&iter, NULL, &holder))
    {
      forget_expired (grants, holder, now_us);
      if (holder_is_empty (holder))
        g_hash_table_iter_remove (&iter);
    }
}

static gboolean
is_full (const OcGrants *grants, const OcGrantKey *key)
{
  return oc_grants_count (grants) >= OC_GRANTS_MAX
         || (oc_grant_key_is_range (key) && grants->n_ranges >= OC_GRANT_RANGES_MAX);
}

gboolean
oc_grants_make_room (OcGrants *grants, const OcGrantKey *key, gint64 now_us, gboolean *out_evict,
                     OcGrantKey *out_victim)
{
  Holder *holder;

  *out_evict = FALSE;
  if (is_full (grants, key))
    forget_all_expired (grants, now_us);
  if (is_full (grants, key))
    return FALSE;
  holder = g_hash_table_lookup (grants->by_source, &key->source_be);
  if (holder == NULL || holder->used.length < OC_GRANTS_PER_WORKLOAD_MAX)
    return TRUE;
  forget_expired (grants, holder, now_us);
  if (holder->used.length >= OC_GRANTS_PER_WORKLOAD_MAX)
    {
      *out_evict = TRUE;
      *out_victim = ((OcGrantEntry *) holder->used.head->data)->key;
    }
  return TRUE;
}

const OcGrantEntry *
oc_grants_find_overlap (OcGrants *grants, const OcGrantKey *key, gint64 now_us)
{
  Holder *holder = g_hash_table_lookup (grants->by_source, &key->source_be);

  if (holder == NULL || !oc_grant_key_is_range (key))
    return NULL;
  forget_expired (grants, holder, now_us);
  for (GList *link = holder->used.head; link != NULL; link = link->next)
    {
      const OcGrantEntry *entry = link->data;

      if (oc_grant_key_is_range (&entry->key) && !oc_grant_key_equal (&entry->key, key)
          && keys_overlap (&entry->key, key))
        return entry;
    }
  return NULL;
}

/* --- Entering ------------------------------------------------------------ */

static Holder *
ensure_holder (OcGrants *grants, guint32 source_be)
{
  Holder *holder = g_hash_table_lookup (grants->by_source, &source_be);

  if (holder != NULL)
    return holder;
  holder = g_new0 (Holder, 1);
  holder->source_be = source_be;
  g_queue_init (&holder->used);
  holder->limited = g_hash_table_new_full (hash_key, equal_keys, g_free, NULL);
  g_hash_table_insert (grants->by_source, &holder->source_be, holder);
  return holder;
}

static OcGrantEntry *
insert (OcGrants *grants, Holder *holder, const OcGrantKey *key, gint64 now_us)
{
  OcGrantEntry *entry = g_new0 (OcGrantEntry, 1);

  entry->id = ++grants->last_id;
  entry->key = *key;
  entry->inserted_us = now_us;
  entry->used.data = entry;
  entry->recent.data = entry;
  g_queue_push_tail_link (&holder->used, &entry->used);
  g_queue_push_tail_link (&grants->recent, &entry->recent);
  grants->n_ranges += oc_grant_key_is_range (key);
  g_hash_table_insert (grants->by_key, &entry->key, entry);
  g_hash_table_insert (grants->by_id, &entry->id, entry);
  return entry;
}

/* @field: of an entry. The texts are few, the grants may be many. */
static void
set_text (char **field, const char *text)
{
  char *old = *field;

  if (g_strcmp0 (old, text) == 0)
    return;
  *field = text != NULL ? g_ref_string_new_intern (text) : NULL;
  g_clear_pointer (&old, g_ref_string_release);
}

void
oc_grants_mark_used (OcGrants *grants, OcGrantEntry *entry)
{
  Holder *holder = ensure_holder (grants, entry->key.source_be);

  g_queue_unlink (&holder->used, &entry->used);
  g_queue_unlink (&grants->recent, &entry->recent);
  g_queue_push_tail_link (&holder->used, &entry->used);
  g_queue_push_tail_link (&grants->recent, &entry->recent);
}

OcGrantEntry *
oc_grants_touch (OcGrants *grants, const OcGrantRequest *request, gint64 now_us)
{
  Holder *holder = ensure_holder (grants, request->key.source_be);
  OcGrantEntry *entry = oc_grants_lookup (grants, &request->key);

  if (entry == NULL)
    entry = insert (grants, holder, &request->key, now_us);
  entry->expires_us = now_us + (gint64) request->lifetime_s * G_USEC_PER_SEC;
  entry->max_bytes = request->max_bytes;
  if (request->max_bytes != 0)
    g_hash_table_add (holder->limited, g_memdup2 (&entry->key, sizeof entry->key));
  else
    g_hash_table_remove (holder->limited, &entry->key);
  set_text (&entry->name, request->name);
  set_text (&entry->rule, request->rule);
  oc_grants_mark_used (grants, entry);
  return entry;
}

gboolean
oc_grants_remove (OcGrants *grants, const OcGrantKey *key)
{
  OcGrantEntry *entry = oc_grants_lookup (grants, key);
  Holder *holder = g_hash_table_lookup (grants->by_source, &key->source_be);

  if (holder == NULL)
    return FALSE;
  g_hash_table_remove (holder->limited, key);
  if (entry != NULL)
    forget (grants, holder, entry);
  if (holder_is_empty (holder))
    g_hash_table_remove (grants->by_source, &holder->source_be);
  return entry != NULL;
}

gboolean
oc_grants_has_limit (OcGrants *grants, const OcGrantKey *key)
{
  Holder *holder = g_hash_table_lookup (grants->by_source, &key->source_be);

  return holder != NULL && g_hash_table_contains (holder->limited, key);
}

gboolean
oc_grants_may_limit (OcGrants *grants, const OcGrantKey *key)
{
  Holder *holder = g_hash_table_lookup (grants->by_source, &key->source_be);

  return holder == NULL || g_hash_table_contains (holder->limited, key)
         || g_hash_table_size (holder->limited) < OC_GRANTS_PER_WORKLOAD_MAX;
}

GArray *
oc_grants_get_keys (OcGrants *grants, guint32 source_be)
{
  GArray *keys = g_array_new (FALSE, FALSE, sizeof (OcGrantKey));
  Holder *holder = g_hash_table_lookup (grants->by_source, &source_be);
  GHashTableIter iter;
  gpointer key;

  if (holder == NULL)
    return keys;
  for (GList *link = holder->used.head; link != NULL; link = link->next)
    g_array_append_val (keys, ((OcGrantEntry *) link->data)->key);
  g_hash_table_iter_init (&iter, holder->limited);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (oc_grants_lookup (grants, key) == NULL)
      g_array_append_vals (keys, key, 1);
  return keys;
}

void
oc_grants_drop_source (OcGrants *grants, guint32 source_be)
{
  Holder *holder = g_hash_table_lookup (grants->by_source, &source_be);

  if (holder == NULL)
    return;
  while (holder->used.head != NULL)
    forget (grants, holder, holder->used.head->data);
  g_hash_table_remove (grants->by_source, &source_be);
}

void
oc_grants_clear (OcGrants *grants)
{
  g_hash_table_remove_all (grants->by_source);
  g_hash_table_remove_all (grants->by_id);
  g_hash_table_remove_all (grants->by_key);
  g_queue_init (&grants->recent); /* the links were parts of the entries */
  grants->n_ranges = 0;
}

/* --- Showing ------------------------------------------------------------- */

static OcGrant *
copy_entry (const OcGrantEntry *entry)
{
  OcGrant *grant = g_new0 (OcGrant, 1);

  grant->id = entry->id;
  grant->key = entry->key;
  grant->name = g_strdup (entry->name);
  grant->rule = g_strdup (entry->rule);
  grant->inserted_us = entry->inserted_us;
  grant->expires_us = entry->expires_us;
  grant->max_bytes = entry->max_bytes;
  grant->packets = entry->packets;
  grant->bytes = entry->bytes;
  return grant;
}

void
oc_grant_free (OcGrant *grant)
{
  if (grant == NULL)
    return;
  g_free (grant->name);
  g_free (grant->rule);
  g_free (grant);
}

GPtrArray *
oc_grants_list (OcGrants *grants, guint32 source_be, gint64 now_us, gsize limit,
                guint64 *out_total)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_grant_free);
  Holder *holder = NULL;
  GQueue *queue = &grants->recent;

  *out_total = 0;
  if (source_be != 0)
    {
      holder = g_hash_table_lookup (grants->by_source, &source_be);
      if (holder == NULL)
        return list;
      queue = &holder->used;
    }
  for (GList *link = queue->tail; link != NULL; link = link->prev)
    {
      const OcGrantEntry *entry = link->data;

      if (entry->expires_us <= now_us)
        continue;
      ++*out_total;
      if (list->len < limit)
        g_ptr_array_add (list, copy_entry (entry));
    }
  return list;
}
