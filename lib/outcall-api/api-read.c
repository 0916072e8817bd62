/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <string.h>

/* Where the reader is, as a chain on the stack; written out only for an error. */
typedef struct Place
{
  const struct Place *up; /* NULL: this is the document itself */
  const char *name;       /* of a member; NULL: an element */
  guint index;
  guint depth; /* of containers around this value */
} Place;

/* Longer names are cut in messages, as they come from the peer. */
#define NAME_SHOWN_MAX 64

static gpointer read_struct (const ApiType *type, JsonNode *node, const Place *place,
                             GError **error);
static gboolean fill_struct (const ApiType *type, JsonNode *node, const Place *place,
                             gpointer self, GError **error);

static void
append_name (GString *path, const char *name)
{
  const char *end;
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  if (g_utf8_strlen (valid, -1) > NAME_SHOWN_MAX)
    *g_utf8_offset_to_pointer (valid, NAME_SHOWN_MAX) = '\0';
  for (const char *at = valid; *at; at = end)
    {
      end = g_utf8_next_char (at);
      if (g_unichar_isprint (g_utf8_get_char (at)))
        g_string_append_len (path, at, end - at);
      else
        g_string_append_c (path, '?');
    }
}

static void
append_place (GString *path, const Place *place)
{
  if (!place->up)
    return;
  append_place (path, place->up);
  if (!place->name)
    {
      g_string_append_printf (path, "[%u]", place->index);
      return;
    }
  if (path->len > 0)
    g_string_append_c (path, '.');
  append_name (path, place->name);
}

/* "<path>: <what>". Returns: FALSE */
static gboolean
refuse (GError **error, OutcallApiError code, const Place *place, const char *what)
{
  g_autoptr (GString) path = g_string_new (NULL);

  append_place (path, place);
  if (path->len == 0)
    g_string_append (path, "document");
  g_set_error (error, OUTCALL_API_ERROR, code, "%s: %s", path->str, what);
  return FALSE;
}

static gboolean
check_text (const char *text, const Place *place, GError **error)
{
  if (g_utf8_validate (text, -1, NULL))
    return TRUE;
  return refuse (error, OUTCALL_API_ERROR_BAD_STRING, place, "is not UTF-8");
}

/* @node's string, borrowed. */
static const char *
read_text (JsonNode *node, const Place *place, GError **error)
{
  const char *text;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    {
      refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be a string");
      return NULL;
    }
  text = json_node_get_string (node);
  return check_text (text, place, error) ? text : NULL;
}

static gboolean
read_number (JsonNode *node, gint64 min, gint64 max, const Place *place, gint64 *out,
             GError **error)
{
  g_autofree char *what = NULL;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be an integer");
  *out = json_node_get_int (node);
  if (*out >= min && *out <= max)
    return TRUE;
  what = g_strdup_printf ("must be %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                          ", not %" G_GINT64_FORMAT,
                          min, max, *out);
  return refuse (error, OUTCALL_API_ERROR_OUT_OF_RANGE, place, what);
}

static gboolean
read_integer (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
              GError **error)
{
  gint64 value;

  if (!read_number (node, field->min, field->max, place, &value, error))
    return FALSE;
  api_store_integer (field, self, value);
  return TRUE;
}

static gboolean
read_bool (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
           GError **error)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be true or false");
  *API_MEMBER (self, field->offset, bool) = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
read_enum (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
           GError **error)
{
  const char *word = read_text (node, place, error);
  g_autofree char *words = NULL;
  g_autofree char *what = NULL;

  if (!word)
    return FALSE;
  for (gint64 i = 0; field->words[i]; i++)
    if (strcmp (field->words[i], word) == 0)
      {
        api_store_integer (field, self, i);
        return TRUE;
      }
  words = g_strjoinv ("\", \"", (char **) field->words);
  what = g_strdup_printf ("must be one of \"%s\"", words);
  return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, what);
}

/* Exactly "YYYY-MM-DDThh:mm:ss", up to six decimals, "Z". */
static gboolean
has_time_shape (const char *text)
{
  static const char shape[] = "0000-00-00T00:00:00";
  gsize decimals = 0;

  for (const char *at = shape; *at; at++, text++)
    if (*at == '0' ? !g_ascii_isdigit (*text) : *at != *text)
      return FALSE;
  if (*text == '.')
    for (text++; g_ascii_isdigit (*text); text++)
      decimals++;
  else
    decimals = 1;
  return decimals >= 1 && decimals <= 6 && strcmp (text, "Z") == 0;
}

static int
digits (const char *text, gsize n)
{
  int value = 0;

  for (gsize i = 0; i < n; i++)
    value = value * 10 + (text[i] - '0');
  return value;
}

