/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A name may be asked for when a rule lets it; everything else is blocked,
 * special names (.local, single labels, reverse names of private ranges) too:
 * they are never sent anywhere unless a rule allows them by a match. A name
 * that is no host name is blocked whatever the rules say, since the policy's
 * functions, the C library and the upstream need not read it alike.
 *
 * An answer's addresses obey the address policy at the time it is served.
 */
#include "config.h"

#include "dns/oc-dns-filter.h"

#include "common/oc-host.h"
#include "dns/oc-dns-compress.h"

#include <netinet/in.h>

#define GRANT_BATCH 16 /* ports for which the firewall is asked at once */

/* --- Questions ------------------------------------------------------------- */

/* Reverse names of RFC 1918, loopback, link-local, CGNAT and unspecified
 * addresses; fc00::/7 and fe80::/10. */
static gboolean
is_private_reverse (OcStr name)
{
  static const char *const zones[]
      = { "10.in-addr.arpa",      "127.in-addr.arpa",     "168.192.in-addr.arpa",
          "254.169.in-addr.arpa", "0.in-addr.arpa",       "c.f.ip6.arpa",
          "d.f.ip6.arpa",         "8.e.f.ip6.arpa",       "9.e.f.ip6.arpa",
          "a.e.f.ip6.arpa",       "b.e.f.ip6.arpa",       "0.0.0.0.0.0.0.0.ip6.arpa" };
  char zone[32];

  for (gsize i = 0; i < G_N_ELEMENTS (zones); i++)
    if (oc_host_in_domain (name, oc_str_from (zones[i])))
      return TRUE;
  if (!oc_str_has_suffix (name, OC_STR (".172.in-addr.arpa"))
      && !oc_str_has_suffix (name, OC_STR (".100.in-addr.arpa")))
    return FALSE;
  for (guint i = 16; i < 128; i++)
    {
      guint first = i < 32 ? 172 : 100;

      if (i >= 32 && i < 64)
        continue;
      g_snprintf (zone, sizeof zone, "%u.%u.in-addr.arpa", i, first);
      if (oc_host_in_domain (name, oc_str_from (zone)))
        return TRUE;
    }
  return FALSE;
}

static OcStr
explain_default (OcStr name)
{
  if (memchr (name.data, '.', name.len) == NULL)
    return OC_STR ("single-label names are not looked up unless a rule allows them");
  if (oc_host_in_domain (name, OC_STR ("local")))
    return OC_STR ("names under .local are not looked up unless a rule allows them");
  if (oc_str_has_suffix (name, OC_STR (".arpa")) && is_private_reverse (name))
    return OC_STR ("reverse names of private ranges are not looked up unless a rule allows them");
  return OC_STR ("no rule allows this name");
}

/* Addresses in any spelling are for the proxy, not for DNS; a last label of
 * digits (or 0x…) is one for somebody's inet_aton(). */
static gboolean
looks_numeric (OcStr name)
{
  gsize at = name.len;

  while (at > 0 && name.data[at - 1] != '.')
    at--;
  return at < name.len && name.data[at] >= '0' && name.data[at] <= '9'
         && (strspn (name.data + at, "0123456789") >= name.len - at
             || (name.len - at >= 2 && name.data[at] == '0' && name.data[at + 1] == 'x'));
}

void
oc_dns_judge (const OcSnapshot *snapshot, const OcIdentity *identity, const OcDnsQuery *query,
              gint64 now_us, OcDnsVerdict *out)
{
  OcPolicyContext context = { .request_time_us = now_us };
  OcPolicyVerdict verdict = { 0 };
  OcStr name = oc_dns_query_text (query);
  char type[16];

  *out = (OcDnsVerdict) { 0 };
  if (!query->is_host || looks_numeric (name))
    {
      out->reason = OC_STR ("not a host name");
      return;
    }
  context.network.hostname = name;
  context.dns.query = name;
  context.dns.record_type = oc_dns_type_name (query->key.type, type);
  oc_identity_fill_context (identity, &context);
  oc_policy_evaluate_name (oc_snapshot_get_policy (snapshot), &context, &verdict);
  out->allowed = verdict.allowed;
  out->rule = verdict.rule;
  if (verdict.allowed)
    return;
  if (verdict.rule == NULL)
    out->reason = explain_default (name);
  else
    out->reason = verdict.rule->reason != NULL ? oc_str_from (verdict.rule->reason)
                                               : OC_STR ("a rule blocks this name");
}

/* --- Answers --------------------------------------------------------------- */

