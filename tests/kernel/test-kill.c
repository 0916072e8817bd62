/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* The real daemon is killed at random instants, while it starts and while it changes networks and
 * grants, under a flood of packets that nothing allows; a capture on the far side counts
 * what got out. OUTCALL_LONG=1: 150 rounds. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "http1/oc-http1-client.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

#ifdef OC_SANITIZED
#define ROUNDS 12
#else
#define ROUNDS 100
#endif
#define ROUNDS_LONG 150
#define SOCKET "/run/outcall/host.sock"
#define FORBIDDEN_PORT 9001

static struct
{
  char *dir, *program;
  pid_t workload;
  int host, w1, away;
  OcLease lease;
} bed;

/* --- The daemon ---------------------------------------------------------------- */

static pid_t
start_daemon (void)
{
  pid_t pid = fork ();

  if (pid == 0)
    {
      g_autofree char *rules = g_build_filename (bed.dir, "rules.d", NULL);
      g_autofree char *state = g_build_filename (bed.dir, "state", NULL);
      g_autofree char *log = g_build_filename (bed.dir, "log", NULL);
      int fd = open (log, O_WRONLY | O_CREAT | O_APPEND, 0600);

      (void) dup2 (fd, 1);
      (void) dup2 (fd, 2);
      execl (bed.program, "outcalld", "--rules-dir", rules, "--state-dir", state, "--workers", "1",
             "--dns-upstream", "192.0.2.2", NULL);
      _exit (127);
    }
  return pid;
}

