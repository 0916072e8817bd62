/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The table and its entries, shared by the files of this folder. */

#include "workload/oc-workload.h"

#include "netlink/oc-netlink.h"
#include "workload/oc-workload-process.h"

#define OC_WORKLOAD_ID_BYTES 16 /* random; twice as many digits */

/* What differs between the two kinds of workloads. */
typedef struct
{
  const char *word; /* in the state file */
  /* Takes what the kernel holds of it away; TRUE when nothing is left. */
  gboolean (*leave) (OcWorkload *workload, GError **error);
  /* Whether @port is its way out still, for a daemon that starts again. */
  gboolean (*has_port) (OcNetwork *network, const OcLease *lease, int netns_fd);
  /* @task: (transfer full): returns a boolean, when it has ended or is about to */
  void (*stop) (OcWorkload *workload, guint timeout_s, GTask *task);
  /* @task: (transfer full): returns a string */
  void (*logs) (OcWorkload *workload, guint tail, GTask *task);
} OcRuntimeOps;

extern const OcRuntimeOps oc_runtime_native;
extern const OcRuntimeOps oc_runtime_engine;
const OcRuntimeOps *oc_runtime_get_ops (OcRuntime runtime);

struct OcWorkload
{
  OcWorkloads *owner;
  const OcRuntimeOps *ops;
  OcIdentity *identity;
  OcRuntime runtime;
  OcNetwork *network;
  OcLease lease;
  char *command;
  pid_t pid;
  int pidfd;
  uid_t uid;
  guint64 start_ticks;
  guint64 netns_inode;
  gint64 started_us;
  GSource *end_watch;   /* (nullable): the pidfd */
  GSource *kill_timer;  /* (nullable): SIGKILL after a stop */
  GSource *retry_timer; /* (nullable): it has ended, but the kernel refused to forget it */
};

typedef struct OcContainers OcContainers;

/* A container that is not alive yet, but has its name, its address and its identity. */
typedef struct
{
  const char *name;
  const char *id;       /* (nullable): of the engine */
  OcIdentity *identity; /* (nullable) */
  OcNetwork *network;
} OcStarting;

typedef struct
{
  OcWorkloadFunc func;
  gpointer user_data;
} OcWorkloadListener;

struct OcWorkloads
{
  int state_dir_fd;
  OcNetworks *networks;
  OcFirewall *firewall;
  OcSnapshotHub *hub;
  GHashTable *by_name;  /* name (borrowed) → OcWorkload (owned): the living */
  GHashTable *by_netns; /* &netns_inode → OcWorkload, borrowed */
  GPtrArray *ended;     /* (element-type OcWorkload), owned: still to be removed from the kernel */
  GPtrArray *starting;  /* (element-type OcStarting), borrowed: containers on their way */
  OcContainers *containers; /* (nullable): no engine is used */
  GArray *listeners; /* of OcWorkloadListener */
};

/* --- oc-workload.c --------------------------------------------------------- */

/* What a new entry is made of; strings are copied. */
typedef struct
{
  OcRuntime runtime;
  const char *name, *id, *image, *project, *command;
  OcIdentity *identity; /* (nullable): made from the rest */
  OcNetwork *network;
  const OcLease *lease;
  pid_t pid;
  uid_t uid;
  guint64 start_ticks, netns_inode;
  gint64 started_us;
  gboolean learning;
} OcWorkloadSeed;

/* @pidfd: taken. The entry is in no table yet. */
OcWorkload *oc_workload_new (OcWorkloads *owner, const OcWorkloadSeed *seed, int pidfd);
void oc_workload_free (OcWorkload *workload);
/* Into the tables, and its end is watched from now on. (transfer full) */
void oc_workloads_insert (OcWorkloads *workloads, OcWorkload *workload);
/* Out of the tables without touching the kernel; undoes the insertion. */
void oc_workloads_forget (OcWorkloads *workloads, OcWorkload *workload);
/* Into tables and state file and out to the data plane, or nothing of it. */
gboolean oc_workloads_enter (OcWorkloads *workloads, OcWorkload *workload, GError **error);
/* Makes an identity with a free slot; see oc_identity_new(). */
OcIdentity *oc_workloads_make_identity (OcWorkloads *workloads, const OcWorkloadSeed *seed);
/* Alive or starting; also as a function for oc_workload_name_make(). One of this name whose
 * process has ended is ended now. */
