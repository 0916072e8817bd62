/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"
#include "cel/oc-cel-regex.h"

/* Constant folding, from the leaves up: what depends on no variable and gives a
 * value is replaced by the value. What gives an error stays, since it may stand
 * in a branch that is never taken; but for conditions, a constant that a function
 * can't read is a finding. Values live in the tree's arena.
 */

/* What folding one node may cost; more stays for run time. */
#define FOLD_STEPS 10000
/* And all nodes of a tree together. */
#define FOLD_STEPS_ALL 500000
#define FOLD_MEMORY (64 * 1024)
/* Values that folding may add to one tree, since a short text can stand for a long list. */
#define FOLD_VALUES_MAX 16384
#define FOLD_NODE_VALUES_MAX 1024

typedef struct
{
  OcCelAst *ast;
  OcCelScratch *scratch;
  guint32 values_left;
  guint32 steps_left;
} Folder;

static gboolean
is_const (const OcCelNode *node)
{
  return node->kind == OC_CEL_NODE_CONST;
}

static void
make_const (Folder *f, OcCelNode *node, OcCelValue value)
{
  node->kind = OC_CEL_NODE_CONST;
  node->value = oc_cel_value_copy (&f->ast->arena, value);
  node->n_args = 0;
}

/* Keeps where @node stands in the source, but is otherwise @other. */
static void
replace (OcCelNode *node, const OcCelNode *other)
{
  guint16 flags = (node->flags & OC_CEL_NODE_OPTIONAL) | (other->flags & ~OC_CEL_NODE_OPTIONAL);

  *node = *other;
  node->flags = flags;
}

static gboolean
all_const (const OcCelNode *node)
{
  for (guint i = 0; i < node->n_args; i++)
    if (!is_const (node->args[i]))
      return FALSE;
  return TRUE;
}

/* Whether nothing below reads a variable, or a macro's local from outside. */
static gboolean
is_closed (const OcCelNode *node, int first_local)
{
  if (node->kind == OC_CEL_NODE_VARIABLE || node->kind == OC_CEL_NODE_FAIL)
    return FALSE;
  if (node->kind == OC_CEL_NODE_LOCAL)
    return node->slot >= first_local;
  for (guint i = 0; i < node->n_args; i++)
    if (!is_closed (node->args[i], first_local))
      return FALSE;
  return TRUE;
}

/* A constant argument that @node's function can't read, such as timestamp("soon"). */
static void
report (Folder *f, const OcCelNode *node, OcCelValue error)
{
  if (f->ast->flags & OC_CEL_COMPILE_BOOL && node->kind == OC_CEL_NODE_CALL
      && error.kind == OC_CEL_ERROR && error.aux == OC_CEL_ERROR_ARGUMENT)
    oc_cel_ast_error (f->ast, node->offset, node->length, "%s", error.str);
}

static void
check_pattern (Folder *f, const OcCelNode *node)
{
  const OcCelNode *pattern = node->n_args == 2 ? node->args[1] : NULL;
  const char *why;
  gsize position;
  OcCelRegex *regex;

  if (!(f->ast->flags & OC_CEL_COMPILE_BOOL) || !pattern || !is_const (pattern)
      || pattern->value.kind != OC_CEL_STRING || !oc_str_equal (node->name, OC_STR ("matches")))
    return;
  regex = oc_cel_regex_new (oc_cel_value_get_str (pattern->value), &why, &position);
  if (!regex)
    oc_cel_ast_error (f->ast, pattern->offset, pattern->length, "regular expression: %s", why);
  oc_cel_regex_free (regex);
}

/* A zone by a constant name must exist; the members of timestamps that take one begin with "get". */
static void
check_zone (Folder *f, const OcCelNode *node)
{
  const OcCelNode *zone = node->n_args == 2 ? node->args[1] : NULL;
  gint32 offset;

  if (!(f->ast->flags & OC_CEL_COMPILE_BOOL) || !zone || !is_const (zone)
      || zone->value.kind != OC_CEL_STRING || node->args[0]->type->kind != OC_CEL_TYPE_TIMESTAMP
      || !oc_str_has_prefix (node->name, OC_STR ("get")))
    return;
  if (!oc_cel_zone_get_offset (NULL, oc_cel_value_get_str (zone->value), 0, &offset))
    oc_cel_ast_error (f->ast, zone->offset, zone->length, "no such time zone");
}

static void
run (Folder *f, OcCelNode *node)
{
  OcCelCode code = { .n = 0 };
  OcCelValue value;

  if (f->steps_left < FOLD_STEPS)
    return;
  if (!f->scratch)
    {
      f->scratch = oc_cel_scratch_new ();
      oc_cel_scratch_set_limits (f->scratch, FOLD_STEPS, FOLD_MEMORY);
    }
  oc_cel_code_generate (&code, node, f->ast->n_locals);
  oc_cel_code_run (&code, NULL, f->scratch, &value);
  f->steps_left -= FOLD_STEPS - f->scratch->steps_left;
  report (f, node, value);
  if (!oc_cel_is_failure (value) && oc_cel_value_fits (value, FOLD_NODE_VALUES_MAX)
      && f->values_left >= FOLD_NODE_VALUES_MAX)
    {
      f->values_left -= value.kind == OC_CEL_LIST || value.kind == OC_CEL_MAP ? FOLD_NODE_VALUES_MAX / 8
                                                                               : 0;
      make_const (f, node, value);
    }
  oc_cel_code_clear (&code);
}

