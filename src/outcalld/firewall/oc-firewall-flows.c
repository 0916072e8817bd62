/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-flows.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/membarrier.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink/oc-netlink.h"

/* Room for one entry's tuple and id. */
#define MESSAGE_BYTES 512
#define DUMP_TRIES 8
/* ctnetlink's flag for "compare the source address"; its headers do not export it. */
#define FILTER_SOURCE_ADDRESS (1u << 0)

struct OcFlows
{
  GMutex lock; /* protects the socket; held for two dumps and a grace period, some 30 ms */
  OcNetlink *netlink;
};

OcFlows *
oc_flows_new (GError **error)
{
  g_autoptr (OcNetlink) netlink = oc_netlink_new (NETLINK_NETFILTER, -1, error);
  OcFlows *flows;

  if (netlink == NULL)
    return NULL;
  flows = g_new0 (OcFlows, 1);
  g_mutex_init (&flows->lock);
  flows->netlink = g_steal_pointer (&netlink);
  return flows;
}

void
oc_flows_free (OcFlows *flows)
{
  if (flows == NULL)
    return;
  oc_netlink_free (flows->netlink);
  g_mutex_clear (&flows->lock);
  g_free (flows);
}

typedef struct
{
  _Alignas (8) char bytes[MESSAGE_BYTES];
} Message;

static struct nlmsghdr *
begin (Message *buffer, guint16 type, guint16 flags)
{
  struct nlmsghdr *message;
  struct nfgenmsg *header;

  memset (buffer, 0, sizeof *buffer);
  message = mnl_nlmsg_put_header (buffer->bytes);
  message->nlmsg_type = (guint16) (NFNL_SUBSYS_CTNETLINK << 8 | type);
  message->nlmsg_flags = flags;
  header = mnl_nlmsg_put_extra_header (message, sizeof *header);
  header->nfgen_family = AF_INET;
  header->version = NFNETLINK_V0;
  return message;
}

/* --- Reading entries ----------------------------------------------------- */

static gboolean
copy_value (const struct nlattr *attr, gpointer out, gsize size)
{
  gconstpointer value = oc_netlink_get (attr, size);

  if (value == NULL)
    return FALSE;
  memcpy (out, value, size);
  return TRUE;
}

static gboolean
read_tuple (const struct nlattr *nest, OcFlow *flow)
{
  const struct nlattr *tuple[CTA_TUPLE_MAX + 1];
  const struct nlattr *ip[CTA_IP_MAX + 1];
  const struct nlattr *proto[CTA_PROTO_MAX + 1];
  guint16 port_be = 0;

  oc_netlink_parse_nested (nest, tuple, CTA_TUPLE_MAX);
  oc_netlink_parse_nested (tuple[CTA_TUPLE_IP], ip, CTA_IP_MAX);
  oc_netlink_parse_nested (tuple[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
  if (!copy_value (ip[CTA_IP_V4_SRC], &flow->source_be, 4)
      || !copy_value (ip[CTA_IP_V4_DST], &flow->destination_be, 4)
      || !copy_value (proto[CTA_PROTO_NUM], &flow->protocol, 1))
    return FALSE;
  (void) copy_value (proto[CTA_PROTO_DST_PORT], &port_be, 2); /* not every protocol has ports */
  flow->destination_port = ntohs (port_be);
  return TRUE;
}

typedef struct
{
  guint32 source_be;
  OcFlowFunc matches;
  gpointer user_data;
  GPtrArray *deletions; /* (element-type Message) */
} Search;

static Message *
make_deletion (const struct nlattr *const *entry)
{
  Message *buffer = g_new (Message, 1);
  struct nlmsghdr *message = begin (buffer, IPCTNL_MSG_CT_DELETE, 0);
  const struct nlattr *parts[] = { entry[CTA_TUPLE_ORIG], entry[CTA_ID], entry[CTA_ZONE] };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i] != NULL
        && !mnl_attr_put_check (message, sizeof buffer->bytes, parts[i]->nla_type,
                                mnl_attr_get_payload_len (parts[i]),
                                mnl_attr_get_payload (parts[i])))
      g_clear_pointer (&buffer, g_free);
  return buffer;
}

