/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-api-server-private.h"

#include "common/oc-fd.h"
#include "common/oc-source.h"

#include <sys/socket.h>

#define LINGER_MAX_BYTES (2 * 1024 * 1024)
#define LINGER_US (2 * G_USEC_PER_SEC)
#define OUT_KEEP_MAX (64 * 1024) /* capacity kept between answers */

static void process (Connection *connection);

typedef struct
{
  GSource source;
  Connection *connection;
} ConnectionSource;

Connection *
oc_api_connection_ref (Connection *connection)
{
  connection->ref_count++;
  return connection;
}

void
oc_api_connection_unref (Connection *connection)
{
  if (--connection->ref_count > 0)
    return;
  g_assert (connection->state == STATE_CLOSED);
  g_byte_array_unref (connection->body);
  g_byte_array_unref (connection->out);
  g_free (connection->in);
  g_free (connection);
}

/* --- What to wait for -------------------------------------------------------- */

static gboolean
has_output (const Connection *c)
{
  return c->out_position < c->out->len;
}

static GIOCondition
wanted_events (const Connection *c)
{
  GIOCondition events = has_output (c) ? G_IO_OUT : 0;

  switch (c->state)
    {
    case STATE_HEAD:
    case STATE_BODY:
    case STATE_STREAM:
    case STATE_LINGER:
      return events | (c->at_eof ? 0 : G_IO_IN);
    default:
      return events;
    }
}

static void
update_events (Connection *c)
{
  if (c->state != STATE_CLOSED && c->tag != NULL)
    g_source_modify_unix_fd (c->source, c->tag, wanted_events (c));
}

static void
set_deadline (Connection *c, gint64 delay_us)
{
  c->deadline_us = delay_us < 0 ? -1 : g_get_monotonic_time () + delay_us;
  if (c->source != NULL)
    g_source_set_ready_time (c->source, c->deadline_us);
}

static gint64
request_timeout_us (const Connection *c)
{
  return (gint64) c->server->config.request_timeout_s * G_USEC_PER_SEC;
}

/* --- Closing ------------------------------------------------------------------- */

/* A request that its handler has not answered lives on until it is, unless the handler
 * wants to know. */
static void
leave_request (Connection *c)
{
  OcApiRequest *request = g_steal_pointer (&c->request);
  GDestroyNotify on_closed;

  if (request == NULL)
    return;
  request->connection = NULL;
  if (request->peer.pidfd >= 0)
    request->peer.pidfd = OC_API_PEER_ENDED; /* closed with the connection */
  on_closed = g_steal_pointer (&request->on_closed);
  if (c->state == STATE_HANDLING && on_closed == NULL)
    return;
  if (on_closed != NULL)
    on_closed (request->on_closed_data);
  oc_api_request_free (request);
}

void
oc_api_connection_close (Connection *c)
{
  OcApiServer *server = c->server;

  if (c->state == STATE_CLOSED)
    return;
  oc_api_connection_ref (c);
  leave_request (c);
  c->state = STATE_CLOSED;
  c->server = NULL;
  oc_source_clear (&c->source);
  (void) g_io_stream_close (G_IO_STREAM (c->stream), NULL, NULL);
  g_clear_object (&c->stream);
  oc_fd_clear (&c->peer.pidfd);
  g_hash_table_remove (server->connections, c);
  oc_api_connection_unref (c);
}

/* Half-closes after the last answer. */
static void
start_linger (Connection *c)
{
  c->state = STATE_LINGER;
  c->in_len = 0;
  if (c->at_eof || shutdown (c->fd, SHUT_WR) < 0)
    {
      oc_api_connection_close (c);
      return;
    }
  set_deadline (c, LINGER_US);
}

/* --- Writing ---------------------------------------------------------------------- */

static void
finish_answer (Connection *c)
{
  g_clear_pointer (&c->request, oc_api_request_free);
  g_byte_array_set_size (c->body, 0);
  if (c->close_after)
    {
      start_linger (c);
      return;
    }
  c->state = STATE_HEAD;
  set_deadline (c, c->in_len > 0 ? request_timeout_us (c)
                                 : (gint64) c->server->config.idle_timeout_s * G_USEC_PER_SEC);
}

