/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What making the CA and making certificates with it share. */

#include "ca/oc-ca.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#define OC_CA_SERIAL_LEN 16

typedef gnutls_x509_crt_t OcCrt;
typedef gnutls_x509_privkey_t OcKey;
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (OcCrt, gnutls_x509_crt_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (OcKey, gnutls_x509_privkey_deinit, NULL)

/* As oc_throw(), with the library's reason. Returns: FALSE */
gboolean oc_ca_throw (GError **error, int result, const char *what);
/* A random serial number and the id of @key in @crt. Returns: a GnuTLS result */
int oc_ca_set_identity (OcCrt crt, OcKey key);
int oc_ca_new_key (OcKey *out, gnutls_pk_algorithm_t algorithm, guint bits);
