/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A container from nothing to a workload. Nothing is asked of the engine before
 * every check has passed; whatever fails after that takes all of it back.
 *
 *   checks → policy → image there? → network there → address → create
 *     Podman: prepare (process waits) → port found by its namespace → lease → start
 *     Docker: start; its new port is found by the MAC as soon as it runs, which is
 *             before the container's process does → lease; found again by its
 *             namespace when the engine has answered
 *   → table
 */
#include "config.h"

#include "workload/oc-workload-name.h"
#include "workload/oc-workload-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "outcall-api/constants.h"

#include <string.h>

#define NAME_RANDOM_BYTES 4
#define DEFAULT_USER "65532:65532"

typedef struct
{
  OcContainers *containers; /* borrowed: an operation of a freed engine is cancelled */
  GTask *task;
  OcStarting starting;
  OcContainerSpec spec; /* its strings are owned here: */
  char *name, *image, *working_dir, *user, *project;
  char **command, **env;
  GPtrArray *binds;
  OcContainerBind *agent; /* (nullable) */
  char gateway[OC_ADDRESS_TEXT_MAX], address[OC_ADDRESS_TEXT_MAX], mac[18];
  OcNetwork *network;
  OcLease lease;
  gboolean has_address, has_lease;
  char *id; /* (nullable): the container is there */
  OcNetlinkWatch *watch;
  guint32 newest_link; /* before it was started */
  GHashTable *rejected;
  GError *failure; /* (nullable): being undone */
} Create;

static void start (Create *create);

static void
create_free (Create *create)
{
  g_clear_pointer (&create->watch, oc_netlink_watch_free);
  g_clear_pointer (&create->rejected, g_hash_table_unref);
  oc_identity_unref (create->starting.identity);
  g_free (create->name);
  g_free (create->image);
  g_free (create->working_dir);
  g_free (create->user);
  g_free (create->project);
  g_strfreev (create->command);
  g_strfreev (create->env);
  g_clear_pointer (&create->binds, g_ptr_array_unref);
  oc_container_bind_free (create->agent);
  g_free (create->id);
  g_clear_error (&create->failure);
  g_object_unref (create->task);
  g_free (create);
}

static void
leave_starting (Create *create)
{
  g_ptr_array_remove_fast (create->containers->workloads->starting, &create->starting);
}

/* --- Undo ---------------------------------------------------------------------------- */

static void
give_back_address (Create *create)
{
  OcWorkloads *workloads = create->containers->workloads;

  if (create->has_lease)
    oc_workload_undo_lease (workloads, create->network, &create->lease);
  else if (create->has_address)
    oc_network_release (create->network, &create->lease.address);
  create->has_lease = create->has_address = FALSE;
}

static void
return_failure (Create *create)
{
  give_back_address (create);
  leave_starting (create);
  oc_workloads_publish (create->containers->workloads);
  g_task_return_error (create->task, g_steal_pointer (&create->failure));
  create_free (create);
}

static void
on_undone (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  g_autoptr (GError) error = NULL;

  if (!oc_engine_finish (result, NULL, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          g_task_return_error (create->task, g_steal_pointer (&error));
          create_free (create); /* the table is gone */
          return;
        }
      g_prefix_error (&create->failure, "container %s could not be removed again (%s) after: ",
                      create->name, error->message);
    }
  return_failure (create);
}

/* @error: (transfer full) */
static void
fail (Create *create, GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (create->task, error);
      create_free (create);
      return;
    }
  create->failure = error;
  g_clear_pointer (&create->watch, oc_netlink_watch_free);
  if (create->id != NULL)
    oc_engine_remove_async (create->containers->engine, create->id, on_undone, create);
  else
    return_failure (create);
}

/* --- The port -------------------------------------------------------------------------- */

/* The lease is in force, and the address has a name, when this returns TRUE. */
static gboolean
take_port (Create *create, const OcForeignPort *port, GError **error)
{
  OcWorkloads *workloads = create->containers->workloads;

  g_strlcpy (create->lease.port, port->name, sizeof create->lease.port);
  if (!oc_firewall_add_lease (workloads->firewall, &create->lease, error))
    return FALSE;
  create->has_lease = TRUE;
  return oc_network_adopt (create->network, port->name, create->lease.mac, &create->lease.address,
                           error);
}

