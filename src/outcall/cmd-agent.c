/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-file.h"
#include "agent-running.h"
#include "oc-cli-commands.h"
#include "recipes.h"

#include "common/oc-fd.h"
#include "policy/oc-policy.h"

#include <stdio.h>
#include <string.h>

/* --- For outcall run too ----------------------------------------------------------- */

static OcAgentFile *
parse (const char *text, gsize len)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  OcAgentFile *file = oc_agent_file_parse (OC_AGENT_FILE_NAME, text, len, diagnostics);

  for (guint i = 0; i < diagnostics->len; i++)
    {
      g_autofree char *line = oc_diagnostic_format (diagnostics->pdata[i]);

      fprintf (stderr, "%s\n", line);
    }
  return file;
}

/* For a known agent in a project that says nothing. What is given is told: the recipe is ours,
 * but nobody has read it. Returns: -1 */
static int
use_recipe (const char *command, OcAgentFile **out)
{
  const OcRecipe *recipe = command != NULL ? oc_recipe_lookup (command) : NULL;

  if (recipe == NULL || strcmp (recipe->command, command) != 0)
    return -1;
  *out = parse (recipe->file, strlen (recipe->file));
  if (*out != NULL)
    fprintf (stderr, _("outcall: %s runs by its recipe; to see or change what it is given: "
                       "outcall recipe %s, outcall init %s\n"),
             recipe->name, recipe->name, recipe->name);
  return -1;
}

int
oc_run_load_agent_file (int project_fd, const char *project, const char *command,
                        OcAgentFile **out)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize len = 0;

  if (project_fd < 0)
    return use_recipe (command, out);
  text = oc_agent_file_read (project_fd, &len, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return use_recipe (command, out);
  if (text == NULL)
    return oc_cli_error ("%s: %s", OC_AGENT_FILE_NAME, error->message);
  if (!oc_agent_is_trusted (project, text, len))
    {
      fprintf (stderr,
               _("outcall: %s is new or has changed and is not used; read it, then trust it: "
                 "outcall agent --trust\n"),
               OC_AGENT_FILE_NAME);
      return -1;
    }
  *out = parse (text, len);
  return *out != NULL ? -1 : OC_EXIT_FAILED;
}

/* --- agent -------------------------------------------------------------------------- */

/* {"path":…,"file":…,"trusted":true}: both come out of it trusted, as it is shown. */
static int
print_as_json (const char *text)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "path");
  json_builder_add_string_value (builder, OC_AGENT_FILE_NAME);
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, text);
  json_builder_set_member_name (builder, "trusted");
  json_builder_add_boolean_value (builder, TRUE);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  oc_cli_print_json (root);
  return OC_EXIT_OK;
}

static int
make (OcCli *cli, int project_fd, const char *project)
{
  const char *text = oc_recipes[0].file;
  g_autoptr (GError) error = NULL;

  if (!oc_agent_file_make (project_fd, text, &error))
    return oc_cli_error ("%s: %s", OC_AGENT_FILE_NAME, error->message);
  if (!oc_agent_trust (project, text, strlen (text), &error))
    return oc_cli_error ("%s", error->message);
  if (cli->json)
    return print_as_json (text);
  printf (_("%s is made. Write what the agent needs, then trust it: outcall agent --trust\n"),
          OC_AGENT_FILE_NAME);
  return OC_EXIT_OK;
}

/* Shows what is trusted, so that nobody trusts another version than was read. */
static int
trust (OcCli *cli, int project_fd, const char *project)
{
  g_autoptr (OcAgentFile) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize len = 0;

  text = oc_agent_file_read (project_fd, &len, &error);
  if (text == NULL)
    return oc_cli_error ("%s: %s", OC_AGENT_FILE_NAME, error->message);
  file = parse (text, len);
  if (file == NULL)
    return OC_EXIT_FAILED;
  if (!oc_agent_trust (project, text, len, &error))
    return oc_cli_error ("%s", error->message);
  if (cli->json)
    return print_as_json (text);
  oc_cli_print_text (text);
  printf (_("%s is trusted as it is shown here.\n"), OC_AGENT_FILE_NAME);
  return OC_EXIT_OK;
}

/* The options are described in man/outcall.1 too. */
int
oc_cmd_agent (OcCli *cli, int argc, char **argv)
{
  gboolean with_init = FALSE, with_trust = FALSE;
  gboolean with_list = FALSE, with_stop = FALSE, with_logs = FALSE;
  const GOptionEntry entries[]
      = { { "init", 0, 0, G_OPTION_ARG_NONE, &with_init, N_("Make .outcall/agent.yaml"), NULL },
          { "trust", 0, 0, G_OPTION_ARG_NONE, &with_trust,
            N_("Let .outcall/agent.yaml have effect as it is now"), NULL },
          { "list", 0, 0, G_OPTION_ARG_NONE, &with_list,
            N_("List what runs confined in this project"), NULL },
          { "stop", 0, 0, G_OPTION_ARG_NONE, &with_stop,
            N_("End what runs confined in this project"), NULL },
          { "logs", 0, 0, G_OPTION_ARG_NONE, &with_logs,
            N_("Show what it was allowed and what was blocked"), NULL },
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *project = NULL;
  oc_autofd int project_fd = -1;
  char *run[] = { (char *) "run", NULL };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);
  int n = with_init + with_trust + with_list + with_stop + with_logs;

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  if (n > 1)
    return oc_cli_usage_error (cli, _("one option at a time"));
  if (n == 0)
    return oc_cmd_run (cli, 1, run);
  project_fd = oc_sandbox_open_source (".", cli->socket_path, &project, &error);
  if (project_fd < 0)
    return oc_cli_error ("%s", error->message);
  if (with_init)
    return make (cli, project_fd, project);
  if (with_trust)
    return trust (cli, project_fd, project);
  return oc_agent_running (cli, project,
                           with_list ? OC_AGENT_LIST : with_stop ? OC_AGENT_STOP : OC_AGENT_LOGS);
}
