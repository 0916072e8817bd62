/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Grants and their flows, the kernel without the daemon, and replacement of the ruleset
 * under load, on the real kernel. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

/* --- Grants -------------------------------------------------------------- */

static OcGrantKey
make_key (const char *destination, guint8 protocol, guint16 port)
{
  OcGrantKey key = { .protocol = protocol, .port = port };

  inet_pton (AF_INET, TB_W1, &key.source_be);
  inet_pton (AF_INET, destination, &key.destination_be);
  return key;
}

static gboolean
add_grant (Testbed *tb, const OcGrantKey *key, guint lifetime_s, GError **error)
{
  const OcGrantRequest request = { .key = *key, .lifetime_s = lifetime_s };

  return oc_firewall_add_grants (tb->firewall, &request, 1, NULL, error);
}

static void
test_grant (Testbed *tb, gconstpointer data)
{
  oc_autofd int tcp = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  G_GNUC_UNUSED oc_autofd int other = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9001);
  oc_autofd int udp = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9000);
  oc_autofd int web = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 443);
  OcGrantKey key = make_key (TB_AWAY, IPPROTO_TCP, 9000);
  OcGrantKey web_key = make_key (TB_AWAY, IPPROTO_TCP, 443);
  OcGrantKey udp_key = make_key (TB_AWAY, IPPROTO_UDP, 9000);
  oc_autofd int accepted = -1;
  struct sockaddr_in peer;
  socklen_t len = sizeof peer;
  char text[INET_ADDRSTRLEN];
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (add_grant (tb, &key, 60, &error));
  g_assert_no_error (error);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, NULL), ==, 0);
  accepted = accept (tcp, (struct sockaddr *) &peer, &len);
  g_assert_cmpstr (inet_ntop (AF_INET, &peer.sin_addr, text, sizeof text), ==, TB_HOST);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9001, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_connect (tb->w2, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  g_assert_true (add_grant (tb, &udp_key, 60, &error));
  g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, 1000), ==, 0);
  /* A grant for 443 goes direct instead of to the proxy. */
  g_assert_true (add_grant (tb, &web_key, 60, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 443, 1000, NULL), ==, 0);
  g_assert_true (tb_is_readable (web, 1000));
  g_assert_true (oc_firewall_flush_grants (tb->firewall, 0, NULL, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
}

static gboolean
is_refused (gpointer data)
{
  return tb_connect (((Testbed *) data)->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL) == ECONNREFUSED;
}

/* Whether a byte sent into @from comes out of @to. */
static gboolean
passes (int from, int to, int timeout_ms)
{
  return send (from, "x", 1, MSG_NOSIGNAL) == 1 && tb_is_readable (to, timeout_ms)
         && tb_drain (to) > 0;
}

static void
test_grant_expiry (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  OcGrantKey key = make_key (TB_AWAY, IPPROTO_TCP, 9000);
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  g_autoptr (GError) error = NULL;
  gint64 start_us = g_get_monotonic_time ();

  (void) data;
  g_assert_true (add_grant (tb, &key, 1, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  g_assert_true (oc_test_wait (is_refused, tb));
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 900000);
  g_assert_true (passes (client, accepted, 1000)); /* what was established goes on */
  g_assert_true (passes (accepted, client, 1000));
}

typedef gboolean (*CutFunc) (Testbed *tb, const OcGrantKey *key, GError **error);

typedef struct
{
  Testbed *tb;
  OcGrantKey key;
  CutFunc cut;
  int done; /* atomic */
} Cut;

static gpointer
cut_thread (gpointer data)
{
  Cut *cut = data;
  g_autoptr (GError) error = NULL;

  g_assert_true (cut->cut (cut->tb, &cut->key, &error));
  g_assert_no_error (error);
  g_atomic_int_set (&cut->done, 1);
  return NULL;
}

/* Sends all the while; the last byte that arrives tells when the flow ended.
 * Returns: how long that took, in microseconds */
static gint64
measure_cut (Testbed *tb, CutFunc func)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  Cut cut = { tb, make_key (TB_AWAY, IPPROTO_TCP, 9000), func, 0 };
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  g_autoptr (GError) error = NULL;
  gint64 start_us, last_us;
  GThread *thread;

  g_assert_true (oc_firewall_add_lease (tb->firewall, &tb->lease1, &error));
  g_assert_true (add_grant (tb, &cut.key, 60, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  g_assert_true (passes (client, accepted, 1000));
  start_us = last_us = g_get_monotonic_time ();
  thread = g_thread_new ("cut", cut_thread, &cut);
  while (!g_atomic_int_get (&cut.done))
    if (passes (client, accepted, 2))
      last_us = g_get_monotonic_time ();
  g_thread_join (thread);
  g_assert_false (passes (client, accepted, TB_NOTHING_MS));
  g_assert_false (passes (accepted, client, TB_NOTHING_MS));
  return last_us - start_us;
}

/* Within 100 ms; on a machine that is busy with other things, in one of five attempts. */
static void
check_cut (Testbed *tb, CutFunc func)
{
  gint64 best_us = G_MAXINT64;

  for (guint i = 0; i < 5 && best_us >= 100000; i++)
    best_us = MIN (best_us, measure_cut (tb, func));
  g_test_message ("cut after %.1f ms", (double) best_us / 1000);
  g_assert_cmpint (best_us, <, 100000);
}

static gboolean
cut_by_removal (Testbed *tb, const OcGrantKey *key, GError **error)
{
  return oc_firewall_remove_grants (tb->firewall, key, 1, error);
}

static gboolean
cut_by_flush (Testbed *tb, const OcGrantKey *key, GError **error)
{
  (void) key;
  return oc_firewall_flush_grants (tb->firewall, 0, NULL, error);
}

static gboolean
cut_by_lease (Testbed *tb, const OcGrantKey *key, GError **error)
{
  (void) key;
  return oc_firewall_remove_lease (tb->firewall, &tb->lease1, error);
}

static gboolean
cut_by_replacement (Testbed *tb, const OcGrantKey *key, GError **error)
{
  OcFirewallBridge bridge = { "outcall0", oc_network_get_gateway (tb->network) };
  OcLease leases[] = { tb->lease1, tb->lease2 };

  (void) key;
  return oc_firewall_replace (tb->firewall, &bridge, 1, leases, 2, error);
}

static void
test_revocation (Testbed *tb, gconstpointer data)
{
  (void) data;
  check_cut (tb, cut_by_removal);
  check_cut (tb, cut_by_flush);
  check_cut (tb, cut_by_replacement);
  check_cut (tb, cut_by_lease);
}

/* Ending direct flows leaves those to the proxy alone. */
static void
test_flush_spares_proxy (Testbed *tb, gconstpointer data)
{
  oc_autofd int proxy = tb_server (tb->host, SOCK_STREAM, TB_GATEWAY, 8080);
  oc_autofd int transparent = tb_server (tb->host, SOCK_STREAM, "0.0.0.0", 8443);
  int client[2] = { -1, -1 };
  int accepted[2] = { -1, -1 };
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_cmpint (tb_connect (tb->w1, TB_GATEWAY, 8080, 1000, &client[0]), ==, 0);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 443, 1000, &client[1]), ==, 0);
  accepted[0] = accept (proxy, NULL, NULL);
  accepted[1] = accept (transparent, NULL, NULL);
  g_assert_true (oc_firewall_flush_grants (tb->firewall, 0, NULL, &error));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (passes (client[i], accepted[i], 1000));
      g_assert_true (passes (accepted[i], client[i], 1000));
      close (client[i]);
      close (accepted[i]);
    }
}

