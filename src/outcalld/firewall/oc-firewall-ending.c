/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The flows of an address that has lost its lease. No packet of theirs passes any more, but
 * conntrack still has them, and an address that is leased again must not inherit them. Looking
 * through conntrack takes tens of milliseconds, which nobody has to wait for.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

typedef struct
{
  OcFirewall *firewall;
  guint32 address_be;
  guint id;
} Ending;

/* Returns: which loss of a lease this is, 0 when its flows are gone. */
static guint
get_id (OcFirewall *firewall, guint32 address_be)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->ending_lock);
  gpointer address = GUINT_TO_POINTER (address_be);

  return GPOINTER_TO_UINT (g_hash_table_lookup (firewall->ending, address));
}

/* A later loss of the same address stays. */
static void
remove_ending (const Ending *ending)
{
  OcFirewall *firewall = ending->firewall;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->ending_lock);
  gpointer address = GUINT_TO_POINTER (ending->address_be);

  if (GPOINTER_TO_UINT (g_hash_table_lookup (firewall->ending, address)) == ending->id)
    g_hash_table_remove (firewall->ending, address);
}

/* The address may have a new lease by now, whose flows are to stay. */
static gboolean
is_of_ending (const OcFlow *flow, gpointer user_data)
{
  const Ending *ending = user_data;

  (void)flow;
  return get_id (ending->firewall, ending->address_be) == ending->id;
}

/* Waits for one. Returns: FALSE when there are no more and there will be none. */
static gboolean
take (Ending *out)
{
  OcFirewall *firewall = out->firewall;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->ending_lock);
  GArray *queue = firewall->ending_queue;

  while (queue->len == 0)
    {
      if (firewall->no_more_endings)
        return FALSE;
      g_cond_wait (&firewall->ending_cond, &firewall->ending_lock);
    }
  out->address_be = g_array_index (queue, guint32, queue->len - 1);
  g_array_set_size (queue, queue->len - 1);
  out->id = GPOINTER_TO_UINT (
      g_hash_table_lookup (firewall->ending, GUINT_TO_POINTER (out->address_be)));
  return TRUE;
}

/* Of the thread. An address whose flows could not be ended stays for the next lease. */
static gpointer
end_flows (gpointer user_data)
{
  Ending ending = { .firewall = user_data };

  while (take (&ending))
    {
      g_autoptr (GError) error = NULL;

      if (ending.id == 0)
        continue;
      if (oc_flows_end (ending.firewall->flows, ending.address_be, is_of_ending, &ending, &error))
        remove_ending (&ending);
      else
        g_warning ("flows of a workload that has ended: %s", error->message);
    }
  return NULL;
}

void
oc_firewall_start_ending (OcFirewall *firewall)
{
  g_mutex_init (&firewall->ending_lock);
  g_cond_init (&firewall->ending_cond);
  firewall->ending = g_hash_table_new (NULL, NULL);
  firewall->ending_queue = g_array_new (FALSE, FALSE, sizeof (guint32));
}

void
oc_firewall_stop_ending (OcFirewall *firewall)
{
  g_mutex_lock (&firewall->ending_lock);
  firewall->no_more_endings = TRUE;
  g_cond_signal (&firewall->ending_cond);
  g_mutex_unlock (&firewall->ending_lock);
  if (firewall->ending_thread != NULL)
    g_thread_join (firewall->ending_thread);
  g_array_unref (firewall->ending_queue);
  g_hash_table_unref (firewall->ending);
  g_cond_clear (&firewall->ending_cond);
  g_mutex_clear (&firewall->ending_lock);
}

void
oc_firewall_end_later (OcFirewall *firewall, guint32 address_be)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->ending_lock);

  if (++firewall->last_ending == 0)
    firewall->last_ending = 1;
  g_hash_table_insert (firewall->ending, GUINT_TO_POINTER (address_be),
                       GUINT_TO_POINTER (firewall->last_ending));
  /* Without a thread they are left for the next lease. */
  if (firewall->ending_thread == NULL)
    firewall->ending_thread = g_thread_try_new ("end-flows", end_flows, firewall, NULL);
  if (firewall->ending_thread == NULL)
    return;
  g_array_append_val (firewall->ending_queue, address_be);
  g_cond_signal (&firewall->ending_cond);
}

static gboolean
matches_any (const OcFlow *flow, gpointer user_data)
{
  (void)flow;
  (void)user_data;
  return TRUE;
}

gboolean
oc_firewall_ensure_ended (OcFirewall *firewall, guint32 address_be, GError **error)
{
  const Ending ending = { firewall, address_be, get_id (firewall, address_be) };

  if (ending.id == 0)
    return TRUE;
  if (!oc_flows_end (firewall->flows, address_be, matches_any, NULL, error))
    return FALSE;
  remove_ending (&ending);
  return TRUE;
}
