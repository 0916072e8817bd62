/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"

struct OcCelEnv
{
  OcCelArena arena;
  OcStr container;
  GHashTable *functions; /* OcStr of OcCelFunction -> OcCelFunction */
  GHashTable *slots;     /* OcStr -> slot + 1 */
  GHashTable *prefixes;  /* OcStr, set: "a" and "a.b" of "a.b.c" */
  GArray *variables;     /* OcCelVariable by slot */
};

static guint
hash_str (gconstpointer key)
{
  const OcStr *s = key;
  guint h = 5381;

  for (gsize i = 0; i < s->len; i++)
    h = h * 33 + (guint8) s->data[i];
  return h;
}

static gboolean
equal_str (gconstpointer a, gconstpointer b)
{
  return oc_str_equal (*(const OcStr *) a, *(const OcStr *) b);
}

static void
free_function (gpointer data)
{
  OcCelFunction *function = data;

  g_ptr_array_unref (function->overloads);
  g_free (function);
}

static OcStr *
dup_key (OcCelEnv *env, OcStr s)
{
  OcStr copy = oc_cel_arena_dup_str (&env->arena, s);

  return oc_cel_arena_dup (&env->arena, &copy, sizeof copy);
}

static void
add_library (OcCelEnv *env, const OcCelDecl *decls)
{
  for (const OcCelDecl *d = decls; d->name; d++)
    if (!oc_cel_env_add_function (env, d->name, d->signature, d->func))
      g_error ("cel: bad declaration %s: %s", d->name, d->signature);
}

OcCelEnv *
oc_cel_env_new (void)
{
  static const OcCelDecl *const libraries[]
      = { oc_cel_lib_operators, oc_cel_lib_arithmetic, oc_cel_lib_basic,    oc_cel_lib_convert,
          oc_cel_lib_time,      oc_cel_lib_strings,    oc_cel_lib_split,    oc_cel_lib_format,
          oc_cel_lib_math,      oc_cel_lib_lists,      oc_cel_lib_sets,     oc_cel_lib_encoders,
          oc_cel_lib_optional,  oc_cel_lib_net,        oc_cel_lib_host };
  OcCelEnv *env = g_new0 (OcCelEnv, 1);

  env->functions = g_hash_table_new_full (hash_str, equal_str, NULL, free_function);
  env->slots = g_hash_table_new (hash_str, equal_str);
  env->prefixes = g_hash_table_new (hash_str, equal_str);
  env->variables = g_array_new (FALSE, TRUE, sizeof (OcCelVariable));
  env->container = OC_STR_EMPTY;
  for (guint i = 0; i < G_N_ELEMENTS (libraries); i++)
    add_library (env, libraries[i]);
  return env;
}

void
oc_cel_env_free (OcCelEnv *env)
{
  if (!env)
    return;
  g_hash_table_unref (env->functions);
  g_hash_table_unref (env->slots);
  g_hash_table_unref (env->prefixes);
  g_array_unref (env->variables);
  oc_cel_arena_clear (&env->arena);
  g_free (env);
}

static void
add_prefixes (OcCelEnv *env, OcStr name)
{
  for (gsize i = 0; i < name.len; i++)
    if (name.data[i] == '.')
      g_hash_table_add (env->prefixes, dup_key (env, oc_str (name.data, i)));
}

int
oc_cel_env_add_variable (OcCelEnv *env, const char *name, const char *type)
{
  OcStr cursor = oc_str_from (type);
  const OcCelType *parsed = oc_cel_type_parse (&env->arena, &cursor);
  OcStr *key = dup_key (env, oc_str_from (name));
  OcCelVariable variable
      = { oc_str (oc_cel_arena_dup (&env->arena, name, key->len + 1), key->len), parsed };

  if (!parsed || cursor.len > 0 || key->len == 0 || g_hash_table_contains (env->slots, key))
    return -1;
  g_array_append_val (env->variables, variable);
  g_hash_table_insert (env->slots, key, GUINT_TO_POINTER (env->variables->len));
  add_prefixes (env, *key);
  return (int) env->variables->len - 1;
}

static void
skip_spaces (OcStr *cursor)
{
  while (cursor->len > 0 && *cursor->data == ' ')
    *cursor = oc_str (cursor->data + 1, cursor->len - 1);
}

static gboolean
take (OcStr *cursor, const char *text)
{
  gsize len = strlen (text);

  skip_spaces (cursor);
  if (!oc_str_has_prefix (*cursor, oc_str (text, len)))
    return FALSE;
  *cursor = oc_str (cursor->data + len, cursor->len - len);
  return TRUE;
}

