/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-type.h"

/* A binding as it was before a change. */
typedef struct
{
  guint32 var;
  const OcCelType *old;
} Change;

void
oc_cel_infer_init (OcCelInfer *infer, OcCelArena *arena)
{
  infer->arena = arena;
  infer->steps_left = OC_CEL_INFER_STEPS;
  infer->too_complex = FALSE;
  infer->bindings = g_ptr_array_new ();
  infer->trail = g_array_new (FALSE, FALSE, sizeof (Change));
}

void
oc_cel_infer_clear (OcCelInfer *infer)
{
  g_clear_pointer (&infer->bindings, g_ptr_array_unref);
  g_clear_pointer (&infer->trail, g_array_unref);
}

/* Returns: FALSE when the steps are used up */
static gboolean
take_step (OcCelInfer *infer)
{
  if (infer->steps_left == 0)
    {
      infer->too_complex = TRUE;
      return FALSE;
    }
  infer->steps_left--;
  return TRUE;
}

const OcCelType *
oc_cel_infer_new_var (OcCelInfer *infer)
{
  OcCelType *type = oc_cel_arena_new (infer->arena, OcCelType, 1);

  type->kind = OC_CEL_TYPE_VAR;
  type->open = TRUE;
  type->var = infer->bindings->len;
  g_ptr_array_add (infer->bindings, NULL);
  return type;
}

static const OcCelType *
get_binding (const OcCelInfer *infer, const OcCelType *var)
{
  return g_ptr_array_index (infer->bindings, var->var);
}

static void
bind (OcCelInfer *infer, const OcCelType *var, const OcCelType *type)
{
  Change change = { var->var, get_binding (infer, var) };

  g_array_append_val (infer->trail, change);
  g_ptr_array_index (infer->bindings, var->var) = (gpointer) type;
}

static void
undo (OcCelInfer *infer, guint mark)
{
  while (infer->trail->len > mark)
    {
      Change change = g_array_index (infer->trail, Change, infer->trail->len - 1);

      g_ptr_array_index (infer->bindings, change.var) = (gpointer) change.old;
      g_array_set_size (infer->trail, infer->trail->len - 1);
    }
}

const OcCelType *
oc_cel_infer_instantiate (OcCelInfer *infer, const OcCelType *type, const OcCelType *vars[26])
{
  const OcCelType *params[OC_CEL_TYPE_PARAMS_MAX];

  if (!type->open)
    return type;
  if (type->kind == OC_CEL_TYPE_PARAM)
    {
      if (!vars[type->var])
        vars[type->var] = oc_cel_infer_new_var (infer);
      return vars[type->var];
    }
  for (guint i = 0; i < type->n_params; i++)
    params[i] = oc_cel_infer_instantiate (infer, type->params[i], vars);
  return oc_cel_type_new (infer->arena, type->kind, type->name, params, type->n_params);
}

gboolean
oc_cel_type_equal (const OcCelType *a, const OcCelType *b)
{
  if (a == b)
    return TRUE;
  if (a->kind != b->kind || a->var != b->var || a->n_params != b->n_params
      || !oc_str_equal (a->name, b->name))
    return FALSE;
  for (guint i = 0; i < a->n_params; i++)
    if (!oc_cel_type_equal (a->params[i], b->params[i]))
      return FALSE;
  return TRUE;
}

/* Whether @a is equal to @b or says less than it. */
static gboolean
less_specific (const OcCelType *a, const OcCelType *b)
{
  if (a->kind == OC_CEL_TYPE_DYN || a->kind == OC_CEL_TYPE_VAR)
    return TRUE;
  if (a->kind == OC_CEL_TYPE_WRAPPER && b->kind != OC_CEL_TYPE_WRAPPER)
    return less_specific (a->params[0], b);
  if (b->kind == OC_CEL_TYPE_DYN || b->kind == OC_CEL_TYPE_VAR || a->kind != b->kind
      || a->n_params != b->n_params || !oc_str_equal (a->name, b->name))
    return FALSE;
  for (guint i = 0; i < a->n_params; i++)
    if (!less_specific (a->params[i], b->params[i]))
      return FALSE;
  return TRUE;
}

const OcCelType *
oc_cel_type_most_general (const OcCelType *a, const OcCelType *b)
{
  /* What null is assignable to says more than null. */
  if (a->kind == OC_CEL_TYPE_NULL || b->kind == OC_CEL_TYPE_NULL)
    return a->kind == OC_CEL_TYPE_NULL ? b : a;
  return less_specific (a, b) ? a : b;
}

