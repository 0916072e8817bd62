/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-cover.h"
#include "policy/oc-policy-given.h"
#include "policy/oc-policy-rule.h"
#include "policy/oc-policy-select.h"

#include <gio/gio.h>
#include <string.h>

/* One load from the files to the policy. */
typedef struct
{
  OcPolicy *policy; /* under construction */
  OcReport report;
  GPtrArray *files;       /* (element-type OcRuleFile), owns */
  GPtrArray *diagnostics; /* (element-type OcDiagnostic): the caller's, or our own */
  OcRuleLoader rules;
  GArray *tests; /* (element-type OcPolicyTest) */
} Load;

typedef struct
{
  const OcYamlNode *version;
  const OcYamlNode *definitions;
  const OcYamlNode *rules;
  const OcYamlNode *tests;
} FileNodes;

static const OcField file_fields[] = {
  { "version", G_STRUCT_OFFSET (FileNodes, version) },
  { "definitions", G_STRUCT_OFFSET (FileNodes, definitions) },
  { "rules", G_STRUCT_OFFSET (FileNodes, rules) },
  { "tests", G_STRUCT_OFFSET (FileNodes, tests) },
  { NULL, 0 },
};

/* --- One file ------------------------------------------------------------------ */

static gboolean
check_version (const OcReader *reader, const OcYamlNode *root, const OcYamlNode *version)
{
  OcReportAt at = { reader->file, root->start, 0, NULL };

  if (version == NULL)
    oc_report_error (reader->report, &at, "the file has no 'version'; add: version: \"1\"");
  else if (version->kind != OC_YAML_SCALAR || !oc_str_equal (version->text, OC_STR ("1")))
    oc_reader_fail (reader, version, "version must be \"1\"");
  else
    return TRUE;
  return FALSE;
}

/* A section may be left out or left empty. @kind: what it has to be otherwise.
 * Returns: (nullable): the section if it holds anything */
static const OcYamlNode *
check_section (const OcReader *reader, const OcYamlNode *node, OcYamlKind kind)
{
  if (node == NULL || oc_yaml_is_null (node))
    return NULL;
  if (node->kind == kind)
    return node;
  oc_reader_fail (reader, node, "%s must be %s, not %s", node->key->text.data,
                  kind == OC_YAML_MAPPING ? "a mapping" : "a list", oc_yaml_describe (node));
  return NULL;
}

static gboolean
check_rule_count (Load *load, const OcReader *reader, const OcYamlNode *rules)
{
  const OcPolicyOptions *options = load->rules.options;
  guint max = options != NULL && options->rules_max != 0 ? options->rules_max
                                                         : OC_POLICY_RULES_MAX;

  if (load->rules.drafts->len + rules->n <= max)
    return TRUE;
  oc_reader_fail (reader, rules->key, "more than %u rules in all", max);
  return FALSE;
}

static void
read_rules (Load *load, const OcReader *reader, guint32 order, const FileNodes *nodes,
            OcDefinitions *definitions)
{
  const OcYamlNode *rules = check_section (reader, nodes->rules, OC_YAML_SEQUENCE);
  OcReportAt at = { reader->file, 0, 0, NULL };

  if (rules == NULL || rules->n == 0)
    {
      oc_report_warning (&load->report, &at, "the file has no rules");
      return;
    }
  if (!check_rule_count (load, reader, rules))
    return;
  for (const OcYamlNode *node = rules->first; node != NULL && !oc_report_is_full (&load->report);
       node = node->next)
    oc_rule_read (&load->rules, reader->file, order, node, definitions);
}

static void
read_tests (Load *load, const OcReader *reader, const FileNodes *nodes)
{
  const OcYamlNode *tests = check_section (reader, nodes->tests, OC_YAML_SEQUENCE);

  for (const OcYamlNode *node = tests != NULL ? tests->first : NULL;
       node != NULL && !oc_report_is_full (&load->report); node = node->next)
    {
      OcPolicyTest test = { 0 };

      if (oc_test_read (reader, node, load->policy->arena, &test))
        g_array_append_val (load->tests, test);
    }
}

