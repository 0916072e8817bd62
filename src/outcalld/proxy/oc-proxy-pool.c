/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Buffers and pipes are held only while bytes wait in them, so an idle tunnel
 * owns neither.
 */
#include "config.h"

#include "proxy/oc-proxy-worker.h"

#include "common/oc-fd.h"

#include <fcntl.h>

/* Slots for 64 page runs: fewer turns per gigabyte than the default of 16,
 * and within what an unprivileged user gets. */
#define PIPE_BYTES (256 * 1024)

OcBuffer *
oc_worker_get_buffer (OcWorker *worker)
{
  OcBuffer *buffer = worker->free_buffers;

  if (buffer != NULL)
    {
      worker->free_buffers = buffer->next_free;
      worker->n_free_buffers--;
    }
  else
    {
      buffer = g_malloc (sizeof *buffer + worker->shared->buffer_size);
      buffer->size = (guint32) worker->shared->buffer_size;
    }
  buffer->start = buffer->end = 0;
  buffer->is_secret = false;
  return buffer;
}

void
oc_worker_put_buffer (OcWorker *worker, OcBuffer **buffer)
{
  OcBuffer *stolen = g_steal_pointer (buffer);

  if (stolen == NULL)
    return;
  if (stolen->is_secret)
    explicit_bzero (stolen->data, stolen->size);
  if (worker->n_free_buffers >= OC_PROXY_POOL_MAX)
    {
      g_free (stolen);
      return;
    }
  stolen->next_free = worker->free_buffers;
  worker->free_buffers = stolen;
  worker->n_free_buffers++;
}

gsize
oc_buffer_make_room (OcBuffer *buffer)
{
  if (buffer->start > 0)
    {
      memmove (buffer->data, buffer->data + buffer->start, buffer->end - buffer->start);
      buffer->end -= buffer->start;
      buffer->start = 0;
    }
  return buffer->size - buffer->end;
}

void
oc_buffer_append (OcBuffer *buffer, const void *data, gsize len)
{
  g_assert (len <= buffer->size - buffer->end);
  memcpy (buffer->data + buffer->end, data, len);
  buffer->end += (guint32) len;
}

OcPipe *
oc_worker_get_pipe (OcWorker *worker)
{
  OcPipe *pipe = worker->free_pipes;
  int fds[2];

  if (pipe != NULL)
    {
      worker->free_pipes = pipe->next_free;
      worker->n_free_pipes--;
      return pipe;
    }
  if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) < 0)
    return NULL;
  /* A refusal leaves the default size, which works too. */
  (void) fcntl (fds[1], F_SETPIPE_SZ, PIPE_BYTES);
  pipe = g_new0 (OcPipe, 1);
  pipe->out = fds[0];
  pipe->in = fds[1];
  return pipe;
}

void
oc_worker_put_pipe (OcWorker *worker, OcPipe **pipe)
{
  OcPipe *stolen = g_steal_pointer (pipe);

  if (stolen == NULL)
    return;
  if (stolen->waiting > 0 || worker->n_free_pipes >= OC_PROXY_POOL_MAX)
    {
      oc_fd_clear (&stolen->in);
      oc_fd_clear (&stolen->out);
      g_free (stolen);
      return;
    }
  stolen->next_free = worker->free_pipes;
  worker->free_pipes = stolen;
  worker->n_free_pipes++;
}
