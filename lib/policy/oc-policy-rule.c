/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-rule.h"

#include "policy/oc-policy-check.h"
#include "policy/oc-policy-cover.h"

#include <string.h>

#define ID_MAX 128
#define REASON_MAX 1024
#define DESCRIPTION_MAX 4096

typedef struct
{
  const OcYamlNode *id;
  const OcYamlNode *description;
  const OcYamlNode *condition;
  const OcYamlNode *action;
  const OcYamlNode *priority;
  const OcYamlNode *log;
  const OcYamlNode *reason;
  const OcYamlNode *egress;
  OcShortForm short_form;
} RuleNodes;

static const OcField fields[] = {
  { "id", G_STRUCT_OFFSET (RuleNodes, id) },
  { "description", G_STRUCT_OFFSET (RuleNodes, description) },
  { "condition", G_STRUCT_OFFSET (RuleNodes, condition) },
  { "action", G_STRUCT_OFFSET (RuleNodes, action) },
  { "priority", G_STRUCT_OFFSET (RuleNodes, priority) },
  { "log", G_STRUCT_OFFSET (RuleNodes, log) },
  { "reason", G_STRUCT_OFFSET (RuleNodes, reason) },
  { "egress", G_STRUCT_OFFSET (RuleNodes, egress) },
  { "hosts", G_STRUCT_OFFSET (RuleNodes, short_form.hosts) },
  { "ports", G_STRUCT_OFFSET (RuleNodes, short_form.ports) },
  { "methods", G_STRUCT_OFFSET (RuleNodes, short_form.methods) },
  { "paths", G_STRUCT_OFFSET (RuleNodes, short_form.paths) },
  { "agents", G_STRUCT_OFFSET (RuleNodes, short_form.agents) },
  { NULL, 0 },
};

/* One rule on its way in. */
typedef struct
{
  OcRuleLoader *loader;
  OcReader reader;
  const OcYamlNode *node;
  RuleNodes nodes;
  OcEgressNodes egress;
  OcDefinitions *definitions;
  gboolean known; /* there were no unknown keys, one of which may stand for a missing one */
  OcRuleDraft *draft;
} Reading;

void
oc_rule_draft_clear (OcRuleDraft *draft)
{
  g_clear_pointer (&draft->entry.program, oc_cel_program_free);
}

/* --- Plain members --------------------------------------------------------- */

static gboolean
is_id (OcStr id)
{
  gboolean ok = id.len >= 1 && id.len <= ID_MAX;

  for (gsize i = 0; ok && i < id.len; i++)
    ok = g_ascii_isalnum (id.data[i]) || strchr ("._-", id.data[i]) != NULL;
  return ok;
}

static gboolean
read_id (Reading *reading)
{
  const OcYamlNode *node = reading->nodes.id;
  const char *id = NULL;
  const OcRuleDraft *other;
  guint line;
  guint column;

  if (node == NULL)
    {
      OcReportAt at = { reading->reader.file, reading->node->start, 0, NULL };

      oc_report_error (reading->loader->report, &at, "the rule has no 'id'");
      return FALSE;
    }
  if (!oc_reader_text (&reading->reader, node, &id))
    return FALSE;
  if (!is_id (node->text))
    {
      oc_reader_fail (&reading->reader, node,
                      "an id is 1-%d letters, digits, '.', '_' or '-', got '%s'", ID_MAX, id);
      return FALSE;
    }
  reading->reader.rule = id;
  other = g_hash_table_lookup (reading->loader->ids, id);
  if (other == NULL)
    return TRUE;
  oc_rule_file_locate (other->file, other->start, &line, &column);
  oc_reader_fail (&reading->reader, node, "rule id '%s' is already used in %s:%u", id,
                  other->file->path, line);
  return FALSE;
}

/* Text that is shown to people: @multi_line allows line breaks. */
static gboolean
read_prose (Reading *reading, const OcYamlNode *node, gsize max, gboolean multi_line,
            const char **out)
{
  const char *text = NULL;

  if (!oc_reader_text (&reading->reader, node, &text))
    return FALSE;
  if (text == NULL)
    return TRUE;
  if (node->text.len > max)
    {
      oc_reader_fail (&reading->reader, node, "%s is longer than %" G_GSIZE_FORMAT " bytes",
                      node->key->text.data, max);
      return FALSE;
    }
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)) && !(multi_line && strchr ("\n\t", *p) != NULL))
      {
        oc_reader_fail (&reading->reader, node, "%s must not hold control characters%s",
                        node->key->text.data, multi_line ? "" : " or line breaks");
        return FALSE;
      }
  *out = oc_arena_strdup (reading->loader->strings, text);
  return TRUE;
}

