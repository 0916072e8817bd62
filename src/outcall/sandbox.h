/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The native sandbox: what a confined command may see (the plan), bubblewrap's
 * arguments for it, and running it. The network is the daemon's part and comes
 * in by a callback while the sandbox waits. One thread.
 */

#include <gio/gio.h>

/* --- What is shown of the host (sandbox-paths.c) ----------------------------- */

/* A file or folder of the host that the user asked for. What was checked is
 * held by @fd, so it cannot be exchanged before bubblewrap binds it. */
typedef struct
{
  int fd; /* O_PATH */
  char *source; /* what it is of, without links */
  char *destination;
  gboolean read_only;
} OcSandboxBind;

void oc_sandbox_bind_free (OcSandboxBind *bind);
/* @spec: "SRC[:DST][:ro]". Refused: what is, holds or lies in a protected path
 * (the daemon's sockets, engine sockets, its state and rules, /proc, /sys), and
 * destinations that would cover what confines the command.
 * @host_socket: protected as well. (transfer full) */
OcSandboxBind *oc_sandbox_bind_parse (const char *spec, const char *host_socket, GError **error);
/* Whether the file or folder at @real, its links resolved, is none of the @more (nullable)
 * protected paths either. */
gboolean oc_sandbox_check_shown (const char *real, const char *const *more, GError **error);
/* The same check for the folder the command starts in.
 * Returns: an O_PATH fd, or -1 with @error. */
int oc_sandbox_open_source (const char *path, const char *host_socket, char **out_real_path,
                            GError **error);

/* --- Limits (sandbox-limits.c) ---------------------------------------------------- */

/* Smaller ones would not hold bubblewrap itself. */
#define OC_SANDBOX_MEMORY_MIN_BYTES (6 * 1024 * 1024)
#define OC_SANDBOX_PIDS_MIN 4

/* Of a sandbox with everything in it, bubblewrap's two processes included; 0: none. */
typedef struct
{
  guint64 memory_bytes;
  guint64 pids;
  guint32 cpu_percent; /* of one CPU: 150 is one and a half */
} OcSandboxLimits;

gboolean oc_sandbox_limits_are_set (const OcSandboxLimits *limits);
/* Puts the process @pid, which has no children yet, into a cgroup with @limits.
 * @out_group: (out) (transfer full) (nullable): the group's folder when it is ours to remove
 * Returns: FALSE with @error, a line for people, when they cannot be had here; @out_group may
 *   be set even then. */
gboolean oc_sandbox_limit (const OcSandboxLimits *limits, pid_t pid, char **out_group,
                           GError **error);
/* Removes @group when its last process has ended; waits a second at most. */
void oc_sandbox_unlimit (const char *group);

/* --- The plan ------------------------------------------------------------------ */

typedef struct
{
  int project_fd;      /* O_PATH of the folder the command starts in; -1: none is shown */
  const char *project; /* (nullable): its path, the same inside */
  const char *home;    /* path of the empty home */
  GPtrArray *binds;    /* (element-type OcSandboxBind) */
  const char *const *writable; /* (nullable): names below the project that are not protected */
  const char *const *extra_env; /* "K=V", last wins */
  const char *gateway;
  guint16 proxy_port;       /* 0: no proxy */
  const char *shim;         /* (nullable): path of outcall-agent on the host */
  const char *agent_socket; /* (nullable): on the host */
  gboolean trusts_ca;       /* beside it lies what to trust */
  char *const *command;
  gboolean is_root;
  OcSandboxLimits limits;
  int lock_fd; /* by oc_sandbox_prepare_project() */
  guint64 held; /* 1 << entry of its table: names that were not there */
  gboolean had_repository;
  guint64 restore_signals; /* 1 << signal: set back to their default before the command */
} OcSandboxPlan;

/* Arguments and the descriptors that they name. */
typedef struct
{
  GPtrArray *args; /* (element-type utf8), without the program and "--" */
  GArray *fds;     /* (element-type int), owned: to be inherited by bubblewrap */
  char fd_text[16];
} OcSandboxArgs;

