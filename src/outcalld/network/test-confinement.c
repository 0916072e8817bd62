/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* What a workload with every right in its namespace can reach, on the real kernel.
 * Each attack has a control that shows that the same packet, honestly sent, arrives. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

/* --- What is open -------------------------------------------------------- */

static void
test_allowed (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns_udp = tb_server (tb->host, SOCK_DGRAM, TB_GATEWAY, 53);
  G_GNUC_UNUSED oc_autofd int dns_tcp = tb_server (tb->host, SOCK_STREAM, TB_GATEWAY, 53);
  G_GNUC_UNUSED oc_autofd int proxy = tb_server (tb->host, SOCK_STREAM, TB_GATEWAY, 8080);

  (void) data;
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns_udp, 1000), ==, 0);
  g_assert_cmpint (tb_send_udp (tb->w2, TB_GATEWAY, 53, dns_udp, 1000), ==, 0);
  g_assert_cmpint (tb_connect (tb->w1, TB_GATEWAY, 53, 1000, NULL), ==, 0);
  g_assert_cmpint (tb_connect (tb->w1, TB_GATEWAY, 8080, 1000, NULL), ==, 0);
  g_assert_cmpint (tb_ping (tb->w1, TB_GATEWAY, 1000), ==, 0);
}

static void
check_redirect (Testbed *tb, guint16 asked, guint16 port)
{
  oc_autofd int server = tb_server (tb->host, SOCK_STREAM, "0.0.0.0", port);
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  struct sockaddr_in original;
  struct sockaddr_in peer;
  socklen_t len = sizeof original;
  char text[INET_ADDRSTRLEN];

  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, asked, 1000, &client), ==, 0);
  g_assert_true (tb_is_readable (server, 1000));
  accepted = accept (server, NULL, NULL);
  g_assert_cmpint (getsockopt (accepted, SOL_IP, SO_ORIGINAL_DST, &original, &len), ==, 0);
  g_assert_cmpuint (ntohs (original.sin_port), ==, asked);
  g_assert_cmpstr (inet_ntop (AF_INET, &original.sin_addr, text, sizeof text), ==, TB_AWAY);
  len = sizeof peer;
  g_assert_cmpint (getpeername (accepted, (struct sockaddr *) &peer, &len), ==, 0);
  g_assert_cmpstr (inet_ntop (AF_INET, &peer.sin_addr, text, sizeof text), ==, TB_W1);
}

static void
test_redirect (Testbed *tb, gconstpointer data)
{
  (void) data;
  check_redirect (tb, 80, 8081);
  check_redirect (tb, 443, 8443);
  /* Names of servers beyond the route are asked for as well. */
  oc_test_run ("ip route add default via 192.0.2.2");
  check_redirect (tb, 443, 8443);
  oc_test_run ("ip route del default");
}

/* --- What is refused, and at once ---------------------------------------- */

typedef struct
{
  const char *what;
  int type; /* SOCK_STREAM, SOCK_DGRAM, SOCK_RAW for ping */
  const char *address;
  guint16 port;
  int wanted; /* errno */
} Refusal;

static const Refusal refusals[] = {
  { "raw TCP", SOCK_STREAM, TB_AWAY, 9000, ECONNREFUSED },
  { "SMTP", SOCK_STREAM, TB_AWAY, 25, ECONNREFUSED },
  { "UDP", SOCK_DGRAM, TB_AWAY, 9000, EHOSTUNREACH },
  { "QUIC", SOCK_DGRAM, TB_AWAY, 443, EHOSTUNREACH },
  { "another DNS server", SOCK_DGRAM, TB_AWAY, 53, EHOSTUNREACH },
  { "another DNS server by TCP", SOCK_STREAM, TB_AWAY, 53, ECONNREFUSED },
  { "ICMP elsewhere", SOCK_RAW, TB_AWAY, 0, EHOSTUNREACH },
  { "a port of the gateway", SOCK_STREAM, TB_GATEWAY, 22, ECONNREFUSED },
  { "HTTP at the gateway", SOCK_STREAM, TB_GATEWAY, 80, ECONNREFUSED },
  { "TLS at the gateway", SOCK_STREAM, TB_GATEWAY, 443, ECONNREFUSED },
  { "transparent proxy directly", SOCK_STREAM, TB_GATEWAY, 8081, ECONNREFUSED },
  { "transparent proxy directly", SOCK_STREAM, TB_GATEWAY, 8443, ECONNREFUSED },
  { "UDP at the gateway", SOCK_DGRAM, TB_GATEWAY, 9000, EHOSTUNREACH },
  { "the host's other address", SOCK_STREAM, TB_HOST, 22, ECONNREFUSED },
  { "HTTP at the host's other address", SOCK_STREAM, TB_HOST, 80, ECONNREFUSED },
  { "DNS at the host's other address", SOCK_DGRAM, TB_HOST, 53, EHOSTUNREACH },
  { "ICMP to the host's other address", SOCK_RAW, TB_HOST, 0, EHOSTUNREACH },
};

