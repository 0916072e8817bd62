/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-daemon.h"

#include "agent-api/oc-agent-api.h"
#include "common/oc-error.h"
#include "common/oc-shim.h"
#include "daemon/oc-grants.h"
#include "daemon/oc-hide.h"
#include "daemon/oc-logging.h"
#include "host-api/oc-host-api.h"

#include <sys/stat.h>

#define DRAIN_MS 5000
#define DRAIN_POLL_MS 50

struct OcDaemon
{
  OcOptions *options;
  char **argv;
  gint64 started_us;
  OcSnapshotHub *hub;
  OcLog *log;
  OcFirewall *firewall;
  OcNetworks *networks;
  OcRules *rules;
  OcRequests *requests;
  OcWorkloads *workloads;
  OcDns *dns;
  OcIntercept *intercept; /* (nullable) */
  OcProxy *proxy;
  char **protected_paths; /* the host API's, which borrows them */
  OcHostApi *host_api;
  OcAgentApi *agent_api;

  gint64 drain_deadline_us;
  GSourceFunc on_drained;
  gpointer on_drained_data;
};

/* --- Reload ---------------------------------------------------------------- */

static gboolean
load_rules (OcDaemon *daemon, GError **error)
{
  g_autoptr (GPtrArray) diagnostics = NULL;
  gboolean ok = oc_rules_reload (daemon->rules, &diagnostics, error);

  oc_rules_log_diagnostics (diagnostics);
  return ok;
}

static void
on_policy_changed (OcPolicy *policy, gpointer user_data)
{
  OcDaemon *daemon = user_data;

  gsize n_secrets = oc_secrets_get_n (oc_rules_get_secrets (daemon->rules));

  g_message ("rules loaded: %zu in %zu files", oc_policy_get_n_rules (policy),
             oc_policy_get_n_files (policy));
  if (n_secrets > 0)
    oc_daemon_hide ();
  oc_daemon_judge_grants (daemon->firewall, daemon->workloads, policy);
}

static OcAgentRate
convert_rate (OcRate rate)
{
  return (OcAgentRate) { rate.count, rate.window_s };
}

/* What cannot change while running is named, so that nobody takes it for done. */
static gboolean
reload_options (OcDaemon *daemon, GError **error)
{
  g_autoptr (OcOptions) fresh = oc_options_load (daemon->argv, error);
  g_autofree char *restart = NULL;

  if (fresh == NULL)
    return FALSE;
  restart = oc_options_list_restart (daemon->options, fresh);
  if (restart != NULL)
    g_warning ("changed, but only taken over by a restart: %s", restart);
  if (!oc_firewall_set_deny_drop (daemon->firewall, fresh->deny_drop, error)
      || !oc_dns_set_upstreams (daemon->dns, fresh->dns_upstream, error)
      || (daemon->proxy != NULL
          && !oc_proxy_set_upstream (daemon->proxy, fresh->upstream_proxy, error))
      || !oc_log_set_audit_file (daemon->log, fresh->audit_log, error))
    return FALSE;
  oc_dns_set_rate (daemon->dns, fresh->dns_rate);
  oc_agent_api_set_rates (daemon->agent_api, convert_rate (fresh->agent_perm_rate),
                          convert_rate (fresh->agent_rule_rate));
  oc_logging_set_level (fresh->log_level);
  oc_log_set_verbose (daemon->log, g_str_equal (fresh->log_level, "debug"));
  return TRUE;
}

void
oc_daemon_reload (OcDaemon *daemon)
{
  g_autoptr (GError) options_error = NULL;
  g_autoptr (GError) rules_error = NULL;

  if (!reload_options (daemon, &options_error))
    g_warning ("configuration not reloaded: %s", options_error->message);
  if (!load_rules (daemon, &rules_error))
    g_warning ("rules not reloaded, the old ones stay in force: %s", rules_error->message);
}

/* --- Start, in the order of the overview chapter ---------------------------- */

static void
on_own_addresses (const OcAddress *addresses, gsize n, gpointer user_data)
{
  OcDaemon *daemon = user_data;

  oc_snapshot_hub_set_own_addresses (daemon->hub, addresses, n);
}

static gboolean
make_state_dir (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0700) < 0)
    return oc_throw_errno (error, "make state folder %s", path);
  return TRUE;
}

