/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * connect → write → read head → read body → done. Each arrow is one asynchronous
 * step; whatever fails, on_failed() ends the exchange once.
 */
#include "config.h"

#include "engine/oc-engine-http.h"

#include "common/oc-error.h"
#include "common/oc-source.h"

#include <gio/gunixsocketaddress.h>

#define BUFFER_SIZE 32768

G_STATIC_ASSERT (BUFFER_SIZE > OC_HTTP_HEAD_MAX);

typedef struct
{
  OcEngineHttpReply *reply;
  OcEngineDataFunc on_data;
  void (*on_begin) (gpointer user_data);
  gpointer user_data;
  gsize body_max;
  GSocketConnection *connection;
  GCancellable *cancellable; /* ours: the caller's and the time-out end it */
  GCancellable *outer;       /* (nullable) */
  gulong outer_id;
  GSource *timer;
  gboolean timed_out;
  GString *request;
  OcHttpBody body;
  guint64 left; /* of a body with a length */
  OcHttpChunked chunked;
  gboolean has_head;
  gsize len; /* bytes in buffer */
  char buffer[BUFFER_SIZE];
} Exchange;

static void read_more (GTask *task);

void
oc_engine_http_reply_free (OcEngineHttpReply *reply)
{
  if (reply == NULL)
    return;
  g_byte_array_unref (reply->body);
  g_free (reply->api_version);
  g_free (reply->libpod_version);
  g_free (reply);
}

static void
exchange_free (gpointer data)
{
  Exchange *x = data;

  if (x->outer != NULL)
    g_cancellable_disconnect (x->outer, x->outer_id);
  g_clear_object (&x->outer);
  oc_source_clear (&x->timer);
  g_clear_object (&x->connection);
  g_object_unref (x->cancellable);
  g_clear_pointer (&x->reply, oc_engine_http_reply_free);
  g_string_free (x->request, TRUE);
  g_free (x);
}

/* --- The end ------------------------------------------------------------------ */

static void
finish (GTask *task)
{
  Exchange *x = g_task_get_task_data (task);

  /* Behind the length, so that the body can be read as a string. */
  g_byte_array_append (x->reply->body, (const guint8 *) "", 1);
  g_byte_array_set_size (x->reply->body, x->reply->body->len - 1);
  g_task_return_pointer (task, g_steal_pointer (&x->reply),
                         (GDestroyNotify) oc_engine_http_reply_free);
  g_object_unref (task);
}

/* @error: (transfer full) */
static void
fail (GTask *task, GError *error)
{
  Exchange *x = g_task_get_task_data (task);

  if (x->timed_out)
    {
      g_clear_error (&error);
      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                                   "the engine did not answer in time");
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
fail_data (GTask *task, const char *text)
{
  fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text));
}

/* --- Body ---------------------------------------------------------------------- */

static gboolean
take_payload (Exchange *x, const char *data, gsize len, GError **error)
{
  if (len == 0)
    return TRUE;
  if (x->on_data != NULL && x->reply->status / 100 == 2)
    return x->on_data (data, len, x->user_data, error);
  if (x->reply->body->len + len > x->body_max)
    return oc_throw_code (error, G_IO_ERROR_INVALID_DATA, "the engine's answer is over %zu bytes",
                          x->body_max);
  g_byte_array_append (x->reply->body, (const guint8 *) data, (guint) len);
  return TRUE;
}

static gboolean
take_chunked (Exchange *x, gboolean *out_done, GError **error)
{
  gsize at = 0;

  while (at < x->len && !*out_done)
    {
      gsize consumed = 0;
      OcStr payload = OC_STR_EMPTY;
      OcHttpResult result
          = oc_http_chunked_feed (&x->chunked, x->buffer + at, x->len - at, &consumed, &payload);

      if (!take_payload (x, payload.data, payload.len, error))
        return FALSE;
      if (result != OC_HTTP_OK && result != OC_HTTP_MORE)
        return oc_throw_code (error, G_IO_ERROR_INVALID_DATA, "the engine's answer is not HTTP");
      at += consumed;
      *out_done = result == OC_HTTP_OK;
    }
  x->len = 0;
  return TRUE;
}

static gboolean
take_plain (Exchange *x, gboolean *out_done, GError **error)
{
  gsize run = x->body == OC_HTTP_BODY_LENGTH ? (gsize) MIN (x->left, x->len) : x->len;

  if (!take_payload (x, x->buffer, run, error))
    return FALSE;
  x->len = 0;
  if (x->body == OC_HTTP_BODY_LENGTH)
    x->left -= run;
  *out_done = x->body == OC_HTTP_BODY_LENGTH && x->left == 0;
  return TRUE;
}

/* Handles what the buffer holds of the body. */
static void
take_body (GTask *task)
{
  Exchange *x = g_task_get_task_data (task);
  gboolean done = x->body == OC_HTTP_BODY_NONE;
  GError *error = NULL;
  gboolean ok = done
                || (x->body == OC_HTTP_BODY_CHUNKED ? take_chunked (x, &done, &error)
                                                    : take_plain (x, &done, &error));

  if (!ok)
    fail (task, error);
  else if (done)
    finish (task);
  else
    read_more (task);
}

