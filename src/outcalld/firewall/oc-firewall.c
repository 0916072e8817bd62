/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "common/oc-error.h"

/* --- Life ---------------------------------------------------------------- */

gboolean
oc_firewall_probe (OcFirewall *firewall, const OcFeature *feature, GError **error)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  g_autoptr (GError) local = NULL;

  oc_build_table (batch, &feature->table, &firewall->options);
  oc_build_remove_table (batch, feature->table.family, feature->table.name);
  if (oc_netlink_commit (firewall->netlink, batch, NFNL_SUBSYS_NFTABLES, &local))
    return TRUE;
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED, "no access to nftables: %s",
                          local->message);
  return oc_throw_code (error, G_IO_ERROR_NOT_SUPPORTED,
                        "cannot enforce: this kernel lacks %s: %s", feature->what,
                        local->message);
}

OcFirewall *
oc_firewall_new (const OcFirewallOptions *options, GError **error)
{
  g_autoptr (OcFirewall) firewall = g_new0 (OcFirewall, 1);

  firewall->options = *options;
  firewall->maybe_flows = TRUE;
  g_mutex_init (&firewall->lock);
  firewall->bridges = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  firewall->leases = g_hash_table_new_full (g_int_hash, g_int_equal, g_free, g_free);
  firewall->forwarding = g_hash_table_new_full (g_int_hash, g_int_equal, g_free, g_free);
  firewall->grants = oc_grants_new ();
  oc_firewall_start_ending (firewall);
  firewall->netlink = oc_netlink_new (NETLINK_NETFILTER, -1, error);
  if (firewall->netlink == NULL)
    return NULL;
  firewall->route = oc_netlink_new (NETLINK_ROUTE, -1, error);
  if (firewall->route == NULL)
    return NULL;
  firewall->flows = oc_flows_new (error);
  if (firewall->flows == NULL)
    return NULL;
  for (gsize i = 0; i < oc_firewall_n_features; i++)
    if (!oc_firewall_probe (firewall, &oc_firewall_features[i], error))
      return NULL;
  return g_steal_pointer (&firewall);
}

void
oc_firewall_free (OcFirewall *firewall)
{
  if (firewall == NULL)
    return;
  oc_firewall_stop_watch (firewall);
  oc_firewall_stop_ending (firewall);
  if (firewall->netlink != NULL && firewall->digest != NULL
      && oc_grants_count (firewall->grants) == 0)
    oc_firewall_reset_forwarding (firewall);
  g_free (firewall->digest);
  g_free (firewall->last_difference);
  oc_flows_free (firewall->flows);
  oc_netlink_free (firewall->route);
  oc_netlink_free (firewall->netlink);
  oc_grants_free (firewall->grants);
  g_hash_table_unref (firewall->forwarding);
  g_hash_table_unref (firewall->leases);
  g_hash_table_unref (firewall->bridges);
  g_mutex_clear (&firewall->lock);
  g_free (firewall);
}

void
oc_firewall_make_mac (const OcAddress *address, guint8 mac[6])
{
  /* Locally administered, unicast, and not Docker's 02:42. */
  mac[0] = 0x0e;
  mac[1] = 0xc5;
  memcpy (mac + 2, address->bytes, 4);
}

gboolean
oc_firewall_commit (OcFirewall *firewall, const OcNetlinkBatch *batch, GError **error)
{
  return oc_netlink_commit (firewall->netlink, batch, NFNL_SUBSYS_NFTABLES, error)
         || oc_prefix (error, "nftables");
}

/* --- Elements of bridges and leases -------------------------------------- */

/* Each fact of a bridge or lease stands in the sets that ask for it. A generator
 * makes the key for one set; the same tables serve adding, removing and replacing. */
typedef OcKey (*BridgeKeyFunc) (const OcFirewallBridge *bridge);
typedef OcKey (*LeaseKeyFunc) (const OcLease *lease, const OcFirewallBridge *bridge);

static OcKey
bridge_name_key (const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  oc_key_put_ifname (&key, bridge->name);
  return key;
}

static OcKey
bridge_gateway_key (const OcFirewallBridge *bridge)
{
  OcKey key = bridge_name_key (bridge);

  oc_key_put_ipv4 (&key, oc_address_get_v4 (&bridge->gateway));
  return key;
}

static OcKey
bridge_address_key (const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  oc_key_put_ipv4 (&key, oc_address_get_v4 (&bridge->gateway));
  return key;
}

