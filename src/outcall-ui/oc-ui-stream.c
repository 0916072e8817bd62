/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Server-Sent Events from the daemon to the browser. The thread waits for both
 * sides at once, so that a closed tab gives its thread back at once. */

#define BUFFER_SIZE 32768

typedef struct
{
  int daemon; /* both borrowed, non-blocking */
  int browser;
  OcHttpBody framing;
  OcHttpChunked chunked;
  gsize len;
  char buffer[BUFFER_SIZE];
} Stream;

G_STATIC_ASSERT (BUFFER_SIZE > OC_HTTP_HEAD_MAX);

/* Reads once what the daemon has sent. Returns: FALSE when it is gone. */
static gboolean
fill (Stream *stream)
{
  ssize_t n = recv (stream->daemon, stream->buffer + stream->len,
                    sizeof stream->buffer - stream->len, 0);

  if (n > 0)
    stream->len += (gsize) n;
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
drop (Stream *stream, gsize n)
{
  stream->len -= n;
  memmove (stream->buffer, stream->buffer + n, stream->len);
}

/* --- Beginning -------------------------------------------------------------------- */

static GSocketConnection *
connect_daemon (OcUi *ui, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (ui->socket_path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_timeout (client, OC_UI_DAEMON_TIMEOUT_MS / 1000);
  return g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, error);
}

static gboolean
ask (Stream *stream, const OcHttpHead *head)
{
  /* Where the browser was when it lost an earlier stream. */
  const OcHttpHeader *last = oc_http_head_get (head, OC_STR ("last-event-id"));
  g_autofree char *resume
      = last ? g_strdup_printf ("Last-Event-ID: %.*s\r\n", OC_STR_ARGS (last->value)) : NULL;
  g_autofree char *request = g_strdup_printf (
      "GET %.*s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n",
      OC_STR_ARGS (head->target), resume ? resume : "");

  return oc_ui_send (stream->daemon, request, strlen (request));
}

/* Whether the daemon's answer is a stream. Its head is taken out of the buffer. */
static gboolean
read_head (Stream *stream)
{
  gint64 deadline_us = oc_ui_deadline (OC_UI_DAEMON_TIMEOUT_MS);
  const OcHttpHeader *type;
  OcHttpResult result;
  OcHttpHead head;
  gsize consumed = 0;

  for (;;)
    {
      result = oc_http_parse_response (stream->buffer, stream->len, NULL, false, false, &head,
                                       &consumed, NULL);
      if (result != OC_HTTP_MORE)
        break;
      if (!oc_ui_wait (stream->daemon, POLLIN, deadline_us) || !fill (stream))
        return FALSE;
    }
  if (result != OC_HTTP_OK || head.status != 200)
    return FALSE;
  type = oc_http_head_get (&head, OC_STR ("content-type"));
  if (!type || !oc_str_has_prefix (type->value, OC_STR ("text/event-stream")))
    return FALSE;
  stream->framing = head.body;
  oc_http_chunked_init (&stream->chunked);
  drop (stream, consumed);
  return head.body == OC_HTTP_BODY_CHUNKED || head.body == OC_HTTP_BODY_UNTIL_CLOSE;
}

static gboolean
send_head (Stream *stream)
{
  g_autofree char *head
      = g_strconcat ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n",
                     oc_ui_security_headers (), "\r\n", NULL);

  return oc_ui_send (stream->browser, head, strlen (head));
}

/* --- Passing on ---------------------------------------------------------------------- */

/* All that is in the buffer. Returns: whether the stream goes on. */
static gboolean
deliver (Stream *stream)
{
  gsize at = 0;

  if (stream->framing == OC_HTTP_BODY_UNTIL_CLOSE)
    {
      at = stream->len;
      stream->len = 0;
      return oc_ui_send (stream->browser, stream->buffer, at);
    }
  while (at < stream->len)
    {
      gsize consumed;
      OcStr payload;
      OcHttpResult result = oc_http_chunked_feed (&stream->chunked, stream->buffer + at,
                                                  stream->len - at, &consumed, &payload);

      if (!oc_ui_send (stream->browser, payload.data, payload.len) || result != OC_HTTP_MORE)
        return FALSE;
      at += consumed;
    }
  stream->len = 0;
  return TRUE;
}

/* Until the browser says anything (it has nothing to say but that it leaves), or
 * the daemon's side ends. */
static void
pump (Stream *stream)
{
  struct pollfd pfds[2] = { { stream->browser, POLLIN, 0 }, { stream->daemon, POLLIN, 0 } };

  while (deliver (stream))
    {
      if (poll (pfds, G_N_ELEMENTS (pfds), -1) < 0)
        {
          if (errno != EINTR)
            return;
          continue;
        }
      if (pfds[0].revents != 0 || (pfds[1].revents != 0 && !fill (stream)))
        return;
    }
}

static gboolean
run (OcUi *ui, const OcHttpHead *head, int fd, OcUiAnswer *out)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = connect_daemon (ui, &error);
  g_autofree Stream *stream = NULL;

  if (!connection)
    {
      oc_ui_answer_refuse_errno (ui, out,
                                 g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)
                                     ? EACCES
                                     : ECONNREFUSED);
      return FALSE;
    }
  stream = g_new0 (Stream, 1);
  stream->daemon = g_socket_get_fd (g_socket_connection_get_socket (connection));
  stream->browser = fd;
  if (!ask (stream, head) || !read_head (stream))
    {
      oc_ui_answer_refuse (out, 502, "outcalld does not stream events");
      return FALSE;
    }
  if (send_head (stream))
    pump (stream);
  return TRUE;
}

gboolean
oc_ui_stream (OcUi *ui, const OcHttpHead *head, int fd, OcUiAnswer *out)
{
  gboolean streamed = FALSE;

  if (g_atomic_int_add (&ui->n_streams, 1) < OC_UI_STREAMS_MAX)
    streamed = run (ui, head, fd, out);
  else
    oc_ui_answer_refuse (out, 503, "too many event streams");
  g_atomic_int_add (&ui->n_streams, -1);
  return streamed;
}
