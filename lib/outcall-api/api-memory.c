/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <string.h>

static void copy_fields (const ApiType *type, gpointer self);
static void clear_fields (const ApiType *type, gpointer self);

/* Unsigned 64-bit numbers over INT64_MAX, which JSON's readers cannot take,
 * count as that. */
gint64
api_load_integer (const ApiField *field, gconstpointer self)
{
  gboolean is_signed = (field->flags & FIELD_SIGNED) != 0;

  switch (field->size)
    {
    case sizeof (guint16):
      return *API_CONST_MEMBER (self, field->offset, guint16);
    case sizeof (guint32):
      return is_signed ? (gint64) *API_CONST_MEMBER (self, field->offset, gint32)
                       : (gint64) *API_CONST_MEMBER (self, field->offset, guint32);
    default:
      if (is_signed)
        return *API_CONST_MEMBER (self, field->offset, gint64);
      return (gint64) MIN (*API_CONST_MEMBER (self, field->offset, guint64), (guint64) G_MAXINT64);
    }
}

void
api_store_integer (const ApiField *field, gpointer self, gint64 value)
{
  if (field->size == sizeof (guint16))
    *API_MEMBER (self, field->offset, guint16) = (guint16) value;
  else if (field->size == sizeof (guint32))
    *API_MEMBER (self, field->offset, guint32) = (guint32) value;
  else
    *API_MEMBER (self, field->offset, gint64) = value;
}

const ApiType *
api_field_element (const ApiField *field)
{
  if (field->kind == KIND_PAIRS)
    return &api_type_pair;
  if (field->kind == KIND_COUNTERS)
    return &api_type_counter;
  return field->type;
}

gboolean
api_field_is_absent (const ApiField *field, gconstpointer self)
{
  const char *text;

  if (field->flags & FIELD_HAS)
    return !*API_CONST_MEMBER (self, field->extra, bool);
  switch (field->kind)
    {
    case KIND_BOOL:
      return !*API_CONST_MEMBER (self, field->offset, bool);
    case KIND_INTEGER:
    case KIND_TIME:
      return api_load_integer (field, self) == 0;
    case KIND_STRING:
      text = *API_CONST_MEMBER (self, field->offset, char *);
      return !text || ((field->flags & FIELD_BLANK) && !*text);
    case KIND_NODE:
    case KIND_OBJECT:
      return !*API_CONST_MEMBER (self, field->offset, JsonNode *);
    case KIND_STRINGS:
    case KIND_STRUCTS:
    case KIND_PAIRS:
    case KIND_COUNTERS:
      return *API_CONST_MEMBER (self, field->extra, gsize) == 0;
    default:
      return FALSE;
    }
}

gpointer
api_new (const ApiType *type)
{
  return g_malloc0 (type->size);
}

/* --- Copying -------------------------------------------------------------------- */

static gpointer
copy_item (const ApiField *field, gconstpointer item)
{
  if (field->kind == KIND_STRINGS)
    return g_strdup (item);
  return api_copy (api_field_element (field), item);
}

static void
copy_list (const ApiField *field, gpointer self)
{
  gpointer **list = API_MEMBER (self, field->offset, gpointer *);
  gsize n = *API_MEMBER (self, field->extra, gsize);
  gpointer *copy = g_new0 (gpointer, n + 1);

  for (gsize i = 0; i < n; i++)
    copy[i] = copy_item (field, (*list)[i]);
  *list = copy;
}

/* Makes what the bitwise copy in @self points to its own. */
static void
copy_field (const ApiField *field, gpointer self)
{
  JsonNode **node;
  char **text;

  switch (field->kind)
    {
    case KIND_STRING:
      text = API_MEMBER (self, field->offset, char *);
      *text = g_strdup (*text);
      break;
    case KIND_NODE:
    case KIND_OBJECT:
      node = API_MEMBER (self, field->offset, JsonNode *);
      *node = *node ? json_node_copy (*node) : NULL;
      break;
    case KIND_STRUCT:
      copy_fields (field->type, API_MEMBER (self, field->offset, char));
      break;
    case KIND_STRINGS:
    case KIND_STRUCTS:
    case KIND_PAIRS:
    case KIND_COUNTERS:
      copy_list (field, self);
      break;
    default:
      break;
    }
}

static void
copy_fields (const ApiType *type, gpointer self)
{
  for (gsize i = 0; i < type->n_fields; i++)
    copy_field (&type->fields[i], self);
}

gpointer
api_copy (const ApiType *type, gconstpointer self)
{
  gpointer copy;

  if (!self)
    return NULL;
  copy = g_memdup2 (self, type->size);
  copy_fields (type, copy);
  return copy;
}

