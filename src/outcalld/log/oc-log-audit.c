/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-log-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#define RETRY_S 1

/* What the main thread hands over is behind the mutex; it is held for a few
 * instructions only, never across a write. (POSIX's, not GLib's: ThreadSanitizer
 * knows them.) The descriptor and the run of bytes
 * being written belong to the thread. */
struct OcLogAudit
{
  GThread *thread;
  pthread_mutex_t lock;
  pthread_cond_t cond; /* on the monotonic clock */
  GQueue queue;        /* of GString */
  gsize queued_bytes;  /* those being written included */
  int new_fd;          /* the file to change to, -1: none */
  gboolean closing;    /* when the queue is written, no file is wanted any more */
  gboolean quit;

  gboolean open;                        /* main thread */
  guint64 left_out, left_out_unwritten; /* main thread */

  int fd;            /* thread */
  gboolean failing;  /* thread: the failure has been told */
};

/* A torn last line, of a crash or a full disk, is ended so that ours are whole. */
static gboolean
ends_in_the_middle (int fd)
{
  struct stat st;
  char last = '\n';

  if (fstat (fd, &st) < 0 || st.st_size == 0)
    return FALSE;
  return pread (fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int
open_file (const char *path, GError **error)
{
  oc_autofd int fd = -1;
  struct stat st;

  /* O_NONBLOCK: a FIFO without a reader must not hold the daemon up. */
  fd = open (path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (fd < 0)
    return oc_throw_errno_fd (error, "audit log %s", path);
  if (fstat (fd, &st) < 0)
    return oc_throw_errno_fd (error, "audit log %s", path);
  if (!S_ISREG (st.st_mode))
    {
      oc_throw (error, "audit log %s is not a regular file", path);
      return -1;
    }
  if (ends_in_the_middle (fd))
    (void) !write (fd, "\n", 1); /* a full disk shows at the first record */
  return oc_fd_steal (&fd);
}

/* Thread: the writer. Takes the new file when there is one. @may_close: whether
 * closing is due, too. */
static gboolean
take_change (OcLogAudit *audit, gboolean may_close)
{
  gboolean changed;

  pthread_mutex_lock (&audit->lock);
  changed = audit->new_fd >= 0;
  if (changed)
    {
      oc_fd_clear (&audit->fd);
      audit->fd = oc_fd_steal (&audit->new_fd);
    }
  if (audit->closing && may_close)
    {
      oc_fd_clear (&audit->fd);
      audit->closing = FALSE;
    }
  pthread_mutex_unlock (&audit->lock);
  return changed;
}

/* Waits a while after a failure; a new file or the end cuts it short.
 * Returns: FALSE to give up. */
static gboolean
wait_for_room (OcLogAudit *audit)
{
  struct timespec until;
  gboolean go_on;

  (void) clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += RETRY_S;
  pthread_mutex_lock (&audit->lock);
  while (!audit->quit && !audit->closing && audit->new_fd < 0
         && pthread_cond_timedwait (&audit->cond, &audit->lock, &until) == 0)
    ;
  go_on = !audit->quit;
  pthread_mutex_unlock (&audit->lock);
  return go_on;
}

static void
tell_failure (OcLogAudit *audit, int err)
{
  if (!audit->failing)
    g_message ("audit log: %s; records wait and are then left out", g_strerror (err));
  audit->failing = TRUE;
}

static gsize
line_start (const GString *lines, gsize position)
{
  while (position > 0 && lines->str[position - 1] != '\n')
    position--;
  return position;
}

/* A line that was cut by the change of files is written to the new one in full. */
static void
write_lines (OcLogAudit *audit, const GString *lines)
{
  gsize position = 0;

  while (position < lines->len)
    {
      gssize n;

      if (take_change (audit, FALSE))
        position = line_start (lines, position);
      if (audit->fd < 0)
        return;
      n = write (audit->fd, lines->str + position, lines->len - position);
      if (n >= 0)
        {
          position += (gsize) n;
          audit->failing = FALSE;
        }
      else if (errno != EINTR)
        {
          tell_failure (audit, errno);
          if (!wait_for_room (audit))
            return;
          if (take_change (audit, TRUE))
            position = line_start (lines, position);
        }
    }
}

static gpointer
writer_thread (gpointer data)
{
  OcLogAudit *audit = data;

  for (;;)
    {
      GString *lines;
      gboolean quit;

      pthread_mutex_lock (&audit->lock);
      while (g_queue_is_empty (&audit->queue) && audit->new_fd < 0 && !audit->closing
             && !audit->quit)
        pthread_cond_wait (&audit->cond, &audit->lock);
      lines = g_queue_pop_head (&audit->queue);
      quit = audit->quit;
      pthread_mutex_unlock (&audit->lock);

      if (lines == NULL)
        {
          (void) take_change (audit, TRUE);
          if (quit)
            return NULL;
          continue;
        }
      write_lines (audit, lines);
      pthread_mutex_lock (&audit->lock);
      audit->queued_bytes -= lines->len;
      pthread_mutex_unlock (&audit->lock);
      g_string_free (lines, TRUE);
    }
}

OcLogAudit *
oc_log_audit_new (void)
{
  OcLogAudit *audit = g_new0 (OcLogAudit, 1);
  pthread_condattr_t attributes;

  pthread_mutex_init (&audit->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&audit->cond, &attributes);
  pthread_condattr_destroy (&attributes);
  g_queue_init (&audit->queue);
  audit->new_fd = -1;
  audit->fd = -1;
  return audit;
}

static void
append_left_out (OcLogAudit *audit, GString *lines)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");

  g_string_append_printf (lines, "{\"time\":\"%s\",\"left_out\":%" G_GUINT64_FORMAT "}\n", time,
                          audit->left_out_unwritten);
  audit->left_out_unwritten = 0;
}

void
oc_log_audit_write (OcLogAudit *audit, GString *lines, guint n_lines)
{
  gboolean room;

  pthread_mutex_lock (&audit->lock);
  room = audit->queued_bytes + lines->len <= OC_LOG_AUDIT_QUEUE_MAX;
  if (room)
    {
      if (audit->left_out_unwritten != 0)
        append_left_out (audit, lines);
      audit->queued_bytes += lines->len;
      g_queue_push_tail (&audit->queue, lines);
      pthread_cond_signal (&audit->cond);
    }
  pthread_mutex_unlock (&audit->lock);
  if (room)
    return;
  audit->left_out += n_lines;
  audit->left_out_unwritten += n_lines;
  g_string_free (lines, TRUE);
}

gboolean
oc_log_audit_set_file (OcLogAudit *audit, const char *path, GError **error)
{
  int fd = -1;

  if (path != NULL)
    {
      fd = open_file (path, error);
      if (fd < 0)
        return FALSE;
    }
  if (audit->thread == NULL && fd >= 0)
    audit->thread = g_thread_new ("audit-log", writer_thread, audit);
  audit->open = fd >= 0;
  pthread_mutex_lock (&audit->lock);
  if (fd >= 0)
    {
      oc_fd_clear (&audit->new_fd);
      audit->new_fd = fd;
    }
  audit->closing = fd < 0;
  pthread_cond_signal (&audit->cond);
  pthread_mutex_unlock (&audit->lock);
  return TRUE;
}

gboolean
oc_log_audit_is_open (OcLogAudit *audit)
{
  return audit->open;
}

guint64
oc_log_audit_get_left_out (OcLogAudit *audit)
{
  return audit->left_out;
}

void
oc_log_audit_free (OcLogAudit *audit)
{
  if (audit == NULL)
    return;
  pthread_mutex_lock (&audit->lock);
  audit->quit = TRUE;
  pthread_cond_signal (&audit->cond);
  pthread_mutex_unlock (&audit->lock);
  if (audit->thread != NULL)
    g_thread_join (audit->thread);
  for (GString *lines; (lines = g_queue_pop_head (&audit->queue)) != NULL;)
    g_string_free (lines, TRUE);
  oc_fd_clear (&audit->fd);
  oc_fd_clear (&audit->new_fd);
  pthread_cond_destroy (&audit->cond);
  pthread_mutex_destroy (&audit->lock);
  g_free (audit);
}
