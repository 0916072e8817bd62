/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Workloads: who is alive, under which name, at which address. Attaching ties
 * the identity to kernel facts (network namespace, bridge port, MAC, address);
 * the end of the sandbox's process removes all of it. The table is written to
 * the state directory and rebuilt from it and from the live namespaces when the
 * daemon starts again. Thread: main.
 */

#include "engine/oc-engine.h"
#include "log/oc-log.h"
#include "network/oc-network.h"
#include "snapshot/oc-snapshot.h"

typedef struct OcWorkloads OcWorkloads;
typedef struct OcWorkload OcWorkload;

#define OC_WORKLOAD_NAME_MAX 63 /* [A-Za-z0-9][A-Za-z0-9._-]* */

typedef enum
{
  OC_RUNTIME_NATIVE,
  OC_RUNTIME_ENGINE,
} OcRuntime;

/* Who asks, from SO_PEERCRED. */
typedef struct
{
  pid_t pid;
  uid_t uid;
  gid_t gid;
} OcPeer;

typedef struct
{
  const char *name;    /* (nullable): NULL makes one from the command */
  const char *project; /* (nullable) */
  const char *command; /* (nullable): for listings */
  pid_t pid;           /* first process of the sandbox, as the daemon sees it */
  /* What no rule is about is let through, but no private address. Until the daemon ends: one
   * that starts anew knows nothing of it. */
  gboolean learning;
} OcNativeRequest;

OcWorkloads *oc_workloads_new (const char *state_dir, OcNetworks *networks, OcFirewall *firewall,
                               OcSnapshotHub *hub, GError **error);
void oc_workloads_free (OcWorkloads *workloads); /* workloads go on living */

/* Reads the state file, keeps what is still alive, and puts bridges and leases
 * into the kernel in one transaction (oc_firewall_replace()). Called once
 * before anything is served. */
gboolean oc_workloads_restore (OcWorkloads *workloads, GError **error);

/* Checks that the process belongs to @peer and lives in a fresh network namespace
 * that @peer owns, then attaches it. G_IO_ERROR_EXISTS: name in use;
 * G_IO_ERROR_PERMISSION_DENIED: not the caller's process or namespace. */
OcWorkload *oc_workloads_attach_native (OcWorkloads *workloads, const OcPeer *peer,
                                        const OcNativeRequest *request, GError **error);

/* SIGTERM now, SIGKILL after @timeout_s. For containers, the answer waits for the end. */
void oc_workloads_stop_async (OcWorkloads *workloads, const char *name, guint timeout_s,
                              GAsyncReadyCallback callback, gpointer user_data);
/* @out_stopped: (optional): FALSE for a container that was not running
 * G_IO_ERROR_NOT_FOUND: neither a workload nor a container of ours. */
gboolean oc_workloads_stop_finish (GAsyncResult *result, gboolean *out_stopped, GError **error);
/* What a container has written; G_IO_ERROR_NOT_SUPPORTED for sandboxes, which write to
 * their caller. (transfer full) (nullable) */
void oc_workloads_logs_async (OcWorkloads *workloads, const char *name, guint tail,
                              GAsyncReadyCallback callback, gpointer user_data);
char *oc_workloads_logs_finish (GAsyncResult *result, GError **error);

OcWorkload *oc_workloads_lookup (OcWorkloads *workloads, const char *name);
/* By network namespace inode, for the agent socket. One whose process has ended is none, even if
 * the main loop has yet to see that: the kernel gives its inode to the next namespace at once. */
OcWorkload *oc_workloads_lookup_netns (OcWorkloads *workloads, guint64 netns_inode);
/* (transfer container) (element-type OcWorkload) */
GPtrArray *oc_workloads_list (OcWorkloads *workloads);

/* --- Containers ------------------------------------------------------------------ */

typedef struct
{
  const char *socket;       /* (nullable): found */
  const char *agent_socket; /* (nullable): on the host, shown to containers */
  gboolean trusts_ca;       /* with what containers are to trust beside it */
  const char *shim;         /* (nullable): the same */
  const char *host_socket;  /* protected */
  const char *state_dir, *rules_dir; /* protected */
  guint16 proxy_port;       /* 0: none */
  OcLog *log;               /* (nullable): verdicts about creations */
} OcWorkloadEngineOptions;

