/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "selftest.h"

#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name, *text;
} class_names[] = {
  { "dns", N_("DNS") },
  { "tls", N_("TLS names") },
  { "http", N_("HTTP framing") },
  { "raw", N_("Raw protocols") },
  { "l2", N_("Frames on the bridge") },
  { "ipv6", N_("IPv6") },
  { "host", N_("Host services") },
  { "engine", N_("Engine sockets") },
  { "files", N_("Planted files") },
  { "killed", N_("Daemon killed") },
};

/* Stable in JSON. */
static const char *const state_words[] = {
  [OC_WAY_HELD] = "held",
  [OC_WAY_ESCAPED] = "escaped",
  [OC_WAY_NOT_APPLICABLE] = "not-applicable",
};

static const struct
{
  const char *word; /* stable in JSON */
  const char *text; /* with one %s for the evidence, or none */
} reasons[] = {
  [OC_WAY_NO_RESULT] = { "no-result", N_("the probe gave no result") },
  [OC_WAY_REFUSED] = { "refused", N_("refused: %s") },
  [OC_WAY_IMPOSSIBLE] = { "impossible", N_("not possible inside: %s") },
  [OC_WAY_SILENT] = { "silent", N_("nothing came through") },
  [OC_WAY_ANSWERED] = { "answered", N_("open: %s") },
  [OC_WAY_AT_HOST] = { "at-host", N_("arrived at the host: %s") },
  [OC_WAY_ON_WIRE] = { "on-wire", N_("left the host by %s") },
  [OC_WAY_AT_NEIGHBOUR] = { "at-neighbour", N_("arrived at another workload: %s") },
  [OC_WAY_PLANTED] = { "planted", N_("is on the host now: %s") },
  [OC_WAY_ABSENT] = { "absent", N_("there is no such thing here") },
  [OC_WAY_UNFIT] = { "unfit", N_("cannot be tried: %s") },
  [OC_WAY_UNWATCHED] = { "unwatched", N_("no answer, and only root sees what leaves the host") },
  [OC_WAY_DISRUPTIVE] = { "disruptive", N_("interrupts other programs; --disruptive tries it") },
  [OC_WAY_ALLOWED] = { "allowed", N_("rule %s allows it") },
};

static const char *
get_class_text (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (class_names); i++)
    if (g_str_equal (class_names[i].name, name))
      return _(class_names[i].text);
  return name;
}

/* @text with @detail for its %s. (transfer full) */
static char *
fill (const char *text, const char *detail)
{
  GString *filled = g_string_new (text);

  g_string_replace (filled, "%s", detail != NULL ? detail : "", 1);
  return g_string_free (filled, FALSE);
}

/* --- For programs ---------------------------------------------------------------------- */

static JsonObject *
make_way (const OcWay *way, gboolean with_state)
{
  JsonObject *object = json_object_new ();
  g_autofree char *text = fill (way->text, way->detail);

  json_object_set_string_member (object, "class", way->class);
  json_object_set_string_member (object, "id", way->id);
  json_object_set_string_member (object, "way", text);
  if (!with_state)
    return object;
  json_object_set_string_member (object, "state", state_words[way->state]);
  json_object_set_string_member (object, "reason", reasons[way->reason].word);
  if (way->evidence != NULL)
    json_object_set_string_member (object, "evidence", way->evidence);
  return object;
}

static guint
count (const OcSelftest *test, OcWayState state)
{
  guint n = 0;

  for (guint i = 0; i < test->ways->len; i++)
    {
      const OcWay *way = test->ways->pdata[i];

      n += oc_selftest_is_chosen (test, way) && way->state == state;
    }
  return n;
}

static void
print_json (const OcSelftest *test, gboolean with_state)
{
  JsonObject *root = json_object_new ();
  JsonArray *ways = json_array_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  for (guint i = 0; i < test->ways->len; i++)
    if (oc_selftest_is_chosen (test, test->ways->pdata[i]))
      json_array_add_object_element (ways, make_way (test->ways->pdata[i], with_state));
  if (with_state)
    {
      json_object_set_int_member (root, "held", count (test, OC_WAY_HELD));
      json_object_set_int_member (root, "escaped", count (test, OC_WAY_ESCAPED));
      json_object_set_int_member (root, "not_applicable", count (test, OC_WAY_NOT_APPLICABLE));
    }
  json_object_set_array_member (root, "ways", ways);
  json_node_take_object (node, root);
  oc_cli_print_json (node);
}

/* --- For people ------------------------------------------------------------------------- */

/* The name of a class stands at its first way only. */
static void
add_class (OcTable *table, const OcWay *way, const char **last)
{
  gboolean is_new = *last == NULL || !g_str_equal (*last, way->class);

  oc_table_add_cell (table, OC_STYLE_BOLD, is_new ? get_class_text (way->class) : "");
  *last = way->class;
}

static void
add_state (OcTable *table, const OcWay *way)
{
  g_autofree char *reason = fill (_(reasons[way->reason].text), way->evidence);

  switch (way->state)
    {
    case OC_WAY_HELD:
      oc_table_add_cell (table, OC_STYLE_GOOD, C_ ("way out", "held"));
      break;
    case OC_WAY_ESCAPED:
      oc_table_add_cell (table, OC_STYLE_BAD, C_ ("way out", "escaped"));
      break;
    case OC_WAY_NOT_APPLICABLE:
    default:
      oc_table_add_cell (table, OC_STYLE_WARN, C_ ("way out", "not applicable"));
    }
  oc_table_add_cell (table, OC_STYLE_PLAIN, reason);
}

static void
print_counts (const OcSelftest *test)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (test->cli);

  oc_table_add_count (table, _("Held"), count (test, OC_WAY_HELD));
  oc_table_add_count (table, _("Escaped"), count (test, OC_WAY_ESCAPED));
  oc_table_add_count (table, _("Not applicable"), count (test, OC_WAY_NOT_APPLICABLE));
  oc_table_print (table);
}

void
oc_selftest_print (const OcSelftest *test)
{
  const char *const headings[] = { _("CLASS"), _("WAY OUT"), _("RESULT"), _("REASON"), NULL };
  g_autoptr (OcTable) table = oc_table_new (test->cli, headings);
  const char *last = NULL;

  if (test->cli->json)
    {
      print_json (test, TRUE);
      return;
    }
  for (guint i = 0; i < test->ways->len; i++)
    {
      const OcWay *way = test->ways->pdata[i];
      g_autofree char *text = fill (_(way->text), way->detail);

      if (!oc_selftest_is_chosen (test, way))
        continue;
      oc_table_add_row (table);
      add_class (table, way, &last);
      oc_table_add_cell (table, OC_STYLE_PLAIN, text);
      add_state (table, way);
    }
  oc_table_print (table);
  puts ("");
  print_counts (test);
}

void
oc_selftest_print_list (const OcSelftest *test)
{
  const char *const headings[] = { _("CLASS"), _("ID"), _("WAY OUT"), NULL };
  g_autoptr (OcTable) table = oc_table_new (test->cli, headings);

  if (test->cli->json)
    {
      print_json (test, FALSE);
      return;
    }
  for (guint i = 0; i < test->ways->len; i++)
    {
      const OcWay *way = test->ways->pdata[i];
      g_autofree char *text = fill (_(way->text), way->detail);

      if (!oc_selftest_is_chosen (test, way))
        continue;
      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_PLAIN, way->class);
      oc_table_add_cell (table, OC_STYLE_PLAIN, way->id);
      oc_table_add_cell (table, OC_STYLE_PLAIN, text);
    }
  oc_table_print (table);
}
