/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-private.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>
#include <string.h>

/* --- Errors ------------------------------------------------------------------ */

int
oc_cli_error (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "outcall: %s\n", text);
  return OC_EXIT_FAILED;
}

int
oc_cli_usage_error (OcCli *cli, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "outcall: %s\n", text);
  if (cli->command != NULL)
    fprintf (stderr, _("Try 'outcall help %s'.\n"), cli->command->name);
  else
    fputs (_("Try 'outcall --help'.\n"), stderr);
  return OC_EXIT_USAGE;
}

int
oc_cli_refuse_arguments (OcCli *cli, int argc, char **argv)
{
  if (argc <= 1)
    return -1;
  return oc_cli_usage_error (cli, _("unexpected argument '%s'"), argv[1]);
}

/* --- Did you mean -------------------------------------------------------------- */

#define WORD_MAX 48

/* Edit distance with swaps of neighbours (optimal string alignment). */
static guint
distance (const char *a, const char *b)
{
  gsize n = strlen (a), m = strlen (b);
  guint rows[WORD_MAX + 1][WORD_MAX + 1];

  if (n > WORD_MAX || m > WORD_MAX)
    return G_MAXUINT;
  for (gsize i = 0; i <= n; i++)
    rows[i][0] = (guint) i;
  for (gsize j = 0; j <= m; j++)
    rows[0][j] = (guint) j;
  for (gsize i = 1; i <= n; i++)
    for (gsize j = 1; j <= m; j++)
      {
        guint best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

        best = MIN (best, rows[i - 1][j] + 1);
        best = MIN (best, rows[i][j - 1] + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          best = MIN (best, rows[i - 2][j - 2] + 1);
        rows[i][j] = best;
      }
  return rows[n][m];
}

const char *
oc_cli_did_you_mean (const char *word, const char *const *words)
{
  const char *nearest = NULL;
  guint best = MAX (1, (guint) MIN (strlen (word), 9) / 3) + 1;

  for (; *words != NULL; words++)
    {
      guint d = distance (word, *words);

      if (d < best)
        {
          best = d;
          nearest = *words;
        }
    }
  return nearest;
}

gboolean
oc_cli_parse_duration (const char *text, gint64 *out_s)
{
  static const struct
  {
    const char *unit;
    gint64 seconds;
  } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  guint64 value;

  if (!g_ascii_string_to_unsigned (number, 10, 0, 1000000000, &value, NULL))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_str_equal (text + digits, units[i].unit))
      {
        *out_s = (gint64) value * units[i].seconds;
        return TRUE;
      }
  return FALSE;
}

gboolean
oc_cli_parse_size (const char *text, guint64 *out_bytes)
{
  static const char units[] = "kmgt";
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  const char *unit = text[digits] != '\0' ? strchr (units, g_ascii_tolower (text[digits])) : NULL;
  guint shift = unit != NULL ? 10 * (guint) (unit - units + 1) : 0;
  guint64 value;

  if ((unit == NULL && text[digits] != '\0') || (unit != NULL && text[digits + 1] != '\0')
      || !g_ascii_string_to_unsigned (number, 10, 1, G_MAXINT64 >> shift, &value, NULL))
    return FALSE;
  *out_bytes = value << shift;
  return TRUE;
}

/* --- Help ------------------------------------------------------------------------ */

gboolean
oc_cli_starts_with_words (const char *name, const char *words)
{
  gsize len = strlen (words);

  return len == 0
         || (strncmp (name, words, len) == 0 && (name[len] == '\0' || name[len] == ' '));
}

static void
print_commands (OcCli *cli, const char *group, FILE *to)
{
  gsize width = 0;

  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (*c->name != '\0' && (group == NULL || oc_cli_starts_with_words (c->name, group)))
      width = MAX (width, strlen (c->name));
  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (*c->name != '\0' && (group == NULL || oc_cli_starts_with_words (c->name, group)))
      fprintf (to, "  %-*s  %s\n", (int) width, c->name, _(c->summary));
}

