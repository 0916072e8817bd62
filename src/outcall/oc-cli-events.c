/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli.h"

#include "http1/oc-http1-client.h"
#include "outcall-api/outcall-api.h"

#include <errno.h>

#define CONNECT_TIMEOUT_MS 5000
#define EVENT_MAX (1024 * 1024) /* bytes of one line of the stream */

typedef struct
{
  OcCliEventFunc func;
  gpointer user_data;
  GString *line;
  char *event; /* (nullable): of the event being read */
} Reader;

/* Returns: FALSE when the caller has enough. */
static gboolean
take_line (Reader *reader)
{
  const char *line = reader->line->str;

  if (g_str_has_prefix (line, "event: "))
    {
      g_free (reader->event);
      reader->event = g_strdup (line + 7);
    }
  else if (g_str_has_prefix (line, "data: "))
    return reader->func (reader->event, line + 6, reader->line->len - 6, reader->user_data);
  else if (*line == '\0')
    g_clear_pointer (&reader->event, g_free);
  return TRUE;
}

static bool
on_stream_data (const char *data, size_t len, void *user_data)
{
  Reader *reader = user_data;

  for (size_t i = 0; i < len; i++)
    {
      if (data[i] != '\n')
        {
          if (reader->line->len < EVENT_MAX)
            g_string_append_c (reader->line, data[i]);
          continue;
        }
      if (!take_line (reader))
        return false;
      g_string_truncate (reader->line, 0);
    }
  return true;
}

/* Why @reader's stream ended; a refusal stands in its line, which had no end.
 * (transfer full) */
static char *
explain (OcCli *cli, Reader *reader, int status, int err)
{
  g_autoptr (GError) refusal = NULL;

  if (status == 200)
    return g_strdup (_("outcalld ended the stream"));
  if (status < 0)
    return oc_cli_connect_error (cli, err);
  (void) outcall_api_response_unwrap (reader->line->str, reader->line->len, NULL, &refusal);
  if (g_error_matches (refusal, OUTCALL_API_ERROR, OUTCALL_API_ERROR_FAILED))
    return g_strdup (refusal->message);
  return g_strdup_printf (_("outcalld answered %u %s"), (guint) status,
                          oc_http_status_phrase ((unsigned) status));
}

char *
oc_cli_follow_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
                    OcCliEventFunc func, gpointer user_data)
{
  Reader reader = { .func = func, .user_data = user_data, .line = g_string_new (NULL) };
  g_autofree char *text = body != NULL ? outcall_json_print (body) : NULL;
  char *why;
  OcHttpClient *client = oc_http_client_connect (cli->socket_path, CONNECT_TIMEOUT_MS);
  int status = -1;
  int err = errno;

  if (client != NULL)
    {
      status = oc_http_client_stream (client, method, target, text, CONNECT_TIMEOUT_MS,
                                      on_stream_data, &reader);
      err = errno;
    }
  oc_http_client_close (client);
  why = explain (cli, &reader, status, err);
  g_clear_pointer (&body, json_node_unref);
  g_string_free (reader.line, TRUE);
  g_free (reader.event);
  return why;
}

char *
oc_cli_follow (OcCli *cli, const char *target, OcCliEventFunc func, gpointer user_data)
{
  return oc_cli_follow_call (cli, "GET", target, NULL, func, user_data);
}
