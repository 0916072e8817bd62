/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Building of route messages, shared by the files of this folder. */

#include "netlink/oc-netlink.h"

#include <libmnl/libmnl.h>

/* Requests to rtnetlink are small; the largest has a nested peer. */
typedef struct
{
  _Alignas (8) char bytes[1024];
} OcNetlinkBuffer;

/* A message of @type with a cleared family header of @header_size bytes. */
struct nlmsghdr *oc_netlink_begin (OcNetlinkBuffer *buffer, guint16 type, guint16 flags,
                                   gsize header_size);

/* A fresh socket as oc_netlink_new() opens it. */
int oc_netlink_open_fd (int protocol, int netns_fd, GError **error);

/* How often a dump that the kernel interrupted is begun again. */
#define OC_NETLINK_DUMP_TRIES 8
