/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel-conformance.h"

#include <stdio.h>
#include <stdlib.h>

/* Runs the conformance tests in FILE.jsonl…, each twice: with constant folding and
 * without, since most expressions are constant. Under Automake (--tap, no files)
 * it runs those of the source tree and fails when the failures are not exactly
 * those listed in tests/data/cel/known-failures.txt.
 *
 * own.jsonl holds our own tests in the same form, with one more expectation:
 * {"refused": true}, the expression must not compile. Members may be left out.
 */

typedef struct
{
  char *name; /* file of the suite */
  guint value_passed, value_failed, error_passed, error_failed;
} Suite;

typedef struct
{
  GPtrArray *suites;  /* (element-type Suite), in order of appearance */
  GHashTable *failed; /* ids, set */
  guint passed;
  gboolean list_failed;
  gboolean tap;
} Run;

static void
free_suite (gpointer data)
{
  g_free (((Suite *) data)->name);
  g_free (data);
}

static Suite *
ensure_suite (Run *run, const char *id)
{
  const char *slash = strchr (id, '/');
  g_autofree char *name = g_strndup (id, slash ? (gsize) (slash - id) : strlen (id));
  Suite *suite;

  for (guint i = 0; i < run->suites->len; i++)
    if (g_str_equal (((Suite *) g_ptr_array_index (run->suites, i))->name, name))
      return g_ptr_array_index (run->suites, i);
  suite = g_new0 (Suite, 1);
  suite->name = g_steal_pointer (&name);
  g_ptr_array_add (run->suites, suite);
  return suite;
}

static const char *
get_string (json_t *test, const char *member)
{
  const char *text = json_string_value (json_object_get (test, member));

  return text ? text : "";
}

/* --- One test ------------------------------------------------------------ */

static OcCelEnv *
make_env (json_t *test)
{
  OcCelEnv *env = oc_cel_env_new ();
  const char *name;
  json_t *value;

  oc_cel_env_set_container (env, get_string (test, "container"));
  json_object_foreach (json_object_get (test, "type_env"), name, value)
    (void) cel_test_declare (env, name, value);
  json_object_foreach (json_object_get (test, "bindings"), name, value)
    if (oc_cel_env_lookup_slot (env, oc_str_from (name)) < 0)
      (void) oc_cel_env_add_variable (env, name, "dyn");
  return env;
}

static OcCelValue *
make_slots (OcCelEnv *env, json_t *test, CelTestMemory *memory)
{
  OcCelValue *slots = g_new (OcCelValue, oc_cel_env_get_n_slots (env) + 1);
  const char *name;
  json_t *value;

  for (guint i = 0; i < oc_cel_env_get_n_slots (env); i++)
    slots[i] = oc_cel_error (OC_CEL_ERROR_NO_NAME, "variable has no value");
  json_object_foreach (json_object_get (test, "bindings"), name, value)
    if (!cel_test_value_from_json (memory, value,
                                   &slots[oc_cel_env_lookup_slot (env, oc_str_from (name))]))
      g_error ("bad binding %s of %s", name, get_string (test, "id"));
  return slots;
}

/* What came out, compared with what the test expects. Returns: why it failed, or NULL */
static char *
judge (json_t *expect, CelTestMemory *memory, OcCelProgram *program, OcCelValue result)
{
  json_t *value = json_object_get (expect, "value");
  json_t *type = json_object_get (expect, "type");
  OcCelValue wanted;
  g_autofree char *found = oc_cel_value_format (result, 200);
  g_autofree char *found_type = oc_cel_program_dup_type (program);

  if (type && !g_str_equal (json_string_value (type), found_type))
    return g_strdup_printf ("type is %s, not %s", found_type, json_string_value (type));
  if (json_object_get (expect, "refused"))
    return g_strdup ("accepted");
  if (json_object_get (expect, "error"))
    return result.kind == OC_CEL_ERROR ? NULL : g_strdup_printf ("%s, not an error", found);
  if (!value)
    return NULL;
  if (!cel_test_value_from_json (memory, value, &wanted))
    return g_strdup ("expected value is unreadable");
  return cel_test_value_same (result, wanted) ? NULL : g_strdup_printf ("result is %s", found);
}

static char *
run_once (json_t *test, OcCelEnv *env, OcCelCompileFlags flags)
{
  json_t *expr = json_object_get (test, "expr");
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_cel_error_free);
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  CelTestMemory memory = { blocks };
  g_autofree OcCelValue *slots = make_slots (env, test, &memory);
  g_autoptr (OcCelProgram) program = NULL;
  OcCelValue result = oc_cel_null ();

  if (json_is_true (json_object_get (test, "disable_check")))
    flags |= OC_CEL_COMPILE_NO_CHECK;
  if (json_is_true (json_object_get (test, "disable_macros")))
    flags |= OC_CEL_COMPILE_NO_MACROS;
  program = oc_cel_compile (env, oc_str (json_string_value (expr), json_string_length (expr)), flags,
                            errors);
  if (!program)
    {
      const OcCelError *error = g_ptr_array_index (errors, 0);

      if (json_object_get (json_object_get (test, "expect"), "refused"))
        return NULL;
      return g_strdup_printf ("%u:%u: %s", error->line, error->column, error->message);
    }
  if (!json_is_true (json_object_get (test, "check_only")))
    oc_cel_eval (program, slots, scratch, &result);
  return judge (json_object_get (test, "expect"), &memory, program, result);
}

