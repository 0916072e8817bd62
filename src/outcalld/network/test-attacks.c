/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* What a workload can put on the wire with a packet socket, beyond the forgeries of
 * test-confinement: other protocols, fragments, false states and errors. Each: nothing
 * leaves, nobody else is reached, a counter says so. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

#define PAYLOAD_MAX 256

static const guint8 broadcast_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* --- Packets ----------------------------------------------------------------- */

typedef struct
{
  const char *source, *destination;
  guint8 protocol;
  guint16 id, fragment; /* as in the header */
  const guint8 *options;
  guint8 options_len;
  const void *payload;
  gsize len;
} Ip;

static gsize
build_ip (const Ip *ip, guint8 *out)
{
  gsize header_len = 20u + ip->options_len;
  guint16 words[] = { htons ((guint16) (header_len + ip->len)), htons (ip->id),
                      htons (ip->fragment) };
  guint16 sum;

  memset (out, 0, header_len);
  out[0] = (guint8) (0x40 | header_len / 4);
  memcpy (out + 2, words, sizeof words);
  out[8] = 64;
  out[9] = ip->protocol;
  inet_pton (AF_INET, ip->source, out + 12);
  inet_pton (AF_INET, ip->destination, out + 16);
  if (ip->options_len > 0)
    memcpy (out + 20, ip->options, ip->options_len);
  sum = tb_checksum (out, header_len);
  memcpy (out + 10, &sum, 2);
  memcpy (out + header_len, ip->payload, ip->len);
  return header_len + ip->len;
}

static void
send_frame (int fd, const guint8 destination[6], const guint8 source[6], guint16 type,
            gconstpointer payload, gsize len)
{
  guint8 frame[14 + 64 + PAYLOAD_MAX];
  guint16 type_be = htons (type);

  memcpy (frame, destination, 6);
  memcpy (frame + 6, source, 6);
  memcpy (frame + 12, &type_be, 2);
  memcpy (frame + 14, payload, len);
  g_assert_cmpint (send (fd, frame, 14 + len, 0), ==, (gssize) (14 + len));
}

static void
gateway_mac (guint8 mac[6])
{
  OcAddress gateway;

  g_assert_true (oc_address_parse (OC_STR (TB_GATEWAY), &gateway));
  oc_network_make_mac (&gateway, mac);
}

/* From w1 to its gateway's MAC. */
static void
send_ip (Testbed *tb, int fd, const Ip *ip)
{
  guint8 packet[64 + PAYLOAD_MAX];
  guint8 mac[6];
  gsize len = build_ip (ip, packet);

  gateway_mac (mac);
  send_frame (fd, mac, tb->lease1.mac, ETH_P_IP, packet, len);
}

static gsize
build_udp (guint16 source, guint16 destination, guint16 len, guint8 *out)
{
  guint16 header[] = { htons (source), htons (destination), htons (len), 0 };

  memcpy (out, header, sizeof header);
  return sizeof header;
}

static gsize
build_tcp (const char *source, const char *destination, guint16 source_port, guint16 port,
           guint8 flags, guint8 *out)
{
  guint8 pseudo[12 + 20] = { 0 };
  guint16 ports[] = { htons (source_port), htons (port) };
  guint16 sum;

  inet_pton (AF_INET, source, pseudo);
  inet_pton (AF_INET, destination, pseudo + 4);
  pseudo[9] = IPPROTO_TCP;
  pseudo[11] = 20;
  memcpy (pseudo + 12, ports, 4);
  pseudo[12 + 7] = 1; /* sequence */
  pseudo[12 + 12] = 0x50;
  pseudo[12 + 13] = flags;
  pseudo[12 + 14] = 0x10; /* window */
  sum = tb_checksum (pseudo, sizeof pseudo);
  memcpy (pseudo + 12 + 16, &sum, 2);
  memcpy (out, pseudo + 12, 20);
  return 20;
}

