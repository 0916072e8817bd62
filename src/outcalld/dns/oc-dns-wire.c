/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-wire.h"

#include <string.h>

#define LABEL_MAX 63
#define POINTER 0xc0

/* One table for both: the lower-case byte. */
const guint8 oc_dns_lower[256] = {
#define ROW(n)                                                                                    \
  (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7, (n) + 8, (n) + 9, (n) + 10, \
      (n) + 11, (n) + 12, (n) + 13, (n) + 14, (n) + 15
  ROW (0x00),
  ROW (0x10),
  ROW (0x20),
  ROW (0x30),
  /* "@", then the upper-case letters as lower-case ones */
  0x40, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
  'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0x5b, 0x5c, 0x5d, 0x5e, 0x5f,
  ROW (0x60),
  ROW (0x70),
  ROW (0x80),
  ROW (0x90),
  ROW (0xa0),
  ROW (0xb0),
  ROW (0xc0),
  ROW (0xd0),
  ROW (0xe0),
  ROW (0xf0),
#undef ROW
};

/* A pointer must lead below the start of the run of labels that it ends, so
 * each jump goes down and the walk ends without a counter. */
gboolean
oc_dns_name_read (const guint8 *msg, gsize len, gsize *pos, OcDnsName *out)
{
  gsize at = *pos;
  gsize run = at;
  gsize used = 0;
  gboolean jumped = FALSE;

  for (;;)
    {
      guint8 label;

      if (at >= len)
        return FALSE;
      label = msg[at];
      if ((label & POINTER) == POINTER)
        {
          gsize target;

          if (len - at < 2)
            return FALSE;
          target = oc_dns_get16 (msg + at) & 0x3fff;
          if (target >= run || target < OC_DNS_HEADER_LEN)
            return FALSE;
          if (!jumped)
            *pos = at + 2;
          jumped = TRUE;
          at = run = target;
          continue;
        }
      if (label > LABEL_MAX || len - at < (gsize) label + 1
          || used + label + 1 > sizeof out->wire)
        return FALSE;
      memcpy (out->wire + used, msg + at, (gsize) label + 1);
      used += (gsize) label + 1;
      at += (gsize) label + 1;
      if (label == 0)
        break;
    }
  if (!jumped)
    *pos = at;
  out->len = (guint8) used;
  return TRUE;
}

gboolean
oc_dns_name_equal (const guint8 *a, gsize a_len, const guint8 *b, gsize b_len)
{
  if (a_len != b_len)
    return FALSE;
  for (gsize i = 0; i < a_len; i++)
    if (oc_dns_lower[a[i]] != oc_dns_lower[b[i]])
      return FALSE;
  return TRUE;
}

/* Length octets are at most 63, below every letter, so they stay as they are. */
void
oc_dns_name_lower (OcDnsName *name)
{
  for (gsize i = 0; i < name->len; i++)
    name->wire[i] = oc_dns_lower[name->wire[i]];
}

gboolean
oc_dns_name_from_text (OcStr text, OcDnsName *out)
{
  gsize start = 0;
  gsize used = 0;

  if (text.len == 0 || text.len > OC_DNS_TEXT_MAX)
    return FALSE;
  while (start <= text.len)
    {
      const char *dot = start < text.len
                            ? memchr (text.data + start, '.', text.len - start)
                            : NULL;
      gsize end = dot != NULL ? (gsize) (dot - text.data) : text.len;

      if (end == start || end - start > LABEL_MAX)
        return FALSE;
      out->wire[used++] = (guint8) (end - start);
      memcpy (out->wire + used, text.data + start, end - start);
      used += end - start;
      start = end + 1;
    }
  out->wire[used++] = 0;
  out->len = (guint8) used;
  return TRUE;
}

/* --- Queries --------------------------------------------------------------- */

/* Walks the question's name once: checks it, makes the key and the text.
 * Compression has no place in a first name. */
static OcDnsParse
parse_question_name (const guint8 *p, gsize len, OcDnsQuery *out)
{
  gsize at = 0;
  gboolean is_host = TRUE;

  while (at < len && p[at] != 0)
    {
      gsize label = p[at];

      if (label > LABEL_MAX)
        return OC_DNS_PARSE_MALFORMED;
      if (at + 1 + label + 1 > OC_DNS_NAME_MAX)
        return OC_DNS_PARSE_LONG_NAME;
      if (len - at <= label)
        return OC_DNS_PARSE_MALFORMED;
      out->key.name[at] = (guint8) label;
      out->text[at] = '.';
      for (gsize i = at + 1; i <= at + label; i++)
        {
          guint8 lower = oc_dns_lower[p[i]];

          out->key.name[i] = lower;
          out->text[i] = (char) lower;
          is_host &= oc_dns_is_host_octet (lower);
        }
      at += label + 1;
    }
  if (at >= len)
    return OC_DNS_PARSE_MALFORMED;
  out->key.name[at] = 0;
  out->key.name_len = (guint8) (at + 1);
  out->is_host = is_host && at > 0;
  /* The first length octet became a dot too. */
  out->text_len = (guint8) (at > 0 ? at - 1 : 0);
  memmove (out->text, out->text + 1, out->text_len);
  return OC_DNS_PARSE_OK;
}

static gboolean
options_are_sound (const guint8 *p, gsize len)
{
  while (len >= 4)
    {
      gsize option = 4 + (gsize) oc_dns_get16 (p + 2);

      if (option > len)
        return FALSE;
      p += option;
      len -= option;
    }
  return len == 0;
}

/* RFC 6891, 6.1: at most one OPT, owned by the root. */
static OcDnsParse
parse_opt (const guint8 *fixed, const guint8 *rdata, gsize rdata_len, gboolean is_root,
           OcDnsQuery *out)
{
  if (out->has_edns || !is_root || !options_are_sound (rdata, rdata_len))
    return OC_DNS_PARSE_MALFORMED;
  out->has_edns = TRUE;
  out->udp_size = MAX (oc_dns_get16 (fixed + 2), OC_DNS_UDP_MIN);
  out->key.dnssec_ok = (fixed[6] & 0x80) != 0;
  return fixed[5] == 0 ? OC_DNS_PARSE_OK : OC_DNS_PARSE_BADVERS;
}

/* What follows the question: an OPT record, perhaps a signature (not looked at). */
static OcDnsParse
parse_additional (const guint8 *packet, gsize len, gsize at, guint n_records, OcDnsQuery *out)
{
  OcDnsParse result = OC_DNS_PARSE_OK;

  for (guint i = 0; i < n_records; i++)
    {
      gboolean is_root = at < len && packet[at] == 0;
      const guint8 *fixed;
      OcDnsName owner;
      gsize rdata_len;

      if (is_root)
        at++;
      else if (!oc_dns_name_read (packet, len, &at, &owner))
        return OC_DNS_PARSE_MALFORMED;
      if (len - at < 10)
        return OC_DNS_PARSE_MALFORMED;
      fixed = packet + at;
      rdata_len = oc_dns_get16 (fixed + 8);
      at += 10;
      if (len - at < rdata_len)
        return OC_DNS_PARSE_MALFORMED;
      if (oc_dns_get16 (fixed) == OC_DNS_TYPE_OPT)
        {
          OcDnsParse opt = parse_opt (fixed, packet + at, rdata_len, is_root, out);

          if (opt == OC_DNS_PARSE_MALFORMED)
            return opt;
          result = opt;
        }
      at += rdata_len;
    }
  return at == len ? result : OC_DNS_PARSE_MALFORMED;
}

/* RFC 6895, 3.1: 128-255 are questions and meta types, 41 is OPT; none of them
 * is data that a stub resolver asks a filter for. */
static gboolean
is_data_type (guint16 type)
{
  return type != 0 && type != OC_DNS_TYPE_OPT && (type < 128 || type > 255);
}

OcDnsParse
oc_dns_query_parse (const guint8 *packet, gsize len, OcDnsQuery *out)
{
  OcDnsParse result;
  gsize at = OC_DNS_HEADER_LEN;
  guint n_additional;

  if (len < OC_DNS_HEADER_LEN || (packet[2] & 0x80) != 0)
    return OC_DNS_PARSE_DROP;
  out->id = oc_dns_get16 (packet);
  out->flags = oc_dns_get16 (packet + 2);
  out->udp_size = OC_DNS_UDP_MIN;
  out->has_edns = FALSE;
  out->is_host = FALSE;
  out->question_len = 0;
  out->text_len = 0;
  out->key.dnssec_ok = FALSE;
  out->key.checking_disabled = (out->flags & OC_DNS_CD) != 0;
  if ((out->flags & OC_DNS_OPCODE) != 0)
    return OC_DNS_PARSE_NOTIMP;
  n_additional = oc_dns_get16 (packet + 10);
  if (oc_dns_get16 (packet + 4) != 1 || oc_dns_get32 (packet + 6) != 0
      || n_additional > OC_DNS_ADDITIONAL_MAX)
    return OC_DNS_PARSE_MALFORMED;
  result = parse_question_name (packet + at, len - at, out);
  if (result != OC_DNS_PARSE_OK)
    return result;
  at += out->key.name_len;
  if (len - at < 4)
    return OC_DNS_PARSE_MALFORMED;
  at += 4;
  result = parse_additional (packet, len, at, n_additional, out);
  if (result == OC_DNS_PARSE_MALFORMED)
    return result;
  out->question_len = (guint16) (at - OC_DNS_HEADER_LEN);
  memcpy (out->question, packet + OC_DNS_HEADER_LEN, out->question_len);
  out->key.type = oc_dns_get16 (packet + at - 4);
  if (result == OC_DNS_PARSE_OK
      && (oc_dns_get16 (packet + at - 2) != OC_DNS_CLASS_IN || !is_data_type (out->key.type)))
    return OC_DNS_PARSE_REFUSED;
  return result;
}

/* --- Keys ------------------------------------------------------------------ */

gboolean
oc_dns_key_init (OcDnsKey *key, OcStr host, guint16 type)
{
  OcDnsName name;

  if (!oc_dns_name_from_text (host, &name))
    return FALSE;
  oc_dns_name_lower (&name);
  memcpy (key->name, name.wire, name.len);
  key->name_len = name.len;
  key->type = type;
  key->dnssec_ok = FALSE;
  key->checking_disabled = FALSE;
  return TRUE;
}

gboolean
oc_dns_key_equal (const OcDnsKey *a, const OcDnsKey *b)
{
  return a->type == b->type && a->name_len == b->name_len && a->dnssec_ok == b->dnssec_ok
         && a->checking_disabled == b->checking_disabled
         && memcmp (a->name, b->name, a->name_len) == 0;
}

/* Folds a 64 x 64 bit product, which mixes every bit of both. */
static inline guint64
mix (guint64 a, guint64 b)
{
  unsigned __int128 product = (unsigned __int128) a * b;

  return (guint64) product ^ (guint64) (product >> 64);
}

guint64
oc_dns_key_hash (const OcDnsKey *key, guint64 seed)
{
  guint64 h = seed
              ^ ((guint64) key->type << 16 | (guint64) key->name_len << 2
                 | (guint64) (key->dnssec_ok ? 2 : 0) | (guint64) (key->checking_disabled ? 1 : 0));
  gsize i = 0;

  for (; i + 8 <= key->name_len; i += 8)
    {
      guint64 word;

      memcpy (&word, key->name + i, 8);
      h = mix (h ^ word, seed | 0x9e3779b97f4a7c15u);
    }
  if (i < key->name_len)
    {
      guint64 word = 0;

      memcpy (&word, key->name + i, key->name_len - i);
      h = mix (h ^ word, seed | 0x9e3779b97f4a7c15u);
    }
  return mix (h, 0xd6e8feb86659fd93u ^ seed);
}

OcStr
oc_dns_type_name (guint16 type, char *buf)
{
  static const struct
  {
    guint16 type;
    OcStr name;
  } names[] = {
    { 1, OC_STR_INIT ("A") },       { 28, OC_STR_INIT ("AAAA") },  { 65, OC_STR_INIT ("HTTPS") },
    { 5, OC_STR_INIT ("CNAME") },   { 12, OC_STR_INIT ("PTR") },   { 15, OC_STR_INIT ("MX") },
    { 16, OC_STR_INIT ("TXT") },    { 33, OC_STR_INIT ("SRV") },   { 2, OC_STR_INIT ("NS") },
    { 6, OC_STR_INIT ("SOA") },     { 13, OC_STR_INIT ("HINFO") }, { 17, OC_STR_INIT ("RP") },
    { 18, OC_STR_INIT ("AFSDB") },  { 29, OC_STR_INIT ("LOC") },   { 35, OC_STR_INIT ("NAPTR") },
    { 36, OC_STR_INIT ("KX") },     { 37, OC_STR_INIT ("CERT") },  { 39, OC_STR_INIT ("DNAME") },
    { 43, OC_STR_INIT ("DS") },     { 44, OC_STR_INIT ("SSHFP") }, { 46, OC_STR_INIT ("RRSIG") },
    { 47, OC_STR_INIT ("NSEC") },   { 48, OC_STR_INIT ("DNSKEY") }, { 50, OC_STR_INIT ("NSEC3") },
    { 51, OC_STR_INIT ("NSEC3PARAM") }, { 52, OC_STR_INIT ("TLSA") },
    { 53, OC_STR_INIT ("SMIMEA") },
    { 59, OC_STR_INIT ("CDS") },    { 60, OC_STR_INIT ("CDNSKEY") },
    { 61, OC_STR_INIT ("OPENPGPKEY") }, { 62, OC_STR_INIT ("CSYNC") },
    { 64, OC_STR_INIT ("SVCB") },   { 99, OC_STR_INIT ("SPF") },   { 256, OC_STR_INIT ("URI") },
    { 257, OC_STR_INIT ("CAA") },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].type == type)
      return names[i].name;
  return oc_str (buf, (gsize) g_snprintf (buf, 16, "TYPE%u", type));
}