static int
try_one (Testbed *tb, const Refusal *refusal, int server, int timeout_ms)
{
  switch (refusal->type)
    {
    case SOCK_STREAM:
      return tb_connect (tb->w1, refusal->address, refusal->port, timeout_ms, NULL);
    case SOCK_DGRAM:
      return tb_send_udp (tb->w1, refusal->address, refusal->port, server, timeout_ms);
    default:
      return tb_ping (tb->w1, refusal->address, timeout_ms);
    }
}

/* Servers listen wherever it goes, so that a refusal is the firewall's. */
static int
open_server (Testbed *tb, const Refusal *refusal)
{
  gboolean is_away = g_str_equal (refusal->address, TB_AWAY);

  if (refusal->type == SOCK_RAW)
    return tb_server (tb->host, SOCK_DGRAM, TB_HOST, 12345);
  return tb_server (is_away ? tb->away : tb->host, refusal->type, "0.0.0.0", refusal->port);
}

static void
test_refused (Testbed *tb, gconstpointer data)
{
  gint64 worst_us = 0;

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      oc_autofd int server = open_server (tb, &refusals[i]);
      gint64 start_us = g_get_monotonic_time ();
      int err = try_one (tb, &refusals[i], server, TB_AT_ONCE_MS);

      worst_us = MAX (worst_us, g_get_monotonic_time () - start_us);
      if (err != refusals[i].wanted)
        g_error ("%s: %s instead of %s", refusals[i].what, g_strerror (err),
                 g_strerror (refusals[i].wanted));
      g_assert_false (tb_is_readable (server, 0));
    }
  g_test_message ("slowest of %d refusals: %.2f ms", (int) G_N_ELEMENTS (refusals),
                  (double) worst_us / 1000);
  g_assert_cmpuint (tb_counter (tb, "routed_refused"), >=, 7);
  g_assert_cmpuint (tb_counter (tb, "input_refused"), >=, 10);
}

/* From outside nothing reaches a workload or a gateway, nor does the host itself. */
static void
test_towards_workload (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->w1, SOCK_STREAM, "0.0.0.0", 9000);
  G_GNUC_UNUSED oc_autofd int proxy = tb_server (tb->host, SOCK_STREAM, TB_GATEWAY, 8080);
  oc_autofd int seen = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int raw = tb_packet_socket (tb->host, "outcall0");
  TbFrame frame = tb_frame_of (&tb->lease1);

  (void) data;
  oc_test_run ("echo 1 > /proc/sys/net/ipv4/ip_forward");
  g_assert_cmpint (tb_connect (tb->away, TB_W1, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_connect (tb->host, TB_W1, 9000, TB_AT_ONCE_MS, NULL), !=, 0);
  g_assert_cmpint (tb_connect (tb->away, TB_GATEWAY, 8080, TB_NOTHING_MS, NULL), ==, ETIMEDOUT);
  g_assert_cmpint (tb_connect (tb->host, TB_GATEWAY, 8080, 1000, NULL), ==, 0);
  g_assert_false (tb_is_readable (server, 0));
  g_assert_cmpuint (tb_counter (tb, "guard_gateway"), >=, 1);
  /* Not even what the host puts on the bridge, unless it is for this lease. */
  memcpy (frame.source_mac, frame.destination_mac, 6);
  memcpy (frame.destination_mac, tb->lease1.mac, 6);
  frame.source = TB_GATEWAY;
  frame.destination = TB_W2;
  tb_send_frame (raw, &frame);
  g_assert_false (tb_is_readable (seen, TB_NOTHING_MS));
  g_assert_cmpuint (tb_counter (tb, "frame_output"), ==, 1);
  frame.destination = TB_W1; /* the control */
  tb_send_frame (raw, &frame);
  g_assert_true (tb_is_readable (seen, 1000));
  g_assert_cmpuint (tb_counter (tb, "output_refused"), >=, 1);
  oc_test_run ("echo 0 > /proc/sys/net/ipv4/ip_forward");
}

