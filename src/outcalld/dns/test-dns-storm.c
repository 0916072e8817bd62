/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Random and mutated packets at the running filter, with an upstream that answers with
 * random and mutated packets too. No crash, no answer that is larger than its asker takes
 * (RFC 6891), no refused name at the upstream. Spec 04, "Must hold". OUTCALL_LONG=1 sends
 * ten million.
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"
#include "dns/oc-dns-testserver.h"
#include "testlib/oc-testns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST 32
#define ROUND_US (6 * G_USEC_PER_SEC) /* longer than any question waits for the upstream */

/* --- Packets --------------------------------------------------------------- */

static const char *const hosts[] = {
  "a.lab.example",         "w.lab.example",     "blocked.lab.example", "private.lab.example",
  "www.elsewhere.example", "printer.local",     "intranet",            "direct.lab.example",
  "ech.lab.example",       "evil-lab.example",  "5.6.7.8",             "1.0.0.10.in-addr.arpa",
};
static const guint16 types[] = { 1, 28, 5, 15, 16, 33, 65, 64, 12, 257, 255, 252, 41, 0, 6, 48 };

/* A few octets change, go, or come twice. Returns: the new length. */
static gsize
mutate (GRand *rand, guint8 *packet, gsize len, gsize size)
{
  for (guint n = (guint) g_rand_int_range (rand, 0, 4); n > 0 && len > 0; n--)
    {
      gsize at = (gsize) g_rand_int_range (rand, 0, (gint32) len);

      switch (g_rand_int_range (rand, 0, 4))
        {
        case 0:
          packet[at] = (guint8) g_rand_int (rand);
          break;
        case 1:
          packet[at] ^= (guint8) (1 << g_rand_int_range (rand, 0, 8));
          break;
        case 2:
          len = at;
          break;
        default:
          if (len + len - at > size)
            break;
          memmove (packet + len, packet + at, len - at);
          len += len - at;
          break;
        }
    }
  return len;
}

static gsize
make_packet (GRand *rand, guint8 *packet, gsize size)
{
  const char *host = hosts[g_rand_int_range (rand, 0, G_N_ELEMENTS (hosts))];
  gsize len = client_make_query (host, (guint16) g_rand_int (rand), packet);

  oc_dns_put16 (packet + len - 4, types[g_rand_int_range (rand, 0, G_N_ELEMENTS (types))]);
  if (g_rand_boolean (rand))
    {
      memcpy (packet + len, "\0\0\x29\x10\0\0\0\x80\0\0\0", 11);
      oc_dns_put16 (packet + len + 3, (guint) g_rand_int (rand) & 0xffff);
      packet[11] = 1;
      len += 11;
    }
  if (g_rand_int_range (rand, 0, 16) == 0)
    for (gsize i = 0; i < len; i++)
      packet[i] = (guint8) g_rand_int (rand);
  return mutate (rand, packet, len, size);
}

/* --- The upstream ------------------------------------------------------------ */

typedef struct
{
  int fd;
  atomic_bool stop;
  guint n_asked;
} Upstream;

/* Only names that the policy lets through may come here. */
static void
check_forwarded (const guint8 *packet, gsize len)
{
  OcDnsQuery query;
  OcStr text;

  g_assert_cmpint (oc_dns_query_parse (packet, len, &query), ==, OC_DNS_PARSE_OK);
  g_assert_true (query.is_host);
  text = oc_dns_query_text (&query);
  if (!oc_str_has_suffix (text, OC_STR (".lab.example"))
      && !oc_str_equal (text, OC_STR ("lab.example")))
    g_error ("'%.*s' was forwarded", OC_STR_ARGS (text));
  g_assert_false (oc_str_equal (text, OC_STR ("blocked.lab.example")));
}

/* Mostly nonsense behind the right head. Returns: its length. */
static gsize
make_nonsense (GRand *rand, guint8 *packet, gsize len, gsize size)
{
  oc_dns_put16 (packet + 2, OC_DNS_QR | OC_DNS_RD | OC_DNS_RA);
  packet[11] = 0;
  if (g_rand_int_range (rand, 0, 4) == 0)
    return mutate (rand, packet, len, size);
  packet[7] = (guint8) g_rand_int_range (rand, 0, 6);
  packet[9] = (guint8) g_rand_int_range (rand, 0, 3);
  for (guint i = 0; i < packet[7] + packet[9] + 0u && len + 40 < size; i++)
    {
      gsize rdata = (gsize) g_rand_int_range (rand, 0, 24);

      memcpy (packet + len, "\xc0\x0c\0\1\0\1\0\0\0\1\0\4", 12);
      oc_dns_put16 (packet + len + 2, types[g_rand_int_range (rand, 0, G_N_ELEMENTS (types))]);
      oc_dns_put16 (packet + len + 10, (guint) rdata);
      len += 12;
      for (gsize k = 0; k < rdata; k++)
        packet[len++] = (guint8) g_rand_int (rand);
    }
  return g_rand_boolean (rand) ? len : mutate (rand, packet, len, size);
}

