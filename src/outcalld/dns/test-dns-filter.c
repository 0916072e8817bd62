/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The whole filter: real policy, real clients, a real upstream. Each row cites
 * what spec chapter 04 promises.
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"
#include "dns/oc-dns-testserver.h"
#include "testlib/oc-testns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

/* What dig must print, separated by "|"; "!" before what it must not. */
typedef struct
{
  const char *name;
  const char *source;
  const char *args;
  const char *expected;
} Row;

static const Row rows[] = {
  /* a real resolver gets correct answers */
  { "a", BED_WORKLOAD, "a.lab.example A", "NOERROR|a.lab.example. |IN A 5.6.7.8|qr rd ra" },
  { "case", BED_WORKLOAD, "A.Lab.EXAMPLE A", "NOERROR|A.Lab.EXAMPLE. |5.6.7.8" },
  { "aaaa", BED_WORKLOAD, "aaaa.lab.example AAAA", "NOERROR|2600::8" },
  { "cname", BED_WORKLOAD, "w.lab.example A",
    "NOERROR|w.lab.example. |IN CNAME x.cdn.lab.example.|"
    "x.cdn.lab.example. |IN CNAME y.cdn.lab.example.|y.cdn.lab.example. |IN A 5.6.7.9" },
  { "mx", BED_WORKLOAD, "mx.lab.example MX", "NOERROR|IN MX 10 mail.lab.example." },
  { "txt", BED_WORKLOAD, "txt.lab.example TXT", "NOERROR|TXT \"one\" \"two\"" },
  { "srv", BED_WORKLOAD, "_s._tcp.lab.example SRV", "NOERROR|IN SRV 1 2 443 a.lab.example." },
  { "caa", BED_WORKLOAD, "caa.lab.example CAA", "NOERROR|CAA 0 issue \"ca.example\"" },
  { "ptr", BED_WORKLOAD, "-x 5.6.7.8", "NOERROR|IN PTR a.lab.example." },
  { "wildcard", BED_WORKLOAD, "q.wild.lab.example A", "NOERROR|q.wild.lab.example. |IN A" },
  { "nx", BED_WORKLOAD, "nx.lab.example A", "NXDOMAIN|IN SOA ns.lab.example.|!EDE|!flags: qr aa" },
  { "no-data", BED_WORKLOAD, "a.lab.example MX", "NOERROR|ANSWER: 0|SOA" },
  { "big-udp", BED_WORKLOAD, "+ignore +bufsize=4096 big.lab.example TXT", "qr tc rd|ANSWER: 0" },
  { "big-tcp", BED_WORKLOAD, "+tcp big.lab.example TXT", "NOERROR|ANSWER: 1|\"19000000" },
  { "big-retry", BED_WORKLOAD, "big.lab.example TXT", "Truncated|ANSWER: 1|\"19000000" },
  { "no-edns", BED_WORKLOAD, "+noedns +ignore crowd.lab.example A", "qr tc rd|!OPT|ANSWER: 0" },
  { "crowd", BED_WORKLOAD, "+tcp crowd.lab.example A", "ANSWER: 100|5.6.8.99" },
  { "edns", BED_WORKLOAD, "+edns a.lab.example A", "EDNS: version: 0, flags:; udp: 1232" },
  { "cookie", BED_WORKLOAD, "+cookie=0102030405060708 a.lab.example A", "NOERROR|!COOKIE: 01020" },
  { "subnet", BED_WORKLOAD, "+subnet=1.2.3.0/24 n1.lab.example A", "NOERROR|5.6.9.1|!CLIENT" },

  /* a refused name */
  { "blocked-by-rule", BED_WORKLOAD, "blocked.lab.example A",
    "NXDOMAIN|qr aa rd ra|AUTHORITY: 1|blocked.lab.example. 60 IN SOA|outcall.invalid.|"
    "EDE: 15 (Blocked): (no-blocked)|!5.6.7.66" },
  { "blocked-case", BED_WORKLOAD, "BLOCKED.lab.Example A", "NXDOMAIN|EDE: 15" },
  { "blocked-default", BED_WORKLOAD, "www.elsewhere.example A",
    "NXDOMAIN|EDE: 15 (Blocked): (default)" },
  { "blocked-no-edns", BED_WORKLOAD, "+noedns www.elsewhere.example A", "NXDOMAIN|!EDE|!OPT" },
  { "blocked-tcp", BED_WORKLOAD, "+tcp www.elsewhere.example A", "NXDOMAIN|EDE: 15" },
  { "suffix-trick", BED_WORKLOAD, "evillab.example A", "NXDOMAIN|EDE: 15" },
  { "local", BED_WORKLOAD, "printer.local A", "NXDOMAIN|EDE: 15" },
  { "single-label", BED_WORKLOAD, "intranet A", "NXDOMAIN|EDE: 15" },
  { "root", BED_WORKLOAD, ". NS", "NXDOMAIN|EDE: 15" },
  { "private-reverse", BED_WORKLOAD, "-x 10.0.0.1", "NXDOMAIN|EDE: 15" },
  { "address-as-name", BED_WORKLOAD, "5.6.7.8 A", "NXDOMAIN|EDE: 15" },
  { "nul", BED_WORKLOAD, "'www.elsewhere.example\\000.lab.example' A", "NXDOMAIN|EDE: 15" },
  { "space", BED_WORKLOAD, "'a\\032b.lab.example' A", "NXDOMAIN|EDE: 15" },
  { "dot-in-label", BED_WORKLOAD, "'elsewhere\\046x.lab.example' A", "NXDOMAIN|EDE: 15" },

  /* what is no question for us */
  { "no-lease", BED_STRANGER, "a.lab.example A", "REFUSED|!5.6.7.8" },
  { "no-lease-tcp", BED_STRANGER, "+tcp a.lab.example A", "REFUSED|!5.6.7.8" },
  { "any", BED_WORKLOAD, "+notcp a.lab.example ANY", "REFUSED" },
  { "axfr", BED_WORKLOAD, "lab.example AXFR", "failed" },
  { "chaos", BED_WORKLOAD, "version.bind CH TXT", "REFUSED" },
  { "opcode", BED_WORKLOAD, "+opcode=STATUS a.lab.example A", "NOTIMP" },
  { "edns-version", BED_WORKLOAD, "+edns=1 +noednsnegotiation a.lab.example A", "BADVERS" },

  /* the address policy */
  { "private", BED_WORKLOAD, "private.lab.example A", "SERVFAIL|!10.0.0.5|EDE: 17" },
  { "mixed", BED_WORKLOAD, "mixed.lab.example A", "NOERROR|ANSWER: 1|5.6.7.8|!192.168" },
  { "metadata", BED_WORKLOAD, "metadata.lab.example A", "SERVFAIL|!169.254" },
  { "loopback", BED_WORKLOAD, "loop.lab.example A", "SERVFAIL" },
  { "mapped", BED_WORKLOAD, "mapped.lab.example AAAA", "SERVFAIL" },
  { "nat64", BED_WORKLOAD, "nat64.lab.example AAAA", "SERVFAIL" },
  { "6to4", BED_WORKLOAD, "sixtofour.lab.example AAAA", "SERVFAIL" },
  { "ula", BED_WORKLOAD, "ula.lab.example AAAA", "SERVFAIL" },
  { "own", BED_WORKLOAD, "own.lab.example A", "SERVFAIL" },
  { "own-nat64", BED_WORKLOAD, "own.lab.example AAAA", "SERVFAIL" },
  { "chain-end", BED_WORKLOAD, "toprivate.lab.example A", "SERVFAIL|!10.0.0.5" },
  { "allowed-private", BED_WORKLOAD, "okprivate.lab.example A", "NOERROR|10.0.0.5" },
  { "https", BED_WORKLOAD, "https.lab.example HTTPS",
    "NOERROR|alpn=\"h2\"|ipv4hint=5.6.7.8|!ech=|!10.0.0.1" },
  { "https-ech", BED_WORKLOAD, "ech.lab.example HTTPS", "NOERROR|ech=AAEC" },
  { "https-alias", BED_WORKLOAD, "svcalias.lab.example HTTPS", "NOERROR|HTTPS 0 a.lab.example." },

  /* without a firewall no grant can be made, so no address may leave */
  { "direct-no-grant", BED_WORKLOAD, "direct.lab.example A", "SERVFAIL|!5.6.7.20" },
  { "direct-v6", BED_WORKLOAD, "direct.lab.example AAAA", "NOERROR|2600::20" },
  { "direct-hints", BED_WORKLOAD, "direct.lab.example HTTPS", "NOERROR|!5.6.7.20" },
};

