/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The ruleset as data: tables of sets, counters and chains; chains of rules;
 * rules of steps that read like a line of `nft list ruleset`. The builder turns
 * them into netlink messages; nothing here does I/O.
 */

#include "firewall/oc-firewall.h"
#include "netlink/oc-netlink.h"

#define OC_TABLE_NAME "outcall"
#define OC_CHAIN_REFUSE "refuse"
#define OC_SET_GRANTS "grants"
#define OC_SET_GRANTS_ANY_PORT "grants_any_port"
#define OC_SET_GRANTS_RANGES "grants_ranges"
#define OC_SET_LIMITS "limits"
#define OC_SET_REVOKED "revoked"
#define OC_SET_REVOKED_SOURCES "revoked_sources"
#define OC_SET_SWITCHED_ON "switched_on"

/* What a step looks at. The builder knows where it is, how long, and which
 * protocol must be checked before it is read. */
typedef enum
{
  OC_FIELD_NONE,
  OC_FIELD_IIFNAME,
  OC_FIELD_OIFNAME,
  OC_FIELD_IIFTYPE,
  OC_FIELD_NFPROTO,
  OC_FIELD_L4PROTO,
  OC_FIELD_ETHER_SADDR,
  OC_FIELD_ETHER_DADDR,
  OC_FIELD_ETHER_TYPE,
  OC_FIELD_IP_HDRLENGTH,
  OC_FIELD_IP_SADDR,
  OC_FIELD_IP_DADDR,
  OC_FIELD_ICMP_TYPE,
  OC_FIELD_TH_DPORT,
  OC_FIELD_TCP_DPORT,
  OC_FIELD_UDP_DPORT,
  OC_FIELD_ARP_HTYPE,
  OC_FIELD_ARP_PTYPE,
  OC_FIELD_ARP_HLEN,
  OC_FIELD_ARP_PLEN,
  OC_FIELD_ARP_SADDR_ETHER,
  OC_FIELD_ARP_SADDR_IP,
  OC_FIELD_ARP_DADDR_IP,
  OC_FIELD_CT_SADDR, /* of the packet that began the flow, as all CT fields */
  OC_FIELD_CT_DADDR,
  OC_FIELD_CT_PROTOCOL,
  OC_FIELD_CT_DPORT,
  OC_N_FIELDS,
} OcField;

typedef enum
{
  OC_STEP_END,
  OC_STEP_IN,     /* fields . joined @name */
  OC_STEP_NOT_IN, /* fields . joined != @name */
  OC_STEP_IS,     /* field value */
  OC_STEP_IS_NOT,
  OC_STEP_IS_PORT,    /* field equals the option that value (OcPortOption) names */
  OC_STEP_BROADCAST,  /* ether daddr ff:ff:ff:ff:ff:ff */
  OC_STEP_LINK_LOCAL, /* ether daddr 01:80:c2:00:00:0x */
  OC_STEP_TO_HOST,    /* fib daddr type local */
  OC_STEP_CT_STATE,   /* any bit of value */
  OC_STEP_CT_STATUS,
  OC_STEP_COUNT, /* counter name */
  OC_STEP_ACCEPT,
  OC_STEP_DROP,
  OC_STEP_GOTO,
  OC_STEP_RESET,      /* reject with tcp reset */
  OC_STEP_PROHIBIT,   /* reject with icmpx admin-prohibited */
  OC_STEP_REDIRECT,   /* redirect to the port option that value names */
  OC_STEP_MASQUERADE,
} OcStepKind;

#define OC_STEP_FIELDS_MAX 4
#define OC_RULE_STEPS_MAX 12

typedef struct
{
  OcStepKind kind;
  const char *name;
  guint32 value;
  OcField fields[OC_STEP_FIELDS_MAX];
} OcStep;

typedef enum
{
  OC_PORT_DNS,
  OC_PORT_PROXY,
  OC_PORT_PROXY_HTTP,
  OC_PORT_PROXY_TLS,
} OcPortOption;

