/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The packet layer without sockets: queries of every kind, answers written by
 * ldns and read by us and by ldns again, the cache, the limits, upstream lists.
 */
#include "config.h"

#include "dns/oc-dns-answer.h"
#include "dns/oc-dns-cache.h"
#include "dns/oc-dns-limits.h"
#include "dns/oc-dns-upstream.h"

#include <ldns/ldns.h>

#define S ((gint64) G_USEC_PER_SEC)

/* --- Queries --------------------------------------------------------------- */

#define HEAD(flags, qd, ar) "\x12\x34" flags "\0" qd "\0\0\0\0\0" ar
#define RD_ "\x01\0"
#define EXAMPLE "\7eXample\3com\0"
#define A_IN "\0\1\0\1"
#define OPT(size, version, flags) "\0\0\x29" size "\0" version flags "\0\0"

#define QUERY(name, bytes, result, text) { name, bytes, sizeof (bytes) - 1, result, text }

static const struct
{
  const char *name;
  const char *bytes;
  gsize len;
  OcDnsParse result;
  const char *text; /* (nullable) */
} queries[] = {
  QUERY ("plain", HEAD (RD_, "\1", "\0") EXAMPLE A_IN, OC_DNS_PARSE_OK, "example.com"),
  QUERY ("with OPT", HEAD (RD_, "\1", "\1") EXAMPLE A_IN OPT ("\x04\xd0", "\0", "\x80\0"),
         OC_DNS_PARSE_OK, "example.com"),
  QUERY ("root", HEAD (RD_, "\1", "\0") "\0" A_IN, OC_DNS_PARSE_OK, ""),
  QUERY ("NUL in a label", HEAD (RD_, "\1", "\0") "\3a\0b\3com\0" A_IN, OC_DNS_PARSE_OK, NULL),
  QUERY ("nothing", "", OC_DNS_PARSE_DROP, NULL),
  QUERY ("eleven octets", "\x12\x34\1\0\0\1\0\0\0\0\0", OC_DNS_PARSE_DROP, NULL),
  QUERY ("an answer", HEAD ("\x81\0", "\1", "\0") EXAMPLE A_IN, OC_DNS_PARSE_DROP, NULL),
  QUERY ("status opcode", HEAD ("\x10\0", "\1", "\0") EXAMPLE A_IN, OC_DNS_PARSE_NOTIMP, NULL),
  QUERY ("update opcode", HEAD ("\x28\0", "\1", "\0") EXAMPLE A_IN, OC_DNS_PARSE_NOTIMP, NULL),
  QUERY ("no question", HEAD (RD_, "\0", "\0"), OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("two questions", HEAD (RD_, "\2", "\0") EXAMPLE A_IN EXAMPLE A_IN,
         OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("an answer count", "\x12\x34\1\0\0\1\0\1\0\0\0\0" EXAMPLE A_IN, OC_DNS_PARSE_MALFORMED,
         NULL),
  QUERY ("cut name", HEAD (RD_, "\1", "\0") "\7exam", OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("no end of name", HEAD (RD_, "\1", "\0") "\7example", OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("no type", HEAD (RD_, "\1", "\0") EXAMPLE "\0\1\0", OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("pointer", HEAD (RD_, "\1", "\0") "\1a\xc0\x0c" A_IN, OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("pointer to the header", HEAD (RD_, "\1", "\0") "\xc0\0" A_IN, OC_DNS_PARSE_MALFORMED,
         NULL),
  QUERY ("label of 64", HEAD (RD_, "\1", "\0") "\x40" EXAMPLE A_IN, OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("trailing octet", HEAD (RD_, "\1", "\0") EXAMPLE A_IN "x", OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("cut OPT", HEAD (RD_, "\1", "\1") EXAMPLE A_IN "\0\0\x29\x04", OC_DNS_PARSE_MALFORMED,
         NULL),
  QUERY ("two OPTs",
         HEAD (RD_, "\1", "\2") EXAMPLE A_IN OPT ("\x04\xd0", "\0", "\0\0")
             OPT ("\x04\xd0", "\0", "\0\0"),
         OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("OPT with an owner",
         HEAD (RD_, "\1", "\1") EXAMPLE A_IN "\1a" OPT ("\x04\xd0", "\0", "\0\0"),
         OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("option beyond OPT",
         HEAD (RD_, "\1", "\1") EXAMPLE A_IN "\0\0\x29\x04\xd0\0\0\0\0\0\4\0\x0a\0\1",
         OC_DNS_PARSE_MALFORMED, NULL),
  QUERY ("EDNS 1", HEAD (RD_, "\1", "\1") EXAMPLE A_IN OPT ("\x04\xd0", "\1", "\0\0"),
         OC_DNS_PARSE_BADVERS, NULL),
  QUERY ("chaos", HEAD (RD_, "\1", "\0") EXAMPLE "\0\x10\0\3", OC_DNS_PARSE_REFUSED, NULL),
  QUERY ("any class", HEAD (RD_, "\1", "\0") EXAMPLE "\0\1\0\xff", OC_DNS_PARSE_REFUSED, NULL),
  QUERY ("ANY", HEAD (RD_, "\1", "\0") EXAMPLE "\0\xff\0\1", OC_DNS_PARSE_REFUSED, NULL),
  QUERY ("AXFR", HEAD (RD_, "\1", "\0") EXAMPLE "\0\xfc\0\1", OC_DNS_PARSE_REFUSED, NULL),
  QUERY ("IXFR", HEAD (RD_, "\1", "\0") EXAMPLE "\0\xfb\0\1", OC_DNS_PARSE_REFUSED, NULL),
  QUERY ("OPT as a type", HEAD (RD_, "\1", "\0") EXAMPLE "\0\x29\0\1", OC_DNS_PARSE_REFUSED,
         NULL),
};

static void
test_queries (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      /* An exact allocation, so that a sanitizer sees a read beyond. */
      g_autofree guint8 *packet = g_memdup2 (queries[i].bytes, queries[i].len);
      OcDnsQuery query = { 0 };

      g_test_message ("%s", queries[i].name);
      g_assert_cmpint (oc_dns_query_parse (packet, queries[i].len, &query), ==,
                       queries[i].result);
      if (queries[i].result != OC_DNS_PARSE_OK)
        continue;
      g_assert_cmpint (query.id, ==, 0x1234);
      g_assert_cmpint (query.is_host, ==, queries[i].text != NULL && *queries[i].text != '\0');
      if (queries[i].text != NULL)
        g_assert_true (oc_str_equal (oc_dns_query_text (&query), oc_str_from (queries[i].text)));
    }
}

static void
test_query_fields (void)
{
  static const char packet[]
      = HEAD ("\x01\x10", "\1", "\1") EXAMPLE A_IN OPT ("\x01\0", "\0", "\x80\0");
  OcDnsQuery query = { 0 };

  g_assert_cmpint (oc_dns_query_parse ((const guint8 *) packet, sizeof packet - 1, &query), ==,
                   OC_DNS_PARSE_OK);
  g_assert_true (query.has_edns);
  g_assert_true (query.key.dnssec_ok);
  g_assert_true (query.key.checking_disabled);
  g_assert_cmpint (query.udp_size, ==, OC_DNS_UDP_MIN); /* 256 is raised to it */
  g_assert_cmpint (query.key.type, ==, OC_DNS_TYPE_A);
  g_assert_cmpmem (query.key.name, query.key.name_len, "\7example\3com", 13);
  g_assert_cmpmem (query.question, query.question_len, EXAMPLE A_IN, 17);
}

/* 253 octets of text are the most; 254 and a label of 63 are at their limits. */
static void
test_name_limits (void)
{
  static const struct
  {
    gsize last_label; /* after three of 63 */
    OcDnsParse result;
  } cases[] = { { 61, OC_DNS_PARSE_OK },
                { 62, OC_DNS_PARSE_LONG_NAME },
                { 63, OC_DNS_PARSE_LONG_NAME } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) packet = g_byte_array_new ();
      OcDnsQuery query = { 0 };
      guint8 label[64];

      memset (label, 'a', sizeof label);
      g_byte_array_append (packet, (const guint8 *) HEAD (RD_, "\1", "\0"), OC_DNS_HEADER_LEN);
      for (guint n = 0; n < 4; n++)
        {
          label[0] = n < 3 ? 63 : (guint8) cases[i].last_label;
          g_byte_array_append (packet, label, label[0] + 1u);
        }
      g_byte_array_append (packet, (const guint8 *) "\0" A_IN, 5);
      g_assert_cmpint (oc_dns_query_parse (packet->data, packet->len, &query), ==,
                       cases[i].result);
      if (cases[i].result == OC_DNS_PARSE_OK)
        g_assert_cmpint (query.text_len, ==, OC_DNS_TEXT_MAX);
    }
}

/* Every cut of a good query and every changed octet: no read beyond (exact
 * allocation) and, when we accept it, ldns reads the same question. */
static void
test_query_mutations (void)
{
  static const char good[]
      = HEAD (RD_, "\1", "\1") EXAMPLE A_IN OPT ("\x04\xd0", "\0", "\x80\0");

  for (gsize len = 0; len < sizeof good; len++)
    for (gsize at = 0; at < len; at++)
      for (guint value = 0; value < 256; value += len == sizeof good - 1 ? 1 : 85)
        {
          g_autofree guint8 *packet = g_memdup2 (good, len);
          OcDnsQuery query = { 0 };
          ldns_pkt *pkt = NULL;

          packet[at] = (guint8) value;
          if (oc_dns_query_parse (packet, len, &query) != OC_DNS_PARSE_OK)
            continue;
          g_assert_cmpint (ldns_wire2pkt (&pkt, packet, len), ==, LDNS_STATUS_OK);
          g_assert_cmpint (ldns_rr_get_type (ldns_rr_list_rr (ldns_pkt_question (pkt), 0)), ==,
                           query.key.type);
          ldns_pkt_free (pkt);
        }
}

/* --- Answers --------------------------------------------------------------- */

/* Zone lines, section by section, to a message as a server would send it. */
static guint8 *
make_message (const char *qname, guint16 qtype, guint rcode, const char *const sections[3],
              gsize *out_len)
{
  ldns_pkt *pkt = ldns_pkt_query_new (ldns_dname_new_frm_str (qname), (ldns_rr_type) qtype,
                                      LDNS_RR_CLASS_IN, LDNS_RD | LDNS_RA | LDNS_QR);
  uint8_t *wire = NULL;
  guint8 *copy;

  ldns_pkt_set_id (pkt, 0x4242);
  ldns_pkt_set_rcode (pkt, (uint8_t) rcode);
  for (guint s = 0; s < 3; s++)
    {
      g_auto (GStrv) lines = g_strsplit (sections[s] != NULL ? sections[s] : "", "\n", -1);

      for (guint i = 0; lines[i] != NULL; i++)
        {
          ldns_rr *rr = NULL;

          if (*lines[i] == '\0')
            continue;
          g_assert_cmpint (ldns_rr_new_frm_str (&rr, lines[i], 0, NULL, NULL), ==, LDNS_STATUS_OK);
          ldns_pkt_push_rr (pkt, (ldns_pkt_section) (LDNS_SECTION_ANSWER + s), rr);
        }
    }
  g_assert_cmpint (ldns_pkt2wire (&wire, pkt, out_len), ==, LDNS_STATUS_OK);
  copy = g_memdup2 (wire, *out_len);
  free (wire);
  ldns_pkt_free (pkt);
  return copy;
}

static OcDnsAnswer *
read_message (const guint8 *msg, gsize len, OcDnsAnswerResult expected)
{
  OcDnsAnswer *answer = NULL;
  OcDnsName name;
  gsize at = OC_DNS_HEADER_LEN;

  g_assert_true (oc_dns_name_read (msg, len, &at, &name));
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, msg + OC_DNS_HEADER_LEN,
                                        at + 4 - OC_DNS_HEADER_LEN, &answer),
                   ==, expected);
  return answer;
}

/* The answer as text, read back by ldns from what we stored. */
static char *
print_stored (const guint8 *msg, const OcDnsAnswer *answer)
{
  gsize head = OC_DNS_HEADER_LEN + answer->question_len;
  g_autofree guint8 *wire = g_malloc (head + answer->block_len);
  ldns_pkt *pkt = NULL;
  GString *text = g_string_new (NULL);

  memcpy (wire, msg, head);
  memcpy (wire + head, answer->block, answer->block_len);
  for (guint s = 0; s < 3; s++)
    oc_dns_put16 (wire + 6 + 2 * s, answer->n_section[s]);
  g_assert_cmpint (ldns_wire2pkt (&pkt, wire, head + answer->block_len), ==, LDNS_STATUS_OK);
  for (guint s = 0; s < 3; s++)
    {
      ldns_rr_list *list
          = ldns_pkt_get_section_clone (pkt, (ldns_pkt_section) (LDNS_SECTION_ANSWER + s));
      char *lines = ldns_rr_list2str (list);

      g_string_append (text, lines);
      free (lines);
      ldns_rr_list_deep_free (list);
    }
  ldns_pkt_free (pkt);
  g_strdelimit (text->str, "\t", ' ');
  return g_string_free (text, FALSE);
}

static const struct
{
  const char *name;
  const char *qname;
  guint16 qtype;
  guint rcode;
  const char *sections[3];
  guint32 lifetime_s;
  guint n_records;
  const char *contains; /* in the stored text */
} answers[] = {
  { "A", "a.example.", 1, 0, { "a.example. 300 IN A 5.6.7.8\na.example. 200 IN A 5.6.7.9" }, 200, 2,
    "a.example. 200 IN A 5.6.7.9" },
  { "CNAME chain", "w.example.", 1, 0,
    { "w.example. 60 IN CNAME x.cdn.example.\nx.cdn.example. 30 IN CNAME y.cdn.example.\n"
      "y.cdn.example. 20 IN A 5.6.7.8" }, 20, 3, "y.cdn.example. 20 IN A 5.6.7.8" },
  { "stray address is left out", "w.example.", 1, 0,
    { "w.example. 60 IN CNAME x.example.\nx.example. 60 IN A 5.6.7.8\nz.example. 5 IN A 5.5.5.5" },
    60, 2, "x.example. 60 IN A 5.6.7.8" },
  { "MX with an address", "example.", 15, 0,
    { "example. 60 IN MX 10 mail.example.", NULL, "mail.example. 60 IN A 5.6.7.8" }, 60, 2,
    "MX 10 mail.example." },
  { "SRV", "_s._tcp.example.", 33, 0, { "_s._tcp.example. 60 IN SRV 1 2 443 t.example." }, 60, 1,
    "SRV 1 2 443 t.example." },
  { "NAPTR", "n.example.", 35, 0,
    { "n.example. 60 IN NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:x!\" t.example." }, 60, 1,
    "NAPTR 1 2" },
  { "CAA", "example.", 257, 0, { "example. 60 IN CAA 0 issue \"ca.example\"" }, 60, 1, "CAA 0" },
  { "TXT", "t.example.", 16, 0, { "t.example. 60 IN TXT \"one\" \"two\"" }, 60, 1,
    "TXT \"one\" \"two\"" },
  { "PTR", "8.7.6.5.in-addr.arpa.", 12, 0, { "8.7.6.5.in-addr.arpa. 60 IN PTR a.example." }, 60, 1,
    "PTR a.example." },
  { "no name", "nx.example.", 1, 3,
    { NULL, "example. 900 IN SOA ns.example. m.example. 1 2 3 4 120" }, 120, 1, "SOA ns.example." },
  { "no data", "a.example.", 28, 0,
    { NULL, "example. 100 IN SOA ns.example. m.example. 1 2 3 4 3600" }, 100, 1, "SOA" },
  { "negative cap", "nx.example.", 1, 3,
    { NULL, "example. 86400 IN SOA ns.example. m.example. 1 2 3 4 86400" },
    OC_DNS_NEGATIVE_TTL_MAX_S, 1, "SOA" },
  { "no name, no SOA", "nx.example.", 1, 3, { NULL }, 0, 0, "" },
  { "TTL cap", "a.example.", 1, 0, { "a.example. 604800 IN A 5.6.7.8" }, OC_DNS_TTL_MAX_S, 1,
    "86400" },
  { "TTL 0", "a.example.", 1, 0, { "a.example. 0 IN A 5.6.7.8" }, 0, 1, "A 5.6.7.8" },
  { "unknown type", "u.example.", 65400, 0, { "u.example. 60 IN TYPE65400 \\# 3 010203" }, 60, 1,
    "\\# 3 010203" },
};

static void
test_answers (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      gsize len;
      g_autofree guint8 *msg = make_message (answers[i].qname, answers[i].qtype, answers[i].rcode,
                                             answers[i].sections, &len);
      g_autoptr (OcDnsAnswer) answer = read_message (msg, len, OC_DNS_ANSWER_OK);
      g_autofree char *text = print_stored (msg, answer);

      g_test_message ("%s: %s", answers[i].name, text);
      g_assert_cmpint (answer->rcode, ==, answers[i].rcode);
      g_assert_cmpint (answer->lifetime_s, ==, answers[i].lifetime_s);
      g_assert_cmpint (answer->n_records, ==, answers[i].n_records);
      g_assert_nonnull (strstr (text, answers[i].contains));
    }
}

/* What is not the answer to our question is never taken for it. */
static void
test_mismatches (void)
{
  static const char *const sections[3] = { "a.example. 60 IN A 5.6.7.8" };
  gsize len;
  g_autofree guint8 *msg = make_message ("a.example.", 1, 0, sections, &len);
  g_autofree guint8 *question = g_memdup2 (msg + OC_DNS_HEADER_LEN, 15);
  OcDnsAnswer *answer = NULL;

  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4243, question, 15, &answer), ==,
                   OC_DNS_ANSWER_NOT_OURS);
  question[1] = 'A'; /* the case that was sent */
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_NOT_OURS);
  question[1] = 'a';
  question[12] = 28;
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_NOT_OURS);
  question[12] = 1;
  msg[2] &= 0x7f; /* a query */
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_NOT_OURS);
  msg[2] |= 0x82; /* cut */
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_TRUNCATED);
  msg[2] &= ~0x02;
  msg[3] = (guint8) ((msg[3] & 0xf0) | OC_DNS_SERVFAIL);
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_FAILED);
  msg[3] = (guint8) ((msg[3] & 0xf0) | OC_DNS_FORMERR);
  g_assert_cmpint (oc_dns_answer_parse (msg, len, 0x4242, question, 15, &answer), ==,
                   OC_DNS_ANSWER_NO_EDNS);
  g_assert_null (answer);
}