static void
check_output (const char *name, const char *output, const char *expected)
{
  g_auto (GStrv) parts = g_strsplit (expected, "|", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      gboolean absent = parts[i][0] == '!';
      gboolean found = strstr (output, parts[i] + absent) != NULL;

      if (found == absent)
        g_error ("%s: '%s' %s in:\n%s", name, parts[i] + absent, absent ? "is" : "is not", output);
    }
}

/* Every row twice: from the upstream and from the cache. */
static void
test_rows (void)
{
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  for (guint round = 0; round < 2; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
      {
        g_autofree char *output = bed_dig (rows[i].source, rows[i].args);

        check_output (rows[i].name, output, rows[i].expected);
      }
  /* A refused name is never sent anywhere, in any form. */
  g_assert_cmpint (bed_count_asked (&bed, "elsewhere"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, "blocked"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, "evillab"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, ".local"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, "intranet"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, "10.in-addr"), ==, 0);
  g_assert_cmpint (bed_count_asked (&bed, " w.lab.example. a in"), ==, 1);
  g_assert_cmpint (BED_STAT (&bed, addresses_removed), >, 10);
  g_assert_cmpint (BED_STAT (&bed, cache_hits), >, 20);
  bed_stop (&bed);
}

/* --- Clients --------------------------------------------------------------- */

static void
test_kdig_pipeline (void)
{
  g_autofree char *output = NULL;
  g_autoptr (GString) names = g_string_new (NULL);
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  for (guint i = 0; i < 30; i++)
    g_string_append_printf (names, " n%u.lab.example", i);
  g_assert_cmpint (oc_test_try (&output, "kdig -b %s @%s +tcp +keepopen +retry=0%s", BED_WORKLOAD,
                                BED_GATEWAY, names->str),
                   ==, 0);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *address = g_strdup_printf ("5.6.9.%u\n", i);

      g_assert_nonnull (strstr (output, address));
    }
  bed_stop (&bed);
}

