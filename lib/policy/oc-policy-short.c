/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-short.h"

#include "common/oc-host.h"

#include <string.h>

#define PATH_MAX_BYTES 2048
/* More exact names than this are written as one list. */
#define HOST_CHAIN_MAX 4

gboolean
oc_short_form_is_empty (const OcShortForm *form)
{
  return form->hosts == NULL && form->ports == NULL && form->methods == NULL && form->paths == NULL
         && form->agents == NULL;
}

static gboolean
check_string (const OcReader *reader, const OcYamlNode *entry, const char *what)
{
  if (entry->kind == OC_YAML_SCALAR && !oc_yaml_is_null (entry))
    return TRUE;
  oc_reader_fail (reader, entry, "%s must be a string, not %s", what, oc_yaml_describe (entry));
  return FALSE;
}

/* --- hosts ---------------------------------------------------------------- */

/* Entries that people write and that are not hosts. */
static const char *
host_hint (const char *text)
{
  if (strcmp (text, "*") == 0)
    return "'*' would mean every host; name the hosts, or write a condition";
  if (strstr (text, "://") != NULL)
    return "write the host only, without scheme and path";
  if (strchr (text, '/') != NULL)
    return "a host has no path; use 'paths'";
  if (strchr (text, '*') != NULL)
    return "'*' may only stand for the whole first label, as in *.example.com";
  if (strchr (text, ':') != NULL && strchr (text, '[') == NULL)
    return "write the port in 'ports'; an IPv6 address stands in brackets";
  return NULL;
}

/* @out_wildcard: whether the entry was "*.name" */
static gboolean
parse_host (const OcReader *reader, const OcYamlNode *entry, OcHost *out, gboolean *out_wildcard)
{
  OcStr text = entry->text;
  OcHostError error;
  const char *hint;

  if (!check_string (reader, entry, "a host"))
    return FALSE;
  *out_wildcard = oc_str_has_prefix (text, OC_STR ("*."));
  if (*out_wildcard)
    text = oc_str (text.data + 2, text.len - 2);
  hint = host_hint (*out_wildcard ? text.data : entry->text.data);
  error = oc_host_parse (text, out);
  if (error == OC_HOST_OK && !(*out_wildcard && out->address.family != 0))
    return TRUE;
  if (error == OC_HOST_OK)
    hint = "an address has no names below it";
  oc_reader_fail (reader, entry, "'%s' is not a host: %s", entry->text.data,
                  hint != NULL ? hint : oc_host_error_text (error));
  return FALSE;
}

static void
append_host (OcConditionText *out, const OcYamlNode *entry, const OcHost *host, gboolean wildcard)
{
  g_autofree char *suffix = g_strconcat (".", host->name, NULL);

  oc_condition_append (out, entry, wildcard ? "network.hostname.endsWith(" : "network.hostname == ");
  oc_condition_append_quoted (out, entry, wildcard ? suffix : host->name);
  if (wildcard)
    oc_condition_append (out, entry, ")");
}

/* All exact names as one `in`. */
static gboolean
append_exact_list (const OcYamlNode *list, const OcReader *reader, OcConditionText *out)
{
  const char *separator = "network.hostname in [";
  gboolean ok = TRUE;

  for (const OcYamlNode *entry = list->first; entry != NULL; entry = entry->next)
    {
      OcHost host;
      gboolean wildcard;

      if (!parse_host (reader, entry, &host, &wildcard))
        ok = FALSE;
      else if (!wildcard)
        {
          oc_condition_append (out, entry, separator);
          oc_condition_append_quoted (out, entry, host.name);
          separator = ", ";
        }
    }
  oc_condition_append (out, list, "]");
  return ok;
}

static guint
count_exact (const OcYamlNode *list)
{
  guint n = 0;

  for (const OcYamlNode *entry = list->first; entry != NULL; entry = entry->next)
    n += entry->kind != OC_YAML_SCALAR || !oc_str_has_prefix (entry->text, OC_STR ("*."));
  return n;
}

static gboolean
append_hosts (const OcYamlNode *list, const OcReader *reader, OcConditionText *out)
{
  gboolean in_list = count_exact (list) > HOST_CHAIN_MAX;
  const char *separator = "";
  gboolean ok = TRUE;

  oc_condition_append (out, list, list->n > 1 ? "(" : "");
  if (in_list)
    {
      ok = append_exact_list (list, reader, out);
      separator = " || ";
    }
  for (const OcYamlNode *entry = list->first; ok && entry != NULL; entry = entry->next)
    {
      OcHost host;
      gboolean wildcard;

      if (!parse_host (reader, entry, &host, &wildcard))
        ok = FALSE;
      else if (wildcard || !in_list)
        {
          oc_condition_append (out, entry, separator);
          append_host (out, entry, &host, wildcard);
          separator = " || ";
        }
    }
  oc_condition_append (out, list, list->n > 1 ? ")" : "");
  return ok;
}

/* --- ports, methods, agents ----------------------------------------------- */

/* Checks one entry and gives its CEL literal. Returns: FALSE after an error */
typedef gboolean (*EntryFunc) (const OcReader *reader, const OcYamlNode *entry, OcConditionText *out);

static gboolean
append_port (const OcReader *reader, const OcYamlNode *entry, OcConditionText *out)
{
  guint16 port;

  if (!oc_reader_port (reader, entry, &port))
    return FALSE;
  oc_condition_append (out, entry, entry->text.data);
  return TRUE;
}

