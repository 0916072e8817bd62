/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel.h"

/* What hostile texts and values run into. */

static OcCelEnv *
make_env (void)
{
  OcCelEnv *env = oc_cel_env_new ();

  (void) oc_cel_env_add_variable (env, "s", "string");
  (void) oc_cel_env_add_variable (env, "l", "list(int)");
  return env;
}

static char *
repeat (const char *before, const char *part, guint n, const char *middle, const char *behind)
{
  GString *text = g_string_new (before);

  for (guint i = 0; i < n; i++)
    g_string_append (text, part);
  g_string_append (text, middle);
  for (guint i = 0; behind && i < n; i++)
    g_string_append (text, behind);
  return g_string_free (text, FALSE);
}

/* --- Depth --------------------------------------------------------------- */

static const struct
{
  const char *name, *before, *part, *middle, *behind;
  guint fits, too_deep;
} nests[] = {
  { "parentheses", "", "(", "1", ")", 120, 200 },
  { "lists", "", "[", "", "]", 120, 250 },
  { "maps", "", "{1:", "1", "}", 120, 250 },
  { "not", "", "!", "true", NULL, 200, 250 },
  { "minus", "", "-", "s", NULL, 0, 250 },
  { "ternary", "", "true?1:", "1", NULL, 120, 250 },
  { "plus", "1", "+1", "", NULL, 240, 250 },
  { "select", "{'a':1}", ".a", "", NULL, 0, 250 },
  { "index", "[1]", "[0]", "", NULL, 0, 250 },
  { "calls", "", "int(", "1", ")", 120, 250 },
  { "members", "s", ".trim()", "", NULL, 240, 250 },
  { "macros", "", "[1].map(x,", "1", ")", 60, 250 },
  { "binds", "", "cel.bind(x,1,", "1", ")", 60, 250 },
};

static void
test_depth (void)
{
  g_autoptr (OcCelEnv) env = make_env ();

  for (guint i = 0; i < G_N_ELEMENTS (nests); i++)
    {
      g_autofree char *deep = repeat (nests[i].before, nests[i].part, nests[i].too_deep,
                                      nests[i].middle, nests[i].behind);
      g_autofree char *huge
          = repeat (nests[i].before, nests[i].part, 20000, nests[i].middle, nests[i].behind);
      g_autofree char *good = repeat (nests[i].before, nests[i].part, nests[i].fits,
                                      nests[i].middle, nests[i].behind);
      g_autoptr (OcCelProgram) program = NULL;

      g_test_message ("%s", nests[i].name);
      if (nests[i].fits)
        {
          program = oc_cel_compile (env, oc_str_from (good), 0, NULL);
          g_assert_nonnull (program);
        }
      g_assert_null (oc_cel_compile (env, oc_str_from (deep), 0, NULL));
      g_assert_null (oc_cel_compile (env, oc_str_from (huge), 0, NULL));
    }
}

/* Long is not deep: alternatives, and lists. */
static void
test_long (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  OcCelValue slots[] = { oc_cel_string (OC_STR ("last")), oc_cel_null () };
  g_autofree char *either = repeat ("", "s == 'x' || ", 20000, "s == 'last'", NULL);
  g_autofree char *list = repeat ("s in [", "'xxxxx', ", 50000, "'last']", NULL);
  g_autoptr (OcCelProgram) a = oc_cel_compile (env, oc_str_from (either), 0, NULL);
  g_autoptr (OcCelProgram) b = oc_cel_compile (env, oc_str_from (list), 0, NULL);

  g_assert_true (oc_cel_eval_bool (a, slots, scratch));
  g_assert_true (oc_cel_eval_bool (b, slots, scratch));
}

static void
test_size (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  g_autofree char *text = g_malloc (OC_CEL_SOURCE_MAX + 1);
  g_autofree char *nodes = repeat ("[", "1,", 300000, "1]", NULL);
  g_autoptr (OcCelProgram) program = NULL;

  memset (text, ' ', OC_CEL_SOURCE_MAX + 1);
  text[0] = '1';
  program = oc_cel_compile (env, oc_str (text, OC_CEL_SOURCE_MAX), 0, errors);
  g_assert_nonnull (program);
  g_assert_null (oc_cel_compile (env, oc_str (text, OC_CEL_SOURCE_MAX + 1), 0, errors));
  g_assert_null (oc_cel_compile (env, oc_str_from (nodes), 0, errors));
  g_assert_cmpuint (errors->len, ==, 2);
}

/* --- Bytes --------------------------------------------------------------- */

