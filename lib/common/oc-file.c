/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-file.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

gboolean
oc_file_write_all (int fd, const char *data, gsize len)
{
  while (len > 0)
    {
      gssize n = write (fd, data, len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      len -= (gsize) n;
    }
  return TRUE;
}

gboolean
oc_file_read_all (int fd, char *data, gsize size, gsize *out_len)
{
  *out_len = 0;
  while (*out_len < size)
    {
      gssize n = read (fd, data + *out_len, size - *out_len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      if (n == 0)
        break;
      *out_len += (gsize) n;
    }
  return TRUE;
}

gboolean
oc_file_check_private (int fd, const char *path, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return oc_throw_errno (error, "%s", path);
  if (!S_ISREG (st.st_mode))
    return oc_throw (error, "%s is not a plain file", path);
  if (st.st_uid != 0 && st.st_uid != geteuid ())
    return oc_throw (error, "%s belongs to another user", path);
  if ((st.st_mode & 0177) != 0)
    return oc_throw (error, "%s can be used by others, its mode must be 0600", path);
  return TRUE;
}

static gboolean
replace (int dir_fd, const char *name, const char *data, gsize len, mode_t mode, gboolean synced,
         GError **error)
{
  g_autofree char *temporary = g_strdup_printf (".%s.new", name);
  oc_autofd int fd = -1;

  /* O_EXCL below then makes a file of our own. */
  (void) unlinkat (dir_fd, temporary, 0);
  fd = openat (dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return oc_throw_errno (error, "create %s", temporary);
  if (!oc_file_write_all (fd, data, len) || fchmod (fd, mode) < 0
      || (synced && fsync (fd) < 0) || renameat (dir_fd, temporary, dir_fd, name) < 0)
    {
      oc_throw_errno (error, "write %s", name);
      (void) unlinkat (dir_fd, temporary, 0);
      return FALSE;
    }
  if (synced && fsync (dir_fd) < 0)
    return oc_throw_errno (error, "sync the folder of %s", name);
  return TRUE;
}

gboolean
oc_file_replace (int dir_fd, const char *name, const char *data, gsize len, mode_t mode,
                 GError **error)
{
  return replace (dir_fd, name, data, len, mode, TRUE, error);
}

gboolean
oc_file_replace_for_boot (int dir_fd, const char *name, const char *data, gsize len, mode_t mode,
                          GError **error)
{
  return replace (dir_fd, name, data, len, mode, FALSE, error);
}

gboolean
oc_file_remove (int dir_fd, const char *name, GError **error)
{
  if (unlinkat (dir_fd, name, 0) < 0)
    return errno == ENOENT ? TRUE : oc_throw_errno (error, "remove %s", name);
  if (fsync (dir_fd) < 0)
    return oc_throw_errno (error, "sync the folder of %s", name);
  return TRUE;
}

char *
oc_file_read (int dir_fd, const char *name, gsize max_bytes, gsize *out_len, GError **error)
{
  /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
  oc_autofd int fd = openat (dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  g_autofree char *data = NULL;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0)
    return oc_throw_errno_null (error, "open %s", name);
  if (!S_ISREG (st.st_mode) || (guint64) st.st_size > max_bytes)
    return oc_throw_null (error, "%s is not a regular file of at most %" G_GSIZE_FORMAT " bytes",
                          name, max_bytes);
  data = g_malloc ((gsize) st.st_size + 1);
  if (!oc_file_read_all (fd, data, (gsize) st.st_size, out_len))
    return oc_throw_errno_null (error, "read %s", name);
  data[*out_len] = '\0';
  return g_steal_pointer (&data);
}
