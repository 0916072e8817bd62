/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Networks: one bridge, one IPv4 subnet, one gateway address each. Makes them
 * through rtnetlink, keeps the firewall in step, hands out addresses. State is
 * asked from the kernel whenever it is shown. Thread: main.
 */

#include "firewall/oc-firewall.h"

typedef struct OcNetworks OcNetworks;
typedef struct OcNetwork OcNetwork;

#define OC_ADDRESS_QUARANTINE_S 60
#define OC_NETWORKS_MAX 64 /* with the default one */
/* Addresses that end in this and above are never handed out here: a container engine gives
 * them to containers that others make in its network on our bridge. */
#define OC_NETWORK_ENGINE_FIRST 240

typedef struct
{
  const char *default_bridge; /* "outcall0"; the others count on from it */
  const char *subnet_block;   /* "10.200.0.0/16" */
  const char *state_dir;      /* (nullable): remembers created networks there; NULL: nowhere */
} OcNetworkOptions;

/* Picks the default network's subnet: that of the bridge if it is there, else the
 * block's first /24 that no route of the host overlaps. Knows the networks that were
 * created before again, from the state directory and from the bridges that are there. */
OcNetworks *oc_networks_new (const OcNetworkOptions *options, OcFirewall *firewall,
                             GError **error);
void oc_networks_free (OcNetworks *networks); /* leaves bridges in place */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcNetworks, oc_networks_free)

/* Makes or adopts every network: bridge, gateway address, no IPv6, link up.
 * Idempotent. Puts the base ruleset into the kernel when it is not there. Fails for
 * the default network only; what another one lacks is logged and shows in its state.
 * From now on, bridges that somebody removes or changes are restored. */
gboolean oc_networks_up (OcNetworks *networks, GError **error);
/* Removes every bridge and the base ruleset; what was created comes back with up.
 * G_IO_ERROR_BUSY while a bridge has ports, naming them. */
gboolean oc_networks_down (OcNetworks *networks, GError **error);
/* Puts the ruleset with every bridge and @leases into the kernel (oc_firewall_replace()). */
gboolean oc_networks_replace_rules (OcNetworks *networks, const OcLease *leases, gsize n_leases,
                                    GError **error);
/* How often bridges or ports that somebody had changed were put right. */
guint64 oc_networks_get_n_repairs (OcNetworks *networks);
/* How often the kernel threw notifications away, so that all was looked at anew. */
guint oc_networks_get_n_overruns (OcNetworks *networks);

/* --- Making and removing networks ------------------------------------------ */

/* A subnet that is somebody else's although no route shows it, such as that of a
 * container engine's network that is down. */
typedef struct
{
  OcAddress address;
  guint prefix_len;
  const char *owner; /* for messages: "Docker network 'ci'" */
} OcSubnet;

typedef struct
{
  const char *name;   /* with or without "outcall-" */
  const char *subnet; /* (nullable): a private /24 without host bits; NULL: the next free one */
  const OcSubnet *taken;
  gsize n_taken;
} OcNetworkRequest;

/* In the kernel, served and remembered on return, or nothing of it. One of this name
 * that is there is returned as it is.
 * @out_created: whether it is new
 * G_IO_ERROR_INVALID_ARGUMENT: name or subnet; G_IO_ERROR_EXISTS: the subnet is in use, or the
 * network has another one; G_IO_ERROR_NO_SPACE: no subnet or bridge left. */
OcNetwork *oc_networks_create (OcNetworks *networks, const OcNetworkRequest *request,
                               gboolean *out_created, GError **error);
/* Absent is fine (@out_destroyed FALSE). G_IO_ERROR_BUSY: its bridge has ports;
 * G_IO_ERROR_INVALID_ARGUMENT: the default network, or no possible name. */
gboolean oc_networks_destroy (OcNetworks *networks, const char *name, gboolean *out_destroyed,
                              GError **error);
/* @name: with or without "outcall-". (transfer none) (nullable) */
OcNetwork *oc_networks_lookup (OcNetworks *networks, const char *name);
/* The default network first. (transfer container) (element-type OcNetwork) */
GPtrArray *oc_networks_list (OcNetworks *networks);
OcNetwork *oc_networks_get_default (OcNetworks *networks);

/* A network came (before it is remembered; FALSE undoes it) or is about to go:
 * whoever serves its gateway begins or ends. One listener; not called for
 * networks that were there before. */
typedef gboolean (*OcNetworkFunc) (OcNetwork *network, gboolean alive, gpointer user_data,
                                   GError **error);
void oc_networks_set_listener (OcNetworks *networks, OcNetworkFunc func, gpointer user_data);

