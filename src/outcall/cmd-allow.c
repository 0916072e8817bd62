/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include <stdio.h>

static void
print_files (JsonNode *data)
{
  JsonArray *files;

  if (!JSON_NODE_HOLDS_OBJECT (data)
      || !json_object_has_member (json_node_get_object (data), "files"))
    return;
  files = json_object_get_array_member (json_node_get_object (data), "files");
  for (guint i = 0; i < json_array_get_length (files); i++)
    {
      g_autofree char *name = oc_cli_clean (json_array_get_string_element (files, i));

      /* TRANSLATORS: the name of a rule file */
      printf (_("Wrote %s; it is in force.\n"), name);
    }
}

int
oc_cmd_allow (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL;
  g_autofree char *duration = NULL;
  OutcallAllowHosts request = { 0 };
  gint64 for_s = 0;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only for this agent"), N_("NAME") },
    { "for", 0, 0, G_OPTION_ARG_STRING, &duration, N_("Only for so long: 30m, 8h, 2d"),
      N_("TIME") },
    { 0 },
  };
  g_autoptr (JsonNode) data = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc < 2)
    return oc_cli_usage_error (cli, _("a HOST is needed"));
  if (duration != NULL && (!oc_cli_parse_duration (duration, &for_s) || for_s == 0))
    return oc_cli_usage_error (cli, _("'%s' is not a time such as 30m or 8h"), duration);
  request = (OutcallAllowHosts) { argv + 1, (gsize) argc - 1, agent, (uint64_t) for_s };
  code = oc_cli_fetch (cli, "POST", "/api/v1/rules/allow", outcall_allow_hosts_to_json (&request),
                       &data);
  if (code >= 0)
    return code;
  print_files (data);
  return OC_EXIT_OK;
}
