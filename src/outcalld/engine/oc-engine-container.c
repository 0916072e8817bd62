/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What the engine says about a container, and whether one that somebody else made
 * can be confined at all.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-error.h"
#include "common/oc-protected.h"

#include <string.h>

static void
container_network_free (gpointer data)
{
  OcContainerNetwork *network = data;

  g_free (network->name);
  g_free (network);
}

static void
clear (OcContainer *c)
{
  char **const strings[]
      = { &c->id,           &c->name,          &c->image,         &c->command,
          &c->status,       &c->created,       &c->label_managed, &c->label_name,
          &c->label_network, &c->label_project, &c->network_mode,  &c->pid_mode,
          &c->ipc_mode,     &c->userns_mode,   &c->uts_mode,      &c->cgroupns_mode,
          &c->user };
  char ***const lists[] = { &c->env, &c->dns, &c->cap_add, &c->security_opt, &c->sources };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (*strings[i]);
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    g_strfreev (*lists[i]);
  g_clear_pointer (&c->networks, g_ptr_array_unref);
}

void
oc_container_free (OcContainer *c)
{
  if (c == NULL)
    return;
  clear (c);
  g_free (c);
}

/* --- Reading --------------------------------------------------------------------- */

/* Strings of an array; anything else in it is left out. (transfer full) */
static char **
dup_strings (JsonArray *array)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_ptr_array_add (list, g_strdup (json_node_get_string (node)));
    }
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static void
read_networks (OcContainer *c, JsonObject *networks)
{
  g_autoptr (GList) names = networks != NULL ? json_object_get_members (networks) : NULL;

  c->networks = g_ptr_array_new_with_free_func (container_network_free);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonObject *endpoint = oc_engine_get_object (networks, l->data);
      const char *address = oc_engine_get_string (endpoint, "IPAddress");
      OcContainerNetwork *network = g_new0 (OcContainerNetwork, 1);

      network->name = g_strdup (l->data);
      if (address != NULL && !oc_address_parse (oc_str_from (address), &network->address))
        network->address = (OcAddress) { 0 };
      g_ptr_array_add (c->networks, network);
    }
}

static void
read_mounts (OcContainer *c, JsonArray *mounts)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; mounts != NULL && i < json_array_get_length (mounts); i++)
    {
      JsonNode *node = json_array_get_element (mounts, i);
      JsonObject *mount = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (g_strcmp0 (oc_engine_get_string (mount, "Type"), "bind") == 0)
        g_ptr_array_add (list, g_strdup (oc_engine_get_string (mount, "Source")));
    }
  g_ptr_array_add (list, NULL);
  c->sources = (char **) g_ptr_array_free (list, FALSE);
}

static void
read_state (OcContainer *c, JsonObject *state)
{
  gint64 pid = oc_engine_get_int (state, "Pid");

  c->status = g_strdup (oc_engine_get_string (state, "Status"));
  c->running = oc_engine_get_boolean (state, "Running");
  c->oom_killed = oc_engine_get_boolean (state, "OOMKilled");
  c->exit_code = oc_engine_get_int (state, "ExitCode");
  c->pid = pid > 0 && pid <= G_MAXINT32 ? (pid_t) pid : 0;
}

static void
read_config (OcContainer *c, JsonObject *config)
{
  JsonObject *labels = oc_engine_get_object (config, "Labels");

  c->image = g_strdup (oc_engine_get_string (config, "Image"));
  c->user = g_strdup (oc_engine_get_string (config, "User"));
  c->env = dup_strings (oc_engine_get_array (config, "Env"));
  c->label_managed = g_strdup (oc_engine_get_string (labels, OC_ENGINE_LABEL_MANAGED));
  c->label_name = g_strdup (oc_engine_get_string (labels, "outcall.name"));
  c->label_network = g_strdup (oc_engine_get_string (labels, "outcall.network"));
  c->label_project = g_strdup (oc_engine_get_string (labels, "outcall.project"));
}

static void
read_host_config (OcContainer *c, JsonObject *host)
{
  JsonObject *ports = oc_engine_get_object (host, "PortBindings");
  JsonArray *devices = oc_engine_get_array (host, "Devices");

  c->network_mode = g_strdup (oc_engine_get_string (host, "NetworkMode"));
  c->pid_mode = g_strdup (oc_engine_get_string (host, "PidMode"));
  c->ipc_mode = g_strdup (oc_engine_get_string (host, "IpcMode"));
  c->userns_mode = g_strdup (oc_engine_get_string (host, "UsernsMode"));
  c->uts_mode = g_strdup (oc_engine_get_string (host, "UTSMode"));
  c->cgroupns_mode = g_strdup (oc_engine_get_string (host, "CgroupnsMode"));
  c->dns = dup_strings (oc_engine_get_array (host, "Dns"));
  c->cap_add = dup_strings (oc_engine_get_array (host, "CapAdd"));
  c->security_opt = dup_strings (oc_engine_get_array (host, "SecurityOpt"));
  c->privileged = oc_engine_get_boolean (host, "Privileged");
  c->has_devices = devices != NULL && json_array_get_length (devices) > 0;
  c->publishes_ports = oc_engine_get_boolean (host, "PublishAllPorts")
                       || (ports != NULL && json_object_get_size (ports) > 0);
}