/* Messages that lie about their own structure. */
static void
test_broken_answers (void)
{
  static const char good[] = "\x42\x42\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0"
                             "\x3c\0\4\5\6\7\x08";
  static const struct
  {
    gsize at;
    guint8 value;
  } changes[] = {
    { 7, 2 },              /* one record more than there is */
    { 30, 5 },             /* rdata beyond the end */
    { 30, 3 },             /* an A of three octets */
    { 20, 0x13 },          /* a pointer to itself */
    { 20, 0x14 },          /* a pointer forward */
    { 20, 0x04 },          /* a pointer into the header */
    { 19, 0x80 },          /* a reserved label type */
  };

  g_assert_cmpint (sizeof good, ==, 36);
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree guint8 *msg = g_memdup2 (good, sizeof good - 1);

      msg[changes[i].at] = changes[i].value;
      g_test_message ("octet %zu is %u", changes[i].at, changes[i].value);
      g_assert_null (read_message (msg, sizeof good - 1, OC_DNS_ANSWER_BAD));
    }
  for (gsize len = 19; len < sizeof good - 1; len++)
    {
      g_autofree guint8 *msg = g_memdup2 (good, len);

      g_assert_null (read_message (msg, len, OC_DNS_ANSWER_BAD));
    }
}

/* Nothing after the first address points behind it. */
static void
test_pointers (void)
{
  static const char *const sections[3]
      = { ("w.example. 60 IN CNAME x.cdn.test.\nx.cdn.test. 60 IN A 5.6.7.8\n"
           "x.cdn.test. 60 IN A 10.0.0.1"),
          "cdn.test. 60 IN NS ns1.other.test.\ncdn.test. 60 IN NS ns2.other.test.",
          "ns1.other.test. 60 IN A 5.5.5.5" };
  gsize len;
  g_autofree guint8 *msg = make_message ("w.example.", 1, 0, sections, &len);
  g_autoptr (OcDnsAnswer) answer = read_message (msg, len, OC_DNS_ANSWER_OK);
  gsize base = OC_DNS_HEADER_LEN + answer->question_len;
  gsize first = base + answer->records[1].offset;

  g_assert_true (answer->filterable);
  g_assert_cmpint (answer->records[1].flags, ==, OC_DNS_RECORD_ADDRESS);
  g_assert_cmpint (answer->records[2].flags, ==, OC_DNS_RECORD_ADDRESS | OC_DNS_RECORD_PRIVATE);
  for (guint i = 0; i < answer->n_records; i++)
    {
      const guint8 *p = answer->block + answer->records[i].offset;

      while (*p != 0 && *p < 0xc0)
        p += *p + 1;
      if (*p >= 0xc0)
        g_assert_cmpint (oc_dns_get16 (p) & 0x3fff, <, first);
    }
}

