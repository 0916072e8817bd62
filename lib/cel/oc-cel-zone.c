/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-zone.h"

#include <string.h>

void
oc_cel_zones_clear (OcCelZones *zones)
{
  for (guint i = 0; i < OC_CEL_ZONES_MAX; i++)
    g_clear_pointer (&zones->items[i].zone, g_time_zone_unref);
}

/* --- Fixed offsets: "+02:00", "-02:30", "02:00" -------------------------- */

/* Two digits below @end; -1 when they aren't. */
static int
read_two (const char *p, int end)
{
  int value;

  if (!g_ascii_isdigit (p[0]) || !g_ascii_isdigit (p[1]))
    return -1;
  value = (p[0] - '0') * 10 + (p[1] - '0');
  return value < end ? value : -1;
}

static gboolean
parse_fixed (OcStr zone, gint32 *out)
{
  gboolean sign = zone.len > 0 && (zone.data[0] == '-' || zone.data[0] == '+');
  const char *text = zone.data + sign;
  int hours, minutes;

  if (zone.len != 5u + sign || text[2] != ':')
    return FALSE;
  hours = read_two (text, 24);
  minutes = read_two (text + 3, 60);
  *out = (hours * 3600 + minutes * 60) * (zone.data[0] == '-' ? -1 : 1);
  return hours >= 0 && minutes >= 0;
}

/* --- Names --------------------------------------------------------------- */

/* GTimeZone opens a file of that name, so it must not lead elsewhere. */
static gboolean
is_zone_name (OcStr zone)
{
  if (zone.len == 0 || zone.len > OC_CEL_ZONE_NAME_MAX || !g_ascii_isalpha (zone.data[0]))
    return FALSE;
  for (gsize i = 0; i < zone.len; i++)
    if (!g_ascii_isalnum (zone.data[i]) && !(zone.data[i] && strchr ("_+-/", zone.data[i])))
      return FALSE;
  return TRUE;
}

/* Returns: (transfer none) (nullable) */
static GTimeZone *
lookup (const OcCelZones *zones, OcStr name)
{
  for (guint i = 0; i < OC_CEL_ZONES_MAX; i++)
    if (zones->items[i].zone && oc_str_equal (oc_str_from (zones->items[i].name), name))
      return zones->items[i].zone;
  return NULL;
}

static void
keep (OcCelZones *zones, const char *name, GTimeZone *zone)
{
  guint place = zones->next;

  zones->next = (place + 1) % OC_CEL_ZONES_MAX;
  g_clear_pointer (&zones->items[place].zone, g_time_zone_unref);
  g_strlcpy (zones->items[place].name, name, sizeof zones->items[place].name);
  zones->items[place].zone = g_time_zone_ref (zone);
}

/* Returns: (transfer full) (nullable): NULL when there is no such zone */
static GTimeZone *
find (OcCelZones *zones, OcStr zone)
{
  GTimeZone *known = zones ? lookup (zones, zone) : NULL;
  char name[OC_CEL_ZONE_NAME_MAX + 1];

  if (known)
    return g_time_zone_ref (known);
  if (!is_zone_name (zone))
    return NULL;
  memcpy (name, zone.data, zone.len);
  name[zone.len] = '\0';
  known = g_time_zone_new_identifier (name);
  if (known && zones)
    keep (zones, name, known);
  return known;
}

gboolean
oc_cel_zone_get_offset (OcCelZones *zones, OcStr zone, gint64 seconds, gint32 *out)
{
  g_autoptr (GTimeZone) tz = NULL;
  int interval;

  *out = 0;
  if (oc_str_equal (zone, OC_STR ("UTC")) || parse_fixed (zone, out))
    return TRUE;
  tz = find (zones, zone);
  if (!tz)
    return FALSE;
  interval = g_time_zone_find_interval (tz, G_TIME_TYPE_UNIVERSAL, seconds);
  *out = interval < 0 ? 0 : g_time_zone_get_offset (tz, interval);
  return TRUE;
}
