/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What policy says about a question, and what the address policy leaves of an
 * answer. Nothing here is kept: both are asked anew for each answer that leaves.
 * Thread: any worker, no locks but the firewall's.
 */

#include "dns/oc-dns-answer.h"
#include "firewall/oc-firewall.h"
#include "snapshot/oc-snapshot.h"

/* Addresses of one answer for which a direct_ip rule makes grants; the rest is
 * removed, so that a zone with thousands cannot keep a worker busy. */
#define OC_DNS_GRANTS_PER_ANSWER_MAX 64
#define OC_DNS_STALE_TTL_S 30 /* RFC 8767, 4 */

typedef struct
{
  gboolean allowed;
  const OcRule *rule; /* (nullable) */
  OcStr reason;       /* why not */
} OcDnsVerdict;

/* @now_us: since the epoch */
void oc_dns_judge (const OcSnapshot *snapshot, const OcIdentity *identity, const OcDnsQuery *query,
                   gint64 now_us, OcDnsVerdict *out);

/* What becomes of a record. */
enum
{
  OC_DNS_FATE_KEEP,
  OC_DNS_FATE_DROP,
  OC_DNS_FATE_REWRITE, /* SVCB and HTTPS: without some parameters */
};

typedef struct
{
  const OcSnapshot *snapshot;
  const OcRule *rule;   /* that allowed the question */
  OcFirewall *firewall; /* (nullable): then no grant can be made */
  guint32 source_be;
  OcStr name; /* that was asked for, for the list of grants */
} OcDnsFilter;

typedef struct
{
  guint n_removed; /* addresses */
  gboolean changed; /* any fate but KEEP */
  gboolean nothing_left; /* there were addresses in the answer, and none is left */
  gboolean ungranted;    /* the kernel did not take a grant */
  guint n_tried;         /* addresses for which grants were asked for */
} OcDnsFiltered;

/* @ttl_cap_s: of stale answers, else G_MAXUINT32. Grants that the rule asks for
 * are in the kernel on return.
 * @fates: one for each record, written */
void oc_dns_filter_run (const OcDnsFilter *filter, const OcDnsAnswer *answer, guint32 age_s,
                        guint32 ttl_cap_s, guint8 *fates, OcDnsFiltered *out);
/* Takes back the grants that a run for @answer may have made. */
void oc_dns_filter_revoke (const OcDnsFilter *filter, const OcDnsAnswer *answer);
/* Copies checked SVCB rdata without what @filter refuses.
 * @out: @len octets. Returns: how many were written. */
gsize oc_dns_filter_service (const OcDnsFilter *filter, const guint8 *rdata, gsize len,
                             guint8 *out);

/* The TTL to show for a record: counted down, never below zero. */
static inline guint32
oc_dns_ttl_now (guint32 ttl_s, guint32 age_s, guint32 cap_s)
{
  /* A stale answer's cap stands in for what has run out. */
  if (cap_s != G_MAXUINT32)
    return cap_s;
  return ttl_s > age_s ? ttl_s - age_s : 0;
}