/* --- Cache ----------------------------------------------------------------- */

static OcDnsAnswer *
make_answer (guint32 lifetime_s)
{
  OcDnsAnswer *answer = g_new0 (OcDnsAnswer, 1);

  g_atomic_ref_count_init (&answer->ref_count);
  answer->lifetime_s = lifetime_s;
  return answer;
}

static void
insert (OcDnsCache *cache, guint n, guint32 lifetime_s, gint64 now_us)
{
  g_autoptr (OcDnsAnswer) answer = make_answer (lifetime_s);
  g_autofree char *host = g_strdup_printf ("host-%u.example", n);
  OcDnsKey key;

  g_assert_true (oc_dns_key_init (&key, oc_str_from (host), 1));
  oc_dns_cache_insert (cache, &key, oc_dns_key_hash (&key, oc_dns_cache_get_seed (cache)), now_us,
                       answer);
}

static OcDnsCacheState
look_up (OcDnsCache *cache, guint n, gint64 now_us, guint32 *out_age_s)
{
  g_autoptr (OcDnsAnswer) answer = NULL;
  g_autofree char *host = g_strdup_printf ("host-%u.example", n);
  OcDnsKey key;

  g_assert_true (oc_dns_key_init (&key, oc_str_from (host), 1));
  return oc_dns_cache_lookup (cache, &key, oc_dns_key_hash (&key, oc_dns_cache_get_seed (cache)),
                              now_us, &answer, out_age_s);
}