/* --- Workload to workload ------------------------------------------------ */

static void
test_other_workload (Testbed *tb, gconstpointer data)
{
  oc_autofd int tcp = tb_server (tb->w2, SOCK_STREAM, "0.0.0.0", 9000);
  oc_autofd int udp = tb_server (tb->w2, SOCK_DGRAM, "0.0.0.0", 9000);
  oc_autofd int proxy = tb_server (tb->host, SOCK_STREAM, "0.0.0.0", 8081);
  oc_autofd int seen = tb_packet_socket (tb->w2, "eth0");
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  TbFrame frame = tb_frame_of (&tb->lease1);

  (void) data;
  /* Through the host (a static neighbour entry, since ARP gets no answer). */
  oc_test_run ("ip -n w1 neigh replace " TB_W2 " dev eth0 lladdr 0e:c5:0a:c8:00:01");
  g_assert_cmpint (tb_connect (tb->w1, TB_W2, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_connect (tb->w1, TB_W2, 80, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_W2, 9000, udp, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  g_assert_cmpint (tb_ping (tb->w1, TB_W2, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  /* Straight at the other's MAC, as broadcast and as multicast. */
  frame.destination = TB_W2;
  memcpy (frame.destination_mac, tb->lease2.mac, 6);
  tb_send_frame (raw, &frame);
  memset (frame.destination_mac, 0xff, 6);
  tb_send_frame (raw, &frame);
  memcpy (frame.destination_mac, "\x01\x00\x5e\x00\x00\xfb", 6);
  tb_send_frame (raw, &frame);
  memcpy (frame.destination_mac, "\x33\x33\x00\x00\x00\x01", 6);
  frame.ether_type = ETH_P_IPV6;
  tb_send_frame (raw, &frame);
  tb_send_arp (raw, tb->lease1.mac, 1, tb->lease1.mac, TB_W1, TB_W2);
  tb_send_arp (raw, tb->lease1.mac, 2, tb->lease1.mac, TB_GATEWAY, TB_W2);
  g_assert_false (tb_is_readable (udp, TB_NOTHING_MS));
  g_assert_false (tb_is_readable (tcp, 0) || tb_is_readable (proxy, 0));
  g_assert_cmpuint (tb_drain (seen), ==, 0);
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_ip"), ==, 3);
  g_assert_cmpuint (tb_counter (tb, "frame_other_type"), >=, 1);
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_arp"), >=, 2);
}

/* --- Spoofing ------------------------------------------------------------ */

static const guint8 stranger_mac[6] = { 0x02, 0, 0, 0, 0, 0x66 };

typedef struct
{
  const char *what;
  const char *counter; /* that says so */
  void (*forge) (Testbed *tb, TbFrame *frame);
} Forgery;

static void
forge_other_address (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->source = TB_W2;
}

static void
forge_free_address (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->source = "10.200.0.77";
}

static void
forge_host_address (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->source = TB_GATEWAY;
}

static void
forge_mac (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  memcpy (frame->source_mac, stranger_mac, 6);
}

static void
forge_identity (Testbed *tb, TbFrame *frame)
{
  *frame = tb_frame_of (&tb->lease2);
}

static void
forge_vlan (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->vlan = 1 + 5;
}

static void
forge_priority_tag (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->vlan = 1;
}

static void
forge_ether_type (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->ether_type = 0x88b5;
}

static void
forge_link_local (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  memcpy (frame->destination_mac, "\x01\x80\xc2\x00\x00\x02", 6);
}

static void
forge_link_local_passed (Testbed *tb, TbFrame *frame)
{
  forge_link_local (tb, frame);
  frame->destination_mac[5] = 0x0e; /* LLDP's: not even the bridge's input hook sees it */
}

static void
forge_broadcast (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  memset (frame->destination_mac, 0xff, 6);
}

static void
forge_options (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->options_len = 8;
}

static void
forge_dhcp (Testbed *tb, TbFrame *frame)
{
  (void) tb;
  frame->source = "0.0.0.0";
  frame->destination = "255.255.255.255";
  frame->port = 67;
  memset (frame->destination_mac, 0xff, 6);
}

static const Forgery forgeries[] = {
  { "another workload's address", "frame_spoofed_ip", forge_other_address },
  { "a free address", "frame_spoofed_ip", forge_free_address },
  { "the gateway's address", "frame_spoofed_ip", forge_host_address },
  { "another MAC", "frame_spoofed_ip", forge_mac },
  { "another workload's MAC and address", "frame_spoofed_ip", forge_identity },
  { "VLAN tag", "frame_other_type", forge_vlan },
  { "priority tag", "frame_other_type", forge_priority_tag },
  { "unknown ether type", "frame_other_type", forge_ether_type },
  { "link-local MAC", "frame_link_local", forge_link_local },
  { "link-local MAC past the bridge", "guard_port", forge_link_local_passed },
  { "broadcast MAC", "frame_spoofed_ip", forge_broadcast },
  { "IP options", "guard_options", forge_options },
  { "DHCP", "frame_spoofed_ip", forge_dhcp },
};

static void
test_spoofing (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int dhcp = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 67);
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  TbFrame honest = tb_frame_of (&tb->lease1);

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (forgeries); i++)
    {
      TbFrame frame = honest;
      guint64 before = tb_counter (tb, forgeries[i].counter);

      forgeries[i].forge (tb, &frame);
      tb_send_frame (raw, &frame);
      if (tb_is_readable (dns, TB_NOTHING_MS) || tb_is_readable (dhcp, 0))
        g_error ("%s arrived", forgeries[i].what);
      if (tb_counter (tb, forgeries[i].counter) != before + 1)
        g_error ("%s: %s does not say so", forgeries[i].what, forgeries[i].counter);
      tb_send_frame (raw, &honest); /* the control */
      g_assert_true (tb_is_readable (dns, 1000));
      g_assert_cmpuint (tb_drain (dns), ==, 1);
    }
}

/* Without the bridge table (another tool removed it) the inet table still knows who is
 * who, all but a workload that takes both the MAC and the address of another. */
static void
test_second_layer (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  TbFrame honest = tb_frame_of (&tb->lease1);

  (void) data;
  oc_test_run ("nft delete table bridge outcall");
  g_assert_false (oc_firewall_is_active (tb->firewall));
  for (guint i = 0; i < 4; i++)
    {
      TbFrame frame = honest;

      forgeries[i].forge (tb, &frame);
      tb_send_frame (raw, &frame);
      g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
      tb_send_frame (raw, &honest);
      g_assert_true (tb_is_readable (dns, 1000));
      g_assert_cmpuint (tb_drain (dns), ==, 1);
    }
  tb_kill (tb);
  tb_restart (tb, FALSE); /* the table is back */
  g_assert_true (oc_firewall_is_active (tb->firewall));
}

static char *
output_of (const char *command)
{
  char *text = NULL;

  (void) oc_test_try (&text, "%s", command);
  return g_strchomp (text);
}

/* ARP can neither take another's address nor change what the host knows. */
static void
test_arp_spoofing (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, TB_GATEWAY, 53);
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  g_autofree char *before = output_of ("ip neigh show dev outcall0 | sort");
  g_autofree char *after = NULL;
  guint64 counted = tb_counter (tb, "frame_spoofed_arp");

  (void) data;
  tb_send_arp (raw, tb->lease1.mac, 2, tb->lease1.mac, TB_W2, TB_GATEWAY);
  tb_send_arp (raw, tb->lease1.mac, 1, tb->lease1.mac, TB_W2, TB_GATEWAY);
  tb_send_arp (raw, tb->lease1.mac, 2, tb->lease1.mac, TB_GATEWAY, TB_GATEWAY);
  tb_send_arp (raw, tb->lease1.mac, 2, stranger_mac, TB_W1, TB_GATEWAY);
  tb_send_arp (raw, stranger_mac, 1, stranger_mac, TB_W1, TB_GATEWAY);
  tb_send_arp (raw, tb->lease1.mac, 1, tb->lease1.mac, TB_W1, TB_W2);
  tb_send_arp (raw, tb->lease1.mac, 1, tb->lease1.mac, TB_W1, TB_W1);
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_arp"), ==, counted + 7);
  g_assert_false (tb_is_readable (raw, TB_NOTHING_MS) && tb_drain (raw) > 0);
  tb_send_arp_to (raw, "\x01\x80\xc2\x00\x00\x0e", tb->lease1.mac, 1, tb->lease1.mac, TB_W1,
                  TB_HOST);
  g_assert_false (tb_is_readable (raw, TB_NOTHING_MS) && tb_drain (raw) > 0);
  tb_send_arp (raw, tb->lease1.mac, 1, tb->lease1.mac, TB_W1, TB_GATEWAY); /* the control */
  g_assert_true (tb_is_readable (raw, 1000));
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_arp"), ==, counted + 7);
  after = output_of ("ip neigh show dev outcall0 | sort");
  g_assert_cmpstr (before, ==, after);
  /* With nothing but ARP it still works, for everybody: the host asks, then w1 does. */
  oc_test_run ("ip neigh flush dev outcall0 nud permanent");
  g_assert_cmpint (tb_ping (tb->w1, TB_GATEWAY, 3000), ==, 0);
  oc_test_run ("ip -n w1 neigh flush dev eth0 nud permanent");
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, 3000), ==, 0);
  g_assert_cmpint (tb_send_udp (tb->w2, TB_GATEWAY, 53, dns, 3000), ==, 0);
}

