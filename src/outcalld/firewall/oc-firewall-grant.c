/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Grants enter the kernel. Each is an element of one of three sets: an address and a port,
 * all ports of an address, ranges. A limit is an element of a fourth set beside it, which
 * matches what is beyond it, and outlives the grant as flows do.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>

#include "common/oc-error.h"

/* A renewal by less is not worth a transaction; DNS renews with every answer. */
#define RENEWAL_MIN_US G_USEC_PER_SEC
/* Grants shown for one lock: others want it meanwhile. */
#define QUERIES_PER_LOCK 64

/* --- Elements ------------------------------------------------------------ */

static void
put_range_end (OcKey *end, const OcGrantKey *key)
{
  guint32 host_mask = (1u << key->host_bits) - 1;

  oc_key_put_ipv4 (end, key->source_be);
  oc_key_put_ipv4 (end, htonl (ntohl (key->destination_be) | host_mask));
  oc_key_put_protocol (end, key->protocol);
  oc_key_put_port (end, MAX (key->port, key->last_port));
}

static OcElement
make_element (const OcGrantKey *key)
{
  OcElement element = { 0 };

  oc_key_put_ipv4 (&element.key, key->source_be);
  oc_key_put_ipv4 (&element.key, key->destination_be);
  oc_key_put_protocol (&element.key, key->protocol);
  if (oc_grant_key_is_any_port (key))
    return element;
  oc_key_put_port (&element.key, key->port);
  if (oc_grant_key_is_range (key))
    put_range_end (&element.end, key);
  return element;
}

static const char *
get_set (const OcGrantKey *key)
{
  if (oc_grant_key_is_any_port (key))
    return OC_SET_GRANTS_ANY_PORT;
  return oc_grant_key_is_range (key) ? OC_SET_GRANTS_RANGES : OC_SET_GRANTS;
}

static gboolean
is_exact (const OcGrantKey *key)
{
  return !oc_grant_key_is_any_port (key) && !oc_grant_key_is_range (key);
}

/* Those of @keys that belong into @set, in one message. */
static void
build_absent (OcNetlinkBatch *batch, const char *set, const OcGrantKey *keys, gsize n)
{
  g_autofree OcElement *elements = g_new (OcElement, n);
  gsize used = 0;

  for (gsize i = 0; i < n; i++)
    if (strcmp (get_set (&keys[i]), set) == 0)
      elements[used++] = make_element (&keys[i]);
  oc_build_elements (batch, NFPROTO_INET, set, OC_ELEMENT_ENSURE_ABSENT, elements, used);
}

void
oc_firewall_build_removal (OcFirewall *firewall, OcNetlinkBatch *batch, const OcGrantKey *keys,
                           gsize n)
{
  build_absent (batch, OC_SET_GRANTS, keys, n);
  build_absent (batch, OC_SET_GRANTS_ANY_PORT, keys, n);
  build_absent (batch, OC_SET_GRANTS_RANGES, keys, n);
  for (gsize i = 0; i < n; i++)
    if (oc_grants_has_limit (firewall->grants, &keys[i]))
      {
        OcElement element = make_element (&keys[i]);

        oc_build_elements (batch, NFPROTO_INET, OC_SET_LIMITS, OC_ELEMENT_ENSURE_ABSENT, &element,
                           1);
      }
}

/* An element's timeout does not change when it is added again, so it leaves
 * and comes back in the same transaction: no packet sees it absent. */
static void
build_grant (OcFirewall *firewall, OcNetlinkBatch *batch, const OcGrantRequest *request)
{
  OcElement element = make_element (&request->key);
  const char *set = get_set (&request->key);

  oc_build_elements (batch, NFPROTO_INET, set, OC_ELEMENT_ENSURE_ABSENT, &element, 1);
  element.timeout_ms = (guint64) request->lifetime_s * 1000;
  oc_build_elements (batch, NFPROTO_INET, set, OC_ELEMENT_ADD, &element, 1);
  if (!is_exact (&request->key))
    return;
  element.timeout_ms = 0;
  oc_build_elements (batch, NFPROTO_INET, OC_SET_REVOKED, OC_ELEMENT_ENSURE_ABSENT, &element, 1);
  if (request->max_bytes != 0 || oc_grants_has_limit (firewall->grants, &request->key))
    oc_build_elements (batch, NFPROTO_INET, OC_SET_LIMITS, OC_ELEMENT_ENSURE_ABSENT, &element, 1);
  element.quota = request->max_bytes;
  if (request->max_bytes != 0)
    oc_build_elements (batch, NFPROTO_INET, OC_SET_LIMITS, OC_ELEMENT_ADD, &element, 1);
}

/* --- Checks -------------------------------------------------------------- */

static gboolean
is_possible_destination (const OcGrantKey *key)
{
  OcAddress address = oc_address_from_v4 (key->destination_be);
  OcAddressClass class = oc_address_classify (&address);
  guint32 host_mask = key->host_bits <= OC_GRANT_HOST_BITS_MAX ? (1u << key->host_bits) - 1 : 0;

  return key->host_bits <= OC_GRANT_HOST_BITS_MAX
         && (ntohl (key->destination_be) & host_mask) == 0 && class != OC_ADDRESS_UNSPECIFIED
         && class != OC_ADDRESS_LOOPBACK && class != OC_ADDRESS_MULTICAST;
}

