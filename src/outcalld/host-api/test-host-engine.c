/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-bed.h"

#include "testlib/oc-testns.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Requests that wait for an engine: what they get, and what is noted, when the engine
 * answers, when their reader has gone, and when the API ends before. The engine is a
 * peer here that a test can hold up; the real ones are in tests/engine. */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

typedef struct
{
  GSocketService *service;
  char *path, *audit;
  GMutex lock;
  GCond changed;
  gboolean released;  /* the pull goes on to its end */
  const char *networks; /* what it says that it has */
  const char *ending; /* what it says then */
} Peer;

static Peer peer;

/* --- The engine ---------------------------------------------------------------------- */

static void
hold (void)
{
  g_mutex_lock (&peer.lock);
  while (!peer.released)
    g_cond_wait (&peer.changed, &peer.lock);
  g_mutex_unlock (&peer.lock);
}

static void
release (void)
{
  g_mutex_lock (&peer.lock);
  peer.released = TRUE;
  g_cond_broadcast (&peer.changed);
  g_mutex_unlock (&peer.lock);
}

static void
say (GOutputStream *out, const char *text)
{
  (void) g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);
}

/* In a thread of its own. */
static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
        gpointer user_data)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  char head[4096] = "";

  (void) g_input_stream_read (in, head, sizeof head - 1, NULL, NULL);
  if (strstr (head, "/version ") != NULL)
    say (out, HEAD "{\"Version\":\"24.0.5\",\"ApiVersion\":\"1.43\",\"MinAPIVersion\":\"1.12\"}");
  else if (strstr (head, "/images/create") != NULL)
    {
      say (out, HEAD "{\"status\":\"Downloading\",\"id\":\"layer\","
                     "\"progressDetail\":{\"current\":1,\"total\":2}}\n");
      hold ();
      say (out, peer.ending);
    }
  else if (strstr (head, "/events") != NULL)
    {
      say (out, HEAD);
      (void) g_input_stream_read (in, head, sizeof head, NULL, NULL);
    }
  else if (strstr (head, "/networks ") != NULL)
    say (out, peer.networks);
  else
    say (out, HEAD "[]");
  return FALSE;
}

static gboolean
is_connected (gpointer data)
{
  return oc_engine_is_connected (oc_workloads_get_engine (bed.workloads));
}

static void
begin (const char *ending)
{
  OcWorkloadEngineOptions options = { .socket = NULL };
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  start ();
  peer = (Peer) { .ending = ending };
  peer.path = g_build_filename (bed.dir, "engine.sock", NULL);
  peer.audit = g_build_filename (bed.dir, "audit", NULL);
  g_assert_true (oc_log_set_audit_file (bed.log, peer.audit, &error));
  g_assert_no_error (error);
  peer.service = g_threaded_socket_service_new (16);
  address = g_unix_socket_address_new (peer.path);
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (peer.service), address,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                                                NULL, NULL, &error));
  g_signal_connect (peer.service, "run", G_CALLBACK (on_run), NULL);
  options.socket = peer.path;
  options.host_socket = bed.socket;
  options.state_dir = bed.state_dir;
  options.rules_dir = bed.rules_dir;
  oc_workloads_use_engine (bed.workloads, &options);
  g_assert_true (oc_test_wait (is_connected, NULL));
}

static void
end (void)
{
  release ();
  g_socket_service_stop (peer.service);
  g_socket_listener_close (G_SOCKET_LISTENER (peer.service));
  g_object_unref (peer.service);
  stop ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_free (peer.path);
  g_free (peer.audit);
}

/* --- The client ------------------------------------------------------------------------ */

#define PULL "{\"image\":\"example\"}"