/* glibc's resolver, through a resolv.conf of this mount namespace. */
static void
test_glibc (void)
{
  g_autofree char *output = NULL;
  g_autofree char *blocked = NULL;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  oc_test_run ("echo nameserver %s > %s/resolv.conf && mount --bind %s/resolv.conf "
               "/etc/resolv.conf && printf 'hosts: dns\\n' > %s/nsswitch.conf && mount --bind "
               "%s/nsswitch.conf /etc/nsswitch.conf",
               BED_GATEWAY, bed.dir, bed.dir, bed.dir, bed.dir);
  /* ahosts leaves out IPv6 where no interface has a global address. */
  g_assert_cmpint (oc_test_try (&output, "getent ahostsv4 both.lab.example && getent hosts "
                                         "aaaa.lab.example"),
                   ==, 0);
  g_assert_nonnull (strstr (output, "5.6.7.8"));
  g_assert_nonnull (strstr (output, "2600::8"));
  g_assert_cmpint (oc_test_try (&blocked, "getent ahosts blocked.lab.example"), ==, 2);
  oc_test_run ("umount /etc/resolv.conf /etc/nsswitch.conf");
  bed_stop (&bed);
}

/* --- Raw sockets ----------------------------------------------------------- */

static void
test_malformed (void)
{
  static const struct
  {
    const char *bytes;
    gsize len;
    gboolean answered; /* with FORMERR */
  } cases[] = {
    { "\x12\x34\1\0\0\1\0\0\0\0\0", 11, FALSE },
    { "\x12\x34\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19, FALSE },
    { "\x12\x34\1\0\0\1\0\0\0\0\0\0\7exam", 17, TRUE },
    { "\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1", 19, TRUE },
    { "\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18, TRUE },
  };
  Bed bed;
  guint8 reply[OC_DNS_UDP_MAX];
  guint8 query[512];
  gsize query_len = client_make_query ("a.lab.example", 0x7777, query);

  bed_start (&bed, NULL, 0, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
      guint8 framed[64] = { 0, (guint8) cases[i].len };

      g_assert_cmpint (send (fd, cases[i].bytes, cases[i].len, 0), ==, cases[i].len);
      if (cases[i].answered)
        {
          g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >=, OC_DNS_HEADER_LEN);
          g_assert_cmpint (oc_dns_get16 (reply), ==, 0x1234);
          g_assert_cmpint (reply[3] & OC_DNS_RCODE, ==, OC_DNS_FORMERR);
        }
      /* The next answer on the socket is that of a good query: nothing came before. */
      g_assert_cmpint (send (fd, query, query_len, 0), ==, query_len);
      g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >, 0);
      g_assert_cmpint (oc_dns_get16 (reply), ==, 0x7777);
      close (fd);
      fd = client_open (BED_WORKLOAD, SOCK_STREAM);
      memcpy (framed + 2, cases[i].bytes, cases[i].len);
      g_assert_cmpint (send (fd, framed, cases[i].len + 2, 0), ==, cases[i].len + 2);
      g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), ==, 0); /* closed */
      close (fd);
    }
  g_assert_cmpint (BED_STAT (&bed, malformed), ==, 2 * G_N_ELEMENTS (cases));
  bed_stop (&bed);
}

