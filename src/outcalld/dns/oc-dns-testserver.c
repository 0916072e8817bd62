/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-testserver.h"

#include "dns/oc-dns-testbed.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- The server --- */

static int
bind_server (const char *address, int type, guint16 port)
{
  struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), ==, 0);
  inet_pton (AF_INET, address, &local.sin_addr);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &local, sizeof local), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 16), ==, 0);
  return fd;
}

/* @query becomes an answer with one A record (AAAA: none). Returns: its length. */
static gsize
make_answer (guint8 *query, const char *address)
{
  gsize at = OC_DNS_HEADER_LEN;
  gboolean is_a;

  while (query[at] != 0)
    at += query[at] + 1u;
  is_a = oc_dns_get16 (query + at + 1) == OC_DNS_TYPE_A;
  at += 5;
  oc_dns_put16 (query + 2, OC_DNS_QR | OC_DNS_RD | OC_DNS_RA);
  memcpy (query + 4, "\0\1\0\0\0\0\0\0", 8);
  if (!is_a)
    return at;
  query[7] = 1;
  memcpy (query + at, "\xc0\x0c\0\1\0\1\0\0\1\0\0\4", 12);
  memcpy (query + at + 12, address, 4);
  return at + 16;
}

typedef struct
{
  int fd;
  struct sockaddr_in peer;
  guint8 query[1500];
  gsize len;
} Exchange;

static void
say (Exchange *exchange, const char *address, int fd, guint16 id_change, gboolean change_name)
{
  guint8 answer[1500];
  gsize len;

  memcpy (answer, exchange->query, exchange->len);
  len = make_answer (answer, address);
  oc_dns_put16 (answer, (oc_dns_get16 (answer) + id_change) & 0xffffu);
  if (change_name)
    answer[OC_DNS_HEADER_LEN + 1] ^= 0x20;
  (void) sendto (fd, answer, len, 0, (struct sockaddr *) &exchange->peer, sizeof exchange->peer);
}

static void
say_rcode (Exchange *exchange, guint8 rcode, gsize len)
{
  guint8 answer[1500];

  memset (answer, 0xee, sizeof answer);
  memcpy (answer, exchange->query, exchange->len);
  answer[2] |= 0x80;
  answer[3] = rcode;
  (void) sendto (exchange->fd, answer, len, 0, (struct sockaddr *) &exchange->peer,
                 sizeof exchange->peer);
}

/* What a forger can send who knows everything but the ID and the case of the letters. */
static void
say_forged (const Exchange *exchange)
{
  guint8 answer[1500];
  guint32 coins = g_random_int ();
  gsize len;

  memcpy (answer, exchange->query, exchange->len);
  len = make_answer (answer, FALSE_ADDRESS);
  oc_dns_put16 (answer, g_random_int () & 0xffff);
  for (gsize i = OC_DNS_HEADER_LEN; answer[i] != 0; i += answer[i] + 1u)
    for (gsize k = 1; k <= answer[i]; k++, coins = coins >> 1 | coins << 31)
      if (g_ascii_isalpha (answer[i + k]) && (coins & 1) != 0)
        answer[i + k] ^= 0x20;
  if (coins % 16 == 0)
    answer[2] |= OC_DNS_TC >> 8;
  if (coins % 16 == 1)
    {
      answer[3] |= OC_DNS_FORMERR;
      memset (answer + 4, 0, 8);
      len = OC_DNS_HEADER_LEN;
    }
  (void) sendto (exchange->fd, answer, len, 0, (const struct sockaddr *) &exchange->peer,
                 sizeof exchange->peer);
}

