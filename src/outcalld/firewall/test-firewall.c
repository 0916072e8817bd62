/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall.h"

#include <linux/capability.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "firewall/oc-firewall-private.h"
#include "testlib/oc-testns.h"

static const OcFirewallOptions reject_options = { .dns_port = 53,
                                                  .proxy_port = 8080,
                                                  .proxy_http_port = 8081,
                                                  .proxy_tls_port = 8443 };
static const OcFirewallOptions no_proxy_options = { .dns_port = 53 };
static const OcFirewallOptions silent_options = { .deny_drop = TRUE, .dns_port = 53 };

static OcAddress
parse (const char *text)
{
  OcAddress address;

  g_assert_true (oc_address_parse (oc_str_from (text), &address));
  return address;
}

static OcFirewallBridge
make_bridge (const char *name, const char *gateway)
{
  OcFirewallBridge bridge = { .gateway = parse (gateway) };

  g_strlcpy (bridge.name, name, sizeof bridge.name);
  return bridge;
}

static OcLease
make_lease (const char *bridge, guint n)
{
  OcLease lease = { .address = oc_address_from_v4 (htonl (0x0ac80000u + n)) };

  g_strlcpy (lease.bridge, bridge, sizeof lease.bridge);
  g_snprintf (lease.port, sizeof lease.port, "oc%u", n);
  oc_firewall_make_mac (&lease.address, lease.mac);
  return lease;
}

static OcFirewall *
make_firewall (const OcFirewallOptions *options)
{
  g_autoptr (GError) error = NULL;
  OcFirewall *firewall = oc_firewall_new (options, &error);

  g_assert_no_error (error);
  return firewall;
}

static char *
list_ruleset (void)
{
  char *text = NULL;

  g_assert_cmpint (oc_test_try (&text, "nft -s list ruleset"), ==, 0);
  return text;
}

/* What nft prints is what data/ says, byte for byte. OUTCALL_REGEN=1 rewrites it. */
static void
compare_golden (const char *name)
{
  g_autofree char *is = list_ruleset ();
  g_autofree char *path
      = g_build_filename (g_getenv ("OUTCALL_SRCDIR") ? g_getenv ("OUTCALL_SRCDIR") : ".", "src",
                          "outcalld", "firewall", "data", name, NULL);
  g_autofree char *wanted = NULL;
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (g_getenv ("OUTCALL_REGEN"), "1") == 0)
    g_assert_true (g_file_set_contents (path, is, -1, &error));
  g_assert_true (g_file_get_contents (path, &wanted, NULL, &error));
  g_assert_cmpstr (is, ==, wanted);
}

static void
test_golden (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  OcLease lease = make_lease ("outcall0", 2);
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  compare_golden ("reject.nft");
  g_assert_true (oc_firewall_is_active (firewall));
  /* Again: exactly the same objects. */
  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  compare_golden ("reject.nft");
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

static void
test_golden_silent (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&silent_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, NULL, 0, &error));
  compare_golden ("silent-no-proxy.nft");
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

static void
test_golden_no_proxy (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&no_proxy_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, NULL, 0, &error));
  compare_golden ("reject-no-proxy.nft");
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

/* Changed while it runs, it is what a start with it would have made. */
static void
test_deny (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  OcLease lease = make_lease ("outcall0", 2);
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  g_assert_true (oc_firewall_set_deny_drop (firewall, TRUE, &error));
  compare_golden ("silent.nft");
  g_assert_true (oc_firewall_repair (firewall, &error));
  g_assert_true (oc_firewall_set_deny_drop (firewall, FALSE, &error));
  compare_golden ("reject.nft");
  g_assert_cmpuint (oc_firewall_get_n_restored (firewall, NULL), ==, 0);
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_true (oc_firewall_set_deny_drop (firewall, TRUE, &error));
  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  compare_golden ("silent.nft");
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

/* Tables of others are not touched, not even by name in another family. */
static void
test_foreign_tables (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;

  oc_test_run ("nft add table inet filter && nft add chain inet filter input "
               "'{ type filter hook input priority 0; }' && "
               "nft add rule inet filter input tcp dport 22 accept && "
               "nft add table ip outcall && nft add set ip outcall x '{ type ipv4_addr; }'");
  before = list_ruleset ();
  g_assert_false (oc_firewall_is_active (firewall));
  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, NULL, 0, &error));
  g_assert_true (oc_firewall_is_active (firewall));
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_false (oc_firewall_is_active (firewall));
  after = list_ruleset ();
  g_assert_cmpstr (before, ==, after);
  oc_test_run ("nft flush ruleset");
  g_assert_no_error (error);
}