/* A query cut into single octets, and two in one segment. */
static void
test_tcp_cuts (void)
{
  Bed bed;
  guint8 stream[1024];
  guint8 reply[2048];
  gsize len = client_make_query ("a.lab.example", 1, stream + 2);
  gsize got = 0;
  int fd;

  bed_start (&bed, NULL, 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_STREAM);
  oc_dns_put16 (stream, (guint) len);
  for (gsize i = 0; i < len + 2; i++)
    g_assert_cmpint (send (fd, stream + i, 1, MSG_NOSIGNAL), ==, 1);
  g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >, 14);
  g_assert_cmpint (oc_dns_get16 (reply + 2), ==, 1);
  memcpy (stream + len + 2, stream, len + 2);
  g_assert_cmpint (send (fd, stream, 2 * (len + 2), MSG_NOSIGNAL), ==, 2 * (len + 2));
  shutdown (fd, SHUT_WR); /* answers still come */
  for (gsize n = 1; n > 0; got += n)
    n = client_receive (fd, reply + got, sizeof reply - got, 5000);
  g_assert_cmpint (got, ==, 2u * (2u + oc_dns_get16 (reply)));
  close (fd);
  /* More than a query can have: closed at once. */
  fd = client_open (BED_WORKLOAD, SOCK_STREAM);
  oc_dns_put16 (stream, OC_DNS_QUERY_MAX + 1);
  g_assert_cmpint (send (fd, stream, 2, 0), ==, 2);
  g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), ==, 0);
  close (fd);
  bed_stop (&bed);
}

/* The 65th connection of a workload is closed, those of others are not. */
static void
test_tcp_limit (void)
{
  Bed bed;
  int fds[64];
  int fd;
  guint8 stream[512];
  guint8 reply[512];
  gsize len = client_make_query ("a.lab.example", 1, stream + 2);

  bed_start (&bed, NULL, 0, NULL);
  oc_dns_put16 (stream, (guint) len);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = client_open (BED_WORKLOAD, SOCK_STREAM);
      g_assert_cmpint (send (fds[i], stream, len + 2, 0), ==, len + 2);
      g_assert_cmpint (client_receive (fds[i], reply, sizeof reply, 5000), >, 0);
    }
  fd = client_open (BED_WORKLOAD, SOCK_STREAM);
  (void) send (fd, stream, len + 2, MSG_NOSIGNAL);
  g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), ==, 0);
  close (fd);
  fd = client_open (BED_OTHER, SOCK_STREAM);
  g_assert_cmpint (send (fd, stream, len + 2, 0), ==, len + 2);
  g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >, 0);
  close (fd);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  bed_stop (&bed);
}

