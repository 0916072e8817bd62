/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Any bytes as .outcall/agent.yaml: reading ends with what a sandbox can be given, or with
 * errors that have a place. */

#include "agent-file.h"

#include "policy/oc-policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_list (char **list)
{
  gsize n = 0;

  for (; list != NULL && list[n] != NULL; n++)
    if (*list[n] == '\0' || !g_utf8_validate (list[n], -1, NULL))
      abort ();
  if (list != NULL && (n == 0 || n > OC_AGENT_FILE_MAX_ITEMS))
    abort ();
}

static void
check_file (const OcAgentFile *file)
{
  check_list (file->command);
  check_list (file->binds);
  check_list (file->env);
  check_list (file->writable);
  for (char **env = file->env; env != NULL && *env != NULL; env++)
    if (**env == '=')
      abort ();
  for (char **name = file->writable; name != NULL && *name != NULL; name++)
    if (strcmp (*name, ".outcall") == 0 || !oc_sandbox_is_protected (*name))
      abort ();
  if ((file->limits.memory_bytes != 0 && file->limits.memory_bytes < OC_SANDBOX_MEMORY_MIN_BYTES)
      || (file->limits.pids != 0 && file->limits.pids < OC_SANDBOX_PIDS_MIN))
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OcAgentFile) file = NULL;

  if (size > OC_AGENT_FILE_MAX_BYTES)
    return 0;
  file = oc_agent_file_parse ("agent.yaml", (const char *) data, size, diagnostics);
  if ((file == NULL) != (diagnostics->len > 0))
    abort ();
  for (guint i = 0; i < diagnostics->len; i++)
    {
      g_autofree char *text = oc_diagnostic_format (diagnostics->pdata[i]);

      if (!g_str_has_prefix (text, "agent.yaml:") || !g_utf8_validate (text, -1, NULL))
        abort ();
    }
  if (file != NULL)
    check_file (file);
  return 0;
}
