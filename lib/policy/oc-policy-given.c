/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-given.h"

#include <string.h>

typedef enum
{
  TYPE_STRING,
  TYPE_INTEGER,
  TYPE_LIST,
  TYPE_MAP,
  TYPE_TIME,
} MemberType;

/* Every variable of the context; the offset is of an OcStr, a gint64, an OcStrList,
 * or an array of pairs that is followed by its length. */
static const struct
{
  const char *space;
  const char *key;
  MemberType type;
  gsize offset;
} members[] = {
  { "network", "hostname", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, network.hostname) },
  { "network", "ip", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, network.ip) },
  { "network", "port", TYPE_INTEGER, G_STRUCT_OFFSET (OcPolicyContext, network.port) },
  { "network", "protocol", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, network.protocol) },
  { "http", "method", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, http.method) },
  { "http", "path", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, http.path) },
  { "http", "host", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, http.host) },
  { "http", "scheme", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, http.scheme) },
  { "http", "headers", TYPE_MAP, G_STRUCT_OFFSET (OcPolicyContext, http.headers) },
  { "http", "body_size", TYPE_INTEGER, G_STRUCT_OFFSET (OcPolicyContext, http.body_size) },
  { "http", "body", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, http.body) },
  { "dns", "query", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, dns.query) },
  { "dns", "record_type", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, dns.record_type) },
  { "docker", "image", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, docker.image) },
  { "docker", "command", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, docker.command) },
  { "docker", "volumes", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, docker.volumes) },
  { "docker", "env_keys", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, docker.env_keys) },
  { "docker", "capabilities", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, docker.capabilities) },
  { "run", "tool", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, run.tool) },
  { "run", "args", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, run.args) },
  { "run", "flags", TYPE_LIST, G_STRUCT_OFFSET (OcPolicyContext, run.flags) },
  { "run", "cwd", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, run.cwd) },
  { "run", "context", TYPE_MAP, G_STRUCT_OFFSET (OcPolicyContext, run.context) },
  { "agent", "name", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, agent.name) },
  { "agent", "id", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, agent.id) },
  { "agent", "image", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, agent.image) },
  { "agent", "project", TYPE_STRING, G_STRUCT_OFFSET (OcPolicyContext, agent.project) },
  { "request", "time", TYPE_TIME, G_STRUCT_OFFSET (OcPolicyContext, request_time_us) },
};

typedef struct
{
  const OcYamlNode *name;
  const OcYamlNode *given;
  const OcYamlNode *expect;
} TestNodes;

static const OcField test_fields[] = {
  { "name", G_STRUCT_OFFSET (TestNodes, name) },
  { "given", G_STRUCT_OFFSET (TestNodes, given) },
  { "expect", G_STRUCT_OFFSET (TestNodes, expect) },
  { NULL, 0 },
};

typedef struct
{
  const OcYamlNode *decision;
  const OcYamlNode *rule;
} ExpectNodes;

static const OcField expect_fields[] = {
  { "decision", G_STRUCT_OFFSET (ExpectNodes, decision) },
  { "rule", G_STRUCT_OFFSET (ExpectNodes, rule) },
  { NULL, 0 },
};

static const char *const decisions[] = { "allow", "block", NULL };

/* Where a test's values go. */
typedef struct
{
  const OcReader *reader;
  OcArena *arena;
  OcPolicyContext *context;
} Filler;

/* --- Values ------------------------------------------------------------------- */

static gboolean
fill_string (const Filler *filler, const OcYamlNode *node, OcStr *out)
{
  const char *text = NULL;

  if (node->kind == OC_YAML_SCALAR && node->style == OC_YAML_PLAIN && node->text.len == 0)
    return TRUE;
  if (!oc_reader_text (filler->reader, node, &text))
    return FALSE;
  *out = oc_str (oc_arena_strdup (filler->arena, text), node->text.len);
  return TRUE;
}

