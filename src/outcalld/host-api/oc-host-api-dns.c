/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

/* --- GET /dns ---------------------------------------------------------------------------- */

static void
add_servers (OcHostApi *api, OutcallDnsStats *out)
{
  OcDnsUpstreamStats stats[OC_DNS_UPSTREAMS_MAX];

  out->n_servers = oc_dns_get_upstreams (api->s.dns, stats);
  out->servers = g_new0 (OutcallDnsUpstream *, out->n_servers);
  for (gsize i = 0; i < out->n_servers; i++)
    {
      OutcallDnsUpstream *server = outcall_dns_upstream_new ();
      char text[OC_ADDRESS_TEXT_MAX];

      server->address = g_strdup (oc_address_format (&stats[i].address, text, sizeof text));
      server->port = stats[i].port;
      server->up = stats[i].up;
      server->asked = stats[i].asked;
      server->failed = stats[i].failed;
      server->latency_us = stats[i].latency_us;
      out->servers[i] = server;
    }
}

void
oc_host_api_get_dns (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallDnsStats) out = outcall_dns_stats_new ();
  OcDnsStats stats;

  oc_dns_get_stats (api->s.dns, &stats);
  out->port = api->s.dns_port;
  out->upstreams = g_strdup (api->s.dns_upstreams);
  out->queries = stats.queries;
  out->allowed = stats.allowed;
  out->blocked = stats.blocked;
  out->refused = stats.refused;
  out->malformed = stats.malformed;
  out->rate_limited = stats.rate_limited;
  out->cache_hits = stats.cache_hits;
  out->cache_misses = stats.cache_misses;
  out->cache_entries = stats.cache_entries;
  out->upstream_queries = stats.upstream_queries;
  out->upstream_failures = stats.upstream_failures;
  out->addresses_removed = stats.addresses_removed;
  out->spoofed = stats.spoofed;
  add_servers (api, out);
  oc_api_request_reply (request, 200, outcall_dns_stats_to_json (out));
}

/* --- GET /dns/cache ------------------------------------------------------------------------ */

static int
compare_cached (gconstpointer a, gconstpointer b)
{
  const OcDnsCached *x = a;
  const OcDnsCached *y = b;
  int order = strcmp (x->name, y->name);

  return order != 0 ? order : strcmp (x->type, y->type);
}

static void
add_entries (OcHostApi *api, OutcallDnsCache *out)
{
  g_autoptr (GArray) list = oc_dns_list_cache (api->s.dns);

  g_array_sort (list, compare_cached);
  out->n_entries = list->len;
  out->entries = g_new0 (OutcallDnsCacheEntry *, list->len);
  for (guint i = 0; i < list->len; i++)
    {
      const OcDnsCached *cached = &g_array_index (list, OcDnsCached, i);
      OutcallDnsCacheEntry *entry = outcall_dns_cache_entry_new ();

      entry->name = g_strdup (cached->name);
      entry->type = g_strdup (cached->type);
      entry->rcode = cached->rcode;
      entry->records = cached->n_records;
      entry->ttl_s = cached->ttl_s;
      entry->dnssec_ok = cached->dnssec_ok;
      entry->checking_disabled = cached->checking_disabled;
      out->entries[i] = entry;
    }
}

void
oc_host_api_get_dns_cache (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallDnsCache) out = outcall_dns_cache_new ();
  const char *entries = oc_api_request_get_query (request, "entries");
  OcDnsCacheSize size;

  if (entries != NULL && !g_str_equal (entries, "true") && !g_str_equal (entries, "false"))
    {
      oc_api_request_fail (request, 400, NULL, "entries must be true or false");
      return;
    }
  oc_dns_get_cache_size (api->s.dns, &size);
  out->answers = size.n_entries;
  out->answers_max = size.entries_max;
  out->bytes = size.n_bytes;
  out->bytes_max = size.bytes_max;
  if (g_strcmp0 (entries, "true") == 0)
    add_entries (api, out);
  oc_api_request_reply (request, 200, outcall_dns_cache_to_json (out));
}
