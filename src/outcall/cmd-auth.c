/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Secrets that the proxy puts into requests, so that no agent has them. They
 * are files that only root may read; what an agent has is a placeholder.
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "common/oc-fd.h"
#include "common/oc-file.h"
#include "outcall-api/outcall-api.h"
#include "secrets/oc-secrets.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>

#define DEFAULT_DIR SYSCONFDIR "/outcall/secrets.d"

static const char dir_help[] = N_("Folder of the secrets");

/* --- What they are for -------------------------------------------------------------- */

/* Known services: who knows none writes the rule by hand. */
static const struct
{
  const char *secret, *variable, *host, *header, *value;
} services[] = {
  { "anthropic", "ANTHROPIC_API_KEY", "api.anthropic.com", "x-api-key", "" },
  { "openai", "OPENAI_API_KEY", "api.openai.com", "authorization", "Bearer " },
  { "github", "GITHUB_TOKEN", "api.github.com", "authorization", "Bearer " },
};

static void
print_use (const char *name)
{
  const char *variable = "API_KEY", *host = "api.example.com", *header = "authorization",
             *value = "Bearer ";

  for (gsize i = 0; i < G_N_ELEMENTS (services); i++)
    if (g_str_equal (services[i].secret, name))
      {
        variable = services[i].variable;
        host = services[i].host;
        header = services[i].header;
        value = services[i].value;
      }
  printf (_("The agent gets a placeholder in its place:\n"));
  printf ("\n    outcall run --env %s=%s%s …\n\n", variable, OC_SECRET_PLACEHOLDER_PREFIX, name);
  printf (_("A rule puts it in, once outcalld has a CA (outcall ca init):\n"));
  printf ("\n    version: \"1\"\n    rules:\n      - id: %s\n        hosts: [%s]\n"
          "        action: allow\n        egress:\n          mode: intercept\n"
          "          inject:\n            headers: { %s: \"%s${secret:%s}\" }\n",
          name, host, header, value, name);
}

/* --- auth list ------------------------------------------------------------------------ */

int
oc_cmd_auth_list (OcCli *cli, int argc, char **argv)
{
  const char *const headings[] = { _("NAME"), _("PLACEHOLDER"), NULL };
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallSecrets) secrets = NULL;
  g_autoptr (OcTable) table = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/secrets", &data);

  if (code >= 0)
    return code;
  secrets = outcall_secrets_from_json (data, &error);
  if (secrets == NULL)
    return oc_cli_bad_answer (cli, error);
  if (secrets->n_names == 0)
    {
      puts (_("There are no secrets. To add one: sudo outcall auth add NAME"));
      return OC_EXIT_OK;
    }
  table = oc_table_new (cli, headings);
  for (gsize i = 0; i < secrets->n_names; i++)
    {
      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, secrets->names[i]);
      oc_table_add_cell_printf (table, OC_STYLE_PLAIN, OC_SECRET_PLACEHOLDER_PREFIX "%s",
                                secrets->names[i]);
    }
  oc_table_print (table);
  return OC_EXIT_OK;
}

/* --- What both of the others need ------------------------------------------------------ */

/* Returns: -1 to go on, else the exit code. */
static int
take_name (OcCli *cli, int argc, char **argv, const char **out)
{
  if (argc > 2)
    return oc_cli_refuse_arguments (cli, argc - 1, argv + 1);
  if (argc < 2)
    return oc_cli_usage_error (cli, _("a NAME is needed"));
  if (!oc_secret_name_is_valid (oc_str_from (argv[1])))
    return oc_cli_usage_error (
        cli, _("'%s' cannot be a secret's name: lower case letters, digits, '-' and '_'"),
        argv[1]);
  *out = argv[1];
  return -1;
}

/* Has the daemon read them; one that does not run will. */
static int
reload (OcCli *cli)
{
  g_autofree char *error = NULL;

  if (oc_cli_try_call (cli, "POST", "/api/v1/rules/reload", NULL, NULL, &error))
    return OC_EXIT_OK;
  if (cli->status != 0)
    return oc_cli_error ("%s", error);
  fprintf (stderr, _("outcall: %s; the change counts when it starts\n"), error);
  return OC_EXIT_OK;
}

static int
fail_errno (const char *path)
{
  if (errno == EACCES || errno == EPERM)
    return oc_cli_error (_("%s: only root may do this; try it with sudo"), path);
  return oc_cli_error ("%s: %s", path, g_strerror (errno));
}

