/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* File descriptors that close themselves. libc only, so that the static shim
 * can use it. Any thread.
 */

#include <errno.h>
#include <unistd.h>

static inline int
oc_fd_steal (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

/* Closes *@fd if it is open and keeps errno. close() is never repeated on
 * EINTR: Linux has closed the descriptor by then.
 */
static inline void
oc_fd_clear (int *fd)
{
  int saved = errno;
  int stolen = oc_fd_steal (fd);

  if (stolen >= 0)
    (void) close (stolen);
  errno = saved;
}

/* A local int that is closed when it goes out of scope; initialise it to -1. */
#define oc_autofd __attribute__ ((cleanup (oc_fd_clear)))
