/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-ui-peer.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* --- The daemon's side -------------------------------------------------------------- */

static char *
read_head (GInputStream *stream)
{
  GString *head = g_string_new (NULL);
  char byte;

  while (!g_str_has_suffix (head->str, "\r\n\r\n")
         && g_input_stream_read (stream, &byte, 1, NULL, NULL) == 1)
    g_string_append_c (head, byte);
  return g_string_free (head, FALSE);
}

static void
write_answer (GOutputStream *stream, const char *status, const char *type, const char *body,
              gsize len)
{
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n", status,
      type, len);

  (void) g_output_stream_write_all (stream, head, strlen (head), NULL, NULL, NULL);
  (void) g_output_stream_write_all (stream, body, len, NULL, NULL, NULL);
}

static void
write_long_answer (GOutputStream *stream, gsize len)
{
  g_autofree char *body = g_malloc (len);

  memset (body, 'x', len);
  write_answer (stream, "200 OK", "application/json", body, len);
}

#define EVENTS_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

/* Two events and the end. */
static void
write_stream (GOutputStream *stream, gboolean chunked)
{
  static const char plain[] = EVENTS_HEAD "Connection: close\r\n\r\ndata: 1\n\ndata: 2\n\n";
  static const char coded[] = EVENTS_HEAD
      "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n";

  (void) g_output_stream_write_all (stream, chunked ? coded : plain,
                                    chunked ? sizeof coded - 1 : sizeof plain - 1, NULL, NULL,
                                    NULL);
}

/* Events until the other side is gone, which is what the test waits for. */
static void
write_endless (GOutputStream *stream, UiFixture *fixture)
{
  static const char head[] = EVENTS_HEAD "Connection: close\r\n\r\n";
  gboolean there
      = g_output_stream_write_all (stream, head, sizeof head - 1, NULL, NULL, NULL);

  g_atomic_int_inc (&fixture->streams);
  while (there)
    {
      there = g_output_stream_write_all (stream, "data: x\n\n", 9, NULL, NULL, NULL);
      g_usleep (1000);
    }
  g_atomic_int_add (&fixture->streams, -1);
}

/* What came, as {"success":true,"data":BODY}. */
static void
write_echo (GOutputStream *stream, const char *body)
{
  g_autofree char *text = g_strdup_printf ("{\"success\":true,\"data\":%s}", body);

  write_answer (stream, "200 OK", "application/json", text, strlen (text));
}

/* As long as the head says. */
static char *
read_body (GInputStream *stream, const char *head)
{
  const char *length = strstr (head, "\r\nContent-Length: ");
  gsize len = length ? (gsize) g_ascii_strtoull (length + 18, NULL, 10) : 0;
  char *body = g_malloc0 (len + 1);

  (void) g_input_stream_read_all (stream, body, len, NULL, NULL, NULL);
  return body;
}

static void
answer_as_daemon (UiFixture *fixture, GOutputStream *stream, const char *head, const char *body)
{
  static const char status[] = "{\"success\":true,\"data\":{\"version\":\"<b>x</b>\"}}";
  static const char missing[] = "{\"success\":false,\"error\":\"no such rule\"}";

  if (g_str_has_prefix (head, "GET /api/v1/status "))
    write_answer (stream, "200 OK", "application/json", status, strlen (status));
  else if (g_str_has_prefix (head, "POST /api/v1/echo "))
    write_echo (stream, body);
  else if (g_str_has_prefix (head, "GET /api/v1/html "))
    write_answer (stream, "200 OK", "text/html", "<b>", 3);
  else if (g_str_has_prefix (head, "GET /api/v1/metrics "))
    write_answer (stream, "200 OK", "text/plain", "a 1\n", 4);
  else if (g_str_has_prefix (head, "GET /api/v1/longest "))
    write_long_answer (stream, OC_UI_ANSWER_MAX);
  else if (g_str_has_prefix (head, "GET /api/v1/too-long "))
    write_long_answer (stream, OC_UI_ANSWER_MAX + 1);
  else if (g_str_has_prefix (head, "GET /api/v1/events "))
    write_stream (stream, FALSE);
  else if (g_str_has_prefix (head, "GET /api/v1/events?chunked "))
    write_stream (stream, TRUE);
  else if (g_str_has_prefix (head, "GET /api/v1/events?html "))
    write_answer (stream, "200 OK", "text/html", "<b>", 3);
  else if (g_str_has_prefix (head, "GET /api/v1/events?open "))
    write_endless (stream, fixture);
  else if (g_str_has_prefix (head, "GET /api/v1/garbage "))
    (void) g_output_stream_write_all (stream, "SSH-2.0-x\r\n\r\n", 13, NULL, NULL, NULL);
  else
    write_answer (stream, "404 Not Found", "application/json", missing, strlen (missing));
}

static gboolean
on_daemon (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
           gpointer user_data)
{
  UiFixture *fixture = user_data;
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autofree char *head = read_head (input);
  g_autofree char *body = read_body (input, head);

  g_mutex_lock (&fixture->lock);
  g_string_append (fixture->daemon_heads, head);
  g_mutex_unlock (&fixture->lock);
  answer_as_daemon (fixture, g_io_stream_get_output_stream (G_IO_STREAM (connection)), head, body);
  return TRUE;
}

void
ui_start_daemon (UiFixture *fixture)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (fixture->socket_path);
  g_autoptr (GError) error = NULL;

  fixture->daemon = g_threaded_socket_service_new (32);
  g_signal_connect (fixture->daemon, "run", G_CALLBACK (on_daemon), fixture);
  g_socket_listener_add_address (G_SOCKET_LISTENER (fixture->daemon), address,
                                 G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL,
                                 &error);
  g_assert_no_error (error);
  g_socket_service_start (fixture->daemon);
}

