/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "ca/oc-ca.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S (24 * 60 * 60)
#define TTL_S 86400

typedef struct
{
  char *dir, *cert, *key;
} Fixture;

static void
set_up (Fixture *fx, gconstpointer data)
{
  fx->dir = g_dir_make_tmp ("outcall-ca-XXXXXX", NULL);
  g_assert_nonnull (fx->dir);
  fx->cert = g_build_filename (fx->dir, OC_CA_CERT_NAME, NULL);
  fx->key = g_build_filename (fx->dir, OC_CA_KEY_NAME, NULL);
}

static void
tear_down (Fixture *fx, gconstpointer data)
{
  GDir *listing = g_dir_open (fx->dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (listing)) != NULL)
    {
      g_autofree char *path = g_build_filename (fx->dir, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_dir_close (listing);
  g_assert_cmpint (g_rmdir (fx->dir), ==, 0);
  g_free (fx->dir);
  g_free (fx->cert);
  g_free (fx->key);
}

static void
create (const Fixture *fx, OcCaAlgorithm algorithm)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = oc_ca_create (fx->dir, algorithm, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static OcCa *
load (const Fixture *fx)
{
  g_autoptr (GError) error = NULL;
  OcCa *ca = oc_ca_load (fx->cert, fx->key, &error);

  g_assert_no_error (error);
  g_assert_nonnull (ca);
  return ca;
}

/* @part: of the message, as @path is */
static void
assert_refused (const Fixture *fx, const char *path, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (oc_ca_load (fx->cert, fx->key, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, part));
}

static char *
read_text (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
write_text (const char *path, const char *text, mode_t mode)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

static mode_t
get_mode (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_lstat (path, &st), ==, 0);
  g_assert_true (S_ISREG (st.st_mode));
  return st.st_mode & 07777;
}

static gboolean
exists (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static gnutls_x509_crt_t
import (const char *pem)
{
  gnutls_datum_t text = { (guchar *) pem, (unsigned int) strlen (pem) };
  gnutls_x509_crt_t crt;

  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_import (crt, &text, GNUTLS_X509_FMT_PEM), ==, 0);
  return crt;
}

/* --- Making ---------------------------------------------------------------------- */

/* The modes are what they are under any umask. */
static void
check_created (Fixture *fx, OcCaAlgorithm algorithm, const char *name, guint bits)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  mode_t old = umask (0277);
  g_autofree char *pem = NULL;
  g_autofree char *fingerprint = NULL;
  g_autoptr (OcCa) ca = NULL;
  const OcCaInfo *info;
  gnutls_x509_crt_t crt;
  unsigned int usage = 0, critical = 0, is_ca = 0;
  guint8 der[8192];
  size_t der_len = sizeof der;
  int path_len;

  create (fx, algorithm);
  (void) umask (old);
  g_assert_cmpint (get_mode (fx->cert), ==, 0644);
  g_assert_cmpint (get_mode (fx->key), ==, 0600);
  ca = load (fx);
  pem = read_text (fx->cert);
  g_assert_cmpstr (oc_ca_get_pem (ca), ==, pem);

  crt = import (pem);
  g_assert_cmpint (gnutls_x509_crt_export (crt, GNUTLS_X509_FMT_DER, der, &der_len), ==, 0);
  fingerprint = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der, der_len);
  info = oc_ca_get_info (ca);
  g_assert_cmpstr (info->fingerprint, ==, fingerprint);
  g_assert_cmpstr (info->algorithm, ==, name);
  g_assert_cmpuint (info->bits, ==, bits);
  g_assert_nonnull (strstr (info->subject, "CN=Outcall CA "));
  g_assert_nonnull (strstr (info->subject, "O=Outcall"));
  g_assert_cmpint (ABS (info->not_before_us / G_USEC_PER_SEC - (now_s - DAY_S)), <, 120);
  g_assert_cmpint (ABS (info->not_after_us / G_USEC_PER_SEC - (now_s + OC_CA_DAYS * DAY_S)), <,
                   120);

  g_assert_cmpint (gnutls_x509_crt_get_basic_constraints (crt, &critical, &is_ca, &path_len), >=,
                   0);
  g_assert_cmpuint (critical, ==, 1);
  g_assert_cmpuint (is_ca, ==, 1);
  g_assert_cmpint (path_len, ==, 0);
  g_assert_cmpint (gnutls_x509_crt_get_key_usage (crt, &usage, NULL), ==, 0);
  g_assert_cmpuint (usage, ==, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
  g_assert_true (gnutls_x509_crt_check_issuer (crt, crt));
  gnutls_x509_crt_deinit (crt);
}

static void
test_create_ecdsa (Fixture *fx, gconstpointer data)
{
  check_created (fx, OC_CA_ECDSA, gnutls_pk_get_name (GNUTLS_PK_ECDSA), 384);
}

static void
test_create_rsa (Fixture *fx, gconstpointer data)
{
  check_created (fx, OC_CA_RSA, "RSA", 4096);
}

static void
assert_not_created (const Fixture *fx, const char *path)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_ca_create (fx->dir, OC_CA_ECDSA, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_create_twice (Fixture *fx, gconstpointer data)
{
  g_autofree char *cert = NULL;
  g_autofree char *key = NULL;
  g_autofree char *cert_after = NULL;
  g_autofree char *key_after = NULL;

  create (fx, OC_CA_ECDSA);
  cert = read_text (fx->cert);
  key = read_text (fx->key);
  assert_not_created (fx, fx->key);
  cert_after = read_text (fx->cert);
  key_after = read_text (fx->key);
  g_assert_cmpstr (cert, ==, cert_after);
  g_assert_cmpstr (key, ==, key_after);
}

/* One of the two is there: it stays, and the other is not left. */
static void
test_create_half (Fixture *fx, gconstpointer data)
{
  g_autofree char *text = NULL;

  write_text (fx->cert, "theirs", 0644);
  assert_not_created (fx, fx->cert);
  g_assert_false (exists (fx->key));
  text = read_text (fx->cert);
  g_assert_cmpstr (text, ==, "theirs");
  g_assert_cmpint (g_unlink (fx->cert), ==, 0);

  /* A link that leads nowhere is there too. */
  g_assert_cmpint (symlink ("nowhere", fx->key), ==, 0);
  assert_not_created (fx, fx->key);
  g_assert_false (exists (fx->key));
  g_assert_false (exists (fx->cert));
}

static void
test_create_no_folder (Fixture *fx, gconstpointer data)
{
  g_autofree char *none = g_build_filename (fx->dir, "none", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_ca_create (none, OC_CA_ECDSA, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, none));
  g_assert_false (exists (none));
}

/* --- Reading ---------------------------------------------------------------------- */

static void
test_key_of_another (Fixture *fx, gconstpointer data)
{
  g_autofree char *kept = NULL;

  create (fx, OC_CA_ECDSA);
  kept = read_text (fx->cert);
  g_assert_cmpint (g_unlink (fx->cert), ==, 0);
  g_assert_cmpint (g_unlink (fx->key), ==, 0);
  create (fx, OC_CA_ECDSA);
  write_text (fx->cert, kept, 0644);
  assert_refused (fx, fx->key, "is not the key of");
}

static void
test_key_modes (Fixture *fx, gconstpointer data)
{
  static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0700 };

  create (fx, OC_CA_ECDSA);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_assert_cmpint (g_chmod (fx->key, modes[i]), ==, 0);
      assert_refused (fx, fx->key, "its mode must be 0600");
    }
  g_assert_cmpint (g_chmod (fx->key, 0400), ==, 0);
  oc_ca_free (load (fx));
  if (geteuid () == 0)
    {
      g_assert_cmpint (chown (fx->key, 65534, 65534), ==, 0);
      assert_refused (fx, fx->key, "belongs to another user");
    }
}

