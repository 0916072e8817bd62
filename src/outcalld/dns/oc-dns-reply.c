/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-reply.h"

#include <string.h>

#define OPT_LEN 11

gsize
oc_dns_reply_limit (const OcDnsQuery *query, gboolean tcp)
{
  return tcp ? OC_DNS_TCP_MAX : MIN (query->udp_size, OC_DNS_UDP_MAX);
}

/* Header and question. Counts other than the question's are zero. */
static gsize
put_head (const OcDnsQuery *query, guint rcode, guint16 flags, guint8 *out)
{
  guint16 copied = query->flags & (OC_DNS_OPCODE | OC_DNS_RD | OC_DNS_CD);

  oc_dns_put16 (out, query->id);
  oc_dns_put16 (out + 2, OC_DNS_QR | OC_DNS_RA | copied | flags | (rcode & OC_DNS_RCODE));
  memset (out + 4, 0, 8);
  out[5] = query->question_len > 0;
  memcpy (out + OC_DNS_HEADER_LEN, query->question, query->question_len);
  return OC_DNS_HEADER_LEN + query->question_len;
}

static gsize
put_opt (const OcDnsQuery *query, guint rcode, int ede, OcStr text, guint8 *out)
{
  gsize text_len = MIN (text.len, OC_DNS_EDE_TEXT_MAX);
  gsize option_len = ede == OC_DNS_EDE_NONE ? 0 : 6 + text_len;

  if (!query->has_edns)
    return 0;
  out[0] = 0;
  oc_dns_put16 (out + 1, OC_DNS_TYPE_OPT);
  oc_dns_put16 (out + 3, OC_DNS_UDP_MAX);
  out[5] = (guint8) (rcode >> 4);
  out[6] = 0;
  oc_dns_put16 (out + 7, query->key.dnssec_ok ? 0x8000 : 0);
  oc_dns_put16 (out + 9, (guint) option_len);
  if (option_len > 0)
    {
      oc_dns_put16 (out + OPT_LEN, 15); /* the option's code, RFC 8914 */
      oc_dns_put16 (out + OPT_LEN + 2, (guint) (2 + text_len));
      oc_dns_put16 (out + OPT_LEN + 4, (guint) ede);
      memcpy (out + OPT_LEN + 6, text.data, text_len);
    }
  return OPT_LEN + option_len;
}

static void
add_opt (const OcDnsQuery *query, guint rcode, int ede, OcStr text, guint8 *out, gsize *len)
{
  gsize added = put_opt (query, rcode, ede, text, out + *len);

  *len += added;
  if (added > 0)
    oc_dns_put16 (out + 10, oc_dns_get16 (out + 10) + 1u);
}

gsize
oc_dns_reply_error (const OcDnsQuery *query, guint rcode, int ede, OcStr ede_text, guint8 *out)
{
  gsize len = put_head (query, rcode, 0, out);

  add_opt (query, rcode, ede, ede_text, out, &len);
  return len;
}

gsize
oc_dns_reply_blocked (const OcDnsQuery *query, OcStr rule_id, guint8 *out)
{
  enum
  {
    RDATA = 17 + 16 + 20
  };
  /* Owner: the name that was asked for, by pointer. */
  static const guint8 soa[] = {
    0xc0, OC_DNS_HEADER_LEN, 0, OC_DNS_TYPE_SOA, 0, OC_DNS_CLASS_IN,
    0, 0, 0, OC_DNS_BLOCKED_TTL_S, 0, RDATA,
    /* outcall.invalid., nobody.invalid. */
    7, 'o', 'u', 't', 'c', 'a', 'l', 'l', 7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0,
    6, 'n', 'o', 'b', 'o', 'd', 'y', 7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0,
    /* serial, refresh, retry, expire, minimum */
    0, 0, 0, 1, 0, 0, 0x0e, 0x10, 0, 0, 0x02, 0x58, 0, 1, 0x51, 0x80,
    0, 0, 0, OC_DNS_BLOCKED_TTL_S,
  };
  gsize len = put_head (query, OC_DNS_NXDOMAIN, OC_DNS_AA, out);

  G_STATIC_ASSERT (sizeof soa == 12 + RDATA);
  memcpy (out + len, soa, sizeof soa);
  len += sizeof soa;
  out[9] = 1;
  add_opt (query, OC_DNS_NXDOMAIN, OC_DNS_EDE_BLOCKED, rule_id, out, &len);
  return len;
}

