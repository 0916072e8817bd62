/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The project is the one place where the command may write and that outlives it.
 * What programs on the host would later run or obey from there is read-only. A
 * name that is not there could be made, so an empty file or folder takes its
 * place while a sandbox runs; whoever runs the last one of the project removes
 * it. A folder above a protected name is made a mount point too, since otherwise
 * it could be renamed away. A link is never followed, and can neither be
 * protected: a mount goes to what it points at.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCK_TRIES 20
#define LOCK_PAUSE_US 50000

typedef enum
{
  AS_IT_IS,       /* protected where it exists */
  HELD_AS_FOLDER, /* and where not, by an empty folder; or the parent is, unless it is .git */
  HELD_AS_FILE,
} Hold;

/* Names of one folder stand together. */
static const struct
{
  const char *path;
  const char *parent; /* (nullable): is kept in its place */
  Hold hold;
} planted[] = {
  { ".git/commondir", ".git", HELD_AS_FILE },
  { ".git/config", ".git", AS_IT_IS },
  { ".git/config.worktree", ".git", AS_IT_IS },
  { ".git/hooks", ".git", HELD_AS_FOLDER },
  { ".git/modules", ".git", AS_IT_IS },
  { ".git/worktrees", ".git", AS_IT_IS },
  { ".github/workflows", ".github", HELD_AS_FOLDER },
  { ".bash_login", NULL, AS_IT_IS },
  { ".bash_logout", NULL, AS_IT_IS },
  { ".bash_profile", NULL, AS_IT_IS },
  { ".bashrc", NULL, AS_IT_IS },
  { ".claude", NULL, HELD_AS_FOLDER },
  { ".codex", NULL, HELD_AS_FOLDER },
  { ".cursor", NULL, HELD_AS_FOLDER },
  { ".devcontainer", NULL, HELD_AS_FOLDER },
  { ".devcontainer.json", NULL, AS_IT_IS },
  { ".direnv", NULL, AS_IT_IS },
  { ".envrc", NULL, HELD_AS_FILE },
  { ".exrc", NULL, AS_IT_IS },
  { ".gemini", NULL, HELD_AS_FOLDER },
  { ".husky", NULL, HELD_AS_FOLDER },
  { ".idea", NULL, HELD_AS_FOLDER },
  { ".mcp.json", NULL, HELD_AS_FILE },
  { ".nvim.lua", NULL, AS_IT_IS },
  { ".profile", NULL, AS_IT_IS },
  { ".vimrc", NULL, AS_IT_IS },
  { ".vscode", NULL, HELD_AS_FOLDER },
  { ".zed", NULL, HELD_AS_FOLDER },
  { ".zlogin", NULL, AS_IT_IS },
  { ".zprofile", NULL, AS_IT_IS },
  { ".zshenv", NULL, AS_IT_IS },
  { ".zshrc", NULL, AS_IT_IS },
};

/* What a file that only holds a name says: git refuses an empty commondir, and this one
 * tells it what it would think without. */
static const char *
get_placeholder (const char *path)
{
  return strcmp (path, ".git/commondir") == 0 ? ".\n" : "";
}

/* Opens @name below @dir without following any link on the way. */
static int
open_below (int dir, const char *name, int flags)
{
  struct open_how how = { .flags = (guint64) flags | O_CLOEXEC | O_NOFOLLOW,
                          .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

  return (int) syscall (SYS_openat2, dir, name, &how, sizeof how);
}

static gboolean
is_plain (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && (S_ISDIR (st.st_mode) || S_ISREG (st.st_mode));
}

/* By --writable, or because something else is shown in its place. */
static gboolean
is_given_up (const OcSandboxPlan *plan, const char *name)
{
  g_autofree char *path = g_build_filename (plan->project, name, NULL);

  if (plan->writable != NULL && g_strv_contains (plan->writable, name))
    return TRUE;
  for (guint i = 0; plan->binds != NULL && i < plan->binds->len; i++)
    if (strcmp (((OcSandboxBind *) plan->binds->pdata[i])->destination, path) == 0)
      return TRUE;
  return FALSE;
}

gboolean
oc_sandbox_is_protected (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (planted); i++)
    if (strcmp (planted[i].path, name) == 0)
      return TRUE;
  return strcmp (name, ".git") == 0;
}

/* --- Holding names ------------------------------------------------------------- */

static int
open_parent (const OcSandboxPlan *plan, guint i)
{
  return open_below (plan->project_fd, planted[i].parent != NULL ? planted[i].parent : ".",
                     O_PATH | O_DIRECTORY);
}