static void
test_key_files (Fixture *fx, gconstpointer data)
{
  g_autofree char *moved = g_build_filename (fx->dir, "moved", NULL);

  create (fx, OC_CA_ECDSA);
  g_assert_cmpint (g_rename (fx->key, moved), ==, 0);
  assert_refused (fx, fx->key, g_strerror (ENOENT));
  g_assert_cmpint (symlink (moved, fx->key), ==, 0);
  assert_refused (fx, fx->key, g_strerror (ELOOP));
  g_assert_cmpint (g_unlink (fx->key), ==, 0);
  g_assert_cmpint (g_mkdir (fx->key, 0700), ==, 0);
  assert_refused (fx, fx->key, "is not a plain file");
  g_assert_cmpint (g_rmdir (fx->key), ==, 0);
  /* It must not wait for somebody who writes. */
  g_assert_cmpint (mkfifo (fx->key, 0600), ==, 0);
  assert_refused (fx, fx->key, "is not a plain file");
  g_assert_cmpint (g_unlink (fx->key), ==, 0);
  write_text (fx->key, "no key", 0600);
  assert_refused (fx, fx->key, ": ");
  g_assert_cmpint (g_unlink (fx->key), ==, 0);
  g_assert_cmpint (g_rename (moved, fx->key), ==, 0);
  oc_ca_free (load (fx));
}

