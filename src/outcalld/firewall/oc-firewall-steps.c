/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-build.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

/* --- Where fields are ---------------------------------------------------- */

enum
{
  NEED_IPV4 = 1 << 0,
  NEED_ARP = 1 << 1,
  NEED_ETHER = 1 << 2,
  NEED_TCP = 1 << 3,
  NEED_UDP = 1 << 4,
  NEED_ICMP = 1 << 5,
};

typedef enum
{
  ORDER_NETWORK,
  ORDER_HOST,
} Order;

#define META (-1)
#define CT_ORIGINAL (-2)

typedef struct
{
  int base;       /* NFT_PAYLOAD_…, META or CT_ORIGINAL */
  guint32 offset; /* or the meta or ct key */
  guint len;
  Order order;
  guint needs;
} Place;

static const Place places[OC_N_FIELDS] = {
  [OC_FIELD_IIFNAME] = { META, NFT_META_IIFNAME, IFNAMSIZ, ORDER_HOST, 0 },
  [OC_FIELD_OIFNAME] = { META, NFT_META_OIFNAME, IFNAMSIZ, ORDER_HOST, 0 },
  [OC_FIELD_IIFTYPE] = { META, NFT_META_IIFTYPE, 2, ORDER_HOST, 0 },
  [OC_FIELD_NFPROTO] = { META, NFT_META_NFPROTO, 1, ORDER_HOST, 0 },
  [OC_FIELD_L4PROTO] = { META, NFT_META_L4PROTO, 1, ORDER_HOST, 0 },
  [OC_FIELD_ETHER_DADDR] = { NFT_PAYLOAD_LL_HEADER, 0, 6, ORDER_NETWORK, NEED_ETHER },
  [OC_FIELD_ETHER_SADDR] = { NFT_PAYLOAD_LL_HEADER, 6, 6, ORDER_NETWORK, NEED_ETHER },
  [OC_FIELD_ETHER_TYPE] = { NFT_PAYLOAD_LL_HEADER, 12, 2, ORDER_NETWORK, NEED_ETHER },
  [OC_FIELD_IP_HDRLENGTH] = { NFT_PAYLOAD_NETWORK_HEADER, 0, 1, ORDER_NETWORK, NEED_IPV4 },
  [OC_FIELD_IP_SADDR] = { NFT_PAYLOAD_NETWORK_HEADER, 12, 4, ORDER_NETWORK, NEED_IPV4 },
  [OC_FIELD_IP_DADDR] = { NFT_PAYLOAD_NETWORK_HEADER, 16, 4, ORDER_NETWORK, NEED_IPV4 },
  [OC_FIELD_ICMP_TYPE]
  = { NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, ORDER_NETWORK, NEED_IPV4 | NEED_ICMP },
  [OC_FIELD_TH_DPORT] = { NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, ORDER_NETWORK, 0 },
  [OC_FIELD_TCP_DPORT] = { NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, ORDER_NETWORK, NEED_TCP },
  [OC_FIELD_UDP_DPORT] = { NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, ORDER_NETWORK, NEED_UDP },
  [OC_FIELD_ARP_HTYPE] = { NFT_PAYLOAD_NETWORK_HEADER, 0, 2, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_PTYPE] = { NFT_PAYLOAD_NETWORK_HEADER, 2, 2, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_HLEN] = { NFT_PAYLOAD_NETWORK_HEADER, 4, 1, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_PLEN] = { NFT_PAYLOAD_NETWORK_HEADER, 5, 1, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_SADDR_ETHER] = { NFT_PAYLOAD_NETWORK_HEADER, 8, 6, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_SADDR_IP] = { NFT_PAYLOAD_NETWORK_HEADER, 14, 4, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_ARP_DADDR_IP] = { NFT_PAYLOAD_NETWORK_HEADER, 24, 4, ORDER_NETWORK, NEED_ARP },
  [OC_FIELD_CT_SADDR] = { CT_ORIGINAL, NFT_CT_SRC_IP, 4, ORDER_NETWORK, 0 },
  [OC_FIELD_CT_DADDR] = { CT_ORIGINAL, NFT_CT_DST_IP, 4, ORDER_NETWORK, 0 },
  [OC_FIELD_CT_PROTOCOL] = { CT_ORIGINAL, NFT_CT_PROTOCOL, 1, ORDER_HOST, 0 },
  [OC_FIELD_CT_DPORT] = { CT_ORIGINAL, NFT_CT_PROTO_DST, 2, ORDER_NETWORK, 0 },
};