/* The ways of a program with `ip`: change address, MAC, turn IPv6 on. */
static void
test_reconfigured (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  guint64 before;

  (void) data;
  oc_test_run ("ip -n w1 addr flush dev eth0 && ip -n w1 addr add " TB_W2 "/24 dev eth0 && "
               "ip -n w1 route add default via " TB_GATEWAY);
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, TB_NOTHING_MS), ==, ETIMEDOUT);
  oc_test_run ("ip -n w1 link set eth0 address 0e:c5:0a:c8:00:03");
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, TB_NOTHING_MS), ==, ETIMEDOUT);
  g_assert_cmpint (tb_send_udp (tb->w2, TB_GATEWAY, 53, dns, 1000), ==, 0);
  before = tb_counter (tb, "frame_other_type");
  oc_test_run ("ip netns exec w1 sh -c 'echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6' && "
               "ip -n w1 addr add fd00::2/64 dev eth0 nodad && "
               "ip -n w1 neigh add fd00::1 dev eth0 lladdr 0e:c5:0a:c8:00:01");
  (void) oc_test_try (NULL, "ip netns exec w1 ping -6 -c1 -W1 fd00::1 >/dev/null 2>&1");
  g_assert_cmpuint (tb_counter (tb, "frame_other_type"), >, before);
}