/* The @n-th answer of a name that is always somewhere else. */
static void
say_elsewhere (const Exchange *exchange, guint n)
{
  guint8 answer[1500];
  gsize len;

  memcpy (answer, exchange->query, exchange->len);
  len = make_answer (answer, TRUE_ADDRESS) - 16;
  answer[7] = SERVER_ADDRESSES;
  for (guint i = 0; i < SERVER_ADDRESSES; i++, len += 16)
    {
      guint host = 256 + (n * SERVER_ADDRESSES + i) % 65000;

      memcpy (answer + len, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\5\6", 14);
      oc_dns_put16 (answer + len + 14, host);
    }
  (void) sendto (exchange->fd, answer, len, 0, (const struct sockaddr *) &exchange->peer,
                 sizeof exchange->peer);
}

static void
answer_datagram (Server *server, Exchange *exchange)
{
  switch (server->behaviour)
    {
    case SERVER_HONEST:
      say (exchange, TRUE_ADDRESS, exchange->fd, 0, FALSE);
      break;
    case SERVER_LIES_FIRST:
      say (exchange, FALSE_ADDRESS, exchange->fd, 1, FALSE);
      say (exchange, FALSE_ADDRESS, exchange->fd, 0, TRUE);
      say (exchange, FALSE_ADDRESS, server->stranger, 0, FALSE);
      say (exchange, TRUE_ADDRESS, exchange->fd, 0, FALSE);
      break;
    case SERVER_FLOODS:
      for (guint16 i = 1; i < 200; i++)
        say (exchange, FALSE_ADDRESS, exchange->fd, i, FALSE);
      say (exchange, TRUE_ADDRESS, exchange->fd, 0, FALSE);
      break;
    case SERVER_LOWERS_CASE:
      for (guint i = 0; i < 10; i++)
        say (exchange, FALSE_ADDRESS, exchange->fd, 0, TRUE);
      break;
    case SERVER_SERVFAIL:
      say_rcode (exchange, OC_DNS_SERVFAIL, exchange->len);
      break;
    case SERVER_LAME:
      say_rcode (exchange, OC_DNS_REFUSED, exchange->len);
      break;
    case SERVER_FORGED:
      for (guint i = 0; i < server->n_forged; i++)
        say_forged (exchange);
      say (exchange, TRUE_ADDRESS, exchange->fd, 0, FALSE);
      break;
    case SERVER_CHANGES:
      say_elsewhere (exchange, atomic_load (&server->n_udp));
      break;
    case SERVER_NO_EDNS:
      if (exchange->query[11] > 0)
        say_rcode (exchange, OC_DNS_FORMERR, OC_DNS_HEADER_LEN);
      else
        say (exchange, TRUE_ADDRESS, exchange->fd, 0, FALSE);
      break;
    case SERVER_GARBAGE:
      exchange->query[7] = 3;
      say_rcode (exchange, 0, exchange->len + 100);
      break;
    case SERVER_SILENT:
    default:
      break;
    }
}

static void
answer_stream (Server *server)
{
  int fd = accept (server->tcp, NULL, NULL);
  guint8 message[1502];
  ssize_t len = recv (fd, message, 1000, 0);

  atomic_fetch_add (&server->n_tcp, 1);
  if (len > 2)
    {
      gsize out = make_answer (message + 2, TRUE_ADDRESS);

      oc_dns_put16 (message, (guint) out);
      /* Cut, as a network may. */
      (void) send (fd, message, 1, MSG_NOSIGNAL);
      (void) send (fd, message + 1, out + 1, MSG_NOSIGNAL);
    }
  close (fd);
}

static gpointer
serve (gpointer data)
{
  Server *server = data;

  while (!atomic_load (&server->stop))
    {
      struct pollfd fds[2]
          = { { .fd = server->udp, .events = POLLIN }, { .fd = server->tcp, .events = POLLIN } };
      Exchange exchange = { .fd = server->udp };
      socklen_t peer_len = sizeof exchange.peer;
      ssize_t len;

      if (poll (fds, 2, 50) <= 0)
        continue;
      if (fds[1].revents != 0)
        answer_stream (server);
      if (fds[0].revents == 0)
        continue;
      len = recvfrom (server->udp, exchange.query, 1000, 0, (struct sockaddr *) &exchange.peer,
                      &peer_len);
      if (len <= OC_DNS_HEADER_LEN)
        continue;
      atomic_fetch_add (&server->n_udp, 1);
      exchange.len = (gsize) len;
      answer_datagram (server, &exchange);
    }
  return NULL;
}

void
server_start (Server *server, Behaviour behaviour)
{
  *server = (Server) { .behaviour = behaviour };
  server->udp = bind_server (BED_SECOND, SOCK_DGRAM, 53);
  server->tcp = bind_server (BED_SECOND, SOCK_STREAM, 53);
  server->stranger = bind_server (BED_SECOND, SOCK_DGRAM, 0);
  server->thread = g_thread_new ("server", serve, server);
}

void
server_stop (Server *server)
{
  atomic_store (&server->stop, true);
  g_thread_join (server->thread);
  close (server->udp);
  close (server->tcp);
  close (server->stranger);
}

/* --- The client --- */

int
client_open (const char *source, int type)
{
  struct sockaddr_in local = { .sin_family = AF_INET };
  struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons (53) };
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  inet_pton (AF_INET, source, &local.sin_addr);
  inet_pton (AF_INET, BED_GATEWAY, &server.sin_addr);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &local, sizeof local), ==, 0);
  if (connect (fd, (struct sockaddr *) &server, sizeof server) < 0)
    g_assert_not_reached ();
  return fd;
}

gsize
client_make_query (const char *host, guint16 id, guint8 *out)
{
  OcDnsName name;

  g_assert_true (oc_dns_name_from_text (oc_str_from (host), &name));
  memcpy (out, "\0\0\1\0\0\1\0\0\0\0\0\0", OC_DNS_HEADER_LEN);
  oc_dns_put16 (out, id);
  memcpy (out + OC_DNS_HEADER_LEN, name.wire, name.len);
  memcpy (out + OC_DNS_HEADER_LEN + name.len, "\0\1\0\1", 4);
  return OC_DNS_HEADER_LEN + name.len + 4u;
}

gsize
client_receive (int fd, guint8 *out, gsize size, int timeout_ms)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  ssize_t n;

  if (poll (&poll_fd, 1, timeout_ms) != 1)
    return 0;
  n = recv (fd, out, size, 0);
  return n > 0 ? (gsize) n : 0;
}

guint
client_ask (int fd, const char *host, guint16 id, guint8 out_address[4])
{
  guint8 packet[OC_DNS_UDP_MAX];
  gsize question = client_make_query (host, id, packet);
  gsize len;

  memset (out_address, 0, 4);
  g_assert_cmpint (send (fd, packet, question, 0), ==, question);
  do
    {
      len = client_receive (fd, packet, sizeof packet, 15000);
      g_assert_cmpint (len, >=, question);
    }
  while (oc_dns_get16 (packet) != id);
  if (oc_dns_get16 (packet + 6) > 0 && len >= question + 16
      && oc_dns_get16 (packet + question + 2) == OC_DNS_TYPE_A)
    memcpy (out_address, packet + question + 12, 4);
  return packet[3] & OC_DNS_RCODE;
}