/* --- Head ---------------------------------------------------------------------- */

static char *
dup_header (const OcHttpHead *head, const char *name)
{
  const OcHttpHeader *header = oc_http_head_get (head, oc_str_from (name));

  return header != NULL ? g_strndup (header->value.data, header->value.len) : NULL;
}

/* @head points into the buffer and is dead after it. */
static void
keep_head (Exchange *x, const OcHttpHead *head)
{
  x->has_head = TRUE;
  x->reply->status = head->status;
  x->reply->api_version = dup_header (head, "Api-Version");
  x->reply->libpod_version = dup_header (head, "Libpod-Api-Version");
  x->body = head->body;
  x->left = head->content_length;
  if (x->on_begin != NULL && head->status / 100 == 2)
    x->on_begin (x->user_data);
}

static void
take_head (GTask *task)
{
  Exchange *x = g_task_get_task_data (task);
  OcHttpHead head = { 0 };
  OcHttpResult result;

  do /* interim answers are passed over */
    {
      gsize consumed = 0;

      result = oc_http_parse_response (x->buffer, x->len, NULL, FALSE, FALSE, &head, &consumed,
                                       NULL);
      if (result == OC_HTTP_OK && head.status >= 200)
        keep_head (x, &head);
      memmove (x->buffer, x->buffer + consumed, x->len - consumed);
      x->len -= consumed;
    }
  while (result == OC_HTTP_OK && !x->has_head);
  if (result == OC_HTTP_MORE)
    read_more (task);
  else if (result != OC_HTTP_OK)
    fail_data (task, "the engine's answer is not HTTP");
  else
    take_body (task);
}

/* --- Bytes ----------------------------------------------------------------------- */

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Exchange *x = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (n < 0)
    fail (task, error);
  else if (n == 0 && x->has_head && x->body == OC_HTTP_BODY_UNTIL_CLOSE)
    finish (task);
  else if (n == 0)
    fail_data (task, "the engine closed the connection in the middle of its answer");
  else
    {
      x->len += (gsize) n;
      if (x->has_head)
        take_body (task);
      else
        take_head (task);
    }
}

static void
read_more (GTask *task)
{
  Exchange *x = g_task_get_task_data (task);
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (x->connection));

  if (x->len == BUFFER_SIZE)
    fail_data (task, "the head of the engine's answer is too long");
  else
    g_input_stream_read_async (in, x->buffer + x->len, BUFFER_SIZE - x->len, G_PRIORITY_DEFAULT,
                               x->cancellable, on_read, task);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    fail (user_data, error);
  else
    read_more (user_data);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Exchange *x = g_task_get_task_data (task);
  GError *error = NULL;

  x->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (x->connection == NULL)
    {
      fail (task, error);
      return;
    }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (x->connection)),
                                   x->request->str, x->request->len, G_PRIORITY_DEFAULT,
                                   x->cancellable, on_written, task);
}

/* --- Start ------------------------------------------------------------------------ */

static gboolean
on_timeout (gpointer user_data)
{
  Exchange *x = user_data;

  x->timed_out = TRUE;
  g_cancellable_cancel (x->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_outer_cancelled (GCancellable *outer, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static GString *
format_request (const OcEngineHttpRequest *request)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                          request->method, request->target);
  if (request->body != NULL)
    g_string_append_printf (text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                            strlen (request->body));
  else if (!g_str_equal (request->method, "GET"))
    g_string_append (text, "Content-Length: 0\r\n");
  g_string_append_printf (text, "\r\n%s", request->body != NULL ? request->body : "");
  return text;
}

static Exchange *
exchange_new (const OcEngineHttpRequest *request)
{
  Exchange *x = g_new0 (Exchange, 1);

  x->reply = g_new0 (OcEngineHttpReply, 1);
  x->reply->body = g_byte_array_new ();
  x->on_data = request->on_data;
  x->on_begin = request->on_begin;
  x->user_data = request->user_data;
  x->body_max = request->body_max;
  x->cancellable = g_cancellable_new ();
  x->request = format_request (request);
  oc_http_chunked_init (&x->chunked);
  if (request->timeout_ms > 0)
    {
      x->timer = g_timeout_source_new (request->timeout_ms);
      g_source_set_static_name (x->timer, "engine time-out");
      g_source_set_callback (x->timer, on_timeout, x, NULL);
      g_source_attach (x->timer, g_main_context_get_thread_default ());
    }
  return x;
}

void
oc_engine_http_async (const char *socket_path, const OcEngineHttpRequest *request,
                      GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket_path);
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Exchange *x = exchange_new (request);

  g_task_set_source_tag (task, oc_engine_http_async);
  g_task_set_task_data (task, x, exchange_free);
  if (cancellable != NULL)
    {
      x->outer = g_object_ref (cancellable);
      x->outer_id = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                           g_object_ref (x->cancellable), g_object_unref);
    }
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address), x->cancellable,
                                 on_connected, task);
}

OcEngineHttpReply *
oc_engine_http_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
