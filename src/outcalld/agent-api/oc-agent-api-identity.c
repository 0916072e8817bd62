/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The peer is the process that connected. Where the kernel gives a pidfd for it
 * (Linux 6.5), its number is read from that when it connects, and the pidfd is asked
 * again after /proc was read and with each request, so no reuse of the number can
 * borrow another identity; a process that has ended, so that there is no pidfd, is nobody.
 * On older kernels the number from SO_PEERCRED is pinned from here on; what is left is a
 * process that connects, ends, and whose number is given to another workload's process
 * before this is read.
 */
#include "config.h"

#include "agent-api/oc-agent-api-private.h"

#include "common/oc-fd.h"
#include "common/oc-process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The pid behind @pidfd in the daemon's pid namespace, 0 when it is none. */
static pid_t
read_pid (int pidfd)
{
  char path[40];
  char text[512];
  const char *line;
  guint64 pid = 0;

  g_snprintf (path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  if (oc_process_read (AT_FDCWD, path, text, sizeof text) < 0)
    return 0;
  line = strstr (text, "\nPid:");
  if (line == NULL)
    return 0;
  line += strlen ("\nPid:");
  line += strspn (line, " \t");
  for (; g_ascii_isdigit (*line) && pid < G_MAXINT32; line++)
    pid = pid * 10 + (guint64) g_ascii_digit_value (*line);
  return *line == '\n' && pid <= G_MAXINT32 ? (pid_t) pid : 0;
}

guint64
oc_agent_read_netns (const OcApiPeer *peer)
{
  oc_autofd int own = -1;
  oc_autofd int dir = -1;
  int pidfd = peer->pidfd;
  pid_t pid = peer->pid;
  struct stat st;

  if (pidfd >= 0)
    pid = read_pid (pidfd);
  else if (pid > 0 && pidfd == OC_API_PEER_NO_PIDFD)
    pidfd = own = oc_pidfd_open (pid);
  if (pid <= 0 || pidfd < 0)
    return 0;
  dir = oc_process_open_dir (pid);
  if (dir < 0 || fstatat (dir, "ns/net", &st, 0) < 0 || !oc_pidfd_is_alive (pidfd))
    return 0;
  return st.st_ino;
}

/* Where the process was when it connected; it may have gone on to a namespace of its own
 * making, but not into another workload's. */
static guint64
get_netns (const OcApiPeer *peer)
{
  if (peer->key == 0 || peer->pidfd < 0)
    return oc_agent_read_netns (peer);
  return oc_pidfd_is_alive (peer->pidfd) ? peer->key : 0;
}

OcWorkload *
oc_agent_identify (OcWorkloads *workloads, const OcApiPeer *peer)
{
  guint64 inode = get_netns (peer);

  return inode != 0 ? oc_workloads_lookup_netns (workloads, inode) : NULL;
}
