/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli.h"

#include "http1/oc-http1-client.h"
#include "outcall-api/outcall-api.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000
#define ANSWER_MAX (64 * 1024 * 1024)

char *
oc_cli_connect_error (OcCli *cli, int err)
{
  if (err == EACCES || err == EPERM)
    return g_strdup_printf (_("cannot connect to outcalld at %s — are you in group outcall?"),
                            cli->socket_path);
  if (err == ENOENT || err == ECONNREFUSED || err == ENOTDIR)
    return g_strdup_printf (_("cannot connect to outcalld at %s — is it running?"),
                            cli->socket_path);
  /* TRANSLATORS: a path, then the system's error message */
  return g_strdup_printf (_("cannot connect to outcalld at %s — is it running? (%s)"),
                          cli->socket_path, g_strerror (err));
}

static char *
call_error (int err)
{
  if (err == ETIMEDOUT)
    return g_strdup (_("outcalld did not answer in time"));
  if (err == EMSGSIZE)
    return g_strdup (_("outcalld's answer is too large"));
  return g_strdup_printf (_("the connection to outcalld broke: %s"), g_strerror (err));
}

/* An answer without an envelope (a head refused before any route). */
static char *
plain_error (const OcHttpReply *reply, const GError *error)
{
  if (g_error_matches (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_FAILED))
    return g_strdup (error->message);
  if (reply->status >= 400)
    return g_strdup_printf (_("outcalld answered %u %s"), reply->status,
                            oc_http_status_phrase (reply->status));
  return g_strdup_printf (_("outcalld's answer cannot be read: %s"), error->message);
}

static gboolean
take_reply (const OcHttpReply *reply, JsonNode **out_data, char **out_error)
{
  g_autoptr (GError) error = NULL;

  if (reply->body_len == 0 && reply->status >= 200 && reply->status < 300)
    return TRUE;
  if (outcall_api_response_unwrap (reply->body, reply->body_len, out_data, &error))
    return TRUE;
  *out_error = plain_error (reply, error);
  return FALSE;
}

gboolean
oc_cli_try_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
                 JsonNode **out_data, char **out_error)
{
  g_autofree char *text = body != NULL ? outcall_json_print (body) : NULL;
  g_autoptr (JsonNode) data = NULL;
  const int timeout_s = OUTCALL_DEFAULT_REQUEST_TIMEOUT_SECS + (int) MIN (cli->patience_s, 86400);
  OcHttpReply reply = { 0 };
  OcHttpClient *client;
  gboolean ok;
  int err;

  g_clear_pointer (&body, json_node_unref);
  *out_error = NULL;
  client = oc_http_client_connect (cli->socket_path, CONNECT_TIMEOUT_MS);
  if (client == NULL)
    {
      *out_error = oc_cli_connect_error (cli, errno);
      return FALSE;
    }
  if (oc_http_client_request (client, method, target, NULL, text, text != NULL ? strlen (text) : 0,
                              ANSWER_MAX, timeout_s * 1000, &reply)
      < 0)
    {
      err = errno;
      oc_http_client_close (client);
      *out_error = call_error (err);
      return FALSE;
    }
  cli->status = reply.status;
  ok = take_reply (&reply, &data, out_error);
  if (out_data != NULL)
    *out_data = g_steal_pointer (&data);
  oc_http_reply_clear (&reply);
  oc_http_client_close (client);
  return ok;
}

int
oc_cli_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
             JsonNode **out_data)
{
  g_autofree char *error = NULL;

  if (oc_cli_try_call (cli, method, target, body, out_data, &error))
    return OC_EXIT_OK;
  return oc_cli_error ("%s", error);
}

int
oc_cli_fetch (OcCli *cli, const char *method, const char *target, JsonNode *body,
              JsonNode **out_data)
{
  g_autoptr (JsonNode) data = NULL;
  int code = oc_cli_call (cli, method, target, body, &data);

  if (code != OC_EXIT_OK)
    return code;
  if (cli->json)
    {
      oc_cli_print_json (data);
      return OC_EXIT_OK;
    }
  *out_data = g_steal_pointer (&data);
  return -1;
}

int
oc_cli_fetch_plain (OcCli *cli, int argc, char **argv, const char *method, const char *target,
                    JsonNode **out_data)
{
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  return code < 0 ? oc_cli_fetch (cli, method, target, NULL, out_data) : code;
}

void
oc_cli_print_json (JsonNode *node)
{
  g_autofree char *text = NULL;

  if (node == NULL)
    text = g_strdup ("null");
  else
    text = isatty (STDOUT_FILENO) ? json_to_string (node, TRUE) : outcall_json_print (node);
  puts (text);
}

int
oc_cli_bad_answer (OcCli *cli, const GError *error)
{
  return oc_cli_error (_("outcalld's answer cannot be read: %s — is it of the same version?"),
                       error->message);
}

char *
oc_cli_make_target (const char *path, ...)
{
  GString *target = g_string_new (path);
  char separator = '?';
  const char *name;
  va_list args;

  va_start (args, path);
  while ((name = va_arg (args, const char *)) != NULL)
    {
      const char *value = va_arg (args, const char *);

      if (value == NULL)
        continue;
      g_string_append_printf (target, "%c%s=", separator, name);
      g_string_append_uri_escaped (target, value, NULL, FALSE);
      separator = '&';
    }
  va_end (args);
  return g_string_free (target, FALSE);
}