OcSandboxArgs *oc_sandbox_args_new (void);
void oc_sandbox_args_free (OcSandboxArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcSandboxArgs, oc_sandbox_args_free)
void oc_sandbox_args_add (OcSandboxArgs *args, ...) G_GNUC_NULL_TERMINATED;
/* Takes @fd. Returns: its number as text, until the next call. */
const char *oc_sandbox_args_take_fd (OcSandboxArgs *args, int fd);
/* A descriptor to read @data from. NULL with @error. */
const char *oc_sandbox_args_add_data (OcSandboxArgs *args, const char *name, const void *data,
                                      gsize len, GError **error);

/* The whole file view, environment and namespaces of @plan (sandbox-args.c). */
gboolean oc_sandbox_build (const OcSandboxPlan *plan, OcSandboxArgs *args, GError **error);
/* Its parts: sandbox-env.c, sandbox-system.c, sandbox-project.c, sandbox-seccomp.c. */
GPtrArray *oc_sandbox_make_env (const OcSandboxPlan *plan, char **host_env);
gboolean oc_sandbox_add_system (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error);
gboolean oc_sandbox_add_project (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error);
/* The binds that go into the project, or the others. */
gboolean oc_sandbox_add_binds (OcSandboxArgs *args, const OcSandboxPlan *plan, gboolean in_project,
                               GError **error);
gboolean oc_sandbox_add_seccomp (OcSandboxArgs *args, GError **error);

/* What the host would run or obey from the project later is read-only inside
 * (sandbox-project.c). Before the sandbox is built: names that do not exist are held by empty
 * files and folders. Waits a second at most, for another who lets them go. */
gboolean oc_sandbox_prepare_project (OcSandboxPlan *plan, GError **error);
/* After it has ended: lets them go, unless another sandbox runs in the project. */
void oc_sandbox_tidy_project (OcSandboxPlan *plan);
/* Whether the command has made a git repository of the project: one that was not there could
 * not be protected. */
gboolean oc_sandbox_made_repository (const OcSandboxPlan *plan);
/* Whether @name, relative to the project, is one that `--writable` may give up. */
gboolean oc_sandbox_is_protected (const char *name);

/* Copies into the sandbox's read-only root (sandbox-copy.c): far cheaper than a
 * mount, but not following what happens to the file later.
 * @perms: octal. Returns: FALSE with @error for want of resources. */
gboolean oc_sandbox_copy_data (OcSandboxArgs *args, const char *path, const char *perms,
                               const char *data, gsize len, GError **error);
/* The host's file at the same @path; left out when it is not there or cannot be read.
 * Returns: FALSE when it is no file, or a large one that is better mounted. */
gboolean oc_sandbox_copy_file (OcSandboxArgs *args, const char *path);
/* A folder at the same @path: copied when it is small, else mounted read-only. */
void oc_sandbox_show_tree (OcSandboxArgs *args, const char *path);

/* Where the shim is inside; the mount is made by oc_sandbox_add_shim(). (transfer full) */
char *oc_sandbox_get_shim_path (void);
gboolean oc_sandbox_add_shim (OcSandboxArgs *args, const OcSandboxPlan *plan, GError **error);

/* A file that is there inside only; a nested `outcall run` knows by it where it is. */
#define OC_SANDBOX_MARK "/.outcallenv"

/* --- Running (sandbox-run.c) ---------------------------------------------------- */

/* Attaches the network of the waiting sandbox whose first process is @pid.
 * Returns: FALSE with @error: the command will not run. */
typedef gboolean (*OcSandboxAttachFunc) (pid_t pid, gpointer user_data, GError **error);

/* Builds the sandbox, has it attached, lets it run, waits.
 * Returns: the command's exit code, 128 + its signal, or -1 with @error. */
int oc_sandbox_run (OcSandboxPlan *plan, OcSandboxAttachFunc attach, gpointer user_data,
                    GError **error);
/* Why sandboxes cannot be made here and what to do about it, or NULL when
 * nothing is known (sandbox-diagnose.c). (transfer full) */
char *oc_sandbox_diagnose (void);
