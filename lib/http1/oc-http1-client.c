/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "http1/oc-http1-client.h"

#include "common/oc-fd.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#define BUFFER_SIZE 32768
#define NO_DEADLINE INT64_MAX

_Static_assert (BUFFER_SIZE > OC_HTTP_HEAD_MAX, "a whole head must fit");

struct OcHttpClient
{
  int fd;
  bool broken; /* the connection is not at a message boundary, or is to be closed */
  size_t start, end; /* unread bytes of buffer */
  char buffer[BUFFER_SIZE];
};

/* Gets each run of the decoded body. Returns: 0 go on, 1 stop, -1 with errno. */
typedef int (*BodyFunc) (const char *data, size_t len, void *user_data);

static int64_t
now_ms (void)
{
  struct timespec ts;

  (void) clock_gettime (CLOCK_MONOTONIC, &ts);
  return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
fail (int err)
{
  errno = err;
  return -1;
}

/* --- Connecting -------------------------------------------------------------- */

OcHttpClient *
oc_http_client_connect (const char *socket_path, int timeout_ms)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval tv = { timeout_ms / 1000, (timeout_ms % 1000) * 1000 };
  size_t len = strlen (socket_path);
  oc_autofd int fd = -1;
  OcHttpClient *client;

  if (len >= sizeof address.sun_path)
    {
      errno = ENAMETOOLONG;
      return NULL;
    }
  memcpy (address.sun_path, socket_path, len);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return NULL;
  /* A full backlog makes connect() wait; the send time-out bounds that. */
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
  if (connect (fd, (const struct sockaddr *) &address, sizeof address) < 0)
    {
      if (errno == EAGAIN || errno == EINPROGRESS)
        errno = ETIMEDOUT;
      return NULL;
    }
  if (fcntl (fd, F_SETFL, O_NONBLOCK) < 0)
    return NULL;
  client = malloc (sizeof *client);
  if (client == NULL)
    return NULL;
  client->fd = oc_fd_steal (&fd);
  client->broken = false;
  client->start = client->end = 0;
  return client;
}

void
oc_http_client_close (OcHttpClient *client)
{
  if (client == NULL)
    return;
  oc_fd_clear (&client->fd);
  free (client);
}

/* --- Bytes with a deadline ----------------------------------------------------- */

static int
wait_for (OcHttpClient *client, short events, int64_t deadline_ms)
{
  struct pollfd pfd = { client->fd, events, 0 };

  for (;;)
    {
      int64_t left = deadline_ms == NO_DEADLINE ? -1 : deadline_ms - now_ms ();
      int n;

      if (deadline_ms != NO_DEADLINE && left <= 0)
        return fail (ETIMEDOUT);
      n = poll (&pfd, 1, left > INT_MAX ? INT_MAX : (int) left);
      if (n > 0)
        return 0;
      if (n < 0 && errno != EINTR)
        return -1;
    }
}

static int
send_all (OcHttpClient *client, const char *data, size_t len, int64_t deadline_ms)
{
  while (len > 0)
    {
      ssize_t n = send (client->fd, data, len, MSG_NOSIGNAL);

      if (n >= 0)
        {
          data += n;
          len -= (size_t) n;
        }
      else if (errno == EAGAIN)
        {
          if (wait_for (client, POLLOUT, deadline_ms) < 0)
            return -1;
        }
      else if (errno != EINTR)
        return -1;
    }
  return 0;
}

/* Reads once into the free end of the buffer. Returns: 1, 0 at the end, -1. */
static int
fill (OcHttpClient *client, int64_t deadline_ms)
{
  if (client->start == client->end)
    client->start = client->end = 0;
  if (client->end == BUFFER_SIZE && client->start > 0)
    {
      memmove (client->buffer, client->buffer + client->start, client->end - client->start);
      client->end -= client->start;
      client->start = 0;
    }
  if (client->end == BUFFER_SIZE)
    return fail (EBADMSG);
  for (;;)
    {
      ssize_t n = recv (client->fd, client->buffer + client->end, BUFFER_SIZE - client->end, 0);

      if (n >= 0)
        {
          client->end += (size_t) n;
          return n > 0;
        }
      if (errno == EAGAIN)
        {
          if (wait_for (client, POLLIN, deadline_ms) < 0)
            return -1;
        }
      else if (errno != EINTR)
        return -1;
    }
}

