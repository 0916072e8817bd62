/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The HTTP proxy on every network's gateway: explicit (CONNECT and absolute
 * form), and transparent for the TCP 80 and 443 that nftables redirects. Worker
 * threads on epoll; tunnels are spliced.
 */

#include "dns/oc-dns.h"
#include "intercept/oc-intercept.h"
#include "log/oc-log.h"
#include "snapshot/oc-snapshot.h"

/* Where nftables redirects to; not reachable except by the redirect. */
#define OC_PROXY_HTTP_PORT 8081
#define OC_PROXY_TLS_PORT 8443

typedef struct OcProxy OcProxy;

typedef struct
{
  guint16 port; /* explicit; 8080 */
  guint n_workers;
  gsize head_max; /* bytes */
  guint max_connections;              /* 4096 */
  guint max_connections_per_workload; /* 512 */
  OcIntercept *intercept; /* (nullable): nothing is opened; outlives the proxy */
} OcProxyOptions;

/* Thread: main, all. @dns outlives the proxy. */
OcProxy *oc_proxy_new (const OcProxyOptions *options, OcSnapshotHub *hub, OcLog *log, OcDns *dns,
                       GError **error);
void oc_proxy_free (OcProxy *proxy); /* closes every connection, joins the workers */

gboolean oc_proxy_add_gateway (OcProxy *proxy, const OcAddress *gateway, GError **error);
void oc_proxy_remove_gateway (OcProxy *proxy, const OcAddress *gateway);

/* What goes out from now on goes through the HTTP proxy at @upstream,
 * "[http://]HOST[:PORT]"; NULL: straight to its target. */
gboolean oc_proxy_set_upstream (OcProxy *proxy, const char *upstream, GError **error);
/* Whether that would accept @upstream. */
gboolean oc_proxy_check_upstream (const char *upstream, GError **error);
/* (nullable): as set */
const char *oc_proxy_get_upstream (OcProxy *proxy);

/* No new connections; those that live may finish within @drain_ms. Returns at once. */
void oc_proxy_stop (OcProxy *proxy, guint drain_ms);

/* Why something was turned away. Those up to OC_PROXY_LAST_BLOCK are verdicts
 * and in the decision log; the others concern form and limits. */
typedef enum
{
  OC_PROXY_NO_RULE,   /* nothing allows it */
  OC_PROXY_RULE,      /* a rule blocks it */
  OC_PROXY_PORT,      /* the rule does not name the port */
  OC_PROXY_ADDRESS,   /* the host is at a private or reserved address */
  OC_PROXY_HELLO,     /* ClientHello that hides or garbles its name */
  OC_PROXY_NOT_TLS,   /* something else in a tunnel for TLS */
  OC_PROXY_MAX_BYTES, /* more sent than the rule allows */
  OC_PROXY_SECRET,    /* a placeholder where it does not belong, or no secret for it */
  OC_PROXY_REVOKED,   /* allowed once; ended by a reload or with its workload */
  OC_PROXY_LAST_BLOCK = OC_PROXY_REVOKED,
  OC_PROXY_NO_LEASE,  /* a source that is no workload */
  OC_PROXY_LIMIT,     /* too many connections */
  OC_PROXY_MALFORMED, /* framing that is not sound */
  OC_PROXY_SLOW,      /* head or ClientHello did not come in time */
  OC_PROXY_N_REASONS,
} OcProxyReason;

/* "no_rule", "rule", …: for counters. Static. */
const char *oc_proxy_reason_name (OcProxyReason reason);

typedef struct
{
  guint64 connections, requests, tunnels, upstream_errors;
  guint64 reasons[OC_PROXY_N_REASONS];
  guint64 blocked, refused; /* sums of the two kinds of reasons */
  guint64 bytes_up, bytes_down;
  gsize active;
} OcProxyStats;
void oc_proxy_get_stats (OcProxy *proxy, OcProxyStats *out);
