/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What other tools do to nftables is noticed: the kernel tells of each transaction that is not
 * ours. Then our tables are looked at, and put in again when they are not as they were.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include "common/oc-error.h"
#include "common/oc-source.h"

/* The first change is looked at right away. A tool that changes much does it in many
 * transactions, and then one look is for all of these. */
#define LOOKS_EVERY_MS 20
#define RETRY_MS 1000

static void look_later (OcFirewall *firewall, guint delay_ms);

static void
note_restored (OcFirewall *firewall, const char *difference, guint64 n_grants)
{
  g_mutex_lock (&firewall->lock);
  firewall->n_restored++;
  g_free (firewall->last_difference);
  firewall->last_difference = g_strdup (difference);
  g_mutex_unlock (&firewall->lock);
  g_warning ("somebody else changed the ruleset (%s); restored, %" G_GUINT64_FORMAT
             " grants have ended",
             difference, n_grants);
}

gboolean
oc_firewall_repair (OcFirewall *firewall, GError **error)
{
  g_autofree OcFirewallBridge *bridges = NULL;
  g_autoptr (GArray) leases = NULL;
  g_autofree char *difference = NULL;
  guint64 n_grants;
  gsize n_bridges = 0;
  GHashTableIter iter;
  gpointer bridge;

  g_mutex_lock (&firewall->lock);
  n_grants = oc_grants_count (firewall->grants);
  if (firewall->digest != NULL) /* else there is nothing of ours to be changed */
    difference = oc_firewall_find_difference (firewall);
  bridges = g_new0 (OcFirewallBridge, g_hash_table_size (firewall->bridges));
  g_hash_table_iter_init (&iter, firewall->bridges);
  while (g_hash_table_iter_next (&iter, NULL, &bridge))
    bridges[n_bridges++] = *(OcFirewallBridge *) bridge;
  g_mutex_unlock (&firewall->lock);
  if (difference == NULL)
    return TRUE;
  /* Only the main thread changes bridges and leases, and this is it. */
  leases = oc_firewall_list_leases (firewall);
  if (!oc_firewall_replace (firewall, bridges, n_bridges, (OcLease *) leases->data, leases->len,
                            error))
    return oc_prefix (error, "somebody else changed the ruleset (%s)", difference);
  note_restored (firewall, difference, n_grants);
  return TRUE;
}

static gboolean
on_look (gpointer user_data)
{
  OcFirewall *firewall = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&firewall->look_timer, g_source_unref);
  firewall->looked_us = g_get_monotonic_time ();
  firewall->n_looks++;
  if (!oc_firewall_repair (firewall, &error))
    {
      g_warning ("%s; trying again", error->message);
      look_later (firewall, RETRY_MS);
    }
  return G_SOURCE_REMOVE;
}

static void
look_later (OcFirewall *firewall, guint delay_ms)
{
  if (firewall->look_timer != NULL)
    return;
  firewall->look_timer = g_timeout_source_new (delay_ms);
  g_source_set_static_name (firewall->look_timer, "ruleset check");
  g_source_set_callback (firewall->look_timer, on_look, firewall, NULL);
  g_source_attach (firewall->look_timer, g_main_context_get_thread_default ());
}

static void
on_change (OcNetlinkKinds kinds, gpointer user_data)
{
  OcFirewall *firewall = user_data;
  gint64 since_ms = (g_get_monotonic_time () - firewall->looked_us) / 1000;

  (void) kinds;
  look_later (firewall, since_ms < LOOKS_EVERY_MS ? (guint) (LOOKS_EVERY_MS - since_ms) : 0);
}

static void
on_forwarding (OcNetlinkKinds kinds, gpointer user_data)
{
  OcFirewall *firewall = user_data;

  (void) kinds;
  g_mutex_lock (&firewall->lock);
  oc_firewall_look_at_forwarding (firewall);
  g_mutex_unlock (&firewall->lock);
}

gboolean
oc_firewall_watch (OcFirewall *firewall, GError **error)
{
  if (firewall->forwarding_watch == NULL)
    firewall->forwarding_watch
        = oc_netlink_watch_new (OC_NETLINK_FORWARDING, on_forwarding, firewall, error);
  if (firewall->forwarding_watch == NULL)
    return FALSE;
  if (firewall->watch == NULL)
    firewall->watch = oc_netlink_watch_ruleset_new (firewall->netlink, on_change, firewall, error);
  return firewall->watch != NULL;
}

void
oc_firewall_stop_watch (OcFirewall *firewall)
{
  g_clear_pointer (&firewall->watch, oc_netlink_watch_free);
  g_clear_pointer (&firewall->forwarding_watch, oc_netlink_watch_free);
  oc_source_clear (&firewall->look_timer);
}

guint64
oc_firewall_get_n_restored (OcFirewall *firewall, char **out_last)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);

  if (out_last != NULL)
    *out_last = g_strdup (firewall->last_difference);
  return firewall->n_restored;
}

guint64
oc_firewall_get_n_looks (OcFirewall *firewall)
{
  return firewall->n_looks;
}
