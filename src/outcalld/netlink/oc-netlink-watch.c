/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-source.h"

/* Datagrams read per wake-up, so that a storm cannot hold the loop. */
#define READ_BUDGET 64

struct OcNetlinkWatch
{
  int fd;
  OcNetlinkKinds kinds;
  OcNetlinkWatchFunc func;
  gpointer user_data;
  GSource *source;
  guint overruns;
};

static OcNetlinkKinds
classify (const char *bytes, gssize len)
{
  const struct nlmsghdr *message = (const struct nlmsghdr *) bytes;
  OcNetlinkKinds kinds = 0;
  int left = (int) len;

  for (; mnl_nlmsg_ok (message, left); message = mnl_nlmsg_next (message, &left))
    switch (message->nlmsg_type)
      {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        kinds |= OC_NETLINK_LINKS;
        break;
      case RTM_NEWADDR:
      case RTM_DELADDR:
        kinds |= OC_NETLINK_ADDRESSES;
        break;
      case RTM_NEWNETCONF:
        kinds |= OC_NETLINK_FORWARDING;
        break;
      case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN:
        kinds |= OC_NETLINK_RULESET;
        break;
      default:
        break;
      }
  return kinds;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  OcNetlinkWatch *watch = user_data;
  OcNetlinkKinds kinds = 0;
  _Alignas (8) char bytes[16384];

  (void) condition;
  for (guint i = 0; i < READ_BUDGET; i++)
    {
      ssize_t n = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT);

      if (n > 0)
        kinds |= classify (bytes, n);
      else if (n < 0 && errno == ENOBUFS)
        {
          /* The kernel threw notifications away: everything may be different. */
          watch->overruns++;
          kinds |= watch->kinds;
        }
      else if (n < 0 && errno != EINTR)
        break;
    }
  kinds &= watch->kinds;
  if (kinds != 0)
    watch->func (kinds, watch->user_data); /* may free the watch: nothing after it */
  return G_SOURCE_CONTINUE;
}

static gboolean
join_group (int fd, int group, GError **error)
{
  if (setsockopt (fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
    return oc_throw_errno (error, "netlink group %d", group);
  return TRUE;
}

static gboolean
join_groups (int fd, OcNetlinkKinds kinds, GError **error)
{
  if ((kinds & OC_NETLINK_LINKS) && !join_group (fd, RTNLGRP_LINK, error))
    return FALSE;
  if ((kinds & OC_NETLINK_ADDRESSES)
      && (!join_group (fd, RTNLGRP_IPV4_IFADDR, error)
          || !join_group (fd, RTNLGRP_IPV6_IFADDR, error)))
    return FALSE;
  if ((kinds & OC_NETLINK_FORWARDING) && !join_group (fd, RTNLGRP_IPV4_NETCONF, error))
    return FALSE;
  return TRUE;
}

/* @fd: taken */
static OcNetlinkWatch *
start (int fd, OcNetlinkKinds kinds, OcNetlinkWatchFunc func, gpointer user_data)
{
  OcNetlinkWatch *watch = g_new0 (OcNetlinkWatch, 1);

  watch->fd = fd;
  watch->kinds = kinds;
  watch->func = func;
  watch->user_data = user_data;
  watch->source = g_unix_fd_source_new (watch->fd, G_IO_IN | G_IO_ERR);
  g_source_set_static_name (watch->source, "netlink watch");
  g_source_set_callback (watch->source, G_SOURCE_FUNC (on_readable), watch, NULL);
  g_source_attach (watch->source, g_main_context_get_thread_default ());
  return watch;
}

OcNetlinkWatch *
oc_netlink_watch_new (OcNetlinkKinds kinds, OcNetlinkWatchFunc func, gpointer user_data,
                      GError **error)
{
  oc_autofd int fd = oc_netlink_open_fd (NETLINK_ROUTE, -1, error);

  if (fd < 0 || !join_groups (fd, kinds, error))
    return NULL;
  return start (oc_fd_steal (&fd), kinds, func, user_data);
}

/* Lets the ends of transactions through (a message of its own each), but not those of the
 * socket @port. BPF reads in network order. */
static gboolean
filter_transactions (int fd, guint32 port, GError **error)
{
  const guint32 type = htons (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN);
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_H | BPF_ABS, offsetof (struct nlmsghdr, nlmsg_type)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, type, 0, 2),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct nlmsghdr, nlmsg_pid)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, htonl (port), 0, 1),
    BPF_STMT (BPF_RET | BPF_K, 0),
    BPF_STMT (BPF_RET | BPF_K, G_MAXUINT32),
  };
  const struct sock_fprog program = { G_N_ELEMENTS (code), code };

  if (setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
    return oc_throw_errno (error, "filter of the ruleset watch");
  return TRUE;
}

OcNetlinkWatch *
oc_netlink_watch_ruleset_new (OcNetlink *own, OcNetlinkWatchFunc func, gpointer user_data,
                              GError **error)
{
  oc_autofd int fd = oc_netlink_open_fd (NETLINK_NETFILTER, -1, error);

  if (fd < 0 || !filter_transactions (fd, oc_netlink_get_port (own), error)
      || !join_group (fd, NFNLGRP_NFTABLES, error))
    return NULL;
  return start (oc_fd_steal (&fd), OC_NETLINK_RULESET, func, user_data);
}

void
oc_netlink_watch_free (OcNetlinkWatch *watch)
{
  if (watch == NULL)
    return;
  oc_source_clear (&watch->source);
  oc_fd_clear (&watch->fd);
  g_free (watch);
}

guint
oc_netlink_watch_get_overruns (const OcNetlinkWatch *watch)
{
  return watch->overruns;
}

int
oc_netlink_watch_get_fd (const OcNetlinkWatch *watch)
{
  return watch->fd;
}
