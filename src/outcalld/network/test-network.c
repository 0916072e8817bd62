/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <fcntl.h>
#include <string.h>

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

static const OcFirewallOptions firewall_options = { .dns_port = 53,
                                                    .proxy_port = 8080,
                                                    .proxy_http_port = 8081,
                                                    .proxy_tls_port = 8443 };
static const OcNetworkOptions network_options = { "outcall0", "10.200.0.0/16" };

typedef struct
{
  OcFirewall *firewall;
  OcNetworks *networks;
  OcNetwork *network;
} Fixture;

static OcNetworks *
open_networks (OcFirewall *firewall)
{
  g_autoptr (GError) error = NULL;
  OcNetworks *networks = oc_networks_new (&network_options, firewall, &error);

  g_assert_no_error (error);
  return networks;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  fixture->firewall = oc_firewall_new (&firewall_options, &error);
  g_assert_no_error (error);
  fixture->networks = open_networks (fixture->firewall);
  fixture->network = oc_networks_get_default (fixture->networks);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  oc_networks_free (fixture->networks);
  oc_firewall_free (fixture->firewall);
}

static char *
output_of (const char *command)
{
  char *text = NULL;

  (void) oc_test_try (&text, "%s", command);
  return text;
}

static void
assert_output (const char *command, const char *wanted)
{
  g_autofree char *text = output_of (command);

  g_assert_cmpstr (g_strchomp (text), ==, wanted);
}

static char *
snapshot_host (void)
{
  return output_of ("ip -o link | sed 's/ qlen.*//'; ip -o addr; ip route; nft -s list ruleset");
}

/* Up, up again, down: exactly the documented objects, the rest untouched. */
static void
test_up_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *before = NULL;
  g_autofree char *up = NULL;
  g_autofree char *again = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  OcBridgeState state;

  (void) data;
  oc_test_run ("nft add table inet other && ip link add other0 type bridge && "
               "ip addr add 10.99.0.1/24 dev other0 && ip link set other0 up");
  before = snapshot_host ();
  g_assert_true (oc_network_get_state (fixture->network, &state, &error));
  g_assert_false (state.present || state.up || state.has_gateway || state.nftables_active);
  g_assert_true (oc_networks_up (fixture->networks, &error));
  up = snapshot_host ();
  g_assert_true (oc_networks_up (fixture->networks, &error));
  again = snapshot_host ();
  g_assert_cmpstr (up, ==, again);
  g_assert_true (oc_network_get_state (fixture->network, &state, &error));
  g_assert_true (state.present && state.up && state.has_gateway && state.nftables_active);
  g_assert_cmpuint (state.index, !=, 0);
  assert_output ("ip -o -4 addr show outcall0 | grep -o 'inet [^ ]* brd [^ ]*'",
                 "inet 10.200.0.1/24 brd 10.200.0.255");
  assert_output ("ip -o -6 addr show outcall0", "");
  assert_output ("cat /sys/class/net/outcall0/address", "0e:c5:0a:c8:00:01");
  assert_output ("cat /proc/sys/net/ipv6/conf/outcall0/disable_ipv6 /proc/sys/net/ipv4/ip_forward "
                 "/proc/sys/net/ipv4/conf/outcall0/forwarding",
                 "1\n0\n0");
  g_assert_true (oc_networks_down (fixture->networks, &error));
  after = snapshot_host ();
  g_assert_cmpstr (before, ==, after);
  g_assert_true (oc_networks_down (fixture->networks, &error));
  g_assert_no_error (error);
  oc_test_run ("nft delete table inet other && ip link del other0");
}

