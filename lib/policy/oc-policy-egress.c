/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-egress.h"

#include "policy/oc-policy-inject.h"

static const OcField fields[] = {
  { "mode", G_STRUCT_OFFSET (OcEgressNodes, mode) },
  { "ports", G_STRUCT_OFFSET (OcEgressNodes, ports) },
  { "allow_private_ips", G_STRUCT_OFFSET (OcEgressNodes, allow_private_ips) },
  { "ech", G_STRUCT_OFFSET (OcEgressNodes, ech) },
  { "max_bytes", G_STRUCT_OFFSET (OcEgressNodes, max_bytes) },
  { "match_body", G_STRUCT_OFFSET (OcEgressNodes, match_body) },
  { "inject", G_STRUCT_OFFSET (OcEgressNodes, inject) },
  { NULL, 0 },
};

static gboolean
read_ports (const OcReader *reader, const OcYamlNode *list, OcArena *arena, OcEgress *out)
{
  guint16 *ports;
  gsize n = 0;
  gboolean ok = TRUE;

  if (list == NULL)
    return TRUE;
  if (!oc_reader_list (reader, list))
    return FALSE;
  ports = oc_arena_new_array (arena, guint16, list->n);
  for (const OcYamlNode *entry = list->first; entry != NULL; entry = entry->next)
    ok = oc_reader_port (reader, entry, &ports[n++]) && ok;
  out->ports = ports;
  out->n_ports = n;
  return ok;
}

static gboolean
refuse (const OcReader *reader, const OcYamlNode *node, const char *text)
{
  oc_reader_fail (reader, node->key, "%s", text);
  return FALSE;
}

static gboolean
check_mode (const OcReader *reader, const OcEgressNodes *nodes, const OcPolicyOptions *options,
            const OcEgress *egress)
{
  gboolean ok = TRUE;

  if (egress->mode == OC_EGRESS_INTERCEPT && options != NULL && !options->have_intercept)
    {
      oc_reader_fail (reader, nodes->mode,
                      "mode 'intercept' needs a CA, and this daemon runs without one (--ca-cert)");
      ok = FALSE;
    }
  if (nodes->ports != NULL && egress->mode != OC_EGRESS_DIRECT_IP)
    ok = refuse (reader, nodes->ports,
                 "egress.ports is for mode 'direct_ip' only; use the rule's 'ports'");
  if (egress->match_body && egress->mode != OC_EGRESS_INTERCEPT)
    ok = refuse (reader, nodes->match_body,
                 "match_body cannot be enforced without mode 'intercept'");
  if (nodes->inject != NULL && egress->mode != OC_EGRESS_INTERCEPT)
    ok = refuse (reader, nodes->inject, "inject cannot be done without mode 'intercept'");
  if (egress->max_bytes > 0 && egress->mode == OC_EGRESS_DIRECT_IP)
    ok = refuse (reader, nodes->max_bytes,
                 "max_bytes cannot be enforced in mode 'direct_ip'; the proxy counts bytes");
  return ok;
}

gboolean
oc_egress_read (const OcReader *reader, const OcYamlNode *node, const OcPolicyOptions *options,
                OcArena *arena, OcEgress *out, OcEgressNodes *out_nodes)
{
  static const char *const modes[] = { "proxy", "direct_ip", "intercept", NULL };
  static const char *const echs[] = { "refuse", "allow", NULL };
  guint mode = OC_EGRESS_PROXY;
  guint ech = 0;
  gint64 max_bytes = 0;
  gboolean ok = oc_reader_fields (reader, node, "egress", fields, out_nodes);

  ok = oc_reader_choice (reader, out_nodes->mode, modes, &mode) && ok;
  ok = read_ports (reader, out_nodes->ports, arena, out) && ok;
  ok = oc_reader_boolean (reader, out_nodes->allow_private_ips, &out->allow_private_ips) && ok;
  ok = oc_reader_choice (reader, out_nodes->ech, echs, &ech) && ok;
  ok = oc_reader_integer (reader, out_nodes->max_bytes, 0, G_MAXINT64, &max_bytes) && ok;
  ok = oc_reader_boolean (reader, out_nodes->match_body, &out->match_body) && ok;
  ok = oc_inject_read (reader, out_nodes->inject, options, arena, out) && ok;
  out->mode = (OcEgressMode) mode;
  out->ech_allow = ech == 1;
  out->max_bytes = (guint64) max_bytes;
  return check_mode (reader, out_nodes, options, out) && ok;
}