/* IPv4 packets that @fd saw and did not send itself. */
static guint
drain_ip (int fd)
{
  guint8 frame[2048];
  guint n = 0;
  gssize len;

  while ((len = recv (fd, frame, sizeof frame, MSG_DONTWAIT)) > 0)
    n += len > 14 && frame[12] == 0x08 && frame[13] == 0x00;
  return n;
}

static void
let_out (Testbed *tb, const char *source, guint8 protocol, guint16 port)
{
  OcGrantRequest request = { .key = { .protocol = protocol, .port = port }, .lifetime_s = 60 };
  g_autoptr (GError) error = NULL;

  inet_pton (AF_INET, source, &request.key.source_be);
  inet_pton (AF_INET, TB_AWAY, &request.key.destination_be);
  g_assert_true (oc_firewall_add_grants (tb->firewall, &request, 1, NULL, &error));
  g_assert_no_error (error);
}

/* So that nothing but the rules stands in between. */
static void
forward_everything (gboolean on)
{
  oc_test_run ("echo %d > /proc/sys/net/ipv4/ip_forward", on);
}

/* --- Other protocols on the wire ------------------------------------------------ */

static void
test_ether_types (Testbed *tb, gconstpointer data)
{
  static const guint16 types[] = {
    0x0026 /* a length: LLC, spanning tree */, 0x0842 /* wake on LAN */, 0x2000 /* CDP */,
    0x8035 /* RARP */, 0x8100 /* VLAN */, 0x88a8 /* its outer tag */, 0x9100, 0x86dd /* IPv6 */,
    0x8847 /* MPLS */, 0x8863, 0x8864 /* PPPoE */, 0x888e /* 802.1X */, 0x88cc /* LLDP */,
    0x88e5 /* MACsec */, 0x88f7 /* PTP */, 0x8906 /* FCoE */, 0xffff,
  };
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int w2 = tb_packet_socket (tb->w2, "eth0");
  oc_autofd int away = tb_packet_socket (tb->away, "eth0");
  static const guint8 payload[60] = { 0x45 };
  guint8 bridge[6];

  (void) data;
  gateway_mac (bridge);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      guint64 before = tb_counter (tb, "frame_other_type");

      send_frame (raw, broadcast_mac, tb->lease1.mac, types[i], payload, sizeof payload);
      send_frame (raw, tb->lease2.mac, tb->lease1.mac, types[i], payload, sizeof payload);
      send_frame (raw, bridge, tb->lease1.mac, types[i], payload, sizeof payload);
      if (tb_counter (tb, "frame_other_type") != before + 3)
        g_error ("type %04x is not counted", types[i]);
    }
  g_assert_false (tb_is_readable (w2, TB_NOTHING_MS));
  g_assert_cmpuint (drain_ip (away), ==, 0);
}

/* Tunnels and the rest of IPv4's protocols to a machine outside. */
static void
test_ip_protocols (Testbed *tb, gconstpointer data)
{
  static const guint8 protocols[] = { 0, 2 /* IGMP */, 4 /* IPIP */, 41 /* 6in4 */, 47 /* GRE */,
                                      50, 51 /* IPsec */, 89, 103, 112, 115 /* L2TP */,
                                      132 /* SCTP */, 136, 255 };
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int away = tb_packet_socket (tb->away, "eth0");
  guint8 inner[64] = { 0 };

  (void) data;
  forward_everything (TRUE);
  let_out (tb, TB_W1, IPPROTO_UDP, 9000); /* nothing but this */
  for (guint i = 0; i < G_N_ELEMENTS (protocols); i++)
    {
      /* Inside, what would be a granted datagram. */
      const Ip nested = { .source = TB_W1, .destination = TB_AWAY, .protocol = IPPROTO_UDP,
                          .payload = "\x23\x28\x23\x28\0\x0c\0\0evil", .len = 12 };
      Ip ip = { .source = TB_W1, .destination = TB_AWAY, .protocol = protocols[i],
                .payload = inner, .len = build_ip (&nested, inner) };
      guint64 before = tb_counter (tb, "routed_refused");

      send_ip (tb, raw, &ip);
      if (tb_counter (tb, "routed_refused") != before + 1)
        g_error ("protocol %u is not counted", protocols[i]);
    }
  g_assert_false (tb_is_readable (away, TB_NOTHING_MS) && drain_ip (away) > 0);
  forward_everything (FALSE);
}