static const char *
get_base (guint i)
{
  const char *slash = strrchr (planted[i].path, '/');

  return slash != NULL ? slash + 1 : planted[i].path;
}

static int
make_file (int dir, const char *name, const char *text)
{
  oc_autofd int fd
      = openat (dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

  /* Its mode tells it from a file of the user's. */
  if (fd < 0 || fchmod (fd, 0444) < 0)
    return -1;
  return write (fd, text, strlen (text)) == (ssize_t) strlen (text) ? 0 : -1;
}

static gboolean
hold_name (const OcSandboxPlan *plan, guint i)
{
  oc_autofd int dir = open_parent (plan, i);

  if (dir < 0)
    return errno == ENOENT && strcmp (planted[i].parent, ".git") != 0
           && mkdirat (plan->project_fd, planted[i].parent, 0755) == 0;
  if (planted[i].hold == HELD_AS_FOLDER)
    return mkdirat (dir, get_base (i), 0755) == 0;
  return make_file (dir, get_base (i), get_placeholder (planted[i].path)) == 0;
}

/* What cannot be written to by us can neither be by the command. No .git is no repository
 * (ENOENT), or one that is elsewhere (ENOTDIR). */
static gboolean
is_harmless (int err)
{
  return err == EEXIST || err == EROFS || err == EACCES || err == EPERM || err == ENOENT
         || err == ENOTDIR;
}

static gboolean
hold_names (OcSandboxPlan *plan, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (planted); i++)
    {
      oc_autofd int fd = -1;

      if (planted[i].hold == AS_IT_IS || is_given_up (plan, planted[i].path))
        continue;
      fd = open_below (plan->project_fd, planted[i].path, O_PATH);
      if (fd >= 0 || errno != ENOENT)
        continue;
      if (hold_name (plan, i))
        plan->held |= G_GUINT64_CONSTANT (1) << i;
      else if (!is_harmless (errno))
        return oc_throw_errno (error, "%s/%s", plan->project, planted[i].path);
    }
  return TRUE;
}

static void
release_name (const OcSandboxPlan *plan, guint i)
{
  oc_autofd int dir = open_parent (plan, i);
  struct stat st;

  if (dir < 0)
    return;
  /* Only an empty folder can be removed so. */
  if (planted[i].hold == HELD_AS_FOLDER)
    (void) unlinkat (dir, get_base (i), AT_REMOVEDIR);
  else if (fstatat (dir, get_base (i), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode)
           && (st.st_mode & 07777) == 0444 && st.st_uid == geteuid ()
           && st.st_size == (off_t) strlen (get_placeholder (planted[i].path)))
    (void) unlinkat (dir, get_base (i), 0);
  if (planted[i].parent != NULL && strcmp (planted[i].parent, ".git") != 0)
    (void) unlinkat (plan->project_fd, planted[i].parent, AT_REMOVEDIR);
}

/* All who run in a project share its lock; a name is only let go by who has it alone. */
static gboolean
lock_project (OcSandboxPlan *plan, GError **error)
{
  plan->lock_fd = open_below (plan->project_fd, ".", O_RDONLY | O_DIRECTORY);
  if (plan->lock_fd < 0)
    return errno == EACCES || oc_throw_errno (error, "%s", plan->project);
  for (guint i = 0; flock (plan->lock_fd, LOCK_SH | LOCK_NB) < 0; i++)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return oc_throw_errno (error, "lock %s", plan->project);
      if (i == LOCK_TRIES)
        return oc_throw (error, _("%s is locked by another program"), plan->project);
      g_usleep (LOCK_PAUSE_US);
    }
  return TRUE;
}

/* Always there, since one that the command makes would widen the next sandbox. */
static gboolean
make_settings (const OcSandboxPlan *plan, GError **error)
{
  struct stat st;

  if (fstatat (plan->project_fd, ".outcall", &st, AT_SYMLINK_NOFOLLOW) == 0)
    return S_ISDIR (st.st_mode)
           || oc_throw (error, _("%s/%s must be a folder of its own, not a link"), plan->project,
                        ".outcall");
  return mkdirat (plan->project_fd, ".outcall", 0755) == 0 || is_harmless (errno)
         || oc_throw_errno (error, "create %s/.outcall", plan->project);
}

