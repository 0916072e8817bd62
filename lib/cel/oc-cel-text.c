/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-text.h"

#include "cel/oc-cel-number.h"
#include "cel/oc-cel-time.h"
#include "cel/oc-cel-utf8.h"

#define ELLIPSIS "\342\200\246"

/* --- Scalars ------------------------------------------------------------- */

static void
append_escaped (GString *out, OcStr s, gboolean bytes, gsize max)
{
  static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
  gsize n;

  g_string_append (out, bytes ? "b\"" : "\"");
  for (gsize i = 0; i < s.len && out->len <= max; i += n)
    {
      guint8 c = (guint8) s.data[i];
      const char *escape = c ? strchr (from, (char) c) : NULL;

      n = bytes ? 1 : oc_cel_utf8_len (oc_str (s.data + i, s.len - i));
      if (escape)
        g_string_append_printf (out, "\\%c", to[escape - from]);
      else if (n == 1 && (c < 0x20 || c >= 0x7f))
        g_string_append_printf (out, "\\x%02x", c);
      else
        g_string_append_len (out, s.data + i, (gssize) n);
    }
  g_string_append_c (out, '"');
}

static void
append_double (GString *out, double d, OcCelTextStyle style)
{
  char buf[OC_CEL_NUMBER_TEXT_MAX];
  gsize len = oc_cel_number_format_double (d, buf);

  g_string_append_len (out, buf, (gssize) len);
  if (style == OC_CEL_TEXT_SOURCE && !strpbrk (buf, ".eIN"))
    g_string_append (out, ".0");
}

static void
append_time (GString *out, OcCelValue v, OcCelTextStyle style)
{
  char buf[OC_CEL_TIME_TEXT_MAX];
  gboolean is_time = v.kind == OC_CEL_TIMESTAMP;

  (void) (is_time ? oc_cel_time_format (v, buf) : oc_cel_duration_format (v, buf));
  if (style == OC_CEL_TEXT_SOURCE)
    g_string_append_printf (out, "%s(\"%s\")", is_time ? "timestamp" : "duration", buf);
  else
    g_string_append (out, buf);
}

static void
append_net (GString *out, OcCelValue v, OcCelTextStyle style)
{
  char buf[OC_ADDRESS_TEXT_MAX];
  gboolean source = style == OC_CEL_TEXT_SOURCE;

  if (source)
    g_string_append (out, v.kind == OC_CEL_IP ? "ip(\"" : "cidr(\"");
  g_string_append (out, oc_address_format (&v.net->address, buf, sizeof buf));
  if (v.kind == OC_CEL_CIDR)
    g_string_append_printf (out, "/%u", v.net->prefix);
  if (source)
    g_string_append (out, "\")");
}

/* --- Aggregates ---------------------------------------------------------- */

static void
append_list (GString *out, const OcCelList *list, OcCelTextStyle style, gsize max)
{
  g_string_append_c (out, '[');
  for (guint32 i = 0; i < list->len && out->len <= max; i++)
    {
      if (i > 0)
        g_string_append (out, ", ");
      (void) oc_cel_text_append (out, oc_cel_list_get (list, i), style, max);
    }
  g_string_append_c (out, ']');
}

typedef struct
{
  char *key;
  guint32 index;
} SortedKey;

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (((const SortedKey *) a)->key, ((const SortedKey *) b)->key);
}

static void
clear_key (gpointer data)
{
  g_free (((SortedKey *) data)->key);
}

/* The entries' numbers in the order of their keys' texts. */
static GArray *
sort_keys (const OcCelMap *map, gsize max)
{
  GArray *keys = g_array_new (FALSE, FALSE, sizeof (SortedKey));

  g_array_set_clear_func (keys, clear_key);
  for (guint32 i = 0; i < map->len && i <= max; i++)
    {
      GString *text = g_string_new (NULL);
      SortedKey key;

      (void) oc_cel_text_append (text, oc_cel_map_get_key (map, i), OC_CEL_TEXT_PLAIN, max);
      key = (SortedKey) { g_string_free (text, FALSE), i };
      g_array_append_val (keys, key);
    }
  g_array_sort (keys, compare_keys);
  return keys;
}

