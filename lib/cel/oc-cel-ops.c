/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-code.h"

#include "cel/oc-cel-regex.h"
#include "common/oc-host.h"

/* --- Logic --------------------------------------------------------------- */

/* A value that is no bool, as operand of && or ||: it decides nothing, but is the
 * result when no other operand decides. Unknown wins over errors, the first error
 * over later ones. */
const OcCelInsn *
oc_cel_finish_failure (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  if (!oc_cel_is_failure (v))
    v = oc_cel_no_overload ();
  if (pc->mode == OC_CEL_MODE_AND_FIRST || pc->mode == OC_CEL_MODE_OR_FIRST)
    *e->sp++ = v;
  else if (e->sp[-1].kind == OC_CEL_BOOL || v.kind == OC_CEL_UNKNOWN)
    e->sp[-1] = v;
  return pc + 1;
}

OC_CEL_OP (end)
{
  return NULL;
}

OC_CEL_OP (constant)
{
  return oc_cel_finish (e, pc, pc->value);
}

OC_CEL_OP (variable)
{
  return oc_cel_finish (e, pc, e->slots[pc->slot]);
}

OC_CEL_OP (local)
{
  return oc_cel_finish (e, pc, e->locals[pc->slot]);
}

OC_CEL_OP (set_local)
{
  e->locals[pc->slot] = *--e->sp;
  return pc + 1;
}

OC_CEL_OP (jump)
{
  return pc + pc->jump;
}

OC_CEL_OP (logic)
{
  OcCelValue v = *--e->sp;

  return oc_cel_finish (e, pc, v);
}

OC_CEL_OP (ternary)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_BOOL)
    return v.i ? pc + 1 : pc + pc->jump;
  *e->sp++ = oc_cel_is_failure (v) ? v : oc_cel_no_overload ();
  return pc + pc->slot;
}

OC_CEL_OP (not)
{
  OcCelValue v = *--e->sp;

  if (v.kind == OC_CEL_BOOL)
    return oc_cel_finish_bool (e, pc, !v.i);
  return oc_cel_finish (e, pc, oc_cel_is_failure (v) ? v : oc_cel_no_overload ());
}

/* --- Comparisons --------------------------------------------------------- */

static const OcCelInsn *
finish_equal (OcCelScratch *e, const OcCelInsn *pc, OcCelValue a, OcCelValue b, gboolean wanted)
{
  if (oc_cel_is_failure (a) || oc_cel_is_failure (b))
    return oc_cel_finish (e, pc, oc_cel_worse (a, b));
  return oc_cel_finish_bool (e, pc, oc_cel_equal (e, a, b) == wanted);
}

OC_CEL_OP (eq)
{
  e->sp -= 2;
  return finish_equal (e, pc, e->sp[0], e->sp[1], TRUE);
}

OC_CEL_OP (ne)
{
  e->sp -= 2;
  return finish_equal (e, pc, e->sp[0], e->sp[1], FALSE);
}

/* @wanted: bits 1 << (order + 1) of the orders that make the comparison true */
static const OcCelInsn *
finish_order (OcCelScratch *e, const OcCelInsn *pc, OcCelValue a, OcCelValue b, guint wanted)
{
  int order;

  if (oc_cel_is_failure (a) || oc_cel_is_failure (b))
    return oc_cel_finish (e, pc, oc_cel_worse (a, b));
  if (!oc_cel_charge_text (e, a))
    return NULL;
  order = oc_cel_compare (a, b);
  if (order == 3)
    return oc_cel_finish (e, pc, oc_cel_no_overload ());
  return oc_cel_finish_bool (e, pc, (wanted >> (order + 1) & 1) != 0);
}

#define LESS 1
#define SAME 2
#define MORE 4

#define DEFINE_ORDER(name, wanted)                                                                 \
  OC_CEL_OP (name)                                                                                 \
  {                                                                                                \
    e->sp -= 2;                                                                                    \
    return finish_order (e, pc, e->sp[0], e->sp[1], wanted);                                       \
  }
DEFINE_ORDER (lt, LESS)
DEFINE_ORDER (le, LESS | SAME)
DEFINE_ORDER (gt, MORE)
DEFINE_ORDER (ge, MORE | SAME)

OC_CEL_OP (in)
{
  OcCelValue v, found;

  e->sp -= 2;
  v = e->sp[0];
  if (oc_cel_is_failure (v) || oc_cel_is_failure (e->sp[1]))
    return oc_cel_finish (e, pc, oc_cel_worse (v, e->sp[1]));
  if (!oc_cel_charge_text (e, v))
    return NULL;
  if (e->sp[1].kind == OC_CEL_LIST)
    return oc_cel_finish_bool (e, pc, oc_cel_list_contains (e, e->sp[1].list, v));
  if (e->sp[1].kind == OC_CEL_MAP)
    return oc_cel_finish_bool (e, pc, oc_cel_map_lookup (e->sp[1].map, v, &found));
  return oc_cel_finish (e, pc, oc_cel_no_overload ());
}

/* --- Tests against constants --------------------------------------------- */

