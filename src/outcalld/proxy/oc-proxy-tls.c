/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The only protocol offered inside is HTTP/1.1, on both sides, so that one
 * reader judges whatever comes. A client that insists on another one is told so
 * in the handshake.
 */
#include "config.h"

#include "proxy/oc-proxy-tls.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <sys/socket.h>

#define TRIES_MAX 64 /* records without payload in a row: key updates, tickets */

struct OcTls
{
  gnutls_session_t session;
  OcWorker *worker;
  OcEnd *end;
  OcBuffer *raw; /* (nullable): read before the session began */
  OcLeaf *leaf;  /* (nullable): server side */
  int error;     /* why the handshake failed */
  bool sending;  /* a record is on its way in the session */
  gnutls_typed_vdata_st wanted[2]; /* of the server's certificate; the session borrows it */
};

/* --- The descriptor -------------------------------------------------------------- */

static ssize_t
on_pull (gnutls_transport_ptr_t data, void *out, size_t len)
{
  OcTls *tls = data;
  gsize waiting = oc_buffer_len (tls->raw);
  ssize_t n;

  if (waiting > 0)
    {
      gsize run = MIN (waiting, len);

      memcpy (out, tls->raw->data + tls->raw->start, run);
      tls->raw->start += (guint32) run;
      if (run == waiting)
        oc_worker_put_buffer (tls->worker, &tls->raw);
      return (ssize_t) run;
    }
  n = recv (tls->end->fd, out, len, MSG_DONTWAIT);
  if (n < 0)
    gnutls_transport_set_errno (tls->session, errno);
  return n;
}

/* Asked for by the library's header for whoever brings a pull function. */
static int
on_pull_timeout (gnutls_transport_ptr_t data, unsigned int ms)
{
  OcTls *tls = data;
  struct pollfd fd = { .fd = tls->end->fd, .events = POLLIN };

  return oc_buffer_len (tls->raw) > 0 || poll (&fd, 1, 0) > 0;
}

