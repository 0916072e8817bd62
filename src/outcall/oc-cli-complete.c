/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-private.h"

#include <stdio.h>
#include <string.h>

/* `outcall __complete WORD…`: what may stand in the place of the last WORD, which may
 * be empty or unfinished; for the shells' completions. One candidate a line, with a
 * tab and a description; ":file" and ":command" ask the shell for its own.
 *
 * Commands come from the table. Options come from the commands themselves: a handler's
 * first call is oc_cli_parse_options(), which tells them here and ends the handler. */

static void
print_candidate (const char *word, const char *current, const char *description)
{
  if (g_str_has_prefix (word, current))
    printf ("%s\t%s\n", word, description != NULL ? description : "");
}

/* --- Names that the daemon knows ------------------------------------------------- */

/* @option: (nullable) the argument of this option, else of the command, whose name
 * begins so */
static const struct
{
  const char *command, *option;
  const char *target, *member;
} sources[] = {
  { "", "--agent", "/api/v1/workloads", "name" },
  { "stop", NULL, "/api/v1/workloads", "name" },
  { "logs", NULL, "/api/v1/workloads", "name" },
  { "inspect", NULL, "/api/v1/workloads", "name" },
  { "rules show", NULL, "/api/v1/rules", "id" },
  { "requests", NULL, "/api/v1/requests/rules", "id" },
  { "network", NULL, "/api/v1/networks", "name" },
  { "container", NULL, "/api/v1/containers", "name" },
};

static void
print_members (OcCli *cli, const char *target, const char *member, const char *current)
{
  g_autoptr (JsonNode) data = NULL;
  g_autofree char *error = NULL;
  JsonArray *array;

  if (!oc_cli_try_call (cli, "GET", target, NULL, &data, &error) || data == NULL
      || !JSON_NODE_HOLDS_ARRAY (data))
    return;
  array = json_node_get_array (data);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      const char *name = JSON_NODE_HOLDS_OBJECT (node)
                             ? json_object_get_string_member_with_default (
                                 json_node_get_object (node), member, NULL)
                             : NULL;
      g_autofree char *clean = oc_cli_clean (name);

      if (name != NULL && g_str_equal (clean, name))
        print_candidate (name, current, NULL);
    }
}

/* @option: (nullable) */
static gboolean
print_names (OcCli *cli, const OcCliCommand *command, const char *option, const char *current)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    if (g_strcmp0 (sources[i].option, option) == 0
        && oc_cli_starts_with_words (command->name, sources[i].command))
      {
        print_members (cli, sources[i].target, sources[i].member, current);
        return TRUE;
      }
  return FALSE;
}

/* --- Commands ---------------------------------------------------------------------- */

static void
print_first_words (OcCli *cli, const char *current)
{
  g_autofree char *last = g_strdup ("");

  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    {
      gsize len = strcspn (c->name, " ");
      g_autofree char *word = g_strndup (c->name, len);

      /* Commands of one group stand together in the table. */
      if (len == 0 || g_str_equal (word, last))
        continue;
      print_candidate (word, current, c->name[len] == '\0' ? _(c->summary) : NULL);
      g_free (last);
      last = g_steal_pointer (&word);
    }
  print_candidate ("help", current, _("Help on a command"));
}

static void
print_second_words (OcCli *cli, const char *first, const char *current)
{
  gsize len = strlen (first);

  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (oc_cli_starts_with_words (c->name, first) && c->name[len] == ' ')
      print_candidate (c->name + len + 1, current, _(c->summary));
}

/* --- Options ------------------------------------------------------------------------- */

/* The options of @command (nullable: the global ones). */
static GArray *
list_options (OcCli *cli, const OcCliCommand *command)
{
  char *argv[] = { (char *) "", NULL };
  char **args = argv;
  int argc = 1;

  cli->options = g_array_new (FALSE, TRUE, sizeof (GOptionEntry));
  if (command != NULL)
    (void) command->handler (cli, 1, argv);
  else
    (void) oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &args);
  return g_steal_pointer (&cli->options);
}

/* "--agent" or "-b". Returns: (nullable) */
static const GOptionEntry *
find_option (const GArray *options, const char *word)
{
  for (guint i = 0; i < options->len; i++)
    {
      const GOptionEntry *entry = &g_array_index (options, GOptionEntry, i);

      if (g_str_has_prefix (word, "--") ? g_str_equal (word + 2, entry->long_name)
                                        : word[0] == '-' && word[1] != '\0' && word[2] == '\0'
                                              && word[1] == entry->short_name)
        return entry;
    }
  return NULL;
}

static gboolean
takes_value (const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE;
}

