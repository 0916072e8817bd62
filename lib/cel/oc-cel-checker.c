/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-checker.h"

/* Type inference as the CEL specification describes it: literals and variables
 * have types, calls are resolved against overloads with type parameters, and a
 * type parameter is bound by what it is first compared with. A node's type may
 * hold free variables until the whole tree is checked; finish_types() then makes
 * them dyn. A finding makes the node dyn, so that one mistake is reported once.
 */

static const OcCelType *
basic (OcCelTypeKind kind)
{
  return oc_cel_type_basic (kind);
}

const OcCelType *
oc_cel_check_get_type (OcCelChecker *c, const OcCelNode *node)
{
  return oc_cel_infer_resolve (&c->infer, node->type, FALSE);
}

char *
oc_cel_check_dup_type_text (OcCelChecker *c, const OcCelType *type)
{
  GString *text = g_string_new (NULL);

  oc_cel_type_append_text (oc_cel_infer_resolve (&c->infer, type, TRUE), text);
  return g_string_free (text, FALSE);
}

void
oc_cel_check_expect (OcCelChecker *c, const OcCelNode *node, const OcCelType *type,
                     const char *what)
{
  g_autofree char *found = NULL;
  g_autofree char *wanted = NULL;

  if (c->lenient || oc_cel_infer_assign (&c->infer, &node->type, &type, 1))
    return;
  found = oc_cel_check_dup_type_text (c, node->type);
  wanted = oc_cel_check_dup_type_text (c, type);
  oc_cel_ast_error (c->ast, node->offset, node->length, "%s must be '%s', but is '%s'", what,
                    wanted, found);
}

const OcCelType *
oc_cel_check_join (OcCelChecker *c, const OcCelType *a, const OcCelType *b)
{
  if (c->lenient)
    return basic (OC_CEL_TYPE_DYN);
  if (!oc_cel_infer_assign (&c->infer, &b, &a, 1))
    return basic (OC_CEL_TYPE_DYN);
  return oc_cel_type_most_general (oc_cel_infer_resolve (&c->infer, a, FALSE),
                                   oc_cel_infer_resolve (&c->infer, b, FALSE));
}

/* --- Literals ------------------------------------------------------------ */

static void
check_const (OcCelNode *node)
{
  static const guint8 types[] = {
    [OC_CEL_NULL] = OC_CEL_TYPE_NULL,     [OC_CEL_BOOL] = OC_CEL_TYPE_BOOL,
    [OC_CEL_INT] = OC_CEL_TYPE_INT,       [OC_CEL_UINT] = OC_CEL_TYPE_UINT,
    [OC_CEL_DOUBLE] = OC_CEL_TYPE_DOUBLE, [OC_CEL_STRING] = OC_CEL_TYPE_STRING,
    [OC_CEL_BYTES] = OC_CEL_TYPE_BYTES,
  };

  node->type = basic (types[node->value.kind]);
}

/* The type that an element adds to its aggregate; ?x adds what the optional x holds. */
static const OcCelType *
get_element_type (OcCelChecker *c, OcCelNode *item)
{
  const OcCelType *type = oc_cel_check_get_type (c, item);

  if (!(item->flags & OC_CEL_NODE_OPTIONAL))
    return type;
  if (type->kind == OC_CEL_TYPE_VAR || type->kind == OC_CEL_TYPE_DYN)
    return basic (OC_CEL_TYPE_DYN);
  oc_cel_check_expect (c, item, &oc_cel_type_optional_any, "an element after '?'");
  return oc_cel_type_is_optional (type) ? type->params[0] : basic (OC_CEL_TYPE_DYN);
}

static const OcCelType *
join_elements (OcCelChecker *c, OcCelNode *node, guint first, guint step)
{
  const OcCelType *joined = NULL;

  for (guint i = first; i < node->n_args; i += step)
    {
      const OcCelType *type = get_element_type (c, node->args[i]);

      joined = joined ? oc_cel_check_join (c, joined, type) : type;
    }
  return joined ? joined : oc_cel_infer_new_var (&c->infer);
}

static void
check_aggregate (OcCelChecker *c, OcCelNode *node)
{
  const OcCelType *first;

  for (guint i = 0; i < node->n_args; i++)
    oc_cel_check_node (c, node->args[i]);
  if (node->kind == OC_CEL_NODE_LIST)
    {
      node->type = oc_cel_type_list (&c->ast->arena, join_elements (c, node, 0, 1));
      return;
    }
  first = join_elements (c, node, 0, 2);
  node->type = oc_cel_type_map (&c->ast->arena, first, join_elements (c, node, 1, 2));
}

