/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* The kernel's part in numbers: forwarding and TCP with more and more grants, beside one rule
 * for each grant; what a grant, a workload and a ruleset cost. Spec 02, "Must hold". */

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

#define PORT 9000
#define BATCH 64
#define LATENCIES 500
#define GRANTS_PER_SOURCE 4000

static gint64 measure_us;
static guint n_latencies;
static Testbed tb;

/* --- Traffic ------------------------------------------------------------------- */

typedef struct
{
  int fd;
  int stop; /* atomic */
} Sender;

static gpointer
send_packets (gpointer data)
{
  Sender *sender = data;
  char payload[64] = "x";
  struct iovec piece = { payload, sizeof payload };
  struct mmsghdr messages[BATCH];

  memset (messages, 0, sizeof messages);
  for (guint i = 0; i < BATCH; i++)
    {
      messages[i].msg_hdr.msg_iov = &piece;
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  while (!g_atomic_int_get (&sender->stop))
    (void) sendmmsg (sender->fd, messages, BATCH, 0);
  return NULL;
}

static guint64
read_rx_packets (void)
{
  g_autofree char *text = NULL;

  g_assert_cmpint (oc_test_try (&text, "ip netns exec away cat "
                                       "/sys/class/net/eth0/statistics/rx_packets"),
                   ==, 0);
  return g_ascii_strtoull (text, NULL, 10);
}

static int
open_udp (void)
{
  int fd = tb_socket (tb.w1, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in remote = { .sin_family = AF_INET, .sin_port = htons (PORT) };

  inet_pton (AF_INET, TB_AWAY, &remote.sin_addr);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &remote, sizeof remote), ==, 0);
  g_assert_cmpint (fcntl (fd, F_SETFL, 0), ==, 0); /* blocking */
  return fd;
}

/* Packets per second that arrive on the far side. */
static double
measure_packets (void)
{
  Sender sender = { .fd = open_udp () };
  GThread *thread = g_thread_new ("packets", send_packets, &sender);
  guint64 before = read_rx_packets ();
  gint64 start_us = g_get_monotonic_time ();
  gint64 taken_us;
  guint64 after;

  g_usleep ((gulong) measure_us);
  after = read_rx_packets ();
  taken_us = g_get_monotonic_time () - start_us;
  g_atomic_int_set (&sender.stop, 1);
  g_thread_join (thread);
  close (sender.fd);
  return (double) (after - before) * G_USEC_PER_SEC / (double) taken_us;
}

static gpointer
send_stream (gpointer data)
{
  Sender *sender = data;
  static char block[256 * 1024];

  while (!g_atomic_int_get (&sender->stop) && send (sender->fd, block, sizeof block, MSG_NOSIGNAL) > 0)
    ;
  return NULL;
}

/* Gigabits per second. */
static double
measure_tcp (void)
{
  oc_autofd int server = tb_server (tb.away, SOCK_STREAM, "0.0.0.0", PORT);
  Sender sender = { .fd = -1 };
  static char block[1024 * 1024];
  oc_autofd int accepted = -1;
  guint64 bytes = 0;
  GThread *thread;
  gint64 start_us;

  g_assert_cmpint (tb_connect (tb.w1, TB_AWAY, PORT, 5000, &sender.fd), ==, 0);
  g_assert_cmpint (fcntl (sender.fd, F_SETFL, 0), ==, 0);
  g_assert_true (tb_is_readable (server, 5000));
  accepted = accept (server, NULL, NULL);
  thread = g_thread_new ("stream", send_stream, &sender);
  start_us = g_get_monotonic_time ();
  while (g_get_monotonic_time () - start_us < measure_us)
    {
      ssize_t n = recv (accepted, block, sizeof block, 0);

      bytes += n > 0 ? (guint64) n : 0;
    }
  g_atomic_int_set (&sender.stop, 1);
  shutdown (sender.fd, SHUT_RDWR);
  g_thread_join (thread);
  close (sender.fd);
  return (double) bytes * 8 / (double) measure_us / 1000;
}

/* --- Grants ---------------------------------------------------------------------- */

/* Beyond the testbed's own: sources that only exist as leases. */
static OcGrantRequest
make_filler (guint n)
{
  OcGrantRequest request = { .key = { .protocol = IPPROTO_TCP, .port = 443 }, .lifetime_s = 86400 };

  request.key.source_be = htonl (0x0ac80000u + 10 + n / GRANTS_PER_SOURCE);
  request.key.destination_be = htonl (0x08000000u + n);
  return request;
}

static void
add_grants (guint from, guint to)
{
  g_autoptr (GError) error = NULL;
  OcGrantRequest requests[OC_GRANTS_PER_CALL_MAX];

  for (guint n = from; n < to;)
    {
      guint used = 0;

      for (; used < G_N_ELEMENTS (requests) && n < to; n++)
        requests[used++] = make_filler (n);
      if (!oc_firewall_add_grants (tb.firewall, requests, used, NULL, &error))
        g_error ("%s", error->message);
    }
}

static void
add_leases (void)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 10; i < 60; i++)
    {
      OcLease lease = { .bridge = "outcall0", .address = oc_address_from_v4 (htonl (0x0ac80000u + i)) };

      g_snprintf (lease.port, sizeof lease.port, "ocf%u", i);
      oc_network_make_mac (&lease.address, lease.mac);
      if (!oc_network_reserve (tb.network, &lease.address, &error)
          || !oc_firewall_add_lease (tb.firewall, &lease, &error))
        g_error ("%s", error->message);
    }
}

