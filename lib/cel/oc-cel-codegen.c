/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"
#include "cel/oc-cel-regex.h"

/* One pass over the checked tree. The depth of the stack is known at each place,
 * so evaluation never checks it.
 */

#define NO_LABEL G_MAXUINT32
/* Room for a usual condition, of which a policy has thousands. */
#define FIRST_CHUNK 240

typedef struct
{
  OcCelCode *code;
  GArray *insns;       /* (element-type OcCelInsn) */
  guint32 stack;       /* values on it here */
  guint32 last_target; /* the farthest place that a jump leads to */
} Gen;

static void generate (Gen *g, const OcCelNode *node);

static guint32
here (const Gen *g)
{
  return g->insns->len;
}

static OcCelInsn *
at (Gen *g, guint32 pos)
{
  return &g_array_index (g->insns, OcCelInsn, pos);
}

/* @change: what the instruction adds to the stack. Returns: its place */
static guint32
emit (Gen *g, OcCelOp op, int change)
{
  OcCelInsn insn = { .op = op };

  g_array_append_val (g->insns, insn);
  g->stack = (guint32) ((int) g->stack + change);
  g->code->max_stack = MAX (g->code->max_stack, g->stack);
  return here (g) - 1;
}

static void
emit_slot (Gen *g, OcCelOp op, int change, gint32 slot)
{
  at (g, emit (g, op, change))->slot = slot;
}

static void
emit_const (Gen *g, OcCelValue value)
{
  at (g, emit (g, oc_cel_op_constant, 1))->value = oc_cel_value_copy (&g->code->arena, value);
}

/* Lets the jump at @pos lead here. */
static void
land (Gen *g, guint32 pos)
{
  at (g, pos)->jump = (gint32) (here (g) - pos);
  g->last_target = here (g);
}

static void
jump_back (Gen *g, guint32 target)
{
  guint32 pos = emit (g, oc_cel_op_jump, 0);

  at (g, pos)->jump = (gint32) target - (gint32) pos;
}

/* --- Logic --------------------------------------------------------------- */

/* Makes the operand that was just generated leave by @mode: its last instruction
 * does so itself unless a jump leads behind it. Returns: the place with the jump */
static guint32
leave_by (Gen *g, OcCelMode mode)
{
  gboolean first = mode == OC_CEL_MODE_AND_FIRST || mode == OC_CEL_MODE_OR_FIRST;
  guint32 pos = here (g) - 1;

  if (g->last_target == here (g))
    pos = emit (g, oc_cel_op_logic, 0);
  at (g, pos)->mode = mode;
  if (!first)
    g->stack--;
  return pos;
}

static void
generate_logic (Gen *g, const OcCelNode *node)
{
  gboolean is_and = node->kind == OC_CEL_NODE_AND;
  g_autofree guint32 *jumps = g_new (guint32, node->n_args);

  for (guint i = 0; i < node->n_args; i++)
    {
      generate (g, node->args[i]);
      if (i == 0)
        jumps[i] = leave_by (g, is_and ? OC_CEL_MODE_AND_FIRST : OC_CEL_MODE_OR_FIRST);
      else
        jumps[i] = leave_by (g, is_and ? OC_CEL_MODE_AND : OC_CEL_MODE_OR);
    }
  for (guint i = 0; i < node->n_args; i++)
    land (g, jumps[i]);
}

static void
generate_ternary (Gen *g, const OcCelNode *node)
{
  guint32 test, end;

  generate (g, node->args[0]);
  test = emit (g, oc_cel_op_ternary, -1);
  generate (g, node->args[1]);
  end = emit (g, oc_cel_op_jump, 0);
  g->stack--;
  land (g, test);
  generate (g, node->args[2]);
  land (g, end);
  at (g, test)->slot = (gint32) (here (g) - test);
}

/* --- Calls --------------------------------------------------------------- */

/* Operators and tests: what they are called, how they run on values from the stack and against a
 * constant string or int. */
