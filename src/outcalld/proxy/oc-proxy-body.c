/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The body of a request that a rule wants to see (match_body), inside TLS or in
 * plain HTTP to the same host: it is read whole, up to a limit, before the
 * verdict. What goes upstream then has a length, however it came.
 */
#include "config.h"

#include "proxy/oc-proxy-tls.h"

#define FIRST_SIZE 16384

static const char too_long[] = "a rule wants to see the body, which is too long for that";
static const char no_room[] = "too many request bodies wait for a verdict";

static gsize
get_limit (const OcConn *conn)
{
  return oc_intercept_get_body_cap (conn->worker->shared->options.intercept);
}

/* --- Memory ----------------------------------------------------------------------- */

/* A workload may hold as much as is still free for all, as with connections: one that is
 * greedy ends up with half, and who comes then finds room. Returns: false without it. */
static bool
reserve (OcConn *conn, gsize more)
{
  OcProxyShared *shared = conn->worker->shared;
  gsize most = MAX (OC_PROXY_BODIES_MAX, 4 * get_limit (conn));
  atomic_size_t *own_counter = &shared->bodies_per_slot[oc_conn_get_slot (conn)];
  gsize all = atomic_fetch_add_explicit (&shared->bodies, more, memory_order_relaxed);
  gsize own = atomic_fetch_add_explicit (own_counter, more, memory_order_relaxed);

  if (own + more <= most - MIN (most, all))
    return true;
  atomic_fetch_sub_explicit (&shared->bodies, more, memory_order_relaxed);
  atomic_fetch_sub_explicit (own_counter, more, memory_order_relaxed);
  return false;
}

void
oc_body_drop (OcConn *conn)
{
  OcProxyShared *shared = conn->worker->shared;
  OcBody *body = g_steal_pointer (&conn->body);

  if (body == NULL)
    return;
  atomic_fetch_sub_explicit (&shared->bodies, body->size, memory_order_relaxed);
  atomic_fetch_sub_explicit (&shared->bodies_per_slot[oc_conn_get_slot (conn)], body->size,
                             memory_order_relaxed);
  g_free (body);
}

typedef enum
{
  MORE,
  WHOLE,
  TOO_LONG,
  NO_ROOM,
  BROKEN,
} Progress;

/* Room for @len more octets. */
static Progress
grow (OcConn *conn, gsize len)
{
  OcBody *body = conn->body;
  gsize most = get_limit (conn);
  gsize size;

  if (len > most - MIN (most, body->len))
    return TOO_LONG;
  if (len <= body->size - body->len)
    return MORE;
  size = MIN (MAX (2 * body->size, body->len + len), most);
  if (!reserve (conn, size - body->size))
    return NO_ROOM;
  conn->body = g_realloc (body, sizeof *body + size);
  conn->body->size = size;
  return MORE;
}

/* Returns: MORE when it has been taken. */
static Progress
append (OcConn *conn, const char *data, gsize len)
{
  Progress progress = grow (conn, len);

  if (progress != MORE)
    return progress;
  memcpy (conn->body->data + conn->body->len, data, len);
  conn->body->len += len;
  return MORE;
}

/* --- Reading ------------------------------------------------------------------------ */

static Progress
take_plain (OcConn *conn)
{
  OcBuffer *in = conn->from_client;
  gsize run = MIN (conn->x.req_left, oc_buffer_len (in));
  Progress progress = run > 0 ? append (conn, in->data + in->start, run) : MORE;

  if (progress != MORE)
    return progress;
  if (run > 0)
    in->start += (guint32) run;
  conn->x.req_left -= run;
  return conn->x.req_left == 0 ? WHOLE : MORE;
}

static Progress
take_chunked (OcConn *conn)
{
  OcBuffer *in = conn->from_client;

  while (oc_buffer_len (in) > 0)
    {
      gsize consumed;
      OcStr payload;
      OcHttpResult result = oc_http_chunked_feed (&conn->x.req_chunked, in->data + in->start,
                                                  oc_buffer_len (in), &consumed, &payload);

      Progress progress
          = payload.len > 0 ? append (conn, payload.data, payload.len) : MORE;

      if (progress != MORE)
        return progress;
      in->start += (guint32) consumed;
      if (result != OC_HTTP_MORE)
        return result == OC_HTTP_OK ? WHOLE : BROKEN;
    }
  return MORE;
}

static bool
refuse (OcConn *conn, guint status, const char *reason)
{
  oc_body_drop (conn);
  oc_proxy_count_refusal (conn, status == 503 ? OC_PROXY_LIMIT : OC_PROXY_MALFORMED, NULL);
  oc_proxy_answer_error (conn, status, reason);
  return true;
}

/* Conditions are about text. */
static bool
finish (OcConn *conn)
{
  if (!g_utf8_validate_len (conn->body->data, conn->body->len, NULL))
    {
      conn->failure = "body_decode_failed";
      return refuse (conn, 502, "a rule wants to see the body, which is no text");
    }
  oc_exchange_end_request (conn);
  return oc_http_go_on (conn);
}

static bool
take (OcConn *conn)
{
  Progress progress
      = conn->x.req_body == OC_HTTP_BODY_CHUNKED ? take_chunked (conn) : take_plain (conn);

  if (oc_buffer_len (conn->from_client) == 0)
    oc_worker_put_buffer (conn->worker, &conn->from_client);
  switch (progress)
    {
    case WHOLE:
      return finish (conn);
    case TOO_LONG:
      return refuse (conn, 413, too_long);
    case NO_ROOM:
      return refuse (conn, 503, no_room);
    case BROKEN:
      return refuse (conn, 400, "malformed chunked body");
    case MORE:
      break;
    }
  return false;
}

bool
oc_body_start (OcConn *conn)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

  if (conn->x.req_body == OC_HTTP_BODY_LENGTH && conn->x.req_left > get_limit (conn))
    return refuse (conn, 413, too_long);
  if (!reserve (conn, FIRST_SIZE))
    return refuse (conn, 503, no_room);
  conn->body = g_malloc (sizeof *conn->body + FIRST_SIZE);
  *conn->body = (OcBody) { .size = FIRST_SIZE };
  conn->state = OC_CONN_BODY;
  /* The verdict is still to come: there is none that a reload could take back. */
  conn->judged = false;
  conn->rule = NULL;
  oc_conn_arm (conn, conn->worker->shared->timeouts.idle_ms);
  if (conn->worker->head.expect_continue)
    {
      conn->to_client = oc_worker_get_buffer (conn->worker);
      oc_buffer_append (conn->to_client, go_on, sizeof go_on - 1);
    }
  return take (conn) || conn->state == OC_CONN_BODY;
}

bool
oc_body_step (OcConn *conn)
{
  OcIoResult result = oc_conn_send (conn, &conn->client, &conn->to_client);

  if (result == OC_IO_DONE || result == OC_IO_AGAIN)
    result = oc_conn_recv (conn, &conn->client, &conn->from_client);
  if (result == OC_IO_EOF || result == OC_IO_BROKEN)
    oc_conn_close (conn);
  return result == OC_IO_DONE && take (conn);
}
