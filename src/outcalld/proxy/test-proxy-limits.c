/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Time-outs, limits, descriptors and memory.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <sys/resource.h>
#include <sys/socket.h>

#define N_TUNNELS 1000

/* Sanitizers keep shadow memory of their own. */
#ifdef OC_SANITIZED
#define TUNNEL_KIB_MAX 1000
#else
#define TUNNEL_KIB_MAX 8
#endif

static const OcProxyTimeouts quick = {
  .head_ms = 200,
  .dial_ms = 300,
  .stagger_ms = 50,
  .idle_ms = 400,
  .keep_alive_ms = 300,
  .linger_ms = 100,
};

static PxServer *tls, *web;

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

static void
assert_between (gint64 start_ms, gint64 from_ms, gint64 to_ms)
{
  gint64 took_ms = now_ms () - start_ms;

  g_test_message ("%" G_GINT64_FORMAT " ms", took_ms);
  g_assert_cmpint (took_ms, >=, from_ms);
  g_assert_cmpint (took_ms, <, to_ms);
}

/* A head that never ends costs its sender a 408, however many bytes it drips. */
static void
test_slow_head (void)
{
  Px *px = px_start (&quick, 0);
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  oc_autofd int silent = px_connect (AGENT, GATEWAY, 8080);
  gint64 start_ms = now_ms ();
  g_autofree char *reply = NULL;

  px_send_text (fd, "GET http://up.test/ HT");
  reply = px_read_all (fd, NULL);
  assert_between (start_ms, 150, PX_AT_ONCE_MS);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 408 "));
  g_assert_true (px_wait_closed (silent, PX_AT_ONCE_MS));
  px_stop (px);
}

static void
test_slow_hello (void)
{
  Px *px = px_start (&quick, 0);
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
  oc_autofd int transparent = px_connect (AGENT, SERVER, 443);
  gint64 start_ms = now_ms ();

  px_send (fd, "\x16\x03\x01", 3);
  px_send (transparent, "\x16\x03\x01", 3);
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (transparent, PX_AT_ONCE_MS));
  assert_between (start_ms, 100, PX_AT_ONCE_MS);
  px_stop (px);
}

static void
test_slow_dial (void)
{
  Px *px = px_start (&quick, 0);
  gint64 start_ms = now_ms ();
  g_autofree char *reply
      = px_ask (AGENT, "GET http://dead.test/ HTTP/1.1\r\nHost: dead.test\r\n\r\n");
  g_autofree char *connect
      = px_ask (AGENT, "CONNECT dead.test:443 HTTP/1.1\r\nHost: dead.test:443\r\n\r\n");

  assert_between (start_ms, 500, PX_QUIET_MS);
  g_test_message ("%s", reply);
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 504 "));
  g_assert_nonnull (strstr (reply, "connecting took too long: cannot reach dead.test:80"));
  g_assert_true (g_str_has_prefix (connect, "HTTP/1.1 504 "));
  px_stop (px);
}

