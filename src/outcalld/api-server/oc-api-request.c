/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-api-server-private.h"

#include "outcall-api/outcall-api.h"

OcApiRequest *
oc_api_request_new (Connection *connection, const char *head, gsize len)
{
  OcApiRequest *request = g_new0 (OcApiRequest, 1);
  const OcHttpLimits limits = { .head_max = connection->server->config.head_max };
  gsize consumed = 0;

  request->connection = connection;
  request->server = connection->server;
  request->peer = connection->peer;
  request->head_bytes = g_memdup2 (head, len);
  /* Again, so that the parts point into our copy; it has passed once. */
  if (oc_http_parse_request (request->head_bytes, len, &limits, &request->head, &consumed, NULL)
      != OC_HTTP_OK)
    g_assert_not_reached ();
  return request;
}

void
oc_api_request_free (OcApiRequest *request)
{
  if (request == NULL)
    return;
  request->is_over = TRUE;
  if (request->in_handler)
    return;
  for (guint i = 0; i < request->n_params; i++)
    g_free (request->params[i].value);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_pointer (&request->body, g_bytes_unref);
  g_clear_pointer (&request->json, json_node_unref);
  g_free (request->path);
  g_free (request->head_bytes);
  g_free (request);
}

/* An answer to a client that is gone ends the request; its handler may still look at it. */
static void
run_handler (OcApiRequest *request)
{
  request->in_handler = TRUE;
  request->route->handler (request, request->server->config.user_data);
  request->in_handler = FALSE;
  if (request->is_over)
    oc_api_request_free (request);
}

void
oc_api_request_dispatch (OcApiRequest *request)
{
  g_autofree char *allow = NULL;
  g_autofree char *header = NULL;
  g_autofree char *body = NULL;

  switch (oc_api_route_find (request, &allow))
    {
    case OC_API_ROUTE_FOUND:
      run_handler (request);
      return;
    case OC_API_ROUTE_METHOD:
      header = g_strdup_printf ("Allow: %s\r\n", allow);
      body = oc_api_make_error_body ("this method is not for this path");
      request->answered = TRUE;
      oc_api_connection_answer (request->connection, 405, "application/json", header, body,
                                strlen (body));
      return;
    case OC_API_ROUTE_BAD:
      oc_api_request_fail (request, 400, NULL, "the request target is malformed");
      return;
    case OC_API_ROUTE_NOT_FOUND:
    default:
      oc_api_request_fail (request, 404, NULL, "there is no such path");
    }
}

/* --- What was asked ------------------------------------------------------------ */

const OcApiPeer *
oc_api_request_get_peer (OcApiRequest *request)
{
  return &request->peer;
}

const char *
oc_api_request_get_param (OcApiRequest *request, const char *name)
{
  for (guint i = 0; i < request->n_params; i++)
    if (oc_str_equal (oc_str_from (name),
                      oc_str (request->params[i].name, request->params[i].name_len)))
      return request->params[i].value;
  return NULL;
}

const char *
oc_api_request_get_query (OcApiRequest *request, const char *name)
{
  return request->query != NULL ? g_hash_table_lookup (request->query, name) : NULL;
}

/* The value is not terminated in the head; the byte after it (white space or CR)
 * belongs to nobody, so it becomes the NUL. */
const char *
oc_api_request_get_header (OcApiRequest *request, const char *name)
{
  const OcHttpHeader *header = oc_http_head_get (&request->head, oc_str_from (name));

  if (header == NULL)
    return NULL;
  request->head_bytes[header->value.data + header->value.len - request->head_bytes] = '\0';
  return header->value.data;
}

GBytes *
oc_api_request_get_body (OcApiRequest *request)
{
  return request->body;
}

JsonNode *
oc_api_request_get_json (OcApiRequest *request, GError **error)
{
  gsize len;
  const char *text = g_bytes_get_data (request->body, &len);

  if (request->json != NULL)
    return request->json;
  request->json = len == 0 ? outcall_json_parse ("{}", 2, error)
                           : outcall_json_parse (text, len, error);
  return request->json;
}

/* --- Answers ---------------------------------------------------------------------- */

/* The connection frees the request when the answer is written; an orphan goes here. */
static void
answer (OcApiRequest *request, guint status, const char *content_type, const char *body, gsize len)
{
  char header[32] = "";

  g_assert (!request->answered);
  request->answered = TRUE;
  request->on_closed = NULL;
  if (request->retry_after_s > 0)
    g_snprintf (header, sizeof header, "Retry-After: %u\r\n", request->retry_after_s);
  if (request->connection == NULL)
    oc_api_request_free (request);
  else
    oc_api_connection_answer (request->connection, status, content_type,
                              *header != '\0' ? header : NULL, body, len);
}

void
oc_api_request_set_retry_after (OcApiRequest *request, guint seconds)
{
  request->retry_after_s = seconds;
}