static gboolean
append_method (const OcReader *reader, const OcYamlNode *entry, OcConditionText *out)
{
  gboolean ok;

  if (!check_string (reader, entry, "a method"))
    return FALSE;
  ok = entry->text.len > 0 && entry->text.len <= 32;
  for (gsize i = 0; i < entry->text.len; i++)
    ok = ok && (g_ascii_isupper (entry->text.data[i]) || entry->text.data[i] == '-');
  if (ok)
    oc_condition_append_quoted (out, entry, entry->text.data);
  else
    oc_reader_fail (reader, entry, "'%s' is not a method: upper-case letters, as in GET",
                    entry->text.data);
  return ok;
}

static gboolean
append_agent (const OcReader *reader, const OcYamlNode *entry, OcConditionText *out)
{
  gboolean ok;

  if (!check_string (reader, entry, "an agent"))
    return FALSE;
  ok = entry->text.len > 0 && entry->text.len <= 128;
  for (gsize i = 0; i < entry->text.len; i++)
    ok = ok && (g_ascii_isalnum (entry->text.data[i]) || strchr ("._-", entry->text.data[i]));
  if (ok)
    oc_condition_append_quoted (out, entry, entry->text.data);
  else
    oc_reader_fail (reader, entry, "'%s' is not an agent's name: letters, digits, '.', '_', '-'",
                    entry->text.data);
  return ok;
}

static gboolean
append_in (const OcYamlNode *list, const OcReader *reader, const char *variable, EntryFunc func,
           OcConditionText *out)
{
  gboolean ok = TRUE;

  oc_condition_append (out, list, variable);
  oc_condition_append (out, list, " in [");
  for (const OcYamlNode *entry = list->first; entry != NULL; entry = entry->next)
    {
      ok = func (reader, entry, out) && ok;
      oc_condition_append (out, list, entry->next != NULL ? ", " : "]");
    }
  return ok;
}

/* --- paths ---------------------------------------------------------------- */

static gboolean
check_path (const OcReader *reader, const OcYamlNode *entry)
{
  if (!check_string (reader, entry, "a path"))
    return FALSE;
  if (entry->text.data[0] != '/')
    oc_reader_fail (reader, entry, "a path starts with '/', got '%s'", entry->text.data);
  else if (entry->text.len > PATH_MAX_BYTES)
    oc_reader_fail (reader, entry, "a path is at most %d bytes long", PATH_MAX_BYTES);
  else if (strpbrk (entry->text.data, "# \t\r\n") != NULL)
    oc_reader_fail (reader, entry, "a path holds no '#' and no space, got '%s'",
                    entry->text.data);
  else
    return TRUE;
  return FALSE;
}

/* `*` is any run of bytes, "/" included; everything else stands for itself. */
static char *
path_to_regex (const char *path)
{
  GString *regex = g_string_new ("^");

  for (const char *p = path; *p != '\0'; p++)
    if (*p == '*')
      g_string_append (regex, ".*");
    else
      {
        if (strchr ("\\.+?()[]{}|^$", *p) != NULL)
          g_string_append_c (regex, '\\');
        g_string_append_c (regex, *p);
      }
  g_string_append_c (regex, '$');
  return g_string_free (regex, FALSE);
}

static void
append_path (OcConditionText *out, const OcYamlNode *entry)
{
  const char *star = strchr (entry->text.data, '*');
  g_autofree char *literal = NULL;

  if (star == NULL)
    {
      oc_condition_append (out, entry, "http.path == ");
      oc_condition_append_quoted (out, entry, entry->text.data);
      return;
    }
  if (star[1] == '\0')
    {
      oc_condition_append (out, entry, "http.path.startsWith(");
      literal = g_strndup (entry->text.data, entry->text.len - 1);
    }
  else
    {
      oc_condition_append (out, entry, "http.path.matches(");
      literal = path_to_regex (entry->text.data);
    }
  oc_condition_append_quoted (out, entry, literal);
  oc_condition_append (out, entry, ")");
}

static gboolean
append_paths (const OcYamlNode *list, const OcReader *reader, OcConditionText *out)
{
  gboolean ok = TRUE;

  oc_condition_append (out, list, list->n > 1 ? "(" : "");
  for (const OcYamlNode *entry = list->first; entry != NULL; entry = entry->next)
    {
      if (!check_path (reader, entry))
        {
          ok = FALSE;
          continue;
        }
      append_path (out, entry);
      oc_condition_append (out, list, entry->next != NULL ? " || " : "");
    }
  oc_condition_append (out, list, list->n > 1 ? ")" : "");
  return ok;
}

/* -------------------------------------------------------------------------- */

static gboolean
append_part (const OcYamlNode *list, const OcReader *reader, const char *variable, EntryFunc func,
             OcConditionText *out)
{
  if (list == NULL)
    return TRUE;
  if (!oc_reader_list (reader, list))
    return FALSE;
  if (out->text->len > 0)
    oc_condition_append (out, list, " && ");
  return append_in (list, reader, variable, func, out);
}

gboolean
oc_short_form_append (const OcShortForm *form, const OcReader *reader, OcConditionText *out)
{
  gboolean ok = TRUE;

  if (form->hosts != NULL)
    ok = oc_reader_list (reader, form->hosts) && append_hosts (form->hosts, reader, out);
  ok = append_part (form->ports, reader, "network.port", append_port, out) && ok;
  ok = append_part (form->methods, reader, "http.method", append_method, out) && ok;
  if (form->paths != NULL && !oc_reader_list (reader, form->paths))
    return FALSE;
  if (form->paths != NULL)
    {
      if (out->text->len > 0)
        oc_condition_append (out, form->paths, " && ");
      ok = append_paths (form->paths, reader, out) && ok;
    }
  ok = append_part (form->agents, reader, "agent.name", append_agent, out) && ok;
  return ok;
}