/* Literal lists of constants are by far the most frequent; they need no code. */
static gboolean
fold_list (Folder *f, OcCelNode *node)
{
  OcCelList *list;
  OcCelValue *values;

  for (guint i = 0; i < node->n_args; i++)
    if (node->args[i]->flags & OC_CEL_NODE_OPTIONAL)
      return FALSE;
  list = oc_cel_arena_new (&f->ast->arena, OcCelList, 1);
  values = oc_cel_arena_new (&f->ast->arena, OcCelValue, node->n_args);
  for (guint i = 0; i < node->n_args; i++)
    values[i] = node->args[i]->value;
  *list = (OcCelList) { .len = node->n_args, .values = values };
  node->kind = OC_CEL_NODE_CONST;
  node->value = oc_cel_list (list);
  node->n_args = 0;
  return TRUE;
}

/* true && x is x, false && x is false; the same turned round for ||. Operands that are other
 * constants are errors, and stay. */
static void
fold_logic (OcCelNode *node)
{
  gboolean neutral = node->kind == OC_CEL_NODE_AND;
  guint n = 0;

  for (guint i = 0; i < node->n_args; i++)
    {
      OcCelNode *arg = node->args[i];

      if (is_const (arg) && arg->value.kind == OC_CEL_BOOL && (arg->value.i != 0) != neutral)
        {
          replace (node, arg);
          return;
        }
      if (!is_const (arg) || arg->value.kind != OC_CEL_BOOL)
        node->args[n++] = arg;
    }
  if (n == 0)
    replace (node, node->args[0]);
  else if (n == 1 && node->args[0]->type->kind == OC_CEL_TYPE_BOOL)
    replace (node, node->args[0]);
  else if (n > 1)
    node->n_args = n;
}

static void
fold_ternary (OcCelNode *node)
{
  const OcCelNode *test = node->args[0];

  if (is_const (test) && test->value.kind == OC_CEL_BOOL)
    replace (node, node->args[test->value.i ? 1 : 2]);
}

/* --- exists to in -------------------------------------------------------- */

static gboolean
reads_local (const OcCelNode *node, int slot)
{
  if (node->kind == OC_CEL_NODE_LOCAL && node->slot == slot)
    return TRUE;
  for (guint i = 0; i < node->n_args; i++)
    if (reads_local (node->args[i], slot))
      return TRUE;
  return FALSE;
}

/* The x of `v == x` or `x == v` where v is the loop's variable and x doesn't read it. */
static OcCelNode *
get_compared (const OcCelNode *body, int slot)
{
  if (body->kind != OC_CEL_NODE_CALL || !oc_str_equal (body->name, OC_STR ("_==_")))
    return NULL;
  for (guint i = 0; i < 2; i++)
    if (body->args[i]->kind == OC_CEL_NODE_LOCAL && body->args[i]->slot == slot
        && !reads_local (body->args[1 - i], slot))
      return body->args[1 - i];
  return NULL;
}

/* [constants].exists(v, v == x) is x in [constants]: equality never errs, and with at least
 * one element x is evaluated either way. */
static void
fold_exists (Folder *f, OcCelNode *node)
{
  const OcCelMacro *macro = node->resolved;
  OcCelNode *range = node->args[0];
  OcCelNode *compared;
  OcCelCall *call;

  if (macro->kind != OC_CEL_MACRO_EXISTS || macro->n_vars != 1 || !is_const (range)
      || range->value.kind != OC_CEL_LIST || range->value.list->len == 0)
    return;
  compared = get_compared (node->args[1], node->slot + 2);
  if (!compared)
    return;
  call = oc_cel_arena_alloc0 (&f->ast->arena, sizeof *call);
  call->n_args = 2;
  node->kind = OC_CEL_NODE_CALL;
  node->name = OC_STR ("@in");
  node->resolved = call;
  node->slot = -1;
  node->args[0] = compared;
  node->args[1] = range;
}

static void
fold_macro (Folder *f, OcCelNode *node)
{
  if (is_closed (node, node->slot))
    run (f, node);
  else if (node->kind == OC_CEL_NODE_MACRO)
    fold_exists (f, node);
}

/* --- The tree ------------------------------------------------------------ */

static void
fold (Folder *f, OcCelNode *node)
{
  for (guint i = 0; i < node->n_args; i++)
    fold (f, node->args[i]);
  switch ((OcCelNodeKind) node->kind)
    {
    case OC_CEL_NODE_AND:
    case OC_CEL_NODE_OR:
      fold_logic (node);
      break;
    case OC_CEL_NODE_TERNARY:
      fold_ternary (node);
      break;
    case OC_CEL_NODE_MACRO:
    case OC_CEL_NODE_BIND:
      fold_macro (f, node);
      break;
    case OC_CEL_NODE_LIST:
      if (all_const (node) && !fold_list (f, node))
        run (f, node);
      break;
    case OC_CEL_NODE_CALL:
      check_pattern (f, node);
      if (all_const (node))
        run (f, node);
      else
        check_zone (f, node);
      break;
    case OC_CEL_NODE_SELECT:
    case OC_CEL_NODE_HAS:
    case OC_CEL_NODE_MAP:
      if (all_const (node))
        run (f, node);
      break;
    case OC_CEL_NODE_CONST:
    case OC_CEL_NODE_VARIABLE:
    case OC_CEL_NODE_LOCAL:
    case OC_CEL_NODE_FAIL:
      break;
    }
}

gboolean
oc_cel_fold (OcCelAst *ast)
{
  Folder f = { .ast = ast, .values_left = FOLD_VALUES_MAX, .steps_left = FOLD_STEPS_ALL };

  fold (&f, ast->root);
  oc_cel_scratch_free (f.scratch);
  return ast->n_errors == 0;
}
