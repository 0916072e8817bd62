/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What a proxy must know of a TLS ClientHello: the server name, and whether
 * another one is hidden (Encrypted ClientHello). Bounds-checked, no allocation;
 * the hello may come in any number of TLS records. Any thread.
 */

#include "common/oc-str.h"

#include <stdint.h>

#define OC_HELLO_MAX 16384     /* bytes of the handshake message */
#define OC_HELLO_RAW_MAX 20480 /* the same with its record headers */

typedef enum
{
  OC_HELLO_OK,
  OC_HELLO_MORE,    /* fine so far, not all there */
  OC_HELLO_NOT_TLS, /* something else */
  OC_HELLO_BAD,     /* TLS, but malformed, or over the limit */
} OcHelloResult;

typedef struct
{
  OcStr sni; /* points into @scratch; empty when there is none */
  bool ech;  /* encrypted_client_hello, or its ancestor ESNI, is there */
} OcHello;

/* @scratch: OC_HELLO_MAX + 4 bytes, where the message is put together */
OcHelloResult oc_hello_parse (const uint8_t *data, size_t len, uint8_t *scratch, OcHello *out);
