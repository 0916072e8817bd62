/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The far side: the host itself, the wires that leave it, and another workload. Each tells of a
 * way once, and ends when its standard input does.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/oc-fd.h"

#define CLIENTS_MAX 32
/* For a witness to see what it sends itself. */
#define CHECK_MS 2000
/* Frames that wait while a busy host sends. */
#define WIRE_BUFFER_BYTES (32 * 1024 * 1024)

static bool seen[CHECK_NUMBER + 1];

static void
tell (unsigned n, const char *how)
{
  if (n == 0 || n > CHECK_NUMBER || seen[n])
    return;
  seen[n] = true;
  if (n != CHECK_NUMBER)
    (void) printf ("seen\t%u\t%s\n", n, how);
}

/* --- The host ----------------------------------------------------------------------- */

/* IPv4 and IPv6, on every address. Returns: -1 with errno. */
static int
open_any (int type, uint16_t port)
{
  struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons (port) };
  struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons (port) };
  oc_autofd int fd = socket (AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int off = 0;

  if (fd >= 0 && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0
      && bind (fd, (struct sockaddr *) &any, sizeof any) == 0)
    return oc_fd_steal (&fd);
  oc_fd_clear (&fd);
  fd = socket (AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd >= 0 && bind (fd, (struct sockaddr *) &any4, sizeof any4) == 0 ? oc_fd_steal (&fd) : -1;
}

static uint16_t
get_port (int fd)
{
  struct sockaddr_in6 own;
  socklen_t len = sizeof own;

  /* The port is at the same place in both families. */
  return getsockname (fd, (struct sockaddr *) &own, &len) == 0 ? ntohs (own.sin6_port) : 0;
}

static int
open_abstract (const char *run)
{
  struct sockaddr_un own = { .sun_family = AF_UNIX };
  oc_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int len = snprintf (own.sun_path + 1, sizeof own.sun_path - 1, "outcall-selftest-%s", run);

  if (fd < 0
      || bind (fd, (struct sockaddr *) &own,
               (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + (size_t) len))
             < 0
      || listen (fd, CLIENTS_MAX) < 0)
    return -1;
  return oc_fd_steal (&fd);
}

typedef struct
{
  const char *run;
  /* Standard input, TCP, UDP, the abstract socket, then clients. */
  struct pollfd fds[4 + CLIENTS_MAX];
  nfds_t n_fds;
} Host;

static void
take_client (Host *host, int listener)
{
  int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (fd < 0)
    return;
  (void) !send (fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nopen", 42, MSG_NOSIGNAL);
  if (host->n_fds == sizeof host->fds / sizeof host->fds[0])
    {
      /* The oldest has had its time. */
      (void) close (host->fds[4].fd);
      memmove (&host->fds[4], &host->fds[5], (--host->n_fds - 4) * sizeof host->fds[0]);
    }
  host->fds[host->n_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* More than one request may come over a connection: every tag counts. */
static void
read_tags (const char *run, const char *data, size_t len, const char *how)
{
  for (size_t at = 0; at < len; at++)
    {
      const char *found = memmem (data + at, len - at, run, RUN_LEN);

      if (found == NULL)
        return;
      at = (size_t) (found - data);
      tell (find_tag (run, found, len - at), how);
    }
}

static void
read_client (Host *host, nfds_t i)
{
  char data[4096];
  ssize_t n = recv (host->fds[i].fd, data, sizeof data, 0);

  if (n > 0)
    {
      read_tags (host->run, data, (size_t) n, "TCP");
      return;
    }
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  (void) close (host->fds[i].fd);
  host->fds[i] = host->fds[--host->n_fds];
}

static void
read_datagram (Host *host)
{
  char data[2048];
  struct sockaddr_in6 from;
  socklen_t from_len = sizeof from;
  ssize_t n = recvfrom (host->fds[2].fd, data, sizeof data, 0, (struct sockaddr *) &from,
                        &from_len);

  if (n <= 0)
    return;
  read_tags (host->run, data, (size_t) n, "UDP");
  (void) !sendto (host->fds[2].fd, data, (size_t) n, 0, (struct sockaddr *) &from, from_len);
}

static bool
open_host (Host *host)
{
  int tcp = open_any (SOCK_STREAM, 0);
  int udp = tcp >= 0 && listen (tcp, CLIENTS_MAX) == 0 ? open_any (SOCK_DGRAM, get_port (tcp)) : -1;
  int local = open_abstract (host->run);

  host->fds[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
  host->fds[1] = (struct pollfd){ .fd = tcp, .events = POLLIN };
  host->fds[2] = (struct pollfd){ .fd = udp, .events = POLLIN };
  host->fds[3] = (struct pollfd){ .fd = local, .events = POLLIN };
  host->n_fds = 4;
  return tcp >= 0 && udp >= 0 && local >= 0;
}

/* Returns: whether something came within @timeout_ms. */
static bool
serve_once (Host *host, int timeout_ms)
{
  int n = poll (host->fds, host->n_fds, timeout_ms);

  if (n <= 0)
    return n < 0 && errno == EINTR;
  for (nfds_t i = host->n_fds; i-- > 4;)
    if (host->fds[i].revents != 0)
      read_client (host, i);
  if (host->fds[1].revents != 0)
    take_client (host, host->fds[1].fd);
  if (host->fds[2].revents != 0)
    read_datagram (host);
  if (host->fds[3].revents != 0)
    take_client (host, host->fds[3].fd);
  return true;
}

/* Whether a connection and a datagram of our own arrive. */
static bool
check_host (Host *host)
{
  const struct in_addr loopback = { htonl (INADDR_LOOPBACK) };
  struct sockaddr_in to = make_addr (loopback, get_port (host->fds[1].fd));
  const int types[] = { SOCK_STREAM, SOCK_DGRAM };
  Place place = { .port = 0 };
  char tag[TAG_LEN + 1];

  (void) snprintf (place.run, sizeof place.run, "%s", host->run);
  make_tag (&place, CHECK_NUMBER, tag);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    {
      oc_autofd int fd = socket (AF_INET, types[i] | SOCK_CLOEXEC, 0);

      seen[CHECK_NUMBER] = false;
      if (fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0
          || send (fd, tag, TAG_LEN, MSG_NOSIGNAL) != TAG_LEN)
        return false;
      while (!seen[CHECK_NUMBER] && serve_once (host, CHECK_MS))
        continue;
      if (!seen[CHECK_NUMBER])
        return false;
    }
  return true;
}

int
watch_host (const char *run)
{
  Host host = { .run = run };
  int shm;

  if (!open_host (&host) || !check_host (&host))
    {
      (void) printf ("unfit\t%s\n", strerror (errno));
      return 1;
    }
  shm = shmget (get_shm_key (run), 4096, IPC_CREAT | IPC_EXCL | 0666);
  (void) printf ("port\t%u\n", (unsigned) get_port (host.fds[1].fd));
  while (host.fds[0].revents == 0 && serve_once (&host, -1))
    continue;
  if (shm >= 0)
    (void) shmctl (shm, IPC_RMID, NULL);
  return 0;
}

/* --- Frames ----------------------------------------------------------------------------- */

static int
open_frames (unsigned ifindex, int type)
{
  struct sockaddr_ll address
      = { .sll_family = AF_PACKET, .sll_protocol = htons (ETH_P_ALL),
          .sll_ifindex = (int) ifindex };
  oc_autofd int fd = socket (AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, htons (ETH_P_ALL));
  int size = WIRE_BUFFER_BYTES;

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return -1;
  (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  return oc_fd_steal (&fd);
}

/* Whether the interface is the bridge or one of its ports: what is there has not left. */
static bool
is_inside (const char *interface, const char *bridge)
{
  char path[64];
  char target[256];
  const char *name;
  ssize_t n;

  if (strcmp (interface, bridge) == 0)
    return true;
  (void) snprintf (path, sizeof path, "/sys/class/net/%s/master", interface);
  n = readlink (path, target, sizeof target - 1);
  if (n <= 0)
    return false;
  target[n] = '\0';
  name = strrchr (target, '/');
  return name != NULL && strcmp (name + 1, bridge) == 0;
}

static void
read_wire (int fd, const char *run, const char *bridge)
{
  struct sockaddr_ll from;
  socklen_t from_len = sizeof from;
  uint8_t packet[FRAME_MAX];
  char interface[IF_NAMESIZE];
  ssize_t len;

  while ((len = recvfrom (fd, packet, sizeof packet, 0, (struct sockaddr *) &from, &from_len)) > 0)
    {
      unsigned n = judge_wire (run, ntohs (from.sll_protocol), packet, (size_t) len);

      if (n != 0 && if_indextoname ((unsigned) from.sll_ifindex, interface) != NULL
          && !is_inside (interface, bridge))
        tell (n, interface);
    }
}

typedef void (*TakeFunc) (int fd, const char *run, const char *argument);

/* Whether what was just sent is seen. */
static bool
check_frames (int fd, TakeFunc take, const char *run, const char *argument)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  while (!seen[CHECK_NUMBER] && poll (&poll_fd, 1, CHECK_MS) > 0)
    take (fd, run, argument);
  return seen[CHECK_NUMBER];
}

/* Until standard input ends; then once more, for what came meanwhile. */
static void
follow (int fd, TakeFunc take, const char *run, const char *argument)
{
  struct pollfd fds[]
      = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

  while ((poll (fds, 2, -1) >= 0 || errno == EINTR) && fds[0].revents == 0)
    take (fd, run, argument);
  take (fd, run, argument);
}

/* A datagram to an address outside, but on the loopback: it leaves nothing. */
static bool
send_check (void)
{
  struct sockaddr_in to = make_addr (outside_addr (CHECK_NUMBER), OUTSIDE_PORT);
  oc_autofd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  return fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0
         && sendto (fd, "", 1, 0, (struct sockaddr *) &to, sizeof to) == 1;
}

int
watch_wire (const char *run, const char *bridge)
{
  struct tpacket_stats stats = { 0 };
  socklen_t stats_len = sizeof stats;
  oc_autofd int fd = open_frames (0, SOCK_DGRAM);

  if (fd < 0 || !send_check () || !check_frames (fd, read_wire, run, bridge))
    {
      (void) printf ("unfit\t%s\n", strerror (errno));
      return 1;
    }
  puts ("ready");
  follow (fd, read_wire, run, bridge);
  /* What was not looked at may have been anything. */
  if (getsockopt (fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_len) < 0 || stats.tp_drops > 0)
    (void) printf ("lost\t%u\n", stats.tp_drops);
  return 0;
}

/* --- Another workload -------------------------------------------------------------------- */

static void
read_neighbour (int fd, const char *run, const char *argument)
{
  struct sockaddr_ll from;
  socklen_t from_len = sizeof from;
  uint8_t frame[FRAME_MAX];
  ssize_t len;

  (void) argument;
  while ((len = recvfrom (fd, frame, sizeof frame, 0, (struct sockaddr *) &from, &from_len)) > 0)
    {
      if (from.sll_pkttype != PACKET_OUTGOING)
        tell (judge_neighbour (run, frame, (size_t) len), "frame");
    }
}

int
watch_neighbour (const Place *told)
{
  Place place = *told;
  char address[INET_ADDRSTRLEN];
  oc_autofd int fd = -1;

  if (!enter_bare () || !look_around (&place))
    return 0;
  fd = open_frames ((unsigned) place.ifindex, SOCK_RAW);
  if (fd < 0 || !wake_gateway (&place) || !check_frames (fd, read_neighbour, place.run, NULL))
    {
      (void) printf ("unfit\t%s\n", strerror (errno));
      return 1;
    }
  (void) inet_ntop (AF_INET, &place.own, address, sizeof address);
  (void) printf ("at\t%s\t%02x:%02x:%02x:%02x:%02x:%02x\n", address, place.own_mac[0],
                 place.own_mac[1], place.own_mac[2], place.own_mac[3], place.own_mac[4],
                 place.own_mac[5]);
  follow (fd, read_neighbour, place.run, NULL);
  return 0;
}