static void
append_map (GString *out, const OcCelMap *map, OcCelTextStyle style, gsize max)
{
  g_autoptr (GArray) keys = sort_keys (map, max);

  g_string_append_c (out, '{');
  for (guint i = 0; i < keys->len && out->len <= max; i++)
    {
      guint32 index = g_array_index (keys, SortedKey, i).index;

      if (i > 0)
        g_string_append (out, ", ");
      (void) oc_cel_text_append (out, oc_cel_map_get_key (map, index), style, max);
      g_string_append (out, ": ");
      (void) oc_cel_text_append (out, oc_cel_map_get_value (map, index), style, max);
    }
  g_string_append_c (out, '}');
}

static void
append_optional (GString *out, const OcCelValue *v, OcCelTextStyle style, gsize max)
{
  g_string_append (out, v ? "optional.of(" : "optional.none()");
  if (!v)
    return;
  (void) oc_cel_text_append (out, *v, style, max);
  g_string_append_c (out, ')');
}

static void
append_str (GString *out, OcCelValue v, OcCelTextStyle style, gsize max)
{
  OcStr s = oc_cel_value_get_str (v);

  if (style == OC_CEL_TEXT_SOURCE)
    append_escaped (out, s, v.kind == OC_CEL_BYTES, max);
  else
    g_string_append_len (out, s.data, (gssize) MIN (s.len, max + 1));
}

gboolean
oc_cel_text_append (GString *out, OcCelValue v, OcCelTextStyle style, gsize max)
{
  if (out->len > max)
    return FALSE;
  switch ((OcCelKind) v.kind)
    {
    case OC_CEL_NULL:
      g_string_append (out, "null");
      break;
    case OC_CEL_BOOL:
      g_string_append (out, v.i ? "true" : "false");
      break;
    case OC_CEL_INT:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, v.i);
      break;
    case OC_CEL_UINT:
      g_string_append_printf (out, "%" G_GUINT64_FORMAT "%s", v.u,
                              style == OC_CEL_TEXT_SOURCE ? "u" : "");
      break;
    case OC_CEL_DOUBLE:
      append_double (out, v.d, style);
      break;
    case OC_CEL_STRING:
    case OC_CEL_BYTES:
      append_str (out, v, style, max);
      break;
    case OC_CEL_LIST:
      append_list (out, v.list, style, max);
      break;
    case OC_CEL_MAP:
      append_map (out, v.map, style, max);
      break;
    case OC_CEL_TYPE:
      g_string_append_len (out, v.type->name.data, (gssize) v.type->name.len);
      break;
    case OC_CEL_DURATION:
    case OC_CEL_TIMESTAMP:
      append_time (out, v, style);
      break;
    case OC_CEL_OPTIONAL:
      append_optional (out, v.optional, style, max);
      break;
    case OC_CEL_IP:
    case OC_CEL_CIDR:
      append_net (out, v, style);
      break;
    case OC_CEL_ERROR:
      g_string_append_printf (out, "error: %s", v.str);
      break;
    case OC_CEL_UNKNOWN:
      g_string_append (out, "unknown");
      break;
    }
  return out->len <= max;
}

char *
oc_cel_value_format (OcCelValue value, gsize max)
{
  GString *out = g_string_new (NULL);

  if (!oc_cel_text_append (out, value, OC_CEL_TEXT_SOURCE, max ? max : G_MAXSIZE / 2))
    {
      const char *end;

      g_string_truncate (out, max);
      (void) g_utf8_validate_len (out->str, out->len, &end);
      g_string_truncate (out, (gsize) (end - out->str));
      g_string_append (out, ELLIPSIS);
    }
  return g_string_free (out, FALSE);
}
