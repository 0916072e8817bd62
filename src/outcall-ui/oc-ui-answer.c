/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include <errno.h>
#include <outcall-api/outcall-api.h>

/* Who may ask what, in this order:
 *
 * 1. GET without a body, and POST below /api/ with a bounded one.
 * 2. Host is 127.0.0.1 or localhost with our port: a name that an attacker lets
 *    point to 127.0.0.1 (DNS rebinding) is refused, static files included.
 * 3. Origin, when there is one, is ours. A POST has one, as browsers send it with
 *    each, and carries JSON, which no form can.
 * 4. Below /api/: X-Outcall-Token is the token. Other users of the machine reach
 *    the port but do not know it, and pages elsewhere cannot send the header.
 */

#define RESOURCE_ROOT "/org/outcall/ui"

/* Everything that the browser is asked to enforce. Texts of the API are only ever
 * set as text; trusted types make the browser refuse any other way. */
static const char security_headers[]
    = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
      "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"
      "X-Frame-Options: DENY\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Cross-Origin-Opener-Policy: same-origin\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n"
      "Cache-Control: no-store\r\n";

/* By the end of a file's name. What is not here is not served. */
static const struct
{
  const char *suffix;
  const char *content_type;
} types[] = {
  { ".html", "text/html; charset=utf-8" },
  { ".js", "text/javascript; charset=utf-8" },
  { ".css", "text/css; charset=utf-8" },
  { ".svg", "image/svg+xml" },
  { ".json", "application/json" },
};

void
oc_ui_answer_clear (OcUiAnswer *answer)
{
  g_clear_pointer (&answer->body, g_bytes_unref);
}

void
oc_ui_answer_refuse (OcUiAnswer *out, guint status, const char *why)
{
  g_autoptr (OutcallApiResponse) response = outcall_api_response_new ();
  g_autoptr (JsonNode) node = NULL;
  char *text;

  response->error = g_strdup (why);
  node = outcall_api_response_to_json (response);
  text = outcall_json_print (node);
  out->status = status;
  out->content_type = "application/json";
  out->body = g_bytes_new_take (text, strlen (text));
}

void
oc_ui_answer_refuse_errno (OcUi *ui, OcUiAnswer *out, int err)
{
  g_autofree char *why = NULL;

  if (err == EACCES)
    why = g_strdup_printf ("no permission to use %s; members of the group outcall have it",
                           ui->socket_path);
  else if (err == EMSGSIZE)
    why = g_strdup ("the answer of outcalld is too long to show");
  else
    why = g_strdup_printf ("cannot connect to outcalld at %s (%s); is it running?",
                           ui->socket_path, g_strerror (err));
  oc_ui_answer_refuse (out, 502, why);
}

static gboolean
is_one_of (OcStr value, char *const words[2])
{
  return oc_str_equal (value, oc_str_from (words[0])) || oc_str_equal (value, oc_str_from (words[1]));
}

static gboolean
is_post (const OcHttpHead *head)
{
  return oc_str_equal (head->method, OC_STR ("POST"));
}

static gboolean
is_api (const OcHttpHead *head)
{
  return oc_str_has_prefix (head->target, OC_STR ("/api/"));
}

static gboolean
has_good_origin (OcUi *ui, const OcHttpHead *head)
{
  gboolean found = FALSE;

  for (gsize i = 0; i < head->n_headers; i++)
    {
      if (!oc_str_equal_nocase (head->headers[i].name, OC_STR ("origin")))
        continue;
      if (!is_one_of (head->headers[i].value, ui->origin))
        return FALSE;
      found = TRUE;
    }
  return found || !is_post (head);
}

static gboolean
has_json (const OcHttpHead *head)
{
  const OcHttpHeader *type = oc_http_head_get (head, OC_STR ("content-type"));

  return type && oc_str_equal_nocase (type->value, OC_STR ("application/json"));
}

