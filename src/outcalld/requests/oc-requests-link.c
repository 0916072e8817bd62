/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A workload is blocked, its agent asks for the host: the operator sees both,
 * tied together, and the tool call that began it.
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include <string.h>

#define PAST_US (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)

typedef struct
{
  guint64 id;
  guint16 port; /* 0: any */
} Link;

struct OcRequestLinks
{
  OcLog *log;
  GHashTable *by_name; /* "workload\nhost" → Link */
  guint subscription;
};

static char *
make_key (OcStr workload, OcStr host)
{
  return g_strdup_printf ("%.*s\n%.*s", OC_STR_ARGS (workload), OC_STR_ARGS (host));
}

static void
on_record (const OcLogRecord *record, gpointer user_data)
{
  OcRequestLinks *links = user_data;
  const OcDecision *decision = &record->decision;
  g_autofree char *key = NULL;
  const Link *link;

  if (decision->allowed || g_hash_table_size (links->by_name) == 0)
    return;
  key = make_key (decision->workload, decision->host);
  link = g_hash_table_lookup (links->by_name, key);
  if (link != NULL && (link->port == 0 || decision->port == 0 || link->port == decision->port))
    oc_log_set_request (links->log, record->sequence, link->id);
}

OcRequestLinks *
oc_request_links_new (OcLog *log)
{
  OcRequestLinks *links = g_new0 (OcRequestLinks, 1);

  links->log = log;
  links->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  links->subscription = oc_log_subscribe (log, on_record, links);
  return links;
}

void
oc_request_links_free (OcRequestLinks *links)
{
  if (links == NULL)
    return;
  oc_log_unsubscribe (links->log, links->subscription);
  g_hash_table_unref (links->by_name);
  g_free (links);
}

static guint64
parse_id (const char *id)
{
  guint64 value = 0;

  (void) g_ascii_string_to_unsigned (id, 16, 0, G_MAXUINT64, &value, NULL);
  return value;
}

/* "*.name" is left out: which name below it is not known. */
static void
add_name (GHashTable *names, const char *host)
{
  if (host[0] == '[')
    g_hash_table_add (names, g_strndup (host + 1, strlen (host) - 2));
  else if (host[0] != '*')
    g_hash_table_add (names, g_strdup (host));
}

/* The names that @entry asks for one by one. */
static GHashTable *
list_names (const OutcallRuleRequestEntry *entry, const OcPolicy *policy)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (entry->host != NULL)
    add_name (names, entry->host);
  for (gsize i = 0; policy != NULL && i < oc_policy_get_n_rules (policy); i++)
    {
      const OcRule *rule = oc_policy_get_rule (policy, i);
      g_auto (GStrv) hosts = rule->allow ? oc_rule_dup_reach (rule, OC_REACH_HOSTS) : NULL;

      for (gsize j = 0; hosts != NULL && hosts[j] != NULL; j++)
        add_name (names, hosts[j]);
    }
  return names;
}

void
oc_request_links_add (OcRequestLinks *links, const OutcallRuleRequestEntry *entry,
                      const OcPolicy *policy)
{
  g_autoptr (GHashTable) names = list_names (entry, policy);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      Link *link = g_new0 (Link, 1);

      *link = (Link) { parse_id (entry->id), entry->port };
      g_hash_table_replace (links->by_name,
                            make_key (oc_str_from (entry->workload), oc_str_from (name)), link);
    }
}

typedef struct
{
  OcRequestLinks *links;
  OutcallRuleRequestEntry *entry;
  GHashTable *names;
  guint64 id;
} Search;

static void
on_past_record (const OcLogRecord *record, gpointer user_data)
{
  Search *search = user_data;
  OutcallRuleRequestEntry *entry = search->entry;
  const OcDecision *decision = &record->decision;
  char host[OC_LOG_HOST_TEXT_MAX + 1];

  if (!oc_str_equal (decision->workload, oc_str_from (entry->workload))
      || (entry->port != 0 && decision->port != 0 && entry->port != decision->port))
    return;
  g_strlcpy (host, decision->host.data, MIN (sizeof host, decision->host.len + 1));
  if (!g_hash_table_contains (search->names, host))
    return;
  oc_log_set_request (search->links->log, record->sequence, search->id);
  entry->decision = record->sequence;
  g_free (entry->tool_use_id);
  entry->tool_use_id = decision->tool_use.len > 0
                           ? g_strndup (decision->tool_use.data, decision->tool_use.len)
                           : NULL;
}

void
oc_request_links_find (OcRequestLinks *links, OutcallRuleRequestEntry *entry,
                       const OcPolicy *policy)
{
  g_autoptr (GHashTable) names = list_names (entry, policy);
  const OcLogFilter filter = { .agent = entry->workload, .allowed = 0,
                               .since_us = entry->asked_at_us - PAST_US };
  Search search = { links, entry, names, parse_id (entry->id) };

  /* Oldest first: the newest one stays. */
  oc_log_foreach (links->log, &filter, on_past_record, &search);
}

void
oc_request_links_remove (OcRequestLinks *links, const OutcallRuleRequestEntry *entry)
{
  guint64 id = parse_id (entry->id);
  GHashTableIter iter;
  Link *link;

  g_hash_table_iter_init (&iter, links->by_name);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &link))
    if (link->id == id)
      g_hash_table_iter_remove (&iter);
}