/* Docker: something has changed among the links. */
static void
on_links (OcNetlinkKinds kinds, gpointer user_data)
{
  Create *create = user_data;
  g_autoptr (GError) error = NULL;
  OcForeignPort port;

  if (create->has_lease || create->failure != NULL
      || !oc_network_find_new_port (create->network, create->lease.mac, create->newest_link,
                                    create->rejected, &port))
    return;
  if (!take_port (create, &port, &error))
    g_warning ("container %s: %s", create->name, error->message); /* told when it has started */
}

static gboolean
enter (Create *create, const OcContainer *container, OcSandboxProcess *process, GError **error)
{
  OcWorkloads *workloads = create->containers->workloads;
  const OcWorkloadSeed seed
      = { .runtime = OC_RUNTIME_ENGINE, .name = create->name, .id = create->id,
          .image = create->image, .project = create->project, .command = container->command,
          .identity = create->starting.identity, .network = create->network,
          .lease = &create->lease, .pid = process->pid, .uid = process->uid,
          .start_ticks = process->start_ticks, .netns_inode = process->netns_inode,
          .started_us = g_get_real_time () };
  OcWorkload *workload
      = oc_workload_new (workloads, &seed, oc_fd_steal (&process->pidfd));

  leave_starting (create);
  if (oc_workloads_enter (workloads, workload, error))
    return TRUE;
  g_ptr_array_add (workloads->starting, &create->starting);
  oc_workload_free (workload);
  return FALSE;
}

/* The kernel's view of the container that has a process now. */
static gboolean
tie (Create *create, const OcContainer *container, GError **error)
{
  g_auto (OcSandboxProcess) process = OC_SANDBOX_PROCESS_INIT;
  gboolean podman = oc_engine_get_kind (create->containers->engine) == OC_ENGINE_PODMAN;
  OcForeignPort port;

  if (!oc_container_find_process (container, create->network, &process, &port, error))
    return oc_prefix (error, "container %s", create->name);
  if (memcmp (port.mac, create->lease.mac, sizeof port.mac) != 0)
    return oc_throw (error, "container %s: the engine gave it another MAC", create->name);
  if (create->has_lease && strcmp (port.name, create->lease.port) != 0)
    return oc_throw (error, "container %s: another port has its MAC", create->name);
  if (!create->has_lease && !take_port (create, &port, error))
    return FALSE;
  if (podman
      && !oc_network_set_up_inside (create->network, process.netns_fd, port.inside,
                                    &create->lease.address, error))
    return FALSE;
  return enter (create, container, &process, error);
}

/* --- The end ------------------------------------------------------------------------------ */

static void
succeed (Create *create)
{
  OcWorkload *workload
      = oc_workloads_lookup_container (create->containers->workloads, create->id);

  /* It may have ended already: that is not the creation's failure. */
  if (workload != NULL)
    oc_workloads_tell (workload, TRUE);
  /* Somebody may have connected it to another network meanwhile. */
  oc_containers_look_at (create->containers, create->id);
  g_task_return_pointer (create->task, workload, NULL);
  create_free (create);
}

static void
on_podman_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  OcWorkload *workload;
  GError *error = NULL;

  if (oc_engine_finish (result, NULL, &error))
    {
      succeed (create);
      return;
    }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      /* It was a workload for a moment: this takes table, lease and address back. */
      workload = oc_workloads_lookup_container (create->containers->workloads, create->id);
      if (workload != NULL)
        oc_workload_end (workload);
      create->has_lease = create->has_address = FALSE;
      g_ptr_array_add (create->containers->workloads->starting, &create->starting);
    }
  fail (create, error);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  OcEngine *engine = create->containers->engine;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OcContainer) container = NULL;
  GError *error = NULL;

  if (oc_engine_finish (result, &data, &error))
    container = oc_container_from_json (data, &error);
  if (container != NULL && oc_engine_get_kind (engine) == OC_ENGINE_DOCKER && !container->running)
    (void) oc_throw (&error, "container %s ended at once with exit code %d; outcall logs is of no "
                     "use any more, try its command in the image by hand",
                     create->name, (int) container->exit_code);
  if (container == NULL || error != NULL || !tie (create, container, &error))
    fail (create, error);
  else if (oc_engine_get_kind (engine) == OC_ENGINE_PODMAN)
    oc_engine_start_async (engine, create->id, on_podman_started, create);
  else
    succeed (create);
}

