/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-api-server-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13 */
#endif

#define BACKLOG 128

/* --- The socket file ------------------------------------------------------------- */

/* Whether somebody answers at @address. */
static gboolean
is_served (const struct sockaddr_un *address)
{
  oc_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  /* EAGAIN: its backlog is full, so it lives. */
  return fd >= 0
         && (connect (fd, (const struct sockaddr *) address, sizeof *address) == 0
             || errno == EAGAIN);
}

static gboolean
remove_stale (const struct sockaddr_un *address, GError **error)
{
  struct stat st;

  if (lstat (address->sun_path, &st) < 0)
    return errno == ENOENT || oc_throw_errno (error, "socket %s", address->sun_path);
  if (!S_ISSOCK (st.st_mode))
    return oc_throw (error, "%s is there and is not a socket", address->sun_path);
  if (is_served (address))
    return oc_throw_code (error, G_IO_ERROR_ADDRESS_IN_USE,
                          "another daemon serves %s already", address->sun_path);
  if (unlink (address->sun_path) < 0)
    return oc_throw_errno (error, "socket %s", address->sun_path);
  return TRUE;
}

/* The file is never open wider than asked: it begins as 0600 and nobody can
 * connect before listen(). */
static int
bind_socket (OcApiServer *server, GError **error)
{
  const OcApiServerConfig *config = &server->config;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  oc_autofd int fd = -1;
  struct stat st;

  if (strlen (server->path) >= sizeof address.sun_path)
    return oc_throw (error, "the socket path %s is too long", server->path), -1;
  memcpy (address.sun_path, server->path, strlen (server->path));
  if (!remove_stale (&address, error))
    return -1;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return oc_throw_errno_fd (error, "socket");
  if (fchmod (fd, 0600) < 0)
    return oc_throw_errno_fd (error, "socket %s", server->path);
  if (bind (fd, (const struct sockaddr *) &address, sizeof address) < 0)
    return oc_throw_errno_fd (error, "bind %s", server->path);
  if (lstat (server->path, &st) < 0)
    return oc_throw_errno_fd (error, "socket %s", server->path);
  server->socket_inode = st.st_ino;
  if ((config->gid != (gid_t) -1 && lchown (server->path, (uid_t) -1, config->gid) < 0)
      || chmod (server->path, config->mode) < 0)
    return oc_throw_errno_fd (error, "socket %s", server->path);
  if (listen (fd, BACKLOG) < 0)
    return oc_throw_errno_fd (error, "listen on %s", server->path);
  return oc_fd_steal (&fd);
}

static void
remove_socket (OcApiServer *server)
{
  struct stat st;

  if (server->socket_inode != 0 && lstat (server->path, &st) == 0
      && st.st_ino == server->socket_inode)
    (void) unlink (server->path); /* a stale file is replaced at the next start */
}

/* --- Accepting ---------------------------------------------------------------------- */