static char *
join_command (JsonObject *object)
{
  g_auto (GStrv) args = dup_strings (oc_engine_get_array (object, "Args"));
  g_autofree char *rest = g_strjoinv (" ", args);
  const char *path = oc_engine_get_string (object, "Path");

  return g_strconcat (path != NULL ? path : "", *rest != '\0' ? " " : "", rest, NULL);
}

OcContainer *
oc_container_from_json (JsonNode *node, GError **error)
{
  g_autoptr (OcContainer) c = g_new0 (OcContainer, 1);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = oc_engine_get_string (object, "Name");

  c->id = g_strdup (oc_engine_get_string (object, "Id"));
  c->name = g_strdup (name != NULL && *name == '/' ? name + 1 : name);
  c->created = g_strdup (oc_engine_get_string (object, "Created"));
  c->command = join_command (object);
  read_state (c, oc_engine_get_object (object, "State"));
  read_config (c, oc_engine_get_object (object, "Config"));
  read_host_config (c, oc_engine_get_object (object, "HostConfig"));
  read_mounts (c, oc_engine_get_array (object, "Mounts"));
  read_networks (c, oc_engine_get_object (oc_engine_get_object (object, "NetworkSettings"),
                                          "Networks"));
  if (c->id == NULL || c->name == NULL || c->status == NULL || c->image == NULL)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_DATA,
                               "the engine's description of a container is incomplete");
  return g_steal_pointer (&c);
}

/* --- Judging ----------------------------------------------------------------------- */

/* With one of these, a process makes itself root of the host. */
static gboolean
is_fatal_capability (const char *name)
{
  static const char *const fatal[]
      = { "ALL",    "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_PTRACE",
          "SYSLOG", "BPF",       "PERFMON",    "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE" };

  if (g_ascii_strncasecmp (name, "CAP_", 4) == 0)
    name += 4;
  for (guint i = 0; i < G_N_ELEMENTS (fatal); i++)
    if (g_ascii_strcasecmp (name, fatal[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Another namespace than its own: the host's or another container's. */
static const char *
find_shared_namespace (const OcContainer *c)
{
  const struct
  {
    const char *name, *mode;
  } modes[] = { { "pid", c->pid_mode }, { "user", c->userns_mode }, { "uts", c->uts_mode },
                { "ipc", c->ipc_mode }, { "network", c->network_mode } };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (g_strcmp0 (modes[i].mode, "host") == 0
        || (modes[i].mode != NULL
            && (g_str_has_prefix (modes[i].mode, "container:")
                || g_str_has_prefix (modes[i].mode, "ns:"))))
      return modes[i].name;
  return NULL;
}

static char *
find_rights (const OcContainer *c, const char *const *protected_paths,
             const OcContainerBind *agent)
{
  const char *shared = find_shared_namespace (c);

  if (c->privileged)
    return g_strdup ("it is privileged");
  if (shared != NULL)
    return g_strdup_printf ("it shares a %s namespace", shared);
  if (c->has_devices)
    return g_strdup ("it has devices of the host");
  for (guint i = 0; c->cap_add[i] != NULL; i++)
    if (is_fatal_capability (c->cap_add[i]))
      return g_strdup_printf ("it has capability %s", c->cap_add[i]);
  for (guint i = 0; c->sources[i] != NULL; i++)
    {
      g_autofree char *real = realpath (c->sources[i], NULL);
      g_autofree char *why
          = oc_protected_find (real != NULL ? real : c->sources[i], protected_paths);

      if (why != NULL && (agent == NULL || strcmp (c->sources[i], agent->source) != 0))
        return g_strdup_printf ("it has %s mounted (%s is protected)", c->sources[i], why);
    }
  return NULL;
}

char *
oc_container_find_objection (const OcContainer *c, OcEngineKind kind, const char *network,
                             const char *gateway, const char *const *protected_paths,
                             const OcContainerBind *agent)
{
  char *rights = find_rights (c, protected_paths, agent);

  if (rights != NULL)
    return rights;
  if (c->networks->len != 1
      || strcmp (((OcContainerNetwork *) c->networks->pdata[0])->name, network) != 0)
    return g_strdup_printf ("it is on other networks than %s", network);
  if (c->publishes_ports)
    return g_strdup ("it publishes ports");
  /* The engine's own DNS would ask the host's servers for it. */
  if (g_strv_length (c->dns) != 1 || strcmp (c->dns[0], gateway) != 0)
    return g_strdup_printf ("its DNS server is not %s (set `dns: %s`)", gateway, gateway);
  return NULL;
}
