/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Tunnels, and the look at the first bytes that go into one. Payload goes from
 * socket to pipe to socket in the kernel. A lane takes no more than the other
 * side takes, since it fills its pipe only when that is empty; the end of one
 * direction is passed on as such and the other goes on.
 *
 * While the gate is closed the client's bytes are collected until they are a
 * ClientHello or surely none; nothing of them goes upstream before.
 *
 * Both sockets are watched edge triggered here: each run goes on until the
 * kernel says EAGAIN, or its budget is used up and it asks to be run again.
 */
#include "config.h"

#include "proxy/oc-proxy-tls.h"

#include <fcntl.h>
#include <sys/socket.h>

#define SPLICE_BYTES (1024 * 1024)
#define RUN_BUDGET (2 * 1024 * 1024)

/* --- Lanes ------------------------------------------------------------------------ */

typedef struct
{
  OcConn *conn;
  OcLane *lane;
  OcEnd *from, *to;
  bool up;
} Flow;

static void
count (const Flow *flow, gsize n)
{
  flow->conn->active_us = flow->conn->worker->now_us;
  oc_proxy_count_bytes (flow->conn, flow->up, n);
  if (flow->up)
    flow->conn->sent += n;
}

static OcIoResult
drain_pipe (Flow *flow)
{
  OcPipe *pipe = flow->lane->pipe;

  while (pipe->waiting > 0)
    {
      ssize_t n = splice (pipe->out, NULL, flow->to->fd, NULL, pipe->waiting,
                          SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN ? OC_IO_AGAIN : OC_IO_BROKEN;
      if (n == 0)
        return OC_IO_BROKEN;
      pipe->waiting -= (gsize) n;
      count (flow, (gsize) n);
    }
  return OC_IO_DONE;
}

/* The rule's limit is reached: the end of the stream is fine, one more byte is not. */
static OcIoResult
check_limit (Flow *flow)
{
  char byte;
  ssize_t n = recv (flow->from->fd, &byte, 1, MSG_PEEK);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? OC_IO_AGAIN : OC_IO_BROKEN;
  if (n == 0)
    return OC_IO_EOF;
  oc_proxy_log_block (flow->conn, OC_PROXY_MAX_BYTES, oc_proxy_get_layer (flow->conn), NULL,
                      "more bytes sent than the rule allows");
  return OC_IO_BROKEN;
}

static OcIoResult
fill_pipe (Flow *flow)
{
  OcConn *conn = flow->conn;
  gsize want = SPLICE_BYTES;
  ssize_t n;

  if (flow->up && conn->max_bytes > 0)
    {
      want = MIN (want, conn->max_bytes - MIN (conn->max_bytes, conn->sent));
      if (want == 0)
        return check_limit (flow);
    }
  if (flow->lane->pipe == NULL)
    flow->lane->pipe = oc_worker_get_pipe (conn->worker);
  if (flow->lane->pipe == NULL)
    return OC_IO_BROKEN;
  do
    n = splice (flow->from->fd, NULL, flow->lane->pipe->in, NULL, want,
                SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    {
      flow->lane->pipe->waiting = (gsize) n;
      return OC_IO_DONE;
    }
  oc_worker_put_pipe (conn->worker, &flow->lane->pipe);
  if (n == 0)
    return OC_IO_EOF;
  return errno == EAGAIN ? OC_IO_AGAIN : OC_IO_BROKEN;
}

/* The end of one direction. */
static OcIoResult
pass_end (Flow *flow)
{
  if (!flow->lane->shut && flow->to->tls != NULL)
    oc_tls_end (flow->to->tls);
  if (!flow->lane->shut)
    (void) shutdown (flow->to->fd, SHUT_WR); /* fails only when the peer is gone already */
  flow->lane->shut = true;
  return OC_IO_EOF;
}

/* As pump(), where TLS ends here: what a websocket says passes through a buffer. */
static OcIoResult
pump_opened (Flow *flow)
{
  OcConn *conn = flow->conn;
  OcBuffer **buffer = flow->up ? &conn->from_client : &conn->from_upstream;
  gsize moved = 0;

  while (!flow->from->eof && moved < RUN_BUDGET)
    {
      OcIoResult result = oc_conn_recv (conn, flow->from, buffer);

      if (result == OC_IO_EOF)
        break;
      if (result != OC_IO_DONE)
        return result;
      if (flow->up && conn->max_bytes > 0
          && conn->sent + oc_buffer_len (*buffer) > conn->max_bytes)
        {
          oc_proxy_log_block (conn, OC_PROXY_MAX_BYTES, OC_LAYER_HTTP, NULL,
                              "more bytes sent than the rule allows");
          return OC_IO_BROKEN;
        }
      moved += oc_buffer_len (*buffer);
      result = oc_conn_send (conn, flow->to, buffer);
      if (result != OC_IO_DONE)
        return result;
    }
  return flow->from->eof ? pass_end (flow) : OC_IO_DONE;
}

/* Until it would block. OC_IO_DONE: the budget is used up; OC_IO_EOF: all is over. */
static OcIoResult
pump (Flow *flow)
{
  gsize moved = 0;

  while (!flow->from->eof && moved < RUN_BUDGET)
    {
      OcIoResult result = flow->lane->pipe != NULL ? OC_IO_DONE : fill_pipe (flow);

      if (result == OC_IO_EOF)
        {
          flow->from->eof = true;
          break;
        }
      if (result != OC_IO_DONE)
        return result;
      moved += flow->lane->pipe->waiting;
      result = drain_pipe (flow);
      if (result != OC_IO_DONE)
        return result;
      oc_worker_put_pipe (flow->conn->worker, &flow->lane->pipe);
    }
  return flow->from->eof ? pass_end (flow) : OC_IO_DONE;
}

/* --- The gate ---------------------------------------------------------------------- */

static bool
same_host (const OcHost *a, const OcHost *b)
{
  return a->len == b->len && memcmp (a->name, b->name, a->len) == 0;
}

static void
refuse_hello (OcConn *conn, const char *reason)
{
  oc_proxy_log_block (conn, OC_PROXY_HELLO, OC_LAYER_TLS, NULL, reason);
  oc_proxy_alert (conn);
}

/* CONNECT: another name in the hello needs a verdict of its own. */
static bool
judge_sni (OcConn *conn, const OcHello *hello)
{
  g_autofree OcHost *sni = NULL;
  OcProxyVerdict verdict;

  if (hello->sni.len == 0)
    {
      conn->needs_ech = hello->ech;
      return !hello->ech || conn->rule->egress.ech_allow
             || (refuse_hello (conn, "Encrypted ClientHello without an outer name"), false);
    }
  sni = g_new0 (OcHost, 1);
  if (oc_host_parse (hello->sni, sni) != OC_HOST_OK)
    {
      refuse_hello (conn, "malformed server name in the ClientHello");
      return false;
    }
  if (same_host (sni, &conn->host))
    return true;
  /* Behind another name than its own, what is to be seen would not be. */
  if (oc_proxy_is_intercepted (conn, sni))
    {
      refuse_hello (conn, "the ClientHello names a host whose connections are opened");
      return false;
    }
  verdict = oc_proxy_judge_tunnel (conn, sni, conn->port, OC_LAYER_TLS, true);
  if (!verdict.allowed)
    {
      oc_proxy_alert (conn);
      return false;
    }
  conn->sni = g_steal_pointer (&sni);
  conn->needs_ech = hello->ech;
  if (hello->ech && !verdict.rule->egress.ech_allow)
    {
      refuse_hello (conn, "Encrypted ClientHello behind another name than was connected to");
      return false;
    }
  return true;
}

/* What the client's first bytes are. Returns: OC_IO_DONE when the gate may open. */
static OcIoResult
judge_first_bytes (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcBuffer *in = conn->from_client;
  OcHello hello;

  switch (oc_hello_parse ((const guint8 *) in->data + in->start, oc_buffer_len (in), worker->hello,
                          &hello))
    {
    case OC_HELLO_MORE:
      if (oc_buffer_len (in) < OC_HELLO_RAW_MAX)
        return OC_IO_AGAIN;
      break;
    case OC_HELLO_OK:
      return judge_sni (conn, &hello) ? OC_IO_DONE : OC_IO_BROKEN;
    case OC_HELLO_NOT_TLS:
      conn->is_plain = true;
      if (conn->gate_plain)
        return OC_IO_DONE;
      oc_proxy_log_block (conn, OC_PROXY_NOT_TLS, OC_LAYER_TLS, NULL,
                          "not TLS, and no rule names this port for other protocols");
      oc_conn_close (conn);
      return OC_IO_BROKEN;
    case OC_HELLO_BAD:
      break;
    }
  refuse_hello (conn, "malformed ClientHello");
  return OC_IO_BROKEN;
}

/* Reads until EAGAIN, as edge triggering wants. */
static OcIoResult
run_gate (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcIoResult result = OC_IO_AGAIN;

  /* A client that does not wait for the 200 has sent its hello with CONNECT. */
  if (oc_buffer_len (conn->from_client) > 0)
    result = judge_first_bytes (conn);
  while (result == OC_IO_AGAIN)
    {
      OcIoResult got = oc_conn_recv (conn, &conn->client, &conn->from_client);

      if (got == OC_IO_AGAIN)
        return OC_IO_AGAIN;
      if (got != OC_IO_DONE)
        {
          oc_conn_close (conn);
          return OC_IO_BROKEN;
        }
      if (conn->gate_due_us == 0)
        {
          conn->gate_due_us = worker->now_us + (gint64) worker->shared->timeouts.head_ms * 1000;
          oc_timers_arm (&worker->timers, &conn->timer, conn->gate_due_us);
        }
      result = judge_first_bytes (conn);
    }
  return result;
}

/* --- The tunnel ----------------------------------------------------------------------- */

void
oc_tunnel_start (OcConn *conn)
{
  OcWorker *worker = conn->worker;

  OC_COUNT (worker, tunnels, 1);
  conn->state = OC_CONN_TUNNEL;
  conn->gate = conn->is_tunnel_request && conn->mode == OC_MODE_EXPLICIT;
  if (oc_buffer_len (conn->from_client) == 0)
    oc_worker_put_buffer (worker, &conn->from_client);
  oc_conn_arm (conn, worker->shared->timeouts.idle_ms);
  if (!conn->gate)
    return;
  /* On other ports a server may be the one that speaks first, and a client wait. */
  conn->gate_due_us = 0;
  if (conn->port == 443 || !conn->gate_plain)
    {
      conn->gate_due_us = worker->now_us + (gint64) worker->shared->timeouts.head_ms * 1000;
      oc_timers_arm (&worker->timers, &conn->timer, conn->gate_due_us);
    }
}

/* What waits in user space goes first. */
static OcIoResult
send_waiting (OcConn *conn, OcEnd *to, OcBuffer **first, OcBuffer **second)
{
  OcIoResult result = oc_conn_send (conn, to, first);

  if (result == OC_IO_DONE && second != NULL)
    result = oc_conn_send (conn, to, second);
  return result;
}

static OcIoResult
run_lane (Flow *flow)
{
  OcConn *conn = flow->conn;
  OcIoResult result = OC_IO_DONE;

  if (flow->up)
    result = send_waiting (conn, flow->to, &conn->to_upstream, &conn->from_client);
  else
    result = send_waiting (conn, flow->to, &conn->to_client, &conn->from_upstream);

  if (result != OC_IO_DONE)
    return result;
  return conn->inside ? pump_opened (flow) : pump (flow);
}

/* Whether the server's bytes may pass before the client's first have. */
static bool
is_down_open (const OcConn *conn)
{
  return !conn->gate || (conn->gate_plain && conn->port != 443);
}

static OcIoResult
run_down (OcConn *conn)
{
  Flow down = { conn, &conn->down, &conn->upstream, &conn->client, false };

  if (is_down_open (conn))
    return run_lane (&down);
  return oc_conn_send (conn, &conn->client, &conn->to_client) == OC_IO_BROKEN ? OC_IO_BROKEN
                                                                            : OC_IO_AGAIN;
}

void
oc_tunnel_run (OcConn *conn)
{
  Flow up = { conn, &conn->up, &conn->client, &conn->upstream, true };
  OcIoResult up_result = OC_IO_AGAIN;
  OcIoResult down_result;

  if (conn->gate)
    {
      OcIoResult result = run_gate (conn);

      if (result == OC_IO_BROKEN)
        return;
      conn->gate = result != OC_IO_DONE;
    }
  if (!conn->gate)
    up_result = run_lane (&up);
  down_result = run_down (conn);
  if (up_result == OC_IO_BROKEN || down_result == OC_IO_BROKEN
      || (up_result == OC_IO_EOF && down_result == OC_IO_EOF))
    oc_conn_close (conn);
  else if (up_result == OC_IO_DONE || down_result == OC_IO_DONE)
    oc_conn_yield (conn);
}

/* --- Transparent TLS --------------------------------------------------------------------- */

/* The name that is asked about: the SNI, else the address that was wanted. */
static bool
name_target (OcConn *conn, const OcHello *hello)
{
  char text[OC_ADDRESS_TEXT_MAX];

  if (hello->sni.len > 0)
    return oc_host_parse (hello->sni, &conn->host) == OC_HOST_OK;
  conn->host = (OcHost) { .address = conn->original };
  conn->host.len = g_strlcpy (conn->host.name,
                              oc_address_format (&conn->original, text, sizeof text),
                              sizeof conn->host.name);
  return true;
}

static bool
handle_hello (OcConn *conn, const OcHello *hello)
{
  OcProxyVerdict verdict;

  conn->is_tunnel_request = true;
  conn->port = conn->original_port;
  oc_proxy_count_request (conn);
  if (!name_target (conn, hello))
    {
      refuse_hello (conn, "malformed server name in the ClientHello");
      return true;
    }
#ifdef OC_HAVE_INTERCEPT
  if (oc_proxy_is_intercepted (conn, &conn->host))
    {
      oc_intercept_start (conn);
      return true;
    }
#endif
  verdict = oc_proxy_judge_tunnel (conn, &conn->host, conn->port, OC_LAYER_TLS, true);
  if (!verdict.allowed)
    {
      oc_proxy_alert (conn);
      return true;
    }
  oc_proxy_set_rule (conn, verdict.rule);
  conn->ech_pending = hello->ech;
  conn->via_parent = conn->worker->parent.set;
  oc_dial_start (conn);
  return conn->state != OC_CONN_DIAL;
}

bool
oc_hello_step (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcIoResult result = oc_conn_recv (conn, &conn->client, &conn->from_client);
  OcBuffer *in = conn->from_client;
  OcHelloResult parsed;
  OcHello hello;

  if (result == OC_IO_EOF || result == OC_IO_BROKEN)
    oc_conn_close (conn);
  if (result != OC_IO_DONE)
    return false;
  parsed = oc_hello_parse ((const guint8 *) in->data + in->start, oc_buffer_len (in), worker->hello,
                           &hello);
  if (parsed == OC_HELLO_OK)
    return handle_hello (conn, &hello);
  if (parsed == OC_HELLO_MORE && oc_buffer_len (in) < OC_HELLO_RAW_MAX)
    return false;
  oc_proxy_count_refusal (conn, OC_PROXY_MALFORMED, NULL);
  oc_proxy_alert (conn);
  return true;
}
