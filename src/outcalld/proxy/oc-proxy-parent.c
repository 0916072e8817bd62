/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The way out through a corporate proxy: what a tunnel or a websocket needs is
 * asked of it with CONNECT before the client hears that it is connected. Plain
 * requests need nothing but the absolute form.
 *
 * The verdict and the address policy come first, as ever. A name that this host
 * cannot look up is passed on as a name; where it leads is up to the corporate
 * proxy then.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include "common/oc-error.h"

#include <sys/socket.h>

#define DEFAULT_PORT 3128

gboolean
oc_parent_parse (const char *text, OcParent *out, GError **error)
{
  static const char scheme[] = "http://";
  OcStr rest = oc_str_from (text != NULL ? text : "");

  *out = (OcParent) { 0 };
  if (rest.len == 0)
    return TRUE;
  if (g_str_has_prefix (text, scheme))
    rest = oc_str (rest.data + sizeof scheme - 1, rest.len - (sizeof scheme - 1));
  if (rest.len > 0 && rest.data[rest.len - 1] == '/')
    rest.len--;
  if (!oc_host_parse_authority (rest, DEFAULT_PORT, &out->host, &out->port))
    return oc_throw (error, "upstream-proxy must be [http://]HOST[:PORT], got '%s'", text);
  out->set = true;
  return TRUE;
}

bool
oc_parent_needs_connect (const OcConn *conn)
{
  return conn->is_tunnel_request || conn->inside || conn->x.upgrade;
}

static void
fail (OcConn *conn, const char *reason)
{
  OC_COUNT (conn->worker, upstream_errors, 1);
  oc_proxy_refuse (conn, 502, reason);
}

/* Returns: OC_IO_DONE when the way is open, OC_IO_BROKEN when there is an answer
 * for the client. */
static OcIoResult
read_answer (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcBuffer *in = conn->from_upstream;
  OcHttpResult result = OC_HTTP_OK;
  gsize consumed;

  while (result == OC_HTTP_OK)
    {
      result = oc_http_parse_response (in->data + in->start, oc_buffer_len (in), &limits, false,
                                       true, &worker->head, &consumed, NULL);
      if (result != OC_HTTP_OK)
        break;
      in->start += (guint32) consumed;
      if (worker->head.status >= 200 && worker->head.status < 300)
        return OC_IO_DONE;
      if (worker->head.status < 200 && worker->head.status != 101)
        continue;
      g_snprintf (worker->reason, sizeof worker->reason,
                  "the upstream proxy answered %u to CONNECT %s:%u", worker->head.status,
                  conn->host.name, conn->port);
      fail (conn, worker->reason);
      return OC_IO_BROKEN;
    }
  if (result == OC_HTTP_MORE)
    return OC_IO_AGAIN;
  fail (conn, "the upstream proxy's answer was not sound HTTP");
  return OC_IO_BROKEN;
}

static void
on_answer (gpointer owner, guint32 events)
{
  OcConn *conn = owner;
  OcIoResult result;

  if (conn->state != OC_CONN_DIAL)
    {
      oc_conn_drop_upstream (conn);
      return;
    }
  result = oc_conn_recv (conn, &conn->upstream, &conn->from_upstream);
  if (result == OC_IO_DONE)
    result = read_answer (conn);
  else if (result != OC_IO_AGAIN)
    {
      fail (conn, "the upstream proxy closed the connection");
      result = OC_IO_BROKEN;
    }
  if (result == OC_IO_AGAIN)
    return;
  if (result == OC_IO_DONE)
    {
      if (oc_buffer_len (conn->from_upstream) == 0)
        oc_worker_put_buffer (conn->worker, &conn->from_upstream);
      oc_worker_hand_source (conn->worker, conn->upstream.source, oc_conn_on_upstream, conn);
      oc_conn_connected (conn);
    }
  oc_conn_run (conn);
}

void
oc_parent_connect (OcConn *conn)
{
  bool v6 = conn->host.address.family == 6;
  char text[2 * OC_HOST_MAX + 128];
  int len = g_snprintf (text, sizeof text,
                        "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n\r\n", v6 ? "[" : "",
                        conn->host.name, v6 ? "]" : "", conn->port, v6 ? "[" : "",
                        conn->host.name, v6 ? "]" : "", conn->port);

  oc_worker_hand_source (conn->worker, conn->upstream.source, on_answer, conn);
  oc_worker_set_events (conn->worker, conn->upstream.source, EPOLLIN);
  /* The send buffer of a new connection has room for it. */
  if (send (conn->upstream.fd, text, (gsize) len, MSG_NOSIGNAL) != len)
    fail (conn, "the upstream proxy closed the connection");
}
