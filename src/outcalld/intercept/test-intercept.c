/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "intercept/oc-intercept.h"

#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <gnutls/x509.h>
#include <string.h>
#include <unistd.h>

/* Of all tests: making it is what takes time. */
static char *ca_dir, *ca_cert, *ca_key;

static OcInterceptOptions
get_options (void)
{
  return (OcInterceptOptions) {
    .ca_cert = ca_cert,
    .ca_key = ca_key,
    .leaf_ttl_s = 86400,
    .body_cap = 65536,
    .trust_file = ca_cert,
  };
}

static OcIntercept *
open_intercept (const OcInterceptOptions *options)
{
  g_autoptr (GError) error = NULL;
  OcIntercept *intercept = oc_intercept_new (options, &error);

  g_assert_no_error (error);
  g_assert_nonnull (intercept);
  return intercept;
}

static OcIntercept *
open_default (void)
{
  const OcInterceptOptions options = get_options ();

  return open_intercept (&options);
}

static OcLeaf *
get_leaf (OcIntercept *intercept, const char *host)
{
  OcLeaf *leaf = oc_intercept_get_leaf (intercept, host, strlen (host));

  g_assert_nonnull (leaf);
  return leaf;
}

static void
ask (OcIntercept *intercept, const char *host)
{
  oc_leaf_unref (get_leaf (intercept, host));
}

static void
assert_stats (OcIntercept *intercept, guint64 hits, guint64 misses, gsize n_entries)
{
  OcInterceptStats stats;

  oc_intercept_get_stats (intercept, &stats);
  g_assert_cmpuint (stats.hits, ==, hits);
  g_assert_cmpuint (stats.misses, ==, misses);
  g_assert_cmpuint (stats.failures, ==, 0);
  g_assert_cmpuint (stats.n_entries, ==, n_entries);
  g_assert_cmpuint (stats.max_entries, ==, OC_INTERCEPT_LEAVES_MAX);
}

static gboolean
is_kept (OcIntercept *intercept, const char *host)
{
  OcInterceptStats before, after;

  oc_intercept_get_stats (intercept, &before);
  ask (intercept, host);
  oc_intercept_get_stats (intercept, &after);
  g_assert_cmpuint (after.hits + after.misses, ==, before.hits + before.misses + 1);
  return after.hits > before.hits;
}

static gnutls_x509_crt_t
import_ca (const OcIntercept *intercept)
{
  const char *pem = oc_intercept_get_ca_pem (intercept);
  gnutls_datum_t text = { (guchar *) pem, (unsigned int) strlen (pem) };
  gnutls_x509_crt_t crt;

  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_import (crt, &text, GNUTLS_X509_FMT_PEM), ==, 0);
  return crt;
}

/* @ca: that signed it */
static void
assert_good (const OcLeaf *leaf, gnutls_x509_crt_t ca, const char *host)
{
  gnutls_x509_crt_t crt;
  gnutls_datum_t der;
  unsigned int status = 1;

  g_assert_cmpint (gnutls_certificate_get_crt_raw (oc_leaf_get_credentials (leaf), 0, 0, &der),
                   ==, 0);
  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_import (crt, &der, GNUTLS_X509_FMT_DER), ==, 0);
  g_assert_true (gnutls_x509_crt_check_hostname (crt, host));
  g_assert_false (gnutls_x509_crt_check_hostname (crt, "other.example"));
  g_assert_cmpint (gnutls_x509_crt_verify (crt, &ca, 1, 0, &status), ==, 0);
  g_assert_cmpuint (status, ==, 0);
  gnutls_x509_crt_deinit (crt);
}

/* --- Options ---------------------------------------------------------------------- */

static void
test_options (void)
{
  OcIntercept *intercept = open_default ();
  g_autofree char *pem = NULL;

  g_assert_true (g_file_get_contents (ca_cert, &pem, NULL, NULL));
  g_assert_cmpuint (oc_intercept_get_body_cap (intercept), ==, 65536);
  g_assert_cmpuint (oc_intercept_get_leaf_ttl_s (intercept), ==, 86400);
  g_assert_cmpstr (oc_intercept_get_ca_pem (intercept), ==, pem);
  g_assert_cmpuint (oc_intercept_get_ca_info (intercept)->bits, ==, 384);
  g_assert_nonnull (oc_intercept_get_trust (intercept));
  g_assert_nonnull (oc_intercept_get_priority (intercept));
  assert_stats (intercept, 0, 0, 0);
  oc_intercept_free (intercept);
  oc_intercept_free (NULL);
}