/* --- One exchange ---------------------------------------------------------------- */

static int
send_request (OcHttpClient *client, const char *method, const char *target, const char *headers,
              const char *body, size_t body_len, int64_t deadline_ms)
{
  char length[96] = "";
  char *head = NULL;
  int head_len;
  int result;

  if (body != NULL)
    (void) snprintf (length, sizeof length,
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n", body_len);
  head_len = asprintf (&head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", method, target,
                       length, headers != NULL ? headers : "");
  if (head_len < 0)
    return fail (ENOMEM);
  result = send_all (client, head, (size_t) head_len, deadline_ms);
  free (head);
  if (result == 0 && body != NULL)
    result = send_all (client, body, body_len, deadline_ms);
  return result;
}

/* The final head; interim answers are skipped. */
static int
read_head (OcHttpClient *client, bool to_head, int64_t deadline_ms, OcHttpHead *out)
{
  for (;;)
    {
      size_t consumed = 0;
      OcHttpResult result
          = oc_http_parse_response (client->buffer + client->start, client->end - client->start,
                                    NULL, to_head, false, out, &consumed, NULL);
      int filled;

      if (result == OC_HTTP_OK)
        client->start += consumed;
      if (result == OC_HTTP_OK && (out->status >= 200 || out->status == 101))
        return 0;
      if (result == OC_HTTP_OK)
        continue;
      if (result != OC_HTTP_MORE)
        return fail (EBADMSG);
      filled = fill (client, deadline_ms);
      if (filled <= 0)
        return filled == 0 ? fail (ECONNRESET) : -1;
    }
}

/* Hands over what the buffer holds of a body with @left bytes to come. */
static int
take_plain (OcHttpClient *client, uint64_t *left, BodyFunc func, void *user_data)
{
  size_t have = client->end - client->start;
  size_t run = *left < have ? (size_t) *left : have;
  const char *data = client->buffer + client->start;

  client->start += run;
  *left -= run;
  return run > 0 ? func (data, run, user_data) : 0;
}

static int
read_plain (OcHttpClient *client, uint64_t left, bool until_close, BodyFunc func, void *user_data,
            int64_t deadline_ms)
{
  while (left > 0)
    {
      int done = take_plain (client, &left, func, user_data);
      int filled;

      if (done != 0 || left == 0)
        return done;
      filled = fill (client, deadline_ms);
      if (filled < 0)
        return -1;
      if (filled == 0)
        return until_close ? 0 : fail (ECONNRESET);
    }
  return 0;
}

static int
read_chunked (OcHttpClient *client, BodyFunc func, void *user_data, int64_t deadline_ms)
{
  OcHttpChunked chunked;

  oc_http_chunked_init (&chunked);
  for (;;)
    {
      size_t consumed;
      OcStr payload;
      OcHttpResult result
          = oc_http_chunked_feed (&chunked, client->buffer + client->start,
                                  client->end - client->start, &consumed, &payload);
      int done = 0;

      client->start += consumed;
      if (payload.len > 0)
        done = func (payload.data, payload.len, user_data);
      if (done != 0 || result == OC_HTTP_OK)
        return done;
      if (result != OC_HTTP_MORE)
        return fail (EBADMSG);
      if (client->start == client->end)
        {
          int filled = fill (client, deadline_ms);

          if (filled <= 0)
            return filled == 0 ? fail (ECONNRESET) : -1;
        }
    }
}

static int
read_body (OcHttpClient *client, const OcHttpHead *head, BodyFunc func, void *user_data,
           int64_t deadline_ms)
{
  switch (head->body)
    {
    case OC_HTTP_BODY_NONE:
      return 0;
    case OC_HTTP_BODY_LENGTH:
      return read_plain (client, head->content_length, false, func, user_data, deadline_ms);
    case OC_HTTP_BODY_CHUNKED:
      return read_chunked (client, func, user_data, deadline_ms);
    case OC_HTTP_BODY_UNTIL_CLOSE:
      return read_plain (client, UINT64_MAX, true, func, user_data, deadline_ms);
    }
  return fail (EBADMSG);
}

/* --- Whole answers ---------------------------------------------------------------- */

typedef struct
{
  OcHttpReply *reply;
  size_t size; /* allocated */
  size_t max;
} Collector;

static int
on_collect (const char *data, size_t len, void *user_data)
{
  Collector *collector = user_data;
  OcHttpReply *reply = collector->reply;
  size_t need = reply->body_len + len;

  if (len > collector->max - reply->body_len)
    return fail (EMSGSIZE);
  if (need + 1 > collector->size)
    {
      size_t size = need + 1 > 2 * collector->size ? need + 1 : 2 * collector->size;
      char *grown = realloc (reply->body, size);

      if (grown == NULL)
        return fail (ENOMEM);
      reply->body = grown;
      collector->size = size;
    }
  memcpy (reply->body + reply->body_len, data, len);
  reply->body_len = need;
  reply->body[need] = '\0';
  return 0;
}

static void
copy_content_type (const OcHttpHead *head, OcHttpReply *reply)
{
  const OcHttpHeader *header = oc_http_head_get (head, OC_STR ("content-type"));

  if (header != NULL)
    (void) snprintf (reply->content_type, sizeof reply->content_type, "%.*s",
                     OC_STR_ARGS (header->value));
}

static int
exchange (OcHttpClient *client, const char *method, const char *target, const char *headers,
          const char *body, size_t body_len, Collector *collector, int64_t deadline_ms)
{
  OcHttpHead head;
  bool to_head = strcmp (method, "HEAD") == 0;

  bool cut = send_request (client, method, target, headers, body, body_len, deadline_ms) < 0;

  /* A peer that refuses early closes before it has read all; its answer waits. */
  if (cut && errno != EPIPE)
    return -1;
  if (read_head (client, to_head, deadline_ms, &head) < 0)
    return -1;
  collector->reply->status = head.status;
  copy_content_type (&head, collector->reply);
  client->broken = cut || !head.keep_alive;
  return read_body (client, &head, on_collect, collector, deadline_ms);
}

int
oc_http_client_request (OcHttpClient *client, const char *method, const char *target,
                        const char *headers, const char *body, size_t body_len, size_t body_max,
                        int timeout_ms, OcHttpReply *out)
{
  Collector collector = { out, 1, body_max };

  memset (out, 0, sizeof *out);
  if (client->broken)
    return fail (ENOTCONN);
  out->body = calloc (1, 1);
  if (out->body == NULL)
    return fail (ENOMEM);
  if (exchange (client, method, target, headers, body, body_len, &collector,
                now_ms () + timeout_ms)
      == 0)
    return 0;
  client->broken = true;
  oc_http_reply_clear (out);
  return -1;
}

void
oc_http_reply_clear (OcHttpReply *reply)
{
  int saved = errno;

  free (reply->body);
  reply->body = NULL;
  reply->body_len = 0;
  errno = saved;
}

/* --- Streams ------------------------------------------------------------------------ */

typedef struct
{
  bool (*on_data) (const char *data, size_t len, void *user_data);
  void *user_data;
} Stream;

static int
on_stream (const char *data, size_t len, void *user_data)
{
  Stream *stream = user_data;

  return stream->on_data (data, len, stream->user_data) ? 0 : 1;
}

int
oc_http_client_stream (OcHttpClient *client, const char *method, const char *target,
                       const char *body, int connect_timeout_ms,
                       bool (*on_data) (const char *data, size_t len, void *user_data),
                       void *user_data)
{
  Stream stream = { on_data, user_data };
  int64_t deadline_ms = now_ms () + connect_timeout_ms;
  OcHttpHead head;

  if (client->broken)
    return fail (ENOTCONN);
  client->broken = true; /* nobody knows where a stream was left */
  if (send_request (client, method, target, "Accept: text/event-stream\r\n", body,
                    body != NULL ? strlen (body) : 0, deadline_ms)
          < 0
      || read_head (client, false, deadline_ms, &head) < 0)
    return -1;
  if (read_body (client, &head, on_stream, &stream, NO_DEADLINE) < 0)
    return -1;
  return head.status;
}