/* A bridge that is there is taken over with its subnet; what is missing is added. */
static void
test_adopt (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OcNetworks) networks = NULL;
  g_autoptr (GError) error = NULL;
  OcAddress gateway;

  (void) data;
  oc_test_run ("ip link add outcall0 type bridge && ip addr add 10.200.7.1/24 dev outcall0");
  networks = open_networks (fixture->firewall);
  gateway = oc_network_get_gateway (oc_networks_get_default (networks));
  g_assert_cmpuint (gateway.bytes[2], ==, 7);
  g_assert_true (oc_networks_up (networks, &error));
  assert_output ("cat /sys/class/net/outcall0/address", "0e:c5:0a:c8:07:01");
  assert_output ("ip -o -4 addr show outcall0 | wc -l", "1");
  g_assert_true (oc_networks_down (networks, &error));
  g_assert_no_error (error);

  oc_test_run ("ip link add outcall0 type veth peer other0");
  g_assert_false (oc_networks_up (fixture->networks, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  oc_test_run ("ip link del outcall0");
  g_assert_true (oc_firewall_remove (fixture->firewall, NULL));
}

static void
test_subnets (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *block;
    const char *route; /* (nullable) */
    const char *gateway_or_error;
  } cases[] = {
    { "10.200.0.0/16", NULL, "10.200.0.1" },
    { "10.200.0.0/16", "10.200.0.0/25", "10.200.1.1" },
    { "10.200.0.0/16", "10.200.0.0/23", "10.200.2.1" },
    { "10.200.0.0/16", "10.0.0.0/8", "no available subnets in 10.200.0.0/16" },
    { "192.168.9.0/24", NULL, "192.168.9.1" },
    { "192.168.9.0/24", "192.168.9.7/32", "no available subnets in 192.168.9.0/24" },
    { "10.200.0.1/16", NULL, "host bits" },
    { "10.200.0.0/25", NULL, "must be like" },
    { "10.200.0.0", NULL, "must be like" },
    { "010.200.0.0/16", NULL, "must be like" },
    { "10.200.0.0/16x", NULL, "must be like" },
    { "fd00::/16", NULL, "must be like" },
    { "8.8.0.0/16", NULL, "RFC 1918" },
    { "172.0.0.0/8", NULL, "RFC 1918" },
  };

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcNetworkOptions options = { "outcall0", cases[i].block };
      g_autoptr (OcNetworks) networks = NULL;
      g_autoptr (GError) error = NULL;
      char text[OC_ADDRESS_TEXT_MAX];
      OcAddress gateway;

      if (cases[i].route != NULL)
        oc_test_run ("ip route add blackhole %s", cases[i].route);
      networks = oc_networks_new (&options, fixture->firewall, &error);
      if (cases[i].route != NULL)
        oc_test_run ("ip route del blackhole %s", cases[i].route);
      if (networks == NULL)
        {
          g_assert_nonnull (strstr (error->message, cases[i].gateway_or_error));
          continue;
        }
      gateway = oc_network_get_gateway (oc_networks_get_default (networks));
      g_assert_cmpstr (oc_address_format (&gateway, text, sizeof text), ==,
                       cases[i].gateway_or_error);
    }
}

static gint64 fake_now_us;

static gint64
get_fake_now (void)
{
  return fake_now_us;
}

