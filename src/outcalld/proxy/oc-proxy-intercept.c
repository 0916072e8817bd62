/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Connections that are opened: TLS ends here with a certificate of ours for the
 * host, each request inside is judged like a plain one (oc-proxy-http.c), and
 * goes on over TLS to a server whose certificate the system trusts.
 *
 *   CONNECT or hello ─► SHAKE ─► HEAD ─► DIAL ─► SECURE ─► EXCHANGE ─► HEAD …
 *
 * Only the host that was asked for is spoken to: another server name in the
 * hello, or another Host inside, is refused.
 */
#include "config.h"

#include "proxy/oc-proxy-tls.h"

#include <sys/socket.h>

static const char client_handshake_failed[] = "client_handshake_failed";
static const char upstream_handshake_failed[] = "upstream_handshake_failed";
static const char alpn_mismatch[] = "alpn_mismatch";

void
oc_intercept_start (OcConn *conn)
{
  conn->inside = true;
  conn->is_tunnel_request = false;
  conn->state = OC_CONN_SHAKE;
  oc_conn_arm (conn, conn->worker->shared->timeouts.head_ms);
}

/* --- The client's side --------------------------------------------------------------- */

/* There is no way to tell the client more than an alert does; the log says it all. */
static void
give_up (OcConn *conn, const char *why, const char *detail)
{
  OcWorker *worker = conn->worker;

  g_snprintf (worker->reason, sizeof worker->reason, "%s: %s", why, detail);
  oc_proxy_log_block (conn, OC_PROXY_HELLO, OC_LAYER_TLS, NULL, worker->reason);
  if (conn->client.tls == NULL)
    {
      oc_proxy_alert (conn);
      return;
    }
  /* The session has sent its alert; the client must be able to read it. */
  conn->state = OC_CONN_FLUSH;
}

static bool
names_host (const OcConn *conn, OcStr sni)
{
  OcHost named;

  return sni.len == 0
         || (oc_host_parse (sni, &named) == OC_HOST_OK && strcmp (named.name, conn->host.name) == 0);
}

static OcIoResult
begin_session (OcConn *conn)
{
  OcIntercept *intercept = conn->worker->shared->options.intercept;
  OcLeaf *leaf = oc_intercept_get_leaf (intercept, conn->host.name, conn->host.len);

  if (leaf != NULL)
    conn->client.tls = oc_tls_new_server (conn, leaf, &conn->from_client);
  if (conn->client.tls != NULL)
    return OC_IO_DONE;
  give_up (conn, "cert_gen_failed", "no certificate could be made for the host");
  return OC_IO_BROKEN;
}

/* Returns: OC_IO_DONE when the session has begun, OC_IO_BROKEN when the client has its answer. */
static OcIoResult
read_hello (OcConn *conn)
{
  OcBuffer *in = conn->from_client;
  OcHello hello;

  switch (oc_hello_parse ((const guint8 *) in->data + in->start, oc_buffer_len (in),
                          conn->worker->hello, &hello))
    {
    case OC_HELLO_MORE:
      if (oc_buffer_len (in) < OC_HELLO_RAW_MAX)
        return OC_IO_AGAIN;
      break;
    case OC_HELLO_OK:
      if (!names_host (conn, hello.sni))
        {
          give_up (conn, client_handshake_failed,
                   "the ClientHello names another server than was connected to");
          return OC_IO_BROKEN;
        }
      return begin_session (conn);
    case OC_HELLO_NOT_TLS:
      oc_proxy_log_block (conn, OC_PROXY_NOT_TLS, OC_LAYER_TLS, NULL,
                          "not TLS, to a host that is intercepted");
      oc_conn_close (conn);
      return OC_IO_BROKEN;
    case OC_HELLO_BAD:
      break;
    }
  give_up (conn, client_handshake_failed, "malformed ClientHello");
  return OC_IO_BROKEN;
}

