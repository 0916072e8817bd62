/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Writes answers. No allocation. Any thread.
 * @out has OC_DNS_UDP_MAX octets for the short forms and @limit for the long.
 */

#include "dns/oc-dns-answer.h"
#include "dns/oc-dns-filter.h"

#define OC_DNS_BLOCKED_TTL_S 60
#define OC_DNS_EDE_TEXT_MAX 128

/* RFC 8914 */
enum
{
  OC_DNS_EDE_NONE = -1,
  OC_DNS_EDE_OTHER = 0,
  OC_DNS_EDE_STALE = 3,
  OC_DNS_EDE_BLOCKED = 15,
  OC_DNS_EDE_FILTERED = 17,
  OC_DNS_EDE_PROHIBITED = 18,
  OC_DNS_EDE_NETWORK = 23,
};

/* What the asker takes. */
gsize oc_dns_reply_limit (const OcDnsQuery *query, gboolean tcp);

/* Header, the question if there is one, OPT if the query had one. */
gsize oc_dns_reply_error (const OcDnsQuery *query, guint rcode, int ede, OcStr ede_text,
                          guint8 *out);
/* NXDOMAIN with an SOA that lets resolvers keep it for a minute. */
gsize oc_dns_reply_blocked (const OcDnsQuery *query, OcStr rule_id, guint8 *out);

typedef struct
{
  const OcDnsAnswer *answer;
  guint32 age_s;
  guint32 ttl_cap_s;         /* G_MAXUINT32, or that of a stale answer */
  const guint8 *fates;       /* (nullable): NULL keeps everything */
  const OcDnsFilter *filter; /* (nullable) unless a fate is REWRITE */
} OcDnsServed;

/* With TC and no records when it does not fit into @limit. */
gsize oc_dns_reply_answer (const OcDnsQuery *query, const OcDnsServed *served, gsize limit,
                           guint8 *out);
