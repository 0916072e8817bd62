/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Built without interception (--disable-intercept): there is never one.
 */
#include "config.h"

#include "intercept/oc-intercept.h"

#include "common/oc-error.h"

OcIntercept *
oc_intercept_new (const OcInterceptOptions *options, GError **error)
{
  return oc_throw_code_null (error, G_IO_ERROR_NOT_SUPPORTED,
                             "ca-cert: this outcalld was built without interception");
}

void
oc_intercept_free (OcIntercept *intercept)
{
  g_assert (intercept == NULL);
}

gsize
oc_intercept_get_body_cap (const OcIntercept *intercept)
{
  g_assert_not_reached ();
}

guint
oc_intercept_get_leaf_ttl_s (const OcIntercept *intercept)
{
  g_assert_not_reached ();
}

const char *
oc_intercept_get_ca_pem (const OcIntercept *intercept)
{
  g_assert_not_reached ();
}

const OcCaInfo *
oc_intercept_get_ca_info (const OcIntercept *intercept)
{
  g_assert_not_reached ();
}

void
oc_intercept_get_stats (OcIntercept *intercept, OcInterceptStats *out)
{
  g_assert_not_reached ();
}

gsize
oc_intercept_flush (OcIntercept *intercept)
{
  g_assert_not_reached ();
}
