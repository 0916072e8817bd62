/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Counters: of the worker (its own, summed on demand), of the workload (in its
 * identity, which all workers share) and of the rule (in the policy).
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#define ADD(counter, n) atomic_fetch_add_explicit (&(counter), n, memory_order_relaxed)

const char *
oc_proxy_reason_name (OcProxyReason reason)
{
  static const char *const names[] = {
    [OC_PROXY_NO_RULE] = "no_rule",     [OC_PROXY_RULE] = "rule",
    [OC_PROXY_PORT] = "port",           [OC_PROXY_ADDRESS] = "address",
    [OC_PROXY_HELLO] = "client_hello",  [OC_PROXY_NOT_TLS] = "not_tls",
    [OC_PROXY_MAX_BYTES] = "max_bytes", [OC_PROXY_SECRET] = "secret",
    [OC_PROXY_REVOKED] = "revoked",
    [OC_PROXY_NO_LEASE] = "no_lease",   [OC_PROXY_LIMIT] = "limit",
    [OC_PROXY_MALFORMED] = "malformed", [OC_PROXY_SLOW] = "slow",
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (names) == OC_PROXY_N_REASONS);
  return names[reason];
}

void
oc_proxy_count_request (OcConn *conn)
{
  OC_COUNT (conn->worker, requests, 1);
  if (conn->identity != NULL)
    ADD (conn->identity->traffic.requests, 1);
}

void
oc_proxy_count_bytes (OcConn *conn, bool up, gsize n)
{
  if (up)
    conn->bytes_up += n;
  else
    conn->bytes_down += n;
  if (up)
    OC_COUNT (conn->worker, bytes_up, n);
  else
    OC_COUNT (conn->worker, bytes_down, n);
  if (conn->identity != NULL && up)
    ADD (conn->identity->traffic.bytes_up, n);
  else if (conn->identity != NULL)
    ADD (conn->identity->traffic.bytes_down, n);
  if (conn->rule != NULL)
    oc_policy_count_bytes (oc_snapshot_get_policy (conn->worker->snapshot), conn->rule,
                           up ? n : 0, up ? 0 : n);
}

void
oc_proxy_count_upstream (OcConn *conn)
{
  if (conn->rule != NULL)
    oc_policy_count_connection (oc_snapshot_get_policy (conn->worker->snapshot), conn->rule);
}

void
oc_proxy_count_refusal (OcConn *conn, OcProxyReason reason, const OcRule *rule)
{
  OC_COUNT (conn->worker, reasons[reason], 1);
  if (conn->identity != NULL && reason <= OC_PROXY_LAST_BLOCK)
    ADD (conn->identity->traffic.blocked, 1);
  if (rule != NULL)
    oc_policy_count_refusal (oc_snapshot_get_policy (conn->worker->snapshot), rule);
}