/* --- Expressions --------------------------------------------------------- */

typedef struct
{
  struct nftnl_rule *rule;
  guint8 family;
  guint checked; /* NEED_… bits that earlier expressions of this rule have ensured */
  const OcFirewallOptions *options;
} Build;

/* The 32-bit registers; wide values take several in a row. */
#define FIRST_REGISTER NFT_REG32_00

static void
add (Build *build, struct nftnl_expr *expr)
{
  nftnl_rule_add_expr (build->rule, expr);
}

static void
load_meta (Build *build, guint32 key, guint32 reg)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("meta");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_META_DREG, reg);
  add (build, expr);
}

static void
load_payload (Build *build, guint32 base, guint32 offset, guint32 len, guint32 reg)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("payload");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_PAYLOAD_BASE, base);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_PAYLOAD_LEN, len);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_PAYLOAD_DREG, reg);
  add (build, expr);
}

static void
load_ct (Build *build, guint32 key, guint32 reg)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("ct");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CT_DREG, reg);
  nftnl_expr_set_u8 (expr, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
  add (build, expr);
}

static void
compare (Build *build, guint32 op, gconstpointer value, guint32 len)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("cmp");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CMP_SREG, FIRST_REGISTER);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CMP_OP, op);
  nftnl_expr_set (expr, NFTNL_EXPR_CMP_DATA, value, len);
  add (build, expr);
}

static void
mask (Build *build, gconstpointer bits, guint32 len)
{
  static const guint8 zeros[16];
  struct nftnl_expr *expr = nftnl_expr_alloc ("bitwise");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_BITWISE_SREG, FIRST_REGISTER);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_BITWISE_DREG, FIRST_REGISTER);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_BITWISE_LEN, len);
  nftnl_expr_set (expr, NFTNL_EXPR_BITWISE_MASK, bits, len);
  nftnl_expr_set (expr, NFTNL_EXPR_BITWISE_XOR, zeros, len);
  add (build, expr);
}

static void
check_meta (Build *build, guint32 key, guint32 value, guint32 len)
{
  guint8 byte = (guint8) value;
  guint16 word = (guint16) value;

  load_meta (build, key, FIRST_REGISTER);
  compare (build, NFT_CMP_EQ, len == 1 ? (gconstpointer) &byte : &word, len);
}

static void
check_ether_type (Build *build, guint16 type)
{
  guint16 type_be = htons (type);

  load_payload (build, NFT_PAYLOAD_LL_HEADER, 12, 2, FIRST_REGISTER);
  compare (build, NFT_CMP_EQ, &type_be, sizeof type_be);
}

/* Makes sure that a header is there before it is read. */
static void
require (Build *build, guint needs)
{
  needs &= ~build->checked;
  build->checked |= needs;
  if (build->family == NFPROTO_BRIDGE)
    {
      if (needs & NEED_IPV4)
        check_ether_type (build, ETH_P_IP);
      if (needs & NEED_ARP)
        check_ether_type (build, ETH_P_ARP);
    }
  else
    {
      if (needs & NEED_IPV4)
        check_meta (build, NFT_META_NFPROTO, NFPROTO_IPV4, 1);
      if (needs & NEED_ETHER)
        check_meta (build, NFT_META_IIFTYPE, ARPHRD_ETHER, 2);
    }
  if (needs & NEED_TCP)
    check_meta (build, NFT_META_L4PROTO, IPPROTO_TCP, 1);
  if (needs & NEED_UDP)
    check_meta (build, NFT_META_L4PROTO, IPPROTO_UDP, 1);
  if (needs & NEED_ICMP)
    check_meta (build, NFT_META_L4PROTO, IPPROTO_ICMP, 1);
}

