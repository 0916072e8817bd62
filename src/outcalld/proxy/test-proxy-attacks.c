/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Hostile clients and servers: whatever they do, nothing of it is left behind,
 * nobody else notices, and no combination of names reaches what no rule allows.
 */
#include "config.h"

#include "proxy/oc-proxy-worker.h"
#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <sys/socket.h>

#define ANSWER "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
#define RESET_PORT 81
#define FLIP_SERVER "5.5.5.54"

static Px *px;
static PxServer *tls, *web, *resetting, *inside;
static gint reset_at; /* bytes of ANSWER after which the server resets; atomic */

static void
reset_on_close (int fd)
{
  struct linger reset = { 1, 0 };

  (void) setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

static void
serve_reset (PxServer *server, int fd)
{
  char buf[4096];

  if (recv (fd, buf, sizeof buf, 0) <= 0)
    return;
  (void) send (fd, ANSWER, (gsize) g_atomic_int_get (&reset_at), MSG_NOSIGNAL);
  reset_on_close (fd);
}

/* Pools and resting connections may stay. */
static void
assert_nothing_left (guint fds_before)
{
  g_assert_true (oc_test_wait_ms (px_is_quiet, px, PX_QUIET_MS));
  g_assert_cmpuint (px_count_fds (), <=, fds_before + 2 * (2 * OC_PROXY_POOL_MAX + OC_PROXY_IDLE_PER_WORKLOAD));
}

/* The server resets after each byte of its answer: 502 while the client has
 * nothing, a cut answer later, never an answer that looks whole. */
static void
test_server_resets (void)
{
  static const char request[] = "GET http://up.test:81/ HTTP/1.1\r\nHost: up.test:81\r\nConnection: close\r\n\r\n";
  guint fds = px_count_fds ();

  for (guint at = 0; at < sizeof ANSWER - 1; at++)
    {
      g_autofree char *reply = NULL;

      g_atomic_int_set (&reset_at, (gint) at);
      reply = px_ask (AGENT, request);
      if (!g_str_has_prefix (reply, "HTTP/1.1 502 ") && !g_str_has_prefix (reply, "HTTP/1.1 200 "))
        g_error ("after %u bytes: %s", at, reply);
      g_assert_null (strstr (reply, "\r\n0\r\n\r\n"));
    }
  assert_nothing_left (fds);
}

/* The client resets after each byte of what it says. */
static void
check_client_resets (const char *data, gsize len)
{
  for (gsize at = 0; at <= len; at++)
    {
      int fd = px_connect (AGENT, GATEWAY, 8080);

      px_send (fd, data, at);
      reset_on_close (fd);
      oc_fd_clear (&fd);
    }
}

static void
test_client_resets (void)
{
  static const char post[] = "POST http://up.test/echo HTTP/1.1\r\nHost: up.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\n0\r\n\r\n";
  static const char connect[] = "CONNECT up.test:443 HTTP/1.1\r\nHost: up.test:443\r\n\r\n";
  g_autoptr (GByteArray) hello = px_hello ("up.test", FALSE, 20);
  guint fds = px_count_fds ();

  check_client_resets (post, sizeof post - 1);
  check_client_resets (connect, sizeof connect - 1);
  g_byte_array_prepend (hello, (const guint8 *) connect, sizeof connect - 1);
  check_client_resets ((const char *) hello->data, hello->len);
  assert_nothing_left (fds);
}

/* Answers that nobody takes: memory stays what two buffers each are, and
 * others get theirs. */
static void
test_slow_read (void)
{
  enum { N = 40 };
  guint fds_before = px_count_fds ();
  int fds[N];

  for (guint i = 0; i < N; i++)
    {
      int small = 1024;

      fds[i] = px_connect (AGENT, GATEWAY, 8080);
      (void) setsockopt (fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
      px_send_text (fds[i], "GET http://up.test/big HTTP/1.1\r\nHost: up.test\r\n\r\n");
    }
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *reply
          = px_ask (OTHER, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");

      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
    }
  for (guint i = 0; i < N; i++)
    oc_fd_clear (&fds[i]);
  assert_nothing_left (fds_before);
}

static void
test_churn (void)
{
  enum { N = 3000 };
  guint fds = px_count_fds ();

  for (guint i = 0; i < N; i++)
    {
      int fd = px_connect (AGENT, GATEWAY, 8080);

      g_assert_cmpint (fd, >=, 0);
      reset_on_close (fd);
      oc_fd_clear (&fd);
      if (i % 100 == 0)
        {
          g_autofree char *reply = px_ask (OTHER, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");

          g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
        }
    }
  assert_nothing_left (fds);
}

/* --- Names ---------------------------------------------------------------------------- */

static gboolean
is_allowed (const char *name)
{
  return name == NULL || g_str_equal (name, "up.test") || g_str_equal (name, "front.test");
}

/* CONNECT host and SNI in every combination: both must be allowed. */
static void
test_names_connect (void)
{
  static const char *const names[] = { "up.test", "front.test", "other.test", "evil.test", "rebind.test" };
  static const char *const snis[] = { NULL, "up.test", "FRONT.test", "other.test", "evil.test", "5.5.5.5.x" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (snis); k++)
      {
        oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
        g_autofree char *connect = g_strdup_printf ("CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n", names[i], names[i]);
        g_autofree char *lower = snis[k] != NULL ? g_ascii_strdown (snis[k], -1) : NULL;
        g_autofree char *head = NULL;
        g_autofree char *pong = NULL;

        px_server_forget (tls);
        px_send_text (fd, connect);
        head = px_read_until (fd, "\r\n\r\n");
        g_assert_true (g_str_has_prefix (head, is_allowed (names[i]) ? "HTTP/1.1 200 " : "HTTP/1.1 403 "));
        if (!is_allowed (names[i]))
          continue;
        px_send_hello (fd, snis[k], FALSE);
        if (is_allowed (lower))
          pong = px_read_until (fd, "pong");
        else
          {
            g_autofree char *seen = px_server_get_received (tls);

            g_assert_true (px_is_denied (fd));
            g_assert_cmpstr (seen, ==, "");
          }
      }
}

/* Target and Host, Host and the address that was connected to. */
static void
test_names_http (void)
{
  static const char *const names[] = { "up.test", "front.test", "other.test", "UP.test.", "5.5.5.5" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (names); k++)
      {
        g_autofree char *request = g_strdup_printf (
            "GET http://%s/hello HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", names[i], names[k]);
        g_autofree char *reply = px_ask (AGENT, request);
        gboolean same = i == k || (i % 3 == 0 && k % 3 == 0); /* "up.test" and "UP.test." */
        const char *want = !same ? "HTTP/1.1 400 " : i == 2 ? "HTTP/1.1 403 " : "HTTP/1.1 200 ";

        g_test_message ("%s %s", names[i], names[k]);
        g_assert_true (g_str_has_prefix (reply, want));
      }
}

/* --- A name that moves -------------------------------------------------------------------- */

/* Answers each A question with another address in turn, of no lifetime, and
 * each other question with nothing. */
static gpointer
flip_main (gpointer user_data)
{
  int fd = GPOINTER_TO_INT (user_data);
  guint8 buf[600];
  struct sockaddr_storage from;
  gboolean first = TRUE;

  for (;;)
    {
      socklen_t from_len = sizeof from;
      ssize_t n = recvfrom (fd, buf, 512, 0, (struct sockaddr *) &from, &from_len);
      static const guint8 record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4 };
      gsize at = 12;

      if (n <= 0) /* shut down */
        return NULL;
      while (at < (gsize) n && buf[at] != 0)
        at += buf[at] + 1u;
      at += 5;
      if (at > (gsize) n)
        continue;
      buf[2] |= 0x80;
      buf[3] = 0;
      memset (buf + 6, 0, 6);
      if (buf[at - 3] == 1) /* A */
        {
          OcAddress address;

          g_assert_true (oc_address_parse (oc_str_from (first ? SERVER : PRIVATE), &address));
          first = !first;
          buf[7] = 1;
          memcpy (buf + at, record, sizeof record);
          memcpy (buf + at + sizeof record, address.bytes, 4);
          at += sizeof record + 4;
        }
      (void) sendto (fd, buf, at, 0, (struct sockaddr *) &from, from_len);
    }
}

/* What is checked is what is dialled: the private one is refused each time that
 * it comes up, and never sees a connection. */
static void
test_rebinding (void)
{
  OcAddress address;
  struct sockaddr_storage ss;
  socklen_t len;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  guint n_good = 0;
  guint n_refused = 0;
  GThread *thread;

  g_assert_true (oc_address_parse (OC_STR (FLIP_SERVER), &address));
  len = oc_address_to_sockaddr (&address, 53, &ss);
  g_assert_no_errno (bind (fd, (struct sockaddr *) &ss, len));
  thread = g_thread_new ("flip", flip_main, GINT_TO_POINTER (fd));
  for (guint i = 0; i < 200 && (n_good < 3 || n_refused < 3); i++)
    {
      g_autofree char *reply
          = px_ask (AGENT, "GET http://flip.test/hello HTTP/1.1\r\nHost: flip.test\r\nConnection: close\r\n\r\n");

      px_set_rules (px, px_rules); /* nothing may rest */
      oc_dns_flush_cache (px->dns);
      n_good += g_str_has_prefix (reply, "HTTP/1.1 200 ");
      n_refused += g_str_has_prefix (reply, "HTTP/1.1 403 ") && strstr (reply, PRIVATE) != NULL;
    }
  g_test_message ("%u through, %u refused", n_good, n_refused);
  g_assert_cmpuint (n_good, >=, 3);
  g_assert_cmpuint (n_refused, >=, 3);
  g_assert_cmpuint (px_server_get_connections (inside), ==, 0);
  (void) shutdown (fd, SHUT_RDWR);
  g_thread_join (thread);
  oc_fd_clear (&fd);
}

int
main (int argc, char **argv)
{
  int result;

  px_init (&argc, &argv);
  px = px_start (NULL, 0);
  tls = px_serve (SERVER, 443, px_serve_pong);
  web = px_serve (SERVER, 80, px_serve_http);
  resetting = px_serve (SERVER, RESET_PORT, serve_reset);
  inside = px_serve (PRIVATE, 80, px_serve_http);
  g_test_add_func ("/proxy/attacks/server-resets", test_server_resets);
  g_test_add_func ("/proxy/attacks/client-resets", test_client_resets);
  g_test_add_func ("/proxy/attacks/slow-read", test_slow_read);
  g_test_add_func ("/proxy/attacks/churn", test_churn);
  g_test_add_func ("/proxy/attacks/names-connect", test_names_connect);
  g_test_add_func ("/proxy/attacks/names-http", test_names_http);
  g_test_add_func ("/proxy/attacks/rebinding", test_rebinding);
  result = g_test_run ();
  px_stop (px);
  px_server_stop (tls);
  px_server_stop (web);
  px_server_stop (resetting);
  px_server_stop (inside);
  px_done ();
  return result;
}
