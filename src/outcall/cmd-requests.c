/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUTE "/api/v1/requests/rules"

/* --- Words ----------------------------------------------------------------------- */

static const char *
status_text (const OutcallRuleRequestEntry *entry)
{
  if (entry->ended)
    return _("ended");
  switch (entry->status)
    {
    case OUTCALL_RULE_REQUEST_STATUS_APPROVED:
      return _("approved");
    case OUTCALL_RULE_REQUEST_STATUS_REJECTED:
      return _("rejected");
    case OUTCALL_RULE_REQUEST_STATUS_PENDING:
    default:
      return _("pending");
    }
}

static OcStyle
status_style (const OutcallRuleRequestEntry *entry)
{
  if (entry->status == OUTCALL_RULE_REQUEST_STATUS_PENDING)
    return OC_STYLE_WARN;
  return entry->status == OUTCALL_RULE_REQUEST_STATUS_APPROVED && !entry->ended ? OC_STYLE_GOOD
                                                                               : OC_STYLE_DIM;
}

char *
oc_cli_request_target (const OutcallRuleRequestEntry *entry)
{
  if (entry->host == NULL)
    return g_strdup (_("a rule file"));
  if (entry->port == 0)
    return g_strdup (entry->host);
  return g_strdup_printf ("%s:%u", entry->host, entry->port);
}

/* --- list -------------------------------------------------------------------------- */

