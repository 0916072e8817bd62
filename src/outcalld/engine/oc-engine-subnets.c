/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The subnets of the engine's networks. One that nothing runs in may have no bridge and
 * so no route: only the engine knows of it, and would make it over ours later.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"

static void
clear_subnet (gpointer data)
{
  OcEngineSubnet *subnet = data;

  g_free (subnet->owner);
}

/* "172.18.0.0/16" */
static gboolean
parse_subnet (const char *text, OcEngineSubnet *out)
{
  const char *slash = text != NULL ? strchr (text, '/') : NULL;
  guint64 prefix_len;

  if (slash == NULL
      || !oc_address_parse (oc_str (text, (gsize) (slash - text)), &out->address)
      || !g_ascii_string_to_unsigned (slash + 1, 10, 0, out->address.family == 4 ? 32 : 128,
                                      &prefix_len, NULL))
    return FALSE;
  out->prefix_len = (guint) prefix_len;
  return TRUE;
}

/* Of one network; none for those without addresses ("host", "none"), and for ours. */
static gboolean
add_subnets (OcEngineKind kind, JsonNode *node, GArray *subnets, GError **error)
{
  JsonObject *network = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = oc_engine_get_string (network, "Name");
  JsonObject *labels = oc_engine_get_object (network, "Labels");
  JsonArray *pools = oc_engine_get_array (oc_engine_get_object (network, "IPAM"), "Config");

  if (name == NULL)
    return oc_throw (error, "container engine: a network without a name");
  if (g_strcmp0 (oc_engine_get_string (labels, OC_ENGINE_LABEL_MANAGED), OC_ENGINE_MANAGED_BY) == 0)
    return TRUE;
  for (guint i = 0; pools != NULL && i < json_array_get_length (pools); i++)
    {
      JsonNode *pool = json_array_get_element (pools, i);
      OcEngineSubnet subnet = { 0 };

      if (!JSON_NODE_HOLDS_OBJECT (pool)
          || !parse_subnet (oc_engine_get_string (json_node_get_object (pool), "Subnet"), &subnet))
        return oc_throw (error, "container engine: network %s has no readable subnet", name);
      subnet.owner = g_strdup_printf ("%s network '%s'",
                                      kind == OC_ENGINE_PODMAN ? "Podman" : "Docker", name);
      g_array_append_val (subnets, subnet);
    }
  return TRUE;
}

/* (transfer full) (nullable) */
static GArray *
read_subnets (OcEngineKind kind, JsonNode *node, GError **error)
{
  g_autoptr (GArray) subnets = g_array_new (FALSE, FALSE, sizeof (OcEngineSubnet));
  JsonArray *networks = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  g_array_set_clear_func (subnets, clear_subnet);
  if (networks == NULL)
    return oc_throw_null (error, "container engine: its networks are no list");
  for (guint i = 0; i < json_array_get_length (networks); i++)
    if (!add_subnets (kind, json_array_get_element (networks, i), subnets, error))
      return NULL;
  return g_steal_pointer (&subnets);
}

void
oc_engine_list_subnets_async (OcEngine *engine, GAsyncReadyCallback callback, gpointer user_data)
{
  const OcEngineCall call = { .method = "GET", .path = g_strdup ("/networks"),
                              .timeout_ms = OC_ENGINE_CALL_MS };

  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

GArray *
oc_engine_list_subnets_finish (OcEngine *engine, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) data = NULL;

  if (!oc_engine_finish (result, &data, error))
    return NULL;
  return read_subnets (engine->kind, data, error);
}