/* When a rule is part of the ruleset. One with a port option that is 0 is left out anyway. */
typedef enum
{
  OC_WHEN_ALWAYS,
  OC_WHEN_REJECT,
  OC_WHEN_SILENT,
} OcWhen;

typedef struct
{
  const char *comment;
  OcStep steps[OC_RULE_STEPS_MAX];
  OcWhen when;
} OcRule;

typedef struct
{
  const char *name;
  const char *type; /* "filter", "nat"; NULL: not a base chain */
  guint32 hook;
  gint32 priority;
  gboolean policy_drop;
  const OcRule *rules; /* ended by one without steps */
} OcChain;

typedef enum
{
  OC_KEY_NONE,
  OC_KEY_IFNAME,
  OC_KEY_IPV4,
  OC_KEY_ETHER,
  OC_KEY_PROTOCOL,
  OC_KEY_SERVICE,
} OcKeyType;

typedef struct
{
  const char *name;
  OcKeyType key[OC_STEP_FIELDS_MAX];
  guint32 size; /* 0: no limit */
  gboolean timeouts;
  gboolean intervals; /* each part of an element is a range */
  gboolean counters;  /* each element counts what matches it */
} OcSet;

typedef struct
{
  guint8 family; /* NFPROTO_INET or NFPROTO_BRIDGE */
  const char *name;
  const char *const *counters; /* ended by NULL */
  const OcSet *sets;           /* ended by one without name */
  const OcChain *chains;       /* ended by one without name */
} OcTable;

extern const OcTable oc_table_inet;
extern const OcTable oc_table_bridge;

/* A kernel feature that enforcement needs, and a table that loads only with it. */
typedef struct
{
  const char *what;
  OcTable table;
} OcFeature;
extern const OcFeature oc_firewall_features[];
extern const gsize oc_firewall_n_features;

/* --- Builder ------------------------------------------------------------- */

/* The key of a set element: its parts in order, each padded to four bytes. */
typedef struct
{
  guint8 bytes[64];
  guint len;
} OcKey;

void oc_key_put_ifname (OcKey *key, const char *name);
void oc_key_put_ipv4 (OcKey *key, guint32 address_be);
void oc_key_put_mac (OcKey *key, const guint8 mac[6]);
void oc_key_put_protocol (OcKey *key, guint8 protocol);
void oc_key_put_port (OcKey *key, guint16 port);

/* Creates @table with everything in it; whatever has its name goes in the same transaction. */
void oc_build_table (OcNetlinkBatch *batch, const OcTable *table, const OcFirewallOptions *options);
/* The rules of one chain anew, as @options want them now. */
void oc_build_refill_chain (OcNetlinkBatch *batch, const OcTable *table, const char *name,
                            const OcFirewallOptions *options);
/* Removes a table, whether it is there or not. */
void oc_build_remove_table (OcNetlinkBatch *batch, guint8 family, const char *name);

typedef struct
{
  OcKey key;
  OcKey end;          /* of a range, with the last of each part; .len 0: one value */
  guint64 timeout_ms; /* 0: none */
  guint64 quota;      /* bytes; 0: none. The element matches what is beyond it */
} OcElement;

typedef enum
{
  OC_ELEMENT_ADD,
  OC_ELEMENT_REMOVE, /* fails when it is absent */
  OC_ELEMENT_ENSURE_ABSENT,
} OcElementOp;
/* Elements of one set of table OC_TABLE_NAME. */
void oc_build_elements (OcNetlinkBatch *batch, guint8 family, const char *set, OcElementOp op,
                        const OcElement *elements, gsize n);
/* The counter of one element of a set of table inet OC_TABLE_NAME.
 * Returns: FALSE when it is not there, or cannot be asked for. */
gboolean oc_query_element_counter (OcNetlink *netlink, const char *set, const OcElement *element,
                                   guint64 *out_packets, guint64 *out_bytes);
void oc_build_flush_set (OcNetlinkBatch *batch, guint8 family, const char *set);