static gboolean
parse_time (const char *text, gint64 *out_us)
{
  g_autoptr (GDateTime) moment = NULL;
  gint64 fraction_us = 0;
  gint64 unit_us = G_USEC_PER_SEC;

  if (!has_time_shape (text))
    return FALSE;
  moment = g_date_time_new_utc (digits (text, 4), digits (text + 5, 2), digits (text + 8, 2),
                                digits (text + 11, 2), digits (text + 14, 2),
                                digits (text + 17, 2));
  if (!moment)
    return FALSE;
  for (const char *at = text + 20; text[19] == '.' && *at != 'Z'; at++)
    {
      unit_us /= 10;
      fraction_us += unit_us * (*at - '0');
    }
  *out_us = g_date_time_to_unix (moment) * G_USEC_PER_SEC + fraction_us;
  return TRUE;
}

static gboolean
read_time (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
           GError **error)
{
  const char *text = read_text (node, place, error);
  gint64 time_us;

  if (!text)
    return FALSE;
  if (!parse_time (text, &time_us))
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place,
                   "must be a time like 2026-01-31T23:59:59.000000Z");
  api_store_integer (field, self, time_us);
  return TRUE;
}

static gboolean
read_string (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
             GError **error)
{
  const char *text = read_text (node, place, error);

  if (!text)
    return FALSE;
  *API_MEMBER (self, field->offset, char *) = g_strdup (text);
  return TRUE;
}

/* --- Free-form JSON ------------------------------------------------------------- */

static gboolean check_tree (JsonNode *node, const Place *place, GError **error);

static gboolean
check_elements (JsonNode *node, const Place *place, GError **error)
{
  JsonArray *array = json_node_get_array (node);
  guint n = json_array_get_length (array);

  for (guint i = 0; i < n; i++)
    {
      Place here = { place, NULL, i, place->depth + 1 };

      if (!check_tree (json_array_get_element (array, i), &here, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_members (JsonNode *node, const Place *place, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      Place here = { place, name, 0, place->depth + 1 };

      if (!check_text (name, &here, error) || !check_tree (value, &here, error))
        return FALSE;
    }
  return TRUE;
}

/* Recursion ends at OUTCALL_JSON_DEPTH_MAX, whatever the tree is. */
static gboolean
check_tree (JsonNode *node, const Place *place, GError **error)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_HOLDS_VALUE (node))
    return json_node_get_value_type (node) != G_TYPE_STRING
           || check_text (json_node_get_string (node), place, error);
  if (place->depth >= OUTCALL_JSON_DEPTH_MAX)
    return refuse (error, OUTCALL_API_ERROR_TOO_DEEP, place, "is nested too deep");
  if (JSON_NODE_HOLDS_ARRAY (node))
    return check_elements (node, place, error);
  return check_members (node, place, error);
}

static gboolean
read_tree (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
           GError **error)
{
  if (field->kind == KIND_OBJECT && !JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be an object");
  if (!check_tree (node, place, error))
    return FALSE;
  *API_MEMBER (self, field->offset, JsonNode *) = json_node_copy (node);
  return TRUE;
}

/* --- Lists and objects with free names ------------------------------------------ */

static gpointer
read_item (const ApiField *field, JsonNode *node, const Place *place, GError **error)
{
  if (field->kind == KIND_STRINGS)
    return g_strdup (read_text (node, place, error));
  return read_struct (field->type, node, place, error);
}

/* What was read stays in @self, which the caller frees when this fails. */
static gboolean
read_list (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
           GError **error)
{
  gsize *count = API_MEMBER (self, field->extra, gsize);
  gpointer *items;
  JsonArray *array;
  guint n;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be an array");
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  items = g_new0 (gpointer, (gsize) n + 1);
  *API_MEMBER (self, field->offset, gpointer *) = items;
  for (guint i = 0; i < n; i++)
    {
      Place here = { place, NULL, i, place->depth + 1 };

      items[i] = read_item (field, json_array_get_element (array, i), &here, error);
      if (!items[i])
        return FALSE;
      *count = i + 1;
    }
  return TRUE;
}

static gpointer
read_pair (const char *name, JsonNode *value, const Place *place, GError **error)
{
  const char *text = read_text (value, place, error);

  return text ? outcall_pair_new (name, text) : NULL;
}

static gpointer
read_counter (const char *name, JsonNode *value, const Place *place, GError **error)
{
  gint64 number;

  if (!read_number (value, 0, G_MAXINT64, place, &number, error))
    return NULL;
  return outcall_counter_new (name, (guint64) number);
}

static gboolean
read_named (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
            GError **error)
{
  gsize *count = API_MEMBER (self, field->extra, gsize);
  gpointer *items;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be an object");
  items = g_new0 (gpointer, (gsize) json_object_get_size (json_node_get_object (node)) + 1);
  *API_MEMBER (self, field->offset, gpointer *) = items;
  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      Place here = { place, name, 0, place->depth + 1 };

      if (!check_text (name, &here, error))
        return FALSE;
      items[*count] = field->kind == KIND_PAIRS ? read_pair (name, value, &here, error)
                                                : read_counter (name, value, &here, error);
      if (!items[*count])
        return FALSE;
      *count += 1;
    }
  return TRUE;
}

/* --- Structs -------------------------------------------------------------------- */

static gboolean
read_value (const ApiField *field, JsonNode *node, const Place *place, gpointer self,
            GError **error)
{
  switch (field->kind)
    {
    case KIND_BOOL:
      return read_bool (field, node, place, self, error);
    case KIND_INTEGER:
      return read_integer (field, node, place, self, error);
    case KIND_TIME:
      return read_time (field, node, place, self, error);
    case KIND_ENUM:
      return read_enum (field, node, place, self, error);
    case KIND_STRING:
      return read_string (field, node, place, self, error);
    case KIND_STRUCT:
      return fill_struct (field->type, node, place, API_MEMBER (self, field->offset, char), error);
    case KIND_STRINGS:
    case KIND_STRUCTS:
      return read_list (field, node, place, self, error);
    case KIND_PAIRS:
    case KIND_COUNTERS:
      return read_named (field, node, place, self, error);
    default:
      return read_tree (field, node, place, self, error);
    }
}

static gboolean
read_field (const ApiField *field, JsonObject *object, const Place *place, gpointer self,
            GError **error)
{
  JsonNode *node = json_object_get_member (object, field->name);
  gboolean optional = (field->flags & FIELD_OPTIONAL) != 0;
  Place here = { place, field->name, 0, place->depth + 1 };

  if (!node)
    return optional || refuse (error, OUTCALL_API_ERROR_MISSING_MEMBER, &here, "is missing");
  if (JSON_NODE_HOLDS_NULL (node))
    {
      if (optional && !(field->flags & FIELD_NO_NULL))
        return TRUE;
      return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, &here, "must not be null");
    }
  if (!read_value (field, node, &here, self, error))
    return FALSE;
  if (field->flags & FIELD_HAS)
    *API_MEMBER (self, field->extra, bool) = true;
  return TRUE;
}

