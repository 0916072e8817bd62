/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The engine's network on a bridge of ours. Docker takes a bridge that is there
 * and leaves it when the network goes. Podman refuses a subnet that the host has an
 * address in, so its network has no addresses: Outcall sets them.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"

#define DOCKER_BRIDGE "com.docker.network.bridge.name"

typedef struct
{
  OcEngine *engine;
  char *name, *bridge, *subnet, *gateway, *range;
} Ensure;

static void
ensure_free (gpointer data)
{
  Ensure *ensure = data;

  oc_engine_unref (ensure->engine);
  g_free (ensure->name);
  g_free (ensure->bridge);
  g_free (ensure->subnet);
  g_free (ensure->gateway);
  g_free (ensure->range);
  g_free (ensure);
}

/* --- What is asked for ------------------------------------------------------------ */

static void
add_string (JsonBuilder *b, const char *name, const char *value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

static void
add_boolean (JsonBuilder *b, const char *name, gboolean value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_boolean_value (b, value);
}

static void
begin_object (JsonBuilder *b, const char *name)
{
  if (name != NULL)
    json_builder_set_member_name (b, name);
  json_builder_begin_object (b);
}

static void
add_labels (JsonBuilder *b, const char *name)
{
  begin_object (b, name);
  add_string (b, OC_ENGINE_LABEL_MANAGED, OC_ENGINE_MANAGED_BY);
  json_builder_end_object (b);
}

static JsonNode *
make_docker_network (const Ensure *ensure)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  begin_object (b, NULL);
  add_string (b, "Name", ensure->name);
  add_boolean (b, "CheckDuplicate", TRUE);
  add_string (b, "Driver", "bridge");
  begin_object (b, "IPAM");
  json_builder_set_member_name (b, "Config");
  json_builder_begin_array (b);
  begin_object (b, NULL);
  add_string (b, "Subnet", ensure->subnet);
  add_string (b, "Gateway", ensure->gateway);
  add_string (b, "IPRange", ensure->range);
  json_builder_end_object (b);
  json_builder_end_array (b);
  json_builder_end_object (b);
  begin_object (b, "Options");
  add_string (b, DOCKER_BRIDGE, ensure->bridge);
  add_string (b, "com.docker.network.bridge.enable_ip_masquerade", "false");
  json_builder_end_object (b);
  add_labels (b, "Labels");
  json_builder_end_object (b);
  return json_builder_get_root (b);
}

static JsonNode *
make_podman_network (const Ensure *ensure)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  begin_object (b, NULL);
  add_string (b, "name", ensure->name);
  add_string (b, "driver", "bridge");
  add_string (b, "network_interface", ensure->bridge);
  add_boolean (b, "dns_enabled", FALSE); /* its own server would want the gateway's port 53 */
  begin_object (b, "ipam_options");
  add_string (b, "driver", "none");
  json_builder_end_object (b);
  add_labels (b, "labels");
  json_builder_end_object (b);
  return json_builder_get_root (b);
}

/* --- Is it there? ---------------------------------------------------------------- */

static gboolean
is_ours (const Ensure *ensure, JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  gboolean podman = ensure->engine->kind == OC_ENGINE_PODMAN;
  JsonArray *pools = oc_engine_get_array (oc_engine_get_object (object, "IPAM"), "Config");
  JsonObject *pool = NULL;

  if (podman)
    return g_strcmp0 (oc_engine_get_string (object, "network_interface"), ensure->bridge) == 0
           && g_strcmp0 (oc_engine_get_string (oc_engine_get_object (object, "ipam_options"),
                                               "driver"),
                         "none")
                  == 0
           && !oc_engine_get_boolean (object, "dns_enabled");
  if (pools != NULL && json_array_get_length (pools) == 1
      && JSON_NODE_HOLDS_OBJECT (json_array_get_element (pools, 0)))
    pool = json_array_get_object_element (pools, 0);
  return g_strcmp0 (oc_engine_get_string (oc_engine_get_object (object, "Options"), DOCKER_BRIDGE),
                    ensure->bridge)
             == 0
         && g_strcmp0 (oc_engine_get_string (pool, "Subnet"), ensure->subnet) == 0;
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  JsonNode *data = NULL;

  if (oc_engine_finish (result, &data, &error))
    g_task_return_pointer (task, data, (GDestroyNotify) json_node_unref);
  else
    g_task_return_error (task, error);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Ensure *ensure = g_task_get_task_data (task);
  gboolean podman = ensure->engine->kind == OC_ENGINE_PODMAN;
  GError *error = NULL;
  g_autoptr (JsonNode) data = NULL;
  OcEngineCall call = { .method = "POST", .libpod = podman, .timeout_ms = OC_ENGINE_CALL_MS };

  if (oc_engine_finish (result, &data, &error))
    {
      if (is_ours (ensure, data))
        g_task_return_pointer (task, g_steal_pointer (&data), (GDestroyNotify) json_node_unref);
      else
        g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_EXISTS,
                                 "the container engine has another network named %s that is not "
                                 "on bridge %s; remove it there",
                                 ensure->name, ensure->bridge);
      return;
    }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  call.path = g_strdup ("/networks/create");
  call.body = podman ? make_podman_network (ensure) : make_docker_network (ensure);
  oc_engine_call (ensure->engine, &call,
                  oc_engine_task_new (ensure->engine, on_created, g_steal_pointer (&task)));
}