/* Returns: the register behind the value */
static guint32
load_field (Build *build, OcField field, guint32 reg)
{
  const Place *place = &places[field];

  if (place->base == META)
    load_meta (build, place->offset, reg);
  else if (place->base == CT_ORIGINAL)
    load_ct (build, place->offset, reg);
  else
    load_payload (build, (guint32) place->base, place->offset, place->len, reg);
  return reg + (place->len + 3) / 4;
}

static void
look_up (Build *build, const OcStep *step)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("lookup");
  guint32 reg = FIRST_REGISTER;

  for (guint i = 0; i < OC_STEP_FIELDS_MAX; i++)
    require (build, places[step->fields[i]].needs);
  for (guint i = 0; i < OC_STEP_FIELDS_MAX && step->fields[i] != OC_FIELD_NONE; i++)
    reg = load_field (build, step->fields[i], reg);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_LOOKUP_SREG, FIRST_REGISTER);
  nftnl_expr_set_str (expr, NFTNL_EXPR_LOOKUP_SET, step->name);
  if (step->kind == OC_STEP_NOT_IN)
    nftnl_expr_set_u32 (expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  add (build, expr);
}

static void
compare_field (Build *build, OcField field, guint32 op, guint32 value)
{
  const Place *place = &places[field];
  guint8 byte = (guint8) value;
  guint16 word = place->order == ORDER_NETWORK ? htons ((guint16) value) : (guint16) value;

  require (build, place->needs);
  (void) load_field (build, field, FIRST_REGISTER);
  if (field == OC_FIELD_IP_HDRLENGTH)
    mask (build, "\x0f", 1);
  compare (build, op, place->len == 1 ? (gconstpointer) &byte : &word, place->len);
}

static void
check_ether_daddr (Build *build, gconstpointer bits, gconstpointer value)
{
  require (build, NEED_ETHER);
  (void) load_field (build, OC_FIELD_ETHER_DADDR, FIRST_REGISTER);
  if (bits != NULL)
    mask (build, bits, 6);
  compare (build, NFT_CMP_EQ, value, 6);
}

static void
check_to_host (Build *build)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("fib");
  guint32 local = RTN_LOCAL;

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_FIB_DREG, FIRST_REGISTER);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
  add (build, expr);
  compare (build, NFT_CMP_EQ, &local, sizeof local);
}

static void
check_ct (Build *build, guint32 key, guint32 bits)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("ct");
  guint32 none = 0;

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_CT_DREG, FIRST_REGISTER);
  add (build, expr);
  mask (build, &bits, sizeof bits);
  compare (build, NFT_CMP_NEQ, &none, sizeof none);
}

/* --- Statements ---------------------------------------------------------- */

static void
count (Build *build, const char *name)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("objref");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
  nftnl_expr_set_str (expr, NFTNL_EXPR_OBJREF_IMM_NAME, name);
  add (build, expr);
}

static void
decide (Build *build, int verdict, const char *chain)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("immediate");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  if (chain != NULL)
    nftnl_expr_set_str (expr, NFTNL_EXPR_IMM_CHAIN, chain);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_IMM_VERDICT, (guint32) verdict);
  add (build, expr);
}

static void
reject (Build *build, guint32 type, guint8 code)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("reject");

  nftnl_expr_set_u32 (expr, NFTNL_EXPR_REJECT_TYPE, type);
  nftnl_expr_set_u8 (expr, NFTNL_EXPR_REJECT_CODE, code);
  add (build, expr);
}

static void
redirect (Build *build, guint16 port)
{
  struct nftnl_expr *value = nftnl_expr_alloc ("immediate");
  struct nftnl_expr *expr = nftnl_expr_alloc ("redir");
  guint16 port_be = htons (port);

  nftnl_expr_set_u32 (value, NFTNL_EXPR_IMM_DREG, FIRST_REGISTER);
  nftnl_expr_set (value, NFTNL_EXPR_IMM_DATA, &port_be, sizeof port_be);
  add (build, value);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_REDIR_REG_PROTO_MIN, FIRST_REGISTER);
  nftnl_expr_set_u32 (expr, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  add (build, expr);
}

