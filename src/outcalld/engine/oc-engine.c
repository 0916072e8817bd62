/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The connection:
 *
 *   find socket → GET /_ping → GET /version → GET /events ─→ connected
 *        ↑                                                      │ the stream ends
 *        └────────────── wait (250 ms to 5 s) ←─────────────────┘
 *
 * Only a stream that stands makes the engine available: what happens after that
 * is heard of, what happened before is looked at once.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"
#include "common/oc-source.h"
#include "outcall-api/outcall-api.h"

#include <sys/stat.h>

#define RETRY_MIN_MS 250
#define RETRY_MAX_MS 5000
/* What we were written against; later versions of an engine still speak it or say not. */
#define API_WANTED 41
#define API_NEWEST 60
#define EVENTS_PATH                                                                                \
  "/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D"

static const char *const sockets[] = { "/run/docker.sock", "/run/podman/podman.sock" };

static void connect_to_engine (OcEngine *engine);

OcEngine *
oc_engine_ref (OcEngine *engine)
{
  engine->ref_count++;
  return engine;
}

void
oc_engine_unref (OcEngine *engine)
{
  if (--engine->ref_count > 0)
    return;
  g_object_unref (engine->cancellable);
  g_string_free (engine->events, TRUE);
  g_free (engine->configured_socket);
  g_free (engine->socket);
  g_free (engine->prefix);
  g_free (engine->description);
  g_free (engine);
}

static void
tell (OcEngine *engine, OcEngineEvent event, const char *id)
{
  if (engine->func != NULL)
    engine->func (event, id, engine->user_data);
}

/* --- Lost ------------------------------------------------------------------------ */

static gboolean
on_retry (gpointer user_data)
{
  OcEngine *engine = user_data;

  g_source_unref (engine->retry);
  engine->retry = NULL;
  connect_to_engine (engine);
  return G_SOURCE_REMOVE;
}

/* @why: what the description says from now on */
static void
lose (OcEngine *engine, const char *why)
{
  gboolean was_connected = engine->connected;

  engine->connected = FALSE;
  if (engine->func == NULL)
    return; /* it is being freed */
  if (was_connected || g_strcmp0 (why, engine->description) != 0)
    g_message ("container engine: %s", why);
  g_free (engine->description);
  engine->description = g_strdup (why);
  engine->retry_ms = was_connected ? RETRY_MIN_MS : MIN (engine->retry_ms * 2, RETRY_MAX_MS);
  engine->retry = g_timeout_source_new (engine->retry_ms);
  g_source_set_static_name (engine->retry, "engine retry");
  g_source_set_callback (engine->retry, on_retry, engine, NULL);
  g_source_attach (engine->retry, NULL);
  if (was_connected)
    tell (engine, OC_ENGINE_LOST, NULL);
}

/* The same, about the socket at hand. */
static void G_GNUC_PRINTF (2, 3)
lose_printf (OcEngine *engine, const char *format, ...)
{
  g_autofree char *detail = NULL;
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  why = g_strdup_printf ("%s: %s", engine->socket, detail);
  lose (engine, why);
}

/* --- Events ----------------------------------------------------------------------- */

gboolean
oc_engine_read_event (JsonNode *node, OcEngineEvent *out_event, char **out_id)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *actor = oc_engine_get_object (object, "Actor");
  const char *type = oc_engine_get_string (object, "Type");
  const char *action = oc_engine_get_string (object, "Action");

  if (type == NULL || action == NULL)
    return FALSE;
  *out_id = NULL;
  if (g_str_equal (type, "network"))
    {
      JsonObject *attributes = oc_engine_get_object (actor, "Attributes");

      *out_event = OC_ENGINE_NETWORKS_CHANGED;
      *out_id = g_strdup (oc_engine_get_string (attributes, "container"));
      return g_str_equal (action, "connect");
    }
  if (!g_str_equal (type, "container"))
    return FALSE;
  if (g_str_equal (action, "start"))
    *out_event = OC_ENGINE_CONTAINER_STARTED;
  else if (g_str_equal (action, "die") || g_str_equal (action, "died")
           || g_str_equal (action, "destroy") || g_str_equal (action, "remove"))
    *out_event = OC_ENGINE_CONTAINER_GONE;
  else
    return FALSE;
  *out_id = g_strdup (oc_engine_get_string (actor, "ID"));
  return *out_id != NULL;
}

