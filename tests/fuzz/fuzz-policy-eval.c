/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Conditions over generated requests. Line 1 and 2 of the input are the conditions of a rule
 * that blocks and one that allows; each further line is one value of the request, in the order of
 * `texts` below; the line "NAME: VALUE" behind them is a header. Index and linear scan must
 * agree, an explanation must come to the verdict, and no answer may change when it is asked
 * for again. What takes longer than its step budget allows meets the engine's time limit. */

#include "policy/oc-policy.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 40
#define HEADERS_MAX 8

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  OcStr lines[LINES_MAX];
  gsize n;
} Input;

static void
split (Input *input, const char *data, gsize size)
{
  input->n = 0;
  while (input->n < LINES_MAX)
    {
      const char *end = size > 0 ? memchr (data, '\n', size) : NULL;
      gsize len = end != NULL ? (gsize) (end - data) : size;

      input->lines[input->n++] = oc_str (data, len);
      if (end == NULL)
        return;
      data += len + 1;
      size -= len + 1;
    }
}

/* Returns: (transfer full) (nullable): NULL when the conditions are refused */
static OcPolicy *
load (const Input *input)
{
  g_autoptr (GString) text = g_string_new ("version: \"1\"\nrules:\n");
  OcPolicySource source = { .name = "fuzz.yaml" };

  for (gsize i = 0; i < 2 && i < input->n; i++)
    {
      g_string_append_printf (text, "- id: r%u\n  action: %s\n  condition: |-\n    ", (guint) i,
                              i == 0 ? "block" : "allow");
      g_string_append_len (text, input->lines[i].data, (gssize) input->lines[i].len);
      g_string_append_c (text, '\n');
    }
  source.text = text->str;
  source.len = text->len;
  return oc_policy_load_sources (&source, 1, NULL, NULL, NULL);
}

static void
fill_headers (OcPolicyContext *context, const Input *input, gsize first, OcPair *headers)
{
  context->http.headers = headers;
  for (gsize i = first; i < input->n && context->http.n_headers < HEADERS_MAX; i++)
    {
      OcStr line = input->lines[i];
      const char *colon = line.len > 0 ? memchr (line.data, ':', line.len) : NULL;
      gsize name = colon != NULL ? (gsize) (colon - line.data) : 0;

      if (colon == NULL || !g_utf8_validate_len (line.data, line.len, NULL))
        continue;
      headers[context->http.n_headers++]
          = (OcPair) { oc_str (line.data, name), oc_str (colon + 1, line.len - name - 1) };
    }
}

static void
fill (OcPolicyContext *context, const Input *input, OcPair *headers, OcStrList *args)
{
  OcStr *const texts[]
      = { &context->network.hostname, &context->network.ip,   &context->network.protocol,
          &context->http.method,      &context->http.path,    &context->http.host,
          &context->http.scheme,      &context->http.body,    &context->dns.query,
          &context->dns.record_type,  &context->docker.image, &context->run.tool,
          &context->run.cwd,          &context->agent.name,   &context->agent.id,
          &context->agent.image,      &context->agent.project };
  gsize i = 2;

  *context = (OcPolicyContext) { 0 };
  context->network.port = (gint64) (input->lines[0].len * 7 % 65536);
  context->http.body_size = (gint64) input->n;
  context->request_time_us = (gint64) input->n * 86400 * G_USEC_PER_SEC;
  for (gsize k = 0; k < G_N_ELEMENTS (texts) && i < input->n; k++, i++)
    if (g_utf8_validate_len (input->lines[i].data, input->lines[i].len, NULL))
      *texts[k] = input->lines[i];
  *args = (OcStrList) { &context->network.hostname, 1 };
  context->run.args = context->run.flags = context->docker.command = *args;
  fill_headers (context, input, i, headers);
}

static void
check_explanation (const OcPolicy *policy, const OcPolicyContext *context, gboolean name_only,
                   const OcRule *wanted)
{
  g_autoptr (GPtrArray) steps = NULL;
  OcPolicyVerdict verdict;

  oc_policy_explain (policy, context, name_only, &verdict, &steps);
  if (verdict.rule != wanted)
    abort ();
  for (guint i = 0; i < steps->len; i++)
    {
      const OcTraceStep *step = g_ptr_array_index (steps, i);

      if (step->matched != (step->rule == wanted)
          || (!step->matched && !g_utf8_validate (step->why, -1, NULL)))
        abort ();
    }
}

static void
check (const OcPolicy *policy, const OcPolicyContext *context)
{
  OcPolicyVerdict indexed;
  OcPolicyVerdict linear;

  oc_policy_evaluate (policy, context, &indexed);
  oc_policy_evaluate_linear (policy, context, &linear);
  if (indexed.rule != linear.rule || indexed.allowed != linear.allowed)
    abort ();
  check_explanation (policy, context, FALSE, indexed.rule);
  oc_policy_evaluate_name (policy, context, &indexed);
  oc_policy_evaluate_name_linear (policy, context, &linear);
  if (indexed.rule != linear.rule || indexed.allowed != linear.allowed)
    abort ();
  check_explanation (policy, context, TRUE, indexed.rule);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (OcPolicy) policy = NULL;
  OcPair headers[HEADERS_MAX];
  OcPolicyContext context;
  OcStrList args;
  Input input;

  if (size > 16384)
    return 0;
  split (&input, (const char *) data, size);
  policy = load (&input);
  if (policy == NULL)
    return 0;
  fill (&context, &input, headers, &args);
  check (policy, &context);
  return 0;
}
