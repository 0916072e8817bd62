/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-bed.h"

#include "common/oc-fd.h"
#include "http1/oc-http1-client.h"
#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define RULES                                                                                     \
  "version: \"1\"\n"                                                                              \
  "rules:\n"                                                                                      \
  "  - id: allow-api\n"                                                                           \
  "    hosts: [\"api.example.com\"]\n"                                                            \
  "    ports: [443]\n"                                                                            \
  "    action: allow\n"                                                                           \
  "  - id: block-bad\n"                                                                           \
  "    condition: 'network.hostname == \"bad.example.com\"'\n"                                    \
  "    action: block\n"                                                                           \
  "    reason: \"because\"\n"

Bed bed;

void
write_rules (const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (bed.rules_dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
}

static void
start_kernel (void)
{
  const OcFirewallOptions firewall = { .dns_port = 53, .proxy_port = 8080,
                                       .proxy_http_port = OC_PROXY_HTTP_PORT,
                                       .proxy_tls_port = OC_PROXY_TLS_PORT };
  const OcNetworkOptions network = { "outcall0", "10.200.0.0/16" };
  g_autoptr (GError) error = NULL;

  bed.firewall = oc_firewall_new (&firewall, &error);
  g_assert_no_error (error);
  bed.networks = oc_networks_new (&network, bed.firewall, &error);
  g_assert_no_error (error);
  bed.workloads = oc_workloads_new (bed.state_dir, bed.networks, bed.firewall, bed.hub, &error);
  g_assert_no_error (error);
  oc_workloads_restore (bed.workloads, &error);
  g_assert_no_error (error);
  oc_networks_up (bed.networks, &error);
  g_assert_no_error (error);
}

static void
start_services (void)
{
  const OcPolicyOptions policy = { .have_proxy = TRUE };
  /* Nobody answers there: refused at once. */
  const OcDnsOptions dns = { .port = 53, .n_workers = 1, .upstreams = "127.0.0.1:1" };
  const OcProxyOptions proxy = { .port = 8080, .n_workers = 1, .head_max = 16384,
                                 .max_connections = 64, .max_connections_per_workload = 16 };
  OcAddress gateway = oc_network_get_gateway (oc_networks_get_default (bed.networks));
  g_autoptr (GError) error = NULL;

  bed.rules = oc_rules_new (bed.rules_dir, &policy, bed.hub);
  bed.requests = oc_requests_new (bed.state_dir, bed.rules, bed.log, &error);
  g_assert_no_error (error);
  oc_rules_reload (bed.rules, NULL, &error);
  g_assert_no_error (error);
  bed.dns = oc_dns_new (&dns, bed.hub, bed.log, bed.firewall, &error);
  g_assert_no_error (error);
  oc_dns_add_gateway (bed.dns, &gateway, &error);
  g_assert_no_error (error);
  bed.proxy = oc_proxy_new (&proxy, bed.hub, bed.log, bed.dns, &error);
  g_assert_no_error (error);
  oc_proxy_add_gateway (bed.proxy, &gateway, &error);
  g_assert_no_error (error);
}

static void
start_api (void)
{
  const OcHostApiSubsystems subsystems = {
    .firewall = bed.firewall, .networks = bed.networks, .workloads = bed.workloads,
    .rules = bed.rules, .requests = bed.requests, .dns = bed.dns, .proxy = bed.proxy,
    .log = bed.log, .hub = bed.hub,
    .started_us = g_get_monotonic_time (), .dns_upstreams = "127.0.0.1:1", .dns_port = 53,
    .proxy_port = 8080,
  };
  g_autoptr (GError) error = NULL;

  bed.api = oc_host_api_new (bed.socket, &subsystems, &error);
  g_assert_no_error (error);
}

void
start (void)
{
  bed.dir = g_dir_make_tmp ("outcall-host-XXXXXX", NULL);
  bed.rules_dir = g_build_filename (bed.dir, "rules.d", NULL);
  bed.state_dir = g_build_filename (bed.dir, "state", NULL);
  bed.socket = g_build_filename (bed.dir, "host.sock", NULL);
  g_assert_cmpint (g_mkdir (bed.rules_dir, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (bed.state_dir, 0700), ==, 0);
  g_assert_cmpint (g_chmod (bed.dir, 0755), ==, 0);
  write_rules ("10-base.yaml", RULES);
  bed.hub = oc_snapshot_hub_new ();
  bed.log = oc_log_new ();
  bed.producer = oc_log_add_producer (bed.log);
  start_kernel ();
  start_services ();
  start_api ();
}

void
stop (void)
{
  oc_host_api_free (bed.api);
  g_assert_false (g_file_test (bed.socket, G_FILE_TEST_EXISTS));
  oc_proxy_free (bed.proxy);
  oc_dns_free (bed.dns);
  oc_requests_free (bed.requests);
  oc_rules_free (bed.rules);
  oc_workloads_free (bed.workloads);
  oc_networks_free (bed.networks);
  oc_firewall_free (bed.firewall);
  oc_log_producer_free (bed.producer);
  oc_log_free (bed.log);
  oc_snapshot_hub_free (bed.hub);
  oc_test_run ("rm -rf '%s'", bed.dir);
  g_free (bed.dir);
  g_free (bed.rules_dir);
  g_free (bed.state_dir);
  g_free (bed.socket);
  bed = (Bed) { 0 };
}

/* --- A client in a thread --------------------------------------------------------- */

typedef struct
{
  const char *method, *target, *body;
  OcHttpReply reply;
  int result;
  gint done; /* atomic */
} Call;

static gpointer
call_thread (gpointer data)
{
  Call *call = data;
  OcHttpClient *client = oc_http_client_connect (bed.socket, 5000);

  g_assert_nonnull (client);
  call->result = oc_http_client_request (client, call->method, call->target, NULL, call->body,
                                         call->body != NULL ? strlen (call->body) : 0,
                                         64 * 1024 * 1024, 20000, &call->reply);
  oc_http_client_close (client);
  g_atomic_int_set (&call->done, 1);
  return NULL;
}

static gboolean
call_is_done (gpointer data)
{
  return g_atomic_int_get (&((Call *) data)->done);
}

guint
request (const char *method, const char *target, const char *body, char **out_body)
{
  Call call = { .method = method, .target = target, .body = body };
  GThread *thread = g_thread_new ("client", call_thread, &call);
  guint status;

  g_assert_true (oc_test_wait (call_is_done, &call));
  g_thread_join (thread);
  g_assert_cmpint (call.result, ==, 0);
  status = call.reply.status;
  *out_body = g_strndup (call.reply.body != NULL ? call.reply.body : "", call.reply.body_len);
  oc_http_reply_clear (&call.reply);
  return status;
}

JsonNode *
call (const char *method, const char *target, const char *body, guint status)
{
  g_autofree char *text = NULL;
  JsonNode *data = NULL;
  guint got = request (method, target, body, &text);

  if (got != status)
    g_error ("%s %s: %u instead of %u: %s", method, target, got, status, text);
  (void) outcall_api_response_unwrap (text, strlen (text), &data, NULL);
  return data;
}

void
expect (const char *method, const char *target, const char *body, guint status)
{
  g_autoptr (JsonNode) data G_GNUC_UNUSED = call (method, target, body, status);
}

/* --- Others ---------------------------------------------------------------------------- */

void
push (gboolean allowed, const char *agent, const char *host)
{
  const OcDecision decision = { .layer = OC_LAYER_TLS,
                                .allowed = allowed,
                                .workload = oc_str_from (agent),
                                .agent = oc_str_from (agent),
                                .host = oc_str_from (host),
                                .port = 443 };

  oc_log_push (bed.producer, &decision);
}

/* A command that runs while the API answers. */
typedef struct
{
  const char *command;
  char *output;
  int code;
  gint done; /* atomic */
} Aside;

static gpointer
aside_thread (gpointer data)
{
  Aside *aside = data;

  aside->code = oc_test_try (&aside->output, "%s", aside->command);
  g_atomic_int_set (&aside->done, 1);
  return NULL;
}

static gboolean
aside_is_done (gpointer data)
{
  return g_atomic_int_get (&((Aside *) data)->done);
}

int
run_aside (const char *command, char **out_output)
{
  Aside aside = { .command = command };
  GThread *thread = g_thread_new ("aside", aside_thread, &aside);

  g_assert_true (oc_test_wait_ms (aside_is_done, &aside, 300000));
  g_thread_join (thread);
  *out_output = aside.output;
  return aside.code;
}

/* --- A client of the events ------------------------------------------------------------ */

Stream
open_stream_after (const char *target, const char *last_id)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  Stream stream = { .received = g_string_new (NULL) };
  g_autofree char *head = NULL;

  head = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n", target,
                          last_id != NULL ? "Last-Event-ID: " : "X: x",
                          last_id != NULL ? last_id : "");
  stream.fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_strlcpy (address.sun_path, bed.socket, sizeof address.sun_path);
  g_assert_cmpint (connect (stream.fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (send (stream.fd, head, strlen (head), MSG_NOSIGNAL), ==, strlen (head));
  return stream;
}

Stream
open_stream (const char *target)
{
  return open_stream_after (target, NULL);
}

static gboolean
stream_has (gpointer data)
{
  Stream *stream = data;
  char buffer[8192];
  gssize n = recv (stream->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n > 0)
    g_string_append_len (stream->received, buffer, n);
  return strstr (stream->received->str, stream->until) != NULL;
}

void
await (Stream *stream, const char *until)
{
  stream->until = until;
  if (!oc_test_wait (stream_has, stream))
    g_error ("'%s' did not come: %s", until, stream->received->str);
}

void
close_stream (Stream *stream)
{
  oc_fd_clear (&stream->fd);
  g_string_free (stream->received, TRUE);
}
