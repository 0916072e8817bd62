/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "suggest.h"

#include "common/oc-host.h"
#include "oc-cli.h"

#include <libpsl.h>
#include <string.h>

/* Blocked decisions become wants: one (host, port, plain HTTP or not), with who wanted
 * it and what. Wants of one registered domain that ask for the same become a rule. The
 * public suffix list (libpsl) says where a registered domain begins, so that a rule never
 * opens "*.co.uk" or "*.github.io". */

#define TEXT_MAX 80 /* of a workload's text in a comment */

typedef struct
{
  char *host;
  guint16 port; /* 0: only its name was looked up */
  gboolean plain;
  GHashTable *agents, *methods, *paths; /* sets of char * */
  gboolean too_many_paths;
  guint n, n_learned;
  gint64 last_us;
} Want;

static GHashTable *
new_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
want_free (gpointer data)
{
  Want *want = data;

  g_free (want->host);
  g_hash_table_unref (want->agents);
  g_hash_table_unref (want->methods);
  g_hash_table_unref (want->paths);
  g_free (want);
}

/* What may stand in quotes in YAML and is what it looks like. */
static gboolean
is_plain_text (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (*p <= ' ' || *p >= 0x7f || strchr ("\"\\*{}", *p) != NULL)
      return FALSE;
  return *text != '\0';
}

/* --- Collecting ------------------------------------------------------------------- */

static Want *
get_want (GHashTable *wants, const OutcallDecision *d, const OcHost *host, gboolean plain)
{
  g_autofree char *key = g_strdup_printf ("%s %u %d", host->name, d->port, plain);
  Want *want = g_hash_table_lookup (wants, key);

  if (want != NULL)
    return want;
  want = g_new0 (Want, 1);
  *want = (Want) { .host = g_strdup (host->name), .port = d->port, .plain = plain,
                   .agents = new_set (), .methods = new_set (), .paths = new_set () };
  g_hash_table_insert (wants, g_steal_pointer (&key), want);
  return want;
}

static void
add_decision (GHashTable *wants, const OutcallDecision *d)
{
  gboolean plain = d->layer == OUTCALL_LAYER_HTTP;
  OcHost host;
  Want *want;

  if (oc_host_parse (oc_str_from (d->host), &host) != OC_HOST_OK)
    return;
  want = get_want (wants, d, &host, plain);
  want->n++;
  want->n_learned += d->verdict == OUTCALL_OUTCOME_ALLOWED;
  want->last_us = MAX (want->last_us, d->time_us);
  if (d->agent != NULL && is_plain_text (d->agent))
    g_hash_table_add (want->agents, g_strdup (d->agent));
  if (!plain)
    return;
  if (d->method != NULL && is_plain_text (d->method))
    g_hash_table_add (want->methods, g_strdup (d->method));
  if (d->path == NULL || !is_plain_text (d->path)
      || (g_hash_table_size (want->paths) == OC_SUGGEST_PATHS_MAX
          && !g_hash_table_contains (want->paths, d->path)))
    want->too_many_paths = TRUE;
  else
    g_hash_table_add (want->paths, g_strdup (d->path));
}

/* Whether a connection to the host was tried as well. */
static gboolean
has_connection (GHashTable *wants, const char *host)
{
  GHashTableIter iter;
  Want *want;

  g_hash_table_iter_init (&iter, wants);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &want))
    if (want->port != 0 && g_str_equal (want->host, host))
      return TRUE;
  return FALSE;
}

static gint
compare_wants (gconstpointer a, gconstpointer b)
{
  const Want *one = *(Want *const *) a, *other = *(Want *const *) b;
  int order = strcmp (one->host, other->host);

  return order != 0 ? order : (int) one->port - (int) other->port;
}

/* In order; a look-up alone counts only where nothing more was tried. */
static GPtrArray *
sort_wants (GHashTable *wants)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  Want *want;

  g_hash_table_iter_init (&iter, wants);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &want))
    if (want->port != 0 || !has_connection (wants, want->host))
      g_ptr_array_add (list, want);
  g_ptr_array_sort (list, compare_wants);
  return list;
}

/* --- Grouping ------------------------------------------------------------------------ */

/* "example.org" of "a.b.example.org"; the host itself when it is a public suffix or has
 * none, so that nothing is joined. */
