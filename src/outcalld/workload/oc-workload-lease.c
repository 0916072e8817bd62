/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "workload/oc-workload-private.h"

#include "common/oc-error.h"

#include <sys/random.h>

gboolean
oc_workload_make_random_hex (gsize n, char *out, GError **error)
{
  guint8 bytes[OC_WORKLOAD_ID_BYTES];

  g_assert (n <= sizeof bytes);
  if (getrandom (bytes, n, 0) != (ssize_t) n)
    return oc_throw_errno (error, "random bytes");
  for (gsize i = 0; i < n; i++)
    g_snprintf (out + 2 * i, 3, "%02x", bytes[i]);
  return TRUE;
}

void
oc_workload_format_mac (const guint8 mac[6], char text[18])
{
  g_snprintf (text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
              mac[5]);
}

gboolean
oc_workload_make_lease (OcNetwork *network, OcLease *out, GError **error)
{
  if (!oc_network_allocate (network, &out->address, error))
    return FALSE;
  g_strlcpy (out->bridge, oc_network_get_bridge (network), sizeof out->bridge);
  oc_network_make_mac (&out->address, out->mac);
  return TRUE;
}

void
oc_workload_undo_lease (OcWorkloads *workloads, OcNetwork *network, const OcLease *lease)
{
  g_autoptr (GError) error = NULL;

  /* Stays leased, and the address taken, rather than given to a second one. */
  if (!oc_firewall_remove_lease (workloads->firewall, lease, &error))
    g_warning ("lease of %s after a failure: %s", lease->port, error->message);
  else
    oc_network_release (network, &lease->address);
}
