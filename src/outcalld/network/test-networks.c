/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Several networks on the real kernel: made, adopted, restored, apart from each other. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/oc-fd.h"
#include "network/oc-network-private.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

static OcNetwork *
create (Testbed *tb, const char *name, const char *subnet)
{
  OcNetworkRequest request = { .name = name, .subnet = subnet };
  g_autoptr (GError) error = NULL;
  gboolean created;
  OcNetwork *network = oc_networks_create (tb->networks, &request, &created, &error);

  g_assert_no_error (error);
  g_assert_true (created);
  return network;
}

static void
destroy (Testbed *tb, const char *name)
{
  g_autoptr (GError) error = NULL;
  gboolean destroyed;

  g_assert_true (oc_networks_destroy (tb->networks, name, &destroyed, &error));
  g_assert_true (destroyed);
}

static char *
output_of (const char *command)
{
  char *text = NULL;

  (void) oc_test_try (&text, "%s", command);
  return g_strchomp (text);
}

static void
assert_output (const char *command, const char *wanted)
{
  g_autofree char *is = output_of (command);

  g_assert_cmpstr (is, ==, wanted);
}

/* --- Create and destroy ---------------------------------------------------- */

static void
test_create (Testbed *tb, gconstpointer data)
{
  OcNetworkRequest again = { .name = "outcall-staging" };
  g_autofree char *before = output_of ("nft -s list ruleset; ip -br addr");
  g_autofree char *after = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autofree char *subnet = NULL;
  g_autoptr (GError) error = NULL;
  OcNetwork *network = create (tb, "staging", NULL);
  OcBridgeState state;
  gboolean created;
  gboolean destroyed;

  (void) data;
  g_assert_cmpstr (oc_network_get_name (network), ==, "outcall-staging");
  g_assert_cmpstr (oc_network_get_bridge (network), ==, "outcall1");
  subnet = oc_network_dup_subnet (network);
  g_assert_cmpstr (subnet, ==, "10.200.1.0/24");
  g_assert_true (oc_network_get_state (network, &state, &error));
  g_assert_true (state.present && state.up && state.has_gateway && state.nftables_active);
  assert_output ("nft list set inet outcall bridges | grep -o 'outcall[0-9]' | sort | tr '\\n' ' '",
                 "outcall0 outcall1");
  assert_output ("ip -o link show outcall1 | grep -o 'alias .*'", "alias outcall network "
                                                                  "outcall-staging");
  assert_output ("cat /proc/sys/net/ipv6/conf/outcall1/disable_ipv6", "1");
  g_assert_true (oc_networks_create (tb->networks, &again, &created, &error) == network);
  g_assert_false (created);
  again.subnet = "10.200.1.0/24";
  g_assert_true (oc_networks_create (tb->networks, &again, &created, &error) == network);
  again.subnet = "10.200.2.0/24";
  g_assert_null (oc_networks_create (tb->networks, &again, &created, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  list = oc_networks_list (tb->networks);
  g_assert_cmpuint (list->len, ==, 2);
  g_assert_true (oc_networks_lookup (tb->networks, "staging") == network);
  destroy (tb, "staging");
  g_assert_true (oc_networks_destroy (tb->networks, "staging", &destroyed, &error));
  g_assert_false (destroyed);
  after = output_of ("nft -s list ruleset; ip -br addr");
  g_assert_cmpstr (before, ==, after);
}

static void
test_names (Testbed *tb, gconstpointer data)
{
  static const char longest[]
      = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 64 */
  static const char too_long[]
      = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  const char *const bad[] = { "", "outcall-", "a b", "a/b", "../x", "ä", "a.b", too_long };
  gboolean done;

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      OcNetworkRequest request = { .name = bad[i] };
      g_autoptr (GError) error = NULL;

      g_assert_null (oc_networks_create (tb->networks, &request, &done, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      g_assert_false (oc_networks_destroy (tb->networks, bad[i], &done, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  (void) create (tb, longest, NULL);
  assert_output ("ip -o link show outcall1 | grep -o 'a*$'", longest);
  destroy (tb, longest);
}

static void
test_subnets (Testbed *tb, gconstpointer data)
{
  static const struct
  {
    const char *subnet; /* (nullable) */
    const char *wanted; /* the subnet, or what the error says */
    int code;           /* 0: none */
  } cases[] = {
    { NULL, "10.200.1.0/24", 0 },
    { "192.168.77.0/24", "192.168.77.0/24", 0 },
    { "10.200.0.0/24", "network outcall-default", G_IO_ERROR_EXISTS },
    { "172.31.5.0/24", "an engine network", G_IO_ERROR_EXISTS },
    { "10.88.3.0/24", "a route of this host", G_IO_ERROR_EXISTS },
    { "10.200.4.1/24", "host bits", G_IO_ERROR_INVALID_ARGUMENT },
    { "10.200.4.0/23", "must be a /24", G_IO_ERROR_INVALID_ARGUMENT },
    { "10.200.4.0/25", "/8 to /24", G_IO_ERROR_INVALID_ARGUMENT },
    { "192.0.2.0/24", "RFC 1918", G_IO_ERROR_INVALID_ARGUMENT },
    { "fd00::/24", "must be like", G_IO_ERROR_INVALID_ARGUMENT },
    { "", "must be like", G_IO_ERROR_INVALID_ARGUMENT },
  };
  OcSubnet taken = { .prefix_len = 16, .owner = "an engine network" };

  (void) data;
  g_assert_true (oc_address_parse (OC_STR ("172.31.0.0"), &taken.address));
  oc_test_run ("ip route add blackhole 10.88.0.0/16");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcNetworkRequest request
          = { .name = "x", .subnet = cases[i].subnet, .taken = &taken, .n_taken = 1 };
      g_autoptr (GError) error = NULL;
      g_autofree char *subnet = NULL;
      gboolean created;
      OcNetwork *network = oc_networks_create (tb->networks, &request, &created, &error);

      if (cases[i].code != 0)
        {
          g_assert_error (error, G_IO_ERROR, cases[i].code);
          g_assert_nonnull (strstr (error->message, cases[i].wanted));
          continue;
        }
      g_assert_no_error (error);
      subnet = oc_network_dup_subnet (network);
      g_assert_cmpstr (subnet, ==, cases[i].wanted);
      destroy (tb, "x");
    }
  assert_output ("ip -br link show type bridge | wc -l", "1"); /* refusals left nothing */
  /* Automatic ones avoid what is taken, and end with the block. */
  taken.prefix_len = 15;
  g_assert_true (oc_address_parse (OC_STR ("10.200.0.0"), &taken.address));
  {
    OcNetworkRequest request = { .name = "x", .taken = &taken, .n_taken = 1 };
    g_autoptr (GError) error = NULL;
    gboolean created;

    g_assert_null (oc_networks_create (tb->networks, &request, &created, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
    g_assert_nonnull (strstr (error->message, "no available subnets in 10.200.0.0/16"));
  }
  oc_test_run ("ip route del blackhole 10.88.0.0/16");
}

/* At the limit and one beyond. */
static void
test_limit (Testbed *tb, gconstpointer data)
{
  OcNetworkRequest request = { .name = "one-more" };
  static const char count_rules[] = "nft list ruleset | grep -c comment";
  g_autofree char *n_rules = output_of (count_rules);
  g_autoptr (GError) error = NULL;
  gboolean created;

  (void) data;
  for (guint i = 1; i < OC_NETWORKS_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);

      (void) create (tb, name, NULL);
    }
  g_assert_null (oc_networks_create (tb->networks, &request, &created, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  /* The rules are no more than for one. */
  assert_output (count_rules, n_rules);
  for (guint i = 1; i < OC_NETWORKS_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);

      destroy (tb, name);
    }
}

/* --- Whoever serves the gateway --------------------------------------------- */

typedef struct
{
  guint came, went;
  gboolean refuse;
} Listener;

static gboolean
on_network (OcNetwork *network, gboolean alive, gpointer user_data, GError **error)
{
  Listener *listener = user_data;

  (void) network;
  listener->came += alive;
  listener->went += !alive;
  if (!alive || !listener->refuse)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the port is taken");
  return FALSE;
}

static void
test_listener (Testbed *tb, gconstpointer data)
{
  OcNetworkRequest request = { .name = "staging" };
  Listener listener = { .refuse = TRUE };
  g_autofree char *before = output_of ("nft -s list ruleset; ip -br addr");
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  gboolean created;

  (void) data;
  oc_networks_set_listener (tb->networks, on_network, &listener);
  g_assert_null (oc_networks_create (tb->networks, &request, &created, &error));
  g_assert_nonnull (strstr (error->message, "the port is taken"));
  after = output_of ("nft -s list ruleset; ip -br addr");
  g_assert_cmpstr (before, ==, after);
  listener = (Listener) { 0 };
  (void) create (tb, "staging", NULL);
  destroy (tb, "staging");
  g_assert_cmpuint (listener.came, ==, 1);
  g_assert_cmpuint (listener.went, ==, 1);
  oc_networks_set_listener (tb->networks, NULL, NULL);
}

/* --- Apart from each other ---------------------------------------------------- */

static void
attach (Testbed *tb, OcNetwork *network, int netns, const char *port, OcLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_network_allocate (network, &lease->address, &error));
  g_strlcpy (lease->bridge, oc_network_get_bridge (network), sizeof lease->bridge);
  g_strlcpy (lease->port, port, sizeof lease->port);
  oc_network_make_mac (&lease->address, lease->mac);
  g_assert_true (oc_firewall_add_lease (tb->firewall, lease, &error));
  g_assert_true (oc_network_attach (network, netns, port, lease->mac, &lease->address, &error));
  g_assert_no_error (error);
}

static void
detach (Testbed *tb, OcNetwork *network, const OcLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_network_detach (network, lease->port, &error));
  g_assert_true (oc_firewall_remove_lease (tb->firewall, lease, &error));
  oc_network_release (network, &lease->address);
}

static void
test_apart (Testbed *tb, gconstpointer data)
{
  OcNetwork *network = create (tb, "staging", NULL);
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  oc_autofd int w1 = tb_server (tb->w1, SOCK_DGRAM, "0.0.0.0", 9000);
  g_autoptr (GError) error = NULL;
  OcLease lease = { 0 };
  OcLease stolen;
  oc_autofd int raw = -1;
  gboolean destroyed;
  TbFrame frame;

  (void) data;
  attach (tb, network, tb->foreign, "ocw3", &lease);
  oc_test_run ("echo 1 > /proc/sys/net/ipv4/ip_forward");
  g_assert_cmpint (tb_send_udp (tb->foreign, "10.200.1.1", 53, dns, 1000), ==, 0);
  g_assert_cmpint (tb_send_udp (tb->foreign, TB_GATEWAY, 53, dns, TB_AT_ONCE_MS), ==,
                   EHOSTUNREACH);
  g_assert_cmpint (tb_send_udp (tb->foreign, TB_W1, 9000, w1, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  g_assert_cmpint (tb_ping (tb->foreign, TB_W1, TB_AT_ONCE_MS), ==, EHOSTUNREACH);
  /* The identity of a workload of the other network is worth nothing here. */
  raw = tb_packet_socket (tb->foreign, "eth0");
  frame = tb_frame_of (&tb->lease1);
  tb_send_frame (raw, &frame);
  memcpy (frame.source_mac, lease.mac, 6);
  tb_send_frame (raw, &frame);
  g_assert_false (tb_is_readable (dns, TB_NOTHING_MS));
  /* Neither can it be had by asking. */
  stolen = tb->lease1;
  g_strlcpy (stolen.bridge, "outcall1", sizeof stolen.bridge);
  g_assert_false (oc_firewall_add_lease (tb->firewall, &stolen, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (oc_networks_destroy (tb->networks, "staging", &destroyed, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "ocw3"));
  g_clear_error (&error);
  g_assert_false (oc_networks_down (tb->networks, &error)); /* all or nothing */
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  detach (tb, network, &lease);
  oc_test_run ("echo 0 > /proc/sys/net/ipv4/ip_forward");
  destroy (tb, "staging");
}

/* --- Again after a restart ----------------------------------------------------- */

static OcNetworks *
open_networks (Testbed *tb, const char *state_dir)
{
  OcNetworkOptions options = { "outcall0", "10.200.0.0/16", state_dir };
  g_autoptr (GError) error = NULL;
  OcNetworks *networks = oc_networks_new (&options, tb->firewall, &error);

  g_assert_no_error (error);
  return networks;
}

static void
assert_known (OcNetworks *networks, const char *name, const char *bridge, const char *wanted)
{
  OcNetwork *network = oc_networks_lookup (networks, name);
  g_autofree char *subnet = NULL;

  g_assert_nonnull (network);
  subnet = oc_network_dup_subnet (network);
  g_assert_cmpstr (oc_network_get_bridge (network), ==, bridge);
  g_assert_cmpstr (subnet, ==, wanted);
}

static void
test_adoption (Testbed *tb, gconstpointer data)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-networks-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "networks.conf", NULL);
  OcNetworkRequest request = { .name = "staging", .subnet = "192.168.77.0/24" };
  g_autoptr (OcNetworks) first = open_networks (tb, dir);
  g_autoptr (OcNetworks) second = NULL;
  g_autoptr (OcNetworks) third = NULL;
  g_autoptr (OcNetworks) fourth = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done;

  (void) data;
  g_assert_true (oc_networks_up (first, &error));
  g_assert_nonnull (oc_networks_create (first, &request, &done, &error));
  g_assert_no_error (error);
  /* After a reboot: the file knows it, the kernel does not. */
  oc_test_run ("ip link del outcall1");
  second = open_networks (tb, dir);
  assert_known (second, "staging", "outcall1", "192.168.77.0/24");
  g_assert_true (oc_networks_up (second, &error));
  assert_output ("ip -o -4 addr show outcall1 | grep -o 'inet [^ ]*'", "inet 192.168.77.1/24");
  /* Killed before it was written down: the bridge itself says whose it is. */
  g_assert_cmpint (g_unlink (file), ==, 0);
  third = open_networks (tb, dir);
  assert_known (third, "staging", "outcall1", "192.168.77.0/24");
  g_assert_true (oc_networks_destroy (third, "staging", &done, &error));
  g_assert_true (done);
  /* What cannot be understood is told and left out. */
  g_assert_true (g_file_set_contents (file,
                                      "[outcall-good]\nbridge=outcall2\nsubnet=10.200.9.0/24\n"
                                      "[outcall-twice]\nbridge=outcall3\nsubnet=10.200.9.0/24\n"
                                      "[outcall-bad]\nbridge=../x\nsubnet=10.200.8.0/24\n"
                                      "[other]\nbridge=outcall4\nsubnet=10.200.7.0/24\n",
                                      -1, NULL));
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*outcall-twice*network outcall-good has*");
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*outcall-bad*no complete entry*");
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*other*no complete entry*");
  fourth = open_networks (tb, dir);
  g_test_assert_expected_messages ();
  assert_known (fourth, "good", "outcall2", "10.200.9.0/24");
  g_assert_null (oc_networks_lookup (fourth, "bad"));
  oc_test_run ("rm -r '%s'", dir);
}

/* A disk that is full leaves nothing half made. */
static void
test_not_remembered (Testbed *tb, gconstpointer data)
{
  g_autoptr (OcNetworks) networks = open_networks (tb, "/nowhere");
  OcNetworkRequest request = { .name = "staging" };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  gboolean created;

  (void) data;
  g_assert_true (oc_networks_up (networks, &error));
  before = output_of ("nft -s list ruleset; ip -br addr");
  g_assert_null (oc_networks_create (networks, &request, &created, &error));
  g_assert_nonnull (strstr (error->message, "/nowhere"));
  after = output_of ("nft -s list ruleset; ip -br addr");
  g_assert_cmpstr (before, ==, after);
}

/* --- Damage --------------------------------------------------------------------- */

typedef struct
{
  Testbed *tb;
  int dns;
  guint64 repairs;
} Repair;

static gboolean
is_repaired (gpointer data)
{
  Repair *repair = data;
  OcBridgeState state;

  return oc_networks_get_n_repairs (repair->tb->networks) > repair->repairs
         && oc_network_get_state (repair->tb->network, &state, NULL) && state.up
         && state.has_gateway && oc_network_has_port (repair->tb->network, "ocw1")
         && oc_network_has_port (repair->tb->network, "ocw2");
}

static gboolean
is_served (gpointer data)
{
  Repair *repair = data;

  return tb_send_udp (repair->tb->w1, TB_GATEWAY, 53, repair->dns, 100) == 0
         && tb_send_udp (repair->tb->w2, TB_GATEWAY, 53, repair->dns, 100) == 0;
}

/* Whatever somebody does to our bridge and ports is noticed, told and put right; what a
 * workload could not do before it cannot do meanwhile. */
static void
test_damage (Testbed *tb, gconstpointer data)
{
  static const struct
  {
    const char *command;
    const char *told;
  } damages[] = {
    { "ip link del outcall0", "*it was removed or renamed; restored*" },
    { "ip link set outcall0 down && ip link set outcall0 name other0 && ip link set other0 up",
      "*it was *; restored*" },
    { "ip link set outcall0 down", "*it was set down; restored*" },
    { "ip addr del 10.200.0.1/24 dev outcall0", "*its address was removed; restored*" },
    { "ip link set outcall0 address 02:00:00:00:00:09", "*hardware address was changed*" },
    { "ip link set ocw1 nomaster", "*port ocw1 was taken off*restored*" },
    { "bridge link set dev ocw2 isolated off", "*port ocw2 was taken off*restored*" },
    { "ip link add br9 type bridge && ip link set ocw1 master br9",
      "*port ocw1 was taken off*restored*" },
  };
  Repair repair = { .tb = tb };

  (void) data;
  repair.dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_test_message ("%s", damages[i].command);
      repair.repairs = oc_networks_get_n_repairs (tb->networks);
      g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, damages[i].told);
      if (i < 2) /* it takes both ports along */
        {
          g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*port ocw*");
          g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*port ocw*");
        }
      oc_test_run ("%s", damages[i].command);
      g_assert_true (oc_test_wait (is_repaired, &repair));
      g_test_assert_expected_messages ();
      g_assert_true (oc_test_wait (is_served, &repair));
      g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
    }
  oc_test_run ("ip link del br9");
  close (repair.dns);
}

/* Notifications that the kernel threw away cost nothing but a look at everything. */
static void
test_overrun (Testbed *tb, gconstpointer data)
{
  Repair repair = { .tb = tb };
  int small = 1;

  (void) data;
  g_assert_cmpint (setsockopt (oc_netlink_watch_get_fd (tb->networks->watch), SOL_SOCKET,
                               SO_RCVBUF, &small, sizeof small),
                   ==, 0);
  oc_test_run ("for i in $(seq 64); do echo link set lo down; echo link set lo up; done | "
               "ip -batch -");
  oc_test_run ("ip link set ocw2 nomaster");
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*port ocw2 was taken off*restored*");
  g_assert_true (oc_test_wait (is_repaired, &repair));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (oc_networks_get_n_overruns (tb->networks), >, 0);
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/networks/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("create", test_create);
  ADD ("names", test_names);
  ADD ("subnets", test_subnets);
  ADD ("limit", test_limit);
  ADD ("listener", test_listener);
  ADD ("apart", test_apart);
  ADD ("adoption", test_adoption);
  ADD ("not-remembered", test_not_remembered);
  ADD ("damage", test_damage);
  ADD ("overrun", test_overrun);
  return g_test_run ();
}
