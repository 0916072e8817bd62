/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

/* Turns IPv6 off on one interface. A kernel without IPv6 has no such sysctl, which is fine. */
static gboolean
disable_ipv6 (int netns_fd, const char *interface, GError **error)
{
  const char *key[] = { "ipv6", "conf", interface, "disable_ipv6", NULL };
  g_autoptr (GError) local = NULL;

  if (oc_netns_set_sysctl (netns_fd, key, "1", &local)
      || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Frames to 01:80:c2:00:00:0e pass the bridge by and reach the port's own stack: ARP
 * there answers nothing; IP is dropped by the ruleset. */
static gboolean
silence_arp (const char *port, GError **error)
{
  const char *key[] = { "ipv4", "conf", port, "arp_ignore", NULL };

  return oc_netns_set_sysctl (-1, key, "8", error);
}

/* The workload's side. Nothing here is trusted later: a workload with full rights
 * in its namespace may change all of it, and then reaches nothing. */
static gboolean
set_up_inside (OcNetwork *network, OcNetlink *inside, int netns_fd, const char *name,
               const OcAddress *address, GError **error)
{
  guint8 gateway_mac[6];
  OcLink lo, link;

  oc_network_make_mac (&network->gateway, gateway_mac);
  return oc_netlink_get_link (inside, "lo", &lo, error)
         && oc_netlink_set_up (inside, lo.index, TRUE, error)
         && oc_netlink_get_link (inside, name, &link, error)
         && disable_ipv6 (netns_fd, name, error)
         && oc_netlink_add_address (inside, link.index, address, OC_NETWORK_PREFIX, error)
         && oc_netlink_set_up (inside, link.index, TRUE, error)
         && oc_netlink_set_neighbour (inside, link.index, &network->gateway, gateway_mac, error)
         && oc_netlink_add_default_route (inside, link.index, &network->gateway, error);
}

static gboolean
check_isolated (OcNetwork *network, const char *port, GError **error)
{
  OcLink link;

  if (!oc_netlink_get_link (network->netlink, port, &link, error))
    return FALSE;
  if (!link.isolated)
    return oc_throw_code (error, G_IO_ERROR_NOT_SUPPORTED,
                          "cannot enforce: this kernel lacks isolated bridge ports (port %s)",
                          port);
  return TRUE;
}

/* Our side: a port that learns nothing, is flooded with nothing and cannot talk to
 * other ports; its MAC is pinned to it, and its address to its MAC. */
static gboolean
tie_port (OcNetwork *network, const OcLink *port, const guint8 mac[6], const OcAddress *address,
          GError **error)
{
  OcBridgePort flags = { .isolated = TRUE };
  OcNetlink *netlink = network->netlink;
  OcLink bridge;

  return oc_netlink_get_link (netlink, network->bridge, &bridge, error)
         && disable_ipv6 (-1, port->name, error) && silence_arp (port->name, error)
         && oc_netlink_set_master (netlink, port->index, bridge.index, error)
         && oc_netlink_set_bridge_port (netlink, port->index, &flags, error)
         && check_isolated (network, port->name, error)
         && oc_netlink_add_fdb (netlink, port->index, mac, error)
         && oc_netlink_set_neighbour (netlink, bridge.index, address, mac, error);
}

gboolean
oc_network_set_up_port (OcNetwork *network, const OcLink *port, const guint8 mac[6],
                        const OcAddress *address, GError **error)
{
  return oc_netlink_set_alias (network->netlink, port->index, OC_PORT_ALIAS, error)
         && tie_port (network, port, mac, address, error);
}

/* The kernel acts on a new carrier a little later, and until then drops what is sent:
 * a sandbox's first DNS query, say. Since Linux 6.9 it does so when asked for the
 * link; before, a few milliseconds pass. Order: what one shows depends on the one before. */
static void
wait_until_running (OcNetwork *network, OcNetlink *inside, const char *port)
{
  const struct
  {
    OcNetlink *netlink;
    const char *name;
  } links[] = {
    { network->netlink, port }, { inside, OC_PORT_INSIDE }, { network->netlink, network->bridge },
  };
  gint64 deadline_us = g_get_monotonic_time () + OC_PORT_WAIT_MS * 1000;

  for (guint i = 0; i < G_N_ELEMENTS (links);)
    {
      OcLink link = { 0 };

      if (!oc_netlink_get_link (links[i].netlink, links[i].name, &link, NULL) || link.running)
        i++;
      else if (g_get_monotonic_time () > deadline_us)
        return; /* it will, or it is gone already */
      else
        g_usleep (500);
    }
}

gboolean
oc_network_attach (OcNetwork *network, int netns_fd, const char *port, const guint8 mac[6],
                   const OcAddress *address, GError **error)
{
  OcVeth veth = { .name = port, .peer_name = OC_PORT_INSIDE, .peer_mac = mac,
                  .peer_netns_fd = netns_fd };
  g_autoptr (OcNetlink) inside = oc_netlink_new (NETLINK_ROUTE, netns_fd, error);
  OcNetlink *netlink = network->netlink;
  OcLink link;

  if (inside == NULL || !oc_netlink_add_veth (netlink, &veth, error)
      || !oc_netlink_get_link (netlink, port, &link, error))
    return oc_prefix (error, "attach to %s", network->name);
  if (oc_network_set_up_port (network, &link, mac, address, error)
      && set_up_inside (network, inside, netns_fd, OC_PORT_INSIDE, address, error)
      && oc_netlink_set_up (netlink, link.index, TRUE, error))
    {
      wait_until_running (network, inside, port);
      return TRUE;
    }
  (void) oc_netlink_delete_link (netlink, link.index, NULL); /* the first error counts */
  return oc_prefix (error, "attach to %s", network->name);
}

gboolean
oc_network_is_own_port (const OcLink *link)
{
  return strcmp (link->alias, OC_PORT_ALIAS) == 0;
}

gboolean
oc_network_adopt (OcNetwork *network, const char *port, const guint8 mac[6],
                  const OcAddress *address, GError **error)
{
  OcLink link;

  if (!oc_netlink_get_link (network->netlink, port, &link, error)
      || !tie_port (network, &link, mac, address, error))
    return oc_prefix (error, "port %s of %s", port, network->name);
  return TRUE;
}

gboolean
oc_network_set_up_inside (OcNetwork *network, int netns_fd, const char *name,
                          const OcAddress *address, GError **error)
{
  g_autoptr (OcNetlink) inside = oc_netlink_new (NETLINK_ROUTE, netns_fd, error);

  return (inside != NULL && set_up_inside (network, inside, netns_fd, name, address, error))
         || oc_prefix (error, "address in %s", network->name);
}

gboolean
oc_network_detach (OcNetwork *network, const char *port, GError **error)
{
  g_autoptr (GError) local = NULL;
  OcLink link;

  if (oc_netlink_get_link (network->netlink, port, &link, &local))
    {
      if (strcmp (link.alias, OC_PORT_ALIAS) != 0)
        return oc_throw_code (error, G_IO_ERROR_EXISTS, "link %s is not a port of Outcall", port);
      if (oc_netlink_delete_link (network->netlink, link.index, &local))
        return TRUE;
    }
  /* It may go by itself at any time, with the namespace of its other end. */
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local), "detach from %s: ", network->name);
  return FALSE;
}

gboolean
oc_network_has_port (OcNetwork *network, const char *port)
{
  OcLink bridge, link;

  return oc_netlink_get_link (network->netlink, network->bridge, &bridge, NULL)
         && oc_netlink_get_link (network->netlink, port, &link, NULL)
         && link.master == bridge.index;
}

GPtrArray *
oc_network_list_ports (OcNetwork *network, GError **error)
{
  g_autoptr (GPtrArray) ports = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;
  g_autoptr (GArray) links = NULL;
  OcLink bridge;

  if (!oc_netlink_get_link (network->netlink, network->bridge, &bridge, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return g_steal_pointer (&ports);
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  links = oc_netlink_list_links (network->netlink, error);
  if (links == NULL)
    return NULL;
  for (guint i = 0; i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);

      if (link->master == bridge.index && strcmp (link->alias, OC_PORT_ALIAS) == 0)
        g_ptr_array_add (ports, g_strdup (link->name));
    }
  return g_steal_pointer (&ports);
}
