/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Files that are there as a whole or not at all, also after a power cut. They
 * are named relative to an open directory, so nobody can swap a folder on the
 * way. Any thread; they wait for the disk.
 */

#include <gio/gio.h>
#include <sys/types.h>

/* Writes all of it, in as many calls as it takes. Returns: FALSE with errno */
gboolean oc_file_write_all (int fd, const char *data, gsize len);
/* Reads until the end or @size bytes. Returns: FALSE with errno */
gboolean oc_file_read_all (int fd, char *data, gsize size, gsize *out_len);
/* Whether @fd is a plain file that only root or this user may read or write (0600 at most).
 * @path: for @error */
gboolean oc_file_check_private (int fd, const char *path, GError **error);

/* Puts @data in the place of the file @name: under the name ".@name.new" first (a
 * leftover of a killed process is removed), synced, renamed, directory synced. */
gboolean oc_file_replace (int dir_fd, const char *name, const char *data, gsize len, mode_t mode,
                          GError **error);

/* The same for what means nothing after a restart of the machine: another process sees the
 * old file or the new one, but the disk is not waited for; after a power cut the file may be
 * cut short. */
gboolean oc_file_replace_for_boot (int dir_fd, const char *name, const char *data, gsize len,
                                   mode_t mode, GError **error);

/* Removes @name and syncs the directory; a file that is not there is fine. */
gboolean oc_file_remove (int dir_fd, const char *name, GError **error);

/* The content of the regular file @name, not through a symbolic link, with a NUL
 * after it. @max_bytes: a larger one is an error. (transfer full) (nullable):
 * G_IO_ERROR_NOT_FOUND when there is none */
char *oc_file_read (int dir_fd, const char *name, gsize max_bytes, gsize *out_len,
                    GError **error);