static gboolean
check_shape (const OcGrantRequest *request, GError **error)
{
  const OcGrantKey *key = &request->key;

  if ((key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP) || request->lifetime_s == 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "a grant is for TCP or UDP, for a second or more");
  if ((key->port == 0 && key->last_port != G_MAXUINT16)
      || (key->last_port != 0 && key->last_port <= key->port))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "a grant is for a port, for a range that begins with the lower one, or "
                          "for every port");
  if (!is_possible_destination (key))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "a grant is for a unicast IPv4 address or a range from /%d to /31 "
                          "without host bits",
                          32 - OC_GRANT_HOST_BITS_MAX);
  if (request->max_bytes != 0 && !is_exact (key))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "a limit of bytes needs one address and one port");
  return TRUE;
}

static gboolean
check_request (OcFirewall *firewall, const OcGrantRequest *request, gint64 now_us, GError **error)
{
  const OcGrantKey *key = &request->key;
  OcAddress source = oc_address_from_v4 (key->source_be);
  const OcLease *lease = g_hash_table_lookup (firewall->leases, &key->source_be);
  const OcGrantEntry *other;
  char text[OC_ADDRESS_TEXT_MAX];

  if (!check_shape (request, error))
    return FALSE;
  if (lease == NULL)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "no lease has %s",
                          oc_address_format (&source, text, sizeof text));
  if (request->max_bytes != 0 && !oc_grants_may_limit (firewall->grants, key))
    return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "all %d limits of the workload are in use",
                          OC_GRANTS_PER_WORKLOAD_MAX);
  other = oc_grants_find_overlap (firewall->grants, key, now_us);
  if (other != NULL)
    return oc_throw_code (error, G_IO_ERROR_EXISTS,
                          "grant g%" G_GUINT64_FORMAT " overlaps it; revoke that one first",
                          other->id);
  return oc_firewall_ensure_forwarding (firewall, lease->bridge, key, error);
}

/* --- Adding -------------------------------------------------------------- */

/* How a request meets a grant that is there. */
typedef enum
{
  RENEW_EXACTLY, /* the new lifetime counts, longer or shorter */
  RENEW_GROW,    /* lifetime and limit only grow */
} Renewal;

/* Whether it is in the kernel already as asked for. A grant of the operator's, which names no
 * rule, stays as it is while a rule's would not outlast it. */
static gboolean
is_fresh (const OcGrantEntry *entry, const OcGrantRequest *request, Renewal renewal, gint64 now_us)
{
  gint64 gain_us;

  if (entry == NULL || entry->expires_us <= now_us)
    return FALSE;
  gain_us = now_us + (gint64) request->lifetime_s * G_USEC_PER_SEC - entry->expires_us;
  if (renewal == RENEW_GROW)
    return gain_us < RENEWAL_MIN_US
           && (entry->max_bytes == 0 || (entry->rule == NULL && request->rule != NULL)
               || (request->max_bytes != 0 && request->max_bytes <= entry->max_bytes));
  return gain_us >= 0 && gain_us < RENEWAL_MIN_US && entry->max_bytes == request->max_bytes
         && g_strcmp0 (entry->name, request->name) == 0
         && g_strcmp0 (entry->rule, request->rule) == 0;
}

/* What is to be in the kernel, given what is there. */
static OcGrantRequest
merge (const OcGrantEntry *entry, const OcGrantRequest *request, Renewal renewal, gint64 now_us)
{
  OcGrantRequest merged = *request;

  if (entry == NULL || renewal != RENEW_GROW || entry->expires_us <= now_us)
    return merged;
  merged.lifetime_s
      = MAX (merged.lifetime_s, (guint) ((entry->expires_us - now_us) / G_USEC_PER_SEC) + 1);
  merged.max_bytes = entry->max_bytes == 0 || request->max_bytes == 0
                         ? 0
                         : MAX (entry->max_bytes, request->max_bytes);
  return merged;
}

/* The element that comes back counts from zero. */
static void
save_counter (OcFirewall *firewall, OcGrantEntry *entry)
{
  OcElement element = make_element (&entry->key);
  guint64 packets, bytes;

  if (!oc_query_element_counter (firewall->netlink, get_set (&entry->key), &element, &packets,
                                 &bytes))
    return;
  entry->packets += packets;
  entry->bytes += bytes;
}

