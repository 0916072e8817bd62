/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The system's part of the file view. Programs and libraries are shown whole
 * and read-only; of /etc only what programs need to work, since the rest tells
 * about the host, and for root even holds its secrets. What says who and where
 * one is (passwd, hosts, resolv.conf, nsswitch.conf) is written new.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "outcall-api/constants.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const system_dirs[]
    = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt",
        /* Not /nix: the socket of its daemon, which builds with the host's network, is there. */
        "/nix/store", "/nix/var/nix/profiles" };

static const char *const etc_entries[] = {
  "DIR_COLORS",      "X11",           "alternatives",    "bash.bashrc",
  "bash_completion", "bash_completion.d", "bashrc",      "ca-certificates", "ca-certificates.conf",
  "crypto-policies", "debian_version", "dpkg",           "ethertypes",     "fedora-release",
  "fish",            "fonts",         "gai.conf",        "gitconfig",      "inputrc",
  "ld.so.cache",   "ld.so.conf",      "ld.so.conf.d",   "locale.alias",
  "locale.conf",     "localtime",     "lsb-release",     "magic",          "mailcap",
  "manpath.config",  "maven",         "mime.types",      "nanorc",         "networks",
  "os-release",      "papersize",     "perl",            "pki/ca-trust",   "pki/tls/cert.pem",
  "pki/tls/certs",   "pki/tls/openssl.cnf", "profile",   "profile.d",      "protocols",
  "python3",         "redhat-release", "rpc",            "screenrc",       "services",
  "sgml",            "shells",        "ssl/certs",       "ssl/openssl.cnf", "system-release",
  "terminfo",        "timezone",      "tmux.conf",       "vim",            "vimrc",
  "wgetrc",          "xdg",           "xml",             "zsh",            "zshrc",
};

static const char nsswitch[] = "passwd: files\n"
                               "group: files\n"
                               "shadow: files\n"
                               "gshadow: files\n"
                               "hosts: files dns\n"
                               "networks: files\n"
                               "protocols: files\n"
                               "services: files\n"
                               "ethers: files\n"
                               "rpc: files\n";
static const char hosts[] = "127.0.0.1 localhost outcall\n"
                            "::1 localhost\n";

static gboolean
add_system_dirs (OcSandboxArgs *args, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (system_dirs); i++)
    {
      const char *dir = system_dirs[i];
      struct stat st;

      if (lstat (dir, &st) < 0)
        continue;
      if (S_ISLNK (st.st_mode))
        {
          g_autofree char *target = g_file_read_link (dir, error);

          if (target == NULL)
            return FALSE;
          oc_sandbox_args_add (args, "--symlink", target, dir, NULL);
        }
      else
        oc_sandbox_args_add (args, "--ro-bind", dir, dir, NULL);
    }
  return TRUE;
}

static void
add_etc (OcSandboxArgs *args)
{
  oc_sandbox_args_add (args, "--perms", "0755", "--dir", "/etc", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (etc_entries); i++)
    {
      g_autofree char *path = g_build_filename ("/etc", etc_entries[i], NULL);

      if (!oc_sandbox_copy_file (args, path))
        oc_sandbox_show_tree (args, path);
    }
}

static gboolean
add_file (OcSandboxArgs *args, const char *path, const char *text, GError **error)
{
  return oc_sandbox_copy_data (args, path, "0444", text, strlen (text), error);
}

