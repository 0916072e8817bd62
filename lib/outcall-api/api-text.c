/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

G_DEFINE_QUARK (outcall-api-error-quark, outcall_api_error)

/* How many members all objects in @node have; the depth is bounded by the scan. */
static gsize
count_members (JsonNode *node)
{
  gsize n = 0;

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      JsonNode *value;

      json_object_iter_init (&iter, json_node_get_object (node));
      for (; json_object_iter_next (&iter, NULL, &value); n++)
        n += count_members (value);
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        n += count_members (json_array_get_element (array, i));
    }
  return n;
}

JsonNode *
outcall_json_parse (const char *data, gsize len, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) local_error = NULL;
  gsize n_members;

  if (!api_scan (data, len, &n_members, error))
    return NULL;
  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, data, (gssize) len, &local_error))
    {
      g_set_error_literal (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_SYNTAX,
                           local_error->message);
      return NULL;
    }
  node = json_parser_steal_root (parser);
  /* The parser keeps the last of two members with one name: then some that
   * stand in the text are not in the tree. */
  if (count_members (node) != n_members)
    {
      g_set_error_literal (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_DUPLICATE_MEMBER,
                           "two members of an object have the same name");
      return NULL;
    }
  return g_steal_pointer (&node);
}

gboolean
outcall_api_response_unwrap (const char *data, gsize len, JsonNode **out_data, GError **error)
{
  g_autoptr (JsonNode) node = outcall_json_parse (data, len, error);
  g_autoptr (OutcallApiResponse) response = NULL;

  *out_data = NULL;
  if (!node)
    return FALSE;
  response = outcall_api_response_from_json (node, error);
  if (!response)
    return FALSE;
  *out_data = g_steal_pointer (&response->data);
  if (response->success)
    return TRUE;
  g_set_error_literal (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_FAILED,
                       response->error ? response->error : "refused without a reason");
  return FALSE;
}

static void
register_types (void)
{
  for (const ApiEntry *entry = api_entries; entry->type; entry++)
    {
      GType type = entry->get_type ();

      json_boxed_register_serialize_func (type, JSON_NODE_OBJECT, entry->serialize);
      json_boxed_register_deserialize_func (type, JSON_NODE_OBJECT, entry->deserialize);
    }
}

void
outcall_api_init (void)
{
  static gsize done;

  if (g_once_init_enter (&done))
    {
      register_types ();
      g_once_init_leave (&done, 1);
    }
}
