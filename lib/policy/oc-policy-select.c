/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-select.h"

#include "common/oc-fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

/* Reads up to one byte over the limit, so that the caller sees the excess of a
 * file that grew after fstat(). Returns: (nullable): NULL with errno */
static char *
read_all (int fd, gsize *out_len)
{
  g_autofree char *buffer = g_malloc (OC_POLICY_FILE_MAX_BYTES + 1);
  gsize len = 0;

  while (len <= OC_POLICY_FILE_MAX_BYTES)
    {
      ssize_t n = read (fd, buffer + len, OC_POLICY_FILE_MAX_BYTES + 1 - len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return NULL;
      if (n == 0)
        break;
      len += (gsize) n;
    }
  *out_len = len;
  return g_realloc (g_steal_pointer (&buffer), MAX (len, 1));
}

/* Whether the open file is one that we trust to be the operator's. */
static gboolean
check_file (int fd, const char *path, OcReport *report)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, path, "cannot be examined: %s",
                    g_strerror (errno));
  else if (!S_ISREG (st.st_mode))
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, path,
                    "is not a regular file; rule files must be");
  else if ((st.st_mode & S_IWOTH) != 0)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, path,
                    "is writable by everybody (mode %04o); run: chmod o-w %s",
                    (guint) st.st_mode & 07777, path);
  else if (st.st_size > OC_POLICY_FILE_MAX_BYTES)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, path, "is larger than %d bytes; split it",
                    OC_POLICY_FILE_MAX_BYTES);
  else
    return TRUE;
  return FALSE;
}

/* @text: (transfer full) */
static void
add_text (const char *path, char *text, gsize len, GPtrArray *files, OcReport *report)
{
  if (len > OC_POLICY_FILE_MAX_BYTES)
    {
      oc_report_path (report, OC_DIAGNOSTIC_ERROR, path, "is larger than %d bytes; split it",
                      OC_POLICY_FILE_MAX_BYTES);
      g_free (text);
      return;
    }
  g_ptr_array_add (files, oc_rule_file_new (path, text, len));
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
static void
open_and_add (int dir_fd, const char *name, const char *path, GPtrArray *files, OcReport *report)
{
  oc_autofd int fd = openat (dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  char *text;
  gsize len;

  if (fd < 0 && errno == ELOOP)
    {
      oc_report_path (report, OC_DIAGNOSTIC_ERROR, path,
                      "is a symbolic link; rule files must be regular files");
      return;
    }
  if (fd < 0)
    {
      oc_report_path (report, OC_DIAGNOSTIC_ERROR, path, "cannot be opened: %s",
                      g_strerror (errno));
      return;
    }
  if (!check_file (fd, path, report))
    return;
  text = read_all (fd, &len);
  if (text == NULL)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, path, "cannot be read: %s", g_strerror (errno));
  else
    add_text (path, text, len, files, report);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
is_rule_file_name (const char *name)
{
  return name[0] != '.' && (g_str_has_suffix (name, ".yaml") || g_str_has_suffix (name, ".yml"));
}

/* Returns: (transfer full) (nullable): NULL with errno */
static GPtrArray *
list_names (DIR *stream)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  struct dirent *entry;

  for (errno = 0; (entry = readdir (stream)) != NULL; errno = 0)
    if (is_rule_file_name (entry->d_name))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  if (errno != 0)
    return NULL;
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static void
select_names (const char *dir, int dir_fd, GPtrArray *names, GPtrArray *files, OcReport *report)
{
  if (names->len > OC_POLICY_FILES_MAX)
    {
      oc_report_path (report, OC_DIAGNOSTIC_ERROR, dir, "holds %u rule files; the limit is %d",
                      names->len, OC_POLICY_FILES_MAX);
      return;
    }
  if (names->len == 0)
    oc_report_path (report, OC_DIAGNOSTIC_WARNING, dir,
                    "holds no rule files (*.yaml, *.yml); everything is blocked");
  for (guint i = 0; i < names->len && !oc_report_is_full (report); i++)
    {
      const char *name = g_ptr_array_index (names, i);
      g_autofree char *path = g_build_filename (dir, name, NULL);

      open_and_add (dir_fd, name, path, files, report);
    }
}

/* Whoever can write to the directory can put a rule there. */
static gboolean
check_dir (const char *dir, int dir_fd, OcReport *report)
{
  struct stat st;

  if (fstat (dir_fd, &st) < 0)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, dir, "cannot be examined: %s", g_strerror (errno));
  else if ((st.st_mode & S_IWOTH) != 0)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, dir,
                    "is writable by everybody (mode %04o); run: chmod o-w %s",
                    (guint) st.st_mode & 07777, dir);
  else
    return TRUE;
  return FALSE;
}

void
oc_select_dir (const char *dir, GPtrArray *files, OcReport *report)
{
  g_autoptr (DIR) stream = opendir (dir);
  g_autoptr (GPtrArray) names = NULL;

  if (stream == NULL && errno == ENOENT)
    {
      oc_report_path (report, OC_DIAGNOSTIC_WARNING, dir,
                      "does not exist; the policy is empty and everything is blocked");
      return;
    }
  names = stream != NULL ? list_names (stream) : NULL;
  if (names == NULL)
    oc_report_path (report, OC_DIAGNOSTIC_ERROR, dir, "cannot be listed: %s", g_strerror (errno));
  else if (check_dir (dir, dirfd (stream), report))
    select_names (dir, dirfd (stream), names, files, report);
}

void
oc_select_path (const char *path, GPtrArray *files, OcReport *report)
{
  open_and_add (AT_FDCWD, path, path, files, report);
}

void
oc_select_source (const OcPolicySource *source, GPtrArray *files, OcReport *report)
{
  char *copy = g_malloc (source->len + 1);

  if (source->len > 0)
    memcpy (copy, source->text, source->len);
  copy[source->len] = '\0';
  add_text (source->name, copy, source->len, files, report);
}
