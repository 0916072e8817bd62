/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

#define NAME_MAX_LEN 64

/* --- Names --------------------------------------------------------------- */

static gboolean
is_name_char (char c)
{
  return g_ascii_isalnum (c) || c == '_' || c == '-';
}

char *
oc_network_canonical_name (const char *name, GError **error)
{
  const char *rest = g_str_has_prefix (name, OC_NETWORK_NAME_PREFIX)
                         ? name + strlen (OC_NETWORK_NAME_PREFIX)
                         : name;
  gsize len = 0;

  while (is_name_char (rest[len]))
    len++;
  if (len == 0 || len > NAME_MAX_LEN || rest[len] != '\0')
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "a network's name is 1-%d letters, digits, '_' and '-'",
                               NAME_MAX_LEN);
  return g_strconcat (OC_NETWORK_NAME_PREFIX, rest, NULL);
}

static gboolean
bridge_is_free (OcNetworks *networks, const char *name)
{
  g_autoptr (GError) error = NULL;
  OcLink link;

  for (guint i = 0; i < networks->all->len; i++)
    if (strcmp (((OcNetwork *) g_ptr_array_index (networks->all, i))->bridge, name) == 0)
      return FALSE;
  return !oc_netlink_get_link (networks->netlink, name, &link, &error)
         && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* "outcall0" → "outcall1", … the first that no link has. */
static gboolean
choose_bridge (OcNetworks *networks, char out[16], GError **error)
{
  gsize stem = strlen (networks->default_bridge);

  while (stem > 0 && g_ascii_isdigit (networks->default_bridge[stem - 1]))
    stem--;
  for (guint i = 1; i < 2 * OC_NETWORKS_MAX; i++)
    {
      g_autofree char *name
          = g_strdup_printf ("%.*s%u", (int) stem, networks->default_bridge, i);

      if (strlen (name) >= 16 || !bridge_is_free (networks, name))
        continue;
      g_strlcpy (out, name, 16);
      return TRUE;
    }
  return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "no bridge name like %s is left",
                        networks->default_bridge);
}

/* --- Create -------------------------------------------------------------- */

static gboolean
choose_subnet (OcNetworks *networks, const OcNetworkRequest *request, OcAddress *out_gateway,
               GError **error)
{
  g_autoptr (GArray) routes = oc_netlink_list_routes (networks->netlink, error);
  OcSubnetUse use = { .routes = routes, .networks = networks->all, .taken = request->taken,
                      .n_taken = request->n_taken };

  if (routes == NULL)
    return FALSE;
  if (request->subnet != NULL)
    return oc_network_check_subnet (request->subnet, &use, out_gateway, error);
  return oc_network_pick_subnet (networks->block, &use, out_gateway, error);
}

/* TRUE when @network may stand for what was asked. */
static gboolean
check_same (OcNetwork *network, const OcNetworkRequest *request, GError **error)
{
  g_autofree char *subnet = oc_network_dup_subnet (network);
  OcAddress gateway;

  if (request->subnet == NULL)
    return TRUE;
  if (!oc_network_parse_subnet (request->subnet, &gateway, error))
    return FALSE;
  if (!oc_address_equal (&gateway, &network->gateway))
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "network %s is there with subnet %s",
                          network->name, subnet);
  return TRUE;
}

static gboolean
notify (OcNetworks *networks, OcNetwork *network, gboolean alive, GError **error)
{
  return networks->listener == NULL
         || networks->listener (network, alive, networks->listener_data, error);
}

/* The rules know the bridge before it is there, and until it is gone. */
static gboolean
enter_kernel (OcNetworks *networks, OcNetwork *network, GError **error)
{
  OcFirewallBridge bridge = oc_network_get_firewall_bridge (network);

  if (!oc_firewall_add_bridge (networks->firewall, &bridge, error))
    return FALSE;
  if (oc_network_ensure_bridge (network, error))
    return TRUE;
  if (oc_network_delete_bridge (network, NULL))
    (void) oc_firewall_remove_bridge (networks->firewall, network->bridge, NULL);
  return FALSE;
}

static gboolean
leave_kernel (OcNetworks *networks, OcNetwork *network, GError **error)
{
  return oc_network_delete_bridge (network, error)
         && oc_firewall_remove_bridge (networks->firewall, network->bridge, error);
}

static gboolean
establish (OcNetworks *networks, OcNetwork *network, GError **error)
{
  if (!enter_kernel (networks, network, error))
    return FALSE;
  if (notify (networks, network, TRUE, error))
    {
      if (oc_networks_save (networks, error))
        return TRUE;
      (void) notify (networks, network, FALSE, NULL);
    }
  (void) leave_kernel (networks, network, NULL); /* the first error counts */
  return FALSE;
}

OcNetwork *
oc_networks_create (OcNetworks *networks, const OcNetworkRequest *request, gboolean *out_created,
                    GError **error)
{
  g_autofree char *name = oc_network_canonical_name (request->name, error);
  OcNetwork *network = name != NULL ? oc_networks_lookup (networks, name) : NULL;
  OcAddress gateway;
  char bridge[16];

  *out_created = FALSE;
  if (name == NULL)
    return NULL;
  if (network != NULL)
    return check_same (network, request, error) ? network : NULL;
  if (networks->all->len >= OC_NETWORKS_MAX)
    return oc_throw_code_null (error, G_IO_ERROR_NO_SPACE, "all %d networks are in use",
                               OC_NETWORKS_MAX);
  if (!networks->is_up)
    return oc_throw_code_null (error, G_IO_ERROR_BUSY,
                               "the bridges are down; outcall bridge up makes them");
  if (!choose_bridge (networks, bridge, error)
      || !choose_subnet (networks, request, &gateway, error))
    return NULL;
  network = oc_networks_add (networks, name, bridge, &gateway);
  if (establish (networks, network, error))
    {
      *out_created = TRUE;
      return network;
    }
  g_ptr_array_remove (networks->all, network);
  return oc_prefix_null (error, "network %s", name);
}

/* --- Destroy ------------------------------------------------------------- */

gboolean
oc_networks_destroy (OcNetworks *networks, const char *asked, gboolean *out_destroyed,
                     GError **error)
{
  g_autofree char *name = oc_network_canonical_name (asked, error);
  OcNetwork *network = name != NULL ? oc_networks_lookup (networks, name) : NULL;

  *out_destroyed = FALSE;
  if (name == NULL)
    return FALSE;
  if (network == NULL)
    return TRUE;
  if (network == oc_networks_get_default (networks))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "network %s belongs to the daemon; outcall bridge down removes it",
                          name);
  if (!oc_network_check_no_ports (network, error))
    return oc_prefix (error, "network %s", name);
  (void) notify (networks, network, FALSE, NULL);
  if (!leave_kernel (networks, network, error))
    {
      (void) notify (networks, network, TRUE, NULL);
      return oc_prefix (error, "network %s", name);
    }
  g_ptr_array_remove (networks->all, network);
  *out_destroyed = TRUE;
  return oc_networks_save (networks, error);
}
