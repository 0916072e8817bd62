/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/test-opened.h"

#include "ca/oc-ca.h"
#include "common/oc-fd.h"
#include "proxy/test-tls.h"
#include "testlib/oc-testns.h"

#include <glib/gstdio.h>

PxOpened px_opened;

const char px_opened_rules[]
    = "version: \"1\"\n"
      "rules:\n"
      "  - id: opened\n"
      "    hosts: [\"up.test\", \"down.test\", \"" SERVER "\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept }\n"
      "  - id: reads\n"
      "    hosts: [\"api.test\"]\n"
      "    methods: [GET, HEAD]\n"
      "    paths: [\"/open/*\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept }\n"
      "  - id: body\n"
      "    condition: 'network.hostname == \"keyed.test\" && http.body.contains(\"good\")'\n"
      "    action: allow\n"
      "    egress: { mode: intercept, match_body: true }\n"
      "  - id: no-bad-body\n"
      "    condition: 'http.body.contains(\"forbidden\")'\n"
      "    action: block\n"
      "    priority: 1\n"
      "  - id: any-body\n"
      "    hosts: [\"mixed.test\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept, match_body: true }\n"
      "  - id: small\n"
      "    hosts: [\"small.test\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept, max_bytes: 1000 }\n"
      "  - id: secret\n"
      "    hosts: [\"ech.test\"]\n"
      "    action: allow\n"
      "    egress:\n"
      "      mode: intercept\n"
      "      inject: { headers: { Authorization: \"Bearer ${secret:token}\", x-a: b } }\n"
      "  - id: gone\n"
      "    hosts: [\"nowhere.test\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept, inject: { headers: { x-key: \"${secret:lost}\" } } }\n"
      "  - id: rebind\n"
      "    hosts: [\"rebind.test\"]\n"
      "    action: allow\n"
      "    egress: { mode: intercept }\n"
      "  - id: hidden-behind\n"
      "    hosts: [\"many.test\"]\n"
      "    paths: [\"/open/*\"]\n"
      "    ports: [80, 443]\n"
      "    action: allow\n"
      "  - id: hidden\n"
      "    hosts: [\"many.test\"]\n"
      "    action: allow\n"
      "    priority: 200\n"
      "    egress: { mode: intercept }\n"
      "  - id: closed\n"
      "    hosts: [\"front.test\"]\n"
      "    action: allow\n"
      "  - id: no-evil\n"
      "    hosts: [\"evil.test\"]\n"
      "    action: block\n";

/* --- Servers ---------------------------------------------------------------------------- */

gnutls_session_t
px_opened_new_server (gnutls_certificate_credentials_t credentials)
{
  gnutls_session_t session;

  g_assert_cmpint (gnutls_init (&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL), ==, 0);
  g_assert_cmpint (gnutls_set_default_priority (session), ==, 0);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials);
  return session;
}

void
px_opened_serve (PxServer *server, int fd, OcIntercept *ca, const char *name, gnutls_certificate_request_t ask)
{
  OcLeaf *leaf = oc_intercept_get_leaf (ca, name, strlen (name));
  gnutls_session_t session = px_opened_new_server (oc_leaf_get_credentials (leaf));
  oc_autofd int inner = -1;

  gnutls_certificate_server_set_request (session, ask);
  inner = px_tls_speak (dup (fd), session, leaf);
  if (inner >= 0)
    px_serve_http (server, inner);
}

/* By what it is asked for; a session is not there yet, so by a look at the hello. */
static void
serve_https (PxServer *server, int fd)
{
  static const char *const names[] = { "up.test", "api.test", "keyed.test", "small.test", "ech.test", "many.test" };
  char hello[2048];
  ssize_t n = recv (fd, hello, sizeof hello, MSG_PEEK);

  for (gsize i = 0; n > 0 && i < G_N_ELEMENTS (names); i++)
    if (memmem (hello, (gsize) n, names[i], strlen (names[i])) != NULL)
      {
        px_opened_serve (server, fd, px_opened.web_ca, names[i], GNUTLS_CERT_IGNORE);
        return;
      }
  px_opened_serve (server, fd, px_opened.web_ca, SERVER, GNUTLS_CERT_IGNORE);
}

/* --- Clients ------------------------------------------------------------------------------- */

gnutls_certificate_credentials_t
px_opened_get_trust (OcIntercept *ca)
{
  const char *pem = oc_intercept_get_ca_pem (ca);
  gnutls_datum_t text = { (unsigned char *) pem, (unsigned int) strlen (pem) };
  gnutls_certificate_credentials_t trust;

  gnutls_certificate_allocate_credentials (&trust);
  g_assert_cmpint (gnutls_certificate_set_x509_trust_mem (trust, &text, GNUTLS_X509_FMT_PEM), ==, 1);
  return trust;
}