/* 10 a second with a burst of 20; nobody else is concerned. */
static void
test_rate (void)
{
  Bed bed;
  guint8 query[512];
  guint8 reply[512];
  guint n_refused = 0;
  int fd;
  int other;

  bed_start (&bed, NULL, 10, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  other = client_open (BED_OTHER, SOCK_DGRAM);
  for (guint16 i = 0; i < 60; i++)
    {
      gsize len = client_make_query ("a.lab.example", i, query);

      g_assert_cmpint (send (fd, query, len, 0), ==, len);
      g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >, 0);
      n_refused += (reply[3] & OC_DNS_RCODE) == OC_DNS_REFUSED;
      g_assert_true (i >= 20 || n_refused == 0);
    }
  g_assert_cmpint (n_refused, >, 20);
  g_assert_cmpint (n_refused, <=, 40);
  g_assert_cmpint (BED_STAT (&bed, rate_limited), ==, n_refused);
  g_assert_cmpint (send (other, query, client_make_query ("a.lab.example", 1, query), 0), >, 0);
  g_assert_cmpint (client_receive (other, reply, sizeof reply, 5000), >, 0);
  g_assert_cmpint (reply[3] & OC_DNS_RCODE, ==, OC_DNS_NOERROR);
  /* A new rate holds from the next query on. */
  oc_dns_set_rate (bed.dns, 0);
  for (guint16 i = 0; i < 60; i++)
    {
      gsize len = client_make_query ("a.lab.example", i, query);

      g_assert_cmpint (send (fd, query, len, 0), ==, len);
      g_assert_cmpint (client_receive (fd, reply, sizeof reply, 5000), >, 0);
      g_assert_cmpint (reply[3] & OC_DNS_RCODE, ==, OC_DNS_NOERROR);
    }
  close (fd);
  close (other);
  bed_stop (&bed);
}

/* Identical questions in flight are sent once, whichever worker got them. */
static void
test_coalescing (void)
{
  Bed bed;
  int fds[40];
  guint8 query[512];
  guint8 reply[512];
  int silent = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons (53) };
  struct sockaddr_in peer;
  socklen_t peer_len = sizeof peer;
  ssize_t len;

  inet_pton (AF_INET, BED_SECOND, &local.sin_addr);
  g_assert_cmpint (bind (silent, (struct sockaddr *) &local, sizeof local), ==, 0);
  bed_start (&bed, BED_SECOND, 0, NULL);
  for (guint16 i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      gsize n = client_make_query ("a.lab.example", i, query);

      fds[i] = client_open (BED_WORKLOAD, SOCK_DGRAM);
      g_assert_cmpint (send (fds[i], query, n, 0), ==, n);
    }
  len = recvfrom (silent, query, sizeof query, 0, (struct sockaddr *) &peer, &peer_len);
  g_assert_cmpint (len, >, 0);
  /* All have arrived when all are counted; then there is still one question. */
  for (gint64 end = g_get_monotonic_time () + 1500000;
       BED_STAT (&bed, cache_misses) < G_N_ELEMENTS (fds) && g_get_monotonic_time () < end;)
    g_thread_yield ();
  g_assert_cmpint (BED_STAT (&bed, cache_misses), ==, G_N_ELEMENTS (fds));
  query[2] |= 0x80;
  query[3] = OC_DNS_NXDOMAIN;
  g_assert_cmpint (sendto (silent, query, (gsize) len, 0, (struct sockaddr *) &peer, peer_len), ==,
                   len);
  for (guint16 i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      g_assert_cmpint (client_receive (fds[i], reply, sizeof reply, 5000), >, 0);
      g_assert_cmpint (oc_dns_get16 (reply), ==, i);
      g_assert_cmpint (reply[3] & OC_DNS_RCODE, ==, OC_DNS_NXDOMAIN);
      close (fds[i]);
    }
  g_assert_cmpint (BED_STAT (&bed, upstream_queries), ==, 1);
  close (silent);
  bed_stop (&bed);
}

/* --- Time ------------------------------------------------------------------ */

typedef struct
{
  const char *args;
  const char *expected; /* "a|b" */
} Expectation;

