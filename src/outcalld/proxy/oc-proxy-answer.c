/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Answers of our own. Texts are short, bounded and cut to fit; bytes from the
 * request stand in JSON strings or in text, never in a header.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include <stdarg.h>

#define PATH_SHOWN_MAX 512
#define ALERT_ACCESS_DENIED 49

typedef struct
{
  gsize len;
  char data[8192];
} Text;

static void G_GNUC_PRINTF (2, 3)
add (Text *text, const char *format, ...)
{
  gsize room = sizeof text->data - text->len;
  va_list args;
  int n;

  va_start (args, format);
  n = g_vsnprintf (text->data + text->len, room, format, args);
  va_end (args);
  text->len += MIN ((gsize) MAX (n, 0), room - 1);
}

static void
add_byte (Text *text, char c)
{
  if (text->len + 1 < sizeof text->data)
    text->data[text->len++] = c;
}

/* RFC 8259 7; bytes over 127 are passed on only as valid UTF-8. */
static void
add_json (Text *text, const char *name, OcStr value)
{
  bool utf8 = value.len == 0 || g_utf8_validate_len (value.data, value.len, NULL);

  add (text, "%s\"%s\":\"", text->len > 1 ? "," : "", name);
  for (gsize i = 0; i < value.len; i++)
    {
      guchar c = (guchar) value.data[i];

      if (c == '"' || c == '\\')
        add (text, "\\%c", c);
      else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
        add (text, "\\u%04x", c);
      else
        add_byte (text, (char) c);
    }
  add_byte (text, '"');
}

/* For a header value: what is not printable ASCII becomes a space. */
static void
add_printable (Text *text, const char *value)
{
  for (gsize i = 0; value[i] != '\0' && i < 400; i++)
    add_byte (text, g_ascii_isprint (value[i]) ? value[i] : ' ');
}

static OcStr
cut (OcStr text)
{
  return oc_str (text.data, MIN (text.len, PATH_SHOWN_MAX));
}

static void
put (OcConn *conn, const char *data, gsize len)
{
  if (conn->to_client == NULL)
    conn->to_client = oc_worker_get_buffer (conn->worker);
  if (oc_buffer_make_room (conn->to_client) >= len)
    oc_buffer_append (conn->to_client, data, len);
}

/* Status line to empty line, then the body unless the request was HEAD. */
static void
put_answer (OcConn *conn, guint status, const Text *extra, const char *type, const Text *body,
            bool keep)
{
  Text head = { 0 };

  add (&head,
       "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
       "Cache-Control: no-store\r\n",
       status, oc_http_status_phrase (status), type, body->len);
  if (extra != NULL)
    add (&head, "%.*s", (int) extra->len, extra->data);
  if (!keep)
    add (&head, "Connection: close\r\n");
  else if (conn->x.client_minor == 0)
    add (&head, "Connection: keep-alive\r\n");
  add (&head, "\r\n");
  put (conn, head.data, head.len);
  if (!conn->x.to_head)
    put (conn, body->data, body->len);
}

static const char *
get_type (const OcConn *conn)
{
  return conn->x.accepts_json ? "application/json" : "text/plain; charset=utf-8";
}

static void
finish (OcConn *conn)
{
  oc_conn_drop_upstream (conn);
  oc_worker_put_buffer (conn->worker, &conn->from_client);
  conn->judged = false;
  conn->rule = NULL;
  conn->state = OC_CONN_FLUSH;
  oc_conn_arm (conn, conn->worker->shared->timeouts.head_ms);
}

/* --- Denials --------------------------------------------------------------------- */

static void
write_guidance (const OcDenial *denial, Text *out)
{
  add (out, "This request was blocked %s%s. Do not repeat it and do not look for a way around. ",
       denial->rule != NULL ? "by the rule " : "because no rule allows it",
       denial->rule != NULL ? denial->rule->id : "");
  if (denial->host.len > 0)
    add (out, "If it is needed, ask for access: outcall-agent request --host %.*s",
         OC_STR_ARGS (denial->host));
  else
    add (out, "Nothing can be asked for here.");
}