/* --- Names and fields ---------------------------------------------------- */

static void
check_variable (OcCelChecker *c, OcCelNode *node)
{
  gboolean absolute = (node->flags & OC_CEL_NODE_ABSOLUTE) != 0;

  if (oc_cel_check_bind_local (c, node))
    return;
  if (!oc_cel_check_bind_name (c, node, node->name, absolute))
    oc_cel_check_undeclared (c, node, node->name, FALSE);
}

/* The type of @type's field; NULL when it can't have any. */
static const OcCelType *
get_field_type (OcCelChecker *c, const OcCelType *type)
{
  const OcCelType *dyn = basic (OC_CEL_TYPE_DYN);
  const OcCelType *inner;

  switch ((OcCelTypeKind) type->kind)
    {
    case OC_CEL_TYPE_MAP:
      return type->params[1];
    case OC_CEL_TYPE_VAR:
      /* It stays dyn, so that nothing narrower is read into it later. */
      (void) oc_cel_infer_assign (&c->infer, &dyn, &type, 1);
      return dyn;
    case OC_CEL_TYPE_DYN:
      return dyn;
    default:
      if (!oc_cel_type_is_optional (type))
        return NULL;
      inner = get_field_type (c, oc_cel_infer_resolve (&c->infer, type->params[0], FALSE));
      return inner ? oc_cel_type_optional (&c->ast->arena, inner) : NULL;
    }
}

static void
check_field (OcCelChecker *c, OcCelNode *node)
{
  const OcCelType *type = oc_cel_check_get_type (c, node->args[0]);
  g_autofree char *text = NULL;

  node->type = get_field_type (c, type);
  if (node->type)
    return;
  node->type = basic (OC_CEL_TYPE_DYN);
  if (c->lenient)
    return;
  text = oc_cel_check_dup_type_text (c, type);
  oc_cel_ast_error (c->ast, node->extra, (guint32) node->name.len,
                    "type '%s' does not support field selection", text);
}

static void
check_select (OcCelChecker *c, OcCelNode *node)
{
  char buf[OC_CEL_NAME_MAX];
  OcStr name;
  gboolean absolute;

  if (oc_cel_check_qualified_name (c, node, buf, &name, &absolute))
    {
      if (oc_cel_check_bind_name (c, node, name, absolute))
        return;
      if (!oc_cel_check_any_prefix (c, name, absolute))
        {
          oc_cel_check_undeclared (c, node, name, FALSE);
          return;
        }
    }
  oc_cel_check_node (c, node->args[0]);
  check_field (c, node);
}

static void
check_has (OcCelChecker *c, OcCelNode *node)
{
  oc_cel_check_node (c, node->args[0]);
  check_field (c, node);
  node->type = basic (OC_CEL_TYPE_BOOL);
}

/* --- Logic --------------------------------------------------------------- */

static void
check_logic (OcCelChecker *c, OcCelNode *node)
{
  for (guint i = 0; i < node->n_args; i++)
    {
      oc_cel_check_node (c, node->args[i]);
      oc_cel_check_expect (c, node->args[i], basic (OC_CEL_TYPE_BOOL),
                           node->kind == OC_CEL_NODE_AND ? "operand of '&&'" : "operand of '||'");
    }
  node->type = basic (OC_CEL_TYPE_BOOL);
}

static void
check_ternary (OcCelChecker *c, OcCelNode *node)
{
  const OcCelType *result = oc_cel_infer_new_var (&c->infer);

  for (guint i = 0; i < 3; i++)
    oc_cel_check_node (c, node->args[i]);
  oc_cel_check_expect (c, node->args[0], basic (OC_CEL_TYPE_BOOL), "what stands before '?'");
  oc_cel_check_expect (c, node->args[1], result, "first branch");
  oc_cel_check_expect (c, node->args[2], result, "second branch");
  node->type = c->lenient ? basic (OC_CEL_TYPE_DYN)
                          : oc_cel_infer_resolve (&c->infer, result, FALSE);
}

/* --- Macros -------------------------------------------------------------- */

static void
push_local (OcCelChecker *c, OcStr name, const OcCelType *type, int slot)
{
  OcCelLocal local = { name, type, slot };

  g_array_append_val (c->scope, local);
}

