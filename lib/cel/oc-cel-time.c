/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-time.h"
#include "cel/oc-cel-number.h"

#include <stdio.h>

#define NANO G_GINT64_CONSTANT (1000000000)
#define DAY 86400
/* Digits behind the point of a duration that count. */
#define FRACTION_DIGITS 15

OcCelValue
oc_cel_time_range_error (void)
{
  return oc_cel_error (OC_CEL_ERROR_RANGE, "time is out of range");
}

static OcCelValue
bad_text (const char *text)
{
  return oc_cel_error (OC_CEL_ERROR_ARGUMENT, text);
}

OcCelValue
oc_cel_time_make (gint64 seconds, guint32 nanoseconds)
{
  if (seconds < OC_CEL_TIME_MIN || seconds > OC_CEL_TIME_MAX)
    return oc_cel_time_range_error ();
  return oc_cel_timestamp (seconds, nanoseconds);
}

OcCelValue
oc_cel_time_add (OcCelValue timestamp, gint64 nanoseconds, gboolean subtract)
{
  gint64 seconds = nanoseconds / NANO;
  gint64 rest = nanoseconds % NANO;
  gint64 nanos = (gint64) timestamp.aux + (subtract ? -rest : rest);

  seconds = timestamp.i + (subtract ? -seconds : seconds);
  if (nanos < 0)
    {
      nanos += NANO;
      seconds--;
    }
  else if (nanos >= NANO)
    {
      nanos -= NANO;
      seconds++;
    }
  return oc_cel_time_make (seconds, (guint32) nanos);
}

OcCelValue
oc_cel_time_difference (OcCelValue a, OcCelValue b)
{
  gint64 result;

  if (__builtin_mul_overflow (a.i - b.i, NANO, &result)
      || __builtin_add_overflow (result, (gint64) a.aux - (gint64) b.aux, &result))
    return oc_cel_time_range_error ();
  return oc_cel_duration (result);
}

/* --- Calendar ------------------------------------------------------------ */

static gboolean
is_leap (gint64 year)
{
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_before_month (gint64 year, int month)
{
  static const int days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };

  return days[month] + (month > 1 && is_leap (year));
}

/* Days from 1970-01-01 to the first of January of @year, which is at least 1. */
static gint64
days_before_year (gint64 year)
{
  gint64 y = year - 1;

  return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

void
oc_cel_time_to_calendar (gint64 seconds, OcCelCalendar *out)
{
  gint64 days = seconds / DAY - (seconds % DAY < 0);
  int rest = (int) (seconds - days * DAY);
  gint64 year = 1970 + days / 365;

  while (days_before_year (year) > days)
    year -= MAX ((days_before_year (year) - days) / 366, 1);
  while (days_before_year (year + 1) <= days)
    year++;
  out->year = year;
  out->year_day = (int) (days - days_before_year (year));
  out->month = 0;
  while (days_before_month (year, out->month + 1) <= out->year_day)
    out->month++;
  out->day = out->year_day - days_before_month (year, out->month);
  out->week_day = (int) (((days + 4) % 7 + 7) % 7);
  out->hour = rest / 3600;
  out->minute = rest / 60 % 60;
  out->second = rest % 60;
}

/* --- Timestamps as text -------------------------------------------------- */

/* Exactly @n digits at *@pos. */
static gboolean
read_number (OcStr text, gsize *pos, guint n, int *out)
{
  *out = 0;
  if (text.len - *pos < n)
    return FALSE;
  for (guint i = 0; i < n; i++, ++*pos)
    {
      if (!g_ascii_isdigit (text.data[*pos]))
        return FALSE;
      *out = *out * 10 + (text.data[*pos] - '0');
    }
  return TRUE;
}

static gboolean
read_byte (OcStr text, gsize *pos, const char *any_of)
{
  if (*pos >= text.len || !text.data[*pos] || !strchr (any_of, text.data[*pos]))
    return FALSE;
  ++*pos;
  return TRUE;
}

/* An optional ".5" as nanoseconds; more than nine digits are read and dropped. */
static gboolean
read_fraction (OcStr text, gsize *pos, guint32 *out)
{
  guint32 unit = 100000000;
  gsize start;

  *out = 0;
  if (!read_byte (text, pos, "."))
    return TRUE;
  for (start = *pos; *pos < text.len && g_ascii_isdigit (text.data[*pos]); ++*pos, unit /= 10)
    *out += unit * (guint32) (text.data[*pos] - '0');
  return *pos > start;
}

/* "Z" or "+01:00" as seconds east. */
static gboolean
read_offset (OcStr text, gsize *pos, int *out)
{
  gboolean west = *pos < text.len && text.data[*pos] == '-';
  int hours, minutes;

  *out = 0;
  if (read_byte (text, pos, "Zz"))
    return TRUE;
  if (!read_byte (text, pos, "+-") || !read_number (text, pos, 2, &hours)
      || !read_byte (text, pos, ":") || !read_number (text, pos, 2, &minutes) || hours > 23
      || minutes > 59)
    return FALSE;
  *out = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return TRUE;
}

OcCelValue
oc_cel_time_parse (OcStr text)
{
  gsize pos = 0;
  int year, month, day, hour, minute, second, offset;
  guint32 nanos;
  gint64 days;

  if (!read_number (text, &pos, 4, &year) || !read_byte (text, &pos, "-")
      || !read_number (text, &pos, 2, &month) || !read_byte (text, &pos, "-")
      || !read_number (text, &pos, 2, &day) || !read_byte (text, &pos, "Tt")
      || !read_number (text, &pos, 2, &hour) || !read_byte (text, &pos, ":")
      || !read_number (text, &pos, 2, &minute) || !read_byte (text, &pos, ":")
      || !read_number (text, &pos, 2, &second) || !read_fraction (text, &pos, &nanos)
      || !read_offset (text, &pos, &offset) || pos != text.len)
    return bad_text ("timestamp is not as in 2009-02-13T23:31:30Z");
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 || day < 1
      || day > days_before_month (year, month) - days_before_month (year, month - 1))
    return bad_text ("timestamp has an impossible date or time");
  if (year < 1)
    return oc_cel_time_range_error ();
  days = days_before_year (year) + days_before_month (year, month - 1) + day - 1;
  return oc_cel_time_make (days * DAY + hour * 3600 + minute * 60 + second - offset, nanos);
}