static void
read_file (Load *load, guint32 order)
{
  g_autoptr (OcArena) arena = oc_arena_new (65536);
  g_autoptr (OcDefinitions) definitions = NULL;
  OcReader reader = { g_ptr_array_index (load->files, order), &load->report, NULL };
  FileNodes nodes = { 0 };
  OcYamlNode *root = oc_yaml_parse (reader.file, arena, &load->report);
  guint n_errors;

  if (root == NULL)
    return;
  n_errors = load->report.n_errors;
  (void) oc_reader_fields (&reader, root, "a rule file", file_fields, &nodes);
  if (root->kind != OC_YAML_MAPPING || !check_version (&reader, root, nodes.version))
    return;
  nodes.definitions = check_section (&reader, nodes.definitions, OC_YAML_MAPPING);
  definitions = oc_definitions_new (reader.file, nodes.definitions, &load->report);
  read_rules (load, &reader, order, &nodes, definitions);
  read_tests (load, &reader, &nodes);
  if (load->report.n_errors == n_errors)
    oc_definitions_warn_unused (definitions);
}

/* --- All files ------------------------------------------------------------------- */

/* Priority, then file name, then position; drafts are appended in the latter two. */
static int
compare_drafts (gconstpointer a, gconstpointer b)
{
  const OcRuleDraft *x = *(OcRuleDraft *const *) a;
  const OcRuleDraft *y = *(OcRuleDraft *const *) b;

  if (x->entry.rule.priority != y->entry.rule.priority)
    return x->entry.rule.priority < y->entry.rule.priority ? -1 : 1;
  return (x->entry.rule.index > y->entry.rule.index) - (x->entry.rule.index < y->entry.rule.index);
}

static void
sort_drafts (GPtrArray *drafts)
{
  for (guint i = 0; i < drafts->len; i++)
    ((OcRuleDraft *) g_ptr_array_index (drafts, i))->entry.rule.index = i;
  g_ptr_array_sort (drafts, compare_drafts);
}

static void
report_need (Load *load, const OcRuleDraft *draft, const OcRuleNeed *need)
{
  OcReportAt at = { draft->file, need->start, need->end, draft->entry.rule.id };

  if (need->text != NULL)
    oc_report_error (&load->report, &at, "%s", need->text);
}

/* What one rule cannot have unless another provides it. */
static void
check_needs (Load *load)
{
  gboolean any_intercept = FALSE;
  gboolean any_body = FALSE;

  for (guint i = 0; i < load->rules.drafts->len; i++)
    {
      const OcRuleDraft *draft = g_ptr_array_index (load->rules.drafts, i);

      any_intercept = any_intercept || draft->entry.rule.egress.mode == OC_EGRESS_INTERCEPT;
      any_body = any_body || draft->entry.rule.egress.match_body;
    }
  for (guint i = 0; i < load->rules.drafts->len; i++)
    {
      const OcRuleDraft *draft = g_ptr_array_index (load->rules.drafts, i);

      if (!any_intercept)
        report_need (load, draft, &draft->intercept);
      if (!any_body)
        report_need (load, draft, &draft->body);
    }
}

static void
compute_digest (Load *load)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < load->files->len; i++)
    {
      const OcRuleFile *file = g_ptr_array_index (load->files, i);
      g_autofree char *head = g_strdup_printf ("%s\n%" G_GSIZE_FORMAT "\n", file->name, file->len);

      g_checksum_update (checksum, (const guint8 *) head, (gssize) strlen (head));
      g_checksum_update (checksum, (const guint8 *) file->text, (gssize) file->len);
    }
  g_strlcpy (load->policy->digest, g_checksum_get_string (checksum), sizeof load->policy->digest);
}

static void
take_rule (OcPolicy *policy, OcIndexBuilder *builder, OcRuleDraft *draft, guint32 i)
{
  OcRuleEntry *entry = &policy->rules[i];

  *entry = draft->entry;
  draft->entry.program = NULL;
  entry->rule.index = i;
  policy->namespaces |= entry->namespaces;
  g_hash_table_insert (policy->by_id, (gpointer) entry->rule.id, entry);
  oc_index_builder_add (builder, i, draft->atoms);
}

static const char *
keep_name (GHashTable *names, OcArena *arena, const char *name)
{
  char *kept = g_hash_table_lookup (names, name);

  if (kept == NULL)
    {
      kept = oc_arena_strdup (arena, name);
      g_hash_table_insert (names, kept, kept);
    }
  return kept;
}

