/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-checker.h"

/* --- Qualified names ----------------------------------------------------- */

static const OcCelLocal *
lookup_local (const OcCelChecker *c, OcStr name)
{
  for (guint i = c->scope->len; i-- > 0;)
    {
      const OcCelLocal *local = &g_array_index (c->scope, OcCelLocal, i);

      if (oc_str_equal (local->name, name))
        return local;
    }
  return NULL;
}

gboolean
oc_cel_check_qualified_name (OcCelChecker *c, const OcCelNode *node, char *buf, OcStr *out_name,
                             gboolean *out_absolute)
{
  gsize pos = OC_CEL_NAME_MAX;

  /* Written from the end of the buffer, since the last name comes first. */
  for (;; node = node->args[0])
    {
      if ((node->kind != OC_CEL_NODE_SELECT && node->kind != OC_CEL_NODE_VARIABLE)
          || (node->flags & OC_CEL_NODE_QUOTED) || node->slot >= 0 || node->name.len + 1 > pos)
        return FALSE;
      pos -= node->name.len;
      memcpy (buf + pos, node->name.data, node->name.len);
      if (node->kind == OC_CEL_NODE_VARIABLE)
        break;
      buf[--pos] = '.';
    }
  *out_absolute = (node->flags & OC_CEL_NODE_ABSOLUTE) != 0;
  *out_name = oc_str (buf + pos, OC_CEL_NAME_MAX - pos);
  return *out_absolute || !lookup_local (c, node->name);
}

typedef gboolean (*CandidateFunc) (OcCelChecker *c, OcStr name, gpointer user_data);

/* Calls @func for "a.b.name", "a.name", "name" in container "a.b" until it says TRUE. */
static gboolean
try_candidates (OcCelChecker *c, OcStr name, gboolean absolute, CandidateFunc func,
                gpointer user_data)
{
  OcStr container = absolute ? OC_STR_EMPTY : oc_cel_env_get_container (c->ast->env);
  char buf[2 * OC_CEL_NAME_MAX];

  while (container.len > 0)
    {
      if (container.len + 1 + name.len <= sizeof buf)
        {
          memcpy (buf, container.data, container.len);
          buf[container.len] = '.';
          memcpy (buf + container.len + 1, name.data, name.len);
          if (func (c, oc_str (buf, container.len + 1 + name.len), user_data))
            return TRUE;
        }
      while (container.len > 0 && container.data[container.len - 1] != '.')
        container.len--;
      container.len -= container.len > 0;
    }
  return func (c, name, user_data);
}

static gboolean
bind_candidate (OcCelChecker *c, OcStr name, gpointer user_data)
{
  OcCelNode *node = user_data;
  int slot = oc_cel_env_lookup_slot (c->ast->env, name);
  const OcCelType *type = slot >= 0 ? NULL : oc_cel_env_lookup_type (c->ast->env, name);

  if (slot >= 0)
    {
      const OcCelVariable *variable = oc_cel_env_get_variable (c->ast->env, slot);

      node->kind = OC_CEL_NODE_VARIABLE;
      node->slot = slot;
      node->name = variable->name;
      node->type = c->lenient ? oc_cel_type_basic (OC_CEL_TYPE_DYN) : variable->type;
    }
  else if (type)
    {
      node->kind = OC_CEL_NODE_CONST;
      node->value = (OcCelValue) { .kind = OC_CEL_TYPE, .type = type };
      node->type = oc_cel_type_new (&c->ast->arena, OC_CEL_TYPE_TYPE, OC_STR ("type"), &type, 1);
    }
  else
    return FALSE;
  node->n_args = 0;
  node->depth = 1;
  return TRUE;
}

gboolean
oc_cel_check_bind_name (OcCelChecker *c, OcCelNode *node, OcStr name, gboolean absolute)
{
  return try_candidates (c, name, absolute, bind_candidate, node);
}

