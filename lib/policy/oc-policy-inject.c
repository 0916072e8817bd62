/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 *   inject:
 *     headers: { authorization: "Bearer ${secret:anthropic}" }
 */
#include "config.h"

#include "policy/oc-policy-inject.h"

#include <string.h>

#define SECRET_BEGIN "${secret:"
#define SECRET_NAME_MAX 64

typedef struct
{
  const OcYamlNode *headers; /* (nullable) */
} InjectNodes;

static const OcField fields[] = {
  { "headers", G_STRUCT_OFFSET (InjectNodes, headers) },
  { NULL, 0 },
};

/* --- Names --------------------------------------------------------------------------- */

/* RFC 9110 5.6.2 */
static gboolean
is_token (const char *text)
{
  const char *c = text;

  while (g_ascii_isalnum (*c) || (*c != '\0' && strchr ("!#$%&'*+-.^_`|~", *c) != NULL))
    c++;
  return c > text && *c == '\0';
}

/* What the proxy writes itself, or what belongs to one hop. */
static gboolean
is_reserved (const char *name)
{
  static const char *const names[]
      = { "host",    "content-length", "transfer-encoding", "connection", "keep-alive", "te",
          "trailer", "upgrade",        "expect",            NULL };

  return g_strv_contains (names, name) || g_str_has_prefix (name, "proxy-");
}

static gboolean
read_name (const OcReader *reader, const OcYamlNode *node, OcArena *arena, OcStr *out)
{
  g_autofree char *name = g_ascii_strdown (node->key->text.data, -1);

  if (!is_token (name))
    {
      oc_reader_fail (reader, node->key, "'%s' cannot be the name of a header", name);
      return FALSE;
    }
  if (is_reserved (name))
    {
      oc_reader_fail (reader, node->key, "the header '%s' is the proxy's own affair", name);
      return FALSE;
    }
  *out = oc_str (oc_arena_strdup (arena, name), strlen (name));
  return TRUE;
}

/* --- Values -------------------------------------------------------------------------- */

static gboolean
is_known (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
          const char *secret)
{
  const char *closest;

  if (options == NULL || options->secrets == NULL || g_strv_contains (options->secrets, secret))
    return TRUE;
  closest = oc_report_closest (secret, options->secrets);
  if (closest != NULL)
    oc_reader_fail (reader, node, "there is no secret '%s'; did you mean '%s'?", secret, closest);
  else
    oc_reader_fail (reader, node, "there is no secret '%s'; see: outcall auth list", secret);
  return FALSE;
}

/* Of "${secret:NAME}" at @at. Returns: what follows it; NULL after an error. */
static const char *
read_secret (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
             const char *at, OcArena *arena, OcInjectPart *out)
{
  const char *name = at + strlen (SECRET_BEGIN);
  gsize len = g_str_has_prefix (at, SECRET_BEGIN)
                  ? strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-")
                  : 0;

  if (len == 0 || len > SECRET_NAME_MAX || name[len] != '}' || name[0] == '-' || name[0] == '_')
    {
      oc_reader_fail (reader, node, "'${' begins a secret, which is written ${secret:NAME}");
      return NULL;
    }
  *out = (OcInjectPart) { oc_str (oc_arena_strndup (arena, name, len), len), TRUE };
  return is_known (reader, node, options, out->text.data) ? name + len + 1 : NULL;
}

/* Splits @text into parts. Returns: FALSE after an error. */
static gboolean
read_parts (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
            const char *text, OcArena *arena, OcInjectHeader *out)
{
  g_autoptr (GArray) parts = g_array_new (FALSE, TRUE, sizeof (OcInjectPart));
  OcInjectPart *copy;

  while (*text != '\0')
    {
      const char *secret = strstr (text, "${");
      gsize plain = secret != NULL ? (gsize) (secret - text) : strlen (text);
      OcInjectPart part = { oc_str (oc_arena_strndup (arena, text, plain), plain), FALSE };

      text += plain;
      if (plain == 0)
        text = read_secret (reader, node, options, text, arena, &part);
      if (text == NULL)
        return FALSE;
      g_array_append_val (parts, part);
    }
  copy = oc_arena_new_array (arena, OcInjectPart, parts->len);
  memcpy (copy, parts->data, parts->len * sizeof *copy);
  out->parts = copy;
  out->n_parts = parts->len;
  return TRUE;
}

static gboolean
read_value (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
            OcArena *arena, OcInjectHeader *out)
{
  const char *text = NULL;
  gsize len;

  if (!oc_reader_text (reader, node, &text))
    return FALSE;
  len = strlen (text);
  if (len == 0 || len > OC_INJECT_VALUE_MAX)
    {
      oc_reader_fail (reader, node, "a header's value has 1 to %d octets", OC_INJECT_VALUE_MAX);
      return FALSE;
    }
  for (gsize i = 0; i < len; i++)
    if ((guchar) text[i] < 0x20 || text[i] == 0x7f)
      {
        oc_reader_fail (reader, node, "a header's value has no control characters");
        return FALSE;
      }
  return read_parts (reader, node, options, text, arena, out);
}

/* --- The mapping ------------------------------------------------------------------------ */

static gboolean
is_twice (const OcReader *reader, const OcYamlNode *node, const OcInjectHeader *headers, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (oc_str_equal (headers[i].name, headers[n].name))
      {
        oc_reader_fail (reader, node->key, "the header '%s' is set twice", headers[n].name.data);
        return TRUE;
      }
  return FALSE;
}

static gboolean
read_headers (const OcReader *reader, const OcYamlNode *mapping, const OcPolicyOptions *options,
              OcArena *arena, OcEgress *out)
{
  OcInjectHeader *headers;
  gsize n = 0;
  gboolean ok = TRUE;

  if (mapping->kind != OC_YAML_MAPPING || mapping->n == 0)
    {
      oc_reader_fail (reader, mapping, "headers must be a mapping (name: value), not %s",
                      mapping->kind == OC_YAML_MAPPING ? "empty" : oc_yaml_describe (mapping));
      return FALSE;
    }
  if (mapping->n > OC_INJECT_HEADERS_MAX)
    {
      oc_reader_fail (reader, mapping, "a rule sets at most %d headers", OC_INJECT_HEADERS_MAX);
      return FALSE;
    }
  headers = oc_arena_new_array (arena, OcInjectHeader, mapping->n);
  for (const OcYamlNode *child = mapping->first; child != NULL; child = child->next)
    {
      headers[n] = (OcInjectHeader) { 0 };
      if (read_name (reader, child, arena, &headers[n].name)
          && read_value (reader, child, options, arena, &headers[n])
          && !is_twice (reader, child, headers, n))
        n++;
      else
        ok = FALSE;
    }
  out->inject = headers;
  out->n_inject = n;
  return ok;
}

gboolean
oc_inject_read (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
                OcArena *arena, OcEgress *out)
{
  InjectNodes nodes = { NULL };

  if (node == NULL)
    return TRUE;
  if (!oc_reader_fields (reader, node, "inject", fields, &nodes))
    return FALSE;
  if (nodes.headers == NULL)
    {
      oc_reader_fail (reader, node, "inject needs headers");
      return FALSE;
    }
  if (options != NULL && options->no_inject)
    {
      oc_reader_fail (reader, node->key, "what holds secrets is for the operator to write");
      return FALSE;
    }
  return read_headers (reader, nodes.headers, options, arena, out);
}