static ssize_t
on_push (gnutls_transport_ptr_t data, const void *bytes, size_t len)
{
  OcTls *tls = data;
  ssize_t n = send (tls->end->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (n < 0)
    gnutls_transport_set_errno (tls->session, errno);
  return n;
}

/* --- Sessions ---------------------------------------------------------------------- */

static OcTls *
new_session (OcConn *conn, OcEnd *end, unsigned int flags, gnutls_certificate_credentials_t cred)
{
  static gnutls_datum_t protocol = { (unsigned char *) "http/1.1", 8 };
  OcIntercept *intercept = conn->worker->shared->options.intercept;
  OcTls *tls = g_new0 (OcTls, 1);

  tls->worker = conn->worker;
  tls->end = end;
  if (gnutls_init (&tls->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
    {
      g_free (tls);
      return NULL;
    }
  if (gnutls_priority_set (tls->session, oc_intercept_get_priority (intercept)) < 0
      || gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE, cred) < 0
      || gnutls_alpn_set_protocols (tls->session, &protocol, 1,
                                    (flags & GNUTLS_SERVER) != 0 ? GNUTLS_ALPN_MANDATORY : 0)
             < 0)
    {
      oc_tls_free (tls);
      return NULL;
    }
  gnutls_transport_set_ptr (tls->session, tls);
  gnutls_transport_set_pull_function (tls->session, on_pull);
  gnutls_transport_set_pull_timeout_function (tls->session, on_pull_timeout);
  gnutls_transport_set_push_function (tls->session, on_push);
  return tls;
}

OcTls *
oc_tls_new_server (OcConn *conn, OcLeaf *leaf, OcBuffer **raw)
{
  OcTls *tls = new_session (conn, &conn->client, GNUTLS_SERVER, oc_leaf_get_credentials (leaf));

  if (tls == NULL)
    {
      oc_leaf_unref (leaf);
      return NULL;
    }
  tls->leaf = leaf;
  tls->raw = g_steal_pointer (raw);
  gnutls_certificate_server_set_request (tls->session, GNUTLS_CERT_IGNORE);
  return tls;
}

OcTls *
oc_tls_new_client (OcConn *conn)
{
  OcIntercept *intercept = conn->worker->shared->options.intercept;
  const OcHost *host = &conn->host;
  OcTls *tls
      = new_session (conn, &conn->upstream, GNUTLS_CLIENT, oc_intercept_get_trust (intercept));

  if (tls == NULL)
    return NULL;
  /* Addresses are no server names (RFC 6066 3). */
  if (host->address.family == 0
      && gnutls_server_name_set (tls->session, GNUTLS_NAME_DNS, host->name, host->len) < 0)
    {
      oc_tls_free (tls);
      return NULL;
    }
  tls->wanted[0] = (gnutls_typed_vdata_st) { GNUTLS_DT_DNS_HOSTNAME,
                                             (unsigned char *) conn->host.name, host->len };
  tls->wanted[1] = (gnutls_typed_vdata_st) { GNUTLS_DT_KEY_PURPOSE_OID,
                                             (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER, 0 };
  gnutls_session_set_verify_cert2 (tls->session, tls->wanted, G_N_ELEMENTS (tls->wanted), 0);
  return tls;
}

void
oc_tls_free (OcTls *tls)
{
  if (tls == NULL)
    return;
  gnutls_deinit (tls->session);
  oc_worker_put_buffer (tls->worker, &tls->raw);
  if (tls->leaf != NULL)
    oc_leaf_unref (tls->leaf);
  g_free (tls);
}

/* --- The handshake -------------------------------------------------------------------- */

OcIoResult
oc_tls_shake (OcTls *tls)
{
  int result = GNUTLS_E_INTERRUPTED;

  for (guint i = 0; i < TRIES_MAX && result < 0 && result != GNUTLS_E_AGAIN; i++)
    {
      result = gnutls_handshake (tls->session);
      if (result < 0 && gnutls_error_is_fatal (result))
        {
          tls->error = result;
          /* As far as the peer takes it: the connection goes in any case. */
          (void) gnutls_alert_send_appropriate (tls->session, result);
          return OC_IO_BROKEN;
        }
    }
  if (result >= 0)
    return OC_IO_DONE;
  if (result == GNUTLS_E_AGAIN)
    return OC_IO_AGAIN;
  tls->error = result;
  return OC_IO_BROKEN;
}

const char *
oc_tls_explain (OcTls *tls, char *out, gsize size)
{
  gnutls_datum_t text = { 0 };

  if (tls->error != GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR
      || gnutls_certificate_verification_status_print (
             gnutls_session_get_verify_cert_status (tls->session), GNUTLS_CRT_X509, &text, 0)
             < 0)
    {
      if (tls->error == GNUTLS_E_FATAL_ALERT_RECEIVED)
        return gnutls_alert_get_name (gnutls_alert_get (tls->session));
      return gnutls_strerror (tls->error);
    }
  g_strlcpy (out, (const char *) text.data, size);
  gnutls_free (text.data);
  g_strchomp (out);
  return out;
}

bool
oc_tls_has_no_protocol (const OcTls *tls)
{
  return tls->error == GNUTLS_E_NO_APPLICATION_PROTOCOL
         || (tls->error == GNUTLS_E_FATAL_ALERT_RECEIVED
             && gnutls_alert_get (tls->session) == GNUTLS_A_NO_APPLICATION_PROTOCOL);
}

bool
oc_tls_is_asked_for_certificate (const OcTls *tls)
{
  return gnutls_certificate_client_get_request_status (tls->session) != 0;
}

guint32
oc_tls_get_events (const OcTls *tls)
{
  return gnutls_record_get_direction (tls->session) == 1 ? EPOLLOUT : EPOLLIN;
}

/* --- Records ------------------------------------------------------------------------------ */

/* The library's results as errno. */
static ssize_t
convert_failure (ssize_t result)
{
  errno = result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED ? EAGAIN : ECONNRESET;
  return -1;
}

ssize_t
oc_tls_recv (OcTls *tls, void *data, gsize len)
{
  for (guint i = 0; i < TRIES_MAX; i++)
    {
      ssize_t n = gnutls_record_recv (tls->session, data, len);

      if (n >= 0)
        return n;
      if (n == GNUTLS_E_REHANDSHAKE)
        (void) gnutls_alert_send (tls->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
      else if (n == GNUTLS_E_AGAIN || gnutls_error_is_fatal ((int) n))
        return convert_failure (n);
    }
  errno = ECONNRESET;
  return -1;
}

ssize_t
oc_tls_send (OcTls *tls, const void *data, gsize len)
{
  ssize_t n;

  /* What the session holds of a record goes first; it was counted as not sent yet. */
  do
    n = tls->sending ? gnutls_record_send (tls->session, NULL, 0)
                     : gnutls_record_send (tls->session, data, len);
  while (n == GNUTLS_E_INTERRUPTED);
  tls->sending = n == GNUTLS_E_AGAIN;
  return n >= 0 ? n : convert_failure (n);
}

void
oc_tls_end (OcTls *tls)
{
  (void) gnutls_bye (tls->session, GNUTLS_SHUT_WR);
}

bool
oc_tls_is_pending (const OcTls *tls)
{
  return gnutls_record_check_pending (tls->session) > 0 || oc_buffer_len (tls->raw) > 0;
}
