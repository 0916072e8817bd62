/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the proxy's own tests set and others do not. */

#include "proxy/oc-proxy.h"

typedef struct
{
  guint head_ms;       /* request head, ClientHello */
  guint dial_ms;       /* resolve and connect */
  guint stagger_ms;    /* between two connection attempts (RFC 8305) */
  guint idle_ms;       /* tunnels and exchanges without a byte */
  guint keep_alive_ms; /* between two requests */
  guint pool_ms;       /* an upstream connection that nobody uses */
  guint linger_ms;     /* after the last answer, so that the client can read it */
} OcProxyTimeouts;

extern const OcProxyTimeouts oc_proxy_default_timeouts;

/* As oc_proxy_new(). @dns: (nullable): only hosts that are addresses can be reached */
OcProxy *oc_proxy_new_full (const OcProxyOptions *options, const OcProxyTimeouts *timeouts,
                            OcSnapshotHub *hub, OcLog *log, OcDns *dns, GError **error);
