/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Private. Each type of the library is described by a table of its members;
 * copying, freeing, comparing, reading and writing are done once, for all of
 * them, by walking these tables. So a type cannot have a forgotten member in one
 * of the five.
 */

#define OUTCALL_API_COMPILATION
#include "constants.h"
#include "types.h"
#include "boxed.h"
#include "json.h"

typedef enum
{
  KIND_BOOL,
  KIND_INTEGER, /* .size bytes, .min … .max */
  KIND_TIME,    /* int64_t of microseconds, RFC 3339 in JSON */
  KIND_ENUM,    /* .words */
  KIND_STRING,
  KIND_NODE,    /* JsonNode: anything but null */
  KIND_OBJECT,  /* JsonNode: an object */
  KIND_STRUCT,  /* embedded, .type */
  KIND_STRINGS, /* char ** and a count at .extra */
  KIND_STRUCTS, /* struct ** of .type and a count at .extra */
  KIND_PAIRS,   /* the same of OutcallPair, an object in JSON */
  KIND_COUNTERS, /* the same of OutcallCounter, an object in JSON */
} ApiKind;

typedef enum
{
  FIELD_REQUIRED = 0,
  FIELD_OPTIONAL = 1 << 0, /* may be missing or null; written as null when absent */
  FIELD_OMIT = 1 << 1,     /* with OPTIONAL: left out when absent */
  FIELD_NO_NULL = 1 << 2,  /* with OPTIONAL: null is refused */
  FIELD_BLANK = 1 << 3,    /* with OPTIONAL: NULL and "" are the same, and absent */
  FIELD_HAS = 1 << 4,      /* with OPTIONAL: absent unless the bool at .extra is set */
  FIELD_SECRET = 1 << 5,   /* wiped before it is freed */
  FIELD_SIGNED = 1 << 6,   /* the C type of a number */
} ApiFlags;

/* Ends with a NULL name; the position is the value. */
typedef const char *const *ApiWords;

typedef struct ApiType ApiType;

typedef struct
{
  const char *name; /* in JSON */
  ApiKind kind;
  ApiFlags flags;
  guint16 offset;
  guint16 extra; /* offset of the count or of the has_ member */
  guint16 size;
  gint64 min, max;
  ApiWords words;
  const ApiType *type;
} ApiField;

struct ApiType
{
  const char *name; /* of the C struct */
  gsize size;
  const ApiField *fields;
  gsize n_fields;
};

extern const ApiType api_type_pair;
extern const ApiType api_type_counter;

/* All types with a GType of their own, ended by an entry of zeros. */
typedef struct
{
  const ApiType *type;
  GType (*get_type) (void);
  JsonBoxedSerializeFunc serialize;
  JsonBoxedDeserializeFunc deserialize;
} ApiEntry;
extern const ApiEntry api_entries[];

#define API_MEMBER(self, offset, Type) ((Type *) (void *) ((char *) (self) + (offset)))
#define API_CONST_MEMBER(self, offset, Type)                                                       \
  ((Type const *) (const void *) ((const char *) (self) + (offset)))

/* --- api-memory.c ------------------------------------------------------------- */

gpointer api_new (const ApiType *type);
gpointer api_copy (const ApiType *type, gconstpointer self);
void api_free (const ApiType *type, gpointer self);
gboolean api_equal (const ApiType *type, gconstpointer a, gconstpointer b);
gint64 api_load_integer (const ApiField *field, gconstpointer self);
void api_store_integer (const ApiField *field, gpointer self, gint64 value);
/* The element type of a list of structs, pairs or counters. */
const ApiType *api_field_element (const ApiField *field);
/* Whether the optional @field has no value in @self. Not for KIND_STRUCT. */
gboolean api_field_is_absent (const ApiField *field, gconstpointer self);

/* --- api-write.c, api-read.c ---------------------------------------------------- */

JsonNode *api_to_json (const ApiType *type, gconstpointer self);
gpointer api_from_json (const ApiType *type, JsonNode *node, GError **error);
JsonNode *api_list_to_json (const ApiType *type, GPtrArray *list);
GPtrArray *api_list_from_json (const ApiType *type, JsonNode *node, GDestroyNotify free_func,
                               GError **error);

/* --- api-scan.c ----------------------------------------------------------------- */

/* Whether @data is one JSON text that json-glib reads the way RFC 8259 means it.
 * @out_members: how many object members it has in all, for finding duplicates */
gboolean api_scan (const char *data, gsize len, gsize *out_members, GError **error);

/* 1 January 1 and the last microsecond of 31 December 9999, since the epoch. */
#define API_TIME_MIN G_GINT64_CONSTANT (-62135596800000000)
#define API_TIME_MAX G_GINT64_CONSTANT (253402300799999999)