static gboolean
on_event_line (const char *line, gsize len, gpointer user_data, GError **error)
{
  OcEngine *engine = user_data;
  g_autoptr (JsonNode) node = outcall_json_parse (line, len, error);
  g_autofree char *id = NULL;
  OcEngineEvent event;

  if (node == NULL)
    return FALSE;
  if (oc_engine_read_event (node, &event, &id))
    tell (engine, event, id);
  return TRUE;
}

static gboolean
on_event_data (const char *data, gsize len, gpointer user_data, GError **error)
{
  OcEngine *engine = user_data;

  return oc_engine_take_lines (engine->events, data, len, on_event_line, engine, error);
}

static void
on_events_begin (gpointer user_data)
{
  OcEngine *engine = user_data;

  engine->connected = TRUE;
  engine->retry_ms = RETRY_MIN_MS;
  g_message ("container engine: %s", engine->description);
  tell (engine, OC_ENGINE_CONNECTED, NULL);
}

static void
on_events_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  OcEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcEngineHttpReply) reply G_GNUC_UNUSED = oc_engine_http_finish (result, &error);

  lose_printf (engine, "the event stream ended: %s",
               error != NULL ? error->message : "closed by the engine");
  oc_engine_unref (engine);
}

static void
open_events (OcEngine *engine)
{
  g_autofree char *target = g_strconcat (engine->prefix, EVENTS_PATH, NULL);
  const OcEngineHttpRequest request = { .method = "GET", .target = target,
                                        .body_max = OC_ENGINE_LINE_MAX,
                                        .on_data = on_event_data, .on_begin = on_events_begin,
                                        .user_data = engine };

  g_string_truncate (engine->events, 0);
  oc_engine_http_async (engine->socket, &request, engine->cancellable, on_events_end,
                        oc_engine_ref (engine));
}

/* --- Version ------------------------------------------------------------------------- */

gboolean
oc_engine_parse_version (const char *text, guint *out_major, guint *out_minor)
{
  guint parts[2] = { 0, 0 };

  for (guint i = 0; i < 2; i++)
    {
      guint digits = 0;

      for (; g_ascii_isdigit (*text) && digits < 4; text++, digits++)
        parts[i] = parts[i] * 10 + (guint) g_ascii_digit_value (*text);
      if (digits == 0 || (i == 0 && *text++ != '.'))
        return FALSE;
    }
  *out_major = parts[0];
  *out_minor = parts[1];
  return TRUE;
}

char *
oc_engine_choose_prefix (const char *min, const char *max)
{
  guint major = 0;
  guint lowest = 0;
  guint highest = 0;

  if (max == NULL || !oc_engine_parse_version (max, &major, &highest) || major != 1
      || highest < API_WANTED)
    return NULL;
  if (min != NULL && (!oc_engine_parse_version (min, &major, &lowest) || major != 1))
    return NULL;
  if (lowest > API_NEWEST || lowest > highest)
    return NULL;
  return g_strdup_printf ("/v1.%u", MAX (lowest, API_WANTED));
}

static void
on_version (GObject *source, GAsyncResult *result, gpointer user_data)
{
  OcEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcEngineHttpReply) reply G_GNUC_UNUSED = oc_engine_http_finish (result, &error);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  const char *version;

  if (reply != NULL)
    node = outcall_json_parse ((const char *) reply->body->data, reply->body->len, &error);
  if (node == NULL)
    {
      lose_printf (engine, "%s", error->message);
      oc_engine_unref (engine);
      return;
    }
  object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  version = oc_engine_get_string (object, "Version");
  g_free (engine->prefix);
  engine->prefix = oc_engine_choose_prefix (oc_engine_get_string (object, "MinAPIVersion"),
                                            oc_engine_get_string (object, "ApiVersion"));
  if (engine->prefix == NULL || version == NULL)
    lose_printf (engine, "version %s is not supported (Docker 20.10 or Podman 4 are needed)",
                 version != NULL ? version : "unknown");
  else
    {
      g_free (engine->description);
      engine->description
          = g_strdup_printf ("%s %s at %s", engine->kind == OC_ENGINE_PODMAN ? "Podman" : "Docker",
                             version, engine->socket);
      open_events (engine);
    }
  oc_engine_unref (engine);
}

