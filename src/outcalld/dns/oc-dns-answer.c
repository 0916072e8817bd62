/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Reading an upstream's answer. The upstream is asked by us but speaks for
 * zones that an attacker may own, so each record is checked for its type's
 * structure, addresses that do not belong to the question's chain of names are
 * left out, and nothing of the original message is kept but what was read.
 */
#include "config.h"

#include "dns/oc-dns-answer.h"

#include "dns/oc-dns-compress.h"

/* The fixed part of a record after its owner name. */
#define FIXED_LEN 10

typedef struct
{
  OcDnsName owner;
  guint16 type;
  guint32 ttl_s;
  gsize rdata; /* in the message */
  guint16 rdata_len;
} RawRecord;

typedef struct
{
  const guint8 *msg;
  gsize len;
  gsize at;
  guint16 count[3];
  guint16 question_type;
  OcDnsName chain[OC_DNS_CHAIN_MAX + 1]; /* the question's name, then where CNAMEs lead */
  guint n_chain;
  OcDnsCompressor compressor;
  GArray *records; /* (element-type OcDnsRecord) */
  guint16 kept[3];
  guint32 least_ttl_s;
  guint32 negative_ttl_s; /* from the SOA */
  gboolean has_soa;
  gboolean has_data; /* a record of the type that was asked for */
} Reader;

/* RFC 2181, 8: the top bit set means zero. */
static guint32
read_ttl (const guint8 *p)
{
  guint32 ttl_s = oc_dns_get32 (p);

  return ttl_s > G_MAXINT32 ? 0 : MIN (ttl_s, OC_DNS_TTL_MAX_S);
}

static gboolean
read_record (const guint8 *msg, gsize len, gsize *at, RawRecord *out, guint16 *out_class)
{
  if (!oc_dns_name_read (msg, len, at, &out->owner) || len - *at < FIXED_LEN)
    return FALSE;
  out->type = oc_dns_get16 (msg + *at);
  *out_class = oc_dns_get16 (msg + *at + 2);
  out->ttl_s = read_ttl (msg + *at + 4);
  out->rdata_len = oc_dns_get16 (msg + *at + 8);
  *at += FIXED_LEN;
  if (len - *at < out->rdata_len)
    return FALSE;
  out->rdata = *at;
  *at += out->rdata_len;
  return TRUE;
}

/* --- The chain of names ---------------------------------------------------- */

static gboolean
chain_has (const Reader *reader, const OcDnsName *name)
{
  for (guint i = 0; i < reader->n_chain; i++)
    if (oc_dns_name_equal (reader->chain[i].wire, reader->chain[i].len, name->wire, name->len))
      return TRUE;
  return FALSE;
}

/* One pass over the answer section adds each CNAME whose owner is the newest
 * name. Servers send them in order, so one pass is the rule. */
static gboolean
extend_chain (Reader *reader)
{
  gsize at = reader->at;
  guint before = reader->n_chain;

  for (guint i = 0; i < reader->count[OC_DNS_SECTION_ANSWER]; i++)
    {
      const OcDnsName *last = &reader->chain[reader->n_chain - 1];
      OcDnsName *next = &reader->chain[reader->n_chain];
      RawRecord raw;
      guint16 class;
      gsize rdata;

      if (!read_record (reader->msg, reader->len, &at, &raw, &class))
        return FALSE;
      if (raw.type != OC_DNS_TYPE_CNAME || reader->n_chain > OC_DNS_CHAIN_MAX
          || !oc_dns_name_equal (raw.owner.wire, raw.owner.len, last->wire, last->len))
        continue;
      rdata = raw.rdata;
      if (!oc_dns_name_read (reader->msg, reader->len, &rdata, next))
        return FALSE;
      if (!chain_has (reader, next))
        reader->n_chain++;
    }
  return reader->n_chain > before && reader->n_chain <= OC_DNS_CHAIN_MAX;
}

/* --- Records --------------------------------------------------------------- */

static guint8
flags_of_address (const OcAddress *address)
{
  OcAddress inner;
  guint8 flags = OC_DNS_RECORD_ADDRESS;

  if (oc_address_classify (address) != OC_ADDRESS_PUBLIC)
    flags |= OC_DNS_RECORD_PRIVATE;
  if (oc_address_get_embedded (address, &inner))
    flags |= OC_DNS_RECORD_EMBEDDED;
  return flags;
}

static guint8
flags_of_record (const RawRecord *raw, const guint8 *rdata, gsize rdata_len)
{
  OcAddress address = { 0 };

  switch (raw->type)
    {
    case OC_DNS_TYPE_A:
      address.family = 4;
      memcpy (address.bytes, rdata, 4);
      return flags_of_address (&address);
    case OC_DNS_TYPE_AAAA:
      address = oc_address_from_v6 (rdata);
      return flags_of_address (&address);
    case OC_DNS_TYPE_SVCB:
    case OC_DNS_TYPE_HTTPS:
      return oc_dns_service_has_secrets (rdata, rdata_len) ? OC_DNS_RECORD_SERVICE : 0;
    default:
      return 0;
    }
}