gboolean
oc_cel_check_bind_local (OcCelChecker *c, OcCelNode *node)
{
  const OcCelLocal *local
      = node->flags & OC_CEL_NODE_ABSOLUTE ? NULL : lookup_local (c, node->name);

  if (!local)
    return FALSE;
  node->kind = OC_CEL_NODE_LOCAL;
  node->slot = local->slot;
  node->type = local->type;
  return TRUE;
}

static gboolean
is_candidate (OcCelChecker *c, OcStr name, gpointer user_data)
{
  return oc_cel_env_lookup_slot (c->ast->env, name) >= 0
         || oc_cel_env_lookup_type (c->ast->env, name);
}

gboolean
oc_cel_check_any_prefix (OcCelChecker *c, OcStr name, gboolean absolute)
{
  for (gsize i = 1; i <= name.len; i++)
    if ((i == name.len || name.data[i] == '.')
        && try_candidates (c, oc_str (name.data, i), absolute, is_candidate, NULL))
      return TRUE;
  return FALSE;
}

static gboolean
function_candidate (OcCelChecker *c, OcStr name, gpointer user_data)
{
  const OcCelFunction **out = user_data;

  *out = oc_cel_env_lookup_function (c->ast->env, name);
  return *out != NULL;
}

const OcCelFunction *
oc_cel_check_lookup_function (OcCelChecker *c, OcStr name, gboolean absolute)
{
  const OcCelFunction *function = NULL;

  (void) try_candidates (c, name, absolute, function_candidate, &function);
  return function;
}

/* --- Findings ------------------------------------------------------------ */

void
oc_cel_check_fail (OcCelChecker *c, OcCelNode *node, OcCelErrorCode code, const char *text)
{
  node->kind = OC_CEL_NODE_FAIL;
  node->value = oc_cel_error (code, text);
  node->type = oc_cel_type_basic (OC_CEL_TYPE_DYN);
  node->n_args = 0;
}

static void
offer_name (OcStr name, gpointer user_data)
{
  oc_cel_guess_offer (user_data, name);
}

/* Operators are functions too, but nobody means them. */
static void
offer_function (OcStr name, gpointer user_data)
{
  if (g_ascii_isalpha (name.data[0]))
    oc_cel_guess_offer (user_data, name);
}

void
oc_cel_check_undeclared (OcCelChecker *c, OcCelNode *node, OcStr name, gboolean function)
{
  OcCelGuess guess;
  g_autofree char *hint = NULL;
  /* A call's place is its function's name, with the namespace before it. */
  guint32 end = function ? node->extra + (guint32) node->name.len : node->offset + node->length;
  guint32 begin = function && oc_str_equal (name, node->name) ? node->extra : node->offset;

  /* Nobody reads more findings, and guesses take time. */
  if (c->ast->n_errors >= OC_CEL_ERRORS_MAX)
    c->ast->n_errors++;
  else if (!c->lenient)
    {
      oc_cel_guess_init (&guess, name);
      if (function)
        oc_cel_env_foreach_function (c->ast->env, offer_function, &guess);
      else
        oc_cel_env_foreach_variable (c->ast->env, offer_name, &guess);
      for (guint i = 0; i < c->scope->len && !function; i++)
        oc_cel_guess_offer (&guess, g_array_index (c->scope, OcCelLocal, i).name);
      hint = oc_cel_guess_dup_text (&guess);
      if (oc_cel_env_is_namespace (c->ast->env, name))
        oc_cel_ast_error (c->ast, node->offset, node->length,
                          "'%.*s' is a namespace; name one of its fields", OC_STR_ARGS (name));
      else
        oc_cel_ast_error (c->ast, begin, end - begin,
                          "undeclared reference to '%.*s'%s", OC_STR_ARGS (name), hint);
    }
  oc_cel_check_fail (c, node, OC_CEL_ERROR_NO_NAME,
                     function ? "unknown function" : "undeclared reference");
}
