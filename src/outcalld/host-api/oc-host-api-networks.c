/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

/* --- Showing ------------------------------------------------------------------------------ */

/* Names of the workloads of @network. (element-type utf8), owned, NULL-terminated */
static GPtrArray *
list_workloads (OcHostApi *api, OcNetwork *network)
{
  g_autoptr (GPtrArray) workloads = oc_workloads_list (api->s.workloads);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < workloads->len; i++)
    if (oc_workload_get_network (workloads->pdata[i]) == network)
      g_ptr_array_add (names,
                       g_strdup (oc_workload_get_identity (workloads->pdata[i])->name));
  g_ptr_array_add (names, NULL);
  return names;
}

/* Asked from the kernel now. (transfer full) */
static OutcallNetworkStatus *
make_status (OcHostApi *api, OcNetwork *network, GError **error)
{
  OcAddress gateway = oc_network_get_gateway (network);
  OutcallNetworkStatus *status;
  char text[OC_ADDRESS_TEXT_MAX];
  GPtrArray *workloads;
  OcBridgeState state;

  if (!oc_network_get_state (network, &state, error))
    return NULL;
  workloads = list_workloads (api, network);
  status = outcall_network_status_new ();
  status->name = g_strdup (oc_network_get_name (network));
  status->bridge = g_strdup (oc_network_get_bridge (network));
  status->subnet = oc_network_dup_subnet (network);
  status->gateway = g_strdup (oc_address_format (&gateway, text, sizeof text));
  status->up = state.up;
  status->has_index = state.present;
  status->index = state.index;
  status->has_gateway = state.has_gateway;
  status->nftables_active = state.nftables_active;
  status->n_workloads = workloads->len - 1;
  status->workloads = (char **) g_ptr_array_free (workloads, FALSE);
  return status;
}

void
oc_host_api_get_networks (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (GPtrArray) networks = oc_networks_list (api->s.networks);
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) outcall_network_status_free);

  for (guint i = 0; i < networks->len; i++)
    {
      g_autoptr (GError) error = NULL;
      OutcallNetworkStatus *status = make_status (api, networks->pdata[i], &error);

      if (status == NULL)
        {
          oc_api_request_fail_error (request, error);
          return;
        }
      g_ptr_array_add (list, status);
    }
  oc_api_request_reply (request, 200, outcall_network_status_list_to_json (list));
}

void
oc_host_api_get_network (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const char *name = oc_api_request_get_query (request, "name");
  OcNetwork *network = oc_networks_lookup (api->s.networks, name != NULL ? name : "default");
  g_autoptr (OutcallNetworkStatus) status = NULL;
  g_autoptr (GError) error = NULL;

  if (network == NULL)
    {
      oc_api_request_fail (request, 404, NULL, "there is no network '%s'", name);
      return;
    }
  status = make_status (api, network, &error);
  if (status == NULL)
    oc_api_request_fail_error (request, error);
  else
    oc_api_request_reply (request, 200, outcall_network_status_to_json (status));
}

/* --- Making and removing ------------------------------------------------------------------ */

static void
reply_created (OcHostApi *api, OcApiRequest *request, OcNetwork *network, gboolean created)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallNetworkStatus) status = make_status (api, network, &error);
  OutcallNetworkCreated answer = { .created = created };

  if (status == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  answer.network = *status;
  if (created)
    oc_host_events_tell (api->events, "network_created", NULL, NULL,
                         outcall_network_status_to_json (status));
  oc_api_request_reply (request, 200, outcall_network_created_to_json (&answer));
}

