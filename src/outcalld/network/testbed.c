/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/testbed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink/oc-netlink.h"
#include "testlib/oc-testns.h"

static const OcFirewallOptions firewall_options = { .dns_port = 53,
                                                    .proxy_port = 8080,
                                                    .proxy_http_port = 8081,
                                                    .proxy_tls_port = 8443 };
static const OcNetworkOptions network_options = { "outcall0", "10.200.0.0/16" };

/* --- The world ----------------------------------------------------------- */

void
tb_enter (void)
{
  oc_test_enter_netns ();
  oc_test_run ("mount -t tmpfs none /run && mkdir /run/netns");
  /* The test asks faster than the kernel's limit on ICMP errors. */
  oc_test_run ("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit");
}

static int
open_netns (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static int
make_netns (const char *name)
{
  g_autofree char *path = g_strconcat ("/run/netns/", name, NULL);

  oc_test_run ("ip netns add %s && ip -n %s link set lo up", name, name);
  return open_netns (path);
}

static void
attach (Testbed *tb, int netns, const char *port, OcLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_network_allocate (tb->network, &lease->address, &error));
  g_strlcpy (lease->bridge, "outcall0", sizeof lease->bridge);
  g_strlcpy (lease->port, port, sizeof lease->port);
  oc_network_make_mac (&lease->address, lease->mac);
  g_assert_true (oc_firewall_add_lease (tb->firewall, lease, &error));
  g_assert_true (oc_network_attach (tb->network, netns, port, lease->mac, &lease->address,
                                    &error));
  g_assert_no_error (error);
}

static void
open_objects (Testbed *tb, gboolean deny_drop)
{
  OcFirewallOptions options = firewall_options;
  g_autoptr (GError) error = NULL;

  options.deny_drop = deny_drop;
  tb->firewall = oc_firewall_new (&options, &error);
  g_assert_no_error (error);
  tb->networks = oc_networks_new (&network_options, tb->firewall, &error);
  g_assert_no_error (error);
  tb->network = oc_networks_get_default (tb->networks);
}

void
tb_kill (Testbed *tb)
{
  g_clear_pointer (&tb->networks, oc_networks_free);
  g_clear_pointer (&tb->firewall, oc_firewall_free);
}

static void
restart (Testbed *tb, gboolean deny_drop, const OcLease *leases, gsize n)
{
  OcFirewallBridge bridge = { .name = "outcall0" };
  g_autoptr (GPtrArray) ports = NULL;
  g_autoptr (GError) error = NULL;

  open_objects (tb, deny_drop);
  bridge.gateway = oc_network_get_gateway (tb->network);
  ports = oc_network_list_ports (tb->network, &error);
  g_assert_cmpuint (ports->len, ==, 2);
  for (gsize i = 0; i < n; i++)
    g_assert_true (oc_network_reserve (tb->network, &leases[i].address, &error));
  g_assert_true (oc_firewall_replace (tb->firewall, &bridge, 1, leases, n, &error));
  g_assert_true (oc_networks_up (tb->networks, &error));
  g_assert_no_error (error);
}

/* What the daemon does with its state file: the same bridges and leases again. */
void
tb_restart (Testbed *tb, gboolean deny_drop)
{
  const OcLease leases[] = { tb->lease1, tb->lease2 };

  restart (tb, deny_drop, leases, 2);
}

void
tb_restart_without_first (Testbed *tb)
{
  restart (tb, FALSE, &tb->lease2, 1);
}

void
tb_set_up (Testbed *tb, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  tb->host = open_netns ("/proc/self/ns/net");
  tb->w1 = make_netns ("w1");
  tb->w2 = make_netns ("w2");
  tb->away = make_netns ("away");
  tb->foreign = make_netns ("foreign");
  oc_test_run ("ip link add up0 type veth peer eth0 netns away && "
               "ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up && "
               "ip -n away addr add 192.0.2.2/24 dev eth0 && ip -n away link set eth0 up && "
               "ip -n away route add 10.200.0.0/16 via 192.0.2.1");
  open_objects (tb, FALSE);
  g_assert_true (oc_networks_up (tb->networks, &error));
  attach (tb, tb->w1, "ocw1", &tb->lease1);
  attach (tb, tb->w2, "ocw2", &tb->lease2);
}

