/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * CONNECT and transparent connections.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <poll.h>
#include <sys/socket.h>

static Px *px;
static PxServer *tls, *plain, *banner, *web;

static void
expect_pong (int fd)
{
  g_autofree char *pong G_GNUC_UNUSED = px_read_until (fd, "pong");
}

static void
assert_nothing_seen (PxServer *server)
{
  g_autofree char *seen = px_server_get_received (server);

  g_assert_cmpstr (seen, ==, "");
}

/* --- CONNECT ------------------------------------------------------------------ */

static void
test_refused (void)
{
  static const struct
  {
    const char *authority, *host, *begins, *has;
  } cases[] = {
    { "other.test:443", "other.test:443", "HTTP/1.1 403 ", "no rule allows other.test:443" },
    { "evil.test:443", "evil.test:443", "HTTP/1.1 403 ", "evil is not for you" },
    { "up.test:22", "up.test:22", "HTTP/1.1 403 ", "does not name port 22" },
    { "up.test:8080", "up.test:8080", "HTTP/1.1 403 ", "does not name port 8080" },
    { "rebind.test:443", "rebind.test:443", "HTTP/1.1 403 ", "private" },
    { "down.test:443", "down.test:443", "HTTP/1.1 502 ", "connection refused" },
    { "nowhere.test:443", "nowhere.test:443", "HTTP/1.1 502 ", "no address" },
    { "up.test", "up.test", "HTTP/1.1 400 ", NULL },
    { "up.test:", "up.test", "HTTP/1.1 400 ", NULL },
    { "up.test:0", "up.test", "HTTP/1.1 400 ", NULL },
    { "up.test:443443", "up.test", "HTTP/1.1 400 ", NULL },
    { "u@up.test:443", "up.test", "HTTP/1.1 400 ", NULL },
    { "http://up.test:443", "up.test", "HTTP/1.1 400 ", NULL },
    { "0x5050505:443", "up.test", "HTTP/1.1 400 ", NULL },
    { "5.5.1285:443", "5.5.1285:443", "HTTP/1.1 400 ", NULL },
    { "up.test:443", "api.test:443", "HTTP/1.1 400 ", NULL },
    { "up.test:443", "up.test:80", "HTTP/1.1 400 ", NULL },
    { "up%2etest:443", "up.test:443", "HTTP/1.1 400 ", NULL },
    { "2606:4700::1:443", "x", "HTTP/1.1 400 ", NULL },
  };

  px_server_forget (tls);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *request = g_strdup_printf ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                                                  cases[i].authority, cases[i].host);
      g_autofree char *reply = px_ask (AGENT, request);

      g_test_message ("%s %s: %s", cases[i].authority, cases[i].host, reply);
      g_assert_true (g_str_has_prefix (reply, cases[i].begins));
      g_assert_true (cases[i].has == NULL || strstr (reply, cases[i].has) != NULL);
    }
  g_assert_cmpuint (px_server_get_connections (tls), ==, 0);
}

static void
test_allowed (void)
{
  static const char *const authorities[] = { "up.test:443", "UP.test.:443", "5.5.5.5:443" };

  for (gsize i = 0; i < G_N_ELEMENTS (authorities); i++)
    {
      oc_autofd int fd = px_tunnel (AGENT, authorities[i]);

      px_send_hello (fd, i < 2 ? "up.test" : NULL, FALSE);
      expect_pong (fd);
      px_send_text (fd, "more");
      expect_pong (fd);
    }
}

static void
test_http10 (void)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;

  px_send_text (fd, "CONNECT up.test:443 HTTP/1.0\r\n\r\n");
  reply = px_read_until (fd, "\r\n\r\n");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
}

/* The hello comes with the CONNECT, before the answer. */
static void
test_eager (void)
{
  g_autoptr (GByteArray) hello = px_hello ("up.test", FALSE, 16000);
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autoptr (GString) all = g_string_new ("CONNECT up.test:443 HTTP/1.1\r\nHost: up.test:443\r\n\r\n");

  g_string_append_len (all, (const char *) hello->data, hello->len);
  px_send (fd, all->str, all->len);
  expect_pong (fd);
}