/* @subnets: (nullable) (element-type OcEngineSubnet): what the engine has */
static OcNetwork *
create (OcHostApi *api, const char *name, const char *subnet, const GArray *subnets,
        gboolean *out_created, GError **error)
{
  g_autofree OcSubnet *taken = g_new0 (OcSubnet, subnets != NULL ? subnets->len + 1 : 1);
  OcNetworkRequest wanted = { name, subnet, taken, subnets != NULL ? subnets->len : 0 };

  for (gsize i = 0; i < wanted.n_taken; i++)
    {
      const OcEngineSubnet *from = &g_array_index (subnets, OcEngineSubnet, i);

      taken[i] = (OcSubnet) { from->address, from->prefix_len, from->owner };
    }
  return oc_networks_create (api->s.networks, &wanted, out_created, error);
}

static void
on_subnets (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OcHostWaiting) waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) subnets = NULL;
  OcNetwork *network = NULL;
  gboolean created = FALSE;

  if (waiting->api == NULL)
    return;
  subnets = oc_engine_list_subnets_finish (
      oc_workloads_get_engine (waiting->api->s.workloads), result, &error);
  if (subnets != NULL)
    network = create (waiting->api, waiting->name, waiting->subnet, subnets, &created, &error);
  else
    {
      /* What it has is not known, so nothing may be taken. */
      error->domain = G_IO_ERROR;
      error->code = G_IO_ERROR_NOT_INITIALIZED;
    }
  if (oc_host_waiting_note (waiting, error))
    reply_created (waiting->api, waiting->request, network, created);
}

void
oc_host_api_post_network_create (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallNetworkCreateRequest) asked = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  OcEngine *engine = oc_workloads_get_engine (api->s.workloads);
  OcHostWaiting *waiting;
  OcNetwork *network;
  gboolean created;

  if (body != NULL)
    asked = outcall_network_create_request_from_json (body, &error);
  if (asked == NULL)
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  if (engine != NULL && oc_engine_is_connected (engine)
      && oc_networks_lookup (api->s.networks, asked->name) == NULL)
    {
      waiting = oc_host_waiting_new (api, request, "network.create", asked->name);
      waiting->subnet = g_strdup (asked->subnet);
      oc_engine_list_subnets_async (engine, on_subnets, waiting);
      return;
    }
  network = create (api, asked->name, asked->subnet, NULL, &created, &error);
  if (oc_host_api_note (api, request, "network.create", asked->name, error))
    reply_created (api, request, network, created);
}

/* The workloads that still use @network, "a, b"; NULL for none. (transfer full) */
static char *
join_workloads (OcHostApi *api, OcNetwork *network)
{
  g_autoptr (GPtrArray) names = list_workloads (api, network);

  return names->len > 1 ? g_strjoinv (", ", (char **) names->pdata) : NULL;
}

void
oc_host_api_post_network_destroy (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallNameRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_name_request_from_json);
  OutcallNetworkDestroyed answer = { 0 };
  g_autofree char *workloads = NULL;
  g_autofree char *name = NULL;
  g_autoptr (GError) error = NULL;
  gboolean destroyed = FALSE;
  OcNetwork *network;

  if (asked == NULL)
    return;
  network = oc_networks_lookup (api->s.networks, asked->name);
  if (network != NULL)
    {
      name = g_strdup (oc_network_get_name (network));
      workloads = join_workloads (api, network);
    }
  if (workloads != NULL)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_BUSY, "network %s still has workloads: %s", name,
                 workloads);
  else if (network != NULL && oc_workloads_use_network (api->s.workloads, network))
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_BUSY, "network %s is about to get a container",
                 name);
  else
    (void) oc_networks_destroy (api->s.networks, asked->name, &destroyed, &error);
  answer.name = name != NULL ? name : asked->name;
  answer.destroyed = destroyed;
  if (destroyed)
    oc_workloads_network_destroyed (api->s.workloads, name);
  if (oc_host_api_note (api, request, "network.destroy", asked->name, error))
    {
      if (destroyed)
        oc_host_events_tell (api->events, "network_destroyed", NULL, NULL,
                             outcall_network_destroyed_to_json (&answer));
      oc_api_request_reply (request, 200, outcall_network_destroyed_to_json (&answer));
    }
}
