/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Ends established flows: deletes conntrack entries, so that the next packet is new again
 * and meets the rules. The search walks the host's whole conntrack table. */

#include <gio/gio.h>

typedef struct OcFlows OcFlows;

OcFlows *oc_flows_new (GError **error);
void oc_flows_free (OcFlows *flows);

typedef struct
{
  guint32 source_be; /* of the packet that began it */
  guint32 destination_be;
  guint8 protocol;
  guint16 destination_port;
  gboolean translated; /* its destination was redirected: a flow to the host */
} OcFlow;

typedef gboolean (*OcFlowFunc) (const OcFlow *flow, gpointer user_data);

/* Ends every flow that @matches says yes to. What allowed it must be out of the
 * kernel before; packets that were still under way then are waited for.
 * @source_be: only flows from there; 0: all
 * Thread: any. Locks: its own, held meanwhile. */
gboolean oc_flows_end (OcFlows *flows, guint32 source_be, OcFlowFunc matches, gpointer user_data,
                       GError **error);
