/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-shim.h"

#include <gio/gio.h>
#include <unistd.h>

/* Beside the running program, or in the build tree. */
static char *
find_near (const char *name)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = self != NULL ? g_path_get_dirname (self) : NULL;
  static const char *const ways[] = { "", "..", "../.." };

  for (guint i = 0; dir != NULL && i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path
          = g_build_filename (dir, ways[i], i > 0 ? name : "", name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && access (path, X_OK) == 0)
        return g_canonicalize_filename (path, NULL);
    }
  return NULL;
}

char *
oc_shim_find (void)
{
  char *near = find_near ("outcall-agent");

  if (near != NULL)
    return near;
  return access (BINDIR "/outcall-agent", X_OK) == 0 ? g_strdup (BINDIR "/outcall-agent") : NULL;
}

char *
oc_helper_find (const char *name)
{
  char *near = find_near (name);

  return near != NULL ? near : g_build_filename (LIBEXECDIR, name, NULL);
}
