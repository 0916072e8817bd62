/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink-private.h"

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "common/oc-error.h"

/* --- Reading ------------------------------------------------------------- */

static void
read_link_info (const struct nlattr *nest, OcLink *link)
{
  const struct nlattr *info[IFLA_INFO_MAX + 1];
  const struct nlattr *port[IFLA_BRPORT_MAX + 1];
  const char *kind;
  const guint8 *isolated;

  oc_netlink_parse_nested (nest, info, IFLA_INFO_MAX);
  kind = oc_netlink_get_string (info[IFLA_INFO_KIND]);
  if (kind != NULL)
    g_strlcpy (link->kind, kind, sizeof link->kind);
  kind = oc_netlink_get_string (info[IFLA_INFO_SLAVE_KIND]);
  if (g_strcmp0 (kind, "bridge") != 0)
    return;
  oc_netlink_parse_nested (info[IFLA_INFO_SLAVE_DATA], port, IFLA_BRPORT_MAX);
  isolated = oc_netlink_get (port[IFLA_BRPORT_ISOLATED], 1);
  link->isolated = isolated != NULL && *isolated != 0;
}

static gboolean
read_link (const struct nlmsghdr *message, OcLink *link)
{
  const struct ifinfomsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *table[IFLA_MAX + 1];
  const char *name;
  gconstpointer value;

  if (message->nlmsg_type != RTM_NEWLINK
      || mnl_nlmsg_get_payload_len (message) < sizeof *header)
    return FALSE;
  oc_netlink_parse (message, sizeof *header, table, IFLA_MAX);
  name = oc_netlink_get_string (table[IFLA_IFNAME]);
  if (name == NULL)
    return FALSE;
  *link = (OcLink) { .index = (guint32) header->ifi_index,
                     .peer_nsid = -1,
                     .up = (header->ifi_flags & IFF_UP) != 0,
                     .running = (header->ifi_flags & IFF_RUNNING) != 0 };
  g_strlcpy (link->name, name, sizeof link->name);
  if ((value = oc_netlink_get (table[IFLA_ADDRESS], 6)) != NULL)
    memcpy (link->mac, value, 6);
  if ((value = oc_netlink_get (table[IFLA_MASTER], 4)) != NULL)
    memcpy (&link->master, value, 4);
  if ((value = oc_netlink_get (table[IFLA_MTU], 4)) != NULL)
    memcpy (&link->mtu, value, 4);
  if ((value = oc_netlink_get (table[IFLA_LINK], 4)) != NULL)
    memcpy (&link->peer, value, 4);
  if ((value = oc_netlink_get (table[IFLA_LINK_NETNSID], 4)) != NULL)
    memcpy (&link->peer_nsid, value, 4);
  if ((value = oc_netlink_get_string (table[IFLA_IFALIAS])) != NULL)
    g_strlcpy (link->alias, value, sizeof link->alias);
  read_link_info (table[IFLA_LINKINFO], link);
  return TRUE;
}

static void
on_one_link (const struct nlmsghdr *message, gpointer user_data)
{
  (void) read_link (message, user_data);
}

static void
on_listed_link (const struct nlmsghdr *message, gpointer user_data)
{
  OcLink link;

  if (read_link (message, &link))
    g_array_append_val ((GArray *) user_data, link);
}

gboolean
oc_netlink_get_link (OcNetlink *netlink, const char *name, OcLink *out, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message;
  OcLink link = { 0 };

  if (strlen (name) >= IFNAMSIZ)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "link %s: name too long", name);
  message = oc_netlink_begin (&buffer, RTM_GETLINK, 0, sizeof (struct ifinfomsg));
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  if (!oc_netlink_query (netlink, message, on_one_link, &link, error, "link %s", name))
    return FALSE;
  if (link.index == 0)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "link %s: not found", name);
  *out = link;
  return TRUE;
}

gboolean
oc_netlink_get_link_in (OcNetlink *netlink, gint32 nsid, guint32 index, OcLink *out,
                        GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message
      = oc_netlink_begin (&buffer, RTM_GETLINK, 0, sizeof (struct ifinfomsg));
  struct ifinfomsg *header = mnl_nlmsg_get_payload (message);
  OcLink link = { 0 };

  header->ifi_index = (int) index;
  if (nsid >= 0)
    mnl_attr_put_u32 (message, IFLA_TARGET_NETNSID, (guint32) nsid);
  if (!oc_netlink_query (netlink, message, on_one_link, &link, error, "link %u of namespace %d",
                         index, nsid))
    return FALSE;
  if (link.index == 0)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "link %u of namespace %d: not found", index,
                          nsid);
  *out = link;
  return TRUE;
}

static void
on_nsid (const struct nlmsghdr *message, gpointer user_data)
{
  const struct nlattr *table[NETNSA_MAX + 1];
  gconstpointer value;

  if (message->nlmsg_type != RTM_NEWNSID)
    return;
  oc_netlink_parse (message, sizeof (struct rtgenmsg), table, NETNSA_MAX);
  if ((value = oc_netlink_get (table[NETNSA_NSID], 4)) != NULL)
    memcpy (user_data, value, 4);
}

gboolean
oc_netlink_get_nsid (OcNetlink *netlink, int netns_fd, gint32 *out, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message
      = oc_netlink_begin (&buffer, RTM_GETNSID, 0, sizeof (struct rtgenmsg));
  gint32 nsid = NETNSA_NSID_NOT_ASSIGNED;

  mnl_attr_put_u32 (message, NETNSA_FD, (guint32) netns_fd);
  if (!oc_netlink_query (netlink, message, on_nsid, &nsid, error, "number of a namespace"))
    return FALSE;
  if (nsid < 0)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "the namespace has no number here");
  *out = nsid;
  return TRUE;
}

