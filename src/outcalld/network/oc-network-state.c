/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * $STATE_DIR/networks.conf, a GKeyFile: one group for each created network,
 *   [outcall-staging]
 *   bridge=outcall1
 *   subnet=10.200.1.0/24
 * It outlives a reboot. A bridge that says by its alias whose it is and that the file does
 * not know (the daemon was killed in between) is taken over as well.
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

#define KEY_BRIDGE "bridge"
#define KEY_SUBNET "subnet"

/* --- Reading ------------------------------------------------------------- */

static gboolean
check_unused (OcNetworks *networks, const char *name, const char *bridge,
              const OcAddress *gateway, GError **error)
{
  if (networks->all->len >= OC_NETWORKS_MAX)
    return oc_throw (error, "there are %d networks already", OC_NETWORKS_MAX);
  for (guint i = 0; i < networks->all->len; i++)
    {
      const OcNetwork *other = g_ptr_array_index (networks->all, i);

      if (strcmp (other->name, name) == 0 || strcmp (other->bridge, bridge) == 0
          || oc_address_equal (&other->gateway, gateway))
        return oc_throw (error, "network %s has its name, bridge or subnet", other->name);
    }
  return TRUE;
}

static gboolean
load_group (OcNetworks *networks, GKeyFile *file, const char *group, GError **error)
{
  g_autofree char *name = oc_network_canonical_name (group, error);
  g_autofree char *bridge = g_key_file_get_string (file, group, KEY_BRIDGE, NULL);
  g_autofree char *subnet = g_key_file_get_string (file, group, KEY_SUBNET, NULL);
  OcAddress gateway;

  if (name == NULL)
    return FALSE;
  if (strcmp (name, group) != 0 || bridge == NULL || *bridge == '\0' || strlen (bridge) >= 16
      || strchr (bridge, '/') != NULL || subnet == NULL)
    return oc_throw (error, "no complete entry");
  if (!oc_network_parse_subnet (subnet, &gateway, error)
      || !check_unused (networks, name, bridge, &gateway, error))
    return FALSE;
  (void) oc_networks_add (networks, name, bridge, &gateway);
  return TRUE;
}

static void
load_file (OcNetworks *networks)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) groups = NULL;

  if (!g_key_file_load_from_file (file, networks->state_file, G_KEY_FILE_NONE, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning ("networks of before are not restored: %s: %s", networks->state_file,
                   error->message);
      return;
    }
  groups = g_key_file_get_groups (file, NULL);
  for (char **group = groups; *group != NULL; group++)
    {
      g_autoptr (GError) why = NULL;

      if (!load_group (networks, file, *group, &why))
        g_warning ("%s: network %s is not restored: %s", networks->state_file, *group,
                   why->message);
    }
}

static void
adopt_bridges (OcNetworks *networks)
{
  g_autoptr (GArray) links = oc_netlink_list_links (networks->netlink, NULL);

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);
      g_autofree char *name = NULL;
      OcAddress gateway;

      if (strcmp (link->kind, "bridge") != 0 || !g_str_has_prefix (link->alias, OC_BRIDGE_ALIAS)
          || !oc_network_find_gateway (networks->netlink, link->index, NULL, &gateway))
        continue;
      name = oc_network_canonical_name (link->alias + strlen (OC_BRIDGE_ALIAS), NULL);
      if (name != NULL && check_unused (networks, name, link->name, &gateway, NULL))
        (void) oc_networks_add (networks, name, link->name, &gateway);
    }
}

void
oc_networks_load (OcNetworks *networks)
{
  if (networks->state_file != NULL)
    load_file (networks);
  adopt_bridges (networks);
}

/* --- Writing ------------------------------------------------------------- */

gboolean
oc_networks_save (OcNetworks *networks, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = NULL;
  gsize len;

  if (networks->state_file == NULL)
    return TRUE;
  for (guint i = 1; i < networks->all->len; i++)
    {
      OcNetwork *network = g_ptr_array_index (networks->all, i);
      g_autofree char *subnet = oc_network_dup_subnet (network);

      g_key_file_set_string (file, network->name, KEY_BRIDGE, network->bridge);
      g_key_file_set_string (file, network->name, KEY_SUBNET, subnet);
    }
  text = g_key_file_to_data (file, &len, NULL);
  return g_file_set_contents_full (networks->state_file, text, (gssize) len,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}
