/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-source.h"
#include "dns/oc-dns-resolver.h"
#include "dns/oc-dns-worker.h"

#include <errno.h>
#include <sys/stat.h>

#define RECEIVE_BUFFER (1024 * 1024)
#define TCP_BACKLOG 128
#define RESOLV_CONF_CHECK_S 2

struct OcDns
{
  OcDnsShared shared;
  guint16 port;
  GArray *gateways; /* (element-type OcAddress) */
  GSource *watch;   /* (nullable): while resolv.conf is followed */
  struct timespec resolv_conf_time;
  ino_t resolv_conf_inode;
  off_t resolv_conf_size;
};

/* --- Upstreams ------------------------------------------------------------- */

/* @upstreams: (transfer full) */
static void
publish_upstreams (OcDns *dns, OcDnsUpstreams *upstreams)
{
  OcDnsShared *shared = &dns->shared;

  g_mutex_lock (&shared->upstreams_lock);
  oc_dns_upstreams_unref (shared->upstreams);
  shared->upstreams = upstreams;
  g_mutex_unlock (&shared->upstreams_lock);
  atomic_fetch_add_explicit (&shared->upstreams_generation, 1, memory_order_release);
}

/* Without a readable resolv.conf there are no upstreams: questions that are not
 * in the cache fail until there is one. */
static void
read_resolv_conf (OcDns *dns)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_file_get_contents (OC_DNS_RESOLV_CONF, &text, NULL, &error))
    g_message ("DNS upstreams: %s", error->message);
  publish_upstreams (dns, oc_dns_upstreams_from_resolv_conf (text != NULL ? text : ""));
}

/* The file is replaced by renaming as often as it is written in place. */
static gboolean
resolv_conf_has_changed (OcDns *dns)
{
  struct stat st = { 0 };

  (void) stat (OC_DNS_RESOLV_CONF, &st);
  if (st.st_ino == dns->resolv_conf_inode && st.st_size == dns->resolv_conf_size
      && st.st_mtim.tv_sec == dns->resolv_conf_time.tv_sec
      && st.st_mtim.tv_nsec == dns->resolv_conf_time.tv_nsec)
    return FALSE;
  dns->resolv_conf_inode = st.st_ino;
  dns->resolv_conf_size = st.st_size;
  dns->resolv_conf_time = st.st_mtim;
  return TRUE;
}

static gboolean
on_resolv_conf_time (gpointer data)
{
  OcDns *dns = data;

  if (resolv_conf_has_changed (dns))
    read_resolv_conf (dns);
  return G_SOURCE_CONTINUE;
}

gboolean
oc_dns_set_upstreams (OcDns *dns, const char *upstreams, GError **error)
{
  OcDnsUpstreams *parsed;

  if (upstreams == NULL)
    {
      (void) resolv_conf_has_changed (dns);
      read_resolv_conf (dns);
      if (dns->watch != NULL)
        return TRUE;
      dns->watch = g_timeout_source_new_seconds (RESOLV_CONF_CHECK_S);
      g_source_set_static_name (dns->watch, "resolv.conf");
      g_source_set_callback (dns->watch, on_resolv_conf_time, dns, NULL);
      g_source_attach (dns->watch, NULL);
      return TRUE;
    }
  parsed = oc_dns_upstreams_parse (upstreams, error);
  if (parsed == NULL)
    return FALSE;
  oc_source_clear (&dns->watch);
  publish_upstreams (dns, parsed);
  return TRUE;
}

/* --- Life ------------------------------------------------------------------ */

OcDns *
oc_dns_new (const OcDnsOptions *options, OcSnapshotHub *hub, OcLog *log, OcFirewall *firewall,
            GError **error)
{
  OcDns *dns = g_new0 (OcDns, 1);
  OcDnsShared *shared = &dns->shared;

  dns->port = options->port;
  dns->gateways = g_array_new (FALSE, FALSE, sizeof (OcAddress));
  g_mutex_init (&shared->upstreams_lock);
  shared->cache = oc_dns_cache_new (OC_DNS_CACHE_ENTRIES_MAX, OC_DNS_CACHE_BYTES_MAX);
  shared->limits = oc_dns_limits_new (options->rate_per_s);
  shared->firewall = firewall;
  shared->workers = g_new0 (OcDnsWorker *, MAX (options->n_workers, 1));
  if (!oc_dns_set_upstreams (dns, options->upstreams, error))
    {
      oc_dns_free (dns);
      return NULL;
    }
  for (guint i = 0; i < MAX (options->n_workers, 1); i++)
    {
      shared->workers[i] = oc_dns_worker_new (shared, i, hub, log, error);
      if (shared->workers[i] == NULL)
        {
          oc_dns_free (dns);
          return NULL;
        }
      shared->n_workers++;
    }
  for (guint i = 0; i < shared->n_workers; i++)
    oc_dns_worker_start (shared->workers[i]);
  return dns;
}

