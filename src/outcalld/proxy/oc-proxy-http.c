/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * From a request head to a verdict and to the head that goes upstream. A
 * request is refused for its form before anything else looks at it, and before
 * anything upstream is touched.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

static bool
refuse (OcConn *conn, guint status, const char *why)
{
  oc_proxy_count_refusal (conn, OC_PROXY_MALFORMED, NULL);
  oc_proxy_answer_error (conn, status, why);
  return true;
}

static bool
accepts_json (const OcHttpHead *head)
{
  static const char *const types[] = { "application/json", "application/*", "*/*" };

  for (gsize i = 0; i < head->n_headers; i++)
    if (oc_str_equal_nocase (head->headers[i].name, OC_STR ("accept")))
      for (gsize t = 0; t < G_N_ELEMENTS (types); t++)
        if (memmem (head->headers[i].value.data, head->headers[i].value.len, types[t],
                    strlen (types[t]))
            != NULL)
          return true;
  return false;
}

bool
oc_http_is_websocket (const OcHttpHead *head)
{
  const OcHttpHeader *upgrade = oc_http_head_get (head, OC_STR ("upgrade"));

  /* Nothing else: h2c would carry requests that nobody judges. */
  return head->upgrade && upgrade != NULL
         && oc_str_equal_nocase (upgrade->value, OC_STR ("websocket"))
         && oc_str_equal (head->method, OC_STR ("GET")) && head->body == OC_HTTP_BODY_NONE;
}

static bool
is_safe_to_repeat (const OcHttpHead *head)
{
  return head->body == OC_HTTP_BODY_NONE
         && (oc_str_equal (head->method, OC_STR ("GET"))
             || oc_str_equal (head->method, OC_STR ("HEAD"))
             || oc_str_equal (head->method, OC_STR ("OPTIONS")));
}

/* What the answer depends on; kept because the head itself does not stay. */
static void
begin_exchange (OcConn *conn)
{
  const OcHttpHead *head = &conn->worker->head;

  oc_body_drop (conn);
  conn->x = (OcExchange) {
    .client_minor = head->minor,
    .client_keep = head->keep_alive,
    .to_head = oc_str_equal (head->method, OC_STR ("HEAD")),
    .upgrade = oc_http_is_websocket (head),
    .accepts_json = accepts_json (head),
    .retryable = is_safe_to_repeat (head),
    .req_body = head->body,
    .req_left = head->body == OC_HTTP_BODY_LENGTH ? head->content_length : 0,
  };
  oc_http_chunked_init (&conn->x.req_chunked);
  if (head->body == OC_HTTP_BODY_NONE
      || (head->body == OC_HTTP_BODY_LENGTH && head->content_length == 0))
    oc_exchange_end_request (conn);
}

/* A reload asks again with the same bytes. */
static void
keep_head (OcConn *conn, gsize len)
{
  if (conn->head_size < len)
    {
      conn->head = g_realloc (conn->head, len);
      conn->head_size = len;
    }
  memcpy (conn->head, conn->from_client->data + conn->from_client->start, len);
  conn->head_len = len;
}

/* The Host header must say what the request line says. */
static bool
host_agrees (const OcHttpHead *head, const OcHost *host, guint16 port, guint16 default_port)
{
  OcHost named;
  guint16 named_port;

  if (head->host.len == 0)
    return true; /* HTTP/1.0 */
  return oc_host_parse_authority (head->host, default_port, &named, &named_port)
         && named_port == port && strcmp (named.name, host->name) == 0;
}

/* --- CONNECT --------------------------------------------------------------------- */