static gboolean
fill_list (const Filler *filler, const OcYamlNode *node, OcStrList *out)
{
  OcStr *items;
  gboolean ok = TRUE;

  if (node->kind != OC_YAML_SEQUENCE)
    {
      oc_reader_fail (filler->reader, node, "%s must be a list of strings", node->key->text.data);
      return FALSE;
    }
  items = oc_arena_new_array (filler->arena, OcStr, node->n);
  out->items = items;
  for (const OcYamlNode *entry = node->first; entry != NULL; entry = entry->next)
    ok = fill_string (filler, entry, &items[out->len++]) && ok;
  return ok;
}

static gboolean
fill_map (const Filler *filler, const OcYamlNode *node, gsize offset)
{
  guint8 *base = (guint8 *) filler->context;
  gboolean is_headers = offset == G_STRUCT_OFFSET (OcPolicyContext, http.headers);
  OcPair *pairs;
  gsize n = 0;
  gboolean ok = TRUE;

  if (node->kind != OC_YAML_MAPPING)
    {
      oc_reader_fail (filler->reader, node, "%s must be a mapping", node->key->text.data);
      return FALSE;
    }
  pairs = oc_arena_new_array (filler->arena, OcPair, node->n);
  for (const OcYamlNode *child = node->first; child != NULL; child = child->next)
    {
      pairs[n].name = oc_str (oc_arena_strdup (filler->arena, child->key->text.data),
                              child->key->text.len);
      ok = fill_string (filler, child, &pairs[n++].value) && ok;
    }
  *(const OcPair **) (void *) (base + offset) = pairs;
  if (is_headers)
    filler->context->http.n_headers = n;
  else
    filler->context->run.n_context = n;
  return ok;
}

static gboolean
fill_time (const Filler *filler, const OcYamlNode *node, gint64 *out)
{
  const char *text = NULL;
  g_autoptr (GDateTime) time = NULL;

  if (!oc_reader_text (filler->reader, node, &text))
    return FALSE;
  time = g_date_time_new_from_iso8601 (text, NULL);
  if (time == NULL)
    {
      oc_reader_fail (filler->reader, node,
                      "time must be an RFC 3339 time as in 2026-01-31T12:00:00Z");
      return FALSE;
    }
  *out = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
  return TRUE;
}

static gboolean
fill_member (const Filler *filler, const OcYamlNode *node, gsize member)
{
  guint8 *at = (guint8 *) filler->context + members[member].offset;

  switch (members[member].type)
    {
    case TYPE_STRING:
      return fill_string (filler, node, (OcStr *) (void *) at);
    case TYPE_INTEGER:
      return oc_reader_integer (filler->reader, node, 0, G_MAXINT64, (gint64 *) (void *) at);
    case TYPE_LIST:
      return fill_list (filler, node, (OcStrList *) (void *) at);
    case TYPE_MAP:
      return fill_map (filler, node, members[member].offset);
    case TYPE_TIME:
    default:
      return fill_time (filler, node, (gint64 *) (void *) at);
    }
}

/* --- given --------------------------------------------------------------------- */

/* @space: (nullable): then the namespaces themselves */
static void
fail_unknown (const OcReader *reader, const OcYamlNode *node, const char *space)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *word = node->key->text.data;
  const char *closest;

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    if (space == NULL || strcmp (members[i].space, space) == 0)
      g_ptr_array_add (names, (gpointer) (space == NULL ? members[i].space : members[i].key));
  g_ptr_array_add (names, NULL);
  closest = oc_report_closest (word, (const char *const *) names->pdata);
  oc_reader_fail (reader, node->key, "there is no variable %s%s%s%s%s%s", space ? space : "",
                  space ? "." : "", word, closest ? "; did you mean '" : "",
                  closest ? closest : "", closest ? "'?" : "");
}