/* --- Without the daemon -------------------------------------------------- */

/* Killed, the kernel goes on refusing; started again, all is as before, without grants. */
static void
test_restart (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, TB_GATEWAY, 53);
  OcGrantKey key = make_key (TB_AWAY, IPPROTO_TCP, 9000);
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (add_grant (tb, &key, 60, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  tb_kill (tb);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9001, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_connect (tb->w2, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  tb_restart (tb, FALSE);
  g_assert_false (passes (client, accepted, TB_NOTHING_MS));
  g_assert_false (passes (accepted, client, TB_NOTHING_MS));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, 1000), ==, 0);
  g_assert_true (add_grant (tb, &key, 60, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, NULL), ==, 0);
}

/* Who died while the daemon was down leaves no flow to whoever has the address next. */
static void
test_died_meanwhile (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  OcGrantKey key = make_key (TB_AWAY, IPPROTO_TCP, 9000);
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (add_grant (tb, &key, 60, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  tb_kill (tb);
  tb_restart_without_first (tb);
  g_assert_true (oc_firewall_add_lease (tb->firewall, &tb->lease1, &error));
  g_assert_false (passes (client, accepted, TB_NOTHING_MS));
  g_assert_false (passes (accepted, client, TB_NOTHING_MS));
}

static void
test_silent (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, TB_GATEWAY, 53);

  (void) data;
  tb_kill (tb);
  tb_restart (tb, TRUE);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_NOTHING_MS, NULL), ==, ETIMEDOUT);
  g_assert_cmpint (tb_connect (tb->w1, TB_GATEWAY, 22, TB_NOTHING_MS, NULL), ==, ETIMEDOUT);
  g_assert_cmpint (tb_ping (tb->w1, TB_AWAY, TB_NOTHING_MS), ==, ETIMEDOUT);
  g_assert_cmpuint (tb_counter (tb, "routed_refused"), >=, 2);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, 1000), ==, 0);
}