/* Docker: started. Podman: prepared. */
static void
on_begun (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  GError *error = NULL;

  if (!oc_engine_finish (result, NULL, &error))
    fail (create, error);
  else
    oc_engine_inspect_async (create->containers->engine, create->id, on_inspected, create);
}

static void
start (Create *create)
{
  OcEngine *engine = create->containers->engine;
  GError *error = NULL;

  if (oc_engine_get_kind (engine) == OC_ENGINE_PODMAN)
    {
      oc_engine_prepare_async (engine, create->id, on_begun, create);
      return;
    }
  create->newest_link = oc_network_get_newest_link (create->network);
  create->rejected = g_hash_table_new (NULL, NULL);
  create->watch = oc_netlink_watch_new (OC_NETLINK_LINKS, on_links, create, &error);
  if (create->watch == NULL)
    fail (create, error);
  else
    oc_engine_start_async (engine, create->id, on_begun, create);
}

/* --- Create ---------------------------------------------------------------------------------- */

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  OcWorkloads *workloads;
  g_autoptr (JsonNode) data = NULL;
  GError *error = NULL;
  OcWorkloadSeed seed;
  const char *id = NULL;

  if (oc_engine_finish (result, &data, &error))
    {
      if (JSON_NODE_HOLDS_OBJECT (data)
          && json_object_has_member (json_node_get_object (data), "Id"))
        id = json_object_get_string_member (json_node_get_object (data), "Id");
      if (id == NULL)
        (void) oc_throw (&error, "the engine did not say which container it made");
    }
  if (id == NULL)
    {
      fail (create, error);
      return;
    }
  workloads = create->containers->workloads;
  create->starting.id = create->id = g_strdup (id);
  seed = (OcWorkloadSeed) { .name = create->name, .id = id, .image = create->image,
                            .project = create->project, .network = create->network,
                            .lease = &create->lease };
  create->starting.identity = oc_workloads_make_identity (workloads, &seed);
  oc_workloads_publish (workloads);
  start (create);
}

static void
on_network (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  OcContainers *containers = create->containers;
  GError *error = NULL;

  if (!oc_engine_finish (result, NULL, &error)
      || !oc_workload_make_lease (create->network, &create->lease, &error))
    {
      fail (create, error);
      return;
    }
  create->has_address = TRUE;
  oc_address_format (&create->lease.address, create->address, sizeof create->address);
  oc_workload_format_mac (create->lease.mac, create->mac);
  oc_engine_create_async (
      containers->engine, create->name,
      oc_container_spec_to_json (&create->spec, oc_engine_get_kind (containers->engine)),
      on_created, create);
}

static void
on_image (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Create *create = user_data;
  g_autofree char *subnet = NULL;
  g_autofree char *range = NULL;
  OcEngineNetwork network = { .gateway = create->gateway };
  GError *error = NULL;
  int prefix;

  if (!oc_engine_finish (result, NULL, &error))
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        {
          g_clear_error (&error);
          (void) oc_throw_code (&error, G_IO_ERROR_NOT_FOUND,
                                "image %s is not here; fetch it: outcall container pull %s",
                                create->image, create->image);
        }
      fail (create, error);
      return;
    }
  prefix = (int) (strrchr (create->gateway, '.') - create->gateway);
  subnet = g_strdup_printf ("%.*s.0/%u", prefix, create->gateway,
                            oc_network_get_prefix_len (create->network));
  range = g_strdup_printf ("%.*s.%d/28", prefix, create->gateway, OC_NETWORK_ENGINE_FIRST);
  network.name = oc_network_get_name (create->network);
  network.bridge = oc_network_get_bridge (create->network);
  network.subnet = subnet;
  network.range = range;
  oc_engine_ensure_network_async (create->containers->engine, &network, on_network, create);
}

/* --- Checks ------------------------------------------------------------------------------------ */