/* Into the list and the batch. @changed: keys that a failure has to take out */
static gboolean
plan_grant (OcFirewall *firewall, OcNetlinkBatch *batch, const OcGrantRequest *asked,
            Renewal renewal, GArray *changed, GError **error)
{
  OcGrantEntry *entry = oc_grants_lookup (firewall->grants, &asked->key);
  gint64 now_us = g_get_monotonic_time ();
  OcGrantRequest merged = merge (entry, asked, renewal, now_us);
  const OcGrantRequest *request = &merged;
  gboolean evict = FALSE;
  OcGrantKey victim;

  if (is_fresh (entry, asked, renewal, now_us))
    {
      oc_grants_mark_used (firewall->grants, entry); /* it was just answered: not the next to go */
      return TRUE;
    }
  if (entry != NULL && entry->expires_us <= now_us)
    {
      entry->inserted_us = now_us; /* not renewed but made anew */
      entry->packets = entry->bytes = 0;
    }
  else if (entry != NULL)
    save_counter (firewall, entry);
  else if (!oc_grants_make_room (firewall->grants, &request->key, now_us, &evict, &victim))
    return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "all grants are in use (%d, ranges %d)",
                          OC_GRANTS_MAX, OC_GRANT_RANGES_MAX);
  if (evict)
    {
      oc_firewall_build_removal (firewall, batch, &victim, 1);
      g_array_append_val (changed, victim);
      (void) oc_grants_remove (firewall->grants, &victim);
    }
  build_grant (firewall, batch, request);
  g_array_append_val (changed, request->key);
  (void) oc_grants_touch (firewall->grants, request, now_us);
  return TRUE;
}

/* After a failure: neither the list nor, if it still answers, the kernel has them. */
static void
abandon (OcFirewall *firewall, const GArray *changed)
{
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();

  oc_firewall_build_removal (firewall, batch, (OcGrantKey *) changed->data, changed->len);
  (void) oc_firewall_commit (firewall, batch, NULL);
  for (guint i = 0; i < changed->len; i++)
    (void) oc_grants_remove (firewall->grants, &g_array_index (changed, OcGrantKey, i));
}

static gboolean
add_grants (OcFirewall *firewall, const OcGrantRequest *requests, gsize n, Renewal renewal,
            guint64 *out_ids, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  g_autoptr (OcNetlinkBatch) batch = oc_netlink_batch_new ();
  g_autoptr (GArray) changed = g_array_new (FALSE, FALSE, sizeof (OcGrantKey));
  gint64 now_us = g_get_monotonic_time ();
  gboolean ok = TRUE;

  g_assert (n <= OC_GRANTS_PER_CALL_MAX);
  for (gsize i = 0; i < n; i++)
    if (!check_request (firewall, &requests[i], now_us, error))
      return FALSE;
  for (gsize i = 0; ok && i < n; i++)
    ok = plan_grant (firewall, batch, &requests[i], renewal, changed, error);
  firewall->maybe_flows = TRUE;
  if (!ok || !oc_firewall_commit (firewall, batch, error))
    {
      abandon (firewall, changed);
      return FALSE;
    }
  for (gsize i = 0; out_ids != NULL && i < n; i++)
    out_ids[i] = oc_grants_lookup (firewall->grants, &requests[i].key)->id;
  return TRUE;
}

gboolean
oc_firewall_add_grants (OcFirewall *firewall, const OcGrantRequest *requests, gsize n,
                        guint64 *out_ids, GError **error)
{
  return add_grants (firewall, requests, n, RENEW_EXACTLY, out_ids, error);
}

gboolean
oc_firewall_ensure_grants (OcFirewall *firewall, const OcGrantRequest *requests, gsize n,
                           GError **error)
{
  return add_grants (firewall, requests, n, RENEW_GROW, NULL, error);
}

/* --- Showing ------------------------------------------------------------- */

gboolean
oc_firewall_lookup_grant (OcFirewall *firewall, guint64 id, OcGrantKey *out_key)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);
  const OcGrantEntry *entry = oc_grants_lookup_id (firewall->grants, id);

  if (entry == NULL || entry->expires_us <= g_get_monotonic_time ())
    return FALSE;
  *out_key = entry->key;
  return TRUE;
}

guint64
oc_firewall_count_grants (OcFirewall *firewall)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);

  return oc_grants_count (firewall->grants);
}

static void
add_counters (OcFirewall *firewall, GPtrArray *list, guint first)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&firewall->lock);

  for (guint i = first; i < list->len && i < first + QUERIES_PER_LOCK; i++)
    {
      OcGrant *grant = g_ptr_array_index (list, i);
      OcElement element = make_element (&grant->key);
      guint64 packets, bytes;

      if (!oc_query_element_counter (firewall->netlink, get_set (&grant->key), &element, &packets,
                                     &bytes))
        continue; /* it has expired meanwhile */
      grant->packets += packets;
      grant->bytes += bytes;
    }
}

GPtrArray *
oc_firewall_list_grants (OcFirewall *firewall, guint32 source_be, gsize limit, gboolean counters,
                         guint64 *out_total)
{
  GPtrArray *list;
  guint64 total;

  g_mutex_lock (&firewall->lock);
  list = oc_grants_list (firewall->grants, source_be, g_get_monotonic_time (), limit, &total);
  g_mutex_unlock (&firewall->lock);
  for (guint i = 0; counters && i < list->len; i += QUERIES_PER_LOCK)
    add_counters (firewall, list, i);
  if (out_total != NULL)
    *out_total = total;
  return list;
}