/* A key of one field has the field's own length, without padding. */
static OcKey
single_mac_key (const guint8 mac[6])
{
  OcKey key = { .len = 6 };

  memcpy (key.bytes, mac, 6);
  return key;
}

static OcKey
bridge_mac_key (const OcFirewallBridge *bridge)
{
  guint8 mac[6];

  oc_firewall_make_mac (&bridge->gateway, mac);
  return single_mac_key (mac);
}

static const struct
{
  guint8 family;
  const char *set;
  BridgeKeyFunc make_key;
} bridge_elements[] = {
  { NFPROTO_INET, "bridges", bridge_name_key },
  { NFPROTO_INET, "gateways", bridge_gateway_key },
  { NFPROTO_INET, "gateway_addresses", bridge_address_key },
  { NFPROTO_BRIDGE, "bridge_macs", bridge_mac_key },
};

static OcKey
lease_port_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  (void) bridge;
  oc_key_put_ifname (&key, lease->port);
  return key;
}

static OcKey
lease_l3_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  (void) bridge;
  oc_key_put_ifname (&key, lease->bridge);
  oc_key_put_ipv4 (&key, oc_address_get_v4 (&lease->address));
  oc_key_put_mac (&key, lease->mac);
  return key;
}

static OcKey
lease_address_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  (void) bridge;
  oc_key_put_ipv4 (&key, oc_address_get_v4 (&lease->address));
  return key;
}

static OcKey
lease_l2_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  (void) bridge;
  oc_key_put_ifname (&key, lease->port);
  oc_key_put_mac (&key, lease->mac);
  oc_key_put_ipv4 (&key, oc_address_get_v4 (&lease->address));
  return key;
}

static OcKey
lease_mac_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  (void) bridge;
  return single_mac_key (lease->mac);
}

static OcKey
port_gateway_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  oc_key_put_ifname (&key, lease->port);
  oc_key_put_ipv4 (&key, oc_address_get_v4 (&bridge->gateway));
  return key;
}

static OcKey
port_address_key (const OcLease *lease, const OcFirewallBridge *bridge)
{
  OcKey key = { 0 };

  (void) bridge;
  oc_key_put_ifname (&key, lease->port);
  oc_key_put_ipv4 (&key, oc_address_get_v4 (&lease->address));
  return key;
}

static const struct
{
  guint8 family;
  const char *set;
  LeaseKeyFunc make_key;
} lease_elements[] = {
  { NFPROTO_INET, "ports", lease_port_key },
  { NFPROTO_INET, "leases", lease_l3_key },
  { NFPROTO_INET, "lease_addresses", lease_address_key },
  { NFPROTO_BRIDGE, "ports", lease_port_key },
  { NFPROTO_BRIDGE, "leases", lease_l2_key },
  { NFPROTO_BRIDGE, "lease_macs", lease_mac_key },
  { NFPROTO_BRIDGE, "port_gateways", port_gateway_key },
  { NFPROTO_BRIDGE, "port_addresses", port_address_key },
};

static void
build_bridges (OcNetlinkBatch *batch, OcElementOp op, const OcFirewallBridge *bridges, gsize n)
{
  g_autofree OcElement *elements = g_new0 (OcElement, n);

  for (guint i = 0; i < G_N_ELEMENTS (bridge_elements); i++)
    {
      for (gsize j = 0; j < n; j++)
        elements[j].key = bridge_elements[i].make_key (&bridges[j]);
      oc_build_elements (batch, bridge_elements[i].family, bridge_elements[i].set, op, elements, n);
    }
}

/* @bridges: by name, has every lease's */
static void
build_leases (OcNetlinkBatch *batch, OcElementOp op, GHashTable *bridges, const OcLease *leases,
              gsize n)
{
  g_autofree OcElement *elements = g_new0 (OcElement, n);

  for (guint i = 0; i < G_N_ELEMENTS (lease_elements); i++)
    {
      for (gsize j = 0; j < n; j++)
        elements[j].key = lease_elements[i].make_key (
            &leases[j], g_hash_table_lookup (bridges, leases[j].bridge));
      oc_build_elements (batch, lease_elements[i].family, lease_elements[i].set, op, elements, n);
    }
}