static void
log_verdict (Create *create, const OcIdentity *identity, const OcPolicyVerdict *verdict)
{
  const OcRule *rule = verdict->rule;
  const OcDecision decision
      = { .layer = OC_LAYER_CONTAINER, .allowed = verdict->allowed,
          .workload = oc_str_from (identity->name), .agent = oc_str_from (identity->agent_name),
          .host = oc_str_from (create->image),
          .rule = oc_str_from (rule != NULL ? rule->id : NULL),
          .reason = oc_str_from (rule != NULL ? rule->reason : NULL) };

  if (create->containers->producer != NULL)
    oc_log_push (create->containers->producer, &decision);
}

/* (transfer full) */
static OcStr *
make_list (const char *const *texts, gboolean names_only, gsize *out_len)
{
  gsize n = texts != NULL ? g_strv_length ((char **) texts) : 0;
  OcStr *list = g_new0 (OcStr, n + 1);

  for (gsize i = 0; i < n; i++)
    list[i] = names_only ? oc_str (texts[i], strcspn (texts[i], "=")) : oc_str_from (texts[i]);
  *out_len = n;
  return list;
}

/* Asked only when some rule speaks of docker.*: else no rule could have allowed it. */
static gboolean
check_policy (Create *create, const OcContainerRequest *request, GError **error)
{
  const OcPolicy *policy
      = oc_snapshot_get_policy (oc_snapshot_hub_get (create->containers->workloads->hub));
  g_autofree OcStr *command = NULL;
  g_autofree OcStr *volumes = NULL;
  g_autofree OcStr *env_keys = NULL;
  const OcAddress nowhere = { 0 };
  g_autoptr (OcIdentity) identity = NULL;
  OcPolicyContext context = { .request_time_us = g_get_real_time () };
  OcPolicyVerdict verdict;

  if (!oc_policy_uses_namespace (policy, "docker"))
    return TRUE;
  identity = oc_identity_new (create->name, "", create->image, create->project, &nowhere,
                              &nowhere, 0);
  command = make_list (request->command, FALSE, &context.docker.command.len);
  volumes = make_list (request->binds, FALSE, &context.docker.volumes.len);
  env_keys = make_list (request->env, TRUE, &context.docker.env_keys.len);
  context.docker.image = oc_str_from (create->image);
  context.docker.command.items = command;
  context.docker.volumes.items = volumes;
  context.docker.env_keys.items = env_keys;
  oc_identity_fill_context (identity, &context);
  oc_policy_evaluate (policy, &context, &verdict);
  log_verdict (create, identity, &verdict);
  if (verdict.allowed)
    return TRUE;
  if (verdict.rule == NULL)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED, "no rule allows this container");
  return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED, "rule %s blocks this container%s%s",
                        verdict.rule->id, verdict.rule->reason != NULL ? ": " : "",
                        verdict.rule->reason != NULL ? verdict.rule->reason : "");
}

static gboolean
choose_name (Create *create, const char *asked, GError **error)
{
  OcWorkloads *workloads = create->containers->workloads;
  char hex[2 * NAME_RANDOM_BYTES + 1];

  if (asked == NULL)
    {
      if (!oc_workload_make_random_hex (NAME_RANDOM_BYTES, hex, error))
        return FALSE;
      create->name = g_strconcat ("outcall-", hex, NULL);
    }
  else if (!oc_workload_name_is_valid (asked))
    return oc_workload_name_refuse (error);
  else
    create->name = g_strdup (asked);
  if (oc_workloads_name_is_taken (create->name, workloads))
    return oc_throw_code (error, G_IO_ERROR_EXISTS, "a workload named '%s' is running",
                          create->name);
  return TRUE;
}

/* Who is not root may show what is theirs, and be themselves or nobody: the engine does
 * it all as root. */
static gboolean
check_caller (Create *create, const OcPeer *peer, GError **error)
{
  g_autofree char *own = g_strdup_printf ("%u:%u", (unsigned) peer->uid, (unsigned) peer->gid);

  if (peer->uid == 0)
    return TRUE;
  if (strcmp (create->user, own) != 0 && strcmp (create->user, DEFAULT_USER) != 0)
    return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                          "user must be %s (yours) or %s, unless root asks", own, DEFAULT_USER);
  for (guint i = 0; i < create->binds->len; i++)
    {
      const OcContainerBind *bind = create->binds->pdata[i];

      if (!oc_container_bind_is_owned (bind, peer->uid))
        return oc_throw_code (error, G_IO_ERROR_PERMISSION_DENIED,
                              "%s is not yours; only root may show it to a container",
                              bind->source);
    }
  return TRUE;
}

