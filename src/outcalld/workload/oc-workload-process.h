/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the kernel says about a process that asks to be a sandbox: whose it is,
 * and whose its network namespace is. */

#include "workload/oc-workload.h"

/* Both fds are closed by oc_sandbox_process_clear(). The namespace's is only
 * held while attaching: it would keep a dead sandbox's namespace alive. */
typedef struct
{
  int pidfd;
  int netns_fd;
  pid_t pid;
  uid_t uid;
  guint64 start_ticks;
  guint64 netns_inode;
  gboolean is_own_netns;    /* it is the daemon's */
  gboolean is_own_userns;   /* the netns belongs to the daemon's user namespace */
  uid_t netns_owner;        /* who made the user namespace that owns the netns */
  gboolean has_only_lo;
} OcSandboxProcess;

#define OC_SANDBOX_PROCESS_INIT { .pidfd = -1, .netns_fd = -1 }

/* Reads it all; the process was alive after the last read. @out is initialised
 * by OC_SANDBOX_PROCESS_INIT. G_IO_ERROR_NOT_FOUND: no such process. */
gboolean oc_sandbox_process_open (pid_t pid, OcSandboxProcess *out, GError **error);
void oc_sandbox_process_clear (OcSandboxProcess *process);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OcSandboxProcess, oc_sandbox_process_clear)

/* Whether @peer may make a sandbox of it; else G_IO_ERROR_PERMISSION_DENIED. */
gboolean oc_sandbox_process_check_owner (const OcSandboxProcess *process, const OcPeer *peer,
                                         GError **error);
/* G_IO_ERROR_INVALID_ARGUMENT for a network namespace that has another way out. */
gboolean oc_sandbox_process_check_fresh (const OcSandboxProcess *process, GError **error);
