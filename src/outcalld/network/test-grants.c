/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Every shape of grant on the real kernel: what it opens and not a packet more, what it counts,
 * where its limit ends, and that nothing outlives its end. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

static OcGrantRequest
make_request (const char *destination, guint8 protocol, guint16 port)
{
  OcGrantRequest request = { .lifetime_s = 60 };

  inet_pton (AF_INET, TB_W1, &request.key.source_be);
  inet_pton (AF_INET, destination, &request.key.destination_be);
  request.key.protocol = protocol;
  request.key.port = port;
  return request;
}

static guint64
add (Testbed *tb, const OcGrantRequest *request)
{
  g_autoptr (GError) error = NULL;
  guint64 id = 0;

  g_assert_true (oc_firewall_add_grants (tb->firewall, request, 1, &id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (id, !=, 0);
  return id;
}

static void
assert_refused (Testbed *tb, const OcGrantRequest *request, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_firewall_add_grants (tb->firewall, request, 1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
}

static int
connect_to (Testbed *tb, const char *address, guint16 port)
{
  return tb_connect (tb->w1, address, port, 1000, NULL);
}

static gboolean
passes (int from, int to, int timeout_ms)
{
  return send (from, "x", 1, MSG_NOSIGNAL) == 1 && tb_is_readable (to, timeout_ms)
         && tb_drain (to) > 0;
}

/* --- Shapes ---------------------------------------------------------------- */

static void
test_any_port (Testbed *tb, gconstpointer data)
{
  G_GNUC_UNUSED oc_autofd int high = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  oc_autofd int web = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 443);
  oc_autofd int udp = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9000);
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 0);
  g_autoptr (GError) error = NULL;

  (void) data;
  request.key.last_port = G_MAXUINT16;
  (void) add (tb, &request);
  g_assert_cmpint (connect_to (tb, TB_AWAY, 9000), ==, 0);
  g_assert_cmpint (connect_to (tb, TB_AWAY, 443), ==, 0); /* direct, not to the proxy */
  g_assert_true (tb_is_readable (web, 1000));
  g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  g_assert_cmpint (tb_connect (tb->w2, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  g_assert_true (oc_firewall_remove_grants (tb->firewall, &request.key, 1, &error));
  g_assert_cmpint (connect_to (tb, TB_AWAY, 9000), ==, ECONNREFUSED);
}

static void
test_range (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = make_request ("192.0.2.0", IPPROTO_TCP, 9000);
  static const guint16 ports[] = { 8999, 9000, 9005, 9010, 9011 };
  g_autoptr (GError) error = NULL;
  int servers[G_N_ELEMENTS (ports)];

  (void) data;
  oc_test_run ("ip -n away addr add 192.0.2.9/24 dev eth0");
  for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
    servers[i] = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", ports[i]);
  request.key.host_bits = 3; /* .0 to .7 */
  request.key.last_port = 9010;
  (void) add (tb, &request);
  for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
    {
      g_assert_cmpint (connect_to (tb, TB_AWAY, ports[i]), ==,
                       ports[i] >= 9000 && ports[i] <= 9010 ? 0 : ECONNREFUSED);
      g_assert_cmpint (connect_to (tb, "192.0.2.9", ports[i]), ==, ECONNREFUSED);
      close (servers[i]);
    }
  g_assert_true (oc_firewall_remove_grants (tb->firewall, &request.key, 1, &error));
  g_assert_cmpint (connect_to (tb, TB_AWAY, 9005), ==, ECONNREFUSED);
}

/* Ranges that share packets are told apart before the kernel is asked. */
static void
test_overlap (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = make_request ("10.64.0.0", IPPROTO_TCP, 443);
  OcGrantRequest inner = make_request ("10.64.1.0", IPPROTO_TCP, 443);
  OcGrantRequest outer = make_request ("10.0.0.0", IPPROTO_TCP, 400);
  OcGrantRequest beside = make_request ("10.64.1.0", IPPROTO_TCP, 444);
  OcGrantRequest udp = make_request ("10.64.1.0", IPPROTO_UDP, 443);

  (void) data;
  oc_test_run ("ip route add 10.64.0.0/10 via 192.0.2.2");
  request.key.host_bits = 16;
  inner.key.host_bits = beside.key.host_bits = udp.key.host_bits = 8;
  outer.key.host_bits = 24;
  outer.key.last_port = 500;
  (void) add (tb, &request);
  (void) add (tb, &request); /* a renewal */
  assert_refused (tb, &inner, G_IO_ERROR_EXISTS);
  assert_refused (tb, &outer, G_IO_ERROR_EXISTS);
  (void) add (tb, &beside);
  (void) add (tb, &udp);
  g_assert_cmpuint (oc_firewall_count_grants (tb->firewall), ==, 3);
  g_assert_true (oc_firewall_remove_grants (tb->firewall, &request.key, 1, NULL));
  g_assert_true (oc_firewall_remove_grants (tb->firewall, &beside.key, 1, NULL));
  (void) add (tb, &outer);
  oc_test_run ("ip route del 10.64.0.0/10");
}

static void
test_bad (Testbed *tb, gconstpointer data)
{
  static const struct
  {
    const char *destination;
    guint8 protocol, host_bits;
    guint16 port, last_port;
    guint lifetime_s;
    guint64 max_bytes;
    int code;
  } cases[] = {
    { TB_AWAY, IPPROTO_ICMP, 0, 1, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 0, 0, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 0, 5, 5, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 0, 5, 4, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 0, 0, 80, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 0, 80, 0, 0, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_AWAY, IPPROTO_TCP, 8, 80, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT }, /* host bits */
    { "0.0.0.0", IPPROTO_TCP, 25, 80, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { "127.0.0.1", IPPROTO_TCP, 0, 80, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { "224.0.0.251", IPPROTO_UDP, 0, 5353, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { "0.0.0.0", IPPROTO_TCP, 0, 80, 0, 60, 0, G_IO_ERROR_INVALID_ARGUMENT },
    { "192.0.2.0", IPPROTO_TCP, 8, 80, 0, 60, 1, G_IO_ERROR_INVALID_ARGUMENT }, /* max_bytes */
    { TB_AWAY, IPPROTO_TCP, 0, 0, 65535, 60, 1, G_IO_ERROR_INVALID_ARGUMENT },
    { TB_HOST, IPPROTO_TCP, 0, 80, 0, 60, 0, G_IO_ERROR_NOT_SUPPORTED },
    { TB_GATEWAY, IPPROTO_TCP, 0, 80, 0, 60, 0, G_IO_ERROR_NOT_SUPPORTED },
  };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  (void) data;
  (void) oc_test_try (&before, "nft -s list ruleset");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcGrantRequest request = make_request (cases[i].destination, cases[i].protocol, cases[i].port);

      request.key.host_bits = cases[i].host_bits;
      request.key.last_port = cases[i].last_port;
      request.lifetime_s = cases[i].lifetime_s;
      request.max_bytes = cases[i].max_bytes;
      assert_refused (tb, &request, cases[i].code);
    }
  (void) oc_test_try (&after, "nft -s list ruleset");
  g_assert_cmpstr (before, ==, after); /* the kernel was not asked */
}

/* --- Counters, limits --------------------------------------------------------- */

static void
read_counter (Testbed *tb, guint64 id, guint64 *packets, guint64 *bytes)
{
  guint64 total;
  g_autoptr (GPtrArray) list = oc_firewall_list_grants (tb->firewall, 0, 10, TRUE, &total);

  for (guint i = 0; i < list->len; i++)
    {
      const OcGrant *grant = g_ptr_array_index (list, i);

      if (grant->id != id)
        continue;
      *packets = grant->packets;
      *bytes = grant->bytes;
      return;
    }
  g_error ("no grant %" G_GUINT64_FORMAT, id);
}

/* Each packet that the workload sent, once; a renewal goes on counting. */
static void
test_counters (Testbed *tb, gconstpointer data)
{
  oc_autofd int udp = tb_server (tb->away, SOCK_DGRAM, "0.0.0.0", 9000);
  OcGrantRequest shapes[3];
  g_autoptr (GError) error = NULL;

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    shapes[i] = make_request (TB_AWAY, IPPROTO_UDP, 9000);
  shapes[1].key.port = 0;
  shapes[1].key.last_port = G_MAXUINT16;
  shapes[2].key.last_port = 9001;
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      guint64 id = add (tb, &shapes[i]);
      guint64 packets, bytes;

      for (guint k = 0; k < 3; k++)
        g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, 1000), ==, 0);
      read_counter (tb, id, &packets, &bytes);
      g_assert_cmpuint (packets, ==, 3);
      g_assert_cmpuint (bytes, ==, 3 * (20 + 8 + 1));
      shapes[i].lifetime_s = 120;
      g_assert_cmpuint (add (tb, &shapes[i]), ==, id);
      g_assert_cmpint (tb_send_udp (tb->w1, TB_AWAY, 9000, udp, 1000), ==, 0);
      read_counter (tb, id, &packets, &bytes);
      g_assert_cmpuint (packets, ==, 4);
      g_assert_true (oc_firewall_remove_grants (tb->firewall, &shapes[i].key, 1, &error));
    }
}

static gboolean
is_expired (gpointer data)
{
  Testbed *tb = data;
  guint64 total;
  g_autoptr (GPtrArray) list G_GNUC_UNUSED = oc_firewall_list_grants (tb->firewall, 0, 1, FALSE, &total);

  return total == 0 && tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL) == ECONNREFUSED;
}