void
oc_dns_free (OcDns *dns)
{
  if (dns == NULL)
    return;
  oc_source_clear (&dns->watch);
  /* All stop before any is freed: they post to each other. */
  for (guint i = 0; i < dns->shared.n_workers; i++)
    oc_dns_worker_stop (dns->shared.workers[i]);
  for (guint i = 0; i < dns->shared.n_workers; i++)
    oc_dns_worker_free (dns->shared.workers[i]);
  g_free (dns->shared.workers);
  oc_dns_cache_free (dns->shared.cache);
  oc_dns_limits_free (dns->shared.limits);
  oc_dns_upstreams_unref (dns->shared.upstreams);
  g_mutex_clear (&dns->shared.upstreams_lock);
  g_array_unref (dns->gateways);
  g_free (dns);
}

/* --- Gateways -------------------------------------------------------------- */

static int
open_socket (const OcAddress *gateway, guint16 port, int type, GError **error)
{
  struct sockaddr_storage ss;
  socklen_t ss_len = oc_address_to_sockaddr (gateway, port, &ss);
  oc_autofd int fd = socket (ss.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  const int size = RECEIVE_BUFFER;
  char text[OC_ADDRESS_TEXT_MAX];

  if (fd < 0)
    return oc_throw_errno_fd (error, "socket");
  if (setsockopt (fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
    return oc_throw_errno_fd (error, "SO_REUSEPORT");
  /* After a restart connections of the last run may still be closing. */
  if (type == SOCK_STREAM && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
    return oc_throw_errno_fd (error, "SO_REUSEADDR");
  /* A burst must fit; without CAP_NET_ADMIN the system's limit holds. */
  if (type == SOCK_DGRAM && setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (bind (fd, (struct sockaddr *) &ss, ss_len) < 0)
    return oc_throw_errno_fd (error, "bind %s port %u for DNS",
                              oc_address_format (gateway, text, sizeof text), port);
  if (type == SOCK_STREAM && listen (fd, TCP_BACKLOG) < 0)
    return oc_throw_errno_fd (error, "listen");
  return oc_fd_steal (&fd);
}

static int
find_gateway (OcDns *dns, const OcAddress *gateway)
{
  for (guint i = 0; i < dns->gateways->len; i++)
    if (oc_address_equal (&g_array_index (dns->gateways, OcAddress, i), gateway))
      return (int) i;
  return -1;
}

/* The sockets of all workers, two each, or none. */
static gboolean
open_sockets (OcDns *dns, const OcAddress *gateway, int *fds, GError **error)
{
  for (guint i = 0; i < 2 * dns->shared.n_workers; i++)
    {
      fds[i] = open_socket (gateway, dns->port, i % 2 == 0 ? SOCK_DGRAM : SOCK_STREAM, error);
      if (fds[i] >= 0)
        continue;
      while (i > 0)
        oc_fd_clear (&fds[--i]);
      return FALSE;
    }
  return TRUE;
}

gboolean
oc_dns_add_gateway (OcDns *dns, const OcAddress *gateway, GError **error)
{
  g_autofree int *fds = g_new0 (int, 2 * dns->shared.n_workers);

  if (find_gateway (dns, gateway) >= 0)
    return TRUE;
  if (dns->gateways->len == OC_DNS_LISTENERS_MAX)
    return oc_throw (error, "DNS serves at most %d gateways", OC_DNS_LISTENERS_MAX);
  if (!open_sockets (dns, gateway, fds, error))
    return FALSE;
  for (guint i = 0; i < dns->shared.n_workers; i++)
    {
      OcDnsMessage *message = g_new0 (OcDnsMessage, 1);

      message->kind = OC_DNS_MESSAGE_ADD;
      message->gateway = *gateway;
      message->udp_fd = fds[2 * i];
      message->tcp_fd = fds[2 * i + 1];
      oc_dns_worker_post (dns->shared.workers[i], message);
    }
  g_array_append_val (dns->gateways, *gateway);
  return TRUE;
}

void
oc_dns_remove_gateway (OcDns *dns, const OcAddress *gateway)
{
  int index = find_gateway (dns, gateway);

  if (index < 0)
    return;
  for (guint i = 0; i < dns->shared.n_workers; i++)
    {
      OcDnsMessage *message = g_new0 (OcDnsMessage, 1);

      message->kind = OC_DNS_MESSAGE_REMOVE;
      message->gateway = *gateway;
      oc_dns_worker_post (dns->shared.workers[i], message);
    }
  g_array_remove_index_fast (dns->gateways, (guint) index);
}

/* --- The rest -------------------------------------------------------------- */

void
oc_dns_set_rate (OcDns *dns, guint32 rate_per_s)
{
  oc_dns_limits_set_rate (dns->shared.limits, rate_per_s);
}

void
oc_dns_flush_cache (OcDns *dns)
{
  oc_dns_cache_flush (dns->shared.cache);
}

void
oc_dns_get_stats (OcDns *dns, OcDnsStats *out)
{
  *out = (OcDnsStats) { .cache_entries = oc_dns_cache_get_n_entries (dns->shared.cache) };
  for (guint i = 0; i < dns->shared.n_workers; i++)
    {
      OcDnsCounters *counters = &dns->shared.workers[i]->counters;

#define ADD(field) out->field += atomic_load_explicit (&counters->field, memory_order_relaxed)
      ADD (queries);
      ADD (allowed);
      ADD (blocked);
      ADD (refused);
      ADD (malformed);
      ADD (rate_limited);
      ADD (cache_hits);
      ADD (cache_misses);
      ADD (upstream_queries);
      ADD (upstream_failures);
      ADD (addresses_removed);
      ADD (spoofed);
#undef ADD
    }
}

guint
oc_dns_get_upstreams (OcDns *dns, OcDnsUpstreamStats *out)
{
  g_autoptr (OcDnsUpstreams) upstreams = NULL;
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&dns->shared.upstreams_lock);
  upstreams = oc_dns_upstreams_ref (dns->shared.upstreams);
  g_mutex_unlock (&dns->shared.upstreams_lock);
  for (guint i = 0; i < upstreams->n; i++)
    {
      OcDnsUpstream *upstream = &upstreams->items[i];

      out[i] = (OcDnsUpstreamStats) {
        .address = upstream->address,
        .port = upstream->port,
        .up = atomic_load_explicit (&upstream->failed_until_us, memory_order_relaxed) <= now_us,
        .asked = atomic_load_explicit (&upstream->n_asked, memory_order_relaxed),
        .failed = atomic_load_explicit (&upstream->n_failed, memory_order_relaxed),
        .latency_us = atomic_load_explicit (&upstream->latency_us, memory_order_relaxed),
      };
    }
  return upstreams->n;
}

void
oc_dns_get_cache_size (OcDns *dns, OcDnsCacheSize *out)
{
  *out = (OcDnsCacheSize) {
    .n_entries = oc_dns_cache_get_n_entries (dns->shared.cache),
    .entries_max = OC_DNS_CACHE_ENTRIES_MAX,
    .n_bytes = oc_dns_cache_get_n_bytes (dns->shared.cache),
    .bytes_max = OC_DNS_CACHE_BYTES_MAX,
  };
}

/* The name with dots; what the policy would not have let through is made harmless. */
static void
write_name (const OcDnsKey *key, char *out)
{
  gsize used = 0;

  for (gsize at = 0; key->name[at] != 0; at += (gsize) key->name[at] + 1)
    {
      if (at > 0)
        out[used++] = '.';
      for (gsize i = 1; i <= key->name[at]; i++)
        out[used++] = oc_dns_is_host_octet (key->name[at + i]) ? (char) key->name[at + i] : '?';
    }
  out[used] = '\0';
}

static void
append_cached (const OcDnsKey *key, const OcDnsAnswer *answer, gint64 ttl_s, gpointer user_data)
{
  OcDnsCached cached = { .rcode = answer->rcode,
                         .n_records = answer->n_section[OC_DNS_SECTION_ANSWER],
                         .ttl_s = ttl_s,
                         .dnssec_ok = key->dnssec_ok,
                         .checking_disabled = key->checking_disabled };
  char buf[16];
  OcStr type = oc_dns_type_name (key->type, buf);

  G_STATIC_ASSERT (OC_DNS_CACHED_NAME_MAX > OC_DNS_NAME_MAX);
  write_name (key, cached.name);
  memcpy (cached.type, type.data, type.len);
  g_array_append_val ((GArray *) user_data, cached);
}

GArray *
oc_dns_list_cache (OcDns *dns)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (OcDnsCached));

  oc_dns_cache_foreach (dns->shared.cache, g_get_monotonic_time (), append_cached, list);
  return list;
}

OcResolver *
oc_dns_add_resolver (OcDns *dns)
{
  return oc_resolver_new (&dns->shared);
}