static void
test_cache_ages (void)
{
  OcDnsCache *cache = oc_dns_cache_new (100, G_MAXSIZE);
  guint32 age_s = 0;

  insert (cache, 1, 60, 10 * S);
  insert (cache, 2, 0, 10 * S);
  g_assert_cmpint (oc_dns_cache_get_n_entries (cache), ==, 1);
  g_assert_cmpint (look_up (cache, 2, 10 * S, &age_s), ==, OC_DNS_CACHE_MISS);
  g_assert_cmpint (look_up (cache, 1, 70 * S - 1, &age_s), ==, OC_DNS_CACHE_FRESH);
  g_assert_cmpint (age_s, ==, 59);
  g_assert_cmpint (look_up (cache, 1, 70 * S, &age_s), ==, OC_DNS_CACHE_STALE);
  g_assert_cmpint (look_up (cache, 1, (70 + OC_DNS_STALE_MAX_S) * S - 1, &age_s), ==,
                   OC_DNS_CACHE_STALE);
  g_assert_cmpint (look_up (cache, 1, (70 + OC_DNS_STALE_MAX_S) * S, &age_s), ==,
                   OC_DNS_CACHE_MISS);
  g_assert_cmpint (oc_dns_cache_get_n_entries (cache), ==, 0);
  insert (cache, 1, 60, 10 * S);
  oc_dns_cache_flush (cache);
  g_assert_cmpint (look_up (cache, 1, 11 * S, &age_s), ==, OC_DNS_CACHE_MISS);
  oc_dns_cache_free (cache);
}

