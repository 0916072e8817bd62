/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * IPv4 forwarding, switched on for the interfaces that a grant needs and for no other:
 * the bridge for what leaves, the way out for what comes back.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "common/oc-error.h"

static gboolean
switch_on (OcFirewall *firewall, guint32 index, GError **error)
{
  char name[IFNAMSIZ];
  const char *key[] = { "ipv4", "conf", name, "forwarding", NULL };
  g_autofree char *before = NULL;

  if (g_hash_table_contains (firewall->forwarding, &index))
    return TRUE;
  if (if_indextoname (index, name) == NULL)
    return oc_throw_errno (error, "link %u", index);
  before = oc_netns_get_sysctl (-1, key, error);
  if (before == NULL || !oc_netns_set_sysctl (-1, key, "1", error))
    return FALSE;
  g_hash_table_insert (firewall->forwarding, g_memdup2 (&index, sizeof index),
                       GINT_TO_POINTER (strcmp (before, "0") == 0));
  return TRUE;
}

void
oc_firewall_reset_forwarding (OcFirewall *firewall)
{
  GHashTableIter iter;
  gpointer index;
  gpointer ours;

  g_hash_table_iter_init (&iter, firewall->forwarding);
  while (g_hash_table_iter_next (&iter, &index, &ours))
    {
      char name[IFNAMSIZ];
      const char *key[] = { "ipv4", "conf", name, "forwarding", NULL };

      /* A link that is gone took its setting along. */
      if (GPOINTER_TO_INT (ours) && if_indextoname (*(guint32 *) index, name) != NULL)
        (void) oc_netns_set_sysctl (-1, key, "0", NULL);
    }
  g_hash_table_remove_all (firewall->forwarding);
}

static gboolean
ensure_one (OcFirewall *firewall, guint32 destination_be, GError **error)
{
  OcAddress destination = oc_address_from_v4 (destination_be);
  char text[OC_ADDRESS_TEXT_MAX];
  guint32 out_index;
  gboolean local;

  if (!oc_netlink_lookup_route (firewall->route, &destination, &out_index, &local, error))
    return FALSE;
  if (local)
    return oc_throw_code (error, G_IO_ERROR_NOT_SUPPORTED, "%s is an address of this host",
                          oc_address_format (&destination, text, sizeof text));
  return out_index == 0 || switch_on (firewall, out_index, error);
}

static gboolean
is_own_bridge (OcFirewall *firewall, guint32 index)
{
  char name[IFNAMSIZ];

  return if_indextoname (index, name) != NULL && g_hash_table_contains (firewall->bridges, name);
}

/* Parts of a range may leave by different ways. */
static gboolean
ensure_range (OcFirewall *firewall, const OcGrantKey *key, GError **error)
{
  g_autoptr (GArray) routes = oc_netlink_list_routes (firewall->route, error);
  guint32 first = ntohl (key->destination_be);

  if (routes == NULL)
    return FALSE;
  for (guint i = 0; i < routes->len; i++)
    {
      const OcRoute *route = &g_array_index (routes, OcRoute, i);
      guint bits = MAX (32u - MIN (route->prefix_len, 32u), key->host_bits);
      guint32 mask = bits >= 32 ? 0 : G_MAXUINT32 << bits;

      if (((ntohl (oc_address_get_v4 (&route->destination)) ^ first) & mask) == 0
          && route->index != 0 && !is_own_bridge (firewall, route->index)
          && !switch_on (firewall, route->index, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
oc_firewall_ensure_forwarding (OcFirewall *firewall, const char *bridge, const OcGrantKey *key,
                               GError **error)
{
  guint32 bridge_index = if_nametoindex (bridge);

  if (bridge_index == 0)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "bridge %s is not there", bridge);
  return (key->host_bits == 0 ? ensure_one (firewall, key->destination_be, error)
                              : ensure_range (firewall, key, error))
         && switch_on (firewall, bridge_index, error);
}
