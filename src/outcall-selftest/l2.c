/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Frames on the bridge: to another workload, in its name, or in that of the gateway. Tried
 * with every capability in a network namespace that is attached as a sandbox's is.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <string.h>

#define ARP_REQUEST 1
#define ARP_REPLY 2

static const uint8_t everybody[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t stranger[ETH_ALEN] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

/* An address of the subnet that nobody has been given: the last sixteen are an engine's. */
static struct in_addr
get_free_address (const Place *place)
{
  return (struct in_addr){ htonl ((ntohl (place->own.s_addr) & ~0xffu) | 249) };
}

static void
add_arp (Frame *frame, unsigned operation, const uint8_t *sender, struct in_addr sender_ip,
         const uint8_t *target, struct in_addr target_ip)
{
  frame_add (frame, "\0\1\x08\0\6\4", 6);
  frame_add_u16 (frame, operation);
  frame_add (frame, sender, ETH_ALEN);
  frame_add (frame, &sender_ip, sizeof sender_ip);
  frame_add (frame, target, ETH_ALEN);
  frame_add (frame, &target_ip, sizeof target_ip);
}

static Result
send_to_neighbour (const Place *place, Frame *frame, unsigned n)
{
  if (place->neighbour.s_addr == 0)
    return result (OUTCOME_UNFIT, "no other workload");
  /* In the padding, where a frame is too short to have a payload. */
  frame_add_tag (frame, place, n);
  return send_frame (place, frame, place->neighbour);
}

static Result
try_arp_request (const Place *place, const Probe *probe, unsigned n)
{
  Frame frame;

  (void) probe;
  frame_begin (&frame, everybody, place->own_mac, ETHERTYPE_ARP);
  add_arp (&frame, ARP_REQUEST, place->own_mac, place->own, everybody, place->neighbour);
  return send_to_neighbour (place, &frame, n);
}

/* "The gateway's address is mine." */
static Result
try_arp_gateway (const Place *place, const Probe *probe, unsigned n)
{
  const uint8_t *to = probe->data != NULL ? everybody : place->neighbour_mac;
  Frame frame;

  frame_begin (&frame, to, place->own_mac, ETHERTYPE_ARP);
  add_arp (&frame, ARP_REPLY, place->own_mac, place->gateway, to, place->neighbour);
  return send_to_neighbour (place, &frame, n);
}

static void
add_datagram (Frame *frame, const Place *place, unsigned n, struct in_addr from, struct in_addr to,
              uint16_t port)
{
  size_t ip = frame_add_ip (frame, from, to, IPPROTO_UDP);

  frame_add_udp (frame, place, n, (uint16_t) (40000 + n), port);
  frame_end_ip (frame, ip);
}

/* The data chooses the MAC that the datagram is sent to. */
static Result
try_datagram (const Place *place, const Probe *probe, unsigned n)
{
  const char *way = probe->data;
  bool by_gateway = strcmp (way, "gateway") == 0;
  bool to_all = strcmp (way, "broadcast") == 0;
  struct in_addr to = { to_all ? INADDR_BROADCAST : place->neighbour.s_addr };
  Frame frame;

  frame_begin (&frame,
               by_gateway ? place->gateway_mac
               : to_all   ? everybody
                          : place->neighbour_mac,
               place->own_mac, ETHERTYPE_IP);
  add_datagram (&frame, place, n, place->own, to, (uint16_t) (NEIGHBOUR_PORT + n));
  return send_to_neighbour (place, &frame, n);
}

/* A frame that carries only the tag. The data is what stands between the MACs and it. */
static Result
try_ethertype (const Place *place, const Probe *probe, unsigned n)
{
  Frame frame = { .len = 0 };

  frame_add (&frame, everybody, ETH_ALEN);
  frame_add (&frame, place->own_mac, ETH_ALEN);
  frame_add (&frame, probe->data, probe->len);
  return send_to_neighbour (place, &frame, n);
}

/* To the group address of bridges themselves, which many pass on. */
static Result
try_bridge_group (const Place *place, const Probe *probe, unsigned n)
{
  static const uint8_t group[ETH_ALEN] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
  Frame frame;

  (void) probe;
  frame_begin (&frame, group, place->own_mac, 0x88cc);
  return send_to_neighbour (place, &frame, n);
}

static Result
try_dhcp (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr nobody = { 0 };
  struct in_addr all = { INADDR_BROADCAST };
  bool as_server = probe->data != NULL;
  Frame frame;

  frame_begin (&frame, everybody, place->own_mac, ETHERTYPE_IP);
  add_datagram (&frame, place, n, as_server ? place->gateway : nobody, all, as_server ? 68 : 67);
  return send_to_neighbour (place, &frame, n);
}

/* --- False names -------------------------------------------------------------------------- */

/* A connection to the proxy from @from; whoever has that address gets the answer. */
static Result
send_syn (const Place *place, unsigned n, const uint8_t *mac, struct in_addr from)
{
  Frame frame;
  size_t ip;

  frame_begin (&frame, place->gateway_mac, mac, ETHERTYPE_IP);
  ip = frame_add_ip (&frame, from, place->gateway, IPPROTO_TCP);
  frame_add_u16 (&frame, NEIGHBOUR_PORT + n);
  frame_add_u16 (&frame, place->proxy_port != 0 ? place->proxy_port : 53);
  frame_add (&frame, "\0\0\0\1\0\0\0\0", 8);
  frame_add_u16 (&frame, 5 << 12 | 2);
  frame_add_u16 (&frame, 1024);
  frame_add (&frame, "\0\0\0\0", 4);
  frame_checksum (&frame, ip, IPPROTO_TCP, 16);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, from.s_addr == place->own.s_addr ? place->gateway : from);
}