/* Whether binding @var to @type would make a type that contains itself. */
static gboolean
occurs_in (OcCelInfer *infer, const OcCelType *var, const OcCelType *type)
{
  if (!type->open)
    return FALSE;
  if (!take_step (infer))
    return TRUE;
  if (type->kind == OC_CEL_TYPE_VAR)
    return type->var == var->var
           || (get_binding (infer, type) && occurs_in (infer, var, get_binding (infer, type)));
  for (guint i = 0; i < type->n_params; i++)
    if (occurs_in (infer, var, type->params[i]))
      return TRUE;
  return FALSE;
}

typedef enum
{
  BIND_NO,       /* and @var is free: the other direction may do */
  BIND_CONFLICT, /* @var is bound to something else */
  BIND_YES,
} BindResult;

static gboolean assignable (OcCelInfer *infer, const OcCelType *from, const OcCelType *to);

static BindResult
bind_var (OcCelInfer *infer, const OcCelType *type, const OcCelType *var)
{
  const OcCelType *bound = get_binding (infer, var);

  if (oc_cel_type_equal (type, var))
    return BIND_YES;
  if (!bound)
    {
      if (occurs_in (infer, var, type))
        return BIND_NO;
      bind (infer, var, type);
      return BIND_YES;
    }
  if (oc_cel_type_equal (type, bound))
    return BIND_YES;
  if (!assignable (infer, type, bound))
    return BIND_CONFLICT;
  bound = oc_cel_type_most_general (type, bound);
  if (!occurs_in (infer, var, bound))
    bind (infer, var, bound);
  return BIND_YES;
}

static gboolean
is_nullable (const OcCelType *type)
{
  switch ((OcCelTypeKind) type->kind)
    {
    case OC_CEL_TYPE_NULL:
    case OC_CEL_TYPE_WRAPPER:
    case OC_CEL_TYPE_DURATION:
    case OC_CEL_TYPE_TIMESTAMP:
    case OC_CEL_TYPE_OPAQUE:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
params_assignable (OcCelInfer *infer, const OcCelType *from, const OcCelType *to)
{
  if (from->n_params != to->n_params || !oc_str_equal (from->name, to->name))
    return FALSE;
  for (guint i = 0; i < from->n_params; i++)
    if (!assignable (infer, from->params[i], to->params[i]))
      return FALSE;
  return TRUE;
}

static gboolean
assignable (OcCelInfer *infer, const OcCelType *from, const OcCelType *to)
{
  if (!take_step (infer))
    return FALSE;
  if (to->kind == OC_CEL_TYPE_VAR)
    {
      BindResult result = bind_var (infer, from, to);

      if (result != BIND_NO)
        return result == BIND_YES;
    }
  if (from->kind == OC_CEL_TYPE_VAR)
    return bind_var (infer, to, from) == BIND_YES;
  if (from->kind == OC_CEL_TYPE_DYN || to->kind == OC_CEL_TYPE_DYN)
    return TRUE;
  if (from->kind == OC_CEL_TYPE_NULL)
    return is_nullable (to);
  if (to->kind == OC_CEL_TYPE_NULL)
    return is_nullable (from);
  if (to->kind == OC_CEL_TYPE_WRAPPER)
    return assignable (infer, from->kind == OC_CEL_TYPE_WRAPPER ? from->params[0] : from,
                       to->params[0]);
  if (from->kind == OC_CEL_TYPE_WRAPPER)
    return assignable (infer, from->params[0], to);
  if (from->kind != to->kind)
    return FALSE;
  return from->kind == OC_CEL_TYPE_TYPE || params_assignable (infer, from, to);
}

gboolean
oc_cel_infer_assign (OcCelInfer *infer, const OcCelType *const *from, const OcCelType *const *to,
                     guint n)
{
  guint mark = infer->trail->len;

  for (guint i = 0; i < n; i++)
    if (!assignable (infer, from[i], to[i]))
      {
        undo (infer, mark);
        return FALSE;
      }
  return TRUE;
}

const OcCelType *
oc_cel_infer_resolve (OcCelInfer *infer, const OcCelType *type, gboolean free_to_dyn)
{
  const OcCelType *params[OC_CEL_TYPE_PARAMS_MAX];

  if (!type->open)
    return type;
  if (!take_step (infer))
    return oc_cel_type_basic (OC_CEL_TYPE_DYN);
  if (type->kind == OC_CEL_TYPE_VAR)
    {
      const OcCelType *bound = get_binding (infer, type);

      if (bound)
        return oc_cel_infer_resolve (infer, bound, free_to_dyn);
      return free_to_dyn ? oc_cel_type_basic (OC_CEL_TYPE_DYN) : type;
    }
  for (guint i = 0; i < type->n_params; i++)
    params[i] = oc_cel_infer_resolve (infer, type->params[i], free_to_dyn);
  return oc_cel_type_new (infer->arena, type->kind, type->name, params, type->n_params);
}
