/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <math.h>
#include <string.h>

/* Text from nodes. json-glib's generator (1.6) is not used: it leaves the byte
 * 1f in strings bare and writes 1e+22 as "1e+22.0", neither of which is JSON.
 */

static void print_node (GString *out, JsonNode *node);

static void
print_string (GString *out, const char *text)
{
  static const char escaped[] = "\"\\\b\f\n\r\t";
  static const char letters[] = "\"\\bfnrt";

  g_string_append_c (out, '"');
  for (; *text; text++)
    {
      const char *found = strchr (escaped, *text);

      if (found)
        g_string_append_printf (out, "\\%c", letters[found - escaped]);
      else if ((guchar) *text < 0x20 || *text == 0x7f)
        g_string_append_printf (out, "\\u%04x", (guint) *text);
      else
        g_string_append_c (out, *text);
    }
  g_string_append_c (out, '"');
}

/* The text that reads back as the same double; without a point or an exponent it
 * would read back as an integer. JSON has no word for infinity. */
static void
print_double (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (value))
    {
      g_string_append (out, "null");
      return;
    }
  g_ascii_dtostr (text, sizeof text, value);
  g_string_append (out, text);
  if (!strpbrk (text, ".e"))
    g_string_append (out, ".0");
}

static void
print_value (GString *out, JsonNode *node)
{
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
      break;
    case G_TYPE_DOUBLE:
      print_double (out, json_node_get_double (node));
      break;
    case G_TYPE_BOOLEAN:
      g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
      break;
    default:
      print_string (out, json_node_get_string (node) ? json_node_get_string (node) : "");
    }
}

static void
print_array (GString *out, JsonArray *array)
{
  guint n = json_array_get_length (array);

  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      print_node (out, json_array_get_element (array, i));
    }
  g_string_append_c (out, ']');
}

static void
print_object (GString *out, JsonObject *object)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;
  gboolean first = TRUE;

  g_string_append_c (out, '{');
  json_object_iter_init_ordered (&iter, object);
  for (; json_object_iter_next_ordered (&iter, &name, &value); first = FALSE)
    {
      if (!first)
        g_string_append_c (out, ',');
      print_string (out, name);
      g_string_append_c (out, ':');
      print_node (out, value);
    }
  g_string_append_c (out, '}');
}

static void
print_node (GString *out, JsonNode *node)
{
  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      print_object (out, json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      print_array (out, json_node_get_array (node));
      break;
    case JSON_NODE_VALUE:
      print_value (out, node);
      break;
    default:
      g_string_append (out, "null");
    }
}

char *
outcall_json_print (JsonNode *node)
{
  GString *out = g_string_new (NULL);

  print_node (out, node);
  return g_string_free (out, FALSE);
}
