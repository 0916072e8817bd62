/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The kernel's part: tables `inet outcall` and `bridge outcall`, built with
 * libnftnl and replaced as a whole in one transaction, so that there is no
 * instant without the drop. It knows bridges, leases and grants; who owns them
 * is decided above. Replies are awaited: TRUE means that the kernel has it.
 */

#include "common/oc-address.h"

#include <gio/gio.h>

typedef struct OcFirewall OcFirewall;

#define OC_GRANTS_PER_WORKLOAD_MAX 4096
#define OC_GRANTS_MAX 1048576

typedef struct
{
  gboolean deny_drop; /* silent instead of reject */
  guint16 dns_port;
  guint16 proxy_port;      /* 0: no proxy */
  guint16 proxy_http_port; /* transparent */
  guint16 proxy_tls_port;
} OcFirewallOptions;

/* A bridge of ours with its gateway address. Its MAC is oc_firewall_make_mac() of
 * that address: by this MAC the ruleset tells frames on our bridges from those of others. */
typedef struct
{
  char name[16];
  OcAddress gateway;
} OcFirewallBridge;

/* The tie of a workload to one port, one MAC and one address. */
typedef struct
{
  char bridge[16];
  char port[16]; /* interface name of the bridge port */
  guint8 mac[6];
  OcAddress address;
} OcLease;

/* Whom a grant lets connect where. */
typedef struct
{
  guint32 source_be;
  guint32 destination_be; /* of a range: its first address */
  guint8 protocol;        /* IPPROTO_TCP or IPPROTO_UDP */
  guint8 host_bits;       /* 0: one address; 8: a /24; at most OC_GRANT_HOST_BITS_MAX */
  guint16 port;
  guint16 last_port; /* 0: port alone; port 0 and last_port 65535: every port */
} OcGrantKey;

#define OC_GRANT_HOST_BITS_MAX 24
#define OC_GRANT_RANGES_MAX 16384 /* with a range of addresses or ports, in all */
#define OC_GRANTS_PER_CALL_MAX 256

typedef struct
{
  OcGrantKey key;
  guint lifetime_s;  /* at least 1 */
  guint64 max_bytes; /* that may be sent under it until it is renewed; 0: no limit */
  const char *name;  /* (nullable): host name it was looked up for */
  const char *rule;  /* (nullable): id of the rule; NULL: an operator's */
} OcGrantRequest;

/* A grant as it is shown. */
typedef struct
{
  guint64 id;
  OcGrantKey key;
  char *name, *rule; /* (nullable) */
  gint64 inserted_us, expires_us; /* monotonic */
  guint64 max_bytes;
  guint64 packets, bytes; /* that the workload sent under it */
} OcGrant;
void oc_grant_free (OcGrant *grant);

/* The locally administered MAC that goes with an IPv4 address, of leases and of
 * bridges. Thread: any. */
void oc_firewall_make_mac (const OcAddress *address, guint8 mac[6]);

/* Checks CAP_NET_ADMIN, nftables, the bridge family and what else enforcement
 * needs; a missing layer is an error that names it. Thread: main, but where said. */
OcFirewall *oc_firewall_new (const OcFirewallOptions *options, GError **error);
void oc_firewall_free (OcFirewall *firewall); /* leaves the ruleset in place */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcFirewall, oc_firewall_free)

/* Replaces both tables with exactly these bridges and leases and no grants, in
 * one transaction; flows that a grant had allowed end. Every lease's bridge is
 * among @bridges. */
gboolean oc_firewall_replace (OcFirewall *firewall, const OcFirewallBridge *bridges,
                              gsize n_bridges, const OcLease *leases, gsize n_leases,
                              GError **error);
/* How packets are refused from now on: silently, or at once with an error. Grants and
 * flows stay. */
gboolean oc_firewall_set_deny_drop (OcFirewall *firewall, gboolean deny_drop, GError **error);
/* Removes both tables and switches off what grants switched on; only for `bridge down`,
 * when no bridge of ours is left. */
gboolean oc_firewall_remove (OcFirewall *firewall, GError **error);
/* Asks the kernel whether both tables are there with their drop policy. */
gboolean oc_firewall_is_active (OcFirewall *firewall);

/* Looks whether another tool has changed our tables, and if so replaces them; then the
 * grants have ended. Nothing to do after oc_firewall_remove(). */
