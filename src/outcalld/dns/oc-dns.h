/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The DNS filter: UDP and TCP 53 on every network's gateway. Every question is
 * put to the policy before anything is sent anywhere; answers are cleaned of
 * addresses that a workload has no business with. Worker threads share the
 * snapshot and the cache. Also the daemon's own resolver for the proxy.
 */

#include "firewall/oc-firewall.h"
#include "log/oc-log.h"
#include "snapshot/oc-snapshot.h"

#define OC_DNS_CACHED_NAME_MAX 256

typedef struct OcDns OcDns;
typedef struct OcResolver OcResolver;

typedef struct
{
  guint16 port;          /* 53 */
  guint n_workers;       /* at least 1 */
  guint32 rate_per_s;    /* per workload; burst is twice that; 0: no limit */
  const char *upstreams; /* (nullable): "IP[:port],…"; NULL: /etc/resolv.conf, followed */
} OcDnsOptions;

/* Thread: main, all but where said. */
OcDns *oc_dns_new (const OcDnsOptions *options, OcSnapshotHub *hub, OcLog *log,
                   OcFirewall *firewall, GError **error);
void oc_dns_free (OcDns *dns); /* stops and joins the workers */

/* Serves @gateway from now on. Fails when the address or port cannot be bound. */
gboolean oc_dns_add_gateway (OcDns *dns, const OcAddress *gateway, GError **error);
void oc_dns_remove_gateway (OcDns *dns, const OcAddress *gateway);

/* New upstreams, as in the options; waiting questions finish with the old ones. */
gboolean oc_dns_set_upstreams (OcDns *dns, const char *upstreams, GError **error);
/* The rate per workload, as in the options, from the next query on. */
void oc_dns_set_rate (OcDns *dns, guint32 rate_per_s);
void oc_dns_flush_cache (OcDns *dns);

typedef struct
{
  guint64 queries, allowed, blocked, refused, malformed, rate_limited;
  guint64 cache_hits, cache_misses, upstream_queries, upstream_failures, addresses_removed;
  guint64 spoofed; /* datagrams that answered no question of ours */
  gsize cache_entries;
} OcDnsStats;
void oc_dns_get_stats (OcDns *dns, OcDnsStats *out);

#define OC_DNS_UPSTREAMS_MAX 8

/* One server that questions are forwarded to. */
typedef struct
{
  OcAddress address;
  guint16 port;
  gboolean up;        /* has not failed within the last 30 s */
  guint64 asked, failed;
  guint32 latency_us; /* of the answers of late, smoothed; 0: none yet */
} OcDnsUpstreamStats;

/* In the order in which they are asked. @out: OC_DNS_UPSTREAMS_MAX. Returns: how many. */
guint oc_dns_get_upstreams (OcDns *dns, OcDnsUpstreamStats *out);

/* An answer in the cache. */
typedef struct
{
  char name[OC_DNS_CACHED_NAME_MAX]; /* octets that no host name has are "?" */
  char type[16];
  guint rcode;
  guint n_records;
  gint64 ttl_s; /* left; negative: so long out of date, kept for when upstreams fail */
  gboolean dnssec_ok, checking_disabled;
} OcDnsCached;

typedef struct
{
  gsize n_entries, entries_max;
  gsize n_bytes, bytes_max;
} OcDnsCacheSize;

void oc_dns_get_cache_size (OcDns *dns, OcDnsCacheSize *out);
/* (transfer full) (element-type OcDnsCached): in no order */
GArray *oc_dns_list_cache (OcDns *dns);

/* --- The daemon's own look-ups (proxy upstreams) -------------------------- */

#define OC_RESOLVE_ADDRESSES_MAX 16

typedef enum
{
  OC_RESOLVE_OK,
  OC_RESOLVE_NO_NAME, /* NXDOMAIN, or neither A nor AAAA */
  OC_RESOLVE_FAILED,  /* no upstream answered */
} OcResolveStatus;

typedef struct
{
  guint64 token; /* as given */
  OcResolveStatus status;
  guint n_addresses;
  OcAddress addresses[OC_RESOLVE_ADDRESSES_MAX]; /* IPv4 and IPv6; no address policy applied */
} OcResolveReply;

/* One per thread that asks. Thread: main creates and frees. */
OcResolver *oc_dns_add_resolver (OcDns *dns);
void oc_resolver_free (OcResolver *resolver);
/* The three below are for the asking thread. The eventfd is readable while
 * replies wait. */
int oc_resolver_get_fd (OcResolver *resolver);
/* @host: canonical name. Asks for A and AAAA through the cache and the
 * upstreams; no policy (the caller has its verdict). Never blocks.
 * Returns: false when too many look-ups wait already. */
gboolean oc_resolver_submit (OcResolver *resolver, OcStr host, guint64 token);
gboolean oc_resolver_take (OcResolver *resolver, OcResolveReply *out);
