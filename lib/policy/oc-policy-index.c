/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-index.h"

#include <string.h>

/* Names are hashed from their end, so that one pass over a name yields the hash
 * of each of its suffixes. ASCII case is folded: a candidate too many is harmless,
 * one too few is a wrong verdict. */

/* One key: its text, and its rules in `rules`. */
typedef struct
{
  guint32 hash; /* 0: empty slot */
  guint32 text; /* offset in `texts` */
  guint32 first;
  guint32 n;
  guint16 len;
  guint8 kind;
} Key;

typedef struct
{
  gint64 port;
  guint32 first;
  guint32 n;
} PortKey;

struct OcIndex
{
  Key *keys; /* open addressing, a power of two */
  guint32 mask;
  guint32 suffix_variables; /* those that have any suffix keys */
  guint32 text_variables;   /* those that have any keys */
  char *texts;
  guint32 *rules;
  PortKey *ports; /* sorted */
  guint32 n_ports;
  guint32 always_first, n_always;
  guint32 ports_first, n_port_rules; /* all rules with a port among their atoms */
  guint32 n_rules;
};

/* A key while it is collected. */
typedef struct
{
  guint8 kind;
  OcStr text;
  gint64 port;
  GArray *rules; /* (element-type guint32) */
} Pending;

struct OcIndexBuilder
{
  GHashTable *pending; /* (element-type Pending), keys own themselves */
  GPtrArray *in_order; /* (element-type Pending), so that the layout is reproducible */
  GArray *always;
  GArray *port_rules;
  OcArena *arena;
  guint32 n_rules;
};

