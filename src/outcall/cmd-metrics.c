/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "http1/oc-http1-client.h"

#include <errno.h>
#include <stdio.h>

#define TIMEOUT_MS 30000
#define METRICS_MAX (16 * 1024 * 1024)

/* {"outcall_workloads": 3, …}: each sample by its name with its labels. */
static void
print_as_json (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  JsonObject *object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *blank = strrchr (lines[i], ' ');
      guint64 value;

      if (*lines[i] == '#' || blank == NULL
          || !g_ascii_string_to_unsigned (blank + 1, 10, 0, G_MAXINT64, &value, NULL))
        continue;
      *blank = '\0';
      json_object_set_int_member (object, lines[i], (gint64) value);
    }
  json_node_take_object (node, object);
  oc_cli_print_json (node);
}

int
oc_cmd_metrics (OcCli *cli, int argc, char **argv)
{
  OcHttpReply reply = { 0 };
  OcHttpClient *client;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  client = oc_http_client_connect (cli->socket_path, TIMEOUT_MS);
  if (client == NULL)
    {
      g_autofree char *error = oc_cli_connect_error (cli, errno);

      return oc_cli_error ("%s", error);
    }
  if (oc_http_client_request (client, "GET", "/api/v1/metrics", NULL, NULL, 0, METRICS_MAX,
                              TIMEOUT_MS, &reply)
      < 0)
    code = oc_cli_error (_("the connection to outcalld broke: %s"), g_strerror (errno));
  else if (reply.status != 200)
    code = oc_cli_error (_("outcalld answered %u %s"), reply.status,
                         oc_http_status_phrase (reply.status));
  else
    code = OC_EXIT_OK;
  if (code == OC_EXIT_OK && cli->json)
    print_as_json (reply.body);
  else if (code == OC_EXIT_OK)
    fputs (reply.body, stdout);
  oc_http_reply_clear (&reply);
  oc_http_client_close (client);
  return code;
}
