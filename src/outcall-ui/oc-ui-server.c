/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include "common/oc-error.h"

#include <glib/gstdio.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
        gpointer user_data)
{
  OcUi *ui = user_data;
  GSocket *socket = g_socket_connection_get_socket (connection);

  if (g_atomic_int_add (&ui->n_connections, 1) < OC_UI_CONNECTIONS_MAX)
    oc_ui_connection_serve (ui, socket);
  else
    oc_ui_connection_refuse (ui, socket);
  g_atomic_int_add (&ui->n_connections, -1);
  return TRUE;
}

/* Returns: the port that was bound, 0 with @error. */
static guint16
listen_on (GSocketService *service, guint16 port, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new (loopback, port);
  g_autoptr (GSocketAddress) bound = NULL;

  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service), wanted, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, NULL, &bound, error))
    return 0;
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

/* @port, or the next free one above it. */
static guint16
listen_near (GSocketService *service, guint16 port, GError **error)
{
  for (guint i = 0; i < OC_UI_PORTS_TRIED && port + i <= G_MAXUINT16; i++)
    {
      g_autoptr (GError) local_error = NULL;
      guint16 bound = listen_on (service, (guint16) (port + i), &local_error);

      if (bound != 0)
        return bound;
      if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return 0;
        }
    }
  oc_throw (error, "no free port at or above %u", port);
  return 0;
}

static void
set_port (OcUi *ui, guint16 port)
{
  static const char *const names[2] = { "127.0.0.1", "localhost" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      /* A browser leaves the port out where it is the default one. */
      ui->host[i] = port == 80 ? g_strdup (names[i]) : g_strdup_printf ("%s:%u", names[i], port);
      ui->origin[i] = g_strconcat ("http://", ui->host[i], NULL);
    }
  ui->address = g_strdup_printf ("http://%s/#%s", ui->host[0], ui->token);
}

static void
wipe (char *secret)
{
  if (secret)
    explicit_bzero (secret, strlen (secret));
}

static void
clear (gpointer data)
{
  OcUi *ui = data;

  for (gsize i = 0; i < G_N_ELEMENTS (ui->host); i++)
    {
      g_free (ui->host[i]);
      g_free (ui->origin[i]);
    }
  wipe (ui->token);
  wipe (ui->address);
  g_free (ui->address);
  g_free (ui->socket_path);
}

static void
unref (gpointer data, GClosure *closure)
{
  g_atomic_rc_box_release_full (data, clear);
}

OcUi *
oc_ui_new (const char *socket_path, guint16 port, GError **error)
{
  g_autoptr (OcUi) ui = g_atomic_rc_box_new0 (OcUi);
  guint16 bound;

  ui->socket_path = g_strdup (socket_path);
  if (!oc_ui_token_make (ui->token, error))
    return NULL;
  ui->service = g_threaded_socket_service_new (OC_UI_THREADS_MAX);
  bound = listen_near (ui->service, port, error);
  if (bound == 0)
    return NULL;
  set_port (ui, bound);
  /* The threads that still serve keep the service, and it keeps this reference. */
  g_signal_connect_data (ui->service, "run", G_CALLBACK (on_run), g_atomic_rc_box_acquire (ui),
                         unref, 0);
  g_socket_service_start (ui->service);
  return g_steal_pointer (&ui);
}

void
oc_ui_free (OcUi *ui)
{
  if (!ui)
    return;
  if (ui->service)
    {
      g_socket_service_stop (ui->service);
      g_socket_listener_close (G_SOCKET_LISTENER (ui->service));
      g_object_unref (ui->service);
    }
  unref (ui, NULL);
}

const char *
oc_ui_get_address (OcUi *ui)
{
  return ui->address;
}

/* --- The browser ---------------------------------------------------------------- */

static gboolean
write_redirect (OcUi *ui, const char *path, int fd, GError **error)
{
  g_autofree char *page = g_strdup_printf (
      "<!doctype html><meta charset=\"utf-8\"><title>Outcall</title>"
      "<meta http-equiv=\"refresh\" content=\"0;url=%s\">\n",
      ui->address);
  gsize len = strlen (page);
  gboolean written = write (fd, page, len) == (ssize_t) len;

  if (!written)
    oc_throw_errno (error, "write %s", path);
  wipe (page);
  return g_close (fd, written ? error : NULL) && written;
}

gboolean
oc_ui_open_browser (OcUi *ui, char **out_path, GError **error)
{
  g_autofree char *path
      = g_build_filename (g_get_user_runtime_dir (), "outcall-ui-XXXXXX.html", NULL);
  g_autofree char *uri = NULL;
  int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    return oc_throw_errno (error, "create %s", path);
  uri = g_filename_to_uri (path, NULL, error);
  if (!write_redirect (ui, path, fd, error) || !uri
      || !g_app_info_launch_default_for_uri (uri, NULL, error))
    {
      (void) g_unlink (path);
      return FALSE;
    }
  *out_path = g_steal_pointer (&path);
  return TRUE;
}
