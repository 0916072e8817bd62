/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

static const guint8 mac_a[6] = { 0x0e, 0xc5, 10, 0, 0, 1 };
static const guint8 mac_b[6] = { 0x0e, 0xc5, 10, 0, 0, 2 };

/* A namespace that lives as long as its file descriptor. */
static int
make_netns (void)
{
  int pipe_fd[2];
  char path[64];
  char byte;
  pid_t child;
  int fd;

  g_assert_cmpint (pipe2 (pipe_fd, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    {
      if (unshare (CLONE_NEWNET) < 0 || write (pipe_fd[1], "x", 1) != 1)
        _exit (1);
      pause ();
      _exit (0);
    }
  g_assert_cmpint (read (pipe_fd[0], &byte, 1), ==, 1);
  g_snprintf (path, sizeof path, "/proc/%d/ns/net", (int) child);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  close (pipe_fd[0]);
  close (pipe_fd[1]);
  return fd;
}

static OcNetlink *
open_route (int netns_fd)
{
  g_autoptr (GError) error = NULL;
  OcNetlink *netlink = oc_netlink_new (NETLINK_ROUTE, netns_fd, &error);

  g_assert_no_error (error);
  return netlink;
}

static OcAddress
parse (const char *text)
{
  OcAddress address;

  g_assert_true (oc_address_parse (oc_str_from (text), &address));
  return address;
}

static void
test_bridge (void)
{
  g_autoptr (OcNetlink) netlink = open_route (-1);
  g_autoptr (GError) error = NULL;
  OcAddress address = parse ("10.9.0.1");
  g_autoptr (GArray) addresses = NULL;
  OcLink link;
  gboolean found = FALSE;

  g_assert_true (oc_netlink_add_bridge (netlink, "ntb0", mac_a, &error));
  g_assert_true (oc_netlink_get_link (netlink, "ntb0", &link, &error));
  g_assert_cmpstr (link.kind, ==, "bridge");
  g_assert_cmpmem (link.mac, 6, mac_a, 6);
  g_assert_false (link.up);
  g_assert_true (oc_netlink_set_up (netlink, link.index, TRUE, &error));
  g_assert_true (oc_netlink_set_mtu (netlink, link.index, 1400, &error));
  g_assert_true (oc_netlink_add_address (netlink, link.index, &address, 24, &error));
  g_assert_true (oc_netlink_add_address (netlink, link.index, &address, 24, &error));
  g_assert_true (oc_netlink_set_alias (netlink, link.index, "a test", &error));
  g_assert_true (oc_netlink_get_link (netlink, "ntb0", &link, &error));
  g_assert_cmpstr (link.alias, ==, "a test");
  g_assert_true (link.up);
  g_assert_cmpuint (link.mtu, ==, 1400);
  addresses = oc_netlink_list_addresses (netlink, &error);
  for (guint i = 0; i < addresses->len; i++)
    {
      OcInterfaceAddress *entry = &g_array_index (addresses, OcInterfaceAddress, i);

      found |= entry->index == link.index && entry->prefix_len == 24
               && oc_address_equal (&entry->address, &address);
    }
  g_assert_true (found);
  g_assert_true (oc_netlink_delete_link (netlink, link.index, &error));
  g_assert_no_error (error);
}

static void
test_errors (void)
{
  g_autoptr (OcNetlink) netlink = open_route (-1);
  g_autoptr (GError) error = NULL;
  OcLink link;

  g_assert_false (oc_netlink_get_link (netlink, "nothing0", &link, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nothing0"));
  g_clear_error (&error);
  g_assert_false (oc_netlink_get_link (netlink, "name-that-is-too-long", &link, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (oc_netlink_add_bridge (netlink, "lo", mac_a, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, "add bridge lo: File exists"));
  g_clear_error (&error);
  g_assert_false (oc_netlink_delete_link (netlink, 99999, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  /* The socket is in step after all of that. */
  g_clear_error (&error);
  g_assert_true (oc_netlink_get_link (netlink, "lo", &link, &error));
}

/* A veth pair whose far end is made inside another namespace and set up there. */
static void
test_veth (void)
{
  oc_autofd int netns = make_netns ();
  g_autoptr (OcNetlink) here = open_route (-1);
  g_autoptr (OcNetlink) there = open_route (netns);
  g_autoptr (GError) error = NULL;
  OcVeth veth = { .name = "ntp0", .peer_name = "eth0", .peer_mac = mac_b,
                  .peer_netns_fd = netns };
  OcBridgePort flags = { .isolated = TRUE };
  OcAddress address = parse ("10.9.0.2");
  OcAddress gateway = parse ("10.9.0.1");
  g_autoptr (GArray) routes = NULL;
  OcLink bridge, port, peer;

  g_assert_true (oc_netlink_add_bridge (here, "ntb0", mac_a, &error));
  g_assert_true (oc_netlink_get_link (here, "ntb0", &bridge, &error));
  g_assert_true (oc_netlink_add_veth (here, &veth, &error));
  g_assert_true (oc_netlink_get_link (here, "ntp0", &port, &error));
  g_assert_false (oc_netlink_get_link (here, "eth0", &peer, NULL));
  g_assert_true (oc_netlink_set_master (here, port.index, bridge.index, &error));
  g_assert_true (oc_netlink_set_bridge_port (here, port.index, &flags, &error));
  g_assert_true (oc_netlink_add_fdb (here, port.index, mac_b, &error));
  g_assert_true (oc_netlink_set_neighbour (here, bridge.index, &address, mac_b, &error));
  g_assert_true (oc_netlink_delete_neighbour (here, bridge.index, &address, &error));
  g_assert_true (oc_netlink_get_link (here, "ntp0", &port, &error));
  g_assert_cmpuint (port.master, ==, bridge.index);
  g_assert_true (port.isolated);

  g_assert_true (oc_netlink_get_link (there, "eth0", &peer, &error));
  g_assert_cmpmem (peer.mac, 6, mac_b, 6);
  g_assert_true (oc_netlink_add_address (there, peer.index, &address, 24, &error));
  g_assert_true (oc_netlink_set_up (there, peer.index, TRUE, &error));
  g_assert_true (oc_netlink_add_default_route (there, peer.index, &gateway, &error));
  routes = oc_netlink_list_routes (there, &error);
  g_assert_cmpuint (routes->len, ==, 2);
  g_assert_cmpuint (g_array_index (routes, OcRoute, 0).destination.family, ==, 0);
  g_assert_true (oc_netlink_delete_link (here, port.index, &error));
  g_assert_true (oc_netlink_delete_link (here, bridge.index, &error));
  g_assert_no_error (error);
}

static void
test_route_lookup (void)
{
  g_autoptr (OcNetlink) netlink = open_route (-1);
  g_autoptr (GError) error = NULL;
  OcAddress self = parse ("127.0.0.1");
  OcAddress away = parse ("192.0.2.1");
  guint32 index;
  gboolean local;

  g_assert_true (oc_netlink_lookup_route (netlink, &self, &index, &local, &error));
  g_assert_true (local);
  g_assert_cmpuint (index, ==, 1);
  g_assert_false (oc_netlink_lookup_route (netlink, &away, &index, &local, &error));
  g_assert_nonnull (strstr (error->message, "route to 192.0.2.1: Network is unreachable"));
}

static void
test_sysctl (void)
{
  static const char *const key[] = { "ipv4", "conf", "lo", "forwarding", NULL };
  static const char *const evil[] = { "ipv4", "..", "..", "kernel", "hostname", NULL };
  oc_autofd int netns = make_netns ();
  g_autoptr (GError) error = NULL;
  g_autofree char *here = NULL;
  g_autofree char *there = NULL;

  g_assert_true (oc_netns_set_sysctl (netns, key, "1", &error));
  there = oc_netns_get_sysctl (netns, key, &error);
  here = oc_netns_get_sysctl (-1, key, &error);
  g_assert_cmpstr (there, ==, "1");
  g_assert_cmpstr (here, ==, "0");
  g_assert_false (oc_netns_set_sysctl (-1, evil, "x", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

typedef struct
{
  OcNetlinkWatch *watch;
  OcNetlinkKinds seen;
} Watched;

static void
on_change (OcNetlinkKinds kinds, gpointer user_data)
{
  ((Watched *) user_data)->seen |= kinds;
}

static gboolean
saw_both (gpointer user_data)
{
  return ((Watched *) user_data)->seen == (OC_NETLINK_LINKS | OC_NETLINK_ADDRESSES);
}

static gboolean
saw_overrun (gpointer user_data)
{
  Watched *watched = user_data;

  return oc_netlink_watch_get_overruns (watched->watch) > 0 && saw_both (watched);
}

static void
test_watch (void)
{
  g_autoptr (OcNetlink) netlink = open_route (-1);
  g_autoptr (GError) error = NULL;
  Watched watched = { 0 };
  OcAddress address = parse ("10.9.0.1");
  OcLink link;

  watched.watch = oc_netlink_watch_new (OC_NETLINK_LINKS | OC_NETLINK_ADDRESSES, on_change,
                                        &watched, &error);
  g_assert_no_error (error);
  g_assert_true (oc_netlink_add_bridge (netlink, "ntw0", mac_a, &error));
  g_assert_true (oc_netlink_get_link (netlink, "ntw0", &link, &error));
  g_assert_true (oc_netlink_add_address (netlink, link.index, &address, 24, &error));
  g_assert_true (oc_test_wait (saw_both, &watched));
  g_assert_true (oc_netlink_delete_link (netlink, link.index, &error));
  oc_netlink_watch_free (watched.watch);
}

/* Notifications that the kernel throws away end as "everything may be different". */
static void
test_watch_overrun (void)
{
  g_autoptr (OcNetlink) netlink = open_route (-1);
  g_autoptr (GError) error = NULL;
  Watched watched = { 0 };
  int small = 1;
  OcLink link;

  watched.watch = oc_netlink_watch_new (OC_NETLINK_LINKS | OC_NETLINK_ADDRESSES, on_change,
                                        &watched, &error);
  g_assert_no_error (error);
  g_assert_cmpint (setsockopt (oc_netlink_watch_get_fd (watched.watch), SOL_SOCKET, SO_RCVBUF,
                               &small, sizeof small),
                   ==, 0);
  g_assert_true (oc_netlink_add_bridge (netlink, "ntw0", mac_a, &error));
  g_assert_true (oc_netlink_get_link (netlink, "ntw0", &link, &error));
  for (guint i = 0; i < 64; i++)
    g_assert_true (oc_netlink_set_up (netlink, link.index, i % 2 == 0, &error));
  g_assert_true (oc_test_wait (saw_overrun, &watched));
  g_assert_true (oc_netlink_delete_link (netlink, link.index, &error));
  oc_netlink_watch_free (watched.watch);
}

int
main (int argc, char **argv)
{
  oc_test_enter_netns ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netlink/bridge", test_bridge);
  g_test_add_func ("/netlink/errors", test_errors);
  g_test_add_func ("/netlink/veth", test_veth);
  g_test_add_func ("/netlink/route-lookup", test_route_lookup);
  g_test_add_func ("/netlink/sysctl", test_sysctl);
  g_test_add_func ("/netlink/watch", test_watch);
  g_test_add_func ("/netlink/watch-overrun", test_watch_overrun);
  return g_test_run ();
}
