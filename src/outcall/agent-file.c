/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-file.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"
#include "policy/oc-policy-yaml.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  OcRuleFile *file;
  OcReport report;
  OcAgentFile *out;
} Reader;

void
oc_agent_file_free (OcAgentFile *file)
{
  if (file == NULL)
    return;
  g_free (file->name);
  g_strfreev (file->command);
  g_strfreev (file->binds);
  g_strfreev (file->env);
  g_strfreev (file->writable);
  g_free (file);
}

static void G_GNUC_PRINTF (3, 4)
fail (Reader *reader, const OcYamlNode *node, const char *format, ...)
{
  OcReportAt at = oc_yaml_at (reader->file, node, NULL);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  oc_report_error (&reader->report, &at, "%s", text);
}

/* Returns: (nullable): the text of @node, NULL after an error. */
static const char *
read_string (Reader *reader, const OcYamlNode *node, const char *what)
{
  if (node->kind == OC_YAML_SCALAR && !oc_yaml_is_null (node) && node->text.len > 0)
    return node->text.data;
  fail (reader, node, "%s must be a string, not %s", what,
        node->kind == OC_YAML_SCALAR ? "empty" : oc_yaml_describe (node));
  return NULL;
}

/* --- Items of lists: NULL, or what is wrong with it ------------------------------- */

static const char *
check_bind (const char *text)
{
  return *text == ':' ? "a bind is SOURCE[:DESTINATION][:ro]" : NULL;
}

static const char *
check_env (const char *text)
{
  return *text == '=' ? "a variable is NAME or NAME=VALUE" : NULL;
}

static const char *
check_writable (const char *text)
{
  return oc_sandbox_is_protected (text) ? NULL : "this is no name that is protected in a project";
}

static void
read_list (Reader *reader, const OcYamlNode *node, char ***out,
           const char *(*check) (const char *text))
{
  g_autoptr (GStrvBuilder) items = g_strv_builder_new ();

  if (node->kind != OC_YAML_SEQUENCE || node->n == 0)
    {
      fail (reader, node, "'%s' must be a list, not %s", node->key->text.data,
            node->kind == OC_YAML_SEQUENCE ? "an empty one" : oc_yaml_describe (node));
      return;
    }
  if (node->n > OC_AGENT_FILE_MAX_ITEMS)
    {
      fail (reader, node, "'%s' has more than %d items", node->key->text.data,
            OC_AGENT_FILE_MAX_ITEMS);
      return;
    }
  for (const OcYamlNode *item = node->first; item != NULL; item = item->next)
    {
      const char *text = read_string (reader, item, "an item");
      const char *wrong = text != NULL && check != NULL ? check (text) : NULL;

      if (wrong != NULL)
        fail (reader, item, "%s", wrong);
      if (text != NULL)
        g_strv_builder_add (items, text);
    }
  *out = g_strv_builder_end (items);
}

/* --- Keys -------------------------------------------------------------------------- */

static void
read_version (Reader *reader, const OcYamlNode *node)
{
  if (node->kind != OC_YAML_SCALAR || strcmp (node->text.data, "1") != 0)
    fail (reader, node, "this version knows only version: \"1\"");
}

static void
read_name (Reader *reader, const OcYamlNode *node)
{
  reader->out->name = g_strdup (read_string (reader, node, "'name'"));
}

static void
read_command (Reader *reader, const OcYamlNode *node)
{
  read_list (reader, node, &reader->out->command, NULL);
}

static void
read_binds (Reader *reader, const OcYamlNode *node)
{
  read_list (reader, node, &reader->out->binds, check_bind);
}

static void
read_env (Reader *reader, const OcYamlNode *node)
{
  read_list (reader, node, &reader->out->env, check_env);
}

static void
read_writable (Reader *reader, const OcYamlNode *node)
{
  read_list (reader, node, &reader->out->writable, check_writable);
}

