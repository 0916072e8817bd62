/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Code: a row of instructions, each with the function that runs it ("call threading").
 * An instruction works on a stack of values and returns the next one. Private to lib/cel.
 *
 * How a value leaves an instruction is its mode. In `a && b && c` each operand's
 * last instruction adds to the accumulator on top of the stack instead of pushing,
 * and jumps to the end as soon as the result is certain, so a comparison inside a
 * conjunction is one instruction in all.
 */

#include "cel/oc-cel-checker.h"
#include "cel/oc-cel-eval.h"

typedef struct OcCelInsn OcCelInsn;
typedef const OcCelInsn *(*OcCelOp) (OcCelScratch *e, const OcCelInsn *pc);

typedef enum
{
  OC_CEL_MODE_PUSH,
  OC_CEL_MODE_AND_FIRST, /* push; false jumps */
  OC_CEL_MODE_AND,       /* add to the accumulator; false jumps */
  OC_CEL_MODE_OR_FIRST,
  OC_CEL_MODE_OR,
} OcCelMode;

struct OcCelInsn
{
  OcCelOp op;
  union
  {
    OcCelValue value;
    struct
    {
      guint32 a, b;
      gconstpointer data;
    };
  };
  gint32 slot;      /* variable, local; or a second jump */
  gint32 jump : 28; /* relative */
  guint32 mode : 4; /* OcCelMode */
};
G_STATIC_ASSERT (sizeof (OcCelInsn) == 32);

typedef struct
{
  OcCelInsn *insns;
  guint32 n;
  guint32 max_stack; /* values, without locals */
  guint32 n_locals;
  OcCelArena arena;  /* constants */
  GPtrArray *regexes; /* (nullable) (element-type OcCelRegex): those of constant patterns */
} OcCelCode;

void oc_cel_code_generate (OcCelCode *code, const OcCelNode *node, guint n_locals);
void oc_cel_code_clear (OcCelCode *code);
/* Runs @code from a fresh budget. */
void oc_cel_code_run (const OcCelCode *code, const OcCelValue *slots, OcCelScratch *e,
                      OcCelValue *out);

/* A constant set of strings: hashed when it is large. */
typedef struct
{
  guint32 n;
  guint32 mask; /* of table; 0: none */
  const OcStr *items;
  const guint32 *table; /* index + 1; 0: free */
} OcCelStrSet;

const OcCelStrSet *oc_cel_str_set_new (OcCelArena *arena, const OcCelList *list);
gboolean oc_cel_str_set_contains (const OcCelStrSet *set, OcStr s);

/* Calls the overload that takes the kinds of @args. */
void oc_cel_invoke (OcCelScratch *e, const OcCelCall *call, const OcCelValue *args,
                    OcCelValue *out);

/* --- Leaving an instruction ---------------------------------------------- */

const OcCelInsn *oc_cel_finish_failure (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v);

static inline const OcCelInsn *
oc_cel_finish_bool (OcCelScratch *e, const OcCelInsn *pc, gboolean b)
{
  switch (pc->mode)
    {
    case OC_CEL_MODE_AND_FIRST:
      *e->sp++ = oc_cel_bool (b);
      return b ? pc + 1 : pc + pc->jump;
    case OC_CEL_MODE_AND:
      if (b)
        return pc + 1;
      e->sp[-1] = oc_cel_bool (FALSE);
      return pc + pc->jump;
    case OC_CEL_MODE_OR_FIRST:
      *e->sp++ = oc_cel_bool (b);
      return b ? pc + pc->jump : pc + 1;
    case OC_CEL_MODE_OR:
      if (!b)
        return pc + 1;
      e->sp[-1] = oc_cel_bool (TRUE);
      return pc + pc->jump;
    default:
      *e->sp++ = oc_cel_bool (b);
      return pc + 1;
    }
}

static inline const OcCelInsn *
oc_cel_finish (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  if (pc->mode == OC_CEL_MODE_PUSH)
    {
      *e->sp++ = v;
      return pc + 1;
    }
  return v.kind == OC_CEL_BOOL ? oc_cel_finish_bool (e, pc, v.i != 0)
                               : oc_cel_finish_failure (e, pc, v);
}

/* --- Instructions; what each takes from the stack stands behind it ------- */

#define OC_CEL_OP(name) const OcCelInsn *oc_cel_op_##name (OcCelScratch *e, const OcCelInsn *pc)

OC_CEL_OP (end);
OC_CEL_OP (constant);  /* - ; pushes value */
OC_CEL_OP (variable);  /* - ; slot */
OC_CEL_OP (local);     /* - ; slot */
OC_CEL_OP (set_local); /* value; slot */
OC_CEL_OP (jump);
OC_CEL_OP (logic);     /* value; adds it to the accumulator by mode */
OC_CEL_OP (ternary);   /* bool; jump: the else branch; slot: jump to the end */
OC_CEL_OP (not);

/* Comparisons of two values from the stack. */
OC_CEL_OP (eq);
OC_CEL_OP (ne);
OC_CEL_OP (lt);
OC_CEL_OP (le);
OC_CEL_OP (gt);
OC_CEL_OP (ge);
OC_CEL_OP (in);

/* Tests against the constant in the instruction: of a value from the stack, or of a variable. */
#define OC_CEL_TESTS(X)                                                                            \
  X (eq_str) X (ne_str) X (eq_int) X (ne_int) X (lt_int) X (le_int) X (gt_int) X (ge_int)          \
  X (starts) X (ends) X (contains) X (in_strs) X (in_domain) X (matches)
#define DECLARE_TEST(name) OC_CEL_OP (name); OC_CEL_OP (var_##name);
OC_CEL_TESTS (DECLARE_TEST)
#undef DECLARE_TEST

OC_CEL_OP (call);       /* a values; data: OcCelCall */
OC_CEL_OP (index);      /* operand, key */
OC_CEL_OP (opt_index);
OC_CEL_OP (select);     /* operand; value: field */
OC_CEL_OP (opt_select);
OC_CEL_OP (has);
OC_CEL_OP (list);       /* a values; data: (nullable): which are optional, a byte each */
OC_CEL_OP (map);        /* 2·a values; data: as list, by entry */

/* Loops. slot: the macro's first local; it holds the range, the next one the position. */
OC_CEL_OP (loop_init);  /* range; jump: behind the loop when it is no range */
OC_CEL_OP (loop_next);  /* -; a: number of variables, b: steps; jump: when done */
OC_CEL_OP (loop_list);  /* - ; pushes an empty list with room for the range */
OC_CEL_OP (loop_map);
OC_CEL_OP (loop_append); /* value; jump: when it is a failure */
OC_CEL_OP (loop_entry);  /* value; under the key in slot + 2 */
OC_CEL_OP (loop_merge);  /* map */
OC_CEL_OP (loop_map_end);
OC_CEL_OP (loop_filter); /* bool; false: jump; slot: jump after a failure */
OC_CEL_OP (loop_count);  /* bool; jump: when it is a failure */
OC_CEL_OP (loop_one);    /* counter */
OC_CEL_OP (opt_begin);   /* optional; slot: local; jump: when there is none */
OC_CEL_OP (opt_wrap);    /* value */
OC_CEL_OP (opt_or);      /* optional; jump: when it has a value, with that or (a) with itself */
OC_CEL_OP (opt_check);   /* value; no overload unless it is an optional */
