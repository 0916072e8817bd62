/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Nothing of an agent's YAML gets into a rule file as it is. What was understood
 * is written anew, each value quoted, each condition complete, so that the
 * operator reads what the daemon will do and nothing is hidden in definitions or
 * the finer points of YAML.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "common/oc-error.h"

#include <string.h>

#define DESCRIPTION_MAX 4000 /* bytes; a rule's may have 4096 */

/* --- YAML ------------------------------------------------------------------------ */

static gboolean
is_plain (const char *text)
{
  for (; *text != '\0'; text++)
    if (*text < 0x20 || *text > 0x7e)
      return FALSE;
  return TRUE;
}

static void
append_escaped (GString *out, gunichar c)
{
  if (c == '"' || c == '\\')
    g_string_append_printf (out, "\\%c", (char) c);
  else if (c == '\n')
    g_string_append (out, "\\n");
  else if (c == '\t')
    g_string_append (out, "\\t");
  else if (c >= 0x20 && c <= 0x7e)
    g_string_append_c (out, (char) c);
  else if (c <= 0xffff)
    g_string_append_printf (out, "\\u%04X", c);
  else
    g_string_append_printf (out, "\\U%08X", c);
}

/* In single quotes when that is possible: conditions are full of double ones. */
static void
append_scalar (GString *out, const char *text)
{
  gboolean plain = is_plain (text);

  g_string_append_c (out, plain ? '\'' : '"');
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (plain)
      g_string_append_printf (out, *p == '\'' ? "''" : "%c", *p);
    else
      append_escaped (out, g_utf8_get_char (p));
  g_string_append_c (out, plain ? '\'' : '"');
}

static void
append_member (GString *out, const char *name, const char *text)
{
  g_string_append_printf (out, "    %s: ", name);
  append_scalar (out, text);
  g_string_append_c (out, '\n');
}

static void
append_ports (GString *out, const OcEgress *egress)
{
  g_string_append (out, "      ports: [");
  for (gsize i = 0; i < egress->n_ports; i++)
    g_string_append_printf (out, "%s%u", i > 0 ? ", " : "", egress->ports[i]);
  g_string_append (out, "]\n");
}

/* Only what differs from the default: some members go with some modes only. */
static void
append_egress (GString *out, const OcEgress *egress)
{
  static const char *const modes[] = { [OC_EGRESS_PROXY] = "proxy",
                                       [OC_EGRESS_DIRECT_IP] = "direct_ip",
                                       [OC_EGRESS_INTERCEPT] = "intercept" };

  if (egress->mode == OC_EGRESS_PROXY && !egress->allow_private_ips && !egress->ech_allow
      && egress->max_bytes == 0)
    return;
  g_string_append_printf (out, "    egress:\n      mode: %s\n", modes[egress->mode]);
  if (egress->mode == OC_EGRESS_DIRECT_IP && egress->n_ports > 0)
    append_ports (out, egress);
  if (egress->allow_private_ips)
    g_string_append (out, "      allow_private_ips: true\n");
  if (egress->ech_allow)
    g_string_append (out, "      ech: allow\n");
  if (egress->max_bytes != 0)
    g_string_append_printf (out, "      max_bytes: %" G_GUINT64_FORMAT "\n", egress->max_bytes);
  if (egress->match_body)
    g_string_append (out, "      match_body: true\n");
}

static void
append_rule (GString *out, const OcRule *rule, const char *id, const char *description,
             const char *condition)
{
  g_string_append (out, "  - id: ");
  append_scalar (out, id);
  g_string_append_c (out, '\n');
  if (description != NULL)
    append_member (out, "description", description);
  append_member (out, "condition", condition);
  g_string_append_printf (out, "    action: %s\n", rule->allow ? "allow" : "block");
  if (rule->priority != 100)
    g_string_append_printf (out, "    priority: %d\n", rule->priority);
  if (rule->log)
    g_string_append (out, "    log: true\n");
  if (rule->reason != NULL)
    append_member (out, "reason", rule->reason);
  if (rule->allow)
    append_egress (out, &rule->egress);
}

char *
oc_request_write_rules (const OcPolicy *policy)
{
  GString *out = g_string_new ("version: \"1\"\nrules:\n");

  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      const OcRule *rule = oc_policy_get_rule (policy, i);

      append_rule (out, rule, rule->id, rule->description, rule->condition);
    }
  return g_string_free (out, FALSE);
}

/* --- Narrowing ---------------------------------------------------------------------- */

