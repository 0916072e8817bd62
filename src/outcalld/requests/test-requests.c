/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Rule requests over real files and real policies. Specification: 03 "Rule requests".
 */
#include "config.h"

#include "requests/oc-requests-private.h"

#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define BASE_RULES                                                                                 \
  "version: \"1\"\n"                                                                               \
  "rules:\n"                                                                                       \
  "  - id: allow-api\n"                                                                            \
  "    hosts: [\"api.example.com\"]\n"                                                             \
  "    action: allow\n"                                                                            \
  "  - id: block-bad\n"                                                                            \
  "    hosts: [\"bad.example.com\"]\n"                                                             \
  "    action: block\n"                                                                            \
  "    priority: 200\n"

typedef struct
{
  char *dir, *rules_dir, *state_dir;
  OcSnapshotHub *hub;
  OcLog *log;
  OcLogProducer *producer;
  OcRules *rules;
  OcRequests *requests;
  OcIdentity *ci, *other;
  guint told; /* by the listener */
} Fixture;

/* --- Set-up ---------------------------------------------------------------------------- */

static void
write_rules (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->rules_dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
}

static void
on_told (const OutcallRuleRequestEntry *entry, gpointer user_data)
{
  ((Fixture *) user_data)->told++;
}

static void
open_requests (Fixture *f)
{
  const OcPolicyOptions options = { .have_proxy = TRUE };
  g_autoptr (GError) error = NULL;

  f->hub = oc_snapshot_hub_new ();
  f->log = oc_log_new ();
  f->producer = oc_log_add_producer (f->log);
  f->rules = oc_rules_new (f->rules_dir, &options, f->hub);
  f->requests = oc_requests_new (f->state_dir, f->rules, f->log, &error);
  g_assert_no_error (error);
  g_assert_true (oc_rules_reload (f->rules, NULL, &error));
  g_assert_no_error (error);
  oc_requests_add_listener (f->requests, on_told, f);
}

static void
close_requests (Fixture *f)
{
  oc_requests_free (f->requests);
  oc_rules_free (f->rules);
  oc_log_producer_free (f->producer);
  oc_log_free (f->log);
  oc_snapshot_hub_free (f->hub);
}