static void
test_cert_files (Fixture *fx, gconstpointer data)
{
  g_autofree char *text = NULL;
  g_autofree char *padding = g_strnfill (256 * 1024, '\n');
  g_autofree char *padded = NULL;

  create (fx, OC_CA_ECDSA);
  text = read_text (fx->cert);
  padded = g_strconcat (text, padding, NULL);
  write_text (fx->cert, padded, 0644);
  assert_refused (fx, fx->cert, "is too long");
  write_text (fx->cert, "no certificate", 0644);
  assert_refused (fx, fx->cert, ": ");
  write_text (fx->cert, "", 0644);
  assert_refused (fx, fx->cert, ": ");
  g_assert_cmpint (g_unlink (fx->cert), ==, 0);
  assert_refused (fx, fx->cert, g_strerror (ENOENT));
  g_assert_cmpint (g_mkdir (fx->cert, 0700), ==, 0);
  assert_refused (fx, fx->cert, g_strerror (EISDIR));
}

/* A certificate with a key of its own, of somebody who made it otherwise. */
typedef struct
{
  gint64 begin_s, end_s; /* from now */
  gboolean is_ca;
  unsigned int usage; /* 0: none is told */
  const char *refusal;
  const char *issuer; /* (nullable): a name, for one that is not a root */
} Given;

static const Given given_cases[] = {
  { -DAY_S, DAY_S, TRUE, GNUTLS_KEY_KEY_CERT_SIGN, NULL, NULL },
  { -DAY_S, DAY_S, TRUE, 0, NULL, NULL },
  { -2 * DAY_S, -DAY_S, TRUE, GNUTLS_KEY_KEY_CERT_SIGN, "is out of date", NULL },
  { DAY_S, 2 * DAY_S, TRUE, GNUTLS_KEY_KEY_CERT_SIGN, "is out of date", NULL },
  { -DAY_S, DAY_S, FALSE, GNUTLS_KEY_KEY_CERT_SIGN, "is not the certificate of a CA", NULL },
  { -DAY_S, DAY_S, TRUE, GNUTLS_KEY_DIGITAL_SIGNATURE, "is not the certificate of a CA", NULL },
};

/* Nobody looks at the signature of an issuer here, so its key is the same. */
static void
sign_given (gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *issuer)
{
  gnutls_x509_crt_t signer;

  g_assert_cmpint (gnutls_x509_crt_init (&signer), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_key (signer, key), ==, 0);
  if (issuer != NULL)
    g_assert_cmpint (gnutls_x509_crt_set_dn (signer, issuer, NULL), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_sign2 (crt, issuer != NULL ? signer : crt, key,
                                          GNUTLS_DIG_SHA256, 0),
                   ==, 0);
  gnutls_x509_crt_deinit (signer);
}

static void
write_given (const Fixture *fx, const Given *given)
{
  time_t now = (time_t) (g_get_real_time () / G_USEC_PER_SEC);
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  gnutls_datum_t cert_text, key_text;

  g_assert_cmpint (gnutls_x509_privkey_init (&key), ==, 0);
  g_assert_cmpint (
      gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                    GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
      ==, 0);
  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_version (crt, 3), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_serial (crt, "\1", 1), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_dn (crt, "CN=Given", NULL), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_activation_time (crt, now + given->begin_s), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_expiration_time (crt, now + given->end_s), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_basic_constraints (crt, given->is_ca, -1), ==, 0);
  if (given->usage != 0)
    g_assert_cmpint (gnutls_x509_crt_set_key_usage (crt, given->usage), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_set_key (crt, key), ==, 0);
  sign_given (crt, key, given->issuer);
  g_assert_cmpint (gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &cert_text), ==, 0);
  g_assert_cmpint (gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_PEM, &key_text), ==, 0);
  write_text (fx->cert, (const char *) cert_text.data, 0644);
  write_text (fx->key, (const char *) key_text.data, 0600);
  gnutls_free (cert_text.data);
  gnutls_free (key_text.data);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
}

