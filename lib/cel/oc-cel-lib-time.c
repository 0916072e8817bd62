/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-time.h"

/* Looking up a zone may read a file. */
#define ZONE_STEPS 200
#define NANO G_GINT64_CONSTANT (1000000000)

/* The calendar of a timestamp in UTC. */
static OcCelCalendar
in_utc (OcCelValue timestamp)
{
  OcCelCalendar c;

  oc_cel_time_to_calendar (timestamp.i, &c);
  return c;
}

static gboolean
in_zone (OcCelScratch *e, const OcCelValue *args, OcCelCalendar *c, OcCelValue *out)
{
  gint32 offset;

  if (!oc_cel_charge (e, ZONE_STEPS))
    {
      *out = oc_cel_stopped (e);
      return FALSE;
    }
  if (!oc_cel_zone_get_offset (&e->zones, oc_cel_value_get_str (args[1]), args[0].i, &offset))
    {
      *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "no such time zone");
      return FALSE;
    }
  oc_cel_time_to_calendar (args[0].i + offset, c);
  return TRUE;
}

/* Each accessor in UTC and in a zone. */
#define DEFINE_ACCESSOR(name, expression)                                                          \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    OcCelCalendar c = in_utc (args[0]);                                                            \
    *out = oc_cel_int (expression);                                                                \
  }                                                                                                \
  static void name##_zone (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)               \
  {                                                                                                \
    OcCelCalendar c;                                                                               \
    if (in_zone (e, args, &c, out))                                                                   \
      *out = oc_cel_int (expression);                                                              \
  }
DEFINE_ACCESSOR (get_year, c.year)
DEFINE_ACCESSOR (get_month, c.month)
DEFINE_ACCESSOR (get_date, c.day + 1)
DEFINE_ACCESSOR (get_month_day, c.day)
DEFINE_ACCESSOR (get_week_day, c.week_day)
DEFINE_ACCESSOR (get_year_day, c.year_day)
DEFINE_ACCESSOR (get_hours, c.hour)
DEFINE_ACCESSOR (get_minutes, c.minute)
DEFINE_ACCESSOR (get_seconds, c.second)

static void
get_milliseconds (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int (args[0].aux / 1000000);
}

static void
get_milliseconds_zone (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelCalendar c;

  if (in_zone (e, args, &c, out))
    get_milliseconds (e, args, out);
}

#define DEFINE_DURATION(name, expression)                                                          \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    *out = oc_cel_int (expression);                                                                \
  }
DEFINE_DURATION (duration_hours, args[0].i / (3600 * NANO))
DEFINE_DURATION (duration_minutes, args[0].i / (60 * NANO))
DEFINE_DURATION (duration_seconds, args[0].i / NANO)
DEFINE_DURATION (duration_milliseconds, args[0].i % NANO / 1000000)

#define ACCESSOR(name, func)                                                                       \
  { name, "timestamp.() -> int", func }, { name, "timestamp.(string) -> int", func##_zone }

const OcCelDecl oc_cel_lib_time[] = {
  ACCESSOR ("getFullYear", get_year),
  ACCESSOR ("getMonth", get_month),
  ACCESSOR ("getDate", get_date),
  ACCESSOR ("getDayOfMonth", get_month_day),
  ACCESSOR ("getDayOfWeek", get_week_day),
  ACCESSOR ("getDayOfYear", get_year_day),
  ACCESSOR ("getHours", get_hours),
  ACCESSOR ("getMinutes", get_minutes),
  ACCESSOR ("getSeconds", get_seconds),
  ACCESSOR ("getMilliseconds", get_milliseconds),
  { "getHours", "duration.() -> int", duration_hours },
  { "getMinutes", "duration.() -> int", duration_minutes },
  { "getSeconds", "duration.() -> int", duration_seconds },
  { "getMilliseconds", "duration.() -> int", duration_milliseconds },
  { NULL, NULL, NULL },
};
