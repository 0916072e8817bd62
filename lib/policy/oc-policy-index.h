/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* From a request's values to the few rules that could match. Each rule is filed
 * under its atoms (oc-policy-require.h) or, without any, among those that are
 * always looked at. Immutable once built. Thread: any
 */

#include "policy/oc-policy-require.h"

typedef struct OcIndex OcIndex;
typedef struct OcIndexBuilder OcIndexBuilder;

OcIndexBuilder *oc_index_builder_new (void);
/* Rules are added in evaluation order, @rule counting from 0.
 * @atoms: (nullable) */
void oc_index_builder_add (OcIndexBuilder *builder, guint32 rule, const OcAtoms *atoms);
/* (transfer full) @builder. Returns: (transfer full) */
OcIndex *oc_index_builder_finish (OcIndexBuilder *builder);
void oc_index_free (OcIndex *index); /* accepts NULL */

/* What a request brings for looking up. */
typedef struct
{
  OcStr hostname;
  OcStr http_host;
  OcStr dns_query;
  OcStr agent;
  gint64 port;
  gboolean port_unknown; /* rules filed under ports are all candidates */
} OcIndexQuery;

/* The labels of three names, the agent, the port, and two lists. */
#define OC_INDEX_CURSORS_MAX 64

typedef struct
{
  const guint32 *at;
  const guint32 *end;
} OcIndexCursor;

/* Candidates in evaluation order, each once. */
typedef struct
{
  OcIndexCursor cursors[OC_INDEX_CURSORS_MAX];
  guint n;
  gboolean all;  /* more lists than cursors: every rule is a candidate */
  guint32 next;  /* with @all */
  guint32 n_rules;
} OcIndexWalk;

void oc_index_start (const OcIndex *index, const OcIndexQuery *query, OcIndexWalk *walk);
/* Returns: FALSE when there are no more. */
gboolean oc_index_next (OcIndexWalk *walk, guint32 *out_rule);