static void
print_list (OcCli *cli, GPtrArray *entries)
{
  const char *const headings[] = { _("ID"),       _("STATUS"), _(">AGE"), _("AGENT"),
                                   _("ASKS FOR"), _("REASON"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  for (guint i = 0; i < entries->len; i++)
    {
      const OutcallRuleRequestEntry *entry = entries->pdata[i];
      g_autofree char *age = oc_cli_age_since (entry->asked_at_us);
      g_autofree char *target = oc_cli_request_target (entry);

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_BOLD, entry->id);
      oc_table_add_cell (table, status_style (entry), status_text (entry));
      oc_table_add_cell (table, OC_STYLE_PLAIN, age);
      oc_table_add_cell (table, OC_STYLE_PLAIN, entry->workload);
      oc_table_add_cell (table, OC_STYLE_PLAIN, target);
      oc_table_add_cell (table, OC_STYLE_PLAIN, entry->reason);
    }
  oc_table_print (table);
}

int
oc_cmd_requests_list (OcCli *cli, int argc, char **argv)
{
  gboolean decided = FALSE;
  g_autofree char *limit = NULL;
  const GOptionEntry entries[] = {
    { "decided", 0, 0, G_OPTION_ARG_NONE, &decided, N_("Those that were decided"), NULL },
    { "limit", 'n', 0, G_OPTION_ARG_STRING, &limit, N_("The newest so many"), N_("NUMBER") },
    { 0 },
  };
  g_autofree char *target = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  target = oc_cli_make_target (ROUTE, "state", decided ? "decided" : NULL, "limit", limit, NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  list = outcall_rule_request_entry_list_from_json (data, &error);
  if (list == NULL)
    return oc_cli_bad_answer (cli, error);
  if (list->len == 0)
    puts (decided ? _("Nothing was decided yet.") : _("No request waits."));
  print_list (cli, list);
  return OC_EXIT_OK;
}

/* --- show ------------------------------------------------------------------------------ */

static char *
join_names (char **names, gsize n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "",
                            g_str_equal (names[i], "*") ? _("any") : names[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_names (OcTable *table, const char *label, char **names, gsize n)
{
  g_autofree char *text = join_names (names, n);

  if (n > 0)
    oc_table_add_pair (table, label, text);
}

static void
add_entry (OcTable *table, const OutcallRuleRequestEntry *entry)
{
  g_autofree char *target = oc_cli_request_target (entry);
  g_autofree char *asked = oc_cli_moment (entry->asked_at_us);
  g_autofree char *decision = g_strdup_printf ("%" G_GUINT64_FORMAT, entry->decision);

  oc_table_add_pair (table, _("Request"), entry->id);
  oc_table_add_pair (table, _("Status"), status_text (entry));
  oc_table_add_pair (table, _("Agent"), entry->workload);
  oc_table_add_pair (table, _("Asks for"), target);
  if (entry->reason != NULL)
    oc_table_add_pair (table, _("Reason"), entry->reason);
  oc_table_add_pair (table, _("Asked"), asked);
  if (entry->decision != 0)
    oc_table_add_pair (table, _("After block"), decision);
  if (entry->tool_use_id != NULL)
    oc_table_add_pair (table, _("Tool call"), entry->tool_use_id);
}

static void
add_decided (OcTable *table, const OutcallRuleRequestEntry *entry)
{
  g_autofree char *decided = oc_cli_moment (entry->decided_at_us);
  g_autofree char *by = g_strdup_printf (_("%s by uid %u"), decided, entry->decided_by);
  g_autofree char *expires = oc_cli_moment (entry->expires_at_us);

  oc_table_add_pair (table, _("Decided"), by);
  if (entry->answer != NULL)
    oc_table_add_pair (table, _("Answer"), entry->answer);
  if (entry->file != NULL)
    oc_table_add_pair (table, _("Rule file"), entry->file);
  if (entry->expires_at_us != 0)
    oc_table_add_pair (table, _("Until"), expires);
}

static void
add_effect (OcTable *table, const OutcallRuleRequestReview *review)
{
  g_autofree char *expires = oc_cli_moment (review->expires_at_us);

  oc_table_add_pair (table, _("Until"), review->expires_at_us != 0 ? expires : _("for good"));
  add_names (table, _("Opens"), review->hosts, review->n_hosts);
  add_names (table, _("For"), review->agents, review->n_agents);
  add_names (table, _("Also running"), review->other_agents, review->n_other_agents);
  oc_table_add_count (table, _("Would be allowed"), review->allowed);
  if (review->blocked > 0)
    oc_table_add_count (table, _("Would be blocked"), review->blocked);
  if (review->elsewhere > 0)
    oc_table_add_count (table, _("Of other agents"), review->elsewhere);
  add_names (table, _("Hosts of these"), review->allowed_hosts, review->n_allowed_hosts);
  add_names (table, _("Overrides rules"), review->overrides, review->n_overrides);
}

/* The file as it is, line by line through the cleaner. */
static void
print_text (OcCli *cli, const char *name, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *clean_name = oc_cli_clean (name);

  printf ("\n%s%s%s\n", oc_cli_style (cli, OC_STYLE_DIM), clean_name, oc_cli_style_end (cli));
  for (gsize i = 0; lines[i] != NULL && (*lines[i] != '\0' || lines[i + 1] != NULL); i++)
    {
      g_autofree char *clean = oc_cli_clean (lines[i]);

      printf ("  %s\n", clean);
    }
}

void
oc_cli_print_review (OcCli *cli, const OutcallRuleRequestReview *review)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);

  add_entry (table, &review->request);
  add_effect (table, review);
  oc_table_print (table);
  print_text (cli, review->file, review->text);
  for (gsize i = 0; i < review->n_warnings; i++)
    {
      g_autofree char *clean = oc_cli_clean (review->warnings[i]->text);

      printf (_("%swarning:%s %s\n"), oc_cli_style (cli, OC_STYLE_WARN), oc_cli_style_end (cli),
              clean);
    }
}

static void
print_decided (OcCli *cli, const OutcallRuleRequestEntry *entry)
{
  g_autoptr (OcTable) table = oc_table_new_pairs (cli);

  add_entry (table, entry);
  add_decided (table, entry);
  oc_table_print (table);
  if (entry->rule_file != NULL)
    print_text (cli, "", entry->rule_file);
}

typedef struct
{
  char *duration; /* (nullable) */
  gboolean any_agent;
  gint64 duration_s;
} ApproveOptions;

/* One ID. Returns: -1 to go on, else the exit code. */
static int
take_id (OcCli *cli, int argc, char **argv, const char **out_id)
{
  if (argc != 2)
    return oc_cli_usage_error (cli, _("an ID is needed"));
  if (strspn (argv[1], "0123456789abcdef") != strlen (argv[1]))
    return oc_cli_usage_error (cli, _("'%s' is not the ID of a request"), argv[1]);
  *out_id = argv[1];
  return -1;
}

static char *
make_review_target (const char *id, const ApproveOptions *options)
{
  g_autofree char *path = g_strdup_printf (ROUTE "/%s", id);
  g_autofree char *seconds = g_strdup_printf ("%" G_GINT64_FORMAT, options->duration_s);

  return oc_cli_make_target (path, "for_s", options->duration_s != 0 ? seconds : NULL,
                             "any_agent", options->any_agent ? "true" : NULL, NULL);
}

static int
read_approve_options (OcCli *cli, ApproveOptions *options, int *argc, char ***argv,
                      const char **out_id)
{
  const GOptionEntry entries[] = {
    { "for", 0, 0, G_OPTION_ARG_STRING, &options->duration, N_("Only for so long: 30m, 8h, 2d"),
      N_("TIME") },
    { "any-agent", 0, 0, G_OPTION_ARG_NONE, &options->any_agent,
      N_("For every agent, not only the one that asked"), NULL },
    { 0 },
  };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, argc, argv);

  if (code < 0)
    code = take_id (cli, *argc, *argv, out_id);
  if (code >= 0)
    return code;
  if (options->duration != NULL
      && (!oc_cli_parse_duration (options->duration, &options->duration_s)
          || options->duration_s == 0))
    return oc_cli_usage_error (cli, _("'%s' is not a time such as 30m or 8h"), options->duration);
  return -1;
}

int
oc_cmd_requests_show (OcCli *cli, int argc, char **argv)
{
  ApproveOptions options = { 0 };
  const char *id = NULL;
  g_autofree char *target = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallRuleRequestReview) review = NULL;
  g_autoptr (OutcallRuleRequestEntry) entry = NULL;
  int code = read_approve_options (cli, &options, &argc, &argv, &id);
  g_autofree char *duration G_GNUC_UNUSED = options.duration;

  if (code >= 0)
    return code;
  target = make_review_target (id, &options);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  review = outcall_rule_request_review_from_json (data, NULL);
  if (review != NULL)
    oc_cli_print_review (cli, review);
  else
    {
      entry = outcall_rule_request_entry_from_json (data, &error);
      if (entry == NULL)
        return oc_cli_bad_answer (cli, error);
      print_decided (cli, entry);
    }
  return OC_EXIT_OK;
}