static gboolean
read_peer (int fd, OcApiPeer *out)
{
  struct ucred credentials;
  socklen_t len = sizeof credentials;
  int pidfd;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
    return FALSE;
  len = sizeof pidfd;
  if (getsockopt (fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
    pidfd = errno == ENOPROTOOPT ? OC_API_PEER_NO_PIDFD : OC_API_PEER_ENDED;
  *out = (OcApiPeer) { .pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid,
                       .pidfd = pidfd };
  return TRUE;
}

/* The groups that the peer had when it connected. (transfer full) (nullable) */
static gid_t *
read_groups (int fd, gsize *out_n)
{
  socklen_t len = 64 * sizeof (gid_t);
  gid_t *groups = g_malloc (len);

  *out_n = 0;
  if (getsockopt (fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
    {
      /* ERANGE tells the length that it needs. */
      int err = errno;

      groups = g_realloc (groups, len);
      if (err != ERANGE || getsockopt (fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return groups;
    }
  *out_n = len / sizeof (gid_t);
  return groups;
}

static gboolean
is_authorized (OcApiServer *server, int fd, const OcApiPeer *peer)
{
  OcApiPeer with_groups = *peer;
  g_autofree gid_t *groups = NULL;

  if (server->config.authorize == NULL)
    return TRUE;
  groups = read_groups (fd, &with_groups.n_groups);
  with_groups.groups = groups;
  return server->config.authorize (&with_groups, server->config.user_data);
}

static guint
count_key (OcApiServer *server, guint64 key)
{
  GHashTableIter iter;
  Connection *connection;
  guint n = 0;

  g_hash_table_iter_init (&iter, server->connections);
  while (g_hash_table_iter_next (&iter, (gpointer *) &connection, NULL))
    n += connection->key == key;
  return n;
}

/* Best effort: the client gets it when its request was not sent yet. */
static void
refuse_connection (int fd, OcApiPeer *peer)
{
  static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Content-Type: application/json\r\nContent-Length: 53\r\n"
                               "Connection: close\r\n\r\n"
                               "{\"success\":false,\"error\":\"too many connections now\"}\n";

  (void) send (fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  oc_fd_clear (&peer->pidfd);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *stream, GObject *source,
             gpointer user_data)
{
  OcApiServer *server = user_data;
  const OcApiServerConfig *config = &server->config;
  int fd = g_socket_get_fd (g_socket_connection_get_socket (stream));
  Connection *connection;
  OcApiPeer peer;
  guint64 key = 0;

  if (!read_peer (fd, &peer))
    return TRUE;
  if (config->key != NULL)
    key = peer.key = config->key (&peer, config->user_data);
  if (g_hash_table_size (server->connections) >= config->max_connections
      || (config->key != NULL && count_key (server, key) >= config->max_connections_per_key))
    {
      refuse_connection (fd, &peer);
      return TRUE;
    }
  connection = oc_api_connection_new (server, stream, &peer);
  connection->key = key;
  connection->refused = !is_authorized (server, fd, &peer);
  g_hash_table_add (server->connections, connection);
  return TRUE;
}

OcApiServer *
oc_api_server_new (const OcApiServerConfig *config, GError **error)
{
  OcApiServer *server = g_new0 (OcApiServer, 1);
  g_autoptr (GSocket) socket = NULL;
  int fd;

  server->config = *config;
  server->path = g_strdup (config->path);
  server->connections = g_hash_table_new_full (NULL, NULL,
                                               (GDestroyNotify) oc_api_connection_unref, NULL);
  fd = bind_socket (server, error);
  if (fd >= 0)
    socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL && fd >= 0)
    (void) close (fd);
  if (socket == NULL)
    {
      oc_api_server_free (server);
      return NULL;
    }
  server->service = g_socket_service_new ();
  g_signal_connect (server->service, "incoming", G_CALLBACK (on_incoming), server);
  if (!g_socket_listener_add_socket (G_SOCKET_LISTENER (server->service), socket, NULL, error))
    {
      oc_api_server_free (server);
      return NULL;
    }
  return server;
}

/* Each is there until @func has returned, whatever that does. */
static void
for_each_connection (OcApiServer *server, void (*func) (Connection *connection))
{
  g_autoptr (GList) list = g_hash_table_get_keys (server->connections);

  for (GList *l = list; l != NULL; l = l->next)
    oc_api_connection_ref (l->data);
  for (GList *l = list; l != NULL; l = l->next)
    {
      func (l->data);
      oc_api_connection_unref (l->data);
    }
}

void
oc_api_server_stop (OcApiServer *server)
{
  if (server->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (server->service, server);
      g_socket_service_stop (server->service);
      g_socket_listener_close (G_SOCKET_LISTENER (server->service));
      g_clear_object (&server->service);
    }
  for_each_connection (server, oc_api_connection_stop);
}

void
oc_api_server_free (OcApiServer *server)
{
  if (server == NULL)
    return;
  oc_api_server_stop (server);
  for_each_connection (server, oc_api_connection_finish);
  remove_socket (server);
  g_hash_table_unref (server->connections);
  g_free (server->path);
  g_free (server);
}