const char *oc_network_get_name (OcNetwork *network);   /* "outcall-default" */
const char *oc_network_get_bridge (OcNetwork *network); /* "outcall0" */
OcAddress oc_network_get_gateway (OcNetwork *network);
guint oc_network_get_prefix_len (OcNetwork *network);
/* "10.200.0.0/24". (transfer full) */
char *oc_network_dup_subnet (OcNetwork *network);

typedef struct
{
  gboolean present, up;
  guint32 index; /* 0 when absent */
  gboolean has_gateway;
  gboolean nftables_active;
} OcBridgeState;
/* Fresh from the kernel. */
gboolean oc_network_get_state (OcNetwork *network, OcBridgeState *out, GError **error);

/* --- Addresses and ports ----------------------------------------------------- */

/* A free address that is not in quarantine. G_IO_ERROR_NO_SPACE when there is none. */
gboolean oc_network_allocate (OcNetwork *network, OcAddress *out, GError **error);
/* Takes one address, when a daemon that starts again finds it in use.
 * G_IO_ERROR_EXISTS: taken already. */
gboolean oc_network_reserve (OcNetwork *network, const OcAddress *address, GError **error);
void oc_network_release (OcNetwork *network, const OcAddress *address);

/* An address in quarantine, for the state of a daemon that starts again. */
typedef struct
{
  OcAddress address;
  gint64 free_from_us; /* monotonic, which goes on as long as the host is up */
} OcRestingAddress;

/* (transfer full) (element-type OcRestingAddress) */
GArray *oc_network_list_resting (OcNetwork *network);
/* Into quarantine until then, but not for longer than a release would. One that is taken, and one
 * that is not of this network, stay as they are. */
void oc_network_rest (OcNetwork *network, const OcAddress *address, gint64 free_from_us);
/* The MAC that goes with @address: locally administered, derived from it. */
void oc_network_make_mac (const OcAddress *address, guint8 mac[6]);

/* Makes a veth pair, moves the peer into the network namespace @netns_fd with
 * @mac, @address/prefix, default route and `lo` up, and attaches our end to the
 * bridge as an isolated port, learning and flooding off. The lease must be in the
 * firewall before; the link comes up last.
 * @port: the name of our end, fresh for each attachment */
gboolean oc_network_attach (OcNetwork *network, int netns_fd, const char *port,
                            const guint8 mac[6], const OcAddress *address, GError **error);
/* Deletes the port @port; absent is fine, another's link is G_IO_ERROR_EXISTS. */
gboolean oc_network_detach (OcNetwork *network, const char *port, GError **error);
/* Whether @port is there and attached to this network's bridge. */
gboolean oc_network_has_port (OcNetwork *network, const char *port);
/* --- Ports that a container engine made ---------------------------------------- */

typedef struct
{
  char name[16];   /* our side */
  char inside[16]; /* the other end, as the container calls it */
  guint8 mac[6];   /* of the other end */
  guint32 index;   /* of our side */
} OcForeignPort;

/* The port of this network whose other end is in @netns_fd. G_IO_ERROR_NOT_FOUND: there
 * is none. G_IO_ERROR_PERMISSION_DENIED: the namespace has another way out besides. */
gboolean oc_network_find_port (OcNetwork *network, int netns_fd, OcForeignPort *out,
                               GError **error);
/* A port younger than link @after whose other end had @mac when it was first seen
 * running: engines have set it by then, and no process of the container has run yet.
 * @rejected: set of indexes: those that had another one, so that none is asked twice */
gboolean oc_network_find_new_port (OcNetwork *network, const guint8 mac[6], guint32 after,
                                   GHashTable *rejected, OcForeignPort *out);
/* The highest index of a link so far. */
guint32 oc_network_get_newest_link (OcNetwork *network);
/* Ties an engine's port: isolated, learning and flooding off, MAC and address pinned. The
 * lease must be in the firewall before. */
gboolean oc_network_adopt (OcNetwork *network, const char *port, const guint8 mac[6],
                           const OcAddress *address, GError **error);
/* Address, default route and gateway of a port whose engine gives none. Idempotent. */
gboolean oc_network_set_up_inside (OcNetwork *network, int netns_fd, const char *inside,
                                   const OcAddress *address, GError **error);

/* Names of the ports that oc_network_attach() made, by whichever run of the daemon, for
 * cleaning up after a crash; never those that others attached.
 * (transfer full) (element-type utf8) */
GPtrArray *oc_network_list_ports (OcNetwork *network, GError **error);

/* This host's own addresses of all interfaces: one call now and one whenever they
 * change, from the default main context. One listener. */
typedef void (*OcOwnAddressesFunc) (const OcAddress *addresses, gsize n, gpointer user_data);
gboolean oc_networks_watch_addresses (OcNetworks *networks, OcOwnAddressesFunc func,
                                      gpointer user_data, GError **error);