/* --- approve ------------------------------------------------------------------------------ */

JsonNode *
oc_cli_make_approval (const OutcallRuleRequestReview *review)
{
  const OutcallRuleRequestApproval approval
      = { review->digest, review->expires_at_us, review->any_agent };

  return outcall_rule_request_approval_to_json (&approval);
}

/* On a terminal, what will happen is shown and asked for. */
static gboolean
confirm (OcCli *cli, const OutcallRuleRequestReview *review)
{
  char answer[16];

  if (cli->json || !isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
    return TRUE;
  oc_cli_print_review (cli, review);
  /* TRANSLATORS: the answer is the letter y in every language */
  printf (_("\nApprove this? [y/N] "));
  (void) fflush (stdout);
  return fgets (answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

int
oc_cmd_requests_approve (OcCli *cli, int argc, char **argv)
{
  ApproveOptions options = { 0 };
  const char *id = NULL;
  g_autofree char *target = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) shown = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallRuleRequestReview) review = NULL;
  int code = read_approve_options (cli, &options, &argc, &argv, &id);
  g_autofree char *duration G_GNUC_UNUSED = options.duration;

  if (code >= 0)
    return code;
  target = make_review_target (id, &options);
  if (oc_cli_call (cli, "GET", target, NULL, &shown) != OC_EXIT_OK)
    return OC_EXIT_FAILED;
  review = outcall_rule_request_review_from_json (shown, NULL);
  if (review == NULL)
    return oc_cli_error (_("request %s is decided already; see: outcall requests show %s"), id, id);
  if (!confirm (cli, review))
    return oc_cli_error (_("not approved"));
  path = g_strdup_printf (ROUTE "/%s/approve", id);
  code = oc_cli_fetch (cli, "POST", path, oc_cli_make_approval (review), &data);
  if (code >= 0)
    return code;
  printf (_("Approved; %s is in force.\n"), review->file);
  return OC_EXIT_OK;
}

/* --- reject -------------------------------------------------------------------------------- */

int
oc_cmd_requests_reject (OcCli *cli, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  const GOptionEntry entries[] = {
    { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("What the agent is told"), N_("TEXT") },
    { 0 },
  };
  const char *id = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) data = NULL;
  OutcallRejection request = { 0 };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = take_id (cli, argc, argv, &id);
  if (code >= 0)
    return code;
  request.reason = reason;
  path = g_strdup_printf (ROUTE "/%s/reject", id);
  code = oc_cli_fetch (cli, "POST", path, outcall_rejection_to_json (&request), &data);
  if (code >= 0)
    return code;
  puts (_("Rejected."));
  return OC_EXIT_OK;
}
