/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Connections that the proxy opens, or does not: which they are, how they begin
 * on either side, what goes wrong then, and what a reload does to them.
 */
#include "config.h"

#include "proxy/test-opened.h"
#include "proxy/test-tls.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <gnutls/x509.h>
#include <sys/socket.h>

/* --- Servers with faults ------------------------------------------------------------------- */

static void
serve_untrusted (PxServer *server, int fd)
{
  px_opened_serve (server, fd, px_opened.odd_ca, "down.test", GNUTLS_CERT_IGNORE);
}

static void
serve_other_name (PxServer *server, int fd)
{
  px_opened_serve (server, fd, px_opened.web_ca, "elsewhere.test", GNUTLS_CERT_IGNORE);
}

static void
serve_curious (PxServer *server, int fd)
{
  px_opened_serve (server, fd, px_opened.web_ca, "down.test", GNUTLS_CERT_REQUIRE);
}

static void
serve_credentials (int fd, const char *purpose, gboolean expired)
{
  g_autofree char *ca = g_build_filename (px_opened.dir, "web", NULL);
  gnutls_certificate_credentials_t made = px_tls_make_credentials (ca, "down.test", purpose, expired);
  int inner = px_tls_speak (dup (fd), px_opened_new_server (made), NULL);

  oc_fd_clear (&inner);
  gnutls_certificate_free_credentials (made);
}

static void
serve_client_certificate (PxServer *server, int fd)
{
  serve_credentials (fd, GNUTLS_KP_TLS_WWW_CLIENT, FALSE);
}

static void
serve_expired (PxServer *server, int fd)
{
  serve_credentials (fd, GNUTLS_KP_TLS_WWW_SERVER, TRUE);
}

static void
serve_only_h2 (PxServer *server, int fd)
{
  OcLeaf *leaf = oc_intercept_get_leaf (px_opened.web_ca, "down.test", 9);
  gnutls_session_t session = px_opened_new_server (oc_leaf_get_credentials (leaf));
  gnutls_datum_t h2 = { (unsigned char *) "h2", 2 };
  int inner;

  gnutls_alpn_set_protocols (session, &h2, 1, GNUTLS_ALPN_MANDATORY);
  inner = px_tls_speak (dup (fd), session, leaf);
  oc_fd_clear (&inner);
}

/* Takes the connection and says nothing. */
static void
serve_nothing (PxServer *server, int fd)
{
  char data[4096];

  while (recv (fd, data, sizeof data, 0) > 0)
    ;
}

/* An answer that ends with the connection, which somebody cuts. */
static void
serve_cut_off (PxServer *server, int fd)
{
  static const char text[] = "HTTP/1.1 200 OK\r\n\r\nhalf of it";
  OcLeaf *leaf = oc_intercept_get_leaf (px_opened.web_ca, "down.test", 9);
  gnutls_session_t session = px_opened_new_server (oc_leaf_get_credentials (leaf));
  char data[4096];

  gnutls_transport_set_int (session, fd);
  if (gnutls_handshake (session) == 0 && gnutls_record_recv (session, data, sizeof data) > 0)
    (void) gnutls_record_send (session, text, sizeof text - 1);
  gnutls_deinit (session); /* without a word */
  oc_leaf_unref (leaf);
}

/* --- Handshakes ----------------------------------------------------------------------------- */

static void
test_transparent (void)
{
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.intercept);
  oc_autofd int fd = px_opened_open_tls (px_connect (AGENT, SERVER, 443), "up.test", trust, "http/1.1");
  g_autofree char *reply = NULL;

  g_assert_cmpint (fd, >=, 0);
  px_send_text (fd, "GET /hello HTTP/1.1\r\n" UP C "\r\n");
  reply = px_read_all (fd, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  gnutls_certificate_free_credentials (trust);
}

