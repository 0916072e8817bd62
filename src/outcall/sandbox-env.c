/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The environment is built up, not filtered down: a variable that nobody
 * thought of may hold a secret.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-bundle.h"
#include "outcall-api/constants.h"

#include <string.h>

static const char *const allowed[] = {
  "CLICOLOR", "COLORTERM", "COLUMNS", "EDITOR", "FORCE_COLOR", "LANG", "LANGUAGE", "LINES",
  "LOGNAME",  "NO_COLOR",  "PAGER",   "PATH",   "SHELL",       "TERM", "TZ",       "USER",
  "VISUAL",
};

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static void
set (GPtrArray *env, const char *name, const char *value)
{
  g_autofree char *prefix = g_strconcat (name, "=", NULL);

  for (guint i = 0; i < env->len; i++)
    if (g_str_has_prefix (env->pdata[i], prefix))
      {
        g_ptr_array_remove_index (env, i);
        break;
      }
  g_ptr_array_add (env, g_strconcat (prefix, value, NULL));
}

static void
set_proxy (GPtrArray *env, const OcSandboxPlan *plan)
{
  static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" };
  g_autofree char *url = g_strdup_printf ("http://%s:%u", plan->gateway, plan->proxy_port);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    set (env, names[i], url);
  set (env, "NO_PROXY", "localhost,127.0.0.1,::1");
  set (env, "no_proxy", "localhost,127.0.0.1,::1");
  set (env, "NODE_USE_ENV_PROXY", "1");
}

/* Where sandbox-args.c shows the agent socket's folder. */
static void
set_trust (GPtrArray *env)
{
  for (guint i = 0; oc_bundle_variables[i] != NULL; i++)
    set (env, oc_bundle_variables[i], "/run/outcall/agent/" OC_BUNDLE_NAME);
}

static void
copy_locale (GPtrArray *env, char **host_env)
{
  for (guint i = 0; host_env[i] != NULL; i++)
    {
      const char *value = strchr (host_env[i], '=');

      if (g_str_has_prefix (host_env[i], "LC_") && value != NULL)
        g_ptr_array_add (env, g_strdup (host_env[i]));
    }
}

/* The shim's folder must be searched, or hooks would not find it. */
static void
set_path (GPtrArray *env, char **host_env)
{
  const char *path = g_environ_getenv (host_env, "PATH");
  g_autofree char *shim = oc_sandbox_get_shim_path ();
  g_autofree char *dir = g_path_get_dirname (shim);
  g_auto (GStrv) parts = g_strsplit (path != NULL ? path : DEFAULT_PATH, ":", -1);

  if (g_strv_contains ((const char *const *) parts, dir))
    set (env, "PATH", path != NULL ? path : DEFAULT_PATH);
  else
    {
      g_autofree char *more = g_strconcat (path != NULL ? path : DEFAULT_PATH, ":", dir, NULL);

      set (env, "PATH", more);
    }
}

GPtrArray *
oc_sandbox_make_env (const OcSandboxPlan *plan, char **host_env)
{
  GPtrArray *env = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    {
      const char *value = g_environ_getenv (host_env, allowed[i]);

      if (value != NULL)
        set (env, allowed[i], value);
    }
  copy_locale (env, host_env);
  set_path (env, host_env);
  set (env, "HOME", plan->home);
  if (plan->proxy_port != 0)
    set_proxy (env, plan);
  if (plan->trusts_ca)
    set_trust (env);
  set (env, "OUTCALL_SANDBOX", "1");
  for (guint i = 0; plan->extra_env != NULL && plan->extra_env[i] != NULL; i++)
    {
      const char *value = strchr (plan->extra_env[i], '=');
      g_autofree char *name = g_strndup (plan->extra_env[i], (gsize) (value - plan->extra_env[i]));

      set (env, name, value + 1);
    }
  return env;
}
