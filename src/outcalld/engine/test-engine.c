/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What can be tested of the engine client without an engine: versions, events, the
 * description of a container, binds, the configuration that is sent; and the
 * exchange itself, with a peer that says what no engine says. The rest is in
 * tests/engine, on real ones. Specification: 06 "Engine containers".
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "outcall-api/outcall-api.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* --- Versions ------------------------------------------------------------------ */

static const struct
{
  const char *min, *max, *prefix;
} versions[] = {
  { "1.12", "1.41", "/v1.41" }, /* Docker 20.10 */
  { "1.24", "1.50", "/v1.41" },
  { "1.44", "1.52", "/v1.44" },
  { NULL, "1.41", "/v1.41" },
  { "1.24", "1.40", NULL }, /* Docker 19.03 */
  { "1.24", "2.0", NULL },
  { "1.61", "1.70", NULL }, /* no longer what we know */
  { "1.50", "1.44", NULL },
  { "x", "1.41", NULL },
  { "1.24", "", NULL },
  { "1.24", "1", NULL },
  { "1.24", "1.99999999", "/v1.41" },
  { "1.24", NULL, NULL },
};

static void
test_versions (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (versions); i++)
    {
      g_autofree char *prefix = oc_engine_choose_prefix (versions[i].min, versions[i].max);

      g_test_message ("%s to %s", versions[i].min, versions[i].max);
      g_assert_cmpstr (prefix, ==, versions[i].prefix);
    }
}

/* --- Events ---------------------------------------------------------------------- */

static const struct
{
  const char *text;
  gboolean ours;
  OcEngineEvent event;
  const char *id;
} events[] = {
  { "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"a\"}}", TRUE,
    OC_ENGINE_CONTAINER_STARTED, "a" },
  { "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\"}}", TRUE,
    OC_ENGINE_CONTAINER_GONE, "a" },
  { "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{}}", FALSE, 0, NULL },
  { "{\"Type\":\"container\",\"Action\":\"start\"}", FALSE, 0, NULL },
  { "{\"Type\":\"container\",\"Action\":7,\"Actor\":{\"ID\":\"a\"}}", FALSE, 0, NULL },
  { "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"n\",\"Attributes\":"
    "{\"container\":\"c\"}}}",
    TRUE, OC_ENGINE_NETWORKS_CHANGED, "c" },
  { "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"n\"}}", TRUE,
    OC_ENGINE_NETWORKS_CHANGED, NULL },
  { "{\"Type\":\"network\",\"Action\":\"disconnect\",\"Actor\":{\"ID\":\"n\"}}", FALSE, 0, NULL },
  { "{\"Type\":\"image\",\"Action\":\"pull\"}", FALSE, 0, NULL },
  { "[]", FALSE, 0, NULL },
  { "null", FALSE, 0, NULL },
};

static void
test_events (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (events); i++)
    {
      g_autoptr (JsonNode) node
          = outcall_json_parse (events[i].text, strlen (events[i].text), NULL);
      g_autofree char *id = NULL;
      OcEngineEvent event = 0;

      g_test_message ("%s", events[i].text);
      g_assert_cmpint (oc_engine_read_event (node, &event, &id), ==, events[i].ours);
      if (events[i].ours)
        {
          g_assert_cmpint (event, ==, events[i].event);
          g_assert_cmpstr (id, ==, events[i].id);
        }
    }
}

/* --- Lines ------------------------------------------------------------------------- */

static gboolean
on_line (const char *line, gsize len, gpointer user_data, GError **error)
{
  g_string_append_printf (user_data, "[%.*s]", (int) len, line);
  return TRUE;
}

