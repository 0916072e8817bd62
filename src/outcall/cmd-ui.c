/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include <errno.h>
#include <unistd.h>

/* Beside this program when it is there (a build tree, a prefix of one's own), else
 * where it was to be installed. */
static char *
find_program (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = self != NULL ? g_path_get_dirname (self) : NULL;
  g_autofree char *beside = dir != NULL ? g_build_filename (dir, "outcall-ui", NULL) : NULL;

  if (beside != NULL && access (beside, X_OK) == 0)
    return g_steal_pointer (&beside);
  return g_strdup (BINDIR "/outcall-ui");
}

int
oc_cmd_ui (OcCli *cli, int argc, char **argv)
{
  g_autofree char *port = NULL;
  gboolean no_open = FALSE;
  const GOptionEntry entries[] = {
    { "port", 'p', 0, G_OPTION_ARG_STRING, &port, N_("Port on the loopback address"), N_("PORT") },
    { "no-open", 0, 0, G_OPTION_ARG_NONE, &no_open, N_("Only print the address"), NULL },
    { 0 },
  };
  g_autofree char *program = find_program ();
  g_autoptr (GPtrArray) args = g_ptr_array_new ();
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  g_ptr_array_add (args, program);
  g_ptr_array_add (args, (gpointer) "--socket");
  g_ptr_array_add (args, cli->socket_path);
  if (port != NULL)
    {
      g_ptr_array_add (args, (gpointer) "--port");
      g_ptr_array_add (args, port);
    }
  if (no_open)
    g_ptr_array_add (args, (gpointer) "--no-open");
  g_ptr_array_add (args, NULL);
  (void) execv (program, (char **) args->pdata); /* returns on failure only */
  return oc_cli_error (_("cannot start %s: %s"), program, g_strerror (errno));
}