static gboolean
read_action (Reading *reading, gboolean *out_allow)
{
  static const char *const actions[] = { "allow", "block", "enrich", NULL };
  const OcYamlNode *node = reading->nodes.action;
  guint action = 0;

  if (node == NULL && reading->known)
    oc_reader_fail (&reading->reader, reading->nodes.id,
                    "rule '%s' has no 'action' (allow or block)", reading->reader.rule);
  if (node == NULL)
    return FALSE;
  if (!oc_reader_choice (&reading->reader, node, actions, &action))
    return FALSE;
  *out_allow = action == 0;
  if (action == 2)
    oc_reader_fail (&reading->reader, node, "action 'enrich' is reserved; use allow or block");
  return action != 2;
}

static gboolean
read_egress (Reading *reading, OcRule *rule)
{
  const OcYamlNode *node = reading->nodes.egress;

  if (node == NULL)
    return TRUE;
  if (!rule->allow)
    {
      oc_reader_fail (&reading->reader, node->key,
                      "'egress' has no effect on a rule that blocks; remove it");
      return FALSE;
    }
  return oc_egress_read (&reading->reader, node, reading->loader->options,
                         reading->loader->strings, &rule->egress, &reading->egress);
}

static gboolean
read_members (Reading *reading, OcRule *rule)
{
  gint64 priority = 100;
  gboolean ok = TRUE;

  ok = read_prose (reading, reading->nodes.description, DESCRIPTION_MAX, TRUE, &rule->description);
  ok = read_prose (reading, reading->nodes.reason, REASON_MAX, FALSE, &rule->reason) && ok;
  ok = oc_reader_integer (&reading->reader, reading->nodes.priority, G_MININT32, G_MAXINT32,
                          &priority)
       && ok;
  ok = oc_reader_boolean (&reading->reader, reading->nodes.log, &rule->log) && ok;
  rule->priority = (int) priority;
  if (!read_action (reading, &rule->allow))
    return FALSE;
  if (rule->allow && rule->reason != NULL)
    {
      oc_reader_fail (&reading->reader, reading->nodes.reason->key,
                      "'reason' has no effect on a rule that allows; use 'description'");
      ok = FALSE;
    }
  return read_egress (reading, rule) && ok;
}

/* --- Condition ------------------------------------------------------------- */

static gboolean
append_condition (Reading *reading, OcConditionText *text)
{
  const OcYamlNode *condition = reading->nodes.condition;
  const char *content = NULL;
  gboolean wrap = text->text->len > 0;

  if (condition == NULL)
    return TRUE;
  if (!oc_reader_text (&reading->reader, condition, &content))
    return FALSE;
  if (content[0] == '\0')
    {
      oc_reader_fail (&reading->reader, condition, "condition is empty");
      return FALSE;
    }
  if (wrap
      && !oc_definitions_check_closed (reading->definitions, condition, reading->reader.rule))
    return FALSE;
  if (wrap)
    oc_condition_append (text, condition, " && (");
  if (!oc_definitions_expand (reading->definitions, condition, reading->reader.rule, text))
    return FALSE;
  if (wrap)
    oc_condition_append (text, condition, ")");
  return TRUE;
}

static gboolean
write_condition (Reading *reading, OcConditionText *text)
{
  if (reading->nodes.condition == NULL && oc_short_form_is_empty (&reading->nodes.short_form))
    {
      oc_reader_fail (&reading->reader, reading->nodes.id,
                      "rule '%s' needs a 'condition' or hosts, ports, methods, paths or agents",
                      reading->reader.rule);
      return FALSE;
    }
  return oc_short_form_append (&reading->nodes.short_form, &reading->reader, text)
         && append_condition (reading, text);
}

static void
report_cel_error (Reading *reading, const OcConditionText *text, const OcCelError *error)
{
  const char *definition;
  OcReportAt at = oc_condition_locate (text, reading->reader.file, error->offset, error->length,
                                      &definition);

  at.rule = reading->reader.rule;
  if (definition != NULL)
    oc_report_error (reading->loader->report, &at, "%s (in definition '%s', used by rule '%s')",
                     error->message, definition, reading->reader.rule);
  else
    oc_report_error (reading->loader->report, &at, "%s", error->message);
}

/* Returns: (transfer full) (nullable): NULL after errors were reported */
static OcCelProgram *
compile (Reading *reading, const OcConditionText *text)
{
  g_autoptr (GPtrArray) errors
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  OcCelProgram *program
      = oc_cel_compile (oc_slots_get_env (), oc_str (text->text->str, text->text->len),
                        OC_CEL_COMPILE_BOOL, errors);

  for (guint i = 0; program == NULL && i < errors->len; i++)
    report_cel_error (reading, text, g_ptr_array_index (errors, i));
  return program;
}

