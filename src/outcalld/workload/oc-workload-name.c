/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "workload/oc-workload-name.h"

#include "workload/oc-workload.h"

#include "common/oc-error.h"

#include <string.h>

/* Room for "-" and any 32-bit number. */
#define STEM_MAX (OC_WORKLOAD_NAME_MAX - 11)

static gboolean
is_name_byte (char c)
{
  return g_ascii_isalnum (c) || c == '.' || c == '_' || c == '-';
}

gboolean
oc_workload_name_is_valid (const char *name)
{
  gsize len = strlen (name);

  if (len == 0 || len > OC_WORKLOAD_NAME_MAX || !g_ascii_isalnum (name[0]))
    return FALSE;
  for (gsize i = 1; i < len; i++)
    if (!is_name_byte (name[i]))
      return FALSE;
  return TRUE;
}

gboolean
oc_workload_name_refuse (GError **error)
{
  return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                        "a workload's name is 1-%d letters, digits, '.', '_', '-' and starts with "
                        "a letter or digit",
                        OC_WORKLOAD_NAME_MAX);
}

static char *
make_stem (const char *command)
{
  gsize end = strcspn (command, " \t\n");
  gsize start = end;
  GString *stem = g_string_new (NULL);

  while (start > 0 && command[start - 1] != '/')
    start--;
  /* A login shell's "-bash", a hidden ".tool": the first byte is a letter or digit. */
  while (start < end && !g_ascii_isalnum (command[start]))
    start++;
  for (gsize i = start; i < end && stem->len < STEM_MAX; i++)
    g_string_append_c (stem, is_name_byte (command[i]) ? command[i] : '-');
  if (stem->len == 0)
    g_string_assign (stem, "sandbox");
  return g_string_free (stem, FALSE);
}

char *
oc_workload_name_make (const char *command, OcNameTakenFunc taken, gpointer user_data)
{
  g_autofree char *stem = make_stem (command != NULL ? command : "");

  for (guint32 n = 1;; n++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%u", stem, n);

      if (!taken (name, user_data))
        return g_steal_pointer (&name);
    }
}
