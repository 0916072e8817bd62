/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Copies of small files in the sandbox's own read-only root. For each mount
 * bubblewrap reads the whole mount table again: what takes it a tenth of that
 * time to write is copied, by bubblewrap, from the opened file. The limits keep
 * a copy cheaper than the mount.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_MAX_ENTRIES 8
#define TREE_MAX_DEPTH 2
#define SMALL_BYTES (256 * 1024)

gboolean
oc_sandbox_copy_data (OcSandboxArgs *args, const char *path, const char *perms, const char *data,
                      gsize len, GError **error)
{
  const char *fd = oc_sandbox_args_add_data (args, "file", data, len, error);

  if (fd == NULL)
    return FALSE;
  oc_sandbox_args_add (args, "--perms", perms, "--file", fd, path, NULL);
  return TRUE;
}

/* What is found at one place of a tree. */
typedef struct
{
  char *path;
  char *target; /* (nullable): it is a link */
  int fd;       /* -1: it is a folder or a link, or nobody may read it */
  gboolean is_folder;
  mode_t mode;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  oc_fd_clear (&entry->fd);
  g_free (entry->path);
  g_free (entry->target);
  g_free (entry);
}

static void
add_entry (OcSandboxArgs *args, Entry *entry)
{
  if (entry->target != NULL)
    oc_sandbox_args_add (args, "--symlink", entry->target, entry->path, NULL);
  else if (entry->is_folder)
    oc_sandbox_args_add (args, "--perms", "0755", "--dir", entry->path, NULL);
  else if (entry->fd >= 0)
    oc_sandbox_args_add (args, "--perms", (entry->mode & S_IXUSR) != 0 ? "0555" : "0444", "--file",
                         oc_sandbox_args_take_fd (args, oc_fd_steal (&entry->fd)), entry->path,
                         NULL);
}

/* One that cannot be opened is left out; inside it could not be read either.
 * O_NONBLOCK: a FIFO would keep us. */
gboolean
oc_sandbox_copy_file (OcSandboxArgs *args, const char *path)
{
  Entry entry = { .path = (char *) path,
                  .fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) };
  struct stat st;
  gboolean is_small = entry.fd < 0
                      || (fstat (entry.fd, &st) == 0 && S_ISREG (st.st_mode)
                          && st.st_size <= SMALL_BYTES);

  if (entry.fd >= 0 && is_small)
    {
      entry.mode = st.st_mode;
      add_entry (args, &entry);
    }
  oc_fd_clear (&entry.fd);
  return is_small;
}

/* Adds the entries of @folder to @entries. Returns: FALSE when they are too many. */
static gboolean
list_folder (const char *folder, GPtrArray *entries)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      Entry *entry;

      if (entries->len > TREE_MAX_ENTRIES)
        return FALSE;
      entry = g_new0 (Entry, 1);
      entry->path = g_build_filename (folder, name, NULL);
      entry->fd = -1;
      g_ptr_array_add (entries, entry);
    }
  return dir != NULL;
}

/* Returns: FALSE for what is not copied. */
static gboolean
look_at (Entry *entry)
{
  struct stat st;

  entry->fd = open (entry->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  if (entry->fd < 0 && errno == ELOOP)
    return (entry->target = g_file_read_link (entry->path, NULL)) != NULL;
  if (entry->fd < 0)
    return errno == EACCES && lstat (entry->path, &st) == 0 && S_ISREG (st.st_mode);
  if (fstat (entry->fd, &st) < 0)
    return FALSE;
  entry->mode = st.st_mode;
  entry->is_folder = S_ISDIR (st.st_mode);
  if (entry->is_folder)
    oc_fd_clear (&entry->fd);
  return entry->is_folder || (S_ISREG (st.st_mode) && st.st_size <= SMALL_BYTES);
}

/* The tree at @root, each folder before what is in it; NULL: bind it. */
static GPtrArray *
list_small_tree (const char *root)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (entry_free);
  Entry *first = g_new0 (Entry, 1);
  guint end = 1;

  first->path = g_strdup (root);
  first->fd = -1;
  g_ptr_array_add (entries, first);
  for (guint i = 0, depth = 0; i < entries->len; i++)
    {
      Entry *entry = entries->pdata[i];

      if (i == end)
        {
          end = entries->len;
          depth++;
        }
      if (!look_at (entry)
          || (entry->is_folder
              && (depth > TREE_MAX_DEPTH || !list_folder (entry->path, entries))))
        return NULL;
    }
  return first->is_folder ? g_steal_pointer (&entries) : NULL;
}

void
oc_sandbox_show_tree (OcSandboxArgs *args, const char *path)
{
  g_autoptr (GPtrArray) entries = list_small_tree (path);

  if (entries == NULL)
    oc_sandbox_args_add (args, "--ro-bind", path, path, NULL);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    add_entry (args, entries->pdata[i]);
}