static void
keep_ports (OcRuleEntry *entry, const GArray *ports, OcArena *arena)
{
  guint16 *copy = oc_arena_new_array (arena, guint16, ports->len);

  if (ports->len > 0)
    memcpy (copy, ports->data, ports->len * sizeof (guint16));
  entry->ports = copy;
  entry->n_ports = ports->len;
}

/* The best of what one variable's atoms say; only when no name is required by itself may
 * several variables together say more. */
static const OcAtoms *
index_atoms (const Reading *reading, const OcCelNode *root)
{
  const OcAtoms *best = NULL;

  for (guint i = 0; i < OC_N_KEYS && (OC_KEY_HOSTS & 1u << i) != 0; i++)
    {
      const OcAtoms *atoms = reading->draft->required[i];

      if (atoms != NULL && (best == NULL || oc_require_score (atoms) < oc_require_score (best)))
        best = atoms;
    }
  return best != NULL ? best : oc_require (root, OC_KEY_INDEXED, reading->loader->scratch);
}

/* Everything that is read off the syntax tree, which is then freed. */
static gboolean
examine (Reading *reading, const OcConditionText *text)
{
  OcRuleEntry *entry = &reading->draft->entry;
  const OcCelNode *root = oc_cel_program_get_root (entry->program);
  const OcCelProgram *program = entry->program;
  g_autoptr (GArray) ports = oc_cel_program_uses_slot (program, OC_SLOT_NETWORK_PORT)
                                 ? oc_require_named_ports (root)
                                 : NULL;
  OcRuleCheck check = { .draft = reading->draft,
                        .reader = &reading->reader,
                        .options = reading->loader->options,
                        .rule = reading->node,
                        .condition = reading->nodes.condition,
                        .short_form = reading->nodes.short_form,
                        .egress = reading->egress,
                        .text = text,
                        .root = root,
                        .strings = reading->loader->strings };

  if (ports != NULL)
    keep_ports (entry, ports, reading->loader->strings);
  entry->namespaces = oc_slots_program_namespaces (entry->program);
  oc_cover_examine (reading->draft, root, reading->loader->scratch);
  reading->draft->atoms = index_atoms (reading, root);
  return oc_rule_check (&check);
}

static gboolean
read_condition (Reading *reading)
{
  OcRuleEntry *entry = &reading->draft->entry;
  OcConditionText text;
  gboolean ok;

  oc_condition_init (&text);
  ok = write_condition (reading, &text);
  if (ok)
    {
      entry->program = compile (reading, &text);
      ok = entry->program != NULL && examine (reading, &text);
    }
  if (ok)
    {
      entry->rule.condition
          = oc_arena_strndup (reading->loader->strings, text.text->str, text.text->len);
      oc_cel_program_release_ast (entry->program);
    }
  oc_condition_clear (&text);
  return ok;
}

/* -------------------------------------------------------------------------- */

/* The id is taken even when the rest of the rule is wrong. */
static void
take_id (Reading *reading)
{
  OcRuleDraft *draft = reading->draft;
  OcRule *rule = &draft->entry.rule;
  guint column;

  draft->file = reading->reader.file;
  draft->start = reading->nodes.id->start;
  draft->end = reading->nodes.id->end;
  rule->id = oc_arena_strdup (reading->loader->strings, reading->nodes.id->text.data);
  oc_rule_file_locate (reading->reader.file, reading->node->start, &rule->line, &column);
  g_hash_table_insert (reading->loader->ids, (gpointer) rule->id, draft);
  g_ptr_array_add (reading->loader->drafts, draft);
}

void
oc_rule_read (OcRuleLoader *loader, const OcRuleFile *file, guint32 file_order,
              const OcYamlNode *node, OcDefinitions *definitions)
{
  Reading reading = { .loader = loader,
                      .reader = { file, loader->report, NULL },
                      .node = node,
                      .definitions = definitions };

  reading.known = oc_reader_fields (&reading.reader, node, "a rule", fields, &reading.nodes);
  if (node->kind != OC_YAML_MAPPING || !read_id (&reading))
    return;
  reading.draft = oc_arena_new0 (loader->scratch, OcRuleDraft);
  reading.draft->file_order = file_order;
  take_id (&reading);
  if (read_members (&reading, &reading.draft->entry.rule) && reading.known)
    (void) read_condition (&reading);
}
