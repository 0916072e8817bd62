/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * One call of the engine's API: the path with its version, JSON in, JSON or the
 * engine's own message out.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"
#include "outcall-api/outcall-api.h"

/* What one exchange needs until its answer is there. */
typedef struct
{
  OcEngine *engine;
  GTask *task;
  gboolean raw;
  gboolean no_data;
} Pending;

/* --- JSON members -------------------------------------------------------------- */

static JsonNode *
get_member (JsonObject *object, const char *name, JsonNodeType type)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_node_type (node) == type ? node : NULL;
}

const char *
oc_engine_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

JsonObject *
oc_engine_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
oc_engine_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_ARRAY);

  return node != NULL ? json_node_get_array (node) : NULL;
}

gint64
oc_engine_get_int (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_INT64
             ? json_node_get_int (node)
             : 0;
}

gboolean
oc_engine_get_boolean (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

/* --- Lines ---------------------------------------------------------------------- */

gboolean
oc_engine_take_lines (GString *buffer, const char *data, gsize len, OcEngineLineFunc func,
                      gpointer user_data, GError **error)
{
  const char *end;

  while ((end = memchr (data, '\n', len)) != NULL)
    {
      gsize n = (gsize) (end - data);

      g_string_append_len (buffer, data, (gssize) n);
      data += n + 1;
      len -= n + 1;
      if (buffer->len > 0 && !func (buffer->str, buffer->len, user_data, error))
        return FALSE;
      g_string_truncate (buffer, 0);
    }
  if (buffer->len + len > OC_ENGINE_LINE_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_DATA, "the engine sent a line over %d bytes",
                          OC_ENGINE_LINE_MAX);
  g_string_append_len (buffer, data, (gssize) len);
  return TRUE;
}

/* --- Answers ---------------------------------------------------------------------- */

static int
code_for_status (guint status)
{
  switch (status)
    {
    case 400:
      return G_IO_ERROR_INVALID_ARGUMENT;
    case 404:
      return G_IO_ERROR_NOT_FOUND;
    case 409:
      return G_IO_ERROR_EXISTS;
    default:
      return G_IO_ERROR_FAILED;
    }
}

GError *
oc_engine_make_error (const OcEngineHttpReply *reply)
{
  g_autoptr (JsonNode) node
      = outcall_json_parse ((const char *) reply->body->data, reply->body->len, NULL);
  JsonObject *object
      = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *message = oc_engine_get_string (object, "message");

  if (message != NULL)
    return g_error_new (G_IO_ERROR, code_for_status (reply->status), "container engine: %s",
                        message);
  return g_error_new (G_IO_ERROR, code_for_status (reply->status),
                      "the container engine answered with status %u", reply->status);
}

/* 304 (started or stopped already) is success without data. */
static void
return_json (GTask *task, const OcEngineHttpReply *reply, gboolean no_data)
{
  GError *error = NULL;
  JsonNode *node;

  if (no_data || reply->body->len == 0 || reply->status == 304)
    {
      g_task_return_pointer (task, json_node_new (JSON_NODE_NULL), (GDestroyNotify) json_node_unref);
      return;
    }
  node = outcall_json_parse ((const char *) reply->body->data, reply->body->len, &error);
  if (node == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, node, (GDestroyNotify) json_node_unref);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Pending *pending = user_data;
  g_autoptr (GTask) task = pending->task;
  GError *error = NULL;
  g_autoptr (OcEngineHttpReply) reply = oc_engine_http_finish (result, &error);

  if (reply == NULL)
    g_task_return_error (task, error);
  else if (reply->status / 100 != 2 && reply->status != 304)
    g_task_return_error (task, oc_engine_make_error (reply));
  else if (pending->raw)
    g_task_return_pointer (task, g_steal_pointer (&reply),
                           (GDestroyNotify) oc_engine_http_reply_free);
  else
    return_json (task, reply, pending->no_data);
  oc_engine_unref (pending->engine);
  g_free (pending);
}

void
oc_engine_call (OcEngine *engine, const OcEngineCall *call, GTask *task)
{
  g_autofree char *path = call->path;
  g_autofree char *target = NULL;
  g_autofree char *body = NULL;
  OcEngineHttpRequest request = { .method = call->method, .timeout_ms = call->timeout_ms,
                                  .body_max = OC_ENGINE_ANSWER_MAX, .on_data = call->on_data,
                                  .user_data = call->data };
  Pending *pending;

  if (call->body != NULL)
    {
      body = outcall_json_print (call->body);
      json_node_unref (call->body);
    }
  if (!engine->connected)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
                               "no container engine: %s", engine->description);
      g_object_unref (task);
      return;
    }
  target = g_strconcat (call->libpod ? "/v4.0.0/libpod" : engine->prefix, path, NULL);
  request.target = target;
  request.body = body;
  pending = g_new0 (Pending, 1);
  pending->engine = oc_engine_ref (engine);
  pending->task = task;
  pending->raw = call->raw;
  pending->no_data = call->no_data;
  oc_engine_http_async (engine->socket, &request, engine->cancellable, on_answer, pending);
}

GTask *
oc_engine_task_new (OcEngine *engine, GAsyncReadyCallback callback, gpointer user_data)
{
  return g_task_new (NULL, NULL, callback, user_data);
}

gboolean
oc_engine_finish (GAsyncResult *result, JsonNode **out_data, GError **error)
{
  g_autoptr (JsonNode) node = g_task_propagate_pointer (G_TASK (result), error);

  if (node == NULL)
    return FALSE;
  if (out_data != NULL)
    *out_data = g_steal_pointer (&node);
  return TRUE;
}