/* Takes @fd. */
int
px_opened_open_tls (int fd, const char *name, gnutls_certificate_credentials_t trust, const char *protocol)
{
  gnutls_datum_t alpn = { (unsigned char *) protocol, (unsigned int) strlen (protocol) };
  gnutls_session_t session;

  g_assert_cmpint (gnutls_init (&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), ==, 0);
  g_assert_cmpint (gnutls_set_default_priority (session), ==, 0);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, trust);
  if (!g_hostname_is_ip_address (name))
    gnutls_server_name_set (session, GNUTLS_NAME_DNS, name, strlen (name));
  if (alpn.size > 0)
    gnutls_alpn_set_protocols (session, &alpn, 1, 0);
  gnutls_session_set_verify_cert (session, name, 0);
  return px_tls_speak (fd, session, NULL);
}

int
px_opened_open (const char *host)
{
  static gnutls_certificate_credentials_t trust;
  g_autofree char *authority = g_strdup_printf ("%s:443", host);
  int fd;

  if (trust == NULL)
    trust = px_opened_get_trust (px_opened.intercept);
  fd = px_opened_open_tls (px_tunnel (AGENT, authority), host, trust, "http/1.1");

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

char *
px_opened_ask (const char *host, const char *request)
{
  oc_autofd int fd = px_opened_open (host);

  px_send_text (fd, request);
  return px_read_all (fd, NULL);
}

/* --- All of it ------------------------------------------------------------------------------------- */

/* A CA of its own in a folder of its own. */
static OcIntercept *
make_ca (const char *name, const char *trust)
{
  g_autofree char *place = g_build_filename (px_opened.dir, name, NULL);
  g_autofree char *cert = g_build_filename (place, "ca.crt", NULL);
  g_autofree char *key = g_build_filename (place, "ca.key", NULL);
  g_autofree char *trust_file = trust != NULL ? g_build_filename (px_opened.dir, trust, "ca.crt", NULL) : NULL;
  OcInterceptOptions options = { .ca_cert = cert,
                                 .ca_key = key,
                                 .leaf_ttl_s = 86400,
                                 .body_cap = 1024 * 1024,
                                 .trust_file = trust_file };
  g_autoptr (GError) error = NULL;
  OcIntercept *made;

  g_assert_no_errno (g_mkdir (place, 0700));
  g_assert_true (oc_ca_create (place, OC_CA_ECDSA, &error));
  g_assert_no_error (error);
  made = oc_intercept_new (&options, &error);
  g_assert_no_error (error);
  return made;
}

void
px_opened_set_secret (const char *value)
{
  g_autofree char *place = g_build_filename (px_opened.dir, "secrets", NULL);
  g_autofree char *file = g_build_filename (place, "token", NULL);
  OcSnapshotHub *hub = px_opened.px->hub;
  g_autoptr (OcPolicy) policy
      = oc_policy_ref ((OcPolicy *) oc_snapshot_get_policy (oc_snapshot_hub_get (hub)));
  g_autoptr (OcSecrets) secrets = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (place, 0700));
  g_assert_true (
      g_file_set_contents_full (file, value, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error));
  secrets = oc_secrets_load (place, NULL, &error);
  g_assert_no_error (error);
  oc_snapshot_hub_set_rules (hub, policy, secrets);
}

void
px_opened_init (int *argc, char ***argv)
{
  OcProxyTimeouts timeouts = oc_proxy_default_timeouts;

  px_init (argc, argv);
  px_opened.dir = g_dir_make_tmp ("outcall-intercept-XXXXXX", NULL);
  px_opened.odd_ca = make_ca ("odd", NULL);
  px_opened.web_ca = make_ca ("web", NULL);
  px_opened.intercept = make_ca ("own", "web");
  px_opened.web = px_serve (SERVER, 443, serve_https);
  timeouts.head_ms = timeouts.dial_ms = PX_OPENED_TIMEOUT_MS;
  px_opened.px = px_start_intercepting (&timeouts, px_opened.intercept);
  px_set_rules (px_opened.px, px_opened_rules);
  px_opened_set_secret (PX_OPENED_SECRET);
}

/* Nothing is left over by now, and nothing may be. */
static void
test_nothing_left (void)
{
  g_assert_true (oc_test_wait_ms (px_is_quiet, px_opened.px, PX_QUIET_MS));
}

int
px_opened_run (void)
{
  int status;

  g_test_add_func ("/proxy/opened/nothing-left", test_nothing_left);
  status = g_test_run ();
  px_stop (px_opened.px);
  px_server_stop (px_opened.web);
  oc_intercept_free (px_opened.intercept);
  oc_intercept_free (px_opened.web_ca);
  oc_intercept_free (px_opened.odd_ca);
  oc_test_run ("rm -r -- %s", px_opened.dir);
  g_free (px_opened.dir);
  px_done ();
  return status;
}