static void
write_json (const OcDenial *denial, const Text *guidance, Text *out)
{
  add (out, "{");
  add_json (out, "error", OC_STR ("blocked"));
  add_json (out, "layer", oc_str_from (denial->layer));
  add_json (out, "host", denial->host);
  add (out, ",\"port\":%u", denial->port);
  add_json (out, "method", cut (denial->method));
  add_json (out, "path", cut (denial->path));
  add_json (out, "rule", oc_str_from (denial->rule != NULL ? denial->rule->id : "default"));
  add_json (out, "reason", cut (oc_str_from (denial->reason)));
  add_json (out, "guidance", oc_str (guidance->data, guidance->len));
  add (out, "}\n");
}

static void
write_plain (const OcDenial *denial, const Text *guidance, Text *out)
{
  add (out, "Blocked by Outcall: %s\n", denial->reason);
  if (denial->host.len > 0)
    add (out, "Host: %.*s\nPort: %u\n", OC_STR_ARGS (denial->host), denial->port);
  if (denial->method.len > 0)
    {
      OcStr method = cut (denial->method);
      OcStr path = cut (denial->path);

      add (out, "Method: %.*s\nPath: %.*s\n", OC_STR_ARGS (method), OC_STR_ARGS (path));
    }
  add (out, "Rule: %s\n\n%.*s\n", denial->rule != NULL ? denial->rule->id : "default",
       (int) guidance->len, guidance->data);
}

void
oc_proxy_deny (OcConn *conn, const OcDenial *denial)
{
  bool keep = conn->x.client_keep && conn->x.req_done && !conn->is_tunnel_request;
  Text extra = { 0 };
  Text guidance = { 0 };
  Text body = { 0 };

  add (&extra, "X-Outcall-Block-Reason: ");
  add_printable (&extra, denial->reason);
  add (&extra, "\r\nX-Outcall-Rule: %s\r\nX-Proxy-Error: blocked-by-policy\r\n",
       denial->rule != NULL ? denial->rule->id : "default");
  write_guidance (denial, &guidance);
  (conn->x.accepts_json ? write_json : write_plain) (denial, &guidance, &body);
  put_answer (conn, 403, &extra, get_type (conn), &body, keep);
  if (!keep)
    {
      finish (conn);
      return;
    }
  /* The exchange goes on with our answer in the place of a server's. */
  conn->judged = false;
  conn->rule = NULL;
  conn->x.resp_head_done = conn->x.resp_started = conn->x.resp_done = true;
  conn->state = OC_CONN_EXCHANGE;
}

/* --- The others ---------------------------------------------------------------------- */

void
oc_proxy_answer_error (OcConn *conn, guint status, const char *reason)
{
  Text extra = { 0 };
  Text body = { 0 };

  if (status == 503)
    add (&extra, "Retry-After: 5\r\n");
  if (status == 403)
    add (&extra, "X-Outcall-Rule: default\r\nX-Proxy-Error: blocked-by-policy\r\n");
  if (conn->failure != NULL)
    add (&extra, "X-Outcall-Failure-Reason: %s\r\n", conn->failure);
  add (&extra, "X-Outcall-Error: ");
  add_printable (&extra, reason);
  add (&extra, "\r\n");
  if (conn->x.accepts_json)
    {
      add (&body, "{");
      add_json (&body, "error", oc_str_from (oc_http_status_phrase (status)));
      add_json (&body, "reason", oc_str_from (reason));
      add (&body, "}\n");
    }
  else
    add (&body, "Outcall: %s\n", reason);
  put_answer (conn, status, &extra, get_type (conn), &body, false);
  finish (conn);
}

void
oc_proxy_answer_health (OcConn *conn)
{
  Text body = { 0 };

  add (&body, "{\"status\":\"ok\"}\n");
  put_answer (conn, 200, NULL, "application/json", &body, false);
  finish (conn);
}

void
oc_proxy_answer_connected (OcConn *conn)
{
  static const char text[] = "HTTP/1.1 200 Connection established\r\n\r\n";

  put (conn, text, sizeof text - 1);
}

void
oc_proxy_alert (OcConn *conn)
{
  static const char alert[] = { 21, 3, 3, 0, 2, 2, ALERT_ACCESS_DENIED };

  put (conn, alert, sizeof alert);
  finish (conn);
}

void
oc_proxy_refuse (OcConn *conn, guint status, const char *reason)
{
  if (conn->mode == OC_MODE_TLS && !conn->inside)
    oc_proxy_alert (conn);
  else
    oc_proxy_answer_error (conn, status, reason);
}
