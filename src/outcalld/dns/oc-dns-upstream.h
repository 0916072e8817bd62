/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The servers that questions are forwarded to, in order, and whether each has
 * answered lately. A set is immutable but for its health, reference counted,
 * shared by all workers. Any thread.
 */

#include "dns/oc-dns.h"

#include <gio/gio.h>
#include <stdatomic.h>

#define OC_DNS_UPSTREAM_PORT 53
#define OC_DNS_UPSTREAM_SKIP_S 30
#define OC_DNS_RESOLV_CONF "/etc/resolv.conf"

typedef struct
{
  OcAddress address;
  guint16 port;
  atomic_llong failed_until_us; /* monotonic */
  atomic_ullong n_asked, n_failed;
  atomic_uint latency_us; /* smoothed as RFC 6298 does it */
} OcDnsUpstream;

typedef struct
{
  gatomicrefcount ref_count;
  guint n;
  OcDnsUpstream items[OC_DNS_UPSTREAMS_MAX];
} OcDnsUpstreams;

/* @text: "IP[:port],…", IPv6 with a port in brackets. (transfer full) (nullable) */
OcDnsUpstreams *oc_dns_upstreams_parse (const char *text, GError **error);
/* The `nameserver` lines of @text, a resolv.conf; those beyond the limit and
 * those that are no plain address are left out. (transfer full): may be empty */
OcDnsUpstreams *oc_dns_upstreams_from_resolv_conf (const char *text);
OcDnsUpstreams *oc_dns_upstreams_ref (OcDnsUpstreams *upstreams);
void oc_dns_upstreams_unref (OcDnsUpstreams *upstreams);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcDnsUpstreams, oc_dns_upstreams_unref)

/* Whether each has failed within OC_DNS_UPSTREAM_SKIP_S; TRUE when there is none. */
gboolean oc_dns_upstreams_are_down (OcDnsUpstreams *upstreams, gint64 now_us);
/* The first healthy one whose bit is not in @tried, else of those that are not in
 * it the one that failed longest ago. Returns: -1 when all were tried. */
int oc_dns_upstreams_choose (OcDnsUpstreams *upstreams, guint32 tried, gint64 now_us);
void oc_dns_upstream_note (OcDnsUpstream *upstream, gboolean answered, gint64 now_us);
/* How long an answer took. */
void oc_dns_upstream_note_latency (OcDnsUpstream *upstream, gint64 latency_us);
