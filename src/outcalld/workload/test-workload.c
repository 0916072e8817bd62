/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Attach, end and restart on the real kernel: real processes in real network
 * namespaces, a real bridge and ruleset.
 */
#include "config.h"

#include "workload/oc-workload-name.h"
#include "workload/oc-workload.h"

#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWNER_UID 61234
#define STRANGER_UID 61235

/* --- Names ------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  gboolean valid;
} names[] = {
  { "a", TRUE },
  { "9", TRUE },
  { "claude-1", TRUE },
  { "A.b_c-d", TRUE },
  { "", FALSE },
  { "-a", FALSE },
  { ".a", FALSE },
  { "_a", FALSE },
  { "a b", FALSE },
  { "a/b", FALSE },
  { "a\n", FALSE },
  { "é", FALSE },
  { "012345678901234567890123456789012345678901234567890123456789012", TRUE },
  { "0123456789012345678901234567890123456789012345678901234567890123", FALSE },
};

static void
test_names (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_test_message ("'%s'", names[i].name);
      g_assert_cmpint (oc_workload_name_is_valid (names[i].name), ==, names[i].valid);
    }
}

static gboolean
is_one_taken (const char *name, gpointer user_data)
{
  return g_str_has_suffix (name, "-1") || g_str_has_suffix (name, "-2");
}

static const struct
{
  const char *command;
  const char *name;
} made[] = {
  { "npm ci", "npm-3" },
  { "/usr/bin/python3.11 x.py", "python3.11-3" },
  { "-bash", "bash-3" },
  { "./.hidden", "hidden-3" },
  { "a+b c", "a-b-3" },
  { "", "sandbox-3" },
  { NULL, "sandbox-3" },
  { "///", "sandbox-3" },
  { "é", "sandbox-3" },
};

static void
test_made_names (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (made); i++)
    {
      g_autofree char *name = oc_workload_name_make (made[i].command, is_one_taken, NULL);

      g_assert_cmpstr (name, ==, made[i].name);
      g_assert_true (oc_workload_name_is_valid (name));
    }
}

/* --- The daemon's parts ------------------------------------------------------------- */

typedef struct
{
  char *state_dir;
  OcFirewall *firewall;
  OcNetworks *networks;
  OcSnapshotHub *hub;
  OcWorkloads *workloads;
  guint n_came, n_went;
} Fixture;

static void
on_change (OcWorkload *workload, gboolean alive, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpstr (oc_workload_get_identity (workload)->name, !=, "");
  f->n_came += alive;
  f->n_went += !alive;
}

static void
start_daemon (Fixture *f)
{
  const OcFirewallOptions firewall = { .dns_port = 53, .proxy_port = 8080,
                                       .proxy_http_port = 8081, .proxy_tls_port = 8443 };
  const OcNetworkOptions networks
      = { .default_bridge = "outcall0", .subnet_block = "10.200.0.0/16" };
  g_autoptr (GError) error = NULL;

  f->firewall = oc_firewall_new (&firewall, &error);
  g_assert_no_error (error);
  f->networks = oc_networks_new (&networks, f->firewall, &error);
  g_assert_no_error (error);
  f->hub = oc_snapshot_hub_new ();
  f->workloads = oc_workloads_new (f->state_dir, f->networks, f->firewall, f->hub, &error);
  g_assert_no_error (error);
  oc_workloads_add_listener (f->workloads, on_change, f);
  oc_workloads_restore (f->workloads, &error);
  g_assert_no_error (error);
  oc_networks_up (f->networks, &error);
  g_assert_no_error (error);
}

/* As a killed one would: nothing of the kernel's is taken away. */
static void
stop_daemon (Fixture *f)
{
  g_clear_pointer (&f->workloads, oc_workloads_free);
  g_clear_pointer (&f->hub, oc_snapshot_hub_free);
  g_clear_pointer (&f->networks, oc_networks_free);
  g_clear_pointer (&f->firewall, oc_firewall_free);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->state_dir = g_dir_make_tmp ("outcall-state-XXXXXX", NULL);
  start_daemon (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_networks_down (f->networks, &error));
  g_assert_no_error (error);
  stop_daemon (f);
  oc_test_run ("rm -rf '%s'", f->state_dir);
  g_free (f->state_dir);
}