static void
test_idle (void)
{
  Px *px = px_start (&quick, 0);
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
  oc_autofd int kept = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *pong = NULL;
  g_autofree char *reply = NULL;
  g_autofree char *silent = NULL;
  gint64 start_ms;

  px_send_hello (fd, "up.test", FALSE);
  pong = px_read_until (fd, "pong");
  px_send_text (kept, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\n\r\n");
  reply = px_read_until (kept, "hello");
  start_ms = now_ms ();
  g_assert_true (px_wait_closed (kept, PX_AT_ONCE_MS));
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
  assert_between (start_ms, 250, PX_AT_ONCE_MS);
  silent = px_ask (AGENT, "GET http://up.test/silent HTTP/1.1\r\nHost: up.test\r\n\r\n");
  g_assert_true (g_str_has_prefix (silent, "HTTP/1.1 504 "));
  px_stop (px);
}

static void
test_per_workload (void)
{
  enum { MAX = 5 };
  Px *px = px_start (NULL, MAX);
  int fds[MAX];
  g_autofree char *reply = NULL;
  g_autofree char *other = NULL;
  g_autofree char *again = NULL;

  for (guint i = 0; i < MAX; i++)
    fds[i] = px_tunnel (AGENT, "up.test:443");
  reply = px_ask (AGENT, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");
  other = px_ask (OTHER, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (reply, "Retry-After: "));
  g_assert_true (g_str_has_prefix (other, "HTTP/1.1 200 "));
  oc_fd_clear (&fds[0]);
  for (guint i = 0; i < 200 && (again == NULL || !g_str_has_prefix (again, "HTTP/1.1 200 ")); i++)
    {
      g_free (again);
      again = px_ask (AGENT, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");
    }
  g_assert_true (g_str_has_prefix (again, "HTTP/1.1 200 "));
  for (guint i = 1; i < MAX; i++)
    oc_fd_clear (&fds[i]);
  px_stop (px);
}

/* One who takes all that is to be had leaves as much to the others. */
static void
test_fair (void)
{
  enum { ALL = 40, HALF = ALL / 2 };
  Px *px = px_start_small (ALL, ALL);
  int fds[HALF];
  g_autofree char *reply = NULL;

  for (guint i = 0; i < HALF; i++)
    fds[i] = px_tunnel (AGENT, "up.test:443");
  reply = px_ask (AGENT, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 503 "));
  for (guint i = 0; i < HALF / 2 - 1; i++)
    {
      g_autofree char *other = px_ask (OTHER, "GET /outcall-health HTTP/1.1\r\nHost: x\r\n\r\n");

      g_assert_true (g_str_has_prefix (other, "HTTP/1.1 200 "));
    }
  for (guint i = 0; i < HALF; i++)
    oc_fd_clear (&fds[i]);
  px_stop (px);
}

/* --- What it costs, and that it comes back -------------------------------------------- */

static gsize
read_status_kib (const char *field)
{
  g_autofree char *text = NULL;
  const char *at;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  at = strstr (text, field);
  g_assert_nonnull (at);
  return (gsize) g_ascii_strtoull (at + strlen (field), NULL, 10);
}

static void
allow_many_fds (void)
{
  struct rlimit limit = { 16384, 16384 };

  (void) setrlimit (RLIMIT_NOFILE, &limit);
}

/* The client and server sides live in this process too, so the server here is
 * one listening socket whose backlog holds the connections. */
static void
test_idle_tunnels (void)
{
  Px *px = px_start (NULL, 2 * N_TUNNELS);
  g_autofree int *fds = g_new (int, N_TUNNELS);
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_storage ss;
  OcAddress address;
  socklen_t len;
  gsize before_kib, after_kib;
  guint before_fds = px_count_fds ();

  g_assert_true (oc_address_parse (OC_STR (SERVER), &address));
  len = oc_address_to_sockaddr (&address, 8443, &ss);
  g_assert_no_errno (bind (listener, (struct sockaddr *) &ss, len));
  g_assert_no_errno (listen (listener, 4096));
  for (guint i = 0; i < 50; i++)
    fds[i] = px_tunnel (AGENT, SERVER ":8443");
  before_kib = read_status_kib ("VmRSS:");
  for (guint i = 50; i < N_TUNNELS; i++)
    {
      fds[i] = px_tunnel (AGENT, SERVER ":8443");
      px_send_hello (fds[i], NULL, FALSE);
    }
  after_kib = read_status_kib ("VmRSS:");
  g_test_message ("%.2f KiB per idle tunnel", (double) (after_kib - before_kib) / (N_TUNNELS - 50));
  g_assert_cmpuint (after_kib - before_kib, <=, TUNNEL_KIB_MAX * (N_TUNNELS - 50));
  for (guint i = 0; i < N_TUNNELS; i++)
    oc_fd_clear (&fds[i]);
  oc_fd_clear (&listener);
  g_assert_true (oc_test_wait_ms (px_is_quiet, px, PX_QUIET_MS));
  /* Pooled pipes may stay. */
  g_assert_cmpuint (px_count_fds (), <=, before_fds + 2 * 2 * 64);
  px_stop (px);
}

/* Half-open heads in their hundreds do not hold up a neighbour. */
static void
test_slow_loris (void)
{
  enum { N = 500 };
  Px *px = px_start (NULL, 512);
  int fds[N];
  gint64 start_ms;

  for (guint i = 0; i < N; i++)
    {
      fds[i] = px_connect (AGENT, GATEWAY, 8080);
      px_send (fds[i], "GET http://up.test/ HTTP/1.1\r\nX", 31);
    }
  start_ms = now_ms ();
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *reply
          = px_ask (OTHER, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");

      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
    }
  assert_between (start_ms, 0, PX_QUIET_MS); /* who is held up waits for a time-out of 10 s */
  for (guint i = 0; i < N; i++)
    oc_fd_clear (&fds[i]);
  g_assert_true (oc_test_wait_ms (px_is_quiet, px, PX_QUIET_MS));
  px_stop (px);
}

/* Begins a connection and leaves the proxy's answer without one. */
static void
half_open (const struct sockaddr *gateway, socklen_t gateway_len)
{
  oc_autofd int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_storage own;
  OcAddress address;
  socklen_t len;

  g_assert_true (oc_address_parse (OC_STR (AGENT), &address));
  len = oc_address_to_sockaddr (&address, 0, &own);
  (void) setsockopt (fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof (int));
  g_assert_no_errno (bind (fd, (struct sockaddr *) &own, len));
  g_assert_cmpint (connect (fd, gateway, gateway_len), ==, -1);
  g_assert_cmpint (errno, ==, EINPROGRESS);
}

/* Twenty thousand handshakes that are never finished: more than any backlog takes. */
static void
test_half_open (void)
{
  Px *px = px_start (NULL, 0);
  struct sockaddr_storage gateway;
  OcAddress address;
  socklen_t len;
  gint64 start_ms;

  g_assert_true (oc_address_parse (OC_STR (GATEWAY), &address));
  len = oc_address_to_sockaddr (&address, 8080, &gateway);
  oc_test_run ("nft 'table ip half { chain in { type filter hook input priority 0; ip saddr " GATEWAY
               " ip daddr " AGENT " tcp sport 8080 tcp flags & (syn | ack) == syn | ack counter drop; }; }'");
  for (guint i = 0; i < 20000; i++)
    half_open ((struct sockaddr *) &gateway, len);
  start_ms = now_ms ();
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *reply
          = px_ask (OTHER, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");

      g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
      for (guint k = 0; k < 100; k++)
        half_open ((struct sockaddr *) &gateway, len);
    }
  assert_between (start_ms, 0, PX_QUIET_MS); /* who is held up waits for a time-out of 10 s */
  oc_test_run ("nft list table ip half | grep -E 'packets [0-9]{4,} '");
  oc_test_run ("nft delete table ip half");
  g_assert_true (oc_test_wait_ms (px_is_quiet, px, PX_QUIET_MS));
  px_stop (px);
}

static gboolean
has_two (gpointer user_data)
{
  Px *px = user_data;
  OcProxyStats stats;

  oc_proxy_get_stats (px->proxy, &stats);
  return stats.active == 2;
}

/* No descriptors left: nothing spins, nothing breaks, and it goes on later. */
static void
test_no_descriptors (void)
{
  Px *px = px_start (NULL, 0);
  struct rlimit saved, low;
  int client = px_connect (AGENT, GATEWAY, 8080);
  oc_autofd int late = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  g_autofree char *first = NULL;

  px_send_text (client, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\n\r\n");
  first = px_read_until (client, "hello");
  g_assert_true (oc_test_wait (has_two, px));
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &saved));
  low = saved;
  low.rlim_cur = 3; /* every number below is taken */
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &low));
  px_send_text (late, "CONNECT 5.5.5.5:443 HTTP/1.1\r\nHost: 5.5.5.5:443\r\n\r\n");
  reply = px_read_until (late, "\r\n\r\n");
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &saved));
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 503 "));
  oc_fd_clear (&client);
  g_free (first);
  first = px_ask (AGENT, "GET http://up.test/hello HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");
  g_assert_true (g_str_has_prefix (first, "HTTP/1.1 200 "));
  px_stop (px);
}

