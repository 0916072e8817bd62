/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * From a judged host to an open connection. The address policy looks at the
 * very address that is given to connect(), so there is no gap between check
 * and use. Attempts are staggered over the families (RFC 8305); the first that
 * connects wins.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include "common/oc-fd.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#define ATTEMPTS_MAX 3 /* at the same time */

typedef struct
{
  OcDial *dial;
  int fd; /* -1: free */
  guint32 source;
  OcAddress address;
} Attempt;

struct OcDial
{
  OcConn *conn;
  guint32 look_up; /* source id whose token the resolver carries; 0: none */
  OcAddress addresses[OC_RESOLVE_ADDRESSES_MAX];
  guint n_addresses, next;
  guint16 port;
  bool to_parent; /* the addresses are the upstream proxy's */
  Attempt attempts[ATTEMPTS_MAX];
  OcTimer stagger;
  int last_error;
};

/* --- Ends ------------------------------------------------------------------------ */

void
oc_dial_cancel (OcConn *conn)
{
  OcDial *dial = g_steal_pointer (&conn->dial);
  OcWorker *worker = conn->worker;
  int no_fd = -1;

  if (dial == NULL)
    return;
  oc_worker_close (worker, &dial->look_up, &no_fd);
  oc_timers_disarm (&worker->timers, &dial->stagger);
  for (guint i = 0; i < ATTEMPTS_MAX; i++)
    oc_worker_close (worker, &dial->attempts[i].source, &dial->attempts[i].fd);
  g_free (dial);
}

static void
fail (OcConn *conn, guint status, const char *reason)
{
  OcWorker *worker = conn->worker;
  bool to_parent = conn->dial != NULL ? conn->dial->to_parent : conn->via_parent;
  const OcHost *host = to_parent ? &worker->parent.host : &conn->host;
  guint16 port = to_parent ? worker->parent.port : conn->port;

  g_snprintf (worker->reason, sizeof worker->reason, "%s: cannot reach %s%s:%u", reason,
              to_parent ? "the upstream proxy " : "", host->name, port);
  oc_dial_cancel (conn);
  OC_COUNT (worker, upstream_errors, 1);
  oc_proxy_refuse (conn, status, worker->reason);
}

static void
fail_with_errno (OcDial *dial)
{
  switch (dial->last_error)
    {
    case ETIMEDOUT:
      fail (dial->conn, 504, "connecting took too long");
      break;
    case ECONNREFUSED:
      fail (dial->conn, 502, "connection refused");
      break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      fail (dial->conn, 503, "out of resources");
      break;
    default:
      fail (dial->conn, 502, "network unreachable");
      break;
    }
}

void
oc_dial_time_out (OcConn *conn)
{
  bool looking_up = conn->dial != NULL && conn->dial->look_up != 0;

  fail (conn, 504, looking_up ? "looking up the name took too long" : "connecting took too long");
}

/* --- Address policy ------------------------------------------------------------------ */

static void
refuse_addresses (OcConn *conn, const OcAddress *address, const char *what)
{
  OcWorker *worker = conn->worker;
  OcStr host = oc_str (conn->host.name, conn->host.len);
  OcLayer layer = oc_proxy_get_layer (conn);
  OcDenial denial = { .layer = oc_layer_name (layer),
                      .host = host,
                      .port = conn->port,
                      .rule = conn->rule,
                      .reason = worker->reason };
  char text[OC_ADDRESS_TEXT_MAX];

  g_snprintf (worker->reason, sizeof worker->reason,
              "%s is at %s, an address (%s) that needs allow_private_ips in the rule",
              conn->host.name, oc_address_format (address, text, sizeof text), what);
  oc_proxy_log_block (conn, OC_PROXY_ADDRESS, layer, address, worker->reason);
  oc_dial_cancel (conn);
  conn->x.client_keep = false;
  if (conn->mode == OC_MODE_TLS && !conn->inside)
    oc_proxy_alert (conn);
  else
    oc_proxy_deny (conn, &denial);
}

/* Keeps the addresses that may be dialled. Returns: false when none is left and
 * the client has its answer. */
static bool
filter_addresses (OcDial *dial)
{
  OcAddress refused = { 0 };
  const char *why = NULL;
  guint kept = 0;

  for (guint i = 0; i < dial->n_addresses; i++)
    {
      const char *what = oc_proxy_judge_address (dial->conn, &dial->addresses[i]);

      if (what == NULL)
        dial->addresses[kept++] = dial->addresses[i];
      else
        {
          refused = dial->addresses[i];
          why = what;
        }
    }
  dial->n_addresses = kept;
  if (kept == 0)
    refuse_addresses (dial->conn, &refused, why);
  return kept > 0;
}

/* IPv6 first, then in turns; the address that a transparent client chose goes
 * to the front when it is among them. */
