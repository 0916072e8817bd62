/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-upstream.h"

#include "common/oc-error.h"
#include "common/oc-host.h"

static OcDnsUpstreams *
upstreams_new (void)
{
  OcDnsUpstreams *upstreams = g_new0 (OcDnsUpstreams, 1);

  g_atomic_ref_count_init (&upstreams->ref_count);
  return upstreams;
}

static void
add (OcDnsUpstreams *upstreams, const OcAddress *address, guint16 port)
{
  OcDnsUpstream *upstream = &upstreams->items[upstreams->n++];

  upstream->address = *address;
  upstream->port = port;
}

static gboolean
parse_one (OcStr text, OcAddress *out_address, guint16 *out_port)
{
  OcHost host;

  *out_port = OC_DNS_UPSTREAM_PORT;
  if (oc_address_parse (text, out_address))
    return TRUE;
  if (!oc_host_parse_authority (text, OC_DNS_UPSTREAM_PORT, &host, out_port)
      || host.address.family == 0)
    return FALSE;
  *out_address = host.address;
  return TRUE;
}

OcDnsUpstreams *
oc_dns_upstreams_parse (const char *text, GError **error)
{
  g_autoptr (OcDnsUpstreams) upstreams = upstreams_new ();
  g_auto (GStrv) items = g_strsplit (text, ",", -1);

  for (guint i = 0; items[i] != NULL; i++)
    {
      const char *item = g_strstrip (items[i]);
      OcAddress address;
      guint16 port;

      if (!parse_one (oc_str_from (item), &address, &port))
        return oc_throw_null (error, "DNS upstream '%s': want an address as IP or IP:port", item);
      if (upstreams->n == OC_DNS_UPSTREAMS_MAX)
        return oc_throw_null (error, "more than %d DNS upstreams", OC_DNS_UPSTREAMS_MAX);
      add (upstreams, &address, port);
    }
  if (upstreams->n == 0)
    return oc_throw_null (error, "no DNS upstream given");
  return g_steal_pointer (&upstreams);
}

OcDnsUpstreams *
oc_dns_upstreams_from_resolv_conf (const char *text)
{
  OcDnsUpstreams *upstreams = upstreams_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL && upstreams->n < OC_DNS_UPSTREAMS_MAX; i++)
    {
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (lines[i]), " \t", 2);
      OcAddress address;

      if (words[0] == NULL || words[1] == NULL || !g_str_equal (words[0], "nameserver"))
        continue;
      g_strstrip (words[1]);
      words[1][strcspn (words[1], " \t#;")] = '\0';
      if (oc_address_parse (oc_str_from (words[1]), &address))
        add (upstreams, &address, OC_DNS_UPSTREAM_PORT);
    }
  return upstreams;
}

OcDnsUpstreams *
oc_dns_upstreams_ref (OcDnsUpstreams *upstreams)
{
  g_atomic_ref_count_inc (&upstreams->ref_count);
  return upstreams;
}

void
oc_dns_upstreams_unref (OcDnsUpstreams *upstreams)
{
  if (upstreams != NULL && g_atomic_ref_count_dec (&upstreams->ref_count))
    g_free (upstreams);
}

static gint64
failed_until (OcDnsUpstreams *upstreams, guint i)
{
  return atomic_load_explicit (&upstreams->items[i].failed_until_us, memory_order_relaxed);
}

gboolean
oc_dns_upstreams_are_down (OcDnsUpstreams *upstreams, gint64 now_us)
{
  for (guint i = 0; i < upstreams->n; i++)
    if (failed_until (upstreams, i) <= now_us)
      return FALSE;
  return TRUE;
}

int
oc_dns_upstreams_choose (OcDnsUpstreams *upstreams, guint32 tried, gint64 now_us)
{
  gint64 least_us = G_MAXINT64;
  int fallback = -1;

  for (guint i = 0; i < upstreams->n; i++)
    {
      gint64 until_us = failed_until (upstreams, i);

      if ((tried & 1u << i) != 0)
        continue;
      if (until_us <= now_us)
        return (int) i;
      if (until_us < least_us)
        fallback = (int) i;
      least_us = MIN (least_us, until_us);
    }
  return fallback;
}

void
oc_dns_upstream_note (OcDnsUpstream *upstream, gboolean answered, gint64 now_us)
{
  gint64 until_us = answered ? 0 : now_us + (gint64) OC_DNS_UPSTREAM_SKIP_S * G_USEC_PER_SEC;

  atomic_store_explicit (&upstream->failed_until_us, until_us, memory_order_relaxed);
  if (!answered)
    atomic_fetch_add_explicit (&upstream->n_failed, 1, memory_order_relaxed);
}

void
oc_dns_upstream_note_latency (OcDnsUpstream *upstream, gint64 latency_us)
{
  guint taken_us = (guint) CLAMP (latency_us, 1, 60 * G_USEC_PER_SEC);
  guint before_us = atomic_load_explicit (&upstream->latency_us, memory_order_relaxed);
  guint after_us = before_us == 0 ? taken_us : (7 * before_us + taken_us) / 8;

  /* Two workers at once lose one of the two, which no mean minds. */
  atomic_store_explicit (&upstream->latency_us, MAX (after_us, 1), memory_order_relaxed);
}