/* Up to the limit and not beyond, also by a flow that outlives its grant. */
static void
test_limit (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  static const char block[8192];
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;

  (void) data;
  request.lifetime_s = 1;
  request.max_bytes = 4096;
  (void) add (tb, &request);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  g_assert_true (passes (client, accepted, 1000));
  g_assert_true (oc_test_wait (is_expired, tb));
  g_assert_true (passes (client, accepted, 1000)); /* established, and below the limit */
  (void) send (client, block, sizeof block, MSG_NOSIGNAL);
  g_assert_true (tb_is_readable (client, 2000)); /* reset */
  g_assert_cmpint (recv (client, (char[1]){ 0 }, 1, 0), ==, -1);
  g_assert_cmpuint (tb_counter (tb, "forward_limited"), >=, 1);
  /* Made anew without a limit there is none left of it. */
  request.max_bytes = 0;
  request.lifetime_s = 60;
  (void) add (tb, &request);
  close (client);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  close (accepted);
  accepted = accept (server, NULL, NULL);
  g_assert_cmpint (send (client, block, sizeof block, MSG_NOSIGNAL), ==, sizeof block);
  g_assert_true (tb_is_readable (accepted, 1000));
  g_assert_true (passes (client, accepted, 1000));
}

/* Names that share an address never shorten each other's grant. */
static void
test_ensure (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  const OcGrant *grant;

  (void) data;
  request.name = "one.example";
  request.rule = "allow-one";
  request.lifetime_s = 1000;
  request.max_bytes = 500;
  g_assert_true (oc_firewall_ensure_grants (tb->firewall, &request, 1, &error));
  request.lifetime_s = 100;
  request.max_bytes = 0;
  g_assert_true (oc_firewall_ensure_grants (tb->firewall, &request, 1, &error));
  request.max_bytes = 100;
  g_assert_true (oc_firewall_ensure_grants (tb->firewall, &request, 1, &error));
  list = oc_firewall_list_grants (tb->firewall, request.key.source_be, 10, FALSE, NULL);
  g_assert_cmpuint (list->len, ==, 1);
  grant = list->pdata[0];
  g_assert_cmpint (grant->expires_us - g_get_monotonic_time (), >, 990 * G_USEC_PER_SEC);
  g_assert_cmpuint (grant->max_bytes, ==, 0);
  g_assert_cmpstr (grant->name, ==, "one.example");
  g_assert_cmpstr (grant->rule, ==, "allow-one");
}

