/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Limits of a sandbox are those of a cgroup (v2) of its own, which bubblewrap is
 * put into before it starts. systemd makes it where it runs, since the tree is
 * its own there. Elsewhere it is made below the nearest group that can hand the
 * controllers on. What the kernel then says is compared with what was asked for:
 * a limit that does not hold is no limit.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CPU_PERIOD_US 100000
#define BUS_TIMEOUT_MS 5000
#define EMPTY_TIMEOUT_US (G_USEC_PER_SEC)
#define GROUP_PREFIX "outcall-"

gboolean
oc_sandbox_limits_are_set (const OcSandboxLimits *limits)
{
  return limits->memory_bytes != 0 || limits->pids != 0 || limits->cpu_percent != 0;
}

/* --- The tree ------------------------------------------------------------------- */

/* Where cgroup v2 is mounted; NULL: nowhere. (transfer full) */
static char *
find_mount (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, " ", 6);

      if (strstr (*line, " - cgroup2 ") != NULL && g_strv_length (fields) == 6)
        return g_strcompress (fields[4]);
    }
  return NULL;
}

/* The folder of @pid's group. (transfer full) */
static char *
find_group (const char *mount, pid_t pid, GError **error)
{
  g_autofree char *name = g_strdup_printf ("/proc/%d/cgroup", (int) pid);
  g_autofree char *text = NULL;
  const char *line;
  g_autofree char *path = NULL;

  if (!g_file_get_contents (name, &text, NULL, error))
    return NULL;
  line = g_str_has_prefix (text, "0::/") ? text : strstr (text, "\n0::/");
  if (line == NULL)
    return oc_throw_null (error, "%s: no group of cgroup v2", name);
  line += *line == '\n' ? 4 : 3;
  path = g_strndup (line, strcspn (line, "\n"));
  return g_build_filename (mount, path, NULL);
}

static char *
read_setting (const char *group, const char *name)
{
  g_autofree char *path = g_build_filename (group, name, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_strchomp (text) : NULL;
}

static gboolean
write_setting (const char *group, const char *name, const char *value)
{
  g_autofree char *path = g_build_filename (group, name, NULL);
  oc_autofd int fd = open (path, O_WRONLY | O_CLOEXEC);

  return fd >= 0 && write (fd, value, strlen (value)) == (ssize_t) strlen (value);
}

static gboolean
is_limited (const char *group, const char *name, guint64 limit)
{
  g_autofree char *text = read_setting (group, name);
  guint64 value;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &value, NULL)
         && value <= limit;
}

static gboolean
verify (const OcSandboxLimits *limits, const char *mount, pid_t pid, GError **error)
{
  g_autofree char *group = find_group (mount, pid, error);
  g_autofree char *cpu = NULL;

  if (group == NULL)
    return FALSE;
  cpu = read_setting (group, "cpu.max");
  if ((limits->memory_bytes != 0 && !is_limited (group, "memory.max", limits->memory_bytes))
      || (limits->pids != 0 && !is_limited (group, "pids.max", limits->pids))
      || (limits->cpu_percent != 0 && (cpu == NULL || g_str_has_prefix (cpu, "max"))))
    return oc_throw (error, _("the limits do not hold in the cgroup %s"), group);
  return TRUE;
}

/* --- systemd ---------------------------------------------------------------------- */

typedef struct
{
  char *path; /* of the job that is waited for */
  char *result;
  gboolean timed_out;
} Job;

static void
on_job_removed (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                const char *signal_name, GVariant *parameters, gpointer user_data)
{
  Job *job = user_data;
  const char *of;
  const char *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uoss)")))
    return;
  g_variant_get (parameters, "(u&o&s&s)", NULL, &of, NULL, &result);
  if (g_strcmp0 (of, job->path) == 0 && job->result == NULL)
    job->result = g_strdup (result);
}

static gboolean
on_timeout (gpointer user_data)
{
  ((Job *) user_data)->timed_out = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
add_property (GVariantBuilder *b, const char *name, GVariant *value)
{
  g_variant_builder_add (b, "(sv)", name, value);
}

static GVariant *
make_scope (const OcSandboxLimits *limits, pid_t pid)
{
  g_autofree char *name = g_strdup_printf ("outcall-run-%d.scope", (int) getpid ());
  guint32 pids[] = { (guint32) pid };
  GVariantBuilder b;

  g_variant_builder_init (&b, G_VARIANT_TYPE ("a(sv)"));
  add_property (&b, "PIDs", g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, pids, 1, 4));
  add_property (&b, "CollectMode", g_variant_new_string ("inactive-or-failed"));
  if (limits->memory_bytes != 0)
    {
      add_property (&b, "MemoryMax", g_variant_new_uint64 (limits->memory_bytes));
      add_property (&b, "MemorySwapMax", g_variant_new_uint64 (0));
    }
  if (limits->pids != 0)
    add_property (&b, "TasksMax", g_variant_new_uint64 (limits->pids));
  if (limits->cpu_percent != 0)
    add_property (&b, "CPUQuotaPerSecUSec",
                  g_variant_new_uint64 ((guint64) limits->cpu_percent * G_USEC_PER_SEC / 100));
  return g_variant_new ("(ssa(sv)a(sa(sv)))", name, "fail", &b, NULL);
}

