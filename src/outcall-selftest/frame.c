/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Frames by hand: what no socket of the kernel's would send.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/oc-fd.h"

void
frame_add (Frame *frame, const void *data, size_t len)
{
  if (len > sizeof frame->bytes - frame->len)
    len = sizeof frame->bytes - frame->len;
  memcpy (frame->bytes + frame->len, data, len);
  frame->len += len;
}

void
frame_add_u8 (Frame *frame, unsigned value)
{
  uint8_t byte = (uint8_t) value;

  frame_add (frame, &byte, 1);
}

void
frame_add_u16 (Frame *frame, unsigned value)
{
  uint16_t net = htons ((uint16_t) value);

  frame_add (frame, &net, sizeof net);
}

void
frame_begin (Frame *frame, const uint8_t *to, const uint8_t *from, unsigned ethertype)
{
  frame->len = 0;
  frame_add (frame, to, ETH_ALEN);
  frame_add (frame, from, ETH_ALEN);
  frame_add_u16 (frame, ethertype);
}

void
frame_add_tag (Frame *frame, const Place *place, unsigned n)
{
  char tag[TAG_LEN + 1];

  make_tag (place, n, tag);
  frame_add (frame, tag, TAG_LEN);
}

static uint32_t
add_words (uint32_t sum, const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i + 1 < len; i += 2)
    sum += (uint32_t) bytes[i] << 8 | bytes[i + 1];
  if (len % 2 != 0)
    sum += (uint32_t) bytes[len - 1] << 8;
  return sum;
}

static void
put_sum (uint8_t *at, uint32_t sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  sum = ~sum & 0xffff;
  at[0] = (uint8_t) (sum >> 8);
  at[1] = (uint8_t) sum;
}

size_t
frame_add_ip (Frame *frame, struct in_addr from, struct in_addr to, unsigned protocol)
{
  struct iphdr ip = { .version = 4, .ihl = 5, .id = htons (4242), .ttl = 64,
                      .protocol = (uint8_t) protocol, .saddr = from.s_addr, .daddr = to.s_addr };
  size_t begin = frame->len;

  frame_add (frame, &ip, sizeof ip);
  return begin;
}

void
frame_end_ip (Frame *frame, size_t begin)
{
  uint8_t *ip = frame->bytes + begin;
  size_t len = frame->len - begin;
  size_t head = (size_t) (ip[0] & 15) * 4;

  ip[2] = (uint8_t) (len >> 8);
  ip[3] = (uint8_t) len;
  ip[10] = ip[11] = 0;
  put_sum (ip + 10, add_words (0, ip, head));
}

size_t
frame_add_ip6 (Frame *frame, const struct in6_addr *from, const struct in6_addr *to,
               unsigned next_header)
{
  struct ip6_hdr ip = { .ip6_src = *from, .ip6_dst = *to };
  size_t begin = frame->len;

  ip.ip6_vfc = 6 << 4;
  ip.ip6_nxt = (uint8_t) next_header;
  ip.ip6_hlim = 255;
  frame_add (frame, &ip, sizeof ip);
  return begin;
}

void
frame_end_ip6 (Frame *frame, size_t begin)
{
  size_t len = frame->len - begin - sizeof (struct ip6_hdr);

  frame->bytes[begin + 4] = (uint8_t) (len >> 8);
  frame->bytes[begin + 5] = (uint8_t) len;
}

void
frame_checksum (Frame *frame, size_t ip, unsigned proto, size_t offset)
{
  bool is_v6 = frame->bytes[ip] >> 4 == 6;
  size_t head = is_v6 ? sizeof (struct ip6_hdr) : sizeof (struct iphdr);
  uint8_t *body = frame->bytes + ip + head;
  size_t len = frame->len - ip - head;
  uint32_t sum = (uint32_t) len + proto;

  /* ICMP of IPv4 has no pseudo header. */
  if (proto == IPPROTO_ICMP)
    sum = 0;
  else
    sum = is_v6 ? add_words (sum, frame->bytes + ip + 8, 32)
                : add_words (sum, frame->bytes + ip + 12, 8);
  body[offset] = body[offset + 1] = 0;
  put_sum (body + offset, add_words (sum, body, len));
}

void
frame_add_udp (Frame *frame, const Place *place, unsigned n, uint16_t from, uint16_t to)
{
  frame_add_u16 (frame, from);
  frame_add_u16 (frame, to);
  frame_add_u16 (frame, 8 + TAG_LEN);
  /* None: it is optional over IPv4, and put in by frame_checksum() over IPv6. */
  frame_add_u16 (frame, 0);
  frame_add_tag (frame, place, n);
}

/* --- What comes back ------------------------------------------------------------------ */

static int64_t
now_ms (void)
{
  struct timespec now;

  (void) clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static Result
wait_for_answer (const Place *place, int fd, struct in_addr peer)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  int64_t end = now_ms () + ANSWER_MS;
  int64_t left;

  while ((left = end - now_ms ()) > 0 && poll (&poll_fd, 1, (int) left) > 0)
    {
      struct sockaddr_ll from = { 0 };
      socklen_t from_len = sizeof from;
      uint8_t bytes[FRAME_MAX];
      Result met;
      ssize_t n = recvfrom (fd, bytes, sizeof bytes, 0, (struct sockaddr *) &from, &from_len);

      if (n > 0 && from.sll_pkttype != PACKET_OUTGOING
          && judge_frame (place, bytes, (size_t) n, peer, &met))
        return met;
    }
  return result (OUTCOME_SILENT, "%s", "");
}

/* Returns: false with errno. */
static bool
send_padded (int fd, const Frame *frame)
{
  size_t len = frame->len < ETH_ZLEN ? ETH_ZLEN : frame->len;
  uint8_t padded[FRAME_MAX] = { 0 };

  memcpy (padded, frame->bytes, frame->len);
  return send (fd, padded, len, 0) == (ssize_t) len;
}

Result
send_frames (const Place *place, const Frame *frames, unsigned count, struct in_addr peer)
{
  struct sockaddr_ll address
      = { .sll_family = AF_PACKET, .sll_protocol = htons (ETH_P_ALL),
          .sll_ifindex = place->ifindex };
  oc_autofd int fd = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons (ETH_P_ALL));

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return result_errno (errno);
  for (unsigned i = 0; i < count; i++)
    if (!send_padded (fd, &frames[i]))
      return result_errno (errno);
  return wait_for_answer (place, fd, peer);
}

Result
send_frame (const Place *place, const Frame *frame, struct in_addr peer)
{
  return send_frames (place, frame, 1, peer);
}
