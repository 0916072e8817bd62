/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* CEL values: 16 bytes, plain data, nothing to free. What a value points to is
 * borrowed; whoever makes the value says for how long. A list or a map is a view
 * of an array that exists already, so a request's arguments and headers are
 * handed over without a copy. Any thread.
 */

#include "common/oc-str.h"

#include <glib.h>

typedef enum
{
  OC_CEL_NULL,
  OC_CEL_BOOL,
  OC_CEL_INT,
  OC_CEL_UINT,
  OC_CEL_DOUBLE,
  OC_CEL_STRING,
  OC_CEL_BYTES,
  OC_CEL_LIST,
  OC_CEL_MAP,
  OC_CEL_TYPE,
  OC_CEL_DURATION,  /* i: nanoseconds */
  OC_CEL_TIMESTAMP, /* i: seconds since the epoch; aux: nanoseconds */
  OC_CEL_OPTIONAL,  /* optional: NULL is none */
  OC_CEL_IP,
  OC_CEL_CIDR,
  OC_CEL_ERROR,     /* str: static text; aux: OcCelErrorCode */
  OC_CEL_UNKNOWN,
} OcCelKind;

typedef enum
{
  OC_CEL_ERROR_NO_OVERLOAD, /* a function doesn't take these kinds of values */
  OC_CEL_ERROR_NO_KEY,      /* map key, list index, field, empty optional */
  OC_CEL_ERROR_NO_NAME,     /* unknown variable or function, without type check */
  OC_CEL_ERROR_RANGE,       /* overflow, time out of range */
  OC_CEL_ERROR_DIVIDE,      /* by zero */
  OC_CEL_ERROR_ARGUMENT,    /* unreadable number, time, address, pattern, format */
  OC_CEL_ERROR_STEPS,       /* step budget used up */
  OC_CEL_ERROR_MEMORY,      /* memory budget used up */
} OcCelErrorCode;

typedef struct OcCelValue OcCelValue;
typedef struct OcCelList OcCelList;
typedef struct OcCelMap OcCelMap;

struct OcCelValue
{
  guint32 kind; /* OcCelKind */
  guint32 aux;  /* STRING, BYTES: length in bytes; TIMESTAMP: nanoseconds; ERROR: code */
  union
  {
    gboolean b;
    gint64 i;
    guint64 u;
    double d;
    const char *str; /* not NUL-terminated; never NULL */
    const OcCelList *list;
    const OcCelMap *map;
    const struct OcCelType *type;
    const OcCelValue *optional;
    const struct OcCelNet *net;
  };
};
G_STATIC_ASSERT (sizeof (OcCelValue) == 16);

/* Exactly one of the arrays is used: @values when it is not NULL, else @strings. */
struct OcCelList
{
  guint32 len;
  const OcCelValue *values;
  const OcStr *strings;
};

typedef struct
{
  OcStr name;
  OcStr value;
} OcCelPair;

typedef struct
{
  OcCelValue key;
  OcCelValue value;
} OcCelEntry;

/* As OcCelList. When @pairs holds one name twice, the first counts. */
struct OcCelMap
{
  guint32 len;
  const OcCelEntry *entries;
  const OcCelPair *pairs;
  const guint32 *index; /* (nullable): private */
};

static inline OcCelValue
oc_cel_null (void)
{
  return (OcCelValue) { .kind = OC_CEL_NULL };
}

static inline OcCelValue
oc_cel_bool (gboolean b)
{
  return (OcCelValue) { .kind = OC_CEL_BOOL, .i = b != 0 };
}

static inline OcCelValue
oc_cel_int (gint64 i)
{
  return (OcCelValue) { .kind = OC_CEL_INT, .i = i };
}

static inline OcCelValue
oc_cel_uint (guint64 u)
{
  return (OcCelValue) { .kind = OC_CEL_UINT, .u = u };
}

static inline OcCelValue
oc_cel_double (double d)
{
  return (OcCelValue) { .kind = OC_CEL_DOUBLE, .d = d };
}

/* Without a text: code and static English words. */
static inline OcCelValue
oc_cel_error (OcCelErrorCode code, const char *message)
{
  return (OcCelValue) { .kind = OC_CEL_ERROR, .aux = code, .str = message };
}

static inline OcCelValue
oc_cel_unknown (void)
{
  return (OcCelValue) { .kind = OC_CEL_UNKNOWN };
}

/* @s: borrowed; more than 4 GiB is an error value */
static inline OcCelValue
oc_cel_string (OcStr s)
{
  if (s.len > G_MAXUINT32)
    return oc_cel_error (OC_CEL_ERROR_MEMORY, "string too long");
  return (OcCelValue) { .kind = OC_CEL_STRING, .aux = (guint32) s.len, .str = s.data ? s.data : "" };
}

static inline OcCelValue
oc_cel_bytes (OcStr s)
{
  OcCelValue v = oc_cel_string (s);

  if (v.kind == OC_CEL_STRING)
    v.kind = OC_CEL_BYTES;
  return v;
}

static inline OcCelValue
oc_cel_list (const OcCelList *list)
{
  return (OcCelValue) { .kind = OC_CEL_LIST, .list = list };
}

static inline OcCelValue
oc_cel_map (const OcCelMap *map)
{
  return (OcCelValue) { .kind = OC_CEL_MAP, .map = map };
}

static inline OcCelValue
oc_cel_duration (gint64 nanoseconds)
{
  return (OcCelValue) { .kind = OC_CEL_DURATION, .i = nanoseconds };
}

/* @nanoseconds: 0–999,999,999, counted forwards from @seconds */
static inline OcCelValue
oc_cel_timestamp (gint64 seconds, guint32 nanoseconds)
{
  return (OcCelValue) { .kind = OC_CEL_TIMESTAMP, .aux = nanoseconds, .i = seconds };
}

/* The bytes of a string, bytes or error value. */
static inline OcStr
oc_cel_value_get_str (OcCelValue v)
{
  return v.kind == OC_CEL_ERROR ? oc_str_from (v.str) : oc_str (v.str, v.aux);
}

static inline gboolean
oc_cel_value_is_true (OcCelValue v)
{
  return v.kind == OC_CEL_BOOL && v.i != 0;
}

/* Element @index, which must be below the length. */
static inline OcCelValue
oc_cel_list_get (const OcCelList *list, guint32 index)
{
  return list->values ? list->values[index] : oc_cel_string (list->strings[index]);
}

/* Entry @index, which must be below the length. */
static inline OcCelValue
oc_cel_map_get_key (const OcCelMap *map, guint32 index)
{
  return map->entries ? map->entries[index].key : oc_cel_string (map->pairs[index].name);
}

static inline OcCelValue
oc_cel_map_get_value (const OcCelMap *map, guint32 index)
{
  return map->entries ? map->entries[index].value : oc_cel_string (map->pairs[index].value);
}

/* CEL's equality: numbers by value across their kinds, NaN unlike itself, maps without order. */
gboolean oc_cel_value_equal (OcCelValue a, OcCelValue b);

/* The value stored under @key, in @out. Returns: FALSE when there is none. */
gboolean oc_cel_map_lookup (const OcCelMap *map, OcCelValue key, OcCelValue *out);

/* As CEL source would write it ("abc", [1, 2], b"\x00"); errors as "error: …".
 * @max: bytes of text at most, a longer one ends in "…"; 0: no limit. (transfer full) */
char *oc_cel_value_format (OcCelValue value, gsize max);

/* "int", "list", "google.protobuf.Timestamp"… Static, but for TYPE values' own names. */
const char *oc_cel_kind_name (OcCelKind kind);