static void
order_addresses (OcDial *dial)
{
  OcAddress sorted[OC_RESOLVE_ADDRESSES_MAX];
  guint n = 0;
  guint at[2] = { 0, 0 };
  const guint8 family[2] = { 6, 4 };

  for (guint turn = 0; n < dial->n_addresses; turn ^= 1)
    {
      while (at[turn] < dial->n_addresses && dial->addresses[at[turn]].family != family[turn])
        at[turn]++;
      if (at[turn] < dial->n_addresses)
        sorted[n++] = dial->addresses[at[turn]++];
    }
  memcpy (dial->addresses, sorted, n * sizeof *sorted);
  for (guint i = 1; i < n; i++)
    if (oc_address_equal (&sorted[i], &dial->conn->original))
      {
        dial->addresses[i] = sorted[0];
        dial->addresses[0] = sorted[i];
      }
}

/* --- Attempts ---------------------------------------------------------------------------- */

static void try_next (OcDial *dial);

static void
on_won (Attempt *attempt)
{
  OcConn *conn = attempt->dial->conn;

  conn->upstream = (OcEnd) { .fd = attempt->fd, .source = attempt->source };
  if (!attempt->dial->to_parent)
    conn->upstream_address = attempt->address;
  conn->upstream_port = conn->port;
  oc_worker_hand_source (conn->worker, attempt->source, oc_conn_on_upstream, conn);
  attempt->fd = -1;
  attempt->source = 0;
  oc_dial_cancel (conn);
  oc_proxy_count_upstream (conn);
  if (conn->via_parent && oc_parent_needs_connect (conn))
    oc_parent_connect (conn);
  else
    oc_conn_connected (conn);
}

static void
on_lost (Attempt *attempt, int err)
{
  OcDial *dial = attempt->dial;

  dial->last_error = err;
  oc_worker_close (dial->conn->worker, &attempt->source, &attempt->fd);
  try_next (dial);
}

