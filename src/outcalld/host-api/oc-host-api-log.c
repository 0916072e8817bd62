/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

/* --- Filters from the query ------------------------------------------------------------- */

/* "30m", "8h", "2d" back from now, or an RFC 3339 time. */
static gboolean
parse_since (const char *text, gint64 *out_us)
{
  static const struct
  {
    const char *unit;
    gint64 seconds;
  } units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  g_autoptr (GDateTime) moment = NULL;
  guint64 value;

  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_str_equal (text + digits, units[i].unit)
        && g_ascii_string_to_unsigned (number, 10, 0, 1000000000, &value, NULL))
      {
        *out_us = g_get_real_time () - (gint64) value * units[i].seconds * G_USEC_PER_SEC;
        return TRUE;
      }
  moment = g_date_time_new_from_iso8601 (text, NULL);
  if (moment == NULL)
    return FALSE;
  *out_us = g_date_time_to_unix (moment) * G_USEC_PER_SEC + g_date_time_get_microsecond (moment);
  return TRUE;
}

gboolean
oc_host_api_read_log_filter (OcApiRequest *request, OcLogFilter *out)
{
  const char *verdict = oc_api_request_get_query (request, "verdict");
  const char *since = oc_api_request_get_query (request, "since");
  const char *limit = oc_api_request_get_query (request, "limit");
  guint64 number = OC_HOST_API_LOG_LIMIT;

  *out = (OcLogFilter) { .agent = oc_api_request_get_query (request, "agent"),
                         .host = oc_api_request_get_query (request, "host"),
                         .rule = oc_api_request_get_query (request, "rule"),
                         .allowed = -1 };
  if (verdict != NULL)
    out->allowed = g_str_equal (verdict, "allowed") ? 1 : g_str_equal (verdict, "blocked") ? 0 : 2;
  if (out->allowed == 2)
    oc_api_request_fail (request, 400, NULL, "verdict must be allowed or blocked");
  else if (since != NULL && !parse_since (since, &out->since_us))
    oc_api_request_fail (request, 400, NULL, "since must be like 30m, 8h, 2d or an RFC 3339 time");
  else if (limit != NULL
           && !g_ascii_string_to_unsigned (limit, 10, 1, OC_LOG_RING_MAX, &number, NULL))
    oc_api_request_fail (request, 400, NULL, "limit must be 1 to %d", OC_LOG_RING_MAX);
  else
    {
      out->limit = (gsize) number;
      return TRUE;
    }
  return FALSE;
}

/* --- The log -------------------------------------------------------------------------------- */

static void
append_record (const OcLogRecord *record, gpointer user_data)
{
  GString *out = user_data;

  if (out->len > 1)
    g_string_append_c (out, ',');
  oc_log_record_append_json (record, out);
}

void
oc_host_api_get_log (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GString) out = NULL;
  const char *before = oc_api_request_get_query (request, "before");
  OcLogFilter filter;

  if (!oc_host_api_read_log_filter (request, &filter))
    return;
  if (before != NULL
      && !g_ascii_string_to_unsigned (before, 10, 1, G_MAXINT64, &filter.before, NULL))
    {
      oc_api_request_fail (request, 400, NULL, "before must be a sequence");
      return;
    }
  out = g_string_new ("[");
  oc_log_foreach (api->s.log, &filter, append_record, out);
  g_string_append_c (out, ']');
  oc_api_request_reply_json_text (request, 200, out->str);
}
