/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "network/oc-network-private.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/oc-error.h"

/* --- Blocks and subnets -------------------------------------------------- */

typedef struct
{
  guint32 first; /* host order */
  guint prefix_len;
} Block;

static guint32
make_mask (guint prefix_len)
{
  return prefix_len == 0 ? 0 : G_MAXUINT32 << (32 - prefix_len);
}

static gboolean
parse_prefix_len (const char *text, guint *out)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 8, 24, &value, NULL))
    return FALSE;
  *out = (guint) value;
  return TRUE;
}

static gboolean
is_private (const Block *block)
{
  static const Block ranges[] = {
    { 0x0a000000, 8 },  /* 10.0.0.0/8 */
    { 0xac100000, 12 }, /* 172.16.0.0/12 */
    { 0xc0a80000, 16 }, /* 192.168.0.0/16 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (block->prefix_len >= ranges[i].prefix_len
        && (block->first & make_mask (ranges[i].prefix_len)) == ranges[i].first)
      return TRUE;
  return FALSE;
}

static gboolean
parse_block (const char *text, Block *out, GError **error)
{
  const char *slash = strchr (text, '/');
  OcAddress address;

  if (slash == NULL || !oc_address_parse (oc_str (text, (size_t) (slash - text)), &address)
      || address.family != 4 || !parse_prefix_len (slash + 1, &out->prefix_len))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "subnet '%s': must be like 10.200.0.0/16, /8 to /24", text);
  out->first = ntohl (oc_address_get_v4 (&address));
  if ((out->first & ~make_mask (out->prefix_len)) != 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "subnet '%s' has host bits",
                          text);
  if (!is_private (out))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "subnet '%s' is not a private range (RFC 1918)", text);
  return TRUE;
}

gboolean
oc_network_in_block (const char *text, const OcAddress *address)
{
  Block block;

  return address->family == 4 && parse_block (text, &block, NULL)
         && (ntohl (oc_address_get_v4 (address)) & make_mask (block.prefix_len)) == block.first;
}

static gboolean
overlaps (guint32 subnet, guint32 address, guint prefix_len)
{
  guint shorter = MIN (prefix_len, (guint) OC_NETWORK_PREFIX);

  return ((address ^ subnet) & make_mask (shorter)) == 0;
}

static gboolean
overlaps_route (const OcSubnetUse *use, guint32 subnet)
{
  for (guint i = 0; i < use->routes->len; i++)
    {
      const OcRoute *route = &g_array_index (use->routes, OcRoute, i);

      if (route->prefix_len != 0 && (use->own_index == 0 || route->index != use->own_index)
          && overlaps (subnet, ntohl (oc_address_get_v4 (&route->destination)), route->prefix_len))
        return TRUE;
    }
  return FALSE;
}

/* What @subnet overlaps, NULL for nothing. (transfer full) */
static char *
find_overlap (const OcSubnetUse *use, guint32 subnet)
{
  for (guint i = 0; use->networks != NULL && i < use->networks->len; i++)
    {
      const OcNetwork *other = g_ptr_array_index (use->networks, i);

      if (overlaps (subnet, ntohl (oc_address_get_v4 (&other->gateway)), OC_NETWORK_PREFIX))
        return g_strdup_printf ("network %s", other->name);
    }
  for (gsize i = 0; i < use->n_taken; i++)
    if (use->taken[i].address.family == 4 && use->taken[i].prefix_len <= 32
        && overlaps (subnet, ntohl (oc_address_get_v4 (&use->taken[i].address)),
                     use->taken[i].prefix_len))
      return g_strdup (use->taken[i].owner);
  return overlaps_route (use, subnet) ? g_strdup ("a route of this host") : NULL;
}

gboolean
oc_network_pick_subnet (const char *text, const OcSubnetUse *use, OcAddress *out_gateway,
                        GError **error)
{
  Block block;

  if (!parse_block (text, &block, error))
    return FALSE;
  for (guint32 i = 0; i < 1u << (OC_NETWORK_PREFIX - block.prefix_len); i++)
    {
      guint32 subnet = block.first + i * OC_NETWORK_HOSTS;
      g_autofree char *owner = find_overlap (use, subnet);

      if (owner != NULL)
        continue;
      *out_gateway = oc_address_from_v4 (htonl (subnet + 1));
      return TRUE;
    }
  return oc_throw_code (error, G_IO_ERROR_NO_SPACE, "no available subnets in %s", text);
}

gboolean
oc_network_parse_subnet (const char *text, OcAddress *out_gateway, GError **error)
{
  Block block;

  if (!parse_block (text, &block, error))
    return FALSE;
  if (block.prefix_len != OC_NETWORK_PREFIX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "subnet '%s': must be a /%d", text,
                          OC_NETWORK_PREFIX);
  *out_gateway = oc_address_from_v4 (htonl (block.first + 1));
  return TRUE;
}

gboolean
oc_network_check_subnet (const char *text, const OcSubnetUse *use, OcAddress *out_gateway,
                         GError **error)
{
  g_autofree char *owner = NULL;

  if (!oc_network_parse_subnet (text, out_gateway, error))
    return FALSE;
  owner = find_overlap (use, ntohl (oc_address_get_v4 (out_gateway)) - 1);
  if (owner != NULL)
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "subnet %s overlaps %s", text, owner);
  return TRUE;
}

/* --- Addresses of one network -------------------------------------------- */

void
oc_network_init_hosts (OcNetwork *network)
{
  network->now_us = g_get_monotonic_time;
  network->last_host = 1;
  for (guint i = 0; i < OC_NETWORK_HOSTS; i++)
    network->hosts[i].state = OC_HOST_FREE;
  network->hosts[0].state = OC_HOST_TAKEN;
  network->hosts[OC_NETWORK_HOSTS - 1].state = OC_HOST_TAKEN;
  network->hosts[network->gateway.bytes[3]].state = OC_HOST_TAKEN;
}

static gboolean
is_free (OcNetwork *network, guint host)
{
  OcHostSlot *slot = &network->hosts[host];

  if (slot->state == OC_HOST_QUARANTINED && slot->free_from_us <= network->now_us ())
    slot->state = OC_HOST_FREE;
  return slot->state == OC_HOST_FREE;
}

/* Goes round, so that an address rests as long as possible beyond its quarantine. */
gboolean
oc_network_allocate (OcNetwork *network, OcAddress *out, GError **error)
{
  for (guint i = 1; i <= OC_NETWORK_HOSTS; i++)
    {
      guint host = (network->last_host + i) % OC_NETWORK_HOSTS;

      if (host >= OC_NETWORK_ENGINE_FIRST || !is_free (network, host))
        continue;
      network->hosts[host].state = OC_HOST_TAKEN;
      network->last_host = host;
      *out = network->gateway;
      out->bytes[3] = (guint8) host;
      return TRUE;
    }
  return oc_throw_code (error, G_IO_ERROR_NO_SPACE,
                        "network %s has no free address (one that was released rests for %d s)",
                        network->name, OC_ADDRESS_QUARANTINE_S);
}

static gboolean
is_inside (OcNetwork *network, const OcAddress *address)
{
  return address->family == 4 && memcmp (address->bytes, network->gateway.bytes, 3) == 0;
}

gboolean
oc_network_reserve (OcNetwork *network, const OcAddress *address, GError **error)
{
  char text[OC_ADDRESS_TEXT_MAX];

  if (!is_inside (network, address))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "%s is not of network %s",
                          oc_address_format (address, text, sizeof text), network->name);
  if (network->hosts[address->bytes[3]].state == OC_HOST_TAKEN)
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "%s of network %s is taken",
                          oc_address_format (address, text, sizeof text), network->name);
  network->hosts[address->bytes[3]].state = OC_HOST_TAKEN;
  return TRUE;
}