/* Exactly so many entries, and a used one outlives an unused one. */
static void
test_cache_limits (void)
{
  OcDnsCache *cache = oc_dns_cache_new (OC_DNS_CACHE_ENTRIES_MAX, G_MAXSIZE);
  guint32 age_s;
  guint n_lost = 0;

  for (guint i = 0; i < OC_DNS_CACHE_ENTRIES_MAX; i++)
    insert (cache, i, 60, 0);
  for (guint i = 0; i < OC_DNS_CACHE_ENTRIES_MAX; i++)
    g_assert_cmpint (look_up (cache, i, 0, &age_s), ==, OC_DNS_CACHE_FRESH);
  /* Used before the first that needs room, as it may be the oldest of its shard. */
  g_assert_cmpint (look_up (cache, 7, S, &age_s), ==, OC_DNS_CACHE_FRESH);
  for (guint i = 0; i < 1000; i++)
    {
      insert (cache, OC_DNS_CACHE_ENTRIES_MAX + i, 60, S);
      g_assert_cmpint (look_up (cache, 7, S, &age_s), ==, OC_DNS_CACHE_FRESH);
    }
  g_assert_cmpint (oc_dns_cache_get_n_entries (cache), ==, OC_DNS_CACHE_ENTRIES_MAX);
  for (guint i = 0; i < OC_DNS_CACHE_ENTRIES_MAX + 1000; i++)
    n_lost += look_up (cache, i, 0, &age_s) == OC_DNS_CACHE_MISS;
  g_assert_cmpint (n_lost, ==, 1000);
  oc_dns_cache_free (cache);
}

