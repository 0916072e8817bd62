/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "daemon/oc-grants.h"

#include <netinet/in.h>

#include "common/oc-error.h"

/* (transfer full) guint32 address → OcIdentity, borrowed from @workloads */
static GHashTable *
index_identities (OcWorkloads *workloads)
{
  g_autoptr (GPtrArray) list = oc_workloads_list (workloads);
  GHashTable *table = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const OcLease *lease = oc_workload_get_lease (list->pdata[i]);

      g_hash_table_insert (table, GUINT_TO_POINTER (oc_address_get_v4 (&lease->address)),
                           oc_workload_get_identity (list->pdata[i]));
    }
  return table;
}

static gboolean
has_port (const OcEgress *egress, guint16 port)
{
  for (gsize i = 0; i < egress->n_ports; i++)
    if (egress->ports[i] == port)
      return TRUE;
  return FALSE;
}

static gboolean
may_reach (const OcEgress *egress, const OcGrantKey *key)
{
  OcAddress address = oc_address_from_v4 (key->destination_be);

  return egress->allow_private_ips || oc_address_classify (&address) == OC_ADDRESS_PUBLIC;
}

static gboolean
is_allowed (const OcPolicy *policy, const OcIdentity *identity, const OcGrant *grant)
{
  OcPolicyContext context = { .request_time_us = g_get_real_time () };
  OcPolicyVerdict verdict = { 0 };
  const OcEgress *egress;

  if (identity == NULL || grant->name == NULL)
    return FALSE;
  context.network.hostname = oc_str_from (grant->name);
  context.dns.query = context.network.hostname;
  context.dns.record_type = OC_STR ("A");
  oc_identity_fill_context (identity, &context);
  oc_policy_evaluate_name (policy, &context, &verdict);
  if (!verdict.allowed || verdict.rule == NULL)
    return FALSE;
  egress = &verdict.rule->egress;
  return egress->mode == OC_EGRESS_DIRECT_IP && egress->max_bytes == grant->max_bytes
         && grant->key.protocol == IPPROTO_TCP && has_port (egress, grant->key.port)
         && may_reach (egress, &grant->key);
}

void
oc_daemon_judge_grants (OcFirewall *firewall, OcWorkloads *workloads, const OcPolicy *policy)
{
  g_autoptr (GPtrArray) grants = oc_firewall_list_grants (firewall, 0, G_MAXSIZE, FALSE, NULL);
  g_autoptr (GHashTable) identities = index_identities (workloads);
  g_autoptr (GArray) ended = g_array_new (FALSE, FALSE, sizeof (OcGrantKey));
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < grants->len; i++)
    {
      const OcGrant *grant = g_ptr_array_index (grants, i);
      const OcIdentity *identity
          = g_hash_table_lookup (identities, GUINT_TO_POINTER (grant->key.source_be));

      if (grant->rule != NULL && !is_allowed (policy, identity, grant))
        g_array_append_val (ended, grant->key);
    }
  if (ended->len == 0)
    return;
  g_message ("%u grants that the rules no longer allow end", ended->len);
  if (oc_firewall_remove_grants (firewall, (OcGrantKey *) ended->data, ended->len, &error))
    return;
  /* Some of them may be alive: then none is to be. */
  g_warning ("grants of the old policy could not be ended one by one: %s", error->message);
  g_clear_error (&error);
  if (!oc_firewall_flush_grants (firewall, 0, NULL, &error))
    g_warning ("grants of the old policy could not be ended: %s", error->message);
}
