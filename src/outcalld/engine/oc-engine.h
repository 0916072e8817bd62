/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The container engine (Docker Engine, or Podman's service), spoken to over its
 * unix socket; no program is ever run for it. It may be absent, come, go and
 * restart at any time: the connection is the event stream, which is opened anew
 * until it stands. Everything is asynchronous. What it knows are containers,
 * images and networks of the engine; who is a workload is decided above.
 *
 * Its answers are bounded and read strictly, but believed: who controls the
 * engine controls the host. Thread: main.
 */

#include "common/oc-address.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

typedef struct OcEngine OcEngine;

typedef enum
{
  OC_ENGINE_DOCKER,
  OC_ENGINE_PODMAN,
} OcEngineKind;

#define OC_ENGINE_PING_MS 3000
#define OC_ENGINE_LABEL_MANAGED "managed-by"
#define OC_ENGINE_MANAGED_BY "outcalld" /* the label's value */

/* --- The connection ------------------------------------------------------------ */

typedef enum
{
  OC_ENGINE_CONNECTED, /* events come from now on; look at everything once */
  OC_ENGINE_LOST,
  OC_ENGINE_CONTAINER_STARTED,
  OC_ENGINE_CONTAINER_GONE,     /* ended or removed */
  OC_ENGINE_NETWORKS_CHANGED,   /* a container was connected to a network */
} OcEngineEvent;

/* @id: of the container, NULL when the event does not say; may be one of others */
typedef void (*OcEngineFunc) (OcEngineEvent event, const char *id, gpointer user_data);

/* @socket_path: (nullable): NULL takes the first that is there, each time it connects:
 * /run/docker.sock, /run/podman/podman.sock. Connects from the main loop. */
OcEngine *oc_engine_new (const char *socket_path, OcEngineFunc func, gpointer user_data);
/* Operations in flight are cancelled; their callbacks come still. */
void oc_engine_free (OcEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcEngine, oc_engine_free)

gboolean oc_engine_is_connected (OcEngine *engine);
OcEngineKind oc_engine_get_kind (OcEngine *engine);
/* "Docker 20.10.24 at /run/docker.sock", or why there is none. */
const char *oc_engine_get_description (OcEngine *engine);

/* --- Operations -------------------------------------------------------------------- */

/* The end of every operation below.
 * @out_data: (out) (optional) (nullable) (transfer full): the answer's JSON
 * G_IO_ERROR_NOT_INITIALIZED: there is no engine; G_IO_ERROR_NOT_FOUND, _EXISTS (name or
 * address is in use), _INVALID_ARGUMENT: the engine's own refusals; _TIMED_OUT. */
gboolean oc_engine_finish (GAsyncResult *result, JsonNode **out_data, GError **error);

/* @id: id or name */
void oc_engine_inspect_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                              gpointer user_data);
/* The ids of containers with the label, running or not. */
void oc_engine_list_async (OcEngine *engine, GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full) (nullable) (element-type utf8) */
GPtrArray *oc_engine_list_finish (GAsyncResult *result, GError **error);
/* @config: (transfer full): see oc_container_spec_to_json(). Answers an object with "Id". */
void oc_engine_create_async (OcEngine *engine, const char *name, JsonNode *config,
                             GAsyncReadyCallback callback, gpointer user_data);
/* Podman: makes the namespaces and the port, and the process waits. Docker cannot. */
void oc_engine_prepare_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                              gpointer user_data);
void oc_engine_start_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                            gpointer user_data);
/* SIGTERM, SIGKILL after @timeout_s; answers when it has ended. */
void oc_engine_stop_async (OcEngine *engine, const char *id, guint timeout_s,
                           GAsyncReadyCallback callback, gpointer user_data);
/* With its anonymous volumes; a running one is killed. */
void oc_engine_remove_async (OcEngine *engine, const char *id, GAsyncReadyCallback callback,
                             gpointer user_data);
void oc_engine_disconnect_async (OcEngine *engine, const char *id, const char *network,
                                 GAsyncReadyCallback callback, gpointer user_data);
void oc_engine_inspect_image_async (OcEngine *engine, const char *image,
                                    GAsyncReadyCallback callback, gpointer user_data);

/* @status: "Downloading"; @layer: (nullable); @current, @total: bytes, 0 when unknown */
typedef void (*OcEnginePullFunc) (const char *status, const char *layer, guint64 current,
                                  guint64 total, gpointer user_data);
/* @func: (nullable): called on the way */
void oc_engine_pull_async (OcEngine *engine, const char *image, OcEnginePullFunc func,
                           GAsyncReadyCallback callback, gpointer user_data);

/* What a container has written, at most the last @tail lines (0: all) and
 * OC_ENGINE_LOGS_MAX bytes. */
#define OC_ENGINE_LOGS_MAX (4 * 1024 * 1024)
void oc_engine_logs_async (OcEngine *engine, const char *id, guint tail,
                           GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full) (nullable): valid UTF-8 */
char *oc_engine_logs_finish (GAsyncResult *result, GError **error);

typedef struct
{
  const char *name;    /* "outcall-default" */
  const char *bridge;
  const char *subnet;  /* "10.200.0.0/24" */
  const char *gateway;
  const char *range;   /* "10.200.0.240/28": what the engine may give to containers of others */
} OcEngineNetwork;

/* The engine's network on our bridge: made when it is not there; one of this name
 * that is not on our bridge is G_IO_ERROR_EXISTS. Docker gives addresses in it,
 * Podman does not: there, Outcall sets them. */
