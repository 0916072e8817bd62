/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <string.h>

/* The tables of the types as JSON Schema. */

static JsonNode *
take_object (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  return node;
}

static JsonObject *
make_typed (const char *type)
{
  JsonObject *schema = json_object_new ();

  json_object_set_string_member (schema, "type", type);
  return schema;
}

static JsonObject *
make_reference (const ApiType *type)
{
  JsonObject *schema = json_object_new ();
  g_autofree char *to
      = g_strconcat ("#/components/schemas/", type->name + strlen ("Outcall"), NULL);

  json_object_set_string_member (schema, "$ref", to);
  return schema;
}

static JsonObject *
make_integer (gint64 min, gint64 max)
{
  JsonObject *schema = make_typed ("integer");

  json_object_set_int_member (schema, "minimum", min);
  json_object_set_int_member (schema, "maximum", max);
  return schema;
}

static JsonObject *
make_words (ApiWords words)
{
  JsonObject *schema = make_typed ("string");
  JsonArray *array = json_array_new ();

  for (; *words != NULL; words++)
    json_array_add_string_element (array, *words);
  json_object_set_array_member (schema, "enum", array);
  return schema;
}

static JsonObject *
make_time (void)
{
  JsonObject *schema = make_typed ("string");

  json_object_set_string_member (schema, "format", "date-time");
  return schema;
}

/* @member: "items" of an array, "additionalProperties" of an object */
static JsonObject *
make_container (const char *type, const char *member, JsonObject *element)
{
  JsonObject *schema = make_typed (type);

  json_object_set_object_member (schema, member, element);
  return schema;
}

static JsonObject *
describe_value (const ApiField *field)
{
  switch (field->kind)
    {
    case KIND_BOOL:
      return make_typed ("boolean");
    case KIND_INTEGER:
      return make_integer (field->min, field->max);
    case KIND_TIME:
      return make_time ();
    case KIND_ENUM:
      return make_words (field->words);
    case KIND_STRING:
      return make_typed ("string");
    case KIND_OBJECT:
      return make_typed ("object");
    case KIND_STRUCT:
      return make_reference (field->type);
    case KIND_STRINGS:
      return make_container ("array", "items", make_typed ("string"));
    case KIND_STRUCTS:
      return make_container ("array", "items", make_reference (field->type));
    case KIND_PAIRS:
      return make_container ("object", "additionalProperties", make_typed ("string"));
    case KIND_COUNTERS:
      return make_container ("object", "additionalProperties", make_integer (0, G_MAXINT64));
    case KIND_NODE:
    default:
      return json_object_new ();
    }
}

static JsonObject *
describe_field (const ApiField *field)
{
  JsonObject *value = describe_value (field);
  JsonObject *either;
  JsonArray *choices;

  if ((field->flags & FIELD_OPTIONAL) == 0 || (field->flags & FIELD_NO_NULL) != 0
      || field->kind == KIND_NODE)
    return value;
  choices = json_array_new ();
  json_array_add_object_element (choices, value);
  json_array_add_object_element (choices, make_typed ("null"));
  either = json_object_new ();
  json_object_set_array_member (either, "anyOf", choices);
  return either;
}

static JsonObject *
describe_type (const ApiType *type)
{
  JsonObject *schema = make_typed ("object");
  JsonObject *properties = json_object_new ();
  JsonArray *required = json_array_new ();

  for (gsize i = 0; i < type->n_fields; i++)
    {
      const ApiField *field = &type->fields[i];

      json_object_set_object_member (properties, field->name, describe_field (field));
      if ((field->flags & FIELD_OPTIONAL) == 0)
        json_array_add_string_element (required, field->name);
    }
  json_object_set_object_member (schema, "properties", properties);
  json_object_set_array_member (schema, "required", required);
  json_object_set_boolean_member (schema, "additionalProperties", FALSE);
  return schema;
}

JsonNode *
outcall_api_make_schemas (void)
{
  JsonObject *schemas = json_object_new ();

  for (const ApiEntry *entry = api_entries; entry->type != NULL; entry++)
    json_object_set_object_member (schemas, entry->type->name + strlen ("Outcall"),
                                   describe_type (entry->type));
  return take_object (schemas);
}
