/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink-private.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

gboolean
oc_netlink_set_bridge_port (OcNetlink *netlink, guint32 index, const OcBridgePort *port,
                            GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message
      = oc_netlink_begin (&buffer, RTM_SETLINK, 0, sizeof (struct ifinfomsg));
  struct ifinfomsg *header = mnl_nlmsg_get_payload (message);
  struct nlattr *nest;

  header->ifi_family = AF_BRIDGE;
  header->ifi_index = (int) index;
  nest = mnl_attr_nest_start (message, IFLA_PROTINFO | NLA_F_NESTED);
  mnl_attr_put_u8 (message, IFLA_BRPORT_ISOLATED, port->isolated ? 1 : 0);
  mnl_attr_put_u8 (message, IFLA_BRPORT_LEARNING, port->learning ? 1 : 0);
  mnl_attr_put_u8 (message, IFLA_BRPORT_UNICAST_FLOOD, port->flood_unicast ? 1 : 0);
  mnl_attr_put_u8 (message, IFLA_BRPORT_MCAST_FLOOD, port->flood_multicast ? 1 : 0);
  mnl_attr_nest_end (message, nest);
  return oc_netlink_request (netlink, message, error, "set bridge port flags of link %u", index);
}

gboolean
oc_netlink_set_bridge_netfilter (OcNetlink *netlink, guint32 index, GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message
      = oc_netlink_begin (&buffer, RTM_NEWLINK, 0, sizeof (struct ifinfomsg));
  struct ifinfomsg *header = mnl_nlmsg_get_payload (message);
  struct nlattr *info;
  struct nlattr *data;

  header->ifi_index = (int) index;
  info = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "bridge");
  data = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  mnl_attr_put_u8 (message, IFLA_BR_NF_CALL_IPTABLES, 1);
  mnl_attr_nest_end (message, data);
  mnl_attr_nest_end (message, info);
  return oc_netlink_request (netlink, message, error, "let bridge %u call inet hooks", index);
}

gboolean
oc_netlink_add_fdb (OcNetlink *netlink, guint32 port_index, const guint8 mac[6], GError **error)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (
      &buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof (struct ndmsg));
  struct ndmsg *header = mnl_nlmsg_get_payload (message);

  header->ndm_family = AF_BRIDGE;
  header->ndm_ifindex = (int) port_index;
  header->ndm_state = NUD_NOARP;
  header->ndm_flags = NTF_MASTER | NTF_STICKY;
  mnl_attr_put (message, NDA_LLADDR, 6, mac);
  return oc_netlink_request (netlink, message, error, "add forwarding entry at port %u",
                             port_index);
}