/* @data: (transfer full) (nullable) */
static char *
print_envelope (gboolean success, JsonNode *data, const char *error)
{
  const OutcallApiResponse response = { .success = success, .data = data,
                                        .error = (char *) error };
  g_autoptr (JsonNode) node = NULL;

  if (data != NULL)
    json_node_seal (data);
  node = outcall_api_response_to_json (&response);
  g_clear_pointer (&data, json_node_unref);
  return outcall_json_print (node);
}

char *
oc_api_make_error_body (const char *text)
{
  return print_envelope (FALSE, NULL, text);
}

void
oc_api_request_reply (OcApiRequest *request, guint status, JsonNode *data)
{
  g_autofree char *body = print_envelope (TRUE, data, NULL);

  answer (request, status, "application/json", body, strlen (body));
}

void
oc_api_request_reply_json_text (OcApiRequest *request, guint status, const char *data)
{
  g_autofree char *body = g_strconcat ("{\"success\":true,\"data\":", data, "}", NULL);

  answer (request, status, "application/json", body, strlen (body));
}

void
oc_api_request_fail (OcApiRequest *request, guint status, JsonNode *data, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *body = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  body = print_envelope (FALSE, data, text);
  answer (request, status, "application/json", body, strlen (body));
}

static guint
status_for_io_error (int code)
{
  static const struct
  {
    GIOErrorEnum code;
    guint status;
  } table[] = {
    { G_IO_ERROR_INVALID_ARGUMENT, 400 }, { G_IO_ERROR_INVALID_FILENAME, 400 },
    { G_IO_ERROR_PERMISSION_DENIED, 403 }, { G_IO_ERROR_NOT_FOUND, 404 },
    { G_IO_ERROR_EXISTS, 409 },            { G_IO_ERROR_BUSY, 409 },
    { G_IO_ERROR_INVALID_DATA, 422 },      { G_IO_ERROR_NOT_SUPPORTED, 422 },
    { G_IO_ERROR_NO_SPACE, 503 },          { G_IO_ERROR_TIMED_OUT, 503 },
    { G_IO_ERROR_NOT_INITIALIZED, 503 },   { G_IO_ERROR_HOST_UNREACHABLE, 503 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    if (code == (int) table[i].code)
      return table[i].status;
  return 500;
}

void
oc_api_request_fail_error (OcApiRequest *request, const GError *error)
{
  guint status = 500;

  if (error->domain == OUTCALL_API_ERROR)
    status = 400;
  else if (error->domain == G_IO_ERROR)
    status = status_for_io_error (error->code);
  oc_api_request_fail (request, status, NULL, "%s", error->message);
}

void
oc_api_request_reply_empty (OcApiRequest *request, guint status)
{
  answer (request, status, NULL, NULL, 0);
}

void
oc_api_request_hold (OcApiRequest *request, GDestroyNotify on_closed, gpointer user_data)
{
  g_assert (!request->answered && request->connection != NULL);
  request->on_closed = on_closed;
  request->on_closed_data = user_data;
}

gboolean
oc_api_request_is_head (OcApiRequest *request)
{
  return oc_str_equal (request->head.method, OC_STR ("HEAD"));
}

void
oc_api_request_reply_text (OcApiRequest *request, guint status, const char *content_type,
                           const char *text)
{
  answer (request, status, content_type, text, strlen (text));
}

/* --- Streams ------------------------------------------------------------------------- */

void
oc_api_request_start_stream (OcApiRequest *request, GDestroyNotify on_closed, gpointer user_data)
{
  g_assert (!request->answered);
  request->answered = TRUE;
  if (request->connection == NULL)
    {
      on_closed (user_data);
      oc_api_request_free (request);
      return;
    }
  request->on_closed = on_closed;
  request->on_closed_data = user_data;
  oc_api_connection_start_stream (request->connection);
}

void
oc_api_request_send_event (OcApiRequest *request, const char *id, const char *event,
                           const char *data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) lines = g_strsplit (data, "\n", -1);

  if (id != NULL)
    g_string_append_printf (text, "id: %s\n", id);
  if (event != NULL)
    g_string_append_printf (text, "event: %s\n", event);
  for (guint i = 0; lines[i] != NULL; i++)
    g_string_append_printf (text, "data: %s\n", lines[i]);
  g_string_append_c (text, '\n');
  oc_api_connection_stream (request->connection, text->str, text->len);
}

void
oc_api_request_send_keepalive (OcApiRequest *request)
{
  static const char comment[] = ":\n\n";

  oc_api_connection_stream (request->connection, comment, sizeof comment - 1);
}

void
oc_api_request_end_stream (OcApiRequest *request)
{
  request->on_closed = NULL;
  oc_api_connection_end_stream (request->connection);
}
