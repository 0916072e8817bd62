/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The certificate authority for connections that are opened: made by the
 * command line, read by the daemon, which signs a certificate for each host.
 */

#include <gio/gio.h>

#define OC_CA_CERT_NAME "ca.crt"
#define OC_CA_KEY_NAME "ca.key"
#define OC_CA_DAYS 3650

typedef enum
{
  OC_CA_ECDSA, /* P-384 */
  OC_CA_RSA,   /* 4096 bits */
} OcCaAlgorithm;

/* Makes a certificate and its key (0600) in @dir, which is there; files that are there
 * already are never touched. After a failure neither is left. */
gboolean oc_ca_create (const char *dir, OcCaAlgorithm algorithm, GError **error);

typedef struct OcCa OcCa;

typedef struct
{
  char *subject;
  const char *algorithm; /* "ECDSA", "RSA", …: static */
  guint bits;
  char *fingerprint; /* SHA-256 of the certificate, in hex */
  gint64 not_before_us, not_after_us; /* since the epoch */
} OcCaInfo;

/* Refused: a key that others could read, that is not a plain file of this user's, or not the
 * certificate's; a certificate that is not for signing, or out of date. */
OcCa *oc_ca_load (const char *cert_path, const char *key_path, GError **error);
void oc_ca_free (OcCa *ca);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcCa, oc_ca_free)
/* The certificate. Borrowed. */
const char *oc_ca_get_pem (const OcCa *ca);
const OcCaInfo *oc_ca_get_info (const OcCa *ca);

#ifdef OC_HAVE_INTERCEPT
#include <gnutls/gnutls.h>

/* What a server for @host, a name or an address, shows: the certificate, this CA's behind it
 * unless it is a root, and a key (P-256) that is the same for all hosts. Thread: any.
 * @ttl_s: never beyond the CA's own end
 * Returns: (transfer full) (nullable): NULL when it could not be made */
gnutls_certificate_credentials_t oc_ca_make_credentials (const OcCa *ca, const char *host,
                                                         guint ttl_s);
#endif