/* A rule that might have matched stands before the one that lets the tunnel through. */
static void
test_hidden_rule (void)
{
  oc_autofd int fd = px_opened_open ("many.test");
  g_autofree char *reply = NULL;
  g_autofree char *last = NULL;

  px_send_text (fd, "GET /hello HTTP/1.1\r\nHost: many.test\r\n" C "\r\n");
  reply = px_read_all (fd, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  last = px_last_log (px_opened.px);
  g_assert_cmpstr (last, ==, "allow http many.test:443 GET /hello hidden");
}

/* A tunnel that stays closed is no way to a host whose connections are opened. */
static void
test_fronted_tunnel (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "front.test:443");
  g_autofree char *seen = NULL;
  g_autofree char *last = NULL;

  px_server_forget (px_opened.web);
  px_send_hello (fd, "up.test", FALSE);
  g_assert_true (px_is_denied (fd));
  seen = px_server_get_received (px_opened.web);
  g_assert_cmpstr (seen, ==, "");
  last = px_last_log (px_opened.px);
  g_assert_cmpstr (last, ==, "block tls front.test:443   closed");
}

/* The rule that decides is not for interception: the server's own certificate arrives. */
static void
test_left_closed (void)
{
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.web_ca);
  oc_autofd int fd = px_opened_open_tls (px_tunnel (AGENT, "front.test:443"), SERVER, trust, "");
  g_autofree char *reply = NULL;

  g_assert_cmpint (fd, >=, 0);
  px_send_text (fd, "GET /hello HTTP/1.1\r\nHost: front.test\r\n" C "\r\n");
  reply = px_read_until (fd, "\r\n\r\nhello");
  gnutls_certificate_free_credentials (trust);
}

static void
test_blocked_host (void)
{
  g_autofree char *reply = px_ask (AGENT, "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n");

  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 403 "));
}

/* Who trusts only the real CAs sees that it is not spoken to by the server. */
static void
test_untrusting_client (void)
{
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.web_ca);
  g_autofree char *last = NULL;

  g_assert_cmpint (px_opened_open_tls (px_tunnel (AGENT, "up.test:443"), "up.test", trust, ""), ==, -1);
  g_assert_true (oc_test_wait_ms (px_is_quiet, px_opened.px, PX_QUIET_MS));
  last = px_last_log (px_opened.px);
  g_assert_cmpstr (last, ==, "block tls up.test:443   default");
  gnutls_certificate_free_credentials (trust);
}

static void
test_wrong_names (void)
{
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.intercept);

  /* Another server than was connected to; a protocol that is not spoken. */
  g_assert_cmpint (px_opened_open_tls (px_tunnel (AGENT, "up.test:443"), "api.test", trust, ""), ==, -1);
  g_assert_cmpint (px_opened_open_tls (px_tunnel (AGENT, "up.test:443"), "up.test", trust, "h2"), ==, -1);
  gnutls_certificate_free_credentials (trust);
}

static void
test_not_tls (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");

  px_send_text (fd, "GET /hello HTTP/1.1\r\n" UP "\r\n");
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
}

