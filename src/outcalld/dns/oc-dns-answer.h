/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* An upstream's answer, checked record by record and written anew in a form
 * that is safe to patch and to cut: everything after the question as one block
 * of wire format, with a table of where each record and its TTL is. Compression
 * pointers in it lead only to the question or to places before the first record
 * that a filter may remove or shorten. Immutable, reference counted, any thread.
 */

#include "common/oc-address.h"
#include "dns/oc-dns-wire.h"

#define OC_DNS_RECORDS_MAX 1024
#define OC_DNS_TTL_MAX_S 86400
#define OC_DNS_NEGATIVE_TTL_MAX_S 900
#define OC_DNS_CHAIN_MAX 16

enum
{
  OC_DNS_SECTION_ANSWER,
  OC_DNS_SECTION_AUTHORITY,
  OC_DNS_SECTION_ADDITIONAL,
};

enum
{
  OC_DNS_RECORD_ADDRESS = 1 << 0,  /* A or AAAA */
  OC_DNS_RECORD_PRIVATE = 1 << 1,  /* one that oc_address_classify() does not call public */
  OC_DNS_RECORD_EMBEDDED = 1 << 2, /* an AAAA that carries an IPv4 address */
  OC_DNS_RECORD_SERVICE = 1 << 3,  /* SVCB or HTTPS with ech or address hints */
};

typedef struct
{
  guint16 offset; /* of the owner name in the block */
  guint16 rdata;  /* offset of the rdata; the TTL stands 6 octets before it */
  guint16 rdata_len;
  guint16 type;
  guint32 ttl_s;
  guint8 section;
  guint8 flags;
} OcDnsRecord;

typedef struct
{
  gatomicrefcount ref_count;
  guint8 rcode; /* NOERROR, NXDOMAIN, or another that is passed on and never cached */
  gboolean authentic;  /* the upstream set AD */
  gboolean filterable; /* any record has a flag */
  guint16 question_len;
  guint16 n_records;
  guint16 n_section[3];
  guint16 block_len;
  guint32 lifetime_s; /* how long it may be cached; 0: not at all */
  guint8 *block;      /* behind the records, in the same allocation */
  OcDnsRecord records[];
} OcDnsAnswer;

typedef enum
{
  OC_DNS_ANSWER_OK,
  OC_DNS_ANSWER_NOT_OURS,  /* wrong ID or question: ignore it and go on waiting */
  OC_DNS_ANSWER_TRUNCATED, /* ask again over TCP */
  OC_DNS_ANSWER_FAILED,    /* SERVFAIL, REFUSED…: the next upstream may know */
  OC_DNS_ANSWER_NO_EDNS,   /* FORMERR or NOTIMP to a query with OPT */
  OC_DNS_ANSWER_BAD,       /* malformed */
} OcDnsAnswerResult;

/* @question, @id: as sent, compared octet by octet.
 * @out: (transfer full), set with OK alone */
OcDnsAnswerResult oc_dns_answer_parse (const guint8 *msg, gsize len, guint16 id,
                                       const guint8 *question, gsize question_len,
                                       OcDnsAnswer **out);
OcDnsAnswer *oc_dns_answer_ref (OcDnsAnswer *answer);
void oc_dns_answer_unref (OcDnsAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcDnsAnswer, oc_dns_answer_unref)
/* What it takes in memory. */
gsize oc_dns_answer_get_size (const OcDnsAnswer *answer);
/* The address of an A or AAAA record. */
OcAddress oc_dns_answer_get_address (const OcDnsAnswer *answer, const OcDnsRecord *record);
