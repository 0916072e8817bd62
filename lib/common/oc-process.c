/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-process.h"

#include "common/oc-fd.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

int
oc_pidfd_open (pid_t pid)
{
  return (int) syscall (SYS_pidfd_open, pid, 0);
}

int
oc_pidfd_send_signal (int pidfd, int sig)
{
  return (int) syscall (SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

bool
oc_pidfd_is_alive (int pidfd)
{
  struct pollfd p = { .fd = pidfd, .events = POLLIN };
  int n;

  do
    n = poll (&p, 1, 0);
  while (n < 0 && errno == EINTR);
  return n == 0;
}

int
oc_process_open_dir (pid_t pid)
{
  char path[32];

  (void) snprintf (path, sizeof path, "/proc/%d", (int) pid);
  return open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

ssize_t
oc_process_read (int dir_fd, const char *name, char *buf, size_t size)
{
  oc_autofd int fd = openat (dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  size_t used = 0;

  if (fd < 0)
    return -1;
  for (;;)
    {
      ssize_t n = read (fd, buf + used, size - used);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      used += (size_t) n;
      if (used == size)
        {
          errno = EFBIG;
          return -1;
        }
    }
  buf[used] = '\0';
  return (ssize_t) used;
}

/* A decimal number at *@at, which moves behind it. */
static bool
take_number (const char **at, uint64_t *out)
{
  const char *p = *at;
  uint64_t value = 0;

  while (*p == ' ' || *p == '\t')
    p++;
  if (!isdigit ((unsigned char) *p))
    return false;
  for (; isdigit ((unsigned char) *p); p++)
    {
      if (value > (UINT64_MAX - 9) / 10)
        return false;
      value = value * 10 + (uint64_t) (*p - '0');
    }
  *at = p;
  *out = value;
  return true;
}

/* Field @n of the stat line, counted as in proc(5). The command's name, field
 * 2, may hold spaces and parentheses, so fields are counted from the last one. */
static bool
get_stat_field (const char *stat, unsigned n, uint64_t *out)
{
  const char *p = strrchr (stat, ')');

  for (unsigned field = 2; p != NULL && field < n; field++)
    {
      p = strchr (p, ' ');
      if (p != NULL)
        p++;
    }
  return p != NULL && take_number (&p, out);
}

bool
oc_process_read_facts (int dir_fd, OcProcessFacts *out)
{
  char text[8192];
  const char *line;
  uint64_t parent;
  uint64_t uid;

  if (oc_process_read (dir_fd, "stat", text, sizeof text) < 0)
    return false;
  if (!get_stat_field (text, 4, &parent) || parent > INT_MAX
      || !get_stat_field (text, 22, &out->start_ticks))
    {
      errno = EBADMSG;
      return false;
    }
  if (oc_process_read (dir_fd, "status", text, sizeof text) < 0)
    return false;
  line = strstr (text, "\nUid:");
  if (line != NULL)
    line += strlen ("\nUid:");
  if (line == NULL || !take_number (&line, &uid) || uid > UINT32_MAX)
    {
      errno = EBADMSG;
      return false;
    }
  out->parent = (pid_t) parent;
  out->real_uid = (uid_t) uid;
  return true;
}

static bool
signal_child (pid_t parent, uint64_t child, int sig)
{
  oc_autofd int pidfd = -1;
  oc_autofd int dir = -1;
  OcProcessFacts facts;

  if (child == 0 || child > INT_MAX || (pidfd = oc_pidfd_open ((pid_t) child)) < 0
      || (dir = oc_process_open_dir ((pid_t) child)) < 0 || !oc_process_read_facts (dir, &facts)
      || facts.parent != parent)
    return false;
  return oc_pidfd_send_signal (pidfd, sig) == 0;
}

/* Kernels without CONFIG_PROC_CHILDREN: asks every process for its parent. */
static unsigned
signal_children_by_scan (pid_t pid, int sig)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;
  unsigned n = 0;

  if (proc == NULL)
    return 0;
  while ((entry = readdir (proc)) != NULL)
    {
      const char *at = entry->d_name;
      uint64_t child;

      if (take_number (&at, &child) && *at == '\0')
        n += signal_child (pid, child, sig);
    }
  (void) closedir (proc);
  return n;
}

unsigned
oc_process_signal_children (pid_t pid, int sig)
{
  oc_autofd int dir = oc_process_open_dir (pid);
  char name[48];
  char text[4096];
  const char *at = text;
  uint64_t child;
  unsigned n = 0;

  if (dir < 0)
    return 0;
  (void) snprintf (name, sizeof name, "task/%d/children", (int) pid);
  if (oc_process_read (dir, name, text, sizeof text) < 0)
    return signal_children_by_scan (pid, sig);
  while (take_number (&at, &child))
    n += signal_child (pid, child, sig);
  return n;
}