/* Only one whose end is known before it begins, so that it can be refused unread. */
static gboolean
has_good_length (const OcHttpHead *head)
{
  guint64 max = is_post (head) && is_api (head) ? OC_UI_BODY_MAX : 0;

  return head->body == OC_HTTP_BODY_NONE
         || (head->body == OC_HTTP_BODY_LENGTH && head->content_length <= max);
}

static gboolean
has_token (OcUi *ui, const OcHttpHead *head)
{
  const OcHttpHeader *header = oc_http_head_get (head, OC_STR ("x-outcall-token"));

  return header && oc_ui_token_equal (ui->token, header->value);
}

/* Rules 1 to 3. Returns: FALSE with @out filled. */
static gboolean
admit (OcUi *ui, const OcHttpHead *head, OcUiAnswer *out)
{
  if (!has_good_length (head))
    oc_ui_answer_refuse (out, 413, "the body is too long or its length is unknown");
  else if (!oc_str_equal (head->method, OC_STR ("GET")) && !(is_post (head) && is_api (head)))
    oc_ui_answer_refuse (out, 405, "only GET is served, and POST below /api/");
  else if (!is_one_of (head->host, ui->host))
    oc_ui_answer_refuse (out, 403, "Host is not this server's loopback address");
  else if (!has_good_origin (ui, head))
    oc_ui_answer_refuse (out, 403, "Origin is not this server");
  else if (is_post (head) && !has_json (head))
    oc_ui_answer_refuse (out, 415, "the body must be application/json");
  else
    return TRUE;
  return FALSE;
}

static const char *
find_type (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (name, types[i].suffix))
      return types[i].content_type;
  return NULL;
}

static void
answer_file (OcStr target, OcUiAnswer *out)
{
  g_autofree char *name
      = target.len == 1 ? g_strdup ("/index.html") : g_strndup (target.data, target.len);
  g_autofree char *path = g_strconcat (RESOURCE_ROOT, name, NULL);

  out->content_type = find_type (name);
  /* An exact look-up among what is compiled in: dots and escapes mean nothing. */
  if (out->content_type)
    out->body = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  if (out->body)
    out->status = 200;
  else
    oc_ui_answer_refuse (out, 404, "there is nothing here");
}

static gboolean
is_stream (OcStr target)
{
  OcStr path = OC_STR ("/api/v1/events");

  return oc_str_equal (target, path) || oc_str_has_prefix (target, OC_STR ("/api/v1/events?"));
}

void
oc_ui_answer (OcUi *ui, const OcHttpHead *head, OcUiAnswer *out)
{
  *out = (OcUiAnswer) { .close = !head->keep_alive };
  if (!admit (ui, head, out))
    ;
  else if (!is_api (head))
    answer_file (head->target, out);
  else if (!has_token (ui, head))
    oc_ui_answer_refuse (out, 401, "X-Outcall-Token is missing or wrong");
  else
    out->step = !is_post (head) && is_stream (head->target) ? OC_UI_TO_DAEMON_STREAM
                                                            : OC_UI_TO_DAEMON;
  /* The body of what is refused is not read, so the connection cannot go on. */
  if (out->step == OC_UI_ANSWERED && head->body != OC_HTTP_BODY_NONE)
    out->close = TRUE;
}

const char *
oc_ui_security_headers (void)
{
  return security_headers;
}

GString *
oc_ui_answer_format (const OcUiAnswer *answer)
{
  gsize len = 0;
  const char *body = answer->body ? g_bytes_get_data (answer->body, &len) : NULL;
  GString *text = g_string_sized_new (len + 1024);

  g_string_append_printf (text,
                          "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT
                          "\r\nConnection: %s\r\n%s%s\r\n",
                          answer->status, oc_http_status_phrase (answer->status),
                          answer->content_type, len, answer->close ? "close" : "keep-alive",
                          answer->status == 405 ? "Allow: GET, POST\r\n" : "", security_headers);
  if (body)
    g_string_append_len (text, body, (gssize) len);
  return text;
}
