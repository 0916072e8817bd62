/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-compress.h"

#include <string.h>

#define POINTER_MAX 0x3fff

/* What rdata is made of: a string of
 *   n  a name, compressed when written      N  a name, never compressed
 *   c  a character string (length octet)    C  one or more of them to the end
 *   1-9, g (16), t (20)  so many octets     s  SVCB parameters to the end
 * Nothing may be left over. */
static const struct
{
  guint16 type;
  const char *shape;
} shapes[] = {
  { OC_DNS_TYPE_A, "4" },      { OC_DNS_TYPE_NS, "n" },     { OC_DNS_TYPE_MD, "n" },
  { OC_DNS_TYPE_MF, "n" },     { OC_DNS_TYPE_CNAME, "n" },  { OC_DNS_TYPE_SOA, "nnt" },
  { OC_DNS_TYPE_MB, "n" },     { OC_DNS_TYPE_MG, "n" },     { OC_DNS_TYPE_MR, "n" },
  { OC_DNS_TYPE_PTR, "n" },    { OC_DNS_TYPE_MINFO, "nn" }, { OC_DNS_TYPE_MX, "2n" },
  { OC_DNS_TYPE_TXT, "C" },    { OC_DNS_TYPE_RP, "NN" },    { OC_DNS_TYPE_AFSDB, "2N" },
  { OC_DNS_TYPE_RT, "2N" },    { OC_DNS_TYPE_PX, "2NN" },   { OC_DNS_TYPE_AAAA, "g" },
  { OC_DNS_TYPE_SRV, "6N" },   { OC_DNS_TYPE_NAPTR, "4cccN" }, { OC_DNS_TYPE_KX, "2N" },
  { OC_DNS_TYPE_DNAME, "N" },  { OC_DNS_TYPE_SVCB, "2Ns" }, { OC_DNS_TYPE_HTTPS, "2Ns" },
};

static void
add_targets (OcDnsCompressor *c, const guint8 *wire, gsize wire_len, gsize offset)
{
  gsize pool = c->pool_len;

  if (c->frozen || wire_len > sizeof c->pool - pool)
    return;
  memcpy (c->pool + pool, wire, wire_len);
  c->pool_len += wire_len;
  for (gsize at = 0; wire[at] != 0; at += (gsize) wire[at] + 1)
    {
      if (c->n_targets == OC_DNS_TARGETS_MAX || offset + at > POINTER_MAX)
        return;
      c->targets[c->n_targets++] = (OcDnsTarget) { .offset = (guint16) (offset + at),
                                                   .pool = (guint16) (pool + at),
                                                   .len = (guint8) (wire_len - at) };
    }
}

static const OcDnsTarget *
find_target (const OcDnsCompressor *c, const guint8 *suffix, gsize len)
{
  for (guint i = 0; i < c->n_targets; i++)
    if (c->targets[i].len == len
        && oc_dns_name_equal (c->pool + c->targets[i].pool, len, suffix, len))
      return &c->targets[i];
  return NULL;
}

void
oc_dns_compressor_init (OcDnsCompressor *c, guint8 *block, const guint8 *question,
                        gsize question_len)
{
  c->block = block;
  c->len = 0;
  c->base = OC_DNS_HEADER_LEN + question_len;
  c->frozen = FALSE;
  c->n_targets = 0;
  c->pool_len = 0;
  add_targets (c, question, question_len - 4, OC_DNS_HEADER_LEN);
}

void
oc_dns_compressor_freeze (OcDnsCompressor *c, guint n_targets)
{
  c->frozen = TRUE;
  c->n_targets = n_targets;
}

/* The header, the question and an OPT record with an explanation still have to
 * fit beside the block. */
#define ROOM 512

gboolean
oc_dns_compressor_put (OcDnsCompressor *c, const guint8 *data, gsize len)
{
  if (len > OC_DNS_TCP_MAX - ROOM - c->len)
    return FALSE;
  if (data != NULL)
    memcpy (c->block + c->len, data, len);
  c->len += len;
  return TRUE;
}