static void
run_test (Run *run, json_t *test)
{
  const char *id = get_string (test, "id");
  json_t *expect = json_object_get (test, "expect");
  gboolean wants_error = json_object_get (expect, "error") || json_object_get (expect, "refused");
  Suite *suite = ensure_suite (run, id);
  g_autoptr (OcCelEnv) env = make_env (test);
  g_autofree char *why = run_once (test, env, 0);

  if (!why)
    why = run_once (test, env, OC_CEL_COMPILE_NO_FOLD);
  if (!why)
    {
      run->passed++;
      suite->error_passed += wants_error;
      suite->value_passed += !wants_error;
      return;
    }
  suite->error_failed += wants_error;
  suite->value_failed += !wants_error;
  g_hash_table_add (run->failed, g_strdup (id));
  if (run->list_failed)
    printf ("%s%s: %s\n", run->tap ? "# " : "", id, why);
}

/* --- Files --------------------------------------------------------------- */

static gboolean
run_file (Run *run, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gboolean ok = TRUE;
  gsize len;

  if (!g_file_get_contents (path, &text, &len, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return FALSE;
    }
  for (char *line = text, *end; line < text + len; line = end + 1)
    {
      json_error_t bad;
      json_t *test;

      end = memchr (line, '\n', len - (gsize) (line - text));
      end = end ? end : text + len;
      if (end == line)
        continue;
      test = json_loadb (line, (gsize) (end - line), JSON_ALLOW_NUL, &bad);
      if (!test)
        {
          fprintf (stderr, "%s: %s\n", path, bad.text);
          ok = FALSE;
          continue;
        }
      run_test (run, test);
      json_decref (test);
    }
  return ok;
}

static void
print_suites (const Run *run)
{
  const char *mark = run->tap ? "# " : "";

  printf ("%s%-20s %15s %15s\n", mark, "file", "value tests", "error tests");
  for (guint i = 0; i < run->suites->len; i++)
    {
      const Suite *s = g_ptr_array_index (run->suites, i);

      printf ("%s%-20s %6u of %5u %6u of %5u\n", mark, s->name, s->value_passed,
              s->value_passed + s->value_failed, s->error_passed, s->error_passed + s->error_failed);
    }
}

/* --- Known failures ------------------------------------------------------ */

/* Lines "id: reason". */
static GHashTable *
load_known (const char *path)
{
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return known;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    {
      char *colon = strstr (lines[i], ": ");

      if (lines[i][0] != '#' && colon)
        g_hash_table_add (known, g_strndup (lines[i], (gsize) (colon - lines[i])));
    }
  return known;
}

/* Names in @a that are not in @b. */
static guint
report_difference (GHashTable *a, GHashTable *b, const char *what)
{
  GHashTableIter iter;
  gpointer id;
  guint n = 0;

  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (!g_hash_table_contains (b, id))
      {
        printf ("# %s: %s\n", what, (char *) id);
        n++;
      }
  return n;
}

static int
run_tap (Run *run)
{
  const char *srcdir = g_getenv ("OUTCALL_SRCDIR");
  g_autofree char *folder = g_build_filename (srcdir ? srcdir : ".", "tests", "data", "cel", NULL);
  g_autofree char *tests = g_build_filename (folder, "tests.jsonl", NULL);
  g_autofree char *own = g_build_filename (folder, "own.jsonl", NULL);
  g_autofree char *list = g_build_filename (folder, "known-failures.txt", NULL);
  g_autoptr (GHashTable) known = load_known (list);
  guint surprises, fixed;

  run->list_failed = TRUE;
  printf ("1..2\n");
  if (!run_file (run, tests) || !run_file (run, own))
    return EXIT_FAILURE;
  print_suites (run);
  surprises = report_difference (run->failed, known, "fails");
  fixed = report_difference (known, run->failed, "passes, but is listed");
  printf ("%sok 1 - no failures but the known ones\n", surprises ? "not " : "");
  printf ("%sok 2 - no known failure passes\n", fixed ? "not " : "");
  printf ("# %u passed, %u failed\n", run->passed, g_hash_table_size (run->failed));
  return surprises || fixed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  Run run = { .passed = 0 };
  g_auto (GStrv) files = NULL;
  const GOptionEntry entries[] = {
    { "list-failed", 0, 0, G_OPTION_ARG_NONE, &run.list_failed, "Print each failure with its reason",
      NULL },
    { "tap", 0, 0, G_OPTION_ARG_NONE, &run.tap, "Run the source tree's tests for make check", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE.jsonl" },
    { NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GPtrArray) suites = g_ptr_array_new_with_free_func (free_suite);
  g_autoptr (GHashTable) failed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean ok = TRUE;

  run.suites = suites;
  run.failed = failed;
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, NULL) || (!files && !run.tap))
    {
      fprintf (stderr, "usage: cel-conformance [--list-failed] FILE.jsonl...\n");
      return 2;
    }
  if (run.tap && !files)
    return run_tap (&run);
  for (guint i = 0; files[i]; i++)
    ok &= run_file (&run, files[i]);
  print_suites (&run);
  printf ("%u passed, %u failed\n", run.passed, g_hash_table_size (failed));
  return ok && g_hash_table_size (failed) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