static const struct
{
  OcStr name;
  OcCelOp op, with_str, with_int;
} operators[] = {
  { OC_STR_INIT ("_==_"), oc_cel_op_eq, oc_cel_op_eq_str, oc_cel_op_eq_int },
  { OC_STR_INIT ("_!=_"), oc_cel_op_ne, oc_cel_op_ne_str, oc_cel_op_ne_int },
  { OC_STR_INIT ("_<_"), oc_cel_op_lt, NULL, oc_cel_op_lt_int },
  { OC_STR_INIT ("_<=_"), oc_cel_op_le, NULL, oc_cel_op_le_int },
  { OC_STR_INIT ("_>_"), oc_cel_op_gt, NULL, oc_cel_op_gt_int },
  { OC_STR_INIT ("_>=_"), oc_cel_op_ge, NULL, oc_cel_op_ge_int },
  { OC_STR_INIT ("startsWith"), NULL, oc_cel_op_starts, NULL },
  { OC_STR_INIT ("endsWith"), NULL, oc_cel_op_ends, NULL },
  { OC_STR_INIT ("contains"), NULL, oc_cel_op_contains, NULL },
  { OC_STR_INIT ("inDomain"), NULL, oc_cel_op_in_domain, NULL },
  { OC_STR_INIT ("matches"), NULL, oc_cel_op_matches, NULL },
  { OC_STR_INIT ("@in"), oc_cel_op_in, NULL, NULL },
  { OC_STR_INIT ("_[_]"), oc_cel_op_index, NULL, NULL },
  { OC_STR_INIT ("_[?_]"), oc_cel_op_opt_index, NULL, NULL },
  { OC_STR_INIT ("!_"), oc_cel_op_not, NULL, NULL },
};

/* The form of a test that reads a variable itself. */
static OcCelOp
get_variable_form (OcCelOp op)
{
  static const struct
  {
    OcCelOp stack, variable;
  } forms[] = {
#define FORM(name) { oc_cel_op_##name, oc_cel_op_var_##name },
    OC_CEL_TESTS (FORM)
#undef FORM
  };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    if (forms[i].stack == op)
      return forms[i].variable;
  return NULL;
}

/* A test of @operand; the caller fills in the constant. */
static OcCelInsn *
emit_test (Gen *g, OcCelOp op, const OcCelNode *operand)
{
  guint32 pos;

  if (operand->kind == OC_CEL_NODE_VARIABLE)
    {
      pos = emit (g, get_variable_form (op), 1);
      at (g, pos)->slot = operand->slot;
      return at (g, pos);
    }
  generate (g, operand);
  return at (g, emit (g, op, 0));
}

/* Every operation has exactly one overload that takes these kinds. */
static gboolean
is_member_of_strings (const OcCelNode *node)
{
  const OcCelCall *call = node->resolved;

  return call && call->n == 1 && call->overloads[0]->masks[0] == 1u << OC_CEL_STRING;
}

static gboolean
is_string_list (OcCelValue v)
{
  if (v.kind != OC_CEL_LIST)
    return FALSE;
  for (guint32 i = 0; i < v.list->len; i++)
    if (oc_cel_list_get (v.list, i).kind != OC_CEL_STRING)
      return FALSE;
  return TRUE;
}

/* A pattern that can't be compiled is left to run time, where it errs. */
static gboolean
generate_match (Gen *g, const OcCelNode *operand, OcStr pattern)
{
  const char *why;
  gsize position;
  OcCelRegex *regex = oc_cel_regex_new (pattern, &why, &position);

  if (!regex)
    return FALSE;
  if (!g->code->regexes)
    g->code->regexes = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_regex_free);
  g_ptr_array_add (g->code->regexes, regex);
  emit_test (g, oc_cel_op_matches, operand)->data = regex;
  return TRUE;
}