void
oc_network_release (OcNetwork *network, const OcAddress *address)
{
  OcHostSlot *slot = &network->hosts[address->bytes[3]];
  OcLink bridge;

  if (!is_inside (network, address) || slot->state != OC_HOST_TAKEN
      || address->bytes[3] == network->gateway.bytes[3])
    return;
  *slot = (OcHostSlot) { OC_HOST_QUARANTINED, network->now_us ()
                                                  + OC_ADDRESS_QUARANTINE_S * G_USEC_PER_SEC };
  /* What attaching left behind; the address means nobody now. */
  if (oc_netlink_get_link (network->netlink, network->bridge, &bridge, NULL))
    (void) oc_netlink_delete_neighbour (network->netlink, bridge.index, address, NULL);
}

void
oc_network_rest (OcNetwork *network, const OcAddress *address, gint64 free_from_us)
{
  gint64 latest_us = network->now_us () + OC_ADDRESS_QUARANTINE_S * G_USEC_PER_SEC;

  if (is_inside (network, address) && network->hosts[address->bytes[3]].state != OC_HOST_TAKEN)
    network->hosts[address->bytes[3]]
        = (OcHostSlot) { OC_HOST_QUARANTINED, MIN (free_from_us, latest_us) };
}

GArray *
oc_network_list_resting (OcNetwork *network)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (OcRestingAddress));

  for (guint host = 0; host < OC_NETWORK_HOSTS; host++)
    if (!is_free (network, host) && network->hosts[host].state == OC_HOST_QUARANTINED)
      {
        OcRestingAddress resting = { network->gateway, network->hosts[host].free_from_us };

        resting.address.bytes[3] = (guint8) host;
        g_array_append_val (list, resting);
      }
  return list;
}

void
oc_network_make_mac (const OcAddress *address, guint8 mac[6])
{
  oc_firewall_make_mac (address, mac);
}
