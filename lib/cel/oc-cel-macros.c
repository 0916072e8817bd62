/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-ast.h"

/* A macro is a call that is rewritten before its arguments mean anything. Those
 * that run an expression per element become MACRO nodes, which the code generator
 * turns into loops; the others become plain nodes.
 */

typedef struct OcCelMacroDecl Macro;
struct OcCelMacroDecl
{
  const char *space; /* (nullable): the target must be this name; NULL: any target */
  const char *name;
  gboolean member;
  guint n_args;      /* without the target; 0: any number from 1 */
  OcCelNode *(*expand) (OcCelAst *ast, OcCelNode *call, const Macro *macro);
  OcCelMacroKind kind;
  guint n_vars;
};

static OcCelNode *
bad_argument (OcCelAst *ast, const OcCelNode *arg, const char *text)
{
  oc_cel_ast_error (ast, arg->offset, arg->length, "%s", text);
  return NULL;
}

static gboolean
is_plain_name (const OcCelNode *node)
{
  return node->kind == OC_CEL_NODE_VARIABLE && !(node->flags & OC_CEL_NODE_ABSOLUTE);
}

/* --- Loops --------------------------------------------------------------- */

static OcCelNode *
expand_loop (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  OcCelMacro *info = oc_cel_arena_new (&ast->arena, OcCelMacro, 1);
  OcCelNode *args[3] = { call->args[0] };
  guint n = 1;

  info->kind = macro->kind;
  info->n_vars = macro->n_vars;
  for (guint i = 0; i < macro->n_vars; i++)
    {
      if (!is_plain_name (call->args[i + 1]))
        return bad_argument (ast, call->args[i + 1], "argument must be a simple name");
      info->vars[i] = call->args[i + 1]->name;
    }
  if (info->n_vars == 2 && oc_str_equal (info->vars[0], info->vars[1]))
    return bad_argument (ast, call->args[2], "the two variables must have different names");
  for (guint i = macro->n_vars + 1; i < call->n_args; i++)
    args[n++] = call->args[i];
  call->kind = OC_CEL_NODE_MACRO;
  call->resolved = info;
  return oc_cel_node_set_args (ast, call, args, n) ? call : NULL;
}

static OcCelNode *
expand_has (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  OcCelNode *arg = call->args[0];

  if (arg->kind != OC_CEL_NODE_SELECT)
    return bad_argument (ast, arg, "has() needs a field selection such as has(a.b)");
  arg->kind = OC_CEL_NODE_HAS;
  arg->offset = call->offset;
  arg->length = call->length;
  return arg;
}

static OcCelNode *
make_bind (OcCelAst *ast, OcCelNode *call, OcStr name, OcCelNode *init, OcCelNode *body)
{
  OcCelNode *node = oc_cel_node_new (ast, OC_CEL_NODE_BIND, call->offset, call->length);
  OcCelNode *args[] = { init, body };

  if (!node)
    return NULL;
  node->name = name;
  return oc_cel_node_set_args (ast, node, args, 2) ? node : NULL;
}

static OcCelNode *
expand_bind (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  if (!is_plain_name (call->args[1]))
    return bad_argument (ast, call->args[1], "argument must be a simple name");
  return make_bind (ast, call, call->args[1]->name, call->args[2], call->args[3]);
}

/* --- cel.block ----------------------------------------------------------- */

static OcStr
make_name (OcCelAst *ast, const char *prefix, const OcCelNode *const *numbers, guint n)
{
  g_autoptr (GString) name = g_string_new (prefix);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (name, ":%" G_GINT64_FORMAT, numbers[i]->value.i);
  return oc_cel_arena_dup_str (&ast->arena, oc_str (name->str, name->len));
}

/* cel.block([a, b], result): each item is bound in turn. */
static OcCelNode *
expand_block (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  OcCelNode *items = call->args[1];
  OcCelNode *result = call->args[2];

  if (items->kind != OC_CEL_NODE_LIST)
    return bad_argument (ast, items, "cel.block() needs a list literal");
  for (guint i = items->n_args; i-- > 0 && result;)
    {
      OcCelNode number = { .value = oc_cel_int (i) };
      const OcCelNode *numbers[] = { &number };

      result = make_bind (ast, call, make_name (ast, "@index", numbers, 1), items->args[i], result);
    }
  return result;
}

/* cel.index(0), cel.iterVar(0, 1), cel.accuVar(0, 1): names that no source can spell. */
static OcCelNode *
expand_name (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  const OcCelNode *const *numbers = (const OcCelNode *const *) call->args + 1;
  OcCelNode *node = oc_cel_node_new (ast, OC_CEL_NODE_VARIABLE, call->offset, call->length);
  g_autofree char *prefix = g_strconcat ("@", macro->name, NULL);

  for (guint i = 0; i < macro->n_args; i++)
    if (numbers[i]->kind != OC_CEL_NODE_CONST || numbers[i]->value.kind != OC_CEL_INT
        || numbers[i]->value.i < 0)
      return bad_argument (ast, numbers[i], "argument must be a number");
  if (node)
    node->name = make_name (ast, prefix, numbers, macro->n_args);
  return node;
}

/* --- sortBy -------------------------------------------------------------- */

static OcCelNode *
make_variable (OcCelAst *ast, const OcCelNode *call, OcStr name)
{
  OcCelNode *node = oc_cel_node_new (ast, OC_CEL_NODE_VARIABLE, call->offset, call->length);

  if (node)
    node->name = name;
  return node;
}

