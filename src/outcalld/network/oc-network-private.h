/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the files of this folder share of the objects. */

#include "netlink/oc-netlink.h"
#include "network/oc-network.h"

/* Every network is a /24: the last byte tells addresses apart. */
#define OC_NETWORK_PREFIX 24
#define OC_NETWORK_HOSTS 256

/* The alias that says whose a port is, in `ip link` too. */
#define OC_PORT_ALIAS "outcall workload"
/* The same for a bridge; the network's name follows. */
#define OC_BRIDGE_ALIAS "outcall network "
/* What the interface is called inside. */
#define OC_PORT_INSIDE "eth0"

#define OC_NETWORK_NAME_PREFIX "outcall-"
#define OC_NETWORK_NAME_DEFAULT OC_NETWORK_NAME_PREFIX "default"

/* The longest that attaching waits for the new port to carry packets. */
#define OC_PORT_WAIT_MS 100

typedef enum
{
  OC_HOST_FREE,
  OC_HOST_TAKEN,
  OC_HOST_QUARANTINED, /* until its free_from_us */
} OcHostState;

typedef struct
{
  guint8 state;         /* OcHostState */
  gint64 free_from_us; /* monotonic */
} OcHostSlot;

struct OcNetwork
{
  OcNetlink *netlink; /* (transfer none): of OcNetworks */
  OcFirewall *firewall; /* (transfer none) */
  char *name;
  char bridge[16];
  OcAddress gateway;
  OcHostSlot hosts[OC_NETWORK_HOSTS]; /* by last byte; .0, .1, .255 are never handed out */
  guint last_host;                    /* handed out last: the search goes on behind it */
  gint64 (*now_us) (void);            /* g_get_monotonic_time; tests bring their own */
};

struct OcNetworks
{
  OcFirewall *firewall; /* (transfer none) */
  OcNetlink *netlink;
  GPtrArray *all; /* (element-type OcNetwork), owned; the default one is first */
  char *default_bridge;
  char *block;
  char *state_file; /* (nullable) */
  gboolean is_up;
  guint64 n_repairs;
  OcNetlinkWatch *watch;
  GSource *repair_timer; /* (nullable): a repair failed and is tried again */
  OcOwnAddressesFunc own_addresses_func;
  gpointer own_addresses_data;
  OcNetworkFunc listener;
  gpointer listener_data;
};

/* --- oc-network.c ------------------------------------------------------------ */

/* Into the list, with its addresses free. (transfer none): of @networks */
OcNetwork *oc_networks_add (OcNetworks *networks, const char *name, const char *bridge,
                            const OcAddress *gateway);
OcFirewallBridge oc_network_get_firewall_bridge (const OcNetwork *network);

/* --- oc-network-address.c ---------------------------------------------------- */

void oc_network_init_hosts (OcNetwork *network);

/* What a new subnet must stay away from. */
typedef struct
{
  GArray *routes;         /* (element-type OcRoute) of the host */
  guint32 own_index;      /* routes of this link do not count; 0: all do */
  const GPtrArray *networks; /* (nullable) (element-type OcNetwork): ours */
  const OcSubnet *taken;
  gsize n_taken;
} OcSubnetUse;

/* The gateway of the first free /24 of @block. @block: checked here */
gboolean oc_network_pick_subnet (const char *block, const OcSubnetUse *use,
                                 OcAddress *out_gateway, GError **error);
/* The gateway of the asked-for @subnet. G_IO_ERROR_EXISTS: it overlaps something, which is named. */
gboolean oc_network_check_subnet (const char *subnet, const OcSubnetUse *use,
                                  OcAddress *out_gateway, GError **error);
/* "10.200.7.0/24", private, no host bits: its gateway. */
gboolean oc_network_parse_subnet (const char *subnet, OcAddress *out_gateway, GError **error);
/* Whether @address lies in @block; a bad block is FALSE. */
gboolean oc_network_in_block (const char *block, const OcAddress *address);

/* --- oc-network-bridge.c ----------------------------------------------------- */

/* Bridge, MAC, sysctls, gateway address, alias, up. The firewall knows it already. */
gboolean oc_network_ensure_bridge (OcNetwork *network, GError **error);
gboolean oc_network_delete_bridge (OcNetwork *network, GError **error);
/* G_IO_ERROR_BUSY names its ports. Absent is fine. */
gboolean oc_network_check_no_ports (OcNetwork *network, GError **error);
/* Ports that others attach to our bridge reach neither us nor our workloads; made
 * isolated, they do not reach each other either. @links: (element-type OcLink) */
void oc_network_isolate_ports (OcNetwork *network, GArray *links);
/* The gateway address (x.y.z.1/24) of link @index. @block: (nullable) that it must lie in */
gboolean oc_network_find_gateway (OcNetlink *netlink, guint32 index, const char *block,
                                  OcAddress *out);

/* --- oc-network-create.c ----------------------------------------------------- */

/* "outcall-NAME" of a name with or without the prefix. (transfer full) */
char *oc_network_canonical_name (const char *name, GError **error);

/* --- oc-network-state.c ------------------------------------------------------ */

/* Networks of before: those of the file, then bridges that say so themselves. What cannot
 * be read or understood is logged and left out. */
void oc_networks_load (OcNetworks *networks);
gboolean oc_networks_save (OcNetworks *networks, GError **error);

/* --- oc-network-attach.c ----------------------------------------------------- */

/* Our side of a port: alias, bridge, flags, its MAC and address pinned. */
gboolean oc_network_set_up_port (OcNetwork *network, const OcLink *port, const guint8 mac[6],
                                 const OcAddress *address, GError **error);

/* Whether oc_network_attach() made it, by whichever run of the daemon. */
gboolean oc_network_is_own_port (const OcLink *link);

/* --- oc-network-watch.c ------------------------------------------------------ */

gboolean oc_networks_ensure_watch (OcNetworks *networks, GError **error);
void oc_networks_stop_watch (OcNetworks *networks);
/* Looks at every bridge and port and puts right what differs. FALSE: try again later. */
gboolean oc_networks_repair (OcNetworks *networks);
