/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * IPv4 forwarding, switched on for the interfaces that a grant needs and for no other:
 * the bridge for what leaves, the way out for what comes back. That way would then forward
 * from anybody to anywhere; the ruleset guards it, until somebody else makes the host a router.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <string.h>

#include "common/oc-error.h"

/* One that somebody switched on for the whole host stays as it is. */
static gboolean
host_forwards (void)
{
  const char *key[] = { "ipv4", "conf", "all", "forwarding", NULL };
  g_autofree char *value = oc_netns_get_sysctl (-1, key, NULL);

  return g_strcmp0 (value, "1") == 0;
}

static gboolean
is_own_bridge (OcFirewall *firewall, const char *name)
{
  return g_hash_table_contains (firewall->bridges, name);
}

/* In the set, the ruleset keeps @name from forwarding to anything but our bridges. */
static gboolean
guard (OcFirewall *firewall, const char *name, OcElementOp op, GError **error)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  OcElement element = { 0 };

  if (is_own_bridge (firewall, name))
    return TRUE;
  oc_key_put_ifname (&element.key, name);
  oc_build_elements (batch, NFPROTO_INET, OC_SET_SWITCHED_ON, op, &element, 1);
  return oc_firewall_commit (firewall, batch, error);
}

static gboolean
switch_on (OcFirewall *firewall, guint32 index, GError **error)
{
  char name[IFNAMSIZ];
  const char *key[] = { "ipv4", "conf", name, "forwarding", NULL };
  g_autofree char *before = NULL;
  gboolean ours;

  if (g_hash_table_contains (firewall->forwarding, &index))
    return TRUE;
  if (if_indextoname (index, name) == NULL)
    return oc_throw_errno (error, "link %u", index);
  before = oc_netns_get_sysctl (-1, key, error);
  if (before == NULL)
    return FALSE;
  ours = strcmp (before, "0") == 0;
  if (ours && !guard (firewall, name, OC_ELEMENT_ADD, error))
    return FALSE;
  if (!oc_netns_set_sysctl (-1, key, "1", error))
    {
      (void) (ours && guard (firewall, name, OC_ELEMENT_ENSURE_ABSENT, NULL));
      return FALSE;
    }
  g_hash_table_insert (firewall->forwarding, g_memdup2 (&index, sizeof index),
                       ours ? g_strdup (name) : NULL);
  return TRUE;
}

GArray *
oc_firewall_list_switched_on (OcFirewall *firewall)
{
  GArray *elements = g_array_new (FALSE, TRUE, sizeof (OcElement));
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, firewall->forwarding);
  while (g_hash_table_iter_next (&iter, NULL, &name))
    {
      OcElement element = { 0 };

      if (name == NULL || is_own_bridge (firewall, name))
        continue;
      oc_key_put_ifname (&element.key, name);
      g_array_append_val (elements, element);
    }
  return elements;
}

static void
recall_set (OcFirewall *firewall, const char *set)
{
  g_autoptr (GHashTable) keys = oc_firewall_dump_set (firewall, NFPROTO_INET, set);
  GHashTableIter iter;
  gpointer key;

  if (keys == NULL)
    return;
  g_hash_table_iter_init (&iter, keys);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      g_autofree char *name = g_strndup (g_bytes_get_data (key, NULL),
                                         MIN (g_bytes_get_size (key), IFNAMSIZ - 1));
      guint32 index = if_nametoindex (name);

      if (index != 0 && !g_hash_table_contains (firewall->forwarding, &index))
        g_hash_table_insert (firewall->forwarding, g_memdup2 (&index, sizeof index),
                             g_steal_pointer (&name));
    }
}

/* What an earlier run did not get to take back is in the sets still. A bridge of ours forwards for
 * grants only. */
static void
recall (OcFirewall *firewall)
{
  recall_set (firewall, OC_SET_SWITCHED_ON);
  recall_set (firewall, "bridges");
}

static void
drop_guards (OcFirewall *firewall)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  oc_build_flush_set (batch, NFPROTO_INET, OC_SET_SWITCHED_ON);
  (void) oc_firewall_commit (firewall, batch, NULL); /* without the table there is none */
}

void
oc_firewall_reset_forwarding (OcFirewall *firewall)
{
  gboolean keep = host_forwards ();
  GHashTableIter iter;
  gpointer index;
  gpointer ours;

  recall (firewall);
  g_hash_table_iter_init (&iter, firewall->forwarding);
  while (g_hash_table_iter_next (&iter, &index, &ours))
    {
      char name[IFNAMSIZ];
      const char *key[] = { "ipv4", "conf", name, "forwarding", NULL };

      /* A link that is gone took its setting along. */
      if (ours != NULL && !keep && if_indextoname (*(guint32 *) index, name) != NULL)
        (void) oc_netns_set_sysctl (-1, key, "0", NULL);
    }
  g_hash_table_remove_all (firewall->forwarding);
  drop_guards (firewall);
}

void
oc_firewall_look_at_forwarding (OcFirewall *firewall)
{
  GHashTableIter iter;
  gpointer ours;
  gboolean guarded = FALSE;

  if (!host_forwards ())
    return;
  g_hash_table_iter_init (&iter, firewall->forwarding);
  while (g_hash_table_iter_next (&iter, NULL, &ours))
    {
      guarded = guarded || ours != NULL;
      g_hash_table_iter_replace (&iter, NULL);
    }
  if (guarded)
    drop_guards (firewall);
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
is_own_bridge_index (OcFirewall *firewall, guint32 index)
{
  char name[IFNAMSIZ];

  return if_indextoname (index, name) != NULL && is_own_bridge (firewall, name);
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
          && route->index != 0 && !is_own_bridge_index (firewall, route->index)
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
