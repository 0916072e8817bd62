/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * CEL source texts: parsed, checked, folded and evaluated with values that the
 * text's own bytes make. Folded and unfolded must come to the same result, and
 * every finding must lie in the text.
 */
#include "config.h"

#include "cel/oc-cel.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define STEPS 5000
#define MEMORY (256 * 1024)

static const struct
{
  const char *name, *type;
} variables[] = {
  { "s", "string" }, { "t", "string" },  { "i", "int" },  { "u", "uint" },
  { "d", "double" }, { "b", "bool" },    { "l", "list(string)" },
  { "m", "map(string, string)" },        { "any", "dyn" },
  { "a.b", "string" }, { "unknown", "bool" }, { "time", "timestamp" }, { "x", "int" },
};

static OcCelEnv *
get_env (void)
{
  static OcCelEnv *env;

  if (env)
    return env;
  env = oc_cel_env_new ();
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    if (oc_cel_env_add_variable (env, variables[i].name, variables[i].type) != (int) i)
      abort ();
  return env;
}

static gboolean
is_budget (OcCelValue v)
{
  return v.kind == OC_CEL_ERROR && (v.aux == OC_CEL_ERROR_STEPS || v.aux == OC_CEL_ERROR_MEMORY);
}

static void
check_errors (const GPtrArray *errors, size_t size)
{
  if (errors->len == 0)
    abort ();
  for (guint i = 0; i < errors->len; i++)
    {
      const OcCelError *error = g_ptr_array_index (errors, i);

      if (error->offset > size || error->length > size - error->offset || error->line == 0
          || error->column == 0 || !error->message[0])
        abort ();
    }
}

/* Returns: (transfer full) (nullable): the result's text; NULL when it isn't to be compared */
static char *
run (OcStr source, OcCelCompileFlags flags, const OcCelValue *slots, OcCelScratch *scratch)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  g_autoptr (OcCelProgram) program = oc_cel_compile (get_env (), source, flags, errors);
  OcCelValue v;

  if (!program)
    {
      check_errors (errors, source.len);
      return g_strdup ("refused");
    }
  oc_cel_eval_node (program, oc_cel_program_get_root (program), slots, scratch, &v);
  oc_cel_program_release_ast (program);
  oc_cel_eval (program, slots, scratch, &v);
  return is_budget (v) ? NULL : oc_cel_value_format (v, 10000);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  OcStr source = oc_str ((const char *) data, size);
  OcStr half = oc_str (source.data, size / 2);
  const OcStr items[] = { half, source, OC_STR_EMPTY };
  const OcCelPair pairs[] = { { half, source }, { OC_STR_INIT ("k"), half } };
  const OcCelList list = { .len = 3, .strings = items };
  const OcCelMap map = { .len = 2, .pairs = pairs };
  g_autoptr (OcCelScratch) scratch = NULL;
  OcCelValue slots[G_N_ELEMENTS (variables)];

  if (size > 4096)
    return 0;
  scratch = oc_cel_scratch_new ();
  oc_cel_scratch_set_limits (scratch, STEPS, MEMORY);
  slots[0] = slots[9] = oc_cel_string (half);
  slots[1] = oc_cel_string (source);
  slots[2] = slots[12] = oc_cel_int ((gint64) size);
  slots[3] = oc_cel_uint (size);
  slots[4] = oc_cel_double ((double) size / 3);
  slots[5] = oc_cel_bool (size % 2);
  slots[6] = oc_cel_list (&list);
  slots[7] = oc_cel_map (&map);
  slots[8] = slots[size % 8];
  slots[10] = oc_cel_unknown ();
  slots[11] = oc_cel_timestamp (1700000000 + (gint64) size, 1);
  for (guint i = 0; i < 2; i++)
    {
      OcCelCompileFlags flags = i ? OC_CEL_COMPILE_NO_CHECK : 0;
      g_autofree char *folded = run (source, flags, slots, scratch);
      g_autofree char *unfolded = run (source, flags | OC_CEL_COMPILE_NO_FOLD, slots, scratch);

      if (folded && unfolded && !g_str_equal (folded, unfolded))
        abort ();
    }
  return 0;
}
