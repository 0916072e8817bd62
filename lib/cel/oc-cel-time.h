/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Timestamps and durations: reading, writing, arithmetic, calendar. Private to
 * lib/cel. Any thread.
 */

#include "cel/oc-cel-value.h"

#define OC_CEL_TIME_MIN (-G_GINT64_CONSTANT (62135596800)) /* 0001-01-01T00:00:00Z */
#define OC_CEL_TIME_MAX G_GINT64_CONSTANT (253402300799)   /* 9999-12-31T23:59:59Z */
#define OC_CEL_TIME_TEXT_MAX 48

OcCelValue oc_cel_time_range_error (void);
/* A timestamp, or an error when it is out of range. */
OcCelValue oc_cel_time_make (gint64 seconds, guint32 nanoseconds);
OcCelValue oc_cel_time_add (OcCelValue timestamp, gint64 nanoseconds, gboolean subtract);
OcCelValue oc_cel_time_difference (OcCelValue a, OcCelValue b);

/* RFC 3339: "2009-02-13T23:31:30.5Z", "…+01:00". Returns: a timestamp or an error */
OcCelValue oc_cel_time_parse (OcStr text);
/* "1h30m", "-1.5s", "10ms". Returns: a duration or an error */
OcCelValue oc_cel_duration_parse (OcStr text);
/* @buf: OC_CEL_TIME_TEXT_MAX bytes. Returns: the length of the text */
gsize oc_cel_time_format (OcCelValue timestamp, char *buf);
gsize oc_cel_duration_format (OcCelValue duration, char *buf);

typedef struct
{
  gint64 year;
  int month;       /* 0–11 */
  int day;         /* 0–30 */
  int week_day;    /* 0: Sunday */
  int year_day;    /* 0–365 */
  int hour, minute, second;
} OcCelCalendar;

void oc_cel_time_to_calendar (gint64 seconds, OcCelCalendar *out);