/* ".5" without trailing zeros, or nothing. */
static gsize
format_fraction (guint32 nanos, char *buf)
{
  gsize len;

  buf[0] = '\0';
  if (nanos == 0)
    return 0;
  len = (gsize) snprintf (buf, 11, ".%09u", nanos);
  while (buf[len - 1] == '0')
    buf[--len] = '\0';
  return len;
}

gsize
oc_cel_time_format (OcCelValue timestamp, char *buf)
{
  OcCelCalendar c;
  char fraction[12];

  oc_cel_time_to_calendar (timestamp.i, &c);
  (void) format_fraction (timestamp.aux, fraction);
  return (gsize) snprintf (buf, OC_CEL_TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
                           (int) c.year, c.month + 1, c.day + 1, c.hour, c.minute, c.second,
                           fraction);
}

/* --- Durations as text --------------------------------------------------- */

static const struct
{
  OcStr name;
  gint64 nanoseconds;
} units[] = {
  { OC_STR_INIT ("ns"), 1 },
  { OC_STR_INIT ("us"), 1000 },
  { OC_STR_INIT ("\302\265s"), 1000 },
  { OC_STR_INIT ("\316\274s"), 1000 },
  { OC_STR_INIT ("ms"), 1000000 },
  { OC_STR_INIT ("s"), NANO },
  { OC_STR_INIT ("m"), 60 * NANO },
  { OC_STR_INIT ("h"), 3600 * NANO },
};

static gint64
read_unit (OcStr text, gsize *pos)
{
  OcStr rest = oc_str (text.data + *pos, text.len - *pos);

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (oc_str_has_prefix (rest, units[i].name))
      {
        *pos += units[i].name.len;
        return units[i].nanoseconds;
      }
  return 0;
}

/* One "1.5h", added to *@sum. Returns: FALSE when unreadable; *@overflow when too large. */
static gboolean
read_part (OcStr text, gsize *pos, gint64 *sum, gboolean *overflow)
{
  gsize start = *pos, end;
  guint64 whole = 0;
  guint64 fraction = 0;
  double scale = 1;
  gint64 unit, part, rest;

  while (*pos < text.len && g_ascii_isdigit (text.data[*pos]))
    ++*pos;
  end = *pos;
  if (read_byte (text, pos, "."))
    {
      gsize first = *pos;

      /* Further digits are below a nanosecond of an hour. */
      for (; *pos < text.len && g_ascii_isdigit (text.data[*pos]); ++*pos)
        if (*pos - first < FRACTION_DIGITS)
          {
            fraction = fraction * 10 + (guint64) (text.data[*pos] - '0');
            scale *= 10;
          }
      if (*pos == first && end == start)
        return FALSE;
    }
  else if (end == start)
    return FALSE;
  if (end > start
      && !oc_cel_number_parse_uint (oc_str (text.data + start, end - start), FALSE, &whole))
    *overflow = TRUE;
  unit = read_unit (text, pos);
  if (unit == 0)
    return FALSE;
  rest = (gint64) ((double) fraction * ((double) unit / scale));
  *overflow |= whole > G_MAXINT64 || __builtin_mul_overflow ((gint64) whole, unit, &part)
               || __builtin_add_overflow (part, rest, &part)
               || __builtin_add_overflow (*sum, part, sum);
  return TRUE;
}

OcCelValue
oc_cel_duration_parse (OcStr text)
{
  gsize pos = 0;
  gboolean negative = text.len > 0 && text.data[0] == '-';
  gboolean overflow = FALSE;
  gint64 sum = 0;

  (void) read_byte (text, &pos, "+-");
  if (text.len - pos == 1 && text.data[pos] == '0')
    return oc_cel_duration (0);
  if (pos == text.len)
    return bad_text ("duration is not as in 1h30m or 1.5s");
  while (pos < text.len)
    if (!read_part (text, &pos, &sum, &overflow))
      return bad_text ("duration is not as in 1h30m or 1.5s");
  return overflow ? oc_cel_time_range_error () : oc_cel_duration (negative ? -sum : sum);
}

gsize
oc_cel_duration_format (OcCelValue duration, char *buf)
{
  guint64 magnitude = duration.i < 0 ? -(guint64) duration.i : (guint64) duration.i;
  char fraction[12];

  (void) format_fraction ((guint32) (magnitude % (guint64) NANO), fraction);
  return (gsize) snprintf (buf, OC_CEL_TIME_TEXT_MAX, "%s%" G_GUINT64_FORMAT "%ss",
                           duration.i < 0 ? "-" : "", magnitude / (guint64) NANO, fraction);
}