static GVariant *
call_systemd (GDBusConnection *bus, const char *method, GVariant *parameters, GError **error)
{
  return g_dbus_connection_call_sync (bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                      "org.freedesktop.systemd1.Manager", method, parameters, NULL,
                                      G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT_MS, NULL, error);
}

static gboolean
wait_for_job (Job *job, GError **error)
{
  g_autoptr (GSource) timeout = g_timeout_source_new (BUS_TIMEOUT_MS);

  g_source_set_callback (timeout, on_timeout, job, NULL);
  (void) g_source_attach (timeout, NULL);
  while (job->result == NULL && !job->timed_out)
    (void) g_main_context_iteration (NULL, TRUE);
  g_source_destroy (timeout);
  if (g_strcmp0 (job->result, "done") != 0)
    return oc_throw (error, "%s", job->result != NULL ? job->result : g_strerror (ETIMEDOUT));
  return TRUE;
}

static gboolean
start_scope (GDBusConnection *bus, const OcSandboxLimits *limits, pid_t pid, GError **error)
{
  g_autoptr (GVariant) subscribed = call_systemd (bus, "Subscribe", NULL, error);
  g_autoptr (GVariant) started = NULL;
  Job job = { 0 };
  gboolean ok;
  guint id;

  if (subscribed == NULL)
    return FALSE;
  id = g_dbus_connection_signal_subscribe (
      bus, "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
      "/org/freedesktop/systemd1", NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, &job, NULL);
  started = call_systemd (bus, "StartTransientUnit", make_scope (limits, pid), error);
  if (started != NULL)
    g_variant_get (started, "(o)", &job.path);
  /* Signals are only looked at here, so none was missed. */
  ok = started != NULL && wait_for_job (&job, error);
  g_dbus_connection_signal_unsubscribe (bus, id);
  g_free (job.path);
  g_free (job.result);
  return ok;
}

/* A user's own systemd is found without a session too, when the user lingers. */
static GDBusConnection *
connect_to_bus (GError **error)
{
  g_autofree char *address = NULL;

  if (geteuid () == 0)
    return g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  address = g_strdup (g_getenv ("DBUS_SESSION_BUS_ADDRESS"));
  if (address == NULL)
    address = g_strdup_printf ("unix:path=/run/user/%u/bus", (unsigned) geteuid ());
  return g_dbus_connection_new_for_address_sync (address,
                                                 G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                     | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                 NULL, NULL, error);
}

static gboolean
limit_by_systemd (const OcSandboxLimits *limits, pid_t pid, GError **error)
{
  g_autoptr (GDBusConnection) bus = connect_to_bus (error);

  if (bus == NULL || !start_scope (bus, limits, pid, error))
    return oc_prefix (error, _("systemd made no scope for the limits"));
  return TRUE;
}

/* --- Directly ----------------------------------------------------------------------- */

/* "+memory +pids +cpu", as far as they are needed. (transfer full) */
static char *
list_controllers (const OcSandboxLimits *limits, const char *sign)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (limits->memory_bytes != 0)
    g_string_append_printf (text, " %smemory", sign);
  if (limits->pids != 0)
    g_string_append_printf (text, " %spids", sign);
  if (limits->cpu_percent != 0)
    g_string_append_printf (text, " %scpu", sign);
  return g_strdup (text->str + 1);
}

static gboolean
has_controllers (const char *group, const char *file, const OcSandboxLimits *limits)
{
  g_autofree char *text = read_setting (group, file);
  g_autofree char *wanted = list_controllers (limits, "");
  g_auto (GStrv) have = g_strsplit (text != NULL ? text : "", " ", -1);
  g_auto (GStrv) want = g_strsplit (wanted, " ", -1);

  for (char **name = want; *name != NULL; name++)
    if (!g_strv_contains ((const char *const *) have, *name))
      return FALSE;
  return TRUE;
}

static gboolean
hands_on (const char *group, const OcSandboxLimits *limits)
{
  g_autofree char *enable = list_controllers (limits, "+");

  return has_controllers (group, "cgroup.subtree_control", limits)
         || (has_controllers (group, "cgroup.controllers", limits)
             && write_setting (group, "cgroup.subtree_control", enable));
}