static void
print_help (OcCli *cli)
{
  fputs (_("Usage: outcall [OPTION…] COMMAND [ARGUMENT…]\n"
           "Confine programs and see what they try to reach.\n"),
         stdout);
  fputs (_("\nCommands:\n"), stdout);
  print_commands (cli, NULL, stdout);
  fputs (_("\nOptions, before or after the command:\n"
           "  --socket=PATH  the daemon's socket\n"
           "  --json         print the data as JSON\n"
           "  --no-color     no colours\n"
           "  --help         this text, or a command's\n"
           "  --version      the version\n"),
         stdout);
  fputs (_("\n'outcall help COMMAND' says more about one.\n"), stdout);
}

/* --- Options ----------------------------------------------------------------------- */

static int
print_command_help (OcCli *cli, GOptionContext *context)
{
  const OcCliCommand *command = cli->command;
  g_autofree char *options = NULL;
  g_autofree char *usage = NULL;

  if (command == NULL)
    {
      print_help (cli);
      return OC_EXIT_OK;
    }
  usage = g_strjoin (*command->name != '\0' ? " " : "", command->name,
                     command->usage != NULL ? _(command->usage) : NULL, NULL);
  printf (_("Usage: outcall %s\n"), usage);
  printf ("%s.\n", _(command->summary));
  if (command->details != NULL)
    printf ("\n%s\n", _(command->details));
  options = g_option_context_get_help (context, TRUE, NULL);
  /* GLib's text begins with a usage line of its own. */
  if (strstr (options, "\n\n") != NULL)
    fputs (strstr (options, "\n\n") + 1, stdout);
  return OC_EXIT_OK;
}

/* GLib's messages end without naming the command; ours does. */
static int
refuse_options (OcCli *cli, const GError *error)
{
  return oc_cli_usage_error (cli, "%s", error->message);
}

static void
drop_separator (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++)
    if (g_str_equal (argv[i], "--"))
      {
        memmove (argv + i, argv + i + 1, sizeof *argv * (gsize) (*argc - i));
        --*argc;
        return;
      }
}

static void
add_options (GArray *options, const GOptionEntry *entries)
{
  for (; entries != NULL && entries->long_name != NULL; entries++)
    g_array_append_val (options, *entries);
}

int
oc_cli_parse_options (OcCli *cli, const GOptionEntry *entries, OcCliParseFlags flags, int *argc,
                      char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *socket_path = NULL;
  gboolean help = FALSE;
  const GOptionEntry global[] = {
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &socket_path, N_("The daemon's socket"), N_("PATH") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &cli->json, N_("Print the data as JSON"), NULL },
    { "no-color", 0, 0, G_OPTION_ARG_NONE, &cli->no_color, N_("No colours"), NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &help, N_("This text"), NULL },
    { 0 },
  };

  if (cli->options != NULL)
    {
      cli->strict = (flags & OC_CLI_PARSE_STRICT) != 0;
      add_options (cli->options, entries);
      add_options (cli->options, global);
      return OC_EXIT_OK;
    }
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, (flags & OC_CLI_PARSE_STRICT) != 0);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, global, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, &error))
    return refuse_options (cli, error);
  if (help)
    return print_command_help (cli, context);
  drop_separator (argc, *argv);
  if (socket_path != NULL)
    {
      g_free (cli->socket_path);
      cli->socket_path = g_steal_pointer (&socket_path);
    }
  return -1;
}

/* --- Finding the command --------------------------------------------------------- */

/* The command whose name is the first words of @argv, the longest first.
 * @out_words: how many it takes */
static const OcCliCommand *
find_command (OcCli *cli, int argc, char **argv, int *out_words)
{
  for (int words = MIN (argc, 2); words > 0; words--)
    {
      g_autofree char *name = words == 2 ? g_strjoin (" ", argv[0], argv[1], NULL)
                                         : g_strdup (argv[0]);

      for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
        if (g_str_equal (c->name, name))
          {
            *out_words = words;
            return c;
          }
    }
  return NULL;
}