void
tb_tear_down (Testbed *tb, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (oc_network_detach (tb->network, "ocw1", &error));
  g_assert_true (oc_network_detach (tb->network, "ocw2", &error));
  g_assert_true (oc_networks_down (tb->networks, &error));
  g_assert_no_error (error);
  oc_networks_free (tb->networks);
  oc_firewall_free (tb->firewall);
  oc_test_run ("ip link del up0; for n in w1 w2 away foreign; do ip netns del $n; done");
  close (tb->host);
  close (tb->w1);
  close (tb->w2);
  close (tb->away);
  close (tb->foreign);
}

guint64
tb_counter (Testbed *tb, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) counters = oc_firewall_get_counters (tb->firewall, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < counters->len; i++)
    if (g_str_equal (g_array_index (counters, OcFirewallCounter, i).name, name))
      return g_array_index (counters, OcFirewallCounter, i).packets;
  g_error ("no counter %s", name);
}

/* --- Sockets ------------------------------------------------------------- */

typedef struct
{
  int domain, type, protocol;
  int fd;
} Open;

static gboolean
open_socket (gpointer data, GError **error)
{
  Open *request = data;

  (void) error;
  request->fd = socket (request->domain, request->type | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        request->protocol);
  return TRUE;
}

int
tb_socket (int netns, int domain, int type, int protocol)
{
  Open request = { domain, type, protocol, -1 };
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_netns_run (netns, open_socket, &request, &error));
  g_assert_cmpint (request.fd, >=, 0);
  return request.fd;
}

static struct sockaddr_in
make_address (const char *address, guint16 port)
{
  struct sockaddr_in out = { .sin_family = AF_INET, .sin_port = htons (port) };

  g_assert_cmpint (inet_pton (AF_INET, address, &out.sin_addr), ==, 1);
  return out;
}

int
tb_server (int netns, int type, const char *address, guint16 port)
{
  struct sockaddr_in local = make_address (address, port);
  int fd = tb_socket (netns, AF_INET, type, 0);
  int one = 1;

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), ==, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &local, sizeof local), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 64), ==, 0);
  return fd;
}

gboolean
tb_is_readable (int fd, int timeout_ms)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return poll (&poll_fd, 1, timeout_ms) == 1;
}

static int
get_socket_error (int fd)
{
  int err = 0;
  socklen_t len = sizeof err;

  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_ERROR, &err, &len), ==, 0);
  return err;
}

int
tb_connect (int netns, const char *address, guint16 port, int timeout_ms, int *out_fd)
{
  struct sockaddr_in remote = make_address (address, port);
  int fd = tb_socket (netns, AF_INET, SOCK_STREAM, 0);
  struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
  int err = 0;

  if (connect (fd, (struct sockaddr *) &remote, sizeof remote) < 0 && errno != EINPROGRESS)
    err = errno;
  else
    err = poll (&poll_fd, 1, timeout_ms) == 1 ? get_socket_error (fd) : ETIMEDOUT;
  if (out_fd != NULL && err == 0)
    *out_fd = fd;
  else
    close (fd);
  return err;
}

/* Waits for @server to have something (0) or @client to have an answer or error. */
static int
wait_for_either (int client, int server, int timeout_ms)
{
  struct pollfd fds[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };

  if (poll (fds, 2, timeout_ms) <= 0)
    return ETIMEDOUT;
  if (fds[1].revents != 0)
    return 0;
  return get_socket_error (client);
}

int
tb_send_udp (int netns, const char *address, guint16 port, int server, int timeout_ms)
{
  struct sockaddr_in remote = make_address (address, port);
  int fd = tb_socket (netns, AF_INET, SOCK_DGRAM, 0);
  int one = 1;
  int err = 0;

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one), ==, 0);
  if (connect (fd, (struct sockaddr *) &remote, sizeof remote) < 0 || send (fd, "x", 1, 0) < 0)
    err = errno;
  else
    err = wait_for_either (fd, server, timeout_ms);
  close (fd);
  if (err == 0)
    (void) tb_drain (server);
  return err;
}

