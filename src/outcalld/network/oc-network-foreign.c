/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Ports that a container engine made. They are found by kernel facts: on which
 * bridge they are, and in which namespace their other end is.
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <string.h>

#include "common/oc-error.h"

/* Links of others on the bridge. (transfer full) (element-type OcLink) */
static GArray *
list_foreign (OcNetwork *network, GError **error)
{
  g_autoptr (GArray) links = NULL;
  GArray *foreign;
  OcLink bridge;

  if (!oc_netlink_get_link (network->netlink, network->bridge, &bridge, error))
    return NULL;
  links = oc_netlink_list_links (network->netlink, error);
  if (links == NULL)
    return NULL;
  foreign = g_array_new (FALSE, FALSE, sizeof (OcLink));
  for (guint i = 0; i < links->len; i++)
    {
      const OcLink *link = &g_array_index (links, OcLink, i);

      if (link->master == bridge.index && strcmp (link->kind, "veth") == 0
          && !oc_network_is_own_port (link))
        g_array_append_vals (foreign, link, 1);
    }
  return foreign;
}

/* Another way out than the port: a link whose other side is in some other namespace. */
static gboolean
has_other_way (GArray *inside, guint32 own_index)
{
  for (guint i = 0; i < inside->len; i++)
    {
      const OcLink *link = &g_array_index (inside, OcLink, i);

      if (link->index != own_index && link->peer_nsid >= 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether only @port leads out of the namespace that @inside is a socket of. */
static gboolean
check_only_way (OcNetlink *inside, const OcLink *port, GError **error)
{
  g_autoptr (GArray) links = oc_netlink_list_links (inside, error);

  if (links == NULL)
    return FALSE;
  if (has_other_way (links, port->peer))
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "its namespace has another link that leads out");
  return TRUE;
}

static gboolean
fill_port (OcNetwork *network, const OcLink *port, OcForeignPort *out, GError **error)
{
  OcLink peer;

  if (!oc_netlink_get_link_in (network->netlink, port->peer_nsid, port->peer, &peer, error))
    return FALSE;
  g_strlcpy (out->name, port->name, sizeof out->name);
  g_strlcpy (out->inside, peer.name, sizeof out->inside);
  memcpy (out->mac, peer.mac, sizeof out->mac);
  out->index = port->index;
  return TRUE;
}

gboolean
oc_network_find_port (OcNetwork *network, int netns_fd, OcForeignPort *out, GError **error)
{
  g_autoptr (OcNetlink) inside = oc_netlink_new (NETLINK_ROUTE, netns_fd, error);
  g_autoptr (GArray) ports = NULL;
  gint32 nsid;

  if (inside == NULL || !oc_netlink_get_nsid (network->netlink, netns_fd, &nsid, error))
    return FALSE;
  ports = list_foreign (network, error);
  for (guint i = 0; ports != NULL && i < ports->len; i++)
    {
      const OcLink *port = &g_array_index (ports, OcLink, i);

      if (port->peer_nsid == nsid)
        return check_only_way (inside, port, error) && fill_port (network, port, out, error);
    }
  return ports != NULL
         && oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "it has no port on bridge %s",
                           network->bridge);
}

gboolean
oc_network_find_new_port (OcNetwork *network, const guint8 mac[6], guint32 after,
                          GHashTable *rejected, OcForeignPort *out)
{
  g_autoptr (GArray) ports = list_foreign (network, NULL);

  for (guint i = 0; ports != NULL && i < ports->len; i++)
    {
      const OcLink *port = &g_array_index (ports, OcLink, i);

      /* Before it runs, the engine is not done with it. */
      if (port->index <= after || !port->running || port->peer_nsid < 0
          || g_hash_table_contains (rejected, GUINT_TO_POINTER (port->index)))
        continue;
      if (fill_port (network, port, out, NULL) && memcmp (out->mac, mac, 6) == 0)
        return TRUE;
      g_hash_table_add (rejected, GUINT_TO_POINTER (port->index));
    }
  return FALSE;
}

guint32
oc_network_get_newest_link (OcNetwork *network)
{
  g_autoptr (GArray) links = oc_netlink_list_links (network->netlink, NULL);
  guint32 newest = 0;

  for (guint i = 0; links != NULL && i < links->len; i++)
    newest = MAX (newest, g_array_index (links, OcLink, i).index);
  return newest;
}
