/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * One request and its answer. Bodies stream through two fixed buffers each
 * way; a side is read only while the other takes what it brings. Chunked
 * bodies are decoded and written as chunks of our own, so nobody's spelling of
 * a chunk reaches the other side; trailers end here.
 *
 *   from_client -> to_upstream     (request body; the head is there already)
 *   from_upstream -> to_client     (answer heads rewritten, bodies)
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

/* "fffffff\r\n" before and "\r\n" after a chunk, and the last one. */
#define CHUNK_OVERHEAD 24
#define STEPS_PER_RUN 32

static gsize
room_in (OcConn *conn, OcBuffer **buffer)
{
  if (*buffer == NULL)
    *buffer = oc_worker_get_buffer (conn->worker);
  return oc_buffer_make_room (*buffer);
}

static void
put_chunk (OcBuffer *out, OcStr payload)
{
  char size[16];
  int n = g_snprintf (size, sizeof size, "%zx\r\n", payload.len);

  oc_buffer_append (out, size, (gsize) n);
  oc_buffer_append (out, payload.data, payload.len);
  oc_buffer_append (out, "\r\n", 2);
}

/* Moves what is there of a body of known length. Returns: true when something moved. */
static bool
move_plain (OcConn *conn, OcBuffer **in, OcBuffer **out, guint64 *left)
{
  gsize have = oc_buffer_len (*in);
  gsize run = MIN (*left, have);

  if (run == 0)
    return false;
  run = MIN (run, room_in (conn, out));
  oc_buffer_append (*out, (*in)->data + (*in)->start, run);
  (*in)->start += (guint32) run;
  *left -= run;
  if (oc_buffer_len (*in) == 0)
    oc_worker_put_buffer (conn->worker, in);
  return run > 0;
}

typedef enum
{
  MOVED,
  STUCK, /* nothing to do now */
  ENDED,
  BROKEN,
} Move;

/* Moves the next run of a chunked body. @to_chunks: else plain bytes */
static Move
move_chunked (OcConn *conn, OcBuffer **in, OcBuffer **out, OcHttpChunked *chunked, bool to_chunks)
{
  gsize have = oc_buffer_len (*in);
  gsize consumed, room;
  OcHttpResult result;
  OcStr payload;

  if (have == 0)
    return STUCK;
  room = room_in (conn, out);
  if (room <= CHUNK_OVERHEAD)
    return STUCK;
  result = oc_http_chunked_feed (chunked, (*in)->data + (*in)->start,
                                 MIN (have, room - CHUNK_OVERHEAD), &consumed, &payload);
  if (payload.len > 0 && to_chunks)
    put_chunk (*out, payload);
  else if (payload.len > 0)
    oc_buffer_append (*out, payload.data, payload.len);
  (*in)->start += (guint32) consumed;
  if (oc_buffer_len (*in) == 0)
    oc_worker_put_buffer (conn->worker, in);
  if (result == OC_HTTP_OK && to_chunks)
    oc_buffer_append (*out, "0\r\n\r\n", 5);
  return result == OC_HTTP_OK ? ENDED : result == OC_HTTP_MORE ? MOVED : BROKEN;
}

/* --- Failures ------------------------------------------------------------------------ */

/* Once bytes of an answer are out, cutting the connection is the only honest
 * end; what still waits here is taken back. */
static void
fail (OcConn *conn, guint status, const char *reason)
{
  if (status >= 500)
    OC_COUNT (conn->worker, upstream_errors, 1);
  else if (status == 400)
    oc_proxy_count_refusal (conn, OC_PROXY_MALFORMED, NULL);
  if (conn->x.resp_sent)
    {
      oc_conn_close (conn);
      return;
    }
  if (conn->x.resp_started)
    oc_worker_put_buffer (conn->worker, &conn->to_client);
  oc_proxy_answer_error (conn, status, reason);
}

/* --- Request body -------------------------------------------------------------------- */

