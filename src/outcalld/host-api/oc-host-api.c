/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include <grp.h>

#define HEAD_MAX (16 * 1024)
#define REQUEST_TIMEOUT_S 10
#define IDLE_TIMEOUT_S 60
#define CONNECTIONS_MAX 256

/* Every route. Those that change something are noted in the log by their handler. Each is
 * described in oc-host-api-describe.c. */
static const OcApiRoute routes[] = {
  { "GET", "/health", oc_host_api_get_health },
  { "GET", "/ready", oc_host_api_get_ready },
  { "GET", "/metrics", oc_host_api_get_metrics },
  { "GET", "/api/v1/health", oc_host_api_get_health },
  { "GET", "/api/v1/ready", oc_host_api_get_ready },
  { "GET", "/api/v1/metrics", oc_host_api_get_metrics },
  { "GET", "/api/v1/openapi.json", oc_host_api_get_openapi },
  { "GET", "/api/v1/status", oc_host_api_get_status },
  { "GET", "/api/v1/bridge", oc_host_api_get_bridge },
  { "POST", "/api/v1/bridge/up", oc_host_api_post_bridge_up },
  { "POST", "/api/v1/bridge/down", oc_host_api_post_bridge_down },
  { "GET", "/api/v1/network/config", oc_host_api_get_network_config },
  { "GET", "/api/v1/networks", oc_host_api_get_networks },
  { "GET", "/api/v1/network", oc_host_api_get_network },
  { "POST", "/api/v1/network/create", oc_host_api_post_network_create },
  { "POST", "/api/v1/network/destroy", oc_host_api_post_network_destroy },
  { "GET", "/api/v1/workloads", oc_host_api_get_workloads },
  { "GET", "/api/v1/sandboxes", oc_host_api_get_workloads },
  { "POST", "/api/v1/sandbox/attach", oc_host_api_post_attach },
  { "GET", "/api/v1/workload", oc_host_api_get_workload },
  { "GET", "/api/v1/workload/logs", oc_host_api_get_logs },
  { "POST", "/api/v1/workload/stop", oc_host_api_post_stop },
  { "POST", "/api/v1/sandbox/stop", oc_host_api_post_stop },
  { "GET", "/api/v1/containers", oc_host_api_get_containers },
  { "GET", "/api/v1/container", oc_host_api_get_container },
  { "POST", "/api/v1/container/create", oc_host_api_post_container_create },
  { "POST", "/api/v1/container/stop", oc_host_api_post_stop },
  { "POST", "/api/v1/container/remove", oc_host_api_post_container_remove },
  { "POST", "/api/v1/container/pull", oc_host_api_post_container_pull },
  { "GET", "/api/v1/rules", oc_host_api_get_rules },
  { "GET", "/api/v1/rule/{id}", oc_host_api_get_rule },
  { "POST", "/api/v1/rules/reload", oc_host_api_post_reload },
  { "POST", "/api/v1/rules/lint", oc_host_api_post_lint },
  { "POST", "/api/v1/rule/test", oc_host_api_post_rule_test },
  { "POST", "/api/v1/rules/allow", oc_host_api_post_allow },
  { "GET", "/api/v1/rules/active", oc_host_api_get_active_grants },
  { "POST", "/api/v1/rules/flush", oc_host_api_post_rules_flush },
  { "POST", "/api/v1/rule/allow", oc_host_api_post_rule_allow },
  { "POST", "/api/v1/rule/revoke", oc_host_api_post_rule_revoke },
  { "POST", "/api/v1/rule/evaluate", oc_host_api_post_evaluate },
  { "GET", "/api/v1/requests/rules", oc_host_api_get_requests },
  { "GET", "/api/v1/requests/rules/{id}", oc_host_api_get_request },
  { "POST", "/api/v1/rules/allow/review", oc_host_api_post_allow_review },
  { "POST", "/api/v1/rules/allow/approve", oc_host_api_post_allow_approve },
  { "POST", "/api/v1/requests/rules/{id}/approve", oc_host_api_post_approve },
  { "POST", "/api/v1/requests/rules/{id}/reject", oc_host_api_post_reject },
  { "GET", "/api/v1/dns", oc_host_api_get_dns },
  { "GET", "/api/v1/dns/cache", oc_host_api_get_dns_cache },
  { "POST", "/api/v1/dns/cache/flush", oc_host_api_post_dns_flush },
  { "POST", "/api/v1/dns/test", oc_host_api_post_dns_test },
  { "GET", "/api/v1/proxy", oc_host_api_get_proxy },
  { "GET", "/api/v1/proxy/intercept", oc_host_api_get_intercept },
  { "POST", "/api/v1/proxy/intercept/cache/flush", oc_host_api_post_intercept_flush },
  { "GET", "/api/v1/ca", oc_host_api_get_ca },
  { "GET", "/api/v1/ca/bundle", oc_host_api_get_ca_bundle },
  { "GET", "/api/v1/secrets", oc_host_api_get_secrets },
  { "GET", "/api/v1/log", oc_host_api_get_log },
  { "GET", "/api/v1/events", oc_host_api_get_events },
};

