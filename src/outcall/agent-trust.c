/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * $XDG_STATE_HOME/outcall/trusted holds a file for each project, named by the
 * hash of its path, with the hash of the agent.yaml that was trusted. It is in
 * the home, which no sandbox sees.
 */
#include "config.h"

#include "agent-file.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <fcntl.h>
#include <string.h>

#define HASH_TEXT_MAX 128

static char *
get_folder (void)
{
  return g_build_filename (g_get_user_state_dir (), "outcall", "trusted", NULL);
}

static char *
hash (const char *data, gsize len)
{
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) data, len);
}

static int
open_folder (const char *folder)
{
  return open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

gboolean
oc_agent_is_trusted (const char *project, const char *text, gsize len)
{
  g_autofree char *folder = get_folder ();
  g_autofree char *name = hash (project, strlen (project));
  g_autofree char *wanted = hash (text, len);
  g_autofree char *found = NULL;
  oc_autofd int dir = open_folder (folder);
  gsize found_len;

  if (dir < 0)
    return FALSE;
  found = oc_file_read (dir, name, HASH_TEXT_MAX, &found_len, NULL);
  return found != NULL && strcmp (found, wanted) == 0;
}

gboolean
oc_agent_trust (const char *project, const char *text, gsize len, GError **error)
{
  g_autofree char *folder = get_folder ();
  g_autofree char *name = hash (project, strlen (project));
  g_autofree char *value = hash (text, len);
  oc_autofd int dir = -1;

  if (g_mkdir_with_parents (folder, 0700) < 0 || (dir = open_folder (folder)) < 0)
    return oc_throw_errno (error, "%s", folder);
  return oc_file_replace (dir, name, value, strlen (value), 0600, error);
}
