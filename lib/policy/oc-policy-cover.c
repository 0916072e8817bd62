/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-cover.h"

/* Earlier rules that one rule is compared with at most: keeps loading linear. */
#define COMPARED_MAX 16

/* --- Exact tests ------------------------------------------------------------- */

/* Whether the constant is written as canonical values are, so that comparing
 * without case proves equality. */
static gboolean
is_canonical (OcKeyVariable variable, OcCelValue value)
{
  OcStr text;

  if (variable == OC_KEY_PORT)
    return value.kind == OC_CEL_INT;
  if (value.kind != OC_CEL_STRING)
    return FALSE;
  text = oc_cel_value_get_str (value);
  for (gsize i = 0; i < text.len; i++)
    if (variable == OC_KEY_METHOD ? g_ascii_islower (text.data[i])
                                  : g_ascii_isupper (text.data[i]))
      return FALSE;
  return TRUE;
}

static OcKeyVariable
exact_in (const OcCelNode *node)
{
  OcKeyVariable variable = oc_require_variable (node->args[0]);
  guint n;

  if (variable == 0 || !oc_require_list_size (node->args[1], &n))
    return 0;
  for (guint i = 0; i < n; i++)
    if (!is_canonical (variable, oc_require_list_element (node->args[1], i)))
      return 0;
  return variable;
}

static OcKeyVariable
exact_call (const OcCelNode *node)
{
  OcKeyVariable variable;
  const OcCelNode *constant;

  if (node->n_args != 2)
    return 0;
  if (oc_require_is_call (node, "@in"))
    return exact_in (node);
  variable = oc_require_variable (node->args[0]);
  constant = node->args[1];
  if (variable == 0 || constant->kind != OC_CEL_NODE_CONST
      || !is_canonical (variable, constant->value))
    return 0;
  if (oc_require_is_call (node, "_==_"))
    return variable;
  if (variable == OC_KEY_PORT || (variable & OC_KEY_HOSTS) == 0)
    return 0;
  if (oc_require_is_call (node, "inDomain"))
    return variable;
  return oc_require_is_call (node, "endsWith")
                 && oc_str_has_prefix (oc_cel_value_get_str (constant->value), OC_STR ("."))
             ? variable
             : 0;
}

/* The one variable that @node is an exact test of, 0 when it is something else.
 * Recursion is bounded by OC_CEL_DEPTH_MAX. */
static OcKeyVariable
exact_test (const OcCelNode *node)
{
  OcKeyVariable variable;

  if (node->kind == OC_CEL_NODE_CALL)
    return exact_call (node);
  if (node->kind != OC_CEL_NODE_OR)
    return 0;
  variable = exact_test (node->args[0]);
  for (guint i = 1; i < node->n_args; i++)
    if (exact_test (node->args[i]) != variable)
      return 0;
  return variable;
}

/* @node is one conjunct of the condition. Two tests of one variable are not taken: the
 * atoms are only those of the better one. */
static gboolean
add_clause (OcRuleDraft *draft, const OcCelNode *node)
{
  OcKeyVariable variable = exact_test (node);
  const OcAtoms *atoms = variable != 0 ? oc_rule_draft_get_required (draft, variable) : NULL;

  for (guint i = 0; i < draft->n_clauses; i++)
    if (draft->clauses[i].variable == variable)
      return FALSE;
  if (atoms != NULL)
    draft->clauses[draft->n_clauses++] = (OcClause) { variable, atoms };
  return atoms != NULL;
}

static void
require_each (OcRuleDraft *draft, const OcCelNode *root, OcArena *arena)
{
  static const OcSlot slots[OC_N_KEYS]
      = { OC_SLOT_NETWORK_HOSTNAME, OC_SLOT_HTTP_HOST,    OC_SLOT_DNS_QUERY,
          OC_SLOT_AGENT_NAME,       OC_SLOT_NETWORK_PORT, OC_SLOT_HTTP_METHOD };

  for (guint i = 0; i < OC_N_KEYS; i++)
    if (oc_cel_program_uses_slot (draft->entry.program, (guint) slots[i]))
      draft->required[i] = oc_require (root, 1u << i, arena);
}

void
oc_cover_examine (OcRuleDraft *draft, const OcCelNode *root, OcArena *arena)
{
  gboolean exact = TRUE;

  require_each (draft, root, arena);
  draft->clauses = oc_arena_new_array (arena, OcClause, OC_N_KEYS);
  if (root->kind == OC_CEL_NODE_CONST)
    exact = oc_cel_value_is_true (root->value);
  else if (root->kind != OC_CEL_NODE_AND)
    exact = add_clause (draft, root);
  for (guint i = 0; root->kind == OC_CEL_NODE_AND && exact && i < root->n_args; i++)
    exact = add_clause (draft, root->args[i]);
  if (!exact)
    draft->clauses = NULL;
}

/* --- Covering ------------------------------------------------------------------ */

