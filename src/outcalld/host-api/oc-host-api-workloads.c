/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

/* --- Bridge and network --------------------------------------------------------------- */

void
oc_host_api_get_bridge (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OcNetwork *network = oc_networks_get_default (api->s.networks);
  g_autoptr (GError) error = NULL;
  OutcallBridgeStatus status;
  OcBridgeState state;

  if (!oc_network_get_state (network, &state, &error))
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  status = (OutcallBridgeStatus) {
    .name = (char *) oc_network_get_bridge (network),
    .up = state.up,
    .has_index = state.present,
    .index = state.index,
    .nftables_active = state.nftables_active,
  };
  oc_api_request_reply (request, 200, outcall_bridge_status_to_json (&status));
}

void
oc_host_api_post_bridge_up (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GError) error = NULL;

  (void) oc_networks_up (api->s.networks, &error);
  if (oc_host_api_note (api, request, "bridge.up", NULL, error))
    oc_host_api_get_bridge (request, api);
}

void
oc_host_api_post_bridge_down (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GError) error = NULL;

  (void) oc_networks_down (api->s.networks, &error);
  if (oc_host_api_note (api, request, "bridge.down", NULL, error))
    oc_host_api_get_bridge (request, api);
}

void
oc_host_api_get_network_config (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *name = oc_api_request_get_query (request, "name");
  OcNetwork *network = oc_networks_lookup (api->s.networks, name != NULL ? name : "default");
  g_autofree char *subnet = NULL;
  char text[OC_ADDRESS_TEXT_MAX];
  OutcallNetworkConfig config;
  OcAddress gateway;

  if (network == NULL)
    {
      oc_api_request_fail (request, 404, NULL, "there is no network '%s'", name);
      return;
    }
  gateway = oc_network_get_gateway (network);
  subnet = oc_network_dup_subnet (network);
  oc_address_format (&gateway, text, sizeof text);
  config = (OutcallNetworkConfig) {
    .name = (char *) oc_network_get_name (network),
    .bridge = (char *) oc_network_get_bridge (network),
    .subnet = subnet,
    .gateway = text,
    .prefix_len = oc_network_get_prefix_len (network),
    .dns_port = api->s.dns_port,
    .proxy_port = api->s.proxy != NULL ? api->s.proxy_port : 0,
    .protected_paths = api->s.protected_paths,
    .n_protected_paths
    = api->s.protected_paths != NULL ? g_strv_length (api->s.protected_paths) : 0,
  };
  oc_api_request_reply (request, 200, outcall_network_config_to_json (&config));
}

/* --- Workloads -------------------------------------------------------------------------- */

void
oc_host_api_format_mac (const guint8 mac[6], char text[18])
{
  g_snprintf (text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
              mac[5]);
}

JsonNode *
oc_host_api_workload_to_json (OcWorkload *workload)
{
  const OcIdentity *identity = oc_workload_get_identity (workload);
  const OcLease *lease = oc_workload_get_lease (workload);
  char address[OC_ADDRESS_TEXT_MAX];
  char mac[18];
  OutcallWorkload entry;

  oc_address_format (&lease->address, address, sizeof address);
  oc_host_api_format_mac (lease->mac, mac);
  entry = (OutcallWorkload) {
    .name = identity->name,
    .id = identity->id,
    .runtime = oc_workload_get_runtime (workload) == OC_RUNTIME_NATIVE ? OUTCALL_RUNTIME_NATIVE
                                                                      : OUTCALL_RUNTIME_ENGINE,
    .network = (char *) oc_network_get_name (oc_workload_get_network (workload)),
    .address = address,
    .mac = mac,
    .pid = (gint32) oc_workload_get_pid (workload),
    .uid = oc_workload_get_uid (workload),
    .command = (char *) oc_workload_get_command (workload),
    .image = *identity->image != '\0' ? identity->image : NULL,
    .project = *identity->project != '\0' ? identity->project : NULL,
    .started_at_us = oc_workload_get_started_us (workload),
    .learning = identity->learning,
  };
  return outcall_workload_to_json (&entry);
}

void
oc_host_api_get_workloads (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GPtrArray) workloads = oc_workloads_list (api->s.workloads);
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; i < workloads->len; i++)
    json_array_add_element (array, oc_host_api_workload_to_json (workloads->pdata[i]));
  json_node_take_array (node, array);
  oc_api_request_reply (request, 200, node);
}

static void
reply_attached (OcApiRequest *request, OcWorkload *workload)
{
  const OcIdentity *identity = oc_workload_get_identity (workload);
  const OcLease *lease = oc_workload_get_lease (workload);
  char address[OC_ADDRESS_TEXT_MAX];
  char gateway[OC_ADDRESS_TEXT_MAX];
  char mac[18];
  OutcallSandboxAttachment attachment;

  oc_address_format (&lease->address, address, sizeof address);
  oc_address_format (&identity->gateway, gateway, sizeof gateway);
  oc_host_api_format_mac (lease->mac, mac);
  attachment = (OutcallSandboxAttachment) {
    .name = identity->name,
    .id = identity->id,
    .address = address,
    .prefix_len = oc_network_get_prefix_len (oc_workload_get_network (workload)),
    .gateway = gateway,
    .mac = mac,
  };
  oc_api_request_reply (request, 200, outcall_sandbox_attachment_to_json (&attachment));
}

void
oc_host_api_post_attach (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcApiPeer *peer = oc_api_request_get_peer (request);
  const OcPeer who = { peer->pid, peer->uid, peer->gid };
  g_autoptr (OutcallSandboxAttachRequest) asked = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  OcNativeRequest native;
  OcWorkload *workload;

  if (body != NULL)
    asked = outcall_sandbox_attach_request_from_json (body, &error);
  if (asked == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  native = (OcNativeRequest) { .name = asked->name, .project = asked->project,
                               .command = asked->command, .pid = asked->pid,
                               .learning = asked->learning };
  workload = oc_workloads_attach_native (api->s.workloads, &who, &native, &error);
  if (oc_host_api_note (api, request, asked->learning ? "sandbox.learn" : "sandbox.attach",
                        workload != NULL ? oc_workload_get_identity (workload)->name : asked->name,
                        error))
    reply_attached (request, workload);
}