static void
test_bytes (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  OcCelValue slots[] = { oc_cel_string (OC_STR ("a\0b")), oc_cel_null () };
  static const OcStr good = OC_STR_INIT ("s == 'a\0b' && s != 'a' && size(s) == 3");
  static const OcStr bad[] = { OC_STR_INIT ("s == 'a' \0"), OC_STR_INIT ("'\xff'"),
                               OC_STR_INIT ("\0"), OC_STR_INIT ("'\xed\xa0\x80'") };
  g_autoptr (OcCelProgram) program = oc_cel_compile (env, good, 0, NULL);

  g_assert_true (oc_cel_eval_bool (program, slots, scratch));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (oc_cel_compile (env, bad[i], 0, NULL));
}

/* Values from outside need not be UTF-8. */
static void
test_invalid_utf8 (void)
{
  static const char *const sources[]
      = { "size(s) > 0",          "s.charAt(1) != 'x'",   "s.substring(1).size() >= 0",
          "s.reverse().size() > 0", "strings.quote(s) != ''", "s.trim() != 'x'",
          "s.split('').size() > 0", "!s.matches('zzz')",     "s.indexOf('q') == -1",
          "s.lastIndexOf('q') == -1", "s.upperAscii() != 'x'", "'%s'.format([s]) != 'x'" };
  static const OcStr values[]
      = { OC_STR_INIT ("\xff\xfe\xc3"), OC_STR_INIT ("\xe2\x82"), OC_STR_INIT ("a\x80\x80"),
          OC_STR_INIT ("\xf0\x9f\x98"), OC_STR_INIT ("\xc0\x80") };
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();

  for (guint i = 0; i < G_N_ELEMENTS (sources) * G_N_ELEMENTS (values); i++)
    {
      const OcStr *value = &values[i % G_N_ELEMENTS (values)];
      g_autofree char *exact = g_memdup2 (value->data, value->len);
      OcCelValue slots[] = { oc_cel_string (oc_str (exact, value->len)), oc_cel_null () };
      g_autoptr (OcCelProgram) program
          = oc_cel_compile (env, oc_str_from (sources[i / G_N_ELEMENTS (values)]), 0, NULL);

      g_test_message ("%s", sources[i / G_N_ELEMENTS (values)]);
      g_assert_true (oc_cel_eval_bool (program, slots, scratch));
    }
}

/* --- Budgets ------------------------------------------------------------- */

static void
assert_stops (OcCelEnv *env, const char *source, OcCelErrorCode code)
{
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autofree OcCelValue *items = g_new0 (OcCelValue, 1000);
  OcCelList list = { .len = 1000, .values = items };
  OcCelValue slots[] = { oc_cel_string (OC_STR ("0123456789abcdef")), oc_cel_list (&list) };
  g_autoptr (OcCelProgram) program = oc_cel_compile (env, oc_str_from (source), 0, NULL);
  OcCelValue v;
  gint64 begin = g_get_monotonic_time ();

  g_test_message ("%s", source);
  for (guint i = 0; i < 1000; i++)
    items[i] = oc_cel_int (i);
  g_assert_nonnull (program);
  oc_cel_eval (program, slots, scratch, &v);
  g_assert_cmpint (v.kind, ==, OC_CEL_ERROR);
  g_assert_cmpint (v.aux, ==, code);
  /* Far more than it takes, far less than without a budget. */
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 20 * G_USEC_PER_SEC);
}

static void
test_steps (void)
{
  g_autoptr (OcCelEnv) env = make_env ();

  assert_stops (env, "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", OC_CEL_ERROR_STEPS);
  assert_stops (env, "l.map(a, l.map(b, b)).size() > 0", OC_CEL_ERROR_STEPS);
  assert_stops (env, "l.all(a, s.matches('^[0-9a-f]+$'))", OC_CEL_ERROR_STEPS);
  assert_stops (env, "l.all(a, s.matches('^[0-9a-f]+$' + s.substring(16)))", OC_CEL_ERROR_STEPS);
  assert_stops (env, "l.all(a, timestamp(a).getHours('Europe/Berlin') >= 0)", OC_CEL_ERROR_STEPS);
  /* No operand makes good for it. */
  assert_stops (env, "l.all(a, l.all(b, l.all(c, a + b + c >= 0))) || s != ''", OC_CEL_ERROR_STEPS);
}

/* Few steps over a long text are work, too. */
static void
test_long_texts (void)
{
  static const char *const tests[]
      = { "!x.contains('zz')",  "x.size() > 0",      "x == x",
          "x <= x",             "x in [x]",          "{x: 1}[x] == 1",
          "x.startsWith(x)",    "[x] == [x]",        "[x, x].sort().size() == 2",
          "x.indexOf('zz') < 0", "{x: 1} == {x: 1}", "[0].transformMap(i, v, x).size() == 1 && x != ''",
          "bytes(x) != b''",    "!(x in ['a', 'b'])", "!inDomain(x, 'a.example')" };
  g_autoptr (OcCelEnv) env = make_env ();
  g_autofree char *hundred = g_strnfill (100, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *text = g_strdup_printf (
          "cel.bind(t, 'aaaaaaaaaa'.replace('a', '%s').replace('a', '%s'), cel.bind(u, t + t, "
          "cel.bind(w, u + u, cel.bind(x, w + w, l.all(a, %s)))))",
          hundred, hundred, tests[i]);

      assert_stops (env, text, OC_CEL_ERROR_STEPS);
    }
}