/* --- Processes ------------------------------------------------------------------------ */

static ino_t
get_netns (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", (int) pid);
  struct stat st;

  return stat (path, &st) == 0 ? st.st_ino : 0;
}

static gboolean
is_sleeping (gpointer user_data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", GPOINTER_TO_INT (user_data));
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && strcmp (text, "sleep\n") == 0;
}

/* @wrap: words before "sleep". Returns when it sleeps. */
static pid_t
spawn (const char *wrap)
{
  g_autofree char *line = g_strdup_printf ("%s sleep 1000", wrap);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  GPid pid;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_assert_true (g_spawn_async (NULL, argv, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD
                                    | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                                NULL, NULL, &pid,
                                &error));
  g_assert_true (oc_test_wait (is_sleeping, GINT_TO_POINTER (pid)));
  return pid;
}

static pid_t
spawn_sandbox (uid_t uid)
{
  g_autofree char *wrap = g_strdup_printf (
      "setpriv --reuid %u --regid %u --clear-groups unshare --user --map-root-user --net",
      (unsigned) uid, (unsigned) uid);

  return spawn (wrap);
}

static void
end_process (pid_t pid)
{
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

static OcWorkload *
attach (Fixture *f, uid_t uid, pid_t pid, const char *name, GError **error)
{
  const OcPeer peer = { .pid = getpid (), .uid = uid, .gid = uid };
  const OcNativeRequest request
      = { .name = name, .project = "/work", .command = "/bin/sleep 1000", .pid = pid };

  return oc_workloads_attach_native (f->workloads, &peer, &request, error);
}

static gboolean
has_none (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GPtrArray) list = oc_workloads_list (f->workloads);

  return list->len == 0;
}

static gboolean
has_one (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GPtrArray) list = oc_workloads_list (f->workloads);

  return list->len == 1;
}

/* Links and ruleset without counters and handles. (transfer full) */
static char *
describe_kernel (void)
{
  g_autofree char *links = NULL;
  g_autofree char *rules = NULL;

  g_assert_cmpint (oc_test_try (&links, "ip -o link | cut -d' ' -f2 | sort"), ==, 0);
  g_assert_cmpint (oc_test_try (&rules, "nft -s list ruleset"), ==, 0);
  return g_strconcat (links, rules, NULL);
}

/* --- Tests ------------------------------------------------------------------------------ */

static void
test_attach_and_end (Fixture *f, gconstpointer data)
{
  g_autofree char *before = describe_kernel ();
  g_autofree char *during = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);
  OcWorkload *workload = attach (f, OWNER_UID, pid, NULL, &error);
  const OcLease *lease;

  g_assert_no_error (error);
  lease = oc_workload_get_lease (workload);
  g_assert_cmpstr (oc_workload_get_identity (workload)->name, ==, "sleep-1");
  g_assert_cmpstr (oc_workload_get_identity (workload)->agent_name, ==, "sleep");
  g_assert_cmpuint (strlen (oc_workload_get_identity (workload)->id), ==, 32);
  g_assert_cmpuint (oc_workload_get_uid (workload), ==, OWNER_UID);
  g_assert_true (oc_workloads_lookup_netns (f->workloads, get_netns (pid)) == workload);
  g_assert_true (oc_snapshot_lookup (oc_snapshot_hub_get (f->hub), &lease->address)
                 == oc_workload_get_identity (workload));
  during = describe_kernel ();
  g_assert_nonnull (strstr (during, lease->port));
  g_assert_cmpint (oc_test_try (NULL,
                                "nsenter -t %d -n "
                                "ping -q -c 1 -W 2 10.200.0.1 >/dev/null",
                                (int) pid),
                   ==, 0);
  end_process (pid);
  g_assert_true (oc_test_wait (has_none, f));
  after = describe_kernel ();
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpuint (oc_snapshot_hub_get (f->hub) != NULL, ==, 1);
  g_assert_cmpuint (f->n_came, ==, 1);
  g_assert_cmpuint (f->n_went, ==, 1);
}

