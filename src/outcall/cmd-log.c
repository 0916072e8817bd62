/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>

#define FOLLOW_PAST "10"      /* records shown before the new ones */

/* --- One decision as text -------------------------------------------------------------- */

char *
oc_cli_decision_target (const OutcallDecision *d)
{
  const char *host = d->host != NULL ? d->host : d->address;

  if (host == NULL)
    return g_strdup (d->method);
  if (d->port == 0)
    return g_strdup (host);
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, d->port);
}

static char *
format_what (const OutcallDecision *d)
{
  return g_strjoin (" ", d->method != NULL ? d->method : "", d->path, NULL);
}

static const char *
verdict_text (const OutcallDecision *d)
{
  return d->verdict == OUTCALL_OUTCOME_ALLOWED ? _("allowed") : _("blocked");
}

static OcStyle
verdict_style (const OutcallDecision *d)
{
  return d->verdict == OUTCALL_OUTCOME_ALLOWED ? OC_STYLE_GOOD : OC_STYLE_BAD;
}

static OcTable *
new_table (OcCli *cli)
{
  const char *const headings[] = { _("TIME"),   _("VERDICT"), _("AGENT"),     _("LAYER"),
                                   _("TARGET"), _("WHAT"),    _(">SENT"),     _(">RECEIVED"),
                                   _("RULE"),   _("REASON"),  _("REQUEST"), NULL };

  return oc_table_new (cli, headings);
}

/* Of what was allowed and is over. */
static void
add_size (OcTable *table, const OutcallDecision *d, uint64_t bytes)
{
  g_autofree char *text = d->ended ? g_format_size (bytes) : NULL;

  oc_table_add_cell (table, OC_STYLE_PLAIN, text);
}

static void
add_decision (OcTable *table, const OutcallDecision *d)
{
  g_autofree char *time = oc_cli_moment (d->time_us);
  g_autofree char *target = oc_cli_decision_target (d);
  g_autofree char *what = format_what (d);

  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_DIM, time);
  oc_table_add_cell (table, verdict_style (d), verdict_text (d));
  oc_table_add_cell (table, OC_STYLE_PLAIN, d->workload);
  oc_table_add_cell (table, OC_STYLE_PLAIN, outcall_layer_to_string (d->layer));
  oc_table_add_cell (table, OC_STYLE_PLAIN, target);
  oc_table_add_cell (table, OC_STYLE_PLAIN, what);
  add_size (table, d, d->bytes_up);
  add_size (table, d, d->bytes_down);
  oc_table_add_cell (table, OC_STYLE_PLAIN, d->rule != NULL ? d->rule : "-");
  oc_table_add_cell (table, OC_STYLE_PLAIN, d->reason);
  oc_table_add_cell (table, OC_STYLE_WARN, d->request);
}

/* --- Following -------------------------------------------------------------------------- */

/* Columns cannot be known beforehand, so each line stands for itself. */
static void
print_line (OcCli *cli, const OutcallDecision *d)
{
  g_autofree char *time = oc_cli_moment (d->time_us);
  g_autofree char *target = oc_cli_decision_target (d);
  g_autofree char *what = format_what (d);
  g_autofree char *reason = d->reason != NULL ? g_strconcat (": ", d->reason, NULL) : g_strdup ("");
  g_autofree char *rest = NULL;
  g_autofree char *clean = NULL;

  rest = g_strdup_printf ("%s %s %s %s (%s)%s", d->workload, outcall_layer_to_string (d->layer),
                          target != NULL ? target : "", what, d->rule != NULL ? d->rule : "-",
                          reason);
  clean = oc_cli_clean (rest);
  printf ("%s %s%s%s %s\n", time, oc_cli_style (cli, verdict_style (d)), verdict_text (d),
          oc_cli_style_end (cli), clean);
}

static void
tell_left_out (JsonObject *object)
{
  gulong n = (gulong) json_object_get_int_member_with_default (object, "left_out", 0);

  fprintf (stderr,
           ngettext ("outcall: %lu more is not shown: too many at once\n",
                     "outcall: %lu more are not shown: too many at once\n", n),
           n);
}

static void
print_event (OcCli *cli, const char *event, const char *data, gsize len)
{
  g_autoptr (JsonNode) node = outcall_json_parse (data, len, NULL);
  g_autoptr (OutcallDecision) decision = NULL;

  if (node == NULL || g_strcmp0 (event, "left_out") == 0)
    {
      if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
        tell_left_out (json_node_get_object (node));
      return;
    }
  if (g_strcmp0 (event, "decision") != 0)
    return;
  if (cli->json)
    {
      g_autofree char *text = outcall_json_print (node);

      puts (text);
      return;
    }
  decision = outcall_decision_from_json (node, NULL);
  if (decision != NULL)
    print_line (cli, decision);
}

static gboolean
on_event (const char *event, const char *data, gsize len, gpointer user_data)
{
  print_event (user_data, event, data, len);
  /* The reader of a pipe is gone: nobody to follow for. */
  return fflush (stdout) == 0;
}

static int
follow_log (OcCli *cli, const char *target)
{
  g_autofree char *why = oc_cli_follow (cli, target, on_event, cli);

  return oc_cli_error ("%s", why);
}

/* --- The command -------------------------------------------------------------------------- */

static int
show_log (OcCli *cli, const char *target)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GPtrArray) decisions = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OcTable) table = NULL;
  int code = oc_cli_fetch (cli, "GET", target, NULL, &data);

  if (code >= 0)
    return code;
  decisions = outcall_decision_list_from_json (data, &error);
  if (decisions == NULL)
    return oc_cli_bad_answer (cli, error);
  table = new_table (cli);
  for (guint i = 0; i < decisions->len; i++)
    add_decision (table, decisions->pdata[i]);
  oc_table_print (table);
  return OC_EXIT_OK;
}

int
oc_cmd_log (OcCli *cli, int argc, char **argv)
{
  gboolean follow = FALSE, blocked = FALSE, allowed = FALSE;
  g_autofree char *agent = NULL, *since = NULL, *host = NULL, *limit = NULL, *target = NULL;
  const GOptionEntry entries[] = {
    { "follow", 'f', 0, G_OPTION_ARG_NONE, &follow, N_("Go on with new ones"), NULL },
    { "blocked", 'b', 0, G_OPTION_ARG_NONE, &blocked, N_("Only what was refused"), NULL },
    { "allowed", 0, 0, G_OPTION_ARG_NONE, &allowed, N_("Only what was let through"), NULL },
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only of this agent"), N_("NAME") },
    { "host", 0, 0, G_OPTION_ARG_STRING, &host, N_("Only this host and names below it"),
      N_("HOST") },
    { "since", 0, 0, G_OPTION_ARG_STRING, &since, N_("Only since then: 30m, 8h, 2d or a time"),
      N_("TIME") },
    { "limit", 'n', 0, G_OPTION_ARG_STRING, &limit, N_("The newest so many"), N_("NUMBER") },
    { 0 },
  };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  if (blocked && allowed)
    return oc_cli_usage_error (cli, _("--blocked and --allowed exclude each other"));
  if (follow && since == NULL)
    {
      since = g_strdup ("1970-01-02T00:00:00Z");
      limit = limit != NULL ? limit : g_strdup (FOLLOW_PAST);
    }
  target = oc_cli_make_target (follow ? "/api/v1/events" : "/api/v1/log", "agent", agent, "verdict",
                               blocked ? "blocked" : allowed ? "allowed" : NULL, "host", host,
                               "since", since, "limit", limit, NULL);
  return follow ? follow_log (cli, target) : show_log (cli, target);
}