static void
test_cache_bytes (void)
{
  OcDnsCache *cache = oc_dns_cache_new (OC_DNS_CACHE_ENTRIES_MAX, 20000);
  guint32 age_s;

  for (guint i = 0; i < 1000; i++)
    insert (cache, i, 60, 0);
  g_assert_cmpint (oc_dns_cache_get_n_entries (cache), <, 100);
  g_assert_cmpint (oc_dns_cache_get_n_entries (cache), >, 10);
  g_assert_cmpint (look_up (cache, 999, 0, &age_s), ==, OC_DNS_CACHE_FRESH);
  oc_dns_cache_free (cache);
}

static void
test_cache_keys (void)
{
  OcDnsKey a;
  OcDnsKey b;

  g_assert_true (oc_dns_key_init (&a, OC_STR ("Example.COM"), 1));
  g_assert_true (oc_dns_key_init (&b, OC_STR ("example.com"), 1));
  g_assert_true (oc_dns_key_equal (&a, &b));
  g_assert_cmpuint (oc_dns_key_hash (&a, 5), ==, oc_dns_key_hash (&b, 5));
  g_assert_cmpuint (oc_dns_key_hash (&a, 5), !=, oc_dns_key_hash (&b, 6));
  b.dnssec_ok = TRUE;
  g_assert_false (oc_dns_key_equal (&a, &b));
  b.dnssec_ok = FALSE;
  b.checking_disabled = TRUE;
  g_assert_false (oc_dns_key_equal (&a, &b));
  g_assert_false (oc_dns_key_init (&a, OC_STR ("a..b"), 1));
  g_assert_false (oc_dns_key_init (&a, OC_STR (""), 1));
  g_assert_false (oc_dns_key_init (&a, OC_STR ("a."), 1));
}