static gboolean
start_kernel (OcDaemon *daemon, GError **error)
{
  const OcOptions *options = daemon->options;
  const OcFirewallOptions firewall = {
    .deny_drop = options->deny_drop,
    .dns_port = options->dns_port,
    .proxy_port = options->no_proxy ? 0 : options->proxy_port,
    .proxy_http_port = OC_PROXY_HTTP_PORT,
    .proxy_tls_port = OC_PROXY_TLS_PORT,
  };
  const OcNetworkOptions network = {
    .default_bridge = options->bridge,
    .subnet_block = options->subnet_block,
    .state_dir = options->state_dir,
  };

  daemon->firewall = oc_firewall_new (&firewall, error);
  if (daemon->firewall == NULL)
    return oc_prefix (error, "firewall");
  daemon->networks = oc_networks_new (&network, daemon->firewall, error);
  if (daemon->networks == NULL)
    return oc_prefix (error, "network");
  daemon->workloads = oc_workloads_new (options->state_dir, daemon->networks, daemon->firewall,
                                        daemon->hub, error);
  /* The ruleset goes in with the leases of what still lives, then the bridge. */
  if (daemon->workloads == NULL || !oc_workloads_restore (daemon->workloads, error))
    return oc_prefix (error, "workloads");
  if (!oc_networks_up (daemon->networks, error))
    return oc_prefix (error, "bridge");
  if (!oc_firewall_watch (daemon->firewall, error))
    return oc_prefix (error, "firewall");
  return oc_networks_watch_addresses (daemon->networks, on_own_addresses, daemon, error);
}

/* (transfer full) (nullable): NULL without @error when there is no CA. */
static OcIntercept *
load_intercept (const OcOptions *options, GError **error)
{
  const OcInterceptOptions intercept = { .ca_cert = options->ca_cert,
                                         .ca_key = options->ca_key,
                                         .leaf_ttl_s = options->leaf_ttl_s,
                                         .body_cap = options->body_cap };

  return options->ca_cert != NULL ? oc_intercept_new (&intercept, error) : NULL;
}

