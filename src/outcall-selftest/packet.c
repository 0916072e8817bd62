/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What packets and answers mean. They may come from anywhere, so nothing here reads beyond them.
 */
#include "config.h"

#include "selftest.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* Of IPv4; an IP packet that says anything is not shorter. */
#define ARP_LEN 28
#define EDE_OPTION 15
#define EDE_BLOCKED 15

/* --- What a witness sees ---------------------------------------------------------------- */

/* The way whose address outside @address is: 192.0.2.N, 2001:db8::N, or the former in the
 * forms that translators know (NAT64, 6to4). */
static unsigned
get_outside4 (const uint8_t *address)
{
  static const uint8_t net[] = { 192, 0, 2 };

  return memcmp (address, net, sizeof net) == 0 ? address[3] : 0;
}

static unsigned
get_outside6 (const uint8_t *address)
{
  static const uint8_t net[16] = OUTSIDE_NET6;
  static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

  if (memcmp (address, net, 15) == 0)
    return address[15];
  if (memcmp (address, nat64, sizeof nat64) == 0)
    return get_outside4 (address + 12);
  return address[0] == 0x20 && address[1] == 2 ? get_outside4 (address + 2) : 0;
}

/* Destination port of an IPv4 packet with TCP or UDP; 0: there is none. */
static unsigned
get_port4 (const uint8_t *ip, size_t len)
{
  size_t head = (size_t) (ip[0] & 15) * 4;

  if ((ip[9] != IPPROTO_TCP && ip[9] != IPPROTO_UDP) || len < head + 4)
    return 0;
  return (unsigned) ip[head + 2] << 8 | ip[head + 3];
}

/* A name that was forwarded. Other places where one may stand, such as logs that are sent to
 * another machine, are no way out. */
static bool
is_dns_port (unsigned port)
{
  return port == 53 || port == 853 || port == 5353;
}

unsigned
judge_wire (const char *run, unsigned type, const uint8_t *ip, size_t len)
{
  unsigned n;

  if (type == ETHERTYPE_IPV6 && len >= sizeof (struct ip6_hdr))
    {
      n = get_outside6 (ip + 24);
      if (n == 0 && ip[6] == IPPROTO_UDP && len >= 44
          && is_dns_port ((unsigned) ip[42] << 8 | ip[43]))
        n = find_tag (run, ip, len);
      return n;
    }
  if (type != ETHERTYPE_IP || len < sizeof (struct iphdr))
    return 0;
  n = get_outside4 (ip + 16);
  return n == 0 && is_dns_port (get_port4 (ip, len)) ? find_tag (run, ip, len) : n;
}

unsigned
judge_neighbour (const char *run, const uint8_t *frame, size_t len)
{
  unsigned port = 0;

  if (len >= ETH_HLEN + sizeof (struct iphdr) && frame[12] == 8 && frame[13] == 0)
    port = get_port4 (frame + ETH_HLEN, len - ETH_HLEN);
  if (port > NEIGHBOUR_PORT && port <= NEIGHBOUR_PORT + PROBES_MAX)
    return port - NEIGHBOUR_PORT;
  return find_tag (run, frame, len);
}

/* --- What comes back ------------------------------------------------------------------- */

/* The gateway's refusal of a packet to @peer: an ICMP error that quotes it, or a reset. */
static bool
is_refusal (const uint8_t *ip, size_t len, struct in_addr peer)
{
  size_t head = (size_t) (ip[0] & 15) * 4;

  if (ip[9] != IPPROTO_ICMP || len < head + 8 + sizeof (struct iphdr)
      || ip[head] != ICMP_DEST_UNREACH)
    return false;
  return memcmp (ip + head + 8 + 16, &peer, sizeof peer) == 0;
}

static bool
is_reset (const uint8_t *ip, size_t len)
{
  size_t head = (size_t) (ip[0] & 15) * 4;

  return ip[9] == IPPROTO_TCP && len >= head + 14 && (ip[head + 13] & 4) != 0;
}

/* The gateway's answer to a connection that was asked for in the name of @peer, on a port that
 * only we use. */