static void
reset_output (Connection *c)
{
  c->out_position = 0;
  if (c->out->len > OUT_KEEP_MAX)
    {
      g_byte_array_unref (c->out);
      c->out = g_byte_array_new ();
    }
  g_byte_array_set_size (c->out, 0);
}

/* Sends what the socket takes. */
static void
flush (Connection *c)
{
  while (has_output (c))
    {
      gssize n = send (c->fd, c->out->data + c->out_position, c->out->len - c->out_position,
                       MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        {
          if (c->state == STATE_WRITING && c->deadline_us < 0)
            set_deadline (c, request_timeout_us (c));
          return;
        }
      if (n < 0)
        {
          oc_api_connection_close (c);
          return;
        }
      c->out_position += (gsize) n;
      if (c->state == STATE_WRITING)
        set_deadline (c, -1); /* progress: the next stall counts from its start */
    }
  reset_output (c);
  if (c->state == STATE_WRITING)
    finish_answer (c);
}

void
oc_api_connection_stop (Connection *c)
{
  c->close_after = TRUE;
  if (c->state == STATE_HEAD || c->state == STATE_BODY)
    oc_api_connection_finish (c);
}

void
oc_api_connection_finish (Connection *c)
{
  oc_api_connection_ref (c);
  if (c->state != STATE_CLOSED)
    flush (c);
  oc_api_connection_close (c);
  oc_api_connection_unref (c);
}

static void
append (Connection *c, const char *data, gsize len)
{
  g_byte_array_append (c->out, (const guint8 *) data, (guint) len);
}

static void
append_head (Connection *c, guint status, const char *content_type, const char *extra, gsize len)
{
  const char *connection = "";
  g_autofree char *type = NULL;
  g_autofree char *head = NULL;

  if (c->close_after)
    connection = "Connection: close\r\n";
  else if (c->request != NULL && c->request->head.minor == 0)
    connection = "Connection: keep-alive\r\n";
  type = content_type != NULL ? g_strdup_printf ("Content-Type: %s\r\n", content_type)
                              : g_strdup ("");
  head = g_strdup_printf ("HTTP/1.1 %u %s\r\n%s%s%sCache-Control: no-store\r\n", status,
                          oc_http_status_phrase (status), type, connection, extra);
  append (c, head, strlen (head));
  if (status >= 200 && status != 204 && status != 304)
    {
      g_autofree char *length = g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n", len);

      append (c, length, strlen (length));
    }
  append (c, "\r\n", 2);
}

void
oc_api_connection_answer (Connection *c, guint status, const char *content_type,
                          const char *extra_headers, const char *body, gsize len)
{
  gboolean head_only = c->request != NULL && oc_str_equal (c->request->head.method, OC_STR ("HEAD"));

  if (c->state == STATE_CLOSED)
    return;
  oc_api_connection_ref (c);
  append_head (c, status, content_type, extra_headers != NULL ? extra_headers : "", len);
  if (len > 0 && !head_only)
    append (c, body, len);
  c->state = STATE_WRITING;
  set_deadline (c, -1);
  flush (c);
  /* Answered later than its handler ran: the next request may wait already. */
  if (!c->processing)
    process (c);
  oc_api_connection_unref (c);
}

static void
refuse (Connection *c, guint status, const char *text)
{
  g_autofree char *body = oc_api_make_error_body (text);

  c->close_after = TRUE;
  oc_api_connection_answer (c, status, "application/json", NULL, body, strlen (body));
}

void
oc_api_connection_start_stream (Connection *c)
{
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-store\r\nConnection: close\r\n\r\n";

  c->state = STATE_STREAM;
  c->in_len = 0;
  set_deadline (c, -1);
  append (c, head, sizeof head - 1);
  oc_api_connection_stream (c, NULL, 0);
}

void
oc_api_connection_stream (Connection *c, const char *data, gsize len)
{
  if (c->state != STATE_STREAM || c->overrun)
    return;
  if (c->out->len - c->out_position + len > OC_API_STREAM_MAX)
    {
      /* Closed from the loop, not under the caller's feet. */
      c->overrun = TRUE;
      set_deadline (c, 0);
      return;
    }
  if (c->out_position > OUT_KEEP_MAX)
    {
      g_byte_array_remove_range (c->out, 0, (guint) c->out_position);
      c->out_position = 0;
    }
  if (len > 0)
    append (c, data, len);
  update_events (c);
}

void
oc_api_connection_end_stream (Connection *c)
{
  if (c->state != STATE_STREAM || c->overrun)
    return;
  c->state = STATE_WRITING;
  c->close_after = TRUE;
  set_deadline (c, request_timeout_us (c));
  append (c, "\n", 1); /* means nothing, and wakes the writer */
  update_events (c);
}

/* --- Reading ------------------------------------------------------------------------ */

static void
consume (Connection *c, gsize n)
{
  c->in_len -= n;
  memmove (c->in, c->in + n, c->in_len);
}

static void
begin_body (Connection *c)
{
  const OcHttpHead *head = &c->request->head;

  c->body_left = head->body == OC_HTTP_BODY_LENGTH ? head->content_length : 0;
  if (c->body_left > c->server->config.body_max)
    {
      refuse (c, 413, "the body is too large");
      return;
    }
  oc_http_chunked_init (&c->chunked);
  c->state = STATE_BODY;
  if (head->expect_continue && head->minor > 0 && head->body != OC_HTTP_BODY_NONE)
    {
      append (c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
      flush (c);
    }
}

/* Returns: FALSE when more bytes are needed. */
static gboolean
read_head (Connection *c)
{
  const OcApiServerConfig *config = &c->server->config;
  const OcHttpLimits limits = { .head_max = config->head_max };
  g_autofree OcHttpHead *head = g_new (OcHttpHead, 1);
  const char *why = NULL;
  gsize consumed = 0;
  OcHttpResult result = oc_http_parse_request (c->in, c->in_len, &limits, head, &consumed, &why);

  if (result == OC_HTTP_MORE && c->in_len < config->head_max)
    return FALSE;
  if (result == OC_HTTP_MORE)
    result = OC_HTTP_TOO_LONG;
  if (result != OC_HTTP_OK)
    {
      refuse (c, oc_http_result_status (result), why != NULL ? why : "the head is too long");
      return TRUE;
    }
  c->request = oc_api_request_new (c, c->in, consumed);
  consume (c, consumed);
  c->close_after = !c->request->head.keep_alive;
  if (c->refused)
    refuse (c, 403, "permission denied");
  else
    begin_body (c);
  return TRUE;
}

/* Returns: OC_HTTP_OK at the end of the body. */
static OcHttpResult
read_chunks (Connection *c)
{
  OcHttpResult result = OC_HTTP_MORE;

  while (result == OC_HTTP_MORE && c->in_len > 0)
    {
      gsize consumed = 0;
      OcStr payload = OC_STR_EMPTY;

      result = oc_http_chunked_feed (&c->chunked, c->in, c->in_len, &consumed, &payload);
      if (c->body->len + payload.len > c->server->config.body_max)
        return OC_HTTP_TOO_LONG;
      if (payload.len > 0)
        g_byte_array_append (c->body, (const guint8 *) payload.data, (guint) payload.len);
      consume (c, consumed);
    }
  return result;
}

static OcHttpResult
read_fixed (Connection *c)
{
  gsize n = (gsize) MIN (c->body_left, c->in_len);

  g_byte_array_append (c->body, (const guint8 *) c->in, (guint) n);
  consume (c, n);
  c->body_left -= n;
  return c->body_left == 0 ? OC_HTTP_OK : OC_HTTP_MORE;
}

static gboolean
read_body (Connection *c)
{
  OcHttpResult result = c->request->head.body == OC_HTTP_BODY_CHUNKED ? read_chunks (c)
                                                                     : read_fixed (c);

  if (result == OC_HTTP_MORE)
    return FALSE;
  if (result == OC_HTTP_TOO_LONG)
    refuse (c, 413, "the body is too large");
  else if (result != OC_HTTP_OK)
    refuse (c, 400, "the chunked body is malformed");
  else
    {
      c->request->body = g_bytes_new (c->body->data, c->body->len);
      c->state = STATE_HANDLING;
      set_deadline (c, -1);
      oc_api_request_dispatch (c->request);
    }
  return TRUE;
}

/* Goes as far as the bytes that are there allow. */
static void
process (Connection *c)
{
  gboolean go_on = TRUE;

  c->processing = TRUE;
  while (go_on && c->state != STATE_CLOSED)
    switch (c->state)
      {
      case STATE_HEAD:
        go_on = c->in_len > 0 && read_head (c);
        break;
      case STATE_BODY:
        go_on = read_body (c);
        break;
      default:
        go_on = FALSE;
      }
  c->processing = FALSE;
  if (c->at_eof && (c->state == STATE_HEAD || c->state == STATE_BODY))
    oc_api_connection_close (c);
  update_events (c);
}

static void
on_bytes (Connection *c, gsize n)
{
  if (c->state == STATE_STREAM)
    return; /* nothing is expected; dropped */
  if (c->state == STATE_LINGER)
    {
      c->lingered += n;
      if (c->lingered > LINGER_MAX_BYTES)
        oc_api_connection_close (c);
      return;
    }
  if (c->state == STATE_HEAD && c->in_len == 0)
    set_deadline (c, request_timeout_us (c));
  c->in_len += n;
}

static void
on_readable (Connection *c)
{
  gsize room = c->server->config.head_max - c->in_len;
  gssize n = recv (c->fd, c->in + c->in_len, room, MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n < 0 || (n == 0 && (c->state == STATE_STREAM || c->state == STATE_LINGER)))
    {
      oc_api_connection_close (c);
      return;
    }
  if (n == 0)
    c->at_eof = TRUE;
  else
    on_bytes (c, (gsize) n);
}

static void
on_deadline (Connection *c)
{
  set_deadline (c, -1);
  if (c->state == STATE_BODY || (c->state == STATE_HEAD && c->in_len > 0))
    refuse (c, 408, "the request took too long to arrive");
  else
    oc_api_connection_close (c);
}

/* The peer is gone. While a handler works that does not want to know there is nothing to poll for
 * until it answers. */
static void
on_hangup (Connection *c)
{
  if (c->state != STATE_HANDLING || c->request->on_closed != NULL)
    {
      oc_api_connection_close (c);
      return;
    }
  g_source_remove_unix_fd (c->source, g_steal_pointer (&c->tag));
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  Connection *c = oc_api_connection_ref (((ConnectionSource *) source)->connection);
  GIOCondition events = c->tag != NULL ? g_source_query_unix_fd (source, c->tag) : 0;

  if (events & G_IO_OUT)
    flush (c);
  if (c->state != STATE_CLOSED && (events & G_IO_IN) && (wanted_events (c) & G_IO_IN))
    on_readable (c);
  else if (c->state != STATE_CLOSED && (events & (G_IO_HUP | G_IO_ERR)))
    on_hangup (c);
  if (c->state != STATE_CLOSED && c->deadline_us >= 0
      && g_get_monotonic_time () >= c->deadline_us)
    on_deadline (c);
  if (c->state != STATE_CLOSED)
    process (c);
  oc_api_connection_unref (c);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

Connection *
oc_api_connection_new (OcApiServer *server, GSocketConnection *stream, const OcApiPeer *peer)
{
  Connection *c = g_new0 (Connection, 1);

  c->ref_count = 1;
  c->server = server;
  c->stream = g_object_ref (stream);
  c->fd = g_socket_get_fd (g_socket_connection_get_socket (stream));
  c->peer = *peer;
  c->in = g_malloc (server->config.head_max);
  c->body = g_byte_array_new ();
  c->out = g_byte_array_new ();
  c->source = g_source_new (&source_funcs, sizeof (ConnectionSource));
  ((ConnectionSource *) c->source)->connection = c;
  g_source_set_static_name (c->source, "API connection");
  c->tag = g_source_add_unix_fd (c->source, c->fd, G_IO_IN);
  set_deadline (c, MIN (request_timeout_us (c),
                        (gint64) server->config.idle_timeout_s * G_USEC_PER_SEC));
  g_source_attach (c->source, g_main_context_get_thread_default ());
  return c;
}