static gboolean
fill_space (const Filler *filler, const OcYamlNode *node)
{
  const char *space = node->key->text.data;
  gboolean ok = TRUE;

  if (node->kind != OC_YAML_MAPPING)
    {
      oc_reader_fail (filler->reader, node, "%s must be a mapping", space);
      return FALSE;
    }
  for (const OcYamlNode *child = node->first; child != NULL; child = child->next)
    {
      gsize i = 0;

      while (i < G_N_ELEMENTS (members)
             && (strcmp (members[i].space, space) != 0
                 || strcmp (members[i].key, child->key->text.data) != 0))
        i++;
      if (i == G_N_ELEMENTS (members))
        {
          fail_unknown (filler->reader, child, space);
          ok = FALSE;
        }
      else
        ok = fill_member (filler, child, i) && ok;
    }
  return ok;
}

static gboolean
fill_given (const Filler *filler, const OcYamlNode *node)
{
  gboolean ok = TRUE;

  if (node->kind != OC_YAML_MAPPING)
    {
      oc_reader_fail (filler->reader, node, "given must be a mapping of the context");
      return FALSE;
    }
  for (const OcYamlNode *child = node->first; child != NULL; child = child->next)
    {
      const char *space = child->key->text.data;

      if (oc_slots_namespace_bit (space, strlen (space)) == 0)
        {
          fail_unknown (filler->reader, child, NULL);
          ok = FALSE;
        }
      else
        ok = fill_space (filler, child) && ok;
    }
  return ok;
}

/* --- expect -------------------------------------------------------------------- */

static gboolean
read_expected_rule (const OcReader *reader, const OcYamlNode *node, OcArena *arena,
                    OcPolicyTest *out)
{
  const char *rule = NULL;

  out->any_rule = node == NULL;
  if (node == NULL || oc_yaml_is_null (node))
    return TRUE;
  if (!oc_reader_text (reader, node, &rule))
    return FALSE;
  out->rule = oc_arena_strdup (arena, rule);
  return TRUE;
}

static gboolean
read_expect (const OcReader *reader, const OcYamlNode *node, OcArena *arena, OcPolicyTest *out)
{
  ExpectNodes nodes = { 0 };
  guint decision = 0;
  gboolean ok;

  if (node->kind != OC_YAML_MAPPING)
    {
      ok = oc_reader_choice (reader, node, decisions, &decision);
      out->any_rule = TRUE;
      out->allowed = decision == 0;
      return ok;
    }
  if (!oc_reader_fields (reader, node, "expect", expect_fields, &nodes))
    return FALSE;
  if (nodes.decision == NULL)
    {
      oc_reader_fail (reader, node, "expect has no 'decision' (allow or block)");
      return FALSE;
    }
  ok = oc_reader_choice (reader, nodes.decision, decisions, &decision);
  out->allowed = decision == 0;
  return read_expected_rule (reader, nodes.rule, arena, out) && ok;
}

/* A look-up brings a name and nothing of a connection. */
static gboolean
is_look_up (const OcPolicyContext *context)
{
  return context->dns.query.len > 0 && context->network.port == 0 && context->http.host.len == 0
         && context->http.method.len == 0;
}

gboolean
oc_test_read (const OcReader *reader, const OcYamlNode *node, OcArena *arena, OcPolicyTest *out)
{
  TestNodes nodes = { 0 };
  OcPolicyContext *context = oc_arena_new0 (arena, OcPolicyContext);
  Filler filler = { reader, arena, context };
  const char *name = NULL;
  guint column;
  gboolean ok = oc_reader_fields (reader, node, "a test", test_fields, &nodes);

  if (!ok)
    return FALSE;
  if (nodes.name == NULL || nodes.given == NULL || nodes.expect == NULL)
    {
      oc_reader_fail (reader, node, "a test needs 'name', 'given' and 'expect'");
      return FALSE;
    }
  if (!oc_reader_text (reader, nodes.name, &name))
    return FALSE;
  ok = fill_given (&filler, nodes.given);
  ok = read_expect (reader, nodes.expect, arena, out) && ok;
  oc_rule_file_locate (reader->file, node->start, &out->line, &column);
  out->file = oc_arena_strdup (arena, reader->file->path);
  out->name = oc_arena_strdup (arena, name);
  out->context = context;
  out->name_only = is_look_up (context);
  return ok;
}