static int
reserve_locals (OcCelChecker *c, guint n)
{
  int first = (int) c->n_locals;

  c->n_locals += n;
  c->ast->n_locals = MAX (c->ast->n_locals, c->n_locals);
  return first;
}

/* The types of key (or index) and value of a range. */
static void
get_range_types (OcCelChecker *c, const OcCelNode *range, const OcCelType *out[2])
{
  const OcCelType *type = oc_cel_check_get_type (c, range);
  g_autofree char *text = NULL;

  out[0] = out[1] = basic (OC_CEL_TYPE_DYN);
  if (type->kind == OC_CEL_TYPE_LIST)
    {
      out[0] = basic (OC_CEL_TYPE_INT);
      out[1] = type->params[0];
    }
  else if (type->kind == OC_CEL_TYPE_MAP)
    memcpy (out, type->params, sizeof *out * 2);
  else if (type->kind == OC_CEL_TYPE_VAR)
    (void) oc_cel_infer_assign (&c->infer, &out[0], &type, 1);
  else if (type->kind != OC_CEL_TYPE_DYN && !c->lenient)
    {
      text = oc_cel_check_dup_type_text (c, type);
      oc_cel_ast_error (c->ast, range->offset, range->length,
                        "a macro runs over a list or a map, but this is '%s'", text);
    }
}

static void
declare_vars (OcCelChecker *c, OcCelNode *node, const OcCelMacro *macro,
              const OcCelType *const types[2])
{
  gboolean is_map = oc_cel_check_get_type (c, node->args[0])->kind == OC_CEL_TYPE_MAP;

  /* The range, the position, then the variables. */
  node->slot = reserve_locals (c, 2 + macro->n_vars);
  if (macro->n_vars == 1)
    push_local (c, macro->vars[0], types[is_map ? 0 : 1], node->slot + 2);
  else
    for (guint i = 0; i < 2; i++)
      push_local (c, macro->vars[i], types[i], node->slot + 2 + (int) i);
}

static const OcCelType *
get_entry_map_type (OcCelChecker *c, const OcCelNode *body)
{
  OcCelArena *arena = &c->ast->arena;
  const OcCelType *dyn = basic (OC_CEL_TYPE_DYN);
  const OcCelType *any = oc_cel_type_map (arena, dyn, dyn);

  oc_cel_check_expect (c, body, any, "what transformMapEntry makes");
  return body->type->kind == OC_CEL_TYPE_MAP ? body->type : any;
}

static const OcCelType *
get_loop_type (OcCelChecker *c, const OcCelNode *node, const OcCelType *const types[2])
{
  const OcCelMacro *macro = node->resolved;
  const OcCelNode *body = node->args[node->n_args - 1];
  gboolean is_map = oc_cel_check_get_type (c, node->args[0])->kind == OC_CEL_TYPE_MAP;

  switch (macro->kind)
    {
    case OC_CEL_MACRO_FILTER:
      oc_cel_check_expect (c, body, basic (OC_CEL_TYPE_BOOL), "what filter() tests");
      return oc_cel_type_list (&c->ast->arena, types[is_map ? 0 : 1]);
    case OC_CEL_MACRO_MAP:
    case OC_CEL_MACRO_TRANSFORM_LIST:
      return oc_cel_type_list (&c->ast->arena, oc_cel_check_get_type (c, body));
    case OC_CEL_MACRO_TRANSFORM_MAP:
      return oc_cel_type_map (&c->ast->arena, types[0], oc_cel_check_get_type (c, body));
    case OC_CEL_MACRO_TRANSFORM_ENTRY:
      return get_entry_map_type (c, body);
    default:
      oc_cel_check_expect (c, body, basic (OC_CEL_TYPE_BOOL), "what the macro tests");
      return basic (OC_CEL_TYPE_BOOL);
    }
}

static void
check_loop (OcCelChecker *c, OcCelNode *node)
{
  const OcCelType *types[2];
  guint scope = c->scope->len, locals = c->n_locals;

  oc_cel_check_node (c, node->args[0]);
  get_range_types (c, node->args[0], types);
  declare_vars (c, node, node->resolved, types);
  for (guint i = 1; i < node->n_args; i++)
    oc_cel_check_node (c, node->args[i]);
  if (node->n_args == 3)
    oc_cel_check_expect (c, node->args[1], basic (OC_CEL_TYPE_BOOL), "the macro's filter");
  node->type = get_loop_type (c, node, types);
  g_array_set_size (c->scope, scope);
  c->n_locals = locals;
}

