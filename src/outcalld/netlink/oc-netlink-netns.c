/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "common/oc-error.h"
#include "common/oc-fd.h"

/* A thread of its own, since a network namespace is a property of the thread:
 * the one that entered another ends there and nobody has to find the way back. */
typedef struct
{
  int netns_fd;
  OcNetnsFunc func;
  gpointer user_data;
  GError *error;
  gboolean ok;
} Visit;

static gpointer
visit_thread (gpointer data)
{
  Visit *visit = data;

  if (setns (visit->netns_fd, CLONE_NEWNET) < 0)
    visit->ok = oc_throw_errno (&visit->error, "enter network namespace");
  else
    visit->ok = visit->func (visit->user_data, &visit->error);
  return NULL;
}

gboolean
oc_netns_run (int netns_fd, OcNetnsFunc func, gpointer user_data, GError **error)
{
  Visit visit = { .netns_fd = netns_fd, .func = func, .user_data = user_data };
  GThread *thread;

  if (netns_fd < 0)
    return func (user_data, error);
  thread = g_thread_try_new ("netns", visit_thread, &visit, error);
  if (thread == NULL)
    return FALSE;
  g_thread_join (thread);
  if (!visit.ok)
    g_propagate_error (error, visit.error);
  return visit.ok;
}

typedef struct
{
  const char *const *key;
  const char *value; /* to write, NULL to read */
  char *out;         /* what was read */
} Sysctl;

/* Longer than any value of net/ that somebody would ask for. */
#define SYSCTL_VALUE_MAX 256

static gboolean
is_safe_part (const char *part)
{
  return *part != '\0' && strchr (part, '/') == NULL && strcmp (part, ".") != 0
         && strcmp (part, "..") != 0;
}

/* Step by step with O_NOFOLLOW: interface names come from outside. /proc/sys/net
 * shows the namespace of the thread that opens it. Returns: -1 with errno */
static int
open_sysctl (const char *const *key, int access)
{
  oc_autofd int fd = open ("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

  for (guint i = 0; fd >= 0 && key[i] != NULL; i++)
    {
      int flags = key[i + 1] == NULL ? access : O_PATH | O_DIRECTORY;
      int next;

      if (!is_safe_part (key[i]))
        return errno = EINVAL, -1;
      next = openat (fd, key[i], flags | O_NOFOLLOW | O_CLOEXEC);
      oc_fd_clear (&fd);
      fd = next;
    }
  return oc_fd_steal (&fd);
}

static gboolean
access_sysctl (gpointer user_data, GError **error)
{
  Sysctl *sysctl = user_data;
  g_autofree char *text = g_strjoinv ("/", (char **) sysctl->key);
  oc_autofd int fd = open_sysctl (sysctl->key, sysctl->value != NULL ? O_WRONLY : O_RDONLY);
  char bytes[SYSCTL_VALUE_MAX + 1];
  ssize_t n = -1;

  if (fd >= 0 && sysctl->value != NULL)
    n = write (fd, sysctl->value, strlen (sysctl->value));
  else if (fd >= 0)
    n = read (fd, bytes, SYSCTL_VALUE_MAX);
  if (n < 0)
    return oc_throw_errno (error, "%s sysctl net/%s", sysctl->value != NULL ? "set" : "read",
                           text);
  if (sysctl->value == NULL)
    sysctl->out = g_strchomp (g_strndup (bytes, (gsize) n));
  return TRUE;
}

gboolean
oc_netns_set_sysctl (int netns_fd, const char *const *key, const char *value, GError **error)
{
  Sysctl sysctl = { .key = key, .value = value };

  return oc_netns_run (netns_fd, access_sysctl, &sysctl, error);
}

char *
oc_netns_get_sysctl (int netns_fd, const char *const *key, GError **error)
{
  Sysctl sysctl = { .key = key };

  return oc_netns_run (netns_fd, access_sysctl, &sysctl, error) ? sysctl.out : NULL;
}
