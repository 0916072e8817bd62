/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * IPv6, which networks of Outcall do not carry: with sockets, then by hand, since who has every
 * capability in the namespace can have addresses and routes there.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"

/* --- Sockets ------------------------------------------------------------------------------ */

static Result
try_tcp6 (struct in6_addr address, uint16_t port)
{
  struct sockaddr_in6 to
      = { .sin6_family = AF_INET6, .sin6_port = htons (port), .sin6_addr = address };
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);

  return fd >= 0 ? result (OUTCOME_ANSWERED, "TCP connection") : result_errno (errno);
}

static Result
try_outside (const Place *place, const Probe *probe, unsigned n)
{
  (void) place;
  (void) probe;
  return try_tcp6 (outside_addr6 (n), OUTSIDE_PORT);
}

/* An IPv4 address in a socket for IPv6. */
static Result
try_mapped (const Place *place, const Probe *probe, unsigned n)
{
  struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
  struct in_addr far = outside_addr (n);

  (void) place;
  (void) probe;
  memcpy (mapped.s6_addr + 12, &far, sizeof far);
  return try_tcp6 (mapped, OUTSIDE_PORT);
}

static Result
try_host6 (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  (void) n;
  if (IN6_IS_ADDR_UNSPECIFIED (&place->host6))
    return result (OUTCOME_UNFIT, "the host has no IPv6 address");
  return try_tcp6 (place->host6, place->port);
}

/* --- By hand ------------------------------------------------------------------------------- */

/* The link-local address that a MAC gives. */
static struct in6_addr
get_link_local (const uint8_t *mac)
{
  struct in6_addr address = { .s6_addr = { 0xfe, 0x80, [11] = 0xff, [12] = 0xfe } };

  address.s6_addr[8] = mac[0] ^ 2;
  address.s6_addr[9] = mac[1];
  address.s6_addr[10] = mac[2];
  address.s6_addr[13] = mac[3];
  address.s6_addr[14] = mac[4];
  address.s6_addr[15] = mac[5];
  return address;
}

/* Where a packet goes, by the words of the table. */
static struct in6_addr
get_target (const Place *place, const char *where, unsigned n)
{
  struct in_addr far = outside_addr (n);
  struct in6_addr address = outside_addr6 (n);

  if (strcmp (where, "neighbour") == 0)
    return get_link_local (place->neighbour_mac);
  if (strcmp (where, "nat64") == 0)
    {
      address = (struct in6_addr){ .s6_addr = { 0, 0x64, 0xff, 0x9b } };
      memcpy (address.s6_addr + 12, &far, sizeof far);
    }
  else if (strcmp (where, "6to4") == 0)
    {
      address = (struct in6_addr){ .s6_addr = { 0x20, 2, [15] = 1 } };
      memcpy (address.s6_addr + 2, &far, sizeof far);
    }
  else if (strcmp (where, "outside") != 0)
    (void) inet_pton (AF_INET6, where, &address);
  return address;
}

/* The MAC that belongs to it: of the group, of the neighbour, of the router. */
static void
begin_frame (Frame *frame, const Place *place, const struct in6_addr *to, const char *where)
{
  uint8_t group[ETH_ALEN] = { 0x33, 0x33 };

  memcpy (group + 2, to->s6_addr + 12, 4);
  frame_begin (frame,
               to->s6_addr[0] == 0xff                ? group
               : strcmp (where, "neighbour") == 0    ? place->neighbour_mac
                                                     : place->gateway_mac,
               place->own_mac, ETHERTYPE_IPV6);
}

/* An address that routers forward, as if one had been announced. */
static struct in6_addr
get_source (const Place *place, const struct in6_addr *to)
{
  struct in6_addr global = outside_addr6 (0xff);

  return to->s6_addr[0] == 0xff || to->s6_addr[0] == 0xfe ? get_link_local (place->own_mac)
                                                          : global;
}

static Result
finish (const Place *place, Frame *frame, size_t ip)
{
  frame_end_ip6 (frame, ip);
  return send_frame (place, frame, (struct in_addr){ 0 });
}

static Result
try_datagram (const Place *place, const Probe *probe, unsigned n)
{
  struct in6_addr to = get_target (place, probe->data, n);
  struct in6_addr from = get_source (place, &to);
  Frame frame;
  size_t ip;

  begin_frame (&frame, place, &to, probe->data);
  ip = frame_add_ip6 (&frame, &from, &to, IPPROTO_UDP);
  frame_add_udp (&frame, place, n, 40000, (uint16_t) probe->len);
  frame_checksum (&frame, ip, IPPROTO_UDP, 6);
  return finish (place, &frame, ip);
}

/* The type stands where other ways have the length of their data. */
static Result
try_icmp (const Place *place, const Probe *probe, unsigned n)
{
  struct in6_addr to = get_target (place, probe->data, n);
  struct in6_addr from = get_source (place, &to);
  Frame frame;
  size_t ip;

  begin_frame (&frame, place, &to, probe->data);
  ip = frame_add_ip6 (&frame, &from, &to, IPPROTO_ICMPV6);
  frame_add_u16 (&frame, (unsigned) probe->len << 8);
  frame_add (&frame, "\0\0\x40\0\7\x08", 6);
  if (probe->len == ND_NEIGHBOR_SOLICIT || probe->len == ND_NEIGHBOR_ADVERT)
    frame_add (&frame, &to, sizeof to);
  else
    frame_add (&frame, "\0\0\0\0\0\0\0\0", 8);
  frame_add_tag (&frame, place, n);
  frame_checksum (&frame, ip, IPPROTO_ICMPV6, 2);
  return finish (place, &frame, ip);
}