guint16
tb_checksum (gconstpointer bytes, gsize len)
{
  const guint8 *p = bytes;
  guint32 sum = 0;

  for (gsize i = 0; i + 1 < len; i += 2)
    sum += (guint32) p[i] << 8 | p[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return htons ((guint16) ~sum);
}

#define PING_ID 7 /* below 256: only its second byte counts */

/* The ICMP header behind an IPv4 header; NULL: there is none. */
static const guint8 *
icmp_behind (const guint8 *ip, const guint8 *end)
{
  gsize len = (gsize) (end - ip);
  gsize header = len >= 20 ? (gsize) (ip[0] & 0x0f) * 4 : len;

  return header + 8 <= len && ip[9] == IPPROTO_ICMP ? ip + header : NULL;
}

/* Whether a packet is about our echo request: a raw socket gets all that comes, also the
 * refusals of what others send meanwhile. */
static gboolean
is_answer (const guint8 *ip, const guint8 *end, guint8 type)
{
  const guint8 *icmp = icmp_behind (ip, end);

  if (icmp == NULL || icmp[0] != type)
    return FALSE;
  if (type != ICMP_ECHOREPLY)
    icmp = icmp_behind (icmp + 8, end); /* what the error is about */
  return icmp != NULL && icmp[4] == 0 && icmp[5] == PING_ID;
}

int
tb_ping (int netns, const char *address, int timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  struct sockaddr_in remote = make_address (address, 0);
  int fd = tb_socket (netns, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons (PING_ID) };
  guint8 answer[256];
  int result = ETIMEDOUT;
  ssize_t n;

  echo.checksum = tb_checksum (&echo, sizeof echo);
  if (sendto (fd, &echo, sizeof echo, 0, (struct sockaddr *) &remote, sizeof remote) < 0)
    result = errno;
  while (result == ETIMEDOUT && tb_is_readable (fd, timeout_ms)
         && (n = recv (fd, answer, sizeof answer, 0)) >= 0 && g_get_monotonic_time () < deadline)
    if (is_answer (answer, answer + n, ICMP_ECHOREPLY))
      result = 0;
    else if (is_answer (answer, answer + n, ICMP_DEST_UNREACH))
      result = EHOSTUNREACH;
  close (fd);
  return result;
}

/* --- Frames -------------------------------------------------------------- */

TbFrame
tb_frame_of (const OcLease *lease)
{
  TbFrame frame = { .destination = TB_GATEWAY, .port = 53 };
  static char text[2][OC_ADDRESS_TEXT_MAX];
  static guint turn;
  OcAddress gateway;

  g_assert_true (oc_address_parse (OC_STR (TB_GATEWAY), &gateway));
  memcpy (frame.source_mac, lease->mac, 6);
  oc_network_make_mac (&gateway, frame.destination_mac);
  turn = !turn;
  frame.source = oc_address_format (&lease->address, text[turn], sizeof text[turn]);
  return frame;
}

static void
put (guint8 **at, gconstpointer bytes, gsize len)
{
  memcpy (*at, bytes, len);
  *at += len;
}

static void
put_u16 (guint8 **at, guint16 value)
{
  guint16 be = htons (value);

  put (at, &be, sizeof be);
}

static void
put_ip (guint8 **at, const TbFrame *frame)
{
  guint8 ip[60] = { 0 };
  guint8 header_len = (guint8) (20 + frame->options_len);
  guint16 total = htons ((guint16) (header_len + 8 + 4));
  guint16 fragment = htons (frame->fragment);
  guint16 sum;

  ip[0] = (guint8) (0x40 | header_len / 4);
  memcpy (ip + 2, &total, 2);
  memcpy (ip + 6, &fragment, 2);
  ip[8] = 64;
  ip[9] = frame->protocol != 0 ? frame->protocol : IPPROTO_UDP;
  inet_pton (AF_INET, frame->source, ip + 12);
  inet_pton (AF_INET, frame->destination, ip + 16);
  memset (ip + 20, 1 /* no-operation */, frame->options_len);
  sum = tb_checksum (ip, header_len);
  memcpy (ip + 10, &sum, 2);
  put (at, ip, header_len);
}

gsize
tb_frame_build (const TbFrame *frame, guint8 *bytes, gsize size)
{
  guint8 *at = bytes;

  g_assert_cmpuint (size, >=, 128);
  put (&at, frame->destination_mac, 6);
  put (&at, frame->source_mac, 6);
  if (frame->vlan != 0)
    {
      put_u16 (&at, ETH_P_8021Q);
      put_u16 (&at, (guint16) (frame->vlan - 1));
    }
  put_u16 (&at, frame->ether_type != 0 ? frame->ether_type : ETH_P_IP);
  put_ip (&at, frame);
  put_u16 (&at, 40000); /* source port */
  put_u16 (&at, frame->port);
  put_u16 (&at, 8 + 4);
  put_u16 (&at, 0); /* no checksum */
  put (&at, "evil", 4);
  return (gsize) (at - bytes);
}

int
tb_packet_socket (int netns, const char *interface)
{
  int fd = tb_socket (netns, AF_PACKET, SOCK_RAW, htons (ETH_P_ALL));
  struct ifreq request = { 0 };
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons (ETH_P_ALL) };

  g_strlcpy (request.ifr_name, interface, sizeof request.ifr_name);
  g_assert_cmpint (ioctl (fd, SIOCGIFINDEX, &request), ==, 0);
  address.sll_ifindex = request.ifr_ifindex;
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  (void) tb_drain (fd);
  return fd;
}