/* --- Steps --------------------------------------------------------------- */

static guint16
get_port (const OcFirewallOptions *options, guint32 which)
{
  switch (which)
    {
    case OC_PORT_DNS:
      return options->dns_port;
    case OC_PORT_PROXY:
      return options->proxy_port;
    case OC_PORT_PROXY_HTTP:
      return options->proxy_port == 0 ? 0 : options->proxy_http_port;
    case OC_PORT_PROXY_TLS:
      return options->proxy_port == 0 ? 0 : options->proxy_tls_port;
    default:
      g_assert_not_reached ();
    }
}

static void
build_match (Build *build, const OcStep *step)
{
  switch (step->kind)
    {
    case OC_STEP_IN:
    case OC_STEP_NOT_IN:
      look_up (build, step);
      break;
    case OC_STEP_IS:
      compare_field (build, step->fields[0], NFT_CMP_EQ, step->value);
      break;
    case OC_STEP_IS_NOT:
      compare_field (build, step->fields[0], NFT_CMP_NEQ, step->value);
      break;
    case OC_STEP_IS_PORT:
      compare_field (build, step->fields[0], NFT_CMP_EQ, get_port (build->options, step->value));
      break;
    case OC_STEP_BROADCAST:
      check_ether_daddr (build, NULL, "\xff\xff\xff\xff\xff\xff");
      break;
    case OC_STEP_LINK_LOCAL:
      check_ether_daddr (build, "\xff\xff\xff\xff\xff\xf0", "\x01\x80\xc2\x00\x00\x00");
      break;
    case OC_STEP_TO_HOST:
      check_to_host (build);
      break;
    case OC_STEP_CT_STATE:
      check_ct (build, NFT_CT_STATE, step->value);
      break;
    case OC_STEP_CT_STATUS:
      check_ct (build, NFT_CT_STATUS, step->value);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
build_step (Build *build, const OcStep *step)
{
  switch (step->kind)
    {
    case OC_STEP_COUNT:
      count (build, step->name);
      break;
    case OC_STEP_ACCEPT:
      decide (build, NF_ACCEPT, NULL);
      break;
    case OC_STEP_DROP:
      decide (build, NF_DROP, NULL);
      break;
    case OC_STEP_GOTO:
      decide (build, NFT_GOTO, step->name);
      break;
    case OC_STEP_RESET:
      reject (build, NFT_REJECT_TCP_RST, 0);
      break;
    case OC_STEP_PROHIBIT:
      reject (build, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
      break;
    case OC_STEP_REDIRECT:
      redirect (build, get_port (build->options, step->value));
      break;
    case OC_STEP_MASQUERADE:
      add (build, nftnl_expr_alloc ("masq"));
      break;
    default:
      build_match (build, step);
    }
}

static gboolean
is_wanted (const OcRule *spec, const OcFirewallOptions *options)
{
  if (spec->when != OC_WHEN_ALWAYS && (spec->when == OC_WHEN_SILENT) != options->deny_drop)
    return FALSE;
  for (const OcStep *step = spec->steps; step->kind != OC_STEP_END; step++)
    if ((step->kind == OC_STEP_IS_PORT || step->kind == OC_STEP_REDIRECT)
        && get_port (options, step->value) == 0)
      return FALSE;
  return TRUE;
}

gboolean
oc_build_steps (struct nftnl_rule *rule, guint8 family, const OcRule *spec,
                const OcFirewallOptions *options)
{
  Build build = { .rule = rule, .family = family, .options = options };

  if (!is_wanted (spec, options))
    return FALSE;
  for (const OcStep *step = spec->steps; step->kind != OC_STEP_END; step++)
    build_step (&build, step);
  return TRUE;
}