static gboolean
is_group (OcCli *cli, const char *word)
{
  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (oc_cli_starts_with_words (c->name, word))
      return TRUE;
  return FALSE;
}

static int
unknown_command (OcCli *cli, int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *word = NULL;
  const char *near;
  gboolean group = is_group (cli, argv[0]);

  if (group && argc == 1)
    {
      fprintf (stderr, _("outcall: '%s' needs one more word:\n"), argv[0]);
      print_commands (cli, argv[0], stderr);
      return OC_EXIT_USAGE;
    }
  word = group ? g_strjoin (" ", argv[0], argv[1], NULL) : g_strdup (argv[0]);
  for (const OcCliCommand *c = cli->commands; c->name != NULL; c++)
    if (*c->name != '\0')
      g_ptr_array_add (names, (gpointer) c->name);
  g_ptr_array_add (names, (gpointer) "help");
  g_ptr_array_add (names, NULL);
  near = oc_cli_did_you_mean (word, (const char *const *) names->pdata);
  if (near != NULL)
    return oc_cli_usage_error (cli, _("there is no command '%s'; did you mean '%s'?"), word, near);
  return oc_cli_usage_error (cli, _("there is no command '%s'"), word);
}

static int
run_command (OcCli *cli, int argc, char **argv)
{
  int words = 0;

  cli->command = find_command (cli, argc, argv, &words);
  if (cli->command == NULL)
    return unknown_command (cli, argc, argv);
  return cli->command->handler (cli, argc - words + 1, argv + words - 1);
}

static int
help_on (OcCli *cli, int argc, char **argv)
{
  char *with_help[] = { argc > 0 ? argv[0] : NULL, argc > 1 ? argv[1] : (char *) "--help",
                        (char *) "--help", NULL };

  if (argc == 0)
    {
      print_help (cli);
      return OC_EXIT_OK;
    }
  if (argc == 1 && is_group (cli, argv[0]))
    {
      int words = 0;

      if (find_command (cli, argc, argv, &words) == NULL)
        {
          printf (_("Commands of 'outcall %s':\n"), argv[0]);
          print_commands (cli, argv[0], stdout);
          return OC_EXIT_OK;
        }
    }
  return run_command (cli, MIN (argc, 2) + 1, with_help);
}

static int
run (OcCli *cli, int argc, char **argv)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_("The version"), NULL },
    { 0 },
  };
  char *bare[] = { (char *) "", NULL };
  int code;

  /* Its words are not ours to parse. */
  if (argc > 1 && g_str_equal (argv[1], "__complete"))
    return oc_cli_complete (cli, argc - 2, argv + 2);
  code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_STRICT, &argc, &argv);
  if (code >= 0)
    return code;
  if (version)
    {
      printf ("outcall %s\n", PACKAGE_VERSION);
      return OC_EXIT_OK;
    }
  if (argc == 1)
    return run_command (cli, 1, bare);
  if (g_str_equal (argv[1], "help"))
    return help_on (cli, argc - 2, argv + 2);
  return run_command (cli, argc - 1, argv + 1);
}

int
oc_cli_main (int argc, char **argv, const OcCliCommand *commands)
{
  OcCli cli = { .commands = commands, .socket_path = g_strdup (OUTCALL_DEFAULT_HOST_SOCKET) };
  /* The handlers move pointers in the vector, so it is a copy. */
  g_autofree char **args = g_memdup2 (argv, sizeof *argv * (gsize) (argc + 1));
  int code = run (&cli, argc, args);

  /* A full disk or a closed pipe must not look like success. */
  if (fflush (stdout) != 0 && code == OC_EXIT_OK)
    code = oc_cli_error (_("cannot write the result: %s"), g_strerror (errno));
  g_free (cli.socket_path);
  return code;
}
