/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The configuration of a container that Outcall makes. All of the hardening is
 * here, none of it can be switched off by who asks.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "common/oc-bundle.h"
#include "common/oc-error.h"
#include "outcall-api/constants.h"

#include <string.h>

#define TEXT_MAX (128 * 1024)

static const char *const proxy_variables[] = {
  "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy",
};

/* --- Checks ------------------------------------------------------------------------ */

static gboolean
read_id (const char **text)
{
  guint64 id = 0;
  guint digits = 0;

  for (; g_ascii_isdigit (**text) && digits < 10; (*text)++, digits++)
    id = id * 10 + (guint64) g_ascii_digit_value (**text);
  /* -1 means "leave as it is" to the kernel. */
  return digits > 0 && id > 0 && id < G_MAXUINT32;
}

gboolean
oc_container_user_is_valid (const char *user)
{
  return read_id (&user) && *user++ == ':' && read_id (&user) && *user == '\0';
}

static gboolean
check_texts (const char *what, const char *const *texts, GError **error)
{
  gsize n = texts != NULL ? g_strv_length ((char **) texts) : 0;

  if (n > OC_CONTAINER_LIST_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "%s: at most %d", what,
                          OC_CONTAINER_LIST_MAX);
  for (gsize i = 0; i < n; i++)
    if (strlen (texts[i]) > TEXT_MAX || !g_utf8_validate (texts[i], -1, NULL))
      return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "%s: not UTF-8 or over %d bytes",
                            what, TEXT_MAX);
  return TRUE;
}

static gboolean
check_env (const char *const *env, GError **error)
{
  for (gsize i = 0; env != NULL && env[i] != NULL; i++)
    if (strchr (env[i], '=') == NULL || env[i][0] == '=')
      return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                            "environment variable %zu is not NAME=VALUE", i + 1);
  return TRUE;
}

gboolean
oc_container_image_is_valid (const char *image, GError **error)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._-/:@";

  if (*image == '\0' || *image == '-' || strlen (image) > 512
      || image[strspn (image, allowed)] != '\0')
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "this is not the name of an image");
  return TRUE;
}

gboolean
oc_container_spec_check (const OcContainerSpec *spec, GError **error)
{
  if (!oc_container_image_is_valid (spec->image, error) || !check_texts ("command", spec->command, error)
      || !check_texts ("environment", spec->env, error) || !check_env (spec->env, error))
    return FALSE;
  if (!oc_container_user_is_valid (spec->user))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "user must be UID:GID, both numbers and not 0");
  if (spec->working_dir != NULL && *spec->working_dir != '/')
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "the working directory must be an absolute path");
  if (spec->memory_bytes < OC_CONTAINER_MEMORY_MIN || spec->memory_bytes > G_MAXINT64)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "memory must be at least %d bytes",
                          OC_CONTAINER_MEMORY_MIN);
  if (spec->cpu_shares < OC_CONTAINER_CPU_SHARES_MIN || spec->cpu_shares > 262144)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "CPU shares must be %d to 262144", OC_CONTAINER_CPU_SHARES_MIN);
  if (spec->pids < 1 || spec->pids > 4194304)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "pids must be 1 to 4194304");
  return TRUE;
}

/* --- JSON ---------------------------------------------------------------------------- */

static void
add_string (JsonBuilder *b, const char *name, const char *value)
{
  if (value == NULL)
    return;
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

static void
add_int (JsonBuilder *b, const char *name, guint64 value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_int_value (b, (gint64) value);
}

static void
add_true (JsonBuilder *b, const char *name)
{
  json_builder_set_member_name (b, name);
  json_builder_add_boolean_value (b, TRUE);
}

static void
add_list (JsonBuilder *b, const char *name, const char *const *values)
{
  json_builder_set_member_name (b, name);
  json_builder_begin_array (b);
  for (gsize i = 0; values[i] != NULL; i++)
    json_builder_add_string_value (b, values[i]);
  json_builder_end_array (b);
}

static gboolean
is_proxy_variable (const char *entry)
{
  for (guint i = 0; i < G_N_ELEMENTS (proxy_variables); i++)
    {
      gsize len = strlen (proxy_variables[i]);

      if (strncmp (entry, proxy_variables[i], len) == 0 && entry[len] == '=')
        return TRUE;
    }
  return FALSE;
}

/* The caller's own values of the proxy variables are dropped; without a proxy they are
 * empty, so that the image's do not count either. */
static void
add_env (JsonBuilder *b, const OcContainerSpec *spec)
{
  g_autofree char *url
      = spec->proxy_port != 0 ? g_strdup_printf ("http://%s:%u", spec->gateway, spec->proxy_port)
                              : g_strdup ("");

  json_builder_set_member_name (b, "Env");
  json_builder_begin_array (b);
  /* First, so that the caller's own count. */
  for (guint i = 0; spec->trusts_ca && oc_bundle_variables[i] != NULL; i++)
    {
      g_autofree char *entry
          = g_strconcat (oc_bundle_variables[i], "=/run/outcall/" OC_BUNDLE_NAME, NULL);

      json_builder_add_string_value (b, entry);
    }
  for (gsize i = 0; spec->env != NULL && spec->env[i] != NULL; i++)
    if (!is_proxy_variable (spec->env[i]))
      json_builder_add_string_value (b, spec->env[i]);
  for (guint i = 0; i < G_N_ELEMENTS (proxy_variables); i++)
    {
      gboolean excludes = g_ascii_strcasecmp (proxy_variables[i], "NO_PROXY") == 0;
      g_autofree char *entry = g_strdup_printf ("%s=%s", proxy_variables[i],
                                                excludes ? "localhost,127.0.0.1,::1" : url);

      json_builder_add_string_value (b, entry);
    }
  json_builder_add_string_value (b, "NODE_USE_ENV_PROXY=1");
  json_builder_end_array (b);
}

static void
add_labels (JsonBuilder *b, const OcContainerSpec *spec)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *created = g_date_time_format_iso8601 (now);

  json_builder_set_member_name (b, "Labels");
  json_builder_begin_object (b);
  add_string (b, OC_ENGINE_LABEL_MANAGED, OC_ENGINE_MANAGED_BY);
  add_string (b, "outcall.network", spec->network);
  add_string (b, "outcall.created-at", created);
  add_string (b, "outcall.name", spec->name);
  add_string (b, "outcall.project", spec->project);
  json_builder_end_object (b);
}