/* ASCII; inline, for it is called for each byte of each name. */
static inline guint8
lower (char c)
{
  guint8 byte = (guint8) c;

  return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static guint8
kind_of (const OcAtom *atom)
{
  return (guint8) (atom->variable << 1 | (atom->suffix ? 1 : 0));
}

/* The same for each variable, so that one pass serves all that hold one value. */
static guint32
hash_step (guint32 hash, char c)
{
  return (hash ^ lower (c)) * 0x01000193u;
}

static guint32
hash_finish (guint32 hash, guint8 kind)
{
  hash ^= kind;
  hash *= 0x85ebca6bu;
  hash ^= hash >> 15;
  return hash != 0 ? hash : 1;
}

static guint32
hash_text (OcStr text, guint8 kind)
{
  guint32 hash = 0x811c9dc5u;

  for (gsize i = text.len; i > 0; i--)
    hash = hash_step (hash, text.data[i - 1]);
  return hash_finish (hash, kind);
}

/* --- Building ------------------------------------------------------------- */

static guint
pending_hash (gconstpointer p)
{
  const Pending *pending = p;

  return hash_text (pending->text, pending->kind) ^ (guint) pending->port;
}

static gboolean
pending_equal (gconstpointer a, gconstpointer b)
{
  const Pending *x = a;
  const Pending *y = b;

  return x->kind == y->kind && x->port == y->port && oc_str_equal (x->text, y->text);
}

static GArray *
new_rules (void)
{
  return g_array_new (FALSE, FALSE, sizeof (guint32));
}

OcIndexBuilder *
oc_index_builder_new (void)
{
  OcIndexBuilder *builder = g_new0 (OcIndexBuilder, 1);

  builder->pending = g_hash_table_new (pending_hash, pending_equal);
  builder->in_order = g_ptr_array_new ();
  builder->always = new_rules ();
  builder->port_rules = new_rules ();
  builder->arena = oc_arena_new (65536);
  return builder;
}

static Pending *
ensure_pending (OcIndexBuilder *builder, const OcAtom *atom)
{
  Pending probe = { .kind = kind_of (atom), .text = atom->text, .port = atom->number };
  Pending *pending = g_hash_table_lookup (builder->pending, &probe);

  if (pending != NULL)
    return pending;
  pending = oc_arena_new0 (builder->arena, Pending);
  *pending = probe;
  pending->text.data = oc_arena_strndup (builder->arena, atom->text.data, atom->text.len);
  pending->rules = new_rules ();
  g_hash_table_add (builder->pending, pending);
  g_ptr_array_add (builder->in_order, pending);
  return pending;
}

/* Rules come in rising order, so one that is there already is the last. */
static void
add_rule (GArray *rules, guint32 rule)
{
  if (rules->len == 0 || g_array_index (rules, guint32, rules->len - 1) != rule)
    g_array_append_val (rules, rule);
}

void
oc_index_builder_add (OcIndexBuilder *builder, guint32 rule, const OcAtoms *atoms)
{
  builder->n_rules = rule + 1;
  if (atoms == NULL)
    {
      add_rule (builder->always, rule);
      return;
    }
  for (guint i = 0; i < atoms->len; i++)
    {
      const OcAtom *atom = &atoms->items[i];

      if (atom->text.len > G_MAXUINT16)
        continue; /* no name is so long: the atom never holds */
      add_rule (ensure_pending (builder, atom)->rules, rule);
      if (atom->variable == OC_KEY_PORT)
        add_rule (builder->port_rules, rule);
    }
}

static int
compare_port_keys (gconstpointer a, gconstpointer b)
{
  const PortKey *x = a;
  const PortKey *y = b;

  return (x->port > y->port) - (x->port < y->port);
}

static guint32
append_rules (GArray *all, const GArray *rules)
{
  guint32 first = all->len;

  if (rules->len > 0)
    g_array_append_vals (all, rules->data, rules->len);
  return first;
}

static void
insert_key (OcIndex *index, const Pending *pending, GString *texts, guint32 first)
{
  Key key = { .hash = hash_text (pending->text, pending->kind),
              .text = (guint32) texts->len,
              .first = first,
              .n = pending->rules->len,
              .len = (guint16) pending->text.len,
              .kind = pending->kind };
  guint32 slot = key.hash & index->mask;

  g_string_append_len (texts, pending->text.data, (gssize) pending->text.len);
  while (index->keys[slot].hash != 0)
    slot = (slot + 1) & index->mask;
  index->keys[slot] = key;
  index->text_variables |= pending->kind >> 1;
  if ((pending->kind & 1) != 0)
    index->suffix_variables |= pending->kind >> 1;
}

/* At most half full. */
static guint32
table_size (guint n)
{
  guint32 size = 8;

  while (size < n * 2)
    size *= 2;
  return size;
}

static void
fill_keys (OcIndex *index, OcIndexBuilder *builder, GArray *all)
{
  g_autoptr (GString) texts = g_string_new (NULL);
  g_autoptr (GArray) ports = g_array_new (FALSE, FALSE, sizeof (PortKey));

  index->mask = table_size (builder->in_order->len) - 1;
  index->keys = g_new0 (Key, index->mask + 1);
  for (guint i = 0; i < builder->in_order->len; i++)
    {
      const Pending *pending = g_ptr_array_index (builder->in_order, i);
      guint32 first = append_rules (all, pending->rules);
      PortKey port = { pending->port, first, pending->rules->len };

      if (pending->kind >> 1 == OC_KEY_PORT)
        g_array_append_val (ports, port);
      else
        insert_key (index, pending, texts, first);
    }
  g_array_sort (ports, compare_port_keys);
  index->n_ports = ports->len;
  index->ports = g_memdup2 (ports->data, ports->len * sizeof (PortKey));
  index->texts = g_memdup2 (texts->str, texts->len + 1);
}

static void
free_builder (OcIndexBuilder *builder)
{
  for (guint i = 0; i < builder->in_order->len; i++)
    g_array_unref (((Pending *) g_ptr_array_index (builder->in_order, i))->rules);
  g_ptr_array_unref (builder->in_order);
  g_hash_table_unref (builder->pending);
  g_array_unref (builder->always);
  g_array_unref (builder->port_rules);
  oc_arena_free (builder->arena);
  g_free (builder);
}

OcIndex *
oc_index_builder_finish (OcIndexBuilder *builder)
{
  OcIndex *index = g_new0 (OcIndex, 1);
  g_autoptr (GArray) all = new_rules ();

  index->n_rules = builder->n_rules;
  fill_keys (index, builder, all);
  index->always_first = append_rules (all, builder->always);
  index->n_always = builder->always->len;
  index->ports_first = append_rules (all, builder->port_rules);
  index->n_port_rules = builder->port_rules->len;
  index->rules = g_memdup2 (all->data, all->len * sizeof (guint32));
  free_builder (builder);
  return index;
}

void
oc_index_free (OcIndex *index)
{
  if (index == NULL)
    return;
  g_free (index->keys);
  g_free (index->texts);
  g_free (index->rules);
  g_free (index->ports);
  g_free (index);
}

/* --- Looking up ----------------------------------------------------------- */

static void
add_cursor (const OcIndex *index, OcIndexWalk *walk, guint32 first, guint32 n)
{
  if (n == 0)
    return;
  if (walk->n == OC_INDEX_CURSORS_MAX)
    {
      walk->all = TRUE;
      return;
    }
  walk->cursors[walk->n++]
      = (OcIndexCursor) { index->rules + first, index->rules + first + n };
}

static gboolean
key_matches (const OcIndex *index, const Key *key, OcStr text, guint8 kind)
{
  const char *own = index->texts + key->text;

  if (key->kind != kind || key->len != text.len)
    return FALSE;
  for (gsize i = 0; i < text.len; i++)
    if ((guint8) own[i] != lower (text.data[i]))
      return FALSE;
  return TRUE;
}

/* @hash: of @text, not finished */
static void
lookup_key (const OcIndex *index, OcIndexWalk *walk, OcStr text, guint32 hash, guint8 kind)
{
  guint32 finished = hash_finish (hash, kind);

  for (guint32 slot = finished & index->mask; index->keys[slot].hash != 0;
       slot = (slot + 1) & index->mask)
    if (index->keys[slot].hash == finished && key_matches (index, &index->keys[slot], text, kind))
      {
        add_cursor (index, walk, index->keys[slot].first, index->keys[slot].n);
        return;
      }
}

static void
lookup_kinds (const OcIndex *index, OcIndexWalk *walk, OcStr text, guint32 hash, guint variables,
              guint8 suffix)
{
  for (guint v = OC_KEY_HOSTNAME; v <= OC_KEY_AGENT; v <<= 1)
    if ((variables & v) != 0)
      lookup_key (index, walk, text, hash, (guint8) (v << 1 | suffix));
}

/* @variables: those that hold @value */
static void
lookup_value (const OcIndex *index, OcIndexWalk *walk, OcStr value, guint variables)
{
  guint suffixed = variables & index->suffix_variables;
  guint32 hash = 0x811c9dc5u;

  if ((variables & index->text_variables) == 0)
    return;
  for (gsize i = value.len; i > 0; i--)
    {
      hash = hash_step (hash, value.data[i - 1]);
      if (value.data[i - 1] == '.' && suffixed != 0)
        lookup_kinds (index, walk, oc_str (value.data + i - 1, value.len - i + 1), hash, suffixed,
                      1);
    }
  lookup_kinds (index, walk, value, hash, variables & index->text_variables, 0);
}

static void
lookup_port (const OcIndex *index, OcIndexWalk *walk, gint64 port)
{
  guint32 low = 0;
  guint32 high = index->n_ports;

  while (low < high)
    {
      guint32 mid = low + (high - low) / 2;

      if (index->ports[mid].port < port)
        low = mid + 1;
      else
        high = mid;
    }
  if (low < index->n_ports && index->ports[low].port == port)
    add_cursor (index, walk, index->ports[low].first, index->ports[low].n);
}

static gboolean
same_bytes (OcStr a, OcStr b)
{
  return a.len == b.len && (a.data == b.data || oc_str_equal (a, b));
}

/* Layers often fill two of the names with the same; they are hashed once. */
static void
lookup_names (const OcIndex *index, const OcIndexQuery *query, OcIndexWalk *walk)
{
  const OcStr values[] = { query->hostname, query->http_host, query->dns_query };
  guint done = 0;

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      guint variables = 1u << i;

      if ((done & variables) != 0)
        continue;
      for (guint k = i + 1; k < G_N_ELEMENTS (values); k++)
        if (same_bytes (values[i], values[k]))
          variables |= 1u << k;
      lookup_value (index, walk, values[i], variables & ~done);
      done |= variables;
    }
}

