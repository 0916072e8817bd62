/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "ca/oc-ca-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_S (24 * 60 * 60)

gboolean
oc_ca_throw (GError **error, int result, const char *what)
{
  return oc_throw (error, "%s: %s", what, gnutls_strerror (result));
}

int
oc_ca_new_key (OcKey *out, gnutls_pk_algorithm_t algorithm, guint bits)
{
  int result = gnutls_x509_privkey_init (out);

  return result < 0 ? result : gnutls_x509_privkey_generate (*out, algorithm, bits, 0);
}

int
oc_ca_set_identity (OcCrt crt, OcKey key)
{
  guint8 serial[OC_CA_SERIAL_LEN];
  guint8 id[64];
  size_t id_len = sizeof id;
  int result = gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial);

  serial[0] &= 0x7f; /* positive, in as many octets */
  serial[0] |= 0x40;
  if (result >= 0)
    result = gnutls_x509_crt_set_serial (crt, serial, sizeof serial);
  if (result >= 0)
    result = gnutls_x509_crt_set_key (crt, key);
  if (result >= 0)
    result = gnutls_x509_crt_get_key_id (crt, 0, id, &id_len);
  if (result >= 0)
    result = gnutls_x509_crt_set_subject_key_id (crt, id, id_len);
  return result;
}

/* Several CAs may be in one trust store: the host and the day tell them apart. */
static int
set_subject (OcCrt crt)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *day = g_date_time_format (now, "%F");
  g_autofree char *name = g_strdup_printf ("Outcall CA %.30s %s", g_get_host_name (), day);
  int result = gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                              (unsigned int) strlen (name));

  if (result < 0)
    return result;
  return gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, "Outcall", 7);
}

static int
fill (OcCrt crt, OcKey key)
{
  time_t now = (time_t) (g_get_real_time () / G_USEC_PER_SEC);
  int result = gnutls_x509_crt_set_version (crt, 3);

  if (result >= 0)
    result = set_subject (crt);
  if (result >= 0)
    result = gnutls_x509_crt_set_activation_time (crt, now - DAY_S);
  if (result >= 0)
    result = gnutls_x509_crt_set_expiration_time (crt, now + (time_t) OC_CA_DAYS * DAY_S);
  if (result >= 0)
    result = gnutls_x509_crt_set_basic_constraints (crt, 1, 0);
  if (result >= 0)
    result = gnutls_x509_crt_set_key_usage (crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
  if (result >= 0)
    result = oc_ca_set_identity (crt, key);
  return result;
}

static gboolean
make (OcCaAlgorithm algorithm, OcCrt *out_crt, OcKey *out_key, GError **error)
{
  gboolean rsa = algorithm == OC_CA_RSA;
  int result = oc_ca_new_key (out_key, rsa ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA,
                              rsa ? 4096 : GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP384R1));

  if (result >= 0)
    result = gnutls_x509_crt_init (out_crt);
  if (result >= 0)
    result = fill (*out_crt, *out_key);
  if (result >= 0)
    result = gnutls_x509_crt_sign2 (*out_crt, *out_crt, *out_key,
                                    rsa ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA384, 0);
  return result >= 0 || oc_ca_throw (error, result, "make the certificate");
}

/* --- Files ------------------------------------------------------------------------ */

static gboolean
write_new (const char *path, mode_t mode, const gnutls_datum_t *text, GError **error)
{
  oc_autofd int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

  if (fd < 0)
    return oc_throw_errno (error, "%s", path);
  if (oc_file_write_all (fd, (const char *) text->data, text->size) && fchmod (fd, mode) == 0
      && fsync (fd) == 0)
    return TRUE;
  (void) oc_throw_errno (error, "%s", path);
  (void) unlink (path);
  return FALSE;
}

static gboolean
write_both (const char *dir, const gnutls_datum_t *cert, const gnutls_datum_t *key, GError **error)
{
  g_autofree char *cert_path = g_build_filename (dir, OC_CA_CERT_NAME, NULL);
  g_autofree char *key_path = g_build_filename (dir, OC_CA_KEY_NAME, NULL);

  if (!write_new (key_path, 0600, key, error))
    return FALSE;
  if (write_new (cert_path, 0644, cert, error))
    return TRUE;
  (void) unlink (key_path);
  return FALSE;
}

gboolean
oc_ca_create (const char *dir, OcCaAlgorithm algorithm, GError **error)
{
  g_auto (OcCrt) crt = NULL;
  g_auto (OcKey) key = NULL;
  gnutls_datum_t cert_text = { 0 };
  gnutls_datum_t key_text = { 0 };
  gboolean ok = FALSE;
  int result;

  if (!make (algorithm, &crt, &key, error))
    return FALSE;
  result = gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &cert_text);
  if (result >= 0)
    result = gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                                &key_text);
  if (result < 0)
    (void) oc_ca_throw (error, result, "write the certificate");
  else
    ok = write_both (dir, &cert_text, &key_text, error);
  if (key_text.data != NULL)
    explicit_bzero (key_text.data, key_text.size);
  gnutls_free (key_text.data);
  gnutls_free (cert_text.data);
  return ok;
}
