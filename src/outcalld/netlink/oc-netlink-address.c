/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink-private.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/oc-error.h"

static const char *
format (const OcAddress *address, char buf[OC_ADDRESS_TEXT_MAX])
{
  return oc_address_format (address, buf, OC_ADDRESS_TEXT_MAX);
}

/* Runs a dump into @array, again when the kernel changed it half way. */
static GArray *
dump (OcNetlink *netlink, guint16 type, guint8 family, gsize header_size, OcNetlinkFunc func,
      gsize element_size, GError **error, const char *what)
{
  for (guint i = 1;; i++)
    {
      g_autoptr (GArray) array = g_array_new (FALSE, FALSE, (guint) element_size);
      g_autoptr (GError) local = NULL;
      OcNetlinkBuffer buffer;
      struct nlmsghdr *message = oc_netlink_begin (&buffer, type, NLM_F_DUMP, header_size);
      struct rtgenmsg *header = mnl_nlmsg_get_payload (message);

      header->rtgen_family = family;
      if (oc_netlink_query (netlink, message, func, array, &local, "%s", what))
        return g_steal_pointer (&array);
      if (i < OC_NETLINK_DUMP_TRIES && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
        continue;
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
}

static gboolean
read_address (const struct nlattr *attr, guint8 family, OcAddress *out)
{
  gconstpointer value = oc_netlink_get (attr, family == AF_INET ? 4 : 16);
  guint32 v4;

  if (value == NULL)
    return FALSE;
  memcpy (&v4, value, sizeof v4);
  *out = family == AF_INET ? oc_address_from_v4 (v4) : oc_address_from_v6 (value);
  return TRUE;
}

/* --- Addresses ----------------------------------------------------------- */

gboolean
oc_netlink_add_address (OcNetlink *netlink, guint32 index, const OcAddress *address,
                        guint8 prefix_len, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (
      &buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof (struct ifaddrmsg));
  struct ifaddrmsg *header = mnl_nlmsg_get_payload (message);
  guint32 v4 = oc_address_get_v4 (address);
  guint32 mask = prefix_len == 0 ? 0 : htonl (G_MAXUINT32 << (32 - prefix_len));
  char text[OC_ADDRESS_TEXT_MAX];

  header->ifa_family = AF_INET;
  header->ifa_prefixlen = prefix_len;
  header->ifa_index = index;
  header->ifa_scope = RT_SCOPE_UNIVERSE;
  mnl_attr_put_u32 (message, IFA_LOCAL, v4);
  mnl_attr_put_u32 (message, IFA_ADDRESS, v4);
  mnl_attr_put_u32 (message, IFA_BROADCAST, v4 | ~mask);
  return oc_netlink_request (netlink, message, error, "add address %s/%u to link %u",
                             format (address, text), prefix_len, index);
}

static void
on_address (const struct nlmsghdr *message, gpointer user_data)
{
  const struct ifaddrmsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *table[IFA_MAX + 1];
  const struct nlattr *own;
  OcInterfaceAddress entry = { 0 };

  if (message->nlmsg_type != RTM_NEWADDR
      || mnl_nlmsg_get_payload_len (message) < sizeof *header
      || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
    return;
  oc_netlink_parse (message, sizeof *header, table, IFA_MAX);
  own = table[IFA_LOCAL] != NULL ? table[IFA_LOCAL] : table[IFA_ADDRESS];
  if (!read_address (own, header->ifa_family, &entry.address))
    return;
  entry.index = header->ifa_index;
  entry.prefix_len = header->ifa_prefixlen;
  g_array_append_val ((GArray *) user_data, entry);
}

GArray *
oc_netlink_list_addresses (OcNetlink *netlink, GError **error)
{
  return dump (netlink, RTM_GETADDR, AF_UNSPEC, sizeof (struct ifaddrmsg), on_address,
               sizeof (OcInterfaceAddress), error, "list addresses");
}

/* --- Neighbours ---------------------------------------------------------- */

static struct nlmsghdr *
begin_neighbour (OcNetlinkBuffer *buffer, guint16 type, guint16 flags, guint32 index,
                 const OcAddress *address)
{
  struct nlmsghdr *message = oc_netlink_begin (buffer, type, flags, sizeof (struct ndmsg));
  struct ndmsg *header = mnl_nlmsg_get_payload (message);

  header->ndm_family = AF_INET;
  header->ndm_ifindex = (int) index;
  header->ndm_state = NUD_PERMANENT;
  mnl_attr_put_u32 (message, NDA_DST, oc_address_get_v4 (address));
  return message;
}

gboolean
oc_netlink_set_neighbour (OcNetlink *netlink, guint32 index, const OcAddress *address,
                          const guint8 mac[6], GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message
      = begin_neighbour (&buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, index, address);
  char text[OC_ADDRESS_TEXT_MAX];

  mnl_attr_put (message, NDA_LLADDR, 6, mac);
  return oc_netlink_request (netlink, message, error, "set neighbour %s at link %u",
                             format (address, text), index);
}

gboolean
oc_netlink_delete_neighbour (OcNetlink *netlink, guint32 index, const OcAddress *address,
                             GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_neighbour (&buffer, RTM_DELNEIGH, 0, index, address);
  char text[OC_ADDRESS_TEXT_MAX];

  return oc_netlink_request (netlink, message, error, "delete neighbour %s at link %u",
                             format (address, text), index);
}

/* --- Routes -------------------------------------------------------------- */

gboolean
oc_netlink_add_default_route (OcNetlink *netlink, guint32 index, const OcAddress *gateway,
                              GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (
      &buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof (struct rtmsg));
  struct rtmsg *header = mnl_nlmsg_get_payload (message);
  char text[OC_ADDRESS_TEXT_MAX];

  header->rtm_family = AF_INET;
  header->rtm_table = RT_TABLE_MAIN;
  header->rtm_protocol = RTPROT_STATIC;
  header->rtm_scope = RT_SCOPE_UNIVERSE;
  header->rtm_type = RTN_UNICAST;
  mnl_attr_put_u32 (message, RTA_GATEWAY, oc_address_get_v4 (gateway));
  mnl_attr_put_u32 (message, RTA_OIF, index);
  return oc_netlink_request (netlink, message, error, "add default route through %s",
                             format (gateway, text));
}

static guint32
read_oif (const struct nlattr *attr)
{
  gconstpointer value = oc_netlink_get (attr, 4);
  guint32 index = 0;

  if (value != NULL)
    memcpy (&index, value, sizeof index);
  return index;
}

static void
on_route (const struct nlmsghdr *message, gpointer user_data)
{
  const struct rtmsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *table[RTA_MAX + 1];
  OcRoute route = { 0 };

  if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len (message) < sizeof *header
      || header->rtm_family != AF_INET || header->rtm_table != RT_TABLE_MAIN)
    return;
  oc_netlink_parse (message, sizeof *header, table, RTA_MAX);
  (void) read_address (table[RTA_DST], AF_INET, &route.destination);
  route.prefix_len = header->rtm_dst_len;
  route.index = read_oif (table[RTA_OIF]);
  g_array_append_val ((GArray *) user_data, route);
}

GArray *
oc_netlink_list_routes (OcNetlink *netlink, GError **error)
{
  return dump (netlink, RTM_GETROUTE, AF_INET, sizeof (struct rtmsg), on_route, sizeof (OcRoute),
               error, "list routes");
}

typedef struct
{
  guint32 index;
  gboolean local;
} Lookup;

static void
on_lookup (const struct nlmsghdr *message, gpointer user_data)
{
  const struct rtmsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *table[RTA_MAX + 1];
  Lookup *lookup = user_data;

  if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len (message) < sizeof *header)
    return;
  oc_netlink_parse (message, sizeof *header, table, RTA_MAX);
  lookup->index = read_oif (table[RTA_OIF]);
  lookup->local = header->rtm_type == RTN_LOCAL;
}

gboolean
oc_netlink_lookup_route (OcNetlink *netlink, const OcAddress *destination, guint32 *out_index,
                         gboolean *out_local, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (&buffer, RTM_GETROUTE, 0, sizeof (struct rtmsg));
  struct rtmsg *header = mnl_nlmsg_get_payload (message);
  char text[OC_ADDRESS_TEXT_MAX];
  Lookup lookup = { 0 };

  header->rtm_family = AF_INET;
  header->rtm_dst_len = 32;
  mnl_attr_put_u32 (message, RTA_DST, oc_address_get_v4 (destination));
  if (!oc_netlink_query (netlink, message, on_lookup, &lookup, error, "route to %s",
                         format (destination, text)))
    return FALSE;
  *out_index = lookup.index;
  *out_local = lookup.local;
  return TRUE;
}
