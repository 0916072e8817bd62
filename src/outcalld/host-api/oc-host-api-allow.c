/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"
#include "common/oc-host.h"

#include <fcntl.h>

/* `outcall allow`: one rule file per host, as a person would write it, named
 * after what it allows. All are written, then the rules are reloaded; when that
 * fails every file is put back as it was. Writing is atomic: a file under a name
 * that the loader ignores, synced, renamed. */

#define ID_TEXT_MAX 100

typedef struct
{
  char *name; /* of the file */
  char *text;
  char *old_text; /* (nullable): what was there before */
  gsize old_len;
  gboolean written;
} AllowFile;

static void
allow_file_free (gpointer data)
{
  AllowFile *file = data;

  g_free (file->name);
  g_free (file->text);
  g_free (file->old_text);
  g_free (file);
}

/* Of the request: what goes for each host of it. */
typedef struct
{
  const char *agent; /* (nullable): all */
  uid_t uid;
  gint64 ends_at_s; /* since the epoch; 0: never */
} Terms;

/* --- What is asked for ------------------------------------------------------------------- */

typedef struct
{
  gboolean below; /* "*.example.org" */
  OcHost host;
  guint16 port; /* 0: any */
} Target;

static gboolean
parse_target (const char *text, Target *out, GError **error)
{
  OcStr rest = oc_str_from (text);
  gboolean has_port = strchr (text, ':') != NULL && strchr (text, ':') == strrchr (text, ':');

  *out = (Target) { 0 };
  if (oc_str_has_prefix (rest, OC_STR ("*.")))
    {
      out->below = TRUE;
      rest = oc_str (rest.data + 2, rest.len - 2);
    }
  if (*text == '[' || has_port)
    {
      if (!oc_host_parse_authority (rest, 0xffff, &out->host, &out->port)
          || (!has_port && strstr (text, "]:") == NULL))
        return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                              "'%s' is not a host with a port", text);
      return TRUE;
    }
  if (oc_host_parse (rest, &out->host) != OC_HOST_OK)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "'%s' is not a host: %s", text,
                          oc_host_error_text (oc_host_parse (rest, &out->host)));
  return TRUE;
}

static gboolean
is_agent_name (const char *text)
{
  gsize len = strlen (text);

  if (len == 0 || len > OC_WORKLOAD_NAME_MAX || !g_ascii_isalnum (*text))
    return FALSE;
  return strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* [A-Za-z0-9._-] only; a long one ends in a digest. What holds for a time is apart from what
 * holds for good, so that neither replaces the other. (transfer full) */
static char *
make_id (const Target *target, const Terms *terms)
{
  g_autoptr (GString) id = g_string_new (target->below ? "allow-below-" : "allow-");
  g_autofree char *digest = NULL;

  g_string_append (id, target->host.name);
  for (gsize i = 0; i < id->len; i++)
    if (id->str[i] == ':')
      id->str[i] = '_'; /* IPv6 */
  if (target->port != 0)
    g_string_append_printf (id, "-port-%u", target->port);
  if (terms->agent != NULL)
    g_string_append_printf (id, "-for-%s", terms->agent);
  if (terms->ends_at_s != 0)
    g_string_append (id, "-for-a-time");
  if (id->len <= ID_TEXT_MAX)
    return g_strdup (id->str);
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, id->str, -1);
  return g_strdup_printf ("%.*s-%.16s", ID_TEXT_MAX - 20, id->str, digest);
}

/* The rule looks at the clock itself; the file stays until somebody removes it. */
static void
append_end (GString *text, const Terms *terms)
{
  g_autoptr (GDateTime) end = g_date_time_new_from_unix_utc (terms->ends_at_s);
  g_autofree char *moment = g_date_time_format (end, "%Y-%m-%dT%H:%M:%SZ");

  g_string_append_printf (text, "    condition: 'request.time < timestamp(\"%s\")'\n", moment);
}

/* Every text in it has been checked to need no escape in YAML. */
static AllowFile *
make_file (const Target *target, const Terms *terms)
{
  AllowFile *file = g_new0 (AllowFile, 1);
  g_autofree char *id = make_id (target, terms);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *day = g_date_time_format (now, "%Y-%m-%d");
  GString *text = g_string_new ("version: \"1\"\nrules:\n");

  g_string_append_printf (text, "  - id: %s\n    description: \"outcall allow, uid %u, %s\"\n", id,
                          (guint) terms->uid, day);
  g_string_append_printf (text, "    hosts: [\"%s%s\"]\n", target->below ? "*." : "",
                          target->host.name);
  if (target->port != 0)
    g_string_append_printf (text, "    ports: [%u]\n", target->port);
  if (terms->agent != NULL)
    g_string_append_printf (text, "    agents: [\"%s\"]\n", terms->agent);
  if (terms->ends_at_s != 0)
    append_end (text, terms);
  g_string_append (text, "    action: allow\n");
  file->name = g_strconcat (id, ".yaml", NULL);
  file->text = g_string_free (text, FALSE);
  return file;
}

