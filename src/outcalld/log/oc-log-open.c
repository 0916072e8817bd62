/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Records whose end is told later: a request or a tunnel that was allowed. The
 * ring may have dropped such a record by then; its end still reaches the audit
 * file.
 */
#include "config.h"

#include "oc-log-private.h"

struct OcLogOpen
{
  GPtrArray *records; /* OcLogPacked or NULL, by ticket - 1 */
};

void
oc_log_packed_unref (OcLogPacked *packed)
{
  if (packed != NULL && --packed->refs == 0)
    g_free (packed);
}

OcLogOpen *
oc_log_open_new (void)
{
  OcLogOpen *open = g_new0 (OcLogOpen, 1);

  open->records = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_log_packed_unref);
  return open;
}

void
oc_log_open_free (OcLogOpen *open)
{
  g_ptr_array_unref (open->records);
  g_free (open);
}

static OcLogPacked *
replace (OcLogOpen *open, guint32 ticket, OcLogPacked *packed)
{
  OcLogPacked *old;

  if (ticket > open->records->len)
    g_ptr_array_set_size (open->records, (gint) ticket);
  old = g_steal_pointer (&g_ptr_array_index (open->records, ticket - 1));
  g_ptr_array_index (open->records, ticket - 1) = packed;
  return old;
}

void
oc_log_open_add (OcLogOpen *open, OcLogPacked *packed)
{
  packed->refs++;
  oc_log_packed_unref (replace (open, packed->ticket, packed));
}

OcLogPacked *
oc_log_open_end (OcLogOpen *open, const OcLogPacked *end)
{
  OcLogPacked *packed = replace (open, end->ticket, NULL);

  /* Another one when the beginning of this one was left out. */
  if (packed != NULL && packed->time_us != end->time_us)
    g_clear_pointer (&packed, oc_log_packed_unref);
  if (packed == NULL)
    return NULL;
  packed->ended = 1;
  packed->address = end->address;
  packed->bytes_up = end->bytes_up;
  packed->bytes_down = end->bytes_down;
  packed->duration_us = end->duration_us;
  return packed;
}