/* optional.optMap(x, f) */
static void
check_optional_map (OcCelChecker *c, OcCelNode *node)
{
  const OcCelMacro *macro = node->resolved;
  guint scope = c->scope->len, locals = c->n_locals;
  const OcCelType *type;

  oc_cel_check_node (c, node->args[0]);
  oc_cel_check_expect (c, node->args[0], &oc_cel_type_optional_any, "what optMap() is called on");
  type = oc_cel_check_get_type (c, node->args[0]);
  node->slot = reserve_locals (c, 1);
  push_local (c, macro->vars[0],
              oc_cel_type_is_optional (type) ? type->params[0] : basic (OC_CEL_TYPE_DYN),
              node->slot);
  oc_cel_check_node (c, node->args[1]);
  if (macro->kind == OC_CEL_MACRO_OPT_FLAT_MAP)
    {
      oc_cel_check_expect (c, node->args[1], &oc_cel_type_optional_any, "what optFlatMap() makes");
      node->type = node->args[1]->type;
    }
  else
    node->type = oc_cel_type_optional (&c->ast->arena, oc_cel_check_get_type (c, node->args[1]));
  g_array_set_size (c->scope, scope);
  c->n_locals = locals;
}

static void
check_macro (OcCelChecker *c, OcCelNode *node)
{
  const OcCelMacro *macro = node->resolved;

  if (macro->kind >= OC_CEL_MACRO_OPT_MAP)
    check_optional_map (c, node);
  else
    check_loop (c, node);
}

static void
check_bind (OcCelChecker *c, OcCelNode *node)
{
  guint scope = c->scope->len, locals = c->n_locals;

  oc_cel_check_node (c, node->args[0]);
  node->slot = reserve_locals (c, 1);
  push_local (c, node->name, node->args[0]->type, node->slot);
  oc_cel_check_node (c, node->args[1]);
  node->type = node->args[1]->type;
  g_array_set_size (c->scope, scope);
  c->n_locals = locals;
}

/* --- The whole tree ------------------------------------------------------ */

void
oc_cel_check_node (OcCelChecker *c, OcCelNode *node)
{
  switch ((OcCelNodeKind) node->kind)
    {
    case OC_CEL_NODE_CONST:
      check_const (node);
      break;
    case OC_CEL_NODE_VARIABLE:
      check_variable (c, node);
      break;
    case OC_CEL_NODE_SELECT:
      check_select (c, node);
      break;
    case OC_CEL_NODE_HAS:
      check_has (c, node);
      break;
    case OC_CEL_NODE_CALL:
      oc_cel_check_call (c, node);
      break;
    case OC_CEL_NODE_AND:
    case OC_CEL_NODE_OR:
      check_logic (c, node);
      break;
    case OC_CEL_NODE_TERNARY:
      check_ternary (c, node);
      break;
    case OC_CEL_NODE_LIST:
    case OC_CEL_NODE_MAP:
      check_aggregate (c, node);
      break;
    case OC_CEL_NODE_MACRO:
      check_macro (c, node);
      break;
    case OC_CEL_NODE_BIND:
      check_bind (c, node);
      break;
    case OC_CEL_NODE_LOCAL:
    case OC_CEL_NODE_FAIL:
      break;
    }
}

static void
finish_types (OcCelChecker *c, OcCelNode *node)
{
  node->type = oc_cel_infer_resolve (&c->infer, node->type, TRUE);
  for (guint i = 0; i < node->n_args; i++)
    finish_types (c, node->args[i]);
}

gboolean
oc_cel_check (OcCelAst *ast)
{
  OcCelChecker c = { .ast = ast, .lenient = (ast->flags & OC_CEL_COMPILE_NO_CHECK) != 0 };
  guint errors = ast->n_errors;

  oc_cel_infer_init (&c.infer, &ast->arena);
  c.scope = g_array_new (FALSE, FALSE, sizeof (OcCelLocal));
  oc_cel_check_node (&c, ast->root);
  if (ast->flags & OC_CEL_COMPILE_BOOL && ast->n_errors == errors)
    oc_cel_check_expect (&c, ast->root, basic (OC_CEL_TYPE_BOOL), "condition");
  finish_types (&c, ast->root);
  if (c.infer.too_complex)
    oc_cel_ast_error (ast, 0, (guint32) ast->source.len, "the expression's types are too complex");
  g_array_unref (c.scope);
  oc_cel_infer_clear (&c.infer);
  return ast->n_errors == errors;
}