GArray *
oc_netlink_list_links (OcNetlink *netlink, GError **error)
{
  for (guint i = 1;; i++)
    {
      g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (OcLink));
      g_autoptr (GError) local = NULL;
      OcNetlinkBuffer buffer;
      struct nlmsghdr *message
          = oc_netlink_begin (&buffer, RTM_GETLINK, NLM_F_DUMP, sizeof (struct ifinfomsg));

      if (oc_netlink_query (netlink, message, on_listed_link, links, &local, "list links"))
        return g_steal_pointer (&links);
      if (i < OC_NETLINK_DUMP_TRIES && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
        continue;
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
}

/* --- Making -------------------------------------------------------------- */

gboolean
oc_netlink_add_bridge (OcNetlink *netlink, const char *name, const guint8 mac[6], GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (&buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                                               sizeof (struct ifinfomsg));
  struct nlattr *info;

  if (strlen (name) >= IFNAMSIZ)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "bridge %s: name too long", name);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  mnl_attr_put (message, IFLA_ADDRESS, 6, mac);
  info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "bridge");
  mnl_attr_nest_end (message, info);
  return oc_netlink_request (netlink, message, error, "add bridge %s", name);
}

static void
put_veth_peer (struct nlmsghdr *message, const OcVeth *veth)
{
  struct nlattr *peer = mnl_attr_nest_start (message, VETH_INFO_PEER);

  (void) mnl_nlmsg_put_extra_header (message, sizeof (struct ifinfomsg));
  mnl_attr_put_strz (message, IFLA_IFNAME, veth->peer_name);
  if (veth->peer_mac != NULL)
    mnl_attr_put (message, IFLA_ADDRESS, 6, veth->peer_mac);
  if (veth->mtu != 0)
    mnl_attr_put_u32 (message, IFLA_MTU, veth->mtu);
  if (veth->peer_netns_fd >= 0)
    mnl_attr_put_u32 (message, IFLA_NET_NS_FD, (guint32) veth->peer_netns_fd);
  mnl_attr_nest_end (message, peer);
}

gboolean
oc_netlink_add_veth (OcNetlink *netlink, const OcVeth *veth, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (&buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                                               sizeof (struct ifinfomsg));
  struct nlattr *info;
  struct nlattr *data;

  if (strlen (veth->name) >= IFNAMSIZ || strlen (veth->peer_name) >= IFNAMSIZ)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "veth %s: name too long",
                          veth->name);
  mnl_attr_put_strz (message, IFLA_IFNAME, veth->name);
  if (veth->mtu != 0)
    mnl_attr_put_u32 (message, IFLA_MTU, veth->mtu);
  info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "veth");
  data = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  put_veth_peer (message, veth);
  mnl_attr_nest_end (message, data);
  mnl_attr_nest_end (message, info);
  return oc_netlink_request (netlink, message, error, "add veth pair %s/%s", veth->name,
                             veth->peer_name);
}

/* --- Changing: always by index, so that a rename in between hits nobody else --- */

static struct nlmsghdr *
begin_change (OcNetlinkBuffer *buffer, guint16 type, guint32 index)
{
  struct nlmsghdr *message = oc_netlink_begin (buffer, type, 0, sizeof (struct ifinfomsg));
  struct ifinfomsg *header = mnl_nlmsg_get_payload (message);

  header->ifi_index = (int) index;
  return message;
}

gboolean
oc_netlink_set_up (OcNetlink *netlink, guint32 index, gboolean up, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_change (&buffer, RTM_NEWLINK, index);
  struct ifinfomsg *header = mnl_nlmsg_get_payload (message);

  header->ifi_change = IFF_UP;
  header->ifi_flags = up ? IFF_UP : 0;
  return oc_netlink_request (netlink, message, error, "set link %u %s", index, up ? "up" : "down");
}

gboolean
oc_netlink_set_mac (OcNetlink *netlink, guint32 index, const guint8 mac[6], GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_change (&buffer, RTM_NEWLINK, index);

  mnl_attr_put (message, IFLA_ADDRESS, 6, mac);
  return oc_netlink_request (netlink, message, error, "set MAC of link %u", index);
}

gboolean
oc_netlink_set_mtu (OcNetlink *netlink, guint32 index, guint32 mtu, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_change (&buffer, RTM_NEWLINK, index);

  mnl_attr_put_u32 (message, IFLA_MTU, mtu);
  return oc_netlink_request (netlink, message, error, "set MTU %u of link %u", mtu, index);
}

gboolean
oc_netlink_set_master (OcNetlink *netlink, guint32 index, guint32 master, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_change (&buffer, RTM_NEWLINK, index);

  mnl_attr_put_u32 (message, IFLA_MASTER, master);
  return oc_netlink_request (netlink, message, error, "attach link %u to bridge %u", index,
                             master);
}

gboolean
oc_netlink_set_alias (OcNetlink *netlink, guint32 index, const char *alias, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = begin_change (&buffer, RTM_NEWLINK, index);

  mnl_attr_put (message, IFLA_IFALIAS, strnlen (alias, sizeof ((OcLink *) 0)->alias - 1), alias);
  return oc_netlink_request (netlink, message, error, "set alias of link %u", index);
}

gboolean
oc_netlink_delete_link (OcNetlink *netlink, guint32 index, GError **error)
{
  OcNetlinkBuffer buffer;

  return oc_netlink_request (netlink, begin_change (&buffer, RTM_DELLINK, index), error,
                             "delete link %u", index);
}
