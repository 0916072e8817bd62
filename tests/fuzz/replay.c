/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Stands in for the fuzzing engine: puts every file of its corpus folder, and
 * every file given as argument, through the target once. TAP.
 */
#include "config.h"

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
replay (gconstpointer data)
{
  const char *path = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *contents = NULL;
  g_autofree uint8_t *exact = NULL;
  gsize len;

  g_file_get_contents (path, &contents, &len, &error);
  g_assert_no_error (error);
  /* A copy of the exact size, so that ASan sees a byte read beyond it. */
  exact = g_memdup2 (contents, len);
  g_assert_cmpint (LLVMFuzzerTestOneInput (exact, len), ==, 0);
}

static void
replay_nothing (void)
{
  g_assert_cmpint (LLVMFuzzerTestOneInput ((const uint8_t *) "", 0), ==, 0);
}

static void
add_file (const char *target, const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = g_strdup_printf ("/%s/%s", target, base);

  g_test_add_data_func_full (name, g_strdup (path), replay, g_free);
}

static void
add_corpus (const char *target)
{
  g_autofree char *folder
      = g_test_build_filename (G_TEST_DIST, "tests", "fuzz", "corpus", target, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      add_file (target, path);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *target = g_path_get_basename (argv[0]);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/empty", replay_nothing);
  add_corpus (g_str_has_prefix (target, "lt-") ? target + 3 : target);
  for (int i = 1; i < argc; i++)
    add_file (target, argv[i]);
  return g_test_run ();
}
