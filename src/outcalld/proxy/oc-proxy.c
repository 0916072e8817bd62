/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/oc-proxy-worker.h"

#include "common/oc-fd.h"

#define BUFFER_MIN 32768
#define N_MODES 3

const OcProxyTimeouts oc_proxy_default_timeouts = {
  .head_ms = 10 * 1000,
  .dial_ms = 10 * 1000,
  .stagger_ms = 250,
  .idle_ms = 300 * 1000,
  .keep_alive_ms = 60 * 1000,
  .pool_ms = 15 * 1000,
  .linger_ms = 1000,
};

struct OcProxy
{
  OcProxyShared shared;
  guint n_workers;
  OcWorker **workers;
  char *upstream; /* (nullable) */
};

OcProxy *
oc_proxy_new (const OcProxyOptions *options, OcSnapshotHub *hub, OcLog *log, OcDns *dns,
              GError **error)
{
  return oc_proxy_new_full (options, &oc_proxy_default_timeouts, hub, log, dns, error);
}

OcProxy *
oc_proxy_new_full (const OcProxyOptions *options, const OcProxyTimeouts *timeouts,
                   OcSnapshotHub *hub, OcLog *log, OcDns *dns, GError **error)
{
  OcProxy *proxy = g_new0 (OcProxy, 1);
  guint n_workers = MAX (options->n_workers, 1);

  proxy->shared.options = *options;
  proxy->shared.timeouts = *timeouts;
  if (options->head_max == 0)
    proxy->shared.options.head_max = OC_HTTP_HEAD_MAX;
  /* A head, what we add to it, and a whole ClientHello fit. */
  proxy->shared.buffer_size = MAX (BUFFER_MIN, 2 * proxy->shared.options.head_max);
  proxy->workers = g_new0 (OcWorker *, n_workers);
  for (guint i = 0; i < n_workers; i++)
    {
      proxy->workers[i]
          = oc_worker_new (&proxy->shared, oc_snapshot_hub_add_reader (hub),
                           oc_log_add_producer (log),
                           dns != NULL ? oc_dns_add_resolver (dns) : NULL, error);
      if (proxy->workers[i] == NULL)
        {
          oc_proxy_free (proxy);
          return NULL;
        }
      proxy->n_workers++;
    }
  return proxy;
}

void
oc_proxy_free (OcProxy *proxy)
{
  if (proxy == NULL)
    return;
  for (guint i = 0; i < proxy->n_workers; i++)
    oc_worker_free (proxy->workers[i]);
  g_free (proxy->workers);
  g_free (proxy->upstream);
  g_free (proxy);
}

static guint16
get_port (const OcProxy *proxy, OcMode mode)
{
  switch (mode)
    {
    case OC_MODE_HTTP:
      return OC_PROXY_HTTP_PORT;
    case OC_MODE_TLS:
      return OC_PROXY_TLS_PORT;
    case OC_MODE_EXPLICIT:
      break;
    }
  return proxy->shared.options.port;
}

static void
send_all (OcProxy *proxy, const OcMessage *message)
{
  for (guint i = 0; i < proxy->n_workers; i++)
    oc_worker_send (proxy->workers[i], message);
}

/* All sockets are open before the first is handed over: all or nothing. */
gboolean
oc_proxy_add_gateway (OcProxy *proxy, const OcAddress *gateway, GError **error)
{
  guint n = proxy->n_workers * N_MODES;
  g_autofree int *fds = g_new (int, n);

  for (guint i = 0; i < n; i++)
    {
      fds[i] = oc_listener_open (gateway, get_port (proxy, (OcMode) (i % N_MODES)), error);
      if (fds[i] < 0)
        {
          while (i > 0)
            oc_fd_clear (&fds[--i]);
          return FALSE;
        }
    }
  for (guint i = 0; i < n; i++)
    {
      OcMessage message = { .kind = OC_MESSAGE_LISTEN,
                            .gateway = *gateway,
                            .mode = (OcMode) (i % N_MODES),
                            .fd = fds[i] };

      oc_worker_send (proxy->workers[i / N_MODES], &message);
    }
  return TRUE;
}

void
oc_proxy_remove_gateway (OcProxy *proxy, const OcAddress *gateway)
{
  OcMessage message = { .kind = OC_MESSAGE_UNLISTEN, .gateway = *gateway };

  send_all (proxy, &message);
}

gboolean
oc_proxy_set_upstream (OcProxy *proxy, const char *upstream, GError **error)
{
  OcMessage message = { .kind = OC_MESSAGE_PARENT };

  if (!oc_parent_parse (upstream, &message.parent, error))
    return FALSE;
  if (g_strcmp0 (upstream, proxy->upstream) == 0)
    return TRUE;
  g_free (proxy->upstream);
  proxy->upstream = g_strdup (upstream);
  send_all (proxy, &message);
  return TRUE;
}

gboolean
oc_proxy_check_upstream (const char *upstream, GError **error)
{
  OcParent parent;

  return oc_parent_parse (upstream, &parent, error);
}

const char *
oc_proxy_get_upstream (OcProxy *proxy)
{
  return proxy->upstream;
}

void
oc_proxy_stop (OcProxy *proxy, guint drain_ms)
{
  OcMessage message = { .kind = OC_MESSAGE_DRAIN,
                        .deadline_us = g_get_monotonic_time () + (gint64) drain_ms * 1000 };

  send_all (proxy, &message);
}

void
oc_proxy_get_stats (OcProxy *proxy, OcProxyStats *out)
{
  *out = (OcProxyStats) { 0 };
  for (guint i = 0; i < proxy->n_workers; i++)
    {
      OcProxyCounters *counters = &proxy->workers[i]->counters;

#define SUM(field) out->field += atomic_load_explicit (&counters->field, memory_order_relaxed)
      SUM (connections);
      SUM (requests);
      SUM (tunnels);
      SUM (upstream_errors);
      SUM (bytes_up);
      SUM (bytes_down);
      for (guint r = 0; r < OC_PROXY_N_REASONS; r++)
        SUM (reasons[r]);
#undef SUM
    }
  for (guint r = 0; r < OC_PROXY_N_REASONS; r++)
    *(r <= OC_PROXY_LAST_BLOCK ? &out->blocked : &out->refused) += out->reasons[r];
  out->active = atomic_load_explicit (&proxy->shared.active, memory_order_relaxed);
}
