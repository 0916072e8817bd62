/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A small typed layer over libmnl: sockets (also inside another network
 * namespace), requests, dumps, nfnetlink batches, links, addresses, routes,
 * neighbours, bridge ports, sysctls and change notifications. Nothing here knows
 * what Outcall does with them.
 *
 * Errors are in G_IO_ERROR: NOT_FOUND, EXISTS, PERMISSION_DENIED and BUSY are
 * for callers to branch on; the text names the operation, the object, errno and
 * the kernel's extended reason. An object is used by one thread at a time.
 */

#include "common/oc-address.h"

#include <gio/gio.h>
#include <linux/netlink.h>

/* --- Sockets and requests ------------------------------------------------ */

typedef struct OcNetlink OcNetlink;

/* @protocol: NETLINK_ROUTE or NETLINK_NETFILTER
 * @netns_fd: the namespace to open it in, -1 for the caller's own */
OcNetlink *oc_netlink_new (int protocol, int netns_fd, GError **error);
void oc_netlink_free (OcNetlink *netlink);
/* The kernel's name for the socket, in what it tells others. */
guint32 oc_netlink_get_port (OcNetlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcNetlink, oc_netlink_free)

/* Sends @request (sequence number and NLM_F_ACK are filled in) and waits for the
 * kernel's acknowledgement. The error begins with the formatted @what. */
gboolean oc_netlink_request (OcNetlink *netlink, struct nlmsghdr *request, GError **error,
                             const char *what, ...) G_GNUC_PRINTF (4, 5);

typedef void (*OcNetlinkFunc) (const struct nlmsghdr *message, gpointer user_data);
/* As oc_netlink_request(), for one that is answered by messages: each goes to
 * @func. With NLM_F_DUMP an interrupted dump is reported as G_IO_ERROR_BUSY, since
 * @func has seen half of it; the typed functions below start again. */
gboolean oc_netlink_query (OcNetlink *netlink, struct nlmsghdr *request, OcNetlinkFunc func,
                           gpointer user_data, GError **error, const char *what, ...)
    G_GNUC_PRINTF (6, 7);

/* Attributes of @message behind a family header of @header_size bytes, by type
 * up to @max; others are ignored. @table: @max + 1 entries, cleared first */
void oc_netlink_parse (const struct nlmsghdr *message, gsize header_size,
                       const struct nlattr **table, guint max);
void oc_netlink_parse_nested (const struct nlattr *nest, const struct nlattr **table, guint max);
/* The payload of exactly @size bytes, NULL when absent or of another size. */
gconstpointer oc_netlink_get (const struct nlattr *attr, gsize size);
/* A NUL-terminated string, NULL when absent or unterminated. */
const char *oc_netlink_get_string (const struct nlattr *attr);

/* Several nfnetlink messages that the kernel applies all or not at all. */
typedef struct OcNetlinkBatch OcNetlinkBatch;

OcNetlinkBatch *oc_netlink_batch_new (void);
void oc_netlink_batch_free (OcNetlinkBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcNetlinkBatch, oc_netlink_batch_free)
/* Copies @message. @label: (transfer full): what an error is about */
void oc_netlink_batch_add (OcNetlinkBatch *batch, const struct nlmsghdr *message, char *label);
gsize oc_netlink_batch_get_size (const OcNetlinkBatch *batch);
/* @subsystem: NFNL_SUBSYS_NFTABLES. TRUE means that all of it is in force. */
gboolean oc_netlink_commit (OcNetlink *netlink, const OcNetlinkBatch *batch, guint8 subsystem,
                            GError **error);

/* --- Namespaces and sysctls ---------------------------------------------- */

typedef gboolean (*OcNetnsFunc) (gpointer user_data, GError **error);
/* Runs @func on a short-lived thread that has entered @netns_fd; -1: right here. */
gboolean oc_netns_run (int netns_fd, OcNetnsFunc func, gpointer user_data, GError **error);
/* Writes below /proc/sys/net, as seen from @netns_fd (-1: own), without following
 * links. A key is made of parts: "ipv6", "conf", "eth0", "disable_ipv6", NULL. */
gboolean oc_netns_set_sysctl (int netns_fd, const char *const *key, const char *value,
                              GError **error);
/* Reads one; without the newline. (transfer full) */
char *oc_netns_get_sysctl (int netns_fd, const char *const *key, GError **error);

/* --- Links --------------------------------------------------------------- */

typedef struct
{
  guint32 index;
  char name[16];
  guint8 mac[6];
  guint32 master; /* 0: none */
  guint32 mtu;
  guint32 peer;     /* of a veth: index of the other end, 0: none */
  gint32 peer_nsid; /* the namespace of @peer as this one numbers it, -1: this one */
  gboolean up;
  gboolean running;  /* up, with a carrier that the kernel has acted on: it transmits */
  char kind[16];     /* "bridge", "veth", … or "" */
  gboolean isolated; /* bridge port */
  char alias[128];   /* free text for people, "" for none */
} OcLink;

gboolean oc_netlink_get_link (OcNetlink *netlink, const char *name, OcLink *out, GError **error);
/* By its index in another namespace. @nsid: see OcLink.peer_nsid */
gboolean oc_netlink_get_link_in (OcNetlink *netlink, gint32 nsid, guint32 index, OcLink *out,
                                 GError **error);
/* The number that the socket's namespace has for @netns_fd; G_IO_ERROR_NOT_FOUND when
 * nothing connects the two. */
