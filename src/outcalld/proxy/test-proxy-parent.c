/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The way out through a corporate proxy, which is a scripted server here.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <sys/socket.h>

#define PARENT "10.77.0.1"

static Px *px;
static PxServer *parent, *web;

/* One head, noted. Returns: (transfer full) (nullable) */
static char *
read_head (PxServer *server, int fd)
{
  g_autoptr (GString) head = g_string_new (NULL);
  char c;

  while (strstr (head->str, "\r\n\r\n") == NULL)
    {
      if (recv (fd, &c, 1, 0) != 1)
        return NULL;
      g_string_append_c (head, c);
    }
  px_server_note (server, head->str, head->len);
  return g_string_free (g_steal_pointer (&head), FALSE);
}

static void
say (int fd, const char *text)
{
  (void) send (fd, text, strlen (text), MSG_NOSIGNAL);
}

static void
serve_parent (PxServer *server, int fd)
{
  g_autofree char *head = NULL;

  for (;;)
    {
      g_free (head);
      head = read_head (server, fd);
      if (head == NULL)
        return;
      if (g_str_has_prefix (head, "CONNECT down.test:"))
        say (fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      else if (g_str_has_prefix (head, "CONNECT many.test:"))
        say (fd, "SPDY/9 what\r\n\r\n");
      else if (g_str_has_prefix (head, "CONNECT dead.test:"))
        return;
      else if (g_str_has_prefix (head, "CONNECT up.test:80 "))
        {
          say (fd, "HTTP/1.1 200 OK\r\n\r\n");
          px_serve_http (server, fd);
          return;
        }
      else if (g_str_has_prefix (head, "CONNECT "))
        {
          /* Interim answers, and headers that mean nothing in a 2xx. */
          say (fd, "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
          px_serve_pong (server, fd);
          return;
        }
      else
        say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
}

/* Checks what the parent got from one request; @seen: (nullable): nothing */
static void
check_plain (const char *request, const char *begins, const char *seen)
{
  g_autofree char *reply = NULL;
  g_autofree char *got = NULL;

  px_server_forget (parent);
  reply = px_ask (AGENT, request);
  got = px_server_get_received (parent);
  g_test_message ("%s -> %s; %s", request, reply, got);
  g_assert_true (g_str_has_prefix (reply, begins));
  if (seen != NULL)
    g_assert_nonnull (strstr (got, seen));
  else
    g_assert_cmpstr (got, ==, "");
}

#define GET(host) "GET http://" host "/hello?q HTTP/1.1\r\nHost: " host "\r\nConnection: close\r\n\r\n"
#define CONNECT(at) "CONNECT " at " HTTP/1.1\r\nHost: " at "\r\n\r\n"

/* Each worker takes the change when it comes to it, and ends what went another way; the kernel
 * chooses one for each connection. */
static gboolean
all_go_to_parent (gpointer user_data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *reply = px_ask (AGENT, GET ("up.test"));

      if (!g_str_has_prefix (reply, "HTTP/1.1 200 "))
        return FALSE;
    }
  return TRUE;
}

static void
test_plain (void)
{
  g_assert_true (oc_test_wait (all_go_to_parent, NULL));
  px_server_forget (web);
  check_plain (GET ("up.test"), "HTTP/1.1 200 ", "GET http://up.test/hello?q HTTP/1.1\r\nHost: up.test\r\n");
  check_plain (GET ("nowhere.test"), "HTTP/1.1 200 ", "GET http://nowhere.test/hello?q ");
  check_plain (GET ("up.test:81"), "HTTP/1.1 200 ",
               "GET http://up.test:81/hello?q HTTP/1.1\r\nHost: up.test:81\r\n");
  check_plain (GET ("other.test"), "HTTP/1.1 403 ", NULL);
  /* Where it leads is known here, and refused here. */
  check_plain (GET ("rebind.test"), "HTTP/1.1 403 ", NULL);
  check_plain (GET ("own.test"), "HTTP/1.1 403 ", NULL);
  g_assert_cmpuint (px_server_get_connections (web), ==, 0);
}

static void
test_connect (void)
{
  static const char *const names[] = { "up.test:443", "nowhere.test:443", SERVER ":443" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      oc_autofd int fd = -1;
      g_autofree char *pong = NULL;
      g_autofree char *got = NULL;
      g_autofree char *want = g_strdup_printf ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", names[i], names[i]);

      px_server_forget (parent);
      fd = px_tunnel (AGENT, names[i]);
      px_send_hello (fd, NULL, FALSE);
      pong = px_read_until (fd, "pong");
      got = px_server_get_received (parent);
      g_assert_true (g_str_has_prefix (got, want));
    }
  check_plain (CONNECT ("other.test:443"), "HTTP/1.1 403 ", NULL);
  check_plain (CONNECT ("rebind.test:443"), "HTTP/1.1 403 ", NULL);
}

static void
test_refusals (void)
{
  g_autofree char *reply = px_ask (AGENT, CONNECT ("down.test:443"));
  g_autofree char *garbage = px_ask (AGENT, CONNECT ("many.test:443"));
  g_autofree char *closed = px_ask (AGENT, CONNECT ("dead.test:443"));

  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 502 "));
  g_assert_nonnull (strstr (reply, "the upstream proxy answered 407 to CONNECT down.test:443"));
  g_assert_true (g_str_has_prefix (garbage, "HTTP/1.1 502 "));
  g_assert_nonnull (strstr (garbage, "not sound HTTP"));
  g_assert_true (g_str_has_prefix (closed, "HTTP/1.1 502 "));
  g_assert_nonnull (strstr (closed, "closed the connection"));
}

/* The first bytes are judged all the same. */
static void
test_gate (void)
{
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
  g_autofree char *got = NULL;

  px_send_hello (fd, "other.test", FALSE);
  g_assert_true (px_is_denied (fd));
  got = px_server_get_received (parent);
  g_assert_null (strstr (got, "other.test"));
}

static void
test_websocket (void)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  g_autofree char *got = NULL;

  px_server_forget (parent);
  px_send_text (fd, "GET http://up.test/socket HTTP/1.1\r\nHost: up.test\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\n\r\n");
  reply = px_read_until (fd, "first");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 101 "));
  got = px_server_get_received (parent);
  g_assert_true (g_str_has_prefix (got, "CONNECT up.test:80 "));
  g_assert_nonnull (strstr (got, "GET /socket HTTP/1.1\r\n"));
}

static void
test_transparent (void)
{
  oc_autofd int fd = px_connect (AGENT, SERVER, 443);
  oc_autofd int http = px_connect (AGENT, SERVER, 80);
  g_autofree char *pong = NULL;
  g_autofree char *reply = NULL;
  g_autofree char *got = NULL;

  px_server_forget (parent);
  px_send_text (http, "GET /hello HTTP/1.1\r\nHost: up.test\r\n\r\n");
  reply = px_read_until (http, "hello");
  px_send_hello (fd, "up.test", FALSE);
  pong = px_read_until (fd, "pong");
  got = px_server_get_received (parent);
  g_assert_nonnull (strstr (got, "GET http://up.test/hello "));
  g_assert_nonnull (strstr (got, "CONNECT up.test:443 "));
}

static gboolean
goes_direct (gpointer user_data)
{
  g_autofree char *reply = px_ask (AGENT, GET ("up.test"));

  return g_str_has_prefix (reply, "HTTP/1.1 404 "); /* our own server knows no query */
}

static gboolean
finds_nobody (gpointer user_data)
{
  g_autofree char *reply = px_ask (AGENT, GET ("up.test"));

  return strstr (reply, "connection refused: cannot reach the upstream proxy " PARENT ":3129") != NULL;
}

/* Last: the way changes while everything runs. */
static void
test_change (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_proxy_set_upstream (px->proxy, PARENT ":3129", &error));
  g_assert_true (oc_test_wait (finds_nobody, NULL));
  g_assert_false (oc_proxy_set_upstream (px->proxy, "https://x/", &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (oc_proxy_get_upstream (px->proxy), ==, PARENT ":3129");
  g_clear_error (&error);
  g_assert_true (oc_proxy_set_upstream (px->proxy, NULL, &error));
  g_assert_true (oc_test_wait (goes_direct, NULL));
}

static void
test_parse (void)
{
  static const char *const good[] = { "a.example", "a.example:8080", "http://a.example:3128/", "192.0.2.1:1",
                                      "[2001:db8::1]:3128" };
  static const char *const bad[] = { "https://a.example", "http://", "user@a.example", "a.example:0",
                                     "a.example:x", "a b", "http://a.example/path", ":3128" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (oc_proxy_check_upstream (good[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (oc_proxy_check_upstream (bad[i], NULL));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int result;

  px_init (&argc, &argv);
  px = px_start (NULL, 0);
  parent = px_serve (PARENT, 3128, serve_parent);
  web = px_serve (SERVER, 80, px_serve_http);
  g_assert_true (oc_proxy_set_upstream (px->proxy, "http://" PARENT "/", &error));
  g_test_add_func ("/proxy/parent/plain", test_plain);
  g_test_add_func ("/proxy/parent/connect", test_connect);
  g_test_add_func ("/proxy/parent/refusals", test_refusals);
  g_test_add_func ("/proxy/parent/gate", test_gate);
  g_test_add_func ("/proxy/parent/websocket", test_websocket);
  g_test_add_func ("/proxy/parent/transparent", test_transparent);
  g_test_add_func ("/proxy/parent/parse", test_parse);
  g_test_add_func ("/proxy/parent/change", test_change);
  result = g_test_run ();
  px_stop (px);
  px_server_stop (parent);
  px_server_stop (web);
  px_done ();
  return result;
}
