/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Grants leave the kernel, and what they had begun ends: first the elements go, so
 * that nothing new begins, then the entries of conntrack. For an address and a port, and for
 * whole workloads, a set refuses the established flows while conntrack is searched.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>

/* How long established flows are refused by a set, while conntrack is
 * searched for them: that takes longer the more flows the host has. */
#define REVOKED_MS 60000

/* --- Some ---------------------------------------------------------------- */

typedef struct
{
  const OcGrantKey *keys;
  gsize n;
} Keys;

static gboolean
matches_keys (const OcFlow *flow, gpointer user_data)
{
  const Keys *keys = user_data;

  if (flow->translated)
    return FALSE;
  for (gsize i = 0; i < keys->n; i++)
    {
      const OcGrantKey *key = &keys->keys[i];
      guint32 mask = G_MAXUINT32 << key->host_bits;

      if (flow->source_be == key->source_be && flow->protocol == key->protocol
          && ((ntohl (flow->destination_be) ^ ntohl (key->destination_be)) & mask) == 0
          && flow->destination_port >= key->port
          && flow->destination_port <= MAX (key->port, key->last_port))
        return TRUE;
    }
  return FALSE;
}

static void
build_revoked (OcNetlinkBatch *batch, const OcGrantKey *keys, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!oc_grant_key_is_any_port (&keys[i]) && !oc_grant_key_is_range (&keys[i]))
      {
        OcElement element = { .timeout_ms = REVOKED_MS };

        oc_key_put_ipv4 (&element.key, keys[i].source_be);
        oc_key_put_ipv4 (&element.key, keys[i].destination_be);
        oc_key_put_protocol (&element.key, keys[i].protocol);
        oc_key_put_port (&element.key, keys[i].port);
        oc_build_elements (batch, NFPROTO_INET, OC_SET_REVOKED, OC_ELEMENT_ADD, &element, 1);
      }
}

static void
build_revoked_source (OcNetlinkBatch *batch, OcElementOp op, guint32 source_be)
{
  OcElement element = { .timeout_ms = op == OC_ELEMENT_ADD ? REVOKED_MS : 0 };

  oc_key_put_ipv4 (&element.key, source_be);
  oc_build_elements (batch, NFPROTO_INET, OC_SET_REVOKED_SOURCES, op, &element, 1);
}

/* The flows could not be found: then everything that these workloads send ends. */
static void
refuse_sources (OcFirewall *firewall, const OcGrantKey *keys, gsize n)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  for (gsize i = 0; i < n; i++)
    build_revoked_source (batch, OC_ELEMENT_ADD, keys[i].source_be);
  (void) oc_firewall_commit (firewall, batch, NULL);
}

static gboolean
remove_some (OcFirewall *firewall, const OcGrantKey *keys, gsize n, GError **error)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  Keys matching = { keys, n };
  guint32 source_be = n > 0 ? keys[0].source_be : 0;

  g_mutex_lock (&firewall->lock);
  oc_firewall_build_removal (firewall, batch, keys, n);
  build_revoked (batch, keys, n);
  if (!oc_firewall_commit (firewall, batch, error))
    {
      g_mutex_unlock (&firewall->lock);
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      (void) oc_grants_remove (firewall->grants, &keys[i]);
      if (keys[i].source_be != source_be)
        source_be = 0; /* search all flows */
    }
  g_mutex_unlock (&firewall->lock);
  if (oc_flows_end (firewall->flows, source_be, matches_keys, &matching, error))
    return TRUE;
  refuse_sources (firewall, keys, n);
  return FALSE;
}

gboolean
oc_firewall_remove_grants (OcFirewall *firewall, const OcGrantKey *keys, gsize n, GError **error)
{
  for (gsize done = 0; done < n; done += OC_GRANTS_PER_CALL_MAX)
    if (!remove_some (firewall, keys + done, MIN (n - done, (gsize) OC_GRANTS_PER_CALL_MAX),
                      error))
      return FALSE;
  return TRUE;
}

/* --- All ----------------------------------------------------------------- */

/* The bridge in whose network (a /24) an address is that no lease has: a workload's that died
 * while nobody looked. Returns: (nullable) */
