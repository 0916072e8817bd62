/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Containers and images: one call each.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"
#include "outcall-api/outcall-api.h"

/* "/containers/ID/start?…" with @id encoded. @format: one %s. (transfer full) */
static char *
make_path (const char *format, const char *id)
{
  g_autofree char *encoded = g_uri_escape_string (id, NULL, FALSE);
  char **parts = g_strsplit (format, "%s", 2);
  char *path = g_strconcat (parts[0], encoded, parts[1], NULL);

  g_strfreev (parts);
  return path;
}

/* What is not a GET is asked to do something, not to tell. */
static void
call_simple (OcEngine *engine, const char *method, char *path, guint timeout_ms,
             GAsyncReadyCallback callback, gpointer user_data)
{
  const OcEngineCall call = { .method = method, .path = path, .timeout_ms = timeout_ms,
                              .no_data = !g_str_equal (method, "GET") };

  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

void
oc_engine_inspect_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  call_simple (engine, "GET", make_path ("/containers/%s/json", id), OC_ENGINE_CALL_MS, callback,
               user_data);
}

void
oc_engine_list_async (OcEngine *engine, GAsyncReadyCallback callback, gpointer user_data)
{
  static const char filters[]
      = "{\"label\":[\"" OC_ENGINE_LABEL_MANAGED "=" OC_ENGINE_MANAGED_BY "\"]}";

  call_simple (engine, "GET", make_path ("/containers/json?all=true&filters=%s", filters),
               OC_ENGINE_CALL_MS, callback, user_data);
}

GPtrArray *
oc_engine_list_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) data = NULL;
  GPtrArray *ids;
  JsonArray *array;

  if (!oc_engine_finish (result, &data, error))
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (data))
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_DATA,
                               "the engine's list of containers is none");
  ids = g_ptr_array_new_with_free_func (g_free);
  array = json_node_get_array (data);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (oc_engine_get_string (object, "Id") != NULL)
        g_ptr_array_add (ids, g_strdup (oc_engine_get_string (object, "Id")));
    }
  return ids;
}

void
oc_engine_create_async (OcEngine *engine, const char *name, JsonNode *config,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  const OcEngineCall call = { .method = "POST",
                              .path = make_path ("/containers/create?name=%s", name),
                              .body = config,
                              .timeout_ms = OC_ENGINE_START_MS };

  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

void
oc_engine_prepare_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  const OcEngineCall call = { .method = "POST", .path = make_path ("/containers/%s/init", id),
                              .libpod = TRUE, .timeout_ms = OC_ENGINE_START_MS,
                              .no_data = TRUE };

  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

void
oc_engine_start_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  call_simple (engine, "POST", make_path ("/containers/%s/start", id), OC_ENGINE_START_MS,
               callback, user_data);
}

void
oc_engine_stop_async (OcEngine *engine, const char *id, guint timeout_s,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree char *format = g_strdup_printf ("/containers/%%s/stop?t=%u", timeout_s);

  call_simple (engine, "POST", make_path (format, id), timeout_s * 1000 + OC_ENGINE_CALL_MS,
               callback, user_data);
}

void
oc_engine_remove_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  call_simple (engine, "DELETE", make_path ("/containers/%s?force=true&v=true", id),
               OC_ENGINE_START_MS, callback, user_data);
}