/* --- Replacement under load ---------------------------------------------- */

typedef struct
{
  Testbed *tb;
  int stop; /* atomic */
  guint64 sent;
} Flood;

/* Whatever could slip through a gap: to a machine outside, to the other workload, with
 * a false address to DNS, to a port of the host. */
static gpointer
flood_thread (gpointer data)
{
  Flood *flood = data;
  oc_autofd int raw = tb_packet_socket (flood->tb->w1, "eth0");
  TbFrame frames[4];

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    frames[i] = tb_frame_of (&flood->tb->lease1);
  frames[0].destination = TB_AWAY;
  frames[0].port = 9000;
  frames[1].destination = TB_W2;
  frames[1].port = 9000;
  frames[2].source = TB_W2;
  frames[3].port = 9000;
  while (!g_atomic_int_get (&flood->stop))
    for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
      {
        guint8 bytes[128];
        gsize len = tb_frame_build (&frames[i], bytes, sizeof bytes);

        flood->sent += send (raw, bytes, len, 0) > 0; /* a full queue is no failure */
      }
  return NULL;
}

static void
test_replacement (Testbed *tb, gconstpointer data)
{
  enum
  {
    N = 1000
  };
  oc_autofd int away = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9000);
  oc_autofd int w2 = tb_server (tb->w2, SOCK_DGRAM, "0.0.0.0", 9000);
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int host = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 9000);
  /* On the wire of the far side and of the neighbour: whatever the sockets make of it. */
  oc_autofd int away_wire = tb_packet_socket (tb->away, "eth0");
  oc_autofd int w2_wire = tb_packet_socket (tb->w2, "eth0");
  OcFirewallBridge bridge = { "outcall0", oc_network_get_gateway (tb->network) };
  OcLease leases[] = { tb->lease1, tb->lease2 };
  OcGrantKey key = make_key (TB_AWAY, IPPROTO_UDP, 9000);
  Flood flood = { .tb = tb };
  GThread *thread;
  g_autoptr (GError) error = NULL;
  gint64 start_us;

  (void) data;
  /* Only the ruleset stands between the flood and its targets. */
  oc_test_run ("echo 1 > /proc/sys/net/ipv4/ip_forward");
  thread = g_thread_new ("flood", flood_thread, &flood);
  start_us = g_get_monotonic_time ();
  for (guint i = 0; i < N; i++)
    {
      g_assert_true (oc_firewall_replace (tb->firewall, &bridge, 1, leases, 2, &error));
      g_assert_cmpuint (tb_count_udp (away_wire, 9000) + tb_count_udp (w2_wire, 9000), ==, 0);
    }
  g_test_message ("%d replacements in %.0f ms", N,
                  (double) (g_get_monotonic_time () - start_us) / 1000);
  g_assert_cmpuint (tb_drain (away), ==, 0);
  g_assert_cmpuint (tb_drain (w2), ==, 0);
  g_assert_cmpuint (tb_drain (dns), ==, 0);
  g_assert_cmpuint (tb_drain (host), ==, 0);
  g_assert_true (add_grant (tb, &key, 60, &error)); /* the control */
  g_assert_true (tb_is_readable (away, 2000));
  g_assert_cmpuint (tb_count_udp (away_wire, 9000), >, 0);
  g_assert_cmpuint (tb_count_udp (w2_wire, 9000), ==, 0);
  g_assert_cmpuint (tb_drain (w2) + tb_drain (dns) + tb_drain (host), ==, 0);
  g_atomic_int_set (&flood.stop, 1);
  g_thread_join (thread);
  g_test_message ("%" G_GUINT64_FORMAT " packets", flood.sent);
  g_assert_cmpuint (flood.sent, >, 1000);
  oc_test_run ("echo 0 > /proc/sys/net/ipv4/ip_forward");
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                            \
  g_test_add ("/enforcement/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("grant", test_grant);
  ADD ("grant-expiry", test_grant_expiry);
  ADD ("revocation", test_revocation);
  ADD ("flush-spares-proxy", test_flush_spares_proxy);
  ADD ("restart", test_restart);
  ADD ("died-meanwhile", test_died_meanwhile);
  ADD ("silent", test_silent);
  ADD ("replacement", test_replacement);
  return g_test_run ();
}