static void
test_allocation (Fixture *fixture, gconstpointer data)
{
  OcNetwork *network = fixture->network;
  g_autoptr (GError) error = NULL;
  OcAddress address, first = { 0 }, outside;

  (void) data;
  network->now_us = get_fake_now;
  g_assert_true (oc_address_parse (OC_STR ("10.200.0.3"), &address));
  g_assert_true (oc_network_reserve (network, &address, &error));
  g_assert_false (oc_network_reserve (network, &address, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_true (oc_address_parse (OC_STR ("10.200.1.3"), &outside));
  g_assert_false (oc_network_reserve (network, &outside, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  for (guint i = 0; i < 237; i++) /* .2 to .239 without .3 */
    {
      g_assert_true (oc_network_allocate (network, &address, &error));
      g_assert_cmpuint (address.bytes[3], ==, i == 0 ? 2 : i + 3);
      if (i == 0)
        first = address;
    }
  g_assert_false (oc_network_allocate (network, &address, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&error);
  oc_network_release (network, &first);
  fake_now_us = OC_ADDRESS_QUARANTINE_S * G_USEC_PER_SEC - 1;
  g_assert_false (oc_network_allocate (network, &address, NULL));
  fake_now_us++;
  g_assert_true (oc_network_allocate (network, &address, &error));
  g_assert_true (oc_address_equal (&address, &first));
  /* Neither the gateway nor a stranger's address can be released into use. */
  address.bytes[3] = 1;
  oc_network_release (network, &address);
  oc_network_release (network, &outside);
  fake_now_us += G_USEC_PER_SEC * 1000;
  g_assert_false (oc_network_allocate (network, &address, NULL));
}

static int
open_netns (const char *name)
{
  g_autofree char *path = g_strconcat ("/run/netns/", name, NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
test_attach (Fixture *fixture, gconstpointer data)
{
  OcNetwork *network = fixture->network;
  oc_autofd int netns = -1;
  g_autoptr (GPtrArray) ports = NULL;
  g_autoptr (GError) error = NULL;
  OcAddress address;
  guint8 mac[6];
  gint64 start_us;

  (void) data;
  oc_test_run ("ip netns add octest-w1");
  netns = open_netns ("octest-w1");
  g_assert_true (oc_networks_up (fixture->networks, &error));
  g_assert_true (oc_network_allocate (network, &address, &error));
  oc_network_make_mac (&address, mac);
  start_us = g_get_monotonic_time ();
  g_assert_true (oc_network_attach (network, netns, "ocw1", mac, &address, &error));
  g_test_message ("attach: %.1f ms", (double) (g_get_monotonic_time () - start_us) / 1000);
  g_assert_no_error (error);
  assert_output ("cat /sys/class/net/ocw1/operstate /sys/class/net/outcall0/operstate", "up\nup");
  assert_output ("ip -n octest-w1 -o -4 addr show eth0 | grep -o 'inet [^ ]*'",
                 "inet 10.200.0.2/24");
  assert_output ("ip -n octest-w1 route | head -1", "default via 10.200.0.1 dev eth0 proto static");
  assert_output ("ip netns exec octest-w1 cat /sys/class/net/eth0/address", "0e:c5:0a:c8:00:02");
  assert_output ("ip -n octest-w1 -o -6 addr show eth0", "");
  assert_output ("ip -n octest-w1 neigh",
                 "10.200.0.1 dev eth0 lladdr 0e:c5:0a:c8:00:01 PERMANENT");
  assert_output ("bridge -d link show dev ocw1 | grep -o 'learning off flood off mcast_flood off'",
                 "learning off flood off mcast_flood off");
  assert_output ("bridge -d link show dev ocw1 | grep -o 'isolated on'", "isolated on");
  assert_output ("bridge fdb show brport ocw1 | grep 0e:c5",
                 "0e:c5:0a:c8:00:02 sticky master outcall0 static");

  g_assert_true (oc_network_has_port (network, "ocw1"));
  g_assert_false (oc_network_has_port (network, "lo"));
  oc_test_run ("ip link add oct0 type veth peer oct1 && ip link set oct0 master outcall0");
  ports = oc_network_list_ports (network, &error);
  g_assert_cmpuint (ports->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (ports, 0), ==, "ocw1");
  g_assert_false (oc_network_detach (network, "oct0", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (oc_networks_down (fixture->networks, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "ocw1"));
  g_clear_error (&error);
  oc_test_run ("ip link del oct0");

  /* Twice into one namespace fails and leaves nothing behind. */
  g_assert_false (oc_network_attach (network, netns, "ocw2", mac, &address, &error));
  g_clear_error (&error);
  g_assert_false (oc_network_has_port (network, "ocw2"));
  g_assert_true (oc_network_detach (network, "ocw1", &error));
  g_assert_true (oc_network_detach (network, "ocw1", &error));
  oc_network_release (network, &address);
  assert_output ("ip neigh show dev outcall0", "");
  g_assert_true (oc_networks_down (fixture->networks, &error));
  g_assert_no_error (error);
  oc_test_run ("ip netns del octest-w1");
}

/* --- Watching ------------------------------------------------------------ */

typedef struct
{
  const char *wanted;
  gboolean there;
  guint calls;
} Own;

static void
on_own_addresses (const OcAddress *addresses, gsize n, gpointer user_data)
{
  Own *own = user_data;
  char text[OC_ADDRESS_TEXT_MAX];

  own->calls++;
  own->there = FALSE;
  for (gsize i = 0; i < n; i++)
    own->there |= g_str_equal (oc_address_format (&addresses[i], text, sizeof text), own->wanted);
}

static gboolean
is_there (gpointer user_data)
{
  return ((Own *) user_data)->there;
}

static gboolean
is_gone (gpointer user_data)
{
  return !((Own *) user_data)->there;
}

static void
test_own_addresses (Fixture *fixture, gconstpointer data)
{
  Own own = { .wanted = "198.51.100.7" };
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (oc_networks_watch_addresses (fixture->networks, on_own_addresses, &own, &error));
  g_assert_cmpuint (own.calls, ==, 1);
  oc_test_run ("ip addr add 198.51.100.7/32 dev lo");
  g_assert_true (oc_test_wait (is_there, &own));
  oc_test_run ("ip addr del 198.51.100.7/32 dev lo");
  g_assert_true (oc_test_wait (is_gone, &own));
}

static gboolean
is_isolated (gpointer user_data)
{
  g_autofree char *text = output_of ("bridge -d link show dev oct0");

  (void) user_data;
  return strstr (text, "isolated on") != NULL;
}

/* A port that somebody attaches while we run is made isolated. */
static void
test_foreign_port (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (oc_networks_up (fixture->networks, &error));
  oc_test_run ("ip link add oct0 type veth peer oct1 && ip link set oct0 master outcall0");
  g_assert_true (oc_test_wait (is_isolated, NULL));
  oc_test_run ("ip link del oct0");
  g_assert_true (oc_networks_down (fixture->networks, &error));
}

int
main (int argc, char **argv)
{
  oc_test_enter_netns ();
  /* Names of namespaces that nobody else sees and that end with this process. */
  oc_test_run ("mount -t tmpfs none /run && mkdir /run/netns");
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/network/up-down", test_up_down);
  ADD ("/network/adopt", test_adopt);
  ADD ("/network/subnets", test_subnets);
  ADD ("/network/allocation", test_allocation);
  ADD ("/network/attach", test_attach);
  ADD ("/network/own-addresses", test_own_addresses);
  ADD ("/network/foreign-port", test_foreign_port);
  return g_test_run ();
}