static gboolean
takes_file (const GOptionEntry *entry)
{
  return entry->arg == G_OPTION_ARG_FILENAME || entry->arg == G_OPTION_ARG_FILENAME_ARRAY;
}

static void
print_options (const GArray *options, const char *current)
{
  for (guint i = 0; i < options->len; i++)
    {
      const GOptionEntry *entry = &g_array_index (options, GOptionEntry, i);
      g_autofree char *word = g_strconcat ("--", entry->long_name, NULL);

      if ((entry->flags & G_OPTION_FLAG_HIDDEN) == 0)
        print_candidate (word, current, _(entry->description));
    }
}

/* --- Where the cursor is ---------------------------------------------------------------- */

typedef struct
{
  const OcCliCommand *command; /* (nullable): none yet */
  const char *group;           /* (nullable): its first word, when it needs a second */
  GArray *options;
  const char *pending;         /* (nullable): the option whose value is at the cursor */
  guint n_arguments;           /* of the command, before the cursor */
  gboolean no_options;         /* after "--" or, for strict commands, an argument */
} Place;

static const OcCliCommand *
find_exact (OcCli *cli, const char *first, const char *second)
{
  g_autofree char *name = second != NULL ? g_strjoin (" ", first, second, NULL) : g_strdup (first);

  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (*c->name != '\0' && g_str_equal (c->name, name))
      return c;
  return NULL;
}

static gboolean
is_group (OcCli *cli, const char *word)
{
  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (oc_cli_starts_with_words (c->name, word) && strchr (c->name, ' ') != NULL)
      return TRUE;
  return FALSE;
}

static void
take_name (OcCli *cli, Place *place, const char *word)
{
  place->command = find_exact (cli, place->group != NULL ? place->group : word,
                               place->group != NULL ? word : NULL);
  if (place->command == NULL && place->group == NULL && is_group (cli, word))
    place->group = word;
  if (place->command == NULL)
    return;
  g_array_unref (place->options);
  place->options = list_options (cli, place->command);
}

static void
take_word (OcCli *cli, Place *place, const char *word)
{
  const GOptionEntry *entry = place->no_options ? NULL : find_option (place->options, word);

  if (place->pending != NULL)
    {
      if (g_str_equal (place->pending, "--socket"))
        {
          g_free (cli->socket_path);
          cli->socket_path = g_strdup (word);
        }
      place->pending = NULL;
    }
  else if (entry != NULL && takes_value (entry))
    place->pending = word;
  else if (!place->no_options && g_str_equal (word, "--"))
    place->no_options = TRUE;
  else if (!place->no_options && *word == '-')
    return;
  else if (place->command == NULL)
    take_name (cli, place, word);
  else
    {
      place->n_arguments++;
      place->no_options |= cli->strict;
    }
}

/* --- What fits there ---------------------------------------------------------------------- */

static void
print_value (OcCli *cli, const Place *place, const char *current)
{
  const GOptionEntry *entry = find_option (place->options, place->pending);

  if (entry != NULL && takes_file (entry))
    puts (":file");
  else if (place->command != NULL)
    (void) print_names (cli, place->command, place->pending, current);
}

static void
print_argument (OcCli *cli, const Place *place, const char *current)
{
  const char *usage = place->command->usage != NULL ? place->command->usage : "";

  if (strstr (usage, "COMMAND") != NULL)
    puts (place->n_arguments == 0 ? ":command" : ":file");
  else if (strstr (usage, "FILE") != NULL)
    puts (":file");
  else
    (void) print_names (cli, place->command, NULL, current);
}

/* bash splits "--agent=x" into three words. */
static guint
join_assignments (char **words, guint n)
{
  guint to = 0;

  for (guint i = 0; i < n; i++)
    if (!g_str_equal (words[i], "=") || to == 0)
      words[to++] = words[i];
    else if (i + 1 == n)
      words[to++] = (char *) "";
  return to;
}

int
oc_cli_complete (OcCli *cli, int argc, char **argv)
{
  guint n = join_assignments (argv, (guint) argc);
  const char *current = n > 0 ? argv[n - 1] : "";
  Place place = { .options = list_options (cli, NULL) };

  for (guint i = 0; i + 1 < n; i++)
    if (place.command != NULL || place.group != NULL || !g_str_equal (argv[i], "help"))
      take_word (cli, &place, argv[i]);
  if (place.pending != NULL)
    print_value (cli, &place, current);
  else if (*current == '-' && !place.no_options)
    print_options (place.options, current);
  else if (place.command != NULL)
    print_argument (cli, &place, current);
  else if (place.group != NULL)
    print_second_words (cli, place.group, current);
  else
    print_first_words (cli, current);
  g_array_unref (place.options);
  return OC_EXIT_OK;
}