static gboolean
is_known (const ApiType *type, const char *name)
{
  for (gsize i = 0; i < type->n_fields; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check_names (const ApiType *type, JsonObject *object, const Place *place, GError **error)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, NULL))
    if (!is_known (type, name))
      {
        Place here = { place, name, 0, place->depth + 1 };

        return refuse (error, OUTCALL_API_ERROR_UNKNOWN_MEMBER, &here, "is not known here");
      }
  return TRUE;
}

static gboolean
fill_struct (const ApiType *type, JsonNode *node, const Place *place, gpointer self,
             GError **error)
{
  JsonObject *object;

  if (!node || !JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, place, "must be an object");
  object = json_node_get_object (node);
  if (!check_names (type, object, place, error))
    return FALSE;
  for (gsize i = 0; i < type->n_fields; i++)
    if (!read_field (&type->fields[i], object, place, self, error))
      return FALSE;
  return TRUE;
}

static gpointer
read_struct (const ApiType *type, JsonNode *node, const Place *place, GError **error)
{
  gpointer self = api_new (type);

  if (fill_struct (type, node, place, self, error))
    return self;
  api_free (type, self);
  return NULL;
}

gpointer
api_from_json (const ApiType *type, JsonNode *node, GError **error)
{
  Place root = { NULL, NULL, 0, 0 };

  return read_struct (type, node, &root, error);
}

GPtrArray *
api_list_from_json (const ApiType *type, JsonNode *node, GDestroyNotify free_func, GError **error)
{
  Place root = { NULL, NULL, 0, 0 };
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_func);
  JsonArray *array;
  guint n;

  if (!node || !JSON_NODE_HOLDS_ARRAY (node))
    {
      refuse (error, OUTCALL_API_ERROR_WRONG_TYPE, &root, "must be an array");
      return NULL;
    }
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  for (guint i = 0; i < n; i++)
    {
      Place here = { &root, NULL, i, 1 };
      gpointer item = read_struct (type, json_array_get_element (array, i), &here, error);

      if (!item)
        return NULL;
      g_ptr_array_add (list, item);
    }
  return g_steal_pointer (&list);
}