static const char *
registered_domain (const psl_ctx_t *psl, const char *host)
{
  const char *domain = psl != NULL ? psl_registrable_domain (psl, host) : NULL;

  return domain != NULL ? domain : host;
}

static gboolean
same_set (GHashTable *a, GHashTable *b)
{
  GHashTableIter iter;
  gpointer key;

  if (g_hash_table_size (a) != g_hash_table_size (b))
    return FALSE;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_hash_table_contains (b, key))
      return FALSE;
  return TRUE;
}

static gboolean
asks_the_same (const psl_ctx_t *psl, const Want *a, const Want *b)
{
  return a->port == b->port && a->plain == b->plain
         && g_str_equal (registered_domain (psl, a->host), registered_domain (psl, b->host))
         && same_set (a->agents, b->agents) && same_set (a->methods, b->methods)
         && same_set (a->paths, b->paths) && a->too_many_paths == b->too_many_paths;
}

/* Takes the wants that go together with the first of @wants out of it. */
static GPtrArray *
take_group (const psl_ctx_t *psl, GPtrArray *wants)
{
  GPtrArray *group = g_ptr_array_new ();
  Want *first = g_ptr_array_steal_index (wants, 0);

  g_ptr_array_add (group, first);
  for (guint i = 0; i < wants->len;)
    if (asks_the_same (psl, first, wants->pdata[i]))
      g_ptr_array_add (group, g_ptr_array_steal_index (wants, i));
    else
      i++;
  return group;
}

/* The longest domain that all names of @group are in, at least the registered one. */
static const char *
common_domain (const psl_ctx_t *psl, const GPtrArray *group)
{
  const char *domain = ((Want *) group->pdata[0])->host;
  const char *registered = registered_domain (psl, domain);

  for (guint i = 1; i < group->len; i++)
    while (strlen (domain) > strlen (registered)
           && !oc_host_in_domain (oc_str_from (((Want *) group->pdata[i])->host),
                                  oc_str_from (domain)))
      domain = strchr (domain, '.') + 1;
  return domain;
}

/* --- Writing --------------------------------------------------------------------------- */

static void
append_set (GString *out, const char *name, GHashTable *set)
{
  g_autoptr (GList) keys = NULL;

  if (g_hash_table_size (set) == 0)
    return;
  keys = g_list_sort (g_hash_table_get_keys (set), (GCompareFunc) strcmp);
  g_string_append_printf (out, "    %s: [", name);
  for (GList *l = keys; l != NULL; l = l->next)
    g_string_append_printf (out, "%s\"%s\"", l == keys ? "" : ", ", (char *) l->data);
  g_string_append (out, "]\n");
}

static void
append_evidence (GString *out, const Want *want)
{
  g_autoptr (GDateTime) last = g_date_time_new_from_unix_utc (want->last_us / G_USEC_PER_SEC);
  g_autofree char *time = last != NULL ? g_date_time_format (last, "%Y-%m-%dT%H:%M:%SZ") : NULL;

  g_string_append_printf (out, "  # %s %u times, last %s: %s",
                          want->n_learned > 0 ? "let through" : "blocked", want->n,
                          time != NULL ? time : "?", want->host);
  if (want->port != 0)
    g_string_append_printf (out, ":%u", want->port);
  else
    g_string_append (out, " (its name was looked up only; the port is a guess)");
  g_string_append_c (out, '\n');
}

static void
append_hosts (GString *out, const psl_ctx_t *psl, const GPtrArray *group)
{
  const char *domain = common_domain (psl, group);

  g_string_append (out, "    hosts: [");
  if (group->len < OC_SUGGEST_SUFFIX_MIN)
    for (guint i = 0; i < group->len; i++)
      g_string_append_printf (out, "%s\"%s\"", i > 0 ? ", " : "",
                              ((Want *) group->pdata[i])->host);
  else
    {
      for (guint i = 0; i < group->len; i++)
        if (g_str_equal (((Want *) group->pdata[i])->host, domain))
          g_string_append_printf (out, "\"%s\", ", domain);
      g_string_append_printf (out, "\"*.%s\"", domain);
    }
  g_string_append (out, "]\n");
}