guint
tb_count_udp (int capture, guint16 port)
{
  guint8 frame[2048];
  guint n = 0;
  gssize len;

  while ((len = recv (capture, frame, sizeof frame, MSG_DONTWAIT)) > 0)
    n += len >= 14 + 28 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IPPROTO_UDP
         && (frame[36] << 8 | frame[37]) == port;
  return n;
}

void
tb_send_frame (int fd, const TbFrame *frame)
{
  guint8 bytes[128];
  gsize len = tb_frame_build (frame, bytes, sizeof bytes);

  g_assert_cmpint (send (fd, bytes, len, 0), ==, (gssize) len);
}

void
tb_send_arp (int fd, const guint8 ether_source[6], guint16 operation, const guint8 sender_mac[6],
             const char *sender, const char *target)
{
  tb_send_arp_to (fd, "\xff\xff\xff\xff\xff\xff", ether_source, operation, sender_mac, sender,
                  target);
}

void
tb_send_arp_to (int fd, const char *ether_destination, const guint8 ether_source[6],
                guint16 operation, const guint8 sender_mac[6], const char *sender,
                const char *target)
{
  static const guint8 none[6];
  guint8 bytes[64];
  guint8 *at = bytes;
  guint8 ip[4];

  put (&at, ether_destination, 6);
  put (&at, ether_source, 6);
  put_u16 (&at, ETH_P_ARP);
  put (&at, "\x00\x01\x08\x00\x06\x04", 6);
  put_u16 (&at, operation);
  put (&at, sender_mac, 6);
  inet_pton (AF_INET, sender, ip);
  put (&at, ip, 4);
  put (&at, none, 6);
  inet_pton (AF_INET, target, ip);
  put (&at, ip, 4);
  g_assert_cmpint (send (fd, bytes, (gsize) (at - bytes), 0), ==, at - bytes);
}

/* Frames that the packet socket itself sent do not count. */
guint
tb_drain (int fd)
{
  guint8 bytes[2048];
  struct sockaddr_ll from;
  socklen_t len = sizeof from;
  guint n = 0;

  while (recvfrom (fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *) &from, &len) > 0)
    {
      n += len < sizeof from || from.sll_family != AF_PACKET || from.sll_pkttype != PACKET_OUTGOING;
      len = sizeof from;
    }
  return n;
}
