/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

gint64
oc_ui_deadline (gint64 ms_from_now)
{
  return g_get_monotonic_time () + ms_from_now * 1000;
}

gboolean
oc_ui_wait (int fd, short events, gint64 deadline_us)
{
  struct pollfd pfd = { fd, events, 0 };
  int n;

  do
    {
      gint64 left_us = deadline_us - g_get_monotonic_time ();

      if (left_us <= 0)
        return FALSE;
      n = poll (&pfd, 1, (int) (left_us / 1000 + 1));
    }
  while (n == 0 || (n < 0 && errno == EINTR));
  return n > 0;
}

gboolean
oc_ui_send (int fd, const char *data, gsize len)
{
  gint64 deadline_us = oc_ui_deadline (OC_UI_WRITE_TIMEOUT_MS);

  while (len > 0)
    {
      ssize_t n = send (fd, data, len, MSG_NOSIGNAL);

      if (n >= 0)
        {
          data += n;
          len -= (gsize) n;
        }
      else if (errno != EINTR && (errno != EAGAIN || !oc_ui_wait (fd, POLLOUT, deadline_us)))
        return FALSE;
    }
  return TRUE;
}