static gboolean
is_refused_address (const OcDnsFilter *filter, const OcAddress *address)
{
  OcAddress inner;

  if (filter->rule->egress.allow_private_ips)
    return FALSE;
  if (oc_address_classify (address) != OC_ADDRESS_PUBLIC
      || oc_snapshot_is_own_address (filter->snapshot, address))
    return TRUE;
  return oc_address_get_embedded (address, &inner)
         && oc_snapshot_is_own_address (filter->snapshot, &inner);
}

/* As is_refused_address(), with the class as it was found when the answer came. */
static gboolean
is_refused_record (const OcDnsFilter *filter, const OcDnsAnswer *answer, const OcDnsRecord *record)
{
  OcAddress address;
  OcAddress inner;

  if (filter->rule->egress.allow_private_ips)
    return FALSE;
  if ((record->flags & OC_DNS_RECORD_PRIVATE) != 0)
    return TRUE;
  address = oc_dns_answer_get_address (answer, record);
  if (oc_snapshot_is_own_address (filter->snapshot, &address))
    return TRUE;
  return (record->flags & OC_DNS_RECORD_EMBEDDED) != 0
         && oc_address_get_embedded (&address, &inner)
         && oc_snapshot_is_own_address (filter->snapshot, &inner);
}

static OcGrantKey
grant_key (const OcDnsFilter *filter, const OcAddress *address, guint16 port)
{
  return (OcGrantKey) { .source_be = filter->source_be,
                        .destination_be = oc_address_get_v4 (address),
                        .protocol = IPPROTO_TCP,
                        .port = port };
}

static gboolean
grant_ports (const OcDnsFilter *filter, const OcAddress *address, guint lifetime_s)
{
  const OcEgress *egress = &filter->rule->egress;
  OcGrantRequest requests[GRANT_BATCH];
  char name[OC_DNS_NAME_MAX + 1];
  gsize done = 0;

  if (filter->firewall == NULL)
    return FALSE;
  g_snprintf (name, sizeof name, "%.*s", (int) filter->name.len, filter->name.data);
  while (done < egress->n_ports)
    {
      gsize n = MIN (egress->n_ports - done, G_N_ELEMENTS (requests));

      for (gsize i = 0; i < n; i++)
        requests[i] = (OcGrantRequest) {
          .key = grant_key (filter, address, egress->ports[done + i]),
          .lifetime_s = lifetime_s,
          .max_bytes = egress->max_bytes,
          .name = name,
          .rule = filter->rule->id,
        };
      if (!oc_firewall_ensure_grants (filter->firewall, requests, n, NULL))
        return FALSE;
      done += n;
    }
  return TRUE;
}

static gboolean
wants_grant (const OcDnsFilter *filter, const OcDnsRecord *record)
{
  return filter->rule->egress.mode == OC_EGRESS_DIRECT_IP && record->type == OC_DNS_TYPE_A
         && record->section == OC_DNS_SECTION_ANSWER;
}

static gboolean
keeps_service_as_is (const OcEgress *egress)
{
  return egress->ech_allow && egress->allow_private_ips && egress->mode != OC_EGRESS_DIRECT_IP;
}

static guint8
fate_of_address (const OcDnsFilter *filter, const OcDnsAnswer *answer, const OcDnsRecord *record,
                 guint lifetime_s, OcDnsFiltered *out)
{
  OcAddress address;

  if (is_refused_record (filter, answer, record))
    return OC_DNS_FATE_DROP;
  if (!wants_grant (filter, record))
    return OC_DNS_FATE_KEEP;
  address = oc_dns_answer_get_address (answer, record);
  if (out->n_tried++ < OC_DNS_GRANTS_PER_ANSWER_MAX && grant_ports (filter, &address, lifetime_s))
    return OC_DNS_FATE_KEEP;
  out->ungranted = TRUE;
  return OC_DNS_FATE_DROP;
}

void
oc_dns_filter_run (const OcDnsFilter *filter, const OcDnsAnswer *answer, guint32 age_s,
                   guint32 ttl_cap_s, guint8 *fates, OcDnsFiltered *out)
{
  guint n_left = 0;
  guint n_removed = 0;

  *out = (OcDnsFiltered) { 0 };
  for (guint i = 0; i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];
      gboolean counts = record->section == OC_DNS_SECTION_ANSWER;

      fates[i] = OC_DNS_FATE_KEEP;
      if ((record->flags & OC_DNS_RECORD_ADDRESS) != 0)
        {
          guint32 ttl_s = oc_dns_ttl_now (record->ttl_s, age_s, ttl_cap_s);

          fates[i] = fate_of_address (filter, answer, record, MAX (ttl_s, 60) + 30, out);
          out->n_removed += fates[i] == OC_DNS_FATE_DROP;
          n_removed += counts && fates[i] == OC_DNS_FATE_DROP;
          n_left += counts && fates[i] == OC_DNS_FATE_KEEP;
        }
      else if ((record->flags & OC_DNS_RECORD_SERVICE) != 0
               && !keeps_service_as_is (&filter->rule->egress))
        fates[i] = OC_DNS_FATE_REWRITE;
      out->changed |= fates[i] != OC_DNS_FATE_KEEP;
    }
  out->nothing_left = n_removed > 0 && n_left == 0;
}