gboolean oc_workloads_name_is_taken (const char *name, gpointer workloads);
/* The same for the one in this network namespace. */
gboolean oc_workloads_netns_is_taken (OcWorkloads *workloads, guint64 netns_inode);
/* It has ended: out of the tables, then out of the kernel. Frees it. */
void oc_workload_end (OcWorkload *workload);
/* SIGTERM to it and to what it started, SIGKILL after @timeout_s. */
gboolean oc_workload_signal (OcWorkload *workload, guint timeout_s, GError **error);
void oc_workloads_tell (OcWorkload *workload, gboolean alive);
/* Hands the living identities, and those that are starting, to the data plane. */
void oc_workloads_publish (OcWorkloads *workloads);

/* --- oc-workload-state.c --------------------------------------------------- */

/* One entry of the state file as it was read. */
typedef struct
{
  OcRuntime runtime;
  char *name, *id, *image, *project, *command, *network;
  OcLease lease;
  pid_t pid;
  uid_t uid;
  guint64 start_ticks, netns_inode;
  gint64 started_us;
} OcWorkloadRecord;

void oc_workload_record_free (OcWorkloadRecord *record);

/* Writes the living as a whole: a reader sees the old file or the new one. */
gboolean oc_workload_state_save (OcWorkloads *workloads, GError **error);
/* (transfer full) (element-type OcWorkloadRecord): empty when there is no file
 * or it is of an earlier boot; NULL when it cannot be read or understood. */
GPtrArray *oc_workload_state_load (OcWorkloads *workloads, GError **error);

/* --- oc-workload-lease.c ------------------------------------------------------ */

/* @out: 2 * @n + 1 bytes */
gboolean oc_workload_make_random_hex (gsize n, char *out, GError **error);
/* Address and MAC; the port's name is the caller's. Undone by oc_network_release(). */
gboolean oc_workload_make_lease (OcNetwork *network, OcLease *out, GError **error);
/* Out of the firewall; the address stays taken when that fails. */
void oc_workload_undo_lease (OcWorkloads *workloads, OcNetwork *network, const OcLease *lease);
void oc_workload_format_mac (const guint8 mac[6], char text[18]);

/* --- oc-workload-engine.c ------------------------------------------------------ */

struct OcContainers
{
  OcWorkloads *workloads;
  OcEngine *engine;
  OcWorkloadEngineOptions options; /* strings owned */
  char **protected_paths;
  OcLogProducer *producer; /* (nullable) */
  GHashTable *adopting;    /* ids that are being looked at; TRUE: again after that */
};

OcContainers *oc_containers_new (OcWorkloads *workloads, const OcWorkloadEngineOptions *options);
void oc_containers_free (OcContainers *containers);
/* G_IO_ERROR_NOT_INITIALIZED: there is no engine. */
OcContainers *oc_containers_require (OcWorkloads *workloads, GError **error);

/* --- oc-workload-adopt.c ------------------------------------------------------- */

/* A container of whoever has begun or changed: takes it on when it is one of ours. */
void oc_containers_look_at (OcContainers *containers, const char *id);
/* All of them: after the engine came back. */
void oc_containers_resync (OcContainers *containers);
/* The process of @container, its namespace and its port, as the kernel has them.
 * @process: initialised; @out_port: the port whose other end is in there */
gboolean oc_container_find_process (const OcContainer *container, OcNetwork *network,
                                    OcSandboxProcess *process, OcForeignPort *out_port,
                                    GError **error);
