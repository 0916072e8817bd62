/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"

struct OcCelProgram
{
  OcCelCode code;
  OcCelAst *ast;      /* (nullable): after oc_cel_program_release_ast() */
  char *type;         /* of the result, as text */
  guint32 n_slots;
  guint8 slots_used[]; /* a bit per slot */
};

static void
free_ast (OcCelAst *ast)
{
  if (!ast)
    return;
  oc_cel_arena_clear (&ast->arena);
  g_free (ast);
}

static OcCelAst *
new_ast (const OcCelEnv *env, OcStr source, OcCelCompileFlags flags, GPtrArray *errors)
{
  OcCelAst *ast = g_new0 (OcCelAst, 1);

  ast->env = env;
  ast->flags = flags;
  ast->errors = errors;
  if (source.len > OC_CEL_SOURCE_MAX)
    oc_cel_ast_error (ast, 0, 0, "expression is longer than %d bytes", OC_CEL_SOURCE_MAX);
  else
    ast->source = oc_cel_arena_dup_str (&ast->arena, source);
  return ast;
}

static void
mark_slots (OcCelProgram *program, const OcCelNode *node)
{
  if (node->kind == OC_CEL_NODE_VARIABLE)
    program->slots_used[node->slot / 8] |= (guint8) (1u << (node->slot % 8));
  for (guint i = 0; i < node->n_args; i++)
    mark_slots (program, node->args[i]);
}

/* @type: of the result before folding, which may leave a branch of another type */
static OcCelProgram *
make_program (OcCelAst *ast, const OcCelType *type)
{
  guint32 n_slots = oc_cel_env_get_n_slots (ast->env);
  OcCelProgram *program = g_malloc0 (sizeof *program + n_slots / 8 + 1);
  GString *text = g_string_new (NULL);

  ast->errors = NULL;
  program->ast = ast;
  program->n_slots = n_slots;
  oc_cel_type_append_text (type, text);
  program->type = g_string_free (text, FALSE);
  oc_cel_code_generate (&program->code, ast->root, ast->n_locals);
  mark_slots (program, ast->root);
  return program;
}

OcCelProgram *
oc_cel_compile (const OcCelEnv *env, OcStr source, OcCelCompileFlags flags, GPtrArray *errors)
{
  OcCelAst *ast = new_ast (env, source, flags, errors);

  if (ast->n_errors == 0 && oc_cel_parse (ast) && oc_cel_check (ast))
    {
      const OcCelType *type = ast->root->type;

      if ((flags & OC_CEL_COMPILE_NO_FOLD) || oc_cel_fold (ast))
        return make_program (ast, type);
    }
  free_ast (ast);
  return NULL;
}

void
oc_cel_program_free (OcCelProgram *program)
{
  if (!program)
    return;
  oc_cel_code_clear (&program->code);
  free_ast (program->ast);
  g_free (program->type);
  g_free (program);
}

char *
oc_cel_program_dup_type (const OcCelProgram *program)
{
  return g_strdup (program->type);
}

gsize
oc_cel_program_get_size (const OcCelProgram *program)
{
  return sizeof *program + program->n_slots / 8 + 1 + strlen (program->type) + 1
         + program->code.arena.held + (program->ast ? sizeof *program->ast + program->ast->arena.held : 0);
}

gboolean
oc_cel_program_uses_slot (const OcCelProgram *program, guint slot)
{
  return slot < program->n_slots && (program->slots_used[slot / 8] >> (slot % 8) & 1);
}

const OcCelNode *
oc_cel_program_get_root (const OcCelProgram *program)
{
  return program->ast ? program->ast->root : NULL;
}

OcStr
oc_cel_program_get_source (const OcCelProgram *program)
{
  return program->ast ? program->ast->source : OC_STR_EMPTY;
}

void
oc_cel_program_release_ast (OcCelProgram *program)
{
  g_clear_pointer (&program->ast, free_ast);
}

/* --- Evaluating ---------------------------------------------------------- */

void
oc_cel_eval (const OcCelProgram *program, const OcCelValue *slots, OcCelScratch *scratch,
             OcCelValue *out)
{
  oc_cel_code_run (&program->code, slots, scratch, out);
}

gboolean
oc_cel_eval_bool (const OcCelProgram *program, const OcCelValue *slots, OcCelScratch *scratch)
{
  OcCelValue v;

  oc_cel_code_run (&program->code, slots, scratch, &v);
  return oc_cel_value_is_true (v);
}

/* Whether below @node a macro's variable is read that @node's own macros don't set. */
static gboolean
has_free_local (const OcCelNode *node, int first)
{
  if (node->kind == OC_CEL_NODE_LOCAL)
    return node->slot < first;
  if ((node->kind == OC_CEL_NODE_MACRO || node->kind == OC_CEL_NODE_BIND) && node->slot < first)
    first = node->slot;
  for (guint i = 0; i < node->n_args; i++)
    if (has_free_local (node->args[i], first))
      return TRUE;
  return FALSE;
}

void
oc_cel_eval_node (const OcCelProgram *program, const OcCelNode *node, const OcCelValue *slots,
                  OcCelScratch *scratch, OcCelValue *out)
{
  OcCelCode code = { .n = 0 };
  guint n_locals = program->ast ? program->ast->n_locals : 0;

  if (!program->ast || has_free_local (node, G_MAXINT))
    {
      *out = oc_cel_error (OC_CEL_ERROR_NO_NAME, "depends on a macro's variable");
      return;
    }
  oc_cel_code_generate (&code, node, n_locals);
  oc_cel_code_run (&code, slots, scratch, out);
  /* What the result points to must outlive the code. */
  *out = oc_cel_scratch_keep (scratch, *out);
  oc_cel_code_clear (&code);
}
