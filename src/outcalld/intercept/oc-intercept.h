/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the proxy opens connections with: the CA, the certificates that were
 * made with it (least recently used out), and the trust in real servers.
 */

#include "ca/oc-ca.h"

#define OC_INTERCEPT_LEAVES_MAX 1024

typedef struct OcIntercept OcIntercept;
typedef struct OcLeaf OcLeaf; /* reference counted, immutable, any thread */

typedef struct
{
  const char *ca_cert, *ca_key;
  guint leaf_ttl_s;       /* how long a certificate is good for */
  gsize body_cap;         /* of a request, that a rule may see; bytes */
  const char *trust_file; /* (nullable): the system's store; else PEM, for this project's tests */
} OcInterceptOptions;

/* Thread: main. */
OcIntercept *oc_intercept_new (const OcInterceptOptions *options, GError **error);
/* Leaves that are still held stay good. */
void oc_intercept_free (OcIntercept *intercept);

gsize oc_intercept_get_body_cap (const OcIntercept *intercept);
guint oc_intercept_get_leaf_ttl_s (const OcIntercept *intercept);
const char *oc_intercept_get_ca_pem (const OcIntercept *intercept);
const OcCaInfo *oc_intercept_get_ca_info (const OcIntercept *intercept);

typedef struct
{
  guint64 hits, misses, failures;
  gsize n_entries, max_entries;
} OcInterceptStats;

/* Thread: any. */
void oc_intercept_get_stats (OcIntercept *intercept, OcInterceptStats *out);
/* Returns: how many certificates went. Thread: any. */
gsize oc_intercept_flush (OcIntercept *intercept);

#ifdef OC_HAVE_INTERCEPT

/* A certificate for @host, with a tenth of its life left, or an hour if that is less.
 * Returns: (transfer full); NULL: it could not be made. Thread: any. */
OcLeaf *oc_intercept_get_leaf (OcIntercept *intercept, const char *host, gsize len);
gnutls_certificate_credentials_t oc_leaf_get_credentials (const OcLeaf *leaf);
void oc_leaf_unref (OcLeaf *leaf);

/* For sessions with servers. */
gnutls_certificate_credentials_t oc_intercept_get_trust (const OcIntercept *intercept);
/* TLS 1.2 and 1.3, either side. */
gnutls_priority_t oc_intercept_get_priority (const OcIntercept *intercept);

#endif
