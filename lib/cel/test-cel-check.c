/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel.h"

/* Findings with their places, and inferred types. */

static OcCelEnv *
make_env (void)
{
  OcCelEnv *env = oc_cel_env_new ();

  g_assert_cmpint (oc_cel_env_add_variable (env, "network.hostname", "string"), ==, 0);
  g_assert_cmpint (oc_cel_env_add_variable (env, "network.port", "int"), ==, 1);
  g_assert_cmpint (oc_cel_env_add_variable (env, "http.headers", "map(string, string)"), ==, 2);
  g_assert_cmpint (oc_cel_env_add_variable (env, "any", "dyn"), ==, 3);
  g_assert_cmpint (oc_cel_env_add_variable (env, "opt", "wrapper(int)"), ==, 4);
  g_assert_cmpint (oc_cel_env_add_variable (env, "time", "timestamp"), ==, 5);
  return env;
}

static const struct
{
  const char *source;
  guint line, column, length;
  const char *message;
} bad[] = {
  { "network.hostnam == 'x'", 1, 1, 15,
    "undeclared reference to 'network.hostnam'; did you mean 'network.hostname'?" },
  { "network == 'x'", 1, 1, 7, "'network' is a namespace; name one of its fields" },
  { "nonsense", 1, 1, 8, "undeclared reference to 'nonsense'" },
  { "network.hostname.startWith('x')", 1, 18, 9,
    "undeclared reference to 'startWith'; did you mean 'startsWith'?" },
  { "indomain(network.hostname, 'x')", 1, 1, 8,
    "undeclared reference to 'indomain'; did you mean 'inDomain'?" },
  { "math.greatst(1, 2) == 1", 1, 1, 12,
    "undeclared reference to 'math.greatst'; did you mean 'math.greatest'?" },
  { "network.port == '443'", 1, 1, 21,
    "found no matching overload for '_==_' applied to '(int, string)'" },
  { "true &&\n  network.hostname.size('x') == 1", 2, 20, 4,
    "found no matching overload for 'size' applied to 'string.(string)'" },
  { "network.port", 1, 1, 12, "condition must be 'bool', but is 'int'" },
  { "network.port && true", 1, 1, 12, "operand of '&&' must be 'bool', but is 'int'" },
  { "1 ? true : false", 1, 1, 1, "what stands before '?' must be 'bool', but is 'int'" },
  { "true ? 1 : 'x'", 1, 12, 3, "second branch must be 'int', but is 'string'" },
  { "network.port.x == 1", 1, 14, 1, "type 'int' does not support field selection" },
  { "[1].exists(e, e)", 1, 15, 1, "what the macro tests must be 'bool', but is 'int'" },
  { "1.exists(e, true)", 1, 1, 1, "a macro runs over a list or a map, but this is 'int'" },
  { "[1].exists(e.f, true)", 1, 12, 3, "argument must be a simple name" },
  { "[1].exists(e, e, true)", 1, 15, 1, "the two variables must have different names" },
  { "has(any)", 1, 5, 3, "has() needs a field selection such as has(a.b)" },
  { "'\xc3\xa9' == network.hostnames", 1, 8, 17,
    "undeclared reference to 'network.hostnames'; did you mean 'network.hostname'?" },

  { "", 1, 1, 0, "syntax error: expression ends where an expression is expected" },
  { "1 +", 1, 4, 0, "syntax error: expression ends where an expression is expected" },
  { "(1", 1, 3, 0, "syntax error: expression ends where ')' is expected" },
  { "1 2", 1, 3, 1, "syntax error: '2' where an operator is expected" },
  { "a = 1", 1, 3, 1, "syntax error: single '='; did you mean '=='?" },
  { "a & b", 1, 3, 1, "syntax error: single '&'; did you mean '&&'?" },
  { "#", 1, 1, 1, "syntax error: unexpected '#'" },
  { "f(1,)", 1, 5, 1, "syntax error: ')' where an argument is expected" },
  { "if", 1, 1, 2, "'if' is a reserved word" },
  { "'abc", 1, 1, 1, "literal has no closing quote" },
  { "'a\nb'", 1, 3, 1, "line break in literal; use triple quotes" },
  { "'\\q'", 1, 2, 2, "bad escape sequence in literal" },
  { "'\\ud800'", 1, 2, 2, "escape sequence is no Unicode code point" },
  { "9223372036854775808", 1, 1, 19, "number is out of range" },
  { "18446744073709551616u", 1, 1, 21, "number is out of range" },
  { "a{b: 1}", 1, 2, 1, "syntax error: '{' where an operator (there are no message literals) is expected" },

  { "network.hostname.matches('(a')", 1, 26, 4, "regular expression: bad regular expression" },
  { "network.hostname.matches('a(?=b)')", 1, 26, 8,
    "regular expression: look-around, atomic and conditional groups are not supported" },
  { "network.hostname.matches(r'(a)\\1')", 1, 26, 8,
    "regular expression: back-references are not supported" },
  { "timestamp('soon') > timestamp(0)", 1, 1, 17, "timestamp is not as in 2009-02-13T23:31:30Z" },
  { "time.getHours('Europe/Berln') == 1", 1, 15, 14, "no such time zone" },
  { "timestamp(0).getHours('25:00') == 1", 1, 1, 30, "no such time zone" },
  { "cidr('10.0.0.0').containsIP('10.0.0.1')", 1, 1, 16,
    "text is no address block such as 10.0.0.0/8" },
};

