/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-bundle.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <fcntl.h>

const char *const oc_bundle_variables[] = { "SSL_CERT_FILE",       "NODE_EXTRA_CA_CERTS",
                                            "REQUESTS_CA_BUNDLE",  "GIT_SSL_CAINFO",
                                            "CURL_CA_BUNDLE",      NULL };

/* Where distributions keep it. */
static char *
read_system_bundle (gsize *out_len)
{
  static const char *const paths[]
      = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
          "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };
  char *text = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (g_file_get_contents (paths[i], &text, out_len, NULL))
      return text;
  *out_len = 0;
  return g_strdup ("");
}

gboolean
oc_bundle_write (const char *dir, const char *ca_pem, GError **error)
{
  oc_autofd int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autofree char *system = NULL;
  g_autofree char *both = NULL;
  gsize len;

  if (fd < 0)
    return oc_throw_errno (error, "%s", dir);
  if (ca_pem == NULL)
    return oc_file_remove (fd, OC_BUNDLE_NAME, error);
  system = read_system_bundle (&len);
  both = g_strconcat (system, len > 0 && system[len - 1] != '\n' ? "\n" : "", ca_pem, NULL);
  return oc_file_replace_for_boot (fd, OC_BUNDLE_NAME, both, strlen (both), 0644, error);
}
