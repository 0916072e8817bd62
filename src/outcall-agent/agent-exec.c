/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The last step of `outcall run`, inside the sandbox: bubblewrap had to be
 * started with signals ignored (src/outcall/sandbox-run.c says why); here those
 * that were not ignored by the caller become the default again.
 */
#include "config.h"

#include "oc-agent.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static bool
parse_mask (const char *text, uint64_t *out)
{
  uint64_t mask = 0;
  size_t len = strlen (text);

  if (len == 0 || len > 16 || strspn (text, "0123456789abcdef") != len)
    return false;
  for (; *text != '\0'; text++)
    mask = mask << 4 | (uint64_t) (*text <= '9' ? *text - '0' : *text - 'a' + 10);
  *out = mask;
  return true;
}

/* sandbox-exec MASK -- COMMAND… */
int
agent_cmd_sandbox_exec (int argc, char **argv)
{
  uint64_t mask;
  int err;

  if (argc < 4 || !parse_mask (argv[1], &mask) || strcmp (argv[2], "--") != 0)
    return AGENT_EXIT_USAGE;
  for (int sig = 1; sig < 64; sig++)
    if (mask & (UINT64_C (1) << sig))
      (void) signal (sig, SIG_DFL);
  (void) execvp (argv[3], argv + 3);
  err = errno;
  agent_complain ("%s: %s", argv[3], strerror (err));
  /* As shells do it. */
  return err == ENOENT ? 127 : 126;
}