static gboolean
is_answered (gpointer data)
{
  const Expectation *expectation = data;
  g_autofree char *output = bed_dig (BED_WORKLOAD, expectation->args);
  g_auto (GStrv) parts = g_strsplit (expectation->expected, "|", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (strstr (output, parts[i]) == NULL)
      return FALSE;
  return TRUE;
}

static void
test_ttls (void)
{
  Expectation counted = { "a.lab.example A", "a.lab.example. 298 IN A" };
  g_autofree char *first = NULL;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  first = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("first", first, "a.lab.example. 300 IN A");
  g_assert_true (oc_test_wait (is_answered, &counted));
  g_assert_cmpint (bed_count_asked (&bed, " a.lab.example. a in"), ==, 1);
  oc_dns_flush_cache (bed.dns);
  g_clear_pointer (&first, g_free);
  first = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("flushed", first, "a.lab.example. 300 IN A");
  g_assert_cmpint (bed_count_asked (&bed, " a.lab.example. a in"), ==, 2);
  bed_stop (&bed);
}

static const OcDnsCached *
find_cached (GArray *list, const char *name, const char *type)
{
  for (guint i = 0; i < list->len; i++)
    {
      const OcDnsCached *cached = &g_array_index (list, OcDnsCached, i);

      if (g_str_equal (cached->name, name) && g_str_equal (cached->type, type))
        return cached;
    }
  g_error ("%s %s is not in the cache", name, type);
}

static void
test_cache_list (void)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;
  g_autoptr (GArray) list = NULL;
  const OcDnsCached *cached;
  OcDnsCacheSize size;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  first = bed_dig (BED_WORKLOAD, "W.lab.example A");
  second = bed_dig (BED_WORKLOAD, "+dnssec nx.lab.example MX");
  third = bed_dig (BED_WORKLOAD, "blocked.lab.example A");
  list = oc_dns_list_cache (bed.dns);
  g_assert_cmpint (list->len, ==, 2);
  oc_dns_get_cache_size (bed.dns, &size);
  g_assert_cmpint (size.n_entries, ==, 2);
  g_assert_cmpint (size.entries_max, ==, 10000);
  g_assert_cmpint (size.n_bytes, >, 200);
  cached = find_cached (list, "w.lab.example", "A");
  g_assert_cmpint (cached->rcode, ==, OC_DNS_NOERROR);
  g_assert_cmpint (cached->n_records, ==, 3);
  g_assert_cmpint (cached->ttl_s, >, 250);
  g_assert_cmpint (cached->ttl_s, <=, 300);
  g_assert_false (cached->dnssec_ok);
  cached = find_cached (list, "nx.lab.example", "MX");
  g_assert_cmpint (cached->rcode, ==, OC_DNS_NXDOMAIN);
  g_assert_cmpint (cached->ttl_s, <=, 60);
  g_assert_true (cached->dnssec_ok);
  bed_stop (&bed);
}

/* --- Policy ---------------------------------------------------------------- */

/* A reload takes effect on names that are in the cache, both ways. */
static void
test_reload (void)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *again = NULL;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  before = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("before", before, "NOERROR|5.6.7.8");
  bed_set_policy (&bed, "version: \"1\"\nrules:\n  - id: x\n    hosts: [b.lab.example]\n"
                        "    action: allow\n");
  after = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("after", after, "NXDOMAIN|!5.6.7.8");
  bed_set_policy (&bed, "version: \"1\"\nrules:\n  - id: x\n    hosts: [private.lab.example, "
                        "a.lab.example]\n    agents: [ci]\n    action: allow\n");
  again = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("again", again, "NOERROR|5.6.7.8");
  g_clear_pointer (&again, g_free);
  again = bed_dig (BED_OTHER, "a.lab.example A");
  check_output ("another agent", again, "NXDOMAIN");
  /* The address policy too: the private address is in the cache by now. */
  g_clear_pointer (&again, g_free);
  again = bed_dig (BED_WORKLOAD, "private.lab.example A");
  check_output ("refused", again, "SERVFAIL");
  bed_set_policy (&bed, "version: \"1\"\nrules:\n  - id: x\n    hosts: [private.lab.example]\n"
                        "    action: allow\n    egress: { allow_private_ips: true }\n");
  g_clear_pointer (&again, g_free);
  again = bed_dig (BED_WORKLOAD, "private.lab.example A");
  check_output ("let through", again, "NOERROR|10.0.0.5");
  g_assert_cmpint (bed_count_asked (&bed, "private.lab.example"), ==, 1);
  bed_stop (&bed);
}