/* @ids: those that are taken */
static void
append_id (GString *out, const char *domain, const Want *want, GHashTable *ids)
{
  g_autofree char *base = g_strdup_printf ("allow-%.90s-%u", domain,
                                           want->port != 0 ? want->port : 443);
  char *id;

  g_strcanon (base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", '-');
  id = g_strdup (base);
  for (guint i = 2; g_hash_table_contains (ids, id); i++)
    {
      g_free (id);
      id = g_strdup_printf ("%s-%u", base, i);
    }
  g_string_append_printf (out, "  - id: %s\n", id);
  g_hash_table_add (ids, id);
}

static void
append_rule (GString *out, const psl_ctx_t *psl, const GPtrArray *group, GHashTable *ids)
{
  const Want *first = group->pdata[0];

  for (guint i = 0; i < group->len; i++)
    append_evidence (out, group->pdata[i]);
  append_id (out, common_domain (psl, group), first, ids);
  append_hosts (out, psl, group);
  g_string_append_printf (out, "    ports: [%u]\n", first->port != 0 ? first->port : 443);
  append_set (out, "methods", first->methods);
  if (!first->too_many_paths)
    append_set (out, "paths", first->paths);
  append_set (out, "agents", first->agents);
  g_string_append (out, "    action: allow\n");
}

static gboolean
is_learned (const OutcallDecision *d)
{
  return g_strcmp0 (d->rule, OC_SUGGEST_LEARNED) == 0;
}

/* What is not suggested, once for each text. */
static void
note_other (GHashTable *notes, const OutcallDecision *d)
{
  const char *target = d->host != NULL ? d->host : d->address;
  g_autofree char *clean = oc_cli_clean (target);
  g_autofree char *rule = oc_cli_clean (d->rule);
  g_autofree char *reason = oc_cli_clean (d->reason);
  char *cut = g_utf8_substring (clean, 0, MIN (g_utf8_strlen (clean, -1), TEXT_MAX));

  if (is_learned (d) && d->reason != NULL)
    g_hash_table_add (notes, g_strdup_printf ("# %s: %s", cut, reason));
  else if (d->rule != NULL && !is_learned (d))
    g_hash_table_add (notes, g_strdup_printf ("# %s is blocked by the rule %s", cut, rule));
  else if (target != NULL)
    g_hash_table_add (notes, g_strdup_printf ("# %s has no name that a rule could be about", cut));
  g_free (cut);
}

static void
append_notes (GString *out, GHashTable *notes)
{
  g_autoptr (GList) lines = g_list_sort (g_hash_table_get_keys (notes), (GCompareFunc) strcmp);

  if (lines != NULL)
    g_string_append (out, "\n# Not suggested:\n");
  for (GList *l = lines; l != NULL; l = l->next)
    g_string_append_printf (out, "%s\n", (char *) l->data);
}

static gboolean
is_name (const char *host)
{
  OcHost parsed;

  return host != NULL && oc_host_parse (oc_str_from (host), &parsed) == OC_HOST_OK
         && parsed.address.family == 0;
}

char *
oc_suggest (GPtrArray *decisions, guint *out_rules)
{
  g_autoptr (GHashTable) wants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, want_free);
  g_autoptr (GHashTable) notes = new_set ();
  g_autoptr (GHashTable) ids = new_set ();
  g_autoptr (GPtrArray) list = NULL;
  psl_ctx_t *psl = psl_latest (NULL);
  GString *out = g_string_new ("version: \"1\"\nrules:");

  for (guint i = 0; i < decisions->len; i++)
    {
      const OutcallDecision *d = decisions->pdata[i];

      gboolean allowed = d->verdict == OUTCALL_OUTCOME_ALLOWED;

      if ((allowed && !is_learned (d)) || d->layer == OUTCALL_LAYER_CONTAINER)
        continue;
      if ((d->rule != NULL && !allowed) || !is_name (d->host))
        note_other (notes, d);
      else
        add_decision (wants, d);
    }
  list = sort_wants (wants);
  g_string_append (out, list->len > 0 ? "\n" : " []\n");
  for (*out_rules = 0; list->len > 0; ++*out_rules)
    {
      g_autoptr (GPtrArray) group = take_group (psl, list);

      append_rule (out, psl, group, ids);
    }
  append_notes (out, notes);
  psl_free (psl);
  return g_string_free (out, FALSE);
}