static const struct
{
  const char *what;
  uid_t caller;
  const char *wrap; /* NULL: a good sandbox of OWNER_UID */
  int code;         /* -1: it is attached */
} owners[] = {
  { "the owner", OWNER_UID, NULL, -1 },
  { "root", 0, NULL, -1 },
  { "a stranger", STRANGER_UID, NULL, G_IO_ERROR_PERMISSION_DENIED },
  { "somebody else's process", OWNER_UID, "unshare --user --map-root-user --net",
    G_IO_ERROR_PERMISSION_DENIED },
  { "the host's namespace", OWNER_UID, "setpriv --reuid 61234 --clear-groups",
    G_IO_ERROR_PERMISSION_DENIED },
  { "the host's namespace, by root", 0, "env", G_IO_ERROR_PERMISSION_DENIED },
  { "own process in a namespace of root's", OWNER_UID,
    "unshare --net setpriv --reuid 61234 --clear-groups", G_IO_ERROR_PERMISSION_DENIED },
};

static void
test_owners (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (owners); i++)
    {
      g_autofree char *before = describe_kernel ();
      g_autofree char *after = NULL;
      g_autoptr (GError) error = NULL;
      pid_t pid = owners[i].wrap != NULL ? spawn (owners[i].wrap) : spawn_sandbox (OWNER_UID);
      OcWorkload *workload = attach (f, owners[i].caller, pid, "one", &error);

      g_test_message ("%s: %s", owners[i].what, error != NULL ? error->message : "attached");
      if (owners[i].code < 0)
        g_assert_no_error (error);
      else
        {
          g_assert_null (workload);
          g_assert_error (error, G_IO_ERROR, owners[i].code);
        }
      end_process (pid);
      g_assert_true (oc_test_wait (has_none, f));
      after = describe_kernel ();
      g_assert_cmpstr (before, ==, after);
    }
}

