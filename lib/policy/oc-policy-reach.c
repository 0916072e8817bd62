/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-require.h"

#include "policy/oc-policy.h"

static void
add_atom (GStrvBuilder *list, GHashTable *seen, const OcAtom *atom)
{
  char *text = g_strdup_printf ("%s%.*s", atom->suffix ? "*" : "", OC_STR_ARGS (atom->text));

  if (g_hash_table_add (seen, text))
    g_strv_builder_add (list, text);
}

/* The empty name is what a variable has where it says nothing (dns.query in the proxy), so
 * it stands for every host. */
static gboolean
has_empty (const OcAtoms *atoms)
{
  for (guint i = 0; i < atoms->len; i++)
    if (atoms->items[i].text.len == 0)
      return TRUE;
  return FALSE;
}

/* The set that says most: the fewest names, of whichever variable. */
static const OcAtoms *
choose_atoms (const OcCelNode *root, guint variables, OcArena *arena)
{
  const OcAtoms *best = oc_require (root, variables, arena);

  if (best != NULL && has_empty (best))
    best = NULL;
  for (guint i = 0; i < OC_N_KEYS; i++)
    {
      const OcAtoms *atoms
          = (variables & 1u << i) != 0 ? oc_require (root, 1u << i, arena) : NULL;

      if (atoms != NULL && !has_empty (atoms)
          && (best == NULL || oc_require_score (atoms) < oc_require_score (best)))
        best = atoms;
    }
  return best;
}

char **
oc_rule_dup_reach (const OcRule *rule, OcReach reach)
{
  g_autoptr (OcArena) arena = oc_arena_new (4096);
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) errors
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  OcCelProgram *program = oc_cel_compile (oc_slots_get_env (), oc_str_from (rule->condition),
                                          OC_CEL_COMPILE_BOOL, errors);
  const OcAtoms *atoms = NULL;

  /* It was compiled when the rule was loaded. */
  g_return_val_if_fail (program != NULL, NULL);
  atoms = choose_atoms (oc_cel_program_get_root (program),
                        reach == OC_REACH_HOSTS ? OC_KEY_HOSTS : OC_KEY_AGENT, arena);
  for (guint i = 0; atoms != NULL && i < atoms->len; i++)
    add_atom (list, seen, &atoms->items[i]);
  oc_cel_program_free (program);
  return atoms != NULL ? g_strv_builder_end (list) : NULL;
}
