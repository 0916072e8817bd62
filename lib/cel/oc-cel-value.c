/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-number.h"

/* Maps smaller than this are searched one by one. */
#define INDEX_MIN 8

/* --- Equality and order -------------------------------------------------- */

static gboolean
equal_lists (const OcCelList *a, const OcCelList *b, guint32 *steps)
{
  if (a == b && !a->values)
    return TRUE;
  if (a->len != b->len)
    return FALSE;
  for (guint32 i = 0; i < a->len; i++)
    if (!oc_cel_equal_steps (oc_cel_list_get (a, i), oc_cel_list_get (b, i), steps))
      return FALSE;
  return TRUE;
}

/* What reading @v takes from the steps. Returns: FALSE when none are left */
static gboolean
pay_for_text (OcCelValue v, guint32 *steps)
{
  guint32 price = v.kind == OC_CEL_STRING || v.kind == OC_CEL_BYTES ? v.aux / OC_CEL_STEP_BYTES : 0;

  *steps -= MIN (price, *steps);
  return *steps > 0;
}

static gboolean
equal_maps (const OcCelMap *a, const OcCelMap *b, guint32 *steps)
{
  OcCelValue found;

  if (a->len != b->len)
    return FALSE;
  for (guint32 i = 0; i < a->len; i++)
    if (!pay_for_text (oc_cel_map_get_key (a, i), steps)
        || !oc_cel_map_lookup (b, oc_cel_map_get_key (a, i), &found)
        || !oc_cel_equal_steps (oc_cel_map_get_value (a, i), found, steps))
      return FALSE;
  return TRUE;
}

/* An IPv4 address written as an IPv4-mapped one is the same address. */
static OcAddress
unmap (OcAddress a)
{
  static const guint8 prefix[12] = { [10] = 0xff, [11] = 0xff };

  if (a.family == 6 && memcmp (a.bytes, prefix, sizeof prefix) == 0)
    {
      memmove (a.bytes, a.bytes + 12, 4);
      memset (a.bytes + 4, 0, 12);
      a.family = 4;
    }
  return a;
}

static gboolean
equal_nets (OcCelValue a, OcCelValue b)
{
  OcAddress x = unmap (a.net->address), y = unmap (b.net->address);

  return oc_address_equal (&x, &y) && a.net->prefix == b.net->prefix;
}

static gboolean
equal_optionals (const OcCelValue *a, const OcCelValue *b, guint32 *steps)
{
  if (!a || !b)
    return a == b;
  return oc_cel_equal_steps (*a, *b, steps);
}

gboolean
oc_cel_equal_steps (OcCelValue a, OcCelValue b, guint32 *steps)
{
  if (*steps == 0)
    return FALSE;
  if (--*steps > 0 && !pay_for_text (a, steps))
    return FALSE;
  if (a.kind != b.kind)
    return oc_cel_kind_is_number (a.kind) && oc_cel_kind_is_number (b.kind)
           && oc_cel_number_compare (a, b) == 0;
  switch ((OcCelKind) a.kind)
    {
    case OC_CEL_NULL:
      return TRUE;
    case OC_CEL_BOOL:
    case OC_CEL_INT:
    case OC_CEL_UINT:
    case OC_CEL_DURATION:
      return a.i == b.i;
    case OC_CEL_DOUBLE:
      return a.d == b.d;
    case OC_CEL_STRING:
    case OC_CEL_BYTES:
      return a.aux == b.aux && memcmp (a.str, b.str, a.aux) == 0;
    case OC_CEL_LIST:
      return equal_lists (a.list, b.list, steps);
    case OC_CEL_MAP:
      return equal_maps (a.map, b.map, steps);
    case OC_CEL_TYPE:
      return oc_cel_type_same_name (a.type, b.type);
    case OC_CEL_TIMESTAMP:
      return a.i == b.i && a.aux == b.aux;
    case OC_CEL_OPTIONAL:
      return equal_optionals (a.optional, b.optional, steps);
    case OC_CEL_IP:
    case OC_CEL_CIDR:
      return equal_nets (a, b);
    case OC_CEL_ERROR:
    case OC_CEL_UNKNOWN:
      break;
    }
  return FALSE;
}

