/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-private.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

OcPolicy *
oc_policy_new_empty (void)
{
  OcPolicy *policy = g_new0 (OcPolicy, 1);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "", 0);

  g_atomic_ref_count_init (&policy->ref_count);
  policy->arena = oc_arena_new (65536);
  policy->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  policy->index = oc_index_builder_finish (oc_index_builder_new ());
  policy->learned.rule = (OcRule) { .id = OC_POLICY_LEARNED_ID, .file = "", .allow = TRUE };
  oc_policy_make_counters (policy);
  g_strlcpy (policy->digest, digest, sizeof policy->digest);
  return policy;
}

OcPolicy *
oc_policy_ref (OcPolicy *policy)
{
  g_atomic_ref_count_inc (&policy->ref_count);
  return policy;
}

static void
unmap_counters (OcPolicy *policy)
{
  if (policy->counters_map != NULL)
    (void) munmap (policy->counters_map, policy->counters_len); /* fails for no such range only */
}

/* Mapped, not from the heap: what no thread counts in takes no memory. */
void
oc_policy_make_counters (OcPolicy *policy)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);
  gsize stripe = ((policy->n_rules + 1) * sizeof (OcRuleCounter) + page - 1) / page * page;
  void *map;

  unmap_counters (policy);
  policy->learned.rule.index = policy->n_rules;
  policy->counters_len = stripe * OC_COUNTER_STRIPES;
  map = mmap (NULL, policy->counters_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
              0);
  if (map == MAP_FAILED)
    g_error ("no memory for the counters of %" G_GSIZE_FORMAT " rules", policy->n_rules);
  policy->counters_map = map;
  for (guint i = 0; i < OC_COUNTER_STRIPES; i++)
    policy->counters[i] = (OcRuleCounter *) (void *) ((guint8 *) map + i * stripe);
}

static void
free_policy (OcPolicy *policy)
{
  for (gsize i = 0; i < policy->n_rules; i++)
    oc_cel_program_free (policy->rules[i].program);
  unmap_counters (policy);
  g_free (policy->rules);
  g_free (policy->tests);
  g_hash_table_unref (policy->by_id);
  oc_index_free (policy->index);
  oc_arena_free (policy->arena);
  g_free (policy);
}

void
oc_policy_unref (OcPolicy *policy)
{
  if (policy != NULL && g_atomic_ref_count_dec (&policy->ref_count))
    free_policy (policy);
}

gsize
oc_policy_get_n_files (const OcPolicy *policy)
{
  return policy->n_files;
}

gsize
oc_policy_get_n_rules (const OcPolicy *policy)
{
  return policy->n_rules;
}

const OcRule *
oc_policy_get_rule (const OcPolicy *policy, gsize index)
{
  g_return_val_if_fail (index < policy->n_rules, NULL);
  return &policy->rules[index].rule;
}

const OcRule *
oc_policy_lookup_rule (const OcPolicy *policy, const char *id)
{
  const OcRuleEntry *entry = g_hash_table_lookup (policy->by_id, id);

  return entry != NULL ? &entry->rule : NULL;
}

const char *
oc_policy_get_digest (const OcPolicy *policy)
{
  return policy->digest;
}

gboolean
oc_policy_uses_namespace (const OcPolicy *policy, const char *name)
{
  return (policy->namespaces & oc_slots_namespace_bit (name, strlen (name))) != 0;
}

gsize
oc_policy_get_n_tests (const OcPolicy *policy)
{
  return policy->n_tests;
}