/* --- Foreign ports, lost ports, renamed bridges -------------------------- */

/* Without IPv6 of its own: its port's own multicast would look like ours to it. */
static void
add_foreign_port (void)
{
  oc_test_run ("ip link add fp0 type veth peer eth0 netns foreign && "
               "echo 1 > /proc/sys/net/ipv6/conf/fp0/disable_ipv6 && "
               "ip link set fp0 master outcall0 && ip link set fp0 up && "
               "ip -n foreign addr add 10.200.0.99/24 dev eth0 && ip -n foreign link set eth0 up");
}

static void
test_foreign_port (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int at_w1 = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int raw = -1;
  TbFrame frames[4];
  TbFrame honest = tb_frame_of (&tb->lease1);
  g_autofree char *before = output_of ("ip neigh show dev outcall0 | sort");
  g_autofree char *after = NULL;

  (void) data;
  add_foreign_port ();
  raw = tb_packet_socket (tb->foreign, "eth0");
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    frames[i] = honest; /* 0: the whole identity of w1 */
  memcpy (frames[1].source_mac, stranger_mac, 6);
  frames[1].source = "10.200.0.99";
  memcpy (frames[2].source_mac, stranger_mac, 6); /* w1's address */
  frames[3].source = "10.200.0.99";               /* w1's MAC */
  tb_send_frame (raw, &frames[1]);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_cmpuint (tb_counter (tb, "frame_foreign"), ==, 1); /* by the bridge already */
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      tb_send_frame (raw, &frames[i]);
      memset (frames[i].destination_mac, 0xff, 6);
      tb_send_frame (raw, &frames[i]);
      memcpy (frames[i].destination_mac, tb->lease1.mac, 6);
      tb_send_frame (raw, &frames[i]);
    }
  tb_send_arp (raw, stranger_mac, 1, stranger_mac, "10.200.0.99", TB_GATEWAY);
  tb_send_arp (raw, stranger_mac, 2, stranger_mac, TB_W1, TB_GATEWAY);
  tb_send_arp (raw, stranger_mac, 2, stranger_mac, TB_GATEWAY, TB_W1);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_cmpuint (tb_drain (at_w1), ==, 0);
  g_assert_cmpint (tb_send_udp (tb->foreign, TB_GATEWAY, 53, dns, TB_NOTHING_MS), ==, ETIMEDOUT);
  /* Neither the host's tables nor w1's traffic went over to it. */
  g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, 1000), ==, 0);
  g_assert_cmpint (tb_ping (tb->w1, TB_GATEWAY, 1000), ==, 0);
  after = output_of ("ip neigh show dev outcall0 | grep -v 10.200.0.99 | sort");
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpuint (tb_drain (raw), ==, 0);
  g_assert_cmpuint (tb_counter (tb, "frame_foreign"), >=, 8);
  oc_test_run ("ip link del fp0");
}

