/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-limits.h"

#define NS_PER_S G_GINT64_CONSTANT (1000000000)

OcDnsLimits *
oc_dns_limits_new (guint32 rate_per_s)
{
  /* calloc() of this size is a fresh mapping: pages come with the first use. */
  OcDnsLimits *limits = g_malloc0 (sizeof *limits);

  oc_dns_limits_set_rate (limits, rate_per_s);
  return limits;
}

void
oc_dns_limits_set_rate (OcDnsLimits *limits, guint32 rate_per_s)
{
  atomic_store_explicit (&limits->interval_ns, rate_per_s > 0 ? NS_PER_S / rate_per_s : 0,
                         memory_order_relaxed);
}

void
oc_dns_limits_free (OcDnsLimits *limits)
{
  g_free (limits);
}

/* GCRA: a query is let through while the time that is paid for lies less than
 * the burst ahead of now. Relaxed order: nothing else hangs on the value. */
gboolean
oc_dns_limits_take (OcDnsLimits *limits, guint32 slot, gint64 now_us)
{
  OcDnsUse *use = oc_dns_limits_get (limits, slot);
  gint64 interval_ns = atomic_load_explicit (&limits->interval_ns, memory_order_relaxed);
  gint64 now_ns = now_us * 1000;
  long long paid;
  long long next;

  if (interval_ns == 0)
    return TRUE;
  paid = atomic_load_explicit (&use->paid_until_ns, memory_order_relaxed);
  do
    {
      next = MAX (paid, now_ns) + interval_ns;
      if (next - now_ns > OC_DNS_BURST_S * NS_PER_S)
        return FALSE;
    }
  while (!atomic_compare_exchange_weak_explicit (&use->paid_until_ns, &paid, next,
                                                 memory_order_relaxed, memory_order_relaxed));
  return TRUE;
}

gboolean
oc_dns_limits_enter (atomic_int *counter, int most)
{
  if (atomic_fetch_add_explicit (counter, 1, memory_order_relaxed) < most)
    return TRUE;
  oc_dns_limits_leave (counter);
  return FALSE;
}

void
oc_dns_limits_leave (atomic_int *counter)
{
  atomic_fetch_sub_explicit (counter, 1, memory_order_relaxed);
}
