/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-file.h"
#include "oc-cli-commands.h"
#include "recipes.h"

#include "common/oc-fd.h"

#include <stdio.h>

static JsonNode *
recipe_to_json (const OcRecipe *recipe)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  json_builder_add_string_value (builder, recipe->name);
  json_builder_set_member_name (builder, "hosts");
  json_builder_begin_array (builder);
  for (const char *const *host = recipe->hosts; *host != NULL; host++)
    json_builder_add_string_value (builder, *host);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, recipe->file);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static void
print_one_as_json (const OcRecipe *recipe)
{
  g_autoptr (JsonNode) node = recipe_to_json (recipe);

  oc_cli_print_json (node);
}

static void
print_all_as_json (void)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();

  for (const OcRecipe *recipe = oc_recipes; recipe->name != NULL; recipe++)
    json_array_add_element (array, recipe_to_json (recipe));
  json_node_take_array (node, array);
  oc_cli_print_json (node);
}

static void
print_all (OcCli *cli)
{
  const char *const headings[] = { _("NAME"), _("COMMAND"), _("HOST"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (const OcRecipe *recipe = oc_recipes; recipe->name != NULL; recipe++)
    {
      g_autofree char *hosts = g_strjoinv (" ", (char **) recipe->hosts);

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, recipe->name);
      oc_table_add_cell (table, OC_STYLE_PLAIN, recipe->command);
      oc_table_add_cell (table, OC_STYLE_PLAIN, hosts);
    }
  oc_table_print (table);
}

/* The RECIPE, if one is named. Returns: -1 to go on, else the exit code. */
static int
take_recipe (OcCli *cli, int argc, char **argv, const OcRecipe **out)
{
  if (argc > 2)
    return oc_cli_refuse_arguments (cli, argc - 1, argv + 1);
  if (argc < 2)
    return -1;
  *out = oc_recipe_lookup (argv[1]);
  if (*out == NULL)
    return oc_cli_usage_error (cli, _("no recipe '%s'; outcall recipe lists them"), argv[1]);
  return -1;
}

int
oc_cmd_recipe (OcCli *cli, int argc, char **argv)
{
  const OcRecipe *recipe = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_recipe (cli, argc, argv, &recipe);
  if (code >= 0)
    return code;
  if (recipe == NULL && cli->json)
    print_all_as_json ();
  else if (recipe == NULL)
    print_all (cli);
  else if (cli->json)
    print_one_as_json (recipe);
  else
    oc_cli_print_text (recipe->file);
  return OC_EXIT_OK;
}

int
oc_cmd_init (OcCli *cli, int argc, char **argv)
{
  const OcRecipe *recipe = &oc_recipes[0];
  g_autoptr (GError) error = NULL;
  g_autofree char *project = NULL;
  oc_autofd int project_fd = -1;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_recipe (cli, argc, argv, &recipe);
  if (code >= 0)
    return code;
  project_fd = oc_sandbox_open_source (".", cli->socket_path, &project, &error);
  if (project_fd < 0)
    return oc_cli_error ("%s", error->message);
  if (!oc_agent_file_make (project_fd, recipe->file, &error))
    return oc_cli_error ("%s: %s", OC_AGENT_FILE_NAME, error->message);
  if (cli->json)
    {
      print_one_as_json (recipe);
      return OC_EXIT_OK;
    }
  printf (_("%s is made. Write what the agent needs, then trust it: outcall agent --trust\n"),
          OC_AGENT_FILE_NAME);
  for (const char *const *host = recipe->hosts; *host != NULL; host++)
    printf (_("The agent has to reach %s; to allow it: outcall allow %s\n"), *host, *host);
  return OC_EXIT_OK;
}
