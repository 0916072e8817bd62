/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel-conformance.h"

#include <math.h>

static void *
allocate (CelTestMemory *memory, gsize size)
{
  void *p = g_malloc0 (size + 1);

  g_ptr_array_add (memory->blocks, p);
  return p;
}

static OcStr
get_text (json_t *json)
{
  return oc_str (json_string_value (json), json_string_length (json));
}

/* --- From JSON ----------------------------------------------------------- */

static gboolean
read_list (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  gsize n = json_array_size (json);
  OcCelList *list = allocate (memory, sizeof *list);
  OcCelValue *values = allocate (memory, sizeof *values * (n + 1));

  for (gsize i = 0; i < n; i++)
    if (!cel_test_value_from_json (memory, json_array_get (json, i), &values[i]))
      return FALSE;
  *list = (OcCelList) { .len = (guint32) n, .values = values };
  *out = oc_cel_list (list);
  return TRUE;
}

static gboolean
read_map (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  gsize n = json_array_size (json);
  OcCelMap *map = allocate (memory, sizeof *map);
  OcCelEntry *entries = allocate (memory, sizeof *entries * (n + 1));

  for (gsize i = 0; i < n; i++)
    {
      json_t *pair = json_array_get (json, i);

      if (!cel_test_value_from_json (memory, json_array_get (pair, 0), &entries[i].key)
          || !cel_test_value_from_json (memory, json_array_get (pair, 1), &entries[i].value))
        return FALSE;
    }
  *map = (OcCelMap) { .len = (guint32) n, .entries = entries };
  *out = oc_cel_map (map);
  return TRUE;
}

static gboolean
read_bytes (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  gsize len;
  guchar *data = g_base64_decode (json_string_value (json), &len);
  char *copy = allocate (memory, len);

  if (len > 0)
    memcpy (copy, data, len);
  g_free (data);
  *out = oc_cel_bytes (oc_str (copy, len));
  return TRUE;
}

/* Numbers, times and types are read by the engine itself from a literal that spells them. */
static gboolean
read_expression (const char *before, json_t *json, const char *behind, OcCelValue *out)
{
  g_autoptr (OcCelEnv) env = oc_cel_env_new ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autofree char *source = g_strconcat (before, json_string_value (json), behind, NULL);
  g_autoptr (OcCelProgram) program
      = oc_cel_compile (env, oc_str_from (source), OC_CEL_COMPILE_NO_FOLD, NULL);
  OcCelValue value;

  if (!program)
    return FALSE;
  oc_cel_eval (program, NULL, scratch, &value);
  *out = value;
  return value.kind == OC_CEL_INT || value.kind == OC_CEL_UINT || value.kind == OC_CEL_DURATION
         || value.kind == OC_CEL_TIMESTAMP;
}

static gboolean
read_type (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  OcStr text = get_text (json);
  char *name = allocate (memory, text.len);

  /* Only the name counts; kept as a string under another kind. */
  memcpy (name, text.data, text.len);
  *out = oc_cel_string (oc_str (name, text.len));
  out->kind = OC_CEL_UNKNOWN;
  return TRUE;
}

static gboolean
read_string (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  OcStr text = get_text (json);
  char *copy = allocate (memory, text.len);

  memcpy (copy, text.data, text.len);
  *out = oc_cel_string (oc_str (copy, text.len));
  return TRUE;
}

gboolean
cel_test_value_from_json (CelTestMemory *memory, json_t *json, OcCelValue *out)
{
  void *iter = json_object_iter (json);
  const char *kind = iter ? json_object_iter_key (iter) : "";
  json_t *value = iter ? json_object_iter_value (iter) : NULL;

  if (g_str_equal (kind, "null"))
    *out = oc_cel_null ();
  else if (g_str_equal (kind, "bool"))
    *out = oc_cel_bool (json_is_true (value));
  else if (g_str_equal (kind, "double"))
    *out = oc_cel_double (g_ascii_strtod (json_string_value (value), NULL));
  else if (g_str_equal (kind, "int"))
    return read_expression ("", value, "", out);
  else if (g_str_equal (kind, "uint"))
    return read_expression ("", value, "u", out);
  else if (g_str_equal (kind, "duration"))
    return read_expression ("duration('", value, "')", out);
  else if (g_str_equal (kind, "timestamp"))
    return read_expression ("timestamp('", value, "')", out);
  else if (g_str_equal (kind, "string"))
    return read_string (memory, value, out);
  else if (g_str_equal (kind, "bytes"))
    return read_bytes (memory, value, out);
  else if (g_str_equal (kind, "list"))
    return read_list (memory, value, out);
  else if (g_str_equal (kind, "map"))
    return read_map (memory, value, out);
  else if (g_str_equal (kind, "type"))
    return read_type (memory, value, out);
  else
    return FALSE;
  return TRUE;
}

/* --- Comparing ----------------------------------------------------------- */

static gboolean
same_lists (const OcCelList *a, const OcCelList *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint32 i = 0; i < a->len; i++)
    if (!cel_test_value_same (oc_cel_list_get (a, i), oc_cel_list_get (b, i)))
      return FALSE;
  return TRUE;
}

static gboolean
same_maps (const OcCelMap *a, const OcCelMap *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint32 i = 0; i < a->len; i++)
    {
      gboolean found = FALSE;

      for (guint32 j = 0; j < b->len && !found; j++)
        found = cel_test_value_same (oc_cel_map_get_key (a, i), oc_cel_map_get_key (b, j))
                && cel_test_value_same (oc_cel_map_get_value (a, i), oc_cel_map_get_value (b, j));
      if (!found)
        return FALSE;
    }
  return TRUE;
}

gboolean
cel_test_value_same (OcCelValue a, OcCelValue b)
{
  if (b.kind == OC_CEL_UNKNOWN && a.kind == OC_CEL_TYPE)
    {
      g_autofree char *name = oc_cel_value_format (a, 0);

      return oc_str_equal (oc_str_from (name), oc_str (b.str, b.aux));
    }
  if (a.kind != b.kind)
    return FALSE;
  if (a.kind == OC_CEL_DOUBLE)
    return (isnan (a.d) && isnan (b.d)) || (a.d == b.d && signbit (a.d) == signbit (b.d));
  if (a.kind == OC_CEL_LIST)
    return same_lists (a.list, b.list);
  if (a.kind == OC_CEL_MAP)
    return same_maps (a.map, b.map);
  return oc_cel_value_equal (a, b);
}

/* --- Declarations -------------------------------------------------------- */

static char *
dup_signature (json_t *overload)
{
  json_t *params = json_object_get (overload, "params");
  gboolean member = json_is_true (json_object_get (overload, "member"));
  GString *text = g_string_new (member ? NULL : "(");

  for (gsize i = 0; i < json_array_size (params); i++)
    g_string_append_printf (text, "%s%s%s", i > (gsize) member ? ", " : "",
                            json_string_value (json_array_get (params, i)),
                            member && i == 0 ? ".(" : "");
  g_string_append_printf (text, ") -> %s",
                          json_string_value (json_object_get (overload, "result")));
  return g_string_free (text, FALSE);
}

gboolean
cel_test_declare (OcCelEnv *env, const char *name, json_t *json)
{
  json_t *overloads = json_object_get (json, "function");

  if (json_is_string (json))
    return oc_cel_env_add_variable (env, name, json_string_value (json)) >= 0;
  for (gsize i = 0; i < json_array_size (overloads); i++)
    {
      g_autofree char *signature = dup_signature (json_array_get (overloads, i));

      if (!oc_cel_env_add_function (env, name, signature, NULL))
        return FALSE;
    }
  return overloads != NULL;
}