static bool
handle_connect (OcConn *conn)
{
  const OcHttpHead *head = &conn->worker->head;
  OcProxyVerdict verdict;

  conn->is_tunnel_request = !conn->inside;
  conn->x.client_keep = false;
  if (conn->mode != OC_MODE_EXPLICIT || conn->inside)
    return refuse (conn, 400, "CONNECT is for the proxy port");
  if (!conn->x.req_done)
    return refuse (conn, 400, "CONNECT has no body");
  if (!oc_host_parse_authority (head->target, 0, &conn->host, &conn->port) || conn->port == 0)
    return refuse (conn, 400, "CONNECT needs host:port in its plain form");
  if (!host_agrees (head, &conn->host, conn->port, conn->port))
    return refuse (conn, 400, "Host and request target differ");
#ifdef OC_HAVE_INTERCEPT
  if (oc_proxy_is_intercepted (conn, &conn->host))
    {
      oc_idle_keep (conn);
      oc_proxy_answer_connected (conn);
      oc_intercept_start (conn);
      return true;
    }
#endif
  verdict = oc_proxy_judge_tunnel (conn, &conn->host, conn->port, OC_LAYER_CONNECT, true);
  if (!verdict.allowed)
    {
      OcDenial denial = { "connect", head->method, OC_STR ("/"),
                          oc_str (conn->host.name, conn->host.len), conn->port, verdict.rule,
                          verdict.reason };

      oc_proxy_deny (conn, &denial);
      return true;
    }
  oc_proxy_set_rule (conn, verdict.rule);
  oc_idle_keep (conn);
  conn->via_parent = conn->worker->parent.set;
  oc_dial_start (conn);
  return conn->state != OC_CONN_DIAL;
}

/* --- Plain requests ----------------------------------------------------------------- */

static void G_GNUC_PRINTF (2, 3)
add (OcBuffer *buffer, const char *format, ...)
{
  va_list args;
  gsize room = buffer->size - buffer->end;
  int n;

  va_start (args, format);
  n = g_vsnprintf (buffer->data + buffer->end, room, format, args);
  va_end (args);
  /* The buffer is twice the longest head; what is added is far shorter. */
  g_assert (n >= 0 && (gsize) n < room);
  buffer->end += (guint32) n;
}

static void
add_str (OcBuffer *buffer, OcStr text)
{
  oc_buffer_append (buffer, text.data, text.len);
}

static void
add_header (OcBuffer *buffer, OcStr name, OcStr value)
{
  add_str (buffer, name);
  add_str (buffer, OC_STR (": "));
  add_str (buffer, value);
  add_str (buffer, OC_STR ("\r\n"));
}

/* Framing and Host are written anew from what was understood. */
static bool
is_rewritten (const OcConn *conn, const OcHttpHead *head, const OcHttpHeader *header)
{
  return oc_str_equal_nocase (header->name, OC_STR ("host"))
         || oc_inject_replaces (conn, header->name)
         /* It was answered here. */
         || (conn->body != NULL && oc_str_equal_nocase (header->name, OC_STR ("expect")))
         || oc_str_equal_nocase (header->name, OC_STR ("content-length"))
         || oc_http_is_hop_by_hop (head, header);
}

static guint16
get_default_port (const OcConn *conn)
{
  return conn->inside ? 443 : 80;
}

static void
add_authority (OcBuffer *out, const OcConn *conn)
{
  bool v6 = conn->host.address.family == 6;

  add (out, "%s%s%s", v6 ? "[" : "", conn->host.name, v6 ? "]" : "");
  if (conn->port != get_default_port (conn))
    add (out, ":%u", conn->port);
}

