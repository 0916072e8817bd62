/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Questions to the policy. What is asked is exactly what goes upstream: the
 * canonical host that is resolved, the port that is dialled, the path that is
 * sent, the headers that are passed on (hop-by-hop ones are not).
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

static OcStr
host_name (const OcHost *host)
{
  return oc_str (host->name, host->len);
}

static void
fill_network (const OcConn *conn, const OcHost *host, guint16 port, OcPolicyContext *context)
{
  oc_identity_fill_context (conn->identity, context);
  context->request_time_us = g_get_real_time ();
  context->network.hostname = host_name (host);
  context->network.port = port;
  context->network.protocol = OC_STR ("tcp");
  if (host->address.family != 0)
    context->network.ip = host_name (host);
  context->http.host = host_name (host);
}

static const char *
explain (OcConn *conn, const OcPolicyVerdict *verdict, const OcHost *host, guint16 port)
{
  OcWorker *worker = conn->worker;

  if (verdict->rule == NULL)
    g_snprintf (worker->reason, sizeof worker->reason, "no rule allows %s:%u", host->name, port);
  else if (verdict->rule->reason != NULL)
    return verdict->rule->reason;
  else
    g_snprintf (worker->reason, sizeof worker->reason, "rule %s blocks %s:%u", verdict->rule->id,
                host->name, port);
  return worker->reason;
}

static void
push (OcConn *conn, OcLayer layer, const OcPolicyContext *context, const OcProxyVerdict *verdict)
{
  OcDecision decision = {
    .layer = layer,
    .allowed = verdict->allowed,
    .workload = oc_str_from (conn->identity->name),
    .agent = oc_str_from (conn->identity->agent_name),
    .host = context->network.hostname,
    .port = (guint16) context->network.port,
    .method = context->http.method,
    .path = context->http.path,
    .rule = verdict->rule != NULL ? oc_str_from (verdict->rule->id) : OC_STR_EMPTY,
    .reason = verdict->allowed ? OC_STR_EMPTY : oc_str_from (verdict->reason),
    .time_us = context->request_time_us,
  };

  oc_proxy_log_end (conn);
  if (!verdict->allowed)
    {
      oc_log_push (conn->worker->log, &decision);
      oc_proxy_count_refusal (conn, verdict->why, verdict->rule);
      return;
    }
  conn->judged_us = conn->worker->now_us;
  conn->bytes_up = conn->bytes_down = 0;
  oc_log_push_open (conn->worker->log, &decision, &conn->ticket);
}

void
oc_proxy_log_end (OcConn *conn)
{
  const OcDecision end = { .address = conn->upstream_address,
                           .bytes_up = conn->bytes_up,
                           .bytes_down = conn->bytes_down,
                           .duration_us = conn->worker->now_us - conn->judged_us };

  oc_log_push_end (conn->worker->log, &conn->ticket, &end);
}

static bool
names_port (OcConn *conn, const OcRule *rule, guint16 port)
{
  return oc_rule_names_port (oc_snapshot_get_policy (conn->worker->snapshot), rule, port);
}

/* Ports where something other than HTTP answers, to which an HTTP request can
 * be a message too. */
static bool
is_foreign_port (guint16 port)
{
  static const guint16 ports[]
      = { 7,   9,   13,  19,  21,  22,  23,  25,  53,   79,   110,  111,  119,  135,  139,  143,
          389, 445, 465, 514, 515, 587, 636, 873, 993, 995,
          1433, 1521, 2049, 3306, 5432, 6379, 6667, 11211, 27017 };

  for (gsize i = 0; i < G_N_ELEMENTS (ports); i++)
    if (ports[i] == port)
      return true;
  return false;
}

static OcProxyVerdict
ask (OcConn *conn, const OcPolicyContext *context, const OcHost *host, bool needs_port)
{
  OcWorker *worker = conn->worker;
  guint16 port = (guint16) context->network.port;
  OcPolicyVerdict verdict;

  oc_policy_evaluate (oc_snapshot_get_policy (worker->snapshot), context, &verdict);
  if (!verdict.allowed)
    return (OcProxyVerdict) { false, verdict.rule, explain (conn, &verdict, host, port),
                              verdict.rule != NULL ? OC_PROXY_RULE : OC_PROXY_NO_RULE };
  if (needs_port && !names_port (conn, verdict.rule, port))
    {
      g_snprintf (worker->reason, sizeof worker->reason,
                  "rule %s does not name port %u, which is needed for this port",
                  verdict.rule->id, port);
      return (OcProxyVerdict) { false, verdict.rule, worker->reason, OC_PROXY_PORT };
    }
  return (OcProxyVerdict) { .allowed = true, .rule = verdict.rule };
}

