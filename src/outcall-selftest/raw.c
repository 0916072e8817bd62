/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Ways past the proxy: other ports, other protocols, packets that no kernel would send, and
 * sockets that know no network namespace. And a few of them once more without the daemon.
 */
#include "config.h"

#include "selftest.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/oc-fd.h"

/* --- With the kernel's sockets ---------------------------------------------------------- */

/* What @data points at: the port. */
static Result
try_outside_tcp (const Place *place, const Probe *probe, unsigned n)
{
  const uint16_t *port = probe->data;

  return try_tcp (place, n, outside_addr (n), *port);
}

static Result
try_outside_udp (const Place *place, const Probe *probe, unsigned n)
{
  const uint16_t *port = probe->data;

  return try_udp (place, n, outside_addr (n), *port);
}

static Result
try_neighbour_tcp (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  if (place->neighbour.s_addr == 0)
    return result (OUTCOME_UNFIT, "no other workload");
  return try_tcp (place, n, place->neighbour, (uint16_t) (NEIGHBOUR_PORT + n));
}

static Result
try_neighbour_udp (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  if (place->neighbour.s_addr == 0)
    return result (OUTCOME_UNFIT, "no other workload");
  return try_udp (place, n, place->neighbour, (uint16_t) (NEIGHBOUR_PORT + n));
}

/* What @data points at: family, type, protocol. To have such a socket is the way out. */
static Result
try_socket (const Place *place, const Probe *probe, unsigned n)
{
  const int *arguments = probe->data;
  oc_autofd int fd = socket (arguments[0], arguments[1] | SOCK_CLOEXEC, arguments[2]);

  (void) place;
  (void) n;
  return fd >= 0 ? result (OUTCOME_ANSWERED, "socket") : result_errno (errno);
}

/* Where even the host has none, nothing can be told. */
static bool
has_socket (const Probe *probe)
{
  const int *arguments = probe->data;
  oc_autofd int fd = socket (arguments[0], arguments[1] | SOCK_CLOEXEC, arguments[2]);

  return fd >= 0 || errno == EPERM || errno == EACCES;
}

static Result
try_uring (const Place *place, const Probe *probe, unsigned n)
{
  uint8_t params[256] = { 0 };
  oc_autofd int fd = (int) syscall (SYS_io_uring_setup, 1, params);

  (void) place;
  (void) probe;
  (void) n;
  return fd >= 0 ? result (OUTCOME_ANSWERED, "io_uring") : result_errno (errno);
}

static bool
has_uring (const Probe *probe)
{
  uint8_t params[256] = { 0 };
  oc_autofd int fd = (int) syscall (SYS_io_uring_setup, 1, params);

  (void) probe;
  return fd >= 0;
}

/* --- By hand ------------------------------------------------------------------------------- */

static void
begin_outside (const Place *place, Frame *frame)
{
  frame_begin (frame, place->gateway_mac, place->own_mac, ETHERTYPE_IP);
}

/* What @data points at: the protocol. */
static Result
try_protocol (const Place *place, const Probe *probe, unsigned n)
{
  const uint16_t *protocol = probe->data;
  Frame frame;
  size_t ip;

  begin_outside (place, &frame);
  ip = frame_add_ip (&frame, place->own, outside_addr (n), *protocol);
  frame_add_tag (&frame, place, n);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, outside_addr (n));
}

static Result
try_echo (const Place *place, const Probe *probe, unsigned n)
{
  bool to_neighbour = probe->witness == WITNESS_NEIGHBOUR;
  struct in_addr to = to_neighbour ? place->neighbour : outside_addr (n);
  Frame frame;
  size_t ip;

  if (to.s_addr == 0)
    return result (OUTCOME_UNFIT, "no other workload");
  begin_outside (place, &frame);
  ip = frame_add_ip (&frame, place->own, to, IPPROTO_ICMP);
  frame_add_u16 (&frame, ICMP_ECHO << 8);
  frame_add_u16 (&frame, 0);
  frame_add_u16 (&frame, n);
  frame_add_u16 (&frame, 1);
  frame_add_tag (&frame, place, n);
  frame_checksum (&frame, ip, IPPROTO_ICMP, 2);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, to);
}

/* What @data points at: the flags. */
static Result
try_segment (const Place *place, const Probe *probe, unsigned n)
{
  const uint16_t *flags = probe->data;
  Frame frame;
  size_t ip;

  begin_outside (place, &frame);
  ip = frame_add_ip (&frame, place->own, outside_addr (n), IPPROTO_TCP);
  frame_add_u16 (&frame, 40000 + n);
  frame_add_u16 (&frame, OUTSIDE_PORT);
  frame_add (&frame, "\0\0\0\1\0\0\0\0", 8);
  frame_add_u16 (&frame, 5 << 12 | *flags);
  frame_add_u16 (&frame, 1024);
  frame_add (&frame, "\0\0\0\0", 4);
  frame_add_tag (&frame, place, n);
  frame_checksum (&frame, ip, IPPROTO_TCP, 16);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, outside_addr (n));
}

