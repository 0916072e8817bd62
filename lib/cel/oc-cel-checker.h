/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The checker's own state, shared by its files. Private to lib/cel. */

#include "cel/oc-cel-ast.h"
#include "cel/oc-cel-env.h"

#define OC_CEL_NAME_MAX 255 /* bytes of a dotted name that is looked up */

/* What a call may mean: node->resolved of a CALL. */
typedef struct
{
  guint n_args;
  guint n;
  const OcCelOverload *overloads[];
} OcCelCall;

/* A macro's variable in scope. */
typedef struct
{
  OcStr name;
  const OcCelType *type;
  int slot;
} OcCelLocal;

typedef struct
{
  OcCelAst *ast;
  OcCelInfer infer;
  GArray *scope;     /* (element-type OcCelLocal), innermost last */
  guint n_locals;    /* alive here */
  gboolean lenient;  /* without type check: everything is dyn, doubts are left to run time */
} OcCelChecker;

/* Checks @node and what is below it, and sets its type. */
void oc_cel_check_node (OcCelChecker *c, OcCelNode *node);

/* --- Names (oc-cel-resolve.c) -------------------------------------------- */

/* "a.b.c" of the names that @node selects. Returns: FALSE when it isn't only names, or a macro's
 * variable comes first. @buf: OC_CEL_NAME_MAX bytes */
gboolean oc_cel_check_qualified_name (OcCelChecker *c, const OcCelNode *node, char *buf,
                                      OcStr *out_name, gboolean *out_absolute);
/* Turns @node into the local, variable or type that @name is, looked up in the container and
 * its parents. Returns: FALSE when there is none. */
gboolean oc_cel_check_bind_name (OcCelChecker *c, OcCelNode *node, OcStr name, gboolean absolute);
gboolean oc_cel_check_bind_local (OcCelChecker *c, OcCelNode *node);
/* Whether any prefix of @name ("a", "a.b") is a variable or type. */
gboolean oc_cel_check_any_prefix (OcCelChecker *c, OcStr name, gboolean absolute);
/* (nullable) */
const OcCelFunction *oc_cel_check_lookup_function (OcCelChecker *c, OcStr name, gboolean absolute);

/* Makes @node an error of run time in lenient mode, and a finding otherwise. */
void oc_cel_check_undeclared (OcCelChecker *c, OcCelNode *node, OcStr name, gboolean function);
void oc_cel_check_fail (OcCelChecker *c, OcCelNode *node, OcCelErrorCode code, const char *text);

/* --- Calls (oc-cel-check-call.c) ----------------------------------------- */

void oc_cel_check_call (OcCelChecker *c, OcCelNode *node);

/* --- Helpers ------------------------------------------------------------- */

/* The least type that both are assignable to; dyn when there is none. */
const OcCelType *oc_cel_check_join (OcCelChecker *c, const OcCelType *a, const OcCelType *b);
/* What is known of @node's type so far. */
const OcCelType *oc_cel_check_get_type (OcCelChecker *c, const OcCelNode *node);
/* A finding unless @node is assignable to @type. @what: "condition", … */
void oc_cel_check_expect (OcCelChecker *c, const OcCelNode *node, const OcCelType *type,
                          const char *what);
/* Text of a type for a finding. (transfer full) */
char *oc_cel_check_dup_type_text (OcCelChecker *c, const OcCelType *type);
