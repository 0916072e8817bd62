/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-api-server-private.h"

/* Percent-decoded; "+" is a blank in queries. NULL: bad escape, a NUL, not UTF-8. */
static char *
decode (const char *text, gsize len, gboolean in_query)
{
  g_autofree char *copy = g_strndup (text, len);
  g_autofree char *plain = NULL;

  if (in_query)
    g_strdelimit (copy, "+", ' ');
  plain = g_uri_unescape_string (copy, NULL);
  if (plain == NULL || !g_utf8_validate (plain, -1, NULL))
    return NULL;
  return g_steal_pointer (&plain);
}

static gboolean
add_query_pair (GHashTable *query, const char *pair)
{
  const char *equals = strchr (pair, '=');
  gsize name_len = equals != NULL ? (gsize) (equals - pair) : strlen (pair);
  g_autofree char *name = decode (pair, name_len, TRUE);
  g_autofree char *value = decode (equals != NULL ? equals + 1 : "",
                                   equals != NULL ? strlen (equals + 1) : 0, TRUE);

  /* A name given twice is ambiguous. */
  if (name == NULL || value == NULL || *name == '\0' || g_hash_table_contains (query, name))
    return FALSE;
  g_hash_table_insert (query, g_steal_pointer (&name), g_steal_pointer (&value));
  return g_hash_table_size (query) <= OC_API_QUERY_MAX;
}

static gboolean
parse_query (OcApiRequest *request, const char *text)
{
  g_auto (GStrv) pairs = g_strsplit (text, "&", -1);

  request->query = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; pairs[i] != NULL; i++)
    if (*pairs[i] != '\0' && !add_query_pair (request->query, pairs[i]))
      return FALSE;
  return TRUE;
}

static gboolean
split_target (OcApiRequest *request)
{
  OcStr target = request->head.target;
  const char *mark;

  if (target.len == 0 || target.data[0] != '/')
    return FALSE;
  mark = memchr (target.data, '?', target.len);
  if (mark == NULL)
    {
      request->path = g_strndup (target.data, target.len);
      return TRUE;
    }
  request->path = g_strndup (target.data, (gsize) (mark - target.data));
  {
    g_autofree char *query = g_strndup (mark + 1, target.len - (gsize) (mark + 1 - target.data));

    return parse_query (request, query);
  }
}

static gsize
segment_length (const char *path)
{
  return strcspn (path, "/");
}

static void
clear_params (OcApiRequest *request)
{
  while (request->n_params > 0)
    g_clear_pointer (&request->params[--request->n_params].value, g_free);
}

/* Returns: FALSE when the segment cannot be a parameter. */
static gboolean
take_param (OcApiRequest *request, const char *pattern, gsize pattern_len, const char *segment,
            gsize len)
{
  guint n = request->n_params;
  char *value;

  if (len == 0 || n == OC_API_PARAMS_MAX)
    return FALSE;
  value = decode (segment, len, FALSE);
  if (value == NULL)
    return FALSE;
  request->params[n].name = pattern + 1;
  request->params[n].name_len = pattern_len - 2;
  request->params[n].value = value;
  request->n_params++;
  return TRUE;
}

static gboolean
match (OcApiRequest *request, const char *pattern)
{
  const char *path = request->path;

  while (*pattern == '/' && *path == '/')
    {
      gsize pattern_len = segment_length (++pattern);
      gsize len = segment_length (++path);

      if (*pattern == '{')
        {
          if (!take_param (request, pattern, pattern_len, path, len))
            return FALSE;
        }
      else if (len != pattern_len || memcmp (path, pattern, len) != 0)
        return FALSE;
      pattern += pattern_len;
      path += len;
    }
  return *pattern == '\0' && *path == '\0';
}

OcApiRouteResult
oc_api_route_find (OcApiRequest *request, char **out_allow)
{
  const OcApiServerConfig *config = &request->server->config;
  g_autoptr (GString) allow = g_string_new (NULL);
  OcStr method = request->head.method;

  if (!split_target (request))
    return OC_API_ROUTE_BAD;
  if (oc_str_equal (method, OC_STR ("HEAD")))
    method = OC_STR ("GET");
  for (gsize i = 0; i < config->n_routes; i++)
    {
      const OcApiRoute *route = &config->routes[i];

      clear_params (request);
      if (!match (request, route->pattern))
        continue;
      if (oc_str_equal (method, oc_str_from (route->method)))
        {
          request->route = route;
          return OC_API_ROUTE_FOUND;
        }
      g_string_append_printf (allow, "%s%s", allow->len > 0 ? ", " : "", route->method);
    }
  clear_params (request);
  if (allow->len == 0)
    return OC_API_ROUTE_NOT_FOUND;
  *out_allow = g_string_free (g_steal_pointer (&allow), FALSE);
  return OC_API_ROUTE_METHOD;
}
