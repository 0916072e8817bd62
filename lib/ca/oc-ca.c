/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "ca/oc-ca-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX (256 * 1024)
#define BACKDATED_S 3600 /* clocks of workloads' programs may be a little behind */
#define COMMON_NAME_MAX 64

struct OcCa
{
  OcCrt crt;
  OcKey key;
  OcKey leaf_key;
  char *pem;
  OcCaInfo info;
};

/* --- Reading -------------------------------------------------------------------- */

/* @secret: others must not be able to read it */
static gboolean
read_file (const char *path, gboolean secret, gnutls_datum_t *out, GError **error)
{
  oc_autofd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (secret ? O_NOFOLLOW : 0));
  gsize len = 0;

  if (fd < 0)
    return oc_throw_errno (error, "%s", path);
  if (secret && !oc_file_check_private (fd, path, error))
    return FALSE;
  out->data = g_malloc (FILE_MAX);
  if (!oc_file_read_all (fd, (char *) out->data, FILE_MAX, &len))
    return oc_throw_errno (error, "%s", path);
  out->size = (unsigned int) len;
  return len < FILE_MAX || oc_throw (error, "%s is too long", path);
}

static void
wipe (gnutls_datum_t *text)
{
  if (text->data != NULL)
    explicit_bzero (text->data, FILE_MAX);
  g_free (text->data);
}

static gboolean
load_cert (OcCa *ca, const char *path, GError **error)
{
  gnutls_datum_t text = { 0 };
  gnutls_datum_t pem = { 0 };
  int result = GNUTLS_E_SUCCESS;
  gboolean ok = read_file (path, FALSE, &text, error);

  if (ok)
    {
      result = gnutls_x509_crt_init (&ca->crt);
      if (result >= 0)
        result = gnutls_x509_crt_import (ca->crt, &text, GNUTLS_X509_FMT_PEM);
      if (result >= 0)
        result = gnutls_x509_crt_export2 (ca->crt, GNUTLS_X509_FMT_PEM, &pem);
      if (result >= 0)
        ca->pem = g_strndup ((const char *) pem.data, pem.size);
      else
        ok = oc_ca_throw (error, result, path);
      gnutls_free (pem.data);
    }
  g_free (text.data);
  return ok;
}