/* What speaks about addresses must belong to the question. */
static gboolean
is_stray (const Reader *reader, guint section, const RawRecord *raw)
{
  gboolean is_address = raw->type == OC_DNS_TYPE_A || raw->type == OC_DNS_TYPE_AAAA
                        || raw->type == OC_DNS_TYPE_CNAME || raw->type == OC_DNS_TYPE_SVCB
                        || raw->type == OC_DNS_TYPE_HTTPS;

  return section == OC_DNS_SECTION_ANSWER && is_address && !chain_has (reader, &raw->owner);
}

static void
note_ttl (Reader *reader, guint section, const RawRecord *raw)
{
  reader->least_ttl_s = MIN (reader->least_ttl_s, raw->ttl_s);
  if (section == OC_DNS_SECTION_ANSWER && raw->type == reader->question_type)
    reader->has_data = TRUE;
  if (section == OC_DNS_SECTION_AUTHORITY && raw->type == OC_DNS_TYPE_SOA)
    {
      /* RFC 2308, 5: the minimum is the rdata's last field; its length was checked. */
      guint32 minimum_s = read_ttl (reader->msg + raw->rdata + raw->rdata_len - 4);

      reader->has_soa = TRUE;
      reader->negative_ttl_s = MIN (raw->ttl_s, minimum_s);
    }
}

static gboolean
keep_record (Reader *reader, guint section, const RawRecord *raw)
{
  OcDnsCompressor *out = &reader->compressor;
  OcDnsRecord record = { .type = raw->type, .section = (guint8) section, .ttl_s = raw->ttl_s };
  const guint n_targets = out->n_targets;
  gsize fixed;

  record.offset = (guint16) out->len;
  if (!oc_dns_compressor_put_name (out, &raw->owner, TRUE))
    return FALSE;
  fixed = out->len;
  if (!oc_dns_compressor_put (out, NULL, FIXED_LEN))
    return FALSE;
  oc_dns_put16 (out->block + fixed, raw->type);
  oc_dns_put16 (out->block + fixed + 2, OC_DNS_CLASS_IN);
  oc_dns_put32 (out->block + fixed + 4, raw->ttl_s);
  record.rdata = (guint16) out->len;
  if (!oc_dns_compressor_put_rdata (out, reader->msg, reader->len, raw->type, raw->rdata,
                                    raw->rdata_len))
    return FALSE;
  record.rdata_len = (guint16) (out->len - record.rdata);
  oc_dns_put16 (out->block + fixed + 8, record.rdata_len);
  record.flags = flags_of_record (raw, out->block + record.rdata, record.rdata_len);
  if (record.flags != 0)
    oc_dns_compressor_freeze (out, n_targets);
  g_array_append_val (reader->records, record);
  reader->kept[section]++;
  note_ttl (reader, section, raw);
  return TRUE;
}

static gboolean
read_section (Reader *reader, guint section)
{
  for (guint i = 0; i < reader->count[section]; i++)
    {
      RawRecord raw;
      guint16 class;

      if (!read_record (reader->msg, reader->len, &reader->at, &raw, &class))
        return FALSE;
      /* OPT is between us and the upstream alone. */
      if (raw.type == OC_DNS_TYPE_OPT && section == OC_DNS_SECTION_ADDITIONAL)
        continue;
      if (class != OC_DNS_CLASS_IN || is_stray (reader, section, &raw))
        continue;
      if (!keep_record (reader, section, &raw))
        return FALSE;
    }
  return TRUE;
}

/* --- The whole ------------------------------------------------------------- */

static guint32
lifetime_of (const Reader *reader, guint rcode)
{
  if (rcode == OC_DNS_NOERROR && reader->has_data)
    return reader->least_ttl_s;
  if (rcode != OC_DNS_NOERROR && rcode != OC_DNS_NXDOMAIN)
    return 0;
  if (!reader->has_soa)
    return 0;
  return MIN (MIN (reader->least_ttl_s, reader->negative_ttl_s), OC_DNS_NEGATIVE_TTL_MAX_S);
}