/* --- The program ------------------------------------------------------------------- */

char *
ui_program_path (void)
{
  return g_test_build_filename (G_TEST_BUILT, "src", "outcall-ui", "outcall-ui", NULL);
}

char *
ui_read_address (GSubprocess *program)
{
  g_autoptr (GDataInputStream) stream
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (program));
  g_autofree char *line = g_data_input_stream_read_line (stream, NULL, NULL, NULL);

  g_assert_nonnull (line);
  g_assert_true (g_str_has_prefix (line, "Dashboard: http://127.0.0.1:"));
  return g_strdup (line + strlen ("Dashboard: "));
}

GSubprocess *
ui_spawn (const char *socket_path, const char *port)
{
  g_autofree char *path = ui_program_path ();
  g_autoptr (GError) error = NULL;
  GSubprocess *program
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, path, "--no-open", "--socket",
                          socket_path, "--port", port, NULL);

  g_assert_no_error (error);
  return program;
}

void
ui_stop_by (GSubprocess *program, int signal_number)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_send_signal (program, signal_number);
  g_subprocess_wait (program, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (program));
  g_assert_cmpint (g_subprocess_get_exit_status (program), ==, 0);
}

void
ui_set_up (UiFixture *fixture)
{
  const char *fragment;

  fixture->folder = g_dir_make_tmp ("outcall-ui-XXXXXX", NULL);
  fixture->socket_path = g_build_filename (fixture->folder, "host.sock", NULL);
  fixture->daemon_heads = g_string_new (NULL);
  g_mutex_init (&fixture->lock);
  ui_start_daemon (fixture);
  fixture->program = ui_spawn (fixture->socket_path, "0");
  fixture->address = ui_read_address (fixture->program);
  fragment = strstr (fixture->address, "/#");
  g_assert_nonnull (fragment);
  fixture->token = g_strdup (fragment + 2);
  fixture->host = g_strndup (fixture->address + strlen ("http://"),
                             (gsize) (fragment - fixture->address) - strlen ("http://"));
  fixture->port = g_strdup (strchr (fixture->host, ':') + 1);
}

void
ui_stop_daemon (UiFixture *fixture)
{
  g_socket_service_stop (fixture->daemon);
  g_socket_listener_close (G_SOCKET_LISTENER (fixture->daemon));
  g_clear_object (&fixture->daemon);
  (void) g_unlink (fixture->socket_path);
}

void
ui_clear_fixture (UiFixture *fixture)
{
  g_clear_object (&fixture->program);
  if (fixture->daemon)
    ui_stop_daemon (fixture);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->socket_path);
  g_free (fixture->address);
  g_free (fixture->host);
  g_free (fixture->port);
  g_free (fixture->token);
  g_string_free (fixture->daemon_heads, TRUE);
  g_mutex_clear (&fixture->lock);
}

void
ui_tear_down (UiFixture *fixture)
{
  ui_stop_by (fixture->program, SIGTERM);
  ui_clear_fixture (fixture);
}

/* --- The browser's side ------------------------------------------------------------ */

GSocketConnection *
ui_dial (UiFixture *fixture)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, UI_ANSWER_TIMEOUT_S);
  connection = g_socket_client_connect_to_host (client, fixture->host, 0, NULL, &error);
  g_assert_no_error (error);
  return connection;
}

void
ui_send_bytes (GSocketConnection *connection, const char *data, gsize len)
{
  (void) g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), data,
                                    len, NULL, NULL, NULL);
}

char *
ui_receive (GSocketConnection *connection)
{
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  char buffer[16384];
  g_autoptr (GError) error = NULL;
  gssize n;

  while ((n = g_input_stream_read (stream, buffer, sizeof buffer, NULL, &error)) > 0)
    g_string_append_len (text, buffer, n);
  g_assert_no_error (error);
  return g_string_free (text, FALSE);
}

char *
ui_expand (UiFixture *fixture, const char *template)
{
  GString *text = g_string_new (template);

  g_string_replace (text, "{HOST}", fixture->host, 0);
  g_string_replace (text, "{PORT}", fixture->port, 0);
  g_string_replace (text, "{TOKEN}", fixture->token, 0);
  return g_string_free (text, FALSE);
}

char *
ui_exchange (UiFixture *fixture, const char *template)
{
  g_autofree char *request = ui_expand (fixture, template);
  g_autoptr (GSocketConnection) connection = ui_dial (fixture);

  ui_send_bytes (connection, request, strlen (request));
  return ui_receive (connection);
}

/* Every answer, good or bad, has these. */
static void
check_security_headers (const char *answer)
{
  static const char *const headers[] = {
    "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "\r\nX-Frame-Options: DENY\r\n",
    "\r\nReferrer-Policy: no-referrer\r\n",
    "\r\nX-Content-Type-Options: nosniff\r\n",
    "\r\nCache-Control: no-store\r\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    g_assert_nonnull (strstr (answer, headers[i]));
  g_assert_null (strstr (answer, "unsafe-inline"));
  g_assert_null (strstr (answer, "Access-Control-Allow"));
}

void
ui_check_answer (const char *answer, guint status, const char *has)
{
  g_autofree char *line = g_strdup_printf ("HTTP/1.1 %u ", status);

  if (!g_str_has_prefix (answer, line) || (has && !strstr (answer, has)))
    g_error ("wanted %u and “%s”, got: %.600s", status, has ? has : "", answer);
  check_security_headers (answer);
}