static gboolean
load_key (OcCa *ca, const char *path, GError **error)
{
  gnutls_datum_t text = { 0 };
  int result = GNUTLS_E_SUCCESS;
  gboolean ok = read_file (path, TRUE, &text, error);

  if (ok)
    {
      result = gnutls_x509_privkey_init (&ca->key);
      if (result >= 0)
        result = gnutls_x509_privkey_import2 (ca->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
      if (result < 0)
        ok = oc_ca_throw (error, result, path);
    }
  wipe (&text);
  return ok;
}

/* --- Checking ---------------------------------------------------------------------- */

static gboolean
key_belongs (const OcCa *ca)
{
  guint8 a[64], b[64];
  size_t a_len = sizeof a;
  size_t b_len = sizeof b;

  return gnutls_x509_crt_get_key_id (ca->crt, 0, a, &a_len) >= 0
         && gnutls_x509_privkey_get_key_id (ca->key, 0, b, &b_len) >= 0 && a_len == b_len
         && memcmp (a, b, a_len) == 0;
}

static gboolean
may_sign (const OcCa *ca)
{
  unsigned int usage = 0;
  int result = gnutls_x509_crt_get_key_usage (ca->crt, &usage, NULL);

  return gnutls_x509_crt_get_ca_status (ca->crt, NULL) > 0
         && (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE
             || (result >= 0 && (usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0));
}

static gboolean
check (const OcCa *ca, const char *cert_path, const char *key_path, GError **error)
{
  gint64 now_us = g_get_real_time ();

  if (!may_sign (ca))
    return oc_throw (error, "%s is not the certificate of a CA", cert_path);
  if (now_us < ca->info.not_before_us || now_us >= ca->info.not_after_us)
    return oc_throw (error, "%s is out of date", cert_path);
  if (!key_belongs (ca))
    return oc_throw (error, "%s is not the key of %s", key_path, cert_path);
  return TRUE;
}

static char *
make_fingerprint (OcCrt crt)
{
  guint8 digest[32];
  size_t len = sizeof digest;
  GString *text = g_string_new (NULL);

  if (gnutls_x509_crt_get_fingerprint (crt, GNUTLS_DIG_SHA256, digest, &len) >= 0)
    for (size_t i = 0; i < len; i++)
      g_string_append_printf (text, "%02x", digest[i]);
  return g_string_free (text, FALSE);
}

static void
fill_info (OcCa *ca)
{
  char subject[256] = "";
  size_t len = sizeof subject;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (ca->crt, &ca->info.bits);

  (void) gnutls_x509_crt_get_dn (ca->crt, subject, &len);
  ca->info.subject = g_strdup (subject);
  ca->info.algorithm = gnutls_pk_get_name ((gnutls_pk_algorithm_t) MAX (algorithm, 0));
  ca->info.fingerprint = make_fingerprint (ca->crt);
  ca->info.not_before_us
      = (gint64) gnutls_x509_crt_get_activation_time (ca->crt) * G_USEC_PER_SEC;
  ca->info.not_after_us = (gint64) gnutls_x509_crt_get_expiration_time (ca->crt) * G_USEC_PER_SEC;
}

OcCa *
oc_ca_load (const char *cert_path, const char *key_path, GError **error)
{
  g_autoptr (OcCa) ca = g_new0 (OcCa, 1);
  int result;

  if (!load_cert (ca, cert_path, error) || !load_key (ca, key_path, error))
    return NULL;
  fill_info (ca);
  if (!check (ca, cert_path, key_path, error))
    return NULL;
  result = oc_ca_new_key (&ca->leaf_key, GNUTLS_PK_ECDSA,
                          GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1));
  if (result < 0)
    {
      (void) oc_ca_throw (error, result, "make a key");
      return NULL;
    }
  return g_steal_pointer (&ca);
}

void
oc_ca_free (OcCa *ca)
{
  if (ca == NULL)
    return;
  gnutls_x509_crt_deinit (ca->crt);
  gnutls_x509_privkey_deinit (ca->key);
  gnutls_x509_privkey_deinit (ca->leaf_key);
  g_free (ca->info.subject);
  g_free (ca->info.fingerprint);
  g_free (ca->pem);
  g_free (ca);
}

const char *
oc_ca_get_pem (const OcCa *ca)
{
  return ca->pem;
}

const OcCaInfo *
oc_ca_get_info (const OcCa *ca)
{
  return &ca->info;
}

/* --- Certificates for hosts ---------------------------------------------------------- */

/* The organization is always there: strict clients (OpenSSL's X509_STRICT, Python since 3.13)
 * refuse an empty subject, which addresses and long names would have. */
static int
set_name (OcCrt crt, const char *host)
{
  guint8 address[16];
  unsigned int len = (unsigned int) strlen (host);
  int result = gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
                                              "Outcall", 7);

  if (result < 0)
    return result;
  if (inet_pton (AF_INET, host, address) == 1)
    return gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS, address, 4,
                                                 GNUTLS_FSAN_SET);
  if (inet_pton (AF_INET6, host, address) == 1)
    return gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS, address, 16,
                                                 GNUTLS_FSAN_SET);
  if (len <= COMMON_NAME_MAX)
    result = gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, host, len);
  if (result < 0)
    return result;
  return gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, host, len,
                                               GNUTLS_FSAN_SET);
}