static gboolean
generate_test (Gen *g, const OcCelNode *node, guint row)
{
  gboolean equality = operators[row].op == oc_cel_op_eq || operators[row].op == oc_cel_op_ne;
  const OcCelNode *operand, *other;
  OcCelValue constant;
  OcCelOp op = NULL;

  if (node->n_args != 2)
    return FALSE;
  operand = node->args[0];
  other = node->args[1];
  if (equality && operand->kind == OC_CEL_NODE_CONST)
    {
      operand = node->args[1];
      other = node->args[0];
    }
  if (other->kind != OC_CEL_NODE_CONST)
    return FALSE;
  constant = other->value;
  if (operators[row].op == oc_cel_op_in && is_string_list (constant))
    {
      emit_test (g, oc_cel_op_in_strs, operand)->data
          = oc_cel_str_set_new (&g->code->arena, constant.list);
      return TRUE;
    }
  if (constant.kind == OC_CEL_STRING && (operators[row].op || is_member_of_strings (node)))
    op = operators[row].with_str;
  else if (constant.kind == OC_CEL_INT)
    op = operators[row].with_int;
  if (!op)
    return FALSE;
  if (op == oc_cel_op_matches)
    return generate_match (g, operand, oc_cel_value_get_str (constant));
  constant = oc_cel_value_copy (&g->code->arena, constant);
  emit_test (g, op, operand)->value = constant;
  return TRUE;
}

static const OcCelCall *
copy_call (Gen *g, const OcCelCall *call)
{
  return oc_cel_arena_dup (&g->code->arena, call, sizeof *call + sizeof call->overloads[0] * call->n);
}

static void
generate_field (Gen *g, const OcCelNode *node, OcCelOp op, OcStr field)
{
  generate (g, node->args[0]);
  at (g, emit (g, op, 0))->value
      = oc_cel_value_copy (&g->code->arena, oc_cel_string (field));
}

/* a.or(b), a.orValue(b): b is only looked at when a has no value. */
static gboolean
generate_or (Gen *g, const OcCelNode *node)
{
  gboolean keeps = oc_str_equal (node->name, OC_STR ("or"));
  const OcCelCall *call = node->resolved;
  guint32 pos;

  if (!(keeps || oc_str_equal (node->name, OC_STR ("orValue"))) || node->n_args != 2 || !call
      || call->n != 1 || call->overloads[0]->masks[0] != 1u << OC_CEL_OPTIONAL)
    return FALSE;
  generate (g, node->args[0]);
  pos = emit (g, oc_cel_op_opt_or, -1);
  at (g, pos)->a = keeps;
  generate (g, node->args[1]);
  if (keeps)
    (void) emit (g, oc_cel_op_opt_check, 0);
  land (g, pos);
  return TRUE;
}

static void
generate_call (Gen *g, const OcCelNode *node)
{
  OcCelOp op = NULL;
  guint32 pos;

  if (generate_or (g, node))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    if (oc_str_equal (operators[i].name, node->name))
      {
        if (generate_test (g, node, i))
          return;
        op = operators[i].op;
      }
  if (oc_str_equal (node->name, OC_STR ("_?._")))
    {
      generate_field (g, node, oc_cel_op_opt_select, oc_cel_value_get_str (node->args[1]->value));
      return;
    }
  for (guint i = 0; i < node->n_args; i++)
    generate (g, node->args[i]);
  pos = emit (g, op ? op : oc_cel_op_call, 1 - (int) node->n_args);
  if (op)
    return;
  at (g, pos)->a = node->n_args;
  at (g, pos)->data = copy_call (g, node->resolved);
}

/* --- Lists and maps ------------------------------------------------------ */

static void
generate_aggregate (Gen *g, const OcCelNode *node)
{
  guint step = node->kind == OC_CEL_NODE_LIST ? 1 : 2;
  guint n = node->n_args / step;
  g_autofree guint8 *optional = g_new0 (guint8, n + 1);
  gboolean any = FALSE;
  guint32 pos;

  for (guint i = 0; i < node->n_args; i++)
    {
      generate (g, node->args[i]);
      if (node->args[i]->flags & OC_CEL_NODE_OPTIONAL)
        optional[i / step] = any = TRUE;
    }
  pos = emit (g, step == 1 ? oc_cel_op_list : oc_cel_op_map, 1 - (int) node->n_args);
  at (g, pos)->a = n;
  at (g, pos)->data = any ? oc_cel_arena_dup (&g->code->arena, optional, n) : NULL;
}