static void
build_policy (Load *load)
{
  OcPolicy *policy = load->policy;
  GPtrArray *drafts = load->rules.drafts;
  OcIndexBuilder *builder = oc_index_builder_new ();
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  policy->n_rules = drafts->len;
  policy->n_files = load->files->len;
  policy->rules = g_new0 (OcRuleEntry, drafts->len);
  for (guint i = 0; i < drafts->len; i++)
    {
      OcRuleDraft *draft = g_ptr_array_index (drafts, i);

      draft->entry.rule.file = keep_name (names, policy->arena, draft->file->name);
      take_rule (policy, builder, draft, i);
    }
  oc_index_free (policy->index);
  policy->index = oc_index_builder_finish (builder);
  oc_policy_make_counters (policy);
  policy->n_tests = load->tests->len;
  policy->tests = (OcPolicyTest *) (void *) g_array_free (g_steal_pointer (&load->tests), FALSE);
  compute_digest (load);
}

static int
compare_files (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(OcRuleFile *const *) a)->name, (*(OcRuleFile *const *) b)->name);
}

static void
load_init (Load *load, const OcPolicyOptions *options, GPtrArray *diagnostics)
{
  *load = (Load) { .policy = oc_policy_new_empty () };
  load->files = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_rule_file_free);
  load->diagnostics
      = diagnostics != NULL
            ? g_ptr_array_ref (diagnostics)
            : g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  load->report.diagnostics = load->diagnostics;
  load->tests = g_array_new (FALSE, FALSE, sizeof (OcPolicyTest));
  load->rules = (OcRuleLoader) { .strings = load->policy->arena,
                                 .scratch = oc_arena_new (65536),
                                 .report = &load->report,
                                 .options = options };
  load->rules.drafts = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_rule_draft_clear);
  load->rules.ids = g_hash_table_new (g_str_hash, g_str_equal);
}

static void
load_clear (Load *load)
{
  g_clear_pointer (&load->tests, g_array_unref);
  g_hash_table_unref (load->rules.ids);
  g_ptr_array_unref (load->rules.drafts);
  oc_arena_free (load->rules.scratch);
  oc_report_clear (&load->report);
  g_ptr_array_unref (load->diagnostics);
  g_ptr_array_unref (load->files);
  oc_policy_unref (load->policy);
}

static void
throw_findings (const Load *load, GError **error)
{
  guint more = load->report.n_errors - 1;

  if (more == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, load->report.first_error);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s (and %u more error%s)",
                 load->report.first_error, more, more == 1 ? "" : "s");
}

/* The files are there; everything else follows.
 * Returns: (transfer full) (nullable) */
static OcPolicy *
load_finish (Load *load, GError **error)
{
  OcPolicy *policy = NULL;

  g_ptr_array_sort (load->files, compare_files);
  for (guint i = 0; i < load->files->len && !oc_report_is_full (&load->report); i++)
    read_file (load, i);
  if (load->report.n_errors == 0)
    check_needs (load);
  if (load->report.n_errors > 0)
    throw_findings (load, error);
  else
    {
      sort_drafts (load->rules.drafts);
      oc_cover_warn (load->rules.drafts, &load->report);
      build_policy (load);
      policy = g_steal_pointer (&load->policy);
    }
  load_clear (load);
  return policy;
}

OcPolicy *
oc_policy_load_dir (const char *dir, const OcPolicyOptions *options, GPtrArray *diagnostics,
                    GError **error)
{
  Load load;

  load_init (&load, options, diagnostics);
  oc_select_dir (dir, load.files, &load.report);
  return load_finish (&load, error);
}

OcPolicy *
oc_policy_load_dir_with (const char *dir, const OcPolicySource *extra,
                         const OcPolicyOptions *options, GPtrArray *diagnostics, GError **error)
{
  Load load;

  load_init (&load, options, diagnostics);
  oc_select_dir (dir, load.files, &load.report);
  oc_select_source (extra, load.files, &load.report);
  return load_finish (&load, error);
}

OcPolicy *
oc_policy_load_files (const char *const *paths, gsize n_paths, const OcPolicyOptions *options,
                      GPtrArray *diagnostics, GError **error)
{
  Load load;

  load_init (&load, options, diagnostics);
  for (gsize i = 0; i < n_paths && !oc_report_is_full (&load.report); i++)
    oc_select_path (paths[i], load.files, &load.report);
  return load_finish (&load, error);
}

OcPolicy *
oc_policy_load_sources (const OcPolicySource *sources, gsize n_sources,
                        const OcPolicyOptions *options, GPtrArray *diagnostics, GError **error)
{
  Load load;

  load_init (&load, options, diagnostics);
  for (gsize i = 0; i < n_sources && !oc_report_is_full (&load.report); i++)
    oc_select_source (&sources[i], load.files, &load.report);
  return load_finish (&load, error);
}
