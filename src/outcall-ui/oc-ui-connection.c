/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* One connection, from its thread. GSocket's own time-out is per call, so a peer
 * that sends a byte now and then would keep its thread; here deadlines are
 * absolute. */
typedef struct
{
  OcUi *ui;
  int fd; /* borrowed, non-blocking */
  gsize len;
  char buffer[OC_UI_HEAD_MAX];
} Connection;

/* One read into the free end of the buffer. Returns: FALSE at the end, the
 * deadline or an error. */
static gboolean
fill (Connection *connection, gint64 deadline_us)
{
  for (;;)
    {
      ssize_t n = recv (connection->fd, connection->buffer + connection->len,
                        sizeof connection->buffer - connection->len, 0);

      if (n > 0)
        {
          connection->len += (gsize) n;
          return TRUE;
        }
      if (n == 0 || (errno != EAGAIN && errno != EINTR))
        return FALSE;
      if (!oc_ui_wait (connection->fd, POLLIN, deadline_us))
        return FALSE;
    }
}

static gboolean
send_answer (Connection *connection, const OcUiAnswer *answer)
{
  g_autoptr (GString) text = oc_ui_answer_format (answer);

  return oc_ui_send (connection->fd, text->str, text->len) && !answer->close;
}

/* The next head, with what follows it left in the buffer.
 * Returns: OC_HTTP_MORE when the peer is gone or too slow. */
static OcHttpResult
read_head (Connection *connection, OcHttpHead *head, gsize *out_consumed)
{
  static const OcHttpLimits limits = { OC_UI_HEAD_MAX, OC_UI_REQUEST_LINE_MAX };
  gint64 deadline_us = oc_ui_deadline (OC_UI_IDLE_TIMEOUT_MS);
  gboolean begun = FALSE;

  for (;;)
    {
      OcHttpResult result = oc_http_parse_request (connection->buffer, connection->len, &limits,
                                                   head, out_consumed, NULL);

      if (result != OC_HTTP_MORE)
        return result;
      if (connection->len == sizeof connection->buffer)
        return OC_HTTP_TOO_LONG;
      if (connection->len > 0 && !begun)
        {
          begun = TRUE;
          deadline_us = oc_ui_deadline (OC_UI_HEAD_TIMEOUT_MS);
        }
      if (!fill (connection, deadline_us))
        return OC_HTTP_MORE;
    }
}

/* Takes the @len bytes that follow the head, of which some may be in the buffer
 * behind @consumed; those are added to it.
 * Returns: (transfer full) (nullable): NULL when the peer is gone or too slow. */
static char *
read_body (Connection *connection, gsize len, gsize *consumed)
{
  gint64 deadline_us = oc_ui_deadline (OC_UI_BODY_TIMEOUT_MS);
  gsize have = MIN (len, connection->len - *consumed);
  g_autofree char *body = g_malloc (len + 1);

  memcpy (body, connection->buffer + *consumed, have);
  *consumed += have;
  while (have < len)
    {
      ssize_t n = recv (connection->fd, body + have, len - have, 0);

      if (n > 0)
        have += (gsize) n;
      else if (n == 0 || (errno != EAGAIN && errno != EINTR)
               || !oc_ui_wait (connection->fd, POLLIN, deadline_us))
        return NULL;
    }
  body[len] = '\0';
  return g_steal_pointer (&body);
}

/* Passes the request on. Returns: FALSE when the peer needs no answer any more. */
static gboolean
ask_daemon (Connection *connection, const OcHttpHead *head, gsize *consumed, OcUiAnswer *answer)
{
  gsize len = head->body == OC_HTTP_BODY_LENGTH ? (gsize) head->content_length : 0;
  g_autofree char *body = NULL;

  if (answer->step == OC_UI_TO_DAEMON_STREAM)
    return !oc_ui_stream (connection->ui, head, connection->fd, answer);
  body = read_body (connection, len, consumed);
  if (body)
    oc_ui_forward (connection->ui, head, body, answer);
  return body != NULL;
}

/* Returns: whether another request may follow. */
static gboolean
serve_request (Connection *connection)
{
  OcHttpHead head;
  OcUiAnswer answer = { .close = TRUE };
  gsize consumed = 0;
  OcHttpResult result = read_head (connection, &head, &consumed);
  gboolean more;

  if (result == OC_HTTP_MORE)
    return FALSE;
  if (result == OC_HTTP_OK)
    oc_ui_answer (connection->ui, &head, &answer);
  else
    oc_ui_answer_refuse (&answer, oc_http_result_status (result), "not a request that is served");
  if (answer.step != OC_UI_ANSWERED && !ask_daemon (connection, &head, &consumed, &answer))
    return FALSE;
  more = send_answer (connection, &answer);
  oc_ui_answer_clear (&answer);
  /* `head` points into the buffer until here. */
  connection->len -= consumed;
  memmove (connection->buffer, connection->buffer + consumed, connection->len);
  return more;
}

/* A close with unread bytes would be a reset, which can take the answer away
 * before the peer has read it. */
static void
linger (Connection *connection)
{
  gint64 deadline_us = oc_ui_deadline (1000);
  gsize drained = 0;

  (void) shutdown (connection->fd, SHUT_WR);
  while (drained < 16 * OC_UI_HEAD_MAX)
    {
      connection->len = 0;
      if (!fill (connection, deadline_us))
        return;
      drained += connection->len;
    }
}

static Connection *
connection_new (OcUi *ui, GSocket *socket)
{
  Connection *connection = g_new (Connection, 1);

  connection->ui = ui;
  connection->fd = g_socket_get_fd (socket);
  connection->len = 0;
  return connection;
}

void
oc_ui_connection_serve (OcUi *ui, GSocket *socket)
{
  g_autofree Connection *connection = connection_new (ui, socket);
  guint n = 0;

  while (n < OC_UI_REQUESTS_MAX && serve_request (connection))
    n++;
  linger (connection);
}

void
oc_ui_connection_refuse (OcUi *ui, GSocket *socket)
{
  g_autofree Connection *connection = connection_new (ui, socket);
  OcUiAnswer answer = { .close = TRUE };

  oc_ui_answer_refuse (&answer, 503, "too many connections");
  (void) send_answer (connection, &answer);
  oc_ui_answer_clear (&answer);
  linger (connection);
}