void
oc_dns_filter_revoke (const OcDnsFilter *filter, const OcDnsAnswer *answer)
{
  const OcEgress *egress = &filter->rule->egress;
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (OcGrantKey));

  for (guint i = 0; i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];
      OcAddress address;

      if (!wants_grant (filter, record) || is_refused_record (filter, answer, record))
        continue;
      address = oc_dns_answer_get_address (answer, record);
      for (gsize k = 0; k < egress->n_ports; k++)
        {
          OcGrantKey key = grant_key (filter, &address, egress->ports[k]);

          g_array_append_val (keys, key);
        }
    }
  /* Absent is fine; what cannot be removed now runs out by itself. */
  (void) oc_firewall_remove_grants (filter->firewall, (OcGrantKey *) keys->data, keys->len, NULL);
}

/* --- SVCB and HTTPS -------------------------------------------------------- */

/* Hints with the refused ones left out. Returns: octets written. */
static gsize
copy_hints (const OcDnsFilter *filter, guint16 key, const guint8 *value, gsize len, guint8 *out)
{
  gsize step = key == OC_DNS_SVC_IPV4HINT ? 4 : 16;
  gsize used = 0;

  /* No grant is made for hints, so under direct_ip they would lead nowhere. */
  if (filter->rule->egress.mode == OC_EGRESS_DIRECT_IP)
    return 0;
  for (gsize at = 0; at + step <= len; at += step)
    {
      OcAddress address = { .family = step == 4 ? 4 : 6 };

      memcpy (address.bytes, value + at, step);
      if (is_refused_address (filter, &address))
        continue;
      memcpy (out + used, value + at, step);
      used += step;
    }
  return used;
}

/* Returns: FALSE when the parameter goes, else @out_len octets of its value stay. */
static gboolean
copy_value (const OcDnsFilter *filter, guint16 key, const guint8 *value, gsize len, guint8 *out,
            gsize *out_len)
{
  *out_len = len;
  if (key == OC_DNS_SVC_ECH && !filter->rule->egress.ech_allow)
    return FALSE;
  if (key == OC_DNS_SVC_IPV4HINT || key == OC_DNS_SVC_IPV6HINT)
    {
      *out_len = copy_hints (filter, key, value, len, out);
      return *out_len > 0;
    }
  memcpy (out, value, len);
  return TRUE;
}

/* Takes the keys that are no longer there out of `mandatory`, the first
 * parameter; a record that lists an absent key would be void (RFC 9460, 8). */
static gsize
prune_mandatory (guint8 *params, gsize len)
{
  gsize listed = oc_dns_get16 (params + 2);
  gsize kept = 0;

  for (gsize i = 0; i < listed; i += 2)
    {
      guint16 key = oc_dns_get16 (params + 4 + i);
      gboolean present = FALSE;

      for (gsize at = 4 + listed; at < len; at += 4 + (gsize) oc_dns_get16 (params + at + 2))
        present |= oc_dns_get16 (params + at) == key;
      if (!present)
        continue;
      oc_dns_put16 (params + 4 + kept, key);
      kept += 2;
    }
  if (kept == listed)
    return len;
  /* The list is never empty: without keys the parameter goes. */
  oc_dns_put16 (params + 2, (guint) kept);
  kept = kept > 0 ? kept + 4 : 0;
  memmove (params + kept, params + 4 + listed, len - 4 - listed);
  return len - 4 - listed + kept;
}

gsize
oc_dns_filter_service (const OcDnsFilter *filter, const guint8 *rdata, gsize len, guint8 *out)
{
  gsize at = oc_dns_service_get_params (rdata, len);
  gsize start = at;
  gsize used = at;

  memcpy (out, rdata, at);
  while (len - at >= 4)
    {
      guint16 key = oc_dns_get16 (rdata + at);
      gsize value = oc_dns_get16 (rdata + at + 2);
      gsize kept;

      if (copy_value (filter, key, rdata + at + 4, value, out + used + 4, &kept))
        {
          oc_dns_put16 (out + used, key);
          oc_dns_put16 (out + used + 2, (guint) kept);
          used += 4 + kept;
        }
      at += 4 + value;
    }
  if (used - start >= 4 && oc_dns_get16 (out + start) == OC_DNS_SVC_MANDATORY)
    used = start + prune_mandatory (out + start, used - start);
  return used;
}