static void
count_record (const OcLogRecord *record, gpointer user_data)
{
  guint *n = user_data;

  g_assert_cmpint (record->decision.layer, ==, OC_LAYER_DNS);
  g_assert_true (oc_str_equal (record->decision.workload, OC_STR ("ci-1")));
  g_assert_true (oc_str_equal (record->decision.agent, OC_STR ("ci")));
  if (!record->decision.allowed)
    {
      g_assert_true (oc_str_equal (record->decision.rule, OC_STR ("no-blocked")));
      g_assert_true (oc_str_equal (record->decision.reason, OC_STR ("not this one")));
      g_assert_true (oc_str_equal (record->decision.method, OC_STR ("A")));
    }
  (*n)++;
}

static void
count_cached (const OcLogRecord *record, gpointer user_data)
{
  guint *n = user_data;

  g_assert_cmpint (record->decision.cached, ==, record->decision.duration_us == 0);
  *n += record->decision.cached;
}

static void
test_log (void)
{
  OcLogFilter blocked = { .host = "blocked.lab.example", .allowed = 0 };
  OcLogFilter allowed = { .host = "a.lab.example", .allowed = 1 };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  guint n_blocked = 0;
  guint n_allowed = 0;
  guint n_cached = 0;
  g_autofree char *third = NULL;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  first = bed_dig (BED_WORKLOAD, "blocked.lab.example A");
  second = bed_dig (BED_WORKLOAD, "a.lab.example A");
  third = bed_dig (BED_WORKLOAD, "a.lab.example A");
  oc_log_drain (bed.log);
  oc_log_foreach (bed.log, &blocked, count_record, &n_blocked);
  oc_log_foreach (bed.log, &allowed, count_record, &n_allowed);
  g_assert_cmpint (n_blocked, ==, 1);
  oc_log_foreach (bed.log, &allowed, count_cached, &n_cached);
  g_assert_cmpint (n_allowed, ==, 2);
  g_assert_cmpint (n_cached, ==, 1);
  bed_stop (&bed);
}

static void
test_gateways (void)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (GError) error = NULL;
  OcAddress gateway;
  OcAddress foreign;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  g_assert_true (oc_address_parse (OC_STR (BED_GATEWAY), &gateway));
  g_assert_true (oc_address_parse (OC_STR ("10.99.0.1"), &foreign));
  g_assert_false (oc_dns_add_gateway (bed.dns, &foreign, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  oc_dns_remove_gateway (bed.dns, &gateway);
  first = bed_dig (BED_WORKLOAD, "+time=1 a.lab.example A");
  check_output ("removed", first, "!5.6.7.8");
  g_assert_true (oc_dns_add_gateway (bed.dns, &gateway, NULL));
  second = bed_dig (BED_WORKLOAD, "a.lab.example A");
  check_output ("back", second, "NOERROR|5.6.7.8");
  bed_stop (&bed);
}

int
main (int argc, char **argv)
{
  bed_enter ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/filter/rows", test_rows);
  g_test_add_func ("/dns/filter/kdig-pipeline", test_kdig_pipeline);
  g_test_add_func ("/dns/filter/glibc", test_glibc);
  g_test_add_func ("/dns/filter/malformed", test_malformed);
  g_test_add_func ("/dns/filter/tcp-cuts", test_tcp_cuts);
  g_test_add_func ("/dns/filter/tcp-limit", test_tcp_limit);
  g_test_add_func ("/dns/filter/rate", test_rate);
  g_test_add_func ("/dns/filter/coalescing", test_coalescing);
  g_test_add_func ("/dns/filter/ttls", test_ttls);
  g_test_add_func ("/dns/filter/cache-list", test_cache_list);
  g_test_add_func ("/dns/filter/reload", test_reload);
  g_test_add_func ("/dns/filter/log", test_log);
  g_test_add_func ("/dns/filter/gateways", test_gateways);
  return g_test_run ();
}