static void
test_bad (void)
{
  g_autoptr (OcCelEnv) env = make_env ();

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GPtrArray) errors
          = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
      const OcCelError *error;

      g_test_message ("%s", bad[i].source);
      g_assert_null (
          oc_cel_compile (env, oc_str_from (bad[i].source), OC_CEL_COMPILE_BOOL, errors));
      g_assert_cmpuint (errors->len, ==, 1);
      error = g_ptr_array_index (errors, 0);
      g_assert_cmpstr (error->message, ==, bad[i].message);
      g_assert_cmpuint (error->line, ==, bad[i].line);
      g_assert_cmpuint (error->column, ==, bad[i].column);
      g_assert_cmpuint (error->length, ==, bad[i].length);
    }
}

static void
test_several (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);

  g_assert_null (oc_cel_compile (env, OC_STR ("a == 1 || b == 2 || network.port == 'x'"), 0, errors));
  g_assert_cmpuint (errors->len, ==, 3);
}

static const struct
{
  const char *source, *type;
} types[] = {
  { "1", "int" },
  { "[1, 2u]", "list(dyn)" },
  { "[]", "list(dyn)" },
  { "[[], [1]]", "list(list(int))" },
  { "{'a': [1.0]}", "map(string, list(double))" },
  { "network.hostname + 'x'", "string" },
  { "any.x.y", "dyn" },
  { "any + 1", "int" },
  { "http.headers.map(k, k.size())", "list(int)" },
  { "http.headers.transformMap(k, v, v.size())", "map(string, int)" },
  { "http.headers.?x", "optional_type(string)" },
  { "http.headers[?'x'].orValue('')", "string" },
  { "network.port == 1 ? 1 : any", "dyn" },
  { "type(1)", "type(int)" },
  { "duration('1s')", "duration" },
  { "opt == 1", "bool" },
  { "opt == null", "bool" },
  { "[1, opt]", "list(wrapper(int))" },
  { "[opt, 1]", "list(wrapper(int))" },
  { "[null, opt]", "list(wrapper(int))" },
  { "network.port == 1 ? opt : 1", "wrapper(int)" },
  { "[null, duration('1s')]", "list(duration)" },
  { "[null, 1]", "list(dyn)" },
  { "[dyn(1), null]", "list(dyn)" },
  { "cel.bind(x, 1, [x])", "list(int)" },
  { "[1].filter(x, x > 0)[0]", "int" },
  { "optional.of([1])[0]", "optional_type(int)" },
};

static void
test_types (void)
{
  g_autoptr (OcCelEnv) env = make_env ();

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (OcCelProgram) program
          = oc_cel_compile (env, oc_str_from (types[i].source), 0, NULL);
      g_autofree char *type = NULL;

      g_test_message ("%s", types[i].source);
      g_assert_nonnull (program);
      type = oc_cel_program_dup_type (program);
      g_assert_cmpstr (type, ==, types[i].type);
    }
}

static void
twice (OcCelScratch *scratch, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int (2 * args[0].i);
}

static void
test_declarations (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autoptr (OcCelProgram) program = NULL;
  OcCelValue slots[6] = { oc_cel_null () }, v;

  g_assert_cmpint (oc_cel_env_add_variable (env, "any", "int"), ==, -1);
  g_assert_cmpint (oc_cel_env_add_variable (env, "x", "list(int"), ==, -1);
  g_assert_cmpint (oc_cel_env_add_variable (env, "x", "int int"), ==, -1);
  g_assert_cmpint (oc_cel_env_add_variable (env, "", "int"), ==, -1);
  g_assert_false (oc_cel_env_add_function (env, "f", "int -> int", NULL));
  g_assert_false (oc_cel_env_add_function (env, "f", "(int) int", NULL));
  g_assert_false (oc_cel_env_add_function (env, "f", "(int, int, int, int, int, int) -> int", NULL));
  g_assert_true (oc_cel_env_add_function (env, "twice", "(int) -> int", twice));
  g_assert_true (oc_cel_env_add_function (env, "twice", "int.() -> int", twice));
  g_assert_cmpint (oc_cel_env_get_n_slots (env), ==, 6);
  g_assert_cmpstr (oc_cel_env_get_slot_name (env, 1), ==, "network.port");
  g_assert_null (oc_cel_env_get_slot_name (env, 6));
  g_assert_cmpint (oc_cel_env_lookup_slot (env, OC_STR ("http.headers")), ==, 2);
  g_assert_cmpint (oc_cel_env_lookup_slot (env, OC_STR ("http")), ==, -1);
  program = oc_cel_compile (env, OC_STR ("twice(twice(1).twice())"), 0, NULL);
  g_assert_nonnull (program);
  oc_cel_eval (program, slots, scratch, &v);
  g_assert_cmpint (v.i, ==, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cel/check/findings", test_bad);
  g_test_add_func ("/cel/check/several", test_several);
  g_test_add_func ("/cel/check/types", test_types);
  g_test_add_func ("/cel/check/declarations", test_declarations);
  return g_test_run ();
}
