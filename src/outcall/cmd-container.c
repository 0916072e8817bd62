/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAYER_WIDTH 12
#define BAR_WIDTH 30
/* The daemon gives an engine a minute for each step. */
#define ENGINE_PATIENCE_S 240

/* --- create ------------------------------------------------------------------------- */

typedef struct
{
  char *name, *network, *user, *working_dir, *project, *memory;
  char **env, **binds;
  gint64 cpu_shares, pids;
  gboolean without_agent;
} Create;

static void
create_clear (Create *create)
{
  char *const strings[] = { create->name, create->network, create->user, create->working_dir,
                            create->project, create->memory };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (strings[i]);
  g_strfreev (create->env);
  g_strfreev (create->binds);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Create, create_clear)

static int
parse_create (OcCli *cli, Create *create, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &create->name, N_("What it is called"), N_("NAME") },
    { "network", 0, 0, G_OPTION_ARG_STRING, &create->network, N_("The Outcall network it is on"),
      N_("NAME") },
    { "env", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &create->env, N_("An environment variable"),
      N_("NAME=VALUE") },
    { "bind", 'v', 0, G_OPTION_ARG_STRING_ARRAY, &create->binds,
      N_("A file or folder of the host to show"), N_("SOURCE:DESTINATION[:ro]") },
    { "user", 'u', 0, G_OPTION_ARG_STRING, &create->user, N_("Numbers, not 0; 65532:65532"),
      N_("UID:GID") },
    { "workdir", 'w', 0, G_OPTION_ARG_STRING, &create->working_dir, N_("Where it starts"),
      N_("FOLDER") },
    { "project", 0, 0, G_OPTION_ARG_STRING, &create->project, N_("The project it works on"),
      N_("FOLDER") },
    { "memory", 'm', 0, G_OPTION_ARG_STRING, &create->memory, N_("At most so much; 512m"),
      N_("SIZE") },
    { "cpu-shares", 0, 0, G_OPTION_ARG_INT64, &create->cpu_shares, N_("Weight; 1024"),
      N_("NUMBER") },
    { "pids", 0, 0, G_OPTION_ARG_INT64, &create->pids, N_("At most so many processes; 256"),
      N_("NUMBER") },
    { "without-agent", 0, 0, G_OPTION_ARG_NONE, &create->without_agent,
      N_("Show it neither the agent socket nor the shim"), NULL },
    { 0 },
  };

  return oc_cli_parse_options (cli, entries, OC_CLI_PARSE_STRICT, argc, argv);
}

static gsize
count (char **list)
{
  return list != NULL ? g_strv_length (list) : 0;
}

int
oc_cmd_container_create (OcCli *cli, int argc, char **argv)
{
  g_auto (Create) create = { 0 };
  OutcallContainerRequest request = { 0 };
  g_autoptr (OutcallWorkload) workload = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = parse_create (cli, &create, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc < 2)
    return oc_cli_usage_error (cli, _("an IMAGE is needed"));
  if (create.memory != NULL && !oc_cli_parse_size (create.memory, &request.memory))
    return oc_cli_usage_error (cli, _("'%s' is no size like 512m or 2g"), create.memory);
  if (create.cpu_shares < 0 || create.pids < 0)
    return oc_cli_usage_error (cli, _("a number must not be negative"));
  request.image = argv[1];
  request.command = argv + 2;
  request.n_command = (gsize) argc - 2;
  request.name = create.name;
  request.network = create.network;
  request.env = create.env;
  request.n_env = count (create.env);
  request.binds = create.binds;
  request.n_binds = count (create.binds);
  request.user = create.user;
  request.working_dir = create.working_dir;
  request.project = create.project;
  request.cpu_shares = (guint64) create.cpu_shares;
  request.pids = (guint64) create.pids;
  request.without_agent = create.without_agent;
  cli->patience_s = ENGINE_PATIENCE_S;
  code = oc_cli_fetch (cli, "POST", "/api/v1/container/create",
                       outcall_container_request_to_json (&request), &data);
  if (code >= 0)
    return code;
  workload = outcall_workload_from_json (data, &error);
  if (workload == NULL)
    return oc_cli_bad_answer (cli, error);
  printf (_("%s runs confined at %s.\n"), workload->name, workload->address);
  return OC_EXIT_OK;
}

