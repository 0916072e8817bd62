/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "common/oc-error.h"

#include <arpa/inet.h>
#include <string.h>

#define ID_PREFIX "g"

/* --- Showing ------------------------------------------------------------------------------ */

/* (nullable) (transfer none) */
static const OcIdentity *
find_identity (OcHostApi *api, guint32 source_be)
{
  g_autoptr (GPtrArray) workloads = oc_workloads_list (api->s.workloads);

  for (guint i = 0; i < workloads->len; i++)
    if (oc_address_get_v4 (&oc_workload_get_lease (workloads->pdata[i])->address) == source_be)
      return oc_workload_get_identity (workloads->pdata[i]);
  return NULL;
}

/* (transfer full) */
static char *
format_destination (const OcGrantKey *key)
{
  OcAddress address = oc_address_from_v4 (key->destination_be);
  char text[OC_ADDRESS_TEXT_MAX];

  oc_address_format (&address, text, sizeof text);
  if (key->host_bits == 0)
    return g_strdup (text);
  return g_strdup_printf ("%s/%u", text, 32u - key->host_bits);
}

OutcallGrant *
oc_host_api_make_grant (OcHostApi *api, const OcGrant *grant, const char **out_agent)
{
  const OcIdentity *identity = find_identity (api, grant->key.source_be);
  gint64 skew_us = g_get_real_time () - g_get_monotonic_time ();
  OutcallGrant *entry = outcall_grant_new ();

  if (out_agent != NULL)
    *out_agent = identity != NULL ? identity->agent_name : NULL;
  entry->id = g_strdup_printf (ID_PREFIX "%" G_GUINT64_FORMAT, grant->id);
  entry->workload = g_strdup (identity != NULL ? identity->name : "");
  entry->destination = format_destination (&grant->key);
  entry->name = g_strdup (grant->name);
  entry->protocol = grant->key.protocol == IPPROTO_UDP ? OUTCALL_PROTOCOL_UDP
                                                       : OUTCALL_PROTOCOL_TCP;
  entry->port = grant->key.port;
  entry->last_port = grant->key.port != 0 ? grant->key.last_port : 0;
  entry->rule = g_strdup (grant->rule);
  entry->inserted_at_us = grant->inserted_us + skew_us;
  entry->expires_at_us = grant->expires_us + skew_us;
  entry->packets = grant->packets;
  entry->bytes = grant->bytes;
  entry->max_bytes = grant->max_bytes;
  return entry;
}

/* Answers and returns FALSE when there is no such workload.
 * @name: (nullable): then 0, for everybody */
static gboolean
find_source (OcHostApi *api, OcApiRequest *request, const char *name, guint32 *out_source_be)
{
  OcWorkload *workload = name != NULL ? oc_workloads_lookup (api->s.workloads, name) : NULL;

  *out_source_be = 0;
  if (name == NULL)
    return TRUE;
  if (workload == NULL)
    {
      oc_api_request_fail (request, 404, NULL, "there is no workload '%s'", name);
      return FALSE;
    }
  *out_source_be = oc_address_get_v4 (&oc_workload_get_lease (workload)->address);
  return TRUE;
}

static gboolean
read_limit (OcApiRequest *request, guint64 *out)
{
  const char *text = oc_api_request_get_query (request, "limit");

  *out = OC_HOST_API_GRANTS_LIMIT;
  if (text == NULL
      || g_ascii_string_to_unsigned (text, 10, 1, OC_HOST_API_GRANTS_LIMIT_MAX, out, NULL))
    return TRUE;
  oc_api_request_fail (request, 400, NULL, "limit must be 1 to %d", OC_HOST_API_GRANTS_LIMIT_MAX);
  return FALSE;
}

void
oc_host_api_get_active_grants (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallActiveGrants) answer = outcall_active_grants_new ();
  g_autoptr (GPtrArray) grants = NULL;
  guint32 source_be;
  guint64 limit;

  if (!read_limit (request, &limit)
      || !find_source (api, request, oc_api_request_get_query (request, "workload"), &source_be))
    return;
  grants = oc_firewall_list_grants (api->s.firewall, source_be, limit, TRUE, &answer->total);
  answer->grants = g_new0 (OutcallGrant *, grants->len + 1);
  for (guint i = 0; i < grants->len; i++)
    answer->grants[answer->n_grants++] = oc_host_api_make_grant (api, grants->pdata[i], NULL);
  oc_api_request_reply (request, 200, outcall_active_grants_to_json (answer));
}

/* --- Allowing ----------------------------------------------------------------------------- */

/* "192.0.2.7" or "192.0.2.0/24" */
static gboolean
parse_destination (const char *text, OcGrantKey *key, GError **error)
{
  const char *slash = strchr (text, '/');
  gsize len = slash != NULL ? (gsize) (slash - text) : strlen (text);
  guint64 prefix_len = 32;
  OcAddress address;

  if (!oc_address_parse (oc_str (text, len), &address) || address.family != 4
      || (slash != NULL && !g_ascii_string_to_unsigned (slash + 1, 10, 0, 32, &prefix_len, NULL)))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "destination '%s' is not an IPv4 address or range; a name is allowed "
                          "with outcall allow",
                          text);
  key->destination_be = oc_address_get_v4 (&address);
  key->host_bits = (guint8) (32 - prefix_len);
  return TRUE;
}