static void
kill_daemon (pid_t pid)
{
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

/* Returns: the status, 0 when nobody answers. */
static guint
call (const char *method, const char *target, const char *body, char **out_body)
{
  OcHttpClient *client = oc_http_client_connect (SOCKET, 5000);
  OcHttpReply reply = { 0 };
  guint status = 0;

  if (client == NULL)
    return 0;
  if (oc_http_client_request (client, method, target, NULL, body, body != NULL ? strlen (body) : 0,
                              1 << 20, 10000, &reply)
      == 0)
    {
      status = reply.status;
      if (out_body != NULL)
        *out_body = g_strdup (reply.body);
    }
  oc_http_reply_clear (&reply);
  oc_http_client_close (client);
  return status;
}

static gboolean
is_ready (gpointer data)
{
  (void) data;
  return call ("GET", "/api/v1/ready", NULL, NULL) == 200;
}

static void
print_log (void)
{
  g_autofree char *text = NULL;

  (void) oc_test_try (&text, "tail -n 20 '%s/log'", bed.dir);
  g_test_message ("%s", text);
}

static void
await_daemon (void)
{
  if (oc_test_wait (is_ready, NULL))
    return;
  print_log ();
  g_error ("the daemon is not ready");
}

/* --- The world ------------------------------------------------------------------- */

static gboolean
has_fresh_netns (gpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", *(pid_t *) data);
  g_autofree char *theirs = g_file_read_link (path, NULL);
  g_autofree char *ours = g_file_read_link ("/proc/self/ns/net", NULL);

  return theirs != NULL && g_strcmp0 (theirs, ours) != 0;
}

static int
open_netns (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
attach_workload (void)
{
  const char *argv[] = { "unshare", "--user", "--map-root-user", "--net", "sleep", "1000", NULL };
  g_autofree char *path = NULL;
  g_autofree char *body = NULL;
  GPid pid = 0;

  g_assert_true (g_spawn_async (NULL, (char **) argv, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD
                                    | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                                NULL, NULL, &pid, NULL));
  g_assert_true (oc_test_wait (has_fresh_netns, &pid));
  bed.workload = pid;
  body = g_strdup_printf ("{\"pid\":%d,\"name\":\"w1\"}", (int) pid);
  g_assert_cmpuint (call ("POST", "/api/v1/sandbox/attach", body, NULL), ==, 200);
  path = g_strdup_printf ("/proc/%d/ns/net", (int) pid);
  bed.w1 = open_netns (path);
  g_assert_true (oc_address_parse (OC_STR (TB_W1), &bed.lease.address));
  oc_network_make_mac (&bed.lease.address, bed.lease.mac);
}

static void
set_up (void)
{
  const char *build = g_getenv ("OUTCALL_BUILDDIR");
  g_autofree char *libs = g_build_filename (build, "lib", "outcall-api", ".libs", NULL);

  bed.program = g_build_filename (build, "src", "outcalld", ".libs", "outcalld", NULL);
  if (!g_file_test (bed.program, G_FILE_TEST_EXISTS))
    {
      g_free (bed.program);
      bed.program = g_build_filename (build, "src", "outcalld", "outcalld", NULL);
    }
  g_setenv ("LD_LIBRARY_PATH", libs, TRUE);
  g_unsetenv ("G_DEBUG"); /* its warnings are not what is tested */
  bed.dir = g_dir_make_tmp ("outcall-kill-XXXXXX", NULL);
  oc_test_run ("mkdir -p /run/outcall '%s/rules.d' '%s/state'", bed.dir, bed.dir);
  bed.host = open_netns ("/proc/self/ns/net");
  oc_test_run ("ip netns add away && ip -n away link set lo up && "
               "ip link add up0 type veth peer eth0 netns away && "
               "ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up && "
               "ip -n away addr add 192.0.2.2/24 dev eth0 && ip -n away link set eth0 up && "
               "echo 1 > /proc/sys/net/ipv4/ip_forward");
  bed.away = open_netns ("/run/netns/away");
}

static void
tear_down (void)
{
  kill (bed.workload, SIGKILL);
  waitpid (bed.workload, NULL, 0);
  oc_test_run ("rm -rf '%s'", bed.dir);
}

/* --- Load -------------------------------------------------------------------------- */

typedef struct
{
  int stop; /* atomic */
  guint64 sent;
} Flood;

static gpointer
flood_thread (gpointer data)
{
  Flood *flood = data;
  oc_autofd int raw = tb_packet_socket (bed.w1, "eth0");
  TbFrame frames[3];

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      frames[i] = tb_frame_of (&bed.lease);
      frames[i].destination = TB_AWAY;
      frames[i].port = FORBIDDEN_PORT;
    }
  frames[1].source = "10.200.0.77";
  frames[2].source = TB_HOST;
  while (!g_atomic_int_get (&flood->stop))
    for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
      {
        guint8 bytes[128];
        gsize len = tb_frame_build (&frames[i], bytes, sizeof bytes);

        flood->sent += send (raw, bytes, len, 0) > 0; /* a full queue is no failure */
      }
  return NULL;
}

/* Makes the daemon change the kernel all the time, until it is gone. */
static gpointer
change_thread (gpointer data)
{
  static const struct
  {
    const char *target, *body;
  } changes[] = {
    { "/api/v1/network/create", "{\"name\":\"x\"}" },
    { "/api/v1/rule/allow", "{\"workload\":\"w1\",\"destination\":\"192.0.2.2\",\"protocol\":"
                            "\"udp\",\"port\":9000,\"lifetime_s\":60}" },
    { "/api/v1/rule/allow", "{\"workload\":\"w1\",\"destination\":\"192.0.2.0/29\",\"protocol\":"
                            "\"tcp\",\"lifetime_s\":60}" },
    { "/api/v1/network/destroy", "{\"name\":\"x\"}" },
    { "/api/v1/bridge/up", "{}" },
    { "/api/v1/rules/flush", "{}" },
  };
  int *stop = data;

  for (guint i = 0; !g_atomic_int_get (stop); i = (i + 1) % G_N_ELEMENTS (changes))
    if (call ("POST", changes[i].target, changes[i].body, NULL) == 0)
      g_usleep (1000); /* it is not there, or not yet */
  return NULL;
}

static void
test_kill (void)
{
  guint rounds = g_strcmp0 (g_getenv ("OUTCALL_LONG"), "1") == 0 ? ROUNDS_LONG : ROUNDS;
  oc_autofd int capture = -1;
  g_autofree char *workloads = NULL;
  Flood flood = { 0 };
  GThread *flooding, *changing;
  int stop = 0;
  pid_t pid;

  set_up ();
  pid = start_daemon ();
  await_daemon ();
  attach_workload ();
  capture = tb_packet_socket (bed.away, "eth0");
  flooding = g_thread_new ("flood", flood_thread, &flood);
  changing = g_thread_new ("change", change_thread, &stop);
  for (guint i = 0; i < rounds; i++)
    {
      guint delay_us = (guint) g_random_int_range (0, i % 2 == 0 ? 60000 : 300000);

      g_usleep (delay_us); /* the instant of the kill: the point of the test */
      kill_daemon (pid);
      if (tb_count_udp (capture, FORBIDDEN_PORT) != 0)
        g_error ("round %u: killed after %u us, something got out", i, delay_us);
      pid = start_daemon ();
    }
  await_daemon ();
  g_atomic_int_set (&stop, 1);
  g_thread_join (changing);
  g_assert_cmpuint (tb_count_udp (capture, FORBIDDEN_PORT), ==, 0);
  /* All is as before: the workload is known and served, and what is allowed gets out. */
  g_assert_cmpuint (call ("GET", "/api/v1/workloads", NULL, &workloads), ==, 200);
  g_assert_nonnull (strstr (workloads, "\"name\":\"w1\""));
  g_assert_cmpint (tb_ping (bed.w1, TB_GATEWAY, 5000), ==, 0);
  g_assert_cmpuint (call ("POST", "/api/v1/rule/allow",
                          "{\"workload\":\"w1\",\"destination\":\"192.0.2.2\",\"protocol\":"
                          "\"udp\",\"port\":9001,\"lifetime_s\":60}",
                          NULL),
                    ==, 200);
  g_assert_true (tb_is_readable (capture, 5000)); /* the control: the flood would be seen */
  g_atomic_int_set (&flood.stop, 1);
  g_thread_join (flooding);
  g_test_message ("%u rounds, %" G_GUINT64_FORMAT " packets", rounds, flood.sent);
  g_assert_cmpuint (flood.sent, >, 1000);
  kill_daemon (pid);
  tear_down ();
}

int
main (int argc, char **argv)
{
  tb_enter ();
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("OUTCALL_BUILDDIR") == NULL)
    {
      g_print ("1..0 # SKIP OUTCALL_BUILDDIR is not set\n");
      return 0;
    }
  g_test_add_func ("/kernel/kill", test_kill);
  return g_test_run ();
}
