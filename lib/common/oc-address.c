/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-address.h"

#include <arpa/inet.h>
#include <stdio.h>

typedef struct
{
  uint8_t prefix[16];
  uint8_t bits;
  OcAddressClass class;
} Range;

/* Sources: IANA's special-purpose registries (RFC 6890 and successors) and the
 * metadata addresses of the large clouds. First match decides, so the narrow
 * ones stand before the wide ones. */
static const Range ranges4[] = {
  { { 169, 254, 169, 254 }, 32, OC_ADDRESS_METADATA },
  { { 169, 254, 170, 2 }, 32, OC_ADDRESS_METADATA },   /* ECS task credentials */
  { { 100, 100, 100, 200 }, 32, OC_ADDRESS_METADATA }, /* Alibaba */
  { { 168, 63, 129, 16 }, 32, OC_ADDRESS_METADATA },   /* Azure */
  { { 192, 0, 0, 192 }, 32, OC_ADDRESS_METADATA },     /* Oracle */
  { { 0 }, 8, OC_ADDRESS_UNSPECIFIED },
  { { 10 }, 8, OC_ADDRESS_PRIVATE },
  { { 100, 64 }, 10, OC_ADDRESS_CGNAT },
  { { 127 }, 8, OC_ADDRESS_LOOPBACK },
  { { 169, 254 }, 16, OC_ADDRESS_LINK_LOCAL },
  { { 172, 16 }, 12, OC_ADDRESS_PRIVATE },
  { { 192, 0, 0 }, 24, OC_ADDRESS_RESERVED },
  { { 192, 0, 2 }, 24, OC_ADDRESS_DOCUMENTATION },
  { { 192, 88, 99 }, 24, OC_ADDRESS_RESERVED }, /* 6to4 relays */
  { { 192, 168 }, 16, OC_ADDRESS_PRIVATE },
  { { 198, 18 }, 15, OC_ADDRESS_RESERVED }, /* benchmarking */
  { { 198, 51, 100 }, 24, OC_ADDRESS_DOCUMENTATION },
  { { 203, 0, 113 }, 24, OC_ADDRESS_DOCUMENTATION },
  { { 224 }, 4, OC_ADDRESS_MULTICAST },
  { { 240 }, 4, OC_ADDRESS_RESERVED },
};

static const Range ranges6[] = {
  { { 0xfd, 0x00, 0x0e, 0xc2 }, 32, OC_ADDRESS_METADATA }, /* AWS */
  { { 0xfd, 0x20, 0x00, 0xce }, 32, OC_ADDRESS_METADATA }, /* Google */
  { { 0xfc }, 7, OC_ADDRESS_PRIVATE },
  { { 0xfe, 0x80 }, 10, OC_ADDRESS_LINK_LOCAL },
  { { 0xfe, 0xc0 }, 10, OC_ADDRESS_PRIVATE }, /* site-local, deprecated */
  { { 0xff }, 8, OC_ADDRESS_MULTICAST },
  { { 0x20, 0x01, 0x0d, 0xb8 }, 32, OC_ADDRESS_DOCUMENTATION },
  { { 0x3f, 0xff }, 20, OC_ADDRESS_DOCUMENTATION },
  { { 0x20, 0x01 }, 23, OC_ADDRESS_RESERVED }, /* ORCHID, benchmarking, Teredo, … */
  { { 0x5f, 0x00 }, 16, OC_ADDRESS_RESERVED }, /* SRv6 SIDs */
};

/* Prefixes behind which an IPv4 address hides; offset is where it starts. The
 * local-use NAT64 prefix 64:ff9b:1::/48 may carry it in several places and is
 * refused whole below. */
static const struct
{
  uint8_t prefix[16];
  uint8_t bits;
  uint8_t offset;
} embeddings[] = {
  { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, 12 },       /* mapped */
  { { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 }, 96, 12 },       /* translated, RFC 2765 */
  { { 0x00, 0x64, 0xff, 0x9b }, 96, 12 },                         /* NAT64, RFC 6052 */
  { { 0 }, 96, 12 },                                              /* compatible */
  { { 0x20, 0x02 }, 16, 2 },                                      /* 6to4 */
};

static bool
prefix_matches (const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
  unsigned whole = bits / 8;
  unsigned rest = bits % 8;

  if (memcmp (address, prefix, whole) != 0)
    return false;
  return rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

bool
oc_address_get_embedded (const OcAddress *address, OcAddress *out)
{
  if (address->family != 6)
    return false;
  for (size_t i = 0; i < sizeof embeddings / sizeof *embeddings; i++)
    if (prefix_matches (address->bytes, embeddings[i].prefix, embeddings[i].bits))
      {
        uint32_t v4_be;

        memcpy (&v4_be, address->bytes + embeddings[i].offset, sizeof v4_be);
        *out = oc_address_from_v4 (v4_be);
        return true;
      }
  return false;
}

static OcAddressClass
classify_in (const uint8_t *bytes, const Range *ranges, size_t n_ranges)
{
  for (size_t i = 0; i < n_ranges; i++)
    if (prefix_matches (bytes, ranges[i].prefix, ranges[i].bits))
      return ranges[i].class;
  return OC_ADDRESS_PUBLIC;
}

static OcAddressClass
classify_v4 (const uint8_t *bytes)
{
  return classify_in (bytes, ranges4, sizeof ranges4 / sizeof *ranges4);
}

static OcAddressClass
classify_v6 (const uint8_t *bytes)
{
  static const uint8_t unspecified[16] = { 0 };
  static const uint8_t loopback[16] = { [15] = 1 };
  static const uint8_t local_nat64[16] = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 };
  OcAddressClass class;

  if (memcmp (bytes, unspecified, 16) == 0)
    return OC_ADDRESS_UNSPECIFIED;
  if (memcmp (bytes, loopback, 16) == 0)
    return OC_ADDRESS_LOOPBACK;
  if (prefix_matches (bytes, local_nat64, 48))
    return OC_ADDRESS_RESERVED;
  for (size_t i = 0; i < sizeof embeddings / sizeof *embeddings; i++)
    if (prefix_matches (bytes, embeddings[i].prefix, embeddings[i].bits))
      return classify_v4 (bytes + embeddings[i].offset);
  class = classify_in (bytes, ranges6, sizeof ranges6 / sizeof *ranges6);
  /* Only 2000::/3 is handed out as global unicast. */
  if (class == OC_ADDRESS_PUBLIC && (bytes[0] & 0xe0) != 0x20)
    return OC_ADDRESS_RESERVED;
  return class;
}