/* What killed processes of ours have left. A group that is in use is not removed. */
static void
sweep (const char *parent)
{
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (parent, name, NULL);
      guint64 pid;

      if (g_str_has_prefix (name, GROUP_PREFIX)
          && g_ascii_string_to_unsigned (name + strlen (GROUP_PREFIX), 10, 1, G_MAXINT32, &pid, NULL)
          && kill ((pid_t) pid, 0) < 0 && errno == ESRCH)
        (void) rmdir (path);
    }
}

static gboolean
fill_group (const char *group, const OcSandboxLimits *limits, pid_t pid)
{
  g_autofree char *memory = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->memory_bytes);
  g_autofree char *pids = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->pids);
  g_autofree char *cpu
      = g_strdup_printf ("%" G_GUINT64_FORMAT " %d",
                         (guint64) limits->cpu_percent * CPU_PERIOD_US / 100, CPU_PERIOD_US);
  g_autofree char *member = g_strdup_printf ("%d", (int) pid);

  /* Kernels without swap have no such file. */
  if (limits->memory_bytes != 0)
    (void) write_setting (group, "memory.swap.max", "0");
  return (limits->memory_bytes == 0 || write_setting (group, "memory.max", memory))
         && (limits->pids == 0 || write_setting (group, "pids.max", pids))
         && (limits->cpu_percent == 0 || write_setting (group, "cpu.max", cpu))
         && write_setting (group, "cgroup.procs", member);
}

/* Returns: (transfer full) (nullable): the group's folder; NULL with errno. */
static char *
make_group (const char *parent, const OcSandboxLimits *limits, pid_t pid)
{
  g_autofree char *name = g_strdup_printf (GROUP_PREFIX "%d", (int) getpid ());
  g_autofree char *group = g_build_filename (parent, name, NULL);
  int saved;

  sweep (parent);
  if (mkdir (group, 0755) < 0)
    return NULL;
  if (fill_group (group, limits, pid))
    return g_steal_pointer (&group);
  saved = errno;
  (void) rmdir (group);
  errno = saved;
  return NULL;
}

/* From our own group upwards: one with processes in it can hand nothing on, unless it is the
 * root of all. */
static gboolean
limit_directly (const OcSandboxLimits *limits, const char *mount, pid_t pid, char **out_group,
                GError **error)
{
  g_autofree char *wanted = list_controllers (limits, "");
  g_autofree char *at = find_group (mount, pid, error);
  int err = 0;

  if (at == NULL)
    return FALSE;
  for (;;)
    {
      char *parent;

      errno = EOPNOTSUPP;
      if (hands_on (at, limits) && (*out_group = make_group (at, limits, pid)) != NULL)
        return TRUE;
      err = errno;
      if (strlen (at) <= strlen (mount) + 1)
        break;
      parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
  if (!has_controllers (mount, "cgroup.controllers", limits))
    return oc_throw (error,
                     _("limits need systemd or cgroup v2 with the controllers '%s'; %s has not "
                       "all of them (cgroup v1 may hold them)"),
                     wanted, mount);
  return oc_throw (error,
                   _("limits need systemd or a cgroup below %s that you may divide: %s"), mount,
                   g_strerror (err));
}

gboolean
oc_sandbox_limit (const OcSandboxLimits *limits, pid_t pid, char **out_group, GError **error)
{
  g_autofree char *mount = find_mount ();

  if (mount == NULL)
    return oc_throw (error, _("limits need cgroup v2, which is not mounted here"));
  if (g_file_test ("/run/systemd/system", G_FILE_TEST_IS_DIR))
    {
      if (!limit_by_systemd (limits, pid, error))
        return FALSE;
    }
  else if (!limit_directly (limits, mount, pid, out_group, error))
    return FALSE;
  return verify (limits, mount, pid, error);
}

static gboolean
is_empty (int events)
{
  char text[256];
  ssize_t n = pread (events, text, sizeof text - 1, 0);

  if (n < 0)
    return TRUE;
  text[n] = '\0';
  return strstr (text, "populated 0") != NULL;
}

void
oc_sandbox_unlimit (const char *group)
{
  g_autofree char *name = g_build_filename (group, "cgroup.events", NULL);
  oc_autofd int events = open (name, O_RDONLY | O_CLOEXEC);
  gint64 deadline_us = g_get_monotonic_time () + EMPTY_TIMEOUT_US;
  struct pollfd poll_fd = { .fd = events, .events = POLLPRI };

  /* bubblewrap may be a little ahead of the processes that die with it. */
  while (events >= 0 && !is_empty (events) && g_get_monotonic_time () < deadline_us)
    (void) poll (&poll_fd, 1, (int) ((deadline_us - g_get_monotonic_time ()) / 1000) + 1);
  (void) rmdir (group);
}