/* A port that is taken off the bridge, and a bridge under another name, are no way out. */
static void
test_lost_port (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  TbFrame frame = tb_frame_of (&tb->lease1);
  g_autofree char *port_mac = NULL;
  guint mac[6];

  (void) data;
  oc_test_run ("ip link set ocw1 nomaster");
  port_mac = output_of ("cat /sys/class/net/ocw1/address");
  g_assert_cmpint (sscanf (port_mac, "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3],
                           &mac[4], &mac[5]),
                   ==, 6);
  for (guint i = 0; i < 6; i++)
    frame.destination_mac[i] = (guint8) mac[i];
  frame.destination = TB_HOST;
  tb_send_frame (raw, &frame);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_cmpuint (tb_counter (tb, "guard_port"), >=, 1);
  oc_test_run ("ip link set ocw1 master outcall0");

  oc_test_run ("ip link set outcall0 down && ip link set outcall0 name other0 && "
               "ip link set other0 up");
  frame = tb_frame_of (&tb->lease1);
  tb_send_frame (raw, &frame);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_cmpuint (tb_counter (tb, "guard_foreign"), >=, 1);
  oc_test_run ("ip link set other0 down && ip link set other0 name outcall0 && "
               "ip link set outcall0 up");
}

/* The host's other bridges go on as if there were no Outcall. */
static void
test_other_bridge (Testbed *tb, gconstpointer data)
{
  oc_autofd int web = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 80);
  oc_autofd int other = -1;

  (void) data;
  oc_test_run ("ip netns add o1 && ip netns add o2 && ip link add other0 type bridge && "
               "ip addr add 10.99.0.1/24 dev other0 && ip link set other0 up && "
               "echo 1 > /proc/sys/net/ipv4/ip_forward");
  for (guint i = 1; i <= 2; i++)
    oc_test_run ("ip link add op%u type veth peer eth0 netns o%u && "
                 "ip link set op%u master other0 up && "
                 "ip -n o%u addr add 10.99.0.1%u/24 dev eth0 && ip -n o%u link set eth0 up && "
                 "ip -n o%u route add default via 10.99.0.1",
                 i, i, i, i, i, i, i);
  oc_test_run ("ip -n away route add 10.99.0.0/24 via 192.0.2.1");
  oc_test_run ("ip netns exec o1 ping -c1 -W2 10.99.0.12 >/dev/null");
  oc_test_run ("ip netns exec o1 ping -c1 -W2 10.99.0.1 >/dev/null");
  oc_test_run ("ip netns exec o1 ping -c1 -W2 " TB_AWAY " >/dev/null");
  oc_test_run ("ping -c1 -W2 10.99.0.11 >/dev/null");
  other = open ("/run/netns/o1", O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (tb_connect (other, TB_AWAY, 80, 1000, NULL), ==, 0);
  g_assert_true (tb_is_readable (web, 1000));
  g_assert_cmpuint (tb_counter (tb, "forward_refused"), ==, 0);
  g_assert_cmpuint (tb_counter (tb, "frame_foreign"), ==, 0);
  oc_test_run ("echo 0 > /proc/sys/net/ipv4/ip_forward; ip link del other0; "
               "ip netns del o1; ip netns del o2; ip -n away route del 10.99.0.0/24");
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                            \
  g_test_add ("/confinement/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("allowed", test_allowed);
  ADD ("redirect", test_redirect);
  ADD ("refused", test_refused);
  ADD ("towards-workload", test_towards_workload);
  ADD ("other-workload", test_other_workload);
  ADD ("spoofing", test_spoofing);
  ADD ("second-layer", test_second_layer);
  ADD ("arp-spoofing", test_arp_spoofing);
  ADD ("reconfigured", test_reconfigured);
  ADD ("foreign-port", test_foreign_port);
  ADD ("lost-port", test_lost_port);
  ADD ("other-bridge", test_other_bridge);
  return g_test_run ();
}
