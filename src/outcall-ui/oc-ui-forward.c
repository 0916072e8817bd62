/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include "http1/oc-http1-client.h"

#include <errno.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OcHttpReply, oc_http_reply_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcHttpClient, oc_http_client_close)

/* Of the request only method, target and body go on, of the answer only status, body
 * and one of these types: a browser never gets something to render from the socket. */
static const char *
safe_content_type (const char *content_type)
{
  static const char *const types[] = { "application/json", "application/openmetrics-text" };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_prefix (content_type, types[i]))
      return types[i];
  return g_str_has_prefix (content_type, "text/plain") ? "text/plain; charset=utf-8" : NULL;
}

void
oc_ui_forward (OcUi *ui, const OcHttpHead *head, const char *body, OcUiAnswer *out)
{
  gboolean post = oc_str_equal (head->method, OC_STR ("POST"));
  gsize len = head->body == OC_HTTP_BODY_LENGTH ? (gsize) head->content_length : 0;
  g_autoptr (OcHttpClient) client = oc_http_client_connect (ui->socket_path,
                                                            OC_UI_DAEMON_TIMEOUT_MS);
  g_autofree char *path = g_strndup (head->target.data, head->target.len);
  g_auto (OcHttpReply) reply = { 0 };

  if (!client
      || oc_http_client_request (client, post ? "POST" : "GET", path, "Connection: close\r\n",
                                 post ? body : NULL, len, OC_UI_ANSWER_MAX,
                                 OC_UI_DAEMON_TIMEOUT_MS, &reply)
             < 0)
    {
      oc_ui_answer_refuse_errno (ui, out, errno);
      return;
    }
  out->content_type = safe_content_type (reply.content_type);
  if (!out->content_type)
    {
      oc_ui_answer_refuse (out, 502, "the answer of outcalld is not of a known type");
      return;
    }
  out->status = reply.status;
  out->body = g_bytes_new (reply.body, reply.body_len);
}