static void
on_entry (const struct nlmsghdr *message, gpointer user_data)
{
  Search *search = user_data;
  const struct nlattr *entry[CTA_MAX + 1];
  OcFlow flow = { 0 };
  guint32 status_be = 0;
  Message *deletion;

  if ((message->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW)
    return;
  oc_netlink_parse (message, sizeof (struct nfgenmsg), entry, CTA_MAX);
  if (!read_tuple (entry[CTA_TUPLE_ORIG], &flow)
      || (search->source_be != 0 && flow.source_be != search->source_be))
    return;
  (void) copy_value (entry[CTA_STATUS], &status_be, 4);
  flow.translated = (ntohl (status_be) & IPS_DST_NAT) != 0;
  if (!search->matches (&flow, search->user_data))
    return;
  deletion = make_deletion (entry);
  if (deletion != NULL)
    g_ptr_array_add (search->deletions, deletion);
}

/* Kernels from 5.8 on send only what matches; older ones ignore the filter, and
 * on_entry() looks again. */
static void
put_filter (struct nlmsghdr *message, guint32 source_be)
{
  struct nlattr *tuple = mnl_attr_nest_start (message, CTA_TUPLE_ORIG);
  struct nlattr *nest = mnl_attr_nest_start (message, CTA_TUPLE_IP);

  mnl_attr_put_u32 (message, CTA_IP_V4_SRC, source_be);
  mnl_attr_nest_end (message, nest);
  mnl_attr_nest_end (message, tuple);
  nest = mnl_attr_nest_start (message, CTA_FILTER);
  mnl_attr_put_u32 (message, CTA_FILTER_ORIG_FLAGS, FILTER_SOURCE_ADDRESS);
  mnl_attr_nest_end (message, nest);
}

static GPtrArray *
find (OcFlows *flows, Search *search, GError **error)
{
  for (guint i = 1;; i++)
    {
      g_autoptr (GPtrArray) deletions = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GError) local = NULL;
      Message buffer;
      struct nlmsghdr *message = begin (&buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP);

      if (search->source_be != 0)
        put_filter (message, search->source_be);
      search->deletions = deletions;
      if (oc_netlink_query (flows->netlink, message, on_entry, search, &local, "list flows"))
        return g_steal_pointer (&deletions);
      if (i < DUMP_TRIES && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
        continue;
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
}

/* --- Ending -------------------------------------------------------------- */

/* A packet that passed the rules an instant ago may not have its entry yet. The
 * kernel handles packets inside RCU read sections, and this call returns after
 * all that are running now: then every such entry is there to be found. */
static void
wait_for_packets_under_way (void)
{
  (void) syscall (__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); /* best effort */
}

static gboolean
delete_all (OcFlows *flows, GPtrArray *deletions, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < deletions->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (oc_netlink_request (flows->netlink, g_ptr_array_index (deletions, i), &local,
                              "end flow")
          || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        continue; /* ended by itself meanwhile */
      if (ok)
        g_propagate_error (error, g_steal_pointer (&local));
      ok = FALSE; /* but the others still end */
    }
  return ok;
}

static gboolean
sweep (OcFlows *flows, Search *search, GError **error)
{
  g_autoptr (GPtrArray) deletions = find (flows, search, error);

  return deletions != NULL && delete_all (flows, deletions, error);
}

/* Twice: what is there ends at once, what was under way right after. */
gboolean
oc_flows_end (OcFlows *flows, guint32 source_be, OcFlowFunc matches, gpointer user_data,
              GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&flows->lock);
  Search search = { .source_be = source_be, .matches = matches, .user_data = user_data };

  if (!sweep (flows, &search, error))
    return FALSE;
  wait_for_packets_under_way ();
  return sweep (flows, &search, error);
}