static void
add_mount (JsonBuilder *b, const char *source, const char *destination, gboolean read_only)
{
  json_builder_begin_object (b);
  add_string (b, "Type", "bind");
  add_string (b, "Source", source);
  add_string (b, "Target", destination);
  if (read_only)
    add_true (b, "ReadOnly");
  json_builder_end_object (b);
}

/* "Mounts" and not "Binds": a path is a path there, colons and all, and a source that is
 * gone by now is an error instead of an empty folder. */
static void
add_mounts (JsonBuilder *b, const OcContainerSpec *spec)
{
  json_builder_set_member_name (b, "Mounts");
  json_builder_begin_array (b);
  for (guint i = 0; spec->binds != NULL && i < spec->binds->len; i++)
    {
      const OcContainerBind *bind = spec->binds->pdata[i];

      add_mount (b, bind->source, bind->destination, bind->read_only);
    }
  if (spec->agent != NULL)
    add_mount (b, spec->agent->source, spec->agent->destination, TRUE);
  if (spec->shim != NULL)
    add_mount (b, spec->shim, OUTCALL_SHIM_PATH, TRUE);
  json_builder_end_array (b);
}

static void
add_host_config (JsonBuilder *b, const OcContainerSpec *spec)
{
  const char *const dns[] = { spec->gateway, NULL };
  static const char *const dns_options[] = { "ndots:0", NULL };
  static const char *const all[] = { "ALL", NULL };
  static const char *const security[] = { "no-new-privileges", NULL };

  json_builder_set_member_name (b, "HostConfig");
  json_builder_begin_object (b);
  add_string (b, "NetworkMode", spec->network);
  add_list (b, "Dns", dns);
  add_list (b, "DnsOptions", dns_options);
  add_list (b, "CapDrop", all);
  add_list (b, "SecurityOpt", security);
  add_true (b, "ReadonlyRootfs");
  add_true (b, "Init");
  json_builder_set_member_name (b, "Tmpfs");
  json_builder_begin_object (b);
  add_string (b, "/tmp", "rw,nosuid,nodev,mode=1777");
  json_builder_end_object (b);
  add_int (b, "Memory", spec->memory_bytes);
  add_int (b, "CpuShares", spec->cpu_shares);
  add_int (b, "PidsLimit", spec->pids);
  add_mounts (b, spec);
  json_builder_end_object (b);
}

/* Podman gives no addresses in our network: Outcall sets it inside. */
static void
add_network (JsonBuilder *b, const OcContainerSpec *spec, OcEngineKind kind)
{
  json_builder_set_member_name (b, "NetworkingConfig");
  json_builder_begin_object (b);
  json_builder_set_member_name (b, "EndpointsConfig");
  json_builder_begin_object (b);
  json_builder_set_member_name (b, spec->network);
  json_builder_begin_object (b);
  if (kind == OC_ENGINE_DOCKER)
    {
      json_builder_set_member_name (b, "IPAMConfig");
      json_builder_begin_object (b);
      add_string (b, "IPv4Address", spec->address);
      json_builder_end_object (b);
    }
  add_string (b, "MacAddress", spec->mac);
  json_builder_end_object (b);
  json_builder_end_object (b);
  json_builder_end_object (b);
}

JsonNode *
oc_container_spec_to_json (const OcContainerSpec *spec, OcEngineKind kind)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  add_string (b, "Image", spec->image);
  if (spec->command != NULL && spec->command[0] != NULL)
    add_list (b, "Cmd", spec->command);
  add_string (b, "User", spec->user);
  add_string (b, "WorkingDir", spec->working_dir);
  add_string (b, "MacAddress", spec->mac);
  add_env (b, spec);
  add_labels (b, spec);
  add_host_config (b, spec);
  add_network (b, spec, kind);
  json_builder_end_object (b);
  return json_builder_get_root (b);
}
