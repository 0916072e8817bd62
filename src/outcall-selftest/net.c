/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What a program does with ordinary sockets.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/oc-fd.h"

Result
result (Outcome outcome, const char *format, ...)
{
  Result made = { .outcome = outcome };
  va_list args;

  va_start (args, format);
  (void) vsnprintf (made.detail, sizeof made.detail, format, args);
  va_end (args);
  return made;
}

Result
result_errno (int err)
{
  switch (err)
    {
    case ETIMEDOUT:
    case EAGAIN:
    case EHOSTDOWN:
      return result (OUTCOME_SILENT, "%s", "");
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case EPIPE:
      return result (OUTCOME_REFUSED, "%s", strerror (err));
    default:
      return result (OUTCOME_IMPOSSIBLE, "%s", strerror (err));
    }
}

struct sockaddr_in
make_addr (struct in_addr address, uint16_t port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons (port),
                                .sin_addr = address };
}

struct in_addr
outside_addr (unsigned n)
{
  return (struct in_addr) { htonl (OUTSIDE_NET + n) };
}

struct in6_addr
outside_addr6 (unsigned n)
{
  struct in6_addr address = { .s6_addr = OUTSIDE_NET6 };

  address.s6_addr[15] = (uint8_t) n;
  return address;
}

static int
wait_for (int fd, short events)
{
  struct pollfd poll_fd = { .fd = fd, .events = events };
  int n = poll (&poll_fd, 1, ANSWER_MS);

  if (n == 0)
    errno = ETIMEDOUT;
  return n > 0 ? 0 : -1;
}

int
connect_tcp (const struct sockaddr *address, socklen_t len)
{
  oc_autofd int fd
      = socket (address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t err_len = sizeof (int);
  int err = 0;

  if (fd < 0)
    return -1;
  if (connect (fd, address, len) == 0)
    return oc_fd_steal (&fd);
  if (errno != EINPROGRESS || wait_for (fd, POLLOUT) < 0)
    return -1;
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &err, &err_len) < 0)
    return -1;
  errno = err;
  return err == 0 ? oc_fd_steal (&fd) : -1;
}

Result
try_tcp (const Place *place, unsigned n, struct in_addr address, uint16_t port)
{
  struct sockaddr_in to = make_addr (address, port);
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);
  char tag[TAG_LEN + 1];

  if (fd < 0)
    return result_errno (errno);
  make_tag (place, n, tag);
  (void) !send (fd, tag, TAG_LEN, MSG_NOSIGNAL);
  return result (OUTCOME_ANSWERED, "TCP connection");
}

Result
try_udp (const Place *place, unsigned n, struct in_addr address, uint16_t port)
{
  struct sockaddr_in to = make_addr (address, port);
  oc_autofd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  char tag[TAG_LEN + 1];
  char answer[64];
  int on = 1;

  make_tag (place, n, tag);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) < 0
      || connect (fd, (struct sockaddr *) &to, sizeof to) < 0
      || exchange (fd, tag, TAG_LEN, answer, sizeof answer) < 0)
    return result_errno (errno);
  return result (OUTCOME_ANSWERED, "UDP datagram");
}

Result
try_unix (const char *path, bool is_abstract)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  oc_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  size_t len = strnlen (path, sizeof to.sun_path - 2);
  socklen_t to_len = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + len + 1);

  memcpy (to.sun_path + is_abstract, path, len);
  if (fd < 0 || connect (fd, (struct sockaddr *) &to, to_len) < 0)
    return errno == ECONNREFUSED ? result (OUTCOME_REFUSED, "%s", strerror (errno))
                                 : result (OUTCOME_IMPOSSIBLE, "%s", strerror (errno));
  return result (OUTCOME_ANSWERED, "connection");
}

ssize_t
exchange (int fd, const void *data, size_t len, void *answer, size_t size)
{
  if (send (fd, data, len, MSG_NOSIGNAL) < 0)
    return -1;
  if (wait_for (fd, POLLIN) < 0)
    {
      if (errno == ETIMEDOUT)
        errno = EAGAIN;
      return -1;
    }
  return recv (fd, answer, size, 0);
}