void
oc_index_start (const OcIndex *index, const OcIndexQuery *query, OcIndexWalk *walk)
{
  walk->n = 0;
  walk->all = FALSE;
  walk->next = 0;
  walk->n_rules = index->n_rules;
  add_cursor (index, walk, index->always_first, index->n_always);
  lookup_names (index, query, walk);
  if ((index->text_variables & OC_KEY_AGENT) != 0)
    lookup_value (index, walk, query->agent, OC_KEY_AGENT);
  if (query->port_unknown)
    add_cursor (index, walk, index->ports_first, index->n_port_rules);
  else
    lookup_port (index, walk, query->port);
}

/* The lists are few and short: looking at each head beats a heap. */
gboolean
oc_index_next (OcIndexWalk *walk, guint32 *out_rule)
{
  guint32 lowest = G_MAXUINT32;
  guint n = 0;

  if (walk->all)
    {
      *out_rule = walk->next;
      return walk->next++ < walk->n_rules;
    }
  for (guint i = 0; i < walk->n; i++)
    lowest = MIN (lowest, *walk->cursors[i].at);
  if (walk->n == 0)
    return FALSE;
  for (guint i = 0; i < walk->n; i++)
    {
      OcIndexCursor cursor = walk->cursors[i];

      if (*cursor.at == lowest)
        cursor.at++;
      if (cursor.at != cursor.end)
        walk->cursors[n++] = cursor;
    }
  walk->n = n;
  *out_rule = lowest;
  return TRUE;
}