static const OcFirewallBridge *
find_bridge (OcFirewall *firewall, guint32 source_be)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, firewall->bridges);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      guint32 gateway_be = oc_address_get_v4 (&((OcFirewallBridge *) value)->gateway);

      if (source_be != gateway_be && ((source_be ^ gateway_be) & htonl (0xffffff00)) == 0)
        return value;
    }
  return NULL;
}

/* A flow of a workload to anything but its gateway or the transparent proxy was
 * forwarded, which only a grant can have allowed. */
static gboolean
matches_granted (const OcFlow *flow, gpointer user_data)
{
  OcFirewall *firewall = user_data;
  const OcLease *lease = g_hash_table_lookup (firewall->leases, &flow->source_be);
  const OcFirewallBridge *bridge
      = lease != NULL ? g_hash_table_lookup (firewall->bridges, lease->bridge)
                      : find_bridge (firewall, flow->source_be);

  if (flow->translated || (lease == NULL && bridge == NULL))
    return FALSE;
  return bridge == NULL || flow->destination_be != oc_address_get_v4 (&bridge->gateway);
}

void
oc_firewall_build_revoked_sources (OcFirewall *firewall, OcNetlinkBatch *batch,
                                   GHashTable *leases)
{
  g_autofree OcElement *elements = g_new0 (OcElement, g_hash_table_size (leases));
  GHashTableIter iter;
  gpointer address_be;
  gsize n = 0;

  if (!firewall->maybe_flows)
    return;
  g_hash_table_iter_init (&iter, leases);
  while (g_hash_table_iter_next (&iter, &address_be, NULL))
    {
      oc_key_put_ipv4 (&elements[n].key, *(guint32 *) address_be);
      elements[n++].timeout_ms = REVOKED_MS;
    }
  oc_build_elements (batch, NFPROTO_INET, OC_SET_REVOKED_SOURCES, OC_ELEMENT_ADD, elements, n);
}

gboolean
oc_firewall_end_granted_flows (OcFirewall *firewall, GError **error)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  if (!firewall->maybe_flows)
    return TRUE;
  if (!oc_flows_end (firewall->flows, 0, matches_granted, firewall, error))
    return FALSE; /* the set goes on refusing them */
  oc_build_flush_set (batch, NFPROTO_INET, OC_SET_REVOKED_SOURCES);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  firewall->maybe_flows = FALSE;
  return TRUE;
}

static gboolean
flush_all (OcFirewall *firewall, GError **error)
{
  static const char *const sets[]
      = { OC_SET_GRANTS, OC_SET_GRANTS_ANY_PORT, OC_SET_GRANTS_RANGES, OC_SET_LIMITS };
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    oc_build_flush_set (batch, NFPROTO_INET, sets[i]);
  oc_firewall_build_revoked_sources (firewall, batch, firewall->leases);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  oc_grants_clear (firewall->grants);
  return oc_firewall_end_granted_flows (firewall, error);
}

static gboolean
flush_source (OcFirewall *firewall, guint32 source_be, GError **error)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  g_autoptr (OcNetlinkBatch) last = oc_netlink_batch_new ();
  g_autoptr (GArray) keys = oc_grants_get_keys (firewall->grants, source_be);

  oc_firewall_build_removal (firewall, batch, (OcGrantKey *) keys->data, keys->len);
  build_revoked_source (batch, OC_ELEMENT_ADD, source_be);
  if (!oc_firewall_commit (firewall, batch, error))
    return FALSE;
  oc_grants_drop_source (firewall->grants, source_be);
  if (!oc_flows_end (firewall->flows, source_be, matches_granted, firewall, error))
    return FALSE; /* the set goes on refusing them */
  build_revoked_source (last, OC_ELEMENT_ENSURE_ABSENT, source_be);
  return oc_firewall_commit (firewall, last, error);
}

gboolean
oc_firewall_flush_grants (OcFirewall *firewall, guint32 source_be, guint64 *out_removed,
                          GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  gsize before = oc_grants_count (firewall->grants);

  if (!(source_be == 0 ? flush_all (firewall, error) : flush_source (firewall, source_be, error)))
    return FALSE;
  if (out_removed != NULL)
    *out_removed = before - oc_grants_count (firewall->grants);
  return TRUE;
}