static gpointer
answer_on (gpointer data)
{
  Upstream *upstream = data;
  GRand *rand = g_rand_new_with_seed (1);
  guint8 packet[4096];

  while (!atomic_load (&upstream->stop))
    {
      struct pollfd poll_fd = { .fd = upstream->fd, .events = POLLIN };
      struct sockaddr_in peer;
      socklen_t peer_len = sizeof peer;
      ssize_t n;

      if (poll (&poll_fd, 1, 20) != 1)
        continue;
      n = recvfrom (upstream->fd, packet, 1500, 0, (struct sockaddr *) &peer, &peer_len);
      if (n <= 0)
        continue;
      check_forwarded (packet, (gsize) n);
      upstream->n_asked++;
      /* Behind the question, without the OPT record. */
      n -= packet[11] > 0 ? 11 : 0;
      n = (ssize_t) make_nonsense (rand, packet, (gsize) n, sizeof packet);
      (void) sendto (upstream->fd, packet, (gsize) n, 0, (struct sockaddr *) &peer, peer_len);
    }
  g_rand_free (rand);
  return NULL;
}

/* --- The askers ---------------------------------------------------------------- */

/* What the asker of each ID takes at most: within the last ROUND_US, and in the time before,
 * since an answer may come late. When two of them have one ID the larger holds. */
typedef struct
{
  gint64 round_us;
  guint16 limits[2][65536];
  guint n_answers;
} Askers;

static void
note_limit (Askers *askers, const guint8 *packet, gsize len)
{
  OcDnsQuery query;
  guint16 limit = OC_DNS_UDP_MIN;
  guint16 *known;

  if (len < OC_DNS_HEADER_LEN)
    return;
  if (oc_dns_query_parse (packet, len, &query) != OC_DNS_PARSE_DROP)
    limit = (guint16) CLAMP (query.udp_size, OC_DNS_UDP_MIN, OC_DNS_UDP_MAX);
  known = &askers->limits[0][oc_dns_get16 (packet)];
  *known = MAX (*known, limit);
}

static void
begin_round (Askers *askers)
{
  gint64 now_us = g_get_monotonic_time ();

  if (now_us - askers->round_us < ROUND_US)
    return;
  askers->round_us = now_us;
  memcpy (askers->limits[1], askers->limits[0], sizeof askers->limits[0]);
  memset (askers->limits[0], 0, sizeof askers->limits[0]);
}

static void
take_answers (Askers *askers, int fd)
{
  guint8 reply[65535];
  ssize_t n;

  while ((n = recv (fd, reply, sizeof reply, MSG_DONTWAIT)) > 0)
    {
      guint16 limit;

      g_assert_cmpint (n, >=, OC_DNS_HEADER_LEN);
      g_assert_cmpint (reply[2] & 0x80, ==, 0x80);
      limit = MAX (askers->limits[0][oc_dns_get16 (reply)],
                   askers->limits[1][oc_dns_get16 (reply)]);
      g_assert_cmpint (limit, >, 0); /* somebody asked */
      g_assert_cmpint (n, <=, limit);
      askers->n_answers++;
    }
}

/* The question may be lost behind the storm: it is asked again when no answer comes. */
static gboolean
answers (gpointer data)
{
  int fd = *(int *) data;
  guint8 packet[OC_DNS_UDP_MAX];
  gsize len = client_make_query ("blocked.lab.example", 0x7777, packet);

  if (send (fd, packet, len, 0) < 0)
    return FALSE;
  return client_receive (fd, packet, sizeof packet, 1000) >= len
         && oc_dns_get16 (packet) == 0x7777
         && (packet[3] & OC_DNS_RCODE) == OC_DNS_NXDOMAIN;
}

static void
test_storm (void)
{
  guint n_packets = g_strcmp0 (g_getenv ("OUTCALL_LONG"), "1") == 0 ? 10000000 : 100000;
  g_autofree Askers *askers = g_new0 (Askers, 1);
  struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons (53) };
  GRand *rand = g_rand_new_with_seed (g_test_rand_int ());
  Upstream upstream = { .fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
  GThread *thread;
  Bed bed;
  int fd;

  inet_pton (AF_INET, BED_SECOND, &local.sin_addr);
  g_assert_cmpint (bind (upstream.fd, (struct sockaddr *) &local, sizeof local), ==, 0);
  thread = g_thread_new ("upstream", answer_on, &upstream);
  bed_start (&bed, BED_SECOND, 0, NULL);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  for (guint i = 0; i < n_packets; i++)
    {
      guint8 packet[OC_DNS_QUERY_MAX + 64];
      gsize len = make_packet (rand, packet, sizeof packet);

      note_limit (askers, packet, len);
      (void) send (fd, packet, len, 0);
      if (i % BURST == BURST - 1)
        {
          take_answers (askers, fd);
          begin_round (askers);
        }
      if (i % 65536 == 65535)
        oc_dns_flush_cache (bed.dns);
    }
  close (fd);
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  g_assert_true (oc_test_wait (answers, &fd));
  g_test_message ("%u packets, %u answers, %u questions at the upstream", n_packets,
                  askers->n_answers, upstream.n_asked);
  g_assert_cmpint (askers->n_answers, >, n_packets / 20);
  g_assert_cmpint (upstream.n_asked, >, 20);
  close (fd);
  bed_stop (&bed);
  atomic_store (&upstream.stop, true);
  g_thread_join (thread);
  close (upstream.fd);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  bed_enter ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/storm", test_storm);
  return g_test_run ();
}
