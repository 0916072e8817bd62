/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the files of this folder share of the object. */

#include "firewall/oc-firewall-flows.h"
#include "firewall/oc-firewall-grants.h"
#include "firewall/oc-firewall-rules.h"

struct OcFirewall
{
  OcFirewallOptions options;

  /* Protects everything below but `flows`, which has its own. Taken before that
   * one; held for one transaction with the kernel, some 10 µs to 1 ms. */
  GMutex lock;
  OcNetlink *netlink; /* nfnetlink */
  OcNetlink *route;
  GHashTable *bridges;    /* name → OcFirewallBridge */
  GHashTable *leases;     /* guint32 address, network order → OcLease */
  GHashTable *forwarding; /* guint32 index → its name if we switched its forwarding on, else NULL */
  gboolean maybe_flows;   /* flows that grants began may be alive, also of an earlier run */
  OcGrants *grants;

  char *digest; /* (nullable) of chains and rules, right after they went in; NULL: removed */
  guint64 n_restored;
  char *last_difference; /* (nullable) */

  OcFlows *flows;
  /* Taken while `lock` or that of `flows` is held; no other is taken within it. */
  GMutex ending_lock;
  GCond ending_cond;    /* more in the queue, or no more */
  GHashTable *ending;   /* addresses that lost a lease and whose flows may live: guint32, id */
  GArray *ending_queue; /* of guint32: those that the thread has not begun */
  guint last_ending;    /* id */
  gboolean no_more_endings;
  GThread *ending_thread; /* from the first one on */

  /* Of the main thread. */
  OcNetlinkWatch *watch; /* (nullable) */
  OcNetlinkWatch *forwarding_watch; /* (nullable) */
  GSource *look_timer;   /* (nullable) */
  gint64 looked_us;      /* when our tables were looked at */
  guint64 n_looks;
};

/* Loads and removes a table in one transaction, so it is never in force.
 * G_IO_ERROR_NOT_SUPPORTED names what the kernel lacks. */
gboolean oc_firewall_probe (OcFirewall *firewall, const OcFeature *feature, GError **error);

/* The caller holds the lock for all of these. */
gboolean oc_firewall_commit (OcFirewall *firewall, const OcNetlinkBatch *batch, GError **error);
/* Takes @keys out of the sets that they are in, if they are. */
void oc_firewall_build_removal (OcFirewall *firewall, OcNetlinkBatch *batch, const OcGrantKey *keys,
                                gsize n);
/* Refuses the established flows of @leases from this transaction on, until
 * oc_firewall_end_granted_flows() has ended them. */
void oc_firewall_build_revoked_sources (OcFirewall *firewall, OcNetlinkBatch *batch,
                                        GHashTable *leases);
/* Ends the flows of all leases that went past the host, not to it. */
gboolean oc_firewall_end_granted_flows (OcFirewall *firewall, GError **error);
/* Every set that bridges and leases fill, with what must be in it. */
typedef void (*OcSetFunc) (guint8 family, const char *set, const OcElement *elements, gsize n,
                           gpointer user_data);
void oc_firewall_foreach_set (OcFirewall *firewall, OcSetFunc func, gpointer user_data);
/* Ends the flows of an address that has just lost its lease, in a thread. */
void oc_firewall_end_later (OcFirewall *firewall, guint32 address_be);
/* For an address that is to be leased: what has not ended yet ends now. */
gboolean oc_firewall_ensure_ended (OcFirewall *firewall, guint32 address_be, GError **error);
/* The number that the kernel counts up with each transaction; 0: it cannot be had. */
guint32 oc_firewall_get_generation (OcFirewall *firewall);
/* Takes the digest after a commit. @before: the generation right before that: when there was
 * another transaction than ours since then, what is there now is not taken for ours. */
void oc_firewall_remember_rules (OcFirewall *firewall, guint32 before);
/* What the kernel has and was not given, or the other way round; NULL: nothing. (transfer full) */
char *oc_firewall_find_difference (OcFirewall *firewall);
/* Packets of @bridge to the destinations of @key can be routed, and their answers.
 * G_IO_ERROR_NOT_SUPPORTED: that is this host. */
gboolean oc_firewall_ensure_forwarding (OcFirewall *firewall, const char *bridge,
                                        const OcGrantKey *key, GError **error);
/* Takes back what grants switched on, also in an earlier run: the kernel's set tells. */
void oc_firewall_reset_forwarding (OcFirewall *firewall);
/* When the host forwards by now, what grants switched on is its own. */
void oc_firewall_look_at_forwarding (OcFirewall *firewall);
/* The links that the set must hold. (transfer full) (element-type OcElement) */
GArray *oc_firewall_list_switched_on (OcFirewall *firewall);
/* The keys of a set. (transfer full) (nullable): set of GBytes; NULL: it cannot be read */
GHashTable *oc_firewall_dump_set (OcFirewall *firewall, guint8 family, const char *name);

/* The caller does not hold the lock. */
void oc_firewall_start_ending (OcFirewall *firewall);
void oc_firewall_stop_ending (OcFirewall *firewall);
void oc_firewall_stop_watch (OcFirewall *firewall);
