/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "rules/oc-rules.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-source.h"

#include <glib-unix.h>
#include <sys/inotify.h>

/* Conditions that err are warned about this often at most. */
#define ERROR_CHECK_S 60
/* Editors write a file in several steps. */
#define SETTLE_MS 250

struct OcRules
{
  char *dir;
  OcPolicyOptions options;
  char *secrets_dir; /* (nullable): no secrets */
  char *credentials; /* (nullable) */
  OcSnapshotHub *hub; /* borrowed */
  OcPolicy *policy;
  OcSecrets *secrets; /* (nullable): in force with @policy */
  gint64 loaded_us;
  char *last_error; /* (nullable) */
  OcRulesFunc listener;
  gpointer listener_data;
  GSource *error_timer;
  int watch_fd; /* -1: not watching */
  GSource *watch;  /* (nullable): on @watch_fd */
  GSource *settle; /* (nullable): runs after a change */
  guint64 *errors_warned; /* per rule of @policy: errors already warned about */
};

static void
warn_rule_errors (OcRules *rules, gsize i)
{
  guint64 hits;
  guint64 errors;
  guint64 fresh;

  oc_policy_get_rule_counters (rules->policy, i, &hits, &errors);
  fresh = errors - rules->errors_warned[i];
  rules->errors_warned[i] = errors;
  if (fresh > 0)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "OUTCALL_RULE", "%s",
                      oc_policy_get_rule (rules->policy, i)->id, "MESSAGE",
                      "rule '%s' (%s:%u): the condition failed %" G_GUINT64_FORMAT
                      " times and did not match; see: outcall rules explain",
                      oc_policy_get_rule (rules->policy, i)->id,
                      oc_policy_get_rule (rules->policy, i)->file,
                      oc_policy_get_rule (rules->policy, i)->line, fresh);
}

static gboolean
on_error_timer (gpointer user_data)
{
  OcRules *rules = user_data;

  for (gsize i = 0; i < oc_policy_get_n_rules (rules->policy); i++)
    warn_rule_errors (rules, i);
  return G_SOURCE_CONTINUE;
}

/* @policy, @secrets: (transfer full); @secrets: (nullable) */
static void
set_policy (OcRules *rules, OcPolicy *policy, OcSecrets *secrets)
{
  g_clear_pointer (&rules->policy, oc_policy_unref);
  g_clear_pointer (&rules->secrets, oc_secrets_unref);
  rules->secrets = secrets;
  g_free (rules->errors_warned);
  rules->policy = policy;
  rules->errors_warned = g_new0 (guint64, oc_policy_get_n_rules (policy));
  oc_snapshot_hub_set_rules (rules->hub, policy, secrets);
}

OcRules *
oc_rules_new (const char *rules_dir, const OcPolicyOptions *options, OcSnapshotHub *hub)
{
  OcRules *rules = g_new0 (OcRules, 1);

  rules->dir = g_strdup (rules_dir);
  rules->options = *options;
  rules->hub = hub;
  rules->watch_fd = -1;
  set_policy (rules, oc_policy_new_empty (), NULL);
  rules->error_timer = g_timeout_source_new_seconds (ERROR_CHECK_S);
  g_source_set_static_name (rules->error_timer, "rule errors");
  g_source_set_callback (rules->error_timer, on_error_timer, rules, NULL);
  g_source_attach (rules->error_timer, g_main_context_get_thread_default ());
  return rules;
}

void
oc_rules_free (OcRules *rules)
{
  if (rules == NULL)
    return;
  oc_source_clear (&rules->error_timer);
  oc_source_clear (&rules->settle);
  oc_source_clear (&rules->watch);
  oc_fd_clear (&rules->watch_fd);
  oc_policy_unref (rules->policy);
  oc_secrets_unref (rules->secrets);
  g_free (rules->secrets_dir);
  g_free (rules->credentials);
  g_free (rules->errors_warned);
  g_free (rules->last_error);
  g_free (rules->dir);
  g_free (rules);
}

void
oc_rules_set_secrets (OcRules *rules, const char *dir, const char *credentials)
{
  g_free (rules->secrets_dir);
  g_free (rules->credentials);
  rules->secrets_dir = g_strdup (dir);
  rules->credentials = g_strdup (credentials);
}