/* Router advertisements and DHCP answers, to the other workload and to the host. */
static void
test_false_services (Testbed *tb, gconstpointer data)
{
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int w2 = tb_packet_socket (tb->w2, "eth0");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  guint64 spoofed = tb_counter (tb, "frame_spoofed_ip");
  guint64 other = tb_counter (tb, "frame_other_type");
  guint8 advert[40 + 16] = { 0x60, 0, 0, 0, 0, 16, 58 /* ICMPv6 */, 255, 0xfe, 0x80 };
  guint8 udp[8 + 60] = { 0 };
  Ip offer = { .source = TB_GATEWAY, .destination = "255.255.255.255", .protocol = IPPROTO_UDP,
               .payload = udp, .len = sizeof udp };
  guint8 packet[128];
  gsize len;

  (void) data;
  (void) oc_test_try (&before, "ip -6 route; ip -6 addr show outcall0; ip -n w2 -6 route");
  memcpy (advert + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  advert[40] = 134; /* router advertisement */
  send_frame (raw, (const guint8 *) "\x33\x33\0\0\0\x01", tb->lease1.mac, ETH_P_IPV6, advert,
              sizeof advert);
  (void) build_udp (67, 68, sizeof udp, udp);
  len = build_ip (&offer, packet);
  send_frame (raw, broadcast_mac, tb->lease1.mac, ETH_P_IP, packet, len);
  send_frame (raw, tb->lease2.mac, tb->lease1.mac, ETH_P_IP, packet, len);
  offer.source = TB_W1; /* and in its own name */
  len = build_ip (&offer, packet);
  send_frame (raw, broadcast_mac, tb->lease1.mac, ETH_P_IP, packet, len);
  g_assert_false (tb_is_readable (w2, TB_NOTHING_MS));
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_ip"), ==, spoofed + 3);
  g_assert_cmpuint (tb_counter (tb, "frame_other_type"), >=, other + 1);
  (void) oc_test_try (&after, "ip -6 route; ip -6 addr show outcall0; ip -n w2 -6 route");
  g_assert_cmpstr (before, ==, after);
}

/* Multicast and broadcast addresses, at the right MAC and at their own. */
static void
test_many (Testbed *tb, gconstpointer data)
{
  static const char *const addresses[]
      = { "224.0.0.1", "224.0.0.251", "239.255.255.250", "255.255.255.255", "10.200.0.255",
          "10.200.0.0", "192.0.2.255", "10.200.1.255", "0.0.0.0", "127.0.0.1", "240.0.0.1" };
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int w2 = tb_packet_socket (tb->w2, "eth0");
  oc_autofd int away = tb_packet_socket (tb->away, "eth0");
  oc_autofd int host = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 5353);
  struct ip_mreqn group = { .imr_multiaddr.s_addr = htonl (0xe00000fb) };
  guint8 udp[12] = "........evil";
  Ip ip = { .source = TB_W1, .protocol = IPPROTO_UDP, .payload = udp, .len = sizeof udp };

  (void) data;
  forward_everything (TRUE);
  inet_pton (AF_INET, TB_GATEWAY, &group.imr_address);
  g_assert_cmpint (setsockopt (host, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), ==, 0);
  (void) build_udp (5353, 5353, sizeof udp, udp);
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      guint8 packet[64];
      guint64 before = tb_counter (tb, "frame_spoofed_ip");
      gsize len;

      ip.destination = addresses[i];
      send_ip (tb, raw, &ip);
      len = build_ip (&ip, packet);
      send_frame (raw, (const guint8 *) "\x01\x00\x5e\x00\x00\xfb", tb->lease1.mac, ETH_P_IP,
                  packet, len);
      send_frame (raw, broadcast_mac, tb->lease1.mac, ETH_P_IP, packet, len);
      g_assert_cmpuint (tb_counter (tb, "frame_spoofed_ip"), ==, before + 2);
    }
  g_assert_false (tb_is_readable (host, TB_NOTHING_MS));
  g_assert_cmpuint (drain_ip (w2), ==, 0);
  g_assert_cmpuint (drain_ip (away), ==, 0);
  forward_everything (FALSE);
}

