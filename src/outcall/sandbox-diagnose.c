/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "sandbox.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

/* Settings that keep user namespaces from ordinary users, and the value that does. */
static const struct
{
  const char *path;
  const char *bad;
  const char *sysctl;
} settings[] = {
  { "/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000" },
  { "/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1" },
  { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
    "kernel.apparmor_restrict_unprivileged_userns=0" },
};

char *
oc_sandbox_diagnose (void)
{
  if (access (OC_BWRAP_PATH, X_OK) != 0)
    return g_strdup_printf (_("bubblewrap is not at %s; install it (Debian and Fedora: package "
                               "'bubblewrap')"),
                            OC_BWRAP_PATH);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autofree char *text = NULL;

      if (!g_file_get_contents (settings[i].path, &text, NULL, NULL))
        continue;
      if (strcmp (g_strstrip (text), settings[i].bad) == 0 && (i == 0 || getuid () != 0))
        return g_strdup_printf (_("user namespaces are switched off on this host; as root: "
                                   "sysctl -w %s"),
                                settings[i].sysctl);
    }
  return NULL;
}