/* --- Limits ---------------------------------------------------------------- */

static void
test_rate (void)
{
  OcDnsLimits *limits = oc_dns_limits_new (1000);
  guint n = 0;

  while (oc_dns_limits_take (limits, 3, 50 * S))
    n++;
  g_assert_cmpint (n, ==, 2000);
  g_assert_true (oc_dns_limits_take (limits, 4, 50 * S)); /* others are not concerned */
  g_assert_true (oc_dns_limits_take (limits, 3, 50 * S + 1000));
  g_assert_false (oc_dns_limits_take (limits, 3, 50 * S + 1000));
  for (n = 0; oc_dns_limits_take (limits, 3, 60 * S); n++)
    ;
  g_assert_cmpint (n, ==, 2000);
  oc_dns_limits_free (limits);
  limits = oc_dns_limits_new (0);
  for (n = 0; n < 100000; n++)
    g_assert_true (oc_dns_limits_take (limits, 3, 50 * S));
  oc_dns_limits_free (limits);
}

static void
test_counts (void)
{
  atomic_int counter = 0;

  for (guint i = 0; i < OC_DNS_TCP_PER_WORKLOAD_MAX; i++)
    g_assert_true (oc_dns_limits_enter (&counter, OC_DNS_TCP_PER_WORKLOAD_MAX));
  g_assert_false (oc_dns_limits_enter (&counter, OC_DNS_TCP_PER_WORKLOAD_MAX));
  oc_dns_limits_leave (&counter);
  g_assert_true (oc_dns_limits_enter (&counter, OC_DNS_TCP_PER_WORKLOAD_MAX));
}

/* --- Upstreams ------------------------------------------------------------- */

