/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * TLS ClientHello: whole and cut must agree, and the name lies in the scratch.
 */
#include "config.h"

#include "proxy/oc-proxy-hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static uint8_t scratch[OC_HELLO_MAX + 4];
  OcHello whole, cut;
  OcHelloResult result;

  if (size > OC_HELLO_RAW_MAX)
    return 0;
  result = oc_hello_parse (data, size, scratch, &whole);
  if (result == OC_HELLO_OK && whole.sni.len > 0
      && ((const uint8_t *) whole.sni.data < scratch
          || (const uint8_t *) whole.sni.data + whole.sni.len > scratch + OC_HELLO_MAX))
    abort ();
  if (size > 0)
    {
      OcHelloResult before = oc_hello_parse (data, size / 2, scratch, &cut);

      if (before != OC_HELLO_MORE && before != result)
        abort ();
    }
  return 0;
}
