/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"

#include "common/oc-host.h"

/* inDomain(host, domain): host is domain or a name below it, by labels, in any case. */
static void
in_domain (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (
      oc_host_in_domain (oc_cel_value_get_str (args[0]), oc_cel_value_get_str (args[1])));
}

const OcCelDecl oc_cel_lib_host[] = {
  { "inDomain", "(string, string) -> bool", in_domain },
  { NULL, NULL, NULL },
};