/* Cut at each byte, and in records of each size: the same hello arrives. */
static void
test_split (void)
{
  g_autoptr (GByteArray) whole = px_hello ("up.test", FALSE, 16000);

  for (guint cut = 1; cut < whole->len; cut++)
    {
      oc_autofd int fd = px_tunnel (AGENT, "up.test:443");

      px_send (fd, (const char *) whole->data, cut);
      px_send (fd, (const char *) whole->data + cut, whole->len - cut);
      expect_pong (fd);
    }
  for (gsize size = 1; size < 40; size += 3)
    {
      g_autoptr (GByteArray) pieces = px_hello ("up.test", FALSE, size);
      oc_autofd int fd = px_tunnel (AGENT, "up.test:443");

      px_send (fd, (const char *) pieces->data, pieces->len);
      expect_pong (fd);
    }
}

static void
test_sni (void)
{
  static const struct
  {
    const char *sni;
    gboolean ech, allowed;
    const char *log; /* (nullable): of the last record */
  } cases[] = {
    { "up.test", FALSE, TRUE, "allow connect up.test:443 CONNECT / up" },
    { "UP.TEST", FALSE, TRUE, NULL },
    { "front.test", FALSE, TRUE, "allow tls front.test:443 CONNECT / fronted" },
    { "other.test", FALSE, FALSE, "block tls other.test:443 CONNECT / default" },
    { "evil.test", FALSE, FALSE, "block tls evil.test:443 CONNECT / no-evil" },
    { "bad..name", FALSE, FALSE, NULL },
    { "bad name", FALSE, FALSE, NULL },
    { "127.1", FALSE, FALSE, NULL },
    { "up.test", TRUE, TRUE, NULL }, /* GREASE */
    { "front.test", TRUE, FALSE, NULL },
    { "ech.test", TRUE, TRUE, NULL },
    { NULL, TRUE, FALSE, NULL },
    { NULL, FALSE, TRUE, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
      g_autofree char *log = NULL;

      g_test_message ("%s %d", cases[i].sni, cases[i].ech);
      px_server_forget (tls);
      px_send_hello (fd, cases[i].sni, cases[i].ech);
      if (cases[i].allowed)
        expect_pong (fd);
      else
        {
          g_assert_true (px_is_denied (fd));
          assert_nothing_seen (tls);
        }
      log = px_last_log (px);
      g_assert_true (cases[i].log == NULL || g_str_equal (log, cases[i].log));
    }
}

static void
test_not_tls (void)
{
  static const char *const texts[] = { "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x17\x03\x03" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
      gsize len;
      g_autofree char *got = NULL;

      px_server_forget (tls);
      px_send (fd, texts[i], strlen (texts[i]));
      got = px_read_all (fd, &len);
      g_assert_cmpuint (len, ==, 0);
      assert_nothing_seen (tls);
    }
}

/* A rule that names the port lets other protocols pass, also one where the
 * server speaks first; another name in a hello is looked at all the same. */
static void
test_named_port (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:2222");
  oc_autofd int hidden = px_tunnel (AGENT, "up.test:2222");
  g_autofree char *ready G_GNUC_UNUSED = px_read_until (fd, "220 ready\r\n");
  g_autofree char *ready_too G_GNUC_UNUSED = px_read_until (hidden, "220 ready\r\n");

  px_send_text (fd, "HELO\r\n");
  expect_pong (fd);
  px_server_forget (banner);
  px_send_hello (hidden, "other.test", FALSE);
  g_assert_true (px_is_denied (hidden));
  assert_nothing_seen (banner);
}

static void
test_half_close (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:2222");
  g_autofree char *ready G_GNUC_UNUSED = px_read_until (fd, "220 ready\r\n");
  g_autofree char *rest = NULL;

  px_send_text (fd, "last");
  g_assert_no_errno (shutdown (fd, SHUT_WR));
  rest = px_read_all (fd, NULL);
  g_assert_cmpstr (rest, ==, "pong");
}

static void
test_log_end (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:2222");
  g_autofree char *ready G_GNUC_UNUSED = px_read_until (fd, "220 ready\r\n");
  g_autofree char *last = NULL;
  PxEnd end;

  px_send_text (fd, "last");
  g_free (px_read_until (fd, "pong"));
  g_assert_false (px_last_end (px).ended);
  oc_fd_clear (&fd);
  end = px_wait_end (px);
  g_assert_cmpstr (end.address, ==, SERVER);
  g_assert_cmpuint (end.bytes_up, ==, 4);
  /* With the proxy's own answer to CONNECT. */
  g_assert_cmpuint (end.bytes_down, >=, strlen ("220 ready\r\npong") + strlen ("HTTP/1.1 200 "));
  g_assert_cmpuint (end.bytes_down, <, 100);
  g_assert_cmpint (end.duration_us, >, 0);
  last = px_last_log (px);
  g_assert_true (g_str_has_prefix (last, "allow connect up.test:2222 CONNECT "));
}

/* --- Transparent ------------------------------------------------------------------ */

static void
test_transparent_http (void)
{
  static const struct
  {
    const char *request, *begins;
  } cases[] = {
    { "GET /hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 " },
    { "GET /hello HTTP/1.1\r\nHost: up.test:80\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 " },
    { "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 " },
    { "GET /hello HTTP/1.1\r\nHost: up.test:81\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 " },
    { "GET /hello HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 " },
    { "GET http://other.test/ HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 " },
    { "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 400 " },
    { "GET /outcall-health HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 " },
    { "CONNECT up.test:443 HTTP/1.1\r\nHost: up.test:443\r\n\r\n", "HTTP/1.1 400 " },
    { "GET /shut HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      oc_autofd int fd = px_connect (AGENT, SERVER, 80);
      g_autofree char *reply = NULL;

      px_send (fd, cases[i].request, strlen (cases[i].request));
      reply = px_read_all (fd, NULL);
      g_test_message ("%s -> %s", cases[i].request, reply);
      g_assert_true (g_str_has_prefix (reply, cases[i].begins));
    }
}

/* The address that was wanted plays no part: we go where the name is. */
static void
test_transparent_false_address (void)
{
  oc_autofd int fd = px_connect (AGENT, SERVER2, 80);
  g_autofree char *reply = NULL;

  px_server_forget (web);
  px_send_text (fd, "GET /hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");
  reply = px_read_all (fd, NULL);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  g_assert_cmpuint (px_server_get_connections (web), ==, 1);
}

static void
test_transparent_tls (void)
{
  static const struct
  {
    const char *to, *sni;
    gboolean ech, allowed;
  } cases[] = {
    { SERVER, "up.test", FALSE, TRUE },
    { SERVER2, "up.test", FALSE, TRUE },   /* we resolve */
    { SERVER, NULL, FALSE, TRUE },         /* the address is allowed by name */
    { SERVER2, NULL, FALSE, FALSE },
    { SERVER, "other.test", FALSE, FALSE },
    { SERVER, "rebind.test", FALSE, FALSE },
    { SERVER, "up.test", TRUE, TRUE },     /* GREASE: the name is at this address */
    { SERVER2, "up.test", TRUE, FALSE },
    { SERVER2, "ech.test", TRUE, TRUE },
    { SERVER, "bad name", FALSE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      oc_autofd int fd = px_connect (AGENT, cases[i].to, 443);

      g_test_message ("%s %s %d", cases[i].to, cases[i].sni, cases[i].ech);
      px_send_hello (fd, cases[i].sni, cases[i].ech);
      if (cases[i].allowed)
        expect_pong (fd);
      else
        g_assert_true (px_is_denied (fd));
    }
}

static void
test_transparent_no_lease (void)
{
  oc_autofd int fd = px_connect (STRANGER, SERVER, 443);
  oc_autofd int http = px_connect (STRANGER, SERVER, 80);
  g_autofree char *reply = px_read_all (http, NULL);

  g_assert_true (px_is_denied (fd));
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 403 "));
}

/* The ports behind the redirect are not for those who come by themselves. */
static void
test_not_redirected (void)
{
  oc_autofd int http = px_connect (AGENT, GATEWAY, OC_PROXY_HTTP_PORT);
  oc_autofd int other = px_connect (AGENT, GATEWAY, OC_PROXY_TLS_PORT);

  g_assert_true (px_wait_closed (http, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (other, PX_AT_ONCE_MS));
}

/* --- Reload -------------------------------------------------------------------------- */

static const char only_front[]
    = "version: \"1\"\nrules:\n  - id: fronted\n    hosts: [\"front.test\"]\n    action: allow\n";

static void
open_idle (int *out_fd, const char *from, const char *authority, const char *sni)
{
  *out_fd = px_tunnel (from, authority);
  px_send_hello (*out_fd, sni, FALSE);
  expect_pong (*out_fd);
}

/* The figures of the specification are the program's; a busy machine adds to some
 * rounds, not to every one. */
#define ROUNDS 5
#define REVOKED_US (100 * 1000)

static gint64
time_reload (void)
{
  oc_autofd int gone = -1;
  oc_autofd int stays = -1;
  oc_autofd int by_sni = -1;
  oc_autofd int idle = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  gint64 start_us, took_us;

  open_idle (&gone, AGENT, "up.test:443", "up.test");
  open_idle (&stays, AGENT, "front.test:443", "front.test");
  open_idle (&by_sni, AGENT, "front.test:443", "up.test");
  px_send_text (idle, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\n\r\n");
  reply = px_read_until (idle, "hello");
  start_us = g_get_monotonic_time ();
  px_set_rules (px, only_front);
  g_assert_true (px_wait_closed (gone, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (by_sni, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (idle, PX_AT_ONCE_MS));
  took_us = g_get_monotonic_time () - start_us;
  g_test_message ("closed after %" G_GINT64_FORMAT " us", took_us);
  px_send_text (stays, "more");
  expect_pong (stays);
  px_set_rules (px, px_rules);
  px_send_text (stays, "more");
  expect_pong (stays);
  return took_us;
}

static void
test_reload (void)
{
  gint64 best_us = G_MAXINT64;

  for (guint i = 0; i < ROUNDS && best_us >= REVOKED_US; i++)
    best_us = MIN (best_us, time_reload ());
  g_assert_cmpint (best_us, <, REVOKED_US);
}

/* What a rule allowed beyond the host ends with it. */
static void
test_reload_means (void)
{
  static const char bare[] = "version: \"1\"\nrules:\n  - id: bare\n    hosts: [\"*.test\"]\n    action: allow\n";
  oc_autofd int hidden = px_tunnel (AGENT, "ech.test:443");
  oc_autofd int grease = px_tunnel (AGENT, "up.test:443");
  oc_autofd int other_port = px_tunnel (AGENT, "up.test:2222");
  oc_autofd int transparent = px_connect (AGENT, SERVER2, 443);
  g_autofree char *ready G_GNUC_UNUSED = px_read_until (other_port, "220 ready\r\n");

  px_send_hello (hidden, NULL, TRUE);
  px_send_hello (grease, "up.test", TRUE);
  px_send_hello (transparent, "ech.test", TRUE);
  expect_pong (hidden);
  expect_pong (grease);
  expect_pong (transparent);
  px_set_rules (px, bare);
  g_assert_true (px_wait_closed (hidden, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (other_port, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (transparent, PX_AT_ONCE_MS));
  px_send_text (grease, "more");
  expect_pong (grease);
  px_set_rules (px, px_rules);
}

static gint64
time_workload_gone (void)
{
  oc_autofd int gone = -1;
  oc_autofd int stays = -1;
  gint64 start_us, took_us;

  open_idle (&gone, OTHER, "up.test:443", "up.test");
  open_idle (&stays, AGENT, "up.test:443", "up.test");
  start_us = g_get_monotonic_time ();
  px_remove_other (px);
  g_assert_true (px_wait_closed (gone, PX_AT_ONCE_MS));
  took_us = g_get_monotonic_time () - start_us;
  px_send_text (stays, "more");
  expect_pong (stays);
  px_add_other (px);
  return took_us;
}

static void
test_workload_gone (void)
{
  gint64 best_us = G_MAXINT64;

  for (guint i = 0; i < ROUNDS && best_us >= REVOKED_US; i++)
    best_us = MIN (best_us, time_workload_gone ());
  g_assert_cmpint (best_us, <, REVOKED_US);
}

/* --- Real programs --------------------------------------------------------------------- */

static void
test_openssl (void)
{
  oc_test_run ("cd $(mktemp -d) && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=up.test"
               " -days 2 2>/dev/null && (openssl s_server -quiet -accept " SERVER ":8443 -key k -cert c -www"
               " >/dev/null 2>&1 </dev/null & echo $! >pid) && for i in $(seq 100); do"
               " curl -sk --max-time 5 --interface " AGENT " -x " GATEWAY ":8080 https://up.test:8443/ -o out && break;"
               " sleep 0.05; done; grep -q Cipher out; ok=$?;"
               " curl -sk --max-time 5 --interface " AGENT " -x " GATEWAY ":8080"
               " --connect-to other.test:8443:up.test:8443 https://other.test:8443/ -o out2; no=$?;"
               " kill $(cat pid); rm -r \"$PWD\"; [ $ok = 0 ] && [ $no = 35 ]");
}

int
main (int argc, char **argv)
{
  int result;

  px_init (&argc, &argv);
  px = px_start (NULL, 0);
  tls = px_serve (SERVER, 443, px_serve_pong);
  plain = px_serve (SERVER, 22, px_serve_banner);
  banner = px_serve (SERVER, 2222, px_serve_banner);
  web = px_serve (SERVER, 80, px_serve_http);
  g_test_add_func ("/proxy/connect/refused", test_refused);
  g_test_add_func ("/proxy/connect/allowed", test_allowed);
  g_test_add_func ("/proxy/connect/http10", test_http10);
  g_test_add_func ("/proxy/connect/eager", test_eager);
  g_test_add_func ("/proxy/connect/split", test_split);
  g_test_add_func ("/proxy/connect/sni", test_sni);
  g_test_add_func ("/proxy/connect/not-tls", test_not_tls);
  g_test_add_func ("/proxy/connect/named-port", test_named_port);
  g_test_add_func ("/proxy/connect/half-close", test_half_close);
  g_test_add_func ("/proxy/connect/log-end", test_log_end);
  g_test_add_func ("/proxy/transparent/http", test_transparent_http);
  g_test_add_func ("/proxy/transparent/false-address", test_transparent_false_address);
  g_test_add_func ("/proxy/transparent/tls", test_transparent_tls);
  g_test_add_func ("/proxy/transparent/no-lease", test_transparent_no_lease);
  g_test_add_func ("/proxy/transparent/not-redirected", test_not_redirected);
  g_test_add_func ("/proxy/openssl", test_openssl);
  g_test_add_func ("/proxy/reload", test_reload);
  g_test_add_func ("/proxy/reload/means", test_reload_means);
  g_test_add_func ("/proxy/workload-gone", test_workload_gone);
  result = g_test_run ();
  px_stop (px);
  px_server_stop (tls);
  px_server_stop (plain);
  px_server_stop (banner);
  px_server_stop (web);
  px_done ();
  return result;
}