static void
on_attempt (gpointer owner, guint32 events)
{
  Attempt *attempt = owner;
  OcConn *conn = attempt->dial->conn;
  int err = 0;
  socklen_t len = sizeof err;

  if (getsockopt (attempt->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
    err = errno;
  /* The policy may have changed since it was begun. */
  if (err == 0 && !attempt->dial->to_parent
      && oc_proxy_judge_address (conn, &attempt->address) != NULL)
    err = EACCES;
  if (err != 0)
    on_lost (attempt, err);
  else
    on_won (attempt);
  oc_conn_run (conn);
}

static int
open_socket (const OcAddress *address)
{
  int one = 1;
  int fd = socket (address->family == 6 ? AF_INET6 : AF_INET,
                   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd >= 0)
    (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Returns: 0 when it is under way, else errno. */
static int
start_attempt (Attempt *attempt, const OcAddress *address, guint16 port)
{
  OcWorker *worker = attempt->dial->conn->worker;
  struct sockaddr_storage ss;
  socklen_t len = oc_address_to_sockaddr (address, port, &ss);
  oc_autofd int fd = open_socket (address);

  if (fd < 0)
    return errno;
  if (connect (fd, (const struct sockaddr *) &ss, len) < 0 && errno != EINPROGRESS)
    return errno;
  attempt->source = oc_worker_add_source (worker, fd, EPOLLOUT, on_attempt, attempt);
  if (attempt->source == 0)
    return ENOMEM;
  attempt->fd = oc_fd_steal (&fd);
  attempt->address = *address;
  return 0;
}

static Attempt *
find_attempt (OcDial *dial, bool free)
{
  for (guint i = 0; i < ATTEMPTS_MAX; i++)
    if ((dial->attempts[i].fd < 0) == free)
      return &dial->attempts[i];
  return NULL;
}

/* Starts the next address that can be tried at all; ends the dial when there
 * is none and nothing is under way. */
static void
try_next (OcDial *dial)
{
  OcWorker *worker = dial->conn->worker;
  Attempt *attempt = find_attempt (dial, true);

  while (attempt != NULL && dial->next < dial->n_addresses)
    {
      int err = start_attempt (attempt, &dial->addresses[dial->next++], dial->port);

      if (err == 0)
        {
          oc_timers_arm (&worker->timers, &dial->stagger,
                         worker->now_us + (gint64) worker->shared->timeouts.stagger_ms * 1000);
          return;
        }
      dial->last_error = err;
    }
  if (find_attempt (dial, false) == NULL)
    fail_with_errno (dial);
}

static void
on_stagger (gpointer owner)
{
  OcDial *dial = owner;
  OcConn *conn = dial->conn;

  if (dial->next < dial->n_addresses)
    {
      try_next (dial);
      oc_conn_run (conn);
    }
}

/* Encrypted ClientHello on a transparent connection: the outer name must be the
 * one that the client looked up to come here. */
static bool
check_ech (OcDial *dial)
{
  OcConn *conn = dial->conn;

  if (!conn->ech_pending)
    return true;
  for (guint i = 0; i < dial->n_addresses; i++)
    if (oc_address_equal (&dial->addresses[i], &conn->original))
      return true;
  conn->needs_ech = true;
  if (conn->rule->egress.ech_allow)
    return true;
  oc_proxy_log_block (conn, OC_PROXY_HELLO, OC_LAYER_TLS, &conn->original,
                      "the ClientHello hides its name behind one of another address (ECH)");
  oc_dial_cancel (conn);
  oc_proxy_alert (conn);
  return false;
}

static void submit (OcDial *dial, const OcHost *host);

/* The target is judged; now the way to the upstream proxy, which the operator
 * has named and which may be at any address. */
static void
turn_to_parent (OcDial *dial)
{
  const OcParent *parent = &dial->conn->worker->parent;

  if (!parent->set)
    {
      fail (dial->conn, 503, "the way out has just changed");
      return;
    }
  dial->conn->upstream_address
      = dial->n_addresses > 0 ? dial->addresses[0] : (OcAddress) { 0 };
  dial->to_parent = true;
  dial->port = parent->port;
  submit (dial, &parent->host);
}

/* @n_addresses may be 0 only with an upstream proxy. */
static void
use_addresses (OcDial *dial)
{
  if (!dial->to_parent)
    {
      if (!check_ech (dial) || (dial->n_addresses > 0 && !filter_addresses (dial)))
        return;
      if (dial->conn->via_parent)
        {
          turn_to_parent (dial);
          return;
        }
    }
  order_addresses (dial);
  try_next (dial);
}

/* --- Look-up ---------------------------------------------------------------------------------- */

static void
on_reply (OcDial *dial, const OcResolveReply *reply)
{
  OcConn *conn = dial->conn;
  int no_fd = -1;

  oc_worker_close (conn->worker, &dial->look_up, &no_fd);
  if (conn->via_parent && !dial->to_parent
      && (reply->status != OC_RESOLVE_OK || reply->n_addresses == 0))
    use_addresses (dial);
  else if (reply->status == OC_RESOLVE_NO_NAME
           || (reply->status == OC_RESOLVE_OK && reply->n_addresses == 0))
    fail (conn, 502, "the name has no address");
  else if (reply->status != OC_RESOLVE_OK)
    fail (conn, 502, "no name server answered");
  else
    {
      dial->n_addresses = MIN (reply->n_addresses, OC_RESOLVE_ADDRESSES_MAX);
      memcpy (dial->addresses, reply->addresses, dial->n_addresses * sizeof *dial->addresses);
      use_addresses (dial);
    }
  oc_conn_run (conn);
}

static void
on_look_up (gpointer owner, guint32 events)
{
  /* Only the token is used; nothing is ever dispatched here. */
}

static OcDial *
find_look_up (OcWorker *worker, guint64 token)
{
  guint32 id = (guint32) token;

  if (id >= worker->n_sources || worker->sources[id].func != on_look_up
      || worker->sources[id].generation != (guint32) (token >> 32))
    return NULL;
  return worker->sources[id].owner;
}

void
oc_dial_on_resolver (gpointer owner, guint32 events)
{
  OcWorker *worker = owner;
  OcResolveReply reply;

  while (oc_resolver_take (worker->resolver, &reply))
    {
      OcDial *dial = find_look_up (worker, reply.token);

      if (dial != NULL)
        on_reply (dial, &reply);
    }
}

static void
look_up (OcDial *dial, const OcHost *host)
{
  OcConn *conn = dial->conn;
  OcWorker *worker = conn->worker;

  dial->look_up = oc_worker_add_source (worker, -1, 0, on_look_up, dial);
  if (!oc_resolver_submit (worker->resolver, oc_str (host->name, host->len),
                           oc_worker_get_token (worker, dial->look_up)))
    fail (conn, 503, "too many look-ups are waiting");
}

static void
submit (OcDial *dial, const OcHost *host)
{
  dial->n_addresses = 0;
  if (host->address.family != 0)
    {
      dial->addresses[dial->n_addresses++] = host->address;
      use_addresses (dial);
    }
  else if (dial->conn->worker->resolver != NULL)
    look_up (dial, host);
  else if (dial->conn->via_parent && !dial->to_parent)
    use_addresses (dial);
  else
    fail (dial->conn, 502, "no name server answered");
}

void
oc_dial_start (OcConn *conn)
{
  OcDial *dial = g_new0 (OcDial, 1);

  dial->conn = conn;
  dial->port = conn->port;
  dial->stagger = (OcTimer) { .func = on_stagger, .owner = dial };
  for (guint i = 0; i < ATTEMPTS_MAX; i++)
    dial->attempts[i] = (Attempt) { .dial = dial, .fd = -1 };
  conn->dial = dial;
  conn->upstream_address = (OcAddress) { 0 };
  conn->state = OC_CONN_DIAL;
  oc_conn_arm (conn, conn->worker->shared->timeouts.dial_ms);
  submit (dial, &conn->host);
}