/* --- Freeing -------------------------------------------------------------------- */

static void
free_string (const ApiField *field, char *text)
{
  if (text && (field->flags & FIELD_SECRET))
    explicit_bzero (text, strlen (text));
  g_free (text);
}

static void
free_list (const ApiField *field, gpointer self)
{
  gpointer *list = *API_MEMBER (self, field->offset, gpointer *);
  gsize n = *API_MEMBER (self, field->extra, gsize);

  for (gsize i = 0; i < n; i++)
    if (field->kind == KIND_STRINGS)
      g_free (list[i]);
    else
      api_free (api_field_element (field), list[i]);
  g_free (list);
}

static void
clear_field (const ApiField *field, gpointer self)
{
  switch (field->kind)
    {
    case KIND_STRING:
      free_string (field, *API_MEMBER (self, field->offset, char *));
      break;
    case KIND_NODE:
    case KIND_OBJECT:
      g_clear_pointer (API_MEMBER (self, field->offset, JsonNode *), json_node_unref);
      break;
    case KIND_STRUCT:
      clear_fields (field->type, API_MEMBER (self, field->offset, char));
      break;
    case KIND_STRINGS:
    case KIND_STRUCTS:
    case KIND_PAIRS:
    case KIND_COUNTERS:
      free_list (field, self);
      break;
    default:
      break;
    }
}

static void
clear_fields (const ApiType *type, gpointer self)
{
  for (gsize i = 0; i < type->n_fields; i++)
    clear_field (&type->fields[i], self);
}

void
api_free (const ApiType *type, gpointer self)
{
  if (!self)
    return;
  clear_fields (type, self);
  g_free (self);
}

/* --- Comparing ------------------------------------------------------------------ */

static gboolean
equal_strings (const ApiField *field, const char *a, const char *b)
{
  if ((field->flags & FIELD_OPTIONAL) && !(field->flags & FIELD_BLANK))
    return g_strcmp0 (a, b) == 0;
  return strcmp (a ? a : "", b ? b : "") == 0;
}

static gboolean
equal_nodes (JsonNode *a, JsonNode *b)
{
  return a == b || (a && b && json_node_equal (a, b));
}

static gboolean
equal_lists (const ApiField *field, gconstpointer a, gconstpointer b)
{
  gpointer *list_a = *API_CONST_MEMBER (a, field->offset, gpointer *);
  gpointer *list_b = *API_CONST_MEMBER (b, field->offset, gpointer *);
  gsize n = *API_CONST_MEMBER (a, field->extra, gsize);

  if (n != *API_CONST_MEMBER (b, field->extra, gsize))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (field->kind == KIND_STRINGS ? g_strcmp0 (list_a[i], list_b[i]) != 0
                                    : !api_equal (api_field_element (field), list_a[i], list_b[i]))
      return FALSE;
  return TRUE;
}

static gboolean
equal_field (const ApiField *field, gconstpointer a, gconstpointer b)
{
  gsize offset = field->offset;

  if (field->flags & FIELD_HAS)
    {
      gboolean absent = api_field_is_absent (field, a);

      if (absent || absent != api_field_is_absent (field, b))
        return absent == api_field_is_absent (field, b);
    }
  switch (field->kind)
    {
    case KIND_BOOL:
      return *API_CONST_MEMBER (a, offset, bool) == *API_CONST_MEMBER (b, offset, bool);
    case KIND_STRING:
      return equal_strings (field, *API_CONST_MEMBER (a, offset, char *),
                            *API_CONST_MEMBER (b, offset, char *));
    case KIND_NODE:
    case KIND_OBJECT:
      return equal_nodes (*API_CONST_MEMBER (a, offset, JsonNode *),
                          *API_CONST_MEMBER (b, offset, JsonNode *));
    case KIND_STRUCT:
      return api_equal (field->type, API_CONST_MEMBER (a, offset, char),
                        API_CONST_MEMBER (b, offset, char));
    case KIND_STRINGS:
    case KIND_STRUCTS:
    case KIND_PAIRS:
    case KIND_COUNTERS:
      return equal_lists (field, a, b);
    default:
      return api_load_integer (field, a) == api_load_integer (field, b);
    }
}

gboolean
api_equal (const ApiType *type, gconstpointer a, gconstpointer b)
{
  if (a == b || !a || !b)
    return a == b;
  for (gsize i = 0; i < type->n_fields; i++)
    if (!equal_field (&type->fields[i], a, b))
      return FALSE;
  return TRUE;
}
