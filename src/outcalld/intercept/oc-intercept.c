/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "intercept/oc-intercept.h"

#include "common/oc-error.h"

#include <string.h>

/* What is older than the library's defaults, or broken, is off; nothing else is chosen here. */
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM"
#define HOST_MAX 255

struct OcLeaf
{
  gatomicrefcount ref_count;
  char *host;
  gnutls_certificate_credentials_t credentials;
  gint64 renew_us; /* since the epoch, as in the certificate: also while a machine sleeps */
  GList link;      /* in the cache, newest first */
};

struct OcIntercept
{
  OcCa *ca;
  guint leaf_ttl_s;
  gsize body_cap;
  gnutls_certificate_credentials_t trust;
  gnutls_priority_t priority;

  GMutex making; /* the CA's key signs for one at a time; held for a signature */
  GMutex lock;   /* protects what follows; held for a look */
  GHashTable *leaves; /* host → OcLeaf, of which it has a reference */
  GQueue order;
  OcInterceptStats stats;
};

/* --- Life --------------------------------------------------------------------------- */

static void
leaf_forget (gpointer data)
{
  oc_leaf_unref (data);
}

static gboolean
load_trust (OcIntercept *intercept, const char *trust_file, GError **error)
{
  int result = gnutls_certificate_allocate_credentials (&intercept->trust);

  if (result >= 0)
    result = trust_file != NULL
                 ? gnutls_certificate_set_x509_trust_file (intercept->trust, trust_file,
                                                           GNUTLS_X509_FMT_PEM)
                 : gnutls_certificate_set_x509_system_trust (intercept->trust);
  if (result < 0)
    return oc_throw (error, "certificates that servers are trusted by: %s",
                     gnutls_strerror (result));
  if (result == 0)
    return oc_throw (error, "this system trusts no certificate authority (ca-certificates)");
  result = gnutls_priority_init (&intercept->priority, PRIORITY, NULL);
  return result >= 0 || oc_throw (error, "TLS: %s", gnutls_strerror (result));
}

OcIntercept *
oc_intercept_new (const OcInterceptOptions *options, GError **error)
{
  OcIntercept *intercept = g_new0 (OcIntercept, 1);

  intercept->leaf_ttl_s = options->leaf_ttl_s;
  intercept->body_cap = options->body_cap;
  g_mutex_init (&intercept->making);
  g_mutex_init (&intercept->lock);
  g_queue_init (&intercept->order);
  intercept->leaves = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, leaf_forget);
  intercept->ca = oc_ca_load (options->ca_cert, options->ca_key, error);
  if (intercept->ca == NULL || !load_trust (intercept, options->trust_file, error))
    {
      oc_intercept_free (intercept);
      return NULL;
    }
  return intercept;
}

void
oc_intercept_free (OcIntercept *intercept)
{
  if (intercept == NULL)
    return;
  (void) oc_intercept_flush (intercept);
  g_hash_table_unref (intercept->leaves);
  g_mutex_clear (&intercept->making);
  g_mutex_clear (&intercept->lock);
  oc_ca_free (intercept->ca);
  if (intercept->trust != NULL)
    gnutls_certificate_free_credentials (intercept->trust);
  if (intercept->priority != NULL)
    gnutls_priority_deinit (intercept->priority);
  g_free (intercept);
}

gsize
oc_intercept_get_body_cap (const OcIntercept *intercept)
{
  return intercept->body_cap;
}

guint
oc_intercept_get_leaf_ttl_s (const OcIntercept *intercept)
{
  return intercept->leaf_ttl_s;
}

const char *
oc_intercept_get_ca_pem (const OcIntercept *intercept)
{
  return oc_ca_get_pem (intercept->ca);
}

const OcCaInfo *
oc_intercept_get_ca_info (const OcIntercept *intercept)
{
  return oc_ca_get_info (intercept->ca);
}

gnutls_certificate_credentials_t
oc_intercept_get_trust (const OcIntercept *intercept)
{
  return intercept->trust;
}

gnutls_priority_t
oc_intercept_get_priority (const OcIntercept *intercept)
{
  return intercept->priority;
}

/* --- Leaves -------------------------------------------------------------------------- */

static OcLeaf *
leaf_ref (OcLeaf *leaf)
{
  g_atomic_ref_count_inc (&leaf->ref_count);
  return leaf;
}

void
oc_leaf_unref (OcLeaf *leaf)
{
  if (!g_atomic_ref_count_dec (&leaf->ref_count))
    return;
  gnutls_certificate_free_credentials (leaf->credentials);
  g_free (leaf->host);
  g_free (leaf);
}