static bool
is_over_limit (const OcConn *conn)
{
  return conn->max_bytes > 0 && conn->sent + oc_buffer_len (conn->to_upstream) > conn->max_bytes;
}

/* The request is all here. What comes behind it before the answer is out is a
 * second request that nobody asked to wait for, or a smuggled one: it goes, and
 * the answer tells the client to come back with it (RFC 9112 9.3.2). */
void
oc_exchange_end_request (OcConn *conn)
{
  conn->x.req_done = true;
  if (oc_buffer_len (conn->from_client) == 0)
    return;
  conn->x.client_keep = false;
  conn->x.deaf = true;
}

/* Whether what the client sends now is to be read at all. A websocket's first
 * bytes wait in the kernel until the server has agreed. */
static bool
hears_client (const OcConn *conn)
{
  return !conn->client.eof && !conn->x.deaf && !(conn->x.req_done && conn->x.upgrade);
}

/* What a rule has seen already. */
static bool
move_body (OcConn *conn)
{
  OcBody *body = conn->body;
  gsize run = MIN (body->len - body->sent, room_in (conn, &conn->to_upstream));

  if (oc_buffer_len (conn->to_upstream) == 0 && run == 0)
    oc_worker_put_buffer (conn->worker, &conn->to_upstream);
  if (run == 0)
    return false;
  oc_buffer_append (conn->to_upstream, body->data + body->sent, run);
  body->sent += run;
  return true;
}

static bool
check_limit (OcConn *conn)
{
  if (!is_over_limit (conn))
    return true;
  oc_proxy_log_block (conn, OC_PROXY_MAX_BYTES, OC_LAYER_HTTP, NULL,
                      "more bytes sent than the rule allows");
  fail (conn, 413, "more bytes sent than the rule allows (max_bytes)");
  return false;
}

static bool
move_request (OcConn *conn)
{
  OcExchange *x = &conn->x;
  Move move = STUCK;

  if (conn->body != NULL && conn->body->sent < conn->body->len)
    return move_body (conn) && check_limit (conn);
  if (x->req_done)
    return false;
  if (x->req_body == OC_HTTP_BODY_LENGTH)
    {
      if (move_plain (conn, &conn->from_client, &conn->to_upstream, &x->req_left))
        move = x->req_left == 0 ? ENDED : MOVED;
    }
  else
    move = move_chunked (conn, &conn->from_client, &conn->to_upstream, &x->req_chunked, true);
  if (move == ENDED)
    oc_exchange_end_request (conn);
  if (move == BROKEN)
    fail (conn, 400, "malformed chunked body");
  else
    (void) check_limit (conn);
  return move == MOVED || move == ENDED;
}

/* Returns: true when something came. */
static bool
read_client (OcConn *conn)
{
  if (!conn->client.ready || !hears_client (conn) || oc_buffer_len (conn->to_upstream) > 0)
    return false;
  if (conn->from_client != NULL && oc_buffer_make_room (conn->from_client) == 0)
    return false;
  conn->client.ready = false;
  switch (oc_conn_recv (conn, &conn->client, &conn->from_client))
    {
    case OC_IO_DONE:
      if (conn->x.req_done)
        oc_exchange_end_request (conn);
      return true;
    case OC_IO_EOF:
      /* Half a request is worth nothing; a whole one may still be answered. */
      if (!conn->x.req_done)
        oc_conn_close (conn);
      return false;
    case OC_IO_BROKEN:
      oc_conn_close (conn);
      return false;
    case OC_IO_AGAIN:
      break;
    }
  return false;
}

/* --- Answer head ----------------------------------------------------------------------- */

static void
add_str (OcBuffer *out, OcStr text)
{
  oc_buffer_append (out, text.data, text.len);
}

