/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Order matters: the pidfd is opened first and asked last. /proc/PID opened in
 * between is of the same process when the pidfd is still alive after, so no
 * reuse of the number can put another process' facts here.
 */
#include "config.h"

#include "workload/oc-workload-process.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-process.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

void
oc_sandbox_process_clear (OcSandboxProcess *process)
{
  oc_fd_clear (&process->pidfd);
  oc_fd_clear (&process->netns_fd);
}

static gboolean
same_file (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static gboolean
read_owner (OcSandboxProcess *process, GError **error)
{
  oc_autofd int userns = ioctl (process->netns_fd, NS_GET_USERNS);
  struct stat own;
  struct stat st;

  /* EPERM: it belongs to a user namespace above the daemon's. */
  if (userns < 0)
    return oc_throw_errno (error, "owner of the network namespace of process %d",
                           (int) process->pid);
  if (ioctl (userns, NS_GET_OWNER_UID, &process->netns_owner) < 0)
    return oc_throw_errno (error, "owner of the user namespace of process %d",
                           (int) process->pid);
  if (fstat (userns, &st) < 0 || stat ("/proc/self/ns/user", &own) < 0)
    return oc_throw_errno (error, "user namespace");
  process->is_own_userns = same_file (&st, &own);
  return TRUE;
}

static gboolean
read_netns (int dir_fd, OcSandboxProcess *process, GError **error)
{
  struct stat own;
  struct stat st;

  process->netns_fd = openat (dir_fd, "ns/net", O_RDONLY | O_CLOEXEC);
  if (process->netns_fd < 0)
    return oc_throw_errno (error, "network namespace of process %d", (int) process->pid);
  if (fstat (process->netns_fd, &st) < 0 || stat ("/proc/self/ns/net", &own) < 0)
    return oc_throw_errno (error, "network namespace");
  process->netns_inode = st.st_ino;
  process->is_own_netns = same_file (&st, &own);
  return read_owner (process, error);
}

/* /proc/PID/net/dev: two lines of head, then one for each interface. */
static gboolean
read_interfaces (int dir_fd, OcSandboxProcess *process, GError **error)
{
  char text[4096];
  const char *line = text;

  process->has_only_lo = FALSE;
  if (oc_process_read (dir_fd, "net/dev", text, sizeof text) < 0)
    return errno == EFBIG ? TRUE
                          : oc_throw_errno (error, "interfaces of process %d", (int) process->pid);
  for (guint i = 0; i < 2 && line != NULL; i++)
    {
      line = strchr (line, '\n');
      line = line != NULL ? line + 1 : NULL;
    }
  if (line == NULL)
    return oc_throw (error, "interfaces of process %d: malformed", (int) process->pid);
  line += strspn (line, " ");
  if (!g_str_has_prefix (line, "lo:"))
    return TRUE;
  line = strchr (line, '\n');
  process->has_only_lo = line != NULL && line[1] == '\0';
  return TRUE;
}

gboolean
oc_sandbox_process_open (pid_t pid, OcSandboxProcess *out, GError **error)
{
  oc_autofd int dir = -1;
  OcProcessFacts facts;

  out->pid = pid;
  if (pid <= 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "pid must be positive, got %d",
                          (int) pid);
  out->pidfd = oc_pidfd_open (pid);
  if (out->pidfd < 0 && errno == ESRCH)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "there is no process %d", (int) pid);
  if (out->pidfd < 0)
    return oc_throw_errno (error, "process %d", (int) pid);
  dir = oc_process_open_dir (pid);
  if (dir < 0 || !oc_process_read_facts (dir, &facts))
    return oc_throw_errno (error, "process %d", (int) pid);
  out->uid = facts.real_uid;
  out->start_ticks = facts.start_ticks;
  if (!read_netns (dir, out, error) || !read_interfaces (dir, out, error))
    return FALSE;
  if (!oc_pidfd_is_alive (out->pidfd))
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "process %d has ended", (int) pid);
  return TRUE;
}

gboolean
oc_sandbox_process_check_owner (const OcSandboxProcess *process, const OcPeer *peer,
                                GError **error)
{
  if (peer->uid != 0 && process->uid != peer->uid)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "process %d belongs to user %u, not to the caller (user %u)",
                          (int) process->pid, (unsigned) process->uid, (unsigned) peer->uid);
  if (process->is_own_netns)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "process %d is in the host's network namespace", (int) process->pid);
  if (peer->uid != 0 && (process->is_own_userns || process->netns_owner != peer->uid))
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "the network namespace of process %d was not made by user %u",
                          (int) process->pid, (unsigned) peer->uid);
  return TRUE;
}

gboolean
oc_sandbox_process_check_fresh (const OcSandboxProcess *process, GError **error)
{
  if (!process->has_only_lo)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "the network namespace of process %d is not fresh: it has interfaces "
                          "besides lo",
                          (int) process->pid);
  return TRUE;
}