gnutls_certificate_credentials_t
oc_leaf_get_credentials (const OcLeaf *leaf)
{
  return leaf->credentials;
}

/* With the lock held. */
static void
drop (OcIntercept *intercept, OcLeaf *leaf)
{
  g_queue_unlink (&intercept->order, &leaf->link);
  g_hash_table_remove (intercept->leaves, leaf->host);
}

/* Returns: (transfer full) (nullable) */
static OcLeaf *
find (OcIntercept *intercept, const char *host)
{
  OcLeaf *leaf;

  g_mutex_lock (&intercept->lock);
  leaf = g_hash_table_lookup (intercept->leaves, host);
  if (leaf != NULL && g_get_real_time () >= leaf->renew_us)
    {
      drop (intercept, leaf);
      leaf = NULL;
    }
  if (leaf != NULL)
    {
      g_queue_unlink (&intercept->order, &leaf->link);
      g_queue_push_head_link (&intercept->order, &leaf->link);
      leaf_ref (leaf);
    }
  intercept->stats.hits += leaf != NULL;
  intercept->stats.misses += leaf == NULL;
  g_mutex_unlock (&intercept->lock);
  return leaf;
}

static void
keep (OcIntercept *intercept, OcLeaf *leaf)
{
  OcLeaf *old;

  g_mutex_lock (&intercept->lock);
  old = g_hash_table_lookup (intercept->leaves, leaf->host);
  if (old != NULL)
    drop (intercept, old); /* another thread made one meanwhile */
  while (intercept->order.length >= OC_INTERCEPT_LEAVES_MAX)
    drop (intercept, intercept->order.tail->data);
  g_hash_table_insert (intercept->leaves, leaf->host, leaf_ref (leaf));
  g_queue_push_head_link (&intercept->order, &leaf->link);
  g_mutex_unlock (&intercept->lock);
}

static void
count_failure (OcIntercept *intercept)
{
  g_mutex_lock (&intercept->lock);
  intercept->stats.failures++;
  g_mutex_unlock (&intercept->lock);
}

/* Renewed with a tenth of its life left, or an hour if that is less; of the CA's own end
 * nobody needs to know, since it signs nothing beyond it. */
static gint64
get_renewal_us (const OcIntercept *intercept)
{
  gint64 now_us = g_get_real_time ();
  gint64 life_us = MIN ((gint64) intercept->leaf_ttl_s * G_USEC_PER_SEC,
                        oc_ca_get_info (intercept->ca)->not_after_us - now_us);
  gint64 early_us = MIN (life_us / 10, (gint64) 3600 * G_USEC_PER_SEC);

  return now_us + life_us - early_us;
}

static OcLeaf *
make (OcIntercept *intercept, const char *host)
{
  gnutls_certificate_credentials_t credentials;
  OcLeaf *leaf;

  g_mutex_lock (&intercept->making);
  credentials = oc_ca_make_credentials (intercept->ca, host, intercept->leaf_ttl_s);
  g_mutex_unlock (&intercept->making);
  if (credentials == NULL)
    {
      count_failure (intercept);
      return NULL;
    }
  leaf = g_new0 (OcLeaf, 1);
  g_atomic_ref_count_init (&leaf->ref_count);
  leaf->host = g_strdup (host);
  leaf->credentials = credentials;
  leaf->renew_us = get_renewal_us (intercept);
  leaf->link.data = leaf;
  keep (intercept, leaf);
  return leaf;
}

OcLeaf *
oc_intercept_get_leaf (OcIntercept *intercept, const char *host, gsize len)
{
  char name[HOST_MAX + 1];
  OcLeaf *leaf;

  if (len == 0 || len > HOST_MAX || memchr (host, '\0', len) != NULL)
    return NULL;
  memcpy (name, host, len);
  name[len] = '\0';
  leaf = find (intercept, name);
  return leaf != NULL ? leaf : make (intercept, name);
}

void
oc_intercept_get_stats (OcIntercept *intercept, OcInterceptStats *out)
{
  g_mutex_lock (&intercept->lock);
  *out = intercept->stats;
  out->n_entries = intercept->order.length;
  out->max_entries = OC_INTERCEPT_LEAVES_MAX;
  g_mutex_unlock (&intercept->lock);
}

gsize
oc_intercept_flush (OcIntercept *intercept)
{
  gsize n;

  g_mutex_lock (&intercept->lock);
  n = intercept->order.length;
  while (intercept->order.head != NULL)
    drop (intercept, intercept->order.head->data);
  g_mutex_unlock (&intercept->lock);
  return n;
}