static bool
is_for_another (const Place *place, const uint8_t *ip, size_t len, struct in_addr peer)
{
  size_t head = (size_t) (ip[0] & 15) * 4;
  unsigned port;

  if (ip[9] != IPPROTO_TCP || len < head + 4 || memcmp (ip + 16, &peer, sizeof peer) != 0
      || memcmp (ip + 12, &place->gateway, sizeof place->gateway) != 0)
    return false;
  port = (unsigned) ip[head + 2] << 8 | ip[head + 3];
  return port > NEIGHBOUR_PORT && port <= NEIGHBOUR_PORT + PROBES_MAX;
}

bool
judge_frame (const Place *place, const uint8_t *bytes, size_t len, struct in_addr peer, Result *out)
{
  const uint8_t *ip = bytes + ETH_HLEN;

  if (len < ETH_HLEN + ARP_LEN || bytes[12] != 8)
    return false;
  /* The host asks who has a false address: it took the packet and wants to answer. */
  if (bytes[13] == 6 && memcmp (ip + 24, &peer, sizeof peer) == 0
      && memcmp (ip + 14, &place->gateway, sizeof place->gateway) == 0
      && peer.s_addr != place->own.s_addr)
    *out = result (OUTCOME_ANSWERED, "ARP request of the gateway");
  else if (bytes[13] != 0)
    return false;
  else if (is_refusal (ip, len - ETH_HLEN, peer))
    *out = result (OUTCOME_REFUSED, "ICMP unreachable, code %u",
                   ip[(size_t) (ip[0] & 15) * 4 + 1]);
  else if (is_for_another (place, ip, len - ETH_HLEN, peer))
    *out = result (OUTCOME_ANSWERED, "an answer for a false name");
  else if (memcmp (ip + 12, &peer, sizeof peer) != 0)
    return false;
  else if (is_reset (ip, len - ETH_HLEN))
    *out = result (OUTCOME_REFUSED, "TCP reset");
  else
    *out = result (OUTCOME_ANSWERED, "an answer of IP protocol %u", ip[9]);
  return true;
}

/* The extended error "Blocked" stands at the end of the filter's answers. */
static bool
is_blocked (const uint8_t *answer, size_t len)
{
  static const uint8_t code[] = { 0, EDE_BLOCKED };

  for (size_t i = 12; i + 6 <= len; i++)
    if (answer[i] == 0 && answer[i + 1] == EDE_OPTION && memcmp (answer + i + 4, code, 2) == 0)
      return true;
  return false;
}

Result
judge_dns (const uint8_t *answer, size_t len)
{
  static const char *const words[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
                                       "REFUSED" };
  unsigned code = len >= 12 ? answer[3] & 15 : 0;
  const char *word = code < sizeof words / sizeof words[0] ? words[code] : "?";

  if (len < 12)
    return result (OUTCOME_REFUSED, "closed");
  switch (code)
    {
    case 1:
    case 4:
    case 5:
      return result (OUTCOME_REFUSED, "%s", word);
    case 2:
      /* Perhaps because nobody further away answers: only the wire tells. */
      return result (OUTCOME_SILENT, "%s", word);
    case 3:
      if (is_blocked (answer, len) || (answer[2] & 4) != 0)
        return result (OUTCOME_REFUSED, "%s", word);
      break;
    default:
      break;
    }
  return result (OUTCOME_ANSWERED, "%s", word);
}

Result
judge_http (const char *answer, size_t len)
{
  if (len == 0)
    return result (OUTCOME_REFUSED, "closed");
  if (len < 12 || memcmp (answer, "HTTP/1.", 7) != 0)
    return result (OUTCOME_ANSWERED, "data");
  /* 502 and 504 come of an attempt to go there. */
  if (answer[9] == '4' || memcmp (answer + 9, "501", 3) == 0 || memcmp (answer + 9, "503", 3) == 0)
    return result (OUTCOME_REFUSED, "HTTP %.3s", answer + 9);
  return result (OUTCOME_ANSWERED, "HTTP %.3s", answer + 9);
}