OcAddress
oc_address_from_v4 (uint32_t v4_be)
{
  OcAddress address = { .family = 4 };

  memcpy (address.bytes, &v4_be, 4);
  return address;
}

OcAddress
oc_address_from_v6 (const uint8_t bytes[16])
{
  OcAddress address = { .family = 6 };

  memcpy (address.bytes, bytes, 16);
  return address;
}

uint32_t
oc_address_get_v4 (const OcAddress *address)
{
  uint32_t v4_be = 0;

  if (address->family == 4)
    memcpy (&v4_be, address->bytes, 4);
  return v4_be;
}

bool
oc_address_parse (OcStr text, OcAddress *out)
{
  char buf[OC_ADDRESS_TEXT_MAX];
  OcAddress parsed = { 0 };

  /* A NUL inside would end the text early for inet_pton(). */
  if (text.len == 0 || text.len >= sizeof buf || memchr (text.data, '\0', text.len))
    return false;
  memcpy (buf, text.data, text.len);
  buf[text.len] = '\0';
  if (inet_pton (AF_INET, buf, parsed.bytes) == 1)
    parsed.family = 4;
  else if (inet_pton (AF_INET6, buf, parsed.bytes) == 1)
    parsed.family = 6;
  else
    return false;
  *out = parsed;
  return true;
}

const char *
oc_address_format (const OcAddress *address, char *buf, size_t len)
{
  if (len == 0)
    return buf;
  buf[0] = '\0';
  if (address->family == 4)
    (void) inet_ntop (AF_INET, address->bytes, buf, (socklen_t) len);
  else if (address->family == 6)
    (void) inet_ntop (AF_INET6, address->bytes, buf, (socklen_t) len);
  return buf;
}

bool
oc_address_equal (const OcAddress *a, const OcAddress *b)
{
  return a->family == b->family && memcmp (a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

OcAddressClass
oc_address_classify (const OcAddress *address)
{
  switch (address->family)
    {
    case 4:
      return classify_v4 (address->bytes);
    case 6:
      return classify_v6 (address->bytes);
    default:
      return OC_ADDRESS_UNSPECIFIED;
    }
}

const char *
oc_address_class_name (OcAddressClass class)
{
  static const char *const names[] = {
    [OC_ADDRESS_PUBLIC] = "public",
    [OC_ADDRESS_UNSPECIFIED] = "unspecified",
    [OC_ADDRESS_LOOPBACK] = "loopback",
    [OC_ADDRESS_PRIVATE] = "private",
    [OC_ADDRESS_LINK_LOCAL] = "link-local",
    [OC_ADDRESS_CGNAT] = "carrier-grade NAT",
    [OC_ADDRESS_METADATA] = "cloud metadata",
    [OC_ADDRESS_DOCUMENTATION] = "documentation",
    [OC_ADDRESS_MULTICAST] = "multicast",
    [OC_ADDRESS_RESERVED] = "reserved",
  };

  return (size_t) class < sizeof names / sizeof *names ? names[class] : "unknown";
}

socklen_t
oc_address_to_sockaddr (const OcAddress *address, uint16_t port, struct sockaddr_storage *ss)
{
  memset (ss, 0, sizeof *ss);
  if (address->family == 4)
    {
      struct sockaddr_in *sin = (struct sockaddr_in *) ss;

      sin->sin_family = AF_INET;
      sin->sin_port = htons (port);
      memcpy (&sin->sin_addr, address->bytes, 4);
      return sizeof *sin;
    }
  if (address->family == 6)
    {
      struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *) ss;

      sin6->sin6_family = AF_INET6;
      sin6->sin6_port = htons (port);
      memcpy (&sin6->sin6_addr, address->bytes, 16);
      return sizeof *sin6;
    }
  return 0;
}

bool
oc_address_from_sockaddr (const struct sockaddr *sa, OcAddress *out, uint16_t *out_port)
{
  if (sa->sa_family == AF_INET)
    {
      const struct sockaddr_in *sin = (const struct sockaddr_in *) sa;

      *out = oc_address_from_v4 (sin->sin_addr.s_addr);
      if (out_port != NULL)
        *out_port = ntohs (sin->sin_port);
      return true;
    }
  if (sa->sa_family == AF_INET6)
    {
      const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *) sa;

      if (IN6_IS_ADDR_V4MAPPED (&sin6->sin6_addr))
        {
          uint32_t v4_be;

          memcpy (&v4_be, sin6->sin6_addr.s6_addr + 12, 4);
          *out = oc_address_from_v4 (v4_be);
        }
      else
        *out = oc_address_from_v6 (sin6->sin6_addr.s6_addr);
      if (out_port != NULL)
        *out_port = ntohs (sin6->sin6_port);
      return true;
    }
  return false;
}