void
oc_firewall_foreach_set (OcFirewall *firewall, OcSetFunc func, gpointer user_data)
{
  guint n_bridges = g_hash_table_size (firewall->bridges);
  guint n_leases = g_hash_table_size (firewall->leases);
  g_autoptr (GArray) switched_on = oc_firewall_list_switched_on (firewall);
  g_autofree OcElement *elements = g_new0 (OcElement, MAX (n_bridges, n_leases));
  GHashTableIter iter;
  gpointer value;

  for (guint i = 0; i < G_N_ELEMENTS (bridge_elements); i++)
    {
      gsize n = 0;

      g_hash_table_iter_init (&iter, firewall->bridges);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        elements[n++].key = bridge_elements[i].make_key (value);
      func (bridge_elements[i].family, bridge_elements[i].set, elements, n, user_data);
    }
  for (guint i = 0; i < G_N_ELEMENTS (lease_elements); i++)
    {
      gsize n = 0;

      g_hash_table_iter_init (&iter, firewall->leases);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        elements[n++].key = lease_elements[i].make_key (
            value, g_hash_table_lookup (firewall->bridges, ((OcLease *) value)->bridge));
      func (lease_elements[i].family, lease_elements[i].set, elements, n, user_data);
    }
  func (NFPROTO_INET, OC_SET_SWITCHED_ON, (const OcElement *) (gconstpointer) switched_on->data,
        switched_on->len, user_data);
}

/* --- Both tables --------------------------------------------------------- */

static GHashTable *
index_bridges (const OcFirewallBridge *bridges, gsize n)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (gsize i = 0; i < n; i++)
    {
      OcFirewallBridge *copy = g_memdup2 (&bridges[i], sizeof *copy);

      g_hash_table_replace (table, copy->name, copy);
    }
  return table;
}

static GHashTable *
index_leases (const OcLease *leases, gsize n)
{
  GHashTable *table = g_hash_table_new_full (g_int_hash, g_int_equal, g_free, g_free);

  for (gsize i = 0; i < n; i++)
    {
      guint32 address_be = oc_address_get_v4 (&leases[i].address);

      g_hash_table_replace (table, g_memdup2 (&address_be, sizeof address_be),
                            g_memdup2 (&leases[i], sizeof leases[i]));
    }
  return table;
}

static gboolean
check_leases (GHashTable *bridges, const OcLease *leases, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (!g_hash_table_contains (bridges, leases[i].bridge))
      return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "lease of port %s: no bridge %s",
                            leases[i].port, leases[i].bridge);
  return TRUE;
}

gboolean
oc_firewall_replace (OcFirewall *firewall, const OcFirewallBridge *bridges, gsize n_bridges,
                     const OcLease *leases, gsize n_leases, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (GHashTable) by_name = index_bridges (bridges, n_bridges);
  g_autoptr (GHashTable) by_address = index_leases (leases, n_leases);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  guint32 before;

  if (!check_leases (by_name, leases, n_leases, error))
    return FALSE;
  oc_build_table (batch, &oc_table_inet, &firewall->options);
  oc_build_table (batch, &oc_table_bridge, &firewall->options);
  build_bridges (batch, OC_ELEMENT_ADD, bridges, n_bridges);
  build_leases (batch, OC_ELEMENT_ADD, by_name, leases, n_leases);
  oc_firewall_build_revoked_sources (firewall, batch, by_address);
  /* All grants end with this. Before the guard goes. */
  oc_firewall_reset_forwarding (firewall);
  before = oc_firewall_get_generation (firewall);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  g_hash_table_unref (firewall->bridges);
  firewall->bridges = g_steal_pointer (&by_name);
  g_hash_table_unref (firewall->leases);
  firewall->leases = g_steal_pointer (&by_address);
  oc_grants_clear (firewall->grants);
  oc_firewall_remember_rules (firewall, before);
  return oc_firewall_end_granted_flows (firewall, error);
}

gboolean
oc_firewall_set_deny_drop (OcFirewall *firewall, gboolean deny_drop, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  OcFirewallOptions options = firewall->options;

  options.deny_drop = deny_drop;
  if (firewall->options.deny_drop == deny_drop)
    return TRUE;
  oc_build_refill_chain (batch, &oc_table_inet, OC_CHAIN_REFUSE, &options);
  if (firewall->digest != NULL) /* else it counts when the tables go in */
    {
      guint32 before = oc_firewall_get_generation (firewall);

      if (!oc_firewall_commit (firewall, batch, error))
        return FALSE;
      oc_firewall_remember_rules (firewall, before);
    }
  firewall->options = options;
  return TRUE;
}

gboolean
oc_firewall_remove (OcFirewall *firewall, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  oc_build_remove_table (batch, NFPROTO_INET, OC_TABLE_NAME);
  oc_build_remove_table (batch, NFPROTO_BRIDGE, OC_TABLE_NAME);
  oc_firewall_reset_forwarding (firewall);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  g_clear_pointer (&firewall->digest, g_free);
  g_hash_table_remove_all (firewall->bridges);
  g_hash_table_remove_all (firewall->leases);
  oc_grants_clear (firewall->grants);
  return TRUE;
}