/* list.sortBy(x, key) sorts @list by what list.map(x, key) gives, with list evaluated once. */
static OcCelNode *
expand_sort_by (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  const OcStr name = OC_STR ("@list");
  OcCelNode *target = call->args[0];
  OcCelNode *keys = oc_cel_node_new (ast, OC_CEL_NODE_CALL, call->offset, call->length);
  OcCelNode *args[2] = { make_variable (ast, call, name), keys };
  OcCelNode *range = make_variable (ast, call, name);

  if (!keys || !args[0] || !range)
    return NULL;
  call->args[0] = range;
  if (!oc_cel_node_set_args (ast, keys, call->args, call->n_args)
      || !expand_loop (ast, keys, macro) || !oc_cel_node_set_args (ast, call, args, 2))
    return NULL;
  call->name = OC_STR ("@sortByAssociatedKeys");
  return make_bind (ast, call, name, target, call);
}

/* --- math.greatest and math.least ---------------------------------------- */

static OcCelNode *
expand_extreme (OcCelAst *ast, OcCelNode *call, const Macro *macro)
{
  OcCelNode *list = call->args[1];

  if (call->n_args > 2)
    {
      list = oc_cel_node_new (ast, OC_CEL_NODE_LIST, call->offset, call->length);
      if (!list || !oc_cel_node_set_args (ast, list, call->args + 1, call->n_args - 1))
        return NULL;
    }
  call->name = oc_str_equal (call->name, OC_STR ("least")) ? OC_STR ("math.least")
                                                            : OC_STR ("math.greatest");
  call->flags = 0;
  return oc_cel_node_set_args (ast, call, &list, 1) ? call : NULL;
}

static const Macro macros[] = {
  { NULL, "has", FALSE, 1, expand_has },
  { NULL, "all", TRUE, 2, expand_loop, OC_CEL_MACRO_ALL, 1 },
  { NULL, "all", TRUE, 3, expand_loop, OC_CEL_MACRO_ALL, 2 },
  { NULL, "exists", TRUE, 2, expand_loop, OC_CEL_MACRO_EXISTS, 1 },
  { NULL, "exists", TRUE, 3, expand_loop, OC_CEL_MACRO_EXISTS, 2 },
  { NULL, "exists_one", TRUE, 2, expand_loop, OC_CEL_MACRO_EXISTS_ONE, 1 },
  { NULL, "exists_one", TRUE, 3, expand_loop, OC_CEL_MACRO_EXISTS_ONE, 2 },
  { NULL, "existsOne", TRUE, 2, expand_loop, OC_CEL_MACRO_EXISTS_ONE, 1 },
  { NULL, "existsOne", TRUE, 3, expand_loop, OC_CEL_MACRO_EXISTS_ONE, 2 },
  { NULL, "filter", TRUE, 2, expand_loop, OC_CEL_MACRO_FILTER, 1 },
  { NULL, "map", TRUE, 2, expand_loop, OC_CEL_MACRO_MAP, 1 },
  { NULL, "map", TRUE, 3, expand_loop, OC_CEL_MACRO_MAP, 1 },
  { NULL, "transformList", TRUE, 3, expand_loop, OC_CEL_MACRO_TRANSFORM_LIST, 2 },
  { NULL, "transformList", TRUE, 4, expand_loop, OC_CEL_MACRO_TRANSFORM_LIST, 2 },
  { NULL, "transformMap", TRUE, 3, expand_loop, OC_CEL_MACRO_TRANSFORM_MAP, 2 },
  { NULL, "transformMap", TRUE, 4, expand_loop, OC_CEL_MACRO_TRANSFORM_MAP, 2 },
  { NULL, "transformMapEntry", TRUE, 3, expand_loop, OC_CEL_MACRO_TRANSFORM_ENTRY, 2 },
  { NULL, "transformMapEntry", TRUE, 4, expand_loop, OC_CEL_MACRO_TRANSFORM_ENTRY, 2 },
  { NULL, "optMap", TRUE, 2, expand_loop, OC_CEL_MACRO_OPT_MAP, 1 },
  { NULL, "optFlatMap", TRUE, 2, expand_loop, OC_CEL_MACRO_OPT_FLAT_MAP, 1 },
  { NULL, "sortBy", TRUE, 2, expand_sort_by, OC_CEL_MACRO_MAP, 1 },
  { "cel", "bind", TRUE, 3, expand_bind },
  { "cel", "block", TRUE, 2, expand_block },
  { "cel", "index", TRUE, 1, expand_name },
  { "cel", "iterVar", TRUE, 2, expand_name },
  { "cel", "accuVar", TRUE, 2, expand_name },
  { "math", "greatest", TRUE, 0, expand_extreme },
  { "math", "least", TRUE, 0, expand_extreme },
};

static gboolean
matches (const Macro *macro, const OcCelNode *call)
{
  gboolean member = (call->flags & OC_CEL_NODE_MEMBER) != 0;
  guint n = call->n_args - member;

  if (macro->member != member || !oc_str_equal (call->name, oc_str_from (macro->name)))
    return FALSE;
  if (macro->n_args == 0 ? n == 0 : n != macro->n_args)
    return FALSE;
  return !macro->space
         || (is_plain_name (call->args[0])
             && oc_str_equal (call->args[0]->name, oc_str_from (macro->space)));
}

OcCelNode *
oc_cel_expand_macro (OcCelAst *ast, OcCelNode *call)
{
  if ((ast->flags & OC_CEL_COMPILE_NO_MACROS) || (call->flags & OC_CEL_NODE_ABSOLUTE))
    return call;
  for (guint i = 0; i < G_N_ELEMENTS (macros); i++)
    if (matches (&macros[i], call))
      return macros[i].expand (ast, call, &macros[i]);
  return call;
}
