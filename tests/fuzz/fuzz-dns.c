/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The input as a query and as an upstream's answer, read by us and by ldns.
 * Whatever we take must read the same there, before and after we write it anew.
 * Then the answer is served under a rule that allows nothing beyond the name.
 */
#include "config.h"

#include "dns/oc-dns-answer.h"
#include "dns/oc-dns-compress.h"
#include "dns/oc-dns-reply.h"

#include <ldns/ldns.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define SIZE_MAX_TRIED 4096

static void
check (gboolean ok, const char *what)
{
  if (ok)
    return;
  g_printerr ("fuzz-dns: %s\n", what);
  abort ();
}

/* ldns prints the same octets as the same text. */
static gboolean
same_owner (const OcDnsKey *key, ldns_rdf *owner)
{
  return oc_dns_name_equal (key->name, key->name_len, ldns_rdf_data (owner), ldns_rdf_size (owner));
}

static void
check_query (const uint8_t *data, size_t size)
{
  OcDnsQuery query;
  ldns_pkt *pkt = NULL;
  ldns_rr *rr;

  if (oc_dns_query_parse (data, size, &query) != OC_DNS_PARSE_OK)
    return;
  check (query.question_len == query.key.name_len + 4u, "the question's length");
  check (query.text_len <= OC_DNS_TEXT_MAX, "the text's length");
  check (query.udp_size >= OC_DNS_UDP_MIN, "the size that the asker takes");
  check (ldns_wire2pkt (&pkt, data, size) == LDNS_STATUS_OK || query.has_edns
             || oc_dns_get16 (data + 10) > 0,
         "ldns refuses a query that we take");
  if (pkt == NULL)
    return;
  check (ldns_rr_list_rr_count (ldns_pkt_question (pkt)) == 1, "the number of questions");
  rr = ldns_rr_list_rr (ldns_pkt_question (pkt), 0);
  check ((guint16) ldns_rr_get_type (rr) == query.key.type, "the type");
  check (same_owner (&query.key, ldns_rr_owner (rr)), "the name");
  check (ldns_pkt_edns (pkt) == (query.has_edns != 0), "whether there is EDNS");
  if (query.has_edns)
    check (ldns_pkt_edns_do (pkt) == (query.key.dnssec_ok != 0), "the DO bit");
  ldns_pkt_free (pkt);
}

/* --- Answers --------------------------------------------------------------- */

static guint8 *
write_message (const uint8_t *data, const OcDnsAnswer *answer, gsize *out_len)
{
  gsize head = OC_DNS_HEADER_LEN + answer->question_len;
  guint8 *out;

  *out_len = head + answer->block_len;
  check (*out_len <= OC_DNS_TCP_MAX, "a message that is too long");
  out = malloc (*out_len);
  memcpy (out, data, head);
  memcpy (out + head, answer->block, answer->block_len);
  for (guint s = 0; s < 3; s++)
    oc_dns_put16 (out + 6 + 2 * s, answer->n_section[s]);
  return out;
}

static void
check_table (const OcDnsAnswer *answer)
{
  gsize at = 0;

  check (answer->n_records
             == answer->n_section[0] + answer->n_section[1] + answer->n_section[2],
         "the number of records");
  for (guint i = 0; i < answer->n_records; i++)
    {
      const OcDnsRecord *record = &answer->records[i];

      check (record->offset == at && record->rdata >= at + 11, "a record's place");
      check (record->ttl_s <= OC_DNS_TTL_MAX_S, "a TTL above the cap");
      at = (gsize) record->rdata + record->rdata_len;
      check (at <= answer->block_len, "a record beyond the block");
      if (record->type == OC_DNS_TYPE_SVCB || record->type == OC_DNS_TYPE_HTTPS)
        check (oc_dns_service_get_params (answer->block + record->rdata, record->rdata_len)
                   <= record->rdata_len,
               "service parameters");
    }
  check (at == answer->block_len, "octets behind the last record");
}

/* Each record that we kept is one of the original's. */
static void
check_kept (ldns_pkt *before, ldns_pkt *after)
{
  for (guint s = 0; s < 3; s++)
    {
      ldns_pkt_section section = (ldns_pkt_section) (LDNS_SECTION_ANSWER + s);
      ldns_rr_list *old = ldns_pkt_get_section_clone (before, section);
      ldns_rr_list *new = ldns_pkt_get_section_clone (after, section);

      check (ldns_rr_list_rr_count (new) <= ldns_rr_list_rr_count (old), "records out of nothing");
      for (size_t i = 0; i < ldns_rr_list_rr_count (new); i++)
        check (ldns_rr_list_contains_rr (old, ldns_rr_list_rr (new, i)), "a record that changed");
      ldns_rr_list_deep_free (old);
      ldns_rr_list_deep_free (new);
    }
}

/* --- Serving --------------------------------------------------------------- */

