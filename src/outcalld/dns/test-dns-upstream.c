/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Upstreams that are dead, slow, wrong or hostile; resolv.conf; the resolver for
 * the proxy.
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"
#include "dns/oc-dns-testserver.h"
#include "testlib/oc-testns.h"

#include <poll.h>

/* --- Behaviours ------------------------------------------------------------ */

static const struct
{
  const char *name;
  Behaviour behaviour;
  const char *expected; /* what dig must print */
  guint n_udp, n_tcp;
  guint n_spoofed;
} behaviours[] = {
  { "honest", SERVER_HONEST, "5.6.7.99", 1, 0, 0 },
  /* The one from another port is dropped by the kernel. */
  { "lies first", SERVER_LIES_FIRST, "5.6.7.99", 1, 0, 2 },
  { "floods", SERVER_FLOODS, "5.6.7.99", 1, 1, 8 },
  { "changes the case", SERVER_LOWERS_CASE, "5.6.7.99", 1, 1, 8 },
  { "SERVFAIL", SERVER_SERVFAIL, "SERVFAIL", 2, 0, 0 },
  { "lame", SERVER_LAME, "SERVFAIL", 2, 0, 0 },
  { "no EDNS", SERVER_NO_EDNS, "5.6.7.99", 2, 0, 0 },
  { "garbage", SERVER_GARBAGE, "SERVFAIL", 2, 0, 0 },
};

static void
test_behaviours (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (behaviours); i++)
    {
      g_autofree char *output = NULL;
      Server server;
      Bed bed;

      server_start (&server, behaviours[i].behaviour);
      bed_start (&bed, BED_SECOND, 0, NULL);
      output = bed_dig (BED_WORKLOAD, "some-long-name.lab.example A");
      g_test_message ("%s: %s", behaviours[i].name, output);
      g_assert_nonnull (strstr (output, behaviours[i].expected));
      g_assert_null (strstr (output, "6.6.6.6"));
      g_assert_cmpint (atomic_load (&server.n_udp), ==, behaviours[i].n_udp);
      g_assert_cmpint (atomic_load (&server.n_tcp), ==, behaviours[i].n_tcp);
      g_assert_cmpint (BED_STAT (&bed, spoofed), ==, behaviours[i].n_spoofed);
      bed_stop (&bed);
      server_stop (&server);
    }
}

/* In order, next after 2 s, then skipped; the second is unbound. */
static void
test_failover (void)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  gint64 start_us;
  Server server;
  Bed bed;

  server_start (&server, SERVER_SILENT);
  bed_start (&bed, BED_SECOND "," BED_UPSTREAM, 0, NULL);
  start_us = g_get_monotonic_time ();
  first = bed_dig (BED_WORKLOAD, "a.lab.example A");
  g_assert_nonnull (strstr (first, "5.6.7.8"));
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 2000000);
  start_us = g_get_monotonic_time ();
  second = bed_dig (BED_WORKLOAD, "n1.lab.example A");
  g_assert_nonnull (strstr (second, "5.6.9.1"));
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 1900000);
  g_assert_cmpint (atomic_load (&server.n_udp), ==, 1);
  bed_stop (&bed);
  server_stop (&server);
}

/* Nobody listens: an answer at once, not by time-out. */
static void
test_refused_upstream (void)
{
  g_autofree char *output = NULL;
  g_autofree char *second = NULL;
  Bed bed;

  bed_start (&bed, "127.0.0.77," BED_UPSTREAM, 0, NULL);
  output = bed_dig (BED_WORKLOAD, "a.lab.example A");
  g_assert_nonnull (strstr (output, "5.6.7.8"));
  g_assert_true (oc_dns_set_upstreams (bed.dns, "127.0.0.77", NULL));
  second = bed_dig (BED_WORKLOAD, "n1.lab.example A");
  g_assert_nonnull (strstr (second, "SERVFAIL"));
  g_assert_nonnull (strstr (second, "EDE: 23"));
  g_assert_false (oc_dns_set_upstreams (bed.dns, "nonsense", NULL));
  bed_stop (&bed);
}

static gboolean
is_stale (gpointer data)
{
  g_autofree char *output = bed_dig (BED_WORKLOAD, "fast.lab.example A");

  (void) data;
  return strstr (output, "fast.lab.example. 30 IN A 5.6.7.11") != NULL
         && strstr (output, "EDE: 3 ") != NULL;
}

static void
test_dead_and_back (void)
{
  g_autofree char *cached = NULL;
  g_autofree char *fast = NULL;
  g_autofree char *unknown = NULL;
  g_autofree char *back = NULL;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  cached = bed_dig (BED_WORKLOAD, "a.lab.example A");
  fast = bed_dig (BED_WORKLOAD, "fast.lab.example A");
  g_assert_nonnull (strstr (fast, "fast.lab.example. 1 IN A 5.6.7.11"));
  bed_kill_unbound (&bed);
  unknown = bed_dig (BED_WORKLOAD, "n2.lab.example A");
  g_assert_nonnull (strstr (unknown, "SERVFAIL"));
  g_clear_pointer (&cached, g_free);
  cached = bed_dig (BED_WORKLOAD, "a.lab.example A");
  g_assert_nonnull (strstr (cached, "5.6.7.8"));
  g_assert_true (oc_test_wait (is_stale, NULL));
  bed_start_unbound (&bed);
  back = bed_dig (BED_WORKLOAD, "n2.lab.example A");
  g_assert_nonnull (strstr (back, "5.6.9.2"));
  g_clear_pointer (&fast, g_free);
  fast = bed_dig (BED_WORKLOAD, "fast.lab.example A");
  g_assert_nonnull (strstr (fast, "fast.lab.example. 1 IN A 5.6.7.11"));
  bed_stop (&bed);
}

