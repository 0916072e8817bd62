/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

#include <time.h>

static const guint16 text_max[OC_LOG_N_TEXTS] = {
  [OC_LOG_TEXT_WORKLOAD] = OC_LOG_NAME_TEXT_MAX,  [OC_LOG_TEXT_AGENT] = OC_LOG_NAME_TEXT_MAX,
  [OC_LOG_TEXT_HOST] = OC_LOG_HOST_TEXT_MAX,      [OC_LOG_TEXT_METHOD] = OC_LOG_METHOD_TEXT_MAX,
  [OC_LOG_TEXT_PATH] = OC_LOG_PATH_TEXT_MAX,      [OC_LOG_TEXT_RULE] = OC_LOG_NAME_TEXT_MAX,
  [OC_LOG_TEXT_REASON] = OC_LOG_REASON_TEXT_MAX,  [OC_LOG_TEXT_SESSION] = OC_LOG_CALL_TEXT_MAX,
  [OC_LOG_TEXT_TOOL_USE] = OC_LOG_CALL_TEXT_MAX,
};

static void
collect_texts (const OcDecision *decision, OcStr texts[OC_LOG_N_TEXTS])
{
  texts[OC_LOG_TEXT_WORKLOAD] = decision->workload;
  texts[OC_LOG_TEXT_AGENT] = decision->agent;
  texts[OC_LOG_TEXT_HOST] = decision->host;
  texts[OC_LOG_TEXT_METHOD] = decision->method;
  texts[OC_LOG_TEXT_PATH] = decision->path;
  texts[OC_LOG_TEXT_RULE] = decision->rule;
  texts[OC_LOG_TEXT_REASON] = decision->reason;
  texts[OC_LOG_TEXT_SESSION] = decision->session;
  texts[OC_LOG_TEXT_TOOL_USE] = decision->tool_use;
  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    texts[i].len = MIN (texts[i].len, text_max[i]);
}

gsize
oc_log_packed_size (const OcDecision *decision)
{
  OcStr texts[OC_LOG_N_TEXTS];
  gsize size = sizeof (OcLogPacked);

  collect_texts (decision, texts);
  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    size += texts[i].len;
  return (size + 7) & ~(gsize) 7;
}

void
oc_log_pack (OcLogPacked *packed, gsize size, const OcDecision *decision)
{
  OcStr texts[OC_LOG_N_TEXTS];
  char *to = packed->text;

  collect_texts (decision, texts);
  packed->size = (guint32) size;
  packed->layer = (guint8) decision->layer;
  packed->allowed = decision->allowed ? 1 : 0;
  packed->cached = decision->cached ? 1 : 0;
  packed->ended = decision->ended ? 1 : 0;
  packed->port = decision->port;
  packed->time_us = decision->time_us != 0 ? decision->time_us : g_get_real_time ();
  packed->sequence = 0;
  packed->bytes_up = decision->bytes_up;
  packed->bytes_down = decision->bytes_down;
  packed->duration_us = decision->duration_us;
  packed->request = decision->request;
  packed->ticket = decision->ticket;
  packed->refs = 0;
  packed->address = decision->address;
  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    {
      packed->len[i] = (guint16) texts[i].len;
      if (texts[i].len == 0)
        continue;
      memcpy (to, texts[i].data, texts[i].len);
      to += texts[i].len;
    }
}

/* Length of the UTF-8 character at @text, 0 when there is none or it is one that
 * terminals act on: C1 controls, line separators, direction overrides. */
static gsize
printable_length (const char *text, gsize len)
{
  gunichar c = g_utf8_get_char_validated (text, (gssize) len);

  if (c == (gunichar) -1 || c == (gunichar) -2)
    return 0;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return 0;
    default:
      return (gsize) g_unichar_to_utf8 (c, NULL);
    }
}

/* Whether the octets of @word are plain ASCII from space to "~", or may seem not to be. */
static gboolean
is_plain_word (guint64 word)
{
  const guint64 high = G_GUINT64_CONSTANT (0x8080808080808080);

  /* Bit 7 of an octet is set, or will be by adding one to 0x7f, or comes by borrowing
   * where it is below the space; a carry or borrow from a neighbour only adds looks. */
  return ((word | (word + high / 0x80) | (word - high / 0x80 * 0x20)) & high) == 0;
}

/* How many octets at the start of @text need no look, eight at a time. Most texts need none. */
static gsize
count_plain (const char *text, gsize len)
{
  guint64 word;
  gsize i = 0;

  for (; i + 8 <= len; i += 8)
    {
      memcpy (&word, text + i, 8);
      if (!is_plain_word (word))
        return i;
    }
  if (i == len)
    return i;
  memset (&word, ' ', 8);
  memcpy (&word, text + i, len - i);
  return is_plain_word (word) ? len : i;
}

void
oc_log_clean_text (char *text, gsize len)
{
  gsize i = count_plain (text, len);

  while (i < len)
    {
      guint8 c = (guint8) text[i];
      gsize n = c >= 0x80 ? printable_length (text + i, len - i) : c >= 0x20 && c != 0x7f;

      if (n == 0)
        text[i++] = '?';
      else
        i += n;
    }
}

void
oc_log_packed_clean (OcLogPacked *packed)
{
  char *text = packed->text;
  gsize len = 0;

  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    len += packed->len[i];
  if (count_plain (text, len) == len)
    return;
  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    {
      oc_log_clean_text (text, packed->len[i]);
      text += packed->len[i];
    }
}