static void
test_upstream_failures (void)
{
  static const struct
  {
    PxServe serve;
    const char *begins;
    const char *failure;
    const char *has;
  } servers[] = {
    { serve_untrusted, "HTTP/1.1 502 ", "upstream_handshake_failed", "NOT trusted" },
    { serve_other_name, "HTTP/1.1 502 ", "upstream_handshake_failed", "does not match" },
    { serve_client_certificate, "HTTP/1.1 502 ", "upstream_handshake_failed", "purpose" },
    { serve_expired, "HTTP/1.1 502 ", "upstream_handshake_failed", "expired" },
    { serve_only_h2, "HTTP/1.1 502 ", "alpn_mismatch", "down.test:443" },
    { serve_curious, "HTTP/1.1 502 ", "upstream_handshake_failed", "client certificate" },
    { serve_nothing, "HTTP/1.1 504 ", "upstream_handshake_failed", "took too long" },
    { px_serve_banner, "HTTP/1.1 502 ", "upstream_handshake_failed", "no TLS with down.test:443" },
    { px_serve_http, "HTTP/1.1 502 ", "upstream_handshake_failed", "no TLS with down.test:443" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (servers); i++)
    {
      PxServer *server = px_serve (SERVER2, 443, servers[i].serve);
      g_autofree char *reply = px_opened_ask ("down.test", "GET /hello HTTP/1.1\r\nHost: down.test\r\n" C "\r\n");

      g_autofree char *header
          = g_strdup_printf ("\r\nX-Outcall-Failure-Reason: %s\r\n", servers[i].failure);

      g_test_message ("%zu: %s", i, reply);
      g_assert_true (g_str_has_prefix (reply, servers[i].begins));
      g_assert_nonnull (strstr (reply, header));
      g_assert_nonnull (strstr (reply, servers[i].has));
      px_server_stop (server);
    }
}

/* What is cut off is not taken for the end: the client's session ends without one, too. */
static void
test_cut_off (void)
{
  static const char request[] = "GET / HTTP/1.1\r\nHost: down.test\r\n\r\n";
  PxServer *server = px_serve (SERVER2, 443, serve_cut_off);
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.intercept);
  gnutls_session_t session;
  oc_autofd int fd = px_tunnel (AGENT, "down.test:443");
  char data[4096];
  ssize_t n;

  g_assert_cmpint (gnutls_init (&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), ==, 0);
  gnutls_set_default_priority (session);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, trust);
  gnutls_transport_set_int (session, fd);
  g_assert_cmpint (gnutls_handshake (session), ==, 0);
  (void) gnutls_record_send (session, request, sizeof request - 1);
  do
    n = gnutls_record_recv (session, data, sizeof data);
  while (n > 0);
  g_assert_cmpint (n, ==, GNUTLS_E_PREMATURE_TERMINATION);
  gnutls_deinit (session);
  gnutls_certificate_free_credentials (trust);
  px_server_stop (server);
}

/* A client that begins no handshake holds nothing for long. */
static void
test_slow_client (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");

  px_send (fd, "\x16\x03\x01", 3);
  g_assert_true (px_wait_closed (fd, 2 * PX_OPENED_TIMEOUT_MS));
}

/* What rests after plain requests to port 443 is never used for one that was encrypted. */
static void
test_no_plain_reuse (void)
{
  PxServer *server = px_serve (SERVER2, 443, px_serve_http);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *seen = NULL;

  for (guint i = 0; i < 8; i++)
    {
      g_free (first);
      first = px_ask (AGENT, "GET http://down.test:443/hello HTTP/1.1\r\nHost: down.test:443\r\n" C "\r\n");
      g_assert_true (g_str_has_prefix (first, "HTTP/1.1 200 "));
    }
  px_server_forget (server);
  second = px_opened_ask ("down.test", "GET /hello HTTP/1.1\r\nHost: down.test\r\n" C "\r\n");
  seen = px_server_get_received (server);
  g_assert_true (g_str_has_prefix (second, "HTTP/1.1 502 "));
  g_assert_null (strstr (seen, "GET"));
  px_set_rules (px_opened.px, px_opened_rules); /* closes what rests */
  px_server_stop (server);
}

/* --- Reloads ------------------------------------------------------------------------------------ */

