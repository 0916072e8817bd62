/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

/* --- Life ---------------------------------------------------------------- */

static void
free_network (OcNetwork *network)
{
  g_free (network->name);
  g_free (network);
}

OcNetwork *
oc_networks_add (OcNetworks *networks, const char *name, const char *bridge,
                 const OcAddress *gateway)
{
  OcNetwork *network = g_new0 (OcNetwork, 1);

  network->netlink = networks->netlink;
  network->firewall = networks->firewall;
  network->name = g_strdup (name);
  g_strlcpy (network->bridge, bridge, sizeof network->bridge);
  network->gateway = *gateway;
  oc_network_init_hosts (network);
  g_ptr_array_add (networks->all, network);
  return network;
}

static gboolean
choose_gateway (OcNetworks *networks, OcAddress *out, GError **error)
{
  OcSubnetUse use = { 0 };
  g_autoptr (GArray) routes = NULL;
  OcLink bridge = { 0 };

  if (oc_netlink_get_link (networks->netlink, networks->default_bridge, &bridge, NULL)
      && oc_network_find_gateway (networks->netlink, bridge.index, networks->block, out))
    return TRUE;
  routes = oc_netlink_list_routes (networks->netlink, error);
  if (routes == NULL)
    return FALSE;
  use.routes = routes;
  use.own_index = bridge.index;
  return oc_network_pick_subnet (networks->block, &use, out, error);
}

OcNetworks *
oc_networks_new (const OcNetworkOptions *options, OcFirewall *firewall, GError **error)
{
  g_autoptr (OcNetworks) networks = g_new0 (OcNetworks, 1);
  OcAddress gateway;

  networks->firewall = firewall;
  networks->all = g_ptr_array_new_with_free_func ((GDestroyNotify) free_network);
  networks->default_bridge = g_strdup (options->default_bridge);
  networks->block = g_strdup (options->subnet_block);
  if (options->state_dir != NULL)
    networks->state_file = g_build_filename (options->state_dir, "networks.conf", NULL);
  if (strlen (options->default_bridge) >= sizeof ((OcNetwork *) NULL)->bridge)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "bridge name '%s' is longer than %d bytes",
                               options->default_bridge,
                               (int) sizeof ((OcNetwork *) NULL)->bridge - 1);
  networks->netlink = oc_netlink_new (NETLINK_ROUTE, -1, error);
  if (networks->netlink == NULL || !choose_gateway (networks, &gateway, error))
    return NULL;
  (void) oc_networks_add (networks, OC_NETWORK_NAME_DEFAULT, options->default_bridge, &gateway);
  oc_networks_load (networks);
  return g_steal_pointer (&networks);
}

void
oc_networks_free (OcNetworks *networks)
{
  if (networks == NULL)
    return;
  oc_networks_stop_watch (networks);
  g_ptr_array_unref (networks->all);
  oc_netlink_free (networks->netlink);
  g_free (networks->default_bridge);
  g_free (networks->block);
  g_free (networks->state_file);
  g_free (networks);
}

/* --- Finding ------------------------------------------------------------- */

OcNetwork *
oc_networks_get_default (OcNetworks *networks)
{
  return g_ptr_array_index (networks->all, 0);
}

GPtrArray *
oc_networks_list (OcNetworks *networks)
{
  GPtrArray *list = g_ptr_array_sized_new (networks->all->len);

  for (guint i = 0; i < networks->all->len; i++)
    g_ptr_array_add (list, g_ptr_array_index (networks->all, i));
  return list;
}

OcNetwork *
oc_networks_lookup (OcNetworks *networks, const char *name)
{
  g_autofree char *canonical = oc_network_canonical_name (name, NULL);

  for (guint i = 0; canonical != NULL && i < networks->all->len; i++)
    {
      OcNetwork *network = g_ptr_array_index (networks->all, i);

      if (strcmp (network->name, canonical) == 0)
        return network;
    }
  return NULL;
}

void
oc_networks_set_listener (OcNetworks *networks, OcNetworkFunc func, gpointer user_data)
{
  networks->listener = func;
  networks->listener_data = user_data;
}