/* --- Answers with records -------------------------------------------------- */

static void
patch_ttls (const OcDnsServed *served, guint8 *block)
{
  const OcDnsAnswer *answer = served->answer;

  for (guint i = 0; i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];

      oc_dns_put32 (block + record->rdata - 6,
                    oc_dns_ttl_now (record->ttl_s, served->age_s, served->ttl_cap_s));
    }
}

/* One record at @out. Returns: its octets. */
static gsize
copy_record (const OcDnsServed *served, const OcDnsRecord *record, guint8 fate, guint8 *out)
{
  const guint8 *source = served->answer->block + record->offset;
  gsize head = (gsize) record->rdata - record->offset;
  gsize rdata_len = record->rdata_len;

  memcpy (out, source, head);
  oc_dns_put32 (out + head - 6, oc_dns_ttl_now (record->ttl_s, served->age_s, served->ttl_cap_s));
  if (fate == OC_DNS_FATE_REWRITE)
    rdata_len = oc_dns_filter_service (served->filter, source + head, rdata_len, out + head);
  else
    memcpy (out + head, source + head, rdata_len);
  oc_dns_put16 (out + head - 2, (guint) rdata_len);
  return head + rdata_len;
}

/* Pointers lead to places before the first record that can have another fate
 * than KEEP, so they stay true when later ones move up.
 * Returns: octets written, or G_MAXSIZE when @room is too small. */
static gsize
copy_records (const OcDnsServed *served, gsize room, guint8 *out, guint counts[3])
{
  const OcDnsAnswer *answer = served->answer;
  gsize used = 0;

  for (guint i = 0; i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];
      gsize most = (gsize) record->rdata - record->offset + record->rdata_len;

      if (served->fates[i] == OC_DNS_FATE_DROP)
        continue;
      if (most > room - used)
        return G_MAXSIZE;
      used += copy_record (served, record, served->fates[i], out + used);
      counts[record->section]++;
    }
  return used;
}

static gsize
put_records (const OcDnsServed *served, gsize room, guint8 *out, guint counts[3])
{
  const OcDnsAnswer *answer = served->answer;

  if (served->fates != NULL)
    return copy_records (served, room, out, counts);
  if (answer->block_len > room)
    return G_MAXSIZE;
  memcpy (out, answer->block, answer->block_len);
  patch_ttls (served, out);
  for (guint i = 0; i < 3; i++)
    counts[i] = answer->n_section[i];
  return answer->block_len;
}

gsize
oc_dns_reply_answer (const OcDnsQuery *query, const OcDnsServed *served, gsize limit, guint8 *out)
{
  const OcDnsAnswer *answer = served->answer;
  gboolean stale = served->ttl_cap_s != G_MAXUINT32;
  int ede = stale ? OC_DNS_EDE_STALE : OC_DNS_EDE_NONE;
  /* RFC 6840, 5.8: AD is for those who ask for it; a cut answer is not authentic. */
  gboolean wants_ad = query->key.dnssec_ok || (query->flags & OC_DNS_AD) != 0;
  guint16 flags = answer->authentic && wants_ad && served->fates == NULL ? OC_DNS_AD : 0;
  gsize opt = query->has_edns ? OPT_LEN + (stale ? 6u : 0u) : 0;
  gsize len = put_head (query, answer->rcode, flags, out);
  guint counts[3] = { 0 };
  gsize block = put_records (served, limit - len - opt, out + len, counts);

  if (block == G_MAXSIZE)
    out[2] |= OC_DNS_TC >> 8;
  else
    {
      len += block;
      for (guint i = 0; i < 3; i++)
        oc_dns_put16 (out + 6 + 2 * i, counts[i]);
    }
  add_opt (query, answer->rcode, ede, OC_STR_EMPTY, out, &len);
  return len;
}
