/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One end of an intercepted connection: a TLS session over its descriptor,
 * which never blocks. It may hold bytes that epoll knows nothing of, so who
 * reads goes on until OC_IO_AGAIN. Thread: the worker's own.
 */

#include "proxy/oc-proxy-conn.h"

#ifdef OC_HAVE_INTERCEPT

/* Towards the client, with @leaf's certificate (transfer full). *@raw: (nullable): what was
 * read of the descriptor already; taken. Returns: NULL when there is no memory for it. */
OcTls *oc_tls_new_server (OcConn *conn, OcLeaf *leaf, OcBuffer **raw);
/* Towards the server, whose certificate must be valid for conn->host. */
OcTls *oc_tls_new_client (OcConn *conn);
void oc_tls_free (OcTls *tls);

/* Goes on with the handshake. OC_IO_BROKEN: it failed, the other side has been told. */
OcIoResult oc_tls_shake (OcTls *tls);
/* Why it failed, in words of the library's; static or in @out. */
const char *oc_tls_explain (OcTls *tls, char *out, gsize size);
/* Whether it did for want of a protocol (ALPN) that both sides speak. */
bool oc_tls_has_no_protocol (const OcTls *tls);

/* Whether the server wanted to know who we are. */
bool oc_tls_is_asked_for_certificate (const OcTls *tls);

/* As recv() and send() in their results and errno. A connection that ends without TLS's own
 * end is cut off, so -1 and ECONNRESET. */
ssize_t oc_tls_recv (OcTls *tls, void *data, gsize len);
ssize_t oc_tls_send (OcTls *tls, const void *data, gsize len);
/* Says that nothing more comes, as far as the peer takes it. */
void oc_tls_end (OcTls *tls);
/* Whether a read would find something that epoll does not know of. */
bool oc_tls_is_pending (const OcTls *tls);
/* What the handshake waits for. */
guint32 oc_tls_get_events (const OcTls *tls);

#else /* No connection has one then. */

static inline void
oc_tls_free (OcTls *tls)
{
  g_assert (tls == NULL);
}

static inline ssize_t
oc_tls_recv (OcTls *tls, void *data, gsize len)
{
  g_assert_not_reached ();
}

static inline ssize_t
oc_tls_send (OcTls *tls, const void *data, gsize len)
{
  g_assert_not_reached ();
}

static inline void
oc_tls_end (OcTls *tls)
{
  g_assert_not_reached ();
}

static inline bool
oc_tls_is_pending (const OcTls *tls)
{
  g_assert_not_reached ();
}

#endif