void oc_engine_ensure_network_async (OcEngine *engine, const OcEngineNetwork *network,
                                     GAsyncReadyCallback callback, gpointer user_data);
/* Absent is fine, and one that others made stays. */
void oc_engine_remove_network_async (OcEngine *engine, const char *name,
                                     GAsyncReadyCallback callback, gpointer user_data);

/* What addresses a network of the engine's has, if it runs or not. */
typedef struct
{
  OcAddress address;
  guint prefix_len;
  char *owner; /* for messages: "Docker network 'ci'" */
} OcEngineSubnet;

/* Of all its networks but those that were made for us. */
void oc_engine_list_subnets_async (OcEngine *engine, GAsyncReadyCallback callback,
                                   gpointer user_data);
/* (transfer full) (nullable) (element-type OcEngineSubnet) */
GArray *oc_engine_list_subnets_finish (OcEngine *engine, GAsyncResult *result, GError **error);

/* --- What is said about a container ------------------------------------------------- */

/* What of the host is shown to a container. */
typedef struct
{
  char *source;
  char *destination;
  gboolean read_only;
} OcContainerBind;

/* A network that a container is on. */
typedef struct
{
  char *name;
  OcAddress address; /* family 0: none */
} OcContainerNetwork;

/* An inspected container. */
typedef struct
{
  char *id;
  char *name;    /* without the slash */
  char *image;   /* as asked for */
  char *command; /* joined by blanks */
  char *status;  /* "running", "exited", … */
  char *created; /* RFC 3339 */
  char *label_managed, *label_name, *label_network, *label_project; /* (nullable) each */
  char *network_mode, *pid_mode, *ipc_mode, *userns_mode, *uts_mode, *cgroupns_mode;
  char *user;
  char **env;
  char **dns;
  char **cap_add;
  char **security_opt;
  char **sources;     /* host paths that are mounted */
  GPtrArray *networks; /* (element-type OcContainerNetwork) */
  gboolean running;
  gboolean privileged;
  gboolean publishes_ports;
  gboolean has_devices;
  gboolean oom_killed;
  gint64 exit_code;
  pid_t pid; /* 0: none */
} OcContainer;

void oc_container_free (OcContainer *container);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcContainer, oc_container_free)
/* G_IO_ERROR_INVALID_DATA: it lacks what an inspected container has. (transfer full) */
OcContainer *oc_container_from_json (JsonNode *node, GError **error);
/* Why a container that somebody else made must not get a lease, NULL when it may.
 * @gateway: what its DNS must be. @protected_paths: see oc_container_bind_parse().
 * @agent: (nullable): Outcall's own bind, which is fine
 * (transfer full) (nullable) */
char *oc_container_find_objection (const OcContainer *container, OcEngineKind kind,
                                   const char *network, const char *gateway,
                                   const char *const *protected_paths,
                                   const OcContainerBind *agent);

/* --- What a container is made from ---------------------------------------------------- */

#define OC_CONTAINER_MEMORY_MIN (6 * 1024 * 1024)
#define OC_CONTAINER_CPU_SHARES_MIN 2
#define OC_CONTAINER_LIST_MAX 1024 /* words of a command, variables, binds: each */

void oc_container_bind_free (OcContainerBind *bind);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcContainerBind, oc_container_bind_free)
/* @spec: "source:destination[:options]"; options: ro or rw.
 * @protected_paths: what no source may be, hold, lie in or lead to.
 * (transfer full) (nullable) */
OcContainerBind *oc_container_bind_parse (const char *spec, const char *const *protected_paths,
                                          GError **error);

/* Whether @uid owns what is shown. */
gboolean oc_container_bind_is_owned (const OcContainerBind *bind, uid_t uid);

/* What may be the name of an image. G_IO_ERROR_INVALID_ARGUMENT */
gboolean oc_container_image_is_valid (const char *image, GError **error);

/* Everything that is asked for, and what Outcall decided. Strings are borrowed. */
typedef struct
{
  const char *name;
  const char *image;
  const char *const *command; /* (nullable): the image's own */
  const char *const *env;     /* (nullable): "K=V" */
  const char *working_dir;    /* (nullable) */
  const char *user;           /* "UID:GID", checked */
  const char *project;        /* (nullable) */
  GPtrArray *binds;           /* (element-type OcContainerBind) */
  guint64 memory_bytes;
  guint64 cpu_shares;
  guint64 pids;
  const char *network;
  const char *gateway;
  const char *address;
  const char *mac;
  guint16 proxy_port;       /* 0: none */
  const OcContainerBind *agent; /* (nullable): see oc_container_bind_agent() */
  gboolean trusts_ca;           /* the certificates to trust lie beside the agent socket */
  const char *shim;             /* (nullable): to be bound in */
} OcContainerSpec;

/* "UID:GID", both numeric, neither 0. */
gboolean oc_container_user_is_valid (const char *user);
/* G_IO_ERROR_INVALID_ARGUMENT for what must not be passed on. */
gboolean oc_container_spec_check (const OcContainerSpec *spec, GError **error);
/* The engine's configuration with every hardening. (transfer full) */
JsonNode *oc_container_spec_to_json (const OcContainerSpec *spec, OcEngineKind kind);
/* How the agent socket @path is shown to containers. The daemon makes a new socket when it
 * starts again: where @path is a link into a folder of the socket's own, the folder is
 * shown. What it leads to must be a real socket. (transfer full) */
OcContainerBind *oc_container_bind_agent (const char *path, GError **error);
/* A real static program, no link. G_IO_ERROR_NOT_FOUND: absent. */
gboolean oc_container_check_shim (const char *path, GError **error);
