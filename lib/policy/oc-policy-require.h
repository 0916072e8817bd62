/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What a condition requires. From the checked syntax tree follows a set of
 * atoms ("network.hostname is a.b", "dns.query ends in .x", "network.port is
 * 443") such that the condition can be true only when at least one of them
 * holds. The decision index is built from these sets.
 *
 * Soundness, in CEL's logic with errors and unknowns: `a && b` is true or
 * unknown only if neither side is false, so either side's atoms will do; `a || b`
 * only if one side is not false, so both sides' atoms together will do; a
 * comparison of a known variable with constants is definitely false when none of
 * its atoms holds. Everything else yields nothing. Under negation && and || change
 * places, == is what != is not, and all else yields nothing.
 */

#include "policy/oc-policy-arena.h"
#include "policy/oc-policy-slots.h"

typedef enum
{
  OC_KEY_HOSTNAME = 1 << 0,
  OC_KEY_HTTP_HOST = 1 << 1,
  OC_KEY_DNS_QUERY = 1 << 2,
  OC_KEY_AGENT = 1 << 3,
  OC_KEY_PORT = 1 << 4,
  OC_KEY_METHOD = 1 << 5, /* for checks, not for the index */
} OcKeyVariable;

#define OC_N_KEYS 6
#define OC_KEY_HOSTS (OC_KEY_HOSTNAME | OC_KEY_HTTP_HOST | OC_KEY_DNS_QUERY)
#define OC_KEY_INDEXED (OC_KEY_HOSTS | OC_KEY_AGENT | OC_KEY_PORT)

typedef struct
{
  guint8 variable; /* OcKeyVariable */
  guint8 suffix;   /* truth: text is ".x" and the value ends in it; else it is equal */
  guint8 folded;   /* truth: the condition has upper-case letters there */
  gint64 number;   /* OC_KEY_PORT */
  OcStr text;      /* the others, in lower case: compare without case */
} OcAtom;

/* In an arena. */
typedef struct
{
  guint len;
  OcAtom items[];
} OcAtoms;

/* @variables: which ones may stand in atoms
 * @arena: holds the atoms
 * Returns: (nullable): NULL when nothing is required; no atoms when the condition is
 * never true. */
const OcAtoms *oc_require (const OcCelNode *root, guint variables, OcArena *arena);

/* The ports that the condition compares network.port with, other than to rule
 * them out. (transfer full) (element-type guint16), sorted, each once */
GArray *oc_require_named_ports (const OcCelNode *root);
/* Whether @node is a list of constants, and then its elements. */
gboolean oc_require_list_size (const OcCelNode *node, guint *out_n);
OcCelValue oc_require_list_element (const OcCelNode *node, guint i);
/* Roughly what looking @atoms up lets through: the less the better. */
guint oc_require_score (const OcAtoms *atoms);

/* Whether @node is a call of @name, a literal. Inline, so that its length is known. */
static inline gboolean
oc_require_is_call (const OcCelNode *node, const char *name)
{
  return node->kind == OC_CEL_NODE_CALL && oc_str_equal (node->name, oc_str_from (name));
}

/* The variable that @node reads if it is one that atoms can be about, else 0. */
OcKeyVariable oc_require_variable (const OcCelNode *node);