gboolean oc_netlink_get_nsid (OcNetlink *netlink, int netns_fd, gint32 *out, GError **error);
/* (transfer full) (element-type OcLink) */
GArray *oc_netlink_list_links (OcNetlink *netlink, GError **error);
gboolean oc_netlink_add_bridge (OcNetlink *netlink, const char *name, const guint8 mac[6],
                                GError **error);

typedef struct
{
  const char *name;      /* this end */
  const char *peer_name; /* the other end, made directly in @peer_netns_fd */
  const guint8 *peer_mac;
  int peer_netns_fd; /* -1: same namespace */
  guint32 mtu;       /* 0: the kernel's */
} OcVeth;
gboolean oc_netlink_add_veth (OcNetlink *netlink, const OcVeth *veth, GError **error);
gboolean oc_netlink_set_up (OcNetlink *netlink, guint32 index, gboolean up, GError **error);
gboolean oc_netlink_set_mac (OcNetlink *netlink, guint32 index, const guint8 mac[6],
                             GError **error);
gboolean oc_netlink_set_mtu (OcNetlink *netlink, guint32 index, guint32 mtu, GError **error);
/* @master: 0 takes it off its bridge */
gboolean oc_netlink_set_master (OcNetlink *netlink, guint32 index, guint32 master,
                                GError **error);
/* @alias: shorter than that of OcLink */
gboolean oc_netlink_set_alias (OcNetlink *netlink, guint32 index, const char *alias,
                               GError **error);
gboolean oc_netlink_delete_link (OcNetlink *netlink, guint32 index, GError **error);

/* --- Bridges ------------------------------------------------------------- */

typedef struct
{
  gboolean isolated;
  gboolean learning;
  gboolean flood_unicast;
  gboolean flood_multicast;
} OcBridgePort;
gboolean oc_netlink_set_bridge_port (OcNetlink *netlink, guint32 index, const OcBridgePort *port,
                                     GError **error);
/* IPv4 frames of this bridge also pass the inet hooks; needs br_netfilter. */
gboolean oc_netlink_set_bridge_netfilter (OcNetlink *netlink, guint32 index, GError **error);
/* A static entry that no other port can take over. */
gboolean oc_netlink_add_fdb (OcNetlink *netlink, guint32 port_index, const guint8 mac[6],
                             GError **error);

/* --- Addresses, neighbours, routes --------------------------------------- */

typedef struct
{
  OcAddress address;
  guint32 index; /* of the link */
  guint8 prefix_len;
} OcInterfaceAddress;

/* Idempotent: one that is there already is fine. */
gboolean oc_netlink_add_address (OcNetlink *netlink, guint32 index, const OcAddress *address,
                                 guint8 prefix_len, GError **error);
/* (transfer full) (element-type OcInterfaceAddress): IPv4 and IPv6, all links */
GArray *oc_netlink_list_addresses (OcNetlink *netlink, GError **error);
/* A permanent IPv4 neighbour entry; replaces another. */
gboolean oc_netlink_set_neighbour (OcNetlink *netlink, guint32 index, const OcAddress *address,
                                   const guint8 mac[6], GError **error);
gboolean oc_netlink_delete_neighbour (OcNetlink *netlink, guint32 index, const OcAddress *address,
                                      GError **error);
gboolean oc_netlink_add_default_route (OcNetlink *netlink, guint32 index, const OcAddress *gateway,
                                       GError **error);

typedef struct
{
  OcAddress destination; /* .family 0: default route */
  guint8 prefix_len;
  guint32 index; /* of the outgoing link, 0 for several or none */
} OcRoute;
/* (transfer full) (element-type OcRoute): the IPv4 main table */
GArray *oc_netlink_list_routes (OcNetlink *netlink, GError **error);
/* Where a packet to @destination would leave. @out_local: it is this host's own */
gboolean oc_netlink_lookup_route (OcNetlink *netlink, const OcAddress *destination,
                                  guint32 *out_index, gboolean *out_local, GError **error);

/* --- Changes ------------------------------------------------------------- */

typedef struct OcNetlinkWatch OcNetlinkWatch;

typedef enum
{
  OC_NETLINK_LINKS = 1 << 0,
  OC_NETLINK_ADDRESSES = 1 << 1,
  OC_NETLINK_RULESET = 1 << 2,
  OC_NETLINK_FORWARDING = 1 << 3, /* IPv4 settings of the host or of a link */
} OcNetlinkKinds;

/* Says that something of @kinds may be different now: look again. Never says what
 * changed, so that notifications the kernel had to discard (ENOBUFS) cost a
 * look instead of the truth. */
typedef void (*OcNetlinkWatchFunc) (OcNetlinkKinds kinds, gpointer user_data);

/* Calls @func from the thread-default main context of the caller. */
OcNetlinkWatch *oc_netlink_watch_new (OcNetlinkKinds kinds, OcNetlinkWatchFunc func,
                                      gpointer user_data, GError **error);
/* Tells of every transaction of nftables (OC_NETLINK_RULESET) that did not come through
 * @own: the kernel leaves those out, so they cost nothing. */
OcNetlinkWatch *oc_netlink_watch_ruleset_new (OcNetlink *own, OcNetlinkWatchFunc func,
                                              gpointer user_data, GError **error);
void oc_netlink_watch_free (OcNetlinkWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcNetlinkWatch, oc_netlink_watch_free)
/* How often the kernel's buffer overflowed. */
guint oc_netlink_watch_get_overruns (const OcNetlinkWatch *watch);
/* The socket, for tests that make its buffer small. */
int oc_netlink_watch_get_fd (const OcNetlinkWatch *watch);
