/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"
#include "common/oc-source.h"

#define REPAIR_RETRY_MS 1000

/* --- Own addresses ------------------------------------------------------- */

static void
report_own_addresses (OcNetworks *networks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = oc_netlink_list_addresses (networks->netlink, &error);
  g_autofree OcAddress *addresses = NULL;

  if (entries == NULL)
    {
      g_warning ("own addresses: %s", error->message);
      return;
    }
  addresses = g_new0 (OcAddress, entries->len + 1);
  for (guint i = 0; i < entries->len; i++)
    addresses[i] = g_array_index (entries, OcInterfaceAddress, i).address;
  networks->own_addresses_func (addresses, entries->len, networks->own_addresses_data);
}

gboolean
oc_networks_watch_addresses (OcNetworks *networks, OcOwnAddressesFunc func, gpointer user_data,
                             GError **error)
{
  if (!oc_networks_ensure_watch (networks, error))
    return FALSE;
  networks->own_addresses_func = func;
  networks->own_addresses_data = user_data;
  report_own_addresses (networks);
  return TRUE;
}

/* --- Repair -------------------------------------------------------------- */

/* Why the bridge is not as oc_network_ensure_bridge() leaves it, NULL when it is. */
static const char *
find_damage (OcNetwork *network)
{
  OcBridgeState state;
  guint8 mac[6];
  OcLink link;

  if (!oc_network_get_state (network, &state, NULL))
    return NULL; /* not known, so not touched */
  if (!state.present)
    return "it was removed or renamed";
  if (!state.up)
    return "it was set down";
  if (!state.has_gateway)
    return "its address was removed";
  oc_network_make_mac (&network->gateway, mac);
  if (oc_netlink_get_link (network->netlink, network->bridge, &link, NULL)
      && memcmp (link.mac, mac, sizeof mac) != 0)
    return "its hardware address was changed";
  return NULL;
}

/* Our bridge under another name keeps the gateway address, so it has to go; its ports
 * come to the new one. */
static void
delete_renamed (OcNetwork *network)
{
  g_autoptr (GArray) links = oc_netlink_list_links (network->netlink, NULL);
  g_autofree char *alias = g_strconcat (OC_BRIDGE_ALIAS, network->name, NULL);

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);

      if (strcmp (link->kind, "bridge") == 0 && strcmp (link->alias, alias) == 0
          && strcmp (link->name, network->bridge) != 0)
        (void) oc_netlink_delete_link (network->netlink, link->index, NULL);
    }
}

static gboolean
repair_bridge (OcNetworks *networks, OcNetwork *network)
{
  const char *damage = find_damage (network);
  g_autoptr (GError) error = NULL;

  if (damage == NULL)
    return TRUE;
  delete_renamed (network);
  if (!oc_network_ensure_bridge (network, &error))
    {
      g_warning ("bridge %s of network %s: %s, and cannot be restored: %s", network->bridge,
                 network->name, damage, error->message);
      return FALSE;
    }
  networks->n_repairs++;
  g_warning ("bridge %s of network %s: %s; restored", network->bridge, network->name, damage);
  return TRUE;
}

static OcNetwork *
find_by_bridge (OcNetworks *networks, const char *bridge)
{
  for (guint i = 0; i < networks->all->len; i++)
    {
      OcNetwork *network = g_ptr_array_index (networks->all, i);

      if (strcmp (network->bridge, bridge) == 0)
        return network;
    }
  return NULL;
}

/* A leased port that is on no bridge, or on another, comes back. */
static gboolean
repair_port (OcNetworks *networks, const OcLease *lease)
{
  OcNetwork *network = find_by_bridge (networks, lease->bridge);
  g_autoptr (GError) error = NULL;
  OcLink bridge, port;

  if (network == NULL || !oc_netlink_get_link (networks->netlink, lease->port, &port, NULL)
      || strcmp (port.alias, OC_PORT_ALIAS) != 0
      || !oc_netlink_get_link (networks->netlink, lease->bridge, &bridge, NULL)
      || (port.master == bridge.index && port.isolated))
    return TRUE;
  if (!oc_network_set_up_port (network, &port, lease->mac, &lease->address, &error))
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE; /* its workload has ended */
      g_warning ("port %s was taken off bridge %s, and cannot be restored: %s", lease->port,
                 lease->bridge, error->message);
      return FALSE;
    }
  networks->n_repairs++;
  g_warning ("port %s was taken off bridge %s; restored", lease->port, lease->bridge);
  return TRUE;
}

gboolean
oc_networks_repair (OcNetworks *networks)
{
  g_autoptr (GArray) leases = NULL;
  g_autoptr (GArray) links = NULL;
  gboolean ok = TRUE;

  if (!networks->is_up)
    return TRUE;
  for (guint i = 0; i < networks->all->len; i++)
    ok &= repair_bridge (networks, g_ptr_array_index (networks->all, i));
  leases = oc_firewall_list_leases (networks->firewall);
  for (guint i = 0; i < leases->len; i++)
    ok &= repair_port (networks, &g_array_index (leases, OcLease, i));
  links = oc_netlink_list_links (networks->netlink, NULL);
  for (guint i = 0; links != NULL && i < networks->all->len; i++)
    oc_network_isolate_ports (g_ptr_array_index (networks->all, i), links);
  return ok;
}

static gboolean
on_repair_timer (gpointer user_data)
{
  OcNetworks *networks = user_data;

  if (!oc_networks_repair (networks))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&networks->repair_timer, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
repair_later (OcNetworks *networks)
{
  if (networks->repair_timer != NULL)
    return;
  networks->repair_timer = g_timeout_source_new (REPAIR_RETRY_MS);
  g_source_set_static_name (networks->repair_timer, "network repair");
  g_source_set_callback (networks->repair_timer, on_repair_timer, networks, NULL);
  g_source_attach (networks->repair_timer, g_main_context_get_thread_default ());
}

/* --- Watching ------------------------------------------------------------ */

static void
on_change (OcNetlinkKinds kinds, gpointer user_data)
{
  OcNetworks *networks = user_data;

  if (!oc_networks_repair (networks))
    repair_later (networks);
  if ((kinds & OC_NETLINK_ADDRESSES) && networks->own_addresses_func != NULL)
    report_own_addresses (networks);
}

gboolean
oc_networks_ensure_watch (OcNetworks *networks, GError **error)
{
  if (networks->watch == NULL)
    networks->watch = oc_netlink_watch_new (OC_NETLINK_LINKS | OC_NETLINK_ADDRESSES, on_change,
                                            networks, error);
  return networks->watch != NULL;
}

void
oc_networks_stop_watch (OcNetworks *networks)
{
  g_clear_pointer (&networks->watch, oc_netlink_watch_free);
  oc_source_clear (&networks->repair_timer);
}