static void
test_lines (void)
{
  g_autoptr (GString) buffer = g_string_new (NULL);
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *run = g_strnfill (OC_ENGINE_LINE_MAX, 'x');

  g_assert_true (oc_engine_take_lines (buffer, "a\n\nbc", 5, on_line, seen, &error));
  g_assert_true (oc_engine_take_lines (buffer, "d\n", 2, on_line, seen, &error));
  g_assert_cmpstr (seen->str, ==, "[a][bcd]");
  g_assert_true (
      oc_engine_take_lines (buffer, run, OC_ENGINE_LINE_MAX, on_line, seen, &error));
  g_assert_false (oc_engine_take_lines (buffer, "x", 1, on_line, seen, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* --- Containers of others -------------------------------------------------------------- */

#define CONFIG "\"Config\":{\"Image\":\"i\",\"Labels\":{\"managed-by\":\"outcalld\"}}"
#define NETWORKS                                                                                   \
  "\"NetworkSettings\":{\"Networks\":{\"outcall-default\":{\"IPAddress\":\"10.200.0.240\"}}}"
#define BASE "\"Id\":\"abc\",\"Name\":\"/n\",\"State\":{\"Status\":\"running\",\"Running\":true,"  \
             "\"Pid\":7}," CONFIG ","

static const struct
{
  const char *host_config; /* members */
  const char *rest;
  const char *objection; /* (nullable) */
} others[] = {
  { "\"NetworkMode\":\"outcall-default\"", NETWORKS, NULL },
  { "\"NetworkMode\":\"outcall-default\",\"CapAdd\":[\"NET_ADMIN\"]", NETWORKS, NULL },
  { "\"Privileged\":true", NETWORKS, "it is privileged" },
  { "\"CapAdd\":[\"CAP_SYS_ADMIN\"]", NETWORKS, "it has capability CAP_SYS_ADMIN" },
  { "\"CapAdd\":[\"all\"]", NETWORKS, "it has capability all" },
  { "\"PidMode\":\"host\"", NETWORKS, "it shares a pid namespace" },
  { "\"PidMode\":\"container:x\"", NETWORKS, "it shares a pid namespace" },
  { "\"UsernsMode\":\"host\"", NETWORKS, "it shares a user namespace" },
  { "\"NetworkMode\":\"host\"", NETWORKS, "it shares a network namespace" },
  { "\"NetworkMode\":\"container:x\"", NETWORKS, "it shares a network namespace" },
  { "\"Devices\":[{}]", NETWORKS, "it has devices of the host" },
  { "\"PublishAllPorts\":true", NETWORKS, "it publishes ports" },
  { "\"PortBindings\":{\"80/tcp\":[]}", NETWORKS, "it publishes ports" },
  { "\"A\":1", NETWORKS ",\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/run\"}]",
    "it has /run mounted (/run/outcall is protected)" },
  { "\"A\":1", NETWORKS ",\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/proc/1/root/etc\"}]",
    "it has /proc/1/root/etc mounted" },
  { "\"A\":1",
    "\"NetworkSettings\":{\"Networks\":{\"outcall-default\":{},\"bridge\":{}}}",
    "it is on other networks than outcall-default" },
  { "\"A\":1", "\"NetworkSettings\":{\"Networks\":{}}",
    "it is on other networks than outcall-default" },
};

static void
test_objections (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("{" BASE "\"HostConfig\":{\"Dns\":[\"10.200.0.1\"],%s},%s}",
                             others[i].host_config, others[i].rest);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = outcall_json_parse (text, strlen (text), &error);
      g_autoptr (OcContainer) c = NULL;
      g_autofree char *objection = NULL;

      g_assert_no_error (error);
      c = oc_container_from_json (node, &error);
      g_assert_no_error (error);
      g_assert_cmpint (c->pid, ==, 7);
      objection = oc_container_find_objection (c, OC_ENGINE_DOCKER, "outcall-default",
                                               "10.200.0.1", NULL, NULL);
      g_test_message ("%s %s", others[i].host_config, others[i].rest);
      if (others[i].objection == NULL)
        g_assert_cmpstr (objection, ==, NULL);
      else
        g_assert_true (g_str_has_prefix (objection, others[i].objection));
    }
}

static void
test_resolver (void)
{
  static const char *const lists[] = { "[]", "[\"8.8.8.8\"]", "[\"10.200.0.1\",\"8.8.8.8\"]" };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree char *text = g_strdup_printf (
          "{" BASE "\"HostConfig\":{\"Dns\":%s}," NETWORKS "}", lists[i]);
      g_autoptr (JsonNode) node = outcall_json_parse (text, strlen (text), NULL);
      g_autoptr (OcContainer) c = oc_container_from_json (node, NULL);
      g_autofree char *objection = oc_container_find_objection (
          c, OC_ENGINE_DOCKER, "outcall-default", "10.200.0.1", NULL, NULL);

      g_assert_true (g_str_has_prefix (objection, "its DNS server is not 10.200.0.1"));
    }
}

static void
test_incomplete (void)
{
  static const char *const texts[]
      = { "{}", "[]", "null", "{\"Id\":7}", "{\"Id\":\"a\",\"Name\":\"/n\"}",
          "{\"Id\":\"a\",\"Name\":\"/n\",\"State\":[],\"Config\":{\"Image\":\"i\"}}" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (JsonNode) node = outcall_json_parse (texts[i], strlen (texts[i]), NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (oc_container_from_json (node, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
}

/* --- Binds ---------------------------------------------------------------------------- */

static const struct
{
  const char *spec; /* "@" stands for a folder that is there */
  int code;         /* -1: fine */
} binds[] = {
  { "@:/data", -1 },
  { "@:/data:ro", -1 },
  { "@:/data:rw", -1 },
  { "@/link:/data", -1 },
  { "@", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data:ro:x", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data:z", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data:ro,z", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data:", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:data", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data/../etc", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:/data/", G_IO_ERROR_INVALID_ARGUMENT },
  { "@:", G_IO_ERROR_INVALID_ARGUMENT },
  { ":/data", G_IO_ERROR_INVALID_ARGUMENT },
  { "relative:/data", G_IO_ERROR_INVALID_ARGUMENT },
  { "@/../x:/data", G_IO_ERROR_INVALID_ARGUMENT },
  { "@//x:/data", G_IO_ERROR_INVALID_ARGUMENT },
  { "@/absent:/data", G_IO_ERROR_NOT_FOUND },
  { "@:/", G_IO_ERROR_PERMISSION_DENIED },
  { "@:/etc", G_IO_ERROR_PERMISSION_DENIED },
  { "@:/etc/resolv.conf", G_IO_ERROR_PERMISSION_DENIED },
  { "@:/run/outcall/agent.sock", G_IO_ERROR_PERMISSION_DENIED },
  { "@:/usr/local/bin", G_IO_ERROR_PERMISSION_DENIED },
  { "@:/proc/self", G_IO_ERROR_PERMISSION_DENIED },
  { "/:/host", G_IO_ERROR_PERMISSION_DENIED },
  { "/proc:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "/proc/1/root:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "/sys/kernel:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "/dev/null:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "@/to-proc:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "@/secret:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "@/secret/file:/p", G_IO_ERROR_PERMISSION_DENIED },
  { "@/to-secret:/p", G_IO_ERROR_PERMISSION_DENIED },
};

static char *
make_folder (void)
{
  char *dir = g_dir_make_tmp ("binds.XXXXXX", NULL);
  const char *const links[][2] = { { "link", "." }, { "to-proc", "/proc" },
                                   { "to-secret", "secret" } };
  g_autofree char *secret = g_build_filename (dir, "secret", NULL);
  g_autofree char *file = g_build_filename (secret, "file", NULL);

  g_assert_cmpint (g_mkdir (secret, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *path = g_build_filename (dir, links[i][0], NULL);

      g_assert_cmpint (symlink (links[i][1], path), ==, 0);
    }
  return dir;
}

static void
remove_folder (const char *dir)
{
  static const char *const names[] = { "secret/file", "secret", "link", "to-proc", "to-secret" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (dir, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (dir);
}

static void
test_binds (void)
{
  g_autofree char *made = make_folder ();
  g_autofree char *dir = realpath (made, NULL);
  g_autofree char *secret = g_build_filename (dir, "secret", NULL);
  const char *const protected_paths[] = { secret, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (binds); i++)
    {
      gboolean inside = binds[i].spec[0] == '@';
      /* The folder itself holds the secret; what is fine is another one. */
      g_autofree char *spec = g_strconcat (inside ? dir : "", binds[i].spec + inside, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (OcContainerBind) bind = oc_container_bind_parse (
          spec, strstr (spec, "secret") != NULL ? protected_paths : NULL, &error);

      g_test_message ("%s: %s", spec, error != NULL ? error->message : "fine");
      if (binds[i].code >= 0)
        {
          g_assert_null (bind);
          g_assert_error (error, G_IO_ERROR, binds[i].code);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (bind->source, ==, dir); /* links resolved */
      g_assert_cmpint (bind->read_only, ==, g_str_has_suffix (spec, ":ro"));
    }
  remove_folder (dir);
}

/* --- The configuration ------------------------------------------------------------------ */

/* Before what the caller wants, which counts then. */
static void
assert_trust (const OcContainerSpec *spec, gboolean wanted)
{
  g_autoptr (JsonNode) node = oc_container_spec_to_json (spec, OC_ENGINE_DOCKER);
  g_autofree char *text = outcall_json_print (node);
  const char *at = strstr (text, "\"SSL_CERT_FILE=/run/outcall/ca-bundle.pem\"");

  g_assert_cmpint (at != NULL, ==, wanted);
  g_assert_true (!wanted || at < strstr (text, "\"A=b\""));
}

static const char *const env[] = { "A=b", "http_proxy=http://evil", "HTTPS_PROXY=x", NULL };
static const OcContainerSpec spec_base = {
  .name = "n",
  .image = "i",
  .env = env,
  .user = "65532:65532",
  .memory_bytes = OC_CONTAINER_MEMORY_MIN,
  .cpu_shares = OC_CONTAINER_CPU_SHARES_MIN,
  .pids = 1,
  .network = "outcall-default",
  .gateway = "10.200.0.1",
  .address = "10.200.0.2",
  .mac = "0e:c5:0a:c8:00:02",
  .proxy_port = 8080,
};

static void
test_spec (void)
{
  g_autoptr (JsonNode) node = oc_container_spec_to_json (&spec_base, OC_ENGINE_DOCKER);
  g_autoptr (JsonNode) podman = oc_container_spec_to_json (&spec_base, OC_ENGINE_PODMAN);
  OcContainerSpec trusting = spec_base;
  g_autofree char *text = outcall_json_print (node);
  g_autofree char *other = outcall_json_print (podman);
  static const char *const wanted[]
      = { "\"CapDrop\":[\"ALL\"]", "\"SecurityOpt\":[\"no-new-privileges\"]",
          "\"ReadonlyRootfs\":true", "\"Init\":true", "\"NetworkMode\":\"outcall-default\"",
          "\"Dns\":[\"10.200.0.1\"]", "\"DnsOptions\":[\"ndots:0\"]", "\"/tmp\"",
          "\"IPv4Address\":\"10.200.0.2\"", "\"A=b\"", "\"http_proxy=http://10.200.0.1:8080\"",
          "\"HTTPS_PROXY=http://10.200.0.1:8080\"", "\"managed-by\":\"outcalld\"",
          "\"outcall.name\":\"n\"", "\"Memory\":6291456" };

  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_test_message ("%s", wanted[i]);
      g_assert_nonnull (strstr (text, wanted[i]));
    }
  trusting.trusts_ca = TRUE;
  assert_trust (&spec_base, FALSE);
  assert_trust (&trusting, TRUE);
  g_assert_null (strstr (text, "evil"));
  g_assert_null (strstr (text, "Privileged"));
  g_assert_null (strstr (text, "CapAdd"));
  /* Podman's network gives no addresses. */
  g_assert_null (strstr (other, "IPv4Address"));
}

static void
test_spec_limits (void)
{
  g_autoptr (GError) error = NULL;
  OcContainerSpec spec = spec_base;
  static const char *const users[] = { "", "0:0", "0:5", "5:0", "root", "1000", "1000:", ":1",
                                       "-1:5", "1:2:3", "4294967295:1", "1:4294967295", " 1:1" };
  static const char *const images[] = { "", "-v", "a b", "a\n", "ä" };
  static const char *const bad_env[] = { "NOVALUE", NULL };

  g_assert_true (oc_container_spec_check (&spec, &error));
  spec.memory_bytes--;
  g_assert_false (oc_container_spec_check (&spec, NULL));
  spec = spec_base;
  spec.cpu_shares--;
  g_assert_false (oc_container_spec_check (&spec, NULL));
  spec = spec_base;
  spec.pids--;
  g_assert_false (oc_container_spec_check (&spec, NULL));
  spec = spec_base;
  spec.working_dir = "relative";
  g_assert_false (oc_container_spec_check (&spec, NULL));
  spec = spec_base;
  spec.env = bad_env;
  g_assert_false (oc_container_spec_check (&spec, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (users); i++)
    g_assert_false (oc_container_user_is_valid (users[i]));
  g_assert_true (oc_container_user_is_valid ("1000:4294967294"));
  for (gsize i = 0; i < G_N_ELEMENTS (images); i++)
    g_assert_false (oc_container_image_is_valid (images[i], NULL));
  g_assert_true (oc_container_image_is_valid ("localhost:5000/a/b@sha256:00", NULL));
}

/* --- The exchange ------------------------------------------------------------------------- */

typedef struct
{
  const char *answer;
  GSocketService *service;
  char *path;
  OcEngineHttpReply *reply;
  GError *error;
  gboolean done;
} Exchange;

/* In a thread of its own. */
static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
        gpointer user_data)
{
  Exchange *x = user_data;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  char request[4096];

  (void) g_input_stream_read (in, request, sizeof request, NULL, NULL);
  if (x->answer != NULL)
    (void) g_output_stream_write_all (out, x->answer, strlen (x->answer), NULL, NULL, NULL);
  else /* until the client has had enough */
    (void) g_input_stream_read (in, request, sizeof request, NULL, NULL);
  return FALSE;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *x = user_data;

  x->reply = oc_engine_http_finish (result, &x->error);
  x->done = TRUE;
}

static const struct
{
  const char *answer;
  guint status; /* 0: refused */
  const char *body;
} answers[] = {
  { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}" },
  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200,
    "{}" },
  { "HTTP/1.1 200 OK\r\n\r\n{}", 200, "{}" },
  { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, "" },
  { "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, "x" },
  { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", 0, NULL },
  { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 0, NULL },
  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 0, NULL },
  { "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n12345678901234567", 0, NULL }, /* over 16 */
  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n12345678901234567\r\n0\r\n\r\n", 0,
    NULL },
  { "SSH-2.0-OpenSSH\r\n", 0, NULL },
  { "", 0, NULL },
};

static void
exchange (Exchange *x, guint timeout_ms)
{
  g_autofree char *dir = g_dir_make_tmp ("engine.XXXXXX", NULL);
  g_autoptr (GSocketAddress) address = NULL;
  OcEngineHttpRequest request = { .method = "GET", .target = "/_ping", .timeout_ms = timeout_ms,
                                  .body_max = 16 };

  x->path = g_build_filename (dir, "engine.sock", NULL);
  x->service = g_threaded_socket_service_new (1);
  address = g_unix_socket_address_new (x->path);
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (x->service), address,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                                                NULL, NULL, NULL));
  g_signal_connect (x->service, "run", G_CALLBACK (on_run), x);
  oc_engine_http_async (x->path, &request, NULL, on_reply, x);
  while (!x->done)
    g_main_context_iteration (NULL, TRUE);
  g_socket_service_stop (x->service);
  g_object_unref (x->service);
  g_unlink (x->path);
  g_rmdir (dir);
  g_free (x->path);
}

static void
test_exchange (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      Exchange x = { .answer = answers[i].answer };

      g_test_message ("%s", answers[i].answer);
      exchange (&x, 20000);
      if (answers[i].status == 0)
        g_assert_null (x.reply);
      else
        {
          g_assert_no_error (x.error);
          g_assert_cmpuint (x.reply->status, ==, answers[i].status);
          g_assert_cmpstr ((const char *) x.reply->body->data, ==, answers[i].body);
        }
      g_clear_pointer (&x.reply, oc_engine_http_reply_free);
      g_clear_error (&x.error);
    }
}

static void
test_slow (void)
{
  Exchange x = { .answer = NULL };

  exchange (&x, 50);
  g_assert_error (x.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&x.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/versions", test_versions);
  g_test_add_func ("/engine/events", test_events);
  g_test_add_func ("/engine/lines", test_lines);
  g_test_add_func ("/engine/objections", test_objections);
  g_test_add_func ("/engine/resolver", test_resolver);
  g_test_add_func ("/engine/incomplete", test_incomplete);
  g_test_add_func ("/engine/binds", test_binds);
  g_test_add_func ("/engine/spec", test_spec);
  g_test_add_func ("/engine/spec/limits", test_spec_limits);
  g_test_add_func ("/engine/exchange", test_exchange);
  g_test_add_func ("/engine/exchange/slow", test_slow);
  return g_test_run ();
}