static void
on_ping (GObject *source, GAsyncResult *result, gpointer user_data)
{
  OcEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcEngineHttpReply) reply G_GNUC_UNUSED = oc_engine_http_finish (result, &error);
  const OcEngineHttpRequest request
      = { .method = "GET", .target = "/version", .timeout_ms = OC_ENGINE_CALL_MS,
          .body_max = OC_ENGINE_LINE_MAX };
  guint major = 0;
  guint minor = 0;

  /* Podman asks programs for their version before it tells its own, which may take. */
  if (reply == NULL || reply->status != 200)
    lose_printf (engine, "%s", reply == NULL ? error->message : "it is not ready");
  else if (reply->libpod_version != NULL
           && (!oc_engine_parse_version (reply->libpod_version, &major, &minor) || major < 4))
    lose_printf (engine, "Podman %s is not supported (4 is needed)", reply->libpod_version);
  else
    {
      engine->kind = reply->libpod_version != NULL ? OC_ENGINE_PODMAN : OC_ENGINE_DOCKER;
      oc_engine_http_async (engine->socket, &request, engine->cancellable, on_version,
                            oc_engine_ref (engine));
    }
  oc_engine_unref (engine);
}

/* --- Connecting ------------------------------------------------------------------------ */

/* (transfer full) (nullable) */
static char *
find_socket (OcEngine *engine)
{
  struct stat st;

  if (engine->configured_socket != NULL)
    return g_strdup (engine->configured_socket);
  for (guint i = 0; i < G_N_ELEMENTS (sockets); i++)
    if (stat (sockets[i], &st) == 0 && S_ISSOCK (st.st_mode))
      return g_strdup (sockets[i]);
  return NULL;
}

static void
connect_to_engine (OcEngine *engine)
{
  const OcEngineHttpRequest request
      = { .method = "GET", .target = "/_ping", .timeout_ms = OC_ENGINE_PING_MS,
          .body_max = OC_ENGINE_LINE_MAX };

  g_free (engine->socket);
  engine->socket = find_socket (engine);
  if (engine->socket == NULL)
    {
      lose (engine, "there is no socket of Docker or Podman");
      return;
    }
  oc_engine_http_async (engine->socket, &request, engine->cancellable, on_ping,
                        oc_engine_ref (engine));
}

OcEngine *
oc_engine_new (const char *socket_path, OcEngineFunc func, gpointer user_data)
{
  OcEngine *engine = g_new0 (OcEngine, 1);

  engine->ref_count = 1;
  engine->configured_socket = g_strdup (socket_path);
  engine->func = func;
  engine->user_data = user_data;
  engine->cancellable = g_cancellable_new ();
  engine->events = g_string_new (NULL);
  engine->description = g_strdup ("not connected yet");
  engine->retry_ms = RETRY_MIN_MS;
  connect_to_engine (engine);
  return engine;
}

void
oc_engine_free (OcEngine *engine)
{
  if (engine == NULL)
    return;
  engine->func = NULL;
  engine->connected = FALSE;
  oc_source_clear (&engine->retry);
  g_cancellable_cancel (engine->cancellable);
  oc_engine_unref (engine);
}

gboolean
oc_engine_is_connected (OcEngine *engine)
{
  return engine->connected;
}

OcEngineKind
oc_engine_get_kind (OcEngine *engine)
{
  return engine->kind;
}

const char *
oc_engine_get_description (OcEngine *engine)
{
  return engine->description;
}
