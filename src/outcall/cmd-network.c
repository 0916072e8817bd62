/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

static const char *
state_text (const OutcallNetworkStatus *network)
{
  if (!network->has_index)
    return _("absent");
  if (!network->up)
    return _("down");
  return network->has_gateway ? _("up") : _("without its address");
}

static void
print_network (OcCli *cli, const OutcallNetworkStatus *network)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);

  oc_table_add_pair (table, _("Network"), network->name);
  oc_table_add_pair (table, _("Bridge"), network->bridge);
  oc_table_add_pair (table, _("State"), state_text (network));
  oc_table_add_pair (table, _("Subnet"), network->subnet);
  oc_table_add_pair (table, _("Gateway"), network->gateway);
  oc_table_add_pair (table, _("Ruleset"),
                     network->nftables_active ? _("in the kernel") : _("absent"));
  for (gsize i = 0; i < network->n_workloads; i++)
    oc_table_add_pair (table, i == 0 ? _("Confined programs") : "", network->workloads[i]);
  oc_table_print (table);
}

/* The one NAME of a command, as an argument or as --name.
 * Returns: -1 to go on, else the exit code. */
static int
take_name (OcCli *cli, int argc, char **argv, const char *option, const char **out_name)
{
  if (argc != (option != NULL ? 1 : 2))
    return oc_cli_usage_error (cli, _("one network NAME is needed"));
  *out_name = option != NULL ? option : argv[1];
  return -1;
}

/* --- create ------------------------------------------------------------------------- */

int
oc_cmd_network_create (OcCli *cli, int argc, char **argv)
{
  g_autofree char *option = NULL;
  g_autofree char *subnet = NULL;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &option, N_("The same as NAME"), N_("NAME") },
    { "subnet", 0, 0, G_OPTION_ARG_STRING, &subnet, N_("A private /24, like 10.200.7.0/24"),
      N_("SUBNET") },
    { 0 },
  };
  OutcallNetworkCreateRequest request = { 0 };
  g_autoptr (OutcallNetworkCreated) created = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc, argv, option, &name);
  if (code >= 0)
    return code;
  request.name = (char *) name;
  request.subnet = subnet;
  code = oc_cli_fetch (cli, "POST", "/api/v1/network/create",
                       outcall_network_create_request_to_json (&request), &data);
  if (code >= 0)
    return code;
  created = outcall_network_created_from_json (data, &error);
  if (created == NULL)
    return oc_cli_bad_answer (cli, error);
  if (!created->created)
    puts (_("The network was there already."));
  print_network (cli, &created->network);
  return OC_EXIT_OK;
}

/* --- status and list ---------------------------------------------------------------- */

int
oc_cmd_network_status (OcCli *cli, int argc, char **argv)
{
  g_autoptr (OutcallNetworkStatus) network = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autofree char *target = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc > 2)
    return oc_cli_usage_error (cli, _("at most one network NAME"));
  target = oc_cli_make_target ("/api/v1/network", "name", argc == 2 ? argv[1] : NULL, NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  network = outcall_network_status_from_json (data, &error);
  if (network == NULL)
    return oc_cli_bad_answer (cli, error);
  print_network (cli, network);
  return OC_EXIT_OK;
}

static void
add_row (OcTable *table, const OutcallNetworkStatus *network)
{
  gboolean good = network->up && network->has_gateway;

  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_BOLD, network->name);
  oc_table_add_cell (table, OC_STYLE_PLAIN, network->bridge);
  oc_table_add_cell (table, good ? OC_STYLE_GOOD : OC_STYLE_BAD, state_text (network));
  oc_table_add_cell (table, OC_STYLE_PLAIN, network->subnet);
  oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%zu", network->n_workloads);
}

int
oc_cmd_network_list (OcCli *cli, int argc, char **argv)
{
  const char *const headings[]
      = { _("Network"), _("Bridge"), _("State"), _("Subnet"), _(">Confined programs"), NULL };
  g_autoptr (GPtrArray) networks = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OcTable) table = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/networks", &data);

  if (code >= 0)
    return code;
  networks = outcall_network_status_list_from_json (data, &error);
  if (networks == NULL)
    return oc_cli_bad_answer (cli, error);
  table = oc_table_new (cli, headings);
  for (guint i = 0; i < networks->len; i++)
    add_row (table, networks->pdata[i]);
  oc_table_print (table);
  return OC_EXIT_OK;
}

/* --- destroy ------------------------------------------------------------------------ */

int
oc_cmd_network_destroy (OcCli *cli, int argc, char **argv)
{
  g_autofree char *option = NULL;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &option, N_("The same as NAME"), N_("NAME") },
    { 0 },
  };
  OutcallNameRequest request = { 0 };
  g_autoptr (OutcallNetworkDestroyed) destroyed = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc, argv, option, &name);
  if (code >= 0)
    return code;
  request.name = (char *) name;
  code = oc_cli_fetch (cli, "POST", "/api/v1/network/destroy",
                       outcall_name_request_to_json (&request), &data);
  if (code >= 0)
    return code;
  destroyed = outcall_network_destroyed_from_json (data, &error);
  if (destroyed == NULL)
    return oc_cli_bad_answer (cli, error);
  puts (destroyed->destroyed ? _("The network is gone.") : _("There was no such network."));
  return OC_EXIT_OK;
}
