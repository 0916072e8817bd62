/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The DNS wire format, as far as the hot path needs it: header fields, names,
 * one question with its OPT record. Everything here works on (pointer, length),
 * reads nothing beyond, follows compression pointers only downwards, and does
 * not allocate. RFC 1035, 6891, 9619. Any thread.
 */

#include "common/oc-str.h"

#include <glib.h>

#define OC_DNS_HEADER_LEN 12
#define OC_DNS_NAME_MAX 255      /* octets on the wire, with the root label */
#define OC_DNS_TEXT_MAX 253      /* the same as text without the last dot */
#define OC_DNS_QUERY_MAX 1232    /* the longest query that is read */
#define OC_DNS_UDP_MIN 512
#define OC_DNS_UDP_MAX 1232      /* the longest UDP answer; what our OPT advertises */
#define OC_DNS_TCP_MAX 65535
#define OC_DNS_ADDITIONAL_MAX 8  /* records after the question that a query may carry */

/* Bits of the header's second word. */
enum
{
  OC_DNS_QR = 0x8000,
  OC_DNS_OPCODE = 0x7800,
  OC_DNS_AA = 0x0400,
  OC_DNS_TC = 0x0200,
  OC_DNS_RD = 0x0100,
  OC_DNS_RA = 0x0080,
  OC_DNS_AD = 0x0020,
  OC_DNS_CD = 0x0010,
  OC_DNS_RCODE = 0x000f,
};

enum
{
  OC_DNS_NOERROR = 0,
  OC_DNS_FORMERR = 1,
  OC_DNS_SERVFAIL = 2,
  OC_DNS_NXDOMAIN = 3,
  OC_DNS_NOTIMP = 4,
  OC_DNS_REFUSED = 5,
  OC_DNS_BADVERS = 16,
};

enum
{
  OC_DNS_TYPE_A = 1,
  OC_DNS_TYPE_NS = 2,
  OC_DNS_TYPE_MD = 3,
  OC_DNS_TYPE_MF = 4,
  OC_DNS_TYPE_CNAME = 5,
  OC_DNS_TYPE_SOA = 6,
  OC_DNS_TYPE_MB = 7,
  OC_DNS_TYPE_MG = 8,
  OC_DNS_TYPE_MR = 9,
  OC_DNS_TYPE_PTR = 12,
  OC_DNS_TYPE_MINFO = 14,
  OC_DNS_TYPE_MX = 15,
  OC_DNS_TYPE_TXT = 16,
  OC_DNS_TYPE_RP = 17,
  OC_DNS_TYPE_AFSDB = 18,
  OC_DNS_TYPE_RT = 21,
  OC_DNS_TYPE_PX = 26,
  OC_DNS_TYPE_AAAA = 28,
  OC_DNS_TYPE_SRV = 33,
  OC_DNS_TYPE_NAPTR = 35,
  OC_DNS_TYPE_KX = 36,
  OC_DNS_TYPE_DNAME = 39,
  OC_DNS_TYPE_OPT = 41,
  OC_DNS_TYPE_SVCB = 64,
  OC_DNS_TYPE_HTTPS = 65,
};

#define OC_DNS_CLASS_IN 1

static inline guint16
oc_dns_get16 (const guint8 *p)
{
  return (guint16) (p[0] << 8 | p[1]);
}

static inline guint32
oc_dns_get32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

static inline void
oc_dns_put16 (guint8 *p, guint v)
{
  p[0] = (guint8) (v >> 8);
  p[1] = (guint8) v;
}

static inline void
oc_dns_put32 (guint8 *p, guint32 v)
{
  oc_dns_put16 (p, v >> 16);
  oc_dns_put16 (p + 2, v & 0xffff);
}

/* --- Names ----------------------------------------------------------------- */

/* A whole name without compression, root label included. */
typedef struct
{
  guint8 wire[OC_DNS_NAME_MAX];
  guint8 len;
} OcDnsName;

extern const guint8 oc_dns_lower[256];

/* Whether a host name can have this octet, which is lower case. */
static inline gboolean
oc_dns_is_host_octet (guint8 lower)
{
  return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-'
         || lower == '_';
}

/* Reads the name at *@pos of @msg, compressed or not, and moves *@pos behind
 * it. Returns: FALSE when it is malformed, too long or leaves @msg. */
gboolean oc_dns_name_read (const guint8 *msg, gsize len, gsize *pos, OcDnsName *out);
/* Case of ASCII letters is ignored. */
gboolean oc_dns_name_equal (const guint8 *a, gsize a_len, const guint8 *b, gsize b_len);
void oc_dns_name_lower (OcDnsName *name);
/* Host name text to wire form. Returns: FALSE when it is no name. */
gboolean oc_dns_name_from_text (OcStr text, OcDnsName *out);

/* --- One query ------------------------------------------------------------- */

typedef enum
{
  OC_DNS_PARSE_OK,
  OC_DNS_PARSE_DROP,     /* not even a sound header of a query: no answer */
  OC_DNS_PARSE_MALFORMED, /* sound header, the rest is not: FORMERR */
  OC_DNS_PARSE_LONG_NAME, /* over 255 octets: FORMERR */
  OC_DNS_PARSE_NOTIMP,   /* an opcode other than QUERY */
  OC_DNS_PARSE_REFUSED,  /* class other than IN, ANY, zone transfer, other meta types */
  OC_DNS_PARSE_BADVERS,  /* EDNS version other than 0 */
} OcDnsParse;

/* Which answer a question has: the key of the cache and of questions in flight.
 * The name is last, so that a look-up touches one line of memory for most. */
typedef struct
{
  guint16 type;
  guint8 dnssec_ok; /* truth values */
  guint8 checking_disabled;
  guint8 name_len;
  guint8 name[OC_DNS_NAME_MAX]; /* lower case, wire form */
} OcDnsKey;

typedef struct
{
  guint16 id;
  guint16 flags;    /* of the header */
  guint16 udp_size; /* what the asker takes: 512 to 65535 */
  gboolean has_edns;
  gboolean is_host; /* @text is made of letters, digits, "-", "_" and dots only */
  guint16 question_len;                    /* 0: no question to echo */
  guint8 question[OC_DNS_NAME_MAX + 4];    /* as it was asked, case kept */
  OcDnsKey key;
  guint8 text_len;
  char text[OC_DNS_NAME_MAX]; /* lower case, no trailing dot, not NUL-terminated */
} OcDnsQuery;

/* On everything but DROP, @out's id, flags and sizes are set; with OK, REFUSED
 * and BADVERS the question too. */
OcDnsParse oc_dns_query_parse (const guint8 *packet, gsize len, OcDnsQuery *out);

static inline OcStr
oc_dns_query_text (const OcDnsQuery *query)
{
  return oc_str (query->text, query->text_len);
}

/* A question of our own (the internal resolver). FALSE when @host is no name. */
gboolean oc_dns_key_init (OcDnsKey *key, OcStr host, guint16 type);
gboolean oc_dns_key_equal (const OcDnsKey *a, const OcDnsKey *b);
/* Keyed with @seed, so that nobody outside can choose names that collide. */
guint64 oc_dns_key_hash (const OcDnsKey *key, guint64 seed);

/* "A", "HTTPS", … or "TYPE123" written to @buf (at least 16 bytes). */
OcStr oc_dns_type_name (guint16 type, char *buf);
