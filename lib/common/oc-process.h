/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Processes held by what the kernel cannot mix up: a pidfd, and a /proc/PID
 * directory, which goes on meaning the process it was opened for even when the
 * number is given to another. libc only. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns: a close-on-exec pidfd, or -1 with errno (ESRCH: no such process). */
int oc_pidfd_open (pid_t pid);
/* Returns: 0, or -1 with errno. */
int oc_pidfd_send_signal (int pidfd, int sig);
/* FALSE once the process has ended, waited for or not. */
bool oc_pidfd_is_alive (int pidfd);

/* The directory /proc/PID. What is read through it is of @pid's process for
 * certain when a pidfd opened before is alive after. -1 with errno. */
int oc_process_open_dir (pid_t pid);
/* Reads a small file under @dir_fd as a NUL-terminated string.
 * Returns: its length, or -1 with errno (EFBIG: more than @size - 1 bytes). */
ssize_t oc_process_read (int dir_fd, const char *name, char *buf, size_t size);

typedef struct
{
  pid_t parent;
  uid_t real_uid;
  uint64_t start_ticks; /* since boot: with the pid it names one process */
} OcProcessFacts;
/* Returns: false with errno when they cannot be read. */
bool oc_process_read_facts (int dir_fd, OcProcessFacts *out);

/* Sends @sig to every direct child of @pid, each checked to be one.
 * Returns: how many got it. */
unsigned oc_process_signal_children (pid_t pid, int sig);
