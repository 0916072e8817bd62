/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-file.h"
#include "recipes.h"

#include "common/oc-fd.h"
#include "policy/oc-policy.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static OcAgentFile *
parse (const char *text, char **out_first)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  OcAgentFile *file = oc_agent_file_parse ("agent.yaml", text, strlen (text), diagnostics);

  *out_first = NULL;
  if (diagnostics->len > 0)
    {
      *out_first = oc_diagnostic_format (diagnostics->pdata[0]);
      (*out_first)[strcspn (*out_first, "\n")] = '\0';
    }
  return file;
}

static void
test_whole (void)
{
  static const char text[] = "version: \"1\"\n"
                             "name: claude\n"
                             "command: [claude, --verbose]\n"
                             "bind: [~/.claude, '/opt/x:/mnt/x:ro']\n"
                             "env: [TOKEN, 'A=b=c']\n"
                             "writable: [.git/config]\n"
                             "memory: 2g\n"
                             "pids: 512\n"
                             "cpus: 1.5\n";
  g_autofree char *first = NULL;
  g_autoptr (OcAgentFile) file = parse (text, &first);

  g_assert_null (first);
  g_assert_cmpstr (file->name, ==, "claude");
  g_assert_cmpstr (file->command[1], ==, "--verbose");
  g_assert_null (file->command[2]);
  g_assert_cmpstr (file->binds[1], ==, "/opt/x:/mnt/x:ro");
  g_assert_cmpstr (file->env[1], ==, "A=b=c");
  g_assert_cmpstr (file->writable[0], ==, ".git/config");
  g_assert_cmpuint (file->limits.memory_bytes, ==, G_GUINT64_CONSTANT (2) << 30);
  g_assert_cmpuint (file->limits.pids, ==, 512);
  g_assert_cmpuint (file->limits.cpu_percent, ==, 150);
}

/* A recipe that could not be trusted would be of no use, one that showed a folder of
 * the user's is a decision for the user, and a name is one program's at a time: with
 * one, the agent could not run in two projects. */
static void
test_recipes (void)
{
  for (const OcRecipe *recipe = oc_recipes; recipe->name != NULL; recipe++)
    {
      g_autofree char *first = NULL;
      g_autoptr (OcAgentFile) file = parse (recipe->file, &first);

      g_assert_null (first);
      g_assert_nonnull (file);
      g_assert_null (file->name);
      g_assert_null (file->binds);
      g_assert_null (file->writable);
      g_assert_cmpstr (file->command != NULL ? file->command[0] : "", ==, recipe->command);
      g_assert_true (oc_recipe_lookup (recipe->name) == recipe);
    }
  g_assert_null (oc_recipe_lookup ("clau"));
}

static const struct
{
  const char *text;
  const char *first;
} wrong[] = {
  { "", "agent.yaml:1:1: error: the file is empty; it needs at least: version: \"1\"" },
  { "name: x", "agent.yaml:1:1: error: the key 'version' is missing; it needs at least: version: "
               "\"1\"" },
  { "version: 2", "agent.yaml:1:10: error: this version knows only version: \"1\"" },
  { "[x]", "agent.yaml:1:1: error: the file must be a mapping, not a list" },
  { "version: 1\nnam: x", "agent.yaml:2:1: error: unknown key 'nam'; did you mean 'name'?" },
  { "version: 1\nzzzzzz: x", "agent.yaml:2:1: error: unknown key 'zzzzzz'" },
  { "version: 1\nname: []", "agent.yaml:2:7: error: 'name' must be a string, not a list" },
  { "version: 1\nname: ''", "agent.yaml:2:7: error: 'name' must be a string, not empty" },
  { "version: 1\nname: a\nname: b",
    "agent.yaml:3:1: error: duplicate key 'name'; it is already on line 2" },
  { "version: 1\nbind: ~/x", "agent.yaml:2:7: error: 'bind' must be a list, not a string" },
  { "version: 1\nbind: []", "agent.yaml:2:7: error: 'bind' must be a list, not an empty one" },
  { "version: 1\nenv:\n  - '=x'", "agent.yaml:3:5: error: a variable is NAME or NAME=VALUE" },
  { "version: 1\nbind: [':x']", "agent.yaml:2:8: error: a bind is SOURCE[:DESTINATION][:ro]" },
  { "version: 1\nwritable: [.outcall]",
    "agent.yaml:2:12: error: this is no name that is protected in a project" },
  { "version: 1\nmemory: 1k",
    "agent.yaml:2:9: error: '1k' is no size like 512m or 2g, 6m or more" },
  { "version: 1\npids: 3", "agent.yaml:2:7: error: '3' is no number of processes, 4 or more" },
  { "version: 1\ncpus: 0", "agent.yaml:2:7: error: '0' is no number of CPUs like 2 or 0.5" },
};

static void
test_wrong (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *first = NULL;
      g_autoptr (OcAgentFile) file = parse (wrong[i].text, &first);

      g_assert_null (file);
      g_assert_cmpstr (first, ==, wrong[i].first);
    }
}