/* (transfer full) (element-type AllowFile) (nullable) */
static GPtrArray *
make_files (const OutcallAllowHosts *asked, const Terms *terms, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (allow_file_free);

  if (asked->n_hosts == 0 || asked->n_hosts > OC_HOST_API_HOSTS_MAX)
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT,
                               "hosts must name 1 to %d hosts", OC_HOST_API_HOSTS_MAX);
  if (terms->agent != NULL && !is_agent_name (terms->agent))
    return oc_throw_code_null (error, G_IO_ERROR_INVALID_ARGUMENT, "agent is not a name");
  for (gsize i = 0; i < asked->n_hosts; i++)
    {
      Target target;

      if (!parse_target (asked->hosts[i], &target, error))
        return NULL;
      g_ptr_array_add (files, make_file (&target, terms));
    }
  return g_steal_pointer (&files);
}

/* --- Files ------------------------------------------------------------------------------- */

static gboolean
remember_old (int dir_fd, AllowFile *file, GError **error)
{
  g_autoptr (GError) local = NULL;

  file->old_text = oc_file_read (dir_fd, file->name, OC_POLICY_FILE_MAX_BYTES, &file->old_len,
                                 &local);
  if (file->old_text != NULL || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The last first: a file that was written twice ends as it was before the first time. */
static void
put_back (int dir_fd, GPtrArray *files)
{
  for (guint i = files->len; i > 0; i--)
    {
      AllowFile *file = files->pdata[i - 1];
      g_autoptr (GError) error = NULL;

      if (!file->written)
        continue;
      if (file->old_text == NULL)
        (void) unlinkat (dir_fd, file->name, 0);
      else if (!oc_file_replace (dir_fd, file->name, file->old_text, file->old_len, 0644,
                                 &error))
        g_warning ("cannot put back: %s", error->message);
    }
}

static gboolean
write_files (int dir_fd, GPtrArray *files, GError **error)
{
  for (guint i = 0; i < files->len; i++)
    {
      AllowFile *file = files->pdata[i];

      if (!remember_old (dir_fd, file, error)
          || !oc_file_replace (dir_fd, file->name, file->text, strlen (file->text), 0644, error))
        return FALSE;
      file->written = TRUE;
    }
  return TRUE;
}

/* --- The handler --------------------------------------------------------------------------- */

static JsonNode *
list_names (GPtrArray *files)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  OutcallAllowResult result;

  for (guint i = 0; i < files->len; i++)
    g_ptr_array_add (names, ((AllowFile *) files->pdata[i])->name);
  result = (OutcallAllowResult) { (char **) names->pdata, names->len };
  return outcall_allow_result_to_json (&result);
}

static char *
join_names (GPtrArray *files)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < files->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "", ((AllowFile *) files->pdata[i])->name);
  return g_string_free (names, FALSE);
}

static void
allow (OcHostApi *api, OcApiRequest *request, GPtrArray *files)
{
  const char *dir = oc_rules_get_dir (api->s.rules);
  g_autofree char *names = join_names (files);
  g_autoptr (GPtrArray) diagnostics = NULL;
  g_autoptr (GError) error = NULL;
  oc_autofd int dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (dir_fd < 0)
    oc_throw_errno (&error, "rules directory %s", dir);
  else if (!write_files (dir_fd, files, &error))
    put_back (dir_fd, files);
  else if (!oc_rules_reload (api->s.rules, &diagnostics, &error))
    {
      g_autoptr (GError) again = NULL;

      put_back (dir_fd, files);
      error->domain = G_IO_ERROR;
      error->code = G_IO_ERROR_INVALID_DATA;
      /* So that the last error told by status is about the files as they are. */
      if (!oc_rules_reload (api->s.rules, NULL, &again))
        g_prefix_error (&error, "the rules could not be loaded before, either: ");
    }
  if (oc_host_api_note (api, request, "rules.allow", names, error))
    oc_api_request_reply (request, 200, list_names (files));
}

void
oc_host_api_post_allow (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  g_autoptr (OutcallAllowHosts) asked
      = OC_HOST_API_READ_BODY (request, outcall_allow_hosts_from_json);
  Terms terms = { 0 };
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;

  if (asked == NULL)
    return;
  if (asked->for_s > OC_REQUEST_DURATION_MAX_S)
    {
      oc_api_request_fail (request, 400, NULL, "for_s must be at most %d", OC_REQUEST_DURATION_MAX_S);
      return;
    }
  terms.uid = oc_api_request_get_peer (request)->uid;
  terms.agent = asked->agent;
  if (asked->for_s > 0)
    terms.ends_at_s = g_get_real_time () / G_USEC_PER_SEC + (gint64) asked->for_s;
  files = make_files (asked, &terms, &error);
  if (files == NULL)
    oc_api_request_fail_error (request, error);
  else
    allow (api, request, files);
}
