/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-protected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Whoever holds one of these is the operator, or root. */
static const char *const protected_paths[] = {
  "/run/outcall",
  "/run/docker.sock",
  "/run/docker",
  "/run/containerd",
  "/run/podman",
  "/run/crio",
  "/run/user",
  "/run/systemd",
  "/run/dbus",
  "/var/lib/outcall",
  "/etc/outcall",
  "/proc",
  "/sys",
  "/dev",
  "/var/lib/docker",
  "/var/lib/containerd",
  "/var/lib/containers",
  NULL,
};

gboolean
oc_path_is_under (const char *path, const char *folder)
{
  gsize len = strlen (folder);

  if (strcmp (folder, "/") == 0)
    return TRUE;
  return strncmp (path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

gboolean
oc_path_is_clean (const char *path)
{
  g_autofree char *canonical = NULL;

  if (*path != '/')
    return FALSE;
  canonical = g_canonicalize_filename (path, "/");
  return strcmp (canonical, path) == 0;
}

static gboolean
paths_overlap (const char *a, const char *b)
{
  return oc_path_is_under (a, b) || oc_path_is_under (b, a);
}

static gboolean
is_same_file (const char *path, const struct stat *st)
{
  struct stat other;

  return lstat (path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* Whether the file at @path is @folder or one of the folders above it (but "/",
 * which has its own name everywhere). */
static gboolean
is_file_above (const char *path, const char *folder)
{
  g_autofree char *at = g_strdup (folder);
  struct stat st;

  if (lstat (path, &st) < 0)
    return FALSE;
  while (strcmp (at, "/") != 0)
    {
      char *slash;

      if (is_same_file (at, &st))
        return TRUE;
      slash = strrchr (at, '/');
      if (slash == NULL || slash == at)
        break;
      *slash = '\0';
    }
  return FALSE;
}

/* By name, and by being the same files under another name. */
static gboolean
shows (const char *real, const char *protected_path)
{
  return paths_overlap (real, protected_path) || is_file_above (real, protected_path)
         || is_file_above (protected_path, real);
}

/* Octal escapes of mountinfo: "\040" is a blank. */
static void
unescape (char *text)
{
  char *out = text;

  for (; *text != '\0'; text++)
    if (text[0] == '\\' && text[1] != '\0' && text[2] != '\0' && text[3] != '\0')
      {
        *out++ = (char) ((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
        text += 3;
      }
    else
      *out++ = *text;
  *out = '\0';
}

/* Mount points below @real, which come along with it. */
static GPtrArray *
list_mounts_below (const char *real)
{
  GPtrArray *mounts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return mounts;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], " ", 6);

      if (g_strv_length (fields) < 6)
        continue;
      unescape (fields[4]);
      if (strcmp (fields[4], real) != 0 && oc_path_is_under (fields[4], real))
        g_ptr_array_add (mounts, g_strdup (fields[4]));
    }
  return mounts;
}

static gboolean
shows_with_mounts (const char *real, GPtrArray *mounts, const char *protected_path)
{
  g_autofree char *target = realpath (protected_path, NULL);

  if (shows (real, protected_path) || (target != NULL && shows (real, target)))
    return TRUE;
  for (guint i = 0; target != NULL && i < mounts->len; i++)
    if (shows (mounts->pdata[i], target))
      return TRUE;
  return FALSE;
}

char *
oc_protected_find (const char *real, const char *const *more)
{
  g_autoptr (GPtrArray) mounts = list_mounts_below (real);
  const char *const *const lists[] = { protected_paths, more };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (guint k = 0; lists[i] != NULL && lists[i][k] != NULL; k++)
      if (shows_with_mounts (real, mounts, lists[i][k]))
        return g_strdup (lists[i][k]);
  return NULL;
}
