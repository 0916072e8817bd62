/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Load for proxies and the server behind them.
 *
 *   proxy-load serve HOST
 *     443: one answer to the first bytes; 8443: zeros without end; 80: keep-alive HTTP
 *   proxy-load connect|bulk|get|paced|loris|churn FROM PROXY PORT HOST SECONDS CLIENTS PID
 *     PORT 0: straight to HOST. Prints "units/s cpu_us_per_unit user_us_per_unit"; a
 *     unit of bulk is a gigabyte. PID is whose CPU time is counted (0: nobody's).
 *     paced: each client asks 500 times a second. loris: each client keeps 250 heads
 *     half sent. churn: each client connects and resets 2,500 times a second.
 *   proxy-load hold FROM PROXY PORT HOST TUNNELS 0 PID
 *     Prints the bytes of resident memory that PID took for each idle tunnel.
 */
#include "config.h"

#include "common/oc-address.h"
#include "common/oc-fd.h"

#include <glib.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define HOLD_PORT 2443
#define PACE_US 2000   /* paced: between two requests of a client */
#define CHURN_US 400   /* churn: between two connections of a client */
#define LORIS_HEADS 250
#define SERVER_THREADS 64
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n"

typedef struct
{
  const char *mode, *from, *proxy, *host;
  guint16 port;
  gint64 end_us;
  atomic_ulong units; /* rounds, or bytes */
} Load;

static char hello[517] = { 22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3 };

/* A ClientHello of a usual size: no name, one filler extension. */
static void
make_hello (void)
{
  gsize at = 11 + 32;
  static const guint8 rest[] = { 0, 0, 2, 0x13, 1, 1, 0 };

  memcpy (hello + at, rest, sizeof rest);
  at += sizeof rest;
  hello[at] = (char) ((sizeof hello - at - 2) >> 8);
  hello[at + 1] = (char) (sizeof hello - at - 2);
  hello[at + 3] = 21;
  hello[at + 4] = (char) ((sizeof hello - at - 6) >> 8);
  hello[at + 5] = (char) (sizeof hello - at - 6);
}

static socklen_t
make_address (const char *text, guint16 port, struct sockaddr_storage *ss)
{
  OcAddress address;

  if (!oc_address_parse (oc_str_from (text), &address))
    g_error ("%s is no address", text);
  return oc_address_to_sockaddr (&address, port, ss);
}

/* --- Server ------------------------------------------------------------------- */

typedef struct
{
  int fd;
  guint16 port;
} Listener;

static void
serve (int fd, guint16 port)
{
  static char zeros[262144];
  static const char body[] = ANSWER "0123456789012345678901234567890123456789012345678901234567890123456789"
                                    "012345678901234567890123456789";
  char buf[65536];
  ssize_t n;

  while ((n = recv (fd, buf, sizeof buf, 0)) > 0)
    {
      if (port == 80 && send (fd, body, sizeof body - 1, MSG_NOSIGNAL) < 0)
        return;
      if (port == 443 && send (fd, body, 100, MSG_NOSIGNAL) < 0)
        return;
      while (port == 8443 && send (fd, zeros, sizeof zeros, MSG_NOSIGNAL) > 0)
        ;
    }
}

static gpointer
server_main (gpointer user_data)
{
  Listener *listener = user_data;
  int one = 1;

  for (;;)
    {
      oc_autofd int fd = accept4 (listener->fd, NULL, NULL, SOCK_CLOEXEC);

      if (fd < 0)
        continue;
      (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      serve (fd, listener->port);
    }
  return NULL;
}

static void
run_server (const char *host)
{
  static Listener listeners[] = { { -1, 80 }, { -1, 443 }, { -1, 8443 } };
  int one = 1;

  for (gsize i = 0; i < G_N_ELEMENTS (listeners); i++)
    {
      struct sockaddr_storage ss;
      socklen_t len = make_address (host, listeners[i].port, &ss);

      listeners[i].fd = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
      (void) setsockopt (listeners[i].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      if (bind (listeners[i].fd, (struct sockaddr *) &ss, len) < 0 || listen (listeners[i].fd, 4096) < 0)
        g_error ("port %u: %s", listeners[i].port, g_strerror (errno));
      for (guint t = 0; t < SERVER_THREADS; t++)
        g_thread_unref (g_thread_new ("serve", server_main, &listeners[i]));
    }
  for (;;)
    (void) pause ();
}

/* --- Clients -------------------------------------------------------------------- */

static int
open_connection (const Load *load, guint16 host_port)
{
  struct sockaddr_storage ss;
  socklen_t len = make_address (load->from, 0, &ss);
  int fd = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  struct linger reset = { 1, 0 };

  /* Ports would run out in TIME_WAIT. */
  (void) setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  (void) setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind (fd, (struct sockaddr *) &ss, len) < 0)
    g_error ("bind %s: %s", load->from, g_strerror (errno));
  len = load->port ? make_address (load->proxy, load->port, &ss) : make_address (load->host, host_port, &ss);
  if (connect (fd, (struct sockaddr *) &ss, len) < 0)
    g_error ("connect: %s", g_strerror (errno));
  return fd;
}

static void
send_all (int fd, const char *data, gsize len)
{
  if (send (fd, data, len, MSG_NOSIGNAL) != (ssize_t) len)
    g_error ("send: %s", g_strerror (errno));
}

static void
open_tunnel (const Load *load, int fd, guint16 port)
{
  g_autofree char *request
      = g_strdup_printf ("CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", load->host, port, load->host, port);
  char buf[4096];
  ssize_t n;

  if (load->port == 0)
    return;
  send_all (fd, request, strlen (request));
  n = recv (fd, buf, sizeof buf, 0);
  if (n < 12 || memcmp (buf + 9, "200", 3) != 0)
    g_error ("CONNECT: %.*s", (int) MAX (n, 0), buf);
}

static void
run_connect (Load *load)
{
  char buf[4096];

  while (g_get_monotonic_time () < load->end_us)
    {
      oc_autofd int fd = open_connection (load, 443);

      open_tunnel (load, fd, 443);
      send_all (fd, hello, sizeof hello);
      if (recv (fd, buf, sizeof buf, 0) <= 0)
        g_error ("no answer in the tunnel");
      atomic_fetch_add (&load->units, 1);
    }
}

static void
run_bulk (Load *load)
{
  g_autofree char *buf = g_malloc (1024 * 1024);
  oc_autofd int fd = open_connection (load, 8443);
  ssize_t n;

  open_tunnel (load, fd, 8443);
  send_all (fd, hello, sizeof hello);
  /* MSG_TRUNC: counted, not copied; the reader is not what is measured. */
  while (g_get_monotonic_time () < load->end_us && (n = recv (fd, buf, 1024 * 1024, MSG_TRUNC)) > 0)
    atomic_fetch_add (&load->units, (gulong) n);
}

/* Until it is @due_us; at once when that is over. */
static void
wait_until (gint64 due_us)
{
  gint64 left_us = due_us - g_get_monotonic_time ();

  if (left_us > 0)
    g_usleep ((gulong) left_us);
}

/* --- Hostile clients ---------------------------------------------------------------- */

static void
run_churn (Load *load)
{
  gint64 due_us = g_get_monotonic_time ();

  for (; due_us < load->end_us; due_us += CHURN_US)
    {
      int fd = open_connection (load, 443);

      oc_fd_clear (&fd);
      atomic_fetch_add (&load->units, 1);
      wait_until (due_us);
    }
}

/* A head that got its answer (408, 503) is begun anew. */
static void
run_loris (Load *load)
{
  int fds[LORIS_HEADS];
  char buf[4096];

  for (guint i = 0; i < LORIS_HEADS; i++)
    fds[i] = -1;
  while (g_get_monotonic_time () < load->end_us)
    {
      for (guint i = 0; i < LORIS_HEADS; i++)
        {
          if (fds[i] >= 0 && (recv (fds[i], buf, sizeof buf, MSG_DONTWAIT) >= 0 || errno != EAGAIN))
            oc_fd_clear (&fds[i]);
          if (fds[i] >= 0)
            continue;
          fds[i] = open_connection (load, 443);
          (void) send (fds[i], "GET http://x/ HTTP/1.1\r\nX", 25, MSG_NOSIGNAL);
          atomic_fetch_add (&load->units, 1);
        }
      g_usleep (100000);
    }
  for (guint i = 0; i < LORIS_HEADS; i++)
    oc_fd_clear (&fds[i]);
}

/* --- Requests ------------------------------------------------------------------------- */

static void
run_get (Load *load)
{
  gint64 due_us = g_get_monotonic_time ();
  gboolean paced = g_str_equal (load->mode, "paced");

  g_autofree char *request
      = load->port ? g_strdup_printf ("GET http://%s/x HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n"
                                      "Accept: */*\r\n\r\n", load->host, load->host)
                   : g_strdup_printf ("GET /x HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
                                      load->host);
  oc_autofd int fd = open_connection (load, 80);
  char buf[4096];

  while (g_get_monotonic_time () < load->end_us)
    {
      gsize have = 0;

      if (paced)
        wait_until (due_us += PACE_US);
      send_all (fd, request, strlen (request));
      do
        {
          ssize_t n = recv (fd, buf + have, sizeof buf - have, 0);

          if (n == 0) /* a proxy that does not keep alive */
            {
              oc_fd_clear (&fd);
              fd = open_connection (load, 80);
              break;
            }
          if (n < 0)
            g_error ("GET: %s", g_strerror (errno));
          have += (gsize) n;
        }
      while (have < 100 || memcmp (buf + have - 10, "0123456789", 10) != 0);
      if (have > 0)
        atomic_fetch_add (&load->units, 1);
    }
}

static gpointer
client_main (gpointer user_data)
{
  Load *load = user_data;

  if (g_str_equal (load->mode, "connect"))
    run_connect (load);
  else if (g_str_equal (load->mode, "bulk"))
    run_bulk (load);
  else if (g_str_equal (load->mode, "churn"))
    run_churn (load);
  else if (g_str_equal (load->mode, "loris"))
    run_loris (load);
  else
    run_get (load);
  return NULL;
}

typedef struct
{
  guint64 all_us, user_us;
} Cpu;

static Cpu
read_cpu (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  guint64 user, kernel;
  guint64 tick_us = 1000000 / (guint64) sysconf (_SC_CLK_TCK);

  if (pid == 0 || !g_file_get_contents (path, &text, NULL, NULL))
    return (Cpu) { 0 };
  fields = g_strsplit (strrchr (text, ')') + 2, " ", 20);
  user = g_ascii_strtoull (fields[11], NULL, 10);
  kernel = g_ascii_strtoull (fields[12], NULL, 10);
  return (Cpu) { (user + kernel) * tick_us, user * tick_us };
}

/* --- Idle tunnels --------------------------------------------------------------------------- */

static guint64
read_rss (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/statm", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  fields = g_strsplit (text, " ", 3);
  return g_ascii_strtoull (fields[1], NULL, 10) * (guint64) sysconf (_SC_PAGESIZE);
}

static gpointer
hold_main (gpointer user_data)
{
  while (accept4 (GPOINTER_TO_INT (user_data), NULL, NULL, SOCK_CLOEXEC) >= 0)
    ;
  return NULL;
}

static void
hold_one (const Load *load)
{
  int fd = open_connection (load, HOLD_PORT);

  open_tunnel (load, fd, HOLD_PORT);
  send_all (fd, hello, sizeof hello);
}

/* A tenth first: pools and tables are there then. */
static void
run_hold (const Load *load, guint tunnels, guint pid)
{
  struct sockaddr_storage ss;
  socklen_t len = make_address (load->host, HOLD_PORT, &ss);
  int listener = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct rlimit limit = { 65536, 65536 };
  guint64 before = 0;
  guint first = tunnels / 10;

  (void) setrlimit (RLIMIT_NOFILE, &limit);
  if (bind (listener, (struct sockaddr *) &ss, len) < 0 || listen (listener, 4096) < 0)
    g_error ("port %u: %s", HOLD_PORT, g_strerror (errno));
  g_thread_unref (g_thread_new ("hold", hold_main, GINT_TO_POINTER (listener)));
  for (guint i = 0; i < tunnels; i++)
    {
      if (i == first)
        before = read_rss (pid);
      hold_one (load);
    }
  g_usleep (500000);
  g_print ("%.0f\n", (double) (read_rss (pid) - before) / (tunnels - first));
}

int
main (int argc, char **argv)
{
  Load load = { 0 };
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();
  gint64 start_us = g_get_monotonic_time ();
  guint pid;
  Cpu cpu, now;
  double units, seconds;

  (void) signal (SIGPIPE, SIG_IGN);
  make_hello ();
  if (argc == 3 && g_str_equal (argv[1], "serve"))
    run_server (argv[2]);
  if (argc != 9)
    g_error ("usage: proxy-load MODE FROM PROXY PORT HOST SECONDS CLIENTS PID");
  load.mode = argv[1];
  load.from = argv[2];
  load.proxy = argv[3];
  load.port = (guint16) g_ascii_strtoull (argv[4], NULL, 10);
  load.host = argv[5];
  load.end_us = start_us + (gint64) g_ascii_strtoull (argv[6], NULL, 10) * G_USEC_PER_SEC;
  pid = (guint) g_ascii_strtoull (argv[8], NULL, 10);
  if (g_str_equal (load.mode, "hold"))
    {
      run_hold (&load, (guint) g_ascii_strtoull (argv[6], NULL, 10), pid);
      return 0;
    }
  cpu = read_cpu (pid);
  for (guint64 i = g_ascii_strtoull (argv[7], NULL, 10); i > 0; i--)
    g_ptr_array_add (threads, g_thread_new ("client", client_main, &load));
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
  seconds = (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC;
  now = read_cpu (pid);
  units = (double) atomic_load (&load.units) / (g_str_equal (load.mode, "bulk") ? 1e9 : 1);
  g_print ("%.2f %.1f %.1f\n", units / seconds,
           units > 0 ? (double) (now.all_us - cpu.all_us) / units : 0,
           units > 0 ? (double) (now.user_us - cpu.user_us) / units : 0);
  return 0;
}