/* Looks for the engine from now on, takes containers on that belong here, and lets
 * others be created. After oc_workloads_restore(). */
void oc_workloads_use_engine (OcWorkloads *workloads, const OcWorkloadEngineOptions *options);
/* (nullable) (transfer none) */
OcEngine *oc_workloads_get_engine (OcWorkloads *workloads);
/* A living container by the engine's id. (nullable) (transfer none) */
OcWorkload *oc_workloads_lookup_container (OcWorkloads *workloads, const char *id);
/* Whether something alive, or a container on its way, is on @network. */
gboolean oc_workloads_use_network (OcWorkloads *workloads, OcNetwork *network);
/* The network @name is destroyed: the engine's one on it goes, too, in its own time. */
void oc_workloads_network_destroyed (OcWorkloads *workloads, const char *name);

typedef struct
{
  const char *name;  /* (nullable): "outcall-" and 8 random digits */
  const char *image;
  const char *const *command; /* (nullable) */
  const char *const *env;     /* (nullable) */
  const char *const *binds;   /* (nullable): "source:destination[:ro|rw]" */
  const char *network;        /* (nullable): the default one */
  const char *working_dir;    /* (nullable) */
  const char *user;           /* (nullable): "65532:65532" */
  const char *project;        /* (nullable) */
  guint64 memory_bytes, cpu_shares, pids; /* 0: the default */
  gboolean no_agent; /* without agent socket and shim */
} OcContainerRequest;

/* Makes a container and starts it. Its lease is in force before its first packet. Refusals
 * come before the engine is asked; after a failure nothing is left in it.
 * G_IO_ERROR_PERMISSION_DENIED: by a rule, or a protected path. */
void oc_workloads_create_container_async (OcWorkloads *workloads, const OcPeer *peer,
                                          const OcContainerRequest *request,
                                          GAsyncReadyCallback callback, gpointer user_data);
/* (transfer none) (nullable): valid until the main loop goes on */
OcWorkload *oc_workloads_create_container_finish (GAsyncResult *result, GError **error);

/* A container with the label, running or not. (transfer full)
 * G_IO_ERROR_NOT_FOUND: there is none of this name. */
void oc_workloads_inspect_container_async (OcWorkloads *workloads, const char *name,
                                           GAsyncReadyCallback callback, gpointer user_data);
OcContainer *oc_workloads_inspect_container_finish (GAsyncResult *result, GError **error);
/* All of them. (transfer full) (element-type OcContainer) */
void oc_workloads_list_containers_async (OcWorkloads *workloads, GAsyncReadyCallback callback,
                                         gpointer user_data);
GPtrArray *oc_workloads_list_containers_finish (GAsyncResult *result, GError **error);
/* @out_removed: FALSE: there was none */
void oc_workloads_remove_container_async (OcWorkloads *workloads, const char *name,
                                          GAsyncReadyCallback callback, gpointer user_data);
gboolean oc_workloads_remove_container_finish (GAsyncResult *result, gboolean *out_removed,
                                               GError **error);

/* --- A workload ------------------------------------------------------------------- */

OcIdentity *oc_workload_get_identity (OcWorkload *workload);
OcRuntime oc_workload_get_runtime (OcWorkload *workload);
OcNetwork *oc_workload_get_network (OcWorkload *workload);
const OcLease *oc_workload_get_lease (OcWorkload *workload);
const char *oc_workload_get_command (OcWorkload *workload);
pid_t oc_workload_get_pid (OcWorkload *workload);
uid_t oc_workload_get_uid (OcWorkload *workload);
gint64 oc_workload_get_started_us (OcWorkload *workload); /* since the epoch */

/* Called after a workload came or went. */
typedef void (*OcWorkloadFunc) (OcWorkload *workload, gboolean alive, gpointer user_data);
void oc_workloads_add_listener (OcWorkloads *workloads, OcWorkloadFunc func, gpointer user_data);
void oc_workloads_remove_listener (OcWorkloads *workloads, gpointer user_data);