static void
read_memory (Reader *reader, const OcYamlNode *node)
{
  const char *text = read_string (reader, node, "'memory'");

  if (text != NULL && !oc_run_parse_memory (text, &reader->out->limits))
    fail (reader, node, "'%s' is no size like 512m or 2g, 6m or more", text);
}

static void
read_pids (Reader *reader, const OcYamlNode *node)
{
  const char *text = read_string (reader, node, "'pids'");

  if (text != NULL && !oc_run_parse_pids (text, &reader->out->limits))
    fail (reader, node, "'%s' is no number of processes, 4 or more", text);
}

static void
read_cpus (Reader *reader, const OcYamlNode *node)
{
  const char *text = read_string (reader, node, "'cpus'");

  if (text != NULL && !oc_run_parse_cpus (text, &reader->out->limits))
    fail (reader, node, "'%s' is no number of CPUs like 2 or 0.5", text);
}

static const char *const key_names[]
    = { "version", "name", "command", "bind", "env", "writable", "memory", "pids", "cpus", NULL };
static void (*const key_readers[]) (Reader *reader, const OcYamlNode *node)
    = { read_version,  read_name,   read_command, read_binds, read_env,
        read_writable, read_memory, read_pids,    read_cpus };
G_STATIC_ASSERT (G_N_ELEMENTS (key_names) == G_N_ELEMENTS (key_readers) + 1);

static void
read_key (Reader *reader, const OcYamlNode *node)
{
  const char *key = node->key->text.data;
  OcReportAt at = oc_yaml_at (reader->file, node->key, NULL);
  const char *near;

  for (guint i = 0; key_names[i] != NULL; i++)
    if (strcmp (key_names[i], key) == 0)
      {
        key_readers[i](reader, node);
        return;
      }
  near = oc_report_closest (key, key_names);
  oc_report_error (&reader->report, &at, "unknown key '%s'%s%s%s", key,
                   near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
}

static void
read_root (Reader *reader, const OcYamlNode *root)
{
  gboolean has_version = FALSE;

  if (root->kind != OC_YAML_MAPPING)
    {
      fail (reader, root, "the file must be a mapping, not %s", oc_yaml_describe (root));
      return;
    }
  for (const OcYamlNode *node = root->first; node != NULL; node = node->next)
    {
      has_version = has_version || strcmp (node->key->text.data, "version") == 0;
      read_key (reader, node);
    }
  if (!has_version)
    fail (reader, root, "the key 'version' is missing; it needs at least: version: \"1\"");
}

OcAgentFile *
oc_agent_file_parse (const char *path, const char *text, gsize len, GPtrArray *diagnostics)
{
  g_autoptr (OcRuleFile) file = oc_rule_file_new (path, g_strndup (text, len), len);
  g_autoptr (OcArena) arena = oc_arena_new (4096);
  g_autoptr (OcAgentFile) out = g_new0 (OcAgentFile, 1);
  Reader reader = { .file = file, .report = { .diagnostics = diagnostics }, .out = out };
  const OcYamlNode *root = oc_yaml_parse (file, arena, &reader.report);
  gboolean ok;

  if (root != NULL)
    read_root (&reader, root);
  ok = root != NULL && reader.report.n_errors == 0;
  oc_report_clear (&reader.report);
  return ok ? g_steal_pointer (&out) : NULL;
}

char *
oc_agent_file_read (int project_fd, gsize *out_len, GError **error)
{
  oc_autofd int dir
      = openat (project_fd, ".outcall", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (dir < 0)
    return oc_throw_errno_null (error, "%s", ".outcall");
  return oc_file_read (dir, "agent.yaml", OC_AGENT_FILE_MAX_BYTES, out_len, error);
}

gboolean
oc_agent_file_make (int project_fd, const char *text, GError **error)
{
  oc_autofd int dir = -1;
  oc_autofd int fd = -1;

  (void) mkdirat (project_fd, ".outcall", 0755);
  dir = openat (project_fd, ".outcall", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  fd = dir >= 0 ? openat (dir, "agent.yaml", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
  if (fd >= 0 && oc_file_write_all (fd, text, strlen (text)))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
  return FALSE;
}
