/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* IP addresses as values, and the address policy's list of ranges that an
 * untrusted program has no business with. libc only. Any thread.
 */

#include "common/oc-str.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* The longest text: an IPv4-mapped IPv6 address. */
#define OC_ADDRESS_TEXT_MAX INET6_ADDRSTRLEN

typedef struct
{
  uint8_t family;    /* 4, 6, or 0 for none */
  uint8_t bytes[16]; /* network order; IPv4 uses the first four */
} OcAddress;

/* Why an address is refused; OC_ADDRESS_PUBLIC is the one that is not. */
typedef enum
{
  OC_ADDRESS_PUBLIC,
  OC_ADDRESS_UNSPECIFIED,
  OC_ADDRESS_LOOPBACK,
  OC_ADDRESS_PRIVATE,
  OC_ADDRESS_LINK_LOCAL,
  OC_ADDRESS_CGNAT,
  OC_ADDRESS_METADATA,
  OC_ADDRESS_DOCUMENTATION,
  OC_ADDRESS_MULTICAST,
  OC_ADDRESS_RESERVED,
} OcAddressClass;

/* @v4_be: as in struct in_addr */
OcAddress oc_address_from_v4 (uint32_t v4_be);
OcAddress oc_address_from_v6 (const uint8_t bytes[16]);
/* The IPv4 address in network order; 0 when @address is not IPv4. */
uint32_t oc_address_get_v4 (const OcAddress *address);

/* The strict textual forms only: dotted quad without leading zeros, RFC 4291
 * IPv6 without brackets or zone. Returns: false when @text is neither. */
bool oc_address_parse (OcStr text, OcAddress *out);
/* @buf: at least OC_ADDRESS_TEXT_MAX bytes. Returns: @buf */
const char *oc_address_format (const OcAddress *address, char *buf, size_t len);
bool oc_address_equal (const OcAddress *a, const OcAddress *b);

/* What @address is for the address policy. Looks through IPv4-mapped,
 * -compatible, NAT64 (well-known and local-use prefix), 6to4 and Teredo forms to the IPv4 address
 * that they carry. */
OcAddressClass oc_address_classify (const OcAddress *address);
/* The IPv4 address that an IPv4-mapped, -compatible, NAT64 or 6to4 address
 * carries. Returns: false when @address is none of them. */
bool oc_address_get_embedded (const OcAddress *address, OcAddress *out);
/* A word for logs and answers: "private", "loopback", … Static. */
const char *oc_address_class_name (OcAddressClass class);

/* Fills @ss for connect(). Returns: the length of the socket address, 0 for no address. */
socklen_t oc_address_to_sockaddr (const OcAddress *address, uint16_t port,
                                  struct sockaddr_storage *ss);
/* Returns: false for other families. @out_port may be NULL. An IPv4-mapped
 * address becomes plain IPv4. */
bool oc_address_from_sockaddr (const struct sockaddr *sa, OcAddress *out, uint16_t *out_port);
