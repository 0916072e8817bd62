/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Clients for the tests: blocking, with a deadline, from the address of a workload.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

void
px_set_deadline (int fd)
{
  struct timeval tv = { PX_DEADLINE_S, 0 };

  (void) setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

int
px_connect (const char *from, const char *to, guint16 port)
{
  OcAddress a = px_address (from);
  OcAddress b = px_address (to);
  struct sockaddr_storage ss;
  socklen_t len = oc_address_to_sockaddr (&a, 0, &ss);
  oc_autofd int fd = socket (ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  px_set_deadline (fd);
  g_assert_no_errno (bind (fd, (struct sockaddr *) &ss, len));
  len = oc_address_to_sockaddr (&b, port, &ss);
  if (connect (fd, (struct sockaddr *) &ss, len) < 0)
    return -1;
  return oc_fd_steal (&fd);
}

void
px_send (int fd, const char *data, gsize len)
{
  while (len > 0)
    {
      ssize_t n = send (fd, data, len, MSG_NOSIGNAL);

      if (n <= 0)
        return;
      data += n;
      len -= (gsize) n;
    }
}

void
px_send_text (int fd, const char *text)
{
  px_send (fd, text, strlen (text));
}

char *
px_read_all (int fd, gsize *out_len)
{
  GString *all = g_string_new (NULL);
  char buf[65536];
  ssize_t n;

  while ((n = recv (fd, buf, sizeof buf, 0)) > 0)
    g_string_append_len (all, buf, n);
  if (n < 0 && errno == EAGAIN)
    g_test_message ("no end after: %s", all->str);
  g_assert_false (n < 0 && errno == EAGAIN);
  if (out_len != NULL)
    *out_len = all->len;
  return g_string_free (all, FALSE);
}

char *
px_read_until (int fd, const char *text)
{
  GString *all = g_string_new (NULL);
  char c;

  while (strstr (all->str, text) == NULL)
    {
      ssize_t n = recv (fd, &c, 1, 0);

      if (n <= 0)
        g_test_message ("%s; wanted %s, got: %s", n == 0 ? "end" : g_strerror (errno), text, all->str);
      g_assert_cmpint (n, ==, 1);
      g_string_append_c (all, c);
    }
  return g_string_free (all, FALSE);
}

gboolean
px_wait_closed (int fd, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  struct pollfd pfd = { fd, POLLIN, 0 };
  char buf[4096];

  for (;;)
    {
      gint64 left_ms = (deadline_us - g_get_monotonic_time ()) / 1000;

      if (left_ms < 0 || poll (&pfd, 1, (int) left_ms) <= 0)
        return FALSE;
      if (recv (fd, buf, sizeof buf, MSG_DONTWAIT) <= 0 && errno != EAGAIN)
        return TRUE;
    }
}

char *
px_ask (const char *from, const char *request)
{
  oc_autofd int fd = px_connect (from, GATEWAY, 8080);

  g_assert_cmpint (fd, >=, 0);
  px_send (fd, request, strlen (request));
  return px_read_all (fd, NULL);
}

int
px_tunnel (const char *from, const char *authority)
{
  int fd = px_connect (from, GATEWAY, 8080);
  g_autofree char *request
      = g_strdup_printf ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
  g_autofree char *reply = NULL;

  px_send (fd, request, strlen (request));
  reply = px_read_until (fd, "\r\n\r\n");
  g_assert_true (g_str_has_prefix (reply, "HTTP/1.1 200 "));
  return fd;
}

static void
add_number (GByteArray *out, guint n, gsize value)
{
  for (guint i = n; i > 0; i--)
    {
      guint8 byte = (guint8) (value >> (8 * (i - 1)));

      g_byte_array_append (out, &byte, 1);
    }
}

static void
add_extensions (GByteArray *out, const char *sni, gboolean ech)
{
  gsize len = sni != NULL ? strlen (sni) : 0;

  add_number (out, 2, (sni != NULL ? len + 9 : 0) + (ech ? 8 : 0));
  if (sni != NULL)
    {
      add_number (out, 2, 0);
      add_number (out, 2, len + 5);
      add_number (out, 2, len + 3);
      add_number (out, 1, 0);
      add_number (out, 2, len);
      g_byte_array_append (out, (const guint8 *) sni, (guint) len);
    }
  if (ech)
    {
      add_number (out, 2, 0xfe0d);
      add_number (out, 2, 4);
      add_number (out, 4, 1);
    }
}

GByteArray *
px_hello (const char *sni, gboolean ech, gsize record_max)
{
  static const guint8 fixed[34] = { 3, 3 };
  static const guint8 rest[] = { 0, 0, 2, 0x13, 0x01, 1, 0 };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autoptr (GByteArray) message = g_byte_array_new ();
  GByteArray *raw = g_byte_array_new ();

  g_byte_array_append (body, fixed, sizeof fixed);
  g_byte_array_append (body, rest, sizeof rest);
  add_extensions (body, sni, ech);
  add_number (message, 1, 1);
  add_number (message, 3, body->len);
  g_byte_array_append (message, body->data, body->len);
  for (gsize pos = 0; pos < message->len; pos += record_max)
    {
      gsize len = MIN (record_max, message->len - pos);

      add_number (raw, 1, 22);
      add_number (raw, 2, 0x0301);
      add_number (raw, 2, len);
      g_byte_array_append (raw, message->data + pos, (guint) len);
    }
  return raw;
}

void
px_send_hello (int fd, const char *sni, gboolean ech)
{
  g_autoptr (GByteArray) hello = px_hello (sni, ech, 16000);

  px_send (fd, (const char *) hello->data, hello->len);
}

gboolean
px_is_denied (int fd)
{
  static const char alert[] = { 21, 3, 3, 0, 2, 2, 49 };
  gsize len;
  g_autofree char *got = px_read_all (fd, &len);

  return len == sizeof alert && memcmp (got, alert, len) == 0;
}