static gboolean
add_passwd (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  const struct passwd *pw = getpwuid (getuid ());
  const char *name = pw != NULL ? pw->pw_name : "user";
  const char *shell = pw != NULL && pw->pw_shell[0] == '/' ? pw->pw_shell : "/bin/sh";
  g_autoptr (GString) passwd = g_string_new (NULL);
  g_autoptr (GString) group = g_string_new ("nogroup:x:65534:\n");
  const struct group *gr;

  if (getuid () != 0)
    g_string_append (passwd, "root:x:0:0:root:/root:/bin/sh\n");
  g_string_append_printf (passwd, "%s:x:%u:%u::%s:%s\n", name, (unsigned) getuid (),
                          (unsigned) getgid (), plan->home, shell);
  g_string_append (passwd, "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  if (getgid () != 0)
    g_string_append (group, "root:x:0:\n");
  gr = getgrgid (getgid ());
  g_string_append_printf (group, "%s:x:%u:\n", gr != NULL ? gr->gr_name : name,
                          (unsigned) getgid ());
  return add_file (args, "/etc/passwd", passwd->str, error)
         && add_file (args, "/etc/group", group->str, error);
}

static gboolean
add_names (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  g_autofree char *resolv
      = g_strdup_printf ("nameserver %s\noptions ndots:0\n", plan->gateway);

  return add_file (args, "/etc/resolv.conf", resolv, error)
         && add_file (args, "/etc/nsswitch.conf", nsswitch, error)
         && add_file (args, "/etc/hosts", hosts, error)
         && add_file (args, "/etc/host.conf", "multi on\n", error);
}

/* Whether the command could open it: to the kernel it is the same user without
 * capabilities, so what the file's mode refuses us is refused inside too. */
static gboolean
may_open (const char *path, int mode)
{
  return access (path, F_OK) == 0 && (geteuid () == 0 || access (path, mode) == 0);
}

/* To the kernel's sysctl files root inside is the host's root, capabilities or
 * not: kernel.core_pattern names a program that the host then runs as root.
 * bubblewrap covers some of these only where it may write itself. Folders that
 * tell about devices only are empty, which costs less than a read-only mount. */
static void
cover_proc (OcSandboxArgs *args)
{
  static const char *const read_only[] = { "/proc/sys", "/proc/mtrr" };
  static const char *const emptied[]
      = { "/proc/acpi", "/proc/asound", "/proc/bus",  "/proc/driver",
          "/proc/fs",   "/proc/irq",    "/proc/scsi", "/proc/tty/driver" };
  static const char *const hidden[]
      = { "/proc/kcore",      "/proc/key-users",   "/proc/keys",       "/proc/kmsg",
          "/proc/kpagecount", "/proc/kpageflags",  "/proc/latency_stats", "/proc/sched_debug",
          "/proc/sysrq-trigger", "/proc/timer_list", "/proc/vmallocinfo" };

  for (guint i = 0; i < G_N_ELEMENTS (read_only); i++)
    if (may_open (read_only[i], i == 0 ? F_OK : W_OK))
      oc_sandbox_args_add (args, "--ro-bind", read_only[i], read_only[i], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (emptied); i++)
    if (may_open (emptied[i], X_OK))
      oc_sandbox_args_add (args, "--size", "4096", "--perms", "0555", "--tmpfs", emptied[i], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    if (may_open (hidden[i], R_OK) || may_open (hidden[i], W_OK))
      oc_sandbox_args_add (args, "--ro-bind", "/dev/null", hidden[i], NULL);
}

gboolean
oc_sandbox_add_system (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  if (!add_system_dirs (args, error))
    return FALSE;
  add_etc (args);
  oc_sandbox_args_add (args, "--proc", "/proc", NULL);
  cover_proc (args);
  oc_sandbox_args_add (args, "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp",
                       "--perms", "0755", "--tmpfs", "/run", "--dir", "/var", "--symlink",
                       "../run", "/var/run", "--perms", "1777", "--tmpfs", "/var/tmp", "--perms",
                       "0700", "--tmpfs", plan->home, NULL);
  return add_passwd (args, plan, error) && add_names (args, plan, error);
}

/* --- The shim ----------------------------------------------------------------------- */

#define SHIM_DIR "/usr/local/bin"
#define SHIM_FALLBACK "/run/outcall/bin/outcall-agent"

char *
oc_sandbox_get_shim_path (void)
{
  return g_strdup (g_file_test (SHIM_DIR, G_FILE_TEST_IS_DIR) ? OUTCALL_SHIM_PATH : SHIM_FALLBACK);
}

/* The folder is part of a read-only tree, where no mount point can be made: an
 * empty one takes its place, with everything that was there. */
static gboolean
copy_shim_dir (OcSandboxArgs *args, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (SHIM_DIR, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  oc_sandbox_args_add (args, "--perms", "0755", "--tmpfs", SHIM_DIR, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (SHIM_DIR, name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL)
        oc_sandbox_args_add (args, "--symlink", target, path, NULL);
      else if (!oc_sandbox_copy_file (args, path))
        oc_sandbox_args_add (args, "--ro-bind", path, path, NULL);
    }
  return TRUE;
}

static gboolean
is_same_file (const char *a, const char *b)
{
  struct stat first;
  struct stat second;

  return stat (a, &first) == 0 && stat (b, &second) == 0 && first.st_dev == second.st_dev
         && first.st_ino == second.st_ino;
}

gboolean
oc_sandbox_add_shim (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error)
{
  g_autofree char *inside = oc_sandbox_get_shim_path ();
  gboolean in_tree = strcmp (inside, OUTCALL_SHIM_PATH) == 0;
  gboolean copied = FALSE;

  if (plan->shim == NULL || is_same_file (plan->shim, inside))
    return TRUE;
  if (in_tree && !g_file_test (inside, G_FILE_TEST_IS_REGULAR))
    {
      if (!copy_shim_dir (args, error))
        return FALSE;
      copied = TRUE;
    }
  oc_sandbox_args_add (args, "--ro-bind", plan->shim, inside, NULL);
  if (copied)
    oc_sandbox_args_add (args, "--remount-ro", SHIM_DIR, NULL);
  return TRUE;
}