static gboolean
read_binds (Create *create, const char *const *binds, GError **error)
{
  create->binds = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_container_bind_free);
  for (gsize i = 0; binds != NULL && binds[i] != NULL; i++)
    {
      OcContainerBind *bind
          = i < OC_CONTAINER_LIST_MAX
                ? oc_container_bind_parse (
                      binds[i], (const char *const *) create->containers->protected_paths, error)
                : oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT, "too many binds");

      if (bind == NULL)
        return FALSE;
      g_ptr_array_add (create->binds, bind);
    }
  return TRUE;
}

static gboolean
find_network (Create *create, const char *asked, GError **error)
{
  OcNetworks *networks = create->containers->workloads->networks;
  OcAddress gateway;

  create->network = asked != NULL ? oc_networks_lookup (networks, asked)
                                  : oc_networks_get_default (networks);
  if (create->network == NULL)
    return oc_throw_code (error, G_IO_ERROR_NOT_FOUND, "there is no network '%s'", asked);
  gateway = oc_network_get_gateway (create->network);
  oc_address_format (&gateway, create->gateway, sizeof create->gateway);
  return TRUE;
}

/* What is optional is left out when it is not there; what is there must be right. */
static gboolean
check_agent (Create *create, gboolean wanted, GError **error)
{
  const OcWorkloadEngineOptions *options = &create->containers->options;

  if (!wanted || options->agent_socket == NULL)
    return TRUE;
  create->agent = oc_container_bind_agent (options->agent_socket, error);
  if (create->agent == NULL)
    return FALSE;
  create->spec.agent = create->agent;
  create->spec.trusts_ca = options->trusts_ca;
  if (options->shim == NULL)
    return TRUE;
  if (!oc_container_check_shim (options->shim, error))
    return FALSE;
  create->spec.shim = options->shim;
  return TRUE;
}

static gboolean
fill (Create *create, const OcPeer *peer, const OcContainerRequest *request, GError **error)
{
  create->image = g_strdup (request->image);
  create->command = g_strdupv ((char **) request->command);
  create->env = g_strdupv ((char **) request->env);
  create->working_dir = g_strdup (request->working_dir);
  create->user = g_strdup (request->user != NULL ? request->user : DEFAULT_USER);
  create->project = g_strdup (request->project);
  if (!choose_name (create, request->name, error)
      || !find_network (create, request->network, error)
      || !read_binds (create, request->binds, error))
    return FALSE;
  create->spec = (OcContainerSpec) {
    .name = create->name,
    .image = create->image,
    .command = (const char *const *) create->command,
    .env = (const char *const *) create->env,
    .working_dir = create->working_dir,
    .user = create->user,
    .project = create->project,
    .binds = create->binds,
    .memory_bytes
    = request->memory_bytes != 0 ? request->memory_bytes : OUTCALL_DEFAULT_MEMORY_LIMIT,
    .cpu_shares = request->cpu_shares != 0 ? request->cpu_shares : OUTCALL_DEFAULT_CPU_SHARES,
    .pids = request->pids != 0 ? request->pids : OUTCALL_DEFAULT_PID_LIMIT,
    .network = oc_network_get_name (create->network),
    .gateway = create->gateway,
    .address = create->address,
    .mac = create->mac,
    .proxy_port = create->containers->options.proxy_port,
  };
  return oc_container_spec_check (&create->spec, error) && check_caller (create, peer, error)
         && check_agent (create, !request->no_agent, error)
         && check_policy (create, request, error);
}

void
oc_workloads_create_container_async (OcWorkloads *workloads, const OcPeer *peer,
                                     const OcContainerRequest *request,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;
  OcContainers *containers = oc_containers_require (workloads, &error);
  Create *create;

  if (containers == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  create = g_new0 (Create, 1);
  create->containers = containers;
  create->task = task;
  if (!fill (create, peer, request, &error))
    {
      g_task_return_error (task, error);
      create_free (create);
      return;
    }
  create->starting.name = create->name;
  create->starting.network = create->network;
  g_ptr_array_add (workloads->starting, &create->starting);
  oc_engine_inspect_image_async (containers->engine, create->image, on_image, create);
}

OcWorkload *
oc_workloads_create_container_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