const OcApiRoute *
oc_host_api_get_routes (gsize *out_n)
{
  *out_n = G_N_ELEMENTS (routes);
  return routes;
}

/* --- Who may ask ----------------------------------------------------------------- */

/* Root, or a member of group outcall by what the kernel noted when the peer
 * connected: no look-up in a user database that could be slow or stale. */
static gboolean
authorize (const OcApiPeer *peer, gpointer user_data)
{
  OcHostApi *api = user_data;

  if (peer->uid == 0)
    return TRUE;
  if (!api->has_group)
    return FALSE;
  if (peer->gid == api->gid)
    return TRUE;
  for (gsize i = 0; i < peer->n_groups; i++)
    if (peer->groups[i] == api->gid)
      return TRUE;
  return FALSE;
}

static void
find_group (OcHostApi *api)
{
  const struct group *group = getgrnam ("outcall");

  api->has_group = group != NULL;
  api->gid = group != NULL ? group->gr_gid : (gid_t) -1;
  if (group == NULL)
    g_message ("there is no group 'outcall': only root may use the host API");
}

OcHostApi *
oc_host_api_new (const char *socket_path, const OcHostApiSubsystems *subsystems, GError **error)
{
  OcHostApi *api = g_new0 (OcHostApi, 1);
  OcApiServerConfig config = {
    .path = socket_path,
    .head_max = HEAD_MAX,
    .body_max = OUTCALL_HOST_BODY_MAX,
    .request_timeout_s = REQUEST_TIMEOUT_S,
    .idle_timeout_s = IDLE_TIMEOUT_S,
    .max_connections = CONNECTIONS_MAX,
    .routes = routes,
    .n_routes = G_N_ELEMENTS (routes),
    .authorize = authorize,
    .user_data = api,
  };

  api->s = *subsystems;
  find_group (api);
  config.mode = api->has_group ? 0660 : 0600;
  config.gid = api->gid;
  api->events = oc_host_events_new (api);
  api->resolve = oc_host_resolve_new (api);
  api->waiting = g_hash_table_new (NULL, NULL);
  api->server = oc_api_server_new (&config, error);
  if (api->server == NULL)
    g_clear_pointer (&api, oc_host_api_free);
  return api;
}

void
oc_host_api_free (OcHostApi *api)
{
  if (api == NULL)
    return;
  if (api->server != NULL)
    oc_api_server_stop (api->server);
  oc_host_resolve_free (api->resolve);
  oc_host_api_end_waiting (api);
  g_hash_table_unref (api->waiting);
  oc_api_server_free (api->server);
  oc_host_events_free (api->events);
  g_free (api);
}

/* --- Helpers --------------------------------------------------------------------- */

gboolean
oc_host_api_note (OcHostApi *api, OcApiRequest *request, const char *action, const char *detail,
                  const GError *error)
{
  const OcApiPeer *peer = oc_api_request_get_peer (request);
  const OcLogChange change = { peer->uid, peer->pid, action, detail,
                               error != NULL ? error->message : NULL };

  oc_log_change (api->s.log, &change);
  if (error != NULL)
    oc_api_request_fail_error (request, error);
  return error == NULL;
}

