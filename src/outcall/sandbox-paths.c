/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-protected.h"
#include "outcall-api/constants.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>

/* Inside: what confines the command, or tells it where it is. */
static const char *const protected_destinations[] = {
  "/proc",      "/sys",      "/dev",   "/run/outcall", "/etc/resolv.conf", "/etc/nsswitch.conf",
  "/etc/hosts", "/etc/host.conf", OUTCALL_SHIM_PATH,
};

void
oc_sandbox_bind_free (OcSandboxBind *bind)
{
  if (bind == NULL)
    return;
  oc_fd_clear (&bind->fd);
  g_free (bind->source);
  g_free (bind->destination);
  g_free (bind);
}

gboolean
oc_sandbox_check_shown (const char *real, const char *const *more, GError **error)
{
  g_autofree char *why = oc_protected_find (real, more);

  if (why != NULL)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          _("%s cannot be shown to a sandbox: %s is protected"), real, why);
  return TRUE;
}

static gboolean
check_source (const char *real, const char *host_socket, GError **error)
{
  g_autofree char *resolved = realpath (host_socket, NULL);
  const char *socket = resolved != NULL ? resolved : host_socket;
  const char *const more[] = { socket, NULL };

  return oc_sandbox_check_shown (real, more, error);
}

/* Another name (a hard link, a bind mount) of the daemon's or an engine's socket. */
static gboolean
check_not_socket (int fd, const char *real, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return oc_throw_errno (error, "%s", real);
  if (S_ISSOCK (st.st_mode) || S_ISBLK (st.st_mode) || S_ISCHR (st.st_mode))
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          _("%s cannot be shown to a sandbox: only files and folders can"), real);
  return TRUE;
}

int
oc_sandbox_open_source (const char *path, const char *host_socket, char **out_real_path,
                        GError **error)
{
  oc_autofd int fd = open (path, O_PATH | O_CLOEXEC);
  g_autofree char *link = NULL;
  g_autofree char *real = NULL;

  if (fd < 0)
    return oc_throw_errno_fd (error, "%s", path);
  link = g_strdup_printf ("/proc/self/fd/%d", fd);
  real = g_file_read_link (link, error);
  if (real == NULL)
    return -1;
  if (*real != '/')
    {
      (void) oc_throw (error, _("%s has no path of its own"), path);
      return -1;
    }
  if (!check_source (real, host_socket, error) || !check_not_socket (fd, real, error))
    return -1;
  if (out_real_path != NULL)
    *out_real_path = g_steal_pointer (&real);
  return oc_fd_steal (&fd);
}

static gboolean
check_destination (const char *destination, GError **error)
{
  g_autofree char *canonical = g_canonicalize_filename (destination, "/");

  if (*destination != '/' || strcmp (canonical, destination) != 0 || strcmp (canonical, "/") == 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          _("'%s' is not a plain absolute path"), destination);
  for (guint i = 0; i < G_N_ELEMENTS (protected_destinations); i++)
    if (oc_path_is_under (canonical, protected_destinations[i])
        || oc_path_is_under (protected_destinations[i], canonical))
      return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                            _("%s cannot be replaced inside: %s is protected"), destination,
                            protected_destinations[i]);
  return TRUE;
}

/* What is named below the project's folder is there: an earlier sandbox may have put a link
 * in its place. */
static gboolean
check_not_led_out (const char *source, const char *real, GError **error)
{
  g_autofree char *logical = g_get_current_dir ();
  g_autofree char *folder = realpath (".", NULL);
  g_autofree char *named = g_canonicalize_filename (source, logical);

  if (folder == NULL)
    return oc_throw_errno (error, "%s", ".");
  if ((oc_path_is_under (named, logical) || oc_path_is_under (named, folder))
      && !oc_path_is_under (real, folder))
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          _("%s leads out of this folder by a link: name what it leads to"), source);
  return TRUE;
}

OcSandboxBind *
oc_sandbox_bind_parse (const char *spec, const char *host_socket, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (spec, ":", -1);
  guint n = g_strv_length (parts);
  gboolean read_only = n > 1 && strcmp (parts[n - 1], "ro") == 0;
  guint n_paths = read_only ? n - 1 : n;
  g_autofree char *source = NULL;
  g_autofree char *destination = NULL;
  g_autofree char *real = NULL;
  oc_autofd int fd = -1;
  OcSandboxBind *bind;

  if (n_paths == 0 || n_paths > 2 || *parts[0] == '\0')
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               _("'%s' is not SOURCE[:DESTINATION][:ro]"), spec);
  /* The shell leaves "~" alone in the middle of a word. */
  source = g_str_has_prefix (parts[0], "~/")
               ? g_build_filename (g_get_home_dir (), parts[0] + 2, NULL)
               : g_strdup (parts[0]);
  destination = g_strdup (n_paths == 2 ? parts[1] : NULL);
  if (destination == NULL)
    destination = g_canonicalize_filename (source, NULL);
  if (!check_destination (destination, error))
    return NULL;
  fd = oc_sandbox_open_source (source, host_socket, &real, error);
  if (fd < 0 || !check_not_led_out (source, real, error))
    return NULL;
  bind = g_new0 (OcSandboxBind, 1);
  bind->fd = oc_fd_steal (&fd);
  bind->source = g_steal_pointer (&real);
  bind->destination = g_steal_pointer (&destination);
  bind->read_only = read_only;
  return bind;
}
