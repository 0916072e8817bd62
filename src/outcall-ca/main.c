/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * outcall-ca DIR ecdsa|rsa: what `outcall ca init` runs. A program of its own,
 * so that no other command waits for the TLS library to be loaded.
 */
#include "config.h"

#include "ca/oc-ca.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  if (argc != 3)
    {
      g_printerr ("usage: outcall-ca DIR ecdsa|rsa\n");
      return 2;
    }
  if (oc_ca_create (argv[1], g_str_equal (argv[2], "rsa") ? OC_CA_RSA : OC_CA_ECDSA, &error))
    return EXIT_SUCCESS;
  g_printerr ("outcall: %s\n", error->message);
  return EXIT_FAILURE;
}