/* A name that a rule opens too is looked up: what the operator granted keeps its limit. */
static void
test_operators_stays (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  const OcGrant *grant;

  (void) data;
  request.lifetime_s = 3600;
  request.max_bytes = 500;
  g_assert_true (oc_firewall_add_grants (tb->firewall, &request, 1, NULL, &error));
  request.lifetime_s = 300;
  request.max_bytes = 0;
  request.name = "one.example";
  request.rule = "allow-one";
  g_assert_true (oc_firewall_ensure_grants (tb->firewall, &request, 1, &error));
  list = oc_firewall_list_grants (tb->firewall, request.key.source_be, 10, FALSE, NULL);
  grant = list->pdata[0];
  g_assert_null (grant->rule);
  g_assert_cmpuint (grant->max_bytes, ==, 500);
  request.lifetime_s = 7200;
  g_assert_true (oc_firewall_ensure_grants (tb->firewall, &request, 1, &error));
  g_ptr_array_unref (list);
  list = oc_firewall_list_grants (tb->firewall, request.key.source_be, 10, FALSE, NULL);
  grant = list->pdata[0];
  g_assert_cmpstr (grant->rule, ==, "allow-one");
}

/* --- The end -------------------------------------------------------------------- */

typedef gboolean (*EndFunc) (Testbed *tb, const OcGrantKey *key, GError **error);

static gboolean
end_by_revocation (Testbed *tb, const OcGrantKey *key, GError **error)
{
  return oc_firewall_remove_grants (tb->firewall, key, 1, error);
}

static gboolean
end_by_source (Testbed *tb, const OcGrantKey *key, GError **error)
{
  guint64 removed = 0;

  return oc_firewall_flush_grants (tb->firewall, key->source_be, &removed, error) && removed == 1;
}

/* What a grant of any shape began is over when its revocation returns; what others
 * began goes on. */
