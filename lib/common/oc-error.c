/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-error.h"

#include <errno.h>

static void G_GNUC_PRINTF (4, 0)
throw_valist (GError **error, int code, int errnum, const char *format, va_list args)
{
  g_autofree char *text = NULL;

  if (error == NULL)
    return;
  text = g_strdup_vprintf (format, args);
  if (errnum != 0)
    g_set_error (error, G_IO_ERROR, code, "%s: %s", text, g_strerror (errnum));
  else
    g_set_error_literal (error, G_IO_ERROR, code, text);
}

gboolean
oc_throw (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  throw_valist (error, G_IO_ERROR_FAILED, 0, format, args);
  va_end (args);
  return FALSE;
}

gboolean
oc_throw_code (GError **error, int code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  throw_valist (error, code, 0, format, args);
  va_end (args);
  return FALSE;
}

gboolean
oc_throw_errno (GError **error, const char *format, ...)
{
  int saved = errno;
  va_list args;

  va_start (args, format);
  throw_valist (error, (int) g_io_error_from_errno (saved), saved, format, args);
  va_end (args);
  return FALSE;
}

gboolean
oc_throw_errnum (GError **error, int err, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  throw_valist (error, (int) g_io_error_from_errno (err), err, format, args);
  va_end (args);
  return FALSE;
}

gboolean
oc_prefix (GError **error, const char *format, ...)
{
  if (error != NULL && *error != NULL)
    {
      g_autofree char *prefix = NULL;
      va_list args;

      va_start (args, format);
      prefix = g_strdup_vprintf (format, args);
      va_end (args);
      g_prefix_error (error, "%s: ", prefix);
    }
  return FALSE;
}
