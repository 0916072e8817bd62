/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The arguments for bubblewrap. They are handed over in a memory file, not on
 * the command line, so that other users of the host cannot read variables'
 * values there. Later mounts cover earlier ones; so what protects comes last.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-protected.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
close_fd (gpointer data)
{
  oc_fd_clear (data);
}

OcSandboxArgs *
oc_sandbox_args_new (void)
{
  OcSandboxArgs *args = g_new0 (OcSandboxArgs, 1);

  args->args = g_ptr_array_new_with_free_func (g_free);
  args->fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (args->fds, close_fd);
  return args;
}

void
oc_sandbox_args_free (OcSandboxArgs *args)
{
  if (args == NULL)
    return;
  g_ptr_array_unref (args->args);
  g_array_unref (args->fds);
  g_free (args);
}

void
oc_sandbox_args_add (OcSandboxArgs *args, ...)
{
  const char *arg;
  va_list list;

  va_start (list, args);
  while ((arg = va_arg (list, const char *)) != NULL)
    g_ptr_array_add (args->args, g_strdup (arg));
  va_end (list);
}

const char *
oc_sandbox_args_take_fd (OcSandboxArgs *args, int fd)
{
  g_array_append_val (args->fds, fd);
  g_snprintf (args->fd_text, sizeof args->fd_text, "%d", fd);
  return args->fd_text;
}

const char *
oc_sandbox_args_add_data (OcSandboxArgs *args, const char *name, const void *data, gsize len,
                          GError **error)
{
  oc_autofd int fd = memfd_create (name, MFD_CLOEXEC);

  if (fd < 0 || write (fd, data, len) != (ssize_t) len || lseek (fd, 0, SEEK_SET) != 0)
    return oc_throw_errno_null (error, "memory file");
  return oc_sandbox_args_take_fd (args, oc_fd_steal (&fd));
}

static void
add_namespaces (OcSandboxArgs *args, const OcSandboxPlan *plan)
{
  oc_sandbox_args_add (args, "--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc",
                       "--unshare-uts", "--unshare-cgroup-try", "--hostname", "outcall",
                       "--die-with-parent", "--cap-drop", "ALL", NULL);
  /* Inside, root still is the host's root to the kernel, with less around it
   * than a user namespace of its own making would give. */
  if (plan->is_root)
    oc_sandbox_args_add (args, "--disable-userns", NULL);
}

gboolean
oc_sandbox_add_binds (OcSandboxArgs *args, const OcSandboxPlan *plan, gboolean in_project,
                      GError **error)
{
  for (guint i = 0; plan->binds != NULL && i < plan->binds->len; i++)
    {
      const OcSandboxBind *bind = plan->binds->pdata[i];
      gboolean is_below
          = plan->project_fd >= 0 && oc_path_is_under (bind->destination, plan->project);
      int fd;

      if (is_below != in_project)
        continue;
      fd = fcntl (bind->fd, F_DUPFD_CLOEXEC, 0);
      if (fd < 0)
        return oc_throw_errno (error, "%s", bind->destination);
      oc_sandbox_args_add (args, bind->read_only ? "--ro-bind-fd" : "--bind-fd",
                           oc_sandbox_args_take_fd (args, fd), bind->destination, NULL);
    }
  return TRUE;
}

/* The daemon makes a new socket when it starts again. Where the known path is a
 * link into a folder of the socket's own, the folder is shown, and the new
 * socket appears inside too. */
static void
add_agent_socket (OcSandboxArgs *args, const OcSandboxPlan *plan)
{
  g_autofree char *target = NULL;
  g_autofree char *socket = NULL;
  g_autofree char *dir = NULL;

  oc_sandbox_args_add (args, "--perms", "0755", "--dir", "/run/outcall", NULL);
  if (plan->agent_socket == NULL)
    return;
  target = g_file_read_link (plan->agent_socket, NULL);
  if (target == NULL)
    {
      oc_sandbox_args_add (args, "--ro-bind", plan->agent_socket, "/run/outcall/agent.sock", NULL);
      return;
    }
  dir = g_path_get_dirname (plan->agent_socket);
  socket = g_canonicalize_filename (target, dir);
  g_free (dir);
  dir = g_path_get_dirname (socket);
  g_free (target);
  target = g_path_get_basename (socket);
  g_free (socket);
  socket = g_build_filename ("agent", target, NULL);
  oc_sandbox_args_add (args, "--ro-bind", dir, "/run/outcall/agent", "--symlink", socket,
                       "/run/outcall/agent.sock", NULL);
}

static void
add_env (OcSandboxArgs *args, const OcSandboxPlan *plan)
{
  g_auto (GStrv) host_env = g_get_environ ();
  g_autoptr (GPtrArray) env = oc_sandbox_make_env (plan, host_env);

  oc_sandbox_args_add (args, "--clearenv", NULL);
  for (guint i = 0; i < env->len; i++)
    {
      const char *pair = env->pdata[i];
      const char *value = strchr (pair, '=');
      g_autofree char *name = g_strndup (pair, (gsize) (value - pair));

      oc_sandbox_args_add (args, "--setenv", name, value + 1, NULL);
    }
}

gboolean
oc_sandbox_build (const OcSandboxPlan *plan, OcSandboxArgs *args, GError **error)
{
  add_namespaces (args, plan);
  if (!oc_sandbox_add_system (args, plan, error) || !oc_sandbox_add_binds (args, plan, FALSE, error)
      || !oc_sandbox_add_project (args, plan, error) || !oc_sandbox_add_shim (args, plan, error))
    return FALSE;
  add_agent_socket (args, plan);
  /* The root itself, in which all mount points were made. */
  oc_sandbox_args_add (args, "--remount-ro", "/", NULL);
  add_env (args, plan);
  return oc_sandbox_add_seccomp (args, error);
}