static void
add_status_line (OcBuffer *out, const OcHttpHead *head)
{
  char line[32];
  int n = g_snprintf (line, sizeof line, "HTTP/1.1 %u ", head->status);

  oc_buffer_append (out, line, (gsize) n);
  add_str (out, head->phrase);
  add_str (out, OC_STR ("\r\n"));
}

static void
add_framing (OcConn *conn, OcBuffer *out, const OcHttpHead *head)
{
  if (head->status < 200 && head->status != 101)
    return;
  if (head->status == 101)
    add_str (out, OC_STR ("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  else if (!conn->x.client_keep)
    add_str (out, OC_STR ("Connection: close\r\n"));
  else if (conn->x.client_minor == 0)
    add_str (out, OC_STR ("Connection: keep-alive\r\n"));
  if (conn->x.resp_to_chunks)
    add_str (out, OC_STR ("Transfer-Encoding: chunked\r\n"));
  if (head->status >= 200 && head->status != 204
      && oc_http_head_get (head, OC_STR ("content-length")) != NULL)
    {
      char line[48];
      int n = g_snprintf (line, sizeof line, "Content-Length: %" G_GUINT64_FORMAT "\r\n",
                          head->content_length);

      oc_buffer_append (out, line, (gsize) n);
    }
}

/* Framing is written anew from what was understood. */
static bool
is_passed_on (const OcHttpHead *head, const OcHttpHeader *header)
{
  return !oc_str_equal_nocase (header->name, OC_STR ("content-length"))
         && !oc_http_is_hop_by_hop (head, header);
}

static void
write_head (OcConn *conn, const OcHttpHead *head)
{
  OcBuffer *out = conn->to_client;
  guint32 begin = out->end;

  add_status_line (out, head);
  for (size_t i = 0; i < head->n_headers; i++)
    if (is_passed_on (head, &head->headers[i]))
      {
        add_str (out, head->headers[i].name);
        add_str (out, OC_STR (": "));
        add_str (out, head->headers[i].value);
        add_str (out, OC_STR ("\r\n"));
      }
  oc_inject_redact (conn, out->data + begin, out->end - begin);
  add_framing (conn, out, head);
  add_str (out, OC_STR ("\r\n"));
}

static void
begin_body (OcConn *conn, const OcHttpHead *head)
{
  OcExchange *x = &conn->x;

  x->resp_head_done = true;
  x->resp_body = head->body;
  x->resp_left = head->body == OC_HTTP_BODY_LENGTH ? head->content_length : G_MAXUINT64;
  x->resp_done = head->body == OC_HTTP_BODY_NONE
                 || (head->body == OC_HTTP_BODY_LENGTH && head->content_length == 0);
  x->up_keep = head->keep_alive;
  x->resp_to_chunks = head->body == OC_HTTP_BODY_CHUNKED && x->client_minor == 1;
  /* What ends with the connection for us ends so for the client. */
  if (head->body == OC_HTTP_BODY_UNTIL_CLOSE
      || (head->body == OC_HTTP_BODY_CHUNKED && x->client_minor == 0))
    x->client_keep = false;
  oc_http_chunked_init (&x->resp_chunked);
}

/* Returns: false when there is nothing to go on with. */
static bool
handle_head (OcConn *conn, const OcHttpHead *head)
{
  OcExchange *x = &conn->x;
  bool interim = head->status < 200 && head->status != 101;

  if (head->status == 101 && !x->upgrade)
    {
      fail (conn, 502, "the server switched protocols without being asked");
      return false;
    }
  if (interim && x->client_minor == 0)
    return true;
  x->resp_started = !interim;
  if (!interim && head->status != 101)
    begin_body (conn, head);
  write_head (conn, head);
  if (head->status == 101)
    {
      x->upgrade = false;
      oc_tunnel_start (conn);
    }
  return true;
}

static bool
move_response_head (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcBuffer *in = conn->from_upstream;
  OcHttpResult result;
  gsize consumed;
  bool more;

  /* A rewritten head fits into an empty buffer only. */
  if (oc_buffer_len (in) == 0 || oc_buffer_len (conn->to_client) > 0)
    return false;
  result = oc_http_parse_response (in->data + in->start, oc_buffer_len (in), &limits,
                                   conn->x.to_head, false, &worker->head, &consumed, NULL);
  if (result == OC_HTTP_MORE)
    return false;
  if (result != OC_HTTP_OK)
    {
      fail (conn, 502, "the server's answer was not sound HTTP");
      return false;
    }
  (void) room_in (conn, &conn->to_client);
  more = handle_head (conn, &worker->head);
  if (conn->from_upstream != NULL)
    {
      conn->from_upstream->start += (guint32) consumed;
      if (oc_buffer_len (conn->from_upstream) == 0)
        oc_worker_put_buffer (worker, &conn->from_upstream);
    }
  return more;
}

/* --- Answer body -------------------------------------------------------------------------- */

static bool
move_response (OcConn *conn)
{
  OcExchange *x = &conn->x;
  Move move = STUCK;

  if (x->resp_done)
    return false;
  if (!x->resp_head_done)
    return move_response_head (conn);
  if (x->resp_body == OC_HTTP_BODY_CHUNKED)
    move = move_chunked (conn, &conn->from_upstream, &conn->to_client, &x->resp_chunked,
                         x->resp_to_chunks);
  else if (move_plain (conn, &conn->from_upstream, &conn->to_client, &x->resp_left))
    move = x->resp_left == 0 ? ENDED : MOVED;
  if (move == ENDED)
    x->resp_done = true;
  if (move == BROKEN)
    fail (conn, 502, "the server's answer was not sound HTTP");
  return move == MOVED || move == ENDED;
}

/* The request goes out again on a new connection when the old one had died
 * while it rested, before it brought a byte. */
static bool
retry (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcTarget target;
  gsize consumed;

  if (!conn->x.reused || !conn->x.retryable || conn->x.resp_started
      || oc_buffer_len (conn->from_upstream) > 0)
    return false;
  if (oc_http_parse_request (conn->head, conn->head_len, &limits, &worker->head, &consumed, NULL)
          != OC_HTTP_OK
      || (oc_target_parse_absolute (worker->head.target, &target) != NULL
          && oc_target_parse_origin (worker->head.target, &target) != NULL))
    return false;
  conn->x.reused = false;
  oc_conn_drop_upstream (conn);
  oc_http_dial (conn, &target);
  return true;
}

static void
on_upstream_end (OcConn *conn, bool broken)
{
  OcExchange *x = &conn->x;

  if (x->resp_done || retry (conn))
    return;
  if (x->resp_head_done && x->resp_body == OC_HTTP_BODY_UNTIL_CLOSE && !broken)
    {
      x->resp_done = true;
      x->up_keep = false;
    }
  else
    fail (conn, 502, broken ? "the server reset the connection"
                            : "the server closed the connection before it answered");
}

static bool
read_upstream (OcConn *conn)
{
  OcIoResult result;

  if (!(conn->upstream.ready || conn->upstream.muted) || conn->upstream.eof
      || conn->x.resp_done || oc_buffer_len (conn->to_client) > 0)
    return false;
  conn->upstream.ready = false;
  result = oc_conn_recv (conn, &conn->upstream, &conn->from_upstream);
  if (result == OC_IO_DONE)
    return true;
  /* Called when nothing moves any more: what is left is an incomplete piece. */
  if (result == OC_IO_BROKEN || result == OC_IO_EOF)
    on_upstream_end (conn, result == OC_IO_BROKEN);
  return conn->x.resp_done;
}

/* --- The step --------------------------------------------------------------------------------- */

static bool
send_upstream (OcConn *conn)
{
  OcIoResult result;

  if (oc_buffer_len (conn->to_upstream) == 0)
    return false;
  result = oc_conn_send (conn, &conn->upstream, &conn->to_upstream);
  if (result == OC_IO_BROKEN && !retry (conn))
    {
      /* It may have answered before it stopped listening; the rest of the body
       * has nowhere to go. */
      oc_worker_put_buffer (conn->worker, &conn->to_upstream);
      oc_body_drop (conn);
      conn->x.client_keep = false;
      conn->x.req_done = true;
    }
  return result == OC_IO_DONE;
}

static bool
send_client (OcConn *conn)
{
  OcIoResult result;

  if (oc_buffer_len (conn->to_client) == 0)
    return false;
  conn->x.resp_sent = conn->x.resp_started;
  result = oc_conn_send (conn, &conn->client, &conn->to_client);
  if (result == OC_IO_BROKEN)
    oc_conn_close (conn);
  return result == OC_IO_DONE;
}

/* The answer is out. Returns: true when something can go on at once. */
static bool
finish (OcConn *conn)
{
  bool up_keep = conn->x.up_keep && (conn->body == NULL || conn->body->sent == conn->body->len)
                 && oc_buffer_len (conn->from_upstream) == 0
                 && oc_buffer_len (conn->to_upstream) == 0 && !conn->upstream.eof;

  oc_proxy_log_end (conn);
  if (!up_keep || !conn->x.req_done)
    oc_conn_drop_upstream (conn);
  else if (!conn->x.client_keep || conn->client.eof)
    oc_idle_keep (conn);
  if (!conn->x.client_keep || !conn->x.req_done || conn->client.eof)
    {
      conn->state = OC_CONN_FLUSH;
      return true;
    }
  conn->state = OC_CONN_HEAD;
  conn->head_tried = 0;
  oc_conn_arm (conn, conn->worker->shared->timeouts.keep_alive_ms);
  return false;
}

static bool
is_here (const OcConn *conn)
{
  return conn->state == OC_CONN_EXCHANGE;
}

bool
oc_exchange_step (OcConn *conn)
{
  bool moved = true;

  if (conn->x.req_done || oc_buffer_len (conn->from_client) == 0)
    oc_worker_put_buffer (conn->worker, &conn->from_client);
  for (guint i = 0; moved && i < STEPS_PER_RUN; i++)
    {
      moved = false;
      while (is_here (conn) && move_request (conn))
        moved = true;
      if (is_here (conn) && send_upstream (conn))
        moved = true;
      while (is_here (conn) && move_response (conn))
        moved = true;
      if (is_here (conn) && send_client (conn))
        moved = true;
      if (is_here (conn) && conn->x.resp_done && oc_buffer_len (conn->to_client) == 0)
        return finish (conn);
      if (is_here (conn) && !moved && read_client (conn))
        moved = true;
      if (is_here (conn) && !moved && conn->upstream.fd >= 0 && read_upstream (conn))
        moved = true;
    }
  if (moved && is_here (conn))
    oc_conn_yield (conn);
  return conn->state != OC_CONN_EXCHANGE && conn->state != OC_CONN_DIAL
         && conn->state != OC_CONN_DEAD;
}

guint32
oc_exchange_client_events (const OcConn *conn)
{
  const OcBuffer *in = conn->from_client;
  bool full = in != NULL && oc_buffer_len (in) == in->size;
  guint32 events = 0;

  if (hears_client (conn) && !full && oc_buffer_len (conn->to_upstream) == 0)
    events |= EPOLLIN;
  if (oc_buffer_len (conn->to_client) > 0)
    events |= EPOLLOUT;
  return events;
}

guint32
oc_exchange_upstream_events (const OcConn *conn)
{
  guint32 events = 0;

  if (!conn->upstream.eof && !conn->x.resp_done && oc_buffer_len (conn->to_client) == 0)
    events |= EPOLLIN;
  if (oc_buffer_len (conn->to_upstream) > 0)
    events |= EPOLLOUT;
  return events;
}