/* --- Macros -------------------------------------------------------------- */

/* Where a loop's instructions that leave it jump to, until that place is known. */
typedef struct
{
  const OcCelNode *node;
  const OcCelMacro *macro;
  guint32 init, next;
  guint32 test;   /* all, exists: the test that may end it */
  guint32 filter; /* NO_LABEL: none */
  guint32 add;    /* append, entry, merge, count */
} Loop;

static guint32
emit_at_slot (Gen *g, OcCelOp op, int change, const Loop *loop)
{
  guint32 pos = emit (g, op, change);

  at (g, pos)->slot = loop->node->slot;
  return pos;
}

static void
begin_loop (Gen *g, Loop *loop)
{
  OcCelMacroKind kind = loop->macro->kind;

  generate (g, loop->node->args[0]);
  loop->init = emit_at_slot (g, oc_cel_op_loop_init, -1, loop);
  if (kind == OC_CEL_MACRO_ALL || kind == OC_CEL_MACRO_EXISTS)
    emit_const (g, oc_cel_bool (kind == OC_CEL_MACRO_ALL));
  else if (kind == OC_CEL_MACRO_EXISTS_ONE)
    emit_const (g, oc_cel_int (0));
  else if (kind == OC_CEL_MACRO_TRANSFORM_MAP || kind == OC_CEL_MACRO_TRANSFORM_ENTRY)
    (void) emit_at_slot (g, oc_cel_op_loop_map, 1, loop);
  else
    (void) emit_at_slot (g, oc_cel_op_loop_list, 1, loop);
  loop->next = emit_at_slot (g, oc_cel_op_loop_next, 0, loop);
  at (g, loop->next)->a = loop->macro->n_vars;
}

static void
generate_body (Gen *g, Loop *loop)
{
  const OcCelNode *node = loop->node;
  const OcCelNode *body = node->args[node->n_args - 1];

  if (loop->macro->kind == OC_CEL_MACRO_FILTER)
    {
      generate (g, body);
      loop->filter = emit (g, oc_cel_op_loop_filter, -1);
      emit_slot (g, oc_cel_op_local, 1, node->slot + 2);
      return;
    }
  if (node->n_args == 3)
    {
      generate (g, node->args[1]);
      loop->filter = emit (g, oc_cel_op_loop_filter, -1);
    }
  generate (g, body);
}

/* What is done with the body's value. */
static void
generate_add (Gen *g, Loop *loop)
{
  switch (loop->macro->kind)
    {
    case OC_CEL_MACRO_ALL:
      loop->test = leave_by (g, OC_CEL_MODE_AND);
      break;
    case OC_CEL_MACRO_EXISTS:
      loop->test = leave_by (g, OC_CEL_MODE_OR);
      break;
    case OC_CEL_MACRO_EXISTS_ONE:
      loop->add = emit (g, oc_cel_op_loop_count, -1);
      break;
    case OC_CEL_MACRO_TRANSFORM_MAP:
      loop->add = emit_at_slot (g, oc_cel_op_loop_entry, -1, loop);
      break;
    case OC_CEL_MACRO_TRANSFORM_ENTRY:
      loop->add = emit (g, oc_cel_op_loop_merge, -1);
      break;
    default:
      loop->add = emit (g, oc_cel_op_loop_append, -1);
      break;
    }
}