static gboolean
atom_covers (const OcAtom *a, const OcAtom *b)
{
  if (a->variable == OC_KEY_PORT)
    return a->number == b->number;
  if (b->folded && a->variable == OC_KEY_AGENT)
    return FALSE;
  if (!a->suffix)
    return !b->suffix && oc_str_equal (a->text, b->text);
  return oc_str_has_suffix (b->text, a->text);
}

static gboolean
clause_covers (const OcClause *clause, const OcAtoms *required)
{
  for (guint i = 0; i < required->len; i++)
    {
      gboolean covered = FALSE;

      for (guint k = 0; k < clause->atoms->len && !covered; k++)
        covered = atom_covers (&clause->atoms->items[k],
                               &required->items[i]);
      if (!covered)
        return FALSE;
    }
  return TRUE;
}

/* Whether @a, which has clauses, is true wherever @b is. */
static gboolean
rule_covers (const OcRuleDraft *a, const OcRuleDraft *b)
{
  for (guint i = 0; i < a->n_clauses; i++)
    {
      const OcClause *clause = &a->clauses[i];
      const OcAtoms *required = oc_rule_draft_get_required (b, clause->variable);

      if (required == NULL || !clause_covers (clause, required))
        return FALSE;
    }
  return TRUE;
}

static guint
atom_hash (gconstpointer p)
{
  const OcAtom *atom = p;
  guint hash = (guint) atom->variable * 2 + (atom->suffix ? 1 : 0) + (guint) atom->number * 31;

  for (gsize i = 0; i < atom->text.len; i++)
    hash = hash * 33 + (guint8) atom->text.data[i];
  return hash;
}

static gboolean
atom_equal (gconstpointer a, gconstpointer b)
{
  const OcAtom *x = a;
  const OcAtom *y = b;

  return x->variable == y->variable && x->suffix == y->suffix && x->number == y->number
         && oc_str_equal (x->text, y->text);
}

typedef struct
{
  GHashTable *by_atom; /* (key OcAtom *) (value GPtrArray of OcRuleDraft): of first clauses */
  const OcRuleDraft *everything; /* (nullable): a rule that is always true */
} Coverers;

static void
add_coverer (Coverers *coverers, OcRuleDraft *draft)
{
  const OcClause *first;

  if (draft->clauses == NULL)
    return;
  if (draft->n_clauses == 0 && coverers->everything == NULL)
    coverers->everything = draft;
  if (draft->n_clauses == 0)
    return;
  first = &draft->clauses[0];
  for (guint i = 0; i < first->atoms->len; i++)
    {
      gpointer atom = (gpointer) &first->atoms->items[i];
      GPtrArray *drafts = g_hash_table_lookup (coverers->by_atom, atom);

      if (drafts == NULL)
        {
          drafts = g_ptr_array_new ();
          g_hash_table_insert (coverers->by_atom, atom, drafts);
        }
      if (drafts->len < COMPARED_MAX)
        g_ptr_array_add (drafts, draft);
    }
}

static const OcRuleDraft *
find_under (const Coverers *coverers, const OcAtom *atom, const OcRuleDraft *draft)
{
  const GPtrArray *drafts = g_hash_table_lookup (coverers->by_atom, atom);

  for (guint i = 0; drafts != NULL && i < drafts->len; i++)
    if (rule_covers (g_ptr_array_index (drafts, i), draft))
      return g_ptr_array_index (drafts, i);
  return NULL;
}

/* Whatever covers @draft covers the first atom of one of its requirements. */
static const OcRuleDraft *
find_coverer (const Coverers *coverers, const OcRuleDraft *draft)
{
  const OcRuleDraft *found = coverers->everything;

  for (guint v = 0; found == NULL && v < G_N_ELEMENTS (draft->required); v++)
    {
      OcAtom atom;

      if (draft->required[v] == NULL || draft->required[v]->len == 0)
        continue;
      atom = draft->required[v]->items[0];
      found = find_under (coverers, &atom, draft);
      atom.suffix = TRUE;
      for (gsize skip = 0; found == NULL && skip < atom.text.len; skip++)
        {
          OcAtom suffix = atom;

          suffix.text = oc_str (atom.text.data + skip, atom.text.len - skip);
          if (suffix.text.data[0] == '.')
            found = find_under (coverers, &suffix, draft);
        }
    }
  return found;
}

void
oc_cover_warn (const GPtrArray *drafts, OcReport *report)
{
  Coverers coverers = { 0 };

  coverers.by_atom = g_hash_table_new_full (atom_hash, atom_equal, NULL,
                                            (GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < drafts->len; i++)
    {
      OcRuleDraft *draft = g_ptr_array_index (drafts, i);
      const OcRuleDraft *by = find_coverer (&coverers, draft);
      OcReportAt at = { draft->file, draft->start, draft->end, draft->entry.rule.id };

      if (by != NULL)
        oc_report_warning (report, &at,
                           "rule '%s' can never match: rule '%s' (%s:%u) comes first and matches "
                           "all that it does",
                           draft->entry.rule.id, by->entry.rule.id, by->file->path,
                           by->entry.rule.line);
      else
        add_coverer (&coverers, draft);
    }
  g_hash_table_unref (coverers.by_atom);
}
