/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/test-tls.h"

#include "proxy/test-support.h"

#include "ca/oc-ca.h"
#include "common/oc-fd.h"

#include <gnutls/x509.h>
#include <poll.h>
#include <sys/socket.h>

#define DAY_S (24 * 60 * 60)

/* --- TLS over a descriptor, as plain bytes over another ------------------------------ */

typedef struct
{
  int fd, plain;
  gnutls_session_t session;
  OcLeaf *leaf; /* (nullable) */
} Relay;

static void
relay_free (Relay *relay)
{
  gnutls_deinit (relay->session);
  if (relay->leaf != NULL)
    oc_leaf_unref (relay->leaf);
  oc_fd_clear (&relay->fd);
  oc_fd_clear (&relay->plain);
  g_free (relay);
}

/* Returns: FALSE when the end has come. */
static gboolean
relay_down (Relay *relay)
{
  char data[16384];
  ssize_t n;

  do
    {
      n = gnutls_record_recv (relay->session, data, sizeof data);
      if (n <= 0 || send (relay->plain, data, (gsize) n, MSG_NOSIGNAL) != n)
        return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
    }
  while (gnutls_record_check_pending (relay->session) > 0);
  return TRUE;
}

static gboolean
relay_up (Relay *relay)
{
  char data[16384];
  ssize_t n = recv (relay->plain, data, sizeof data, 0);

  for (ssize_t at = 0, sent; at < n; at += sent)
    {
      sent = gnutls_record_send (relay->session, data + at, (gsize) (n - at));
      if (sent <= 0)
        return FALSE;
    }
  return n > 0;
}

static gpointer
relay_main (gpointer user_data)
{
  Relay *relay = user_data;
  gboolean up = TRUE;
  gboolean down = TRUE;

  while (up || down)
    {
      struct pollfd fds[] = { { down ? relay->fd : -1, POLLIN, 0 },
                              { up ? relay->plain : -1, POLLIN, 0 } };

      (void) poll (fds, 2, -1);
      if (up && fds[1].revents != 0 && !relay_up (relay))
        {
          up = FALSE;
          (void) gnutls_bye (relay->session, GNUTLS_SHUT_WR);
          (void) shutdown (relay->fd, SHUT_WR);
        }
      if (down && fds[0].revents != 0 && !relay_down (relay))
        {
          down = FALSE;
          (void) shutdown (relay->plain, SHUT_WR);
        }
    }
  relay_free (relay);
  return NULL;
}

int
px_tls_speak (int fd, gnutls_session_t session, OcLeaf *leaf)
{
  Relay *relay = g_new0 (Relay, 1);
  int pair[2];
  int result;

  *relay = (Relay) { fd, -1, session, leaf };
  gnutls_transport_set_int (session, fd);
  do
    result = gnutls_handshake (session);
  while (result < 0 && !gnutls_error_is_fatal (result) && result != GNUTLS_E_AGAIN);
  if (result < 0)
    {
      g_test_message ("handshake: %s", gnutls_strerror (result));
      (void) gnutls_alert_send_appropriate (session, result);
      relay_free (relay);
      return -1;
    }
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  relay->plain = pair[0];
  px_set_deadline (pair[1]);
  g_thread_unref (g_thread_new ("tls", relay_main, relay));
  return pair[1];
}

/* --- Certificates that no sound CA makes ------------------------------------------------ */

static void
import_ca (const char *dir, gnutls_x509_crt_t *out_crt, gnutls_x509_privkey_t *out_key)
{
  g_autofree char *cert = g_build_filename (dir, OC_CA_CERT_NAME, NULL);
  g_autofree char *key = g_build_filename (dir, OC_CA_KEY_NAME, NULL);
  gnutls_datum_t text;

  g_assert_cmpint (gnutls_load_file (cert, &text), ==, 0);
  gnutls_x509_crt_init (out_crt);
  g_assert_cmpint (gnutls_x509_crt_import (*out_crt, &text, GNUTLS_X509_FMT_PEM), ==, 0);
  gnutls_free (text.data);
  g_assert_cmpint (gnutls_load_file (key, &text), ==, 0);
  gnutls_x509_privkey_init (out_key);
  g_assert_cmpint (gnutls_x509_privkey_import2 (*out_key, &text, GNUTLS_X509_FMT_PEM, NULL, 0), ==, 0);
  gnutls_free (text.data);
}

gnutls_certificate_credentials_t
px_tls_make_credentials (const char *ca_dir, const char *host, const char *purpose, gboolean expired)
{
  time_t now = (time_t) (g_get_real_time () / G_USEC_PER_SEC);
  gnutls_certificate_credentials_t made;
  gnutls_x509_crt_t ca, crt;
  gnutls_x509_privkey_t ca_key, key;

  import_ca (ca_dir, &ca, &ca_key);
  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  gnutls_x509_crt_init (&crt);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, "\1", 1);
  gnutls_x509_crt_set_key (crt, key);
  gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, host, (unsigned int) strlen (host),
                                        GNUTLS_FSAN_SET);
  gnutls_x509_crt_set_key_purpose_oid (crt, purpose, 0);
  gnutls_x509_crt_set_activation_time (crt, now - 2 * DAY_S);
  gnutls_x509_crt_set_expiration_time (crt, now + (expired ? -DAY_S : DAY_S));
  g_assert_cmpint (gnutls_x509_crt_sign2 (crt, ca, ca_key, GNUTLS_DIG_SHA256, 0), ==, 0);
  gnutls_certificate_allocate_credentials (&made);
  g_assert_cmpint (gnutls_certificate_set_x509_key (made, &crt, 1, key), >=, 0);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_crt_deinit (ca);
  gnutls_x509_privkey_deinit (key);
  gnutls_x509_privkey_deinit (ca_key);
  return made;
}