/* The head that goes upstream. */
static void
build_request (OcConn *conn, const OcTarget *target)
{
  const OcHttpHead *head = &conn->worker->head;
  OcBuffer *out = conn->to_upstream = oc_worker_get_buffer (conn->worker);

  add_str (out, head->method);
  add_str (out, OC_STR (" "));
  if (conn->via_parent && !oc_parent_needs_connect (conn))
    {
      add_str (out, OC_STR ("http://"));
      add_authority (out, conn);
    }
  add_str (out, target->path);
  add_str (out, target->query);
  add_str (out, OC_STR (" HTTP/1.1\r\n"));
  add_str (out, OC_STR ("Host: "));
  add_authority (out, conn);
  add_str (out, OC_STR ("\r\n"));
  for (gsize i = 0; i < head->n_headers; i++)
    if (!is_rewritten (conn, head, &head->headers[i]))
      add_header (out, head->headers[i].name, head->headers[i].value);
  oc_inject_add (conn, out);
  if (conn->body != NULL)
    add (out, "Content-Length: %zu\r\n", conn->body->len);
  else if (head->body == OC_HTTP_BODY_LENGTH)
    add (out, "Content-Length: %" G_GUINT64_FORMAT "\r\n", head->content_length);
  else if (head->body == OC_HTTP_BODY_CHUNKED)
    add_str (out, OC_STR ("Transfer-Encoding: chunked\r\n"));
  if (conn->x.upgrade)
    add_str (out, OC_STR ("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  add_str (out, OC_STR ("\r\n"));
}

/* The server may close a resting connection at any time; only what may be sent
 * twice is sent over one. Inside TLS the client's own connection would have rested
 * there if it were not for us, so the rest goes over it too, unless it has ended
 * already: a handshake for each request would be felt. */
static bool
find_upstream (OcConn *conn)
{
  if (conn->x.upgrade || (!conn->x.retryable && !(conn->inside && oc_conn_upstream_rests (conn))))
    return false;
  if (conn->upstream.fd >= 0 && conn->upstream_port == conn->port
      && strcmp (conn->upstream_host.name, conn->host.name) == 0
      && oc_proxy_judge_address (conn, &conn->upstream_address) == NULL)
    return true;
  oc_idle_keep (conn);
  return oc_idle_take (conn);
}

void
oc_http_dial (OcConn *conn, const OcTarget *target)
{
  conn->via_parent = conn->worker->parent.set;
  build_request (conn, target);
  oc_dial_start (conn);
}

/* A body that is already here and malformed is refused while nothing has gone out. */
static bool
buffered_body_is_sound (const OcConn *conn)
{
  OcHttpChunked chunked = conn->x.req_chunked;
  const OcBuffer *in = conn->from_client;
  gsize pos = in->start;
  OcHttpResult result = OC_HTTP_MORE;

  while (conn->x.req_body == OC_HTTP_BODY_CHUNKED && result == OC_HTTP_MORE && pos < in->end)
    {
      gsize consumed;
      OcStr payload;

      result = oc_http_chunked_feed (&chunked, in->data + pos, in->end - pos, &consumed, &payload);
      pos += consumed;
    }
  return result == OC_HTTP_MORE || result == OC_HTTP_OK;
}

static bool
deny_request (OcConn *conn, OcStr path, const OcProxyVerdict *verdict)
{
  OcDenial denial = { "http",
                      conn->worker->head.method,
                      path,
                      oc_str (conn->host.name, conn->host.len),
                      conn->port,
                      verdict->rule,
                      verdict->reason };

  oc_proxy_deny (conn, &denial);
  return true;
}

static bool
forward (OcConn *conn, const OcTarget *target)
{
  OcProxyVerdict verdict;

  if (conn->body == NULL && oc_proxy_wants_body (conn, target))
    return oc_body_start (conn);
  verdict = oc_proxy_judge_request (conn, target, true);
  if (!verdict.allowed)
    return deny_request (conn, target->path, &verdict);
  oc_proxy_set_rule (conn, verdict.rule);
  if (find_upstream (conn))
    {
      conn->x.reused = true;
      build_request (conn, target);
      conn->active_us = conn->worker->now_us;
      conn->state = OC_CONN_EXCHANGE;
      oc_conn_arm (conn, conn->worker->shared->timeouts.idle_ms);
      return true;
    }
  oc_idle_keep (conn);
  oc_http_dial (conn, target);
  return conn->state != OC_CONN_DIAL;
}

static const char *
parse_target (OcConn *conn, OcTarget *out)
{
  const OcHttpHead *head = &conn->worker->head;
  const char *why;

  if (conn->inside)
    {
      out->host = conn->host;
      out->port = conn->port;
      return oc_target_parse_origin (head->target, out);
    }
  if (head->target.data[0] != '/' || conn->mode == OC_MODE_EXPLICIT)
    {
      why = oc_target_parse_absolute (head->target, out);
      if (why == NULL && conn->mode == OC_MODE_HTTP && out->port != conn->original_port)
        return "the port is not the one that was connected to";
      return why;
    }
  why = oc_target_parse_origin (head->target, out);
  if (why != NULL)
    return why;
  if (head->host.len == 0
      || !oc_host_parse_authority (head->host, conn->original_port, &out->host, &out->port))
    return "no Host, or a malformed one";
  return out->port == conn->original_port ? NULL : "the port is not the one that was connected to";
}

bool
oc_http_go_on (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcTarget target;
  gsize consumed;

  if (oc_http_parse_request (conn->head, conn->head_len, &limits, &worker->head, &consumed, NULL)
          != OC_HTTP_OK
      || parse_target (conn, &target) != NULL)
    return refuse (conn, 400, "malformed request");
  return forward (conn, &target);
}

static bool
is_health (OcConn *conn)
{
  const OcHttpHead *head = &conn->worker->head;

  return conn->mode == OC_MODE_EXPLICIT && !conn->inside
         && oc_str_equal (head->target, OC_STR ("/outcall-health"))
         && (oc_str_equal (head->method, OC_STR ("GET")) || conn->x.to_head) && conn->x.req_done;
}

static bool
handle_request (OcConn *conn)
{
  const OcHttpHead *head = &conn->worker->head;
  OcTarget target;
  const char *why;

  if (oc_str_equal (head->method, OC_STR ("CONNECT")))
    return handle_connect (conn);
  if (is_health (conn))
    {
      oc_proxy_answer_health (conn);
      return true;
    }
  why = parse_target (conn, &target);
  if (why == NULL && !host_agrees (head, &target.host, target.port,
                                   conn->mode == OC_MODE_HTTP ? conn->original_port
                                                              : get_default_port (conn)))
    why = "Host and request target differ";
  if (why == NULL && !buffered_body_is_sound (conn))
    why = "malformed chunked body";
  if (why == NULL && conn->x.upgrade && conn->x.deaf)
    why = "bytes behind a request to upgrade";
  if (why != NULL)
    return refuse (conn, 400, why);
  conn->host = target.host;
  conn->port = target.port;
  return forward (conn, &target);
}

/* --- Reading ------------------------------------------------------------------------- */

static bool
parse_head (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcBuffer *in = conn->from_client;
  const char *why = "malformed request";
  gsize consumed;
  OcHttpResult result = oc_http_parse_request (in->data + in->start, oc_buffer_len (in), &limits,
                                               &worker->head, &consumed, &why);

  conn->head_tried = result == OC_HTTP_MORE ? oc_buffer_len (in) : 0;
  if (result == OC_HTTP_MORE)
    return false;
  oc_proxy_count_request (conn);
  if (result != OC_HTTP_OK)
    return refuse (conn, oc_http_result_status (result), why);
  keep_head (conn, consumed);
  /* The head's strings stay where they are until the next read. */
  in->start += (guint32) consumed;
  begin_exchange (conn);
  return handle_request (conn);
}

bool
oc_http_step_head (OcConn *conn)
{
  gsize have = oc_buffer_len (conn->from_client);
  OcIoResult result;

  /* A pipelined request may be there already; an incomplete one waits for more. */
  if (have > conn->head_tried && parse_head (conn))
    return true;
  if (conn->state != OC_CONN_HEAD)
    return false;
  result = oc_conn_recv (conn, &conn->client, &conn->from_client);
  if (result == OC_IO_EOF || result == OC_IO_BROKEN)
    oc_conn_close (conn);
  if (result != OC_IO_DONE)
    return false;
  if (have == 0)
    oc_conn_arm (conn, conn->worker->shared->timeouts.head_ms);
  return parse_head (conn);
}