static void
fill_tunnel (const OcConn *conn, const OcHost *host, guint16 port, OcPolicyContext *context)
{
  fill_network (conn, host, port, context);
  context->http.method = OC_STR ("CONNECT");
  context->http.path = OC_STR ("/");
}

static bool
leads_to_intercept (OcConn *conn, const OcPolicyContext *context, OcPolicyUnknown unknown)
{
  OcPolicyVerdict verdict;

  oc_policy_evaluate_early (oc_snapshot_get_policy (conn->worker->snapshot), context, unknown,
                            &verdict);
  return verdict.allowed && verdict.rule->egress.mode == OC_EGRESS_INTERCEPT;
}

bool
oc_proxy_is_intercepted (OcConn *conn, const OcHost *host)
{
  OcPolicyContext inside = { 0 };
  OcPolicyContext tunnel = { 0 };

  if (conn->worker->shared->options.intercept == NULL)
    return false;
  fill_network (conn, host, conn->port, &inside);
  inside.http.scheme = OC_STR ("https");
  fill_tunnel (conn, host, conn->port, &tunnel);
  /* A rule before it that might have let a request through does not make a tunnel of it. */
  return leads_to_intercept (conn, &inside, OC_POLICY_UNKNOWN_REQUEST)
         || leads_to_intercept (conn, &tunnel, OC_POLICY_UNKNOWN_NOTHING);
}

OcProxyVerdict
oc_proxy_judge_tunnel (OcConn *conn, const OcHost *host, guint16 port, OcLayer layer, bool log)
{
  OcPolicyContext context = { 0 };
  OcProxyVerdict verdict;

  fill_tunnel (conn, host, port, &context);
  verdict = ask (conn, &context, host, port != 443);
  if (log)
    push (conn, layer, &context, &verdict);
  return verdict;
}

/* --- Plain HTTP ----------------------------------------------------------------- */

typedef struct
{
  char *data;
  gsize len, size;
} Arena;

static OcStr
arena_lower (Arena *arena, OcStr text)
{
  char *start = arena->data + arena->len;

  g_assert (text.len <= arena->size - arena->len);
  for (gsize i = 0; i < text.len; i++)
    start[i] = g_ascii_tolower (text.data[i]);
  arena->len += text.len;
  return oc_str (start, text.len);
}

/* "a, b": what a list header means when it comes twice. The policy must not
 * see one line and the server act on the other. */
static OcStr
arena_join (Arena *arena, OcStr a, OcStr b)
{
  char *start = arena->data + arena->len;
  gsize len = a.len + b.len + 2;

  if (len > arena->size - arena->len)
    return OC_STR_EMPTY;
  memcpy (start, a.data, a.len);
  memcpy (start + a.len, ", ", 2);
  memcpy (start + a.len + 2, b.data, b.len);
  arena->len += len;
  return oc_str (start, len);
}

static OcPair *
find_pair (OcWorker *worker, gsize n, OcStr name)
{
  for (gsize i = 0; i < n; i++)
    if (oc_str_equal (worker->pairs[i].name, name))
      return &worker->pairs[i];
  return NULL;
}

static gsize
fill_headers (OcWorker *worker)
{
  const OcHttpHead *head = &worker->head;
  Arena arena = { worker->lower, 0, worker->shared->buffer_size };
  gsize n = 0;

  for (gsize i = 0; i < head->n_headers; i++)
    {
      const OcHttpHeader *header = &head->headers[i];
      OcStr name;
      OcPair *twice;

      if (oc_http_is_hop_by_hop (head, header))
        continue;
      name = arena_lower (&arena, header->name);
      twice = find_pair (worker, n, name);
      if (twice != NULL)
        twice->value = arena_join (&arena, twice->value, header->value);
      else
        worker->pairs[n++] = (OcPair) { name, header->value };
    }
  /* Connection and Upgrade were left out above, so there is room for the one
   * that goes on. */
  if (oc_http_is_websocket (head))
    worker->pairs[n++] = (OcPair) { OC_STR ("upgrade"), OC_STR ("websocket") };
  return n;
}