/* One allocation, since a look-up in the cache is as fast as its memory is near. */
static OcDnsAnswer *
make_answer (Reader *reader, guint16 flags, gsize question_len)
{
  gsize records_size = reader->records->len * sizeof (OcDnsRecord);
  gsize block_len = reader->compressor.len;
  OcDnsAnswer *answer = g_malloc0 (sizeof *answer + records_size + block_len);

  g_atomic_ref_count_init (&answer->ref_count);
  answer->rcode = flags & OC_DNS_RCODE;
  answer->authentic = (flags & OC_DNS_AD) != 0;
  answer->filterable = reader->compressor.frozen;
  answer->question_len = (guint16) question_len;
  answer->n_records = (guint16) reader->records->len;
  memcpy (answer->n_section, reader->kept, sizeof reader->kept);
  answer->block_len = (guint16) block_len;
  answer->block = (guint8 *) &answer->records[answer->n_records];
  if (records_size > 0)
    memcpy (answer->records, reader->records->data, records_size);
  memcpy (answer->block, reader->compressor.block, block_len);
  answer->lifetime_s = lifetime_of (reader, answer->rcode);
  return answer;
}

static OcDnsAnswer *
read_records (const guint8 *msg, gsize len, const guint8 *question, gsize question_len)
{
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (OcDnsRecord));
  g_autofree guint8 *block = g_malloc (OC_DNS_TCP_MAX);
  g_autofree Reader *reader = g_new0 (Reader, 1);
  guint passes = 0;

  reader->msg = msg;
  reader->len = len;
  reader->at = OC_DNS_HEADER_LEN + question_len;
  reader->least_ttl_s = OC_DNS_TTL_MAX_S;
  reader->records = records;
  reader->question_type = oc_dns_get16 (question + question_len - 4);
  for (guint i = 0; i < 3; i++)
    reader->count[i] = oc_dns_get16 (msg + 6 + 2 * i);
  if (reader->count[0] + reader->count[1] + reader->count[2] > OC_DNS_RECORDS_MAX)
    return NULL;
  reader->chain[0].len = (guint8) (question_len - 4);
  memcpy (reader->chain[0].wire, question, question_len - 4);
  reader->n_chain = 1;
  while (passes++ < OC_DNS_CHAIN_MAX && extend_chain (reader))
    ;
  oc_dns_compressor_init (&reader->compressor, block, question, question_len);
  for (guint section = 0; section < 3; section++)
    if (!read_section (reader, section))
      return NULL;
  return make_answer (reader, oc_dns_get16 (msg + 2), question_len);
}

OcDnsAnswerResult
oc_dns_answer_parse (const guint8 *msg, gsize len, guint16 id, const guint8 *question,
                     gsize question_len, OcDnsAnswer **out)
{
  guint16 flags;
  guint rcode;

  if (len < OC_DNS_HEADER_LEN || oc_dns_get16 (msg) != id)
    return OC_DNS_ANSWER_NOT_OURS;
  flags = oc_dns_get16 (msg + 2);
  rcode = flags & OC_DNS_RCODE;
  if ((flags & OC_DNS_QR) == 0 || (flags & OC_DNS_OPCODE) != 0)
    return OC_DNS_ANSWER_NOT_OURS;
  /* An old server that does not know OPT may not even echo the question. */
  if ((oc_dns_get16 (msg + 4) == 0 || len == OC_DNS_HEADER_LEN)
      && (rcode == OC_DNS_FORMERR || rcode == OC_DNS_NOTIMP))
    return OC_DNS_ANSWER_NO_EDNS;
  if (oc_dns_get16 (msg + 4) != 1 || len - OC_DNS_HEADER_LEN < question_len
      || memcmp (msg + OC_DNS_HEADER_LEN, question, question_len) != 0)
    return OC_DNS_ANSWER_NOT_OURS;
  if (rcode == OC_DNS_FORMERR || rcode == OC_DNS_NOTIMP)
    return OC_DNS_ANSWER_NO_EDNS;
  if (rcode == OC_DNS_SERVFAIL || rcode == OC_DNS_REFUSED)
    return OC_DNS_ANSWER_FAILED;
  if ((flags & OC_DNS_TC) != 0)
    return OC_DNS_ANSWER_TRUNCATED;
  *out = read_records (msg, len, question, question_len);
  return *out != NULL ? OC_DNS_ANSWER_OK : OC_DNS_ANSWER_BAD;
}

OcDnsAnswer *
oc_dns_answer_ref (OcDnsAnswer *answer)
{
  g_atomic_ref_count_inc (&answer->ref_count);
  return answer;
}

void
oc_dns_answer_unref (OcDnsAnswer *answer)
{
  if (answer != NULL && g_atomic_ref_count_dec (&answer->ref_count))
    g_free (answer);
}

gsize
oc_dns_answer_get_size (const OcDnsAnswer *answer)
{
  return sizeof *answer + answer->block_len + answer->n_records * sizeof *answer->records;
}

OcAddress
oc_dns_answer_get_address (const OcDnsAnswer *answer, const OcDnsRecord *record)
{
  OcAddress address = { 0 };

  address.family = record->type == OC_DNS_TYPE_A ? 4 : 6;
  memcpy (address.bytes, answer->block + record->rdata, address.family == 4 ? 4 : 16);
  return address;
}