/* Loose and strict source routes, record route, timestamps. */
static void
test_options (Testbed *tb, gconstpointer data)
{
  static const guint8 kinds[] = { 131, 137, 7, 68, 130, 148, 1, 0 };
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int away = tb_packet_socket (tb->away, "eth0");
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  guint8 udp[12] = "........evil";

  (void) data;
  forward_everything (TRUE);
  let_out (tb, TB_W1, IPPROTO_UDP, 9000);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      guint8 options[8] = { kinds[i], 7, 4, 192, 0, 2, 2, 0 };
      Ip ip = { .source = TB_W1, .protocol = IPPROTO_UDP, .payload = udp, .len = sizeof udp,
                .options = options, .options_len = sizeof options };
      guint64 before = tb_counter (tb, "guard_options");

      (void) build_udp (40000, 53, sizeof udp, udp);
      ip.destination = TB_GATEWAY; /* that would pass it on */
      send_ip (tb, raw, &ip);
      (void) build_udp (40000, 9000, sizeof udp, udp);
      ip.destination = TB_AWAY; /* which is granted */
      send_ip (tb, raw, &ip);
      /* What the IP layer finds malformed is dropped before any rule. */
      g_assert_cmpuint (tb_counter (tb, "guard_options"), <=, before + 2);
    }
  g_assert_cmpuint (tb_counter (tb, "guard_options"), >=, 8);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_cmpuint (drain_ip (away), ==, 0);
  forward_everything (FALSE);
}

/* --- Fragments ----------------------------------------------------------------------- */

#define MORE 0x2000

/* Only whole datagrams are judged; what cannot be put together goes nowhere. */
static void
test_fragments (Testbed *tb, gconstpointer data)
{
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int seen = tb_packet_socket (tb->away, "eth0");
  oc_autofd int granted = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9000);
  oc_autofd int other = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9001);
  guint8 good[8 + 24] = { 0 };
  guint8 bad[8 + 24] = { 0 };
  Ip ip = { .source = TB_W1, .destination = TB_AWAY, .protocol = IPPROTO_UDP };

  (void) data;
  let_out (tb, TB_W1, IPPROTO_UDP, 9000);
  (void) build_udp (40000, 9000, sizeof good, good);
  (void) build_udp (40000, 9001, sizeof bad, bad);

#define FRAGMENT(number, where, bytes, size)                                                       \
  (ip.id = (number), ip.fragment = (where), ip.payload = (bytes), ip.len = (size),                 \
   send_ip (tb, raw, &ip))
  /* A head of eight bytes that is granted, then one over it that is not. */
  FRAGMENT (1, MORE, good, 8);
  FRAGMENT (1, MORE, bad, 8);
  FRAGMENT (1, 1, bad + 8, 24);
  /* The other way round: the part behind first. */
  FRAGMENT (2, 1, bad + 8, 24);
  FRAGMENT (2, MORE, bad, 16);
  FRAGMENT (2, MORE, good, 8);
  /* Only what comes behind a head: no ports to judge. */
  FRAGMENT (3, 1, bad + 8, 24);
  FRAGMENT (4, MORE | 100, bad, 24);
  /* A whole one that is not granted, in pieces. */
  FRAGMENT (5, MORE, bad, 8);
  FRAGMENT (5, 1, bad + 8, 24);
  g_assert_false (tb_is_readable (other, TB_NOTHING_MS));
  /* Of two heads the first counts; whatever left is for the granted port. */
  g_assert_cmpuint (drain_ip (seen), ==, tb_drain (granted));
  g_assert_cmpuint (tb_counter (tb, "routed_refused"), >=, 1);
  /* The control: what is granted arrives, in pieces too. */
  FRAGMENT (6, MORE, good, 8);
  FRAGMENT (6, 1, good + 8, 24);
  g_assert_true (tb_is_readable (granted, 2000));