static void
test_limit_texts (void)
{
  static const struct
  {
    const char *text;
    guint32 percent; /* 0: refused */
  } cpus[] = { { "1", 100 },   { "0.5", 50 },  { "0.01", 1 }, { "12.25", 1225 }, { "4096", 409600 },
               { "4097", 0 },  { "0", 0 },     { "0.00", 0 }, { "1.", 0 },       { ".5", 0 },
               { "0.001", 0 }, { "1,5", 0 },   { "-1", 0 },   { "", 0 },         { "1.5x", 0 },
               { "99999", 0 }, { " 1", 0 },    { "1e3", 0 } };
  static const struct
  {
    const char *text;
    guint64 bytes;
  } sizes[] = { { "6m", 6 << 20 },     { "6291456", 6 << 20 }, { "6291455", 0 },
                { "1G", 1 << 30 },     { "", 0 },              { "g", 0 },
                { "1gb", 0 },          { "-6m", 0 },           { "9000000000000t", 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cpus); i++)
    {
      OcSandboxLimits limits = { 0 };

      g_test_message ("'%s'", cpus[i].text);
      g_assert_cmpint (oc_run_parse_cpus (cpus[i].text, &limits), ==, cpus[i].percent != 0);
      g_assert_cmpuint (limits.cpu_percent, ==, cpus[i].percent);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      OcSandboxLimits limits = { 0 };

      g_test_message ("'%s'", sizes[i].text);
      g_assert_cmpint (oc_run_parse_memory (sizes[i].text, &limits), ==, sizes[i].bytes != 0);
      g_assert_cmpuint (limits.memory_bytes, ==, sizes[i].bytes);
    }
}

static char *
make_list (guint n)
{
  GString *text = g_string_new ("version: 1\nenv:\n");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "  - V%u\n", i);
  return g_string_free (text, FALSE);
}

static void
test_most_items (void)
{
  g_autofree char *most = make_list (OC_AGENT_FILE_MAX_ITEMS);
  g_autofree char *more = make_list (OC_AGENT_FILE_MAX_ITEMS + 1);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (OcAgentFile) file = parse (most, &first);
  g_autoptr (OcAgentFile) none = parse (more, &second);

  g_assert_nonnull (file);
  g_assert_null (none);
  g_assert_cmpstr (second, ==, "agent.yaml:3:3: error: 'env' has more than 256 items");
}

/* --- In a folder --------------------------------------------------------------------- */

static void
write_file (const char *dir, const char *text)
{
  g_autofree char *folder = g_build_filename (dir, ".outcall", NULL);
  g_autofree char *path = g_build_filename (folder, "agent.yaml", NULL);

  (void) g_mkdir_with_parents (folder, 0755);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_read (void)
{
  g_autofree char *dir = g_dir_make_tmp ("outcall-agent-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, OC_AGENT_FILE_NAME, NULL);
  g_autofree char *large = g_strnfill (OC_AGENT_FILE_MAX_BYTES + 1, '#');
  g_autofree char *cleanup = g_strdup_printf ("rm -rf '%s'", dir);
  g_autofree char *text = NULL;
  oc_autofd int fd = open (dir, O_PATH | O_CLOEXEC);
  g_autoptr (GError) error = NULL;
  gsize len;

  g_assert_null (oc_agent_file_read (fd, &len, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  write_file (dir, large);
  g_assert_null (oc_agent_file_read (fd, &len, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  large[OC_AGENT_FILE_MAX_BYTES] = '\0';
  write_file (dir, large);
  text = oc_agent_file_read (fd, &len, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (len, ==, OC_AGENT_FILE_MAX_BYTES);
  /* A link might lead to a file that the sandbox can write. */
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", path), ==, 0);
  g_assert_null (oc_agent_file_read (fd, &len, &error));
  g_assert_nonnull (error);
  g_assert_true (g_spawn_command_line_sync (cleanup, NULL, NULL, NULL, NULL));
}

/* XDG_STATE_HOME is a folder of this test's own; see main(). */
static void
test_trust (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_agent_is_trusted ("/a", "text", 4));
  g_assert_true (oc_agent_trust ("/a", "text", 4, &error));
  g_assert_no_error (error);
  g_assert_true (oc_agent_is_trusted ("/a", "text", 4));
  g_assert_false (oc_agent_is_trusted ("/a", "Text", 4));
  g_assert_false (oc_agent_is_trusted ("/b", "text", 4));
  g_assert_true (oc_agent_trust ("/a", "Text", 4, &error));
  g_assert_false (oc_agent_is_trusted ("/a", "text", 4));
}

int
main (int argc, char **argv)
{
  g_autofree char *state = NULL;
  g_autofree char *cleanup = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  state = g_dir_make_tmp ("outcall-state-XXXXXX", NULL);
  g_assert_nonnull (state);
  g_assert_true (g_setenv ("XDG_STATE_HOME", state, TRUE));
  g_test_add_func ("/agent-file/whole", test_whole);
  g_test_add_func ("/agent-file/recipes", test_recipes);
  g_test_add_func ("/agent-file/wrong", test_wrong);
  g_test_add_func ("/agent-file/limits", test_limit_texts);
  g_test_add_func ("/agent-file/most-items", test_most_items);
  g_test_add_func ("/agent-file/read", test_read);
  g_test_add_func ("/agent-file/trust", test_trust);
  result = g_test_run ();
  cleanup = g_strdup_printf ("rm -rf '%s'", state);
  g_assert_true (g_spawn_command_line_sync (cleanup, NULL, NULL, NULL, NULL));
  return result;
}