/* The value isn't of the kind that the test is for. */
static const OcCelInsn *
no_string (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  return oc_cel_finish (e, pc, oc_cel_is_failure (v) ? v : oc_cel_no_overload ());
}

static const OcCelInsn *
not_equal_kind (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  return finish_equal (e, pc, v, pc->value, TRUE);
}

static const OcCelInsn *
equal_other_kind (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  return finish_equal (e, pc, v, pc->value, FALSE);
}

#define DEFINE_OTHER_ORDER(name, wanted)                                                           \
  static const OcCelInsn *name (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)                \
  {                                                                                                \
    return finish_order (e, pc, v, pc->value, wanted);                                             \
  }
DEFINE_OTHER_ORDER (lt_other, LESS)
DEFINE_OTHER_ORDER (le_other, LESS | SAME)
DEFINE_OTHER_ORDER (gt_other, MORE)
DEFINE_OTHER_ORDER (ge_other, MORE | SAME)

/* The set holds strings only, so anything else isn't in it. */
static const OcCelInsn *
not_in_strs (OcCelScratch *e, const OcCelInsn *pc, OcCelValue v)
{
  if (oc_cel_is_failure (v))
    return oc_cel_finish (e, pc, v);
  return oc_cel_finish_bool (e, pc, FALSE);
}

static inline gboolean
same_string (const OcCelValue *a, const OcCelValue *b)
{
  return a->aux == b->aux && memcmp (a->str, b->str, a->aux) == 0;
}

static inline gboolean
starts_with (const OcCelValue *s, const OcCelValue *prefix)
{
  return s->aux >= prefix->aux && memcmp (s->str, prefix->str, prefix->aux) == 0;
}

static inline gboolean
ends_with (const OcCelValue *s, const OcCelValue *suffix)
{
  return s->aux >= suffix->aux
         && memcmp (s->str + (s->aux - suffix->aux), suffix->str, suffix->aux) == 0;
}

/* DEFINE_TEST (name, kind it is for, how it is done for other kinds, the test of *v) makes one
 * operation that takes v from the stack and one that takes it from a variable. */
#define DEFINE_TEST(name, wanted, other, test)                                                     \
  static inline const OcCelInsn *run_##name (OcCelScratch *e, const OcCelInsn *pc,                 \
                                             const OcCelValue *v)                                  \
  {                                                                                                \
    if (G_UNLIKELY (v->kind != (wanted)))                                                          \
      return other (e, pc, *v);                                                                    \
    if ((wanted) == OC_CEL_STRING && G_UNLIKELY (!oc_cel_charge_text (e, *v)))                     \
      return NULL;                                                                                 \
    return oc_cel_finish_bool (e, pc, test);                                                       \
  }                                                                                                \
  OC_CEL_OP (name)                                                                                 \
  {                                                                                                \
    return run_##name (e, pc, --e->sp);                                                            \
  }                                                                                                \
  OC_CEL_OP (var_##name)                                                                           \
  {                                                                                                \
    return run_##name (e, pc, &e->slots[pc->slot]);                                                \
  }

DEFINE_TEST (eq_str, OC_CEL_STRING, not_equal_kind, same_string (v, &pc->value))
DEFINE_TEST (ne_str, OC_CEL_STRING, equal_other_kind, !same_string (v, &pc->value))
DEFINE_TEST (eq_int, OC_CEL_INT, not_equal_kind, v->i == pc->value.i)
DEFINE_TEST (ne_int, OC_CEL_INT, equal_other_kind, v->i != pc->value.i)
DEFINE_TEST (lt_int, OC_CEL_INT, lt_other, v->i < pc->value.i)
DEFINE_TEST (le_int, OC_CEL_INT, le_other, v->i <= pc->value.i)
DEFINE_TEST (gt_int, OC_CEL_INT, gt_other, v->i > pc->value.i)
DEFINE_TEST (ge_int, OC_CEL_INT, ge_other, v->i >= pc->value.i)
DEFINE_TEST (starts, OC_CEL_STRING, no_string, starts_with (v, &pc->value))
DEFINE_TEST (ends, OC_CEL_STRING, no_string, ends_with (v, &pc->value))
DEFINE_TEST (contains, OC_CEL_STRING, no_string,
             memmem (v->str, v->aux, pc->value.str, pc->value.aux) != NULL)
DEFINE_TEST (in_strs, OC_CEL_STRING, not_in_strs,
             oc_cel_str_set_contains (pc->data, oc_str (v->str, v->aux)))
DEFINE_TEST (in_domain, OC_CEL_STRING, no_string,
             oc_host_in_domain (oc_str (v->str, v->aux), oc_str (pc->value.str, pc->value.aux)))

/* A test that may err, too. */
static const OcCelInsn *
run_matches (OcCelScratch *e, const OcCelInsn *pc, const OcCelValue *v)
{
  if (v->kind != OC_CEL_STRING)
    return no_string (e, pc, *v);
  return oc_cel_finish (e, pc, oc_cel_regex_match (e, pc->data, oc_str (v->str, v->aux)));
}

OC_CEL_OP (matches)
{
  return run_matches (e, pc, --e->sp);
}

OC_CEL_OP (var_matches)
{
  return run_matches (e, pc, &e->slots[pc->slot]);
}