const OcSecrets *
oc_rules_get_secrets (OcRules *rules)
{
  return rules->secrets;
}

/* @policy, @secrets: (transfer full) */
static void
bring_into_force (OcRules *rules, OcPolicy *policy, OcSecrets *secrets)
{
  g_clear_pointer (&rules->last_error, g_free);
  set_policy (rules, policy, secrets);
  rules->loaded_us = g_get_real_time ();
  if (rules->listener != NULL)
    rules->listener (rules->policy, rules->listener_data);
}

/* What can be enforced with @secrets (nullable). */
static OcPolicyOptions
get_options (const OcRules *rules, const OcSecrets *secrets)
{
  OcPolicyOptions options = rules->options;

  options.secrets = oc_secrets_get_names (secrets);
  return options;
}

/* @out_secrets: (transfer full) (nullable) */
static OcPolicy *
load (OcRules *rules, OcSecrets **out_secrets, GPtrArray **out_diagnostics, GError **error)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OcSecrets) secrets = NULL;
  OcPolicyOptions options;
  OcPolicy *policy;

  if (out_diagnostics != NULL)
    *out_diagnostics = g_ptr_array_ref (diagnostics);
  if (rules->secrets_dir != NULL)
    {
      secrets = oc_secrets_load (rules->secrets_dir, rules->credentials, error);
      if (secrets == NULL)
        return NULL;
    }
  options = get_options (rules, secrets);
  policy = oc_policy_load_dir (rules->dir, &options, diagnostics, error);
  if (policy != NULL)
    *out_secrets = g_steal_pointer (&secrets);
  return policy;
}