/* @accept: (nullable) @more: sent behind it on the same connection */
static Stream
open_pull (const char *accept, const char *more)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  Stream stream = { .received = g_string_new (NULL) };
  g_autofree char *text
      = g_strdup_printf ("POST /api/v1/container/pull HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n"
                         "Content-Length: %zu\r\n\r\n" PULL "%s",
                         accept, strlen (PULL), more);

  stream.fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_strlcpy (address.sun_path, bed.socket, sizeof address.sun_path);
  g_assert_cmpint (connect (stream.fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (send (stream.fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
  return stream;
}

/* What comes until the other side closes. */
static void
drain (Stream *stream)
{
  char buffer[4096];
  gssize n;

  while ((n = recv (stream->fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_string_append_len (stream->received, buffer, n);
  g_assert_cmpint (n, ==, 0);
}

static gboolean
is_audited (gpointer data)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (peer.audit, &text, NULL, NULL)
         && strstr (text, "container.pull") != NULL;
}

/* That the pull is in the audit file with this failure, or without one. */
static void
assert_audited (const char *failure)
{
  g_autofree char *text = NULL;

  g_assert_true (oc_test_wait (is_audited, NULL));
  g_assert_true (g_file_get_contents (peer.audit, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\"example\""));
  if (failure != NULL)
    g_assert_nonnull (strstr (text, failure));
  else
    g_assert_null (strstr (text, "error"));
  g_assert_true (strstr (text, "container.pull") == g_strrstr (text, "container.pull"));
}

/* --- Networks: what the engine has although no route shows it ----------------------------- */

#define NETWORK(name, subnet, labels)                                                             \
  "{\"Name\":\"" name "\",\"IPAM\":{\"Config\":[{\"Subnet\":\"" subnet "\"}]},\"Labels\":{" labels "}}"

static void
test_networks (void)
{
  static const struct
  {
    const char *networks, *body;
    guint status;
    const char *says;
  } cases[] = {
    { HEAD "[" NETWORK ("ci", "172.31.0.0/16", "") "]", "{\"name\":\"a\",\"subnet\":\"172.31.7.0/24\"}",
      409, "subnet 172.31.7.0/24 overlaps Docker network 'ci'" },
    { HEAD "[" NETWORK ("ci", "172.31.0.0/16", "") "]", "{\"name\":\"a\",\"subnet\":\"172.30.7.0/24\"}",
      200, "\"created\":true" },
    /* It is there: nothing is asked. */
    { HEAD "x", "{\"name\":\"a\"}", 200, "\"created\":false" },
    /* The next free one of 10.200.0.0/16, of which the first is the default network's. */
    { HEAD "[" NETWORK ("v6", "fd00::/64", "") "," NETWORK ("ci", "10.200.0.0/22", "") ","
      "{\"Name\":\"host\",\"IPAM\":{\"Config\":null}}]",
      "{\"name\":\"b\"}", 200, "\"subnet\":\"10.200.4.0/24\"" },
    /* Made for us: not in our way. */
    { HEAD "[" NETWORK ("outcall-c", "10.200.9.0/24", "\"managed-by\":\"outcalld\"") "]",
      "{\"name\":\"c\",\"subnet\":\"10.200.9.0/24\"}", 200, "\"created\":true" },
    { HEAD "{}", "{\"name\":\"d\"}", 503, "no list" },
    { HEAD "[{}]", "{\"name\":\"d\"}", 503, "without a name" },
    { HEAD "[" NETWORK ("odd", "172.31.0.0/33", "") "]", "{\"name\":\"d\"}", 503, "network odd" },
    { HEAD "[" NETWORK ("odd", "", "") "]", "{\"name\":\"d\"}", 503, "network odd" },
    { HEAD "[{\"Name\":\"odd\",\"IPAM\":{\"Config\":[7]}}]", "{\"name\":\"d\"}", 503, "network odd" },
    { HEAD "[", "{\"name\":\"d\"}", 503, "" },
    { "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", "{\"name\":\"d\"}", 503, "" },
  };

  begin ("");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *body = NULL;

      peer.networks = cases[i].networks;
      g_assert_cmpuint (request ("POST", "/api/v1/network/create", cases[i].body, &body), ==,
                        cases[i].status);
      if (strstr (body, cases[i].says) == NULL)
        g_error ("case %zu: %s", i, body);
    }
  expect ("GET", "/api/v1/network?name=d", NULL, 404);
  end ();
}

/* --- Pulls ------------------------------------------------------------------------------- */

static void
test_streamed (void)
{
  Stream stream;

  begin ("{\"status\":\"Downloaded\"}\n");
  stream = open_pull ("text/event-stream", "");
  await (&stream, "event: progress\n");
  g_assert_false (is_audited (NULL)); /* not before it is done */
  release ();
  await (&stream, "event: done\n");
  assert_audited (NULL);
  close_stream (&stream);
  end ();
}

static void
test_streamed_failure (void)
{
  Stream stream;

  begin ("{\"error\":\"no such manifest\"}\n");
  stream = open_pull ("text/event-stream", "");
  await (&stream, "event: progress\n");
  release ();
  await (&stream, "event: error\n");
  await (&stream, "no such manifest");
  assert_audited ("no such manifest");
  close_stream (&stream);
  end ();
}

static void
test_reader_gone (void)
{
  Stream stream;

  begin ("{\"error\":\"no such manifest\"}\n");
  stream = open_pull ("text/event-stream", "");
  await (&stream, "event: progress\n");
  close_stream (&stream);
  expect ("GET", "/health", NULL, 200);
  release ();
  assert_audited ("no such manifest");
  end ();
}

static void
test_stop_while_streaming (void)
{
  Stream stream;
  Stream gone;

  begin ("");
  stream = open_pull ("text/event-stream", "");
  await (&stream, "event: progress\n");
  g_clear_pointer (&bed.api, oc_host_api_free);
  drain (&stream);
  g_assert_nonnull (strstr (stream.received->str, "event: error\n"));
  g_assert_nonnull (strstr (stream.received->str, "the daemon is stopping"));
  assert_audited ("the daemon is stopping");
  close_stream (&stream);
  end ();

  begin ("");
  gone = open_pull ("text/event-stream", "");
  await (&gone, "event: progress\n");
  close_stream (&gone);
  expect ("GET", "/health", NULL, 200);
  g_clear_pointer (&bed.api, oc_host_api_free);
  end ();
}

/* What a client has sent behind the request that is answered at the end must not be
 * handled by what is going away. */
static void
test_stop_while_waiting (void)
{
  static const char more[]
      = "POST /api/v1/dns/test HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\n"
        "{\"name\":\"api.example.com\"}"
        "GET /api/v1/containers HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
  Stream stream;

  begin ("");
  stream = open_pull ("application/json", more);
  expect ("GET", "/health", NULL, 200);
  g_clear_pointer (&bed.api, oc_host_api_free);
  drain (&stream);
  g_assert_true (g_str_has_prefix (stream.received->str, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (stream.received->str, "the daemon is stopping"));
  g_assert_true (strstr (stream.received->str, "HTTP/1.1")
                 == g_strrstr (stream.received->str, "HTTP/1.1"));
  assert_audited ("the daemon is stopping");
  close_stream (&stream);
  end ();
}

int
main (int argc, char **argv)
{
  oc_test_enter_netns ();
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-api/engine/networks", test_networks);
  g_test_add_func ("/host-api/pull/streamed", test_streamed);
  g_test_add_func ("/host-api/pull/streamed-failure", test_streamed_failure);
  g_test_add_func ("/host-api/pull/reader-gone", test_reader_gone);
  g_test_add_func ("/host-api/pull/stop-while-streaming", test_stop_while_streaming);
  g_test_add_func ("/host-api/pull/stop-while-waiting", test_stop_while_waiting);
  return g_test_run ();
}
