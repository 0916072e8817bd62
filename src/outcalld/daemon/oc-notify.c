/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-notify.h"

#include "common/oc-fd.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void
oc_notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize len = path != NULL ? strlen (path) : 0;
  oc_autofd int fd = -1;

  if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
    return;
  memcpy (address.sun_path, path, len);
  if (path[0] == '@')
    address.sun_path[0] = '\0'; /* abstract */
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0
      || sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *) &address,
                 (socklen_t) (offsetof (struct sockaddr_un, sun_path) + len))
             < 0)
    g_debug ("notify %s: %s", path, g_strerror (errno));
}

guint
oc_notify_get_watchdog_ms (void)
{
  const char *text = g_getenv ("WATCHDOG_USEC");
  guint64 usec = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &usec, NULL))
    return 0;
  return (guint) (usec / 2000);
}