static void
test_given (Fixture *fx, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (given_cases); i++)
    {
      write_given (fx, &given_cases[i]);
      if (given_cases[i].refusal != NULL)
        assert_refused (fx, fx->cert, given_cases[i].refusal);
      else
        oc_ca_free (load (fx));
    }
}

/* --- Certificates for hosts ---------------------------------------------------------- */

/* Of what a server would show. */
static gnutls_x509_crt_t
get_shown (gnutls_certificate_credentials_t credentials, guint i)
{
  gnutls_datum_t der;
  gnutls_x509_crt_t crt;

  g_assert_cmpint (gnutls_certificate_get_crt_raw (credentials, 0, i, &der), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_import (crt, &der, GNUTLS_X509_FMT_DER), ==, 0);
  return crt;
}

static void
check_chain (const OcCa *ca, gnutls_x509_crt_t leaf, const char *host)
{
  gnutls_x509_crt_t root = import (oc_ca_get_pem (ca));
  gnutls_typed_vdata_st expected[]
      = { { GNUTLS_DT_DNS_HOSTNAME, (guchar *) host, 0 },
          { GNUTLS_DT_KEY_PURPOSE_OID, (guchar *) GNUTLS_KP_TLS_WWW_SERVER, 0 } };
  gnutls_x509_trust_list_t trust;
  unsigned int status = 1;

  g_assert_cmpint (gnutls_x509_trust_list_init (&trust, 0), ==, 0);
  g_assert_cmpint (gnutls_x509_trust_list_add_cas (trust, &root, 1, 0), ==, 1);
  g_assert_cmpint (gnutls_x509_trust_list_verify_crt2 (trust, &leaf, 1, expected, 2, 0, &status,
                                                       NULL),
                   ==, 0);
  g_assert_cmpuint (status, ==, 0);
  expected[0].data = (guchar *) "other.example";
  g_assert_cmpint (gnutls_x509_trust_list_verify_crt2 (trust, &leaf, 1, expected, 2, 0, &status,
                                                       NULL),
                   ==, 0);
  g_assert_cmpuint (status & GNUTLS_CERT_UNEXPECTED_OWNER, !=, 0);
  gnutls_x509_trust_list_deinit (trust, 1);
}

