/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-check.h"

#include "common/oc-host.h"

static void G_GNUC_PRINTF (3, 4)
fail (const OcRuleCheck *check, const OcYamlNode *node, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  oc_reader_fail (check->reader, node, "%s", text);
}

/* The node that a finding about the whole condition points at. */
static const OcYamlNode *
condition_node (const OcRuleCheck *check)
{
  if (check->condition != NULL)
    return check->condition;
  if (check->short_form.methods != NULL)
    return check->short_form.methods->key;
  if (check->short_form.paths != NULL)
    return check->short_form.paths->key;
  if (check->short_form.ports != NULL)
    return check->short_form.ports->key;
  return check->rule;
}

static const OcCelProgram *
program_of (const OcRuleCheck *check)
{
  return check->draft->entry.program;
}

static gboolean
uses (const OcRuleCheck *check, OcSlot slot)
{
  return oc_cel_program_uses_slot (program_of (check), slot);
}

/* --- direct_ip --------------------------------------------------------------- */

/* The kernel sees addresses and ports, and the grant is made at the look-up. */
static gboolean
check_direct_variables (const OcRuleCheck *check)
{
  static const struct
  {
    OcSlot slot;
    const char *name;
  } unseen[] = {
    { OC_SLOT_HTTP_METHOD, "http.method" },   { OC_SLOT_HTTP_PATH, "http.path" },
    { OC_SLOT_HTTP_SCHEME, "http.scheme" },   { OC_SLOT_HTTP_HEADERS, "http.headers" },
    { OC_SLOT_HTTP_BODY, "http.body" },       { OC_SLOT_HTTP_BODY_SIZE, "http.body_size" },
    { OC_SLOT_NETWORK_IP, "network.ip" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (unseen); i++)
    if (uses (check, unseen[i].slot))
      {
        fail (check, condition_node (check),
              "%s cannot be enforced in mode 'direct_ip': the kernel lets the connection pass "
              "before anything could be seen of it",
              unseen[i].name);
        return FALSE;
      }
  return TRUE;
}

/* Without egress.ports, the ports that the condition requires are the ones to open. */
static void
take_direct_ports (OcRuleCheck *check, const OcAtoms *required)
{
  static const guint16 usual[] = { 80, 443 };
  OcEgress *egress = &check->draft->entry.rule.egress;
  guint16 *ports;

  if (required == NULL)
    {
      egress->ports = usual;
      egress->n_ports = G_N_ELEMENTS (usual);
      return;
    }
  ports = oc_arena_new_array (check->strings, guint16, required->len);
  for (guint i = 0; i < required->len; i++)
    ports[i] = (guint16) required->items[i].number;
  egress->ports = ports;
  egress->n_ports = required->len;
}

/* What the condition compares the port with are ports. */
static gboolean
check_port_numbers (OcRuleCheck *check, const OcAtoms *required)
{
  for (guint i = 0; required != NULL && i < required->len; i++)
    if (required->items[i].number < 1 || required->items[i].number > G_MAXUINT16)
      {
        fail (check, condition_node (check), "%" G_GINT64_FORMAT " is no port: 1 to 65535",
              (gint64) required->items[i].number);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_direct_ports (OcRuleCheck *check)
{
  const OcAtoms *required = oc_rule_draft_get_required (check->draft, OC_KEY_PORT);
  const OcEgress *egress = &check->draft->entry.rule.egress;

  if (required == NULL && uses (check, OC_SLOT_NETWORK_PORT))
    {
      fail (check, condition_node (check),
            "network.port cannot be enforced like this in mode 'direct_ip'; compare it with "
            "== or in, or use egress.ports");
      return FALSE;
    }
  if (!check_port_numbers (check, required))
    return FALSE;
  if (check->egress.ports == NULL)
    take_direct_ports (check, required);
  for (gsize i = 0; required != NULL && i < egress->n_ports; i++)
    {
      gboolean found = FALSE;

      for (guint k = 0; k < required->len; k++)
        found = found || required->items[k].number == egress->ports[i];
      if (found)
        continue;
      fail (check, check->egress.ports, "egress.ports opens %u, which the condition does not allow",
            egress->ports[i]);
      return FALSE;
    }
  return TRUE;
}

/* Names whose addresses serve many customers: a grant for one opens all of them. */
static const char *
shared_domain (OcStr name)
{
  static const char *const shared[]
      = { "akamaiedge.net", "akamaized.net",     "amazonaws.com",   "azureedge.net",
          "azurefd.net",    "b-cdn.net",         "cdn77.org",       "cloudflare.net",
          "cloudfront.net", "edgekey.net",       "edgesuite.net",   "fastly.net",
          "fastlylb.net",   "firebaseapp.com",   "github.io",       "githubusercontent.com",
          "googleapis.com", "googleusercontent.com", "herokuapp.com", "jsdelivr.net",
          "netlify.app",    "pages.dev",         "unpkg.com",       "vercel.app",
          "web.app",        "windows.net",       "workers.dev" };

  if (name.len > 0 && name.data[0] == '.')
    name = oc_str (name.data + 1, name.len - 1);
  for (gsize i = 0; i < G_N_ELEMENTS (shared); i++)
    if (oc_host_in_domain (name, oc_str_from (shared[i])))
      return shared[i];
  return NULL;
}

static void
warn_shared_addresses (const OcRuleCheck *check)
{
  const OcAtoms *atoms = check->draft->atoms;

  for (guint i = 0; atoms != NULL && i < atoms->len; i++)
    {
      const OcAtom *atom = &atoms->items[i];
      const char *domain
          = (atom->variable & OC_KEY_HOSTS) != 0 ? shared_domain (atom->text) : NULL;
      OcReportAt at = oc_yaml_at (check->reader->file, check->egress.mode, check->reader->rule);

      if (domain == NULL)
        continue;
      oc_report_warning (check->reader->report, &at,
                         "the addresses of '%.*s' also serve other sites (%s); 'direct_ip' opens "
                         "them all",
                         OC_STR_ARGS (atom->text), domain);
      return;
    }
}

static gboolean
check_direct_ip (OcRuleCheck *check)
{
  if (check->draft->entry.rule.egress.mode != OC_EGRESS_DIRECT_IP)
    return TRUE;
  if (!check_direct_variables (check) || !check_direct_ports (check))
    return FALSE;
  warn_shared_addresses (check);
  return TRUE;
}

/* --- What only some layers see --------------------------------------------- */

/* A rule about look-ups, containers or commands does not need the proxy. */
static gboolean
needs_proxy (const OcRuleCheck *check)
{
  const OcRuleEntry *entry = &check->draft->entry;
  guint32 traffic = oc_slots_namespace_bit ("network", 7) | oc_slots_namespace_bit ("http", 4);
  guint32 other = oc_slots_namespace_bit ("dns", 3) | oc_slots_namespace_bit ("docker", 6)
                  | oc_slots_namespace_bit ("run", 3);

  if (!entry->rule.allow || entry->rule.egress.mode == OC_EGRESS_DIRECT_IP)
    return FALSE;
  if (check->egress.mode != NULL)
    return TRUE;
  return (entry->namespaces & traffic) != 0 || (entry->namespaces & other) == 0;
}

static gboolean
check_proxy (const OcRuleCheck *check)
{
  if (check->options == NULL || check->options->have_proxy || !needs_proxy (check))
    return TRUE;
  fail (check, check->egress.mode != NULL ? check->egress.mode : condition_node (check),
        "the rule needs the proxy, and this daemon runs without one (--no-proxy); use egress "
        "mode 'direct_ip'");
  return FALSE;
}

static void
set_need (const OcRuleCheck *check, OcRuleNeed *need, const char *text)
{
  const OcYamlNode *node = condition_node (check);

  *need = (OcRuleNeed) { text, node->start, node->end };
}

/* Whether all of @atoms are about @number. */
static gboolean
all_numbers (const OcAtoms *atoms, gint64 number)
{
  for (guint i = 0; i < atoms->len; i++)
    if (atoms->items[i].number != number)
      return FALSE;
  return atoms->len > 0;
}

static gboolean
asks_of_request (const OcRuleCheck *check)
{
  return uses (check, OC_SLOT_HTTP_METHOD) || uses (check, OC_SLOT_HTTP_PATH)
         || uses (check, OC_SLOT_HTTP_HEADERS) || uses (check, OC_SLOT_HTTP_BODY)
         || uses (check, OC_SLOT_HTTP_BODY_SIZE);
}

/* Whether @node can be @want, whatever the unknown values turn out to be. An error never
 * is. Recursion is bounded by OC_CEL_DEPTH_MAX. */
static gboolean
can_be (const OcCelProgram *program, const OcCelNode *node, const OcSlotValues *slots,
        OcCelScratch *scratch, gboolean want)
{
  gboolean is_and = node->kind == OC_CEL_NODE_AND;
  gboolean all = is_and == want;
  OcCelValue value;

  if (oc_require_is_call (node, "!_"))
    return can_be (program, node->args[0], slots, scratch, !want);
  if (is_and || node->kind == OC_CEL_NODE_OR)
    {
      for (guint i = 0; i < node->n_args; i++)
        if (can_be (program, node->args[i], slots, scratch, want) != all)
          return !all;
      return all;
    }
  oc_cel_eval_node (program, node, slots->values, scratch, &value);
  return value.kind == OC_CEL_UNKNOWN
         || (value.kind == OC_CEL_BOOL && oc_cel_value_is_true (value) == want);
}

/* Whether the condition is false for what the proxy sees of any tunnel. */
static gboolean
never_in_tunnel (const OcRuleCheck *check)
{
  const OcPolicyContext nothing = { 0 };
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  OcSlotValues slots;

  oc_slots_fill (&slots, &nothing);
  for (guint i = 0; i < OC_N_SLOTS; i++)
    if (i < OC_SLOT_HTTP_METHOD || i > OC_SLOT_HTTP_BODY || i == OC_SLOT_HTTP_HOST
        || i == OC_SLOT_HTTP_SCHEME)
      slots.values[i] = oc_cel_unknown ();
  slots.values[OC_SLOT_HTTP_METHOD] = oc_cel_string (OC_STR ("CONNECT"));
  slots.values[OC_SLOT_HTTP_PATH] = oc_cel_string (OC_STR ("/"));
  return !can_be (program_of (check), check->root, &slots, scratch, TRUE);
}

/* On port 443 alone the proxy sees CONNECT or a ClientHello, never a request. */
static void
note_tunnel (OcRuleCheck *check)
{
  const OcAtoms *ports = oc_rule_draft_get_required (check->draft, OC_KEY_PORT);

  if (check->draft->entry.rule.egress.mode == OC_EGRESS_INTERCEPT || ports == NULL
      || !all_numbers (ports, 443) || !asks_of_request (check))
    return;
  if (check->short_form.paths != NULL || never_in_tunnel (check))
    set_need (check, &check->draft->intercept,
              "methods, paths and headers cannot be enforced here: on port 443 only the host is "
              "visible; set egress mode 'intercept' or add port 80");
}

static void
note_body (OcRuleCheck *check)
{
  if (uses (check, OC_SLOT_HTTP_BODY))
    set_need (check, &check->draft->body,
              "http.body is never visible: no rule has egress mode 'intercept' with "
              "match_body: true");
}

/* --- Warnings ---------------------------------------------------------------- */

static void
warn_constant (const OcRuleCheck *check)
{
  OcReportAt at = oc_yaml_at (check->reader->file, condition_node (check), check->reader->rule);

  if (check->root->kind != OC_CEL_NODE_CONST)
    return;
  oc_report_warning (check->reader->report, &at, "the condition is always %s",
                     oc_cel_value_is_true (check->root->value)
                         ? "true: the rule matches everything"
                         : "false: the rule never matches");
}

static gboolean
is_loose_suffix (OcCelValue value)
{
  return value.kind == OC_CEL_STRING
         && !oc_str_has_prefix (oc_cel_value_get_str (value), OC_STR ("."));
}

/* @place: what the finding points at */
static void
warn_suffix (const OcRuleCheck *check, const OcCelNode *place, OcStr suffix)
{
  const char *definition;
  OcReportAt at = oc_condition_locate (check->text, check->reader->file, place->offset,
                                      place->length, &definition);

  at.rule = check->reader->rule;
  oc_report_warning (check->reader->report, &at,
                     "endsWith(\"%.*s\") also matches \"evil%.*s\"; write \".%.*s\" or use "
                     "inDomain()",
                     OC_STR_ARGS (suffix), OC_STR_ARGS (suffix), OC_STR_ARGS (suffix));
}

/* A constant, or the variable of a macro that runs through constants. */
static void
warn_suffix_argument (const OcRuleCheck *check, const OcCelNode *node, const OcCelNode *macro)
{
  guint n = 0;

  if (node->kind == OC_CEL_NODE_CONST && is_loose_suffix (node->value))
    warn_suffix (check, node, oc_cel_value_get_str (node->value));
  if (node->kind != OC_CEL_NODE_LOCAL || macro == NULL || node->slot <= macro->slot
      || !oc_require_list_size (macro->args[0], &n))
    return;
  for (guint i = 0; i < n; i++)
    {
      OcCelValue value = oc_require_list_element (macro->args[0], i);

      if (!is_loose_suffix (value))
        continue;
      warn_suffix (check, macro->args[0], oc_cel_value_get_str (value));
      return;
    }
}

/* @macro: (nullable): the innermost one around @node. Recursion is bounded by OC_CEL_DEPTH_MAX. */
static void
warn_suffixes (const OcRuleCheck *check, const OcCelNode *node, const OcCelNode *macro)
{
  if (oc_require_is_call (node, "endsWith") && node->n_args == 2
      && (oc_require_variable (node->args[0]) & OC_KEY_HOSTS) != 0)
    warn_suffix_argument (check, node->args[1], macro);
  for (guint i = 0; i < node->n_args; i++)
    warn_suffixes (check, node->args[i],
                   node->kind == OC_CEL_NODE_MACRO && i > 0 ? node : macro);
}

gboolean
oc_rule_check (OcRuleCheck *check)
{
  gboolean ok = check_direct_ip (check) && check_proxy (check);

  note_tunnel (check);
  note_body (check);
  warn_constant (check);
  warn_suffixes (check, check->root, NULL);
  return ok;
}
