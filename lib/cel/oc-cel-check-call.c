/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-checker.h"

/* Overload resolution: all overloads whose parameters the arguments are
 * assignable to stay candidates; which one it is shows at run time by the kinds of
 * the values. The result type is theirs when they agree, else dyn.
 */

/* "string.(int)" or "(string, int)" */
static char *
dup_call_text (OcCelChecker *c, const OcCelNode *node)
{
  GString *text = g_string_new (NULL);
  gboolean member = (node->flags & OC_CEL_NODE_MEMBER) != 0;

  for (guint i = 0; i < node->n_args; i++)
    {
      g_autofree char *type = oc_cel_check_dup_type_text (c, node->args[i]->type);

      g_string_append_printf (text, "%s%s%s", i == 0 && !member ? "(" : i > (guint) member ? ", " : "",
                              type, i == 0 && member ? ".(" : "");
    }
  if (node->n_args == 0)
    g_string_append_c (text, '(');
  g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

static void
report_no_overload (OcCelChecker *c, OcCelNode *node)
{
  gboolean is_operator = !g_ascii_isalpha (node->name.data[0]);
  g_autofree char *text = NULL;

  if (!c->lenient)
    {
      text = dup_call_text (c, node);
      oc_cel_ast_error (c->ast, is_operator ? node->offset : node->extra,
                        is_operator ? node->length : (guint32) node->name.len,
                        "found no matching overload for '%.*s' applied to '%s'",
                        OC_STR_ARGS (node->name), text);
    }
  oc_cel_check_fail (c, node, OC_CEL_ERROR_NO_OVERLOAD, "no such overload");
}

/* Whether @overload takes the node's arguments; binds type variables if so. */
static gboolean
try_overload (OcCelChecker *c, const OcCelNode *node, const OcCelOverload *overload,
              const OcCelType **out_result)
{
  const OcCelType *vars[26] = { NULL };
  const OcCelType *from[OC_CEL_ARGS_MAX], *to[OC_CEL_ARGS_MAX];

  if (overload->n_args != node->n_args
      || overload->member != ((node->flags & OC_CEL_NODE_MEMBER) != 0))
    return FALSE;
  *out_result = oc_cel_type_basic (OC_CEL_TYPE_DYN);
  if (c->lenient)
    return TRUE;
  for (guint i = 0; i < node->n_args; i++)
    {
      from[i] = node->args[i]->type;
      to[i] = oc_cel_infer_instantiate (&c->infer, overload->args[i], vars);
    }
  if (!oc_cel_infer_assign (&c->infer, from, to, node->n_args))
    return FALSE;
  *out_result = oc_cel_infer_resolve (
      &c->infer, oc_cel_infer_instantiate (&c->infer, overload->result, vars), FALSE);
  return TRUE;
}

static void
resolve_overloads (OcCelChecker *c, OcCelNode *node, const OcCelFunction *function)
{
  guint max = function->overloads->len;
  OcCelCall *call = oc_cel_arena_alloc0 (&c->ast->arena,
                                         sizeof *call + sizeof call->overloads[0] * max);

  call->n_args = node->n_args;
  for (guint i = 0; i < max; i++)
    {
      const OcCelOverload *overload = g_ptr_array_index (function->overloads, i);
      const OcCelType *result;

      if (!try_overload (c, node, overload, &result))
        continue;
      if (call->n == 0)
        node->type = result;
      else if (!oc_cel_type_equal (node->type, result))
        node->type = oc_cel_type_basic (OC_CEL_TYPE_DYN);
      call->overloads[call->n++] = overload;
    }
  node->resolved = call;
  if (call->n == 0)
    report_no_overload (c, node);
}

/* --- Optional field selection -------------------------------------------- */

/* operand.?field: like a selection, but of an optional. */
static void
check_optional_select (OcCelChecker *c, OcCelNode *node)
{
  const OcCelType *type;
  const OcCelType *inner = oc_cel_type_basic (OC_CEL_TYPE_DYN);

  oc_cel_check_node (c, node->args[0]);
  node->args[1]->type = oc_cel_type_basic (OC_CEL_TYPE_STRING);
  type = oc_cel_check_get_type (c, node->args[0]);
  if (oc_cel_type_is_optional (type))
    type = oc_cel_infer_resolve (&c->infer, type->params[0], FALSE);
  if (type->kind == OC_CEL_TYPE_MAP)
    inner = type->params[1];
  else if (type->kind != OC_CEL_TYPE_DYN && type->kind != OC_CEL_TYPE_VAR && !c->lenient)
    report_no_overload (c, node);
  if (node->kind == OC_CEL_NODE_CALL)
    node->type = oc_cel_type_optional (&c->ast->arena, inner);
}

/* --- Calls --------------------------------------------------------------- */

/* a.b.f(x) where "a.b.f" is a function: the target is part of its name. */
static const OcCelFunction *
lookup_qualified (OcCelChecker *c, OcCelNode *node, gboolean *out_undeclared)
{
  char buf[OC_CEL_NAME_MAX], full[2 * OC_CEL_NAME_MAX];
  OcStr target;
  gboolean absolute;
  const OcCelFunction *function;
  gsize len;

  if (!oc_cel_check_qualified_name (c, node->args[0], buf, &target, &absolute)
      || target.len + 1 + node->name.len > sizeof full)
    return NULL;
  len = target.len + 1 + node->name.len;
  memcpy (full, target.data, target.len);
  full[target.len] = '.';
  memcpy (full + target.len + 1, node->name.data, node->name.len);
  function = oc_cel_check_lookup_function (c, oc_str (full, len), absolute);
  if (!function && !oc_cel_check_any_prefix (c, target, absolute))
    {
      oc_cel_check_undeclared (c, node, oc_str (full, len), TRUE);
      *out_undeclared = TRUE;
    }
  return function;
}

static const OcCelFunction *
find_function (OcCelChecker *c, OcCelNode *node)
{
  const OcCelFunction *function;
  gboolean undeclared = FALSE;

  if (node->flags & OC_CEL_NODE_MEMBER)
    {
      function = lookup_qualified (c, node, &undeclared);
      if (undeclared)
        return NULL;
      if (function)
        {
          node->args++;
          node->n_args--;
          node->flags &= (guint16) ~OC_CEL_NODE_MEMBER;
          node->name = function->name;
          return function;
        }
      function = oc_cel_env_lookup_function (c->ast->env, node->name);
    }
  else
    function = oc_cel_check_lookup_function (c, node->name,
                                             (node->flags & OC_CEL_NODE_ABSOLUTE) != 0);
  if (!function)
    oc_cel_check_undeclared (c, node, node->name, TRUE);
  return function;
}

void
oc_cel_check_call (OcCelChecker *c, OcCelNode *node)
{
  const OcCelFunction *function;

  if (oc_str_equal (node->name, OC_STR ("_?._")))
    {
      check_optional_select (c, node);
      return;
    }
  function = find_function (c, node);
  if (!function)
    return;
  for (guint i = 0; i < node->n_args; i++)
    oc_cel_check_node (c, node->args[i]);
  if (node->n_args > OC_CEL_ARGS_MAX)
    report_no_overload (c, node);
  else
    resolve_overloads (c, node, function);
}