static void
print_name_as_json (const char *name)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *placeholder = g_strconcat (OC_SECRET_PLACEHOLDER_PREFIX, name, NULL);
  g_autoptr (JsonNode) node = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  json_builder_add_string_value (builder, name);
  json_builder_set_member_name (builder, "placeholder");
  json_builder_add_string_value (builder, placeholder);
  json_builder_end_object (builder);
  node = json_builder_get_root (builder);
  oc_cli_print_json (node);
}

/* --- auth add ------------------------------------------------------------------------ */

/* A line of a terminal, or all of what else standard input is. Returns: FALSE with errno */
static gboolean
read_input (const char *name, char *out, gsize size, gsize *out_len)
{
  struct termios before, quiet;
  ssize_t n;

  if (tcgetattr (STDIN_FILENO, &before) < 0)
    return oc_file_read_all (STDIN_FILENO, out, size, out_len);
  quiet = before;
  quiet.c_lflag &= ~(tcflag_t) ECHO;
  (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, &quiet);
  fprintf (stderr, _("Value of %s (it is not shown): "), name);
  n = read (STDIN_FILENO, out, size); /* one line, as terminals do */
  (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
  fputc ('\n', stderr);
  *out_len = (gsize) MAX (n, 0);
  return n >= 0;
}

/* Into @out (OC_SECRET_VALUE_MAX + 2 octets), without the line feed at its end. What the daemon
 * will not take is refused: it would refuse all secrets for the sake of one.
 * Returns: its length, 0 after the reason has been printed. */
static gsize
read_value (const char *name, char *out)
{
  gsize len = 0;

  if (!read_input (name, out, OC_SECRET_VALUE_MAX + 2, &len))
    {
      oc_cli_error ("%s", g_strerror (errno));
      return 0;
    }
  if (len > 0 && out[len - 1] == '\n')
    len--;
  if (len == 0)
    oc_cli_error (_("the value is read from standard input, and there was none"));
  else if (oc_secret_check_value (oc_str (out, len)) != NULL)
    oc_cli_error (_("a secret is one line of at most %d octets, without control characters"),
                  OC_SECRET_VALUE_MAX);
  else
    return len;
  return 0;
}

static int
write_value (const char *dir, const char *name, gboolean replace, const char *value, gsize len)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *parent = g_path_get_dirname (dir);
  g_autoptr (GError) error = NULL;
  oc_autofd int fd = -1;

  /* The folders above are for others too. */
  if (g_mkdir_with_parents (parent, 0755) < 0 || (mkdir (dir, 0700) < 0 && errno != EEXIST))
    return fail_errno (dir);
  fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail_errno (dir);
  if (!replace && faccessat (fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return oc_cli_error (_("there is a secret '%s'; --replace replaces it"), name);
  if (faccessat (fd, ".", W_OK, AT_EACCESS) < 0)
    return fail_errno (path);
  if (!oc_file_replace (fd, name, value, len, 0600, &error))
    return oc_cli_error ("%s: %s", path, error->message);
  return OC_EXIT_OK;
}

int
oc_cmd_auth_add (OcCli *cli, int argc, char **argv)
{
  g_autofree char *dir = NULL;
  gboolean replace = FALSE;
  const GOptionEntry entries[] = {
    { "replace", 0, 0, G_OPTION_ARG_NONE, &replace, N_("Replace one that is there"), NULL },
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &dir, dir_help, N_("DIR") },
    { 0 },
  };
  char value[OC_SECRET_VALUE_MAX + 2];
  const char *name = NULL;
  gsize len;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc, argv, &name);
  if (code >= 0)
    return code;
  len = read_value (name, value);
  code = len > 0 ? write_value (dir != NULL ? dir : DEFAULT_DIR, name, replace, value, len)
                 : OC_EXIT_FAILED;
  explicit_bzero (value, sizeof value);
  if (code == OC_EXIT_OK)
    code = reload (cli);
  if (code == OC_EXIT_OK && cli->json)
    print_name_as_json (name);
  else if (code == OC_EXIT_OK)
    print_use (name);
  return code;
}

/* --- auth remove ---------------------------------------------------------------------- */

int
oc_cmd_auth_remove (OcCli *cli, int argc, char **argv)
{
  g_autofree char *dir = NULL;
  g_autofree char *path = NULL;
  const GOptionEntry entries[] = {
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &dir, dir_help, N_("DIR") },
    { 0 },
  };
  const char *name = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_name (cli, argc, argv, &name);
  if (code >= 0)
    return code;
  path = g_build_filename (dir != NULL ? dir : DEFAULT_DIR, name, NULL);
  if (unlink (path) < 0)
    return errno == ENOENT ? oc_cli_error (_("there is no secret '%s'"), name) : fail_errno (path);
  code = reload (cli);
  if (code == OC_EXIT_OK && cli->json)
    print_name_as_json (name);
  return code;
}