static void
test_memory (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (GString) text = g_string_new ("");

  for (guint i = 0; i < 40; i++)
    g_string_append_printf (text, "cel.bind(x, %s + %s, ", i ? "x" : "s", i ? "x" : "s");
  g_string_append (text, "x.size() > 0");
  for (guint i = 0; i < 40; i++)
    g_string_append_c (text, ')');
  assert_stops (env, text->str, OC_CEL_ERROR_MEMORY);
}

/* A short text that stands for a value with very many parts, through sharing. */
static void
test_shared_parts (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autoptr (GString) text = g_string_new ("cel.bind(a, [s], cel.bind(c, [1], ");
  OcCelValue slots[] = { oc_cel_string (OC_STR ("x")), oc_cel_null () };

  for (guint i = 0; i < 30; i++)
    g_string_append (text, "cel.bind(a, [a, a], cel.bind(c, {1: c, 2: c}, ");
  g_string_append (text, "a == a && c == c");
  for (guint i = 0; i < 62; i++)
    g_string_append_c (text, ')');
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (OcCelProgram) program = oc_cel_compile (
          env, oc_str (text->str, text->len), i ? OC_CEL_COMPILE_NO_FOLD : 0, NULL);
      OcCelValue v;

      g_assert_nonnull (program);
      oc_cel_eval (program, slots, scratch, &v);
      g_assert_cmpint (v.kind, ==, OC_CEL_ERROR);
      g_assert_cmpint (v.aux, ==, OC_CEL_ERROR_STEPS);
    }
}

/* Type variables that stand for pairs of each other: 2^60 parts if written out. */
static void
test_types (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (GString) text = g_string_new ("");
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  gint64 begin = g_get_monotonic_time ();

  for (guint i = 0; i < 60; i++)
    g_string_append_printf (text, "cel.bind(x%u, [][0], ", i);
  g_string_append (text, "[");
  for (guint i = 0; i + 1 < 60; i++)
    g_string_append_printf (text, "[x%u, {x%u: x%u}], ", i, i + 1, i + 1);
  g_string_append (text, "[x0, x0]]");
  for (guint i = 0; i < 60; i++)
    g_string_append_c (text, ')');
  g_assert_null (oc_cel_compile (env, oc_str (text->str, text->len), 0, errors));
  g_assert_cmpuint (errors->len, ==, 1);
  g_assert_cmpstr (((OcCelError *) g_ptr_array_index (errors, 0))->message, ==,
                   "the expression's types are too complex");
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 20 * G_USEC_PER_SEC);
}

/* Many findings: the first are reported, and the others cost no guessing. */
static void
test_findings (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  g_autofree char *text = repeat ("", "undeclarednm || ", 60000, "true", NULL);
  gint64 begin = g_get_monotonic_time ();

  g_assert_null (oc_cel_compile (env, oc_str_from (text), 0, errors));
  g_assert_cmpuint (errors->len, ==, OC_CEL_ERRORS_MAX);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 20 * G_USEC_PER_SEC);
}

static void
test_custom_limits (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autoptr (OcCelProgram) program
      = oc_cel_compile (env, OC_STR ("[1, 2, 3].all(x, x > 0)"), OC_CEL_COMPILE_NO_FOLD, NULL);
  OcCelValue v;

  oc_cel_eval (program, NULL, scratch, &v);
  g_assert_true (oc_cel_value_is_true (v));
  oc_cel_scratch_set_limits (scratch, 2, 0);
  oc_cel_eval (program, NULL, scratch, &v);
  g_assert_cmpint (v.aux, ==, OC_CEL_ERROR_STEPS);
  oc_cel_scratch_set_limits (scratch, 0, 16);
  oc_cel_eval (program, NULL, scratch, &v);
  g_assert_cmpint (v.aux, ==, OC_CEL_ERROR_MEMORY);
  oc_cel_scratch_set_limits (scratch, 0, 0);
  oc_cel_eval (program, NULL, scratch, &v);
  g_assert_true (oc_cel_value_is_true (v));
}

/* --- Regular expressions ------------------------------------------------- */