/* --- list and inspect ------------------------------------------------------------------ */

static const char *
confined_text (const OutcallContainer *container)
{
  if (container->confined)
    return _("confined");
  return strcmp (container->status, "running") == 0 ? _("blocked") : "";
}

int
oc_cmd_container_list (OcCli *cli, int argc, char **argv)
{
  const char *const headings[] = { _("NAME"),    _("STATUS"), _("NETWORK"), _("ADDRESS"),
                                   _("IMAGE"), _("COMMAND"), NULL };
  g_autoptr (GPtrArray) containers = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OcTable) table = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/containers", &data);

  if (code >= 0)
    return code;
  containers = outcall_container_list_from_json (data, &error);
  if (containers == NULL)
    return oc_cli_bad_answer (cli, error);
  table = oc_table_new (cli, headings);
  for (guint i = 0; i < containers->len; i++)
    {
      const OutcallContainer *c = containers->pdata[i];

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, c->name);
      oc_table_add_cell_printf (table, c->confined ? OC_STYLE_GOOD : OC_STYLE_PLAIN, "%s %s",
                                c->status, confined_text (c));
      oc_table_add_cell (table, OC_STYLE_PLAIN, c->network);
      oc_table_add_cell (table, OC_STYLE_PLAIN, c->address);
      oc_table_add_cell (table, OC_STYLE_PLAIN, c->image);
      oc_table_add_cell (table, OC_STYLE_PLAIN, c->command);
    }
  oc_table_print (table);
  return OC_EXIT_OK;
}

static void
add_optional (OcTable *table, const char *label, const char *text)
{
  if (text != NULL)
    oc_table_add_pair (table, label, text);
}

static void
print_container (OcCli *cli, const OutcallContainer *c)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);
  g_autofree char *status = g_strdup_printf ("%s %s", c->status, confined_text (c));

  oc_table_add_pair (table, _("Name"), c->name);
  oc_table_add_pair (table, _("Id"), c->id);
  oc_table_add_pair (table, _("State"), status);
  oc_table_add_pair (table, _("Image"), c->image);
  oc_table_add_pair (table, _("Command"), c->command);
  add_optional (table, _("Network"), c->network);
  add_optional (table, _("Address"), c->address);
  add_optional (table, _("Hardware address"), c->mac);
  add_optional (table, _("User"), c->user);
  add_optional (table, _("Project"), c->project);
  add_optional (table, _("Created"), c->created);
  if (c->exit_code != 0)
    oc_table_add_count (table, _("Exit code"), (guint64) c->exit_code);
  if (c->oom_killed)
    oc_table_add_pair (table, "", _("It ran out of memory."));
  for (gsize i = 0; i < c->n_env; i++)
    oc_table_add_pair (table, i == 0 ? _("Environment") : "", c->env[i]);
  oc_table_print (table);
}

/* The one NAME. Returns: -1 to go on, else the exit code. */
static int
take_name (OcCli *cli, int argc)
{
  return argc == 2 ? -1 : oc_cli_usage_error (cli, _("one container NAME is needed"));
}

int
oc_cmd_container_inspect (OcCli *cli, int argc, char **argv)
{
  g_autoptr (OutcallContainer) container = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *target = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc);
  if (code >= 0)
    return code;
  target = oc_cli_make_target ("/api/v1/container", "name", argv[1], NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  container = outcall_container_from_json (data, &error);
  if (container == NULL)
    return oc_cli_bad_answer (cli, error);
  print_container (cli, container);
  return OC_EXIT_OK;
}

/* --- stop and remove --------------------------------------------------------------------- */

int
oc_cmd_container_stop (OcCli *cli, int argc, char **argv)
{
  return oc_cmd_stop (cli, argc, argv);
}

