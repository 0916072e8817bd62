/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Writes records in wire format with name compression, checking each rdata
 * against its type. Any thread.
 */

#include "dns/oc-dns-wire.h"

#define OC_DNS_TARGETS_MAX 32
#define OC_DNS_POOL_MAX 1024

/* A name suffix that later names may point to. */
typedef struct
{
  guint16 offset; /* in the whole message */
  guint16 pool;   /* where its octets are */
  guint8 len;
} OcDnsTarget;

typedef struct
{
  guint8 *block;      /* OC_DNS_TCP_MAX octets: the message from behind the question */
  gsize len;
  gsize base;         /* where the block stands in the message */
  gboolean frozen;    /* no new targets: what follows may move */
  guint n_targets;
  gsize pool_len;
  OcDnsTarget targets[OC_DNS_TARGETS_MAX];
  guint8 pool[OC_DNS_POOL_MAX];
} OcDnsCompressor;

/* @block: (transfer none): OC_DNS_TCP_MAX octets */
void oc_dns_compressor_init (OcDnsCompressor *compressor, guint8 *block, const guint8 *question,
                             gsize question_len);
/* From now on no name becomes a target, since a filter may remove octets, and only the first
 * @n_targets stay: the names before those octets. */
void oc_dns_compressor_freeze (OcDnsCompressor *compressor, guint n_targets);
/* @data: (nullable): NULL leaves room. FALSE: the message would be too long. */
gboolean oc_dns_compressor_put (OcDnsCompressor *compressor, const guint8 *data, gsize len);
gboolean oc_dns_compressor_put_name (OcDnsCompressor *compressor, const OcDnsName *name,
                                     gboolean compress);
/* Copies the rdata at [@at, @at + @rdata_len) of @msg, which must be what @type
 * says: RFC 1035's types get their names compressed anew, RFC 3597's older ones
 * plain; unknown types are opaque. FALSE: malformed or too long. */
gboolean oc_dns_compressor_put_rdata (OcDnsCompressor *compressor, const guint8 *msg, gsize len,
                                      guint16 type, gsize at, gsize rdata_len);

/* --- SVCB and HTTPS rdata (RFC 9460), written without compression ------------ */

enum
{
  OC_DNS_SVC_MANDATORY = 0,
  OC_DNS_SVC_IPV4HINT = 4,
  OC_DNS_SVC_ECH = 5,
  OC_DNS_SVC_IPV6HINT = 6,
};

/* Whether checked rdata has an `ech` parameter or address hints. */
gboolean oc_dns_service_has_secrets (const guint8 *rdata, gsize rdata_len);
/* Where the parameters of checked rdata start. */
gsize oc_dns_service_get_params (const guint8 *rdata, gsize rdata_len);
