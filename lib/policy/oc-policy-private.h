/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The policy object from inside, shared by the files of this folder. */

#include "policy/oc-policy-arena.h"
#include "policy/oc-policy-index.h"
#include "policy/oc-policy-report.h"
#include "policy/oc-policy-slots.h"

#include <stdatomic.h>

/* Counters are kept once per stripe; a thread sticks to one, so that threads
 * seldom share a cache line. Untouched pages cost no memory. */
#define OC_COUNTER_STRIPES 16

typedef struct
{
  _Atomic guint64 hits; /* relaxed: statistics order nothing */
  _Atomic guint64 errors;
  _Atomic guint64 connections, refused, bytes_up, bytes_down;
} OcRuleCounter;

/* One rule with all that evaluation and explanation need. */
typedef struct
{
  OcRule rule; /* first: OcRule pointers of the API are these */
  OcCelProgram *program;
  const guint16 *ports; /* sorted; that the condition names */
  guint32 n_ports;
  guint32 namespaces; /* bits of oc_slots_namespace_bit() */
} OcRuleEntry;

/* One entry of a `tests:` block. */
typedef struct
{
  const char *file;
  guint line;
  const char *name;
  const OcPolicyContext *context;
  gboolean name_only; /* the DNS filter's question */
  gboolean allowed;   /* expected */
  gboolean any_rule;  /* expected rule is left open */
  const char *rule;   /* (nullable): expected; NULL is the default */
} OcPolicyTest;

struct OcPolicy
{
  gatomicrefcount ref_count;
  OcArena *arena; /* strings and tests */
  OcRuleEntry *rules;
  gsize n_rules;
  OcRuleEntry learned; /* behind the last rule, for counters only */
  gsize n_files;
  guint32 namespaces;
  GHashTable *by_id; /* (key const char *) (value OcRuleEntry *) */
  OcIndex *index;
  void *counters_map; /* all stripes, each on pages of its own */
  gsize counters_len; /* bytes */
  OcRuleCounter *counters[OC_COUNTER_STRIPES];
  OcPolicyTest *tests;
  gsize n_tests;
  char digest[65];
};

/* For @policy->n_rules rules and the learned one, anew. */
void oc_policy_make_counters (OcPolicy *policy);

static inline const OcRuleEntry *
oc_rule_entry (const OcRule *rule)
{
  return (const OcRuleEntry *) rule;
}
