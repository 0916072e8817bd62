/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Time zones by name. Private to lib/cel. The zones that evaluations ask for are kept
 * with the scratch memory, so that only the first look-up on a thread reads a file.
 */

#include "common/oc-str.h"

#include <glib.h>

#define OC_CEL_ZONES_MAX 8
#define OC_CEL_ZONE_NAME_MAX 64

/* The zones used last; begins as zeros. One thread. */
typedef struct
{
  struct
  {
    char name[OC_CEL_ZONE_NAME_MAX + 1];
    GTimeZone *zone; /* (nullable): NULL is a free place */
  } items[OC_CEL_ZONES_MAX];
  guint next; /* the place that is given away next */
} OcCelZones;

void oc_cel_zones_clear (OcCelZones *zones);

/* Seconds to add to UTC at @seconds.
 * @zones: (nullable): nothing is kept
 * @zone: "UTC", "+02:00", "02:00", or an IANA name
 * Returns: FALSE when there is no such zone. */
gboolean oc_cel_zone_get_offset (OcCelZones *zones, OcStr zone, gint64 seconds, gint32 *out);