/* Inside TLS a rule may look at the query too; the log never does. */
static OcStr
get_judged_path (OcConn *conn, const OcTarget *target)
{
  OcWorker *worker = conn->worker;

  if (!conn->inside || target->query.len == 0)
    return target->path;
  /* Both come from one request line. */
  g_assert (target->path.len + target->query.len <= sizeof worker->path);
  memcpy (worker->path, target->path.data, target->path.len);
  memcpy (worker->path + target->path.len, target->query.data, target->query.len);
  return oc_str (worker->path, target->path.len + target->query.len);
}

static void
fill_request (OcConn *conn, const OcTarget *target, OcPolicyContext *context)
{
  OcWorker *worker = conn->worker;

  fill_network (conn, &conn->host, conn->port, context);
  context->http.method = worker->head.method;
  context->http.path = get_judged_path (conn, target);
  context->http.scheme = conn->inside ? OC_STR ("https") : OC_STR ("http");
  context->http.headers = worker->pairs;
  context->http.n_headers = fill_headers (worker);
  context->http.body_size
      = worker->head.body == OC_HTTP_BODY_LENGTH ? (gint64) worker->head.content_length : 0;
  if (conn->body == NULL)
    return;
  context->http.body = oc_str (conn->body->data, conn->body->len);
  context->http.body_size = (gint64) conn->body->len;
}

bool
oc_proxy_wants_body (OcConn *conn, const OcTarget *target)
{
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  /* No rule asks for it without a CA. */
  if (conn->worker->shared->options.intercept == NULL
      || conn->worker->head.body == OC_HTTP_BODY_NONE)
    return false;
  fill_request (conn, target, &context);
  oc_policy_evaluate_early (oc_snapshot_get_policy (conn->worker->snapshot), &context,
                            OC_POLICY_UNKNOWN_BODY, &verdict);
  return verdict.allowed && verdict.rule->egress.match_body;
}

OcProxyVerdict
oc_proxy_judge_request (OcConn *conn, const OcTarget *target, bool log)
{
  OcPolicyContext context = { 0 };
  OcProxyVerdict verdict;

  fill_request (conn, target, &context);
  verdict = ask (conn, &context, &conn->host,
                 conn->inside ? conn->port != 443 : is_foreign_port (conn->port));
  if (verdict.allowed)
    {
      const char *why_not = oc_inject_check (conn, verdict.rule);

      if (why_not != NULL)
        verdict = (OcProxyVerdict) { false, verdict.rule, why_not, OC_PROXY_SECRET };
    }
  context.http.path = target->path;
  if (log)
    push (conn, OC_LAYER_HTTP, &context, &verdict);
  return verdict;
}

OcLayer
oc_proxy_get_layer (const OcConn *conn)
{
  if (!conn->is_tunnel_request)
    return OC_LAYER_HTTP;
  return conn->mode == OC_MODE_TLS || conn->sni != NULL ? OC_LAYER_TLS : OC_LAYER_CONNECT;
}

/* --- Addresses --------------------------------------------------------------------- */

const char *
oc_proxy_judge_address (OcConn *conn, const OcAddress *address)
{
  OcAddressClass class = oc_address_classify (address);

  if (address->family == 0 || (conn->rule != NULL && conn->rule->egress.allow_private_ips))
    return NULL;
  if (oc_snapshot_is_own_address (conn->worker->snapshot, address))
    return "this host's own";
  return class == OC_ADDRESS_PUBLIC ? NULL : oc_address_class_name (class);
}