void
oc_engine_disconnect_async (OcEngine *engine, const char *id, const char *network,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  JsonObject *object = json_object_new ();
  OcEngineCall call = { .method = "POST", .path = make_path ("/networks/%s/disconnect", network),
                        .body = json_node_new (JSON_NODE_OBJECT),
                        .timeout_ms = OC_ENGINE_CALL_MS, .no_data = TRUE };

  json_object_set_string_member (object, "Container", id);
  json_object_set_boolean_member (object, "Force", TRUE);
  json_node_take_object (call.body, object);
  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

void
oc_engine_inspect_image_async (OcEngine *engine, const char *image, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  call_simple (engine, "GET", make_path ("/images/%s/json", image), OC_ENGINE_CALL_MS, callback,
               user_data);
}

/* --- Pull ----------------------------------------------------------------------- */

typedef struct
{
  OcEnginePullFunc func;
  gpointer user_data;
  GString *line;
} Pull;

static void
pull_free (gpointer data)
{
  Pull *pull = data;

  g_string_free (pull->line, TRUE);
  g_free (pull);
}

static gboolean
on_pull_line (const char *line, gsize len, gpointer user_data, GError **error)
{
  Pull *pull = user_data;
  g_autoptr (JsonNode) node = outcall_json_parse (line, len, error);
  JsonObject *object;
  JsonObject *detail;

  if (node == NULL)
    return FALSE;
  object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  /* The status was 200 before anything could fail. */
  if (oc_engine_get_string (object, "error") != NULL)
    return oc_throw (error, "container engine: %s", oc_engine_get_string (object, "error"));
  detail = oc_engine_get_object (object, "progressDetail");
  if (pull->func != NULL && oc_engine_get_string (object, "status") != NULL)
    pull->func (oc_engine_get_string (object, "status"), oc_engine_get_string (object, "id"),
                (guint64) MAX (oc_engine_get_int (detail, "current"), 0),
                (guint64) MAX (oc_engine_get_int (detail, "total"), 0), pull->user_data);
  return TRUE;
}

static gboolean
on_pull_data (const char *data, gsize len, gpointer user_data, GError **error)
{
  Pull *pull = user_data;

  return oc_engine_take_lines (pull->line, data, len, on_pull_line, pull, error);
}

void
oc_engine_pull_async (OcEngine *engine, const char *image, OcEnginePullFunc func,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = oc_engine_task_new (engine, callback, user_data);
  Pull *pull = g_new0 (Pull, 1);
  /* Without a tag the engine would take all of them. */
  const char *last = strrchr (image, '/');
  gboolean has_tag = strchr (last != NULL ? last : image, ':') != NULL
                     || strchr (image, '@') != NULL;
  const OcEngineCall call
      = { .method = "POST",
          .path = make_path (has_tag ? "/images/create?fromImage=%s"
                                     : "/images/create?fromImage=%s&tag=latest",
                             image),
          .on_data = on_pull_data, .data = pull };

  pull->func = func;
  pull->user_data = user_data;
  pull->line = g_string_new (NULL);
  g_task_set_task_data (task, pull, pull_free);
  oc_engine_call (engine, &call, task);
}

/* --- Logs ------------------------------------------------------------------------- */

void
oc_engine_logs_async (OcEngine *engine, const char *id, guint tail, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autofree char *lines = tail > 0 ? g_strdup_printf ("%u", tail) : g_strdup ("all");
  g_autofree char *format
      = g_strdup_printf ("/containers/%%s/logs?stdout=true&stderr=true&tail=%s", lines);
  const OcEngineCall call = { .method = "GET", .path = make_path (format, id),
                              .timeout_ms = OC_ENGINE_CALL_MS, .raw = TRUE };

  oc_engine_call (engine, &call, oc_engine_task_new (engine, callback, user_data));
}

/* Without a terminal both streams come in frames: one byte of which, three of
 * nothing, four of length, then that many bytes. */
static GString *
join_frames (const guint8 *data, gsize len)
{
  GString *text = g_string_new (NULL);

  while (len >= 8)
    {
      gsize n = (gsize) data[4] << 24 | (gsize) data[5] << 16 | (gsize) data[6] << 8 | data[7];

      data += 8;
      len -= 8;
      n = MIN (n, len);
      g_string_append_len (text, (const char *) data, (gssize) n);
      data += n;
      len -= n;
    }
  return text;
}

char *
oc_engine_logs_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (OcEngineHttpReply) reply = g_task_propagate_pointer (G_TASK (result), error);
  GString *text;
  char *valid;

  if (reply == NULL)
    return NULL;
  text = join_frames (reply->body->data, reply->body->len);
  if (text->len > OC_ENGINE_LOGS_MAX)
    g_string_erase (text, 0, (gssize) (text->len - OC_ENGINE_LOGS_MAX));
  valid = g_utf8_make_valid (text->str, (gssize) text->len);
  g_string_free (text, TRUE);
  return valid;
}