static void
test_upstream_texts (void)
{
  static const struct
  {
    const char *text;
    guint n; /* 0: refused */
    guint16 last_port;
  } cases[] = {
    { "9.9.9.9", 1, 53 },
    { "9.9.9.9:5353, 2620:fe::fe", 2, 53 },
    { "[2620:fe::fe]:853", 1, 853 },
    { "", 0, 0 },
    { "dns.example", 0, 0 },
    { "9.9.9.9:0", 0, 0 },
    { "9.9.9.9:70000", 0, 0 },
    { "9.9.9", 0, 0 },
    { "9.9.9.9,,8.8.8.8", 0, 0 },
    { "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1", 8, 53 },
    { "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1", 0, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (OcDnsUpstreams) upstreams = oc_dns_upstreams_parse (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (upstreams != NULL ? upstreams->n : 0, ==, cases[i].n);
      g_assert_true ((upstreams == NULL) == (error != NULL));
      if (upstreams != NULL)
        g_assert_cmpint (upstreams->items[upstreams->n - 1].port, ==, cases[i].last_port);
    }
}

static void
test_resolv_conf (void)
{
  g_autoptr (OcDnsUpstreams) upstreams = oc_dns_upstreams_from_resolv_conf (
      "# generated\nsearch example\nnameserver 127.0.0.53\n\tnameserver\t::1  # stub\n"
      "nameserver fe80::1%eth0\nnameserver\noptions edns0\nnameserver 9.9.9.9");

  g_assert_cmpint (upstreams->n, ==, 3);
  g_assert_cmpint (upstreams->items[1].address.family, ==, 6);
  g_assert_cmpint (upstreams->items[2].address.bytes[0], ==, 9);
}

static void
test_upstream_choice (void)
{
  g_autoptr (OcDnsUpstreams) set = oc_dns_upstreams_parse ("1.1.1.1,2.2.2.2", NULL);

  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, S), ==, 0);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 1, S), ==, 1);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 3, S), ==, -1);
  oc_dns_upstream_note (&set->items[0], FALSE, S);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, S), ==, 1);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 2, S), ==, 0); /* better than nobody */
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, (1 + OC_DNS_UPSTREAM_SKIP_S) * S - 1), ==, 1);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, (1 + OC_DNS_UPSTREAM_SKIP_S) * S), ==, 0);
  oc_dns_upstream_note (&set->items[0], FALSE, S);
  g_assert_false (oc_dns_upstreams_are_down (set, S));
  oc_dns_upstream_note (&set->items[1], FALSE, 2 * S);
  g_assert_true (oc_dns_upstreams_are_down (set, 2 * S));
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, 2 * S), ==, 0);
  /* Of those that are down the one that was tried longest ago, so that all get their turn. */
  oc_dns_upstream_note (&set->items[0], FALSE, 3 * S);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, 3 * S), ==, 1);
  oc_dns_upstream_note (&set->items[0], TRUE, S);
  g_assert_cmpint (oc_dns_upstreams_choose (set, 0, S), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/packet/queries", test_queries);
  g_test_add_func ("/dns/packet/query-fields", test_query_fields);
  g_test_add_func ("/dns/packet/name-limits", test_name_limits);
  g_test_add_func ("/dns/packet/query-mutations", test_query_mutations);
  g_test_add_func ("/dns/packet/answers", test_answers);
  g_test_add_func ("/dns/packet/mismatches", test_mismatches);
  g_test_add_func ("/dns/packet/broken-answers", test_broken_answers);
  g_test_add_func ("/dns/packet/pointers", test_pointers);
  g_test_add_func ("/dns/cache/ages", test_cache_ages);
  g_test_add_func ("/dns/cache/entries", test_cache_limits);
  g_test_add_func ("/dns/cache/bytes", test_cache_bytes);
  g_test_add_func ("/dns/cache/keys", test_cache_keys);
  g_test_add_func ("/dns/limits/rate", test_rate);
  g_test_add_func ("/dns/limits/counts", test_counts);
  g_test_add_func ("/dns/upstream/texts", test_upstream_texts);
  g_test_add_func ("/dns/upstream/resolv-conf", test_resolv_conf);
  g_test_add_func ("/dns/upstream/choice", test_upstream_choice);
  return g_test_run ();
}
