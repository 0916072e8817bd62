/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "run.h"

#include "oc-cli.h"

#include <string.h>

#define PIDS_MAX (4 * 1024 * 1024) /* the kernel's own */
#define CPUS_MAX 4096

gboolean
oc_run_parse_memory (const char *text, OcSandboxLimits *limits)
{
  guint64 bytes;

  if (!oc_cli_parse_size (text, &bytes) || bytes < OC_SANDBOX_MEMORY_MIN_BYTES)
    return FALSE;
  limits->memory_bytes = bytes;
  return TRUE;
}

gboolean
oc_run_parse_pids (const char *text, OcSandboxLimits *limits)
{
  return g_ascii_string_to_unsigned (text, 10, OC_SANDBOX_PIDS_MIN, PIDS_MAX, &limits->pids, NULL);
}

/* A number with at most two decimals: a hundredth is the smallest share. */
gboolean
oc_run_parse_cpus (const char *text, OcSandboxLimits *limits)
{
  gsize whole = strspn (text, "0123456789");
  gsize decimals = text[whole] == '.' ? strspn (text + whole + 1, "0123456789") : 0;
  guint32 percent = 0;

  if (whole == 0 || whole > 4 || decimals > 2 || (text[whole] == '.' && decimals == 0)
      || text[whole + (decimals > 0 ? decimals + 1 : 0)] != '\0')
    return FALSE;
  for (gsize i = 0; i < whole; i++)
    percent = percent * 10 + (guint32) (text[i] - '0');
  for (gsize i = 0; i < 2; i++)
    percent = percent * 10 + (i < decimals ? (guint32) (text[whole + 1 + i] - '0') : 0);
  if (percent == 0 || percent > CPUS_MAX * 100)
    return FALSE;
  limits->cpu_percent = percent;
  return TRUE;
}