guint64
oc_networks_get_n_repairs (OcNetworks *networks)
{
  return networks->n_repairs;
}

guint
oc_networks_get_n_overruns (OcNetworks *networks)
{
  return networks->watch != NULL ? oc_netlink_watch_get_overruns (networks->watch) : 0;
}

const char *
oc_network_get_name (OcNetwork *network)
{
  return network->name;
}

const char *
oc_network_get_bridge (OcNetwork *network)
{
  return network->bridge;
}

OcAddress
oc_network_get_gateway (OcNetwork *network)
{
  return network->gateway;
}

guint
oc_network_get_prefix_len (OcNetwork *network)
{
  (void) network;
  return OC_NETWORK_PREFIX;
}

char *
oc_network_dup_subnet (OcNetwork *network)
{
  OcAddress base = network->gateway;
  char text[OC_ADDRESS_TEXT_MAX];

  base.bytes[3] = 0;
  return g_strdup_printf ("%s/%d", oc_address_format (&base, text, sizeof text),
                          OC_NETWORK_PREFIX);
}

/* --- Up and down --------------------------------------------------------- */

OcFirewallBridge
oc_network_get_firewall_bridge (const OcNetwork *network)
{
  OcFirewallBridge bridge = { .gateway = network->gateway };

  g_strlcpy (bridge.name, network->bridge, sizeof bridge.name);
  return bridge;
}

gboolean
oc_networks_replace_rules (OcNetworks *networks, const OcLease *leases, gsize n_leases,
                           GError **error)
{
  g_autofree OcFirewallBridge *bridges = g_new0 (OcFirewallBridge, networks->all->len);

  for (guint i = 0; i < networks->all->len; i++)
    bridges[i] = oc_network_get_firewall_bridge (g_ptr_array_index (networks->all, i));
  return oc_firewall_replace (networks->firewall, bridges, networks->all->len, leases, n_leases,
                              error);
}

static gboolean
ensure_rules (OcNetworks *networks, GError **error)
{
  g_autoptr (GArray) leases = NULL;

  if (!oc_firewall_is_active (networks->firewall))
    {
      leases = oc_firewall_list_leases (networks->firewall);
      return oc_networks_replace_rules (networks, (OcLease *) leases->data, leases->len, error);
    }
  for (guint i = 0; i < networks->all->len; i++)
    {
      OcFirewallBridge bridge
          = oc_network_get_firewall_bridge (g_ptr_array_index (networks->all, i));

      if (!oc_firewall_add_bridge (networks->firewall, &bridge, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
bring_up (OcNetworks *networks, OcNetwork *network, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean is_default = network == oc_networks_get_default (networks);

  if (oc_network_ensure_bridge (network, &local))
    return TRUE;
  g_prefix_error (&local, "network %s: ", network->name);
  if (!is_default)
    {
      g_warning ("%s", local->message); /* its ports and leases stay closed */
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
oc_networks_up (OcNetworks *networks, GError **error)
{
  g_autoptr (GArray) links = NULL;

  if (!ensure_rules (networks, error) || !oc_networks_ensure_watch (networks, error))
    return oc_prefix (error, "network %s", OC_NETWORK_NAME_DEFAULT);
  for (guint i = 0; i < networks->all->len; i++)
    if (!bring_up (networks, g_ptr_array_index (networks->all, i), error))
      return FALSE;
  links = oc_netlink_list_links (networks->netlink, NULL);
  for (guint i = 0; links != NULL && i < networks->all->len; i++)
    oc_network_isolate_ports (g_ptr_array_index (networks->all, i), links);
  networks->is_up = TRUE;
  return TRUE;
}

/* The bridges go first: without them the rules guard nothing. */
gboolean
oc_networks_down (OcNetworks *networks, GError **error)
{
  for (guint i = 0; i < networks->all->len; i++)
    if (!oc_network_check_no_ports (g_ptr_array_index (networks->all, i), error))
      return FALSE;
  networks->is_up = FALSE;
  for (guint i = 0; i < networks->all->len; i++)
    if (!oc_network_delete_bridge (g_ptr_array_index (networks->all, i), error))
      return FALSE;
  return oc_firewall_remove (networks->firewall, error);
}
