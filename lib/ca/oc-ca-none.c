/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Built without interception (--disable-intercept).
 */
#include "config.h"

#include "ca/oc-ca.h"

#include "common/oc-error.h"

gboolean
oc_ca_create (const char *dir, OcCaAlgorithm algorithm, GError **error)
{
  return oc_throw_code (error, G_IO_ERROR_NOT_SUPPORTED, "built without interception");
}

OcCa *
oc_ca_load (const char *cert_path, const char *key_path, GError **error)
{
  return oc_throw_code_null (error, G_IO_ERROR_NOT_SUPPORTED, "built without interception");
}

void
oc_ca_free (OcCa *ca)
{
  g_assert (ca == NULL);
}

const char *
oc_ca_get_pem (const OcCa *ca)
{
  g_assert_not_reached ();
}

const OcCaInfo *
oc_ca_get_info (const OcCa *ca)
{
  g_assert_not_reached ();
}