static void
let_out (guint8 protocol)
{
  OcGrantRequest request = { .key = { .protocol = protocol, .port = PORT }, .lifetime_s = 86400 };
  g_autoptr (GError) error = NULL;

  inet_pton (AF_INET, TB_W1, &request.key.source_be);
  inet_pton (AF_INET, TB_AWAY, &request.key.destination_be);
  if (!oc_firewall_add_grants (tb.firewall, &request, 1, NULL, &error))
    g_error ("%s", error->message);
}

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
print_latency (const char *what, gint64 *us, guint n)
{
  qsort (us, n, sizeof *us, compare);
  printf ("  %-28s p50 %8.3f ms   p99 %8.3f ms\n", what, (double) us[n / 2] / 1000,
          (double) us[n * 99 / 100] / 1000);
}

static void
measure_latencies (guint n_grants)
{
  static const char *const names[] = { "insert", "renew", "revoke" };
  gint64 us[3][LATENCIES];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_latencies; i++)
    {
      OcGrantRequest request = make_filler (n_grants + i);

      for (guint k = 0; k < 3; k++)
        {
          gint64 start_us = g_get_monotonic_time ();
          gboolean ok;

          if (k == 2)
            ok = oc_firewall_remove_grants (tb.firewall, &request.key, 1, &error);
          else
            ok = oc_firewall_add_grants (tb.firewall, &request, 1, NULL, &error);
          if (!ok)
            g_error ("%s", error->message);
          us[k][i] = g_get_monotonic_time () - start_us;
          request.lifetime_s += 60;
        }
    }
  for (guint k = 0; k < 3; k++)
    print_latency (names[k], us[k], n_latencies);
}

static void
bench_grants (gboolean quick)
{
  static const guint sizes[] = { 0, 1000, 100000 };
  double packets[G_N_ELEMENTS (sizes)];
  guint there = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sizes) && !(quick && i == 2); i++)
    {
      add_grants (there, sizes[i]);
      there = sizes[i];
      packets[i] = measure_packets ();
      printf ("%u grants: %.0f packets/s, TCP %.2f Gbit/s\n", sizes[i], packets[i], measure_tcp ());
      measure_latencies (there);
    }
  if (!quick)
    printf ("  packets/s with 100,000 grants of those with none: %.3f  (wanted 0.95 to 1.05)\n",
            packets[2] / packets[0]);
}

/* The other way to do it: a rule for each, of which the last matches. */
static void
bench_rules (guint n)
{
  oc_test_run ("{ echo 'table inet perrule { chain f { type filter hook forward priority -10; "
               "policy accept;'; i=0; while [ $i -lt %u ]; do "
               "echo \"ip saddr 10.99.$((i / 250)).$((i %% 250)) ip daddr 8.8.8.8 tcp dport 443 "
               "accept\"; i=$((i + 1)); done; echo '}'; echo '}'; } | nft -f -",
               n);
  printf ("one rule for each of %u grants: %.0f packets/s, TCP %.2f Gbit/s\n", n,
          measure_packets (), measure_tcp ());
  oc_test_run ("nft delete table inet perrule");
}

/* --- Workloads and the ruleset ------------------------------------------------------ */

static void
bench_attach (void)
{
  enum
  {
    N = 50
  };
  gint64 us[2][N];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N; i++)
    {
      OcLease lease = { .bridge = "outcall0" };
      gint64 start_us = g_get_monotonic_time ();

      if (!oc_network_allocate (tb.network, &lease.address, &error))
        g_error ("%s", error->message);
      g_snprintf (lease.port, sizeof lease.port, "ocb%u", i);
      oc_network_make_mac (&lease.address, lease.mac);
      if (!oc_firewall_add_lease (tb.firewall, &lease, &error)
          || !oc_network_attach (tb.network, tb.foreign, lease.port, lease.mac, &lease.address,
                                 &error))
        g_error ("%s", error->message);
      us[0][i] = g_get_monotonic_time () - start_us;
      start_us = g_get_monotonic_time ();
      if (!oc_network_detach (tb.network, lease.port, &error)
          || !oc_firewall_remove_lease (tb.firewall, &lease, &error))
        g_error ("%s", error->message);
      us[1][i] = g_get_monotonic_time () - start_us;
    }
  printf ("workloads:\n");
  print_latency ("attach", us[0], N);
  print_latency ("detach", us[1], N);
}

static void
bench_replace (void)
{
  enum
  {
    N = 50
  };
  g_autoptr (GArray) leases = oc_firewall_list_leases (tb.firewall);
  g_autoptr (GError) error = NULL;
  gint64 us[N];

  for (guint i = 0; i < N; i++)
    {
      gint64 start_us = g_get_monotonic_time ();

      if (!oc_networks_replace_rules (tb.networks, (OcLease *) leases->data, leases->len, &error))
        g_error ("%s", error->message);
      us[i] = g_get_monotonic_time () - start_us;
    }
  printf ("ruleset with %u leases:\n", leases->len);
  print_latency ("replace", us, N);
}

int
main (void)
{
  gboolean quick = g_strcmp0 (g_getenv ("BENCH_QUICK"), "1") == 0;

  n_latencies = quick ? LATENCIES / 10 : LATENCIES;
  measure_us = quick ? G_USEC_PER_SEC / 5 : 3 * G_USEC_PER_SEC;
  tb_enter ();
  tb_set_up (&tb, NULL);
  oc_test_run ("ip route add default via " TB_AWAY);
  add_leases ();
  let_out (IPPROTO_UDP);
  let_out (IPPROTO_TCP);
  bench_grants (quick);
  bench_rules (1000);
  if (!quick)
    bench_rules (10000);
  bench_attach ();
  bench_replace ();
  return 0;
}
