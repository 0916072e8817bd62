/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define DUMP_TRIES 8

typedef struct
{
  _Alignas (8) char bytes[512];
} Message;

/* --- Is it there? -------------------------------------------------------- */

typedef struct
{
  const OcChain *wanted;
  gboolean found;
} ChainSearch;

static void
on_chain (const struct nlmsghdr *message, gpointer user_data)
{
  ChainSearch *search = user_data;
  struct nftnl_chain *chain = nftnl_chain_alloc ();
  guint32 policy = search->wanted->policy_drop ? NF_DROP : NF_ACCEPT;

  if (nftnl_chain_nlmsg_parse (message, chain) == 0
      && nftnl_chain_is_set (chain, NFTNL_CHAIN_HOOKNUM)
      && nftnl_chain_is_set (chain, NFTNL_CHAIN_POLICY))
    search->found = nftnl_chain_get_u32 (chain, NFTNL_CHAIN_HOOKNUM) == search->wanted->hook
                    && nftnl_chain_get_u32 (chain, NFTNL_CHAIN_POLICY) == policy;
  nftnl_chain_free (chain);
}

static gboolean
has_chain (OcFirewall *firewall, guint8 family, const OcChain *wanted)
{
  ChainSearch search = { wanted, FALSE };
  struct nftnl_chain *chain = nftnl_chain_alloc ();
  Message buffer;
  struct nlmsghdr *message
      = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETCHAIN, family, 0, 0);

  nftnl_chain_set_str (chain, NFTNL_CHAIN_TABLE, OC_TABLE_NAME);
  nftnl_chain_set_str (chain, NFTNL_CHAIN_NAME, wanted->name);
  nftnl_chain_nlmsg_build_payload (message, chain);
  nftnl_chain_free (chain);
  return oc_netlink_query (firewall->netlink, message, on_chain, &search, NULL, "chain %s",
                           wanted->name)
         && search.found;
}

static gboolean
has_base_chains (OcFirewall *firewall, const OcTable *table)
{
  for (const OcChain *chain = table->chains; chain->name != NULL; chain++)
    if (chain->type != NULL && !has_chain (firewall, table->family, chain))
      return FALSE;
  return TRUE;
}

gboolean
oc_firewall_is_active (OcFirewall *firewall)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);

  return has_base_chains (firewall, &oc_table_inet)
         && has_base_chains (firewall, &oc_table_bridge);
}

/* --- Counters ------------------------------------------------------------ */

static void
on_counter (const struct nlmsghdr *message, gpointer user_data)
{
  struct nftnl_obj *object = nftnl_obj_alloc ();
  OcFirewallCounter counter = { 0 };

  if (nftnl_obj_nlmsg_parse (message, object) == 0
      && g_strcmp0 (nftnl_obj_get_str (object, NFTNL_OBJ_TABLE), OC_TABLE_NAME) == 0
      && nftnl_obj_get_u32 (object, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER)
    {
      g_strlcpy (counter.name, nftnl_obj_get_str (object, NFTNL_OBJ_NAME), sizeof counter.name);
      counter.packets = nftnl_obj_get_u64 (object, NFTNL_OBJ_CTR_PKTS);
      counter.bytes = nftnl_obj_get_u64 (object, NFTNL_OBJ_CTR_BYTES);
      g_array_append_val ((GArray *) user_data, counter);
    }
  nftnl_obj_free (object);
}

static gboolean
read_counters (OcFirewall *firewall, guint8 family, GArray *counters, GError **error)
{
  struct nftnl_obj *object = nftnl_obj_alloc ();
  Message buffer;
  struct nlmsghdr *message
      = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETOBJ, family, NLM_F_DUMP, 0);

  nftnl_obj_set_str (object, NFTNL_OBJ_TABLE, OC_TABLE_NAME);
  nftnl_obj_set_u32 (object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
  nftnl_obj_nlmsg_build_payload (message, object);
  nftnl_obj_free (object);
  return oc_netlink_query (firewall->netlink, message, on_counter, counters, error,
                           "nftables: list counters");
}

GArray *
oc_firewall_get_counters (OcFirewall *firewall, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);

  for (guint i = 1;; i++)
    {
      g_autoptr (GArray) counters = g_array_new (FALSE, FALSE, sizeof (OcFirewallCounter));
      g_autoptr (GError) local = NULL;

      if (read_counters (firewall, NFPROTO_INET, counters, &local)
          && read_counters (firewall, NFPROTO_BRIDGE, counters, &local))
        return g_steal_pointer (&counters);
      if (i < DUMP_TRIES && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
        continue; /* the ruleset was replaced meanwhile */
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
}