gboolean
oc_cel_value_equal (OcCelValue a, OcCelValue b)
{
  guint32 steps = G_MAXUINT32;

  return oc_cel_equal_steps (a, b, &steps);
}

static int
compare_bytes (OcCelValue a, OcCelValue b)
{
  int order = memcmp (a.str, b.str, MIN (a.aux, b.aux));

  if (order != 0)
    return order < 0 ? -1 : 1;
  return (a.aux > b.aux) - (a.aux < b.aux);
}

int
oc_cel_compare (OcCelValue a, OcCelValue b)
{
  if (oc_cel_kind_is_number (a.kind) && oc_cel_kind_is_number (b.kind))
    return oc_cel_number_compare (a, b);
  if (a.kind != b.kind)
    return 3;
  switch ((OcCelKind) a.kind)
    {
    case OC_CEL_BOOL:
    case OC_CEL_DURATION:
      return (a.i > b.i) - (a.i < b.i);
    case OC_CEL_STRING:
    case OC_CEL_BYTES:
      return compare_bytes (a, b);
    case OC_CEL_TIMESTAMP:
      return a.i != b.i ? (a.i > b.i ? 1 : -1) : (a.aux > b.aux) - (a.aux < b.aux);
    default:
      return 3;
    }
}

/* --- Maps ---------------------------------------------------------------- */

static guint32
mix (guint64 x)
{
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  return (guint32) x;
}

/* Equal keys have equal hashes, so numbers are hashed by value. */
guint32
oc_cel_value_hash (OcCelValue v)
{
  guint64 h = 14695981039346656037ull;
  gint64 whole;

  if (v.kind == OC_CEL_STRING)
    {
      for (guint32 i = 0; i < v.aux; i++)
        h = (h ^ (guint8) v.str[i]) * 1099511628211ull;
      return mix (h);
    }
  if (v.kind == OC_CEL_DOUBLE)
    return oc_cel_number_double_to_int (v.d, &whole) ? mix ((guint64) whole) : mix ((guint64) MAX (v.d, 0));
  return mix (v.u);
}

/* The table follows its mask: index[0] is the mask, then entry numbers + 1. */
static guint32
probe (const OcCelMap *map, OcCelValue key)
{
  guint32 mask = map->index[0];

  for (guint32 i = oc_cel_value_hash (key) & mask;; i = (i + 1) & mask)
    {
      guint32 n = map->index[1 + i];

      if (n == 0 || oc_cel_value_equal (map->entries[n - 1].key, key))
        return i;
    }
}

gboolean
oc_cel_map_lookup (const OcCelMap *map, OcCelValue key, OcCelValue *out)
{
  guint32 n = 0;

  if (map->index)
    n = map->index[1 + probe (map, key)];
  else
    for (guint32 i = 0; i < map->len && n == 0; i++)
      if (oc_cel_value_equal (oc_cel_map_get_key (map, i), key))
        n = i + 1;
  if (n == 0)
    return FALSE;
  *out = oc_cel_map_get_value (map, n - 1);
  return TRUE;
}

void
oc_cel_map_build_index (OcCelArena *arena, OcCelMap *map)
{
  guint32 size = 16;
  guint32 *index;

  map->index = NULL;
  if (map->len < INDEX_MIN || !map->entries)
    return;
  while (size < map->len * 2)
    size *= 2;
  index = oc_cel_arena_alloc0 (arena, sizeof *index * ((gsize) size + 1));
  if (!index)
    return;
  index[0] = size - 1;
  map->index = index;
  for (guint32 i = 0; i < map->len; i++)
    {
      guint32 place = probe (map, map->entries[i].key);

      if (index[1 + place] == 0)
        index[1 + place] = i + 1;
    }
}