static int
set_purpose (OcCrt crt)
{
  int result = gnutls_x509_crt_set_key_purpose_oid (crt, GNUTLS_KP_TLS_WWW_SERVER, 0);

  if (result >= 0)
    result = gnutls_x509_crt_set_key_usage (crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
  if (result >= 0)
    result = gnutls_x509_crt_set_basic_constraints (crt, 0, -1);
  return result;
}

static int
set_times (const OcCa *ca, OcCrt crt, guint ttl_s)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  gint64 begin_s = MAX (now_s - BACKDATED_S, ca->info.not_before_us / G_USEC_PER_SEC);
  gint64 end_s = MIN (now_s + ttl_s, ca->info.not_after_us / G_USEC_PER_SEC);
  int result = GNUTLS_E_EXPIRED;

  /* The CA has ended meanwhile: it signs nothing any more. */
  if (end_s > now_s)
    result = gnutls_x509_crt_set_activation_time (crt, (time_t) begin_s);
  return result < 0 ? result : gnutls_x509_crt_set_expiration_time (crt, (time_t) end_s);
}

static int
set_issuer_id (const OcCa *ca, OcCrt crt)
{
  guint8 id[64];
  size_t len = sizeof id;
  int result = gnutls_x509_crt_get_subject_key_id (ca->crt, id, &len, NULL);

  if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    return 0;
  return result < 0 ? result : gnutls_x509_crt_set_authority_key_id (crt, id, len);
}

static int
sign (const OcCa *ca, OcCrt crt)
{
  unsigned int bits = 0;
  gboolean long_curve = gnutls_x509_crt_get_pk_algorithm (ca->crt, &bits) == GNUTLS_PK_ECDSA
                        && bits >= 384;

  return gnutls_x509_crt_sign2 (crt, ca->crt, ca->key,
                                long_curve ? GNUTLS_DIG_SHA384 : GNUTLS_DIG_SHA256, 0);
}

static int
make_leaf (const OcCa *ca, const char *host, guint ttl_s, OcCrt *out)
{
  int result = gnutls_x509_crt_init (out);

  if (result >= 0)
    result = gnutls_x509_crt_set_version (*out, 3);
  if (result >= 0)
    result = set_name (*out, host);
  if (result >= 0)
    result = set_purpose (*out);
  if (result >= 0)
    result = set_times (ca, *out, ttl_s);
  if (result >= 0)
    result = oc_ca_set_identity (*out, ca->leaf_key);
  if (result >= 0)
    result = set_issuer_id (ca, *out);
  if (result >= 0)
    result = sign (ca, *out);
  return result;
}

/* One that was not read from its octets has no issuer that the library would compare, and the
 * CA's certificate would not be sent behind it. */
static int
read_again (OcCrt *crt)
{
  gnutls_datum_t der = { 0 };
  int result = gnutls_x509_crt_export2 (*crt, GNUTLS_X509_FMT_DER, &der);

  g_clear_pointer (crt, gnutls_x509_crt_deinit);
  if (result >= 0)
    result = gnutls_x509_crt_init (crt);
  if (result >= 0)
    result = gnutls_x509_crt_import (*crt, &der, GNUTLS_X509_FMT_DER);
  gnutls_free (der.data);
  return result;
}

gnutls_certificate_credentials_t
oc_ca_make_credentials (const OcCa *ca, const char *host, guint ttl_s)
{
  g_auto (OcCrt) leaf = NULL;
  gnutls_certificate_credentials_t made = NULL;
  OcCrt chain[2];
  int n_shown = gnutls_x509_crt_check_issuer (ca->crt, ca->crt) != 0 ? 1 : 2;

  if (make_leaf (ca, host, ttl_s, &leaf) < 0 || read_again (&leaf) < 0
      || gnutls_certificate_allocate_credentials (&made) < 0)
    return NULL;
  chain[0] = leaf;
  chain[1] = ca->crt;
  if (gnutls_certificate_set_x509_key (made, chain, n_shown, ca->leaf_key) < 0)
    g_clear_pointer (&made, gnutls_certificate_free_credentials);
  return made;
}