/* A header before the datagram; filters that look at the first only do not see it. */
static Result
try_extension (const Place *place, const Probe *probe, unsigned n)
{
  struct in6_addr to = outside_addr6 (n);
  struct in6_addr from = get_source (place, &to);
  Frame frame;
  size_t ip;

  begin_frame (&frame, place, &to, "outside");
  ip = frame_add_ip6 (&frame, &from, &to, (unsigned) probe->len);
  frame_add (&frame, probe->data, 8);
  frame_add_udp (&frame, place, n, 40000, OUTSIDE_PORT);
  return finish (place, &frame, ip);
}

/* IPv6 in IPv4, by a tunnel of its own. */
static Result
try_tunnel (const Place *place, const Probe *probe, unsigned n)
{
  struct in6_addr to = outside_addr6 (n);
  struct in6_addr from = get_source (place, &to);
  bool teredo = probe->data != NULL;
  Frame frame;
  size_t ip;
  size_t ip6;

  frame_begin (&frame, place->gateway_mac, place->own_mac, ETHERTYPE_IP);
  ip = frame_add_ip (&frame, place->own, outside_addr (n), teredo ? IPPROTO_UDP : IPPROTO_IPV6);
  if (teredo)
    frame_add_udp (&frame, place, n, 40000, 3544);
  else
    {
      ip6 = frame_add_ip6 (&frame, &from, &to, IPPROTO_UDP);
      frame_add_udp (&frame, place, n, 40000, OUTSIDE_PORT);
      frame_checksum (&frame, ip6, IPPROTO_UDP, 6);
      frame_end_ip6 (&frame, ip6);
    }
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, outside_addr (n));
}

#define DATAGRAM(id, text, detail, witness, where, port)                                          \
  { id, text, detail, STAGE_BARE, witness, try_datagram, where, port }
#define ICMP(id, text, where, type)                                                               \
  { id, text, NULL, STAGE_BARE, WITNESS_NEIGHBOUR, try_icmp, where, type }
#define EXTENSION(id, detail, number, bytes)                                                      \
  { id, N_("An IPv6 packet with an extension header: %s"), detail, STAGE_BARE, WITNESS_WIRE,      \
    try_extension, bytes, number }

const Probe ipv6_probes[] = {
  { "v6-tcp", N_("IPv6 to an address outside"), NULL, STAGE_SANDBOX, WITNESS_WIRE, try_outside,
    NULL },
  { "v6-mapped", N_("An IPv4 address in IPv6 form"), NULL, STAGE_SANDBOX, WITNESS_WIRE, try_mapped,
    NULL },
  { "v6-host", N_("IPv6 to the host"), NULL, STAGE_SANDBOX, WITNESS_HOST, try_host6, NULL },
  DATAGRAM ("v6-routed", N_("IPv6 with an address and route of its own"), NULL, WITNESS_WIRE,
            "outside", OUTSIDE_PORT),
  DATAGRAM ("v6-nat64", N_("IPv6 to an IPv4 address by %s"), "NAT64", WITNESS_WIRE, "nat64",
            OUTSIDE_PORT),
  DATAGRAM ("v6-6to4", N_("IPv6 to an IPv4 address by %s"), "6to4", WITNESS_WIRE, "6to4",
            OUTSIDE_PORT),
  DATAGRAM ("v6-neighbour", N_("A link-local datagram to another workload"), NULL,
            WITNESS_NEIGHBOUR, "neighbour", 9),
  DATAGRAM ("v6-mdns", N_("IPv6 multicast to %s"), "ff02::fb", WITNESS_NEIGHBOUR, "ff02::fb",
            5353),
  DATAGRAM ("v6-dhcp", N_("IPv6 multicast to %s"), "ff02::1:2", WITNESS_NEIGHBOUR, "ff02::1:2",
            547),
  ICMP ("v6-echo", N_("An IPv6 echo to all nodes"), "ff02::1", ICMP6_ECHO_REQUEST),
  ICMP ("v6-solicit", N_("Ask for a neighbour by IPv6"), "ff02::1", ND_NEIGHBOR_SOLICIT),
  ICMP ("v6-advert", N_("Claim an IPv6 address"), "ff02::1", ND_NEIGHBOR_ADVERT),
  ICMP ("v6-router", N_("Claim to be an IPv6 router"), "ff02::1", ND_ROUTER_ADVERT),
  ICMP ("v6-redirect", N_("Redirect another workload by IPv6"), "neighbour", ND_REDIRECT),
  EXTENSION ("v6-hop", "hop-by-hop", IPPROTO_HOPOPTS, "\x11\0\1\4\0\0\0\0"),
  EXTENSION ("v6-routing", "routing", IPPROTO_ROUTING, "\x11\0\4\0\0\0\0\0"),
  EXTENSION ("v6-fragment", "fragment", IPPROTO_FRAGMENT, "\x11\0\0\1\0\0\0\1"),
  { "v6-tunnel", N_("IPv6 in a tunnel over IPv4 (%s)"), "6in4", STAGE_BARE, WITNESS_WIRE,
    try_tunnel, NULL },
  { "v6-teredo", N_("IPv6 in a tunnel over IPv4 (%s)"), "Teredo", STAGE_BARE, WITNESS_WIRE,
    try_tunnel, "" },
  { NULL },
};