int
oc_cmd_container_remove (OcCli *cli, int argc, char **argv)
{
  OutcallNameRequest request = { 0 };
  g_autoptr (OutcallContainerRemoved) removed = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc);
  if (code >= 0)
    return code;
  request.name = argv[1];
  cli->patience_s = ENGINE_PATIENCE_S;
  code = oc_cli_fetch (cli, "POST", "/api/v1/container/remove",
                       outcall_name_request_to_json (&request), &data);
  if (code >= 0)
    return code;
  removed = outcall_container_removed_from_json (data, &error);
  if (removed == NULL)
    return oc_cli_bad_answer (cli, error);
  puts (removed->removed ? _("The container is gone.") : _("There was no such container."));
  return OC_EXIT_OK;
}

/* --- pull -------------------------------------------------------------------------------- */

typedef struct
{
  OcCli *cli;
  gboolean is_terminal;
  gboolean done;
  char *failure; /* (nullable) */
} Pull;

/* One line, drawn over the one before it: what went on to a second line would stay. */
static void
print_bar (const OutcallPullProgress *p)
{
  g_autofree char *status = oc_cli_clean (p->status);
  g_autofree char *clean_layer = oc_cli_clean (p->layer);
  g_autofree char *layer = oc_cli_cut (clean_layer, LAYER_WIDTH);
  g_autofree char *current = oc_cli_size (p->current);
  g_autofree char *total = oc_cli_size (p->total);
  g_autofree char *line = NULL;
  g_autofree char *fitting = NULL;
  char bar[BAR_WIDTH + 1];
  guint filled = p->total > 0 ? (guint) (MIN (p->current, p->total) * BAR_WIDTH / p->total) : 0;

  memset (bar, ' ', BAR_WIDTH);
  memset (bar, '#', filled);
  bar[BAR_WIDTH] = '\0';
  line = p->total > 0
             ? g_strdup_printf ("%s [%s] %s / %s %s", layer, bar, current, total, status)
             : g_strdup_printf ("%s %s", layer, status);
  fitting = oc_cli_cut (line, oc_cli_terminal_width ());
  printf ("\r\033[K%s", fitting);
}

static gboolean
on_pull_event (const char *event, const char *data, gsize len, gpointer user_data)
{
  Pull *pull = user_data;
  g_autoptr (JsonNode) node = outcall_json_parse (data, len, NULL);
  g_autoptr (OutcallPullProgress) progress
      = node != NULL ? outcall_pull_progress_from_json (node, NULL) : NULL;

  if (progress == NULL || event == NULL)
    return TRUE;
  if (strcmp (event, "error") == 0)
    pull->failure = g_strdup (progress->status);
  pull->done = strcmp (event, "done") == 0;
  if (pull->cli->json)
    {
      g_autofree char *text = outcall_json_print (node);

      puts (text);
    }
  else if (pull->is_terminal && !pull->done && pull->failure == NULL)
    print_bar (progress);
  fflush (stdout);
  return !pull->done && pull->failure == NULL;
}

int
oc_cmd_container_pull (OcCli *cli, int argc, char **argv)
{
  Pull pull = { .cli = cli, .is_terminal = isatty (STDOUT_FILENO) };
  OutcallPullRequest request = { 0 };
  g_autofree char *image = NULL;
  g_autofree char *why = NULL;
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 2)
    return oc_cli_usage_error (cli, _("an IMAGE is needed"));
  request.image = argv[1];
  why = oc_cli_follow_call (cli, "POST", "/api/v1/container/pull",
                            outcall_pull_request_to_json (&request), on_pull_event, &pull);
  if (pull.is_terminal && !cli->json)
    fputs ("\r\033[K", stdout);
  if (pull.failure != NULL)
    {
      g_free (why);
      why = oc_cli_clean (pull.failure);
      g_free (pull.failure);
    }
  if (!pull.done)
    return oc_cli_error ("%s", why);
  image = oc_cli_clean (argv[1]);
  if (!cli->json)
    printf (_("%s is here.\n"), image);
  return OC_EXIT_OK;
}