gboolean
oc_dns_compressor_put_name (OcDnsCompressor *c, const OcDnsName *name, gboolean compress)
{
  gsize start = c->base + c->len;
  gsize at = 0;

  for (; compress && name->wire[at] != 0; at += (gsize) name->wire[at] + 1)
    {
      const OcDnsTarget *target = find_target (c, name->wire + at, name->len - at);
      guint8 pointer[2];

      if (target == NULL)
        continue;
      oc_dns_put16 (pointer, 0xc000u | target->offset);
      if (!oc_dns_compressor_put (c, name->wire, at) || !oc_dns_compressor_put (c, pointer, 2))
        return FALSE;
      if (at > 0)
        add_targets (c, name->wire, name->len, start);
      return TRUE;
    }
  if (!oc_dns_compressor_put (c, name->wire, name->len))
    return FALSE;
  add_targets (c, name->wire, name->len, start);
  return TRUE;
}

/* --- rdata ----------------------------------------------------------------- */

/* Keys strictly ascending, lengths exact, hints whole addresses: RFC 9460, 2.2. */
static gboolean
service_params_are_sound (const guint8 *p, gsize len)
{
  int last = -1;

  while (len >= 4)
    {
      int key = oc_dns_get16 (p);
      gsize value = oc_dns_get16 (p + 2);

      if (key <= last || value > len - 4)
        return FALSE;
      if ((key == OC_DNS_SVC_IPV4HINT && (value == 0 || value % 4 != 0))
          || (key == OC_DNS_SVC_IPV6HINT && (value == 0 || value % 16 != 0))
          || (key == OC_DNS_SVC_MANDATORY && (value == 0 || value % 2 != 0)))
        return FALSE;
      last = key;
      p += 4 + value;
      len -= 4 + value;
    }
  return len == 0;
}

static gboolean
skip_character_strings (const guint8 *msg, gsize end, gsize *at, gboolean to_end)
{
  do
    {
      if (*at >= end || (gsize) msg[*at] + 1 > end - *at)
        return FALSE;
      *at += (gsize) msg[*at] + 1;
    }
  while (to_end && *at < end);
  return TRUE;
}

static gsize
octets_of (char field)
{
  if (field == 'g')
    return 16;
  if (field == 't')
    return 20;
  return (gsize) (field - '0');
}

/* One field of the shape; *@at moves behind it, the octets go to the block. */
static gboolean
put_field (OcDnsCompressor *c, const guint8 *msg, gsize end, char field, gsize *at)
{
  gsize start = *at;
  OcDnsName name;

  switch (field)
    {
    case 'n':
    case 'N':
      return oc_dns_name_read (msg, end, at, &name)
             && oc_dns_compressor_put_name (c, &name, field == 'n');
    case 'c':
    case 'C':
      if (!skip_character_strings (msg, end, at, field == 'C'))
        return FALSE;
      break;
    case 's':
      if (!service_params_are_sound (msg + start, end - start))
        return FALSE;
      *at = end;
      break;
    default:
      if (end - start < octets_of (field))
        return FALSE;
      *at += octets_of (field);
      break;
    }
  return oc_dns_compressor_put (c, msg + start, *at - start);
}

gboolean
oc_dns_compressor_put_rdata (OcDnsCompressor *c, const guint8 *msg, gsize len, guint16 type,
                             gsize at, gsize rdata_len)
{
  gsize end = at + rdata_len;
  const char *shape = NULL;

  if (end > len)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    if (shapes[i].type == type)
      shape = shapes[i].shape;
  if (shape == NULL)
    return oc_dns_compressor_put (c, msg + at, rdata_len);
  for (; *shape != '\0'; shape++)
    if (!put_field (c, msg, end, *shape, &at))
      return FALSE;
  return at == end;
}

/* --- SVCB ------------------------------------------------------------------ */

gsize
oc_dns_service_get_params (const guint8 *rdata, gsize rdata_len)
{
  gsize at = 2;

  while (at < rdata_len && rdata[at] != 0)
    at += (gsize) rdata[at] + 1;
  return MIN (at + 1, rdata_len);
}

gboolean
oc_dns_service_has_secrets (const guint8 *rdata, gsize rdata_len)
{
  gsize at = oc_dns_service_get_params (rdata, rdata_len);

  while (rdata_len - at >= 4)
    {
      guint16 key = oc_dns_get16 (rdata + at);

      if (key == OC_DNS_SVC_ECH || key == OC_DNS_SVC_IPV4HINT || key == OC_DNS_SVC_IPV6HINT)
        return TRUE;
      at += 4 + (gsize) oc_dns_get16 (rdata + at + 2);
    }
  return FALSE;
}