/* A loose source route over the gateway: the packet's own destination is allowed. */
static Result
try_source_route (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr far = outside_addr (n);
  Frame frame;
  size_t ip;

  (void) probe;
  begin_outside (place, &frame);
  ip = frame_add_ip (&frame, place->own, place->gateway, IPPROTO_UDP);
  frame.bytes[ip] = 0x47;
  frame_add (&frame, "\x83\7\4", 3);
  frame_add (&frame, &far, sizeof far);
  frame_add_u8 (&frame, 0);
  frame_add_udp (&frame, place, n, 40000, 53);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, far);
}

/* A datagram in two fragments: only the first has the ports. */
static Result
try_fragments (const Place *place, const Probe *probe, unsigned n)
{
  Frame frames[2];
  size_t ip;

  (void) probe;
  for (unsigned i = 0; i < 2; i++)
    {
      begin_outside (place, &frames[i]);
      ip = frame_add_ip (&frames[i], place->own, outside_addr (n), IPPROTO_UDP);
      frames[i].bytes[ip + 6] = i == 0 ? 0x20 : 0;
      frames[i].bytes[ip + 7] = i == 0 ? 0 : 1;
      if (i == 0)
        frame_add (&frames[i], "\x9c\x40\x27\x0f\0\x17\0\0", 8);
      else
        frame_add_tag (&frames[i], place, n);
      frame_end_ip (&frames[i], ip);
    }
  return send_frames (place, frames, 2, outside_addr (n));
}

/* An error about a flow that never was: conntrack calls some of them related. */
static Result
try_error (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr far = outside_addr (n);
  Frame frame;
  size_t ip;
  size_t quoted;

  (void) probe;
  begin_outside (place, &frame);
  ip = frame_add_ip (&frame, place->own, far, IPPROTO_ICMP);
  frame_add_u16 (&frame, ICMP_DEST_UNREACH << 8 | ICMP_PORT_UNREACH);
  frame_add_u16 (&frame, 0);
  frame_add (&frame, "\0\0\0\0", 4);
  quoted = frame_add_ip (&frame, far, place->own, IPPROTO_UDP);
  frame_add_udp (&frame, place, n, 40000, 40001);
  frame_end_ip (&frame, quoted);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, far);
}

#define PORT(number) .data = &(const uint16_t){ number }
#define TCP(id, text, detail, number)                                                             \
  { id, text, detail, STAGE_SANDBOX, WITNESS_WIRE, try_outside_tcp, PORT (number) }
#define UDP(id, text, detail, number)                                                             \
  { id, text, detail, STAGE_SANDBOX, WITNESS_WIRE, try_outside_udp, PORT (number) }
#define PROTOCOL(id, detail, number)                                                              \
  { id, N_("A packet of protocol %s to an address outside"), detail, STAGE_BARE, WITNESS_WIRE,    \
    try_protocol, PORT (number) }
#define SEGMENT(id, detail, flags)                                                                \
  { id, N_("A TCP segment with %s to an address outside"), detail, STAGE_BARE, WITNESS_WIRE,      \
    try_segment, PORT (flags) }
#define SOCKET(id, detail, family, type, protocol)                                                \
  { id, N_("A socket of the family %s"), detail, STAGE_SANDBOX, WITNESS_NONE, try_socket,         \
    .data = &(const int[]){ family, type, protocol }, .applies = has_socket }

#define FIN 1
#define SYN 2
#define RST 4
#define PSH 8
#define ACK 16
#define URG 32