gboolean
oc_rules_reload (OcRules *rules, GPtrArray **out_diagnostics, GError **error)
{
  g_autoptr (GError) local = NULL;
  OcSecrets *secrets = NULL;
  OcPolicy *policy = load (rules, &secrets, out_diagnostics, &local);

  if (policy != NULL)
    {
      bring_into_force (rules, policy, secrets);
      return TRUE;
    }
  g_free (rules->last_error);
  rules->last_error = g_strdup (local->message);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
oc_rules_reload_expecting (OcRules *rules, const char *digest, GPtrArray **out_diagnostics,
                           GError **error)
{
  g_autoptr (OcSecrets) secrets = NULL;
  g_autoptr (OcPolicy) policy = load (rules, &secrets, out_diagnostics, error);

  if (policy == NULL)
    return FALSE;
  if (g_strcmp0 (oc_policy_get_digest (policy), digest) != 0)
    return oc_throw_code (error, G_IO_ERROR_BUSY, "the rules are not those that were shown");
  bring_into_force (rules, g_steal_pointer (&policy), g_steal_pointer (&secrets));
  return TRUE;
}

OcPolicy *
oc_rules_preview (OcRules *rules, const OcPolicySource *extra, GPtrArray *diagnostics,
                  GError **error)
{
  OcPolicyOptions options = get_options (rules, rules->secrets);

  return oc_policy_load_dir_with (rules->dir, extra, &options, diagnostics, error);
}

OcPolicy *
oc_rules_lint (OcRules *rules, const OcPolicySource *source, GPtrArray *diagnostics,
               GError **error)
{
  OcPolicyOptions options = get_options (rules, rules->secrets);

  return oc_policy_load_sources (source, 1, &options, diagnostics, error);
}

OcPolicy *
oc_rules_lint_foreign (OcRules *rules, const OcPolicySource *source, guint rules_max,
                       GPtrArray *diagnostics, GError **error)
{
  OcPolicyOptions options = get_options (rules, rules->secrets);

  options.no_inject = TRUE;
  options.rules_max = rules_max;
  return oc_policy_load_sources (source, 1, &options, diagnostics, error);
}

void
oc_rules_put_back (OcRules *rules, OcPolicy *policy)
{
  bring_into_force (rules, oc_policy_ref (policy),
                    rules->secrets != NULL ? oc_secrets_ref (rules->secrets) : NULL);
}

void
oc_rules_rejudge (OcRules *rules)
{
  oc_snapshot_hub_set_rules (rules->hub, rules->policy, rules->secrets);
  if (rules->listener != NULL)
    rules->listener (rules->policy, rules->listener_data);
}

void
oc_rules_log_diagnostics (GPtrArray *diagnostics)
{
  for (guint i = 0; diagnostics != NULL && i < diagnostics->len; i++)
    {
      const OcDiagnostic *diagnostic = diagnostics->pdata[i];

      g_log (G_LOG_DOMAIN,
             diagnostic->severity == OC_DIAGNOSTIC_ERROR ? G_LOG_LEVEL_WARNING
                                                         : G_LOG_LEVEL_MESSAGE,
             "%s:%u:%u: %s", diagnostic->file, diagnostic->line, diagnostic->column,
             diagnostic->text);
    }
}

OutcallDiagnostic *
oc_rules_diagnostic_to_api (const OcDiagnostic *from)
{
  OutcallDiagnostic *to = outcall_diagnostic_new ();

  to->severity = from->severity == OC_DIAGNOSTIC_ERROR ? OUTCALL_SEVERITY_ERROR
                                                       : OUTCALL_SEVERITY_WARNING;
  to->file = g_strdup (from->file);
  to->line = from->line;
  to->column = from->column;
  to->length = from->length;
  to->text = g_strdup (from->text);
  to->source = g_strdup (from->source);
  to->rule = g_strdup (from->rule);
  return to;
}

static gboolean
on_settled (gpointer user_data)
{
  OcRules *rules = user_data;
  g_autoptr (GPtrArray) diagnostics = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok = oc_rules_reload (rules, &diagnostics, &error);

  g_clear_pointer (&rules->settle, g_source_unref);
  oc_rules_log_diagnostics (diagnostics);
  if (ok)
    g_message ("rules reloaded: %" G_GSIZE_FORMAT " in force",
               oc_policy_get_n_rules (rules->policy));
  else
    g_warning ("rules not reloaded, the old ones stay in force: %s", error->message);
  return G_SOURCE_REMOVE;
}

/* What changed does not matter: everything is read anew. Each change puts the reload off. */
static gboolean
on_change (int fd, GIOCondition condition, gpointer user_data)
{
  OcRules *rules = user_data;
  char events[4096];

  while (read (fd, events, sizeof events) > 0)
    ;
  oc_source_clear (&rules->settle);
  rules->settle = g_timeout_source_new (SETTLE_MS);
  g_source_set_static_name (rules->settle, "rules changed");
  g_source_set_callback (rules->settle, on_settled, rules, NULL);
  g_source_attach (rules->settle, g_main_context_get_thread_default ());
  return G_SOURCE_CONTINUE;
}

gboolean
oc_rules_watch (OcRules *rules, GError **error)
{
  oc_autofd int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);

  if (fd < 0)
    return oc_throw_errno (error, "watch %s", rules->dir);
  if (inotify_add_watch (fd, rules->dir,
                         IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB
                             | IN_ONLYDIR)
      < 0)
    return oc_throw_errno (error, "watch %s", rules->dir);
  oc_source_clear (&rules->watch);
  oc_fd_clear (&rules->watch_fd);
  rules->watch_fd = oc_fd_steal (&fd);
  rules->watch = g_unix_fd_source_new (rules->watch_fd, G_IO_IN);
  g_source_set_static_name (rules->watch, "rules directory");
  g_source_set_callback (rules->watch, G_SOURCE_FUNC (on_change), rules, NULL);
  g_source_attach (rules->watch, g_main_context_get_thread_default ());
  return TRUE;
}

OcPolicy *
oc_rules_get_policy (OcRules *rules)
{
  return rules->policy;
}

const char *
oc_rules_get_dir (OcRules *rules)
{
  return rules->dir;
}

gint64
oc_rules_get_loaded_us (OcRules *rules)
{
  return rules->loaded_us;
}

const char *
oc_rules_get_last_error (OcRules *rules)
{
  return rules->last_error;
}

void
oc_rules_set_listener (OcRules *rules, OcRulesFunc func, gpointer user_data)
{
  rules->listener = func;
  rules->listener_data = user_data;
}