static char *
format_moment (gint64 time_us)
{
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);

  return g_date_time_format (moment, "%Y-%m-%dT%H:%M:%SZ");
}

/* What must hold besides the rule's own condition: "" or "a && b". The names of agents
 * have no byte that CEL or YAML would read (oc_requests_submit() sees to that). */
static char *
make_guard (const OutcallRuleRequestEntry *entry, gboolean any_agent, gint64 expires_at_us)
{
  GString *guard = g_string_new (NULL);
  g_autofree char *moment = NULL;

  if (!any_agent)
    g_string_append_printf (guard, "agent.name == \"%s\"", entry->agent);
  if (expires_at_us == 0)
    return g_string_free (guard, FALSE);
  moment = format_moment (expires_at_us);
  g_string_append_printf (guard, "%srequest.time < timestamp(\"%s\")", guard->len > 0 ? " && " : "",
                          moment);
  return g_string_free (guard, FALSE);
}

/* A condition may end in a comment, which would swallow the bracket. */
static char *
make_condition (const char *guard, const char *condition)
{
  const char *end = strstr (condition, "//") != NULL ? "\n)" : ")";

  if (*guard == '\0')
    return g_strdup (condition);
  return g_strconcat (guard, " && (", condition, end, NULL);
}

static char *
make_description (const OutcallRuleRequestEntry *entry, const char *text)
{
  g_autofree char *whole
      = entry->own ? g_strconcat ("allowed by an operator for ", entry->agent, NULL)
                   : g_strconcat ("asked for by ", entry->workload, text != NULL ? ": " : NULL,
                                  text, NULL);
  gsize len = MIN (strlen (whole), DESCRIPTION_MAX);

  while (len > 0 && ((guchar) whole[len] & 0xc0) == 0x80)
    len--;
  return g_strndup (whole, len);
}

/* The short form stays short, so that people read it at a glance. */
static void
append_short (GString *out, const OutcallRuleRequestEntry *entry, gboolean any_agent,
              gint64 expires_at_us)
{
  g_autofree char *description = make_description (entry, entry->reason);

  g_string_append_printf (out, "  - id: 'agent-%s-1'\n", entry->id);
  append_member (out, "description", description);
  g_string_append_printf (out, "    hosts: ['%s']\n", entry->host);
  if (entry->port != 0)
    g_string_append_printf (out, "    ports: [%u]\n", entry->port);
  if (!any_agent)
    g_string_append_printf (out, "    agents: ['%s']\n", entry->agent);
  if (expires_at_us != 0)
    {
      g_autofree char *guard = make_guard (entry, TRUE, expires_at_us);

      append_member (out, "condition", guard);
    }
  g_string_append (out, "    action: allow\n");
}

static gboolean
append_rules (OcRequests *requests, GString *out, const OutcallRuleRequestEntry *entry,
              const char *guard, GError **error)
{
  const OcPolicySource source = { "request.yaml", entry->rule_file, strlen (entry->rule_file) };
  g_autoptr (OcPolicy) policy = oc_rules_lint_foreign (requests->rules, &source, OC_REQUEST_RULES_MAX,
                                                        NULL, error);

  if (policy == NULL)
    return FALSE;
  for (gsize i = 0; i < oc_policy_get_n_rules (policy); i++)
    {
      const OcRule *rule = oc_policy_get_rule (policy, i);
      const char *text = rule->description != NULL ? rule->description : rule->id;
      g_autofree char *id = g_strdup_printf ("agent-%s-%" G_GSIZE_FORMAT, entry->id, i + 1);
      g_autofree char *description = make_description (entry, text);
      g_autofree char *condition = make_condition (guard, rule->condition);

      append_rule (out, rule, id, description, condition);
    }
  return TRUE;
}

char *
oc_request_make_file (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                      gboolean any_agent, gint64 expires_at_us, GError **error)
{
  g_autoptr (GString) out = g_string_new ("version: \"1\"\nrules:\n");
  g_autofree char *guard = make_guard (entry, any_agent, expires_at_us);

  if (entry->rule_file == NULL)
    append_short (out, entry, any_agent, expires_at_us);
  else if (!append_rules (requests, out, entry, guard, error))
    return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
oc_request_file_name (const char *id)
{
  return g_strdup_printf ("agent-%s.yaml", id);
}

gboolean
oc_request_check_prose (const char *what, const char *text, GError **error)
{
  if (strlen (text) > OC_REQUEST_REASON_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "%s is longer than %d bytes", what,
                          OC_REQUEST_REASON_MAX);
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                            "%s must not hold control characters", what);
  return TRUE;
}