/* What was served, read again by us: no private address, no ech, no private hint. */
static void
check_clean (const guint8 *reply, gsize len, gsize question_len)
{
  g_autoptr (OcDnsAnswer) again = NULL;

  check (oc_dns_answer_parse (reply, len, oc_dns_get16 (reply), reply + OC_DNS_HEADER_LEN,
                              question_len, &again)
             == OC_DNS_ANSWER_OK,
         "an answer of ours that we do not take");
  for (guint i = 0; i < again->n_records; i++)
    {
      const OcDnsRecord *record = &again->records[i];
      const guint8 *rdata = again->block + record->rdata;
      gsize at = 0;

      check ((record->flags & OC_DNS_RECORD_PRIVATE) == 0, "a private address that leaves");
      if ((record->flags & OC_DNS_RECORD_SERVICE) == 0)
        continue;
      for (at = oc_dns_service_get_params (rdata, record->rdata_len); at < record->rdata_len;
           at += 4u + oc_dns_get16 (rdata + at + 2))
        check (oc_dns_get16 (rdata + at) != OC_DNS_SVC_ECH, "ech that leaves");
    }
}

static void
check_served (const uint8_t *data, const OcDnsAnswer *answer)
{
  static const gsize limits[] = { OC_DNS_UDP_MIN, OC_DNS_UDP_MAX, OC_DNS_TCP_MAX };
  static const OcRule rule = { .id = "r" };
  static OcSnapshotHub *hub;
  static guint8 reply[OC_DNS_TCP_MAX];
  static guint8 fates[OC_DNS_RECORDS_MAX];
  guint8 packet[OC_DNS_HEADER_LEN + OC_DNS_NAME_MAX + 4] = { 0, 1, 1, 0, 0, 1 };
  OcDnsFilter filter = { .rule = &rule };
  OcDnsServed served = { .answer = answer, .ttl_cap_s = G_MAXUINT32, .filter = &filter };
  OcDnsFiltered filtered;
  OcDnsQuery query;

  memcpy (packet + OC_DNS_HEADER_LEN, data + OC_DNS_HEADER_LEN, answer->question_len);
  if (oc_dns_query_parse (packet, OC_DNS_HEADER_LEN + answer->question_len, &query)
          != OC_DNS_PARSE_OK
      || (answer->rcode != OC_DNS_NOERROR && answer->rcode != OC_DNS_NXDOMAIN))
    return;
  if (hub == NULL)
    hub = oc_snapshot_hub_new ();
  filter.snapshot = oc_snapshot_hub_get (hub);
  oc_dns_filter_run (&filter, answer, 0, G_MAXUINT32, fates, &filtered);
  served.fates = filtered.changed ? fates : NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      gsize len = oc_dns_reply_answer (&query, &served, limits[i], reply);

      check (len <= limits[i], "an answer longer than its limit");
      if ((oc_dns_get16 (reply + 2) & OC_DNS_TC) == 0)
        check_clean (reply, len, answer->question_len);
    }
}

/* ldns does not mind rdata that is longer than its type needs, and reads the
 * next record from its middle; and for each TSIG among the additional records
 * it leaves out one at the end. Such messages cannot be compared. */
static gboolean
ldns_reads_exactly (const uint8_t *data, size_t size, size_t at)
{
  guint first_additional = oc_dns_get16 (data + 6) + oc_dns_get16 (data + 8);
  guint n = first_additional + oc_dns_get16 (data + 10);
  gboolean tsig = FALSE;

  for (guint i = 0; i < n; i++)
    {
      size_t end = at;
      ldns_rdf *owner = NULL;
      ldns_rr *rr = NULL;
      gboolean ok = !tsig && ldns_wire2dname (&owner, data, size, &end) == LDNS_STATUS_OK
                    && end + 10 <= size
                    && ldns_wire2rr (&rr, data, size, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK
                    && at == end + 10 + oc_dns_get16 (data + end + 8);

      tsig = ok && i >= first_additional && ldns_rr_get_type (rr) == LDNS_RR_TYPE_TSIG;
      ldns_rdf_deep_free (owner);
      ldns_rr_free (rr);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static void
check_answer (const uint8_t *data, size_t size)
{
  g_autoptr (OcDnsAnswer) answer = NULL;
  gsize at = OC_DNS_HEADER_LEN;
  ldns_pkt *before = NULL;
  ldns_pkt *after = NULL;
  OcDnsName name;
  guint8 *copy;
  gsize len;

  /* The question is ours in reality, so it is plain. */
  if (size < OC_DNS_HEADER_LEN || !oc_dns_name_read (data, size, &at, &name)
      || at != OC_DNS_HEADER_LEN + (gsize) name.len || size - at < 4)
    return;
  if (oc_dns_answer_parse (data, size, oc_dns_get16 (data), data + OC_DNS_HEADER_LEN,
                           at + 4 - OC_DNS_HEADER_LEN, &answer)
      != OC_DNS_ANSWER_OK)
    return;
  check_table (answer);
  check_served (data, answer);
  if (!ldns_reads_exactly (data, size, at + 4)
      || ldns_wire2pkt (&before, data, size) != LDNS_STATUS_OK)
    return;
  copy = write_message (data, answer, &len);
  check (ldns_wire2pkt (&after, copy, len) == LDNS_STATUS_OK, "ldns refuses what we wrote");
  check_kept (before, after);
  ldns_pkt_free (before);
  ldns_pkt_free (after);
  free (copy);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size > SIZE_MAX_TRIED)
    return 0;
  check_query (data, size);
  check_answer (data, size);
  return 0;
}
