/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-hide.h"

#include <glib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void
oc_daemon_hide (void)
{
  const struct rlimit none = { 0, 0 };

  /* The limit alone does not keep a handler (core_pattern) from being given the core. */
  (void) setrlimit (RLIMIT_CORE, &none);
  if (prctl (PR_SET_DUMPABLE, 0) < 0)
    g_warning ("a crash would leave secrets in a core dump: %s", g_strerror (errno));
}