static void
test_end (Testbed *tb, gconstpointer data)
{
  static const EndFunc ends[] = { end_by_revocation, end_by_source };
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  OcGrantRequest others = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  g_autoptr (GError) error = NULL;
  int bystander[2] = { -1, -1 };

  (void) data;
  inet_pton (AF_INET, TB_W2, &others.key.source_be);
  (void) add (tb, &others);
  g_assert_cmpint (tb_connect (tb->w2, TB_AWAY, 9000, 1000, &bystander[0]), ==, 0);
  bystander[1] = accept (server, NULL, NULL);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (ends); i++)
    {
      OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
      oc_autofd int client = -1;
      oc_autofd int accepted = -1;
      gint64 start_us;

      if (i / 2 == 1)
        {
          request.key.port = 0;
          request.key.last_port = G_MAXUINT16;
        }
      if (i / 2 == 2)
        request.key.last_port = 9001;
      (void) add (tb, &request);
      g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
      accepted = accept (server, NULL, NULL);
      g_assert_true (passes (client, accepted, 1000));
      start_us = g_get_monotonic_time ();
      g_assert_true (ends[i % 2](tb, &request.key, &error));
      g_test_message ("shape %u ended in %.1f ms", i / 2,
                      (double) (g_get_monotonic_time () - start_us) / 1000);
      g_assert_false (passes (client, accepted, TB_NOTHING_MS));
      g_assert_false (passes (accepted, client, TB_NOTHING_MS));
      g_assert_cmpint (connect_to (tb, TB_AWAY, 9000), ==, ECONNREFUSED);
      g_assert_true (passes (bystander[0], bystander[1], 1000));
    }
  close (bystander[0]);
  close (bystander[1]);
}

/* Nothing of a workload passes on to whoever has its port or address next. */
static void
test_next_lease (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  oc_autofd int raw = tb_packet_socket (tb->w1, "eth0");
  TbFrame old = tb_frame_of (&tb->lease1);
  OcLease next = tb->lease1;
  g_autoptr (GError) error = NULL;
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;
  TbFrame frame;

  (void) data;
  (void) add (tb, &request);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  /* The same port, another address. */
  g_assert_true (oc_firewall_remove_lease (tb->firewall, &tb->lease1, &error));
  g_assert_true (oc_address_parse (OC_STR ("10.200.0.77"), &next.address));
  oc_network_make_mac (&next.address, next.mac);
  g_assert_true (oc_firewall_add_lease (tb->firewall, &next, &error));
  tb_send_frame (raw, &old);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  g_assert_false (passes (client, accepted, TB_NOTHING_MS));
  frame = tb_frame_of (&next);
  tb_send_frame (raw, &frame); /* the control */
  g_assert_true (tb_is_readable (dns, 1000));
  (void) tb_drain (dns);
  /* The same address, another workload. */
  g_assert_true (oc_firewall_remove_lease (tb->firewall, &next, &error));
  g_assert_true (oc_firewall_add_lease (tb->firewall, &tb->lease1, &error));
  g_assert_cmpuint (oc_firewall_count_grants (tb->firewall), ==, 0);
  g_assert_cmpint (connect_to (tb, TB_AWAY, 9000), ==, ECONNREFUSED);
  g_assert_false (passes (client, accepted, TB_NOTHING_MS));
}

/* --- The kernel says no ------------------------------------------------------------ */

/* The set is full: the caller is told, and nothing of the request is open. */
static void
test_full_set (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = make_request (TB_AWAY, IPPROTO_TCP, 9000);
  OcGrantRequest two[2];
  g_autoptr (GError) error = NULL;

  (void) data;
  two[0] = make_request ("192.0.2.7", IPPROTO_TCP, 9000);
  two[1] = request;
  /* The same set, but with room for one. */
  oc_test_run ("nft delete table inet outcall && nft add table inet outcall && "
               "nft 'add set inet outcall grants { type ipv4_addr . ipv4_addr . inet_proto . "
               "inet_service; flags timeout; size 1; }' && "
               "nft 'add set inet outcall revoked { type ipv4_addr . ipv4_addr . inet_proto . "
               "inet_service; flags timeout; }' && "
               "nft 'add set inet outcall switched_on { type ifname; }'");
  g_assert_false (oc_firewall_add_grants (tb->firewall, two, 2, NULL, &error));
  g_assert_nonnull (strstr (error->message, "set grants"));
  g_assert_cmpuint (oc_firewall_count_grants (tb->firewall), ==, 0);
  g_clear_error (&error);
  (void) add (tb, &request);
  g_assert_false (oc_firewall_add_grants (tb->firewall, two, 1, NULL, &error));
  tb_kill (tb);
  tb_restart (tb, FALSE);
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/grants/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("any-port", test_any_port);
  ADD ("range", test_range);
  ADD ("overlap", test_overlap);
  ADD ("bad", test_bad);
  ADD ("counters", test_counters);
  ADD ("limit", test_limit);
  ADD ("ensure", test_ensure);
  ADD ("operators-stays", test_operators_stays);
  ADD ("end", test_end);
  ADD ("next-lease", test_next_lease);
  ADD ("full-set", test_full_set);
  return g_test_run ();
}
