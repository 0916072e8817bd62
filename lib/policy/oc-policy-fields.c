/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-fields.h"

#include <string.h>

void
oc_reader_fail (const OcReader *reader, const OcYamlNode *node, const char *format, ...)
{
  OcReportAt at = oc_yaml_at (reader->file, node, reader->rule);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  oc_report_error (reader->report, &at, "%s", text);
}

static void
fail_unknown_key (const OcReader *reader, const OcYamlNode *child, const char *what,
                  const OcField *fields)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autofree char *list = NULL;
  const char *closest;

  for (const OcField *field = fields; field->key != NULL; field++)
    g_ptr_array_add (keys, (gpointer) field->key);
  g_ptr_array_add (keys, NULL);
  closest = oc_report_closest (child->key->text.data, (const char *const *) keys->pdata);
  if (closest != NULL)
    {
      oc_reader_fail (reader, child->key, "unknown key '%s' in %s; did you mean '%s'?",
                      child->key->text.data, what, closest);
      return;
    }
  list = g_strjoinv (", ", (char **) keys->pdata);
  oc_reader_fail (reader, child->key, "unknown key '%s' in %s; there are: %s",
                  child->key->text.data, what, list);
}

static const OcField *
find_field (const OcField *fields, const char *key)
{
  for (; fields->key != NULL; fields++)
    if (strcmp (fields->key, key) == 0)
      return fields;
  return NULL;
}

gboolean
oc_reader_fields (const OcReader *reader, const OcYamlNode *mapping, const char *what,
                  const OcField *fields, void *out)
{
  gboolean ok = TRUE;

  if (mapping->kind != OC_YAML_MAPPING)
    {
      oc_reader_fail (reader, mapping, "%s must be a mapping (key: value), not %s", what,
                      oc_yaml_describe (mapping));
      return FALSE;
    }
  for (const OcYamlNode *child = mapping->first; child != NULL; child = child->next)
    {
      const OcField *field = find_field (fields, child->key->text.data);

      if (field != NULL)
        *(const OcYamlNode **) (void *) ((guint8 *) out + field->offset) = child;
      else
        {
          fail_unknown_key (reader, child, what, fields);
          ok = FALSE;
        }
    }
  return ok;
}

/* How messages call @node. */
static const char *
name_of (const OcYamlNode *node)
{
  return node->key != NULL ? node->key->text.data : "the value";
}

gboolean
oc_reader_text (const OcReader *reader, const OcYamlNode *node, const char **out)
{
  if (node == NULL)
    return TRUE;
  if (node->kind != OC_YAML_SCALAR || oc_yaml_is_null (node))
    {
      oc_reader_fail (reader, node, "%s must be a string, not %s", name_of (node),
                      oc_yaml_describe (node));
      return FALSE;
    }
  *out = node->text.data;
  return TRUE;
}

gboolean
oc_reader_boolean (const OcReader *reader, const OcYamlNode *node, gboolean *out)
{
  if (node == NULL)
    return TRUE;
  if (node->kind == OC_YAML_SCALAR && node->style == OC_YAML_PLAIN)
    {
      if (strcmp (node->text.data, "true") == 0 || strcmp (node->text.data, "false") == 0)
        {
          *out = node->text.data[0] == 't';
          return TRUE;
        }
    }
  oc_reader_fail (reader, node, "%s must be true or false", name_of (node));
  return FALSE;
}

/* Decimal, sign allowed, no leading zeros. */
static gboolean
parse_integer (const OcYamlNode *node, gint64 *out)
{
  const char *digits = node->text.data + (node->text.data[0] == '-');

  if (node->kind != OC_YAML_SCALAR || node->style != OC_YAML_PLAIN)
    return FALSE;
  if (!g_ascii_isdigit (digits[0]) || (digits[0] == '0' && digits[1] != '\0'))
    return FALSE;
  return g_ascii_string_to_signed (node->text.data, 10, G_MININT64, G_MAXINT64, out, NULL);
}

gboolean
oc_reader_integer (const OcReader *reader, const OcYamlNode *node, gint64 min, gint64 max,
                   gint64 *out)
{
  gint64 value;

  if (node == NULL)
    return TRUE;
  if (node->kind != OC_YAML_SCALAR || !parse_integer (node, &value))
    {
      oc_reader_fail (reader, node, "%s must be a whole number", name_of (node));
      return FALSE;
    }
  if (value < min || value > max)
    {
      oc_reader_fail (reader, node,
                      "%s must be %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ", got %s",
                      name_of (node), min, max, node->text.data);
      return FALSE;
    }
  *out = value;
  return TRUE;
}

gboolean
oc_reader_list (const OcReader *reader, const OcYamlNode *node)
{
  if (node->kind != OC_YAML_SEQUENCE)
    {
      oc_reader_fail (reader, node, "%s must be a list, not %s", name_of (node),
                      oc_yaml_describe (node));
      return FALSE;
    }
  if (node->n > 0)
    return TRUE;
  oc_reader_fail (reader, node,
                  "%s is an empty list, which would match nothing; leave the key out to match all",
                  name_of (node));
  return FALSE;
}

gboolean
oc_reader_choice (const OcReader *reader, const OcYamlNode *node, const char *const *words,
                  guint *out_index)
{
  g_autofree char *list = NULL;
  const char *closest = NULL;

  if (node == NULL)
    return TRUE;
  for (guint i = 0; node->kind == OC_YAML_SCALAR && words[i] != NULL; i++)
    if (strcmp (words[i], node->text.data) == 0)
      {
        *out_index = i;
        return TRUE;
      }
  if (node->kind == OC_YAML_SCALAR)
    closest = oc_report_closest (node->text.data, words);
  list = g_strjoinv (", ", (char **) words);
  if (closest != NULL)
    oc_reader_fail (reader, node, "%s must be one of %s; did you mean '%s'?", name_of (node), list,
                    closest);
  else
    oc_reader_fail (reader, node, "%s must be one of %s", name_of (node), list);
  return FALSE;
}

gboolean
oc_reader_port (const OcReader *reader, const OcYamlNode *node, guint16 *out)
{
  gint64 value = 0;

  if (node->kind != OC_YAML_SCALAR || !parse_integer (node, &value))
    oc_reader_fail (reader, node, "a port must be a whole number");
  else if (value < 1 || value > 65535)
    oc_reader_fail (reader, node, "port must be 1-65535, got %s", node->text.data);
  else
    {
      *out = (guint16) value;
      return TRUE;
    }
  return FALSE;
}