/* One at a time gives the same as all at once, and taking away leaves nothing. */
static void
test_increments (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  OcLease lease = make_lease ("outcall0", 2);
  OcLease other = make_lease ("outcall1", 3);
  g_autofree char *empty = NULL;
  g_autofree char *end = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_replace (firewall, NULL, 0, NULL, 0, &error));
  empty = list_ruleset ();
  g_assert_true (oc_firewall_add_bridge (firewall, &bridge, &error));
  g_assert_true (oc_firewall_add_bridge (firewall, &bridge, &error));
  g_assert_true (oc_firewall_add_lease (firewall, &lease, &error));
  g_assert_true (oc_firewall_add_lease (firewall, &lease, &error));
  compare_golden ("reject.nft");
  g_assert_false (oc_firewall_add_lease (firewall, &other, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_strlcpy (other.bridge, "outcall0", sizeof other.bridge);
  memcpy (other.mac, lease.mac, 6);
  g_assert_false (oc_firewall_add_lease (firewall, &other, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (oc_firewall_remove_bridge (firewall, "outcall0", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (oc_firewall_remove_lease (firewall, &lease, &error));
  g_assert_true (oc_firewall_remove_lease (firewall, &lease, &error));
  g_assert_true (oc_firewall_remove_bridge (firewall, "outcall0", &error));
  end = list_ruleset ();
  g_assert_cmpstr (empty, ==, end);
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

static gboolean
has_large_buffers (void)
{
  oc_autofd int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int size = 1 << 20;

  return setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0;
}

/* Thousands of leases are one transaction too. */
static void
test_many_leases (void)
{
  /* Without privilege over the whole system a transaction has the system's limit. */
  const guint n = has_large_buffers () ? 3000 : 300;
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  g_autofree OcLease *leases = g_new0 (OcLease, n);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start_us;

  for (guint i = 0; i < n; i++)
    leases[i] = make_lease ("outcall0", i + 2);
  start_us = g_get_monotonic_time ();
  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, leases, n, &error));
  g_test_message ("replace with %u leases: %.1f ms", n,
                  (double) (g_get_monotonic_time () - start_us) / 1000);
  g_assert_cmpint (
      oc_test_try (&text, "nft list set bridge outcall leases | grep -o '\"oc' | wc -l"), ==, 0);
  g_assert_cmpuint (g_ascii_strtoull (text, NULL, 10), ==, n);
  g_assert_true (oc_firewall_remove (firewall, &error));
  g_assert_no_error (error);
}

static void
test_counters (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  g_autoptr (GArray) counters = NULL;
  g_autoptr (GError) error = NULL;
  guint found = 0;

  g_assert_true (oc_firewall_replace (firewall, NULL, 0, NULL, 0, &error));
  counters = oc_firewall_get_counters (firewall, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < counters->len; i++)
    {
      const OcFirewallCounter *counter = &g_array_index (counters, OcFirewallCounter, i);

      found += strcmp (counter->name, "forward_refused") == 0;
      found += strcmp (counter->name, "frame_foreign") == 0;
      g_assert_cmpuint (counter->packets, ==, 0);
    }
  g_assert_cmpuint (found, ==, 2);
  g_assert_true (oc_firewall_remove (firewall, &error));
}

/* What the kernel cannot do is an error that names it, and nothing of the probe stays. */
static void
test_missing_feature (void)
{
  static const char *const counters[] = { NULL };
  static const OcSet sets[] = { { 0 } };
  static const OcRule rules[] = { { "probe", { { OC_STEP_ACCEPT, NULL, 0, { 0 } } } }, { 0 } };
  static const OcChain chains[]
      = { { "good", "filter", 0, 0, FALSE, rules }, { "bad", "filter", 99, 0, FALSE, rules }, { 0 } };
  const OcFeature feature = { "a hook number 99", { NFPROTO_INET, "lacking", counters, sets, chains } };
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  g_autofree char *before = list_ruleset ();
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_firewall_probe (firewall, &feature, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "cannot enforce: this kernel lacks a hook number 99"));
  g_assert_nonnull (strstr (error->message, "chain bad"));
  after = list_ruleset ();
  g_assert_cmpstr (before, ==, after);
}

/* Without the right to do it the message says which right is missing. */
static void
test_no_capability (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (prctl (PR_CAPBSET_DROP, CAP_NET_ADMIN), ==, 0);
      g_assert_cmpint (setresuid (65534, 65534, 65534), ==, 0);
      g_assert_null (oc_firewall_new (&reject_options, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
      g_assert_nonnull (strstr (error->message, "CAP_NET_ADMIN"));
      return;
    }
  if (!has_large_buffers ())
    {
      g_test_skip ("no other user in this user namespace");
      return;
    }
  g_test_trap_subprocess (NULL, 5000000, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

/* --- Grants -------------------------------------------------------------- */

static OcGrantKey
make_key (guint32 source, guint32 n)
{
  return (OcGrantKey) { .source_be = htonl (0x0ac80000u + source),
                        .destination_be = htonl (0x01000000u + n),
                        .protocol = IPPROTO_TCP,
                        .port = 443 };
}

static gboolean
add_grant (OcFirewall *firewall, const OcGrantKey *key, guint lifetime_s, GError **error)
{
  const OcGrantRequest request = { .key = *key, .lifetime_s = lifetime_s };

  return oc_firewall_add_grants (firewall, &request, 1, NULL, error);
}

static void
touch (OcGrants *grants, const OcGrantKey *key, guint expires_s)
{
  const OcGrantRequest request = { .key = *key, .lifetime_s = expires_s };

  (void) oc_grants_touch (grants, &request, 0);
}

/* The bookkeeping, at each limit and one beyond. */
static void
test_grant_limits (void)
{
  OcGrants *grants = oc_grants_new ();
  OcGrantKey key;
  OcGrantKey victim;
  gboolean evict;

  for (guint i = 0; i < OC_GRANTS_PER_WORKLOAD_MAX; i++)
    {
      key = make_key (2, i);
      g_assert_true (oc_grants_make_room (grants, &key, 0, &evict, &victim));
      g_assert_false (evict);
      touch (grants, &key, i == 7 ? 100 : 1000);
    }
  key = make_key (2, 0); /* renewed: no longer the least recently used */
  touch (grants, &key, 1000);
  g_assert_true (oc_grants_make_room (grants, &key, 50 * G_USEC_PER_SEC, &evict, &victim));
  g_assert_true (evict);
  g_assert_cmpuint (victim.destination_be, ==, make_key (2, 1).destination_be);
  /* What has expired leaves before somebody who has not. */
  g_assert_true (oc_grants_make_room (grants, &key, 100 * G_USEC_PER_SEC, &evict, &victim));
  g_assert_false (evict);
  /* Another workload has a limit of its own. */
  key = make_key (3, 0);
  g_assert_true (oc_grants_make_room (grants, &key, 50 * G_USEC_PER_SEC, &evict, &victim));
  g_assert_false (evict);
  oc_grants_free (grants);
}

static void
test_grant_total (void)
{
  OcGrants *grants = oc_grants_new ();
  const OcGrantKey extra = make_key (9999, 0);
  OcGrantKey victim;
  gboolean evict;
  guint n = 0;

  for (guint source = 0; n < OC_GRANTS_MAX; source++)
    for (guint i = 0; i < OC_GRANTS_PER_WORKLOAD_MAX && n < OC_GRANTS_MAX; i++, n++)
      {
        OcGrantKey key = make_key (source, i);

        if (n + 1 == OC_GRANTS_MAX)
          g_assert_true (oc_grants_make_room (grants, &key, 50 * G_USEC_PER_SEC, &evict, &victim));
        touch (grants, &key, n == 5 ? 100 : 1000);
      }
  g_assert_false (oc_grants_make_room (grants, &extra, 50 * G_USEC_PER_SEC, &evict, &victim));
  g_assert_true (oc_grants_make_room (grants, &extra, 100 * G_USEC_PER_SEC, &evict, &victim));
  g_assert_cmpuint (oc_grants_count (grants), ==, OC_GRANTS_MAX - 1);
  oc_grants_free (grants);
}

static guint
count_grants (void)
{
  g_autofree char *text = NULL;

  g_assert_cmpint (
      oc_test_try (&text, "nft list set inet outcall grants | grep -o expires | wc -l"), ==, 0);
  return (guint) g_ascii_strtoull (text, NULL, 10);
}

static void
set_up_bridge (OcFirewall *firewall)
{
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  OcLease lease = make_lease ("outcall0", 2);
  g_autoptr (GError) error = NULL;

  oc_test_run ("ip link add outcall0 type bridge && ip addr add 10.200.0.1/24 dev outcall0 && "
               "ip link set outcall0 up && ip link add up0 type veth peer up1 && "
               "ip link set up1 up && ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up && "
               "ip route add default via 192.0.2.2");
  g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  g_assert_no_error (error);
}

static void
tear_down_bridge (OcFirewall *firewall)
{
  g_assert_true (oc_firewall_remove (firewall, NULL));
  oc_test_run ("ip link del outcall0; ip link del up0");
}

static void
test_grants (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcGrantKey key = make_key (2, 1);
  OcGrantKey other = make_key (2, 2);
  OcGrantKey stranger = make_key (9, 1);
  OcGrantKey self = make_key (2, 1);
  OcGrantKey icmp = make_key (2, 1);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  set_up_bridge (firewall);
  g_assert_true (add_grant (firewall, &key, 1000, &error));
  g_assert_true (add_grant (firewall, &other, 1000, &error));
  g_assert_cmpuint (count_grants (), ==, 2);
  g_assert_cmpint (oc_test_try (&text, "cat /proc/sys/net/ipv4/conf/outcall0/forwarding "
                                       "/proc/sys/net/ipv4/conf/up0/forwarding "
                                       "/proc/sys/net/ipv4/conf/lo/forwarding"),
                   ==, 0);
  g_assert_cmpstr (text, ==, "1\n1\n0\n");
  g_assert_true (oc_firewall_remove_grants (firewall, &key, 1, &error));
  g_assert_true (oc_firewall_remove_grants (firewall, &key, 1, &error));
  g_assert_cmpuint (count_grants (), ==, 1);
  g_assert_true (oc_firewall_flush_grants (firewall, 0, NULL, &error));
  g_assert_cmpuint (count_grants (), ==, 0);
  g_assert_no_error (error);

  g_assert_false (add_grant (firewall, &stranger, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  self.destination_be = htonl (0xc0000201);
  g_assert_false (add_grant (firewall, &self, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  icmp.protocol = IPPROTO_ICMP;
  g_assert_false (add_grant (firewall, &icmp, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (count_grants (), ==, 0);
  g_assert_true (oc_firewall_remove (firewall, NULL));
  g_clear_pointer (&text, g_free);
  g_assert_cmpint (oc_test_try (&text, "cat /proc/sys/net/ipv4/conf/outcall0/forwarding "
                                       "/proc/sys/net/ipv4/conf/up0/forwarding"),
                   ==, 0);
  g_assert_cmpstr (text, ==, "0\n0\n");
  tear_down_bridge (firewall);
}

/* --- Somebody else's change at the moment of ours ---------------------------------------- */

static gpointer
insert_rules (gpointer data)
{
  while (!g_atomic_int_get ((gint *) data))
    (void) oc_test_try (NULL, "nft insert rule inet outcall forward accept comment intruder");
  return NULL;
}

static gboolean
has_foreign_rule (void)
{
  return oc_test_try (NULL, "nft list chain inet outcall forward | grep -q intruder") == 0;
}

/* A rule that comes between our transaction and our look at it is not taken for ours. */
static void
test_generation (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
  g_autoptr (GError) error = NULL;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK); /* each repair warns */
  guint n_missed = 0;
  guint n_foreign = 0;

  for (guint round = 0; round < 12; round++)
    {
      gint done = 0;
      GThread *thread = g_thread_new ("foreign", insert_rules, &done);

      for (guint i = 0; i < 25; i++)
        g_assert_true (oc_firewall_replace (firewall, &bridge, 1, NULL, 0, &error));
      g_atomic_int_set (&done, 1);
      g_thread_join (thread);
      n_foreign += has_foreign_rule ();
      g_assert_true (oc_firewall_repair (firewall, &error));
      n_missed += has_foreign_rule ();
    }
  (void) g_log_set_always_fatal (fatal);
  g_assert_no_error (error);
  g_assert_cmpuint (n_foreign, >, 0);
  g_assert_cmpuint (n_missed, ==, 0);
  g_assert_true (oc_firewall_remove (firewall, NULL));
}

/* --- Forwarding: not for others ------------------------------------------------------------ */

/* A namespace behind the link @name, with @address, which has @gateway for everything. */
static GPid
add_neighbour (const char *name, const char *address, const char *gateway)
{
  const char *argv[] = { "unshare", "--net", "sleep", "1000", NULL };
  g_autoptr (GError) error = NULL;
  GPid pid = 0;

  g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                 NULL, &pid, &error);
  g_assert_no_error (error);
  oc_test_run ("until [ \"$(readlink /proc/%d/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do "
               "sleep 0.01; done; ip link set %s netns %d && nsenter -t %d -n sh -c 'ip link set lo up; "
               "ip link set %s up && ip addr add %s/24 dev %s && ip route add default via %s'",
               pid, name, pid, pid, name, address, name, gateway);
  return pid;
}

/* Up to 2 s: the first packet may wait for ARP. */
static gboolean
reaches (GPid from, const char *address)
{
  return oc_test_try (NULL, "nsenter -t %d -n ping -c 2 -i 0.2 -W 1 %s", from, address) == 0;
}

static void
assert_forwarding (const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_cmpint (oc_test_try (&text, "cat /proc/sys/net/ipv4/conf/outcall0/forwarding "
                                       "/proc/sys/net/ipv4/conf/up0/forwarding "
                                       "/proc/sys/net/ipv4/conf/other0/forwarding"),
                   ==, 0);
  g_assert_cmpstr (text, ==, expected);
}

static gboolean
has_no_guard (gpointer data)
{
  return oc_test_try (NULL, "nft list set inet outcall switched_on | grep -q up0") != 0;
}

static void
test_forwarding (void)
{
  OcFirewall *firewall = make_firewall (&reject_options);
  OcGrantKey key = make_key (2, 1);
  g_autofree char *counter = NULL;
  g_autoptr (GError) error = NULL;
  GPid outside;
  GPid inside;

  set_up_bridge (firewall);
  oc_test_run ("ip link add other0 type veth peer other1 && ip addr add 198.51.100.1/24 dev other0 && "
               "ip link set other0 up");
  outside = add_neighbour ("up1", "192.0.2.2", "192.0.2.1");
  inside = add_neighbour ("other1", "198.51.100.2", "198.51.100.1");
  assert_forwarding ("0\n0\n0\n");
  g_assert_true (reaches (outside, "198.51.100.1"));
  g_assert_false (reaches (outside, "198.51.100.2"));
  g_assert_true (oc_firewall_watch (firewall, &error));
  g_assert_true (add_grant (firewall, &key, 1000, &error));
  assert_forwarding ("1\n1\n0\n");
  g_assert_false (reaches (outside, "198.51.100.2")); /* this host is no router for others */
  oc_test_try (&counter, "nft list counter inet outcall forward_unasked");
  g_assert_null (strstr (counter, "packets 0 "));

  /* Killed: the next run takes back what this one did not. */
  oc_firewall_free (firewall);
  assert_forwarding ("1\n1\n0\n");
  firewall = make_firewall (&reject_options);
  {
    OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
    OcLease lease = make_lease ("outcall0", 2);

    g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  }
  assert_forwarding ("0\n0\n0\n");
  g_assert_true (has_no_guard (NULL));

  /* Somebody makes the host a router: then it is one, also after us. */
  g_assert_true (oc_firewall_watch (firewall, &error));
  g_assert_true (add_grant (firewall, &key, 1000, &error));
  g_assert_false (has_no_guard (NULL));
  oc_test_run ("echo 1 >/proc/sys/net/ipv4/ip_forward");
  g_assert_true (oc_test_wait (has_no_guard, NULL));
  g_assert_true (reaches (outside, "198.51.100.2"));
  g_assert_true (oc_firewall_repair (firewall, &error)); /* nothing is amiss */
  g_assert_cmpuint (oc_firewall_get_n_restored (firewall, NULL), ==, 0);
  g_assert_true (oc_firewall_flush_grants (firewall, 0, NULL, &error));
  oc_firewall_free (firewall);
  assert_forwarding ("1\n1\n1\n");
  oc_test_run ("echo 0 >/proc/sys/net/ipv4/ip_forward");

  /* Stopped: taken back at once. */
  firewall = make_firewall (&reject_options);
  {
    OcFirewallBridge bridge = make_bridge ("outcall0", "10.200.0.1");
    OcLease lease = make_lease ("outcall0", 2);

    g_assert_true (oc_firewall_replace (firewall, &bridge, 1, &lease, 1, &error));
  }
  g_assert_true (add_grant (firewall, &key, 1000, &error));
  assert_forwarding ("1\n1\n0\n");
  g_assert_true (oc_firewall_flush_grants (firewall, 0, NULL, &error));
  oc_firewall_free (firewall);
  assert_forwarding ("0\n0\n0\n");
  g_assert_no_error (error);
  oc_test_run ("kill %d %d; ip link del outcall0", outside, inside);
  firewall = make_firewall (&reject_options);
  g_assert_true (oc_firewall_remove (firewall, NULL));
  oc_firewall_free (firewall);
}

/* A renewed grant lives its new lifetime, longer or shorter than the old one. */
static void
test_grant_renewal (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcGrantKey key = make_key (2, 1);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  set_up_bridge (firewall);
  g_assert_true (add_grant (firewall, &key, 5, &error));
  g_assert_true (add_grant (firewall, &key, 7200, &error));
  g_assert_cmpuint (count_grants (), ==, 1);
  g_assert_cmpint (oc_test_try (&text, "nft list set inet outcall grants"), ==, 0);
  g_assert_nonnull (strstr (text, "timeout 2h expires"));
  g_assert_true (add_grant (firewall, &key, 60, &error));
  g_clear_pointer (&text, g_free);
  g_assert_cmpint (oc_test_try (&text, "nft list set inet outcall grants"), ==, 0);
  g_assert_nonnull (strstr (text, "timeout 1m expires"));
  tear_down_bridge (firewall);
}

static void
assert_timeout (const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_cmpint (oc_test_try (&text, "nft list set inet outcall grants"), ==, 0);
  if (strstr (text, expected) == NULL)
    g_error ("not '%s' in:\n%s", expected, text);
}

static gboolean
ensure_grants (OcFirewall *firewall, const OcGrantKey *keys, gsize n, guint lifetime_s,
               GError **error)
{
  OcGrantRequest requests[2];

  for (gsize i = 0; i < n; i++)
    requests[i] = (OcGrantRequest) { .key = keys[i], .lifetime_s = lifetime_s };
  return oc_firewall_ensure_grants (firewall, requests, n, error);
}

/* Two names with one address: the short answer takes nothing from the long one. */
static void
test_grant_ensured (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcGrantKey keys[] = { make_key (2, 1), make_key (2, 1) };
  g_autoptr (GError) error = NULL;

  keys[1].port++;
  set_up_bridge (firewall);
  g_assert_true (ensure_grants (firewall, keys, 2, 3600, &error));
  g_assert_cmpuint (count_grants (), ==, 2);
  g_assert_true (ensure_grants (firewall, keys, 1, 90, &error));
  assert_timeout ("timeout 1h expires");
  g_assert_true (ensure_grants (firewall, keys, 1, 7200, &error));
  assert_timeout ("timeout 2h expires");
  assert_timeout ("timeout 1h expires");
  keys[1].protocol = IPPROTO_ICMP;
  g_assert_false (ensure_grants (firewall, keys, 2, 7200, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  tear_down_bridge (firewall);
}

/* The limit per workload holds in the kernel as well; a lease takes its grants along. */
static void
test_grant_eviction (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  OcLease lease = make_lease ("outcall0", 2);
  g_autoptr (GError) error = NULL;
  gint64 start_us = g_get_monotonic_time ();

  set_up_bridge (firewall);
  for (guint i = 0; i <= OC_GRANTS_PER_WORKLOAD_MAX; i++)
    {
      OcGrantKey key = make_key (2, i);

      g_assert_true (add_grant (firewall, &key, 1000, &error));
    }
  g_test_message ("%d grants: %.1f us each", OC_GRANTS_PER_WORKLOAD_MAX + 1,
                  (double) (g_get_monotonic_time () - start_us) / OC_GRANTS_PER_WORKLOAD_MAX);
  g_assert_cmpuint (count_grants (), ==, OC_GRANTS_PER_WORKLOAD_MAX);
  g_assert_cmpint (oc_test_try (NULL, "nft get element inet outcall grants "
                                      "'{ 10.200.0.2 . 1.0.0.0 . tcp . 443 }'"),
                   !=, 0);
  g_assert_true (oc_firewall_remove_lease (firewall, &lease, &error));
  g_assert_cmpuint (count_grants (), ==, 0);
  g_assert_no_error (error);
  tear_down_bridge (firewall);
}

static gboolean
is_in_kernel (guint address)
{
  return oc_test_try (NULL, "nft get element inet outcall grants '{ 10.200.0.2 . 1.0.%u.%u . tcp "
                            ". 443 }'", address >> 8, address & 255)
         == 0;
}

/* An answer that needs no renewal, coming right after the last one, is a use all the same. */
static void
test_grant_used_again (void)
{
  g_autoptr (OcFirewall) firewall = make_firewall (&reject_options);
  g_autoptr (GError) error = NULL;
  OcGrantKey key;

  set_up_bridge (firewall);
  for (guint i = 0; i < OC_GRANTS_PER_WORKLOAD_MAX; i++)
    {
      key = make_key (2, i);
      g_assert_true (ensure_grants (firewall, &key, 1, 86400, &error));
    }
  key = make_key (2, 0);
  g_assert_true (ensure_grants (firewall, &key, 1, 3600, &error)); /* it has longer than that */
  key = make_key (2, OC_GRANTS_PER_WORKLOAD_MAX);
  g_assert_true (ensure_grants (firewall, &key, 1, 86400, &error));
  g_assert_true (is_in_kernel (0));
  g_assert_false (is_in_kernel (1));
  g_assert_true (is_in_kernel (OC_GRANTS_PER_WORKLOAD_MAX));
  g_assert_no_error (error);
  tear_down_bridge (firewall);
}

int
main (int argc, char **argv)
{
  oc_test_enter_netns ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/firewall/golden", test_golden);
  g_test_add_func ("/firewall/golden-silent", test_golden_silent);
  g_test_add_func ("/firewall/golden-no-proxy", test_golden_no_proxy);
  g_test_add_func ("/firewall/deny", test_deny);
  g_test_add_func ("/firewall/foreign-tables", test_foreign_tables);
  g_test_add_func ("/firewall/increments", test_increments);
  g_test_add_func ("/firewall/generation", test_generation);
  g_test_add_func ("/firewall/forwarding", test_forwarding);
  g_test_add_func ("/firewall/many-leases", test_many_leases);
  g_test_add_func ("/firewall/counters", test_counters);
  g_test_add_func ("/firewall/missing-feature", test_missing_feature);
  g_test_add_func ("/firewall/no-capability", test_no_capability);
  g_test_add_func ("/firewall/grant/limits", test_grant_limits);
  g_test_add_func ("/firewall/grant/total", test_grant_total);
  g_test_add_func ("/firewall/grant/kernel", test_grants);
  g_test_add_func ("/firewall/grant/renewal", test_grant_renewal);
  g_test_add_func ("/firewall/grant/ensured", test_grant_ensured);
  g_test_add_func ("/firewall/grant/eviction", test_grant_eviction);
  g_test_add_func ("/firewall/grant/used-again", test_grant_used_again);
  return g_test_run ();
}