static gboolean
exists (const OcSandboxPlan *plan, const char *name)
{
  struct stat st;

  return fstatat (plan->project_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean
oc_sandbox_prepare_project (OcSandboxPlan *plan, GError **error)
{
  G_STATIC_ASSERT (G_N_ELEMENTS (planted) <= 64);

  if (plan->project_fd < 0)
    return TRUE;
  plan->held = 0;
  plan->had_repository = exists (plan, ".git");
  return lock_project (plan, error) && make_settings (plan, error) && hold_names (plan, error);
}

void
oc_sandbox_tidy_project (OcSandboxPlan *plan)
{
  if (plan->lock_fd < 0)
    return;
  if (flock (plan->lock_fd, LOCK_EX | LOCK_NB) == 0)
    for (guint i = 0; i < G_N_ELEMENTS (planted); i++)
      if (planted[i].hold != AS_IT_IS)
        release_name (plan, i);
  oc_fd_clear (&plan->lock_fd);
}

gboolean
oc_sandbox_made_repository (const OcSandboxPlan *plan)
{
  return plan->project_fd >= 0 && !plan->had_repository && exists (plan, ".git");
}

/* --- Mounts ---------------------------------------------------------------------- */

/* Binds @name over itself. Returns: FALSE with errno. */
static gboolean
bind_below (OcSandboxArgs *args, const OcSandboxPlan *plan, const char *name, const char *how)
{
  int fd = open_below (plan->project_fd, name, O_PATH);
  g_autofree char *path = NULL;

  if (fd < 0)
    return FALSE;
  if (!is_plain (fd))
    {
      (void) close (fd);
      errno = ELOOP;
      return FALSE;
    }
  path = g_build_filename (plan->project, name, NULL);
  oc_sandbox_args_add (args, how, oc_sandbox_args_take_fd (args, fd), path, NULL);
  return TRUE;
}

/* A mount of its own, and cheaper than a read-only one of the folder just made. */
static void
cover_folder (OcSandboxArgs *args, const OcSandboxPlan *plan, const char *name)
{
  g_autofree char *path = g_build_filename (plan->project, name, NULL);

  oc_sandbox_args_add (args, "--size", "4096", "--perms", "0555", "--tmpfs", path, NULL);
}

static gboolean
protect (OcSandboxArgs *args, const OcSandboxPlan *plan, const char *name, const char *how,
         GError **error)
{
  if (is_given_up (plan, name) || bind_below (args, plan, name, how))
    return TRUE;
  if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
    return TRUE;
  if (errno == ELOOP)
    return oc_throw (error,
                     _("%s/%s is a link or no plain file and cannot be kept read-only; "
                       "'--writable %s' runs the command all the same"),
                     plan->project, name, name);
  return oc_throw_errno (error, "%s/%s", plan->project, name);
}

/* A repository that is elsewhere has a file that says where. */
static gboolean
protect_repository (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  struct stat st;
  gboolean is_file = fstatat (plan->project_fd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0
                     && S_ISREG (st.st_mode);

  return protect (args, plan, ".git", is_file ? "--ro-bind-fd" : "--bind-fd", error);
}

static gboolean
protect_all (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  const char *kept = ".git";

  if (!protect_repository (args, plan, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (planted); i++)
    {
      gboolean is_held = (plan->held & G_GUINT64_CONSTANT (1) << i) != 0;

      if (planted[i].parent != NULL && strcmp (planted[i].parent, kept) != 0)
        {
          kept = planted[i].parent;
          if (is_held && !exists (plan, planted[i].path))
            {
              cover_folder (args, plan, kept);
              continue;
            }
          if (!protect (args, plan, kept, "--bind-fd", error))
            return FALSE;
        }
      if (is_held && planted[i].hold == HELD_AS_FOLDER)
        cover_folder (args, plan, planted[i].path);
      else if (!protect (args, plan, planted[i].path, "--ro-bind-fd", error))
        return FALSE;
    }
  return bind_below (args, plan, ".outcall", "--ro-bind-fd") || is_harmless (errno)
         || oc_throw_errno (error, "%s/.outcall", plan->project);
}

gboolean
oc_sandbox_add_project (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  int fd;

  if (plan->project_fd < 0)
    {
      oc_sandbox_args_add (args, "--chdir", plan->home, NULL);
      return TRUE;
    }
  fd = fcntl (plan->project_fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    return oc_throw_errno (error, "%s", plan->project);
  oc_sandbox_args_add (args, "--bind-fd", oc_sandbox_args_take_fd (args, fd), plan->project, NULL);
  if (!oc_sandbox_add_binds (args, plan, TRUE, error) || !protect_all (args, plan, error))
    return FALSE;
  oc_sandbox_args_add (args, "--chdir", plan->project, NULL);
  return TRUE;
}
