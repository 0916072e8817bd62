/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* TLS for the proxy's tests: over a descriptor, as plain bytes over another, so
 * that clients and servers that know nothing of it can be used.
 */

#include "intercept/oc-intercept.h"

/* Shakes hands over @fd, which is taken, as are @session and @leaf (nullable).
 * Returns: a descriptor for plain bytes; -1 when the handshake failed. */
int px_tls_speak (int fd, gnutls_session_t session, OcLeaf *leaf);

/* What a server for @host shows: signed by the CA in @ca_dir, for @purpose (an OID). */
gnutls_certificate_credentials_t px_tls_make_credentials (const char *ca_dir, const char *host,
                                                          const char *purpose, gboolean expired);