static void
assert_refused (const OcInterceptOptions *options, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (oc_intercept_new (options, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_bad_options (void)
{
  g_autofree char *none = g_build_filename (ca_dir, "none", NULL);
  g_autofree char *empty = g_build_filename (ca_dir, "empty", NULL);
  OcInterceptOptions options = get_options ();

  options.ca_cert = none;
  assert_refused (&options, none);
  options = get_options ();
  options.ca_key = none;
  assert_refused (&options, none);
  options.ca_key = ca_cert; /* 0644 */
  assert_refused (&options, "its mode must be 0600");
  options = get_options ();
  options.ca_cert = ca_key;
  assert_refused (&options, ca_key);
  options = get_options ();
  options.trust_file = none;
  assert_refused (&options, "certificates that servers are trusted by");
  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  options.trust_file = empty;
  assert_refused (&options, "trust");
  g_assert_cmpint (g_unlink (empty), ==, 0);
}

/* --- The cache --------------------------------------------------------------------- */

static void
test_counters (void)
{
  OcIntercept *intercept = open_default ();
  OcLeaf *leaf = get_leaf (intercept, "a.example");
  OcLeaf *again, *other;
  gnutls_x509_crt_t ca = import_ca (intercept);

  assert_good (leaf, ca, "a.example");
  assert_stats (intercept, 0, 1, 1);
  again = get_leaf (intercept, "a.example");
  g_assert_true (leaf == again);
  assert_stats (intercept, 1, 1, 1);
  other = oc_intercept_get_leaf (intercept, "b.example and more", strlen ("b.example"));
  g_assert_nonnull (other);
  g_assert_true (other != leaf);
  assert_good (other, ca, "b.example");
  assert_stats (intercept, 1, 2, 2);
  oc_leaf_unref (leaf);
  oc_leaf_unref (again);
  oc_leaf_unref (other);
  g_assert_true (is_kept (intercept, "b.example"));
  gnutls_x509_crt_deinit (ca);
  oc_intercept_free (intercept);
}

static void
test_refused_hosts (void)
{
  OcIntercept *intercept = open_default ();
  g_autofree char *label = g_strnfill (63, 'x');
  g_autofree char *longest = g_strdup_printf ("%s.%s.%s.%s", label, label, label, label);
  g_autofree char *too_long = g_strconcat (longest, "x", NULL);

  g_assert_cmpuint (strlen (longest), ==, 255);
  g_assert_null (oc_intercept_get_leaf (intercept, "", 0));
  g_assert_null (oc_intercept_get_leaf (intercept, "a.example\0", 10));
  g_assert_null (oc_intercept_get_leaf (intercept, "a.example\0.evil.example", 23));
  g_assert_null (oc_intercept_get_leaf (intercept, "\0a.example", 10));
  g_assert_null (oc_intercept_get_leaf (intercept, too_long, strlen (too_long)));
  assert_stats (intercept, 0, 0, 0);
  ask (intercept, longest);
  assert_stats (intercept, 0, 1, 1);
  oc_intercept_free (intercept);
}

static void
test_oldest_goes (void)
{
  OcIntercept *intercept = open_default ();
  char host[32];

  for (guint i = 0; i < OC_INTERCEPT_LEAVES_MAX; i++)
    {
      g_snprintf (host, sizeof host, "h%u.example", i);
      ask (intercept, host);
    }
  assert_stats (intercept, 0, OC_INTERCEPT_LEAVES_MAX, OC_INTERCEPT_LEAVES_MAX);
  /* Used again, so the second is the oldest. */
  ask (intercept, "h0.example");
  ask (intercept, "one-more.example");
  assert_stats (intercept, 1, OC_INTERCEPT_LEAVES_MAX + 1, OC_INTERCEPT_LEAVES_MAX);
  g_assert_true (is_kept (intercept, "h0.example"));
  g_assert_true (is_kept (intercept, "h2.example"));
  g_assert_true (is_kept (intercept, "one-more.example"));
  g_assert_false (is_kept (intercept, "h1.example")); /* takes the place of the third */
  g_assert_false (is_kept (intercept, "h3.example"));
  g_assert_true (is_kept (intercept, "h2.example"));
  assert_stats (intercept, 5, OC_INTERCEPT_LEAVES_MAX + 3, OC_INTERCEPT_LEAVES_MAX);
  oc_intercept_free (intercept);
}

/* Neither a flush nor the end takes a leaf from who holds it. */
static void
test_flush (void)
{
  OcIntercept *intercept = open_default ();
  gnutls_x509_crt_t ca = import_ca (intercept);
  OcLeaf *held = get_leaf (intercept, "a.example");
  OcLeaf *after;

  ask (intercept, "b.example");
  g_assert_cmpuint (oc_intercept_flush (intercept), ==, 2);
  g_assert_cmpuint (oc_intercept_flush (intercept), ==, 0);
  assert_stats (intercept, 0, 2, 0);
  assert_good (held, ca, "a.example");
  after = get_leaf (intercept, "a.example");
  g_assert_true (after != held);
  assert_stats (intercept, 0, 3, 1);
  oc_intercept_free (intercept);
  assert_good (held, ca, "a.example");
  assert_good (after, ca, "a.example");
  oc_leaf_unref (held);
  oc_leaf_unref (after);
  gnutls_x509_crt_deinit (ca);
}

typedef struct
{
  OcIntercept *intercept;
  OcLeaf *first;
} Renewal;

static gboolean
is_renewed (gpointer user_data)
{
  Renewal *renewal = user_data;
  OcLeaf *leaf = get_leaf (renewal->intercept, "a.example");
  gboolean renewed = leaf != renewal->first;

  oc_leaf_unref (leaf);
  return renewed;
}

static void
test_renewal (void)
{
  OcInterceptOptions options = get_options ();
  Renewal renewal;
  OcInterceptStats stats;
  gint64 begin_us = g_get_monotonic_time ();

  options.leaf_ttl_s = 2;
  renewal.intercept = open_intercept (&options);
  renewal.first = get_leaf (renewal.intercept, "a.example");
  g_assert_true (oc_test_wait (is_renewed, &renewal));
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >, G_USEC_PER_SEC / 2);
  oc_intercept_get_stats (renewal.intercept, &stats);
  g_assert_cmpuint (stats.misses, ==, 2);
  g_assert_cmpuint (stats.n_entries, ==, 1);
  oc_leaf_unref (renewal.first);
  oc_intercept_free (renewal.intercept);
}

/* --- Threads ------------------------------------------------------------------------ */

#define N_THREADS 4
#define N_HOSTS 200

typedef struct
{
  OcIntercept *intercept;
  gnutls_x509_crt_t ca;
  gint n_waiting; /* atomic */
  OcLeaf *leaves[N_THREADS][N_HOSTS];
} Race;

typedef struct
{
  Race *race;
  guint i;
} Racer;

static gpointer
ask_all (gpointer data)
{
  Racer *racer = data;
  Race *race = racer->race;

  g_atomic_int_add (&race->n_waiting, -1);
  while (g_atomic_int_get (&race->n_waiting) > 0)
    g_thread_yield ();
  for (guint i = 0; i < N_HOSTS; i++)
    {
      char host[32];

      g_snprintf (host, sizeof host, "h%u.example", i);
      race->leaves[racer->i][i] = get_leaf (race->intercept, host);
      /* One of them takes away what the others have just been given. */
      if (racer->i == 0 && i % 60 == 59)
        (void) oc_intercept_flush (race->intercept);
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autofree Race *race = g_new0 (Race, 1);
  GThread *threads[N_THREADS];
  Racer racers[N_THREADS];
  OcInterceptStats stats;

  race->intercept = open_default ();
  race->ca = import_ca (race->intercept);
  race->n_waiting = N_THREADS;
  for (guint i = 0; i < N_THREADS; i++)
    {
      racers[i] = (Racer) { race, i };
      threads[i] = g_thread_new ("ask", ask_all, &racers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  oc_intercept_get_stats (race->intercept, &stats);
  g_assert_cmpuint (stats.hits + stats.misses, ==, N_THREADS * N_HOSTS);
  g_assert_cmpuint (stats.misses, >=, N_HOSTS);
  g_assert_cmpuint (stats.failures, ==, 0);
  /* What several made at once is there once. */
  for (guint i = 0; i < N_HOSTS; i++)
    {
      char host[32];

      g_snprintf (host, sizeof host, "h%u.example", i);
      ask (race->intercept, host);
    }
  g_assert_cmpuint (oc_intercept_flush (race->intercept), ==, N_HOSTS);
  for (guint i = 0; i < N_THREADS; i++)
    for (guint j = 0; j < N_HOSTS; j++)
      {
        char host[32];

        g_snprintf (host, sizeof host, "h%u.example", j);
        assert_good (race->leaves[i][j], race->ca, host);
        oc_leaf_unref (race->leaves[i][j]);
      }
  gnutls_x509_crt_deinit (race->ca);
  oc_intercept_free (race->intercept);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  ca_dir = g_dir_make_tmp ("outcall-intercept-XXXXXX", &error);
  g_assert_no_error (error);
  ca_cert = g_build_filename (ca_dir, OC_CA_CERT_NAME, NULL);
  ca_key = g_build_filename (ca_dir, OC_CA_KEY_NAME, NULL);
  g_assert_true (oc_ca_create (ca_dir, OC_CA_ECDSA, &error));
  g_test_add_func ("/intercept/options", test_options);
  g_test_add_func ("/intercept/bad-options", test_bad_options);
  g_test_add_func ("/intercept/counters", test_counters);
  g_test_add_func ("/intercept/refused-hosts", test_refused_hosts);
  g_test_add_func ("/intercept/oldest-goes", test_oldest_goes);
  g_test_add_func ("/intercept/flush", test_flush);
  g_test_add_func ("/intercept/renewal", test_renewal);
  g_test_add_func ("/intercept/threads", test_threads);
  status = g_test_run ();
  g_unlink (ca_cert);
  g_unlink (ca_key);
  g_rmdir (ca_dir);
  g_free (ca_cert);
  g_free (ca_key);
  g_free (ca_dir);
  return status;
}
