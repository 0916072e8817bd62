/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

static JsonNode *write_struct (const ApiType *type, gconstpointer self);

static JsonNode *
write_text (const char *text)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);

  if (!text || g_utf8_validate (text, -1, NULL))
    {
      json_node_set_string (node, text ? text : "");
    }
  else
    {
      g_autofree char *valid = g_utf8_make_valid (text, -1);

      json_node_set_string (node, valid);
    }
  return node;
}

/* A number out of the range that the reader accepts becomes the nearest one. */
static JsonNode *
write_integer (const ApiField *field, gconstpointer self)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);

  json_node_set_int (node, CLAMP (api_load_integer (field, self), field->min, field->max));
  return node;
}

static JsonNode *
write_time (const ApiField *field, gconstpointer self)
{
  gint64 time_us = CLAMP (api_load_integer (field, self), API_TIME_MIN, API_TIME_MAX);
  /* Whole seconds rounded down, so that the rest is never negative. */
  gint64 rest_us = (time_us % G_USEC_PER_SEC + G_USEC_PER_SEC) % G_USEC_PER_SEC;
  g_autoptr (GDateTime) moment
      = g_date_time_new_from_unix_utc ((time_us - rest_us) / G_USEC_PER_SEC);
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", g_date_time_get_year (moment),
                          g_date_time_get_month (moment), g_date_time_get_day_of_month (moment),
                          g_date_time_get_hour (moment), g_date_time_get_minute (moment),
                          g_date_time_get_second (moment), (int) rest_us);
  return write_text (text);
}

/* A number that is no member has no word; null is what every reader refuses. */
static JsonNode *
write_enum (const ApiField *field, gconstpointer self)
{
  gint64 value = api_load_integer (field, self);

  for (gint64 i = 0; field->words[i]; i++)
    if (i == value)
      return write_text (field->words[i]);
  return json_node_new (JSON_NODE_NULL);
}

static JsonNode *
write_list (const ApiField *field, gconstpointer self)
{
  gpointer *items = *API_CONST_MEMBER (self, field->offset, gpointer *);
  gsize n = *API_CONST_MEMBER (self, field->extra, gsize);
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_sized_new ((guint) n);

  for (gsize i = 0; i < n; i++)
    json_array_add_element (array, field->kind == KIND_STRINGS
                                       ? write_text (items[i])
                                       : write_struct (field->type, items[i]));
  json_node_take_array (node, array);
  return node;
}

static void
write_named (JsonObject *object, const char *name, JsonNode *value)
{
  g_autofree char *valid = g_utf8_make_valid (name ? name : "", -1);

  json_object_set_member (object, valid, value);
}

static JsonNode *
write_pairs (const ApiField *field, gconstpointer self)
{
  OutcallPair **pairs = *API_CONST_MEMBER (self, field->offset, OutcallPair **);
  gsize n = *API_CONST_MEMBER (self, field->extra, gsize);
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  for (gsize i = 0; i < n; i++)
    write_named (object, pairs[i]->name, write_text (pairs[i]->value));
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
write_counters (const ApiField *field, gconstpointer self)
{
  OutcallCounter **counters = *API_CONST_MEMBER (self, field->offset, OutcallCounter **);
  gsize n = *API_CONST_MEMBER (self, field->extra, gsize);
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  for (gsize i = 0; i < n; i++)
    {
      JsonNode *value = json_node_new (JSON_NODE_VALUE);

      json_node_set_int (value, (gint64) MIN (counters[i]->value, (guint64) G_MAXINT64));
      write_named (object, counters[i]->name, value);
    }
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
write_bool (const ApiField *field, gconstpointer self)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);

  json_node_set_boolean (node, *API_CONST_MEMBER (self, field->offset, bool));
  return node;
}

static JsonNode *
write_value (const ApiField *field, gconstpointer self)
{
  JsonNode *tree;

  switch (field->kind)
    {
    case KIND_BOOL:
      return write_bool (field, self);
    case KIND_INTEGER:
      return write_integer (field, self);
    case KIND_TIME:
      return write_time (field, self);
    case KIND_ENUM:
      return write_enum (field, self);
    case KIND_STRING:
      return write_text (*API_CONST_MEMBER (self, field->offset, char *));
    case KIND_STRUCT:
      return write_struct (field->type, API_CONST_MEMBER (self, field->offset, char));
    case KIND_STRINGS:
    case KIND_STRUCTS:
      return write_list (field, self);
    case KIND_PAIRS:
      return write_pairs (field, self);
    case KIND_COUNTERS:
      return write_counters (field, self);
    default:
      /* A copy shares the contents; only the node itself is new. */
      tree = *API_CONST_MEMBER (self, field->offset, JsonNode *);
      return tree ? json_node_copy (tree) : json_node_new (JSON_NODE_NULL);
    }
}

/* Whether an optional member that is left out when absent is to be left out. */
static gboolean
is_empty_struct (const ApiField *field, JsonNode *value)
{
  return field->kind == KIND_STRUCT && (field->flags & FIELD_OMIT)
         && json_object_get_size (json_node_get_object (value)) == 0;
}

static JsonNode *
write_struct (const ApiType *type, gconstpointer self)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  for (gsize i = 0; i < type->n_fields; i++)
    {
      const ApiField *field = &type->fields[i];
      gboolean absent = (field->flags & FIELD_OPTIONAL) && api_field_is_absent (field, self);
      JsonNode *value = NULL;

      if (absent && (field->flags & FIELD_OMIT))
        continue;
      value = absent ? json_node_new (JSON_NODE_NULL) : write_value (field, self);
      if (is_empty_struct (field, value))
        json_node_unref (value);
      else
        json_object_set_member (object, field->name, value);
    }
  json_node_take_object (node, object);
  return node;
}

JsonNode *
api_to_json (const ApiType *type, gconstpointer self)
{
  g_return_val_if_fail (self, NULL);
  return write_struct (type, self);
}

JsonNode *
api_list_to_json (const ApiType *type, GPtrArray *list)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_sized_new (list ? list->len : 0);

  for (guint i = 0; list && i < list->len; i++)
    json_array_add_element (array, write_struct (type, g_ptr_array_index (list, i)));
  json_node_take_array (node, array);
  return node;
}