static void
end_loop (Gen *g, Loop *loop)
{
  OcCelMacroKind kind = loop->macro->kind;

  at (g, loop->next)->b = here (g) - loop->next;
  if (loop->filter != NO_LABEL)
    at (g, loop->filter)->jump = (gint32) loop->next - (gint32) loop->filter;
  jump_back (g, loop->next);
  land (g, loop->next);
  if (loop->filter != NO_LABEL)
    at (g, loop->filter)->slot = (gint32) (here (g) - loop->filter);
  if (loop->test != NO_LABEL)
    land (g, loop->test);
  if (loop->add != NO_LABEL)
    land (g, loop->add);
  if (kind == OC_CEL_MACRO_EXISTS_ONE)
    (void) emit (g, oc_cel_op_loop_one, 0);
  else if (kind == OC_CEL_MACRO_TRANSFORM_MAP || kind == OC_CEL_MACRO_TRANSFORM_ENTRY)
    (void) emit (g, oc_cel_op_loop_map_end, 0);
  land (g, loop->init);
}

static void
generate_optional_map (Gen *g, const OcCelNode *node)
{
  const OcCelMacro *macro = node->resolved;
  guint32 begin;

  generate (g, node->args[0]);
  begin = emit (g, oc_cel_op_opt_begin, -1);
  at (g, begin)->slot = node->slot;
  generate (g, node->args[1]);
  if (macro->kind == OC_CEL_MACRO_OPT_MAP)
    (void) emit (g, oc_cel_op_opt_wrap, 0);
  land (g, begin);
}

static void
generate_macro (Gen *g, const OcCelNode *node)
{
  Loop loop = { .node = node, .macro = node->resolved };

  if (loop.macro->kind >= OC_CEL_MACRO_OPT_MAP)
    {
      generate_optional_map (g, node);
      return;
    }
  loop.test = loop.filter = loop.add = NO_LABEL;
  begin_loop (g, &loop);
  generate_body (g, &loop);
  generate_add (g, &loop);
  end_loop (g, &loop);
}

/* --- Nodes --------------------------------------------------------------- */

static void
generate (Gen *g, const OcCelNode *node)
{
  switch ((OcCelNodeKind) node->kind)
    {
    case OC_CEL_NODE_CONST:
    case OC_CEL_NODE_FAIL:
      emit_const (g, node->value);
      break;
    case OC_CEL_NODE_VARIABLE:
      emit_slot (g, oc_cel_op_variable, 1, node->slot);
      break;
    case OC_CEL_NODE_LOCAL:
      emit_slot (g, oc_cel_op_local, 1, node->slot);
      break;
    case OC_CEL_NODE_SELECT:
      generate_field (g, node, oc_cel_op_select, node->name);
      break;
    case OC_CEL_NODE_HAS:
      generate_field (g, node, oc_cel_op_has, node->name);
      break;
    case OC_CEL_NODE_CALL:
      generate_call (g, node);
      break;
    case OC_CEL_NODE_AND:
    case OC_CEL_NODE_OR:
      generate_logic (g, node);
      break;
    case OC_CEL_NODE_TERNARY:
      generate_ternary (g, node);
      break;
    case OC_CEL_NODE_LIST:
    case OC_CEL_NODE_MAP:
      generate_aggregate (g, node);
      break;
    case OC_CEL_NODE_MACRO:
      generate_macro (g, node);
      break;
    case OC_CEL_NODE_BIND:
      generate (g, node->args[0]);
      emit_slot (g, oc_cel_op_set_local, -1, node->slot);
      generate (g, node->args[1]);
      break;
    }
}

void
oc_cel_code_generate (OcCelCode *code, const OcCelNode *node, guint n_locals)
{
  g_autoptr (GArray) insns = g_array_new (FALSE, FALSE, sizeof (OcCelInsn));
  Gen g = { .code = code, .insns = insns, .last_target = NO_LABEL };

  code->n_locals = n_locals;
  code->arena.first = FIRST_CHUNK;
  generate (&g, node);
  (void) emit (&g, oc_cel_op_end, 0);
  code->n = insns->len;
  code->insns = oc_cel_arena_dup (&code->arena, insns->data, sizeof (OcCelInsn) * insns->len);
}

void
oc_cel_code_clear (OcCelCode *code)
{
  oc_cel_arena_clear (&code->arena);
  g_clear_pointer (&code->regexes, g_ptr_array_unref);
  *code = (OcCelCode) { .insns = NULL };
}