void
oc_proxy_log_block (OcConn *conn, OcProxyReason why, OcLayer layer, const OcAddress *address,
                    const char *reason)
{
  OcDecision decision = {
    .layer = layer,
    .workload = oc_str_from (conn->identity->name),
    .agent = oc_str_from (conn->identity->agent_name),
    .host = host_name (conn->sni != NULL ? conn->sni : &conn->host),
    .port = conn->port,
    .rule = conn->rule != NULL ? oc_str_from (conn->rule->id) : OC_STR_EMPTY,
    .reason = oc_str_from (reason),
  };

  if (address != NULL)
    decision.address = *address;
  oc_log_push (conn->worker->log, &decision);
  oc_proxy_count_refusal (conn, why, conn->rule);
}

/* --- After a reload ------------------------------------------------------------------ */

void
oc_proxy_set_rule (OcConn *conn, const OcRule *rule)
{
  conn->rule = rule;
  conn->judged = true;
  conn->max_bytes = rule->egress.max_bytes;
  conn->gate_plain = conn->is_tunnel_request && names_port (conn, rule, conn->port);
}

static bool
same_workload (OcConn *conn)
{
  const OcIdentity *now = oc_snapshot_lookup (conn->worker->snapshot, &conn->identity->address);

  return now != NULL && g_str_equal (now->id, conn->identity->id);
}

/* conn->rule is of the old policy until one of these has set it. */
static bool
take_verdict (OcConn *conn, const OcProxyVerdict *verdict)
{
  if (verdict->allowed)
    oc_proxy_set_rule (conn, verdict->rule);
  else
    conn->rule = verdict->rule;
  return verdict->allowed;
}

static bool
request_still_allowed (OcConn *conn)
{
  OcWorker *worker = conn->worker;
  OcHttpLimits limits = { .head_max = worker->shared->options.head_max };
  OcTarget target;
  OcProxyVerdict verdict;
  gsize consumed;

  conn->rule = NULL;
  /* It was parsed before; anything else than the same result is a reason to end. */
  if (oc_http_parse_request (conn->head, conn->head_len, &limits, &worker->head, &consumed, NULL)
          != OC_HTTP_OK
      || (oc_target_parse_absolute (worker->head.target, &target) != NULL
          && oc_target_parse_origin (worker->head.target, &target) != NULL))
    {
      conn->rule = NULL; /* of a policy that may be gone */
      return false;
    }
  verdict = oc_proxy_judge_request (conn, &target, false);
  return take_verdict (conn, &verdict);
}

static bool
tunnel_still_allowed (OcConn *conn)
{
  OcProxyVerdict verdict
      = oc_proxy_judge_tunnel (conn, &conn->host, conn->port, OC_LAYER_CONNECT, false);

  /* It began closed, and would be opened now. */
  if (oc_proxy_is_intercepted (conn, &conn->host)
      || (conn->sni != NULL && oc_proxy_is_intercepted (conn, conn->sni)))
    {
      conn->rule = NULL;
      return false;
    }
  if (!take_verdict (conn, &verdict) || (conn->is_plain && !conn->gate_plain))
    return false;
  if (conn->sni != NULL)
    verdict = oc_proxy_judge_tunnel (conn, conn->sni, conn->port, OC_LAYER_TLS, false);
  if (!verdict.allowed)
    conn->rule = verdict.rule;
  return verdict.allowed && (!conn->needs_ech || verdict.rule->egress.ech_allow);
}

static bool
judged_still_allowed (OcConn *conn)
{
  if (!(conn->is_tunnel_request ? tunnel_still_allowed (conn) : request_still_allowed (conn)))
    return false;
  return conn->upstream.fd < 0 || oc_proxy_judge_address (conn, &conn->upstream_address) == NULL;
}

bool
oc_proxy_still_allowed (OcConn *conn)
{
  const char *reason = "the rules no longer allow this connection";

  if (conn->state == OC_CONN_FLUSH || conn->state == OC_CONN_LINGER || conn->identity == NULL)
    {
      conn->rule = NULL; /* of a policy that may be gone */
      return true;
    }
  if (!same_workload (conn))
    {
      conn->rule = NULL;
      reason = "the workload has ended";
    }
  else if (conn->inside && !oc_proxy_is_intercepted (conn, &conn->host))
    conn->rule = NULL;
  else if (!conn->judged || judged_still_allowed (conn))
    return true;
  if (conn->judged)
    oc_proxy_log_block (conn, OC_PROXY_REVOKED, oc_proxy_get_layer (conn), NULL, reason);
  return false;
}
