/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-logging.h"

#include <glib.h>
#include <stdatomic.h>
#include <unistd.h>

/* GLib's levels grow with decreasing weight, so one comparison decides. */
static atomic_int lightest = G_LOG_LEVEL_INFO;

/* Verdicts and changes: a record of what happened, which the level, for what the daemon says
 * about itself, must not thin out. */
static gboolean
is_record (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_has_prefix (fields[i].key, "OUTCALL_"))
      return TRUE;
  return FALSE;
}

static GLogWriterOutput
write_message (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((int) (level & G_LOG_LEVEL_MASK) > atomic_load_explicit (&lightest, memory_order_relaxed)
      && !is_record (fields, n_fields))
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (STDERR_FILENO)
      && g_log_writer_journald (level, fields, n_fields, user_data) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_standard_streams (level, fields, n_fields, user_data);
}

void
oc_logging_init (void)
{
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (write_message, NULL, NULL);
}

void
oc_logging_set_level (const char *level)
{
  static const struct
  {
    const char *name;
    GLogLevelFlags lightest;
  } levels[] = {
    { "error", G_LOG_LEVEL_CRITICAL },
    { "warning", G_LOG_LEVEL_WARNING },
    { "info", G_LOG_LEVEL_INFO },
    { "debug", G_LOG_LEVEL_DEBUG },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (levels[i].name, level))
      atomic_store_explicit (&lightest, (int) levels[i].lightest, memory_order_relaxed);
}