static const struct
{
  const char *pattern, *text;
  int matches; /* -1: refused */
} regexes[] = {
  { "a+b", "xaab", 1 },
  { "^a+b$", "xaab", 0 },
  { "a$", "a\n", 0 },
  { "(?i)ABC", "abc", 1 },
  { "(?P<n>a)|b", "b", 1 },
  { "(?:a|b)*?c", "abc", 1 },
  { "a{2,3}", "aa", 1 },
  { "a{,3}", "a{,3}", 1 },
  { "x{1001}", "x", -1 },
  { "[[:alpha:]]+", "abc", 1 },
  { "[a[]", "[", 1 },
  { "[]a]", "]", 1 },
  { "[^a]", "b", 1 },
  { "\\d\\w\\s\\pL\\p{Greek}", "1a \xc3\xa9\xce\xb1", 1 },
  { "\\Qa.b\\E", "a.b", 1 },
  { "\\Qa.b\\E", "axb", 0 },
  { "\\v", "\n", 0 },
  { "\\x{e9}", "\xc3\xa9", 1 },
  { ".", "\n", 0 },
  { "(?s).", "\n", 1 },
  { "(a)\\1", "aa", -1 },
  { "a(?=b)", "ab", -1 },
  { "a(?!b)", "ac", -1 },
  { "(?<=a)b", "ab", -1 },
  { "(?<!a)b", "ab", -1 },
  { "(?>a)", "a", -1 },
  { "(?R)", "a", -1 },
  { "(?(1)a)", "a", -1 },
  { "(?#x)", "a", -1 },
  { "(*ACCEPT)", "a", -1 },
  { "a++", "a", -1 },
  { "a*+", "a", -1 },
  { "a{2}+", "aa", -1 },
  { "a**", "a", -1 },
  { "\\K", "a", -1 },
  { "\\R", "a", -1 },
  { "\\X", "a", -1 },
  { "\\C", "a", -1 },
  { "\\g1", "a", -1 },
  { "\\k<n>", "a", -1 },
  { "\\", "a", -1 },
  { "[a", "a", -1 },
  { "(a", "a", -1 },
  { "a)", "a", -1 },
};

static void
test_regexes (void)
{
  g_autoptr (OcCelEnv) env = oc_cel_env_new ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();

  (void) oc_cel_env_add_variable (env, "text", "string");
  (void) oc_cel_env_add_variable (env, "pattern", "string");
  for (guint i = 0; i < G_N_ELEMENTS (regexes); i++)
    {
      g_autoptr (OcCelProgram) program
          = oc_cel_compile (env, OC_STR ("text.matches(pattern)"), 0, NULL);
      OcCelValue slots[] = { oc_cel_string (oc_str_from (regexes[i].text)),
                             oc_cel_string (oc_str_from (regexes[i].pattern)) };
      OcCelValue v;

      g_test_message ("%s", regexes[i].pattern);
      oc_cel_eval (program, slots, scratch, &v);
      g_assert_cmpint (v.kind, ==, regexes[i].matches < 0 ? OC_CEL_ERROR : OC_CEL_BOOL);
      if (regexes[i].matches >= 0)
        g_assert_cmpint (v.i, ==, regexes[i].matches);
    }
}

/* Exponential for a backtracking matcher: an error after the limit, not an hour. */
static void
test_slow_regex (void)
{
  g_autoptr (OcCelEnv) env = make_env ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autofree char *text = repeat ("", "a", 60, "!", NULL);
  OcCelValue slots[] = { oc_cel_string (oc_str_from (text)), oc_cel_null () };
  g_autoptr (OcCelProgram) program
      = oc_cel_compile (env, OC_STR ("s.matches('^(a|aa)+(a|a?)+$')"), 0, NULL);
  OcCelValue v;

  oc_cel_eval (program, slots, scratch, &v);
  g_assert_cmpint (v.kind, ==, OC_CEL_ERROR);
  g_assert_cmpint (v.aux, ==, OC_CEL_ERROR_STEPS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cel/limits/depth", test_depth);
  g_test_add_func ("/cel/limits/long", test_long);
  g_test_add_func ("/cel/limits/size", test_size);
  g_test_add_func ("/cel/limits/bytes", test_bytes);
  g_test_add_func ("/cel/limits/invalid-utf8", test_invalid_utf8);
  g_test_add_func ("/cel/limits/steps", test_steps);
  g_test_add_func ("/cel/limits/long-texts", test_long_texts);
  g_test_add_func ("/cel/limits/memory", test_memory);
  g_test_add_func ("/cel/limits/shared-parts", test_shared_parts);
  g_test_add_func ("/cel/limits/types", test_types);
  g_test_add_func ("/cel/limits/findings", test_findings);
  g_test_add_func ("/cel/limits/custom", test_custom_limits);
  g_test_add_func ("/cel/regex/syntax", test_regexes);
  g_test_add_func ("/cel/regex/slow", test_slow_regex);
  return g_test_run ();
}
