/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

static int
show_bridge (OcCli *cli, int argc, char **argv, const char *method, const char *target)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallBridgeStatus) status = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcTable) table = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, method, target, &data);

  if (code >= 0)
    return code;
  status = outcall_bridge_status_from_json (data, &error);
  if (status == NULL)
    return oc_cli_bad_answer (cli, error);
  table = oc_table_new_pairs (cli);
  oc_table_add_pair (table, _("Bridge"), status->name);
  oc_table_add_pair (table, _("State"),
                     !status->has_index ? _("absent") : status->up ? _("up") : _("down"));
  if (status->has_index)
    oc_table_add_count (table, _("Interface index"), status->index);
  oc_table_add_pair (table, _("Ruleset"),
                     status->nftables_active ? _("in the kernel") : _("absent"));
  oc_table_print (table);
  return OC_EXIT_OK;
}

int
oc_cmd_bridge_status (OcCli *cli, int argc, char **argv)
{
  return show_bridge (cli, argc, argv, "GET", "/api/v1/bridge");
}

int
oc_cmd_bridge_up (OcCli *cli, int argc, char **argv)
{
  return show_bridge (cli, argc, argv, "POST", "/api/v1/bridge/up");
}

int
oc_cmd_bridge_down (OcCli *cli, int argc, char **argv)
{
  return show_bridge (cli, argc, argv, "POST", "/api/v1/bridge/down");
}