static OcIdentity *
make_identity (const char *name, const char *id)
{
  OcAddress address = { 0 };
  OcAddress gateway = { 0 };

  return oc_identity_new (name, id, "", "", &address, &gateway, 1);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("outcall-requests-XXXXXX", NULL);
  f->rules_dir = g_build_filename (f->dir, "rules.d", NULL);
  f->state_dir = g_build_filename (f->dir, "state", NULL);
  g_assert_cmpint (g_mkdir (f->rules_dir, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (f->state_dir, 0700), ==, 0);
  write_rules (f, "10-base.yaml", BASE_RULES);
  f->ci = make_identity ("ci-2", "w1");
  f->other = make_identity ("other", "w2");
  open_requests (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_requests (f);
  oc_identity_unref (f->ci);
  oc_identity_unref (f->other);
  oc_test_run ("rm -rf '%s'", f->dir);
  g_free (f->dir);
  g_free (f->rules_dir);
  g_free (f->state_dir);
}

static void
reopen (Fixture *f)
{
  close_requests (f);
  open_requests (f);
}

/* --- Helpers ----------------------------------------------------------------------------- */

static const OutcallRuleRequestEntry *
submit (Fixture *f, const OutcallRuleSubmission *what)
{
  g_autoptr (GError) error = NULL;
  const OutcallRuleRequestEntry *entry
      = oc_requests_submit (f->requests, f->ci, what, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (entry);
  return entry;
}

/* The id. (transfer full) */
static char *
submit_host (Fixture *f, const char *host, guint16 port)
{
  const OutcallRuleSubmission what = { .host = (char *) host, .port = port };

  return g_strdup (submit (f, &what)->id);
}

static char *
submit_rules (Fixture *f, const char *rules)
{
  g_autofree char *text = g_strconcat ("version: \"1\"\n", rules, NULL);
  const OutcallRuleSubmission what = { .rule_file = text };

  return g_strdup (submit (f, &what)->id);
}

static OutcallRuleRequestReview *
review (Fixture *f, const char *id, gint64 duration_s, gboolean any_agent)
{
  g_autoptr (GError) error = NULL;
  OutcallRuleRequestReview *result
      = oc_requests_review (f->requests, id, duration_s, any_agent, NULL, &error);

  g_assert_no_error (error);
  return result;
}

static OutcallRuleRequestApproval
approval_of (const OutcallRuleRequestReview *shown)
{
  return (OutcallRuleRequestApproval) { shown->digest, shown->expires_at_us, shown->any_agent };
}

static void
approve (Fixture *f, const char *id, gint64 duration_s, gboolean any_agent)
{
  g_autoptr (OutcallRuleRequestReview) shown = review (f, id, duration_s, any_agent);
  const OutcallRuleRequestApproval approval = approval_of (shown);
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_requests_approve (f->requests, id, &approval, 1000, &error));
  g_assert_no_error (error);
}

/* For as short a time as this machine manages; a slow one needs more. Returns: its end */
static gint64
approve_briefly (Fixture *f, const char *id)
{
  for (gint64 duration_s = 1; duration_s <= 64; duration_s *= 2)
    {
      g_autoptr (OutcallRuleRequestReview) shown = review (f, id, duration_s, FALSE);
      const OutcallRuleRequestApproval approval = approval_of (shown);
      g_autoptr (GError) error = NULL;

      if (oc_requests_approve (f->requests, id, &approval, 1000, &error))
        return shown->expires_at_us;
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  g_assert_not_reached ();
}

static gboolean
is_allowed (Fixture *f, const char *agent, const char *host, guint16 port)
{
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  context.agent.name = oc_str_from (agent);
  context.network.hostname = oc_str_from (host);
  context.network.port = port;
  context.http.host = oc_str_from (host);
  context.request_time_us = g_get_real_time ();
  oc_policy_evaluate (oc_rules_get_policy (f->rules), &context, &verdict);
  return verdict.allowed;
}

static gboolean
has_rule_file (Fixture *f, const char *id)
{
  g_autofree char *name = oc_request_file_name (id);
  g_autofree char *path = g_build_filename (f->rules_dir, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static OutcallRuleRequestStatus
status_of (Fixture *f, const char *id)
{
  const OutcallRuleRequestEntry *entry = oc_requests_lookup (f->requests, id);

  g_assert_nonnull (entry);
  return entry->status;
}

/* --- Asking --------------------------------------------------------------------------------- */

static void
test_submit (Fixture *f, gconstpointer data)
{
  const OutcallRuleSubmission what
      = { .host = (char *) "Registry.NPMJS.org.", .port = 443, .reason = (char *) "npm ci" };
  const OutcallRuleRequestEntry *entry = submit (f, &what);
  g_autofree char *id = g_strdup (entry->id);

  g_assert_cmpstr (entry->host, ==, "registry.npmjs.org");
  g_assert_cmpstr (entry->agent, ==, "ci");
  g_assert_cmpuint (f->told, ==, 1);
  g_assert_false (is_allowed (f, "ci", "registry.npmjs.org", 443));
  reopen (f);
  entry = oc_requests_lookup (f->requests, id);
  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->workload, ==, "ci-2");
  g_assert_cmpstr (entry->workload_id, ==, "w1");
  g_assert_cmpstr (entry->reason, ==, "npm ci");
  g_assert_cmpuint (entry->port, ==, 443);
  g_assert_cmpint (entry->status, ==, OUTCALL_RULE_REQUEST_STATUS_PENDING);
}

#define RULES(text) "version: \"1\"\nrules:\n" text
#define RULE(condition) RULES ("  - id: a\n    action: allow\n    condition: '" condition "'\n")

static const struct
{
  OutcallRuleSubmission what;
  int code;
  const char *message;
} refused[] = {
  { { NULL, NULL, 0, NULL }, G_IO_ERROR_INVALID_ARGUMENT, "either" },
  { { (char *) RULE ("true"), (char *) "a.b", 0, NULL }, G_IO_ERROR_INVALID_ARGUMENT, "either" },
  { { (char *) RULE ("true"), NULL, 443, NULL }, G_IO_ERROR_INVALID_ARGUMENT, "either" },
  { { NULL, (char *) "a.b", 0, (char *) "x\ny" }, G_IO_ERROR_INVALID_ARGUMENT, "control" },
  { { NULL, (char *) "a..b", 0, NULL }, G_IO_ERROR_INVALID_DATA, "host" },
  { { NULL, (char *) "*", 0, NULL }, G_IO_ERROR_INVALID_DATA, "host" },
  { { NULL, (char *) "*.*.b", 0, NULL }, G_IO_ERROR_INVALID_DATA, "host" },
  { { NULL, (char *) "*.192.0.2.1", 0, NULL }, G_IO_ERROR_INVALID_DATA, "below" },
  { { NULL, (char *) "a.b'] #", 0, NULL }, G_IO_ERROR_INVALID_DATA, "host" },
  { { NULL, (char *) "a.b:443", 0, NULL }, G_IO_ERROR_INVALID_DATA, "host" },
  { { (char *) "", NULL, 0, NULL }, G_IO_ERROR_INVALID_DATA, "" },
  { { (char *) "version: \"1\"\n", NULL, 0, NULL }, G_IO_ERROR_INVALID_DATA, "1 to 64 rules" },
  { { (char *) RULE ("network.hostnam == \"a\""), NULL, 0, NULL }, G_IO_ERROR_INVALID_DATA,
    "request.yaml:5" },
  { { (char *) RULE ("1"), NULL, 0, NULL }, G_IO_ERROR_INVALID_DATA, "bool" },
  { { (char *) RULE ("true) || (true"), NULL, 0, NULL }, G_IO_ERROR_INVALID_DATA, "" },
  { { (char *) RULES ("  - id: a\n    action: allow\n    hosts: [\"a.b\"]\n    egress:\n"
                      "      mode: intercept\n"),
      NULL, 0, NULL },
    G_IO_ERROR_INVALID_DATA, "intercept" },
};

static void
test_refused (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GPtrArray) diagnostics
          = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
      g_autoptr (GError) error = NULL;

      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_null (
          oc_requests_submit (f->requests, f->ci, &refused[i].what, diagnostics, &error));
      g_assert_error (error, G_IO_ERROR, refused[i].code);
      g_assert_nonnull (strstr (error->message, refused[i].message));
    }
  g_assert_cmpuint (oc_requests_count_pending (f->requests), ==, 0);
}

/* As many rules as may be and one more; each of them would be long with its definition. */
static void
test_many_rules (Fixture *f, gconstpointer data)
{
  for (guint n = OC_REQUEST_RULES_MAX; n <= OC_REQUEST_RULES_MAX + 1; n++)
    {
      g_autoptr (GString) text = g_string_new ("version: \"1\"\nrules:\n");
      OutcallRuleSubmission what = { 0 };
      g_autoptr (GError) error = NULL;
      const OutcallRuleRequestEntry *entry;

      for (guint i = 0; i < n; i++)
        g_string_append_printf (text, "  - {id: r%u, hosts: [h%u.org], action: allow}\n", i, i);
      what.rule_file = text->str;
      entry = oc_requests_submit (f->requests, f->ci, &what, NULL, &error);
      g_assert_cmpint (entry != NULL, ==, n == OC_REQUEST_RULES_MAX);
      if (entry == NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
}

/* A small file that would be a large one: refused for its length, or before that. */
static void
test_bomb (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("version: \"1\"\ndefinitions:\n  a0: 'true'\n");
  OutcallRuleSubmission what = { 0 };
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= 12; i++)
    g_string_append_printf (text, "  a%u: '$a%u && $a%u'\n", i, i - 1, i - 1);
  g_string_append (text, "rules:\n");
  for (guint i = 0; i < OC_REQUEST_RULES_MAX; i++)
    g_string_append_printf (text, "  - {id: r%u, condition: $a12, action: allow}\n", i);
  what.rule_file = text->str;
  g_assert_null (oc_requests_submit (f->requests, f->ci, &what, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* A reason of exactly the limit, and one byte more. */
static void
test_reason_limit (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (OC_REQUEST_REASON_MAX, 'r');
  g_autofree char *longer = g_strnfill (OC_REQUEST_REASON_MAX + 1, 'r');
  g_autofree char *id = submit_host (f, "a.example.org", 0);
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_requests_reject (f->requests, id, longer, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (oc_requests_reject (f->requests, id, "a\033[2Jb", 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_cmpint (status_of (f, id), ==, OUTCALL_RULE_REQUEST_STATUS_PENDING);
  g_assert_true (oc_requests_reject (f->requests, id, longest, 0, &error));
}

/* 100 wait for one workload and no more; another one has its own. */
static void
test_cap (Fixture *f, gconstpointer data)
{
  const OutcallRuleSubmission what = { .host = (char *) "a.example.org" };
  g_autoptr (GError) error = NULL;
  g_autofree char *id = submit_host (f, "first.example.org", 0);

  for (guint i = 1; i < OC_REQUESTS_PER_WORKLOAD_MAX; i++)
    (void) submit (f, &what);
  g_assert_null (oc_requests_submit (f->requests, f->ci, &what, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_nonnull (oc_requests_submit (f->requests, f->other, &what, NULL, &error));
  g_assert_true (oc_requests_reject (f->requests, id, NULL, 0, &error));
  (void) submit (f, &what);
}

/* 1,000 wait in all. */
static void
test_cap_of_all (Fixture *f, gconstpointer data)
{
  const OutcallRuleSubmission what = { .host = (char *) "a.example.org" };
  g_autoptr (OcIdentity) last = make_identity ("last", "last");
  g_autoptr (GError) error = NULL;

  if (g_getenv ("OUTCALL_LONG") == NULL)
    {
      g_test_skip ("OUTCALL_LONG=1 runs it");
      return;
    }
  for (guint i = 0; i < OC_REQUESTS_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("w%u", i / OC_REQUESTS_PER_WORKLOAD_MAX);
      g_autoptr (OcIdentity) who = make_identity (name, name);

      g_assert_nonnull (oc_requests_submit (f->requests, who, &what, NULL, &error));
    }
  g_assert_null (oc_requests_submit (f->requests, last, &what, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

/* --- Rules as text ------------------------------------------------------------------------------ */

static void
test_short_text (Fixture *f, gconstpointer data)
{
  const OutcallRuleSubmission what = { .host = (char *) "*.example.org",
                                       .port = 8443,
                                       .reason = (char *) "it's \"x\" \xe2\x80\xae" };
  const OutcallRuleRequestEntry *entry = submit (f, &what);
  g_autoptr (OutcallRuleRequestReview) shown = review (f, entry->id, 0, FALSE);
  g_autoptr (OutcallRuleRequestReview) wide = review (f, entry->id, 0, TRUE);
  g_autofree char *expected = g_strdup_printf (
      "version: \"1\"\nrules:\n  - id: 'agent-%s-1'\n"
      "    description: \"asked for by ci-2: it's \\\"x\\\" \\u202E\"\n"
      "    hosts: ['*.example.org']\n    ports: [8443]\n    agents: ['ci']\n"
      "    action: allow\n",
      entry->id);

  g_assert_cmpstr (shown->text, ==, expected);
  g_assert_null (strstr (wide->text, "agents"));
  g_assert_cmpstr (shown->digest, !=, wide->digest);
  g_assert_cmpuint (shown->n_hosts, ==, 1);
  g_assert_cmpstr (shown->hosts[0], ==, "*.example.org");
  g_assert_cmpuint (shown->n_agents, ==, 1);
  g_assert_cmpstr (shown->agents[0], ==, "ci");
  g_assert_cmpstr (wide->agents[0], ==, "*");
}

/* Comments, definitions, aliases of ids: nothing of the agent's file but its meaning. */
static void
test_file_text (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_rules (
      f, "# please approve, harmless\ndefinitions:\n  org: 'inDomain(network.hostname, \"x.org\")'\n"
         "rules:\n"
         "  - id: allow-api\n    description: \"D\\u2028\"\n    condition: '$org // me'\n"
         "    action: allow\n    priority: 50\n    log: true\n"
         "    egress: { mode: direct_ip, ports: [443, 22], allow_private_ips: true }\n"
         "  - id: b\n    hosts: [\"y.org\"]\n    action: block\n    reason: \"no 'y'\"\n");
  g_autoptr (OutcallRuleRequestReview) shown = review (f, id, 3600, FALSE);
  g_autofree char *expected = g_strdup_printf (
      "  - id: 'agent-%s-1'\n    description: \"asked for by ci-2: D\\u2028\"\n"
      "    condition: \"agent.name == \\\"ci\\\" && request.time < timestamp(\\\"", id);

  g_test_message ("%s", shown->text);
  g_assert_nonnull (strstr (shown->text, expected));
  g_assert_nonnull (strstr (shown->text, "&& ((inDomain(network.hostname, \\\"x.org\\\")) // me\\n\\n)\"\n"
                                         "    action: allow\n    priority: 50\n    log: true\n"
                                         "    egress:\n      mode: direct_ip\n      ports: [443, 22]\n"
                                         "      allow_private_ips: true\n"));
  g_assert_nonnull (strstr (shown->text, "    action: block\n    reason: 'no ''y'''\n"));
  g_assert_null (strstr (shown->text, "harmless"));
  approve (f, id, 3600, FALSE);
  g_assert_true (is_allowed (f, "ci", "a.x.org", 443));
  g_assert_false (is_allowed (f, "other", "a.x.org", 443));
}

/* --- Deciding ------------------------------------------------------------------------------------- */

static void
test_approve (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 443);
  g_autofree char *path = g_strdup_printf ("%s/agent-%s.yaml", f->rules_dir, id);
  const OutcallRuleRequestEntry *entry;
  GStatBuf st;

  approve (f, id, 0, FALSE);
  g_assert_cmpuint (f->told, ==, 2);
  g_assert_true (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_false (is_allowed (f, "ci", "new.example.org", 80));
  g_assert_false (is_allowed (f, "other", "new.example.org", 443));
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
  reopen (f);
  g_assert_true (is_allowed (f, "ci", "new.example.org", 443));
  entry = oc_requests_lookup (f->requests, id);
  g_assert_cmpint (entry->status, ==, OUTCALL_RULE_REQUEST_STATUS_APPROVED);
  g_assert_cmpuint (entry->decided_by, ==, 1000);
  g_assert_cmpuint (oc_requests_count_pending (f->requests), ==, 0);
}

static void
test_any_agent (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);

  approve (f, id, 0, TRUE);
  g_assert_true (is_allowed (f, "other", "new.example.org", 80));
  g_assert_true (oc_requests_lookup (f->requests, id)->any_agent);
}

static void
assert_untouched (Fixture *f, const char *id)
{
  g_assert_cmpint (status_of (f, id), ==, OUTCALL_RULE_REQUEST_STATUS_PENDING);
  g_assert_false (has_rule_file (f, id));
  g_assert_false (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_true (is_allowed (f, "ci", "api.example.com", 443));
}

/* 13: "approval of one thing, effect of another". */
static void
test_changed_in_between (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  g_autoptr (OutcallRuleRequestReview) shown = review (f, id, 3600, FALSE);
  OutcallRuleRequestApproval approval = approval_of (shown);
  g_autoptr (GError) error = NULL;

  approval.any_agent = true;
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  approval = approval_of (shown);
  approval.expires_at_us += 60 * G_USEC_PER_SEC;
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  approval.expires_at_us = 0;
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  approval.expires_at_us = 1;
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  write_rules (f, "20-more.yaml", "version: \"1\"\nrules:\n  - id: m\n    hosts: [\"m.org\"]\n"
                                  "    action: allow\n");
  approval = approval_of (shown);
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_false (is_allowed (f, "ci", "m.org", 443));
  assert_untouched (f, id);
  approve (f, id, 3600, FALSE);
  g_assert_true (is_allowed (f, "ci", "new.example.org", 443));
}

/* A rules directory that does not load: the request stays, the old rules, too. */
static void
test_reload_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  g_autoptr (OutcallRuleRequestReview) shown = review (f, id, 0, FALSE);
  const OutcallRuleRequestApproval approval = approval_of (shown);
  g_autoptr (GError) error = NULL;

  write_rules (f, "20-bad.yaml", "version: \"2\"\n");
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  assert_untouched (f, id);
}

/* The journal cannot be written: nothing stays of the approval. */
static void
test_journal_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  g_autoptr (OutcallRuleRequestReview) shown = review (f, id, 0, FALSE);
  const OutcallRuleRequestApproval approval = approval_of (shown);
  g_autofree char *path = g_build_filename (f->state_dir, "rule-decisions.jsonl", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_false (oc_requests_approve (f->requests, id, &approval, 0, &error));
  g_assert_nonnull (error);
  assert_untouched (f, id);
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static void
test_reject (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;
  g_autofree char *expected
      = g_strdup_printf ("{\"id\":\"%s\",\"status\":\"rejected\",\"reason\":\"too wide\"}", id);

  g_assert_true (oc_requests_reject (f->requests, id, "too wide", 7, &error));
  reopen (f);
  node = oc_request_to_response (oc_requests_lookup (f->requests, id));
  text = outcall_json_print (node);
  g_assert_cmpstr (text, ==, expected);
  g_assert_false (oc_requests_reject (f->requests, id, NULL, 7, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (oc_requests_review (f->requests, "0123456789abcdef", 0, FALSE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* --- Time ------------------------------------------------------------------------------------------ */

typedef struct
{
  Fixture *f;
  const char *id;
} Ended;

static gboolean
has_ended (gpointer user_data)
{
  Ended *ended = user_data;

  return oc_requests_lookup (ended->f->requests, ended->id)->ended;
}

static void
test_end (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  Ended ended = { f, id };
  gint64 end_us = approve_briefly (f, id);
  gboolean allowed = is_allowed (f, "ci", "new.example.org", 443);

  g_assert_true (allowed || g_get_real_time () >= end_us);
  g_assert_true (oc_test_wait (has_ended, &ended));
  g_assert_false (has_rule_file (f, id));
  g_assert_false (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_cmpuint (f->told, ==, 3);
  reopen (f);
  g_assert_true (oc_requests_lookup (f->requests, id)->ended);
}

static gboolean
is_past (gpointer user_data)
{
  return g_get_real_time () > *(gint64 *) user_data;
}

/* Nobody was there when it ended; and the rule does not hold even while its file is there. */
static void
test_end_while_away (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  gint64 end_us = approve_briefly (f, id);
  gboolean gone = oc_requests_lookup (f->requests, id)->ended;

  close_requests (f);
  g_assert_true (oc_test_wait (is_past, &end_us));
  g_assert_true (has_rule_file (f, id) || gone);
  open_requests (f);
  g_assert_true (oc_requests_lookup (f->requests, id)->ended);
  g_assert_false (has_rule_file (f, id));
  g_assert_false (is_allowed (f, "ci", "new.example.org", 443));
}

/* The rules cannot be loaded when the time is over: the condition ends it. */
static void
test_end_without_reload (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  Ended ended = { f, id };

  (void) approve_briefly (f, id);
  write_rules (f, "20-bad.yaml", "version: \"2\"\n");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*is over*");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*cannot be loaded*");
  g_assert_true (oc_test_wait (has_ended, &ended));
  g_test_assert_expected_messages ();
  g_assert_false (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_true (is_allowed (f, "ci", "api.example.com", 443));
}

/* --- History --------------------------------------------------------------------------------------- */

static void
test_history_limit (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_host (f, "new.example.org", 0);
  g_autofree char *path = g_build_filename (f->state_dir, "rule-decisions.jsonl", NULL);
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= OC_REQUESTS_DECIDED_MAX + 5; i++)
    g_string_append_printf (
        lines,
        "{\"id\":\"%016x\",\"status\":\"rejected\",\"workload\":\"w\",\"workload_id\":\"w\","
        "\"agent\":\"w\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\",\"any_agent\":false,"
        "\"ended\":false}\n",
        i);
  close_requests (f);
  g_assert_true (g_file_set_contents (path, lines->str, (gssize) lines->len, NULL));
  open_requests (f);
  list = oc_requests_list (f->requests, TRUE, 0);
  g_assert_cmpuint (list->len, ==, OC_REQUESTS_DECIDED_MAX);
  g_assert_cmpstr (((OutcallRuleRequestEntry *) list->pdata[0])->id, ==, "0000000000000006");
  g_assert_true (oc_requests_reject (f->requests, id, NULL, 0, &error));
  g_assert_null (oc_requests_lookup (f->requests, "0000000000000006"));
  g_assert_nonnull (oc_requests_lookup (f->requests, "0000000000000007"));
}

/* The journal cut anywhere in its last line: that decision never was. */
static void
test_torn_journal (Fixture *f, gconstpointer data)
{
  g_autofree char *first = submit_host (f, "first.example.org", 0);
  g_autofree char *second = submit_host (f, "second.example.org", 0);
  g_autofree char *path = g_build_filename (f->state_dir, "rule-decisions.jsonl", NULL);
  g_autofree char *queue = g_build_filename (f->state_dir, "rule-requests.json", NULL);
  g_autofree char *queued = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize len, whole;

  g_assert_true (g_file_get_contents (queue, &queued, NULL, NULL));
  g_assert_true (oc_requests_reject (f->requests, first, NULL, 0, &error));
  g_assert_true (g_file_get_contents (path, &text, &whole, NULL));
  g_clear_pointer (&text, g_free);
  g_assert_true (oc_requests_reject (f->requests, second, NULL, 0, &error));
  g_assert_true (g_file_get_contents (path, &text, &len, NULL));
  for (gsize cut = whole; cut <= len; cut += MAX (1, (len - whole) / 16))
    {
      close_requests (f);
      g_assert_true (g_file_set_contents (path, text, (gssize) cut, NULL));
      g_assert_true (g_file_set_contents (queue, queued, -1, NULL));
      open_requests (f);
      g_assert_cmpint (status_of (f, first), ==, OUTCALL_RULE_REQUEST_STATUS_REJECTED);
      g_assert_cmpint (status_of (f, second), ==,
                       cut == len ? OUTCALL_RULE_REQUEST_STATUS_REJECTED
                                  : OUTCALL_RULE_REQUEST_STATUS_PENDING);
      if (cut == len)
        break;
      g_assert_true (oc_requests_reject (f->requests, second, NULL, 0, &error));
      reopen (f);
      g_assert_cmpint (status_of (f, second), ==, OUTCALL_RULE_REQUEST_STATUS_REJECTED);
    }
}

static void
test_bad_state (Fixture *f, gconstpointer data)
{
  static const char *const texts[]
      = { "", "{", "[]", "{\"version\":2,\"requests\":[]}", "{\"version\":1}",
          "{\"version\":1,\"requests\":[{}]}",
          "{\"version\":1,\"requests\":[{\"id\":\"../../x\",\"status\":\"pending\",\"workload\":\"w\","
          "\"workload_id\":\"w\",\"agent\":\"w\",\"asked_at\":\"2026-01-01T00:00:00.000000Z\","
          "\"any_agent\":false,\"ended\":false}]}" };
  g_autofree char *path = g_build_filename (f->state_dir, "rule-requests.json", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
      g_assert_null (oc_requests_new (f->state_dir, f->rules, f->log, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, "rule-requests.json"));
    }
}

/* --- Blast radius ------------------------------------------------------------------------------------ */

static void
push (Fixture *f, const char *workload, const char *agent, const char *host, guint16 port,
      gboolean allowed, const char *rule)
{
  const OcDecision decision = { .layer = port != 0 ? OC_LAYER_CONNECT : OC_LAYER_DNS,
                                .allowed = allowed,
                                .workload = oc_str_from (workload),
                                .agent = oc_str_from (agent),
                                .host = oc_str_from (host),
                                .port = port,
                                .method = port != 0 ? OC_STR ("CONNECT") : OC_STR ("A"),
                                .path = port != 0 ? OC_STR ("/") : OC_STR_EMPTY,
                                .rule = oc_str_from (rule) };

  oc_log_push (f->producer, &decision);
}

static void
test_blast_radius (Fixture *f, gconstpointer data)
{
  g_autofree char *id = submit_rules (
      f, "rules:\n  - id: x\n    hosts: [\"*.example.com\", \"z.org\"]\n    action: allow\n"
         "    priority: 1\n");
  g_autoptr (OutcallRuleRequestReview) narrow = NULL;
  g_autoptr (OutcallRuleRequestReview) wide = NULL;

  push (f, "ci-2", "ci", "bad.example.com", 443, FALSE, "block-bad");
  push (f, "ci-2", "ci", "bad.example.com", 0, FALSE, "block-bad");
  push (f, "ci-2", "ci", "api.example.com", 443, TRUE, "allow-api");
  push (f, "ci-2", "ci", "elsewhere.net", 443, FALSE, NULL);
  push (f, "other", "other", "w.example.com", 443, FALSE, NULL);
  narrow = review (f, id, 0, FALSE);
  g_assert_cmpuint (narrow->decisions, ==, 5);
  g_assert_cmpuint (narrow->allowed, ==, 2);
  g_assert_cmpuint (narrow->blocked, ==, 0);
  g_assert_cmpuint (narrow->elsewhere, ==, 0);
  g_assert_cmpuint (narrow->n_allowed_hosts, ==, 1);
  g_assert_cmpstr (narrow->allowed_hosts[0], ==, "bad.example.com");
  g_assert_cmpuint (narrow->n_overrides, ==, 1);
  g_assert_cmpstr (narrow->overrides[0], ==, "block-bad");
  g_assert_cmpuint (narrow->n_hosts, ==, 2);
  wide = review (f, id, 0, TRUE);
  g_assert_cmpuint (wide->allowed, ==, 3);
  g_assert_cmpuint (wide->elsewhere, ==, 1);
}

/* --- Links --------------------------------------------------------------------------------------------- */

static void
collect_json (const OcLogRecord *record, gpointer user_data)
{
  oc_log_record_append_json (record, user_data);
  g_string_append_c (user_data, '\n');
}

static void
push_tool_call (Fixture *f, const char *workload, const char *tool_use)
{
  const OcDecision decision = { .layer = OC_LAYER_AGENT,
                                .allowed = TRUE,
                                .workload = oc_str_from (workload),
                                .agent = OC_STR ("ci"),
                                .path = OC_STR ("npm"),
                                .session = OC_STR ("s1"),
                                .tool_use = oc_str_from (tool_use) };

  oc_log_push (f->producer, &decision);
}

static void
test_links (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autofree char *id = NULL;
  g_autofree char *link = NULL;
  g_auto (GStrv) lines = NULL;
  const OutcallRuleRequestEntry *entry;
  g_autoptr (GError) error = NULL;

  push_tool_call (f, "other", "toolu_other");
  push_tool_call (f, "ci-2", "toolu_1");
  push (f, "ci-2", "ci", "new.example.org", 443, FALSE, NULL);
  push (f, "ci-2", "ci", "third.example.org", 443, FALSE, NULL);
  push (f, "nobody", "nobody", "new.example.org", 443, FALSE, NULL);
  id = submit_host (f, "new.example.org", 443);
  entry = oc_requests_lookup (f->requests, id);
  g_assert_cmpuint (entry->decision, ==, 3);
  g_assert_cmpstr (entry->tool_use_id, ==, "toolu_1");
  push (f, "ci-2", "ci", "new.example.org", 443, FALSE, NULL);
  push (f, "ci-2", "ci", "new.example.org", 80, FALSE, NULL);
  oc_log_foreach (f->log, NULL, collect_json, log);
  lines = g_strsplit (log->str, "\n", -1);
  link = g_strdup_printf ("\"request\":\"%s\"", id);
  g_assert_nonnull (strstr (lines[2], link));
  g_assert_nonnull (strstr (lines[2], "\"tool_use_id\":\"toolu_1\""));
  g_assert_nonnull (strstr (lines[2], "\"session_id\":\"s1\""));
  g_assert_null (strstr (lines[3], "request"));
  g_assert_null (strstr (lines[4], "request"));
  g_assert_null (strstr (lines[4], "toolu"));
  g_assert_nonnull (strstr (lines[5], link));
  g_assert_null (strstr (lines[6], "request"));
  g_assert_true (oc_requests_reject (f->requests, id, NULL, 0, &error));
  push (f, "ci-2", "ci", "new.example.org", 443, FALSE, NULL);
  g_string_truncate (log, 0);
  oc_log_foreach (f->log, NULL, collect_json, log);
  g_assert_null (strstr (strrchr (g_strchomp (log->str), '\n'), "request"));
}

/* --- An operator's own ------------------------------------------------------------------ */

/* (transfer full) */
static OutcallRuleRequestReview *
review_own (Fixture *f, OutcallAllowRequest *what)
{
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  OutcallRuleRequestReview *shown
      = oc_requests_review_own (f->requests, what, diagnostics, &error);

  g_assert_no_error (error);
  what->id = shown->request.id;
  what->digest = shown->digest;
  what->expires_at_us = shown->expires_at_us;
  return shown;
}

/* It is shown without a trace, done as shown, on record, and kept over a restart. */
static void
test_own (Fixture *f, gconstpointer data)
{
  OutcallAllowRequest what = { .agent = (char *) "ci", .host = (char *) "NEW.example.org", .port = 443,
                               .for_s = 3600 };
  g_autoptr (OutcallRuleRequestReview) shown = review_own (f, &what);
  g_autoptr (GError) error = NULL;
  const OutcallRuleRequestEntry *entry;

  g_assert_nonnull (strstr (shown->text, "allowed by an operator for ci"));
  g_assert_cmpuint (oc_requests_count_pending (f->requests), ==, 0);
  g_assert_false (has_rule_file (f, what.id));
  g_assert_true (oc_requests_approve_own (f->requests, &what, 1000, &error));
  g_assert_no_error (error);
  g_assert_true (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_false (is_allowed (f, "other", "new.example.org", 443));
  reopen (f);
  entry = oc_requests_lookup (f->requests, what.id);
  g_assert_true (entry->own);
  g_assert_cmpint (entry->status, ==, OUTCALL_RULE_REQUEST_STATUS_APPROVED);
  g_assert_cmpint (entry->expires_at_us, ==, shown->expires_at_us);
  g_assert_true (is_allowed (f, "ci", "new.example.org", 443));
  g_assert_false (oc_requests_approve_own (f->requests, &what, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
}

/* What is not a review's, or not what it showed, changes nothing. */
static void
test_own_refused (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *agent, *host, *id;
    int code;
  } cases[] = {
    { "ci", "other.example.org", NULL, G_IO_ERROR_BUSY }, /* the digest is of another rule */
    { "ci", "new.example.org", "0123", G_IO_ERROR_INVALID_ARGUMENT },
    { "ci", "new.example.org", "../../../../etc/x", G_IO_ERROR_INVALID_ARGUMENT },
    { "c\"i", "new.example.org", NULL, G_IO_ERROR_INVALID_ARGUMENT },
    { "ci", "not a host", NULL, G_IO_ERROR_INVALID_DATA },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OutcallAllowRequest what = { .agent = (char *) "ci", .host = (char *) "new.example.org" };
      g_autoptr (OutcallRuleRequestReview) shown = review_own (f, &what);
      g_autoptr (GError) error = NULL;

      what.agent = (char *) cases[i].agent;
      what.host = (char *) cases[i].host;
      what.id = cases[i].id != NULL ? (char *) cases[i].id : what.id;
      g_assert_false (oc_requests_approve_own (f->requests, &what, 1000, &error));
      g_assert_error (error, G_IO_ERROR, cases[i].code);
      g_assert_cmpuint (oc_requests_count_pending (f->requests), ==, 0);
      g_assert_false (has_rule_file (f, shown->request.id));
      g_assert_false (is_allowed (f, "ci", "other.example.org", 443));
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } tests[] = {
    { "/requests/submit", test_submit },
    { "/requests/refused", test_refused },
    { "/requests/many-rules", test_many_rules },
    { "/requests/bomb", test_bomb },
    { "/requests/reason-limit", test_reason_limit },
    { "/requests/cap", test_cap },
    { "/requests/cap-of-all", test_cap_of_all },
    { "/requests/short-text", test_short_text },
    { "/requests/file-text", test_file_text },
    { "/requests/approve", test_approve },
    { "/requests/any-agent", test_any_agent },
    { "/requests/changed-in-between", test_changed_in_between },
    { "/requests/reload-fails", test_reload_fails },
    { "/requests/journal-fails", test_journal_fails },
    { "/requests/reject", test_reject },
    { "/requests/end", test_end },
    { "/requests/end-while-away", test_end_while_away },
    { "/requests/end-without-reload", test_end_without_reload },
    { "/requests/history-limit", test_history_limit },
    { "/requests/torn-journal", test_torn_journal },
    { "/requests/bad-state", test_bad_state },
    { "/requests/blast-radius", test_blast_radius },
    { "/requests/links", test_links },
    { "/requests/own", test_own },
    { "/requests/own-refused", test_own_refused },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);
  return g_test_run ();
}