static void
test_not_fresh (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);

  oc_test_run ("nsenter -t %d -n ip link add v0 type veth peer name v1",
               (int) pid);
  g_assert_null (attach (f, OWNER_UID, pid, "one", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  end_process (pid);
}

static void
test_no_process (Fixture *f, gconstpointer data)
{
  static const pid_t pids[] = { 0, -1, G_MININT32, 4194304 };

  for (gsize i = 0; i < G_N_ELEMENTS (pids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (attach (f, OWNER_UID, pids[i], "one", &error));
      g_assert_nonnull (error);
    }
}

static void
test_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);

  g_assert_nonnull (attach (f, OWNER_UID, pid, "one", &error));
  g_assert_null (attach (f, OWNER_UID, pid, "two", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  end_process (pid);
  g_assert_true (oc_test_wait (has_none, f));
}

static void
test_same_name (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t first = spawn_sandbox (OWNER_UID);
  pid_t second = spawn_sandbox (OWNER_UID);
  OcWorkload *workload;

  g_assert_nonnull (attach (f, OWNER_UID, first, "sleep-1", &error));
  g_assert_null (attach (f, OWNER_UID, second, "sleep-1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (attach (f, OWNER_UID, second, "../x", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  workload = attach (f, OWNER_UID, second, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (oc_workload_get_identity (workload)->name, ==, "sleep-2");
  g_assert_cmpuint (oc_workload_get_identity (workload)->slot, ==, 1);
  end_process (first);
  end_process (second);
  g_assert_true (oc_test_wait (has_none, f));
}

typedef struct
{
  gboolean done, ok, stopped;
  GError *error;
} Stop;

static void
on_stop (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Stop *stop = user_data;

  stop->ok = oc_workloads_stop_finish (result, &stop->stopped, &stop->error);
  stop->done = TRUE;
}

static gboolean
stop_workload (Fixture *f, const char *name, guint timeout_s, GError **error)
{
  Stop stop = { 0 };

  oc_workloads_stop_async (f->workloads, name, timeout_s, on_stop, &stop);
  while (!stop.done)
    g_main_context_iteration (NULL, TRUE);
  if (!stop.ok)
    g_propagate_error (error, stop.error);
  return stop.ok;
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);

  g_assert_nonnull (attach (f, OWNER_UID, pid, "one", &error));
  g_assert_false (stop_workload (f, "two", 10, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (stop_workload (f, "one", 10, &error));
  g_assert_true (oc_test_wait (has_none, f));
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

/* One that does not listen to SIGTERM. */
static void
test_stop_deaf (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn ("sh -c 'trap \"\" TERM; exec setpriv --reuid 61234 --clear-groups "
                     "unshare --user --map-root-user --net sleep 1000'");

  g_assert_nonnull (attach (f, OWNER_UID, pid, "one", &error));
  g_assert_true (stop_workload (f, "one", 1, &error));
  g_assert_true (oc_test_wait (has_none, f));
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

/* --- Restart ---------------------------------------------------------------------------- */

static void
test_restart (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  pid_t stays = spawn_sandbox (OWNER_UID);
  pid_t goes = spawn_sandbox (OWNER_UID);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *id = NULL;
  OcWorkload *workload;
  OcAddress address;

  workload = attach (f, OWNER_UID, stays, "stays", &error);
  g_assert_no_error (error);
  id = g_strdup (oc_workload_get_identity (workload)->id);
  address = oc_workload_get_lease (workload)->address;
  before = describe_kernel ();
  g_assert_nonnull (attach (f, OWNER_UID, goes, "goes", &error));
  stop_daemon (f);
  end_process (goes);
  start_daemon (f);
  after = describe_kernel ();
  g_assert_cmpstr (before, ==, after);
  g_assert_null (oc_workloads_lookup (f->workloads, "goes"));
  workload = oc_workloads_lookup (f->workloads, "stays");
  g_assert_nonnull (workload);
  g_assert_cmpstr (oc_workload_get_identity (workload)->id, ==, id);
  g_assert_cmpstr (oc_workload_get_identity (workload)->project, ==, "/work");
  g_assert_true (oc_snapshot_lookup (oc_snapshot_hub_get (f->hub), &address)
                 == oc_workload_get_identity (workload));
  g_assert_cmpint (oc_test_try (NULL,
                                "nsenter -t %d -n "
                                "ping -q -c 1 -W 2 10.200.0.1 >/dev/null",
                                (int) stays),
                   ==, 0);
  end_process (stays);
  g_assert_true (oc_test_wait (has_none, f));
}

static OcAddress
attach_and_get_address (Fixture *f, pid_t pid, const char *name)
{
  g_autoptr (GError) error = NULL;
  OcWorkload *workload = attach (f, OWNER_UID, pid, name, &error);

  g_assert_no_error (error);
  return oc_workload_get_lease (workload)->address;
}

/* Spec 02, "An address is not reused for 60 s": nor by a daemon that starts again, whether the
 * workload ended before or while there was none. */
static void
test_rest_after_restart (Fixture *f, gconstpointer data)
{
  pid_t pids[] = { spawn_sandbox (OWNER_UID), spawn_sandbox (OWNER_UID), spawn_sandbox (OWNER_UID) };
  OcAddress addresses[3];

  addresses[0] = attach_and_get_address (f, pids[0], "before");
  addresses[1] = attach_and_get_address (f, pids[1], "meanwhile");
  end_process (pids[0]);
  g_assert_true (oc_test_wait (has_one, f));
  for (guint i = 0; i < 2; i++)
    {
      stop_daemon (f);
      if (i == 0)
        end_process (pids[1]);
      start_daemon (f);
      g_assert_true (has_none (f));
    }
  addresses[2] = attach_and_get_address (f, pids[2], "after");
  for (guint i = 0; i < 2; i++)
    g_assert_false (oc_address_equal (&addresses[i], &addresses[2]));
  end_process (pids[2]);
  g_assert_true (oc_test_wait (has_none, f));
}

/* A port that no state names: its daemon died between making and writing. */
static void
test_stale_port (Fixture *f, gconstpointer data)
{
  g_autofree char *before = describe_kernel ();
  g_autofree char *after = NULL;
  g_autofree char *state = g_build_filename (f->state_dir, "workloads.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);

  g_assert_true (g_file_get_contents (state, &text, NULL, NULL));
  g_assert_nonnull (attach (f, OWNER_UID, pid, "one", &error));
  stop_daemon (f);
  g_assert_true (g_file_set_contents (state, text, -1, NULL));
  start_daemon (f);
  after = describe_kernel ();
  g_assert_cmpstr (before, ==, after);
  g_assert_true (has_none (f));
  end_process (pid);
}

static const char *const broken_states[] = {
  "",
  "{",
  "[]",
  "{\"version\": 2, \"boot_id\": \"x\", \"workloads\": []}",
  "{\"version\": 1, \"boot_id\": 7}",
};

static void
test_broken_state (Fixture *f, gconstpointer data)
{
  g_autofree char *state = g_build_filename (f->state_dir, "workloads.json", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (broken_states); i++)
    {
      stop_daemon (f);
      g_assert_true (g_file_set_contents (state, broken_states[i], -1, NULL));
      g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "sandboxes of before are not restored*");
      start_daemon (f);
      g_test_assert_expected_messages ();
      g_assert_true (has_none (f));
    }
}

/* No room for the state file: the attach fails and leaves nothing. */
static void
test_full_disk (Fixture *f, gconstpointer data)
{
  g_autofree char *before = describe_kernel ();
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid = spawn_sandbox (OWNER_UID);

  stop_daemon (f);
  /* Room for the folder and one file, so for no new version of it. */
  g_assert_cmpint (mount ("tmpfs", f->state_dir, "tmpfs", 0, "nr_inodes=2"), ==, 0);
  start_daemon (f);
  g_assert_null (attach (f, OWNER_UID, pid, "one", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_true (has_none (f));
  after = describe_kernel ();
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpint (oc_test_try (NULL, "nsenter -t %d -n ip -o link "
                                      "| grep -v lo:", (int) pid), !=, 0);
  stop_daemon (f);
  g_assert_cmpint (umount (f->state_dir), ==, 0);
  start_daemon (f);
  end_process (pid);
}

/* The main loop has not run since the end: name and, when the kernel gives it again, namespace
 * of the one that is gone are free for the next. */
static void
test_again_at_once (Fixture *f, gconstpointer data)
{
  pid_t before = 0;

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GError) error = NULL;
      pid_t pid = spawn_sandbox (OWNER_UID);

      if (before != 0)
        {
          guint64 inode = get_netns (before);

          end_process (before);
          g_assert_null (oc_workloads_lookup_netns (f->workloads, inode));
        }
      (void) attach (f, OWNER_UID, pid, "again", &error);
      g_assert_no_error (error);
      g_assert_nonnull (oc_workloads_lookup_netns (f->workloads, get_netns (pid)));
      before = pid;
    }
  end_process (before);
  g_assert_true (oc_test_wait (has_none, f));
  g_assert_cmpuint (f->n_came, ==, 20);
  g_assert_cmpuint (f->n_went, ==, 20);
}

/* --- Churn -------------------------------------------------------------------------------- */

#define CHURN_ALIVE 8 /* at once */
#define CHURN_PER_MINUTE 1000

typedef struct
{
  OcSnapshotReader *reader;
  atomic_bool *stop;
  guint64 n_looks, n_found;
} Looker;

/* What the data plane does for each packet's source, as fast as it can. */
static gpointer
look_up (gpointer user_data)
{
  Looker *looker = user_data;
  OcIdentity *kept = NULL;
  OcAddress address;

  g_assert_true (oc_address_parse (OC_STR ("10.200.0.2"), &address));
  for (guint8 last = 2; !atomic_load (looker->stop); last = last < 60 ? last + 1 : 2)
    {
      OcIdentity *identity;

      address.bytes[3] = last;
      identity = oc_snapshot_lookup (oc_snapshot_reader_get (looker->reader), &address);
      looker->n_looks++;
      if (identity == NULL)
        continue;
      looker->n_found++;
      g_assert_true (oc_address_equal (&identity->address, &address));
      g_assert_true (g_str_has_prefix (identity->name, "sleep"));
      atomic_fetch_add (&identity->traffic.requests, 1);
      /* A connection goes on with the one it began with. */
      oc_identity_unref (kept);
      kept = oc_identity_ref (identity);
    }
  oc_identity_unref (kept);
  return NULL;
}

/* @n times: one comes, and the oldest goes when there are enough. */
static void
come_and_go (Fixture *f, guint n)
{
  pid_t alive[CHURN_ALIVE] = { 0 };

  for (guint i = 0; i < n + CHURN_ALIVE; i++)
    {
      pid_t *slot = &alive[i % CHURN_ALIVE];
      g_autoptr (GError) error = NULL;

      if (*slot != 0)
        end_process (*slot);
      *slot = 0;
      if (i >= n)
        continue;
      *slot = spawn_sandbox (OWNER_UID);
      (void) attach (f, OWNER_UID, *slot, NULL, &error);
      g_assert_no_error (error);
    }
}

static void
test_churn (Fixture *f, gconstpointer data)
{
  /* No address comes again within a minute, so a network has enough for so many only. */
  const guint n = g_strcmp0 (g_getenv ("OUTCALL_LONG"), "1") == 0 ? 220 : 60;
  pid_t steady = spawn_sandbox (OWNER_UID);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *ping = NULL;
  g_autoptr (GError) error = NULL;
  atomic_bool stop = false;
  Looker lookers[2] = { 0 };
  GThread *threads[2];
  gint64 begin_us;
  double per_minute;

  g_assert_nonnull (attach (f, OWNER_UID, steady, NULL, &error));
  before = describe_kernel ();
  oc_test_run ("nsenter -t %d -n ping -i 0.02 10.200.0.1 >%s/ping 2>&1 </dev/null & echo $! >%s/ping.pid", (int) steady,
               f->state_dir, f->state_dir);
  for (guint i = 0; i < 2; i++)
    {
      lookers[i] = (Looker) { oc_snapshot_hub_add_reader (f->hub), &stop, 0, 0 };
      threads[i] = g_thread_new ("looker", look_up, &lookers[i]);
    }
  begin_us = g_get_monotonic_time ();
  come_and_go (f, n);
  g_assert_true (oc_test_wait (has_one, f));
  per_minute = 60.0 * G_USEC_PER_SEC * n / (double) (g_get_monotonic_time () - begin_us);
  atomic_store (&stop, true);
  for (guint i = 0; i < 2; i++)
    {
      g_thread_join (threads[i]);
      oc_snapshot_reader_free (lookers[i].reader);
    }
  g_test_message ("%u came and went, %.0f a minute; %" G_GUINT64_FORMAT " looks found %" G_GUINT64_FORMAT,
                  n, per_minute, lookers[0].n_looks + lookers[1].n_looks,
                  lookers[0].n_found + lookers[1].n_found);
  g_assert_cmpuint (lookers[0].n_found, >, 1000);
  if (g_getenv ("OUTCALL_LONG") != NULL)
    g_assert_cmpfloat (per_minute, >=, CHURN_PER_MINUTE);
  oc_test_run ("kill -INT $(cat %s/ping.pid)", f->state_dir);
  oc_test_run ("for i in $(seq 50); do grep -q 'packet loss' %s/ping && break; sleep 0.1; done", f->state_dir);
  g_assert_cmpint (oc_test_try (&ping, "grep 'packet loss' %s/ping", f->state_dir), ==, 0);
  g_test_message ("%s", ping);
  g_assert_nonnull (strstr (ping, " 0% packet loss"));
  after = describe_kernel ();
  g_assert_cmpstr (before, ==, after);
  end_process (steady);
  g_assert_true (oc_test_wait (has_none, f));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  oc_test_enter_netns ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/workload/name/valid", test_names);
  g_test_add_func ("/workload/name/made", test_made_names);
  if (geteuid () != 0 || oc_test_try (NULL, "setpriv --reuid 61234 --clear-groups true") != 0)
    return g_test_run ();
  ADD ("/workload/attach-and-end", test_attach_and_end);
  ADD ("/workload/owners", test_owners);
  ADD ("/workload/not-fresh", test_not_fresh);
  ADD ("/workload/no-process", test_no_process);
  ADD ("/workload/twice", test_twice);
  ADD ("/workload/same-name", test_same_name);
  ADD ("/workload/stop", test_stop);
  ADD ("/workload/stop/deaf", test_stop_deaf);
  ADD ("/workload/restart", test_restart);
  ADD ("/workload/rest-after-restart", test_rest_after_restart);
  ADD ("/workload/stale-port", test_stale_port);
  ADD ("/workload/broken-state", test_broken_state);
  ADD ("/workload/again-at-once", test_again_at_once);
  ADD ("/workload/churn", test_churn);
  ADD ("/workload/full-disk", test_full_disk);
  return g_test_run ();
}