void
oc_log_unpack (const OcLogPacked *packed, OcLogRecord *out)
{
  OcStr texts[OC_LOG_N_TEXTS];
  const char *from = packed->text;

  for (guint i = 0; i < OC_LOG_N_TEXTS; i++)
    {
      texts[i] = oc_str (from, packed->len[i]);
      from += packed->len[i];
    }
  *out = (OcLogRecord) {
    .sequence = packed->sequence,
    .decision = {
      .time_us = packed->time_us,
      .layer = (OcLayer) packed->layer,
      .allowed = packed->allowed,
      .cached = packed->cached,
      .workload = texts[OC_LOG_TEXT_WORKLOAD],
      .agent = texts[OC_LOG_TEXT_AGENT],
      .host = texts[OC_LOG_TEXT_HOST],
      .address = packed->address,
      .port = packed->port,
      .method = texts[OC_LOG_TEXT_METHOD],
      .path = texts[OC_LOG_TEXT_PATH],
      .rule = texts[OC_LOG_TEXT_RULE],
      .reason = texts[OC_LOG_TEXT_REASON],
      .bytes_up = packed->bytes_up,
      .bytes_down = packed->bytes_down,
      .duration_us = packed->duration_us,
      .session = texts[OC_LOG_TEXT_SESSION],
      .tool_use = texts[OC_LOG_TEXT_TOOL_USE],
      .request = packed->request,
      .ticket = packed->ticket,
      .ended = packed->ended,
    },
  };
}

const char *
oc_layer_name (OcLayer layer)
{
  static const char *const names[] = {
    [OC_LAYER_DNS] = "dns",   [OC_LAYER_CONNECT] = "connect", [OC_LAYER_TLS] = "tls",
    [OC_LAYER_HTTP] = "http", [OC_LAYER_AGENT] = "agent",     [OC_LAYER_CONTAINER] = "container",
  };

  return (gsize) layer < G_N_ELEMENTS (names) ? names[layer] : "unknown";
}

/* The texts are UTF-8 without control characters; only what a string in JSON
 * cannot hold as it is remains to be escaped. */
static void
append_text (GString *out, const char *name, OcStr text)
{
  g_string_append_printf (out, ",\"%s\":\"", name);
  for (gsize i = 0; i < text.len; i++)
    {
      if (text.data[i] == '"' || text.data[i] == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, text.data[i]);
    }
  g_string_append_c (out, '"');
}

static void
append_optional_text (GString *out, const char *name, OcStr text)
{
  if (text.len != 0)
    append_text (out, name, text);
}

static void
append_number (GString *out, const char *name, guint64 value)
{
  g_string_append_printf (out, ",\"%s\":%" G_GUINT64_FORMAT, name, MIN (value, G_MAXINT64));
}

static void
append_time (GString *out, gint64 time_us)
{
  time_t seconds = (time_t) (time_us / G_USEC_PER_SEC);
  struct tm tm;

  if (gmtime_r (&seconds, &tm) == NULL)
    return;
  g_string_append_printf (out, ",\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"",
                          tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                          tm.tm_sec, (int) (time_us % G_USEC_PER_SEC));
}

void
oc_log_record_append_json (const OcLogRecord *record, GString *out)
{
  const OcDecision *d = &record->decision;
  char address[OC_ADDRESS_TEXT_MAX] = "";

  if (d->address.family != 0)
    oc_address_format (&d->address, address, sizeof address);
  g_string_append_printf (out, "{\"sequence\":%" G_GUINT64_FORMAT, record->sequence);
  append_time (out, d->time_us);
  g_string_append_printf (out, ",\"layer\":\"%s\",\"verdict\":\"%s\"", oc_layer_name (d->layer),
                          d->allowed ? "allowed" : "blocked");
  append_text (out, "workload", d->workload);
  append_text (out, "agent", d->agent);
  append_optional_text (out, "host", d->host);
  append_optional_text (out, "address", oc_str_from (address));
  if (d->port != 0)
    append_number (out, "port", d->port);
  append_optional_text (out, "method", d->method);
  append_optional_text (out, "path", d->path);
  append_optional_text (out, "rule", d->rule);
  append_optional_text (out, "reason", d->reason);
  append_number (out, "bytes_up", d->bytes_up);
  append_number (out, "bytes_down", d->bytes_down);
  append_number (out, "duration_us", (guint64) MAX (d->duration_us, 0));
  append_optional_text (out, "session_id", d->session);
  append_optional_text (out, "tool_use_id", d->tool_use);
  if (d->request != 0)
    g_string_append_printf (out, ",\"request\":\"%016" G_GINT64_MODIFIER "x\"", d->request);
  if (d->cached)
    g_string_append (out, ",\"cached\":true");
  if (d->ended)
    g_string_append (out, ",\"ended\":true");
  g_string_append_c (out, '}');
}

static void
append_dirty_text (GString *out, const char *name, const char *text)
{
  g_autofree char *clean = g_strdup (text);

  if (clean == NULL)
    return;
  oc_log_clean_text (clean, strlen (clean));
  append_text (out, name, oc_str_from (clean));
}

void
oc_log_change_append_json (const OcLogChange *change, GString *out)
{
  g_string_append (out, "{\"change\":true");
  append_time (out, g_get_real_time ());
  append_number (out, "uid", change->uid);
  append_number (out, "pid", (guint64) MAX (change->pid, 0));
  append_dirty_text (out, "action", change->action);
  append_dirty_text (out, "detail", change->detail);
  append_dirty_text (out, "error", change->error);
  g_string_append (out, "}\n");
}
