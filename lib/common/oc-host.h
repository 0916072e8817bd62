/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Host names as the policy sees them. There is one spelling of each: lower
 * case, no trailing dot, A-labels; an IP address in its strict form. What
 * resolvers and C libraries would read differently from us (octal or hex
 * IPv4, NUL, control bytes, percent signs) is refused here, so that a name is
 * never judged as one thing and dialled as another. libc only. Any thread.
 */

#include "common/oc-address.h"

#define OC_HOST_MAX 253

typedef struct
{
  char name[OC_HOST_MAX + 1]; /* canonical, NUL-terminated, no brackets around IPv6 */
  size_t len;
  OcAddress address; /* .family is 0 unless the host is an address */
} OcHost;

typedef enum
{
  OC_HOST_OK,
  OC_HOST_EMPTY,
  OC_HOST_TOO_LONG,    /* name over 253 or label over 63 octets */
  OC_HOST_BAD_BYTE,    /* anything but letters, digits, "-", "_" and dots */
  OC_HOST_BAD_LABEL,   /* empty label, or one that starts or ends with "-" */
  OC_HOST_BAD_ADDRESS, /* looks numeric but is not a strict address */
} OcHostError;

/* @text: a host as in a URI authority, with brackets around IPv6 and without a
 * port; a single trailing dot is dropped. */
OcHostError oc_host_parse (OcStr text, OcHost *out);

/* @text: "host" or "host:port" ("[v6]:port"). @out_port is @default_port when
 * there is none; 0 is refused. Returns: false when either part is bad. */
bool oc_host_parse_authority (OcStr text, uint16_t default_port, OcHost *out, uint16_t *out_port);

/* A decimal port 1–65535 without sign or leading zero. */
bool oc_port_parse (OcStr text, uint16_t *out);

const char *oc_host_error_text (OcHostError error);

/* Whether @host is @domain or a name below it, by labels; both canonical. */
bool oc_host_in_domain (OcStr host, OcStr domain);
