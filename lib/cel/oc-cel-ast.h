/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the stages of compilation share: the tree under construction and the list
 * of findings. Private to lib/cel. One thread at a time.
 */

#include "cel/oc-cel-arena.h"
#include "cel/oc-cel.h"

#define OC_CEL_NODES_MAX (256 * 1024)

/* Node flags */
enum
{
  OC_CEL_NODE_MEMBER = 1 << 0,   /* CALL: args[0] is the target */
  OC_CEL_NODE_ABSOLUTE = 1 << 1, /* VARIABLE, CALL: written with a leading dot */
  OC_CEL_NODE_OPTIONAL = 1 << 2, /* element of a LIST, value of a MAP: written with "?" */
  OC_CEL_NODE_QUOTED = 1 << 4,   /* SELECT: the field is quoted, so no part of a qualified name */
};

typedef enum
{
  OC_CEL_MACRO_ALL,
  OC_CEL_MACRO_EXISTS,
  OC_CEL_MACRO_EXISTS_ONE,
  OC_CEL_MACRO_FILTER,
  OC_CEL_MACRO_MAP,
  OC_CEL_MACRO_TRANSFORM_LIST,
  OC_CEL_MACRO_TRANSFORM_MAP,
  OC_CEL_MACRO_TRANSFORM_ENTRY,
  OC_CEL_MACRO_OPT_MAP,
  OC_CEL_MACRO_OPT_FLAT_MAP,
} OcCelMacroKind;

/* node->resolved of a MACRO. args: range, [filter], body. */
typedef struct
{
  OcCelMacroKind kind;
  guint n_vars;
  OcStr vars[2];
} OcCelMacro;

/* One expression on its way from text to program. */
typedef struct
{
  const OcCelEnv *env;
  OcCelCompileFlags flags;
  OcStr source;        /* owned by arena */
  OcCelArena arena;
  GPtrArray *errors;   /* (nullable) */
  guint n_errors;
  guint n_nodes;
  guint n_locals;      /* macro variables alive at once */
  OcCelNode *root;
} OcCelAst;

/* NULL and a finding when the tree gets too deep or too large. Children must be set
 * through oc_cel_node_set_args(). */
OcCelNode *oc_cel_node_new (OcCelAst *ast, OcCelNodeKind kind, guint32 offset, guint32 length);
/* @args: copied. Returns: FALSE and a finding when @node becomes too deep. */
gboolean oc_cel_node_set_args (OcCelAst *ast, OcCelNode *node, OcCelNode *const *args, guint n);

/* Adds a finding about @length bytes at @offset. */
void oc_cel_ast_error (OcCelAst *ast, guint32 offset, guint32 length, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Copies @value and all it points to, so that it lives as long as @arena, which has no limit. */
OcCelValue oc_cel_value_copy (OcCelArena *arena, OcCelValue value);

/* "did you mean"; keeps the closest of all names offered. */
typedef struct
{
  OcStr wanted;
  OcStr best;
  guint distance;
} OcCelGuess;

void oc_cel_guess_init (OcCelGuess *guess, OcStr wanted);
void oc_cel_guess_offer (OcCelGuess *guess, OcStr candidate);
/* "; did you mean 'x'?" or "". (transfer full) */
char *oc_cel_guess_dup_text (const OcCelGuess *guess);

/* The stages, each on the output of the one before; FALSE after a finding. */
gboolean oc_cel_parse (OcCelAst *ast);
gboolean oc_cel_check (OcCelAst *ast);
gboolean oc_cel_fold (OcCelAst *ast);

/* Returns: (nullable): @call itself or what the macro of that name makes of it; NULL after a finding. */
OcCelNode *oc_cel_expand_macro (OcCelAst *ast, OcCelNode *call);