void
oc_engine_ensure_network_async (OcEngine *engine, const OcEngineNetwork *network,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = oc_engine_task_new (engine, callback, user_data);
  gboolean podman = engine->kind == OC_ENGINE_PODMAN;
  Ensure *ensure = g_new0 (Ensure, 1);
  const OcEngineCall call
      = { .method = "GET", .libpod = podman, .timeout_ms = OC_ENGINE_CALL_MS,
          .path = g_strdup_printf (podman ? "/networks/%s/json" : "/networks/%s", network->name) };

  ensure->engine = oc_engine_ref (engine);
  ensure->name = g_strdup (network->name);
  ensure->bridge = g_strdup (network->bridge);
  ensure->subnet = g_strdup (network->subnet);
  ensure->gateway = g_strdup (network->gateway);
  ensure->range = g_strdup (network->range);
  g_task_set_task_data (task, ensure, ensure_free);
  oc_engine_call (engine, &call, oc_engine_task_new (engine, on_inspected, task));
}

/* --- Removing ---------------------------------------------------------------------- */

typedef struct
{
  OcEngine *engine;
  char *name;
} Removal;

static void
removal_free (gpointer data)
{
  Removal *removal = data;

  oc_engine_unref (removal->engine);
  g_free (removal->name);
  g_free (removal);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (oc_engine_finish (result, NULL, &error)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_clear_error (&error);
      g_task_return_pointer (task, json_node_new (JSON_NODE_NULL), (GDestroyNotify) json_node_unref);
    }
  else
    g_task_return_error (task, error);
}

static gboolean
has_our_label (JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *labels = oc_engine_get_object (object, "Labels");

  return g_strcmp0 (oc_engine_get_string (labels, OC_ENGINE_LABEL_MANAGED), OC_ENGINE_MANAGED_BY)
         == 0;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Removal *removal = g_task_get_task_data (task);
  OcEngineCall call = { .method = "DELETE", .timeout_ms = OC_ENGINE_CALL_MS };
  g_autoptr (JsonNode) data = NULL;
  GError *error = NULL;

  if (!oc_engine_finish (result, &data, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_task_return_error (task, error);
      return;
    }
  if (error != NULL || !has_our_label (data))
    {
      g_clear_error (&error);
      g_task_return_pointer (task, json_node_new (JSON_NODE_NULL), (GDestroyNotify) json_node_unref);
      return;
    }
  call.path = g_strdup_printf ("/networks/%s", removal->name);
  oc_engine_call (removal->engine, &call,
                  oc_engine_task_new (removal->engine, on_removed, g_steal_pointer (&task)));
}

void
oc_engine_remove_network_async (OcEngine *engine, const char *name, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = oc_engine_task_new (engine, callback, user_data);
  Removal *removal = g_new0 (Removal, 1);
  const OcEngineCall call = { .method = "GET", .timeout_ms = OC_ENGINE_CALL_MS,
                              .path = g_strdup_printf ("/networks/%s", name) };

  removal->engine = oc_engine_ref (engine);
  removal->name = g_strdup (name);
  g_task_set_task_data (task, removal, removal_free);
  oc_engine_call (engine, &call, oc_engine_task_new (engine, on_found, task));
}