gboolean oc_firewall_repair (OcFirewall *firewall, GError **error);
/* Does that from now on, whenever another tool changes nftables, from the thread-default
 * main context of the caller. */
gboolean oc_firewall_watch (OcFirewall *firewall, GError **error);
/* How often that was needed.
 * @out_last: (nullable) (transfer full): what was changed the last time, or NULL */
guint64 oc_firewall_get_n_restored (OcFirewall *firewall, char **out_last);
/* How often another tool's changes made us look. Thread: main. */
guint64 oc_firewall_get_n_looks (OcFirewall *firewall);

gboolean oc_firewall_add_bridge (OcFirewall *firewall, const OcFirewallBridge *bridge,
                                 GError **error);
gboolean oc_firewall_remove_bridge (OcFirewall *firewall, const char *name, GError **error);
/* G_IO_ERROR_EXISTS: another lease has its address, MAC or port; G_IO_ERROR_NOT_FOUND:
 * its bridge was not added. */
gboolean oc_firewall_add_lease (OcFirewall *firewall, const OcLease *lease, GError **error);
/* (transfer full) (element-type OcLease) */
GArray *oc_firewall_list_leases (OcFirewall *firewall);
/* Also removes the grants of its address. Its packets are dropped on return; a thread forgets its
 * flows, and the next lease of the address waits for that. */
gboolean oc_firewall_remove_lease (OcFirewall *firewall, const OcLease *lease, GError **error);

/* --- Grants. Thread: any. Locks: their own -------------------------------- */

/* Inserts or renews; the lifetime starts anew (a renewal that would add less than a
 * second is none). All of @requests are in the kernel on return, or none. Beyond
 * OC_GRANTS_PER_WORKLOAD_MAX the workload's least recently renewed grant goes.
 * Switches IPv4 forwarding on for the interfaces concerned. A failure leaves the traffic blocked.
 * G_IO_ERROR_NOT_FOUND: the source has no lease. G_IO_ERROR_NOT_SUPPORTED: the destination
 * is this host. G_IO_ERROR_INVALID_ARGUMENT: no possible grant. G_IO_ERROR_EXISTS: a
 * range overlaps another one of the workload, which is named. G_IO_ERROR_NO_SPACE: OC_GRANTS_MAX
 * or OC_GRANT_RANGES_MAX.
 * @n: at most OC_GRANTS_PER_CALL_MAX
 * @out_ids: (nullable): @n ids */
gboolean oc_firewall_add_grants (OcFirewall *firewall, const OcGrantRequest *requests, gsize n,
                                 guint64 *out_ids, GError **error);
/* The same, but a grant that is there never gets a shorter life or a smaller limit by it:
 * for names, of which several may share an address. */
gboolean oc_firewall_ensure_grants (OcFirewall *firewall, const OcGrantRequest *requests, gsize n,
                                    GError **error);
/* Removes grants and ends their flows; absent ones are fine. */
gboolean oc_firewall_remove_grants (OcFirewall *firewall, const OcGrantKey *keys, gsize n,
                                    GError **error);
/* All grants of @source_be, 0: of everybody; their flows end.
 * @out_removed: (nullable) */
gboolean oc_firewall_flush_grants (OcFirewall *firewall, guint32 source_be, guint64 *out_removed,
                                   GError **error);
/* FALSE: there is none. */
gboolean oc_firewall_lookup_grant (OcFirewall *firewall, guint64 id, OcGrantKey *out_key);
/* Those in force, the most recently made or renewed first.
 * @source_be: 0: of everybody
 * @counters: ask the kernel for each one's, some microseconds; else 0
 * @out_total: (nullable): how many there are without @limit
 * (transfer full) (element-type OcGrant) */
GPtrArray *oc_firewall_list_grants (OcFirewall *firewall, guint32 source_be, gsize limit,
                                    gboolean counters, guint64 *out_total);
guint64 oc_firewall_count_grants (OcFirewall *firewall);

/* --- Counters ---------------------------------------------------------------- */

typedef struct
{
  char name[32]; /* of the named counter: "forward_refused", … */
  guint64 packets, bytes;
} OcFirewallCounter;
/* (transfer full) (element-type OcFirewallCounter): the ruleset's counters, from the kernel. */
GArray *oc_firewall_get_counters (OcFirewall *firewall, GError **error);
