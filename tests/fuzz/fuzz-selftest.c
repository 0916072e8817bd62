/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What the witnesses of `outcall selftest` read, as root, from the wires of the host, and the
 * answers that its ways get.
 */
#include "config.h"

#include "outcall-selftest/selftest.h"

#include <arpa/inet.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (unsigned n)
{
  if (n > UINT8_MAX)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const Place place = { .run = "123456789012", .gateway = { 0x0100c80a },
                               .own = { 0x0200c80a } };
  const struct in_addr peer = outside_addr (1);
  Result met = { .outcome = OUTCOME_SILENT };

  check (judge_wire (place.run, ETHERTYPE_IP, data, size));
  check (judge_wire (place.run, ETHERTYPE_IPV6, data, size));
  check (judge_neighbour (place.run, data, size));
  if (!judge_frame (&place, data, size, peer, &met) && met.outcome != OUTCOME_SILENT)
    abort ();
  (void) judge_dns (data, size);
  (void) judge_http ((const char *) data, size);
  return 0;
}
