/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What must not go wrong when things go wrong: no descriptors, no network, forgers,
 * reloads under load. OUTCALL_LONG=1 runs the long variants.
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"
#include "dns/oc-dns-testserver.h"
#include "testlib/oc-testns.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const guint8 nowhere[4];
static const guint8 truth[4] = { 5, 6, 7, 99 };

static gboolean
is_long (void)
{
  return g_strcmp0 (g_getenv ("OUTCALL_LONG"), "1") == 0;
}

static void
assert_asked (int fd, const char *host, guint rcode, const guint8 address[4])
{
  static guint16 id;
  guint8 got[4];
  guint got_rcode = client_ask (fd, host, ++id, got);

  if (got_rcode != rcode || memcmp (got, address, 4) != 0)
    g_error ("%s: rcode %u, address %u.%u.%u.%u", host, got_rcode, got[0], got[1], got[2], got[3]);
}

/* --- No descriptors --------------------------------------------------------- */

static void
limit_descriptors (gboolean none)
{
  static rlim_t before;
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  if (none)
    before = limit.rlim_cur;
  limit.rlim_cur = none ? 3 : before;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

/* What is known is answered, the rest fails, no upstream is blamed; and all is well
 * as soon as there are descriptors again. */
static void
test_no_descriptors (void)
{
  static const guint8 a[4] = { 5, 6, 7, 8 };
  static const guint8 n1[4] = { 5, 6, 9, 1 };
  OcDnsUpstreamStats upstream[OC_DNS_UPSTREAMS_MAX];
  guint8 stream[512];
  gsize len;
  Bed bed;
  int udp;
  int tcp;

  bed_start (&bed, NULL, 0, NULL);
  udp = client_open (BED_WORKLOAD, SOCK_DGRAM);
  assert_asked (udp, "a.lab.example", OC_DNS_NOERROR, a);
  tcp = client_open (BED_WORKLOAD, SOCK_STREAM);
  limit_descriptors (TRUE);
  assert_asked (udp, "n1.lab.example", OC_DNS_SERVFAIL, nowhere);
  assert_asked (udp, "a.lab.example", OC_DNS_NOERROR, a);
  assert_asked (udp, "blocked.lab.example", OC_DNS_NXDOMAIN, nowhere);
  limit_descriptors (FALSE);
  assert_asked (udp, "n1.lab.example", OC_DNS_NOERROR, n1);
  len = client_make_query ("a.lab.example", 7, stream + 2);
  oc_dns_put16 (stream, (guint) len);
  g_assert_cmpint (send (tcp, stream, len + 2, 0), ==, len + 2);
  g_assert_cmpint (client_receive (tcp, stream, sizeof stream, 10000), >, 2);
  g_assert_cmpint (oc_dns_get_upstreams (bed.dns, upstream), ==, 1);
  g_assert_true (upstream[0].up);
  g_assert_cmpint (upstream[0].failed, ==, 0);
  g_assert_cmpint (upstream[0].asked, ==, 2);
  g_assert_cmpint (upstream[0].latency_us, >, 0);
  close (tcp);
  close (udp);
  bed_stop (&bed);
}

/* --- No network -------------------------------------------------------------- */

static void
test_unreachable (void)
{
  static const guint8 a[4] = { 5, 6, 7, 8 };
  static const guint8 n1[4] = { 5, 6, 9, 1 };
  OcDnsUpstreamStats upstream[OC_DNS_UPSTREAMS_MAX];
  Bed bed;
  int fd;

  bed_start (&bed, NULL, 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  assert_asked (fd, "a.lab.example", OC_DNS_NOERROR, a);
  oc_test_run ("ip route add unreachable " BED_UPSTREAM "/32 table local");
  assert_asked (fd, "n1.lab.example", OC_DNS_SERVFAIL, nowhere);
  assert_asked (fd, "a.lab.example", OC_DNS_NOERROR, a);
  g_assert_cmpint (oc_dns_get_upstreams (bed.dns, upstream), ==, 1);
  g_assert_false (upstream[0].up);
  oc_test_run ("ip route del unreachable " BED_UPSTREAM "/32 table local");
  assert_asked (fd, "n1.lab.example", OC_DNS_NOERROR, n1);
  close (fd);
  bed_stop (&bed);
}

/* Who never answers costs each question at most two attempts once that is known. */
static void
test_all_silent (void)
{
  Server server;
  gint64 start_us;
  Bed bed;
  int fd;

  if (!is_long ())
    {
      g_test_skip ("takes 10 s: OUTCALL_LONG=1");
      return;
    }
  oc_test_run ("ip link add hole type veth peer name end && ip link set hole up && "
               "ip link set end up && ip route add 6.0.0.0/8 dev hole");
  server_start (&server, SERVER_SILENT);
  bed_start (&bed, BED_SECOND ",6.0.0.1,6.0.0.2", 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  assert_asked (fd, "a.lab.example", OC_DNS_SERVFAIL, nowhere);
  start_us = g_get_monotonic_time ();
  assert_asked (fd, "n1.lab.example", OC_DNS_SERVFAIL, nowhere);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 4500000);
  close (fd);
  bed_stop (&bed);
  server_stop (&server);
}

static gboolean
is_stale (gpointer data)
{
  g_autofree char *output = bed_dig (BED_WORKLOAD, "fast.lab.example A");

  (void) data;
  return strstr (output, "5.6.7.11") != NULL && strstr (output, "EDE: 3 ") != NULL;
}

/* While no upstream answers, what is out of date is served without asking again. */
static void
test_stale_at_once (void)
{
  g_autofree char *fresh = NULL;
  guint64 asked;
  Bed bed;

  bed_start (&bed, NULL, 0, NULL);
  fresh = bed_dig (BED_WORKLOAD, "fast.lab.example A");
  g_assert_nonnull (strstr (fresh, "5.6.7.11"));
  bed_kill_unbound (&bed);
  g_assert_true (oc_test_wait (is_stale, NULL));
  asked = BED_STAT (&bed, upstream_queries);
  for (guint i = 0; i < 5; i++)
    g_assert_true (is_stale (NULL));
  g_assert_cmpint (BED_STAT (&bed, upstream_queries), ==, asked);
  bed_stop (&bed);
}

/* --- Forgers ----------------------------------------------------------------- */

/* Kaminsky's: names that nobody has asked for yet, forged answers for each, from the
 * right address to the right port. */
static void
test_forged (void)
{
  guint n_names = is_long () ? 4000 : 50;
  Server server;
  Bed bed;
  int fd;

  server_start (&server, SERVER_FORGED);
  server.n_forged = 250;
  bed_start (&bed, BED_SECOND, 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < n_names; i++)
      {
        g_autofree char *host = g_strdup_printf ("random-name-%u.victim.lab.example", i);

        assert_asked (fd, host, OC_DNS_NOERROR, truth);
      }
  g_test_message ("%u names, %u forged answers, %u looked at", n_names,
                  n_names * server.n_forged, (guint) BED_STAT (&bed, spoofed));
  g_assert_cmpint (BED_STAT (&bed, spoofed), >=, n_names);
  g_assert_cmpint (BED_STAT (&bed, spoofed), <=, 8 * n_names);
  g_assert_cmpint (BED_STAT (&bed, cache_hits), ==, n_names);
  close (fd);
  bed_stop (&bed);
  server_stop (&server);
}

/* --- Reloads under load -------------------------------------------------------- */

#define FLIPPING "a.lab.example"

typedef struct
{
  atomic_bool stop;
  atomic_uint n_asked;
  const char *source;
} Load;

/* Under either policy there is exactly one right answer for each outcome. */
static gpointer
ask_on (gpointer data)
{
  static const guint8 a[4] = { 5, 6, 7, 8 };
  Load *load = data;
  guint8 got[4];
  int fd = client_open (load->source, SOCK_DGRAM);

  for (guint16 id = 1; !atomic_load (&load->stop); id++)
    {
      guint rcode = client_ask (fd, FLIPPING, id, got);

      if (rcode == OC_DNS_NOERROR)
        g_assert_cmpmem (got, 4, a, 4);
      else
        {
          g_assert_cmpint (rcode, ==, OC_DNS_NXDOMAIN);
          g_assert_cmpmem (got, 4, nowhere, 4);
        }
      g_assert_cmpint (client_ask (fd, "blocked.lab.example", id, got), ==, OC_DNS_NXDOMAIN);
      atomic_fetch_add (&load->n_asked, 1);
    }
  close (fd);
  return NULL;
}

/* A reload takes effect on the next query, cached or not, however many there are. */
static void
test_reload_storm (void)
{
  static const guint8 a[4] = { 5, 6, 7, 8 };
  static const char closed[] = "version: \"1\"\nrules:\n  - id: x\n"
                               "    hosts: [other.lab.example]\n    action: allow\n";
  Load loads[] = { { .source = BED_WORKLOAD }, { .source = BED_OTHER } };
  GThread *threads[G_N_ELEMENTS (loads)];
  guint n_flips = is_long () ? 3000 : 200;
  Bed bed;
  int fd;

  bed_start (&bed, NULL, 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  for (guint i = 0; i < G_N_ELEMENTS (loads); i++)
    threads[i] = g_thread_new ("load", ask_on, &loads[i]);
  for (guint i = 0; i < n_flips; i++)
    {
      bed_set_policy (&bed, closed);
      assert_asked (fd, FLIPPING, OC_DNS_NXDOMAIN, nowhere);
      if (i % 50 == 0)
        oc_dns_flush_cache (bed.dns);
      bed_set_policy (&bed, bed_rules);
      assert_asked (fd, FLIPPING, OC_DNS_NOERROR, a);
    }
  for (guint i = 0; i < G_N_ELEMENTS (loads); i++)
    {
      atomic_store (&loads[i].stop, true);
      g_thread_join (threads[i]);
      g_test_message ("%u questions", atomic_load (&loads[i].n_asked));
      g_assert_cmpint (atomic_load (&loads[i].n_asked), >, 10);
    }
  close (fd);
  bed_stop (&bed);
}

int
main (int argc, char **argv)
{
  bed_enter ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/faults/no-descriptors", test_no_descriptors);
  g_test_add_func ("/dns/faults/unreachable", test_unreachable);
  g_test_add_func ("/dns/faults/all-silent", test_all_silent);
  g_test_add_func ("/dns/faults/stale-at-once", test_stale_at_once);
  g_test_add_func ("/dns/faults/forged", test_forged);
  g_test_add_func ("/dns/faults/reload-storm", test_reload_storm);
  return g_test_run ();
}
