/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-evaluate.h"
#include "policy/oc-policy-require.h"

/* Characters of one value, and of one expression, in an explanation. */
#define VALUE_MAX 80
#define EXPRESSION_MAX 200
#define EXPLANATION_MAX 1000

/* One condition, compiled again since policies keep no syntax trees. */
typedef struct
{
  const OcQuestion *question;
  const OcCelProgram *program;
  OcCelScratch *scratch;
  GString *out;
} Explainer;

static void
trace_step_free (OcTraceStep *step)
{
  g_free (step->why);
  g_free (step);
}

static OcCelValue
value_of (const Explainer *explainer, const OcCelNode *node)
{
  OcCelValue value;

  oc_cel_eval_node (explainer->program, node, explainer->question->slots.values,
                    explainer->scratch, &value);
  return value;
}

/* The source text of @node on one line. */
static void
append_source (const Explainer *explainer, const OcCelNode *node)
{
  OcStr source = oc_cel_program_get_source (explainer->program);
  gsize start = MIN (node->offset, source.len);
  gsize len = MIN (node->length, source.len - start);
  g_autofree char *raw = g_strndup (source.data + start, len);
  g_autofree char *text = g_utf8_make_valid (raw, -1);
  glong n = 0;
  gboolean space = FALSE;

  for (const char *p = g_strchug (text); *p != '\0' && n < EXPRESSION_MAX;
       p = g_utf8_next_char (p))
    {
      if (g_ascii_isspace (*p))
        {
          space = TRUE;
          continue;
        }
      if (space)
        g_string_append_c (explainer->out, ' ');
      space = FALSE;
      g_string_append_unichar (explainer->out, g_utf8_get_char (p));
      n++;
    }
  if (n == EXPRESSION_MAX)
    g_string_append (explainer->out, "…");
}

/* "name is value" for each variable below @node, once. Recursion is bounded by
 * OC_CEL_DEPTH_MAX. */
static void
append_variables (const Explainer *explainer, const OcCelNode *node, guint32 *seen)
{
  OcCelValue value;
  g_autofree char *text = NULL;

  for (guint i = 0; i < node->n_args; i++)
    append_variables (explainer, node->args[i], seen);
  if (node->kind != OC_CEL_NODE_VARIABLE || node->slot < 0 || node->slot >= OC_N_SLOTS
      || (*seen & 1u << node->slot) != 0)
    return;
  value = explainer->question->slots.values[node->slot];
  g_string_append (explainer->out, *seen == 0 ? ": " : ", ");
  *seen |= 1u << node->slot;
  text = value.kind == OC_CEL_UNKNOWN ? g_strdup ("not known yet")
                                      : oc_cel_value_format (value, VALUE_MAX);
  g_string_append_printf (explainer->out, "%.*s is %s", OC_STR_ARGS (node->name), text);
}

static const char *
word_of (OcCelValue value)
{
  switch (value.kind)
    {
    case OC_CEL_BOOL:
      return oc_cel_value_is_true (value) ? "true" : "false";
    case OC_CEL_UNKNOWN:
      return "not known yet";
    default:
      return "an error";
    }
}

static void
append_leaf (const Explainer *explainer, const OcCelNode *node, OcCelValue value)
{
  guint32 seen = 0;

  append_source (explainer, node);
  g_string_append_printf (explainer->out, " is %s", word_of (value));
  if (value.kind == OC_CEL_ERROR)
    g_string_append_printf (explainer->out, " (%.*s)", OC_STR_ARGS (oc_cel_value_get_str (value)));
  append_variables (explainer, node, &seen);
}

static void explain (const Explainer *explainer, const OcCelNode *node, gboolean want);

/* Whether @value is why a conjunction is not @want. @certain: it is the opposite, not just
 * an error or not known yet */
static gboolean
is_reason (OcCelValue value, gboolean want, gboolean certain)
{
  if (value.kind == OC_CEL_BOOL)
    return oc_cel_value_is_true (value) != want;
  return !certain;
}

/* All arguments had to hold: the first that did not is the reason; one that failed or is
 * not known only if the others hold. */
static void
explain_all (const Explainer *explainer, const OcCelNode *node, gboolean want)
{
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < node->n_args; i++)
      if (is_reason (value_of (explainer, node->args[i]), want, pass == 0))
        {
          explain (explainer, node->args[i], want);
          return;
        }
}

/* One argument had to hold: each of them is a reason. */
static void
explain_any (const Explainer *explainer, const OcCelNode *node, gboolean want)
{
  for (guint i = 0; i < node->n_args; i++)
    {
      if (i > 0)
        g_string_append (explainer->out, "; ");
      if (explainer->out->len > EXPLANATION_MAX)
        {
          g_string_append (explainer->out, "…");
          return;
        }
      explain (explainer, node->args[i], want);
    }
}

/* Why @node is not @want. Recursion is bounded by OC_CEL_DEPTH_MAX. */
static void
explain (const Explainer *explainer, const OcCelNode *node, gboolean want)
{
  switch (node->kind)
    {
    case OC_CEL_NODE_AND:
      (want ? explain_all : explain_any) (explainer, node, want);
      break;
    case OC_CEL_NODE_OR:
      (want ? explain_any : explain_all) (explainer, node, want);
      break;
    default:
      if (oc_require_is_call (node, "!_") && node->args[0]->kind != OC_CEL_NODE_VARIABLE)
        explain (explainer, node->args[0], !want);
      else
        append_leaf (explainer, node, value_of (explainer, node));
      break;
    }
}

static char *
explain_rule (const OcQuestion *question, const OcRuleEntry *entry, OcCelScratch *scratch)
{
  g_autoptr (OcCelProgram) program = oc_cel_compile (
      oc_slots_get_env (), oc_str_from (entry->rule.condition), OC_CEL_COMPILE_BOOL, NULL);
  Explainer explainer = { question, program, scratch, NULL };

  if (program == NULL || oc_cel_program_get_root (program) == NULL)
    return g_strdup ("the condition is not true");
  explainer.out = g_string_new (NULL);
  explain (&explainer, oc_cel_program_get_root (program), TRUE);
  return g_string_free (explainer.out, FALSE);
}

static gboolean
add_step (const OcQuestion *question, const OcRuleEntry *entry, GPtrArray *steps)
{
  OcCelScratch *scratch = oc_question_get_scratch ();
  OcTraceStep *step = g_new0 (OcTraceStep, 1);

  step->rule = &entry->rule;
  step->matched = oc_question_ask (question, entry, scratch) == OC_ANSWER_YES;
  if (!step->matched)
    step->why = explain_rule (question, entry, scratch);
  g_ptr_array_add (steps, step);
  return step->matched;
}

void
oc_policy_explain (const OcPolicy *policy, const OcPolicyContext *context, gboolean name_only,
                   OcPolicyVerdict *out, GPtrArray **out_steps)
{
  GPtrArray *steps = g_ptr_array_new_with_free_func ((GDestroyNotify) trace_step_free);
  gboolean every_rule = policy->n_rules <= OC_POLICY_EXPLAIN_ALL_MAX;
  OcQuestion question;
  OcIndexWalk walk;
  guint32 i;

  oc_question_init (&question, context, name_only);
  oc_question_decide (&question, policy, out);
  oc_index_start (policy->index, &question.query, &walk);
  walk.all = walk.all || every_rule;
  while (oc_index_next (&walk, &i))
    if (add_step (&question, &policy->rules[i], steps))
      break;
  *out_steps = steps;
}
