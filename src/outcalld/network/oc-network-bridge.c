/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

/* --- Making -------------------------------------------------------------- */

gboolean
oc_network_find_gateway (OcNetlink *netlink, guint32 index, const char *block, OcAddress *out)
{
  g_autoptr (GArray) addresses = oc_netlink_list_addresses (netlink, NULL);

  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      const OcInterfaceAddress *entry = &g_array_index (addresses, OcInterfaceAddress, i);

      if (entry->index == index && entry->prefix_len == OC_NETWORK_PREFIX
          && entry->address.family == 4 && entry->address.bytes[3] == 1
          && (block == NULL || oc_network_in_block (block, &entry->address)))
        {
          *out = entry->address;
          return TRUE;
        }
    }
  return FALSE;
}

/* Before the bridge comes up, so that it never has an IPv6 address, answers ARP
 * for nothing but its own address and sends nobody elsewhere. */
static gboolean
set_bridge_sysctls (const char *bridge, GError **error)
{
  static const struct
  {
    const char *family, *name, *value;
  } wanted[] = {
    { "ipv6", "disable_ipv6", "1" },        { "ipv6", "accept_ra", "0" },
    { "ipv4", "arp_ignore", "1" },          { "ipv4", "send_redirects", "0" },
    { "ipv4", "accept_redirects", "0" },    { "ipv4", "accept_source_route", "0" },
    { "ipv4", "drop_unicast_in_l2_multicast", "1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      const char *key[] = { wanted[i].family, "conf", bridge, wanted[i].name, NULL };
      g_autoptr (GError) local = NULL;

      if (oc_netns_set_sysctl (-1, key, wanted[i].value, &local)
          || (g_str_equal (wanted[i].family, "ipv6")
              && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)))
        continue; /* no IPv6 in this kernel is as good */
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return TRUE;
}

static gboolean
ensure_link (OcNetwork *network, OcLink *out, GError **error)
{
  g_autoptr (GError) local = NULL;
  guint8 mac[6];

  oc_network_make_mac (&network->gateway, mac);
  if (!oc_netlink_get_link (network->netlink, network->bridge, out, &local))
    {
      if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      return oc_netlink_add_bridge (network->netlink, network->bridge, mac, error)
             && oc_netlink_get_link (network->netlink, network->bridge, out, error);
    }
  if (strcmp (out->kind, "bridge") != 0)
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "link %s is there and is not a bridge",
                          network->bridge);
  return memcmp (out->mac, mac, 6) == 0
         || oc_netlink_set_mac (network->netlink, out->index, mac, error);
}

gboolean
oc_network_ensure_bridge (OcNetwork *network, GError **error)
{
  g_autofree char *alias = g_strconcat (OC_BRIDGE_ALIAS, network->name, NULL);
  OcNetlink *netlink = network->netlink;
  OcLink link;

  if (!ensure_link (network, &link, error) || !set_bridge_sysctls (network->bridge, error)
      || !oc_netlink_add_address (netlink, link.index, &network->gateway, OC_NETWORK_PREFIX,
                                  error)
      || !oc_netlink_set_alias (netlink, link.index, alias, error))
    return FALSE;
  /* A second layer where the kernel has it: bridged frames meet `forward` too. */
  (void) oc_netlink_set_bridge_netfilter (netlink, link.index, NULL);
  return oc_netlink_set_up (netlink, link.index, TRUE, error);
}

void
oc_network_isolate_ports (OcNetwork *network, GArray *links)
{
  OcBridgePort flags = { .isolated = TRUE };
  OcLink bridge;

  if (!oc_netlink_get_link (network->netlink, network->bridge, &bridge, NULL))
    return;
  for (guint i = 0; i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);

      if (link->master == bridge.index && !link->isolated)
        (void) oc_netlink_set_bridge_port (network->netlink, link->index, &flags, NULL);
    }
}

/* --- Removing ------------------------------------------------------------ */

static char *
join_port_names (OcNetlink *netlink, guint32 bridge_index, GError **error)
{
  g_autoptr (GArray) links = oc_netlink_list_links (netlink, error);
  g_autoptr (GString) names = g_string_new (NULL);

  if (links == NULL)
    return NULL;
  for (guint i = 0; i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);

      if (link->master == bridge_index)
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", link->name);
    }
  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* FALSE without @error: it is not there. */
static gboolean
find_bridge (OcNetwork *network, OcLink *out, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (oc_netlink_get_link (network->netlink, network->bridge, out, &local))
    return TRUE;
  if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
oc_network_check_no_ports (OcNetwork *network, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *ports = NULL;
  OcLink link;

  if (find_bridge (network, &link, &local))
    ports = join_port_names (network->netlink, link.index, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (ports != NULL && *ports != '\0')
    return oc_throw_code (error, G_IO_ERROR_BUSY, "bridge %s still has ports: %s",
                          network->bridge, ports);
  return TRUE;
}

gboolean
oc_network_delete_bridge (OcNetwork *network, GError **error)
{
  g_autoptr (GError) local = NULL;
  OcLink link;

  if (!oc_network_check_no_ports (network, error))
    return FALSE;
  if (find_bridge (network, &link, &local)
      && !oc_netlink_delete_link (network->netlink, link.index, &local)
      && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_clear_error (&local); /* somebody was faster */
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* --- State --------------------------------------------------------------- */

static gboolean
has_address (OcNetwork *network, guint32 index, gboolean *out, GError **error)
{
  g_autoptr (GArray) addresses = oc_netlink_list_addresses (network->netlink, error);

  if (addresses == NULL)
    return FALSE;
  *out = FALSE;
  for (guint i = 0; i < addresses->len; i++)
    {
      const OcInterfaceAddress *entry = &g_array_index (addresses, OcInterfaceAddress, i);

      *out |= entry->index == index && oc_address_equal (&entry->address, &network->gateway);
    }
  return TRUE;
}

gboolean
oc_network_get_state (OcNetwork *network, OcBridgeState *out, GError **error)
{
  OcBridgeState state = { .nftables_active = oc_firewall_is_active (network->firewall) };
  g_autoptr (GError) local = NULL;
  OcLink link;

  if (find_bridge (network, &link, &local))
    {
      state.present = strcmp (link.kind, "bridge") == 0;
      state.up = link.up;
      state.index = link.index;
      if (!has_address (network, link.index, &state.has_gateway, error))
        return FALSE;
    }
  else if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  *out = state;
  return TRUE;
}