static Result
try_neighbours_name (const Place *place, const Probe *probe, unsigned n)
{
  const char *what = probe->data;
  bool mac = strchr (what, 'm') != NULL;
  bool address = strchr (what, 'a') != NULL;

  if (place->neighbour.s_addr == 0)
    return result (OUTCOME_UNFIT, "no other workload");
  return send_syn (place, n, mac ? place->neighbour_mac : place->own_mac,
                   address ? place->neighbour : place->own);
}

static Result
try_free_address (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  return send_syn (place, n, place->own_mac, get_free_address (place));
}

static Result
try_stranger_mac (const Place *place, const Probe *probe, unsigned n)
{
  Frame frame;

  (void) probe;
  frame_begin (&frame, place->neighbour_mac, stranger, ETHERTYPE_IP);
  add_datagram (&frame, place, n, place->own, place->neighbour, (uint16_t) (NEIGHBOUR_PORT + n));
  return send_to_neighbour (place, &frame, n);
}

#define L2(id, text, detail, run, data)                                                           \
  { id, text, detail, STAGE_BARE, WITNESS_NEIGHBOUR, run, data }
#define ETHERTYPE(id, detail, bytes)                                                              \
  { id, N_("A frame of the kind %s to everybody"), detail, STAGE_BARE, WITNESS_NEIGHBOUR,         \
    try_ethertype, bytes, sizeof bytes - 1 }

const Probe l2_probes[] = {
  L2 ("l2-arp", N_("Ask another workload for its MAC address"), NULL, try_arp_request, NULL),
  L2 ("l2-arp-gateway", N_("Claim the gateway's address to another workload"), NULL,
      try_arp_gateway, NULL),
  L2 ("l2-arp-gateway-all", N_("Claim the gateway's address to everybody"), NULL, try_arp_gateway,
      ""),
  L2 ("l2-unicast", N_("A datagram straight to another workload"), NULL, try_datagram, "unicast"),
  L2 ("l2-gateway", N_("A datagram to another workload by way of the gateway"), NULL, try_datagram,
      "gateway"),
  L2 ("l2-broadcast", N_("A datagram to everybody"), NULL, try_datagram, "broadcast"),
  L2 ("l2-mac", N_("A datagram with a MAC address of nobody"), NULL, try_stranger_mac, NULL),
  L2 ("l2-steal-address", N_("Use another workload's address"), NULL, try_neighbours_name, "a"),
  { "l2-steal-both", N_("Use another workload's address and MAC address"), NULL, STAGE_BARE,
    WITNESS_NEIGHBOUR, try_neighbours_name, "am", .last = true },
  L2 ("l2-free-address", N_("Use an address that nobody has"), NULL, try_free_address, NULL),
  L2 ("l2-dhcp", N_("Ask for an address by DHCP"), NULL, try_dhcp, NULL),
  L2 ("l2-dhcp-server", N_("Hand out addresses by DHCP"), NULL, try_dhcp, ""),
  L2 ("l2-lldp", N_("A frame to the group address of bridges"), NULL, try_bridge_group, NULL),
  ETHERTYPE ("l2-vlan", "VLAN", "\x81\0\0\1\x08\0"),
  ETHERTYPE ("l2-qinq", "QinQ", "\x88\xa8\0\1\x81\0\0\1\x08\0"),
  ETHERTYPE ("l2-mpls", "MPLS", "\x88\x47\0\0\x11\xff"),
  ETHERTYPE ("l2-pppoe", "PPPoE", "\x88\x63\x11\x09\0\0"),
  ETHERTYPE ("l2-llc", "802.3 LLC", "\0\x2e\xaa\xaa\3"),
  ETHERTYPE ("l2-unknown", "0x88b5", "\x88\xb5"),
  { NULL },
};