static void
check_san (gnutls_x509_crt_t leaf, const char *host)
{
  char san[256];
  size_t len = sizeof san;
  guint8 address[16];
  int type = gnutls_x509_crt_get_subject_alt_name (leaf, 0, san, &len, NULL);

  if (inet_pton (AF_INET, host, address) == 1 || inet_pton (AF_INET6, host, address) == 1)
    {
      g_assert_cmpint (type, ==, GNUTLS_SAN_IPADDRESS);
      g_assert_cmpmem (san, len, address, strchr (host, ':') != NULL ? 16 : 4);
    }
  else
    {
      g_assert_cmpint (type, ==, GNUTLS_SAN_DNSNAME);
      g_assert_cmpmem (san, len, host, strlen (host));
    }
  len = sizeof san;
  g_assert_cmpint (gnutls_x509_crt_get_subject_alt_name (leaf, 1, san, &len, NULL), ==,
                   GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
}

static void
check_purpose (gnutls_x509_crt_t leaf)
{
  char oid[64];
  size_t len = sizeof oid;
  unsigned int usage = 0, is_ca = 1;

  g_assert_cmpint (gnutls_x509_crt_get_key_purpose_oid (leaf, 0, oid, &len, NULL), ==, 0);
  g_assert_cmpstr (oid, ==, GNUTLS_KP_TLS_WWW_SERVER);
  len = sizeof oid;
  g_assert_cmpint (gnutls_x509_crt_get_key_purpose_oid (leaf, 1, oid, &len, NULL), ==,
                   GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
  g_assert_cmpint (gnutls_x509_crt_get_key_usage (leaf, &usage, NULL), ==, 0);
  g_assert_cmpuint (usage, ==, GNUTLS_KEY_DIGITAL_SIGNATURE);
  g_assert_cmpint (gnutls_x509_crt_get_basic_constraints (leaf, NULL, &is_ca, NULL), >=, 0);
  g_assert_cmpuint (is_ca, ==, 0);
}

static void
check_times (gnutls_x509_crt_t leaf)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  g_assert_cmpint (gnutls_x509_crt_get_activation_time (leaf), <=, now_s - 3600);
  g_assert_cmpint (gnutls_x509_crt_get_activation_time (leaf), >, now_s - 3600 - 120);
  g_assert_cmpint (gnutls_x509_crt_get_expiration_time (leaf), <=, now_s + TTL_S);
  g_assert_cmpint (gnutls_x509_crt_get_expiration_time (leaf), >, now_s + TTL_S - 120);
}

static char *
run_openssl (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *errors = NULL;
  char *output = NULL;
  int status = -1;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors,
                &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_test_message ("%s%s", output, errors);
  g_assert_cmpint (status, ==, 0);
  return output;
}

/* What programs with another library see, also those that are strict (Python's since 3.13). */
static void
check_with_openssl (const Fixture *fx, gnutls_x509_crt_t leaf, const char *host)
{
  g_autofree char *program = g_find_program_in_path ("openssl");
  g_autofree char *path = g_build_filename (fx->dir, "leaf.crt", NULL);
  guint8 address[16];
  gboolean is_ip
      = inet_pton (AF_INET, host, address) == 1 || inet_pton (AF_INET6, host, address) == 1;
  const char *verify[] = { "openssl",     "verify", "-x509_strict", "-purpose",
                           "sslserver",   "-CAfile", fx->cert,
                           is_ip ? "-verify_ip" : "-verify_hostname",  host, path, NULL };
  const char *show[] = { "openssl", "x509", "-noout", "-text", "-in", path, NULL };
  g_autofree char *verified = NULL;
  g_autofree char *text = NULL;
  gnutls_datum_t pem;

  if (program == NULL)
    {
      g_test_message ("openssl is not installed");
      return;
    }
  g_assert_cmpint (gnutls_x509_crt_export2 (leaf, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
  write_text (path, (const char *) pem.data, 0644);
  gnutls_free (pem.data);
  verified = run_openssl (verify);
  g_assert_true (g_str_has_suffix (verified, ": OK\n"));
  text = run_openssl (show);
  g_assert_nonnull (strstr (text, "TLS Web Server Authentication"));
  g_assert_nonnull (strstr (text, "CA:FALSE"));
  g_assert_nonnull (strstr (text, is_ip ? "IP Address:" : "DNS:"));
}

static void
check_host (const Fixture *fx, const OcCa *ca, const char *host)
{
  gnutls_certificate_credentials_t credentials = oc_ca_make_credentials (ca, host, TTL_S);
  gnutls_datum_t der;
  gnutls_x509_crt_t leaf;

  g_test_message ("%s", host);
  g_assert_nonnull (credentials);
  leaf = get_shown (credentials, 0);
  /* A root is what clients have; it is not sent. */
  g_assert_cmpint (gnutls_certificate_get_crt_raw (credentials, 0, 1, &der), ==,
                   GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
  check_chain (ca, leaf, host);
  check_san (leaf, host);
  check_purpose (leaf);
  check_times (leaf);
  check_with_openssl (fx, leaf, host);
  gnutls_x509_crt_deinit (leaf);
  gnutls_certificate_free_credentials (credentials);
}

static void
test_hosts (Fixture *fx, gconstpointer data)
{
  g_autofree char *label = g_strnfill (49, 'x');
  g_autofree char *long_name = g_strdup_printf ("%s.%s.%s.%s.", label, label, label, label);
  g_autoptr (OcCa) ca = NULL;

  long_name[199] = 'x';
  g_assert_cmpuint (strlen (long_name), ==, 200);
  create (fx, (OcCaAlgorithm) GPOINTER_TO_INT (data));
  ca = load (fx);
  check_host (fx, ca, "www.example.org");
  check_host (fx, ca, "192.0.2.7");
  check_host (fx, ca, "2001:db8::7");
  check_host (fx, ca, long_name);
}

static void
test_serials (Fixture *fx, gconstpointer data)
{
  g_autoptr (OcCa) ca = NULL;
  guint8 serials[2][32];
  size_t lens[2] = { sizeof serials[0], sizeof serials[1] };

  create (fx, OC_CA_ECDSA);
  ca = load (fx);
  for (guint i = 0; i < 2; i++)
    {
      gnutls_certificate_credentials_t credentials
          = oc_ca_make_credentials (ca, "example.org", TTL_S);
      gnutls_x509_crt_t leaf = get_shown (credentials, 0);

      g_assert_cmpint (gnutls_x509_crt_get_serial (leaf, serials[i], &lens[i]), ==, 0);
      g_assert_cmpuint (lens[i], ==, 16);
      g_assert_cmpuint (serials[i][0] & 0x80, ==, 0);
      gnutls_x509_crt_deinit (leaf);
      gnutls_certificate_free_credentials (credentials);
    }
  g_assert_cmpint (memcmp (serials[0], serials[1], 16), !=, 0);
}

/* Not longer than what signed it. */
static void
test_ends_with_ca (Fixture *fx, gconstpointer data)
{
  const Given given = { -60, 2 * 3600, TRUE, GNUTLS_KEY_KEY_CERT_SIGN, NULL, NULL };
  gnutls_certificate_credentials_t credentials;
  g_autoptr (OcCa) ca = NULL;
  gnutls_x509_crt_t leaf;

  write_given (fx, &given);
  ca = load (fx);
  credentials = oc_ca_make_credentials (ca, "example.org", TTL_S);
  g_assert_nonnull (credentials);
  leaf = get_shown (credentials, 0);
  g_assert_cmpint (gnutls_x509_crt_get_activation_time (leaf), ==,
                   oc_ca_get_info (ca)->not_before_us / G_USEC_PER_SEC);
  g_assert_cmpint (gnutls_x509_crt_get_expiration_time (leaf), ==,
                   oc_ca_get_info (ca)->not_after_us / G_USEC_PER_SEC);
  check_chain (ca, leaf, "example.org");
  gnutls_x509_crt_deinit (leaf);
  gnutls_certificate_free_credentials (credentials);
}

/* Clients have only what signed the CA, so it is sent. */
static void
test_intermediate (Fixture *fx, gconstpointer data)
{
  const Given given = { -60, DAY_S, TRUE, GNUTLS_KEY_KEY_CERT_SIGN, NULL, "CN=Root" };
  gnutls_certificate_credentials_t credentials;
  g_autoptr (OcCa) ca = NULL;
  gnutls_x509_crt_t own, shown;

  write_given (fx, &given);
  ca = load (fx);
  credentials = oc_ca_make_credentials (ca, "example.org", TTL_S);
  g_assert_nonnull (credentials);
  own = import (oc_ca_get_pem (ca));
  shown = get_shown (credentials, 1);
  g_assert_true (gnutls_x509_crt_equals (own, shown));
  gnutls_x509_crt_deinit (own);
  gnutls_x509_crt_deinit (shown);
  gnutls_certificate_free_credentials (credentials);
}

static void
add (const char *path, void (*test) (Fixture *fx, gconstpointer data), gconstpointer data)
{
  g_test_add (path, Fixture, data, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/ca/create/ecdsa", test_create_ecdsa, NULL);
  add ("/ca/create/rsa", test_create_rsa, NULL);
  add ("/ca/create/twice", test_create_twice, NULL);
  add ("/ca/create/half", test_create_half, NULL);
  add ("/ca/create/no-folder", test_create_no_folder, NULL);
  add ("/ca/load/key-of-another", test_key_of_another, NULL);
  add ("/ca/load/key-modes", test_key_modes, NULL);
  add ("/ca/load/key-files", test_key_files, NULL);
  add ("/ca/load/cert-files", test_cert_files, NULL);
  add ("/ca/load/given", test_given, NULL);
  add ("/ca/hosts/ecdsa", test_hosts, GINT_TO_POINTER (OC_CA_ECDSA));
  add ("/ca/hosts/rsa", test_hosts, GINT_TO_POINTER (OC_CA_RSA));
  add ("/ca/hosts/serials", test_serials, NULL);
  add ("/ca/hosts/ends-with-ca", test_ends_with_ca, NULL);
  add ("/ca/hosts/intermediate", test_intermediate, NULL);
  return g_test_run ();
}