static void
test_drain (void)
{
  Px *px = px_start (NULL, 0);
  oc_autofd int fd = px_tunnel (AGENT, "up.test:443");
  g_autofree char *pong = NULL;
  gint64 start_ms;

  px_send_hello (fd, "up.test", FALSE);
  pong = px_read_until (fd, "pong");
  start_ms = now_ms ();
  oc_proxy_stop (px->proxy, 300);
  px_send_text (fd, "more");
  g_free (pong);
  pong = px_read_until (fd, "pong");
  g_assert_true (px_wait_closed (fd, PX_AT_ONCE_MS));
  assert_between (start_ms, 200, PX_AT_ONCE_MS);
  px_stop (px);
}

int
main (int argc, char **argv)
{
  int result;

  px_init (&argc, &argv);
  allow_many_fds ();
  tls = px_serve (SERVER, 443, px_serve_pong);
  web = px_serve (SERVER, 80, px_serve_http);
  g_test_add_func ("/proxy/limits/slow-head", test_slow_head);
  g_test_add_func ("/proxy/limits/slow-hello", test_slow_hello);
  g_test_add_func ("/proxy/limits/slow-dial", test_slow_dial);
  g_test_add_func ("/proxy/limits/idle", test_idle);
  g_test_add_func ("/proxy/limits/per-workload", test_per_workload);
  g_test_add_func ("/proxy/limits/fair", test_fair);
  g_test_add_func ("/proxy/limits/idle-tunnels", test_idle_tunnels);
  g_test_add_func ("/proxy/limits/slow-loris", test_slow_loris);
  g_test_add_func ("/proxy/limits/half-open", test_half_open);
  g_test_add_func ("/proxy/limits/no-descriptors", test_no_descriptors);
  g_test_add_func ("/proxy/limits/drain", test_drain);
  result = g_test_run ();
  px_server_stop (tls);
  px_server_stop (web);
  px_done ();
  return result;
}