static gboolean
read_request (const OutcallGrantRequest *asked, OcGrantRequest *out, GError **error)
{
  if (asked->port == 0 && asked->last_port != 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "last_port needs port");
  out->key.protocol = asked->protocol == OUTCALL_PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_TCP;
  out->key.port = asked->port;
  out->key.last_port = asked->port == 0 ? G_MAXUINT16 : asked->last_port;
  out->lifetime_s = (guint) asked->lifetime_s;
  out->max_bytes = asked->max_bytes;
  return parse_destination (asked->destination, &out->key, error);
}

static void
reply_grant (OcHostApi *api, OcApiRequest *request, guint32 source_be, guint64 id)
{
  g_autoptr (GPtrArray) grants = oc_firewall_list_grants (api->s.firewall, source_be, 1, TRUE, NULL);
  g_autoptr (OutcallGrant) answer = NULL;

  /* The newest is ours: grants are made and renewed on other threads too. */
  if (grants->len == 0 || ((OcGrant *) grants->pdata[0])->id != id)
    {
      g_clear_pointer (&grants, g_ptr_array_unref);
      grants = oc_firewall_list_grants (api->s.firewall, source_be, OC_GRANTS_PER_WORKLOAD_MAX,
                                        TRUE, NULL);
    }
  for (guint i = 0; i < grants->len && answer == NULL; i++)
    if (((OcGrant *) grants->pdata[i])->id == id)
      answer = oc_host_api_make_grant (api, grants->pdata[i], NULL);
  if (answer != NULL)
    oc_host_events_tell (api->events, "grant_added", answer->workload, NULL,
                         outcall_grant_to_json (answer));
  oc_api_request_reply (request, 200, answer != NULL ? outcall_grant_to_json (answer) : NULL);
}

void
oc_host_api_post_rule_allow (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallGrantRequest) asked = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *body = oc_api_request_get_json (request, &error);
  OcGrantRequest wanted = { 0 };
  g_autofree char *detail = NULL;
  guint64 id = 0;

  if (body != NULL)
    asked = outcall_grant_request_from_json (body, &error);
  if (asked == NULL || !read_request (asked, &wanted, &error))
    {
      oc_api_request_fail_error (request, error);
      return;
    }
  if (!find_source (api, request, asked->workload, &wanted.key.source_be))
    return;
  (void) oc_firewall_add_grants (api->s.firewall, &wanted, 1, &id, &error);
  detail = g_strdup_printf ("%s: %s %s %u for %u s", asked->workload, asked->destination,
                            outcall_protocol_to_string (asked->protocol), asked->port,
                            wanted.lifetime_s);
  if (oc_host_api_note (api, request, "rule.allow", detail, error))
    reply_grant (api, request, wanted.key.source_be, id);
}

/* --- Revoking ----------------------------------------------------------------------------- */

static void
reply_removed (OcHostApi *api, OcApiRequest *request, guint64 removed)
{
  const OutcallGrantsRemoved answer = { .removed = removed };

  oc_host_events_tell (api->events, "grant_removed", NULL, NULL,
                       outcall_grants_removed_to_json (&answer));
  oc_api_request_reply (request, 200, outcall_grants_removed_to_json (&answer));
}

void
oc_host_api_post_rule_revoke (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallRevokeRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_revoke_request_from_json);
  g_autoptr (GError) error = NULL;
  OcGrantKey key;
  guint64 id;

  if (asked == NULL)
    return;
  if (!g_str_has_prefix (asked->id, ID_PREFIX)
      || !g_ascii_string_to_unsigned (asked->id + strlen (ID_PREFIX), 10, 1, G_MAXUINT64, &id,
                                      NULL)
      || !oc_firewall_lookup_grant (api->s.firewall, id, &key))
    {
      oc_api_request_fail (request, 404, NULL, "there is no grant '%s'", asked->id);
      return;
    }
  (void) oc_firewall_remove_grants (api->s.firewall, &key, 1, &error);
  if (oc_host_api_note (api, request, "rule.revoke", asked->id, error))
    reply_removed (api, request, 1);
}

void
oc_host_api_post_rules_flush (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallFlushRequest) asked
      = OC_HOST_API_READ_BODY (request, outcall_flush_request_from_json);
  g_autoptr (GError) error = NULL;
  guint64 removed = 0;
  guint32 source_be;

  if (asked == NULL || !find_source (api, request, asked->workload, &source_be))
    return;
  (void) oc_firewall_flush_grants (api->s.firewall, source_be, &removed, &error);
  if (oc_host_api_note (api, request, "rules.flush", asked->workload, error))
    reply_removed (api, request, removed);
}