static void
test_reload (void)
{
  static const char fewer[] = "version: \"1\"\n"
                              "rules:\n"
                              "  - { id: opened, hosts: [up.test], action: allow }\n"
                              "  - id: reads\n"
                              "    hosts: [api.test]\n"
                              "    action: allow\n"
                              "    egress: { mode: intercept }\n";
  oc_autofd int no_more = px_opened_open ("up.test");
  oc_autofd int goes_on = px_opened_open ("api.test");
  g_autofree char *reply = NULL;

  px_set_rules (px_opened.px, fewer);
  g_assert_true (px_wait_closed (no_more, PX_AT_ONCE_MS)); /* is to be closed now, not opened */
  px_send_text (goes_on, "GET /shut HTTP/1.1\r\nHost: api.test\r\n" C "\r\n");
  reply = px_read_all (goes_on, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 404 "));
  px_set_rules (px_opened.px, px_opened_rules);
}

/* What went on unseen ends when the rules want to see it. */
static void
test_reload_of_tunnel (void)
{
  static const char more[] = "version: \"1\"\n"
                             "rules:\n"
                             "  - id: opened\n"
                             "    hosts: [front.test, up.test]\n"
                             "    action: allow\n"
                             "    egress: { mode: intercept }\n";
  gnutls_certificate_credentials_t trust = px_opened_get_trust (px_opened.web_ca);
  oc_autofd int fd = px_opened_open_tls (px_tunnel (AGENT, "front.test:443"), SERVER, trust, "");

  g_assert_cmpint (fd, >=, 0);
  px_set_rules (px_opened.px, more);
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
  px_set_rules (px_opened.px, px_opened_rules);
  gnutls_certificate_free_credentials (trust);
}

/* Half of a body is no body: a reload meanwhile changes nothing for it. */
static void
test_reload_in_body (void)
{
  oc_autofd int fd = px_opened_open ("keyed.test");
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  px_send_text (fd, "POST /echo HTTP/1.1\r\nHost: keyed.test\r\nContent-Length: 4\r\n\r\ngood");
  first = px_read_until (fd, "\r\n\r\ngood");
  px_send_text (fd, "POST /echo HTTP/1.1\r\nHost: keyed.test\r\n" C "Content-Length: 8\r\n"
                    "Expect: 100-continue\r\n\r\ngo");
  g_free (px_read_until (fd, "100 Continue\r\n\r\n"));
  px_set_rules (px_opened.px, px_opened_rules);
  g_assert_false (px_wait_closed (fd, 100));
  px_send_text (fd, "od-day");
  second = px_read_all (fd, NULL);
  g_assert_true (g_str_has_suffix (second, "\r\n\r\ngood-day"));
}

/* A server that never answers, and then the rule goes. Returns: microseconds */
static gint64
time_revocation (void)
{
  oc_autofd int fd = px_opened_open ("up.test");
  gint64 before_us, took_us;

  px_server_forget (px_opened.web);
  px_send_text (fd, "GET /silent HTTP/1.1\r\n" UP "\r\n");
  while (px_server_get_connections (px_opened.web) == 0)
    g_usleep (1000);
  before_us = g_get_monotonic_time ();
  px_set_rules (px_opened.px, "version: \"1\"\nrules:\n  - { id: other, hosts: [api.test], action: allow }\n");
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
  took_us = g_get_monotonic_time () - before_us;
  px_set_rules (px_opened.px, px_opened_rules);
  return took_us;
}

/* A busy machine adds to some rounds, not to every one. */
static void
test_revoked (void)
{
  gint64 best_us = G_MAXINT64;

  for (guint i = 0; i < 5 && best_us >= 100 * 1000; i++)
    best_us = MIN (best_us, time_revocation ());
  g_assert_cmpint (best_us, <, 100 * 1000);
}

int
main (int argc, char **argv)
{
  px_opened_init (&argc, &argv);
  g_test_add_func ("/proxy/handshake/transparent", test_transparent);
  g_test_add_func ("/proxy/handshake/hidden-rule", test_hidden_rule);
  g_test_add_func ("/proxy/handshake/fronted-tunnel", test_fronted_tunnel);
  g_test_add_func ("/proxy/handshake/left-closed", test_left_closed);
  g_test_add_func ("/proxy/handshake/blocked-host", test_blocked_host);
  g_test_add_func ("/proxy/handshake/untrusting-client", test_untrusting_client);
  g_test_add_func ("/proxy/handshake/wrong-names", test_wrong_names);
  g_test_add_func ("/proxy/handshake/not-tls", test_not_tls);
  g_test_add_func ("/proxy/handshake/upstream-failures", test_upstream_failures);
  g_test_add_func ("/proxy/handshake/cut-off", test_cut_off);
  g_test_add_func ("/proxy/handshake/slow-client", test_slow_client);
  g_test_add_func ("/proxy/handshake/no-plain-reuse", test_no_plain_reuse);
  g_test_add_func ("/proxy/handshake/reload", test_reload);
  g_test_add_func ("/proxy/handshake/reload-of-tunnel", test_reload_of_tunnel);
  g_test_add_func ("/proxy/handshake/reload-in-body", test_reload_in_body);
  g_test_add_func ("/proxy/handshake/revoked", test_revoked);
  return px_opened_run ();
}
