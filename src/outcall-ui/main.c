/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <outcall-api/constants.h>
#include <stdlib.h>

#define EXIT_USAGE 2

static char *opt_socket;
static int opt_port = OC_UI_DEFAULT_PORT;
static gboolean opt_no_open;
static gboolean opt_version;

static const GOptionEntry entries[] = {
  { "socket", 0, 0, G_OPTION_ARG_FILENAME, &opt_socket, N_("Host socket of outcalld"), N_("PATH") },
  { "port", 0, 0, G_OPTION_ARG_INT, &opt_port,
    N_("First port to try on 127.0.0.1; 0 takes any free one"), N_("PORT") },
  { "no-open", 0, 0, G_OPTION_ARG_NONE, &opt_no_open, N_("Only print the address"), NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &opt_version, N_("Print the version and exit"), NULL },
  G_OPTION_ENTRY_NULL,
};

static gboolean
on_signal (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
parse_options (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, _("Shows what Outcall does, in a browser on this machine."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("unexpected argument “%s”"),
                 (*argv)[1]);
  else if (opt_port < 0 || opt_port > G_MAXUINT16)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _("port must be 0 to 65535, not %d"), opt_port);
  else
    return TRUE;
  return FALSE;
}

/* Prints the address, which is all that is needed; a browser that does not open is
 * not an error. */
static char *
announce (OcUi *ui)
{
  g_autoptr (GError) error = NULL;
  char *redirect = NULL;

  g_print (_("Dashboard: %s\n"), oc_ui_get_address (ui));
  if (!opt_no_open && !oc_ui_open_browser (ui, &redirect, &error))
    g_printerr (_("outcall-ui: no browser opened (%s); open the address above yourself\n"),
                error->message);
  return redirect;
}

static int
run (OcUi *ui)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *redirect = NULL;

  g_unix_signal_add (SIGHUP, on_signal, loop); /* the terminal is closed */
  g_unix_signal_add (SIGINT, on_signal, loop);
  g_unix_signal_add (SIGTERM, on_signal, loop);
  redirect = announce (ui);
  g_main_loop_run (loop);
  if (redirect)
    (void) g_unlink (redirect);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OcUi) ui = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  if (!parse_options (&argc, &argv, &error))
    {
      g_printerr (_("outcall-ui: %s; see outcall-ui --help\n"), error->message);
      return EXIT_USAGE;
    }
  if (opt_version)
    {
      g_print ("outcall-ui %s\n", PACKAGE_VERSION);
      return EXIT_SUCCESS;
    }
  ui = oc_ui_new (opt_socket ? opt_socket : OUTCALL_DEFAULT_HOST_SOCKET, (guint16) opt_port, &error);
  if (ui)
    return run (ui);
  g_printerr (_("outcall-ui: %s\n"), error->message);
  return EXIT_FAILURE;
}