static gboolean
is_resolved (gpointer data)
{
  g_autofree char *output = bed_dig (BED_WORKLOAD, "a.lab.example A");

  (void) data;
  return strstr (output, "5.6.7.8") != NULL;
}

static void
test_resolv_conf (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-dns-XXXXXX", NULL);
  g_autofree char *output = NULL;
  Bed bed;

  oc_test_run ("echo nameserver 127.0.0.77 > %s/resolv.conf && mount --bind %s/resolv.conf "
               "/etc/resolv.conf",
               dir, dir);
  bed_start (&bed, "", 0, NULL);
  output = bed_dig (BED_WORKLOAD, "a.lab.example A");
  g_assert_nonnull (strstr (output, "SERVFAIL"));
  oc_test_run ("echo nameserver %s > %s/resolv.conf", BED_UPSTREAM, dir);
  g_assert_true (oc_test_wait (is_resolved, NULL));
  bed_stop (&bed);
  oc_test_run ("umount /etc/resolv.conf && rm -r %s", dir);
}

/* --- The resolver for the proxy --------------------------------------------- */

static void
wait_reply (OcResolver *resolver, OcResolveReply *out)
{
  struct pollfd poll_fd = { .fd = oc_resolver_get_fd (resolver), .events = POLLIN };

  g_assert_cmpint (poll (&poll_fd, 1, 10000), ==, 1);
  g_assert_true (oc_resolver_take (resolver, out));
}

static const struct
{
  const char *host;
  OcResolveStatus status;
  guint n_addresses;
  const char *first; /* (nullable) */
} lookups[] = {
  { "a.lab.example", OC_RESOLVE_OK, 1, "5.6.7.8" },
  { "both.lab.example", OC_RESOLVE_OK, 2, NULL },
  { "w.lab.example", OC_RESOLVE_OK, 1, "5.6.7.9" },
  { "aaaa.lab.example", OC_RESOLVE_OK, 1, "2600::8" },
  { "private.lab.example", OC_RESOLVE_OK, 1, "10.0.0.5" },
  { "crowd.lab.example", OC_RESOLVE_OK, 8, NULL },
  { "nx.lab.example", OC_RESOLVE_NO_NAME, 0, NULL },
  { "txt.lab.example", OC_RESOLVE_NO_NAME, 0, NULL },
  { "5.6.7.8", OC_RESOLVE_OK, 1, "5.6.7.8" },
  { "2600::8", OC_RESOLVE_OK, 1, "2600::8" },
  { "a..b", OC_RESOLVE_NO_NAME, 0, NULL },
};

static void
test_resolver (void)
{
  OcResolver *resolver;
  OcResolveReply reply;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  resolver = oc_dns_add_resolver (bed.dns);
  for (guint round = 0; round < 2; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (lookups); i++)
      {
        char text[OC_ADDRESS_TEXT_MAX];

        g_test_message ("%s", lookups[i].host);
        g_assert_true (oc_resolver_submit (resolver, oc_str_from (lookups[i].host), i + 1));
        wait_reply (resolver, &reply);
        g_assert_cmpint (reply.token, ==, i + 1);
        g_assert_cmpint (reply.status, ==, lookups[i].status);
        g_assert_cmpint (reply.n_addresses, ==, lookups[i].n_addresses);
        if (lookups[i].first != NULL)
          g_assert_cmpstr (oc_address_format (&reply.addresses[0], text, sizeof text), ==,
                           lookups[i].first);
      }
  g_assert_false (oc_resolver_take (resolver, &reply));
  g_assert_cmpint (bed_count_asked (&bed, " a.lab.example. a in"), ==, 1);
  oc_resolver_free (resolver);
  bed_stop (&bed);
}

/* All upstreams dead; and a resolver that goes while look-ups wait. */
static void
test_resolver_failure (void)
{
  OcResolver *resolver;
  OcResolver *leaving;
  OcResolveReply reply;
  Server server;
  Bed bed;

  server_start (&server, SERVER_SILENT);
  bed_start (&bed, "127.0.0.77", 0, NULL);
  resolver = oc_dns_add_resolver (bed.dns);
  g_assert_true (oc_resolver_submit (resolver, OC_STR ("a.lab.example"), 7));
  wait_reply (resolver, &reply);
  g_assert_cmpint (reply.status, ==, OC_RESOLVE_FAILED);
  g_assert_true (oc_dns_set_upstreams (bed.dns, BED_SECOND, NULL));
  leaving = oc_dns_add_resolver (bed.dns);
  for (guint i = 0; i < 1024; i++)
    {
      g_autofree char *host = g_strdup_printf ("n%u.lab.example", i);

      g_assert_true (oc_resolver_submit (leaving, oc_str_from (host), i));
    }
  g_assert_false (oc_resolver_submit (leaving, OC_STR ("a.lab.example"), 1));
  oc_resolver_free (leaving);
  bed_stop (&bed);
  oc_resolver_free (resolver);
  server_stop (&server);
}

int
main (int argc, char **argv)
{
  bed_enter ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/upstream/behaviours", test_behaviours);
  g_test_add_func ("/dns/upstream/failover", test_failover);
  g_test_add_func ("/dns/upstream/refused", test_refused_upstream);
  g_test_add_func ("/dns/upstream/dead-and-back", test_dead_and_back);
  g_test_add_func ("/dns/upstream/resolv-conf-followed", test_resolv_conf);
  g_test_add_func ("/dns/resolver/lookups", test_resolver);
  g_test_add_func ("/dns/resolver/failure", test_resolver_failure);
  return g_test_run ();
}