const Probe raw_probes[] = {
  TCP ("raw-tcp", N_("TCP to port %s outside"), "9999", OUTSIDE_PORT),
  TCP ("raw-ssh", N_("TCP to port %s outside"), "22", 22),
  TCP ("raw-smtp", N_("TCP to port %s outside"), "25", 25),
  UDP ("raw-udp", N_("UDP to port %s outside"), "9999", OUTSIDE_PORT),
  UDP ("raw-quic", N_("QUIC, UDP to port %s outside"), "443", 443),
  UDP ("raw-ntp", N_("UDP to port %s outside"), "123", 123),
  UDP ("raw-wireguard", N_("UDP to port %s outside"), "51820", 51820),
  { "raw-neighbour-tcp", N_("TCP to another workload"), NULL, STAGE_SANDBOX, WITNESS_NEIGHBOUR,
    try_neighbour_tcp, NULL },
  { "raw-neighbour-udp", N_("UDP to another workload"), NULL, STAGE_SANDBOX, WITNESS_NEIGHBOUR,
    try_neighbour_udp, NULL },
  { "raw-neighbour-echo", N_("ICMP echo to another workload"), NULL, STAGE_BARE,
    WITNESS_NEIGHBOUR, try_echo, NULL },
  SOCKET ("raw-socket", "AF_INET, SOCK_RAW", AF_INET, SOCK_RAW, IPPROTO_ICMP),
  SOCKET ("raw-packet", "AF_PACKET", AF_PACKET, SOCK_RAW, 0),
  SOCKET ("raw-vsock", "AF_VSOCK", AF_VSOCK, SOCK_STREAM, 0),
  SOCKET ("raw-bluetooth", "AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW, 1),
  SOCKET ("raw-tipc", "AF_TIPC", AF_TIPC, SOCK_RDM, 0),
  SOCKET ("raw-alg", "AF_ALG", AF_ALG, SOCK_SEQPACKET, 0),
  SOCKET ("raw-can", "AF_CAN", AF_CAN, SOCK_RAW, 1),
  { "raw-uring", N_("Sockets by way of io_uring"), NULL, STAGE_SANDBOX, WITNESS_NONE, try_uring,
    .applies = has_uring },
  { "raw-echo", N_("ICMP echo to an address outside"), NULL, STAGE_BARE, WITNESS_WIRE, try_echo,
    NULL },
  PROTOCOL ("raw-ipip", "IPIP", IPPROTO_IPIP),
  PROTOCOL ("raw-gre", "GRE", IPPROTO_GRE),
  PROTOCOL ("raw-esp", "ESP", IPPROTO_ESP),
  PROTOCOL ("raw-sctp", "SCTP", IPPROTO_SCTP),
  PROTOCOL ("raw-udplite", "UDP-Lite", IPPROTO_UDPLITE),
  PROTOCOL ("raw-unknown", "253", 253),
  SEGMENT ("raw-syn-data", "SYN", SYN),
  SEGMENT ("raw-ack", "ACK", ACK),
  SEGMENT ("raw-syn-fin", "SYN, FIN", SYN | FIN),
  SEGMENT ("raw-xmas", "FIN, PSH, URG", FIN | PSH | URG),
  SEGMENT ("raw-null", "0", 0),
  SEGMENT ("raw-rst", "RST", RST),
  { "raw-route", N_("A source route by way of the gateway"), NULL, STAGE_BARE, WITNESS_WIRE,
    try_source_route, NULL },
  { "raw-fragments", N_("Fragments that hide their port"), NULL, STAGE_BARE, WITNESS_WIRE,
    try_fragments, NULL },
  { "raw-error", N_("An ICMP error about a flow that never was"), NULL, STAGE_BARE, WITNESS_WIRE,
    try_error, NULL },
  { NULL },
};

/* --- Without the daemon ------------------------------------------------------------------- */

static Result
try_port_of_host (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  return try_tcp (place, n, place->gateway, place->port);
}

const Probe killed_probes[] = {
  { "killed-tcp", N_("TCP to port %s outside"), "9999", STAGE_KILLED, WITNESS_WIRE,
    try_outside_tcp, PORT (OUTSIDE_PORT) },
  { "killed-tls", N_("TCP to port %s outside"), "443", STAGE_KILLED, WITNESS_WIRE,
    try_outside_tcp, PORT (443) },
  { "killed-udp", N_("UDP to port %s outside"), "9999", STAGE_KILLED, WITNESS_WIRE,
    try_outside_udp, PORT (OUTSIDE_PORT) },
  { "killed-dns", N_("UDP to port %s outside"), "53", STAGE_KILLED, WITNESS_WIRE,
    try_outside_udp, PORT (53) },
  { "killed-echo", N_("ICMP echo to an address outside"), NULL, STAGE_KILLED, WITNESS_WIRE,
    try_echo, NULL },
  { "killed-gre", N_("A packet of protocol %s to an address outside"), "GRE", STAGE_KILLED,
    WITNESS_WIRE, try_protocol, PORT (IPPROTO_GRE) },
  { "killed-neighbour", N_("TCP to another workload"), NULL, STAGE_KILLED, WITNESS_NEIGHBOUR,
    try_neighbour_tcp, NULL },
  { "killed-host", N_("TCP to a port of the gateway"), NULL, STAGE_KILLED, WITNESS_HOST,
    try_port_of_host, NULL },
  { NULL },
};