#undef FRAGMENT
}

/* --- Conntrack ------------------------------------------------------------------------- */

static void
test_out_of_state (Testbed *tb, gconstpointer data)
{
  static const guint8 flags[] = { TH_ACK, TH_RST, TH_RST | TH_ACK, TH_FIN, TH_FIN | TH_ACK,
                                  TH_SYN | TH_ACK, TH_SYN | TH_FIN, TH_SYN | TH_RST, 0,
                                  TH_FIN | TH_PUSH | TH_URG, 0x3f };
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int seen = tb_packet_socket (tb->away, "eth0");
  guint8 tcp[20];
  Ip ip = { .source = TB_W1, .destination = TB_AWAY, .protocol = IPPROTO_TCP, .payload = tcp,
            .len = sizeof tcp };

  (void) data;
  forward_everything (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      guint64 before = tb_counter (tb, "routed_refused");

      (void) build_tcp (TB_W1, TB_AWAY, 40000, 9000, flags[i], tcp);
      send_ip (tb, raw, &ip);
      if (tb_counter (tb, "routed_refused") != before + 1)
        g_error ("TCP flags %02x are not counted", flags[i]);
    }
  g_assert_false (tb_is_readable (seen, TB_NOTHING_MS) && drain_ip (seen) > 0);
  forward_everything (FALSE);
}

typedef struct
{
  int client, accepted;
  guint16 port; /* of the client */
} Flow;

/* w2's connection to @server, which listens at @address:@port. */
static Flow
open_flow (Testbed *tb, int server, const char *address, guint16 port)
{
  struct sockaddr_in local;
  socklen_t len = sizeof local;
  Flow flow;

  g_assert_cmpint (tb_connect (tb->w2, address, port, 1000, &flow.client), ==, 0);
  flow.accepted = accept (server, NULL, NULL);
  g_assert_cmpint (getsockname (flow.client, (struct sockaddr *) &local, &len), ==, 0);
  flow.port = ntohs (local.sin_port);
  return flow;
}

static void
assert_alive (const Flow *flow)
{
  g_assert_cmpint (send (flow->client, "x", 1, MSG_NOSIGNAL), ==, 1);
  g_assert_true (tb_is_readable (flow->accepted, 1000));
  g_assert_cmpuint (tb_drain (flow->accepted), ==, 1);
}

static void
close_flow (const Flow *flow)
{
  close (flow->client);
  close (flow->accepted);
}

/* A reset in the name of another workload ends nothing. */
static void
test_reset (Testbed *tb, gconstpointer data)
{
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  guint64 before = tb_counter (tb, "frame_spoofed_ip");
  guint8 tcp[20];
  Ip ip = { .source = TB_W2, .destination = TB_AWAY, .protocol = IPPROTO_TCP, .payload = tcp,
            .len = sizeof tcp };
  Flow flow;

  (void) data;
  let_out (tb, TB_W2, IPPROTO_TCP, 9000);
  flow = open_flow (tb, server, TB_AWAY, 9000);
  (void) build_tcp (TB_W2, TB_AWAY, flow.port, 9000, TH_RST, tcp);
  send_ip (tb, raw, &ip);
  ip.source = TB_AWAY; /* as if it came back */
  ip.destination = TB_W2;
  (void) build_tcp (TB_AWAY, TB_W2, 9000, flow.port, TH_RST, tcp);
  send_ip (tb, raw, &ip);
  g_assert_cmpuint (tb_counter (tb, "frame_spoofed_ip"), ==, before + 2);
  assert_alive (&flow);
  close_flow (&flow);
}