static gboolean
start_intercept (OcDaemon *daemon, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (daemon->options->ca_key != NULL)
    oc_daemon_hide ();
  daemon->intercept = load_intercept (daemon->options, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return oc_prefix (error, "interception");
}

static OcPolicyOptions
get_enforceable (const OcOptions *options)
{
  return (OcPolicyOptions) { .have_proxy = !options->no_proxy,
                             .have_intercept = options->ca_cert != NULL };
}

/* What systemd gives this service alone. */
static const char *
get_credentials_dir (void)
{
  return g_getenv ("CREDENTIALS_DIRECTORY");
}

static gboolean
start_rules (OcDaemon *daemon, GError **error)
{
  const OcPolicyOptions enforceable = get_enforceable (daemon->options);

  daemon->rules = oc_rules_new (daemon->options->rules_dir, &enforceable, daemon->hub);
  oc_rules_set_secrets (daemon->rules, daemon->options->secrets_dir, get_credentials_dir ());
  oc_rules_set_listener (daemon->rules, on_policy_changed, daemon);
  /* What an approval left half done goes before the rules are read. */
  daemon->requests = oc_requests_new (daemon->options->state_dir, daemon->rules, daemon->log,
                                      error);
  if (daemon->requests == NULL)
    return oc_prefix (error, "rule requests");
  /* Watched first: nothing that changes while they are read is missed. */
  if ((daemon->options->watch_rules && !oc_rules_watch (daemon->rules, error))
      || !load_rules (daemon, error))
    return oc_prefix (error, "rules");
  return TRUE;
}

static gboolean
start_dns (OcDaemon *daemon, GError **error)
{
  const OcDnsOptions options = {
    .port = daemon->options->dns_port,
    .n_workers = daemon->options->workers,
    .rate_per_s = daemon->options->dns_rate,
    .upstreams = daemon->options->dns_upstream,
  };

  daemon->dns = oc_dns_new (&options, daemon->hub, daemon->log, daemon->firewall, error);
  return daemon->dns != NULL || oc_prefix (error, "DNS filter");
}

static gboolean
start_proxy (OcDaemon *daemon, GError **error)
{
  const OcProxyOptions options = {
    .port = daemon->options->proxy_port,
    .n_workers = daemon->options->workers,
    .head_max = daemon->options->max_header,
    .max_connections = 4096,
    .max_connections_per_workload = 512,
    .intercept = daemon->intercept,
  };

  if (daemon->options->no_proxy)
    return TRUE;
  daemon->proxy = oc_proxy_new (&options, daemon->hub, daemon->log, daemon->dns, error);
  if (daemon->proxy == NULL
      || !oc_proxy_set_upstream (daemon->proxy, daemon->options->upstream_proxy, error))
    return oc_prefix (error, "proxy");
  return TRUE;
}

/* DNS and proxy at the gateway of @network, or neither. */
static gboolean
serve_network (OcNetwork *network, gboolean alive, gpointer user_data, GError **error)
{
  OcDaemon *daemon = user_data;
  OcAddress gateway = oc_network_get_gateway (network);

  if (alive && !oc_dns_add_gateway (daemon->dns, &gateway, error))
    return oc_prefix (error, "DNS filter");
  if (alive && (daemon->proxy == NULL || oc_proxy_add_gateway (daemon->proxy, &gateway, error)))
    return TRUE;
  oc_dns_remove_gateway (daemon->dns, &gateway);
  if (alive)
    return oc_prefix (error, "proxy");
  if (daemon->proxy != NULL)
    oc_proxy_remove_gateway (daemon->proxy, &gateway);
  return TRUE;
}

/* The default network must be served; what is wrong with another one is told. */
static gboolean
serve_networks (OcDaemon *daemon, GError **error)
{
  g_autoptr (GPtrArray) networks = oc_networks_list (daemon->networks);

  for (guint i = 0; i < networks->len; i++)
    {
      OcNetwork *network = g_ptr_array_index (networks, i);
      g_autoptr (GError) local = NULL;

      if (serve_network (network, TRUE, daemon, &local))
        continue;
      if (network == oc_networks_get_default (daemon->networks))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_warning ("network %s: %s", oc_network_get_name (network), local->message);
    }
  oc_networks_set_listener (daemon->networks, serve_network, daemon);
  return TRUE;
}

/* May be absent, come and go; so nothing here can fail. */
static gboolean
start_engine (OcDaemon *daemon)
{
  const OcOptions *options = daemon->options;
  g_autofree char *shim = oc_shim_find ();
  const OcWorkloadEngineOptions engine = {
    .socket = options->engine_socket,
    .agent_socket = options->agent_socket,
    .shim = shim,
    .host_socket = options->socket,
    .state_dir = options->state_dir,
    .rules_dir = options->rules_dir,
    .proxy_port = options->no_proxy ? 0 : options->proxy_port,
    .trusts_ca = daemon->intercept != NULL,
    .log = daemon->log,
  };

  oc_workloads_use_engine (daemon->workloads, &engine);
  return TRUE;
}

/* Where the operator has put what makes who holds it the operator, or root. The API's text
 * is UTF-8; a path that is none is told as it reads. (transfer full) */
static char **
list_protected (const OcOptions *options)
{
  const char *const paths[]
      = { options->socket,    options->agent_socket, options->engine_socket,
          options->rules_dir, options->state_dir,    options->secrets_dir,
          options->ca_key,    options->audit_log };
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = paths[i] != NULL ? g_canonicalize_filename (paths[i], NULL) : NULL;

      if (path != NULL)
        g_ptr_array_add (list, g_utf8_make_valid (path, -1));
    }
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static gboolean
start_apis (OcDaemon *daemon, GError **error)
{
  char **protected_paths = daemon->protected_paths = list_protected (daemon->options);
  const OcHostApiSubsystems subsystems = {
    .firewall = daemon->firewall,
    .networks = daemon->networks,
    .workloads = daemon->workloads,
    .rules = daemon->rules,
    .requests = daemon->requests,
    .dns = daemon->dns,
    .proxy = daemon->proxy,
    .intercept = daemon->intercept,
    .log = daemon->log,
    .hub = daemon->hub,
    .started_us = daemon->started_us,
    .dns_upstreams = daemon->options->dns_upstream,
    .dns_port = daemon->options->dns_port,
    .proxy_port = daemon->options->proxy_port,
    .protected_paths = protected_paths,
  };
  const OcAgentApiOptions agent = {
    .socket_path = daemon->options->agent_socket,
    .checks = convert_rate (daemon->options->agent_perm_rate),
    .rule_requests = convert_rate (daemon->options->agent_rule_rate),
    .timeout_s = daemon->options->agent_timeout_s,
    .ca_pem = daemon->intercept != NULL ? oc_intercept_get_ca_pem (daemon->intercept) : NULL,
  };

  daemon->host_api = oc_host_api_new (daemon->options->socket, &subsystems, error);
  if (daemon->host_api == NULL)
    return oc_prefix (error, "host API");
  daemon->agent_api
      = oc_agent_api_new (&agent, daemon->workloads, daemon->rules, daemon->requests, daemon->log,
                          error);
  if (daemon->agent_api == NULL)
    return oc_prefix (error, "agent API");
  return TRUE;
}

static gboolean
start (OcDaemon *daemon, GError **error)
{
  daemon->hub = oc_snapshot_hub_new ();
  daemon->log = oc_log_new ();
  oc_log_set_verbose (daemon->log, g_str_equal (daemon->options->log_level, "debug"));
  if (!oc_log_set_audit_file (daemon->log, daemon->options->audit_log, error)
      || !make_state_dir (daemon->options->state_dir, error) || !start_kernel (daemon, error))
    return FALSE;
  /* The kernel is closed by now, whatever else is not as it should be. */
  if (!start_intercept (daemon, error) || !start_rules (daemon, error))
    return FALSE;
  return start_dns (daemon, error) && start_proxy (daemon, error)
         && serve_networks (daemon, error) && start_engine (daemon)
         && start_apis (daemon, error);
}

OcDaemon *
oc_daemon_new (OcOptions *options, char **argv, GError **error)
{
  OcDaemon *daemon = g_new0 (OcDaemon, 1);

  daemon->options = options;
  daemon->argv = argv;
  daemon->started_us = g_get_monotonic_time ();
  oc_logging_set_level (options->log_level);
  if (start (daemon, error))
    return daemon;
  oc_daemon_free (daemon);
  return NULL;
}

/* --- Stop -------------------------------------------------------------------- */

static gboolean
on_drain_poll (gpointer user_data)
{
  OcDaemon *daemon = user_data;
  OcProxyStats stats = { 0 };

  if (daemon->proxy != NULL)
    oc_proxy_get_stats (daemon->proxy, &stats);
  if (stats.active > 0 && g_get_monotonic_time () < daemon->drain_deadline_us)
    return G_SOURCE_CONTINUE;
  daemon->on_drained (daemon->on_drained_data);
  return G_SOURCE_REMOVE;
}

void
oc_daemon_stop (OcDaemon *daemon, GSourceFunc done, gpointer user_data)
{
  g_clear_pointer (&daemon->host_api, oc_host_api_free);
  g_clear_pointer (&daemon->agent_api, oc_agent_api_free);
  if (daemon->proxy != NULL)
    oc_proxy_stop (daemon->proxy, DRAIN_MS);
  daemon->on_drained = done;
  daemon->on_drained_data = user_data;
  daemon->drain_deadline_us = g_get_monotonic_time () + DRAIN_MS * 1000;
  g_timeout_add (DRAIN_POLL_MS, on_drain_poll, daemon);
}

void
oc_daemon_free (OcDaemon *daemon)
{
  g_autoptr (GError) error = NULL;

  if (daemon == NULL)
    return;
  g_clear_pointer (&daemon->agent_api, oc_agent_api_free);
  g_clear_pointer (&daemon->host_api, oc_host_api_free);
  g_clear_pointer (&daemon->proxy, oc_proxy_free);
  g_clear_pointer (&daemon->intercept, oc_intercept_free);
  g_clear_pointer (&daemon->dns, oc_dns_free);
  g_clear_pointer (&daemon->requests, oc_requests_free);
  g_clear_pointer (&daemon->rules, oc_rules_free);
  g_clear_pointer (&daemon->workloads, oc_workloads_free);
  g_clear_pointer (&daemon->networks, oc_networks_free);
  if (daemon->firewall != NULL && !oc_firewall_flush_grants (daemon->firewall, 0, NULL, &error))
    g_warning ("grants could not be dropped: %s", error->message);
  g_clear_pointer (&daemon->firewall, oc_firewall_free);
  g_clear_pointer (&daemon->log, oc_log_free);
  g_clear_pointer (&daemon->hub, oc_snapshot_hub_free);
  oc_options_free (daemon->options);
  g_strfreev (daemon->protected_paths);
  g_free (daemon);
}

static gboolean
check_ca (const OcOptions *options, GError **error)
{
  g_autoptr (GError) local = NULL;

  oc_intercept_free (load_intercept (options, &local));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
oc_daemon_check (const OcOptions *options, GError **error)
{
  OcPolicyOptions enforceable = get_enforceable (options);
  g_autoptr (OcSecrets) secrets = NULL;
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (OcPolicy) policy = NULL;

  if (!oc_proxy_check_upstream (options->upstream_proxy, error) || !check_ca (options, error))
    return FALSE;
  secrets = oc_secrets_load (options->secrets_dir, get_credentials_dir (), error);
  if (secrets == NULL)
    return FALSE;
  enforceable.secrets = oc_secrets_get_names (secrets);
  policy = oc_policy_load_dir (options->rules_dir, &enforceable, diagnostics, error);
  for (guint i = 0; i < diagnostics->len; i++)
    {
      g_autofree char *text = oc_diagnostic_format (diagnostics->pdata[i]);

      g_printerr ("%s\n", text);
    }
  return policy != NULL;
}
