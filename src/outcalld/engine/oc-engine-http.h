/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One HTTP/1.1 exchange with the container engine over its unix socket, on a
 * connection of its own, from the thread-default main context. Answers are
 * bounded in bytes and, where asked for, in time. Thread: main.
 */

#include "http1/oc-http1.h"

#include <gio/gio.h>

/* Gets each run of the decoded body. Returns: FALSE with @error ends the exchange. */
typedef gboolean (*OcEngineDataFunc) (const char *data, gsize len, gpointer user_data,
                                      GError **error);

typedef struct
{
  const char *method;
  const char *target; /* percent-encoded */
  const char *body;   /* (nullable): JSON text */
  guint timeout_ms;   /* for all of it; 0: none */
  gsize body_max;     /* without @on_data: bytes of the answer */
  OcEngineDataFunc on_data; /* (nullable): for answers of 2xx that go on */
  void (*on_begin) (gpointer user_data); /* (nullable): the head of such an answer is there */
  gpointer user_data;
} OcEngineHttpRequest;

typedef struct
{
  guint status;
  GByteArray *body;    /* NUL-terminated behind its length; empty with on_data */
  char *api_version;   /* (nullable): header Api-Version */
  char *libpod_version; /* (nullable): header Libpod-Api-Version */
} OcEngineHttpReply;

void oc_engine_http_reply_free (OcEngineHttpReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcEngineHttpReply, oc_engine_http_reply_free)

/* Strings in @request are copied. */
void oc_engine_http_async (const char *socket_path, const OcEngineHttpRequest *request,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
/* (transfer full) (nullable): NULL when there was no complete answer.
 * G_IO_ERROR_TIMED_OUT, G_IO_ERROR_CANCELLED, G_IO_ERROR_INVALID_DATA (not HTTP, or
 * too much of it). */
OcEngineHttpReply *oc_engine_http_finish (GAsyncResult *result, GError **error);
