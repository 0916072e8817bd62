/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the files of this folder share. */

#include "engine/oc-engine.h"

#include "engine/oc-engine-http.h"

#define OC_ENGINE_ANSWER_MAX (8 * 1024 * 1024)
#define OC_ENGINE_LINE_MAX (256 * 1024) /* one event, one line of a pull */
#define OC_ENGINE_CALL_MS 30000
#define OC_ENGINE_START_MS 60000

/* Lines of a stream that comes in runs. */
typedef gboolean (*OcEngineLineFunc) (const char *line, gsize len, gpointer user_data,
                                      GError **error);
/* Hands every complete line of @buffer + @data to @func; keeps the rest in @buffer. */
gboolean oc_engine_take_lines (GString *buffer, const char *data, gsize len,
                               OcEngineLineFunc func, gpointer user_data, GError **error);

struct OcEngine
{
  guint ref_count; /* one of the owner, one of each exchange */
  char *configured_socket; /* (nullable) */
  OcEngineFunc func;
  gpointer user_data;
  GCancellable *cancellable; /* of everything in flight */

  char *socket; /* (nullable): in use, or tried last */
  OcEngineKind kind;
  char *prefix; /* (nullable): "/v1.41" */
  char *description;
  gboolean connected;
  GString *events; /* a line that is not complete */
  GSource *retry;
  guint retry_ms;
};

OcEngine *oc_engine_ref (OcEngine *engine);
void oc_engine_unref (OcEngine *engine);

/* One of the three versions that matter: "1.41", "20.10.24+dfsg1", "4.3.1". */
gboolean oc_engine_parse_version (const char *text, guint *out_major, guint *out_minor);
/* The path prefix for an engine that speaks @min to @max; NULL: none that we speak.
 * (transfer full) */
char *oc_engine_choose_prefix (const char *min, const char *max);
/* One event of the stream. Returns: FALSE when it is none of ours.
 * @out_id: (out) (transfer full) (nullable) */
gboolean oc_engine_read_event (JsonNode *node, OcEngineEvent *out_event, char **out_id);

typedef struct
{
  const char *method;
  char *path;     /* (transfer full): behind the prefix, with its query */
  gboolean libpod; /* of Podman's own API */
  JsonNode *body; /* (transfer full) (nullable) */
  guint timeout_ms;
  OcEngineDataFunc on_data;
  gpointer data;
  gboolean raw; /* the answer is no JSON: it stays in the reply */
  gboolean no_data; /* what a success says is of no interest, and may be no JSON */
} OcEngineCall;

/* @task: (transfer full): returns a OcEngineHttpReply for raw calls, else a JsonNode */
void oc_engine_call (OcEngine *engine, const OcEngineCall *call, GTask *task);
/* A new task whose result oc_engine_finish() reads. */
GTask *oc_engine_task_new (OcEngine *engine, GAsyncReadyCallback callback, gpointer user_data);
/* The engine's "message" in an answer that is no success. */
GError *oc_engine_make_error (const OcEngineHttpReply *reply);

/* JSON members; NULL, 0, FALSE when absent or of another type. Borrowed. */
const char *oc_engine_get_string (JsonObject *object, const char *name);
JsonObject *oc_engine_get_object (JsonObject *object, const char *name);
JsonArray *oc_engine_get_array (JsonObject *object, const char *name);
gint64 oc_engine_get_int (JsonObject *object, const char *name);
gboolean oc_engine_get_boolean (JsonObject *object, const char *name);