static gboolean
is_key (OcCelValue v)
{
  return v.kind == OC_CEL_BOOL || v.kind == OC_CEL_INT || v.kind == OC_CEL_UINT
         || v.kind == OC_CEL_STRING;
}

static gboolean
has_twice (const OcCelMap *map, guint32 i)
{
  if (map->index)
    return map->index[1 + probe (map, map->entries[i].key)] != i + 1;
  for (guint32 j = 0; j < i; j++)
    if (oc_cel_value_equal (map->entries[i].key, map->entries[j].key))
      return TRUE;
  return FALSE;
}

gboolean
oc_cel_map_finish (OcCelArena *arena, OcCelMap *map, const char **why)
{
  for (guint32 i = 0; i < map->len; i++)
    if (!is_key (map->entries[i].key))
      {
        *why = "unsupported kind of map key";
        return FALSE;
      }
  oc_cel_map_build_index (arena, map);
  *why = map->len >= INDEX_MIN && !map->index ? "map is too large" : "map key is there twice";
  if (map->len >= INDEX_MIN && !map->index)
    return FALSE;
  for (guint32 i = 0; i < map->len; i++)
    if (has_twice (map, i))
      return FALSE;
  return TRUE;
}

/* --- Kinds and types ----------------------------------------------------- */

const char *
oc_cel_kind_name (OcCelKind kind)
{
  static const char *const names[] = {
    [OC_CEL_NULL] = "null_type",
    [OC_CEL_BOOL] = "bool",
    [OC_CEL_INT] = "int",
    [OC_CEL_UINT] = "uint",
    [OC_CEL_DOUBLE] = "double",
    [OC_CEL_STRING] = "string",
    [OC_CEL_BYTES] = "bytes",
    [OC_CEL_LIST] = "list",
    [OC_CEL_MAP] = "map",
    [OC_CEL_TYPE] = "type",
    [OC_CEL_DURATION] = "google.protobuf.Duration",
    [OC_CEL_TIMESTAMP] = "google.protobuf.Timestamp",
    [OC_CEL_OPTIONAL] = "optional_type",
    [OC_CEL_IP] = "net.IP",
    [OC_CEL_CIDR] = "net.CIDR",
    [OC_CEL_ERROR] = "error",
    [OC_CEL_UNKNOWN] = "unknown",
  };

  return kind < G_N_ELEMENTS (names) ? names[kind] : "invalid";
}

const OcCelType *
oc_cel_value_get_type (OcCelValue v)
{
  static const guint8 types[] = {
    [OC_CEL_NULL] = OC_CEL_TYPE_NULL,         [OC_CEL_BOOL] = OC_CEL_TYPE_BOOL,
    [OC_CEL_INT] = OC_CEL_TYPE_INT,           [OC_CEL_UINT] = OC_CEL_TYPE_UINT,
    [OC_CEL_DOUBLE] = OC_CEL_TYPE_DOUBLE,     [OC_CEL_STRING] = OC_CEL_TYPE_STRING,
    [OC_CEL_BYTES] = OC_CEL_TYPE_BYTES,       [OC_CEL_LIST] = OC_CEL_TYPE_LIST,
    [OC_CEL_MAP] = OC_CEL_TYPE_MAP,           [OC_CEL_TYPE] = OC_CEL_TYPE_TYPE,
    [OC_CEL_DURATION] = OC_CEL_TYPE_DURATION, [OC_CEL_TIMESTAMP] = OC_CEL_TYPE_TIMESTAMP,
  };

  if (v.kind == OC_CEL_OPTIONAL)
    return &oc_cel_type_optional_any;
  if (v.kind == OC_CEL_IP)
    return &oc_cel_type_net_ip;
  if (v.kind == OC_CEL_CIDR)
    return &oc_cel_type_net_cidr;
  return oc_cel_type_basic (types[v.kind]);
}