static OcIoResult
get_hello (OcConn *conn)
{
  OcIoResult result = OC_IO_AGAIN;

  /* A client that does not wait for the 200 has sent its hello with CONNECT. */
  if (oc_buffer_len (conn->from_client) > 0)
    result = read_hello (conn);
  if (result != OC_IO_AGAIN)
    return result;
  result = oc_conn_recv (conn, &conn->client, &conn->from_client);
  if (result == OC_IO_EOF || result == OC_IO_BROKEN)
    oc_conn_close (conn);
  return result == OC_IO_DONE ? read_hello (conn) : result;
}

static bool
shake_client (OcConn *conn)
{
  OcTls *tls = conn->client.tls;
  char text[256];

  switch (oc_tls_shake (tls))
    {
    case OC_IO_DONE:
      break;
    case OC_IO_AGAIN:
      return false;
    default:
      give_up (conn, oc_tls_has_no_protocol (tls) ? alpn_mismatch : client_handshake_failed,
               oc_tls_explain (tls, text, sizeof text));
      return true;
    }
  conn->state = OC_CONN_HEAD;
  conn->client.ready = true;
  conn->head_tried = 0;
  oc_conn_arm (conn, conn->worker->shared->timeouts.head_ms);
  return true;
}

bool
oc_intercept_step_shake (OcConn *conn)
{
  OcIoResult result = oc_conn_send (conn, &conn->client, &conn->to_client);

  if (result == OC_IO_BROKEN)
    oc_conn_close (conn);
  if (result != OC_IO_DONE)
    return false;
  if (conn->client.tls == NULL)
    {
      result = get_hello (conn);
      if (result != OC_IO_DONE)
        return conn->state == OC_CONN_FLUSH;
    }
  return shake_client (conn);
}

guint32
oc_intercept_client_events (const OcConn *conn)
{
  if (oc_buffer_len (conn->to_client) > 0)
    return EPOLLOUT;
  return conn->client.tls != NULL ? oc_tls_get_events (conn->client.tls) : EPOLLIN;
}

/* --- The server's side ------------------------------------------------------------------ */

static void
fail_upstream (OcConn *conn, guint status, const char *failure, const char *detail)
{
  OcWorker *worker = conn->worker;
  char reason[sizeof worker->reason];

  g_snprintf (reason, sizeof reason, "no TLS with %s:%u: %s", conn->host.name, conn->port, detail);
  OC_COUNT (worker, upstream_errors, 1);
  conn->failure = failure;
  oc_proxy_answer_error (conn, status, reason);
}

void
oc_intercept_secure (OcConn *conn)
{
  conn->state = OC_CONN_SECURE;
  oc_conn_arm (conn, conn->worker->shared->timeouts.dial_ms);
  /* A server that speaks before the handshake does not speak TLS. */
  if (oc_buffer_len (conn->from_upstream) == 0)
    conn->upstream.tls = oc_tls_new_client (conn);
  if (conn->upstream.tls == NULL)
    fail_upstream (conn, 502, upstream_handshake_failed, "no session could be made");
}

bool
oc_intercept_step_secure (OcConn *conn)
{
  OcTls *tls = conn->upstream.tls;
  char text[256];

  switch (oc_tls_shake (tls))
    {
    case OC_IO_DONE:
      break;
    case OC_IO_AGAIN:
      return false;
    default:
      fail_upstream (conn, 502,
                     oc_tls_has_no_protocol (tls) ? alpn_mismatch : upstream_handshake_failed,
                     oc_tls_explain (tls, text, sizeof text));
      return true;
    }
  /* The workload's own cannot be passed on, and who asks for one mostly insists. */
  if (oc_tls_is_asked_for_certificate (tls))
    {
      fail_upstream (conn, 502, upstream_handshake_failed,
                     "the server asks for a client certificate, which interception cannot give");
      return true;
    }
  conn->upstream.ready = true;
  conn->state = OC_CONN_EXCHANGE;
  oc_conn_arm (conn, conn->worker->shared->timeouts.idle_ms);
  return true;
}

void
oc_intercept_time_out (OcConn *conn)
{
  fail_upstream (conn, 504, upstream_handshake_failed, "the handshake took too long");
}

guint32
oc_intercept_upstream_events (const OcConn *conn)
{
  return oc_tls_get_events (conn->upstream.tls);
}
