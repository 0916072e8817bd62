/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A small world for tests of the confinement: this process's namespace is the
 * host; `w1` and `w2` are workloads attached by the real code; `away` is a machine
 * at 192.0.2.2 beyond the host's up0 (192.0.2.1); `foreign` is somebody's container.
 * Sockets are opened inside namespaces, everything else runs here.
 */

#include "network/oc-network.h"

#include <netinet/in.h>

#define TB_GATEWAY "10.200.0.1"
#define TB_W1 "10.200.0.2"
#define TB_W2 "10.200.0.3"
#define TB_HOST "192.0.2.1"
#define TB_AWAY "192.0.2.2"
/* What "at once" means. */
#define TB_AT_ONCE_MS 200
/* Long enough for a packet on this machine, when the answer must be "nothing". */
#define TB_NOTHING_MS 30

typedef struct
{
  OcFirewall *firewall;
  OcNetworks *networks;
  OcNetwork *network;
  int host, w1, w2, away, foreign; /* namespaces */
  OcLease lease1, lease2;
} Testbed;

void tb_enter (void);
void tb_set_up (Testbed *tb, gconstpointer data);
void tb_tear_down (Testbed *tb, gconstpointer data);

/* As after SIGKILL: the objects go, the kernel keeps everything; tb_restart() is the daemon
 * that comes then. */
void tb_kill (Testbed *tb);
void tb_restart (Testbed *tb, gboolean deny_drop);
/* As if the first workload had died meanwhile. */
void tb_restart_without_first (Testbed *tb);

guint64 tb_counter (Testbed *tb, const char *name);

/* A socket of @netns, non-blocking. */
int tb_socket (int netns, int domain, int type, int protocol);
/* Bound to @address:@port (and listening, for TCP). */
int tb_server (int netns, int type, const char *address, guint16 port);
/* Whether something can be read (or accepted) within @timeout_ms. */
gboolean tb_is_readable (int fd, int timeout_ms);
/* Connects, waits; returns errno, ETIMEDOUT when nothing came. @out_fd: (nullable) */
int tb_connect (int netns, const char *address, guint16 port, int timeout_ms, int *out_fd);
/* Sends one datagram and waits for @server to have it (0) or the sender an error (errno). */
int tb_send_udp (int netns, const char *address, guint16 port, int server, int timeout_ms);
/* Pings; 0, errno of the answer, or ETIMEDOUT. */
int tb_ping (int netns, const char *address, int timeout_ms);

/* --- Frames -------------------------------------------------------------- */

typedef struct
{
  guint8 source_mac[6], destination_mac[6];
  guint16 vlan;       /* 0: none, else the tag's id + 1 */
  guint16 ether_type; /* 0: IPv4 */
  const char *source, *destination;
  guint8 protocol; /* 0: UDP */
  guint16 port;
  guint8 options_len; /* bytes of IP options, a multiple of 4 */
  guint16 fragment;   /* IP's flags and offset field */
} TbFrame;

/* The Internet checksum, in network order; @len is even. */
guint16 tb_checksum (gconstpointer bytes, gsize len);
/* What @lease itself would send to DNS at its gateway. */
TbFrame tb_frame_of (const OcLease *lease);
gsize tb_frame_build (const TbFrame *frame, guint8 *bytes, gsize size);
/* A packet socket on eth0 of @netns (or @interface) that sends and sees all frames. */
int tb_packet_socket (int netns, const char *interface);
/* How many UDP packets without IP options to @port a packet socket has seen; takes all it has. */
guint tb_count_udp (int capture, guint16 port);
void tb_send_frame (int packet_socket, const TbFrame *frame);
void tb_send_arp (int packet_socket, const guint8 ether_source[6], guint16 operation,
                  const guint8 sender_mac[6], const char *sender, const char *target);
/* @ether_destination: six bytes instead of broadcast */
void tb_send_arp_to (int packet_socket, const char *ether_destination,
                     const guint8 ether_source[6], guint16 operation, const guint8 sender_mac[6],
                     const char *sender, const char *target);
/* Reads everything that is there. Returns: how many */
guint tb_drain (int fd);