/* "@source:@source_port → @destination:@port could not be delivered", for sending back. */
static gsize
build_error (const char *source, guint16 source_port, const char *destination, guint16 port,
             guint8 protocol, guint8 *out)
{
  guint8 head[8] = { 0 };
  Ip quoted = { .source = source, .destination = destination, .protocol = protocol,
                .payload = head, .len = sizeof head };
  guint16 sum;
  gsize len;

  (void) build_udp (source_port, port, 8, head);
  memset (out, 0, 8);
  out[0] = ICMP_DEST_UNREACH;
  out[1] = ICMP_PORT_UNREACH;
  len = 8 + build_ip (&quoted, out + 8);
  sum = tb_checksum (out, len);
  memcpy (out + 2, &sum, 2);
  return len;
}

/* An ICMP error is worth something only about the sender's own flows: else it would
 * carry data to another's peer, and disturb another's connection to the proxy. */
static void
test_foreign_errors (Testbed *tb, gconstpointer data)
{
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  oc_autofd int seen = tb_packet_socket (tb->away, "eth0");
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  oc_autofd int proxy = tb_server (tb->host, SOCK_STREAM, TB_GATEWAY, 8080);
  oc_autofd int own_server = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9001);
  guint8 icmp[64];
  Ip ip = { .source = TB_W1, .destination = TB_AWAY, .protocol = IPPROTO_ICMP, .payload = icmp };
  Flow away, gateway;

  (void) data;
  let_out (tb, TB_W2, IPPROTO_TCP, 9000);
  let_out (tb, TB_W1, IPPROTO_UDP, 9001);
  away = open_flow (tb, server, TB_AWAY, 9000);
  gateway = open_flow (tb, proxy, TB_GATEWAY, 8080);
  (void) drain_ip (seen);
  ip.len = build_error (TB_AWAY, 9000, TB_W2, away.port, IPPROTO_TCP, icmp);
  send_ip (tb, raw, &ip);
  g_assert_false (tb_is_readable (seen, TB_NOTHING_MS) && drain_ip (seen) > 0);
  g_assert_cmpuint (tb_counter (tb, "forward_foreign_error"), ==, 1);
  ip.destination = TB_GATEWAY;
  ip.len = build_error (TB_GATEWAY, 8080, TB_W2, gateway.port, IPPROTO_TCP, icmp);
  send_ip (tb, raw, &ip);
  g_assert_cmpuint (tb_counter (tb, "input_foreign_error"), ==, 1);
  assert_alive (&away);
  assert_alive (&gateway);
  /* The control: about its own flow it arrives. */
  {
    guint8 udp[12] = "........evil";

    (void) build_udp (40000, 9001, sizeof udp, udp);
    ip = (Ip) { .source = TB_W1, .destination = TB_AWAY, .protocol = IPPROTO_UDP, .payload = udp,
                .len = sizeof udp };
    send_ip (tb, raw, &ip);
    g_assert_true (tb_is_readable (own_server, 1000));
  }
  (void) drain_ip (seen);
  ip.protocol = IPPROTO_ICMP;
  ip.payload = icmp;
  ip.len = build_error (TB_AWAY, 9001, TB_W1, 40000, IPPROTO_UDP, icmp);
  send_ip (tb, raw, &ip);
  g_assert_true (tb_is_readable (seen, 1000));
  g_assert_cmpuint (drain_ip (seen), >=, 1);
  close_flow (&away);
  close_flow (&gateway);
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/attacks/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("ether-types", test_ether_types);
  ADD ("ip-protocols", test_ip_protocols);
  ADD ("false-services", test_false_services);
  ADD ("many", test_many);
  ADD ("options", test_options);
  ADD ("fragments", test_fragments);
  ADD ("out-of-state", test_out_of_state);
  ADD ("reset", test_reset);
  ADD ("foreign-errors", test_foreign_errors);
  return g_test_run ();
}