/* --- Bridges and leases, one at a time ----------------------------------- */

gboolean
oc_firewall_add_bridge (OcFirewall *firewall, const OcFirewallBridge *bridge, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  OcFirewallBridge *old = g_hash_table_lookup (firewall->bridges, bridge->name);
  OcFirewallBridge *copy;

  if (old != NULL && !oc_address_equal (&old->gateway, &bridge->gateway))
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "bridge %s has another gateway",
                          bridge->name);
  build_bridges (batch, OC_ELEMENT_ADD, bridge, 1);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  copy = g_memdup2 (bridge, sizeof *bridge);
  g_hash_table_replace (firewall->bridges, copy->name, copy);
  return TRUE;
}

gboolean
oc_firewall_remove_bridge (OcFirewall *firewall, const char *name, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  OcFirewallBridge *bridge = g_hash_table_lookup (firewall->bridges, name);
  GHashTableIter iter;
  gpointer lease;

  if (bridge == NULL)
    return TRUE;
  g_hash_table_iter_init (&iter, firewall->leases);
  while (g_hash_table_iter_next (&iter, NULL, &lease))
    if (strcmp (((OcLease *) lease)->bridge, name) == 0)
      return oc_throw_code (error, G_IO_ERROR_BUSY, "bridge %s still has the lease of port %s",
                            name, ((OcLease *) lease)->port);
  build_bridges (batch, OC_ELEMENT_ENSURE_ABSENT, bridge, 1);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  g_hash_table_remove (firewall->bridges, name);
  return TRUE;
}

static gboolean
is_same_lease (const OcLease *a, const OcLease *b)
{
  return strcmp (a->bridge, b->bridge) == 0 && strcmp (a->port, b->port) == 0
         && memcmp (a->mac, b->mac, 6) == 0 && oc_address_equal (&a->address, &b->address);
}

static gboolean
check_unique (OcFirewall *firewall, const OcLease *lease, GError **error)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, firewall->leases);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const OcLease *other = value;

      if (!is_same_lease (other, lease)
          && (strcmp (other->port, lease->port) == 0 || memcmp (other->mac, lease->mac, 6) == 0
              || oc_address_equal (&other->address, &lease->address)))
        return oc_throw_code (error, G_IO_ERROR_EXISTS,
                              "lease of port %s: port %s has its address, MAC or name",
                              lease->port, other->port);
    }
  return TRUE;
}

gboolean
oc_firewall_add_lease (OcFirewall *firewall, const OcLease *lease, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  guint32 address_be = oc_address_get_v4 (&lease->address);

  if (!check_leases (firewall->bridges, lease, 1, error)
      || !check_unique (firewall, lease, error)
      || !oc_firewall_ensure_ended (firewall, address_be, error))
    return FALSE;
  build_leases (batch, OC_ELEMENT_ADD, firewall->bridges, lease, 1);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  g_hash_table_replace (firewall->leases, g_memdup2 (&address_be, sizeof address_be),
                        g_memdup2 (lease, sizeof *lease));
  return TRUE;
}

GArray *
oc_firewall_list_leases (OcFirewall *firewall)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  GArray *leases = g_array_new (FALSE, FALSE, sizeof (OcLease));
  GHashTableIter iter;
  gpointer lease;

  g_hash_table_iter_init (&iter, firewall->leases);
  while (g_hash_table_iter_next (&iter, NULL, &lease))
    g_array_append_vals (leases, lease, 1);
  return leases;
}

gboolean
oc_firewall_remove_lease (OcFirewall *firewall, const OcLease *lease, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  g_autoptr (GArray) grants = NULL;
  guint32 address_be = oc_address_get_v4 (&lease->address);
  const OcLease *known = g_hash_table_lookup (firewall->leases, &address_be);

  if (known == NULL || !is_same_lease (known, lease))
    return TRUE;
  grants = oc_grants_get_keys (firewall->grants, address_be);
  build_leases (batch, OC_ELEMENT_ENSURE_ABSENT, firewall->bridges, lease, 1);
  oc_firewall_build_removal (firewall, batch, (OcGrantKey *) grants->data, grants->len);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  oc_grants_drop_source (firewall->grants, address_be);
  g_hash_table_remove (firewall->leases, &address_be);
  oc_firewall_end_later (firewall, address_be);
  return TRUE;
}