/* "T, T)" */
static gboolean
parse_args (OcCelEnv *env, OcStr *cursor, OcCelOverload *overload)
{
  if (take (cursor, ")"))
    return TRUE;
  do
    {
      if (overload->n_args == OC_CEL_ARGS_MAX)
        return FALSE;
      overload->args[overload->n_args] = oc_cel_type_parse (&env->arena, cursor);
      if (!overload->args[overload->n_args++])
        return FALSE;
    }
  while (take (cursor, ","));
  return take (cursor, ")");
}

/* A member's target ends in ".(" which a type's name would swallow the dot of. */
static gboolean
parse_target (OcCelEnv *env, OcStr *cursor, OcCelOverload *overload)
{
  const char *mark = memmem (cursor->data, cursor->len, ".(", 2);
  OcStr target;

  skip_spaces (cursor);
  if (!mark)
    return take (cursor, "(");
  target = oc_str (cursor->data, (gsize) (mark - cursor->data));
  overload->member = TRUE;
  overload->args[overload->n_args++] = oc_cel_type_parse (&env->arena, &target);
  *cursor = oc_str (mark + 2, cursor->len - (gsize) (mark + 2 - cursor->data));
  return overload->args[0] && target.len == 0;
}

static gboolean
parse_signature (OcCelEnv *env, OcStr cursor, OcCelOverload *overload)
{
  if (!parse_target (env, &cursor, overload) || !parse_args (env, &cursor, overload)
      || !take (&cursor, "->"))
    return FALSE;
  overload->result = oc_cel_type_parse (&env->arena, &cursor);
  for (guint i = 0; i < overload->n_args; i++)
    overload->masks[i] = oc_cel_type_get_mask (overload->args[i]);
  return overload->result && cursor.len == 0;
}

gboolean
oc_cel_env_add_function (OcCelEnv *env, const char *name, const char *signature, OcCelFunc func)
{
  OcStr key = oc_str_from (name);
  OcCelFunction *function = g_hash_table_lookup (env->functions, &key);
  OcCelOverload *overload = oc_cel_arena_new (&env->arena, OcCelOverload, 1);

  overload->func = func;
  if (key.len == 0 || !parse_signature (env, oc_str_from (signature), overload))
    return FALSE;
  if (!function)
    {
      function = g_new0 (OcCelFunction, 1);
      function->name = oc_cel_arena_dup_str (&env->arena, key);
      function->overloads = g_ptr_array_new ();
      g_hash_table_insert (env->functions, &function->name, function);
    }
  g_ptr_array_add (function->overloads, overload);
  return TRUE;
}

void
oc_cel_env_set_container (OcCelEnv *env, const char *container)
{
  env->container = oc_cel_arena_dup_str (&env->arena, oc_str_from (container));
}

OcStr
oc_cel_env_get_container (const OcCelEnv *env)
{
  return env->container;
}

guint
oc_cel_env_get_n_slots (const OcCelEnv *env)
{
  return env->variables->len;
}

const OcCelVariable *
oc_cel_env_get_variable (const OcCelEnv *env, int slot)
{
  return &g_array_index (env->variables, OcCelVariable, slot);
}

const char *
oc_cel_env_get_slot_name (const OcCelEnv *env, guint slot)
{
  return slot < env->variables->len ? oc_cel_env_get_variable (env, (int) slot)->name.data : NULL;
}

int
oc_cel_env_lookup_slot (const OcCelEnv *env, OcStr name)
{
  return (int) GPOINTER_TO_UINT (g_hash_table_lookup (env->slots, &name)) - 1;
}

const OcCelFunction *
oc_cel_env_lookup_function (const OcCelEnv *env, OcStr name)
{
  return g_hash_table_lookup (env->functions, &name);
}

gboolean
oc_cel_env_is_namespace (const OcCelEnv *env, OcStr prefix)
{
  return g_hash_table_contains (env->prefixes, &prefix);
}

const OcCelType *
oc_cel_env_lookup_type (const OcCelEnv *env, OcStr name)
{
  static const OcCelType *const opaque[]
      = { &oc_cel_type_net_ip, &oc_cel_type_net_cidr, &oc_cel_type_optional_any };

  for (guint i = OC_CEL_TYPE_NULL; i <= OC_CEL_TYPE_TYPE; i++)
    if (oc_str_equal (name, oc_cel_type_basic (i)->name))
      return oc_cel_type_basic (i);
  for (guint i = 0; i < G_N_ELEMENTS (opaque); i++)
    if (oc_str_equal (name, opaque[i]->name))
      return opaque[i];
  return NULL;
}

void
oc_cel_env_foreach_variable (const OcCelEnv *env, OcCelNameFunc func, gpointer user_data)
{
  for (guint i = 0; i < env->variables->len; i++)
    func (g_array_index (env->variables, OcCelVariable, i).name, user_data);
}

void
oc_cel_env_foreach_function (const OcCelEnv *env, OcCelNameFunc func, gpointer user_data)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, env->functions);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    func (*(OcStr *) key, user_data);
}
