/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What of the host a container may see. The engine binds by path, so what is
 * checked here is the path with its links resolved, and that is what the engine is
 * told: a link that changes afterwards changes nothing.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-protected.h"
#include "outcall-api/constants.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN_MAX 4096
#define AGENT_SOCKET_NAME "agent.sock" /* of OUTCALL_DEFAULT_AGENT_SOCKET */

/* Inside: what confines the container, or tells it where it is. */
static const char *const our_destinations[] = {
  "/proc", "/sys", "/dev", "/run/outcall", "/etc/resolv.conf", "/etc/hosts", "/etc/hostname",
  "/etc/nsswitch.conf", "/etc/host.conf", OUTCALL_SHIM_PATH,
};

void
oc_container_bind_free (OcContainerBind *bind)
{
  if (bind == NULL)
    return;
  g_free (bind->source);
  g_free (bind->destination);
  g_free (bind);
}

static gboolean
check_path (const char *path, GError **error)
{
  if (strlen (path) >= PATH_LEN_MAX || !g_utf8_validate (path, -1, NULL) || strchr (path, '\\'))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "a bind's path is not usable");
  if (!oc_path_is_clean (path))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "'%s' is not a plain absolute path (no '..', no '//')", path);
  return TRUE;
}

static gboolean
check_destination (const char *destination, GError **error)
{
  if (!check_path (destination, error))
    return FALSE;
  if (strcmp (destination, "/") == 0)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "the whole file system of a container cannot be replaced");
  for (guint i = 0; i < G_N_ELEMENTS (our_destinations); i++)
    if (oc_path_is_under (destination, our_destinations[i])
        || oc_path_is_under (our_destinations[i], destination))
      return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                            "%s cannot be replaced in a container: %s is protected", destination,
                            our_destinations[i]);
  return TRUE;
}

/* (transfer full): the source with its links resolved */
static char *
resolve_source (const char *source, const char *const *protected_paths, GError **error)
{
  oc_autofd int fd = -1;
  char link[40];
  g_autofree char *real = NULL;
  g_autofree char *why = NULL;
  struct stat st;

  if (!check_path (source, error))
    return NULL;
  fd = open (source, O_PATH | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &st) < 0)
    return oc_throw_errno_null (error, "bind source %s", source);
  g_snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  real = g_file_read_link (link, error);
  if (real == NULL || !check_path (real, error))
    return NULL;
  why = oc_protected_find (source, protected_paths);
  if (why == NULL)
    why = oc_protected_find (real, protected_paths);
  if (why != NULL)
    return oc_throw_code_null (error, G_IO_ERROR_PERMISSION_DENIED,
                               "%s cannot be shown to a container: %s is protected", source, why);
  if (!S_ISREG (st.st_mode) && !S_ISDIR (st.st_mode))
    return oc_throw_code_null (error, G_IO_ERROR_PERMISSION_DENIED,
                               "%s cannot be shown to a container: only files and folders can",
                               source);
  return g_steal_pointer (&real);
}

OcContainerBind *
oc_container_bind_parse (const char *spec, const char *const *protected_paths, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (spec, ":", -1);
  guint n = g_strv_length (parts);
  g_autofree char *source = NULL;
  OcContainerBind *bind;

  if (n < 2 || n > 3)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "'%s' is not SOURCE:DESTINATION[:ro|rw]", spec);
  if (n == 3 && strcmp (parts[2], "ro") != 0 && strcmp (parts[2], "rw") != 0)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "'%s' is no option of a bind; there are ro and rw", parts[2]);
  if (!check_destination (parts[1], error))
    return NULL;
  source = resolve_source (parts[0], protected_paths, error);
  if (source == NULL)
    return NULL;
  bind = g_new0 (OcContainerBind, 1);
  bind->source = g_steal_pointer (&source);
  bind->destination = g_strdup (parts[1]);
  bind->read_only = n == 3 && strcmp (parts[2], "ro") == 0;
  return bind;
}

gboolean
oc_container_bind_is_owned (const OcContainerBind *bind, uid_t uid)
{
  struct stat st;

  return stat (bind->source, &st) == 0 && st.st_uid == uid;
}

/* --- What Outcall binds itself ------------------------------------------------------ */

OcContainerBind *
oc_container_bind_agent (const char *path, GError **error)
{
  g_autofree char *real = realpath (path, NULL);
  g_autofree char *folder = NULL;
  g_autofree char *base = NULL;
  OcContainerBind *bind;
  struct stat st;
  struct stat link;

  if (real == NULL || lstat (real, &st) < 0 || lstat (path, &link) < 0)
    return oc_throw_errno_null (error, "agent socket %s", path);
  if (!S_ISSOCK (st.st_mode))
    return oc_throw_null (error, "agent socket %s is not a socket", path);
  folder = g_path_get_dirname (real);
  base = g_path_get_basename (real);
  bind = g_new0 (OcContainerBind, 1);
  bind->read_only = TRUE;
  if (S_ISLNK (link.st_mode) && strcmp (base, AGENT_SOCKET_NAME) == 0)
    {
      bind->source = g_steal_pointer (&folder);
      bind->destination = g_path_get_dirname (OUTCALL_DEFAULT_AGENT_SOCKET);
    }
  else
    {
      bind->source = g_steal_pointer (&real);
      bind->destination = g_strdup (OUTCALL_DEFAULT_AGENT_SOCKET);
    }
  return bind;
}

/* Static: it must run in any image. @fd is of a regular file. */
static gboolean
is_static_program (int fd)
{
  Elf64_Ehdr head;

  if (pread (fd, &head, sizeof head, 0) != sizeof head
      || memcmp (head.e_ident, ELFMAG, SELFMAG) != 0
      || head.e_ident[EI_CLASS] != (sizeof (void *) == 8 ? ELFCLASS64 : ELFCLASS32)
      || head.e_phentsize != sizeof (Elf64_Phdr) || head.e_phnum > 64)
    return FALSE;
  for (guint i = 0; i < head.e_phnum; i++)
    {
      Elf64_Phdr segment;
      off_t at = (off_t) (head.e_phoff + i * sizeof segment);

      if (pread (fd, &segment, sizeof segment, at) != sizeof segment
          || segment.p_type == PT_INTERP)
        return FALSE;
    }
  return TRUE;
}

gboolean
oc_container_check_shim (const char *path, GError **error)
{
  oc_autofd int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0)
    return oc_throw_errno (error, "shim %s", path);
  if (!S_ISREG (st.st_mode) || (st.st_mode & 0111) == 0 || !is_static_program (fd))
    return oc_throw (error, "shim %s is not a static program", path);
  return TRUE;
}
